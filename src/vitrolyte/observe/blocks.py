"""Means of correlated series with honest errors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

from vitrolyte.data.errors import InputError
from vitrolyte.data.quantity import Quantity

_BLOCK_IN_CORRELATION_TIMES = 4.0
_FEWEST_BLOCKS = 5
_ENOUGH_BLOCKS = 8
_DRIFT_IN_ERRORS = 4.0


@dataclass(frozen=True)
class BlockMean:
    """The mean of a correlated series and what its error rests on.

    Attributes
    ----------
    mean, error
        Mean and its standard error.
    degrees_of_freedom
        Of the Student distribution of the mean.
    correlation_length
        Integrated autocorrelation time ``1 + 2 sum rho_k``, in samples.
    """

    mean: float
    error: float
    degrees_of_freedom: int
    correlation_length: float

    def quantity(self, unit: str) -> Quantity:
        """Return the mean with its 95 % Student interval; provisional when blocks are few."""
        half = float(student.ppf(0.975, self.degrees_of_freedom)) * self.error
        number = Quantity(
            self.mean, unit, error=self.error, low=self.mean - half, high=self.mean + half
        )
        if self.degrees_of_freedom + 1 >= _ENOUGH_BLOCKS:
            return number
        return number.provisional(
            f"the run is only {self.degrees_of_freedom + 1} blocks of "
            f"{_BLOCK_IN_CORRELATION_TIMES:g} correlation times long"
        )


def correlation_length(series: ArrayLike) -> float:
    """Return the integrated autocorrelation time ``1 + 2 sum_k rho_k`` of a series, in samples.

    The sum ends at the first lag that is five times the running estimate.

    References
    ----------
    Sokal, in Functional Integration, Plenum 1997, doi:10.1007/978-1-4899-0319-8_6.
    """
    values = np.asarray(series, dtype=float)
    n = len(values)
    centred = values - values.mean()
    spectrum = np.abs(np.fft.rfft(centred, 2 * n)) ** 2
    covariance = np.fft.irfft(spectrum)[:n] / n
    if n < 2 or covariance[0] <= 1e-30 * max(1.0, float(np.mean(values**2))):
        return 1.0
    running = 2.0 * np.cumsum(covariance / covariance[0]) - 1.0
    enough = np.flatnonzero(np.arange(n) >= 5.0 * running)
    return max(1.0, float(running[enough[0] if len(enough) else n - 1]))


def block_mean(series: ArrayLike) -> BlockMean:
    """Return the mean of a correlated stationary series by block averaging.

    The series is cut into blocks of four correlation times (never fewer than five blocks); the
    scatter of the block means gives the error, with Student's t for their number. What is left of
    the correlation between neighbouring blocks, ``tau / 2b`` of the variance for an exponential
    memory, is put back.

    Parameters
    ----------
    series
        (n,), at least five samples at equal intervals.

    Raises
    ------
    InputError
        If there are fewer than five samples.

    References
    ----------
    Flyvbjerg & Petersen, J. Chem. Phys. 91, 461 (1989), doi:10.1063/1.457480.
    """
    values = np.asarray(series, dtype=float)
    if values.ndim != 1 or len(values) < _FEWEST_BLOCKS:
        raise InputError(
            f"An error from block averages needs at least {_FEWEST_BLOCKS} samples in one row",
            received=f"shape {values.shape}",
        )
    tau = correlation_length(values)
    length = max(1, math.ceil(_BLOCK_IN_CORRELATION_TIMES * tau)) if tau > 1.2 else 1
    count = max(_FEWEST_BLOCKS, len(values) // length)
    means = np.array([part.mean() for part in np.array_split(values, count)])
    left_over = min(0.5, tau / (2.0 * len(values) / count)) if length > 1 else 0.0
    error = means.std(ddof=1) / math.sqrt(count * (1.0 - left_over))
    return BlockMean(float(values.mean()), float(error), count - 1, tau)


def block_average(series: ArrayLike, unit: str) -> Quantity:
    """Return the mean of a correlated series as a quantity, or refuse where it is too short."""
    values = np.asarray(series, dtype=float)
    if len(values) < _FEWEST_BLOCKS:
        return one_or_few(values, unit)
    return block_mean(values).quantity(unit)


def stationary_average(series: ArrayLike, unit: str) -> Quantity:
    """Return the mean of a series, provisional where its two halves differ beyond their errors."""
    values = np.asarray(series, dtype=float)
    average = block_average(values, unit)
    half = len(values) // 2
    if half < _FEWEST_BLOCKS:
        return average
    first, second = block_mean(values[:half]), block_mean(values[half:])
    apart = abs(first.mean - second.mean)
    if apart <= _DRIFT_IN_ERRORS * math.hypot(first.error, second.error):
        return average
    return average.provisional(f"it drifts: the halves of the run differ by {apart:.3g} {unit}")


def one_or_few(values: NDArray[np.float64], unit: str) -> Quantity:
    """Return the plain mean of too few samples, marked as having no error."""
    if not len(values):
        return Quantity.refused(unit, "no frame")
    reason = f"{len(values)} frame{'s' if len(values) > 1 else ''}: no error can be given"
    return Quantity(float(values.mean()), unit).provisional(reason)


def jackknife(value: float, left_out: ArrayLike, unit: str) -> Quantity:
    """Return an estimate with the delete-one jackknife error and Student's t.

    ``error^2 = (n - 1) / n  sum_i (x_(i) - mean)^2``

    Parameters
    ----------
    value
        The estimate from everything.
    left_out
        (n,), the estimates with one block left out each.
    unit
        Unit of the result.

    References
    ----------
    Efron & Stein, Ann. Statist. 9, 586 (1981), doi:10.1214/aos/1176345462.
    """
    parts = np.asarray(left_out, dtype=float)
    n = len(parts)
    if n < 2:
        return Quantity(value, unit).provisional("a single block: no error can be given")
    error = math.sqrt((n - 1) * float(np.var(parts)))
    half = float(student.ppf(0.975, n - 1)) * error
    return Quantity(value, unit, error=error, low=value - half, high=value + half)
