"""Distil from a file: the whole way from a chemistry to a student on the shelf."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vitrolyte.infer.distil.bench import Bench, Tell
from vitrolyte.infer.distil.config import read_settings
from vitrolyte.infer.distil.defaults import completed
from vitrolyte.infer.distil.examination.examine import examine
from vitrolyte.infer.distil.publish import publish
from vitrolyte.infer.distil.rounds import distil
from vitrolyte.potentials.card import TrustCard, write_card
from vitrolyte.potentials.teacher_catalogue import default_python, require_installed
from vitrolyte.simulate.folder import sole_worker

SHELF = Path("potentials")
WORK = Path("runs")


@dataclass(frozen=True)
class Places:
    """Where a distillation finds its teacher, works, and leaves the student.

    Left out: the interpreter of teachers, ``runs/distil-NAME`` and ``potentials/NAME``.
    """

    teacher_python: Path | None = None
    work: Path | None = None
    out: Path | None = None
    workers: int = 1


@dataclass(frozen=True)
class Outcome:
    """A finished distillation: the student's folder, its card, and why it ended."""

    folder: Path
    card: TrustCard
    ending: str


def distil_file(config: Path, places: Places, tell: Tell) -> Outcome:
    """Carry out a distillation file, or go on with it where it was cut off.

    Raises
    ------
    InputError
        The file is wrong, or the teacher is not installed or does not know an element.
    StorageError, MachineError, EngineError
        The disk, LAMMPS or the teacher failed; what was bought is kept.
    """
    settings = completed(read_settings(config))
    python = places.teacher_python or default_python()
    work = places.work or WORK / f"distil-{settings.name}"
    bench = Bench(settings, work, python, places.workers, tell)
    for spec in (bench.explorer, bench.labeller):
        require_installed(spec)
    folder = places.out or SHELF / settings.name
    with sole_worker(work):
        done = distil(bench, examine)
    publish(done.fit, bench, folder)
    write_card(done.card, folder / "card.json")
    return Outcome(folder, done.card, done.ending)
