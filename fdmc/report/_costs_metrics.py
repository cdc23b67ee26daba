"""Metrics of the economics section by name: `EUR` stands for the currency of the scenario."""

COST_METRICS = (
    (
        "cost.capital",
        "EUR",
        "price of every copy in the machine, spare elements included; only with an economics section, like the "
        "fourteen that follow, and `EUR` is its currency",
    ),
    ("cost.shelf", "EUR", "stock of every replacement rule times the price of the whole FRU"),
    (
        "cost.spares_per_year",
        "EUR/y",
        "spares that repairs use up, times what one used spare of the FRU costs",
    ),
    (
        "cost.repair_per_year",
        "EUR/y",
        "`service.technicians`, busy or not; absent when they are unlimited or have no price",
    ),
    (
        "cost.energy_per_year",
        "EUR/y",
        "`power.total` times `economics.pue` times the price of energy; what is out of service draws as much",
    ),
    (
        "cost.total",
        "EUR",
        "capital, shelf, and spares, technicians and energy over the mission; no interest, nothing sold at the end",
    ),
    (
        "cost.per_useful_accelerator_hour",
        "EUR/accelerator h",
        "`cost.total` over accelerators of the job times mission times `goodput`",
    ),
    (
        "cost.per_million_useful_tokens",
        "EUR/Mtoken",
        "`cost.total` over tokens of the ideal machine in the mission times `goodput`; with `economics.tokens`",
    ),
    (
        "power.total",
        "W",
        "what all components and units draw in service, the building's share (`pue`) not in it",
    ),
    ("power.redundancy", "W", "of it, what the elements of counting groups beyond `need` draw"),
    ("power.optics", "W", "of it, what `economics.optics` and all inside them draw"),
    (
        "joules_per_bit.peak",
        "pJ/bit",
        "`power.optics` over the bits that leave all accelerators with every needed lane at its full rate: both ends "
        "of a link for each bit",
    ),
    (
        "joules_per_bit.traffic",
        "pJ/bit",
        "`power.optics` over the bits that the collectives of useful steps send: idle optics draw the same",
    ),
    ("joules_per_token", "J/token", "`power.total` over the useful tokens per second"),
    (
        "serviceable_performance_per_rack",
        "accelerators/rack",
        "useful work per rack over the mission under the actual repair policy, in ideal accelerators: accelerators "
        "of the job times `goodput` over racks",
    ),
)
"""Name, unit and definition of each."""
