"""What the teacher would have made of the student's liquid and glass: pair distributions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.infer.distil.cache import LabelCache, buy_labels
from vitrolyte.infer.distil.examination.exam import Exam
from vitrolyte.infer.distil.examination.figures import Evidence
from vitrolyte.infer.distil.examination.motion import OVERLAP_LIMIT, Course
from vitrolyte.infer.distil.examination.probes import (
    LEAST_FRAMES,
    Overlap,
    distributions,
    free_energy_gap,
    responded,
    responded_overlap,
)
from vitrolyte.infer.distil.gate import ENERGY_LIMIT
from vitrolyte.infer.distil.geometry import Array
from vitrolyte.infer.distil.seeds import Seed
from vitrolyte.infer.distil.trials import snapshots
from vitrolyte.potentials.card import TrustFigure
from vitrolyte.potentials.teacher import Example, Snapshot

Places = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Answer:
    """The teacher's word on frames of the student's run at constant volume, in order of time.

    ``gaps`` (n,) are the teacher's energies less the student's, eV.
    """

    examples: tuple[Example, ...]
    gaps: Array


def answered(exam: Exam, mine: Course, phase: str) -> Answer:
    """Let the teacher label frames of the student's run; kept apart, and learned by no student."""
    wanted = exam.effort.words * exam.bench.settings.trust.response_frames
    places = spread_places(mine.run.n_frames, wanted)
    every = snapshots(mine.run)
    seeds = [Seed(every[place], phase) for place in places]
    kept = LabelCache(exam.bench.place / "response")
    with exam.bench.teachers(exam.bench.labeller) as teachers:
        examples = buy_labels(seeds, kept, teachers=teachers)
    return Answer(tuple(examples), _gaps(exam, examples))


def spread_places(frames: int, wanted: int) -> Places:
    """Return places evenly over so many frames; those of a multiple of ``wanted`` include them."""
    count = min(wanted, frames)
    return np.arange(count) * frames // count


def response_figures(
    exam: Exam, answer: Answer, temperature_K: float, phase: str
) -> list[TrustFigure]:
    """Compare every partial pair distribution of the student with what the teacher's would be.

    A run of the teacher long enough to tell is out of reach; its energies on frames of the
    student's run are not. The difference of the two energies says where the teacher's distribution
    lies, to first order.
    """
    frames = [example.snapshot for example in answer.examples]
    elements = [e for e in exam.fit.student.elements if e in frames[0].species]
    each = _each(frames, elements)
    gaps = answer.gaps / (BOLTZMANN_EV_PER_K * temperature_K)
    return [_figure(each[pair], gaps, phase, pair) for pair in each]


def free_energy_figures(
    exam: Exam, answer: Answer, own: Sequence[Example], phase: str
) -> list[TrustFigure]:
    """Compare the free energies of student and teacher, from frames of both their runs."""
    atoms = len(own[0].label.forces)
    found = free_energy_gap(answer.gaps / atoms, _gaps(exam, own) / atoms)
    error, interval = abs(found.value), found.distance(0.0)
    by = Evidence(
        len(answer.examples) + len(own),
        f"|(<E_t - E_s>_s + <E_t - E_s>_t) / 2|, {len(answer.examples)} frames of the student's "
        f"run and {len(own)} of the teacher's at the same volume and temperature",
        interval,
        "too few frames for the limit" if error > ENERGY_LIMIT > interval[0] else "",
    )
    return [by.below(ENERGY_LIMIT, "free_energy_error", phase, error, "eV/atom")]


def _each(frames: Sequence[Snapshot], elements: Sequence[str]) -> dict[str, Array]:
    """Return every partial distribution of each frame, (frames, bins)."""
    single = [distributions([frame], elements) for frame in frames]
    return {pair: np.array([one[pair] for one in single]) for pair in single[0]}


def _gaps(exam: Exam, examples: Sequence[Example]) -> Array:
    said = exam.said([example.snapshot for example in examples])
    return np.array([e.label.energy - s.energy for e, s in zip(examples, said)])


def _bounded(each: Array, gaps: Array) -> Overlap:
    """Bound an overlap; where there are too few frames to know chance, by nothing."""
    if len(each) < LEAST_FRAMES:
        return Overlap(responded(each, gaps), float("nan"), 0.0, 1.0)
    return responded_overlap(each, gaps)


def _figure(each: Array, gaps: Array, phase: str, pair: str) -> TrustFigure:
    found = _bounded(each, gaps)
    short = found.measured < OVERLAP_LIMIT <= found.high
    by = Evidence(
        len(each),
        "1 - Σ|g_t - g_s| / Σ(g_t + g_s) to 6 Å in 0.1 Å bins; g_s over frames of the student's "
        "run at constant volume, g_t = g_s - cov(E_t - E_s, g) / kT over the same (first order, "
        f"standard deviation of (E_t - E_s) / kT {gaps.std():.1f}); energies that have nothing to "
        f"do with the structure leave {found.chance:.3f}",
        (found.low, found.high),
        f"{len(each)} frames are too few for the limit" if short else "",
    )
    return by.above(OVERLAP_LIMIT, "gr_overlap", f"{phase}, {pair}", found.measured, "1")
