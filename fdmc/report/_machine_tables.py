"""The compiled machine as tables."""

import re
from collections.abc import Iterator

from rich.console import Group

from ._costs import machine_cost_tables
from ._format import duration, number, percent
from ._heat_tables import celsius, machine_heat_tables
from ._machine import ClassRow, HeatRow, Machine, rule_text, stock_text
from ._table import table


_MOST_CUTS = 12  # minimal cut sets that are printed
_MOST_STEPS = 12  # ... and steps of the environment


def headline(machine: Machine) -> str:
    """Return the machine in a sentence or two."""
    fits = sum(row.fit_in_machine for row in machine.classes)
    crew = "unlimited" if machine.technicians is None else f"{machine.technicians:,}"
    planes = f"{machine.planes:,} plane{'s' * (machine.planes != 1)}"
    return (
        f"{machine.scenario}{': ' if machine.title else ''}{machine.title}\n"
        f"{machine.accelerators:,} accelerators, {planes} with {_lanes(machine)} each from every "
        f"accelerator, policy {machine.policy}, technicians {crew}; "
        f"{duration(machine.mission_hours)} from "
        f"{'new' if machine.start == 'new' else 'the stationary state'}; fingerprint "
        f"{machine.fingerprint}.\n"
        f"Failure budget {number(fits)} FIT: {number(fits * 8.76e-6)} occurrences a year with "
        f"every part in working order.{_made(machine)}{_divided(machine)}"
    )


def _divided(machine: Machine) -> str:
    return "".join(f"\n{line}" for line in (*(machine.fabric or ()), *(machine.job or ())))


def _made(machine: Machine) -> str:
    if machine.made is None:
        return ""
    return (
        f"\nManufacturing is on: every {machine.made} is made, tested and shipped or scrapped; "
        f"`fdmc yield {machine.scenario}`."
    )


def _lanes(machine: Machine) -> str:
    return f"{machine.lanes_per_link:,} lane{'s' * (machine.lanes_per_link != 1)}"


def machine_tables(machine: Machine) -> Iterator[Group]:
    """Yield everything there is to say about a compiled scenario."""
    yield _units(machine)
    if any(unit.structure for unit in machine.units):
        yield _structures(machine)
    yield _levels(machine)
    yield _failures(machine)
    yield _replacements(machine)
    if machine.scheduled:
        yield _scheduled(machine)
    if machine.heat is not None:
        yield from machine_heat_tables(machine.heat)
    if machine.environment or any(c.heat for c in machine.classes):
        yield _temperatures(machine)
    if machine.costs is not None:
        yield from machine_cost_tables(machine.costs)
    yield _sources(machine)
    yield table(
        "Questions, and how they are answered",
        ("question", "!answer", "why"),
        [(q.question, q.answer, q.why) for q in machine.questions],
    )


def _units(machine: Machine) -> Group:
    def row(unit):
        need = "" if unit.need is None else f", {unit.need:,} needed"
        own = ", ".join(name if n == 1 else f"{n} {name}" for name, n in unit.components.items())
        feeds = f"feeds {unit.feeds}" if unit.feeds else ""
        name = "  " * unit.depth + unit.name
        return name, f"{unit.per_parent:,}{need}", f"{unit.total:,}", unit.role, feeds, own

    columns = ("!unit", ">per parent", ">in all", "!role", "!supply", "its own components")
    return table("Units", columns, map(row, machine.units))


def _structures(machine: Machine) -> Group:
    def cuts(found) -> str:
        if found is None or len(found) > _MOST_CUTS:
            return f"{'many' if found is None else len(found)}; see --json"
        return "; ".join(" + ".join(cut) for cut in found)

    rows = [
        (unit.name, unit.structure.lost_when, cuts(unit.structure.minimal_cut_sets))
        for unit in machine.units
        if unit.structure is not None
    ]
    return table(
        "Structures",
        ("!unit", "all of it is lost when these have failed", "minimal cut sets"),
        rows,
        "A minimal cut set is a smallest combination of failures that loses the unit.",
    )


