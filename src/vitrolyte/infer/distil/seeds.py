"""Seeds of a training set: crystals strained, rattled, compressed, with defects; packings."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
from ase.spacegroup import crystal as build_crystal

from vitrolyte.data.trajectory import Trajectory
from vitrolyte.infer.distil.config import CrystalSettings, DistilSettings, TrialSettings
from vitrolyte.infer.distil.geometry import Array, Indices, from_atoms, neighbour_pairs
from vitrolyte.infer.distil.hops import along, company, hop
from vitrolyte.matter.catalogue import catalogue_crystal
from vitrolyte.matter.packing import packed
from vitrolyte.potentials.teacher import Snapshot

Generator = np.random.Generator
COMPRESSION = (0.78, 0.97)
LARGEST_RATTLE = 0.25
LARGEST_STRAIN = 0.06
ALMOST_AT_REST = 0.1
"""Rattle of copies that are there for their strain, over the largest one."""

HELD_A = 1.3
"""A hydrogen nearer than this to another element belongs to it, Å."""

STIFF = 0.3
"""Rattle of a held hydrogen against its holder, over that of other atoms."""

MOST_ATOMS = 64
"""Largest cell that a crystal is repeated to where no repeat is given."""

VOID_GRID = 10
START_VOLUME = 1.15
"""Room of a packing from which a trial starts, over the crystal's."""


class Seed(NamedTuple):
    """A snapshot to be labelled and the phase it stands for."""

    snapshot: Snapshot
    phase: str


def unit_cell(settings: CrystalSettings) -> Snapshot:
    """Build the conventional cell of a parent crystal, from its sites or from the catalogue."""
    if not settings.sites:
        return snapshot_of(catalogue_crystal(settings.name).structure)
    a = settings.a_A
    cell = settings.cell or (a, a, a, 90, 90, 90)
    unit = build_crystal(
        [site.element for site in settings.sites],
        [site.at for site in settings.sites],
        spacegroup=settings.spacegroup,
        cellpar=list(cell),
    )
    return from_atoms(unit)


def crystal(settings: CrystalSettings, repeat: tuple[int, int, int] | None = None) -> Snapshot:
    """Build a supercell of a parent crystal; the roundest of at most 64 atoms by default."""
    unit = unit_cell(settings)
    return repeated(unit, repeat or settings.repeat or roundest(unit))


def roundest(unit: Snapshot, most: int = MOST_ATOMS) -> tuple[int, int, int]:
    """Return the repeats of at most so many atoms whose cell holds the largest sphere."""
    best: tuple[int, int, int] = (1, 1, 1)
    width = 0.0
    few = range(1, 6)
    for counts in product(few, few, few):
        if np.prod(counts) * len(unit.species) <= most:
            cell = np.array(counts)[:, None] * unit.cell
            here = float(1 / np.linalg.norm(np.linalg.inv(cell), axis=0).max())
            if here > width + 1e-9:
                best, width = counts, here
    return best


def repeated(unit: Snapshot, counts: tuple[int, int, int]) -> Snapshot:
    """Repeat a cell along its vectors."""
    shifts = np.array(list(product(*map(range, counts)))) @ unit.cell
    positions = (shifts[:, None] + unit.positions[None]).reshape(-1, 3)
    return Snapshot(unit.species * len(shifts), positions, np.array(counts)[:, None] * unit.cell)


def snapshot_of(structure: Trajectory) -> Snapshot:
    """Take the last frame of a trajectory."""
    frame = structure.frame(-1).read()
    return Snapshot(structure.species, frame.positions[0], frame.cells[0])


class HeldHydrogen(NamedTuple):
    """Hydrogen atoms, the atoms that hold them, and the bonds from these to them, Å."""

    hydrogen: Indices
    holder: Indices
    bonds: Array


def held_hydrogen(snapshot: Snapshot) -> HeldHydrogen:
    """Find every hydrogen that sits on another element, each once, at its nearest one."""
    is_hydrogen = np.array([element == "H" for element in snapshot.species])
    if not is_hydrogen.any():
        nothing = np.empty(0, dtype=np.intp)
        return HeldHydrogen(nothing, nothing, np.empty((0, 3)))
    pairs = neighbour_pairs(snapshot, HELD_A)
    order = np.argsort(pairs.distances, kind="stable")
    order = order[is_hydrogen[pairs.second[order]] & ~is_hydrogen[pairs.first[order]]]
    hydrogen, nearest = np.unique(pairs.second[order], return_index=True)
    chosen = order[nearest]
    return HeldHydrogen(hydrogen, pairs.first[chosen], pairs.vectors[chosen])


