"""The engine and the reference side by side: the same facts of each, and how far apart they are."""

import concurrent.futures
import dataclasses
import json
import math
import multiprocessing
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import fdmc
from fdmc import reference, spec
from fdmc.collect._columns import SPENT, columns_of
from fdmc.collect._economics import spending_of
from fdmc.collect._run import BINS
from fdmc.plan import lower
from fdmc.tally import HOURS
from fdmc.thermal import TEMPLATES


Z = 4.9  # one false alarm in a million, each

# Histories of the engine and of the reference: few in `make test`, four times as many in `make verify`.
FEW_AND_MANY = pytest.mark.parametrize(
    "times", [1, pytest.param(4, marks=pytest.mark.verification)]
)


_COUNTS = (
    "failures", "swaps", "blast", "interruptions", "drains", "lock_losses", "scheduled",
    "scheduled_drains",
)  # fmt: skip
# The reference blames by component, of which these are sums, and keeps no curve and no prices.
_OURS_ALONE = ("blame.fru", "stops.", "curve.", "window.", "scheduled_drains.fru", SPENT)


@dataclasses.dataclass(frozen=True)
class Fact:
    """Mean and variance of a number over so many histories."""

    mean: float
    variance: float
    count: int

    @staticmethod
    def of(total: float, square: float, count: int) -> "Fact":
        mean = total / count
        return Fact(mean, max(square - total * mean, 0.0) / (count - 1), count)


def engine_run(
    scenario: spec.Scenario, replicas: int, seed: int = 1
) -> tuple[dict[str, Fact], fdmc.Result]:
    """Means over the engine's histories, from the exact sums in its ledger, and its own result."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger"
        result = fdmc.run(scenario, seed=seed, stop=fdmc.Replicas(replicas), ledger=path)
        tally = json.loads(path.read_text())["tally"]
    assert tally["void"] == 0
    assert tally["replicas"] == replicas
    columns = columns_of(*lower(scenario), BINS, spending_of(scenario))
    facts = {}
    for column, total, square in zip(columns.columns, tally["sums"], tally["squares"], strict=True):
        unit = HOURS if column.unit == "h" else 1
        facts[column.name] = Fact.of(total / unit, square / unit**2, replicas)
    return facts, result


def engine_facts(scenario: spec.Scenario, replicas: int, seed: int = 1) -> dict[str, Fact]:
    """Means over the engine's histories."""
    return engine_run(scenario, replicas, seed)[0]


def reference_facts(scenario: spec.Scenario, replicas: int, seed: int = 1) -> dict[str, Fact]:
    """The same from the reference, in processes that check no types (10 times faster)."""
    half = replicas // 2
    totals: Counter[str] = Counter()
    squares: Counter[str] = Counter()
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=spawn) as pool:
        parts = [
            pool.submit(_sums, scenario.document, seed, range(*some))
            for some in ((half,), (half, replicas))
        ]
        for part in parts:
            for sums, more in zip((totals, squares), part.result(), strict=True):
                sums.update(more)
    return {key: Fact.of(totals[key], squares[key], replicas) for key in totals}


def built(scenario: spec.Scenario) -> reference.Machine:
    """The machine of the reference, with the numbers of its thermal template."""
    return reference.build(scenario, network(scenario))


def network(scenario: spec.Scenario) -> reference.Network | None:
    """The numbers of the thermal template, as the reference takes them."""
    if scenario.thermal is None:
        return None
    known = TEMPLATES[scenario.thermal.template]
    value = lambda numbers: {name: each.value for name, each in numbers.items()}
    return reference.Network(
        *(value(each) for each in (known.paths, known.capacitance, known.watts))
    )


def _sums(
    document: dict[str, Any], seed: int, replicas: range
) -> tuple[Counter[str], Counter[str]]:
    machine = built(spec.load(document))
    names = {name: rule.swap or name.split("/")[1] for name, rule in machine.rules.items()}
    swaps = {rule.name: names[name] for name, rule in machine.rules.items()}
    totals: Counter[str] = Counter()
    squares: Counter[str] = Counter()
    for replica in replicas:
        row = _row(machine, reference.history(machine, seed, replica), swaps)
        totals.update(row)
        squares.update({key: value * value for key, value in row.items()})
    return totals, squares


def _row(machine: reference.Machine, o: reference.Outcome, swaps: dict[str, str]) -> Counter[str]:
    accelerators = len(machine.accelerators)
    row: Counter[str] = Counter()
    row["lost"] = o.hours - o.work  # type: ignore[assignment]
    row["idle"] = o.hours - o.running_hours  # type: ignore[assignment]
    row["unused"] = o.hours - o.used_hours  # type: ignore[assignment]
    row["impaired"] = o.hours - o.full_hours  # type: ignore[assignment]
    row["inexact"] = o.inexact_hours  # type: ignore[assignment]
    for op, hours in o.efficiency_hours.items():
        row[f"slowed.{op}"] = o.running_hours - hours  # type: ignore[assignment]
    row["interruptions"], row["drains"] = o.interruptions, o.drains
    row["occurrences"] = sum(o.failures.values())
    row["blast"] = sum(size * count for size, count in o.blast.items())
    for size, count in o.blast.items():
        row[f"blast.{size}"] += count
    for rule, count in o.jobs.items():
        row[f"swaps.{swaps[rule]}"] += count
    for name, count in o.failures.items():
        row[f"failures.{name.split('/')[1]}"] += count
    for name, count in o.planned.items():
        row[f"scheduled.{name.split('/')[1]}"] += count
    for name, count in o.planned_drains.items():
        row[f"scheduled_drains.component.{name.split('/')[1]}"] += count
        row[f"scheduled_drains.level.{name.split('/')[0]}"] += count
    row["dark"] = o.dark_hours  # type: ignore[assignment]
    for kind in machine.heat.excursions:
        if machine.heat.darkens(kind):
            row["lock_losses"] += o.failures[f"{kind.unit}/{kind.name}"]
    for name, hours in o.blame.items():
        row[f"blame.component.{name.split('/')[1]}"] += hours / accelerators  # type: ignore[assignment]
        row[f"blame.level.{name.split('/')[0]}"] += hours / accelerators  # type: ignore[assignment]
    return row


def distances(
    ours: dict[str, Fact], theirs: dict[str, Fact], least: float = 10.0
) -> dict[str, float]:
    """z of every fact that both have, or that one has and should not; rare counts are left out.

    The normal law holds for means of many histories; a count needs `least` occurrences in all.
    """
    found = {}
    for name in sorted(set(ours) | set(theirs)):
        if name.startswith(_OURS_ALONE):
            continue
        a, b = (facts.get(name, Fact(0.0, 0.0, 1)) for facts in (ours, theirs))
        counted = name.split(".")[0] in _COUNTS
        if counted and b.mean * b.count < least and a.mean * b.count < 3 * least:
            continue
        error = math.sqrt(a.variance / a.count + b.variance / b.count)
        if error > 0:
            found[name] = (a.mean - b.mean) / error
        else:
            assert math.isclose(a.mean, b.mean, abs_tol=1e-6), name
    return found


def assert_alike(ours: dict[str, Fact], theirs: dict[str, Fact], at_least: int) -> None:
    """All z within the bound; `at_least` comparisons, so that none goes missing unseen."""
    found = distances(ours, theirs)
    far = {
        name: f"z = {z:.1f}: {ours.get(name)} against {theirs.get(name)}"
        for name, z in found.items()
        if abs(z) > Z
    }
    assert not far, far
    assert len(found) >= at_least, sorted(found)
