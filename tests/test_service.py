"""Rules of jobs: resets without a technician, windows, visits, scheduled work, spare trays.

Histories of the reference by hand; the engine against closed forms, an exact chain and the reference.
"""

import functools
import math
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from _compare import Fact, Z, assert_alike, engine_run, reference_facts
from _machines import at, exponential, laboratory, load
from _markov import Chain
from test_history import agree, room

import fdmc
from fdmc import reference, report, spec
from fdmc.collect._run import BINS
from fdmc.kernel import Bounds
from fdmc.kernel._draw import threefry2x32
from fdmc.kernel._service import repair_hours
from fdmc.plan import lower


EXAMPLE = Path(__file__).parents[1] / "docs" / "examples" / "serviced-tray.yaml"
RARE = {"mtbf": "1e12 h", "repair": "1 h"}


def fails_at(machine: reference.Machine, name: str, *hours: float) -> None:
    """Give the copies of a class lifetimes of their own, to a few parts in a million."""
    for number, each in enumerate(hours):
        machine.part(name, number).lifetime = spec.Weibull(1e6, float(each))


def once(machine: reference.Machine) -> reference.Outcome:
    return reference.history(machine, 1, 0)


# --- the reference, by hand ---


@pytest.mark.parametrize(("technician", "lost"), [(True, 100.0), (False, 90.0)])
def test_a_reset_needs_nobody(technician: bool, lost: float) -> None:
    """b fails at 1000 and keeps the only technician for 50 h; a's 10 h from 1040 on wait for him, or not."""
    rules = {"technicians": 1, "replace": {"a": {"technician": technician}}}
    machine = laboratory(
        {"a": at(1040, 50), "b": at(1000, 50)}, {"a": 1, "b": 1}, mission="1900 h", service=rules
    )
    assert 1900 - once(machine).full_hours == pytest.approx(lost, abs=0.1)


@pytest.mark.parametrize(
    ("fails", "lost"),
    [
        (1000, 1012 - 1000 + 10),  # windows open at 12, 112, ... for 5 h
        (1014, 10),  # inside one: at once, and on beyond its end
        (1018, 1112 - 1018 + 10),
    ],
)
def test_a_job_waits_for_its_window(fails: float, lost: float) -> None:
    service = {
        "windows": {"every": "100 h", "for": "5 h", "first": "12 h"},
        "replace": {"a": {"window": True}},
    }
    machine = laboratory({"a": at(fails)}, {"a": 1}, mission="1900 h", service=service)
    assert 1900 - once(machine).full_hours == pytest.approx(lost, abs=0.1)


def test_who_misses_a_window_waits_for_the_next() -> None:
    """Two fail at 1000; the technician is free again when the window has closed."""
    service = {
        "technicians": 1,
        "windows": {"every": "100 h", "for": "5 h", "first": "12 h"},
        "replace": {"a": {"window": True}},
    }
    machine = laboratory({"a": at(1000)}, {"a": 2}, mission="1900 h", service=service)
    assert once(machine).full_hours == pytest.approx(1900 - (1112 + 10 - 1000), abs=0.1)


def visited(**laser: Any) -> reference.Machine:
    """A tray with a package and a module of four lasers, of which three are needed."""
    document = {
        "mission": "2000 h",
        "components": {"gpu": RARE, "laser": RARE},
        "units": {
            "rack": {"contains": {"tray": 2}},
            "tray": {"contains": {"package": 1, "els": 1}},
            "package": {"components": {"gpu": 1}},
            "els": {"components": {"laser": {"count": 4, "need": 3}}, "feeds": "package"},
        },
        "fabric": {"accelerator": "package", "policy": "park"},
        "service": {
            "technicians": 1,
            "replace": {
                "gpu": {"takes_out": "tray", "time": "20 h"},
                "laser": {"swap": "els", "takes_out": "tray", "time": "30 h", **laser},
            },
        },
    }
    return reference.build(load(document))


