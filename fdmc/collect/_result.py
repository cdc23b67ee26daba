"""What a run says: every number with its interval, unit and origin."""

import dataclasses
import math
import platform
from collections.abc import Iterator
from functools import cached_property
from importlib import metadata
from typing import TYPE_CHECKING

import jax
import numpy as np

from ..plan import DARK, EXCURSION, SCHEDULED, Directory, Plan
from ..spec import Scenario
from ..tally import HOURS, Estimate, Tally, function_estimate, level_edges, mean_estimate
from ._columns import HOURS_UNIT, Columns, collective_names
from ._economics import economics_metrics
from ._goodput import conventions_of, ettr_of, goodput_of, reconfigure_seconds
from ._heat import heat_metrics
from ._jobs import fleet_metrics, job_metrics
from ._scheduled import drain_hours, scheduled_names


if TYPE_CHECKING:
    import xarray


HOURS_PER_YEAR = 8760.0


@dataclasses.dataclass(frozen=True)
class Contributor:
    """One row of the blame.

    `goodput` is what it takes from goodput, restarts after its interruptions included, and `share`
    its part of all that is lost; `lost` the accelerator-hours a year that it takes directly.
    """

    name: str
    goodput: Estimate
    lost: Estimate
    share: float
    occurrences: Estimate | None
    grade: str


@dataclasses.dataclass(frozen=True)
class Result:
    """A statement with its error bars. `result["goodput"]` is an `Estimate`; `print(result)` a caption.

    `metrics` has the stable names documented in `docs/metrics.md`; `status` is `ok`,
    `precision_not_reached`, or `bound_hit` (some replicas outgrew every bound and are left out).
    """

    scenario: str
    title: str
    fingerprint: str
    seed: int
    replicas: int
    status: str
    metrics: dict[str, Estimate]
    blast_radius: dict[int, Estimate]
    curve_hours: np.ndarray
    curve: dict[str, np.ndarray]
    directory: Directory
    conventions: dict[str, str]
    timing: dict[str, float]
    origin: dict[str, str]

    def __getitem__(self, name: str) -> Estimate:
        return self.metrics[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.metrics)

    def __str__(self):
        lost = self["goodput"].complement()
        return (
            f"{self.scenario}: goodput {self['goodput']}, lost {lost.best:.3%} "
            f"[{lost.low:.3%}, {lost.high:.3%}] (95 %, {self.replicas} histories, seed {self.seed}, {self.status})"
        )

    def contributors(self, by: str = "component") -> list[Contributor]:
        """Return who is to blame, worst first; `by` is component, fru or level."""
        prefix = f"lost_accelerator_hours_per_year.{by}."
        if by not in ("component", "fru", "level"):
            raise ValueError(f"by must be component, fru or level, but is {by!r}.")
        total = 1 - self["goodput"].best
        key = {"component": "component", "fru": "fru", "level": "unit"}[by]
        found = []
        for name, estimate in self.metrics.items():
            if name.startswith(prefix):
                who = name.removeprefix(prefix)
                grades = {c.grade for c in self.directory.classes if getattr(c, key) == who}
                goodput = self[f"lost_goodput.{by}.{who}"]
                found.append(
                    Contributor(
                        who,
                        goodput,
                        estimate,
                        goodput.best / total if total else 0.0,
                        self.metrics.get(f"occurrences_per_year.{who}")
                        if by == "component"
                        else None,
                        "/".join(sorted(grades)),
                    )
                )
        return sorted(found, key=lambda c: -c.goodput.best)

    def to_dict(self) -> dict:
        """Return the JSON form of the result."""
        plain = lambda e: {
            k: _finite(getattr(e, k)) for k in ("low", "best", "high", "unit", "status")
        }
        return {
            "scenario": self.scenario,
            "title": self.title,
            "fingerprint": self.fingerprint,
            "seed": self.seed,
            "replicas": self.replicas,
            "status": self.status,
            "conventions": self.conventions,
            "timing": self.timing,
            "origin": self.origin,
            "metrics": {name: plain(e) for name, e in self.metrics.items()},
            "blast_radius": {str(size): plain(e) for size, e in self.blast_radius.items()},
            "curve": {
                "hours": self.curve_hours.tolist(),
                **{k: v.tolist() for k, v in self.curve.items()},
            },
        }

    def to_xarray(self) -> "xarray.Dataset":
        """Return the metrics and the curve as a labelled data set (`to_netcdf` writes it)."""
        import xarray as xr  # noqa: PLC0415 (half a second that most runs need not pay)

        names = list(self.metrics)
        values = [[getattr(self[n], b) for b in ("low", "best", "high")] for n in names]
        data = xr.Dataset(
            {
                "metric": (("name", "bound"), np.array(values)),
                "unit": ("name", [self[n].unit for n in names]),
                "blast": (
                    ("size", "bound"),
                    np.array([[e.low, e.best, e.high] for e in self.blast_radius.values()]),
                ),
                **{f"work_rate_{k}": ("hours", v) for k, v in self.curve.items()},
            },
            coords={
                "name": names,
                "bound": ["low", "best", "high"],
                "size": list(self.blast_radius),
                "hours": self.curve_hours,
            },
        )
        return data.assign_attrs(
            scenario=self.scenario, fingerprint=self.fingerprint, seed=str(self.seed),
            replicas=self.replicas, status=self.status, **self.conventions, **self.origin,
        )  # fmt: skip


