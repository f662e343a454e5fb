"""Thermodynamic lines of a LAMMPS log, read while it grows, in internal units."""

from __future__ import annotations

from dataclasses import dataclass

from vitrolyte.data.units import BAR_TO_GPA

KEYWORDS = ("step", "temp", "press", "vol", "pe", "ke", "enthalpy")
"""The thermo_style that `thermo_rows` expects."""

END_OF_LOG_LINES = 15


@dataclass(frozen=True)
class ThermoRow:
    """State at one time step: K, GPa, Å³, eV of the whole cell."""

    step: int
    temperature: float
    pressure: float
    volume: float
    potential_energy: float
    kinetic_energy: float
    enthalpy: float


def thermo_rows(lines: list[str]) -> list[ThermoRow]:
    """Return the rows among the lines of a log (metal units); all other lines are passed over."""
    return [row for row in map(_row, lines) if row is not None]


def _row(line: str) -> ThermoRow | None:
    words = line.split()
    if len(words) != len(KEYWORDS) or not words[0].isdigit():
        return None
    try:
        temperature, pressure, *rest = (float(word) for word in words[1:])
    except ValueError:
        return None
    return ThermoRow(int(words[0]), temperature, pressure * BAR_TO_GPA, *rest)


def processor_seconds_per_step(log: str) -> float | None:
    """Return the processor time per step of the last run in a log, s, if LAMMPS tells it."""
    words = [line.split() for line in reversed(log.splitlines())]
    loop = next((w for w in words if w[:2] == ["Loop", "time"]), None)
    share = next((w[0] for w in words if w[1:3] == ["CPU", "use"]), None)
    if loop is None or share is None:
        return None
    wall, steps = float(loop[3]), int(loop[8])
    return wall / steps * float(share.rstrip("%")) / 100


def error_line(log: str) -> str:
    """Return LAMMPS's own words for why it stopped, or an empty text."""
    found = [line for line in log.splitlines() if line.lstrip().startswith("ERROR")]
    return found[0].strip() if found else ""


def tail(log: str) -> str:
    """Return the last lines of a log."""
    return "\n".join(log.splitlines()[-END_OF_LOG_LINES:])
