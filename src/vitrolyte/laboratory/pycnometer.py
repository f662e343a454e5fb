"""What a pycnometer and a bath need to be known: volumes, the density of water, means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vitrolyte.data.errors import InputError
from vitrolyte.data.model import Floats
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.weighing import GasExpansions


@dataclass(frozen=True)
class PycnometerVolumes:
    """Volumes of a gas pycnometer, cm³: of the cell, and of the expansion."""

    cell_cm3: Quantity
    expansion_cm3: Quantity


def calibrated_volumes(
    empty: GasExpansions, standard: GasExpansions, standard_cm3: Quantity
) -> PycnometerVolumes:
    r"""Return the volumes of a gas pycnometer from runs without a sample and with a standard.

    .. math:: V_{exp} = \frac{V_s}{1/(r_0 - 1) - 1/(r_s - 1)}, \qquad V_{cell} = V_{exp}/(r_0 - 1)

    with r = p1/p2 of each run; their scatter and the error of the standard are carried through.

    Raises
    ------
    InputError
        If the standard does not raise the ratio of the pressures.
    """
    ratios = [student_mean(one.before / one.after - 1.0) for one in (empty, standard)]
    (r0, e0), (rs, es) = ratios
    if not rs > r0 > 0:
        raise InputError(
            "A standard raises the ratio of the pressures of a pycnometer",
            received=f"p1/p2 = {1 + r0:.5f} without and {1 + rs:.5f} with it",
        )

    def volumes(v: Floats) -> Floats:
        expansion = v[2] / (1.0 / v[0] - 1.0 / v[1])
        return np.array([expansion / v[0], expansion])

    at = np.array([r0, rs, standard_cm3.value])
    errors = np.array([e0, es, known_error(standard_cm3)])
    steps = 1e-6 * np.diag(at)
    slopes = np.array([(volumes(at + s) - volumes(at - s)) / (2.0 * s.sum()) for s in steps])
    spread = np.sqrt(np.sum((slopes * errors[:, None]) ** 2, axis=0))
    cell, expansion = volumes(at)
    return PycnometerVolumes(
        Quantity.normal(float(cell), float(spread[0]), "cm³"),
        Quantity.normal(float(expansion), float(spread[1]), "cm³"),
    )


def water_density(temperature_K: Floats) -> Floats:
    r"""Return the density of air-free water at 101325 Pa between 0 and 40 °C, g/cm³.

    .. math::

        \rho = a_5 \left[1 - \frac{(t + a_1)^2 (t + a_2)}{a_3 (t + a_4)}\right]

    with t in °C.

    Raises
    ------
    InputError
        If a temperature lies outside the range of the equation.

    References
    ----------
    Tanaka, Girard, Davis, Peuto & Bignell, Metrologia 38, 301 (2001),
    doi:10.1088/0026-1394/38/4/3.
    """
    t = np.asarray(temperature_K, dtype=float) - 273.15
    if not np.all((t >= 0.0) & (t <= 40.0)):
        raise InputError(
            "The density of water is known here from 0 to 40 °C",
            received=f"{np.min(t):.1f} to {np.max(t):.1f} °C",
            remedy="give the density of the liquid by --liquid-g-per-cm3",
        )
    a1, a2, a3, a4, a5 = -3.983035, 301.797, 522528.9, 69.34881, 0.999974950
    return np.asarray(a5 * (1.0 - (t + a1) ** 2 * (t + a2) / (a3 * (t + a4))))


def known_error(number: Quantity) -> float:
    """Return the standard error of a number; zero where it is not known."""
    return number.error if number.error > 0 else 0.0


def student_mean(values: Floats) -> tuple[float, float]:
    """Return a mean and its standard error."""
    error = float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
    return float(np.mean(values)), error
