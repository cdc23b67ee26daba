"""What a machine costs and draws, as tables: before a run, by name, and after it, with useful work."""

from collections.abc import Iterator

from rich.console import Group

from ..collect import CostRow, Costs, Result, Robustness, costs_of
from ..spec import Scenario
from ._format import best, interval, number, plain, share, unit_of
from ._table import table


_SAID = {
    "cost.total": "all of it over the mission",
    "cost.capital": "all copies in the machine",
    "cost.shelf": "stock of whole FRUs",
    "cost.spares_per_year": "used by repairs",
    "cost.repair_per_year": "technicians",
    "cost.energy_per_year": "at the meter",
    "cost.per_useful_accelerator_hour": "total over useful work",
    "cost.per_million_useful_tokens": "total over useful tokens",
    "power.total": "of the machine in service",
    "power.optics": "of the optics",
    "power.redundancy": "of spare elements",
    "joules_per_bit.peak": "optics at full rate",
    "joules_per_bit.traffic": "optics, bits really sent",
    "joules_per_token": "machine, useful tokens",
    "serviceable_performance_per_rack": "useful work",
}


def run_cost_tables(result: Result) -> Iterator[Group]:
    """Yield what a run costs and draws; nothing without an economics section."""
    rows = [
        (name, best(result[name]), interval(result[name]), unit_of(result[name]), said)
        for name, said in _SAID.items()
        if name in result.metrics
    ]
    if "cost.total" not in result.metrics:
        return
    columns = ("!metric", ">best", ">95 % interval", "!unit", "what it says")
    note = "exact: computed from the scenario, not sampled. `fdmc show` has prices and powers by name, with sources."
    yield table("Cost and power", columns, rows, note)


def machine_costs(scenario: Scenario) -> Costs | None:
    """Return what a scenario costs before anything runs; None without an economics section."""
    return None if scenario.economics is None else costs_of(scenario)


def costs_object(costs: Costs) -> dict:
    """Return the key `costs` of `fdmc show --json`."""
    yearly = {"technicians": costs.technicians_per_year, "energy": costs.energy_per_year}
    return plain(
        {
            "currency": costs.currency,
            "capital": costs.capital,
            "shelf": costs.shelf,
            "per_year": yearly,
            "years": costs.years,
            "total": costs.total,
            "unpriced": costs.unpriced,
            "watts": costs.watts,
            "optics_watts": costs.optics_watts,
            "redundancy_watts": costs.redundancy_watts,
            "redundancy_capital": costs.redundancy_capital,
            "by_name": {
                name: {
                    "copies": row.copies,
                    "price": row.price,
                    "capital": row.capital,
                    "power_watts": row.power,
                    "watts": row.watts,
                    "spare_copies": row.spares,
                }
                for name, row in costs.by_name.items()
            },
            "shelves": costs.shelves,
            "spare_price": costs.swap_price,
        }
    )


def machine_cost_tables(costs: Costs) -> Iterator[Group]:
    """Yield what a machine costs and draws before anything runs."""
    yield _summary(costs)
    yield _by_name(costs)
    if costs.shelves:
        rows = [
            (r.rule, r.fru, f"{r.stock:,}", number(r.price, 6), number(r.capital, 6))
            for r in costs.shelves
        ]
        columns = ("!rule", "!FRU", ">stock", f">{costs.currency} each", f">{costs.currency}")
        yield table("Shelf", columns, rows, "Each: the price of the FRU with all inside it.")


