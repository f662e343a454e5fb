"""The arithmetic of the examination: known gaps give known figures, and verdicts follow."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from vitrolyte.data.trajectory import Trajectory
from vitrolyte.infer.distil.examination.crystal import Stiffness, barrier, hop, relaxed, stiffness
from vitrolyte.infer.distil.examination.figures import Evidence, error_figures
from vitrolyte.infer.distil.examination.motion import Course, overlap_figures, typical, wandering
from vitrolyte.infer.distil.gate import RoundRecord, errors, read_record, write_record
from vitrolyte.infer.distil.trials import FRAME_PS
from vitrolyte.potentials.card import TrustCard, read_card, write_card
from vitrolyte.potentials.teacher import Example, Label, Snapshot

CELL = np.array([[4.0, 0.0, 0.0], [1.0, 5.0, 0.0], [0.0, -1.0, 6.0]])


def example(volume_scale: float = 1.0) -> Example:
    generator = np.random.default_rng(1)
    snapshot = Snapshot(
        ("Li", "O", "Cl", "Li"), generator.uniform(size=(4, 3)), CELL * volume_scale
    )
    label = Label(-10.0, generator.normal(size=(4, 3)), 0.01 * np.eye(3))
    return Example(snapshot, label, "melt")


def biased(one: Label) -> Label:
    """Miss by 0.3 eV/Å on the oxygen, by 8 meV in all, and by 1 GPa of pressure."""
    off = np.zeros((4, 3))
    off[1, 2] = 0.3
    # 160.2176634 GPa to the eV/Å³; pressure is minus a third of the trace of the stress
    squeeze = -np.eye(3) / 160.2176634
    return Label(one.energy + 0.008, one.forces + off, one.stress + squeeze)


def test_known_gaps_give_known_figures():
    examples = [example(), example()]
    said = [biased(one.label) for one in examples]
    found = error_figures(examples, said, ("Li", "O", "Cl"), "melt")
    figures = {(f.quantity, f.of): f for f in found}
    assert figures["force_rmse", "melt"].value == pytest.approx(0.3 / np.sqrt(12))
    assert figures["force_mae", "melt"].value == pytest.approx(0.3 / 12)
    assert figures["force_rmse", "melt, O"].value == pytest.approx(0.3 / np.sqrt(3))
    assert figures["force_rmse", "melt, Li"].value == 0.0
    assert figures["energy_rmse", "melt"].value == pytest.approx(0.002)
    assert figures["energy_scatter", "melt"].value == pytest.approx(0.0, abs=1e-12)
    assert figures["pressure_bias", "melt"].value == pytest.approx(1.0)
    assert figures["pressure_bias", "melt"].passed is False
    assert figures["force_rmse", "melt"].passed is True


def test_on_the_teachers_own_run_energies_are_judged_by_their_scatter():
    examples = [example(), example()]
    said = [biased(one.label) for one in examples]
    found = error_figures(examples, said, ("Li", "O", "Cl"), "melt", own=True)
    limits = {f.quantity: f.limit for f in found if f.quantity.startswith("energy")}
    assert limits == {"energy_rmse": None, "energy_bias": None, "energy_scatter": 0.005}


def test_errors_of_a_round_and_its_record(tmp_path):
    truth = [example().label]
    force, energy, pressure, bias = errors(truth, [biased(truth[0])])
    assert force == pytest.approx(0.3 / np.sqrt(12))
    assert energy == pytest.approx(0.002)
    assert (pressure, bias) == pytest.approx((1.0, 1.0))
    assert all(np.isnan(errors([], [])))
    record = RoundRecord(2, 40, (1.0,), (True,), force, energy, pressure, bias, ("Li-O",))
    write_record(record, tmp_path / "book")
    assert read_record(tmp_path / "book", 2) == record
    assert read_record(tmp_path / "book", 1) is None
    assert not record.passed
    assert replace(record, attractive=(), pressure_bias_GPa=0.05).passed
    assert not replace(record, attractive=(), pressure_bias_GPa=0.05, survived=(False,)).passed


def test_an_undecided_figure_is_never_a_pass(tmp_path):
    good = Evidence(3, "measured").below(1.0, "x", "", 0.5, "1")
    open_one = Evidence(3, "measured", (0.1, 3.0), "too short").below(1.0, "y", "", 0.5, "1")
    bad = Evidence(3, "measured").above(1.0, "z", "", 0.5, "1")
    verdicts = []
    for figures in ((good,), (good, open_one), (good, open_one, bad)):
        card = TrustCard("s", "t", 1, figures, ())
        write_card(card, tmp_path / "card.json")
        assert read_card(tmp_path / "card.json") == card
        verdicts.append((card.verdict, card.trusted))
    assert verdicts == [("passed", True), ("undecided", False), ("failed", False)]


def test_the_typical_frame_has_the_mean_volume():
    frames = [example(scale).snapshot for scale in (0.9, 1.0, 1.1)]
    assert typical(frames) is frames[1]


def test_a_random_walk_wanders_with_its_diffusivity():
    # mean square displacement 6 D t of a walk with steps of variance 2 D dt per axis
    generator, true = np.random.default_rng(2), 0.5
    steps = generator.normal(scale=np.sqrt(2 * true * FRAME_PS), size=(401, 300, 3))
    walk = np.cumsum(steps, axis=0)
    cells = np.repeat(50 * np.eye(3)[None], 401, axis=0)
    run = Trajectory(("Li",) * 300, FRAME_PS * np.arange(401), cells, walk)
    assert wandering(run, "Li", 100) == pytest.approx(true, rel=0.06)


def springs(cells):
    """Answer for a crystal of springs of 1 eV/Å² to neighbours at rest 2 Å apart, simple cubic."""
    labels = []
    for cell in cells:
        lengths = cell.cell / 2.0
        strain = lengths - np.eye(3)
        stress = 0.1 * (strain + strain.T) + 0.05 * np.trace(strain) * np.eye(3)
        labels.append(Label(0.0, np.zeros_like(cell.positions), stress))
    return labels


def test_elastic_constants_of_an_isotropic_medium():
    # Lame's medium: sigma = 2 mu e + lambda tr(e), C11 = lambda + 2 mu, C12 = lambda, C44 = mu
    found = stiffness(Snapshot(("Li",), np.zeros((1, 3)), 2.0 * np.eye(3)), springs)
    unit = 160.2176634
    assert found.cubic == pytest.approx({"C11": 0.25 * unit, "C12": 0.05 * unit, "C44": 0.1 * unit})
    assert found.bulk == pytest.approx((0.05 + 2 / 3 * 0.1) * unit)
    assert found.shear == pytest.approx(0.1 * unit)
    assert Stiffness(found.constants).bulk == found.bulk


def washboard(cells):
    """Answer for one ion in ``E = 0.3 sin²(pi x / 3) + y² + z²``; the others do not matter."""
    labels = []
    for cell in cells:
        x, y, z = cell.positions[0]
        forces = np.zeros_like(cell.positions)
        forces[0] = [-0.3 * np.pi / 3 * np.sin(2 * np.pi * x / 3), -2 * y, -2 * z]
        energy = 0.3 * np.sin(np.pi * x / 3) ** 2 + y**2 + z**2
        labels.append(Label(energy, forces, np.zeros((3, 3))))
    return labels


def test_the_barrier_of_a_washboard_is_its_height():
    ions = np.array([[0.0, 0.0, 0.0], [3.0, 0.0, 0.0], [4.5, 4.0, 4.0]])
    parent = Snapshot(("Li", "Li", "Cl"), ions, 9.0 * np.eye(3))
    before, after = hop(parent, "Li")
    assert before.species == after.species == ("Li", "Cl")
    assert np.abs(after.positions - before.positions).max() == pytest.approx(3.0)
    assert barrier(parent, "Li", washboard, images=3) == pytest.approx(0.3, abs=1e-3)


def test_relaxation_ends_in_the_minimum():
    start = Snapshot(("Li", "Cl"), np.array([[0.4, 0.3, -0.2], [4.0, 4, 4]]), 9.0 * np.eye(3))
    (end,) = relaxed([start], washboard, cell=False)
    np.testing.assert_allclose(end.positions[0], 0.0, atol=0.05)


def test_a_cell_comes_to_rest_though_it_has_many_atoms():
    ions = 2.02 * np.random.default_rng(4).uniform(size=(5, 3))
    (end,) = relaxed([Snapshot(("Li",) * 5, ions, 2.02 * np.eye(3))], springs, cell=True)
    # 0.02 GPa over three times the bulk modulus of 18.7 GPa
    np.testing.assert_allclose(end.cell, 2.0 * np.eye(3), atol=2.0 * 0.02 / (3 * 18.7))


def course(edge: float, frames: int) -> Course:
    """Two ions at rest, half an edge apart, for so many frames."""
    positions = np.tile([[0.0, 0.0, 0.0], [edge / 2, 0.0, 0.0]], (frames, 1, 1))
    cells = np.tile(edge * np.eye(3), (frames, 1, 1))
    run = Trajectory(("Li", "Cl"), FRAME_PS * np.arange(frames), cells, positions)
    return Course(run, np.full(frames, 300.0))


@pytest.mark.parametrize("frames", [2, 4, 30])
def test_a_student_of_another_structure_fails_however_short_its_run(frames):
    exam = SimpleNamespace(fit=SimpleNamespace(student=SimpleNamespace(elements=("Li", "Cl"))))
    figures = overlap_figures(exam, course(5.0, 4), course(6.3, frames), "melt")
    (figure,) = [one for one in figures if one.of == "melt, Li-Cl, teacher's own run"]
    assert figure.value < 0.97
    # thirty frames make pieces enough to know what chance does; a run with fewer has no say
    assert figure.passed is (False if frames == 30 else None)
