"""Scheduled work in results: how often it falls due, and the drains that it causes, apart from failures."""

import dataclasses

import numpy as np

from ..plan import SCHEDULED, ClassInfo, Directory
from ..spec import Scenario


GROUPS = (("component", "component"), ("fru", "fru"), ("level", "unit"))
"""How contributors are grouped, and the field of a class that says so."""


def scheduled_names(directory: Directory, key: str = "component") -> list[str]:
    """Return the names under which scheduled work is grouped: its own, its FRU's or its units'."""
    return list(dict.fromkeys(getattr(c, key) for c in directory.classes if c.fru == SCHEDULED))


def column_names(directory: Directory) -> list[str]:
    """Return the names of the columns, none without scheduled work."""
    found = [f"scheduled.{name}" for name in scheduled_names(directory)]
    for kind, key in GROUPS:
        found += [f"scheduled_drains.{kind}.{name}" for name in scheduled_names(directory, key)]
    return found


@dataclasses.dataclass(frozen=True)
class Counts:
    """Counts by class, int64[classes, replicas]: those of what fails, and those of scheduled work apart."""

    failed: np.ndarray
    jobs: np.ndarray
    stops: np.ndarray
    due: np.ndarray
    drains: np.ndarray

    def columns(self, directory: Directory) -> list[np.ndarray]:
        """Return the columns of `column_names`."""
        classes = directory.classes
        total = lambda values, key, name: values[
            [getattr(c, key) == name and c.fru == SCHEDULED for c in classes]
        ].sum(0)
        found = [total(self.due, "component", name) for name in scheduled_names(directory)]
        for _, key in GROUPS:
            found += [total(self.drains, key, name) for name in scheduled_names(directory, key)]
        return found


def apart(classes: tuple[ClassInfo, ...], failed, jobs, stops) -> Counts:
    """Take scheduled work out of the counts of failures, jobs and interruptions of all classes."""
    fails = np.array([c.fru != SCHEDULED for c in classes])[:, None]
    keep = lambda x: np.where(fails, x, 0)
    return Counts(
        keep(failed), keep(jobs), keep(stops), np.where(fails, 0, failed), np.where(fails, 0, stops)
    )


def drain_hours(scenario: Scenario, reconfigure_seconds: float) -> float:
    """Return what a drain costs, at full work rate."""
    return (scenario.workload.restart.resume_seconds + reconfigure_seconds) / 3600


def refuse_planned(scenario: Scenario, question: str, *, scheduled_only: bool = False):
    """Refuse what only histories know.

    **Arguments:** the question, as in "a stationary state"; `scheduled_only`, when no repair matters to it.

    **Raises:** `ValueError` for scheduled work, rules that wait for windows, and opportunistic ones.
    """
    service = scenario.service
    why = ["scheduled work"] if service.scheduled else []
    if not scheduled_only:
        rules = service.replace.values()
        why += ["maintenance windows"] if any(r.windowed for r in rules) else []
        why += ["opportunistic repairs"] if any(r.opportunistic for r in rules) else []
    if why:
        raise ValueError(
            f"{question} knows nothing of {' and '.join(why)} (service); use fdmc.run for this machine."
        )
