"""An examination in progress: the student, the bench, and what both it and its teacher can do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vitrolyte.data.trajectory import structure
from vitrolyte.infer.distil.bench import Bench
from vitrolyte.infer.distil.config import TrialSettings
from vitrolyte.infer.distil.evaluate import student_labels
from vitrolyte.infer.distil.pod import Fit
from vitrolyte.infer.distil.trials import TrialGround
from vitrolyte.potentials.potential import Potential
from vitrolyte.potentials.teacher import Example, Label, Snapshot
from vitrolyte.simulate import engines
from vitrolyte.simulate.order import Order, Run
from vitrolyte.simulate.schedule import Segment

Evaluate = Callable[[Sequence[Snapshot]], Sequence[Label]]
TRUST_SEED = 900


@dataclass(frozen=True)
class Exam:
    """A student under examination, with the bench it was made on and the attempt's number."""

    fit: Fit
    bench: Bench
    attempt: int

    @property
    def folder(self) -> Path:
        """Where its runs and evaluations lie; each student has its own."""
        return self.bench.place / f"exam-{self.attempt:02d}-{self.potential.digest[:8]}"

    @property
    def potential(self) -> Potential:
        """The student as the engine takes it."""
        settings = self.bench.settings
        return self.fit.potential(settings.name, settings.timestep_fs)

    @property
    def ground(self) -> TrialGround:
        """Where its trials run."""
        return TrialGround(self.bench.settings, self.potential, self.folder)

    def seed(self, place: int) -> int:
        """Return a seed that no round and no other attempt has."""
        return self.bench.settings.seed * 10000 + TRUST_SEED * self.attempt + place

    def said(self, snapshots: Sequence[Snapshot]) -> list[Label]:
        """Let the student evaluate snapshots."""
        student = self.fit.student
        return student_labels(
            student.pair(), snapshots, elements=student.elements, folder=self.folder / "points"
        )

    def run(self, start: Snapshot, segment: Segment, name: str) -> Run:
        """Run the student from a snapshot; a killed run goes on."""
        now = structure(start.species, start.positions, start.cell)
        return engines.run(Order(now, self.potential, segment, self.seed(99), self.folder / name))

    def teach(self, start: Snapshot, segment: Segment, name: str) -> Run:
        """Run the teacher from a snapshot, for this student and all that follow."""
        now = structure(start.species, start.positions, start.cell)
        seed = replace(self, attempt=1).seed(99)
        place = self.bench.place / name
        return engines.run(Order(now, self.bench.teacher_potential, segment, seed, place))

    def trial(self, phase: str) -> TrialSettings:
        """Find the examined trial of a phase."""
        return next(one for one in self.bench.settings.trust.trials if one.phase == phase)


@dataclass(frozen=True)
class Sitting:
    """One phase of the examination: the frames of a trial's last stage, a few of them labelled."""

    phase: str
    frames: tuple[Snapshot, ...]
    labelled: tuple[Example, ...]
