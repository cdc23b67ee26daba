"""Temperatures, ageing and excursions in the plain-Python reference, against closed forms; |z| <= 4.9 is allowed."""

import dataclasses
import math

import pytest
from _machines import agree
from _one_pole import (
    AF,
    AF10,
    HOT,
    ONE_POLE,
    OUTAGE,
    PLAIN,
    RING,
    SLOW_SWAP,
    TRAY,
    arrhenius,
    engine,
    mechanism,
    old,
    pod,
    starting,
    with_excursions,
)

from fdmc import reference, spec
from fdmc.reference import Network
from fdmc.reference._ageing import Clock


# --- temperatures ---


def test_steady_temperatures_of_two_nodes():
    """60 W go from chip to plate through 0.1 K/W, 60 + 20 W from the plate to the coolant."""
    network = Network(
        {"chip-plate": 0.1, "plate-coolant": 0.05},
        {"chip": 1.0, "plate": 9.0},
        {"chip": 60.0, "plate": 0.0},
    )
    thermal = dataclasses.replace(PLAIN, watts={"plate": 20.0})
    nodes = reference.temperatures(pod(thermal).scenario, network)
    assert nodes["plate"].points == ((pytest.approx(304.0), 1.0),)
    assert nodes["chip"].points == ((pytest.approx(310.0), 1.0),)
    wide = dataclasses.replace(thermal, resistance={"plate-coolant": 0.1}, idle=0.25)
    wide = dataclasses.replace(wide, stops=spec.Stops(100.0, 5.0))
    chip = reference.temperatures(pod(wide).scenario, network)["chip"]
    assert chip.points == ((pytest.approx(314.0), 0.95), (pytest.approx(303.5), 0.05))


@pytest.mark.parametrize("period", [0.05, 1.0, 30.0])
def test_ripple_of_a_square_wave(period):
    node = engine(load=spec.SquareLoad(1.0, 0.25, period, 0.5))
    swing = 0.75 * 20 * math.tanh(period / 4 / 2.0)
    assert node.high - node.low == pytest.approx(swing, rel=1e-4)
    assert node.mean == pytest.approx(300 + 20 * 0.625, rel=1e-6)
    assert (node.high + node.low) / 2 == pytest.approx(node.mean, rel=1e-6)
    # Its speed falls from (T_target - T) / tau after each switch: as much up as down.
    most = (20 + 300 - node.low) / 2.0
    assert max(v for v, _ in node.speeds) == pytest.approx(most, rel=0.01)
    assert math.fsum(v * share for v, share in node.speeds) * period == pytest.approx(
        2 * swing, rel=1e-3
    )


def test_a_short_pulse_is_settled_too():
    node = engine(load=spec.SquareLoad(1.0, 0.0, 4.0, 0.25))
    peak = 20 * math.expm1(-1 / 2) / math.expm1(-4 / 2)
    assert (node.low, node.high) == (
        pytest.approx(300 + peak * math.exp(-3 / 2), rel=1e-6),
        pytest.approx(300 + peak, rel=1e-6),
    )


@pytest.mark.parametrize(
    ("load", "mean", "sd", "tau"),
    [
        (spec.NoisyLoad(0.7, 0.1, 3.0), 0.7, 0.1, 3.0),
        (spec.MarkovLoad(0.9, 6.0, 0.3, 3.0), 0.7, 0.6 * math.sqrt(2) / 3, 2.0),
    ],
)
def test_random_loads_through_one_pole(load, mean, sd, tau):
    node = engine(load=load)
    spread = 20 * sd * math.sqrt(tau / (tau + 2))
    assert node.mean == pytest.approx(300 + 20 * mean)
    assert node.sd == pytest.approx(spread)
    assert node.speed_sd == pytest.approx(spread / math.sqrt(2 * tau))
    variance = math.fsum((kelvin - node.mean) ** 2 * share for kelvin, share in node.points)
    assert variance == pytest.approx(spread**2, rel=1e-6)


