"""Errors of several kinds of student against the number of examples: ``docs/students.md``.

Run ``python -m benchmarks.models WORK OUT [KIND ...]`` with the working folder of a Li-O-Cl
distillation; errors go to ``OUT/KIND.json``. ``--table`` only prints what lies there.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.students import (
    Kind,
    Labels,
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
from vitrolyte.infer.distil.cache import LabelCache
from vitrolyte.infer.distil.regression import Normal
from vitrolyte.potentials.teacher_catalogue import default_python

SIZES = (50, 100, 200)
DRAWS = 3
PER_RUN = 6
BARE = ", no guards"


def curve(kind: Kind, labels: Labels, *, name: str, folder: Path) -> list[Score]:
    """Fit to nested random sets, with guard rows and without; keep the files of the largest."""
    guards, held_out = guarded(kind, labels), tests(kind, labels)
    found: list[Score] = []
    for draw in range(DRAWS):
        order = np.random.default_rng(draw).permutation(len(labels.pool))
        total, start = Normal(np.zeros_like(guards.square), np.zeros_like(guards.right)), 0
        for size in SIZES if draw else (*SIZES, len(labels.pool)):
            some = [labels.pool[place] for place in order[start:size]]
            total = added(total, summed(list(rows(kind, some, labels))))
            start = size
            bare = solved(kind, total).coefficients
            held = solved(kind, added(total, guards)).coefficients
            found += scores(held_out, bare, labels, tag=(f"{name}{BARE}", size, draw))
            found += scores(held_out, held, labels, tag=(name, size, draw))
        if not draw:
            _keep(kind, held, labels, folder)
    return found


def _keep(kind: Kind, coefficients: NDArray[np.float64], labels: Labels, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pair = kind.written(coefficients, labels.cores, folder)
    plain = {"commands": pair.commands, "files": [path.name for path in pair.files]}
    write_text(folder / "pair.json", json.dumps(plain))


def table(found: Sequence[Score], quantity: str, held: str, *, per: float = 1.0) -> str:
    """Return one quantity on one set as Markdown: mean and range over draws, kinds by sizes."""
    sizes = sorted({one.size for one in found})
    lines = ["| student | " + " | ".join(f"{size}" for size in sizes) + " |"]
    lines.append("|---" * (len(sizes) + 1) + "|")
    for name in dict.fromkeys(one.kind for one in found):
        cells = [
            _cell([getattr(o, quantity) / per for o in _of(found, name, s, held)]) for s in sizes
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _of(found: Sequence[Score], name: str, size: int, held: str) -> list[Score]:
    return [one for one in found if (one.kind, one.size, one.held) == (name, size, held)]


def _cell(values: Sequence[float]) -> str:
    if not values:
        return ""
    if len(values) == 1:
        return f"{values[0]:.3g}"
    return f"{np.mean(values):.3g} ({min(values):.3g} to {max(values):.3g})"


def read_scores(folder: Path) -> list[Score]:
    """Read the errors that lie in a folder."""
    paths = sorted(folder.glob("*.json"))
    return [Score(**one) for path in paths for one in json.loads(path.read_text("utf-8"))]


def main(arguments: Sequence[str]) -> int:
    """Fit what is asked for, write errors and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.models", description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("kinds", nargs="*", metavar="KIND")
    parser.add_argument("--table", action="store_true", help="only print what lies in OUT")
    asked = parser.parse_args(arguments)
    if not asked.table:
        _measure(asked.work, asked.out, asked.kinds)
    found = read_scores(asked.out)
    for held in dict.fromkeys(one.held for one in found):
        for quantity, unit, per in (
            ("force", "eV/Å", 1.0),
            ("energy", "meV/atom", 1e-3),
            ("pressure", "GPa", 1.0),
            ("bias", "GPa", 1.0),
        ):
            sys.stdout.write(f"\n{held}: {quantity}, {unit}\n\n")
            sys.stdout.write(table(found, quantity, held, per=per) + "\n")
    return 0


def _measure(work: Path, out: Path, names: Sequence[str]) -> None:
    last = sorted(work.glob("run-*/trials-*"))[-1]
    cache = LabelCache(work / "labels" / "7net-l3i5")
    labels = read_labels(work, labelled(trial_frames(last, PER_RUN), cache, default_python()))
    held = ", ".join(f"{len(some)} {name}" for name, some in labels.held.items())
    sys.stderr.write(f"{len(labels.pool)} to learn from, {len(labels.guards)} guards, {held}\n")
    for name, kind in kinds(work / "rows").items():
        if names and name not in names:
            continue
        start = time.monotonic()
        found = curve(kind, labels, name=name, folder=out / name)
        write_text(out / f"{name}.json", json.dumps([asdict(one) for one in found], indent=0))
        sys.stderr.write(f"{name}: {time.monotonic() - start:.0f} s\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
