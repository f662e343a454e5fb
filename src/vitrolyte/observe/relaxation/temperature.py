"""Relaxation over temperature from runs: the slow time by Arrhenius' law, the peak it will make."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.fitted import Fitted, Fitter
from vitrolyte.data.model import Model, Parameter
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import NORMAL_95, Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.observe.relaxation.peak_fit import INVERSE, RATE
from vitrolyte.observe.relaxation.processes import Process, peak, relaxation_rate
from vitrolyte.observe.relaxation.rates import Condition
from vitrolyte.observe.relaxation.relaxation import Relaxation

Floats = NDArray[np.float64]

_FEWEST_TEMPERATURES = 4
_FAR_DECADES = 3.0
_DRAWN = 200


@dataclass(frozen=True, eq=False)
class RelaxationOverTemperature(Result):
    """What the slowest motion of several runs says of relaxation at all temperatures.

    Attributes
    ----------
    nucleus
        Which.
    activation_energy, tau0
        Of its time: tau_0 exp(E_a / kT), eV and s.
    coupling
        K that this motion relaxes, the mean over the runs, 1/s².
    peak_temperature, jump_rate
        By condition: where R1 or R1rho will have its maximum, K, and 1/tau there, 1/s.
    curves
        Rates read from the runs as points, and the law through them over all temperatures.
    times
        The time of each run and the line.
    """

    nucleus: str
    activation_energy: Quantity
    tau0: Quantity
    coupling: Quantity
    peak_temperature: Mapping[str, Quantity]
    jump_rate: Mapping[str, Quantity]
    curves: CurveSet
    times: CurveSet

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return energy, prefactor and coupling, and the expected maxima."""
        at = replace(sample, temperature_K=None)
        how = "correlation times of runs, exponential decay"
        rows = [
            computed(
                at, "activation_energy", self.activation_energy,
                of=f"{self.nucleus} correlation time", method=how,
            ),
            computed(at, "bpp_tau0", self.tau0, of=self.nucleus, method=how),
            computed(at, "relaxation_coupling", self.coupling, of=self.nucleus, method=how),
        ]  # fmt: skip
        for label, number in self.peak_temperature.items():
            of = f"{self.nucleus} {label}"
            rows.append(computed(at, "relaxation_peak_temperature", number, of=of, method=how))
            rows.append(computed(at, "jump_rate", self.jump_rate[label], of=of, method=how))
        return tuple(rows)


def relaxation_over_temperature(
    runs: Mapping[float, Relaxation],
    fit: Fitter,
    *,
    wanted: tuple[Condition, ...],
) -> RelaxationOverTemperature:
    r"""Return the law of relaxation over temperature that the slow times of runs make.

    .. math:: \ln \tau = \ln \tau_0 + E_a / kT, \qquad R(T) = K \sum_i w_i J(\omega_i; \tau(T))

    The time is that of the slowest motion that the runs resolve; its decay is taken to be
    exponential and its coupling the same at all temperatures. Where the peak lies outside the runs,
    as that of R1rho always does, it is an extrapolation and provisional.

    Parameters
    ----------
    runs
        Relaxation by temperature, K, of the same nucleus.
    fit
        Finds the parameters of a model from a curve: ``infer.fit.fit``.
    wanted
        Conditions of R1 and R1rho.

    Raises
    ------
    InputError
        If fewer than four temperatures are given or the nuclei differ.
    """
    names = {one.nucleus for one in runs.values()}
    if len(runs) < _FEWEST_TEMPERATURES or len(names) != 1 or min(runs) <= 0:
        raise InputError(
            f"A law over temperature needs {_FEWEST_TEMPERATURES} temperatures of one nucleus",
            received=f"{sorted(runs)} K, {sorted(names)}",
        )
    usable = {t: one for t, one in sorted(runs.items()) if _usable(one)}
    if len(usable) < _FEWEST_TEMPERATURES:
        return _refused(names.pop(), runs, usable, wanted)
    points = _points(usable)
    line = fit(_model(points), points)
    return _described(names.pop(), usable, points, line, wanted)


def _usable(one: Relaxation) -> bool:
    numbers = (one.slow_time, one.slow_coupling)
    return all(n.status != "refused" and math.isfinite(n.low) and n.low > 0 for n in numbers)


def _points(usable: Mapping[float, Relaxation]) -> Curve:
    times = [one.slow_time for one in usable.values()]
    errors = np.array([math.log(q.high / q.low) / (2 * NORMAL_95) for q in times])
    x = 1000.0 / np.array(list(usable))
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
            Parameter("energy", float(slope * scale), "eV"),
            Parameter("log_time", float(level + slope * middle), ""),
        ),
    )


def _described(
    name: str,
    usable: Mapping[float, Relaxation],
    points: Curve,
    line: Fitted,
    wanted: tuple[Condition, ...],
) -> RelaxationOverTemperature:
    energy = line.parameters["energy"]
    if line.poor:
        energy = energy.provisional("the times scatter about the line more than their errors allow")
    log_tau0, error = (float(v[0]) for v in line.band(np.zeros(1)))
    coupling = _coupling(usable)
    labels = [at.label for at in wanted]
    if energy.value <= 0:
        reason = "the time does not fall with temperature"
        places = {
            k: (Quantity.refused("K", reason), Quantity.refused("1/s", reason)) for k in labels
        }
        curves = CurveSet("Relaxation over temperature", ())
    else:
        process = Process(energy.value, math.exp(log_tau0), coupling.value)
        places = {at.label: _place(process, at, line, list(usable)) for at in wanted}
        curves = _curves(process, usable, wanted)
    return RelaxationOverTemperature(
        nucleus=name,
        activation_energy=energy,
        tau0=_exponential(log_tau0, line.quantile * error, error),
        coupling=coupling,
        peak_temperature={k: pair[0] for k, pair in places.items()},
        jump_rate={k: pair[1] for k, pair in places.items()},
        curves=curves,
        times=_times(points, line),
    )


