"""The time of a motion over temperature, by Arrhenius' law through the times of several runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.fitted import Fitted, Fitter
from vitrolyte.data.model import Model, Parameter
from vitrolyte.data.quantity import NORMAL_95, Quantity
from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.observe.relaxation.peak_fit import INVERSE
from vitrolyte.observe.relaxation.relaxation import Relaxation

Floats = NDArray[np.float64]
Runs = Sequence[tuple[float, Relaxation]]
"""Temperature, K, and what was found, of each run."""

FEWEST_TEMPERATURES = 4
_FAR_DECADES = 3.0
_DRAWN = 200


@dataclass(frozen=True, eq=False)
class TimeLaw:
    r"""The law :math:`\ln \tau = \ln \tau_0 + E_a / kT` of the slowest motion of several runs.

    Attributes
    ----------
    points
        ln tau of the runs against 1000/T in 1/K, with errors.
    line
        The law through them.
    """

    points: Curve
    line: Fitted

    @property
    def energy(self) -> Quantity:
        """Return the activation energy, eV."""
        energy = self.line.parameters["energy"]
        if self.line.poor:
            reason = "the times scatter about the line more than their errors allow"
            return energy.provisional(reason)
        return energy

    @property
    def tau0(self) -> Quantity:
        """Return the prefactor, s."""
        log_value, error = (float(v[0]) for v in self.line.band(np.zeros(1)))
        value, half = math.exp(log_value), self.line.quantile * error
        ends = math.exp(log_value - half), math.exp(min(log_value + half, 700.0))
        return Quantity(value, "s", value * error, *ends)

    @property
    def temperatures_K(self) -> Floats:
        """Return the temperatures of the runs, (n,), K."""
        return np.asarray(1000.0 / self.points.x)

    def inside(self, temperature_K: float) -> bool:
        """Return whether a temperature lies between those of the runs."""
        found = self.temperatures_K
        return bool(found.min() <= temperature_K <= found.max())

    def tau_s(self, temperature_K: Floats) -> Floats:
        """Return the time at temperatures, s."""
        log_time, _ = self.line.band(1000.0 / np.asarray(temperature_K, dtype=float))
        return np.asarray(np.exp(log_time))

    def when(self, tau_s: float) -> Quantity:
        """Return the temperature at which the motion takes a time, K; refused where it never does.

        Outside the runs it is provisional; where the time there is known within no less than three
        decades it is refused.
        """
        slope = self.line.parameters["energy"].value / (1000.0 * BOLTZMANN_EV_PER_K)
        x = (math.log(tau_s) - math.log(self.tau0.value)) / slope if slope > 0 else -1.0
        if x <= 0:
            return Quantity.refused("K", "the time never gets so short")
        _, error = self.line.band(np.array([x]))
        # An error of ln tau at a temperature is an error of 1000/T over the slope.
        shift = float(error[0]) / slope
        half = self.line.quantile * shift
        decades = 2 * self.line.quantile * float(error[0]) / math.log(10)
        if decades > _FAR_DECADES:
            reason = f"the time there is known within {decades:.1f} decades only"
            return Quantity.refused("K", reason)
        temperature = 1000.0 / x
        low, high = 1000.0 / (x + half), 1000.0 / max(x - half, 1e-9)
        place = Quantity(temperature, "K", temperature * shift / x, low, high)
        return place if self.inside(temperature) else place.provisional(self.extrapolated)

    @property
    def extrapolated(self) -> str:
        """Return from where a value outside the runs comes, in words."""
        found = self.temperatures_K
        return f"extrapolated from {found.min():g}-{found.max():g} K"

    @property
    def curves(self) -> CurveSet:
        """Return the time of each run and the line."""
        x = np.linspace(float(self.points.x.min()), float(self.points.x.max()), _DRAWN)
        y, error = self.line.band(x)
        axis = Axis("correlation time", "s")
        values = np.exp(np.asarray(self.points.y, dtype=float))
        errors = None if self.points.y_error is None else values * self.points.y_error
        shown = Curve(self.points.x, values, INVERSE, axis, errors, "runs")
        drawn = Curve(x, np.exp(y), INVERSE, axis, np.exp(y) * error, "line")
        return CurveSet("Time of the slowest motion", (shown, drawn), log_y=True, points=("runs",))


def checked(runs: Runs) -> str:
    """Return the nucleus of runs.

    Raises
    ------
    InputError
        If fewer than four temperatures are given or the nuclei differ.
    """
    names = {one.nucleus for _, one in runs}
    temperatures = sorted({t for t, _ in runs})
    few = len(temperatures) < FEWEST_TEMPERATURES
    if few or len(names) != 1 or min(temperatures) <= 0:
        raise InputError(
            f"A law over temperature needs {FEWEST_TEMPERATURES} temperatures of one nucleus",
            received=f"{temperatures} K, {sorted(names)}",
        )
    return names.pop()


def usable_runs(runs: Runs) -> Runs:
    """Return the runs that resolve a slow motion, in order of temperature."""
    ordered = sorted(runs, key=lambda run: run[0])
    return tuple((t, one) for t, one in ordered if _usable(one))


def why_too_few(runs: Runs) -> str:
    """Return why there is no law; empty where there are temperatures enough."""
    usable = usable_runs(runs)
    found = len({t for t, _ in usable})
    if found >= FEWEST_TEMPERATURES:
        return ""
    kept = {id(one) for _, one in usable}
    first = next((one.slow_time.note for _, one in runs if id(one) not in kept), "")
    return f"{len(usable)} of {len(runs)} runs gave a slow time, four are needed: {first}"


def time_law(runs: Runs, fit: Fitter) -> TimeLaw:
    """Return the law of the slow times of runs; there must be enough that resolve one."""
    points = _points(usable_runs(runs))
    return TimeLaw(points, fit(_model(points), points))


def _usable(one: Relaxation) -> bool:
    numbers = (one.slow_time, one.slow_coupling)
    return all(n.status != "refused" and math.isfinite(n.low) and n.low > 0 for n in numbers)


def _points(usable: Runs) -> Curve:
    times = [one.slow_time for _, one in usable]
    errors = np.array([math.log(q.high / q.low) / (2 * NORMAL_95) for q in times])
    x = 1000.0 / np.array([t for t, _ in usable])
    return Curve(x, np.log([q.value for q in times]), INVERSE, Axis("ln τ", ""), errors)


def _model(points: Curve) -> Model:
    middle = float(np.mean(points.x))
    slope, level = np.polyfit(points.x, np.asarray(points.y, dtype=float), 1)
    scale = 1000.0 * BOLTZMANN_EV_PER_K

    def forward(x: Floats, p: Floats) -> Floats:
        return np.asarray(p[1] + p[0] * (x - middle) / scale)

    return Model(
        forward,
        (
            Parameter("energy", round(float(slope * scale), 12), "eV"),
            Parameter("log_time", float(level + slope * middle), ""),
        ),
    )
