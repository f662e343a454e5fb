"""The slow decay of a correlation function in time: a stretched exponential with fair intervals.

The points of such a curve are averages over the same few events and hang together, so that the
residuals of a fit say nothing about its errors. Here the fit is moved by each delete-one value of
the whole curve (groups of ions or waves, stretches of the run), and the scatter of its parameters
gives the intervals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gamma

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import NotConverged
from vitrolyte.data.fitted import Fitter
from vitrolyte.data.model import Model, Parameter
from vitrolyte.data.quantity import Quantity
from vitrolyte.observe.spread import Spread

Floats = NDArray[np.float64]

PS_TO_S = 1e-12
_FEWEST_POINTS = 6
_SEEN = 0.7
_MOSTLY_SEEN = 0.4
_LEVEL_SHARE = 0.1
_LEVEL_FACTOR = 4.0
_LEVEL_HEIGHT = 0.05
_CAGED = 0.85
_AFTER_CAGE = 1.5
_BALLISTIC = 1.25
_ERROR_FLOOR = 1e-4
_GONE = 0.02
_LOST_FACTOR = 100.0
_WIDE = 0.5


def stretched_exponential(time: Floats, parameters: Floats) -> Floats:
    r"""Return the Kohlrausch-Williams-Watts function.

    .. math:: A \exp[-(t / \tau)^\beta]

    Parameters
    ----------
    time
        (n,), ps.
    parameters
        (3,): A, ln(tau / ps), beta.

    References
    ----------
    Williams & Watts, Trans. Faraday Soc. 66, 80 (1970), https://doi.org/10.1039/TF9706600080
    """
    height, log_tau, beta = parameters
    return np.asarray(height * np.exp(-np.exp(beta * (np.log(time) - log_tau))))


def _slopes(time: Floats, parameters: Floats) -> Floats:
    """Return the derivatives of the stretched exponential by its parameters, (n, 3)."""
    height, log_tau, beta = parameters
    reach = np.log(time) - log_tau
    power = np.exp(beta * reach)
    decay = np.exp(-power)
    return np.stack([decay, height * decay * power * beta, -height * decay * power * reach], axis=1)


@dataclass(frozen=True, eq=False)
class Decay:
    """The slow decay of one curve.

    Attributes
    ----------
    tau, beta, mean_time
        Time, s, and exponent of the stretched exponential; its integral over its height, s.
    plateau
        Height from which the slow decay starts, or at which the curve stays.
    fitted
        The fitted curve in its window; None where there is none.
    log_mean
        ln of the mean time in ps, with its delete-one values; None where there is none.
    """

    tau: Quantity
    beta: Quantity
    mean_time: Quantity
    plateau: Quantity
    fitted: Curve | None = None
    log_mean: Spread | None = None


def slow_start(lags: Floats, square: Floats) -> int:
    """Return the lag from which on the slow decay is looked at.

    Behind the cage, where the mean square displacement is flattest on logarithmic axes; where it
    is flat nowhere, behind the ballistic part.

    Parameters
    ----------
    lags, square
        (n_lags,), ps, and mean square displacement, Å².
    """
    if len(lags) < 4 or not np.all(square > 0):
        return 0
    slope = np.gradient(np.log(square), np.log(lags))
    early = slice(0, max(int(np.searchsorted(lags, 0.2 * lags[-1])), 3))
    flattest = int(slope[early].argmin())
    if slope[flattest] > _CAGED:
        return int(np.flatnonzero(slope <= max(_BALLISTIC, slope[flattest]))[0])
    return int(np.searchsorted(lags, _AFTER_CAGE * lags[flattest]))


def decay(lags: Floats, curve: Spread, start: int, fit: Fitter) -> Decay:
    """Return the slow decay of a correlation function, or why it cannot be told.

    Parameters
    ----------
    lags
        (n_lags,), ps.
    curve
        (n_lags,), one at lag zero, or whatever it starts from.
    start
        First lag that counts.
    fit
        Finds the parameters of a model from a curve: ``infer.fit.fit``.
    """
    window = _window(curve, start)
    reason = _obstacle(lags, curve, window)
    plateau = _level(lags, curve, window)
    if reason:
        return _refused(reason, plateau)
    part = curve.at(window)
    error = np.maximum(np.nan_to_num(part.error, nan=1.0), _ERROR_FLOOR)
    points = Curve(lags[window], part.value, _TIME, _VALUE, error)
    try:
        found = fit(_model(points), points)
    except NotConverged as fault:
        return _refused(f"no stretched exponential fits: {fault.required}", plateau)
    values = np.array([found.parameters[name].value for name in ("height", "log_tau", "beta")])
    if not _FIRST_BETA < values[2] < _LAST_BETA - 1e-3:
        return _refused(f"no stretched exponential fits: beta = {values[2]:.2g}", plateau)
    return _described(points, part, values, float(part.value[-1] / part.value[0]))


_TIME, _VALUE = Axis("lag time", "ps"), Axis("correlation", "")
_FIRST_BETA, _LAST_BETA = 0.1, 3.0


def _window(curve: Spread, start: int) -> slice:
    """Return the lags from the start to where the curve is lost in its error."""
    value = curve.value[start:]
    noise = np.nan_to_num(curve.error[start:], nan=0.0)
    lost = np.flatnonzero(value < np.maximum(2.0 * noise, _GONE * max(value[0], 1e-12)))
    return slice(start, start + (int(lost[0]) if len(lost) else len(value)))


def _obstacle(lags: Floats, curve: Spread, window: slice) -> str:
    """Return why the decay cannot be told; empty where it can."""
    value, times = curve.value[window], lags[window]
    n = len(value)
    if n < _FEWEST_POINTS:
        return (
            f"the decay spans {n} lags, fewer than {_FEWEST_POINTS}: store frames more often, or "
            "look at smaller q"
        )
    left = float(value[-1] / value[0])
    early = value[: int(np.searchsorted(times, times[-1] / _LEVEL_FACTOR, side="right"))]
    fallen = value[0] - value[-1]
    level = left > _LEVEL_HEIGHT and len(early) and early[-1] - value[-1] < _LEVEL_SHARE * fallen
    if left > _SEEN:
        return (
            f"the decay is not seen: after {times[-1]:.3g} ps {100 * left:.0f} % are left of what "
            f"there is at {times[0]:.3g} ps"
        )
    if level:
        return f"the function levels off at {value[-1]:.2g}: the ions stay within a bounded space"
    return ""


def _level(lags: Floats, curve: Spread, window: slice) -> Quantity:
    """Return the mean of the curve over its window, for ions that stay; equal parts of ln t."""
    stop = window.stop if window.stop - window.start >= 2 else len(lags)
    part = slice(min(window.start, stop - 1), stop)
    return curve.at(part).through(lambda y: np.asarray(y.mean())).quantity("1")


def _refused(reason: str, plateau: Quantity) -> Decay:
    note = "mean over the lags seen" + (f"; {plateau.note}" if plateau.note else "")
    stays = Quantity(
        plateau.value, "1", plateau.error, plateau.low, plateau.high, "provisional", note
    )
    time, exponent = Quantity.refused("s", reason), Quantity.refused("1", reason)
    return Decay(time, exponent, time, stays)


def _model(points: Curve) -> Model:
    y = np.asarray(points.y, dtype=float)
    passed = np.flatnonzero(y < y[0] / np.e)
    tau = float(points.x[passed[0]] if len(passed) else 2.0 * points.x[-1])
    return Model(
        stretched_exponential,
        (
            Parameter("height", float(np.clip(y[0], 1e-3, 2.9)), "1", 1e-6, 3.0),
            Parameter("log_tau", float(np.log(tau)), "1"),
            Parameter("beta", 0.9, "1", _FIRST_BETA, _LAST_BETA),
        ),
    )


def _described(points: Curve, part: Spread, values: Floats, left: float) -> Decay:
    response = _response(points, values)
    moved = part.influenced(values, response)
    height = moved.at(0).quantity("1")
    tau, beta = moved.at(1).logarithmic("s"), moved.at(2).quantity("1")
    mean = moved.through(lambda p: np.asarray(p[1] + np.log(gamma(1.0 / p[2]) / p[2])))
    numbers = [tau.scaled(PS_TO_S, "s"), beta, mean.logarithmic("s").scaled(PS_TO_S, "s"), height]
    if left > _MOSTLY_SEEN:
        reason = f"only {100 * (1 - left):.0f} % of the decay are seen"
        numbers = [number.provisional(reason) for number in numbers]
    if not tau.high < _LOST_FACTOR * tau.low:
        stays = _level(points.x, part, slice(0, len(points)))
        return _refused("the time of the decay is not determined by this run", stays)
    if not tau.high - tau.low < 2.0 * _WIDE * tau.value:
        wide = 50.0 * (tau.high - tau.low) / tau.value
        numbers = [one.provisional(f"the 95 % interval of tau spans ±{wide:.0f} %")
                   for one in numbers]  # fmt: skip
    line = Curve(
        points.x, stretched_exponential(points.x, values), points.x_axis, points.y_axis, label="fit"
    )
    return Decay(numbers[0], numbers[1], numbers[2], numbers[3], line, mean)


def _response(points: Curve, values: Floats) -> Floats:
    """Return the change of the fitted parameters with each point, (3, n)."""
    assert points.y_error is not None
    slopes = _slopes(points.x, values)
    weighted = slopes / points.y_error[:, None] ** 2
    return np.asarray(np.linalg.pinv(slopes.T @ weighted) @ weighted.T)
