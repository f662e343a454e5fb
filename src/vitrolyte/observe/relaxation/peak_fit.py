"""The peak of a relaxation rate fitted: energies of both flanks, time, asymmetry, jump rates."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.fitted import Fitted, Fitter
from vitrolyte.data.model import Model, Parameter
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.observe.relaxation.peak_model import Peaks, PeakSettings, RateSeries, peaks
from vitrolyte.observe.relaxation.processes import Flanks, peak, relaxation_rate

Floats = NDArray[np.float64]
Side = Literal["high", "low"]

INVERSE = Axis("1000/T", "1/K")
RATE = Axis("relaxation rate", "1/s")
_DRAWN = 200
_FEWEST_ON_A_FLANK = 3
_AT_BOUND = 1e-3


@dataclass(frozen=True, eq=False)
class PeakFit(Result):
    """A relaxation peak by its processes; names end in ``_1``, ``_2`` where there are several.

    Attributes
    ----------
    density, mechanism
        Which law was fitted.
    high_energy, low_energy
        By process: energies of the hot flank (E_a) and of the cold one, eV.
    tau0, beta, coupling
        By process: prefactor of the time, s; asymmetry, for the asymmetric form; K, 1/s².
    jump_rate
        By series: 1/tau of the first process at the maximum of its rate, 1/s; by temperature in
        ``peak_temperature``, K.
    chi2, dof
        Goodness of the fit.
    curves
        Points and the fitted rates against 1000/T.
    """

    density: str
    mechanism: str
    high_energy: Mapping[str, Quantity]
    low_energy: Mapping[str, Quantity]
    tau0: Mapping[str, Quantity]
    beta: Mapping[str, Quantity]
    coupling: Mapping[str, Quantity]
    jump_rate: Mapping[str, Quantity]
    peak_temperature: Mapping[str, Quantity]
    chi2: float
    dof: int
    curves: CurveSet

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return energies of the flanks, time, asymmetry, and the jump rate at each maximum."""
        at = replace(sample, temperature_K=None)
        how = f"spin relaxation, {self.density} spectral density, {self.mechanism}"
        rows = [
            *_rows(at, "activation_energy", self.high_energy, "high_temperature_flank", how),
            *_rows(at, "activation_energy", self.low_energy, "low_temperature_flank", how),
            *_rows(at, "bpp_tau0", self.tau0, "", how),
            *_rows(at, "bpp_beta", self.beta, "", how),
            *_rows(at, "relaxation_coupling", self.coupling, "", how),
            *_rows(at, "relaxation_peak_temperature", self.peak_temperature, "", how),
        ]
        for label, number in self.jump_rate.items():
            place = self.peak_temperature[label].value
            there = replace(sample, temperature_K=None if math.isnan(place) else place)
            rows.append(computed(there, "jump_rate", number, of=label, method=how))
        return tuple(rows)


def _rows(
    sample: Sample, word: str, numbers: Mapping[str, Quantity], of: str, method: str
) -> list[Observation]:
    return [
        computed(sample, word, number, of=" ".join(p for p in (of, name) if p), method=method)
        for name, number in numbers.items()
    ]


def fit_peak(
    series: tuple[RateSeries, ...], fit: Fitter, *, settings: PeakSettings | None = None
) -> PeakFit:
    r"""Return the activated processes behind relaxation rates at one or several conditions.

    ln R of all series is fitted at once, with one energy, time, coupling and shape of each process
    for all fields and spin-locks. Where no errors are given, the residuals give them.

    Parameters
    ----------
    series
        Rates over temperature; R1 at several fields and R1rho at several spin-locks together tell
        beta from a change of slope.
    fit
        Finds the parameters of a model from a curve: ``infer.fit.fit``.
    settings
        Which spectral density, how many processes, which combination of frequencies.

    Raises
    ------
    InputError
        If no series is given.
    NotConverged
        If the points do not determine the parameters: one flank alone gives `flank_energy` only.

    References
    ----------
    Bloembergen, Purcell & Pound, Phys. Rev. 73, 679 (1948), https://doi.org/10.1103/PhysRev.73.679.
    """
    problem = peaks(series, settings or PeakSettings())
    found = fit(problem.model(), problem.curve)
    return _described(problem, found)


