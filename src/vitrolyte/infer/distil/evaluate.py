"""What a student says: energies, forces and stresses of many snapshots in one process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vitrolyte.data.trajectory import structure
from vitrolyte.data.units import EV_PER_A3_TO_GPA
from vitrolyte.potentials.potential import LammpsPair, Potential
from vitrolyte.potentials.teacher import Label, Snapshot
from vitrolyte.simulate.evaluate import evaluate


def student_labels(
    pair: LammpsPair, snapshots: Sequence[Snapshot], *, elements: tuple[str, ...], folder: Path
) -> list[Label]:
    """Let a student say what a teacher would: one `Label` for each snapshot, in order.

    Raises
    ------
    InputError, EngineError, StorageError, MachineError
        As `vitrolyte.simulate.evaluate.evaluate`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    structures = [structure(one.species, one.positions, one.cell) for one in snapshots]
    said = evaluate(structures, _unnamed(pair, elements), folder=folder)
    return [Label(one.energy, one.forces, one.stress / EV_PER_A3_TO_GPA) for one in said]


def _unnamed(pair: LammpsPair, elements: tuple[str, ...]) -> Potential:
    """Wrap a pair style that is not on the shelf yet."""
    return Potential(
        name="student in the making",
        kind="student",
        elements=elements,
        lammps=pair,
        safe_distances={},
        timestep_fs=1.0,
        card=None,
        citations=(),
        digest="",
    )
