"""XLA's flag: beside the user's own, and at work in the histories of the main job."""

import os
import subprocess
import sys

import jax
import numpy as np
import pytest

import fdmc
from fdmc._xla import with_whole_loops
from fdmc.collect import Engine, first_bounds
from fdmc.plan import lower


OURS = "--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=1073741824"


@pytest.mark.parametrize(
    ("flags", "then"),
    [
        ("", OURS),
        ("--xla_a=1", f"--xla_a=1 {OURS}"),
        ("--xla_backend_extra_options=a=1", f"{OURS},a=1"),
        (f"{OURS}0", f"{OURS}0"),  # the user's own
        ("/flags.txt", "/flags.txt"),
    ],
)
def test_flag_joins_those_of_the_user(flags, then):
    assert with_whole_loops(flags) == then


def test_a_flag_that_comes_too_late_is_said():
    late = [sys.executable, "-c", "import jax; jax.devices(); import fdmc"]
    clean = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    run = subprocess.run(late, env=clean, capture_output=True, text=True, check=True)
    assert "Import fdmc first" in run.stderr


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="of CPUs")
@pytest.mark.parametrize(
    "name", ["cpo-512", "tpuv4-pod", pytest.param("cpo-2d", marks=pytest.mark.verification)]
)
def test_histories_are_compiled_whole(name):
    """One operation that XLA gives to a library of kernels is enough to lose this: a sum over slots was one."""
    plan, directory = lower(fdmc.load(name))
    engine = Engine(plan, 0, jax.local_devices()[:1])
    program = engine._program(0, 16, first_bounds(directory, 0))
    text = program.as_text()
    assert "xla_cpu_small_call" in text
    assert "kind=kCustom" not in text
    assert np.all(
        np.asarray(
            engine._call(0, np.arange(16, dtype=np.uint64), first_bounds(directory, 0)).steps
        )
        > 0
    )
    engine.close()
