"""What teachers and a student cost on the same melt, per atom and step."""

from __future__ import annotations

import atexit
from dataclasses import replace
from functools import partial

import numpy as np

from benchmarks.melt import melt, segment, student_run
from benchmarks.race import Contestant, Race, Shot, Work, timed
from vitrolyte.data.errors import MissingExtra
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.potentials.shelf import find
from vitrolyte.potentials.teacher import Snapshot, Teacher, processors
from vitrolyte.potentials.teacher_catalogue import installed, teacher_named, with_threads

TEACHERS = {"7net-0": "sevenn", "7net-l3i5": "sevenn", "chgnet": "chgnet"}
_MICRO = 1e-6
_STEP_A = 0.02


def races(*, tiny: bool) -> tuple[Race, ...]:
    """Return the race on one processor, and on all of them where there are more."""
    rounds = 1 if tiny else 2
    threads = (1,) if tiny or processors() == 1 else (1, processors())
    liquid = melt((2, 2, 2), 0.02) if tiny else melt((5, 5, 4), 1.0)
    return tuple(_race(liquid, tiny=tiny, threads=each, rounds=rounds) for each in threads)


def _race(liquid: Trajectory, *, tiny: bool, threads: int, rounds: int) -> Race:
    labels, steps = (1, 10) if tiny else (1, 500)
    teachers = tuple(
        Contestant(f"{name} behind its pipe", partial(_labels, name, liquid, labels, threads), pack)
        for name, pack in TEACHERS.items()
    )
    student = find(("Li", "O", "Cl"))
    ours = Contestant(f"student {student.name}", partial(_student, liquid, steps, threads))
    return Race(
        job=f"Energy, forces and stress of a Li3OCl melt of {liquid.n_atoms} atoms, "
        f"{threads} processor{'s' if threads > 1 else ''}; student in NVT with all that a study "
        "does, teachers without their start",
        unit="µs per atom and step",
        answer="potential energy, eV/atom (each on its own scale)",
        contestants=(ours, *teachers),
        rounds=rounds,
        per=liquid.n_atoms * _MICRO,
    )


def _per_step(work: Work, steps: int) -> Work:
    def measured() -> Shot:
        shot = work()
        return Shot(shot.value / steps, shot.answer)

    return measured


def _student(liquid: Trajectory, steps: int, threads: int) -> Work:
    duration = steps * segment(1.0).timestep_ps

    def work() -> float:
        done = student_run(liquid, duration, processes=threads)
        return float(done.thermo.potential_energy[-1]) / liquid.n_atoms

    return _per_step(timed(work), steps)


def _labels(name: str, liquid: Trajectory, labels: int, threads: int) -> Work:
    spec = with_threads(teacher_named(name), threads)
    state = installed(spec)
    if not state.ok:
        raise MissingExtra(f"{name} must be installed", remedy=state.remedy)
    teacher = Teacher(spec)
    teacher.__enter__()
    atexit.register(teacher.__exit__, None, None, None)
    frame = liquid.read()
    melt = Snapshot(liquid.species, frame.positions[0], frame.cells[0])
    generator = np.random.default_rng(1)

    def moved() -> Snapshot:
        # a calculator does not evaluate the same structure twice
        shift = generator.normal(scale=_STEP_A, size=melt.positions.shape)
        return replace(melt, positions=melt.positions + shift)

    def work() -> float:
        found = [teacher.label(moved()).energy for _ in range(labels)]
        return float(np.mean(found)) / liquid.n_atoms

    return _per_step(timed(work), labels)
