"""Pods of cubes and clusters of domains: what is left when failed ones are left out (V01, V03, V04)."""

import math
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

import fdmc
from fdmc.kernel import Bounds, history, stream_keys
from fdmc.plan import lower

from ._cluster_rows import Published


REPLICAS = 16_384
DAYS = 15
LLAMA = 419 / (54 * 24 * 16_384)  # unexpected interruptions per accelerator and hour
_history = jax.jit(history, static_argnames="bounds")


def _load(name: str, document: dict[str, Any]) -> fdmc.Scenario:
    return fdmc.load({"fdmc": 1, "name": name, "mission": "1 y", **document})


def pod(host_down: float, cubes: int) -> fdmc.Scenario:
    """64 cubes of 16 hosts; any `cubes` of those that are whole make a slice."""
    document = {
        "components": {
            "host": {"mtbf": f"{100 * (1 - host_down) / host_down} h", "repair": "100 h"}
        },
        "units": {"pod": {"contains": {"cube": 64}}, "cube": {"components": {"host": 16}}},
        "fabric": {"accelerator": "cube", "policy": "park"},
        "workload": {"slice": cubes},
    }
    return _load("pod-of-cubes", document)


def slices() -> Iterator[Published]:
    """V01: TPU v4, ISCA 2023, figure 4."""
    for size, cubes, share in (("1K", 16, 0.75), ("2K", 32, 0.5), ("3K", 48, 0.75)):
        for available in (0.99, 0.995):
            got = fdmc.snapshot(pod(1 - available, cubes), replicas=REPLICAS)["work_rate"]
            what = f"goodput of {size} slices, hosts {available:.1%} available"
            told = "hosts fail independently"
            yield Published("V01", what, share, 0.01, got, told)


DIGITISED = (0.99, 0.99, 0.97, 0.93, 0.87, 0.78, 0.66, 0.51, 0.36, 0.22, 0.11, 0.05, 0.02, 0.01)


def healthy_cubes() -> Iterator[Published]:
    """V03: TPU v4 resiliency, NSDI 2024, figure 1."""
    told = "each of a cube's 16 machines is down with 0.0078"
    for cubes, share in enumerate(DIGITISED, start=50):
        got = fdmc.snapshot(pod(0.0078, cubes), replicas=REPLICAS)["work_rate"].scaled(64 / cubes)
        what = f"probability of at least {cubes} healthy cubes of 64"
        yield Published("V03", what, share, 0.02, got, told)


def domains(size: int, count: int, failed: float, together: int = 1) -> fdmc.Scenario:
    """Domains that are lost with any of their accelerators; `together` whole ones make a replica."""
    document = {
        "components": {"gpu": {"mtbf": f"{(1 - failed) / failed} h", "repair": "1 h"}},
        "units": {
            "cluster": {"contains": {"domain": count}},
            "domain": {"contains": {"package": size}},
            "package": {"components": {"gpu": 1}},
        },
        "fabric": {"accelerator": "package", "policy": {"park": "domain"}},
        "workload": {"slice": together},
    }
    return _load("domains", document)


