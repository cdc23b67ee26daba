"""Galileo files: every word of the subset, what is refused, round trips."""

import os
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from fdmc.spec.fault_tree import (
    BasicEvent,
    Call,
    Dependency,
    Expression,
    FaultTree,
    FaultTreeError,
    Formula,
    Gate,
    MissionTime,
    Parameter,
    Shock,
    read,
    to_galileo,
    write,
)


REFERENCE = Path(
    os.environ.get("FDMC_REFERENCE", Path(__file__).parents[2] / "shared" / "reference")
)
MODELS = REFERENCE / "fault_trees" / "models"
needs_reference = pytest.mark.skipif(
    not MODELS.is_dir(), reason="the reference models are not beside the repository"
)
T = MissionTime()


def model(tmp_path: Path, text: str) -> FaultTree:
    path = tmp_path / "model.dft"
    path.write_bytes(text.encode())
    return read(path)


def gate(tmp_path: Path, words: str, *more: str) -> Gate:
    events = "".join(f'"{name}" lambda=1;' for name in "ABC")
    tree = model(tmp_path, f'toplevel "top"; "top" {words}; {events} {" ".join(more)}')
    write(tree, tmp_path / "again.dft")
    assert read(tmp_path / "again.dft") == tree
    return tree.gates["top"]


def event(tmp_path: Path, attributes: str) -> BasicEvent:
    tree = model(tmp_path, f'toplevel "E"; "E" {attributes};')
    write(tree, tmp_path / "again.dft")
    assert read(tmp_path / "again.dft") == tree
    return tree.basic_events["E"]


# ---------------------------------------------------------------- gates

GATES = {
    "and": "and",
    "or": "or",
    "pand": "pand",
    "pand-incl": "pand",
    "pand<=": "pand",
    "pand-excl": "pand-exclusive",
    "pand<": "pand-exclusive",
    "por": "por",
    "por-incl": "por",
    "por<=": "por",
    "por-excl": "por-exclusive",
    "por<": "por-exclusive",
    "spare": "spare",
}
KEPT = {
    "wsp": "spare",
    "csp": "spare",
    "hsp": "spare",
    "spare-claim-after-repair": "spare",
    "spare-claim-after-repair-claim-lr": "spare",
    "pand-excl-rep-any": "pand-exclusive",
}


@pytest.mark.parametrize("word", [*GATES, *KEPT])
def test_gates(tmp_path: Path, word: str):
    found = gate(tmp_path, f'{word} "A" B "C"')
    assert found.formula == Formula({**GATES, **KEPT}[word], ("A", "B", "C"))
    # a word that says more than the connective stays with the gate
    assert found.attributes == ((("keyword", word),) if word in KEPT else ())


@pytest.mark.parametrize("word", ["2of3", "vot2"])
def test_votes(tmp_path: Path, word: str):
    assert gate(tmp_path, f"{word} A B C").formula == Formula("atleast", ("A", "B", "C"), 2)


def test_negation(tmp_path: Path):
    assert gate(tmp_path, "not A").formula == Formula("not", ("A",))


@pytest.mark.parametrize(
    ("words", "dependency"),
    [
        ("fdep A B C", Dependency("fdep", ("A", "B", "C"))),
        ("pdep=0.25 A B", Dependency("fdep", ("A", "B"), 0.25)),
        ("seq A B C", Dependency("seq", ("A", "B", "C"))),
        ("mutex A B", Dependency("mutex", ("A", "B"))),
        ("rdep A B", Dependency("rdep", ("A", "B"))),
        ("2insp0.5 A B", Dependency("inspection", ("A", "B"), 1.0, 2, 0.5)),
    ],
)
def test_dependencies(tmp_path: Path, words: str, dependency: Dependency):
    tree = model(tmp_path, f"toplevel top; top or A B C; D {words}; A prob=0; B prob=0; C prob=0;")
    assert tree.dependencies == {"D": dependency}
    assert tree.is_dynamic


def test_a_dependency_among_the_children_is_dropped_and_kept(tmp_path: Path):
    found = gate(tmp_path, "csp A D B", "D fdep C A;")
    assert found.formula == Formula("spare", ("A", "B"))
    assert found.attributes == (("keyword", "csp"), ("constraint", "D"))
    with pytest.raises(FaultTreeError, match="`atleast` needs 2 of 1"):
        gate(tmp_path, "2of2 A D", "D fdep C A;")


