"""Where the first shell of ligands ends, also where it is split and where the cell is small."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from vitrolyte.observe.neighbours import neighbours, reaches
from vitrolyte.observe.peaks import SMOOTHING_A, Shell, first_shell, peak_position
from vitrolyte.observe.sampling import Sampling

Floats = NDArray[np.float64]

_R_MAX_A = 8.0
_BIN_A = 0.02
_MOST_FRAMES = 40
_MOST_ATOMS = 60_000
_SAME_SHELL = 1.45
_HIGHEST = 3.0
_PEAK_SHARE = 0.15
_NEXT_PEAK_SHARE = 0.05
_FLAT_SHARE = 0.01
_SPLIT_SHARE = 0.02


def first_shells(sampling: Sampling, pairs: tuple[str, ...]) -> dict[str, Shell | None]:
    """Return the first shell of each pair, or None where g(r) up to 8 Å shows no peak.

    Unlike elements are taken as centre and ligand (see `bonding_shell`), like ones not. Every
    image counts, so that a cell of any size does. At most forty frames are read.

    Parameters
    ----------
    sampling
        The frames.
    pairs
        As ``Zr-O``.
    """
    if not pairs:
        return {}
    edges = np.asarray(np.arange(round(_R_MAX_A / _BIN_A) + 1) * _BIN_A, dtype=float)
    r = (edges[1:] + edges[:-1]) / 2.0
    functions = _pair_functions(sampling, pairs, edges)
    return {
        pair: first_shell(r, g) if len(set(pair.split("-"))) == 1 else bonding_shell(r, g)
        for pair, g in zip(pairs, functions)
    }


def _pair_functions(sampling: Sampling, pairs: tuple[str, ...], edges: Floats) -> Floats:
    """Return g(r) of each pair, (n_pairs, n_bins)."""
    kinds = np.repeat(np.arange(len(sampling.elements)), sampling.counts)
    reach = reaches(sampling.elements, dict.fromkeys(pairs, _R_MAX_A))
    ends = [[sampling.elements.index(e) for e in pair.split("-")] for pair in pairs]
    counts = np.zeros((len(pairs), len(edges) - 1))
    frames = max(3, min(_MOST_FRAMES, _MOST_ATOMS // len(kinds)))
    some = _thinned(sampling, math.ceil(len(sampling.chosen) / frames))
    for snapshot in some:
        x = np.ascontiguousarray(snapshot.fractional.T @ snapshot.cell)
        found = neighbours(x, snapshot.cell, kinds, reach)
        owners, others, distances = kinds[found.owners], kinds[found.others], found.distances
        for k, (a, b) in enumerate(ends):
            mask = (owners == a) & (others == b)
            counts[k] += np.histogram(distances[mask], edges)[0]
    volume = float(np.abs(np.linalg.det(some.cells)).mean())
    possible = np.array([sampling.counts[a] * sampling.counts[b] for a, b in ends])
    shells = 4.0 * np.pi / 3.0 * np.diff(edges**3) * len(some.chosen)
    return counts * volume / (possible[:, None] * shells)


def _thinned(sampling: Sampling, every: int) -> Sampling:
    return Sampling(
        sampling.trajectory,
        sampling.chosen[::every],
        sampling.elements,
        sampling.order,
        sampling.starts,
    )


def bonding_shell(r: Floats, g: Floats) -> Shell | None:
    """Return the first shell of ligands; peaks that belong together are not cut apart.

    None is returned where there is no peak, an end that is not a number where there is no second.
    The first peak stands out by 15 % of the highest, others by 5 % of the first. In a molecular
    anion (P-S) the first is thirty times as high as all that follows: where none stands out so,
    they are sought in g cut off at 3. The shell of a distorted polyhedron may have several peaks
    (short and long bonds): of the minima behind the first peak and behind those up to 1.45 times
    as far, the lowest one ends the shell; of several that are as low, the widest.

    Parameters
    ----------
    r
        (n,), Å, equal steps.
    g
        (n,), the pair function, 1 far away.
    """
    smooth = gaussian_filter1d(g, SMOOTHING_A / (r[1] - r[0]), mode="constant")
    found = find_peaks(smooth, prominence=_PEAK_SHARE * float(smooth.max()))[0]
    if not len(found):
        return None
    top = int(found[0])
    low = np.minimum(smooth, _HIGHEST)
    peak, height = peak_position(r, smooth, top), float(low[top])
    later = _peaks_behind(smooth, top)
    if not len(later):
        later = _peaks_behind(low, top)
    if not len(later):
        return Shell(peak, math.nan)
    tops = [top, *(int(t) for t in later if r[t] <= _SAME_SHELL * peak)]
    behind = [int(t) for t in later[: len(tops)]]
    valleys = [_valley(low, start, stop, height) for start, stop in zip(tops, behind)]
    lowest = min(floor for floor, _, _ in valleys)
    as_low = [v for v in valleys if v[0] <= lowest + _SPLIT_SHARE * height]
    middle = max(as_low, key=lambda valley: valley[1])[2]
    return Shell(peak, float(r[0] + middle * (r[1] - r[0])))


def _peaks_behind(function: Floats, top: int) -> NDArray[np.intp]:
    """Return the peaks behind the first one that stand out by 5 % of it."""
    found = find_peaks(function, prominence=_NEXT_PEAK_SHARE * float(function[top]))[0]
    beyond = np.flatnonzero(function < function[top])
    end = beyond[beyond > top]
    behind = found[found > end[0]] if len(end) else found[:0]
    return np.asarray(behind, dtype=np.intp)


def _valley(smooth: Floats, start: int, stop: int, height: float) -> tuple[float, int, float]:
    """Return depth, width (bins) and middle (bins) of the floor between two peaks."""
    part = smooth[start : stop + 1]
    lowest = int(part.argmin())
    floor = np.flatnonzero(part <= part.min() + _FLAT_SHARE * height)
    runs = np.split(floor, np.flatnonzero(np.diff(floor) > 1) + 1)
    flat = next(run for run in runs if run[0] <= lowest <= run[-1])
    return float(part.min()), len(flat), start + float(flat.mean())
