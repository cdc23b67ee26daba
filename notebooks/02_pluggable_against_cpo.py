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
# # Pluggable against co-packaged optics at 512 accelerators
#
# The same 512 accelerators, the same job. Once their links leave through pluggable modules that are
# hot-swapped in half an hour; once through co-packaged engines with spare lanes and external lasers,
# where a dead engine costs a package swap that takes its tray out.

# %%
import fdmc


names = ["pluggable-512", "cpo-512"]
pluggable, cpo = (fdmc.load(name) for name in names)

# %% [markdown]
# The two scenarios share their GPUs, and classes of the same name share random streams: replica *k* has the
# same GPU failures in both. The difference is therefore much better known than either goodput.

# %%
pair = fdmc.compare([pluggable, cpo], replicas=1024, chunk=512)
for name, goodput in zip(pair.names, pair.goodput, strict=True):
    print(f"{name:14} {goodput}")
print("cpo - pluggable", pair.gain[1])
print("correlation    ", round(pair.correlation[1], 4))

# %% [markdown]
# What pairing is worth: the width of the interval, against that of two independent runs.

# %%
independent = (pair.goodput[0].width ** 2 + pair.goodput[1].width ** 2) ** 0.5
print(f"{independent / pair.gain[1].width:.1f} times narrower")

# %% [markdown]
# The failure rates of engines are estimates (grade C). How much better would engines have to be
# for co-packaged optics to break even? Halve the rates of all that sits in an engine.

# %%
better = fdmc.load(
    "cpo-512",
    sets=["components.eic.rate=25 FIT", "components.pic.rate=15 FIT",
          "components.attach.rate=25 FIT", "components.fibre_array.rate=15 FIT"],
)  # fmt: skip
halved = fdmc.compare([pluggable, cpo, better], replicas=512, chunk=512)
for name, gain in zip(("cpo", "cpo, engines twice as good"), halved.gain[1:], strict=True):
    print(f"{name:28} {gain}")

# %%
# Histories are functions of (seed, replica): the sign is not luck, and pairing must pay.
assert pair.gain[1].high < 0
assert pair.correlation[1] > 0.9
assert halved.gain[2].best > halved.gain[1].best
