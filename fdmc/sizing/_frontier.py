"""The frontier: what every more of goodput costs, design by design."""

import dataclasses
import time
from collections.abc import Callable

import numpy as np

from ..spec import Limit
from ._certify import design
from ._judge import Judge
from ._problem import SizingError
from ._propose import Better, Model, propose, walk
from ._search import Question
from ._sized import Frontier
from ._space import Space


_LEAST = 1e-9
"""Lost goodput that counts as none."""


def frontier_of(
    space: Space, model: Model, judge: Judge, question: Question, tell: Callable, count: int
) -> tuple[Frontier, ...]:
    """Size for `count` bounds on goodput, from that of the cheapest design to that of the best, by the screen.

    Every design is simulated on the certificate's histories; `best` says that no other one of them is both cheaper and
    better.
    """
    if space.base.economics is None:
        raise SizingError(f"frontier of {space.base.name}", ["it needs prices: add economics"])
    start = space.start()
    least = walk(model, Better(model, "least", "cost", (), {}), start)
    most = walk(model, Better(model, "most", "goodput", (), {}), start)
    ends = [max(1 - model.forecast(point)["goodput"], _LEAST) for point in (least, most)]
    found = []
    for number, lost in enumerate(np.geomspace(ends[0], ends[1] * 1.0001, count).tolist()):
        tell(f"frontier {number + 1} of {count}", 0.0)
        limit = Limit("goodput", 1 - lost)
        centre = least if not found else found[-1][1]
        point = propose(model, "least", "cost", (limit,), centre, {}, keep=1).points[0]
        found.append((1 - lost, point))
        if time.monotonic() > question.deadline + 0.5 * max(count, 1) * 10:
            break
    out = []
    for target, point in dict((point, (target, point)) for target, point in found).values():
        made = space.made(point)
        assert made is not None
        verdict = judge(made, min(question.replicas, 1024))
        out.append(
            Frontier(
                target, design(space, f"{target:.4%}", point, verdict, judge.arena, None), True
            )
        )
    return tuple(
        dataclasses.replace(one, best=not any(_beats(other, one) for other in out)) for one in out
    )


def _beats(one: Frontier, other: Frontier) -> bool:
    a, b = one.design, other.design
    assert a.cost is not None
    assert b.cost is not None
    cheaper, better = a.cost.best <= b.cost.best, a.goodput.best >= b.goodput.best
    return cheaper and better and (a.cost.best < b.cost.best or a.goodput.best > b.goodput.best)
