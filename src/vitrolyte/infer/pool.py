"""One number from several replicas, whose differences may exceed their own errors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from vitrolyte.data.errors import InputError
from vitrolyte.data.quantity import NORMAL_95, Quantity

Floats = NDArray[np.float64]

_SPREADS = 120
_LIKENESS = 0.1


def pool(replicas: Sequence[Quantity], *, logarithmic: bool = False, note: str = "") -> Quantity:
    r"""Return the mean over replicas of a quantity, by a random-effects model.

    .. math:: y_i \sim N(\mu, s_i^2 + \tau^2), \qquad p(\tau) \propto 1/(0.1\,s + \tau)

    with s the median error of the replicas: the spread τ between replicas is averaged over
    (with a long-tailed prior), not estimated and then believed; for three replicas this errs on
    the side of wide intervals where they are alike. Replicas without errors give a plain mean
    with Student's t. A replica that is refused leaves the pool, and the result is then provisional,
    since those that remain are the faster ones.

    Parameters
    ----------
    replicas
        The same quantity from independent runs.
    logarithmic
        Pool logarithms: for conductivities and diffusivities, whose intervals are skewed.
    note
        What a reader should know.

    Raises
    ------
    InputError
        If there is no replica, the units differ, or a logarithm is asked of a negative value.

    References
    ----------
    Gelman, Bayesian Analysis 1, 515 (2006), https://doi.org/10.1214/06-BA117A (priors of a spread);
    Röver, J. Stat. Softw. 93, 6 (2020), https://doi.org/10.18637/jss.v093.i06.
    """
    unit = _common_unit(replicas)
    if len(replicas) == 1 and not note:
        return replicas[0]
    used = [one for one in replicas if one.status != "refused"]
    if not used:
        return Quantity.refused(unit, f"all {len(replicas)} replicas refused: {replicas[0].note}")
    values, errors = _points(used, logarithmic)
    if len(used) == 1:
        return _judged(used[0], replicas, note)
    low, middle, high, error = _posterior(values, errors)
    if logarithmic:
        low, middle, high = (float(np.exp(v)) for v in (low, middle, high))
        error *= middle
    return _judged(Quantity(middle, unit, error, low, high, note=note), replicas, "")


def _common_unit(replicas: Sequence[Quantity]) -> str:
    units = {one.unit for one in replicas}
    if len(units) != 1:
        raise InputError(
            "Replicas need one common unit, and at least one of them",
            received=f"{len(replicas)} replicas with units {sorted(units)}",
        )
    return units.pop()


def _points(used: Sequence[Quantity], logarithmic: bool) -> tuple[Floats, Floats]:
    """Return values and standard errors, on the logarithmic scale where asked."""
    values = np.array([one.value for one in used])
    lows, highs = (np.array([getattr(one, end) for one in used]) for end in ("low", "high"))
    if not logarithmic:
        return values, (highs - lows) / (2 * NORMAL_95)
    if not np.all(values > 0):
        raise InputError("Pooling logarithms needs values above zero", received=f"{values}")
    # An interval that reaches zero has no logarithm: use its upper half twice.
    safe = np.where(lows > 0, lows, values**2 / np.maximum(highs, values))
    return np.log(values), np.log(highs / safe) / (2 * NORMAL_95)


def _posterior(values: Floats, errors: Floats) -> tuple[float, float, float, float]:
    """Return low, middle, high and standard error of the common mean."""
    if not np.all(np.isfinite(errors)) or not np.all(errors > 0):
        error = float(np.std(values, ddof=1) / np.sqrt(len(values)))
        half = float(stats.t.ppf(0.975, len(values) - 1)) * error
        middle = float(values.mean())
        return middle - half, middle, middle + half, error
    spreads, weights = _spread_posterior(values, errors)
    precision = 1.0 / (errors**2 + spreads[:, None] ** 2)
    centres = (precision @ values) / precision.sum(axis=1)
    widths = 1.0 / np.sqrt(precision.sum(axis=1))
    middle = float(weights @ centres)
    error = float(np.sqrt(weights @ (widths**2 + (centres - middle) ** 2)))
    low, high = _quantiles(centres, widths, weights)
    return low, middle, high, error


def _spread_posterior(values: Floats, errors: Floats) -> tuple[Floats, Floats]:
    """Return a grid of the spread between replicas and its posterior weights."""
    scale = float(np.median(errors))
    top = 100.0 * max(scale, float(np.ptp(values)))
    spreads = scale * np.sinh(np.linspace(0.0, np.arcsinh(top / scale), _SPREADS))
    precision = 1.0 / (errors**2 + spreads[:, None] ** 2)
    centres = (precision @ values) / precision.sum(axis=1)
    misfit = (precision * (values - centres[:, None]) ** 2).sum(axis=1)
    log_likelihood = 0.5 * (np.log(precision).sum(axis=1) - np.log(precision.sum(axis=1)) - misfit)
    weights = np.exp(log_likelihood - log_likelihood.max()) / (_LIKENESS + spreads / scale)
    weights *= np.gradient(spreads)
    return spreads, weights / weights.sum()


def _quantiles(centres: Floats, widths: Floats, weights: Floats) -> tuple[float, float]:
    """Return the central 95 % of a mixture of normal distributions."""
    reach = 10.0 * widths.max()
    ends = (centres.min() - reach, centres.max() + reach)

    def below(x: float, level: float) -> float:
        return float(stats.norm.cdf((x - centres) / widths) @ weights) - level

    low, high = (float(optimize.brentq(below, *ends, args=(p,))) for p in (0.025, 0.975))
    return low, high


def _judged(number: Quantity, replicas: Sequence[Quantity], note: str) -> Quantity:
    """Return the pooled number with the doubts of its replicas."""
    missing = sum(one.status == "refused" for one in replicas)
    doubtful = [one for one in replicas if one.status == "provisional"]
    if note:
        joined = f"{number.note}; {note}" if number.note else note
        number = Quantity(
            number.value, number.unit, number.error, number.low, number.high, number.status, joined
        )
    if missing:
        number = number.provisional(
            f"{missing} of {len(replicas)} replicas refused, so that the mean is of the faster ones"
        )
    if 2 * len(doubtful) > len(replicas):
        number = number.provisional(
            f"{len(doubtful)} of {len(replicas)} replicas provisional: {doubtful[0].note}"
        )
    return number
