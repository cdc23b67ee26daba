"""The manufacturing section from a valid form: defaults filled in, in the units of the inside."""

from ._heat_form import ThermalForm
from ._manufacturing import (
    AssemblyStep,
    BurnInMade,
    DefectClustering,
    DefectLaw,
    DefectLayer,
    JoiningMade,
    LaneHarm,
    LaneMaking,
    LatentDefects,
    Manufacturing,
    Mount,
    PartMade,
    RingAtTest,
    TestModel,
    WaferCut,
)
from ._manufacturing_form import (
    AssemblyStepForm,
    DefectLawForm,
    LatentForm,
    ManufacturingForm,
    PartForm,
    RingAtTestForm,
    TestForm,
)


def manufacturing(form: ManufacturingForm | None, heat: ThermalForm | None) -> Manufacturing | None:
    """How things are made, of a form that has passed every check; None when it is absent or off."""
    if form is None or not form.on:
        return None
    lanes, c, mount = form.lanes, form.clustering, form.mount
    return Manufacturing(
        unit=form.unit,
        lanes=LaneMaking(
            lanes.unit,
            lanes.die,
            lanes.area,
            None if lanes.ring is None else _ring(lanes.ring, heat),
            lanes.common_cause,
        ),
        clustering=DefectClustering(c.lot, c.wafer, c.die, c.wafers_per_lot),
        parts={name: _part(part) for name, part in form.parts.items()},
        steps=tuple(map(_step, form.steps)),
        mount=None if mount is None else Mount(mount.unit, tuple(map(_step, mount.steps))),
        bins=tuple(form.bins),
        latent=None if form.latent is None else _latent(form.latent),
        currency=form.currency,
    )


def _ring(form: RingAtTestForm, heat: ThermalForm | None) -> RingAtTest:
    """The ring of the link, where it is written (off or on), fills in what is left out."""
    link = None if heat is None or heat.link is None else heat.link.ring
    values = {}
    for key in ("top", "range", "budget", "spread"):
        own = getattr(form, key)
        values[f"{key}_kelvin"] = getattr(link, key) if own is None else own
    return RingAtTest(form.test, **values)


def _part(form: PartForm) -> PartMade:
    cut = form.wafer
    if form.layers is None:
        layers = (DefectLayer(form.density or 0.0, form.critical, 1, _law(form.law)),)
    else:
        layers = tuple(
            DefectLayer(one.density, one.critical, one.layers, _law(one.law)) for one in form.layers
        )
    return PartMade(
        area_mm2=form.area,
        layers=() if form.area is None else layers,
        good=1.0 if form.good is None else form.good,
        wafer=WaferCut(cut.diameter, cut.edge, cut.scribe, cut.cost),
        test=_test(form.test),
        cost=form.cost,
        carbon_g_per_mm2=form.carbon,
        source=form.source or "not stated",
    )


def _law(form: DefectLawForm | None) -> DefectLaw | None:
    if form is None:
        return None
    if form.named is not None:
        return DefectLaw(form.named)
    if form.negative_binomial is not None:
        return DefectLaw("negative_binomial", form.negative_binomial)
    assert form.bose_einstein is not None, "checked"
    return DefectLaw("bose_einstein", float(form.bose_einstein))


def _test(form: TestForm) -> TestModel:
    if form.linear is not None:
        return TestModel("linear", form.linear)
    assert form.williams_brown is not None, "checked"
    return TestModel("williams_brown", form.williams_brown)


def _step(form: AssemblyStepForm) -> AssemblyStep:
    how = form.joining
    entering = sum(form.parts.values()) if how is not None else 0
    return AssemblyStep(
        step=form.step,
        parts=dict(form.parts),
        joining=None
        if how is None
        else JoiningMade(how.preset, how.alignment, how.bond, how.via, how.dielectric),
        chips=entering if form.chips is None else form.chips,
        bonds=form.bonds,
        vias=form.vias,
        bonded_mm2=form.bonded,
        fibres=form.fibres,
        fibre_prob=form.fibre,
        good=form.good,
        lanes=LaneHarm(form.lanes.bonds, form.lanes.fibres, form.lanes.loss),
        test=_test(form.test),
        cost=form.cost,
        carbon_kg=form.carbon,
        source=form.source or "not stated",
    )


def _latent(form: LatentForm) -> LatentDefects:
    oven = form.burn_in
    return LatentDefects(
        form.ratio,
        None if form.infant is None else form.infant.law(),
        None if oven is None else BurnInMade(oven.time, oven.acceleration, oven.cost),
    )
