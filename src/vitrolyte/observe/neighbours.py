"""Neighbours of every atom in one frame, in any cell: polyhedra, rings and clusters rest on it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.matter.periodic import perpendicular_widths

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Found = tuple[Integers, Integers, Integers, Floats]


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The neighbours of each atom, every bond seen from both ends.

    The neighbours of atom i are the entries ``starts[i]`` to ``starts[i + 1]`` of the other
    arrays. The vector to a neighbour is ``x[others] - x[i] + shifts @ cell`` with the positions as
    they were given, wrapped or not; an atom may be a neighbour of its own image, or of several
    images of another atom.

    Attributes
    ----------
    starts
        (n_atoms + 1,).
    others
        (n,), index of the neighbour.
    shifts
        (n, 3), whole cell vectors.
    vectors
        (n, 3), Å, from the atom to its neighbour.
    """

    starts: Integers
    others: Integers
    shifts: Integers
    vectors: Floats

    @property
    def counts(self) -> Integers:
        """Return the number of neighbours of each atom, (n_atoms,)."""
        return np.diff(self.starts)

    @property
    def owners(self) -> Integers:
        """Return the atom that each entry is a neighbour of, (n,)."""
        return np.repeat(np.arange(len(self.starts) - 1), self.counts)

    @property
    def distances(self) -> Floats:
        """Return the distances, (n,), Å."""
        return np.asarray(np.sqrt(np.einsum("ij,ij->i", self.vectors, self.vectors)), dtype=float)

    def of(self, atom: int) -> slice:
        """Return where the neighbours of an atom stand."""
        return slice(int(self.starts[atom]), int(self.starts[atom + 1]))

    def kept(self, keep: NDArray[np.bool_]) -> Neighbours:
        """Return only the entries of a mask, (n,)."""
        counts = np.bincount(self.owners[keep], minlength=len(self.counts))
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return Neighbours(starts, self.others[keep], self.shifts[keep], self.vectors[keep])


def reaches(
    elements: tuple[str, ...], cut_offs: Mapping[str, float], *, default: float = 0.0
) -> Floats:
    """Return the cut-off of each pair of elements as a symmetric table, (n, n), Å.

    Parameters
    ----------
    elements
        The species.
    cut_offs
        Å by pair, in either order: ``Zr-O`` or ``O-Zr``.
    default
        Of pairs that are not given, Å; zero leaves them out.

    Raises
    ------
    InputError
        If a pair is not of two of the elements, or a cut-off is not positive.
    """
    table = np.full((len(elements), len(elements)), default)
    for pair, reach in cut_offs.items():
        ends = pair.split("-")
        if len(ends) != 2 or not set(ends) <= set(elements) or not 0 < reach < math.inf:
            raise InputError(
                f"A cut-off is a positive distance for a pair of {', '.join(elements)}",
                received=f"{pair} = {reach}",
                remedy="write it as Zr-O = 2.6",
            )
        a, b = (elements.index(end) for end in ends)
        table[a, b] = table[b, a] = reach
    return table


def neighbours(positions: Floats, cell: Floats, kinds: Integers, reach: Floats) -> Neighbours:
    """Return all neighbours within a cut-off that depends on the two species.

    Every image counts, so that a cell smaller than the cut-off is right too. The cell is cut into
    boxes no thinner than the greatest cut-off, and only neighbouring boxes are searched.

    Parameters
    ----------
    positions
        (n_atoms, 3), Å, wrapped or not.
    cell
        (3, 3), Å, rows are the cell vectors.
    kinds
        (n_atoms,), species of each atom as an index into ``reach``.
    reach
        (n_species, n_species), Å, symmetric; zero for pairs that never bond. See `reaches`.
    """
    places = positions @ np.linalg.inv(cell)
    home = np.floor(places)
    widths = perpendicular_widths(cell)
    farthest = max(float(reach.max()), 1e-6)
    most = max(1, round(len(kinds) ** (1 / 3)) + 1)
    boxes = np.clip(np.floor(widths / farthest), 1, most).astype(np.int64)
    steps = np.ceil(farthest * boxes / widths).astype(np.int64)
    inside = np.ascontiguousarray((places - home).T)
    first, second, shifts, vectors = _search(
        inside, np.ascontiguousarray(cell), kinds, reach**2, boxes, steps
    )
    whole = home.astype(np.int64)
    shifts = shifts - whole[second] + whole[first]
    return _both_ways(len(kinds), (first, second, shifts, vectors))


def _search(
    inside: Floats, cell: Floats, kinds: Integers, squares: Floats, boxes: Integers, steps: Integers
) -> Found:
    """Return each bond once, in arrays that grow until they hold all."""
    room = 16 * len(kinds) + 64
    while True:
        first, second = np.empty((2, room), dtype=np.int64)
        shifts, vectors = np.empty((room, 3), dtype=np.int64), np.empty((room, 3))
        found = _fill(inside, cell, kinds, squares, boxes, steps, first, second, shifts, vectors)
        if found <= room:
            return first[:found], second[:found], shifts[:found], vectors[:found]
        room = found


