"""The distillation file: what to distil, from which teacher, over which states."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from vitrolyte.data.errors import InputError
from vitrolyte.potentials.coulomb import Coulomb
from vitrolyte.potentials.potential_file import CoulombSettings
from vitrolyte.potentials.teacher import TeacherSpec
from vitrolyte.potentials.teacher_catalogue import teacher_named

Positive = Annotated[float, Field(gt=0)]
Vector = tuple[float, float, float]
Repeat = tuple[int, int, int]


STUDENT_STEPS = 50_000
"""Steps of the student's run beside the teacher's: 100 ps at 2 fs, minutes of computing."""


class Settings(BaseModel):
    """Base of all settings here: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TeacherSettings(Settings):
    """A teacher: a known name (``7net-0``, ``chgnet`` ...), or any ASE calculator.

    A calculator is given as ``module:Class`` with its keyword arguments.
    """

    name: str
    calculator: str = ""
    arguments: dict[str, str | float | bool] = {}
    citation: str = ""
    device: str = "auto"

    def spec(self, python: Path, *, threads: int) -> TeacherSpec:
        """Say where this teacher runs.

        Raises
        ------
        InputError
            The name is not known and no calculator is given.
        """
        if not self.calculator:
            known = teacher_named(self.name, python=python, device=self.device)
            return replace(known, threads=threads)
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


class FitSettings(Settings):
    """The errors that the fit forgives, and its ridge.

    A force is forgiven ``force_error_eV_per_A`` and the share ``relative_error`` of itself, a
    stress likewise, an energy per atom ``energy_error_eV`` times one plus ``steepness`` times the
    root mean square force of its frame.
    """

    energy_error_eV: Positive = 0.001
    force_error_eV_per_A: Positive = 0.1
    stress_error_GPa: Positive = 0.03
    relative_error: Positive = 0.1
    steepness: Positive = 1.0
    ridge: Positive = 1e-10


class Site(Settings):
    """One crystallographic site, fractional coordinates."""

    element: str
    at: Vector


class CrystalSettings(Settings):
    """A parent crystal and how it is distorted for the training set.

    One of the catalogue by its ``name`` alone, or a new one by space group, sites and ``cell``
    (a, b, c in Å, alpha, beta, gamma in degrees) or ``a_A`` where it is cubic. ``vacancies`` lists
    the elements of one neutral vacancy cluster (a Schottky pair, say).
    """

    name: str
    spacegroup: int | None = None
    a_A: Positive | None = None
    cell: tuple[Positive, Positive, Positive, Positive, Positive, Positive] | None = None
    sites: tuple[Site, ...] = ()
    repeat: Repeat | None = None
    rattled: int = 12
    compressed: int = 5
    vacancies: tuple[str, ...] = ()
    vacancy_cells: int = 4
    interstitial_cells: int = 2
    strained: int = 6
    hops: int = 6

    @model_validator(mode="after")
    def _whole(self) -> CrystalSettings:
        has_cell = self.cell is not None or self.a_A is not None
        if bool(self.sites) != has_cell or bool(self.sites) != (self.spacegroup is not None):
            raise ValueError(
                f"crystal {self.name}: give spacegroup, sites and cell (or a_A) together, or "
                "none of them for a crystal of the catalogue"
            )
        return self


class MeltSettings(Settings):
    """Random packings of one composition, run hot by the exploring teacher."""

    formula: str
    atoms: int = 45
    volume_per_atom_A3: tuple[float, ...]
    temperature_K: tuple[float, ...]
    steps: int = 150
    every: int = 15


class StageSettings(Settings):
    """One leg of a run that the student must survive; temperature goes linearly.

    Constant volume where the pressure is ``None``.
    """

    temperature_K: tuple[float, float]
    pressure_GPa: float | None = 0.0
    time_ps: Positive


class TrialSettings(Settings):
    """A run that the student must survive, in cells small enough for the teacher to label.

    It begins from a crystal, or from a random packing of a ``composition``.
    """

    crystal: str = ""
    composition: str = ""
    atoms: int = 60
    repeat: Repeat | None = None
    vacancy_clusters: int = 0
    phase: str
    stages: tuple[StageSettings, ...]


class RoundSettings(Settings):
    """How the student is improved: each round runs trials and labels frames of them.

    ``picks`` of what it knows least, ``typical`` ones at random, and ``failure_picks`` of the last
    ones before a failure.
    """

    picks: int = 16
    typical: int = 8
    failure_picks: int = 8
    committee: int = 6
    timestep_fs: Positive | None = None
    trials: tuple[TrialSettings, ...] = ()


