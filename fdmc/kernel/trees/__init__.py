from ._bits import (
    Words as Words,
    event_words as event_words,
    state_counts as state_counts,
    words_of as words_of,
)
from ._bits_cover import CoverTables as CoverTables, cover_tables as cover_tables
from ._bits_cpu import count_blocks as count_blocks, count_covered as count_covered
from ._bits_law import (
    BLOCK as BLOCK,
    BLOCK_WORDS as BLOCK_WORDS,
    BitLaws as BitLaws,
    bit_laws as bit_laws,
    valid_words as valid_words,
)
from ._capacity import capacity as capacity
from ._decision import (
    Decisions as Decisions,
    decisions as decisions,
    top_probability as top_probability,
)
from ._dynamic import first_failures as first_failures
from ._dynamic_draw import FAULT_STREAMS as FAULT_STREAMS
from ._dynamic_plan import (
    DynamicNumbers as DynamicNumbers,
    DynamicShape as DynamicShape,
    dynamic_plan as dynamic_plan,
)
from ._dynamic_repair import FaultOutcome as FaultOutcome, fault_histories as fault_histories
