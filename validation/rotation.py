"""Rotors whose motion is known exactly: what the analysis makes of them, and how often it is right.

Run ``python -m validation.rotation`` (or with the number of runs and words of the case names).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from validation.check import Check
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.rotation.attitudes import Turning, matrices
from vitrolyte.observe.rotation.bonds import Bonds, RotorSearch
from vitrolyte.observe.rotation.coupling import (
    Coincidence,
    CoincidenceSettings,
    EventSeries,
    Shifts,
    coincidence,
)
from vitrolyte.observe.rotation.molecules import Life, Rotors
from vitrolyte.observe.rotation.rotation import RotationSettings, RotorMotion, RotorSums, rotation

Floats = NDArray[np.float64]

RUNS = 400
LOW, HIGH = 0.93, 0.97
STEP_PS = 0.02

OH = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.97]])
PS4 = np.vstack(
    [
        np.zeros(3),
        2.05 / np.sqrt(3.0) * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]),
    ]
)
SPECIES = {2: ("O", "H"), 5: ("P", "S", "S", "S", "S")}


@dataclass(frozen=True)
class Crowd:
    """How many rotors, frames, and in which cell.

    Attributes
    ----------
    rotors, frames
        Numbers.
    triclinic
        Whether the cell is skewed.
    breathing
        Relative amplitude with which its edges change.
    """

    rotors: int = 16
    frames: int = 4000
    triclinic: bool = False
    breathing: float = 0.0

    def cells(self) -> Floats:
        """Return the cells, (frames, 3, 3), Å; 10 Å apart is room for every rotor."""
        edge = 10.0 * int(np.ceil(self.rotors ** (1 / 3)))
        cell = np.eye(3) * edge
        if self.triclinic:
            cell[1] += 0.45 * cell[0]
            cell[2] += 0.3 * cell[0] - 0.4 * cell[1]
        phase = 2 * np.pi * np.arange(self.frames) / 731.0
        factors = 1.0 + self.breathing * np.stack(
            [np.sin(phase), np.sin(1.7 * phase + 1), np.cos(1.3 * phase)], axis=1
        )
        return np.asarray(cell[None] * factors[:, None, :])


def product(a: Floats, b: Floats) -> Floats:
    """Return the product of quaternions (w, x, y, z), (n, 4)."""
    w = a[:, 0] * b[:, 0] - (a[:, 1:] * b[:, 1:]).sum(1)
    v = a[:, :1] * b[:, 1:] + b[:, :1] * a[:, 1:] + np.cross(a[:, 1:], b[:, 1:])
    return np.column_stack([w, v])


def from_vectors(vectors: Floats) -> Floats:
    """Return the quaternions of rotation vectors, (n, 4)."""
    angles = np.linalg.norm(vectors, axis=1)
    factor = 0.5 * np.sinc(angles / (2 * np.pi))
    return np.column_stack([np.cos(angles / 2), factor[:, None] * vectors])


def random_turns(generator: np.random.Generator, count: int) -> Floats:
    """Return quaternions uniform over all orientations, (count, 4)."""
    q = generator.normal(size=(count, 4))
    return np.asarray(q / np.linalg.norm(q, axis=1, keepdims=True))


@njit(cache=True)
def _composed(turns: Floats, found: Floats) -> None:
    """Turn each orientation on by the next turn. Hot loop."""
    for k in range(1, found.shape[0]):
        for r in range(found.shape[1]):
            a, b = turns[k, r], found[k - 1, r]
            found[k, r, 0] = a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3]
            found[k, r, 1] = a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2]
            found[k, r, 2] = a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1]
            found[k, r, 3] = a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0]


def diffusing(seed: int, crowd: Crowd, variance: float) -> Floats:
    """Return attitudes in isotropic rotational diffusion, (frames, rotors, 4).

    ``variance`` is that of each component of the turn from frame to frame, rad²: 2 D_r dt.
    """
    generator = np.random.default_rng(seed)
    found = np.empty((crowd.frames, crowd.rotors, 4))
    found[0] = random_turns(generator, crowd.rotors)
    steps = generator.normal(scale=np.sqrt(variance), size=(crowd.frames * crowd.rotors, 3))
    _composed(from_vectors(steps).reshape(crowd.frames, crowd.rotors, 4), found)
    return found


def decay_per_frame(variance: float, l: int) -> float:  # noqa: E741
    """Return by what C_l falls from frame to frame, exactly, for Gaussian turns."""
    draws = np.linspace(0.0, 12.0 * np.sqrt(variance), 20001)
    weight = draws**2 * np.exp(-(draws**2) / (2 * variance))
    half = np.maximum(draws, 1e-12) / 2
    character = np.sin((2 * l + 1) * half) / np.sin(half) / (2 * l + 1)
    character[0] = 1.0
    return float(np.trapezoid(weight * character, draws) / np.trapezoid(weight, draws))


def integrated_ps(per_frame: float) -> float:
    """Return the integral of an exponential decay seen at every frame, ps."""
    return -STEP_PS / float(np.log(per_frame))


SIX = np.array([[0, 0, 1], [0, 0, -1], [0, 1, 0], [0, -1, 0], [1, 0, 0], [-1, 0, 0]], dtype=float)


def jumping(seed: int, crowd: Crowd, per_frame: float, *, swing: float = 0.0) -> Floats:
    """Return directions that jump among the six <100>, any to any other, (frames, rotors, 3).

    ``swing`` is the standard deviation of each of two angles of libration, radians.
    """
    generator = np.random.default_rng(seed)
    shape = (crowd.frames, crowd.rotors)
    places = generator.integers(0, 6, size=crowd.rotors)
    leaps = (generator.random(shape) < per_frame) * generator.integers(1, 6, size=shape)
    leaps[0] = places
    ideal = SIX[np.cumsum(leaps, axis=0) % 6]
    noise = generator.normal(scale=max(swing, 1e-9), size=(*shape, 3))
    noise -= (noise * ideal).sum(-1, keepdims=True) * ideal
    found = ideal + noise
    return np.asarray(found / np.linalg.norm(found, axis=-1, keepdims=True))


def in_cone(seed: int, crowd: Crowd, half_angle: float, *, memory: float = 0.8) -> Floats:
    """Return directions that keep within a cone about an axis of their own, uniform in it.

    From frame to frame a direction stays with probability ``memory``, else it is drawn anew.
    """
    generator = np.random.default_rng(seed)
    shape = (crowd.frames, crowd.rotors)
    cosine = generator.uniform(np.cos(half_angle), 1.0, size=shape)
    azimuth = generator.uniform(0, 2 * np.pi, size=shape)
    sine = np.sqrt(1 - cosine**2)
    found = np.stack([sine * np.cos(azimuth), sine * np.sin(azimuth), cosine], axis=-1)
    keep = generator.random(shape) < memory
    for k in range(1, crowd.frames):
        found[k][keep[k]] = found[k - 1][keep[k]]
    axes = matrices(random_turns(generator, crowd.rotors))
    return np.asarray(np.einsum("rij,frj->fri", axes, found))


def molecules(crowd: Crowd, bodies: Floats, *, seed: int = 0, stretch: float = 0.0) -> Trajectory:
    """Return rotors on a lattice as a trajectory; ``bodies`` is (frames, rotors, atoms, 3), Å.

    ``stretch`` is the standard deviation of each bond length, Å. Atoms are wrapped anew in every
    frame by turns, so that whole cell vectors may lie between the atoms of a molecule.
    """
    generator = np.random.default_rng(seed + 7)
    cells = crowd.cells()
    side = int(np.ceil(crowd.rotors ** (1 / 3)))
    places = (np.array(np.meshgrid(*[np.arange(side)] * 3)).reshape(3, -1).T)[: crowd.rotors] / side
    centres = np.einsum("rj,fjk->frk", places, cells)
    scale = 1.0 + generator.normal(scale=max(stretch, 1e-12), size=bodies.shape[:3])[..., None]
    positions = centres[:, :, None] + bodies * scale
    atoms = bodies.shape[2]
    flat = positions.reshape(len(cells), -1, 3)
    shifts = generator.integers(-2, 3, size=(flat.shape[1], 3)).astype(float)
    flat = flat + np.einsum("aj,fjk->fak", shifts, cells)
    species = SPECIES[atoms] * crowd.rotors
    return Trajectory(species, np.arange(float(crowd.frames)) * STEP_PS, cells, flat)


def of_directions(directions: Floats) -> Floats:
    """Return the atoms of OH about the O, (frames, rotors, 2, 3)."""
    found = np.zeros((*directions.shape[:2], 2, 3))
    found[:, :, 1] = 0.97 * directions
    return found


def of_attitudes(attitudes: Floats, shape: Floats) -> Floats:
    """Return the atoms of rigid bodies about their first, (frames, rotors, atoms, 3)."""
    frames, rotors, _ = attitudes.shape
    turns = matrices(attitudes.reshape(-1, 4)).reshape(frames, rotors, 3, 3)
    return np.asarray(np.einsum("frij,aj->frai", turns, shape))


CUT_OFFS = {2: {"O-H": 1.25}, 5: {"P-S": 2.6}}


def motion_of(attitudes: Floats, bonds: Floats) -> RotorMotion:
    """Return how rotors turn whose orientations are known: no atoms, no search for molecules.

    Parameters
    ----------
    attitudes
        (frames, rotors, 3 or 4).
    bonds
        (frames, rotors, n_bonds, 3), unit vectors.
    """
    frames, rotors = attitudes.shape[:2]
    life = Life("OH", (0, 1), (-1, 0), ((0, 1),), 0, frames)
    lives = [life] * rotors
    sums = RotorSums(lives, frames, STEP_PS, RotationSettings())
    for r in range(rotors):
        along = np.ascontiguousarray(bonds[:, r].transpose(1, 0, 2))
        sums.add(Turning(life, r, along, np.ascontiguousarray(attitudes[:, r])))
    cell = np.eye(3)[None] * 9.0
    empty = Trajectory(("O",), np.zeros(1), cell, np.zeros((1, 1, 3)))
    return sums.result(Rotors(empty, Bonds(("O",), {}, np.zeros((1, 1))), tuple(lives), {}, {}, {}))


def motion(trajectory: Trajectory, atoms: int) -> RotorMotion:
    """Return how the rotors of a made-up trajectory turn."""
    settings = RotationSettings(RotorSearch(cut_offs=CUT_OFFS[atoms], looks=20))
    return next(iter(rotation(trajectory, settings).rotors.values()))


Outcome = dict[str, tuple[Quantity, float]]


def diffusing_case(seed: int, crowd: Crowd, variance: float, *, alike: bool = False) -> Outcome:
    """Return what is found of tetrahedra in isotropic rotational diffusion."""
    turns = diffusing(seed, crowd, variance)
    if alike:
        one = product(turns[:, 0], np.broadcast_to([1.0, 0, 0, 0], (crowd.frames, 4)))
        starts = random_turns(np.random.default_rng(seed + 1), crowd.rotors)
        turns = np.stack(
            [product(one, np.broadcast_to(q, (crowd.frames, 4))) for q in starts], axis=1
        )
    bodies = of_attitudes(turns, PS4)[:, :, 1:]
    found = motion_of(turns, bodies / np.linalg.norm(PS4[1]))
    first, second = (integrated_ps(decay_per_frame(variance, l)) * 1e-12 for l in (1, 2))  # noqa: E741
    return {
        "C1": (found.correlation_times["C1"], first),
        "C1 fitted": (found.fitted_times["C1"], first),
        "rotation C2": (found.correlation_times["rotation C2"], second),
        "rotational diffusivity": (found.diffusivity, 0.5 * variance / STEP_PS * 1e12),
    }


def jumping_case(seed: int, crowd: Crowd, per_frame: float, swing: float) -> Outcome:
    """Return what is found of OH that jump among six directions and librate between."""
    directions = jumping(seed, crowd, per_frame, swing=swing)
    if crowd.triclinic:
        found = motion(molecules(crowd, of_directions(directions), seed=seed, stretch=0.03), 2)
    else:
        found = motion_of(directions, directions[:, :, None])
    x = np.random.default_rng(1).normal(scale=swing, size=(400_000, 2))
    tangent = np.sqrt((x**2).sum(1))
    cosine = 1.0 / np.sqrt(1.0 + tangent**2)
    orders = (float(cosine.mean()) ** 2, float((1.5 * cosine**2 - 0.5).mean()) ** 2)
    kept = 1.0 - 1.2 * per_frame
    truths = [(s * integrated_ps(kept) + 0.5 * (1 - s) * STEP_PS) * 1e-12 for s in orders]
    return {
        "C1": (found.correlation_times["C1"], truths[0]),
        "C2": (found.correlation_times["C2"], truths[1]),
        "C2 after libration": (found.after_libration["C2"], orders[1]),
        "step rate": (found.step_rate, per_frame / STEP_PS * 1e12),
        "libration": (
            found.libration,
            float(np.degrees(np.sqrt((np.arctan(tangent) ** 2).mean()))),
        ),
    }


def cone_case(seed: int) -> Outcome:
    """Return the plateaus of directions that wobble in cones, Lipari & Szabo's model."""
    crowd, half = Crowd(16, 1500), 0.6
    directions = in_cone(seed, crowd, half)
    found = motion_of(directions, directions[:, :, None])
    # Lipari & Szabo, J. Am. Chem. Soc. 104, 4546 (1982), doi:10.1021/ja00381a009, eq. A3
    second = (0.5 * np.cos(half) * (1 + np.cos(half))) ** 2
    first = (0.5 * (1 + np.cos(half))) ** 2
    return {
        "C1 plateau": (found.plateaus["C1"], float(first)),
        "C2 plateau": (found.plateaus["C2"], float(second)),
        "C1": (found.correlation_times["C1"], integrated_ps(0.8) * 1e-12),
    }


