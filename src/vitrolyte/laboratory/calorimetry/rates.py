"""What the shift of a temperature with the rate of heating says of energies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError, NotConverged
from vitrolyte.data.model import Model, Parameter
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.infer.fit import Fit, fit
from vitrolyte.laboratory.calorimetry.uncertainty import in_doubt, reasons, widened
from vitrolyte.observe.calorimetry.crystallisation import log_temperature_integral

Floats = NDArray[np.float64]

FEWEST_RATES = 3
_SAME_RATE = 0.05
_NARROW = 2.0
_INVERSE = Axis("1000/T", "1/K")


@dataclass(frozen=True)
class RatePoint:
    """A temperature seen at a rate.

    Attributes
    ----------
    rate_K_per_min
        Of heating, above zero.
    temperature
        What was seen, K.
    start_K
        Where the scan began.
    """

    rate_K_per_min: float
    temperature: Quantity
    start_K: float = 300.0

    @property
    def rate(self) -> float:
        """Return the rate in K/s."""
        return self.rate_K_per_min / 60.0


def distinct_rates(points: Sequence[RatePoint]) -> int:
    """Return the number of rates that differ by more than 5 %."""
    ordered = sorted(point.rate_K_per_min for point in points)
    count = 0
    last = 0.0
    for rate in ordered:
        if rate > last * (1 + _SAME_RATE):
            count, last = count + 1, rate
    return count


def kissinger_energy(
    points: Sequence[RatePoint], *, known_errors: bool = False
) -> tuple[Quantity, CurveSet]:
    r"""Return the activation energy by Kissinger's line, and its picture.

    .. math:: \ln(\beta / T_p^2) = \ln(A k / E) - E / k T_p

    Parameters
    ----------
    points
        Peak temperatures.
    known_errors
        Whether the errors of the temperatures hold what differs from sample to sample; otherwise
        the scatter about the line decides.

    References
    ----------
    Kissinger, Anal. Chem. 29, 1702 (1957), doi:10.1021/ac60131a045.
    """
    number, picture = _line(points, _KISSINGER, known_errors=known_errors)
    if number.status == "refused":
        return number, picture
    # The law itself is an approximation, good to the order of 1 / x² for x = E / kT.
    middle = float(np.mean([point.temperature.value for point in points]))
    own = 2.0 * number.value * (BOLTZMANN_EV_PER_K * middle / number.value) ** 2
    return widened(number, own), picture


def augis_bennett_energy(
    points: Sequence[RatePoint], *, known_errors: bool = False
) -> tuple[Quantity, CurveSet]:
    r"""Return the activation energy by the line of Augis and Bennett, and its picture.

    .. math:: \ln[\beta / (T_p - T_0)] = \ln K_0 - E / k T_p

    with the temperature T_0 at which the heating began.

    References
    ----------
    Augis and Bennett, J. Therm. Anal. 13, 283 (1978), doi:10.1007/BF01912301.
    """
    return _line(points, _AUGIS_BENNETT, known_errors=known_errors)


def moynihan_enthalpy(
    points: Sequence[RatePoint], *, known_errors: bool = False
) -> tuple[Quantity, CurveSet]:
    r"""Return the activation enthalpy of the glass transition, and its picture.

    .. math:: d \ln (q / T_g^2) / d(1/T_g) = -\Delta h^* / k

    A glass freezes in where the relaxation time changes by itself within a second or so,
    :math:`q\, d\tau/dT = -1`; the square of the temperature, which Moynihan's ln q leaves out, is
    worth 2 kT of the enthalpy. It holds where each heating followed a cooling at the same or a
    proportional rate.

    References
    ----------
    Moynihan, Easteal, Wilder and Tucker, J. Phys. Chem. 78, 2673 (1974), doi:10.1021/j100619a008.
    """
    return _line(points, _MOYNIHAN, known_errors=known_errors)


@dataclass(frozen=True)
class _Law:
    """A straight line of ln(rate / divisor) over 1/T; ``power`` is d ln divisor / d ln T."""

    name: str
    label: str
    power: float
    divisor: Callable[[Floats, Floats], Floats]


_KISSINGER = _Law("Kissinger", "ln(rate / T²)", 2.0, lambda t, _: t**2)
_AUGIS_BENNETT = _Law("Augis-Bennett", "ln[rate / (T - T0)]", 1.0, lambda t, start: t - start)
_MOYNIHAN = _Law("Moynihan", "ln(rate / T²)", 2.0, lambda t, _: t**2)


def _line(
    points: Sequence[RatePoint], law: _Law, *, known_errors: bool
) -> tuple[Quantity, CurveSet]:
    """Return the energy of a line, and the line."""
    x = np.array([1000.0 / point.temperature.value for point in points])
    start = np.array([point.start_K for point in points])
    rates = np.array([point.rate for point in points])
    y_axis = Axis(law.label, "")
    with np.errstate(invalid="ignore", divide="ignore"):
        y = np.log(rates / law.divisor(1000.0 / x, start))
    seen = Curve(x, y, _INVERSE, y_axis, label="scans")
    picture = CurveSet(f"{law.name} line", (seen,), points=("scans",))
    reason = _too_few(points)
    if reason or not np.isfinite(y).all():
        reason = reason or "a scan begins above the temperature itself"
        return Quantity.refused("eV", reason), picture
    found, reason = _settled(points, law, Curve(x - x.mean(), y, _INVERSE, y_axis), known_errors)
    if found is None:
        return Quantity.refused("eV", reason), picture
    line = np.linspace(x.min(), x.max(), 50)
    height, error = found.band(line - x.mean())
    drawn = Curve(line, np.asarray(height), _INVERSE, y_axis, error, label="scans, line")
    return _energy(found, points), CurveSet(picture.title, (seen, drawn), points=("scans",))


def _settled(
    points: Sequence[RatePoint], law: _Law, curve: Curve, known_errors: bool
) -> tuple[Fit | None, str]:
    """Return the fit of a line; errors of temperatures act through the slope that is found."""
    found, reason = _straight(curve)
    if found is None or not known_errors:
        return found, reason
    t = np.array([point.temperature.value for point in points])
    own = np.array([point.temperature.error for point in points])
    for _ in range(3):
        slope = abs(float(found.model.values[1])) * 1000.0
        errors = own * (law.power / t + slope / t**2)
        again, reason = _straight(replace(curve, y_error=errors))
        if again is None:
            return None, reason
        found = again
    return found, ""


def _too_few(points: Sequence[RatePoint]) -> str:
    count = distinct_rates(points)
    if count >= FEWEST_RATES:
        return ""
    return f"an energy needs at least {FEWEST_RATES} rates; there are {count}"


def _straight(curve: Curve) -> tuple[Fit | None, str]:
    slope, level = np.polyfit(curve.x, np.asarray(curve.y, dtype=float), 1)
    model = Model(
        lambda x, p: p[0] + p[1] * x,
        (Parameter("level", float(level), ""), Parameter("slope", float(slope), "")),
    )
    try:
        return fit(model, curve), ""
    except (NotConverged, InputError) as fault:
        return None, str(fault)


def _energy(found: Fit, points: Sequence[RatePoint]) -> Quantity:
    number = found.parameters["slope"].scaled(-1000.0 * BOLTZMANN_EV_PER_K, "eV")
    number = Quantity(number.value, "eV", number.error, number.low, number.high)
    if number.value <= 0 or number.low <= 0:
        return Quantity.refused(
            "eV",
            "the temperature does not rise with the rate beyond its scatter",
        )
    rates = [point.rate_K_per_min for point in points]
    if max(rates) < _NARROW * min(rates):
        number = number.provisional("the rates differ by less than a factor of two")
    if found.poor:
        number = number.provisional("the points leave the line by more than their errors")
    return in_doubt(number, reasons([point.temperature for point in points]))


def ozawa_energy(points: Sequence[RatePoint]) -> Quantity:
    r"""Return the activation energy by Ozawa's and Flynn and Wall's law, without approximation.

    .. math:: \ln \beta = c + \ln p(E / k T), \qquad p(x) = \int_x^\infty e^{-u} u^{-2} du

    References
    ----------
    Ozawa, Bull. Chem. Soc. Jpn. 38, 1881 (1965), doi:10.1246/bcsj.38.1881; Flynn and Wall,
    J. Polym. Sci. B 4, 323 (1966), doi:10.1002/pol.1966.110040504.
    """
    reason = _too_few(points)
    if reason:
        return Quantity.refused("eV", reason)
    t = np.array([point.temperature.value for point in points])
    y = np.log([point.rate for point in points])
    start = float(-np.polyfit(1.0 / t, y, 1)[0]) * BOLTZMANN_EV_PER_K / 1.052
    if start <= 0:
        return Quantity.refused("eV", "the temperature does not rise with the rate")

    def forward(x: Floats, p: Floats) -> Floats:
        law = log_temperature_integral(p[1] / (BOLTZMANN_EV_PER_K * x))
        # Taken about one temperature, the constant does not run along with the energy.
        zero = log_temperature_integral(np.array([p[1] / (BOLTZMANN_EV_PER_K * t.mean())]))
        return np.asarray(p[0] + law - zero[0])

    model = Model(
        forward,
        (
            Parameter("level", float(y.mean()), ""),
            Parameter("energy", start, "eV", low=1e-3),
        ),
    )
    try:
        found = fit(model, Curve(t, y, Axis("temperature", "K"), Axis("ln(rate)", "")))
    except (NotConverged, InputError) as fault:
        return Quantity.refused("eV", str(fault))
    number = found.parameters["energy"]
    if number.low <= 0:
        return Quantity.refused(
            "eV", "the temperature does not rise with the rate beyond its scatter"
        )
    return number
