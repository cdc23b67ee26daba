"""fdmc on the four jobs, through the kernels that its users run."""

import jax
import jax.numpy as jnp
import numpy as np

import fdmc
from benchmarks import _jobs as jobs
from benchmarks._measure import Job, Measurement, Sums, measure
from fdmc.collect import CHUNK, Engine, first_bounds, larger, mission_counts
from fdmc.kernel import Draws, stream_keys
from fdmc.plan import lower, lower_mission


TOOL = "fdmc"
LANES = 128  # of a rerun


def _scenario(name: str, mission: str, components: dict, units: dict, accelerator: str, **more):
    document = {
        "fdmc": 1, "name": name, "mission": mission, "components": components, "units": units,
        "fabric": {"accelerator": accelerator}, **more,
    }  # fmt: skip
    return fdmc.load(document)


def _mission(job: Job, scenario, seconds: float, draws: Draws, trials: int, each: int, drawn: int):
    """Measure a mission: `each` model components a trial, of which `drawn` numbers are drawn."""
    plan, _ = lower_mission(scenario, 1)
    streams = np.asarray(plan.streams)
    plan = jax.tree.map(jnp.asarray, plan)

    def once(seed: int) -> Sums:
        keys = jnp.asarray(stream_keys(seed, streams))
        hits = int(mission_counts(plan, keys, trials, draws)[0, 0])
        return Sums(trials, hits, hits, trials * each, trials * drawn)

    return measure(job, once, seconds)


def job_a(seconds: float) -> list[Measurement]:
    """8 x 3-of-4 Weibull, three ways to draw the same law."""
    law = {"weibull": {"shape": jobs.SHAPE, "scale": f"{jobs.SCALE_YEARS} y"}}
    scenario = _scenario(
        "eight-blocks", f"{jobs.AT_YEARS} y", {"unit": {"lifetime": law, "repair": "1 h"}},
        {"system": {"contains": {"block": jobs.BLOCKS}},
         "block": {"components": {"unit": {"count": jobs.COPIES, "need": jobs.COPIES - 1}}}},
        "block",
    )  # fmt: skip
    ways = (
        ("every lifetime", Draws.LIFETIMES, jobs.LIFETIMES),
        ("order statistics first", Draws.ORDER, jobs.LIFETIMES),
        ("one draw a source", Draws.SOURCES, 1),
    )
    rows = []
    for method, draws, drawn in ways:
        job = Job("a", TOOL, "lifetimes", jobs.exact_a(), method=method, proportion=True)
        rows.append(_mission(job, scenario, seconds, draws, 1 << 22, jobs.LIFETIMES, drawn))
    return rows


def job_b(seconds: float) -> list[Measurement]:
    """5-of-6 with one technician, as a count."""
    repair = {"exponential": {"mean": "24 h"}}
    scenario = _scenario(
        "five-of-six", "43800 h", {"unit": {"mtbf": "1000 h", "repair": repair}},
        {"system": {"components": {"unit": {"count": jobs.UNITS, "need": jobs.NEEDED}}}},
        "system", service={"technicians": 1},
    )  # fmt: skip
    replicas = 1 << 16

    def once(seed: int) -> Sums:
        answer = fdmc.availability(scenario, seed=seed, replicas=replicas)
        up = answer.sampled
        error = (up.high - up.low) / 2 / 1.96
        square = replicas * (up.best**2 + error**2 * replicas)
        return Sums(
            replicas, up.best * replicas, square, answer.occurrences, 2 * answer.occurrences
        )

    return [measure(Job("b", TOOL, "occurrences", jobs.exact_b(), method="a count"), once, seconds)]


def job_c(seconds: float) -> list[Measurement]:
    """The repairable domain of 512 accelerators, by the general history kernel."""
    repair = {"exponential": {"mean": "24 h"}}
    scenario = _scenario(
        "domain", "43800 h", {"gpu": {"rate": "10361 FIT"}, "board": {"rate": "2000 FIT"}},
        {"pod": {"contains": {"tray": jobs.TRAYS}},
         "tray": {"contains": {"accelerator": jobs.PER_TRAY}, "components": {"board": 1}},
         "accelerator": {"components": {"gpu": 1}}},
        "accelerator",
        service={"technicians": jobs.TECHNICIANS,
                 "replace": {"tray": {"takes_out": "tray", "time": repair}}},
    )  # fmt: skip
    plan, directory = lower(scenario)
    bounds = first_bounds(directory, 0)
    engine = Engine(plan, 0, jax.local_devices())

    def once(seed: int) -> Sums:
        engine.seed = seed
        chunks = [np.arange(k, k + CHUNK, dtype=np.uint64) for k in range(0, 16 * CHUNK, CHUNK)]
        flying = [engine.submit(i, chunk, bounds) for i, chunk in enumerate(chunks)]
        outs = [future.result() for future in flying]
        parts = [(out, np.asarray(out.status) == 0) for out in outs]
        again = np.concatenate(
            [chunk[~kept] for chunk, (_, kept) in zip(chunks, parts, strict=True)]
        )
        for first in range(0, len(again), LANES):  # they outgrew the bounds: with larger ones
            some = again[first : first + LANES]
            padded = np.pad(some, (0, LANES - len(some)), mode="edge")
            more = engine.submit(0, padded, larger(bounds)).result()
            parts.append((more, np.arange(LANES) < len(some)))
        capacity = [
            1 - np.asarray(o.unused_hours)[k].astype(float) / jobs.MISSION for o, k in parts
        ]
        counts = [np.asarray(o.failures)[:, k].astype(np.int64) for o, k in parts]
        occurrences = sum(int((c & 0xFFFF).sum() + (c >> 16).sum()) for c in counts)
        values = np.concatenate(capacity)
        return Sums(len(values), values.sum(), (values**2).sum(), occurrences, 2 * occurrences)

    job = Job("c", TOOL, "occurrences", jobs.exact_c(), method="history kernel")
    return [measure(job, once, seconds)]


def job_d(seconds: float) -> list[Measurement]:
    """512 x 40 lanes with spares: the first shortage has a closed form, one draw a trial."""
    rows = []
    for fit in jobs.LANE_FITS:
        scenario = _scenario(
            "lanes", "43800 h", {"lane": {"rate": f"{fit} FIT", "repair": "1 h"}},
            {"pod": {"contains": {"accelerator": jobs.ACCELERATORS}},
             "accelerator": {"components": {"lane": {"count": jobs.LANES, "need": jobs.LANES_NEEDED}}}},
            "accelerator",
        )  # fmt: skip
        for method, draws, drawn, trials in (
            ("one draw a source", Draws.SOURCES, 1, 1 << 22),
            ("every lifetime", Draws.ORDER, jobs.ALL_LANES, 1 << 14),
        ):
            job = Job("d", TOOL, "lanes", jobs.exact_d(fit), f"{fit} FIT", method, proportion=True)
            rows.append(_mission(job, scenario, seconds, draws, trials, jobs.ALL_LANES, drawn))
    return rows
