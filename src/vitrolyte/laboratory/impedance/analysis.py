"""Impedance spectra of one sample: each by itself, or together over temperature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.measurement import Measurement
from vitrolyte.data.model import Floats
from vitrolyte.data.observation import Observation, Sample, measured
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.infer.evidence import weigh
from vitrolyte.laboratory.impedance.choice import Choice, Weighing, choose, sharpened
from vitrolyte.laboratory.impedance.fitted import CircuitFit
from vitrolyte.laboratory.impedance.information import inverse
from vitrolyte.laboratory.impedance.joint import JointFit, confirmed, fit_jointly, started, ties
from vitrolyte.laboratory.impedance.kramers_kronig import CITATIONS as TEST_CITATIONS
from vitrolyte.laboratory.impedance.kramers_kronig import Smooth
from vitrolyte.laboratory.impedance.search import Target
from vitrolyte.laboratory.impedance.settings import USUAL, ImpedanceSettings
from vitrolyte.laboratory.impedance.sign import read_spectrum
from vitrolyte.laboratory.impedance.spectrum_fit import CITATIONS as FIT_CITATIONS
from vitrolyte.laboratory.impedance.spectrum_fit import (
    ImpedanceSpectrum,
    averaged,
    fit_spectrum,
    geometry_of,
    result_of,
    with_rivals,
)
from vitrolyte.laboratory.impedance.structure import Structure
from vitrolyte.observe.motion.arrhenius import CONDUCTIVITY, TemperatureSeries
from vitrolyte.observe.motion.temperature_dependence import (
    TemperatureDependence,
    TemperatureSettings,
    temperature_dependence,
)
from vitrolyte.observe.threads import in_order

CITATIONS = tuple(dict.fromkeys((*FIT_CITATIONS, *TEST_CITATIONS)))
_FEWEST_TEMPERATURES = 4
_RIVALS = 3
_METHOD = "impedance"
_SUPPORTED = 3.0
"""An arc whose top lies further above the window than this rests on the series."""


@dataclass(frozen=True, eq=False)
class ImpedanceSeries(Result):
    """Spectra of one sample at several temperatures.

    Attributes
    ----------
    spectra
        What each says.
    together
        How they were fitted, in words.
    lines
        Arrhenius analyses of the conductivities of bulk, grain boundaries and total.
    refused
        Parts for which there are too few temperatures, with the reason.
    capacitances
        Of each part over temperature.
    """

    spectra: tuple[ImpedanceSpectrum, ...]
    together: str
    lines: tuple[TemperatureDependence, ...]
    refused: Mapping[str, Quantity]
    capacitances: CurveSet

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the rows of each spectrum, and those of the lines."""
        rows = [row for one in self.spectra for row in one.observations(sample)]
        for line in self.lines:
            rows += [replace(row, kind="measured") for row in line.observations(sample)]
        family = replace(sample, temperature_K=None)
        rows += [
            measured(family, "activation_energy", number, of=of, method=_METHOD)
            for of, number in self.refused.items()
        ]
        return tuple(rows)


@dataclass(frozen=True, eq=False)
class _Prepared:
    """One spectrum on its way."""

    measurement: Measurement
    seen: Smooth
    target: Target
    weighing: Weighing
    choice: Choice


def analyse_impedance(
    measurements: Sequence[Measurement], settings: ImpedanceSettings = USUAL
) -> tuple[Result, ...]:
    """Return what spectra say: of each, and of their conductivities over temperature.

    Spectra at two temperatures or more are fitted with one circuit, chosen on all of them, whose
    capacitances and exponents are the same at all temperatures, or linear in 1/T, if the spectra
    allow it; each has its own resistances. A given circuit is fitted to each by itself.

    Raises
    ------
    InputError
        As `fit_spectrum`; where there is no spectrum.
    """
    if not measurements:
        raise InputError("An impedance analysis needs a spectrum", received="none")
    for one in measurements:
        geometry_of(one, settings)
    known = [one.conditions.temperature_K for one in measurements]
    temperatures = [t for t in known if t is not None]
    several = len(temperatures) == len(measurements) and len(set(temperatures)) > 1
    if not several:
        return tuple(in_order(lambda one: fit_spectrum(one, settings), measurements))
    if settings.circuit or not settings.joint:
        spectra = tuple(in_order(lambda one: fit_spectrum(one, settings), measurements))
        return (_series(spectra, measurements, "each by itself", settings),)
    return (_joint(measurements, np.array(temperatures), settings),)


