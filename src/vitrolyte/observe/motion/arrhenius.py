"""Temperature dependence of transport: the Arrhenius line, its energy and its extrapolation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.fitted import Fitted, Fitter
from vitrolyte.data.model import Floats, Model, Parameter
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import NORMAL_95, Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.units import BOLTZMANN_EV_PER_K

_FEWEST_TEMPERATURES = 4
WIDEST_DECADES = 3.0
"""An extrapolated interval that spans more powers of ten than this is no answer."""

_INVERSE = Axis("1000/T", "1/K")


@dataclass(frozen=True)
class ActivatedQuantity:
    """A quantity y that is thermally activated.

    Attributes
    ----------
    word, unit
        Its word and unit.
    times_temperature
        Whether y T, not y, follows the line: true for a conductivity, false for a diffusivity.
    """

    word: str
    unit: str
    times_temperature: bool

    @property
    def axis(self) -> Axis:
        """Return the axis of the ordinate."""
        if self.times_temperature:
            return Axis(f"{self.word.replace('_', ' ')} × T", _product_unit(self.unit))
        return Axis(self.word.replace("_", " "), self.unit)


def _product_unit(unit: str) -> str:
    head, _, tail = unit.partition("/")
    return f"{head} K/{tail}" if tail else f"{head} K"


CONDUCTIVITY = ActivatedQuantity("ionic_conductivity", "S/cm", times_temperature=True)
TRACER_DIFFUSIVITY = ActivatedQuantity("tracer_diffusivity", "cm²/s", times_temperature=False)


def arrhenius_line(inverse_temperature: Floats, parameters: Floats) -> Floats:
    r"""Return the logarithm of a thermally activated quantity.

    .. math:: \ln(\sigma T) = \ln A - E_a / kT

    Parameters
    ----------
    inverse_temperature
        (n,), 1000/T, 1/K.
    parameters
        (2,): ln A, and E_a in eV.
    """
    log_prefactor, energy = parameters
    return np.asarray(log_prefactor - energy * inverse_temperature / (1000.0 * BOLTZMANN_EV_PER_K))


@dataclass(frozen=True, eq=False)
class Arrhenius(Result):
    """An Arrhenius line through a quantity at several temperatures.

    Attributes
    ----------
    of, method
        What the quantity is of, and how each point was made.
    activation_energy
        eV.
    prefactor
        A of y T = A exp(-E_a/kT) (or of y), in the unit of the ordinate.
    extrapolated
        The quantity at ``extrapolated_to_K``, always provisional when outside the range, refused
        when its interval spans more than three decades.
    word
        Word of the quantity.
    chi2, dof
        Goodness of the line.
    curves
        Points, line and its band against 1000/T.
    """

    word: str
    of: str
    method: str
    activation_energy: Quantity
    prefactor: Quantity
    extrapolated: Quantity
    extrapolated_to_K: float
    chi2: float
    dof: int
    curves: CurveSet

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return activation energy, prefactor of a conductivity, and the extrapolated value."""
        family = Sample(sample.material, sample.formula, sample.phase, None, sample.pressure_GPa)
        at = Sample(
            sample.material,
            sample.formula,
            sample.phase,
            self.extrapolated_to_K,
            sample.pressure_GPa,
        )
        energy_of = f"Arrhenius, {self.word}, {self.method}"
        rows = [
            computed(
                family, "activation_energy", self.activation_energy, of=self.of, method=energy_of
            ),
            computed(at, self.word, self.extrapolated, of=self.of, method=self.method),
        ]
        if self.word == CONDUCTIVITY.word:
            rows.append(
                computed(
                    family, "arrhenius_prefactor", self.prefactor, of=self.of, method=energy_of
                )
            )
        return tuple(rows)


@dataclass(frozen=True, eq=False)
class TemperatureSeries:
    """One quantity at several temperatures.

    Attributes
    ----------
    temperatures_K
        (n,).
    numbers
        (n,) with their 95 % intervals; refused ones are left out of the line.
    kind
        What the quantity is.
    of, method
        As in an observation.
    temperature_errors_K
        (n,) standard errors of the temperatures, each on its own; empty where they are exact.
    common_temperature_error_K
        Standard error of an offset that all temperatures share (a thermometer's), K.
    common_relative_error
        Standard error of a factor that all numbers share (the thickness of a pellet).
    """

    temperatures_K: tuple[float, ...]
    numbers: tuple[Quantity, ...]
    kind: ActivatedQuantity = CONDUCTIVITY
    of: str = ""
    method: str = ""
    temperature_errors_K: tuple[float, ...] = ()
    common_temperature_error_K: float = 0.0
    common_relative_error: float = 0.0

    def __post_init__(self) -> None:
        if len(self.temperatures_K) != len(self.numbers):
            raise InputError(
                "Each temperature needs one number",
                received=f"{len(self.temperatures_K)} temperatures, {len(self.numbers)} numbers",
            )
        if len(self.temperature_errors_K) not in (0, len(self.temperatures_K)):
            raise InputError(
                "Each temperature needs its error, or none has one",
                received=f"{len(self.temperature_errors_K)} errors of "
                f"{len(self.temperatures_K)} temperatures",
            )
        if not all(t > 0 for t in self.temperatures_K):
            raise InputError(
                "Temperatures are absolute, in K",
                received=f"{sorted(self.temperatures_K)[0]:g}",
                remedy="add 273.15 to degrees Celsius",
            )

    @property
    def usable(self) -> tuple[tuple[float, Quantity], ...]:
        """Return the temperatures whose number is above zero and not refused."""
        pairs = zip(self.temperatures_K, self.numbers)
        return tuple((t, q) for t, q in pairs if q.status != "refused" and q.value > 0)


