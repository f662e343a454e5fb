"""Van Hove functions, scattering in time and vibrational spectra; beside MDAnalysis and SciPy."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.displacement import STEP_PS, trajectory
from benchmarks.race import Contestant, Race, Work, timed
from vitrolyte.infer.fit import fit
from vitrolyte.observe.tracks import LABORATORY
from vitrolyte.observe.van_hove.displacement_counts import MotionSettings, count_displacements
from vitrolyte.observe.van_hove.incoherent import self_scattering
from vitrolyte.observe.van_hove.self_motion import self_motion

DIFFUSIVITY = 0.05
_SETTINGS = MotionSettings(frame=LABORATORY)
_LAG = 10


def races(*, tiny: bool) -> tuple[Race, ...]:
    """Return the race for the self part of the van Hove function, small and large."""
    if tiny:
        return (van_hove_race(10, 100, rounds=1),)
    return (van_hove_race(200, 5000, rounds=5), van_hove_race(1000, 20000, rounds=3))


def van_hove_race(ions: int, frames: int, *, rounds: int) -> Race:
    """Return the race for how far Li got, at logarithmic lags over evenly spread origins."""
    return Race(
        job=f"Self part of the van Hove function of Li: {ions} Li, {frames} frames",
        unit="s",
        answer=f"mean distance at lag {_LAG}, Å (truth {_mean_distance():.4f})",
        contestants=(
            Contestant("Vitrolyte counts (all errors kept)", partial(_counted, ions, frames)),
            Contestant(
                "Vitrolyte with alpha_2, hop distance, F_s and its fits",
                partial(_everything, ions, frames),
            ),
            Contestant("NumPy, the same lags and origins", partial(_plain, ions, frames)),
        ),
        rounds=rounds,
    )


def _mean_distance() -> float:
    """Return the mean of a Maxwell distribution, sqrt(8 / pi) s, s² = 2 D t."""
    return float(np.sqrt(16.0 / np.pi * DIFFUSIVITY * _LAG * STEP_PS))


def _counted(ions: int, frames: int) -> Work:
    walks = trajectory(ions, frames)

    def work() -> float:
        counts = count_displacements(walks, ("Li",), settings=_SETTINGS)["Li"]
        row = int(np.argmin(np.abs(counts.lags_ps - _LAG * STEP_PS)))
        total = counts.by_time[:, row].sum(axis=0)
        centres = 0.5 * (counts.edges[1:] + counts.edges[:-1])
        return float(centres @ total / total.sum())

    return timed(work)


def _everything(ions: int, frames: int) -> Work:
    walks = trajectory(ions, frames)

    def work() -> float:
        counts = count_displacements(walks, ("Li",), settings=_SETTINGS)["Li"]
        self_motion(counts)
        self_scattering(counts, fit)
        row = int(np.argmin(np.abs(counts.lags_ps - _LAG * STEP_PS)))
        density = counts.density().value[row]
        return float(counts.centres() @ density * counts.edges[1])

    return timed(work)


def _plain(ions: int, frames: int) -> Work:
    walks = trajectory(ions, frames)
    lags = _SETTINGS.lags(frames)
    edges = np.arange(501) * 0.02

    def work() -> float:
        paths: NDArray[np.float64] = np.asarray(walks.positions)[:, :ions]
        mean = float("nan")
        for lag in lags:
            every = max(int(lag) // 16, 1)
            moved = paths[lag:][::every] - paths[:-lag][::every]
            far = np.sqrt(np.einsum("tac,tac->ta", moved, moved))
            np.histogram(far, bins=edges)
            mean = float(far.mean()) if lag == _nearest(lags) else mean
        return mean

    return timed(work)


def _nearest(lags: NDArray[np.int64]) -> int:
    return int(lags[np.abs(lags - _LAG).argmin()])