def _levels(machine: Machine) -> Group:
    def row(unit):
        mean = unit.first_loss.mean_hours
        return (
            "  " * unit.depth + unit.name,
            number(unit.fit_of_one),
            number(unit.fit_in_machine),
            number(unit.occurrences_per_year),
            percent(unit.first_loss.before_mission_ends_prob),
            "–" if mean is None else duration(mean),
        )

    return table(
        "Failure budget by level (exact)",
        (
            "!unit",
            ">FIT of one",
            ">FIT in machine",
            ">occurrences/y",
            ">P(any loss)",
            ">mean to first loss",
        ),
        map(row, machine.units),
        "FIT and occurrences: the unit's own components, all of them in working order.\n"
        "First loss: when anything on this level, anywhere in the machine, first loses something, "
        "with all parts new at the start and never repaired; the probability is for the mission."
        + _spares_of_test(machine),
    )


def _spares_of_test(machine: Machine) -> str:
    if machine.made is None:
        return ""
    left = "histories count those that test leaves, and follow latent defects with an infant law"
    return f"\nAll spares are counted here; {left}."


def _failures(machine: Machine) -> Group:
    def row(c: ClassRow):
        takes = "cannot be said" if c.takes is None else c.takes.text
        out = "nothing" if c.repair_takes is None else f"{c.takes_out}: {c.repair_takes.text}"
        return (
            c.name,
            f"{c.copies:,}",
            number(c.fit_of_one, 4),
            number(c.fit_in_machine),
            takes,
            out,
            c.grade,
        )

    return table(
        "What each failure takes out",
        (
            "!component",
            ">copies",
            ">FIT each",
            ">FIT in all",
            "a failure takes",
            "its repair takes out",
            "!grade",
        ),
        map(row, machine.classes),
        "Grades: A counted in the field, B a primary source, C an estimate.",
    )


def _replacements(machine: Machine) -> Group:
    groups: dict[tuple, list[str]] = {}
    for c in machine.classes:
        time = c.repair_time or "missing"
        key = (c.swap, c.takes_out or "nothing", time, stock_text(c), rule_text(c), c.rule)
        groups.setdefault(key, []).append(c.component if c.component == c.swap else c.name)
    rows = [(key[0], ", ".join(names), *key[1:5]) for key, names in groups.items()]
    return table(
        "Replacements",
        ("!FRU swapped", "when these fail", "!takes out", "repair time", "stock", "!job opens"),
        rows,
        "A job opens when the part has failed, or when its counting group is short of what is "
        f"needed (its unit lost, where that has a structure).{_rules_note(machine)}",
    )


def _rules_note(machine: Machine) -> str:
    """Return what the rules mean that occur, and when the windows are."""
    lines = []
    w = machine.windows
    if w is not None:
        lines.append(
            f"Windows: open for {duration(w.open_hours)} every {duration(w.every_hours)}, one of them from "
            f"{duration(w.first_hours)} on; a job begins in one, and goes on when it has closed."
        )
    if any(c.opportunistic for c in machine.classes):
        lines.append(
            "In visits too: where a unit around the FRU is out of service, a job begins at once, failures that spares "
            "cover get one, and it occupies nobody."
        )
    return "".join(f"\n{line}" for line in lines)


def _scheduled(machine: Machine) -> Group:
    rows = [
        (
            s.name, f"{s.copies:,} {s.unit}", duration(s.every_hours), s.time, percent(s.out_share),
            "one" if s.technician else "none", "in windows" if s.window else "at its time",
        )
        for s in machine.scheduled
    ]  # fmt: skip
    columns = (
        "!work",
        ">takes out",
        ">each, every",
        "for",
        ">of its time",
        "!technician",
        "!begins",
    )
    return table(
        "Scheduled work", columns, rows, "The copies take turns, evenly staggered; each is a drain."
    )


