"""Incremental capacity, dQ/dV, of a half cycle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.laboratory.cycling.half_cycles import HalfCycle

Floats = NDArray[np.float64]

_MOST_BINS = 2000


def incremental_capacity(half: HalfCycle, step_V: float, label: str) -> Curve | None:
    """Return dQ/dV over voltage, mAh/V, negative for a discharge.

    The charge that passed while the voltage was inside each bin of ``step_V``, over its width; what
    passed between two records is spread evenly over the voltages between them. Smoothed with a
    Gaussian whose standard deviation is one bin. What passes at a constant voltage at the end is
    left out. None where the voltage moves over fewer than five bins.
    """
    moving = np.abs(half.voltage_V - half.voltage_V[-1]) > 0.5 * step_V
    stop = int(np.flatnonzero(moving)[-1]) + 1 if moving.any() else 0
    voltage, passed = half.voltage_V[:stop], half.passed_mAh[:stop]
    if stop < 5 or np.ptp(voltage) < 5 * step_V or np.ptp(voltage) > _MOST_BINS * step_V:
        return None
    edges = np.arange(voltage.min(), voltage.max() + step_V, step_V)
    charge = np.diff(_passed_below(edges, voltage, passed))
    offsets = np.arange(-4, 5)
    kernel = np.exp(-0.5 * offsets**2)
    # at the ends the kernel holds fewer bins; what it holds there is its own norm
    norm = np.convolve(np.ones(len(charge)), kernel, mode="full")[4:-4]
    smooth = np.convolve(charge, kernel, mode="full")[4:-4] / norm
    return Curve(
        0.5 * (edges[1:] + edges[:-1]),
        half.direction * smooth / step_V,
        Axis("voltage", "V"),
        Axis("dQ/dV", "mAh/V"),
        label=label,
    )


def _passed_below(edges: Floats, voltage: Floats, passed: Floats) -> Floats:
    """Return the charge that passed below each voltage, whichever way the voltage moved."""
    low = np.minimum(voltage[1:], voltage[:-1])
    width = np.maximum(np.abs(np.diff(voltage)), 1e-9)
    steps = np.diff(passed)
    return np.array([float(steps @ np.clip((edge - low) / width, 0.0, 1.0)) for edge in edges])
