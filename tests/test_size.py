"""`fdmc size` on a machine whose best design is known from closed forms, and the parts of the search one by one."""

import dataclasses
import itertools
import json
import math
from pathlib import Path

import jax
import numpy as np
import pytest
from scipy import stats

import fdmc
from fdmc import cli
from fdmc.plan import lower
from fdmc.sizing import SizingError
from fdmc.sizing._arena import FACTS, Arena, Facts
from fdmc.sizing._controls import needed, uniform
from fdmc.sizing._judge import Judge, mission_goodput, seen
from fdmc.sizing._propose import Better, Model, propose
from fdmc.sizing._screen import classes_of, loads_of
from fdmc.sizing._space import Space, machine, moved


SHELVES = Path(__file__).parent.parent / "docs/examples/sized-shelves.yaml"
PARTS = {"fans": (4, 2, 48, 1e3), "supplies": (4, 1, 72, 3e3), "pumps": (2, 0.5, 120, 7e3)}
"""Need, failures a year, hours of repair, price."""


def kept(name: str, count: int) -> float:
    """Mean share that a group keeps: every copy is down on its own, n over, s spares."""
    need, rate, hours, _ = PARTS[name]
    u = rate / 8760 * hours / (1 + rate / 8760 * hours)
    failed = np.arange(count + 1)
    lost = np.clip((failed - (count - need)) / need, 0, 1)
    return float(stats.binom.pmf(failed, count, u) @ (1 - lost))


def goodput(counts: tuple[int, ...]) -> float:
    return math.prod(kept(name, n) for name, n in zip(PARTS, counts, strict=True))


def cost(counts: tuple[int, ...]) -> float:
    """Copies in the machine, and those that two years of repairs use up."""
    total = 0.0
    for (_, rate, hours, price), n in zip(PARTS.values(), counts, strict=True):
        total += price * n * (1 + 2 * rate / (1 + rate / 8760 * hours))
    return total


def best_design(target: float) -> tuple[int, ...]:
    every = itertools.product(range(4, 9), range(4, 9), range(2, 6))
    return min((counts for counts in every if goodput(counts) >= target), key=cost)


@pytest.fixture(scope="module")
def answer(tmp_path_factory):
    """One answer by the command line: object, folder."""
    folder = tmp_path_factory.mktemp("sized")
    words = ["size", str(SHELVES), "--replicas", "256", "--target", "99.96%", "--frontier", "3"]
    with pytest.MonkeyPatch.context() as patch:
        heard = []
        patch.setattr("builtins.print", lambda text, **_: heard.append(text))
        code = cli.main([*words, "--json", "--quiet", "--out", str(folder)])
    return code, json.loads(heard[0]), folder


def test_the_best_design_is_found(answer):
    code, found, _ = answer
    counts = best_design(0.9996)
    assert counts == (6, 5, 3)
    # The bound decides: with one fan less the machine is cheaper and just not good enough.
    assert goodput((5, 5, 3)) < 0.9996 < goodput(counts)
    assert code == 0
    assert found["status"] == "ok"
    assert tuple(int(found["design"]["settings"][name]) for name in PARTS) == counts
    assert found["model"]["proved"]
    sampled = found["design"]["metrics"]["goodput"]
    half = (sampled["high"] - sampled["low"]) / 2 / 1.96
    assert abs(sampled["best"] - goodput(counts)) < 4.9 * half
    spent = found["design"]["cost"]
    assert abs(spent["best"] - cost(counts)) < 4.9 * (spent["high"] - spent["low"]) / 3.92
    assert found["standings"][0]["status"] == "kept"
    assert found["standings"][0]["certified"] < goodput(counts) + 1e-4
    assert found["seed"] != found["certificate_seed"]
    for unit in found["domains"]:  # nothing seen is a bound, not a zero
        assert unit["written"]["high"] > 0
        assert unit["sized"]["high"] > 0


def test_prices_are_differences_of_closed_forms(answer):
    _, found, _ = answer
    start = (6, 5, 3)
    assert len(found["prices"]) >= 5
    for price in found["prices"]:
        i = list(PARTS).index(price["variable"])
        to = moved(start, i, int(price["step"].split()[-1]))
        gain = price["goodput"]
        error = (gain["high"] - gain["low"]) / 3.92
        assert abs(gain["best"] - (goodput(to) - goodput(start))) < 4.9 * error + 1e-9, price
        assert price["cost"] == pytest.approx(cost(to) - cost(start), rel=0.05)


