"""One recovery or decay of magnetisation: its time, and whether one time is enough."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError, NotConverged
from vitrolyte.data.measurement import Measurement
from vitrolyte.data.model import Model, Parameter
from vitrolyte.data.observation import Observation, Sample, measured
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.infer.fit import Fit, fit

Floats = NDArray[np.float64]
Observable = Literal["R1", "R1rho"]
Decay = Callable[[Floats, Floats], Floats]
"""What is left of the departure from equilibrium at delays t and shape parameters; one at t = 0."""

_STRONG = 6.0
"""Twice the logarithm of a Bayes factor that is strong evidence (Kass & Raftery 1995)."""
_FALLEN = 0.35
_TIMES = 60
_DRAWN = 200
_WORDS = {"R1": "relaxation_time_T1", "R1rho": "relaxation_time_T1rho"}


@dataclass(frozen=True)
class Law:
    """One form of the decay with its shape parameters behind ln T."""

    name: str
    decay: Decay
    shape: tuple[Parameter, ...] = ()


def _single(t: Floats, p: Floats) -> Floats:
    return np.asarray(np.exp(-t * math.exp(-p[0])))


def _stretched(t: Floats, p: Floats) -> Floats:
    return np.asarray(np.exp(-((t * math.exp(-p[0])) ** p[1])))


def _double(t: Floats, p: Floats) -> Floats:
    fast = np.exp(-t * math.exp(-p[0]))
    slow = np.exp(-t * math.exp(-p[0] - p[1]))
    return np.asarray(p[2] * fast + (1.0 - p[2]) * slow)


LAWS: Mapping[str, Law] = {
    law.name: law
    for law in (
        Law("single", _single),
        Law("stretched", _stretched, (Parameter("stretching", 0.7, "1", 0.2, 1.0),)),
        Law(
            "double",
            _double,
            (
                Parameter("log_ratio", 2.0, "", 0.3, 12.0),
                Parameter("share", 0.5, "1", 0.02, 0.98),
            ),
        ),
    )
}
"""The forms of a recovery, by name."""


@dataclass(frozen=True, eq=False)
class RecoveryFit(Result):
    """The relaxation time of one recovery or decay.

    Attributes
    ----------
    name, nucleus, observable
        File and part; the nucleus; R1 for a recovery, R1rho for a spin-lock decay.
    law
        ``single``, ``stretched`` or ``double``: the simplest that the points do not contradict.
    time
        T1 or T1rho, s; of the larger part where there are two.
    second_time, share, stretching
        Of the smaller part, s; what the larger part holds; the exponent. Refused where the law
        has none.
    evidence
        Bayesian information criterion of each law, less that of the best.
    curves
        Points and fit.
    temperature_K
        None where not known.
    """

    name: str
    nucleus: str
    observable: str
    law: str
    time: Quantity
    second_time: Quantity
    share: Quantity
    stretching: Quantity
    evidence: Mapping[str, float]
    curves: CurveSet
    temperature_K: float | None

    @property
    def rate(self) -> tuple[float, float]:
        """Return the relaxation rate, 1/s, and its relative standard error."""
        return 1.0 / self.time.value, self.time.error / self.time.value

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the time or times, the stretching exponent and the share of the larger part."""
        at = replace(sample, temperature_K=self.temperature_K)
        word, how = _WORDS[self.observable], f"{self.law} exponential of {self.name}"
        rows = [measured(at, word, self.time, of=self.nucleus, method=how)]
        if self.law == "double":
            rows += [
                measured(at, word, self.second_time, of=f"{self.nucleus} smaller part", method=how),
                measured(
                    at, "relaxation_component_fraction", self.share, of=self.nucleus, method=how
                ),
            ]
        if self.law == "stretched":
            word = "stretching_exponent"
            rows.append(measured(at, word, self.stretching, of=self.nucleus, method=how))
        return tuple(rows)


