"""Whether prefactors compensate activation energies over a family, or only seem to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numba
import numpy as np
from scipy import special

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.model import Floats
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.posterior import Posterior
from vitrolyte.data.quantity import NORMAL_95, Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.units import BOLTZMANN_EV_PER_K

FEWEST_MATERIALS = 5
_ENERGY = Axis("activation energy", "eV")
_ARTEFACT = "artefact not excluded"
_CELLS = 120
_DEPTH = 14.0
_LEAST_VARIANCE, _MOST_VARIANCE = 1e-6, 100.0
"""Of what is looked for beyond the errors, in units of the variance of the set."""


@dataclass(frozen=True)
class ActivatedLine:
    r"""One material's Arrhenius line, as two numbers whose errors are known together.

    Attributes
    ----------
    name
        The material.
    energy_eV
        E_a.
    log_value
        ln y (or ln(y T)) at ``temperature_K``.
    energy_error_eV, log_error, correlation
        Standard errors of both, and the correlation of the two errors.
    temperature_K
        The harmonic mean of the temperatures measured, where the two are nearly independent; or
        the one temperature at which a value was printed beside the energy.
    """

    name: str
    energy_eV: float
    log_value: float
    energy_error_eV: float
    log_error: float
    temperature_K: float
    correlation: float = 0.0

    def __post_init__(self) -> None:
        if not (self.energy_error_eV >= 0 and self.log_error >= 0 and self.temperature_K > 0):
            raise InputError(
                f"The line of {self.name} needs errors not below zero and a temperature above it",
                received=f"{self.energy_error_eV} eV, {self.log_error}, {self.temperature_K} K",
            )
        if not -1 < self.correlation < 1:
            raise InputError(
                f"The errors of {self.name} have a correlation between -1 and 1",
                received=f"{self.correlation}",
            )

    def at(self, temperature_K: float) -> tuple[float, Floats]:
        """Return ln y at a temperature, and the covariance (2, 2) of (E_a, ln y) there."""
        reach = _inverse(self.temperature_K) - _inverse(temperature_K)
        shared = self.correlation * self.energy_error_eV * self.log_error
        own = np.array([[self.energy_error_eV**2, shared], [shared, self.log_error**2]])
        turn = np.array([[1.0, 0.0], [reach, 1.0]])
        return self.log_value + reach * self.energy_eV, turn @ own @ turn.T

    @property
    def log_prefactor(self) -> float:
        """Return ln A."""
        return self.log_value + self.energy_eV * _inverse(self.temperature_K)


def activated_line(name: str, line: Posterior, temperature_K: float) -> ActivatedLine:
    """Return the line of a material from the posterior of one slope with this reference."""
    covariance = line.covariances[0]
    errors = np.sqrt(np.diag(covariance))
    return ActivatedLine(
        name,
        float(line.coefficients[0, 1]),
        float(line.coefficients[0, 0]),
        float(errors[1]),
        float(errors[0]),
        temperature_K,
        float(covariance[0, 1] / (errors[0] * errors[1])),
    )


@dataclass(frozen=True)
class CompensationSettings:
    """How compensation is judged.

    Attributes
    ----------
    effect_at_K
        Where it is asked whether a lower energy means a higher value, K.
    simulations, seed
        Draws behind the null.
    """

    effect_at_K: float = 300.0
    simulations: int = 4000
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Compensation(Result):
    r"""The rule of Meyer and Neldel over a set of materials, and whether it is one.

    Attributes
    ----------
    materials
        Their names.
    mean_temperature_K
        Harmonic mean T_hm of the temperatures of the lines.
    slope
        d ln y(T_hm) / dE_a in 1/eV: zero where all compensation is that of the common fit.
    meyer_neldel_energy
        E_MN = k T_iso, eV; refused where it is unbounded or may be an artefact.
    isokinetic_temperature
        Where all lines meet, K; refused with it.
    apparent_energy_eV
        What the plain regression of ln A on E_a would give for E_MN.
    correlation, null_correlation
        Pearson's r of ln A and E_a; and what it is, with 95 % of cases, in sets like this one
        whose values at T_hm do not depend on E_a.
    artefact_p
        Probability of a slope as far from zero where there is no compensation of its own.
    verdict
        In words.
    effect
        d ln y / dE_a at ``effect_at_K``, 1/eV: below zero where a lower energy means more.
    effect_at_K
        That temperature, K.
    compensation_plot, decorrelated_plot
        ln A against E_a, and ln y(T_hm) against E_a.
    """

    materials: tuple[str, ...]
    mean_temperature_K: float
    slope: Quantity
    meyer_neldel_energy: Quantity
    isokinetic_temperature: Quantity
    apparent_energy_eV: float
    correlation: float
    null_correlation: Quantity
    artefact_p: float
    verdict: str
    effect: Quantity
    effect_at_K: float
    compensation_plot: CurveSet
    decorrelated_plot: CurveSet

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return Meyer-Neldel energy and isokinetic temperature."""
        family = replace(sample, temperature_K=None)
        method = f"{len(self.materials)} materials, decorrelated at {self.mean_temperature_K:.0f} K"
        return (
            computed(family, "meyer_neldel_energy", self.meyer_neldel_energy, method=method),
            computed(family, "isokinetic_temperature", self.isokinetic_temperature, method=method),
        )


