"""From correlation functions of many rotors to correlation times with honest intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import gamma, gammaincc
from scipy.stats import f as fisher
from scipy.stats import t as student

from vitrolyte.data.quantity import Quantity

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

GROUPS, BLOCKS = 12, 12
"""Rotors are kept apart in so many groups, time origins in so many blocks."""
PS_TO_S = 1e-12

_LAGS = 90
_MOST_ORIGINS = 20_000
_FEWEST_GROUPS = 6
_BLOCK_IN_TIMES = 8.0
_FEWEST_BLOCKS = 5
_ENOUGH_RUN_IN_TIMES = 20.0
_MEMORY_IN_TIMES = 1.5
_BEYOND_CHANCE = 0.9
_SEEN_RUN_IN_TIMES = 8.0
_HEAD_ENDS_AT, _FIT_ENDS_AT = 0.15, 0.05
_FLAT = 0.02


def lags_of(n_frames: int) -> Integers:
    """Return lags in frames, from none to half of the run, evenly on a logarithmic scale."""
    most = max(1, n_frames // 2)
    spaced = np.geomspace(1, most, _LAGS).round()
    return np.unique(np.concatenate([[0], spaced])).astype(np.int64)


def stride_of(n_frames: int) -> int:
    """Return which time origins count, every so many-th."""
    return max(1, n_frames // _MOST_ORIGINS)


def blocks_of(first: int, stop: int, n_frames: int) -> Integers:
    """Return the block of time of some frames, (stop - first,)."""
    return np.asarray(np.arange(first, stop) * BLOCKS // n_frames, dtype=np.int64)


@dataclass(eq=False)
class Sums:
    """Sums over time origins, kept apart by group of rotors and block of time.

    Attributes
    ----------
    lags
        (n_lags,), frames.
    step_ps
        Between frames.
    members
        How many rotors there are.
    total, counts
        (n_groups, n_blocks, n_lags), sums and numbers of origins.
    """

    lags: Integers
    step_ps: float
    members: int
    total: Floats = field(init=False)
    counts: Floats = field(init=False)

    def __post_init__(self) -> None:
        shape = (min(GROUPS, self.members), BLOCKS, len(self.lags))
        self.total, self.counts = np.zeros(shape), np.zeros(shape)

    def add(self, number: int, sums: Floats, counts: Floats) -> None:
        """Add what one rotor brings, (n_blocks, n_lags) each."""
        group = number * len(self.total) // self.members
        self.total[group] += sums
        self.counts[group] += counts

    @property
    def times(self) -> Floats:
        """Return the lags, ps."""
        return np.asarray(self.lags * self.step_ps, dtype=float)

    @property
    def mean(self) -> Floats:
        """Return the mean over all origins of all rotors, (n_lags,)."""
        return np.asarray(self.total.sum((0, 1)) / np.maximum(self.counts.sum((0, 1)), 1.0))

    def left_out(self, blocks: int = BLOCKS) -> tuple[Floats, ...]:
        """Return the means without each group of rotors, and without each block of time.

        Parameters
        ----------
        blocks
            Into how many blocks time is cut.
        """
        kept = [_without(self.total.sum(1), self.counts.sum(1))] if self.by_rotor else []
        merged = np.arange(BLOCKS) * blocks // BLOCKS
        total, counts = (
            np.stack([part[:, merged == k].sum((0, 1)) for k in range(blocks)])
            for part in (self.total, self.counts)
        )
        return (*kept, _without(total, counts))

    @property
    def by_rotor(self) -> bool:
        """Return whether there are rotors enough to take an error from their differences."""
        return len(self.total) >= _FEWEST_GROUPS

    def errors(self) -> Floats:
        """Return the standard error of the mean at each lag: between rotors or blocks of time."""
        parts = [np.sqrt(spread(part)) for part in self.left_out()]
        return np.asarray(np.max(parts, axis=0))


def _without(total: Floats, counts: Floats) -> Floats:
    return np.asarray((total.sum(0) - total) / np.maximum(counts.sum(0) - counts, 1.0))


def counted(frames: int, lags: Integers, blocks: Integers, stride: int) -> Floats:
    """Return how many time origins there are, (n_blocks, n_lags)."""
    origins = np.arange(0, frames, stride)
    counts = np.zeros((BLOCKS, len(lags)))
    for which, lag in enumerate(lags):
        used = origins[origins < frames - lag]
        counts[:, which] = np.bincount(blocks[used], minlength=BLOCKS)
    return counts


def spread(left_out: Floats) -> Floats:
    """Return the delete-one jackknife variance over the first axis.

    References
    ----------
    Efron & Stein, Ann. Statist. 9, 586 (1981), doi:10.1214/aos/1176345462.
    """
    n = len(left_out)
    return np.asarray((n - 1.0) / n * ((left_out - left_out.mean(0)) ** 2).sum(0))


def larger(*variances: tuple[float, int]) -> tuple[float, int]:
    """Return the variance with its degrees of freedom: a later one if larger beyond chance."""
    best = variances[0]
    for variance, dof in variances[1:]:
        if variance > best[0] * fisher.ppf(_BEYOND_CHANCE, dof, best[1]):
            best = (variance, dof)
    return best


def positive(value: float, relative: float, dof: int, unit: str) -> Quantity:
    """Return a positive number whose logarithm has a known error, with Student's t."""
    half = math.exp(float(student.ppf(0.975, dof)) * relative)
    return Quantity(value, unit, error=value * relative, low=value / half, high=value * half)