@dataclass(frozen=True)
class Wheel:
    """Rotors and hops near them, with a known coupling.

    Attributes
    ----------
    carriers, steps
        Rotors, and steps of time.
    rotations, hops
        Of each rotor per step of time; hops that nothing triggered.
    strength
        Hops that each rotation triggers.
    delay
        Mean time from rotation to triggered hop, steps of time.
    bursts
        Length of the bursts in which all rotations, and at other times all hops, come; 0 for
        none.
    """

    carriers: int = 12
    steps: int = 5000
    rotations: float = 0.01
    hops: float = 0.02
    strength: float = 0.0
    delay: float = 4.0
    bursts: float = 0.0


def _activity(generator: np.random.Generator, wheel: Wheel) -> Floats:
    """Return how active all carriers are at each step, mean one: always, or in bursts."""
    if not wheel.bursts:
        return np.ones(wheel.steps)
    turns = generator.random(wheel.steps) < 1.0 / wheel.bursts
    on = (np.cumsum(turns) + generator.integers(2)) % 2
    return np.asarray(2.0 * on)


def wheel_events(seed: int, wheel: Wheel) -> tuple[EventSeries, EventSeries]:
    """Return rotations and hops near the rotors; one step of time is 1 ps."""
    generator = np.random.default_rng(seed)
    shape = (wheel.steps, wheel.carriers)
    turned = generator.poisson(wheel.rotations * _activity(generator, wheel)[:, None], size=shape)
    hopped = generator.poisson(wheel.hops * _activity(generator, wheel)[:, None], size=shape)
    first = np.argwhere(turned > 0)
    caused = first[generator.random(len(first)) < wheel.strength]
    late = caused[:, 0] + generator.exponential(wheel.delay, len(caused)).astype(int)
    # Round the end, so that each rotation is worth the same.
    second = np.concatenate(
        [np.repeat(np.argwhere(hopped), hopped[hopped > 0], axis=0),
         np.column_stack([late % wheel.steps, caused[:, 1]])]
    )  # fmt: skip
    series = [
        EventSeries(part[:, 0].astype(float), part[:, 1].astype(np.int64))
        for part in (first, second)
    ]
    return series[0], series[1]


