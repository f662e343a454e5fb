"""Atoms in time: the standard form of everything that is made of atoms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitrolyte.data.elements import masses
from vitrolyte.data.errors import InputError
from vitrolyte.data.units import U_PER_A3_TO_G_PER_CM3

if TYPE_CHECKING:
    from ase import Atoms
    from pymatgen.core.structure import Structure

Floats = NDArray[np.float64]
_BLOCK_BYTES = 64 * 2**20


class FrameArray(Protocol):
    """Anything that gives ``(k, n_atoms, 3)`` numbers for a slice: numpy array, Zarr array."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (n_frames, n_atoms, 3)."""
        ...

    def __getitem__(self, key: slice) -> Any:
        """Return the frames of a slice."""
        ...


@dataclass(frozen=True, eq=False)
class Frames:
    """A block of consecutive frames in memory.

    Attributes
    ----------
    start
        Index of the first frame in the trajectory.
    times
        (k,), ps.
    cells
        (k, 3, 3), Å, rows are the cell vectors.
    positions
        (k, n_atoms, 3), Å, unwrapped.
    velocities
        (k, n_atoms, 3), Å/ps, or None.
    """

    start: int
    times: Floats
    cells: Floats
    positions: Floats
    velocities: Floats | None


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Positions of a fixed set of atoms at increasing times, streamed from where they lie.

    A structure is a Trajectory of one frame. The cell may change from frame to frame and may be
    triclinic. Only times and cells are held in memory; positions are read in blocks.

    Attributes
    ----------
    species
        (n_atoms,) element symbols.
    times
        (n_frames,), ps, increasing.
    cells
        (n_frames, 3, 3), Å, rows are the cell vectors.
    positions
        (n_frames, n_atoms, 3), Å, **unwrapped**; array or stored array.
    velocities
        (n_frames, n_atoms, 3), Å/ps, or None.

    Raises
    ------
    InputError
        If the shapes do not belong together.
    """

    species: tuple[str, ...]
    times: Floats
    cells: Floats
    positions: FrameArray
    velocities: FrameArray | None = None

    def __post_init__(self) -> None:
        expected = (len(self.times), len(self.species), 3)
        if self.positions.shape != expected or self.cells.shape != (expected[0], 3, 3):
            raise InputError(
                f"A trajectory of {expected[0]} frames and {expected[1]} atoms needs positions "
                f"{expected} and cells {(expected[0], 3, 3)}",
                received=f"positions {self.positions.shape}, cells {self.cells.shape}",
            )

    @property
    def n_frames(self) -> int:
        """Return the number of frames."""
        return len(self.times)

    @property
    def n_atoms(self) -> int:
        """Return the number of atoms."""
        return len(self.species)

    @property
    def volumes(self) -> Floats:
        """Return the cell volumes, (n_frames,), Å³."""
        return np.asarray(np.abs(np.linalg.det(self.cells)), dtype=float)

    @property
    def densities(self) -> Floats:
        """Return the mass densities, (n_frames,), g/cm³."""
        density = masses(self.species).sum() / self.volumes * U_PER_A3_TO_G_PER_CM3
        return np.asarray(density, dtype=float)

    def indices(self, *symbols: str) -> NDArray[np.intp]:
        """Return the indices of the atoms of the given elements, in order.

        Raises
        ------
        InputError
            If an element is not in the trajectory.
        """
        missing = set(symbols) - set(self.species)
        if missing:
            raise InputError(
                "The species asked for must be in the trajectory",
                received=f"{sorted(missing)}, present are {sorted(set(self.species))}",
            )
        return np.flatnonzero(np.isin(np.asarray(self.species), symbols))

    def read(self, start: int = 0, stop: int | None = None) -> Frames:
        """Return the frames ``start <= i < stop`` in memory, as float64."""
        part = slice(*slice(start, stop).indices(self.n_frames)[:2])
        speeds = None if self.velocities is None else np.asarray(self.velocities[part], float)
        return Frames(
            start=part.start,
            times=self.times[part],
            cells=self.cells[part],
            positions=np.asarray(self.positions[part], dtype=float),
            velocities=speeds,
        )

    def blocks(self, size: int = 256) -> Iterator[Frames]:
        """Yield the trajectory in blocks of at most ``size`` frames and about 64 MiB, in order."""
        size = max(1, min(size, _BLOCK_BYTES // (24 * max(self.n_atoms, 1))))
        for start in range(0, self.n_frames, size):
            yield self.read(start, start + size)

    def frame(self, index: int = -1) -> Trajectory:
        """Return one frame as a structure in memory (negative indices count from the end)."""
        index = range(self.n_frames)[index]
        block = self.read(index, index + 1)
        return Trajectory(self.species, block.times, block.cells, block.positions, block.velocities)

    def select(self, frames: slice) -> Trajectory:
        """Return the frames of a slice, in memory."""
        speeds = None if self.velocities is None else np.asarray(self.velocities[frames], float)
        positions = np.asarray(self.positions[frames], dtype=float)
        return Trajectory(self.species, self.times[frames], self.cells[frames], positions, speeds)

    def to_ase(self, index: int = -1) -> Atoms:
        """Return one frame as ``ase.Atoms`` (positions unwrapped, velocities left out)."""
        from ase import Atoms

        one = self.frame(index).read()
        return Atoms(list(self.species), positions=one.positions[0], cell=one.cells[0], pbc=True)

    def to_pymatgen(self, index: int = -1) -> Structure:
        """Return one frame as ``pymatgen.core.Structure``."""
        from pymatgen.core.structure import Structure

        one = self.frame(index).read()
        return Structure(
            one.cells[0], list(self.species), one.positions[0], coords_are_cartesian=True
        )


def structure(species: tuple[str, ...], positions: ArrayLike, cell: ArrayLike) -> Trajectory:
    """Return a structure: a Trajectory of one frame at time zero.

    Parameters
    ----------
    species
        (n_atoms,) element symbols.
    positions
        (n_atoms, 3), Å.
    cell
        (3, 3), Å, rows are the cell vectors.
    """
    coordinates = np.asarray(positions, dtype=float)[None]
    return Trajectory(tuple(species), np.zeros(1), np.asarray(cell, dtype=float)[None], coordinates)


def from_ase(atoms: Atoms) -> Trajectory:
    """Return the structure held by ``ase.Atoms``.

    Raises
    ------
    InputError
        If the cell has no volume.
    """
    cell = np.asarray(atoms.cell.array, dtype=float)
    if abs(np.linalg.det(cell)) < 1e-9:
        raise InputError(
            "A structure needs three cell vectors that span a volume", received=f"cell {cell}"
        )
    return structure(tuple(atoms.get_chemical_symbols()), atoms.get_positions(), cell)


def from_pymatgen(crystal: Structure) -> Trajectory:
    """Return the structure held by an ordered ``pymatgen.core.Structure``."""
    symbols = tuple(site.specie.symbol for site in crystal)
    return structure(symbols, crystal.cart_coords, crystal.lattice.matrix)
