"""Lattices in the terms of a powder pattern: reciprocal metrics, and families of reflections."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MOST_FAMILIES = 5000
_MOST_VECTORS = 2_000_000
_SYMMETRIC = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


def reciprocal_metric(cell: Floats) -> Floats:
    """Return ``G* = (A A^T)^-1`` of a cell with rows A, (3, 3), 1/Å²: ``1 / d² = h G* h^T``."""
    return np.asarray(np.linalg.inv(cell @ cell.T))


def metric_basis(rotations: Integers) -> Floats:
    """Return the metrics that a symmetry allows, (k, 3, 3), orthonormal; k from 1 to 6.

    A rotation W leaves the reciprocal metric as it is, ``W G* W^T = G*``. The metrics that all
    rotations leave are a linear space: one metric for a cubic lattice, six for a triclinic one,
    whatever the setting of the axes.
    """
    trials = np.zeros((6, 3, 3))
    for number, (i, j) in enumerate(_SYMMETRIC):
        trials[number, i, j] = trials[number, j, i] = 1.0
    turned = np.einsum("wij,njk,wlk->nil", rotations, trials, rotations) / len(rotations)
    _, strengths, rows = np.linalg.svd(turned.reshape(6, 9), full_matrices=False)
    return np.asarray(rows[strengths > 1e-8].reshape(-1, 3, 3))


def cell_parameters(metric: Floats) -> Floats:
    """Return a, b, c (Å) and alpha, beta, gamma (degrees) of a reciprocal metric, (6,).

    Raises
    ------
    InputError
        If the metric is not that of a lattice.
    """
    if np.any(np.linalg.eigvalsh(metric) <= 0):
        raise InputError("A reciprocal metric has to be positive", received=f"{metric}")
    direct = np.linalg.inv(metric)
    lengths = np.sqrt(np.diag(direct))
    cosines = direct / np.outer(lengths, lengths)
    angles = np.degrees(np.arccos(np.clip([cosines[1, 2], cosines[0, 2], cosines[0, 1]], -1, 1)))
    return np.concatenate([lengths, angles])


def free_parameters(rotations: Integers) -> tuple[str, ...]:
    """Return which of a, b, c, alpha, beta, gamma a symmetry leaves to be found.

    One of several that are equal stands for them, and an angle that is fixed is left out.
    """
    rng = np.random.default_rng(0)
    basis = metric_basis(rotations)
    trials = [np.eye(3) + _noise(rng) for _ in range(4)]
    allowed = [np.einsum("k,kij->ij", np.einsum("kij,ij->k", basis, t), basis) for t in trials]
    columns = np.array([cell_parameters(one) for one in allowed]).T
    names, kept = ("a", "b", "c", "alpha", "beta", "gamma"), []
    for number, name in enumerate(names):
        column = columns[number]
        same = any(np.allclose(column, columns[other]) for other in range(number))
        if np.ptp(column) > 1e-9 and not same:
            kept.append(name)
    return tuple(kept)


def _noise(rng: np.random.Generator) -> Floats:
    square = rng.normal(scale=0.05, size=(3, 3))
    return np.asarray(square + square.T)


@dataclass(frozen=True, eq=False)
class Families:
    """Families of equivalent reflections.

    Attributes
    ----------
    indices
        (n, 3), h, k, l of one of each.
    members
        The reflections of all families, (m, 3), both signs.
    family
        (m,), the family of each member.
    """

    indices: Integers
    members: Integers
    family: Integers

    @property
    def multiplicities(self) -> Integers:
        """Return the number of reflections of each family, (n,)."""
        return np.bincount(self.family, minlength=len(self.indices)).astype(np.int64)

    def inverse_squares(self, metric: Floats) -> Floats:
        """Return ``1 / d²`` of each family, (n,), 1/Å²."""
        h = self.indices.astype(float)
        return np.asarray(np.einsum("ni,ij,nj->n", h, metric, h))

    def where(self, chosen: NDArray[np.bool_]) -> Families:
        """Return some of the families."""
        number = np.cumsum(chosen) - 1
        held = chosen[self.family]
        return Families(self.indices[chosen], self.members[held], number[self.family[held]])


def families(cell: Floats, rotations: Integers, shortest_A: float) -> Families:
    """Return the families of reflections of a lattice down to a spacing, the widest first.

    Parameters
    ----------
    cell
        (3, 3), Å.
    rotations
        (m, 3, 3), of the point group, acting on columns of coordinates; h goes to ``h W``.
    shortest_A
        Smallest lattice spacing d.

    Raises
    ------
    InputError
        If there would be more than 5000 families.
    """
    vectors = _vectors(cell, shortest_A)
    metric = reciprocal_metric(cell)
    width = 2 * int(np.abs(vectors).max(initial=1) * 3 + 1) + 1
    images = np.einsum("ni,wij->wnj", vectors, rotations)
    images = np.concatenate([images, -images])
    keys = (images[..., 0] * width + images[..., 1]) * width + images[..., 2]
    best = keys.argmax(axis=0)
    chosen = images[best, np.arange(len(vectors))]
    unique, first, family = np.unique(keys.max(axis=0), return_index=True, return_inverse=True)
    if len(unique) > MOST_FAMILIES:
        raise InputError(
            f"A pattern of at most {MOST_FAMILIES} families of reflections can be fitted",
            received=f"{len(unique)} down to {shortest_A:.3g} Å",
            remedy="end the pattern at a smaller angle",
        )
    found = Families(chosen[first], vectors, family.astype(np.int64))
    order = np.argsort(found.inverse_squares(metric), kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return Families(found.indices[order], vectors, rank[found.family])


def _vectors(cell: Floats, shortest_A: float) -> Integers:
    reach = [math.ceil(float(np.linalg.norm(row)) / shortest_A) for row in cell]
    if math.prod(2 * one + 1 for one in reach) > _MOST_VECTORS:
        raise InputError(
            "A pattern needs a cell whose reflections can be listed",
            received=f"up to {reach} for h, k, l",
            remedy="end the pattern at a smaller angle",
        )
    axes = [np.arange(-one, one + 1) for one in reach]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    metric = reciprocal_metric(cell)
    squares = np.einsum("ni,ij,nj->n", grid, metric, grid)
    held = (squares > 0) & (squares <= shortest_A**-2)
    return np.asarray(grid[held], dtype=np.int64)
