"""A teacher that costs nothing: ions of a salt with a damped Coulomb and a Born-Mayer repulsion."""

import time
from pathlib import Path

import numpy as np
from ase.calculators.calculator import Calculator, all_changes
from ase.neighborlist import primitive_neighbor_list

from vitrolyte.infer.distil.cache import key_of
from vitrolyte.infer.distil.geometry import from_atoms

CHARGES = {"Li": 1.0, "Cl": -1.0}
COULOMB = 14.399645
SCREENING = 2.2
CUTOFF = 4.6
STRENGTH = {frozenset({"Li", "Cl"}): 560.0, frozenset({"Cl"}): 3600.0, frozenset({"Li"}): 60.0}
RANGE = 0.32


class Salt(Calculator):
    """``E = sum q q' k exp(-r/s) / r + A exp(-r/rho)``, smoothly zero at 4.6 Å.

    ``wait_s`` makes it slow; in the folder ``count_in`` it leaves a file named by the key of every
    arrangement that it was asked about.
    """

    implemented_properties = ("energy", "forces", "stress")

    def __init__(self, wait_s: float = 0.0, count_in: str = "", **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.wait_s, self.count_in = wait_s, count_in

    def _pair(self, r: np.ndarray, charge: np.ndarray, strength: np.ndarray) -> tuple:
        fade = (1 - (r / CUTOFF) ** 2) ** 2
        slope_of_fade = -4 * r / CUTOFF**2 * (1 - (r / CUTOFF) ** 2)
        pull = COULOMB * charge * np.exp(-r / SCREENING) / r
        push = strength * np.exp(-r / RANGE)
        slope = -pull * (1 / r + 1 / SCREENING) - push / RANGE
        return (pull + push) * fade, slope * fade + (pull + push) * slope_of_fade

    def calculate(self, atoms=None, properties=None, system_changes=all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        time.sleep(self.wait_s)
        if self.count_in:
            key = key_of(from_atoms(self.atoms))
            (Path(self.count_in) / f"{key}.{time.monotonic_ns()}").touch()
        cell = np.asarray(self.atoms.cell)
        i, j, r, apart = primitive_neighbor_list(
            "ijdD", (True, True, True), cell, self.atoms.positions, CUTOFF
        )
        symbols = np.array(self.atoms.get_chemical_symbols())
        charges = np.array([CHARGES[s] for s in symbols])
        strength = np.array([STRENGTH[frozenset({a, b})] for a, b in zip(symbols[i], symbols[j])])
        energy, slope = self._pair(r, charges[i] * charges[j], strength)
        pull = (slope / r)[:, None] * apart
        forces = np.zeros((len(symbols), 3))
        np.add.at(forces, i, pull)
        virial = 0.5 * apart.T @ pull / abs(np.linalg.det(cell))
        stress = virial[(0, 1, 2, 1, 0, 0), (0, 1, 2, 2, 2, 1)]
        self.results = {"energy": 0.5 * energy.sum(), "forces": forces, "stress": stress}
