"""What a machine costs and draws before anything fails: sums over the containment tree, nothing sampled."""

import dataclasses
import math

from ..spec import Amount, Scenario, resolve_rule


HOURS_PER_YEAR = 8760.0


@dataclasses.dataclass(frozen=True)
class CostRow:
    """One component or unit that has a price or a power of its own.

    `copies` counts all in the machine, `spares` those of them that stand in counting groups beyond what is needed (a
    share of them where the group is a unit around). `price` and `watts_each` are of one; None where none is given.
    """

    name: str
    copies: int
    spares: float
    price: Amount | None
    power: Amount | None

    @property
    def capital(self) -> float:
        """All copies, in the currency."""
        return 0.0 if self.price is None else self.copies * self.price.value

    @property
    def watts(self) -> float:
        """All copies in service, watts."""
        return 0.0 if self.power is None else self.copies * self.power.value

    @property
    def spare_watts(self) -> float:
        """The copies beyond what is needed, watts."""
        return 0.0 if self.power is None else self.spares * self.power.value

    @property
    def spare_capital(self) -> float:
        """The copies beyond what is needed, in the currency."""
        return 0.0 if self.price is None else self.spares * self.price.value


@dataclasses.dataclass(frozen=True)
class ShelfRow:
    """The spares of one replacement rule: `stock` whole FRUs at the `price` of one; unlimited shelves have none."""

    rule: str
    fru: str
    stock: int
    price: float

    @property
    def capital(self) -> float:
        """All of them, in the currency."""
        return self.stock * self.price


@dataclasses.dataclass(frozen=True)
class Costs:
    """What a machine costs, as far as it is known before anything fails; amounts in `currency`.

    `capital` counts every copy in the machine, spare elements too, `shelf` the stock of whole FRUs, `watts` all that
    draws power in service. `technicians_per_year` and `energy_per_year` are 0 where the scenario gives no price (or
    the number of technicians is unlimited): `unpriced` names what is left out. `swap_price` is what one used spare
    costs, for every FRU that a repair swaps: its price with all inside it, unless the scenario says `spare`. What
    repairs use up is not here: it is simulated.
    """

    currency: str
    capital: float
    shelf: float
    technicians_per_year: float
    energy_per_year: float
    watts: float
    years: float
    by_name: dict[str, CostRow]
    shelves: tuple[ShelfRow, ...]
    swap_price: dict[str, float]
    optics_watts: float | None
    unpriced: tuple[str, ...]

    @property
    def total(self) -> float:
        """Capital, shelf, and technicians and energy over the mission; no interest, nothing sold at the end."""
        yearly = self.technicians_per_year + self.energy_per_year
        return self.capital + self.shelf + self.years * yearly

    @property
    def redundancy_watts(self) -> float:
        """What the elements of counting groups beyond `need` draw, watts."""
        return math.fsum(row.spare_watts for row in self.by_name.values())

    @property
    def redundancy_capital(self) -> float:
        """What those elements cost, in the currency."""
        return math.fsum(row.spare_capital for row in self.by_name.values())


def costs_of(scenario: Scenario) -> Costs:
    """Say what a scenario's machine costs and draws before anything fails.

    A price belongs to one component or unit, without what is inside it that has a price of its own; so does a power.
    The machine is the sum over all copies, spare elements included.

    **Raises:** `ValueError` when the scenario has no `economics`.

    !!! example

        ```python
        import fdmc
        from fdmc.collect import costs_of

        costs = costs_of(fdmc.load("cpo-512"))
        assert costs.total > costs.capital > costs.shelf > 0
        ```
    """
    e = scenario.economics
    if e is None:
        raise ValueError(
            f"{scenario.name} has no economics section: give prices and powers (docs/costs.md) to ask what it costs."
        )
    rows = {name: _row(scenario, name) for name in dict.fromkeys((*e.price, *e.power))}
    shelves, prices = _shelves(scenario)
    crew, watts = scenario.service.technicians, math.fsum(row.watts for row in rows.values())
    unpriced = []
    if e.technician_per_year is None or crew is None:
        unpriced.append("technicians" if crew is not None else "technicians, who are unlimited")
    if e.energy_per_kwh is None:
        unpriced.append("energy")
    endless = sorted(_endless(scenario, prices))
    unpriced += [f"the shelf of {name}, which is unlimited" for name in endless]
    return Costs(
        currency=e.currency,
        capital=math.fsum(row.capital for row in rows.values()),
        shelf=math.fsum(row.capital for row in shelves),
        technicians_per_year=(crew or 0) * (e.technician_per_year or 0.0),
        energy_per_year=watts * e.pue * HOURS_PER_YEAR / 1000 * (e.energy_per_kwh or 0.0),
        watts=watts,
        years=scenario.mission_hours / HOURS_PER_YEAR,
        by_name=rows,
        shelves=shelves,
        swap_price=prices,
        optics_watts=None if e.optics is None else _optics(scenario),
        unpriced=tuple(unpriced),
    )


