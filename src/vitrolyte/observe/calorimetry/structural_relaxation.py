"""The fictive temperature of a glass along any thermal history, and its heat capacity."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.units import BOLTZMANN_EV_PER_K

Floats = NDArray[np.float64]

_FORGOTTEN = 40.0
"""Reduced time raised to beta after which nothing is left of a step (e^-40)."""


@dataclass(frozen=True)
class StructuralRelaxation:
    r"""The Tool-Narayanaswamy-Moynihan law of structural relaxation.

    .. math::

        \tau(T, T_f) = \tau_g \exp\left[\frac{\Delta h}{k}
            \left(\frac{x}{T} + \frac{1 - x}{T_f} - \frac{1}{T_g}\right)\right]

    Attributes
    ----------
    reference_K
        :math:`T_g`, where a glass in equilibrium relaxes in ``reference_time_s``.
    enthalpy_eV
        Activation enthalpy :math:`\Delta h`.
    nonlinearity
        x, between 0 (only the structure matters) and 1 (only the temperature).
    stretching
        Kohlrausch exponent beta.
    reference_time_s
        :math:`\tau_g`.

    Raises
    ------
    InputError
        If a value is out of its range.
    """

    reference_K: float
    enthalpy_eV: float
    nonlinearity: float = 0.5
    stretching: float = 0.6
    reference_time_s: float = 100.0

    def __post_init__(self) -> None:
        positive = min(self.reference_K, self.enthalpy_eV, self.reference_time_s) > 0
        shares = 0 <= self.nonlinearity <= 1 and 0 < self.stretching <= 1
        if not (positive and shares):
            raise InputError(
                "Structural relaxation needs a temperature, an enthalpy and a time above zero, "
                "x from 0 to 1 and beta above 0 up to 1",
                received=str(self),
            )

    @property
    def fragility(self) -> float:
        r"""Return :math:`m = \Delta h / (\ln 10\, k T_g)`."""
        return self.enthalpy_eV / (math.log(10.0) * BOLTZMANN_EV_PER_K * self.reference_K)


def fictive_temperature(
    times_s: Floats, temperatures_K: Floats, law: StructuralRelaxation
) -> Floats:
    r"""Return the fictive temperature along a thermal history that starts in equilibrium, (n,), K.

    .. math::

        T_f(t) = T_0 + \int_0^t dT'\left\{1 -
            \exp\left[-\left(\int_{t'}^{t} \frac{dt''}{\tau}\right)^\beta\right]\right\}

    Parameters
    ----------
    times_s, temperatures_K
        (n,) each, times rising; steps below 1 K are accurate to some hundredths of a K.

    Raises
    ------
    InputError
        If the lengths differ, times do not rise or a temperature is not above zero.

    References
    ----------
    Moynihan et al., Ann. N.Y. Acad. Sci. 279, 15 (1976), doi:10.1111/j.1749-6632.1976.tb39688.x.
    """
    times, temperatures = (np.asarray(one, dtype=float) for one in (times_s, temperatures_K))
    if times.shape != temperatures.shape or not np.all(np.diff(times) > 0):
        raise InputError("A thermal history needs temperatures at rising times", received="others")
    if not np.all(temperatures > 0):
        raise InputError("Temperatures are above zero kelvin", received=f"{temperatures.min():g} K")
    return np.asarray(
        _relaxed(
            times,
            temperatures,
            np.log(law.reference_time_s) - law.enthalpy_eV / (BOLTZMANN_EV_PER_K * law.reference_K),
            law.enthalpy_eV / BOLTZMANN_EV_PER_K,
            law.nonlinearity,
            law.stretching,
        )
    )


@njit(cache=True, nogil=True)
def _relaxed(  # type: ignore[no-untyped-def]
    times, temperatures, log_prefactor, enthalpy_K, nonlinearity, stretching
):
    """Hot loop: each step of temperature is remembered with the reduced time since it was made."""
    n = times.size
    fictive = np.empty(n)
    reduced = np.zeros(n)
    fictive[0] = temperatures[0]
    first = 1
    for m in range(1, n):
        log_tau = log_prefactor + enthalpy_K * (
            nonlinearity / temperatures[m] + (1.0 - nonlinearity) / fictive[m - 1]
        )
        reduced[m] = reduced[m - 1] + (times[m] - times[m - 1]) * np.exp(
            -min(max(log_tau, -200.0), 200.0)
        )
        # Steps whose memory has gone in equilibrium count in full.
        while first < m and (reduced[m] - reduced[first - 1]) ** stretching > _FORGOTTEN:
            first += 1
        total = temperatures[first - 1]
        for j in range(first, m + 1):
            passed = (reduced[m] - reduced[j - 1]) ** stretching
            total += (temperatures[j] - temperatures[j - 1]) * -np.expm1(-passed)
        fictive[m] = total
    return fictive


def normalised_heat_capacity(temperatures_K: Floats, fictive_K: Floats) -> Floats:
    r"""Return :math:`dT_f / dT`, (n,): 0 in the glass, 1 in the liquid, above 1 in an overshoot.

    It is :math:`(c_p - c_{glass}) / (c_{liquid} - c_{glass})` at constant rate.
    """
    return np.asarray(np.gradient(fictive_K, temperatures_K))
