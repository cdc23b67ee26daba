"""The four jobs that every tool is given, and their exact answers. Times are hours unless named."""

import math
from collections.abc import Callable

import numpy as np
from scipy import linalg, stats

from ._measure import Sums


FIT = 1e-9
YEAR_HOURS = 8760.0
MISSION = 5 * YEAR_HOURS

# (a) eight blocks in series, each 3-of-4 Weibull; times in years.
BLOCKS, COPIES = 8, 4
SHAPE, SCALE_YEARS, AT_YEARS = 1.5, 10.0, 1.0
LIFETIMES = BLOCKS * COPIES

# (b) 5-of-6, exponential, one technician.
UNITS, NEEDED = 6, 5
UNIT_RATE, REPAIR_RATE = 1 / 1000, 1 / 24

# (c) 64 trays of 8 accelerators and a board; a repair takes the tray out and renews all of it.
TRAYS, PER_TRAY, TECHNICIANS = 64, 8, 4
ACCELERATORS = TRAYS * PER_TRAY
ACCELERATOR_RATE, BOARD_RATE = 10_361 * FIT, 2_000 * FIT
TRAY_RATE = PER_TRAY * ACCELERATOR_RATE + BOARD_RATE

# (d) 512 accelerators of 40 lanes, 36 needed, no repair.
LANES, LANES_NEEDED = 40, 36
LANE_FITS = (20, 100)
ALL_LANES = ACCELERATORS * LANES


def lane_prob(fit: float) -> float:
    """Probability that a lane has failed by the end of the mission."""
    return -math.expm1(-fit * FIT * MISSION)


def exact_a() -> float:
    """Probability that some block has lost two copies by the end of the year."""
    survives = math.exp(-((AT_YEARS / SCALE_YEARS) ** SHAPE))
    block = survives**4 + 4 * survives**3 * (1 - survives)
    return 1 - block**BLOCKS


def _mean_over_mission(up: np.ndarray, down: np.ndarray, reward: np.ndarray) -> float:
    """Time average of a reward on a birth-death chain that starts in state 0, by its spectrum."""
    weights = np.sqrt(np.cumprod(np.append(1.0, up[:-1] / down[1:])))  # these make it symmetric
    rates, vectors = linalg.eigh_tridiagonal(-(up + down), np.sqrt(up[:-1] * down[1:]))
    exponents = np.minimum(rates, -1e-300) * MISSION
    return float(vectors[0] * np.expm1(exponents) / exponents @ vectors.T @ (weights * reward))


def exact_b() -> float:
    """Availability over the mission: the chain of the number of failed units."""
    failed = np.arange(UNITS + 1)
    down = np.where(failed > 0, REPAIR_RATE, 0.0)
    return _mean_over_mission((UNITS - failed) * UNIT_RATE, down, failed <= UNITS - NEEDED)


def occurrences_b() -> float:
    """Expected failures and restorations of a replica of (b)."""
    failed = np.arange(UNITS + 1)
    up, down = (UNITS - failed) * UNIT_RATE, np.where(failed > 0, REPAIR_RATE, 0.0)
    return MISSION * _mean_over_mission(up, down, up + down)


def exact_c() -> float:
    """Mean capacity over the mission: the chain of the number of trays with an open job.

    A tray that waits for a technician has lost one accelerator, or all if its board failed; more
    failures while it waits are left out. Hardly any tray waits, so the error is below 1e-9.
    """
    jobs = np.arange(TRAYS + 1)
    repairing = np.minimum(jobs, TECHNICIANS)
    board_first = BOARD_RATE / TRAY_RATE
    waiting_loss = PER_TRAY * board_first + (1 - board_first)
    lost = PER_TRAY * repairing + waiting_loss * (jobs - repairing)
    up = (TRAYS - jobs) * TRAY_RATE
    return _mean_over_mission(up, repairing * REPAIR_RATE, 1 - lost / ACCELERATORS)


def occurrences_c() -> float:
    """Expected failures and restorations of a replica of (c), per tray that fails as one part."""
    jobs = np.arange(TRAYS + 1)
    repairing = np.minimum(jobs, TECHNICIANS) * REPAIR_RATE
    up = (TRAYS - jobs) * TRAY_RATE
    return MISSION * _mean_over_mission(up, repairing, up + repairing)


def exact_d(fit: float) -> float:
    """Probability that some accelerator has fewer live lanes than it needs at the end."""
    short = stats.binom.sf(LANES - LANES_NEEDED, LANES, lane_prob(fit))
    return -math.expm1(ACCELERATORS * math.log1p(-short))


def failed_lanes_note(fit: float) -> Callable[[Sums], str]:
    """What the failed lanes of all trials say beside their expected number."""
    prob = lane_prob(fit)

    def note(sums: Sums) -> str:
        lanes = sums.trials * ALL_LANES
        z = (sums.failed_lanes - lanes * prob) / math.sqrt(lanes * prob * (1 - prob))
        mean = sums.failed_lanes / sums.trials
        return f"failed lanes a trial {mean:.4g} (exact {ALL_LANES * prob:.4g}, z {z:+.1f})"

    return note
