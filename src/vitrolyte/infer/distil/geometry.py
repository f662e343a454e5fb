"""Pairs of a periodic snapshot: distances, shortest ones, the restricted cell of LAMMPS."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from ase import Atoms

from vitrolyte.observe.neighbours import neighbours
from vitrolyte.potentials.teacher import Snapshot

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]


class Pairs(NamedTuple):
    """Neighbour pairs within a cut-off, each counted from both ends.

    ``vectors`` point from ``first`` to ``second`` (images included), Å.
    """

    first: Indices
    second: Indices
    distances: Array
    vectors: Array


def neighbour_pairs(snapshot: Snapshot, cutoff: float) -> Pairs:
    """List all pairs closer than the cut-off (Å), periodic images included, in any cell."""
    alike = np.zeros(len(snapshot.species), dtype=np.int64)
    found = neighbours(snapshot.positions, snapshot.cell, alike, np.array([[cutoff]]))
    return Pairs(found.owners, found.others, found.distances, found.vectors)


def pair_names(elements: Sequence[str]) -> tuple[str, ...]:
    """Name every pair once, in the order of the elements: ``Li-Li``, ``Li-O`` ..."""
    return tuple(f"{a}-{b}" for a, b in combinations_with_replacement(elements, 2))


def shortest_distances(
    snapshots: Iterable[Snapshot], elements: Sequence[str], *, cutoff: float = 4.5
) -> dict[str, float]:
    """Find the shortest distance of every pair of elements over many snapshots, Å.

    A pair never met within the cut-off gets the cut-off.
    """
    shortest = dict.fromkeys(pair_names(elements), cutoff)
    for snapshot in snapshots:
        for name, distance in _closest(snapshot, elements, cutoff).items():
            shortest[name] = min(shortest[name], distance)
    return shortest


def restricted_cell(cell: Array) -> tuple[Array, Array]:
    """Turn a cell into the lower-triangular form of LAMMPS.

    Returns the new cell and the rotation ``R`` with ``new = old @ R``; a vector of the restricted
    frame goes back by ``vector @ R.T``.
    """
    rotation, upper = np.linalg.qr(cell.T)
    signs = np.sign(np.diag(upper))
    rotation = rotation * signs
    return np.tril(cell @ rotation), rotation


def as_atoms(snapshot: Snapshot) -> Atoms:
    """Hand a snapshot to ASE."""
    return Atoms(list(snapshot.species), positions=snapshot.positions, cell=snapshot.cell, pbc=True)


def from_atoms(atoms: Atoms) -> Snapshot:
    """Take a snapshot from ASE."""
    return Snapshot(
        tuple(atoms.get_chemical_symbols()),
        np.asarray(atoms.get_positions(), dtype=float),
        np.asarray(atoms.get_cell(), dtype=float),
    )


def _closest(snapshot: Snapshot, elements: Sequence[str], cutoff: float) -> dict[str, float]:
    order = {element: index for index, element in enumerate(elements)}
    kinds = np.array([order[symbol] for symbol in snapshot.species])
    pairs = neighbour_pairs(snapshot, cutoff)
    low = np.minimum(kinds[pairs.first], kinds[pairs.second])
    high = np.maximum(kinds[pairs.first], kinds[pairs.second])
    closest: dict[str, float] = {}
    for name in pair_names(elements):
        a, b = (order[element] for element in name.split("-"))
        chosen = pairs.distances[(low == a) & (high == b)]
        if chosen.size:
            closest[name] = float(chosen.min())
    return closest