def _joint(
    measurements: Sequence[Measurement], temperatures: Floats, settings: ImpedanceSettings
) -> ImpedanceSeries:
    prepared = list(in_order(lambda one: _prepared(one, settings), measurements))
    x = _places(temperatures)
    best = _best_joint(prepared, x)
    alone = sum(one.choice.best.log_evidence for one in prepared)
    targets = [one.target for one in prepared]
    if best is None or not _common_scale(best.log_evidence, targets) > alone:
        spectra = tuple(in_order(lambda one: _by_itself(one, settings), prepared))
        said = "each by itself: no common circuit with shared capacitances was more probable"
        return _series(spectra, measurements, said, settings)
    best = confirmed(best, targets)
    fits = best.fits(targets)
    sizes = _mean_sizes(fits)
    spectra = tuple(
        in_order(
            lambda pair: _of_series(pair[0], pair[1], sizes, settings),
            list(zip(prepared, fits, strict=True)),
        )
    )
    words = f"{best.ties.structure.written} for all, {_shared_in_words(best)}"
    return _series(spectra, measurements, words, settings)


def _prepared(measurement: Measurement, settings: ImpedanceSettings) -> _Prepared:
    found, seen = read_spectrum(measurement, settings)
    target = Target(found, seen.noise, seen.scale)
    weighing = Weighing(target)
    return _Prepared(measurement, seen, target, weighing, choose(target, weighing))


def _places(temperatures: Floats) -> Floats:
    """Return 1/T from -1 to 1."""
    inverse_t = 1.0 / temperatures
    middle, half = 0.5 * (inverse_t.max() + inverse_t.min()), 0.5 * np.ptp(inverse_t)
    return np.asarray((inverse_t - middle) / half)


def _best_joint(prepared: Sequence[_Prepared], x: Floats) -> JointFit | None:
    """Return the most probable joint fit among the structures that single spectra prefer."""
    found = [_tied(structure, prepared, x) for structure in _structures(prepared)]
    fits = [one for one in found if one is not None]
    return max(fits, key=lambda fit: fit.log_evidence) if fits else None


def _structures(prepared: Sequence[_Prepared]) -> list[Structure]:
    """Return the structures that win at some temperatures, those with most support first."""
    votes: dict[Structure, float] = {}
    for one in prepared:
        best = one.choice.best
        votes[best.structure] = votes.get(best.structure, 0.0) + 1.0
    order = sorted(votes, key=lambda structure: (-votes[structure], -structure.size))
    largest = max(votes, key=lambda structure: (len(structure.arcs), structure.size))
    return list(dict.fromkeys([*order[:_RIVALS], largest]))


def _tied(structure: Structure, prepared: Sequence[_Prepared], x: Floats) -> JointFit | None:
    targets = [one.target for one in prepared]
    minima = [one.weighing.candidate(structure).minimum for one in prepared]
    errors = [np.sqrt(np.maximum(np.diag(inverse(minimum.normal)), 0.0)) for minimum in minima]
    start = started(structure, [minimum.coordinates for minimum in minima], errors, x)
    first = fit_jointly(ties(structure, targets, x, "constant"), targets, start)
    if len(prepared) < 3:
        return first
    places = first.ties.coordinates(first.unknowns)
    second = fit_jointly(ties(structure, targets, x, "linear"), targets, places)
    return max(first, second, key=lambda fit: fit.log_evidence)


def _common_scale(log_evidence: float, targets: Sequence[Target]) -> float:
    """Return the evidence of a series on the scale of a sum over single spectra.

    One sum of squares over N points with a common scale stands against s of them with their own:
    both are -N/2 ln(chi2/N) but for constants, which are made the same here.
    """
    sizes = np.array([2.0 * len(target.spectrum) for target in targets])
    whole = float(sizes.sum())
    apart = 0.5 * whole * np.log(whole) - 0.5 * np.sum(sizes * np.log(sizes))
    return log_evidence + float(apart)


def _by_itself(one: _Prepared, settings: ImpedanceSettings) -> ImpedanceSpectrum:
    choice = sharpened(one.choice, one.target)
    best = choice.best
    fit = CircuitFit.of_minimum(best.structure.circuit, one.target, best.minimum)
    geometry = geometry_of(one.measurement, settings)
    result = result_of(fit, one.seen, one.measurement, geometry, settings)
    return with_rivals(averaged(result, choice, one.target, geometry), choice)


