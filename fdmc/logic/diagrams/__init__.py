from ._cut_sets import (
    CutSets as CutSets,
    count_by_order as count_by_order,
    count_cut_sets as count_cut_sets,
    cut_sets as cut_sets,
    most_probable as most_probable,
)
from ._diagram import Diagram as Diagram, diagram as diagram
from ._evaluate import (
    gradient as gradient,
    probabilities as probabilities,
    probability as probability,
)
from ._importance import Importance as Importance, importance as importance
from ._search import BudgetError as BudgetError
