"""The parts of the report that need no browser."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError, StorageError
from vitrolyte.data.observation import Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.trajectory import Trajectory, structure
from vitrolyte.literature.table import query
from vitrolyte.report.figures import figure, with_published
from vitrolyte.report.markup import escape, script_json, tag
from vitrolyte.report.model import Coordination, model_view
from vitrolyte.report.page import Page, render, write_report
from vitrolyte.report.rows import formula_markup, with_formulas
from vitrolyte.report.summary import observation_listing, summary_table
from vitrolyte.report.verdict import verdict
from vitrolyte.study.comparison import compare

GLASS = Sample("antiperovskite glass", "Li3OCl", "glass")
EVIL = "</script><script>alert(1)</script>"


def antiperovskite(repeats: int, shear: float) -> Trajectory:
    """Li3OCl, a = 3.91 Å (Zhao & Daemen 2012), in a cell sheared along x."""
    motif = np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    cells = np.array(list(np.ndindex(repeats, repeats, repeats)))
    fractional = (cells[:, None] + motif[None]).reshape(-1, 3) / repeats
    cell = 3.91 * repeats * np.array([[1.0, 0, 0], [shear, 1.0, 0], [0, 0, 1.0]])
    species = ("Cl", "O", "Li", "Li", "Li") * repeats**3
    return structure(species, fractional @ cell, cell)


def test_text_is_escaped_and_markup_is_not() -> None:
    assert escape("<b>&") == "&lt;b&gt;&amp;"
    assert tag("p", tag("b", "<"), title='"') == '<p title="&quot;"><b>&lt;</b></p>'


def test_no_text_can_close_a_data_block() -> None:
    block = script_json("x", {"note": EVIL})
    assert block.count("</script") == 1
    body = block[block.index(">") + 1 : block.rindex("<")]
    assert json.loads(body) == {"note": EVIL}


def test_formulas_get_subscripts_and_other_text_none() -> None:
    assert formula_markup("Li3OCl") == "Li<sub>3</sub>OCl"
    assert formula_markup("Li2.99Ba0.005OCl") == "Li<sub>2.99</sub>Ba<sub>0.005</sub>OCl"
    assert formula_markup("<Li3>") == "&lt;Li3&gt;"
    assert with_formulas("Li3OCl <at> 300 K", ["Li3OCl"]) == "Li<sub>3</sub>OCl &lt;at&gt; 300 K"


@pytest.mark.parametrize("repeats", [1, 3])
@pytest.mark.parametrize("shear", [0.0, 0.1])
def test_every_oxygen_of_the_crystal_sits_in_an_octahedron(repeats: int, shear: float) -> None:
    # Pm-3m: six Li at a/2 about each O, an octahedron of volume a³/6; a homogeneous shear keeps
    # volumes and neighbours. A moved and wrapped copy must show the same, whatever the cell.
    crystal = antiperovskite(repeats, shear)
    moved = structure(crystal.species, crystal.read().positions[0] + 7.3, crystal.cells[0])
    for one in (crystal, moved):
        view = model_view(one, Coordination("O", "Li", 2.5))
        assert len(view.polyhedra) == repeats**3
        for shape in view.polyhedra:
            assert (len(shape.vertices), len(shape.faces)) == (6, 8)
            corners = shape.vertices[shape.faces] - shape.vertices.mean(axis=0)
            volume = np.linalg.det(corners).sum() / 6.0
            assert volume == pytest.approx(3.91**3 / 6.0), "faces must be turned outwards"


def test_the_view_is_wrapped_into_the_cell() -> None:
    view = model_view(antiperovskite(2, 0.1))
    fractional = view.positions @ np.linalg.inv(view.cell)
    assert fractional.min() > -1e-9
    assert fractional.max() < 1.0 + 1e-9


def test_flat_coordination_makes_no_polyhedron() -> None:
    ring = [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 0]]
    flat = structure(("Li",) * 4 + ("O",), np.array(ring) * 2.0 + 5.0, np.eye(3) * 20.0)
    assert model_view(flat, Coordination("O", "Li", 3.0)).polyhedra == ()


def test_a_view_needs_its_species_and_a_cut_off() -> None:
    with pytest.raises(InputError, match="Zr"):
        model_view(antiperovskite(1, 0.0), Coordination("Zr", "Li", 2.5))
    with pytest.raises(InputError, match="positive"):
        model_view(antiperovskite(1, 0.0), Coordination("O", "Li", 0.0))


def curve(y: list[float], *, error: float | None = None, label: str = "Li") -> Curve:
    x = np.arange(1.0, len(y) + 1.0)
    errors = None if error is None else np.full(len(y), error)
    return Curve(x, np.array(y), Axis("time", "ps"), Axis("MSD", "Å²"), errors, label=label)


def test_axes_carry_their_units_and_gaps_stay_gaps() -> None:
    shown = figure(CurveSet("MSD", (curve([0.0, np.nan, 2.0]),), log_y=True, window=(1.0, 2.0)))
    assert (shown["x"]["label"], shown["y"]["label"]) == ("time (ps)", "MSD (Å²)")
    assert shown["traces"][0]["y"] == [None, None, 2.0]
    assert shown["window"] == [1.0, 2.0]


def test_errors_are_bars_on_points_and_bands_on_long_lines() -> None:
    few = figure(CurveSet("", (curve([1.0, 2.0], error=0.1),), points=("Li",)))["traces"]
    assert [trace["mode"] for trace in few] == ["markers"]
    # 95 % of a normal distribution lie within 1.96 standard deviations.
    assert few[0]["error"]["up"] == pytest.approx([0.196, 0.196])
    many = figure(CurveSet("", (curve([1.0] * 100, error=0.1),)))["traces"]
    assert [trace["mode"] for trace in many] == ["band", "band", "lines"]
    assert many[1]["y"][0] == pytest.approx(1.196)


def test_complex_curves_become_nyquist_plots() -> None:
    z = Curve(np.array([1.0, 2.0]), np.array([3 - 4j, 1 - 2j]), Axis("f", "Hz"), Axis("Z", "ohm"))
    shown = figure(CurveSet("", (z,)))
    assert (shown["traces"][0]["x"], shown["traces"][0]["y"]) == ([3.0, 1.0], [4.0, 2.0])
    assert (shown["x"]["label"], shown["y"]["label"]) == ("Re Z (ohm)", "−Im Z (ohm)")
    assert shown["equal"]


def test_published_points_join_an_arrhenius_plot() -> None:
    axes = Axis("1000/T", "1/K"), Axis("ionic conductivity × T", "S K/cm")
    line = Curve(np.array([1.0, 2.0]), np.array([10.0, 1.0]), *axes, label="tracer")
    known = query("Heenen", quantity="ionic_conductivity", formula="Li3OCl")
    shown = with_published(CurveSet("Arrhenius", (line,), log_y=True), known)
    # Heenen 2019: 1 to 10 mS/cm at 300 K; 1.19 and 0.23 mS/cm for Li and Cl at 27 °C.
    assert shown.labels == ("tracer", "Heenen 2019", "Heenen 2019 Li", "Heenen 2019 Cl")
    assert shown["Heenen 2019"].y == pytest.approx([0.3, 3.0])
    assert shown["Heenen 2019 Cl"].y == pytest.approx([0.00023 * 300.15])
    assert shown["Heenen 2019 Li"].x == pytest.approx([1000.0 / 300.15])
    assert "Heenen 2019" in shown.points
    assert with_published(CurveSet("MSD", (curve([1.0]),)), known).labels == ("Li",)


def energies() -> tuple[Quantity, ...]:
    refused = Quantity.refused("eV", "no ion moved a hop")
    normal = Quantity.normal
    return normal(0.41, 0.03, "eV"), normal(0.2, 0.01, "eV"), refused


def test_the_verdict_follows_the_numbers() -> None:
    known = query(formula="Li3OCl")
    rows = [computed(GLASS, "activation_energy", number) for number in energies()]
    texts = [" ".join(verdict(compare([row], known), [row])) for row in rows]
    # Heenen 2019, quoted by Milan 2025: 0.42 eV.
    assert "1 comparison with published values: 1 agrees." in texts[0]
    assert "0.41 ± 0.03 eV [0.35, 0.47], agrees with the published 0.42 eV (Heenen 2019" in texts[0]
    assert "disagrees with the published 0.42 eV" in texts[1]
    assert "1 cannot be judged" in texts[2]
    assert "No number is given for the activation energy" in texts[2]
    assert "no ion moved a hop" in texts[2]


def test_a_provisional_value_is_called_so() -> None:
    row = computed(GLASS, "activation_energy", energies()[0].provisional("one replica"))
    assert "provisional" in " ".join(verdict(compare([row], query(formula="Li3OCl")), [row]))


def test_nothing_to_judge_is_said() -> None:
    assert verdict((), ()) == ("There is no number to judge.",)


def test_the_terminal_table_names_numbers_and_verdicts() -> None:
    row = computed(GLASS, "activation_energy", energies()[0])
    console = Console(width=120, file=io.StringIO())
    console.print(summary_table(compare([row], query(formula="Li3OCl")), [row]))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    for part in ("0.41 ± 0.03 eV", "0.42 eV", "agrees", "Li3OCl glass"):
        assert part in text


def test_the_listing_shows_rows_of_any_kind() -> None:
    console = Console(width=160, file=io.StringIO())
    console.print(observation_listing(query("Li3OCl glass")))
    assert isinstance(console.file, io.StringIO)
    for part in ("0.001 to 0.01 S/cm", "F0015", "Heenen 2019"):
        assert part in console.file.getvalue()


def test_foreign_text_never_becomes_markup() -> None:
    row = replace(computed(GLASS, "activation_energy", energies()[0]), note=EVIL, formula=EVIL)
    page = Page(
        EVIL, EVIL, (EVIL,), compare([row], ()), (row,), citations=(EVIL,), warnings=(EVIL,)
    )
    assert EVIL not in render(page)
    assert "&lt;script&gt;alert(1)" in render(page)


def test_a_page_without_plots_carries_no_plotting_script() -> None:
    assert len(render(Page("t", "s", ("v",)))) < 60_000


def test_many_refusals_are_counted() -> None:
    rows = [
        computed(GLASS, "activation_energy", Quantity.refused("eV", f"reason {n}"))
        for n in range(9)
    ]
    texts = verdict((), rows)
    assert len(texts) == 4
    assert texts[-1].startswith("6 more numbers are refused")


def test_values_of_another_state_are_told_apart() -> None:
    hot = replace(GLASS, temperature_K=900.0)
    row = computed(hot, "ionic_conductivity", Quantity.normal(0.1, 0.01, "S/cm"))
    pairs = compare([row], query(formula="Li3OCl"))
    assert verdict(pairs, [row])[0].startswith("The value has no counterpart")
    assert 'id="comparisons"' not in render(Page("t", "s", ("v",), pairs, (row,)))
    assert "is for 300 K" in render(Page("t", "s", ("v",), pairs, (row,)))


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(StorageError, match="file"):
        write_report(blocker / "report.html", Page("t", "s", ("v",)))


def test_a_fit_has_the_colour_of_its_points():
    x = np.array([1.0, 2.0])
    axes = (Axis("time", "ps"), Axis("F", ""))
    labels = ("q = 1", "q = 1, fit", "q = 2", "q = 2, fit")
    shown = figure(CurveSet("Decay", tuple(Curve(x, x, *axes, label=label) for label in labels)))
    assert [trace["slot"] for trace in shown["traces"]] == [0, 0, 1, 1]
