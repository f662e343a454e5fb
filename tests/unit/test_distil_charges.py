"""The table [coulomb] of a distillation file, and the student's folder that comes of it."""

from pathlib import Path

import numpy as np
import pytest
from tests.distilling import SHORT, read

from vitrolyte.data.errors import InputError
from vitrolyte.infer.distil.bench import Bench
from vitrolyte.infer.distil.charges import Charges
from vitrolyte.infer.distil.cores import cores_below
from vitrolyte.infer.distil.geometry import pair_names
from vitrolyte.infer.distil.pod import Fit, Student
from vitrolyte.infer.distil.publish import publish
from vitrolyte.infer.distil.regression import Solution
from vitrolyte.potentials.coulomb import Coulomb
from vitrolyte.potentials.shelf import load


def test_formal_charges_are_laid_under_by_default(tmp_path):
    settings = read(tmp_path, SHORT + "[coulomb]\nscale = 0.6\n")
    assert settings.coulomb.charges == {"Li": 1, "O": -2, "Cl": -1}
    under = Bench(settings, tmp_path, Path("python")).electrostatics
    assert under.scales == (0.6,)
    assert under.unit.coulomb == Coulomb()


def test_a_file_without_the_table_has_no_charges_and_a_place_of_its_own(tmp_path):
    plain, charged = read(tmp_path, SHORT), read(tmp_path, SHORT + "[coulomb]\n")
    benches = [Bench(one, tmp_path, Path("python")) for one in (plain, charged)]
    assert benches[0].electrostatics is None
    assert benches[0].place != benches[1].place


def test_charges_scales_and_the_sum_can_be_given(tmp_path):
    text = (
        "[coulomb]\nscale = [0.5, 0.7]\ncharges = { Li = 0.9, O = -1.8, Cl = -0.9 }\n"
        'method = "dsf"\ncutoff_A = 9.0\n'
    )
    under = Bench(read(tmp_path, SHORT + text), tmp_path, Path("python")).electrostatics
    assert under.scales == (0.5, 0.7)
    assert under.unit.values == {"Li": 0.9, "O": -1.8, "Cl": -0.9}
    assert under.unit.coulomb == Coulomb("dsf", cutoff_A=9.0)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("charges = { Li = 0.9, Cl = -0.9 }", "charges for Li O Cl"),
        ("charges = { Li = 0.9, O = -1.8, Cl = -0.9, Na = 1.0 }", "charges for Li O Cl"),
        ("charges = { Li = 0.9, O = -1.0, Cl = -0.9 }", "neutral"),
        ("scale = -0.5", "greater than 0"),
        ("scale = []", "at least 1"),
        ("scale = [0.5, 0.0]", "greater than 0"),
        ('scale = "half"', "coulomb.scale"),
        ("skale = 0.5", "skale"),
        ('method = "madelung"', "method"),
        ("accuracy = 0.0", "accuracy"),
    ],
)
def test_bad_charges_are_told_in_one_message(tmp_path, text, told):
    with pytest.raises(InputError, match=told):
        read(tmp_path, f"{SHORT}[coulomb]\n{text}\n")


def made(folder: Path, charges: Charges | None) -> Fit:
    elements = ("Li", "O", "Cl")
    for name in ("student_param.pod", "student_coeff.pod"):
        (folder / name).write_text("numbers\n", encoding="utf-8")
    cores = cores_below(dict.fromkeys(pair_names(elements), 1.5), 0.9)
    student = Student(
        elements, cores, folder / "student_param.pod", folder / "student_coeff.pod", charges
    )
    safe = dict.fromkeys(pair_names(elements), 1.2)
    return Fit(student, (), safe, Solution(np.zeros(1), np.eye(1)), np.zeros((1, 1)))


def test_the_published_folder_carries_the_charges(tmp_path):
    bench = Bench(read(tmp_path, SHORT + "[coulomb]\nscale = 0.65\n"), tmp_path, Path("python"))
    charges = bench.electrostatics.unit.scaled(0.65)
    fit = made(tmp_path, charges)
    publish(fit, bench, tmp_path / "shelf" / "short")
    found = load("short", [tmp_path / "shelf"])
    assert found.lammps.charges == pytest.approx({"Li": 0.65, "O": -1.3, "Cl": -0.65})
    renamed = [line.replace("student_", "short_") for line in fit.student.pair().commands]
    assert list(found.lammps.commands) == renamed
    assert found.lammps.atom_style == "charge"


def test_a_folder_without_charges_names_none(tmp_path):
    bench = Bench(read(tmp_path, SHORT), tmp_path, Path("python"))
    publish(made(tmp_path, None), bench, tmp_path / "shelf" / "short")
    text = (tmp_path / "shelf" / "short" / "potential.toml").read_text("utf-8")
    assert "coulomb" not in text
    assert not load("short", [tmp_path / "shelf"]).lammps.charges


def test_charges_tell_two_potentials_apart(tmp_path):
    unit = Charges({"Li": 1.0, "O": -2.0, "Cl": -1.0}, Coulomb())
    digests = {
        made(tmp_path, charges).potential("one", 2.0).digest
        for charges in (None, unit.scaled(0.6), unit.scaled(0.7))
    }
    assert len(digests) == 3
