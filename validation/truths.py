"""Figures that theory gives exactly."""

from __future__ import annotations

import numpy as np

from validation.check import Check
from validation.walks import as_trajectory, brownian
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.data.units import A2_PER_PS_TO_CM2_PER_S
from vitrolyte.observe.motion.displacement import Reading
from vitrolyte.observe.motion.transport import TransportSettings, transport
from vitrolyte.observe.pair_functions import count_pairs
from vitrolyte.observe.tracks import LABORATORY


def random_walk() -> tuple[Check, ...]:
    """Return the diffusivity of a long walk of D = 0.05 Å²/ps, where MSD = 6 D t."""
    diffusivity, frames, ions, step = 0.05, 4000, 200, 0.1
    walk = brownian(11, (frames, ions), diffusivity=diffusivity, step=step)
    trajectory = as_trajectory(walk, ("Li",) * ions, step=step)
    settings = TransportSettings(Reading(frame=LABORATORY))
    found = transport(trajectory, {"Li": 1.0}, temperature_K=800.0, settings=settings)
    number = found.tracer_diffusivity["Li"]
    truth = diffusivity * A2_PER_PS_TO_CM2_PER_S
    # The truth is exact, so that all of the error is that of ours, as it states it.
    half = (number.high - number.low) / 2.0
    bounds = (truth - half, truth + half)
    title = "tracer diffusivity of a random walk, cm²/s"
    return (Check.within(title, truth, number.value, bounds=bounds, command=""),)


def ideal_gas() -> tuple[Check, ...]:
    """Return the mean of g(r) - 1 of an ideal gas, which is zero, in a cube and a skewed cell."""
    skewed = np.array([[18.0, 0.0, 0.0], [4.0, 17.0, 0.0], [-3.0, 5.0, 19.0]])
    cells = (("cube", np.eye(3) * 18.0), ("triclinic cell", skewed))
    return tuple(_gas(name, cell) for name, cell in cells)


def _gas(name: str, cell: np.ndarray) -> Check:
    frames, atoms, reach = 200, 300, 8.0
    places = np.random.default_rng(4).random((frames, atoms, 3)) @ cell
    cells = np.broadcast_to(cell, (frames, 3, 3))
    gas = Trajectory(("Li",) * atoms, np.arange(float(frames)), cells, places)
    counts = count_pairs(gas, r_max_A=reach, bin_A=0.1)
    shells = np.diff(counts.edges**3)
    mean = float(counts.pair_function(0, 0) @ shells / shells.sum())
    # Pairs within the reach are independent: their number has the error of a binomial draw.
    share = 4.0 * np.pi / 3.0 * reach**3 / abs(np.linalg.det(cell))
    pairs = frames * atoms * (atoms - 1) / 2.0
    error = float(np.sqrt((1.0 - share) / (pairs * share)))
    bounds = (1.0 - 3.0 * error, 1.0 + 3.0 * error)
    title = f"mean g(r) of an ideal gas within {reach:g} Å, {name}"
    return Check.within(title, 1.0, mean, bounds=bounds, command="")
