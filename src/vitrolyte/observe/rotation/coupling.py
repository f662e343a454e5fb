"""Do two kinds of events come together? Coincidences, with a null of shifted times."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.observe.rotation.relaxation import larger, positive, symmetric
from vitrolyte.observe.rotation.tally import Tally, Trains, count_lags

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Shifts = Literal["together", "each"]

_FEWEST, _ENOUGH = 5, 30
_LAG_BINS = 40
_TIME = Axis("time from rotation to hop", "ps")
_RATIO = Axis("rate of hops near a rotor over its mean", "")


@dataclass(frozen=True, eq=False)
class EventSeries:
    """Events of many carriers: hops of ions, steps of rotors.

    Attributes
    ----------
    times_ps
        (n,), ps, in the time of the trajectory.
    ions
        (n,), which ion (index in the trajectory), or which carrier of any other sort.
    positions
        (n, 3), Å, where; None where that is read from the trajectory.

    Raises
    ------
    InputError
        If the lengths differ or a number is not finite.
    """

    times_ps: Floats
    ions: Integers
    positions: Floats | None = None

    def __post_init__(self) -> None:
        n = len(self.times_ps)
        places = (n, 3) if self.positions is None else self.positions.shape
        if self.times_ps.shape != (n,) or self.ions.shape != (n,) or places != (n, 3):
            raise InputError(
                "Events need a time, an ion and, where given, a position (3) each",
                received=f"times {self.times_ps.shape}, ions {self.ions.shape}, positions {places}",
            )
        if not np.isfinite(self.times_ps).all():
            raise InputError("Times of events are finite numbers, ps", received="NaN or infinity")

    def __len__(self) -> int:
        return len(self.times_ps)


@dataclass(frozen=True)
class CoincidenceSettings:
    """What counts as together, and how chance is judged.

    Attributes
    ----------
    window_ps
        Two events coincide where they are no further apart in time, ps.
    lag_ps
        Range of the time-lag curve to either side, ps; 0 for ten windows.
    shifts
        Number of shifted copies for the null.
    null
        ``together``: all carriers are shifted by the same time, which keeps what they have in
        common; ``each``: every carrier by its own, which takes carriers to be independent of
        each other.
    seed
        Of the shifts.

    Raises
    ------
    InputError
        If a number is out of its range.
    """

    window_ps: float = 1.0
    lag_ps: float = 0.0
    shifts: int = 999
    null: Shifts = "together"
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.window_ps > 0 or self.lag_ps < 0 or self.shifts < 19:
            raise InputError(
                "A window is a positive time, and a null needs at least 19 shifts",
                received=f"window_ps {self.window_ps}, lag_ps {self.lag_ps}, shifts {self.shifts}",
            )
        if self.null not in get_args(Shifts):
            raise InputError("Shifts are made together or each", received=repr(self.null))


@dataclass(frozen=True, eq=False)
class Coincidence(Result):
    """How often events of a second kind come near those of a first, against chance.

    Attributes
    ----------
    of
        In words, ``OH rotation and Li hop``.
    first_events, second_events
        Numbers of events; of the second kind once for each carrier that it is near.
    found, expected
        Coincidences, and those of chance.
    probability, probability_at_random
        That at least one second event falls within the window of a first one, or of a moment
        drawn at random.
    p_value
        Chance alone gives as many coincidences or more with this probability.
    p_value_fewer
        The same for as many or fewer.
    ratio
        Coincidences over those of chance.
    probability_ratio
        P(second | first) / P(second).
    excess, excess_before, excess_after
        Second events for each first one beyond chance: in the window, in its half before the
        first event, and in its half behind it.
    curve
        Rate of second events at each lag from a first one over their mean rate, with the range
        of 95 % of the shifted copies.
    method, note
        In words.
    """

    of: str
    first_events: int
    second_events: int
    found: float
    expected: float
    probability: float
    probability_at_random: float
    p_value: Quantity
    p_value_fewer: Quantity
    ratio: Quantity
    probability_ratio: Quantity
    excess: Quantity
    excess_before: Quantity
    excess_after: Quantity
    curve: CurveSet
    method: str
    note: str

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return p-values, ratios and excess."""
        rows = (
            ("p_value", self.p_value, ""),
            ("p_value", self.p_value_fewer, " fewer"),
            ("coincidence_ratio", self.ratio, ""),
            ("coincidence_probability_ratio", self.probability_ratio, ""),
            ("coincidence_excess", self.excess, ""),
            ("coincidence_excess", self.excess_before, " before"),
            ("coincidence_excess", self.excess_after, " after"),
        )
        return tuple(
            computed(sample, word, number, of=f"{self.of}{part}", method=self.method)
            for word, number, part in rows
        )


