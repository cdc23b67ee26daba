"""Small fault trees in time: builders, deterministic cases with their answers, and random trees."""

import random

from fdmc.spec.fault_tree import BasicEvent, Call, Dependency, FaultTree, Formula, Gate, MissionTime


T = MissionTime()
NEVER = float("inf")


def exponential(rate, dormancy=1.0, repair=None):
    law = None if repair is None else Call("exponential", (repair, T))
    return BasicEvent(Call("exponential", (rate, T)), dormancy, law)


def law(op, *numbers, dormancy=1.0, repair=None):
    return BasicEvent(Call(op, (*numbers, T)), dormancy, repair)


def at(hours, dormancy=1.0, repair=None):
    """An event of fixed age, repaired after a fixed time."""
    back = None if repair is None else Call("fixed", (repair, T))
    return law("fixed", hours, dormancy=dormancy, repair=back)


def tree(gates, events, dependencies=()):
    """`gates`: name -> (op, arguments, k); the first is the top event. `dependencies`: (kind, arguments, ...)."""
    built = {n: Gate(Formula(g[0], tuple(g[1]), *g[2:])) for n, g in gates.items()}
    coupled = {f"d{i}": Dependency(d[0], tuple(d[1]), *d[2:]) for i, d in enumerate(dependencies)}
    return FaultTree("test", (next(iter(gates)),), built, dict(events), dependencies=coupled)


def aged(**hours):
    return {name: at(float(h)) for name, h in hours.items()}


_SHARED = {"top": ("and", "st"), "s": ("spare", "ax"), "t": ("spare", "bx")}
_NESTED = {"top": ("spare", ("a", "inner")), "inner": ("spare", "bc")}

CASES = {
    # name: (tree, hours at which the top event begins and ceases to hold, in turn)
    "and": (tree({"top": ("and", "ab")}, aged(a=1, b=2)), [2]),
    "or": (tree({"top": ("or", "ab")}, aged(a=1, b=2)), [1]),
    "vote": (tree({"top": ("atleast", "abc", 2)}, aged(a=1, b=5, c=3)), [3]),
    "pand in order": (tree({"top": ("pand", "abc")}, aged(a=1, b=2, c=3)), [3]),
    "pand out of order": (tree({"top": ("pand", "abc")}, aged(a=1, b=3, c=2)), []),
    "pand at once": (tree({"top": ("pand", "xa"), "x": ("or", "ab")}, aged(a=1, b=2)), [1]),
    "pand-exclusive at once": (
        tree({"top": ("pand-exclusive", "xa"), "x": ("or", "ab")}, aged(a=1, b=2)), []),
    "pand-exclusive in order": (tree({"top": ("pand-exclusive", "ab")}, aged(a=1, b=2)), [2]),
    "por": (tree({"top": ("por", "abc")}, aged(a=1, b=2, c=3)), [1]),
    "por too late": (tree({"top": ("por", "abc")}, aged(a=2, b=3, c=1)), []),
    "por at once": (tree({"top": ("por", "ax"), "x": ("or", "ab")}, aged(a=1, b=2)), [1]),
    "por-exclusive at once": (
        tree({"top": ("por-exclusive", "ax"), "x": ("or", "ab")}, aged(a=1, b=2)), []),
    "trigger before dependent": (
        tree({"top": ("pand", "ab")}, aged(a=1, b=9), [("fdep", "ab")]), [1]),
    "dependent after trigger": (
        tree({"top": ("pand", "ba")}, aged(a=1, b=9), [("fdep", "ab")]), []),
    "first row again": (
        # Rows act from the last written: c fails b, then comes b's own row, before that of d.
        tree({"top": ("pand", "bad")}, aged(a=9, b=9, c=1, d=9),
             [("fdep", "cd"), ("fdep", "cb"), ("fdep", "ba")]), [1]),
    "chain along the rows after a restart": (
        tree({"top": ("pand", "xyzw")}, aged(p=1, x=9, y=9, z=9, w=9),
             [("fdep", "pw"), ("fdep", "px"), ("fdep", "yz"), ("fdep", "xy")]), [1]),
    "probability": (tree({"top": ("or", "ab")}, {"a": BasicEvent(1.0), "b": at(1.0)}), [0]),
    "cold spare": (
        tree({"top": ("spare", "ab")}, {"a": at(2.0), "b": at(4.0, 0.0)}), [6]),
    "warm spare": (tree({"top": ("spare", "ab")}, {"a": at(2.0), "b": at(4.0, 0.5)}), [5]),
    "spare that failed dormant": (
        tree({"top": ("spare", "abc")}, {"a": at(8.0), "b": at(3.0, 0.5), "c": at(1.0, 0.0)}), [9]),
    "shared spare": (tree(_SHARED, {"a": at(2.0), "b": at(3.0), "x": at(4.0, 0.0)}), [6]),
    "shared spare taken": (
        tree({**_SHARED, "top": ("or", "st")}, {"a": at(2.0), "b": at(3.0), "x": at(4.0, 0.0)}), [3]),
    "shared spare already failed": (
        tree(_SHARED, {"a": at(2.0), "b": at(3.0), "x": at(1.0)}), [3]),
    "nested spare": (
        tree(_NESTED, {"a": at(2.0), "b": at(1.0, 0.0), "c": at(1.0, 0.0)}), [4]),
    "nested spare claims while dormant": (
        tree(_NESTED, {"a": at(4.0), "b": at(1.0, 0.5), "c": at(3.0, 0.5)}), [5]),
    "spare module": (
        tree({"top": ("spare", ("a", "m")), "m": ("and", "bc")},
             {"a": at(2.0), "b": at(1.0, 0.0), "c": at(3.0, 0.5)}), [4]),
    "sequence": (tree({"top": ("and", "ab")}, aged(a=2, b=1), [("seq", "ab")]), [3]),
    "sequence above": (
        tree({"top": ("and", ("x", "c")), "x": ("and", "ab")}, aged(a=1, b=3, c=2),
             [("seq", ("x", "c"))]), [5]),
    "mutex": (tree({"top": ("and", "ab")}, aged(a=2, b=1), [("mutex", "ab")]), []),
    "mutex lets the first fail": (tree({"top": ("or", "ab")}, aged(a=2, b=1), [("mutex", "ab")]), [1]),
    "mutex refuses a dependent": (
        tree({"top": ("or", "xc"), "x": ("and", "ab")}, aged(a=1, b=9, c=5),
             [("mutex", "ab"), ("fdep", "ab")]), [5]),
    "repair": (tree({"top": ("or", "a")}, {"a": at(2.0, repair=1.0)}), [2, 3, 5, 6, 8, 9]),
    "repaired pair": (
        tree({"top": ("and", "ab")}, {"a": at(2.0, repair=3.0), "b": at(4.0, repair=9.0)}),
        [4, 5, 7]),
    "cold spare comes back": (
        # a runs 2, is repaired for 1; b runs meanwhile, keeps its age, and is repaired for 9.
        tree({"top": ("spare", "ab")}, {"a": at(2.0, repair=1.0), "b": at(1.5, 0.0, repair=9.0)}),
        [5.5, 6, 8, 9]),
    "repaired pand": (
        # b is first at 1; repairing it forgets that. At 4 both are failed, b after a.
        tree({"top": ("pand", "ab")}, {"a": at(3.0, repair=9.0), "b": at(1.0, repair=2.0)}),
        [4, 6, 7, 9]),
    "repaired with": (
        tree({"top": ("or", "b")}, {"a": at(2.0, repair=1.0), "b": at(9.5)},
             [("fdep", "ab"), ("rdep", "ab")]), [2, 3, 5, 6, 8, 9]),
    "repaired while its trigger is failed": (
        tree({"top": ("or", "b")}, {"a": at(2.0, repair=5.0), "b": at(9.5, repair=1.0)},
             [("fdep", "ab")]), [2, 3, 9]),
}  # fmt: skip