def wheel_found(seed: int, wheel: Wheel, *, window: int = 10, null: Shifts = "together") -> (
    Coincidence
):  # fmt: skip
    """Return the coincidences of made-up rotations and hops."""
    first, second = wheel_events(seed, wheel)
    settings = CoincidenceSettings(window_ps=window, shifts=399, null=null, seed=seed)
    return coincidence(first, second, (0.0, wheel.steps - 1.0), settings=settings, step_ps=1.0)


def wheel_case(seed: int, wheel: Wheel, window: int = 10) -> Outcome:
    """Return what is found of a known coupling."""
    found = wheel_found(seed, wheel, window=window)
    # A rotation is at most one a step.
    turns = 1.0 - np.exp(-wheel.rotations)
    rate = wheel.hops + wheel.strength * turns
    inside = wheel.strength * (1.0 - np.exp(-(window + 1) / wheel.delay))
    chance = (2 * window + 1) * rate
    covered = 1.0 - np.exp(-chance)
    return {
        "excess": (found.excess, float(inside)),
        "ratio": (found.ratio, float(1.0 + inside / chance)),
        "probability ratio": (
            found.probability_ratio,
            float((1.0 - (1.0 - inside) * np.exp(-chance)) / covered),
        ),
    }


def p_values(wheel: Wheel, runs: int, null: Shifts = "together") -> Floats:
    """Return the p-values of many runs."""
    return np.array([wheel_found(seed, wheel, null=null).p_value.value for seed in range(runs)])


