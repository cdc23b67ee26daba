import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Real


Number = Real[Array, ""] | float | int


def stack_rise(
    watts: Float[Array, "layers columns rows"],
    thickness_metres: Real[Array, " layers"],
    watts_per_metre_kelvin: Real[Array, " layers"],
    die_metres: tuple[Number, Number],
    top_htc: Number = 0.0,
    bottom_htc: Number = 0.0,
) -> Float[Array, "layers columns rows"]:
    """Steady temperature rise of a stack of layers, cooled at its top and bottom.

    **Arguments:**

    - `watts`: heat put into each cell of each layer, layers from the bottom up, on a regular grid.
    - `thickness_metres`, `watts_per_metre_kelvin`: thickness and conductivity of each layer.
    - `die_metres`: extent of the stack along columns and rows; its sides are adiabatic.
    - `top_htc`, `bottom_htc`: heat transfer of the faces in W/(m2 K); one must be above zero.

    **Returns:** kelvin above the coolant at the centre of each cell.

    The finite volumes of compact models (3D-ICE, Sridhar et al., ICCAD 2010): two half cells in
    series between neighbours, half a cell and the film to the coolant. Adiabatic sides make the
    grid's Laplacian diagonal under the cosine transform, with eigenvalues
    $(2 - 2 \\cos(\\pi m / n)) / \\Delta^2$; what is left is one small system over the layers for each
    cosine. Differentiable in every number. Use float64 where more than five digits matter.

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.thermal import stack_rise

        rise = stack_rise(
            jnp.full((1, 1, 1), 50.0), jnp.array([1e-4]), jnp.array([130.0]), (0.01, 0.01), 1e5
        )
        assert abs(rise[0, 0, 0] - 50 / 1e-4 * (1e-5 + 0.5e-4 / 130)) < 1e-4
        ```
    """
    layers, nx, ny = watts.shape
    thick, k = (jnp.asarray(v, watts.dtype) for v in (thickness_metres, watts_per_metre_kelvin))
    areal = watts / (die_metres[0] * die_metres[1] / (nx * ny))
    half = thick / (2 * k)
    across = 1 / (half[:-1] + half[1:])
    bottom, top = (
        jnp.asarray(h / (1 + h * r), watts.dtype)
        for h, r in ((bottom_htc, half[0]), (top_htc, half[-1]))
    )
    out = jnp.zeros(layers, watts.dtype).at[0].add(bottom).at[-1].add(top)
    column = jnp.diag(out.at[:-1].add(across).at[1:].add(across))
    column -= jnp.diag(across, 1) + jnp.diag(across, -1)
    sideways = _eigenvalues(nx, die_metres[0])[:, None] + _eigenvalues(ny, die_metres[1])
    matrix = column + sideways[..., None, None].astype(watts.dtype) * jnp.diag(k * thick)
    waves = jnp.moveaxis(jax.scipy.fft.dctn(areal, axes=(1, 2), norm="ortho"), 0, -1)
    solved = jnp.linalg.solve(matrix, waves[..., None])[..., 0]
    return jax.scipy.fft.idctn(jnp.moveaxis(solved, -1, 0), axes=(1, 2), norm="ortho")


def _eigenvalues(cells: int, metres: Number) -> Float[Array, " cells"]:
    """Of the second difference with adiabatic ends, per square metre."""
    # 4 sin^2 keeps the digits that 2 - 2 cos loses for long waves.
    return (2 * jnp.sin(jnp.pi * jnp.arange(cells) / (2 * cells)) * cells / metres) ** 2