def coincidence(
    first: EventSeries,
    second: EventSeries,
    span_ps: tuple[float, float],
    *,
    settings: CoincidenceSettings | None = None,
    of: str = "first and second events",
    step_ps: float = 0.0,
) -> Coincidence:
    """Return how often events of two kinds come together on the same carrier.

    Events are paired where they have the same ``ions``; to pair all with all, give every event
    the same number.

    Parameters
    ----------
    first, second
        The events.
    span_ps
        From when to when both kinds were watched, ps.
    settings
        Window and null.
    of
        What the two kinds are.
    step_ps
        Resolution in time, ps; 0 for a twentieth of the window.

    Raises
    ------
    InputError
        If the span is shorter than ten windows.
    """
    settings = settings or CoincidenceSettings()
    step = step_ps or settings.window_ps / 20.0
    n_steps = int((span_ps[1] - span_ps[0]) / step) + 1
    carriers = np.union1d(first.ions, second.ions)
    parts = tuple(
        tuple(_train(series, carrier, span_ps[0], step, n_steps) for carrier in carriers)
        for series in (first, second)
    )
    spans = np.full(len(carriers), n_steps, dtype=np.int64)
    trains = Trains(parts[0], parts[1], spans, np.zeros_like(spans), step, n_steps)
    return coincidences(trains, settings, of)


def _train(series: EventSeries, carrier: int, start: float, step: float, n: int) -> Integers:
    times = series.times_ps[series.ions == carrier]
    steps = np.floor((times - start) / step + 1e-9).astype(np.int64)
    return np.sort(steps[(steps >= 0) & (steps < n)])


def coincidences(trains: Trains, settings: CoincidenceSettings, of: str) -> Coincidence:
    r"""Return coincidences of two kinds of events against the null of shifted times.

    :math:`N = \sum_r \sum_{ij} [|t_i - t'_j| \le w]` over carriers r. The first kind is shifted
    in time round each carrier's span; that keeps the rhythm of both kinds and destroys only their
    relation. Chance gives :math:`\sum_r n_r n'_r (2 w + 1) / T_r` on average, exactly. Intervals
    are those of the jackknife over blocks of time or over groups of carriers, whichever is larger.

    Parameters
    ----------
    trains
        The events.
    settings
        Window and null.
    of
        What they are.

    Raises
    ------
    InputError
        If the run is shorter than ten windows to either side, or a carrier's span than four.

    References
    ----------
    Perkel, Gerstein & Moore, Biophys. J. 7, 419 (1967), doi:10.1016/S0006-3495(67)86597-4
    (cross-correlation of two series of events); North, Curtis & Sham, Am. J. Hum. Genet. 71, 439
    (2002), doi:10.1086/341527 (p-value from random copies).
    """
    window = max(1, round(settings.window_ps / trains.step_ps))
    if trains.n_steps < 20 * window:
        raise InputError(
            "Coincidences against chance need a run of at least ten windows to either side",
            received=f"{trains.n_steps * trains.step_ps:.4g} ps for {settings.window_ps:g} ps",
            remedy="give a shorter window_ps, or a longer run",
        )
    if int(trains.spans.min()) < 4 * window:
        raise InputError(
            "Each carrier must be watched for at least four windows",
            received=f"{int(trains.spans.min()) * trains.step_ps:.4g} ps",
            remedy="give a shorter window_ps, or a larger least_life of rotors",
        )
    tally = Tally(trains, window)
    first, second = int(tally.first.sum()), int(tally.second.sum())
    if not first or not second:
        return _nothing(settings, of, first, second)
    return _Judged(trains, settings, of, tally).result()


def _nothing(settings: CoincidenceSettings, of: str, first: int, second: int) -> Coincidence:
    reason = f"{first} events of the first kind and {second} of the second"
    none = Quantity.refused("1", reason)
    return Coincidence(
        of=of,
        first_events=first,
        second_events=second,
        found=0.0,
        expected=0.0,
        probability=0.0,
        probability_at_random=0.0,
        p_value=none,
        p_value_fewer=none,
        ratio=none,
        probability_ratio=none,
        excess=none,
        excess_before=none,
        excess_after=none,
        curve=CurveSet(f"Coincidence of {of}", ()),
        method=_method(settings),
        note=reason,
    )


def _method(settings: CoincidenceSettings) -> str:
    how = "all by the same time" if settings.null == "together" else "each by its own time"
    return (
        f"coincidences within {settings.window_ps:g} ps; null of {settings.shifts} shifts of "
        f"the first events round their span, {how}"
    )


