"""The student's liquid and glass beside the teacher's own: structure, diffusion, density."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from vitrolyte.data.trajectory import Trajectory
from vitrolyte.infer.distil.config import StageSettings
from vitrolyte.infer.distil.examination.exam import Exam, Sitting, as_structure
from vitrolyte.infer.distil.examination.figures import Evidence, pressure_gap
from vitrolyte.infer.distil.examination.probes import (
    LEAST_PIECES,
    Estimate,
    Overlap,
    bounded_overlap,
    distributions,
    motion_ratio,
    overlap,
)
from vitrolyte.infer.distil.geometry import Array
from vitrolyte.infer.distil.seeds import repeated
from vitrolyte.infer.distil.trials import FRAME_PS, run_trial, snapshots
from vitrolyte.potentials.card import TrustFigure
from vitrolyte.potentials.teacher import Snapshot
from vitrolyte.simulate.order import Run
from vitrolyte.simulate.schedule import Segment

DENSITY_LIMIT = 1.5
OVERLAP_LIMIT = 0.97
DIFFUSION_LIMIT = 25.0
SETTLING = 0.2
"""Share of a run left out at its start."""

BLOCKS = 4
ENOUGH_PIECES = 10
"""Pieces of the student's run, each as long as the teacher's: more hardly narrow an interval."""

LONGEST_LAG_PS = 1.0
"""Past the rattling of ions in a melt; a longer lag leaves fewer displacements that differ."""

GLASS_SHARE = 0.4
"""Length of the teacher's run of a glass over that of a melt, in which ions must wander."""


def density_figures(exam: Exam, melt: Sitting) -> list[TrustFigure]:
    """Compare the density of the melt with the teacher's, through its pressure.

    ``|dV/V| = |P_student - P_teacher| / B`` on the same frames, B the melt's bulk modulus.
    """
    said = exam.said([example.snapshot for example in melt.labelled])
    gap = pressure_gap([example.label for example in melt.labelled], said)
    stiffness = melt_stiffness(exam, typical(melt.frames))
    soft = "the melt's bulk modulus could not be measured" if not stiffness > 0 else ""
    by = Evidence(
        len(said),
        "mean pressure difference student minus teacher on frames of the student's NPT melt, over "
        f"the melt's bulk modulus {stiffness:.1f} GPa (student, volumes at 0 and 1 GPa)",
        undecided=soft,
    )
    error = 100 * abs(gap / stiffness) if not soft else 0.0
    return [by.below(DENSITY_LIMIT, "density_error", "melt", error, "%")]


def melt_stiffness(exam: Exam, start: Snapshot) -> float:
    """Return the bulk modulus of the melt, -V dP/dV between 0 and 1 GPa, GPa; nan if it broke."""
    volumes = [melt_volume(exam, start, pressure) for pressure in (0.0, 1.0)]
    return float(1.0 / np.log(volumes[0] / volumes[1]))


def melt_volume(exam: Exam, start: Snapshot, pressure_GPa: float) -> float:
    """Return the mean volume of the student's melt at a pressure, Å³; nan if the run broke."""
    trial = exam.trial("melt")
    hot = trial.stages[-1].temperature_K
    length = 0.5 * exam.bench.settings.student_ps
    stage = StageSettings(temperature_K=hot, pressure_GPa=pressure_GPa, time_ps=length)
    held = trial.model_copy(update={"stages": (stage,)})
    ground = replace(exam.ground, folder=exam.folder / f"at-{pressure_GPa:g}-GPa-{length:g}-ps")
    large = repeated(start, (2, 1, 1))
    outcome = run_trial(held, ground, seed=exam.seed(50), start=large)
    tail = outcome.frames[-max(1, round(0.7 * length / FRAME_PS)) :]
    if not outcome.survived:
        return float("nan")
    return float(np.mean([frame.snapshot.volume for frame in tail]))


@dataclass(frozen=True, eq=False)
class Course:
    """A run at constant volume, its start left out, and the temperature (K) of every frame."""

    run: Trajectory
    temperatures: Array

    @property
    def temperature(self) -> float:
        """Mean temperature, K."""
        return float(self.temperatures.mean())

    def pieces(self, frames: int) -> list[Course]:
        """Cut it into pieces of so many frames; a rest is left out."""
        starts = range(0, self.run.n_frames - frames + 1, frames)
        parts = [slice(start, start + frames) for start in starts]
        return [Course(self.run.select(part), self.temperatures[part]) for part in parts]


