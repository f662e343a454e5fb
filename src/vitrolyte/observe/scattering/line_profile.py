"""Shapes of powder lines: Thompson, Cox and Hastings, and what axial divergence does to them."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CITATIONS = ("10.1107/S0021889887087090",)
REACH_IN_WIDTHS = 30.0
"""How far a line is drawn, in widths at half maximum; its area is put back into what is drawn."""

_POWERS = (1.0, 2.69269, 2.42843, 4.47163, 0.07842, 1.0)


def pseudo_voigt_of(gauss: Floats, lorentz: Floats) -> tuple[Floats, Floats, Floats]:
    """Return width, Lorentzian share, and their slopes, of a Gaussian width and a Lorentzian one.

    ``H^5 = HG^5 + 2.69269 HG^4 HL + 2.42843 HG^3 HL² + 4.47163 HG² HL^3 + 0.07842 HG HL^4 + HL^5``
    and ``eta = 1.36603 q - 0.47719 q² + 0.11116 q³``, ``q = HL / H``.

    Returns
    -------
    width, share
        (n,), in the unit of the widths, and from 0 to 1.
    slopes
        (4, n): of the width by HG and HL, and of the share by HG and HL.

    References
    ----------
    Thompson, Cox & Hastings, J. Appl. Cryst. 20, 79 (1987), doi:10.1107/S0021889887087090.
    """
    g, k = np.asarray(gauss, dtype=float), np.asarray(lorentz, dtype=float)
    fifth = sum(factor * g ** (5 - n) * k**n for n, factor in enumerate(_POWERS))
    width = fifth**0.2
    by_g = sum((5 - n) * f * g ** (4 - n) * k**n for n, f in enumerate(_POWERS[:5]))
    by_k = sum(n * f * g ** (5 - n) * k ** (n - 1) for n, f in enumerate(_POWERS) if n)
    down = 1.0 / (5.0 * width**4)
    width_g, width_k = by_g * down, by_k * down
    q = k / width
    share = 1.36603 * q - 0.47719 * q**2 + 0.11116 * q**3
    slope = (1.36603 - 0.95438 * q + 0.33348 * q**2) / width
    return (
        width,
        share,
        np.array([width_g, width_k, -slope * q * width_g, slope * (1 - q * width_k)]),
    )


def drawn_points(angles: Floats, positions: Floats, widths: Floats) -> tuple[Integers, Integers]:
    """Return the first point of each line and how many it has, (n,), on rising angles."""
    reach = REACH_IN_WIDTHS * widths
    first = np.searchsorted(angles, positions - reach)
    last = np.searchsorted(angles, positions + reach)
    return first.astype(np.int64), (last - first).astype(np.int64)


@njit(cache=True, nogil=True)
def draw_lines(
    angles: Floats,
    lines: tuple[Floats, Floats, Floats],
    first: Integers,
    counts: Integers,
    drawn: tuple[Floats, Floats, Floats, Floats],
) -> None:
    """Write profile and slopes by position, width and share of each line. Hot loop.

    Parameters
    ----------
    angles
        (n_points,), rising.
    lines
        Positions, widths and Lorentzian shares, each (n_lines,).
    first, counts
        From `drawn_points`.
    drawn
        Profile of unit area, and its slopes by position, width and share, each
        (sum of counts,), line after line.
    """
    positions, widths, shares = lines
    value, by_position, by_width, by_share = drawn
    bell = np.sqrt(4.0 * np.log(2.0) / np.pi)
    inside = 2.0 / np.pi * np.arctan(2.0 * REACH_IN_WIDTHS)
    place = 0
    for line in range(len(positions)):
        width, share = widths[line], shares[line]
        for point in range(first[line], first[line] + counts[line]):
            x = (angles[point] - positions[line]) / width
            down = 1.0 / (1.0 + 4.0 * x * x)
            lorentz = 2.0 / np.pi * down / inside
            gauss = bell * np.exp(-4.0 * np.log(2.0) * x * x)
            steep = share * lorentz * 8.0 * x * down + (1.0 - share) * gauss * 8.0 * np.log(2.0) * x
            height = share * lorentz + (1.0 - share) * gauss
            value[place] = height / width
            by_position[place] = steep / width**2
            by_width[place] = (steep * x - height) / width**2
            by_share[place] = (lorentz - gauss) / width
            place += 1


def axial_offsets(positions: Floats, nodes: int) -> tuple[Floats, Floats]:
    """Return how axial divergence spreads lines towards low angle: offsets and weights.

    A ray at the angle phi out of the plane is seen ``(phi² / 2) cot(2 theta)`` too low. With phi
    spread as a triangle up to phi_0 the offset is ``-s u² cot(2 theta)``, ``s = phi_0² / 2`` in
    degrees, u in [0, 1] with the weight ``2 (1 - u)``; the integral is taken at Gauss points.

    Returns
    -------
    offsets
        (n_lines, nodes), degrees for s of one degree.
    weights
        (nodes,), adding up to 1.
    """
    x, w = np.polynomial.legendre.leggauss(nodes)
    u = (x + 1.0) / 2.0
    weights = w * (1.0 - u)
    cotangent = 1.0 / np.tan(np.radians(positions))
    return -np.outer(cotangent, u**2), weights / weights.sum()


@njit(cache=True, nogil=True)
def add_slopes(
    first: Integers,
    counts: Integers,
    drawn: tuple[Floats, Floats, Floats, Floats],
    factors: Floats,
    slopes: Floats,
) -> None:
    """Add what each line changes by with each parameter. Hot loop.

    Parameters
    ----------
    first, counts
        From `drawn_points`.
    drawn
        From `draw_lines`.
    factors
        (n_lines, p, 4): change of height, position, width and share of a line with a parameter,
        all times the height of the line.
    slopes
        (n_points, p), added to.
    """
    value, by_position, by_width, by_share = drawn
    start = 0
    for line in range(len(first)):
        for parameter in range(factors.shape[1]):
            a, b, c, d = factors[line, parameter]
            if a == 0.0 and b == 0.0 and c == 0.0 and d == 0.0:
                continue
            for step in range(counts[line]):
                place = start + step
                slopes[first[line] + step, parameter] += (
                    a * value[place]
                    + b * by_position[place]
                    + c * by_width[place]
                    + d * by_share[place]
                )
        start += counts[line]
