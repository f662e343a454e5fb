"""One impedance spectrum: tested, fitted, its arcs named, its conductivities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from vitrolyte.data.curve import CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.measurement import Measurement
from vitrolyte.data.model import Floats
from vitrolyte.data.observation import Observation, Sample, measured
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.infer.quality import quality_of
from vitrolyte.laboratory.impedance.choice import Choice, choose, sharpened
from vitrolyte.laboratory.impedance.fitted import CircuitFit, conductivity, from_logarithm
from vitrolyte.laboratory.impedance.geometry import Geometry
from vitrolyte.laboratory.impedance.kramers_kronig import (
    MATTERS,
    KramersKronig,
    Smooth,
    kramers_kronig,
)
from vitrolyte.laboratory.impedance.parts import NO_ARC, SampleReading, SpectrumPart
from vitrolyte.laboratory.impedance.pictures import (
    bode,
    fit_residuals,
    nyquist,
    nyquist_of_arcs,
)
from vitrolyte.laboratory.impedance.relaxation_times import RelaxationTimes, relaxation_times
from vitrolyte.laboratory.impedance.search import (
    Minimum,
    Target,
    descent,
    resampled,
    starting_points,
)
from vitrolyte.laboratory.impedance.settings import USUAL, ImpedanceSettings
from vitrolyte.laboratory.impedance.sign import read_spectrum
from vitrolyte.laboratory.impedance.structure import Structure
from vitrolyte.laboratory.impedance.user_circuit import bounds_of, in_order, starts_of
from vitrolyte.observe.impedance.circuits import Circuit
from vitrolyte.observe.impedance.notation import parse_circuit

CITATIONS = (
    "10.1002/adma.19900020304",
    "10.5006/1.3280607",
    "10.1016/S0022-0728(84)80324-1",
    "10.1016/j.electacta.2014.01.034",
)
_POOR = 1e-3
_LIKELY = 0.67
_COUNTS = 0.02
_UNUSUAL_PERMITTIVITY = 1e3
_LOWEST_PERMITTIVITY = 1.0


@dataclass(frozen=True, eq=False)
class ImpedanceSpectrum(Result):
    """What one spectrum says of a sample.

    Attributes
    ----------
    name, temperature_K
        Of the file; NaN where the temperature is not known.
    circuit
        Circuit code.
    rivals
        Probability of each circuit that was weighed, the most probable first; empty for a given
        one.
    parameters
        Of the circuit, by name.
    correlated
        Strong correlations of what was searched.
    share_at_minimum
        Share of the starts that came to the best minimum.
    kramers_kronig
        The linear test, and the noise that weighs the points.
    parts
        What the arcs are.
    resistances, conductivities
        Of ``bulk``, ``grain_boundary``, ``interphase`` and ``total``.
    permittivity
        Relative permittivity of the bulk.
    electrode_capacitance
        By Brug's formula, F.
    nyquist, arcs, magnitude, phase, residuals
        Points and fit.
    times
        The distribution of relaxation times, or nothing.
    doubts, notes
        Why numbers are provisional; what else a reader should know.
    """

    name: str
    temperature_K: float
    circuit: str
    rivals: Mapping[str, float]
    parameters: Mapping[str, Quantity]
    correlated: Mapping[str, float]
    share_at_minimum: float
    kramers_kronig: KramersKronig
    parts: tuple[SpectrumPart, ...]
    resistances: Mapping[str, Quantity]
    conductivities: Mapping[str, Quantity]
    permittivity: Quantity
    electrode_capacitance: Quantity
    nyquist: CurveSet
    arcs: CurveSet
    magnitude: CurveSet
    phase: CurveSet
    residuals: CurveSet
    times: tuple[RelaxationTimes, ...]
    doubts: tuple[str, ...]
    notes: tuple[str, ...]

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return conductivities, resistances, capacitances, noise and violations."""
        known = not np.isnan(self.temperature_K)
        sample = replace(sample, temperature_K=self.temperature_K if known else None)
        how = f"impedance, {self.circuit}"
        rows = [
            measured(sample, "ionic_conductivity", number, of=of, method=how)
            for of, number in self.conductivities.items()
        ]
        words = {"bulk": "bulk_resistance", "grain_boundary": "grain_boundary_resistance"}
        for of, number in self.resistances.items():
            word = words.get(of, "resistance")
            rows.append(measured(sample, word, number, of="" if of in words else of, method=how))
        for part in self.parts:
            rows += [replace(row, method=row.method or how) for row in part.observations(sample)]
        if self.electrode_capacitance.note != NO_ARC:
            rows.append(
                measured(
                    sample,
                    "capacitance",
                    self.electrode_capacitance,
                    of="electrode",
                    method="blocking CPE, Brug",
                )
            )
        if self.conductivities and self.permittivity.note != NO_ARC:
            rows.append(
                measured(sample, "relative_permittivity", self.permittivity, of="bulk", method=how)
            )
        return (*rows, *self.kramers_kronig.observations(sample))


