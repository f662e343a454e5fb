"""Held hydrogen: it keeps its bond where lengths are scaled, and is counted where it strays."""

import numpy as np
import pytest

from vitrolyte.infer.distil.examination.exam import Sitting
from vitrolyte.infer.distil.examination.molecules import held_alone, hydrogen_figures
from vitrolyte.infer.distil.seeds import held_hydrogen, rattled, scaled
from vitrolyte.potentials.teacher import Snapshot

# The second hydroxide lies across the boundary of a triclinic cell.
CELL = np.array([[6.0, 0.0, 0.0], [1.0, 6.0, 0.0], [0.5, 0.8, 6.0]])
ACROSS = CELL[2] - np.array([0.0, 0.0, 0.3])
NEXT = ACROSS - CELL[2] + np.array([0.0, 0.0, 0.96])
HYDROXIDES = Snapshot(
    ("O", "H", "O", "H", "Li"),
    np.array([[1.0, 1.0, 1.0], [1.0, 1.96, 1.0], ACROSS, NEXT, [3, 3, 3]]),
    CELL,
)


def bond_lengths(snapshot: Snapshot) -> list[float]:
    return [float(b) for b in np.linalg.norm(held_hydrogen(snapshot).bonds, axis=1)]


def test_every_hydrogen_finds_its_oxygen_across_the_boundary() -> None:
    held = held_hydrogen(HYDROXIDES)
    assert held.hydrogen.tolist() == [1, 3]
    assert held.holder.tolist() == [0, 2]
    assert bond_lengths(HYDROXIDES) == pytest.approx([0.96, 0.96])


def test_scaling_keeps_the_bonds_and_scales_the_rest() -> None:
    small = scaled(HYDROXIDES, 0.8)
    assert bond_lengths(small) == pytest.approx([0.96, 0.96])
    assert small.cell == pytest.approx(0.8 * CELL)
    assert small.positions[4] == pytest.approx([2.4, 2.4, 2.4])


def test_rattling_stretches_bonds_less_than_other_distances() -> None:
    generator = np.random.default_rng(3)
    moved = [rattled(HYDROXIDES, 1.0, generator=generator) for _ in range(200)]
    stretch = np.std([bond_lengths(one) for one in moved])
    # 0.3 of a step of 0.25 Å against the holder, along the bond
    assert stretch == pytest.approx(0.075, rel=0.25)


def test_water_and_free_protons_are_no_hydroxide() -> None:
    assert held_alone(HYDROXIDES) == 1.0
    strayed = HYDROXIDES.positions.copy()
    strayed[3] = strayed[0] + [0.96, 0.0, 0.0]
    assert held_alone(Snapshot(HYDROXIDES.species, strayed, CELL)) == 0.0
    strayed[3] = [4.5, 4.5, 3.0]
    alone = Snapshot(HYDROXIDES.species, strayed, CELL)
    assert held_alone(alone) == 0.5
    (figure,) = hydrogen_figures(Sitting("melt", (HYDROXIDES, alone), ()), 0.5)
    assert figure.value == pytest.approx(0.75)
    assert not figure.passed


def test_without_hydrogen_nothing_is_said() -> None:
    salt = Snapshot(("Li", "Cl"), np.array([[0.0, 0, 0], [2.5, 0, 0]]), CELL)
    assert held_hydrogen(salt).hydrogen.size == 0
    assert hydrogen_figures(Sitting("melt", (salt,), ()), 2.0) == []
