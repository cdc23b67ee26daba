"""A text is only handed out when it reads back as the same tree."""

import dataclasses
from collections.abc import Callable

from ._error import FaultTreeError, Place, Report, TooManyProblemsError
from ._model import FaultTree


def refuse_unless_same(
    tree: FaultTree, read: Callable[[Report], FaultTree | None], kind: str
) -> None:
    """Read what was written, and compare.

    **Raises:** `FaultTreeError` with what the format cannot hold.
    """
    report = Report()
    again = None
    try:
        again = read(report)
    except TooManyProblemsError:
        pass
    if again is not None and not report.problems:
        for field in dataclasses.fields(FaultTree):
            _compare(field.name, getattr(tree, field.name), getattr(again, field.name), report)
    if report.problems:
        raise FaultTreeError(f"{tree.name} in {kind}", report.problems)


def _compare(section: str, wanted: object, found: object, report: Report) -> None:
    if wanted == found:
        return
    message = "this format cannot hold it exactly"
    if isinstance(wanted, dict) and isinstance(found, dict):
        names = [n for n in {**wanted, **found} if wanted.get(n) != found.get(n)]
        for name in names[:20]:
            report.add(Place(f'{section}["{name}"]'), message)
    else:
        report.add(Place(section), message)
