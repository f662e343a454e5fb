"""The bench of a distillation: its settings, folder, teachers, descriptors, and what it spent."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.files import write_text
from vitrolyte.data.origin import content_id
from vitrolyte.infer.distil.cache import LabelCache, buy_labels, key_of
from vitrolyte.infer.distil.charges import Charges, Electrostatics
from vitrolyte.infer.distil.config import DistilSettings, TeacherSettings
from vitrolyte.infer.distil.descriptors import Basis
from vitrolyte.infer.distil.ledger import Ledger
from vitrolyte.infer.distil.seeds import Seed
from vitrolyte.potentials.potential import Potential
from vitrolyte.potentials.teacher import Example, Teacher, TeacherSpec, team
from vitrolyte.potentials.teacher_catalogue import teacher_potential

Tell = Callable[[str], None]
TELL_EVERY_S = 5.0
log = logging.getLogger(__name__)


class Purse:
    """What a distillation has spent over all its sittings: hours at work, labels bought."""

    def __init__(self, path: Path, cache: LabelCache) -> None:
        self._path, self._cache = path, cache
        self._start = time.monotonic()
        self._before: tuple[float, int] | None = None

    @property
    def hours(self) -> float:
        """Return the hours at work so far."""
        return self._earlier[0] + (time.monotonic() - self._start) / 3600

    @property
    def labels(self) -> int:
        """Return the labels bought so far; those in the cache before the start cost nothing."""
        return len(self._cache) - self._earlier[1]

    def save(self) -> None:
        """Write it down."""
        plain = {"hours": self.hours, "labels_before": self._earlier[1]}
        write_text(self._path, json.dumps(plain))

    @property
    def _earlier(self) -> tuple[float, int]:
        if self._before is None:
            try:
                stored = json.loads(self._path.read_text("utf-8"))
                self._before = (float(stored["hours"]), int(stored["labels_before"]))
            except (OSError, ValueError, KeyError):
                self._before = (0.0, len(self._cache))
        return self._before


@dataclass(frozen=True)
class Bench:
    """Where a distillation works and with what.

    Attributes
    ----------
    settings
        Completed ones.
    folder
        Labels and descriptors are kept here, and in a folder of its own what follows from these
        settings: stages, fits, runs.
    teacher_python
        Interpreter of the teachers.
    workers
        Processes side by side.
    tell
        Takes a line of progress.
    """

    settings: DistilSettings
    folder: Path
    teacher_python: Path
    workers: int = 1
    tell: Tell = log.info
    purse: Purse = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "purse", Purse(self.place / "spent.json", self.cache))

    @property
    def place(self) -> Path:
        """Folder of what follows from these settings, whatever the budget."""
        # How long student and teacher are watched in the examination is no part of the student.
        lengths = {"teacher_ps", "student_ps", "response_frames", "patience"}
        plain = self.settings.model_dump(mode="json", exclude={"budget": True, "trust": lengths})
        if self.settings.coulomb is None:
            del plain["coulomb"]
        return self.folder / f"run-{content_id(plain)[:10]}"

    @property
    def cache(self) -> LabelCache:
        """Labels of the final teacher."""
        return LabelCache(self.folder / "labels" / self.settings.teacher.name)

    @property
    def ledger(self) -> Ledger:
        """Stages finished with the labelling teacher."""
        return Ledger(self.place / "stages", self.cache)

    @property
    def basis(self) -> Basis:
        """The descriptors of the student."""
        return Basis(self.settings.elements, self.settings.pod, self.folder / "rows", self.workers)

    @property
    def electrostatics(self) -> Electrostatics | None:
        """The charges under the student; none where the settings have none."""
        charged = self.settings.coulomb
        if charged is None:
            return None
        values = {element: charged.charges[element] for element in self.settings.elements}
        unit = Charges(values, charged.coulomb)
        return Electrostatics(unit, charged.scale, self.folder / "charges")

    @cached_property
    def labeller(self) -> TeacherSpec:
        """The teacher whose word is final."""
        return self._spec(self.settings.teacher)

    @cached_property
    def explorer(self) -> TeacherSpec:
        """The cheaper teacher that runs molecular dynamics."""
        return self._spec(self.settings.explorer)

    def _spec(self, settings: TeacherSettings) -> TeacherSpec:
        spec = settings.spec(self.teacher_python, threads=1)
        return replace(spec, elements=spec.elements or self.settings.elements)

    @cached_property
    def teacher_potential(self) -> Potential:
        """The final teacher as a potential that an engine can run."""
        return teacher_potential(self.labeller, timestep_fs=self.settings.timestep_fs)

    @contextmanager
    def teachers(self, spec: TeacherSpec) -> Iterator[tuple[Teacher, ...]]:
        """Start as many processes of a teacher as there are workers.

        Raises
        ------
        InputError
            The teacher does not know an element of the settings.
        """
        with team(spec, self.workers, failures=self.folder / "failures") as teachers:
            for teacher in teachers[:1]:
                _require_elements(teacher, self.settings.elements)
            yield teachers

    def label(self, seeds: Sequence[Seed], what: str) -> list[Example]:
        """Label snapshots with the final teacher."""
        if all(key in self.cache for key in (key_of(seed.snapshot) for seed in seeds)):
            return [self.cache.read(key_of(seed.snapshot), seed.phase) for seed in seeds]
        with self.teachers(self.labeller) as teachers:
            return buy_labels(seeds, self.cache, teachers=teachers, tell=self._counter(what))

    @property
    def has_time(self) -> bool:
        """Say whether hours of the budget are left."""
        return self.purse.hours < self.settings.budget.hours

    def over_budget(self, rounds: int) -> str:
        """Say which budget is spent; empty while none is."""
        budget = self.settings.budget
        if rounds >= budget.rounds:
            return f"{budget.rounds} rounds"
        if self.purse.labels >= budget.labels:
            return f"{budget.labels} labels"
        if not self.has_time:
            return f"{budget.hours:g} hours"
        return ""

    def say(self, text: str) -> None:
        """Tell what is done, and what of the budget is left."""
        budget = self.settings.budget
        self.purse.save()
        self.tell(
            f"{text}  [labels {self.purse.labels} of {budget.labels}, "
            f"{self.purse.hours:.2f} of {budget.hours:g} h]"
        )

    def _counter(self, what: str) -> Callable[[int, int], None]:
        last = [time.monotonic()]

        def count(done: int, total: int) -> None:
            if time.monotonic() - last[0] > TELL_EVERY_S or done == total:
                last[0] = time.monotonic()
                self.tell(f"labels for {what}: {done} of {total}")

        return count


def _require_elements(teacher: Teacher, elements: Sequence[str]) -> None:
    strangers = [e for e in elements if teacher.elements and e not in teacher.elements]
    if strangers:
        raise InputError(
            f"The teacher {teacher.spec.name} must know every element to be distilled",
            received=f"{' '.join(strangers)}, it knows {' '.join(teacher.elements)}",
            remedy="choose another teacher, or leave the element out",
        )
