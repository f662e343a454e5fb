"""Effective ionic radii and what follows from them: lattice guesses and tolerance factors."""

from __future__ import annotations

import csv
import math
from functools import cache
from importlib.resources import files

from vitrolyte.data.errors import InputError

_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")


@cache
def _table() -> dict[tuple[str, int], dict[int, float]]:
    """Return radius by coordination for each ion; the high-spin value where there are two."""
    text = (files("vitrolyte.matter") / "shannon_1976.csv").read_text(encoding="utf-8")
    table: dict[tuple[str, int], dict[int, float]] = {}
    for row in csv.DictReader(text.splitlines()):
        if row["coordination"] not in _ROMAN or row["spin"] == "Low Spin":
            continue
        shells = table.setdefault((row["element"], int(row["charge"])), {})
        shells[_ROMAN.index(row["coordination"]) + 1] = float(row["radius_A"])
    return table


def ionic_radius(element: str, charge: int, *, coordination: int = 6) -> float:
    """Return the effective ionic radius, Å, at the tabulated coordination nearest to the one asked.

    Parameters
    ----------
    element
        Element symbol.
    charge
        Formal charge, e.
    coordination
        Number of nearest counter-ions.

    Raises
    ------
    InputError
        If the ion is not in the table.

    References
    ----------
    Shannon, Acta Cryst. A 32, 751 (1976), doi:10.1107/S0567739476001551.
    """
    shells = _table().get((element, charge))
    if not shells:
        raise InputError(
            "An ionic radius is known for the ions of Shannon's table only",
            received=f"{element} with charge {charge:+d}",
            remedy="give the lattice parameter",
        )
    nearest = min(shells, key=lambda shell: (abs(shell - coordination), shell))
    return shells[nearest]


def tolerance_factor(corner: float, centre: float, face: float) -> float:
    """Return the Goldschmidt tolerance factor of an (anti)perovskite.

    ``t = (R_A + R_X) / [sqrt(2) (R_B + R_X)]``

    Parameters
    ----------
    corner, centre, face
        Radii of the ions on the cube's corner (A), centre (B) and faces (X), Å.

    References
    ----------
    Goldschmidt, Naturwissenschaften 14, 477 (1926), doi:10.1007/BF01507527.
    """
    return (corner + face) / (math.sqrt(2.0) * (centre + face))


def octahedral_factor(centre: float, face: float) -> float:
    """Return the octahedral factor ``R_B / R_X``; an octahedron wants more than sqrt(2) - 1."""
    return centre / face
