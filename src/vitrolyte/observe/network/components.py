"""What hangs together in a periodic graph, and along which directions it has no end."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numba import njit

from vitrolyte.observe.network.graph import Graph, Integers, Mask


@dataclass(frozen=True, eq=False)
class Components:
    """The connected parts of a graph.

    Attributes
    ----------
    labels
        (n_nodes,), number of the part of each node; -1 for nodes left out.
    sizes
        (n_parts,), nodes in each.
    dimensions
        (n_parts,), 0 for a part that ends, 1 to 3 for chains, sheets and frameworks without end.
    copies
        (n_parts,), how many separate pieces a part stands for: 2 for two interpenetrating nets
        that a cell vector maps onto each other, as in cuprite.
    spans
        (n_parts, 3), whether the part leads to its own image along each cell vector.
    """

    labels: Integers
    sizes: Integers
    dimensions: Integers
    copies: Integers
    spans: Mask

    @property
    def pieces(self) -> Integers:
        """Return the nodes of each separate piece in one cell, (n_pieces,)."""
        return np.asarray(np.repeat(self.sizes // self.copies, self.copies))


def components(graph: Graph, keep: Mask | None = None) -> Components:
    """Return the connected parts of a graph, or of the part of it that a mask keeps.

    Each node gets the image in which a walk from the first node of its part meets it. An edge that
    contradicts these images is the end of a walk that led to another image of where it began: the
    part has no end that way, and the number of independent such walks is its dimension. A part
    that only touches two faces of the cell has none.
    """
    use = np.ones(len(graph.atoms), dtype=bool) if keep is None else keep
    labels, images = _walk(graph.starts, graph.others, graph.shifts, use)
    sizes = np.bincount(labels[use], minlength=0).astype(np.int64)
    owners = graph.owners
    inside = use[owners] & use[graph.others]
    closing = (images[owners] + graph.shifts - images[graph.others])[inside]
    open_ends = closing.any(axis=1)
    wraps = np.column_stack([labels[owners[inside][open_ends]], closing[open_ends]])
    dimensions, copies = np.zeros(len(sizes), np.int64), np.ones(len(sizes), np.int64)
    spans = np.zeros((len(sizes), 3), bool)
    different = np.unique(wraps, axis=0) if len(wraps) else wraps
    for label in np.unique(different[:, 0]):
        basis = reduced(different[different[:, 0] == label, 1:])
        dimensions[label], copies[label] = len(basis), _index(basis)
        spans[label] = basis.any(axis=0)
    return Components(labels, sizes, dimensions, copies, spans)


def reduced(vectors: Integers) -> Integers:
    """Return a basis of the lattice that whole-number vectors span, (rank, 3), by Euclid's steps.

    Parameters
    ----------
    vectors
        (n, 3).
    """
    rows, basis = vectors.copy(), []
    for column in range(3):
        while np.count_nonzero(rows[:, column]) > 1:
            used = np.flatnonzero(rows[:, column])
            pivot = used[np.abs(rows[used, column]).argmin()]
            factors = rows[:, column] // rows[pivot, column]
            factors[pivot] = 0
            rows = rows - factors[:, None] * rows[pivot]
        for row in np.flatnonzero(rows[:, column]):
            basis.append(rows[row].copy())
            rows[row] = 0
    return np.array(basis, dtype=np.int64).reshape(-1, 3)


def _index(basis: Integers) -> int:
    """Return how many times sparser a lattice is than all whole vectors of the space it spans."""
    rank = len(basis)
    minors = [
        round(float(np.linalg.det(basis[:, list(columns)].astype(float))))
        for columns in combinations(range(3), rank)
    ]
    return int(np.gcd.reduce(np.abs(np.array(minors, dtype=np.int64))))


@njit(cache=True, nogil=True)
def _walk(
    starts: Integers, others: Integers, shifts: Integers, use: Mask
) -> tuple[Integers, Integers]:
    """Return the part of each node and the image in which a walk meets it. Hot loop."""
    n = len(starts) - 1
    labels = np.full(n, -1, dtype=np.int64)
    images = np.zeros((n, 3), dtype=np.int64)
    queue = np.empty(n, dtype=np.int64)
    parts = 0
    for first in range(n):
        if not use[first] or labels[first] >= 0:
            continue
        labels[first] = parts
        queue[0] = first
        count, at = 1, 0
        while at < count:
            node = queue[at]
            at += 1
            for e in range(starts[node], starts[node + 1]):
                other = others[e]
                if use[other] and labels[other] < 0:
                    labels[other] = parts
                    for axis in range(3):
                        images[other, axis] = images[node, axis] + shifts[e, axis]
                    queue[count] = other
                    count += 1
        parts += 1
    return labels, images
