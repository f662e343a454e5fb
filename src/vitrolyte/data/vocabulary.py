"""The words of the column ``quantity``, one unit for each."""

from __future__ import annotations

import csv
import difflib
from functools import cache
from importlib.resources import files

from vitrolyte.data.errors import InputError, UnitError


@cache
def vocabulary() -> dict[str, str]:
    """Return unit by quantity, read from the table beside this file."""
    text = (files("vitrolyte.data") / "vocabulary.csv").read_text(encoding="utf-8")
    return {row["quantity"]: row["unit"] for row in csv.DictReader(text.splitlines())}


def unit_of(quantity: str, unit: str | None = None) -> str:
    """Return the unit of a quantity, checking a given one against it.

    Raises
    ------
    InputError
        If the word is unknown; the message names the nearest known one.
    UnitError
        If ``unit`` is given and differs.
    """
    words = vocabulary()
    if quantity not in words:
        near = difflib.get_close_matches(quantity, words, n=1)
        raise InputError(
            "A quantity takes its word from the vocabulary",
            received=repr(quantity),
            remedy=f"use {near[0]!r}" if near else "see data/vocabulary.csv",
        )
    if unit is not None and unit != words[quantity]:
        raise UnitError(
            f"{quantity} is given in {words[quantity] or 'no unit'}", received=repr(unit)
        )
    return words[quantity]