# ---------------------------------------------------------------- basic events

LAWS = {
    "lambda=1e-3": Call("exponential", (1e-3, T)),
    "lambda=0": Call("exponential", (0.0, T)),
    "lambda=2 phases=1": Call("exponential", (2.0, T)),
    "lambda=2 phases=3": Call("erlang", (3.0, 2.0, T)),
    "prob=0.25": 0.25,
    "rate=3e-4 shape=1.5": Call("Weibull", (Call("div", (1.0, 3e-4)), 1.5, 0.0, T)),
    "scale=2000 shape=1.5": Call("Weibull", (2000.0, 1.5, 0.0, T)),
    "mean=-2.5 stddev=1.5": Call("lognormal", (Call("exp", (-2.5,)), 1.5, T)),
    "median=2000 sigma=1.5": Call("lognormal", (2000.0, 1.5, T)),
    "lambda = 0.5": Call("exponential", (0.5, T)),
    "lambda=2 phases=1 interval=1": Call("exponential", (2.0, T)),
    "lambda=2 phases=3 interval=3": Call("erlang", (3.0, 2.0, T)),
    "prob=.5 cov=1 res=0.5 repl=1": 0.5,
}


@pytest.mark.parametrize("attributes", LAWS)
def test_lifetimes(tmp_path: Path, attributes: str):
    assert event(tmp_path, attributes) == BasicEvent(LAWS[attributes])


REPAIRS = {
    "repair=0.1": Call("exponential", (0.1, T)),
    "repair=0": None,
    "repair_time=8": Call("fixed", (8.0, T)),
    "repair_median=8 repair_sigma=0.75": Call("lognormal", (8.0, 0.75, T)),
    "repair_scale=8 repair_shape=2": Call("Weibull", (8.0, 2.0, 0.0, T)),
}


@pytest.mark.parametrize("attributes", REPAIRS)
def test_repairs(tmp_path: Path, attributes: str):
    found = event(tmp_path, f"lambda=1 dorm=0.5 {attributes}")
    assert found == BasicEvent(Call("exponential", (1.0, T)), 0.5, REPAIRS[attributes])


def test_dormancy_is_one_when_it_is_not_written(tmp_path: Path):
    assert event(tmp_path, "lambda=1").dormancy == 1.0
    assert event(tmp_path, "lambda=1 dorm=.25").dormancy == 0.25


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ("lambda=1 cov=0.9", "imperfect coverage is not modelled"),
        ("lambda=1 repl=3", "copies are not modelled"),
        ("lambda=1 phases=3 interval=2", "degradation before failure"),
        ("lambda=1 res=2", "not between 0 and 1"),
        ("lambda=-1", "the rate is -1.0"),
        ("lambda=inf", "needs a number"),
        ("lambda=1e999999999", "larger than any double"),
        ("lambda=" + "9" * 10_000, "a number of 10000 characters"),
        ("prob=1.5", "the probability is 1.5"),
        ("dorm=1", "has no law"),
        ("lambda=1 dorm=-1", "the dormancy is -1.0"),
        ("lambda=1 prob=1", "lambda and prob together do not give"),
        ("shape=2", "shape alone does not give"),
        ("rate=0 shape=2", "divides by 0"),
        ("lambda=1 repair_median=2", "the law of the repair time"),
        ("lambda=1 repair=1 repair_time=2", "the law of the repair time"),
        ("lambda=1 repairr=2", "did you mean 'repair'"),
    ],
)
def test_what_is_refused(tmp_path: Path, attributes: str, message: str):
    with pytest.raises(FaultTreeError, match=message):
        event(tmp_path, attributes)


# ---------------------------------------------------------------- the text


def test_comments_quotes_and_line_ends(tmp_path: Path):
    tree = model(
        tmp_path,
        '// a comment; with "signs"\r\n'
        'toplevel "a; b // c";  /* "x" and\r\n "y"; */\r\n'
        '"a; b // c" or A// the first\r\n'
        '  "F\'";\r\n'
        'A lambda=1;"F\'"\r\n lambda=2;\r\n//@ this is no note of ours',
    )
    assert tree.tops == ("a; b // c",)
    assert tree.gates["a; b // c"].formula.args == ("A", "F'")
    assert tree.gates["a; b // c"].line == 4
    assert tree.basic_events["F'"].line == 6
    assert tree.name == "model"


