r"""Relaxation rates from spectral densities: which frequencies count, and how much.

Every rate is :math:`R = K \sum_i w_i J(\omega_i)` with weights that add up to one, so that all
rates are K J(0) = 2 K tau where motion is fast. ``J`` is the two-sided transform (see
``spectral_densities``) and K, 1/s², holds the coupling:

========== ==========================================================================
mechanism   K
========== ==========================================================================
quadrupolar ``(3/80) (2I+3) / [I² (2I-1)] (2 pi C_Q)² (1 + eta²/3)``
like spins  ``I (I+1) (mu_0/4pi)² gamma⁴ hbar² sum r⁻⁶ = (5/3) M2``
unlike      ``(2/3) S (S+1) (mu_0/4pi)² gamma_I² gamma_S² hbar² sum r⁻⁶ = (5/2) M2``
========== ==========================================================================

References
----------
Abragam, The Principles of Nuclear Magnetism (Oxford 1961), chapter VIII; Hubbard, J. Chem. Phys.
53, 985 (1970) (spins above 1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.nuclei import BARN_TO_M2, HBAR_J_S, Nucleus
from vitrolyte.data.units import ELEMENTARY_CHARGE_C

Floats = NDArray[np.float64]
Observable = Literal["R1", "R2", "R1rho"]
Mechanism = Literal["like", "unlike", "single"]

OBSERVABLES: tuple[Observable, ...] = ("R1", "R2", "R1rho")
MU0_OVER_4PI = 1.00000000055e-7
"""Magnetic constant over 4 pi, T² m³/J (CODATA 2018)."""

EFG_SI = 1e20
"""One V/Å² in V/m²."""


@dataclass(frozen=True)
class Condition:
    """What is measured, and at which frequencies.

    Attributes
    ----------
    observable
        ``R1``, ``R2`` or ``R1rho`` (on resonance).
    larmor
        Larmor frequency of the relaxing spin, rad/s; with the sign of its gamma where a
        partner of another kind matters.
    spin_lock
        Nutation frequency of the spin-lock, rad/s; for R1rho only.
    partner_larmor
        Larmor frequency of the unlike spin, rad/s, with its sign.

    Raises
    ------
    InputError
        If a frequency is missing or a spin-lock is given where it has no meaning.
    """

    observable: Observable
    larmor: float
    spin_lock: float = 0.0
    partner_larmor: float = 0.0

    def __post_init__(self) -> None:
        locked = self.observable == "R1rho"
        if self.observable not in OBSERVABLES or not self.larmor or locked != (self.spin_lock > 0):
            raise InputError(
                "A rate is R1, R2 or R1rho at a Larmor frequency, and R1rho at a spin-lock",
                received=f"{self}",
                remedy="give the spin-lock frequency for R1rho, and for R1rho only",
            )

    @property
    def label(self) -> str:
        """Return the observable with its frequency, as it stands in a legend."""
        if self.observable == "R1rho":
            return f"R1rho, {self.spin_lock / (2e3 * math.pi):.4g} kHz lock"
        return f"{self.observable}, {abs(self.larmor) / (2e6 * math.pi):.4g} MHz"


def condition(
    observable: Observable, nucleus: Nucleus, field_T: float, spin_lock_kHz: float = 0.0
) -> Condition:
    """Return the condition of a measurement on a nucleus in a field.

    ``spin_lock_kHz`` is the nutation frequency, omega_1 / 2 pi.
    """
    lock = 2e3 * math.pi * spin_lock_kHz if observable == "R1rho" else 0.0
    return Condition(observable, nucleus.gamma * field_T, lock)


def terms(mechanism: Mechanism, at: Condition) -> tuple[Floats, Floats]:
    r"""Return weights and angular frequencies (rad/s) of a rate.

    - ``like``: quadrupolar, and dipolar between spins of one kind,
      :math:`R_1: \tfrac15 J(\omega) + \tfrac45 J(2\omega)`,
      :math:`R_2: \tfrac{3}{10} J(0) + \tfrac12 J(\omega) + \tfrac15 J(2\omega)`, in
      :math:`R_{1\rho}` with :math:`J(2\omega_1)` instead of :math:`J(0)`. Above spin 1 the decay is
      not one exponential, and this is the rate at its beginning.
    - ``unlike``: dipolar with spins of another kind that stay in equilibrium,
      :math:`R_1: \tfrac{1}{10} J(\omega_I - \omega_S) + \tfrac{3}{10} J(\omega_I)
      + \tfrac{6}{10} J(\omega_I + \omega_S)`, with :math:`J(\omega_1)` in :math:`R_{1\rho}`.
    - ``single``: :math:`J(\omega)` or :math:`J(2\omega_1)` alone, as papers often fit.
    """
    w, lock, s = at.larmor, at.spin_lock, at.partner_larmor
    if mechanism == "single":
        one = {"R1": abs(w), "R2": 0.0, "R1rho": 2.0 * lock}[at.observable]
        return np.array([1.0]), np.array([one])
    if mechanism == "like":
        if at.observable == "R1":
            return np.array([0.2, 0.8]), np.abs([w, 2 * w])
        return np.array([0.3, 0.5, 0.2]), np.abs([2.0 * lock, w, 2.0 * w])
    if at.observable == "R1":
        return np.array([0.1, 0.3, 0.6]), np.abs([w - s, w, w + s])
    weights = np.array([4.0, 1.0, 3.0, 6.0, 6.0]) / 20.0
    return weights, np.abs([lock, w - s, w, s, w + s])


def quadrupolar_coupling(spin: float, c_q: float, eta: float = 0.0) -> float:
    """Return K of a quadrupolar interaction, 1/s².

    Parameters
    ----------
    spin
        I, above 1/2.
    c_q
        Fluctuating quadrupole coupling constant e² q Q / h, Hz.
    eta
        Its asymmetry.
    """
    shape = (2 * spin + 3) / (spin**2 * (2 * spin - 1))
    return 3.0 / 80.0 * shape * (2 * math.pi * c_q) ** 2 * (1 + eta**2 / 3)


def quadrupolar_factor(one: Nucleus, antishielding: float) -> float:
    r"""Return K per mean square field gradient :math:`\sum_{ab} V_{ab}^2`, (1/s²) / (V/Å²)².

    .. math:: K = \tfrac{1}{40} \frac{2I+3}{I^2 (2I-1)} \left(\frac{eQ(1-\gamma_\infty)}{\hbar}
        \right)^2 \langle V:V \rangle

    since :math:`V:V = \tfrac32 V_{zz}^2 (1 + \eta^2/3)`.
    """
    i = one.spin
    q = ELEMENTARY_CHARGE_C * one.quadrupole_moment * BARN_TO_M2 * antishielding * EFG_SI
    return (2 * i + 3) / (40.0 * i**2 * (2 * i - 1)) * (q / HBAR_J_S) ** 2


def dipolar_constant(one: Nucleus, other: Nucleus) -> float:
    r"""Return :math:`(\mu_0/4\pi)^2 \gamma_I^2 \gamma_S^2 \hbar^2`, Å⁶/s²."""
    return (MU0_OVER_4PI * one.gamma * other.gamma * HBAR_J_S * 1e30) ** 2


def dipolar_factor(one: Nucleus, other: Nucleus) -> float:
    r"""Return K per :math:`\sum r^{-6}` over partners, Å⁶/s²; like spins where the names agree."""
    if one.name == other.name:
        return one.moment_squared * dipolar_constant(one, one)
    return 2.0 / 3.0 * other.moment_squared * dipolar_constant(one, other)


def rate(coupling: float, densities: ArrayLike, weights: Floats) -> Floats:
    """Return a rate, 1/s, from K (1/s²), weights (n,), and J at their frequencies (n, ...), s."""
    return np.asarray(coupling * np.tensordot(weights, np.asarray(densities, dtype=float), 1))
