"""Molecules that stay together: who is in them, from when to when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from vitrolyte.data.elements import atomic_number
from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.neighbours import Neighbours, neighbours
from vitrolyte.observe.rotation.bonds import Bonds, RotorSearch, covalent_bonds, molecule_name

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_CLOSING_A = 0.3
_MENDED_LOOKS = 2
"""A molecule that is gone for no more looks than this and comes back has not broken."""


@dataclass(frozen=True)
class Life:
    """One molecule from its first frame to the frame after its last.

    Attributes
    ----------
    name
        Formula.
    atoms
        The root first, the atom with most bonds (of several, the heaviest); indices in the
        trajectory.
    parents
        For each atom, the place in ``atoms`` of the one through which it hangs on the root; -1
        for the root.
    bonds
        Pairs of places in ``atoms``, from the root outwards.
    first, stop
        Frames ``first <= i < stop``.
    """

    name: str
    atoms: tuple[int, ...]
    parents: tuple[int, ...]
    bonds: tuple[tuple[int, int], ...]
    first: int
    stop: int

    @property
    def frames(self) -> int:
        """Return how many frames it lasts."""
        return self.stop - self.first


@dataclass(frozen=True, eq=False)
class Rotors:
    """The molecules of one trajectory that can be followed.

    Attributes
    ----------
    trajectory
        Where they were found.
    bonds
        How they were found.
    lives
        Those that last long enough, in the order of their first frame.
    short_lives
        How many lasted too short, by formula.
    broken
        How many of those that were there in the first frame did not last to the end, by formula.
    starting
        How many were there in the first frame, by formula.
    """

    trajectory: Trajectory
    bonds: Bonds
    lives: tuple[Life, ...]
    short_lives: dict[str, int]
    broken: dict[str, int]
    starting: dict[str, int]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the sorts of rotors, the most abundant first."""
        return tuple(name for name, _ in Counter(life.name for life in self.lives).most_common())

    def of(self, name: str) -> tuple[Life, ...]:
        """Return the lives of one sort of rotor."""
        return tuple(life for life in self.lives if life.name == name)

    def note(self, name: str) -> str:
        """Return how many rotors there are, and how many broke."""
        start, broken = self.starting.get(name, 0), self.broken.get(name, 0)
        said = f"{start} {name} at the start, {broken} broken or changed partners in the run"
        short = self.short_lives.get(name, 0)
        return said + (f", {short} too short-lived to count" if short else "")


def find_rotors(trajectory: Trajectory, search: RotorSearch | None = None) -> Rotors:
    """Return the molecules that stay together, found by their bonds in a thousand frames.

    A molecule is a set of atoms connected by covalent bonds that ends within one cell. A bond
    forms within the cut-off of its pair and breaks beyond 1.2 times that, or where the molecule
    gains an atom. The same atoms together again after more than two looks are a new life.

    Parameters
    ----------
    trajectory
        Streamed once.
    search
        What is looked for.

    Raises
    ------
    InputError
        If there is no such molecule.
    """
    search = search or RotorSearch()
    bonds = covalent_bonds(trajectory, search)
    found = _Lives(trajectory, bonds, search)
    for frame, positions, cell in _frames(trajectory, search.looks):
        found.follow(frame, positions, cell)
    rotors = found.rotors()
    if not rotors.lives:
        raise InputError(
            f"There must be molecules {search.rotor or 'of any sort'} that stay together for "
            f"{search.least_life:g} of the run",
            received=f"{_said(rotors.short_lives) or 'none'}, with {bonds.method}",
            remedy="give the rotor, cut_offs, or a smaller least_life",
        )
    return rotors


def _said(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} short-lived {name}" for name, number in counts.items())


def _frames(trajectory: Trajectory, looks: int) -> Iterator[tuple[int, Floats, Floats]]:
    """Yield number, positions and cell of some frames, the first and the last among them."""
    n = trajectory.n_frames
    chosen = set(np.linspace(0, n - 1, min(n, looks)).round().astype(int).tolist())
    for block in trajectory.blocks():
        for k in range(len(block.times)):
            if block.start + k in chosen:
                yield block.start + k, block.positions[k], block.cells[k]


