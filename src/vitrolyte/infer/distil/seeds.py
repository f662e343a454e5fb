"""Seeds of a training set: crystals strained, rattled, compressed, with vacancies; packings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from ase.spacegroup import crystal as build_crystal

from vitrolyte.infer.distil.config import CrystalSettings, MeltSettings
from vitrolyte.infer.distil.geometry import Array, from_atoms, neighbour_pairs, shortest_distances
from vitrolyte.potentials.teacher import Snapshot

Generator = np.random.Generator
COMPRESSION = (0.78, 0.97)
LARGEST_RATTLE = 0.25
LARGEST_STRAIN = 0.06


class Seed(NamedTuple):
    """A snapshot to be labelled and the phase it stands for."""

    snapshot: Snapshot
    phase: str


def crystal(settings: CrystalSettings, repeat: tuple[int, int, int] | None = None) -> Snapshot:
    """Build a cubic parent crystal from its space group and sites."""
    a = settings.a_A
    unit = build_crystal(
        [site.element for site in settings.sites],
        [site.at for site in settings.sites],
        spacegroup=settings.spacegroup,
        cellpar=[a, a, a, 90, 90, 90],
    )
    return from_atoms(unit.repeat(repeat or settings.repeat))


def distorted(settings: CrystalSettings, generator: Generator) -> list[Seed]:
    """List the rattled, compressed and vacancy-bearing copies that a crystal's settings ask for.

    The first copy is the perfect crystal. Rattles and strains grow evenly up to their largest
    amplitude, so that calm and violent copies are equally present.
    """
    parent = crystal(settings)
    seeds = [Seed(parent, "crystal")] if settings.rattled else []
    for amount in np.linspace(0.1, 1.0, settings.rattled):
        moved = _shaken(parent, float(amount), generator)
        seeds.append(Seed(moved, "crystal"))
    for factor in np.linspace(*COMPRESSION, settings.compressed):
        small = rattled(scaled(parent, float(factor)), 0.4, generator=generator)
        seeds.append(Seed(small, "compressed"))
    for amount in np.linspace(0.3, 1.0, settings.vacancy_cells):
        poor = without_cluster(parent, settings.vacancies, generator=generator)
        seeds.append(Seed(rattled(poor, float(amount), generator=generator), "crystal"))
    return seeds


def rattled(snapshot: Snapshot, amount: float, *, generator: Generator) -> Snapshot:
    """Move every atom by Gaussian steps of ``amount`` times the largest rattle (0.25 Å)."""
    steps = generator.normal(scale=LARGEST_RATTLE * amount, size=snapshot.positions.shape)
    return Snapshot(snapshot.species, snapshot.positions + steps, snapshot.cell)


def strained(snapshot: Snapshot, size: float, *, generator: Generator) -> Snapshot:
    """Deform the cell by a random symmetric strain of this size, volume change included."""
    raw = generator.uniform(-size, size, size=(3, 3))
    return _deformed(snapshot, np.eye(3) + 0.5 * (raw + raw.T))


def scaled(snapshot: Snapshot, factor: float) -> Snapshot:
    """Scale all lengths by a factor."""
    return _deformed(snapshot, factor * np.eye(3))


def without_cluster(
    snapshot: Snapshot, cluster: tuple[str, ...], *, generator: Generator
) -> Snapshot:
    """Remove one atom of each listed element, chosen at random."""
    keep = np.ones(len(snapshot.species), dtype=bool)
    species = np.array(snapshot.species)
    for element in cluster:
        candidates = np.flatnonzero((species == element) & keep)
        keep[generator.choice(candidates)] = False
    return Snapshot(tuple(species[keep]), snapshot.positions[keep], snapshot.cell)


def packing_distances(crystals: list[Snapshot], elements: tuple[str, ...]) -> dict[str, float]:
    """Take 0.9 of each pair's shortest distance in the parent crystals as its contact distance."""
    shortest = shortest_distances(crystals, elements, cutoff=4.2)
    return {name: 0.9 * distance for name, distance in shortest.items()}


def packed(
    settings: MeltSettings, volume_per_atom: float, *, contacts: Mapping[str, float], seed: int
) -> Snapshot:
    """Pack atoms at random in a cube and push overlaps apart.

    Soft spheres, ``E = ½ Σ (d_ij - r_ij)²`` for ``r_ij < d_ij``, by steepest descent.
    """
    generator = np.random.default_rng(seed)
    species = tuple(
        element
        for element, count in settings.formula.items()
        for _ in range(count * settings.units)
    )
    edge = (volume_per_atom * len(species)) ** (1 / 3)
    positions = generator.uniform(0, edge, size=(len(species), 3))
    current = Snapshot(species, positions, edge * np.eye(3))
    for _ in range(400):
        push = _soft_forces(current, contacts)
        if np.abs(push).max() < 0.02:
            break
        current = Snapshot(species, current.positions + 0.25 * push, current.cell)
    return current


def _shaken(parent: Snapshot, amount: float, generator: Generator) -> Snapshot:
    deformed = strained(parent, LARGEST_STRAIN * amount, generator=generator)
    return rattled(deformed, amount, generator=generator)


def _soft_forces(snapshot: Snapshot, contacts: Mapping[str, float]) -> Array:
    reach = max(contacts.values())
    pairs = neighbour_pairs(snapshot, reach)
    both = dict(contacts) | {"-".join(reversed(name.split("-"))): d for name, d in contacts.items()}
    limit = np.array(
        [
            both[f"{snapshot.species[i]}-{snapshot.species[j]}"]
            for i, j in zip(pairs.first, pairs.second)
        ]
    )
    overlap = np.clip(limit - pairs.distances, 0, None)
    unit = pairs.vectors / np.maximum(pairs.distances, 1e-6)[:, None]
    push = np.zeros_like(snapshot.positions)
    np.add.at(push, pairs.first, -overlap[:, None] * unit)
    return push


def _deformed(snapshot: Snapshot, matrix: Array) -> Snapshot:
    return Snapshot(snapshot.species, snapshot.positions @ matrix, snapshot.cell @ matrix)
