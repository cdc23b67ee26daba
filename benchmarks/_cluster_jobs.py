"""Jobs on whole clusters: how often they stop, and what is left of their time (V05, V06, V13, V14)."""

from collections.abc import Iterator
from typing import Any

import fdmc
from fdmc.workload import ettr, job_mttf_hours

from ._cluster_rows import Published


RSC_1 = 6.50 / 1000  # failures per node of 8 accelerators and day
HOURS_PER_MONTH = 730.0
NODES = "a node fails at a constant rate, every failure stops the job"


def _run(document: dict[str, Any], replicas: int) -> fdmc.Result:
    scenario = fdmc.load({"fdmc": 1, "name": "job", "mission": "5 d", **document})
    return fdmc.run(scenario, stop=fdmc.Replicas(replicas), chunk=replicas)


def nodes(count: int, repair: str = "1 s", **more: Any) -> dict[str, Any]:
    """Nodes at the rate of RSC-1, and a job that needs all of them."""
    return {
        "components": {"node": {"rate": f"{100 * RSC_1} %/d", "repair": repair}},
        "units": {"cluster": {"contains": {"host": count}}, "host": {"components": {"node": 1}}},
        "fabric": {"accelerator": "host", "policy": "drop"},
        **more,
    }


def between_stops(result: fdmc.Result) -> fdmc.Estimate:
    """Mean hours between interruptions."""
    rate = result["interruptions_per_year"]
    low, best, high = (8760 / x for x in (rate.high, rate.best, rate.low))
    return fdmc.Estimate(low, best, high, "h", rate.replicas)


def research_clusters() -> Iterator[Published]:
    """V05: Meta's RSC-1, arXiv 2410.21680."""
    for accelerators, hours in ((16_384, 1.8), (131_072, 0.23)):
        got = between_stops(_run(nodes(accelerators // 8), 256))
        what = f"mean time to failure, {accelerators:,} accelerators"
        yield Published("V05", what, hours, 0.025 * hours, got, NODES)
    for minutes, published, exact in ((60, 0.7, 0.720), (5, 0.93, 0.934)):
        checkpoint = {"write": "0 s", "interval": f"{minutes} min"}
        job = {"checkpoint": checkpoint, "restart": {"resume": "5 min"}}
        what = f"ETTR, checkpoint every {minutes} min"
        told = "a checkpoint costs nothing to write; 16,384 accelerators"
        got = _run(nodes(2048, workload=job), 256)["ettr"]
        yield Published("V05", what, published, 0.02, got, told)
        got = _run({**nodes(2000, workload=job), "mission": "60 d"}, 512)["ettr"]
        share = ettr(
            job_mttf_hours(RSC_1 / 24, 2000),
            interval_hours=minutes / 60,
            write_hours=0.0,
            restart_hours=5 / 60,
        )
        told = f"16,000 accelerators; exact Daly {share:.4f}"
        yield Published("V05", f"{what}, exactly", exact, 0.002, got, told)


def measured_by_meta() -> Iterator[Published]:
    """The first negative control: 7.9 h measured at 1,024 accelerators is not what node failures give."""
    got = between_stops(_run({**nodes(128), "mission": "1 y"}, 256))
    told = "negative control: the series model gives 28.8 h, the measured value has causes besides"
    what = "mean time to failure measured at 1,024 accelerators"
    yield Published("V05.no", what, 7.9, 0.025 * 7.9, got, told, "control")


def stalls() -> Iterator[Published]:
    """V06: FT-HSDP, arXiv 2602.00277: a queue with one server, up for 1 - R / M of the wall clock."""
    told = "on the wall clock, one stall after the other; rate of RSC-1"
    for minutes, published, tolerance in ((10, 0.44, 0.01), (3, 0.80, 0.05)):
        document = nodes(
            98_304 // 8,
            f"{minutes} min",
            start="stationary",
            run_in="1 d",
            service={"technicians": 1},
        )
        got = _run(document, 512)["work_rate"]
        what = f"useful share of 98,304 accelerators, stalls of {minutes} min"
        yield Published("V06", what, published, tolerance, got, told)


def crashes_a_month() -> Iterator[Published]:
    """V13: Alibaba HPN, SIGCOMM 2024."""
    link, switch = (share / HOURS_PER_MONTH * 1e9 for share in (0.057e-2, 0.051e-2))
    for gpus, published in ((2304, 1.33), (3072, 1.78)):
        document = {
            "mission": "1 y",
            "components": {
                "link": {"rate": f"{link} FIT", "repair": "1 s"},
                "switch": {"rate": f"{switch} FIT", "repair": "1 s"},
            },
            "units": {
                "job": {"contains": {"gpu": gpus}, "components": {"switch": gpus // 64}},
                "gpu": {"components": {"link": 1}},
            },
            "fabric": {"accelerator": "gpu", "policy": "drop"},
        }
        got = _run(document, 4096)["interruptions_per_year"].scaled(1 / 12, "a month")
        told = "a NIC-ToR link for each accelerator, a ToR switch for 64 of them"
        what = f"crashes of a job of {gpus:,} accelerators"
        yield Published("V13", what, published, 0.01 * published, got, told)


LLAMA = {"gpu": 148, "hbm": 72, "switch": 35, "sram": 19, "gsp": 17, "nic": 7}
INTERRUPTIONS, LLAMA_DAYS, LLAMA_GPUS = 419, 54, 16_384


def llama() -> Iterator[Published]:
    """V14: Llama 3, table 5: every kind of failure at its own rate."""
    counts = LLAMA | {"rest": INTERRUPTIONS - sum(LLAMA.values())}
    hours = LLAMA_DAYS * 24 * LLAMA_GPUS
    document = {
        "mission": f"{LLAMA_DAYS} d",
        "components": {
            kind: {"rate": f"{count / hours * 1e9} FIT", "repair": "1 s"}
            for kind, count in counts.items()
        },
        "units": {
            "cluster": {"contains": {"package": LLAMA_GPUS}},
            "package": {"components": dict.fromkeys(counts, 1)},
        },
        "fabric": {"accelerator": "package", "policy": "drop"},
    }
    result = _run(document, 512)
    told = "rates are counts over time"
    got = between_stops(result)
    yield Published("V14", "mean time to interruption", 3.09, 0.03, got, told)
    per_year = 8760 / 24 / LLAMA_DAYS
    for kind, count in LLAMA.items():
        got = result[f"occurrences_per_year.{kind}"].scaled(1 / per_year, "failures")
        what = f"failures of {kind} in {LLAMA_DAYS} days"
        yield Published("V14", what, count, 0.02 * count, got, told)
        if kind == "gpu":
            got = got.scaled(1 / INTERRUPTIONS, "1")
            printed = "from the counts: the 30.1 % that is printed for it is wrong"
            yield Published("V14", "share of those in all", 0.353, 0.01, got, printed)


CASES = {
    "V05": research_clusters,
    "V05.no": measured_by_meta,
    "V06": stalls,
    "V13": crashes_a_month,
    "V14": llama,
}
