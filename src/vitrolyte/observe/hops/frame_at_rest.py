"""Positions in the mean cell with the framework at rest: what a place in a solid means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.trajectory import Trajectory

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _AtRest:
    """Frames of a trajectory, each mapped into the mean cell, read as they are asked for."""

    trajectory: Trajectory
    turns: Floats
    framework: NDArray[np.intp]
    home: Floats

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (n_frames, n_atoms, 3)."""
        return self.trajectory.positions.shape

    def __getitem__(self, key: slice) -> Any:
        """Return the frames of a slice."""
        positions = np.asarray(self.trajectory.positions[key], dtype=float) @ self.turns[key]
        moved = positions[:, self.framework].mean(axis=1) - self.home
        return positions - moved[:, None]


def at_rest(trajectory: Trajectory, framework: NDArray[np.intp]) -> Trajectory:
    r"""Return a trajectory in its mean cell, with the mean position of the framework at rest.

    .. math:: r' = r\,h^{-1}\,\bar h - \left[\overline{r\,h^{-1}\,\bar h}\right]_\mathrm{framework}

    Fractions of the cell of each frame do not breathe with it, so that a place stays where it is
    in a cell that fluctuates; nothing is read before the frames are asked for.

    Parameters
    ----------
    trajectory
        Unwrapped by whole cell vectors; any cell.
    framework
        Atoms whose mean position is held.
    """
    mean_cell = trajectory.cells.mean(axis=0)
    turns = np.linalg.inv(trajectory.cells) @ mean_cell
    first = np.asarray(trajectory.positions[0:1], dtype=float) @ turns[:1]
    home = first[0, framework].mean(axis=0)
    cells = np.broadcast_to(mean_cell, trajectory.cells.shape)
    frames = _AtRest(trajectory, turns, framework, home)
    return Trajectory(trajectory.species, trajectory.times, cells, frames)
