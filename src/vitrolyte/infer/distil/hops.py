"""Vacancy hops: where an ion of a crystal goes and which ions must be missing with it."""

from __future__ import annotations

from itertools import product

import numpy as np

from vitrolyte.infer.distil.geometry import Array, neighbour_pairs
from vitrolyte.potentials.teacher import Snapshot

FARTHEST_A = 6.0


def hop(parent: Snapshot, mobile: str, gone: tuple[str, ...] = ()) -> tuple[Snapshot, Snapshot]:
    """Return the cells before and after the shortest hop of an ion into a neighbouring vacancy.

    One ion of each element ``gone`` is missing too, each the farthest from the middle of the hop.

    Raises
    ------
    ValueError
        No two ions of this kind are within 6 Å of one another.
    """
    pairs = neighbour_pairs(parent, FARTHEST_A)
    kinds = np.array(parent.species)
    fits = (kinds[pairs.first] == mobile) & (kinds[pairs.second] == mobile)
    fits &= pairs.first != pairs.second
    if not fits.any():
        raise ValueError(f"no two {mobile} within {FARTHEST_A:g} Å")
    best = np.flatnonzero(fits)[np.argmin(pairs.distances[fits].round(3))]
    moving, empty = int(pairs.first[best]), int(pairs.second[best])
    after = parent.positions.copy()
    after[moving] += pairs.vectors[best]
    keep = np.arange(len(kinds)) != empty
    far = _image_distances(parent, parent.positions[moving] + 0.5 * pairs.vectors[best])
    for element in gone:
        candidates = np.flatnonzero((kinds == element) & keep & (np.arange(len(kinds)) != moving))
        if not len(candidates):
            raise ValueError(f"no {element} left to be taken out")
        keep[candidates[np.argmax(far[candidates].round(3))]] = False
    species = tuple(kinds[keep].tolist())
    return (
        Snapshot(species, parent.positions[keep], parent.cell),
        Snapshot(species, after[keep], parent.cell),
    )


def company(cluster: tuple[str, ...], mobile: str) -> tuple[str, ...]:
    """List the ions of a neutral vacancy cluster that go with one vacancy of the mobile ion.

    Raises
    ------
    ValueError
        The cluster holds no mobile ion.
    """
    if mobile not in cluster:
        raise ValueError(f"no neutral vacancy cluster holds {mobile}")
    rest = list(cluster)
    rest.remove(mobile)
    return tuple(rest)


def along(ends: tuple[Snapshot, Snapshot], share: float) -> Snapshot:
    """Return the cell with the ion a share of its straight way gone, 0 before and 1 after."""
    before, after = ends
    positions = before.positions + share * (after.positions - before.positions)
    return Snapshot(before.species, positions, before.cell)


def _image_distances(snapshot: Snapshot, point: Array) -> Array:
    """Return the distance of each atom from the nearest image of a point, Å."""
    shifts = np.array(list(product((-1, 0, 1), repeat=3))) @ snapshot.cell
    gaps = (snapshot.positions - point) @ np.linalg.inv(snapshot.cell)
    apart = (gaps - np.round(gaps)) @ snapshot.cell
    return np.asarray(np.linalg.norm(apart[None] + shifts[:, None], axis=2).min(axis=0))
