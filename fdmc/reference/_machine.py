"""The machine as objects: every unit and every component, its role, its group and its rule."""

import dataclasses
from collections.abc import Collection, Iterator
from typing import Any

from ..spec import Law, Scenario, fault_tree
from ._ageing import Pace
from ._heat import Heat, heat_of
from ._temperature import Network


@dataclasses.dataclass(eq=False)
class Unit:
    """One instance of a template; `ordinal` counts the `count` copies within its parent."""

    template: str
    number: int
    ordinal: int
    count: int
    parent: "Unit | None"
    feeds: str | None
    role: str = ""
    children: dict[str, list["Unit"]] = dataclasses.field(default_factory=dict)
    parts: dict[str, list["Part"]] = dataclasses.field(default_factory=dict)
    counting: "Counting | Structured | None" = (
        None  # the group that it is in, itself or its element
    )
    element: "Unit | None" = None  # ... and which element of it

    def above(self) -> Iterator["Unit"]:
        """Itself, its parent, and so on up to the root."""
        unit = self
        while unit is not None:
            yield unit
            unit = unit.parent

    def below(self) -> Iterator["Unit"]:
        """Itself and everything inside it, depth first."""
        yield self
        for copies in self.children.values():
            for child in copies:
                yield from child.below()

    def all_parts(self) -> list["Part"]:
        """Every component in it, at any depth."""
        return [part for unit in self.below() for copies in unit.parts.values() for part in copies]

    def find(self, template: str) -> list["Unit"]:
        """The units of a template in it, itself included, in the order of their numbers."""
        return [unit for unit in self.below() if unit.template == template]


@dataclasses.dataclass(eq=False)
class Part:
    """One instance of a component; `name` is 'unit/component'.

    Each of its mechanisms has a life and a pace, which carries the name of its class.
    """

    name: str
    number: int
    unit: Unit
    lives: list[Law]
    paces: tuple[Pace, ...]
    counting: "Counting | Structured | None" = None
    element: "Unit | Part | None" = None
    leaves: float = 0.0  # of its unit, when it has failed
    direction: str | None = None  # of its end of a link: send or receive, None for both

    @property
    def lifetime(self) -> Law:
        """The life of a part that has one mechanism."""
        (life,) = self.lives
        return life

    @lifetime.setter
    def lifetime(self, life: Law) -> None:
        self.lives = [life]

    def all_parts(self) -> list["Part"]:
        """Itself: a component can be the FRU."""
        return [self]


@dataclasses.dataclass(eq=False)
class Counting:
    """A group with a written need: `loss(m)` is what it has lost with `m` elements failed.

    A failed element gives what the failure of its part leaves, and the best `need` of all elements work.
    """

    parent: Unit
    count: int
    need: int
    elements: list[Unit] | list[Part]
    switched: bool = False
    direction: str | None = None  # of the parts that it counts
    lost_at_test: int = 0  # elements that are not there; histories of made machines set it

    def loss(self, failed: int) -> float:
        part = self.elements[0].all_parts()
        gives = part[0].leaves if part else 0.0
        good = self.count - self.lost_at_test - failed
        best = sorted([1.0] * self.lost_at_test + [1 - gives] * failed + [0] * good)[: self.need]
        return min(1.0, sum(best) / self.need)

    def without_spares(self, failed: int) -> float:
        """What it has lost while no spare has been switched in."""
        return min(1.0, failed / self.need)

    def lost(self, failed: Collection["Unit | Part"]) -> float:
        return self.loss(len(failed))


@dataclasses.dataclass(eq=False)
class Structured:
    """All components of a unit with a structure: they have lost all of it, or nothing.

    `names` are what the formula calls the `elements`.
    """

    parent: Unit
    formula: fault_tree.Formula
    names: tuple[str, ...]
    elements: list[Part]
    switched: bool = False
    direction: str | None = None  # of all its parts

    def without_spares(self, failed: int) -> float:
        """Never asked for: a structure has no spares to switch in."""
        raise NotImplementedError

    def lost(self, failed: Collection["Unit | Part"]) -> float:
        down = {
            name for name, part in zip(self.names, self.elements, strict=True) if part in failed
        }
        return 1.0 if _holds(self.formula, down) else 0.0


def _holds(formula: "fault_tree.Formula | str | bool", failed: Collection[str]) -> bool:
    """Whether a formula is true when these have failed."""
    if isinstance(formula, str):
        return formula in failed
    if isinstance(formula, bool):
        return formula
    true = sum(_holds(argument, failed) for argument in formula.args)
    if formula.op == "or":
        return true >= 1
    if formula.op == "and":
        return true == len(formula.args)
    assert formula.op == "atleast", formula.op
    return true >= formula.least


