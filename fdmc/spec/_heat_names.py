"""Names of `fdmc.thermal.TEMPLATES`, which lies above this room; a test holds them together."""

_PACKAGE = ("compute-plate", "plate-coolant", "compute-substrate", "substrate-air")

NODES = ("compute", "engine", "plate", "substrate")
"""The nodes of every template."""

PATHS: dict[str, tuple[str, ...]] = {
    "2d": (*_PACKAGE, "engine-plate", "engine-substrate", "compute-engine"),
    "2.5d": (*_PACKAGE, "engine-plate", "engine-substrate", "compute-engine"),
    "3d": (*_PACKAGE, "compute-engine", "engine-substrate"),
    "near_package": (*_PACKAGE, "engine-coolant", "engine-substrate"),
}
"""The paths of each template."""
