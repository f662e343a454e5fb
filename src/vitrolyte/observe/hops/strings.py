"""Ions that hop together: one moves into the place that another leaves, beyond what chance does."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.observe.hops.detection import Hops
from vitrolyte.observe.hops.intervals import Layout, judged, spread
from vitrolyte.observe.neighbours import neighbours

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_FEWEST_HOPS = 20
_FEWEST_IONS = 5
_STAYS_IN_A_WINDOW = 2
_WINDOWS = 10
_FEW_SHUFFLES = 39
_CHANCE = 0.05
_MOST_CHANCE = 0.5


@dataclass(frozen=True)
class StringSettings:
    """When two hops belong together.

    Attributes
    ----------
    window_ps
        Longest time between them, ps; without it, twice the shortest stay that counts.
    reach_A
        Largest distance between the place that one ion leaves and that which another enters, Å;
        without it, the least distance between two stays.
    shuffles
        How often the times of hops are shifted at random.
    seed
        Of the shifts.

    Raises
    ------
    InputError
        If a number is not positive, or there are fewer than 39 shuffles.
    """

    window_ps: float | None = None
    reach_A: float | None = None
    shuffles: int = 199
    seed: int = 0

    def __post_init__(self) -> None:
        numbers = (self.window_ps, self.reach_A)
        if not all(n is None or n > 0 for n in numbers) or self.shuffles < 39:
            raise InputError(
                "Concerted moves need a positive window and reach, and 39 or more shuffles",
                received=str(self),
            )


@dataclass(frozen=True, eq=False)
class ConcertedMoves(Result):
    """How many hops belong to moves of several ions.

    Attributes
    ----------
    mobile
        Element.
    window_ps, reach_A
        Longest time and largest distance between hops that belong together.
    fraction
        Share of hops that have a partner beyond chance.
    string_length
        Mean number of ions in a move, single hops included.
    chance_length
        The same where the hops of each ion are shifted in time by an amount of its own.
    excess_length
        Their difference.
    p_value
        Chance that shifted hops have as many partners as these.
    length_curves
        Moves by number of ions, as found and by chance.
    window_curves
        Share of hops with a partner beyond chance, against the window.
    method
        In words.
    """

    mobile: str
    window_ps: float
    reach_A: float
    fraction: Quantity
    string_length: Quantity
    chance_length: Quantity
    excess_length: Quantity
    p_value: Quantity
    length_curves: CurveSet
    window_curves: CurveSet
    method: str

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the share of concerted hops and the ions in a move."""
        rows = (
            ("concerted_hop_fraction", self.fraction, self.method),
            ("string_length", self.string_length, self.method),
            ("string_length", self.chance_length, f"by chance, {self.method}"),
            ("p_value", self.p_value, f"as many partners by chance, {self.method}"),
        )
        return tuple(
            computed(sample, word, number, of=self.mobile, method=method)
            for word, number, method in rows
        )


