"""Shadow prices: the Lagrangian dual of the table, by the linear programme with the same value."""

import numpy as np
import scipy.optimize
import scipy.sparse
from jaxtyping import Float

from ._table import Table


SMALL = 0.1
"""Share of the scale below which a relaxation's value is too near the solver's tolerance of 1e-7."""

HOPELESS = 1e6
"""Values, in units of the scale, that are all the same to the relaxation."""

MOST_SCALINGS = 6


def prices(table: Table) -> Float[np.ndarray, " limits"] | None:
    """Multipliers of the limits at which the Lagrangian bound is highest; none when nothing fits.

    With a price $\\lambda \\ge 0$ on each resource every subsystem chooses for itself, and
    $\\sum_i \\min_x (v_i(x) + \\lambda u_i(x)) - \\lambda b$ is below every design. Its maximum over
    $\\lambda$ is the linear relaxation over the options (Geoffrion, "Lagrangean relaxation for
    integer programming", 1974). Whatever the solver's tolerance, the bound is evaluated anew from
    the prices, so that a proof does not lean on it.
    """
    scale = float(np.mean([values.max() for values in table.values])) or 1.0
    price, value = _linear_programme(table, scale)
    for _ in range(MOST_SCALINGS):
        if price is None or not 0 < value < SMALL * scale:
            break
        scale = value / len(table.values)
        price, value = _linear_programme(table, scale)
    return price


def _linear_programme(
    table: Table, scale: float
) -> tuple[Float[np.ndarray, " limits"] | None, float]:
    """Prices and value of the relaxation; values are in units of `scale` while it is solved."""
    sizes = [len(values) for values in table.values]
    unit = np.where(table.limits > 0, table.limits, 1.0)
    uses = np.concatenate(table.uses) / unit
    subsystem = np.repeat(np.arange(len(sizes)), sizes)
    one_each = scipy.sparse.csr_array((np.ones(len(uses)), (subsystem, np.arange(len(uses)))))
    solved = scipy.optimize.linprog(
        np.minimum(np.concatenate(table.values) / scale, HOPELESS),
        A_ub=scipy.sparse.csr_array(uses.T) if len(unit) else None,
        b_ub=table.limits / unit if len(unit) else None,
        A_eq=one_each,
        b_eq=np.ones(len(sizes)),
        method="highs",
    )
    if solved.status == 2:
        return None, np.inf
    if solved.status != 0 or not len(unit):  # zero prices bound too, only worse
        return np.zeros(len(unit)), np.inf
    multipliers = np.maximum(-np.asarray(solved.ineqlin.marginals, float), 0.0)
    return multipliers * scale / unit, float(solved.fun) * scale
