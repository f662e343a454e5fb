"""Do ions hop when a rotor near them turns? The paddle wheel as a number that can be nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.first_shells import first_shells
from vitrolyte.observe.rotation.attitudes import NearestImages, turnings
from vitrolyte.observe.rotation.coupling import (
    Coincidence,
    CoincidenceSettings,
    EventSeries,
    coincidences,
)
from vitrolyte.observe.rotation.molecules import Life, Rotors, find_rotors
from vitrolyte.observe.rotation.rotation import RotationSettings
from vitrolyte.observe.rotation.steps import walk
from vitrolyte.observe.rotation.tally import Trains
from vitrolyte.observe.sampling import sample
from vitrolyte.observe.tracks import time_step

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_SHELL_FRAMES = 20


@dataclass(frozen=True)
class PaddleWheelSettings:
    """Rotors, steps of rotation, and what counts as near and together.

    Attributes
    ----------
    rotation
        Which rotors, and what counts as a step.
    coincidence
        Window in time, and the null.
    reach_A
        A hop is near a rotor whose root (the centre, O of OH) is within this distance of the ion
        when it hops, Å; 0 for the end of the first shell of g(r).

    Raises
    ------
    InputError
        If the reach is negative.
    """

    rotation: RotationSettings = field(default_factory=RotationSettings)
    coincidence: CoincidenceSettings = field(default_factory=CoincidenceSettings)
    reach_A: float = 0.0

    def __post_init__(self) -> None:
        if self.reach_A < 0:
            raise InputError("A reach is a distance, Å", received=f"{self.reach_A}")


def paddle_wheel(
    trajectory: Trajectory, hops: EventSeries, settings: PaddleWheelSettings | None = None
) -> Coincidence:
    """Return whether ions hop near a rotor when it makes a step of rotation, beyond chance.

    P(hop near the rotor | rotation) / P(hop near the rotor), the excess of hops for each step
    before and behind it, and the p-value of the null in which the steps of each rotor are shifted
    in time against the hops. One sort of rotor at a time: the one asked for, or the most abundant.

    Parameters
    ----------
    trajectory
        Streamed; any cell, also one that changes.
    hops
        When which ion hopped; where it was is read from the trajectory unless given (modulo the
        cell).
    settings
        Rotors, window, reach.

    Raises
    ------
    InputError
        If there are no rotors, a hop is not an atom's or not in the time of the run, or the run is
        shorter than ten windows.
    """
    settings = settings or PaddleWheelSettings()
    step_ps = time_step(trajectory)
    _check(trajectory, hops, step_ps)
    rotors = find_rotors(trajectory, settings.rotation.search)
    name = rotors.names[0]
    lives = rotors.of(name)
    mobile = _symbol(trajectory, hops)
    reach = settings.reach_A or shell_end(trajectory, mobile, lives[0])
    steps = rotor_steps(rotors, lives, settings.rotation)
    frames = frames_of(hops, trajectory, step_ps)
    near = _hops_near(trajectory, (hops, frames), lives, reach)
    trains = Trains(
        first=steps,
        second=near,
        spans=np.array([life.frames for life in lives], dtype=np.int64),
        starts=np.array([life.first for life in lives], dtype=np.int64),
        step_ps=step_ps,
        n_steps=trajectory.n_frames,
    )
    found = coincidences(trains, settings.coincidence, f"{name} rotation and {mobile} hop")
    return _told(
        found, rotors, f"hops within {reach:.2f} Å of {trajectory.species[lives[0].atoms[0]]}"
    )


def _told(found: Coincidence, rotors: Rotors, reach: str) -> Coincidence:
    return replace(found, method=f"{found.method}; {reach}; {rotors.bonds.method}")


def _check(trajectory: Trajectory, hops: EventSeries, step_ps: float) -> None:
    low, high = trajectory.times[0] - step_ps, trajectory.times[-1] + step_ps
    inside = len(hops) == 0 or (hops.times_ps.min() >= low and hops.times_ps.max() <= high)
    atoms = len(hops) == 0 or (hops.ions.min() >= 0 and hops.ions.max() < trajectory.n_atoms)
    if not inside or not atoms:
        raise InputError(
            f"Hops are made by atoms 0 to {trajectory.n_atoms - 1} between "
            f"{trajectory.times[0]:g} and {trajectory.times[-1]:g} ps",
            received=f"atoms {hops.ions.min()} to {hops.ions.max()}, times "
            f"{hops.times_ps.min():g} to {hops.times_ps.max():g} ps",
        )


def _symbol(trajectory: Trajectory, hops: EventSeries) -> str:
    symbols = {trajectory.species[ion] for ion in np.unique(hops.ions)}
    return " and ".join(sorted(symbols)) if symbols else "ion"


def shell_end(trajectory: Trajectory, mobile: str, life: Life) -> float:
    """Return the end of the first shell of mobile ions round the root of a rotor, Å.

    Raises
    ------
    InputError
        If g(r) shows none; then the reach has to be given.
    """
    root = trajectory.species[life.atoms[0]]
    pair = f"{mobile}-{root}"
    known = len({mobile, root} & set(trajectory.species)) == 2
    shell = first_shells(sample(trajectory, _SHELL_FRAMES), (pair,))[pair] if known else None
    if shell is None or not np.isfinite(shell.end):
        raise InputError(
            "What is near a rotor is taken from g(r), or given",
            received=f"no end of the first shell of {pair}",
            remedy="give reach_A",
        )
    return shell.end


def rotor_steps(
    rotors: Rotors, lives: Sequence[Life], settings: RotationSettings
) -> tuple[Integers, ...]:
    """Return the frames of each rotor's steps, from the start of its life."""
    step_ps = time_step(rotors.trajectory)
    turning = turnings(rotors, lives, memory_MB=settings.search.memory_MB)
    return tuple(walk(one.attitude, settings.steps, step_ps).frames for one in turning)


