"""Rules of the code that a glance or a search can check (layers: `lint-imports`)."""

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import fdmc


ROOT = Path(fdmc.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
ROOMS = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(path: Path) -> set[str]:
    """Modules that a file imports, relative ones from the package's root."""
    found = set()
    here = ("fdmc", *path.relative_to(ROOT).with_suffix("").parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(here[: len(here) - node.level]) if node.level else ""
            found.add(".".join(part for part in (base, node.module) if part))
    return found


def test_types_are_checked_in_every_room_but_the_plain_one():
    # The reference has no arrays, and a checked call costs ten times what a call of it does.
    text = (ROOT.parent / "pyproject.toml").read_text()
    options = tomllib.loads(text)["tool"]["pytest"]["ini_options"]["addopts"]
    checked = re.findall(r"fdmc\.(\w+)", options)
    assert sorted([*checked, "reference"]) == ROOMS


def test_jit_and_vmap_only_where_chunks_are_placed():
    # Lowering compiles the thermal side of a package once: op by op it would take seconds.
    allowed = ("collect/", "sizing/", "plan/_heat.py")
    uses = re.compile(r"\bjax\.(jit|vmap|pmap)\b|\bfilter_(jit|vmap)\b")
    found = [name(p) for p in FILES if uses.search(p.read_text())]
    assert [p for p in found if not p.startswith(allowed)] == []
    assert found  # the pattern still sees them


@pytest.mark.parametrize(
    "public",
    [n for n, value in vars(fdmc).items() if not (n.startswith("_") or inspect.ismodule(value))],
)
def test_public_names_are_documented(public):
    document = inspect.getdoc(getattr(fdmc, public))
    assert document
    assert document.split("\n")[0].strip().endswith((".", ":", "?"))


def test_files_are_short():
    lengths = {name(path): len(path.read_text().splitlines()) for path in FILES}
    assert {path: n for path, n in lengths.items() if n > 500} == {}


def test_the_reference_shares_nothing_with_the_engine():
    allowed = {"fdmc.spec", "fdmc.reference"}
    for path in (ROOT / "reference").glob("*.py"):
        modules = imported(path)
        assert not {m for m in modules if m.split(".")[0] in ("jax", "equinox", "numpy", "scipy")}
        ours = {".".join(m.split(".")[:2]) for m in modules if m.startswith("fdmc")}
        assert ours <= allowed, path


def test_the_scenario_needs_no_jax():
    for path in (ROOT / "spec").glob("*.py"):
        assert not {m for m in imported(path) if m.split(".")[0] in ("jax", "equinox")}


def test_files_are_private():
    """A room is used through its door: nobody imports another room's `_file`."""
    for path in FILES:
        room = path.relative_to(ROOT).parts[0]
        for module in imported(path):
            parts = module.split(".")
            if parts[0] == "fdmc" and any(part.startswith("_") for part in parts[1:]):
                assert parts[1] == room or parts[1] == "_typing", f"{name(path)} imports {module}"


def test_nothing_is_printed_or_timed_in_a_kernel():
    for room in ("kernel", "fabric", "plan", "lifetime"):
        for path in (ROOT / room).glob("*.py"):
            assert not imported(path) & {"time", "random", "datetime"}
            assert not re.search(r"\bprint\(", path.read_text()), path


def test_importing_fdmc_is_quiet():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "import fdmc"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == done.stderr == ""
