"""What the lines above a calorimeter's table say: direction, mass, rate, sample."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vitrolyte.data.errors import InputError

_NUMBER = r"([+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?)"
_GAP = r"[\s:;,=\t]*"
_EXO_CODE = re.compile(rf"^#?EXO{_GAP}([+-]?1)\b", re.IGNORECASE)
_UP = re.compile(
    r"\^\s*exo|exo(?:therm(?:ic|al)?)?\W{0,6}(?:direction\W{0,3}|is\s+)?(?:up|↑|\^)|↑\s*exo"
    r"|endo(?:therm(?:ic|al)?)?\W{0,6}(?:direction\W{0,3}|is\s+)?(?:down|↓)|↓\s*endo",
    re.IGNORECASE,
)
_DOWN = re.compile(
    r"\^\s*endo|exo(?:therm(?:ic|al)?)?\W{0,6}(?:direction\W{0,3}|is\s+)?(?:down|↓)|↓\s*exo"
    r"|endo(?:therm(?:ic|al)?)?\W{0,6}(?:direction\W{0,3}|is\s+)?(?:up|↑|\^)|↑\s*endo",
    re.IGNORECASE,
)
_MASSES = (
    (re.compile(rf"^#?SAMPLE MASS\s*/\s*mg{_GAP}{_NUMBER}", re.IGNORECASE), 1.0),
    (
        re.compile(
            rf"(?:sample\s*)?(?:mass|weight|size|masse|einwaage)\s*[(\[]mg[)\]]{_GAP}{_NUMBER}",
            re.IGNORECASE,
        ),
        1.0,
    ),
    (
        re.compile(
            rf"(?:mass|weight|size|masse|einwaage){_GAP}{_NUMBER}[\s,;\t]*mg\b", re.IGNORECASE
        ),
        1.0,
    ),
    (
        re.compile(
            rf"(?:mass|weight|size|masse|einwaage){_GAP}{_NUMBER}[\s,;\t]*g\b", re.IGNORECASE
        ),
        1e3,
    ),
)
_METTLER_MASS = re.compile(rf",\s*{_NUMBER}\s*mg\b")
_OTHER_MASS = re.compile(r"crucible|reference|\bref\b|pan\b|panmass|lid", re.IGNORECASE)
_RATE = re.compile(rf"{_NUMBER}\s*\(?\s*(?:°|º|deg)?\s*[CK]\s*/\s*min", re.IGNORECASE)
_SAMPLE = re.compile(r"^#?sample(?:\s*name)?\s*[:;,\t=]\s*(.+)$", re.IGNORECASE)


def exo_direction(lines: Sequence[str], file: str) -> str:
    """Return ``up`` or ``down`` where the lines say which way exothermic points, else nothing.

    Raises
    ------
    InputError
        If they say both.
    """
    said = set()
    for line in lines:
        code = _EXO_CODE.match(line.strip())
        if code:
            said.add("down" if code.group(1).startswith("-") else "up")
            continue
        said |= {way for way, words in (("up", _UP), ("down", _DOWN)) if words.search(line)}
    if len(said) > 1:
        raise InputError(
            f"{file} must say one direction of exothermic",
            received="up and down",
            remedy="correct its header, or remove it and give --exo up or --exo down",
        )
    return said.pop() if said else ""


def sample_mass_mg(lines: Sequence[str], file: str) -> float | None:
    """Return the mass of the sample, mg, where the lines say it once.

    Raises
    ------
    InputError
        If they say several: then there are several samples.
    """
    found = set()
    for line in lines:
        if _OTHER_MASS.search(line):
            continue
        for words, factor in _MASSES:
            if match := words.search(line.strip()):
                found.add(round(_float(match.group(1)) * factor, 9))
                break
    if not found:
        found = {_float(m.group(1)) for line in lines if (m := _METTLER_MASS.search(line))}
    found -= {0.0}
    if len(found) > 1:
        raise InputError(
            f"{file} must hold one sample",
            received="masses of " + ", ".join(f"{mass:g} mg" for mass in sorted(found)),
            remedy="export each sample to a file of its own",
        )
    mass = found.pop() if found else None
    if mass is not None and not 0 < mass < 1e6:
        raise InputError(f"{file}: the mass of a sample is above zero", received=f"{mass:g} mg")
    return mass


def one_rate(lines: Sequence[str]) -> float | None:
    """Return the rate of heating or cooling, K/min, where the lines say a single one."""
    found = {abs(_float(m.group(1))) for line in lines for m in _RATE.finditer(line)} - {0.0}
    return found.pop() if len(found) == 1 else None


def require_one_sample(lines: Sequence[str], file: str) -> None:
    """Refuse a text with several names of samples.

    Raises
    ------
    InputError
        If there are several.
    """
    names = {
        m.group(1).strip().strip(",;\t") for line in lines if (m := _SAMPLE.match(line.strip()))
    }
    names.discard("")
    if len(names) > 1:
        raise InputError(
            f"{file} must hold one sample",
            received="samples " + ", ".join(repr(name[:40]) for name in sorted(names)[:4]),
            remedy="export each sample to a file of its own",
        )


def _float(text: str) -> float:
    return float(text.replace(",", "."))
