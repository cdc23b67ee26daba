"""How this room compiles its kernels."""

import functools

import jax


jit = functools.partial(jax.jit, compiler_options={"xla_cpu_prefer_vector_width": 512})
"""`jax.jit` for the widest vector registers that a CPU has.

Left alone, XLA stops at 256 bits. The kernels are chains of elementwise arithmetic, 1.3 to 2 times as fast at 512;
their bits are the same. CPUs with narrower registers, and accelerators, take no notice.
"""
