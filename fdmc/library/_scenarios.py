"""The scenarios that come with fdmc."""

import importlib.resources
import pathlib


def scenarios() -> dict[str, pathlib.Path]:
    """The packaged scenarios, name to file, in alphabetical order."""
    folder = importlib.resources.files("fdmc.library") / "scenarios"
    files = (pathlib.Path(str(file)) for file in folder.iterdir())
    return {
        file.stem: file
        for file in sorted(files, key=lambda file: file.stem)
        if file.suffix == ".yaml"
    }
