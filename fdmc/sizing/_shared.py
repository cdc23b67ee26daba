"""A bound for subsystems that share an environment, given what is already chosen."""

import numpy as np
from jaxtyping import Bool, Float

from ._table import Table


def tilted_loss(
    table: Table, weights: Float[np.ndarray, "labels environments"], subsystem: int, exponent: int
) -> Float[np.ndarray, "labels options"]:
    """Hölder's loss of each option under environments weighted by how likely the rest works there."""
    powers = np.expm1(exponent * table.log_reliability[subsystem])
    with np.errstate(divide="ignore"):
        return -np.log1p(np.maximum(weights @ powers.T, -1.0)) / exponent


def tilted_bound(
    table: Table,
    price: Float[np.ndarray, " limits"],
    log_reliability: Float[np.ndarray, "labels environments"],
    value: Float[np.ndarray, " labels"],
    use: Float[np.ndarray, "labels limits"],
    rest: list[int],
) -> Float[np.ndarray, " labels"]:
    """No completion of a label has a lower value; infinite where none keeps within the limits.

    What is chosen so far reweights the environments, $q_z \\propto w_z \\prod_i R_i(z)$. Under $q$
    the $m$ subsystems that are left obey $\\mathrm E_q \\prod_j R_j \\le \\prod_j (\\mathrm E_q
    R_j^m)^{1/m}$, a sum in the logarithm. With one left, and with none, the loss is exact.
    """
    for_loss = not np.isfinite(table.most_loss)
    mass = np.maximum(np.expm1(log_reliability) @ table.weights, -1.0)
    with np.errstate(divide="ignore"):
        loss = -np.log1p(mass)
    works = np.isfinite(loss)  # with what is chosen, in some environment
    loss = np.where(works, loss, 0.0)
    q = table.weights * np.exp(log_reliability + loss[:, None])
    limited = use.shape[1] if for_loss else use.shape[1] - 1
    limits, on_uses = table.limits[:limited], price[:limited]
    on_loss = 1.0 if for_loss else float(price[-1])
    least = {j: table.uses[j][:, :limited].min(axis=0) for j in rest}
    spare = limits - use[:, :limited] - sum(least.values(), np.zeros(limited))
    total = on_loss * loss + (use[:, :limited] - limits) @ on_uses
    least_loss = loss.copy()
    if not for_loss:
        total += value - on_loss * table.most_loss
    for j in rest:
        each = tilted_loss(table, q, j, len(rest))
        good = _fits(table.uses[j][:, :limited] - least[j], spare) & np.isfinite(each)
        each = np.where(good, each, 0.0)
        priced = on_loss * each + table.uses[j][:, :limited] @ on_uses
        if not for_loss:
            priced += table.values[j]
        total += np.where(good, priced, np.inf).min(axis=1)
        least_loss += np.where(good, each, np.inf).min(axis=1)
    return np.where(works & (least_loss <= table.most_loss), total, np.inf)


def _fits(
    extra: Float[np.ndarray, "options limits"], spare: Float[np.ndarray, "labels limits"]
) -> Bool[np.ndarray, "labels options"]:
    return np.all(extra[None] <= spare[:, None], axis=2)
