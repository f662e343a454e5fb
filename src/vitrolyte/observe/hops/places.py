"""Places as they are seen from the framework round them, and which of some sites is nearest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vitrolyte.observe.hops.detection import Hops
from vitrolyte.observe.neighbours import neighbours

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_BLOCKS = 24
_REACH_A = 6.0
_WIDTH_A = 2.0
_LEAST_WEIGHT = 0.5
_WIDENING = 1.6


def settled_places(hops: Hops) -> Floats:
    r"""Return the places of stays as seen from the framework round them, (n_stays, 3), Å.

    .. math:: r' = r - \frac{\sum_j w_j u_j}{\sum_j w_j}, \quad w_j = e^{-d_j^2 / 2 w^2}

    with the slow displacement u of each framework atom from its mean position, averaged over
    blocks of time, and w = 2 Å: a framework that creeps carries its sites with it. Framework
    atoms that hop themselves are left out.
    """
    moved, mean = _framework_motion(hops)
    places = hops.stays.centre
    if not len(mean) or not len(places):
        return places
    steady = np.linalg.norm(moved, axis=2).max(axis=0) < hops.distance_A
    return places - _local(hops, moved[:, steady], mean[steady])


def _framework_motion(hops: Hops) -> tuple[Floats, Floats]:
    """Return the displacement of framework atoms in blocks of time, and their mean places."""
    others = np.setdiff1d(np.arange(hops.rest.n_atoms), hops.atoms)
    count = max(1, min(_BLOCKS, hops.n_frames // 8))
    sums, frames = np.zeros((count, len(others), 3)), np.zeros(count)
    if not len(others):
        return sums, np.zeros((0, 3))
    for block in hops.rest.blocks():
        where = (block.start + np.arange(len(block.times))) * count // hops.n_frames
        for one in np.unique(where):
            mine = where == one
            sums[one] += block.positions[mine][:, others].sum(axis=0)
            frames[one] += float(mine.sum())
    means = sums / frames[:, None, None]
    mean = means.mean(axis=0)
    return means - mean, mean


def _local(hops: Hops, moved: Floats, mean: Floats) -> Floats:
    """Return the displacement of the framework round each stay, (n_stays, 3), Å."""
    places, count = hops.stays.centre, len(hops.stays.centre)
    kinds = np.concatenate([np.zeros(count, np.int64), np.ones(len(mean), np.int64)])
    table = np.array([[0.0, _REACH_A], [_REACH_A, 0.0]])
    found = neighbours(np.concatenate([places, mean]), hops.cell, kinds, table)
    end = int(found.starts[count])
    stay, atom = found.owners[:end], found.others[:end] - count
    weights = np.exp(-0.5 * (found.distances[:end] / _WIDTH_A) ** 2)
    middle = (hops.stays.start + hops.stays.stop) // 2
    block = np.minimum(middle * len(moved) // hops.n_frames, len(moved) - 1)
    whole = np.bincount(stay, weights, minlength=count)
    shift = np.stack(
        [np.bincount(stay, weights * moved[block[stay], atom, k], count) for k in range(3)], axis=1
    )
    known = whole > _LEAST_WEIGHT
    return np.where(known[:, None], shift / np.maximum(whole, _LEAST_WEIGHT)[:, None], 0.0)


def nearest_site(places: Floats, sites: Floats, cell: Floats, reach: float) -> Integers:
    """Return the nearest site of each place within a reach, -1 where there is none, (n,)."""
    return assignments(places, sites, cell, reach)[0]


def assignments(
    places: Floats, sites: Floats, cell: Floats, reach: float
) -> tuple[Integers, Floats]:
    """Return the nearest site of each place, -1 beyond the reach, and the vector to it, Å."""
    count = len(places)
    kinds = np.concatenate([np.zeros(count, np.int64), np.ones(len(sites), np.int64)])
    table = np.array([[0.0, reach], [reach, 0.0]])
    found = neighbours(np.concatenate([places, sites]), cell, kinds, table)
    end = int(found.starts[count])
    owner, vectors = found.owners[:end], found.vectors[:end]
    far = np.einsum("ij,ij->i", vectors, vectors)
    order = np.lexsort((far, owner))
    first = order[np.unique(owner[order], return_index=True)[1]] if end else order
    index, vector = np.full(count, -1, dtype=np.int64), np.zeros((count, 3))
    index[owner[first]] = found.others[:end][first] - count
    vector[owner[first]] = vectors[first]
    return index, vector


def always_nearest(places: Floats, sites: Floats, cell: Floats, start: float) -> Integers:
    """Return the nearest site of each place, however far it is, (n,)."""
    index, reach = nearest_site(places, sites, cell, start), start
    while (index < 0).any():
        reach *= _WIDENING
        index = nearest_site(places, sites, cell, reach)
    return index
