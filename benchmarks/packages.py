"""How fast packages are drawn, and whether they ship as the closed form says.

    python -m benchmarks.packages [--seconds S] [--json]

Packages of 8 dies of 64 + 4 lanes. Compilation and warm runs apart; one host thread a core. z
compares the share that ships with `fdmc.yields.shipment`, over replicas, which are independent.
Exit status 1 when it is beyond 4.9.
"""

import argparse
import concurrent.futures
import dataclasses
import functools
import json
import math
import os
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np

from fdmc.kernel import lanes_and_spares, packages, stream_keys
from fdmc.plan import PACKAGE_STREAMS, PackagePlan, package_plan, stream
from fdmc.yields import Clustering, LaneDie, shipment


DIES, PACKAGES, PER_WAFER, REPLICAS = 8, 64, 16, 256
GATHERED = Clustering(lot_alpha=5.0, wafer_alpha=3.0, die_alpha=2.0)
FACTORIES = {
    "lanes apart": (LaneDie(64, 4, lane_loss_prob=0.01), Clustering()),
    "wafers": (LaneDie(64, 4, lane_defects=0.01, fatal_defects=0.02), Clustering(5.0, 3.0)),
    "wafers and dies": (LaneDie(64, 4, lane_defects=0.01, fatal_defects=0.02), GATHERED),
    "latent defects too": (
        LaneDie(64, 4, lane_defects=0.01, fatal_defects=0.02, latent_ratio=0.015),
        GATHERED,
    ),
}
Z_LIMIT = 4.9


@dataclasses.dataclass(frozen=True)
class Measured:
    """One factory: seconds to compile, warm packages a minute, and the share that ships."""

    factory: str
    compile_s: float
    packages_per_minute: float
    shipped: float
    exact: float
    z: float


def _shipped(plan: PackagePlan, keys, replica):
    """Packages at full bandwidth in each replica, and what keeps the rest of the work alive."""
    drawn = packages(plan, keys, replica)
    live, spares = lanes_and_spares(plan, drawn.lost)
    full = jnp.all(live == plan.lanes.astype(jnp.int32), 0) & ~drawn.scrapped
    return jnp.sum(full, 0), jnp.sum(spares) + jnp.sum(drawn.latent)


def measure(factory: str, seconds: float) -> Measured:
    """Compile, then draw chunks on all cores for about so long."""
    die, clustering = FACTORIES[factory]
    plan = package_plan(die, clustering, packages=PACKAGES, dies=DIES, packages_per_wafer=PER_WAFER)
    plan = jax.tree.map(jnp.asarray, plan)
    keys = stream_keys(1, np.array([stream(name) for name in PACKAGE_STREAMS], np.uint32))
    first = np.arange(REPLICAS, dtype=np.uint32)
    start = time.perf_counter()
    program = jax.jit(_shipped).lower(plan, keys, first).compile()
    compiled = time.perf_counter() - start

    def chunk(number: int):
        shipped, _ = program(plan, keys, first + np.uint32(number * REPLICAS))
        return np.asarray(shipped)

    chunk(0)
    start = time.perf_counter()
    counts: list[np.ndarray] = []
    batch = 4 * (os.cpu_count() or 1)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        while (spent := time.perf_counter() - start) < seconds or not counts:
            counts += pool.map(chunk, range(len(counts), len(counts) + batch))
    share = np.concatenate(counts) / PACKAGES
    exact = shipment(die, DIES, clustering).ship_prob
    z = (share.mean() - exact) / (share.std() / math.sqrt(share.size))
    rate = share.size * PACKAGES / spent * 60
    return Measured(factory, compiled, rate, float(share.mean()), exact, float(z))


def main(argv: list[str] | None = None) -> int:
    """Measure every factory, print it; the exit status."""
    parser = argparse.ArgumentParser(description="Speed of sampled packages.")
    parser.add_argument("--seconds", type=float, default=5.0, help="warm time a factory")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(argv)
    worst = 0.0
    for row in map(functools.partial(measure, seconds=options.seconds), FACTORIES):
        worst = max(worst, abs(row.z))
        if options.json:
            print(json.dumps(dataclasses.asdict(row)))
        else:
            print(
                f"{row.factory:20} compile {row.compile_s:5.2f} s  warm "
                f"{row.packages_per_minute / 1e6:7.0f} M packages/min  shipped {row.shipped:.6f} "
                f"exact {row.exact:.6f} z {row.z:+.1f}"
            )
    return int(worst > Z_LIMIT)


if __name__ == "__main__":
    sys.exit(main())
