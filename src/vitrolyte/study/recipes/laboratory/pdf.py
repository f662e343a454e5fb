"""`vitrolyte fit pdf`: total scattering set right, and the first neighbours."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import Field

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.pair_distribution.reading import read_scattering
from vitrolyte.data.total_scattering import TotalScattering
from vitrolyte.data.units import AVOGADRO_PER_MOL
from vitrolyte.laboratory.pair_distribution.analysis import (
    CITATIONS,
    PairDistributionFound,
    pair_distribution,
)
from vitrolyte.laboratory.pair_distribution.expected import expected_pairs
from vitrolyte.laboratory.pair_distribution.neighbours import ExpectedPair
from vitrolyte.laboratory.pair_distribution.transform import Composition, TransformSettings
from vitrolyte.matter.composition import parse_formula
from vitrolyte.observe.scattering.probes import Neutrons, Probe, XRays
from vitrolyte.observe.scattering.q_window import LowQ, Modification, Window
from vitrolyte.study.measured import UNNAMED
from vitrolyte.study.recipe import Output, Recipe, Work
from vitrolyte.study.recipes.laboratory.measured import (
    MeasuredSettings,
    PositiveList,
    Words,
    conditions_for,
    files_read,
)

_LONGEST_Q = 1000.0


class PdfSettings(MeasuredSettings):
    """S(Q), F(Q) or G(r) of X-rays or neutrons: normalised, transformed, peaks assigned."""

    recipe: Literal["pdf"]
    temperature_K: PositiveList = Field((), description="Temperature, one or one for each file.")
    form: Literal["", "S", "i", "F", "Qi", "F-Keen", "I", "G", "g", "G-Keen", "D", "T", "RDF"] = (
        Field("", description="What the files hold, where they do not say it; F is Q[S-1].")
    )
    probe: Literal["", "xray", "neutron"] = Field("", description="What was scattered.")
    isotopes: Words = Field((), description="Isotopes in the place of natural elements: Li=7Li.")
    density_g_cm3: float | None = Field(None, gt=0, description="Density of the sample.")
    number_density: float | None = Field(None, gt=0, description="Atoms in 1 Å³.")
    q_min: float = Field(0.0, ge=0, description="Begin of the transform, 1/Å.")
    q_max: float | None = Field(None, gt=0, description="End of the transform, 1/Å.")
    r_max_A: float = Field(20.0, gt=1, le=200, description="End of G(r), Å.")
    modification: Modification = Field("none", description="Function that tapers the transform.")
    low_q: LowQ = Field("constant", description="What stands for S(Q) below q_min.")
    normalise: bool = Field(True, description="Whether S(Q) is shifted so that it tends to 1.")
    pairs: Words = Field(
        (), description="Peaks to assign, with their places: Zr-O:2.08,Zr-Cl:2.49."
    )


def fit_pdf(work: Work) -> Output:
    """Read total scattering, set it right, transform it, and fit the first shells."""
    settings: PdfSettings = work.settings
    read = [one for path in settings.files for one in read_scattering(path, settings.form)]
    told = conditions_for(len(read), temperature_K=settings.temperature_K)
    patterns = [
        replace(one, measurement=one.measurement.given(conditions))
        for one, conditions in zip(read, told, strict=True)
    ]
    results = tuple(_one(pattern, settings, work.study.formula) for pattern in patterns)
    return Output(
        settings.sample(work), (*results, files_read([one.measurement for one in patterns]))
    )


def _one(pattern: TotalScattering, settings: PdfSettings, formula: str) -> PairDistributionFound:
    if pattern.in_r and settings.q_max is not None:
        pattern = replace(pattern, q_max=settings.q_max)
    formula = formula if formula not in ("", UNNAMED) else pattern.composition
    composition = _composition(settings, formula, pattern)
    window = Window(
        q_max=settings.q_max or _LONGEST_Q,
        q_min=settings.q_min,
        modification=settings.modification,
        low_q=settings.low_q,
    )
    transform = TransformSettings(window, settings.r_max_A, settings.normalise)
    expected = tuple(_pairs(settings.pairs)) or expected_pairs(formula)
    return pair_distribution(pattern, composition, transform, expected=expected)


def _composition(settings: PdfSettings, formula: str, pattern: TotalScattering) -> Composition:
    if not formula:
        raise InputError(
            "Total scattering needs the composition of the sample: it says how pairs weigh",
            received="neither the file nor an option says it",
            remedy="give --formula Li3ZrCl4O1.5",
        )
    parsed = parse_formula(formula)
    fractions = {e: n / parsed.atoms for e, n in zip(parsed.elements, parsed.amounts)}
    density = settings.number_density
    if density is None and settings.density_g_cm3 is not None:
        density = settings.density_g_cm3 * AVOGADRO_PER_MOL * 1e-24 * parsed.atoms / parsed.mass_u
    return Composition(fractions, _probe(settings, pattern), density)


def _probe(settings: PdfSettings, pattern: TotalScattering) -> Probe:
    name = settings.probe or pattern.probe
    if not name:
        raise InputError(
            "Total scattering needs to know what was scattered",
            received="neither the file nor an option says it",
            remedy="give --probe xray or --probe neutron",
        )
    isotopes = {}
    for word in settings.isotopes:
        element, equals, isotope = word.partition("=")
        if not equals:
            raise InputError("Isotopes are told as Li=7Li", received=word)
        isotopes[element.strip()] = isotope.strip()
    if name == "xray":
        return XRays()
    return Neutrons(isotopes)


def _pairs(words: tuple[str, ...]) -> list[ExpectedPair]:
    """Return pairs as told; one that is told twice is split."""
    found: list[ExpectedPair] = []
    for word in words:
        pair, _, distance = word.partition(":")
        try:
            place = float(distance)
        except ValueError:
            raise InputError(
                "A peak is told as pair and place", received=repr(word), remedy="write Zr-O:2.08"
            ) from None
        count = sum(one.pair.partition("#")[0] == pair for one in found)
        found.append(ExpectedPair(f"{pair}#{count + 1}" if count else pair, place))
    return found


RECIPES = (Recipe("pdf", 1, PdfSettings, fit_pdf, citations=CITATIONS),)
