"""Relaxation rates over temperature as a model that a fit can take, several conditions at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.model import Model, Parameter
from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.observe.relaxation.processes import Process, relaxation_rate
from vitrolyte.observe.relaxation.rates import Condition, Mechanism
from vitrolyte.observe.relaxation.spectral_densities import SHAPES, Shape, shape

Floats = NDArray[np.float64]

_ENERGIES_EV = np.array([0.05, 0.08, 0.12, 0.17, 0.23, 0.3, 0.4, 0.5, 0.65, 0.85, 1.1, 1.5])
_PLACES = 25


@dataclass(frozen=True, eq=False)
class RateSeries:
    """A relaxation rate at several temperatures under one condition.

    Attributes
    ----------
    condition
        Which rate, at which frequencies.
    temperatures_K
        (n,).
    rates
        (n,), 1/s.
    relative_errors
        (n,), standard error over value; None where it is not known.

    Raises
    ------
    InputError
        If the lengths differ, or a temperature or rate is not positive.
    """

    condition: Condition
    temperatures_K: Floats
    rates: Floats
    relative_errors: Floats | None = None

    def __post_init__(self) -> None:
        lengths = {len(self.temperatures_K), len(self.rates)}
        if self.relative_errors is not None:
            lengths.add(len(self.relative_errors))
        positive = np.all(np.asarray(self.rates) > 0) and np.all(
            np.asarray(self.temperatures_K) > 0
        )
        if len(lengths) != 1 or not positive:
            raise InputError(
                "Relaxation rates need one positive value for each temperature above 0 K",
                received=f"{len(self.temperatures_K)} temperatures, {len(self.rates)} rates",
                remedy="give rates R = 1/T1, not times, in 1/s",
            )


@dataclass(frozen=True)
class PeakSettings:
    """What the model of a peak is made of.

    Attributes
    ----------
    density
        Name of the spectral density of every process.
    processes
        How many processes add up.
    mechanism
        ``like``, ``unlike`` or ``single``; see `rates.terms`.
    """

    density: str = "asymmetric"
    processes: int = 1
    mechanism: Mechanism = "like"

    def __post_init__(self) -> None:
        shape(self.density)
        if not 1 <= self.processes <= 3:
            raise InputError("One to three processes can be fitted", received=f"{self.processes}")

    @property
    def family(self) -> Shape:
        """Return the family of the spectral density."""
        return SHAPES[self.density]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the parameters of one process, in order."""
        return ("energy", "log_tau", "log_coupling", *(p.name for p in self.family.parameters))