@pytest.mark.parametrize("opportunistic", [True, False])
def test_a_covered_failure_joins_the_visit(opportunistic: bool) -> None:
    """The laser fails at 500, covered; the gpu's repair takes the tray out at 1000: both are done by 1030."""
    machine = visited(opportunistic=opportunistic)
    fails_at(machine, "package/gpu", 1000)
    fails_at(machine, "els/laser", 500)
    outcome = once(machine)
    assert outcome.jobs == ({"gpu": 1, "laser": 1} if opportunistic else {"gpu": 1})
    out = 30 if opportunistic else 20
    assert outcome.lost_accelerator_hours == pytest.approx(out, abs=0.1)
    assert (outcome.interruptions, outcome.drains) == (1, 0)
    assert outcome.blast == {0: 1 + opportunistic, 1: 1}  # the new laser fails at 1530


def test_a_visit_is_to_one_tray() -> None:
    """The laser of the other tray waits on."""
    machine = visited(opportunistic=True)
    fails_at(machine, "package/gpu", 1000)
    machine.part("els/laser", 4).lifetime = spec.Weibull(1e6, 500.0)
    assert once(machine).jobs == {"gpu": 1}


def test_a_guest_that_waits_for_its_spare_makes_a_visit_of_its_own() -> None:
    """No module on the shelf: it comes at 1100, the tray is out again until 1130."""
    machine = visited(opportunistic=True, stock=0, restock="100 h")
    fails_at(machine, "package/gpu", 1000)
    fails_at(machine, "els/laser", 500)
    outcome = once(machine)
    assert outcome.lost_accelerator_hours == pytest.approx(20 + 30, abs=0.1)
    assert (outcome.interruptions, outcome.drains) == (1, 1)


def test_trays_take_turns() -> None:
    """Two trays, 400 h: one begins every 200 h from 100 h on; their work is planned, so a drain each."""
    machine = visited()
    service = dict(machine.scenario.document["service"])
    service["scheduled"] = {"firmware": {"unit": "tray", "every": "400 h", "time": "10 h"}}
    document = {**machine.scenario.document, "service": service}
    outcome = once(reference.build(load(document)))
    assert outcome.lost_accelerator_hours == pytest.approx(10 * 10)
    assert outcome.blame == {"tray/firmware": pytest.approx(100)}
    assert (outcome.interruptions, outcome.drains) == (0, 10)
    assert outcome.planned == outcome.planned_drains == {"tray/firmware": 10}
    assert not outcome.failures


def test_a_spare_tray_is_swapped_in() -> None:
    """Cold spares: one tray on the shelf. The second failure waits until the first is back from repair."""
    document = {
        "mission": "2000 h",
        "components": {"gpu": RARE},
        "units": {"rack": {"contains": {"tray": 3}}, "tray": {"components": {"gpu": 4}}},
        "fabric": {"accelerator": "tray", "policy": "park"},
        "service": {"replace": {"tray": {"time": "2 h", "stock": 1, "restock": "300 h"}}},
    }
    machine = reference.build(load(document))
    fails_at(machine, "tray/gpu", 1000, 1500)
    machine.part("tray/gpu", 4).lifetime = spec.Weibull(1e6, 1100.0)
    outcome = once(machine)
    # The swap at 1002 makes the gpu of 1500 new as well.
    assert outcome.failures == {"tray/gpu": 2}
    assert outcome.jobs == {"tray": 2}
    assert outcome.lost_accelerator_hours == pytest.approx(2 + (1300 - 1100) + 2, abs=0.1)


# --- the engine ---


def test_short_repairs_have_their_mean_late_in_the_mission() -> None:
    """At 40,000 h float32 counts in steps of 14 s; of a reset of 30 s they make 28 s if nothing is done."""
    scenario = load(
        {
            "components": {"link": {"rate": "2 /y", "repair": "30 s"}},
            "units": {"system": {"components": {"link": 1}}},
            "fabric": {"accelerator": "system"},
            "service": {"replace": {"link": {"technician": False}}},
        }
    )
    plan, lanes = lower(scenario)[0], jnp.arange(1 << 16, dtype=jnp.uint32)
    word, _ = threefry2x32((jnp.uint32(1), jnp.uint32(2)), (lanes, lanes))
    now = jnp.full(lanes.shape, 40000.0)
    drawn = repair_hours(plan, jnp.zeros(lanes.shape, jnp.int32), word, now)
    lasts = np.asarray((now + drawn) - now, float) * 3600
    assert len(set(lasts)) == 2
    z = (lasts.mean() - 30) / (lasts.std() / math.sqrt(lasts.size))
    assert abs(z) <= Z