@dataclass(eq=False)
class _Judged:
    """The counts beside those of shifted copies."""

    trains: Trains
    settings: CoincidenceSettings
    of: str
    tally: Tally
    null: Floats = field(init=False)
    curves: Floats = field(init=False)

    def __post_init__(self) -> None:
        window, step = self.tally.window, self.trains.step_ps
        shortest = int(self.trains.spans.min())
        reach = round((self.settings.lag_ps or 10.0 * self.settings.window_ps) / step)
        reach = max(1, min(reach, shortest // 3))
        self.edges = np.unique(np.linspace(-reach, reach + 1, _LAG_BINS + 1).round())
        self.edges = self.edges.astype(np.int64)
        generator = np.random.default_rng(self.settings.seed)
        count = self.settings.shifts
        # A shift by less than two windows is no other copy.
        least = min(0.2, 2.0 * window / shortest)
        common = generator.uniform(least, 1.0 - least, size=count)
        self.null = np.zeros(count)
        self.curves = np.zeros((count + 1, len(self.edges) - 1))
        for r, (one, other) in enumerate(zip(self.trains.first, self.trains.second)):
            shifts = common
            if self.settings.null == "each":
                shifts = generator.uniform(least, 1.0 - least, size=count)
            if len(one) and len(other):
                self._add(one, other, int(self.trains.spans[r]), shifts)

    def _add(self, one: Integers, other: Integers, n: int, shifts: Floats) -> None:
        """Add the coincidences of one carrier at every shift; the null first, then the curves."""
        lags = np.zeros(n)
        count_lags(one, other, lags)
        total = np.concatenate([[0.0], np.cumsum(np.concatenate([lags, lags]))])
        moved = np.concatenate([[0], (shifts * n).astype(np.int64)])
        edges = (moved[:, None] + self.edges) % n
        # An edge that has gone round the end stands one turn further than that before.
        edges = edges[:, :1] + (self.edges - self.edges[0])
        self.curves += np.diff(total[edges], axis=1)
        window = self.tally.window
        low = (moved[1:] - window) % n
        self.null += total[low + 2 * window + 1] - total[low]

    def result(self) -> Coincidence:
        tally = self.tally
        found, expected = float(tally.found.sum()), tally.expected()
        count = len(self.null)
        # One millionth keeps halves that were added in another order alike.
        more = (1 + int((self.null >= found - 1e-6).sum())) / (1 + count)
        fewer = (1 + int((self.null <= found + 1e-6).sum())) / (1 + count)
        first, chance = tally.first.sum(1), tally.covered.sum(1) / tally.steps.sum(1)
        numbers = self._numbers(found)
        return Coincidence(
            of=self.of,
            first_events=int(first.sum()),
            second_events=int(tally.second.sum()),
            found=found,
            expected=expected,
            probability=float(tally.hit.sum() / first.sum()),
            probability_at_random=float((first * chance).sum() / first.sum()),
            p_value=_chance(more, found, expected),
            p_value_fewer=_chance(fewer, found, expected),
            ratio=numbers[0],
            probability_ratio=numbers[1],
            excess=numbers[2],
            excess_before=numbers[3],
            excess_after=numbers[4],
            curve=self._curve(),
            method=_method(self.settings),
            note=self._note(found, expected, more, numbers[2]),
        )

    def _numbers(self, found: float) -> list[Quantity]:
        values, variances = self.tally.estimates(), self.tally.variances()
        numbers = []
        for k, value in enumerate(values):
            each = [(float(v[k]), dof) for v, dof in variances if np.isfinite(v[k])]
            if not math.isfinite(value) or not each:
                numbers.append(Quantity.refused("1", f"{found:g} coincidences"))
                continue
            variance, dof = larger(*each)
            make = positive if k < 2 else symmetric
            number = make(math.exp(value) if k < 2 else float(value), math.sqrt(variance), dof, "1")
            numbers.append(_trusted(number, found, self.tally.expected()))
        return numbers

    def _curve(self) -> CurveSet:
        widths = np.diff(self.edges)
        middles = (self.edges[:-1] + self.edges[1:] - 1) / 2.0 * self.trains.step_ps
        flat = self.tally.expected() / (2 * self.tally.window + 1) * widths
        scaled = self.curves / flat
        low, high = np.quantile(scaled[1:], [0.025, 0.975], axis=0)
        parts = (("found", scaled[0]), ("chance, lower", low), ("chance, upper", high))
        half = self.settings.window_ps
        return CurveSet(
            f"Coincidence of {self.of}",
            tuple(Curve(middles, y, _TIME, _RATIO, label=label) for label, y in parts),
            window=(-half, half),
        )

    def _note(self, found: float, expected: float, p: float, excess: Quantity) -> str:
        said = f"{found:g} coincidences, {expected:.4g} by chance, p = {p:.3g}"
        if p > 0.05 and excess.status != "refused":
            return f"{said}: nothing beyond chance; fewer than {max(excess.high, 0):.3g} for each"
        return said


def _chance(p: float, found: float, expected: float) -> Quantity:
    return Quantity(p, "1", note=f"{found:g} coincidences, {expected:.4g} by chance")


def _trusted(number: Quantity, found: float, expected: float) -> Quantity:
    """Return a number that rests on few coincidences as provisional, or refuse it."""
    most = max(found, expected)
    if most < _FEWEST:
        return Quantity.refused("1", f"{found:g} coincidences, {expected:.3g} by chance: too few")
    if most < _ENOUGH:
        return number.provisional(f"{found:g} coincidences, {expected:.3g} by chance")
    return number
