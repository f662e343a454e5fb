"""Which atoms hang together: formers, ligands and the reach of their bonds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.first_shells import first_shells
from vitrolyte.observe.neighbours import Neighbours, neighbours, reaches
from vitrolyte.observe.sampling import Sampling, Snapshot, ionic_charges, sample

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_FRAMES_FOR_SHELLS = 40
_LEAST_CHARGE = 3


@dataclass(frozen=True)
class Network:
    """Which species make a network and how far their bonds reach.

    Bonds join formers to ligands. Without ligands they join formers directly (silicon, or the
    neighbourhood of one mobile species); both kinds occur together where a pair of formers is
    named in ``joined`` (``P-P`` beside ``P-S``).

    Attributes
    ----------
    formers
        Elements at the nodes (``("Si",)``). Without any, and without ligands: the cations of
        formal charge 3 or more, or where there are none the most charged cations; all atoms of a
        substance without charges.
    ligands
        Elements that bridge (``("O",)``). Left out together with the formers: all anions.
    cut_offs
        Å by pair (``Si-O`` or ``O-Si``); pairs left out end at the minimum behind the first peak
        of their pair function.
    joined
        Pairs of formers that bond directly although there are ligands.
    max_frames
        At most so many frames, evenly spread; None for all.

    Raises
    ------
    InputError
        If ligands are given without formers, or an element is both.
    """

    formers: tuple[str, ...] = ()
    ligands: tuple[str, ...] = ()
    cut_offs: Mapping[str, float] = field(default_factory=dict)
    joined: tuple[str, ...] = ()
    max_frames: int | None = None

    def __post_init__(self) -> None:
        if (self.ligands and not self.formers) or set(self.formers) & set(self.ligands):
            raise InputError(
                "A network has formers (and ligands, other elements, that bridge them)",
                received=f"formers {list(self.formers)}, ligands {list(self.ligands)}",
                remedy='write formers=("Si",), ligands=("O",)',
            )


@dataclass(frozen=True, eq=False)
class Bonding:
    """A network settled for one trajectory.

    Attributes
    ----------
    sampling
        The frames to look at.
    formers, ligands
        Elements.
    cut_offs
        Å, of every pair that bonds.
    reach
        (n_species, n_species), Å, the same as a table for `neighbours`.
    """

    sampling: Sampling
    formers: tuple[str, ...]
    ligands: tuple[str, ...]
    cut_offs: Mapping[str, float]
    reach: Floats

    @property
    def kinds(self) -> Integers:
        """Return the species of each sorted atom, (n_atoms,)."""
        counts = self.sampling.counts
        return np.repeat(np.arange(len(counts)), counts).astype(np.int64)

    def of(self, elements: tuple[str, ...]) -> NDArray[np.bool_]:
        """Return a mask of the sorted atoms of some elements, (n_atoms,)."""
        numbers = [self.sampling.elements.index(element) for element in elements]
        return np.asarray(np.isin(self.kinds, numbers))

    @property
    def name(self) -> str:
        """Return the network in words: ``Zr-O/Cl``, or ``Li`` where nothing bridges."""
        parts = ("/".join(self.formers), "/".join(self.ligands))
        return "-".join(part for part in parts if part)

    @property
    def method(self) -> str:
        """Return how bonds were drawn, in words."""
        ends = ", ".join(f"{pair} {end:.2f} Å" for pair, end in self.cut_offs.items())
        return f"bonds up to {ends}"

    def __iter__(self) -> Iterator[tuple[Snapshot, Neighbours]]:
        """Yield each frame with its bonds; atoms are wrapped into the cell and sorted."""
        for snapshot in self.sampling:
            yield snapshot, bonds_of(snapshot, self.kinds, self.reach)


def wrapped(snapshot: Snapshot) -> Floats:
    """Return the positions of a snapshot inside its cell, (n_atoms, 3), Å."""
    inside = snapshot.fractional - np.floor(snapshot.fractional)
    return np.asarray(inside.T @ snapshot.cell, dtype=float)


def bonds_of(snapshot: Snapshot, kinds: Integers, reach: Floats) -> Neighbours:
    """Return the bonds of a snapshot, with image shifts between the wrapped atoms."""
    return neighbours(wrapped(snapshot), snapshot.cell, kinds, reach)


def bonding(trajectory: Trajectory, network: Network) -> Bonding:
    """Return the network settled: its species, and a cut-off for each pair that bonds.

    Raises
    ------
    InputError
        If an element is missing, no former can be chosen, or a pair shows no first shell.
    """
    sampling = sample(trajectory, network.max_frames)
    formers, ligands = _species(trajectory, network)
    pairs = _pairs(network, formers, ligands)
    given = _given(network.cut_offs, pairs, sampling.elements)
    missing = tuple(pair for pair in pairs if pair not in given)
    found = {**given, **first_minima(trajectory, missing)}
    cut_offs = {pair: found[pair] for pair in pairs}
    return Bonding(sampling, formers, ligands, cut_offs, reaches(sampling.elements, cut_offs))


def _species(trajectory: Trajectory, network: Network) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if network.formers:
        trajectory.indices(*network.formers, *network.ligands)
        return network.formers, network.ligands
    charges = ionic_charges(trajectory.species)
    if not any(charges.values()):
        return tuple(charges), ()
    least = min(_LEAST_CHARGE, max(charges.values()))
    formers = tuple(element for element, charge in charges.items() if charge >= least)
    return formers, tuple(element for element, charge in charges.items() if charge < 0)


def _pairs(network: Network, formers: tuple[str, ...], ligands: tuple[str, ...]) -> list[str]:
    if ligands:
        return [f"{a}-{b}" for a in formers for b in ligands] + list(network.joined)
    return [f"{a}-{b}" for k, a in enumerate(formers) for b in formers[k:]]


def _given(
    cut_offs: Mapping[str, float], pairs: list[str], elements: tuple[str, ...]
) -> dict[str, float]:
    """Return the given cut-offs by the names of the pairs that bond.

    Raises
    ------
    InputError
        If one is not a positive distance for a pair that bonds.
    """
    names = {pair: pair for pair in pairs}
    names |= {"-".join(reversed(pair.split("-"))): pair for pair in pairs}
    wrong = [pair for pair in cut_offs if pair not in names]
    if wrong:
        raise InputError(
            f"A cut-off is given for a pair that bonds: {', '.join(pairs)}",
            received=", ".join(wrong),
            remedy="name its elements as formers and ligands",
        )
    reaches(elements, cut_offs)
    return {names[pair]: float(end) for pair, end in cut_offs.items()}


def first_minima(trajectory: Trajectory, pairs: tuple[str, ...]) -> dict[str, float]:
    """Return where the first shell of each pair ends, Å, in a cell of any size.

    The pair function is counted with all images, so that a unit cell will do; up to 40 frames.

    Raises
    ------
    InputError
        If a pair is of unknown elements or shows no first shell with an end.
    """
    if not pairs:
        return {}
    shells = first_shells(sample(trajectory, _FRAMES_FOR_SHELLS), pairs)
    ends = {pair: shell.end if shell else math.nan for pair, shell in shells.items()}
    lost = [pair for pair, end in ends.items() if math.isnan(end)]
    if lost:
        raise InputError(
            "A bond ends at the minimum behind the first peak of the pair function",
            received=f"no such minimum for {', '.join(lost)}",
            remedy="give the cut-off, such as Si-O = 2.2",
        )
    return ends