TRAYS, HOURS = 50, 2000.0
FLEET: dict[str, Any] = {
    "mission": "2000 h",
    "components": {
        "nic": {"rate": "2 /y", "repair": "30 s"},
        "board": {"mtbf": "1e5 h", "repair": "10 h"},
    },
    "units": {
        "pod": {"contains": {"tray": TRAYS}},
        "tray": {"components": {"nic": 1, "board": 1}},
    },
    "fabric": {"accelerator": "tray", "policy": "park"},
    "service": {
        "windows": {"every": "7 d", "for": "8 h", "first": "1 d"},
        "replace": {"nic": {"technician": False}, "board": {"window": True}},
        "scheduled": {"firmware": {"unit": "tray", "every": "500 h", "time": "3 h"}},
    },
    "workload": {"restart": {"detect": "2 min", "resume": "6 min"}},
}


@functools.cache
def fleet() -> tuple[dict[str, Fact], fdmc.Result]:
    with room(Bounds(4, 8, 4, BINS)):
        return engine_run(load(FLEET), 2048)


@pytest.mark.statistical
def test_flaps_windows_and_turns_in_closed_form() -> None:
    """A failure waits for the next opening unless a window is open: uniform over the cycle, (P - w)^2 / 2P."""
    facts, _ = fleet()
    cycle, width, first, repair = 168.0, 8.0, 24.0, 10.0
    t = np.linspace(0, HOURS, 400_001)
    phase = (t - first) % cycle
    wait = np.where(phase < width, 0, cycle - phase)
    assert wait.mean() == pytest.approx((cycle - width) ** 2 / 2 / cycle, rel=0.02)
    board = np.minimum(wait + repair, HOURS - t).mean() * 1e-5
    nic = 30 / 3600 * 2 / 8760
    turns = (np.arange(4 * TRAYS) + 0.5) * 500 / TRAYS
    firmware = np.minimum(3, HOURS - turns).sum() / TRAYS / HOURS
    up = (1 - board) * (1 - nic) * (1 - firmware)
    agree(facts, "lost", 1 - up, HOURS)
    assert facts["scheduled.firmware"].mean == 4 * TRAYS
    # A turn on a tray that has failed already stops nobody, and a flap on one that is out neither.
    agree(facts, "drains", 4 * TRAYS * (1 - board))
    flaps = TRAYS * HOURS * 2 / 8760
    agree(facts, "failures.nic", flaps * (1 - nic))
    agree(facts, "failures.board", TRAYS * HOURS * 1e-5 * (1 - board))
    agree(facts, "occurrences", flaps + TRAYS * HOURS * 1e-5 * (1 - board))


def test_scheduled_work_is_a_contributor_of_its_own() -> None:
    """Its hours, and its drains at the time to resume; all contributors add up to what is lost."""
    facts, result = fleet()
    drains = facts["scheduled_drains.component.firmware"].mean
    assert drains == facts["drains"].mean
    kept = result["goodput"].best / result["work_rate"].best
    ours = kept * facts["blame.component.firmware"].mean / HOURS + drains * 0.1 / HOURS
    assert result["lost_goodput.component.firmware"].best == pytest.approx(ours, rel=1e-9)
    assert result["lost_goodput.fru.scheduled_work"].best == pytest.approx(ours, rel=1e-9)
    assert result["scheduled_per_year.firmware"].best == pytest.approx(4 * TRAYS * 8760 / HOURS)
    for by in ("component", "fru", "level"):
        lost = sum(c.goodput.best for c in result.contributors(by))
        assert lost == pytest.approx(1 - result["goodput"].best, rel=1e-6)
    for name, estimate in result.metrics.items():
        assert report.document_of(name).unit == estimate.unit
    assert "occurrences_per_year.firmware" not in result.metrics
    assert "spares_per_year.scheduled_work" not in result.metrics


