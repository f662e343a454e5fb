"""Students of several kinds and sizes, fitted to the same labels by the same least squares."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import dsyrk

from benchmarks.snap import Snap
from benchmarks.splines import Splines
from vitrolyte.data.errors import InputError
from vitrolyte.data.io.files import write_text
from vitrolyte.infer.distil.cache import LabelCache, key_of
from vitrolyte.infer.distil.config import FitSettings, LimitSettings, PodSettings
from vitrolyte.infer.distil.contacts import (
    Contact,
    embedded,
    guard_rows,
    guarded_dimers,
    scan_distances,
)
from vitrolyte.infer.distil.cores import Cores, cores_below
from vitrolyte.infer.distil.descriptors import PARAMETERS, VOIGT, Basis, Design, parameter_file
from vitrolyte.infer.distil.gate import errors
from vitrolyte.infer.distil.geometry import pair_names, shortest_distances
from vitrolyte.infer.distil.pod import COEFFICIENTS, EMBEDDED_EVERY, NOT_CALM, pair_commands
from vitrolyte.infer.distil.regression import Normal, Rows, Solution, solve, weighted
from vitrolyte.potentials.potential import LammpsPair
from vitrolyte.potentials.teacher import Example, Label, Snapshot, is_sane

Array = NDArray[np.float64]
ELEMENTS = ("Li", "O", "Cl")
TEACHER = "7net-l3i5"
TOGETHER = 8
"""Configurations whose rows are multiplied at once."""

SMOOTHNESS = 0.1
"""Weight of the curvature ridge of UF3, 1/eV²."""


class Kind(Protocol):
    """A kind of student that is linear in its coefficients."""

    @property
    def name(self) -> str: ...

    def prepare(self, snapshots: Sequence[Snapshot]) -> None: ...

    def designs(self, snapshots: Sequence[Snapshot]) -> list[Design]: ...

    def written(self, coefficients: Array, cores: Cores, folder: Path) -> LammpsPair: ...


@dataclass(frozen=True)
class Pod:
    """Proper orthogonal descriptors of one size."""

    size: str
    basis: Basis

    @property
    def name(self) -> str:
        """Name it by its size."""
        return f"POD, {self.size}"

    def prepare(self, snapshots: Sequence[Snapshot]) -> None:
        """Compute the rows not kept from before."""
        self.basis.prepare(snapshots)

    def designs(self, snapshots: Sequence[Snapshot]) -> list[Design]:
        """Return the rows of every snapshot."""
        return self.basis.designs(snapshots)

    def written(self, coefficients: Array, cores: Cores, folder: Path) -> LammpsPair:
        """Write the files of ``pair_style pod`` and return the commands, cores laid over."""
        numbers = "".join(f"{value:.17g}\n" for value in coefficients)
        head = f"model_coefficients: {len(coefficients)} 0 0\n"
        write_text(folder / COEFFICIENTS, head + numbers)
        write_text(folder / PARAMETERS, parameter_file(self.basis.elements, self.basis.settings))
        files = (folder / PARAMETERS, folder / COEFFICIENTS)
        return LammpsPair("metal", "atomic", files, pair_commands(self.basis.elements, cores))


CUTOFF_A = 5.0
"""One cut-off for all kinds, shorter than that of a distillation, for the sake of the slow ones."""

WEIGHTS = FitSettings(energy_error_eV=0.002, stress_error_GPa=0.1)
"""The same for all kinds; those of a distillation give energies and stresses more weight."""

DEFAULT = PodSettings(cutoff_A=CUTOFF_A)
SMALL = PodSettings(
    cutoff_A=CUTOFF_A,
    two_body=6,
    three_body=4,
    three_body_angular=2,
    four_body=0,
    four_body_angular=0,
)
LARGE = PodSettings(
    cutoff_A=CUTOFF_A,
    two_body=10,
    three_body=8,
    three_body_angular=4,
    four_body=4,
    four_body_angular=2,
)


def kinds(folder: Path) -> dict[str, Kind]:
    """Name the students that are compared, the default first; rows are kept in a folder."""
    sizes = {"default": DEFAULT, "small": SMALL, "large": LARGE}
    pods = {f"pod-{s}": Pod(s, Basis(ELEMENTS, p, folder)) for s, p in sizes.items()}
    others: dict[str, Kind] = {
        "snap-6": Snap(ELEMENTS, folder, 6),
        "snap-8": Snap(ELEMENTS, folder, 8),
        "snap-4-chemical": Snap(ELEMENTS, folder, 4, chemical=True),
        "uf3": Splines(ELEMENTS, folder),
    }
    return {**pods, **others}


@dataclass(frozen=True, eq=False)
class Labels:
    """Labelled configurations of a distillation, those to learn from and those held out.

    Attributes
    ----------
    pool
        To learn from.
    held
        By name: whole runs that nothing in the pool comes from.
    """

    pool: tuple[Example, ...]
    held: dict[str, tuple[Example, ...]]

    @cached_property
    def calm(self) -> tuple[Example, ...]:
        """What neither was compressed nor has atoms brought together."""
        return tuple(one for one in self.pool if one.phase not in NOT_CALM)

    @cached_property
    def cores(self) -> Cores:
        """The cores under every student, as in a distillation."""
        fraction = LimitSettings().core_fraction
        return cores_below(_shortest(self.calm), fraction)

    def core(self, snapshot: Snapshot) -> Label:
        """Return what the cores contribute to a snapshot, found once."""
        key = key_of(snapshot)
        if key not in self._found:
            self._found[key] = self.cores.label(snapshot)
        return self._found[key]

    @cached_property
    def _found(self) -> dict[str, Label]:
        return {}

    @cached_property
    def guards(self) -> list[Contact]:
        """Contacts at which every student is held to the bare core, as in a distillation."""
        safe = {p: LimitSettings().safe_fraction * d for p, d in _shortest(self.pool).items()}
        frames = [self.calm[0].snapshot, next(e.snapshot for e in self.calm if e.phase == "melt")]
        grids = {p: scan_distances(p)[::EMBEDDED_EVERY].tolist() for p in pair_names(ELEMENTS)}
        close = guarded_dimers(ELEMENTS, CUTOFF_A) + embedded(frames, ELEMENTS, grids)
        return [one for one in close if one.distance < safe[one.pair]]


def read_labels(work: Path, trials: Sequence[Example] = ()) -> Labels:
    """Read the stages of a distillation and hold out whole runs.

    Held out are the last two rounds, two of the explorer's melts with all copies of theirs, and
    the frames of the teacher's own run where there is a stage ``trust-teacher``; ``trials`` are
    frames of the last round's runs, taken without any measure.
    """
    stages = next(iter(sorted(work.glob("run-*/stages"))), None)
    if stages is None:
        raise InputError("The working folder of a distillation", received=str(work))
    read = {path.stem: _stage(path, work) for path in sorted(stages.glob("*.json"))}
    melts, rounds = read["melts"], sorted(name for name in read if name.startswith("round-"))
    run = len(melts) // 10
    away = {3, 8}
    held_melts = [one for k, one in enumerate(melts) if k // run in away]
    held_copies = [one for k, one in enumerate(read["breathed"]) if 2 * k // run in away]
    pool = [
        *read["crystals"],
        *(one for k, one in enumerate(melts) if k // run not in away),
        *(one for k, one in enumerate(read["breathed"]) if 2 * k // run not in away),
        *read["contacts"],
        *(one for name in rounds[:-2] for one in read[name]),
    ]
    limit = LimitSettings().force_eV_per_A
    held = {
        "teacher's own melt": read.get("trust-teacher", [])[SETTLING_FRAMES::2],
        "students' runs, evenly": list(trials),
        "students' runs, least known": [one for name in rounds[-2:] for one in read[name]],
        "explorer's melts": held_melts,
        "compressed and expanded": held_copies,
    }
    sane = {name: tuple(e for e in some if is_sane(e.label, limit)) for name, some in held.items()}
    return Labels(
        tuple(one for one in pool if is_sane(one.label, limit)),
        {name: some for name, some in sane.items() if some},
    )


SETTLING_FRAMES = 10
"""First frames of the teacher's own run, still close to the student's frame it began from."""


def _stage(path: Path, work: Path) -> list[Example]:
    cache = LabelCache(work / "labels" / TEACHER)
    entries = json.loads(path.read_text(encoding="utf-8"))
    return [cache.read(key, phase) for key, phase in entries if key in cache]


def _shortest(examples: Sequence[Example]) -> dict[str, float]:
    return shortest_distances((one.snapshot for one in examples), ELEMENTS)


def rows(kind: Kind, examples: Sequence[Example], labels: Labels) -> Iterator[Rows]:
    """Yield the weighted rows of examples, less what the cores contribute."""
    kind.prepare([one.snapshot for one in examples])
    for one in examples:
        (design,) = kind.designs([one.snapshot])
        core, said = labels.core(one.snapshot), one.label
        rest = Label(
            said.energy - core.energy, said.forces - core.forces, said.stress - core.stress
        )
        yield weighted(design, rest, settings=WEIGHTS)


def summed(found: Sequence[Rows]) -> Normal:
    """Sum the normal equations of configurations, several at a time."""
    size = found[0].matrix.shape[1]
    square, right = np.zeros((size, size), order="F"), np.zeros(size)
    for start in range(0, len(found), TOGETHER):
        some = found[start : start + TOGETHER]
        matrix = np.vstack([one.matrix for one in some])
        square = dsyrk(1.0, matrix.T, beta=1.0, c=square, overwrite_c=1)
        right += matrix.T @ np.concatenate([one.target for one in some])
    upper = np.triu(square)
    return Normal(upper + np.triu(upper, 1).T, right)


def guarded(kind: Kind, labels: Labels) -> Normal:
    """Sum the normal equations of the guard rows."""
    basis = cast(Basis, kind)  # only its rows are asked for
    return summed(list(guard_rows(labels.guards, basis, cores=labels.cores)))


def added(first: Normal, second: Normal) -> Normal:
    """Add two sets of normal equations."""
    return Normal(first.square + second.square, first.right + second.right)


def solved(kind: Kind, normal: Normal) -> Solution:
    """Solve the normal equations with the ridge that belongs to a kind."""
    if isinstance(kind, Splines):
        normal = Normal(normal.square + SMOOTHNESS * kind.roughness(), normal.right)
    return solve(normal, WEIGHTS.ridge)


@dataclass(frozen=True)
class Score:
    """Errors of one fit on one set of frames it was never taught.

    Forces eV/Å, energy eV/atom, pressure and its mean GPa.
    """

    kind: str
    size: int
    draw: int
    held: str
    force: float
    energy: float
    pressure: float
    bias: float


Tests = dict[str, list[Design]]


def tests(kind: Kind, labels: Labels) -> Tests:
    """Return the rows of every set that was held out."""
    return {n: kind.designs([e.snapshot for e in some]) for n, some in labels.held.items()}


def scores(
    designs: Tests, coefficients: Array, labels: Labels, *, tag: tuple[str, int, int]
) -> list[Score]:
    """Return the errors on every set that was held out."""
    found = []
    for name, examples in labels.held.items():
        said = [
            _said(design, coefficients, labels.core(one.snapshot))
            for design, one in zip(designs[name], examples)
        ]
        found.append(Score(*tag, name, *errors([one.label for one in examples], said)))
    return found


def _said(design: Design, coefficients: Array, core: Label) -> Label:
    stress = np.zeros((3, 3))
    for value, (i, j) in zip(design.stress @ coefficients, VOIGT):
        stress[i, j] = stress[j, i] = value
    forces = (design.forces @ coefficients).reshape(-1, 3) + core.forces
    return Label(float(design.energy @ coefficients) + core.energy, forces, stress + core.stress)
