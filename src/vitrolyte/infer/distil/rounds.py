"""Active learning: fit, run what must be survived, label what is least known, fit again."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np

from vitrolyte.infer.distil.collect import Bench, breathed_examples, crystal_examples, melt_examples
from vitrolyte.infer.distil.cores import cores_below
from vitrolyte.infer.distil.evaluate import student_labels
from vitrolyte.infer.distil.geometry import shortest_distances
from vitrolyte.infer.distil.novelty import most_novel
from vitrolyte.infer.distil.pod import Student, fit_student
from vitrolyte.infer.distil.seeds import Seed
from vitrolyte.infer.distil.trials import TrialGround, TrialOutcome, run_trial
from vitrolyte.potentials.teacher import Example, Label, is_sane

NOT_CALM = ("compressed", "failing")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fit:
    """A student, the examples behind it and the distances below which it is not to be used (Å)."""

    student: Student
    examples: tuple[Example, ...]
    safe_distances: dict[str, float]


@dataclass(frozen=True)
class RoundRecord:
    """What one round found: lives of the trials (ps), survivals, errors on its own new frames."""

    round: int
    trained_on: int
    lived_ps: tuple[float, ...]
    survived: tuple[bool, ...]
    force_rmse: float
    energy_rmse: float
    pressure_rmse_GPa: float


def distil(bench: Bench) -> Fit:
    """Distil a student: first examples, then the rounds that the settings ask for.

    A killed distillation continues after the last finished stage; labels are never bought twice.
    """
    melts = melt_examples(bench)
    examples = crystal_examples(bench) + melts + breathed_examples(bench, melts)
    fit = _fit(examples, bench, "fit-00")
    for number in range(1, bench.settings.active.rounds + 1):
        fresh = bench.ledger.once(f"round-{number:02d}", partial(_improve, fit, bench, number))
        examples = examples + fresh
        fit = _fit(examples, bench, f"fit-{number:02d}")
    return fit


def _fit(examples: Sequence[Example], bench: Bench, name: str) -> Fit:
    settings = bench.settings
    limit = settings.limits.force_eV_per_A
    sane = [example for example in examples if is_sane(example.label, limit)]
    calm = [e.snapshot for e in sane if e.phase not in NOT_CALM]
    cores = cores_below(shortest_distances(calm, settings.elements), settings.limits.core_fraction)
    student = fit_student(
        sane,
        settings.elements,
        settings=settings.pod,
        cores=cores,
        folder=bench.folder / name,
        ranks=bench.workers,
    )
    shortest = shortest_distances((e.snapshot for e in sane), settings.elements)
    safe = {
        pair: round(settings.limits.safe_fraction * distance, 3)
        for pair, distance in shortest.items()
    }
    log.info("%s: %d examples, safe distances %s", name, len(sane), safe)
    return Fit(student, tuple(sane), safe)


def _improve(fit: Fit, bench: Bench, number: int) -> list[Example]:
    settings, folder = bench.settings, bench.folder / f"trials-{number:02d}"
    ground = TrialGround(settings, fit.student, fit.safe_distances, folder)
    first = settings.seed * 1000 + 10 * number
    with ThreadPoolExecutor(bench.workers) as pool:
        jobs = [
            pool.submit(run_trial, trial, ground, seed=first + k)
            for k, trial in enumerate(settings.active.trials)
        ]
        outcomes = [job.result() for job in jobs]
    fresh = bench.label(_pick(outcomes, fit, bench))
    _record(fit, fresh, outcomes, bench, number)
    return fresh


def _pick(outcomes: Sequence[TrialOutcome], fit: Fit, bench: Bench) -> list[Seed]:
    active, elements = bench.settings.active, bench.settings.elements
    known = [example.snapshot for example in fit.examples]
    calm = [seed for outcome in outcomes for seed in outcome.calm[::5]]
    failing = [
        Seed(seed.snapshot, "failing") for outcome in outcomes for seed in outcome.before_failure
    ]
    chosen: list[Seed] = []
    for seeds, count in ((failing, active.failure_picks), (calm, active.picks)):
        fresh = [seed.snapshot for seed in seeds]
        picks = most_novel(fresh, known, elements=elements, count=count)
        chosen += [seeds[index] for index in picks]
    return chosen


def _record(
    fit: Fit,
    fresh: Sequence[Example],
    outcomes: Sequence[TrialOutcome],
    bench: Bench,
    number: int,
) -> None:
    folder = bench.folder / f"points-{number:02d}"
    said = student_labels(
        fit.student.pair(),
        [e.snapshot for e in fresh],
        elements=fit.student.elements,
        folder=folder,
    )
    calm = [(e, s) for e, s in zip(fresh, said) if e.phase != "failing"]
    record = RoundRecord(
        number,
        len(fit.examples),
        tuple(outcome.lived_ps for outcome in outcomes),
        tuple(outcome.failing == 0 for outcome in outcomes),
        *errors([e.label for e, _ in calm], [s for _, s in calm]),
    )
    log.info("%s", record)
    with (bench.folder / "rounds.jsonl").open("a", encoding="utf-8") as book:
        book.write(json.dumps(asdict(record)) + "\n")


def errors(truth: Sequence[Label], said: Sequence[Label]) -> tuple[float, float, float]:
    """Return root mean square errors: forces eV/Å, energy eV/atom, pressure GPa."""
    if not truth:
        return float("nan"), float("nan"), float("nan")
    forces = np.concatenate([(s.forces - t.forces).ravel() for t, s in zip(truth, said)])
    energy = [(s.energy - t.energy) / len(t.forces) for t, s in zip(truth, said)]
    pressure = [-np.trace(s.stress - t.stress) / 3 * 160.2176634 for t, s in zip(truth, said)]
    return tuple(float(np.sqrt(np.mean(np.square(x)))) for x in (forces, energy, pressure))  # type: ignore[return-value]