def fit_recovery(
    measurement: Measurement,
    *,
    nucleus: str = "",
    law: str = "auto",
    observable: str = "auto",
) -> RecoveryFit:
    r"""Return the relaxation time of a recovery, an inversion recovery or a decay.

    .. math:: M(t) = M_\infty + (M_0 - M_\infty)\, d(t), \qquad
        d = e^{-t/T}, \quad e^{-(t/T)^\beta} \quad\text{or}\quad a e^{-t/T} + (1-a) e^{-t/T'}

    Level and step are free, so that saturation, incomplete inversion and spin-lock decays need no
    words. ``auto`` takes a law of more parameters only where the information criterion is better
    by six.

    Parameters
    ----------
    measurement
        Signal over delay, s.
    nucleus
        For the table.
    law
        ``auto``, or a name in `LAWS`.
    observable
        ``auto``: R1rho where the signal falls to near nothing.

    Raises
    ------
    InputError
        If there are fewer than six points, or the law is not known.
    NotConverged
        If no law can be fitted.
    """
    if law != "auto" and law not in LAWS:
        raise InputError(f"A law is auto, {', '.join(LAWS)}", received=repr(law))
    curve = measurement.curve
    if len(np.unique(curve.x)) < 6:
        raise InputError(
            f"A relaxation time needs six or more different delays ({measurement.name})",
            received=f"{len(np.unique(curve.x))}",
        )
    wanted = LAWS.values() if law == "auto" else [LAWS[law]]
    fits = dict(_fitted(curve, wanted))
    criteria = _criteria(fits, curve)
    chosen = _chosen(criteria)
    return _described(measurement, (nucleus, observable), (chosen, fits[chosen]), criteria)


def _fitted(curve: Curve, laws: Iterable[Law]) -> Iterator[tuple[str, Fit]]:
    """Yield the laws that can be fitted."""
    failure: NotConverged | None = None
    found = False
    for law in laws:
        if len(curve) <= 3 + len(law.shape):
            continue
        try:
            yield law.name, fit(_model(curve, law), curve)
            found = True
        except NotConverged as fault:
            failure = fault
    if not found and failure is not None:
        raise NotConverged(
            "A recovery has to change with the delay by more than its noise",
            received=failure.received,
            remedy="choose delays from a tenth of the relaxation time to five times of it",
        ) from failure


def _model(curve: Curve, law: Law) -> Model:
    """Return a law with the best of a grid of times and shapes as start."""
    positive = curve.x[curve.x > 0]
    times = np.geomspace(positive.min() / 3.0, 3.0 * positive.max(), _TIMES)
    best, least = np.zeros(0), math.inf
    weight = 1.0 if curve.y_error is None else 1.0 / curve.y_error
    y = np.asarray(curve.y, dtype=float)
    for time in np.log(times):
        for shape in _shapes(law):
            decay = law.decay(curve.x, np.array([time, *shape]))
            design = np.column_stack([np.ones(len(decay)), decay])
            found, *_ = np.linalg.lstsq(design * np.reshape(weight, (-1, 1)), y * weight)
            misfit = float(np.sum((weight * (y - design @ found)) ** 2))
            if misfit < least:
                best, least = np.array([*found, time, *shape]), misfit
    edges = math.log(times[0]) - 3.0, math.log(times[-1]) + 3.0
    parameters = (
        Parameter("level", float(best[0]), ""),
        Parameter("step", float(best[1]), ""),
        Parameter("log_time", float(best[2]), "", *edges),
        *(replace(p, value=float(v)) for p, v in zip(law.shape, best[3:])),
    )
    return Model(lambda x, p: np.asarray(p[0] + p[1] * law.decay(x, p[2:])), parameters)


def _shapes(law: Law) -> list[tuple[float, ...]]:
    if law.name == "stretched":
        return [(0.35,), (0.55,), (0.75,), (0.95,)]
    if law.name == "double":
        return [(ratio, share) for ratio in (0.8, 1.6, 3.0, 5.0) for share in (0.25, 0.5, 0.75)]
    return [()]


def _criteria(fits: Mapping[str, Fit], curve: Curve) -> dict[str, float]:
    """Return the Bayesian information criterion of each law, less the least."""
    n = len(curve)
    found = {}
    for name, one in fits.items():
        square = float(np.sum(one.residuals**2))
        misfit = n * math.log(max(square, 1e-300) / n) if curve.y_error is None else square
        found[name] = misfit + len(one.model.parameters) * math.log(n)
    least = min(found.values())
    return {name: value - least for name, value in found.items()}


def _chosen(criteria: Mapping[str, float]) -> str:
    """Return the simplest law that none of more parameters beats strongly."""
    chosen = next(iter(criteria))
    for name in criteria:
        if criteria[name] < criteria[chosen] - (_STRONG if chosen == "single" else 0.0):
            chosen = name
    return chosen


