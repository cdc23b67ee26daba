"""Numbers for people: as many digits as the interval carries, units beside them."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..spec import Competing, Exponential, Fixed, Gamma, Law, LogNormal, Weibull
from ..tally import Estimate


_Z90 = 1.2815515655446004  # 90 % quantile of the standard normal


def number(value: float | int, digits: int = 3) -> str:
    """Return a known number with up to `digits` significant digits: `6,970`, `24`, `3.2e-7`."""
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    text = _fixed(value, digits - 1 - math.floor(math.log10(abs(value))))
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}{e}{exponent}"


def _fixed(value: float, decimals: int) -> str:
    """Return a number rounded to so many decimals; tiny and huge ones in powers of ten."""
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 1e12 or (0 < size < 1e-4 and round(value, max(decimals, 0)) != 0):
        digits = max(0, decimals + math.floor(math.log10(size)))
        mantissa, exponent = f"{value:.{min(digits, 6)}e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    text = f"{round(value, min(decimals, 15)):,.{max(0, min(decimals, 15))}f}"
    return text.lstrip("-") if not text.strip("-0.,") else text


def digits_of(estimate: Estimate, scale: float = 1.0) -> int:
    """Return the decimals that an interval carries: the last one shown is a tenth of its width."""
    width = estimate.width * scale
    if width > 0 and math.isfinite(width) and estimate.best != 0:
        # An interval wider than the number itself must not round it to nothing.
        least = 1 - math.floor(math.log10(abs(estimate.best) * scale))
        return max(1 - math.floor(math.log10(width)), min(least, 12))
    size = (
        max(abs(estimate.best), abs(estimate.high) if math.isfinite(estimate.high) else 0) * scale
    )
    return 1 - math.floor(math.log10(size)) if size > 0 else 0


def best(estimate: Estimate) -> str:
    """Return the best value with its unit left to the heading; fractions are in percent."""
    if estimate.status == "no_hits":
        return "none seen"
    if estimate.status == "exact":
        return number(estimate.best * scale_of(estimate), 4)
    if not math.isfinite(estimate.best):
        return "–"
    scale = scale_of(estimate)
    return _fixed(estimate.best * scale, digits_of(estimate, scale))


def interval(estimate: Estimate) -> str:
    """Return `[low, high]`, one-sided where nothing was seen, `exact` where nothing was sampled."""
    if estimate.status == "exact":
        return "exact"
    scale = scale_of(estimate)
    decimals = digits_of(estimate, scale)
    low, high = estimate.low * scale, estimate.high * scale
    if estimate.status in ("one_replica", "no_replicas") or not math.isfinite(low + high):
        return "unknown"
    return f"[{_fixed(low, decimals)}, {_fixed(high, decimals)}]"


def scale_of(estimate: Estimate) -> float:
    """Return 100 for fractions, which are shown in percent, and 1 for all else."""
    return 100.0 if estimate.unit == "1" else 1.0


def unit_of(estimate: Estimate) -> str:
    """Return the unit as shown: `%` for fractions."""
    return "%" if estimate.unit == "1" else estimate.unit


def percent(share: float | int) -> str:
    """Return a share in percent as it stands in a sentence: `57.7 %`, `0.457 %`."""
    return f"{number(100 * share)} %"


def share(part: float | int) -> str:
    """Return a share in percent with one decimal, for columns: `57.7 %`, `< 0.1 %`."""
    return "< 0.1 %" if 0 < part < 5e-4 else f"{100 * part:.1f} %"


def fraction(share: float) -> str:
    """Return `all`, `1/32`, or a percentage."""
    if math.isclose(share, 1.0, rel_tol=1e-6):
        return "all"
    parts = 1 / share if share > 0 else math.inf
    if math.isfinite(parts) and math.isclose(parts, round(parts), rel_tol=1e-6):
        return f"1/{round(parts)}"
    return percent(share)


def duration(hours: float | int) -> str:
    """Return a time as people say it: `30 min`, `24 h`, `21 d`, `5 y`."""
    if not math.isfinite(hours):
        return "never"
    for size, name in ((8760.0, "y"), (24.0, "d"), (1.0, "h"), (1 / 60, "min"), (1 / 3600, "s")):
        exact = math.isclose(hours / size, round(hours / size), rel_tol=1e-6)
        if hours >= (size if name != "d" or exact else 96.0) and (name != "d" or hours >= 96.0):
            return f"{number(hours / size)} {name}"
    return f"{number(hours * 3.6e6)} ms" if hours else "0 s"


def law(value: Law) -> str:
    """Return a lifetime or a repair time in a few words, times in readable units."""
    match value:
        case Exponential(mean_hours=mean):
            return f"exponential, mean {duration(mean)}"
        case Fixed(hours=hours):
            return duration(hours)
        case Weibull(shape=shape, scale_hours=scale):
            return f"Weibull, shape {number(shape)}, scale {duration(scale)}"
        case LogNormal(median_hours=median, sigma=sigma):
            p90 = median * math.exp(_Z90 * sigma)
            return f"lognormal, median {duration(median)}, p90 {duration(p90)}"
        case Gamma(shape=shape, scale_hours=scale):
            return f"gamma, shape {number(shape)}, scale {duration(scale)}"
        case Competing(laws=laws):
            return "the least of: " + "; ".join(law(one) for one in laws)
    raise TypeError(f"unknown law {value}.")


def plain(value: Any) -> Any:
    """Return what JSON can hold: no NaN, no infinity (null instead), no NumPy, no dataclass."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value
