"""Which questions a scenario gets exact answers to, which are sampled, which refused, and why."""

import dataclasses

from ..spec import Exponential, Scenario
from ._gradients import unseen


EXACT, SAMPLED, REFUSED = "exact", "sampled", "refused"


@dataclasses.dataclass(frozen=True)
class Question:
    """A question, how fdmc answers it (exact, sampled or refused), and why so."""

    question: str
    answer: str
    why: str


def questions(scenario: Scenario, refusal: str | None) -> tuple[Question, ...]:
    """Return every question and its answer; `refusal` is why there can be no histories."""
    found = [*_exact(scenario)]
    if refusal is None:
        found += _sampled(scenario)
    else:
        found.append(
            Question("goodput, availability, blame, occurrences, spares", REFUSED, refusal)
        )
    return (*found, *_refused(scenario, refusal))


def _exact(scenario: Scenario):
    built = any(unit.structure is not None for unit in scenario.units.values())
    worn = sorted(
        name
        for name, part in scenario.components.items()
        if not all(isinstance(way.lifetime, Exponential) for way in part.mechanisms)
    )
    yield Question("failure budget (FIT) per level", EXACT, "a sum over components")
    note = f"; for {', '.join(worn)} the long-run mean, not that of the first years" if worn else ""
    if scenario.environment is not None:
        note += "; at the mean acceleration over the environment's cycle"
    yield Question(
        "occurrences a year with every part in working order",
        EXACT,
        f"budget times 8,760 h, an upper bound of what a run counts as failed parts do not fail "
        f"again{note}",
    )
    yield Question(
        "survival of the mission and mean time to first loss, without repair",
        EXACT,
        f"components are independent: series{', structures' if built else ''} and k-of-n groups in "
        "closed form, the mean by quadrature; `fdmc.mission` in Python samples the same beside it",
    )
    yield Question(
        "what one failure or repair takes out (`--path`)", EXACT, "read off the containment tree"
    )


def _sampled(scenario: Scenario):
    service = scenario.service
    shelves = any(rule.stock is not None for rule in service.replace.values())
    why = ["repairs of whole FRUs overlap"]
    why += ["jobs wait for technicians"] if service.technicians is not None else []
    why += ["shelves run out"] if shelves else []
    rules = service.replace.values()
    why += ["jobs wait for windows"] if any(r.windowed for r in rules) else []
    why += ["repairs share visits"] if any(r.opportunistic for r in rules) else []
    why += ["units are out for scheduled work"] if service.scheduled else []
    yield Question(
        "goodput, work rate, availability, full strength",
        SAMPLED,
        f"event-driven histories: {', '.join(why)}",
    )
    yield Question(
        "expected training time ratio (ETTR)",
        SAMPLED,
        "exact Daly form of the sampled rate of interruptions",
    )
    yield Question(
        "lost accelerator-hours by component, FRU and level",
        SAMPLED,
        "several failures share a loss while they last",
    )
    yield Question(
        "blast radius, occurrences, spares a year", SAMPLED, "counted over the same histories"
    )
    if not service.scheduled:
        yield Question(
            "state at one time without repair, or stationary with independent repairs",
            SAMPLED,
            "`fdmc.snapshot` in Python",
        )
    if scenario.thermal is not None:
        yield from _heated(scenario)
    if scenario.workload.collectives:
        yield Question(
            "collective efficiencies",
            SAMPLED,
            "closed forms of sampled states; exact where `inexact_time` is 0, lower bounds of the "
            "time elsewhere",
        )


def _heated(scenario: Scenario):
    assert scenario.thermal is not None
    if scenario.thermal.excursions:
        yield Question(
            "excursions: lost goodput, lock losses, thermally stable throughput",
            SAMPLED,
            "Poisson occurrences in the same histories; each a square pulse, its recovery as an equivalent time",
        )
    yield Question(
        "temperatures, dark lanes between excursions, cycling damage, power of cooling and tuning",
        EXACT,
        "steady state of the RC network under the settled load, Norris-Landzberg and Miner",
    )
    seen = [path for path, classes in unseen(scenario).items() if not classes]
    if seen:
        yield Question(
            f"gradients of lost goodput with respect to {', '.join(seen)}",
            SAMPLED,
            "score function for rates, forward derivatives for light (`fdmc run --gradient`)",
        )


def _refused(scenario: Scenario, refusal: str | None):
    if not scenario.workload.collectives and refusal is None:
        yield Question("collective efficiencies", REFUSED, "workload.collectives is empty")
    if scenario.environment is not None:
        yield Question(
            "stationary state, exact availability of laboratory systems",
            REFUSED,
            "the environment changes failure rates; nothing that it shifts is ever stationary",
        )
    rules, scheduled = scenario.service.replace.values(), scenario.service.scheduled
    if scheduled or any(r.windowed or r.opportunistic for r in rules):
        yield Question(
            ("state at one time, " if scheduled else "")
            + "stationary state with independent repairs, exact availability of laboratory systems",
            REFUSED,
            "repairs depend on windows, visits or scheduled work (service)",
        )
    if scenario.thermal is not None and refusal is None:
        for path, classes in unseen(scenario).items():
            if classes:
                yield Question(
                    f"gradient with respect to {path}",
                    REFUSED,
                    f"it moves {', '.join(classes)}, whose rate is not constant (wear, or the environment), which the "
                    "score function does not see; compare two scenarios instead",
                )
    yield Question(
        "gradients with respect to counts and thresholds (need, stock, technicians, mission)",
        REFUSED,
        "a step has gradient zero almost everywhere, which would be silently wrong; vary them with "
        "--set",
    )
