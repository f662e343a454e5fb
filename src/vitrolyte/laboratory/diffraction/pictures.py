"""The picture of a pattern: measured, fitted, background, difference, ticks of each phase."""

from __future__ import annotations

import numpy as np

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.laboratory.diffraction.model import Phase
from vitrolyte.laboratory.diffraction.radiation import TWO_THETA
from vitrolyte.laboratory.diffraction.refinement import Refinement

_TICK_STEP, _DIFFERENCE = 0.04, 0.08
_WEAKEST_TICK = 1e-3
_MOST_POINTS = 4000


def pattern_picture(pattern: Curve, shown: Refinement | None, name: str) -> CurveSet:
    """Return a pattern with its fit; the difference and the ticks stand below zero."""
    axis = Axis(pattern.y_axis.name or "intensity", pattern.y_axis.unit)
    title = f"Powder pattern {name}".strip()
    keep = slice(None, None, max(1, len(pattern) // _MOST_POINTS))
    x = pattern.x[keep]
    measured = Curve(x, pattern.y.real[keep], TWO_THETA, axis, label="measured")
    if shown is None:
        return CurveSet(title, (measured,))
    height = float(np.ptp(pattern.y.real))
    fitted, background = shown.refined.fitted, shown.refined.background
    ticks = tuple(
        _ticks(shown, number, -_TICK_STEP * (number + 1) * height, axis)
        for number in range(len(shown.model.phases))
    )
    base = -(_DIFFERENCE + _TICK_STEP * (len(ticks) + 1)) * height
    left = pattern.y.real - fitted + base
    lines = (
        Curve(x, fitted[keep], TWO_THETA, axis, label="fit"),
        Curve(x, background[keep], TWO_THETA, axis, label="background"),
        Curve(x, left[keep], TWO_THETA, axis, label="difference, moved down"),
    )
    points = tuple(tick.label for tick in ticks)
    return CurveSet(title, (measured, *lines, *ticks), points=points)


def _ticks(shown: Refinement, number: int, level: float, axis: Axis) -> Curve:
    phase = shown.phase(number)
    angles = line_angles(phase, shown.model.radiation.wavelength_A)
    strong = phase.lines.strengths > _WEAKEST_TICK * phase.lines.strengths.max()
    ends = shown.pattern.x[0], shown.pattern.x[-1]
    held = strong & np.isfinite(angles) & (angles > ends[0]) & (angles < ends[1])
    count = int(held.sum())
    return Curve(
        angles[held], np.full(count, level), TWO_THETA, axis, label=f"lines of {phase.name}"
    )


def line_angles(phase: Phase, wavelength_A: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return where the lines of a phase stand without shift, degrees; NaN out of reach."""
    squares = phase.lines.families.inverse_squares(phase.metric)
    sines = np.sqrt(squares) * wavelength_A / 2.0
    return np.degrees(2.0 * np.arcsin(np.where(sines < 1.0, sines, np.nan)))
