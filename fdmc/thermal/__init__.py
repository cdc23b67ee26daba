"""Heat: RC networks of packages, the power that swings in them, and what it does to light."""

from ._dark import (
    LockLimits as LockLimits,
    dark_prob as dark_prob,
    lock_limits as lock_limits,
    short_share as short_share,
)
from ._devices import (
    MachZehnder as MachZehnder,
    Vcsel as Vcsel,
    mach_zehnder_margin_db as mach_zehnder_margin_db,
    ring_budget_kelvin as ring_budget_kelvin,
    ring_drift_nm_per_kelvin as ring_drift_nm_per_kelvin,
    ring_linewidth_nm as ring_linewidth_nm,
    vcsel_margin_db as vcsel_margin_db,
    vcsel_watts as vcsel_watts,
)
from ._gradient import no_gradient as no_gradient
from ._layers import stack_rise as stack_rise
from ._lock import (
    LockMargins as LockMargins,
    LockStep as LockStep,
    Ring as Ring,
    heater_kelvin as heater_kelvin,
    in_lock as in_lock,
    lock_margin as lock_margin,
    lock_margins as lock_margins,
    lock_step as lock_step,
    tuning_watts as tuning_watts,
    unlocked_prob as unlocked_prob,
)
from ._modes import (
    Modes as Modes,
    ThermalStep as ThermalStep,
    modes as modes,
    periodic_kelvin as periodic_kelvin,
    relaxed as relaxed,
    step as step,
    thermal_history as thermal_history,
)
from ._network import (
    ThermalNetwork as ThermalNetwork,
    boundary_watts as boundary_watts,
    cauer as cauer,
    film_watts_per_kelvin as film_watts_per_kelvin,
    kelvin_per_second as kelvin_per_second,
    network as network,
    resistance as resistance,
    steady_kelvin as steady_kelvin,
)
from ._points import (
    LoadPoints as LoadPoints,
    hermite as hermite,
    load_points as load_points,
    load_watts as load_watts,
    mean_load as mean_load,
)
from ._power import (
    TRAINING_STATES as TRAINING_STATES,
    MarkovPower as MarkovPower,
    ambient_kelvin as ambient_kelvin,
    job_watts as job_watts,
    markov_next as markov_next,
    markov_seconds as markov_seconds,
    markov_shares as markov_shares,
    markov_spread as markov_spread,
    ou_step as ou_step,
    picojoules_per_bit as picojoules_per_bit,
    series_coolant_kelvin as series_coolant_kelvin,
    training_power as training_power,
)
from ._ripple import (
    Pole as Pole,
    SquareWave as SquareWave,
    dead_share as dead_share,
    gaussian_dead_share as gaussian_dead_share,
    gaussian_excursions as gaussian_excursions,
    ou_spread as ou_spread,
    seconds_above as seconds_above,
    seconds_faster as seconds_faster,
    square_wave_kelvin as square_wave_kelvin,
    square_wave_watts as square_wave_watts,
)
from ._templates import (
    BOUNDARIES as BOUNDARIES,
    NODES as NODES,
    TEMPLATES as TEMPLATES,
    Default as Default,
    Template as Template,
    default_ring as default_ring,
    full_watts as full_watts,
    package_network as package_network,
    tray_network as tray_network,
)