def test_a_byte_order_mark_is_no_name(tmp_path: Path):
    (tmp_path / "bom.dft").write_text("toplevel A; A lambda=1;", encoding="utf-8-sig")
    assert read(tmp_path / "bom.dft").tops == ("A",)


def test_labels_attributes_and_the_name_survive(tmp_path: Path):
    tree = FaultTree(
        "Cooling; 2nd\nloop",
        ("T",),
        {"T": Gate(Formula("or", ("A",)), 'the "top"', (("keyword", "wsp"), ("", "\ud800")))},
        {"A": BasicEvent(0.5, label="a\\", attributes=(("constraint", "A"),))},
    )
    write(tree, tmp_path / "x.dft.gz")
    assert read(tmp_path / "x.dft.gz") == tree


def test_a_note_about_nothing(tmp_path: Path):
    with pytest.raises(FaultTreeError, match='no gate or event "B"'):
        model(tmp_path, 'toplevel A; A lambda=1;\n//@ label "B" "pump"')


# ---------------------------------------------------------------- what the format cannot hold

EVENTS = {"A": BasicEvent(0.1), "B": BasicEvent(0.1)}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"tops": ("top", "A")}, "the tree 2"),
        ({"house_events": {"H": True}}, "no house events"),
        ({"parameters": {"p": 0.5}}, "no parameters"),
        ({"shocks": {"S": Shock(("A", "B"), 0.1)}}, "no shocks.*expand them first"),
        ({"gates": {"top": Gate(Formula("xor", ("A", "B")))}}, "no gate `xor`"),
        ({"gates": {"top": Gate(Formula("or", (Formula("not", ("A",)),)))}}, "is a name"),
        ({"gates": {"top": Gate(Formula("or", (True,)))}}, "is a name"),
        ({"gates": {'to"p': Gate(Formula("or", ("A",)))}, "tops": ('to"p',)}, "no quotation mark"),
        ({"basic_events": {**EVENTS, "B": BasicEvent(Call("pi", ()))}}, "no attributes in Galileo"),
        (
            {"basic_events": {**EVENTS, "B": BasicEvent(Parameter("p"))}, "parameters": {"p": 0.5}},
            "no attributes in Galileo",
        ),
        (
            {"basic_events": {**EVENTS, "B": BasicEvent(0.1, repair=0.5)}},
            "the law of its repair time has no attributes",
        ),
        ({"dependencies": {"D": Dependency("seq", ("A", "B"), 0.5)}}, "no such probability"),
    ],
)
def test_what_galileo_cannot_hold(change: dict, reason: str):
    fields = {
        "name": "T",
        "tops": ("top",),
        "gates": {"top": Gate(Formula("or", ("A", "B")))},
        "basic_events": EVENTS,
    }
    to_galileo(FaultTree(**fields))
    with pytest.raises(FaultTreeError, match=reason):
        to_galileo(FaultTree(**(fields | change)))


# ---------------------------------------------------------------- round trips of any tree

names = st.text(st.sampled_from("ab;/*'. =\\é<"), min_size=1, max_size=4)
texts = st.text(st.sampled_from('ab"\\\n\r\u2028é;/*@'), max_size=6)
positive = st.floats(0, exclude_min=True, allow_infinity=False, allow_nan=False)
finite = st.floats(allow_infinity=False, allow_nan=False)


def call(op: str, *args: st.SearchStrategy) -> st.SearchStrategy[Expression]:
    return st.tuples(*args, st.just(T)).map(lambda values: Call(op, values))


zero = st.just(0.0)
lognormal = call("lognormal", positive, positive)
lifetimes = st.one_of(
    st.floats(0, 1),
    call("exponential", st.floats(0, allow_infinity=False)),
    call("erlang", st.integers(2, 50).map(float), positive),
    call("Weibull", positive.map(lambda r: Call("div", (1.0, r))), positive, zero),
    call("Weibull", positive, positive, zero),
    call("lognormal", finite.map(lambda m: Call("exp", (m,))), positive),
    lognormal,
)
repairs = st.one_of(
    st.none(),
    call("exponential", positive),
    call("fixed", positive),
    lognormal,
    call("Weibull", positive, positive, zero),
)
notes = st.lists(st.tuples(st.one_of(texts, st.just("keyword")), texts), max_size=2).map(tuple)
events = st.builds(BasicEvent, lifetimes, st.floats(0, 1), repairs, texts, notes)


