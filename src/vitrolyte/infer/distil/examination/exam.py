"""An examination in progress: the student, the bench, and what both it and its teacher can do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vitrolyte.data.trajectory import Trajectory, structure
from vitrolyte.infer.distil.bench import Bench
from vitrolyte.infer.distil.config import TrialSettings
from vitrolyte.infer.distil.evaluate import student_labels
from vitrolyte.infer.distil.pod import Fit
from vitrolyte.infer.distil.trials import TrialGround
from vitrolyte.potentials.card import TrustCard
from vitrolyte.potentials.potential import Potential
from vitrolyte.potentials.teacher import Example, Label, Snapshot
from vitrolyte.simulate import engines
from vitrolyte.simulate.order import Order, Run
from vitrolyte.simulate.schedule import Segment

Evaluate = Callable[[Sequence[Snapshot]], Sequence[Label]]
TRUST_SEED = 900
WORDY = ("gr_overlap", "free_energy_error")
"""Figures that more of the teacher's word on the student's frames decides."""


@dataclass(frozen=True)
class Effort:
    """How much of the teacher is asked for, as multiples of what the settings begin with.

    Attributes
    ----------
    legs
        Of the teacher's own melt, one going on where the other ended.
    words
        The teacher's word on frames of the student's run.
    """

    legs: int = 1
    words: int = 1

    def more(self, card: TrustCard, frames: int) -> Effort | None:
        """Return what would help to decide a card; None where nothing would, or it has failed.

        ``frames`` is what the settings begin with; where the student's run has no more of them
        than were asked about, asking again is no help.
        """
        if card.failures:
            return None
        short = {figure.quantity for figure in card.undecided}
        asked = max((one.frames for one in card.undecided if one.quantity in WORDY), default=0)
        legs = self.legs + ("diffusivity_error" in short)
        words = self.words * (2 if asked >= self.words * frames else 1)
        wanted = Effort(legs, words)
        return None if wanted == self else wanted


@dataclass(frozen=True)
class Exam:
    """A student under examination: the bench it was made on, the attempt's number, the effort."""

    fit: Fit
    bench: Bench
    attempt: int
    effort: Effort = Effort()

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

    def run(self, now: Trajectory, segment: Segment, name: str) -> Run:
        """Run the student from a structure; a killed run goes on."""
        return engines.run(Order(now, self.potential, segment, self.seed(99), self.folder / name))

    def teach(self, now: Trajectory, segment: Segment, name: str) -> Run:
        """Run the teacher from a structure, for this student and all that follow."""
        seed = replace(self, attempt=1).seed(99)
        place = self.bench.place / name
        return engines.run(Order(now, self.bench.teacher_potential, segment, seed, place))

    def trial(self, phase: str) -> TrialSettings:
        """Find the examined trial of a phase."""
        return next(one for one in self.bench.settings.trust.trials if one.phase == phase)


def as_structure(frame: Snapshot) -> Trajectory:
    """Return a snapshot as a structure from which an engine can run."""
    return structure(frame.species, frame.positions, frame.cell)


@dataclass(frozen=True)
class Sitting:
    """One phase of the examination: the frames of a trial's last stage, a few of them labelled."""

    phase: str
    frames: tuple[Snapshot, ...]
    labelled: tuple[Example, ...]
