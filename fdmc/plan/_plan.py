"""The plan: a scenario as a table. Arrays are leaves, everything static is shape."""

import math

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, UInt32

from ._arrays import AnyArray, Quantiles
from ._fabric import Sharing
from ._job import Job, Reconfiguration
from ._packages import Supply
from ._ring import Ring


COMPUTE, LINK, PLANE, TRUNK = 0, 1, 2, 3  # kinds of loss
UNATTENDED, WINDOWED, OPPORTUNISTIC = 1, 2, 4  # bits of `Service.rules`
MAX_ACCELERATORS = (1 << 16) - 1  # a span packs two of them into one word


class Classes(eqx.Module):
    """One row a class of components (`tray/fan`); classes that wear come last.

    `positions` copies in the machine, the first of them in row `first` of `Places`. `mean_hours` is the
    mean lifetime of one copy of an exponential class. The counting group has lost
    `clip((failed - spares) * share, 0, 1)`; outside a counting group a failure takes `share`. A job
    opens at every failure when `when_failed`, else when the group has lost something. The repair
    time is `repair_hours` times one, an exponential, or row `repair_table` of the tables, by
    `repair_kind`. `pool` counts the spares; -1 when they are unlimited. `structure` is the row of
    `Structures` that says when the group has lost `share`; -1 for groups that are only counted.
    """

    positions: UInt32[AnyArray, " classes"]
    first: Int[AnyArray, " classes"]
    mean_hours: Float[AnyArray, " classes"]
    counting: Int[AnyArray, " classes"]
    spares: Int[AnyArray, " classes"]
    share: Float[AnyArray, " classes"]
    when_failed: Int[AnyArray, " classes"]
    repair_kind: Int[AnyArray, " classes"]
    repair_hours: Float[AnyArray, " classes"]
    repair_table: Int[AnyArray, " classes"]
    pool: Int[AnyArray, " classes"]
    restock_hours: Float[AnyArray, " classes"]
    structure: Int[AnyArray, " classes"]


class Structures(eqx.Module):
    """One row a unit with a structure: its gates in topological order, as masks of 31 bits.

    Gate `g` is true when at least `need` of its arguments are: the component copies in `copies` (bit
    `home - group`) and the gates before it in `gates`. The last gate is the top event; shorter rows repeat it.
    """

    copies: Int[AnyArray, "structures gates"]
    gates: Int[AnyArray, "structures gates"]
    need: Int[AnyArray, "structures gates"]


class Places(eqx.Module):
    """One row a component copy: where it is, what it fails, what its repair takes out.

    `home` is its number in a depth-first walk of the machine in which every unit is an interval.
    `element` and `group` are the first numbers of the counted element and of its group (-1 outside
    counting groups); the FRU is `[fru_low, fru_high)`. `span` packs a range of accelerators,
    `low << 16 | high`; `reach` packs the kind of loss, its direction (`SEND`, `RECEIVE`, 0 for both) and a range of
    planes (kind PLANE) or of link segments (kind LINK), `direction << 28 | kind << 24 | low << 12 | high`. `out_span`
    and `out_reach` are the same for what the repair takes out; the reach is -1 when that is nothing.
    """

    home: Int[AnyArray, " places"]
    element: Int[AnyArray, " places"]
    group: Int[AnyArray, " places"]
    fru_low: Int[AnyArray, " places"]
    fru_high: Int[AnyArray, " places"]
    span: Int[AnyArray, " places"]
    reach: Int[AnyArray, " places"]
    out_span: Int[AnyArray, " places"]
    out_reach: Int[AnyArray, " places"]


class Wear(eqx.Module):
    """What renewals do to the wearing classes, the last rows of `Classes`.

    Swapping the FRU of class `c` renews `copies[w, c]` copies of wearing class `w`, the first of which
    is position `FRU number * copies`; `fru[place]` is that FRU number. `law` is its quantile row. Parts that may have
    latent defects come last but for `Plan.latent`, and have a row in `share` too: the share of their defects that has
    failed, by the cumulative hazard of the part; `law` is the life of one defect then. `homes` are the units of
    such parts.
    """

    law: Int[AnyArray, " wearing"]
    copies: Int[AnyArray, "wearing classes"]
    fru: Int[AnyArray, " places"]
    share: Int[AnyArray, " parts"] | None = None  # None: there are no such parts
    homes: Int[AnyArray, " units"] | None = None


