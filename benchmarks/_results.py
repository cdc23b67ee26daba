"""RESULTS.md: one section a kind of benchmark and machine, replaced in place."""

from collections.abc import Sequence
from pathlib import Path


RESULTS = Path(__file__).resolve().parent / "RESULTS.md"
HEADER = """# Results

Measured, not claimed: `python -m benchmarks.NAME --write-results` replaces the section of the machine it runs
on, with NAME one of throughput, fault_tree_speed (`--models DIRECTORY`), collective_speed, clusters, guardrails,
spare_lanes, technologies, gradients. What the columns mean stands in those files. No CUDA device has been at hand
yet: there is no section of one.
"""


def write_section(kind: str, key: str, section: str) -> None:
    """Replace this machine's section of one kind, or append it."""
    text = RESULTS.read_text() if RESULTS.exists() else HEADER
    begin, end = f"<!-- {kind}: {key} -->", f"<!-- end of {kind}: {key} -->"
    block = f"{begin}\n{section}\n{end}"
    before, found, rest = text.partition(begin)
    if found:
        text = before + block + rest.partition(end)[2]
    else:
        text = f"{text.rstrip()}\n\n{block}\n"
    RESULTS.write_text(text)


def table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """A Markdown table with its columns in line."""
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    lines = [head, ["-" * width for width in widths], *body]
    padded = (map(str.ljust, line, widths) for line in lines)
    return "\n".join("| " + " | ".join(line) + " |" for line in padded)
