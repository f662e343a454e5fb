"""Laws by which transport may depend on temperature: one slope, two, or a curve."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from vitrolyte.data.model import Floats
from vitrolyte.data.separable import Separable
from vitrolyte.data.units import BOLTZMANN_EV_PER_K

ONE_SLOPE, KINK, JUMP, VOGEL = "one slope", "kink", "jump", "VFT"
"""Names of the laws."""

_CELLS, _CELLS_IN_GAP = 60, 5
_NEAREST_VOGEL = 0.95
"""The highest Vogel temperature that is tried, in units of the lowest temperature measured."""
_FROZEN = 1e12


def inverse_energy(temperature_K: Floats) -> Floats:
    """Return 1 / kT in 1/eV."""
    return np.asarray(1.0 / (BOLTZMANN_EV_PER_K * temperature_K))


def harmonic_mean(temperatures_K: Floats) -> float:
    """Return the temperature at which value and slope of a line have nearly independent errors."""
    return float(1.0 / np.mean(1.0 / temperatures_K))


def one_slope(reference_K: float) -> Separable:
    r"""Return the Arrhenius law.

    .. math:: \ln y = \ln y_r - E_a \left(\frac{1}{kT} - \frac{1}{kT_r}\right)

    with y the quantity, or the quantity times T. Coefficients: ln y at the reference temperature,
    and the activation energy there in eV. They are those of every law in this file.

    Parameters
    ----------
    reference_K
        T_r, K: any temperature among the points.
    """

    def columns(temperature_K: Floats, shapes: Floats) -> Floats:
        return _stacked(shapes, temperature_K, _rise(temperature_K, reference_K)[None, :])

    return Separable(ONE_SLOPE, columns, np.empty(0), (np.inf, np.inf))


def kink(reference_K: float, edges_K: tuple[float, float], energy_change_eV: float) -> Separable:
    r"""Return two slopes that meet at an unknown temperature, without a jump.

    .. math:: \ln y = \text{one slope} - \Delta E
        \left(\frac{1}{kT} - \frac{1}{kT_k}\right) \quad\text{where } T < T_k

    The third coefficient is the activation energy below the kink less that above it, eV; the
    first two are those of the branch above.

    Parameters
    ----------
    edges_K
        Between which the kink may lie, K.
    energy_change_eV
        How large such a change is expected to be: standard deviation about zero, eV.
    """
    edges = np.linspace(*edges_K, _CELLS + 1)

    def columns(temperature_K: Floats, shapes: Floats) -> Floats:
        rise, hinge, _ = _branches(temperature_K, shapes, reference_K)
        return _stacked(shapes, temperature_K, rise, hinge)

    return Separable(KINK, columns, edges, (np.inf, np.inf, energy_change_eV), continuous=True)


def jump(
    reference_K: float, edges_K: Floats, energy_change_eV: float, jump_decades: float
) -> Separable:
    r"""Return two slopes with a jump between them, as at a phase transition of first order.

    .. math:: \ln y = \text{kink} + J \quad\text{where } T < T_k

    The fourth coefficient is J, the natural logarithm of the factor from above to below. Points
    tell of T_k no more than the gap between two of them in which it lies.

    Parameters
    ----------
    edges_K
        (m + 1,), the temperatures measured between which the transition may lie, K.
    jump_decades
        How many powers of ten a jump is expected to be: standard deviation about zero.
    """
    spreads = (np.inf, np.inf, energy_change_eV, jump_decades * float(np.log(10.0)))

    def columns(temperature_K: Floats, shapes: Floats) -> Floats:
        rise, hinge, below = _branches(temperature_K, shapes, reference_K)
        return _stacked(shapes, temperature_K, rise, hinge, below)

    cells = [np.linspace(low, high, _CELLS_IN_GAP + 1)[1:] for low, high in pairwise(edges_K)]
    return Separable(JUMP, columns, np.concatenate([edges_K[:1], *cells]), spreads)


def vogel(reference_K: float, lowest_K: float) -> Separable:
    r"""Return the law of Vogel, Fulcher and Tammann.

    .. math:: \ln y = \ln A - \frac{B}{k (T - T_0)}, \qquad 0 < T_0 < T,
        \qquad E_a(T) = B \left(\frac{T}{T - T_0}\right)^2

    (doi:10.1002/zaac.19261560121). The second coefficient is the apparent energy E_a at the
    reference temperature, the shape is T_0 in K.

    Parameters
    ----------
    lowest_K
        The lowest temperature measured, K; T_0 is sought up to 0.95 of it.
    """
    edges = np.linspace(0.0, _NEAREST_VOGEL * lowest_K, _CELLS + 1)

    def columns(temperature_K: Floats, shapes: Floats) -> Floats:
        scale = vogel_scale(shapes, reference_K)[:, None]
        above = temperature_K[None, :] - shapes[:, None]
        rise = scale / (BOLTZMANN_EV_PER_K * np.where(above > 0, above, 1.0))
        rise -= scale / (BOLTZMANN_EV_PER_K * (reference_K - shapes[:, None]))
        return _stacked(shapes, temperature_K, -np.where(above > 0, rise, _FROZEN))

    return Separable(VOGEL, columns, edges, (np.inf, np.inf), continuous=True)


def vogel_scale(vogel_K: Floats, temperature_K: float) -> Floats:
    """Return B over the apparent activation energy at a temperature."""
    return np.asarray(((temperature_K - vogel_K) / temperature_K) ** 2)


def _rise(temperature_K: Floats, from_K: float | Floats) -> Floats:
    """Return -(1/kT - 1/kT') in 1/eV."""
    return np.asarray(
        inverse_energy(np.asarray(from_K, dtype=float)) - inverse_energy(temperature_K)
    )


def _branches(
    temperature_K: Floats, shapes: Floats, reference_K: float
) -> tuple[Floats, Floats, Floats]:
    rise = _rise(temperature_K, reference_K)[None, :]
    below = temperature_K[None, :] < shapes[:, None]
    hinge = np.where(below, _rise(temperature_K[None, :], shapes[:, None]), 0.0)
    return rise, hinge, below.astype(float)


def _stacked(shapes: Floats, temperature_K: Floats, *columns: Floats) -> Floats:
    """Return (m, n, p) with a first column of ones."""
    size = (len(shapes), len(temperature_K))
    ones = np.ones(size)
    return np.stack([ones, *(np.broadcast_to(column, size) for column in columns)], axis=2)
