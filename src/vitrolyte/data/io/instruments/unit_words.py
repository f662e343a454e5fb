"""Units as instruments write them, and what they are in another unit."""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import UnitError

Floats = NDArray[np.float64]
Dimension = tuple[int, int, int, int, int]
"""Powers of metre, kilogram, second, ampere and kelvin."""

_NONE: Dimension = (0, 0, 0, 0, 0)
_CHARGE: Dimension = (0, 0, 1, 1, 0)
_ENERGY: Dimension = (2, 1, -2, 0, 0)
_RESISTANCE: Dimension = (2, 1, -3, -2, 0)
_CONDUCTANCE: Dimension = (-2, -1, 3, 2, 0)
_PRESSURE: Dimension = (-1, 1, -2, 0, 0)
_ZERO_C_IN_K = 273.15

_PREFIXED: dict[str, tuple[float, Dimension]] = {
    "m": (1.0, (1, 0, 0, 0, 0)),
    "g": (1e-3, (0, 1, 0, 0, 0)),
    "s": (1.0, (0, 0, 1, 0, 0)),
    "A": (1.0, (0, 0, 0, 1, 0)),
    "K": (1.0, (0, 0, 0, 0, 1)),
    "Hz": (1.0, (0, 0, -1, 0, 0)),
    "V": (1.0, (2, 1, -3, -1, 0)),
    "Ohm": (1.0, _RESISTANCE),
    "S": (1.0, _CONDUCTANCE),
    "F": (1.0, (-2, -1, 4, 2, 0)),
    "H": (1.0, (2, 1, -2, -2, 0)),
    "C": (1.0, _CHARGE),
    "W": (1.0, (2, 1, -3, 0, 0)),
    "J": (1.0, _ENERGY),
    "eV": (1.602176634e-19, _ENERGY),
    "cal": (4.184, _ENERGY),
    "T": (1.0, (0, 1, -2, -1, 0)),
    "G": (1e-4, (0, 1, -2, -1, 0)),
    "Pa": (1.0, _PRESSURE),
    "bar": (1e5, _PRESSURE),
    "Ah": (3600.0, _CHARGE),
    "Wh": (3600.0, _ENERGY),
}
_BARE: dict[str, tuple[float, Dimension]] = {
    "min": (60.0, (0, 0, 1, 0, 0)),
    "h": (3600.0, (0, 0, 1, 0, 0)),
    "d": (86400.0, (0, 0, 1, 0, 0)),
    "Å": (1e-10, (1, 0, 0, 0, 0)),
    "°": (1.0, _NONE),
    "rad": (180.0 / np.pi, _NONE),
    "%": (1e-2, _NONE),
    "ppm": (1e-6, _NONE),
    "1": (1.0, _NONE),
    "atm": (101325.0, _PRESSURE),
    "counts": (1.0, _NONE),
    "cps": (1.0, (0, 0, -1, 0, 0)),
}
_PREFIXES = {
    "T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3, "c": 1e-2, "m": 1e-3, "µ": 1e-6, "u": 1e-6,
    "n": 1e-9, "p": 1e-12, "f": 1e-15,
}  # fmt: skip
_SPELLED = {
    "ohms": "Ohm", "ohm": "Ohm", "ω": "Ohm", "hz": "Hz", "khz": "kHz", "mhz": "MHz",
    "sec": "s", "sec.": "s", "secs": "s", "second": "s", "seconds": "s", "msec": "ms",
    "min": "min", "min.": "min", "mins": "min", "minute": "min", "minutes": "min", "hr": "h",
    "hrs": "h", "hour": "h", "hours": "h", "day": "d", "days": "d", "volt": "V", "volts": "V",
    "hertz": "Hz", "amp": "A", "amps": "A",
    "ampere": "A", "kelvin": "K", "degc": "°C", "deg.c": "°C", "celsius": "°C", "deg c": "°C",
    "degrees c": "°C", "℃": "°C", "ºc": "°C", "°c": "°C", "oc": "°C", "degk": "K", "degf": "°F",
    "°f": "°F", "deg": "°", "degree": "°", "degrees": "°", "º": "°", "mah": "mAh", "ah": "Ah",
    "mahr": "mAh", "amp-hr": "Ah", "wh": "Wh", "mwh": "mWh", "percent": "%",
    "farad": "F", "henry": "H", "micron": "µm", "siemens": "S", "tesla": "T", "gauss": "G",
    "angstrom": "Å", "ang": "Å", "a.u.": "counts", "arb. units": "counts", "arb.u.": "counts",
    "arb. u.": "counts", "au": "counts", "count": "counts", "cts": "counts",
    "counts/s": "cps", "unitless": "1", "dimensionless": "1", "-": "1", "grad": "°",
}  # fmt: skip
_JOINED = re.compile(r"(?i)\b(m|µ|u|k|n)?(A|W)\s*[.·*\s-]\s*h(?:r|rs)?\b")
_TOKEN = re.compile(r"([^\d^\s/·*.()⁻⁰¹²³⁴+-]+|(?<![\w²³])1(?=/|$))\^?\(?([+-]?\d+)?\)?")
_RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶", "-0123456")
_SUPERS = re.compile(r"[⁻⁰¹²³⁴⁵⁶]+")


