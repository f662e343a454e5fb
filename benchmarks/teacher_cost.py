"""What teachers and a student cost on the same melt, per atom and step."""

from __future__ import annotations

import atexit
from dataclasses import replace
from functools import partial

import numpy as np

from benchmarks.race import Contestant, Race, Shot, Work, timed, workspace
from vitrolyte.data.errors import MissingExtra
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.matter.prototypes import crystal
from vitrolyte.matter.supercell import supercell
from vitrolyte.potentials.shelf import find
from vitrolyte.potentials.teacher import Snapshot, Teacher, processors
from vitrolyte.potentials.teacher_catalogue import installed, teacher_named, with_threads
from vitrolyte.simulate.lammps import run
from vitrolyte.simulate.order import Launch, Order, Run
from vitrolyte.simulate.schedule import Segment

TEACHERS = {"7net-0": "sevenn", "7net-l3i5": "sevenn", "chgnet": "chgnet"}
_MICRO = 1e-6
_TEMPERATURE_K = 1500.0
_STEP_A = 0.02


def races(*, tiny: bool) -> tuple[Race, ...]:
    """Return the race on one processor, and on all of them where there are more."""
    repeat, melting_ps, rounds = (2, 0.02, 1) if tiny else (5, 10.0, 2)
    threads = (1,) if tiny or processors() == 1 else (1, processors())
    liquid = _melt(repeat, melting_ps)
    return tuple(_race(liquid, tiny=tiny, threads=each, rounds=rounds) for each in threads)


def _race(liquid: Trajectory, *, tiny: bool, threads: int, rounds: int) -> Race:
    labels, steps = (1, 10) if tiny else (3, 2000)
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


def _segment(duration_ps: float) -> Segment:
    step_fs = find(("Li", "O", "Cl")).timestep_fs
    return Segment(
        "melt",
        "nvt",
        duration_ps,
        _TEMPERATURE_K,
        step_fs,
        frame_every_ps=min(0.1, duration_ps),
        velocities=True,
    )


def _run(start: Trajectory, duration_ps: float, threads: int) -> Run:
    potential = find(("Li", "O", "Cl"))
    order = Order(start, potential, _segment(duration_ps), 1, workspace() / "run")
    return run(order, Launch(processes=threads))


def _melt(repeat: int, duration_ps: float) -> Trajectory:
    unit = crystal("Li3OCl", "antiperovskite", lattice_parameter_A=4.05)
    return _run(supercell(unit, (repeat,) * 3), duration_ps, 1).final


def _per_step(work: Work, steps: int) -> Work:
    def measured() -> Shot:
        shot = work()
        return Shot(shot.value / steps, shot.answer)

    return measured


def _student(liquid: Trajectory, steps: int, threads: int) -> Work:
    duration = steps * _segment(1.0).timestep_ps

    def work() -> float:
        done = _run(liquid, duration, threads)
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
