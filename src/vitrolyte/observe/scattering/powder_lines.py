"""What a crystal's families of reflections scatter, and where their lines stand in a pattern."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.crystal import Crystal
from vitrolyte.data.errors import InputError
from vitrolyte.observe.scattering.lattices import Families, families, reciprocal_metric
from vitrolyte.observe.scattering.probes import Probe

Floats = NDArray[np.float64]

CITATIONS = ("10.1107/S0021889886089458",)
USUAL_B_A2 = 0.5
"""B that is taken where a structure has none, Å²: common in inorganic crystals at 300 K."""

_ABSENT = 1e-6


@dataclass(frozen=True, eq=False)
class PowderLines:
    """Families of reflections of one crystal with their strengths.

    Attributes
    ----------
    crystal
        The crystal.
    families
        Those that scatter, widest spacing first.
    strengths
        (n,), ``sum |F|²`` over a family, of one cell: e² or barn.
    """

    crystal: Crystal
    families: Families
    strengths: Floats


def powder_lines(crystal: Crystal, probe: Probe, shortest_A: float) -> PowderLines:
    """Return the families that scatter, ``F = sum_j o_j b_j exp(2 pi i h x_j) exp(-B_j s²)``.

    Where B is not known 0.5 Å² is taken. Families whose strength is below a millionth of the
    greatest are absent.

    Parameters
    ----------
    crystal
        Its sites, cell and symmetry.
    probe
        `XRays` or `Neutrons`.
    shortest_A
        Smallest lattice spacing.

    Raises
    ------
    InputError
        If no reflection lies within reach.
    """
    found = families(crystal.cell, crystal.rotations, shortest_A)
    if len(found.indices) == 0:
        raise InputError(
            f"A reflection of {crystal.name} within the pattern is needed",
            received=f"none with a spacing above {shortest_A:.3g} Å",
        )
    squares = found.inverse_squares(reciprocal_metric(crystal.cell))
    forward = _squared(crystal, probe, found.indices, squares)
    backward = _squared(crystal, probe, -found.indices, squares)
    strengths = found.multiplicities * (forward + backward) / 2.0
    held = strengths > _ABSENT * strengths.max()
    return PowderLines(crystal, found.where(held), strengths[held])


def _squared(crystal: Crystal, probe: Probe, indices: NDArray[np.int64], squares: Floats) -> Floats:
    kinds = tuple(dict.fromkeys(crystal.elements))
    amplitudes = probe.amplitudes(kinds, 2.0 * np.pi * np.sqrt(squares))
    kind = np.array([kinds.index(element) for element in crystal.elements])
    b = np.where(np.isnan(crystal.b_iso), USUAL_B_A2, crystal.b_iso)
    total = np.zeros(len(indices), dtype=complex)
    for start in range(0, len(kind), 64):  # a block of sites at a time bounds the memory
        sites = slice(start, start + 64)
        phases = np.exp(2j * np.pi * indices @ crystal.fractional[sites].T)
        damping = np.exp(-np.outer(squares / 4.0, b[sites]))
        total += np.einsum(
            "ns,ns,sn,s->n", phases, damping, amplitudes[kind[sites]], crystal.occupancies[sites]
        )
    return np.asarray(np.abs(total) ** 2)


def march_dollase(lines: PowderLines, axis: tuple[int, int, int], ratio: float) -> Floats:
    """Return by what a texture multiplies each family, (n,).

    ``P = <(r² cos² a + sin² a / r)^(-3/2)>`` over the members, a the angle to the axis [hkl] of
    the reciprocal lattice; 1 for r = 1, r < 1 for plates that lie flat in reflection.

    References
    ----------
    Dollase, J. Appl. Cryst. 19, 267 (1986), doi:10.1107/S0021889886089458.
    """
    metric = reciprocal_metric(lines.crystal.cell)
    h, u = lines.families.members.astype(float), np.asarray(axis, dtype=float)
    lengths = np.einsum("ni,ij,nj->n", h, metric, h) * (u @ metric @ u)
    cosine = (h @ metric @ u) ** 2 / lengths
    each = (ratio**2 * cosine + (1.0 - cosine) / ratio) ** -1.5
    family = lines.families.family
    total = np.bincount(family, weights=each, minlength=len(lines.strengths))
    return np.asarray(total / lines.families.multiplicities)


def lorentz_polarisation(two_theta_deg: Floats, across: float) -> Floats:
    """Return ``[K + (1 - K) cos² 2 theta] / (sin² theta cos theta)``; K = 1 for neutrons."""
    angle = np.radians(two_theta_deg)
    sine, cosine = np.sin(angle / 2.0), np.cos(angle / 2.0)
    return np.asarray((across + (1.0 - across) * np.cos(angle) ** 2) / (sine**2 * cosine))
