"""The step that takes a trajectory from a file of any engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.chunks import TrajectoryStore, open_trajectory, write_trajectory
from vitrolyte.data.io.files import file_digest
from vitrolyte.data.io.formats.options import Format, LammpsUnits, ReadOptions, ReadReport
from vitrolyte.data.io.settings import Settings
from vitrolyte.data.io.trajectories import read_trajectory
from vitrolyte.data.observation import Observation, Sample
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.matter.composition import composition_of, parse_formula
from vitrolyte.study.recipe import Output, Product, Recipe, RecipeSettings, Work
from vitrolyte.study.settings import SampleSettings

FRAMES_AT_A_TIME = 64
Positive = Annotated[float, Field(gt=0)]


class ReadingSettings(Settings):
    """What the reader is told where a file leaves it open; see `ReadOptions`."""

    format: Format | None = None
    frame_time_ps: Positive | None = None
    timestep_ps: Positive | None = None
    type_map: Mapping[str, str] = Field(default_factory=dict)
    topology: Path | None = None
    cell: tuple[float, ...] | None = None
    start: Annotated[int, Field(ge=0)] = 0
    stop: Annotated[int, Field(ge=1)] | None = None
    every: Annotated[int, Field(ge=1)] = 1
    unwrap: bool = True
    allow_untimed: bool = False
    whole_frames_only: bool = False
    units: LammpsUnits | None = None

    def options(self) -> ReadOptions:
        """Return the options as the reader takes them."""
        return ReadOptions(**self.model_dump())


class TrajectorySettings(RecipeSettings):
    """A trajectory from a file: its path, what it does not say of itself, and its state.

    One of a ``series`` over temperature is told apart by it from the others, and one of several
    runs of the same state by its ``replica``.
    """

    path: Path
    phase: str = "sample"
    temperature_K: Positive | None = None
    pressure_GPa: float | None = None
    series: bool = False
    replica: Annotated[int, Field(ge=1)] | None = None
    reading: ReadingSettings = ReadingSettings()

    @model_validator(mode="after")
    def _temperature(self) -> TrajectorySettings:
        if self.series and self.temperature_K is None:
            raise ValueError("one of a series over temperature needs temperature_K")
        return self

    def axes(self) -> Mapping[str, tuple[float, ...]]:
        """Return its own place on the axes that it shares with other runs."""
        place: dict[str, tuple[float, ...]] = {}
        if self.series and self.temperature_K is not None:
            place["temperature_K"] = (self.temperature_K,)
        if self.replica is not None:
            place["replica"] = (float(self.replica),)
        return place

    def fingerprint(self, study: SampleSettings) -> Mapping[str, str]:
        """Return the digests of the files that are read."""
        del study
        digests = {"sha256": file_digest(self.path)} if self.path.is_file() else {}
        if self.reading.topology is not None:
            digests["topology_sha256"] = file_digest(self.reading.topology)
        return digests


@dataclass(frozen=True, eq=False)
class TrajectoryFile(Result):
    """What was found in a trajectory file, and what was done to it.

    Attributes
    ----------
    file, format
        Name of the file, and as what it was read.
    n_frames, n_atoms
        Frames that were taken, and atoms in each.
    unwrapping, time_source
        How positions were unwrapped and where times are from, in words.
    displacements_known
        Whether the paths of atoms can be followed: times known, unwrapping beyond doubt.
    notes
        What the reader had to assume.
    """

    file: str
    format: str
    n_frames: int
    n_atoms: int
    unwrapping: str
    time_source: str
    displacements_known: bool
    notes: tuple[str, ...]

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return no rows: a file is where numbers start from."""
        del sample
        return ()


def take_trajectory(work: Work) -> Output:
    """Copy the frames of the file into the store of this stage, going on where it stopped."""
    settings: TrajectorySettings = work.settings
    trajectory, report = read_trajectory(settings.path, settings.reading.options())
    _check_formula(settings.path, trajectory, work.study)
    _copy(work, trajectory)
    sample = Sample(
        work.study.material,
        work.study.formula,
        settings.phase,
        settings.temperature_K,
        settings.pressure_GPa,
    )
    return Output(sample, (_found(report),))


def _found(report: ReadReport) -> TrajectoryFile:
    return TrajectoryFile(
        file=report.path.name,
        format=report.format,
        n_frames=report.n_frames,
        n_atoms=report.n_atoms,
        unwrapping=report.unwrapping,
        time_source=report.time_source,
        displacements_known=report.displacements_known,
        notes=report.notes,
    )


def _check_formula(path: Path, trajectory: Trajectory, study: SampleSettings) -> None:
    found, wanted = composition_of(trajectory), parse_formula(study.formula)
    if set(found.elements) != set(wanted.elements):
        raise InputError(
            f"The file {path} must hold the elements {' '.join(sorted(wanted.elements))}",
            received=" ".join(sorted(found.elements)),
        )


def _copy(work: Work, trajectory: Trajectory) -> None:
    store = _store(work.folder / "trajectory.zarr", trajectory)
    n = trajectory.n_frames
    for start in range(store.n_frames, n, FRAMES_AT_A_TIME):
        store.append(trajectory.read(start, start + FRAMES_AT_A_TIME))
        work.progress(min(start + FRAMES_AT_A_TIME, n) / n)
    kept = open_trajectory(store.path)
    write_trajectory(work.folder / "final.zarr", kept.frame(-1))


def _store(path: Path, trajectory: Trajectory) -> TrajectoryStore:
    """Return the store with the whole frames that an earlier, killed run left in it."""
    fresh = not path.exists()
    if fresh or not _continues(path, trajectory):
        fast = trajectory.velocities is not None
        return TrajectoryStore.create(path, trajectory.species, velocities=fast)
    store = TrajectoryStore(path)
    store.truncate(float(trajectory.times[-1]))
    return store


def _continues(path: Path, trajectory: Trajectory) -> bool:
    try:
        kept = open_trajectory(path)
    except InputError:  # killed while it was being made
        return False
    return kept.species == trajectory.species and kept.n_frames <= trajectory.n_frames


def require_paths(source: Product) -> None:
    """Refuse what needs displacements from a file in which paths of atoms are not known.

    Raises
    ------
    InputError
        If they are not.
    """
    for result in source.results():
        if isinstance(result, TrajectoryFile) and not result.displacements_known:
            raise InputError(
                "Motion needs frames at known times in which every path can be followed",
                received=f"times: {result.time_source}; unwrapping: {result.unwrapping}; "
                + "; ".join(result.notes),
                remedy="give the time between frames, write frames more often or unwrapped, "
                "or look at the structure alone",
            )


RECIPES = (Recipe("trajectory", 1, TrajectorySettings, take_trajectory),)