def test_a_package_without_its_numbers():
    with pytest.raises(ValueError, match="give the network of the template 'one pole'"):
        pod(dataclasses.replace(PLAIN, link=RING))


# --- ageing ---


def failures(machine: reference.Machine, name: str, seed: int, replicas: int = 400) -> list[float]:
    return [reference.history(machine, seed, k).failures[name] for k in range(replicas)]


@pytest.mark.statistical
def test_hazards_of_mechanisms_add_each_at_its_own_pace():
    ways = (
        mechanism(spec.Exponential(900.0), "random", reference_kelvin=None),
        mechanism(spec.Exponential(900.0), "warm"),
        mechanism(spec.Exponential(900.0), "driven", current_exponent=3.0, reference_kelvin=HOT),
    )
    machine = pod(ways=ways, current=1.2)
    outcomes = [reference.history(machine, 1, k) for k in range(400)]
    for name, speed in (("random", 1.0), ("warm", AF), ("driven", 1.2**3)):
        agree([o.failures[f"els/laser:{name}"] for o in outcomes], 2 * 2000 / 900 * speed)
    assert all(sum(o.failures.values()) == sum(o.blast.values()) for o in outcomes)
    assert "els/laser" not in outcomes[0].failures
    # Without repair: F = 1 - exp(-sum of hazards), for the first of two lasers.
    failed = [reference.mission(machine, 2, k)["els"] <= 100 for k in range(1500)]
    agree([float(f) for f in failed], -math.expm1(-2 * 100 / 900 * (1 + AF + 1.2**3)))
    rate = (1 + AF + 1.2**3) / 900
    repair = {"replace": {"laser": {"time": "50 h"}}}
    machine = pod(ways=ways, current=1.2, service=repair)
    whole = [float(reference.snapshot(machine, 3, k).whole) for k in range(1500)]
    agree(whole, 1 / (1 + 50 * rate) ** 2)


def test_the_mechanism_that_struck_is_blamed():
    """The warm one strikes at 1500 / AF, is renewed with the part, and strikes again before the other."""
    ways = (
        mechanism(spec.Weibull(1e6, 1900.0), "still", reference_kelvin=None),
        mechanism(spec.Weibull(1e6, 800.0 * AF), "warm"),
    )
    machine = pod(ways=ways, service={"replace": {"laser": {"time": "100 h", "takes_out": "tray"}}})
    outcome = reference.history(machine, 1, 0)
    assert outcome.failures == {"els/laser:warm": 4}
    assert outcome.jobs == {"laser": 4}
    assert outcome.blame == {"els/laser:warm": pytest.approx(4 * 200, rel=1e-3)}


def test_a_lower_current_widens_the_margin():
    drive = spec.Drive(0.5, 0.5)
    still = mechanism(
        spec.Weibull(1e6, 100.0), current_exponent=2.0, drive=drive, reference_kelvin=None
    )
    (pace,) = pod(ways=(still,), current=0.8).part("els/laser").paces
    assert 1 / pace.clock().steps[0][1] == pytest.approx(((1.5 / 0.8 - 1) / 0.5) ** 2 / 0.8**2)


def test_parts_on_nodes_age_at_the_mean_over_its_points():
    load = spec.SquareLoad(1.0, 0.0, 5000.0, 0.3)  # slow: as good as two temperatures
    thermal = dataclasses.replace(
        PLAIN,
        load=load,
        stops=spec.Stops(10.0, 1.0),
        idle=0.1,
        unit="els",
        nodes={"engine": ("laser",)},
    )
    ways = (mechanism(spec.Exponential(900.0)),)
    (pace,) = pod(thermal, ONE_POLE, ways).part("els/laser").paces
    cold, hot = (arrhenius(0.7, kelvin, 313.15) for kelvin in (302.0, 320.0))
    assert pace.speed(0.0) == pytest.approx(0.9 * (0.3 * hot + 0.7 * cold) + 0.1 * cold, rel=1e-3)


