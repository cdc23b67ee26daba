"""Histories of the plain-Python reference, by hand."""

from typing import Any

import pytest
from _machines import TWO_RACKS, at, laboratory, load

from fdmc import reference, spec


def fails_at(machine: reference.Machine, name: str, *hours: float) -> None:
    """Give the copies of a class lifetimes of their own, to a few parts in a million."""
    for number, each in enumerate(hours):
        machine.part(name, number).lifetime = spec.Weibull(1e6, float(each))


def test_a_swap_renews_the_whole_fru() -> None:
    """a at 1000 opens the job; b is new at 1010 and does not fail at 1100."""
    parts = {"a": at(1000), "b": at(1100)}
    rules = {"replace": {"system": {"time": "20 h"}}}
    machine = laboratory(parts, {"a": 1, "b": 1}, mission="2000 h", service=rules)
    outcome = reference.history(machine, 1, 0)
    assert outcome.failures == {"system/a": 1}
    assert outcome.full_hours == pytest.approx(1980, abs=0.1)


def test_spares_run_out() -> None:
    """One spare, 500 h restock: failed at 1000 has it, at 1100 waits to 1500, at 1200 to 1600."""
    pool = {"stock": 1, "restock": "500 h"}
    machine = laboratory({"a": at(1)}, {"a": 3}, mission="2000 h", service={"replace": {"a": pool}})
    fails_at(machine, "system/a", 1000, 1100, 1200)
    outcome = reference.history(machine, 1, 0)
    assert outcome.jobs == {"a": 3}
    assert outcome.full_hours == pytest.approx(2000 - 10 - (1610 - 1100), abs=0.1)


def test_the_queue_is_by_the_time_of_the_spare() -> None:
    """The second a fails before c but has its spare at 1500: after c, before d."""
    machine = laboratory(
        {"a": at(1, 100), "c": at(1400, 200), "d": at(1550, 10)},
        {"a": 2, "c": 1, "d": 1},
        mission="1900 h",
        service={"technicians": 1, "replace": {"a": {"stock": 1, "restock": "500 h"}}},
    )
    fails_at(machine, "system/a", 1000, 1150)
    outcome = reference.history(machine, 1, 0)
    # d is down with a and c from 1550, with a from 1600, alone from 1700 to 1710.
    assert outcome.blame["system/d"] == pytest.approx(50 / 3 + 100 / 2 + 10, abs=0.1)
    assert outcome.full_hours == pytest.approx(1900 - 100 - (1710 - 1150), abs=0.1)


def pod(service: dict[str, Any], policy: Any = "degrade", **components: Any) -> reference.Machine:
    """Two trays of two accelerators, two planes, two links each."""
    return reference.build(
        load(
            {
                "mission": "2000 h",
                "components": components,
                "units": {
                    "pod": {"contains": {"tray": 2}},
                    "tray": {"contains": {"package": 2}},
                    "package": {"contains": {"engine": 2}, "components": {"gpu": 1}},
                    "engine": {"components": {"pic": 1}},
                },
                "fabric": {"accelerator": "package", "planes": 2, "policy": policy},
                "service": service,
            }
        )
    )


RARE = {"mtbf": "1e12 h", "repair": "1 h"}
SWAP = {"replace": {"engine": {"swap": "package", "takes_out": "tray", "time": "100 h"}}}


def test_a_repair_takes_the_tray_out() -> None:
    """All 8 engines fail at 1500; with one technician the packages are swapped one by one."""
    machine = pod({"technicians": 1, **SWAP}, gpu=RARE, pic=at(1500))
    outcome = reference.history(machine, 1, 0)
    assert outcome.failures == {"engine/pic": 8}
    assert outcome.jobs == {"engine": 4}  # the second engine of a package finds the job open
    assert sum(outcome.blast[size] for size in (1, 2)) == 8
    assert outcome.blast[2] == 4  # those that open a job take the tray
    assert outcome.lost_accelerator_hours == pytest.approx(4 * (2000 - outcome.work))
    assert sum(outcome.blame.values()) == pytest.approx(outcome.lost_accelerator_hours)
    assert outcome.running_hours < 2000 - 99  # nobody has a lane until 1600


@pytest.mark.parametrize(
    ("policy", "interruptions", "drains"),
    [("degrade", 1, 0), ("park", 1, 0), ({"park": "tray"}, 1, 0), ("drop", 1, 0)],
)
def test_interruptions_and_drains(policy: Any, interruptions: int, drains: int) -> None:
    """One link fails; its accelerator loses half of its lanes; the swap takes the tray at once."""
    machine = pod(SWAP, policy, gpu=RARE, pic=RARE)
    fails_at(machine, "engine/pic", 1500)
    outcome = reference.history(machine, 1, 0)
    assert outcome.failures == {"engine/pic": 1}
    assert (outcome.interruptions, outcome.drains) == (interruptions, drains)
    used = 0 if policy == "drop" else 2
    assert outcome.used_hours == pytest.approx(2000 - 100 * (4 - used) / 4, abs=0.1)
    assert outcome.blame == {"engine/pic": pytest.approx(100 * (4 - used), abs=0.1)}
    assert outcome.full_hours == pytest.approx(1900, abs=0.1)
    assert outcome.blast == {2: 1}


