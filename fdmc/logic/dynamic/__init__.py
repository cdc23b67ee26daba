from ._chain import TooLarge as TooLarge
from ._dynamic import (
    DynamicKind as DynamicKind,
    DynamicStructure as DynamicStructure,
    Inspection as Inspection,
    dynamic_structure as dynamic_structure,
)
from ._law import Law as Law, Lifetime as Lifetime, lifetime as lifetime
from ._markov import MarkovAnswer as MarkovAnswer, markov as markov
