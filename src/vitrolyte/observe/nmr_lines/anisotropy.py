r"""Anisotropic interactions of the second rank: static patterns and spinning side bands.

In Haeberlen's convention the shift of a direction is
:math:`\delta = \delta_{iso} + \tfrac{\zeta}{2} (3\cos^2\theta - 1 + \eta\sin^2\theta\cos 2\phi)`,
with ζ the principal value farthest from the mean, less the mean.

References
----------
Herzfeld & Berger, J. Chem. Phys. 73, 6021 (1980), https://doi.org/10.1063/1.440136.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.observe.nmr_lines.powder import (
    FINENESS,
    directions,
    powder_spectrum,
    second_rank,
)

Floats = NDArray[np.float64]

_MAGIC = np.arccos(1.0 / np.sqrt(3.0))
_LEAST_TIMES = 64


def anisotropy_spectrum(
    edges: ArrayLike, zeta: float, eta: float, *, fineness: int = FINENESS
) -> Floats:
    """Return the static powder pattern about the isotropic shift, (n_bins,), per unit of ζ.

    Raises
    ------
    InputError
        If the asymmetry is not between 0 and 1.
    """
    _checked(eta)
    at = directions(fineness)
    return powder_spectrum(zeta * second_rank(at, eta), edges, at)


def side_bands(
    zeta: float, eta: float, rate: float, orders: ArrayLike, *, fineness: int = 20
) -> Floats:
    r"""Return the intensities of spinning side bands at the magic angle, adding up to one over all.

    .. math:: I_N = \left\langle \left| \frac{1}{T}\int_0^T e^{i\Phi(t)} e^{-2\pi i N t/T}\,dt
        \right|^2 \right\rangle_{\alpha\beta}, \qquad \Phi(t) = 2\pi \int_0^t \nu(t')\,dt'

    The mean over the third angle is the square itself. A satellite of a spin 3/2 to first order
    is the same with :math:`\zeta = \nu_Q`.

    Parameters
    ----------
    zeta, rate
        Anisotropy and spinning rate in one unit of frequency.
    orders
        N, whole numbers; 0 is the central band.

    Raises
    ------
    InputError
        If the rate is not above zero or the asymmetry not between 0 and 1.
    """
    _checked(eta)
    if not rate > 0:
        raise InputError("Side bands need a spinning rate above zero", received=f"{rate}")
    wanted = np.asarray(orders).round().astype(int)
    at = directions(fineness)
    corners = at.vectors
    weights = np.zeros(len(corners))
    np.add.at(weights, at.triangles, np.repeat(at.weights[:, None] / 3.0, 3, axis=1))
    reach = max(int(np.abs(wanted).max()), int(2.0 * abs(zeta) / rate) + 4)
    n = int(2 ** np.ceil(np.log2(max(_LEAST_TIMES, 4 * reach))))
    intensities = np.zeros(n)
    for axis_y in (1.0, -1.0):
        phases = _phases(corners * np.array([1.0, axis_y, 1.0]), (zeta, eta), n) / rate
        amplitudes = np.fft.fft(np.exp(1j * phases), axis=1) / n
        intensities += 0.5 * weights @ np.abs(amplitudes) ** 2
    return np.asarray(intensities[wanted % n])


def _checked(eta: float) -> None:
    if not 0.0 <= eta <= 1.0:
        raise InputError("An asymmetry lies between 0 and 1", received=f"{eta}")


def _phases(spindles: Floats, tensor: tuple[float, float], n: int) -> Floats:
    """Return the phase over one turn of the rotor, (directions, n), times the rate.

    ``spindles`` (k, 3) is the axis of the rotor in the frame of the tensor.
    """
    zeta, eta = tensor
    values = zeta * np.array([-(1.0 + eta) / 2.0, -(1.0 - eta) / 2.0, 1.0])
    helper = np.where(np.abs(spindles[:, 2:]) < 0.9, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]])
    first = np.cross(spindles, helper)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(spindles, first)

    def product(a: Floats, b: Floats) -> Floats:
        return np.asarray((a * values * b).sum(axis=1)[:, None])

    t = 2.0 * np.pi * np.arange(n) / n
    sine, cosine = np.sin(_MAGIC), np.cos(_MAGIC)
    # Integrals over the angle of the rotor of the parts that turn once and twice; no mean is left.
    once = product(first, spindles) * np.sin(t) - product(second, spindles) * np.cos(t)
    even = 0.5 * (product(first, first) - product(second, second))
    twice = even * np.sin(2 * t) / 2.0 - product(first, second) * np.cos(2 * t) / 2.0
    return np.asarray(2.0 * sine * cosine * once + sine**2 * twice)
