"""Tables of weighings, dimensions, pycnometer cycles and float tests."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.delimited import Delimited, read_delimited
from vitrolyte.data.weighing import (
    Dimensions,
    Fillings,
    FloatTests,
    GasCycles,
    GasExpansions,
    Immersions,
    Readings,
)

Floats = NDArray[np.float64]

_MASS = ("mass", "m", "sample mass", "weight")
_COLUMNS: dict[type, dict[str, tuple[tuple[str, ...], str]]] = {
    Fillings: {
        "empty_g": (("empty", "mass empty", "pycnometer", "m empty"), "g"),
        "with_sample_g": (("with sample", "pycnometer + sample", "mass with sample"), "g"),
        "with_both_g": (
            ("with both", "with sample and liquid", "pycnometer + sample + liquid"), "g"),
        "with_liquid_g": (("with liquid", "pycnometer + liquid", "mass with liquid"), "g"),
    },
    Immersions: {
        "in_air_g": (("in air", "mass in air", "air", "m air", "m in air", "dry mass"), "g"),
        "in_liquid_g": (
            ("in liquid", "mass in liquid", "m liquid", "m in liquid", "immersed", "in water",
             "mass in water", "in ethanol", "submerged"), "g"),
    },
    Dimensions: {
        "mass_g": (_MASS, "g"),
        "thickness_cm": (("thickness", "height", "h", "d", "length"), "cm"),
        "diameter_cm": (("diameter", "dia", "ø", "d pellet"), "cm"),
    },
    GasExpansions: {
        "before": (("p1", "pressure 1", "p before", "before"), ""),
        "after": (("p2", "pressure 2", "p after", "after"), ""),
    },
    GasCycles: {"volume_cm3": (("volume", "v", "sample volume"), "cm^3")},
}  # fmt: skip
_LIQUIDS = ("liquid density", "density", "rho", "ρ", "density of liquid")
_BEHAVIOUR = ("behaviour", "behavior", "result", "observation", "sample")
_WORDS = {"sinks": -1, "sank": -1, "sink": -1, "floats": 1, "floated": 1, "float": 1, "hovers": 0,
          "hovered": 0, "suspended": 0, "suspends": 0, "neutral": 0}  # fmt: skip
_LIQUID_TEMPERATURE = ("liquid temperature", "t", "temperature", "t liquid", "temp")


@dataclass(frozen=True, eq=False)
class DensityTable:
    """What one table says of the density of one sample.

    Attributes
    ----------
    file
        Name of the file.
    readings
        The repeated readings.
    mass_g
        The sample's mass, (n,), where a pycnometer's table gives it; empty otherwise.
    notes
        What the reader had to assume.
    """

    file: str
    readings: Readings
    mass_g: Floats
    notes: tuple[str, ...] = ()


def read_density_table(path: Path, *, liquid_K: float | None = None) -> DensityTable:
    """Return the readings of a table, whose kind is told by its columns.

    ``in air`` and ``in liquid``; ``mass``, ``thickness`` and ``diameter``; ``empty``, ``with
    sample``, ``with both`` and ``with liquid``; ``volume`` of each cycle, or ``p1`` and ``p2``,
    with ``mass``; ``liquid density`` and ``behaviour`` (sinks, hovers, floats).

    Parameters
    ----------
    liquid_K
        Temperature of the liquid where the table has none; 293.15 K is taken, and said, otherwise.

    Raises
    ------
    InputError
        If the columns belong to none of these, or one has no unit.
    """
    table = read_delimited(path)
    behaviour = table.text(*_BEHAVIOUR)
    if behaviour is not None and table.column(*_LIQUIDS) is not None:
        liquids = table.need(*_LIQUIDS).to("g/cm^3")
        readings = FloatTests(liquids, tuple(_float(word, path.name) for word in behaviour))
        return DensityTable(path.name, readings, np.zeros(0))
    for kind, columns in _COLUMNS.items():
        if all(table.column(*names) is not None for names, _ in columns.values()):
            return _filled(table, kind, liquid_K)
    raise InputError(
        f"{path.name} needs the columns of one way to a density",
        received=f"columns {', '.join(map(repr, table.names))}",
        remedy="name them 'in air (g)' and 'in liquid (g)', or 'mass (g)', 'thickness (mm)' and "
        "'diameter (mm)', or 'mass (g)' and 'volume (cm3)', or 'liquid density (g/cm3)' and "
        "'behaviour'",
    )


def _filled(table: Delimited, kind: type, liquid_K: float | None) -> DensityTable:
    values = {
        name: table.need(*names).to(unit) if unit else table.need(*names).values
        for name, (names, unit) in _COLUMNS[kind].items()
    }
    notes: tuple[str, ...] = ()
    if "liquid_K" in {field.name for field in fields(kind)}:
        column = table.column(*_LIQUID_TEMPERATURE)
        if column is not None:
            values["liquid_K"] = column.to("K")
        else:
            notes = () if liquid_K else ("the liquid is taken to be at 293.15 K",)
            values["liquid_K"] = np.full(len(values["in_air_g"]), liquid_K or 293.15)
    mass = table.column(*_MASS)
    own = np.zeros(0) if mass is None or kind is Dimensions else mass.to("g")
    return DensityTable(table.file, kind(**values), own, notes)


def _float(word: str, file: str) -> int:
    found = _WORDS.get(word.strip().lower())
    if found is None:
        raise InputError(
            f"The behaviour of a sample in a liquid of {file} is sinks, hovers or floats",
            received=repr(word),
        )
    return found
