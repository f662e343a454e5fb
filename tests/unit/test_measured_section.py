from pathlib import Path

import pytest

from vitrolyte.data.errors import InputError
from vitrolyte.study.measured import measured_steps
from vitrolyte.study.recipes.laboratory.measured import conditions_for
from vitrolyte.study.settings import read_study

STUDY = """
name = "a"
title = "A"
[sample]
formula = "Li6PS5Cl"
material = "argyrodite"
[[measured]]
kind = "eis"
files = "*.mpt"
phase = "glass"
[[measured]]
kind = "eis"
files = ["b.z"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("2.mpt", "1.mpt", "b.z"):
        (tmp_path / name).write_text("")
    return tmp_path


def test_a_measured_section_becomes_steps(folder: Path) -> None:
    (folder / "study.toml").write_text(STUDY)
    study = read_study(str(folder / "study.toml"))
    files = [str(folder / name) for name in ("1.mpt", "2.mpt")]
    assert study.steps == {
        "eis": {"recipe": "eis", "files": files, "phase": "glass"},
        "eis-2": {"recipe": "eis", "files": [str(folder / "b.z")]},
    }


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"files": "b.z"}, "'kind' is required"),
        ({"kind": "eiss", "files": "b.z"}, "did you mean 'eis'"),
        ({"kind": "eis"}, "'files' is required"),
        ({"kind": "eis", "files": []}, "'files' is required"),
        ({"kind": "eis", "files": "c*.z"}, "files are named as they lie beside the study file"),
    ],
)
def test_wrong_entries_are_refused(folder: Path, entry: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        measured_steps([entry], folder)


def test_two_steps_of_one_name_are_refused(folder: Path) -> None:
    (folder / "study.toml").write_text(STUDY + '[steps.eis]\nrecipe = "eis"\n')
    with pytest.raises(InputError, match="names of their own"):
        read_study(str(folder / "study.toml"))


def test_one_condition_for_all_or_one_for_each() -> None:
    found = conditions_for(2, thickness_cm=(0.1,), temperature_K=(300.0, 310.0), area_cm2=None)
    assert [one.thickness_cm for one in found] == [0.1, 0.1]
    assert [one.temperature_K for one in found] == [300.0, 310.0]
    assert found[0].area_cm2 is None
    with pytest.raises(InputError, match="--temperature-K takes one value for all"):
        conditions_for(3, temperature_K=(300.0, 310.0))
