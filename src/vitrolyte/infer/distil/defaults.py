"""What a distillation file leaves out: parents, melts, trials and examinations from its ranges."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from vitrolyte.data.errors import InputError
from vitrolyte.infer.distil.charges import require_neutral
from vitrolyte.infer.distil.config import (
    ChargeSettings,
    CrystalSettings,
    DistilSettings,
    MeltSettings,
    PodSettings,
    StageSettings,
    TrialSettings,
)
from vitrolyte.infer.distil.seeds import unit_cell
from vitrolyte.matter.catalogue import entry, names
from vitrolyte.matter.composition import composition_of, formal_charges, parse_formula
from vitrolyte.matter.volumes import crystal_volume_per_atom

PREFERRED_MOBILE = ("Li", "Na", "K", "Ag", "Cu", "Mg")
LOOSENESS = (1.0, 1.15, 1.3)
"""Volumes of the first packings over that of the crystal."""

ORDINARY_LABELS = 600
"""Budget at which crystals are distorted as often as their settings' defaults say."""


INNER_HYDROGEN_A = 0.5
"""Where descriptors begin with hydrogen, Å: below a bond of 0.97 Å squeezed by a hot melt."""


def completed(settings: DistilSettings) -> DistilSettings:
    """Fill in everything that a distillation file leaves out.

    Raises
    ------
    InputError
        A composition has no neutral assignment or an element that is not listed, a crystal is not
        in the catalogue, or the ranges are no ranges.
    """
    _require_ranges(settings)
    for formula in settings.compositions:
        _require_neutral(settings, formula)
    crystals = tuple(_parent(settings, one) for one in settings.crystals or _known(settings))
    if not crystals:
        raise InputError(
            f"At least one parent crystal within {' '.join(settings.elements)}",
            received="none in the catalogue",
            remedy="give one as [[crystals]] with spacegroup, cell and sites",
        )
    parents = settings.model_copy(update={"crystals": crystals, "mobile": _mobile(settings)})
    parents = parents.model_copy(update={"coulomb": _charged(parents), "pod": _basis(parents)})
    active = parents.active.model_copy(
        update={"trials": parents.active.trials or tuple(_trials(parents))}
    )
    trust = parents.trust.model_copy(
        update={
            "trials": parents.trust.trials or tuple(_exams(parents)),
            "crystal": parents.trust.crystal or crystals[0].name,
            "teacher_ps": parents.trust.teacher_ps or min(20.0, max(0.4, parents.budget.hours)),
        }
    )
    melts = parents.melts or tuple(_melts(parents))
    return parents.model_copy(update={"active": active, "trust": trust, "melts": melts})


def _basis(settings: DistilSettings) -> PodSettings:
    """Let the descriptors begin within a bond to hydrogen, unless the file says where."""
    pod = settings.pod
    if "H" not in settings.elements or "inner_A" in pod.model_fields_set:
        return pod
    return pod.model_copy(update={"inner_A": INNER_HYDROGEN_A})


def _require_ranges(settings: DistilSettings) -> None:
    for name in ("temperature_K", "pressure_GPa"):
        low, high = getattr(settings, name)
        if low > high:
            raise InputError(f"{name} goes from the least to the most", received=f"{low}, {high}")
    if not settings.compositions:
        raise InputError("At least one composition", received="none", remedy='e.g. ["Li3OCl"]')


def _require_neutral(settings: DistilSettings, formula: str) -> None:
    composition = parse_formula(formula)
    strangers = set(composition.elements) - set(settings.elements)
    if strangers:
        raise InputError(
            f"Compositions are made of the elements {' '.join(settings.elements)}",
            received=f"{formula} with {' '.join(sorted(strangers))}",
            remedy="list the element or correct the formula",
        )
    given = {e: q for e, q in settings.charges.items() if e in composition.elements}
    formal_charges(composition, given)


def _known(settings: DistilSettings) -> tuple[CrystalSettings, ...]:
    """Take every crystal of the catalogue within the elements, those of the compositions first."""
    wanted = [parse_formula(formula).reduced_formula for formula in settings.compositions]
    found = sorted(
        names(settings.elements),
        key=lambda name: parse_formula(entry(name).formula).reduced_formula not in wanted,
    )
    share = min(1.5, settings.budget.labels / ORDINARY_LABELS)
    usual = CrystalSettings(name="usual")
    return tuple(
        CrystalSettings(
            name=name,
            rattled=max(2, round(share * usual.rattled)),
            compressed=max(1, round(share * usual.compressed)),
            vacancy_cells=max(1, round(share * usual.vacancy_cells)),
            strained=max(2, round(share * usual.strained)),
            hops=max(2, round(share * usual.hops)),
        )
        for name in found
    )


def _parent(settings: DistilSettings, crystal: CrystalSettings) -> CrystalSettings:
    if crystal.sites:
        present = {site.element for site in crystal.sites}
    else:
        present = set(parse_formula(entry(crystal.name).formula).elements)
    strangers = sorted(present - set(settings.elements))
    if strangers:
        raise InputError(
            f"Crystals are made of the elements {' '.join(settings.elements)}",
            received=f"{crystal.name} with {' '.join(strangers)}",
        )
    vacancies = crystal.vacancies or _neutral_pair(settings, crystal, present)
    return crystal.model_copy(update={"vacancies": vacancies})


