"""Conductivity over temperature: energies, prefactors, phases, and what compensates what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.measurement import Measurement
from vitrolyte.data.observation import Observation, Sample, measured
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.infer.evidence import weigh
from vitrolyte.observe.motion.arrhenius import (
    CONDUCTIVITY,
    ActivatedQuantity,
    TemperatureSeries,
    two_point_energy,
)
from vitrolyte.observe.motion.compensation import (
    FEWEST_MATERIALS,
    ActivatedLine,
    Compensation,
    activated_line,
    compensation,
)
from vitrolyte.observe.motion.temperature_dependence import (
    TemperatureDependence,
    TemperatureSettings,
    temperature_dependence,
)
from vitrolyte.observe.motion.temperature_laws import harmonic_mean
from vitrolyte.observe.motion.temperature_laws import one_slope as one_slope_law
from vitrolyte.observe.motion.temperature_points import (
    FEWEST,
    Transition,
    log_points,
    measured_series,
)

PLAIN_CONDUCTIVITY = ActivatedQuantity("ionic_conductivity", "S/cm", times_temperature=False)
"""The convention in which σ itself, not σT, follows the line."""
CITATIONS = ("10.1119/1.1632486", "10.1080/01621459.1995.10476572", "10.1038/261566a0")
_PARTS = {
    "grain boundary": "grain_boundary",
    "gb": "grain_boundary",
    "bulk": "bulk",
    "total": "total",
}
_HIGH_S_PER_CM = 10.0
_FEWEST_FOR_ENERGY = 2
_EXACT = 1e-18
_INVERSE = Axis("1000/T", "1/K")
_PRODUCT = Axis("ionic conductivity × T", "S K/cm")


@dataclass(frozen=True)
class ConductivitySettings:
    """What is asked of conductivities over temperature.

    Attributes
    ----------
    to_K
        Temperature of the further value, K.
    of
        What the conductivity is of where a column does not say: ``bulk``, ``total`` …
    transitions
        Known transitions; each phase has a line of its own.
    relative_error
        Of each conductivity where the table has none; 0 leaves it to the scatter.
    temperature_error_K
        Of each temperature where the table has none.
    shared_relative_error, shared_temperature_error_K
        Of a factor that all conductivities share (thickness, area) and of an offset of all
        temperatures.

    Raises
    ------
    InputError
        If an error is below zero.
    """

    to_K: float = 298.15
    of: str = "total"
    transitions: tuple[Transition, ...] = ()
    relative_error: float = 0.0
    temperature_error_K: float = 0.0
    shared_relative_error: float = 0.0
    shared_temperature_error_K: float = 0.0

    def __post_init__(self) -> None:
        errors = (
            self.relative_error,
            self.temperature_error_K,
            self.shared_relative_error,
            self.shared_temperature_error_K,
        )
        if not all(error >= 0 for error in errors):
            raise InputError("Errors are not below zero", received=f"{errors}")


@dataclass(frozen=True, eq=False)
class PhaseConductivity(Result):
    """Conductivity over temperature within one phase.

    Attributes
    ----------
    range_K
        Lowest and highest temperature measured.
    energy, prefactor
        Of the line of σT, eV and S K/cm: σT = A exp(-E_a / kT).
    plain_energy, plain_prefactor
        Of the line of σ, eV and S/cm: σ = σ0 exp(-E_a / kT).
    law, plain_law
        Which law each follows.
    dependence
        The whole analysis of σT; None where there are fewer than four temperatures.
    """

    range_K: tuple[float, float]
    energy: Quantity
    prefactor: Quantity
    plain_energy: Quantity
    plain_prefactor: Quantity
    law: str
    plain_law: str
    dependence: TemperatureDependence | None

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return energies and prefactors in both conventions, with the range in the method."""
        family, span = replace(sample, temperature_K=None), self._span
        rows = list(self._of_product(family, span))
        plain = f"Arrhenius, ln σ; {self.plain_law}, {span}"
        rows.append(measured(family, "activation_energy", self.plain_energy, method=plain))
        rows.append(measured(family, "conductivity_prefactor", self.plain_prefactor, method=plain))
        return tuple(rows)

    @property
    def _span(self) -> str:
        low, high = self.range_K
        return f"{low:g}-{high:g} K"

    def _of_product(self, family: Sample, span: str) -> Iterator[Observation]:
        if self.dependence is None:
            method = f"Arrhenius, ln σT; {self.law}, {span}"
            yield measured(family, "activation_energy", self.energy, method=method)
            yield measured(family, "arrhenius_prefactor", self.prefactor, method=method)
            return
        for row in self.dependence.observations(family):
            yield replace(row, kind="measured", of="", method=_shorter(row.method, self.law, span))


