"""Same seed, same integers with heat on: whatever the chunks, bounds, and what of heat is left out. All exact."""

import copy
import functools
import json
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from _hot_machines import excursion, machine
from _machines import load

import fdmc
from fdmc.collect._compile import jit
from fdmc.collect._run import BINS
from fdmc.kernel import Bounds, history, stream_keys
from fdmc.plan import lower


HISTORY = jit(history, static_argnames="bounds")
REPLICAS = 66
HOT = machine(
    {
        "load": {"constant": 0.9},
        "nodes": {"engine": ["pic"]},
        "link": {"ring": {"unit": "lane", "spread": "3 K", "top": "84 degC", "range": "40 K"}},
        "excursions": {
            "cdu": excursion("rack", "150 h", "6 K", {"exponential": {"mean": "30 h"}}, "4 h"),
            "leak": excursion("tray", "200 h", "4 K", "20 h", "1 h"),
        },
    },
    {"pic": {"mtbf": "4000 h", "reference": "75 degC", "activation_energy": "0.9 eV", "repair": "30 h"}},
    mission="800 h",
    environment={"steps": [{"for": "90 h", "shift": "0 K"}, {"for": "60 h", "shift": "3 K"}]},
)  # fmt: skip


def counted(folder: Path, bounds: Bounds, chunk: int) -> dict:
    """Return the sums of a ledger."""
    path = folder / f"{chunk}-{bounds.outages}"
    with mock.patch("fdmc.collect._run.first_bounds", return_value=bounds):
        fdmc.run(HOT, seed=3, stop=fdmc.Replicas(REPLICAS), chunk=chunk, ledger=path)
    ledger = json.loads(path.read_text())
    tally = {key: value for key, value in ledger["tally"].items() if key != "steps"}
    return {**tally, "reruns": ledger["reruns"]}


def test_chunks_and_bounds_are_invisible(tmp_path):
    ample, tight = Bounds(12, 4, 4, BINS, 16), Bounds(3, 4, 4, BINS, 16)
    expected = counted(tmp_path, ample, 64)
    assert expected["void"] == 0
    assert counted(tmp_path, ample, 7) == expected
    few = counted(tmp_path, tight, 64)
    assert few.pop("reruns") > REPLICAS / 4
    expected.pop("reruns")
    assert few == expected


@functools.cache
def begun(*effects: str) -> np.ndarray:
    """How many excursions of each kind begin in each replica, with these effects of heat."""
    document = copy.deepcopy(HOT.document)
    document["thermal"]["effects"] = list(effects)
    plan, _ = lower(load(document))
    keys = stream_keys(3, np.asarray(plan.streams), 0)
    out = HISTORY(plan, keys, np.arange(64, dtype=np.uint32), bounds=Bounds(12, 4, 4))
    assert not np.any(np.asarray(out.status))
    return np.asarray(out.failures)[: plan.hot] & 0xFFFF


@pytest.mark.parametrize("effects", [["ageing"], []])
def test_excursions_are_the_same_whatever_is_left_out(effects):
    """So are their durations: what they would have darkened, and other failures but those that they add."""
    everything = begun("ageing", "cycling", "lock")
    assert everything.sum() > 1000
    np.testing.assert_array_equal(begun(*effects), everything)
