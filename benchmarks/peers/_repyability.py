"""RePyability: its own Monte Carlo; its exact answers, where it has them, are in the notes.

It does not report how many components failed, so occurrences are their expected number. Draws are
counted where the model fixes them.

What it cannot express of job (c): a repair that takes a whole tray out and renews all its parts,
one job for all failures in a tray, and accelerators that are lost alone while they wait. So two
models stand in: `64 trays`, lumped by hand, in which a tray is one component whose failure loses
all 8 (the same answer as long as hardly anybody waits), and `576 components`, each swapped on its
own (another answer: a repair takes nothing else out). The first is the job only because everything
is exponential; the second is what a diagram of the machine would be. Its compiled engine refuses
capacities of more than 63 components, so both run in its Python engine.
"""

import time
from collections.abc import Iterator

import numpy as np
import surpyval
from repyability import NonRepairableRBD, PerfectReliability, RepairableRBD

from benchmarks import _jobs as jobs
from benchmarks._measure import Job, Measurement, Sums, measure


TOOL = "RePyability"
EXPECTED = "occurrences: expected number"


def _exponential(rate: float) -> surpyval.Parametric:
    return surpyval.Exponential.from_params([rate])


def _repairable(rate: float) -> dict[str, surpyval.Parametric]:
    return {"reliability": _exponential(rate), "repairability": _exponential(jobs.REPAIR_RATE)}


def _series_of_votes() -> NonRepairableRBD:
    law = surpyval.Weibull.from_params([jobs.SCALE_YEARS, jobs.SHAPE])
    edges, laws, votes, before = [], {}, {}, "in"
    for block in range(jobs.BLOCKS):
        vote = f"vote {block}"
        for copy in range(jobs.COPIES):
            edges += [(before, (block, copy)), ((block, copy), vote)]
            laws[block, copy] = law
        laws[vote], votes[vote], before = PerfectReliability, jobs.COPIES - 1, vote
    return NonRepairableRBD([*edges, (before, "out")], laws, votes)


def job_a(seconds: float) -> list[Measurement]:
    """8 x 3-of-4 Weibull."""
    system, trials = _series_of_votes(), 50_000
    begin = time.perf_counter()
    exact = float(np.squeeze(system.ff(jobs.AT_YEARS)))
    note = f"its exact answer {exact:.9g} in {1e3 * (time.perf_counter() - begin):.1f} ms"

    def once(seed: int) -> Sums:
        hits = int(np.count_nonzero(system.random(trials, seed=seed) < jobs.AT_YEARS))
        draws = trials * jobs.LIFETIMES
        return Sums(trials, hits, hits, draws, draws)

    job = Job("a", TOOL, "lifetimes", jobs.exact_a(), "", "every lifetime", proportion=True)
    return [measure(job, once, seconds, lambda _: note)]


def job_b(seconds: float) -> list[Measurement]:
    """5-of-6 with one technician."""
    unit, names = _repairable(jobs.UNIT_RATE), range(jobs.UNITS)
    edges = [*(("in", i) for i in names), *((i, "vote") for i in names), ("vote", "out")]
    components = {**dict.fromkeys(names, unit), "vote": PerfectReliability}
    system = RepairableRBD(edges, components, k={"vote": jobs.NEEDED}, repair_crews=1)
    occurrences = jobs.occurrences_b()
    replicas = 4000

    def once(seed: int) -> Sums:
        result = system.availability(
            jobs.MISSION,
            mc_samples=replicas,
            seed=seed,
            engine="numba",
            n_jobs=-1,
            control_variate=False,
            conditional=False,
            curve_points=10,
        )
        up = np.asarray(result.uptimes) / jobs.MISSION
        return Sums(replicas, up.sum(), np.square(up).sum(), replicas * occurrences, np.nan)

    job = Job("b", TOOL, "occurrences", jobs.exact_b(), method="its engine `numba`")
    return [measure(job, once, seconds, lambda _: EXPECTED)]


def _trays() -> RepairableRBD:
    tray, names = _repairable(jobs.TRAY_RATE), range(jobs.TRAYS)
    edges = [*(("in", i) for i in names), *((i, "out") for i in names)]
    capacity = dict.fromkeys(names, float(jobs.PER_TRAY))
    components = dict.fromkeys(names, tray)
    return RepairableRBD(edges, components, capacity=capacity, repair_crews=jobs.TECHNICIANS)


def _components() -> RepairableRBD:
    board = _repairable(jobs.BOARD_RATE)
    accelerator = _repairable(jobs.ACCELERATOR_RATE)
    edges, components, capacity = [], {}, {}
    for i in range(jobs.TRAYS):
        edges.append(("in", i))
        components[i], capacity[i] = board, jobs.PER_TRAY
        for j in range(jobs.PER_TRAY):
            edges += [(i, (i, j)), ((i, j), "out")]
            components[i, j], capacity[i, j] = accelerator, 1
    return RepairableRBD(edges, components, capacity=capacity, repair_crews=jobs.TECHNICIANS)


def job_c(seconds: float) -> Iterator[Measurement]:
    """The repairable domain, as far as it can be said; row by row, as it may hang."""
    lumped = "64 trays, lumped by hand", _trays, jobs.exact_c(), EXPECTED
    other = f"another model: no tray is taken out; {EXPECTED}"
    for method, build, exact, note in (lumped, ("576 components", _components, None, other)):
        system, replicas = build(), 8

        def once(seed: int, system=system, replicas=replicas) -> Sums:
            result = system.availability(
                jobs.MISSION,
                mc_samples=replicas,
                seed=seed,
                demand=jobs.ACCELERATORS,
                control_variate=False,
                conditional=False,
                curve_points=10,
            )
            capacity = np.asarray(result.delivered)
            units = replicas * jobs.occurrences_c()
            return Sums(replicas, capacity.sum(), np.square(capacity).sum(), units, np.nan)

        job = Job("c", TOOL, "occurrences", exact, method=method)
        yield measure(job, once, seconds, lambda _, note=note: note)


def job_d(seconds: float) -> list[Measurement]:
    """One accelerator with 36-of-40 lanes; 512 trials of it stand for one of the domain."""
    rows = []
    for fit in jobs.LANE_FITS:
        law, names = _exponential(fit * jobs.FIT), range(jobs.LANES)
        edges = [*(("in", i) for i in names), *((i, "vote") for i in names), ("vote", "out")]
        laws = {**dict.fromkeys(names, law), "vote": PerfectReliability}
        system = NonRepairableRBD(edges, laws, {"vote": jobs.LANES_NEEDED})
        trials = 100

        def once(seed: int, system=system, trials=trials) -> Sums:
            lifetimes = system.random(trials * jobs.ACCELERATORS, seed=seed)
            short = lifetimes.reshape(trials, -1).min(1) < jobs.MISSION
            hits, draws = int(short.sum()), trials * jobs.ALL_LANES
            return Sums(trials, hits, hits, draws, draws)

        exact, case = jobs.exact_d(fit), f"{fit} FIT"
        job = Job("d", TOOL, "lanes", exact, case, "every lifetime", proportion=True)
        rows.append(measure(job, once, seconds))
    return rows
