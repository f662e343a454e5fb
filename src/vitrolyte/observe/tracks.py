"""Tracks: the path of each atom through a run, read in groups that fit into memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.elements import masses
from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.track_kernels import walked

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

CENTRE_OF_MASS = "centre of mass"
LABORATORY = "laboratory"

_SPACING_TOLERANCE = 1e-3
_FEWEST_FRAMES = 16
_CELL_TOLERANCE_A = 1e-9
_CELLS = 100_000


def time_step(trajectory: Trajectory) -> float:
    """Return the common time between frames, ps.

    Raises
    ------
    InputError
        If the times are not equally spaced, or there are fewer than sixteen frames.
    """
    if trajectory.n_frames < _FEWEST_FRAMES:
        raise InputError(
            f"Displacements need at least {_FEWEST_FRAMES} frames",
            received=f"{trajectory.n_frames}",
            remedy="store frames more often or run longer",
        )
    steps = np.diff(trajectory.times)
    mean = float(steps.mean())
    if mean <= 0 or float(np.abs(steps - mean).max()) > _SPACING_TOLERANCE * mean:
        raise InputError(
            "Displacements over all time origins need frames at equal time steps",
            received=f"steps from {steps.min():.6g} to {steps.max():.6g} ps",
            remedy="keep every frame at one common interval",
        )
    return mean


@dataclass(frozen=True, eq=False)
class Tracks:
    """Positions as seen atom by atom, relative to each atom's first position.

    Where the cell changes, a track is made of the displacements that the atom made itself, without
    what the cell did to its distant images.

    Attributes
    ----------
    trajectory
        Unwrapped positions.
    first
        Frames left out at the start.
    frame
        Frame of reference: ``centre of mass`` of all atoms, ``laboratory`` (nothing removed), or
        the symbol of the species whose mean position is at rest.
    memory_MB
        Bound on the buffers; a longer trajectory is read in several passes.
    """

    trajectory: Trajectory
    first: int = 0
    frame: str = CENTRE_OF_MASS
    memory_MB: float = 1024.0

    @property
    def length(self) -> int:
        """Return the number of frames n of a track."""
        return self.trajectory.n_frames - self.first

    @property
    def origin(self) -> Floats:
        """Return the first positions, (n_atoms, 3), Å."""
        return np.asarray(self.trajectory.read(self.first, self.first + 1).positions[0])

    def blocks(self) -> Iterator[tuple[slice, Floats]]:
        """Yield the positions block by block, Å, free of what the cell itself does."""
        for part, positions in self.stored_blocks():
            yield part, np.asarray(positions, dtype=float)

    def stored_blocks(self) -> Iterator[tuple[slice, NDArray[np.floating]]]:
        """Yield the same as :meth:`blocks` in the precision in which it is stored."""
        frame_bytes = 24.0 * self.trajectory.n_atoms
        size = int(np.clip(0.1e6 * self.memory_MB / frame_bytes, 1, 256))
        walks = _Walk(self.trajectory, self.first) if self._cell_moves else None
        for start in range(self.first, self.trajectory.n_frames, size):
            stop = min(start + size, self.trajectory.n_frames)
            positions = np.asarray(self.trajectory.positions[start:stop])
            part = slice(start - self.first, stop - self.first)
            yield part, positions if walks is None else walks.follow(positions, start)

    @property
    def _cell_moves(self) -> bool:
        cells = self.trajectory.cells
        parts = (cells[start : start + _CELLS] for start in range(0, len(cells), _CELLS))
        return any(np.abs(part - cells[0]).max() > _CELL_TOLERANCE_A for part in parts)

    def drift(self) -> Floats:
        """Return the motion of the frame of reference, (n, 3), Å."""
        weights = self.weights()
        path = np.zeros((self.length, 3))
        if weights.any():
            for part, positions in self.blocks():
                path[part] = weights @ positions
        return np.asarray(path - path[0])

    def weights(self) -> Floats:
        """Return the weights of the mean position that is at rest, (n_atoms,)."""
        frame, species = self.frame, self.trajectory.species
        if frame == LABORATORY:
            return np.zeros(len(species))
        if frame == CENTRE_OF_MASS:
            mass = masses(species)
            return np.asarray(mass / mass.sum())
        weights = np.zeros(len(species))
        weights[self.trajectory.indices(frame)] = 1.0
        return np.asarray(weights / weights.sum())

    def groups(self, atoms: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
        """Yield the atoms in groups whose tracks fit into the memory bound."""
        bytes_per_atom = 24.0 * self.length
        size = max(1, int(0.7e6 * self.memory_MB / bytes_per_atom))
        for start in range(0, len(atoms), size):
            yield atoms[start : start + size]

    def gather(self, atoms: NDArray[np.intp], drift: Floats) -> Singles:
        """Return the tracks of some atoms without the drift, (n_atoms, 3, n), Å."""
        origin = self.origin[atoms]
        tracks = np.empty((len(atoms), 3, self.length), dtype=np.float32)
        for part, positions in self.blocks():
            moved = positions[:, atoms] - origin - drift[part, None]
            tracks[:, :, part] = moved.transpose(1, 2, 0)
        return tracks


@dataclass(eq=False)
class _Walk:
    """Follows atoms through a changing cell by the displacements that they made themselves.

    Positions unwrapped by whole cells carry n times the change of the cell for an atom that is n
    cells from home; here each step is taken within the image in which it began (toroidal scheme,
    Bullerjahn et al., J. Chem. Theory Comput. 19, 3406 (2023),
    https://doi.org/10.1021/acs.jctc.3c00308).
    """

    trajectory: Trajectory
    first: int
    position: Floats | None = None
    path: Floats | None = None

    def follow(self, positions: NDArray[np.floating], start: int) -> Floats:
        """Return the positions of the next block, (k, n_atoms, 3), Å."""
        if self.position is None or self.path is None:
            self.position = np.array(positions[0], dtype=float)
            self.path = self.position.copy()
        before = max(start - 1, self.first)
        here = slice(start, start + len(positions))
        cells = np.concatenate([self.trajectory.cells[before : before + 1],
                                self.trajectory.cells[here]])  # fmt: skip
        paths: Floats = walked(positions, cells, np.linalg.inv(cells), self.position, self.path)
        return paths
