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
# # A fault tree: exact where exact is cheap, sampled where it is not
#
# Two questions about the small machines around the accelerators: what a coolant unit depends on, and whether a
# standby laser is worth its place when lasers wear out. The models are plain Open-PSA and Galileo files.

# %%
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import fdmc
from fdmc.spec.fault_tree import BasicEvent, Call, FaultTree, Formula, Gate, MissionTime


examples = next(d for d in (Path("docs/examples"), Path("../docs/examples")) if d.is_dir())
coolant = fdmc.fault_tree(
    str(examples / "coolant.xml"), importance=True, cut_sets=5, uncertainty=20_000
)
print(coolant.probability, "-", coolant.method)
for row in sorted(coolant.importance, key=lambda r: -r.criticality)[:4]:
    print(f"{row.event:24} criticality {row.criticality:.3f}  RAW {row.raw:.1f}")

# %% [markdown]
# The number is exact for the parameters as written; they are not. Twenty thousand draws of them:

# %%
for level, e in coolant.uncertainty.quantiles.items():
    print(f"{level:.0%} of the knowledge is below {e.best:.4f} [{e.low:.4f}, {e.high:.4f}]")

# %% [markdown]
# The diagram does not change with the numbers. As a JAX function it has slopes to every parameter, and a sweep over
# mission times and house events is one `vmap` of a `vmap`.

# %%
top = fdmc.TopProbability(str(examples / "coolant.xml"))
print(jax.grad(lambda p: top(8760.0, p))({"pump-rate": 2e-5, "pump-beta": 0.05, "feed-rate": 5e-6}))
hours = jnp.linspace(100.0, 8760.0, 60)
sweep = jax.vmap(lambda on: jax.vmap(lambda t: top(t, house={"maintenance": on}))(hours))
both = sweep(jnp.array([0.0, 1.0]))
figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
for label, curve in zip(("both pumps", "one pump in maintenance"), both, strict=True):
    axes.semilogy(hours / 730, curve, label=label)
axes.set_xlabel("mission time, months")
axes.set_ylabel("P(no coolant)")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# ## Lasers that wear out
#
# A lognormal laser and an exponential one of the same mean life, each with a cold standby. Markov tools know the second
# only. Early in life it says far too much, because lasers that wear do not fail early.

# %%
MEAN, SIGMA = 90_000.0, 0.6
median = MEAN * float(np.exp(-(SIGMA**2) / 2))
laws = {
    "lognormal": Call("lognormal", (median, SIGMA, MissionTime())),
    "exponential": Call("exponential", (1 / MEAN, MissionTime())),
}
years = [1.0, 2.0, 5.0, 10.0]
found = {}
for name, law in laws.items():
    events = {"laser": BasicEvent(law), "standby": BasicEvent(law, dormancy=0.0)}
    tree = FaultTree(name, ("dark",), {"dark": Gate(Formula("spare", tuple(events)))}, events)
    found[name] = fdmc.fault_tree(
        tree, time_hours=[8760 * y for y in years], stop=fdmc.Replicas(1 << 20), seed=1
    )
    print(name, "-", found[name].method)
    for y, point in zip(years, found[name].curve, strict=True):
        print(f"  {y:4.0f} y  {point.probability}")

# %% [markdown]
# The exponential pair is an Erlang law: 1 - (1 + t/m) exp(-t/m), to nine digits. The exponential answer at one year
# overstates the wearing pair's by orders of magnitude.

# %%
x = 8760 * years[0] / MEAN
exact = 1 - (1 + x) * np.exp(-x)
assert abs(found["exponential"].curve[0].probability.best / exact - 1) < 1e-9
assert found["lognormal"].curve[0].probability.high < 0.01 * exact
assert abs(coolant.probability.best - 0.043923982) < 1e-9