def _temperatures(machine: Machine) -> Group:
    brief = machine.heat is not None

    def row(heat: HeatRow):
        energy, where = heat.activation_energy_ev, f", {heat.node}" if heat.node else ""
        return (
            heat.name,
            celsius(heat.at_kelvin) + where,
            celsius(heat.reference_kelvin),
            "–" if energy is None else f"{number(energy)} eV",
            f"{number(heat.acceleration)} x",
            f"{number(heat.mean_acceleration)} x" if heat.shifted else "",
            _row_ids(heat) if brief else heat.source,
        )

    rows = []
    for c in machine.classes:
        rows += [row(heat) for heat in c.heat]
        if not c.heat and not brief:
            rows.append((c.name, "not stated", "", "", "", "", ""))
    columns = (
        "!component", ">at", ">lifetime holds at", ">energy", ">acceleration", ">mean, shifted",
        "reference and energy from",
    )  # fmt: skip
    note = [_cold_text(machine)] if brief else []
    note += [text for text in (_environment_text(machine),) if text]
    return table("Temperatures, and how much faster they age", columns, rows, "\n".join(note))


def _row_ids(heat: HeatRow) -> str:
    """Return the library rows of a reference and an energy; the whole texts are in --json."""
    if heat.reference_kelvin is None and heat.activation_energy_ev is None:
        return "–"
    rows = dict.fromkeys(re.findall(r"library row ([A-Za-z0-9_-]+)", heat.source))
    return ", ".join(rows) or "this scenario"


def _cold_text(machine: Machine) -> str:
    """Return what has no temperature in one line: a list would be longer than the table."""
    cold = [c for c in machine.classes if not c.heat]
    names = ", ".join(dict.fromkeys(c.component for c in cold))
    return (
        f"Without a temperature, {len(cold):,} of {len(machine.classes):,} classes: {names}."
        if cold
        else ""
    )


def _environment_text(machine: Machine) -> str:
    environment, cold = machine.environment, [c for c in machine.classes if not c.heat]
    if environment is None:
        return ""
    steps = ", ".join(
        f"{s.shift_kelvin:+g} K for {duration(s.hours)}" for s in environment.steps[:_MOST_STEPS]
    )
    more = len(environment.steps) - _MOST_STEPS
    steps += f" and {more:,} more steps" if more > 0 else ""
    where = "everywhere" if environment.units is None else f"in {', '.join(environment.units)}"
    text = f"Environment, {where}, over and over: {steps}."
    if cold:
        copies = sum(c.copies for c in cold)
        text += (
            f"\nWithout a temperature, and not shifted: {len(cold):,} of {len(machine.classes):,} classes, "
            f"{copies:,} copies."
        )
    return text


def _sources(machine: Machine) -> Group:
    seen = {c.component: (c.component, c.at_reference, c.grade, c.source) for c in machine.classes}
    return table(
        "Where the rates come from", ("!component", "lifetime", "!grade", "source"), seen.values()
    )


def instances_table(found: dict, most: int = 24) -> Group:
    """Return the instances that a path addresses, the first `most` of them."""
    rows = [(one["path"], one["accelerators"], one["planes"]) for one in found["instances"][:most]]
    left = found["count"] - len(rows)
    return table(
        f"{found['unit']}: {found['count']:,} instance{'s' * (found['count'] != 1)}; losing one "
        f"takes {found['takes']}",
        ("!instance", ">accelerators", ">planes"),
        [(path, _span(accelerators), _span(planes)) for path, accelerators, planes in rows],
        f"… and {left:,} more (all of them with --json)" if left else "",
    )


def _span(ends: list[int] | None) -> str:
    if ends is None:
        return "all"
    first, last = ends
    return f"{first:,}" if first == last else f"{first:,} to {last:,}"
