from ._binary import Binary as Binary, Program as Program, binary as binary, program as program
from ._collapse import collapsed as collapsed
from ._cover import Cover as Cover, cover as cover
from ._cut_sets import (
    CutSets as CutSets,
    count_by_order as count_by_order,
    count_cut_sets as count_cut_sets,
    cut_sets as cut_sets,
    most_probable as most_probable,
)
from ._diagram import Diagram as Diagram, diagram as diagram
from ._dynamic import (
    DynamicKind as DynamicKind,
    DynamicStructure as DynamicStructure,
    Inspection as Inspection,
    dynamic_structure as dynamic_structure,
)
from ._dynamic_law import Law as Law, Lifetime as Lifetime, lifetime as lifetime
from ._evaluate import (
    gradient as gradient,
    probabilities as probabilities,
    probability as probability,
)
from ._expression import Values as Values, deviates as deviates
from ._importance import Importance as Importance, importance as importance
from ._markov import MarkovAnswer as MarkovAnswer, markov as markov
from ._markov_chain import TooLarge as TooLarge
from ._search import BudgetError as BudgetError
from ._structure import Kind as Kind, Structure as Structure, structure as structure
