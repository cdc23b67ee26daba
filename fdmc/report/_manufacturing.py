"""What a factory ships, as sentences, tables and JSON."""

from collections.abc import Iterator, Sequence

from rich.console import Group

from ..collect import LANES, BurnInRow, ManufacturingResult
from ..tally import Estimate
from ._format import best, duration, interval, number, percent, plain, share
from ._table import table


_HEAD = (
    ("ship_prob", "ship, of those started"),
    ("peak_bandwidth", "peak bandwidth"),
    ("bandwidth", "bandwidth of one shipped"),
    ("yield_adjusted_bandwidth", "yield-adjusted bandwidth, per start"),
    ("live_lanes", "live lanes of one shipped"),
    ("spares_left", "spares left on one shipped"),
    ("latent_lanes", "lanes with a latent defect"),
    ("latent_failures.first_year", "of them fail in the first year"),
    ("latent_failures.mission", "of them fail in the mission"),
    ("latent_defects", "latent defects elsewhere"),
    ("early_failures.first_year", "fail whole by one in the first year"),
    ("early_failures.mission", "fail whole by one in the mission"),
    ("escape_prob", "escapes: bad, of those shipped"),
    ("cost", "cost of one shipped"),
    ("cost_per_tbps", "cost of a delivered Tb/s"),
    ("carbon", "carbon of one shipped, where known"),
)
_MOST_ROWS, _LEAST = 24, 1e-9  # rows of the table of what ships, and the least share


def manufacturing_caption(result: ManufacturingResult) -> str:
    """Return what the factory makes and ships, in a few sentences."""
    spares = f"{result.spares:,} spare{'s' * (result.spares != 1)}"
    groups = f"{result.groups} x " if result.groups > 1 else ""
    into = ""
    if result.product != result.unit:
        into = f" {result.per_product} go into each {result.product}."
    peak, kept = result["product.peak_bandwidth"].best, result["product.yield_adjusted_bandwidth"]
    cost = result["product.cost_per_tbps"]
    return (
        f"{result.scenario}: each {result.unit} has {groups}{result.lanes:,} lanes and {spares}; "
        f"{percent(result['unit.ship_prob'].best)} of those started ship, with "
        f"{number(result['unit.spares_left'].best)} spares left.{into}\n"
        f"{percent(result['product.ship_prob'].best)} of the {result.product}s started ship: "
        f"{number(kept.best)} Tb/s a start of {number(peak)} Tb/s peak, at {number(cost.best, 4)} "
        f"{cost.unit} delivered.\n"
        f"Exact, and sampled beside it: {result.packages:,} {result.unit}s in {result.replicas:,} machines of seed "
        f"{result.seed}; {result.timing['seconds']:.1f} s."
    )


def manufacturing_tables(result: ManufacturingResult) -> Iterator[Group]:
    """Yield everything there is to say about what a factory ships."""
    yield _headline(result, "unit", result.unit)
    if result.product != result.unit:
        yield _headline(result, "product", result.product)
    yield _shipped(result)
    yield _lanes(result)
    yield _scrap(result)
    for what, spent in result.spendings.items():
        name = getattr(result, what)
        unit = result[f"{what}.cost"].unit
        rows = [
            (one.name, *(number(float(value)) for value in one[1:]), number(float(sum(one[1:]))))
            for one in spent
        ]
        yield table(
            f"Where the cost of one {name} that ships went, {unit}",
            ("!step or part", ">raw", ">scrap before", ">scrap after", ">in all"),
            rows,
            "Raw: had nothing failed. Scrap before: its own rejects. Scrap after: lost with what it was built into.",
        )


