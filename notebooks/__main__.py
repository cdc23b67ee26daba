"""Run every notebook from its percent source; fails when a cell raises."""

import sys
import time
from pathlib import Path

import jupytext
import nbclient


def main() -> int:
    """Execute the notebooks beside this file and say how long each took."""
    for source in sorted(Path(__file__).parent.glob("[0-9]*.py")):
        notebook = jupytext.read(source)
        start = time.perf_counter()
        nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
        print(f"{source.name}: {len(notebook.cells)} cells, {time.perf_counter() - start:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
