"""The first examples: distorted crystals, and frames of short runs of the exploring teacher."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from vitrolyte.infer.distil.cache import LabelCache, buy_labels
from vitrolyte.infer.distil.config import DistilSettings
from vitrolyte.infer.distil.ledger import Ledger
from vitrolyte.infer.distil.seeds import Seed, crystal, distorted, packed, packing_distances, scaled
from vitrolyte.potentials.teacher import Example, Snapshot, Teacher, TeacherRun, TeacherSpec

SETTLING_FRAMES = 2
"""First kept frames of a teacher's run from a packing, still falling from it; left out."""

BREATHING = (0.80, 1.06)
BREATHED_EVERY = 2


@dataclass(frozen=True)
class Bench:
    """Where a distillation works and with what: settings, folder, interpreter, processes."""

    settings: DistilSettings
    folder: Path
    teacher_python: Path
    workers: int

    @property
    def ledger(self) -> Ledger:
        """Stages finished with the labelling teacher."""
        cache = LabelCache(self.folder / "labels" / self.settings.teacher.name)
        return Ledger(self.folder / "stages", cache)

    @property
    def labeller(self) -> TeacherSpec:
        """The teacher whose word is final."""
        return self.settings.teacher.spec(self.teacher_python, threads=1)

    @property
    def explorer(self) -> TeacherSpec:
        """The cheaper teacher that runs molecular dynamics."""
        return self.settings.explorer.spec(self.teacher_python, threads=1)

    @contextmanager
    def teachers(self, spec: TeacherSpec) -> Iterator[list[Teacher]]:
        """Start as many processes of a teacher as there are workers."""
        with ExitStack() as stack:
            yield [stack.enter_context(Teacher(spec)) for _ in range(self.workers)]

    def label(self, seeds: Sequence[Seed]) -> list[Example]:
        """Label snapshots with the final teacher."""
        with self.teachers(self.labeller) as teachers:
            return buy_labels(seeds, self.ledger.cache, teachers=teachers)


@dataclass(frozen=True)
class _Start:
    """A packing and the teacher's run that begins from it."""

    snapshot: Snapshot
    run: TeacherRun


def crystal_examples(bench: Bench) -> list[Example]:
    """Label distorted copies of all parent crystals."""
    generator = np.random.default_rng(bench.settings.seed)
    seeds = [seed for one in bench.settings.crystals for seed in distorted(one, generator)]
    return bench.ledger.once("crystals", lambda: bench.label(seeds))


def melt_examples(bench: Bench) -> list[Example]:
    """Run the explorer from random packings and label the frames kept."""
    return bench.ledger.once("melts", lambda: bench.label(_explored(bench)))


def breathed_examples(bench: Bench, melts: Sequence[Example]) -> list[Example]:
    """Label melt frames scaled in length, from hard compression to mild expansion.

    They teach the student its pressure and the way up its cores.
    """
    frames = [melt.snapshot for melt in melts[::BREATHED_EVERY]]
    factors = np.random.default_rng(bench.settings.seed).permutation(
        np.linspace(*BREATHING, len(frames))
    )
    seeds = [Seed(scaled(frame, float(f)), "compressed") for frame, f in zip(frames, factors)]
    return bench.ledger.once("breathed", lambda: bench.label(seeds))


def _explored(bench: Bench) -> list[Seed]:
    cache = LabelCache(bench.folder / "labels" / bench.settings.explorer.name)
    ledger = Ledger(bench.folder / "stages", cache)
    starts = _starts(bench.settings)
    with bench.teachers(bench.explorer) as teachers, ThreadPoolExecutor(len(teachers)) as pool:
        shares = [starts[k :: len(teachers)] for k in range(len(teachers))]
        jobs = [pool.submit(_run_share, teacher, s, ledger) for teacher, s in zip(teachers, shares)]
        frames = [example for job in jobs for example in job.result()]
    return [Seed(example.snapshot, "melt") for example in frames]


def _run_share(teacher: Teacher, starts: Sequence[_Start], ledger: Ledger) -> list[Example]:
    frames: list[Example] = []
    for start in starts:
        work = partial(_run_one, teacher, start, ledger)
        frames += ledger.once(f"explored-{start.run.seed}", work)
    return frames


def _run_one(teacher: Teacher, start: _Start, ledger: Ledger) -> list[Example]:
    frames = teacher.run(start.snapshot, start.run)[SETTLING_FRAMES:]
    for frame in frames:
        ledger.cache.write(frame.snapshot, frame.label)
    return frames


def _starts(settings: DistilSettings) -> list[_Start]:
    contacts = packing_distances([crystal(one) for one in settings.crystals], settings.elements)
    starts: list[_Start] = []
    for melt in settings.melts:
        for volume in melt.volume_per_atom_A3:
            for temperature in melt.temperature_K:
                seed = settings.seed * 1000 + len(starts)
                run = TeacherRun(temperature, melt.steps, melt.every, seed)
                starts.append(_Start(packed(melt, volume, contacts=contacts, seed=seed), run))
    return starts
