"""The examination of a student: frames it never saw, the teacher's own runs, crystal, stability."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from vitrolyte.data.origin import content_id
from vitrolyte.infer.distil.bench import Bench
from vitrolyte.infer.distil.charges import Charges
from vitrolyte.infer.distil.examination.cost import cost_figures
from vitrolyte.infer.distil.examination.crystal import crystal_figures
from vitrolyte.infer.distil.examination.exam import Exam, Sitting
from vitrolyte.infer.distil.examination.figures import Evidence, error_figures
from vitrolyte.infer.distil.examination.molecules import hydrogen_figures
from vitrolyte.infer.distil.examination.motion import (
    Course,
    density_figures,
    diffusion_figures,
    longer_student_run,
    overlap_figures,
    own_run,
    student_run,
    typical,
)
from vitrolyte.infer.distil.examination.response import (
    answered,
    free_energy_figures,
    response_figures,
)
from vitrolyte.infer.distil.examination.stability import stability_figures
from vitrolyte.infer.distil.pod import Fit
from vitrolyte.infer.distil.rounds import Examined, exam_stage
from vitrolyte.infer.distil.seeds import Seed
from vitrolyte.infer.distil.trials import FRAME_PS, run_trial, snapshots
from vitrolyte.potentials.card import TrustCard, TrustFigure, read_card, write_card
from vitrolyte.potentials.teacher import Example, Snapshot


def examine(fit: Fit, bench: Bench, attempt: int) -> Examined:
    """Examine a student against its teacher and write down every figure, good or bad.

    Where nothing is failed but the evidence cannot decide, it is held longer while the budget has
    time: the teacher's melt goes on, and the teacher has its word on more frames.
    """
    exam, trust = Exam(fit, bench, attempt), bench.settings.trust
    found = _held(exam)
    for _ in range(trust.patience):
        effort = exam.effort.more(found.card, trust.response_frames)
        if effort is None or not bench.has_time:
            break
        exam = replace(exam, effort=effort)
        short = ", ".join(f"{one.quantity} {one.of}".strip() for one in found.card.undecided[:4])
        bench.say(f"examination {attempt} held longer, undecided: {short}")
        found = _held(exam)
    return found


def _held(exam: Exam) -> Examined:
    """Hold an examination with one effort.

    One that was finished before, with the same settings, is read. A student whose trials break off
    is failed on them, and no more is asked.
    """
    bench, stage = exam.bench, exam_stage(exam.attempt)
    stored = read_card(_card_path(exam))
    if stored is not None and bench.ledger.holds(stage):
        return Examined(stored, tuple(bench.ledger.once(stage, list)))
    figures: list[TrustFigure] = []
    frames: list[Example] = []
    sittings = [_sit(exam, place) for place in range(len(bench.settings.trust.trials))]
    for sitting, broken in sittings:
        frames += sitting.labelled
        figures += broken
        if not broken:
            figures += _errors(exam, sitting.labelled, f"{sitting.phase} (student's run)")
            figures += hydrogen_figures(sitting, bench.settings.timestep_fs)
    if not any(broken for _, broken in sittings):
        by_phase = {sitting.phase: sitting for sitting, _ in sittings}
        figures += _motion(exam, by_phase)
        bench.say("examination: the parent crystal")
        figures += crystal_figures(exam)
        bench.say("examination: stability")
        figures += stability_figures(exam, by_phase["melt"].frames[-1])
        figures += cost_figures(exam, by_phase["melt"].frames[-1])
    settings, fit = bench.settings, exam.fit
    card = TrustCard(
        settings.name,
        settings.teacher.name,
        len(fit.examples),
        tuple(figures),
        _notes(figures, fit.student.charges),
    )
    write_card(card, _card_path(exam))
    return Examined(card, tuple(bench.ledger.once(stage, lambda: frames)))


def _card_path(exam: Exam) -> Path:
    """Where the card of an examination with these settings and this effort lies."""
    trust = exam.bench.settings.trust.model_dump(mode="json", exclude={"patience"})
    asked = {"trust": trust, **asdict(exam.effort)}
    return exam.folder / f"card-{content_id(asked)[:8]}.json"


def _sit(exam: Exam, place: int) -> tuple[Sitting, list[TrustFigure]]:
    bench = exam.bench
    trial = bench.settings.trust.trials[place]
    outcome = run_trial(trial, exam.ground, seed=exam.seed(place))
    if not outcome.survived:
        seeds = list(outcome.before_failure[:: max(1, outcome.failing // 4)])
        seeds = [Seed(seed.snapshot, "failing") for seed in seeds]
        by = Evidence(len(outcome.frames), f"after {outcome.lived_ps:.2f} ps: {outcome.reason}")
        broken = by.below(0.0, "breaches", trial.phase, 1.0, "1")
        examples = bench.label(seeds, "a broken examination")
        return Sitting(trial.phase, (), tuple(examples)), [broken]
    count = round(trial.stages[-1].time_ps / FRAME_PS)
    frames = [frame.snapshot for frame in outcome.frames[-count:]]
    seeds = [Seed(frame, trial.phase) for frame in _spread(frames, bench.settings.trust.frames)]
    examples = bench.label(seeds, f"examined {trial.phase}")
    return Sitting(trial.phase, tuple(frames), tuple(examples)), []


def _spread(frames: list[Snapshot], count: int) -> list[Snapshot]:
    places = np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int)
    return [frames[place] for place in places]


def _errors(
    exam: Exam, examples: tuple[Example, ...], of: str, *, own: bool = False
) -> list[TrustFigure]:
    said = exam.said([example.snapshot for example in examples])
    return error_figures(examples, said, exam.fit.student.elements, of, own=own)


def _motion(exam: Exam, sittings: dict[str, Sitting]) -> list[TrustFigure]:
    """Compare melt and glass with runs of the teacher itself.

    They are made once for all students of a distillation, and none of them ever learns from them.
    """
    bench = exam.bench
    phases: list[str] = [phase for phase in ("melt", "glass") if phase in sittings]
    bench.say(f"examination: the teacher's own {' and '.join(phases)}")
    hot = {phase: exam.trial(phase).stages[-1].temperature_K[1] for phase in phases}
    starts = {phase: _common_start(exam, sittings[phase]) for phase in phases}

    def both(phase: str) -> tuple[Course, Course]:
        mine = student_run(exam, starts[phase], hot[phase], phase)
        return own_run(exam, starts[phase], hot[phase], phase), mine

    with ThreadPoolExecutor(bench.workers) as pool:
        runs = dict(zip(phases, pool.map(both, phases)))
    figures = density_figures(exam, sittings["melt"])
    for phase, (own, mine) in runs.items():
        chosen = _spread(snapshots(own.run), bench.settings.trust.frames)
        labelled = bench.label([Seed(one, phase) for one in chosen], f"the teacher's {phase}")
        figures += _errors(exam, tuple(labelled), f"{phase} (teacher's run)", own=True)
        figures += overlap_figures(exam, own, mine, phase)
        bench.say(f"examination: the teacher's word on the student's {phase}")
        answer = answered(exam, mine, phase)
        figures += response_figures(exam, answer, hot[phase], phase)
        figures += free_energy_figures(exam, answer, labelled, phase)
        if phase == "melt":
            longer = longer_student_run(exam, starts[phase], hot[phase], own)
            figures += diffusion_figures(exam, own, longer)
    return figures


def _common_start(exam: Exam, sitting: Sitting) -> Snapshot:
    """Return the frame from which teacher and student run, the first examined student's."""

    def first() -> list[Example]:
        seed = Seed(typical(sitting.frames), sitting.phase)
        return exam.bench.label([seed], f"the start of the teacher's {sitting.phase}")

    (start,) = exam.bench.ledger.once(f"teacher-{sitting.phase}-start", first)
    return start.snapshot


def _electrostatics(charges: Charges | None) -> str:
    if charges is None:
        return "No charges: electrostatics beyond the cut-off is not seen."
    listed = ", ".join(f"{element} {value:+.4g}" for element, value in charges.values.items())
    return (
        f"Fixed charges under the student ({charges.coulomb.method}): {listed} e; cells must be "
        "neutral. The vacancy hop has a neutral cluster of vacancies in student and teacher."
    )


def _notes(figures: list[TrustFigure], charges: Charges | None) -> tuple[str, ...]:
    undecided = [f"{figure.quantity} {figure.of}" for figure in figures if figure.undecided]
    notes = [
        "The teacher is itself a model: its own figures against print are listed as 'teacher'.",
        _electrostatics(charges),
        "pair_style pod can crash on an atom with fewer than two neighbours (LAMMPS issue 5114): "
        "keep to condensed phases; the engine's watcher stops a run before an atom is alone.",
        "The teacher's runs start from frames of the first student examined; no student learns "
        "from them.",
    ]
    if undecided:
        notes.append(
            "UNDECIDED, the teacher's runs being too short for the limit: " + "; ".join(undecided)
        )
    return tuple(notes)