def own_run(exam: Exam, start: Snapshot, temperature_K: float, phase: str) -> Course:
    """Run the teacher itself from a frame, at constant volume; once in a distillation.

    Its melt goes on in as many legs as the effort has.
    """
    length = exam.bench.settings.trust.teacher_ps or 1.0
    length = length if phase == "melt" else round(GLASS_SHARE * length, 3)
    legs = exam.effort.legs if phase == "melt" else 1
    walk = partial(exam.teach, segment=_segment(exam, temperature_K, length))
    return _continued(walk, start, f"teacher-{phase}-{length:g}-ps", legs)


def student_run(exam: Exam, start: Snapshot, temperature_K: float, phase: str) -> Course:
    """Run the student from the same frame at the same volume and temperature."""
    return _student(exam, start, temperature_K, phase, legs=1)


def longer_student_run(exam: Exam, start: Snapshot, temperature_K: float, own: Course) -> Course:
    """Run the student's melt on until it holds enough pieces as long as the teacher's run."""
    needed = ENOUGH_PIECES * _length(own.run) / exam.bench.settings.student_ps
    return _student(exam, start, temperature_K, "melt", legs=math.ceil(SETTLING + needed))


def _student(exam: Exam, start: Snapshot, temperature_K: float, phase: str, *, legs: int) -> Course:
    length = exam.bench.settings.student_ps
    walk = partial(exam.run, segment=_segment(exam, temperature_K, length))
    return _continued(walk, start, f"student-{phase}-{length:g}-ps", legs)


def _continued(walk: partial[Run], start: Snapshot, name: str, legs: int) -> Course:
    """Carry out a run in legs, each from the end of the one before, whose velocities go on."""
    done = walk(as_structure(start), name=name)
    courses = [_settled(done)]
    onward = replace(walk.keywords["segment"], velocities=False)
    for number in range(2, legs + 1):
        done = walk(done.final, segment=onward, name=f"{name}-{number}")
        courses.append(_followed(done))
    return joined(courses)


def _segment(exam: Exam, temperature_K: float, length_ps: float) -> Segment:
    return Segment(
        name="compared",
        ensemble="nvt",
        duration_ps=length_ps,
        temperature_K=temperature_K,
        timestep_fs=exam.bench.settings.timestep_fs,
        frame_every_ps=FRAME_PS,
        velocities=True,
    )


def _settled(done: Run) -> Course:
    return _from(done, int(SETTLING * done.trajectory.n_frames))


def _followed(done: Run) -> Course:
    """Take a leg that goes on where another ended, whose last frame is its first."""
    return _from(done, 1)


def _from(done: Run, first: int) -> Course:
    run = done.trajectory.select(slice(first, None))
    return Course(run, np.interp(run.times, done.thermo.times, done.thermo.temperature))


def joined(courses: Sequence[Course]) -> Course:
    """Join legs of one run at constant volume, each of which begins a frame after the last ended.

    The unwrapped positions of a leg go on from those of the leg before.
    """
    runs = [course.run for course in courses]
    starts = np.cumsum([0.0, *(run.times[-1] for run in runs[:-1])])
    whole = Trajectory(
        runs[0].species,
        np.concatenate([start + run.times for start, run in zip(starts, runs)]),
        np.concatenate([run.cells for run in runs]),
        np.concatenate([run.read().positions for run in runs]),
    )
    return Course(whole, np.concatenate([course.temperatures for course in courses]))


def overlap_figures(exam: Exam, own: Course, mine: Course, phase: str) -> list[TrustFigure]:
    """Compare every partial pair distribution of teacher and student at one state.

    Where chance alone, in so short a run, may be what keeps an overlap below its limit, the
    teacher's run has no say, and what it would have made of the student's run decides alone
    (`response`).
    """
    elements = [e for e in exam.fit.student.elements if e in own.run.species]
    length = own.run.n_frames
    run = distributions(snapshots(own.run), elements)
    parts = mine.pieces(length) or [mine]
    pieces = [distributions(snapshots(part.run), elements) for part in parts]
    figures = []
    for pair in run:
        found = _bounded(run[pair], [piece[pair] for piece in pieces])
        chance = "unknown" if np.isnan(found.chance) else f"{found.chance:.3f}"
        short = found.measured < OVERLAP_LIMIT <= found.high
        by = Evidence(
            length,
            f"1 - Σ|g_t - g_s| / Σ(g_t + g_s) to 6 Å in 0.1 Å bins; teacher "
            f"{_length(own.run):.2f} ps, student {_length(mine.run):.1f} ps, same volume, "
            "temperature and start; pieces of the student's run as long as the teacher's overlap "
            f"with its rest by {chance}",
            (found.low, found.high),
        )
        of = f"{phase}, {pair}, teacher's own run"
        if short:
            figures.append(by.told("gr_overlap", of, found.measured, "1"))
        else:
            figures.append(by.above(OVERLAP_LIMIT, "gr_overlap", of, found.measured, "1"))
    return figures