def _exponential(log_value: float, half: float, error: float) -> Quantity:
    value = math.exp(log_value)
    ends = math.exp(log_value - half), math.exp(min(log_value + half, 700.0))
    return Quantity(value, "s", value * error, *ends)


def _coupling(usable: Mapping[float, Relaxation]) -> Quantity:
    """Return the mean coupling over the runs; its change with temperature is part of its error."""
    logs = np.log([one.slow_coupling.value for one in usable.values()])
    error = float(logs.std(ddof=1) / math.sqrt(len(logs)))
    value = float(np.exp(logs.mean()))
    half = NORMAL_95 * float(logs.std(ddof=1))
    number = Quantity(value, "1/s²", value * error, value * math.exp(-half), value * math.exp(half))
    doubtful = next((o.slow_coupling for o in usable.values() if o.slow_coupling.note), None)
    number = number.provisional("taken to be the same at all temperatures")
    return number if doubtful is None else number.provisional(doubtful.note)


def _place(
    process: Process, at: Condition, line: Fitted, temperatures: list[float]
) -> tuple[Quantity, Quantity]:
    """Return where the maximum will be, and 1/tau there: the latter is a matter of frequency."""
    if at.observable == "R2":
        reason = "R2 has no maximum over temperature"
        return Quantity.refused("K", reason), Quantity.refused("1/s", reason)
    top = peak(process, at)
    rate = Quantity(1.0 / top.tau_s, "1/s", note="set by the frequency, for exponential decay")
    if not math.isfinite(top.temperature_K):
        return Quantity.refused("K", "the time never gets so short"), rate
    x = 1000.0 / top.temperature_K
    _, error = line.band(np.array([x]))
    # An error of ln tau at a temperature is an error of 1000/T over the slope.
    shift = float(error[0]) * 1000.0 * BOLTZMANN_EV_PER_K / process.energy_eV
    half = line.quantile * shift
    low, high = 1000.0 / (x + half), 1000.0 / max(x - half, 1e-9)
    decades = 2 * line.quantile * float(error[0]) / math.log(10)
    if decades > _FAR_DECADES:
        reason = f"the time there is known within {decades:.1f} decades only"
        return Quantity.refused("K", reason), rate
    place = Quantity(top.temperature_K, "K", top.temperature_K * shift / x, low, high)
    if min(temperatures) <= top.temperature_K <= max(temperatures):
        return place, rate
    ends = f"{min(temperatures):g}-{max(temperatures):g} K"
    return place.provisional(f"extrapolated from {ends}"), rate.provisional(f"from {ends}")


def _curves(
    process: Process, usable: Mapping[float, Relaxation], wanted: tuple[Condition, ...]
) -> CurveSet:
    tops = [peak(process, at).temperature_K for at in wanted if at.observable != "R2"]
    inside = [t for t in (*tops, *usable) if math.isfinite(t)]
    x = np.linspace(1000.0 / (1.3 * max(inside)), 1000.0 / (0.7 * min(inside)), _DRAWN)
    curves, points = [], []
    for at in wanted:
        rates = relaxation_rate(1000.0 / x, (process,), at)
        curves.append(Curve(x, rates, INVERSE, RATE, label=f"{at.label}, law"))
        seen = {
            t: one.rates[at.label]
            for t, one in usable.items()
            if at.label in one.rates and one.rates[at.label].status != "refused"
        }
        if seen:
            y = np.array([q.value for q in seen.values()])
            error = np.array([q.error for q in seen.values()])
            curves.append(Curve(1000.0 / np.array(list(seen)), y, INVERSE, RATE, error, at.label))
            points.append(at.label)
    title = "Relaxation over temperature, by the times of the runs"
    return CurveSet(title, tuple(curves), log_y=True, points=tuple(points))


def _times(points: Curve, line: Fitted) -> CurveSet:
    x = np.linspace(float(points.x.min()), float(points.x.max()), _DRAWN)
    y, error = line.band(x)
    axis = Axis("correlation time", "s")
    values = np.exp(np.asarray(points.y, dtype=float))
    errors = None if points.y_error is None else values * points.y_error
    shown = Curve(points.x, values, INVERSE, axis, errors, "runs")
    drawn = Curve(x, np.exp(y), INVERSE, axis, np.exp(y) * error, "line")
    return CurveSet("Time of the slowest motion", (shown, drawn), log_y=True, points=("runs",))


def _refused(
    name: str,
    runs: Mapping[float, Relaxation],
    usable: Mapping[float, Relaxation],
    wanted: tuple[Condition, ...],
) -> RelaxationOverTemperature:
    first = next((o.slow_time.note for t, o in runs.items() if t not in usable), "")
    reason = f"{len(usable)} of {len(runs)} runs gave a slow time, four are needed: {first}"
    empty = CurveSet("Relaxation over temperature", ())
    return RelaxationOverTemperature(
        nucleus=name,
        activation_energy=Quantity.refused("eV", reason),
        tau0=Quantity.refused("s", reason),
        coupling=Quantity.refused("1/s²", reason),
        peak_temperature={at.label: Quantity.refused("K", reason) for at in wanted},
        jump_rate={at.label: Quantity.refused("1/s", reason) for at in wanted},
        curves=empty,
        times=empty,
    )
