import pytest

from vitrolyte.data.errors import InputError
from vitrolyte.matter.composition import composition_of, formal_charges, parse_formula


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