@dataclasses.dataclass(frozen=True)
class Replacement:
    """The replacement rule of one class, with every default filled in."""

    name: str
    swap: str | None  # None: the component itself
    takes_out: str | None
    time: Law | None  # None: nobody ever repairs it
    stock: int | None
    restock_hours: float
    when: str
    technician: bool = True
    windowed: bool = False
    opportunistic: bool = False

    def fru(self, part: Part) -> "Unit | Part":
        return part if self.swap is None else _nearest(part.unit, self.swap)

    def out(self, part: Part) -> Unit | None:
        return None if self.takes_out is None else _nearest(part.unit, self.takes_out)


@dataclasses.dataclass(eq=False)
class Machine:
    """All objects of a scenario; nothing in it changes while time passes."""

    scenario: Scenario
    root: Unit
    units: dict[str, list[Unit]]
    parts: list[Part]
    accelerators: list[Unit]
    plane_count: int
    rules: dict[str, Replacement]
    heat: Heat
    memo: dict[Any, Any] = dataclasses.field(default_factory=dict)

    def part(self, name: str, number: int = 0) -> Part:
        """The component of a class, such as `part('tray/fan', 3)`."""
        return next(part for part in self.parts if part.name == name and part.number == number)


def build(scenario: "Scenario | Machine", network: Network | None = None) -> Machine:
    """Walk the templates and make every instance; a machine is returned as it is.

    `network` holds the numbers of the thermal template, where the scenario has one.
    """
    if isinstance(scenario, Machine):
        return scenario
    contained = {child for unit in scenario.units.values() for child in unit.contains}
    (name,) = (name for name in scenario.units if name not in contained)
    heat = heat_of(scenario, network)
    root = _grow(scenario, heat, name, None, 0, 1)
    units: dict[str, list[Unit]] = {}
    for unit in root.below():
        units.setdefault(unit.template, []).append(unit)
    fabric = scenario.fabric
    for copies in units.values():  # a template stands in one place: all its copies are alike
        uplink = None if fabric.trunk is None else fabric.trunk.link
        role = _role(copies[0], fabric.accelerator, fabric.plane, uplink)
        for unit in copies:
            unit.role = role
    parts = root.all_parts()
    rules: dict[str, Replacement] = {}
    for part in parts:
        if part.name not in rules:
            rules[part.name] = _replacement(scenario, part)
    planes = len(units[fabric.plane]) if fabric.plane else fabric.planes
    if fabric.plane and fabric.trunk is not None:  # each unit has its own
        planes //= len(units[fabric.trunk.unit])
    made = Machine(scenario, root, units, parts, units[fabric.accelerator], planes, rules, heat)
    _give_latent(made)
    return made


def _give_latent(machine: Machine) -> None:
    """Give lanes, and units, a part that stands for their latent defects, where histories follow those.

    What fails a whole unit is one part of it, with a life for each thing that may carry such a defect.
    """
    made = machine.scenario.manufacturing
    if made is None or made.latent is None or made.latent.infant is None:
        return
    lanes = machine.units[made.lanes.unit]
    as_lane = machine.rules[lanes[0].all_parts()[0].name]
    for number, lane in enumerate(lanes):
        assert lane.parent is not None
        name = f"{lane.parent.template}/{lane.template}:latent"
        part = Part(name, number, lane, [made.latent.infant], (Pace(name),), lane.counting, lane)
        lane.parts["latent"] = [part]
        machine.parts.append(part)
        machine.rules.setdefault(name, as_lane)
    assert lanes[0].parent is not None
    carriers: dict[str, list[str]] = {lanes[0].parent.template: [made.lanes.die]}
    steps = [(made.unit, made.steps)]
    steps += [(made.mount.unit, made.mount.steps)] if made.mount is not None else []
    for template, taken in steps:
        parts = [name for step in taken for name in step.parts]
        dies = [
            n for n in parts if n in made.parts and made.parts[n].layers and n != made.lanes.die
        ]
        carriers.setdefault(template, []).extend(dict.fromkeys(dies))
    for template, names in ((t, names) for t, names in carriers.items() if names):
        classes = [f"{template}/{name}:latent" for name in names]
        for number, unit in enumerate(machine.units[template]):
            lives: list[Law] = [made.latent.infant] * len(classes)
            part = Part(f"{template}/latent", number, unit, lives, tuple(map(Pace, classes)))
            unit.parts["latent"] = [part]
            machine.parts.append(part)
            machine.rules.setdefault(part.name, _unit_rule(machine.scenario, unit, as_lane))


