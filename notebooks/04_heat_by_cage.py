# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # Heat by cage: what Titan's field data say about acceleration
#
# Titan's cabinets blew cold air up through three cages of blades: cage 0 at the bottom, cage 2 at the top. Of the GPUs
# installed before 2016, those in cages 0, 1 and 2 failed .0343, .0712 and .1145 times a year (Ostrouchov et al., *GPU
# Lifetimes on Titan Supercomputer*, SC20, and its public data, olcf/TitanGPULife). The authors put it down to the
# cooling air. Which acceleration is that, how sure is it, and which activation energy would it take?

# %%
import csv
import gzip
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy import optimize, special

from fdmc.stress import arrhenius, fit_interval, rate_ratio_interval


PUBLISHED = np.array([0.0343, 0.0712, 0.1145])  # deaths a GPU-year, by cage
print("ratios of the published rates to cage 0:", (PUBLISHED / PUBLISHED[0]).round(2))
print("each cage to the one below:", (PUBLISHED[1:] / PUBLISHED[:-1]).round(2))

# %% [markdown]
# ## Counts
#
# Rates alone have no interval; it takes the counts behind them. These were counted from the public table, one row a
# GPU: a GPU is *dead* when it had a double-bit error or fell off the bus, and was taken out; its cage is where it stood
# longest; its years (of 365 days) are those that it was installed. Rows are years of age, columns are cages. The table
# holds the *old* batch, the one the published rates speak about; the *new* one came in 2016 and later, to replace it.

# %%
DEATHS = np.array(
    [[5, 4, 8], [4, 31, 118], [73, 551, 1439], [298, 550, 500], [433, 419, 105], [294, 191, 4]]
)
GPU_YEARS = np.array(
    [
        [6236.81, 6271.68, 6311.77],
        [6228.76, 6242.53, 6237.95],
        [6180.87, 5904.71, 5205.02],
        [5903.00, 3162.67, 977.51],
        [5276.68, 2130.61, 242.61],
        [2410.53, 805.16, 16.63],
    ]
)
NEW_DEATHS, NEW_GPU_YEARS = np.array([2, 16, 44]), np.array([1271.91, 8829.72, 15042.33])

beside = Path("../../shared" if Path("../../shared/reference").is_dir() else "../shared")
reference = Path(os.environ.get("FDMC_REFERENCE", beside / "reference"))
lifetimes = reference / "read_only" / "titan_gpu_lifetimes.csv.gz"
gpus = {}
if lifetimes.exists():
    with gzip.open(lifetimes, "rt") as lines:
        rows = list(csv.DictReader(lines))
    for batch in ("old", "new"):
        chosen = [row for row in rows if row["batch"] == batch]
        gpus[batch] = {
            "years": np.array([float(row["years"]) for row in chosen]),
            "dead": np.array([row["dead"] == "TRUE" for row in chosen]),
            "cage": np.array([int(row["cage"]) for row in chosen]),
            "cabinet": np.array([8 * int(row["col"]) + int(row["row"]) for row in chosen]),
        }
        print(f"{batch} batch: {len(chosen)} GPUs, {gpus[batch]['dead'].sum()} dead")
else:
    print("The lifetimes are not here (FDMC_REFERENCE names their folder): counts only.")

# %% [markdown]
# ## Read as constant rates
#
# This is what a rate in a datasheet means. Exact intervals, 95 %: Garwood's for a rate, and for a ratio the binomial
# one, given how many failed in both cages together.

# %%
YEAR_FIT = 1e9 / 8760  # one failure a year of 365 days, in FIT
deaths, gpu_years = DEATHS.sum(0), GPU_YEARS.sum(0)
rates = deaths / gpu_years
bounds = np.array(fit_interval(deaths, gpu_years * 8760, 0.95)) / YEAR_FIT
ratios = rates / rates[0]
ratio_bounds = np.array(rate_ratio_interval(deaths, gpu_years, deaths[0], gpu_years[0], 0.95))
for cage in range(3):
    low, high = bounds[:, cage]
    print(f"cage {cage}: {deaths[cage]:4} in {gpu_years[cage]:8.1f} GPU-years,", end=" ")
    print(f"{rates[cage]:.4f} [{low:.4f}, {high:.4f}] a year")
