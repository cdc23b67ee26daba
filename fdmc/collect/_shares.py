"""How much of lost goodput is due to each effect of heat: the same histories without it."""

import dataclasses
from pathlib import Path

from ..spec import Scenario, load
from ..tally import Estimate
from ._compare import compare


@dataclasses.dataclass(frozen=True)
class HeatShares:
    """What leaving out each effect of heat gains in goodput, and that over lost goodput, with 95 % intervals."""

    goodput: Estimate
    gain: dict[str, Estimate]
    share: dict[str, Estimate]
    replicas: int
    seed: int


def heat_shares(
    scenario: Scenario | str | Path, *, seed: int = 0, replicas: int = 2048, chunk: int = 1024
) -> HeatShares:
    r"""Estimate the share of lost goodput that is due to ageing, to cycling and to lock.

    For each effect in `thermal.effects`, the same replicas run without it: with goodput $g$, and $g_{-e}$ without
    effect $e$, its gain is $g_{-e} - g$ and its share $(g_{-e} - g) / (1 - g)$, both by differences of each replica
    (`fdmc.compare`). A share is negative where an effect helps: parts that are cooler than the temperature at which
    their lifetime holds, or that cycle less. Shares need not add up to that of all effects together.

    **Arguments:** `scenario`, a `Scenario`, a file, or the name of a packaged one; `seed`; `replicas`; `chunk`,
    replicas a call.

    **Returns:** `HeatShares`: by effect, in the order of `thermal.effects`.

    **Raises:** `ValueError` for a scenario without a thermal section, or with no effect left in it.
    """
    machine = scenario if isinstance(scenario, Scenario) else load(scenario)
    thermal = machine.thermal
    if thermal is None:
        raise ValueError(
            f"{machine.name} has no thermal section, so that heat has no share in its losses."
        )
    if not thermal.effects:
        raise ValueError(f"{machine.name}: thermal.effects is empty; nothing is left to take out.")
    arms = [machine]
    for effect in thermal.effects:
        left = tuple(other for other in thermal.effects if other != effect)
        arms.append(
            dataclasses.replace(machine, thermal=dataclasses.replace(thermal, effects=left))
        )
    found = compare(arms, seed=seed, replicas=replicas, chunk=min(chunk, replicas))
    return HeatShares(
        found.goodput[0],
        dict(zip(thermal.effects, found.gain[1:], strict=True)),
        dict(zip(thermal.effects, found.share[1:], strict=True)),
        found.replicas,
        seed,
    )
