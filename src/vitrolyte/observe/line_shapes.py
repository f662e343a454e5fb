r"""Shapes of single lines, of area one, with their derivatives.

Every shape takes x, a centre and full widths at half maximum; arrays broadcast, so that
``gaussian(x[:, None], centres, widths)`` gives the lines as columns (n, m). Functions ending in
``_slopes`` return the derivatives by the parameters in their order, stacked along a new first
axis; the derivative by x is minus that by the centre.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import wofz

Floats = NDArray[np.float64]

_FOUR_LN2 = 4.0 * math.log(2.0)
_GAUSS = math.sqrt(_FOUR_LN2 / math.pi)
_SIGMA = 1.0 / math.sqrt(2.0 * _FOUR_LN2)
"""Standard deviation of a Gaussian line over its full width at half maximum."""
_ROOT2, _ROOT2PI = math.sqrt(2.0), math.sqrt(2.0 * math.pi)


def gaussian(x: ArrayLike, centre: ArrayLike, width: ArrayLike) -> Floats:
    r"""Return a Gaussian line, :math:`\sqrt{4\ln 2 / \pi}\; e^{-4\ln 2\,(x-c)^2/w^2} / w`.

    Parameters
    ----------
    x, centre, width
        Width w is the full one at half maximum, above zero; all in one unit.
    """
    u, w = _reduced(x, centre, width)
    return np.asarray(_GAUSS / w * np.exp(-_FOUR_LN2 * u**2))


def gaussian_slopes(x: ArrayLike, centre: ArrayLike, width: ArrayLike) -> Floats:
    """Return the derivatives of a Gaussian line by centre and width, (2, ...)."""
    u, w = _reduced(x, centre, width)
    y = _GAUSS / w * np.exp(-_FOUR_LN2 * u**2)
    steep = 2.0 * _FOUR_LN2 * u
    return np.stack([steep * y / w, (steep * u - 1.0) * y / w])


def lorentzian(x: ArrayLike, centre: ArrayLike, width: ArrayLike) -> Floats:
    r"""Return a Lorentzian line, :math:`\frac{2}{\pi w} \left[1 + 4 (x-c)^2 / w^2\right]^{-1}`."""
    u, w = _reduced(x, centre, width)
    return np.asarray(2.0 / (math.pi * w) / (1.0 + 4.0 * u**2))


def lorentzian_slopes(x: ArrayLike, centre: ArrayLike, width: ArrayLike) -> Floats:
    """Return the derivatives of a Lorentzian line by centre and width, (2, ...)."""
    u, w = _reduced(x, centre, width)
    fall = 1.0 / (1.0 + 4.0 * u**2)
    y = 2.0 / (math.pi * w) * fall
    steep = 8.0 * u * fall
    return np.stack([steep * y / w, (steep * u - 1.0) * y / w])


def pseudo_voigt(x: ArrayLike, centre: ArrayLike, width: ArrayLike, share: ArrayLike) -> Floats:
    r"""Return :math:`\eta L(x) + (1 - \eta) G(x)`, Lorentzian and Gaussian of one width.

    Parameters
    ----------
    share
        η, the part of the area that is Lorentzian, between 0 and 1.

    References
    ----------
    Wertheim, Butler, West & Buchanan, Rev. Sci. Instrum. 45, 1369 (1974),
    https://doi.org/10.1063/1.1686503.
    """
    part = np.asarray(share, dtype=float)
    straight, bell = lorentzian(x, centre, width), gaussian(x, centre, width)
    return np.asarray(part * straight + (1.0 - part) * bell)


def pseudo_voigt_slopes(
    x: ArrayLike, centre: ArrayLike, width: ArrayLike, share: ArrayLike
) -> Floats:
    """Return the derivatives of a pseudo-Voigt line by centre, width and share, (3, ...)."""
    part = np.asarray(share, dtype=float)
    both = part * lorentzian_slopes(x, centre, width)
    both = both + (1.0 - part) * gaussian_slopes(x, centre, width)
    by_share = lorentzian(x, centre, width) - gaussian(x, centre, width)
    return np.stack([*both, np.broadcast_to(by_share, both.shape[1:])])


def voigt(x: ArrayLike, centre: ArrayLike, gauss_width: ArrayLike, width: ArrayLike) -> Floats:
    r"""Return a Voigt line: a Gaussian folded with a Lorentzian.

    .. math:: V = \frac{\mathrm{Re}\,w(z)}{\sigma\sqrt{2\pi}}, \qquad
        z = \frac{x - c + i\gamma}{\sigma\sqrt 2}

    with Faddeeva's function w and γ half the Lorentzian width.

    Parameters
    ----------
    gauss_width, width
        Full widths at half maximum of the Gaussian (above zero) and of the Lorentzian.

    References
    ----------
    Humlíček, J. Quant. Spectrosc. Radiat. Transfer 21, 309 (1979),
    https://doi.org/10.1016/0022-4073(79)90062-1.
    """
    z, sigma = _faddeeva_place(x, centre, gauss_width, width)
    return np.asarray(np.real(wofz(z)) / (sigma * _ROOT2PI))


def voigt_slopes(
    x: ArrayLike, centre: ArrayLike, gauss_width: ArrayLike, width: ArrayLike
) -> Floats:
    """Return the derivatives of a Voigt line by centre, Gaussian and Lorentzian width, (3, ...)."""
    z, sigma = _faddeeva_place(x, centre, gauss_width, width)
    value = wofz(z)
    slope = 2.0j / math.sqrt(math.pi) - 2.0 * z * value
    scale = 1.0 / (sigma * _ROOT2PI)
    by_centre = -np.real(slope) * scale / (sigma * _ROOT2)
    by_gauss = -_SIGMA * scale / sigma * np.real(value + z * slope)
    by_lorentz = 0.5 * np.real(1j * slope) * scale / (sigma * _ROOT2)
    return np.stack([by_centre, by_gauss, by_lorentz])


def voigt_width(gauss_width: ArrayLike, width: ArrayLike) -> Floats:
    r"""Return the full width at half maximum of a Voigt line, to 0.02 %.

    .. math:: w = 0.5346\, w_L + \sqrt{0.2166\, w_L^2 + w_G^2}

    References
    ----------
    Olivero & Longbothum, J. Quant. Spectrosc. Radiat. Transfer 17, 233 (1977),
    https://doi.org/10.1016/0022-4073(77)90161-3.
    """
    bell, straight = np.asarray(gauss_width, dtype=float), np.asarray(width, dtype=float)
    return np.asarray(0.5346 * straight + np.sqrt(0.2166 * straight**2 + bell**2))


def _reduced(x: ArrayLike, centre: ArrayLike, width: ArrayLike) -> tuple[Floats, Floats]:
    w = np.asarray(width, dtype=float)
    u = (np.asarray(x, dtype=float) - np.asarray(centre, dtype=float)) / w
    return u, np.broadcast_to(w, u.shape)


def _faddeeva_place(
    x: ArrayLike, centre: ArrayLike, gauss_width: ArrayLike, width: ArrayLike
) -> tuple[NDArray[np.complex128], Floats]:
    sigma = _SIGMA * np.asarray(gauss_width, dtype=float)
    offset = np.asarray(x, dtype=float) - np.asarray(centre, dtype=float)
    z = (offset + 0.5j * np.asarray(width, dtype=float)) / (sigma * _ROOT2)
    return np.asarray(z), np.broadcast_to(sigma, z.shape)