def two_point_energy(series: TemperatureSeries) -> Quantity:
    r"""Return the activation energy that two printed values imply, eV.

    .. math:: E_a = k \,\frac{\ln y_2 - \ln y_1}{1/T_1 - 1/T_2}

    with y or y T, as the kind of the series says: a check of an energy printed beside them, not
    a measurement. It has an error where both values have intervals.

    Raises
    ------
    InputError
        If there are not two values above zero at two temperatures.
    """
    if len(series.usable) != 2 or len({t for t, _ in series.usable}) != 2:
        raise InputError(
            "Two values above zero at two temperatures are needed",
            received=f"{len(series.usable)}",
        )
    (t1, y1), (t2, y2) = series.usable
    reach = (1.0 / t1 - 1.0 / t2) / BOLTZMANN_EV_PER_K
    factor = t2 / t1 if series.kind.times_temperature else 1.0
    energy = float(np.log(y2.value / y1.value * factor) / reach)
    cold, hot = (
        float(np.log(y.high / y.low)) / (2 * NORMAL_95) if y.low > 0 else np.nan for y in (y1, y2)
    )
    error = float(np.hypot(cold, hot) / abs(reach))
    number = Quantity.normal(energy, error, "eV")
    return number.provisional(f"from two values alone, at {t1:g} and {t2:g} K")


def arrhenius(
    series: TemperatureSeries,
    fit: Fitter,
    *,
    extrapolate_to_K: float = 300.0,
) -> Arrhenius:
    r"""Return the activation energy of a quantity and its value at another temperature.

    .. math:: \sigma T = A \exp(-E_a / kT), \qquad D = D_0 \exp(-E_a / kT)

    fitted on the logarithmic scale, where the intervals are nearly symmetric.

    Parameters
    ----------
    series
        At least four temperatures; fewer usable ones yield a refusal.
    fit
        Finds the parameters of a model from a curve: ``infer.fit.fit``.
    extrapolate_to_K
        Temperature of the further value, K.

    Raises
    ------
    InputError
        If the series has fewer than four different temperatures.
    """
    if len(set(series.temperatures_K)) < _FEWEST_TEMPERATURES:
        raise InputError(
            f"An Arrhenius line needs at least {_FEWEST_TEMPERATURES} temperatures",
            received=f"{sorted(set(series.temperatures_K))} K",
        )
    if any(series.temperature_errors_K) or series.common_temperature_error_K:
        raise InputError(
            "A line by errors of y alone needs exact temperatures",
            received="temperatures with errors",
            remedy="use temperature_dependence, which takes errors in both directions",
        )
    if len({t for t, _ in series.usable}) < _FEWEST_TEMPERATURES:
        return _refused(series, extrapolate_to_K)
    points = _log_points(series)
    line = fit(_model(points), points)
    return _described(series, points, line, extrapolate_to_K)


def _log_points(series: TemperatureSeries) -> Curve:
    """Return ln y or ln(y T) with errors from the 95 % intervals, against 1000/T."""
    t = np.array([temperature for temperature, _ in series.usable])
    value, low, high = (
        np.array([getattr(number, end) for _, number in series.usable])
        for end in ("value", "low", "high")
    )
    if not np.all(np.isfinite(low) & np.isfinite(high)):
        raise InputError(
            "Each point of an Arrhenius line needs its 95 % interval",
            received=f"intervals from {low} to {high}",
        )
    # An interval that reaches zero has no logarithm: its upper half stands for both.
    safe = np.where(low > 0, low, value**2 / high)
    error = np.log(high / safe) / (2 * NORMAL_95)
    y = np.log(value * t if series.kind.times_temperature else value)
    return Curve(1000.0 / t, y, _INVERSE, Axis(f"ln({series.kind.axis.name})", ""), error)


