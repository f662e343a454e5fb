"""How far a function of time scatters: over groups of ions, and over stretches of the run.

Ions that move alone are independent samples of one process, however slow: the scatter between
groups of them is a fair error at any lag. Where ions move together, or hop in bursts, it is too
small, and the scatter between successive stretches of the run is larger. Both are delete-one
jackknives; the second stands where it is larger.

At lags that are no small part of the run successive stretches hang together, and their scatter says
little. By how much ions that move together scatter more is then taken from shorter lags.

References
----------
Efron & Stein, Ann. Statist. 9, 586 (1981), doi:10.1214/aos/1176345462.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from vitrolyte.data.quantity import Quantity

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]

FEWEST_PARTS = 4
"""With fewer groups, or stretches, nothing can be said about their scatter."""

_BEYOND_CHANCE = 0.5
# Stretches for a lag are three lags long or more. A tenth of the variance is what neighbouring ones
# still share; the rest is Student's t for their number, which is less than that of the ions.
_STRETCH_IN_LAGS = 3.0
_SHARED = 1.25
_MERGED = (1, 2, 3, 4, 6)
FINE_STRETCHES = 48
"""Stretches of the run that sums over lags are kept apart in."""

_LAGS_POOLED = 3
_TOGETHER = 1.5


@dataclass(frozen=True, eq=False)
class Spread:
    """A statistic with its delete-one values.

    Attributes
    ----------
    value
        (...,).
    without_ions
        (n_groups, ...), with one group of ions (or of wave vectors) left out each.
    without_time
        (n_stretches, ...), with one stretch of the run left out each.
    """

    value: Floats
    without_ions: Floats
    without_time: Floats

    @property
    def variance(self) -> Floats:
        """Return the variance of the value, (...,); NaN where there is nothing to scatter."""
        return self._judged()[0]

    @property
    def error(self) -> Floats:
        """Return the standard error of the value, (...,)."""
        return np.asarray(np.sqrt(self.variance))

    @property
    def quantile(self) -> Floats:
        """Return the half width of a 95 % interval in standard errors, (...,)."""
        return np.asarray(stats.t.ppf(0.975, self._judged()[1]))

    def _judged(self) -> tuple[Floats, Floats]:
        """Return variance and degrees of freedom, of the larger scatter beyond chance."""
        ions, time = _jackknife(self.without_ions), _jackknife(self.without_time)
        of_ions, of_time = len(self.without_ions) - 1, len(self.without_time) - 1
        if of_ions < FEWEST_PARTS - 1:
            return time, np.full_like(time, max(of_time, 1))
        if of_time < FEWEST_PARTS - 1:
            return ions, np.full_like(ions, of_ions)
        beyond = time > ions * stats.f.ppf(_BEYOND_CHANCE, of_time, of_ions)
        return np.where(beyond, time, ions), np.where(beyond, float(of_time), float(of_ions))

    def at(self, *where: int | slice) -> Spread:
        """Return the statistic at one place, or in a range, of its own axes."""
        rest = (slice(None), *where)
        return Spread(
            np.asarray(self.value[where]), self.without_ions[rest], self.without_time[rest]
        )

    def through(self, function: Statistic) -> Spread:
        """Return a function of the statistic; it is applied to every delete-one value."""
        value = np.asarray(function(self.value))
        return Spread(
            value,
            _applied(function, self.without_ions, value.shape),
            _applied(function, self.without_time, value.shape),
        )

    def influenced(self, value: Floats, matrix: Floats) -> Spread:
        """Return parameters whose change is linear in that of the statistic.

        The infinitesimal jackknife: a fit is not repeated for each delete-one value, but moved by
        its own response.

        Parameters
        ----------
        value
            (p,), the parameters found from ``self.value``, (n,).
        matrix
            (p, n), their derivative with respect to the statistic.
        """
        return Spread(
            value,
            value + (self.without_ions - self.value) @ matrix.T,
            value + (self.without_time - self.value) @ matrix.T,
        )

    def quantity(self, unit: str) -> Quantity:
        """Return a single number with its 95 % interval by Student's t."""
        value, error = float(self.value), float(self.error)
        if not np.isfinite(error):
            return Quantity(value, unit).provisional(
                "too few ions and too short a run for an error"
            )
        half = float(self.quantile) * error
        return Quantity(value, unit, error, value - half, value + half)

    def logarithmic(self, unit: str) -> Quantity:
        """Return the exponential of a single number with its 95 % interval."""
        value, error = float(np.exp(self.value)), float(self.error)
        if not np.isfinite(error):
            return Quantity(value, unit).provisional(
                "too few ions and too short a run for an error"
            )
        factor = float(np.exp(float(self.quantile) * error))
        return Quantity(value, unit, value * error, value / factor, value * factor)


