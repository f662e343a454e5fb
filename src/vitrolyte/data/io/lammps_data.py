"""LAMMPS data files: a structure into the lower-triangular cell that LAMMPS wants, and back.

https://docs.lammps.org/Howto_triclinic.html, https://docs.lammps.org/read_data.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.elements import masses
from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory, structure

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Orientation:
    """How a cell was turned, and its vectors recombined, to become lower triangular.

    ``restricted = lattice @ cell @ rotation`` with ``lattice`` of whole numbers and determinant
    1 in size; vectors v (rows) turn as ``v @ rotation``.

    Attributes
    ----------
    rotation
        (3, 3), proper rotation.
    lattice
        (3, 3), whole numbers.
    restricted
        (3, 3), Å, lower triangular, positive diagonal, tilts at most half an edge.
    """

    rotation: Floats
    lattice: Floats
    restricted: Floats

    def restore(self, vectors: Floats) -> Floats:
        """Return vectors (..., 3) of the restricted frame in the original one."""
        return np.asarray(vectors @ self.rotation.T)

    def restore_cell(self, restricted: Floats) -> Floats:
        """Return a restricted cell (3, 3) as the vectors of the original one, Å."""
        return np.asarray(np.linalg.inv(self.lattice) @ restricted @ self.rotation.T)

    def restore_tensor(self, tensor: Floats) -> Floats:
        """Return a tensor (3, 3) of the restricted frame in the original one."""
        return np.asarray(self.rotation @ tensor @ self.rotation.T)


def orient(cell: Floats) -> Orientation:
    """Return how to bring a cell into the restricted form.

    A cell that has the form already comes back untouched, digit by digit.

    Raises
    ------
    InputError
        If the cell spans no volume.
    """
    if not np.isfinite(cell).all() or abs(np.linalg.det(cell)) < 1e-6:
        raise InputError("A cell that spans a volume is needed", received=f"{cell.tolist()}")
    if _is_restricted(cell):
        return Orientation(np.eye(3), np.eye(3), cell)
    # LAMMPS needs right-handed vectors; turning all three round keeps the lattice.
    handed = np.eye(3) * np.sign(np.linalg.det(cell))
    upper_rotation, upper = np.linalg.qr((handed @ cell).T)
    signs = np.diag(np.sign(np.diag(upper)))
    rotation = upper_rotation @ signs
    lower = np.tril((signs @ upper).T)
    reduction = _reduction(lower)
    return Orientation(rotation, reduction @ handed, np.tril(reduction @ lower))


def _is_restricted(cell: Floats) -> bool:
    diagonal = np.diag(cell)
    if np.triu(cell, 1).any() or (diagonal <= 0).any():
        return False
    limit = 0.5 * (1 + 1e-9)
    tilts = (cell[1, 0] / diagonal[0], cell[2, 0] / diagonal[0], cell[2, 1] / diagonal[1])
    return bool(max(abs(tilt) for tilt in tilts) <= limit)


def _reduction(lower: Floats) -> Floats:
    whole = np.eye(3)
    for row, column in ((2, 1), (1, 0), (2, 0)):
        reduced = whole @ lower
        whole[row] -= np.round(reduced[row, column] / lower[column, column]) * whole[column]
    return whole


def restrict(crystal: Trajectory) -> tuple[Trajectory, Orientation]:
    """Return the last frame in the restricted orientation, with velocities if it has any."""
    frame = crystal.frame(-1).read()
    orientation = orient(frame.cells[0])
    turned = structure(
        crystal.species, _turn(frame.positions[0], orientation), orientation.restricted
    )
    if frame.velocities is None:
        return turned, orientation
    speeds = _turn(frame.velocities[0], orientation)[None]
    return (
        Trajectory(turned.species, turned.times, turned.cells, turned.positions, speeds),
        orientation,
    )


def _turn(vectors: Floats, orientation: Orientation) -> Floats:
    # multiplying by the unit matrix is exact, so a restricted structure stays as it is
    return np.asarray(vectors @ orientation.rotation)


@dataclass(frozen=True)
class AtomTypes:
    """The elements of LAMMPS types 1, 2, 3 ... and whether atoms carry a charge column."""

    elements: tuple[str, ...]
    charged: bool = False

    def numbers(self, species: tuple[str, ...]) -> NDArray[np.intp]:
        """Return the type of each atom, (n_atoms,), from 1.

        Raises
        ------
        InputError
            If an element has no type.
        """
        missing = sorted(set(species) - set(self.elements))
        if missing:
            raise InputError(
                f"A structure made of {' '.join(self.elements)} is needed",
                received=f"also {' '.join(missing)}",
                remedy="choose a potential that covers these elements",
            )
        place = {symbol: number for number, symbol in enumerate(self.elements, start=1)}
        return np.array([place[symbol] for symbol in species], dtype=np.intp)


def data_text(restricted: Trajectory, types: AtomTypes, *, tilted: bool) -> str:
    """Return a LAMMPS data file (metal units: Å, ps, u), every number with all its digits.

    Parameters
    ----------
    restricted
        One frame in the orientation that `restrict` gives.
    types
        Elements by type; charges are written as zero and set by the commands of the potential.
    tilted
        Whether the box may be or become triclinic.
    """
    return "\n".join([*_header(restricted, types, tilted), *_atoms(restricted, types), ""])


def _header(restricted: Trajectory, types: AtomTypes, tilted: bool) -> Iterator[str]:
    cell = restricted.cells[0]
    yield "written by vitrolyte"
    yield ""
    yield f"{restricted.n_atoms} atoms"
    yield f"{len(types.elements)} atom types"
    for axis, name in enumerate("xyz"):
        yield f"0.0 {float(cell[axis, axis])!r} {name}lo {name}hi"
    if tilted or np.tril(cell, -1).any():
        yield f"{float(cell[1, 0])!r} {float(cell[2, 0])!r} {float(cell[2, 1])!r} xy xz yz"
    yield ""
    yield "Masses"
    yield ""
    for number, mass in enumerate(masses(types.elements), start=1):
        yield f"{number} {float(mass)!r}"


def _atoms(restricted: Trajectory, types: AtomTypes) -> Iterator[str]:
    frame = restricted.read()
    charge = " 0.0" if types.charged else ""
    yield ""
    yield f"Atoms # {'charge' if types.charged else 'atomic'}"
    yield ""
    numbers = types.numbers(restricted.species)
    for i, (number, (x, y, z)) in enumerate(zip(numbers, frame.positions[0].tolist()), start=1):
        yield f"{i} {number}{charge} {x!r} {y!r} {z!r}"
    if frame.velocities is None:
        return
    yield ""
    yield "Velocities"
    yield ""
    for i, (x, y, z) in enumerate(frame.velocities[0].tolist(), start=1):
        yield f"{i} {x!r} {y!r} {z!r}"
