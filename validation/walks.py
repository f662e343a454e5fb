"""Walks whose transport coefficients are known exactly, as trajectories.

All times are in ps, lengths in Å; each generator takes a seed and returns positions
``(n_frames, n_ions, 3)``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.trajectory import Trajectory

Floats = NDArray[np.float64]


def brownian(seed: int, shape: tuple[int, int], *, diffusivity: float, step: float = 1.0) -> Floats:
    """Return independent random walks, D in Å²/ps; ``shape`` is (n_frames, n_ions)."""
    draws = np.random.default_rng(seed)
    steps = draws.normal(scale=np.sqrt(2 * diffusivity * step), size=(*shape, 3))
    return np.asarray(np.cumsum(steps, axis=0))


def caged(seed: int, walk: Floats, *, amplitude: float, relaxation_frames: float) -> Floats:
    """Return walks with a vibration added, exponentially correlated in time."""
    draws = np.random.default_rng(seed + 1_000_000)
    keep = np.exp(-1.0 / relaxation_frames)
    noise = draws.normal(scale=amplitude, size=walk.shape)
    rattle = noise.copy()
    for k in range(1, len(rattle)):
        rattle[k] = keep * rattle[k - 1] + np.sqrt(1 - keep**2) * noise[k]
    return walk + rattle


def hopping(
    seed: int, shape: tuple[int, int], *, hops_per_frame: float, length: float = 3.0
) -> Floats:
    """Return walks by rare hops of fixed length; D = rate · length² / 6."""
    draws = np.random.default_rng(seed)
    counts = draws.poisson(hops_per_frame, size=shape)
    directions = draws.normal(size=(int(counts.sum()), 3))
    directions *= length / np.linalg.norm(directions, axis=1, keepdims=True)
    steps = np.zeros((*shape, 3))
    np.add.at(steps.reshape(-1, 3), np.repeat(np.arange(counts.size), counts.ravel()), directions)
    return np.asarray(np.cumsum(steps, axis=0))


def together(walk: Floats, size: int) -> Floats:
    """Return each walk ``size`` times: groups of ions that move as one (Haven ratio 1/size)."""
    return np.repeat(walk, size, axis=1)


def mixed(first: Floats, second: Floats, share: float) -> Floats:
    """Return the first walks with a share of the second added: correlated species."""
    return first + share * second


def as_trajectory(
    positions: Floats, species: tuple[str, ...], *, edge: float = 20.0, step: float = 1.0
) -> Trajectory:
    """Return positions as a trajectory in a cube of constant edge, Å."""
    cells = np.broadcast_to(np.diag([edge] * 3), (len(positions), 3, 3))
    times = np.arange(len(positions), dtype=np.float64) * step
    return Trajectory(species, times, cells, positions)
