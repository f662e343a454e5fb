"""Which atoms are held together by covalent bonds, in any chemistry."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations_with_replacement

import numpy as np
from ase.data import atomic_numbers, covalent_radii
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.matter.composition import parse_formula
from vitrolyte.observe.first_shells import first_shells
from vitrolyte.observe.neighbours import reaches
from vitrolyte.observe.sampling import Sampling, sample

Floats = NDArray[np.float64]

_IONIC = frozenset(("Li", "Na", "K", "Rb", "Cs", "Mg", "Ca", "Sr", "Ba", "Ag", "Tl"))
_LONGEST_PEAK = 1.2
_SHORTEST_END, _LONGEST_END, _WITHOUT_END = 1.10, 1.45, 1.25
_MOST_FRAMES = 20
_ORDER = ("B", "Si", "C", "Sb", "As", "P", "N", "H", "Te", "Se", "S", "I", "Br", "Cl", "O", "F")


@dataclass(frozen=True)
class RotorSearch:
    """Which molecules are rotors, and how their bonds are judged.

    Attributes
    ----------
    rotor
        Formula of the one sort of rotor that is asked for (``OH``, ``PS4``); empty: all sorts.
    ionic
        Elements that bond to nothing: mobile ions. Empty: alkali metals, alkaline earths from
        Mg on, Ag and Tl, as far as the rotor asked for does not hold them.
    cut_offs
        Longest bonds, Å by pair (``P-S``), instead of those that are found; then no other pair
        bonds.
    most_atoms
        A larger molecule is taken for a network, not for a rotor.
    loosening
        A bond that has formed breaks only beyond this many cut-offs, so that a vibration breaks
        none.
    least_life
        Molecules that stay together for a smaller share of the run are reported, not analysed.
    looks
        Frames, evenly spread, in which bonds are looked for; fewer are faster.
    memory_MB
        Bound of the memory for orientations; rotors are read in groups that fit.

    Raises
    ------
    InputError
        If a number is out of its range or the formula holds fewer than two atoms.
    """

    rotor: str = ""
    ionic: tuple[str, ...] = ()
    cut_offs: Mapping[str, float] = field(default_factory=dict)
    most_atoms: int = 20
    loosening: float = 1.2
    least_life: float = 0.2
    looks: int = 1000
    memory_MB: float = 800.0

    def __post_init__(self) -> None:
        if self.most_atoms < 2 or not 1.0 <= self.loosening < 2.0:
            raise InputError(
                "A rotor has two atoms or more, and a bond breaks beyond 1 to 2 cut-offs",
                received=f"most_atoms {self.most_atoms}, loosening {self.loosening}",
            )
        if not 0 < self.least_life <= 1 or not self.memory_MB > 0 or self.looks < 2:
            raise InputError(
                "The least life is a share of the run, the memory a positive number of MB, and "
                "bonds are looked for in two frames or more",
                received=f"{self.least_life}, {self.memory_MB} MB, {self.looks} looks",
            )
        if self.rotor and sum(self.wanted.values()) < 2:
            raise InputError(
                "A rotor is a molecule", received=repr(self.rotor), remedy="write it as OH or PS4"
            )

    @property
    def wanted(self) -> dict[str, int]:
        """Return the atoms of the rotor asked for, by element; empty where all sorts are."""
        if not self.rotor:
            return {}
        asked = parse_formula(self.rotor)
        return dict(zip(asked.elements, asked.whole_amounts))


@dataclass(frozen=True, eq=False)
class Bonds:
    """The longest covalent bond of each pair of elements of one trajectory.

    Attributes
    ----------
    elements
        In the order of ``reach``.
    cut_offs
        Å by pair; pairs that never bond are left out.
    reach
        (n, n), Å; zero where nothing bonds.
    """

    elements: tuple[str, ...]
    cut_offs: Mapping[str, float]
    reach: Floats

    @property
    def method(self) -> str:
        """Return in words how bonds were judged."""
        ends = ", ".join(f"{pair} {end:.2f} Å" for pair, end in self.cut_offs.items())
        return f"bonds up to {ends}"


def covalent_bonds(trajectory: Trajectory, search: RotorSearch) -> Bonds:
    """Return which pairs of elements bond covalently, and up to which distance.

    A pair bonds where the first peak of its g(r) lies within 1.2 times the sum of the covalent
    radii. The bond ends at the minimum behind that peak where this lies between 1.10 and 1.45
    times the sum, else at 1.25 times the sum.

    Parameters
    ----------
    trajectory
        At most twenty frames are read.
    search
        Names ionic elements and given cut-offs.

    Raises
    ------
    InputError
        If no pair bonds, or a cut-off is given for elements that are not there.

    References
    ----------
    Cordero et al., Dalton Trans. 2832 (2008), doi:10.1039/b801115j (covalent radii).
    """
    frames = sample(trajectory, _MOST_FRAMES)
    ends = dict(search.cut_offs) or _found(frames, search)
    if not ends:
        raise InputError(
            "Rotors are molecules, held together by covalent bonds",
            received=f"none between {', '.join(frames.elements)}",
            remedy="give cut_offs, as in cut_offs={'O-H': 1.3}, or name the ionic elements",
        )
    return Bonds(frames.elements, ends, reaches(frames.elements, ends))


def _found(frames: Sampling, search: RotorSearch) -> dict[str, float]:
    ionic = set(search.ionic) or _IONIC - set(search.wanted)
    elements = [e for e in frames.elements if e not in ionic]
    pairs = tuple(f"{a}-{b}" for a, b in combinations_with_replacement(elements, 2))
    shells = first_shells(frames, pairs)
    ends = {}
    for pair, shell in shells.items():
        sum_of_radii = covalent_distance(pair)
        if shell is not None and shell.peak <= _LONGEST_PEAK * sum_of_radii:
            ends[pair] = _end(shell.end, sum_of_radii)
    return ends


def _end(found: float, sum_of_radii: float) -> float:
    if math.isnan(found) or not _SHORTEST_END <= found / sum_of_radii <= _LONGEST_END:
        return _WITHOUT_END * sum_of_radii
    return found


def covalent_distance(pair: str) -> float:
    """Return the sum of the covalent radii of a pair, Å."""
    return float(sum(covalent_radii[atomic_numbers[element]] for element in pair.split("-")))


def molecule_name(amounts: Mapping[str, int]) -> str:
    """Return the formula of a molecule as chemists write it: OH, NH4, PS4, P2S7, NO3."""
    rank = {element: place for place, element in enumerate(_ORDER)}
    order = sorted(amounts, key=lambda e: (rank.get(e, -1), e))
    if dict(amounts) == {"O": 1, "H": 1}:
        order = ["O", "H"]
    return "".join(f"{e}{amounts[e] if amounts[e] > 1 else ''}" for e in order)
