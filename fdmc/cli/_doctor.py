"""`fdmc doctor`: what this machine has, and how fast it is."""

import argparse
import importlib.metadata
import os
import platform
import shutil

import jax

from .. import collect
from ..collect import WallTime
from ..report import number, table
from ..spec import load
from ._errors import GOOD
from ._output import show, show_json


_PACKAGES = (
    "fdmc",
    "jax",
    "jaxlib",
    "numpy",
    "scipy",
    "equinox",
    "xarray",
    "matplotlib",
    "pydantic",
    "pint",
    "rich",
)
_SECONDS = 2.0
# Eight accelerators whose parts fail about 13 times a year.
_SMALL = {
    "name": "speed-test",
    "mission": "5 y",
    "components": {"gpu": {"mtbf": "5000 h", "repair": "24 h"}},
    "units": {
        "rack": {"contains": {"tray": 4}},
        "tray": {"contains": {"package": 2}},
        "package": {"components": {"gpu": 1}},
    },
    "fabric": {"accelerator": "package"},
    "service": {"technicians": 2},
}  # fmt: skip


def doctor(args: argparse.Namespace) -> int:
    """Carry out `fdmc doctor`; return the exit code."""
    found = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {name: _version(name) for name in _PACKAGES},
        "cores": os.cpu_count(),
        "cores_usable": _usable_cores(),
        "memory_gib": _memory_gib(),
        **_devices(),
    }
    found["speed"] = None if args.no_speed or not found["devices"] else _speed()
    found["hints"] = _hints(found)
    if args.json:
        show_json(found)
    else:
        _show(found)
    return GOOD


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _usable_cores() -> int | None:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count()


def _memory_gib() -> float | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (AttributeError, ValueError, OSError):
        return None


def _devices() -> dict:
    """Return what JAX finds; an accelerator that does not start is a finding, not a crash."""
    try:
        devices = jax.local_devices()
    except RuntimeError as error:
        return {"backend": None, "devices": [], "cuda": False, "error": str(error).splitlines()[0]}
    named = [f"{d.id}: {d.device_kind} ({d.platform})" for d in devices]
    cuda = any(d.platform in ("gpu", "cuda") for d in devices)
    return {"backend": jax.default_backend(), "devices": named, "cuda": cuda, "error": None}


def _speed() -> dict:
    scenario = load(_SMALL)
    result = collect.run(scenario, stop=WallTime(_SECONDS))
    seconds = result.timing["run_seconds"]
    years = scenario.mission_hours / 8760
    return {
        "scenario": "8 accelerators, 2 technicians, 5 y, about 14 failures a year",
        "compile_seconds": result.timing["compile_seconds"],
        "run_seconds": seconds,
        "histories_per_second": result.replicas / seconds,
        "occurrences_per_second": result["occurrences_per_year"].best
        * years
        * result.replicas
        / seconds,
    }


def _hints(found: dict) -> list[str]:
    hints = []
    if found["error"]:
        hints.append("JAX cannot start its backend; JAX_PLATFORMS=cpu runs on the CPU.")
    seen = shutil.which("nvidia-smi") is not None
    if not found["cuda"] and seen:
        hints.append(
            'An NVIDIA driver is installed but JAX sees no CUDA device: pip install "fdmc[cuda]".'
        )
    if not found["cuda"] and not seen:
        hints.append("No CUDA device here; runs use the CPU cores.")
    if (found["cores_usable"] or 0) < (found["cores"] or 0):
        hints.append(
            f"Only {found['cores_usable']} of {found['cores']} cores may be used by this process."
        )
    if found["memory_gib"] is not None and found["memory_gib"] < 2:
        hints.append("Less than 2 GiB of memory: use a smaller --chunk.")
    if "xla_force_host_platform_device_count" in os.environ.get("XLA_FLAGS", ""):
        hints.append("XLA_FLAGS forces several host devices: good for tests, slower for work.")
    return hints


def _show(found: dict):
    memory = "unknown" if found["memory_gib"] is None else f"{found['memory_gib']:.1f} GiB"
    rows = [
        ("Python", f"{found['python']} on {found['system']}"),
        ("versions", ", ".join(f"{k} {v}" for k, v in found["versions"].items() if v)),
        ("cores", f"{found['cores']}, {found['cores_usable']} usable"),
        ("memory", memory),
        ("devices", ", ".join(found["devices"]) or f"none ({found['error']})"),
        ("CUDA", "visible" if found["cuda"] else "not visible"),
    ]
    speed = found["speed"]
    if speed:
        fast = (
            f"{number(speed['occurrences_per_second'])} occurrences/s, "
            f"{number(speed['histories_per_second'])} histories/s"
        )
        rows.append(("speed", f"{fast} (compiled in {speed['compile_seconds']:.1f} s)"))
        rows.append(("speed test", speed["scenario"]))
    show(
        [
            table("fdmc doctor", ("!what", "found"), rows),
            *[f"Hint: {hint}" for hint in found["hints"]],
        ]
    )
