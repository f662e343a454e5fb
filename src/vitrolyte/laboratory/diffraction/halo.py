"""The first halo of a glass: where it stands and how wide it is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import NotConverged
from vitrolyte.data.model import Model, Parameter
from vitrolyte.data.observation import Observation, Sample, measured
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.infer.fit import Fit, fit
from vitrolyte.laboratory.diffraction.peaks import Peaks
from vitrolyte.laboratory.diffraction.radiation import Radiation
from vitrolyte.observe.line_shapes import gaussian
from vitrolyte.observe.scattering.diffraction import scattering_vector

Floats = NDArray[np.float64]

_Q = Axis("scattering vector Q", "1/Å")
_RANGE = 0.4, 6.0
_SMOOTHING = 0.12
_STEP = 0.01
_PROMINENT = 0.05
_NARROWEST = 0.15
_VAGUE_POSITION, _NO_POSITION = 0.02, 0.1
_REACHES = 0.55, 0.7, 0.85
_CLEAR_IN_WIDTHS = 4.0
_METHOD = "Gaussian on a straight line, raw intensities"


@dataclass(frozen=True, eq=False)
class Halo(Result):
    """The first halo.

    Attributes
    ----------
    position
        Q of its maximum, 1/Å.
    spacing
        ``d = 2 pi / Q``, Å.
    width
        Full width at half maximum, 1/Å.
    curves
        The pattern about it and the fit.
    """

    position: Quantity
    spacing: Quantity
    width: Quantity
    curves: CurveSet

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the rows of the position and of the spacing."""
        return (
            measured(sample, "halo_position", self.position, of="first", method=_METHOD),
            measured(sample, "halo_spacing", self.spacing, of="first", method=f"2π/Q, {_METHOD}"),
        )


def first_halo(
    pattern: Curve, radiation: Radiation, peaks: Peaks, lines: Floats | None = None
) -> Halo:
    """Return the first halo of a pattern: a Gaussian in Q on a straight line.

    Bragg peaks are left out. The fit is made over three ranges, 0.55, 0.7 and 0.85 of the width
    to either side; what the position moves between them is added to its error, since no range is
    the right one. Lorentz and polarisation factors are not taken off, nor is air or a holder:
    with copper these shift a halo at 2 1/Å by some hundredths of 1/Å towards small Q.

    Parameters
    ----------
    pattern
        From `radiation.prepared`.
    radiation
        Its beam.
    peaks
        Its Bragg peaks.
    lines
        (n,), lines that were refined, whose tails are taken off.
    """
    smooth = pattern if lines is None else replace(pattern, y=pattern.y.real - lines)
    q, y, error = _between_peaks(smooth, radiation, peaks)
    start = _first_maximum(q, y, error)
    if start is None:
        return _refused("no broad maximum between 0.4 and 6 1/Å stands out")
    fits: list[Fit] = []
    for reach in _REACHES:
        inside = np.abs(q - start[0]) < reach * start[1]
        if np.ptp(q[inside]) < 1.6 * reach * start[1] or _gap(q[inside]) > 0.3 * start[1]:
            break  # half of it lies under peaks or beyond an end
        try:
            fits.append(_fitted(q[inside], y[inside], error[inside], start))
        except (NotConverged, ValueError):
            continue
    if len(fits) < len(_REACHES):
        return _refused("the maximum lies under peaks or too near an end of the pattern")
    return _judged(fits, (q, y))


def _gap(q: Floats) -> float:
    return float(np.diff(q).max(initial=0.0))


def _between_peaks(
    pattern: Curve, radiation: Radiation, peaks: Peaks
) -> tuple[Floats, Floats, Floats]:
    assert pattern.y_error is not None
    q = scattering_vector(pattern.x, radiation.mean_A)
    clear = (q > _RANGE[0]) & (q < _RANGE[1])
    for angle, width in zip(peaks.angles, peaks.widths):
        clear &= np.abs(pattern.x - angle) > _CLEAR_IN_WIDTHS * width
    return q[clear], np.asarray(pattern.y.real[clear]), pattern.y_error[clear]


