"""The sequences of event trees: sums over their paths of formulas and collected expressions."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...logic import Values, diagram, probability, structure
from ...spec.fault_tree import FaultTree, sequences
from ...tally import Estimate
from ._answer import exactly


def sequence_probabilities(
    tree: FaultTree, time_hours: float, parameters: Mapping[str, Any] | None
) -> dict[str, dict[str, Estimate]]:
    """Return the probability of every sequence, given its initiating event.

    The paths of a sequence exclude each other, so their probabilities add: each is that of its formula under its
    house events times its collected expressions.
    """
    values = Values(tree, time_hours, parameters)
    p = np.asarray(values.events(), float)
    found: dict[str, dict[str, Estimate]] = {}
    for initiating, named in sequences(tree).items():
        found[initiating] = {}
        for name, paths in named.items():
            total = 0.0
            for path in paths:
                lowered = structure(tree, [path.formula], house=path.house)
                factor = float(np.prod([float(values.value(e)) for e in path.expressions]))
                total += factor * float(probability(diagram(lowered), p)[0])
            found[initiating][name] = exactly(min(total, 1.0))
    return found