def _unit_rule(scenario: Scenario, unit: Unit, as_lane: Replacement) -> Replacement:
    """By the entry named like the unit, or the nearest unit above it; else as the lanes."""
    names = [above.template for above in unit.above()]
    rule = next((scenario.service.replace[n] for n in names if n in scenario.service.replace), None)
    if rule is None:
        return dataclasses.replace(as_lane, when="failed")
    time = as_lane.time if rule.time is None else rule.time
    return Replacement(
        rule.name, rule.swap, rule.takes_out, time, rule.stock, rule.restock_hours or 0.0, "failed",
        not rule.unattended, bool(rule.windowed), bool(rule.opportunistic),
    )  # fmt: skip


def _grow(
    scenario: Scenario, heat: Heat, template: str, parent: Unit | None, ordinal: int, count: int
) -> Unit:
    spec = scenario.units[template]
    number = parent.number * count + ordinal if parent else 0
    unit = Unit(template, number, ordinal, count, parent, spec.feeds)
    reconfigure = scenario.fabric.reconfigure
    switched = () if reconfigure is None else reconfigure.spares
    for name, group in spec.contains.items():
        copies = [_grow(scenario, heat, name, unit, j, group.count) for j in range(group.count)]
        unit.children[name] = copies
        if group.need is not None:
            counting = Counting(unit, group.count, group.need, copies, name in switched)
            for element in copies:
                for inside in (*element.below(), *element.all_parts()):
                    inside.counting, inside.element = counting, element
            _count_apart(counting)
    for name, group in spec.components.items():
        component, first = scenario.components[name], number * group.count
        lives = [each.lifetime for each in component.mechanisms]
        paces = heat.paces(template, component, {each.template for each in unit.above()})
        copies = [
            Part(
                f"{template}/{name}",
                first + j,
                unit,
                list(lives),
                paces,
                leaves=component.leaves or 0.0,
                direction=component.direction,
            )
            for j in range(group.count)
        ]
        unit.parts[name] = copies
        if group.need is not None:
            counting = Counting(unit, group.count, group.need, copies, name in switched)
            for part in copies:
                part.counting, part.element = counting, part
            counting.direction = component.direction
    if spec.structure is not None:
        own = [part for copies in unit.parts.values() for part in copies]
        way = own[0].direction
        group = Structured(unit, spec.structure.formula, spec.structure.copies, own, direction=way)
        for part in own:
            part.counting, part.element = group, part
    return unit


def _count_apart(counting: Counting) -> None:
    """Where elements send and receive with parts of their own, each direction has all spares for itself."""
    parts = [part for element in counting.elements for part in element.all_parts()]
    groups: dict[str | None, Counting] = {}
    for part in parts:
        way = part.direction
        if way not in groups:
            groups[way] = dataclasses.replace(counting, direction=way) if groups else counting
            groups[way].direction = way
        part.counting = groups[way]


def _role(unit: Unit, accelerator: str, plane: str | None, uplink: str | None) -> str:
    if unit.find(accelerator):
        return "container"
    above = list(unit.above())
    if any(each.feeds for each in above):
        return "supplier"
    if any(each.template == accelerator for each in above):
        return "link"
    if plane is not None and (unit.find(plane) or any(each.template == plane for each in above)):
        return "plane"
    if any(each.template == uplink for each in above):
        return "trunk"
    return "support"


def _replacement(scenario: Scenario, part: Part) -> Replacement:
    """By the entry named like the component, else its unit, else the nearest unit above it."""
    component = part.name.split("/")[1]
    names = [component, *(unit.template for unit in part.unit.above())]
    rule = next((scenario.service.replace[n] for n in names if n in scenario.service.replace), None)
    own_time = scenario.components[component].repair
    if rule is None:
        return Replacement(component, None, None, own_time, None, 0.0, "failed")
    time = rule.time if rule.time is not None else own_time
    swap = None if rule.swap == component else rule.swap
    when = rule.when or ("short" if _larger_than_element(swap, part) else "failed")
    return Replacement(
        rule.name, swap, rule.takes_out, time, rule.stock, rule.restock_hours or 0.0, when,
        not rule.unattended, bool(rule.windowed), bool(rule.opportunistic),
    )  # fmt: skip


def _larger_than_element(swap: str | None, part: Part) -> bool:
    """Whether the FRU is more than the element of the part's counting group."""
    if swap is None or part.element is None:
        return False
    fru = _nearest(part.unit, swap)
    holder = part.unit if isinstance(part.element, Part) else part.element.parent
    return holder is not None and fru in holder.above()


def _nearest(unit: Unit, template: str) -> Unit:
    return next(each for each in unit.above() if each.template == template)