def symmetric(value: float, error: float, dof: int, unit: str) -> Quantity:
    """Return a number with the interval of Student's t."""
    half = float(student.ppf(0.975, dof)) * error
    return Quantity(value, unit, error=error, low=value - half, high=value + half)


@dataclass(frozen=True, eq=False)
class Decay:
    """What a correlation function says of the time that orientations last.

    Attributes
    ----------
    integrated
        Integral of the decay from its plateau of 1 to the plateau that stays, s.
    fitted
        Mean time of the stretched exponential fitted behind the libration, s.
    exponent
        Its stretching exponent.
    plateau
        What never decays in the run.
    after_libration
        Where the stretched exponential starts: what the fast libration leaves.
    """

    integrated: Quantity
    fitted: Quantity
    exponent: Quantity
    plateau: Quantity
    after_libration: Quantity


def decay(sums: Sums, *, libration_ps: float) -> Decay:
    r"""Return the correlation times of a correlation function that starts at 1.

    The plateau P is the mean over lags from a quarter to half of the run, where it differs from
    zero and the function is flat; else zero. The integral
    :math:`\tau = \int_0^\infty [C(t) - P] / (1 - P)\,dt` is taken over the points down to 0.15 and
    beyond over :math:`A \exp[-(t/\tau_K)^\beta]`, fitted between the libration and 0.05. Errors are
    those of the jackknife over rotors or over blocks of time, whichever is larger.

    Parameters
    ----------
    sums
        Sums of a function that is 1 at lag 0.
    libration_ps
        The fit leaves out shorter times, unless the function has halved by then.
    """
    reading = _Reading(sums, libration_ps)
    return reading.refused() or reading.decay()


