"""What the points say of one law of temperature: energies, prefactor, shape and evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from vitrolyte.data.model import Floats
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.posterior import Posterior
from vitrolyte.data.quantity import NORMAL_95, Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.separable import Separable
from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.observe.motion.temperature_laws import JUMP, KINK, ONE_SLOPE, VOGEL, vogel_scale

WIDEST_LOGARITHM = 300.0
"""Logarithms beyond this have no number."""


@dataclass(frozen=True, eq=False)
class LawFit(Result):
    """One law of temperature, as far as the points determine it.

    Attributes
    ----------
    law, convention, of
        Name of the law; what follows it (``ln(ionic conductivity × T)``); the species.
    activation_energies
        eV: that of one slope, those ``below`` and ``above`` a kink or jump, or the apparent one
        at the mean temperature of VFT.
    prefactors
        In the unit of what follows the law, by the same names.
    shape
        Temperature of the kink or jump, or Vogel temperature, K; refused for one slope.
    jump_factor
        Factor from below a jump to above; refused where there is none.
    vogel_energy
        B of VFT, eV; refused for the others.
    chi2, dof, parameters
        Goodness, and the number of parameters; chi2 is NaN where points have no errors.
    aicc, bic
        Information criteria.
    log10_bayes_factor, probability
        Evidence against one slope, and the probability of the law among those tried.
    """

    law: str
    convention: str
    of: str
    activation_energies: Mapping[str, Quantity]
    prefactors: Mapping[str, Quantity]
    shape: Quantity
    jump_factor: Quantity
    vogel_energy: Quantity
    chi2: float
    dof: int
    parameters: int
    aicc: float
    bic: float
    log10_bayes_factor: float
    probability: float

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the rows of this law's parameters."""
        family = replace(sample, temperature_K=None)
        method = f"{self.law}, {self.convention}"
        rows = [
            computed(
                family,
                "activation_energy",
                energy,
                of=self.of,
                method=f"{method}{', ' if branch else ''}{branch}",
            )
            for branch, energy in self.activation_energies.items()
        ]
        word = "vogel_temperature" if self.law == VOGEL else "transition_temperature"
        if self.law != ONE_SLOPE:
            rows.append(computed(family, word, self.shape, of=self.of, method=method))
        if self.law == VOGEL:
            rows.append(
                computed(family, "vogel_energy", self.vogel_energy, of=self.of, method=method)
            )
        if self.law == JUMP and "conductivity" in self.convention:
            rows.append(
                computed(
                    family, "conductivity_jump_factor", self.jump_factor, of=self.of, method=method
                )
            )
        return tuple(rows)


@dataclass(frozen=True)
class Surroundings:
    """What the numbers of a law need beside its posterior.

    Attributes
    ----------
    reference_K
        Where the coefficients are defined, K.
    unit
        Unit of what follows the law.
    common_temperature_error_K, common_relative_error
        Errors that all points share.
    """

    reference_K: float
    unit: str
    common_temperature_error_K: float = 0.0
    common_relative_error: float = 0.0


def activation_energies(posterior: Posterior, around: Surroundings) -> dict[str, Quantity]:
    """Return the energies of a law, eV; an offset of T scales them by twice its share of T."""
    found = {
        name: posterior.mixture(rows).quantity("eV")
        for name, rows in _energy_rows(posterior).items()
    }
    share = 2.0 * around.common_temperature_error_K / around.reference_K
    return {name: widened(energy, share * abs(energy.value)) for name, energy in found.items()}


def prefactors(posterior: Posterior, around: Surroundings) -> dict[str, Quantity]:
    """Return A of each branch in the unit of the ordinate."""
    energies = {n: posterior.mixture(r) for n, r in _energy_rows(posterior).items()}
    found = {}
    for name, rows in _prefactor_rows(posterior, around.reference_K).items():
        slope = energies[name].quantile(0.5) / (BOLTZMANN_EV_PER_K * around.reference_K**2)
        shared = np.hypot(slope * around.common_temperature_error_K, around.common_relative_error)
        logarithm = widened(posterior.mixture(rows).quantity(""), float(shared))
        found[name] = exponential(logarithm, around.unit)
    return found


