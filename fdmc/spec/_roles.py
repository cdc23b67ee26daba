"""Which part a unit plays, by the table of docs/model.md, section 2."""

from collections.abc import Mapping
from typing import Literal

from ._model import Unit
from ._tree import Tree


Role = Literal["container", "link", "plane", "trunk", "supplier", "support"]


def supplier_of(tree: Tree, units: Mapping[str, Unit], name: str) -> str | None:
    """The unit itself or the nearest one above it that has `feeds`, if any."""
    return next((up for up in tree.ancestors(name) if units[up].feeds is not None), None)


def role_of(
    tree: Tree,
    units: Mapping[str, Unit],
    accelerator: str,
    plane: str | None,
    name: str,
    trunk: str | None = None,
) -> Role:
    """The role of a unit; the first that fits, in the order of the table of the model."""
    above = tree.ancestors(name)
    if name in tree.ancestors(accelerator):
        return "container"
    if supplier_of(tree, units, name) is not None:
        return "supplier"
    if accelerator in above:
        return "link"
    if plane is not None and (plane in above or name in tree.ancestors(plane)):
        return "plane"
    if trunk is not None and trunk in above:
        return "trunk"
    return "support"
