"""Three guardrails of co-packaged light, computed for the packaged scenarios.

    python -m benchmarks.guardrails [--replicas N] [--packages N] [--tables a,b,c] [--json] [--write-results]

a  integration depth against thermal stability: the deeper the engine sits, the closer its rings are to their limits;
b  yield-adjusted against peak bandwidth: what a package started delivers, and what a delivered Tb/s costs;
c  replacement at chiplet, package and board level: what is thrown away with an engine, and what its swap takes out.

Numbers in brackets are 95 % intervals over histories, or over machines of made packages; numbers without are exact.
Every scenario is 64 accelerators with 64 lanes of 100 Gb/s. Exit status 1 when a sampled yield is more than 4.9
standard deviations from its closed form.
"""

import argparse
import dataclasses
import functools
import json
import math
import sys
from collections.abc import Callable, Iterator

import fdmc
from fdmc import Estimate
from fdmc.report import describe

from ._measure import machine
from ._results import table, write_section


DEPTH = ("npo", "cpo-2d", "cpo-2.5d", "cpo-3d")
COOLANTS = ("40 degC", "45 degC")
MADE = (*DEPTH, "cpo-chiplet", "cpo-monolithic", "vcsel-2d", "inp-2d")
ENGINE = (
    "service.replace.engine={swap: engine, takes_out: tray, time: 4 h, stock: 4, restock: 21 d}"
)
BOARD = (
    "service.replace.engine={swap: tray, takes_out: tray, "
    "time: {lognormal: {median: 24 h, p90: 72 h}}, stock: 2, restock: 21 d}"
)
LEVELS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("npo", "chiplet, in a socket", "engine", ()),
    ("cpo-2d", "chiplet, if it could be", "engine", (ENGINE,)),
    ("cpo-2d", "package", "package", ()),
    ("cpo-2d", "board", "tray", (BOARD,)),
    ("cpo-3d", "package", "package", ()),
    ("cpo-3d", "board", "tray", (BOARD,)),
)
PACKAGES_ON_A_TRAY = 4
Z_LIMIT = 4.9
Row = dict[str, "str | Estimate"]


@dataclasses.dataclass(frozen=True)
class Asked:
    """How much is drawn."""

    replicas: int
    packages: int


@functools.cache
def run(name: str, sets: tuple[str, ...], replicas: int) -> fdmc.Result:
    """Run a scenario once, whatever table asks for it."""
    return fdmc.run(fdmc.load(name, sets), stop=fdmc.Replicas(replicas))


@functools.cache
def made(name: str, packages: int) -> fdmc.ManufacturingResult:
    """The factory of a scenario."""
    return fdmc.manufacture(name, packages=packages)


def depth(asked: Asked) -> Iterator[Row]:
    """Integration depth against thermal stability."""
    for coolant in COOLANTS:
        for name in DEPTH:
            result = run(name, (f"thermal.coolant={coolant}",), asked.replicas)
            yield {
                "scenario": name,
                "coolant": coolant,
                "steady dark lanes, %": result["steady_dark_lanes"],
                "thermally stable throughput, %": result["thermally_stable_throughput"],
                "its 1 % quantile": result["thermally_stable_throughput.p1"],
                "lost goodput, %": result["goodput"].complement(),
            }


def bandwidth(asked: Asked) -> Iterator[Row]:
    """Yield-adjusted against peak bandwidth."""
    for name in MADE:
        found = made(name, asked.packages)
        yield {
            "scenario": name,
            "made": found.unit,
            "units that ship, %": found["unit.ship_prob"],
            "sampled": found.sampled["unit.ship_prob"],
            "spares left of": f"{found['unit.spares_left'].best:.2f} of {found.groups * found.spares}",
            "peak, Tb/s": found["product.peak_bandwidth"],
            "packages that ship, %": found["product.ship_prob"],
            "yield-adjusted, Tb/s": found["product.yield_adjusted_bandwidth"],
            "USD per Tb/s": found["product.cost_per_tbps"],
        }


