"""Repeating a cell."""

from __future__ import annotations

import math

import numpy as np

from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory, structure
from vitrolyte.matter.periodic import Floats, perpendicular_widths

Repeats = tuple[int, int, int]


def nearly_cubic_repeats(cell: Floats, n_atoms: int, at_least: int) -> Repeats:
    """Return the repeats that give at least so many atoms in the most cubic box of few atoms.

    The box grows as a cube of growing edge does: each axis is repeated until its perpendicular
    width reaches the edge, and the smallest edge that holds enough atoms is taken.
    """
    widths = perpendicular_widths(cell)
    most = math.ceil(at_least / n_atoms)
    edges = np.unique(np.outer(np.arange(1, most + 1), widths))
    for edge in edges:
        repeats = [max(1, math.ceil(edge / width - 1e-9)) for width in widths]
        if math.prod(repeats) * n_atoms >= at_least:
            return repeats[0], repeats[1], repeats[2]
    return most, 1, 1


def supercell(
    crystal: Trajectory, repeats: Repeats | None = None, *, at_least_atoms: int | None = None
) -> Trajectory:
    """Return a structure repeated along its cell vectors.

    Parameters
    ----------
    crystal
        One frame; of more, the last is taken.
    repeats
        Copies along each cell vector; or
    at_least_atoms
        how many atoms are wanted: the nearly cubic repeat with no fewer is chosen.

    Raises
    ------
    InputError
        If neither or both are given, or they are not positive.
    """
    if (repeats is None) == (at_least_atoms is None):
        raise InputError(
            "A supercell needs either repeats or at_least_atoms",
            received=f"repeats {repeats}, at_least_atoms {at_least_atoms}",
        )
    one = crystal.frame(-1).read()
    cell = one.cells[0]
    if repeats is None:
        repeats = nearly_cubic_repeats(cell, crystal.n_atoms, max(1, at_least_atoms or 1))
    if min(repeats) < 1:
        raise InputError("A cell is repeated at least once each way", received=f"{repeats}")
    steps = np.indices(repeats).reshape(3, -1).T @ cell
    positions = (one.positions[0][None] + steps[:, None]).reshape(-1, 3)
    return structure(crystal.species * len(steps), positions, cell * np.array(repeats)[:, None])
