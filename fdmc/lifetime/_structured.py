"""When units with a structure are lost, as a law: the fault tree's top event in closed form.

Shannon's expansion gives the probability as a sum of products of probabilities, and that of the complement
as another: nothing is subtracted, so both tails keep their digits.
"""

import dataclasses

import numpy as np

from ..spec import Law, Structure, events, fault_tree
from ._exposure import Exposed


Formula = fault_tree.Formula


@dataclasses.dataclass(frozen=True)
class Structured:
    """The first of `copies` independent units to be lost by its structure; `laws` are of its copies, in order."""

    structure: Structure
    laws: tuple[Law | Exposed, ...]
    copies: int = 1


def lost_prob(structure: Structure, failed, working):
    """Return the probabilities that the unit is lost, and that it is not.

    **Arguments:** for every copy of `structure.copies` the probability that it has failed, and that it has
    not; any shape.

    !!! example

        ```python
        import fdmc
        from fdmc.lifetime import lost_prob

        shelf = fdmc.spec.Structure(fdmc.spec.fault_tree.Formula("and", ("a", "b")), ("a", "b"))
        assert lost_prob(shelf, (0.1, 0.2), (0.9, 0.8))[0] == 0.1 * 0.2
        ```
    """
    number = {name: i for i, name in enumerate(structure.copies)}
    shape = np.broadcast_shapes(*(np.shape(p) for p in failed))
    found = [(np.zeros(shape), np.ones(shape)), (np.ones(shape), np.zeros(shape))]
    for name, low, high in diagram(structure.formula):
        p, q = failed[number[name]], working[number[name]]
        found.append(tuple(q * a + p * b for a, b in zip(found[low], found[high], strict=True)))
    return found[-1]


def diagram(formula: Formula) -> list[tuple[str, int, int]]:
    """Expand a formula of or, and, atleast into decisions: (name, if it works, if it has failed).

    Decision `i` has number `i + 2` and comes after those that it leads to; 0 is "not lost" and 1 is "lost". The last
    decision is the formula. The order of the names is that in which the formula needs them, so a
    part that shares nothing with the rest is decided before the rest goes on.
    """
    number: dict[Formula | str | bool, int] = {False: 0, True: 1}
    found: list[tuple[str, int, int]] = []

    def visit(here: Formula | str | bool) -> int:
        if here not in number:
            name = next(events(here))
            low, high = (visit(_given(here, name, state)) for state in (False, True))
            found.append((name, low, high))
            number[here] = len(found) + 1
        return number[here]

    visit(formula)
    return found


def _given(formula: Formula | str | bool, name: str, failed: bool) -> Formula | str | bool:
    """Return what is left of a formula once the state of one name is known."""
    if not isinstance(formula, Formula):
        return failed if formula == name else formula
    least = {"or": 1, "and": len(formula.args)}.get(formula.op, formula.least)
    args: list[Formula | str | bool] = []
    for argument in formula.args:
        known = _given(argument, name, failed)
        if known is True:
            least -= 1
        elif known is not False:
            args.append(known)
    if least <= 0 or least > len(args):
        return least <= 0
    return args[0] if len(args) == 1 else Formula("atleast", tuple(args), least)


def lost_hazard(structure: Structure, hazards):
    """Return -log P(not lost) from the cumulative hazards of the copies, accurate in both tails."""
    failed = [-np.expm1(-np.asarray(h, float)) for h in hazards]
    working = [np.exp(-np.asarray(h, float)) for h in hazards]
    lost, kept = lost_prob(structure, failed, working)
    with np.errstate(divide="ignore"):  # the tail that is not used may be zero
        early = -np.log1p(-np.minimum(lost, 1.0))
        late = -np.log(kept)
    return np.where(early < 0.7, early, late)