def dropped_domains() -> Iterator[Published]:
    """V04a: non-uniform tensor parallelism, figure 3."""
    told = "accelerators fail independently"
    model = {8: 0.992, 32: 0.968, 64: 0.94, 72: 0.93, 128: 0.879, 256: 0.772, 512: 0.595}
    for size, left in model.items():
        got = fdmc.snapshot(domains(size, 32_768 // size, 1e-3), replicas=8192)["availability"]
        what = f"left of 32K with 0.1 % failed, domains of {size}"
        yield Published("V04a", what, left, 0.005, got, told)


def packed_domains() -> Iterator[Published]:
    """V04b: the same, figure 6: failed domains in the fewest replicas, or at their reduced pace."""
    state = fdmc.snapshot(domains(32, 1000, 4e-3, together=8), replicas=1024)
    lost = state["work_rate"].complement()
    yield Published("V04b", "lost of 32,000 with 0.4 % failed, dropped", 0.12, 0.01, lost, "")
    document = {
        "components": {"gpu": {"mtbf": "249 h", "repair": "1 h"}},
        "units": {
            "replica": {"contains": {"domain": 8}},
            "domain": {"components": {"gpu": {"count": 32, "need": 32}}},
        },
        "fabric": {"accelerator": "domain"},
    }
    state = fdmc.snapshot(_load("non-uniform", document), replicas=REPLICAS)
    told = (
        "a replica at the pace of its most impaired domain, nothing packed: more than packing loses"
    )
    got = state["work_rate"].complement()
    what = "lost with non-uniform tensor parallelism"
    yield Published("V04b", what, 0.03, 0.0, got, told, "bound")


def recovering(parked: str, minimum: int = 1) -> fdmc.Scenario:
    """32,000 accelerators at Llama 3's rate from all healthy; domains of 32."""
    document = {
        "mission": f"{DAYS} d",
        "components": {
            "hardware": {"rate": f"{0.78 * LLAMA * 1e9} FIT", "repair": "5 d"},
            "software": {"rate": f"{0.22 * LLAMA * 1e9} FIT", "repair": "3 h"},
        },
        "units": {
            "cluster": {"contains": {"domain": 1000}},
            "domain": {"contains": {"package": 32}},
            "package": {"components": {"hardware": 1, "software": 1}},
        },
        "fabric": {"accelerator": "package", "policy": {"park": parked}},
        "workload": {"minimum": minimum},
    }
    return _load("recovering", document)


def above_a_thousandth() -> Iterator[Published]:
    """V04c: the same, figure 4: the job that needs 99.9 % of all stands still while more have failed."""
    scenario = recovering("package", minimum=32_000 - 32)
    got = fdmc.run(scenario, stop=fdmc.Replicas(256), chunk=256)["idle"]
    what = f"time with more than 0.1 % failed in {DAYS} days"
    told = "the published value is one trace; 32,000 of 32K"
    yield Published("V04c", what, 0.81, 0.05, got, told)


def spare_domains() -> Iterator[Published]:
    """The second negative control, and what the same inputs give instead."""
    peaks = np.sort(domains_out_at_most(512))
    told = "each history's most domains out at once"
    mean = peaks.mean()
    half = 1.96 * peaks.std(ddof=1) / math.sqrt(peaks.size)
    got = fdmc.Estimate(mean - half, mean, mean + half, "", peaks.size)
    yield Published("V04.peak", "most domains out at once in 15 days, mean", 69, 1, got, told)
    ranks = stats.binom(peaks.size, 0.95).ppf([0.025, 0.5, 0.975]).astype(int)
    low, best, high = peaks[ranks - 1].tolist()
    got = fdmc.Estimate(low, best, high, "", peaks.size)
    yield Published("V04.q95", "spare domains that suffice in 95 % of histories", 80, 2, got, told)
    told = 'negative control: "90 spare domains" does not follow from the inputs of V04c'
    what = "spare domains that suffice"
    yield Published("V04.no", what, 90, 2, got, told, "control")


def domains_out_at_most(replicas: int) -> np.ndarray:
    """The most domains that are out at once, of every history.

    A time bin of half an hour in which the most is reached has a mean above one less: rounded up it is the most,
    unless it lasts for seconds only.
    """
    plan, directory = lower(recovering("domain"))
    mean = directory.expected_outages
    bins = DAYS * 48
    bounds = Bounds(outages=math.ceil((mean + 6 * math.sqrt(mean)) / 4) * 4, bins=bins)
    keys = jnp.asarray(stream_keys(0, np.asarray(plan.streams)))
    plan = jax.tree.map(jnp.asarray, plan)
    out = _history(plan, keys, jnp.arange(replicas, dtype=jnp.uint32), bounds)
    if np.any(np.asarray(out.status)):
        raise RuntimeError("a history had more outages than there is room for.")
    lost = np.asarray(out.curve_hours) / (float(plan.mission_hours) / bins) * 1000
    return np.ceil(lost.max(axis=0) - 0.01)


CASES = {
    "V01": slices,
    "V03": healthy_cubes,
    "V04a": dropped_domains,
    "V04b": packed_domains,
    "V04c": above_a_thousandth,
    "V04": spare_domains,
}