class BudgetSettings(Settings):
    """Where a distillation stops though its student has not passed."""

    labels: Annotated[int, Field(gt=0)] = 600
    rounds: Annotated[int, Field(gt=0)] = 8
    hours: Positive = 2.0


class LimitSettings(Settings):
    """What is kept out of the fit and how far cores and watchers reach.

    ``core_fraction`` times the shortest distance of a pair in uncompressed examples is the outer
    radius of its core; ``safe_fraction`` times the shortest in all examples is its safe distance.
    """

    force_eV_per_A: Positive = 60.0
    core_fraction: Positive = 0.92
    safe_fraction: Positive = 0.95


def _listed(value: object) -> object:
    return (value,) if isinstance(value, int | float) else value


class ChargeSettings(CoulombSettings):
    """Fixed charges under the student, subtracted from the labels before the fit.

    Attributes
    ----------
    charges
        e, by element, all of them or none; formal charges where left out.
    scale
        Factor on all charges, or a list of which the best on held-out examples is taken. A factor
        of ``1/sqrt(eps_inf)`` screens formal charges as the electrons of the crystal do
        (I. Leontyev, A. Stuchebrukhov, doi:10.1039/c0cp01971b).
    """

    charges: dict[str, Annotated[float, Field(allow_inf_nan=False)]] = Field(default_factory=dict)
    scale: Annotated[tuple[Positive, ...], BeforeValidator(_listed), Field(min_length=1)] = (0.5,)

    @property
    def coulomb(self) -> Coulomb:
        """Return how the charges are summed."""
        return Coulomb(self.method, self.accuracy, self.cutoff_A, self.damping_per_A)


class PublishedSettings(Settings):
    """Published lattice parameter and bulk modulus of the examined crystal, for information."""

    a_A: Positive
    bulk_GPa: Positive
    source: str


class TrustSettings(Settings):
    """How the student is examined on frames it was never trained on.

    Lengths that are left out follow from the budget and the time step. ``crystal`` is the parent
    whose elastic constants and barrier are compared; ``response_frames`` of the student's own run
    are labelled to tell what the teacher would have made of it. ``teacher_ps`` and
    ``response_frames`` are where an examination begins: where they cannot decide it is held longer,
    up to ``patience`` times.
    """

    frames: int = 12
    crystal: str = ""
    trials: tuple[TrialSettings, ...] = ()
    teacher_ps: Positive | None = None
    student_ps: Positive | None = None
    response_frames: Annotated[int, Field(gt=1)] = 400
    patience: Annotated[int, Field(ge=0)] = 12
    survival_ps: Positive = 200.0
    survival_seeds: int = 3
    images: int = 3
    published: PublishedSettings | None = None


def _named(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


def _all_named(values: object) -> object:
    return [_named(one) for one in values] if isinstance(values, list) else values


class DistilSettings(Settings):
    """A whole distillation; what is left out is derived by `defaults.completed`."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    elements: tuple[str, ...]
    compositions: tuple[str, ...]
    charges: dict[str, int] = {}
    temperature_K: tuple[Positive, Positive] = (300.0, 1500.0)
    pressure_GPa: tuple[float, float] = (0.0, 3.0)
    melting_temperature_K: Positive | None = None
    mobile: str = ""
    seed: int = 1
    explorer: Annotated[TeacherSettings, BeforeValidator(_named)]
    teacher: Annotated[TeacherSettings, BeforeValidator(_named)]
    budget: BudgetSettings = BudgetSettings()
    pod: PodSettings = PodSettings()
    fit: FitSettings = FitSettings()
    limits: LimitSettings = LimitSettings()
    coulomb: ChargeSettings | None = None
    crystals: Annotated[tuple[CrystalSettings, ...], BeforeValidator(_all_named)] = ()
    melts: tuple[MeltSettings, ...] = ()
    active: RoundSettings = RoundSettings()
    trust: TrustSettings = TrustSettings()

    @property
    def timestep_fs(self) -> float:
        """Time step of the student: half a femtosecond where there is hydrogen, else two."""
        return self.active.timestep_fs or (0.5 if "H" in self.elements else 2.0)

    @property
    def student_ps(self) -> float:
        """Length of the student's run beside the teacher's, ps: given, or 50 000 steps."""
        return self.trust.student_ps or 1e-3 * STUDENT_STEPS * self.timestep_fs

    @property
    def melting_K(self) -> float:
        """Temperature of the examined melt, K: given, or four fifths of the hottest state."""
        return self.melting_temperature_K or 0.8 * self.temperature_K[1]

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
