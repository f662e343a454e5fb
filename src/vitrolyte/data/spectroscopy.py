"""Curves of X-ray absorption and vibrational spectra as their readers make them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError

Floats = NDArray[np.float64]

ENERGY = Axis("photon energy", "eV")
ABSORPTION = Axis("absorption µ", "")
WAVE_NUMBER = Axis("wave number k", "1/Å")
CHI = Axis("χ(k)", "")
SHIFT = Axis("Raman shift", "cm⁻¹")
COUNTS = Axis("intensity", "counts")

_FEWEST = 10
_SAME_EV = 1e-5
_UNITS_OF_LAST_PLACE = 8


def absorption_curve(energy: Floats, mu: Floats, name: str) -> Curve:
    """Return μ(E) at rising energies, eV; several readings of one energy are averaged.

    Raises
    ------
    InputError
        If there are too few points, or any is not finite.
    """
    return Curve(*ordered(energy, mu, name), ENERGY, ABSORPTION)


def fine_structure_curve(k: Floats, chi: Floats, name: str) -> Curve:
    """Return χ(k) at rising wave numbers, 1/Å; raises as `absorption_curve` does."""
    return Curve(*ordered(k, chi, name), WAVE_NUMBER, CHI)


def raman_curve(shift: Floats, intensity: Floats, name: str) -> Curve:
    """Return a Raman spectrum at rising shifts, 1/cm; raises as `absorption_curve` does."""
    return Curve(*ordered(shift, intensity, name), SHIFT, COUNTS)


def ordered(x: Floats, y: Floats, name: str) -> tuple[Floats, Floats]:
    """Return a spectrum by rising x, readings at one x averaged.

    Raises
    ------
    InputError
        If the lengths differ, there are fewer than ten points, or any is not finite.
    """
    if len(x) != len(y) or len(x) < _FEWEST:
        raise InputError(
            f"The spectrum {name} needs as many x as y, and at least {_FEWEST}",
            received=f"{len(x)} x, {len(y)} y",
        )
    good = np.isfinite(x) & np.isfinite(y) & (np.abs(x) < 1e12) & (np.abs(y) < 1e30)
    if not np.all(good):
        raise InputError(
            f"The spectrum {name} needs finite numbers",
            received=f"{int(np.sum(~good))} points that are not",
        )
    order = np.argsort(x, kind="stable")
    rising, values = x[order], y[order]
    least = max(_SAME_EV, _UNITS_OF_LAST_PLACE * float(np.spacing(np.abs(x).max())))
    group = np.concatenate([[0], np.cumsum(np.diff(rising) > least)])
    counts = np.bincount(group)
    if len(counts) < _FEWEST:
        raise InputError(
            f"The spectrum {name} needs at least {_FEWEST} different x",
            received=f"{len(counts)}",
        )
    return np.bincount(group, rising) / counts, np.bincount(group, values) / counts
