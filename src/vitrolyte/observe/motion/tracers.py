"""Tracer diffusion of one species, and whether it moved far enough to speak of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vitrolyte.data.quantity import Quantity
from vitrolyte.data.units import A2_PER_PS_TO_CM2_PER_S
from vitrolyte.observe.motion.displacement import Displacements
from vitrolyte.observe.motion.judgement import Limits
from vitrolyte.observe.motion.low_frequency import (
    Level,
    Share,
    leverage,
    self_level,
    straight_modes,
)
from vitrolyte.observe.tracks import Floats

UNIT = "cm²/s"

_SLOPE_START, _SLOPE_STOP = 16, 4
"""The logarithmic slope is taken between these parts of the run."""


@dataclass(frozen=True, eq=False)
class Tracer:
    """Diffusion of the ions of one species.

    Attributes
    ----------
    level
        D with its error, Å²/ps; None where no diffusive range was found.
    reach
        Mean distance diffused in the whole run, √(2 d D t) in d directions, Å; 0 where D is not
        above zero.
    slope, slope_error
        Logarithmic slope of the MSD between 1/16 and 1/4 of the run, without the part that cage
        motion adds.
    quantity
        D with its interval and status, cm²/s.
    """

    species: str
    level: Level | None
    reach: float
    slope: float
    slope_error: float
    quantity: Quantity

    @property
    def moves(self) -> bool:
        """Return whether the diffusivity stands."""
        return self.quantity.status != "refused"


def tracer(moved: Displacements, species: str, limits: Limits) -> Tracer:
    """Return the diffusion of one species, judged against the limits."""
    row = moved.species.index(species)
    shares = (Share(moved.modes[row], 1.0 / moved.counts[row]),)
    straight = straight_modes(shares[0].spectrum, moved.points)
    level = self_level(shares, moved.points, straight) if straight else None
    value = max(level.value, 0.0) if level else 0.0
    reach = float(np.sqrt(2.0 * moved.dimensions * value * moved.duration_ps))
    lone = lone_paths(level)
    plateau = cage_plateau(moved, row, level)
    slope, error = log_slope(moved, moved.msd[row] - plateau, lone)
    quantity = _quantity(species, moved, level, reach, limits)
    if slope + error < limits.subdiffusive_exponent:
        quantity = quantity.provisional(
            f"the MSD of {species} beyond its cage grows with the power {slope:.2f} ± {error:.2f} "
            "of time, slower than diffusion"
        )
    return Tracer(species, level, reach, slope, error, quantity)


def _quantity(
    species: str, moved: Displacements, level: Level | None, reach: float, limits: Limits
) -> Quantity:
    run = f"{moved.duration_ps:.4g} ps"
    if level is None:
        reason = f"no diffusive range: the displacement spectrum of {species} never levels off"
        return Quantity.refused(UNIT, f"{reason} in {run}")
    if reach < limits.hop_length_A:
        reason = f"{species} diffused {reach:.2g} Å in {run}, less than a hop of"
        return Quantity.refused(UNIT, f"{reason} {limits.hop_length_A:g} Å")
    return limits.quantity(level, A2_PER_PS_TO_CM2_PER_S, UNIT)


def lone_paths(level: Level | None) -> float:
    """Return how many components of paths moving alone would scatter as these do; at least one."""
    if level is None or not np.isfinite(level.variance):
        return 3.0
    return max(2.0 * leverage(level.modes) / (level.modes * max(level.variance, 1e-12)), 1.0)


def relative_msd_variance(lag: int, n_frames: int, lone: float) -> float:
    """Return the relative variance of a random walk's MSD over all time origins.

    Parameters
    ----------
    lag, n_frames
        Frames.
    lone
        Number of independent components of paths.

    References
    ----------
    Qian, Sheetz & Elson, Biophys. J. 60, 910 (1991), https://doi.org/10.1016/S0006-3495(91)82125-7
    """
    k, origins = float(lag), float(n_frames - lag)
    if k <= origins:
        spread = (4 * k**2 * origins + 2 * origins + k - k**3) / (6 * k * origins**2)
    else:
        spread = 1 + (origins**3 - 4 * k * origins**2 + 4 * k - origins) / (6 * k**2 * origins)
    return spread * 2.0 / lone


def resolving_modes(level: Level) -> int:
    """Return how many modes resolve the time from which on a diffusivity is known.

    The bend of the fit takes up what the upper half of its modes tell.
    """
    return max(level.modes // 2, 1)


def cage_plateau(moved: Displacements, row: int, level: Level | None) -> float:
    """Return what the MSD exceeds 2 d D t by at the time resolution of D, Å²; at least zero.

    Zero where that resolution is coarser than 1/16 of the run: what precedes it may then be slower
    than diffusion as well as a cage, and the benefit of the doubt is not given.
    """
    if level is None or resolving_modes(level) < _SLOPE_START:
        return 0.0
    at = moved.at(max(moved.n_frames // resolving_modes(level), 1))
    walked = 2.0 * moved.dimensions * level.value
    return max(float(moved.msd[row, at] - walked * moved.lags_ps[at]), 0.0)


def log_slope(moved: Displacements, msd: Floats, lone: float) -> tuple[float, float]:
    """Return the logarithmic slope of an MSD from 1/16 to 1/4 of the run, and its error."""
    n = moved.n_frames
    near, far = moved.at(max(n // _SLOPE_START, 1)), moved.at(max(n // _SLOPE_STOP, 2))
    if min(msd[near], msd[far]) <= 0:
        return 0.0, 0.0
    decades = np.log(moved.lags[far] / moved.lags[near])
    slope = np.log(msd[far] / msd[near]) / decades
    error = np.sqrt(relative_msd_variance(int(moved.lags[far]), n, lone)) / decades
    return float(slope), float(error)