@pytest.mark.statistical
def test_weibull_follows_a_step_of_the_environment():
    """Renewed at 0 only; F(t) = F0(E(t))."""
    steps = {"steps": [{"for": "300 h", "shift": "0 K"}, {"for": "200 h", "shift": "+10 K"}]}
    machine = pod(ways=(mechanism(spec.Weibull(2.5, 3000.0)),), environment=steps)
    age = 600 * AF + 300 * AF10  # at 900 h
    early = [reference.mission(machine, 4, k)["els"] <= 900 for k in range(1500)]
    agree([float(e) for e in early], -math.expm1(-2 * (age / 3000) ** 2.5))


# --- excursions ---


@pytest.mark.statistical
def test_share_of_time_in_excursions():
    """Renewals: a wait of mean 1 / rate, then a duration of any law; and nobody repairs it."""
    law = spec.LogNormal(40.0, 0.8)
    often = dataclasses.replace(OUTAGE, rate_per_hour=1 / 60.0, duration=law, unit="tray")
    machine = pod(with_excursions(often), start="stationary", run_in="2000 h")
    outcomes = [reference.history(machine, 5, k) for k in range(250)]
    lasts = 40 * math.exp(0.32)
    share = lasts / (60 + lasts)
    agree([o.hot_hours["tray/outage"] for o in outcomes], 2 * 2000 * share)
    agree([o.failures["tray/outage"] for o in outcomes], 2 * 2000 / (60 + lasts))
    assert not any(o.jobs or o.interruptions or o.dark_hours for o in outcomes)
    assert all(set(o.blast) == {0} for o in outcomes)  # it takes no lanes
    assert all(o.full_hours == 2000 for o in outcomes)


@pytest.mark.statistical
def test_failures_of_an_exponential_part_under_excursions():
    ways = (
        mechanism(spec.Exponential(4000.0)),
        mechanism(spec.Exponential(900.0), "still", reference_kelvin=None),
    )
    often = dataclasses.replace(OUTAGE, rate_per_hour=1 / 30.0)  # 20 of 50 hours
    machine = pod(with_excursions(often), None, ways, start="stationary", run_in="500 h")
    outcomes = [reference.history(machine, 6, k) for k in range(250)]
    agree([o.failures["els/laser"] for o in outcomes], 2 * 2000 / 4000 * (0.6 * AF + 0.4 * AF10))
    agree([o.failures["els/laser:still"] for o in outcomes], 2 * 2000 / 900)


@pytest.mark.statistical
def test_the_recovery_ages_like_its_decay():
    """A cycle gains the age of the decay itself; where no light is lost, an excursion lasts `recovery` more."""
    slow = dataclasses.replace(
        OUTAGE, rate_per_hour=1 / 2000.0, recovery_hours=30.0, rise_kelvin=25.0
    )
    ways = (mechanism(spec.Exponential(4000.0)),)
    machine = pod(with_excursions(slow), None, ways, start="stationary", run_in="2000 h")
    step = 0.001
    decay = [25 * math.exp(-(k + 0.5) * step) for k in range(30_000)]
    gained = 30 * step * math.fsum(arrhenius(0.7, HOT + x, HOT) - 1 for x in decay)
    gained += 20 * (arrhenius(0.7, HOT + 25, HOT) - 1)
    expected = 2 * 2000 / 4000 * AF * (1 + gained / (2000 + 20 + 30))
    agree(failures(machine, "els/laser", 7, 1500), expected)


def test_rises_of_nested_excursions_add():
    """Of an age of 1000 h, 100 to 300 in the pod's outage, 250 to 310 in the tray's."""
    long = dataclasses.replace(OUTAGE, duration=spec.Fixed(200.0))
    machine = pod(with_excursions(long, TRAY), None, old(1000.0), service=SLOW_SWAP)
    with starting(outage=100, tray1=250):
        outcome = reference.history(machine, 1, 0)
    r5, r10, r15 = (arrhenius(0.7, HOT + x, HOT) for x in (5, 10, 15))
    ends = (1000 + 200 - 200 * r10, 1000 + 210 - 150 * r10 - 50 * r15 - 10 * r5)
    assert outcome.used_hours == pytest.approx(sum(ends) / 2, rel=1e-4)
    assert outcome.failures == {"els/laser": 2, "pod/outage": 1, "tray/tray": 1}


