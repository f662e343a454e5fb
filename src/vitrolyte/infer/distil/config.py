"""The distillation file: what to distil, from which teacher, over which states."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vitrolyte.data.errors import InputError
from vitrolyte.potentials.teacher import TeacherSpec

Positive = Annotated[float, Field(gt=0)]
Vector = tuple[float, float, float]
Repeat = tuple[int, int, int]


class Settings(BaseModel):
    """Base of all settings here: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TeacherSettings(Settings):
    """A teacher: an ASE calculator by ``module:Class`` and its keyword arguments."""

    name: str
    calculator: str
    arguments: dict[str, str | float | bool] = {}
    citation: str

    def spec(self, python: Path, *, threads: int) -> TeacherSpec:
        """Say where this teacher runs."""
        return TeacherSpec(
            self.name, self.calculator, self.arguments, python, threads, self.citation
        )


class PodSettings(Settings):
    """Size of the proper orthogonal descriptors, distances in Å."""

    inner_A: Positive = 0.8
    cutoff_A: Positive = 6.0
    bessel_degree: int = 4
    inverse_degree: int = 8
    two_body: int = 8
    three_body: int = 6
    three_body_angular: int = 3
    four_body: int = 3
    four_body_angular: int = 2
    energy_weight: Positive = 100.0
    force_weight: Positive = 1.0


class Site(Settings):
    """One crystallographic site, fractional coordinates."""

    element: str
    at: Vector


class CrystalSettings(Settings):
    """A parent crystal (cubic) and how it is distorted for the training set.

    ``vacancies`` lists the elements of one neutral vacancy cluster (a Schottky pair, say).
    """

    name: str
    spacegroup: int
    a_A: Positive
    sites: tuple[Site, ...]
    repeat: Repeat
    rattled: int = 0
    compressed: int = 0
    vacancies: tuple[str, ...] = ()
    vacancy_cells: int = 0


class MeltSettings(Settings):
    """Random packings of one composition, run hot by the exploring teacher."""

    formula: dict[str, int]
    units: int
    volume_per_atom_A3: tuple[float, ...]
    temperature_K: tuple[float, ...]
    steps: int
    every: int


class StageSettings(Settings):
    """One leg of a run that the student must survive; temperature goes linearly.

    Constant volume where the pressure is ``None``.
    """

    temperature_K: tuple[float, float]
    pressure_GPa: float | None = 0.0
    time_ps: Positive


class TrialSettings(Settings):
    """A run that the student must survive, in cells small enough for the teacher to label."""

    crystal: str
    repeat: Repeat
    vacancy_clusters: int = 0
    phase: str
    stages: tuple[StageSettings, ...]


class RoundSettings(Settings):
    """How the student is improved: rounds of run, pick, label, refit."""

    rounds: int
    picks: int
    failure_picks: int
    timestep_fs: Positive = 2.0
    trials: tuple[TrialSettings, ...]


class LimitSettings(Settings):
    """What is kept out of the fit and how far cores and watchers reach.

    ``core_fraction`` times the shortest distance of a pair in uncompressed examples is the outer
    radius of its core; ``safe_fraction`` times the shortest in all examples is its safe distance.
    """

    force_eV_per_A: Positive = 60.0
    core_fraction: Positive = 0.92
    safe_fraction: Positive = 0.95


class EquationSettings(Settings):
    """A parent crystal whose lattice and stiffness are compared with the teacher and with print."""

    crystal: str
    published_a_A: Positive
    published_bulk_GPa: Positive
    source: str


class TrustSettings(Settings):
    """How the student is examined on frames it was never trained on.

    The frames come from the last stage of each trial, ``frames`` of them evenly spread. The melt
    trial (``phase = "melt"``) also starts the teacher's own run, ``teacher_steps`` of
    ``teacher_timestep_fs`` after ``settling_steps`` left out.
    """

    frames: int
    trials: tuple[TrialSettings, ...]
    teacher_steps: int
    settling_steps: int
    teacher_every: int
    teacher_timestep_fs: Positive = 2.0
    large_repeat: Repeat
    equation: EquationSettings


class DistilSettings(Settings):
    """A whole distillation."""

    name: str
    elements: tuple[str, ...]
    seed: int = 1
    explorer: TeacherSettings
    teacher: TeacherSettings
    pod: PodSettings = PodSettings()
    limits: LimitSettings = LimitSettings()
    crystals: tuple[CrystalSettings, ...]
    melts: tuple[MeltSettings, ...]
    active: RoundSettings
    trust: TrustSettings

    def crystal(self, name: str) -> CrystalSettings:
        """Find a parent crystal by its name."""
        for crystal in self.crystals:
            if crystal.name == name:
                return crystal
        known = ", ".join(crystal.name for crystal in self.crystals)
        raise InputError("A trial starts from a listed crystal", received=name, remedy=known)


def read_settings(path: Path) -> DistilSettings:
    """Read and check a distillation file.

    Raises
    ------
    InputError
        The file cannot be read, or a key is unknown, missing or of the wrong kind.
    """
    try:
        raw: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        return DistilSettings.model_validate(raw)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise InputError("A readable distillation file", received=f"{path}: {error}") from error
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
            for item in error.errors()
        )
        raise InputError("A valid distillation file", received=f"{path}: {wrong}") from error
