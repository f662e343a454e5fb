"""Which of given phases a pattern's peaks may come from."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from vitrolyte.laboratory.diffraction.model import Phase
from vitrolyte.laboratory.diffraction.peaks import Peaks
from vitrolyte.laboratory.diffraction.radiation import Radiation
from vitrolyte.observe.scattering.powder_lines import lorentz_polarisation

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_STRONG = 0.04
_MOST_LINES = 40
_SLACK_DEG = 0.04
_GRID_STEPS = 41
_ROUNDS = 3
_OFF_COSTS = 0.3


@dataclass(frozen=True)
class Search:
    """How lattices and shifts are tried.

    Attributes
    ----------
    freedom
        By how much each axis may be longer or shorter.
    shifts
        By how much all lines may be seen at higher angles, degrees.
    axes
        Whether the axes may be stretched each by itself.
    """

    freedom: float = 0.03
    shifts: tuple[float, ...] = (0.0,)
    axes: bool = True


@dataclass(frozen=True, eq=False)
class Match:
    """How well a phase explains peaks.

    Attributes
    ----------
    phase
        The phase with the lattice that fits best.
    explained
        (n_peaks,), which peaks are near one of its lines.
    found_share
        Share of its strong lines, by the root of their intensity, that have a peak: of as many of
        the strongest as speak most clearly.
    chance
        Probability that a lattice without meaning, varied as freely, does as well.
    shift
        By how much its lines are seen at higher angles, degrees.
    """

    phase: Phase
    explained: Flags
    found_share: float
    chance: float
    shift: float = 0.0

    @property
    def merit(self) -> float:
        """Return ``-log10`` of the chance."""
        return float(-np.log10(max(self.chance, 1e-300)))


@dataclass(frozen=True, eq=False)
class _Strong:
    """The strong lines of a phase within a pattern."""

    indices: Floats
    heights: Floats

    @property
    def weights(self) -> Floats:
        roots = np.sqrt(self.heights)
        return np.asarray(roots / max(roots.sum(), 1e-300))

    def where(self, held: Flags) -> _Strong:
        return _Strong(self.indices[held], self.heights[held])


def match(
    phase: Phase,
    peaks: Peaks,
    radiation: Radiation,
    *,
    between: tuple[float, float],
    search: Search | None = None,
) -> Match:
    """Return how well a phase explains peaks when its lattice may be a few per cent off.

    Of its 40 strongest lines each counts with the root of its intensity, which a texture changes
    less; a line is found where a peak lies within half a width and 0.04 degrees. The axes of the
    lattice are scanned, then refined on the pairs. Of a weak phase only the strongest lines are
    seen: those count that speak most clearly for it. The chance is binomial, from how much of the
    pattern lies that near a peak, times the number of lattices that differ.

    Parameters
    ----------
    phase
        With the lattice of its structure.
    peaks, radiation
        Of the pattern.
    between
        First and last angle of the pattern.
    search
        How lattices and shifts are tried.
    """
    how = search or Search()
    strong = _strong(phase, radiation, between)
    lattices = list(_trials(phase, how))
    shifts = how.shifts
    found = [
        _best_at(
            phase,
            strong,
            (replace(peaks, angles=peaks.angles - shift), radiation),
            lattices,
        )
        for shift in shifts
    ]
    best = max(range(len(shifts)), key=lambda number: found[number][1])
    moved = replace(peaks, angles=peaks.angles - shifts[best])
    fitted = phase.at(_strain_of(phase, found[best][0]))
    hits = _found(_angles(fitted.metric, strong, radiation), moved)
    trials = _GRID_STEPS ** min(2, len(phase.basis)) / 4.0 * len(shifts)
    chance, count = _chance(hits, moved, between, trials)
    share = float(strong.weights[:count][hits[:count]].sum() / strong.weights[:count].sum())
    return Match(fitted, explained(fitted, moved, radiation), share, chance, shifts[best])


def _best_at(
    phase: Phase, strong: _Strong, seen: tuple[Peaks, Radiation], trials: list[Floats]
) -> tuple[Floats, float]:
    """Return the metric that finds most lines, and its score: what it finds less how far off."""
    best, share = np.zeros(3), -1.0
    for strains in trials:
        trial = _share(phase, strains, strong, seen)
        if trial > share + 1e-9:
            best, share = strains, trial
    rough = _stretched(phase, best)
    metrics = (rough, _refined(rough, phase, strong, seen))
    scores = [_score(metric, strong, seen) for metric in metrics]
    number = int(np.argmax(scores))
    return metrics[number], scores[number]


def _score(metric: Floats, strong: _Strong, seen: tuple[Peaks, Radiation]) -> float:
    peaks, radiation = seen
    angles = _angles(metric, strong, radiation)
    hits = _found(angles, peaks)
    if not hits.any():
        return 0.0
    gaps = np.abs(angles[hits, None] - peaks.angles[None])
    nearest = gaps.argmin(axis=1)
    tolerance = 0.5 * peaks.widths[nearest] + _SLACK_DEG
    off = np.sqrt(np.mean((gaps.min(axis=1) / tolerance) ** 2))
    return float(strong.weights[hits].sum() - _OFF_COSTS * off)


def explained(phase: Phase, peaks: Peaks, radiation: Radiation) -> Flags:
    """Return which peaks lie near any line of a phase, (n_peaks,)."""
    strengths = phase.lines.strengths
    lines = phase.lines.families.indices[strengths > 1e-3 * strengths.max()].astype(float)
    everything = _Strong(lines, np.ones(len(lines)))
    tolerance = 0.6 * peaks.widths + _SLACK_DEG
    near = np.zeros(len(peaks), dtype=bool)
    for length in (*(length for length, _ in radiation.lines), radiation.mean_A):
        angles = _at(phase.metric, everything, length)
        angles = angles[np.isfinite(angles)]
        if len(angles):
            near |= np.abs(peaks.angles[:, None] - angles[None]).min(axis=1) < tolerance
    return near


def _strong(phase: Phase, radiation: Radiation, between: tuple[float, float]) -> _Strong:
    indices = phase.lines.families.indices.astype(float)
    angles = _at(phase.metric, _Strong(indices, indices[:, 0]), radiation.wavelength_A)
    inside = np.isfinite(angles) & (angles > between[0]) & (angles < between[1])
    heights = np.zeros(len(angles))
    across = lorentz_polarisation(angles[inside], radiation.across)
    heights[inside] = phase.lines.strengths[inside] * across
    top = np.argsort(-heights, kind="stable")[:_MOST_LINES]
    held = top[heights[top] > _STRONG * heights.max(initial=0.0)]
    return _Strong(indices[held], heights[held])


def _at(metric: Floats, lines: _Strong, wavelength_A: float) -> Floats:
    squares = np.einsum("ni,ij,nj->n", lines.indices, metric, lines.indices)
    sines = np.sqrt(np.maximum(squares, 0.0)) * wavelength_A / 2.0
    return np.degrees(2.0 * np.arcsin(np.where(sines < 1.0, sines, np.nan)))


def _angles(metric: Floats, lines: _Strong, radiation: Radiation) -> Floats:
    """Return where a peak of unresolved lines would stand: the weighted mean wavelength."""
    return _at(metric, lines, radiation.mean_A)


def _found(angles: Floats, peaks: Peaks) -> Flags:
    if len(peaks) == 0:
        return np.zeros(len(angles), dtype=bool)
    gaps = np.abs(angles[:, None] - peaks.angles[None])
    tolerance = 0.5 * peaks.widths + _SLACK_DEG
    return np.asarray((np.nan_to_num(gaps, nan=np.inf) < tolerance).any(axis=1))


def _trials(phase: Phase, how: Search) -> Iterator[Floats]:
    """Yield strains of the three axes: all alike, then each pair of free ones on a grid."""
    scan = sorted(np.linspace(-how.freedom, how.freedom, _GRID_STEPS), key=abs)
    yield from (np.full(3, one) for one in scan)
    if how.axes and len(phase.basis) > 1:
        coarse = sorted(np.linspace(-how.freedom, how.freedom, _GRID_STEPS)[::2], key=abs)
        axes = _free_axes(phase)
        for pair in itertools.product(coarse, repeat=axes.shape[1]):
            yield axes @ np.array(pair)


def _free_axes(phase: Phase) -> Floats:
    """Return what the first two independent stretches do to the three axes, (3, 2)."""
    if len(phase.basis) <= 2:
        return np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    return np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])


def _stretched(phase: Phase, strains: Floats) -> Floats:
    """Return the nearest metric that the symmetry allows to that of a stretched cell."""
    factor = 1.0 / (1.0 + strains)
    metric = phase.metric * np.outer(factor, factor)
    basis = phase.basis
    return np.asarray(np.einsum("k,kij->ij", np.einsum("kij,ij->k", basis, metric), basis))


def _strain_of(phase: Phase, metric: Floats) -> Floats:
    size = np.linalg.norm(phase.metric)
    return np.asarray(np.einsum("kij,ij->k", phase.basis, metric - phase.metric) / size)


def _share(phase: Phase, strains: Floats, strong: _Strong, seen: tuple[Peaks, Radiation]) -> float:
    peaks, radiation = seen
    hits = _found(_angles(_stretched(phase, strains), strong, radiation), peaks)
    return float(strong.weights[hits].sum())


def _refined(
    metric: Floats, phase: Phase, strong: _Strong, seen: tuple[Peaks, Radiation]
) -> Floats:
    """Return the metric that fits the pairs of lines and peaks best."""
    peaks, radiation = seen
    size, basis = np.linalg.norm(metric), phase.basis
    for _ in range(_ROUNDS):
        angles = _angles(metric, strong, radiation)
        hits = np.flatnonzero(_found(angles, peaks))
        if len(hits) < len(basis) + 1:
            return metric
        nearest = np.abs(angles[hits, None] - peaks.angles[None]).argmin(axis=1)
        measured = (2.0 * np.sin(np.radians(peaks.angles[nearest]) / 2.0) / radiation.mean_A) ** 2
        h, weight = strong.indices[hits], 1.0 / measured
        rows = np.einsum("ni,kij,nj->nk", h, basis, h) * weight[:, None]
        solved = np.linalg.lstsq(rows, measured * weight, rcond=1e-3)[0]
        trial = np.einsum("k,kij->ij", solved, basis)
        if np.linalg.norm(trial - metric) > 0.05 * size or np.linalg.eigvalsh(trial)[0] <= 0:
            return metric
        metric = np.asarray(trial)
    return metric


def _chance(
    hits: Flags, peaks: Peaks, between: tuple[float, float], trials: float
) -> tuple[float, int]:
    """Return the least probability that as many of the strongest lines are hit by chance.

    A weak phase shows its strongest lines only, so every number of them is tried; the second number
    is how many it took.
    """
    if len(peaks) == 0 or not hits.any():
        return 1.0, max(1, len(hits))
    covered = float(np.sum(2.0 * (0.5 * peaks.widths + _SLACK_DEG)))
    each = min(0.95, covered / (between[1] - between[0]))
    tried = np.arange(1, len(hits) + 1)
    found = stats.binom.sf(np.cumsum(hits) - 1, tried, each)
    best = int(found.argmin())
    # The numbers of lines are not independent trials; half of them is on the safe side.
    return float(min(1.0, trials * max(1.0, len(hits) / 2.0) * found[best])), best + 1
