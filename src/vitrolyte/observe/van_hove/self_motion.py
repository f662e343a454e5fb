"""The self part of the van Hove function: how far an ion got after a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.spread import Spread
from vitrolyte.observe.van_hove.displacement_counts import (
    DisplacementCounts,
    MotionSettings,
    count_displacements,
)

Floats = NDArray[np.float64]
CITATIONS = ("10.1103/PhysRev.95.249", "10.1103/PhysRev.136.A405", "10.1214/aos/1176345462")

_SHOWN_LAGS = 6
_SHOWN_BIN_A = 0.1
_SMOOTHING_A = 0.15
_FIRST_HOP_A = 1.0
_CLEAR = 4.0
_TOP_SHARE = 0.8

_R = Axis("displacement", "Å")
_DENSITY = Axis("4πr² G_s", "1/Å")
_TIME = Axis("lag time", "ps")
_ALPHA = Axis("non-Gaussian parameter", "")


@dataclass(frozen=True, eq=False)
class SelfMotion(Result):
    """Where the ions of one species are after a time, seen from where they were.

    Attributes
    ----------
    species
        Whose motion.
    displacements
        4 pi r² G_s(r, t) at a few lags, 1/Å.
    against_gaussian
        The same at one lag beside the Gaussian of equal mean square displacement.
    non_gaussian
        alpha_2(t).
    maximum, maximum_time
        Greatest non-Gaussian parameter and the lag where it is reached, s.
    hop_distance
        Distance of the peak that ions make after one hop, Å.
    """

    species: str
    displacements: CurveSet
    against_gaussian: CurveSet
    non_gaussian: CurveSet
    maximum: Quantity
    maximum_time: Quantity
    hop_distance: Quantity

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the non-Gaussian parameter at its maximum, when, and the hop distance."""
        of, greatest = self.species, "maximum of alpha_2(t)"
        return (
            computed(sample, "non_gaussian_parameter", self.maximum, of=of, method=greatest),
            computed(sample, "non_gaussian_time", self.maximum_time, of=of, method=greatest),
            computed(sample, "hop_length", self.hop_distance, of=of,
                     method="peak of r G_s(r, t) behind the cage"),
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class VanHove(Result):
    """The self part of the van Hove function of each species.

    Attributes
    ----------
    duration_ps, frame
        Length of the run and frame of reference.
    parts
        One for each species.
    """

    duration_ps: float
    frame: str
    parts: tuple[SelfMotion, ...]

    def __getitem__(self, species: str) -> SelfMotion:
        return next(part for part in self.parts if part.species == species)

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the rows of every species."""
        return tuple(row for part in self.parts for row in part.observations(sample))


def van_hove(
    trajectory: Trajectory,
    species: tuple[str, ...] | None = None,
    *,
    settings: MotionSettings | None = None,
) -> VanHove:
    r"""Return the self part of the van Hove function of each species, and what it tells.

    .. math:: G_s(r, t) = \frac{1}{N} \left\langle \sum_i
        \delta(r - |r_i(t_0 + t) - r_i(t_0)|) \right\rangle / 4 \pi r^2, \qquad
        \alpha_2(t) = \frac{3 \langle r^4 \rangle}{5 \langle r^2 \rangle^2} - 1

    Parameters
    ----------
    trajectory
        Unwrapped positions at equally spaced times; the cell may change and be triclinic.
    species
        All by default.

    Raises
    ------
    InputError
        If the times are not equally spaced, the frames too few, or a species is unknown.

    References
    ----------
    Van Hove, Phys. Rev. 95, 249 (1954), https://doi.org/10.1103/PhysRev.95.249;
    Rahman, Phys. Rev. 136, A405 (1964), https://doi.org/10.1103/PhysRev.136.A405
    """
    settings = settings or MotionSettings()
    counted = count_displacements(trajectory, species, settings=settings)
    return van_hove_of(counted, frame=settings.frame)


def van_hove_of(counted: Mapping[str, DisplacementCounts], *, frame: str) -> VanHove:
    """Return the van Hove functions of displacements that were counted before."""
    duration = next(iter(counted.values())).duration_ps
    return VanHove(duration, frame, tuple(self_motion(one) for one in counted.values()))


def self_motion(counts: DisplacementCounts) -> SelfMotion:
    """Return the self part of the van Hove function of one species."""
    alpha = counts.non_gaussian()
    top = _top(alpha, counts)
    hop, at = hop_distance(counts)
    shown = _gaussian_lag(counts, top) if at is None else at
    return SelfMotion(
        species=counts.species,
        displacements=_displacement_curves(counts),
        against_gaussian=_against_gaussian(counts, shown),
        non_gaussian=_alpha_curve(counts, alpha),
        maximum=_maximum(alpha, top),
        maximum_time=_maximum_time(alpha, top, counts),
        hop_distance=hop,
    )


def _top(alpha: Spread, counts: DisplacementCounts) -> int:
    """Return the lag of the greatest non-Gaussian parameter among those that are well known."""
    return int(np.argmax(alpha.value[_known(counts)]))


def _known(counts: DisplacementCounts) -> slice:
    """Return the lags up to a quarter of the run."""
    short = int(np.searchsorted(counts.lags_ps, 0.25 * counts.duration_ps, side="right"))
    return slice(0, max(short, min(3, len(counts.lags_ps))))


def _maximum(alpha: Spread, top: int) -> Quantity:
    number = alpha.at(top).quantity("1")
    if number.low <= 0.0:
        reason = f"alpha_2 stays within its error of zero, at most {number.value:.2g}"
        return Quantity.refused("1", f"{reason} ± {number.error:.2g}: the motion is Gaussian")
    return number


def _maximum_time(alpha: Spread, top: int, counts: DisplacementCounts) -> Quantity:
    """Return the lag of the maximum; its interval holds every lag that may well be it."""
    if _maximum(alpha, top).status == "refused":
        return Quantity.refused("s", _maximum(alpha, top).note)
    known = _known(counts)
    below = Spread(
        alpha.value[top] - alpha.value,
        alpha.without_ions[:, top, None] - alpha.without_ions,
        alpha.without_time[:, top, None] - alpha.without_time,
    )
    may_be = np.flatnonzero((below.value <= below.quantile * below.error)[known])
    low, high = int(may_be.min()), int(may_be.max())
    last = known.stop - 1
    lags = counts.lags_ps * 1e-12
    if high == last:
        reason = f"alpha_2 may still rise at {counts.lags_ps[last]:.3g} ps, a quarter of the run"
        return Quantity.refused("s", reason)
    # The maximum lies between neighbouring lags, not on one of them.
    ends = float(lags[max(low - 1, 0)]), float(lags[high + 1])
    number = Quantity(_vertex(lags, alpha.value, top), "s", low=ends[0], high=ends[1])
    if low == 0:
        return number.provisional("the maximum may lie before the first lag")
    return number


def _vertex(x: Floats, y: Floats, top: int) -> float:
    """Return where a parabola in ln x through a maximum and its neighbours is highest."""
    if not 0 < top < len(x) - 1:
        return float(x[top])
    part = np.log(x[top - 1 : top + 2])
    bend, slope, _ = np.polyfit(part - part[1], y[top - 1 : top + 2], 2)
    shift = -slope / (2.0 * bend) if bend < 0 else 0.0
    return float(np.exp(np.clip(part[1] + shift, part[0], part[2])))


def _gaussian_lag(counts: DisplacementCounts, top: int) -> int:
    return min(top, len(counts.lags_ps) - 1)


def _merged(counts: DisplacementCounts) -> int:
    return max(1, round(_SHOWN_BIN_A / float(counts.edges[1])))


def _displacement_curves(counts: DisplacementCounts) -> CurveSet:
    merged = _merged(counts)
    density, r = counts.density(merged), counts.centres(merged)
    chosen = np.unique(np.linspace(0, len(counts.lags_ps) - 1, _SHOWN_LAGS).round().astype(int))
    farthest = _farthest(density.value[chosen])
    curves = tuple(
        Curve(r[:farthest], density.value[k, :farthest], _R, _DENSITY,
              density.error[k, :farthest], f"{counts.lags_ps[k]:.3g} ps")
        for k in chosen
    )  # fmt: skip
    return CurveSet(f"Displacements of {counts.species} after a time", curves)


def _farthest(density: Floats) -> int:
    """Return how many bins hold nearly all that is to be seen."""
    seen = np.flatnonzero((density > 2e-3 * density.max(axis=1, keepdims=True)).any(axis=0))
    return int(seen.max()) + 2 if len(seen) else density.shape[1]


def _against_gaussian(counts: DisplacementCounts, lag: int) -> CurveSet:
    r"""Return the displacements at a lag beside those of a Gaussian of equal mean square.

    .. math:: 4 \pi r^2 \left(\frac{3}{2 \pi \langle r^2 \rangle}\right)^{3/2}
        \exp\left(-\frac{3 r^2}{2 \langle r^2 \rangle}\right)
    """
    merged = _merged(counts)
    density, r = counts.density(merged).at(lag), counts.centres(merged)
    square = max(float(counts.square().value[lag]), 1e-300)
    height = (3.0 / (2.0 * np.pi * square)) ** 1.5
    gaussian = 4.0 * np.pi * r**2 * height * np.exp(-1.5 * r**2 / square)
    n = _farthest(np.stack([density.value, gaussian]))
    title = f"Displacements of {counts.species} after {counts.lags_ps[lag]:.3g} ps, and a Gaussian"
    found = Curve(r[:n], density.value[:n], _R, _DENSITY, density.error[:n], label=counts.species)
    return CurveSet(
        title, (found, Curve(r[:n], gaussian[:n], _R, _DENSITY, label="Gaussian, same MSD"))
    )


def _alpha_curve(counts: DisplacementCounts, alpha: Spread) -> CurveSet:
    curve = Curve(counts.lags_ps, alpha.value, _TIME, _ALPHA, alpha.error, counts.species)
    return CurveSet(f"Non-Gaussian parameter of {counts.species}", (curve,), log_x=True)


def hop_distance(counts: DisplacementCounts) -> tuple[Quantity, int | None]:
    """Return the distance of the first peak behind the cage, and at which lag it stands out most.

    The peak is sought in r G_s(r, t), in which a hop of one length between cages of Gaussian shape
    peaks at that length exactly; it has to stand above the valley before it by four errors.
    """
    r = counts.centres()
    shape = counts.density().through(lambda d: _smooth(d / r, float(r[1] - r[0])))
    best: tuple[float, int, int] | None = None
    for lag in range(len(counts.lags_ps)):
        found = _hop_peak(r, shape.at(lag))
        if found is not None and (best is None or found[0] > best[0]):
            best = (found[0], lag, found[1])
    if best is None:
        reason = f"no peak of hops behind the cage of {counts.species} at any lag"
        return Quantity.refused("Å", reason), None
    _, lag, top = best
    place = shape.at(lag).through(lambda y: np.asarray(_peak(r, y, top)))
    return place.quantity("Å"), lag


def _smooth(shape: Floats, width: float) -> Floats:
    return np.asarray(gaussian_filter1d(shape, _SMOOTHING_A / width, axis=-1, mode="nearest"))


def _hop_peak(r: Floats, shape: Spread) -> tuple[float, int] | None:
    """Return how clearly a peak stands behind the cage, in errors, and where; None if none does."""
    y = shape.value
    home = int(y.argmax())
    tops = [k for k in find_peaks(y)[0] if r[k] > _FIRST_HOP_A and k > home]
    if not tops:
        return None
    top = tops[0]
    valley = home + int(y[home : top + 1].argmin())
    rise = shape.through(lambda one: np.asarray(one[top] - one[valley]))
    clear = float(rise.value / max(float(rise.error), 1e-300))
    # A ratio of peak to valley tells a hop from the noise on a long tail.
    if not clear > _CLEAR or not y[top] > 1.1 * y[valley]:
        return None
    return float(rise.value / y[top]), top


def _peak(r: Floats, y: Floats, top: int) -> float:
    """Return the vertex of a parabola through the upper fifth of a peak."""
    low = high = top
    while low > 0 and y[low - 1] >= _TOP_SHARE * y[top]:
        low -= 1
    while high < len(r) - 1 and y[high + 1] >= _TOP_SHARE * y[top]:
        high += 1
    bend, slope, _ = np.polyfit(r[low : high + 1] - r[top], y[low : high + 1], 2)
    return float(np.clip(r[top] - slope / (2.0 * bend) if bend < 0 else r[top], r[low], r[high]))


def with_status(number: Quantity, reason: str) -> Quantity:
    """Return a number with a remark that does not change its status."""
    return replace(number, note=f"{number.note}; {reason}" if number.note else reason)
