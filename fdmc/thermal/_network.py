"""Resistors and capacitors: what a package is to heat. Watts, kelvin, joules, seconds."""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Real


Number = Real[Array, ""] | float | int


class ThermalNetwork(eqx.Module):
    """Nodes with a heat capacity, joined to each other and to boundaries of given temperature.

    $C \\dot T = -G T + P + B T_b$, with $G$ symmetric and $G 1 = B 1$: heat only flows between two
    temperatures. See Incropera and DeWitt, "Fundamentals of heat and mass transfer", ch. 3 and 5.

    **Arguments:**

    - `conductance`: $G$ in W/K, the paths to the boundaries included in its diagonal.
    - `boundary`: $B$ in W/K, from each node to each boundary (coolant, air).
    - `capacitance`: $C$ in J/K, above zero.
    """

    conductance: Float[Array, "nodes nodes"]
    boundary: Float[Array, "nodes boundaries"]
    capacitance: Float[Array, " nodes"]


def network(
    capacitance: Sequence[Number] | Float[Array, " nodes"],
    links: Sequence[tuple[int, int, Number]],
    boundaries: Sequence[tuple[int, int, Number]],
) -> ThermalNetwork:
    """Assemble a network from its paths.

    **Arguments:**

    - `capacitance`: of each node, in J/K.
    - `links`: `(node, node, conductance)`, in W/K.
    - `boundaries`: `(node, boundary, conductance)`, in W/K; boundaries are numbered from 0, and
        every node must have a path to one.

    **Returns:** the `ThermalNetwork`; conductances and capacitances may be traced.

    **Raises:** `ValueError` for a node that is cut off from every boundary or joined to itself.

    !!! example

        ```python
        from fdmc.thermal import network, resistance

        chip_on_plate = network([1.5, 100.0], [(0, 1, 60.0)], [(1, 0, 50.0)])
        assert abs(resistance(chip_on_plate)[0, 0] - (1 / 60 + 1 / 50)) < 1e-6
        ```
    """
    n = len(capacitance)
    _check_connected(n, links, boundaries)
    between, outside = (jnp.array([path[2] for path in p], float) for p in (links, boundaries))
    # G = D^T g D with the differences that drive each path's flow.
    differences = np.zeros((len(links), n))
    for row, (i, j, _) in enumerate(links):
        differences[row, i], differences[row, j] = 1, -1
    at, to = (
        np.zeros((len(boundaries), n)),
        np.zeros((len(boundaries), _boundary_count(boundaries))),
    )
    for row, (node, boundary, _) in enumerate(boundaries):
        at[row, node], to[row, boundary] = 1, 1
    D, A, T = (jnp.asarray(x, between.dtype) for x in (differences, at, to))
    B = A.T @ (outside[:, None] * T)
    G = D.T @ (between[:, None] * D) + jnp.diag(jnp.sum(B, 1))
    return ThermalNetwork(G, B, jnp.array(capacitance, float))


def _boundary_count(boundaries: Sequence[tuple[int, int, Number]]) -> int:
    return max(boundary for _, boundary, _ in boundaries) + 1


def _check_connected(n: int, links, boundaries) -> None:
    if any(i == j for i, j, _ in links):
        raise ValueError("a link must join two different nodes.")
    reached = {node for node, _, _ in boundaries}
    for _ in range(n):
        reached |= {j for i, j, _ in links if i in reached} | {
            i for i, j, _ in links if j in reached
        }
    if reached != set(range(n)):
        cut_off = sorted(set(range(n)) - reached)
        raise ValueError(f"nodes {cut_off} have no path to a boundary: their heat has no way out.")


