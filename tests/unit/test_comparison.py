"""What may be said of a computed number beside a published one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.vocabulary import unit_of
from vitrolyte.literature.table import observations
from vitrolyte.study.comparison import Comparison, compare, formula_key

GLASS = Sample("antiperovskite glass", "Li3OCl", "glass")
COLD = replace(GLASS, temperature_K=300.0)


def published(quantity: str, **columns: object) -> Observation:
    bare = computed(GLASS, quantity, Quantity.refused(unit_of(quantity), ""))
    return replace(bare, kind="published", status="ok", origin="P", **columns)  # type: ignore[arg-type]


def only(row: Observation, *others: Observation) -> Comparison:
    (pair,) = compare([row], others)
    return pair


def energy(value: float, error: float) -> Observation:
    return computed(GLASS, "activation_energy", Quantity.normal(value, error, "eV"))


def conductivity(low: float, value: float, high: float, *, of: str = "") -> Observation:
    number = Quantity(value, "S/cm", low=low, high=high)
    return computed(COLD, "ionic_conductivity", number, of=of, method="collective")


# z = |0.40 - 0.48| / sqrt(0.03² + 0.04²) = 1.6 < 1.96; with 0.52 it is 2.4.
@pytest.mark.parametrize(("other", "verdict"), [(0.48, "agrees"), (0.52, "disagrees")])
def test_two_errors_are_combined(other: float, verdict: str) -> None:
    pair = only(energy(0.40, 0.03), published("activation_energy", value=other, error=0.04))
    assert pair.verdict == verdict
    assert f"{abs(other - 0.4) / 0.05:.1f} of their combined errors" in pair.reason
    assert pair.difference == pytest.approx(0.40 - other)


@given(st.floats(0.1, 1.0), st.floats(0.1, 1.0), st.floats(0.01, 0.3), st.floats(0.01, 0.3))
def test_the_verdict_does_not_depend_on_which_side_is_ours(
    a: float, b: float, ea: float, eb: float
) -> None:
    one = only(energy(a, ea), published("activation_energy", value=b, error=eb))
    two = only(energy(b, eb), published("activation_energy", value=a, error=ea))
    assert one.verdict == two.verdict


def test_a_published_value_without_error_is_judged_by_our_interval_and_it_is_said() -> None:
    inside = only(energy(0.40, 0.03), published("activation_energy", value=0.42))
    outside = only(energy(0.30, 0.03), published("activation_energy", value=0.42))
    assert (inside.verdict, outside.verdict) == ("agrees", "disagrees")
    assert "states no error and lies inside the computed interval" in inside.reason
    assert "outside" in outside.reason


def test_the_last_printed_digit_is_all_that_a_printed_value_says() -> None:
    # 0.42 stands for 0.415 to 0.425: an interval that ends at 0.417 reaches it, at 0.41 not.
    number = Quantity(0.40, "eV", low=0.39, high=0.417)
    row = computed(GLASS, "activation_energy", number)
    assert only(row, published("activation_energy", value=0.42)).verdict == "agrees"
    short = replace(row, high=0.41)
    assert only(short, published("activation_energy", value=0.42)).verdict == "disagrees"


def test_a_printed_range_agrees_when_the_intervals_meet() -> None:
    known = published("ionic_conductivity", low=1e-3, high=1e-2, temperature_K=300.0)
    assert only(conductivity(4e-4, 8e-4, 2e-3), known).verdict == "agrees"
    low = only(conductivity(4e-5, 8e-5, 2e-4), known)
    assert low.verdict == "disagrees"
    assert "wholly below" in low.reason


def test_a_printed_limit_is_open_on_one_side() -> None:
    floor = published("ionic_conductivity", value=1e-2, low=1e-2, temperature_K=300.0)
    assert only(conductivity(0.1, 0.2, 0.4), floor).verdict == "agrees"
    assert only(conductivity(1e-4, 2e-4, 4e-4), floor).verdict == "disagrees"


def test_conductivities_are_compared_as_factors() -> None:
    # A factor of 3 either way on both sides: log10 difference 0.6 of a decade, sigma 0.243 each,
    # z = 0.6 / (0.243 √2) = 1.74. In linear terms 1 ± 0.66 and 4 ± 2.7 would mislead.
    ours = conductivity(1 / 3, 1.0, 3.0)
    theirs = published("ionic_conductivity", value=4.0, error=2.0, temperature_K=300.0)
    pair = only(ours, replace(theirs, low=4 / 3, high=12.0))
    assert pair.verdict == "agrees"
    assert pair.ratio == pytest.approx(0.25)
    assert pair.difference is None


def test_an_interval_that_would_agree_with_anything_agrees_with_nothing() -> None:
    wide = only(conductivity(1e-6, 1e-4, 1e-2), published("ionic_conductivity", value=2e-4))
    assert wide.verdict == "cannot be judged"
    assert "spans 4.0 decades" in wide.reason
    loose = only(energy(0.16, 0.6), published("activation_energy", value=0.42))
    assert loose.verdict == "cannot be judged"
    assert "too wide to tell" in loose.reason
    # it may still exclude: five decades away is away
    far = only(conductivity(1e-6, 1e-4, 1e-2), published("ionic_conductivity", value=1e3))
    assert far.verdict == "disagrees"


def test_a_refused_value_is_not_judged() -> None:
    row = computed(GLASS, "activation_energy", Quantity.refused("eV", "no hop was seen"))
    pair = only(row, published("activation_energy", value=0.42))
    assert pair.verdict == "cannot be judged"
    assert "no hop was seen" in pair.reason


def test_no_partner_is_said() -> None:
    pair = only(energy(0.4, 0.03))
    assert (pair.reference, pair.verdict) == (None, "cannot be judged")
    assert "No published value for the activation energy in Li3OCl glass" in pair.reason


def test_without_any_error_nothing_is_judged() -> None:
    row = computed(GLASS, "activation_energy", Quantity(0.4, "eV"))
    assert only(row, published("activation_energy", value=0.4)).verdict == "cannot be judged"


def test_temperatures_apart_are_named_and_not_judged() -> None:
    hot = replace(conductivity(0.1, 0.2, 0.4), temperature_K=700.0)
    known = published("ionic_conductivity", value=0.2, temperature_K=300.0)
    pair = only(hot, known)
    assert pair.verdict == "cannot be judged"
    assert "700 K" in pair.reason
    assert "300 K" in pair.reason
    # Xia 2022 prints 27 °C = 300.15 K for what others call 300 K.
    near = replace(known, temperature_K=300.15)
    assert only(conductivity(0.1, 0.2, 0.4), near).verdict == "agrees"


@pytest.mark.parametrize(
    "other",
    [
        {"phase": "crystal"},
        {"formula": "Na3OCl"},
        {"quantity": "migration_barrier"},
        {"of": "LiCl Schottky"},
    ],
)
def test_phases_formulas_quantities_and_species_never_mix(other: dict[str, object]) -> None:
    known = replace(published("activation_energy", value=0.4), **other)  # type: ignore[arg-type]
    assert only(energy(0.4, 0.03), known).reference is None


def test_a_partial_value_is_not_set_beside_the_whole() -> None:
    known = published("ionic_conductivity", value=1e-3, of="Cl", temperature_K=300.0)
    assert only(conductivity(1e-4, 1e-3, 1e-2), known).reference is None
    whole = replace(known, of="")
    assert only(conductivity(1e-4, 1e-3, 1e-2, of="Cl"), whole).reference is None
    lithium = only(conductivity(1e-4, 1e-3, 1e-2, of="Li"), whole)
    assert "does not say of what" in lithium.reason


def test_a_simulation_that_does_not_name_its_conductivity_is_said_so() -> None:
    known = published("ionic_conductivity", value=1e-3, temperature_K=300.0, method="MD")
    pair = only(conductivity(1e-4, 1e-3, 1e-2), known)
    assert "does not say tracer or collective (this one is collective)" in pair.reason


def test_one_formula_has_one_key() -> None:
    assert formula_key("Li3OCl") == formula_key("Li3ClO") == formula_key("OLi3Cl")
    assert formula_key("Li3OCl") != formula_key("Li3OCl2")
    assert formula_key("LiBr.H2O") == "LiBr.H2O"
    assert formula_key("Li6Zr2Cl8O3") == formula_key("Li3ZrCl4O1.5")
    assert formula_key("Li2(OH)Br") == formula_key("Li2OHBr")


def test_the_known_li3ocl_glass_rows_find_their_partners() -> None:
    rows = [
        conductivity(1e-4, 1e-3, 1e-2),
        conductivity(1e-4, 1e-3, 1e-2, of="Li"),
        conductivity(1e-4, 1e-3, 1e-2, of="Cl"),
        energy(0.42, 0.02),
        computed(COLD, "volume_expansion", Quantity.normal(0.13, 0.01, "1")),
        computed(COLD, "transference_number", Quantity.normal(0.83, 0.05, "1"), of="Li"),
    ]
    pairs = compare(rows, observations())
    found = [(pair.row.of, pair.reference and pair.reference.origin) for pair in pairs]
    assert found == [
        ("", "F0015"), ("Li", "F0015"), ("Li", "F0362"), ("Cl", "F0363"), ("", "F0016"),
        ("", "F0017"), ("Li", "F0364"),
    ]  # fmt: skip
    assert {pair.verdict for pair in pairs} == {"agrees"}


def measured_energy(value: float, error: float) -> Observation:
    return replace(energy(value, error), kind="measured")


def test_a_computed_row_stands_beside_measured_and_published_ones() -> None:
    known = published("activation_energy", value=0.41, error=0.02)
    own, lab = energy(0.40, 0.03), measured_energy(0.55, 0.01)
    pairs = compare([own, lab], [known])
    found = [
        (pair.row.kind, pair.reference and pair.reference.kind, pair.verdict) for pair in pairs
    ]
    assert found == [
        ("computed", "measured", "disagrees"),
        ("computed", "published", "agrees"),
        ("measured", "published", "disagrees"),
    ]
    assert pairs[0].reason.startswith("Computed 0.4")
    assert "measured 0.55" in pairs[0].reason


def test_a_refused_measurement_is_no_reference() -> None:
    refused = computed(GLASS, "activation_energy", Quantity.refused("eV", "one temperature"))
    pairs = compare([energy(0.4, 0.03), replace(refused, kind="measured")], [])
    assert [pair.reference for pair in pairs] == [None, None]
