"""How much of a centre's view each of its ligands takes up: faces of Voronoi cells."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vitrolyte.observe.neighbours import Neighbours

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_CORNERS = 64
_OPEN_A = 200.0


def solid_angles(found: Neighbours, centres: Integers) -> tuple[Floats, float]:
    """Return the solid angle of the Voronoi face towards each neighbour of some centres.

    The cell of a centre is cut from space by the planes half way to its neighbours; the angles of
    one centre add up to 4 pi.

    Parameters
    ----------
    found
        Neighbours of every atom, those of the centres being their possible ligands only.
    centres
        (n,), the atoms whose cells are made.

    Returns
    -------
    angles
        (n_entries,), sr; zero at entries of other atoms and for faces that do not exist.
    reach
        The distance within which all neighbours must have been given for this to be exact, Å:
        twice that of the farthest corner of a cell.

    References
    ----------
    O'Keeffe, Acta Cryst. A 35, 772 (1979), doi:10.1107/S0567739479001765.
    """
    angles = np.zeros(len(found.others))
    farthest = _faces(found.starts, found.vectors, found.distances, centres, angles)
    return angles, 2.0 * farthest


@njit(cache=True, nogil=True)
def _faces(
    starts: Integers, vectors: Floats, distances: Floats, centres: Integers, angles: Floats
) -> float:
    """Write the solid angle of every face and return the distance of the farthest corner. Hot loop.

    A face starts as a large square in its plane and is cut by the other planes, nearest first.
    """
    polygon, spare = np.empty((_CORNERS, 3)), np.empty((_CORNERS, 3))
    farthest = 0.0
    for i in centres:
        order = starts[i] + np.argsort(distances[starts[i] : starts[i + 1]])
        for own in order:
            corners = _square(vectors[own], distances[own], polygon)
            for other in order:
                if other == own:
                    continue
                if distances[other] > 2.0 * np.sqrt(_largest(polygon, corners)):
                    break
                corners = _cut(polygon, corners, vectors[other], distances[other], spare)
                if corners == 0:
                    break
            if corners > 2:
                angles[own] = _angle(polygon, corners)
                if angles[own] > 1e-9:
                    farthest = max(farthest, np.sqrt(_largest(polygon, corners)))
    return farthest


@njit(cache=True, nogil=True)
def _square(vector: Floats, distance: float, polygon: Floats) -> int:
    """Write a large square half way to a neighbour, across the line to it."""
    normal = vector / distance
    helper = np.zeros(3)
    helper[np.argmin(np.abs(normal))] = 1.0
    along = np.cross(normal, helper)
    along /= np.sqrt((along * along).sum())
    across = np.cross(normal, along)
    for k in range(4):
        u = _OPEN_A if k == 0 or k == 3 else -_OPEN_A
        v = _OPEN_A if k < 2 else -_OPEN_A
        polygon[k] = 0.5 * vector + u * along + v * across
    return 4


@njit(cache=True, nogil=True)
def _largest(polygon: Floats, corners: int) -> float:
    """Return the largest squared distance of a corner."""
    largest = 0.0
    for k in range(corners):
        p = polygon[k]
        largest = max(largest, p[0] * p[0] + p[1] * p[1] + p[2] * p[2])
    return largest


@njit(cache=True, nogil=True)
def _cut(polygon: Floats, corners: int, vector: Floats, distance: float, spare: Floats) -> int:
    """Keep the part of a polygon on this side of the plane half way to a neighbour."""
    limit = 0.5 * distance * distance
    kept = 0
    for k in range(corners):
        here, there = polygon[k], polygon[(k + 1) % corners]
        a = (here * vector).sum() - limit
        b = (there * vector).sum() - limit
        if a <= 0.0 and kept < _CORNERS:
            spare[kept] = here
            kept += 1
        if (a < 0.0 < b or b < 0.0 < a) and kept < _CORNERS:
            spare[kept] = here + (there - here) * (a / (a - b))
            kept += 1
    polygon[:kept] = spare[:kept]
    return kept


@njit(cache=True, nogil=True)
def _angle(polygon: Floats, corners: int) -> float:
    """Return the solid angle of a polygon seen from the origin (Van Oosterom & Strackee 1983)."""
    total = 0.0
    a = polygon[0]
    la = np.sqrt((a * a).sum())
    for k in range(1, corners - 1):
        b, c = polygon[k], polygon[k + 1]
        lb, lc = np.sqrt((b * b).sum()), np.sqrt((c * c).sum())
        volume = np.abs((a * np.cross(b, c)).sum())
        share = la * lb * lc + (a * b).sum() * lc + (b * c).sum() * la + (c * a).sum() * lb
        total += 2.0 * np.arctan2(volume, share)
    return total
