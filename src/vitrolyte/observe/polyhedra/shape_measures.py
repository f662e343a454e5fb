"""How far a polyhedron is from an ideal one: continuous shape measures."""

from __future__ import annotations

import itertools
import math
from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from vitrolyte.data.errors import InputError
from vitrolyte.observe.polyhedra.ideal_shapes import ideal_shapes

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_MOST_EXACT = 8
_SAME = 1e-6
_NEIGHBOURS = 2


def shape_measures(corners: Floats) -> dict[str, Floats]:
    r"""Return the continuous shape measures of polyhedra of one number of corners, by ideal shape.

    .. math:: S = 100 \min_{s, R, \pi} \sum_k |q_k - s R p_{\pi(k)}|^2 / \sum_k |q_k - q_0|^2

    over scale, rotation (proper or not) and the order of the corners; the centre belongs to both
    sets and is matched to the centre. 0 is the ideal shape, 100 is never reached. Up to eight
    corners the order is found for certain (one of each class of orders that the symmetry of the
    ideal shape makes alike is tried), beyond by assignment and rotation in turns from many starts.

    Parameters
    ----------
    corners
        (n_polyhedra, n_corners, 3), vectors from the centre, Å.

    Raises
    ------
    InputError
        If there is no ideal shape of so many corners.

    References
    ----------
    Pinsky & Avnir, Inorg. Chem. 37, 5575 (1998), doi:10.1021/ic9804925; the centre as in Alvarez
    et al., New J. Chem. 26, 996 (2002), doi:10.1039/b200641n.
    """
    n = corners.shape[1]
    shapes = ideal_shapes(n)
    if not shapes:
        raise InputError("Shapes are known of 2 to 9 and of 12 corners", received=f"{n} corners")
    exact = n <= _MOST_EXACT
    return {name: _exact(corners, name) if exact else _searched(corners, name) for name in shapes}


def _exact(corners: Floats, name: str) -> Floats:
    n = corners.shape[1]
    measures = np.empty(len(corners))
    _try_orders(np.ascontiguousarray(corners), ideal_shapes(n)[name], _orders(n, name), measures)
    return measures


@cache
def _orders(n: int, name: str) -> Integers:
    """Return one order of the corners of each class that the shape's symmetry makes alike."""
    symmetries = _symmetries(ideal_shapes(n)[name])
    seen: set[tuple[int, ...]] = set()
    kept = []
    for order in itertools.permutations(range(n)):
        if order not in seen:
            kept.append(order)
            seen.update(tuple(g[k] for k in order) for g in symmetries)
    return np.array(kept, dtype=np.int64)


def _symmetries(ideal: Floats) -> list[tuple[int, ...]]:
    """Return the orders of the corners that leave all angles between them as they are."""
    gram = ideal @ ideal.T
    found: list[tuple[int, ...]] = [()]
    for k in range(len(ideal)):
        found = [
            (*g, new)
            for g in found
            for new in range(len(ideal))
            if new not in g and all(abs(gram[new, g[j]] - gram[k, j]) < _SAME for j in range(k))
        ]
    return found


@njit(cache=True, nogil=True)
def _try_orders(corners: Floats, ideal: Floats, orders: Integers, measures: Floats) -> None:
    """Write the best measure of each polyhedron over the given orders. Hot loop."""
    n = ideal.shape[0]
    # The centre is one more point at the origin of either set.
    middle = np.empty(3)
    for axis in range(3):
        middle[axis] = ideal[:, axis].sum() / (n + 1)
    size = (ideal**2).sum() - (n + 1) * (middle**2).sum()
    product = np.empty((3, 3))
    for m in range(len(corners)):
        own = np.empty(3)
        for axis in range(3):
            own[axis] = corners[m, :, axis].sum() / (n + 1)
        extent = (corners[m] ** 2).sum() - (n + 1) * (own**2).sum()
        best = 0.0
        for order in range(len(orders)):
            for a in range(3):
                for b in range(3):
                    total = -(n + 1) * own[a] * middle[b]
                    for k in range(n):
                        total += corners[m, k, a] * ideal[orders[order, k], b]
                    product[a, b] = total
            best = max(best, _overlap(product))
        measures[m] = 100.0 * max(0.0, 1.0 - best * best / (size * extent))


