"""X-ray absorption as columns of text: μ(E), detectors of a beamline, or χ(k)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.delimited import Column, Delimited, read_delimited
from vitrolyte.data.measurement import Measurement
from vitrolyte.data.spectroscopy import absorption_curve, fine_structure_curve

Floats = NDArray[np.float64]
Signal = Literal["auto", "mu", "transmission", "fluorescence", "chi"]

_ENERGY: tuple[str, ...] = (
    "energy",
    "e",
    "mono energy",
    "enc energy",
    "energy requested",
    "energy attained",
)
_ENERGY += ("requested energy", "achieved energy", "photon energy", "bragg energy", "en")
_MU: tuple[str, ...] = (
    "mu",
    "xmu",
    "mutrans",
    "mufluor",
    "mu(e)",
    "absorption",
    "absorbance",
    "norm",
    "mux",
)
_MU += ("normalized", "normalised", "flat", "xanes", "abs", "ln(i0/i1)", "mu trans", "mu fluor")
_I0 = ("i0", "io", "i 0", "i0eh1", "monitor", "ion chamber 0", "det i0")
_TRANSMITTED = ("it", "i1", "itrans", "itr", "transmission", "i1eh2", "trans")
_FLUORESCENCE = ("if", "iff", "ifluor", "fluo", "fluor", "fluorescence", "ff", "lytle", "pips")
_K, _CHI = ("k", "k(a^-1)", "k(1/a)", "wavenumber"), ("chi", "chi(k)", "chik", "exafs")
_XDI = re.compile(r"^\W*column\.(\d+)\s*[:=]\s*(\S+)(?:\s+(\S+))?", re.IGNORECASE)
_REMARK = "#;%*!"


@dataclass(frozen=True)
class ColumnRule:
    """Which columns of a text hold what.

    Attributes
    ----------
    signal
        ``mu`` a column of μ; ``transmission`` ln(i0/it); ``fluorescence`` if/i0; ``chi`` χ(k);
        ``auto`` the one that the names allow.
    columns
        Names or numbers (from 1) by role, ``{"energy": "1", "i0": "2", "it": "3"}``; the roles
        are energy, mu, i0, it, if, k and chi.
    energy_unit
        ``eV``, ``keV``, or ``auto`` for what the heading says.

    Raises
    ------
    InputError
        If a role is unknown.
    """

    signal: Signal = "auto"
    columns: tuple[tuple[str, str], ...] = ()
    energy_unit: Literal["auto", "eV", "keV"] = "auto"

    def __post_init__(self) -> None:
        strangers = {role for role, _ in self.columns} - set(_NAMES)
        if strangers:
            raise InputError(
                f"Columns have the roles {', '.join(_NAMES)}", received=", ".join(strangers)
            )


_NAMES: dict[str, tuple[str, ...]] = {
    "energy": _ENERGY,
    "mu": _MU,
    "i0": _I0,
    "it": _TRANSMITTED,
    "if": _FLUORESCENCE,
    "k": _K,
    "chi": _CHI,
}
_NEEDED = {
    "mu": ("energy", "mu"),
    "transmission": ("energy", "i0", "it"),
    "fluorescence": ("energy", "i0", "if"),
    "chi": ("k", "chi"),
}


def read_columns(path: Path, rule: ColumnRule | None = None) -> tuple[Measurement, ...]:
    """Return the spectrum of a text with columns.

    Raises
    ------
    InputError
        If it is no table, a column that is needed is missing or could be two things, energies
        have no unit and could be eV or keV, or a detector reads zero or less.
    """
    rule = rule or ColumnRule()
    table = _named(read_delimited(path))
    roles = _roles(table, rule)
    signal = _signal(roles, rule, table)
    parts = [roles[role] for role in _NEEDED[signal]]
    notes = (f"{signal}: columns {', '.join(repr(part.name) for part in parts)}",)
    if signal == "chi":
        curve = fine_structure_curve(parts[0].values, parts[1].values, path.name)
    else:
        energy = _energies(parts[0], rule, path.name)
        curve = absorption_curve(energy, _absorption(signal, parts[1:], path.name), path.name)
    return (Measurement(curve, file=path.name, format=_format(table), notes=notes),)


def _format(table: Delimited) -> str:
    head = " ".join(table.header[:3]).lower()
    if "xdi/" in head or "format xdi" in head:
        return "XDI"
    return "SPEC columns" if any(line.startswith("#L") for line in table.header) else "columns"


def _named(table: Delimited) -> Delimited:
    """Return the table with the names that XDI, SPEC or the last remark give to its columns."""
    names = _xdi_names(table) or _remark_names(table)
    if names is None:
        return table
    columns = tuple(
        replace(column, name=name, unit=unit or column.unit)
        for column, (name, unit) in zip(table.columns, names)
    )
    return replace(table, columns=columns)


def _xdi_names(table: Delimited) -> list[tuple[str, str]] | None:
    found = {int(m[1]): (m[2], m[3] or "") for line in table.header if (m := _XDI.match(line))}
    wanted = range(1, len(table.columns) + 1)
    return [found[n] for n in wanted] if found and all(n in found for n in wanted) else None


def _remark_names(table: Delimited) -> list[tuple[str, str]] | None:
    """Return the words of the last remark above the numbers, where they are as many as columns."""
    if any(_has(table, role) for role in ("energy", "k")):
        return None
    for line in reversed(table.header):
        plain = line.strip()
        if plain.startswith("#L"):
            words = [w for w in re.split(r"\s{2,}|\t", plain[2:].strip()) if w]
            words = words if len(words) == len(table.columns) else plain[2:].split()
        elif plain[:1] in _REMARK:
            words = plain.lstrip(_REMARK + " ").split()
        else:
            continue
        if len(words) == len(table.columns):
            return [(word, "") for word in words]
    return None


def _has(table: Delimited, role: str) -> bool:
    return table.column(*_NAMES[role]) is not None


def _roles(table: Delimited, rule: ColumnRule) -> dict[str, Column]:
    told = dict(rule.columns)
    found: dict[str, Column] = {}
    for role, names in _NAMES.items():
        column = _told(table, told[role]) if role in told else table.column(*names)
        if column is not None:
            found[role] = column
    if not found and len(table.columns) == 2:
        return _two_bare_columns(table)
    return found


def _told(table: Delimited, which: str) -> Column:
    if which.isdigit() and 1 <= int(which) <= len(table.columns):
        return table.columns[int(which) - 1]
    return table.need(which)


def _two_bare_columns(table: Delimited) -> dict[str, Column]:
    """Return two columns without names as μ(E) or χ(k), which their ranges tell apart."""
    x, y = table.columns
    if x.values[-1] > 1000.0:
        return {"energy": x, "mu": y}
    if 0.0 <= x.values[0] < 5.0 and 6.0 < x.values[-1] < 40.0 and np.abs(y.values).max() < 5.0:
        return {"k": x, "chi": y}
    return {}


def _signal(roles: dict[str, Column], rule: ColumnRule, table: Delimited) -> str:
    possible = [name for name, needed in _NEEDED.items() if all(role in roles for role in needed)]
    if rule.signal != "auto":
        if rule.signal in possible:
            return rule.signal
        missing = [role for role in _NEEDED[rule.signal] if role not in roles]
        raise _lacking(table, f"columns for {rule.signal}: {', '.join(missing)}")
    if "mu" in possible:
        return "mu"
    if len(possible) > 1:
        raise InputError(
            f"{table.file} holds several signals, and one has to be chosen",
            received=", ".join(possible),
            remedy=f"give --signal {possible[0]} or --signal {possible[1]}",
        )
    if not possible:
        raise _lacking(table, "a column of μ(E), of i0 with it or if, or of χ(k)")
    return possible[0]


def _lacking(table: Delimited, what: str) -> InputError:
    names = [column.name or f"number {n}" for n, column in enumerate(table.columns, start=1)]
    return InputError(
        f"{table.file} needs {what}",
        received=f"columns {', '.join(names)}",
        remedy="say which by --columns energy=1,i0=2,it=3 (numbers or names)",
    )


def _energies(column: Column, rule: ColumnRule, name: str) -> Floats:
    unit = rule.energy_unit if rule.energy_unit != "auto" else column.unit
    if unit in ("eV", "keV"):
        return column.values * (1000.0 if unit == "keV" else 1.0)
    if unit.lower().startswith("deg"):
        raise InputError(f"{name} needs energies", received="angles of a monochromator")
    if float(column.values.min()) > 1000.0:
        return column.values
    raise InputError(
        f"{name} needs energies with a unit",
        received=f"{column.values[0]:g} to {column.values[-1]:g} without one",
        remedy="give --energy-unit eV or --energy-unit keV",
    )


def _absorption(signal: str, parts: list[Column], name: str) -> Floats:
    if signal == "mu":
        return parts[0].values
    i0, other = parts[0].values, parts[1].values
    bad = i0 <= 0 if signal == "fluorescence" else (i0 / np.where(other == 0, np.nan, other)) <= 0
    bad = bad | ((other == 0) if signal == "transmission" else False)
    if np.any(bad):
        raise InputError(
            f"The detectors of {name} must read above zero",
            received=f"{int(np.sum(bad))} points of {len(i0)} that do not",
            remedy="remove these points, or check the dark currents and the columns",
        )
    return np.asarray(np.log(i0 / other) if signal == "transmission" else other / i0, dtype=float)