def burn_in_tables(result: ManufacturingResult, rows: Sequence[BurnInRow]) -> Iterator[Group]:
    """Yield what longer or shorter burn-in gives and takes, for the times in the oven of these rows."""
    time = lambda row: duration(row.hours) if row.hours else "none"
    yield table(
        f"Burn-in of one {result.unit} (exact)",
        (
            "!in the oven", ">ship, %", f">cost of one shipped, {rows[0].cost.unit}", ">fail in the first year, %",
            ">lanes of one that do",
        ),
        (
            (
                time(row), _known(row.ship_prob), _known(row.cost), number(100 * row.early_failures.best),
                number(row.early_lanes.best),
            )
            for row in rows
        ),
    )  # fmt: skip

    def cells(row: BurnInRow, over: str, lost: Estimate, latent: Estimate):
        return time(row), over, best(lost), interval(lost), best(latent), interval(latent)

    yield table(
        "Goodput that a new machine loses, by time in the oven",
        ("!in the oven", "!over", ">lost, %", ">95 % interval", ">by latent defects, %", ">95 % interval"),
        (
            cells(row, *spans)
            for row in rows
            for spans in (
                ("first year", row.first_year, row.first_year_latent),
                ("mission", row.mission, row.mission_latent),
            )
        ),
        f"All rows have the same {rows[0].mission.replicas:,} replicas, so that they differ by burn-in only.",
    )  # fmt: skip


def manufacturing_object(result: ManufacturingResult) -> dict:
    """Return what `fdmc yield --json` prints: finite numbers and nulls only."""
    return plain(result.to_dict())


def _headline(result: ManufacturingResult, what: str, name: str) -> Group:
    rows = []
    for key, said in _HEAD:
        key = f"{what}.{key}"
        if key not in result.exact and key not in result.sampled:
            continue
        unit = result[key].unit
        rows.append((said, _exact(result, key), *_seen(result, key), "%" if unit == "1" else unit))
    return table(
        f"Each {name}",
        ("quantity", ">exact", ">sampled", ">95 % interval", "!unit"),
        rows,
    )


def _exact(result: ManufacturingResult, key: str) -> str:
    found = result.exact.get(key)
    return "–" if found is None else _known(found)


def _known(e: Estimate) -> str:
    return number(100 * e.best if e.unit == "1" else e.best, 5)


def _seen(result: ManufacturingResult, key: str) -> tuple[str, str]:
    found = result.sampled.get(key)
    return ("", "") if found is None else (best(found), interval(found))


def _shipped(result: ManufacturingResult) -> Group:
    found = [row for row in result.shipped if row.exact.best > _LEAST]
    common = sorted(found, key=lambda row: -row.exact.best)[:_MOST_ROWS]
    rows = [
        (
            f"{100 * row.bin:g} %",
            f"{row.live_lanes:,}",
            f"{row.spares_left:,}",
            _known(row.exact),
            best(row.sampled),
            interval(row.sampled),
        )
        for row in sorted(common, key=lambda row: (-row.live_lanes, -row.spares_left))
    ]
    left = len(found) - len(common)
    return table(
        f"{result.unit}s that ship, of those started, by live lanes and spares left",
        ("!bin", ">live lanes", ">spares left", ">exact, %", ">sampled, %", ">95 % interval"),
        rows,
        f"… and {left:,} rarer ones (all of them with --json)" if left > 0 else "",
    )


def _lanes(result: ManufacturingResult) -> Group:
    prefix = "unit.lane_loss."
    rows = [
        (key.removeprefix(prefix), share(e.best))
        for key, e in result.exact.items()
        if key.startswith(prefix)
    ]
    lost = result["unit.lanes_lost_per_group"]
    return table(
        "Share of lanes lost after the wafer, by what takes them (exact)",
        ("!step", ">of all lanes"),
        rows,
        f"With the defects of the wafer {number(lost.best)} of {result.lanes + result.spares:,} lanes of a group are "
        "lost on average.",
    )


def _scrap(result: ManufacturingResult) -> Group:
    rows = []
    for what, name in (("unit", result.unit), ("product", result.product)):
        if what == "product" and result.product == result.unit:
            continue
        prefix = f"{what}.scrap."
        steps = [key for key in result.exact if key.startswith(prefix)]
        # The count of the lanes comes last.
        for key in sorted(steps, key=lambda key: key == prefix + LANES):
            step = key.removeprefix(prefix)
            rows.append(
                (name, "count of lanes" if step == LANES else step, _known(result.exact[key]))
            )
    return table(
        "Scrap by step (exact)",
        ("!of", "!step", ">of those started, %"),
        rows,
        "Parts that their own test rejects are not counted here, but paid for.",
    )
