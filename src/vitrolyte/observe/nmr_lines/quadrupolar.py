r"""Quadrupolar nuclei of half-integer spin: satellites to first, central line to second order.

.. math:: \nu_{m \leftrightarrow m-1} = (m - \tfrac12)\, \nu_Q\,
    \tfrac12 (3\cos^2\theta - 1 + \eta\sin^2\theta\cos 2\phi), \qquad
    \nu_Q = \frac{3 C_Q}{2I(2I-1)}

References
----------
Freude & Haase, in NMR Basic Principles and Progress 29 (Springer 1993), p. 1,
https://doi.org/10.1007/978-3-642-77776-0_1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.observe.nmr_lines.powder import (
    FINENESS,
    Directions,
    directions,
    powder_spectrum,
    second_rank,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Coupling:
    """A quadrupole coupling of a nucleus in a field.

    Attributes
    ----------
    spin
        I, half of an odd number, 3/2 or more.
    c_q_Hz
        Quadrupole coupling constant e² q Q / h, Hz.
    eta
        Its asymmetry, 0 to 1.
    larmor_Hz
        Larmor frequency, Hz; infinite for the first order alone.

    Raises
    ------
    InputError
        If a number is out of its range.
    """

    spin: float
    c_q_Hz: float
    eta: float = 0.0
    larmor_Hz: float = np.inf

    def __post_init__(self) -> None:
        halves = 2.0 * self.spin
        half_integer = halves == round(halves) and round(halves) % 2 == 1 and halves >= 3
        if not half_integer or not 0.0 <= self.eta <= 1.0 or not self.larmor_Hz > 0:
            raise InputError(
                "A quadrupolar line needs a spin of 3/2, 5/2 ..., an asymmetry from 0 to 1 and a "
                "Larmor frequency above zero",
                received=f"{self}",
            )

    @property
    def frequency_Hz(self) -> float:
        """Return the quadrupole frequency, Hz."""
        return 3.0 * self.c_q_Hz / (2.0 * self.spin * (2.0 * self.spin - 1.0))

    @property
    def second_order_Hz(self) -> float:
        """Return the scale of the second-order shifts of the central line, Hz."""
        if np.isinf(self.larmor_Hz):
            return 0.0
        strength = self.spin * (self.spin + 1.0) - 0.75
        return self.frequency_Hz**2 / (6.0 * self.larmor_Hz) * strength


def transition_weights(spin: float) -> dict[float, float]:
    r"""Return the intensity of each transition m ↔ m-1, adding up to one; the central one at 1/2.

    :math:`I(I+1) - m(m-1)`: 3, 4, 3 tenths for a spin of 3/2.
    """
    ms = np.arange(spin, -spin, -1.0)
    weights = spin * (spin + 1.0) - ms * (ms - 1.0)
    return {float(m): float(w) for m, w in zip(ms, weights / weights.sum())}


def satellite_spectrum(
    edges_Hz: ArrayLike, coupling: Coupling, *, fineness: int = FINENESS
) -> Floats:
    """Return the static powder pattern of all satellites, (n_bins,), 1/Hz, about their middle.

    Its area is the satellites' share of the whole spectrum.
    """
    at = directions(fineness)
    shape = second_rank(at, coupling.eta) * coupling.frequency_Hz
    found = np.zeros(len(np.asarray(edges_Hz)) - 1)
    for m, weight in transition_weights(coupling.spin).items():
        if m != 0.5:
            found += weight * powder_spectrum((m - 0.5) * shape, edges_Hz, at)
    return found


def central_spectrum(
    edges_Hz: ArrayLike, coupling: Coupling, *, spinning: bool = False, fineness: int = FINENESS
) -> Floats:
    """Return the powder pattern of the central transition to second order, (n_bins,), 1/Hz.

    Static, or under fast magic-angle spinning. Its area is the central share of the spectrum.
    Without a Larmor frequency all of it lies in the bin of zero.
    """
    at = directions(fineness)
    shifts = -coupling.second_order_Hz * _second_order(at, coupling.eta, spinning)
    return transition_weights(coupling.spin)[0.5] * powder_spectrum(shifts, edges_Hz, at)


def _second_order(at: Directions, eta: float, spinning: bool) -> Floats:
    """Return the angular part of the second-order shift of the central transition."""
    c2, e = at.cosine2, eta * at.cos_2phi
    if spinning:
        a = 21 / 16 - 7 / 8 * e + 7 / 48 * e**2
        b = -9 / 8 + eta**2 / 12 + e - 7 / 24 * e**2
        c = 5 / 16 - e / 8 + 7 / 48 * e**2
    else:
        a = -27 / 8 + 9 / 4 * e - 3 / 8 * e**2
        b = 30 / 8 - eta**2 / 2 - 2 * e + 3 / 4 * e**2
        c = -3 / 8 + eta**2 / 3 - e / 4 - 3 / 8 * e**2
    return np.asarray(a * c2**2 + b * c2 + c)


def isotropic_shift_Hz(coupling: Coupling) -> float:
    r"""Return the second-order shift of the middle of the central line, Hz.

    .. math:: -\frac{\nu_Q^2}{30\,\nu_0} \left[I(I+1) - \tfrac34\right]
        \left(1 + \tfrac{\eta^2}{3}\right)
    """
    return -coupling.second_order_Hz / 5.0 * (1.0 + coupling.eta**2 / 3.0)