def wheel_run(seed: int, crowd: Crowd, strength: float) -> tuple[Trajectory, EventSeries]:
    """Return OH that jump among six directions, and one Li beside each that hops to and fro.

    Each jump of an OH makes its Li hop with probability ``strength`` within five frames; others
    hop of themselves, as often as OH jump.
    """
    generator = np.random.default_rng(seed + 11)
    per_frame = 0.005
    directions = jumping(seed, crowd, per_frame, swing=0.15)
    ideal = SIX[np.argmax(directions @ SIX.T, axis=2)]
    turned = np.argwhere(np.abs(np.diff(ideal, axis=0)).sum(axis=2) > 0.5)
    caused = turned[generator.random(len(turned)) < strength]
    caused[:, 0] += 1 + generator.integers(0, 5, size=len(caused))
    own = np.argwhere(generator.random(directions.shape[:2]) < per_frame)
    hops = np.concatenate([caused[caused[:, 0] < crowd.frames], own])
    hops = hops[np.argsort(hops[:, 0], kind="stable")]
    oxide = molecules(crowd, of_directions(directions), seed=seed, stretch=0.03)
    flips = np.zeros(directions.shape[:2])
    np.add.at(flips, tuple(hops.T), 1.0)
    side = 2.0 * (np.cumsum(flips, axis=0) % 2) - 1.0
    block = oxide.read()
    place = np.zeros((*side.shape, 3))
    place[..., 0], place[..., 1] = 1.2 * side, 1.6
    lithium = block.positions[:, ::2] + place + generator.normal(scale=0.1, size=place.shape)
    run = Trajectory(
        (*oxide.species, *("Li",) * crowd.rotors),
        oxide.times,
        oxide.cells,
        np.concatenate([block.positions, lithium], axis=1),
    )
    ions = hops[:, 1] + 2 * crowd.rotors
    return run, EventSeries(run.times[hops[:, 0]], ions.astype(np.int64))


