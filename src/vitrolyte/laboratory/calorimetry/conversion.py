"""Energies and exponents from how the transformed share runs at several rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.laboratory.calorimetry.rates import FEWEST_RATES
from vitrolyte.laboratory.calorimetry.results import ThermalEvent

Floats = NDArray[np.float64]

SHARES = np.linspace(0.1, 0.9, 17)
_HALF = 8
_STEADY = slice(2, 15)
_VARIES = 0.2
_SMOOTH = 9


@dataclass(frozen=True, eq=False)
class Course:
    """How one event runs at one rate: K/min, temperatures, share and its rate in 1/s."""

    rate_K_per_min: float
    temperatures_K: Floats
    share: Floats
    speed: Floats

    @classmethod
    def of(cls, event: ThermalEvent, rate_K_per_min: float) -> Course:
        """Return the course of an event, smoothed over a few points."""
        share, speed = event.share.curves[0], event.speed
        kernel = np.ones(_SMOOTH) / _SMOOTH
        smooth = np.convolve(np.asarray(speed.y, dtype=float), kernel, mode="same")
        return cls(rate_K_per_min, share.x, np.asarray(share.y, dtype=float), smooth)

    def at(self, share: float) -> tuple[float, float]:
        """Return temperature and speed where a share is reached first."""
        rising = np.maximum.accumulate(self.share)
        place = int(np.searchsorted(rising, share))
        place = min(max(place, 1), len(rising) - 1)
        low, high = rising[place - 1], rising[place]
        weight = (share - low) / (high - low) if high > low else 0.5
        pair = slice(place - 1, place + 1)
        t, speed = self.temperatures_K[pair], self.speed[pair]
        return float(t[0] + weight * (t[1] - t[0])), float(
            speed[0] + weight * (speed[1] - speed[0])
        )


def friedman(courses: Sequence[Course]) -> tuple[Quantity, CurveSet]:
    r"""Return the activation energy at half conversion, and over conversion.

    .. math:: \ln \dot\alpha = \ln[A f(\alpha)] - E(\alpha) / k T \quad\text{at constant } \alpha

    Its errors are those of the scatter about each line.

    References
    ----------
    Friedman, J. Polym. Sci. C 6, 183 (1964), doi:10.1002/polc.5070060121.
    """
    axes = Axis("transformed share", ""), Axis("activation energy", "eV")
    empty = CurveSet("Isoconversional activation energy (Friedman)", ())
    if len(courses) < FEWEST_RATES:
        reason = f"an energy needs at least {FEWEST_RATES} rates; there are {len(courses)}"
        return Quantity.refused("eV", reason), empty
    energies, errors = [], []
    for share in SHARES:
        points = np.array([course.at(float(share)) for course in courses])
        if not np.all(points[:, 1] > 0):
            return Quantity.refused("eV", "the rate of transformation is lost in noise"), empty
        slope, error = _slope(1.0 / points[:, 0], np.log(points[:, 1]))
        energies.append(-slope * BOLTZMANN_EV_PER_K)
        errors.append(error * BOLTZMANN_EV_PER_K)
    value, error = energies[_HALF], errors[_HALF]
    half = float(stats.t.ppf(0.975, len(courses) - 2)) * error
    curve = Curve(SHARES, np.array(energies), *axes, np.array(errors), label="E")
    picture = CurveSet(empty.title, (curve,), points=("E",))
    number = Quantity(value, "eV", error, value - half, value + half)
    return _steady(number, np.array(energies)), picture


def _steady(number: Quantity, energies: Floats) -> Quantity:
    low, high = float(energies[_STEADY].min()), float(energies[_STEADY].max())
    if number.low <= 0:
        return Quantity.refused("eV", "the scatter leaves no energy above zero")
    if high - low > _VARIES * abs(number.value):
        return number.provisional(
            f"it runs from {low:.3g} to {high:.3g} eV between 20 and 80 % of the transformation: "
            "more than one process, or a baseline drawn wrong"
        )
    return number


def _slope(x: Floats, y: Floats) -> tuple[float, float]:
    """Return the slope of a line and its standard error by the scatter."""
    away = x - x.mean()
    slope = float(away @ y / (away @ away))
    left = y - y.mean() - slope * away
    return slope, float(np.sqrt(left @ left / max(len(x) - 2, 1) / (away @ away)))


def augis_bennett_exponent(events: Sequence[ThermalEvent], energy: Quantity) -> Quantity:
    r"""Return the Avrami exponent from the widths of the peaks.

    .. math:: n = \frac{2.5}{\Delta T} \frac{k T_p^2}{E}

    with the full width at half height, good to some 4 %, which is in the error.

    References
    ----------
    Augis and Bennett, J. Therm. Anal. 13, 283 (1978), doi:10.1007/BF01912301.
    """
    usable = [e for e in events if e.width.status != "refused" and e.peak.status != "refused"]
    if energy.status == "refused" or not usable:
        return Quantity.refused("1", energy.note or "no peak has a width")
    each = np.array(
        [
            2.5 * BOLTZMANN_EV_PER_K * e.peak.value**2 / (energy.value * e.width.value)
            for e in usable
        ]
    )
    value, scatter = float(each.mean()), 0.0
    if len(each) > 1:
        scatter = float(each.std(ddof=1) / np.sqrt(len(each)))
    error = float(np.sqrt(scatter**2 + value**2 * ((energy.error / energy.value) ** 2 + 0.04**2)))
    number = Quantity.normal(value, error, "1")
    overlapped = [e for e in usable if "overlaps" in e.width.note]
    return number.provisional("peaks overlap") if overlapped else number


def ozawa_exponent(courses: Sequence[Course]) -> Quantity:
    r"""Return the Avrami exponent from the shares that several rates reach at one temperature.

    .. math:: \frac{d \ln[-\ln(1 - \alpha)]}{d \ln \beta} = -n \quad\text{at constant } T

    References
    ----------
    Ozawa, Polymer 12, 150 (1971), doi:10.1016/0032-3861(71)90041-3.
    """
    grid = np.unique(np.concatenate([[c.at(s)[0] for s in SHARES] for c in courses] or [[]]))
    best: tuple[int, float, Floats, Floats] | None = None
    for temperature in grid:
        pairs = [
            (np.log(c.rate_K_per_min), share)
            for c in courses
            if 0.05 <= (share := float(np.interp(temperature, c.temperatures_K, c.share))) <= 0.95
        ]
        if len(pairs) < FEWEST_RATES:
            continue
        x, share = np.array(pairs).T
        central = -abs(float(np.median(share)) - 0.5)
        if best is None or (len(pairs), central) > best[:2]:
            best = (len(pairs), central, x, np.log(-np.log(1.0 - share)))
    if best is None:
        return Quantity.refused(
            "1", f"at no temperature do {FEWEST_RATES} rates stand between 5 and 95 %"
        )
    slope, error = _slope(best[2], best[3])
    half = float(stats.t.ppf(0.975, best[0] - 2)) * error
    return Quantity(-slope, "1", error, -slope - half, -slope + half)