@njit(cache=True, nogil=True)
def _overlap(h: Floats) -> float:
    """Return the sum of the singular values of a 3 x 3 matrix, from the eigenvalues of h^T h."""
    a00 = h[0, 0] ** 2 + h[1, 0] ** 2 + h[2, 0] ** 2
    a11 = h[0, 1] ** 2 + h[1, 1] ** 2 + h[2, 1] ** 2
    a22 = h[0, 2] ** 2 + h[1, 2] ** 2 + h[2, 2] ** 2
    a01 = h[0, 0] * h[0, 1] + h[1, 0] * h[1, 1] + h[2, 0] * h[2, 1]
    a02 = h[0, 0] * h[0, 2] + h[1, 0] * h[1, 2] + h[2, 0] * h[2, 2]
    a12 = h[0, 1] * h[0, 2] + h[1, 1] * h[1, 2] + h[2, 1] * h[2, 2]
    mean = (a00 + a11 + a22) / 3.0
    off = a01**2 + a02**2 + a12**2
    scale = np.sqrt(((a00 - mean) ** 2 + (a11 - mean) ** 2 + (a22 - mean) ** 2 + 2 * off) / 6.0)
    if scale < 1e-14 * mean or mean == 0.0:
        return float(3.0 * np.sqrt(max(mean, 0.0)))
    b00, b11, b22 = (a00 - mean) / scale, (a11 - mean) / scale, (a22 - mean) / scale
    b01, b02, b12 = a01 / scale, a02 / scale, a12 / scale
    half = 0.5 * (
        b00 * (b11 * b22 - b12 * b12)
        - b01 * (b01 * b22 - b12 * b02)
        + b02 * (b01 * b12 - b11 * b02)
    )
    angle = np.arccos(min(1.0, max(-1.0, half))) / 3.0
    first = mean + 2.0 * scale * np.cos(angle)
    last = mean + 2.0 * scale * np.cos(angle + 2.0 * np.pi / 3.0)
    between = 3.0 * mean - first - last
    total = np.sqrt(max(first, 0.0)) + np.sqrt(max(between, 0.0)) + np.sqrt(max(last, 0.0))
    return float(total)


def _searched(corners: Floats, name: str) -> Floats:
    ideal = ideal_shapes(corners.shape[1])[name]
    return np.array([searched_measure(one, ideal) for one in corners])


def searched_measure(corners: Floats, ideal: Floats) -> float:
    """Return one shape measure by assignment and rotation in turns.

    It starts from every rotation that lays an ideal corner and its neighbour, or its next one, or
    the mirror image of these, on a pair of corners; the best end counts.

    Parameters
    ----------
    corners, ideal
        (n, 3), vectors from the centre.
    """
    q, p = (_with_centre(points) for points in (corners, ideal))
    size = float((q**2).sum() * (p**2).sum())
    best = max(_climbed(q, p, start) for start in _starts(corners, ideal))
    return float(100.0 * max(0.0, 1.0 - best**2 / size))


def _with_centre(points: Floats) -> Floats:
    """Return the centre and the points, about the mean of all."""
    both = np.concatenate([np.zeros((1, 3)), points])
    return np.asarray(both - both.mean(axis=0))


def _starts(corners: Floats, ideal: Floats) -> list[Floats]:
    along = ideal[1:] @ ideal[0]
    _, firsts = np.unique(np.round(-along, 6), return_index=True)
    seen = [_frame(ideal[0], ideal[1 + k]) for k in firsts[:_NEIGHBOURS]]
    own = seen + [frame * np.array([1.0, 1.0, -1.0]) for frame in seen]
    pairs = itertools.permutations(range(len(corners)), 2)
    frames = [_frame(corners[a], corners[b]) for a, b in pairs]
    return [frame @ axes.T for frame in frames for axes in own]


def _frame(first: Floats, second: Floats) -> Floats:
    """Return axes along a first direction, towards a second, and across both, as columns."""
    x = first / np.linalg.norm(first)
    y = second - (second @ x) * x
    length = float(np.linalg.norm(y))
    y = y / length if length > 1e-9 else np.linalg.svd(x[None])[2][1]
    return np.column_stack([x, y, np.cross(x, y)])


def _climbed(q: Floats, p: Floats, turn: Floats) -> float:
    """Return the greatest overlap that turns of assignment and rotation reach from a start."""
    reached = -math.inf
    while True:
        order = linear_sum_assignment(q[1:] @ (p[1:] @ turn.T).T, maximize=True)[1] + 1
        u, overlap, v = np.linalg.svd(q.T @ p[np.concatenate([[0], order])])
        if overlap.sum() <= reached + 1e-12:
            return reached
        reached, turn = float(overlap.sum()), u @ v
