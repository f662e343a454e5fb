"""The ideal polyhedra to which real ones are compared, as unit vectors from the centre."""

from __future__ import annotations

import itertools
import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_GOLDEN = (1.0 + math.sqrt(5.0)) / 2.0


def _ring(n: int, height: float = 0.0, turn_degrees: float = 0.0) -> Floats:
    angles = 2.0 * np.pi * np.arange(n) / n + math.radians(turn_degrees)
    return np.column_stack([np.cos(angles), np.sin(angles), np.full(n, height)])


def _poles(*heights: float) -> Floats:
    return np.array([[0.0, 0.0, height] for height in heights])


def _signs(*point: float) -> Floats:
    """Return a point with every choice of signs, and its cyclic permutations."""
    turned = [point[k:] + point[:k] for k in range(3)]
    signed = [np.multiply(t, s) for t in turned for s in itertools.product((1, -1), repeat=3)]
    return np.unique(np.round(signed, 12) + 0.0, axis=0)


@cache
def ideal_shapes(n: int) -> dict[str, Floats]:
    """Return the ideal polyhedra with n corners, by name; each (n, 3), corners at distance one.

    The square pyramid is an octahedron that lacks a corner, the trigonal prism and the square
    antiprism have edges of one length, the tricapped prism has its caps where the sphere is
    emptiest along the equator.
    """
    return {name: _normalised(corners) for name, corners in _shapes().get(n, {}).items()}


def _normalised(corners: Floats) -> Floats:
    return np.asarray(corners / np.linalg.norm(corners, axis=1)[:, None])


@cache
def _shapes() -> dict[int, dict[str, Floats]]:
    octahedron = np.concatenate([_ring(4), _poles(1, -1)])
    # A prism of unit edges: triangles of circumradius 1/sqrt(3), half a unit up and down; an
    # antiprism of unit edges: squares of circumradius 1/sqrt(2), 2**(-1/4)/2 up and down.
    prism_height, antiprism_height = math.sqrt(3.0) / 2.0, 2.0**-0.25 / math.sqrt(2.0)
    prism = np.concatenate([_ring(3, prism_height), _ring(3, -prism_height)])
    cube = np.array(list(itertools.product((1.0, -1.0), repeat=3)))
    antiprism = np.concatenate(
        [_ring(4, antiprism_height), _ring(4, -antiprism_height, turn_degrees=45.0)]
    )
    caps = _ring(3, 0.0, 60.0)
    unit_prism = prism / np.linalg.norm(prism, axis=1)[:, None]
    layer = _ring(6)
    slanted = _ring(3, math.sqrt(2.0), 30.0) / math.sqrt(3.0)
    below = slanted * [1, 1, -1]
    return {
        2: {"line": _poles(1, -1)},
        3: {
            "triangle": _ring(3),
            "T shape": octahedron[[0, 1, 2]],
            "trigonal pyramid": _tetrahedron()[:3],
        },
        4: {
            "tetrahedron": _tetrahedron(),
            "square": _ring(4),
            "seesaw": octahedron[[0, 1, 4, 5]],
        },
        5: {
            "trigonal bipyramid": np.concatenate([_ring(3), _poles(1, -1)]),
            "square pyramid": octahedron[:5],
        },
        6: {"octahedron": octahedron, "trigonal prism": prism},
        7: {
            "pentagonal bipyramid": np.concatenate([_ring(5), _poles(1, -1)]),
            "capped trigonal prism": np.concatenate([unit_prism, caps[:1]]),
        },
        8: {
            "cube": cube,
            "square antiprism": antiprism,
            "hexagonal bipyramid": np.concatenate([layer, _poles(1, -1)]),
        },
        9: {
            "tricapped trigonal prism": np.concatenate([unit_prism, caps]),
            "capped square antiprism": np.concatenate([_normalised(antiprism), _poles(1)]),
        },
        12: {
            "cuboctahedron": np.concatenate([layer, slanted, _turned(below)]),
            "anticuboctahedron": np.concatenate([layer, slanted, below]),
            "icosahedron": _signs(0.0, 1.0, _GOLDEN),
        },
    }


def _tetrahedron() -> Floats:
    return np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])


def _turned(points: Floats) -> Floats:
    """Return points turned by 60 degrees about the vertical axis."""
    c, s = 0.5, math.sqrt(3.0) / 2.0
    return np.asarray(points @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1.0]]))