def compensation(
    lines: Sequence[ActivatedLine], settings: CompensationSettings = CompensationSettings()
) -> Compensation:
    r"""Return whether prefactors rise with activation energies beyond what the fits make of errors.

    .. math:: \ln A = \alpha + E_a / E_{MN}

    An error of E_a moves ln A along a line of slope 1/kT_hm, and values that were all measurable
    in one window line up along it even without errors. At the harmonic mean temperature the
    errors of E_a and ln y are independent (Krug, Hunter and Grieger, doi:10.1038/261566a0), so

    .. math:: \ln y(T_{hm}) = c + b E_a, \qquad b = 1/E_{MN} - 1/kT_{hm}

    and b = 0 is the artefact. b is found from the errors of each material, with their covariance,
    the spread of the energies and the scatter of materials about the rule, both unknown and
    integrated over. Without errors its interval is that of Student's t for a plain regression.

    Parameters
    ----------
    lines
        At least five materials.

    Raises
    ------
    InputError
        If there are fewer, or all have one energy.
    """
    if len(lines) < FEWEST_MATERIALS:
        raise InputError(
            f"Compensation needs at least {FEWEST_MATERIALS} materials",
            received=f"{len(lines)}",
        )
    mean_K = 1.0 / float(np.mean([1.0 / line.temperature_K for line in lines]))
    own = _Family(lines, mean_K)
    if np.ptp(own.energies) == 0.0:
        raise InputError(
            "Compensation needs materials of different activation energies",
            received=f"{own.energies[0]:g} eV for all",
        )
    slope, p_value = own.slope(), own.p_value()
    plain, correlation = _plain(own, mean_K)
    energy = _meyer_neldel(slope, mean_K, p_value)
    return Compensation(
        materials=tuple(line.name for line in lines),
        mean_temperature_K=mean_K,
        slope=slope,
        meyer_neldel_energy=energy,
        isokinetic_temperature=_isokinetic(energy),
        apparent_energy_eV=1.0 / plain if plain else float("inf"),
        correlation=correlation,
        null_correlation=_null_correlation(own, mean_K, settings),
        artefact_p=p_value,
        verdict=_verdict(energy, slope, p_value),
        effect=_moved(slope, _inverse(mean_K) - _inverse(settings.effect_at_K)),
        effect_at_K=settings.effect_at_K,
        compensation_plot=_plot(lines, own, None),
        decorrelated_plot=_plot(lines, own, mean_K),
    )


def _inverse(temperature_K: float) -> float:
    return 1.0 / (BOLTZMANN_EV_PER_K * temperature_K)


