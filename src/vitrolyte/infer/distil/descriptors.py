"""Descriptors of snapshots, from LAMMPS: the linear rows that a student's coefficients multiply."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vitrolyte.data.io.files import storage, write_text
from vitrolyte.data.io.lammps_data import AtomTypes, Orientation, data_text, restrict
from vitrolyte.data.io.lammps_frame import parse_frame
from vitrolyte.data.trajectory import structure
from vitrolyte.infer.distil.cache import key_of
from vitrolyte.infer.distil.config import PodSettings
from vitrolyte.infer.distil.geometry import Array
from vitrolyte.potentials.teacher import Snapshot
from vitrolyte.simulate.folder import sole_worker
from vitrolyte.simulate.order import Launch
from vitrolyte.simulate.process import SCRIPT, complete, failure

PARAMETERS = "student_param.pod"
STRAIN = 1e-4
"""Strain of the central differences behind the stress rows; their error goes with its square."""

VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
BATCH = 12
"""Snapshots per LAMMPS process: enough to hide its start, few enough to keep little unsaved."""


@dataclass(frozen=True, eq=False)
class Design:
    """What multiplies the coefficients of a linear student to give its word on one snapshot.

    Attributes
    ----------
    energy
        (m,): energy of the cell is ``energy @ c``, eV.
    forces
        (3 n_atoms, m): forces, atom by atom, eV/Å.
    stress
        (6, m): stress in the order xx yy zz yz xz xy, eV/Å³, tension positive.
    """

    energy: Array
    forces: Array
    stress: Array


@dataclass(frozen=True)
class Basis:
    """The proper orthogonal descriptors of a set of elements, evaluated by LAMMPS and kept.

    N. C. Nguyen, J. Comput. Phys. 480, 112030 (2023), doi:10.1016/j.jcp.2023.112030. LAMMPS gives
    the descriptor sums of a cell and their gradients (``compute pod/global``). It gives no virial;
    since the energy is linear in the sums, the stress rows are their central differences under
    the six strains, ``sigma_k = (1/V) dE/d(strain_k)``.

    Attributes
    ----------
    elements, settings
        Which descriptors.
    folder
        Where LAMMPS works and finished rows are kept by content.
    workers
        LAMMPS processes side by side.
    """

    elements: tuple[str, ...]
    settings: PodSettings
    folder: Path
    workers: int = 1

    def designs(self, snapshots: Sequence[Snapshot]) -> list[Design]:
        """Return the rows of every snapshot, computing only those not kept from before.

        Raises
        ------
        EngineError, StorageError, MachineError
            From LAMMPS.
        """
        self.prepare(snapshots)
        return [self._read(snapshot) for snapshot in snapshots]

    def prepare(self, snapshots: Sequence[Snapshot]) -> None:
        """Compute the rows that are not kept from before, several LAMMPS side by side.

        Raises
        ------
        EngineError, StorageError, MachineError
            From LAMMPS.
        """
        missing = list({k: s for s in snapshots if not (k := self._path(s)).is_file()}.values())
        batches = [missing[start : start + BATCH] for start in range(0, len(missing), BATCH)]
        places = [self.folder / f"batch-{number}" for number in range(len(batches))]
        with ThreadPoolExecutor(max(1, self.workers)) as pool:
            list(pool.map(self._keep, batches, places))

    def _path(self, snapshot: Snapshot) -> Path:
        basis = hashlib.sha256(parameter_file(self.elements, self.settings).encode()).hexdigest()
        return self.folder / basis[:12] / f"{key_of(snapshot)}.npy"

    def _read(self, snapshot: Snapshot) -> Design:
        rows = np.load(self._path(snapshot), allow_pickle=False)
        return Design(rows[0], rows[7:], rows[1:7])

    def _keep(self, snapshots: Sequence[Snapshot], place: Path) -> None:
        for snapshot, design in zip(snapshots, self._computed(snapshots, place), strict=True):
            path = self._path(snapshot)
            rows = np.vstack([design.energy, design.stress, design.forces])
            with storage(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                unfinished = path.with_suffix(".partial.npy")
                np.save(unfinished, rows)
                unfinished.replace(path)

    def _computed(self, snapshots: Sequence[Snapshot], place: Path) -> Iterator[Design]:
        with sole_worker(place):
            write_text(place / PARAMETERS, parameter_file(self.elements, self.settings))
            cells = [self._write(one, place / f"{k}.data") for k, one in enumerate(snapshots)]
            lines = [line for k, o in enumerate(cells) for line in self._lines(str(k), o)]
            write_text(place / SCRIPT, "\n".join(lines) + "\n")
            complete(place, Launch())
            for number, (snapshot, orientation) in enumerate(zip(snapshots, cells)):
                yield self._collect(place, snapshot, orientation, number=number)
        shutil.rmtree(place, ignore_errors=True)

    def _write(self, snapshot: Snapshot, path: Path) -> Orientation:
        turned, orientation = restrict(
            structure(snapshot.species, snapshot.positions, snapshot.cell)
        )
        write_text(path, data_text(turned, AtomTypes(self.elements), tilted=True))
        return orientation

    def _lines(self, name: str, orientation: Orientation) -> Iterator[str]:
        """Write the lines for the sums of one snapshot, their gradients, and the strained sums."""
        yield from ("clear", "units metal", "atom_style atomic", "boundary p p p")
        yield from ("box tilt large", f"read_data {name}.data")
        yield from (f"pair_style zero {self.settings.cutoff_A}", "pair_coeff * *")
        yield "neigh_modify every 1 delay 0 check yes"
        elements = " ".join(self.elements)
        yield f'compute rows all pod/global {PARAMETERS} "" {elements}'
        yield (
            f"fix out all ave/time 1 1 1 c_rows[*] mode vector file {name}.rows "
            'format " %.14g" title1 "" title2 "" title3 ""'
        )
        yield from ("run 0 post no", "unfix out", "uncompute rows")
        yield f'compute each all pod/atom {PARAMETERS} "" {elements}'
        for strain, cell in _strained(orientation.restricted):
            yield _box(cell)
            yield "run 0 post no"
            yield f"write_dump all custom {name}{strain}.bin id type c_each[*]"

    def _collect(
        self, place: Path, snapshot: Snapshot, orientation: Orientation, *, number: int
    ) -> Design:
        count = len(snapshot.species)
        rows = _rows(place / f"{number}.rows", 1 + 3 * count)
        size = rows.shape[1]
        gradients = rows[1:].reshape(count, 3, size)
        forces = np.einsum("nam,ba->nbm", gradients, orientation.rotation)
        tensor = np.zeros((3, 3, size))
        for axis, (i, j) in enumerate(VOIGT):
            above, below = (
                self._summed(place / f"{number}{sign}{axis}.bin", size) for sign in "ud"
            )
            tensor[i, j] = tensor[j, i] = (above - below) / (2 * STRAIN * snapshot.volume)
        turned = np.einsum("ai,ijm,bj->abm", orientation.rotation, tensor, orientation.rotation)
        stress = np.array([turned[i, j] for i, j in VOIGT])
        return Design(rows[0], forces.reshape(3 * count, size), stress)

    def _summed(self, path: Path, size: int) -> Array:
        """Sum the atoms' descriptors element by element, a count before each block."""
        local = size // len(self.elements) - 1
        frame = parse_frame(path.read_bytes(), columns=2 + local) if path.exists() else None
        if frame is None:
            raise failure(path.parent, f"no complete output {path.name}")
        kinds = frame.values[:, 0].astype(int)
        blocks = [frame.values[kinds == k, 1:] for k in range(1, len(self.elements) + 1)]
        return np.concatenate([np.r_[len(block), block.sum(axis=0)] for block in blocks])


