import pytest

from vitrolyte.data.errors import InputError
from vitrolyte.matter.composition import (
    composition_line,
    composition_of,
    formal_charges,
    mixed,
    parse_formula,
    parse_mixture,
)


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("Li3OCl", {"Li": 3, "O": 1, "Cl": 1}),
        ("Li2(OH)0.9F0.1Cl", {"Li": 2, "O": 0.9, "H": 0.9, "F": 0.1, "Cl": 1}),
        ("Li2.99Ba0.005OCl", {"Li": 2.99, "Ba": 0.005, "O": 1, "Cl": 1}),
        ("Ca[Al(OH)4]2", {"Ca": 1, "Al": 2, "O": 8, "H": 8}),
        (" Li₃ P S₄ ", {"Li": 3, "P": 1, "S": 4}),
        ("HOCl", {"H": 1, "O": 1, "Cl": 1}),
        ("LiCl.5Br0.5", {"Li": 1, "Cl": 0.5, "Br": 0.5}),
    ],
)
def test_formulas_are_counted(text: str, amounts: dict[str, float]) -> None:
    parsed = parse_formula(text)
    assert parsed.elements == tuple(amounts)
    assert parsed.amounts == pytest.approx(tuple(amounts.values()))


@pytest.mark.parametrize(
    "text", ["", "  ", "Li3(OCl", "LiO)Cl", "(LiO]2", "Li0Cl", "Li-1Cl", "3Li", "()2", "li3OCl"]
)
def test_impossible_formulas_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="formula"):
        parse_formula(text)


def test_an_unknown_element_is_named_with_a_near_one() -> None:
    with pytest.raises(InputError, match=r"Zz.*did you mean 'Z"):
        parse_formula("ZzCl4")


def test_formulas_survive_a_round_trip_and_reduce() -> None:
    assert parse_formula("Li2OHBr").formula == "Li2OHBr"
    assert parse_formula("Li6O2Cl2").reduced_formula == "Li3OCl"
    assert composition_of(("O", "Li", "Li", "Li", "Cl") * 7).formula == "OLi3Cl"


@pytest.mark.parametrize(
    ("formula", "charges"),
    [
        ("Li3OCl", (1, -2, -1)),
        ("Li2.99Ba0.005OCl", (1, 2, -2, -1)),
        ("Li3ZrCl4O1.5", (1, 4, -1, -2)),
        ("LiAlCl2.5O0.75", (1, 3, -1, -2)),
        ("Li7P3S11", (1, 5, -2)),
        ("Li4P2S6", (1, 4, -2)),
        ("Na3OBH4", (1, -2, 3, -1)),
        ("Li2OHCl", (1, -2, 1, -1)),
        ("Li10GeP2S12", (1, 4, 5, -2)),
    ],
)
def test_formal_charges_are_those_of_the_textbook(formula: str, charges: tuple[int, ...]) -> None:
    assert tuple(formal_charges(parse_formula(formula)).values()) == charges


def test_imbalance_and_strangers_are_refused() -> None:
    with pytest.raises(InputError, match="add up to zero"):
        formal_charges(parse_formula("Li3Cl"))
    with pytest.raises(InputError, match="Br"):
        formal_charges(parse_formula("Li3OCl"), {"Br": -1})
    with pytest.raises(InputError, match="add up to zero"):
        formal_charges(parse_formula("Li3OCl"), {"O": -1})
    assert formal_charges(parse_formula("FeO"), {"Fe": 2})["Fe"] == 2


