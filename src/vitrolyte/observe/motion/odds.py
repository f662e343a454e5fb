"""A transference number at another temperature: the line of its odds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.fitted import Fitted, Fitter
from vitrolyte.data.model import Floats, Model, Parameter
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import NORMAL_95, Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.units import BOLTZMANN_EV_PER_K

WIDEST_INTERVAL = 0.8
"""A transference number known no better than to 0.8 of the unit interval is not known."""

_FEWEST_TEMPERATURES = 4
_INVERSE = Axis("1000/T", "1/K")


@dataclass(frozen=True, eq=False)
class TransferenceSeries:
    """One transference number at several temperatures.

    Attributes
    ----------
    temperatures_K
        (n,).
    numbers
        (n,) with their 95 % intervals; refused ones and those outside 0 to 1 are left out.
    of, method
        As in an observation.
    """

    temperatures_K: tuple[float, ...]
    numbers: tuple[Quantity, ...]
    of: str = ""
    method: str = ""

    @property
    def usable(self) -> tuple[tuple[float, Quantity], ...]:
        """Return the temperatures whose number has odds."""
        pairs = zip(self.temperatures_K, self.numbers, strict=True)
        return tuple((t, q) for t, q in pairs if q.status != "refused" and 0 < q.value < 1)


@dataclass(frozen=True, eq=False)
class ExtrapolatedTransference(Result):
    """A transference number at a temperature where nothing was run.

    Attributes
    ----------
    of, method
        Species, and how each point was made.
    number
        The transference number at ``temperature_K``; always provisional outside the range.
    energy_difference
        How much higher the activation energy of the other ions' conductivity is, eV.
    curves
        Points and line against 1000/T.
    """

    of: str
    method: str
    number: Quantity
    energy_difference: Quantity
    temperature_K: float
    curves: CurveSet

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the transference number at its temperature."""
        at = Sample(
            sample.material, sample.formula, sample.phase, self.temperature_K, sample.pressure_GPa
        )
        return (computed(at, "transference_number", self.number, of=self.of, method=self.method),)


def log_odds_line(inverse_temperature: Floats, parameters: Floats) -> Floats:
    r"""Return the logarithm of the odds of a transference number.

    .. math:: \ln \frac{t}{1 - t} = \ln\frac{\sigma_a}{\sigma_{others}}
              = \ln\frac{A_a}{A_{others}} + \frac{E_{others} - E_a}{kT}

    a straight line where the ion and the others together follow Arrhenius lines.

    Parameters
    ----------
    inverse_temperature
        (n,), 1000/T, 1/K.
    parameters
        (2,): logarithm of the ratio of prefactors, difference of activation energies in eV.
    """
    ratio, difference = parameters
    return np.asarray(ratio + difference * inverse_temperature / (1000.0 * BOLTZMANN_EV_PER_K))


def extrapolated_transference(
    series: TransferenceSeries,
    fit: Fitter,
    *,
    to_K: float = 300.0,
) -> ExtrapolatedTransference:
    """Return a transference number at another temperature, from the line of its log odds.

    The odds keep the number between 0 and 1 and its interval on the right side of both; errors
    that numerator and denominator share are in the numbers themselves.

    Raises
    ------
    InputError
        If the series has fewer than four different temperatures.
    """
    if len(set(series.temperatures_K)) < _FEWEST_TEMPERATURES:
        raise InputError(
            f"The odds of a transference number need {_FEWEST_TEMPERATURES} temperatures",
            received=f"{sorted(set(series.temperatures_K))} K",
        )
    used = [t for t, _ in series.usable]
    if len(set(used)) < _FEWEST_TEMPERATURES:
        reason = f"{len(used)} of {len(series.numbers)} temperatures gave odds; four are needed"
        return _refused(series, reason, to_K)
    points = _points(series)
    line = fit(_model(points), points)
    number = _number(line, to_K, used)
    for doubt in _doubts(series, line):
        number = number if number.status == "refused" else number.provisional(doubt)
    difference = line.parameters["energy_difference"]
    curves = _curves(series, points, line, to_K)
    return ExtrapolatedTransference(series.of, series.method, number, difference, to_K, curves)