def _summary(costs: Costs) -> Group:
    over = costs.years
    rows = [
        ("capital", number(costs.capital, 4), "all copies in the machine, spare elements included"),
        ("shelf", number(costs.shelf, 4), "stock of whole FRUs"),
        ("technicians", number(over * costs.technicians_per_year, 4), "over the mission"),
        ("energy", number(over * costs.energy_per_year, 4), "over the mission"),
        ("total", number(costs.total, 4), "spares that repairs use up come on top: `fdmc run`"),
    ]
    rows = [(name, value, share(_of(costs, name)), said) for name, value, said in rows]
    note = (
        f"Spare elements: {number(costs.redundancy_capital, 4)} {costs.currency} of the capital, "
        f"{number(costs.redundancy_watts, 4)} W of {number(costs.watts, 4)} W."
    )
    if costs.unpriced:
        note += f"\nNot priced: {', '.join(costs.unpriced)}."
    columns = ("!what", f">{costs.currency}", ">share", "what it says")
    return table(f"Cost over {number(over)} years, before anything fails", columns, rows, note)


def _of(costs: Costs, name: str) -> float:
    parts = {
        "capital": costs.capital,
        "shelf": costs.shelf,
        "technicians": costs.years * costs.technicians_per_year,
        "energy": costs.years * costs.energy_per_year,
    }
    return parts.get(name, costs.total) / costs.total if costs.total else 0.0


def _by_name(costs: Costs) -> Group:
    def row(r: CostRow):
        price, power = r.price, r.power
        return (
            r.name,
            f"{r.copies:,}",
            "" if price is None else number(price.value, 6),
            "" if price is None else number(r.capital, 4),
            "" if power is None else number(power.value, 4),
            "" if power is None else number(r.watts, 4),
            _sources(r),
        )

    order = sorted(costs.by_name.values(), key=lambda r: (-r.capital, -r.watts))
    columns = (
        "!name", ">copies", f">{costs.currency} each", f">{costs.currency}", ">W each", ">W", "sources and grades",
    )  # fmt: skip
    note = (
        "Each: without what is inside it that has a price (or power) of its own.\n"
        "Grades: A counted in the field, B a primary source, C an estimate, user: given in the scenario."
    )
    return table("Prices and powers", columns, map(row, order), note)


def _sources(row: CostRow) -> str:
    said = {
        kind: f"{amount.source} ({amount.grade})"
        for kind, amount in (("price", row.price), ("power", row.power))
        if amount is not None
    }
    if len(set(said.values())) == 1:
        return next(iter(said.values()))
    return "; ".join(f"{kind}: {text}" for kind, text in said.items())


def robustness_table(found: Robustness) -> Group:
    """Return what redundancy gains per watt that it draws."""
    percents = lambda e, per, unit: e.scaled(100.0 * per, unit)
    rows = [
        ("goodput", best(found.goodput), interval(found.goodput), "%", "of the machine"),
        ("unprotected", best(found.bare), interval(found.bare), "%", "without spare elements"),
        ("gain", best(found.gain), interval(found.gain), "%", "replica by replica"),
    ]
    watt = percents(found.per_watt, 1e3, "% per kW")
    said = f"over the {number(found.watts, 4)} W that spare elements draw"
    rows.append(("robustness per watt", best(watt), interval(watt), watt.unit, said))
    if found.per_capital is not None:
        money = percents(found.per_capital, 1e6, f"% per M{found.currency}")
        said = f"over the {number(found.capital, 4)} {found.currency} that they cost"
        rows.append(("robustness per price", best(money), interval(money), money.unit, said))
    note = (
        f"The same {found.replicas:,} histories of seed {found.seed} in both machines; lost work has a correlation of "
        f"{found.correlation:.3f}.\nShelf and technicians are the same in both."
    )
    columns = ("!what", ">best", ">95 % interval", "!unit", "what it says")
    return table("Robustness per watt", columns, rows, note)


def robustness_object(found: Robustness) -> dict:
    """Return the key `robustness` of `fdmc run --json`."""
    said = lambda e: {k: getattr(e, k) for k in ("low", "best", "high", "unit", "status")}
    return {
        "goodput": said(found.goodput),
        "unprotected": said(found.bare),
        "gain": said(found.gain),
        "watts": found.watts,
        "capital": found.capital,
        "robustness_per_watt": said(found.per_watt),
        "robustness_per_price": None if found.per_capital is None else said(found.per_capital),
        "correlation": found.correlation,
        "replicas": found.replicas,
    }