def replacement(asked: Asked) -> Iterator[Row]:
    """Replacement at chiplet, package and board level."""
    for name, level, fru, sets in LEVELS:
        result = run(name, sets, asked.replicas)
        factory = made(name, asked.packages)
        package = factory["product.cost"].best
        cost = {
            "engine": factory["unit.cost"].best,
            "package": package,
            "tray": PACKAGES_ON_A_TRAY * package,
        }[fru]
        # Nothing else is asked of them than how often they fail: that is exact.
        units = {unit.name: unit for unit in describe(fdmc.load(name, sets)).units}
        failures = units["engine"].occurrences_per_year
        yield {
            "scenario": name,
            "replaced with an engine": level,
            "FRU": fru,
            "cost of one, USD": f"{cost:.0f}",
            "engine failures a year": f"{failures:.3f}",
            "thrown away, USD a year": f"{failures * cost:.0f}",
            "accelerator h/y lost to engines and lanes": together(
                result,
                "lost_accelerator_hours_per_year.level.engine",
                "lost_accelerator_hours_per_year.level.lane",
            ),
            "lost goodput, %": result["goodput"].complement(),
        }


def together(result: fdmc.Result, *starts: str) -> Estimate:
    """The sum of some metrics; their errors are taken as independent."""
    some = [result[name] for name in result if name.startswith(starts)]
    seen = [e for e in some if e.status == "ok"]
    best = sum(e.best for e in some)
    down = math.sqrt(sum((e.best - e.low) ** 2 for e in seen))
    up = math.sqrt(sum((e.high - e.best) ** 2 for e in seen))
    return Estimate(max(best - down, 0.0), best, best + up, some[0].unit, result.replicas)


TABLES: dict[str, tuple[str, Callable[[Asked], Iterator[Row]]]] = {
    "a": ("Integration depth against thermal stability", depth),
    "b": ("Yield-adjusted against peak bandwidth", bandwidth),
    "c": ("Replacement at chiplet, package and board level", replacement),
}


def shown(value: "str | Estimate") -> str:
    """A cell: the best value, and its interval unless it is exact; shares in percent."""
    if isinstance(value, str):
        return value
    scale = 100.0 if value.unit == "1" else 1.0
    low, best, high = (scale * x for x in (value.low, value.best, value.high))
    if value.width == 0:
        return f"{best:.4g}"
    half = max(high - low, 1e-300)
    digits = max(0, min(8, 1 - _exponent(half)))
    return f"{best:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def _exponent(x: float) -> int:
    return int(f"{x:e}".partition("e")[2])


def off(rows: list[Row]) -> list[str]:
    """The scenarios whose sampled yield is not that of the closed form."""
    wrong = []
    for row in rows:
        exact, seen = row.get("units that ship, %"), row.get("sampled")
        if isinstance(exact, Estimate) and isinstance(seen, Estimate):
            if abs(seen.best - exact.best) > Z_LIMIT / 1.96 * seen.width / 2:
                wrong.append(str(row["scenario"]))
    return wrong


def main(argv: list[str] | None = None) -> int:
    """Compute the tables, print them; the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--replicas", type=int, default=2000, help="histories a run")
    parser.add_argument("--packages", type=int, default=10_000_000, help="units a factory")
    parser.add_argument("--tables", default="a,b,c", help="which, such as a,c")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--write-results", action="store_true", help="replace RESULTS.md's section")
    options = parser.parse_args(argv)
    asked, parts, wrong = Asked(options.replicas, options.packages), [], []
    for key in options.tables.split(","):
        title, rows_of = TABLES[key]
        rows = list(rows_of(asked))
        wrong += off(rows)
        body = [[shown(value) for value in row.values()] for row in rows]
        parts.append(f"**{title}**\n\n{table(list(rows[0]), body)}")
        for row in rows:
            if options.json:
                plain = {
                    k: dataclasses.asdict(v) if isinstance(v, Estimate) else v
                    for k, v in row.items()
                }
                print(json.dumps({"table": key, **plain}), flush=True)
        if not options.json:
            print(f"\n{parts[-1]}", flush=True)
    if options.write_results:
        write_section("guardrails", "all", _section(options, parts))
    for name in wrong:
        print(f"{name}: the sampled yield is not that of the closed form", file=sys.stderr)
    return int(bool(wrong))


def _section(options, parts: list[str]) -> str:
    where = machine()
    said = (
        "## Guardrails\n\n"
        f"`python -m benchmarks.guardrails --write-results`: {options.replicas:,} histories of 5 years a run, "
        f"{options.packages:,} made units a factory; {where['date']}, {where['versions']}.\n"
        "Brackets are 95 % intervals, numbers without are exact. Yields of photonic dies and temperatures of "
        "co-packaged engines\nare estimates: the packaged scenarios say which.\n\n"
    )
    return said + "\n\n".join(parts)


if __name__ == "__main__":
    sys.exit(main())
