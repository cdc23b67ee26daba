"""One job in one tool in a process of its own: its import, its peak memory, its crash or its hang.

    python -m benchmarks._child TOOL JOB SECONDS

prints one JSON object a row as soon as it has it: a measurement, or why there is none.
"""

import dataclasses
import importlib
import json
import sys
import time

from ._measure import peak_mib


def device() -> str | None:
    """The accelerator that JAX computes on; None for the processor, or without JAX."""
    jax = sys.modules.get("jax")
    first = jax.devices()[0] if jax else None
    return first.device_kind if first and first.platform != "cpu" else None


def main(argv: list[str]) -> int:
    """Import the tool, run the job, print its rows."""
    tool, job, seconds = argv
    begin = time.perf_counter()
    try:
        peer = importlib.import_module(f"benchmarks.peers._{tool}")
    except ModuleNotFoundError as error:
        ours = str(error.name).startswith("benchmarks")
        reason = "not in this checkout" if ours else f"not installed: {error.name}"
        print(json.dumps({"reason": reason}), flush=True)
        return 0
    imported = time.perf_counter() - begin
    run = getattr(peer, f"job_{job}", None)
    if run is None:
        print(json.dumps({"reason": "no such job"}), flush=True)
        return 0
    for row in run(float(seconds)):
        cold = imported + row.seconds_cold
        row = dataclasses.replace(row, seconds_cold=cold, peak_mib=peak_mib())
        print(json.dumps({"row": dataclasses.asdict(row), "device": device()}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
