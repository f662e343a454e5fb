"""LAMMPS data files: a structure into the lower-triangular cell that LAMMPS wants, and back.

https://docs.lammps.org/Howto_triclinic.html, https://docs.lammps.org/read_data.html
"""

from __future__ import annotations

import itertools
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
class ShellType:
    """The type of the shells of one element: charge (e) and share of the ion's mass."""

    element: str
    charge: float
    mass_fraction: float


@dataclass(frozen=True)
class AtomTypes:
    """The elements of LAMMPS types 1, 2, 3 ... and what each atom carries.

    Attributes
    ----------
    elements
        Of the first types; the types of `shells` follow.
    charged
        Whether atoms have a column for their charge.
    charges
        Whole charge of an ion of each element, e; zero where left out.
    shells
        Elements whose atoms are a core and a shell, bonded, both at the place of the atom.
    """

    elements: tuple[str, ...]
    charged: bool = False
    charges: tuple[float, ...] = ()
    shells: tuple[ShellType, ...] = ()

    @property
    def style(self) -> str:
        """Return the LAMMPS atom style."""
        if self.shells:
            return "full"
        return "charge" if self.charged else "atomic"

    def carriers(self, species: tuple[str, ...]) -> NDArray[np.intp]:
        """Return the indices of the atoms with a shell, (n_shells,), ascending."""
        polarisable = {shell.element for shell in self.shells}
        found = [place for place, symbol in enumerate(species) if symbol in polarisable]
        return np.array(found, dtype=np.intp)

    def mass_fractions(self, species: tuple[str, ...]) -> Floats:
        """Return the share of its mass that each atom's shell takes, (n_atoms,)."""
        share = {shell.element: shell.mass_fraction for shell in self.shells}
        return np.array([share.get(symbol, 0.0) for symbol in species])

    def core_charge(self, element: str) -> float:
        """Return the charge of an atom less that of its shell, e."""
        if not self.charges:
            return 0.0
        shells = sum(shell.charge for shell in self.shells if shell.element == element)
        return self.charges[self.elements.index(element)] - shells

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
    """Return a LAMMPS data file (metal units: Å, ps, u, e), every number with all its digits.

    Shells come after all atoms, in the order of their atoms, at the same place and velocity.

    Parameters
    ----------
    restricted
        One frame in the orientation that `restrict` gives.
    types
        Elements by type, with their charges and shells.
    tilted
        Whether the box may be or become triclinic.
    """
    parts = (
        _header(restricted, types, tilted),
        _masses(types),
        _atoms(restricted, types),
        _velocities(restricted, types),
        _bonds(restricted, types),
    )
    return "\n".join([*itertools.chain(*parts), ""])


def _header(restricted: Trajectory, types: AtomTypes, tilted: bool) -> Iterator[str]:
    cell = restricted.cells[0]
    shells = len(types.carriers(restricted.species))
    yield "written by vitrolyte"
    yield ""
    yield f"{restricted.n_atoms + shells} atoms"
    yield f"{len(types.elements) + len(types.shells)} atom types"
    if types.shells:
        yield f"{shells} bonds"
        yield f"{len(types.shells)} bond types"
    for axis, name in enumerate("xyz"):
        yield f"0.0 {float(cell[axis, axis])!r} {name}lo {name}hi"
    if tilted or np.tril(cell, -1).any():
        yield f"{float(cell[1, 0])!r} {float(cell[2, 0])!r} {float(cell[2, 1])!r} xy xz yz"


def _masses(types: AtomTypes) -> Iterator[str]:
    yield from ("", "Masses", "")
    whole = masses(types.elements)
    rest = whole * (1 - types.mass_fractions(types.elements))
    shells = [
        shell.mass_fraction * whole[types.elements.index(shell.element)] for shell in types.shells
    ]
    for number, mass in enumerate([*rest, *shells], start=1):
        yield f"{number} {float(mass)!r}"


def _atoms(restricted: Trajectory, types: AtomTypes) -> Iterator[str]:
    yield from ("", f"Atoms # {types.style}", "")
    numbers = types.numbers(restricted.species)
    charges = {element: types.core_charge(element) for element in types.elements}
    places = restricted.read().positions[0].tolist()
    for i, (number, symbol) in enumerate(zip(numbers, restricted.species), start=1):
        yield _atom(i, i, number, charges[symbol], types.style) + _words(places[i - 1])
    order = [shell.element for shell in types.shells]
    for i, atom in enumerate(types.carriers(restricted.species), start=restricted.n_atoms + 1):
        shell = types.shells[order.index(restricted.species[atom])]
        number = len(types.elements) + order.index(shell.element) + 1
        yield _atom(i, atom + 1, number, shell.charge, types.style) + _words(places[atom])


def _atom(identity: int, molecule: int, number: int, charge: float, style: str) -> str:
    words = [str(identity), str(number)]
    if style == "full":
        words.insert(1, str(molecule))
    return " ".join(words if style == "atomic" else [*words, repr(float(charge))])


def _words(numbers: list[float]) -> str:
    return "".join(f" {number!r}" for number in numbers)


def _velocities(restricted: Trajectory, types: AtomTypes) -> Iterator[str]:
    velocities = restricted.read().velocities
    if velocities is None:
        return
    yield from ("", "Velocities", "")
    speeds = velocities[0].tolist()
    of_shells = [speeds[atom] for atom in types.carriers(restricted.species)]
    for i, speed in enumerate([*speeds, *of_shells], start=1):
        yield f"{i}{_words(speed)}"


def _bonds(restricted: Trajectory, types: AtomTypes) -> Iterator[str]:
    carriers = types.carriers(restricted.species)
    if not len(carriers):
        return
    yield from ("", "Bonds", "")
    order = [shell.element for shell in types.shells]
    for i, atom in enumerate(carriers, start=1):
        kind = order.index(restricted.species[atom]) + 1
        yield f"{i} {kind} {atom + 1} {restricted.n_atoms + i}"