def subtree(scenario: Scenario, name: str, of: dict[str, Amount]) -> float:
    """Return the price or power of one component or unit with all that is inside it."""
    own = of[name].value if name in of else 0.0
    if name not in scenario.units:
        return own
    body = scenario.units[name]
    groups = (*body.components.items(), *body.contains.items())
    return own + sum(group.count * subtree(scenario, inner, of) for inner, group in groups)


def _row(scenario: Scenario, name: str) -> CostRow:
    assert scenario.economics is not None
    copies, spares, tree = 0, 0.0, scenario.tree
    if name in scenario.units:
        copies = tree.nodes[name].total
        spares = copies * _spare_share(scenario, name)
    else:
        for unit, body in scenario.units.items():
            if name in body.components:
                group, total = body.components[name], tree.nodes[unit].total
                copies += total * group.count
                within = total * group.count * _spare_share(scenario, unit)
                spares += within + total * group.spares
    e = scenario.economics
    return CostRow(name, copies, spares, e.price.get(name), e.power.get(name))


def _spare_share(scenario: Scenario, unit: str) -> float:
    """Share of the copies of a unit that are beyond need; counting groups do not nest."""
    nodes = scenario.tree.nodes
    for name in scenario.tree.ancestors(unit):
        need = nodes[name].need
        if need is not None:
            return (nodes[name].count - need) / nodes[name].count
    return 0.0


def _shelves(scenario: Scenario) -> tuple[tuple[ShelfRow, ...], dict[str, float]]:
    """Return the stock of every rule that replaces something, and the price of every FRU."""
    assert scenario.economics is not None
    shelves: dict[str, ShelfRow] = {}
    prices: dict[str, float] = {}
    for unit in scenario.tree.nodes:
        for component in scenario.units[unit].components:
            rule = resolve_rule(scenario, unit, component)
            price = subtree(scenario, rule.swap, scenario.economics.price)
            prices[rule.swap] = scenario.economics.spare.get(rule.swap, price)
            if rule.stock is not None:
                shelves[rule.name] = ShelfRow(rule.name, rule.swap, rule.stock, price)
    return tuple(shelves.values()), prices


def _endless(scenario: Scenario, prices: dict[str, float]) -> set[str]:
    """Return the FRUs with a price whose stock is unlimited."""
    found = set()
    for unit in scenario.tree.nodes:
        for component in scenario.units[unit].components:
            rule = resolve_rule(scenario, unit, component)
            if rule.stock is None and prices[rule.swap] > 0:
                found.add(rule.swap)
    return found


def _optics(scenario: Scenario) -> float:
    """Return the power of the optics, what stands inside another one of them counted once."""
    e = scenario.economics
    assert e is not None
    named, watts = set(e.optics or ()), 0.0
    for unit, node in scenario.tree.nodes.items():
        if named.isdisjoint(scenario.tree.ancestors(unit)):
            for component, group in scenario.units[unit].components.items():
                if component in named and component in e.power:
                    watts += node.total * group.count * e.power[component].value
        elif named.isdisjoint(scenario.tree.ancestors(unit)[1:]):
            watts += node.total * subtree(scenario, unit, e.power)
    return watts
