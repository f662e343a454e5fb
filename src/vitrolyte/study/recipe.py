"""What a recipe step is: typed settings, the steps it takes from, and the work it does."""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field

from vitrolyte.data.errors import InputError
from vitrolyte.data.io import record
from vitrolyte.data.io.chunks import open_trajectory, write_trajectory
from vitrolyte.data.observation import Observation, Sample
from vitrolyte.data.origin import Origin
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.study.settings import LaunchSettings, SampleSettings, Settings

R = TypeVar("R", bound=Result)
Coordinates = Mapping[str, float]
"""Where a task stands on the axes that a study fans out over: replica, temperature_K."""


@dataclass(frozen=True)
class Role:
    """Marks a setting as the name of the step (or steps) to take from.

    ``each``: one task of that step for each task of this one, matched on shared axes.
    ``all``: every task of the step (or steps) that agrees on shared axes.
    """

    kind: Literal["each", "all"]


Each = Annotated[str, Role("each")]
All = Annotated[tuple[str, ...], Role("all"), Field(min_length=1)]


class RecipeSettings(Settings):
    """Base of the settings of a step.

    An ``optional`` step that cannot be had from its sources says why on the page, and the study
    goes on.
    """

    recipe: str
    optional: bool = False

    def axes(self) -> Mapping[str, tuple[float, ...]]:
        """Return the axes that this step opens, with their values."""
        return {}

    def fingerprint(self, study: SampleSettings) -> Mapping[str, str]:
        """Return digests of what the settings name but do not contain (a potential, a file).

        This is also where a step refuses, before anything is computed, what cannot work.
        """
        del study
        return {}

    def review(self, sources: Mapping[str, tuple[Coordinates, ...]]) -> None:
        """Refuse, before anything is computed, sources that cannot serve.

        Parameters
        ----------
        sources
            Where the tasks that it would take from stand, by setting name.
        """
        del sources

    def weight(self) -> float:
        """Return the relative cost of one task, in simulated ps for dynamics."""
        return 0.2


@dataclass(frozen=True)
class Product:
    """What a finished task left in its stage folder.

    Attributes
    ----------
    folder
        The stage folder.
    step, coordinates
        Which task it was.
    sample
        What the atoms in it are.
    origin
        The completed origin.
    """

    folder: Path
    step: str
    coordinates: Coordinates
    sample: Sample
    origin: Origin

    def trajectory(self) -> Trajectory:
        """Return the trajectory of the stage, streamed from disk.

        Raises
        ------
        InputError
            If the stage has none.
        """
        return open_trajectory(self.folder / "trajectory.zarr")

    def final(self) -> Trajectory:
        """Return the last structure of the stage, with velocities where there are any."""
        return open_trajectory(self.folder / "final.zarr").frame(-1)

    def results(self) -> tuple[Result, ...]:
        """Return all results of the stage."""
        found: tuple[Result, ...] = record.load(self.folder / "results.json", tuple[Result, ...])
        return found

    def result(self, kind: type[R]) -> R:
        """Return the one result of a kind.

        Raises
        ------
        InputError
            If the stage holds none of that kind.
        """
        for found in self.results():
            if isinstance(found, kind):
                return found
        raise InputError(f"The step {self.step!r} must yield a {kind.__name__}", received="none")


@dataclass(frozen=True)
class Output:
    """What a recipe returns: results, and what the atoms in its folder are."""

    sample: Sample
    results: tuple[Result, ...] = ()


@dataclass(frozen=True, eq=False)
class NotObserved(Result):
    """Why an optional step yielded nothing.

    Attributes
    ----------
    step
        Its name.
    reason
        What it needs and what it got.
    """

    step: str
    reason: str

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return no rows."""
        del sample
        return ()


@dataclass(frozen=True)
class Work:
    """Everything that a recipe is given.

    Attributes
    ----------
    settings
        The typed settings of the step.
    study
        The sample that the study is about.
    coordinates
        Where this task stands on the axes.
    seed
        Seed of its random numbers.
    folder
        Its stage folder, which exists.
    launch
        How to start an engine.
    inputs
        Products by setting name, in task order.
    progress
        To be called with the finished fraction; raises when the study is being stopped.
    """

    settings: Any
    study: SampleSettings
    coordinates: Coordinates
    seed: int
    folder: Path
    launch: LaunchSettings
    inputs: Mapping[str, tuple[Product, ...]]
    progress: Callable[[float], None]

    def one(self, name: str) -> Product:
        """Return the single product that a setting with the role ``each`` refers to."""
        return self.inputs[name][0]

    def keep(self, trajectory: Trajectory) -> None:
        """Store a structure or trajectory as what this stage made."""
        write_trajectory(self.folder / "trajectory.zarr", trajectory)
        write_trajectory(self.folder / "final.zarr", trajectory.frame(-1))


@dataclass(frozen=True)
class Recipe:
    """A step that a study file can name.

    Attributes
    ----------
    name, version
        Together the ``function`` of the origin; the version rises when results change.
    settings
        The class of its settings.
    work
        The function that carries it out.
    random
        Whether it draws random numbers.
    reported
        Whether its results always go into the table. Otherwise they do where no later step takes
        from it and pools them.
    citations
        DOIs of its methods.
    """

    name: str
    version: int
    settings: type[RecipeSettings]
    work: Callable[[Work], Output]
    random: bool = False
    reported: bool = True
    citations: tuple[str, ...] = ()

    @property
    def function(self) -> str:
        """Return name and version as an origin records them."""
        return f"{self.name}/{self.version}"

    def roles(self) -> Mapping[str, Role]:
        """Return the settings that name other steps."""
        hints = typing.get_type_hints(self.settings, include_extras=True)
        return {name: role for name, hint in hints.items() if (role := _role(hint)) is not None}


def _role(hint: Any) -> Role | None:
    for part in typing.get_args(hint):
        if isinstance(part, Role):
            return part
        if typing.get_origin(part) is Annotated and (found := _role(part)) is not None:
            return found
    return None


def referred(settings: RecipeSettings, name: str) -> tuple[str, ...]:
    """Return the steps that a setting names; none where it is left out."""
    value = getattr(settings, name)
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
