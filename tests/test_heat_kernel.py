"""What excursions that last together take, state by state: the kernel against the reference, without any chance."""

import jax.numpy as jnp
import numpy as np
import pytest
from _compare import built
from _hot_machines import NESTED

from fdmc.kernel._domain import unpack
from fdmc.kernel._entries import HOT, Outages
from fdmc.kernel._heat import darken
from fdmc.plan import lower
from fdmc.reference._excursion import dark_losses, dark_now, sites


# (kind, instance) in the order of the slots: nested, equal, side by side, in another order than they are written.
STATES = [
    [(0, 0)],
    [(3, 1), (0, 0)],
    [(2, 0), (1, 0)],
    [(4, 0), (3, 0), (2, 0), (1, 0), (0, 0)],
    [(4, 15), (4, 1), (1, 1), (3, 2), (0, 0)],
    [(2, 0), (2, 1), (4, 5)],
]


@pytest.mark.parametrize("state", STATES)
def test_rises_add_and_what_they_take_multiplies(state):
    plan, directory = lower(NESTED)
    machine = built(NESTED)
    names = [c.component for c in directory.classes[: plan.hot]]
    rows = [int(plan.classes.first[kind]) + number for kind, number in state]
    column = lambda values: jnp.asarray(np.asarray(values)[:, None])
    kinds, zero = column([kind for kind, _ in state]), jnp.zeros((len(state), 1), jnp.int32)
    span, reach = column(plan.places.span[rows]), column(plan.places.reach[rows])
    x = Outages(
        phase=zero + HOT, time=1.0 + zero, duration=1.0 + zero, kind=kinds, home=zero, element=zero, group=zero,
        fru=column([number for _, number in state]), fru_low=zero, fru_high=zero, loss=1.0 + zero,
        span=span, reach=reach, out_span=zero, out_reach=zero - 1,
    )  # fmt: skip
    losses = unpack(x.phase == HOT, span, reach, x.loss)
    after, dark = darken(plan, x, losses, jnp.zeros(1, jnp.int32))
    active = [
        next(s for s in sites(machine) if s.kind.name == names[kind] and s.unit.number == number)
        for kind, number in state
    ]
    always = machine.heat.lost(0.0)
    assert float(dark[0]) == pytest.approx(dark_now(machine, active) - always, rel=5e-3)
    taken = {
        s: max(loss.reach.values()) for loss in dark_losses(machine, active) for s in loss.causes
    }
    for slot, site in enumerate(active):
        assert float(after.loss[slot, 0]) == pytest.approx(taken[site], rel=1e-2)