@pytest.mark.parametrize(
    ("policy", "interruptions", "drains"), [("degrade", 0, 1), ("park", 1, 1), ("drop", 1, 0)]
)
def test_a_repair_that_waits_for_its_spare_is_a_drain(
    policy: Any, interruptions: int, drains: int
) -> None:
    """The same link, and the swap 50 h later."""
    rule = {**SWAP["replace"]["engine"], "stock": 0, "restock": "50 h"}
    machine = pod({"replace": {"engine": rule}}, policy, gpu=RARE, pic=RARE)
    fails_at(machine, "engine/pic", 1500)
    outcome = reference.history(machine, 1, 0)
    assert (outcome.interruptions, outcome.drains) == (interruptions, drains)
    assert outcome.full_hours == pytest.approx(1850, abs=0.1)


def test_a_tray_that_is_taken_out_again_is_drained_again() -> None:
    """The second gpu fails in a tray that is out, and its repair follows at once."""
    rule = {"takes_out": "tray", "time": "100 h"}
    machine = pod({"technicians": 1, "replace": {"gpu": rule}}, gpu=RARE, pic=RARE)
    fails_at(machine, "package/gpu", 1000, 1050)
    outcome = reference.history(machine, 1, 0)
    assert (outcome.interruptions, outcome.drains) == (1, 1)
    assert outcome.lost_accelerator_hours == pytest.approx(2 * 200, abs=0.1)
    assert outcome.blast == {2: 2}


def test_what_a_repair_takes_out_includes_what_the_failure_took() -> None:
    """An engine that carries half of a plane is lost once, not again by its own swap."""
    document = {
        "mission": "2000 h",
        "components": {"pic": RARE},
        "units": {
            "pod": {"contains": {"package": 2}},
            "package": {"contains": {"engine": 2}},
            "engine": {"components": {"pic": 1}},
        },
        "fabric": {"accelerator": "package", "lane_rate": "100 Gb/s"},
        "service": {"replace": {"engine": {"takes_out": "engine", "time": "100 h"}}},
        "workload": {"compute": "1 ns", "collectives": [{"op": "all_to_all", "size": "1 GiB"}]},
    }
    machine = reference.build(load(document))
    fails_at(machine, "engine/pic", 1000)
    assert reference.history(machine, 1, 0).work == pytest.approx(2000 - 50, abs=0.1)


def test_blame_is_shared_by_what_each_has_taken() -> None:
    """A gpu takes one accelerator, a link half of another: while both are down, 2 to 1."""
    machine = pod({"technicians": 1}, "park", gpu=RARE, pic=RARE)
    for part in (machine.part("package/gpu", 0), machine.part("engine/pic", 2)):
        part.lifetime = spec.Weibull(1e6, 1000.0)
    outcome = reference.history(machine, 1, 0)
    # Each repair takes 1 h; in the first hour 2 are lost, in the second 1.
    down_together = {"package/gpu": 2 * 2 / 3, "engine/pic": 2 * 1 / 3}
    assert outcome.lost_accelerator_hours == pytest.approx(3, abs=0.02)
    first = min(outcome.blame, key=lambda name: outcome.blame[name] - down_together[name])
    for name, shared in down_together.items():
        assert outcome.blame[name] == pytest.approx(shared + (name != first), abs=0.02)


def test_a_part_without_repair_stays_failed() -> None:
    part = at(1000)
    del part["repair"]
    outcome = reference.history(laboratory({"a": part}, {"a": 1}, mission="4000 h"), 1, 0)
    assert outcome.failures == {"system/a": 1}
    assert outcome.work == pytest.approx(1000, abs=0.1)


def test_the_run_in_is_not_counted() -> None:
    """Failures at 1000, 2010, 3020, ... of which the run-in sees the first two."""
    machine = laboratory(
        {"a": at(1000)}, {"a": 1}, mission="2000 h", start="stationary", run_in="2500 h"
    )
    outcome = reference.history(machine, 1, 0)
    assert outcome.failures == {"system/a": 2}  # at 520 and 1530
    assert outcome.full_hours == pytest.approx(2000 - 20, abs=0.1)
    assert outcome.hours == 2000


def test_same_seed_same_history() -> None:
    machine = reference.build(load(TWO_RACKS, mission="500 h"))
    outcome = reference.history(machine, 3, 5)
    assert outcome == reference.history(machine.scenario, 3, 5)
    assert outcome != reference.history(machine, 3, 6)
    assert sum(outcome.blame.values()) == pytest.approx(outcome.lost_accelerator_hours)
    assert sum(outcome.failures.values()) == sum(outcome.blast.values())
