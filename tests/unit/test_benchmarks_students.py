"""Students of other kinds, beside LAMMPS's own word, and what compares them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from benchmarks.kept import kept_designs
from benchmarks.models import table
from benchmarks.selection import most_informing
from benchmarks.snap import Snap
from benchmarks.splines import Splines
from benchmarks.students import Score

from vitrolyte.infer.distil.config import FitSettings
from vitrolyte.infer.distil.cores import Cores, cores_below
from vitrolyte.infer.distil.descriptors import VOIGT, Design
from vitrolyte.infer.distil.evaluate import student_labels
from vitrolyte.infer.distil.geometry import pair_names
from vitrolyte.infer.distil.regression import Solution
from vitrolyte.infer.distil.selection import information
from vitrolyte.potentials.potential import LammpsPair
from vitrolyte.potentials.teacher import Label, Snapshot

ELEMENTS = ("Li", "O", "Cl")
# LAMMPS writes its descriptors with 14 digits; its pressures pass through bar and GPa.
FORCE_EV_PER_A, STRESS_EV_PER_A3 = 1e-9, 1e-7


def triclinic(seed: int = 1) -> Snapshot:
    """Return nine atoms of all elements in a skew cell, none closer than 1.7 Å."""
    generator = np.random.default_rng(seed)
    cell = np.array([[5.6, 0.3, -0.2], [0.9, 5.2, 0.4], [-0.7, 0.8, 5.4]])
    grid = np.array([[x, y, z] for x in (0, 0.5) for y in (0, 0.5) for z in (0, 0.5)])[:7] + 0.1
    positions = grid @ cell + generator.uniform(-0.3, 0.3, (7, 3))
    return Snapshot(("Li", "O", "Cl", "Li", "Cl", "Li", "O"), positions, cell)


def cores() -> Cores:
    return cores_below(dict.fromkeys(pair_names(ELEMENTS), 1.8), 0.9)


def require_same(said: Label, design: Design, coefficients: np.ndarray, snapshot: Snapshot) -> None:
    core = cores().label(snapshot)
    forces = (design.forces @ coefficients).reshape(-1, 3) + core.forces
    stress = design.stress @ coefficients + np.array([core.stress[i, j] for i, j in VOIGT])
    np.testing.assert_allclose(said.forces, forces, atol=FORCE_EV_PER_A)
    np.testing.assert_allclose([said.stress[i, j] for i, j in VOIGT], stress, atol=STRESS_EV_PER_A3)
    assert said.energy == pytest.approx(float(design.energy @ coefficients) + core.energy)


def lammps_says(pair: LammpsPair, snapshot: Snapshot, folder: Path) -> Label:
    (said,) = student_labels(pair, [snapshot], elements=ELEMENTS, folder=folder / "points")
    return said


def test_snap_rows_are_what_lammps_evaluates(tmp_path: Path) -> None:
    snapshot, kind = triclinic(), Snap(ELEMENTS, tmp_path, 4)
    (design,) = kind.designs([snapshot])
    coefficients = np.random.default_rng(0).normal(scale=0.01, size=3 * kind.per_element)
    pair = kind.written(coefficients, cores(), tmp_path)
    require_same(lammps_says(pair, snapshot, tmp_path), design, coefficients, snapshot)


def test_snap_of_several_densities_is_what_lammps_evaluates(tmp_path: Path) -> None:
    """`pair_style snap` wants coefficients with the symmetry of the descriptors, as fits have it.

    With any others its forces are not the gradient of its energy.
    """
    snapshot, kind = triclinic(), Snap(ELEMENTS, tmp_path, 2, chemical=True)
    (design,) = kind.designs([snapshot])
    rows = np.vstack([design.energy, design.forces])
    coefficients = rows.T @ np.random.default_rng(0).normal(scale=1e-3, size=len(rows))
    pair = kind.written(coefficients, cores(), tmp_path)
    require_same(lammps_says(pair, snapshot, tmp_path), design, coefficients, snapshot)


def test_spline_rows_are_what_lammps_evaluates(tmp_path: Path) -> None:
    snapshot, kind = triclinic(), Splines(ELEMENTS, tmp_path, pair_A=5.0, triple_A=3.5)
    (design,) = kind.designs([snapshot])
    coefficients = np.random.default_rng(0).normal(scale=0.01, size=kind.tables[2])
    coefficients[: len(ELEMENTS)] = 0.0  # LAMMPS knows no constants there
    pair = kind.written(coefficients, cores(), tmp_path)
    require_same(lammps_says(pair, snapshot, tmp_path), design, coefficients, snapshot)


def test_roughness_is_the_sum_of_squared_second_differences(tmp_path: Path) -> None:
    kind = Splines(ELEMENTS, tmp_path, pair_intervals=8)
    pairs, _, count = kind.tables
    coefficients = np.zeros(count)
    line = pairs[0, 1]
    coefficients[line[line >= 0]] = np.random.default_rng(0).normal(size=(line >= 0).sum())
    bends = np.diff(np.append(coefficients, 0.0)[line], n=2)
    assert coefficients @ kind.roughness() @ coefficients == pytest.approx(np.sum(bends**2))


def test_kept_rows_are_computed_once(tmp_path: Path) -> None:
    asked: list[int] = []

    def compute(some: Sequence[Snapshot], _: Path) -> list[Design]:
        asked.append(len(some))
        return [Design(np.ones(2), np.ones((21, 2)), np.ones((6, 2))) for _ in some]

    first, second = triclinic(1), triclinic(2)
    kept_designs([first, first], tmp_path, compute)
    kept_designs([first, second], tmp_path, compute)
    assert asked == [1, 1]


class Drawn:
    """A kind of student whose rows are drawn at random."""

    name = "drawn"

    def __init__(self, count: int) -> None:
        generator = np.random.default_rng(3)
        self.drawn = [
            Design(np.zeros(8), generator.normal(scale=0.1, size=(6, 8)), np.zeros((6, 8)))
            for _ in range(count)
        ]

    def prepare(self, snapshots: Sequence[Snapshot]) -> None: ...

    def designs(self, snapshots: Sequence[Snapshot]) -> list[Design]:
        return self.drawn[: len(snapshots)]

    def written(self, coefficients: np.ndarray, cores: Cores, folder: Path) -> LammpsPair:
        raise NotImplementedError


def test_lazy_greedy_choice_is_the_greedy_choice() -> None:
    kind, settings, count = Drawn(12), FitSettings(), 5
    root = np.linalg.cholesky(np.diag(np.arange(1.0, 9.0)))
    picked: list[int] = []
    now = root @ root.T
    for _ in range(count):
        solution = Solution(np.zeros(8), np.linalg.cholesky(now))
        gains = [information(design, solution, settings) for design in kind.drawn]
        best = max((k for k in range(12) if k not in picked), key=lambda k: gains[k])
        picked.append(best)
        rows = kind.drawn[best].forces / settings.force_error_eV_per_A
        now = now + rows.T @ rows
    frames = [triclinic()] * 12
    assert most_informing(kind, Solution(np.zeros(8), root), frames, count) == picked


def test_the_table_gives_mean_and_range() -> None:
    found = [Score("a", 50, d, "melt", f, 0.0, 0.0, 0.0) for d, f in enumerate((0.1, 0.2, 0.3))]
    assert "| a | 0.2 (0.1 to 0.3) |" in table(found, "force", "melt")