for cage in (1, 2):
    low, high = ratio_bounds[:, cage]
    print(f"cage {cage} over cage 0: x {ratios[cage]:.2f} [{low:.2f}, {high:.2f}]")

# %% [markdown]
# The regression says the same in one number: a Poisson model whose log rate is linear in the cage number. Each
# stratum (here one, further down one a year of age) has a level of its own, which is profiled out; what is left is a
# likelihood of one slope. The interval is where its logarithm is within 1.92 of the best. A second model leaves both
# cages free; twice the difference tells whether equal steps will do (one degree of freedom: above 3.84 they do not).


# %%
def loss(slopes, deaths, exposure):
    """Negative log-likelihood of the log rates (0, slopes...) by cage, the levels of the strata profiled out."""
    logs = np.concatenate([[0.0], slopes])
    levels = np.log((exposure * np.exp(logs)).sum(1))
    return deaths.sum(1) @ levels - deaths.sum(0) @ logs


def per_cage(deaths, exposure):
    """Acceleration from one cage to the next: low, best, high; and the likelihood ratio against free cages."""
    line = lambda slope: loss([slope, 2 * slope], deaths, exposure)
    best = optimize.minimize_scalar(line, bounds=(-5, 5), options={"xatol": 1e-10}).x
    drop = lambda slope: line(slope) - line(best) - special.chdtri(1, 0.05) / 2
    ends = [optimize.brentq(drop, best + end, best) for end in (-3.0, 3.0)]
    free = optimize.minimize(loss, [best, 2 * best], (deaths, exposure))
    return np.exp([ends[0], best, ends[1]]), 2 * (line(best) - free.fun)


constant, constant_misfit = per_cage(deaths[None], gpu_years[None])
print("a cage up: x {1:.3f} [{0:.3f}, {2:.3f}]".format(*constant), end="")
print(f", equal steps: likelihood ratio {constant_misfit:.1f}")

# %% [markdown]
# Narrow, and yet equal steps are ruled out. Poisson intervals know counting noise only; the model may be wrong.
#
# ## At equal age
#
# It is. The rates are not constant: a resistor on the boards corroded (silver sulphide, as Oak Ridge wrote later), and
# from the second year on the boards failed in a wave. The hot cages were refilled first, so that the old GPUs in cage 2
# hardly saw the late years in which those of cage 0 failed. A crude rate sets old GPUs against young ones. In strata of
# equal age the ratio is three times as large, and the steps are equal.

# %%
at_age, age_misfit = per_cage(DEATHS, GPU_YEARS)
print("a cage up, at equal age: x {1:.2f} [{0:.2f}, {2:.2f}]".format(*at_age), end="")
print(f", equal steps: likelihood ratio {age_misfit:.2f}")
print("hazard of cage 2 over cage 0, by year of age, 95 %:")
by_age = np.array(
    rate_ratio_interval(DEATHS[:, 2], GPU_YEARS[:, 2], DEATHS[:, 0], GPU_YEARS[:, 0], 0.95)
)
for year, (low, high) in enumerate(by_age.T):
    print(f"  {year}-{year + 1} y  [{low:6.2f}, {high:6.2f}]")
new = rate_ratio_interval(NEW_DEATHS[2], NEW_GPU_YEARS[2], NEW_DEATHS[0], NEW_GPU_YEARS[0], 0.95)
print(
    "new batch, 62 dead, cage 2 over cage 0: [{:.2f}, {:.2f}]: it says next to nothing".format(*new)
)