CASES: dict[str, Callable[[int], Outcome]] = {
    "diffusing": lambda s: diffusing_case(s, Crowd(12, 1200), 0.03),
    "turning as one": lambda s: diffusing_case(s, Crowd(6, 2000), 0.03, alike=True),
    "short run": lambda s: diffusing_case(s, Crowd(16, 500), 0.03),
    "jumping": lambda s: jumping_case(s, Crowd(12, 3000), 0.008, 0.15),
    "jumping, triclinic NPT": lambda s: jumping_case(
        s, Crowd(12, 3000, triclinic=True, breathing=0.03), 0.008, 0.15
    ),
    "three rotors": lambda s: jumping_case(s, Crowd(3, 6000), 0.008, 0.15),
    "cone": cone_case,
    "paddle wheel": lambda s: wheel_case(s, Wheel(strength=0.3)),
    "weak paddle wheel": lambda s: wheel_case(s, Wheel(strength=0.05)),
    "no paddle wheel": lambda s: wheel_case(s, Wheel()),
    "bursts without paddle wheel": lambda s: wheel_case(s, Wheel(bursts=100.0)),
    "rare hops": lambda s: wheel_case(s, Wheel(rotations=0.002, hops=0.002, strength=0.3)),
}


@dataclass(frozen=True)
class Coverage:
    """How often the intervals of one number held the truth.

    Attributes
    ----------
    name
        Case and number.
    held, answered, runs
        Intervals that held the truth, numbers that were given, and runs.
    bias, half_width
        Mean value over the truth less one; median half width over the truth.
    """

    name: str
    held: int
    answered: int
    runs: int
    bias: float
    half_width: float

    @property
    def share(self) -> float:
        return self.held / max(1, self.answered)