def _bounded(run: Array, pieces: Sequence[Array]) -> Overlap:
    """Bound an overlap; where the student's run is too short to know chance, by nothing."""
    if len(pieces) < LEAST_PIECES:
        measured = overlap(run, np.mean(pieces, axis=0))
        return Overlap(measured, float("nan"), 0.0, 1.0)
    return bounded_overlap(run, np.array(pieces))


def diffusion_figures(exam: Exam, own: Course, mine: Course) -> list[TrustFigure]:
    """Compare how fast the mobile ion wanders in student and teacher, over the same lag.

    ``D = <|r(t + lag) - r(t)|²> / (6 lag)`` with a lag of a quarter of the teacher's run, at most
    1 ps, over all origins, at the temperature that the teacher's run had; the scatter of pieces of
    the student's run as long as the teacher's gives the interval.
    """
    mobile = exam.bench.settings.mobile
    lag = max(1, min(own.run.n_frames // BLOCKS - 1, round(LONGEST_LAG_PS / FRAME_PS)))
    pieces = mine.pieces(own.run.n_frames) or [mine]
    theirs = wandering(own.run, mobile, lag)
    ours = np.array([wandering(piece.run, mobile, lag) for piece in pieces])
    hot = np.array([piece.temperature for piece in pieces])
    found = motion_ratio(theirs, own.temperature, ours, hot)
    method = (
        f"mean square displacement over {lag * FRAME_PS:.2f} ps; teacher {_length(own.run):.2f} ps "
        f"at {own.temperature:.0f} K, student {len(pieces)} x {_length(pieces[0].run):.2f} ps at "
        f"{hot.min():.0f} to {hot.max():.0f} K, read at the teacher's temperature"
    )
    ratio = float(ours.mean() / theirs) if found is None else found.value
    by = Evidence(own.run.n_frames, method, *_bounded_error(found))
    said = Evidence(own.run.n_frames, method)
    reference, value = 1e-4 * theirs, 1e-4 * ratio * theirs
    return [
        by.below(DIFFUSION_LIMIT, "diffusivity_error", mobile, 100 * abs(ratio - 1), "%"),
        said.beside(reference, "tracer_diffusivity", f"{mobile}, student", value, "cm²/s"),
    ]


def _bounded_error(found: Estimate | None) -> tuple[tuple[float, float] | None, str]:
    """Return the interval of a deviation in per cent, and why it cannot decide."""
    if found is None:
        return None, "the student's run is too short to know chance"
    near, far = found.distance(1.0)
    interval = (100 * near, 100 * far)
    if found.high - found.low <= 2 * DIFFUSION_LIMIT / 100:
        return interval, ""
    return (
        interval,
        f"the ratio to the teacher is anything from {found.low:.2f} to {found.high:.2f}",
    )


def wandering(run: Trajectory, species: str, lag: int) -> float:
    """Return ``<|dr|²> / (6 lag)`` of one species over all origins, Å²/ps, centre at rest."""
    positions = run.read().positions
    positions = positions - positions.mean(axis=1, keepdims=True)
    chosen = positions[:, run.indices(species)]
    steps = np.square(chosen[lag:] - chosen[:-lag]).sum(axis=-1)
    return float(steps.mean() / (6 * lag * FRAME_PS))


def _length(run: Trajectory) -> float:
    return float(run.times[-1] - run.times[0])


def typical(frames: Sequence[Snapshot]) -> Snapshot:
    """Choose the frame whose volume is nearest to the mean."""
    volumes = np.array([frame.volume for frame in frames])
    return frames[int(np.argmin(np.abs(volumes - volumes.mean())))]