def shape_of(posterior: Posterior, around: Surroundings) -> Quantity:
    """Return the temperature of a kink, jump or divergence, K."""
    if posterior.model.name == ONE_SLOPE:
        return Quantity.refused("K", "one slope has no such temperature")
    return widened(posterior.shape("K"), around.common_temperature_error_K)


def jump_factor(posterior: Posterior) -> Quantity:
    """Return the factor by which the quantity rises from below a jump to above."""
    if posterior.model.name != JUMP:
        return Quantity.refused("1", "no jump in this law")
    rows = np.zeros_like(posterior.coefficients)
    rows[:, 3] = -1.0
    return exponential(posterior.mixture(rows).quantity(""), "1")


def vogel_energy(posterior: Posterior, around: Surroundings) -> Quantity:
    """Return B of VFT in eV."""
    if posterior.model.name != VOGEL:
        return Quantity.refused("eV", "no Vogel energy in this law")
    rows = np.zeros_like(posterior.coefficients)
    rows[:, 1] = vogel_scale(posterior.model.places, around.reference_K)
    return posterior.mixture(rows).quantity("eV")


def apparent_energies(posterior: Posterior, temperatures_K: Floats) -> tuple[Floats, Floats]:
    r"""Return the slope of a law at each temperature with its standard error, eV.

    .. math:: E_a(T) = k T^2 \, d \ln y / dT

    A jump itself, which has no slope, is left out.
    """
    if posterior.model.name == JUMP:
        posterior = replace(posterior, model=_without_step(posterior.model))
    slopes, errors = posterior.gradient(temperatures_K)
    factor = BOLTZMANN_EV_PER_K * temperatures_K**2
    return factor * slopes, factor * errors


def _without_step(law: Separable) -> Separable:
    def columns(temperature_K: Floats, shapes: Floats) -> Floats:
        return np.asarray(law.columns(temperature_K, shapes) * np.array([1.0, 1.0, 1.0, 0.0]))

    return replace(law, columns=columns)


def _energy_rows(posterior: Posterior) -> dict[str, Floats]:
    above = np.zeros_like(posterior.coefficients)
    above[:, 1] = 1.0
    if posterior.model.name not in (KINK, JUMP):
        return {"": above}
    below = above.copy()
    below[:, 2] = 1.0
    return {"below": below, "above": above}


def _prefactor_rows(posterior: Posterior, reference_K: float) -> dict[str, Floats]:
    places = posterior.model.places
    above = np.zeros_like(posterior.coefficients)
    above[:, 0] = 1.0
    above[:, 1] = 1.0 / (BOLTZMANN_EV_PER_K * reference_K)
    if posterior.model.name == VOGEL:
        above[:, 1] *= (reference_K - places) / reference_K
    if posterior.model.name not in (KINK, JUMP):
        return {"": above}
    below = above.copy()
    below[:, 2] = 1.0 / (BOLTZMANN_EV_PER_K * places)
    if posterior.model.name == JUMP:
        below[:, 3] = 1.0
    return {"below": below, "above": above}


def widened(number: Quantity, error: float) -> Quantity:
    """Return a number with a further independent error."""
    if error == 0.0 or number.status == "refused":
        return number
    half = NORMAL_95 * error
    return replace(
        number,
        error=float(np.hypot(number.error, error)),
        low=number.value - float(np.hypot(number.value - number.low, half)),
        high=number.value + float(np.hypot(number.high - number.value, half)),
    )


def exponential(logarithm: Quantity, unit: str) -> Quantity:
    """Return the number that has this natural logarithm."""
    if max(abs(logarithm.low), abs(logarithm.high)) > WIDEST_LOGARITHM:
        return Quantity.refused(unit, "not determined to within a hundred powers of ten")
    value, low, high = (
        float(np.exp(end)) for end in (logarithm.value, logarithm.low, logarithm.high)
    )
    return Quantity(value, unit, value * logarithm.error, low, high)
