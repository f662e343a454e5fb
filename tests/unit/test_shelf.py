"""The shelf of potentials and the trust card."""

import shutil

import pytest

from vitrolyte.data.errors import InputError
from vitrolyte.potentials import shelf
from vitrolyte.potentials.card import TrustCard, TrustFigure


def figure(value: float, limit: float | None, sense: str = "below") -> TrustFigure:
    return TrustFigure("force_rmse", "melt", value, "eV/Å", None, limit, sense, 12, "counted")


def card(*figures: TrustFigure) -> TrustCard:
    return TrustCard("student", "teacher", 100, figures, ("a note",))


@pytest.mark.parametrize(
    ("value", "limit", "sense", "passed"),
    [
        (0.1, 0.15, "below", True),
        (0.2, 0.15, "below", False),
        (0.98, 0.97, "above", True),
        (0.96, 0.97, "above", False),
        (9.0, None, "below", None),
        (float("nan"), 0.15, "below", False),
    ],
)
def test_a_figure_keeps_its_limit_or_not(value, limit, sense, passed):
    assert figure(value, limit, sense).passed is passed


def test_one_failure_makes_a_student_untrusted_and_is_named():
    bad = figure(0.2, 0.15)
    assert card(figure(0.1, 0.15), figure(9.0, None)).trusted
    assert not card(figure(0.1, 0.15), bad).trusted
    assert card(figure(0.1, 0.15), bad).failures == (bad,)


def test_a_card_survives_the_disk(tmp_path):
    written = card(figure(0.1, 0.15), figure(9.0, None))
    shelf.write_card(written, tmp_path / "card.json")
    assert shelf.read_card(tmp_path / "card.json") == written


def test_every_shipped_potential_loads_and_names_its_sources():
    assert shelf.available()
    for name in shelf.available():
        potential = shelf.load(name)
        assert potential.name == name
        assert potential.lammps is not None
        assert all(path.is_file() for path in potential.lammps.files)
        count = len(potential.elements)
        assert len(potential.safe_distances) == count * (count + 1) // 2
        assert any("10.1016/j.jcp.2023.112030" in source for source in potential.citations)


def test_a_chemistry_finds_its_potential_whatever_the_order():
    assert shelf.find(("Cl", "Li")).name == "li-o-cl"


def test_a_chemistry_without_potential_lists_those_at_hand():
    with pytest.raises(InputError, match=r"K Br.*li-o-cl \(Li O Cl\)"):
        shelf.find(("K", "Br"))


def test_an_unknown_name_lists_those_at_hand():
    with pytest.raises(InputError, match="li-o-cl"):
        shelf.load("li-o-cI")


def test_the_digest_follows_the_coefficients(tmp_path):
    copy = tmp_path / "li-o-cl"
    shutil.copytree(shelf.SHIPPED / "li-o-cl", copy)
    before = shelf.read(copy).digest
    assert before == shelf.load("li-o-cl").digest
    coefficients = copy / "li-o-cl_coeff.pod"
    coefficients.write_text(coefficients.read_text("ascii").replace("1", "2", 1), "ascii")
    assert shelf.read(copy).digest != before


def test_the_trusted_student_comes_first(tmp_path):
    for name in ("a", "b"):
        shutil.copytree(shelf.SHIPPED / "li-o-cl", tmp_path / name)
        settings = tmp_path / name / "potential.toml"
        text = settings.read_text("utf-8").replace('name = "li-o-cl"', f'name = "{name}"')
        settings.write_text(text, "utf-8")
    shelf.write_card(card(figure(0.2, 0.15)), tmp_path / "a" / "card.json")
    shelf.write_card(card(figure(0.1, 0.15)), tmp_path / "b" / "card.json")
    assert shelf.find(("Li",), tmp_path).name == "b"