def plain_unit(word: str) -> str:
    """Return a unit in the spelling of this module: ``Ohm``, ``µ`` of one kind, ``°C``."""
    text = word.strip().rstrip(":;").replace("Ω", "Ohm").replace("Ω", "Ohm").replace("μ", "µ")
    text = _SUPERS.sub(lambda found: "^" + found.group().translate(_RAISED), text)
    for ohm in ("OHM", "ohms", "Ohms", "ohm"):
        text = re.sub(rf"(?<![A-Za-z]){ohm}|(?<=[kmMGµu]){ohm}", "Ohm", text)
    text = _SPELLED.get(text.lower(), text) if not _exact(text) else text
    return _JOINED.sub(lambda found: (found.group(1) or "") + found.group(2).upper() + "h", text)


def is_unit(word: str) -> bool:
    """Return whether a word can be read as a unit."""
    text = plain_unit(word)
    return text in ("°C", "°F") or _measure(text) is not None


def convert(values: Floats, unit: str, to: str) -> Floats:
    """Return numbers of one unit in another.

    A ``C`` that is asked for in kelvin is a degree Celsius; otherwise it is a coulomb.

    Raises
    ------
    UnitError
        If a unit is not known, or the two measure different things.
    """
    scale, offset = _rule(plain_unit(unit), plain_unit(to), unit, to)
    if scale == 1.0 and offset == 0.0:
        return values
    return np.asarray(values * scale + offset)


def _rule(plain: str, target: str, unit: str, to: str) -> tuple[float, float]:
    """Return factor and summand that lead from one unit to the other."""
    if plain == "" and target != "1":
        raise UnitError(
            f"A unit is needed where {to} is wanted",
            received="a column without one",
            remedy="write the unit behind the name of the column, as in 'time (s)'",
        )
    if target == "K" and plain in ("°C", "C"):
        return 1.0, _ZERO_C_IN_K
    if target == "K" and plain == "°F":
        return 5.0 / 9.0, _ZERO_C_IN_K - 160.0 / 9.0
    ours, theirs = _measure(plain or "1"), _measure(target)
    if ours is None or theirs is None or ours[1] != theirs[1] or _angle(plain) != _angle(target):
        raise UnitError(f"A unit that can be turned into {to} is needed", received=repr(unit))
    return ours[0] / theirs[0], 0.0


def _angle(plain: str) -> bool:
    return plain in ("°", "rad", "mrad")


def _exact(text: str) -> bool:
    return text in _PREFIXED or text in _BARE or _prefixed(text) is not None


@lru_cache(maxsize=512)
def _measure(text: str) -> tuple[float, Dimension] | None:
    """Return the factor to SI and the powers of a product of units, or None."""
    if text in _BARE:
        return _BARE[text]
    factor, powers, place, below = 1.0, list(_NONE), 0, False
    for found in _TOKEN.finditer(text):
        between = text[place : found.start()].replace("(", "").replace(")", "").strip()
        if between not in ("", "/", "·", "*", ".", "-", "^"):
            return None
        below = below or between == "/"
        atom = _atom(found.group(1))
        if atom is None:
            return None
        power = int(found.group(2) or 1) * (-1 if below else 1)
        if abs(power) > 9:
            return None
        factor *= atom[0] ** power
        powers = [total + power * own for total, own in zip(powers, atom[1])]
        place = found.end()
    rest = text[place:].replace(")", "").strip()
    return (factor, _five(powers)) if place and not rest else None


def _five(powers: list[int]) -> Dimension:
    metre, kilogram, second, ampere, kelvin = powers
    return metre, kilogram, second, ampere, kelvin


def _atom(word: str) -> tuple[float, Dimension] | None:
    word = _SPELLED.get(word.lower(), word) if not _exact(word) else word
    if word in _BARE:
        return _BARE[word]
    if word in ("°C", "K"):
        return _PREFIXED["K"]
    return _PREFIXED.get(word) or _prefixed(word)


def _prefixed(word: str) -> tuple[float, Dimension] | None:
    if word[:1] in _PREFIXES and word[1:] in _PREFIXED:
        factor, powers = _PREFIXED[word[1:]]
        return _PREFIXES[word[0]] * factor, powers
    return None
