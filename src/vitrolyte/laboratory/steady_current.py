"""The steady value of a current that still falls, over all laws by which it may fall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError, NotConverged
from vitrolyte.data.measurement import Measurement
from vitrolyte.data.model import Floats
from vitrolyte.data.observation import Observation, Sample
from vitrolyte.data.posterior import Mixture, joined
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.infer.fit import Fit, FitSettings, fit
from vitrolyte.observe.transients import DECAY_LAWS, DecayLaw

_BINS = 300
_FEWEST = 20
_EARLIEST = 1.0 / 300.0
"""What came before this share of the longest time says nothing of the steady value."""
_SEARCH = FitSettings(starts=4, undetermined="refuse")
_DOUBTFUL_SHARE, _HOPELESS_SHARE = 0.05, 0.5
"""Shares of the last current that still decay: a warning from the first, no answer from the
second."""
_DRIFT_SHARE = 0.2
_SEEN = 1e-3


@dataclass(frozen=True, eq=False)
class SteadyCurrent(Result):
    """A transient at a constant voltage, and the current that it tends to.

    Attributes
    ----------
    name
        File and part.
    voltage_V, temperature_K
        Applied voltage; temperature, NaN where it is not known.
    steady
        The current without end, A, over all laws by their probability.
    last
        The current at the end, A, over the last tenth.
    decaying_share
        Share of the last current that has still to decay.
    laws, probabilities
        Laws that were tried, and the probability of each.
    noise_A
        Standard deviation of one bin about the best law.
    curves
        Current, best law, and the steady value.
    residuals
        Of the best law, over its scatter.
    notes
        What the reader should know.
    """

    name: str
    voltage_V: float
    temperature_K: float
    steady: Quantity
    last: Quantity
    decaying_share: float
    laws: tuple[str, ...]
    probabilities: tuple[float, ...]
    noise_A: float
    curves: CurveSet
    residuals: CurveSet
    notes: tuple[str, ...]

    @property
    def law(self) -> str:
        """Return the most probable law."""
        return self.laws[int(np.argmax(self.probabilities))]

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return no rows: a current becomes one only with a geometry."""
        del sample
        return ()


@dataclass(frozen=True, eq=False)
class _Points:
    """A transient in bins that are even in log t, in units of its longest time and last current."""

    t: Floats
    y: Floats
    weights: Floats
    longest_s: float
    unit_A: float

    @property
    def curve(self) -> Curve:
        axes = Axis("time", "1"), Axis("current", "1")
        return Curve(self.t, self.y, *axes, 1.0 / np.sqrt(self.weights))


def steady_current(measurement: Measurement, *, skip_s: float = 0.0) -> SteadyCurrent:
    r"""Return the steady current of a transient, with the interval of its extrapolation.

    Exponentials, a stretched one, diffusion between electrodes, :math:`t^{-1/2}` and a power law
    fall to the same unknown steady current; each law's Student distribution of it is weighed by
    the Bayesian information criterion (Schwarz, doi:10.1214/aos/1176344136). Standard errors grow
    by the correlation of neighbouring residuals.

    Parameters
    ----------
    measurement
        Current in A against time in s since the step of voltage, with the voltage.
    skip_s
        Beginning that is left out, s; the charging of the cell is no decay of the sample.

    Raises
    ------
    InputError
        If there are fewer than twenty points after the step, or the voltage is not known.
    """
    voltage = measurement.conditions.require("voltage_V", of="A steady current")
    points = _binned(measurement, skip_s)
    fits = _fits(points)
    if not fits:
        raise InputError(
            f"The transient {measurement.name} has to follow a law of decay",
            received="no law could be fitted",
            remedy="leave out a bad beginning by --skip-s",
        )
    chances = _chances([one for _, one in fits], len(points.t))
    laws = tuple(law.name for law, _ in fits)
    best = fits[int(np.argmax(chances))][1]
    last = _last(points)
    steady = _steady([one for _, one in fits], chances, points.unit_A)
    ends = [float(np.asarray(one.model(points.t[-1:]))[0]) for _, one in fits]
    end = float(chances @ np.array(ends)) * points.unit_A
    # A current that is lost in the noise has no share of itself.
    share = float(np.sign(end) * (end - steady.value) / max(abs(end), last.high - last.low, 1e-300))
    kelvin = measurement.conditions.temperature_K
    notes = (*measurement.notes, *_oddities(points, last))
    return SteadyCurrent(
        name=measurement.name,
        voltage_V=voltage,
        temperature_K=float("nan") if kelvin is None else kelvin,
        steady=_judged(steady, _Doubts(share, points, best, last, notes)),
        last=last,
        decaying_share=share,
        laws=laws,
        probabilities=tuple(float(chance) for chance in chances),
        noise_A=float(np.std(best.residuals) * abs(points.unit_A)),
        curves=_picture(measurement, points, best, steady),
        residuals=_residual_picture(points, best),
        notes=notes,
    )


