"""Bispectrum components (SNAP) as the linear rows of a student, evaluated by LAMMPS and kept."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.kept import keep_designs, kept_designs
from vitrolyte.data.io.files import write_text
from vitrolyte.data.io.lammps_data import AtomTypes, Orientation, data_text, restrict
from vitrolyte.data.trajectory import structure
from vitrolyte.infer.distil.cores import Cores
from vitrolyte.infer.distil.descriptors import VOIGT, Design
from vitrolyte.potentials.potential import LammpsPair
from vitrolyte.potentials.teacher import Snapshot
from vitrolyte.simulate.order import Launch
from vitrolyte.simulate.process import SCRIPT, complete, failure

Array = NDArray[np.float64]
COEFFICIENTS, PARAMETERS = "student.snapcoeff", "student.snapparam"
RFAC0 = 0.99363


@dataclass(frozen=True)
class Snap:
    """The bispectrum of a set of elements.

    A. P. Thompson et al., J. Comput. Phys. 285, 316 (2015), doi:10.1016/j.jcp.2014.12.018; with
    ``chemical`` one density for each element, M. A. Cusentino et al., J. Phys. Chem. A 124, 5456
    (2020), doi:10.1021/acs.jpca.0c02450.

    Attributes
    ----------
    elements, folder
        Which elements; where finished rows are kept.
    twice_j
        Largest angular momentum, doubled.
    chemical
        A density for each element instead of one weighted sum.
    cutoff_A
        The same for every pair, Å.
    weights
        Of the elements in the one density.
    """

    elements: tuple[str, ...]
    folder: Path
    twice_j: int
    chemical: bool = False
    cutoff_A: float = 5.0
    weights: tuple[float, ...] = (0.5, 1.0, -1.0)

    @property
    def name(self) -> str:
        """Name it by its size."""
        chemical = ", a density for each element" if self.chemical else ""
        return f"SNAP, 2J {self.twice_j}{chemical}"

    @property
    def per_element(self) -> int:
        """Count the coefficients of one element, the constant included."""
        top = self.twice_j
        single = sum(
            j >= first
            for first in range(top + 1)
            for second in range(first + 1)
            for j in range(first - second, min(top, first + second) + 1, 2)
        )
        return 1 + single * (len(self.elements) ** 3 if self.chemical else 1)

    def prepare(self, snapshots: Sequence[Snapshot]) -> None:
        """Compute the rows not kept from before."""
        keep_designs(snapshots, self.folder / self._key, self._computed)

    def designs(self, snapshots: Sequence[Snapshot]) -> list[Design]:
        """Return the rows of every snapshot, computing only those not kept from before."""
        return kept_designs(snapshots, self.folder / self._key, self._computed)

    def written(self, coefficients: Array, cores: Cores, folder: Path) -> LammpsPair:
        """Write the files of ``pair_style snap`` and return the commands, cores laid over."""
        blocks = coefficients.reshape(len(self.elements), -1)
        lines = [f"{len(self.elements)} {blocks.shape[1]}"]
        for element, weight, block in zip(self.elements, self._weights, blocks, strict=True):
            lines.append(f"{element} {self.cutoff_A / 2} {weight}")
            lines += [f"{value:.17g}" for value in block]
        write_text(folder / COEFFICIENTS, "\n".join(lines) + "\n")
        chemical = int(self.chemical)
        settings = {"rcutfac": 1.0, "twojmax": self.twice_j, "rfac0": RFAC0, "rmin0": 0.0}
        flags = {"bzeroflag": 1, "quadraticflag": 0, "chemflag": chemical, "bnormflag": chemical}
        text = "".join(f"{key} {value}\n" for key, value in (settings | flags).items())
        write_text(folder / PARAMETERS, text)
        own = f"pair_coeff * * snap {COEFFICIENTS} {PARAMETERS} {' '.join(self.elements)}"
        return overlaid("snap", own, cores, (folder / COEFFICIENTS, folder / PARAMETERS))

    @property
    def _weights(self) -> tuple[float, ...]:
        return (1.0,) * len(self.elements) if self.chemical else self.weights

    @property
    def _key(self) -> str:
        chemical = "chem" if self.chemical else "_".join(f"{w:g}" for w in self.weights)
        return f"snap-{self.twice_j}-{chemical}-{self.cutoff_A:g}"

    def _computed(self, snapshots: Sequence[Snapshot], place: Path) -> list[Design]:
        place.mkdir(parents=True, exist_ok=True)
        turned = [restrict(structure(s.species, s.positions, s.cell)) for s in snapshots]
        for number, (crystal, _) in enumerate(turned):
            text = data_text(crystal, AtomTypes(self.elements), tilted=True)
            write_text(place / f"{number}.data", text)
        lines = [line for number in range(len(turned)) for line in self._lines(number)]
        write_text(place / SCRIPT, "\n".join(lines) + "\n")
        complete(place, Launch())
        found = [
            self._collected(place, number, snapshot, orientation)
            for number, (snapshot, (_, orientation)) in enumerate(zip(snapshots, turned))
        ]
        shutil.rmtree(place)
        return found

    def _lines(self, number: int) -> list[str]:
        radii = " ".join(f"{self.cutoff_A / 2}" for _ in self.elements)
        weights = " ".join(f"{weight}" for weight in self._weights)
        order = " ".join(map(str, range(len(self.elements))))
        chemical = f" chem {len(self.elements)} {order} bnormflag 1" if self.chemical else ""
        return [
            *("clear", "units metal", "atom_style atomic", "boundary p p p", "box tilt large"),
            *(f"read_data {number}.data", f"pair_style zero {self.cutoff_A}", "pair_coeff * *"),
            f"compute rows all snap 1.0 {RFAC0} {self.twice_j} {radii} {weights}"
            f" rmin0 0.0 bzeroflag 1 quadraticflag 0{chemical}",
            f"fix out all ave/time 1 1 1 c_rows[*] mode vector file {number}.rows "
            'format " %.14g" title1 "" title2 "" title3 ""',
            "run 0 post no",
        ]

    def _collected(
        self, place: Path, number: int, snapshot: Snapshot, orientation: Orientation
    ) -> Design:
        """Turn the sums, their gradients and their virials into rows, constants in front."""
        count = len(snapshot.species)
        body = (place / f"{number}.rows").read_text("ascii").lstrip().partition("\n")[2]
        values = np.array(body.split(), dtype=float)
        if values.size % (3 * count + 7):
            raise failure(place, f"no complete output {number}.rows")
        table = values.reshape(3 * count + 7, -1)[:, 1:-1]  # row number, reference in the last
        rows = self._with_constants(table, snapshot)
        gradients = rows[1:-6].reshape(count, 3, -1)
        forces = np.einsum("nam,ba->nbm", gradients, orientation.rotation)
        tensor = np.zeros((3, 3, rows.shape[1]))
        for row, (i, j) in zip(rows[-6:], VOIGT):
            tensor[i, j] = tensor[j, i] = -row / snapshot.volume
        turned = np.einsum("ai,ijm,bj->abm", orientation.rotation, tensor, orientation.rotation)
        stress = np.array([turned[i, j] for i, j in VOIGT])
        return Design(rows[0], forces.reshape(3 * count, -1), stress)

    def _with_constants(self, table: Array, snapshot: Snapshot) -> Array:
        blocks = table.reshape(len(table), len(self.elements), -1)
        rows = np.zeros((len(table), len(self.elements), self.per_element))
        rows[:, :, 1:] = blocks
        rows[0, :, 0] = [snapshot.species.count(element) for element in self.elements]
        return rows.reshape(len(table), -1)


def overlaid(style: str, own: str, cores: Cores, files: tuple[Path, ...]) -> LammpsPair:
    """Lay the cores over a pair style that is set by one line."""
    elements = tuple(dict.fromkeys(e for pair in cores.pairs for e in pair.split("-")))
    styles = "".join(f" zbl {core.inner} {core.outer}" for core in cores.pairs.values())
    lines = [f"pair_style hybrid/overlay {style}{styles}", own]
    for number, (name, core) in enumerate(cores.pairs.items(), start=1):
        i, j = sorted(elements.index(symbol) + 1 for symbol in name.split("-"))
        lines.append(f"pair_coeff {i} {j} zbl {number} {core.charges[0]} {core.charges[1]}")
    return LammpsPair("metal", "atomic", files, tuple(lines))
