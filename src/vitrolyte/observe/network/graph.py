"""A periodic graph: nodes, and edges that know into which image of the cell they lead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.observe.neighbours import Neighbours

Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes and edges under periodic boundaries, every edge seen from both ends.

    Entries ``starts[i]`` to ``starts[i + 1]`` are the edges of node i. Parallel edges and edges to
    a node's own image are allowed.

    Attributes
    ----------
    starts
        (n_nodes + 1,).
    others
        (n,), the node an edge leads to.
    shifts
        (n, 3), the image of the cell it leads to.
    reverse
        (n,), the same edge seen from its other end.
    through
        (n,), the atom in the middle of an edge that is a bridge, or -1.
    atoms
        (n_nodes,), the atom at each node.
    """

    starts: Integers
    others: Integers
    shifts: Integers
    reverse: Integers
    through: Integers
    atoms: Integers

    @property
    def owners(self) -> Integers:
        """Return the node that each entry belongs to, (n,)."""
        return np.repeat(np.arange(len(self.atoms)), np.diff(self.starts))


def _reverse(owners: Integers, others: Integers, shifts: Integers, through: Integers) -> Integers:
    """Return the opposite entry of each: the two orders of sorting put them side by side."""
    here = np.lexsort((through, *shifts.T, others, owners))
    there = np.lexsort((through, *(-shifts).T, owners, others))
    reverse = np.empty(len(owners), dtype=np.int64)
    reverse[here] = there
    return reverse


def _graph(
    owners: Integers, others: Integers, shifts: Integers, through: Integers, atoms: Integers
) -> Graph:
    """Return the graph of directed entries (both directions present) between numbered nodes."""
    order = np.argsort(owners, kind="stable")
    owners, others, shifts, through = owners[order], others[order], shifts[order], through[order]
    starts = np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=len(atoms)))])
    reverse = _reverse(owners, others, shifts, through)
    return Graph(starts.astype(np.int64), others, shifts, reverse, through, atoms)


def bond_graph(bonds: Neighbours, keep: Mask) -> Graph:
    """Return the graph whose nodes are the atoms of a mask and whose edges are their bonds."""
    numbers = np.cumsum(keep) - 1
    owners = bonds.owners
    use = keep[owners] & keep[bonds.others]
    return _graph(
        numbers[owners[use]],
        numbers[bonds.others[use]],
        bonds.shifts[use],
        np.full(int(use.sum()), -1, dtype=np.int64),
        np.flatnonzero(keep),
    )


def bridge_graph(bonds: Neighbours, formers: Mask) -> Graph:
    """Return the graph of formers: an edge for every pair of formers that shares a ligand.

    Direct bonds of formers are edges too. A ligand between three formers gives three edges.
    """
    numbers = np.cumsum(formers) - 1
    owners = bonds.owners
    direct = formers[owners] & formers[bonds.others]
    first, second = _entries_that_meet(bonds, formers)
    whole = [
        np.concatenate([owners[direct], bonds.others[first]]),
        np.concatenate([bonds.others[direct], bonds.others[second]]),
        np.concatenate([bonds.shifts[direct], bonds.shifts[second] - bonds.shifts[first]]),
        np.concatenate([np.full(int(direct.sum()), -1, dtype=np.int64), owners[first]]),
    ]
    return _graph(numbers[whole[0]], numbers[whole[1]], whole[2], whole[3], np.flatnonzero(formers))


def _entries_that_meet(bonds: Neighbours, formers: Mask) -> tuple[Integers, Integers]:
    """Return the ordered pairs of different bonds that a ligand has to formers."""
    from_ligand = np.flatnonzero(~formers[bonds.owners] & formers[bonds.others])
    ligand = bonds.owners[from_ligand]
    many = np.bincount(ligand, minlength=len(formers))
    begin = np.concatenate([[0], np.cumsum(many)])
    repeats = many[ligand]
    first = np.repeat(from_ligand, repeats)
    place = np.arange(len(first)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    second = from_ligand[begin[np.repeat(ligand, repeats)] + place]
    different = first != second
    return first[different], second[different]


def ligand_counts(bonds: Neighbours, formers: Mask) -> Integers:
    """Return the number of formers that each atom is bonded to, (n_atoms,)."""
    return np.bincount(bonds.owners[formers[bonds.others]], minlength=len(formers)).astype(np.int64)
