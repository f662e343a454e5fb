"""Statistics of hops: how often, how far, how long between them, and what they remember."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.observe.hops.correlation import Correlation, correlation, place_variance
from vitrolyte.observe.hops.detection import Hops, distances, sensitivity
from vitrolyte.observe.hops.intervals import (
    Layout,
    event_rate,
    groups,
    jackknifed,
    judged,
    ratio,
)
from vitrolyte.observe.hops.residence import (
    Waits,
    exponent,
    median_stay,
    return_share,
    returned,
    survival,
    survival_error,
)

Floats = NDArray[np.float64]

_UNSEEN_OK, _UNSEEN_MOST = 0.15, 0.5
_DOUBT = 1.0 / 6.0
_JOINED = 0.5
_SENSITIVE = 0.5
_FEWEST_HOPS = 5
_LENGTH_BINS = 60
_ANGLE_BINS = 20
_POINTS = 120
_PS = 1e-12
_UNLIKE = "ions hop unlike one another; where a few ions do most, the interval is narrow"
_TIME = Axis("time", "ps")


@dataclass(frozen=True, eq=False)
class JumpStatistics(Result):
    """What the hops of one species are like.

    Attributes
    ----------
    mobile
        Element.
    count
        Number of hops that were seen.
    distance_A, shortest_ps
        Least distance between two stays, and shortest stay, that were used.
    u_iso
        Mean square displacement of a component from the place of rest, Å².
    rate
        Hops of an ion per time, 1/s, with those that were too quick to be seen put back.
    residence
        One over the rate, s.
    median_residence
        Time by which half of the stays have ended, s; the first stay of an ion is left out, the
        last one is censored.
    residence_exponent
        Exponent of a stretched exponential: 1 where exits have no memory.
    length
        Mean length of a hop, Å.
    back_share
        Share of hops that the next hop undoes.
    cosine
        ``<l_j . l_(j+1)> / <l^2>``; -1 where every hop is undone, 0 without memory.
    correlation_factor
        ``6 D / (rate <l^2>)``.
    hop_diffusivity
        Diffusivity of the places of rest, cm²/s.
    dispersion
        Variance of the number of hops of an ion over its mean: 1 if all ions hop alike and each
        hop is independent of all others.
    threshold_curves, rate_curves
        Hops per ion against the least distance, and rate against the shortest stay.
    residence_curves, length_curves, angle_curves, count_curves, factor_curves
        Survival of stays with the share of hops undone; lengths; cosines between successive
        hops; ions by number of hops; correlation factor.
    method
        How hops were found, in words.
    """

    mobile: str
    count: int
    distance_A: float
    shortest_ps: float
    u_iso: Quantity
    rate: Quantity
    residence: Quantity
    median_residence: Quantity
    residence_exponent: Quantity
    length: Quantity
    back_share: Quantity
    cosine: Quantity
    correlation_factor: Quantity
    hop_diffusivity: Quantity
    dispersion: Quantity
    threshold_curves: CurveSet
    rate_curves: CurveSet
    residence_curves: CurveSet
    length_curves: CurveSet
    angle_curves: CurveSet
    count_curves: CurveSet
    factor_curves: CurveSet
    method: str

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return rate, residence, length, memory and dispersion of hops."""
        rows = (
            ("jump_rate", self.rate, self.method),
            ("residence_time", self.residence, "mean, one over the jump rate"),
            ("residence_time", self.median_residence, "median, Kaplan-Meier"),
            ("stretching_exponent", self.residence_exponent, "survival of stays, censored"),
            ("hop_length", self.length, self.method),
            ("back_jump_fraction", self.back_share, "next hop undoes it, Aalen-Johansen"),
            ("next_jump_cosine", self.cosine, self.method),
            ("correlation_factor", self.correlation_factor, "f = 6 D / (rate <l²>)"),
            ("tracer_diffusivity", self.hop_diffusivity, "hops: places of rest"),
            ("hop_dispersion", self.dispersion, "variance over mean of hops per ion"),
            ("u_iso", self.u_iso, "about the places of rest between hops"),
        )
        return tuple(
            computed(sample, word, number, of=self.mobile, method=method)
            for word, number, method in rows
        )


