"""Sizing: where the next euro of redundancy goes."""

from ._allocate import allocate as allocate
from ._answer import Allocation as Allocation, Design as Design, NoDesignError as NoDesignError
from ._beta import (
    log_regularised_beta as log_regularised_beta,
    regularised_beta as regularised_beta,
)
from ._environment import (
    Environment as Environment,
    gauss_hermite as gauss_hermite,
    gauss_laguerre as gauss_laguerre,
)
from ._estimators import (
    AbstractEstimator as AbstractEstimator,
    AugmentedLagrangian as AugmentedLagrangian,
    BiasedGradientWarning as BiasedGradientWarning,
    CapacityGradient as CapacityGradient,
    CapacityGroup as CapacityGroup,
    CapacityProblem as CapacityProblem,
    Combine as Combine,
    ConditionalMonteCarlo as ConditionalMonteCarlo,
    ExactAutodiff as ExactAutodiff,
    Exceedance as Exceedance,
    Gumbel as Gumbel,
    History as History,
    Kind as Kind,
    Law as Law,
    Loss as Loss,
    Mean as Mean,
    Measure as Measure,
    Minimum as Minimum,
    Moment as Moment,
    Pathwise as Pathwise,
    Pivotal as Pivotal,
    Projection as Projection,
    ScoreFunction as ScoreFunction,
    Screen as Screen,
    StraightThrough as StraightThrough,
    TailMean as TailMean,
    capacity_gradient as capacity_gradient,
    from_plan as from_plan,
    minimise as minimise,
)
from ._problem import (
    LeastUse as LeastUse,
    MostReliability as MostReliability,
    Problem as Problem,
    Resource as Resource,
    SizingError as SizingError,
    Subsystem as Subsystem,
)
from ._size import REPLICAS as REPLICAS, WALL as WALL, size as size
from ._sized import (
    Domain as Domain,
    Frontier as Frontier,
    ModelBound as ModelBound,
    Move as Move,
    Price as Price,
    Rival as Rival,
    Sized as Sized,
    SizedDesign as SizedDesign,
    Standing as Standing,
)
from ._stages import ReliabilityRedundancy as ReliabilityRedundancy, Stage as Stage
from ._subsystems import (
    MultiStatePart as MultiStatePart,
    Part as Part,
    multi_state as multi_state,
    parallel as parallel,
    spares as spares,
)
from ._tail import (
    binomial_tail as binomial_tail,
    log_binomial_tail as log_binomial_tail,
    log_poisson_binomial_tail as log_poisson_binomial_tail,
    poisson_binomial as poisson_binomial,
    poisson_binomial_tail as poisson_binomial_tail,
)