def _strained(cell: Array) -> Iterator[tuple[str, Array]]:
    """Yield a restricted cell under six strains, up and down, lower triangular throughout.

    A shear of one side only differs from the symmetric one by a rotation, which costs no energy.
    """
    for axis, (i, j) in enumerate(VOIGT):
        for sign, name in ((1, "u"), (-1, "d")):
            strain = np.eye(3)
            strain[max(i, j), min(i, j)] += sign * STRAIN
            yield f"{name}{axis}", cell @ strain


def _box(cell: Array) -> str:
    edges = " ".join(f"{axis} final 0.0 {float(cell[k, k])!r}" for k, axis in enumerate("xyz"))
    tilts = " ".join(
        f"{name} final {float(cell[i, j])!r}"
        for name, i, j in (("xy", 1, 0), ("xz", 2, 0), ("yz", 2, 1))
    )
    return f"change_box all {edges} {tilts} remap units box"


def _rows(path: Path, count: int) -> Array:
    """Read the rows that LAMMPS wrote as text: a step and a count, then numbered rows."""
    text = path.read_text(encoding="ascii") if path.exists() else ""
    body = text.lstrip().partition("\n")[2]
    values = np.fromstring(body, sep=" ")
    if not count or values.size % count:
        raise failure(path.parent, f"no complete output {path.name}")
    return np.asarray(values.reshape(count, -1)[:, 1:])


def parameter_file(elements: Sequence[str], settings: PodSettings) -> str:
    """Write the descriptor settings that LAMMPS reads."""
    return "\n".join(
        [
            f"species {' '.join(elements)}",
            "pbc 1 1 1",
            f"rin {settings.inner_A}",
            f"rcut {settings.cutoff_A}",
            f"bessel_polynomial_degree {settings.bessel_degree}",
            f"inverse_polynomial_degree {settings.inverse_degree}",
            "onebody 1",
            f"twobody_number_radial_basis_functions {settings.two_body}",
            f"threebody_number_radial_basis_functions {settings.three_body}",
            f"threebody_angular_degree {settings.three_body_angular}",
            f"fourbody_number_radial_basis_functions {settings.four_body}",
            f"fourbody_angular_degree {settings.four_body_angular}",
            *(
                f"{word}body_{what} 0"
                for word in ("five", "six", "seven")
                for what in ("number_radial_basis_functions", "angular_degree")
            ),
            "",
        ]
    )
