"""Every metric by name: its unit and what it says. `docs/metrics.md` is this table."""

import dataclasses
import re

from ._costs_metrics import COST_METRICS


@dataclasses.dataclass(frozen=True)
class Metric:
    """One metric or, with a `<placeholder>`, a family of them."""

    name: str
    unit: str
    definition: str

    def matches(self, name: str) -> bool:
        """Whether this documents the metric `name`."""
        parts = re.split(r"<[^>]+>", self.name)
        return re.fullmatch(r"[A-Za-z0-9_.-]+".join(map(re.escape, parts)), name) is not None


_LOST = "lost_accelerator_hours_per_year"
_BLAME = (
    "of the lost accelerator-hours, those blamed on {0}; the active failures of a moment share its "
    "loss in "
    "proportion to what each alone has taken"
)

METRICS = (
    Metric(
        "goodput",
        "1",
        "useful work over the work of the same machine without failures and checkpoints: `ettr` "
        "less the drains "
        "(`drains_per_year` times the time to resume), times `work_rate`",
    ),
    Metric(
        "work_rate",
        "1",
        "time average of the speed of the job relative to the healthy machine, checkpoints and "
        "restarts apart: used "
        "over all accelerators times healthy over actual step time",
    ),
    Metric(
        "ettr",
        "1",
        "effective training time ratio: share of the run time that is kept when checkpoints are "
        "written and "
        "interruptions repeat the work since the last one (exact Daly form)",
    ),
    Metric(
        "availability",
        "1",
        "time average of used over all accelerators; parked, waiting and failed ones are not used",
    ),
    Metric("full_strength", "1", "share of the mission in which nothing is lost anywhere"),
    Metric(
        "idle",
        "1",
        "share of the mission in which no work is done: below `workload.minimum`, or all is lost",
    ),
    Metric(
        _LOST,
        "accelerator h/y",
        "accelerators times (1 - `work_rate`) times a year of 8,760 h; checkpoints and restarts "
        "are not in it",
    ),
    *(
        Metric(
            f"lost_goodput.{kind}.<{name}>",
            "1",
            f"part of 1 - `goodput` that {who} takes: lost work by blame, and checkpoints, restarts "
            "and drains in proportion to interruptions (scheduled work: its own drains); the parts add up to "
            "1 - `goodput`",
        )
        for kind, name, who in (
            ("component", "component", "one component"),
            ("fru", "FRU", "the components replaced with this FRU"),
            ("level", "unit", "the components on this unit"),
        )
    ),
    Metric("interruptions_per_year", "1/y", "failures that take a used accelerator out of use"),
    Metric(
        "reconfigurations_per_year",
        "1/y",
        "of the interruptions, those that only bring spares in: circuits are switched, and no accelerator drops out; "
        "only with `fabric.reconfigure.spares`",
    ),
    Metric(
        "<metric>.all",
        "1",
        "`goodput`, `work_rate` or `availability` of all accelerators, hot spares included; only with "
        "`workload.uses`, where the metric itself is of those that the job uses",
    ),
    Metric(
        "fleet.accelerators", "accelerators", "all domains of a fleet; only with `workload.domains`"
    ),
    Metric(
        "fleet.goodput",
        "1",
        "goodput of one job on all domains: `fleet.ettr` less the drains of all, times `work_rate`; domains share the "
        "batch by their pace. With `on_stop: leave` drains are in `fleet.ettr`, and what a step loses or gains "
        "by fewer domains comes on top",
    ),
    Metric(
        "fleet.ettr",
        "1",
        "as `ettr`, for a job that an interruption of any domain stops: the mean run time is that of a domain over "
        "their number. With `on_stop: leave`: share of the run time of domains in which they take part in the work of "
        "the fleet, less checkpoints",
    ),
    Metric("fleet.interruptions_per_year", "1/y", "`interruptions_per_year` of all domains"),
    Metric(
        "fleet.mttf",
        "h",
        "mean run time of the job on all domains between two interruptions; with `on_stop: leave` mean time for which "
        "the fleet works between two stops for which it waits",
    ),
    Metric(
        "fleet.present",
        "1",
        "share of the time in which a domain runs and has restarted after its last stop or drain; only with `on_stop: "
        "leave`, like the four that follow",
    ),
    Metric(
        "fleet.stalled",
        "1",
        "share of the time in which all domains wait since one has just left, or switches circuits without a restart",
    ),
    Metric(
        "fleet.waiting",
        "1",
        "share of the time in which nobody is waited for, but fewer domains than the minimum take part",
    ),
    Metric(
        "fleet.batch",
        "1",
        "batch of a step over that of the healthy fleet, mean over the time in which the fleet works; 1 where it is "
        "kept",
    ),
    Metric(
        "fleet.step_rate",
        "1",
        "steps of the optimiser over those of the healthy fleet without checkpoints: `fleet.goodput` over "
        "`fleet.batch`",
    ),
    Metric("drains_per_year", "1/y", "starts of repairs that take a used accelerator out of use"),
    Metric(
        "collective_efficiency.<op>",
        "1",
        "healthy over actual time of the collective, averaged over the time in which work is done; "
        "above 1 where fewer accelerators take part; `<op>` carries `.<algorithm>` or a number "
        "where an operation occurs twice",
    ),
    Metric(
        "inexact_time",
        "1",
        "share of the mission in which the closed forms of the collectives are lower bounds of the "
        "time, not exact: on some "
        "live plane, not more than 3/4 of the used accelerators have the plane's best rate",
    ),
    Metric(
        "thermally_stable_throughput",
        "1",
        "time average of the bandwidth that links deliver as far as heat is concerned, relative to all needed "
        "lanes: lanes out of lock count as zero, spares replace them first, and failures are left out; only with a "
        "thermal section, like the six that follow",
    ),
    Metric(
        "thermally_stable_throughput.p1",
        "1",
        "1 % quantile of that bandwidth over windows of an hour (16 a history, one somewhere in each equal part of the "
        "mission), in steps of 0.25 %; its interval is that of the share of windows below",
    ),
    Metric(
        "steady_dark_lanes",
        "1",
        "share of the needed lanes that heat keeps dark between excursions, spares used first, averaged over the "
        "steps of the environment",
    ),
    Metric(
        "lock_losses_per_year",
        "1/y",
        "excursions that take lanes out of lock, in the whole machine",
    ),
    Metric(
        "power.heat",
        "W",
        "heat of all packages, mean over the load and the stops, between excursions",
    ),
    Metric(
        "power.cooling", "W", "what carries it away: `thermal.cooling` watts for each watt of heat"
    ),
    Metric(
        "power.tuning",
        "W",
        "heaters of all rings, mean over the load and the stops, between excursions",
    ),
    *(Metric(*row) for row in COST_METRICS),
    Metric(
        "blast_radius.mean",
        "accelerators",
        "accelerators impaired or taken out by an occurrence at its worst, repair included, "
        "averaged over occurrences; "
        "0 for one that a spare absorbs",
    ),
    Metric(
        "occurrences_per_year", "1/y", "failures of components, whether or not a spare absorbs them"
    ),
    Metric(
        "occurrences_per_year.<component>", "1/y", "failures of one component, wherever it stands"
    ),
    Metric(
        "scheduled_per_year.<work>",
        "1/y",
        "how often scheduled work falls due, all copies of its unit together; only with `service.scheduled`",
    ),
    Metric(
        "spares_per_year.<FRU>",
        "1/y",
        "repair jobs opened that swap this FRU; each takes one spare",
    ),
    Metric(f"{_LOST}.component.<component>", "accelerator h/y", _BLAME.format("one component")),
    Metric(
        f"{_LOST}.fru.<FRU>",
        "accelerator h/y",
        _BLAME.format("components that are replaced with this FRU"),
    ),
    Metric(
        f"{_LOST}.level.<unit>",
        "accelerator h/y",
        _BLAME.format("components that stand on this unit"),
    ),
)


def document_of(name: str) -> Metric:
    """Return the documentation of a metric that a run has produced.

    **Raises:** `KeyError` when nothing documents it.
    """
    for metric in METRICS:
        if metric.matches(name):
            return metric
    raise KeyError(f"no metric is called '{name}'; docs/metrics.md lists them.")


def metrics_table() -> str:
    """Return the table of `docs/metrics.md`."""
    rows = [f"| `{m.name}` | {m.unit} | {m.definition} |" for m in METRICS]
    return "\n".join(["| name | unit | definition |", "|---|---|---|", *rows])
