"""Two ionic systems with labels, on which students with and without charges are tried."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.chunks import open_trajectory
from vitrolyte.data.trajectory import structure
from vitrolyte.infer.distil.bench import Bench
from vitrolyte.infer.distil.collect import first_examples
from vitrolyte.infer.distil.config import read_settings
from vitrolyte.infer.distil.defaults import completed
from vitrolyte.infer.distil.seeds import (
    Seed,
    distorted,
    packing,
    snapshot_of,
    unit_cell,
)
from vitrolyte.infer.distil.trials import snapshots
from vitrolyte.potentials import shelf
from vitrolyte.potentials.teacher import Example, Label, Snapshot, Teacher, TeacherRun
from vitrolyte.simulate import lammps
from vitrolyte.simulate.order import Limits, Order
from vitrolyte.simulate.schedule import Segment

SALT = Path(__file__).with_name("na-cl.toml")
FRESH_SEED = 99
"""Distorted crystals of this seed are never in a training set."""

HELD_OUT_EVERY = 6
SALT_ATOMS = 64
SALT_VOLUME_A3 = 31.0
"""Per atom of molten NaCl near 1150 K, from 1.56 g/cm³: G. J. Janz, J. Phys. Chem. Ref. Data 17,
suppl. 2 (1988)."""

SALT_K = 1200.0
LABELLED = 20
ANIONS = ("O", "S", "F", "Cl", "Br", "I", "N")
SETTLING_STEPS, KEPT_STEPS, EVERY = 150, 600, 10


@dataclass(frozen=True)
class Melt:
    """A melt as the teacher itself runs it: temperature, frames, and labels of some of them."""

    temperature_K: float
    frames: tuple[Snapshot, ...]
    labelled: tuple[Example, ...]


@dataclass(frozen=True)
class IonicSystem:
    """What students of one chemistry are fitted to and compared on.

    Attributes
    ----------
    bench
        Settings, descriptors, label cache and teacher.
    training
        Examples, the same for every student.
    crystal
        Labelled distorted crystals that no student was fitted to.
    melt
        The teacher's own melt, likewise.
    pairs
        Cation and anions whose pairing is compared.
    primitive, lines
        Primitive cell of the parent crystal, and the supercells whose wave vectors are compared;
        the first is a long thin one.
    """

    bench: Bench
    training: tuple[Example, ...]
    crystal: tuple[Example, ...]
    melt: Melt
    pairs: tuple[str, tuple[str, ...]]
    primitive: Snapshot
    lines: tuple[tuple[int, int, int], ...]

    @property
    def unit(self) -> Snapshot:
        """Conventional cell of the parent crystal."""
        return unit_cell(self.bench.settings.crystals[0])

    def teacher_says(self, cells: Sequence[Snapshot]) -> list[Label]:
        """Let the teacher label cells, each once for all."""
        seeds = [Seed(cell, "crystal") for cell in cells]
        return [one.label for one in self.bench.label(seeds, "crystals at rest")]


def salt(folder: Path, teacher_python: Path, tell: Callable[[str], None]) -> IonicSystem:
    """Label NaCl with 7net-0: the seeds of a distillation, fresh crystals, and an own melt."""
    bench = Bench(completed(read_settings(SALT)), folder, teacher_python, 1, tell)
    training = first_examples(bench)
    generator = np.random.default_rng(FRESH_SEED)
    fresh = [
        seed
        for seed in distorted(bench.settings.crystals[0], generator)[1:]
        if seed.phase == "crystal"
    ]
    crystal = bench.ledger.once("fresh", lambda: bench.label(fresh, "fresh crystals"))
    own = bench.ledger.once("own-melt", lambda: _own_melt(bench))
    melt = Melt(SALT_K, tuple(one.snapshot for one in own), tuple(own[::3]))
    unit = unit_cell(bench.settings.crystals[0])
    half = 0.5 * unit.cell[0, 0]
    cell = half * (np.ones((3, 3)) - np.eye(3))
    primitive = Snapshot(("Na", "Cl"), np.array([[0.0, 0, 0], [half, half, half]]), cell)
    lines = ((8, 1, 1), (4, 4, 1))
    pairs = ("Na", ("Cl",))
    return IonicSystem(bench, tuple(training), tuple(crystal), melt, pairs, primitive, lines)


def finished(
    config: Path, folder: Path, teacher_python: Path, tell: Callable[[str], None]
) -> IonicSystem:
    """Take the labels of a finished distillation and its teacher's own melt.

    Every sixth example is held out of all fits; those of them in crystals are compared.
    """
    bench = Bench(completed(read_settings(config)), folder, teacher_python, 1, tell)
    stages = ["crystals", "melts", "breathed", "contacts"]
    stages += sorted(path.stem for path in (bench.place / "stages").glob("round-*.json"))
    examples = [one for stage in stages for one in bench.ledger.once(stage, list)]
    training = [one for k, one in enumerate(examples) if k % HELD_OUT_EVERY]
    crystal = [one for one in examples[::HELD_OUT_EVERY] if "crystal" in one.phase]
    settings = bench.settings
    anions = tuple(e for e in settings.elements if e in ANIONS)
    pairs = (settings.mobile, anions)
    unit = unit_cell(settings.crystals[0])
    melt = _examined_melt(bench)
    lines = ((8, 1, 1), (2, 2, 1))
    return IonicSystem(bench, tuple(training), tuple(crystal), melt, pairs, unit, lines)


def _examined_melt(bench: Bench) -> Melt:
    """Read the teacher's own melt from the last examination that has one."""
    runs = sorted(bench.place.glob("exam-*/teacher-melt*/trajectory.zarr"))
    if not runs:
        raise InputError(
            "A distillation whose examination has run the teacher's own melt",
            received=str(bench.place),
        )
    frames = snapshots(open_trajectory(runs[-1]))
    frames = frames[len(frames) // 5 :]
    places = np.linspace(0, len(frames) - 1, LABELLED).round().astype(int)
    seeds = [Seed(frames[place], "melt") for place in places]
    labelled = bench.ledger.once("own-melt", lambda: bench.label(seeds, "the teacher's melt"))
    return Melt(bench.settings.melting_K, tuple(frames), tuple(labelled))


def _own_melt(bench: Bench) -> list[Example]:
    """Run the teacher from a melt that a classical potential has brought to equilibrium."""
    start = _classical_melt(bench)
    run = TeacherRun(SALT_K, SETTLING_STEPS + KEPT_STEPS, EVERY, FRESH_SEED, timestep_fs=2.0)
    with Teacher(bench.labeller) as teacher:
        frames = teacher.run(start, run)[SETTLING_STEPS // EVERY :]
    for frame in frames:
        bench.cache.write(frame.snapshot, frame.label)
    return frames


def _classical_melt(bench: Bench) -> Snapshot:
    potential = shelf.load("nacl-tosi-fumi")
    first = packing("NaCl", SALT_ATOMS, SALT_VOLUME_A3, seed=FRESH_SEED)
    start = structure(first.species, first.positions, first.cell)
    segment = Segment("melt", "nvt", 20.0, SALT_K, potential.timestep_fs, velocities=True)
    loose = Limits(temperature_ratio=(0.1, 20.0))
    done = lammps.run(Order(start, potential, segment, 1, bench.place / "classical", loose))
    return snapshot_of(done.final)
