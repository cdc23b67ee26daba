"""Common causes, shocks and dependencies: members that exist, factors that belong to the model."""

from collections.abc import Callable
from itertools import chain

from ._check_expression import ExpressionCheck
from ._error import Place, Report, quoted
from ._model import CommonCause, Dependency, FaultTree
from ._words import CCF_MODELS


DEPENDENCIES = {"fdep": 2, "seq": 1, "mutex": 1, "rdep": 2, "inspection": 1}
"""The kinds of dependencies, with the least number of their elements."""

Where = Callable[[str, str], Place]


def check_couplings(
    tree: FaultTree, place: Where, expressions: ExpressionCheck, report: Report
) -> None:
    """Report what is wrong with the common causes, shocks and dependencies of a tree."""
    owner: dict[str, str] = {}
    for name, group in tree.common_causes.items():
        here = place("CCF-group", name)
        expressions.probability(group.probability, here.inside("distribution"))
        _check_members(group.members, tree, here, report)
        for member in dict.fromkeys(group.members):
            if member in owner:
                report.add(here, f"{quoted(member)} is a member of {quoted(owner[member])} already")
            owner[member] = name
        _check_factors(group, expressions, here, report)
    for name, shock in tree.shocks.items():
        here = place("shock", name)
        expressions.probability(shock.probability, here)
        _check_members(shock.members, tree, here, report, least=1)
        if not 0.0 < shock.lethality <= 1.0:
            report.add(here, f"the lethality is {shock.lethality}, not above 0 and at most 1")
    for name, dependency in tree.dependencies.items():
        _check_dependency(dependency, tree, place("dependency", name), report)


def _check_members(
    members: tuple[str, ...], tree: FaultTree, here: Place, report: Report, least: int = 2
) -> None:
    if len(members) < least:
        report.add(here, f"has {len(members)} members", f"write at least {least}")
    if len(set(members)) < len(members):
        report.add(here, "names a member twice")
    for member in members:
        if member not in tree.basic_events:
            hint = report.like(member, tree.basic_events)
            report.add(here, f"no basic event {quoted(member)} is defined", hint)


def _check_factors(
    group: CommonCause, expressions: ExpressionCheck, here: Place, report: Report
) -> None:
    count = len(group.members)
    levels = [level for level, _ in group.factors]
    if group.model not in CCF_MODELS:
        hint = report.like(group.model, CCF_MODELS)
        report.add(here, f"unknown model {quoted(group.model)}", hint)
    elif group.model == "beta-factor":
        if levels != [count]:
            report.add(here, "needs one factor, of the level of all members", f'level="{count}"')
    else:
        first = 2 if group.model == "MGL" else 1
        if not levels or levels != list(range(first, first + len(levels))) or levels[-1] > count:
            message = f"has factors of the levels {', '.join(map(str, levels[:20])) or 'none'}"
            hint = f"write them from level {first} on, without gaps, to at most {count}"
            report.add(here, message, hint)
    for level, factor in group.factors:
        expressions.probability(factor, here.inside(f'factor "{level}"'))
    numbers = [factor for _, factor in group.factors if isinstance(factor, float)]
    if group.model == "phi-factor" and len(numbers) == len(levels) and abs(sum(numbers) - 1) > 1e-6:
        report.add(here, f"the factors add up to {sum(numbers):g}", "they must add up to 1")
    if group.model == "alpha-factor" and len(numbers) == len(levels) > 0 and not any(numbers):
        report.add(here, "all factors are 0")


def _check_dependency(dependency: Dependency, tree: FaultTree, here: Place, report: Report) -> None:
    if dependency.kind not in DEPENDENCIES:
        hint = report.like(dependency.kind, DEPENDENCIES)
        report.add(here, f"unknown dependency {quoted(dependency.kind)}", hint)
        return
    least = DEPENDENCIES[dependency.kind]
    if len(dependency.args) < least:
        report.add(here, f"`{dependency.kind}` needs at least {least} elements")
    for name in dependency.args:
        if name not in tree.gates and name not in tree.basic_events:
            hint = report.like(name, chain(tree.gates, tree.basic_events))
            report.add(here, f"no gate or event {quoted(name)} is defined", hint)
    if not 0.0 <= dependency.probability <= 1.0:
        report.add(here, f"the probability is {dependency.probability}", "it must be from 0 to 1")
    if dependency.kind == "inspection" and not (dependency.phases > 0 and dependency.rate > 0.0):
        report.add(here, "an inspection needs at least one phase, and a rate above 0")