# %% [markdown]
# ## As an acceleration of time
#
# Nor is the ratio of hazards a constant: at least 11 in the second year, about 5 in the sixth at most. Heat that
# makes a part age $A$ times as fast moves its whole curve: it reaches at age $t/A$ what the cooler one reaches at
# $t$. That is what Arrhenius' law is about, and how the engine takes temperatures. For a Weibull lifetime of shape
# $k$, hazards at equal age then differ by $A^k$, and only for $k = 1$ is that $A$. So the lifetimes decide: by one
# shape for all and a scale for each cage (maximum likelihood), and without any law by the ages at which
# Kaplan-Meier's curves have lost 5, 10 and 15 %. Boards of a cabinet share air and jobs, so the bootstrap draws
# cabinets (there are 200), not GPUs.


# %%
def weibull(years, dead, group, weight):
    """Shape and scales (years), one scale a group: the root of the profile score of the shape."""
    logs = np.log(years)
    groups = [group == g for g in np.unique(group)]
    lost = np.array([weight[g & dead].sum() for g in groups])
    observed = (weight * logs)[dead].sum()

    def score(shape):
        powers = weight * years**shape
        means = [(powers * logs)[g].sum() / powers[g].sum() for g in groups]
        return lost.sum() / shape + observed - lost @ means

    shape = optimize.brentq(score, 0.5, 12.0)
    exposed = np.array([(weight * years**shape)[g].sum() for g in groups])
    return shape, (exposed / lost) ** (1 / shape)


def lost_by(shares, years, dead, weight):
    """Ages (years) at which Kaplan-Meier's curve has lost the shares; the years come sorted."""
    at_risk = np.cumsum(weight[::-1])[::-1]
    # A draw of cabinets may leave the oldest GPUs out: nothing is at risk there, and nothing dies.
    dying = np.divide(weight * dead, at_risk, out=np.zeros_like(years), where=at_risk > 0)
    survival = np.cumprod(1 - dying)
    return years[np.minimum(np.searchsorted(-survival, shares - 1), len(years) - 1)]


def accelerations(gpu, weight):
    """Cages 1 and 2 over cage 0, one row a method: Weibull, then the shares 5, 10 and 15 %."""
    _, scales = weibull(gpu["years"], gpu["dead"], gpu["cage"], weight)
    ages = []
    for cage in range(3):
        here = gpu["cage"] == cage
        ages.append(lost_by(SHARES, gpu["years"][here], gpu["dead"][here], weight[here]))
    ages = np.array(ages)
    return np.stack([scales[0] / scales[1:], *(ages[0] / ages[1:]).T])


SHARES = np.array([0.05, 0.10, 0.15])
DRAWS = 200
if gpus:
    order = np.argsort(gpus["old"]["years"], kind="stable")
    old = {name: values[order] for name, values in gpus["old"].items()}
    ones = np.ones(len(order))
    pooled_shape, pooled_scale = weibull(old["years"], old["dead"], 0 * old["cage"], ones)
    shape, scales = weibull(old["years"], old["dead"], old["cage"], ones)
    print(f"all cages: shape {pooled_shape:.3f}, scale {pooled_scale[0]:.3f} y")
    print(f"by cage: shape {shape:.3f}, scales {scales.round(2)} y")
    best = accelerations(old, ones)
    rng = np.random.default_rng(4)
    cabinets = int(old["cabinet"].max()) + 1
    draws = []
    for _ in range(DRAWS):
        times = np.bincount(rng.integers(cabinets, size=cabinets), minlength=cabinets)
        draws.append(accelerations(old, times[old["cabinet"]].astype(float)))
    least, most = np.quantile(draws, [0.025, 0.975], axis=0)
    for row, name in enumerate(["Weibull", *(f"{share:.0%} lost" for share in SHARES)]):
        for cage in (1, 2):
            i = row, cage - 1
            print(f"{name:9} cage {cage}: x {best[i]:.2f} [{least[i]:.2f}, {most[i]:.2f}]")
    time_bounds = np.array([least[0, 1], best[0, 1], most[0, 1]])