def random_tree(seed: int, repair: bool) -> FaultTree:
    """A tree of the gates, laws and dependencies that there are, of a dozen elements."""
    rng = random.Random(seed)
    events = {name: _random_event(rng, repair) for name in "abcdefg"}
    names, gates = list(events), {}
    for gate in ("u", "v", "w", "x"):
        op = rng.choice(("and", "or", "atleast", "pand", "pand-exclusive", "por", "por-exclusive"))
        args = rng.sample(names, 3 if op == "atleast" else 2)
        gates[gate] = (op, args, 2) if op == "atleast" else (op, args)
        names.append(gate)
    spares = {
        "s": ("spare", [rng.choice("ab"), "h", "i"]),
        "t": ("spare", [rng.choice("cd"), "i"]),
    }
    for name, dormancy in (("h", 0.0), ("i", 0.4)):
        events[name] = _random_event(rng, repair, dormancy)
    top = {"top": ("atleast", ["x", "w", "s", "t"], rng.choice((1, 2, 2)))}
    trigger = rng.choice(("e", "u"))
    coupled = [("fdep", (trigger, "f", "i")), ("fdep", ("g", "e"), 0.6)]
    if rng.random() < 0.5:
        coupled.append(rng.choice((("seq", "fa"), ("mutex", "cf"))))
    if repair and rng.random() < 0.5:
        coupled.append(("rdep", "ab"))
    return tree({**top, **gates, **spares}, events, coupled)


def _random_event(rng: random.Random, repair: bool, dormancy: float = 1.0) -> BasicEvent:
    scale = rng.choice((0.5, 1.0, 2.0))
    op, *numbers = rng.choice((
        ("exponential", 1 / scale), ("Weibull", scale, 2.0, 0.0), ("Weibull", scale, 0.7, 0.2),
        ("lognormal", scale, 0.8), ("gamma", 2.5, scale / 2), ("erlang", 3.0, 3 / scale),
    ))  # fmt: skip
    back = None
    if repair and rng.random() < 0.7:
        back = rng.choice((
            Call("exponential", (3 / scale, T)), Call("lognormal", (scale / 4, 0.5, T)),
            Call("Weibull", (scale / 3, 2.0, 0.0, T)),
        ))  # fmt: skip
    return law(op, *numbers, dormancy=dormancy, repair=back)
