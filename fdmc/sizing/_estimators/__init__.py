"""Gradients of lost capacity, by estimators that say what they see."""

from ._base import (
    AbstractEstimator as AbstractEstimator,
    BiasedGradientWarning as BiasedGradientWarning,
    CapacityGradient as CapacityGradient,
    capacity_gradient as capacity_gradient,
)
from ._biased import Gumbel as Gumbel, StraightThrough as StraightThrough
from ._conditional import ConditionalMonteCarlo as ConditionalMonteCarlo
from ._exact import ExactAutodiff as ExactAutodiff
from ._from_plan import Screen as Screen, from_plan as from_plan
from ._measure import (
    Exceedance as Exceedance,
    Mean as Mean,
    Measure as Measure,
    TailMean as TailMean,
)
from ._minimise import (
    AugmentedLagrangian as AugmentedLagrangian,
    History as History,
    Minimum as Minimum,
    Projection as Projection,
    minimise as minimise,
)
from ._pathwise import Pathwise as Pathwise
from ._pivotal import Pivotal as Pivotal
from ._problem import (
    CapacityGroup as CapacityGroup,
    CapacityProblem as CapacityProblem,
    Combine as Combine,
    Kind as Kind,
    Law as Law,
    Loss as Loss,
    Moment as Moment,
)
from ._score import ScoreFunction as ScoreFunction