def _of_series(
    one: _Prepared, fit: CircuitFit, sizes: tuple[float, ...], settings: ImpedanceSettings
) -> ImpedanceSpectrum:
    geometry = geometry_of(one.measurement, settings)
    result = result_of(fit, one.seen, one.measurement, geometry, settings, sizes)
    return _rests_on_series(result, float(fit.target.spectrum.frequency[0]))


def _rests_on_series(result: ImpedanceSpectrum, highest_Hz: float) -> ImpedanceSpectrum:
    """Mark numbers of arcs that have left the window: what the series shares carries them."""
    resistances, conductivities = dict(result.resistances), dict(result.conductivities)
    for part in result.parts:
        if part.peak_Hz > _SUPPORTED * highest_Hz and part.part in resistances:
            reason = (
                f"the top of its arc, at {part.peak_Hz:.2g} Hz, lies above the highest frequency; "
                "the split rests on the capacitance that the series shares"
            )
            resistances[part.part] = resistances[part.part].provisional(reason)
            if part.part in conductivities:
                conductivities[part.part] = conductivities[part.part].provisional(reason)
    return replace(result, resistances=resistances, conductivities=conductivities)


def _mean_sizes(
    fits: Sequence[CircuitFit],
) -> tuple[float, ...]:
    """Return the capacitance of each arc, F, its median over the series."""
    logs = [
        [fit.coordinates[arc.time] - fit.coordinates[arc.resistance] for arc in fit.arcs()]
        for fit in fits
    ]
    return tuple(float(value) for value in np.exp(np.median(np.array(logs), axis=0)))


def _shared_in_words(best: JointFit) -> str:
    how = "linear in 1/T" if best.ties.tie == "linear" else "the same at all temperatures"
    return f"capacitances and exponents {how}"


def _series(
    spectra: tuple[ImpedanceSpectrum, ...],
    measurements: Sequence[Measurement],
    together: str,
    settings: ImpedanceSettings,
) -> ImpedanceSeries:
    lines, refused = [], {}
    for of in ("bulk", "grain_boundary", "interphase", "total"):
        having = [one for one in spectra if of in one.conductivities]
        if not having:
            continue
        try:
            lines.append(_line(having, of, measurements, settings))
        except InputError as error:
            refused[of] = Quantity.refused("eV", error.required)
    return ImpedanceSeries(spectra, together, tuple(lines), refused, _capacitances(spectra))


def _line(
    spectra: Sequence[ImpedanceSpectrum],
    of: str,
    measurements: Sequence[Measurement],
    settings: ImpedanceSettings,
) -> TemperatureDependence:
    """Return the Arrhenius analysis of one part; the geometry's error is common to all points."""
    geometry = geometry_of(measurements[0], settings)
    common = 0.0 if geometry is None else geometry.relative_error
    numbers = tuple(
        _conductivity_alone(one.resistances[of], one.conductivities[of]) for one in spectra
    )
    series = TemperatureSeries(
        tuple(one.temperature_K for one in spectra),
        numbers,
        CONDUCTIVITY,
        of,
        _METHOD,
        common_relative_error=common,
    )
    asked = TemperatureSettings(extrapolate_to_K=settings.extrapolate_to_K)
    if of == "total" and any("grain_boundary" in one.conductivities for one in spectra):
        # Two activated parts in series are no straight line, nor any of the laws that would be
        # chosen in its place.
        asked = replace(asked, rivals=())
    return temperature_dependence(series, weigh, asked)


def _conductivity_alone(resistance: Quantity, conductivity: Quantity) -> Quantity:
    """Return a conductivity with the interval of its resistance alone."""
    if conductivity.status == "refused":
        return conductivity
    factor = conductivity.value * resistance.value
    return replace(
        conductivity,
        error=conductivity.value * resistance.error / resistance.value,
        low=factor / resistance.high,
        high=factor / resistance.low,
    )


def _capacitances(spectra: Sequence[ImpedanceSpectrum]) -> CurveSet:
    curves = []
    for of in ("bulk", "grain_boundary", "interphase", "electrode"):
        points = [
            (one.temperature_K, part.capacitance)
            for one in spectra
            for part in one.parts
            if part.part == of and part.capacitance.status != "refused"
        ]
        if points:
            curves.append(
                Curve(
                    np.array([t for t, _ in points]),
                    np.array([c.value for _, c in points]),
                    Axis("temperature", "K"),
                    Axis("capacitance", "F"),
                    np.array([c.error for _, c in points]),
                    of.replace("_", " "),
                )
            )
    labels = tuple(curve.label for curve in curves)
    return CurveSet("Capacitances over temperature", tuple(curves), log_y=True, points=labels)