class _Family:
    """The energies of a set and its values at one temperature, with the errors of both."""

    def __init__(self, lines: Sequence[ActivatedLine], temperature_K: float) -> None:
        found = [line.at(temperature_K) for line in lines]
        self.energies = np.array([line.energy_eV for line in lines])
        self.values = np.array([value for value, _ in found])
        self.covariances = np.array([covariance for _, covariance in found])
        # Both directions in units of their spread, in which no slope is special.
        self.scale = (float(np.std(self.energies)), float(np.std(self.values)) or 1.0)

    @cached_property
    def _angles(self) -> tuple[Floats, Floats]:
        """Return edges of cells of the angle of the rule, and the probability of each cell."""
        edges = np.linspace(-np.pi / 2, np.pi / 2, _CELLS + 1)
        for _ in range(4):
            logarithm = self._log_cells((edges[1:] + edges[:-1]) / 2.0)
            likely = np.flatnonzero(logarithm > logarithm.max() - _DEPTH)
            low, high = edges[max(likely[0] - 1, 0)], edges[min(likely[-1] + 2, _CELLS)]
            if high - low > 0.7 * (edges[-1] - edges[0]):
                break
            edges = np.linspace(low, high, _CELLS + 1)
        logarithm = self._log_cells((edges[1:] + edges[:-1]) / 2.0)
        weights = np.exp(logarithm - logarithm.max())
        return edges, weights / np.sum(weights)

    def slope(self) -> Quantity:
        """Return b with its central 95 %."""
        edges, weights = self._angles
        passed = np.concatenate([[0.0], np.cumsum(weights)])
        low, middle, high = (
            float(np.tan(angle)) * self.scale[1] / self.scale[0]
            for angle in np.interp([0.025, 0.5, 0.975], passed / passed[-1], edges)
        )
        return Quantity(middle, "1/eV", (high - low) / (2.0 * NORMAL_95), low, high)

    def p_value(self) -> float:
        """Return the probability, on both sides, of a slope as far from zero."""
        edges, weights = self._angles
        passed = np.concatenate([[0.0], np.cumsum(weights)])
        below = float(np.interp(0.0, edges, passed / passed[-1]))
        return 2.0 * min(below, 1.0 - below)

    def _log_cells(self, angles: Floats) -> Floats:
        """Return the logarithm of the marginal likelihood at each angle, (m,)."""
        own = self.covariances / np.outer(self.scale, self.scale)
        scatters = _beyond(float(np.mean(own[:, 1, 1])), np.linspace(0.0, 1.0, 32))
        spreads = _beyond(float(np.mean(own[:, 0, 0])), np.linspace(0.0, 1.0, 14))
        points = np.stack([self.energies / self.scale[0], self.values / self.scale[1]])
        cells = log_likelihoods(points, own, np.tan(angles), scatters, spreads)
        return np.asarray(special.logsumexp(cells, axis=(1, 2)))


@numba.njit(cache=True, nogil=True)
def log_likelihoods(
    points: Floats, covariances: Floats, slopes: Floats, scatters: Floats, spreads: Floats
) -> Floats:
    r"""Return ln p of points about a line, for each slope, scatter and spread, (m, k, l).

    Each point is a draw of a normal distribution with the covariance

    .. math:: C_i + \begin{pmatrix} \tau^2 & b \tau^2 \\ b \tau^2 & b^2 \tau^2 + \sigma^2
        \end{pmatrix}

    about a centre that may lie anywhere and is integrated over. Hot loop.

    Parameters
    ----------
    points, covariances
        (2, n) and (n, 2, 2).
    slopes, scatters, spreads
        b (m,), variances sigma² (k,) and tau² (l,).
    """
    found = np.empty((len(slopes), len(scatters), len(spreads)))
    for m, b in enumerate(slopes):
        for k, scatter in enumerate(scatters):
            for j, spread in enumerate(spreads):
                saa = scc = sdd = pe = pv = whole = logs = 0.0
                for i in range(points.shape[1]):
                    e, v = points[0, i], points[1, i]
                    a = covariances[i, 0, 0] + spread
                    c = covariances[i, 0, 1] + b * spread
                    d = covariances[i, 1, 1] + b * b * spread + scatter
                    # a d - c², written so that nothing large cancels.
                    determinant = (
                        covariances[i, 0, 0] * (covariances[i, 1, 1] + scatter + b * b * spread)
                        - covariances[i, 0, 1] * (covariances[i, 0, 1] + 2.0 * b * spread)
                        + spread * (covariances[i, 1, 1] + scatter)
                    )
                    ia, ic, id_ = d / determinant, -c / determinant, a / determinant
                    saa, scc, sdd = saa + ia, scc + ic, sdd + id_
                    pe, pv = pe + ia * e + ic * v, pv + ic * e + id_ * v
                    whole += ia * e * e + 2.0 * ic * e * v + id_ * v * v
                    logs += np.log(determinant)
                volume = saa * sdd - scc * scc
                centred = (sdd * pe * pe - 2.0 * scc * pe * pv + saa * pv * pv) / volume
                found[m, k, j] = -0.5 * (whole - centred + logs + np.log(volume))
    return found


