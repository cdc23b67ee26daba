"""Collective times, checkpoints, restarts, policies and power against published and derived values.

    python -m benchmarks.collectives --cases CASES.csv --lp STATES.json [--json]

The CSV has columns `id`, `inputs` (a JSON object), `expected` and `tol`; the JSON is a list of
small degraded states, each with the optima of linear programs. One line a case; exit status 1
when a case fails or there is none.
"""

import csv
import json
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import scipy.stats

from fdmc.fabric import (
    LinkState,
    bus_factor,
    collective_seconds,
    link_state,
    message_seconds,
    torus_seconds,
    torus_state,
)
from fdmc.workload import (
    ettr,
    ettr_wall,
    gaussian_straggler,
    job_mttf_hours,
    joules_per_bit,
    kept_share,
    optimal_interval,
    step_seconds,
)

from ._cases import Check, Pending, parser, report


LP_TOLERANCE = 2e-6  # float32 against nine printed digits
NVLINKS = 18
HOPPER_LINK = 20.6  # GB/s in each direction, from the tuning constants of NCCL
GPUS_PER_NODE = 8
MEGATRON_SEQUENCE, MEGATRON_HIDDEN = 2048, 25_600  # the 1T model behind case C28


def _state(capacity: np.ndarray) -> LinkState:
    capacity = jnp.asarray(capacity, jnp.float32)
    return link_state(capacity, jnp.ones(capacity.shape[:-1], bool))


def _all_reduce(algorithm: str, capacity: np.ndarray) -> float:
    return float(collective_seconds("all_reduce", algorithm, 1.0, _state(capacity)))


def _ring_bus_bandwidth(per_link: float, links: int) -> float:
    return float(bus_factor("all_reduce", 8)) / _all_reduce("ring", np.full((8, links), per_link))


def _in_switch_bandwidth(efficiency: float, per_link: float, n: int) -> float:
    return 1 / _all_reduce("in_switch", np.full((n, NVLINKS), efficiency * per_link))


def _one_slow(p: int, r: float) -> float:
    capacity = np.ones((p, 1))
    capacity[0] = r
    return _all_reduce("optimal", capacity) / _all_reduce("ring", np.ones((p, 1)))


def _links_down(N: int, K: int, down: list[list[int]]) -> float:
    capacity = np.ones((N, K))
    capacity[tuple(np.transpose(down))] = 0.0
    return _all_reduce("optimal", capacity)


def _ring_slowdown(N: int, K: int, q: float) -> float:
    """Expectation over the most links that one accelerator has lost; all K lost is left out."""
    lost = np.arange(K)
    most = np.diff(scipy.stats.binom.cdf(lost, K, q) ** N, prepend=0.0)
    capacity = np.ones((K, N, K))
    for m in lost:
        capacity[m, 0, :m] = 0.0
    seconds = collective_seconds("all_reduce", "ring", 1.0, _state(capacity))
    return float(most @ np.asarray(seconds / seconds[0], float))


def _planes_left(N: int, K: int, q: float) -> float:
    """Share of planes that nobody has lost: by symmetry, the expectation for one plane."""
    capacity = np.ones((2, N, 1))
    capacity[1, 0] = 0.0
    intact = scipy.stats.binom.pmf(0, N, q)
    return float(np.array([intact, 1 - intact]) @ np.asarray(_state(capacity).sum_plane_min))


def _daly(M: float, delta: float, R: float, tau: float) -> float:
    return float(ettr(M, interval_hours=tau, write_hours=delta, restart_hours=R))


def _node_mttf(rf: float, gpus: int) -> float:
    return float(job_mttf_hours(rf / 24, gpus / GPUS_PER_NODE))


def _megatron(P: float, tokens: float, N: int, peak: float, mfu: float) -> float:
    attention = 1 + MEGATRON_SEQUENCE / (6 * MEGATRON_HIDDEN)
    return float(step_seconds(6 * P * tokens * attention / (N * peak), mfu, []))


def _message_ns(
    hops: int, stored: bool = False, lat_ns: float | None = None
) -> Callable[..., float]:
    """One message; a latency that the inputs of the case leave out stands in its description."""

    def formula(S: float, bw_GiBps: float, **inputs: float) -> float:
        hop = inputs["lat_ns"] if lat_ns is None else lat_ns
        return _nanoseconds(S, bw_GiBps, hop, hops, stored)

    return formula


def _nanoseconds(size: float, gibps: float, hop_ns: float, hops: int, stored: bool) -> float:
    how = dict(hops=hops, hop_seconds=hop_ns * 1e-9, stored=stored)
    return 1e9 * float(message_seconds(size, gibps * 2**30, **how))


def _messages_ns(S: float, bw: list[float], lat: list[float]) -> float:
    pairs = zip(bw, lat, strict=True)
    return sum(_nanoseconds(S, each, hop, 1, False) for each, hop in pairs)


def _torus(
    op: str, algorithm: str, dims: tuple[int, ...], cut: int, size: float = 1.0, rate: float = 1.0
) -> float:
    """Seconds on a torus whose first `cut` links along the first dimension are out."""
    links = np.ones((len(dims), math.prod(dims)), np.float32)
    links[0, :cut] = 0.0
    return float(torus_seconds(op, algorithm, size, torus_state(jnp.asarray(links), dims), rate))


def _ring_all_pairs_ns(N: int, S: float, bw_GiBps: float) -> float:
    return 1e9 * _torus("all_to_all", "shortest", (N,), 0, N * S, bw_GiBps * 2**30)