else:
    # As printed by this cell where the lifetimes are at hand.
    time_bounds = np.array([1.95, 1.99, 2.03])

# %% [markdown]
# So 1.4 and 2.0, where the rates said 2.1 and 3.3. But the ratio of cage 2 creeps up with the share lost, and one
# acceleration would not. A wave that began for all boards at once, some time after they were installed, looks like
# that. Counted from 1.25 or 1.5 years on, the creep is gone, at 2.7 to 3.1. Most boards are of one age, so that the
# data cannot tell whether it was an age or a date.

# %%
if gpus:
    ages = [
        lost_by(SHARES, old["years"][here], old["dead"][here], ones[here])
        for here in (old["cage"] == 0, old["cage"] == 2)
    ]
    for start in (0.0, 0.5, 1.0, 1.25, 1.5):
        from_start = (ages[0] - start) / (ages[1] - start)
        print(f"ageing from {start:4.2f} y on: cage 2 x", from_start.round(2))

# %% [markdown]
# ## Activation energy
#
# Arrhenius' law turns an acceleration into an energy once the temperatures are known. Titan's cage temperatures are
# not in the data, and I found none in print, so **the rise from cage to cage is an assumption**, and the energy a
# function of it. One anchor: of the Cray XT5, whose 200 cabinets Titan took over, a review of its cooling (Mynavi
# TECH+, computer architecture, part 457) gives air at 23.8 C below the first cage, 47.2 C above the third, at 3200
# cubic feet a minute. A third of that rise is 7.8 K from cage to cage. Titan's 8.2 MW, or 41 kW a cabinet, would warm
# that flow by about as much. This is air, not the resistor: were it 30 K hotter in every cage, the same rise would
# take a fifth more energy.

# %%
AIR_IN, AIR_OUT = 23.8 + 273.15, 47.22 + 273.15
RISE = (AIR_OUT - AIR_IN) / 3
COLDEST = AIR_IN + RISE / 2  # the middle of cage 0


def energy_ev(acceleration, rise_kelvin, coldest_kelvin=COLDEST):
    """Energy that makes cage 2, two rises hotter, age so much faster: the law's logarithm is linear in it."""
    per_ev = np.log(arrhenius(1.0, coldest_kelvin + 2 * rise_kelvin, coldest_kelvin))
    return np.log(acceleration) / per_ev


READINGS = {
    "constant rates": np.array([ratio_bounds[0, 2], ratios[2], ratio_bounds[1, 2]]),
    "time, Weibull": time_bounds,
}
print(f"cage 2 over cage 0, in eV; {RISE:.1f} K is the XT5's air")
for name, acceleration in READINGS.items():
    for rise in (4.0, RISE, 12.0):
        low, value, high = energy_ev(acceleration, rise)
        hotter = energy_ev(acceleration[1], rise, COLDEST + 30)
        print(f"{name:15} {rise:4.1f} K a cage: {value:.2f} [{low:.2f}, {high:.2f}]", end="")
        print(f"; {hotter:.2f} if 30 K hotter throughout")

# %%
rises = np.linspace(3.0, 15.0, 60)
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
age = np.arange(6) + 0.5
for cage, colour in enumerate(("tab:blue", "tab:orange", "tab:red")):
    hazard = DEATHS[:, cage] / GPU_YEARS[:, cage]
    ends = np.array(fit_interval(DEATHS[:, cage], GPU_YEARS[:, cage] * 8760, 0.95)) / YEAR_FIT
    style = {"fmt": "o-", "color": colour, "markersize": 4, "capsize": 2, "label": f"cage {cage}"}
    left.errorbar(age + 0.08 * (cage - 1), hazard, np.abs(ends - hazard), **style)
    left.axhline(PUBLISHED[cage], color=colour, linestyle=":", linewidth=1)