# The solid electrolytes named in four papers on glasses and antiperovskites (Milan 2025, Xia et
# al. 2022, doi:10.1021/acs.chemrev.1c00594, Zhang et al. 2024, Yang et al.), those that are
# formulas; every one is a neutral compound.
NAMED = """
Li3OCl Li3OBr Li3OI Li3OF Li3OCl0.5Br0.5 Li7O2Br3 Li4OCl2 Li6OCl4 Li6OBr4 Li5OCl3 Li3O(BH4)
Li3S(BF4) Li3S(BF4)0.5Cl0.5 Li3S(BH4) Li3SI Li6OSI2 Li25O4S5I7 Li6.5OS1.5I1.5 Li3HS Li2OHCl
Li2(OH)Cl Li2OHBr Li2OHI Li2.17(OH0.83)Cl Li2.4(OH0.6)Cl Li1.16(OH1.84)Cl Li1.04(OH1.96)Br
Li2(OH)0.9F0.1Cl Li2(OH)Br0.98F0.02 Li1.9(OH)Cl0.9 Li3(OH)2Cl Li5(OH)4Br Li4(OH)3Cl
Li2OHBr0.5Cl0.5 Li2.99Ba0.005OCl Li2.92Ca0.04OCl Li2.985B0.005OCl Na3OBr Na3OBr0.6I0.4 Na3OCl
Na2OHCl Na4OI2 Na3O(BH4) Na3O(NO2) Na3O(CN) Na6SOI2 Na3(SeO4)F0.5Cl0.5 Na3FSO4 K3FSO4
Na6FCl(SO4)2 Na2CaFPO4 K3[SO4]F Cs3Br[ZnBr4] Ba3Br[FeS4] Ag3SI Fe2OSe NaMgF3 BaLiF3
Li3ZrCl4O1.5 Li2ZrCl4O Li4ZrCl4O2 Li2ZrCl6 LiAlCl2.5O0.75 LiAlCl4 LiTaCl6 Li7P3S11 Li10GeP2S12
Li2.82Al0.06PS4 Li2.85Al0.05PS4 Li4PS4I Li3.25Ge0.25P0.75S4 Li3PS4 Li6PS5Cl Li6PS5Br
Li5.5PS4.5Cl0.7Br0.8 Li9.54Si1.74P1.44S11.7Cl0.3 Na3PS4 Na3SbS4 Li3YCl6 Li3YBr6 Li3InCl6
Li3ErCl6 Li3ScCl6 Na3AlF6 Li7La3Zr2O12 Li3.5Zn0.25GeO4 NaZr2(PO4)3 Na3PO4 Li2SO4 LiNaSO4 LiAgSO4
CaF2 AgI PbF2 Ag2S Li1.3Ti1.7Al0.3(PO4)3
"""


@pytest.mark.parametrize("formula", NAMED.split())
def test_the_electrolytes_of_the_field_are_neutral_compounds(formula: str) -> None:
    parsed = parse_formula(formula)
    charges = formal_charges(parsed)
    assert sum(charges[e] * parsed[e] for e in parsed.elements) == pytest.approx(0.0, abs=1e-6)
    assert set(parse_mixture(formula).elements) == set(parsed.elements)


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("70Li2S-30P2S5", "Li14P6S22"),
        ("1.5Li2O-HfCl4", "Li3O1.5HfCl4"),
        ("LiI.H2O", "LiIH2O"),
        ("LiCl·2H2O", "LiClH4O2"),
        ("2LiCl-AlF3-GaF3", "Li2Cl2AlF6Ga"),
        ("0.33LiI-0.67Li3PS4", "Li2.34I0.33P0.67S2.68"),
        ("Li3YCl6 + Li2O", "Li5YCl6O"),
        ("Li2.99Ba0.005OCl", "Li2.99Ba0.005OCl"),
    ],
)
def test_mixtures_are_added_up(text: str, formula: str) -> None:
    made, expected = parse_mixture(text), parse_formula(formula)
    scale = made.atoms / expected.atoms
    assert set(made.elements) == set(expected.elements)
    for element in expected.elements:
        assert made[element] == pytest.approx(expected[element] * scale)


@pytest.mark.parametrize("text", ["", "Li2S-", "-LiCl", "xLi2S-P2S5", "70-Li2S", "Li-Zr-O-Cl"])
def test_impossible_mixtures_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_mixture(text)


def test_a_line_of_compositions_joins_its_ends() -> None:
    line = composition_line("Li2O", "LiCl", n=5)
    assert [one.formula for one in line[::4]] == ["Li2O", "LiCl"]
    assert {e: 2 * line[2][e] for e in line[2].elements} == {"Li": 3, "O": 1, "Cl": 1}
    for one in composition_line("Li2S", "P2S5", n=4):
        assert formal_charges(one)["S"] == -2
    with pytest.raises(InputError, match="two ends"):
        composition_line("Li2O", "LiCl", n=1)
    with pytest.raises(InputError, match="add up to zero"):
        composition_line("Li2O", "LiCl3")
    with pytest.raises(InputError, match="negative"):
        mixed({"LiCl": -1.0})
    with pytest.raises(InputError, match="positive"):
        mixed({})
