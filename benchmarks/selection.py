"""What the choice of frames to be labelled is worth: ``docs/students.md``.

Run ``python -m benchmarks.selection WORK OUT`` with the working folder of a Li-O-Cl distillation.
Candidates are frames of its trials at even distances in time, all labelled beforehand; every way
of choosing picks from the same ones, and every choice is tested on the same runs that none saw.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.models import read_scores, table
from benchmarks.students import (
    ELEMENTS,
    TEACHER,
    WEIGHTS,
    Kind,
    Labels,
    Pod,
    Score,
    added,
    guarded,
    kinds,
    read_labels,
    rows,
    scores,
    solved,
    summed,
    tests,
)
from benchmarks.trial_frames import labelled, trial_frames
from vitrolyte.data.io.files import write_text
from vitrolyte.infer.distil.cache import LabelCache, key_of
from vitrolyte.infer.distil.novelty import most_novel
from vitrolyte.infer.distil.pod import Fit, Student
from vitrolyte.infer.distil.regression import Normal, Solution, disagreement, draws, gathered, solve
from vitrolyte.infer.distil.selection import information, learned, least_known
from vitrolyte.potentials.teacher import Example, Snapshot
from vitrolyte.potentials.teacher_catalogue import default_python

SPLITS = 3
SHARE = 2 / 3
"""Of the candidates that take part in one split."""

COUNTS = (12, 24, 48)
MEMBERS = 6
FEW = 60
RANDOM_DRAWS = 3
ROUNDS, PER_RUN, HELD_PER_RUN = 3, 12, 6
Ways = dict[str, Callable[[int], list[int]]]


@dataclass(frozen=True, eq=False)
class Start:
    """A student before the choice: what it was taught, and its normal equations."""

    kind: Pod
    labels: Labels
    examples: tuple[Example, ...]
    normal: Normal

    def fit(self, seed: int) -> Fit:
        """Return it with a committee, as the ways of choosing want it."""
        found = list(rows(self.kind, self.examples, self.labels))
        weights = draws(len(found), members=MEMBERS, seed=seed)[1:]
        guards = guarded(self.kind, self.labels)
        ridge = WEIGHTS.ridge
        members = [solve(added(one, guards), ridge) for one in gathered(found, weights)]
        solution = solved(self.kind, self.normal)
        student = Student(ELEMENTS, self.labels.cores, Path(), Path())
        committee = np.array([one.coefficients for one in members])
        return Fit(student, self.examples, {}, solution, committee)


def ways(start: Start, candidates: Sequence[Example], *, seed: int) -> Ways:
    """Name the ways of choosing; each takes a number and returns places among the candidates."""
    fit = start.fit(seed)
    frames = [one.snapshot for one in candidates]
    basis, settings = start.kind.basis, WEIGHTS

    def at_random(draw: int) -> Callable[[int], list[int]]:
        order = np.random.default_rng(1000 * seed + draw).permutation(len(frames))
        return lambda count: [int(place) for place in order[:count]]

    def by_committee(count: int) -> list[int]:
        doubts = [disagreement(design, fit.committee) for design in basis.designs(frames)]
        return [int(place) for place in np.argsort(doubts)[::-1][:count]]

    known = [one.snapshot for one in start.examples]
    # both are greedy: a smaller choice is the first part of a larger one
    novel = most_novel(frames, known, elements=ELEMENTS, count=max(COUNTS))
    informing = most_informing(start.kind, fit.solution, frames, max(COUNTS))
    return {
        **{f"random {draw}": at_random(draw) for draw in range(RANDOM_DRAWS)},
        "novelty": lambda count: novel[:count],
        "committee": by_committee,
        "D-optimality": lambda count: informing[:count],
        "shipped": lambda count: least_known(frames, fit, basis, count=count, settings=settings),
    }


def most_informing(
    kind: Kind, solution: Solution, frames: Sequence[Snapshot], count: int
) -> list[int]:
    """Pick greedily by log det; a gain only falls as more is known, so few are computed anew."""
    settings, root = WEIGHTS, solution.root
    designs = kind.designs(frames)
    gains: NDArray[np.float64] = np.array([information(d, solution, settings) for d in designs])
    picked: list[int] = []
    while len(picked) < min(count, len(frames)):
        now = Solution(solution.coefficients, root)
        fresh = set(picked)
        while (best := int(np.argmax(gains))) not in fresh:
            gains[best] = information(designs[best], now, settings)
            fresh.add(best)
        picked.append(best)
        gains[best] = -np.inf
        root = learned(root, designs[best], settings)
    return picked


def measured(start: Start, candidates: Sequence[Example], split: int) -> list[Score]:
    """Return the errors after each way of choosing and each number of frames."""
    before = solved(start.kind, start.normal).coefficients
    held_out = tests(start.kind, start.labels)
    found = scores(held_out, before, start.labels, tag=("before", 0, split))
    for name, choose in ways(start, candidates, seed=split).items():
        for count in COUNTS:
            some = [candidates[place] for place in choose(count)]
            taught = added(start.normal, summed(list(rows(start.kind, some, start.labels))))
            after = solved(start.kind, taught).coefficients
            tag = (name.partition(" ")[0], count, split)
            found += scores(held_out, after, start.labels, tag=tag)
    return found


def main(arguments: Sequence[str]) -> int:
    """Choose, refit, test; write the errors and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.selection", description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--table", action="store_true", help="only print what lies in OUT")
    parser.add_argument("--bought", action="store_true", help="only frames with a label at hand")
    asked = parser.parse_args(arguments)
    if not asked.table:
        _measure(asked.work, asked.out, bought=asked.bought)
    for folder in sorted(asked.out.iterdir()):
        found = read_scores(folder)
        for held in dict.fromkeys(one.held for one in found):
            for quantity, per in (("force", 1.0), ("energy", 1e-3), ("pressure", 1.0)):
                sys.stdout.write(f"\n{folder.name}, {held}: {quantity}\n\n")
                sys.stdout.write(table(found, quantity, held, per=per) + "\n")
    return 0


