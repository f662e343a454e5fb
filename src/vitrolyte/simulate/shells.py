"""Cores and shells: what LAMMPS moves, and the atoms that the rest of the package sees.

LAMMPS numbers the shells after all atoms, in the order of the atoms that carry them.
https://docs.lammps.org/Howto_coreshell.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.elements import masses
from vitrolyte.data.io.lammps_data import AtomTypes, ShellType
from vitrolyte.data.io.lammps_frame import RawFrame
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.potentials.potential import LammpsPair, Potential

Floats = NDArray[np.float64]

U_A2_PER_PS2_TO_EV = 1.0364269656e-4
"""1 u Å²/ps² = 1.66053906660e-27 kg x 1e4 m²/s² / 1.602176634e-19 J/eV."""

_STIFF_FORCE = 1e-6


def types_of(potential: Potential, pair: LammpsPair) -> AtomTypes:
    """Return the atom types of a potential: its elements in order, then their shells."""
    shells = tuple(
        ShellType(element, pair.shells[element].charge, pair.shells[element].mass_fraction)
        for element in potential.elements
        if element in pair.shells
    )
    charges = tuple(pair.charges[element] for element in potential.elements if pair.charges)
    return AtomTypes(potential.elements, pair.atom_style != "atomic", charges, shells)


@dataclass(frozen=True, eq=False)
class Shells:
    """The shells of one structure.

    Attributes
    ----------
    n_atoms
        Atoms of the structure, shells not counted.
    carriers
        (n_shells,), index of the atom that each shell belongs to.
    fractions
        (n_shells,), share of the atom's mass that its shell has.
    """

    n_atoms: int
    carriers: NDArray[np.intp]
    fractions: Floats

    def positions(self, values: Floats) -> Floats:
        """Return where the atoms are, (n_atoms, 3): where their cores are."""
        return values[: self.n_atoms]

    def velocities(self, values: Floats) -> Floats:
        """Return the velocity of each atom, (n_atoms, 3): that of core and shell together."""
        found = values[: self.n_atoms].copy()
        share = self.fractions[:, None]
        found[self.carriers] = (1 - share) * found[self.carriers] + share * values[self.n_atoms :]
        return found

    def forces(self, values: Floats) -> Floats:
        """Return the force on each atom, (n_atoms, 3): on core and shell together."""
        found = values[: self.n_atoms].copy()
        found[self.carriers] += values[self.n_atoms :]
        return found

    def moving(self, frame: RawFrame) -> RawFrame:
        """Return a frame of positions and velocities as one of whole atoms."""
        if not len(self.carriers):
            return frame
        values = (self.positions(frame.values[:, :3]), self.velocities(frame.values[:, 3:]))
        return RawFrame(frame.step, frame.cell, np.hstack(values))


def shells_of(species: tuple[str, ...], types: AtomTypes) -> Shells:
    """Return the shells of a structure of these elements."""
    carriers = types.carriers(species)
    return Shells(len(species), carriers, types.mass_fractions(species)[carriers])


def drawn_velocities(species: tuple[str, ...], temperature_K: float, *, seed: int) -> Floats:
    """Return Maxwell-Boltzmann velocities of atoms, (n_atoms, 3), Å/ps, at exactly a temperature.

    Momentum is zero; shells that take the velocity of their atom begin without heat of their own.
    """
    mass = masses(species)[:, None]
    drawn = np.random.default_rng(seed).normal(size=(len(species), 3)) / np.sqrt(mass)
    drawn -= (mass * drawn).sum(axis=0) / mass.sum()
    energy = 0.5 * U_A2_PER_PS2_TO_EV * float((mass * drawn**2).sum())
    freedom = max(3, drawn.size - 3)
    wanted = 0.5 * freedom * BOLTZMANN_EV_PER_K * temperature_K
    return np.asarray(drawn * np.sqrt(wanted / energy)) if energy else drawn


def with_velocities(start: Trajectory, temperature_K: float, *, seed: int) -> Trajectory:
    """Return a structure of one frame with drawn velocities."""
    speeds = drawn_velocities(start.species, temperature_K, seed=seed)[None]
    return Trajectory(start.species, start.times, start.cells, start.positions, speeds)


def bond_lines(types: AtomTypes, pair: LammpsPair) -> Iterator[str]:
    """Yield the springs between cores and shells and the groups that the other lines name."""
    if not types.shells:
        return
    yield "bond_style harmonic"
    for number, shell in enumerate(types.shells, start=1):
        # LAMMPS writes a spring as K d², not K d² / 2
        yield f"bond_coeff {number} {pair.shells[shell.element].spring_eV_A2 / 2!r} 0.0"
    yield "comm_modify vel yes"
    carriers = [types.elements.index(shell.element) + 1 for shell in types.shells]
    first = len(types.elements) + 1
    yield f"group atoms type {' '.join(map(str, range(1, first)))}"
    yield f"group cores type {' '.join(map(str, carriers))}"
    yield f"group shells type {' '.join(map(str, range(first, first + len(carriers))))}"


def settle_lines() -> Iterator[str]:
    """Yield the lines that bring the shells to rest around atoms that stay where they are."""
    yield "fix hold atoms setforce 0.0 0.0 0.0"
    yield "thermo_style custom step pe"
    yield f"minimize 0.0 {_STIFF_FORCE!r} 1000 10000"
    yield "unfix hold"
    yield "reset_timestep 0"


def bias_lines() -> Iterator[str]:
    """Yield the temperature of atoms, without that of shells against cores, and its pressure."""
    yield "compute centres all temp/cs cores shells"
    yield "compute squeeze all pressure thermo_temp"
