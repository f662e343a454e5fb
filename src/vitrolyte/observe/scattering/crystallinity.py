"""How much of a pattern is Bragg peaks: a figure by a stated rule for the background."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.sampling import sample
from vitrolyte.observe.scattering.diffraction import (
    EULER_GAMMA,
    bragg_vectors,
    smooth_level,
    x_ray_waves,
)

Floats = NDArray[np.float64]

CITATIONS = ("10.1016/S0168-9002(97)01023-1", "10.1107/S0365110X61003429")
_SLACK = 3.0
_OTHER_WIDTHS = (0.7, 1.4)
_FEWEST_POINTS = 8
_SENSITIVE = 0.05


@dataclass(frozen=True, eq=False)
class Crystallinity(Result):
    """The share of the scattering that stands in peaks.

    Attributes
    ----------
    share
        Area of the peaks over the whole area; `low` and `high` are not set, since its doubt is that
        of the rule, which the note gives.
    curves
        The pattern and the smooth part that was found under it.
    rule
        The rule in words.
    """

    share: Quantity
    curves: CurveSet
    rule: str

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the row of the crystallinity."""
        return (computed(sample, "crystallinity", self.share, method=self.rule),)


def crystallinity(
    pattern: Curve,
    *,
    widest_peak: float,
    between: tuple[float, float] | None = None,
    background: float = 0.0,
) -> Crystallinity:
    """Return the area of the Bragg peaks of a pattern over its whole area.

    ``X = int (I - I_smooth) dx / int (I - background) dx``. The smooth part is found by clipping
    peaks, see `smooth_part`; what is much broader than ``widest_peak``, a halo, stays. The share is
    one of scattering, not of mass: that needs a standard, see `internal_standard`. Of atoms at hand
    `bragg_share` asks less of the eye.

    Parameters
    ----------
    pattern
        I against 2 theta or Q in equal steps, computed or measured; noise must be small beside the
        peaks, since the clipping takes it for peaks.
    widest_peak
        Full width at the foot of the widest Bragg peak, in the unit of x.
    between
        The range that is looked at; everything without it.
    background
        A constant that is no scattering of the sample, in the unit of y.

    Raises
    ------
    InputError
        If the steps are unequal, the range is empty or too short for the width, or the area not
        positive.

    References
    ----------
    Morháč et al., Nucl. Instrum. Methods A 401, 113 (1997), doi:10.1016/S0168-9002(97)01023-1
    (the clipping).
    """
    low, high = between or (float(pattern.x[0]), float(pattern.x[-1]))
    use = (pattern.x >= low) & (pattern.x <= high)
    x, y = pattern.x[use], pattern.y.real[use] - background
    _check(x, y, widest_peak)
    area = float(np.trapezoid(y, x))
    smooth = smooth_part(x, y, widest_peak)
    shares = [_share(x, y, smooth_part(x, y, widest_peak * one), area) for one in _OTHER_WIDTHS]
    value = _share(x, y, smooth, area)
    note = (
        f"{shares[0]:.3f} and {shares[1]:.3f} for a widest peak of {_OTHER_WIDTHS[0]:g} and "
        f"{_OTHER_WIDTHS[1]:g} times {widest_peak:g} {pattern.x_axis.unit}"
    )
    found = Quantity(value, "1", note=note)
    if max(abs(one - value) for one in shares) > _SENSITIVE:
        found = found.provisional("the figure depends on the width that is taken for a peak")
    rule = f"area above the clipped pattern, peaks up to {widest_peak:g} {pattern.x_axis.unit}"
    axes = pattern.x_axis, Axis(pattern.y_axis.name, pattern.y_axis.unit)
    curves = Curve(x, y, *axes, label="pattern"), Curve(x, smooth, *axes, label="smooth part")
    return Crystallinity(found, CurveSet("Crystallinity", curves), rule)


