"""Coulomb energies of point charges under periodic boundaries, for ranking arrangements."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc

from vitrolyte.matter.periodic import perpendicular_widths

Floats = NDArray[np.float64]
COULOMB_EV_A = 14.399645
"""e² / (4 pi epsilon_0), eV Å (CODATA 2018)."""


def ewald_matrix(fractional: Floats, cell: Floats, *, accuracy: float = 1e-8) -> Floats:
    """Return the matrix A of which the Coulomb energy of point charges is ``½ q·A·q``, eV.

    ``A_ij = sum_n erfc(g |r_ij + n|) / |r_ij + n| + (4 pi / V) sum_k exp(-k²/4g²) cos(k·r_ij)/k²
    - 2 g delta_ij / sqrt(pi)``, all times e²/(4 pi epsilon_0); the charges must add up to zero.
    One matrix serves every way of distributing charges over the same sites.

    Parameters
    ----------
    fractional
        (n, 3), fractional coordinates of the sites.
    cell
        (3, 3), Å, rows are the cell vectors.
    accuracy
        Relative size of the terms that are left out.

    References
    ----------
    Ewald, Ann. Phys. 369, 253 (1921), doi:10.1002/andp.19213690304.
    """
    n, volume = len(fractional), abs(float(np.linalg.det(cell)))
    reach = math.sqrt(-math.log(accuracy))
    splitting = math.sqrt(math.pi) * (n / volume**2) ** (1 / 6)
    matrix = _near(fractional, cell, splitting, reach / splitting)
    matrix += _far(fractional, cell, splitting, 2.0 * splitting * reach)
    matrix[np.diag_indices(n)] -= 2.0 * splitting / math.sqrt(math.pi)
    return COULOMB_EV_A * matrix


def coulomb_energy(charges: Floats, matrix: Floats) -> float:
    """Return the Coulomb energy of charges (n,), e, on sites with this Ewald matrix, eV."""
    return float(0.5 * charges @ matrix @ charges)


def _near(fractional: Floats, cell: Floats, splitting: float, cutoff: float) -> Floats:
    """Return the short-ranged sum over images in direct space."""
    steps = fractional[:, None] - fractional[None]
    steps -= np.rint(steps)
    total = np.zeros(steps.shape[:2])
    most = np.ceil(cutoff / perpendicular_widths(cell) + 0.5).astype(int)
    for image in np.ndindex(*(2 * most + 1)):
        distance = np.linalg.norm((steps + (np.array(image) - most)) @ cell, axis=-1)
        # An ion does not meet itself, but it meets its own images.
        counted = (distance > 1e-9) & (distance < cutoff)
        total[counted] += erfc(splitting * distance[counted]) / distance[counted]
    return total


def _far(fractional: Floats, cell: Floats, splitting: float, cutoff: float) -> Floats:
    """Return the smooth sum over reciprocal vectors."""
    reciprocal = np.asarray(2.0 * math.pi * np.linalg.inv(cell).T, dtype=float)
    most = np.ceil(cutoff / perpendicular_widths(reciprocal)).astype(int)
    grid = np.array(list(np.ndindex(*(2 * most + 1).tolist()))) - most
    squares = ((grid @ reciprocal) ** 2).sum(axis=1)
    kept = (squares > 1e-12) & (squares < cutoff**2)
    phases = 2.0 * math.pi * fractional @ grid[kept].T
    weights = np.exp(-squares[kept] / (4.0 * splitting**2)) / squares[kept]
    volume = abs(float(np.linalg.det(cell)))
    waves = (np.cos(phases) * weights) @ np.cos(phases).T
    waves += (np.sin(phases) * weights) @ np.sin(phases).T
    return np.asarray(4.0 * math.pi / volume * waves, dtype=float)
