"""Relaxation over temperature from runs: the slow time by Arrhenius' law, the peak it will make."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from vitrolyte.data.curve import Curve, CurveSet
from vitrolyte.data.fitted import Fitter
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import NORMAL_95, Quantity
from vitrolyte.data.result import Result
from vitrolyte.observe.relaxation.peak_fit import INVERSE, RATE
from vitrolyte.observe.relaxation.processes import Process, peak, relaxation_rate
from vitrolyte.observe.relaxation.rates import Condition
from vitrolyte.observe.relaxation.time_law import (
    Runs,
    TimeLaw,
    checked,
    time_law,
    usable_runs,
    why_too_few,
)

_DRAWN = 200
_TITLE = "Relaxation over temperature, by the times of the runs"


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
    runs: Runs,
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
        Temperature, K, and relaxation of the same nucleus in each run.
    fit
        Finds the parameters of a model from a curve: ``infer.fit.fit``.
    wanted
        Conditions of R1 and R1rho.

    Raises
    ------
    InputError
        If fewer than four temperatures are given or the nuclei differ.
    """
    name, reason = checked(runs), why_too_few(runs)
    if reason:
        return _refused(name, reason, wanted)
    usable, law = usable_runs(runs), time_law(runs, fit)
    coupling = _coupling(usable)
    places, curves = _peaks(law, coupling, usable, wanted)
    return RelaxationOverTemperature(
        nucleus=name,
        activation_energy=law.energy,
        tau0=law.tau0,
        coupling=coupling,
        peak_temperature={k: pair[0] for k, pair in places.items()},
        jump_rate={k: pair[1] for k, pair in places.items()},
        curves=curves,
        times=law.curves,
    )


def _peaks(
    law: TimeLaw, coupling: Quantity, usable: Runs, wanted: tuple[Condition, ...]
) -> tuple[Mapping[str, tuple[Quantity, Quantity]], CurveSet]:
    """Return temperature and jump rate of each maximum, and the law drawn."""
    if law.energy.value <= 0:
        reason = "the time does not fall with temperature"
        nowhere = Quantity.refused("K", reason), Quantity.refused("1/s", reason)
        return {at.label: nowhere for at in wanted}, CurveSet(_TITLE, ())
    process = Process(law.energy.value, law.tau0.value, coupling.value)
    return {at.label: _place(process, at, law) for at in wanted}, _curves(process, usable, wanted)


def _coupling(usable: Runs) -> Quantity:
    """Return the mean coupling over the runs; its change with temperature is part of its error."""
    logs = np.log([one.slow_coupling.value for _, one in usable])
    error = float(logs.std(ddof=1) / math.sqrt(len(logs)))
    value = float(np.exp(logs.mean()))
    half = NORMAL_95 * float(logs.std(ddof=1))
    number = Quantity(value, "1/s²", value * error, value * math.exp(-half), value * math.exp(half))
    doubtful = next((o.slow_coupling for _, o in usable if o.slow_coupling.note), None)
    number = number.provisional("taken to be the same at all temperatures")
    return number if doubtful is None else number.provisional(doubtful.note)


def _place(process: Process, at: Condition, law: TimeLaw) -> tuple[Quantity, Quantity]:
    """Return where the maximum will be, and 1/tau there: the latter is a matter of frequency."""
    if at.observable == "R2":
        reason = "R2 has no maximum over temperature"
        return Quantity.refused("K", reason), Quantity.refused("1/s", reason)
    tau_s = peak(process, at).tau_s
    place = law.when(tau_s)
    rate = Quantity(1.0 / tau_s, "1/s", note="set by the frequency, for exponential decay")
    if place.status == "refused" or law.inside(place.value):
        return place, rate
    return place, rate.provisional(law.extrapolated)


def _curves(process: Process, usable: Runs, wanted: tuple[Condition, ...]) -> CurveSet:
    tops = [peak(process, at).temperature_K for at in wanted if at.observable != "R2"]
    inside = [t for t in (*tops, *(t for t, _ in usable)) if math.isfinite(t)]
    x = np.linspace(1000.0 / (1.3 * max(inside)), 1000.0 / (0.7 * min(inside)), _DRAWN)
    curves, points = [], []
    for at in wanted:
        rates = relaxation_rate(1000.0 / x, (process,), at)
        curves.append(Curve(x, rates, INVERSE, RATE, label=f"{at.label}, law"))
        seen = [
            (t, one.rates[at.label])
            for t, one in usable
            if at.label in one.rates and one.rates[at.label].status != "refused"
        ]
        if seen:
            y = np.array([q.value for _, q in seen])
            error = np.array([q.error for _, q in seen])
            x_seen = 1000.0 / np.array([t for t, _ in seen])
            curves.append(Curve(x_seen, y, INVERSE, RATE, error, at.label))
            points.append(at.label)
    return CurveSet(_TITLE, tuple(curves), log_y=True, points=tuple(points))


def _refused(name: str, reason: str, wanted: tuple[Condition, ...]) -> RelaxationOverTemperature:
    empty = CurveSet(_TITLE, ())
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
