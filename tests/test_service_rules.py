"""Windows, visits and scheduled work as they are written, refused and shown."""

import pytest
import yaml
from test_service import EXAMPLE
from test_spec_errors import TEXT, problems

import fdmc
from fdmc import report, spec
from fdmc.collect import Fault, Trace
from fdmc.plan import OPPORTUNISTIC, UNATTENDED, WINDOWED, PlanError, lower
from fdmc.report._machine import rule_text


def serviced(**service):
    data = yaml.safe_load(TEXT)
    for key, value in service.items():
        data["service"][key] = value
    return data


def ruled(**rule):
    data = serviced()
    data["service"]["replace"]["package"].update(rule)
    return data


WINDOWS = {"every": "7 d", "for": "8 h"}
WORK = {"unit": "tray", "every": "90 d", "time": "1 h"}

# Each row: the document, and what is said; nothing else may be said.
WRONG = [
    (ruled(window=True), "package.window: there are no maintenance windows; give service.windows"),
    (serviced(windows=WINDOWS), "service.windows: nothing waits for these windows; write window"),
    (ruled(technician="no"), '"no" is neither true nor false; write true or false'),
    (ruled(windows=True), "windows: unknown key; did you mean 'window'?"),
    (
        serviced(scheduled={"firmware": {**WORK, "unit": "trai"}}),
        'scheduled.firmware.unit: no unit is called "trai"; did you mean \'tray\'?',
    ),
    (serviced(scheduled={"gpu": WORK}), "scheduled.gpu: a component or an excursion has this name"),
    (
        serviced(scheduled={"firmware": {**WORK, "unit": "lane"}}),
        "'lane' is in a counting group, whose spares would do its work; name a unit around",
    ),
    (
        serviced(scheduled={"firmware": {**WORK, "time": "90 d"}}),
        "firmware.time: it lasts as long as from one to the next, 90 d; write a shorter",
    ),
    (serviced(scheduled={"firmware": {"unit": "tray", "time": "1 h"}}), "firmware.every: missing"),
    (serviced(scheduled={"firmware": {**WORK, "every": "90"}}), '"90" has no unit'),
]  # fmt: skip


@pytest.mark.parametrize(("data", "said"), WRONG)
def test_one_problem(data, said):
    found = problems(data)
    assert [said in str(problem) for problem in found] == [True], [str(p) for p in found]


def test_windows_that_are_always_open():
    data = serviced(windows={"every": "7 d", "for": "8 d"})
    data["service"]["replace"]["package"]["window"] = True
    assert ["windows of 8 d every 7 d are always open" in str(p) for p in problems(data)] == [True]


def test_an_opportunity_that_never_comes():
    data = serviced()
    data["service"]["replace"] = {"psu": {"opportunistic": True, "time": "1 h"}}
    said = "no repair and no scheduled work takes out a unit around 'psu'"
    assert [said in str(p) for p in problems(data)] == [True]
    data["service"]["scheduled"] = {"firmware": {**WORK, "unit": "rack"}}
    assert spec.load(data).service.replace["psu"].opportunistic


def test_all_at_once_with_lines(tmp_path):
    text = EXAMPLE.read_text(encoding="utf-8").replace("unit: tray", "unit: trays")
    file = tmp_path / "serviced.yaml"
    file.write_text(text.replace("for: 8 h", "for: 8"), encoding="utf-8")
    lines = {
        number
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if "trays" in line or "for: 8," in line
    }
    assert {p.line for p in problems(file)} == lines


def test_what_is_left_out_changes_no_fingerprint():
    plain = spec.load(yaml.safe_load(TEXT)).fingerprint
    written = spec.load(ruled(technician=True, window=False, opportunistic=False)).fingerprint
    assert written == plain
    others = [
        ruled(technician=False),
        ruled(opportunistic=True),
        serviced(scheduled={"firmware": WORK}),
        serviced(scheduled={"firmware": {**WORK, "technician": True}}),
    ]
    assert len({plain, *(spec.load(data).fingerprint for data in others)}) == 5