def _shorter(method: str, law: str, span: str) -> str:
    """Return the method of a row of a measured line, its branch kept."""
    if not method.startswith("Arrhenius"):
        return f"{law} of ln σT, {span}"
    _, comma, branch = method.rpartition(", ")
    branch = f", {branch}" if comma and branch in ("below", "above") else ""
    return f"Arrhenius, ln σT; {law}{branch}, {span}"


@dataclass(frozen=True, eq=False)
class SampleConductivity(Result):
    """One sample's conductivity over temperature.

    Attributes
    ----------
    name, of
        The sample, and what its conductivity is of.
    points
        The conductivities as measured, in S/cm, with their temperatures in K.
    phases
        One of each phase, the coldest first.
    value
        At ``to_K``, interpolated or extrapolated within the phase that is stable there.
    notes
        What the reader should know of the points.
    """

    name: str
    of: str
    points: tuple[tuple[float, Quantity], ...]
    phases: tuple[PhaseConductivity, ...]
    value: Quantity
    to_K: float
    notes: tuple[str, ...]

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the measured points, the rows of each phase, and the value asked for."""
        sample = replace(sample, material=self.name or sample.material)
        rows = [
            measured(
                replace(sample, temperature_K=t), "ionic_conductivity", number, method="as read"
            )
            for t, number in self.points
        ]
        for phase in self.phases:
            rows += phase.observations(sample)
        at = replace(sample, temperature_K=self.to_K)
        kept = [row for row in rows if not _is_value(row)]
        kept.append(measured(at, "ionic_conductivity", self.value, method="all laws, weighed"))
        return tuple(replace(row, of=self.of) for row in kept)


def _is_value(row: Observation) -> bool:
    """Return whether a row is the further value of one phase, which the sample's own replaces."""
    return row.quantity == "ionic_conductivity" and row.method != "as read"


