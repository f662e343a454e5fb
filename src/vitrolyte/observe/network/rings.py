"""Ring statistics of a network, by three definitions, with the atoms of each ring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.neighbours import Neighbours
from vitrolyte.observe.network.bonds import Bonding, Network, bonding
from vitrolyte.observe.network.graph import Mask, bond_graph, bridge_graph, ligand_counts
from vitrolyte.observe.network.ring_search import Criterion, RingList, search_rings
from vitrolyte.observe.network.series import counted_curve, over_frames

CITATIONS = (
    "10.1016/j.commatsci.2010.04.023",  # Le Roux & Jund 2010, counting
    "10.1038/2131112a0",  # King 1967
    "10.1016/0022-3093(90)90686-G",  # Guttman 1990
    "10.1016/S0927-0256(01)00256-7",  # Yuan & Cormack 2002
    "10.1016/0022-3093(91)90145-V",  # Goetzke & Klein 1991
)

_SIZE = Axis("formers in a ring", "")
_GREATEST = 40


@dataclass(frozen=True)
class RingSettings:
    """What counts as a ring.

    Attributes
    ----------
    network
        Formers, ligands and cut-offs.
    criterion
        ``primitive``: no two of its atoms are joined by a path shorter than along the ring
        (Goetzke & Klein 1991, Yuan & Cormack 2002; the ring is no sum of two smaller ones);
        ``king``: a shortest path between two neighbours of a former that avoids it (King 1967);
        ``guttman``: a shortest way back over a bond (Guttman 1990).
    largest
        Most formers of a ring; larger rings are not seen.

    Raises
    ------
    InputError
        If the criterion is unknown or the size is not between 2 and 40.
    """

    network: Network = field(default_factory=Network)
    criterion: Criterion = "primitive"
    largest: int = 12

    def __post_init__(self) -> None:
        known = get_args(Criterion)
        if self.criterion not in known or not 2 <= self.largest <= _GREATEST:
            raise InputError(
                f"Rings are {', '.join(known)}, of 2 to {_GREATEST} formers",
                received=f"{self.criterion!r} up to {self.largest}",
            )


@dataclass(frozen=True)
class Ring:
    """One ring: its size in formers, and its atoms in order, bridging ligands included.

    ``atoms`` are indices of the trajectory; in a small cell an atom may occur more than once, in
    different images.
    """

    size: int
    atoms: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Rings(Result):
    """Ring statistics, each ring counted once.

    Attributes
    ----------
    network
        Formers and ligands in words: ``Si-O``.
    criterion, largest
        As asked for.
    per_former
        Number of rings of n formers in the cell over the number of formers. A former lies on n
        times as many rings of that size.
    membership
        Share of the formers that lie on at least one ring of n formers.
    counts, on_rings
        The same numbers as quantities, by size.
    mean_size
        Mean number of formers of a ring.
    cut_offs
        Å by pair.
    method
        How it was found, in words.
    """

    network: str
    criterion: str
    largest: int
    per_former: CurveSet
    membership: CurveSet
    counts: Mapping[str, Quantity]
    on_rings: Mapping[str, Quantity]
    mean_size: Quantity
    cut_offs: Mapping[str, float]
    method: str

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return rings per former by size, and their mean size."""
        rows = [
            computed(
                sample,
                "ring_count_per_former",
                number,
                of=f"{self.network} {size}-ring",
                method=self.method,
            )
            for size, number in self.counts.items()
            if number.status == "refused" or number.value > 0
        ]
        mean = computed(sample, "ring_size", self.mean_size, of=self.network, method=self.method)
        return (*rows, mean)


def rings(trajectory: Trajectory, settings: RingSettings | None = None) -> Rings:
    """Return the ring statistics of a network, averaged over frames.

    Rings are closed in space: a path that leaves the cell and comes back to another image is none,
    so that a cell of any size gives the counts of the endless crystal.

    Parameters
    ----------
    trajectory
        Streamed; the cell may be of any shape and size.
    settings
        Network, definition and largest size.

    Raises
    ------
    InputError
        If the network has no former or no cut-off can be found.

    References
    ----------
    Le Roux & Jund, Comput. Mater. Sci. 49, 70 (2010), doi:10.1016/j.commatsci.2010.04.023.
    """
    use = settings or RingSettings()
    bonds = bonding(trajectory, use.network)
    return _result(
        bonds, use, [_table(_found(bonds, frame, use), use.largest) for _, frame in bonds]
    )


def rings_of(
    trajectory: Trajectory, settings: RingSettings | None = None, *, frame: int = -1
) -> tuple[Ring, ...]:
    """Return every ring of one frame with its atoms; see `rings`.

    Cut-offs that are not given are found from the whole trajectory.
    """
    use = settings or RingSettings()
    whole = bonding(trajectory, use.network)
    network = Network(whole.formers, whole.ligands, whole.cut_offs, use.network.joined)
    one = bonding(trajectory.frame(frame), network)
    ((_, bonds),) = list(one)
    found = _found(one, bonds, use)
    order, sizes = one.sampling.order, _former_sizes(found)
    kept = np.flatnonzero(sizes <= use.largest)
    return tuple(
        Ring(int(sizes[k]), tuple(int(order[atom]) for atom in found.listed.atoms(int(k))))
        for k in kept
    )


