"""The diffusivity by generalised least squares on the MSD, beside the low-frequency modes.

The covariance of the points of an MSD is that of a random walk, exactly (the theory behind kinisi:
McCluskey et al., J. Chem. Theory Comput. 21, 79 (2025), https://doi.org/10.1021/acs.jctc.4c01249).
Its first lag has to be given. Run ``python -m validation.least_squares`` (or with the number of
runs) for the table in docs/howto/transport.md.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from validation.walks import as_trajectory, brownian, caged, hopping, together
from vitrolyte.data.quantity import Quantity
from vitrolyte.observe.motion.displacement import Displacements, Reading, mean_square_displacement
from vitrolyte.observe.motion.judgement import Limits
from vitrolyte.observe.motion.tracers import tracer
from vitrolyte.observe.tracks import LABORATORY

RUNS = 400
_LAGS = 40


def walk_covariance(lags: np.ndarray, n_frames: int) -> np.ndarray:
    """Return the covariance of one component's MSD at all pairs of lags, in units of (2 D dt)².

    Squares of two Gaussian displacements have twice the squared covariance, which for a walk is
    the time that they share.
    """
    found = np.empty((len(lags), len(lags)))
    for i, k in enumerate(lags):
        for j, m in enumerate(lags[: i + 1]):
            shift = np.arange(-(m - 1), k)
            shared = np.minimum(k, shift + m) - np.maximum(0, shift)
            first, last = np.maximum(0, -shift), np.minimum(n_frames - k, n_frames - m - shift)
            pairs = np.maximum(last - first, 0)
            total = 2.0 * np.sum(pairs * shared.astype(float) ** 2)
            found[i, j] = found[j, i] = total / ((n_frames - k) * (n_frames - m))
    return found


def by_least_squares(moved: Displacements, species: str, *, first: int) -> Quantity:
    """Return D, cm²/s, from a line with an intercept through the MSD from a first lag on."""
    row = moved.species.index(species)
    wanted = np.unique(np.geomspace(first, moved.n_frames // 2, _LAGS).astype(int))
    at = np.unique([moved.at(lag) for lag in wanted])
    lags = moved.lags[at]
    inverse = np.linalg.pinv(walk_covariance(lags, moved.n_frames), rcond=1e-10)
    design = np.stack([np.ones(len(lags)), 2.0 * lags], axis=1)
    spread = np.linalg.inv(design.T @ inverse @ design)
    msd = moved.msd[row, at] / moved.dimensions
    value = float((spread @ design.T @ inverse @ msd)[1])
    # In units of (2 D dt)², for all components of all ions alone.
    lone = moved.counts[row] * moved.dimensions
    error = 2.0 * abs(value) * float(np.sqrt(spread[1, 1] / lone))
    return Quantity.normal(value * 1e-4 / moved.step_ps, error * 1e-4 / moved.step_ps, "cm²/s")


@dataclass(frozen=True)
class Truth:
    """A kind of motion with its diffusivity, Å²/ps, and the lag from which it is diffusive."""

    name: str
    make: Callable[[int], np.ndarray]
    diffusivity: float
    first: int


TRUTHS = (
    Truth("random walk", lambda s: brownian(s, (500, 30), diffusivity=1.0), 1.0, 1),
    Truth("fast rattling", lambda s: caged(s, brownian(s, (500, 30), diffusivity=1.0),
                                           amplitude=0.4, relaxation_frames=1.0), 1.0, 5),
    Truth("caged", lambda s: caged(s, brownian(s, (500, 30), diffusivity=0.2),
                                   amplitude=1.5, relaxation_frames=8.0), 0.2, 40),
    Truth("pairs", lambda s: together(brownian(s, (500, 15), diffusivity=1.0), 2), 1.0, 1),
    Truth("rare hops", lambda s: caged(s, hopping(s, (500, 30), hops_per_frame=0.01),
                                       amplitude=0.3, relaxation_frames=0.5), 0.015, 3),
)  # fmt: skip


def main(arguments: list[str]) -> None:
    runs = int(arguments[0]) if arguments else RUNS
    for truth in TRUTHS:
        estimators: dict[str, Callable[[Displacements], Quantity]] = {
            "modes": partial(_by_modes, "Li"),
            "least squares": partial(by_least_squares, species="Li", first=truth.first),
        }
        rows: dict[str, list[tuple[float, ...]]] = {name: [] for name in estimators}
        for seed in range(runs):
            walk = truth.make(seed)
            trajectory = as_trajectory(walk, ("Li",) * walk.shape[1])
            moved = mean_square_displacement(trajectory, reading=Reading(frame=LABORATORY))
            for name, work in estimators.items():
                start = time.process_time()
                number = work(moved)
                rows[name].append(_judged(number, truth.diffusivity, time.process_time() - start))
        for name, found in rows.items():
            held, bias, width, seconds = np.mean([row for row in found if row], axis=0)
            sys.stdout.write(
                f"{truth.name:14} {name:14} holds {held:.3f}  bias {bias:+.4f}  "
                f"half width {width:.3f}  {1e3 * seconds:.0f} ms\n"
            )
            sys.stdout.flush()


def _by_modes(species: str, moved: Displacements) -> Quantity:
    return tracer(moved, species, Limits()).quantity


def _judged(number: Quantity, diffusivity: float, seconds: float) -> tuple[float, ...]:
    if number.status == "refused":
        return ()
    truth = diffusivity * 1e-4
    half = 0.5 * (number.high - number.low) / truth
    return float(number.low <= truth <= number.high), number.value / truth - 1.0, half, seconds


if __name__ == "__main__":
    main(sys.argv[1:])
