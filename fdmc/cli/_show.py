"""`fdmc show`, `fdmc schema` and `fdmc list`: what there is, before anything runs."""

import argparse
import collections
import dataclasses
import difflib
from pathlib import Path

from .. import library, report
from ..plan import PlanError
from ..spec import load, schema
from ._errors import GOOD, UsageError
from ._output import show as show_parts, show_json


_NARROWEST = 110  # columns that tables with much text need; narrower terminals wrap the lines


def show(args: argparse.Namespace) -> int:
    """Carry out `fdmc show`; return the exit code."""
    if args.name == "schema" and not Path(args.name).is_file():
        return show_schema(args)
    row = _component(args.name)
    if row is not None:
        return _show_component(args, row)
    _check_name(args.name)
    scenario = load(args.name, args.set)
    if args.path:
        try:
            found = report.instances(scenario, args.path)
        except PlanError:
            raise
        except ValueError as error:
            raise UsageError(f"--path: {error}") from None
        if args.json:
            show_json({"scenario": scenario.name, "fingerprint": scenario.fingerprint, **found})
        else:
            _print([report.instances_table(found)])
        return GOOD
    machine = report.describe(scenario)
    if args.json:
        show_json(report.machine_object(machine))
    else:
        _print([report.headline(machine), *report.machine_tables(machine)])
    return GOOD


def show_schema(args: argparse.Namespace) -> int:
    """Print the JSON Schema of a scenario, which is one JSON object either way."""
    show_json(schema())
    return GOOD


def list_all(args: argparse.Namespace) -> int:
    """Carry out `fdmc list`; return the exit code."""
    found = {}
    if args.what in (None, "scenarios"):
        found["scenarios"] = [_scenario(name) for name in library.scenarios()]
    if args.what in (None, "components"):
        found["components"] = [dataclasses.asdict(row) for row in library.rows().values()]
    if args.json:
        show_json(found)
        return GOOD
    makers = {"scenarios": report.scenarios_table, "components": report.components_table}
    _print([makers[key](rows) for key, rows in found.items()])
    return GOOD


def _scenario(name: str) -> dict:
    scenario = load(name)
    grades = collections.Counter(part.grade for part in scenario.components.values())
    return {
        "name": name,
        "title": scenario.title,
        "fingerprint": scenario.fingerprint,
        "accelerators": scenario.tree.nodes[scenario.fabric.accelerator].total,
        "planes": scenario.fabric.planes,
        "mission_hours": scenario.mission_hours,
        "grades": dict(sorted(grades.items())),
        "made": None if scenario.manufacturing is None else scenario.manufacturing.unit,
    }


def _print(parts):
    show_parts(parts, least=_NARROWEST)


def _component(name: str) -> library.Row | None:
    """Return the library row of that id, capitals or not, unless a scenario is called so."""
    if name in library.scenarios() or Path(name).is_file():
        return None
    return library.rows().get(name.upper())


def _check_name(name: str):
    """Refuse a name that is no file, scenario or component, and say the nearest that is."""
    scenarios = library.scenarios()
    if name in scenarios or Path(name).exists() or Path(name).suffix or "/" in name:
        return
    known = {**{key.lower(): key for key in library.rows()}, **{key: key for key in scenarios}}
    close = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.5)
    hint = f"did you mean '{known[close[0]]}'?" if close else "see `fdmc list`."
    raise UsageError(f"no scenario, file or component is called '{name}'; {hint}")


def _show_component(args: argparse.Namespace, row: library.Row) -> int:
    if args.set or args.path:
        raise UsageError(
            f"--set and --path are for scenarios; {row.id} is a row of the component library."
        )
    values = dataclasses.asdict(row)
    if args.json:
        show_json(values)
        return GOOD
    rows = [
        (key.replace("_", " "), report.number(value) if isinstance(value, float) else value)
        for key, value in values.items()
        if value not in (None, "")
    ]
    _print(
        [
            report.table(
                f"{row.id}: {row.component}",
                ("!field", "value"),
                rows,
                "FIT: failures in 1e9 hours.",
            )
        ]
    )
    return GOOD
