"""The arithmetic of the examination: known gaps give known figures."""

from pathlib import Path

import numpy as np
import pytest

from vitrolyte.infer.distil import trust
from vitrolyte.infer.distil.collect import Bench
from vitrolyte.infer.distil.config import read_settings
from vitrolyte.infer.distil.cores import Cores
from vitrolyte.infer.distil.pod import Student
from vitrolyte.infer.distil.rounds import Fit, errors
from vitrolyte.potentials.teacher import Example, Label, Snapshot

CONFIG = Path(__file__).parents[2] / "distil" / "li-o-cl.toml"
CELL = np.array([[4.0, 0.0, 0.0], [1.0, 5.0, 0.0], [0.0, -1.0, 6.0]])


def example(volume_scale: float = 1.0) -> Example:
    generator = np.random.default_rng(1)
    snapshot = Snapshot(
        ("Li", "O", "Cl", "Li"), generator.uniform(size=(4, 3)), CELL * volume_scale
    )
    label = Label(-10.0, generator.normal(size=(4, 3)), 0.01 * np.eye(3))
    return Example(snapshot, label, "melt")


@pytest.fixture
def exam(tmp_path) -> trust.Exam:
    settings = read_settings(CONFIG)
    student = Student(settings.elements, Cores({}), tmp_path / "p", tmp_path / "c")
    bench = Bench(settings, tmp_path, Path("python"), 1)
    return trust.Exam(Fit(student, (), {}), bench)


def biased(one: Label) -> Label:
    """Miss by 0.3 eV/Å on the oxygen, by 8 meV in all, and by 1 GPa of pressure."""
    off = np.zeros((4, 3))
    off[1, 2] = 0.3
    # 160.2176634 GPa to the eV/Å³; pressure is minus a third of the trace of the stress
    squeeze = -np.eye(3) / 160.2176634
    return Label(one.energy + 0.008, one.forces + off, one.stress + squeeze)


def test_known_gaps_give_known_figures(exam, monkeypatch):
    examples = [example(), example()]
    said = [biased(one.label) for one in examples]
    monkeypatch.setattr(trust.Exam, "said", lambda self, snapshots: said)
    figures = {(f.quantity, f.of): f for f in trust._error_figures(exam, examples, "melt")}
    assert figures["force_rmse", "melt"].value == pytest.approx(0.3 / np.sqrt(12))
    assert figures["force_mae", "melt"].value == pytest.approx(0.3 / 12)
    assert figures["force_rmse", "melt, O"].value == pytest.approx(0.3 / np.sqrt(3))
    assert figures["force_rmse", "melt, Li"].value == 0.0
    assert figures["energy_rmse", "melt"].value == pytest.approx(0.002)
    assert figures["energy_bias", "melt"].value == pytest.approx(0.002)
    assert figures["energy_scatter", "melt"].value == pytest.approx(0.0, abs=1e-12)
    assert figures["pressure_bias", "melt"].value == pytest.approx(1.0)
    assert figures["pressure_bias", "melt"].passed is False
    assert figures["force_rmse", "melt"].passed is True
    assert all(figure.frames == 2 for figure in figures.values())


def test_the_errors_of_a_round_are_root_mean_squares():
    truth = [example().label]
    force, energy, pressure = errors(truth, [biased(truth[0])])
    assert force == pytest.approx(0.3 / np.sqrt(12))
    assert energy == pytest.approx(0.002)
    assert pressure == pytest.approx(1.0)


def test_no_frames_no_errors():
    assert all(np.isnan(errors([], [])))


def test_the_density_error_is_the_pressure_gap_over_the_bulk_modulus(exam, monkeypatch):
    examples = (example(),)
    monkeypatch.setattr(trust.Exam, "said", lambda self, snapshots: [biased(examples[0].label)])
    # e: the volume falls by this factor's logarithm, 0.1, between 0 and 1 GPa, so B is 10 GPa
    monkeypatch.setattr(trust, "_melt_volume", lambda exam, p: 1000.0 * np.exp(-0.1 * p))
    (figure,) = trust._density_figures(exam, trust.Sitting("melt", (), examples))
    assert figure.value == pytest.approx(10.0)
    assert figure.unit == "%"


def test_the_typical_frame_has_the_mean_volume():
    frames = [example(scale).snapshot for scale in (0.9, 1.0, 1.1)]
    assert trust._typical(frames) is frames[1]
