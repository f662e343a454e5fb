"""The distribution of relaxation times of a spectrum, with what is certain of it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.model import Floats
from vitrolyte.data.observation import Observation, Sample
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.infer.nonnegative import (
    nonnegative,
    nonnegative_samples,
    smoothing_by_evidence,
)
from vitrolyte.laboratory.impedance.fitted import CircuitFit
from vitrolyte.laboratory.impedance.spectrum import Complexes
from vitrolyte.observe.impedance.circuits import Circuit

_PER_DECADE = 8
_BEYOND = 1.0
_DRAWS = 48
_STRENGTHS = np.exp(np.arange(-8.0, 12.0, 1.0))
_HIDDEN = 10.0
_STANDS_OUT = 0.02
"""A peak is listed if its area is above this share of the whole."""

TIME = Axis("relaxation time", "s")
DENSITY = Axis("γ(ln τ)", "ohm")


@dataclass(frozen=True, eq=False)
class TimesPeak(Result):
    """One peak of a distribution.

    Attributes
    ----------
    tau_s
        Its place.
    resistance
        Its area, between the minima on both sides.
    """

    tau_s: float
    resistance: Quantity

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return no rows: a peak has no name."""
        del sample
        return ()


@dataclass(frozen=True, eq=False)
class RelaxationTimes(Result):
    """A distribution of relaxation times.

    Attributes
    ----------
    distribution
        γ(ln τ) with its standard error.
    peaks
        The fastest first.
    smoothing
        Strength of the penalty on curvature, by evidence.
    series
        Resistance in series, ohm.
    """

    distribution: CurveSet
    peaks: tuple[TimesPeak, ...]
    smoothing: float
    series: float

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return no rows: resistances are those of the circuit."""
        del sample
        return ()


@dataclass(frozen=True, eq=False)
class _Problem:
    """The linear problem: times (m,), sizes they are expected to have, columns over errors."""

    times: Floats
    sizes: Floats
    design: Floats
    y: Floats
    others: int

    @property
    def root(self) -> Floats:
        """Return D: second differences of gamma over its expected size, zero beyond the ends."""
        m = len(self.times)
        second = np.zeros((m + 2, m))
        for k in range(m):
            second[k, k] += 1.0
            second[k + 1, k] -= 2.0
            second[k + 2, k] += 1.0
        return np.concatenate([np.zeros((m + 2, self.others)), second], axis=1)


def relaxation_times(fit: CircuitFit) -> RelaxationTimes:
    r"""Return the distribution of relaxation times that a spectrum speaks for.

    .. math::

        Z(\omega) = R_0 + j\omega L + Z_e(\omega)
        + \int \frac{\gamma(\ln\tau)}{1 + j\omega\tau} d\ln\tau, \qquad \gamma \ge 0

    with a penalty on the curvature of gamma whose strength has the highest evidence, so that
    neither negative parts nor free oscillations can come out. :math:`Z_e` is a blocking or
    diffusing electrode with the exponent of the circuit and a free size, since its times have no
    end. The error is the spread of 48 solutions with fresh noise.
    """
    problem = _problem(fit)
    root = problem.root
    strength, _ = smoothing_by_evidence(problem.design, problem.y, root.T @ root, _STRENGTHS)
    held = np.sqrt(strength) * root
    normal = problem.design.T @ problem.design + held.T @ held
    normal += 1e-10 * np.diag(np.diag(normal))
    best = nonnegative(normal, problem.design.T @ problem.y)
    draws = nonnegative_samples(problem.design, problem.y, held, best, draws=_DRAWS)
    gamma = best[problem.others :] * problem.sizes
    drawn = draws[:, problem.others :] * problem.sizes
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    curve = Curve(np.exp(problem.times), gamma, TIME, DENSITY, (high - low) / 3.92, "distribution")
    return RelaxationTimes(
        CurveSet(f"Relaxation times: {fit.target.spectrum.name}", (curve,), log_x=True),
        tuple(_peaks(problem.times, gamma, drawn)),
        strength,
        float(best[0] * np.min(fit.target.spectrum.modulus)),
    )


def _problem(fit: CircuitFit) -> _Problem:
    target = fit.target
    logs = -target.log_omega
    ends = logs[0] - _BEYOND * np.log(10.0), _slowest(fit, logs)
    count = int(np.ceil((ends[1] - ends[0]) / np.log(10.0) * _PER_DECADE)) + 1
    times = np.linspace(*ends, count)
    frequency = np.exp(-times) / (2.0 * np.pi)
    whole = fit.circuit.evaluate(frequency, fit.coordinates)[0]
    sizes = np.abs(whole - _electrode(fit, frequency)) + 1e-3 * float(target.spectrum.modulus.min())
    s = 1j * target.spectrum.omega
    elements = (times[1] - times[0]) * sizes / (1.0 + s[:, None] * np.exp(times))
    series = [np.full(len(s), target.spectrum.modulus.min(), dtype=complex)]
    series.append(s / abs(s[0]) * target.spectrum.modulus[0])
    electrode = _electrode(fit, target.spectrum.frequency)
    if np.any(electrode):
        series.append(electrode)
    columns = np.concatenate([np.stack(series, axis=1), elements], axis=1)
    y = target.whitened(target.spectrum.impedance[:, None])[:, 0]
    return _Problem(times, sizes, target.whitened(columns), y, len(series))


def _slowest(fit: CircuitFit, logs: Floats) -> float:
    """Return the slowest ln time asked for: beyond it the electrode hides everything."""
    last = float(logs[-1])
    frequency = fit.target.spectrum.frequency
    electrode = np.abs(_electrode(fit, frequency))
    hidden = electrode > _HIDDEN * np.abs(fit.impedance - _electrode(fit, frequency))
    if np.any(hidden):
        return float(max(logs[hidden][0], logs[0] + np.log(10.0)))
    return last + _BEYOND * float(np.log(10.0))


def _electrode(fit: CircuitFit, frequency: Floats) -> Complexes:
    """Return the impedance of what is neither an arc nor a resistance or inductance in series."""
    total = np.zeros(len(frequency), dtype=complex)
    for place, part in fit.circuit.in_series:
        if part.written() in ("Q", "C", "W", "Wo"):
            alone = Circuit(part)
            at = fit.coordinates[place : place + len(alone.slots)]
            total += alone.evaluate(frequency, at)[0]
    return total


def _peaks(times: Floats, gamma: Floats, drawn: Floats) -> list[TimesPeak]:
    step, whole = times[1] - times[0], float(np.sum(gamma))
    padded = np.concatenate([[0.0], gamma, [0.0]])
    tops = np.flatnonzero((padded[1:-1] > padded[:-2]) & (padded[1:-1] >= padded[2:]))
    edges = _valleys(gamma, tops)
    found = []
    for top, begin, end in zip(tops, edges[:-1], edges[1:], strict=True):
        area = float(np.sum(gamma[begin:end]))
        if area < _STANDS_OUT * whole:
            continue
        areas = step * np.sum(drawn[:, begin:end], axis=1)
        low, high = np.quantile(areas, [0.025, 0.975])
        if low < _STANDS_OUT * step * whole:
            continue
        number = Quantity(
            step * area,
            "ohm",
            float(np.std(areas)),
            min(float(low), step * area),
            max(float(high), step * area),
        )
        found.append(TimesPeak(float(np.exp(times[top])), number))
    return found


def _valleys(gamma: Floats, tops: NDArray[np.intp]) -> list[int]:
    """Return where the stretches of the peaks begin and end."""
    inner = [a + int(np.argmin(gamma[a:b])) for a, b in itertools.pairwise(tops)]
    return [0, *inner, len(gamma)] if len(tops) else [0]
