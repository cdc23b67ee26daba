"""Which accelerators the job uses, in which groups, and what is done when some are lost, in words."""

from ..spec import Scenario
from ._format import duration, percent


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
    domains = scenario.workload.domains
    if domains is not None:
        yield (
            f"Fleet: {domains:,} such domains with {domains * _total(scenario):,} accelerators do one job; a stop of "
            "any stops all."
        )
