"""The list of potentials: what a user reads, and what a program reads."""

import io
import json

import pytest
from rich.console import Console
from typer.testing import CliRunner

from vitrolyte.cli import app
from vitrolyte.data.errors import InputError
from vitrolyte.potentials import shelf
from vitrolyte.potentials.card import TrustCard, TrustFigure
from vitrolyte.report.inventory import inventory, listing

SALT = """
name = "salt"
kind = "classical"
elements = ["Li", "Cl"]
timestep_fs = 1.0
citations = ["doi of salt"]
source = "made for tests"
charges = { Li = 1.0, Cl = -1.0 }
pairs = [{ between = ["Li", "Cl"], A_eV = 300.0, rho_A = 0.33 }]
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "potentials" / "salt"
    folder.mkdir(parents=True)
    (folder / "potential.toml").write_text(SALT, "utf-8")
    return folder


def figure(quantity: str, value: float, limit: float | None) -> TrustFigure:
    return TrustFigure(quantity, "melt", value, "x", None, limit, "below", 3, "on a quiet machine")


def test_a_potential_without_card_has_no_figures_and_no_guessed_cost(own):
    entry = inventory().named("salt")
    assert entry.verdict == "no figures"
    assert entry.cost_us is None
    assert entry.kind == "classical"


def test_verdict_main_figure_and_cost_come_from_the_card(own):
    figures = (
        figure("force_rmse", 0.1, 0.15),
        figure("force_rmse", 0.2, 0.15),
        figure("force_rmse", 0.9, None),
        figure("cost_per_atom_step", 7.0, None),
    )
    shelf.write_card(TrustCard("salt", "print", 0, figures, ()), own / "card.json")
    entry = inventory().named("salt")
    assert entry.verdict == "not trusted"
    assert "force_rmse melt" in entry.reason
    assert [one.value for one in entry.main] == [0.2]
    assert (entry.cost_us, entry.cost_conditions) == (7.0, "on a quiet machine")


def test_teachers_are_listed_with_what_to_install(own, monkeypatch, tmp_path):
    monkeypatch.setenv("VITROLYTE_TEACHER_PYTHON", str(tmp_path / "no-python"))
    teachers = {one.name: one for one in inventory().entries if one.kind == "teacher"}
    assert {"7net-0", "7net-l3i5", "chgnet"} <= set(teachers)
    assert not teachers["chgnet"].installed
    assert teachers["chgnet"].reason.startswith("not installed")


def test_the_table_fits_a_hundred_columns(own):
    console = Console(file=io.StringIO(), width=100)
    console.print(listing(inventory().entries))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert max(map(len, text.splitlines())) <= 100
    for word in ("li-o-cl", "salt", "7net-0", "doi of salt", "no figures"):
        assert word in text


def test_the_command_prints_json_and_names_a_broken_folder_apart(own):
    broken = own.parent / "broken"
    broken.mkdir()
    (broken / "potential.toml").write_text("name = ", "utf-8")
    said = CliRunner().invoke(app, ["potentials", "--json"])
    rows = {row["name"]: row for row in json.loads(said.stdout)}
    assert rows["salt"]["elements"] == ["Li", "Cl"]
    assert rows["li-o-cl"]["verdict"] in ("trusted", "not trusted", "undecided")
    assert "broken" not in said.stdout
    assert "broken/potential.toml must be valid TOML" in said.stderr


def test_one_potential_is_shown_whole_and_an_unknown_one_refused(own):
    said = CliRunner().invoke(app, ["potentials", "salt"])
    assert "cite: doi of salt" in said.stdout
    with pytest.raises(InputError, match="salt"):
        inventory().named("slat")