class _Reading:
    """One correlation function being read; the estimates are linear in its small changes."""

    def __init__(self, sums: Sums, libration_ps: float) -> None:
        self.sums, self.times, self.c = sums, sums.times, sums.mean
        self.replicas = sums.left_out()
        self.late = self.times >= 0.5 * self.times[-1]
        self.plateau, self.weight = self._plateau()
        self.f = (self.c - self.plateau) / (1.0 - self.plateau)
        self.head = _first_below(self.f, _HEAD_ENDS_AT)
        end = _first_below(self.f, _FIT_ENDS_AT)
        start = int(np.searchsorted(self.times, libration_ps))
        if start >= len(self.f) or self.f[start] < 0.5:
            start = 1
        self.fit = slice(start, max(end + 1, start + 4))
        self.parameters = np.full(3, math.nan)

    def _plateau(self) -> tuple[float, float]:
        """Return the plateau, and 1 where it is one, 0 where it is taken to be zero."""
        late = self.late
        before = (self.times >= 0.25 * self.times[-1]) & ~late
        level = float(self.c[late].mean())
        changes = [replica[:, late].mean(1) for replica in self.replicas]
        steps = [
            replica[:, before].mean(1) - level_ for replica, level_ in zip(self.replicas, changes)
        ]
        error, unsure = (
            math.sqrt(max(float(spread(p)) for p in part)) for part in (changes, steps)
        )
        falls = float(self.c[before].mean()) - level
        flat = falls <= max(_FLAT, 2.0 * unsure)
        quantile = float(student.ppf(0.975, min(len(r) for r in self.replicas) - 1))
        self.plateau_error, self.level, self.flat = error, level, flat
        real = flat and level > quantile * error and level < 1.0 - 1e-9
        return (level, 1.0) if real else (0.0, 0.0)

    def refused(self) -> Decay | None:
        """Return the refusal where the decay is not seen, else None."""
        run = 2.0 * self.times[-1]
        reason = ""
        if self.plateau > 1.0 - 1e-6 or self.head >= len(self.f):
            reason = f"no decay is seen: the correlation is {self.c[-1]:.2f} after {run / 2:.3g} ps"
        elif self.fit.stop > len(self.f) or self.fit.stop - self.fit.start < 4:
            reason = f"the decay does not end within {run / 2:.3g} ps"
        elif self.head < 3:
            reason = f"it decays within {self.times[self.head]:.3g} ps, less than three frames"
        else:
            self._fit()
            slowest = max(self.integral(), self.mean_time())
            if slowest * _SEEN_RUN_IN_TIMES > run:
                reason = f"the run of {run:.3g} ps is less than {_SEEN_RUN_IN_TIMES:g} times "
                reason += f"{slowest:.3g} ps, about what the decay takes"
        if not reason:
            return None
        no_time, no_number = Quantity.refused("s", reason), Quantity.refused("1", reason)
        return Decay(no_time, no_time, no_number, self._said_plateau(reason), no_number)

    def _said_plateau(self, reason: str = "") -> Quantity:
        dof = min(len(replica) for replica in self.replicas) - 1
        said = symmetric(self.level, self.plateau_error, dof, "1")
        if reason or not self.flat:
            return said.provisional(reason or "the correlation still falls")
        return said

    def _fit(self) -> None:
        t, f = self.times[self.fit], self.f[self.fit]
        self.weights = 1.0 / (self.sums.errors()[self.fit] / (1.0 - self.plateau) + 0.005)
        guess = (min(0.98, max(f[0], 0.3)), math.log(max(self.times[self.head] / 2, t[0])), 0.9)

        def residuals(p: Floats) -> Floats:
            return np.asarray(self.weights * (_stretched(p, t) - f))

        bounds = ([0.02, math.log(1e-3 * t[0]), 0.2], [1.0, math.log(1e3 * t[-1]), 1.5])
        found = least_squares(residuals, np.clip(guess, *bounds), bounds=bounds)
        self.parameters = found.x
        free = found.active_mask == 0
        slopes = found.jac[:, free]
        self.response = np.zeros((3, len(t)))
        self.response[free] = np.linalg.pinv(slopes) * self.weights

    def integral(self) -> float:
        """Return the integrated time, ps."""
        head = float(np.trapezoid(self.f[: self.head + 1], self.times[: self.head + 1]))
        return head + _tail(self.parameters, float(self.times[self.head]))

    def mean_time(self) -> float:
        """Return the mean time of the stretched exponential, ps."""
        return _mean_time(self.parameters)

    def _changes(self, replica: Floats) -> tuple[Floats, Floats]:
        """Return how the integral and the parameters change, to first order."""
        change = replica - self.c
        shift = self.weight * change[:, self.late].mean(1)
        moved = (change - shift[:, None] * (1.0 - self.f)) / (1.0 - self.plateau)
        parameters = moved[:, self.fit] @ self.response.T
        head = np.trapezoid(moved[:, : self.head + 1], self.times[: self.head + 1], axis=1)
        slope = _slope(lambda p: _tail(p, float(self.times[self.head])), self.parameters)
        return head + parameters @ slope, parameters

    def decay(self) -> Decay:
        blocks, enough = self._blocks()
        replicas = self.sums.left_out(blocks)
        if self.sums.by_rotor and not enough:
            replicas = replicas[:1]
        changes = [self._changes(replica) for replica in replicas]
        dofs = [len(replica) - 1 for replica in replicas]
        a, _, beta = self.parameters
        integral, mean = self.integral(), self.mean_time()
        mean_slope = _slope(lambda p: math.log(_mean_time(p)), self.parameters)

        # Neighbouring blocks of time share what the rotors remember; rotors share nothing.
        shared = min(0.5, _MEMORY_IN_TIMES * blocks / self._run_in_times())
        widen = [1.0] * self.sums.by_rotor + [1.0 / (1.0 - shared)]

        def error(parts: list[Floats]) -> tuple[float, int]:
            both = [(w * float(spread(part)), dof) for part, dof, w in zip(parts, dofs, widen)]
            variance, dof = larger(*both)
            return math.sqrt(variance), dof

        time, dof = error([change / integral for change, _ in changes])
        fitted, fitted_dof = error([p @ mean_slope for _, p in changes])
        stretch, stretch_dof = error([p[:, 2] for _, p in changes])
        height, height_dof = error([p[:, 0] for _, p in changes])
        start = self.plateau + (1.0 - self.plateau) * float(a)
        found = [
            positive(integral * PS_TO_S, time, dof, "s"),
            positive(mean * PS_TO_S, fitted, fitted_dof, "s"),
            symmetric(float(beta), stretch, stretch_dof, "1"),
            self._started(start, (1.0 - self.plateau) * height, height_dof),
        ]
        if not enough:
            reason = f"the run is only {self._run_in_times():.0f} correlation times long"
            found = [number.provisional(reason) for number in found]
        return Decay(found[0], found[1], found[2], self._said_plateau(), found[3])

    def _started(self, start: float, error: float, dof: int) -> Quantity:
        """Return what the libration leaves, where the fit tells it from the decay."""
        if self.fit.start == 1 or error == 0.0:
            return Quantity.refused("1", "no libration is told apart from the decay")
        return symmetric(start, error, dof, "1")

    def _blocks(self) -> tuple[int, bool]:
        """Return into how many blocks of time the run is cut, and whether it is long enough."""
        times = self._run_in_times()
        fits = int(times / _BLOCK_IN_TIMES)
        return max(_FEWEST_BLOCKS, min(BLOCKS, fits)), times >= _ENOUGH_RUN_IN_TIMES

    def _run_in_times(self) -> float:
        return float(2.0 * self.times[-1] / max(self.integral(), self.mean_time()))


def _first_below(values: Floats, level: float) -> int:
    """Return the first place below a level, the length where there is none."""
    below = np.flatnonzero(values < level)
    return int(below[0]) if len(below) else len(values)


def _stretched(parameters: Floats, times: Floats) -> Floats:
    a, logarithm, beta = parameters
    return np.asarray(a * np.exp(-((times / math.exp(logarithm)) ** beta)))


def _tail(parameters: Floats, start: float) -> float:
    """Return the integral of a stretched exponential from a time on."""
    a, logarithm, beta = parameters.tolist()
    time = math.exp(logarithm)
    whole = float(a * time / beta * gamma(1.0 / beta))
    return whole * float(gammaincc(1.0 / beta, (start / time) ** beta))


def _mean_time(parameters: Floats) -> float:
    _, logarithm, beta = parameters.tolist()
    return float(math.exp(logarithm) / beta * gamma(1.0 / beta))


def _slope(function, parameters: Floats) -> Floats:  # type: ignore[no-untyped-def]
    """Return the gradient of a function of three parameters by central differences."""
    found = np.empty(3)
    for k in range(3):
        step = np.zeros(3)
        step[k] = 1e-4
        found[k] = (function(parameters + step) - function(parameters - step)) / 2e-4
    return found
