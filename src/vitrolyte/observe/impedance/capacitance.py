r"""Capacitances behind constant-phase elements, and permittivities behind capacitances."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

VACUUM_PERMITTIVITY_F_PER_CM = 8.8541878128e-14
"""CODATA 2018, 8.8541878128e-12 F/m."""


def hsu_mansfeld(q: float, n: float, resistance: float) -> float:
    r"""Return the capacitance of R and Q in parallel, F, after Hsu and Mansfeld.

    .. math:: C = Q^{1/n} R^{(1-n)/n} = \tau / R, \qquad \tau^n = R Q

    That of the frequency at which :math:`-Z''` of the arc is largest
    (doi:10.5006/1.3280607); used for bulk and grain boundaries.
    """
    return float(q ** (1.0 / n) * resistance ** ((1.0 - n) / n))


def brug(q: float, n: float, series: float, resistance: float = np.inf) -> float:
    r"""Return the capacitance of an electrode behind a series resistance, F, after Brug et al.

    .. math:: C = Q^{1/n} \left(R_s^{-1} + R^{-1}\right)^{(n-1)/n}

    with R infinite for a blocking electrode (doi:10.1016/S0022-0728(84)80324-1). It supposes that
    times spread along the surface.
    """
    conductance = 1.0 / series + (0.0 if np.isinf(resistance) else 1.0 / resistance)
    return float(q ** (1.0 / n) * conductance ** ((n - 1.0) / n))


def relative_permittivity(capacitance_F: float, thickness_cm: float, area_cm2: float) -> float:
    r"""Return :math:`\varepsilon_r = C L / (\varepsilon_0 A)` of a plate capacitor."""
    return capacitance_F * thickness_cm / (area_cm2 * VACUUM_PERMITTIVITY_F_PER_CM)


def zarc_times(log_tau: Floats, resistance: float, tau: float, n: float) -> Floats:
    r"""Return the distribution of relaxation times of a ZARC, ohm for each unit of ln tau.

    .. math::

        \gamma(\ln\tau) = \frac{R}{2\pi}
        \frac{\sin[(1-n)\pi]}{\cosh[n \ln(\tau/\tau_0)] - \cos[(1-n)\pi]}

    of area R (Cole and Cole, doi:10.1063/1.1750906).

    Parameters
    ----------
    log_tau
        (m,), natural logarithms of times in s.
    """
    apart = (1.0 - n) * np.pi
    spread = np.cosh(n * (log_tau - np.log(tau))) - np.cos(apart)
    return np.asarray(resistance / (2.0 * np.pi) * np.sin(apart) / spread)
