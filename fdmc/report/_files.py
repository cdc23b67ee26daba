"""A result on disk: JSON for programs, NetCDF for xarray, figures for people."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..collect import AbstractStop, Gradient, HeatShares, Result
from ..spec import Scenario
from ..tally import Estimate
from ._caption import lost_goodput, precision, stopped_by
from ._costs_figure import save_cost_figure
from ._figures import save_figures
from ._format import plain
from ._heat_figure import save_heat_figure


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


def shares_object(shares: HeatShares) -> dict:
    """Return the key `heat_shares` of `fdmc run --json`."""
    return {
        effect: {"gain": _said(gain), "share": _said(shares.share[effect])}
        for effect, gain in shares.gain.items()
    }


def gradient_object(gradient: Gradient) -> dict:
    """Return the key `gradient` of `fdmc run --json`: of lost goodput, by path."""
    return {
        path: {
            "total": _said(total),
            "by_rate": _said(gradient.by_rate[path]),
            "by_light": _said(gradient.by_light[path]),
            **({"by_work": _said(gradient.by_work[path])} if path.startswith("workload.") else {}),
        }
        for path, total in gradient.total.items()
    }


def _said(e: Estimate) -> dict:
    return {"low": e.low, "best": e.best, "high": e.high, "unit": e.unit, "status": e.status}


def save(
    result: Result,
    rules: Sequence[AbstractStop],
    folder: Path,
    scenario: Scenario | None = None,
    more: Mapping[str, object] | None = None,
) -> list[str]:
    """Write `result.json`, `result.nc` and the figures into `folder`; return the file names.

    **Arguments:** with the `scenario`, its heat and its costs get figures; `more` keys go into `result.json`.
    """
    text = json.dumps({**run_object(result, rules), **plain(more or {})}, indent=1, allow_nan=False)
    (folder / "result.json").write_text(text + "\n", encoding="utf-8")
    result.to_xarray().to_netcdf(folder / "result.nc", engine="scipy")
    figures = save_figures(result, folder)
    if scenario is not None:
        figures += save_heat_figure(result, scenario, folder)
        figures += save_cost_figure(result, scenario, folder)
    return ["result.json", "result.nc", *(path.name for path in figures)]