def test_off_is_the_machine_without():
    """No rule: nothing for the kernel to compile."""
    plan, _ = lower(spec.load("nvl72-copper"))
    assert (plan.rules, plan.joins, plan.scheduled) == (frozenset(), False, 0)
    plan, _ = lower(spec.load(EXAMPLE))
    assert plan.rules == {UNATTENDED, WINDOWED, OPPORTUNISTIC}
    assert (plan.joins, plan.scheduled) == (True, 2)


def test_a_part_of_a_supply_is_not_scheduled():
    text = EXAMPLE.read_text(encoding="utf-8").replace("els: 1}", "els: 1, fan: 2}")
    text = text.replace("  els:   ", "  fan:     {components: {psu: 1}}\n  els:   ")
    with pytest.raises(PlanError, match="one 'fan' is only a part"):
        lower(spec.load(yaml.safe_load(text.replace("unit: tray", "unit: fan"))))


def test_the_schedule_begins_before_time_zero():
    """100 trays of 500 h in a run-in of 12 h: turns at -7.5, -2.5, 2.5 h, which are copies 98, 99 and 0."""
    document = {
        "fdmc": 1,
        "name": "run-in",
        "mission": "2000 h",
        "start": "stationary",
        "run_in": "12 h",
        "components": {"board": {"mtbf": "1e5 h", "repair": "1 h"}},
        "units": {"pod": {"contains": {"tray": 100}}, "tray": {"components": {"board": 1}}},
        "fabric": {"accelerator": "tray"},
        "service": {
            "windows": {"every": "100 h", "for": "1 h", "first": "250 h"},
            "scheduled": {
                "firmware": {"unit": "tray", "every": "500 h", "time": "1 h", "window": True}
            },
        },
    }
    service = lower(spec.load(document))[0].service
    assert service.gap_hours.tolist() == [5]
    assert service.first_hours.tolist() == [12 - 7.5]
    assert service.first_copy.tolist() == [98]
    assert service.opens_hours[:2].tolist() == [50 + 12 - 100, 50 + 12]


def test_who_cannot_answer_says_why():
    with pytest.raises(ValueError, match=r"a snapshot knows nothing of scheduled work and maint"):
        fdmc.snapshot(str(EXAMPLE), replicas=16)
    with pytest.raises(ValueError, match=r"a snapshot knows nothing of scheduled work \(service\)"):
        fdmc.snapshot(str(EXAMPLE), time_hours=100.0, replicas=16)
    lab = {
        "fdmc": 1,
        "name": "lab",
        "mission": "5 y",
        "components": {"unit": {"mtbf": "1000 h", "repair": {"exponential": {"mean": "24 h"}}}},
        "units": {"system": {"components": {"unit": {"count": 6, "need": 5}}}},
        "fabric": {"accelerator": "system"},
        "service": {"technicians": 1, "replace": {"unit": {"technician": False}}},
    }
    unlimited = {**lab, "service": {}}
    exact = [fdmc.availability(fdmc.load(d), replicas=256).exact for d in (lab, unlimited)]
    assert exact[0] == exact[1]
    lab["service"] = {"windows": WINDOWS, "replace": {"unit": {"window": True}}}
    with pytest.raises(ValueError, match="knows nothing of maintenance windows"):
        fdmc.availability(fdmc.load(lab))


@pytest.mark.verification
def test_a_replay_has_its_own_outages():
    """Service is no part of a trace: scheduled work is in it or is not."""
    day = Trace((Fault("tray", 1, 6.0, 18.0),), hours=24.0)
    found = fdmc.replay(EXAMPLE, day)
    assert found["availability"] == pytest.approx(1 - 0.5 / 4)


def test_show_tells_the_rules():
    machine = report.describe(spec.load(EXAMPLE))
    rows = {row.component: rule_text(row) for row in machine.classes}
    assert rows["link"] == "failed; no technician"
    assert rows["board"] == "failed; in windows"
    assert rows["psu"] == "failed; in windows; in visits too"
    assert rows["laser"] == "short; in visits too"
    assert [(s.name, s.unit, s.copies) for s in machine.scheduled] == [
        ("firmware", "tray", 4),
        ("cleaning", "rack", 2),
    ]
    refused = [q for q in machine.questions if q.answer == "refused"]
    assert any("windows, visits or scheduled work" in q.why for q in refused)
