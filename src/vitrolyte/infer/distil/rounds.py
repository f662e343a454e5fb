"""Active learning: fit, run what must be survived, label what is least known, fit again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vitrolyte.infer.distil.bench import Bench
from vitrolyte.infer.distil.cache import key_of
from vitrolyte.infer.distil.collect import first_examples
from vitrolyte.infer.distil.evaluate import student_labels
from vitrolyte.infer.distil.gate import (
    RoundRecord,
    attractive_pairs,
    errors,
    read_record,
    write_record,
)
from vitrolyte.infer.distil.pod import Fit, FitOrder, fit_student
from vitrolyte.infer.distil.seeds import Seed
from vitrolyte.infer.distil.selection import in_turn, least_known
from vitrolyte.infer.distil.trials import TrialGround, TrialOutcome, run_trial
from vitrolyte.potentials.card import TrustCard
from vitrolyte.potentials.teacher import Example

CALM_EVERY = 5
MOST_CANDIDATES = 240


@dataclass(frozen=True)
class Examined:
    """An examination: its card, and the labelled frames on which it rests."""

    card: TrustCard
    frames: tuple[Example, ...]


Examine = Callable[[Fit, Bench, int], Examined]


@dataclass(frozen=True)
class Distilled:
    """What a distillation ends with: the student, its card, and why it ended."""

    fit: Fit
    card: TrustCard
    ending: str


def distil(bench: Bench, examine: Examine) -> Distilled:
    """Distil a student until it passes its examination or the budget is spent.

    Rounds go on until the inexpensive gate is passed; then the student is examined. Frames of a
    failed examination are learned, and the next one has other seeds, so that no student is ever
    judged by what it was taught. One that failed nothing but could not be decided is not taught
    more: it ends there. A killed distillation continues after the last finished stage.
    """
    bench.purse.save()
    examples = first_examples(bench)
    number = attempt = 0
    while True:
        fit = fitted(examples, bench)
        record = _record_of(bench, number)
        gate = record is not None and record.passed
        done = bench.ledger.holds(_stage(number + 1))
        spent = "" if done else bench.over_budget(number)
        if spent or gate:
            attempt += 1
            frames = _frames_of(bench, attempt) if done else ()
            if not frames:
                bench.say(f"examination {attempt}" + (f", as {spent} are spent" if spent else ""))
                found = examine(fit, bench, attempt)
                spent = spent or bench.over_budget(number)
                if found.card.verdict != "failed" or spent:
                    return Distilled(fit, found.card, _ending(found.card, spent))
                bench.say(f"examination {attempt} not passed: {_first(found.card)}")
                frames = found.frames
            examples = examples + list(frames)
            fit = fitted(examples, bench)
        number += 1
        work = partial(_improve, fit, bench, number)
        fresh = bench.ledger.once(_stage(number), work)
        if (record := _record_of(bench, number)) is not None:
            bench.say(record.line())
        examples = examples + fresh


def fitted(examples: Sequence[Example], bench: Bench) -> Fit:
    """Fit the student of a bench to examples."""
    settings = bench.settings
    order = FitOrder(
        settings.fit,
        settings.limits,
        settings.active.committee,
        settings.seed,
        bench.place / "fit",
        bench.electrostatics,
    )
    return fit_student(examples, bench.basis, order)


def exam_stage(attempt: int) -> str:
    """Name the stage of the ledger that keeps an examination's frames."""
    return f"exam-{attempt:02d}"


def _stage(number: int) -> str:
    return f"round-{number:02d}"


def _frames_of(bench: Bench, attempt: int) -> tuple[Example, ...]:
    """Return the frames of an examination after which rounds went on; it is not held again."""
    stage = exam_stage(attempt)
    return tuple(bench.ledger.once(stage, list)) if bench.ledger.holds(stage) else ()


def _record_of(bench: Bench, number: int) -> RoundRecord | None:
    return read_record(bench.place / "rounds.jsonl", number)


def _ending(card: TrustCard, spent: str) -> str:
    if card.trusted:
        return "the gate is passed"
    found = "could not be decided" if card.verdict == "undecided" else "is not passed"
    return f"the budget of {spent} is spent and the gate {found}" if spent else f"the gate {found}"


def _first(card: TrustCard) -> str:
    return ", ".join(f"{figure.quantity} {figure.of}".strip() for figure in card.failures[:4])


def _improve(fit: Fit, bench: Bench, number: int) -> list[Example]:
    settings = bench.settings
    potential = fit.potential(settings.name, settings.timestep_fs)
    ground = TrialGround(settings, potential, bench.place / f"trials-{number:02d}")
    first = settings.seed * 1000 + 50 * number
    with ThreadPoolExecutor(bench.workers) as pool:
        jobs = [
            pool.submit(run_trial, trial, ground, seed=first + k)
            for k, trial in enumerate(settings.active.trials)
        ]
        outcomes = [job.result() for job in jobs]
    fresh = bench.label(_picked(outcomes, fit, bench, number=number), f"round {number}")
    record = _recorded(fit, fresh, outcomes, bench.place / "points", number=number, bench=bench)
    write_record(record, bench.place / "rounds.jsonl")
    return fresh


def _picked(outcomes: Sequence[TrialOutcome], fit: Fit, bench: Bench, *, number: int) -> list[Seed]:
    """Choose frames before failures, the least known of the others, and some at random."""
    active = bench.settings.active
    runs = [outcome.calm[CALM_EVERY::CALM_EVERY] for outcome in outcomes]
    calm = [seed for run in runs for seed in run]
    calm = calm[:: max(1, len(calm) // MOST_CANDIDATES)]
    failing = [
        Seed(seed.snapshot, "failing") for outcome in outcomes for seed in outcome.before_failure
    ]
    usual = in_turn(runs, active.typical, seed=bench.settings.seed * 1000 + number)
    room = max(1, bench.settings.budget.labels - bench.purse.labels)
    chosen: list[Seed] = []
    for seeds, count in ((failing, active.failure_picks), (calm, active.picks)):
        picks = least_known(
            [seed.snapshot for seed in seeds],
            fit,
            bench.basis,
            count=min(count, room - len(chosen)),
            settings=bench.settings.fit,
        )
        chosen += [seeds[index] for index in picks]
    single = {key_of(seed.snapshot): seed for seed in (*chosen, *usual)}
    return list(single.values())[:room]


def _recorded(
    fit: Fit,
    fresh: Sequence[Example],
    outcomes: Sequence[TrialOutcome],
    folder: Path,
    *,
    number: int,
    bench: Bench,
) -> RoundRecord:
    calm = [one for one in fresh if one.phase != "failing"]
    said = student_labels(
        fit.student.pair(),
        [one.snapshot for one in calm],
        elements=fit.student.elements,
        folder=folder,
    )
    return RoundRecord(
        number,
        len(fit.examples),
        tuple(outcome.lived_ps for outcome in outcomes),
        tuple(outcome.survived for outcome in outcomes),
        *errors([one.label for one in calm], said),
        attractive_pairs(fit, bench.settings.pod.cutoff_A, folder),
    )