@dataclass(frozen=True, eq=False)
class ConductivitySeries(Result):
    """Conductivities of one or several samples over temperature.

    Attributes
    ----------
    samples
        One of each.
    meyer_neldel
        Whether prefactors compensate energies; None for fewer than five samples.
    curves
        All points and lines against 1000/T; None where one sample has one line, whose own picture
        shows it.
    """

    samples: tuple[SampleConductivity, ...]
    meyer_neldel: Compensation | None
    curves: CurveSet | None

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the rows of all samples, and those of the rule over them."""
        rows = [row for one in self.samples for row in one.observations(sample)]
        if self.meyer_neldel is not None:
            rows += [
                replace(row, kind="measured") for row in self.meyer_neldel.observations(sample)
            ]
        return tuple(rows)


def conductivity_series(
    measurements: Sequence[Measurement], settings: ConductivitySettings = ConductivitySettings()
) -> ConductivitySeries:
    r"""Return energies, prefactors and laws of conductivities over temperature.

    .. math::

        \sigma T = A\, e^{-E_a / kT}, \qquad \sigma = \sigma_0\, e^{-E_a' / kT}

    Both conventions are fitted to the same points; their energies differ by kT at the mean
    temperature and are called by their convention. Two slopes, a jump and VFT are weighed against
    one slope; known transitions part the points before. Four temperatures make a line, three a
    doubtful one, two an energy without a check.

    Parameters
    ----------
    measurements
        σ in S/cm against T in K, one of each sample.

    Raises
    ------
    InputError
        If there is no measurement, or one has a single temperature.
    """
    if not measurements:
        raise InputError("A conductivity over temperature needs a table", received="none")
    samples = tuple(_sample(one, settings) for one in measurements)
    many = measurements if len(measurements) >= FEWEST_MATERIALS else ()
    lines = [line for one in many if (line := _line(one, settings)) is not None]
    together = len(lines) >= FEWEST_MATERIALS
    several = len(samples) > 1 or len(samples[0].phases) > 1
    return ConductivitySeries(
        samples,
        compensation(lines) if together else None,
        _plot(measurements, samples) if several else None,
    )


def _sample(measurement: Measurement, settings: ConductivitySettings) -> SampleConductivity:
    series = _series(measurement, settings, CONDUCTIVITY)
    if len({t for t, _ in series.usable}) < _FEWEST_FOR_ENERGY:
        raise InputError(
            f"{measurement.name} needs conductivities above zero at two temperatures or more",
            received=f"{len(series.usable)} usable points",
        )
    phases, value = [], Quantity.refused("S/cm", f"no line reaches {settings.to_K:g} K")
    for low, high in _phases(settings.transitions):
        inside = [k for k, t in enumerate(series.temperatures_K) if low < t < high]
        if len({series.temperatures_K[k] for k in inside}) < _FEWEST_FOR_ENERGY:
            continue
        phase, at = _phase(measurement, inside, settings, own=low < settings.to_K < high)
        phases.append(phase)
        value = at if low < settings.to_K < high else value
    notes = (*measurement.notes, *_oddities(series))
    for note in notes:
        value = value.provisional(note)
    points = tuple(sorted(zip(series.temperatures_K, series.numbers), key=lambda pair: pair[0]))
    return SampleConductivity(
        *_identity(measurement, settings),
        points,
        tuple(phases),
        value,
        settings.to_K,
        notes,
    )


def _phases(transitions: Sequence[Transition]) -> Iterator[tuple[float, float]]:
    """Return the ranges of temperature between transitions."""
    low = 0.0
    for one in sorted(transitions, key=lambda transition: transition.low_K):
        yield low, one.low_K
        low = one.high_K
    yield low, float("inf")


def _identity(measurement: Measurement, settings: ConductivitySettings) -> tuple[str, str]:
    """Return the name of a sample, and what its conductivity is of."""
    name, words = measurement.part, measurement.part.lower().replace("_", " ")
    for word, of in _PARTS.items():
        if word in words.split() or (" " in word and word in words):
            start = words.find(word)
            rest = f"{name[:start]} {name[start + len(word) :]}"
            return " ".join(rest.split()), measurement.curve.label or of
    return name, measurement.curve.label or settings.of


def _series(
    measurement: Measurement, settings: ConductivitySettings, kind: ActivatedQuantity
) -> TemperatureSeries:
    curve = measurement.curve
    if curve.y_error is None and settings.relative_error > 0:
        curve = replace(curve, y_error=settings.relative_error * np.abs(np.asarray(curve.y)))
    errors = measurement.channel("temperature error")
    own = settings.temperature_error_K if errors is None else np.asarray(errors.y, dtype=float)
    series = measured_series(curve, kind, temperature_errors_K=own)
    return replace(
        series,
        common_relative_error=settings.shared_relative_error,
        common_temperature_error_K=settings.shared_temperature_error_K,
    )


def _part(series: TemperatureSeries, places: Sequence[int]) -> TemperatureSeries:
    errors = series.temperature_errors_K
    return replace(
        series,
        temperatures_K=tuple(series.temperatures_K[k] for k in places),
        numbers=tuple(series.numbers[k] for k in places),
        temperature_errors_K=tuple(errors[k] for k in places) if errors else (),
    )


def _phase(
    measurement: Measurement, places: Sequence[int], settings: ConductivitySettings, *, own: bool
) -> tuple[PhaseConductivity, Quantity]:
    """Return one phase, and the value asked for where it is the phase that is stable there."""
    product, plain = (
        _part(_series(measurement, settings, kind), places)
        for kind in (CONDUCTIVITY, PLAIN_CONDUCTIVITY)
    )
    t = sorted({t for t, _ in product.usable})
    span = (min(product.temperatures_K), max(product.temperatures_K))
    if len(t) < FEWEST:
        return _few(span, product, plain), _beyond_few(len(t), settings.to_K)
    asked = TemperatureSettings(extrapolate_to_K=settings.to_K if own else t[0])
    found = temperature_dependence(product, weigh, asked)
    other = temperature_dependence(plain, weigh, asked)
    if found.activation_energy.high < 0.0:
        fall = "the conductivity falls with temperature: a unit, or a sample that changes"
        found = replace(
            found,
            activation_energy=found.activation_energy.provisional(fall),
            extrapolated=found.extrapolated.provisional(fall),
        )
    phase = PhaseConductivity(
        span,
        found.activation_energy,
        found.prefactor,
        other.activation_energy,
        other.prefactor,
        found.law,
        other.law,
        found,
    )
    return phase, found.extrapolated


def _few(
    span: tuple[float, float], product: TemperatureSeries, plain: TemperatureSeries
) -> PhaseConductivity:
    """Return what two or three temperatures say."""
    energies = [_few_energy(series) for series in (product, plain)]
    reason = f"a prefactor needs {FEWEST} temperatures"
    return PhaseConductivity(
        span,
        energies[0],
        Quantity.refused("S K/cm", reason),
        energies[1],
        Quantity.refused("S/cm", reason),
        "too few temperatures",
        "too few temperatures",
        None,
    )


def _few_energy(series: TemperatureSeries) -> Quantity:
    """Return an energy from the coldest and the hottest of two or three temperatures."""
    usable = sorted(series.usable, key=lambda pair: pair[0])
    ends = (usable[0], usable[-1])
    pair = replace(
        series,
        temperatures_K=tuple(t for t, _ in ends),
        numbers=tuple(number for _, number in ends),
        temperature_errors_K=(),
    )
    return two_point_energy(pair)


def _beyond_few(count: int, to_K: float) -> Quantity:
    return Quantity.refused(
        "S/cm", f"a value at {to_K:g} K needs {FEWEST} temperatures of its phase, not {count}"
    )


def _oddities(series: TemperatureSeries) -> Iterator[str]:
    """Return what is odd about the points."""
    lost = [f"{t:g} K" for t, n in zip(series.temperatures_K, series.numbers) if not n.value > 0]
    if lost:
        yield f"not above zero and left out: {', '.join(lost)}"
    highest = max(number.value for _, number in series.usable)
    if highest > _HIGH_S_PER_CM:
        yield f"{highest:.3g} S/cm is more than an electrolyte has: is the unit right"
    if max(series.temperatures_K) < 150.0:
        yield "all temperatures lie below 150 K: are they in °C"


def _line(measurement: Measurement, settings: ConductivitySettings) -> ActivatedLine | None:
    """Return the line of one sample with the correlation of its errors, where it is one."""
    series = _series(measurement, settings, CONDUCTIVITY)
    if settings.transitions or len({t for t, _ in series.usable}) < FEWEST:
        return None
    points = log_points(series)
    reference = harmonic_mean(points.x)
    posterior = weigh([one_slope_law(reference)], points).posteriors[0]
    if not np.all(np.diag(posterior.covariances[0]) > _EXACT):
        # Points without any scatter leave no error to judge a rule by.
        return None
    return activated_line(measurement.part or measurement.file, posterior, reference)


def _plot(measurements: Sequence[Measurement], samples: Sequence[SampleConductivity]) -> CurveSet:
    points, lines = [], []
    for measurement, sample in zip(measurements, samples):
        label = f"{sample.name} {sample.of}".strip()
        t, y = measurement.curve.x, np.asarray(measurement.curve.y, dtype=float)
        good, error = y > 0, measurement.curve.y_error
        errors = None if error is None else error[good] * t[good]
        points.append(Curve(1000.0 / t[good], y[good] * t[good], _INVERSE, _PRODUCT, errors, label))
        lines += [
            replace(_chosen(phase.dependence.curves), label=f"{label}, {phase.law}, {low:g} K on")
            for phase in sample.phases
            if phase.dependence is not None
            for low in (phase.range_K[0],)
        ]
    return CurveSet(
        "Arrhenius plot",
        tuple(points + lines),
        log_y=True,
        points=tuple(curve.label for curve in points),
    )


def _chosen(curves: CurveSet) -> Curve:
    """Return the line of the law that was chosen: the first that is no set of points."""
    return next(curve for curve in curves.curves if curve.label not in curves.points)
