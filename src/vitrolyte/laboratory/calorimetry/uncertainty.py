"""Quantities from a value and what simulated noise makes of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.quantity import Quantity

Floats = NDArray[np.float64]

SCALE_UNKNOWN = "without the error of the temperature scale"
_MOST_LOST = 0.05
WIDENING = 1.05
"""The noise itself is known to some 5 % only."""


def from_draws(versions: Floats, unit: str, *, extra: float = 0.0, factor: float = 1.0) -> Quantity:
    """Return the first version with the scatter of the others as its error.

    Parameters
    ----------
    versions
        (1 + r,), the number from the record, and from it with simulated noise added.
    extra
        A further independent error.
    factor
        By which the scatter is widened.
    """
    value, others = float(versions[0]), versions[1:]
    good = others[np.isfinite(others)]
    if not np.isfinite(value) or len(good) < (1 - _MOST_LOST) * len(others):
        return Quantity.refused(unit, "the noise does not let this construction be drawn")
    # The spread of the middle 90 % forgives the odd draw that went astray.
    low, high = np.quantile(good, [0.05, 0.95])
    scatter = float(high - low) / 3.2897
    return Quantity.normal(value, float(np.hypot(WIDENING * factor * scatter, extra)), unit)


def in_doubt(number: Quantity, doubts: tuple[str, ...]) -> Quantity:
    """Return a quantity marked provisional for each doubt."""
    for doubt in doubts:
        number = number.provisional(doubt)
    return number


def noted(number: Quantity, note: str) -> Quantity:
    """Return a quantity with one more remark that does not change its status."""
    if number.status == "refused" or not note:
        return number
    joined = f"{number.note}; {note}" if number.note else note
    return Quantity(
        number.value, number.unit, number.error, number.low, number.high, number.status, joined
    )


def reasons(numbers: Iterable[Quantity]) -> tuple[str, ...]:
    """Return why quantities are provisional, each reason once."""
    found = [
        part
        for number in numbers
        if number.status == "provisional"
        for part in number.note.split("; ")
        if part != SCALE_UNKNOWN
    ]
    return tuple(dict.fromkeys(found))


def ratio_error(numbers: tuple[Quantity, ...], slopes: tuple[float, ...]) -> float:
    """Return the standard error of a function of independent numbers by its derivatives."""
    return float(np.sqrt(sum((s * n.error) ** 2 for s, n in zip(slopes, numbers, strict=True))))


def widened(number: Quantity, extra: float) -> Quantity:
    """Return a quantity with a further independent error."""
    factor = float(np.hypot(number.error, extra)) / number.error if number.error > 0 else 1.0
    low, high = (number.value + factor * (end - number.value) for end in (number.low, number.high))
    return replace(number, error=factor * number.error, low=low, high=high)
