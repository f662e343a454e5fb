"""Intervals of counts and ratios of events that ions and moments of a run have in common."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from vitrolyte.data.quantity import NORMAL_95, Quantity

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

TIME_BLOCKS = 20
WIDE = 0.5
_GROUPS = 20
_FEWEST_IONS = 10
_KNOWN = 1e6
_FEW = 5


@dataclass(frozen=True, eq=False)
class Layout:
    """To which ion and which of the equal blocks of time each event belongs.

    Attributes
    ----------
    ion, block
        (n,).
    n_ions, n_blocks
        How many there are, with or without events.
    """

    ion: Integers
    block: Integers
    n_ions: int
    n_blocks: int

    @classmethod
    def of(cls, ion: Integers, times_ps: Floats, *, n_ions: int, duration_ps: float) -> Layout:
        """Return the layout of events at some times of a run."""
        block = np.clip((times_ps / duration_ps * TIME_BLOCKS).astype(np.int64), 0, TIME_BLOCKS - 1)
        return cls(ion, block, n_ions, TIME_BLOCKS)

    def table(self, values: Floats) -> Floats:
        """Return sums of what the events carry, (n_ions, n_blocks)."""
        cells = self.ion * self.n_blocks + self.block
        sums = np.bincount(cells, values, minlength=self.n_ions * self.n_blocks)
        return np.asarray(sums.reshape(self.n_ions, self.n_blocks), dtype=float)


@dataclass(frozen=True)
class Spread:
    """The variance of a sum over ions and time, with the degrees of freedom of its estimate."""

    variance: float
    dof: float

    @property
    def half(self) -> float:
        """Return the half width of the 95 % interval of the sum."""
        return float(stats.t.ppf(0.975, self.dof)) * math.sqrt(self.variance)


def spread(table: Floats) -> Spread:
    """Return the variance of the sum of a table whose expected sum is zero, (n_ions, n_blocks).

    ``V = V_cells + max(0, V_ions - V_cells) + max(0, V_blocks - V_cells)``, each the sum of
    squares of the sums over an ion, a block of time, or both. Ions that differ from one another,
    or hop to and fro, show in the second term; ions that hop together, or a run that has quiet
    and busy times, in the third.

    References
    ----------
    Cameron, Gelbach & Miller, J. Bus. Econ. Stat. 29, 238 (2011), doi:10.1198/jbes.2010.07136
    (errors clustered in two ways).
    """
    cells = float(np.square(table).sum())
    if cells == 0.0:
        return Spread(0.0, _KNOWN)
    excess, doubt = 0.0, 0.0
    for sums in (table.sum(axis=1), table.sum(axis=0)):
        count = len(sums)
        if count < 2:
            continue
        variance = float(np.square(sums).sum()) * count / (count - 1.0)
        if variance > cells:
            excess += variance - cells
            doubt += 2.0 * variance**2 / (count - 1.0)
    total = cells + excess
    return Spread(total, max(2.0 * total**2 / doubt, 1.0) if doubt else _KNOWN)


def event_rate(table: Floats, exposure_s: Floats, *, doubt: float = 0.0) -> Quantity:
    """Return a rate of events, 1/s, with the interval of an overdispersed Poisson count.

    ``N / t``; Jeffreys' interval of a count that is ``V / N`` times as dispersed as Poisson's.

    Parameters
    ----------
    table
        (n_ions, n_blocks), number of events.
    exposure_s
        (n_ions, n_blocks), time during which they could happen, s.
    doubt
        Relative standard error beyond that of the count.
    """
    count, ion_time_s = float(table.sum()), float(exposure_s.sum())
    if ion_time_s == 0.0:
        return Quantity.refused("1/s", "no time during which it could happen")
    if count == 0.0:
        # 95 % of Poisson counts of mean 3.0 are above zero
        return Quantity.refused("1/s", f"no event: less than {3.0 / ion_time_s:.3g} 1/s (95 %)")
    found = spread(table - count / ion_time_s * exposure_s)
    variance = found.variance + (doubt * count) ** 2
    wider = (float(stats.t.ppf(0.975, found.dof)) / NORMAL_95) ** 2
    dispersion = max(variance * wider / count, 1.0)
    effective = count / dispersion
    low, high = stats.gamma.ppf([0.025, 0.975], effective + 0.5) * dispersion / ion_time_s
    error = math.sqrt(max(variance, count)) / ion_time_s
    rate = Quantity(count / ion_time_s, "1/s", error, float(low), float(high))
    return rate if count >= _FEW else rate.provisional(f"{count:.0f} events")


def ratio(above: Floats, below: Floats, unit: str) -> Quantity:
    """Return a ratio of two sums over ions and time with Student's interval.

    Parameters
    ----------
    above, below
        (n_ions, n_blocks).
    """
    whole = float(below.sum())
    if not whole:
        return Quantity.refused(unit, "no event")
    value = float(above.sum()) / whole
    found = spread(above - value * below)
    error, half = math.sqrt(found.variance) / whole, found.half / whole
    return Quantity(value, unit, error, value - half, value + half)


def groups(layout: Layout) -> Integers:
    """Return to which of at most twenty groups each event belongs: of ions, or else of time."""
    if layout.n_ions >= _FEWEST_IONS:
        return np.asarray(layout.ion % _GROUPS)
    return layout.block


def left_out(estimate: Callable[[NDArray[np.bool_]], float], group: Integers) -> Floats:
    """Return an estimate with each group of events left out in turn, (n_groups,)."""
    return np.array([estimate(group != one) for one in np.unique(group)])


def jackknifed(
    estimate: Callable[[NDArray[np.bool_]], float], group: Integers, unit: str
) -> Quantity:
    """Return a positive estimate with the interval of a jackknife of its logarithm."""
    value = estimate(np.ones(len(group), dtype=bool))
    parts = left_out(estimate, group)
    if not value > 0 or len(parts) < _FEW or not (parts > 0).all():
        return Quantity.refused(unit, f"{len(group)} events in {len(parts)} groups")
    logs = np.log(parts)
    error = math.sqrt((len(logs) - 1) * float(np.var(logs)))
    wide = math.exp(float(stats.t.ppf(0.975, _dof(logs))) * error)
    return Quantity(value, unit, value * error, value / wide, value * wide)


def _dof(parts: Floats) -> float:
    """Return the degrees of freedom of a jackknife: fewer where a few groups make the error."""
    apart = np.square(parts - parts.mean())
    if not apart.any():
        return _KNOWN
    tails = float(np.square(apart).mean()) / float(apart.mean()) ** 2
    return min(len(parts) - 1.0, max(2.0 * len(parts) / max(tails - 1.0, 1e-9), 2.0))


def above_zero(number: Quantity) -> Quantity:
    """Return a mean of squares with the interval of a scaled chi-square of the same variance."""
    half = 0.5 * (number.high - number.low)
    if number.status == "refused" or number.value <= half / NORMAL_95:
        return number
    dof = 2.0 * (number.value * NORMAL_95 / half) ** 2
    low, high = number.value * dof / stats.chi2.ppf([0.975, 0.025], dof)
    return replace(number, low=float(low), high=float(high))


def judged(number: Quantity) -> Quantity:
    """Return a number, provisional where its interval is wider than half of it either way."""
    if number.status == "refused" or not number.value:
        return number
    half = 0.5 * (number.high - number.low) / abs(number.value)
    if half <= WIDE:
        return number
    return number.provisional(f"the 95 % interval spans ±{100 * half:.0f} % of the value")
