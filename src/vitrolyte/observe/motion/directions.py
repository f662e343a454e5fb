"""Directions in a crystal in which diffusion is asked for, and those that diffusion itself shows.

References
----------
Anderson, Ann. Math. Stat. 34, 122 (1963), https://doi.org/10.1214/aoms/1177704248 (equality of
some of the roots of a covariance matrix).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import stats

from vitrolyte.data.errors import InputError
from vitrolyte.observe.tracks import Floats

_SAME_ANGLE = 0.01
_NO_DIFFUSION = 1e-6


@dataclass(frozen=True, eq=False)
class Direction:
    """One axis, or the plane of two.

    Attributes
    ----------
    name
        As it stands behind the species: ``along a``, ``in the plane (001)``.
    axes
        (k, 3), k orthonormal vectors.
    """

    name: str
    axes: Floats


def lattice_directions(cell: Floats, normal: tuple[int, int, int]) -> tuple[Direction, ...]:
    """Return the three cell vectors, the normal of a lattice plane, and that plane.

    Parameters
    ----------
    cell
        (3, 3), rows are the vectors of the cell of the *trajectory*, often a supercell.
    normal
        Miller indices of the plane in that cell.

    Raises
    ------
    InputError
        If all indices are zero.
    """
    if not any(normal):
        raise InputError("A lattice plane needs Miller indices", received="0, 0, 0")
    named = [(name, vector) for name, vector in zip("abc", cell, strict=True)]
    plane = "(" + "".join(f"{index}" if index >= 0 else f"-{-index}" for index in normal) + ")"
    upright = _unit(np.linalg.inv(cell) @ np.array(normal, dtype=float))
    found = [Direction(f"along {name}", _unit(vector)[None]) for name, vector in named]
    if all(abs(float(one.axes[0] @ upright)) < 1.0 - _SAME_ANGLE**2 for one in found):
        found.append(Direction(f"normal to {plane}", upright[None]))
    return (*found, Direction(f"in the plane {plane}", plane_of(upright)))


def plane_of(normal: Floats) -> Floats:
    """Return two orthonormal vectors at right angles to a unit vector, (2, 3)."""
    return np.asarray(np.linalg.svd(normal[None])[2][1:])


def _unit(vector: Floats) -> Floats:
    return np.asarray(vector / np.linalg.norm(vector), dtype=float)


def principal_directions(tensor: Floats, dof: float, significance: float) -> tuple[Direction, ...]:
    """Return the principal axes of a diffusion tensor as far as they can be told apart.

    Neighbouring roots are put into one plane, or all into one sphere, where Anderson's
    likelihood-ratio test of their equality is not rejected: roots of a noisy tensor always differ,
    the largest being too large and the smallest too small.

    Parameters
    ----------
    tensor
        (3, 3), symmetric.
    dof
        Degrees of freedom with which each element is known.
    significance
        Chance of telling equal roots apart.
    """
    roots, vectors = np.linalg.eigh(tensor)
    roots = np.maximum(roots[::-1], _NO_DIFFUSION * roots[-1])
    axes = vectors.T[::-1]
    groups = _groups(roots, dof, significance)
    edges = np.concatenate([[0], np.cumsum(groups)])
    names = _names(groups)
    return tuple(
        Direction(name, axes[a:b]) for name, (a, b) in zip(names, pairwise(edges), strict=True)
    )


def _names(groups: tuple[int, ...]) -> tuple[str, ...]:
    one = {1: "along a principal axis", 2: "in a principal plane", 3: "in all directions"}
    if len(groups) == 3:
        return tuple(f"along principal axis {k}" for k in (1, 2, 3))
    return tuple(one[size] for size in groups)


def _groups(roots: Floats, dof: float, significance: float) -> tuple[int, ...]:
    if alike(roots, dof) > significance:
        return (3,)
    upper, lower = alike(roots[:2], dof), alike(roots[1:], dof)
    if max(upper, lower) <= significance:
        return (1, 1, 1)
    return (2, 1) if upper > lower else (1, 2)


def alike(roots: Floats, dof: float) -> float:
    """Return the probability of roots so unlike each other if they were equal.

    ``-dof ln(prod roots / mean^q)`` is chi-square with (q - 1)(q + 2) / 2 degrees of freedom, with
    Bartlett's factor for small samples.
    """
    q = len(roots)
    factor = max(dof - (2.0 * q**2 + q + 2.0) / (6.0 * q), 1e-9)
    statistic = factor * (q * np.log(roots.mean()) - np.log(roots).sum())
    return float(stats.chi2.sf(statistic, 0.5 * (q - 1) * (q + 2)))
