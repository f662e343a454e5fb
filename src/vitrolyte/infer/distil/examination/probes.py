"""Probes: how alike a short run and a long one are, in structure and in motion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import t as student_t

from vitrolyte.infer.distil.geometry import Array, neighbour_pairs, pair_names
from vitrolyte.potentials.teacher import Snapshot

REACH_A = 6.0
BIN_A = 0.1
LEAST_PIECES = 3
LEAST_ON_A_LINE = 4
LEAST_FRAMES = 20
BLOCKS = 10
NORMAL_95 = 1.96


def pair_overlaps(
    one: Sequence[Snapshot], other: Sequence[Snapshot], *, elements: Sequence[str]
) -> dict[str, float]:
    """Compare two sets of frames by every partial radial distribution function.

    ``1 - Σ|g1 - g2| / Σ(g1 + g2)`` over 0.1 Å bins up to 6 Å; 1 for identical structures.
    """
    first, second = distributions(one, elements), distributions(other, elements)
    return {pair: overlap(first[pair], second[pair]) for pair in pair_names(elements)}


def overlap(one: Array, other: Array) -> float:
    """Return ``1 - Σ|g1 - g2| / Σ(g1 + g2)`` over the same bins; 1 where neither has a pair."""
    both = float((one + other).sum())
    return 1.0 if both == 0.0 else 1.0 - float(np.abs(one - other).sum()) / both


class Overlap(NamedTuple):
    """A measured overlap, what chance alone would leave of one, and 95 % bounds of the truth."""

    measured: float
    chance: float
    low: float
    high: float


def bounded_overlap(run: Array, pieces: Array) -> Overlap:
    """Bound the overlap of a short run (bins,) with the pieces (n, bins) of a long one.

    Every piece is as long as the short run. Noise makes distributions look more different than they
    are, so the measured overlap is too low, but by no more than two samples of one and the same
    structure miss each other: the truth lies between the overlap and the overlap plus the loss of
    a piece against the other pieces. Both bounds are widened by the 95 % spread of that loss.

    Raises
    ------
    ValueError
        If there are fewer than three pieces.
    """
    count = len(pieces)
    if count < LEAST_PIECES:
        raise ValueError(f"at least {LEAST_PIECES} pieces are needed, not {count}")
    total = pieces.sum(axis=0)
    own = np.array([overlap(piece, (total - piece) / (count - 1)) for piece in pieces])
    spread = float(student_t.ppf(0.975, count - 1) * own.std(ddof=1) * np.sqrt(1 + 1 / count))
    measured, chance = overlap(run, total / count), float(own.mean())
    return Overlap(measured, chance, measured - spread, min(1.0, measured + 1 - chance + spread))


def distributions(frames: Sequence[Snapshot], elements: Sequence[str]) -> dict[str, Array]:
    """Average every partial g(r) over frames, in 0.1 Å bins up to 6 Å, images included."""
    edges = np.arange(0.0, REACH_A + 1e-9, BIN_A)
    shells = 4 / 3 * np.pi * np.diff(edges**3)
    totals = {pair: np.zeros(len(shells)) for pair in pair_names(elements)}
    for frame in frames:
        kinds = np.array(frame.species)
        pairs = neighbour_pairs(frame, REACH_A)
        first, second = kinds[pairs.first], kinds[pairs.second]
        for name in totals:
            a, b = name.split("-")
            counts = np.histogram(pairs.distances[(first == a) & (second == b)], edges)[0]
            ideal = (kinds == a).sum() * (kinds == b).sum() * shells / frame.volume
            totals[name] += counts / ideal / len(frames)
    return totals


def responded_overlap(each: Array, gaps: Array) -> Overlap:
    """Bound the overlap of one potential's distribution with another's that was never run.

    To first order in the difference u of the two energies, the mean of any property g goes from
    ``<g>`` to ``<g> - cov(u, g) / kT`` (R. Zwanzig, doi:10.1063/1.1740409), all averages over
    frames of the first potential. ``gaps`` (n,) are u/kT of the frames in order of time, ``each``
    (n, bins) their distributions. The same covariance with u moved along the frames, round at the
    end, shows what chance alone makes of it: it makes the distributions look more different than
    they are, by no more than that loss. Both bounds are widened by the 95 % spread of that loss
    and of the overlap itself, by the jackknife over ten blocks.

    Raises
    ------
    ValueError
        If there are fewer than twenty frames.
    """
    count = len(each)
    if count < LEAST_FRAMES:
        raise ValueError(f"at least {LEAST_FRAMES} frames are needed, not {count}")
    moves = range(count // 10, count - count // 10)
    by_chance = np.array([responded(each, np.roll(gaps, move)) for move in moves])
    measured, chance = responded(each, gaps), float(by_chance.mean())
    blocks = np.array_split(np.arange(count), BLOCKS)
    without = np.array([responded(np.delete(each, b, axis=0), np.delete(gaps, b)) for b in blocks])
    variance = by_chance.var(ddof=1) + (BLOCKS - 1) * without.var()
    spread = NORMAL_95 * float(np.sqrt(variance))
    return Overlap(measured, chance, measured - spread, min(1.0, measured + 1 - chance + spread))


class Estimate(NamedTuple):
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float

    def distance(self, point: float) -> tuple[float, float]:
        """Return the interval of the distance from a point; it begins at 0 where that is inside."""
        near, far = sorted((abs(self.low - point), abs(self.high - point)))
        return (0.0 if self.low <= point <= self.high else near), far


def free_energy_gap(of_first: Array, of_second: Array) -> Estimate:
    """Return the free energy of a second potential less that of a first, from frames of both.

    ``(<u>_1 + <u>_2) / 2`` with u the difference of the energies on frames of the first (n,) and of
    the second potential (m,), in the same units: exact to second order, where either mean alone is
    off by half the variance of u over kT, one up and one down. Errors from ten blocks of frames in
    order of time.
    """
    error = float(np.hypot(_block_error(of_first), _block_error(of_second)))
    value = 0.5 * float(of_first.mean() + of_second.mean())
    fewest = min(BLOCKS, len(of_first), len(of_second))
    half = float(student_t.ppf(0.975, max(1, fewest - 1))) * 0.5 * error
    return Estimate(value, value - half, value + half)


def _block_error(values: Array) -> float:
    """Return the standard error of a mean, by blocks as long as a tenth of the frames."""
    count = min(BLOCKS, len(values))
    means = np.array([block.mean() for block in np.array_split(values, count)])
    return float(means.std(ddof=1) / np.sqrt(count)) if count > 1 else float("inf")


def responded(each: Array, gaps: Array) -> float:
    """Return the overlap that `responded_overlap` bounds, of two frames or more."""
    mean = each.mean(axis=0)
    shift = -(gaps - gaps.mean()) @ (each - mean) / (len(each) - 1)
    return overlap(mean, np.maximum(mean + shift, 0.0))


def motion_ratio(
    run: float, temperature_K: float, pieces: Array, temperatures_K: Array
) -> Estimate | None:
    """Compare the motion in a short run with the pieces (n,) of a long one, each as long.

    Mean temperatures of runs of a picosecond scatter by tens of kelvin whatever the thermostat.
    The logarithm of the pieces' motion is therefore put on a line against 1/T and read at the
    temperature that the short run had; its scatter about the line is what chance does to the short
    run too. None where fewer than four pieces leave no scatter.
    """
    count = len(pieces)
    if count < LEAST_ON_A_LINE:
        return None
    x = 1 / temperatures_K - 1 / temperature_K
    y = np.log(pieces)
    off = x - x.mean()
    slope = float(off @ y / (off @ off))
    at_run = float(y.mean() - slope * x.mean())
    scatter = np.sqrt(np.square(y - y.mean() - slope * off).sum() / (count - 2))
    reach = np.sqrt(1 + 1 / count + x.mean() ** 2 / (off @ off))
    half = float(student_t.ppf(0.975, count - 2) * scatter * reach)
    gap = at_run - float(np.log(run))
    return Estimate(*(float(np.exp(value)) for value in (gap, gap - half, gap + half)))
