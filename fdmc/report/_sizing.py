"""What `size` has found, for people: the design, where the money went, what the next euro buys, honest controls."""

from collections.abc import Iterator

from rich.console import Group

from ..sizing import Price, Rival, Sized, SizedDesign
from ..tally import Estimate
from ._format import best, interval, number
from ._table import table


_STATUS = {
    "ok": "every limit is kept, certified by an independent seed",
    "precision_not_reached": "NOT certified: some limit is open or missed on the independent seed",
    "no_design": "NO design was found that keeps the limits; this is the nearest",
}
_NAMES = {
    "goodput": "goodput",
    "availability": "availability",
    "goodput_quantile": "quantile of goodput",
    "goodput_cvar": "mean goodput of the worst missions",
    "cost": "cost",
    "power": "power",
    "robustness_per_watt": "robustness per watt",
}


def sizing_caption(answer: Sized) -> str:
    """Return the answer in a few sentences."""
    d, w = answer.design, answer.written
    limits = "; ".join(
        f"{_NAMES[one.limit.metric]} {_bound(answer, one.limit.metric, one.limit.bound)}"
        + ("" if one.limit.of is None else f" (worst {number(100 * one.limit.of)} % of missions)")
        for one in answer.standings
    )
    asked = f"{answer.sense} {_NAMES[answer.metric]}" + (f", {limits}" if limits else "")
    said = [f"{answer.name}: {asked}: {_STATUS[answer.status]}."]
    cost = "" if d.cost is None else f" for {money(d.cost.best, answer.currency)}"
    said.append(
        f"The sized design does {best(d.goodput)} % {interval(d.goodput)} of its ideal work{cost}"
        + ("" if d.searched is None else f" (the search had seen {best(d.searched)} %)")
        + "."
    )
    was = "" if w.cost is None else f" for {money(w.cost.best, answer.currency)}"
    said.append(
        f"As written it does {best(w.goodput)} %{was}; the difference, paired, is {_signed(answer.gain)} points."
    )
    for one in answer.standings:
        if one.status in ("kept", "open", "missed") and one.limit.metric not in ("cost", "power"):
            said.append(
                f"At 95 % (one-sided, seed {answer.certificate_seed}) {_NAMES[one.limit.metric]} is at least "
                f"{100 * one.certified:.4f} %: {one.status}."
            )
    said.append(_reason(answer))
    return "\n".join(part for part in said if part)


def _reason(answer: Sized) -> str:
    """Say which failure domain got the money."""
    spent = [move for move in answer.moves if move.cost > 0]
    saved = [move for move in answer.moves if move.cost < 0]
    said = []
    if spent:
        most = max(spent, key=lambda move: move.cost)
        said.append(
            f"Most money went to {most.variable} ({most.written} to {most.sized}, "
            f"{money(most.cost, answer.currency)}, {_signed(most.goodput)} points of goodput)"
        )
    if saved:
        least = min(saved, key=lambda move: move.cost)
        said.append(
            f"most was saved on {least.variable} ({least.written} to {least.sized}, "
            f"{money(-least.cost, answer.currency)}, {_signed(least.goodput)} points)"
        )
    return "; ".join(said)[:1].upper() + "; ".join(said)[1:] + "." if said else ""


def sizing_tables(answer: Sized) -> Iterator[Group]:
    """Yield every table of the answer."""
    yield _designs(answer)
    if answer.moves:
        yield _moves(answer)
    yield _domains(answer)
    if answer.prices:
        yield _prices(answer)
    if answer.rivals:
        yield _rivals(answer)
    if answer.frontier:
        yield _frontier(answer)


def _designs(answer: Sized) -> Group:
    others = [("next best", one) for one in answer.next_best]
    shown = [("as written", answer.written), ("sized", answer.design), *others]
    columns = ("!what", *(f">{name}" for name, _ in shown))
    rows = [
        (key, *(one.settings.get(key, "") for _, one in shown)) for key in answer.design.settings
    ]
    if answer.design.cost is not None:
        rows.append(("cost", *(_cost(one, answer) for _, one in shown)))
    if answer.design.watts is not None:
        rows.append(("power, kW", *(number((one.watts or 0) / 1e3, 4) for _, one in shown)))
    rows.append(("goodput, %", *(best(one.goodput) for _, one in shown)))
    rows.append(("95 % interval", *(interval(one.goodput) for _, one in shown)))
    note = (
        f"As written and sized: {answer.design.goodput.replicas:,} histories of seed {answer.certificate_seed}, which "
        f"chose nothing. Next best: those of the search. Cost: mission, with what repairs use up."
    )
    return table("Designs", columns, rows, note)


def _moves(answer: Sized) -> Group:
    rows = [
        (
            move.variable, move.unit, move.written, move.sized,
            money(move.cost, answer.currency, sign=True), _signed(move.goodput),
            _span(move.goodput),
        )
        for move in answer.moves
    ]  # fmt: skip
    columns = ("!variable", "where", ">written", ">sized", ">cost", ">goodput, points", ">95 %")
    note = "Each change alone, taken back from the sized design; paired, on the histories of the search."
    return table("Where the money went", columns, rows, note)


