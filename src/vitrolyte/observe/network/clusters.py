"""Clusters of a network: their sizes, how far they reach and whether they percolate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.neighbours import Neighbours
from vitrolyte.observe.network.bonds import Bonding, Network, bonding
from vitrolyte.observe.network.components import Components, components
from vitrolyte.observe.network.graph import bridge_graph
from vitrolyte.observe.network.series import counted_curve, over_frames

CITATIONS = ("10.1201/9781315274386",)  # Stauffer & Aharony, Introduction to Percolation Theory

_SIZE = Axis("formers in a cluster", "")
_NUMBER = Axis("clusters per frame", "")
_DIRECTIONS = ("a", "b", "c")


@dataclass(frozen=True, eq=False)
class Clusters(Result):
    """What hangs together.

    Attributes
    ----------
    network
        Formers and ligands in words: ``Zr-O/Cl``.
    sizes
        Mean number of clusters by their number of formers.
    mean_size
        Mean number of formers in the cluster of a former (the weight average). A cluster without
        end counts the formers of one cell.
    largest
        Share of the formers in the largest cluster.
    percolation
        Share of the frames in which a cluster leads to its own image along ``a``, ``b``, ``c``,
        along any of them, along all of them.
    dimensions
        Share of the formers in clusters that end (``0D``) and in chains, sheets and frameworks
        without end (``1D``, ``2D``, ``3D``).
    cut_offs
        Å by pair.
    method
        How it was found, in words.
    """

    network: str
    sizes: CurveSet
    mean_size: Quantity
    largest: Quantity
    percolation: Mapping[str, Quantity]
    dimensions: Mapping[str, Quantity]
    cut_offs: Mapping[str, float]
    method: str

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return sizes, percolation by direction and dimensionality."""
        rows = [
            computed(sample, "cluster_size", self.mean_size, of=self.network, method=self.method),
            computed(
                sample,
                "largest_cluster_fraction",
                self.largest,
                of=self.network,
                method=self.method,
            ),
        ]
        listed = (
            ("percolation_fraction", "along ", self.percolation),
            ("network_dimensionality_fraction", "", self.dimensions),
        )
        for word, along, numbers in listed:
            for name, number in numbers.items():
                of = f"{self.network} {along}{name}"
                rows.append(computed(sample, word, number, of=of, method=self.method))
        return tuple(rows)


def clusters(trajectory: Trajectory, network: Network | None = None) -> Clusters:
    """Return the clusters of a network, averaged over frames.

    Two formers belong together where a ligand joins them (or a bond, where there are no ligands).
    A cluster percolates along a cell vector where it leads to its own image that way; touching
    opposite faces is not enough.

    Parameters
    ----------
    trajectory
        Streamed; any cell.
    network
        ``Network(("Zr",), ("O", "Cl"))`` for a polyanion, ``Network(("Li",))`` for the network of
        one species.

    Raises
    ------
    InputError
        If the network has no former or no cut-off can be found.

    References
    ----------
    Stauffer & Aharony, Introduction to Percolation Theory, 2nd ed., Taylor & Francis 1994,
    doi:10.1201/9781315274386.
    """
    bonds = bonding(trajectory, network or Network())
    found = [_parts(bonds, frame) for _, frame in bonds]
    return Clusters(
        network=bonds.name,
        sizes=CurveSet("Cluster sizes", (_size_curve(found),), log_x=True, points=("clusters",)),
        mean_size=over_frames([_weight_average(parts.pieces) for parts in found], "1"),
        largest=over_frames([parts.pieces.max() / parts.pieces.sum() for parts in found], "1"),
        percolation=_percolation(np.array([parts.spans.any(axis=0) for parts in found])),
        dimensions={
            f"{d}D": over_frames([_share_of_dimension(parts, d) for parts in found], "1")
            for d in range(4)
        },
        cut_offs=bonds.cut_offs,
        method=bonds.method,
    )


def _parts(bonds: Bonding, frame: Neighbours) -> Components:
    return components(bridge_graph(frame, bonds.of(bonds.formers)))


def _weight_average(sizes: NDArray[np.int64]) -> float:
    return float((sizes**2).sum() / sizes.sum())


def _share_of_dimension(parts: Components, dimension: int) -> float:
    return float(parts.sizes[parts.dimensions == dimension].sum() / parts.sizes.sum())


def _percolation(spans: NDArray[np.bool_]) -> dict[str, Quantity]:
    found = {name: over_frames(spans[:, k], "1") for k, name in enumerate(_DIRECTIONS)}
    found["any"] = over_frames(spans.any(axis=1), "1")
    found["all"] = over_frames(spans.all(axis=1), "1")
    return found


def _size_curve(found: list[Components]) -> Curve:
    largest = max(int(parts.pieces.max()) for parts in found)
    counts = np.array([np.bincount(parts.pieces, minlength=largest + 1) for parts in found])
    present = np.flatnonzero(counts.any(axis=0))
    numbers = {int(size): over_frames(counts[:, size], "1") for size in present}
    return counted_curve(numbers, _SIZE, _NUMBER, "clusters")