@dataclass(frozen=True, eq=False)
class _Found:
    """Rings of a frame, and which nodes of their graph are formers."""

    listed: RingList
    formers: Mask


def _found(bonds: Bonding, frame: Neighbours, settings: RingSettings) -> _Found:
    """Return the rings of one frame.

    Where every ligand bridges two formers at most, the formers alone make the graph, a quarter of
    the work. A ligand with three, or formers bonded directly beside ligands, need all atoms.
    """
    formers = bonds.of(bonds.formers)
    if not bonds.ligands:
        graph = bond_graph(frame, formers)
        return _Found(search_rings(graph, settings.largest, settings.criterion), formers[formers])
    counts = ligand_counts(frame, formers)
    direct = formers[frame.owners] & formers[frame.others]
    if counts[~formers].max(initial=0) <= 2 and not direct.any():
        graph = bridge_graph(frame, formers)
        return _Found(search_rings(graph, settings.largest, settings.criterion), formers[formers])
    keep = formers | (counts >= 2)
    graph = bond_graph(frame, keep)
    roots = formers[keep]
    return _Found(search_rings(graph, 2 * settings.largest, settings.criterion, roots), roots)


def _former_sizes(found: _Found) -> NDArray[np.int64]:
    """Return the number of formers of each ring, (n,)."""
    entries = found.listed.entries
    counted = found.formers[found.listed.graph.owners[entries]] & (entries >= 0)
    return np.asarray(counted.sum(axis=1), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class _Table:
    """One frame by size, each (largest + 1,): rings, formers on them, rings that meet themselves.

    A ring meets itself where it passes through two images of one atom.
    """

    counts: NDArray[np.int64]
    members: NDArray[np.int64]
    meeting: NDArray[np.int64]


def _table(found: _Found, largest: int) -> _Table:
    sizes = _former_sizes(found)
    counts = np.bincount(sizes[sizes <= largest], minlength=largest + 1)
    members, meeting = np.zeros((2, largest + 1), dtype=np.int64)
    owners = found.listed.graph.owners
    for size in np.flatnonzero(counts):
        entries = found.listed.entries[sizes == size]
        # Places that are not filled get numbers of their own.
        nodes = np.where(entries >= 0, owners[entries], -1 - np.arange(entries.shape[1]))
        members[size] = found.formers[np.unique(nodes[entries >= 0])].sum()
        meeting[size] = (np.diff(np.sort(nodes, axis=1), axis=1) == 0).any(axis=1).sum()
    return _Table(counts, members, meeting)


def _result(bonds: Bonding, settings: RingSettings, tables: list[_Table]) -> Rings:
    n_formers = int(bonds.of(bonds.formers).sum())
    counted = np.array([table.counts for table in tables]) / n_formers
    on_ring = np.array([table.members for table in tables]) / n_formers
    meeting = np.sum([table.meeting for table in tables], axis=0)
    share = meeting / np.maximum(np.sum([table.counts for table in tables], axis=0), 1)
    sizes = range(2, settings.largest + 1)
    per_former = {n: _noted(over_frames(counted[:, n], "1"), float(share[n])) for n in sizes}
    members = {n: over_frames(on_ring[:, n], "1") for n in sizes}
    label, title = settings.criterion, f"({settings.criterion})"
    return Rings(
        network=bonds.name,
        criterion=settings.criterion,
        largest=settings.largest,
        per_former=CurveSet(
            f"Rings per former {title}",
            (counted_curve(per_former, _SIZE, Axis("rings per former", ""), label),),
            points=(label,),
        ),
        membership=CurveSet(
            f"Formers on a ring {title}",
            (counted_curve(members, _SIZE, Axis("share of the formers", ""), label),),
            points=(label,),
        ),
        counts={str(n): number for n, number in per_former.items()},
        on_rings={str(n): number for n, number in members.items()},
        mean_size=_mean_size(counted),
        cut_offs=bonds.cut_offs,
        method=f"{settings.criterion} rings of {'/'.join(bonds.formers)} up to "
        f"{settings.largest}, {bonds.method}",
    )


def _noted(number: Quantity, share: float) -> Quantity:
    """Return a count with a word on rings that are as wide as the cell."""
    if share == 0.0:
        return number
    note = f"{number.note}; " if number.note else ""
    note += f"{100 * share:.0f} % of them pass through two images of one atom"
    return replace(number, note=note)


def _mean_size(counted: NDArray[np.float64]) -> Quantity:
    totals = counted.sum(axis=1)
    if not totals.any():
        return Quantity.refused("1", "no ring was found")
    some = totals > 0
    return over_frames(counted[some] @ np.arange(counted.shape[1]) / totals[some], "1")
