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
    assert shelf.available((shelf.SHIPPED,))
    for name in shelf.available((shelf.SHIPPED,)):
        potential = shelf.load(name)
        assert potential.name == name
        assert potential.citations
        assert potential.lammps is not None
        assert all(path.is_file() for path in potential.lammps.files)
        if potential.kind == "student":
            count = len(potential.elements)
            assert len(potential.safe_distances) == count * (count + 1) // 2
            assert any("10.1016/j.jcp.2023.112030" in source for source in potential.citations)


def test_a_chemistry_finds_its_potential_whatever_the_order():
    assert shelf.find(("Cl", "O", "Li"), (shelf.SHIPPED,)).name == "li-o-cl"


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


def student(folder, name):
    """The shipped student under another name."""
    shutil.copytree(shelf.SHIPPED / "li-o-cl", folder / name)
    settings = folder / name / "potential.toml"
    text = settings.read_text("utf-8").replace('name = "li-o-cl"', f'name = "{name}"')
    settings.write_text(text, "utf-8")
    return settings


def test_the_trusted_student_comes_first(tmp_path):
    for name in ("a", "b"):
        student(tmp_path, name)
    shelf.write_card(card(figure(0.2, 0.15)), tmp_path / "a" / "card.json")
    shelf.write_card(card(figure(0.1, 0.15)), tmp_path / "b" / "card.json")
    assert shelf.find(("Li",), (tmp_path,)).name == "b"


CLASSICAL = """
name = "c"
kind = "classical"
elements = ["Li", "Cl"]
timestep_fs = 1.0
citations = ["none"]
source = "made for tests"
charges = { Li = 1.0, Cl = -1.0 }
pairs = [{ between = ["Li", "Cl"], A_eV = 300.0, rho_A = 0.33 }]
"""


def classical(folder, name):
    (folder / name).mkdir(parents=True)
    text = CLASSICAL.replace('"c"', f'"{name}"')
    (folder / name / "potential.toml").write_text(text, "utf-8")


def test_trust_comes_before_kind_and_kind_before_width(tmp_path):
    classical(tmp_path, "narrow")
    student(tmp_path, "wide")
    shelf.write_card(card(figure(0.2, 0.15)), tmp_path / "wide" / "card.json")
    # neither is trusted: the student comes first although it covers more
    assert shelf.find(("Li", "Cl"), (tmp_path,)).name == "wide"
    shelf.write_card(card(figure(0.1, 0.15)), tmp_path / "narrow" / "card.json")
    assert shelf.find(("Li", "Cl"), (tmp_path,)).name == "narrow"


def test_own_shelves_are_found_beside_the_shipped_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    classical(tmp_path / "potentials", "in-the-working-folder")
    classical(tmp_path / "far", "far-away")
    monkeypatch.setenv("VITROLYTE_POTENTIALS", f"{tmp_path / 'far'}:{tmp_path / 'nowhere'}")
    names = shelf.available()
    assert {"in-the-working-folder", "far-away", "li-o-cl"} <= set(names)
    assert list(names) == sorted(names)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda s: s.write_text("name = ", "utf-8"), "valid TOML"),
        (
            lambda s: s.write_text(s.read_text("utf-8").replace("elements", "elemnts"), "utf-8"),
            "elements",
        ),
        (lambda s: (s.parent / "li-o-cl_coeff.pod").unlink(), "li-o-cl_coeff.pod"),
        (lambda s: (s.parent / "card.json").write_text("{}", "utf-8"), "trust card"),
        (lambda s: s.write_bytes(b"\xff\xfe"), "readable text"),
        (lambda s: s.parent.rename(s.parent.with_name("other")), "name of its folder"),
    ],
)
def test_a_broken_folder_is_one_message_and_hides_no_other(tmp_path, caplog, damage, message):
    settings = student(tmp_path, "broken")
    classical(tmp_path, "sound")
    damage(settings)
    stock = shelf.stock((tmp_path,))
    assert [one.name for one in stock.potentials] == ["sound"]
    ((folder, fault),) = stock.faults
    assert message in fault.message()
    assert folder in fault.message()
    assert shelf.find(("Li",), (tmp_path,)).name == "sound"
    assert folder in caplog.text
    with pytest.raises(InputError, match=message):
        shelf.load(folder, (tmp_path,))


def test_two_potentials_of_one_name_are_refused_and_a_copy_is_not(tmp_path):
    classical(tmp_path / "here", "c")
    classical(tmp_path / "there", "c")
    both = (tmp_path / "here", tmp_path / "there")
    assert shelf.available(both) == ("c",)
    other = tmp_path / "there" / "c" / "potential.toml"
    other.write_text(other.read_text("utf-8").replace("300.0", "301.0"), "utf-8")
    with pytest.raises(InputError, match=r"two are called 'c'.*here.*there"):
        shelf.find(("Li",), both)


def test_charges_in_the_file_of_a_student_are_laid_under_it(tmp_path):
    settings = student(tmp_path, "charged")
    text = settings.read_text("utf-8")
    charges = "[charges]\nLi = 0.8\nO = -1.6\nCl = -0.8\n[coulomb]\naccuracy = 1e-4\n"
    settings.write_text(text + charges, "utf-8")
    bare = shelf.load("li-o-cl").lammps
    found = shelf.load("charged", (tmp_path,)).lammps
    assert found is not None
    assert bare is not None
    assert found.charges == {"Li": 0.8, "O": -1.6, "Cl": -0.8}
    assert found.commands[0] == f"{bare.commands[0]} coul/long 10.0"
    assert found.commands[-2:] == ("pair_coeff * * coul/long", "kspace_style pppm 0.0001")
    settings.write_text(text + charges.replace("O = -1.6\n", ""), "utf-8")
    with pytest.raises(InputError, match="none for O"):
        shelf.load("charged", (tmp_path,))
