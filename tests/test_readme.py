"""What README and docs show is what they print."""

import contextlib
import io
import itertools
import re
import shlex
from pathlib import Path

import pytest

import fdmc
from fdmc import cli


ROOT = Path(__file__).parent.parent
PAGES = ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))]
PRINTING = [
    "README.md",
    "docs/fault-trees.md",
    "docs/yields.md",
    pytest.param("docs/heat.md", marks=pytest.mark.verification),
    "docs/gradients.md",
    "docs/sizing.md",
]


@pytest.mark.parametrize("page", PRINTING)
def test_pages_print_what_they_say(page, monkeypatch):
    """The Python of a page runs in one go, each block printing the text block that follows it."""
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"```(python|text)\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    kinds = [kind for kind, _ in blocks]
    names: dict = {}
    for (kind, body), (after, said) in itertools.pairwise(blocks):
        if kind == "python" and after == "text":
            heard = io.StringIO()
            with contextlib.redirect_stdout(heard):
                exec(body, names)
            assert heard.getvalue() == said
    assert "python" in kinds


@pytest.mark.parametrize(
    "page",
    [
        "docs/heat.md",
        "docs/costs.md",
        pytest.param("docs/fleets.md", marks=pytest.mark.verification),
    ],
)
def test_commands_print_what_the_page_says(page, monkeypatch, capsys):
    """A `console` block is a command and lines of its output in their order; `...` stands for others."""
    monkeypatch.chdir(ROOT)
    blocks = re.findall(
        r"```console\n\$ fdmc (.*?)\n(.*?)```", (ROOT / page).read_text(), re.DOTALL
    )
    assert blocks
    for command, body in blocks:
        assert cli.main(shlex.split(command)) == 0
        said = iter([line.rstrip() for line in capsys.readouterr().out.splitlines()])
        for line in body.splitlines():
            assert line in ("", "...") or line in said, line


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text()):
        assert ((ROOT / page).parent / target).exists(), target


EXAMPLES = [
    name for name in dir(fdmc) if not name.startswith("_") and callable(getattr(fdmc, name))
]


@pytest.mark.parametrize("name", EXAMPLES)
def test_public_examples_run(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    text = getattr(fdmc, name).__doc__
    assert text, f"fdmc.{name} has no docstring"
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        lines = block.splitlines()
        indent = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
        exec("\n".join(line[indent:] for line in lines), {})
