"""A temperature programme cut into heatings, coolings and holds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SLOWEST_K_PER_MIN = 0.1
_HALF_POINTS = 10
_LEAST_POINTS = 30
_LEAST_K = 5.0
_SHARE = 0.25


@dataclass(frozen=True)
class Segment:
    """Points ``start <= i < stop`` of a record in which the temperature runs one way or rests."""

    start: int
    stop: int
    rate_K_per_min: float

    @property
    def name(self) -> str:
        """Return what is done: ``heating at 10 K/min``."""
        if self.rate_K_per_min == 0.0:
            return "hold"
        way = "heating" if self.rate_K_per_min > 0 else "cooling"
        return f"{way} at {abs(self.rate_K_per_min):.3g} K/min"


def segments_of(times_s: Floats, temperatures_K: Floats) -> tuple[Segment, ...]:
    """Return the segments of a programme in order of time.

    A point belongs to a heating or cooling where the slope about it exceeds a quarter of the
    typical one; runs shorter than 5 K or 30 points are parts of a change between segments.
    """
    if len(times_s) < _LEAST_POINTS:
        return ()
    slope = _slope(times_s, temperatures_K) * 60.0
    moving = np.abs(slope)[np.abs(slope) > SLOWEST_K_PER_MIN]
    typical = float(np.median(moving)) if len(moving) else np.inf
    way = np.sign(slope) * (np.abs(slope) > max(SLOWEST_K_PER_MIN, _SHARE * typical))
    edges = [0, *(np.flatnonzero(np.diff(way)) + 1), len(way)]
    runs = [(int(a), int(b), int(way[a])) for a, b in pairwise(edges)]
    found = []
    for start, stop, sign in _merged(runs, times_s, temperatures_K):
        moved = float(np.ptp(temperatures_K[start:stop]))
        if stop - start < _LEAST_POINTS or (sign != 0 and moved < _LEAST_K):
            continue
        rate = 0.0
        if sign != 0:
            rate = float(np.polyfit(times_s[start:stop], temperatures_K[start:stop], 1)[0]) * 60
        found.append(Segment(start, stop, rate))
    return tuple(found)


def _slope(times: Floats, temperatures: Floats) -> Floats:
    """Return the slope over some neighbours, (n,), K/s."""
    number = np.arange(len(times))
    low = np.maximum(number - _HALF_POINTS, 0)
    high = np.minimum(number + _HALF_POINTS, len(times) - 1)
    spans = np.maximum(times[high] - times[low], 1e-9)
    return np.asarray((temperatures[high] - temperatures[low]) / spans)


def _merged(
    runs: list[tuple[int, int, int]], times: Floats, temperatures: Floats
) -> list[tuple[int, int, int]]:
    """Return runs joined across interruptions too short to be a segment.

    Self-heating during a crystallisation may turn the slope for a moment; a programme that turns
    back by more than a degree is no such moment.
    """
    del times
    joined: list[tuple[int, int, int]] = []
    for start, stop, sign in runs:
        short = stop - start < _LEAST_POINTS and np.ptp(temperatures[start:stop]) < _LEAST_K
        if joined and short:
            last = joined[-1]
            joined[-1] = (last[0], stop, last[2])
        elif joined and joined[-1][2] == sign:
            joined[-1] = (joined[-1][0], stop, sign)
        else:
            joined.append((start, stop, sign))
    return joined
