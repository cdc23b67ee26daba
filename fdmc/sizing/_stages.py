"""Reliability-redundancy problems: how many components, and how reliable each of them is."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._problem import Resource, repeated, require_none, resource_problems


Use = Callable[[Float[Array, ""], Float[Array, ""]], Float[Array, ""]]
"""What a stage uses, from the number of components and the reliability of each: a JAX function."""

System = Callable[[Float[Array, " stages"]], Float[Array, ""]]
"""Reliability of the system from those of its stages: a JAX function, increasing in each."""


@dataclasses.dataclass(frozen=True)
class Stage:
    """Equal active components in parallel; their number and their reliability are to be chosen.

    - `name`: of the stage.
    - `uses`: by resource, a JAX function of the number of components and the reliability of one,
        increasing in both.
    - `least`, `most`: bounds on the number of components.
    - `lowest`, `highest`: bounds on the reliability of a component.
    """

    name: str
    uses: Mapping[str, Use]
    least: int = 1
    most: int = 10
    lowest: float = 0.5
    highest: float = 1 - 1e-6

    def problems(self) -> list[str]:
        """What is wrong with it, in words."""
        found = []
        if not 1 <= self.least <= self.most:
            found.append(f"1 <= least <= most must hold, but they are {self.least}, {self.most}")
        if not 0 < self.lowest < self.highest < 1:
            found.append(
                f"0 < lowest < highest < 1 must hold, but they are {self.lowest}, {self.highest}"
            )
        return [f"stage {self.name!r}: {problem}" for problem in found]


@dataclasses.dataclass(frozen=True)
class ReliabilityRedundancy:
    """Stages that share resources; component counts and component reliabilities are chosen together.

    A stage has reliability $R_i = 1 - (1 - r_i)^{n_i}$; the system $R = \\prod_i R_i$, unless a
    structure is given (Tillman, Hwang and Kuo, "Determining component reliability and redundancy
    for optimum system reliability", 1977).

    **Arguments:**

    - `stages`: the decisions.
    - `resources`: with limits, shared by all stages.
    - `system`: reliability of the system from those of the stages (a bridge, say); left out, the
        stages are in series, and the answer can be proved.

    **Raises:** `SizingError`, a `ValueError` that lists everything that is wrong.
    """

    stages: Sequence[Stage]
    resources: Sequence[Resource]
    system: System | None = None

    def __post_init__(self):
        found = [] if self.stages else ["there are no stages"]
        found += resource_problems(self.resources)
        found += repeated("stage", [one.name for one in self.stages])
        known = {resource.name for resource in self.resources}
        for one in self.stages:
            found += one.problems()
            for name in sorted(set(one.uses) - known):
                found.append(f"stage {one.name!r}: uses {name!r}, which is no resource")
        if not found:
            found += self._wrong_functions()
        require_none("reliability-redundancy problem", found)

    def _wrong_functions(self) -> list[str]:
        """Functions are tried at their ends; what holds between them is for the user to see to."""
        found = []
        with jax.enable_x64(True):
            for one in self.stages:
                for name, use in one.uses.items():
                    low = use(jnp.array(float(one.least)), jnp.array(one.lowest))
                    high = use(jnp.array(float(one.most)), jnp.array(one.highest))
                    if not (np.shape(low) == () and 0 <= float(low) <= float(high) < np.inf):
                        found.append(
                            f"stage {one.name!r}: use of {name!r} must be a finite scalar, zero or "
                            f"more, that increases, but goes from {low} to {high}"
                        )
            if self.system is not None:
                ends = [float(self.system(jnp.full(len(self.stages), r))) for r in (0.0, 1.0)]
                if not np.allclose(ends, [0, 1], atol=1e-9):
                    found.append(
                        f"system must go from 0 to 1 as its stages do, but goes from {ends[0]} to {ends[1]}"
                    )
        return found
