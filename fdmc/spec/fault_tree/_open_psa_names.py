"""The names that an Open-PSA model defines, and what a reference means where it stands.

A public element is known by its plain name everywhere; a private one by its name inside its container,
and by its path (`Valve-A.Solenoids`) elsewhere. In the tree a private element is called by its path.
"""

import dataclasses

from ._error import Report, quoted
from ._words import ROLES
from ._xml import Node


MOST_NESTED = 32
MOST_NAME = 500  # characters
EVENTS = ("gate", "basic-event", "house-event")


@dataclasses.dataclass(eq=False)
class Definition:
    """An element of the model: its kind, its name in the tree, and where it stands."""

    kind: str
    name: str
    scope: "Scope"
    node: Node


@dataclasses.dataclass(eq=False)
class Scope:
    """A container: a fault tree, a component of one, or the whole model."""

    name: str = ""
    parent: "Scope | None" = None
    private: bool = False
    depth: int = 0
    inner: dict[str, "Scope"] = dataclasses.field(default_factory=dict)
    elements: dict[tuple[str, str], Definition] = dataclasses.field(default_factory=dict)

    def path(self, name: str) -> str:
        """The path of an element of this container."""
        parts = [name]
        scope: Scope | None = self
        while scope is not None and scope.name:
            parts.append(scope.name)
            scope = scope.parent
        return ".".join(reversed(parts))

    def find(self, space: str, parts: list[str]) -> Definition | None:
        """The element that a path leads to from here."""
        scope: Scope | None = self
        for part in parts[:-1]:
            scope = scope.inner.get(part)
            if scope is None:
                return None
        return scope.elements.get((space, parts[-1]))


class Names:
    """Definitions by their names in the tree, in the order of the files."""

    def __init__(self, report: Report):
        self.report = report
        self.root = Scope()
        self.spaces: dict[str, dict[str, Definition]] = {"event": {}, "parameter": {}}

    def container(self, node: Node, outer: Scope) -> Scope:
        """Open a container of another one; a name that is taken is a problem."""
        if not self.named(node):
            return outer
        if node.name in outer.inner:
            self.report.add(node.place, f"the name {quoted(node.name)} is used twice here")
            return outer.inner[node.name]
        if outer.depth >= MOST_NESTED:
            self.report.add(node.place, f"components nest deeper than {MOST_NESTED} levels")
            return outer
        private = self.role(node, outer) == "private"
        scope = Scope(node.name, outer, private, outer.depth + 1)
        outer.inner[node.name] = scope
        return scope

    def define(self, kind: str, node: Node, scope: Scope) -> Definition | None:
        """Enter an element; a name that is taken is a problem."""
        if not self.named(node):
            return None
        space = "event" if kind in EVENTS else kind
        private = self.role(node, scope) == "private"
        name = scope.path(node.name) if private else node.name
        taken = self.spaces[space].get(name) or scope.elements.get((space, node.name))
        if taken is not None:
            where = f"line {taken.node.line}"
            if taken.node.file != node.file:
                where = f"{taken.node.file}, {where}"
            message = f"{quoted(name)} is defined already, as a {taken.kind} in {where}"
            self.report.add(node.place, message, "every name is defined once")
            return None
        found = Definition(kind, name, scope, node)
        self.spaces[space][name] = found
        scope.elements[space, node.name] = found
        return found

    def resolve(self, space: str, reference: str, scope: Scope) -> Definition | None:
        """What a reference means in a container: the nearest element of that path, else the public name."""
        parts = reference.split(".")
        if len(parts) <= MOST_NESTED + 1:
            nearest: Scope | None = scope
            while nearest is not None:
                found = nearest.find(space, parts)
                if found is not None:
                    return found
                nearest = nearest.parent
        return self.spaces[space].get(reference)

    def role(self, node: Node, scope: Scope) -> str:
        """`public` or `private`: as written, else as the container says."""
        role = node.attributes.get("role")
        if role in ROLES:
            return role
        if role is not None:
            self.report.add(node.place, f"unknown role {quoted(role)}", "public or private")
        return "private" if scope.private else "public"

    def named(self, node: Node) -> bool:
        """Report a definition whose name cannot be one."""
        if "name" not in node.attributes:
            return False  # reported with the attributes
        wrong = wrong_name(node.name)
        if wrong:
            self.report.add(node.place, wrong)
        return not wrong


def wrong_name(name: str) -> str:
    """Why a name cannot be defined, or ""."""
    if not name:
        return "the name is empty"
    if len(name) > MOST_NAME:
        return f"the name has {len(name)} characters; {MOST_NAME} are enough"
    if name != name.strip() or not name.isprintable():
        return "the name has spaces around it or unprintable characters"
    if "." in name:
        return "a name has no dot; dots join the names of containers"
    return ""