def _neutral_pair(
    settings: DistilSettings, crystal: CrystalSettings, present: set[str]
) -> tuple[str, ...]:
    """Choose the smallest neutral cluster of one cation and one anion, the mobile ion first."""
    formula = composition_of(unit_cell(crystal).species)
    charges = formal_charges(formula, _within(settings.charges, present))
    cations = [e for e in PREFERRED_MOBILE if charges.get(e, 0) > 0]
    cations += [e for e in charges if charges[e] > 0 and e not in cations]
    anions = sorted((e for e in charges if charges[e] < 0), key=lambda e: -charges[e])
    if not cations or not anions:
        return ()
    plus, minus = charges[cations[0]], -charges[anions[0]]
    shared = math.gcd(plus, minus)
    return (cations[0],) * (minus // shared) + (anions[0],) * (plus // shared)


def _charged(settings: DistilSettings) -> ChargeSettings | None:
    """Fill in the charges of all elements and see that everything listed is neutral with them."""
    charged = settings.coulomb
    if charged is None:
        return None
    given = {e: q for e, q in charged.charges.items() if e in settings.elements}
    values: dict[str, float] = dict(given) if charged.charges else _formal(settings)
    missing = [element for element in settings.elements if element not in values]
    if missing or len(given) < len(charged.charges):
        raise InputError(
            f"[coulomb] charges for {' '.join(settings.elements)}, or none at all",
            received=" ".join(charged.charges) or f"no formal charge of {' '.join(missing)}",
        )
    for parent in settings.crystals:
        require_neutral(Counter(unit_cell(parent).species), values)
    for formula in settings.compositions:
        composition = parse_formula(formula)
        require_neutral(dict(zip(composition.elements, composition.amounts)), values)
    return charged.model_copy(update={"charges": values})


def _formal(settings: DistilSettings) -> dict[str, float]:
    """Collect the formal charges of compositions and crystals, one for each element."""
    found: dict[str, float] = {}
    listed = [parse_formula(formula) for formula in settings.compositions]
    listed += [composition_of(unit_cell(one).species) for one in settings.crystals]
    for composition in listed:
        here = formal_charges(composition, _within(settings.charges, set(composition.elements)))
        for element, charge in here.items():
            if found.setdefault(element, charge) != charge:
                raise InputError(
                    "Charges under a student need one charge for each element",
                    received=f"{element} of {found[element]:+g} and {charge:+g}",
                    remedy="leave [coulomb] out, or give [coulomb] charges",
                )
    return found


def _within(charges: dict[str, int], present: set[str]) -> dict[str, int]:
    return {element: charge for element, charge in charges.items() if element in present}


def _mobile(settings: DistilSettings) -> str:
    if settings.mobile:
        return settings.mobile
    return next((e for e in PREFERRED_MOBILE if e in settings.elements), settings.elements[0])


def _melts(settings: DistilSettings) -> Iterator[MeltSettings]:
    hot = settings.temperature_K[1]
    steps = 300 if settings.timestep_fs < 1.0 else 150
    for number, formula in enumerate(settings.compositions):
        crystal = crystal_volume_per_atom(parse_formula(formula))
        first = number == 0
        yield MeltSettings(
            formula=formula,
            volume_per_atom_A3=tuple(f * crystal for f in (LOOSENESS if first else LOOSENESS[1:])),
            temperature_K=(hot, 2 / 3 * hot) if first else (hot,),
            steps=steps,
            every=steps // 10,
        )


def _trials(settings: DistilSettings) -> Iterator[TrialSettings]:
    """Yield the schedule that a student must survive: heat, melt, quench, hold, press."""
    cold, hot = settings.temperature_K
    most = settings.pressure_GPa[1]
    parent = settings.crystals[0].name
    melting = settings.melting_K
    yield TrialSettings(
        crystal=parent,
        vacancy_clusters=1,
        phase="hot crystal",
        stages=(_leg(cold, 0.75 * melting, 6.0),),
    )
    for formula in settings.compositions:
        yield TrialSettings(
            composition=formula,
            phase="melt",
            stages=(_leg(hot, hot, 3.0, pressure=0.3 * most), _leg(hot, melting, 5.0)),
        )
        yield TrialSettings(
            composition=formula,
            phase="glass",
            stages=(
                _leg(hot, melting, 2.0, pressure=0.2 * most),
                _leg(melting, cold, 8.0),
                _leg(cold, cold, 1.0),
            ),
        )
    yield TrialSettings(
        composition=settings.compositions[0],
        phase="melt",
        stages=(_leg(hot, melting, 4.0, pressure=most), _leg(melting, melting, 4.0)),
    )


def _exams(settings: DistilSettings) -> Iterator[TrialSettings]:
    cold, hot = settings.temperature_K
    press = 0.3 * settings.pressure_GPa[1]
    melting, first = settings.melting_K, settings.compositions[0]
    yield TrialSettings(
        crystal=settings.crystals[0].name,
        vacancy_clusters=1,
        phase="hot crystal",
        stages=(_leg(0.5 * melting, 0.5 * melting, 6.0),),
    )
    yield TrialSettings(
        composition=first,
        phase="melt",
        stages=(_leg(hot, hot, 4.0, pressure=press), _leg(melting, melting, 10.0)),
    )
    yield TrialSettings(
        composition=first,
        phase="glass",
        stages=(
            _leg(hot, melting, 4.0, pressure=press),
            _leg(melting, cold, 12.0),
            _leg(cold, cold, 3.0),
        ),
    )


def _leg(first: float, last: float, time_ps: float, pressure: float = 0.0) -> StageSettings:
    return StageSettings(temperature_K=(first, last), pressure_GPa=pressure, time_ps=time_ps)
