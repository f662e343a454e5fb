"""Calculators that stand in for teachers: exact, quick, and faulty on purpose."""

import os
import time
from pathlib import Path

import numpy as np
from ase.calculators.calculator import Calculator, all_changes


class SmoothArgon(Calculator):
    """Lennard-Jones argon whose energy and force go to zero at the cut-off, as in LAMMPS's
    ``lj/smooth/linear`` (https://docs.lammps.org/pair_lj_smooth_linear.html).

    Nearest images only: for cells wider than twice the cut-off. Keeps nothing between calls.
    """

    implemented_properties = ("energy", "forces", "stress")

    def __init__(self, epsilon: float, sigma: float, cutoff: float, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.type_map = {18: 0}
        self.epsilon, self.sigma, self.cutoff = epsilon, sigma, cutoff

    def _pair(self, distance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        six = (self.sigma / distance) ** 6
        energy = 4 * self.epsilon * (six**2 - six)
        slope = -24 * self.epsilon * (2 * six**2 - six) / distance
        return energy, slope

    def calculate(self, atoms=None, properties=None, system_changes=all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        cell = np.asarray(self.atoms.cell)
        first, second = np.triu_indices(len(self.atoms), 1)
        positions = self.atoms.positions
        apart = (positions[second] - positions[first]) @ np.linalg.inv(cell)
        apart = (apart - np.round(apart)) @ cell
        near = (apart**2).sum(axis=1) < self.cutoff**2
        apart, first, second = apart[near], first[near], second[near]
        distance = np.sqrt((apart**2).sum(axis=1))
        energy, slope = self._pair(distance)
        edge_energy, edge_slope = self._pair(np.array(self.cutoff))
        energy = energy - edge_energy - (distance - self.cutoff) * edge_slope
        push = ((slope - edge_slope) / distance)[:, None] * apart
        forces = np.zeros_like(positions)
        np.add.at(forces, first, push)
        np.add.at(forces, second, -push)
        stress = apart.T @ push / abs(np.linalg.det(cell))
        self.results = {
            "energy": energy.sum(),
            "forces": forces,
            "stress": stress.ravel()[[0, 4, 8, 5, 2, 1]],
        }


class Faulty(SmoothArgon):
    """Misbehaves at each evaluation for which ``marks`` holds a file ``fault-N``, then removes it.

    The file's text says how: ``die``, ``hang``, or ``nan``.
    """

    def __init__(self, marks: str, **kwargs: object) -> None:
        super().__init__(epsilon=0.01, sigma=3.4, cutoff=8.0, **kwargs)
        self.marks = Path(marks)

    def calculate(self, atoms=None, properties=None, system_changes=all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        faults = sorted(self.marks.glob("fault-*"))
        if not faults:
            return
        fault = faults[0].read_text()
        faults[0].unlink()
        if fault == "die":
            os.write(2, b"the teacher's last words\n")
            os._exit(7)
        elif fault == "hang":
            time.sleep(600)
        elif fault == "nan":
            self.results["forces"][1] = np.nan
        elif fault == "push":
            self.results["forces"] += 0.1
