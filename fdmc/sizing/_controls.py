"""Honest controls: random search, greedy steps and uniform sparing, by the same simulations."""

import dataclasses
import math

import numpy as np

from ._judge import Judge
from ._propose import Model
from ._search import LADDER, Question
from ._space import Point, Space, moved


@dataclasses.dataclass(frozen=True)
class Control:
    """What another way of searching found with at most as many histories: None where nothing keeps the limits."""

    name: str
    point: Point | None
    objective: float
    goodput: float
    designs: int
    histories: int


_EACH = LADDER[0]


def random_search(
    space: Space, judge: Judge, model: Model, question: Question, budget: int, seed: int
) -> Control:
    """Designs drawn evenly from the bounds, each on as many histories, until the histories are spent."""
    draw = np.random.default_rng(seed)
    best, value, goodput, designs = None, math.inf, math.nan, 0
    while judge.arena.histories < budget and not question.late:
        point = _drawn(space, draw)
        made = space.made(point)
        if made is None:
            continue
        designs += 1
        ok, score, seen = _score(judge, model, question, point, made)
        if ok and score < value:
            best, value, goodput = point, score, seen
    sign = 1 if question.sense == "least" else -1
    return Control("random search", best, sign * value, goodput, designs, judge.arena.histories)


def _drawn(space: Space, draw: np.random.Generator) -> Point:
    """One design; a value is drawn between its bounds, on its own scale."""
    found = []
    for variable in space.variables:
        if variable.kind == "value":
            low, high, share = variable.low, variable.high, draw.random()
            at = low * (high / low) ** share if variable.log else low + (high - low) * share
            found.append(float(f"{at:.4g}"))
        else:
            grid = space.grid(variable)
            found.append(grid[int(draw.integers(len(grid)))])
    return tuple(found)


def _score(judge: Judge, model: Model, question: Question, point: Point, made):
    """Whether a design keeps the limits, its objective (less is better), its goodput."""
    found = judge(made, min(_EACH, question.replicas))
    forecast = model.forecast(point)
    paid = all(
        forecast[limit.metric] <= limit.bound
        for limit in question.limits
        if limit.metric in ("cost", "power")
    )
    metric = question.metric
    value = found.metrics[metric].best if metric in found.metrics else forecast[metric]
    sign = 1 if question.sense == "least" else -1
    return found.passes and paid, sign * value, found.metrics["goodput"].best


def greedy(
    space: Space, judge: Judge, model: Model, question: Question, budget: int, start: Point
) -> Control:
    """From the design as written, again and again the single step that gains most, by simulation alone.

    While a limit is missed: most goodput for the money; after that: most of the objective among those that keep it.
    """
    here, designs = start, 1
    ok, value, goodput = _score(judge, model, question, here, space.made(here))
    best = (here, value, goodput) if ok else None
    while judge.arena.histories < budget and not question.late:
        steps = []
        for point in space.singles(here, (-1, 1)):
            made = space.made(point)
            if made is None or judge.arena.histories >= budget:
                continue
            designs += 1
            steps.append((point, *_score(judge, model, question, point, made)))
        if ok:
            good = [step for step in steps if step[1] and step[2] < value]
            if not good:
                break
            here, ok, value, goodput = min(good, key=lambda step: step[2])
        else:
            cost = model.cost(here)
            gains = [
                ((step[3] - goodput) / max(model.cost(step[0]) - cost, 1e-9 * max(cost, 1.0)), step)
                for step in steps
                if step[3] > goodput
            ]
            if not gains:
                break
            here, ok, value, goodput = max(gains, key=lambda pair: pair[0])[1]
        if ok and (best is None or value < best[1]):
            best = (here, value, goodput)
    sign = 1 if question.sense == "least" else -1
    if best is None:
        best = (None, math.inf, math.nan)
    return Control("greedy", best[0], sign * best[1], best[2], designs, judge.arena.histories)


def spares_of(space: Space) -> list[int]:
    """Which variables are redundancy: counts of elements in groups that need fewer, and stock on shelves."""
    found = []
    for i, variable in enumerate(space.variables):
        if variable.kind == "count" and needed(space, i) is not None:
            found.append(i)
    return found


def needed(space: Space, index: int) -> tuple[int, int] | None:
    """What of a count is no redundancy, and how many it protects: need of a group, FRUs of a shelf."""
    words = space.variables[index].path.replace("[", ".").split(".")
    base = space.base
    if words[:2] == ["service", "replace"] and words[-1] == "stock":
        rule = base.service.replace.get(words[2])
        fru = words[2] if rule is None else rule.swap
        return 0, _copies(space, fru)
    if words[0] == "units" and words[-1] in ("count", words[-1]) and len(words) >= 4:
        unit = base.units.get(words[1])
        groups = (
            {} if unit is None else unit.contains if words[2] == "contains" else unit.components
        )
        group = groups.get(words[3])
        if group is not None and group.need is not None:
            return group.need, group.need
    return None


def _copies(space: Space, fru: str) -> int:
    tree, base = space.base.tree, space.base
    if fru in tree.nodes:
        return tree.nodes[fru].total
    return sum(
        tree.nodes[unit].total * body.components[fru].count
        for unit, body in base.units.items()
        if fru in body.components
    )


def uniform(space: Space, model: Model, like: Point, cost: float) -> Point | None:
    """Equal percentage of spares everywhere, all else as in `like`, at the cost nearest below (or the least there is).

    The percentage is of what is needed (of a shelf: of the FRUs in the machine), rounded up by largest remainder as
    far as the money goes, within the bounds of the variables.
    """
    spares = spares_of(space)
    if not spares:
        return None
    sizes = {i: needed(space, i) for i in spares}

    def at(share: float) -> Point:
        point = like
        for i, pair in sizes.items():
            assert pair is not None
            need, each = pair
            low, high = int(space.variables[i].low), int(space.variables[i].high)
            point = moved(point, i, min(max(need + math.floor(share * each + 1e-9), low), high))
        return point

    low, high = 0.0, 1.0
    while model.cost(at(high)) < cost and high < 64:
        high *= 2
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if model.cost(at(middle)) <= cost else (low, middle)
    point = at(low)
    # What is left buys the next spare of whichever is nearest to the next whole number.
    remainder = {}
    for i, pair in sizes.items():
        assert pair is not None
        remainder[i] = (low * pair[1]) % 1
    for i in sorted(spares, key=lambda i: -remainder[i]):
        up = space.step(space.variables[i], point[i], 1)
        if up is not None and model.cost(moved(point, i, up)) <= cost:
            point = moved(point, i, up)
    return point
