"""The words of the Open-PSA format that are understood, as tables; `docs/fault-tree-formats.md` shows the same."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Element:
    """What an element of the format may carry; `children` are names of elements, or of the kinds below."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    children: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Arity:
    """How many arguments a connective or an operation takes; `most` None: any number."""

    least: int
    most: int | None

    def __contains__(self, count: object) -> bool:
        return isinstance(count, int) and self.least <= count <= (self.most or count)

    def __str__(self) -> str:
        if self.most is None:
            return f"{self.least} or more"
        return str(self.least) if self.least == self.most else f"{self.least} to {self.most}"

    @property
    def arguments(self) -> str:
        """`1 argument`, `2 arguments`, `1 or more arguments`."""
        return f"{self} argument{'' if self.most == 1 else 's'}"


MANY = Arity(1, None)
_NOTES = ("label", "attributes")
_EVENTS = ("define-gate", "define-basic-event", "define-house-event", "define-parameter")
_CONTENT = (*_NOTES, "define-component", *_EVENTS, "define-CCF-group")
_NAME = ("name",)

CONNECTIVES: dict[str, Arity] = {
    "and": MANY,
    "or": MANY,
    "not": Arity(1, 1),
    "xor": Arity(2, 2),
    "nand": MANY,
    "nor": MANY,
    "iff": Arity(2, 2),
    "imply": Arity(2, 2),
    "atleast": MANY,
    "cardinality": MANY,
}
"""The connectives of formulas."""

REFERENCES = ("event", "gate", "basic-event", "house-event")
"""What names an argument of a formula."""

FORMULA: dict[str, Element] = {
    **{word: Element((), (), ("formula",)) for word in CONNECTIVES},
    "atleast": Element(("min",), (), ("formula",)),
    "cardinality": Element(("min", "max"), (), ("formula",)),
    **{word: Element(_NAME) for word in REFERENCES},
    "event": Element(_NAME, ("type",)),
    "constant": Element(("value",)),
}
"""The elements of formulas."""

ARITHMETIC: dict[str, Arity] = {
    **dict.fromkeys(("add", "sub", "mul", "div", "min", "max", "mean"), MANY),
    **dict.fromkeys(("mod", "pow"), Arity(2, 2)),
    "pi": Arity(0, 0),
    **dict.fromkeys(("neg", "abs", "exp", "log", "log10", "sqrt", "ceil", "floor"), Arity(1, 1)),
    **dict.fromkeys(("cos", "sin", "tan", "acos", "asin", "atan"), Arity(1, 1)),
    **dict.fromkeys(("cosh", "sinh", "tanh", "acosh", "asinh", "atanh"), Arity(1, 1)),
}
BOOLEAN: dict[str, Arity] = {
    "and": MANY,
    "or": MANY,
    "not": Arity(1, 1),
    **dict.fromkeys(("eq", "df", "lt", "gt", "leq", "geq"), Arity(2, 2)),
    "ite": Arity(3, 3),
}
LAWS: dict[str, tuple[str, ...]] = {
    "exponential": ("rate", "time"),
    "GLM": ("start failure", "rate", "repair rate", "time"),
    "Weibull": ("scale", "shape", "shift", "time"),
}
"""The laws that give the probability of being failed, with their arguments."""

OUR_LAWS: dict[str, tuple[str, ...]] = {
    "erlang": ("phases", "rate", "time"),
    "lognormal": ("median", "sigma", "time"),
    "gamma": ("shape", "scale", "time"),
    "fixed": ("hours", "time"),
}
"""Laws that Open-PSA has no word for."""

PERIODIC_TEST: dict[int, tuple[str, ...]] = {
    4: ("rate", "test interval", "first test", "time"),
    5: ("rate", "repair rate", "test interval", "first test", "time"),
    11: (
        "rate",
        "rate under test",
        "repair rate",
        "test interval",
        "first test",
        "start failure",
        "test duration",
        "available under test",
        "detection",
        "restart failure",
        "time",
    ),
}
"""The three forms of `periodic-test`, by the number of arguments."""

DEVIATE_FORMS: dict[str, tuple[tuple[str, ...], ...]] = {
    "uniform-deviate": (("lower", "upper"),),
    "normal-deviate": (("mean", "standard deviation"),),
    "lognormal-deviate": (("mean", "error factor", "level"), ("mu", "sigma")),
    "gamma-deviate": (("shape", "scale"),),
    "beta-deviate": (("alpha", "beta"),),
}
"""The uncertain values with their arguments."""

