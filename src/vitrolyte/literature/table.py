"""The published numbers, one small table per source, and the query on them.

Each file in ``data/`` holds what one paper prints, in the paper's own units and words. Reading
converts to the one unit that the vocabulary gives to each quantity and keeps everything that
qualifies the number in the note: limits, errors in print, the sentence it was read from.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from vitrolyte.data.errors import UnitError
from vitrolyte.data.observation import COLUMNS, Observation
from vitrolyte.data.vocabulary import unit_of

FACTORS: Mapping[tuple[str, str], float] = {
    ("angstrom", "Å"): 1.0,
    ("pm", "Å"): 0.01,
    ("angstrom^2", "Å²"): 1.0,
    ("1/angstrom", "1/Å"): 1.0,
    ("angstrom/fs", "Å/fs"): 1.0,
    ("fm/angstrom^3", "fm/Å³"): 1.0,
    ("um", "µm"): 1.0,
    ("cm2", "cm²"): 1.0,
    ("g/cm3", "g/cm³"): 1.0,
    ("mA/cm2", "mA/cm²"): 1.0,
    ("cm-1", "cm⁻¹"): 1.0,
    ("meV/atom", "eV/atom"): 0.001,
    ("ratio", "1"): 1.0,
    ("fraction", "1"): 1.0,
    ("count", "1"): 1.0,
    ("x", "1"): 1.0,
    ("orders", "1"): 1.0,
    ("D_eff/D_bulk", "1"): 1.0,
}
"""Factor from a printed unit to the vocabulary's unit; multiply the printed number by it."""

HALF_DECADE = math.sqrt(10.0)
"""A printed order of magnitude is taken as half a decade to either side."""

SAME_TEMPERATURE_K = 5.0
"""A query for a temperature finds rows within this distance of it, K."""

Row = Mapping[str, str]


@cache
def observations() -> tuple[Observation, ...]:
    """Return every published number as an observation, in the order of their ids.

    Raises
    ------
    InputError
        If a table uses a word that the vocabulary lacks.
    UnitError
        If a printed unit cannot be converted to the vocabulary's.
    """
    return tuple(_observation(row) for row in sorted(_rows(), key=lambda row: row["id"]))


def query(
    words: str | Sequence[str] = (),
    *,
    quantity: str | None = None,
    formula: str | None = None,
    phase: str | None = None,
    temperature_K: float | None = None,
) -> tuple[Observation, ...]:
    """Return the published numbers that fit every condition given.

    Parameters
    ----------
    words
        Free words; each must occur in some column, in upper or lower case.
    quantity
        A word of the vocabulary.
    formula, phase
        As in the columns; upper and lower case and blanks do not matter.
    temperature_K
        Rows within 5 K of it; rows without a temperature are left out.

    Raises
    ------
    InputError
        If the quantity is not in the vocabulary.
    """
    if quantity is not None:
        unit_of(quantity)
    needles = tuple(words.split() if isinstance(words, str) else " ".join(words).split())
    found = (row for row in observations() if _mentions(row, needles))
    return tuple(
        row
        for row in found
        if quantity in (None, row.quantity)
        and _same_word(formula, row.formula)
        and _same_word(phase, row.phase)
        and _near(temperature_K, row.temperature_K)
    )


def _rows() -> list[Row]:
    rows: list[Row] = []
    tables = (files("vitrolyte.literature") / "data").iterdir()
    for table in sorted(tables, key=lambda entry: entry.name):
        if table.name.endswith(".csv"):
            rows += csv.DictReader(table.read_text(encoding="utf-8").splitlines())
    return rows


def _observation(row: Row) -> Observation:
    unit = unit_of(row["quantity"])
    factor = _factor(row, unit)
    value, low, high = _interval(row, factor)
    error = _number(row["uncertainty"])
    return Observation(
        material=row["material_class"].replace("_", " "),
        formula=row["formula"],
        phase=row["phase"],
        quantity=row["quantity"],
        of=row["of"],
        value=value,
        error=None if error is None else _scaled(error, factor),
        low=low,
        high=high,
        unit=unit,
        temperature_K=_number(row["temperature_K"]),
        pressure_GPa=None,
        kind="published",
        method=row["method"],
        source=row["source"],
        origin=row["id"],
        status="ok",
        note=_note(row),
    )


def _factor(row: Row, unit: str) -> float:
    printed = row["unit"]
    if printed == unit:
        return 1.0
    if (printed, unit) not in FACTORS:
        raise UnitError(
            f"The literature row {row['id']} ({row['quantity']}) must be convertible to {unit}",
            received=repr(printed),
            remedy="add the factor to literature/table.py",
        )
    return FACTORS[printed, unit]


def _interval(row: Row, factor: float) -> tuple[float | None, float | None, float | None]:
    """Return value, low and high: a range has no value, a limit only one end."""
    value = _scaled(float(row["value"]), factor)
    top = _number(row["value_high"])
    if top is not None:
        return None, value, _scaled(top, factor)
    match row["qualifier"]:
        case "more than" | "at least":
            return value, value, None
        case "less than" | "at most":
            return value, None, value
        case "order of magnitude" if value > 0.0:
            return value, value / HALF_DECADE, value * HALF_DECADE
    return value, None, None


def _scaled(value: float, factor: float) -> float:
    # 181 pm must read 1.81 Å, not 1.8100000000000001.
    return float(f"{value * factor:.12g}")


def _number(text: str) -> float | None:
    return float(text) if text else None


def _note(row: Row) -> str:
    parts = [
        "printed as a range" if row["value_high"] else "",
        f"printed as {row['qualifier']}" if row["qualifier"] else "",
        "interval is half a decade either way" if row["qualifier"].startswith("order") else "",
        f"sample: {row['phase_or_form']}" if row["phase_or_form"] != row["phase"] else "",
        f"conditions: {row['conditions']}" if row["conditions"] else "",
        row["note"],
    ]
    return "; ".join(part for part in parts if part)


def _mentions(row: Observation, needles: Sequence[str]) -> bool:
    if not needles:
        return True
    text = " ".join(str(getattr(row, name)) for name in COLUMNS).casefold()
    return all(needle.casefold() in text for needle in needles)


def _same_word(wanted: str | None, word: str) -> bool:
    def plain(text: str) -> str:
        return "".join(text.split()).casefold()

    return wanted is None or plain(wanted) == plain(word)


def _near(wanted: float | None, temperature_K: float | None) -> bool:
    if wanted is None:
        return True
    return temperature_K is not None and abs(temperature_K - wanted) <= SAME_TEMPERATURE_K