def _points(series: TransferenceSeries) -> Curve:
    t = np.array([temperature for temperature, _ in series.usable])
    numbers = [number for _, number in series.usable]
    y = np.array([_log_odds(number.value) for number in numbers])
    error = np.array([_error(number) for number in numbers])
    if not np.all(np.isfinite(error) & (error > 0)):
        raise InputError(
            "Each transference number needs its 95 % interval", received=f"errors {error}"
        )
    return Curve(1000.0 / t, y, _INVERSE, Axis("ln(t / (1 - t))", ""), error)


def _error(number: Quantity) -> float:
    """Return the standard error of the log odds, from whichever ends lie between 0 and 1."""
    middle = _log_odds(number.value)
    halves = [abs(_log_odds(end) - middle) for end in (number.low, number.high) if 0 < end < 1]
    return float(np.mean(halves)) / NORMAL_95 if halves else float("inf")


def _log_odds(value: float) -> float:
    return float(np.log(value / (1.0 - value)))


def _odds_to_number(log_odds: float) -> float:
    return float(1.0 / (1.0 + np.exp(-log_odds)))


def _model(points: Curve) -> Model:
    slope, intercept = np.polyfit(points.x, np.asarray(points.y, dtype=float), 1)
    parameters = (
        Parameter("log_ratio", float(intercept), ""),
        Parameter("energy_difference", float(slope) * 1000.0 * BOLTZMANN_EV_PER_K, "eV"),
    )
    return Model(log_odds_line, parameters)


def _number(line: Fitted, to_K: float, used: list[float]) -> Quantity:
    middle, error = (float(v[0]) for v in line.band(np.array([1000.0 / to_K])))
    half = line.quantile * error
    value, low, high = (_odds_to_number(middle + shift) for shift in (0.0, -half, half))
    if high - low > WIDEST_INTERVAL:
        return Quantity.refused(
            "1",
            f"the 95 % interval at {to_K:g} K would be {low:.2g} to {high:.2g}: "
            "more temperatures or longer runs are needed",
        )
    number = Quantity(value, "1", value * (1 - value) * error, low, high)
    if min(used) <= to_K <= max(used):
        return number
    return number.provisional(f"extrapolated from {min(used):g}-{max(used):g} K")


def _doubts(series: TransferenceSeries, line: Fitted) -> Iterable[str]:
    if line.poor:
        yield "the points scatter about the line more than their errors allow"
    left_out = sorted(set(series.temperatures_K) - {t for t, _ in series.usable})
    if left_out:
        yield f"no usable value at {', '.join(f'{t:g} K' for t in left_out)}"
    weak = sum(number.status == "provisional" for _, number in series.usable)
    if 2 * weak > len(series.usable):
        yield f"{weak} of {len(series.usable)} points are provisional"


def _curves(series: TransferenceSeries, points: Curve, line: Fitted, to_K: float) -> CurveSet:
    ends = np.append(points.x, 1000.0 / to_K)
    x = np.linspace(ends.min(), ends.max(), 100)
    log_odds, error = line.band(x)
    t = 1.0 / (1.0 + np.exp(-log_odds))
    axis, label = Axis("transference number", ""), series.of or "points"
    y = 1.0 / (1.0 + np.exp(-np.asarray(points.y, dtype=float)))
    scatter = None if points.y_error is None else y * (1 - y) * points.y_error
    shown = Curve(points.x, y, _INVERSE, axis, scatter, label)
    drawn = Curve(x, t, _INVERSE, axis, t * (1 - t) * error, f"{label}, line")
    title = f"Transference number of {series.of}, {series.method}"
    return CurveSet(title, (shown, drawn), points=(label,))


def _refused(series: TransferenceSeries, reason: str, to_K: float) -> ExtrapolatedTransference:
    return ExtrapolatedTransference(
        series.of,
        series.method,
        Quantity.refused("1", reason),
        Quantity.refused("eV", reason),
        to_K,
        CurveSet(f"Transference number of {series.of}", ()),
    )