def distorted(settings: CrystalSettings, generator: Generator) -> list[Seed]:
    """List the rattled, compressed and defective copies that a crystal's settings ask for.

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
    for amount in np.linspace(0.3, 1.0, settings.vacancy_cells if settings.vacancies else 0):
        poor = without_cluster(parent, settings.vacancies, generator=generator)
        seeds.append(Seed(rattled(poor, float(amount), generator=generator), "crystal"))
    for amount in np.linspace(0.3, 0.8, settings.interstitial_cells):
        moved = with_interstitial(parent, generator=generator)
        seeds.append(Seed(rattled(moved, float(amount), generator=generator), "crystal"))
    return seeds


def probed(settings: CrystalSettings, mobile: str, generator: Generator) -> list[Seed]:
    """List the nearly calm copies of a crystal that show its stiffness and its vacancy hops.

    Strained ones have ions almost at rest. In the others an ion of the mobile element is on its
    way into a neighbouring vacancy of a neutral cluster; crystals without such have none.
    """
    parent = crystal(settings)
    seeds = []
    for amount in np.linspace(0.15, 0.75, settings.strained):
        moved = strained(parent, LARGEST_STRAIN * float(amount), generator=generator)
        seeds.append(Seed(rattled(moved, ALMOST_AT_REST, generator=generator), "crystal"))
    if mobile not in settings.vacancies or not settings.hops:
        return seeds
    try:
        ends = hop(parent, mobile, company(settings.vacancies, mobile))
    except ValueError:
        return seeds
    for share, amount in zip(
        np.linspace(0.0, 1.0, settings.hops), np.linspace(0.2, 0.5, settings.hops)
    ):
        between = rattled(along(ends, float(share)), float(amount), generator=generator)
        seeds.append(Seed(between, "crystal"))
    return seeds


def rattled(snapshot: Snapshot, amount: float, *, generator: Generator) -> Snapshot:
    """Move every atom by Gaussian steps of ``amount`` times the largest rattle (0.25 Å).

    Held hydrogen goes with its holder, and by a smaller step against it.
    """
    steps = generator.normal(scale=LARGEST_RATTLE * amount, size=snapshot.positions.shape)
    held = held_hydrogen(snapshot)
    steps[held.hydrogen] = steps[held.holder] + STIFF * steps[held.hydrogen]
    return Snapshot(snapshot.species, snapshot.positions + steps, snapshot.cell)


def strained(snapshot: Snapshot, size: float, *, generator: Generator) -> Snapshot:
    """Deform the cell by a random symmetric strain of this size, volume change included."""
    raw = generator.uniform(-size, size, size=(3, 3))
    return deformed(snapshot, np.eye(3) + 0.5 * (raw + raw.T))


def scaled(snapshot: Snapshot, factor: float) -> Snapshot:
    """Scale all lengths by a factor, except between a hydrogen and what holds it."""
    found = deformed(snapshot, factor * np.eye(3))
    held = held_hydrogen(snapshot)
    found.positions[held.hydrogen] = found.positions[held.holder] + held.bonds
    return found


def deformed(snapshot: Snapshot, matrix: Array) -> Snapshot:
    """Deform cell and positions alike by a matrix that acts on row vectors from the right."""
    return Snapshot(snapshot.species, snapshot.positions @ matrix, snapshot.cell @ matrix)


def without_cluster(
    snapshot: Snapshot, cluster: tuple[str, ...], *, generator: Generator
) -> Snapshot:
    """Remove one atom of each listed element, chosen at random."""
    keep = np.ones(len(snapshot.species), dtype=bool)
    species = np.array(snapshot.species)
    for element in cluster:
        candidates = np.flatnonzero((species == element) & keep)
        keep[generator.choice(candidates)] = False
    return Snapshot(tuple(species[keep].tolist()), snapshot.positions[keep], snapshot.cell)


def with_interstitial(snapshot: Snapshot, *, generator: Generator) -> Snapshot:
    """Move one atom, chosen at random, into the largest void: a Frenkel pair."""
    positions = snapshot.positions.copy()
    positions[generator.integers(len(positions))] = largest_void(snapshot)
    return Snapshot(snapshot.species, positions, snapshot.cell)


def largest_void(snapshot: Snapshot) -> Array:
    """Return the point of a grid that is farthest from every atom, (3,), Å."""
    fractions = np.array(list(product(range(VOID_GRID), repeat=3))) / VOID_GRID + 0.5 / VOID_GRID
    images = np.array(list(product((-1, 0, 1), repeat=3))) @ snapshot.cell
    atoms = (snapshot.positions @ np.linalg.inv(snapshot.cell) % 1.0) @ snapshot.cell
    everywhere = (atoms[None] + images[:, None]).reshape(-1, 3)
    points = fractions @ snapshot.cell
    gaps = [float(np.linalg.norm(everywhere - point, axis=1).min()) for point in points]
    return np.asarray(points[int(np.argmax(gaps))])


def trial_start(trial: TrialSettings, settings: DistilSettings, seed: int) -> Snapshot:
    """Build what a trial begins from: a crystal, with vacancies where asked, or a packing."""
    if trial.composition:
        volume = START_VOLUME * packing_volume(settings, trial.composition)
        return packing(trial.composition, trial.atoms, volume, seed=seed)
    parent = settings.crystal(trial.crystal)
    generator = np.random.default_rng(seed)
    start = crystal(parent, trial.repeat)
    for _ in range(trial.vacancy_clusters if parent.vacancies else 0):
        start = without_cluster(start, parent.vacancies, generator=generator)
    return start


def packing(formula: str, atoms: int, volume_per_atom_A3: float, *, seed: int) -> Snapshot:
    """Pack about so many atoms of a composition at random in a cube."""
    return snapshot_of(
        packed(formula, atoms=atoms, seed=seed, volume_per_atom_A3=volume_per_atom_A3)
    )


def packing_volume(settings: DistilSettings, formula: str) -> float:
    """Return the volume per atom of a composition's tightest first packing, Å³."""
    for melt in settings.melts:
        if melt.formula == formula:
            return min(melt.volume_per_atom_A3)
    return min(settings.melts[0].volume_per_atom_A3)


def _shaken(parent: Snapshot, amount: float, generator: Generator) -> Snapshot:
    moved = strained(parent, LARGEST_STRAIN * amount, generator=generator)
    return rattled(moved, amount, generator=generator)
