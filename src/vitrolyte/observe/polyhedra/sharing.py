"""Counts of one frame: ligands of each centre, what polyhedra share, what each ligand joins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vitrolyte.observe.neighbours import Neighbours

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CORNER, EDGE, FACE = 0, 1, 2
MOST_JOINED = 3
"""Ligands are told apart by the number of centres that they join: 0, 1, 2, 3 or more."""


@dataclass(frozen=True, eq=False)
class Counts:
    """What one frame holds; every array may be added to that of another frame.

    Attributes
    ----------
    bonds
        (n, n), bonds by element of the centre and of the ligand.
    lengths, squares
        (n, n), sums of their lengths, Å, and of the squares, Å².
    corners
        (n,), pairs of polyhedra that share one ligand, by its element.
    edges
        (n, n), pairs that share two, by the elements of both, the lower index first.
    faces
        Pairs that share three or more.
    separations
        (3,), sums of the distance between the centres of such pairs, Å.
    joined
        (n, 4), ligands by element and by how many centres they are bonded to.
    """

    bonds: Floats
    lengths: Floats
    squares: Floats
    corners: Floats
    edges: Floats
    faces: Floats
    separations: Floats
    joined: Floats

    def add(self, other: Counts) -> None:
        """Add the counts of another frame."""
        for name in vars(self):
            getattr(self, name).__iadd__(getattr(other, name))

    @property
    def connections(self) -> Floats:
        """Return the numbers of pairs that share a corner, an edge, a face."""
        return np.array([self.corners.sum(), self.edges.sum(), self.faces.sum()])


def no_counts(n_elements: int) -> Counts:
    """Return counts of nothing."""
    n = n_elements
    square = (n, n)
    shapes = (square, square, square, (n,), square, (1,), (3,), (n, MOST_JOINED + 1))
    return Counts(*(np.zeros(shape) for shape in shapes))


def count_frame(bonds: Neighbours, kinds: Integers, centres: Integers, ligands: Integers) -> Counts:
    """Return the counts of one frame.

    Two polyhedra share a corner, an edge or a face where they have one, two, or three and more
    ligands in common. A polyhedron and an image of another, or of itself, are a pair like any
    other; each pair counts once for each cell.

    Parameters
    ----------
    bonds
        Between centres and ligands only, from both ends.
    kinds
        (n_atoms,), element of each atom.
    centres, ligands
        Atoms of either sort.
    """
    counts = no_counts(int(kinds.max()) + 1 if len(kinds) else 0)
    _count_bonds(bonds.starts, bonds.others, bonds.distances, kinds, centres, counts.bonds,
                 counts.lengths, counts.squares)  # fmt: skip
    _count_joined(bonds.starts, kinds, ligands, counts.joined)
    _count_shared(bonds.starts, bonds.others, bonds.shifts, bonds.vectors, kinds, centres,
                  counts.corners, counts.edges, counts.faces, counts.separations)  # fmt: skip
    return counts


def ligand_counts(bonds: Neighbours, kinds: Integers, centres: Integers) -> Integers:
    """Return the ligands of each centre by element, (n_centres, n_elements)."""
    counts = np.zeros((len(centres), int(kinds.max()) + 1), dtype=np.int64)
    _count_ligands(bonds.starts, bonds.others, kinds, centres, counts)
    return counts


@njit(cache=True, nogil=True)
def _count_ligands(
    starts: Integers, others: Integers, kinds: Integers, centres: Integers, counts: Integers
) -> None:
    for place in range(len(centres)):
        i = centres[place]
        for entry in range(starts[i], starts[i + 1]):
            counts[place, kinds[others[entry]]] += 1


@njit(cache=True, nogil=True)
def _count_bonds(
    starts: Integers,
    others: Integers,
    distances: Floats,
    kinds: Integers,
    centres: Integers,
    bonds: Floats,
    lengths: Floats,
    squares: Floats,
) -> None:
    for i in centres:
        for entry in range(starts[i], starts[i + 1]):
            a, b = kinds[i], kinds[others[entry]]
            bonds[a, b] += 1.0
            lengths[a, b] += distances[entry]
            squares[a, b] += distances[entry] ** 2


@njit(cache=True, nogil=True)
def _count_joined(starts: Integers, kinds: Integers, ligands: Integers, joined: Floats) -> None:
    for atom in ligands:
        joined[kinds[atom], min(starts[atom + 1] - starts[atom], 3)] += 1.0


@njit(cache=True, nogil=True)
def _room(starts: Integers, others: Integers, centres: Integers) -> int:
    """Return the largest number of ways from a centre over a ligand to a centre."""
    most = 1
    for i in centres:
        ways = 0
        for entry in range(starts[i], starts[i + 1]):
            ways += starts[others[entry] + 1] - starts[others[entry]]
        most = max(most, ways)
    return most


@njit(cache=True, nogil=True)
def _count_shared(
    starts: Integers,
    others: Integers,
    shifts: Integers,
    vectors: Floats,
    kinds: Integers,
    centres: Integers,
    corners: Floats,
    edges: Floats,
    faces: Floats,
    separations: Floats,
) -> None:
    """Count the pairs of polyhedra by what they share. Hot loop.

    From each centre every way over a ligand to another centre is taken, and ways to the same
    image of the same centre are gathered. Each pair is met from both ends and counts a half.
    """
    room = _room(starts, others, centres)
    partner, shared = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64)
    image = np.empty((room, 3), dtype=np.int64)
    bridges = np.empty((room, 2), dtype=np.int64)
    squares = np.empty(room)
    for i in centres:
        n = 0
        for e in range(starts[i], starts[i + 1]):
            ligand = others[e]
            for f in range(starts[ligand], starts[ligand + 1]):
                j = others[f]
                s0 = shifts[e, 0] + shifts[f, 0]
                s1 = shifts[e, 1] + shifts[f, 1]
                s2 = shifts[e, 2] + shifts[f, 2]
                if j == i and s0 == 0 and s1 == 0 and s2 == 0:
                    continue
                k = 0
                while k < n and not (
                    partner[k] == j
                    and image[k, 0] == s0
                    and image[k, 1] == s1
                    and image[k, 2] == s2
                ):
                    k += 1
                if k == n:
                    partner[k], shared[k] = j, 0
                    image[k, 0], image[k, 1], image[k, 2] = s0, s1, s2
                    x = vectors[e, 0] + vectors[f, 0]
                    y = vectors[e, 1] + vectors[f, 1]
                    z = vectors[e, 2] + vectors[f, 2]
                    squares[k] = x * x + y * y + z * z
                    n += 1
                if shared[k] < 2:
                    bridges[k, shared[k]] = kinds[ligand]
                shared[k] += 1
        for k in range(n):
            first, second = bridges[k, 0], bridges[k, 1]
            if shared[k] == 1:
                corners[first] += 0.5
            elif shared[k] == 2:
                edges[min(first, second), max(first, second)] += 0.5
            else:
                faces[0] += 0.5
            separations[min(shared[k], 3) - 1] += 0.5 * np.sqrt(squares[k])
