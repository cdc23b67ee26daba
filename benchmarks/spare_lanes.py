"""Spare lanes, 0 to 8 of them: what test alone says, what the field alone says, and what one pool gives.

    python -m benchmarks.spare_lanes [SCENARIO] [--replicas N] [--seed S] [--json] [--write-results]

(a) The factory looks at shipped yield: every spare lane helps it, and none is ever used again. (b) The field takes
engines as drawn, with all their spares, and counts those that run short. (c) Both draw on one pool: an engine
that test has repaired has fewer spares left. The first columns are exact; histories that share their failures
stand beside them, with intervals.
"""

import argparse
import dataclasses
import json
import math
import sys
from collections.abc import Iterator

import numpy as np
import scipy.stats

import fdmc
from fdmc.collect import Comparison
from fdmc.lifetime import cumulative_hazard
from fdmc.plan import ageing, lifetime_of
from fdmc.spec import Scenario
from fdmc.yields import die_lanes_lost_prob, factory

from ._measure import machine
from ._results import table, write_section


SPARES = range(9)
HOURS_PER_YEAR = 8760.0


@dataclasses.dataclass(frozen=True)
class Row:
    """One number of spares. Swaps: engines that run short in the first mission, for 1,000 engines and a year."""

    spares: int
    ships: float
    field_alone: float
    one_pool: float
    left: float
    more_swaps: fdmc.Estimate
    expected_more: float
    lost_more: fdmc.Estimate
    delivered: float


def study(name: str, replicas: int, seed: int) -> Iterator[Row]:
    """Yield a row for each number of spare lanes."""
    base = fdmc.load(name, ["manufacturing.on=true"])
    assert base.manufacturing is not None
    lane = base.manufacturing.lanes.unit
    node = base.tree.nodes[lane]
    need = node.need or node.count
    for spares in SPARES:
        count = f"units.{node.parent}.contains.{lane}={{count: {need + spares}, need: {need}}}"
        # Latent defects fail in the machine that is made only: that is another question.
        still = "manufacturing.latent.infant=null"
        made = fdmc.load(name, [count, "manufacturing.on=true", still])
        plain = fdmc.load(name, [count, "manufacturing.on=false"])
        yield _row(made, plain, lane, spares, replicas, seed)


def _row(made: Scenario, plain: Scenario, lane: str, spares: int, replicas: int, seed: int) -> Row:
    works = factory(made)
    lost = die_lanes_lost_prob(works.die, works.clustering)
    ships = float(lost[: spares + 1].sum()) * works.assembly_prob
    used = lost[: spares + 1] / lost[: spares + 1].sum()
    failed = _lane_failed_prob(made, lane)
    count, years = made.tree.nodes[lane].count, made.mission_hours / HOURS_PER_YEAR
    short = scipy.stats.binom.sf(
        spares - np.arange(spares + 1), count - np.arange(spares + 1), failed
    )
    alone, both = float(short[0]), float(used @ short)
    pair: Comparison = fdmc.compare([made, plain], seed=seed, replicas=replicas)
    swaps = [
        fdmc.run(s, seed=seed, stop=fdmc.Replicas(replicas))["spares_per_year.package"]
        for s in (made, plain)
    ]
    half = math.hypot(*((e.high - e.low) / 2 for e in swaps))
    more = swaps[0].best - swaps[1].best
    engines = works.packages * works.dies
    return Row(
        spares, ships, 1000 * alone / years, 1000 * both / years, float(used @ (spares - np.arange(spares + 1))),
        fdmc.Estimate(more - half, more, more + half, "1/y", replicas), engines * (both - alone) / years,
        pair.gain[1], ships * (1 - both),
    )  # fmt: skip


def _lane_failed_prob(scenario: Scenario, lane: str) -> float:
    """Probability that a lane fails within the mission, without repair."""
    hazard = 0.0
    for component, group in scenario.units[lane].components.items():
        law, clock = lifetime_of(ageing(scenario, lane, component))
        hours = scenario.mission_hours if clock is None else clock.reached(scenario.mission_hours)
        hazard += group.count * float(cumulative_hazard(law, hours))
    return -math.expm1(-hazard)


def report(name: str, rows: list[Row], replicas: int) -> str:
    """The study as a section of RESULTS.md."""
    head = [
        "spares", "(a) ships", "(b) short, field alone", "(c) short, one pool", "(c) / (b)", "spares left",
        "more swaps/y, exact", "more swaps/y, sampled", "goodput lost to (c) - (b)", "whole after the mission",
    ]  # fmt: skip
    body = [
        [
            str(r.spares), f"{r.ships:.4f}", f"{r.field_alone:.3g}", f"{r.one_pool:.3g}",
            f"{r.one_pool / r.field_alone:.3g}", f"{r.left:.2f}", f"{r.expected_more:.3g}",
            f"{r.more_swaps.best:.3g} [{r.more_swaps.low:.3g}, {r.more_swaps.high:.3g}]",
            f"{r.lost_more.best:.2e} [{r.lost_more.low:.2e}, {r.lost_more.high:.2e}]", f"{r.delivered:.4f}",
        ]
        for r in rows
    ]  # fmt: skip
    note = (
        f"Spare lanes of `{name}`; `short`: of 1,000 engines how many run short of lanes in a year of their "
        f"first mission, exact; swaps and goodput from {replicas:,} histories, 95 % intervals."
    )
    return "\n".join(
        [
            f"## {machine()['key']}: spare lanes",
            "",
            machine()["date"],
            "",
            note,
            "",
            table(head, body),
        ]
    )


def main(argv: list[str] | None = None) -> int:
    """Run the study; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("scenario", nargs="?", default="cpo-2d")
    parser.add_argument("--replicas", type=int, default=4096)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write-results", action="store_true")
    options = parser.parse_args(argv)
    rows = []
    for row in study(options.scenario, options.replicas, options.seed):
        rows.append(row)
        print(f"{row.spares} spares done", file=sys.stderr)
    text = report(options.scenario, rows, options.replicas)
    print(json.dumps([dataclasses.asdict(r) for r in rows]) if options.json else text)
    if options.write_results:
        write_section("spare lanes", machine()["key"], text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