left.set_yscale("log")
left.set_xlabel("age, years")
left.set_ylabel("deaths a GPU-year")
left.set_title("Hazard at equal age; dotted: published rates", fontsize=10)
left.legend(frameon=False, loc="lower right")
for (name, acceleration), colour in zip(READINGS.items(), ("tab:gray", "tab:green"), strict=True):
    low, value, high = (energy_ev(a, rises) for a in acceleration)
    right.plot(rises, value, color=colour, label=f"{name}: x {acceleration[1]:.2f}")
    right.fill_between(rises, low, high, color=colour, alpha=0.3, linewidth=0)
right.axvline(RISE, color="black", linestyle=":", linewidth=1)
right.annotate("XT5's air", (RISE + 0.15, 1.45))
right.set_ylim(0, 1.6)
right.set_xlabel("assumed rise from cage to cage, K")
right.set_ylabel("activation energy, eV")
right.set_title("Energy that cage 2 over cage 0 implies", fontsize=10)
right.legend(frameon=False)
plt.show()

# %% [markdown]
# What a planner may take home: the counting interval is a few per cent, and the least of the doubts. What is meant by
# acceleration moves it from 2 to 3 (and the hazard at equal age by far more); the assumed rise moves the energy by a
# factor of three. And heat may not be all that differs between cages: humidity, sulphur, the placement of jobs. In the
# laboratory the tarnishing of silver even slows from 20 to 40 C before it quickens (Franey, Kammlott and Graedel 1985).
# An energy from these data describes these cabinets; it is no constant of silver sulphide.

# %%
assert np.array_equal(rates.round(4), [0.0343, 0.0712, 0.1145])  # as published, to the digit
assert deaths.sum() == 5027
assert abs(gpu_years.sum() - 75_746) < 1
assert NEW_DEATHS.sum() == 62
assert abs(NEW_GPU_YEARS.sum() - 25_144) < 1
assert np.allclose(ratio_bounds[:, 1:], [[1.922, 3.100], [2.238, 3.586]], atol=2e-3)
assert np.allclose(constant, [1.7382, 1.7995, 1.8631], atol=2e-4)
assert np.allclose(at_age, [2.9444, 3.0661, 3.1934], atol=2e-4)
assert constant_misfit > 3.84 > age_misfit
assert np.allclose(arrhenius(energy_ev(3.0, RISE), COLDEST + 2 * RISE, COLDEST), 3.0)
if gpus:
    for batch, lost, exposed in (("old", DEATHS, GPU_YEARS), ("new", NEW_DEATHS, NEW_GPU_YEARS)):
        gpu = gpus[batch]
        edges = np.arange(7) if batch == "old" else np.array([0, 7])
        for cage in range(3):
            here = gpu["cage"] == cage
            years, dead = gpu["years"][here], gpu["dead"][here]
            found = np.histogram(years[dead], edges)[0]
            spent = np.diff([np.minimum(years, edge).sum() for edge in edges])
            assert np.array_equal(found, np.atleast_2d(lost)[:, cage])
            assert np.allclose(spent, np.atleast_2d(exposed)[:, cage], atol=0.01)
    # The pooled Weibull fit that others published, and 1 - S(3 y) and S(4 y).
    assert np.allclose([pooled_shape, pooled_scale[0]], [2.638, 7.112], atol=1e-3)
    around = lost_by(np.array([1 - 0.8766, 1 - 0.7675]), old["years"], old["dead"], ones)
    assert np.allclose(around, [3, 4], atol=0.01)
    assert np.allclose(best[0], [1.384, 1.989], atol=2e-3)
    assert np.all((least[0] < best[0]) & (best[0] < most[0]))
    assert np.array_equal(time_bounds.round(2), [1.95, 1.99, 2.03])  # the other branch's numbers
