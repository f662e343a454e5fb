"""What the lines above a table say about temperature and geometry."""

from __future__ import annotations

import re
from collections.abc import Iterable

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.delimited import Delimited
from vitrolyte.data.measurement import Conditions

_NUMBER = r"([-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?)"
_TEMPERATURE = re.compile(
    rf"(?i)\btemp(?:erature|\.)?\b[^\d+\-\n]{{0,25}}?{_NUMBER}\s*(°\s?C|º\s?C|deg\s?C|C|K)\b"
)
_UNIT_FIRST = re.compile(
    r"(?i)\btemp(?:erature|\.)?\s*[\[(/]?\s*(°\s?C|º\s?C|deg\s?C|C|K)\s*[\])]?"
    rf"\s*[:=,;\t ]\s*{_NUMBER}"
)
_THICKNESS = re.compile(rf"(?i)\bthickness\b[^\d\n]{{0,15}}?{_NUMBER}\s*(µm|um|mm|cm)\b")
_CM = {"µm": 1e-4, "um": 1e-4, "mm": 0.1, "cm": 1.0}
_COLDEST_K, _HOTTEST_K = 1.0, 3000.0


def header_conditions(
    lines: Iterable[str], *, area_cm2: float | None = None, default_area_cm2: float | None = None
) -> tuple[Conditions, tuple[str, ...]]:
    """Return temperature, thickness and area that a header states, and notes on them.

    A number counts only with its unit, and only where the header does not contradict itself. An
    area that a program writes when nobody gave one is no area.

    Parameters
    ----------
    area_cm2
        Area that the format's own entry gives.
    default_area_cm2
        What the program writes there when nobody gave an area.
    """
    text = "\n".join(lines)
    temperature, notes = _temperature(text)
    thickness = {_number(found[0]) * _CM[found[1].lower()] for found in _THICKNESS.findall(text)}
    if area_cm2 is not None and (area_cm2 <= 0 or area_cm2 == default_area_cm2):
        if area_cm2 > 0:
            notes = (*notes, f"the area {area_cm2:g} cm² is the program's own and is not taken")
        area_cm2 = None
    thick = next(iter(thickness)) if len(thickness) == 1 and min(thickness) > 0 else None
    try:
        return Conditions(temperature_K=temperature, thickness_cm=thick, area_cm2=area_cm2), notes
    except InputError:
        return Conditions(temperature_K=temperature), notes


def _temperature(text: str) -> tuple[float | None, tuple[str, ...]]:
    pairs = _TEMPERATURE.findall(text)
    pairs += [(number, unit) for unit, number in _UNIT_FIRST.findall(text)]
    kelvin = {round(_kelvin(_number(number), unit), 4) for number, unit in pairs}
    plausible = {value for value in kelvin if _COLDEST_K <= value <= _HOTTEST_K}
    if len(plausible) == 1:
        return plausible.pop(), ()
    if len(plausible) > 1:
        listed = ", ".join(f"{value:g} K" for value in sorted(plausible))
        return None, (f"the header names several temperatures ({listed}); none is taken",)
    return None, ()


def _number(text: str) -> float:
    return float(text.replace(",", "."))


def _kelvin(value: float, unit: str) -> float:
    return value if unit.upper() == "K" else value + 273.15


def column_temperature(table: Delimited) -> float | None:
    """Return the temperature of a column of temperatures, where it is steady and plausible."""
    column = table.column("Temperature", "Temp", "Temp.", "T")
    if column is None or not column.unit or len(column.values) == 0:
        return None
    try:
        kelvin = column.to("K")
    except InputError:
        return None
    middle = float(kelvin[len(kelvin) // 2])
    steady = float(kelvin.max() - kelvin.min()) < 2.0
    return middle if steady and _COLDEST_K <= middle <= _HOTTEST_K else None
