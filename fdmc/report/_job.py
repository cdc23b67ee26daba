"""Which accelerators the job uses, in which groups, and what is done when some are lost, in words."""

from collections.abc import Iterator

from rich.console import Group

from ..collect import Result
from ..spec import Leaving, Scenario
from ._format import best, duration, interval, percent, unit_of
from ._table import table


_SAID = {
    "fleet.goodput": "useful work of all domains over ideal work",
    "fleet.ettr": "share of run time kept after stops of any domain",
    "fleet.present": "domains that run and have restarted",
    "fleet.stalled": "time in which all wait since one has just left",
    "fleet.waiting": "time with fewer domains than the minimum",
    "fleet.batch": "batch over that of all domains",
    "fleet.step_rate": "steps over those of the healthy fleet",
    "fleet.interruptions_per_year": "failures that stop a domain",
    "fleet.mttf": "mean run time between stops of any domain",
}


def fleet_tables(result: Result) -> Iterator[Group]:
    """Yield what all domains of a fleet do together; nothing where there is one domain."""
    rows = [
        (name, best(result[name]), interval(result[name]), unit_of(result[name]), said)
        for name, said in _SAID.items()
        if name in result.metrics
    ]
    if rows:
        count = f"{result['fleet.accelerators'].best:,.0f} accelerators"
        columns = ("!metric", ">best", ">95 % interval", "!unit", "what it says")
        note = "All other tables are of one domain."
        yield table(f"Fleet of {count}", columns, rows, note)


def policy_text(scenario: Scenario) -> str:
    """Return the policy in a few words."""
    policy, parallel = scenario.fabric.policy, scenario.workload.parallel
    if policy.unit is not None:
        return f"{policy.kind} {policy.unit}"
    if parallel is None or policy.kind not in ("elastic", "non_uniform"):
        return policy.kind
    if policy.kind == "elastic":
        return f"elastic data ({parallel.data:,} replicas)"
    batch = "a balanced batch" if policy.batch == "balanced" else "equal batches"
    return f"non-uniform tensor (groups of {parallel.tensor:,}, {batch})"


def job_text(scenario: Scenario) -> tuple[str, ...] | None:
    """Return a sentence on each of spares, groups, reconfiguration and fleet; `None` where there is none."""
    found = (*_spares(scenario), *_groups(scenario), *_switching(scenario), *_fleet(scenario))
    return found or None


def _total(scenario: Scenario) -> int:
    return scenario.tree.nodes[scenario.fabric.accelerator].total


def _spares(scenario: Scenario):
    uses, total = scenario.workload.uses, _total(scenario)
    if uses is not None:
        yield (
            f"The job uses {uses:,} accelerators, {total - uses:,} are hot spares: the best, then the lowest "
            "numbers, work."
        )


def _groups(scenario: Scenario):
    parallel = scenario.workload.parallel
    if parallel is None:
        return
    size = (scenario.workload.uses or _total(scenario)) // parallel.data
    expert = "" if parallel.expert is None else f", expert groups of {parallel.expert:,}"
    yield (
        f"Parallel: {parallel.data:,} data replica{'s' * (parallel.data != 1)} of {size:,} accelerators, tensor "
        f"groups of {parallel.tensor:,}{expert}."
    )


def _switching(scenario: Scenario):
    reconfigure = scenario.fabric.reconfigure
    if reconfigure is None:
        return
    took = duration(reconfigure.seconds / 3600)
    yield f"Circuits: every change of the accelerators in use takes {took} more than a restart."
    if reconfigure.spares:
        above = reconfigure.loss_above
        when = "pays" if above is None else f"brings back more than {percent(above)}"
        how = "restarts" if reconfigure.restart else "waits"
        yield (
            f"Spares of {', '.join(reconfigure.spares)} are switched in where that {when}; the job {how} then, and "
            "runs on what is left otherwise."
        )


def _fleet(scenario: Scenario):
    domains, leaving = scenario.workload.domains, scenario.workload.leaving
    if domains is not None:
        stops = "a stop of any stops all." if leaving is None else _leaving(leaving)
        yield (
            f"Fleet: {domains:,} such domains with {domains * _total(scenario):,} accelerators do one job; {stops}"
        )


def _leaving(leaving: Leaving) -> str:
    batch = "all of the batch" if leaving.batch == "kept" else "their part of the batch"
    below = f", below {leaving.minimum:,} domains it waits" if leaving.minimum > 1 else ""
    wait = duration(leaving.stall_seconds / 3600)
    return f"one that stops leaves, the others wait for {wait} and go on with {batch}{below}."