class _Lives:
    """The molecules seen so far, followed from frame to frame."""

    def __init__(self, trajectory: Trajectory, bonds: Bonds, search: RotorSearch) -> None:
        self.trajectory, self.bonds, self.search = trajectory, bonds, search
        kinds = np.array([bonds.elements.index(s) for s in trajectory.species], dtype=np.int64)
        self.atoms = np.flatnonzero(np.asarray(bonds.reach.max(axis=1) > 0)[kinds])
        self.kinds = kinds[self.atoms]
        self.pairs: Integers = np.empty(0, dtype=np.int64)
        self.present: dict[tuple[int, ...], Life] = {}
        self.gone: dict[tuple[int, ...], tuple[int, int]] = {}
        self.looks, self.frame = -1, -1
        self.current: list[tuple[int, ...]] = []
        self.ended: list[Life] = []

    def follow(self, frame: int, positions: Floats, cell: Floats) -> None:
        """Take in one more frame."""
        self.looks += 1
        reach = self.bonds.reach * self.search.loosening
        found = neighbours(np.ascontiguousarray(positions[self.atoms]), cell, self.kinds, reach)
        found = self._bonded(found)
        pairs = _pairs(found)
        if frame == 0 or not np.array_equal(pairs, self.pairs):
            self.pairs = pairs
            self._census(frame, found)
        self.frame = frame

    def _bonded(self, found: Neighbours) -> Neighbours:
        """Keep what is within the cut-off, or within the longer one and was bonded before."""
        owners = found.owners
        ends = self.bonds.reach[self.kinds[owners], self.kinds[found.others]]
        near = np.asarray(found.distances <= ends)
        if not near.all():
            numbers = _numbers(owners, found.others, len(self.atoms))
            near = near | np.isin(numbers, self.pairs)
        return found.kept(np.asarray(near))

    def _census(self, frame: int, found: Neighbours) -> None:
        """Compare the molecules of a frame with those before."""
        before = set(self.current)
        links = coo_array(
            (np.ones(len(found.others), dtype=bool), (found.owners, found.others)),
            shape=(len(self.atoms),) * 2,
        )
        labels = connected_components(links, directed=False)[1]
        self.current = []
        for places in _groups(labels):
            if 2 <= len(places) <= self.search.most_atoms and self._is_wanted(places):
                self._meet(frame, places, found)
        for gone in before - set(self.current):
            self.gone[gone] = (self.looks, self.frame + 1)

    def _is_wanted(self, places: Integers) -> bool:
        wanted = self.search.wanted
        return not wanted or wanted == self._amounts(places)

    def _amounts(self, places: Integers) -> dict[str, int]:
        return dict(Counter(self.trajectory.species[a] for a in self.atoms[places]))

    def _meet(self, frame: int, places: Integers, found: Neighbours) -> None:
        key = tuple(int(a) for a in self.atoms[places])
        if key in self.present:
            look, stop = self.gone.get(key, (self.looks, frame))
            if self.looks - look <= _MENDED_LOOKS:
                self.gone.pop(key, None)
                self.current.append(key)
                return
            self._end(key, stop)
        weights = [atomic_number(self.trajectory.species[a]) for a in self.atoms[places]]
        root = int(max(zip(found.counts[places], weights, -places))[2]) * -1
        order, parents, bonds = _tree(root, found)
        if not order:
            return
        name = molecule_name(self._amounts(places))
        atoms = tuple(int(self.atoms[place]) for place in order)
        self.present[key] = Life(name, atoms, parents, bonds, frame, frame)
        self.current.append(key)

    def _end(self, key: tuple[int, ...], stop: int) -> None:
        life = self.present.pop(key)
        self.gone.pop(key, None)
        self.ended.append(Life(life.name, life.atoms, life.parents, life.bonds, life.first, stop))

    def rotors(self) -> Rotors:
        """Return the lives, once all frames were followed."""
        n = self.trajectory.n_frames
        for key in tuple(self.present):
            self._end(key, self.gone.get(key, (0, n))[1])
        least = max(2, round(self.search.least_life * n))
        ordered = sorted(self.ended, key=lambda life: (life.first, life.atoms))
        starting = [life for life in ordered if life.first == 0]
        return Rotors(
            self.trajectory,
            self.bonds,
            tuple(life for life in ordered if life.frames >= min(least, n)),
            dict(Counter(life.name for life in ordered if life.frames < min(least, n))),
            dict(Counter(life.name for life in starting if life.stop < n)),
            dict(Counter(life.name for life in starting)),
        )


def _numbers(first: Integers, second: Integers, n_atoms: int) -> Integers:
    return np.asarray(first * n_atoms + second, dtype=np.int64)


def _pairs(found: Neighbours) -> Integers:
    return np.sort(_numbers(found.owners, found.others, len(found.counts)))


def _groups(labels: NDArray[np.int32]) -> list[Integers]:
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)


def _tree(
    root: int, found: Neighbours
) -> tuple[list[int], tuple[int, ...], tuple[tuple[int, int], ...]]:
    """Return atoms, parents and bonds of a molecule, walked from its root.

    Empty where the walk meets an image of an atom that it has been to: a network.
    """
    order, parents = [root], [-1]
    where = {root: np.zeros(3)}
    bonds: list[tuple[int, int]] = []
    for number, atom in enumerate(order):
        part = found.of(atom)
        for other, vector in zip(found.others[part].tolist(), found.vectors[part]):
            if other not in where:
                where[other] = where[atom] + vector
                order.append(other)
                parents.append(number)
            elif np.linalg.norm(where[atom] + vector - where[other]) > _CLOSING_A:
                return [], (), ()
            if order.index(other) > number:
                bonds.append((number, order.index(other)))
    return order, tuple(parents), tuple(bonds)
