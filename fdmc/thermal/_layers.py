import jax.numpy as jnp
import numpy as np
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
    (across_x, x), (across_y, y) = (
        _waves(n, side, watts.dtype) for n, side in zip((nx, ny), die_metres, strict=True)
    )
    sideways = across_x[:, None] + across_y
    matrix = column + sideways[..., None, None] * jnp.diag(k * thick)
    amount = jnp.einsum("lij,im,jn->mnl", areal, x, y)
    solved = jnp.linalg.solve(matrix, amount[..., None])[..., 0]
    return jnp.einsum("mnl,im,jn->lij", solved, x, y)


def _waves(cells: int, metres: Number, dtype: jnp.dtype) -> tuple[Array, Array]:
    """Eigenvalues (per square metre) and orthonormal eigenvectors of the second difference.

    The columns are the cosines of the DCT-II; as products they compile and differentiate at once,
    and for the few hundred cells of a die they cost no more than the solution.
    """
    wave, cell = np.arange(cells), np.arange(cells)[:, None]
    # 4 sin^2 keeps the digits that 2 - 2 cos loses for long waves.
    values = (2 * np.sin(np.pi * wave / (2 * cells)) * cells) ** 2
    norm = np.where(wave == 0, 1, 2) / cells
    vectors = np.sqrt(norm) * np.cos(np.pi * wave * (2 * cell + 1) / (2 * cells))
    return jnp.asarray(values, dtype) / metres**2, jnp.asarray(vectors, dtype)