def _both_ways(n_atoms: int, once: Found) -> Neighbours:
    first, second, shifts, vectors = once
    starts = np.zeros(n_atoms + 1, dtype=np.int64)
    others = np.empty(2 * len(first), dtype=np.int64)
    both_shifts, both_vectors = (
        np.empty((len(others), 3), dtype=np.int64),
        np.empty((len(others), 3)),
    )
    _sort_both(first, second, shifts, vectors, starts, others, both_shifts, both_vectors)
    return Neighbours(starts, others, both_shifts, both_vectors)


@njit(cache=True, nogil=True)
def _sort_both(
    first: Integers,
    second: Integers,
    shifts: Integers,
    vectors: Floats,
    starts: Integers,
    others: Integers,
    both_shifts: Integers,
    both_vectors: Floats,
) -> None:
    """Write every bond under both of its atoms. Hot loop: counts, then places."""
    for bond in range(len(first)):
        starts[first[bond] + 1] += 1
        starts[second[bond] + 1] += 1
    for atom in range(len(starts) - 1):
        starts[atom + 1] += starts[atom]
    filled = starts[:-1].copy()
    for turned in range(2):
        sign = 1 - 2 * turned
        for bond in range(len(first)):
            owner, other = first[bond], second[bond]
            if turned:
                owner, other = other, owner
            place = filled[owner]
            others[place] = other
            for axis in range(3):
                both_shifts[place, axis] = sign * shifts[bond, axis]
                both_vectors[place, axis] = sign * vectors[bond, axis]
            filled[owner] = place + 1


@njit(cache=True, nogil=True)
def _boxed(inside: Floats, boxes: Integers) -> tuple[Integers, Integers]:
    """Return where each box starts among the atoms sorted by box, and those atoms."""
    n = inside.shape[1]
    box = np.empty(n, dtype=np.int64)
    starts = np.zeros(boxes[0] * boxes[1] * boxes[2] + 1, dtype=np.int64)
    for i in range(n):
        place = 0
        for axis in range(3):
            place = place * boxes[axis] + min(int(inside[axis, i] * boxes[axis]), boxes[axis] - 1)
        box[i] = place
        starts[place + 1] += 1
    for place in range(len(starts) - 1):
        starts[place + 1] += starts[place]
    atoms = np.empty(n, dtype=np.int64)
    filled = starts.copy()
    for i in range(n):
        atoms[filled[box[i]]] = i
        filled[box[i]] += 1
    return starts, atoms


@njit(cache=True, nogil=True)
def _fill(
    inside: Floats,
    cell: Floats,
    kinds: Integers,
    squares: Floats,
    boxes: Integers,
    steps: Integers,
    first: Integers,
    second: Integers,
    shifts: Integers,
    vectors: Floats,
) -> int:
    """Write every bond once and return how many there are, also where they do not fit.

    Hot loop. Of two opposite steps between boxes only the one that points up is taken; the box
    that a step leads to and the image it lies in follow from a division.
    """
    starts, atoms = _boxed(inside, boxes)
    found = 0
    shift = np.zeros(3, dtype=np.int64)
    for place in range(len(starts) - 1):
        if starts[place] == starts[place + 1]:
            continue
        p2 = place % boxes[2]
        p1 = place // boxes[2] % boxes[1]
        p0 = place // (boxes[1] * boxes[2])
        for s0 in range(steps[0] + 1):
            for s1 in range(-steps[1] if s0 > 0 else 0, steps[1] + 1):
                for s2 in range(-steps[2] if s0 > 0 or s1 > 0 else 0, steps[2] + 1):
                    shift[0] = (p0 + s0) // boxes[0]
                    shift[1] = (p1 + s1) // boxes[1]
                    shift[2] = (p2 + s2) // boxes[2]
                    other = (
                        (p0 + s0 - shift[0] * boxes[0]) * boxes[1] + p1 + s1 - shift[1] * boxes[1]
                    ) * boxes[2] + (p2 + s2 - shift[2] * boxes[2])
                    own = s0 == 0 and s1 == 0 and s2 == 0
                    for m in range(starts[place], starts[place + 1]):
                        i = atoms[m]
                        u0 = inside[0, i] - shift[0]
                        v0 = inside[1, i] - shift[1]
                        w0 = inside[2, i] - shift[2]
                        for k in range(m + 1 if own else starts[other], starts[other + 1]):
                            j = atoms[k]
                            u = inside[0, j] - u0
                            v = inside[1, j] - v0
                            w = inside[2, j] - w0
                            dx = u * cell[0, 0] + v * cell[1, 0] + w * cell[2, 0]
                            dy = u * cell[0, 1] + v * cell[1, 1] + w * cell[2, 1]
                            dz = u * cell[0, 2] + v * cell[1, 2] + w * cell[2, 2]
                            if dx * dx + dy * dy + dz * dz < squares[kinds[i], kinds[j]]:
                                if found < len(first):
                                    first[found] = i
                                    second[found] = j
                                    for axis in range(3):
                                        shifts[found, axis] = shift[axis]
                                    vectors[found, 0] = dx
                                    vectors[found, 1] = dy
                                    vectors[found, 2] = dz
                                found += 1
    return found
