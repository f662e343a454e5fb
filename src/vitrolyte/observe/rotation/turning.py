"""Mean square turned angle and the rotational diffusivity."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.quantity import Quantity
from vitrolyte.observe.rotation.relaxation import PS_TO_S, Sums, larger, positive, spread

Floats = NDArray[np.float64]

_LARGE_STEP_RAD = 0.6
_STEADY = 0.05
_LEAST_RAD2 = 1.0
_SPAN = 4


def rotational_diffusivity(sums: Sums, degrees_of_freedom: int) -> Quantity:
    r"""Return D_r from the mean square turned angle, :math:`\langle\phi^2\rangle = 2 d D_r t`.

    The angle is the sum of all small turns, without bound; d is 2 for a direction, 3 for a body.
    The slope is taken from the first lag t on from which it is steady (equal to that of the next
    octave within its error or 5 %) up to 4 t.

    Parameters
    ----------
    sums
        Of the squared turned angle, rad².
    degrees_of_freedom
        d.

    References
    ----------
    Mazza, Giovambattista, Stanley & Starr, Phys. Rev. E 76, 031203 (2007),
    doi:10.1103/PhysRevE.76.031203.
    """
    mean, times = sums.mean, sums.times
    step = math.sqrt(float(mean[1])) if len(mean) > 1 else math.inf
    if step > _LARGE_STEP_RAD:
        return Quantity.refused(
            "1/s",
            f"rotors turn by {math.degrees(step):.0f}° from frame to frame: "
            "what they did between is not known",
        )
    if mean.max() < _LEAST_RAD2:
        return Quantity.refused(
            "1/s", f"the mean square angle reaches {mean.max():.2g} rad², less than 1 rad²"
        )
    found = _steady(sums)
    if found is None:
        return Quantity.refused("1/s", "the mean square angle never grows as time")
    start, stop = found
    gap = float(times[stop] - times[start])
    value = float(mean[stop] - mean[start]) / gap
    parts = [
        (float(spread((part[:, stop] - part[:, start]) / gap)) / value**2, len(part) - 1)
        for part in sums.left_out()
    ]
    variance, dof = larger(*parts)
    per_s = 1.0 / (2.0 * degrees_of_freedom * PS_TO_S)
    number = positive(value * per_s, math.sqrt(variance), dof, "1/s")
    if step > 0.5 * _LARGE_STEP_RAD:
        return number.provisional(f"steps of {math.degrees(step):.0f}° from frame to frame")
    return number


def _steady(sums: Sums) -> tuple[int, int] | None:
    """Return the places of the lags between which the slope is steady; None where there are none.

    The slope from t to 2 t is set beside that from 2 t to 4 t.
    """
    times, last = sums.times, len(sums.lags) - 1
    for start in range(last):
        middle, stop = (int(np.searchsorted(times, k * times[start])) for k in (2, _SPAN))
        if start == 0:
            middle, stop = 1, min(2, last)
        if stop > last or not start < middle < stop:
            continue
        near = float(_slope(sums.mean, times, start, middle))
        far = float(_slope(sums.mean, times, middle, stop))
        errors = [
            float(spread(_slope(part, times, start, middle) - _slope(part, times, middle, stop)))
            for part in sums.left_out()
        ]
        if far > 0 and abs(near - far) <= max(_STEADY * far, 2.0 * math.sqrt(max(errors))):
            return start, stop
    return None


def _slope(values: Floats, times: Floats, start: int, stop: int) -> Floats:
    rise = values[..., stop] - values[..., start]
    return np.asarray(rise / (times[stop] - times[start]))
