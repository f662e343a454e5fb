"""The distillation file: what a chemist writes, what is derived, what is refused."""

import math
from pathlib import Path

import pytest
from tests.distilling import SHORT, read

from vitrolyte.data.errors import InputError
from vitrolyte.infer.distil.config import read_settings
from vitrolyte.infer.distil.defaults import completed
from vitrolyte.infer.distil.seeds import crystal, trial_start

KIT = sorted((Path(__file__).parents[2] / "distil").glob("*.toml"))


@pytest.mark.parametrize("path", KIT, ids=lambda path: path.stem)
def test_the_shipped_configurations_are_valid(path):
    settings = completed(read_settings(path))
    assert settings.name == path.stem
    assert {trial.phase for trial in settings.trust.trials} == {"hot crystal", "melt", "glass"}
    for one in settings.crystals:
        counts = [one.vacancies.count(element) for element in set(one.vacancies)]
        assert math.gcd(*counts) == 1, f"{one.name} loses more than the least cluster"


def test_five_lines_are_enough(tmp_path):
    settings = read(tmp_path, SHORT)
    assert {one.name for one in settings.crystals} >= {"Li3OCl", "Li2O", "LiCl"}
    assert settings.crystals[0].name == "Li3OCl"
    assert settings.mobile == "Li"
    assert settings.timestep_fs == 2.0
    assert settings.crystal("Li2O").vacancies == ("Li", "Li", "O")
    hottest = max(stage.temperature_K[0] for t in settings.active.trials for stage in t.stages)
    assert hottest == settings.temperature_K[1]
    # cells that a teacher is to label stay small
    assert all(len(crystal(one).species) <= 64 for one in settings.crystals)
    start = trial_start(settings.active.trials[1], settings, 1)
    assert sorted(set(start.species)) == ["Cl", "Li", "O"]


def test_hydrogen_takes_a_short_step(tmp_path):
    with_h = SHORT.replace('["Li", "O", "Cl"]', '["Li", "O", "H", "Cl"]')
    settings = read(tmp_path, with_h.replace("Li3OCl", "Li2OHCl"))
    assert settings.timestep_fs == 0.5
    assert settings.pod.inner_A == 0.5


def test_a_crystal_of_any_system_is_given_by_its_cell(tmp_path):
    text = SHORT + (
        '[[crystals]]\nname = "hexagonal"\nspacegroup = 194\n'
        "cell = [3.2, 3.2, 5.2, 90, 90, 120]\n"
        'sites = [{ element = "Li", at = [0.3333333, 0.6666667, 0.25] }, '
        '{ element = "Cl", at = [0, 0, 0] }]\nrepeat = [1, 1, 1]\n'
    )
    one = read(tmp_path, text).crystals[0]
    # P6_3/mmc: positions 2c and 2a
    assert crystal(one).species.count("Li") == 2
    assert crystal(one).species.count("Cl") == 2
    # volume of a hexagonal cell: sqrt(3)/2 a² c
    assert crystal(one).volume == pytest.approx(3**0.5 / 2 * 3.2**2 * 5.2)
    assert one.vacancies == ("Li", "Cl")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('["Li3OCl"]', '["Li4OCl"]', "add up to zero"),
        ('["Li3OCl"]', '["Na3OCl"]', "Na"),
        ('["Li3OCl"]', "[]", "composition"),
        ('name = "short"', 'name = "short"\ncrystals = ["Li3OCk"]', "Li3OC"),
        ('name = "short"', 'name = "short"\nsead = 4', "sead"),
        ('name = "short"', 'name = "short"\ntemperature_K = [900, 300]', "900"),
        ('name = "short"', 'name = "../short"', "name"),
        ("Li3OCl", "Li3OC1", "C"),
    ],
)
def test_bad_input_is_told_in_one_message(tmp_path, old, new, said):
    with pytest.raises(InputError, match=said):
        read(tmp_path, SHORT.replace(old, new))


def test_an_unknown_teacher_is_named(tmp_path):
    settings = read(tmp_path, SHORT.replace("7net-l3i5", "7net-l3i6"))
    with pytest.raises(InputError, match="7net-l3i5"):
        settings.teacher.spec(Path("python"), threads=1)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"missing\.toml"):
        read_settings(tmp_path / "missing.toml")