@st.composite
def trees(draw: st.DrawFn) -> FaultTree:
    taken = draw(st.lists(names, min_size=3, max_size=9, unique=True))
    cut = draw(st.integers(1, len(taken) - 1))
    gate_names, event_names = taken[:cut], taken[cut:]
    constraint_names = [event_names.pop() for _ in range(min(2, len(event_names) - 1))]
    dependencies = {}
    for name in constraint_names:
        args = tuple(draw(st.lists(st.sampled_from(event_names), min_size=2, max_size=3)))
        kind = draw(st.sampled_from(["fdep", "pdep", "seq", "mutex", "rdep", "inspection"]))
        dependencies[name] = {
            "pdep": Dependency("fdep", args, draw(st.floats(0, 1))),
            "inspection": Dependency("inspection", args, 1.0, 2, draw(positive)),
        }.get(kind) or Dependency(kind, args)
    gates = {}
    for i, name in enumerate(gate_names):
        known = st.sampled_from([*gate_names[i + 1 :], *event_names])
        args = tuple(draw(st.lists(known, min_size=1, max_size=4)))
        op = draw(st.sampled_from([*dict.fromkeys(GATES.values()), "atleast", "not"]))
        args = args[:1] if op == "not" else args
        least = draw(st.integers(0, len(args))) if op == "atleast" else 0
        extra: tuple[tuple[str, str], ...] = ()
        if op == "spare" and draw(st.booleans()):
            extra += (("keyword", "csp"),)
        if constraint_names and draw(st.booleans()):
            extra += (("constraint", constraint_names[0]),)
        gates[name] = Gate(Formula(op, args, least), draw(texts), (*extra, *draw(notes)))
    return FaultTree(
        draw(texts),
        (draw(st.sampled_from([*gate_names, *event_names])),),
        gates,
        {name: draw(events) for name in event_names},
        dependencies=dependencies,
    )


# the type checks of these tests look at random items of tuples; the drawn trees do not depend on that
@pytest.mark.filterwarnings("ignore:Do not use the `random` module")
@settings(max_examples=60, deadline=None)
@given(trees())
def test_round_trip_of_any_tree(tmp_path_factory: pytest.TempPathFactory, tree: FaultTree):
    path = tmp_path_factory.mktemp("trip") / "tree.dft"
    write(tree, path)
    assert read(path) == tree


# ---------------------------------------------------------------- what an inspection box means


@needs_reference
def test_an_inspection_box_is_an_erlang_interval_that_renews_all():
    """`2insp2`: two exponential phases of rate 2 make an interval; at its end all is as new.

    The published unavailability of these two models is 223/53361 and 446/53361 in the long run.
    """
    for name, factor in (("pand", 1), ("spare", 2)):
        tree = read(MODELS / "dft_repair" / f"dftres_repair-{name}.dft")
        box = tree.dependencies["I"]
        assert (box.kind, box.phases, box.rate) == ("inspection", 2, 2.0)
        rates = [event.probability for event in tree.basic_events.values()]
        assert rates == [Call("exponential", (0.1, T))] * 2
        assert all(event.dormancy == 1.0 for event in tree.basic_events.values())
        found = failed_in_order(0.1, box.phases, box.rate) * factor
        assert found == pytest.approx(223 / 53361 * factor, rel=1e-12)


def failed_in_order(rate: float, phases: int, stage: float) -> float:
    """The long-run probability that B failed before C, both since the last inspection."""
    states = [(order, phase) for order in ("", "B", "C", "BC", "CB") for phase in range(phases)]
    index = {state: i for i, state in enumerate(states)}
    flow = np.zeros((len(states), len(states)))
    for order, phase in states:
        for other in "BC":
            if other not in order:
                flow[index[order, phase], index[order + other, phase]] += rate
        after = (order, phase + 1) if phase + 1 < phases else ("", 0)
        flow[index[order, phase], index[after]] += stage
    flow -= np.diag(flow.sum(axis=1))
    balance = np.vstack([flow.T, np.ones(len(states))])
    share = np.linalg.lstsq(balance, np.eye(len(states) + 1)[-1], rcond=None)[0]
    return float(sum(share[index["BC", phase]] for phase in range(phases)))
