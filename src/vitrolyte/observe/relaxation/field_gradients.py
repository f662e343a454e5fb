"""Electric field gradients at ions from point charges, summed over the whole periodic crystal."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.matter.electrostatics import COULOMB_EV_A
from vitrolyte.matter.periodic import perpendicular_widths

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def field_gradients(
    positions: Floats,
    cell: Floats,
    charges: Floats,
    probes: Integers,
    *,
    accuracy: float = 1e-5,
) -> Floats:
    r"""Return the electric field gradients that point charges make at some of the ions.

    .. math:: V_{ab} = \frac{e}{4\pi\epsilon_0} \sum_j q_j \frac{3 r_a r_b - r^2 \delta_{ab}}{r^5}

    over all ions and their images by Ewald's method; traceless. A uniform background, or the
    Gaussians of the method, have no traceless part where they are isotropic, so that a charged
    cell is right too.

    Parameters
    ----------
    positions
        (n_atoms, 3), Å, wrapped or not.
    cell
        (3, 3), Å, rows are the cell vectors.
    charges
        (n_atoms,), e.
    probes
        (m,), indices of the ions at which it is wanted.
    accuracy
        Relative size of what is left out of both sums.

    Returns
    -------
    (m, 3, 3), V/Å².

    Raises
    ------
    InputError
        If the accuracy is not between 1e-12 and 0.01.

    References
    ----------
    Ewald, Ann. Phys. 369, 253 (1921), doi:10.1002/andp.19213690304.
    """
    if not 1e-12 <= accuracy <= 1e-2:
        raise InputError(
            "The accuracy of a lattice sum lies between 1e-12 and 0.01", received=f"{accuracy}"
        )
    reach = math.sqrt(-math.log(accuracy))
    cutoff = 0.4999 * float(perpendicular_widths(cell).min())
    splitting = reach / cutoff
    reciprocal = np.ascontiguousarray(2.0 * math.pi * np.linalg.inv(cell).T)
    longest = 2.0 * splitting * reach
    most = np.floor(longest * np.linalg.norm(cell, axis=1) / (2.0 * math.pi)).astype(np.int64)
    fractional = positions @ np.linalg.inv(cell)
    fractional = np.ascontiguousarray(fractional - np.floor(fractional))
    found = np.zeros((len(probes), 3, 3))
    cell = np.ascontiguousarray(cell)
    _near(fractional, cell, charges, probes, splitting, cutoff, found)
    volume = abs(float(np.linalg.det(cell)))
    waves = np.zeros((len(probes), 3, 3))
    _far(fractional, reciprocal, charges, probes, splitting, longest, most, waves)
    found -= 4.0 * math.pi / volume * waves
    trace = np.trace(found, axis1=1, axis2=2) / 3.0
    found -= trace[:, None, None] * np.eye(3)
    return COULOMB_EV_A * found


def components(tensors: Floats) -> Floats:
    r"""Return five components whose squares add up to :math:`\sum_{ab} V_{ab}^2`, (..., 5).

    Parameters
    ----------
    tensors
        (..., 3, 3), symmetric and traceless.
    """
    root = math.sqrt(2.0)
    return np.stack(
        [
            (tensors[..., 0, 0] - tensors[..., 1, 1]) / root,
            math.sqrt(1.5) * tensors[..., 2, 2],
            root * tensors[..., 0, 1],
            root * tensors[..., 0, 2],
            root * tensors[..., 1, 2],
        ],
        axis=-1,
    )


def principal_values(tensors: Floats) -> tuple[Floats, Floats]:
    """Return V_zz of the largest size, with its sign, and the asymmetry eta of tensors, (...)."""
    values = np.linalg.eigvalsh(tensors)
    order = np.argsort(np.abs(values), axis=-1)
    small, middle, large = np.moveaxis(np.take_along_axis(values, order, axis=-1), -1, 0)
    safe = np.where(large == 0.0, 1.0, large)
    return np.asarray(large), np.asarray(np.where(large == 0.0, 0.0, (small - middle) / safe))


@njit(cache=True, nogil=True)
def _near(
    fractional: Floats,
    cell: Floats,
    charges: Floats,
    probes: Integers,
    splitting: float,
    cutoff: float,
    found: Floats,
) -> None:
    """Add the short-ranged part. Hot loop: the nearest image, no farther than half the cell."""
    vector = np.empty(3)
    slope = 2.0 * splitting / math.sqrt(math.pi)
    for m in range(len(probes)):
        i = probes[m]
        for j in range(len(charges)):
            if j == i:
                continue
            f0 = fractional[j, 0] - fractional[i, 0]
            f1 = fractional[j, 1] - fractional[i, 1]
            f2 = fractional[j, 2] - fractional[i, 2]
            f0 -= round(f0)
            f1 -= round(f1)
            f2 -= round(f2)
            square = 0.0
            for a in range(3):
                vector[a] = f0 * cell[0, a] + f1 * cell[1, a] + f2 * cell[2, a]
                square += vector[a] * vector[a]
            if square > cutoff * cutoff:
                continue
            r = math.sqrt(square)
            wide = math.erfc(splitting * r) / (r * square)
            narrow = slope * math.exp(-splitting * splitting * square) / square
            outer = 3.0 * wide / square + narrow * (3.0 / square + 2.0 * splitting * splitting)
            inner = wide + narrow
            for a in range(3):
                for b in range(3):
                    found[m, a, b] += charges[j] * outer * vector[a] * vector[b]
                found[m, a, a] -= charges[j] * inner


@njit(cache=True, nogil=True)
def _far(
    fractional: Floats,
    reciprocal: Floats,
    charges: Floats,
    probes: Integers,
    splitting: float,
    longest: float,
    most: Integers,
    waves: Floats,
) -> None:
    """Add the sum over reciprocal vectors, one of each pair of opposite ones. Hot loop."""
    n = len(charges)
    table = np.empty((3, most.max() + 1, n), dtype=np.complex128)
    for a in range(3):
        for i in range(n):
            angle = 2.0 * math.pi * fractional[i, a]
            turn = complex(math.cos(angle), math.sin(angle))
            table[a, 0, i] = 1.0
            for h in range(1, most[a] + 1):
                table[a, h, i] = table[a, h - 1, i] * turn
    phases = np.empty(n, dtype=np.complex128)
    k = np.empty(3)
    for h in range(most[0] + 1):
        for v in range(-most[1] if h > 0 else 0, most[1] + 1):
            for w in range(-most[2] if h > 0 or v > 0 else 0, most[2] + 1):
                square = 0.0
                for a in range(3):
                    k[a] = h * reciprocal[0, a] + v * reciprocal[1, a] + w * reciprocal[2, a]
                    square += k[a] * k[a]
                if square > longest * longest or square == 0.0:
                    continue
                total = 0.0j
                for i in range(n):
                    first = table[1, abs(v), i]
                    second = table[2, abs(w), i]
                    if v < 0:
                        first = first.conjugate()
                    if w < 0:
                        second = second.conjugate()
                    phases[i] = table[0, h, i] * first * second
                    total += charges[i] * phases[i]
                weight = 2.0 * math.exp(-square / (4.0 * splitting * splitting)) / square
                for m in range(len(probes)):
                    value = weight * (phases[probes[m]] * total.conjugate()).real
                    for a in range(3):
                        for b in range(3):
                            waves[m, a, b] += value * k[a] * k[b]
