"""Ions that hop and vibrate with rates, memory and company that are known, as trajectories.

Times are in frames of 1 ps, lengths in Å. Each generator takes a seed; hops happen at any moment,
not at frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.trajectory import Trajectory

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

HOP_A = 2.6
SKEWED = np.array([[1.0, 0.0, 0.0], [0.35, 0.95, 0.0], [-0.25, 0.3, 0.9]])
_STEPS = np.vstack([np.eye(3), -np.eye(3)]).astype(np.int64)
_FRAMEWORK = 24


@dataclass(frozen=True)
class Shake:
    """A vibration: standard deviation of a component (Å) and its memory (frames)."""

    width: float = 0.4
    memory: float = 0.5

    def of(self, draws: np.random.Generator, shape: tuple[int, int]) -> Floats:
        """Return displacements from the place of rest, (n_frames, n_ions, 3), Å."""
        noise = draws.normal(scale=self.width, size=(*shape, 3))
        keep = float(np.exp(-1.0 / self.memory)) if self.memory > 0 else 0.0
        for k in range(1, shape[0]):
            noise[k] = keep * noise[k - 1] + np.sqrt(1.0 - keep**2) * noise[k]
        return noise


@dataclass(frozen=True)
class Box:
    """A cell in which a lattice of sites lies, and how it breathes.

    Attributes
    ----------
    cells
        Lattice cells along each vector.
    shape
        (3, 3), cell vectors over their length.
    breathing
        Standard deviation of a strain component from frame to frame.
    """

    cells: int = 6
    shape: tuple[tuple[float, ...], ...] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    breathing: float = 0.0

    @property
    def cell(self) -> Floats:
        """Return the mean cell, (3, 3), Å."""
        return np.asarray(self.cells * HOP_A * np.array(self.shape))

    def over_time(self, draws: np.random.Generator, n_frames: int) -> Floats:
        """Return the cell of each frame, (n_frames, 3, 3), Å."""
        strain = draws.normal(scale=self.breathing, size=(n_frames, 3, 3))
        return np.asarray(self.cell @ (np.eye(3) + strain))


CUBE = Box()
BREATHING = Box(shape=tuple(map(tuple, SKEWED.tolist())), breathing=0.01)


def lattice_walk(
    draws: np.random.Generator, shape: tuple[int, int], rates: Floats, *, back: float = 0.0
) -> Integers:
    """Return places of walkers on a lattice, (n_frames, n_ions, 3), whole numbers.

    Parameters
    ----------
    shape
        Frames and ions.
    rates
        (n_ions,), hops for each frame.
    back
        Probability that a hop undoes the one before; else all six directions are alike.
    """
    places = np.zeros((*shape, 3), dtype=np.int64)
    for ion, rate in enumerate(rates):
        count = int(draws.poisson(rate * shape[0]))
        times = np.sort(draws.uniform(0.0, shape[0], count))
        steps = _STEPS[draws.integers(0, 6, count)]
        for k in np.flatnonzero(draws.random(count) < back):
            if k:
                steps[k] = -steps[k - 1]
        np.add.at(places[:, ion], np.minimum(np.ceil(times).astype(int), shape[0] - 1), steps)
    places = np.cumsum(places, axis=0)
    return np.asarray(places + draws.integers(0, 6, (1, shape[1], 3)))


def telegraph(draws: np.random.Generator, n_frames: int, rates: tuple[float, float]) -> Integers:
    """Return which of two sites an ion is at, (n_frames,), leaving each at a rate of its own."""
    here = int(draws.random() < rates[0] / sum(rates))
    state, time = np.empty(n_frames, dtype=np.int64), 0.0
    while time < n_frames:
        stay = draws.exponential(1.0 / rates[here])
        state[int(np.ceil(time)) : int(np.ceil(time + stay))] = here
        time, here = time + stay, 1 - here
    return state


def company(
    draws: np.random.Generator, n_frames: int, rates: tuple[float, float]
) -> tuple[Integers, Integers]:
    """Return sites of two ions that flip alone, at one rate, and together, at another.

    The first ion is at site 0 or 1, the second at 1 or 2: where they flip together upwards or
    downwards, one enters what the other leaves. Half of the common flips are such, so that of all
    hops ``c / (2 a + 2 c)`` have a partner, with rates a alone and c together.
    """
    flips = [np.zeros(n_frames + 8, dtype=np.int64) for _ in range(2)]
    for flip in flips:
        alone = draws.uniform(0, n_frames, draws.poisson(rates[0] * n_frames))
        np.add.at(flip, np.ceil(alone).astype(int), 1)
    joint = draws.uniform(0, n_frames, draws.poisson(rates[1] * n_frames))
    np.add.at(flips[0], np.ceil(joint).astype(int), 1)
    late = draws.uniform(0.0, 1.0, len(joint))
    np.add.at(flips[1], np.ceil(joint + late).astype(int), 1)
    start = draws.integers(0, 2, 2)
    first, second = ((np.cumsum(f)[:n_frames] + s) % 2 for f, s in zip(flips, start, strict=True))
    return first, 1 + second


def vacancy_walk(
    draws: np.random.Generator, n_frames: int, n_ions: int, rate: float, cells: int
) -> Integers:
    """Return places of ions on a periodic lattice that hop into free neighbours only.

    Each ion tries each of six directions at ``rate / 6``; places are not wrapped.
    """
    start = draws.permutation(cells**3)[:n_ions]
    place = np.stack(np.unravel_index(start, (cells,) * 3), axis=1)
    full = np.zeros((cells,) * 3, dtype=bool)
    full[tuple(place.T)] = True
    places = np.empty((n_frames, n_ions, 3), dtype=np.int64)
    tries = draws.poisson(rate * n_ions, n_frames)
    for frame in range(n_frames):
        for ion, way in zip(
            draws.integers(0, n_ions, tries[frame]), draws.integers(0, 6, tries[frame]), strict=True
        ):
            target = place[ion] + _STEPS[way]
            if not full[tuple(target % cells)]:
                full[tuple(place[ion] % cells)] = False
                full[tuple(target % cells)] = True
                place[ion] = target
        places[frame] = place
    return places


def in_a_box(
    draws: np.random.Generator, places: Floats | Integers, shake: Shake, box: Box = CUBE
) -> Trajectory:
    """Return ions at places (in lattice spacings) that vibrate in a box with a framework.

    Places are fractions of the cell of each frame; positions are unwrapped by whole cells.
    """
    n, ions = places.shape[:2]
    cells = box.over_time(draws, n)
    rest = draws.random((1, _FRAMEWORK, 3)) * np.ones((n, 1, 1))
    fractions = np.concatenate([places / box.cells, rest], axis=1)
    trembling = np.concatenate(
        [shake.of(draws, (n, ions)), draws.normal(scale=0.1, size=(n, _FRAMEWORK, 3))], axis=1
    )
    species = ("Li",) * ions + ("O",) * _FRAMEWORK
    return Trajectory(species, np.arange(float(n)), cells, fractions @ cells + trembling)
