"""Heat as tables: of a machine before anything runs, of a run, of shares and of gradients."""

from collections.abc import Iterator

from rich.console import Group

from ..collect import Gradient, HeatShares, Result
from ..plan import EXCURSION
from ..spec import Scenario
from ._format import best, duration, interval, number, percent, share, unit_of
from ._heat import ExcursionRow, LinkRow, MachineHeat
from ._table import table


_HEADLINES = {
    "thermally_stable_throughput": "bandwidth of the links, as far as heat is concerned",
    "thermally_stable_throughput.p1": "the same in the worst 1 % of hours",
    "steady_dark_lanes": "lanes missing between excursions, spares used",
    "lock_losses_per_year": "excursions that darken lanes",
    "power.heat": "of all packages, mean over the load",
    "power.cooling": "to carry it away",
    "power.tuning": "heaters of all rings",
}


def celsius(kelvin: float | None) -> str:
    """Return a temperature in degrees Celsius, a dash where there is none."""
    return "–" if kelvin is None else f"{number(kelvin - 273.15)} degC"


def machine_heat_tables(heat: MachineHeat) -> Iterator[Group]:
    """Yield what is said about the thermal section of a machine."""
    yield _temperatures(heat)
    yield table("Light and power", ("!what", ">value", "meaning"), _light(heat))
    if heat.excursions:
        yield _excursions(heat)
    if heat.cycles:
        yield _cycles(heat)


def _temperatures(heat: MachineHeat) -> Group:
    rows = [
        (
            n.name, f"{number(n.watts, 4)} W", celsius(n.lowest_kelvin), celsius(n.mean_kelvin),
            celsius(n.highest_kelvin), celsius(n.idle_kelvin),
        )
        for n in heat.nodes
    ]  # fmt: skip
    note = (
        f"{heat.packages:,} x {heat.unit}, template {heat.template}: {heat.description}\n"
        f"Coolant {celsius(heat.coolant_kelvin)}, air {celsius(heat.air_kelvin)}; "
        f"load {heat.load}; stops: {heat.stops}."
    )
    if heat.left_out:
        note += f"\nLeft out (thermal.effects): {', '.join(heat.left_out)}."
    columns = ("!node", ">at full load", ">lowest", ">mean", ">highest", ">idle")
    return table("Heat", columns, rows, note)


def _light(heat: MachineHeat) -> Iterator[tuple[str, str, str]]:
    if heat.link is not None:
        yield from _link(heat.link, "lock" in heat.left_out)
    said = {
        "heat": "of all packages, mean over the load and the stops",
        "cooling": "to carry that heat away",
    }
    for name, watts in heat.power_watts.items():
        yield f"power: {name}", f"{number(watts, 4)} W", said.get(name, "heaters of all rings")


def _link(link: LinkRow, unlocked: bool) -> Iterator[tuple[str, str, str]]:
    kelvin = lambda x: f"{number(x)} K"
    kind = link.kind.replace("_", " ")
    spread = f"their limits spread by {kelvin(link.spread_kelvin)} (one standard deviation)"
    yield "link", kind, f"{link.devices:,} x {link.unit}; {spread}"
    limits = f"{celsius(link.low_kelvin)} to {celsius(link.high_kelvin)}"
    yield "in lock", limits, "of the engine, for the mean device"
    yield (
        "margin, hot",
        kelvin(link.hot_margin_kelvin),
        "from the highest temperature over the load",
    )
    yield (
        "margin, cold",
        kelvin(link.cold_margin_kelvin),
        "from the lowest one; below, the heater's range is used up",
    )
    if link.fast_margin_kelvin_per_second is not None:
        fast = f"{number(link.fast_margin_kelvin_per_second)} K/s"
        yield "margin, fast", fast, "between the fastest change and what the loop follows"
    if link.heater_kelvin is not None:
        yield "heater", kelvin(link.heater_kelvin), "added on average"
    yield (
        "relocking",
        duration(link.relock_seconds / 3600),
        "from being back in range to carrying data",
    )
    dark = "not counted" if unlocked else percent(link.steady_dark_lanes)
    yield (
        "steady dark lanes",
        dark,
        "of the needed lanes, missing between excursions after spares are used",
    )


