"""The mean square displacement as it is shown: curves, their window, and figures from them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.quantity import Quantity
from vitrolyte.observe.motion.displacement import Displacements
from vitrolyte.observe.motion.low_frequency import chi_square_interval
from vitrolyte.observe.motion.tracers import Tracer, independent_ions, relative_msd_variance

_POINTS = 200
_TIME = Axis("lag time", "ps")
_MSD = Axis("mean square displacement", "Å²")


def msd_curves(moved: Displacements, tracers: Mapping[str, Tracer], shown: str) -> CurveSet:
    """Return the MSD of each species with standard errors, and the slope window of one of them."""
    lags = np.unique(np.geomspace(1, moved.n_frames // 2, _POINTS).astype(int))
    curves = tuple(_curve(moved, tracers[name], lags) for name in moved.species)
    title = f"Mean square displacement, {moved.frame} at rest"
    return CurveSet(
        title, curves, log_x=True, log_y=True, window=slope_window(moved, tracers[shown])
    )


def slope_window(moved: Displacements, one: Tracer) -> tuple[float, float] | None:
    """Return the lags on which a diffusivity rests, ps: from the time resolution of its modes."""
    if one.level is None or not one.moves:
        return None
    return moved.duration_ps / one.level.modes, 0.5 * moved.duration_ps


def _curve(moved: Displacements, one: Tracer, lags: np.ndarray) -> Curve:
    msd = moved.msd[moved.species.index(one.species), lags]
    ions = independent_ions(one.level)
    variance = [relative_msd_variance(int(lag), moved.n_frames, ions) for lag in lags]
    error = np.abs(msd) * np.sqrt(variance)
    return Curve(lags * moved.step_ps, msd, _TIME, _MSD, error, one.species)


def msd_quantity(moved: Displacements, one: Tracer) -> Quantity:
    """Return the MSD at a lag of half the run, Å²."""
    lag = moved.n_frames // 2
    row = moved.species.index(one.species)
    value = float(moved.msd[row, lag])
    # Ions that only rattle are taken as moving alone; the scatter of a walk does not apply.
    ions = independent_ions(one.level) if one.moves else float(moved.counts[row])
    error = value * float(np.sqrt(relative_msd_variance(lag, moved.n_frames, ions)))
    low, high = chi_square_interval(value, error)
    return Quantity(value, "Å²", error, low, high)


def exponent(moved: Displacements, one: Tracer) -> Quantity:
    """Return the logarithmic slope of the MSD beyond the cage, between 1/16 and 1/4 of the run."""
    if moved.n_frames < 32:
        return Quantity.refused("1", "fewer than 32 frames")
    if one.slope_error == 0.0:
        return Quantity.refused("1", f"{one.species} does not leave its cage")
    return Quantity.normal(one.slope, one.slope_error, "1")