def fit_spectrum(
    measurement: Measurement, settings: ImpedanceSettings = USUAL
) -> ImpedanceSpectrum:
    """Test, fit and read one impedance spectrum.

    Raises
    ------
    InputError
        If it is no spectrum, has the other sign, or a conductivity is asked for without thickness
        and area.
    """
    geometry = geometry_of(measurement, settings)
    found, seen = read_spectrum(measurement, settings)
    target = Target(found, seen.noise, seen.scale)
    if settings.circuit:
        given = _given(settings.circuit, target, settings.bootstrap)
        return result_of(given, seen, measurement, geometry, settings)
    choice = sharpened(choose(target), target)
    best = choice.best
    bounds = best.structure.bounds(found)
    fit = _with_draws(best.structure.circuit, target, best.minimum, bounds, settings.bootstrap)
    result = averaged(
        result_of(fit, seen, measurement, geometry, settings), choice, target, geometry
    )
    return with_rivals(result, choice)


def _given(text: str, target: Target, draws: int) -> CircuitFit:
    circuit = parse_circuit(text)
    if len(circuit.slots) >= 2 * len(target.spectrum):
        raise InputError(
            f"The circuit {circuit.written} with {len(circuit.slots)} parameters needs more points",
            received=f"{len(target.spectrum)} frequencies",
        )
    bounds, starts = bounds_of(circuit, target.spectrum), starts_of(circuit, target)
    usual = Structure.of_written(circuit.written)
    if usual is not None:
        starts = starting_points(usual, target, len(starts))
    minimum = in_order(circuit, descent(circuit, target, starts, bounds))
    return _with_draws(circuit, target, minimum, bounds, draws)


def _with_draws(
    circuit: Circuit, target: Target, minimum: Minimum, bounds: tuple[Floats, Floats], draws: int
) -> CircuitFit:
    """Return a fit with its covariance by curvature, or by a bootstrap of so many draws."""
    fit = CircuitFit.of_minimum(circuit, target, minimum)
    if draws == 0:
        return fit
    return replace(fit, covariance=resampled(circuit, target, minimum, bounds, draws))


def with_rivals(result: ImpedanceSpectrum, choice: Choice) -> ImpedanceSpectrum:
    """Return a result with the circuits that were weighed against its own."""
    shares = choice.probabilities
    rivals = {
        one.structure.written: float(share)
        for one, share in zip(choice.candidates, shares, strict=True)
        if share > 1e-4
    }
    if choice.best.reason:
        doubt = f"no circuit was found that the spectrum determines: {choice.best.reason}"
        return doubted(replace(result, rivals={}), doubt)
    sure = choice.arcs_probability()
    if sure >= _LIKELY:
        return replace(result, rivals=rivals)
    doubt = f"another number of arcs has a probability of {1.0 - sure:.2f}"
    return doubted(replace(result, rivals=rivals), doubt)


def averaged(
    result: ImpedanceSpectrum, choice: Choice, target: Target, geometry: Geometry | None
) -> ImpedanceSpectrum:
    """Return a result whose resistances carry what rivals with the same parts say of them.

    Mean and variance of each logarithm are those of the mixture by probability: whether a
    resistance of the leads is there or not moves the bulk's.
    """
    shares, own = choice.probabilities, result.resistances
    told = [(float(shares[0]), own)]
    for one, share in zip(choice.candidates[1:], shares[1:], strict=True):
        if share > _COUNTS:
            fit = CircuitFit.of_minimum(one.structure.circuit, target, one.minimum)
            told.append((float(share), SampleReading(fit, geometry, ()).resistances()))
    if len(told) == 1:
        return result
    resistances = {
        of: _mixture(number, [(p, found[of]) for p, found in told if of in found])
        for of, number in own.items()
    }
    conductivities = {
        of: conductivity(resistances[of], geometry)
        for of in result.conductivities
        if geometry is not None
    }
    return replace(result, resistances=resistances, conductivities=conductivities)


def _mixture(own: Quantity, told: Sequence[tuple[float, Quantity]]) -> Quantity:
    """Return a positive number as the mixture of what several circuits say of it."""
    known = [(p, q) for p, q in told if q.status != "refused"]
    if own.status == "refused" or len(known) < 2:
        return own
    weights = np.array([p for p, _ in known])
    weights = weights / weights.sum()
    logs = np.log([q.value for _, q in known])
    errors = np.array([q.error / q.value for _, q in known])
    mean = float(weights @ logs)
    error = float(np.sqrt(weights @ (errors**2 + (logs - mean) ** 2)))
    quantile = float(np.log(own.high / own.low)) / (2.0 * own.error / own.value)
    mixed = from_logarithm(mean, error, quantile, own.unit)
    return mixed.provisional(own.note) if own.status == "provisional" and own.note else mixed