def _candidates(folder: Path, cache: LabelCache, *, bought: bool) -> list[Example]:
    frames = trial_frames(folder, PER_RUN)
    if bought:
        frames = [frame for frame in frames if key_of(frame) in cache]
    return labelled(frames, cache, default_python())


def _measure(work: Path, out: Path, *, bought: bool) -> None:
    cache = LabelCache(work / "labels" / TEACHER)
    rounds = sorted(work.glob("run-*/trials-*"))
    held = labelled(trial_frames(rounds[-1], HELD_PER_RUN), cache, default_python())
    pool = [one for folder in rounds[:ROUNDS] for one in _candidates(folder, cache, bought=bought)]
    whole = read_labels(work, held)
    chosen = ("teacher's own melt", "students' runs, evenly")
    seeds = tuple(one for one in whole.pool if one.phase not in ("glass", "failing"))
    labels = Labels(seeds, {name: whole.held[name] for name in chosen if name in whole.held})
    kind = kinds(work / "rows")["pod-default"]
    assert isinstance(kind, Pod)
    for name, size in (("few seeds", FEW), ("all seeds", len(seeds))):
        for split in range(SPLITS):
            generator = np.random.default_rng(split)
            taught = tuple(seeds[k] for k in generator.permutation(len(seeds))[:size])
            some = generator.permutation(len(pool))[: round(SHARE * len(pool))]
            normal = added(guarded(kind, labels), summed(list(rows(kind, taught, labels))))
            start = Start(kind, labels, taught, normal)
            found = measured(start, [pool[k] for k in some], split)
            plain = json.dumps([asdict(one) for one in found], indent=0)
            write_text(out / name / f"split-{split}.json", plain)
            sys.stderr.write(f"{name}, split {split}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