def _jackknife(parts: Floats) -> Floats:
    n = len(parts)
    if n < 2:
        return np.full(parts.shape[1:], np.nan)
    return np.asarray((n - 1) * np.var(parts, axis=0))


def spread(by_ions: Floats, by_time: Floats, statistic: Statistic) -> Spread:
    """Return a statistic of sums with its delete-one values.

    Parameters
    ----------
    by_ions, by_time
        (n_groups, ...) and (n_stretches, ...), sums that add up to the same whole.
    statistic
        Of such a sum.
    """
    whole = by_time.sum(axis=0)
    value = np.asarray(statistic(whole))
    return Spread(
        value,
        _applied(statistic, whole - by_ions, value.shape),
        _applied(statistic, whole - by_time, value.shape),
    )


def _applied(function: Statistic, each: Floats, shape: tuple[int, ...]) -> Floats:
    return np.array([function(one) for one in each], dtype=float).reshape(len(each), *shape)


def spread_over_lags(
    by_ions: Floats, by_time: Floats, statistic: Statistic, lag_shares: Floats
) -> Spread:
    """Return a function of lag with its delete-one values, ions that move together allowed for.

    The scatter between groups of ions is widened by how much larger that between stretches is, at
    the same lag where stretches can be three lags long, else at the longest such lag.

    Parameters
    ----------
    by_ions, by_time
        (n_groups, n_lags, ...) and (48, n_lags, ...), sums that add up to the same whole.
    statistic
        Of such a sum, (..., n_lags).
    lag_shares
        (n_lags,), the lags over the length of the run.
    """
    found = spread(by_ions, _merged(by_time, _MERGED[-1]), statistic)
    if len(by_ions) < FEWEST_PARTS:
        return Spread(found.value, by_ions[:0], found.without_time)
    widening = np.sqrt(_together(found, by_time, statistic, lag_shares))
    moved = found.value + widening * (found.without_ions - found.value)
    return Spread(found.value, moved, moved[:0])


def _merged(by_time: Floats, times: int) -> Floats:
    return np.asarray(
        by_time.reshape(len(by_time) // times, times, *by_time.shape[1:]).sum(axis=1), dtype=float
    )


def _together(found: Spread, by_time: Floats, statistic: Statistic, lag_shares: Floats) -> Floats:
    """Return by how much the variance exceeds that of ions moving alone, (..., n_lags)."""
    ions = np.maximum(_jackknife(found.without_ions), 1e-300)
    ratio = np.full(ions.shape, np.nan)
    for times in _MERGED:
        stretches = _merged(by_time, times)
        use = np.isnan(ratio).reshape(-1, len(lag_shares)).all(axis=0)
        use &= lag_shares <= 1.0 / (_STRETCH_IN_LAGS * len(stretches))
        if use.any():
            whole = stretches.sum(axis=0)
            time = _jackknife(np.array([statistic(whole - one) for one in stretches]))
            ratio[..., use] = _SHARED * (time / ions)[..., use]
    known = int(np.isfinite(ratio.reshape(-1, len(lag_shares))).all(axis=0).sum())
    if not known:
        return np.ones(ions.shape)
    pooled = np.empty(ions.shape)
    for lag in range(len(lag_shares)):
        middle = min(lag, known - 1)
        near = slice(max(middle - _LAGS_POOLED, 0), min(middle + _LAGS_POOLED + 1, known))
        pooled[..., lag] = ratio[..., near].mean(axis=-1)
    return np.where(pooled > _TOGETHER, pooled, 1.0)


def neighbourly(places: Floats, cell: Floats) -> NDArray[np.intp]:
    """Return an order of atoms in which neighbours in space stand close together, (n_atoms,).

    Groups cut from it hold most of the ions that move together, so that they scatter alone.

    Parameters
    ----------
    places
        (n_atoms, 3), Å, wrapped or not.
    cell
        (3, 3), Å, rows are the cell vectors.
    """
    fractional = places @ np.linalg.inv(cell)
    return _halved(np.arange(len(places)), (fractional - np.floor(fractional)) @ cell)


def _halved(order: NDArray[np.intp], places: Floats) -> NDArray[np.intp]:
    if len(order) <= 2:
        return order
    axis = int(np.ptp(places[order], axis=0).argmax())
    order = order[np.argsort(places[order, axis], kind="stable")]
    half = len(order) // 2
    return np.concatenate([_halved(order[:half], places), _halved(order[half:], places)])
