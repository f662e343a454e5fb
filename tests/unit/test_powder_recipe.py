"""The step that fits powder patterns: its settings, and files to rows."""

from pathlib import Path

import pytest
from pydantic import ValidationError
from tests.contracts.powder_files import written

from vitrolyte.data.errors import InputError
from vitrolyte.study.recipes.laboratory.xrd import XrdSettings, _patterns, powder_settings


def settings(path: Path, **given: object) -> XrdSettings:
    return XrdSettings(files=(path,), **given)


def test_lists_with_commas_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, "a.xye")
    found = settings(path, phases="a.cif,b.cif", between_deg="20,60", texture="quartz=1-10")
    assert [one.name for one in found.phases] == ["a.cif", "b.cif"]
    chosen = powder_settings(found)
    assert chosen.between == (20.0, 60.0)
    assert chosen.textures == {"quartz": (1, -1, 0)}


@pytest.mark.parametrize("word", ["quartz", "quartz=12", "quartz=000", "quartz=xyz", "=100"])
def test_a_texture_that_is_no_axis_is_refused(word: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="axis hkl"):
        powder_settings(settings(written(tmp_path, "a.xye"), texture=word))


def test_an_anode_gives_both_lines(tmp_path: Path) -> None:
    (found,) = _patterns(settings(written(tmp_path, "std.gsa"), anode="Co"))
    # Deslattes et al., Rev. Mod. Phys. 75, 35 (2003): Co K-alpha-1 1.7889960 Å.
    assert found.conditions.wavelength_A == pytest.approx(1.788996)
    assert found.conditions.second_ratio == pytest.approx(0.5)
    with pytest.raises(InputError, match="anode"):
        _patterns(settings(written(tmp_path, "std.gsa"), anode="Cu", wavelength_A="1.5"))


def test_a_wavelength_that_contradicts_the_file_is_taken_and_noted(tmp_path: Path) -> None:
    (found,) = _patterns(settings(written(tmp_path, "a.xrdml"), wavelength_A="1.39"))
    assert found.conditions.wavelength_A == 1.39
    assert any("1.39 was given and is used" in note for note in found.notes)


def test_fractions_out_of_range_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        settings(written(tmp_path, "a.xye"), standard="Si", standard_fraction=20.0)
