"""LAMMPS as a separate process: the least that fitting and exploring need."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ase.data import atomic_masses, atomic_numbers

from vitrolyte.data.errors import EngineError
from vitrolyte.infer.distil.geometry import Array, restricted_cell
from vitrolyte.potentials.teacher import Snapshot
from vitrolyte.simulate.order import Launch
from vitrolyte.simulate.programs import environment, lammps_program, launcher


def run_lammps(script: Path, *, ranks: int = 1, timeout_s: float | None = None) -> str:
    """Run one LAMMPS input in its folder and return what it printed.

    Raises
    ------
    EngineError
        LAMMPS stopped with an error, or ran past its time.
    """
    launch = Launch(processes=ranks)
    program = [*launcher(launch), str(lammps_program())]
    command = [*program, "-in", script.name, "-log", f"{script.stem}.log"]
    try:
        done = subprocess.run(
            command,
            cwd=script.parent,
            env=environment(launch),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EngineError("LAMMPS has to finish in time", folder=script.parent) from error
    if done.returncode:
        said = [line for line in done.stdout.splitlines() if line.startswith("ERROR")]
        raise EngineError(
            "LAMMPS has to finish",
            received=said[-1] if said else f"status {done.returncode}",
            folder=script.parent,
            log_tail=(done.stdout + done.stderr)[-1500:],
        )
    return done.stdout


def data_file(snapshot: Snapshot, elements: Sequence[str]) -> str:
    """Write a snapshot as a LAMMPS data file (style atomic), in the restricted triclinic frame."""
    cell, _ = restricted_cell(snapshot.cell)
    fractions = snapshot.positions @ np.linalg.inv(snapshot.cell)
    positions = (fractions % 1.0) @ cell
    lines = ["made for a fit", "", f"{len(positions)} atoms", f"{len(elements)} atom types"]
    lines += [f"0 {cell[k, k]:.12f} {axis}lo {axis}hi" for k, axis in enumerate("xyz")]
    lines += [f"{cell[1, 0]:.12f} {cell[2, 0]:.12f} {cell[2, 1]:.12f} xy xz yz", "", "Masses", ""]
    lines += [f"{k} {_mass(symbol)}" for k, symbol in enumerate(elements, start=1)]
    lines += ["", "Atoms # atomic", ""]
    for index, (symbol, (x, y, z)) in enumerate(zip(snapshot.species, positions), start=1):
        lines.append(f"{index} {elements.index(symbol) + 1} {x:.12f} {y:.12f} {z:.12f}")
    return "\n".join(lines) + "\n"


def read_dump(path: Path, elements: Sequence[str], *, columns: int) -> list[tuple[Snapshot, Array]]:
    """Read a text dump with columns ``id type`` and then numbers, the first three positions.

    Returns each frame as a snapshot in the restricted frame and the remaining columns. A frame cut
    off by a crash is left out.
    """
    words = path.read_text(encoding="ascii").splitlines()
    frames = []
    start = 0
    while start + 9 <= len(words):
        count = int(words[start + 3])
        body = words[start + 9 : start + 9 + count]
        if len(body) < count:
            break
        cell, origin = _dump_cell(words[start + 4 : start + 8])
        table = np.array([line.split() for line in body], dtype=float)
        table = table[np.argsort(table[:, 0])]
        species = tuple(elements[int(kind) - 1] for kind in table[:, 1])
        snapshot = Snapshot(species, table[:, 2:5] - origin, cell)
        frames.append((snapshot, table[:, 5 : 2 + columns]))
        start += 9 + count
    return frames


def _dump_cell(lines: Sequence[str]) -> tuple[Array, Array]:
    triclinic = "xy" in lines[0]
    numbers = np.array([line.split() for line in lines[1:]], dtype=float)
    tilts = numbers[:, 2] if triclinic else np.zeros(3)
    xy, xz, yz = tilts
    low = numbers[:, 0] - [min(0, xy, xz, xy + xz), min(0, yz), 0]
    high = numbers[:, 1] - [max(0, xy, xz, xy + xz), max(0, yz), 0]
    cell = np.diag(high - low)
    cell[1, 0], cell[2, 0], cell[2, 1] = xy, xz, yz
    return cell, low


def _mass(symbol: str) -> float:
    return float(atomic_masses[atomic_numbers[symbol]])