def visits_chain(gpu: float, repair: float, laser: float, swap: float) -> Chain:
    """State: the gpu (up, queued, in repair), lasers failed, their module's job (none, own visit, guest)."""

    def rates(state: tuple[str, int, str]) -> dict[tuple[str, int, str], float]:
        host, failed, job = state
        out: dict[tuple[str, int, str], float] = {}
        if host == "up" and job == "own":
            out["queued", failed, job] = 1 / gpu
        elif host == "up":
            out["repair", failed, "guest" if failed or job == "guest" else "none"] = 1 / gpu
        if host == "repair":
            out["up", failed, job] = 1 / repair
        if failed < 4:
            opens = job == "none" and (failed >= 1 or host == "repair")
            new = ("guest" if host == "repair" else "own") if opens else job
            out[host, failed + 1, new] = (4 - failed) / laser
        if job != "none":
            out["repair" if host == "queued" else host, 0, "none"] = 1 / swap
        return out

    return Chain(("up", 0, "none"), rates)


@pytest.mark.statistical
def test_visits_of_one_tray_are_a_chain() -> None:
    """One technician, who has the gpu in hand while the module is a guest."""
    document = {
        "mission": "5000 h",
        "components": {"gpu": exponential(400, 60), "laser": {"mtbf": "900 h"}},
        "units": {
            "tray": {"contains": {"package": 1, "els": 1}},
            "package": {"components": {"gpu": 1}},
            "els": {"components": {"laser": {"count": 4, "need": 3}}, "feeds": "package"},
        },
        "fabric": {"accelerator": "package"},
        "service": {
            "technicians": 1,
            "replace": {
                "gpu": {"takes_out": "tray"},
                "laser": {
                    "swap": "els",
                    "time": {"exponential": {"mean": "200 h"}},
                    "opportunistic": True,
                },
            },
        },
    }
    with room(Bounds(4, 8, 4, BINS)):
        facts, _ = engine_run(load(document), 2048)
    chain, hours = visits_chain(400, 60, 900, 200), 5000.0
    agree(facts, "idle", chain.mean(lambda s: s[0] != "up", hours), hours)
    less = lambda s: max(0, s[1] - 1) / 3
    agree(facts, "lost", chain.mean(lambda s: 1 - (s[0] == "up") * (1 - less(s)), hours), hours)
    agree(facts, "failures.laser", hours * chain.mean(lambda s: (4 - s[1]) / 900, hours))
    alone = chain.mean(lambda s: (s[2] == "none") * (4 - s[1]) / 900 * (s[1] >= 1), hours)
    joins = chain.mean(lambda s: (s[0] == "up" and s[2] == "none" and s[1] > 0) / 400, hours)
    during = chain.mean(lambda s: (s == ("repair", 0, "none")) * 4 / 900, hours)
    agree(facts, "swaps.els", hours * (alone + joins + during))
    assert joins > 0.5 * alone  # so that it would show


# The example of the documentation, but so prone to fail that few histories say much.
OFTEN = [
    "mission=1000 h",
    "start=stationary",
    "run_in=300 h",
    "components.gpu.mtbf=2500 h",
    "components.gpu.repair.exponential.mean=20 h",
    "components.board.lifetime.weibull.scale=2500 h",
    "components.psu.mtbf=1500 h",
    "components.psu.repair.exponential.mean=25 h",
    "components.laser.mtbf=2500 h",
    "components.ring.mtbf=4000 h",
    "components.link.rate=10 /y",
    "components.link.repair=1 h",
    "service.replace.gpu.restock=100 h",
    "service.replace.laser.time=15 h",
    "service.replace.laser.takes_out=nothing",
    "service.replace.ring.time.exponential.mean=10 h",
    "service.scheduled.firmware.every=10 d",
    "service.scheduled.firmware.time=2 h",
    "service.scheduled.cleaning.every=20 d",
]


@pytest.mark.verification
def test_all_rules_together_are_those_of_the_reference() -> None:
    scenario = spec.load(EXAMPLE, OFTEN)
    with room(Bounds(12, 16, 8, BINS)):
        ours, result = engine_run(scenario, 1024)
    assert_alike(ours, reference_facts(scenario, 300), at_least=40)
    assert result["lost_goodput.component.cleaning"].low > 0