class Exposures(eqx.Module):
    """How ageing follows the environment: a cycle of steps, common to all rows (classes, or sources).

    Row `c` ages by `E_c(t)`: `rate` in each step, `reached` at its start, and `cycle_hours` over the whole cycle, so
    that the mean rate is one. No steps: everything ages on the wall clock.
    """

    cycle_hours: Float[AnyArray, ""]
    start_hours: Float[AnyArray, " steps"]
    reached: Float[AnyArray, "rows steps"]
    rate: Float[AnyArray, "rows steps"]

    @property
    def some(self) -> bool:
        """Whether anything ages on a clock of its own."""
        return self.start_hours.shape[0] > 0


class Excursions(eqx.Module):
    """What heat does, and one row for each kind of excursion, which are the first classes of the plan.

    In season `s` (a step of the environment, which ends at `season_hours[s]` and every `cycle_hours` later), with
    excursions of `x` kelvin in all, the share `lost[s, x / step_kelvin]` of the lanes of an engine is dark. An
    excursion lasts for its drawn
    time `D` and `tail_hours`; meanwhile it adds failures at the rate `(strikes * D + strike_hours) / (D + tail_hours)`:
    of a class by the running sum of its chances in `which`, on one of the `copies` below the instance. `several`
    instances in turn heat the same ones.
    """

    rise_kelvin: Float[AnyArray, " excursions"]
    tail_hours: Float[AnyArray, " excursions"]
    strikes: Float[AnyArray, " excursions"]
    strike_hours: Float[AnyArray, " excursions"]
    which: Float[AnyArray, "excursions classes"]
    copies: Int[AnyArray, "excursions classes"]
    several: Int[AnyArray, " excursions"]
    lost: Float[AnyArray, "seasons grid"]
    step_kelvin: Float[AnyArray, ""]
    season_hours: Float[AnyArray, " seasons"]
    cycle_hours: Float[AnyArray, ""]


class Service(eqx.Module):
    """How jobs of each class begin, and the times of windows and of scheduled work, in hours of the kernel's clock.

    `rules` are bits: UNATTENDED, WINDOWED, OPPORTUNISTIC. What the repair of a place takes out is `[out_low, out_high)`
    in numbers of homes; both are empty where no rule is opportunistic. Windows open at `opens_hours`, one of them
    before time zero and two after the end. Scheduled work is the classes after the excursions: it begins at
    `first_hours` and every `gap_hours` later, on copy `first_copy` and on those after it in turn.
    """

    rules: Int[AnyArray, " classes"]
    out_low: Int[AnyArray, " places"]
    out_high: Int[AnyArray, " places"]
    every_hours: Float[AnyArray, ""]
    open_hours: Float[AnyArray, ""]
    opens_hours: Float[AnyArray, " windows"]
    gap_hours: Float[AnyArray, " scheduled"]
    first_hours: Float[AnyArray, " scheduled"]
    first_copy: Int[AnyArray, " scheduled"]


class Work(eqx.Module):
    """What the job needs, and what it gets from a healthy machine."""

    compute_seconds: Float[AnyArray, ""]
    size_bytes: Float[AnyArray, " collectives"]
    overlap_seconds: Float[AnyArray, " collectives"]
    latency_seconds: Float[AnyArray, " collectives"] | None  # None: no step of any takes time
    healthy_seconds: Float[AnyArray, " collectives"]
    bytes_per_second_per_lane: Float[AnyArray, ""]
    minimum: Float[AnyArray, ""]
    across_seconds: Float[AnyArray, " collectives"] | None = None  # see `across_seconds`