def cauer(kelvin_per_watt: Sequence[Number], joules_per_kelvin: Sequence[Number]) -> ThermalNetwork:
    """Chain of layers from the junction (node 0) to boundary 0.

    **Arguments:**

    - `kelvin_per_watt`: from each node to the next one, the last to the boundary.
    - `joules_per_kelvin`: capacity of each node.

    **Returns:** a `ThermalNetwork` with one boundary. Every node is a place in the stack, unlike a
    Foster chain, whose nodes are terms of a fit (JEDEC JESD51-14).

    !!! example

        ```python
        from fdmc.thermal import cauer, steady_kelvin
        import jax.numpy as jnp

        chain = cauer([0.01, 0.02], [1.0, 100.0])
        kelvin = steady_kelvin(chain, jnp.array([700.0, 0.0]), jnp.array([313.15]))
        assert abs(kelvin[0] - (313.15 + 700 * 0.03)) < 1e-3
        ```
    """
    last = len(kelvin_per_watt) - 1
    links = [(i, i + 1, 1 / r) for i, r in enumerate(kelvin_per_watt[:-1])]
    return network(joules_per_kelvin, links, [(last, 0, 1 / kelvin_per_watt[-1])])


def film_watts_per_kelvin(htc: Number, square_metres: Number) -> Float[Array, ""]:
    """Conductance $h A$ of a cooled face: `htc` in W/(m2 K), area in m2 (Newton's law of cooling)."""
    return jnp.asarray(htc * square_metres, float)


def resistance(net: ThermalNetwork) -> Float[Array, "nodes nodes"]:
    """Return $R = G^{-1}$ in K/W: the rise of each node per watt in each other one, its crosstalk."""
    return jnp.linalg.inv(net.conductance)


def heat_in(
    net: ThermalNetwork,
    watts: Float[Array, " nodes *batch"],
    boundary_kelvin: Float[Array, " boundaries *#batch"],
) -> tuple[Float[Array, " nodes *batch"], Float[Array, "*#batch"]]:
    """Heat that each node would take up at the temperature of boundary 0, and that temperature."""
    # Rises over a boundary instead of kelvin: in float32 the inverse must not see the 300 K.
    boundary_kelvin = ranked(boundary_kelvin, watts)
    base = boundary_kelvin[0]
    return watts + _over_nodes(net.boundary, boundary_kelvin - base), base


def steady_kelvin(
    net: ThermalNetwork,
    watts: Float[Array, " nodes *batch"],
    boundary_kelvin: Float[Array, " boundaries *#batch"],
) -> Float[Array, " nodes *batch"]:
    """Temperatures that the network settles to, $T = G^{-1} (P + B T_b)$.

    **Arguments:**

    - `watts`: heat put into each node.
    - `boundary_kelvin`: temperature of each boundary.

    **Returns:** kelvin, shape `[nodes, *batch]`.
    """
    heat, base = heat_in(net, watts, boundary_kelvin)
    return base + _over_nodes(resistance(net), heat)


def kelvin_per_second(
    net: ThermalNetwork,
    kelvin: Float[Array, " nodes *batch"],
    watts: Float[Array, " nodes *batch"],
    boundary_kelvin: Float[Array, " boundaries *#batch"],
) -> Float[Array, " nodes *batch"]:
    """Speed $\\dot T = C^{-1} (P + B T_b - G T)$ at which temperatures move now, in K/s."""
    heat, base = heat_in(net, watts, boundary_kelvin)
    flow = heat - _over_nodes(net.conductance, kelvin - base)
    return flow / net.capacitance.reshape(-1, *[1] * (flow.ndim - 1))


def boundary_watts(
    net: ThermalNetwork,
    kelvin: Float[Array, " nodes *batch"],
    boundary_kelvin: Float[Array, " boundaries *#batch"],
) -> Float[Array, " boundaries *batch"]:
    """Heat that flows out through each boundary, $\\sum_i B_{ib} (T_i - T_b)$, in watts."""
    boundary_kelvin = ranked(boundary_kelvin, kelvin)
    base = boundary_kelvin[0]
    leaving = _over_nodes(net.boundary.T, kelvin - base)
    total = jnp.sum(net.boundary, 0).reshape(-1, *[1] * (leaving.ndim - 1))
    return leaving - total * (boundary_kelvin - base)


def ranked(values: Float[Array, " first *#batch"], like: Float[Array, "..."]) -> Array:
    """Give values the rank of another array, with axes after their first one."""
    return values.reshape(values.shape[0], *[1] * (like.ndim - values.ndim), *values.shape[1:])


def _over_nodes(
    matrix: Float[Array, "rows columns"], vector: Float[Array, " columns *batch"]
) -> Float[Array, " rows *batch"]:
    return jnp.einsum("ij,j...->i...", matrix, vector)