def _beyond(known: float, shares: Floats) -> Floats:
    """Return variances beyond a known one, their sum evenly spread on a logarithmic scale."""
    least = max(known, _LEAST_VARIANCE)
    total = least * np.exp(shares * np.log(1.0 + _MOST_VARIANCE / least))
    return np.asarray(np.maximum(total - known, 1e-6 * least))


def _plain(family: _Family, mean_K: float) -> tuple[float, float]:
    """Return slope and Pearson's r of ln A against E_a."""
    prefactors = family.values + family.energies * _inverse(mean_K)
    slope = float(np.polyfit(family.energies, prefactors, 1)[0])
    return slope, float(np.corrcoef(family.energies, prefactors)[0, 1])


def _null_correlation(family: _Family, mean_K: float, settings: CompensationSettings) -> Quantity:
    """Return Pearson's r of ln A and E_a where values at T_hm are shuffled among the energies."""
    random = np.random.default_rng(settings.seed)
    values = np.tile(family.values, (settings.simulations, 1))
    prefactors = random.permuted(values, axis=1) + family.energies * _inverse(mean_K)
    apart = prefactors - prefactors.mean(axis=1, keepdims=True)
    energies = family.energies - family.energies.mean()
    found = apart @ energies / np.sqrt(np.sum(apart**2, axis=1) * np.sum(energies**2))
    low, middle, high = (float(q) for q in np.quantile(found, [0.025, 0.5, 0.975]))
    return Quantity(middle, "1", float(np.std(found)), low, high)


def _moved(slope: Quantity, shift: float) -> Quantity:
    """Return d ln y / dE_a at another temperature: from one to the other it is known exactly."""
    ends = (slope.value + shift, slope.low + shift, slope.high + shift)
    return replace(slope, value=ends[0], low=ends[1], high=ends[2])


def _meyer_neldel(slope: Quantity, mean_K: float, p_value: float) -> Quantity:
    """Return E_MN from 1/E_MN = b + 1/kT_hm, where it is bounded and no artefact."""
    low, middle, high = (end + _inverse(mean_K) for end in (slope.low, slope.value, slope.high))
    if low <= 0.0 <= high:
        return Quantity.refused(
            "eV",
            "prefactors do not depend on the activation energy within the interval: "
            "no compensation shown",
        )
    first, last = sorted((1.0 / low, 1.0 / high))
    if p_value >= 0.05:
        return Quantity.refused(
            "eV",
            f"{_ARTEFACT}: E_MN of {first:.3g} to {last:.3g} eV holds "
            f"kT_hm = {BOLTZMANN_EV_PER_K * mean_K:.3g} eV, the slope that errors and a common "
            "window of measurement make by themselves",
        )
    value = 1.0 / middle
    number = Quantity(value, "eV", slope.error * value**2, first, last)
    return number if middle > 0 else number.provisional("prefactors fall as energies rise")


def _isokinetic(energy: Quantity) -> Quantity:
    if energy.status == "refused":
        return Quantity.refused("K", energy.note)
    return energy.scaled(1.0 / BOLTZMANN_EV_PER_K, "K")


def _verdict(energy: Quantity, slope: Quantity, p_value: float) -> str:
    if energy.status == "refused":
        return energy.note
    kind = "compensation" if energy.value > 0 else "the reverse of compensation"
    away = "more" if slope.value > 0 else "less"
    return f"{kind}, {away} than the common fit makes by itself (p = {p_value:.2g})"


def _plot(lines: Sequence[ActivatedLine], family: _Family, mean_K: float | None) -> CurveSet:
    """Return the points of a set with the plain regression through them."""
    if mean_K is None:
        y = np.array([line.log_prefactor for line in lines])
        name, error = "ln A", None
    else:
        y, name = family.values, f"ln y at {mean_K:.0f} K"
        error = np.sqrt(family.covariances[:, 1, 1])
    axis = Axis(name, "")
    shown: dict[str, Any] = {"y_error": error, "label": "materials"}
    x = np.linspace(family.energies.min(), family.energies.max(), 2)
    line = np.asarray(np.polyval(np.polyfit(family.energies, y, 1), x), dtype=float)
    curves = (
        Curve(family.energies, y, _ENERGY, axis, **shown),
        Curve(x, line, _ENERGY, axis, None, "plain regression"),
    )
    return CurveSet(
        f"Meyer-Neldel: {name} against activation energy", curves, points=("materials",)
    )