EXPRESSION: dict[str, Element] = {
    **{word: Element((), (), ("expression",)) for word in (*ARITHMETIC, *BOOLEAN, *LAWS)},
    "periodic-test": Element((), (), ("expression",)),
    **{word: Element((), (), ("expression",)) for word in DEVIATE_FORMS},
    "pi": Element(),
    "float": Element(("value",)),
    "int": Element(("value",)),
    "bool": Element(("value",)),
    "parameter": Element(_NAME),
    "system-mission-time": Element(),
    "switch": Element((), (), ("case", "expression")),
    "case": Element((), (), ("expression",)),
    "histogram": Element((), (), ("bin", "expression")),
    "bin": Element((), (), ("expression",)),
}
"""The elements of expressions; `case` and `bin` stand inside `switch` and `histogram` only."""

INSTRUCTIONS: dict[str, Element] = {
    "collect-formula": Element((), (), ("formula",)),
    "collect-expression": Element((), (), ("expression",)),
    "set-house-event": Element(_NAME, (), ("constant",)),
    "rule": Element(_NAME),
    "fork": Element(("functional-event",), (), ("path",)),
    "path": Element(("state",), (), ("instruction",)),
    "sequence": Element(_NAME),
    "branch": Element(_NAME),
    "event-tree": Element(_NAME),
}
"""The steps along a path of an event tree; `path` stands inside `fork` only."""

STRUCTURE: dict[str, Element] = {
    "opsa-mef": Element(
        (),
        ("name", "{http://www.w3.org/2001/XMLSchema-instance}noNamespaceSchemaLocation"),
        (
            *_NOTES,
            "define-fault-tree",
            "define-CCF-group",
            "define-initiating-event",
            "define-event-tree",
            "define-rule",
            "model-data",
        ),
    ),
    "define-fault-tree": Element(_NAME, ("role",), _CONTENT),
    "define-component": Element(_NAME, ("role",), _CONTENT),
    "model-data": Element((), (), _EVENTS[1:]),
    "define-gate": Element(_NAME, ("role",), (*_NOTES, "formula")),
    "define-basic-event": Element(_NAME, ("role",), (*_NOTES, "expression")),
    "define-house-event": Element(_NAME, ("role",), (*_NOTES, "constant")),
    "define-parameter": Element(_NAME, ("role", "unit"), (*_NOTES, "expression")),
    "define-CCF-group": Element(
        ("name", "model"), (), (*_NOTES, "members", "distribution", "factors", "factor")
    ),
    "members": Element((), (), ("basic-event",)),
    "distribution": Element((), (), ("expression",)),
    "factors": Element((), (), ("factor",)),
    "factor": Element((), ("level",), ("expression",)),
    "define-initiating-event": Element(_NAME, ("event-tree",), (*_NOTES, "expression")),
    "define-event-tree": Element(
        _NAME,
        (),
        (
            *_NOTES,
            "define-functional-event",
            "define-sequence",
            "define-branch",
            "initial-state",
        ),
    ),
    "define-functional-event": Element(_NAME, (), _NOTES),
    "define-sequence": Element(_NAME, (), (*_NOTES, "instruction")),
    "define-branch": Element(_NAME, (), (*_NOTES, "instruction")),
    "define-rule": Element(_NAME, (), (*_NOTES, "instruction")),
    "initial-state": Element((), (), ("instruction",)),
    "label": Element(),
    "attributes": Element((), (), ("attribute",)),
    "attribute": Element(("name", "value"), ("type",)),
}
"""The elements that hold the others."""

KINDS: dict[str, tuple[dict[str, Element], tuple[str, ...]]] = {
    "formula": (FORMULA, ()),
    "expression": (EXPRESSION, ("case", "bin")),
    "instruction": (INSTRUCTIONS, ("path",)),
}
"""The kinds of children: their elements, and those of them that stand in one place only."""

CCF_MODELS = ("beta-factor", "MGL", "alpha-factor", "phi-factor")
"""The models of common cause groups."""

ROLES = ("public", "private")
UNITS = ("bool", "int", "float", "hours", "hours-1", "demands")
"""The units of parameters that mean what is written: hours, and rates per hour."""

REFUSED: dict[str, str] = {
    "include": "give the files together: read(first, second)",
    "define-extern-library": "code from a model file is never run",
    "define-extern-function": "code from a model file is never run",
    "extern-function": "code from a model file is never run",
    "define-substitution": "substitutions are not in the subset; write the simplified gates out",
    "define-alignment": "alignments and phases are not in the subset; ask once for each phase",
    "define-consequence": "consequences are not in the subset; use the sequences",
    "define-consequence-group": "consequences are not in the subset; use the sequences",
    "if": "conditions are not in the subset; write the paths out",
    "block": "write its instructions in place",
    "test-initiating-event": "tests are not in the subset; write one event tree for each event",
    "test-functional-event": "tests are not in the subset; write the paths out",
    "exponential-deviate": "write a gamma-deviate of shape 1",
}
"""Words of the standard that are refused, and what to do instead."""