def jump_statistics(hops: Hops) -> JumpStatistics:
    r"""Return the statistics of the hops of one species.

    .. math:: \Gamma = \frac{N_\mathrm{seen}}{N T (1 - x)}, \quad x = h\,t_u (1 + b)

    A stay shorter than ``t_u`` is not seen: its two hops look like one, or like none where the
    second undoes the first. With the rate h at which short stays end and the share b of hops that
    are undone, x is what is missing.

    Parameters
    ----------
    hops
        From `detection.find_hops`.
    """
    waits, layout = _waits(hops), _layout(hops)
    missing = _missing(hops, waits)
    rate = _rate(hops, layout, missing)
    found = _memory(hops, layout)
    return JumpStatistics(
        mobile=hops.mobile,
        count=len(hops.ions),
        distance_A=hops.distance_A,
        shortest_ps=hops.shortest_frames * hops.step_ps,
        u_iso=_trusted(hops, Quantity(hops.vibration.variance, "Å²", note="no error is given")),
        rate=rate,
        residence=_inverse(rate),
        median_residence=_trusted(hops, judged(median_stay(waits))),
        residence_exponent=_trusted(hops, judged(exponent(waits))),
        length=_length(hops, layout, missing),
        back_share=_trusted(hops, return_share(waits)),
        cosine=_cosine(hops),
        correlation_factor=_trusted(hops, judged(found.factor)),
        hop_diffusivity=_trusted(hops, judged(found.diffusivity)),
        dispersion=_dispersion(hops),
        threshold_curves=_threshold_curves(hops),
        rate_curves=_rate_curves(hops),
        residence_curves=_residence_curves(hops, waits, rate),
        length_curves=_length_curves(hops),
        angle_curves=_angle_curves(hops),
        count_curves=_count_curves(hops),
        factor_curves=found.curves,
        method=_method(hops),
    )


def _layout(hops: Hops) -> Layout:
    return Layout.of(hops.ions, hops.times_ps, n_ions=hops.n_ions, duration_ps=hops.duration_ps)


def _method(hops: Hops) -> str:
    return (
        f"hops without sites, stays at least {hops.distance_A:.2f} Å apart and "
        f"{hops.shortest_frames * hops.step_ps:.3g} ps long"
    )


def _waits(hops: Hops) -> Waits:
    """Return the stays that began with a hop."""
    found = hops.stays
    begun = hops.stays.leaves + 1
    last = begun == len(found.ion) - 1
    onward = np.minimum(begun + 1, len(found.ion) - 1)
    left = ~last & (found.ion[onward] == found.ion[begun])
    apart = np.linalg.norm(found.centre[onward] - found.centre[begun - 1], axis=1)
    start_ps = np.asarray(found.start[begun] * hops.step_ps, dtype=float)
    layout = Layout.of(found.ion[begun], start_ps, n_ions=hops.n_ions, duration_ps=hops.duration_ps)
    return Waits(
        length_ps=np.asarray((found.stop[begun] - found.start[begun]) * hops.step_ps, dtype=float),
        left=left,
        back=left & (apart < hops.distance_A),
        group=groups(layout),
        unseen_ps=hops.unseen_ps,
    )


def _missing(hops: Hops, waits: Waits) -> float:
    """Return the share of hops that are missing because the stay between was too short."""
    if not len(waits) or not waits.left.any():
        return 0.0
    mean = hops.n_ions * hops.duration_ps / len(waits)
    near = waits.unseen_ps + mean
    short = waits.left & (waits.length_ps < near)
    watched = np.minimum(waits.length_ps, near) - waits.unseen_ps
    ends = float(short.sum()) / max(float(np.maximum(watched, 0.0).sum()), hops.step_ps)
    back = float(waits.back.sum()) / float(waits.left.sum())
    return ends * waits.unseen_ps * (1.0 + back)


def _rate(hops: Hops, layout: Layout, missing: float) -> Quantity:
    if not hops.vibration.rests:
        return Quantity.refused("1/s", _restless(hops))
    if missing > _UNSEEN_MOST:
        return Quantity.refused(
            "1/s",
            f"stays shorter than {hops.unseen_ps:.3g} ps are not seen, and hops are so quick "
            f"that {100 * missing:.0f} % would be missed: store frames more often",
        )
    table = layout.table(np.ones(len(layout.ion)))
    exposure = np.full(table.shape, hops.duration_ps * _PS / table.shape[1])
    rate = event_rate(table, exposure, doubt=_DOUBT * missing)
    rate = judged(rate.scaled(1.0 / (1.0 - missing), "1/s"))
    if missing > _UNSEEN_OK:
        rate = rate.provisional(
            f"{100 * missing:.0f} % was added for stays too short to be seen, if they end as "
            "others do"
        )
    return _with_sensitivity(hops, rate)


def _restless(hops: Hops) -> str:
    return (
        f"{hops.mobile} does not rest between hops: its median squared displacement grows with a "
        f"power of time of {hops.vibration.slope:.2f} or more at all times"
    )


def _trusted(hops: Hops, number: Quantity) -> Quantity:
    """Return a number, or its refusal where ions do not rest."""
    if hops.vibration.rests:
        return number
    return Quantity.refused(number.unit, _restless(hops))


