"""The mean square displacement as it is shown: curves, their window, and figures from them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.quantity import Quantity
from vitrolyte.observe.motion.displacement import Displacements
from vitrolyte.observe.motion.low_frequency import chi_square_interval
from vitrolyte.observe.motion.tracers import (
    Tracer,
    lone_paths,
    relative_msd_variance,
    resolving_modes,
)

_POINTS = 200
_TIME = Axis("lag time", "ps")
_MSD = Axis("mean square displacement", "Å²")

CRITERION = (
    "from low frequency upwards, the squared displacement modes are followed until their spectrum "
    "bends away from a straight line in the squared frequency (quadratic term beyond 99 %, twice "
    "running) and fitted by a cubic in it; the window starts at the time that the lower half of "
    "these modes resolves and ends at half of the run"
)


def windows(moved: Displacements, tracers: Mapping[str, Tracer]) -> dict[str, tuple[float, float]]:
    """Return the lags on which each diffusivity rests, ps, for the species that have one."""
    found = {name: slope_window(moved, one) for name, one in tracers.items()}
    return {name: window for name, window in found.items() if window is not None}


def msd_curves(moved: Displacements, tracers: Mapping[str, Tracer], shown: str) -> CurveSet:
    """Return the MSD of each species with standard errors, and the slope window of one of them."""
    curves = tuple(_curve(moved, tracers[name]) for name in moved.species)
    title = f"Mean square displacement, {moved.frame} at rest"
    return CurveSet(
        title, curves, log_x=True, log_y=True, window=slope_window(moved, tracers[shown])
    )


def slope_window(moved: Displacements, one: Tracer) -> tuple[float, float] | None:
    """Return the lags on which a diffusivity rests, ps: from the time resolution of its modes."""
    if one.level is None or not one.moves:
        return None
    return moved.duration_ps / resolving_modes(one.level), 0.5 * moved.duration_ps


def shown_lags(moved: Displacements) -> np.ndarray:
    """Return which of the known lags are drawn: evenly on a logarithmic scale, up to half."""
    wanted = np.geomspace(1, moved.n_frames // 2, _POINTS)
    return np.unique([moved.at(lag) for lag in wanted])


def _curve(moved: Displacements, one: Tracer) -> Curve:
    shown = shown_lags(moved)
    lags, msd = moved.lags[shown], moved.msd[moved.species.index(one.species), shown]
    lone = lone_paths(one.level)
    variance = [relative_msd_variance(int(lag), moved.n_frames, lone) for lag in lags]
    error = np.abs(msd) * np.sqrt(variance)
    return Curve(lags * moved.step_ps, msd, _TIME, _MSD, error, one.species)


def msd_quantity(moved: Displacements, one: Tracer) -> Quantity:
    """Return the MSD at a lag of half the run, Å²."""
    at = moved.at(moved.n_frames // 2)
    row = moved.species.index(one.species)
    value = float(moved.msd[row, at])
    # Ions that only rattle are taken as moving alone; the scatter of a walk does not apply.
    alone = float(moved.counts[row] * moved.dimensions)
    lone = lone_paths(one.level) if one.moves else alone
    error = value * float(np.sqrt(relative_msd_variance(int(moved.lags[at]), moved.n_frames, lone)))
    low, high = chi_square_interval(value, error)
    return Quantity(value, "Å²", error, low, high)


def exponent(moved: Displacements, one: Tracer) -> Quantity:
    """Return the logarithmic slope of the MSD beyond the cage, between 1/16 and 1/4 of the run."""
    if moved.n_frames < 32:
        return Quantity.refused("1", "fewer than 32 frames")
    if one.slope_error == 0.0:
        return Quantity.refused("1", f"{one.species} does not leave its cage")
    return Quantity.normal(one.slope, one.slope_error, "1")
