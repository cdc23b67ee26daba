from ._candidate import POSITION as POSITION
from ._domain import Domain as Domain, domain as domain, unpack as unpack
from ._draw import (
    exponential as exponential,
    stream_keys as stream_keys,
    threefry2x32 as threefry2x32,
    uniform as uniform,
)
from ._history import history as history
from ._mission import Draws as Draws, mission as mission
from ._outcome import (
    COUNTS_FULL as COUNTS_FULL,
    LATENTS_FULL as LATENTS_FULL,
    OUTAGES_FULL as OUTAGES_FULL,
    PACKAGES_FULL as PACKAGES_FULL,
    RENEWALS_FULL as RENEWALS_FULL,
    Bounds as Bounds,
    Outcome as Outcome,
)
from ._packages import (
    Packages as Packages,
    lanes_and_spares as lanes_and_spares,
    packages as packages,
)
from ._population import Population as Population, population as population
from ._quantile import quantile as quantile
from ._snapshot import snapshot as snapshot
from .trees import (
    BLOCK as BLOCK,
    BLOCK_WORDS as BLOCK_WORDS,
    FAULT_STREAMS as FAULT_STREAMS,
    BitLaws as BitLaws,
    CoverTables as CoverTables,
    Decisions as Decisions,
    DynamicNumbers as DynamicNumbers,
    DynamicShape as DynamicShape,
    FaultOutcome as FaultOutcome,
    Words as Words,
    bit_laws as bit_laws,
    capacity as capacity,
    count_blocks as count_blocks,
    count_covered as count_covered,
    cover_tables as cover_tables,
    decisions as decisions,
    dynamic_plan as dynamic_plan,
    event_words as event_words,
    fault_histories as fault_histories,
    first_failures as first_failures,
    state_counts as state_counts,
    top_probability as top_probability,
    valid_words as valid_words,
    words_of as words_of,
)