def _described(problem: Peaks, found: Fitted) -> PeakFit:
    ends = [f"_{k + 1}" for k in range(problem.settings.processes)]
    ends = ends if len(ends) > 1 else [""]
    doubts = _doubts(problem, found)
    read = _Reading(problem, found, tuple(doubts))
    high = {f"process{e}": read.plain(f"energy{e}") for e in ends}
    low = {f"process{e}": read.low_energy(e) for e in ends}
    betas = {f"process{e}": read.plain(f"beta{e}") for e in ends if f"beta{e}" in found.parameters}
    places = {one.condition.label: read.peak(one) for one in problem.series}
    return PeakFit(
        density=problem.settings.density,
        mechanism=problem.settings.mechanism,
        high_energy=high,
        low_energy=low,
        tau0={f"process{e}": read.tau0(e) for e in ends},
        beta=betas,
        coupling={f"process{e}": read.exponential(f"log_coupling{e}", "1/s²") for e in ends},
        jump_rate={label: pair[0] for label, pair in places.items()},
        peak_temperature={label: pair[1] for label, pair in places.items()},
        chi2=found.chi2,
        dof=found.dof,
        curves=_curves(problem, found.model.values),
    )


def _doubts(problem: Peaks, found: Fitted) -> list[str]:
    doubts = []
    if found.poor:
        doubts.append(
            f"the points scatter about the model more than their errors allow "
            f"(chi² {found.chi2:.3g} for {found.dof} degrees of freedom)"
        )
    for parameter in found.model.parameters:
        width = parameter.high - parameter.low
        near = min(parameter.value - parameter.low, parameter.high - parameter.value)
        inner = parameter.name.startswith(tuple(p.name for p in problem.settings.family.parameters))
        if inner and near < _AT_BOUND * width:
            doubts.append(
                f"{parameter.name} ran into its bound {parameter.value:.3g}: the cold flank is as "
                "steep as the law allows, or steeper"
                if parameter.name.startswith("beta") and parameter.value > 1.5
                else f"{parameter.name} ran into its bound {parameter.value:.3g}"
            )
    return doubts


