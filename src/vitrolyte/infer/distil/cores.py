"""Repulsive cores: the screened nuclear potential, subtracted before the fit, added in the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from ase.data import atomic_numbers
from scipy.optimize import brentq

from vitrolyte.infer.distil.geometry import Array, Indices, neighbour_pairs
from vitrolyte.potentials.teacher import Label, Snapshot

COULOMB_EV_A = 14.399645
SCREENING_LENGTH_A = 0.46850
SCREENING_POWER = 0.23
AMPLITUDES = np.array([0.18175, 0.50986, 0.28022, 0.02817])
EXPONENTS = np.array([3.19980, 0.94229, 0.40290, 0.20162])


class Core(NamedTuple):
    """One pair's core: nuclear charges, and the radii (Å) between which it is switched off."""

    charges: tuple[int, int]
    inner: float
    outer: float


class _Switch(NamedTuple):
    cubic: float
    quartic: float
    constant: float


@dataclass(frozen=True)
class Cores:
    """The Ziegler-Biersack-Littmark cores of every pair of elements.

    ``E(r) = (e²/4πε₀) Z_i Z_j / r · φ(r/a) + S(r)`` with
    ``a = 0.46850 Å / (Z_i^0.23 + Z_j^0.23)``; S brings energy, force and force slope to zero at
    the outer radius. Sources: J. F. Ziegler, J. P. Biersack, U. Littmark, The Stopping and Range of
    Ions in Matter (Pergamon, 1985); switching as in LAMMPS (doi:10.1016/j.cpc.2021.108171).
    """

    pairs: Mapping[str, Core]

    def energy_and_slope(self, name: str, distance: Array) -> tuple[Array, Array]:
        """Return E (eV) and dE/dr (eV/Å) of a pair at distances in Å; both zero beyond the core."""
        core = self.pairs[name]
        switch = _switch(core)
        inside = distance < core.outer
        r = np.where(inside, distance, core.outer)
        bare, slope, _ = _bare(core.charges, r)
        t = np.clip(r - core.inner, 0, None)
        energy = bare + switch.cubic / 3 * t**3 + switch.quartic / 4 * t**4 + switch.constant
        slope = slope + switch.cubic * t**2 + switch.quartic * t**3
        return np.where(inside, energy, 0.0), np.where(inside, slope, 0.0)

    def bare_slope(self, name: str, distance: Array) -> Array:
        """Return dE/dr of a pair's core without its switch, eV/Å."""
        return _bare(self.pairs[name].charges, distance)[1]

    def label(self, snapshot: Snapshot) -> Label:
        """Evaluate the cores of a snapshot as a teacher would: energy, forces and stress."""
        reach = max(core.outer for core in self.pairs.values())
        pairs = neighbour_pairs(snapshot, reach)
        names = self._names(snapshot, pairs.first, pairs.second)
        energy, slope = np.zeros(len(names)), np.zeros(len(names))
        for name in set(names):
            chosen = names == name
            energy[chosen], slope[chosen] = self.energy_and_slope(name, pairs.distances[chosen])
        pull = slope[:, None] * pairs.vectors / np.maximum(pairs.distances, 1e-9)[:, None]
        forces = np.zeros_like(snapshot.positions)
        np.add.at(forces, pairs.first, pull)
        stress = 0.5 * pairs.vectors.T @ pull / snapshot.volume
        return Label(0.5 * float(energy.sum()), forces, stress)

    def _names(
        self, snapshot: Snapshot, first: Indices, second: Indices
    ) -> npt.NDArray[np.object_]:
        table = {}
        for name in self.pairs:
            a, b = name.split("-")
            table[a, b] = table[b, a] = name
        kinds = snapshot.species
        return np.array([table[kinds[i], kinds[j]] for i, j in zip(first, second)], dtype=object)


def cores_below(distances: Mapping[str, float], fraction: float) -> Cores:
    """Place every core just under the shortest distance that real melts show (Å)."""
    pairs = {}
    for name, shortest in distances.items():
        a, b = name.split("-")
        outer = round(fraction * shortest, 3)
        pairs[name] = Core((atomic_numbers[a], atomic_numbers[b]), round(0.5 * outer, 3), outer)
    return Cores(pairs)


def core_distance(pair: str, energy_eV: float) -> float:
    """Return the distance at which the bare core of a pair (``Li-O``) reaches an energy, Å."""
    a, b = (atomic_numbers[element] for element in pair.split("-"))

    def above(r: float) -> float:
        return float(_bare((a, b), np.array(r))[0]) - energy_eV

    return float(brentq(above, 0.01, 10.0))


def _bare(charges: tuple[int, int], r: Array) -> tuple[Array, Array, Array]:
    """Screened Coulomb energy with its first and second derivative."""
    scale = (charges[0] ** SCREENING_POWER + charges[1] ** SCREENING_POWER) / SCREENING_LENGTH_A
    decay = EXPONENTS * scale
    terms = AMPLITUDES * np.exp(-np.multiply.outer(r, decay))
    phi, dphi, ddphi = terms.sum(-1), -(terms * decay).sum(-1), (terms * decay**2).sum(-1)
    k = COULOMB_EV_A * charges[0] * charges[1]
    energy = k * phi / r
    slope = k * (dphi / r - phi / r**2)
    curvature = k * (ddphi / r - 2 * dphi / r**2 + 2 * phi / r**3)
    return energy, slope, curvature


def _switch(core: Core) -> _Switch:
    width = core.outer - core.inner
    energy, slope, curvature = (float(x) for x in _bare(core.charges, np.array(core.outer)))
    cubic = (-3 * slope + width * curvature) / width**2
    quartic = (2 * slope - width * curvature) / width**3
    constant = -energy + width * slope / 2 - width**2 * curvature / 12
    return _Switch(cubic, quartic, constant)