def _described(
    measurement: Measurement,
    words: tuple[str, str],
    chosen: tuple[str, Fit],
    criteria: Mapping[str, float],
) -> RecoveryFit:
    law, found = chosen
    curve = measurement.curve
    values = dict(zip((p.name for p in found.model.parameters), found.model.values))
    doubts = list(_doubts(found, curve, values))
    none = Quantity.refused("1", f"the law {law} has none")
    time, second = _log(found, "log_time"), Quantity.refused("s", f"the law {law} has one time")
    share = stretching = none
    if law == "stretched":
        stretching = found.parameters["stretching"]
    if law == "double":
        second, share = _log(found, "log_time", "log_ratio"), found.parameters["share"]
        if values["share"] < 0.5:
            time, second, share = second, time, _complement(share)
    for doubt in doubts:
        time = time.provisional(doubt)
    if time.status != "refused" and time.high > 30.0 * time.low:
        time = Quantity.refused("s", f"the delays do not determine it: {doubts or 'noise'}")
    nucleus, observable = words
    return RecoveryFit(
        name=measurement.name,
        nucleus=nucleus,
        observable=_observable(values) if observable == "auto" else observable,
        law=law,
        time=time,
        second_time=second,
        share=share,
        stretching=stretching,
        evidence=criteria,
        curves=_curves(measurement, found),
        temperature_K=measurement.conditions.temperature_K,
    )


def _complement(share: Quantity) -> Quantity:
    return replace(
        share.scaled(-1.0, "1"), value=1 - share.value, low=1 - share.high, high=1 - share.low
    )


def _log(found: Fit, *names: str) -> Quantity:
    """Return exp of the sum of some parameters, s, with the interval of the logarithm."""
    order = [p.name for p in found.model.parameters]
    slopes = np.array([float(name in names) for name in order])
    error = math.sqrt(float(slopes @ found.covariance @ slopes))
    middle = float(slopes @ found.model.values)
    half = min(found.quantile * error, 300.0)
    value = math.exp(middle)
    return Quantity(
        value, "s", value * error, math.exp(middle - half), math.exp(min(middle + half, 700.0))
    )


def _doubts(found: Fit, curve: Curve, values: Mapping[str, float]) -> Iterator[str]:
    time = math.exp(values["log_time"] + values.get("log_ratio", 0.0))
    longest, first = float(curve.x.max()), float(curve.x[curve.x > 0].min())
    falls_to_nothing = abs(values["level"]) < 0.1 * abs(values["step"])
    if longest < 2.0 * time and not falls_to_nothing:
        yield (
            f"the longest delay, {longest:.3g} s, is {longest / time:.2g} times the slowest "
            "relaxation time: the level at equilibrium is extrapolated"
        )
    if first > 1.5 * math.exp(values["log_time"]):
        yield f"the shortest delay, {first:.3g} s, is longer than the relaxation time"
    if found.poor:
        yield f"the points scatter about the law (chi² {found.chi2:.3g}, {found.dof} dof)"
    signs = np.sign(found.residuals)
    runs, n = 1 + int(np.sum(signs[1:] != signs[:-1])), len(signs)
    above = int(np.sum(signs > 0))
    expected = 1 + 2 * above * (n - above) / n
    spread = math.sqrt(max((expected - 1) * (expected - 2) / max(n - 1, 1), 1e-9))
    if n >= 12 and (runs - expected) / spread < -3.0:
        yield "neighbouring residuals have the same sign: the law, or a drift of the signal"


def _observable(values: Mapping[str, float]) -> Observable:
    """Return R1rho for a signal that falls to nothing, as only under a spin-lock, R1 otherwise."""
    start, end = values["level"] + values["step"], values["level"]
    # Saturation starts near nothing and an inversion below: only a decay ends far below its start.
    falls = abs(end) < _FALLEN * abs(start) and abs(start) > 0
    return "R1rho" if falls else "R1"


def _curves(measurement: Measurement, found: Fit) -> CurveSet:
    curve = measurement.curve
    x = np.geomspace(curve.x[curve.x > 0].min() / 2.0, curve.x.max(), _DRAWN)
    points = replace(curve, label="measured")
    line = Curve(x, np.asarray(found.model(x), float), curve.x_axis, curve.y_axis, None, "fit")
    scale = Axis(curve.y_axis.name, curve.y_axis.unit)
    residuals = Curve(
        curve.x,
        np.asarray(curve.y - found.model(curve.x), float),
        curve.x_axis,
        scale,
        None,
        "residuals",
    )
    return CurveSet(
        f"Recovery of {measurement.name}",
        (points, line, residuals),
        log_x=bool(np.all(curve.x > 0)),
        points=("measured", "residuals"),
    )
