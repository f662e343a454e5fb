"""What a simulation shall do, as plain data: segments at given temperature and pressure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from vitrolyte.data.errors import InputError
from vitrolyte.data.origin import content_id
from vitrolyte.data.units import FS_TO_PS

Ensemble = Literal["nve", "nvt", "npt"]
BoxMotion = Literal["isotropic", "orthorhombic", "triclinic"]

THERMO_PS = 0.1
"""Temperature, pressure and energies are sampled at least this often, ps."""


@dataclass(frozen=True)
class Segment:
    """A stretch of molecular dynamics in one ensemble.

    The duration is rounded up to a whole number of frames.

    Attributes
    ----------
    name
        What the segment is called in messages; it never reaches an engine.
    ensemble
        ``nve``, ``nvt`` or ``npt`` (Nosé-Hoover chains).
    duration_ps, timestep_fs, frame_every_ps
        Length, time step, and spacing of the stored frames.
    temperature_K, end_temperature_K
        Temperature, or the start and the end of a straight ramp.
    pressure_GPa
        Target pressure, npt only.
    cell
        How the box may move under npt: one scale factor (``isotropic``), three edges
        (``orthorhombic``) or all six numbers (``triclinic``).
    velocities
        Draw new Maxwell-Boltzmann velocities at the start; else those of the structure go on.
    store_velocities
        Keep velocities with the stored frames.

    Raises
    ------
    InputError
        If a number or word makes no physical sense.
    """

    name: str
    ensemble: Ensemble
    duration_ps: float
    temperature_K: float
    timestep_fs: float
    end_temperature_K: float | None = None
    pressure_GPa: float = 0.0
    frame_every_ps: float = 0.1
    cell: BoxMotion = "isotropic"
    velocities: bool = False
    store_velocities: bool = False

    def __post_init__(self) -> None:
        self._require_words()
        self._require_numbers()
        if self.frame_every_ps > self.duration_ps * (1 + 1e-9):
            raise InputError(
                f"Segment {self.name!r} must last at least one frame spacing",
                received=f"{self.duration_ps} ps with a frame every {self.frame_every_ps} ps",
            )
        if self.ensemble == "nve" and self.end_temperature_K is not None:
            raise InputError(
                f"Segment {self.name!r} needs a thermostat for a temperature ramp",
                received="ensemble nve with an end temperature",
                remedy="use nvt or npt",
            )

    def _require_words(self) -> None:
        for word, allowed in ((self.ensemble, Ensemble), (self.cell, BoxMotion)):
            if word not in get_args(allowed):
                raise InputError(
                    f"Segment {self.name!r} needs one of {', '.join(get_args(allowed))}",
                    received=repr(word),
                )

    def _require_numbers(self) -> None:
        names = ["duration_ps", "temperature_K", "timestep_fs", "frame_every_ps"]
        if self.end_temperature_K is not None:
            names.append("end_temperature_K")
        for name in names:
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise InputError(
                    f"Segment {self.name!r} needs {name} above zero", received=repr(value)
                )
        if not math.isfinite(self.pressure_GPa):
            raise InputError(
                f"Segment {self.name!r} needs a finite pressure_GPa",
                received=repr(self.pressure_GPa),
            )

    @property
    def timestep_ps(self) -> float:
        """Return the time step, ps."""
        return self.timestep_fs * FS_TO_PS

    @property
    def _rows_per_frame(self) -> int:
        most = max(1, math.floor(THERMO_PS / self.timestep_ps + 1e-9))
        return math.ceil(self._wanted_frame_steps / most)

    @property
    def _wanted_frame_steps(self) -> int:
        return max(1, round(self.frame_every_ps / self.timestep_ps))

    @property
    def thermo_steps(self) -> int:
        """Return the steps between two thermodynamic rows, a whole part of `frame_steps`."""
        return math.ceil(self._wanted_frame_steps / self._rows_per_frame)

    @property
    def frame_steps(self) -> int:
        """Return the steps between two frames: those asked for, rounded up to whole rows."""
        return self._rows_per_frame * self.thermo_steps

    @property
    def n_frames(self) -> int:
        """Return the number of frames after the first."""
        frame_ps = self.frame_steps * self.timestep_ps
        return max(1, math.ceil(self.duration_ps / frame_ps - 1e-6))

    @property
    def steps(self) -> int:
        """Return the number of time steps."""
        return self.n_frames * self.frame_steps

    @property
    def final_temperature_K(self) -> float:
        """Return the temperature at the end, K."""
        return self.temperature_K if self.end_temperature_K is None else self.end_temperature_K

    def target_temperature_K(self, time_ps: float) -> float:
        """Return the temperature that the thermostat aims at, K."""
        done = min(1.0, max(0.0, time_ps / (self.steps * self.timestep_ps)))
        return self.temperature_K + done * (self.final_temperature_K - self.temperature_K)


@dataclass(frozen=True)
class Schedule:
    """Segments that follow one another, each beginning where the last one ended.

    Attributes
    ----------
    segments
        In order; at least one.
    seed
        From which the seed of every segment follows.

    Raises
    ------
    InputError
        If there is no segment or two share a name.
    """

    segments: tuple[Segment, ...]
    seed: int

    def __post_init__(self) -> None:
        names = [segment.name for segment in self.segments]
        if not names or len(set(names)) < len(names):
            raise InputError(
                "A schedule needs at least one segment and each a name of its own",
                received=f"names {names}",
            )

    @property
    def seeds(self) -> tuple[int, ...]:
        """Return one seed per segment, which depends on nothing but ``seed`` and its place."""
        return tuple(
            int(content_id([self.seed, place])[:7], 16) + 1 for place in range(len(self.segments))
        )