def _finite(value):
    return value if not isinstance(value, float) or math.isfinite(value) else None


class TallySums:
    """Reads means and estimates out of a tally."""

    def __init__(self, tally: Tally, columns: Columns, mission_hours: float):
        self.tally, self.columns, self.mission = tally, columns, mission_hours

    def mean(self, name: str, scale: float, unit: str, most: float = math.inf) -> Estimate:
        """Estimate the mean of a column times `scale`."""
        i = self.columns.index(name)
        hours = self.columns.columns[i].unit == HOURS_UNIT
        return mean_estimate(
            self.tally.sums[i],
            self.tally.squares[i],
            self.tally.replicas,
            scale=scale / HOURS if hours else scale,
            most=self.mission * scale if hours else most,
            unit=unit,
            count=not hours,
        )

    @cached_property
    def _core(self) -> tuple[np.ndarray, np.ndarray]:
        n, k = self.tally.replicas, self.columns.core
        unit = np.array([HOURS if c.unit == HOURS_UNIT else 1 for c in self.columns.columns[:k]])
        sums = self.tally.sums[:k]
        spread = self.tally.cross * n - np.outer(sums, sums)
        cov = spread.astype(float) / max(n * (n - 1), 1) / np.outer(unit, unit)
        return sums.astype(float) / n / unit, cov

    def ratio(self, f, unit: str) -> Estimate:
        """Estimate a function of the core columns (by name, hours or counts a replica)."""
        names = [c.name for c in self.columns.columns[: self.columns.core]]
        mean, cov = self._core
        return function_estimate(
            lambda x: f(dict(zip(names, x, strict=True))), mean, cov, self.tally.replicas, unit
        )


def result_of(
    scenario: Scenario, plan: Plan, directory: Directory, columns: Columns, ledger, engine
) -> Result:
    """Return the result of what the ledger holds."""
    tally, mission = ledger.tally, scenario.mission_hours
    sums = TallySums(tally, columns, mission)
    device = engine.devices[0]
    return Result(
        scenario=scenario.name,
        title=scenario.title,
        fingerprint=scenario.fingerprint,
        seed=ledger.seed,
        replicas=tally.replicas,
        status="bound_hit" if tally.void else "ok",
        metrics=metrics_of(scenario, plan, directory, columns, sums),
        blast_radius=_blast(columns, sums, mission),
        curve_hours=(np.arange(ledger.bins) + 0.5) * mission / ledger.bins,
        curve=_curve(tally, sums, ledger.bins),
        directory=directory,
        conventions=conventions_of(scenario),
        timing={
            "run_seconds": ledger.seconds,
            "compile_seconds": engine.compile_seconds,
            "replicas_per_second": tally.replicas / max(ledger.seconds, 1e-9),
            "steps": tally.steps,
            "steps_per_second": tally.steps / max(ledger.seconds, 1e-9),
            "rerun_replicas": ledger.reruns,
            "void_replicas": tally.void,
        },
        origin={
            "fdmc": metadata.version("fdmc"),
            "jax": jax.__version__,
            "python": platform.python_version(),
            "device": f"{len(engine.devices)} x {device.device_kind} ({device.platform})",
        },
    )


