"""Rings of one frame: primitive, King's and Guttman's, with the atoms of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.observe.network import ring_kernels as kernels
from vitrolyte.observe.network.graph import Graph, Integers

Criterion = Literal["primitive", "king", "guttman"]

_MOST_DISTANCES = 30_000_000
_FIRST_ROOM = 2048


@dataclass(frozen=True, eq=False)
class RingList:
    """The rings of one graph.

    Attributes
    ----------
    graph
        Where they were found.
    sizes
        (n,), number of nodes of each.
    entries
        (n, most), entries of the graph that lead round each, filled up with -1.
    """

    graph: Graph
    sizes: Integers
    entries: Integers

    def nodes(self, size: int) -> Integers:
        """Return the nodes of all rings of one size in order, (n, size)."""
        return np.asarray(self.graph.owners[self.entries[self.sizes == size, :size]])

    def path(self, ring: int) -> Integers:
        """Return the entries that lead round one ring, (size,)."""
        return np.asarray(self.entries[ring, : self.sizes[ring]])

    def atoms(self, ring: int) -> tuple[int, ...]:
        """Return the atoms of one ring in order, those on its bridges among them."""
        path = self.path(ring)
        pairs = zip(
            self.graph.atoms[self.graph.owners[path]], self.graph.through[path], strict=True
        )
        return tuple(int(atom) for pair in pairs for atom in pair if atom >= 0)


def search_rings(
    graph: Graph, most: int, criterion: Criterion, roots: NDArray[np.bool_] | None = None
) -> RingList:
    """Return the rings of a graph of at most so many nodes, each once.

    Parameters
    ----------
    graph
        Periodic; rings are closed in space, a path that wraps round the cell is none.
    most
        Most nodes of a ring.
    criterion
        See `rings.RingSettings`.
    roots
        (n_nodes,), the nodes that King's and Guttman's searches start from; all by default.

    Raises
    ------
    InputError
        If the distances needed would not fit into memory.
    """
    reach = int(np.abs(graph.shifts).max(initial=0))
    bound = max(1, reach * (most // 2 if criterion == "primitive" else most))
    if criterion == "primitive":
        return _primitive(graph, most, bound)
    use = np.ones(len(graph.atoms), dtype=bool) if roots is None else roots
    return _shortest(graph, most, criterion == "king", use, bound)


def _primitive(graph: Graph, most: int, bound: int) -> RingList:
    keys, distances = _distances(graph, most // 2, bound)
    room = 64 * len(graph.atoms) + 64
    while True:
        out, sizes = np.full((room, most), -1, dtype=np.int64), np.zeros(room, dtype=np.int64)
        found = kernels.primitive(
            graph.starts, graph.others, graph.shifts, graph.reverse,
            most, bound, keys, distances, out, sizes,
        )  # fmt: skip
        if found <= room:
            return RingList(graph, sizes[:found], out[:found])
        room = found


def _distances(graph: Graph, radius: int, bound: int) -> tuple[Integers, NDArray[np.int8]]:
    """Return the hash table of all distances up to a radius."""
    none, nothing = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int8)
    room, total = _FIRST_ROOM, kernels.OVERFLOW
    edges = (graph.starts, graph.others, graph.shifts)
    while total == kernels.OVERFLOW:
        room *= 2
        total = kernels.balls(*edges, radius, bound, room, none, nothing)
    if total > _MOST_DISTANCES:
        raise InputError(
            f"Primitive rings are found from at most {_MOST_DISTANCES:.0e} distances in memory",
            received=f"{total:.2e} within {radius} steps of each node",
            remedy="ask for smaller rings",
        )
    length = 1 << int(2 * total).bit_length()
    keys, distances = np.full(length, -1, dtype=np.int64), np.zeros(length, dtype=np.int8)
    kernels.balls(*edges, radius, bound, room, keys, distances)
    return keys, distances


def _shortest(
    graph: Graph, most: int, king: bool, roots: NDArray[np.bool_], bound: int
) -> RingList:
    lines, room = 64 * len(graph.atoms) + 64, _FIRST_ROOM
    while True:
        out, sizes = np.full((lines, most), -1, dtype=np.int64), np.zeros(lines, dtype=np.int64)
        found = kernels.shortest(
            graph.starts, graph.others, graph.shifts, graph.reverse,
            roots, most, king, bound, room, out, sizes,
        )  # fmt: skip
        if found == kernels.OVERFLOW:
            room *= 2
        elif found > lines:
            lines = found
        else:
            break
    if not found:
        return RingList(graph, sizes[:0], out[:0])
    once = np.unique(out[:found], axis=0)
    return RingList(graph, (once >= 0).sum(axis=1).astype(np.int64), once)