def _with_sensitivity(hops: Hops, rate: Quantity) -> Quantity:
    """Mark a rate that depends on the least distance of a hop."""
    shortest = hops.shortest_frames
    near, far = (
        hops.count(distance_A=hops.distance_A * factor, shortest_frames=shortest)
        for factor in (1.0 / 1.2, 1.2)
    )
    power = sensitivity((near, far))
    count = len(hops.ions)
    if power < _SENSITIVE or near - far <= 3.0 * math.sqrt(count):
        return rate
    return rate.provisional(
        f"hops are not set apart by their length: a least distance 20 % shorter than "
        f"{hops.distance_A:.2f} Å gives {near} hops for {count}, one 20 % longer {far}"
    )


def _memory(hops: Hops, layout: Layout) -> Correlation:
    count = max(len(hops.ions), 1)
    return correlation(hops, layout, hops.n_ions * hops.duration_ps / count)


def _inverse(rate: Quantity) -> Quantity:
    if rate.status == "refused":
        return Quantity.refused("s", rate.note)
    value = 1.0 / rate.value
    error = rate.error * value**2
    return Quantity(value, "s", error, 1.0 / rate.high, 1.0 / rate.low, rate.status, rate.note)


def _lengths(hops: Hops) -> Floats:
    """Return the length of each hop, less what the uncertainty of its ends adds on average, Å."""
    raw = np.linalg.norm(hops.vectors, axis=1)
    return np.asarray(raw - place_variance(hops) / np.maximum(raw, 1e-9))


def _length(hops: Hops, layout: Layout, missing: float) -> Quantity:
    """Return the mean length; two hops that look like one are longer by half, so it may be less."""
    if len(layout.ion) < _FEWEST_HOPS:
        return Quantity.refused("Å", f"{len(layout.ion)} hops")
    number = ratio(layout.table(_lengths(hops)), layout.table(np.ones(len(layout.ion))), "Å")
    number = replace(number, low=number.low - _JOINED * missing * number.value)
    return _trusted(hops, number)


def _successive(hops: Hops) -> NDArray[np.intp]:
    """Return the hops that another one of the same ion follows."""
    return np.flatnonzero(hops.ions[:-1] == hops.ions[1:])


def _cosine(hops: Hops) -> Quantity:
    first = _successive(hops)
    if len(first) < _FEWEST_HOPS:
        return Quantity.refused("1", f"{len(first)} hops that another one followed")
    layout = _layout(hops)
    pairs = Layout(layout.ion[first], layout.block[first], layout.n_ions, layout.n_blocks)
    vectors, doubt = hops.vectors, 3.0 * place_variance(hops)
    # the place between two hops is one mean: its error stands in both with opposite sign
    shared = 0.5 * (doubt[first] + doubt[first + 1]) * 0.5
    products = (vectors[first] * vectors[first + 1]).sum(axis=1) + shared
    squares = np.square(vectors).sum(axis=1) - doubt
    both = 0.5 * (squares[first] + squares[first + 1])
    return _trusted(hops, ratio(pairs.table(products), pairs.table(both), "1"))


def _dispersion(hops: Hops) -> Quantity:
    """Return the variance of the number of hops of an ion over the mean."""
    counts = np.bincount(hops.ions, minlength=hops.n_ions).astype(float)
    if hops.n_ions < 10 or counts.sum() < 2 * _FEWEST_HOPS:
        reason = f"{counts.sum():.0f} hops of {hops.n_ions} ions"
        return Quantity.refused("1", reason)

    def value(use: NDArray[np.bool_]) -> float:
        return float(counts[use].var(ddof=1) / counts[use].mean())

    found = jackknifed(value, np.arange(hops.n_ions), "1")
    if found.status != "refused" and found.low > 1.0:
        found = replace(found, note=_UNLIKE)
    return _trusted(hops, judged(found))


def _threshold_curves(hops: Hops) -> CurveSet:
    """Return hops per ion against the least distance, for the shortest stay and twice as long."""
    at = np.geomspace(0.5 * distances(hops.vibration)[0], 4.0, 32)
    curves = []
    for frames in (hops.shortest_frames, 2 * hops.shortest_frames):
        found = [hops.count(distance_A=float(a), shortest_frames=frames) for a in at]
        label = f"stays of {frames * hops.step_ps:.3g} ps"
        curves.append(
            Curve(
                at,
                np.array(found) / hops.n_ions,
                Axis("least distance between stays", "Å"),
                Axis("hops per ion", ""),
                label=label,
            )
        )
    step = 1.2
    window = (hops.distance_A / step, hops.distance_A * step)
    return CurveSet(f"Hops of {hops.mobile} and what counts as one", tuple(curves), window=window)


