"""Bragg peaks in a pattern: what stands out of the noise and is too narrow for a halo."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Curve
from vitrolyte.laboratory.diffraction.radiation import Radiation
from vitrolyte.observe.line_shapes import pseudo_voigt
from vitrolyte.observe.scattering.crystallinity import smooth_part
from vitrolyte.observe.scattering.diffraction import scattered_angle, scattering_vector

Floats = NDArray[np.float64]

SHARPEST_HALO = 0.055
"""Widest Bragg peak, full width at half maximum, 1/Å; the halo of a glass has 0.3 and more."""

_SIGNIFICANT = 6.0
_LEAST_OF_LEVEL = 0.01
_WINDOW_IN_WIDTHS = 2.0
_NARROWEST_STEPS = 2.5
_WIDTH_FACTOR = 1.35
_NEAR, _NEAR_SHARE = 1.3, 0.3
_WIDE, _WIDE_SHARE = 5.0, 0.04
_DOUBLET_SHARES = 0.2, 0.8
_SUMMIT_NOISE = 4.0
_NEARLY = 0.7


@dataclass(frozen=True, eq=False)
class Peaks:
    """Bragg peaks of a pattern, in the order of their angles.

    Attributes
    ----------
    angles
        (n,), degrees.
    heights
        (n,), above what is under them.
    widths
        (n,), full width at half maximum, degrees.
    significance
        (n,), height over its standard error.
    """

    angles: Floats
    heights: Floats
    widths: Floats
    significance: Floats

    def __len__(self) -> int:
        return len(self.angles)

    @property
    def areas(self) -> Floats:
        """Return heights times widths, (n,)."""
        return np.asarray(self.heights * self.widths)

    @property
    def typical_width(self) -> float:
        """Return the median width, the stronger peaks counting more, degrees."""
        strong = self.significance >= np.median(self.significance)
        return float(np.median(self.widths[strong]))

    def where(self, held: NDArray[np.bool_]) -> Peaks:
        """Return some of the peaks."""
        return replace(
            self,
            angles=self.angles[held],
            heights=self.heights[held],
            widths=self.widths[held],
            significance=self.significance[held],
        )


def find_peaks(pattern: Curve, radiation: Radiation) -> Peaks:
    """Return the Bragg peaks of a pattern.

    At each point and for widths from three steps to 0.055 1/Å (0.8 degrees with copper) a peak
    of that width on a cubic polynomial is fitted to a window of four widths; the height over its
    error is the significance. Taken is what is significant (6 and more) and higher than 1 % of what
    is under it; shoulders of a stronger peak and its K-alpha-2 partner are left out. A halo is
    followed by the cubic and leaves nothing.

    Parameters
    ----------
    pattern
        From `radiation.prepared`.
    radiation
        Its beam.
    """
    x, y, errors = _even(pattern)
    step = float(x[1] - x[0])
    trials = _trial_widths(x, step, radiation)
    filtered = [_filtered(y, errors, width / step) for width in trials]
    z = np.array([height / error for height, error in filtered])
    best, rows = z.max(axis=0), z.argmax(axis=0)
    heights = np.array([height for height, _ in filtered])[rows, np.arange(len(x))]
    level = smooth_part(x, y, min(6.0 * trials[-1], float(np.ptp(x)) / 3.5))
    stands = (best > _SIGNIFICANT) & (heights > _LEAST_OF_LEVEL * np.maximum(level, 0.0))
    inner = np.zeros(len(x), dtype=bool)
    inner[1:-1] = (best[1:-1] >= best[:-2]) & (best[1:-1] > best[2:])
    found = []
    for place in np.flatnonzero(stands & inner):
        # The narrowest width that does nearly as well blurs the summit least.
        row = int(np.argmax(z[:, place] >= _NEARLY * best[place]))
        summit = _summit(y, errors, int(place), (trials[row] / step, trials[rows[place]] / step))
        if summit is not None:
            found.append((x[0] + step * summit[0], summit[1], step * summit[2], best[place]))
    columns = np.array(found).reshape(-1, 4).T
    return _without_partners(_alone(_sorted(Peaks(*columns))), radiation)


def _sorted(peaks: Peaks) -> Peaks:
    order = np.argsort(peaks.angles)
    return Peaks(
        peaks.angles[order], peaks.heights[order], peaks.widths[order], peaks.significance[order]
    )


def _summit(
    y: Floats, errors: Floats, place: int, widths_steps: tuple[float, float]
) -> tuple[float, float, float] | None:
    """Return place, height and width of a summit near a place, in steps; None where there is none.

    The filter rings beside a strong peak; a ripple of it is no summit of the smoothed pattern.
    """
    blur, wide = 0.6 * widths_steps[0], widths_steps[1]
    offset = np.arange(-round(2.0 * blur), round(2.0 * blur) + 1.0)
    bell = np.exp(-4.0 * np.log(2.0) * (offset / blur) ** 2)
    bell /= bell.sum()
    reach = max(4, round(2.5 * wide)) + len(bell) // 2
    low, high = max(0, place - reach), min(len(y), place + reach + 1)
    if high - low <= len(bell) + 4:
        return None
    smooth = np.convolve(y[low:high], bell, mode="valid")
    start = low + len(bell) // 2
    near = np.arange(len(smooth))
    near = near[np.abs(near - (place - start)) <= 0.6 * wide]
    top = int(near[smooth[near].argmax()]) if len(near) else 0
    if top in (0, len(smooth) - 1):
        return None
    feet = float(smooth[:top].min()), float(smooth[top + 1 :].min())
    noise = float(errors[place]) * float(np.sqrt(np.sum(bell**2)))
    if smooth[top] - max(feet) < _SUMMIT_NOISE * noise:
        return None
    height = float(smooth[top]) - 0.5 * (feet[0] + feet[1])
    half = smooth < smooth[top] - 0.5 * (smooth[top] - max(feet))
    left = top - np.flatnonzero(half[:top]).max(initial=0)
    right = np.flatnonzero(half[top:]).min(initial=len(smooth) - top)
    width = np.sqrt(max(float(left + right - 1) ** 2 - blur**2, 2.0))
    return start + top + _vertex(smooth[top - 1 : top + 2]), height, float(width)


def _vertex(three: Floats) -> float:
    """Return the vertex of a parabola through three points, in steps from the middle one."""
    bend = three[0] - 2.0 * three[1] + three[2]
    return float(np.clip(0.5 * (three[0] - three[2]) / bend, -0.5, 0.5)) if bend < 0 else 0.0


def _even(pattern: Curve) -> tuple[Floats, Floats, Floats]:
    """Return the pattern in equal steps."""
    assert pattern.y_error is not None
    steps = np.diff(pattern.x)
    step = float(np.median(steps))
    if np.allclose(steps, step, rtol=0.02):
        return pattern.x, np.asarray(pattern.y.real), pattern.y_error
    count = min(60_000, max(50, round(float(np.ptp(pattern.x)) / step)))
    x = np.linspace(pattern.x[0], pattern.x[-1], count)
    return x, np.interp(x, pattern.x, pattern.y.real), np.interp(x, pattern.x, pattern.y_error)


def _trial_widths(x: Floats, step: float, radiation: Radiation) -> list[float]:
    middle = scattering_vector(np.array([float(np.mean(x))]), radiation.wavelength_A)
    ends = scattered_angle(middle + SHARPEST_HALO * np.array([-0.5, 0.5]), radiation.wavelength_A)
    widest = float(np.nan_to_num(ends[1] - ends[0], nan=0.8))
    width, found = _NARROWEST_STEPS * step, []
    while width <= max(widest, 4.0 * step) and width * 2.0 * _WINDOW_IN_WIDTHS < np.ptp(x) / 3.0:
        found.append(width)
        width *= _WIDTH_FACTOR
    return found


def _filtered(y: Floats, errors: Floats, width_steps: float) -> tuple[Floats, Floats]:
    """Return height and error of a peak of one width at every point; infinite error at the ends."""
    reach = max(4, round(_WINDOW_IN_WIDTHS * width_steps))
    offset = np.arange(-reach, reach + 1.0)
    shape = pseudo_voigt(offset, 0.0, width_steps, 0.5)
    powers = np.vander(offset / reach, 4)
    kernel = np.linalg.pinv(np.column_stack([shape / shape.max(), powers]))[0]
    height, error = np.zeros(len(y)), np.full(len(y), np.inf)
    inner = slice(reach, len(y) - reach)
    height[inner] = np.convolve(y, kernel[::-1], mode="valid")
    error[inner] = np.sqrt(np.convolve(errors**2, kernel[::-1] ** 2, mode="valid"))
    return height, error


def _alone(peaks: Peaks) -> Peaks:
    """Return the peaks that are no shoulder or ripple of a stronger one."""
    held = np.zeros(len(peaks), dtype=bool)
    for number in np.argsort(-peaks.heights):
        gap = np.abs(peaks.angles[held] - peaks.angles[number]) / peaks.widths[held]
        share = peaks.heights[number] / peaks.heights[held]
        shadowed = (gap < 0.7) | ((gap < _NEAR) & (share < _NEAR_SHARE))
        shadowed |= (gap < _WIDE) & (share < _WIDE_SHARE)
        held[number] = not shadowed.any()
    return peaks.where(held)


def _without_partners(peaks: Peaks, radiation: Radiation) -> Peaks:
    """Return the peaks that are not the K-alpha-2 line of another."""
    if len(radiation.lines) < 2 or len(peaks) < 2:
        return peaks
    ratio = radiation.lines[1][0] / radiation.lines[0][0]
    sine = np.sin(np.radians(peaks.angles) / 2.0) * ratio
    partner = np.degrees(2.0 * np.arcsin(np.minimum(sine, 1.0)))
    gap = np.abs(peaks.angles[:, None] - partner[None])
    share = peaks.heights[:, None] / peaks.heights[None]
    low, high = _DOUBLET_SHARES
    near = (gap < 0.5 * peaks.widths[None]) & (share > low) & (share < high)
    np.fill_diagonal(near, False)
    return peaks.where(np.asarray(~near.any(axis=1)))
