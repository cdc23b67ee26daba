from ._binary import Binary as Binary, Program as Program, binary as binary, program as program
from ._collapse import collapsed as collapsed
from ._cover import Cover as Cover, cover as cover
from ._expression import Values as Values, deviates as deviates
from ._structure import Kind as Kind, Structure as Structure, structure as structure
from .diagrams import (
    BudgetError as BudgetError,
    CutSets as CutSets,
    Diagram as Diagram,
    Importance as Importance,
    count_by_order as count_by_order,
    count_cut_sets as count_cut_sets,
    cut_sets as cut_sets,
    diagram as diagram,
    gradient as gradient,
    importance as importance,
    most_probable as most_probable,
    probabilities as probabilities,
    probability as probability,
)
from .dynamic import (
    DynamicKind as DynamicKind,
    DynamicStructure as DynamicStructure,
    Inspection as Inspection,
    Law as Law,
    Lifetime as Lifetime,
    MarkovAnswer as MarkovAnswer,
    TooLarge as TooLarge,
    dynamic_structure as dynamic_structure,
    lifetime as lifetime,
    markov as markov,
)
