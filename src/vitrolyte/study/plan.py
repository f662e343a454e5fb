"""From the study file to tasks: steps fanned out over replicas and temperatures."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from vitrolyte.data.errors import InputError
from vitrolyte.data.origin import Origin, content_id
from vitrolyte.study.recipe import Coordinates, Recipe, RecipeSettings, referred
from vitrolyte.study.settings import StudySettings, validated


@dataclass(frozen=True)
class Step:
    """One step of the file with its recipe and typed settings."""

    name: str
    recipe: Recipe
    settings: RecipeSettings

    @property
    def sources(self) -> tuple[str, ...]:
        """Return the names of the steps that this one takes from."""
        names = (referred(self.settings, setting) for setting in self.recipe.roles())
        return tuple(itertools.chain.from_iterable(names))


@dataclass(frozen=True, eq=False)
class Task:
    """One step at one place on the axes; the unit of work and of storage.

    Attributes
    ----------
    step
        The step it belongs to.
    coordinates
        Where it stands.
    inputs
        Tasks by setting name.
    origin
        Its origin before the work; ``origin.id`` names its stage folder.
    """

    step: Step
    coordinates: Coordinates
    inputs: Mapping[str, tuple[Task, ...]]
    origin: Origin

    @property
    def label(self) -> str:
        """Return a short name that people read: ``hold r2 600K``."""
        return " ".join([self.step.name, *(_place(k, v) for k, v in self.coordinates.items())])

    @property
    def folder(self) -> str:
        """Return the name of the stage folder."""
        return f"{self.label.replace(' ', '-')}-{self.origin.id}"


def _place(axis: str, value: float) -> str:
    return f"{value:g}K" if axis == "temperature_K" else f"{axis[0]}{value:g}"


@dataclass(frozen=True)
class Plan:
    """All tasks of a study, each after those it needs."""

    study: StudySettings
    steps: tuple[Step, ...]
    tasks: tuple[Task, ...]

    def of(self, step: str) -> tuple[Task, ...]:
        """Return the tasks of a step."""
        return tuple(task for task in self.tasks if task.step.name == step)


def read_steps(study: StudySettings, cookbook: Mapping[str, Recipe]) -> tuple[Step, ...]:
    """Return the steps of a study, each after those it takes from.

    Raises
    ------
    InputError
        If a step names an unknown recipe or step, has a wrong setting, or steps form a ring.
    """
    steps = {name: _step(name, plain, cookbook) for name, plain in study.steps.items()}
    for step in steps.values():
        for source in step.sources:
            if source not in steps:
                raise _unknown(f"The step {step.name!r} takes from a step", source, steps)
    try:
        order = TopologicalSorter({name: step.sources for name, step in steps.items()})
        return tuple(steps[name] for name in order.static_order())
    except CycleError as fault:
        raise InputError(
            "Steps must not take from one another in a ring",
            received=" -> ".join(fault.args[1]),
        ) from fault


def _step(name: str, plain: Mapping[str, object], cookbook: Mapping[str, Recipe]) -> Step:
    recipe = plain.get("recipe")
    if not isinstance(recipe, str):
        raise InputError(f"The step {name!r} needs a key 'recipe'", received="none")
    if recipe not in cookbook:
        raise _unknown(f"The step {name!r} names a recipe", recipe, cookbook)
    found = cookbook[recipe]
    return Step(name, found, validated(found.settings, plain, where=f"steps.{name}"))


def _unknown(required: str, received: str, known: Iterable[str]) -> InputError:
    names = sorted(known)
    near = difflib.get_close_matches(received, names, n=1)
    remedy = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(names)}"
    return InputError(required, received=repr(received), remedy=remedy)


def make_plan(study: StudySettings, cookbook: Mapping[str, Recipe]) -> Plan:
    """Return the tasks of a study with their ids, before anything is computed.

    Raises
    ------
    InputError
        If the file is wrong in any way that can be known beforehand.
    """
    steps = read_steps(study, cookbook)
    made: dict[str, tuple[Task, ...]] = {}
    for step in steps:
        made[step.name] = _tasks(study, step, made)
    return Plan(study, steps, tuple(itertools.chain.from_iterable(made.values())))


def _tasks(
    study: StudySettings, step: Step, made: Mapping[str, tuple[Task, ...]]
) -> tuple[Task, ...]:
    each: list[tuple[str, tuple[Task, ...]]] = []
    gathered: dict[str, tuple[Task, ...]] = {}
    for name, role in step.recipe.roles().items():
        sources = [made[source] for source in referred(step.settings, name)]
        if role.kind == "each":
            each += [(name, tasks) for tasks in sources]
        else:
            gathered[name] = tuple(itertools.chain.from_iterable(sources))
    tasks = []
    for chosen in itertools.product(*(tasks for _, tasks in each)):
        inherited = _joined([task.coordinates for task in chosen])
        if inherited is None:
            continue
        inputs = {name: (task,) for (name, _), task in zip(each, chosen, strict=True)}
        tasks += _fanned(study, step, inherited, (inputs, gathered))
    if not tasks:
        raise InputError(
            f"The step {step.name!r} needs sources with common replicas and temperatures",
            received=f"none in common between {', '.join(step.sources)}",
        )
    return tuple(tasks)


def _joined(places: Sequence[Coordinates]) -> Coordinates | None:
    """Return the union of coordinates, or None where two disagree on an axis."""
    union: dict[str, float] = {}
    for place in places:
        for axis, value in place.items():
            if union.setdefault(axis, value) != value:
                return None
    return union


def _fanned(
    study: StudySettings,
    step: Step,
    inherited: Coordinates,
    inputs: tuple[Mapping[str, tuple[Task, ...]], Mapping[str, tuple[Task, ...]]],
) -> list[Task]:
    each, gathered = inputs
    axes = step.settings.axes()
    tasks = []
    for values in itertools.product(*axes.values()):
        place = {**inherited, **dict(zip(axes, values, strict=True))}
        matching = {
            name: tuple(task for task in tasks if _joined([task.coordinates, place]) is not None)
            for name, tasks in gathered.items()
        }
        tasks.append(_task(study, step, place, {**each, **matching}))
    return tasks


def _task(
    study: StudySettings,
    step: Step,
    place: Coordinates,
    inputs: Mapping[str, tuple[Task, ...]],
) -> Task:
    step.settings.review({n: tuple(task.coordinates for task in ts) for n, ts in inputs.items()})
    plain = {*step.recipe.roles(), *(() if step.settings.optional else ("optional",))}
    settings = step.settings.model_dump(mode="json", exclude=plain)
    settings.update(step.settings.fingerprint(study.sample))
    settings["sample"] = study.sample.model_dump(mode="json")
    settings["coordinates"] = dict(place)
    origin = Origin(
        function=step.recipe.function,
        settings=settings,
        inputs={
            name if len(tasks) == 1 else f"{name}.{number}": task.origin.id
            for name, tasks in inputs.items()
            for number, task in enumerate(tasks)
        },
        seed=_seed(study.seed, step.name, place) if step.recipe.random else None,
        citations=step.recipe.citations,
    )
    return Task(step, place, inputs, origin)


def _seed(root: int, step: str, place: Coordinates) -> int:
    """Return a seed of its own for each task, below 2^31 as engines want it."""
    return int(content_id([root, step, dict(place)]), 16) % (2**31 - 2) + 1