def _rate_curves(hops: Hops) -> CurveSet:
    """Return the rate that is seen against the shortest stay that counts."""
    most = max(hops.n_frames // 20, 2)
    frames = np.unique(np.geomspace(1, most, 24).round().astype(int))
    found = [hops.count(distance_A=hops.distance_A, shortest_frames=int(m)) for m in frames]
    curve = Curve(
        frames * hops.step_ps,
        np.array(found) / (hops.n_ions * hops.duration_ps * _PS),
        Axis("shortest stay", "ps"),
        Axis("jump rate as seen", "1/s"),
        label=hops.mobile,
    )
    here = hops.shortest_frames * hops.step_ps
    title = f"Jump rate of {hops.mobile} and the shortest stay"
    return CurveSet(title, (curve,), log_x=True, window=(here, 2.0 * here))


def _residence_curves(hops: Hops, waits: Waits, rate: Quantity) -> CurveSet:
    """Return the survival of stays, an exponential of the same mean, and the share undone."""
    title = f"How long {hops.mobile} stays"
    if not len(waits) or not waits.left.any():
        return CurveSet(title, ())
    last = float(waits.length_ps.max())
    at = np.unique(np.concatenate([[0.0], np.geomspace(hops.step_ps, last, _POINTS)]))
    share = Axis("share of stays", "")
    lasting = survival(waits.length_ps, waits.left, at)
    curves = [
        Curve(at, lasting, _TIME, share, survival_error(waits, at), "still there"),
        Curve(at, returned(waits, at), _TIME, share, label="went back"),
    ]
    if rate.status != "refused":
        plain = np.exp(-at * rate.value * _PS)
        curves.append(Curve(at, plain, _TIME, share, label="exponential of the same mean"))
    return CurveSet(title, tuple(curves), log_x=True)


def _length_curves(hops: Hops) -> CurveSet:
    title = f"Length of the hops of {hops.mobile}"
    lengths = np.linalg.norm(hops.vectors, axis=1)
    if not len(lengths):
        return CurveSet(title, ())
    edges = np.linspace(0.0, float(lengths.max()) * 1.02, _LENGTH_BINS + 1)
    counts = np.histogram(lengths, edges)[0]
    scale = 1.0 / (len(lengths) * (edges[1] - edges[0]))
    curve = Curve(
        np.asarray((edges[1:] + edges[:-1]) / 2.0),
        counts * scale,
        Axis("length of a hop", "Å"),
        Axis("probability density", "1/Å"),
        np.sqrt(counts) * scale,
        hops.mobile,
    )
    return CurveSet(title, (curve,))


def _angle_curves(hops: Hops) -> CurveSet:
    title = f"Direction of the next hop of {hops.mobile}"
    first = _successive(hops)
    if not len(first):
        return CurveSet(title, ())
    vectors = hops.vectors / np.linalg.norm(hops.vectors, axis=1, keepdims=True)
    cosines = (vectors[first] * vectors[first + 1]).sum(axis=1)
    edges = np.linspace(-1.0, 1.0, _ANGLE_BINS + 1)
    counts = np.histogram(np.clip(cosines, -1.0, 1.0), edges)[0]
    scale = _ANGLE_BINS / (2.0 * len(first))
    x_axis, y_axis = Axis("cosine to the hop before", ""), Axis("probability density", "")
    middle = np.asarray((edges[1:] + edges[:-1]) / 2.0)
    curves = (
        Curve(middle, counts * scale, x_axis, y_axis, np.sqrt(counts) * scale, hops.mobile),
        Curve(middle, np.full(_ANGLE_BINS, 0.5), x_axis, y_axis, label="all directions alike"),
    )
    return CurveSet(title, curves, points=(hops.mobile,))


def _count_curves(hops: Hops) -> CurveSet:
    """Return how many ions hop how often, beside Poisson's distribution of the same mean."""
    counts = np.bincount(hops.ions, minlength=hops.n_ions)
    numbers = np.arange(counts.max() + 2)
    seen = np.bincount(counts, minlength=len(numbers)) / hops.n_ions
    chance = stats.poisson.pmf(numbers, counts.mean())
    x_axis, y_axis = Axis("hops of an ion", ""), Axis("share of the ions", "")
    error = np.sqrt(seen * (1.0 - seen) / hops.n_ions)
    curves = (
        Curve(numbers.astype(float), seen, x_axis, y_axis, error, hops.mobile),
        Curve(numbers.astype(float), chance, x_axis, y_axis, label="all ions alike (Poisson)"),
    )
    return CurveSet(f"Hops of each {hops.mobile}", curves, points=(hops.mobile,))
