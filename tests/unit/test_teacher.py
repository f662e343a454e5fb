"""The pipe to a teacher, with ASE's own calculators as teachers."""

import sys
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.lj import LennardJones

from vitrolyte.data.errors import EngineError, InputError
from vitrolyte.potentials.teacher import (
    Label,
    Snapshot,
    Teacher,
    TeacherRun,
    TeacherSpec,
    is_sane,
)

ARGUMENTS = {"sigma": 2.5, "epsilon": 0.05, "rc": 6.0}


def spec(**changes) -> TeacherSpec:
    values = {
        "name": "lennard-jones",
        "calculator": "ase.calculators.lj:LennardJones",
        "arguments": ARGUMENTS,
        "python": Path(sys.executable),
        "threads": 0,
        "citation": "",
    }
    return TeacherSpec(**(values | changes))


@pytest.fixture
def argon() -> Snapshot:
    cell = np.array([[6.0, 0, 0], [1.0, 6.0, 0], [0.5, -0.7, 6.5]])
    grid = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)]) / 2
    shaken = grid @ cell + np.random.default_rng(2).normal(scale=0.1, size=(8, 3))
    return Snapshot(("Ar",) * 8, shaken, cell)


def test_a_label_is_what_the_calculator_says(argon):
    atoms = Atoms("Ar8", positions=argon.positions, cell=argon.cell, pbc=True)
    atoms.calc = LennardJones(**ARGUMENTS)
    with Teacher(spec()) as teacher:
        label = teacher.label(argon)
    assert label.energy == pytest.approx(atoms.get_potential_energy(), abs=1e-12)
    np.testing.assert_allclose(label.forces, atoms.get_forces(), atol=1e-12)
    np.testing.assert_allclose(label.stress, atoms.get_stress(voigt=False), atol=1e-12)


def test_a_run_keeps_every_nth_frame_with_its_label(argon):
    run = TeacherRun(temperature_K=50.0, steps=8, every=2, seed=1)
    with Teacher(spec()) as teacher:
        frames = teacher.run(argon, run, phase="melt")
        again = teacher.label(frames[-1].snapshot)
    assert len(frames) == 5
    assert frames[-1].label.energy == pytest.approx(again.energy, abs=1e-10)
    assert not np.allclose(frames[-1].snapshot.positions, argon.positions)


def test_constant_pressure_moves_the_cell(argon):
    run = TeacherRun(temperature_K=50.0, steps=3, every=3, seed=1, pressure_GPa=0.1)
    with Teacher(spec()) as teacher:
        frames = teacher.run(argon, run)
    assert frames[-1].snapshot.volume != pytest.approx(argon.volume, rel=1e-6)


def test_relaxing_brings_the_forces_down(argon):
    with Teacher(spec()) as teacher:
        relaxed = teacher.relax(argon, cell_too=False)
    assert np.linalg.norm(relaxed.label.forces, axis=1).max() <= 0.01


def test_a_refusal_names_the_reason_and_the_teacher_lives_on(argon):
    with Teacher(spec(calculator="ase.calculators.emt:EMT", arguments={})) as teacher:
        with pytest.raises(EngineError, match="Lu"):
            teacher.label(Snapshot(("Lu",), np.zeros((1, 3)), 5 * np.eye(3)))
        copper = Snapshot(("Cu",), np.zeros((1, 3)), 3 * np.eye(3))
        assert np.isfinite(teacher.label(copper).energy)


def test_a_calculator_that_is_not_there_is_an_error():
    with (
        pytest.raises(EngineError, match="no_such_module"),
        Teacher(spec(calculator="no_such_module:Nothing")),
    ):
        pass


def test_an_interpreter_that_is_not_there_is_bad_input():
    with (
        pytest.raises(InputError, match="--teacher-python"),
        Teacher(spec(python=Path("/no/such/python"))),
    ):
        pass


def test_a_dying_teacher_is_noticed(argon):
    with (
        pytest.raises(EngineError, match="ended"),
        Teacher(spec(calculator="os:_exit", arguments={"status": 3})) as teacher,
    ):
        teacher.label(argon)


@pytest.mark.parametrize(
    ("energy", "force", "sane"), [(1.0, 59.0, True), (1.0, 61.0, False), (np.nan, 1.0, False)]
)
def test_nonsense_is_told_from_a_label(energy, force, sane):
    forces = np.array([[force, 0.0, 0.0], [0.0, 0.0, 0.0]])
    assert is_sane(Label(energy, forces, np.zeros((3, 3))), 60.0) is sane