def _excursions(heat: MachineHeat) -> Group:
    def row(e: ExcursionRow):
        return (
            e.name, f"{e.instances:,} {e.unit}", number(e.per_year_each), f"{number(e.rise_kelvin)} K",
            duration(e.mean_hours), duration(e.recovery_hours) if e.recovery_hours else "–",
            percent(e.active_share), percent(e.dark_lanes), f"{e.accelerators:,}", e.source,
        )  # fmt: skip

    columns = (
        "!excursion", ">instances", ">a year, each", ">rise", ">lasts", ">recovery", ">active", ">darkens",
        ">acc. below", "source",
    )  # fmt: skip
    note = (
        "Lasts: mean. Active: share of one instance's time, recovery and relocking as what is equivalent to them.\n"
        "Darkens: of the lanes below one instance, while it lasts and no other does."
    )
    return table("Excursions", columns, map(row, heat.excursions), note)


def _cycles(heat: MachineHeat) -> Group:
    rows = [
        (
            c.name, c.kind, number(c.per_year), f"{number(c.swing_kelvin)} K", celsius(c.peak_kelvin),
            share(c.share), f"{number(c.life_used)} x",
        )
        for c in heat.cycles
    ]  # fmt: skip
    columns = (
        "!component",
        "!cycles of",
        ">a year",
        ">swing",
        ">peak",
        ">share of damage",
        ">life used",
    )
    note = "Life used: how fast these cycles use the fatigue life up, relative to those at which it holds."
    return table("Cycling damage (Norris-Landzberg)", columns, rows, note)


def run_heat_tables(result: Result) -> Iterator[Group]:
    """Yield what heat did in a run; nothing without a thermal section."""
    rows = [
        (name, best(result[name]), interval(result[name]), unit_of(result[name]), said)
        for name, said in _HEADLINES.items()
        if name in result.metrics
    ]
    if not rows:
        return
    columns = ("!metric", ">best", ">95 % interval", "!unit", "what it says")
    yield table("Heat", columns, rows, "exact: computed from the scenario, not sampled.")
    steady = [c.component for c in result.directory.steady]
    kinds = [c.component for c in result.directory.classes if c.fru == EXCURSION]
    found = {c.name: c for c in result.contributors("component")}
    events = []
    for name in (*kinds, *steady):
        c, often = found[name], result.metrics.get(f"occurrences_per_year.{name}")
        when = ("all the time", "") if often is None else (best(often), interval(often))
        events.append((name, *when, best(c.goodput), interval(c.goodput), share(c.share)))
    columns = (
        "!excursion", ">per year", ">95 % interval", ">lost goodput, %", ">95 % interval", ">share",
    )  # fmt: skip
    note = "Lost goodput: by the lanes that they darken; what heat does to lifetimes shows in the parts that fail."
    if events:
        yield table("Lanes that heat darkens", columns, events, note)


def shares_table(shares: HeatShares) -> Group:
    """Return what leaving out each effect of heat would gain."""
    rows = [
        (name, best(gain), interval(gain), best(shares.share[name]), interval(shares.share[name]))
        for name, gain in shares.gain.items()
    ]
    note = (
        f"Goodput gained in {shares.replicas:,} histories of seed {shares.seed} if the effect is left out, replica by "
        "replica, and that over lost goodput.\nBelow zero: parts are cooler, or cycle less, than where their lifetimes "
        "hold. Shares need not add up: effects meet in the same parts."
    )
    columns = (
        "!effect",
        ">gain in goodput, %",
        ">95 % interval",
        ">share of lost goodput, %",
        ">95 % interval",
    )
    return table("Share of lost goodput by effect of heat", columns, rows, note)


def gradient_table(
    scenario: Scenario, gradient: Gradient, known: dict[str, tuple[float, str]]
) -> Group:
    """Return how lost goodput moves with each number; `known` has their values and units."""

    percents = lambda e: e.scaled(100.0, "%")

    def row(path: str):
        value, unit = known[path]
        absolute = unit == "K" and not path.endswith(".range")
        at = celsius(value) if absolute else f"{number(value)} {unit}".removesuffix(" 1")
        total = percents(gradient.total[path])
        return (
            path, at, best(total), interval(total), best(percents(gradient.by_rate[path])),
            best(percents(gradient.by_light[path])), f"% per {unit}",
        )  # fmt: skip

    columns = (
        "!number", ">value", ">d lost goodput", ">95 % interval", ">by rate", ">by light", "!unit",
    )  # fmt: skip
    lost = gradient.lost_goodput
    note = (
        f"Of {scenario.name}, lost goodput {best(lost)} % {interval(lost)} in {gradient.replicas:,} histories of seed "
        f"{gradient.seed}. By rate: parts fail (or are repaired) more or less often; by light: heat darkens more or "
        "fewer lanes. What is by neither is by the times of the job."
    )
    return table("Gradients of lost goodput", columns, map(row, gradient.total), note)
