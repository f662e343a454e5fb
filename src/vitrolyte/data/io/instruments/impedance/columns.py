"""Which columns of a table are frequency and impedance, and spectra out of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError, UnitError
from vitrolyte.data.io.instruments.delimited import Column, Delimited
from vitrolyte.data.io.instruments.heading import plain_name
from vitrolyte.data.measurement import Conditions, Measurement

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Places = NDArray[np.intp]
Role = Literal["frequency", "real", "imaginary", "minus imaginary", "modulus", "phase", ""]

FREQUENCY = Axis("frequency", "Hz")
IMPEDANCE = Axis("impedance", "ohm")

_FEWEST = 3
_HIGHEST_HZ = 1e13
_LARGEST_OHM = 1e20
_BLANKS = re.compile(r"[\s\[\](){}.,:*^_]")
_WORDS: tuple[tuple[Role, str], ...] = (
    ("frequency", r"f|fr|freqs?|frequenc(y|ies)|frequencyhz|freqhz|fhz"),
    ("minus imaginary", r"(-|neg|minus)(imz?|z''b?|zs''|z?imag(inary)?z?|zim|zimg|zi|x)"),
    ("imaginary", r"imz?|z''b?|zs''|z?imag(inary)?z?(part)?|zim|zimg|zi|x|imaginaryimpedance"),
    ("real", r"rez?|z'a?|zs'|z?real(z|part)?|zre|zr|r|realimpedance"),
    (
        "modulus",
        r"\|zs?\|s?|zmod(ulus)?|modz|modulus(z)?|absz|zabs|z|magnitude|zmag|magz|impedance",
    ),
    ("phase", r"-?(phase(of)?(z|angle)?|zphz|zphase|theta|θ|phi|φ|argz|zphi|phaseshift)"),
)
_FORMS = tuple((role, re.compile(words)) for role, words in _WORDS)


@dataclass(frozen=True)
class Source:
    """Where spectra come from: file, format, and what is known of all of them."""

    file: str
    format: str
    conditions: Conditions = field(default_factory=Conditions)
    notes: tuple[str, ...] = ()


def role_of(name: str) -> Role:
    """Return what a column of that name holds in an impedance file, or nothing."""
    plain = _BLANKS.sub("", plain_name(name.replace("−", "-").replace("–", "-")))
    return next((role for role, form in _FORMS if form.fullmatch(plain)), "")


def spectra_of_table(table: Delimited, source: Source) -> tuple[Measurement, ...]:
    """Return the spectra of a table, one for each loop.

    Columns are known by their names; ``-Im(Z)`` and ``-Z''`` are turned to the physical sign, a
    bare ``Z''`` is taken as it is named.

    Raises
    ------
    InputError
        If frequency or impedance is missing or not finite.
    UnitError
        If a unit does not fit.
    """
    found = _columns_by_role(table)
    if "frequency" not in found:
        raise InputError(
            f"{table.file} needs a column of frequencies",
            received=f"columns {', '.join(map(repr, table.names)) or 'none'}",
            remedy="name the columns in a line above the numbers, as in "
            "frequency (Hz), Z' (ohm), Z'' (ohm)",
        )
    notes = source.notes + tuple(
        f"{column.name} has no unit and is taken to be in {unit}"
        for role, unit in (("frequency", "Hz"), ("real", "ohm"), ("modulus", "ohm"))
        if (column := found.get(role)) is not None and not column.unit
    )
    frequency = found["frequency"].to("Hz", default="Hz")
    impedance = _impedance(found, table)
    loops = _loop_column(table)
    return split_spectra(frequency, impedance, replace(source, notes=notes), loops=loops)


def _columns_by_role(table: Delimited) -> dict[str, Column]:
    found: dict[str, Column] = {}
    for column in table.columns:
        role = role_of(column.name)
        if role and role not in found:
            found[role] = column
    for name, fault in table.flawed:
        if role_of(name) and role_of(name) not in found:
            raise InputError(
                f"The column {name!r} of {table.file} must hold numbers only", received=fault
            )
    return found


def _impedance(found: dict[str, Column], table: Delimited) -> Complexes:
    if "real" in found and ("imaginary" in found or "minus imaginary" in found):
        impedance = np.empty(len(found["real"].values), dtype=complex)
        impedance.real = _ohm(found["real"], table.file)
        if "minus imaginary" in found:
            impedance.imag = -_ohm(found["minus imaginary"], table.file)
        else:
            impedance.imag = _ohm(found["imaginary"], table.file)
        return impedance
    if "modulus" in found and "phase" in found:
        return _polar(found["modulus"], found["phase"], table.file)
    raise InputError(
        f"{table.file} needs the real and the imaginary part, or modulus and phase",
        received=f"columns {', '.join(map(repr, table.names))}",
        remedy="name the columns as in frequency (Hz), Z' (ohm), Z'' (ohm)",
    )


def _ohm(column: Column, file: str) -> Floats:
    try:
        return column.to("ohm", default="ohm")
    except UnitError as fault:
        raise UnitError(
            f"The column {column.name!r} of {file} must be an impedance in ohm",
            received=repr(column.unit),
            remedy="export the impedance itself, not one multiplied by an area or a length",
        ) from fault


def _polar(modulus: Column, phase: Column, file: str) -> Complexes:
    if not phase.unit:
        raise UnitError(
            f"The phase {phase.name!r} of {file} needs a unit",
            received="none",
            remedy="write (deg) or (rad) behind the name of the column",
        )
    angle = np.radians(phase.to("deg"))
    sign = -1.0 if phase.name.strip()[:1] in ("-", "−", "–") else 1.0
    return np.asarray(_ohm(modulus, file) * np.exp(1j * sign * angle))


def _loop_column(table: Delimited) -> NDArray[np.float64] | None:
    column = table.column("cycle number", "z cycle", "loop", "cycle")
    return None if column is None else column.values


def split_spectra(
    frequency_Hz: Floats,
    impedance_ohm: Complexes,
    source: Source,
    *,
    loops: Floats | None = None,
) -> tuple[Measurement, ...]:
    """Return one measurement for each loop of a file.

    A loop ends where its number changes, or where the frequency, having gone one way, jumps back.
    Rows without a frequency (waiting times between loops) are left out, and a note says so.

    Raises
    ------
    InputError
        If a number is not finite, a frequency is negative, or too few points are there.
    """
    _refuse_implausible(frequency_Hz, impedance_ohm, source.file)
    kept = frequency_Hz > 0
    notes = source.notes
    if not kept.all():
        notes = (*notes, f"{int((~kept).sum())} rows without a frequency are left out")
    parts = _loops(frequency_Hz, kept, loops)
    found = [part for part in parts if len(part) >= _FEWEST]
    if not found:
        raise InputError(
            f"{source.file} needs a spectrum of at least {_FEWEST} points",
            received=f"{int(kept.sum())} points with a frequency",
        )
    if len(found) < len(parts):
        left = len(parts) - len(found)
        notes = (*notes, f"{left} loops of fewer than {_FEWEST} points are left out")
    return tuple(
        Measurement(
            Curve(frequency_Hz[part], impedance_ohm[part], FREQUENCY, IMPEDANCE, label=source.file),
            source.conditions,
            file=source.file,
            format=source.format,
            part=f"loop {number}" if len(found) > 1 else "",
            notes=notes,
        )
        for number, part in enumerate(found, start=1)
    )


def _refuse_implausible(frequency_Hz: Floats, impedance_ohm: Complexes, file: str) -> None:
    for name, values in (("frequency", frequency_Hz), ("impedance", impedance_ohm)):
        limit = _HIGHEST_HZ if name == "frequency" else _LARGEST_OHM
        wrong = ~np.isfinite(values) | (np.abs(values) > limit)
        if name == "frequency":
            wrong |= np.asarray(frequency_Hz < 0)
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise InputError(
                f"Every {name} of {file} must be a finite, plausible number",
                received=f"{values[row]} in row {row + 1} of the table",
            )


def _loops(frequency_Hz: Floats, kept: NDArray[np.bool_], loops: Floats | None) -> list[Places]:
    places = np.flatnonzero(kept)
    if len(places) < 2:
        return [places]
    if loops is not None and len(np.unique(loops[places])) > 1:
        cuts = np.flatnonzero(np.diff(loops[places])) + 1
        return [part for block in np.split(places, cuts) for part in _sweeps(frequency_Hz, block)]
    return _sweeps(frequency_Hz, places)


def _sweeps(frequency_Hz: Floats, places: Places) -> list[Places]:
    """Split where the frequency jumps back over more than half of its range of decades."""
    steps = np.diff(np.log(frequency_Hz[places]))
    if len(steps) < 2 or not np.any(steps):
        return [places]
    direction = np.sign(np.median(np.sign(steps)))
    span = float(np.ptp(np.log(frequency_Hz[places])))
    back = (np.sign(steps) == -direction) & (np.abs(steps) > 0.5 * span)
    return np.split(places, np.flatnonzero(back) + 1)
