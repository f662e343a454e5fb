"""The student: proper orthogonal descriptors under least squares, with cores laid over."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from ase.data import atomic_numbers, covalent_radii

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.files import storage, write_text
from vitrolyte.data.origin import content_id
from vitrolyte.infer.distil.cache import key_of
from vitrolyte.infer.distil.charges import Charges, Electrostatics
from vitrolyte.infer.distil.config import FitSettings, LimitSettings
from vitrolyte.infer.distil.contacts import (
    NEARLY_ATTRACTED,
    Contact,
    embedded,
    guard_rows,
    guarded_dimers,
    scan_distances,
)
from vitrolyte.infer.distil.cores import Cores, cores_below
from vitrolyte.infer.distil.descriptors import PARAMETERS, Basis, parameter_file
from vitrolyte.infer.distil.geometry import Array, shortest_distances
from vitrolyte.infer.distil.regression import (
    Normal,
    Rows,
    Solution,
    draws,
    gathered,
    held_out_misses,
    solve_guarded,
    weighted,
)
from vitrolyte.potentials.potential import LammpsPair, Potential
from vitrolyte.potentials.teacher import Example, Label, is_sane

COEFFICIENTS = "student_coeff.pod"
NOT_CALM = ("compressed", "contact", "failing")
MET_A = 4.4
"""Pairs that came no closer were not met: their core reaches to the sum of covalent radii."""

EMBEDDED_EVERY = 4
HELD_OUT_EVERY = 5
"""Where a scale of the charges is to be chosen, every fifth example is kept out for the choice."""


@dataclass(frozen=True)
class Student:
    """A fitted student: its elements, cores, charges, and the two files that LAMMPS reads."""

    elements: tuple[str, ...]
    cores: Cores
    parameters: Path
    coefficients: Path
    charges: Charges | None = None

    def pair(self) -> LammpsPair:
        """Say how LAMMPS evaluates it, charges included."""
        return self.short() if self.charges is None else self.charges.under(self.short())

    def short(self) -> LammpsPair:
        """Say how LAMMPS evaluates its short-range part alone."""
        return LammpsPair(
            units="metal",
            atom_style="atomic",
            files=(self.parameters, self.coefficients),
            commands=pair_commands(self.elements, self.cores),
        )


@dataclass(frozen=True, eq=False)
class Fit:
    """A student, the examples behind it, and what is known of its doubt.

    Attributes
    ----------
    student, examples
        The student and what it was taught.
    safe_distances
        Å; below them nothing was taught and only the guard rows act.
    solution
        Coefficients and the root of the normal matrix.
    committee
        (members, m): coefficients fitted to bootstrap resamples of the examples.
    """

    student: Student
    examples: tuple[Example, ...]
    safe_distances: dict[str, float]
    solution: Solution
    committee: Array

    def potential(self, name: str, timestep_fs: float) -> Potential:
        """Return the student as a potential for the engine; it has no card yet."""
        pair = self.student.pair()
        total = hashlib.sha256("\n".join(pair.commands).encode())
        if pair.charges:
            total.update(repr(sorted(pair.charges.items())).encode())
        for path in pair.files:
            total.update(path.read_bytes())
        return Potential(
            name=name,
            kind="student",
            elements=self.student.elements,
            lammps=pair,
            safe_distances=self.safe_distances,
            timestep_fs=timestep_fs,
            card=None,
            citations=(),
            digest=total.hexdigest(),
        )


@dataclass(frozen=True)
class FitOrder:
    """How a fit is done: weights, limits, members of the committee, seed, where, and charges."""

    settings: FitSettings
    limits: LimitSettings
    members: int
    seed: int
    folder: Path
    charges: Electrostatics | None = None


def fit_student(examples: Sequence[Example], basis: Basis, order: FitOrder) -> Fit:
    """Fit a student to the sane examples, less what cores and charges say, stresses included.

    ``min_c sum_rows ((row @ c - target) / forgiven)² + ridge``; the guard rows hold it to the bare
    cores where no example reaches, tighter where two atoms would nearly attract. A folder that
    holds the same fit is read instead.

    Raises
    ------
    InputError
        No example is sane, or charges lie under the student and an example is not neutral.
    EngineError, StorageError, MachineError
        From LAMMPS, which gives the descriptors.
    """
    sane = [one for one in examples if is_sane(one.label, order.limits.force_eV_per_A)]
    if not sane:
        raise InputError(
            f"Examples without forces above {order.limits.force_eV_per_A} eV/Å",
            received=f"none among {len(examples)}",
            remedy="check the teacher and the densities of the first packings",
        )
    calm = [one for one in sane if one.phase not in NOT_CALM]
    cores = cores_below(_shortest(calm or sane, basis.elements), order.limits.core_fraction)
    shortest = _shortest(sane, basis.elements)
    safe = {pair: round(order.limits.safe_fraction * d, 3) for pair, d in shortest.items()}
    guarded = [one for one in _guarded(calm or sane, basis) if one.distance < safe[one.pair]]
    stored = order.folder / f"fit-{_fit_id(sane, guarded, order, cores)}.npz"
    if not stored.is_file():
        task = _Task(sane, guarded, basis, order, cores)
        scale = task.best_scale()
        sums = gathered(
            task.learnt(scale), draws(len(sane), members=order.members, seed=order.seed)
        )
        _store(stored, task.solved(sums, scale), scale)
    with np.load(stored, allow_pickle=False) as kept:
        solution = Solution(kept["coefficients"], kept["root"])
        members = kept["committee"]
        charges = order.charges.unit.scaled(float(kept["scale"])) if order.charges else None
    student = replace(_written(solution, basis, cores, order.folder), charges=charges)
    return Fit(student, tuple(sane), safe, solution, members)


@dataclass(frozen=True)
class _Task:
    """A fit about to be done: examples, guarded contacts, descriptors, order and cores."""

    sane: Sequence[Example]
    guarded: Sequence[Contact]
    basis: Basis
    order: FitOrder
    cores: Cores

    def solved(self, sums: Sequence[Normal], scale: float | None) -> list[Solution]:
        """Solve normal equations with the guards; those that nearly attract are held tighter."""
        self.basis.prepare([one.snapshot for one in self.guarded])
        under = self.order.charges
        charges = None if under is None else under.unit.scaled(scale or 0.0)
        guards = list(guard_rows(self.guarded, self.basis, cores=self.cores, charges=charges))
        return solve_guarded(sums, guards, self.order.settings.ridge, least=NEARLY_ATTRACTED)

    def learnt(self, scale: float | None) -> Iterator[Rows]:
        """Yield the rows of all examples, charges times a scale taken off."""
        under = self.order.charges
        snapshots = [one.snapshot for one in self.sane]
        self.basis.prepare(snapshots)
        if under is not None:
            under.prepare(snapshots)
        for one in self.sane:
            (design,) = self.basis.designs([one.snapshot])
            beneath = None if under is None else under.label(one.snapshot, scale or 0.0)
            rest = _rest(one.label, self.cores.label(one.snapshot))
            yield weighted(design, rest, settings=self.order.settings, beneath=beneath)

    def best_scale(self) -> float | None:
        """Choose the scale of the charges; ``None`` where there are none.

        Labels alone choose: what the guards of close contacts cost depends on the scale too, and
        hides what the labels say of it.
        """
        under = self.order.charges
        if under is None:
            return None
        if len(under.scales) == 1:
            return under.scales[0]
        held = np.arange(len(self.sane)) % HELD_OUT_EVERY == 0
        misses = held_out_misses(self.learnt, under.scales, held, self.order.settings)
        return under.scales[int(np.argmin(misses))]


def _rest(label: Label, core: Label) -> Label:
    return Label(label.energy - core.energy, label.forces - core.forces, label.stress - core.stress)


def _guarded(calm: Sequence[Example], basis: Basis) -> list[Contact]:
    """List the contacts to be guarded: lone dimers, and pairs inside the first calm frames."""
    frames = [one.snapshot for one in calm[:1]] + [
        one.snapshot for one in calm if one.phase == "melt"
    ][:1]
    grids = {name: scan_distances(name)[::EMBEDDED_EVERY].tolist() for name in _pairs(basis)}
    return guarded_dimers(basis.elements, basis.settings.cutoff_A) + embedded(
        frames, basis.elements, grids
    )


def _pairs(basis: Basis) -> list[str]:
    return list(shortest_distances([], basis.elements))


def _shortest(examples: Sequence[Example], elements: Sequence[str]) -> dict[str, float]:
    found = shortest_distances((one.snapshot for one in examples), elements)
    return {p: d if d < MET_A else _covalent(p) for p, d in found.items()}


def _covalent(pair: str) -> float:
    return float(sum(covalent_radii[atomic_numbers[symbol]] for symbol in pair.split("-")))


def _fit_id(
    sane: Sequence[Example], guarded: Sequence[Contact], order: FitOrder, cores: Cores
) -> str:
    plain = {} if order.charges is None else {"charges": order.charges.plain}
    return content_id(
        plain
        | {
            "examples": [[key_of(one.snapshot), one.label.energy] for one in sane],
            "guards": [key_of(one.snapshot) for one in guarded],
            "settings": order.settings.model_dump(),
            "members": order.members,
            "seed": order.seed,
            "cores": {name: list(core) for name, core in cores.pairs.items()},
        }
    )[:16]


def _store(path: Path, found: Sequence[Solution], scale: float | None) -> None:
    with storage(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".partial.npz")
        np.savez(
            unfinished,
            coefficients=found[0].coefficients,
            root=found[0].root,
            committee=np.array([one.coefficients for one in found[1:]]),
            scale=np.array(np.nan if scale is None else scale),
        )
        unfinished.replace(path)


def _written(solution: Solution, basis: Basis, cores: Cores, folder: Path) -> Student:
    numbers = "".join(f"{value:.17g}\n" for value in solution.coefficients)
    write_text(
        folder / COEFFICIENTS, f"model_coefficients: {len(solution.coefficients)} 0 0\n{numbers}"
    )
    write_text(folder / PARAMETERS, parameter_file(basis.elements, basis.settings))
    return Student(basis.elements, cores, folder / PARAMETERS, folder / COEFFICIENTS)


def pair_commands(elements: Sequence[str], cores: Cores) -> tuple[str, ...]:
    """Write the ``pair_style`` and ``pair_coeff`` lines of a student with cores."""
    lines = ["pair_style hybrid/overlay pod" + _core_styles(cores)]
    lines.append(f"pair_coeff * * pod {PARAMETERS} {COEFFICIENTS} {' '.join(elements)}")
    for number, (name, core) in enumerate(cores.pairs.items(), start=1):
        i, j = sorted(elements.index(symbol) + 1 for symbol in name.split("-"))
        which = f" {number}" if len(cores.pairs) > 1 else ""
        lines.append(f"pair_coeff {i} {j} zbl{which} {core.charges[0]} {core.charges[1]}")
    return tuple(lines)


def _core_styles(cores: Cores) -> str:
    return "".join(f" zbl {core.inner} {core.outer}" for core in cores.pairs.values())