def test_what_is_written_is_a_scenario(answer):
    _, found, folder = answer
    sized = fdmc.load(folder / "sized-shelves-sized.yaml")
    groups = sized.units["rack"].components
    assert (groups["fan"].count, groups["supply"].count, groups["pump"].count) == (6, 5, 3)
    assert sized.sizing is None
    assert (folder / "sizing.png").stat().st_size > 10_000
    assert json.loads((folder / "sizing.json").read_text())["status"] == found["status"]
    best = [one for one in found["frontier"] if one["best"]]
    costs = [one["design"]["cost"]["best"] for one in best]
    assert len(best) >= 2
    assert costs == sorted(costs)


@pytest.fixture(scope="module")
def space():
    return Space(fdmc.load(SHELVES))


def test_the_screen_is_the_closed_form_where_one_exists(space):
    for counts in ((4, 4, 2), (5, 6, 3), (8, 4, 5)):
        made = space.made(counts)
        found, _ = loads_of(classes_of(made.scenario, made.plan))
        hours = made.scenario.mission_hours
        for lost, name, n in zip(found.lost, PARTS, counts, strict=True):
            assert lost / hours == pytest.approx(1 - kept(name, n), rel=1e-6, abs=1e-12)


@pytest.mark.verification
def test_the_screen_has_slopes_in_every_number():
    """Automatic derivatives against differences, through the tails, the shelf and the queue."""
    scenario = fdmc.load("cpo-512", ["service.technicians=2", "service.replace.package.stock=3"])
    plan, _ = lower(scenario)
    x = classes_of(scenario, plan)
    for name in ("spares", "stock", "technicians", "rate", "repair", "restock", "element_rate"):
        along = jax.tree.map(np.zeros_like, x)
        size = np.asarray(getattr(x, name)) * 0 + (1.0 if name in ("spares", "stock") else 0.0)
        size = size if size.any() else np.asarray(getattr(x, name), float)
        along = dataclasses.replace(along, **{name: size})
        _, slope = loads_of(x, along)
        h = 1e-5
        up, down = (
            loads_of(dataclasses.replace(x, **{name: np.asarray(getattr(x, name) + s * h * size)}))[
                0
            ]
            for s in (1, -1)
        )
        for field in ("lost", "stops", "drains"):
            numeric = (getattr(up, field) - getattr(down, field)) / (2 * h)
            scale = np.abs(getattr(up, field)).max()
            np.testing.assert_allclose(
                getattr(slope, field), numeric, rtol=2e-4, atol=1e-7 * scale, err_msg=name
            )
    assert np.abs(slope.lost).max() > 0


def test_shelf_and_queue_are_palm_and_erlang():
    """One class, a shelf of one and two technicians, against sums over the states."""
    scenario = fdmc.load("cpo-512")
    plan, _ = lower(scenario)
    x = classes_of(scenario, plan)
    n = len(x.rate)
    only = np.zeros(n)
    only[0] = 0.02
    flat = dict(counted=np.zeros(n), short=np.zeros(n), out=np.zeros(n), attended=np.ones(n))
    pool = np.zeros_like(x.pool)
    pool[0, 0] = 1
    stock, restock = np.array(x.stock), np.array(x.restock)
    stock[0], restock[0] = 1, 60.0
    one = dataclasses.replace(
        x, rate=only, pool=pool, stock=stock, restock=restock, repair=np.full(n, 75.0),
        repair_squared=np.full(n, 2 * 75.0**2),
        technicians=np.asarray(2.0), lost_failed=np.ones(n), **flat,
    )  # fmt: skip
    found, _ = loads_of(one)
    orders = stats.poisson(0.02 * 60)
    missing = sum((k - 1) * orders.pmf(k) for k in range(2, 60))
    load = 0.02 * 75  # erlangs on two technicians
    states = [1, load, load**2 / 2 / (1 - load / 2)]
    busy = states[2] / sum(states)
    queued = busy * 75 / (2 - load)
    jobs = 0.02 * float(x.hours)
    assert found.lost[0] == pytest.approx(jobs * (missing / 0.02 + queued + 75), rel=1e-9)