def _domains(answer: Sized) -> Group:
    rows = [
        (one.unit, best(one.written), interval(one.written), best(one.sized), interval(one.sized))
        for one in answer.domains
        if max(one.written.best, one.sized.best) > 0
    ]
    columns = ("!failures of", ">written, %", ">95 %", ">sized, %", ">95 %")
    note = "Lost goodput: direct loss, and the restarts after their interruptions."
    return table("Who costs goodput", columns, rows, note)


def _prices(answer: Sized) -> Group:
    rows = [
        (
            one.variable, one.step, money(one.cost, answer.currency, sign=True),
            number(one.watts), _signed(one.goodput), _span(one.goodput), _per_million(one),
        )
        for one in answer.prices
    ]  # fmt: skip
    columns = (
        "!variable", ">step", ">cost", ">W", ">goodput, points", ">95 %",
        f">points / M{answer.currency}",
    )  # fmt: skip
    note = "One step from the sized design: paired differences. "
    model = answer.model
    if model is not None:
        proof = "the best of its table, proved" if model.proved else f"gap {number(model.gap, 4)}"
        price = _model_price(answer)
        note += f"The screen (a model, not the simulation): {proof}{price}."
    near = answer.near
    note += (
        f" Neighbours: {near['size']}, of which {near['no_better']} cannot be better, {near['failed']} failed, "
        f"{near['open']} are not told apart, {near['screened']} left out by the screen."
    )
    return table("What the next step buys", columns, rows, note)


def _model_price(answer: Sized) -> str:
    assert answer.model is not None
    price = answer.model.price
    if price is None or not price:
        return ""
    if answer.sense == "least" and answer.metric == "cost":
        return (
            f"; a point of goodput costs {money(abs(price) / 100, answer.currency)} at the margin"
        )
    return f"; {number(abs(price) * 1e8, 3)} points a M{answer.currency} at the margin"


def _per_million(one: Price) -> str:
    if one.per_million is None:
        return "free" if one.cost == 0 else ""
    return number(100 * one.per_million.best, 2)


def _rivals(answer: Sized) -> Group:
    rows = []
    for one in answer.rivals:
        if one.design is None or one.gain is None:
            rows.append((one.name, "none keeps the limits", "", "", "", _effort(one)))
            continue
        rows.append(
            (
                one.name, _cost(one.design, answer), best(one.design.goodput),
                _signed(one.gain), _span(one.gain), _effort(one),
            )
        )  # fmt: skip
    columns = (
        "!other ways",
        ">cost",
        ">goodput, %",
        ">sized gains",
        ">95 %",
        ">designs / histories",
    )
    note = (
        f"The search looked at {answer.designs:,} designs with {answer.histories:,} histories (prices included). "
        "Gains in points of goodput, paired, on the independent seed."
    )
    return table("Controls", columns, rows, note)


def _effort(one: Rival) -> str:
    return f"{one.designs:,} / {one.histories:,}"


def _frontier(answer: Sized) -> Group:
    rows = [
        (
            _cost(one.design, answer), best(one.design.goodput), interval(one.design.goodput),
            "" if one.best else "beaten",
            ", ".join(f"{k} {v}" for k, v in one.design.settings.items()),
        )
        for one in answer.frontier
    ]  # fmt: skip
    columns = (">cost", ">goodput, %", ">95 %", "", "settings")
    return table(
        "Frontier", columns, rows, "Proposed by the screen, simulated on the independent seed."
    )


def _cost(one: SizedDesign, answer: Sized) -> str:
    return "" if one.cost is None else money(one.cost.best, answer.currency)


def _bound(answer: Sized, metric: str, bound: float) -> str:
    if metric == "cost":
        return f"at most {money(bound, answer.currency)}"
    if metric == "power":
        return f"at most {number(bound / 1e3, 4)} kW"
    return f"at least {number(100 * bound, 6)} %"


def money(value: float | int, currency: str, *, sign: bool = False) -> str:
    """Return an amount with a prefix that keeps it short: `27.31 MEUR`, `-120 kEUR`."""
    known = ((1e6, "M"), (1e3, "k"), (1.0, ""))
    scale, prefix = next((pair for pair in known if abs(value) >= pair[0]), known[-1])
    text = f"{value / scale:+,.4g}" if sign else f"{value / scale:,.4g}"
    return f"{text} {prefix}{currency}" if value else f"0 {currency}"


def _signed(e: Estimate) -> str:
    """Return a difference of shares in points (percent of ideal work)."""
    return f"{100 * e.best:+.4f}"


def _span(e: Estimate) -> str:
    return f"[{100 * e.low:+.4f}, {100 * e.high:+.4f}]"