def _torus_kept(op: str, algorithm: str, dims: tuple[int, ...]) -> float:
    return _torus(op, algorithm, dims, 0) / _torus(op, algorithm, dims, 1)


def _slow_and_decomposed(X: float) -> tuple[float, float, float]:
    """Ring with one accelerator that lost a share X, the healthy ring, and that ring with a broadcast.

    The last two are the published remedy as its case reads it: an all-reduce among the healthy, then
    a broadcast to the impaired one; for very many accelerators.
    """
    many = jnp.asarray(1e9)
    slow, healthy = (
        LinkState(many, b, b * many, b, jnp.asarray(True)) for b in jnp.asarray([1 - X, 1.0])
    )
    ring = float(collective_seconds("all_reduce", "ring", 1.0, healthy))
    spread = float(collective_seconds("broadcast", "tree", 1.0, healthy))
    return float(collective_seconds("all_reduce", "ring", 1.0, slow)), ring, ring + spread


def _switch_point(**_: str) -> float:
    _, healthy, decomposed = _slow_and_decomposed(0.0)
    return 1 - healthy / decomposed


def _best_known(X: float) -> float:
    slow, healthy, decomposed = _slow_and_decomposed(X)
    return min(slow, decomposed) / healthy


FORMULAS: dict[str, Callable[..., float]] = {
    "C01": lambda algbw, n: algbw * float(bus_factor("all_reduce", n)),
    "C03": _ring_bus_bandwidth,
    "C04": lambda eff, n: _in_switch_bandwidth(eff, HOPPER_LINK, n),
    "C05": lambda eff, per_link, n: _in_switch_bandwidth(eff, per_link, n),
    "C06": _ring_bus_bandwidth,
    "C07a": _message_ns(3),
    "C07b": _message_ns(1),
    "C07c": _message_ns(2),
    "C07d": _message_ns(2, lat_ns=2000.0),
    "C07e": _message_ns(3, stored=True),
    "C08": _ring_all_pairs_ns,
    "C09": _one_slow,
    "C10": _one_slow,
    "C11": _switch_point,
    "C12": _best_known,
    "C14": lambda n: _torus_kept("all_reduce", "ring", (n,)),
    "C15": _links_down,
    "C17": lambda dims: _torus_kept("all_to_all", "optimal", tuple(dims)),
    "C18": _ring_slowdown,
    "C19": _planes_left,
    "C20": lambda n: float(gaussian_straggler(n)),
    "C21a": lambda M, delta, R: float(optimal_interval(M, delta)),
    "C21b": lambda M, delta, R: float(optimal_interval(M, delta)),
    "C22a": _node_mttf,
    "C22b": _node_mttf,
    "C23": lambda n, days: float(job_mttf_hours(n / (24 * days))),
    "C24": lambda n, f: float(kept_share(f, n)),
    "C25": lambda n, f: 1 - float(kept_share(f, n)),
    "C27": _daly,
    "C28": _megatron,
    "C29": lambda Wp, Wc, rate: joules_per_bit(Wp, rate) / joules_per_bit(Wc, rate),
    "C30": lambda M, R: float(ettr_wall(1 / M, R)),
    "C31": lambda M, R: float(ettr_wall(1 / M, R)),
    "C32": _messages_ns,
}


def run_cases(path: Path) -> Iterator[Check | Pending]:
    """The cases of the table, by their formula; what follows `_` numbers the inputs."""
    with path.open(newline="") as lines:
        for row in csv.DictReader(lines):
            formula = FORMULAS.get(row["id"].partition("_")[0])
            if formula is None:
                yield Pending(row["id"], "no formula yet")
            else:
                got = formula(**json.loads(row["inputs"]))
                note = row["description"]
                yield Check(row["id"], float(row["expected"]), got, float(row["tol"]), note=note)


LP_COLUMNS = {
    ("all_reduce", "optimal"): "lp_allreduce",
    ("all_reduce", "ring"): "cf_ring",
    ("all_reduce", "in_switch"): "cf_nvls",
    ("all_gather", "optimal"): "lp_allgather",
    ("all_to_all", "optimal"): "lp_alltoall_forward",
    ("broadcast", "optimal"): "lp_broadcast_root0",
}


def run_states(path: Path) -> Iterator[Check]:
    """The small states: equal to the linear programs under the flag, a bound without it."""
    for number, case in enumerate(json.loads(path.read_text()), start=1):
        state = _state(np.array(case["c"]))
        for (op, algorithm), column in LP_COLUMNS.items():
            expected = np.inf if case[column] is None else case[column]
            if algorithm == "in_switch":
                expected *= 1 + 1 / case["N"]  # the file leaves this factor out
            bound = column.startswith("lp") and not bool(state.exact)
            got = float(collective_seconds(op, algorithm, 1.0, state))
            name = f"LP{number:02d}.{op}.{algorithm}"
            yield Check(name, expected, got, LP_TOLERANCE, bound, case["tag"])


def main(argv: list[str] | None = None) -> int:
    """Run what was asked for; the exit status."""
    arguments = parser("Collective times, checkpoints and restarts against known values.")
    arguments.add_argument("--lp", type=Path, metavar="FILE.json", help="states with LP optima")
    options = arguments.parse_args(argv)
    if options.cases is None and options.lp is None:
        arguments.error("nothing to check: give --cases, --lp or both")
    results = [*run_cases(options.cases)] if options.cases else []
    results += run_states(options.lp) if options.lp else []
    return report(results, options.json)


if __name__ == "__main__":
    sys.exit(main())
