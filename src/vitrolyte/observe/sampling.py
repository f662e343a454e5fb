"""Frames drawn evenly from a trajectory, with atoms sorted by species for the hot loops."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.matter.composition import formal_charges, parse_formula

Floats = NDArray[np.float64]
_BLOCKS_OF_TIME = 60
# Coordinates that are read from a store at once, 64 MB.
_NUMBERS_AT_ONCE = 8_000_000


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One frame as the hot loops want it.

    Attributes
    ----------
    block
        Which of the equal blocks of time it belongs to.
    time
        ps.
    cell
        (3, 3), Å.
    fractional
        (3, n_atoms), atoms sorted by species, not wrapped.
    """

    block: int
    time: float
    cell: Floats
    fractional: Floats


@dataclass(frozen=True, eq=False)
class Sampling:
    """Which frames of a trajectory are looked at and how its atoms are sorted.

    Attributes
    ----------
    trajectory
        What is sampled.
    chosen
        Indices of the frames, evenly spread.
    elements
        Species in the order of the sort: cations first where formal charges are known.
    order
        (n_atoms,), index of the atom at each sorted place.
    starts
        (n_species + 1,), where each species starts among the sorted atoms.
    """

    trajectory: Trajectory
    chosen: NDArray[np.intp]
    elements: tuple[str, ...]
    order: NDArray[np.intp]
    starts: NDArray[np.int64]

    @property
    def n_blocks(self) -> int:
        """Return the number of blocks of time into which sums are kept apart."""
        return min(len(self.chosen), _BLOCKS_OF_TIME)

    @property
    def counts(self) -> NDArray[np.int64]:
        """Return the number of atoms of each species."""
        return np.diff(self.starts)

    @property
    def fractions(self) -> Floats:
        """Return the atomic fraction of each species."""
        return np.asarray(self.counts / self.trajectory.n_atoms, dtype=float)

    @property
    def cells(self) -> Floats:
        """Return the cells of the chosen frames, (n, 3, 3), Å."""
        return self.trajectory.cells[self.chosen]

    def __iter__(self) -> Iterator[Snapshot]:
        n = len(self.chosen)
        for number, (index, positions) in enumerate(self._read()):
            cell = np.ascontiguousarray(self.trajectory.cells[index])
            fractional = positions[self.order] @ np.linalg.inv(cell)
            yield Snapshot(
                block=number * self.n_blocks // n,
                time=float(self.trajectory.times[index]),
                cell=cell,
                fractional=np.ascontiguousarray(fractional.T),
            )

    def _read(self) -> Iterator[tuple[int, Floats]]:
        """Yield the index and the positions of each chosen frame.

        A chunk of a store is unpacked as a whole, so all frames wanted of it are read at once, as
        far as they fit into a bounded memory; an array in memory is read frame by frame.
        """
        stored = getattr(self.trajectory.positions, "chunks", None) or (1,)
        most = max(1, min(int(stored[0]), _NUMBERS_AT_ONCE // max(1, 3 * self.trajectory.n_atoms)))
        for group in np.split(self.chosen, np.flatnonzero(np.diff(self.chosen // most)) + 1):
            start, stop = int(group[0]), int(group[-1]) + 1
            block = np.asarray(self.trajectory.positions[start:stop], dtype=float)
            for index in group:
                yield int(index), block[int(index) - start]


def sample(trajectory: Trajectory, max_frames: int | None = None) -> Sampling:
    """Return an even choice of at most ``max_frames`` frames (None: all).

    Raises
    ------
    InputError
        If the trajectory holds no frame or none is asked for.
    """
    n = trajectory.n_frames
    if n == 0 or (max_frames is not None and max_frames < 1):
        raise InputError(
            "An analysis needs at least one frame",
            received=f"{n} frames, at most {max_frames} asked for",
        )
    wanted = n if max_frames is None else min(n, max_frames)
    chosen = np.unique(np.linspace(0, n - 1, wanted).round().astype(np.intp))
    elements = ordered_elements(trajectory.species)
    rank = np.array([elements.index(symbol) for symbol in trajectory.species])
    starts = np.concatenate([[0], np.cumsum(np.bincount(rank, minlength=len(elements)))])
    return Sampling(
        trajectory, chosen, elements, np.argsort(rank, kind="stable"), starts.astype(np.int64)
    )


def ionic_charges(species: tuple[str, ...]) -> dict[str, int]:
    """Return the formal charges of the elements, or zeros where no neutral choice is known."""
    elements = tuple(dict.fromkeys(species))
    formula = "".join(f"{element}{species.count(element)}" for element in elements)
    try:
        return formal_charges(parse_formula(formula))
    except InputError:
        return dict.fromkeys(elements, 0)


def ordered_elements(species: tuple[str, ...]) -> tuple[str, ...]:
    """Return the elements in order of falling formal charge, then of first appearance."""
    charges = ionic_charges(species)
    return tuple(sorted(charges, key=lambda element: -charges[element]))
