from ._checkpoint import Number, namespace


def joules_per_bit(watts: Number, bits_per_second: Number) -> Number:
    """Energy of one bit moved at full load; idle optics draw the same power for fewer bits.

    **Arguments:**

    - `watts`: power of the port, both directions of electronics and light included.
    - `bits_per_second`: bits that it moves per second, one direction.

    **Returns:** $P / r$ in joules.

    !!! example

        ```python
        from fdmc.workload import joules_per_bit

        assert abs(joules_per_bit(30.0, 1.6e12) * 1e12 - 18.75) < 1e-9
        ```
    """
    return watts / bits_per_second


def joules_per_token(watts: Number, goodput: Number, tokens_per_second: Number) -> Number:
    """Energy of one useful token.

    **Arguments:**

    - `watts`: mean power of the machine, idle and repeated work included.
    - `goodput`: useful over ideal work, $G$ in 0..1.
    - `tokens_per_second`: tokens per second of the ideal machine.

    **Returns:** $P / (G \\cdot \\text{rate})$ in joules; infinite for a goodput of 0.

    !!! example

        ```python
        from fdmc.workload import joules_per_token

        assert joules_per_token(1e6, 0.8, 1e6) == 1.25
        ```
    """
    xp = namespace(watts, goodput, tokens_per_second)
    useful = xp.asarray(goodput) * tokens_per_second
    return xp.where(useful > 0, watts / xp.where(useful > 0, useful, 1.0), xp.inf)[()]


def robustness_per_watt(
    goodput: Number, watts: Number, bare_goodput: Number, bare_watts: Number
) -> Number:
    """Goodput that redundancy gains for every watt that it draws.

    **Arguments:**

    - `goodput`, `watts`: expected goodput (0..1) and power of the protected design.
    - `bare_goodput`, `bare_watts`: those of the same design without the redundancy.

    **Returns:**

    $(G - G_0) / (P - P_0)$ per watt; negative where redundancy costs goodput, or saves
    power: look at the two differences there. Undefined for equal powers.

    !!! example

        ```python
        from fdmc.workload import robustness_per_watt

        assert abs(robustness_per_watt(0.98, 1020.0, 0.94, 1000.0) - 0.002) < 1e-12
        ```
    """
    return (goodput - bare_goodput) / (watts - bare_watts)
