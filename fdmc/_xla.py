"""What XLA is told before it starts.

On a CPU, XLA runs a loop operation by operation, and two thirds of a history would go into what happens between them. A
loop that moves few enough bytes in a step it compiles whole instead. How few is a flag, which XLA reads once, when a
process first uses it: so this is the first module that `fdmc` imports.
"""

import os
import sys
import warnings


_OPTION = "xla_cpu_small_while_loop_byte_threshold"
_EXTRA = "--xla_backend_extra_options="
_BYTES = 1 << 30


def with_whole_loops(flags: str) -> str:
    """Return `XLA_FLAGS` with the flag beside the user's own, unless it is among them or they are in a file."""
    if _OPTION in flags or (flags and not flags.startswith("-")):
        return flags
    mine = f"{_EXTRA}{_OPTION}={_BYTES}"
    if _EXTRA in flags:
        return flags.replace(_EXTRA, f"{mine},", 1)
    return f"{flags} {mine}".strip()


def _set_flags():
    """Set the flags of this process, or say that it is too late."""
    flags = os.environ.get("XLA_FLAGS", "").strip()
    more = with_whole_loops(flags)
    if more != flags and getattr(sys.modules.get("jax._src.xla_bridge"), "_backends", None):
        warnings.warn(
            "JAX was in use before fdmc was imported. Import fdmc first: on CPUs histories are then two to three "
            "times as fast.",
            stacklevel=3,
        )
    os.environ["XLA_FLAGS"] = more


_set_flags()