class Plan(eqx.Module):
    """A scenario lowered to arrays; kernels read nothing else."""

    classes: Classes
    places: Places
    structures: Structures
    quantiles: Quantiles
    wear: Wear
    exposures: Exposures
    excursions: Excursions
    supply: Supply | None
    service: Service
    work: Work
    sharing: Sharing | None  # None: every collective has all lanes of one level
    technicians: Float[AnyArray, ""]
    segment_planes: Float[AnyArray, " segments"]
    mission_hours: Float[AnyArray, ""]
    run_in_hours: Float[AnyArray, ""]
    streams: UInt32[AnyArray, " streams"]  # classes, strikes of excursions, the factory

    accelerators: int = eqx.field(static=True)
    planes: int = eqx.field(static=True)
    lanes_per_link: int = eqx.field(static=True)
    # Accelerators in a parking unit; 0 for `degrade`, but 1 where a failure leaves nothing of an accelerator.
    park: int = eqx.field(static=True)
    slice: int = eqx.field(static=True)  # parking units that work together
    collectives: tuple[tuple[str, str | tuple[str, ...]], ...] = eqx.field(
        static=True
    )  # (op, algorithm or those of which the fastest counts)
    stock: tuple[int, ...] = eqx.field(static=True)  # spares of each pool
    queued: bool = eqx.field(static=True)  # technicians are limited
    kinds: frozenset[int] = eqx.field(static=True)  # kinds of loss that occur
    counted: frozenset[bool] = eqx.field(static=True)  # counting groups by `when_failed`
    singly: bool = eqx.field(
        static=True
    )  # a group repaired when short is repaired one element at a time
    drawn_repairs: bool = eqx.field(static=True)  # any repair law that needs a table
    lit: bool = eqx.field(static=True)  # heat may darken lanes
    made: int = eqx.field(
        static=True
    )  # groups of lanes, at most, that a swap replaces by made ones
    rules: frozenset[int] = eqx.field(static=True)  # bits of `Service.rules` that occur
    joins: bool = eqx.field(static=True)  # failures that spares cover may be opportunistic
    # When each spare of `stock` is first there, infinity for never; None: at the start. Shelves of several sizes then
    # share one program.
    shelf: Float[AnyArray, " spares"] | None = None

    job: Job = eqx.field(static=True, default=Job())  # which accelerators the job uses
    ring: Ring | None = eqx.field(static=True, default=None)  # nodes that pass over dead ones
    reconfiguration: Reconfiguration | None = None  # spares that circuits are switched for

    @property
    def workers(self) -> int:
        """Accelerators of the healthy job."""
        return self.job.uses or self.accelerators

    @property
    def most(self) -> float:
        """The most that a counting group has lost; more than all of it before spares are switched in."""
        return 1.0 if self.reconfiguration is None else math.inf

    @property
    def alive(self) -> Bool[Array, ""]:
        """True, but not to the compiler."""
        return jnp.asarray(self.mission_hours > 0)

    @property
    def structured(self) -> bool:
        """Whether any unit has a structure."""
        return self.structures.need.shape[0] > 0

    @property
    def exposed(self) -> bool:
        """Whether the environment changes how anything ages."""
        return self.exposures.some

    @property
    def hot(self) -> int:
        """Number of kinds of excursion."""
        return self.excursions.rise_kelvin.shape[0]

    @property
    def scheduled(self) -> int:
        """Number of kinds of scheduled work."""
        return self.service.gap_hours.shape[0]

    @property
    def latent(self) -> tuple[str, ...]:
        """Where latent defects are that packages have a number of: the last classes of the plan, if there are any."""
        return () if self.supply is None else self.supply.latent

    @property
    def parts(self) -> int:
        """Number of classes of parts that may have latent defects: they come before `latent`."""
        return 0 if self.wear.share is None else self.wear.share.shape[0]

    @property
    def seasons(self) -> int:
        """Number of steps of the environment between which lanes go dark or come back."""
        return self.excursions.season_hours.shape[0]

    @property
    def wearing(self) -> int:
        """Number of classes that are not exponential."""
        return self.wear.law.shape[0]
