"""Single instances by path, and what losing one of them takes."""

import numpy as np

from ..plan import COMPUTE, TRUNK, Effects
from ..spec import Scenario, Tree
from ._losses import unit_loss


MOST = 10_000


def instances(scenario: Scenario, path: str) -> dict:
    """Return the instances that `path` addresses, and what losing one of them takes.

    Ranges are first and last number, counted from 0; `planes` is `None` where accelerators
    themselves are lost, or the trunk above them.
    At most 10,000 instances are listed; `count` is how many there are.

    **Raises:** `ValueError` on a path that addresses nothing; `PlanError` on a unit that fdmc
    cannot represent.
    """
    name, numbers = scenario.tree.select(path)
    effects = Effects(scenario)
    loss = unit_loss(scenario, effects, name)
    group = scenario.tree.nodes[name].need is not None and effects.group(name)
    first = numbers[:MOST]
    # The effect of a pooled group is numbered by its parent.
    index = first // scenario.tree.nodes[name].count if group else first
    effect = (group[1] if group else effects.of(name)).take(index)
    whole = effect.kind in (COMPUTE, TRUNK)

    def span(low, high):
        return [int(low), int(high) - 1]

    listed = [
        {
            "path": address(scenario.tree, name, int(number)),
            "number": int(number),
            "accelerators": span(effect.low[i], effect.high[i]),
            "planes": None if whole else span(effect.left[i], effect.right[i]),
        }
        for i, number in enumerate(first)
    ]
    return {
        "unit": name,
        "role": effects.role(name),
        "count": int(np.size(numbers)),
        "takes": loss.text,
        "loss": loss,
        "instances": listed,
    }


def address(tree: Tree, name: str, number: int) -> str:
    """Return the path of one instance with an index at every level: `rack[2].tray[3].engine[0]`."""
    parts = []
    for unit in tree.ancestors(name):
        count = tree.nodes[unit].count
        number, copy = divmod(number, count)
        parts.append(f"{unit}[{copy}]" if unit != tree.root else unit)
    return ".".join(reversed(parts[:-1])) or name
