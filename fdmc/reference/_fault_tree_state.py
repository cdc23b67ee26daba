"""The instant of a dynamic fault tree: which elements are failed, claimed and active, one name at a time."""

from ..spec.fault_tree import FaultTree, Formula
from ._fault_tree_law import possible


class State:
    """The elements of a tree by name; nested formulas have names of their own (`gate/0`).

    `failed` elements; `late` arguments of order gates (gate, argument); `uses`, what every spare gate uses;
    `awake`, the spare arguments whose modules are active.
    """

    def __init__(self, tree: FaultTree):
        self.tree = tree
        events, parameters = tree.basic_events.values(), tree.parameters
        self.repairable = any(possible(e.repair, parameters) for e in events) or any(
            d.kind == "inspection" for d in tree.dependencies.values()
        )
        self.formulas: dict[str, tuple[str, list[str], int, int]] = {}
        for name, gate in tree.gates.items():
            self._flatten(name, gate.formula)
        depth: dict[str, int] = {}
        for name in self.formulas:
            self._measure(name, depth)
        self.order = sorted(self.formulas, key=lambda n: depth[n])  # stable: then as written
        self.spares = [name for name in self.order if self.formulas[name][0] == "spare"]
        self.module = self._modules()
        self.failed = {name for name, state in tree.house_events.items() if state}
        self.late: set[tuple[str, str]] = set()
        self.uses = {name: self.formulas[name][1][0] for name in self.spares}
        self.awake: set[str] = set()
        self.settle(set())

    def _flatten(self, name: str, formula: Formula):
        args = []
        for i, arg in enumerate(formula.args):
            if isinstance(arg, Formula):
                args.append(f"{name}/{i}")
                self._flatten(args[-1], arg)
            elif str(arg) not in self.tree.dependencies:  # as an argument it never fails
                args.append(str(arg))
        self.formulas[name] = (formula.op, args, formula.least, formula.most)

    def _measure(self, name: str, depth: dict[str, int]) -> int:
        if name not in self.formulas:
            return 0
        if name not in depth:
            args = self.formulas[name][1]
            depth[name] = 1 + max((self._measure(a, depth) for a in args), default=0)
        return depth[name]

    def _modules(self) -> dict[str, set[str]]:
        """The spare arguments that an event or a spare gate is activated with; none for those of the top."""
        module: dict[str, set[str]] = {}
        for spare in self.spares:
            for root in self.formulas[spare][1]:
                for name in self._joined(root):
                    module.setdefault(name, set()).add(root)
        for name in self._joined(self.tree.tops[0]):
            module.pop(name, None)
        return module

    def _joined(self, root: str) -> set[str]:
        """What is joined to an element through gates that are no spare gates, downward and upward."""
        seen, work = {root}, [root]
        while work:
            name = work.pop()
            op, args, *_ = self.formulas.get(name, ("", []))
            if op != "spare":
                near = [n for n, (o, a, *_) in self.formulas.items() if o != "spare" and name in a]
                near += args
                work += [n for n in near if n not in seen]
                seen.update(near)
        return seen

    def is_active(self, name: str) -> bool:
        """Whether an event or a spare gate is active."""
        return name not in self.module or bool(self.module[name] & self.awake)

    def settle(self, before: set[str]):
        """One instant after what was failed `before`: ask every gate once, arguments first, and pass activation on."""
        for name in self.order:
            op, args, least, most = self.formulas[name]
            if op == "spare":
                holds = self._spare(name, args)
            elif op.startswith(("pand", "por")):
                holds = self._ordered(name, op, args, before)
            else:
                holds = _static(op, [a in self.failed for a in args], least)
            if not self.repairable:
                holds = holds or name in before
            (self.failed.add if holds else self.failed.discard)(name)
        self._activate()

    def _activate(self):
        if self.repairable:
            self.awake = set()
        known = None
        while known != self.awake:
            known = set(self.awake)
            for spare in self.spares:
                if self.is_active(spare) and spare not in self.failed:
                    self.awake.add(self.uses[spare])

    def _spare(self, name: str, args: list[str]) -> bool:
        """Keep what is used, else claim the leftmost free argument; with repairs, always the leftmost."""
        if name in self.failed and not self.repairable:
            return True
        taken = {u for other, u in self.uses.items() if other != name and other not in self.failed}
        free = [a for a in args if a not in self.failed and a not in taken]
        if self.uses[name] not in free or self.repairable:
            self.uses[name] = free[0] if free else self.uses[name]
        return not free

    def _ordered(self, name: str, op: str, args: list[str], before: set[str]) -> bool:
        """An argument is late from a failure out of order until it works again."""
        strict = op.endswith("exclusive")
        for i, arg in enumerate(args[1:]):
            first = args[i] if op.startswith("pand") else args[0]
            was_late, new = (name, arg) in self.late, arg not in before
            late = (was_late and not new) or first not in self.failed
            if strict and new and first not in before:
                late = True
            self.late.discard((name, arg))
            if late and arg in self.failed:
                self.late.add((name, arg))
        in_order = not any((name, arg) in self.late for arg in args)
        wanted = args if op.startswith("pand") else args[:1]
        return in_order and all(a in self.failed for a in wanted)

    def _allowed(self, before: set[str]) -> bool:
        """Whether no sequence or mutual exclusion forbids what has failed."""
        for dependency in self.tree.dependencies.values():
            args = [a for a in dependency.args if a not in self.tree.dependencies]
            new = [a in self.failed and a not in before for a in args]
            if dependency.kind == "mutex":
                if any(new) and sum(a in self.failed for a in args) > 1:
                    return False
            elif dependency.kind == "seq":
                for i in range(1, len(args)):
                    if new[i] and args[i - 1] not in self.failed:
                        return False
        return True

    def fail(self, name: str) -> bool:
        """Fail one event and settle; where that is forbidden nothing has happened, and False is returned."""
        kept = (set(self.failed), set(self.late), dict(self.uses), set(self.awake))
        self.failed.add(name)
        self.settle(kept[0])
        if not self._allowed(kept[0]):
            self.failed, self.late, self.uses, self.awake = kept
            return False
        return True


def _static(op: str, states: list[bool], least: int) -> bool:
    match op:
        case "and":
            return all(states)
        case "or" | "is":
            return any(states)
        case "atleast":
            return sum(states) >= least
    raise ValueError(f"`{op}` has no meaning in time.")
