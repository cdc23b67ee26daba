"""What a scenario's factory ships: sampled packages, and closed forms beside them."""

import platform
import time
from collections.abc import Callable
from importlib import metadata

import jax
import jax.numpy as jnp
import numpy as np

from ..kernel import packages as packages_kernel, stream_keys
from ..plan import PACKAGE_STREAMS, PackagePlan, factory_plan, stream
from ..spec import Scenario, load
from ..yields import Factory, factory
from ._compile import jit
from ._manufactured import (
    Counts,
    ManufacturingResult,
    exact_metrics,
    lost_rows,
    sampled_metrics,
    shipped_rows,
)


PACKAGES = 1 << 22
_DIES = 1 << 20  # groups of lanes a call: what a chunk needs of memory


def manufacture(
    scenario: Scenario | str,
    *,
    seed: int = 0,
    packages: int = PACKAGES,
    progress: Callable[[float], None] | None = None,
) -> ManufacturingResult:
    """Say what the factory of a scenario ships, with which lanes and spares, and at what cost.

    **Arguments:**

    - `scenario`: a `Scenario` with `manufacturing`, a file, or the name of a packaged one.
    - `seed`: 64 bits. Unit *p* of replica *k* of a seed is one unit for ever.
    - `packages`: units drawn, at least; they come as whole machines, one a replica.
    - `progress`: called with the fraction done, in [0, 1].

    **Returns:** a `ManufacturingResult`: closed forms wherever they exist, and samples beside them.

    **Raises:** `ScenarioError`; `ValueError` without `manufacturing`, and when no unit ships.

    !!! example

        ```python
        import fdmc

        made = fdmc.manufacture("cpo-2.5d", packages=20_000)
        share = made.sampled["unit.ship_prob"]
        assert abs(share.best - made["unit.ship_prob"].best) < 3 * share.width
        ```
    """
    scenario = scenario if isinstance(scenario, Scenario) else load(scenario)
    if not 1 <= packages <= 1 << 31:
        raise ValueError(f"packages must be in [1, 2^31], but is {packages}.")
    start = time.perf_counter()
    made = factory(scenario)
    shipped = made.shipment()
    if not shipped.ship_prob > 0:
        raise ValueError("no unit ships: widen manufacturing.bins, or lose fewer lanes and units.")
    counts = _sample(made, seed, -(-packages // made.packages), progress)
    exact, spendings = exact_metrics(scenario, made, shipped)
    device = jax.local_devices()[0]
    return ManufacturingResult(
        scenario=scenario.name,
        title=scenario.title,
        fingerprint=scenario.fingerprint,
        seed=seed,
        replicas=counts.replicas,
        packages=counts.replicas * made.packages,
        unit=made.product.name,
        product=made.product.name if made.mount is None else made.mount.name,
        currency="" if scenario.manufacturing is None else scenario.manufacturing.currency,
        lanes=made.die.lanes,
        spares=made.die.spares,
        groups=made.dies,
        per_product=made.per_mount,
        exact=exact,
        sampled=sampled_metrics(scenario, made, counts, exact),
        shipped=shipped_rows(made, shipped, counts),
        lost=lost_rows(made, counts),
        spendings=spendings,
        timing={"seconds": time.perf_counter() - start},
        origin={
            "fdmc": metadata.version("fdmc"),
            "jax": jax.__version__,
            "python": platform.python_version(),
            "device": f"{device.device_kind} ({device.platform})",
        },
    )


def _count(plan: PackagePlan, keys, replica, needs: tuple[int, ...], cells: int):
    """Count, in each replica, groups by lanes lost, units by bin and spares left, and latent defects that ship."""
    drawn = packages_kernel(plan, keys, replica)
    good = (plan.lanes + plan.spares).astype(jnp.int32) - drawn.lost
    least = jnp.min(good, 0)
    bin = sum((least < need).astype(jnp.int32) for need in needs)  # the bins that are out of reach
    bin = jnp.where(drawn.scrapped, len(needs), bin)
    left = jnp.sum(good, 0) - plan.dies * jnp.take(jnp.array([*needs, 0]), bin)
    mine = jax.lax.broadcasted_iota(jnp.int32, bin.shape, 1)
    # What does not ship is beyond the last bin and dropped.
    shipped = jnp.zeros((len(needs), cells, replica.shape[0]), jnp.int32)
    shipped = shipped.at[bin, left, mine].add(1, mode="drop")
    lost = jnp.zeros((cells, replica.shape[0]), jnp.int32)
    for die in range(plan.dies):
        lost = lost.at[drawn.lost[die], mine].add(1, mode="drop")
    kept = lambda counts: jnp.sum(jnp.where(bin < len(needs), jnp.sum(counts, 0), 0), 0)
    return lost, shipped, kept(drawn.latent), kept(drawn.latent_fatal)


_count_jit = jit(_count, static_argnames=("needs", "cells"))


def _sample(made: Factory, seed: int, replicas: int, progress) -> Counts:
    """Draw whole machines, so many at a time that a chunk holds `_DIES` groups of lanes."""
    names = np.array([stream(name) for name in PACKAGE_STREAMS], np.uint32)
    keys = jnp.asarray(stream_keys(seed, names))
    plan = jax.tree.map(jnp.asarray, factory_plan(made))
    needs = tuple(made.bins.lanes(made.die.lanes))
    cells = max(made.dies * (made.die.count - needs[-1]), made.die.count) + 1
    lanes = min(max(1, _DIES // (made.packages * made.dies)), replicas)
    counts = Counts([], [], [], [])
    for first in range(0, replicas, lanes):
        replica = np.arange(first, first + lanes, dtype=np.uint32)
        found = _count_jit(plan, keys, replica, needs, cells)
        some = min(lanes, replicas - first)
        lost, shipped, latent, fatal = (np.moveaxis(np.asarray(one), -1, 0)[:some] for one in found)
        counts.lost.append(lost[:, : made.die.count + 1].astype(np.int64))
        counts.shipped.append(shipped.astype(np.int64))
        counts.latent.append(latent.astype(np.int64))
        counts.latent_fatal.append(fatal.astype(np.int64))
        if progress:
            progress(min(1.0, (first + some) / replicas))
    return counts.joined()
