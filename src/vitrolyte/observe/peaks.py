"""The first peak of a pair function and the minimum behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

Floats = NDArray[np.float64]

SMOOTHING_A = 0.05
"""Standard deviation of the Gaussian that smooths a pair function before peaks are sought, Å."""

_PEAK_SHARE = 0.15
_NEXT_PEAK_SHARE = 0.05
_FLAT_SHARE = 0.01
_TOP_SHARE = 0.8


@dataclass(frozen=True)
class Shell:
    """The first coordination shell: where it peaks and where it ends, Å."""

    peak: float
    end: float


def first_shell(r: Floats, g: Floats) -> Shell | None:
    """Return the first shell of a pair function, or None where the range holds no whole one.

    The function is smoothed by a Gaussian of 0.05 Å. The first peak is the first one that stands
    out by 15 % of the highest; the shell ends at the minimum between it and the next peak that
    stands out by 5 % of it, in the middle of the floor where that is flat.

    Parameters
    ----------
    r
        (n,), Å, equal steps.
    g
        (n,), the pair function.
    """
    smooth = gaussian_filter1d(g, SMOOTHING_A / (r[1] - r[0]), mode="constant")
    highest = float(smooth.max())
    tops = find_peaks(smooth, prominence=_PEAK_SHARE * highest)[0] if highest > 0 else []
    if len(tops) == 0:
        return None
    top = int(tops[0])
    later = find_peaks(smooth, prominence=_NEXT_PEAK_SHARE * float(smooth[top]))[0]
    following = later[later > top]
    if len(following) == 0:
        return None
    valley = smooth[top : following[0] + 1]
    floor = np.flatnonzero(valley <= valley.min() + _FLAT_SHARE * smooth[top])
    lowest = int(valley.argmin())
    # Only the part of the floor that hangs together with its lowest point counts.
    parts = np.split(floor, np.flatnonzero(np.diff(floor) > 1) + 1)
    flat = next(part for part in parts if part[0] <= lowest <= part[-1])
    return Shell(peak_position(r, smooth, top), float(r[top] + flat.mean() * (r[1] - r[0])))


def peak_position(r: Floats, smooth: Floats, top: int) -> float:
    """Return the place of a peak: the vertex of a parabola through the logarithm of its upper part.

    Parameters
    ----------
    r, smooth
        (n,), Å, and the smoothed function.
    top
        Index of the highest point.
    """
    low = high = top
    while low > 0 and smooth[low - 1] >= _TOP_SHARE * smooth[top]:
        low -= 1
    while high < len(r) - 1 and smooth[high + 1] >= _TOP_SHARE * smooth[top]:
        high += 1
    if high - low < 2:
        low, high = max(0, top - 1), min(len(r) - 1, top + 1)
    part = slice(low, high + 1)
    height = np.log(np.maximum(smooth[part], 1e-300))
    bend, slope, _ = np.polyfit(r[part] - r[top], height, 2)
    shift = -slope / (2.0 * bend) if bend < 0 else 0.0
    return float(np.clip(r[top] + shift, r[low], r[high]))


def peak_near(r: Floats, g: Floats, shell: Shell) -> float:
    """Return the place of the highest point of another pair function inside a known shell, Å."""
    smooth = gaussian_filter1d(g, SMOOTHING_A / (r[1] - r[0]), mode="constant")
    inside = np.flatnonzero(r <= shell.end)
    return peak_position(r, smooth, int(inside[smooth[inside].argmax()]))
