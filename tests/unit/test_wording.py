"""Numbers as they are written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.wording import (
    estimate_text,
    interval_text,
    number_text,
    quantity_text,
    value_text,
)

POWERS = {ord(c): str(n) for n, c in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")} | {ord("⁻"): "-", ord("−"): "-"}


def read_back(text: str) -> float:
    """Read ``−1.2 × 10⁻⁶`` as a number."""
    mantissa, _, power = text.partition(" × 10")
    return float(mantissa.translate(POWERS)) * 10.0 ** int(power.translate(POWERS) or 0)


# The rule: an error keeps one significant digit, two where the first is a 1 (Particle Data
# Group, Review of Particle Physics, section 5.3, has the like), the value as many decimals.
@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.42, 0.03, "0.42 ± 0.03"),
        (0.123456, 0.0123, "0.123 ± 0.012"),
        (1.234e-6, 2e-7, "(1.2 ± 0.2) × 10⁻⁶"),
        (-0.5, 0.04, "−0.50 ± 0.04"),
        (1234.5, 23.0, "1230 ± 20"),
    ],
)
def test_digits_end_where_the_error_begins(value: float, error: float, text: str) -> None:
    assert number_text(value, error) == text


@given(st.floats(1e-12, 1e12), st.integers(2, 6))
def test_a_number_reads_back_to_its_digits(value: float, digits: int) -> None:
    assert read_back(number_text(value, digits=digits)) == pytest.approx(
        value, rel=0.51 * 10.0 ** (1 - digits)
    )


def test_intervals_show_both_ends_alike() -> None:
    assert interval_text(0.36, 0.48) == "[0.36, 0.48]"
    assert interval_text(2e-6, 4e-6) == "[2.0, 4.0] × 10⁻⁶"
    assert interval_text(None, 3.0) == "≤ 3"
    assert interval_text(4.0, None) == "≥ 4"
    assert interval_text(None, None) == ""


def row(number: Quantity) -> Observation:
    return computed(Sample("glass", "Li3OCl", "glass"), "activation_energy", number)


def test_a_row_is_written_with_unit_and_interval() -> None:
    assert value_text(row(Quantity.normal(0.42, 0.03, "eV"))) == "0.42 ± 0.03 eV [0.36, 0.48]"
    assert value_text(row(Quantity.refused("eV", "too short"))) == "refused"


def test_a_published_number_keeps_every_printed_digit() -> None:
    printed = replace(row(Quantity(3579.25, "eV")), kind="published")
    assert estimate_text(printed) == "3579.25 eV"


@pytest.mark.parametrize(
    ("quantity", "of", "method", "text"),
    [
        (
            "activation_energy",
            "Li",
            "Arrhenius, collective",
            "activation energy of Li (collective)",
        ),
        ("haven_ratio", "", "tracer over collective", "haven ratio"),
        (
            "volume_expansion",
            "",
            "against the perfect crystal at the same temperature",
            "volume expansion (against the perfect crystal)",
        ),
    ],
)
def test_numbers_of_one_quantity_are_told_apart(
    quantity: str, of: str, method: str, text: str
) -> None:
    unit = "eV" if quantity == "activation_energy" else "1"
    sample = Sample("glass", "Li3OCl", "glass")
    found = computed(sample, quantity, Quantity(1.0, unit), of=of, method=method)
    assert quantity_text(found) == text
