"""Conventions of partial structure factors, and the exact ways between them.

============================ ============================================================
Faber-Ziman                  ``S_ab = 1 + (s_ab - c_a delta_ab) / (c_a c_b)``
Ashcroft-Langreth            ``s_ab / sqrt(c_a c_b) = delta_ab + sqrt(c_a c_b) (S_ab - 1)``
Bhatia-Thornton, number      ``S_NN = c_1^2 S_11 + c_2^2 S_22 + 2 c_1 c_2 S_12``
... number-concentration     ``S_NC = c_1 c_2 [c_1 (S_11 - S_12) - c_2 (S_22 - S_12)]``
... concentration            ``S_CC = c_1 c_2 [1 + c_1 c_2 (S_11 + S_22 - 2 S_12)]``
============================ ============================================================

with ``s_ab(Q) = <rho_a(Q) rho_b(-Q)> / N``. At large Q Faber-Ziman partials tend to 1,
Ashcroft-Langreth ones to ``delta_ab``, Bhatia-Thornton ones to 1, 0 and ``c_1 c_2``.

References
----------
Faber & Ziman, Phil. Mag. 11, 153 (1965), doi:10.1080/14786436508211931; Ashcroft & Langreth,
Phys. Rev. 156, 685 (1967), doi:10.1103/PhysRev.156.685; Bhatia & Thornton, Phys. Rev. B 2, 3004
(1970), doi:10.1103/PhysRevB.2.3004; Keen, J. Appl. Cryst. 34, 172 (2001),
doi:10.1107/S0021889800019993.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations_with_replacement
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dst, idst

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError

Floats = NDArray[np.float64]
Convention = Literal["Faber-Ziman", "Ashcroft-Langreth", "Bhatia-Thornton"]

CITATIONS = (
    "10.1080/14786436508211931",
    "10.1103/PhysRev.156.685",
    "10.1103/PhysRevB.2.3004",
    "10.1107/S0021889800019993",
)
BHATIA_THORNTON = ("NN", "NC", "CC")
_Q = Axis("scattering vector Q", "1/Å")
_R = Axis("distance", "Å")
_S = Axis("structure factor", "")
_G = Axis("pair distribution", "")


def convert_partials(
    partials: CurveSet, fractions: Mapping[str, float], *, source: Convention, target: Convention
) -> CurveSet:
    """Return partial structure factors in another convention; the way back is exact.

    Errors of curves are carried between Faber-Ziman and Ashcroft-Langreth; Bhatia-Thornton partials
    mix curves whose errors are correlated, and get none.

    Parameters
    ----------
    partials
        All pairs once, labelled ``Li-O``; for Bhatia-Thornton ``NN``, ``NC`` and ``CC``.
    fractions
        Atomic fraction of each species; Bhatia-Thornton takes two, the first one is 1 (see
        `grouped` to make two out of many).
    source, target
        ``Faber-Ziman``, ``Ashcroft-Langreth`` or ``Bhatia-Thornton``.

    Raises
    ------
    InputError
        If a pair is missing, a convention is unknown, or Bhatia-Thornton meets other than two
        species.
    """
    known = {
        "Faber-Ziman": (_same, _same),
        "Ashcroft-Langreth": (_from_ashcroft_langreth, _to_ashcroft_langreth),
        "Bhatia-Thornton": (_from_bhatia_thornton, _to_bhatia_thornton),
    }
    unknown = {source, target} - set(known)
    if unknown:
        raise InputError(
            f"Partial structure factors follow one of {', '.join(known)}",
            received=", ".join(sorted(unknown)),
        )
    return known[target][1](known[source][0](partials, fractions), fractions)


def _same(partials: CurveSet, fractions: Mapping[str, float]) -> CurveSet:
    check_pairs(partials, fractions)
    return partials


def pair_labels(species: Sequence[str]) -> tuple[str, ...]:
    """Return the pairs of species, each once: ``Li-Li``, ``Li-O``, ``O-O``."""
    return tuple(f"{a}-{b}" for a, b in combinations_with_replacement(species, 2))


def check_pairs(partials: CurveSet, fractions: Mapping[str, float]) -> None:
    """Refuse partials that are not all pairs of the species, each once, on one common axis.

    Raises
    ------
    InputError
        If a pair is missing, given twice or strange, or the axes differ.
    """
    wanted = sorted(sorted(label.split("-")) for label in pair_labels(tuple(fractions)))
    if sorted(sorted(label.split("-")) for label in partials.labels) != wanted:
        raise InputError(
            f"Partials are needed for each pair of {', '.join(fractions)} once",
            received=", ".join(partials.labels),
        )
    x = partials.curves[0].x
    if any(len(c) != len(x) or not np.array_equal(c.x, x) for c in partials.curves):
        raise InputError("Partials are needed on one common axis", received="axes that differ")


def between(partials: CurveSet, first: str, second: str) -> Curve:
    """Return the curve of a pair, whichever way round it is labelled."""
    label = f"{first}-{second}"
    return partials[label if label in partials.labels else f"{second}-{first}"]


def _to_ashcroft_langreth(partials: CurveSet, fractions: Mapping[str, float]) -> CurveSet:
    curves = []
    for curve in partials.curves:
        own, scale = _own_and_scale(curve.label, fractions)
        error = None if curve.y_error is None else scale * curve.y_error
        y = own + scale * (curve.y.real - 1.0)
        curves.append(Curve(curve.x, y, _Q, _S, y_error=error, label=curve.label))
    return CurveSet("Partial structure factors (Ashcroft-Langreth)", tuple(curves))


def _from_ashcroft_langreth(partials: CurveSet, fractions: Mapping[str, float]) -> CurveSet:
    check_pairs(partials, fractions)
    curves = []
    for curve in partials.curves:
        own, scale = _own_and_scale(curve.label, fractions)
        error = None if curve.y_error is None else curve.y_error / scale
        y = 1.0 + (curve.y.real - own) / scale
        curves.append(Curve(curve.x, y, _Q, _S, y_error=error, label=curve.label))
    return CurveSet("Partial structure factors (Faber-Ziman)", tuple(curves))


def _own_and_scale(label: str, fractions: Mapping[str, float]) -> tuple[float, float]:
    a, b = label.split("-")
    return (1.0 if a == b else 0.0), float(np.sqrt(fractions[a] * fractions[b]))


def _two(fractions: Mapping[str, float]) -> tuple[str, str, float, float]:
    if len(fractions) != 2:
        raise InputError(
            "Bhatia-Thornton structure factors are those of two species",
            received=", ".join(fractions),
            remedy="make two groups of the species with `grouped`, cations and anions for example",
        )
    (a, c_a), (b, c_b) = fractions.items()
    return a, b, float(c_a), float(c_b)


def _to_bhatia_thornton(partials: CurveSet, fractions: Mapping[str, float]) -> CurveSet:
    a, b, c1, c2 = _two(fractions)
    s11, s12, s22 = (between(partials, *pair).y.real for pair in ((a, a), (a, b), (b, b)))
    number = c1**2 * s11 + c2**2 * s22 + 2.0 * c1 * c2 * s12
    mixed = c1 * c2 * (c1 * (s11 - s12) - c2 * (s22 - s12))
    concentration = c1 * c2 * (1.0 + c1 * c2 * (s11 + s22 - 2.0 * s12))
    x = partials.curves[0].x
    curves = [
        Curve(x, y, _Q, _S, label=label)
        for label, y in zip(BHATIA_THORNTON, (number, mixed, concentration), strict=True)
    ]
    return CurveSet("Partial structure factors (Bhatia-Thornton)", tuple(curves))


def _from_bhatia_thornton(partials: CurveSet, fractions: Mapping[str, float]) -> CurveSet:
    a, b, c1, c2 = _two(fractions)
    number, mixed, concentration = (partials[label].y.real for label in BHATIA_THORNTON)
    slope = mixed / (c1 * c2)  # c1 (S11 - S12) - c2 (S22 - S12)
    unlike = concentration / (c1 * c2) - 1.0  # c1 c2 (S11 + S22 - 2 S12)
    s12 = number - unlike - (c1 - c2) * slope
    s11, s22 = s12 + slope + unlike / c1, s12 - slope + unlike / c2
    x = partials.curves[0].x
    curves = [
        Curve(x, y, _Q, _S, label=label)
        for label, y in zip(pair_labels((a, b)), (s11, s12, s22), strict=True)
    ]
    return CurveSet("Partial structure factors (Faber-Ziman)", tuple(curves))


def grouped(
    partials: CurveSet, fractions: Mapping[str, float], groups: Mapping[str, Sequence[str]]
) -> tuple[CurveSet, dict[str, float]]:
    """Return Faber-Ziman partials between groups of species, and the groups' fractions.

    ``S_AB - 1 = sum_{a in A, b in B} c_a c_b (S_ab - 1) / (c_A c_B)``: each group counts as one
    kind of particle, so that cations and anions, say, make a pseudo-binary. The same holds for
    partial pair distributions.

    Parameters
    ----------
    partials
        Faber-Ziman partials (or partial g(r)) of all pairs.
    fractions
        Atomic fraction of each species.
    groups
        Species by name of the group: ``{"cation": ["Li"], "anion": ["O", "Cl"]}``; each species in
        one group.

    Raises
    ------
    InputError
        If a species is left out, or stands in two groups.
    """
    check_pairs(partials, fractions)
    members = sorted(species for group in groups.values() for species in group)
    if members != sorted(fractions) or any("-" in name for name in groups):
        raise InputError(
            f"Each of {', '.join(fractions)} belongs to one group, named without a hyphen",
            received="; ".join(f"{name}: {', '.join(group)}" for name, group in groups.items()),
        )
    shares = {name: sum(fractions[one] for one in group) for name, group in groups.items()}
    first = partials.curves[0]
    curves = []
    for label in pair_labels(tuple(groups)):
        here, there = label.split("-")
        excess = np.zeros(len(first))
        for a in groups[here]:
            for b in groups[there]:
                excess += fractions[a] * fractions[b] * (between(partials, a, b).y.real - 1.0)
        y = 1.0 + excess / (shares[here] * shares[there])
        curves.append(Curve(first.x, y, first.x_axis, first.y_axis, label=label))
    return CurveSet(f"{partials.title}, grouped", tuple(curves)), shares


def factors_from_pairs(partials: CurveSet, number_density: float) -> CurveSet:
    """Return the Faber-Ziman partials of partial pair distributions; the way back is exact.

    ``S_ab(Q) - 1 = (4 pi rho0 / Q) int r [g_ab(r) - 1] sin(Q r) dr``, as a sum over the bins of
    g(r) at ``Q_k = k pi / r_max``, ``k = 1 ... n``, on which this sine transform has an exact
    inverse, `pairs_from_factors`. Nothing is known of g(r) beyond r_max, where it is taken to be 1:
    ripples with a period of ``2 pi / r_max`` are what is missing there.

    Parameters
    ----------
    partials
        Partial g(r) in the middles of equal bins that start at zero, Å.
    number_density
        Of all atoms, rho0, 1/Å³.

    Raises
    ------
    InputError
        If the distances are not such middles, or the density is not positive.
    """
    r = partials.curves[0].x
    step = _step(r, middle=True)
    _check_density(number_density)
    n = len(r)
    q = np.asarray(np.arange(1, n + 1) * np.pi / (n * step), dtype=float)
    curves = []
    for curve in partials.curves:
        sines = dst(r * (curve.y.real - 1.0), type=2) / 2.0
        y = 1.0 + 4.0 * np.pi * number_density * step * sines / q
        curves.append(Curve(q, y, _Q, _S, label=curve.label))
    return CurveSet("Partial structure factors (Faber-Ziman)", tuple(curves))


def pairs_from_factors(partials: CurveSet, number_density: float) -> CurveSet:
    """Return the partial pair distributions of Faber-Ziman partials: `factors_from_pairs` undone.

    ``g_ab(r) - 1 = 1 / (2 pi^2 rho0 r) int Q [S_ab(Q) - 1] sin(Q r) dQ``

    Parameters
    ----------
    partials
        S_ab at ``Q_k = k dQ``, ``k = 1 ... n``, 1/Å; the distances that come out are
        ``(j - 1/2) pi / (n dQ)``.
    number_density
        Of all atoms, rho0, 1/Å³.

    Raises
    ------
    InputError
        If Q does not run in equal steps from the first step on, or the density is not positive.
    """
    q = partials.curves[0].x
    width = _step(q, middle=False)
    _check_density(number_density)
    n = len(q)
    step = np.pi / (n * width)
    r = np.asarray((np.arange(n) + 0.5) * step, dtype=float)
    curves = []
    for curve in partials.curves:
        sines = (curve.y.real - 1.0) * q / (4.0 * np.pi * number_density * step)
        y = 1.0 + idst(2.0 * sines, type=2) / r
        curves.append(Curve(r, y, _R, _G, label=curve.label))
    return CurveSet("Partial pair distributions", tuple(curves))


def _step(x: Floats, *, middle: bool) -> float:
    step = float(x[1] - x[0]) if len(x) > 1 else 0.0
    expected = (np.arange(len(x)) + (0.5 if middle else 1.0)) * step
    if step <= 0 or not np.allclose(x, expected, rtol=0, atol=1e-6 * step * len(x)):
        kind = "the middles of equal bins from zero on" if middle else "multiples of one step"
        raise InputError(
            f"The exact sine transform needs {kind}",
            received=f"{len(x)} points from {x[0]:g} on",
            remedy="interpolate to such points, or use the transforms of `scattering.partials`",
        )
    return step


def _check_density(number_density: float) -> None:
    if not number_density > 0:
        raise InputError(
            "A transform needs the number density of all atoms",
            received=f"{number_density} 1/Å³",
        )
