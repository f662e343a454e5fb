"""Every student keeps the laws of a potential, and the fit finds a known one."""

import numpy as np
import pytest

from vitrolyte.infer.distil.config import CrystalSettings, PodSettings, Site
from vitrolyte.infer.distil.cores import Core, Cores, cores_below
from vitrolyte.infer.distil.evaluate import student_labels
from vitrolyte.infer.distil.geometry import shortest_distances
from vitrolyte.infer.distil.pod import fit_student, pair_commands
from vitrolyte.infer.distil.seeds import crystal, rattled, scaled, strained
from vitrolyte.potentials import shelf
from vitrolyte.potentials.potential import LammpsPair
from vitrolyte.potentials.teacher import Example, Label, Snapshot

CUBE = CrystalSettings(
    name="Li3OCl",
    spacegroup=221,
    a_A=3.9,
    sites=(
        Site(element="O", at=(0, 0, 0)),
        Site(element="Cl", at=(0.5, 0.5, 0.5)),
        Site(element="Li", at=(0.5, 0, 0)),
    ),
    repeat=(2, 2, 2),
)


@pytest.fixture(params=shelf.available())
def student(request):
    return shelf.load(request.param)


def skewed(seed: int) -> Snapshot:
    generator = np.random.default_rng(seed)
    return rattled(strained(crystal(CUBE), 0.1, generator=generator), 0.4, generator=generator)


def test_forces_are_minus_the_gradient(student, tmp_path):
    snapshot, step = skewed(1), 1e-3
    cases, moves = [snapshot], [(0, 0), (9, 1), (30, 2)]
    for atom, axis in moves:
        for sign in (1, -1):
            moved = snapshot.positions.copy()
            moved[atom, axis] += sign * step
            cases.append(Snapshot(snapshot.species, moved, snapshot.cell))
    first, *rest = student_labels(student.lammps, cases, elements=student.elements, folder=tmp_path)
    for number, (atom, axis) in enumerate(moves):
        slope = (rest[2 * number].energy - rest[2 * number + 1].energy) / (2 * step)
        assert -slope == pytest.approx(first.forces[atom, axis], abs=2e-3)


def test_stress_is_the_strain_derivative(student, tmp_path):
    snapshot, step = skewed(2), 1e-4
    cases, parts = [snapshot], [(0, 0), (1, 2)]
    for i, j in parts:
        for sign in (1, -1):
            strain = np.eye(3)
            strain[i, j] += 0.5 * sign * step
            strain[j, i] += 0.5 * sign * step
            cases.append(
                Snapshot(snapshot.species, snapshot.positions @ strain, snapshot.cell @ strain)
            )
    first, *rest = student_labels(student.lammps, cases, elements=student.elements, folder=tmp_path)
    for number, (i, j) in enumerate(parts):
        slope = (rest[2 * number].energy - rest[2 * number + 1].energy) / (2 * step)
        assert slope / snapshot.volume == pytest.approx(first.stress[i, j], abs=1e-4)


def test_energy_is_the_same_after_a_rotation_and_a_new_choice_of_cell(student, tmp_path):
    snapshot = skewed(3)
    turn, _ = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    turned = Snapshot(snapshot.species, snapshot.positions @ turn, snapshot.cell @ turn)
    first, second = student_labels(
        student.lammps, [snapshot, turned], elements=student.elements, folder=tmp_path
    )
    assert second.energy == pytest.approx(first.energy, abs=1e-6)
    np.testing.assert_allclose(second.forces, first.forces @ turn, atol=1e-6)
    np.testing.assert_allclose(second.stress, turn.T @ first.stress @ turn, atol=1e-6)


def test_energy_grows_with_the_cell(student, tmp_path):
    small = skewed(4)
    doubled = Snapshot(
        small.species * 2,
        np.concatenate([small.positions, small.positions + small.cell[0]]),
        small.cell * np.array([[2.0], [1.0], [1.0]]),
    )
    first, second = student_labels(
        student.lammps, [small, doubled], elements=student.elements, folder=tmp_path
    )
    assert second.energy == pytest.approx(2 * first.energy, abs=1e-6)


def test_our_cores_are_those_of_lammps(tmp_path):
    elements = ("Li", "O", "Cl")
    snapshot = scaled(skewed(6), 0.65)
    cores = cores_below(shortest_distances([crystal(CUBE)], elements), 0.9)
    styles, _, *lines = pair_commands(elements, cores)
    pair = LammpsPair("metal", "atomic", (), (styles.replace(" pod", ""), *lines))
    theirs = student_labels(pair, [snapshot], elements=elements, folder=tmp_path)[0]
    ours = cores.label(snapshot)
    assert ours.energy == pytest.approx(theirs.energy, rel=1e-6)
    np.testing.assert_allclose(ours.forces, theirs.forces, atol=1e-4)
    np.testing.assert_allclose(ours.stress, theirs.stress, atol=1e-6)


def test_the_fit_finds_a_teacher_that_it_can_express_and_is_made_once(tmp_path):
    elements = ("Li", "O", "Cl")
    wide = Cores(
        {
            "-".join(pair): Core((3, 3), 1.0, 4.0)
            for pair in (
                ("Li", "Li"),
                ("Li", "O"),
                ("Li", "Cl"),
                ("O", "O"),
                ("O", "Cl"),
                ("Cl", "Cl"),
            )
        }
    )

    def example(seed: int) -> Example:
        snapshot = skewed(seed)
        label = wide.label(snapshot)
        shift = Label(label.energy - 4.0 * len(snapshot.species), label.forces, label.stress)
        return Example(snapshot, shift, "crystal")

    tiny = cores_below(dict.fromkeys(wide.pairs, 1.0), 0.9)
    settings = PodSettings(
        two_body=8,
        three_body=2,
        three_body_angular=1,
        four_body=0,
        four_body_angular=0,
        cutoff_A=4.5,
    )
    examples = [example(seed) for seed in range(20)]
    student = fit_student(
        examples,
        elements,
        settings=settings,
        cores=tiny,
        folder=tmp_path / "fit",
    )
    made = student.coefficients.stat().st_mtime_ns
    fit_student(examples, elements, settings=settings, cores=tiny, folder=tmp_path / "fit")
    assert student.coefficients.stat().st_mtime_ns == made
    fresh = [example(seed) for seed in range(100, 104)]
    said = student_labels(
        student.pair(),
        [one.snapshot for one in fresh],
        elements=elements,
        folder=tmp_path / "points",
    )
    gaps = np.concatenate([s.forces - e.label.forces for s, e in zip(said, fresh)])
    forces = np.concatenate([e.label.forces for e in fresh])
    # a smooth pair potential is within the basis: what is left is below 2 % of the forces
    assert np.sqrt((gaps**2).mean()) < 0.02 * np.sqrt((forces**2).mean())
