"""What a file does not say about itself, and what was found while it was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np

from vitrolyte.data.elements import atomic_number
from vitrolyte.data.errors import InputError

Format = Literal[
    "extxyz",
    "lammps-dump",
    "lammps-data",
    "poscar",
    "xdatcar",
    "vasprun",
    "cif",
    "ase-traj",
    "h5md",
    "dcd",
    "xtc",
    "trr",
    "rmc6f",
    "zarr",
]
LammpsUnits = Literal["metal", "real", "electron", "nano", "micro", "si", "cgs"]
FORMATS: tuple[Format, ...] = get_args(Format)
_NO_TYPES: Mapping[str | int, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What the reader is told about a file, where the file leaves it open.

    Attributes
    ----------
    format
        One of `FORMATS`; None: by content and name.
    frame_time_ps
        Time from one frame of the file to the next, ps; overrides the file's own times.
    timestep_ps
        Length of a time step, ps, for files that count steps.
    type_map
        Element of each type, label or species number, ``{1: "Li", "OW": "O"}``.
    topology
        A structure file that names the atoms, for DCD, XTC and TRR.
    cell
        Cell for files without one, Å: three edges, three edges and three angles (degrees), or
        nine components of the vectors a, b, c.
    start, stop, every
        Which frames of the file: ``start <= i < stop``, each ``every``-th. Unwrapping looks at
        every frame between ``start`` and ``stop``.
    unwrap
        Whether wrapped positions are unwrapped; structure alone does not need it.
    allow_untimed
        Whether a file without times gets the frame numbers in their place.
    whole_frames_only
        Whether an incomplete last frame is left out instead of refused.
    units
        LAMMPS unit style, where the file does not state it; None: metal.
    length_unit, time_unit, velocity_unit
        For formats that leave them open (extended XYZ, H5MD without unit attributes).
    """

    format: Format | None = None
    frame_time_ps: float | None = None
    timestep_ps: float | None = None
    type_map: Mapping[str | int, str] = field(default_factory=lambda: _NO_TYPES)
    topology: Path | None = None
    cell: tuple[float, ...] | None = None
    start: int = 0
    stop: int | None = None
    every: int = 1
    unwrap: bool = True
    allow_untimed: bool = False
    whole_frames_only: bool = False
    units: LammpsUnits | None = None
    length_unit: Literal["A", "nm", "bohr"] | None = None
    time_unit: Literal["ps", "fs"] | None = None
    velocity_unit: Literal["A/ps", "A/fs", "nm/ps", "ase"] | None = None

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            _check_choice(name, getattr(self, name), choices)
        for name in ("frame_time_ps", "timestep_ps"):
            value = getattr(self, name)
            if value is not None and not (np.isfinite(value) and value > 0):
                raise InputError(f"The option {name} must be positive", received=repr(value))
        stop = self.stop
        if self.start < 0 or self.every < 1 or (stop is not None and stop <= self.start):
            raise InputError(
                "Frames are chosen by 0 <= start < stop and every >= 1",
                received=f"start={self.start}, stop={stop}, every={self.every}",
            )
        for symbol in self.type_map.values():
            atomic_number(symbol)

    @property
    def elements(self) -> dict[str, str]:
        """Return the type map with its types written as text."""
        return {str(kind): symbol for kind, symbol in self.type_map.items()}


_CHOICES: dict[str, tuple[str, ...]] = {
    "format": FORMATS,
    "units": get_args(LammpsUnits),
    "length_unit": ("A", "nm", "bohr"),
    "time_unit": ("ps", "fs"),
    "velocity_unit": ("A/ps", "A/fs", "nm/ps", "ase"),
}


def _check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value is not None and value not in choices:
        raise InputError(
            f"The option {name} must be one of {', '.join(choices)}", received=repr(value)
        )


@dataclass(frozen=True, kw_only=True)
class ReadReport:
    """What was found in a file, and what was done to it.

    Attributes
    ----------
    path, format
        Which file, read as what.
    n_frames, n_atoms
        Handed on, and in each frame.
    wrapped
        Whether atoms were put back into the cell in the file; None where it was not looked at.
    unwrapping
        How the positions were unwrapped, in words.
    ambiguous_fraction
        Share of the displacements from frame to frame, one for each atom, that came within a
        tenth of half a cell edge, so that the nearest image may be the wrong one; 0 where
        unwrapping rests on nothing but the file.
    time_source
        Where the times are from, in words.
    timed
        Whether times are times; False: they are frame numbers, of no use for dynamics.
    notes
        What the reader had to assume.
    """

    path: Path
    format: Format
    n_frames: int
    n_atoms: int
    wrapped: bool | None
    unwrapping: str
    ambiguous_fraction: float
    time_source: str
    timed: bool
    notes: tuple[str, ...]

    @property
    def displacements_known(self) -> bool:
        """Return whether paths of atoms can be followed: times known, unwrapping unambiguous."""
        followed = self.unwrapping != NOT_UNWRAPPED and self.ambiguous_fraction == 0
        return self.timed and followed

    def lines(self) -> tuple[str, ...]:
        """Return the report as lines of text, one for each entry."""
        shown = [f for f in fields(self) if f.name != "notes"]
        return (*(f"{f.name}: {getattr(self, f.name)}" for f in shown), *self.notes)


NOT_UNWRAPPED = "not done, as asked"
"""The `unwrapping` of a trajectory read with ``unwrap=False``."""
