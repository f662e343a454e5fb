"""What hops remember of one another: correlation factor, and the diffusion that hops make."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.units import A2_PER_PS_TO_CM2_PER_S
from vitrolyte.observe.hops.detection import Hops
from vitrolyte.observe.hops.intervals import Layout, above_zero, ratio, spread

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_FIRST_WINDOW = 4.0
_LONGEST_SHARE = 0.5
_WITHIN_ERRORS = 1.5
_FEWEST_HOPS = 20
_POINTS = 16


@njit(cache=True, nogil=True)
def pair_sums(ion: Integers, times: Floats, vectors: Floats, window: float, whole: float) -> Floats:
    """Return what later hops of the same ion add to each one's square, (n_hops,), Å².

    ``2 sum_k W(t_k - t_j) l_j . l_k``; W is 1 up to half the window and falls to 0 at its end,
    divided by the share ``1 - t / T`` of such pairs that a run of length T shows.

    Hot loop. Hops are sorted by ion and time.
    """
    sums = np.zeros(len(times))
    for j in range(len(times)):
        for k in range(j + 1, len(times)):
            lag = times[k] - times[j]
            if ion[k] != ion[j] or lag >= window:
                break
            product = 0.0
            for axis in range(3):
                product += vectors[j, axis] * vectors[k, axis]
            weight = min(1.0, 2.0 * (1.0 - lag / window))
            sums[j] += 2.0 * weight * product / (1.0 - lag / whole)
    return sums


@dataclass(frozen=True, eq=False)
class Memory:
    """Squares of hops and what they become with the hops that follow.

    Attributes
    ----------
    layout
        Ion and block of time of each hop.
    squares
        (n_hops,), Å², without what the uncertainty of the places adds.
    raw
        (n_hops,), Å², with it: it cancels in sums over successive hops.
    hops
        All else.
    """

    layout: Layout
    squares: Floats
    raw: Floats
    hops: Hops

    @classmethod
    def of(cls, hops: Hops, layout: Layout) -> Memory:
        """Return the squares of the hops of a run."""
        raw = np.square(hops.vectors).sum(axis=1)
        return cls(layout, np.maximum(raw - 3.0 * place_variance(hops), 0.0), raw, hops)

    def kept(self, window: float) -> Floats:
        """Return the squares with what the hops within a window add, (n_hops,), Å²."""
        hops = self.hops
        extra = pair_sums(hops.ions, hops.times_ps, hops.vectors, window, hops.duration_ps)
        return np.asarray(self.raw + extra)

    def factor(self, window: float) -> Quantity:
        """Return the correlation factor for a window, ps."""
        kept = self.layout.table(self.kept(window))
        return above_zero(ratio(kept, self.layout.table(self.squares), "1"))


def place_variance(hops: Hops) -> Floats:
    """Return the variance of a component of each hop from its two places being means, Å²."""
    frames = (hops.stays.stop - hops.stays.start).astype(float)
    memory = hops.vibration.memory
    of_place = hops.vibration.variance * memory / (memory + frames - 1.0)
    leaves = hops.stays.leaves
    return np.asarray(of_place[leaves] + of_place[leaves + 1])


@dataclass(frozen=True, eq=False)
class Correlation:
    """The correlation factor of hops, and the diffusivity of the places they lead to.

    Attributes
    ----------
    factor
        ``f = 6 D / (rate <l^2>)``.
    diffusivity
        D of the centres of the stays, cm²/s.
    window_ps
        Time over which hops may remember, ps; 0 where refused.
    curves
        f against that time.
    """

    factor: Quantity
    diffusivity: Quantity
    window_ps: float
    curves: CurveSet


def correlation(hops: Hops, layout: Layout, residence_ps: float) -> Correlation:
    r"""Return the correlation factor of the hops of a run.

    .. math:: f = 1 + \frac{2 \sum_{j<k} W(t_k - t_j)\, l_j \cdot l_k}{\sum_j l_j^2},
              \qquad D = \frac{1}{6} f\, \Gamma \langle l^2 \rangle

    over pairs of hops of one ion. The window starts at four mean residence times and is doubled
    until f changes by no more than its error allows.

    Parameters
    ----------
    layout
        Ion and block of time of each hop.
    residence_ps
        Mean time between hops of an ion, ps.

    References
    ----------
    Le Claire & Lidiard, Philos. Mag. 1, 518 (1956), doi:10.1080/14786435608238133.
    """
    memory = Memory.of(hops, layout)
    longest = _LONGEST_SHARE * hops.duration_ps
    if len(memory.raw) < _FEWEST_HOPS:
        return _refused(f"{len(memory.raw)} hops")
    if _FIRST_WINDOW * residence_ps > longest:
        return _refused(
            f"hops follow one another after {residence_ps:.3g} ps on average: the run of "
            f"{hops.duration_ps:.3g} ps does not show what they remember"
        )
    window, settled = _window(memory, _FIRST_WINDOW * residence_ps, longest)
    factor = memory.factor(window)
    if not settled:
        factor = factor.provisional("it still changes with the time over which hops remember")
    return Correlation(
        factor,
        _diffusivity(memory, window, settled),
        window,
        _curves(memory, residence_ps, longest, window),
    )


def _refused(reason: str) -> Correlation:
    empty = CurveSet("Correlation factor of hops", ())
    number = Quantity.refused("1", reason)
    return Correlation(number, Quantity.refused("cm²/s", reason), 0.0, empty)


def _window(memory: Memory, first: float, longest: float) -> tuple[float, bool]:
    """Return the shortest window behind which f changes no more, and whether there is one."""
    windows = [first]
    while windows[-1] * 2.0 <= longest:
        windows.append(windows[-1] * 2.0)
    kept = [memory.kept(window) for window in windows]
    whole = float(memory.squares.sum())
    for here, window in enumerate(windows):
        changes = [later - kept[here] for later in kept[here + 1 :]]
        if all(_small(memory, change, whole) for change in changes):
            return window, True
    return windows[-1], False


def _small(memory: Memory, change: Floats, whole: float) -> bool:
    table = memory.layout.table(change)
    error = math.sqrt(spread(table - table.mean()).variance)
    return abs(float(change.sum())) <= _WITHIN_ERRORS * error or whole == 0.0


def _diffusivity(memory: Memory, window: float, settled: bool) -> Quantity:
    hops = memory.hops
    table = memory.layout.table(memory.kept(window))
    factor = A2_PER_PS_TO_CM2_PER_S / (6.0 * hops.n_ions * hops.duration_ps)
    found = spread(table - table.mean())
    value = float(table.sum())
    low, high = value - found.half, value + found.half
    number = above_zero(Quantity(value, "Å²", math.sqrt(found.variance), low, high))
    number = number.scaled(factor, "cm²/s")
    return number if settled else number.provisional("hops remember longer than the run shows")


def _curves(memory: Memory, residence: float, longest: float, window: float) -> CurveSet:
    at = np.geomspace(0.25 * residence, longest, _POINTS)
    factors = [memory.factor(float(one)) for one in at]
    curve = Curve(
        at,
        np.array([one.value for one in factors]),
        Axis("time over which hops remember", "ps"),
        Axis("correlation factor", ""),
        np.array([one.error for one in factors]),
        memory.hops.mobile,
    )
    title = "Correlation factor of hops"
    return CurveSet(title, (curve,), log_x=True, window=(0.5 * window, window))
