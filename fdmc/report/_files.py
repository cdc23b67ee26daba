"""A result on disk: JSON for programs, NetCDF for xarray, figures for people."""

import json
from collections.abc import Sequence
from pathlib import Path

from ..collect import AbstractStop, Result
from ..tally import Estimate
from ._caption import lost_goodput, precision, stopped_by
from ._figures import save_figures
from ._format import plain


def run_object(result: Result, rules: Sequence[AbstractStop]) -> dict:
    """Return what `fdmc run --json` prints: finite numbers and nulls only."""
    lost = lost_goodput(result)
    return plain(
        {
            **result.to_dict(),
            "stopped_by": stopped_by(result, rules),
            "relative_width": precision(result),
            "lost_goodput": _said(lost),
            "contributors": {
                by: [
                    {"name": c.name, **_said(c.goodput), "share": c.share, "grade": c.grade}
                    for c in result.contributors(by)
                ]
                for by in ("component", "level", "fru")
            },
        }
    )


def _said(e: Estimate) -> dict:
    return {"low": e.low, "best": e.best, "high": e.high, "unit": e.unit, "status": e.status}


def save(result: Result, rules: Sequence[AbstractStop], folder: Path) -> list[str]:
    """Write `result.json`, `result.nc` and the figures into `folder`; return the file names."""
    text = json.dumps(run_object(result, rules), indent=1, allow_nan=False)
    (folder / "result.json").write_text(text + "\n", encoding="utf-8")
    result.to_xarray().to_netcdf(folder / "result.nc", engine="scipy")
    return ["result.json", "result.nc", *(path.name for path in save_figures(result, folder))]