def coverage(
    case: str, runs: int = RUNS, cases: dict[str, Callable[[int], Outcome]] = CASES
) -> tuple[Coverage, ...]:
    """Return how often the intervals of one case hold the truth."""
    outcomes = [cases[case](seed) for seed in range(runs)]
    return tuple(_counted(f"{case}, {key}", [o[key] for o in outcomes]) for key in outcomes[0])


def _counted(name: str, pairs: list[tuple[Quantity, float]]) -> Coverage:
    told = [(q, t) for q, t in pairs if q.status != "refused" and np.isfinite(q.low)]
    held = sum(q.low <= t <= q.high for q, t in told)
    scale = [(q.value / t - 1.0, (q.high - q.low) / (2 * abs(t))) for q, t in told if t]
    bias, width = (
        (np.mean([b for b, _ in scale]), np.median([w for _, w in scale])) if scale else (0, 0)
    )
    return Coverage(name, held, len(told), len(pairs), float(bias), float(width))


SEEDS = {"jumping, triclinic NPT": 60}
"""Runs of the cases that search for molecules, which takes longer."""


def checks(runs: int = RUNS) -> tuple[Check, ...]:
    """Return one check for each number: the share of intervals that hold the truth."""
    return tuple(
        Check.within(
            f"95 % interval holds the truth: {one.name}",
            0.95,
            one.share,
            bounds=(LOW - 2.0 * np.sqrt(0.95 * 0.05 / max(one.answered, 1)), 1.0),
            command=f"python -m validation.rotation {runs}",
        )
        for name in CASES
        for one in coverage(name, min(runs, SEEDS.get(name, runs)))
    )


def uniform() -> tuple[Check, ...]:
    """Return the test of Kolmogorov and Smirnov that chance gives any p-value."""
    from scipy.stats import kstest

    return tuple(
        Check.within(
            f"p-values of no coupling are uniform, {name} (p-value of the test)",
            0.5,
            float(kstest(p_values(wheel, RUNS), "uniform").pvalue),
            bounds=(0.01, 1.0),
            command="",
        )
        for name, wheel in (("steady", Wheel()), ("in bursts", Wheel(bursts=100.0)))
    )


def main(arguments: list[str]) -> None:
    runs = int(arguments[0]) if arguments else RUNS
    for name in CASES:
        if arguments[1:] and not any(word in name for word in arguments[1:]):
            continue
        for one in coverage(name, runs):
            sys.stdout.write(
                f"{one.name:45} {one.share:.3f}  answered {one.answered}/{one.runs}  "
                f"half width {one.half_width:.3f}  bias {one.bias:+.3f}\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
