"""Vibrations of a crystal at the wave vectors that fit a supercell, from displaced copies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase.data import atomic_masses, atomic_numbers

from vitrolyte.infer.distil.geometry import Array
from vitrolyte.infer.distil.seeds import repeated
from vitrolyte.potentials.teacher import Label, Snapshot

MOVE_A = 0.02
TO_THZ = 15.633302
"""sqrt(eV / (Å² u)) / 2 pi in THz (CODATA 2018)."""

Counts = tuple[int, int, int]


@dataclass(frozen=True)
class Vibrations:
    """A primitive cell and how often it is repeated along its vectors."""

    unit: Snapshot
    counts: Counts

    def displaced(self) -> list[Snapshot]:
        """List the supercells with one atom of the first cell moved by ±0.02 Å along each axis."""
        whole = repeated(self.unit, self.counts)
        cells = []
        for atom in range(len(self.unit.species)):
            for axis in range(3):
                for sign in (1, -1):
                    moved = whole.positions.copy()
                    moved[atom, axis] += sign * MOVE_A
                    cells.append(Snapshot(whole.species, moved, whole.cell))
        return cells

    def frequencies(self, labels: list[Label], wave: Counts) -> Array:
        """Return the frequencies at ``q = sum_k (wave_k / counts_k) b_k``, THz, rising.

        ``D_ij(q) = sum_R Phi(0i, Rj) exp(i q R) / sqrt(m_i m_j)``, exact at these wave vectors for
        the periodic crystal; imaginary ones are negative. At q = 0 without the field of polar
        modes, which no supercell holds.
        """
        count = len(self.unit.species)
        forces = np.array([label.forces for label in labels]).reshape(count, 3, 2, -1, count, 3)
        constants = -(forces[:, :, 0] - forces[:, :, 1]) / (2 * MOVE_A)
        shifts = np.array(list(np.ndindex(self.counts)))
        phases = np.exp(2j * np.pi * shifts @ (np.array(wave) / np.array(self.counts)))
        masses = atomic_masses[[atomic_numbers[symbol] for symbol in self.unit.species]]
        root = np.sqrt(np.repeat(masses, 3))
        dynamical = np.einsum("iarjb,r->iajb", constants, phases).reshape(3 * count, -1)
        dynamical = dynamical / np.multiply.outer(root, root)
        squares = np.linalg.eigvalsh(0.5 * (dynamical + dynamical.conj().T))
        return np.asarray(np.sign(squares) * np.sqrt(np.abs(squares)) * TO_THZ)
