r"""Quadrupole couplings of a glass: a random tensor at every nucleus.

.. math:: P(C_Q, \eta) = \frac{C_Q^4\, \eta\, (1 - \eta^2/9)}{\sqrt{2\pi}\, \sigma^5}
    \exp\left[-\frac{C_Q^2 (1 + \eta^2/3)}{2\sigma^2}\right]

The five independent components of the tensor are Gaussian of standard deviation σ. Hence the
first-order shift of a satellite is Gaussian too: no edge is left, only a broad foot.

References
----------
Czjzek, Fink, Götz, Schmidt, Coey, Rebouillat & Liénard, Phys. Rev. B 23, 2513 (1981),
https://doi.org/10.1103/PhysRevB.23.2513; d'Espinose de Lacaillerie, Fretigny & Massiot, J. Magn.
Reson. 192, 244 (2008), https://doi.org/10.1016/j.jmr.2008.03.001.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erf

from vitrolyte.observe.nmr_lines.quadrupolar import (
    Coupling,
    central_spectrum,
    transition_weights,
)

Floats = NDArray[np.float64]

_COUPLINGS, _ASYMMETRIES = 28, 8
_FARTHEST = 5.0
_FINENESS = 24


def czjzek(c_q: ArrayLike, eta: ArrayLike, sigma: float) -> Floats:
    """Return the density of coupling constants (of either sign's size) and asymmetries."""
    c, e = np.asarray(c_q, dtype=float), np.asarray(eta, dtype=float)
    front = c**4 * e * (1.0 - e**2 / 9.0) / (np.sqrt(2.0 * np.pi) * sigma**5)
    return np.asarray(front * np.exp(-(c**2) * (1.0 + e**2 / 3.0) / (2.0 * sigma**2)))


def czjzek_satellites(edges_Hz: ArrayLike, spin: float, sigma_Hz: float) -> Floats:
    r"""Return the static first-order spectrum of all satellites of a glass, (n_bins,), 1/Hz.

    A sum of Gaussians of standard deviations
    :math:`(m - \tfrac12)\, 3\sigma / [2I(2I-1)]`, exactly.
    """
    edges = np.asarray(edges_Hz, dtype=float)
    scale = 3.0 * sigma_Hz / (2.0 * spin * (2.0 * spin - 1.0))
    found = np.zeros(len(edges) - 1)
    for m, weight in transition_weights(spin).items():
        if m != 0.5:
            below = 0.5 * erf(edges / (np.sqrt(2.0) * abs(m - 0.5) * scale))
            found += weight * np.diff(below) / np.diff(edges)
    return found


def czjzek_central(
    edges_Hz: ArrayLike, spin: float, sigma_Hz: float, larmor_Hz: float, *, spinning: bool = True
) -> Floats:
    """Return the second-order central line of a glass, (n_bins,), 1/Hz: steep on one side.

    A sum over 28 couplings up to 5 σ and 8 asymmetries.
    """
    found = np.zeros(len(np.asarray(edges_Hz)) - 1)
    couplings = (np.arange(_COUPLINGS) + 0.5) / _COUPLINGS * _FARTHEST * sigma_Hz
    asymmetries = (np.arange(_ASYMMETRIES) + 0.5) / _ASYMMETRIES
    weights = czjzek(couplings[:, None], asymmetries[None, :], sigma_Hz)
    weights /= weights.sum()
    one = Coupling(spin, 0.0, 0.0, larmor_Hz)
    for c_q, row in zip(couplings, weights):
        for eta, weight in zip(asymmetries, row):
            at = replace(one, c_q_Hz=float(c_q), eta=float(eta))
            found += weight * central_spectrum(edges_Hz, at, spinning=spinning, fineness=_FINENESS)
    return found
