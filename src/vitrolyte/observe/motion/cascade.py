"""Squared displacements of a stream of frames at all scales of time, in one pass.

A cascade of stages looks at every frame, every second, every fourth … and keeps the last few of
each (the order-n algorithm of Dubbeldam et al.). Every frame is an origin for lags up to
the length of a stage; longer lags start from frames that lie at most 1/16 of the lag apart, which
are too alike to add to what is known. Nothing but the last few frames of each stage is held.

References
----------
Dubbeldam, Ford, Ellis & Snurr, Mol. Simul. 35, 1084 (2009),
https://doi.org/10.1080/08927020902818039
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from vitrolyte.data.errors import InputError
from vitrolyte.observe.motion.displacement_kernels import (
    add_means,
    add_products,
    add_squares,
    relative_paths,
)
from vitrolyte.observe.threads import processors
from vitrolyte.observe.tracks import Floats, Singles, Tracks

_ATOMS = 512
"""Atoms whose recent past fits into the cache of a processor."""

_PAIRS = ((0, 5, 4), (5, 1, 3), (4, 3, 2))
"""Where the components of a symmetric tensor stand among xx, yy, zz, yz, xz, xy."""

_WORK = 4e8
_SHORTEST, _LONGEST = 32, 1024


@dataclass(frozen=True)
class Scales:
    """The lags and the points in time at which a run is looked at.

    Attributes
    ----------
    n_frames
        Frames that are used.
    base
        Lags of the first stage, a power of two.
    span
        Frames over which positions are averaged to one point of the modes.
    """

    n_frames: int
    base: int
    span: int

    @property
    def points(self) -> int:
        """Return the number of points from which modes are made."""
        return self.n_frames // self.span

    @property
    def stages(self) -> int:
        """Return the number of stages: the last still holds two frames."""
        return max(int(np.ceil(np.log2((self.n_frames - 1) / self.base))), 0) + 1

    @property
    def _places(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return stage and lag within the stage of every lag of the cascade."""
        stage, lag = np.divmod(np.arange(self.stages * self.base), self.base)
        lag += 1
        wanted = ((stage == 0) | (lag > self.base // 2)) & (lag << stage < self.n_frames)
        return stage[wanted], lag[wanted]

    @property
    def lags(self) -> NDArray[np.int64]:
        """Return the lags, frames, rising, 0 first."""
        stage, lag = self._places
        return np.concatenate([[0], lag << stage])

    def means(self, sums: Floats) -> Floats:
        """Return sums (stages, base, ...) as means over origins, (lags, ...), 0 first."""
        stage, lag = self._places
        origins = -(-self.n_frames >> stage) - lag
        means = sums[stage, lag - 1] / origins.reshape(-1, *[1] * (sums.ndim - 2))
        return np.concatenate([np.zeros((1, *means.shape[1:])), means])


def scales_of(n_frames: int, n_atoms: int, memory_MB: float) -> Scales:
    """Return scales that fit a bound on memory, with every frame an origin in small runs."""
    points = int(np.clip(0.35e6 * memory_MB / (12.0 * n_atoms), 64, 4096))
    span = -(-n_frames // points)
    used = span * int(fft.prev_fast_len(n_frames // span, real=True))
    coordinates = 3.0 * n_atoms
    affordable = min(_WORK / (1.5 * used * coordinates), 0.02e6 * memory_MB / (4.0 * coordinates))
    base = 1 << int(np.log2(np.clip(affordable, _SHORTEST, _LONGEST)))
    return Scales(used, base, span)


@dataclass(eq=False)
class Band:
    """Atoms of one species that are followed together."""

    row: int
    atoms: tuple[int, int]
    past: Singles
    squares: Floats

    def take(self, paths: Singles, start: int, span: int, means: Singles) -> None:
        """Follow the next frames."""
        add_squares(paths, start, self.atoms, self.past, self.squares)
        add_means(paths, start, self.atoms, span, means)


@dataclass(eq=False)
class Cascade:
    """Everything that is summed up while the frames of a run pass by.

    Attributes
    ----------
    scales
        Lags and points in time.
    members
        Atoms of each of the s species.
    products
        (stages, base, 3 s, 3 s), sums of products of summed displacements.
    means
        (points, 3, n), averages of positions, Å, atoms in the order of ``members``.
    sum_means
        (points, s, 3), the same of the sums over each species.
    """

    scales: Scales
    members: tuple[NDArray[np.intp], ...]
    products: Floats = field(init=False)
    means: Singles = field(init=False)
    sum_means: Floats = field(init=False)
    _past_sums: Floats = field(init=False)
    _bands: list[Band] = field(init=False)

    def __post_init__(self) -> None:
        scales, s = self.scales, len(self.members)
        shape = (scales.stages, scales.base)
        self.products = np.zeros((*shape, 3 * s, 3 * s))
        self.means = np.zeros((scales.points, 3, len(self.order)), dtype=np.float32)
        self.sum_means = np.zeros((scales.points, s, 3))
        self._past_sums = np.zeros((*shape, 3 * s))
        self._bands = [
            Band(row, (a, b), np.zeros((*shape, 3, b - a), np.float32), np.zeros((*shape, 6)))
            for row, a, b in self._spans()
        ]

    @property
    def order(self) -> NDArray[np.intp]:
        """Return the atoms in the order in which they are followed."""
        return np.concatenate(self.members)

    @property
    def starts(self) -> NDArray[np.int64]:
        """Return where each species starts in that order, (s + 1,)."""
        return np.concatenate([[0], np.cumsum([len(atoms) for atoms in self.members])])

    def _spans(self) -> Iterator[tuple[int, int, int]]:
        for row, (start, stop) in enumerate(zip(self.starts[:-1], self.starts[1:], strict=True)):
            for first in range(int(start), int(stop), _ATOMS):
                yield row, first, min(first + _ATOMS, int(stop))

    @property
    def tensors(self) -> Floats:
        """Return <Δr Δr>, mean over the ions of each species and over origins, (s, 3, 3, lags)."""
        total = np.zeros((*self.products.shape[:2], len(self.members), 6))
        for band in self._bands:
            total[:, :, band.row] += band.squares
        means = self.scales.means(total) / np.diff(self.starts)[:, None]
        return np.asarray(means[:, :, _PAIRS].transpose(1, 2, 3, 0))

    @property
    def joint_tensors(self) -> Floats:
        """Return <ΔR_a ΔR_b>, mean over origins, (s, s, 3, 3, lags)."""
        s = len(self.members)
        means = self.scales.means(self.products).reshape(-1, s, 3, s, 3)
        return means.transpose(1, 3, 2, 4, 0)

    def run(self, tracks: Tracks, threads: int | None = None) -> None:
        """Let the frames pass by: read and set out here, followed by threads meanwhile."""
        rows = np.repeat(np.arange(len(self.members)), np.diff(self.starts))
        origin, weights = tracks.origin, tracks.weights()
        wanted = np.stack([self.order, rows], axis=1).astype(np.int64)
        leaps = np.array([0.5 * _narrowest(tracks.trajectory.cells), 0.0, 0.0])
        busy: list[Future[None]] = []
        with ThreadPoolExecutor(threads or processors()) as pool:
            for part, positions in tracks.stored_blocks():
                sums = np.zeros((len(positions), len(self.members), 3))
                paths = relative_paths(positions, wanted, origin, weights, sums, leaps)
                for work in busy:
                    work.result()
                busy = [
                    pool.submit(band.take, paths, part.start, self.scales.span, self.means)
                    for band in self._bands
                ]
                self._take_sums(sums, part.start)
            for work in busy:
                work.result()
        _refuse_leaps(leaps)
        self.means /= np.float32(self.scales.span)
        self.sum_means /= self.scales.span

    def _take_sums(self, sums: Floats, start: int) -> None:
        add_products(sums.reshape(len(sums), -1), start, self._past_sums, self.products)
        points = (start + np.arange(len(sums))) // self.scales.span
        np.add.at(self.sum_means, points, sums)


def _narrowest(cells: Floats) -> float:
    """Return the smallest distance between opposite faces in any frame, Å."""
    inverse = np.linalg.inv(cells[:: max(1, len(cells) // 1000)])
    return float(1.0 / np.linalg.norm(inverse, axis=1).max())


def _refuse_leaps(leaps: Floats) -> None:
    """Refuse positions that jump: long steps of a walk are rarer than shorter ones."""
    half, shorter, longer = leaps
    if longer > 2.0 and longer > shorter:
        raise InputError(
            "Displacements need positions that are unwrapped and frames that follow each other",
            received=f"{longer:.0f} steps beyond half the cell ({half:.3g} Å) between two frames, "
            f"and {shorter:.0f} of half that length",
            remedy="read the file through the door, which unwraps it; where atoms do move that "
            "far, or change places in the list, store frames more often or sort them",
        )
