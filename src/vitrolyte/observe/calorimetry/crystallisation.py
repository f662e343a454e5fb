"""How fast a glass crystallises while it is heated, and the laws of peak temperature and rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from vitrolyte.data.errors import InputError
from vitrolyte.data.units import BOLTZMANN_EV_PER_K

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Avrami:
    r"""The law of Johnson, Mehl, Avrami and Kolmogorov with a thermally activated rate.

    .. math:: \alpha = 1 - \exp\left[-\left(\int K\,dt\right)^n\right], \qquad
        K = K_0 \exp(-E / kT)

    Attributes
    ----------
    energy_eV
        E.
    log_prefactor
        :math:`\ln K_0`, K_0 in 1/s.
    exponent
        n.

    Raises
    ------
    InputError
        If E or n is not above zero.
    """

    energy_eV: float
    log_prefactor: float
    exponent: float = 3.0

    def __post_init__(self) -> None:
        if not (self.energy_eV > 0 and self.exponent > 0):
            raise InputError("An Avrami law needs E and n above zero", received=str(self))

    @classmethod
    def peaking_at(
        cls, peak_K: float, rate_K_per_s: float, energy_eV: float, exponent: float = 3.0
    ) -> Avrami:
        """Return the law whose rate is highest at a temperature when heated at a rate."""
        reduced = energy_eV / (BOLTZMANN_EV_PER_K * peak_K)
        start = reduced + np.log(rate_K_per_s * reduced / peak_K)

        def apart(log_prefactor: float) -> float:
            law = cls(energy_eV, log_prefactor, exponent)
            return law.peak_temperature(rate_K_per_s, (0.7 * peak_K, 1.3 * peak_K)) - peak_K

        return cls(energy_eV, float(optimize.brentq(apart, start - 2.0, start + 2.0)), exponent)

    def rate_constant(self, temperatures_K: Floats) -> Floats:
        """Return K in 1/s."""
        return np.asarray(
            np.exp(self.log_prefactor - self.energy_eV / (BOLTZMANN_EV_PER_K * temperatures_K))
        )

    def heated(self, temperatures_K: Floats, rate_K_per_s: float) -> tuple[Floats, Floats]:
        r"""Return the transformed share and its rate in 1/s on heating at a constant rate.

        .. math:: \int_0^T e^{-E/kT'} dT' = T e^{-x} - \frac{E}{k} E_1(x), \quad x = E / kT

        The share that crystallised before the heating is taken as none.
        """
        reduced = self.energy_eV / (BOLTZMANN_EV_PER_K * temperatures_K)
        heated = temperatures_K * _passed_share(reduced) / rate_K_per_s
        passed = heated * self.rate_constant(temperatures_K)
        extended = passed**self.exponent
        share = -np.expm1(-extended)
        growth = self.exponent * passed ** (self.exponent - 1.0)
        rate = growth * self.rate_constant(temperatures_K) * np.exp(-extended)
        return np.asarray(share), np.asarray(rate)

    def held(self, times_s: Floats, temperature_K: float) -> Floats:
        """Return the transformed share at constant temperature, (n,)."""
        passed = self.rate_constant(np.asarray([temperature_K]))[0] * times_s
        return np.asarray(-np.expm1(-(passed**self.exponent)))

    def peak_temperature(self, rate_K_per_s: float, between_K: tuple[float, float]) -> float:
        """Return the temperature of the highest rate on heating, K."""
        found = optimize.minimize_scalar(
            lambda t: -float(self.heated(np.asarray([t]), rate_K_per_s)[1][0]),
            bounds=between_K,
            method="bounded",
            options={"xatol": 1e-4},
        )
        return float(found.x)


def kissinger(peaks_K: Floats, energy_eV: float, log_frequency: float) -> Floats:
    r"""Return :math:`\ln(\beta / T_p^2)` for peaks, β in K/s.

    .. math:: \ln \frac{\beta}{T_p^2} = \ln \frac{k A}{E} - \frac{E}{k T_p}

    Exact for a first-order reaction; ``log_frequency`` is ln A, A in 1/s.

    References
    ----------
    Kissinger, Anal. Chem. 29, 1702 (1957), doi:10.1021/ac60131a045.
    """
    constant = np.log(BOLTZMANN_EV_PER_K / energy_eV) + log_frequency
    return np.asarray(constant - energy_eV / (BOLTZMANN_EV_PER_K * peaks_K))


def log_temperature_integral(reduced: Floats) -> Floats:
    r"""Return :math:`\ln p(x)`, :math:`p(x) = \int_x^\infty e^{-u} u^{-2} du`.

    The integral behind Ozawa's and Flynn and Wall's method, without Doyle's approximation.
    """
    return np.asarray(-reduced - np.log(reduced) + np.log(_passed_share(reduced)))


def _passed_share(reduced: Floats) -> Floats:
    """Return 1 - x exp(x) E1(x), which tends to 1/x."""
    moderate = np.minimum(reduced, 300.0)
    exact = 1.0 - moderate * np.exp(moderate) * special.exp1(moderate)
    series = (1.0 - 2.0 / reduced + 6.0 / reduced**2 - 24.0 / reduced**3) / reduced
    return np.asarray(np.where(reduced < 300.0, exact, series))