def _binned(measurement: Measurement, skip_s: float) -> _Points:
    t, y = measurement.curve.x, np.asarray(measurement.curve.y, dtype=float)
    order = np.argsort(t, kind="stable")
    t, y = t[order], y[order]
    kept = (t > max(skip_s, _EARLIEST * t[-1], 0.0)) if len(t) else np.zeros(0, dtype=bool)
    t, y = t[kept], y[kept]
    if len(t) < _FEWEST or not np.all(np.isfinite(y)):
        raise InputError(
            f"A transient needs at least {_FEWEST} finite currents after its step",
            received=f"{len(t)} in {measurement.name}",
        )
    edges = np.geomspace(t[0], t[-1] * (1.0 + 1e-9), _BINS + 1)
    place = np.searchsorted(edges, t, side="right")
    _, start, counts = np.unique(place, return_index=True, return_counts=True)
    means = [np.add.reduceat(values, start) / counts for values in (t, y)]
    unit = float(np.mean(y[-max(len(y) // 10, 3) :])) or float(np.max(np.abs(y))) or 1.0
    return _Points(means[0] / t[-1], means[1] / unit, counts.astype(float), float(t[-1]), unit)


def _fits(points: _Points) -> list[tuple[DecayLaw, Fit]]:
    found = []
    for law in DECAY_LAWS:
        try:
            model = law.model(points.t, points.y)
            one = fit(model, points.curve, trust=0.0, settings=_SEARCH)
        except (NotConverged, InputError):
            continue
        if one.parameters["steady"].status != "refused":
            found.append((law, one))
    return found


def _chances(fits: Sequence[Fit], count: int) -> Floats:
    """Return the probabilities of laws by the Bayesian information criterion."""
    least = 1e-24 * count
    criteria = np.array(
        [
            count * np.log(max(one.chi2, least) / count) + (count - one.dof) * np.log(count)
            for one in fits
        ]
    )
    weights = np.exp(-0.5 * (criteria - criteria.min()))
    return np.asarray(weights / weights.sum())


def _steady(fits: Sequence[Fit], chances: Floats, unit_A: float) -> Quantity:
    """Return the steady current over all laws, A."""
    seen = [k for k, chance in enumerate(chances) if chance > _SEEN]
    parts = [_student(fits[k]) for k in seen]
    freedom = min(part.freedom for part in parts)
    share = chances[seen] / chances[seen].sum()
    whole = joined([replace(part, freedom=freedom) for part in parts], share.tolist())
    return whole.quantity("1").scaled(unit_A, "A")


def _student(found: Fit) -> Mixture:
    number = found.parameters["steady"]
    inflated = number.error * np.sqrt(correlation_factor(np.asarray(found.residuals)))
    width = max(float(inflated), 1e-12 * abs(number.value), 1e-300)
    return Mixture(np.array([number.value]), np.array([width]), np.array([1.0]), float(found.dof))


def correlation_factor(residuals: Floats) -> float:
    r"""Return how far the variance of a mean grows by the correlation of neighbours.

    .. math:: (1 + \rho) / (1 - \rho)

    with ρ that of neighbouring residuals, at least 1.
    """
    centred = residuals - residuals.mean()
    total = float(centred @ centred)
    rho = float(centred[1:] @ centred[:-1]) / total if total > 0 else 0.0
    rho = min(max(rho, 0.0), 0.95)
    return (1.0 + rho) / (1.0 - rho)


def _last(points: _Points) -> Quantity:
    """Return the current over the last tenth of the time, A."""
    tail = points.y[points.t > 0.9]
    tail = tail if len(tail) >= 3 else points.y[-3:]
    error = float(np.std(tail, ddof=1) / np.sqrt(len(tail)))
    half = error * float(special.stdtrit(len(tail) - 1, 0.975))
    mean = float(np.mean(tail))
    return Quantity(mean, "1", error, mean - half, mean + half).scaled(points.unit_A, "A")


def _oddities(points: _Points, last: Quantity) -> tuple[str, ...]:
    """Return what is odd about a transient."""
    found = []
    if float(np.mean(points.y[:5])) < 1.0 and _rises(points) != 0.0:
        found.append("the current does not fall after the step")
    highest = np.max(np.abs(points.y))
    if np.sum(np.abs(points.y) > (1.0 - 1e-6) * highest) >= 5:
        found.append("several currents are equal to the highest one: the instrument may saturate")
    del last
    return tuple(found)


def _rises(points: _Points) -> float:
    """Return the rise of the current over the last half, over its last value; 0 for none."""
    tail = points.t > 0.5
    if np.sum(tail) < 5:
        return 0.0
    design = np.stack([np.ones_like(points.t[tail]), points.t[tail]], axis=1)
    line, rest, *_ = np.linalg.lstsq(design, points.y[tail], rcond=None)
    scatter = float(rest[0]) / (len(design) - 2) if len(rest) else 0.0
    error = np.sqrt(scatter * np.linalg.inv(design.T @ design)[1, 1])
    error *= np.sqrt(correlation_factor(points.y[tail] - design @ line))
    rise = 0.5 * float(line[1])
    return rise if line[1] > 3.0 * error else 0.0


@dataclass(frozen=True, eq=False)
class _Doubts:
    """What a steady current is judged by."""

    share: float
    points: _Points
    best: Fit
    last: Quantity
    notes: tuple[str, ...]


def _judged(steady: Quantity, doubts: _Doubts) -> Quantity:
    """Return the steady current with what must be said of it."""
    rise = _rises(doubts.points)
    if rise > _DRIFT_SHARE:
        return Quantity.refused(
            "A", f"the current rises by {100 * rise:.0f} % over the last half: drift, not a decay"
        )
    wide = (steady.high - steady.low) / max(abs(steady.value), 1e-300)
    if doubts.share < -_HOPELESS_SHARE:
        return Quantity.refused("A", "the current rises at the end: drift, and no steady value")
    if doubts.share > _HOPELESS_SHARE:
        return Quantity.refused(
            "A",
            f"{100 * doubts.share:.0f} % of the last current still decay: a residual ionic current "
            f"hides the electronic one; at most {abs(doubts.last.high):.2g} A flow without it",
        )
    if rise > 0.0:
        steady = steady.provisional(f"the current rises by {100 * rise:.1f} % over the last half")
    if doubts.share > _DOUBTFUL_SHARE:
        steady = steady.provisional(
            f"not steady: {100 * doubts.share:.0f} % of the last current are a residual ionic one"
        )
    if steady.low < 0.0 < steady.high:
        limit = max(abs(steady.low), abs(steady.high))
        steady = steady.provisional(f"not told from zero: at most {limit:.2g} A")
    elif wide > 1.0:
        steady = steady.provisional("known to a factor of two at best")
    for note in doubts.notes:
        steady = steady.provisional(note)
    return steady


def _picture(measurement: Measurement, points: _Points, best: Fit, steady: Quantity) -> CurveSet:
    axes = Axis("time", "s"), Axis("current", "A")
    t = points.t * points.longest_s
    shown = Curve(t, points.y * points.unit_A, *axes, label="current")
    fitted = np.asarray(best.model(points.t)) * points.unit_A
    line = Curve(t, fitted, *axes, label="best law")
    level = np.full(2, steady.value)
    band = np.full(2, steady.error)
    flat = Curve(t[[0, -1]], level, *axes, band, label="steady")
    title = f"Polarisation: {measurement.name}"
    return CurveSet(title, (shown, line, flat), log_x=True, points=("current",))


def _residual_picture(points: _Points, best: Fit) -> CurveSet:
    axes = Axis("time", "s"), Axis("residual over scatter", "1")
    scatter = float(np.std(best.residuals)) or 1.0
    values = -np.asarray(best.residuals) / scatter
    shown = Curve(points.t * points.longest_s, values, *axes, label="residual")
    return CurveSet("Residuals of the best law", (shown,), log_x=True, points=("residual",))
