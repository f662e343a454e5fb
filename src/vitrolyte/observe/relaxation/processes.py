r"""Relaxation over temperature by thermally activated motion: the peak, its place and its flanks.

.. math:: \tau = \tau_0 \exp(E_a / kT), \qquad
    R(T) = \sum_p K_p \sum_i w_i J_p(\omega_i; \tau_p(T))

At :math:`\omega\tau \ll 1` (hot) every process has the slope E_a; at :math:`\omega\tau \gg 1`
(cold) that of the asymmetric form is :math:`(\beta - 1) E_a`, never steeper than the hot one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar

from vitrolyte.data.errors import InputError
from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.observe.relaxation.rates import Condition, Mechanism, rate, terms
from vitrolyte.observe.relaxation.spectral_densities import SHAPES, shape

Floats = NDArray[np.float64]
_LOG_STEP = 1e-4
_SCANNED = 400


def correlation_time(temperature_K: ArrayLike, tau0_s: float, energy_eV: float) -> Floats:
    """Return the activated correlation time tau_0 exp(E_a / kT), s."""
    t = np.asarray(temperature_K, dtype=float)
    return np.asarray(tau0_s * np.exp(energy_eV / (BOLTZMANN_EV_PER_K * t)))


@dataclass(frozen=True)
class Process:
    """One thermally activated motion that relaxes spins.

    Attributes
    ----------
    energy_eV
        E_a.
    tau0_s
        Correlation time at infinite temperature.
    coupling
        K, 1/s²; see ``rates``.
    density
        Name of the spectral density; see `SHAPES`.
    shape
        Its parameters; the defaults of that density where empty.

    Raises
    ------
    InputError
        If a number is not positive or a shape parameter is out of its bounds.
    """

    energy_eV: float
    tau0_s: float
    coupling: float
    density: str = "bpp"
    shape: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        family = shape(self.density)
        given = self.shape or tuple(family.defaults)
        wrong = len(given) != len(family.parameters) or not all(
            p.low <= v <= p.high for p, v in zip(family.parameters, given)
        )
        if wrong or min(self.tau0_s, self.coupling) <= 0 or self.energy_eV < 0:
            raise InputError(
                "A process needs a positive time and coupling, an energy of zero or more, and the "
                f"shape parameters {[(p.name, p.low, p.high) for p in family.parameters]}",
                received=f"{self}",
            )
        object.__setattr__(self, "shape", tuple(float(v) for v in given))

    def time(self, temperature_K: ArrayLike) -> Floats:
        """Return the correlation time, s."""
        return correlation_time(temperature_K, self.tau0_s, self.energy_eV)

    def density_at(self, omega: ArrayLike, tau: ArrayLike) -> Floats:
        """Return J at angular frequencies (rad/s) and correlation times (s), s."""
        law = SHAPES[self.density].law
        return law(np.asarray(omega, float), np.asarray(tau, float), np.array(self.shape))

    def rate(
        self, temperature_K: ArrayLike, at: Condition, mechanism: Mechanism = "like"
    ) -> Floats:
        """Return the relaxation rate at temperatures, 1/s."""
        weights, frequencies = terms(mechanism, at)
        tau = self.time(temperature_K)
        return rate(self.coupling, [self.density_at(w, tau) for w in frequencies], weights)


def relaxation_rate(
    temperature_K: ArrayLike,
    processes: tuple[Process, ...],
    at: Condition,
    *,
    mechanism: Mechanism = "like",
) -> Floats:
    """Return the relaxation rate of several independent processes, 1/s."""
    rates = [one.rate(temperature_K, at, mechanism) for one in processes]
    return np.asarray(np.sum(rates, axis=0))


@dataclass(frozen=True)
class Peak:
    """The maximum of a relaxation rate over temperature.

    Attributes
    ----------
    temperature_K, rate
        Where and how high (1/s).
    tau_s
        Correlation time there.
    high_energy_eV, low_energy_eV
        Slopes of ln R against 1/kT far on the hot side and far on the cold side.
    """

    temperature_K: float
    rate: float
    tau_s: float
    high_energy_eV: float
    low_energy_eV: float


def peak(process: Process, at: Condition, *, mechanism: Mechanism = "like") -> Peak:
    """Return the maximum of the rate of one process over temperature and its flank energies.

    Raises
    ------
    InputError
        If the rate has no maximum: R2, or a process without activation.
    """
    weights, frequencies = terms(mechanism, at)

    def logarithms(log_tau: ArrayLike) -> Floats:
        tau = np.exp(np.asarray(log_tau, dtype=float))
        found = rate(process.coupling, [process.density_at(w, tau) for w in frequencies], weights)
        return np.asarray(-np.log(found))

    def lost(log_tau: float) -> float:
        return float(logarithms(log_tau))

    slowest = min((w for w in frequencies if w > 0), default=1.0)
    if at.observable == "R2" or process.energy_eV == 0:
        raise InputError(
            "Only R1 and R1rho of an activated process have a maximum over temperature",
            received=f"{at.observable} with E_a = {process.energy_eV} eV",
        )
    grid = np.linspace(-8.0, 8.0, _SCANNED) - math.log(slowest)
    best = int(np.argmin(logarithms(grid)))
    ends = grid[max(best - 1, 0)], grid[min(best + 1, _SCANNED - 1)]
    log_tau = float(minimize_scalar(lost, bounds=ends, method="bounded").x)
    return Peak(
        temperature_K=_temperature(process, log_tau),
        rate=math.exp(-lost(log_tau)),
        tau_s=math.exp(log_tau),
        high_energy_eV=-process.energy_eV * _slope(lost, -25.0 - math.log(slowest)),
        low_energy_eV=process.energy_eV * _slope(lost, 25.0 - math.log(slowest)),
    )


def _temperature(process: Process, log_tau: float) -> float:
    """Return the temperature at which a process has this time; infinite where it never has."""
    rise = log_tau - math.log(process.tau0_s)
    return process.energy_eV / (BOLTZMANN_EV_PER_K * rise) if rise > 0 else math.inf


def _slope(lost: Callable[[float], float], log_tau: float) -> float:
    step = _LOG_STEP
    return float((lost(log_tau + step) - lost(log_tau - step)) / (2 * step))


@dataclass(frozen=True)
class Flanks:
    """Energies of the two flanks of a printed or measured peak, and what they can mean.

    Attributes
    ----------
    high_eV, low_eV
        Of the hot and of the cold flank.
    """

    high_eV: float
    low_eV: float
    asymmetry: float = field(init=False)

    def __post_init__(self) -> None:
        if min(self.high_eV, self.low_eV) <= 0:
            raise InputError(
                "Flank energies are positive",
                received=f"hot {self.high_eV} eV, cold {self.low_eV} eV",
            )
        object.__setattr__(self, "asymmetry", 1.0 + self.low_eV / self.high_eV)

    @property
    def possible(self) -> bool:
        """Return whether one activated process with beta of at most 2 can have these flanks."""
        return self.asymmetry <= 2.0

    @property
    def verdict(self) -> str:
        """Return the verdict in words."""
        numbers = f"E_LT = {self.low_eV:g} eV, E_HT = {self.high_eV:g} eV"
        if self.possible:
            return f"{numbers}: beta = {self.asymmetry:.2f}"
        return (
            f"{numbers}: the cold flank is the steeper one, beta = 1 + E_LT / E_HT = "
            f"{self.asymmetry:.2f}, above 2, which no single activated process has; the hot side "
            "is then not in the limit of fast motion, or another process or the coupling itself "
            "changes with temperature"
        )
