"""The published set: nothing lost, one unit per quantity, a query on every column."""

from __future__ import annotations

from collections import Counter

import pytest

from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation
from vitrolyte.data.vocabulary import vocabulary
from vitrolyte.literature.table import observations, query


def row(origin: str) -> Observation:
    return next(entry for entry in observations() if entry.origin == origin)


def test_every_row_survives_once() -> None:
    # The first published set numbers its rows F0001 to F0820 without a gap.
    assert [entry.origin for entry in observations()] == [f"F{n:04d}" for n in range(1, 821)]


def test_every_row_is_published_in_the_unit_of_its_quantity() -> None:
    words = vocabulary()
    for entry in observations():
        assert entry.kind == "published"
        assert entry.unit == words[entry.quantity]
        assert entry.source
        assert not (entry.value is None and entry.low is None)


# Printed values: Milan 2025 (abstract: 0.29 eV; density "2.31 g/cm3 ± 0.05"; "1--10 mS cm-1";
# "13% volume increase"), Xia 2022 ("1.19 and 0.23 mS/cm", Li transference "about 0.83",
# "lattice parameter of Li3OCl is 3.91 Å", "13-22 meV per atom"), Zhang 2024 (Zr-O 2.09 Å).
@pytest.mark.parametrize(
    ("origin", "of", "value", "low", "high", "unit"),
    [
        ("F0001", "high_temperature_flank", 0.29, None, None, "eV"),
        ("F0007", "", 2.31, None, None, "g/cm³"),
        ("F0015", "", None, 0.001, 0.01, "S/cm"),
        ("F0017", "", 0.13, None, None, "1"),
        ("F0070", "Zr-O", 2.09, None, None, "Å"),
        ("F0362", "Li", 0.00119, None, None, "S/cm"),
        ("F0363", "Cl", 0.00023, None, None, "S/cm"),
        ("F0364", "Li", 0.83, None, None, "1"),
        ("F0439", "a", 3.91, None, None, "Å"),
        ("F0444", "", None, 0.013, 0.022, "eV/atom"),
    ],
)
def test_values_are_the_printed_ones(
    origin: str, of: str, value: float, low: float, high: float, unit: str
) -> None:
    entry = row(origin)
    assert (entry.of, entry.value, entry.low, entry.high, entry.unit) == (
        of,
        value,
        low,
        high,
        unit,
    )


def test_picometres_become_angstrom() -> None:
    # Xia 2022, Table 1: "Cl- | 181" pm.
    radius = next(e for e in query("Cl-", quantity="ionic_radius") if e.formula == "Cl-")
    assert radius.value == 1.81


def test_an_uncertainty_is_an_error_and_a_limit_has_one_end() -> None:
    assert row("F0007").error == 0.05
    # Milan 2025: "low melting points ... (≤ 300 °C)".
    assert (row("F0011").low, row("F0011").high) == (None, 573.15)
    # Zhang 2024: "over 10-2 S cm-1".
    assert (row("F0051").low, row("F0051").high) == (0.01, None)


def test_an_order_of_magnitude_is_half_a_decade_wide_each_way() -> None:
    # Milan 2025: "~ 10-6 S cm-1".
    entry = row("F0010")
    assert entry.low == pytest.approx(10**-6.5)
    assert entry.high == pytest.approx(10**-5.5)


def test_errors_in_print_travel_with_the_row() -> None:
    assert "exponent sign lost" in row("F0225").note
    assert "correct unit is 10^-15 m" in " ".join(e.note for e in query("neutron scattering"))


def test_phases_are_a_small_set_and_keep_the_printed_words() -> None:
    phases = Counter(entry.phase for entry in observations())
    assert set(phases) == {
        "", "crystal", "glass", "claimed glass", "amorphous", "glass-ceramic", "melt", "liquid",
        "film", "polycrystal", "grain boundary", "composite", "cell", "polymer",
    }  # fmt: skip
    assert "twin-roll quenched flakes" in row("F0001").note


def test_all_words_must_match_in_any_case() -> None:
    found = query("LI3OCL transference")
    assert [entry.origin for entry in found] == ["F0364"]
    assert query(["li3ocl", "transference"]) == found
    assert query("no-such-word-anywhere") == ()


def test_conditions_narrow_the_query() -> None:
    found = query(quantity="ionic_conductivity", formula="li3ocl", phase="Glass", temperature_K=300)
    assert [entry.origin for entry in found] == ["F0015", "F0362", "F0363"]
    assert query() == observations()


def test_an_unknown_quantity_names_the_nearest() -> None:
    with pytest.raises(InputError, match="ionic_conductivity"):
        query(quantity="ionic_conductivty")