def _model(points: Curve) -> Model:
    slope, intercept = np.polyfit(points.x, np.asarray(points.y, dtype=float), 1)
    energy = float(-slope * 1000.0 * BOLTZMANN_EV_PER_K)
    parameters = (
        Parameter("log_prefactor", float(intercept), ""),
        Parameter("activation_energy", energy, "eV"),
    )
    return Model(arrhenius_line, parameters)


def _described(
    series: TemperatureSeries, points: Curve, line: Fitted, target_K: float
) -> Arrhenius:
    doubts = _doubts(series, line)
    energy = line.parameters["activation_energy"]
    log_prefactor = line.parameters["log_prefactor"]
    for doubt in doubts:
        energy = energy.provisional(doubt)
    return Arrhenius(
        word=series.kind.word,
        of=series.of,
        method=series.method,
        activation_energy=energy,
        prefactor=_exponential(log_prefactor, series.kind.axis.unit, doubts),
        extrapolated=_value_at(series, line, target_K, doubts),
        extrapolated_to_K=target_K,
        chi2=line.chi2,
        dof=line.dof,
        curves=_curves(series, points, line, target_K),
    )


def _doubts(series: TemperatureSeries, line: Fitted) -> list[str]:
    doubts = []
    if line.poor:
        doubts.append(
            f"the points scatter about the line more than their errors allow "
            f"(chi² {line.chi2:.3g} for {line.dof} degrees of freedom)"
        )
    left_out = sorted(set(series.temperatures_K) - {t for t, _ in series.usable})
    if left_out:
        doubts.append(f"no usable value at {', '.join(f'{t:g} K' for t in left_out)}")
    weak = sum(number.status == "provisional" for _, number in series.usable)
    if 2 * weak > len(series.usable):
        doubts.append(f"{weak} of {len(series.usable)} points are provisional")
    return doubts


def _exponential(log_value: Quantity, unit: str, doubts: list[str]) -> Quantity:
    value, low, high = (float(np.exp(v)) for v in (log_value.value, log_value.low, log_value.high))
    number = Quantity(value, unit, value * log_value.error, low, high)
    for doubt in doubts:
        number = number.provisional(doubt)
    return number


def _value_at(
    series: TemperatureSeries, line: Fitted, target_K: float, doubts: list[str]
) -> Quantity:
    log_value, error = (float(v[0]) for v in line.band(np.array([1000.0 / target_K])))
    if series.kind.times_temperature:
        log_value -= float(np.log(target_K))
    half = line.quantile * error
    ends = Quantity(log_value, "", error, log_value - half, log_value + half)
    decades = 2 * half / float(np.log(10))
    if decades > WIDEST_DECADES:
        return Quantity.refused(
            series.kind.unit,
            f"the 95 % interval at {target_K:g} K would span {decades:.1f} decades, "
            f"{WIDEST_DECADES:g} at most: more temperatures or longer runs are needed",
        )
    number = _exponential(ends, series.kind.unit, doubts)
    used = [t for t, _ in series.usable]
    if min(used) <= target_K <= max(used):
        return number
    return number.provisional(f"extrapolated from {min(used):g}-{max(used):g} K")


def _curves(series: TemperatureSeries, points: Curve, line: Fitted, target_K: float) -> CurveSet:
    ends = np.append(points.x, 1000.0 / target_K)
    x = np.linspace(ends.min(), ends.max(), 100)
    log_y, error = line.band(x)
    axis, label = series.kind.axis, series.of or "points"
    y = np.exp(np.asarray(points.y, dtype=float))
    scatter = None if points.y_error is None else y * points.y_error
    shown = Curve(points.x, y, _INVERSE, axis, scatter, label)
    drawn = Curve(x, np.exp(log_y), _INVERSE, axis, np.exp(log_y) * error, f"{label}, line")
    title = f"Arrhenius plot: {series.kind.word.replace('_', ' ')}, {series.method}".rstrip(", ")
    return CurveSet(title, (shown, drawn), log_y=True, points=(label,))


def _refused(series: TemperatureSeries, target_K: float) -> Arrhenius:
    count = len(series.usable)
    reason = f"{count} of {len(series.numbers)} temperatures gave a value; four are needed"
    empty = CurveSet(f"Arrhenius plot: {series.kind.word.replace('_', ' ')}", (), log_y=True)
    missing: dict[str, Any] = {"chi2": float("nan"), "dof": 0, "curves": empty}
    return Arrhenius(
        word=series.kind.word,
        of=series.of,
        method=series.method,
        activation_energy=Quantity.refused("eV", reason),
        prefactor=Quantity.refused(series.kind.axis.unit, reason),
        extrapolated=Quantity.refused(series.kind.unit, reason),
        extrapolated_to_K=target_K,
        **missing,
    )