@dataclass(frozen=True, eq=False)
class Peaks:
    """The series of a joint fit laid one behind the other, and the model that gives them.

    Attributes
    ----------
    series
        The data.
    settings
        What the model is made of.
    pivot_K
        Temperature at which the time of a process is a parameter: that of the data's middle, so
        that energy and time are not one parameter in two disguises.
    """

    series: tuple[RateSeries, ...]
    settings: PeakSettings
    pivot_K: float

    @property
    def temperatures(self) -> Floats:
        """Return the temperatures of all points, (n,), K."""
        return np.concatenate([np.asarray(one.temperatures_K, float) for one in self.series])

    @property
    def curve(self) -> Curve:
        """Return ln R of all points against their number, with errors where all are known."""
        rates = np.concatenate([np.asarray(one.rates, float) for one in self.series])
        errors = [one.relative_errors for one in self.series]
        known = None
        if all(error is not None for error in errors):
            known = np.concatenate([np.asarray(error, float) for error in errors])
        x = np.arange(len(rates), dtype=float)
        return Curve(x, np.log(rates), Axis("point", ""), Axis("ln R", ""), known)

    def processes(self, values: Floats) -> tuple[Process, ...]:
        """Return the processes of a set of parameters."""
        each = np.split(np.asarray(values, dtype=float), self.settings.processes)
        return tuple(self._process(one) for one in each)

    def _process(self, values: Floats) -> Process:
        energy, log_tau, log_coupling = values[:3]
        tau0 = math.exp(log_tau - energy / (BOLTZMANN_EV_PER_K * self.pivot_K))
        family = self.settings.family.parameters
        inside = tuple(float(np.clip(v, p.low, p.high)) for v, p in zip(values[3:], family))
        return Process(
            max(float(energy), 0.0), tau0, math.exp(log_coupling), self.settings.density, inside
        )

    def forward(self, x: Floats, values: Floats) -> Floats:
        """Return ln R of the points with numbers x."""
        numbers = np.asarray(x).round().astype(int)
        return np.asarray(self._all(values)[numbers])

    def _all(self, values: Floats) -> Floats:
        processes, mechanism = self.processes(values), self.settings.mechanism
        parts = [
            np.log(
                relaxation_rate(one.temperatures_K, processes, one.condition, mechanism=mechanism)
            )
            for one in self.series
        ]
        return np.concatenate(parts)

    def model(self) -> Model:
        """Return the model with starting values from a scan over energies and peak positions."""
        start: list[float] = []
        for number in range(self.settings.processes):
            start += self._next_process(start, number)
        return Model(self.forward, tuple(self._parameters(np.array(start))))

    def _next_process(self, found: list[float], number: int) -> list[float]:
        """Return starting values of one more process, beside those found before."""
        y = np.asarray(self.curve.y, dtype=float)
        single = Peaks(
            self.series,
            PeakSettings(self.settings.density, 1, self.settings.mechanism),
            self.pivot_K,
        )
        before = np.zeros(len(y))
        if found:
            held = PeakSettings(self.settings.density, number, self.settings.mechanism)
            before = np.exp(Peaks(self.series, held, self.pivot_K)._all(np.array(found)))
        best, least = [0.0], math.inf
        for energy in _ENERGIES_EV:
            for log_tau in self._times(float(energy)):
                trial = np.array([energy, log_tau, 0.0, *self.settings.family.defaults])
                shapely = single._all(trial)
                scale, misfit = _scaled(y, shapely, before)
                if misfit < least:
                    least = misfit
                    best = [float(energy), log_tau, scale, *self.settings.family.defaults]
        return best

    def _times(self, energy: float) -> list[float]:
        """Return ln tau at the pivot such that the peak lies at places about the data."""
        omegas = [
            2 * one.condition.spin_lock if one.condition.spin_lock else abs(one.condition.larmor)
            for one in self.series
        ]
        t = self.temperatures
        places = np.linspace(0.7 * t.min(), 1.4 * t.max(), _PLACES)
        rise = energy / BOLTZMANN_EV_PER_K * (1.0 / self.pivot_K - 1.0 / places)
        return [float(v) for v in math.log(0.6 / np.median(omegas)) + rise]

    def _parameters(self, start: Floats) -> list[Parameter]:
        found = []
        for number, one in enumerate(np.split(start, self.settings.processes)):
            end = f"_{number + 1}" if self.settings.processes > 1 else ""
            energy, log_tau, log_coupling = (float(v) for v in one[:3])
            found += [
                Parameter(f"energy{end}", energy, "eV", 0.0, 5.0),
                Parameter(f"log_tau{end}", log_tau, "", -50.0, 20.0),
                Parameter(f"log_coupling{end}", log_coupling, "", -20.0, 80.0),
            ]
            found += [
                Parameter(f"{p.name}{end}", float(v), p.unit, p.low, p.high)
                for p, v in zip(self.settings.family.parameters, one[3:])
            ]
        return found


def _scaled(y: Floats, shapely: Floats, before: Floats) -> tuple[float, float]:
    """Return ln of the scale of one more process that suits ln R best, and the misfit."""
    left = np.maximum(np.exp(y) - before, 0.05 * np.exp(y))
    scale = float(np.mean(np.log(left) - shapely))
    together = np.log(np.exp(shapely + scale) + before)
    return scale, float(np.mean((y - together) ** 2))


def peaks(series: tuple[RateSeries, ...], settings: PeakSettings) -> Peaks:
    """Return the joint problem of several series.

    Raises
    ------
    InputError
        If there is no series.
    """
    if not series:
        raise InputError("A fit of relaxation needs at least one series of rates")
    inverse = np.concatenate([1.0 / np.asarray(one.temperatures_K, float) for one in series])
    return Peaks(series, settings, float(1.0 / inverse.mean()))