def _check(x: Floats, y: Floats, widest_peak: float) -> None:
    steps = np.diff(x)
    even = len(x) > _FEWEST_POINTS and np.allclose(steps, steps[0], rtol=1e-3)
    fits = even and 2.0 * steps[0] < widest_peak < (x[-1] - x[0]) / 3.0
    if not fits or np.trapezoid(y, x) <= 0:
        raise InputError(
            "A crystallinity needs a pattern in equal steps with a positive area, and peaks wider "
            "than two steps and narrower than a third of the range",
            received=f"{len(x)} points, widest peak {widest_peak:g}",
            remedy="interpolate to equal steps, or change the range or the width",
        )


def smooth_part(x: Floats, y: Floats, widest_peak: float) -> Floats:
    """Return what is left of a pattern when peaks up to a width are clipped, (n,).

    ``y <- min(y, max[(y_- + y_+) / 2, (-y_- + 4 y_-' + 4 y_+' - y_+) / 6])`` with the neighbours at
    a distance p and, primed, p / 2; p falls from half the width to one step. The second term
    follows the curvature of a halo, which the first alone would plane off.
    """
    smooth = y.copy()
    for reach in range(max(2, round(widest_peak / (2.0 * float(x[1] - x[0])))), 0, -1):
        left, right = _shifted(smooth, reach)
        near_left, near_right = _shifted(smooth, max(1, reach // 2))
        straight = (left + right) / 2.0
        bent = (4.0 * (near_left + near_right) - left - right) / 6.0
        smooth = np.minimum(smooth, np.maximum(straight, bent))
    return np.asarray(smooth, dtype=float)


def _shifted(y: Floats, reach: int) -> tuple[Floats, Floats]:
    padded = np.pad(y, reach, mode="reflect", reflect_type="odd")
    return padded[: -2 * reach], padded[2 * reach :]


def _share(x: Floats, y: Floats, smooth: Floats, area: float) -> float:
    return float(np.trapezoid(y - smooth, x)) / area


def bragg_share(
    trajectory: Trajectory, *, q_min: float = 1.0, q_max: float = 6.0, max_frames: int = 20
) -> Crystallinity:
    """Return the share of the scattering that density waves beyond chance carry.

    ``X = sum' (I_Q - level_Q) / sum I_Q`` over the reciprocal vectors of the box, the primed sum
    over those that stand above the smooth level by three times what chance gives the strongest
    of M waves of a liquid, ``ln M + 0.577``. Since each vector has the same share of ``Q^2 dQ``,
    this is the ratio of Ruland, ``int Q^2 I_cr dQ / int Q^2 I dQ``, without his correction for
    disorder: the thermal diffuse scattering of a crystal counts as smooth, so that a hot crystal
    has less than 1.

    Parameters
    ----------
    trajectory
        A box of several unit cells; in a single one every vector is a reflection and nothing is
        left to tell the smooth level from.
    q_min, q_max
        Range of |Q|, 1/Å.
    max_frames
        At most so many frames.

    Raises
    ------
    InputError
        If the box holds fewer than 50 vectors in this range, or fewer than 60 atoms.

    References
    ----------
    Ruland, Acta Cryst. 14, 1180 (1961), doi:10.1107/S0365110X61003429.
    """
    sampling = sample(trajectory, max_frames)
    vectors = bragg_vectors(sampling, q_min, q_max)
    q, intensity, _ = x_ray_waves(sampling, vectors)
    intensity = intensity / trajectory.n_atoms
    level = np.minimum(smooth_level(q, intensity), intensity.mean())
    limit = _SLACK * (np.log(len(q)) + EULER_GAMMA)
    beyond = intensity > limit * np.maximum(level, 1e-9 * intensity.mean())
    value = float((intensity - level)[beyond].sum() / intensity.sum())
    rule = f"waves beyond {limit:.3g} times the smooth level, {q_min:g} to {q_max:g} 1/Å"
    note = f"{int(beyond.sum())} of {len(q)} vectors stand out"
    order = np.argsort(q, kind="stable")
    axes = Axis("scattering vector Q", "1/Å"), Axis("intensity", "e²/atom")
    curves = (
        Curve(q[order], intensity[order], *axes, label="waves"),
        Curve(q[order], level[order], *axes, label="smooth part"),
    )
    shown = CurveSet("Density waves", curves, log_y=True, points=("waves",))
    return Crystallinity(Quantity(value, "1", note=note), shown, rule)