def test_padding_changes_nothing():
    """Places and shelves padded to a larger design: the same histories, bit for bit."""
    small = {
        "name": "padded", "mission": "1 y",
        "components": {"fan": {"rate": "20 /y", "repair": "40 h"}},
        "units": {"rack": {"components": {"fan": {"count": 4, "need": 3}}, "contains": {"gpu": 1}}, "gpu": {}},
        "fabric": {"accelerator": "gpu", "planes": 1},
        "service": {"technicians": 1, "replace": {"fan": {"stock": 1, "restock": "10 d"}}},
    }  # fmt: skip
    made = lambda n, s: machine(
        fdmc.load(small, [f"units.rack.components.fan.count={n}", f"service.replace.fan.stock={s}"])
    )
    few, none, many = made(4, 1), made(4, 0), made(6, 3)
    arena = Arena([few, many], 5)
    assert len(arena.pad(few.plan, few.directory).places.home) > len(few.plan.places.home)
    # An empty shelf of three places: a place that is not there must not become a spare.
    facts = arena.facts(none, 256)
    result = fdmc.run(none.scenario, seed=5, stop=fdmc.Replicas(256))
    goodput = Judge(arena, (), "goodput", None)(none, 256).metrics["goodput"].best
    assert goodput == pytest.approx(result["goodput"].best, abs=1e-9)
    assert facts.jobs.sum() / 256 == pytest.approx(result["spares_per_year.fan"].best, rel=1e-12)
    assert 0 < arena.facts(few, 256).means()["lost"] < facts.means()["lost"]
    assert len(arena.programs.found) == 1  # one program for both


def test_tails_of_the_missions(space):
    """Quantile and mean of the worst, of histories that are known."""
    made = space.made((5, 5, 3))
    rng = np.random.default_rng(1)
    lost = rng.exponential(0.01, 4000) * made.scenario.mission_hours
    rows, none = np.zeros((4000, len(FACTS))), np.zeros(0)
    rows[:, FACTS.index("lost")] = lost
    facts = Facts(rows, none, none, none, none)
    np.testing.assert_allclose(
        mission_goodput(made.scenario, facts), 1 - lost / made.scenario.mission_hours
    )
    edge, tail = 1 + 0.01 * math.log(0.05), 1 + 0.01 * (math.log(0.05) - 1)
    for metric, exact in (("goodput_quantile", edge), ("goodput_cvar", tail)):
        one = seen(made.scenario, facts, metric, 0.05)
        assert abs(one.best - exact) < 4.9 * one.error
        assert 1e-5 < one.error < 2e-3
    # P(Exp > q) = 5 %: the error of the quantile is sqrt(p (1 - p) / n) / density.
    expected = 0.01 / 0.05 * math.sqrt(0.05 * 0.95 / 4000)
    found = seen(made.scenario, facts, "goodput_quantile", 0.05).error
    assert found == pytest.approx(expected, rel=0.5)


def test_proposals_are_the_best_of_the_model(space):
    """The screen's table and walk against all designs of the model, one by one."""
    arena = Arena([space.made((8, 8, 5))], 1)
    model = Model(space, arena, None)
    limits = space.sizing.limits
    every = list(itertools.product(range(4, 9), range(4, 9), range(2, 6)))
    for sense, metric, bounds in (
        ("least", "cost", limits),
        ("most", "goodput", (dataclasses.replace(limits[0], metric="cost", bound=130e3),)),
    ):
        better = Better(model, sense, metric, bounds, {})
        found = propose(model, sense, metric, bounds, (4, 4, 2), {})
        assert found.points[0] == min(every, key=better.key)
        assert found.proved


def test_uniform_spares_are_equal_shares(space):
    model = Model(space, Arena([space.made((8, 8, 5))], 1), None)
    assert [needed(space, i) for i in range(3)] == [(4, 4), (4, 4), (2, 2)]
    point = uniform(space, model, (4, 4, 2), 1.0001 * model.cost((6, 6, 3)))
    assert point == (6, 6, 3)  # half as many again of each


def test_what_cannot_be_asked():
    plain = fdmc.load(SHELVES).document | {"sizing": None}
    with pytest.raises(SizingError, match="no section `sizing`"):
        fdmc.size(fdmc.load(plain))
    with pytest.raises(SizingError, match="target must be between 0 and 1, but is 99"):
        fdmc.size(SHELVES, target=99.0)
    bad = fdmc.load(SHELVES, ["units.rack.components.fan.need=5"])
    with pytest.raises(SizingError, match="fans at 4: .*need"):
        fdmc.size(bad)


def test_the_command_refuses_what_it_cannot_answer(capsys):
    for words, said in (
        (["size", "nvl72-copper"], "no section `sizing`"),
        (["size", str(SHELVES), "--target", "12"], "no share between 0 and 1"),
        (["size", str(SHELVES), "--budget", "12 USD"], "'USD' is not EUR"),
    ):
        assert cli.main(words) == 2
        assert said in capsys.readouterr().err
