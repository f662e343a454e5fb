"""The study file is read into typed settings; every mistake is one clear message."""

from pathlib import Path

import pytest

from vitrolyte.data.errors import InputError
from vitrolyte.study.settings import overlaid, read_study, with_launch

STUDY = """
name = "toy"
title = "A toy"
[sample]
formula = "LiCl"
material = "salt"
[steps.a]
recipe = "make"
size = 1
[profiles.quick.steps.a]
size = 2
[profiles.quick.launch]
workers = 1
"""


def written(folder: Path, text: str) -> str:
    path = folder / "toy.toml"
    path.write_text(text)
    return str(path)


def test_a_profile_is_laid_over_the_plain_file(tmp_path: Path) -> None:
    name = written(tmp_path, STUDY)
    assert read_study(name).steps["a"] == {"recipe": "make", "size": 1}
    quick = read_study(name, "quick")
    assert quick.steps["a"] == {"recipe": "make", "size": 2}
    assert (quick.profile, quick.launch.workers) == ("quick", 1)


def test_overlay_keeps_what_it_does_not_name() -> None:
    base = {"a": {"b": 1, "c": [1, 2]}, "d": 3}
    assert overlaid(base, {"a": {"c": [9]}}) == {"a": {"b": 1, "c": [9]}, "d": 3}
    assert base["a"] == {"b": 1, "c": [1, 2]}


def test_launch_can_be_changed_from_outside(tmp_path: Path) -> None:
    study = with_launch(read_study(written(tmp_path, STUDY)), workers=7)
    assert (study.launch.workers, study.launch.processes) == (7, 1)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('title = "A toy"', 'titel = "A toy"', ["titel", "did you mean 'title'"]),
        ('material = "salt"', "", ["sample.material", "required"]),
        ('formula = "LiCl"', 'formula = "LiCl"\nformla = "x"', ["formla", "'formula'"]),
        ('name = "toy"', 'name = "../toy"', ["name"]),
        ("size = 1", "size = ", ["valid TOML"]),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, old: str, new: str, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        read_study(written(tmp_path, STUDY.replace(old, new)))
    for word in words:
        assert word in caught.value.message()


def test_an_unknown_profile_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="quick"):
        read_study(written(tmp_path, STUDY), "qick")


def test_an_unknown_study_names_a_near_one() -> None:
    with pytest.raises(InputError, match="li3ocl-glass"):
        read_study("li3ocl-glas")