@dataclass(frozen=True, eq=False)
class _Partners:
    """Pairs of hops of different ions of which one enters the place that the other leaves."""

    hops: Hops
    layout: Layout
    leaver: Integers
    follower: Integers

    @property
    def count(self) -> int:
        return len(self.layout.ion)

    def apart(self, shifts: Floats) -> Floats:
        """Return the times between the hops of each pair after shifts of each ion, ps."""
        whole = self.hops.duration_ps
        times = (self.hops.times_ps + shifts[self.layout.ion]) % whole
        return np.asarray(np.abs(times[self.leaver] - times[self.follower]))

    def partnered(self, apart: Floats, window: float) -> NDArray[np.bool_]:
        """Return which hops have a partner within a window, (n_hops,)."""
        near = apart <= window
        found = np.zeros(self.count, dtype=bool)
        found[self.leaver[near]] = True
        found[self.follower[near]] = True
        return found

    def moves(self, apart: Floats, window: float) -> Integers:
        """Return the number of ions of each move, (n_moves,)."""
        near = apart <= window
        links = (np.ones(int(near.sum())), (self.leaver[near], self.follower[near]))
        graph = coo_array(links, shape=(self.count, self.count))
        n_moves, move = connected_components(graph, directed=False)
        members = np.unique(move * np.int64(self.hops.n_ions) + self.layout.ion)
        return np.bincount(members // self.hops.n_ions, minlength=n_moves)


def concerted_moves(hops: Hops, settings: StringSettings | None = None) -> ConcertedMoves:
    r"""Return how many hops belong to moves of several ions.

    Two hops belong together if one ion enters the place that another leaves, within a window of
    time; hops that hang together make one move. Ions also follow one another by chance, so the
    hops of each ion are shifted in time, all by the same amount round the run, an amount of its
    own for each ion: this keeps places, rates and what an ion remembers, and loses what ions do
    together. With shares s of hops that have a partner,

    .. math:: p = \frac{s_\mathrm{seen} - s_\mathrm{chance}}{1 - s_\mathrm{chance}}

    Parameters
    ----------
    hops
        From `detection.find_hops`.

    References
    ----------
    Donati et al., Phys. Rev. Lett. 80, 2338 (1998), doi:10.1103/PhysRevLett.80.2338 (strings).
    """
    settings = settings or StringSettings()
    window = settings.window_ps or _STAYS_IN_A_WINDOW * hops.shortest_frames * hops.step_ps
    reach = settings.reach_A or hops.distance_A
    reason = _too_little(hops)
    if reason:
        return _refused(hops, window, reach, reason)
    pairs = _partners(hops, reach)
    seen = pairs.apart(np.zeros(hops.n_ions))
    shifted = _shifted(pairs, settings)
    windows = _windows(hops, window)
    few = shifted[:_FEW_SHUFFLES]
    shares = [_excess(pairs, seen, few, float(one)) for one in windows]
    chosen, p_value = _excess(pairs, seen, shifted, window)
    lengths = _lengths(pairs, seen, shifted, window)
    return ConcertedMoves(
        mobile=hops.mobile,
        window_ps=window,
        reach_A=reach,
        fraction=_told(chosen, p_value, window),
        string_length=lengths[0],
        chance_length=lengths[1],
        excess_length=lengths[2],
        p_value=Quantity(p_value, "1"),
        length_curves=_length_curves(pairs, seen, shifted, window),
        window_curves=_window_curves(hops, windows, [share for share, _ in shares], window),
        method=_method(window, reach),
    )


def _method(window: float, reach: float) -> str:
    return (
        f"an ion enters within {reach:.2f} Å of a place that another leaves within {window:.3g} ps"
    )


def _too_little(hops: Hops) -> str:
    if not hops.vibration.rests:
        return f"{hops.mobile} does not rest between hops"
    if len(hops.ions) < _FEWEST_HOPS or hops.n_ions < _FEWEST_IONS:
        return f"{len(hops.ions)} hops of {hops.n_ions} ions"
    return ""


def _refused(hops: Hops, window: float, reach: float, reason: str) -> ConcertedMoves:
    none = Quantity.refused("1", reason)
    empty = CurveSet(f"Ions of {hops.mobile} that move together", ())
    return ConcertedMoves(
        hops.mobile, window, reach, none, none, none, none, none, empty, empty,
        _method(window, reach),
    )  # fmt: skip


def _partners(hops: Hops, reach: float) -> _Partners:
    left = hops.stays.centre[hops.stays.leaves]
    entered = hops.stays.centre[hops.stays.leaves + 1]
    count = len(left)
    kinds = np.repeat(np.array([0, 1], dtype=np.int64), count)
    table = np.array([[0.0, reach], [reach, 0.0]])
    found = neighbours(np.concatenate([left, entered]), hops.cell, kinds, table)
    end = int(found.starts[count])
    leaver, follower = found.owners[:end], found.others[:end] - count
    others = hops.ions[leaver] != hops.ions[follower]
    layout = Layout.of(hops.ions, hops.times_ps, n_ions=hops.n_ions, duration_ps=hops.duration_ps)
    return _Partners(hops, layout, leaver[others], follower[others])


def _shifted(pairs: _Partners, settings: StringSettings) -> list[Floats]:
    draws = np.random.default_rng(settings.seed)
    shifts = draws.uniform(0.0, pairs.hops.duration_ps, (settings.shuffles, pairs.hops.n_ions))
    return [pairs.apart(one) for one in shifts]


def _windows(hops: Hops, window: float) -> Floats:
    """Return windows from one frame to a mean residence time or so, ps."""
    residence = hops.n_ions * hops.duration_ps / len(hops.ions)
    last = max(residence, 4.0 * window)
    return np.asarray(np.geomspace(hops.step_ps, last, _WINDOWS), dtype=float)


def _excess(
    pairs: _Partners, seen: Floats, shifted: list[Floats], window: float
) -> tuple[Quantity, float]:
    """Return the share of hops with a partner beyond chance, and the chance of so many."""
    partnered = pairs.partnered(seen, window).astype(float)
    null = np.array([pairs.partnered(apart, window).mean() for apart in shifted])
    share, chance = float(partnered.mean()), float(null.mean())
    p_value = (1.0 + float((null >= share).sum())) / (1.0 + len(null))
    if chance > _MOST_CHANCE:
        reason = f"{100 * chance:.0f} % of hops would have a partner by chance"
        return Quantity.refused("1", reason), p_value
    every = np.ones(pairs.count)
    table = pairs.layout.table(partnered) - share * pairs.layout.table(every)
    found = spread(table)
    # where hops are few, their chance partners scatter as the shifted ones do
    half = max(found.half / pairs.count, 1.96 * float(null.std(ddof=1)))
    error = max(math.sqrt(found.variance) / pairs.count, float(null.std(ddof=1)))
    rest = 1.0 - chance
    value, half = (share - chance) / rest, half / rest
    low, high = max(value - half, 0.0), min(value + half, 1.0)
    return Quantity(max(value, 0.0), "1", error / rest, low, max(high, 0.0)), p_value


def _told(fraction: Quantity, p_value: float, window: float) -> Quantity:
    """Return the share with a note where chance would do as well."""
    if fraction.status == "refused" or p_value <= _CHANCE:
        return judged(fraction)
    note = f"no more than chance within {window:.3g} ps (p = {p_value:.2g})"
    return Quantity(fraction.value, "1", fraction.error, fraction.low, fraction.high, note=note)


def _lengths(
    pairs: _Partners, seen: Floats, shifted: list[Floats], window: float
) -> tuple[Quantity, Quantity, Quantity]:
    """Return ions per move as found, by chance, and the difference."""
    sizes = pairs.moves(seen, window)
    null = np.array([float(pairs.moves(apart, window).mean()) for apart in shifted])
    value, chance = float(sizes.mean()), float(null.mean())
    spread_of_null = float(null.std(ddof=1))
    error = max(float(sizes.std(ddof=1)) / math.sqrt(len(sizes)), spread_of_null)
    return (
        Quantity.normal(value, error, "1"),
        Quantity.normal(chance, spread_of_null / math.sqrt(len(null)), "1"),
        Quantity.normal(value - chance, error, "1"),
    )


def _length_curves(
    pairs: _Partners, seen: Floats, shifted: list[Floats], window: float
) -> CurveSet:
    found = pairs.moves(seen, window)
    null = [pairs.moves(apart, window) for apart in shifted]
    most = max(int(found.max()), *(int(one.max()) for one in null))
    numbers = np.arange(1.0, most + 1.0)
    seen_count = np.bincount(found, minlength=most + 1)[1:]
    null_share = np.mean(
        [np.bincount(one, minlength=most + 1)[1:] / len(one) for one in null], axis=0
    )
    x_axis, y_axis = Axis("ions in a move", ""), Axis("share of moves", "")
    curves = (
        Curve(
            numbers,
            seen_count / len(found),
            x_axis,
            y_axis,
            np.sqrt(seen_count) / len(found),
            "found",
        ),
        Curve(numbers, null_share, x_axis, y_axis, label="by chance"),
    )
    title = f"Ions of {pairs.hops.mobile} that move together"
    return CurveSet(title, curves, log_y=True, points=("found", "by chance"))


def _window_curves(hops: Hops, windows: Floats, shares: list[Quantity], window: float) -> CurveSet:
    told = [k for k, share in enumerate(shares) if share.status != "refused"]
    curve = Curve(
        windows[told],
        np.array([shares[k].value for k in told]),
        Axis("time between hops", "ps"),
        Axis("share of hops with a partner beyond chance", ""),
        np.array([shares[k].error for k in told]),
        hops.mobile,
    )
    title = f"Hops of {hops.mobile} that follow one another"
    return CurveSet(title, (curve,), log_x=True, window=(float(windows[0]), window))