def doubted(result: ImpedanceSpectrum, doubt: str) -> ImpedanceSpectrum:
    """Return a result all of whose numbers are provisional for one more reason."""
    return replace(
        result,
        doubts=(*result.doubts, doubt),
        parameters={k: q.provisional(doubt) for k, q in result.parameters.items()},
        resistances={k: q.provisional(doubt) for k, q in result.resistances.items()},
        conductivities={k: q.provisional(doubt) for k, q in result.conductivities.items()},
        permittivity=result.permittivity.provisional(doubt),
        electrode_capacitance=result.electrode_capacitance.provisional(doubt),
    )


def geometry_of(measurement: Measurement, settings: ImpedanceSettings) -> Geometry | None:
    """Return thickness and area of the sample, refusing where they are needed and not known."""
    known = measurement.conditions
    if settings.answer == "resistance":
        return None
    remedy = "give --{}, or --answer resistance to do without a conductivity"
    return Geometry(
        known.require("thickness_cm", of="A conductivity", remedy=remedy.format("thickness-cm")),
        known.require(
            "area_cm2", of="A conductivity", remedy=remedy.format("area-cm2 or --diameter-cm")
        ),
        settings.thickness_error_cm,
        settings.area_error_cm2,
    )


def result_of(
    fit: CircuitFit,
    seen: Smooth,
    measurement: Measurement,
    geometry: Geometry | None,
    settings: ImpedanceSettings,
    capacitances: tuple[float, ...] = (),
) -> ImpedanceSpectrum:
    """Return all that a fitted circuit says.

    Parameters
    ----------
    capacitances
        By which the arcs are named, F; those of this fit if none are given.
    """
    spectrum = fit.target.spectrum
    tested = kramers_kronig(spectrum, seen)
    reading = SampleReading(fit, geometry, capacitances)
    resistances = reading.resistances()
    magnitude, phase = bode(spectrum, fit.impedance)
    temperature = measurement.conditions.temperature_K
    notes = [*spectrum.notes, tested.verdict, tested.noise_in_words, *reading.notes]
    notes += ["the temperature is not known"] * (temperature is None)
    result = ImpedanceSpectrum(
        name=spectrum.name,
        temperature_K=float("nan") if temperature is None else temperature,
        circuit=fit.circuit.written,
        rivals={},
        parameters=fit.parameters(),
        correlated=fit.correlated(),
        share_at_minimum=fit.share,
        kramers_kronig=tested,
        parts=reading.parts(),
        resistances=resistances,
        conductivities={}
        if geometry is None
        else {
            of: conductivity(number, geometry)
            for of, number in resistances.items()
            if of != "series" and of != "electrode"
        },
        permittivity=reading.permittivity(),
        electrode_capacitance=reading.electrode(),
        nyquist=nyquist(spectrum, fit.impedance),
        arcs=nyquist_of_arcs(spectrum, fit.impedance, resistances["total"].value),
        magnitude=magnitude,
        phase=phase,
        residuals=fit_residuals(fit),
        times=(relaxation_times(fit),) if settings.times else (),
        doubts=(),
        notes=tuple(notes),
    )
    for doubt in _doubts(fit, seen, tested, result.permittivity, geometry):
        result = doubted(result, doubt)
    return result


def _doubts(
    fit: CircuitFit,
    seen: Smooth,
    tested: KramersKronig,
    relative: Quantity,
    geometry: Geometry | None,
) -> list[str]:
    """Return why the numbers of a fit as a whole are provisional."""
    found = list(fit.target.spectrum.doubts)
    own = 2.0 * len(fit.target.spectrum) - len(fit.coordinates)
    ratio = fit.chi2 / own
    if special.fdtrc(own, seen.fit.freedom, ratio) < _POOR:
        found.append(
            f"the circuit leaves residuals {np.sqrt(ratio):.2g} times the noise of the linear test"
        )
    elif sentence := quality_of(fit.residuals, chi2=float("nan"), dof=int(own)).sentence:
        found.append(sentence)
    if tested.worst > MATTERS:
        found.append(tested.verdict)
    if tested.noise.value > 0.1:
        found.append(f"noise of {100 * tested.noise.value:.0f} % of |Z|")
    if geometry is not None:
        found += [geometry.doubt] * bool(geometry.doubt) + _implausible(relative)
    return found


def _implausible(relative: Quantity) -> list[str]:
    if relative.status == "refused":
        return []
    if relative.value > _UNUSUAL_PERMITTIVITY:
        return [
            f"a relative permittivity of {relative.value:.2g} is implausible for a bulk: "
            "thickness, area, or the assignment of the arc is wrong"
        ]
    if relative.high < _LOWEST_PERMITTIVITY:
        return [
            f"a relative permittivity of {relative.value:.2g} is impossible: thickness or area "
            "is in another unit, or stray capacitance is meant"
        ]
    return []