def metrics_of(
    scenario: Scenario, plan: Plan, directory: Directory, columns: Columns, sums: TallySums
) -> dict[str, Estimate]:
    """Return all metrics of what has been tallied, by name."""
    mission, n = scenario.mission_hours, plan.workers
    year = HOURS_PER_YEAR / mission
    share = lambda name: sums.mean(name, 1 / mission, "1")
    lost = "lost_accelerator_hours_per_year"
    out = {
        "goodput": _unit(sums.ratio(lambda x: goodput_of(scenario, x), "1")),
        "work_rate": share("lost").complement(),
        "ettr": _unit(sums.ratio(lambda x: ettr_of(scenario, x), "1")),
        "availability": share("unused").complement(),
        "full_strength": share("impaired").complement(),
        "idle": share("idle"),
        lost: sums.mean("lost", n * year, "accelerator h/y"),
        "interruptions_per_year": sums.mean("interruptions", year, "1/y"),
        "drains_per_year": sums.mean("drains", year, "1/y"),
    }
    for name in collective_names(plan):
        key = f"slowed.{name}"
        out[f"collective_efficiency.{name}"] = sums.ratio(
            lambda x, key=key: 1 - x[key] / max(mission - x["idle"], 1e-9), "1"
        )
    out["inexact_time"] = share("inexact")
    out |= job_metrics(plan, out, sums) | fleet_metrics(scenario, plan, sums)
    out |= heat_metrics(scenario, plan, sums)
    out |= economics_metrics(scenario, plan, sums, goodput_of)
    out["blast_radius.mean"] = sums.ratio(
        lambda x: x["blast"] / max(x["occurrences"], 1e-300), "accelerators"
    )
    out["occurrences_per_year"] = sums.mean("occurrences", year, "1/y")
    planned = scheduled_names(directory)
    out |= {
        f"scheduled_per_year.{name}": sums.mean(f"scheduled.{name}", year, "1/y")
        for name in planned
    }
    for name in columns.components:
        if name not in (DARK, *planned):  # it is there all the time, or no failure
            out[f"occurrences_per_year.{name}"] = sums.mean(f"failures.{name}", year, "1/y")
    for name in columns.frus:
        if name in (EXCURSION, SCHEDULED):
            continue
        out[f"spares_per_year.{name}"] = sums.mean(f"swaps.{name}", year, "1/y")
    drain = drain_hours(scenario, reconfigure_seconds(scenario)) / mission
    for kind, names in (
        ("component", columns.components), ("fru", columns.frus), ("level", columns.levels),
    ):  # fmt: skip
        for name in names:
            key = f"blame.{kind}.{name}"
            out[f"{lost}.{kind}.{name}"] = sums.mean(key, n * year, "accelerator h/y")
            out[f"lost_goodput.{kind}.{name}"] = _lost_goodput(
                out, sums, f"{kind}.{name}", planned, drain
            )
    return out


def _lost_goodput(
    out: dict[str, Estimate], sums: "TallySums", who: str, planned: list[str], drain: float
) -> Estimate:
    """Share of one contributor in 1 - goodput: its lost work, and restarts by its interruptions.

    With E = goodput / work_rate, 1 - goodput = (1 - E) + E (1 - work_rate): the first part goes by
    interruptions, the second by blame. E and the number of all interruptions are taken as known. Scheduled work
    (`planned`) has its own drains, each of which costs the share `drain`; interruptions share the rest.
    """
    kept = out["goodput"].best / max(out["work_rate"].best, 1e-300)
    stopped = sums.mean("interruptions", 1.0, "1").best
    direct = sums.mean(f"blame.{who}", kept / sums.mission, "1")
    by_failures = 1 - kept
    for name in planned:
        by_failures -= drain * sums.mean(f"scheduled_drains.component.{name}", 1.0, "1").best
    scale = by_failures / stopped if stopped else 0.0
    parts = [direct, sums.mean(f"stops.{who}", scale, "1", most=max(1 - kept, 0.0))]
    if f"scheduled_drains.{who}" in sums.columns:
        parts.append(sums.mean(f"scheduled_drains.{who}", drain, "1"))
    best = sum(e.best for e in parts)
    down = math.hypot(*(e.best - e.low for e in parts))
    up = math.hypot(*(e.high - e.best for e in parts))
    status = "no_hits" if best == 0 else "ok"
    return Estimate(max(best - down, 0.0), best, min(best + up, 1.0), "1", direct.replicas, status)


def _unit(e: Estimate) -> Estimate:
    return dataclasses.replace(e, low=max(e.low, 0.0), high=min(e.high, 1.0))


def _blast(columns: Columns, sums: TallySums, mission: float) -> dict[int, Estimate]:
    year = HOURS_PER_YEAR / mission
    return {size: sums.mean(f"blast.{size}", year, "1/y") for size in columns.sizes}


def _curve(tally: Tally, sums: "TallySums", bins: int) -> dict[str, np.ndarray]:
    """Work rate in each time bin: its mean with interval, and 5 % and 95 % quantiles over replicas."""
    width = sums.mission / bins
    means = [sums.mean(f"curve.{b}", 1 / width, "1").complement() for b in range(bins)]
    counts = tally.curve.astype(float)
    below = np.cumsum(counts, 1) / np.maximum(counts.sum(1, keepdims=True), 1)
    least, most = level_edges()
    at = lambda q: np.argmax(below >= q - 1e-12, 1)
    return {
        "mean": np.array([e.best for e in means]),
        "low": np.array([max(e.low, 0.0) for e in means]),
        "high": np.array([e.high for e in means]),
        "q05": 1 - most[at(0.95)],
        "q95": 1 - least[at(0.05)],
    }
