"""Chain lengths: the unbranched pieces of a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, CurveSet
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.neighbours import Neighbours
from vitrolyte.observe.network.bonds import Bonding, Network, bonding
from vitrolyte.observe.network.components import components
from vitrolyte.observe.network.graph import Graph, bridge_graph
from vitrolyte.observe.network.series import counted_curve, over_frames

_SIZE = Axis("formers in a chain", "")
_NUMBER = Axis("chains per frame", "")


@dataclass(frozen=True, eq=False)
class Chains(Result):
    """Unbranched pieces of a network.

    Attributes
    ----------
    network
        Formers and ligands in words: ``P-S``.
    lengths
        Mean number of open chains by their number of formers.
    mean_length
        Mean number of formers of an open chain (the number average).
    shares
        Share of the formers in open chains (``chain``; a lone former is a chain of one), in
        closed loops (``loop``), in unbranched pieces that lead to their own image (``endless``),
        and at branches (``branch``: joined to three formers or more).
    cut_offs
        Å by pair.
    method
        How it was found, in words.
    """

    network: str
    lengths: CurveSet
    mean_length: Quantity
    shares: Mapping[str, Quantity]
    cut_offs: Mapping[str, float]
    method: str

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the mean length and the shares of chains, loops and branches."""
        mean = computed(
            sample, "chain_length", self.mean_length, of=self.network, method=self.method
        )
        rows = [
            computed(
                sample,
                "structural_unit_fraction",
                share,
                of=f"{self.network} {name}",
                method=self.method,
            )
            for name, share in self.shares.items()
        ]
        return (mean, *rows)


def chains(trajectory: Trajectory, network: Network | None = None) -> Chains:
    """Return the chain lengths of a network, averaged over frames.

    Formers joined to three others or more are branches and are taken out; what is left falls into
    open chains and closed loops. Edge-sharing neighbours (two bridges) count once.

    Parameters
    ----------
    trajectory
        Streamed; any cell.
    network
        Formers, ligands and cut-offs.

    Raises
    ------
    InputError
        If the network has no former or no cut-off can be found.
    """
    bonds = bonding(trajectory, network or Network())
    found = [_pieces(bonds, frame) for _, frame in bonds]
    longest = max(int(pieces.chains.max(initial=1)) for pieces in found)
    counts = np.array([np.bincount(pieces.chains, minlength=longest + 1) for pieces in found])
    numbers = {int(n): over_frames(counts[:, n], "1") for n in np.flatnonzero(counts.any(axis=0))}
    some = counts.any(axis=1)
    means = counts[some] @ np.arange(longest + 1) / counts[some].sum(axis=1)
    curves = (counted_curve(numbers, _SIZE, _NUMBER, "chains"),) if numbers else ()
    return Chains(
        network=bonds.name,
        lengths=CurveSet("Chain lengths", curves, points=("chains",)),
        mean_length=over_frames(means, "1")
        if some.any()
        else Quantity.refused("1", "no open chain was found"),
        shares={
            name: over_frames([pieces.shares[name] for pieces in found], "1")
            for name in ("chain", "loop", "endless", "branch")
        },
        cut_offs=bonds.cut_offs,
        method=f"pieces between branches of {'/'.join(bonds.formers)}, {bonds.method}",
    )


@dataclass(frozen=True, eq=False)
class _Pieces:
    """Lengths of the open chains of a frame, and the share of formers in each kind of piece."""

    chains: NDArray[np.int64]
    shares: Mapping[str, float]


def _pieces(bonds: Bonding, frame: Neighbours) -> _Pieces:
    graph = bridge_graph(frame, bonds.of(bonds.formers))
    line = neighbour_counts(graph) <= 2
    parts = components(graph, line)
    inner = neighbour_counts(graph, line)
    ends = np.bincount(parts.labels[line], weights=(inner < 2)[line], minlength=len(parts.sizes))
    endless = parts.dimensions > 0
    loop = ~endless & (ends == 0)
    chain = ~endless & ~loop
    n = len(graph.atoms)
    return _Pieces(
        parts.sizes[chain],
        {
            "chain": float(parts.sizes[chain].sum() / n),
            "loop": float(parts.sizes[loop].sum() / n),
            "endless": float(parts.sizes[endless].sum() / n),
            "branch": float((~line).sum() / n),
        },
    )


def neighbour_counts(graph: Graph, keep: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
    """Return how many different nodes (images apart) each node is joined to, (n_nodes,).

    Parameters
    ----------
    graph
        Periodic.
    keep
        (n_nodes,), joins to other nodes do not count.
    """
    links = np.column_stack([graph.owners, graph.others, graph.shifts])
    if keep is not None:
        links = links[keep[graph.owners] & keep[graph.others]]
    once = np.unique(links, axis=0)
    return np.bincount(once[:, 0], minlength=len(graph.atoms)).astype(np.int64)
