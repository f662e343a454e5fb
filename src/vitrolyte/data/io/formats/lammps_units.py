"""LAMMPS unit styles (https://docs.lammps.org/units.html) in internal units."""

from __future__ import annotations

from dataclasses import dataclass

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.formats.options import LammpsUnits
from vitrolyte.data.io.formats.source import BOHR_TO_A


@dataclass(frozen=True)
class UnitStyle:
    """A unit style: its length in Å, its time in ps, its velocity in Å/ps."""

    length: float
    time: float
    velocity: float


STYLES: dict[str, UnitStyle] = {
    "metal": UnitStyle(1.0, 1.0, 1.0),
    "real": UnitStyle(1.0, 1e-3, 1e3),
    # velocities of this style are Bohr radii per 1.03275e-15 s
    "electron": UnitStyle(BOHR_TO_A, 1e-3, BOHR_TO_A / 1.03275e-3),
    "nano": UnitStyle(1e1, 1e3, 1e-2),
    "micro": UnitStyle(1e4, 1e6, 1e-2),
    "si": UnitStyle(1e10, 1e12, 1e-2),
    "cgs": UnitStyle(1e8, 1e12, 1e-4),
}


def unit_style(stated: str | None, asked: LammpsUnits | None) -> UnitStyle:
    """Return the unit style of a file: as it states, or as asked for, or metal.

    Raises
    ------
    InputError
        If the style has no lengths (lj), is unknown, or differs from the one asked for.
    """
    if stated is not None and asked is not None and stated != asked:
        raise InputError(
            "The option units must agree with the file",
            received=f"{asked}; the file states {stated[:20]}",
        )
    name = stated or asked or "metal"
    if name not in STYLES:
        raise InputError(
            f"LAMMPS units must be one of {', '.join(STYLES)}",
            received=name[:20],
            remedy="scale reduced units (lj) to Å and ps first" if name == "lj" else "",
        )
    return STYLES[name]
