"""Names and units out of the headings of columns, in the styles that instruments have."""

from __future__ import annotations

import re

from vitrolyte.data.io.instruments.unit_words import is_unit

_BRACKETS = re.compile(r"^(.*?)\s*\[([^\[\]]*)\]\s*$")
_TAIL = re.compile(r"^(.*?)\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\)\s*$")
_SUFFIX = re.compile(
    r"^(.*?)_(m?Hz|kHz|MHz|[kMm]?ohm|K|degC|s|ms|min|h|m?V|[mun]?A|k?g|mg|m?Ah|T|ppm|cm|mm|"
    r"um|nm|deg|percent|second|hour|volt|ampere|hertz|kelvin|S_per_cm|mS_per_cm|S_per_m|K_per_min|per_s)$",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"h+:m+(in)?:s+(\.ms)?", re.IGNORECASE)
_PRIMES = (("″", "''"), ('"', "''"), ("”", "''"), ("′", "'"), ("’", "'"), ("`", "'"), ("´", "'"))


def split_heading(text: str) -> tuple[str, str]:
    """Return name and unit of a heading.

    Understood are ``Z' (Ohm)``, ``Time[s]``, ``freq/Hz``, ``DSC/(mW/mg)``, ``T, K``,
    ``Temp./°C`` and ``thickness_cm``. A bracket that holds no unit belongs to the name.
    """
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1].strip()
    found = _BRACKETS.match(text)
    if found and found.group(1):
        return found.group(1), found.group(2).strip()
    found = _TAIL.match(text)
    if found and found.group(1) and _unit_like(found.group(2)):
        return found.group(1).rstrip("/").strip(), found.group(2).strip()
    return _slashed(text) or _listed(text) or _suffixed(text) or (text, "")


def _unit_like(text: str) -> bool:
    clock = _CLOCK.fullmatch(text.strip())
    return is_unit(text) or clock is not None or text.strip().startswith(("°", "%"))


def _slashed(text: str) -> tuple[str, str] | None:
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter in "([") - (letter in ")]")
        if letter == "/" and depth == 0 and place > 0:
            name, unit = text[:place].strip(), text[place + 1 :].strip()
            unit = unit[1:-1] if unit.startswith("(") and unit.endswith(")") else unit
            if _unit_like(unit) and not name.replace(".", "").isdigit():
                return name, unit
    return None


def _listed(text: str) -> tuple[str, str] | None:
    name, comma, unit = text.rpartition(",")
    return (name.strip(), unit.strip()) if comma and name.strip() and is_unit(unit) else None


def _suffixed(text: str) -> tuple[str, str] | None:
    found = _SUFFIX.match(text)
    if not found or not found.group(1):
        return None
    unit = found.group(2).replace("_per_", "/").replace("per_", "1/")
    return found.group(1), {"percent": "%"}.get(unit, unit)


def plain_name(name: str) -> str:
    """Return a name as names are compared: lower case, one kind of prime, single blanks."""
    for mark, plain in _PRIMES:
        name = name.replace(mark, plain)
    return " ".join(name.replace("_", " ").lower().split())
