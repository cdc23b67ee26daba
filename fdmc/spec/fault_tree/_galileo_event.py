"""Basic events of the Galileo format: attributes into laws, and laws into attributes."""

from collections.abc import Callable, Mapping, Sequence

from ._error import Place, Report, quoted
from ._galileo_text import Word
from ._galileo_words import ATTRIBUTES, LAWS, REPAIRS
from ._model import BasicEvent, Call, Expression, MissionTime
from ._number import number


def read_event(words: Sequence[Word], place: Place, report: Report) -> BasicEvent:
    """The basic event of a statement, after its name; problems go to the report."""
    values = _attributes(words, place, report)
    _check_harmless(values, place, report)
    life = {name: value for name, value in values.items() if any(name in form for form in LAWS)}
    probability: Expression = 0.0
    if "interval" in life or (life.get("phases") == 1.0 and set(life) != {"phases"}):
        life.pop("phases", None)  # one phase is what every law has
    if tuple(sorted(life)) in LAWS:
        probability = _law(life)
    else:
        _no_law(life, LAWS, "the law of the lifetime", place, report)
    mends = {name: value for name, value in values.items() if name.startswith("repair")}
    repair: Expression | None = None
    if mends and tuple(sorted(mends)) not in REPAIRS:
        _no_law(mends, REPAIRS, "the law of the repair time", place, report)
    elif mends:
        repair = _repair(mends)
    dormancy = values.get("dorm", 1.0)
    return BasicEvent(probability, dormancy, repair, line=place.line or 0)


def _attributes(words: Sequence[Word], place: Place, report: Report) -> dict[str, float]:
    values: dict[str, float] = {}
    # `lambda = 0.1` is one attribute, as `lambda=0.1` is
    text = " ".join(word.text for word in words).replace(" =", "=").replace("= ", "=")
    for part in text.split(" "):
        name, equal, value = part.partition("=")
        if name not in ATTRIBUTES:
            hint = report.like(name, ATTRIBUTES)
            report.add(place, f"attribute {quoted(name)} is not understood", hint)
        elif not equal:
            report.add(place, f'attribute "{name}" has no value', f"write {name}=0.1")
            values.setdefault(name, 1.0)
        elif name in values:
            report.add(place, f'attribute "{name}" is given twice')
        else:
            found = number(value)
            if isinstance(found, str):
                report.add(place, f'attribute "{name}" {found}')
            values[name] = 1.0 if isinstance(found, str) else found
    return values


def _check_harmless(values: Mapping[str, float], place: Place, report: Report) -> None:
    phases = values.get("phases", 1.0)
    if phases < 1 or phases % 1 or phases > 1e6:
        report.add(place, f"phases={phases:g} is not a whole number from 1 to 1000000")
    hints = {
        "cov": ("imperfect coverage is not modelled", "write the uncovered failure as an event"),
        "repl": ("copies are not modelled", "write each copy as an event of its own"),
        "interval": ("degradation before failure is not seen", f"write interval={phases:g}"),
    }
    for name, wanted in (("cov", 1.0), ("repl", 1.0), ("interval", phases)):
        if values.get(name, wanted) != wanted:
            message, hint = hints[name]
            report.add(place, f"{name}={values[name]:g}: {message}", hint)
    if not 0.0 <= values.get("res", 1.0) <= 1.0:
        report.add(place, f"res={values['res']:g} is not between 0 and 1")


def _no_law(
    values: Mapping[str, float], known: Mapping, what: str, place: Place, report: Report
) -> None:
    forms = ", or ".join(" and ".join(form) for form in known)
    if values:
        verb = "together do" if len(values) > 1 else "alone does"
        message = f"{' and '.join(sorted(values))} {verb} not give {what}"
    else:
        message = "has no law"
    report.add(place, message, f"write {forms}")


def _law(values: Mapping[str, float]) -> Expression:
    time = MissionTime()
    match tuple(sorted(values)):
        case ("lambda",):
            return Call("exponential", (values["lambda"], time))
        case ("lambda", "phases"):
            return Call("erlang", (values["phases"], values["lambda"], time))
        case ("rate", "shape"):
            scale = Call("div", (1.0, values["rate"]))  # the quotient would not give the rate back
            return Call("Weibull", (scale, values["shape"], 0.0, time))
        case ("scale", "shape"):
            return Call("Weibull", (values["scale"], values["shape"], 0.0, time))
        case ("mean", "stddev"):
            return Call("lognormal", (Call("exp", (values["mean"],)), values["stddev"], time))
        case ("median", "sigma"):
            return Call("lognormal", (values["median"], values["sigma"], time))
    return values["prob"]


def _repair(values: Mapping[str, float]) -> Expression | None:
    time = MissionTime()
    match tuple(sorted(values)):
        case ("repair_time",):
            return Call("fixed", (values["repair_time"], time))
        case ("repair_median", "repair_sigma"):
            return Call("lognormal", (values["repair_median"], values["repair_sigma"], time))
        case ("repair_scale", "repair_shape"):
            return Call("Weibull", (values["repair_scale"], values["repair_shape"], 0.0, time))
    return Call("exponential", (values["repair"], time)) if values["repair"] else None


def event_text(event: BasicEvent, refuse: Callable[[str], None]) -> str:
    """The attributes of an event, as a file writes them."""
    parts = _lifetime_text(event.probability)
    if parts is None:
        refuse("its law has no attributes in Galileo")
    repair = [] if event.repair is None else _repair_text(event.repair)
    if repair is None:
        refuse("the law of its repair time has no attributes in Galileo")
    # the dormancy always: tools differ about what it is when nothing is written
    shown = [*(parts or []), ("dorm", event.dormancy), *(repair or [])]
    return " ".join(f"{name}={float(value)!r}" for name, value in shown)


Attributes = list[tuple[str, float]]


def _lifetime_text(law: Expression) -> Attributes | None:
    match law:
        case bool():
            return None
        case float() | int():
            return [("prob", law)]
        case Call("exponential", (float(rate), MissionTime())):
            return [("lambda", rate)]
        case Call("erlang", (float(phases), float(rate), MissionTime())) if phases > 1.0:
            return [("lambda", rate), ("phases", phases)]
        case Call("Weibull", (Call("div", (1.0, float(rate))), float(shape), 0.0, MissionTime())):
            return [("rate", rate), ("shape", shape)]
        case Call("Weibull", (float(scale), float(shape), 0.0, MissionTime())):
            return [("scale", scale), ("shape", shape)]
        case Call("lognormal", (Call("exp", (float(mean),)), float(sigma), MissionTime())):
            return [("mean", mean), ("stddev", sigma)]
        case Call("lognormal", (float(median), float(sigma), MissionTime())):
            return [("median", median), ("sigma", sigma)]
    return None


def _repair_text(law: Expression) -> Attributes | None:
    match law:
        case Call("exponential", (float(rate), MissionTime())) if rate > 0.0:
            return [("repair", rate)]
        case Call("fixed", (float(hours), MissionTime())):
            return [("repair_time", hours)]
        case Call("lognormal", (float(median), float(sigma), MissionTime())):
            return [("repair_median", median), ("repair_sigma", sigma)]
        case Call("Weibull", (float(scale), float(shape), 0.0, MissionTime())):
            return [("repair_scale", scale), ("repair_shape", shape)]
    return None