def test_a_part_fails_during_an_excursion_and_is_new_in_it():
    """At 130, and the new one has 70 h of the outage before it."""
    hot = dataclasses.replace(OUTAGE, duration=spec.Fixed(100.0))
    r10 = arrhenius(0.7, HOT + 10, HOT)
    life = 100 + 30 * r10
    again = 200 + life - 70 * r10
    assert 210 < again < 220
    for end, count in ((129.9, 0), (130.1, 2), (again - 0.1, 2), (again + 0.1, 4)):
        machine = pod(with_excursions(hot), None, old(life), mission=f"{end} h")
        with starting(outage=100):
            assert reference.history(machine, 1, 0).failures["els/laser"] == count


def test_the_recovery_counts_as_so_long_at_the_full_rise():
    """And a part that has failed fails no more, whatever the weather."""
    slow = dataclasses.replace(OUTAGE, recovery_hours=30.0, rise_kelvin=25.0)
    r25 = arrhenius(0.7, HOT + 25, HOT)
    decay = (25 * math.exp(-(k + 0.5) * 0.001) for k in range(30_000))
    tail = 0.03 * math.fsum(arrhenius(0.7, HOT + x, HOT) - 1 for x in decay) / (r25 - 1)
    machine = pod(with_excursions(slow, TRAY), None, old(1000.0), service=SLOW_SWAP)
    with starting(outage=100, tray=1500):
        outcome = reference.history(machine, 1, 0)
    assert 10 < tail < 20
    assert outcome.used_hours == pytest.approx(1000 + (20 + tail) * (1 - r25), rel=1e-4)
    assert outcome.failures["els/laser"] == 2
    assert outcome.hot_hours["pod/outage"] == pytest.approx(50)


@pytest.mark.parametrize("since", [-1234.5, 0.0, 95.0, 777.0])
def test_clocks_run_both_ways(since):
    clock = Clock(((100.0, 1.0), (50.0, 3.0), (70.0, 0.5)))
    for hours in (1.0, 60.0, 500.0, 2200.0):
        age = clock.gained(since, since + hours)
        assert clock.when(since, age) == pytest.approx(since + hours)


def test_an_excursion_of_a_supplier_warms_what_it_feeds():
    loop = dataclasses.replace(OUTAGE, name="leak", unit="loop", duration=spec.Fixed(200.0))
    machine = pod(with_excursions(loop), None, old(1000.0), service=SLOW_SWAP)
    with starting(leak1=100):
        outcome = reference.history(machine, 1, 0)
    end = 1000 + 200 - 200 * arrhenius(0.7, HOT + 10, HOT)
    assert outcome.used_hours == pytest.approx((1000 + end) / 2, rel=1e-4)


def test_excursions_and_the_environment_shift_together():
    steps = {"steps": [{"for": "150 h", "shift": "0 K"}, {"for": "5000 h", "shift": "+7 K"}]}
    machine = pod(with_excursions(OUTAGE), None, old(1000.0), service=SLOW_SWAP, environment=steps)
    with starting(outage=140):
        outcome = reference.history(machine, 1, 0)
    r7, r10, r17 = (arrhenius(0.7, HOT + x, HOT) for x in (7, 10, 17))
    end = 160 + (1000 - 140 - 10 * r10 - 10 * r17) / r7
    assert outcome.lost_accelerator_hours == pytest.approx(4 * (2000 - end), rel=1e-4)


def test_only_histories_follow_excursions():
    machine = pod(with_excursions(OUTAGE))
    for ask in (
        lambda: reference.mission(machine, 1, 0),
        lambda: reference.snapshot(machine, 1, 0),
    ):
        with pytest.raises(ValueError, match="only histories"):
            ask()
