"""How long ions stay, where some stays outlast the run: survival, exits by kind, exponent."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from vitrolyte.data.quantity import Quantity
from vitrolyte.observe.hops.intervals import jackknifed, left_out

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

_LEAST_EXPONENT, _MOST_EXPONENT = 0.1, 10.0
_STUDENT_19 = 2.093
_FEWEST_EXITS = 20


@dataclass(frozen=True, eq=False)
class Waits:
    """Stays whose beginning was seen.

    Attributes
    ----------
    length_ps
        (n,), until the exit, or until the run ended.
    left
        (n,), whether the exit was seen.
    back
        (n,), whether it led back to where the ion came from.
    group
        (n,), groups that are left out in turn for errors.
    unseen_ps
        Stays shorter than this are not seen.
    """

    length_ps: Floats
    left: Flags
    back: Flags
    group: Integers
    unseen_ps: float

    def __len__(self) -> int:
        return len(self.length_ps)


def survival(length: Floats, left: Flags, at: Floats) -> Floats:
    """Return the share of stays that last longer than each time, (n_times,).

    ``S(t) = prod_{t_i <= t} (1 - d_i / n_i)``, with ``d_i`` exits among ``n_i`` ions still there.

    Parameters
    ----------
    length, left
        (n,), length of each stay and whether its end was seen.
    at
        (n_times,), increasing.

    References
    ----------
    Kaplan & Meier, J. Am. Stat. Assoc. 53, 457 (1958), doi:10.1080/01621459.1958.10501452.
    """
    return _incidence(length, left, left, at)[0]


def _incidence(length: Floats, left: Flags, kind: Flags, at: Floats) -> tuple[Floats, Floats]:
    """Return survival, and the share that left by a kind of exit, up to each time."""
    times, where = np.unique(length, return_inverse=True)
    exits = np.bincount(where, left, minlength=len(times))
    of_kind = np.bincount(where, left & kind, minlength=len(times))
    there = np.cumsum(np.bincount(where, minlength=len(times))[::-1])[::-1]
    lasting = np.cumprod(1.0 - exits / there)
    before = np.concatenate([[1.0], lasting[:-1]])
    gone = np.cumsum(before * of_kind / there)
    index = np.searchsorted(times, at, side="right")
    return np.concatenate([[1.0], lasting])[index], np.concatenate([[0.0], gone])[index]


def survival_error(waits: Waits, at: Floats) -> Floats:
    """Return the standard error of the survival by leaving out groups, (n_times,)."""
    parts = np.array(
        [
            survival(waits.length_ps[waits.group != one], waits.left[waits.group != one], at)
            for one in np.unique(waits.group)
        ]
    )
    return np.asarray(np.sqrt((len(parts) - 1) * parts.var(axis=0)))


def returned(waits: Waits, at: Floats) -> Floats:
    """Return the share of hops that have been undone by each time, (n_times,).

    ``I(t) = sum_{t_i <= t} S(t_i-) b_i / n_i``, with ``b_i`` returns.

    References
    ----------
    Aalen & Johansen, Scand. J. Stat. 5, 141 (1978).
    """
    return _incidence(waits.length_ps, waits.left, waits.back, at)[1]


def return_share(waits: Waits) -> Quantity:
    """Return the share of exits that lead back, with stays that outlast the run allowed for."""
    seen = int(waits.left.sum())
    if seen < _FEWEST_EXITS:
        return Quantity.refused("1", f"{seen} hops that another one followed")
    end = np.array([float(waits.length_ps.max())])

    def value(use: Flags) -> float:
        lasting, back = _incidence(waits.length_ps[use], waits.left[use], waits.back[use], end)
        return float(back[0] / (1.0 - lasting[0])) if lasting[0] < 1.0 else 0.0

    found = value(np.ones(len(waits), dtype=bool))
    parts = left_out(value, waits.group)
    count = len(parts)
    # a share of none or all has no scatter: the rule of Laplace stands in
    floor = math.sqrt((found * (1 - found) + 1.0 / seen) / seen)
    error = max(math.sqrt((count - 1) * float(np.var(parts))), 0.5 * floor)
    half = _STUDENT_19 * error
    number = Quantity(found, "1", error, max(found - half, 0.0), min(found + half, 1.0))
    lasting = float(survival(waits.length_ps, waits.left, end)[0])
    if lasting > 0.25:
        return number.provisional(f"{100 * lasting:.0f} % of the stays outlast the run")
    return number


def median_stay(waits: Waits) -> Quantity:
    """Return the time by which half of the stays have ended, s.

    The interval holds the times at which one half lies within the interval of the survival.

    References
    ----------
    Brookmeyer & Crowley, Biometrics 38, 29 (1982), doi:10.2307/2530286.
    """
    seen = int(waits.left.sum())
    if seen < _FEWEST_EXITS:
        return Quantity.refused("s", f"{seen} stays of which both ends were seen")
    at = np.unique(waits.length_ps[waits.left])
    lasting = survival(waits.length_ps, waits.left, at)
    half = _STUDENT_19 * survival_error(waits, at)
    middle, low, high = (
        _first_below(at, curve) for curve in (lasting, lasting - half, lasting + half)
    )
    if math.isinf(middle):
        return Quantity.refused("s", f"most stays last longer than {at[-1]:.3g} ps")
    number = Quantity(middle * 1e-12, "s", math.nan, low * 1e-12, high * 1e-12)
    return number if math.isfinite(high) else number.provisional("no upper end: the run is short")


def _first_below(at: Floats, curve: Floats) -> float:
    below = np.flatnonzero(curve <= 0.5)
    return float(at[below[0]]) if len(below) else math.inf


def exponent(waits: Waits) -> Quantity:
    """Return the exponent of a stretched exponential of the stays: 1 if exits have no memory.

    ``S(t) = exp[-(t / tau)^b]``, maximum likelihood with stays that outlast the run, and with
    those that are too short to be seen left out. Below 1, some places are left quickly and others
    slowly; above 1, exits become likelier with time.
    """
    seen = int(waits.left.sum())
    if seen < _FEWEST_EXITS:
        return Quantity.refused("1", f"{seen} stays of which both ends were seen")

    def value(use: Flags) -> float:
        return _exponent(waits.length_ps[use], waits.left[use], waits.unseen_ps)

    found = jackknifed(value, waits.group, "1")
    if not _LEAST_EXPONENT * 1.01 < found.value < _MOST_EXPONENT / 1.01:
        return Quantity.refused("1", "the stays do not follow a stretched exponential")
    return found


def _exponent(length: Floats, left: Flags, unseen: float) -> float:
    scale = float(length.mean())
    t, least = np.maximum(length, unseen) / scale, unseen / scale
    exits, logs = float(left.sum()), float(np.log(t[left]).sum())

    def unlikely(log_power: float) -> float:
        power = math.exp(log_power)
        hazard = float((t**power - least**power).sum()) / exits
        return -(exits * (log_power - math.log(hazard)) + (power - 1.0) * logs)

    ends = (math.log(_LEAST_EXPONENT), math.log(_MOST_EXPONENT))
    return math.exp(float(minimize_scalar(unlikely, bounds=ends, method="bounded").x))
