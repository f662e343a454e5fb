"""Hops of ions from their own paths, without sites: where they stay, and when they leave."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.hops.frame_at_rest import at_rest
from vitrolyte.observe.hops.segmentation import count_hops, stays, stretches
from vitrolyte.observe.hops.vibration import Vibration, first_guess, own_ratio, refined
from vitrolyte.observe.threads import in_order
from vitrolyte.observe.tracks import LABORATORY, Tracks, time_step

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Integers = NDArray[np.int64]

_CALIBRATED_IONS = 128
_REFINEMENTS = 2
_LEAST_DISTANCE_A = 0.5
_LEAST_IN_DEVIATIONS = 4.0
_MOST_DISTANCE_A = 2.2
_DISTANCES = 25
_STEP_OF_SENSITIVITY = 1.2
_TIE_BREAK = 0.02
_FEWEST_FRAMES_OF_A_STAY = 2


@dataclass(frozen=True)
class HopSettings:
    """What counts as a hop.

    Attributes
    ----------
    framework
        Elements whose mean position is held at rest; without any, all that do not hop.
    distance_A
        Least distance between two stays, Å; without it, the distance on which the number of hops
        depends least, between four standard deviations of the vibration (0.5 Å at least) and 2.2 Å.
    shortest_ps
        Shortest stay that counts, ps; without it, as long as the vibration remembers, and at
        least two frames. An ion that comes back sooner has not hopped.
    memory_MB
        Bound on the buffers.

    Raises
    ------
    InputError
        If a number is not positive.
    """

    framework: tuple[str, ...] = ()
    distance_A: float | None = None
    shortest_ps: float | None = None
    memory_MB: float = 1024.0

    def __post_init__(self) -> None:
        numbers = (self.distance_A, self.shortest_ps, self.memory_MB)
        if not all(number is None or number > 0 for number in numbers):
            raise InputError(
                "The least distance and time of a stay and the memory are positive",
                received=str(self),
            )


@dataclass(frozen=True, eq=False)
class Stays:
    """Every stay of every ion of one species, in order of ion and time.

    Attributes
    ----------
    ion
        (m,), which ion, from 0.
    start, stop
        (m,), first frame of the stay, and first frame after it.
    centre
        (m, 3), mean position, Å, unwrapped, in the mean cell with the framework at rest.
    """

    ion: Integers
    start: Integers
    stop: Integers
    centre: Floats

    @property
    def leaves(self) -> Integers:
        """Return the stays that end with a hop, (n_hops,): the next entry is where it leads."""
        return np.flatnonzero(self.ion[:-1] == self.ion[1:])


@dataclass(frozen=True, eq=False)
class Hops:
    """The hops of one species, and how sure they are.

    Attributes
    ----------
    mobile
        Element.
    atoms
        (n_ions,), indices in the trajectory.
    step_ps, n_frames
        Time between frames, and their number.
    stays
        Where the ions were.
    vibration
        What they do meanwhile.
    distance_A, shortest_frames
        Least distance between stays, and fewest frames of one, that were used.
    rest
        The trajectory in its mean cell with the framework at rest.
    fine
        What `with_limits` needs.
    """

    mobile: str
    atoms: NDArray[np.intp]
    step_ps: float
    n_frames: int
    stays: Stays
    vibration: Vibration
    distance_A: float
    shortest_frames: int
    rest: Trajectory
    fine: Fine

    @property
    def n_ions(self) -> int:
        """Return the number of ions."""
        return len(self.atoms)

    @property
    def duration_ps(self) -> float:
        """Return the time that each ion was watched for, ps: as many steps as there are frames."""
        return self.n_frames * self.step_ps

    @property
    def times_ps(self) -> Floats:
        """Return the time of each hop since the first frame, (n_hops,), ps."""
        return np.asarray((self.stays.stop[self.stays.leaves] - 0.5) * self.step_ps, dtype=float)

    @property
    def vectors(self) -> Floats:
        """Return each hop from centre to centre, (n_hops, 3), Å."""
        leaves = self.stays.leaves
        return np.asarray(self.stays.centre[leaves + 1] - self.stays.centre[leaves])

    @property
    def ions(self) -> Integers:
        """Return which ion makes each hop, (n_hops,)."""
        return self.stays.ion[self.stays.leaves]

    @property
    def cell(self) -> Floats:
        """Return the mean cell, (3, 3), Å."""
        return np.asarray(self.rest.cells[0])

    @property
    def unseen_ps(self) -> float:
        """Return the length below which a stay goes unseen, ps.

        The fewest frames, or as many as tell a hop of usual length from the vibration, less half
        a frame: a stay of that length holds so many frames in half of the cases.
        """
        squares = np.square(self.vectors).sum(axis=1)
        told = 0.0
        if len(squares):
            share = float(squares.mean()) / self.vibration.noise(self.n_frames)
            told = 1.0 + self.vibration.memory * (1.0 / share - 1.0)
        return (max(float(self.shortest_frames), told) - 0.5) * self.step_ps

    def with_limits(
        self, *, distance_A: float | None = None, shortest_frames: int | None = None
    ) -> Hops:
        """Return the hops for another least distance or shortest stay, without reading again."""
        distance = self.distance_A if distance_A is None else distance_A
        shortest = self.shortest_frames if shortest_frames is None else shortest_frames
        found = self.fine.stays(distance, shortest)
        return replace(self, stays=found, distance_A=distance, shortest_frames=shortest)

    def count(self, *, distance_A: float, shortest_frames: int) -> int:
        """Return the number of hops for another least distance and shortest stay."""
        return self.fine.count(distance_A, shortest_frames)


@dataclass(frozen=True, eq=False)
class Fine:
    """Stretches of constant mean of all ions, before short and near ones are joined.

    Attributes
    ----------
    starts
        (n_ions + 1,), where each ion's begin.
    parts
        (m, 6); see `segmentation.stretches`.
    noises, memory
        (n_ions,), Å², and frames; see `segmentation.one_place`.
    """

    starts: Integers
    parts: Floats
    noises: Floats
    memory: float

    def stays(self, distance: float, shortest: int) -> Stays:
        """Return the stays that are long and far apart enough."""
        found = [
            stays(self.parts[a:b], distance, shortest, noise, self.memory)
            for a, b, noise in zip(self.starts[:-1], self.starts[1:], self.noises, strict=True)
        ]
        ion = np.repeat(np.arange(len(found)), [len(one) for one in found])
        every = np.concatenate(found) if found else np.zeros((0, 6))
        start = every[:, 0].astype(np.int64)
        return Stays(ion, start, start + every[:, 1].astype(np.int64), every[:, 2:5])

    def count(self, distance: float, shortest: int) -> int:
        """Return the number of hops."""
        limits = (distance, shortest)
        return int(count_hops(self.parts, self.starts, self.noises, self.memory, limits))


def find_hops(trajectory: Trajectory, mobile: str, settings: HopSettings | None = None) -> Hops:
    r"""Return the hops of the ions of a species, from their own paths alone.

    Each path is cut into stretches of constant mean where that explains more of its squares than
    chance would: a cut must better the fit by ``4 ln n`` times what an independent sample of the
    ion's own vibration scatters by (Bayesian information criterion; the vibration and its memory
    are measured). Stretches shorter than the shortest stay are no stays, and neighbours
    nearer than the least distance are one. A hop is the step from one stay to the next: an ion
    that swings out and returns has not hopped.

    Parameters
    ----------
    trajectory
        Unwrapped positions at equal time steps; the cell may be triclinic and may fluctuate.
    mobile
        Element that hops.

    Raises
    ------
    InputError
        If an element is missing, the times are not equally spaced, or the frames are fewer than
        sixteen.

    References
    ----------
    Candelier et al., Phys. Rev. Lett. 105, 135702 (2010), doi:10.1103/PhysRevLett.105.135702
    (hops as the cuts of a path into cages).
    """
    settings = settings or HopSettings()
    step = time_step(trajectory)
    atoms = trajectory.indices(mobile)
    rest = at_rest(trajectory, _framework(trajectory, mobile, settings))
    tracks = Tracks(rest, 0, LABORATORY, settings.memory_MB)
    vibration = _calibrated(tracks, atoms)
    fine = _fine(tracks, atoms, vibration)
    shortest = _shortest(settings, vibration, step)
    distance = settings.distance_A or _least_sensitive(fine, vibration, shortest)
    found = fine.stays(distance, shortest)
    return Hops(
        mobile, atoms, step, trajectory.n_frames, found, vibration, distance, shortest, rest, fine
    )


def _framework(trajectory: Trajectory, mobile: str, settings: HopSettings) -> NDArray[np.intp]:
    if settings.framework:
        return trajectory.indices(*settings.framework)
    others = set(trajectory.species) - {mobile}
    return trajectory.indices(*(others or {mobile}))


def _shortest(settings: HopSettings, vibration: Vibration, step: float) -> int:
    if settings.shortest_ps is not None:
        return max(1, math.ceil(settings.shortest_ps / step - 1e-9))
    return max(_FEWEST_FRAMES_OF_A_STAY, math.ceil(vibration.memory - 1e-9))


def _gathered(tracks: Tracks, atoms: NDArray[np.intp]) -> Singles:
    return tracks.gather(atoms, np.zeros((tracks.length, 3)))


def _calibrated(tracks: Tracks, atoms: NDArray[np.intp]) -> Vibration:
    """Return the vibration, from at most so many ions, spread evenly."""
    few = atoms[np.unique(np.linspace(0, len(atoms) - 1, _CALIBRATED_IONS).astype(np.intp))]
    paths = _gathered(tracks, next(iter(tracks.groups(few))))
    if not np.isfinite(paths).all():
        raise InputError("Hops need positions that are finite numbers", received="NaN or infinity")
    found = first_guess(paths)
    for _ in range(_REFINEMENTS):
        work = partial(stretches, noise=found.noise(tracks.length), memory=found.memory)
        cut = list(in_order(work, paths))
        found = refined(paths, cut, found)
    return found


def _fine(tracks: Tracks, atoms: NDArray[np.intp], vibration: Vibration) -> Fine:
    """Return the stretches of all ions, each judged by its own vibration, in absolute places."""
    origin = tracks.origin
    common, memory = vibration.noise(tracks.length), vibration.memory

    def cut(path: Singles) -> tuple[Floats, float]:
        noise = own_ratio(stretches(path, common, memory), vibration) * common
        return stretches(path, noise, memory), noise

    parts: list[Floats] = []
    noises: list[float] = []
    for atom, (one, noise) in zip(atoms, _each(tracks, atoms, cut), strict=True):
        one[:, 2:5] += origin[atom]
        parts.append(one)
        noises.append(noise)
    starts = np.concatenate([[0], np.cumsum([len(one) for one in parts])]).astype(np.int64)
    return Fine(starts, np.concatenate(parts), np.array(noises), memory)


def _each(
    tracks: Tracks, atoms: NDArray[np.intp], work: Callable[[Singles], tuple[Floats, float]]
) -> Iterator[tuple[Floats, float]]:
    for group in tracks.groups(atoms):
        yield from in_order(work, _gathered(tracks, group))


def distances(vibration: Vibration) -> Floats:
    """Return the least distances among which one is chosen, Å.

    From four standard deviations of the vibration, where the clouds of two places part.
    """
    apart = _LEAST_IN_DEVIATIONS * math.sqrt(vibration.variance)
    least = min(max(_LEAST_DISTANCE_A, apart), 0.8 * _MOST_DISTANCE_A)
    return np.asarray(np.geomspace(least, _MOST_DISTANCE_A, _DISTANCES), dtype=float)


def sensitivity(counts: tuple[int, int]) -> float:
    """Return by which power of the distance a number of hops falls, from two of them."""
    near, far = counts
    return math.log((near + 0.5) / (far + 0.5)) / (2.0 * math.log(_STEP_OF_SENSITIVITY))


def _least_sensitive(fine: Fine, vibration: Vibration, shortest: int) -> float:
    """Return the distance on which the number of hops depends least; of equals the middle one."""
    grid = distances(vibration)
    middle = math.sqrt(grid[0] * grid[-1])
    step = _STEP_OF_SENSITIVITY
    falls = [
        sensitivity((fine.count(a / step, shortest), fine.count(a * step, shortest)))
        + _TIE_BREAK * math.log(a / middle) ** 2
        for a in grid.tolist()
    ]
    return float(grid[int(np.argmin(falls))])