@dataclass(frozen=True, eq=False)
class _Reading:
    """Numbers derived from fitted parameters, with errors to first order."""

    problem: Peaks
    found: Fitted
    doubts: tuple[str, ...]

    def plain(self, name: str) -> Quantity:
        return self._doubted(self.found.parameters[name])

    def exponential(self, name: str, unit: str) -> Quantity:
        names = [p.name for p in self.found.model.parameters]
        slopes = np.eye(len(names))[names.index(name)]
        return self._exp(self.found.parameters[name].value, slopes, unit)

    def tau0(self, end: str) -> Quantity:
        """Return tau_0 = tau(pivot) exp(-E / k pivot), s."""
        scale = 1.0 / (BOLTZMANN_EV_PER_K * self.problem.pivot_K)
        slopes = self._unit(f"log_tau{end}") - scale * self._unit(f"energy{end}")
        return self._exp(float(slopes @ self.found.model.values), slopes, "s")

    def low_energy(self, end: str) -> Quantity:
        """Return (beta - 1) E, or what else the shape makes of E on the cold flank, eV."""
        names = [p.name for p in self.found.model.parameters]
        shape = [p.name for p in self.problem.settings.family.parameters]

        def of(values: Floats) -> float:
            energy = values[names.index(f"energy{end}")]
            return float(energy * self._cold_power(values, end, names, shape))

        return self._doubted(self._derived(of, "eV"))

    def _cold_power(self, values: Floats, end: str, names: list[str], shape: list[str]) -> float:
        """Return d ln J / d ln(1/tau) far on the cold side: the power of omega tau, minus one."""
        inner = {name: float(values[names.index(name + end)]) for name in shape}
        density = self.problem.settings.density
        if density == "asymmetric":
            return inner["beta"] - 1.0
        if density in ("cole-cole", "cole-davidson", "havriliak-negami"):
            return inner.get("alpha", 1.0) * inner.get("gamma", 1.0)
        return inner.get("beta", 1.0)

    def peak(self, series: RateSeries) -> tuple[Quantity, Quantity]:
        """Return 1/tau of the first process at its maximum, and where that is."""
        names = [p.name for p in self.found.model.parameters]

        def of(values: Floats) -> tuple[float, float]:
            top = peak(
                self.problem.processes(values)[0],
                series.condition,
                mechanism=self.problem.settings.mechanism,
            )
            return math.log(1.0 / top.tau_s), top.temperature_K

        if series.condition.observable == "R2" or not names:
            reason = "R2 has no maximum over temperature"
            return Quantity.refused("1/s", reason), Quantity.refused("K", reason)
        place = self._derived(lambda v: of(v)[1], "K")
        log_rate = self._derived(lambda v: of(v)[0], "")
        value, low, high = (math.exp(v) for v in (log_rate.value, log_rate.low, log_rate.high))
        rate = Quantity(value, "1/s", value * log_rate.error, low, high)
        t = np.asarray(series.temperatures_K, dtype=float)
        if not t.min() <= place.value <= t.max():
            reason = f"the maximum lies outside {t.min():g}-{t.max():g} K, where there are points"
            rate, place = rate.provisional(reason), place.provisional(reason)
        return self._doubted(rate), self._doubted(place)

    def _unit(self, name: str) -> Floats:
        names = [p.name for p in self.found.model.parameters]
        return np.asarray(np.eye(len(names))[names.index(name)])

    def _derived(self, of: Callable[[Floats], float], unit: str) -> Quantity:
        values = self.found.model.values
        lows = np.array([p.low for p in self.found.model.parameters])
        highs = np.array([p.high for p in self.found.model.parameters])
        steps = 1e-4 * np.maximum(np.abs(values), 1e-2)
        slopes = np.empty(len(values))
        for k, step in enumerate(steps):
            up, down = values.copy(), values.copy()
            up[k], down[k] = min(values[k] + step, highs[k]), max(values[k] - step, lows[k])
            slopes[k] = (of(up) - of(down)) / (up[k] - down[k])
        error = math.sqrt(max(float(slopes @ self.found.covariance @ slopes), 0.0))
        value, half = of(values), self.found.quantile * error
        return Quantity(value, unit, error, value - half, value + half)

    def _exp(self, log_value: float, slopes: Floats, unit: str) -> Quantity:
        error = math.sqrt(max(float(slopes @ self.found.covariance @ slopes), 0.0))
        half = self.found.quantile * error
        value = math.exp(log_value)
        ends = math.exp(log_value - half), math.exp(min(log_value + half, 700.0))
        return self._doubted(Quantity(value, unit, value * error, *ends))

    def _doubted(self, number: Quantity) -> Quantity:
        for doubt in self.doubts:
            number = number.provisional(doubt)
        return number


def _curves(problem: Peaks, values: Floats) -> CurveSet:
    curves, points = [], []
    processes = problem.processes(values)
    for one in problem.series:
        t = np.asarray(one.temperatures_K, dtype=float)
        errors = None if one.relative_errors is None else one.rates * one.relative_errors
        label = one.condition.label
        curves.append(Curve(1000.0 / t, np.asarray(one.rates), INVERSE, RATE, errors, label))
        points.append(label)
        x = np.linspace(1000.0 / t.max(), 1000.0 / t.min(), _DRAWN)
        fitted = relaxation_rate(
            1000.0 / x, processes, one.condition, mechanism=problem.settings.mechanism
        )
        curves.append(Curve(x, fitted, INVERSE, RATE, None, f"{label}, fit"))
    title = "Spin relaxation over temperature"
    return CurveSet(title, tuple(curves), log_y=True, points=tuple(points))


