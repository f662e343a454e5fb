"""Two kinds of events on the same carriers, counted by carrier and block of time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vitrolyte.observe.rotation.relaxation import BLOCKS

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_FEWEST_GROUPS = 6


@dataclass(frozen=True, eq=False)
class Trains:
    """Two kinds of events on the same carriers, on a grid of time.

    Attributes
    ----------
    first, second
        For each carrier the steps of time of its events, from 0 on, sorted.
    spans
        (n_carriers,), how many steps of time each carrier is watched.
    starts
        (n_carriers,), at which step of the run that begins.
    step_ps
        Length of a step.
    n_steps
        Of the whole run.
    """

    first: tuple[Integers, ...]
    second: tuple[Integers, ...]
    spans: Integers
    starts: Integers
    step_ps: float
    n_steps: int


class Tally:
    """Counts by carrier and block of time: what the jackknife leaves out in turn."""

    def __init__(self, trains: Trains, window: int) -> None:
        shape = (len(trains.spans), BLOCKS)
        self.first, self.second, self.hit, self.covered, self.steps = (
            np.zeros(shape) for _ in range(5)
        )
        self.found = np.zeros((2, *shape))
        self.window = window
        for r, (one, other) in enumerate(zip(trains.first, trains.second)):
            n = int(trains.spans[r])
            block = (trains.starts[r] + np.arange(n)) * BLOCKS // trains.n_steps
            before, after, near = around(other, n, window)
            self.steps[r] = np.bincount(block, minlength=BLOCKS)
            self.covered[r] = np.bincount(block, weights=near, minlength=BLOCKS)
            self.second[r] = np.bincount(block[other], minlength=BLOCKS)
            self.first[r] = np.bincount(block[one], minlength=BLOCKS)
            self.hit[r] = np.bincount(block[one], weights=near[one], minlength=BLOCKS)
            for side, counts in enumerate((before, after)):
                self.found[side, r] = np.bincount(block[one], weights=counts[one], minlength=BLOCKS)

    def estimates(self, keep: NDArray[np.bool_] | None = None, axis: int = 0) -> Floats:
        """Return ln ratio, ln probability ratio and the three excesses, (5,).

        Parameters
        ----------
        keep
            Which carriers (axis 0) or blocks of time (axis 1) count; None for all.
        axis
            What ``keep`` chooses from.
        """
        parts = [self.first, self.second, self.hit, self.covered, self.steps, *self.found]
        if keep is not None:
            parts = [part[keep] if axis == 0 else part[:, keep] for part in parts]
        first, second, hit, covered, steps, before, after = (part.sum(1) for part in parts)
        steps = np.maximum(steps, 1.0)
        number = max(first.sum(), 1.0)
        half = float((first * second / steps).sum()) * (self.window + 0.5)
        chance = float((first * covered / steps).sum())
        found = before.sum() + after.sum()
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = np.log([found / (2.0 * half), hit.sum() / chance])
        excesses = (found - 2.0 * half, before.sum() - half, after.sum() - half)
        return np.concatenate([ratios, np.array(excesses) / number])

    def expected(self) -> float:
        """Return the number of coincidences of chance."""
        first, second, steps = self.first.sum(1), self.second.sum(1), self.steps.sum(1)
        return float((first * second / np.maximum(steps, 1)).sum()) * (2 * self.window + 1)

    def variances(self) -> list[tuple[Floats, int]]:
        """Return the variances of the estimates: between blocks of time, and between carriers."""
        found = []
        for axis in (1, 0):
            used = np.flatnonzero(self.steps.sum(1 - axis) > 0)
            groups = [part for part in np.array_split(used, BLOCKS) if len(part)]
            if axis == 1 or len(groups) >= _FEWEST_GROUPS:
                found.append((self._variance(groups, axis), len(groups) - 1))
        return found

    def _variance(self, groups: list[NDArray[np.intp]], axis: int) -> Floats:
        values = []
        for group in groups:
            keep = np.ones(self.steps.shape[axis], dtype=bool)
            keep[group] = False
            values.append(self.estimates(keep, axis))
        left = np.array(values)
        with np.errstate(invalid="ignore"):
            return np.asarray((len(left) - 1.0) / len(left) * ((left - left.mean(0)) ** 2).sum(0))


def around(events: Integers, n: int, window: int) -> tuple[Floats, Floats, Floats]:
    """Return for each moment the events before it and behind it in the window, and if any is.

    Those of the moment itself count half to either side. Round the span.
    """
    counts = np.bincount(events, minlength=n).astype(float)
    padded = np.concatenate([counts[-window:], counts, counts[:window]])
    total = np.concatenate([[0.0], np.cumsum(padded)])
    before = total[window : window + n] - total[:n] + 0.5 * counts
    after = total[2 * window + 1 :] - total[window + 1 : window + 1 + n] + 0.5 * counts
    return before, after, (before + after > 0.25).astype(float)


@njit(cache=True, nogil=True)
def count_lags(first: Integers, second: Integers, counts: Floats) -> None:
    """Count pairs by the time from a first to a second event, round the span. Hot loop."""
    n = len(counts)
    for i in range(len(first)):
        for j in range(len(second)):
            counts[(second[j] - first[i]) % n] += 1.0
