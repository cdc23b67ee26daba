"""The words of the Galileo format that are understood, as tables; `docs/fault-tree-formats.md` shows the same."""

import re


SPARES = (
    "spare",
    "wsp",
    "csp",
    "hsp",
    "spare-claim-after-repair",
    "spare-claim-after-repair-claim-lr",
)
"""The words for a spare gate. The dormancy is the event's own whatever the word."""

GATES: dict[str, str] = {
    "and": "and",
    "or": "or",
    "not": "not",
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
    "pand-excl-rep-any": "pand-exclusive",
    **dict.fromkeys(SPARES, "spare"),
}
"""The words of gates, with the connective of the tree; beside them `2of3` and `vot2`."""

KEPT = (*SPARES[1:], "pand-excl-rep-any")
"""The words that say more than the connective does; they stay with the gate as its attribute `keyword`."""

DEPENDENCIES = ("fdep", "seq", "mutex", "rdep")
"""The words of dependencies; beside them `pdep=0.2`, and `2insp0.5` for an inspection."""

VOTE = re.compile(r"([0-9]+)of([0-9]+)|vot([0-9]+)")
INSPECTION = re.compile(r"([0-9]+)insp([0-9.eE+-]+)")
PROBABLE = re.compile(r"pdep=(.*)")

LAWS: dict[tuple[str, ...], str] = {
    ("lambda",): "exponential, rate per hour",
    ("lambda", "phases"): "Erlang: so many exponential phases of this rate",
    ("prob",): "failed from the beginning with this probability",
    ("rate", "shape"): "Weibull, scale 1/rate hours",
    ("scale", "shape"): "Weibull, scale in hours",
    ("mean", "stddev"): "lognormal, mean and standard deviation of ln(hours)",
    ("median", "sigma"): "lognormal, median in hours, standard deviation of ln(hours)",
}
"""What gives the law of the lifetime; `scale` and `median` are ours."""

REPAIRS: dict[tuple[str, ...], str] = {
    ("repair",): "exponential, rate per hour; 0 is no repair",
    ("repair_time",): "always so many hours",
    ("repair_median", "repair_sigma"): "lognormal",
    ("repair_scale", "repair_shape"): "Weibull",
}
"""What gives the law of the repair time; all but the first are ours."""

HARMLESS: dict[str, str] = {
    "cov": "coverage; accepted only when it is 1",
    "res": "share of the uncovered failures that are restored; means nothing while cov=1",
    "repl": "number of copies; accepted only when it is 1: write the copies out",
    "interval": "the phase that an inspection sees; accepted only when it is the last one",
}
"""Attributes that are accepted as long as they change nothing."""

ATTRIBUTES = tuple(
    dict.fromkeys(name for names in (*LAWS, *REPAIRS, ("dorm",), (*HARMLESS,)) for name in names)
)
"""The attributes of basic events."""