def _first_maximum(q: Floats, y: Floats, error: Floats) -> tuple[float, float, float] | None:
    """Return place, full width and height of the first broad maximum, or None."""
    if len(q) < 30 or q[-1] - q[0] < 4.0 * _SMOOTHING:
        return None
    grid = np.arange(q[0], q[-1], _STEP)
    weights = np.exp(-0.5 * ((grid[:, None] - q[None]) / _SMOOTHING) ** 2)
    weights /= weights.sum(axis=1, keepdims=True)
    smooth = weights @ y
    noise = np.sqrt(weights**2 @ error**2)
    for top in np.flatnonzero((smooth[1:-1] > smooth[:-2]) & (smooth[1:-1] >= smooth[2:])) + 1:
        feet = float(smooth[:top].min()), float(smooth[top:].min())
        rise = float(smooth[top]) - max(feet)
        if rise > max(_PROMINENT * abs(float(smooth[top])), 5.0 * float(noise[top])):
            half = smooth < smooth[top] - 0.5 * rise
            left = int(np.flatnonzero(half[:top]).max(initial=0))
            right = top + int(np.flatnonzero(half[top:]).min(initial=len(smooth) - 1 - top))
            width = min(grid[right] - grid[top], grid[top] - grid[left]) * 2.0
            return float(grid[top]), max(float(width), 0.2), rise
    return None


def _fitted(q: Floats, y: Floats, error: Floats, start: tuple[float, float, float]) -> Fit:
    centre, width, rise = start

    def forward(x: Floats, p: Floats) -> Floats:
        bell = p[2] * p[1] * gaussian(x, p[0], p[1])
        return np.asarray(bell + p[3] + p[4] * (x - centre))

    parameters = (
        Parameter("position", centre, "1/Å", centre - width, centre + width),
        Parameter("width", width, "1/Å", 0.05, 6.0 * width),
        Parameter("height", rise, "", 0.0, math.inf),
        Parameter("level", float(y.min()), ""),
        Parameter("slope", 0.0, ""),
    )
    curve = Curve(q, y, _Q, Axis("intensity", ""), error)
    return fit(Model(forward, parameters), curve)


def _judged(fits: list[Fit], points: tuple[Floats, Floats]) -> Halo:
    middle = fits[1]
    position = _spread(middle, "position", fits)
    width = _spread(middle, "width", fits)
    value = 2.0 * math.pi / position.value
    relative = position.error / position.value
    spacing = Quantity.normal(value, value * relative, "Å")
    if relative > _NO_POSITION:
        return _refused("the range that is fitted decides the position")
    if relative > _VAGUE_POSITION:
        position, spacing = (
            one.provisional("the range that is fitted decides the position")
            for one in (position, spacing)
        )
    q, y = points
    near = np.abs(q - position.value) < 2.0 * width.value
    inside = np.abs(q - position.value) < _REACHES[1] * width.value
    axis = Axis("intensity", "")
    curves = (
        Curve(q[near], y[near], _Q, axis, label="measured"),
        Curve(q[inside], middle.model(q[inside]), _Q, axis, label="fit"),
    )
    if width.value < _NARROWEST:
        return _refused("the broadest maximum is too narrow for a halo")
    return Halo(position, spacing, width, CurveSet("First halo", curves, points=("measured",)))


def _spread(middle: Fit, name: str, fits: list[Fit]) -> Quantity:
    found = middle.parameters[name]
    values = [one.parameters[name].value for one in fits]
    error = math.hypot(found.error, max(values) - min(values))
    return Quantity.normal(found.value, error, found.unit)


def _refused(reason: str) -> Halo:
    position, spacing = Quantity.refused("1/Å", reason), Quantity.refused("Å", reason)
    return Halo(position, spacing, Quantity.refused("1/Å", reason), CurveSet("First halo", ()))