def flank_energy(
    series: RateSeries, side: Side, fit: Fitter, *, from_peak: float = 3.0
) -> Quantity:
    r"""Return the energy of one flank by a straight line through ln R against 1/kT, as papers do.

    Only points at which the rate has fallen ``from_peak`` times below its maximum belong to a
    flank; where the maximum is not among the points all of them are taken, and the number is
    provisional. Close to the maximum the slope is always smaller than that of the flank.

    Parameters
    ----------
    series
        Rates of one condition.
    side
        ``high`` temperature (fast motion) or ``low``.
    fit
        Finds the parameters of a model from a curve: ``infer.fit.fit``.
    from_peak
        How far below the maximum a flank begins.
    """
    order = np.argsort(series.temperatures_K)
    t, rates = np.asarray(series.temperatures_K)[order], np.asarray(series.rates)[order]
    errors = None if series.relative_errors is None else np.asarray(series.relative_errors)[order]
    top = int(np.argmax(rates))
    seen = 0 < top < len(t) - 1
    beyond = np.arange(len(t)) > top if side == "high" else np.arange(len(t)) < top
    kept = beyond & (rates < rates[top] / from_peak) if seen else np.ones(len(t), dtype=bool)
    if kept.sum() < _FEWEST_ON_A_FLANK + (errors is None):
        return Quantity.refused(
            "eV",
            f"{int(kept.sum())} points lie on the {side}-temperature flank, "
            f"{from_peak:g} times below the maximum or lower",
        )
    line = fit(_line(t[kept], rates[kept], side), _points(t[kept], rates[kept], errors, kept))
    number = line.parameters["energy"]
    if line.poor:
        number = number.provisional("the points bend away from a straight line")
    if number.value <= 0:
        return Quantity.refused("eV", f"the rate does not fall on the {side}-temperature side")
    return number if seen else number.provisional("the maximum is not among the points")


def _points(t: Floats, rates: Floats, errors: Floats | None, kept: NDArray[np.bool_]) -> Curve:
    inverse = 1.0 / (BOLTZMANN_EV_PER_K * t)
    known = None if errors is None else errors[kept]
    return Curve(inverse, np.log(rates), Axis("1/kT", "1/eV"), Axis("ln R", ""), known)


def _line(t: Floats, rates: Floats, side: Side) -> Model:
    sign = 1.0 if side == "high" else -1.0
    inverse = 1.0 / (BOLTZMANN_EV_PER_K * t)
    slope, level = np.polyfit(inverse, np.log(rates), 1)
    middle = float(inverse.mean())
    parameters = (
        Parameter("energy", float(sign * slope), "eV"),
        Parameter("level", float(level + slope * middle), ""),
    )
    return Model(lambda x, p: p[1] + sign * p[0] * (x - middle), parameters)


def compare_flanks(high: Quantity, low: Quantity) -> Quantity:
    """Return beta = 1 + E_LT / E_HT of two flank energies, doubtful where no beta fits them.

    One activated process has beta between 1 and 2. Where the whole 95 % interval lies above 2 the
    number is refused, with the reason; where only the value does, it is provisional.

    Raises
    ------
    InputError
        If an energy is not in eV.
    """
    if high.unit != "eV" or low.unit != "eV":
        raise InputError("Flank energies are in eV", received=f"{high.unit}, {low.unit}")
    if "refused" in (high.status, low.status):
        missing = high if high.status == "refused" else low
        return Quantity.refused("1", missing.note)
    flanks = Flanks(high.value, low.value)
    ratio = low.value / high.value
    relative = math.hypot(low.error / low.value, high.error / high.value)
    ends = flanks.asymmetry - 1.96 * ratio * relative, flanks.asymmetry + 1.96 * ratio * relative
    if ends[0] > 2.0 or (math.isnan(ends[0]) and not flanks.possible):
        return Quantity.refused("1", flanks.verdict)
    number = Quantity(flanks.asymmetry, "1", ratio * relative, *ends)
    return number if flanks.possible else number.provisional(flanks.verdict)
