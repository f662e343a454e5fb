"""Single points of a student: energies, forces and stresses of many snapshots in one process."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vitrolyte.data.units import BAR_TO_GPA, EV_PER_A3_TO_GPA
from vitrolyte.infer.distil.engine import data_file, read_dump, run_lammps
from vitrolyte.infer.distil.geometry import Array, restricted_cell
from vitrolyte.potentials.potential import LammpsPair
from vitrolyte.potentials.teacher import Label, Snapshot

NUMBERS = "pe pxx pyy pzz pxy pxz pyz"


def student_labels(
    pair: LammpsPair, snapshots: Sequence[Snapshot], elements: tuple[str, ...], *, folder: Path
) -> list[Label]:
    """Let a student say what a teacher would: one `Label` for each snapshot, in order."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in pair.files:
        shutil.copy(path, folder / path.name)
    blocks = []
    for index, snapshot in enumerate(snapshots):
        text = data_file(snapshot, elements)
        (folder / f"{index}.data").write_text(text, encoding="ascii")
        blocks.append(_block(index, pair))
    script = folder / "points.in"
    script.write_text("\n".join(blocks) + "\n", encoding="ascii")
    printed = run_lammps(script)
    labels = [_read(index, s, elements, printed, folder) for index, s in enumerate(snapshots)]
    for index in range(len(snapshots)):
        (folder / f"{index}.data").unlink()
        (folder / f"{index}.dump").unlink()
    return labels


def _block(index: int, pair: LammpsPair) -> str:
    values = " ".join(f"$(v_x{k}:%.12g)" for k in range(7))
    return "\n".join(
        [
            "clear",
            "units metal",
            "atom_style atomic",
            f"read_data {index}.data",
            *pair.commands,
            *(f"variable x{k} equal {name}" for k, name in enumerate(NUMBERS.split())),
            f"thermo_style custom step {NUMBERS}",
            "run 0 post no",
            f'print "POINT {index} {values}"',
            f"write_dump all custom {index}.dump id type x y z fx fy fz "
            "modify sort id format float %.12g",
        ]
    )


def _read(
    index: int, snapshot: Snapshot, elements: tuple[str, ...], printed: str, folder: Path
) -> Label:
    found = re.search(rf"^POINT {index} (.+)$", printed, re.MULTILINE)
    assert found is not None
    energy, *pressure = (float(word) for word in found.group(1).split())
    _, rotation = restricted_cell(snapshot.cell)
    _, rest = read_dump(folder / f"{index}.dump", elements, 6)[0]
    forces = rest[:, 0:3] @ rotation.T
    return Label(energy, forces, rotation @ _stress(pressure) @ rotation.T)


def _stress(pressure_bar: Sequence[float]) -> Array:
    xx, yy, zz, xy, xz, yz = pressure_bar
    tensor = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
    return -tensor * BAR_TO_GPA / EV_PER_A3_TO_GPA