def rotation_events(
    trajectory: Trajectory, settings: RotationSettings | None = None
) -> EventSeries:
    """Return the steps of rotation of one sort of rotor as events; ``ions`` are the roots."""
    settings = settings or RotationSettings()
    rotors = find_rotors(trajectory, settings.search)
    lives = rotors.of(rotors.names[0])
    steps = rotor_steps(rotors, lives, settings)
    frames = np.concatenate([life.first + one for life, one in zip(lives, steps)])
    roots = np.repeat([life.atoms[0] for life in lives], [len(one) for one in steps])
    order = np.argsort(frames, kind="stable")
    return EventSeries(trajectory.times[frames[order]], roots[order].astype(np.int64))


def frames_of(events: EventSeries, trajectory: Trajectory, step_ps: float) -> Integers:
    """Return the frame nearest to each event."""
    frames = np.rint((events.times_ps - trajectory.times[0]) / step_ps).astype(np.int64)
    return np.asarray(np.clip(frames, 0, trajectory.n_frames - 1), dtype=np.int64)


def _hops_near(
    trajectory: Trajectory,
    hops: tuple[EventSeries, Integers],
    lives: Sequence[Life],
    reach: float,
) -> tuple[Integers, ...]:
    """Return for each rotor the frames of the hops near it, from the start of its life."""
    events, frames = hops
    roots = np.array([life.atoms[0] for life in lives])
    first = np.array([life.first for life in lives])
    stop = np.array([life.stop for life in lives])
    found: list[list[int]] = [[] for _ in lives]
    order = np.argsort(frames, kind="stable")
    for block in trajectory.blocks():
        low, high = np.searchsorted(frames[order], [block.start, block.start + len(block.times)])
        for event in order[low:high]:
            k = int(frames[event]) - block.start
            place = block.positions[k, events.ions[event]]
            if events.positions is not None:
                place = events.positions[event]
            images = NearestImages.of(block.cells[k : k + 1])
            apart = images((block.positions[k, roots] - place)[None])[0]
            near = np.einsum("ij,ij->i", apart, apart) <= reach**2
            alive = (first <= frames[event]) & (frames[event] < stop)
            for rotor in np.flatnonzero(near & alive):
                found[rotor].append(int(frames[event]) - int(first[rotor]))
    return tuple(np.array(sorted(one), dtype=np.int64) for one in found)
