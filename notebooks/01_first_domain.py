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
# # A first failure domain
#
# What does a rack of 72 accelerators lose to its failures, and which part is to blame?
# Everything here runs in seconds on two cores.

# %%
import fdmc


scenario = fdmc.load("nvl72-copper")
print(scenario.title)
for node in scenario.tree.nodes.values():
    print(f"{'  ' * node.depth}{node.name}: {node.total}")

# %% [markdown]
# Five thousand histories of five years, queues for the technician and empty shelves included.
# Every number comes with its 95 % interval.

# %%
result = fdmc.run(scenario, stop=fdmc.Replicas(5000))
print(result)
for name in ("goodput", "ettr", "work_rate", "availability", "blast_radius.mean"):
    print(f"{name:20} {result[name]}")

# %% [markdown]
# Who is to blame? `share` is the part of all lost goodput, restarts included; the grade says how well
# the failure rate is known (A field data, B laboratory or vendor, C estimate).

# %%
for row in result.contributors()[:6]:
    print(f"{row.name:12} {row.share:6.1%}  grade {row.grade}  {row.goodput}")

# %% [markdown]
# A what-if is one changed leaf: twice the technicians. Both arms see the same failures, so that even a small
# effect is certain; and this one is negative. Two trays repaired at once take eight accelerators out, the next
# failure leaves fewer than the 64 that the job needs, and the whole rack stands idle. One technician keeps the
# trays in a queue, where each misses a single accelerator.

# %%
helped = fdmc.load("nvl72-copper", sets=["service.technicians=2"])
both = fdmc.compare([scenario, helped], replicas=2048)
print("gain in goodput:", both.gain[1], " correlation:", round(both.correlation[1], 3))

# %% [markdown]
# Some questions need no sampling. The chance that the rack loses anything in its first month, exactly and sampled:

# %%
month = fdmc.load("nvl72-copper", sets=["mission=30 d"])
first = fdmc.mission(month)["domain"]
print(first.exact_prob, first.sampled_prob)

# %% [markdown]
# And a laboratory system has an exact answer to be held against: five of six units, one technician.

# %%
lab = fdmc.load(
    {
        "fdmc": 1,
        "name": "five-of-six",
        "mission": "5 y",
        "components": {"unit": {"mtbf": "1000 h", "repair": {"exponential": {"mean": "24 h"}}}},
        "units": {"system": {"components": {"unit": {"count": 6, "need": 5}}}},
        "fabric": {"accelerator": "system"},
        "service": {"technicians": 1},
    }
)
answer = fdmc.availability(lab)
print(answer)

# %%
assert abs(answer.exact - 0.9836280961) < 1e-9  # Markov chain, interval availability over 5 years
assert answer.sampled.low < answer.exact < answer.sampled.high
assert both.gain[1].high < 0  # more hands, less work
assert first.sampled_prob.low < first.exact_prob < first.sampled_prob.high
