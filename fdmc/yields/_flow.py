"""Products as trees of steps and parts: what ships, how good it is, and what it has cost, scrap included."""

from typing import NamedTuple

import equinox as eqx

from ._check import Number, require_count, require_nonnegative, require_prob
from ._escape import FULL_TEST, AbstractTest


class Part(eqx.Module):
    """`count` of a product that enter a step; each arrives as its own test let it through."""

    product: "Product"
    count: int = 1

    def __check_init__(self):
        require_count(0, count=self.count)


class Step(eqx.Module):
    """One step of making a product: parts enter, something is done, a test scraps what it finds.

    **Arguments:**

    - `name`: of the step, in the list of spendings.
    - `good_prob`: that the step itself does no harm.
    - `cost`: of the step and its materials, in one currency; `carbon_kg` of the same.
    - `parts`: that enter.
    - `test`: after it; the default finds all that is bad. A unit that fails is scrapped with
        everything that it holds.
    """

    name: str = eqx.field(static=True)
    good_prob: Number = 1.0
    cost: Number = 0.0
    carbon_kg: Number = 0.0
    parts: tuple[Part, ...] = ()
    test: AbstractTest = FULL_TEST

    def __check_init__(self):
        require_prob(good_prob=self.good_prob)
        require_nonnegative(cost=self.cost, carbon_kg=self.carbon_kg)


class Product(eqx.Module):
    """A die, a stack, a package: `steps` in their order.

    Order is what costs: chip-last makes and tests the interposer before chips enter, chip-first
    builds it on them, and a fault in it scraps them.
    """

    name: str = eqx.field(static=True)
    steps: tuple[Step, ...]


class Spending(NamedTuple):
    """Where the cost of a shipped unit went, for one step or part.

    `raw`: once, had nothing failed; `scrap_before`: on its own rejects before it entered;
    `scrap_after`: on good ones lost with what they had been built into.
    """

    name: str
    raw: Number
    scrap_before: Number
    scrap_after: Number


class Made(NamedTuple):
    """A product as it ships.

    - `ship_prob`: of a unit started; parts that were scrapped before they entered do not count.
    - `good_prob`: that a unit which shipped is good; the rest are escapes.
    - `cost`, `carbon_kg`: of a unit that shipped, all scrap included.
    - `spendings`: where the cost went; they add up to it.
    """

    ship_prob: Number
    good_prob: Number
    cost: Number
    carbon_kg: Number
    spendings: tuple[Spending, ...]

    @property
    def raw_cost(self) -> Number:
        """Cost had nothing failed."""
        return sum(one.raw for one in self.spendings)


def make(product: Product) -> Made:
    """Follow a product through its steps, and its parts through theirs.

    **Arguments:** the `product`; numbers may be traced.

    **Returns:** `Made`. With $r_i$ the share of the units started that reach step $i$ and $c_i$ what
    the step spends, its parts at what they cost when they shipped, a shipped unit has cost
    $\\sum_i c_i r_i / r_{end}$: what enters late is scrapped rarely. With tests that find all, this
    is the cost of Chiplet Actuary (Feng and Ma, DAC 2022), chip-first and chip-last.

    !!! example

        ```python
        from fdmc.yields import Part, Product, Step, make

        die = Product("die", (Step("fab", good_prob=0.8, cost=100.0),))
        package = Product("package", (Step("bond", 0.9, cost=10.0, parts=(Part(die, 2),)),))
        assert abs(make(package).cost - (2 * 100 / 0.8 + 10) / 0.9) < 1e-9
        ```
    """
    reached: list[Number] = [1.0]
    quality: Number = 1.0
    entered = []
    for step in product.steps:
        parts = [(part, make(part.product)) for part in step.parts]
        entered.append((step, parts))
        for part, made in parts:
            quality = quality * made.good_prob**part.count
        quality = quality * step.good_prob
        passed = step.test.pass_prob(quality)
        quality = 1 - step.test.defect_level(quality)
        reached.append(reached[-1] * passed)
    spendings: list[Spending] = []
    carbon: Number = 0.0
    for (step, parts), share in zip(entered, reached, strict=False):
        started = share / reached[-1]  # for each unit that ships
        spendings.append(_spent(step.name, step.cost, step.cost, started))
        carbon = carbon + step.carbon_kg * started
        for part, made in parts:
            n = part.count
            spendings.append(_spent(part.product.name, n * made.raw_cost, n * made.cost, started))
            carbon = carbon + n * made.carbon_kg * started
    cost = sum(one.raw + one.scrap_before + one.scrap_after for one in spendings)
    return Made(reached[-1], quality, cost, carbon, tuple(spendings))


def _spent(name: str, raw: Number, cost: Number, started: Number) -> Spending:
    return Spending(name, raw, cost - raw, cost * (started - 1))
