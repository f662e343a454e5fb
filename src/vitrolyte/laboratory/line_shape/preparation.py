"""A spectrum made ready: its unit, the noise in it, and the part in which lines are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.measurement import Measurement
from vitrolyte.infer.correlated import Noise, noise_of

Floats = NDArray[np.float64]

SHIFT, FREQUENCY = Axis("chemical shift", "ppm"), Axis("frequency", "Hz")
_BLOCKS, _LEAST_BLOCK = 40, 12
_QUIET = 1.7
_JOINED = 4
"""Quiet blocks in a row that have one trend."""
_SEEN = 5.0
_MARGIN = 0.6
_MOST_POINTS = 800


@dataclass(frozen=True, eq=False)
class Prepared:
    """A spectrum with its noise.

    Attributes
    ----------
    measurement
        Where it is from.
    curve
        Real part over shift or frequency, rising in equal steps, in units of its greatest height.
    noise
        Of that curve.
    """

    measurement: Measurement
    curve: Curve
    noise: Noise

    @property
    def signal_to_noise(self) -> float:
        """Return the greatest height over the level of the noise."""
        return float(np.max(np.abs(self.curve.y))) / self.noise.level

    @property
    def hertz_per_unit(self) -> float | None:
        """Return Hz in a unit of the axis; None for ppm without a Larmor frequency."""
        if self.curve.x_axis.unit == "Hz":
            return 1.0
        return self.measurement.conditions.larmor_MHz


def prepared(measurement: Measurement) -> Prepared:
    """Return a spectrum with the level and the correlation of its noise, from its quiet parts.

    Raises
    ------
    InputError
        If it is no spectrum, or no part is quiet.
    """
    curve = measurement.curve
    if curve.x_axis.name not in (SHIFT.name, FREQUENCY.name):
        raise InputError(
            f"Lines are fitted to a spectrum over shift or frequency ({measurement.name})",
            received=f"{curve.x_axis.label}",
        )
    x, y = _even(curve.x, np.real(curve.y).astype(float), measurement.name)
    top = float(np.max(np.abs(y)))
    if not top > 0:
        raise InputError(f"A spectrum needs a signal ({measurement.name})", received="zeros")
    return Prepared(measurement, _curve(curve, x, y / top), _noise(y / top, measurement.name))


def _curve(like: Curve, x: Floats, y: Floats) -> Curve:
    return Curve(x, y, like.x_axis, Axis("intensity over its greatest", ""), None, like.label)


def _even(x: Floats, y: Floats, name: str) -> tuple[Floats, Floats]:
    """Return a spectrum on equal steps; one that is uneven by more than rounding is refused."""
    steps = np.diff(x)
    if not np.all(steps > 0):
        raise InputError(
            f"A spectrum needs an axis that rises without repeats ({name})",
            received=f"{int(np.sum(steps <= 0))} steps that do not",
        )
    if np.ptp(steps) > 0.02 * np.median(steps):
        even = np.linspace(x[0], x[-1], len(x))
        if np.max(np.abs(even - x)) > 0.5 * np.median(steps):
            raise InputError(
                f"A spectrum needs points at equal steps ({name})",
                received=f"steps from {steps.min():g} to {steps.max():g}",
            )
        return even, np.interp(even, x, y)
    return x, y


def _noise(y: Floats, name: str) -> Noise:
    """Return the noise in those blocks of a spectrum that are as quiet as the quietest ones."""
    length = max(len(y) // _BLOCKS, _LEAST_BLOCK)
    count = len(y) // length
    if count < 4:
        raise InputError(
            f"The noise of a spectrum needs {4 * _LEAST_BLOCK} points or more ({name})",
            received=f"{len(y)}",
        )
    blocks = y[: count * length].reshape(count, length)
    t = np.linspace(-1.0, 1.0, length)
    slopes = blocks @ t / (t @ t)
    left = blocks - blocks.mean(axis=1, keepdims=True) - slopes[:, None] * t
    sizes = np.sqrt((left**2).sum(axis=1) / (length - 2))
    quietest = float(np.median(np.sort(sizes)[: max(count // 4, 2)]))
    if quietest == 0.0:
        # Zeros at the ends are filled in or cut away; what lies between has the noise.
        sizes = np.where(sizes == 0.0, np.inf, sizes)
        quietest = float(np.min(sizes))
        if not np.isfinite(quietest):
            raise InputError(f"A spectrum needs noise ({name})", received="constant pieces only")
    quiet = sizes <= _QUIET * quietest
    return noise_of(tuple(_detrended(y, quiet, length)), freedom_lost=3)


def _detrended(y: Floats, quiet: NDArray[np.bool_], length: int) -> Iterator[Floats]:
    """Yield runs of quiet blocks without their trend, a parabola."""
    ends = np.flatnonzero(np.diff(np.concatenate([[False], quiet, [False]]).astype(int)))
    pieces = [
        (first, min(first + _JOINED, stop))
        for start, stop in ends.reshape(-1, 2)
        for first in range(start, stop, _JOINED)
    ]
    for start, stop in pieces:
        part = y[start * length : stop * length]
        t = np.linspace(-1.0, 1.0, len(part))
        powers = np.stack([np.ones_like(t), t, t**2], axis=1)
        yield part - powers @ np.linalg.lstsq(powers, part)[0]


def signal_window(spectrum: Prepared) -> tuple[float, float]:
    """Return the part in which a signal stands out, with a margin of most of its width.

    Raises
    ------
    InputError
        If nothing stands out.
    """
    x, y = spectrum.curve.x, spectrum.curve.y
    base = float(np.median(y))
    width = max(len(y) // 400, 1)
    smooth = np.convolve(y - base, np.ones(width) / width, mode="same")
    level = spectrum.noise.level * max(np.sqrt(min(spectrum.noise.inflation, width) / width), 0.1)
    high = np.flatnonzero(np.abs(smooth) > max(_SEEN * level, 2e-3))
    if len(high) == 0 or spectrum.signal_to_noise < _SEEN:
        raise InputError(
            f"A spectrum needs a line above its noise ({spectrum.measurement.name})",
            received=f"a height of {spectrum.signal_to_noise:.2g} times the noise",
        )
    reach = max(x[high[-1]] - x[high[0]], 10.0 * (x[1] - x[0]))
    low, top = x[high[0]] - _MARGIN * reach, x[high[-1]] + _MARGIN * reach
    return max(float(low), float(x[0])), min(float(top), float(x[-1]))


def folded(spectrum: Prepared, window: tuple[float, float], bands: Sequence[float]) -> Prepared:
    """Return a window of a spectrum with what lies at distances from it added to it.

    Raises
    ------
    InputError
        If fewer than 32 points lie in the window.
    """
    x, y = spectrum.curve.x, np.asarray(spectrum.curve.y, dtype=float)
    inside = (x >= window[0]) & (x <= window[1])
    if inside.sum() < 32:
        raise InputError(
            f"The window of a spectrum needs 32 points or more ({spectrum.measurement.name})",
            received=f"{int(inside.sum())} of {len(x)} points from {x[0]:g} to {x[-1]:g}",
        )
    total, between = y[inside].copy(), CubicSpline(x, y)
    count = 1
    for band in bands:
        if window[0] + band >= x[0] and window[1] + band <= x[-1]:
            total += between(x[inside] + band)
            count += 1
    noise = replace(spectrum.noise, level=spectrum.noise.level * count**0.5)
    return replace(spectrum, curve=_curve(spectrum.curve, x[inside], total), noise=noise)


def thinned(spectrum: Prepared, finest: float) -> Prepared:
    """Return a spectrum with as many points merged as its finest line allows.

    Means over neighbours lose nothing of lines that are eight points wide; the noise of the means
    follows from that of the points.
    """
    x, y = spectrum.curve.x, spectrum.curve.y
    step = float(x[1] - x[0])
    factor = int(min(len(x) / _MOST_POINTS, finest / (10.0 * step)))
    if factor < 2:
        return spectrum
    count = len(x) // factor
    means = [v[: count * factor].reshape(count, factor).mean(axis=1) for v in (x, y)]
    noise = _merged(spectrum.noise, factor)
    return Prepared(spectrum.measurement, _curve(spectrum.curve, *means), noise)


def _merged(noise: Noise, factor: int) -> Noise:
    """Return the noise of means over so many neighbours."""
    reach = len(noise.correlation)
    full = np.zeros(2 * (reach + 2 * factor) + 1)
    centre = reach + 2 * factor
    for lag, value in enumerate(noise.correlation):
        full[centre + lag] = full[centre - lag] = value
    weights = np.convolve(np.ones(factor), np.ones(factor)) / factor**2
    offsets = np.arange(-(factor - 1), factor)
    lags = range((reach + factor) // factor + 1)
    covariance = np.array(
        [np.sum(weights * full[centre + lag * factor + offsets]) if
         centre + lag * factor + factor <= len(full) - 1 else 0.0 for lag in lags]
    )  # fmt: skip
    first = max(float(covariance[0]), 1e-6)
    correlation = np.append(1.0, covariance[1:] / first)
    return Noise(noise.level * first**0.5, correlation, noise.points // factor + 8)
