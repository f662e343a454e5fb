"""The first examples: crystals, frames of short runs of the explorer, close contacts."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from vitrolyte.infer.distil.bench import Bench
from vitrolyte.infer.distil.cache import LabelCache
from vitrolyte.infer.distil.config import DistilSettings
from vitrolyte.infer.distil.contacts import approaches, embedded, trimers
from vitrolyte.infer.distil.geometry import shortest_distances
from vitrolyte.infer.distil.ledger import Ledger
from vitrolyte.infer.distil.seeds import Seed, distorted, packing, probed, scaled
from vitrolyte.potentials.teacher import Example, Snapshot, Teacher, TeacherRun

SETTLING_FRAMES = 2
"""First kept frames of a teacher's run from a packing, still falling from it; left out."""

BREATHING = (0.80, 1.06)
BREATHED_EVERY = 2
NOT_MET_A = 3.2


@dataclass(frozen=True)
class _Start:
    """A packing and the teacher's run that begins from it."""

    snapshot: Snapshot
    run: TeacherRun


def first_examples(bench: Bench) -> list[Example]:
    """Label distorted crystals, explored melts, melts that breathe, and close contacts."""
    crystals = crystal_examples(bench)
    bench.say(f"{len(crystals)} distorted crystals")
    melts = melt_examples(bench)
    bench.say(f"{len(melts)} frames of the explorer's melts")
    breathed = breathed_examples(bench, melts)
    close = contact_examples(bench, melts)
    bench.say(f"{len(breathed)} compressed and expanded melts, {len(close)} close contacts")
    return crystals + melts + breathed + close


def crystal_examples(bench: Bench) -> list[Example]:
    """Label distorted copies of all parent crystals."""
    generator = np.random.default_rng(bench.settings.seed)
    crystals, mobile = bench.settings.crystals, bench.settings.mobile
    seeds = [seed for one in crystals for seed in distorted(one, generator)]
    seeds += [seed for one in crystals for seed in probed(one, mobile, generator)]
    return bench.ledger.once("crystals", lambda: bench.label(seeds, "crystals"))


def melt_examples(bench: Bench) -> list[Example]:
    """Run the explorer from random packings and label the frames kept."""
    return bench.ledger.once("melts", lambda: bench.label(_explored(bench), "melts"))


def breathed_examples(bench: Bench, melts: Sequence[Example]) -> list[Example]:
    """Label melt frames scaled in length, from hard compression to mild expansion.

    They teach the student its pressure and the way up its cores.
    """
    frames = [melt.snapshot for melt in melts[::BREATHED_EVERY]]
    factors = np.random.default_rng(bench.settings.seed).permutation(
        np.linspace(*BREATHING, len(frames))
    )
    seeds = [Seed(scaled(frame, float(f)), "compressed") for frame, f in zip(frames, factors)]
    return bench.ledger.once("breathed", lambda: bench.label(seeds, "compressed melts"))


def contact_examples(bench: Bench, melts: Sequence[Example]) -> list[Example]:
    """Label pairs and triples brought together inside melt frames, down towards the core."""
    elements = bench.settings.elements
    frames = [melt.snapshot for melt in melts[:: max(1, len(melts) // 2)]][:2]
    met = shortest_distances((melt.snapshot for melt in melts), elements)
    shortest = {pair: min(distance, NOT_MET_A) for pair, distance in met.items()}
    pairs = [one.snapshot for one in embedded(frames[:1], elements, approaches(shortest))]
    triples = trimers(frames, elements, {pair: 0.85 * d for pair, d in shortest.items()})
    seeds = [Seed(snapshot, "contact") for snapshot in (*pairs, *triples)]
    return bench.ledger.once("contacts", lambda: bench.label(seeds, "close contacts"))


def _explored(bench: Bench) -> list[Seed]:
    cache = LabelCache(bench.folder / "labels" / bench.settings.explorer.name)
    ledger = Ledger(bench.place / "stages", cache)
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
    step = settings.timestep_fs
    starts: list[_Start] = []
    for melt in settings.melts:
        for volume in melt.volume_per_atom_A3:
            for temperature in melt.temperature_K:
                seed = settings.seed * 1000 + len(starts)
                run = TeacherRun(temperature, melt.steps, melt.every, seed, timestep_fs=step)
                start = packing(melt.formula, melt.atoms, volume, seed=seed)
                starts.append(_Start(start, run))
    return starts
