"""What the README shows is what it prints."""

import contextlib
import io
import re
from pathlib import Path

import pytest

import fdmc


ROOT = Path(__file__).parent.parent
BLOCKS = re.findall(r"```(python|text)\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def test_readme_prints_what_it_says():
    code = [body for kind, body in BLOCKS if kind == "python"]
    said = [body for kind, body in BLOCKS if kind == "text"]
    assert len(code) == 1
    heard = io.StringIO()
    with contextlib.redirect_stdout(heard):
        exec(code[0], {})
    assert heard.getvalue() == said[0]


def test_readme_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text()):
        assert (ROOT / target).exists(), target


EXAMPLES = [
    name for name in dir(fdmc) if not name.startswith("_") and callable(getattr(fdmc, name))
]


@pytest.mark.parametrize("name", EXAMPLES)
def test_public_examples_run(name):
    text = getattr(fdmc, name).__doc__
    assert text, f"fdmc.{name} has no docstring"
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        lines = block.splitlines()
        indent = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
        exec("\n".join(line[indent:] for line in lines), {})
