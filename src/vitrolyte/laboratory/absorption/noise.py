"""The noise of a fine structure, from distances at which no atom is seen."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from vitrolyte.data.curve import Curve
from vitrolyte.observe.exafs.transforms import STEP, Transform, fourier, wave_numbers, window

CITATIONS = ("10.1107/S0909049598018433",)
_FROM_A, _TO_A = 15.0, 25.0


@dataclass(frozen=True)
class Noise:
    """Noise of a fine structure.

    Attributes
    ----------
    in_distance
        Standard deviation of real and imaginary part of the transform.
    in_k
        Of χ(k), taken as the same at every k.
    """

    in_distance: float
    in_k: float


def noise_of(chi: Curve, transform: Transform) -> Noise:
    r"""Return the noise of a fine structure from its transform between 15 and 25 Å.

    .. math:: \epsilon_k = \epsilon_R \left[\frac{\delta k^2}{2 \pi}
        \sum_n k_n^{2w}\, \Omega^2(k_n) \right]^{-1/2}

    for white noise of one variance at each point of the grid.

    References
    ----------
    Newville, Boyanov & Sayers, J. Synchrotron Rad. 6, 264 (1999),
    doi:10.1107/S0909049598018433.
    """
    far = fourier(chi, replace(transform, r_max_A=_TO_A))
    part = far.y[far.x >= _FROM_A]
    spread = math.sqrt(float(np.mean(np.concatenate([part.real, part.imag]) ** 2)))
    k = wave_numbers(math.ceil((transform.k_max + transform.dk) / STEP) + 1)
    power = float(np.sum((k**transform.weight * window(k, transform)) ** 2))
    passed = math.sqrt(0.5 * power / math.pi) * STEP
    return Noise(spread, spread / passed)
