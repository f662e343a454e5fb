"""The diffractometer: wavelengths, polarisation, the width of its peaks."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError

Floats = NDArray[np.float64]

CITATIONS = ("10.1103/RevModPhys.75.35", "10.1016/0369-643X(58)90029-X")

K_ALPHA_A = {
    "Cr": (2.2897260, 2.2936510),
    "Fe": (1.9360410, 1.9399730),
    "Co": (1.7889960, 1.7928350),
    "Ni": (1.6579300, 1.6617560),
    "Cu": (1.5405929, 1.5444274),
    "Mo": (0.7093172, 0.7136070),
    "Ag": (0.5594218, 0.5638131),
}
"""K-alpha-1 and K-alpha-2 of the usual anodes, Å: Deslattes et al., Rev. Mod. Phys. 75, 35 (2003),
doi:10.1103/RevModPhys.75.35."""

ALPHA_2_SHARE = 0.5
"""Intensity of K-alpha-2 over K-alpha-1: two electrons of p(1/2) to four of p(3/2)."""

_REACH_IN_WIDTHS = 25.0


def anode_lines(anode: str, *, alpha_2: bool = True) -> tuple[tuple[float, float], ...]:
    """Return wavelengths (Å) and weights of an anode's K-alpha lines; the weights add up to 1.

    Raises
    ------
    InputError
        If the anode is not in the table.
    """
    if anode not in K_ALPHA_A:
        near = difflib.get_close_matches(anode, K_ALPHA_A, n=1)
        raise InputError(
            f"An anode is one of {', '.join(K_ALPHA_A)}",
            received=repr(anode),
            remedy=f"did you mean {near[0]!r}?" if near else "give the wavelength in Å instead",
        )
    first, second = K_ALPHA_A[anode]
    if not alpha_2:
        return ((first, 1.0),)
    total = 1.0 + ALPHA_2_SHARE
    return ((first, 1.0 / total), (second, ALPHA_2_SHARE / total))


def monochromator_polarisation(two_theta_deg: float) -> float:
    """Return `Diffractometer.polarisation` behind a mosaic monochromator, ``1 / (1 + cos^2)``.

    Parameters
    ----------
    two_theta_deg
        Its scattering angle, degrees: 26.6 for graphite 002 with copper.
    """
    return 1.0 / (1.0 + math.cos(math.radians(two_theta_deg)) ** 2)


@dataclass(frozen=True)
class Diffractometer:
    """What stands between a structure and its pattern.

    Attributes
    ----------
    lines
        Wavelengths, Å, and their weights.
    polarisation
        Share K of the intensity with its field across the plane of scattering:
        ``P = K + (1 - K) cos^2 2 theta``. One half for a bare tube, `monochromator_polarisation`
        behind a monochromator, 1 for a synchrotron that scatters vertically. Neutrons: no effect.
    caglioti
        U, V, W of ``FWHM^2 = U tan^2 theta + V tan theta + W``, deg².
    mixing
        Lorentzian share of the pseudo-Voigt profile, 0 to 1.
    resolution
        Further width, constant in Q, 1/Å; joined in the square. A periodic box of edge L knows
        nothing finer than ``2 pi / L``.
    two_theta_deg
        First and last angle.
    step_deg
        Step of the pattern.

    Raises
    ------
    InputError
        If a number is out of its range or the width is nowhere positive.

    References
    ----------
    Caglioti, Paoletti & Ricci, Nucl. Instrum. 3, 223 (1958), doi:10.1016/0369-643X(58)90029-X.
    """

    lines: tuple[tuple[float, float], ...] = ((K_ALPHA_A["Cu"][0], 1.0),)
    polarisation: float = 0.5
    caglioti: tuple[float, float, float] = (0.0, 0.0, 0.01)
    mixing: float = 0.5
    resolution: float = 0.0
    two_theta_deg: tuple[float, float] = (5.0, 120.0)
    step_deg: float = 0.02

    def __post_init__(self) -> None:
        first, last = self.two_theta_deg
        lines = bool(self.lines) and all(x > 0 and weight > 0 for x, weight in self.lines)
        shares = 0 <= self.polarisation <= 1 and 0 <= self.mixing <= 1 and self.resolution >= 0
        if not (lines and shares and 0 < first < last < 180 and 0 < self.step_deg < last - first):
            raise InputError(
                "A diffractometer needs positive wavelengths and weights, polarisation and mixing "
                "between 0 and 1, and angles with 0 < first < last < 180 degrees",
                received=repr(self),
            )
        if np.min(self.widths(self.angles, self.lines[0][0])) <= 0:
            raise InputError(
                "The peaks of a diffractometer have a positive width at every angle",
                received=f"U, V, W = {self.caglioti}, resolution {self.resolution}",
                remedy="V is negative as a rule, with V² < 4 U W",
            )

    @property
    def angles(self) -> Floats:
        """Return the angles 2 theta of the pattern, degrees."""
        first, last = self.two_theta_deg
        count = math.floor((last - first) / self.step_deg + 1e-6) + 1
        return np.asarray(first + self.step_deg * np.arange(count), dtype=float)

    def widths(self, two_theta_deg: Floats, wavelength_A: float) -> Floats:
        """Return the full width at half maximum at given angles, degrees; 0 where not real."""
        theta = np.radians(np.asarray(two_theta_deg, dtype=float)) / 2.0
        u, v, w = self.caglioti
        squared = u * np.tan(theta) ** 2 + v * np.tan(theta) + w
        per_degree = q_per_degree(2.0 * np.degrees(theta), wavelength_A)
        joined = squared + (self.resolution / per_degree) ** 2
        return np.asarray(np.sqrt(np.maximum(joined, 0.0)))

    def polarised(self, two_theta_deg: Floats) -> Floats:
        """Return the polarisation factor ``K + (1 - K) cos^2 2 theta``."""
        cosine = np.cos(np.radians(two_theta_deg))
        return np.asarray(self.polarisation + (1.0 - self.polarisation) * cosine**2)


def q_per_degree(two_theta_deg: Floats, wavelength_A: float) -> Floats:
    """Return ``dQ / d(2 theta) = (2 pi / lambda) cos(theta)``, 1/Å per degree."""
    theta = np.radians(np.asarray(two_theta_deg, dtype=float)) / 2.0
    return np.asarray(2.0 * np.pi / wavelength_A * np.cos(theta) * np.pi / 180.0)


def spread(
    diffractometer: Diffractometer, angles: Floats, areas: Floats, wavelength_A: float
) -> Floats:
    """Return lines as peaks with the profile of the instrument, on its own angles.

    Parameters
    ----------
    diffractometer
        Widths and mixing.
    angles, areas
        (n,), degrees, and the area of each line.
    wavelength_A
        Å.
    """
    inside = np.isfinite(angles) & (angles < 179.9)
    grid = diffractometer.angles
    pattern = np.zeros(len(grid))
    widths = diffractometer.widths(angles[inside], wavelength_A)
    _add_peaks(pattern, grid, angles[inside], areas[inside], widths, diffractometer.mixing)
    return pattern


@njit(cache=True, nogil=True)
def _add_peaks(
    pattern: Floats, grid: Floats, angles: Floats, areas: Floats, widths: Floats, mixing: float
) -> None:
    """Add pseudo-Voigt peaks of given areas. Hot loop.

    The tails are cut at a fixed number of widths and the area is put back into the rest.
    """
    step = grid[1] - grid[0]
    tail = 1.0 - mixing * (1.0 - 2.0 / np.pi * np.arctan(2.0 * _REACH_IN_WIDTHS))
    gauss = 2.0 * np.sqrt(np.log(2.0) / np.pi)
    for k in range(len(angles)):
        width = widths[k]
        reach = _REACH_IN_WIDTHS * width
        low = max(0, int(np.ceil((angles[k] - reach - grid[0]) / step)))
        high = min(len(grid) - 1, int(np.floor((angles[k] + reach - grid[0]) / step)))
        for i in range(low, high + 1):
            x = (grid[i] - angles[k]) / width
            lorentz = 2.0 / np.pi / (1.0 + 4.0 * x * x)
            bell = gauss * np.exp(-4.0 * np.log(2.0) * x * x)
            pattern[i] += areas[k] / (width * tail) * (mixing * lorentz + (1.0 - mixing) * bell)
