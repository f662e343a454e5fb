"""Bond-valence sums of every ion, and how far they are from the formal charges."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.blocks import block_average
from vitrolyte.observe.neighbours import Neighbours, neighbours, reaches
from vitrolyte.observe.polyhedra.bonding import pair_parameters, positions
from vitrolyte.observe.polyhedra.valence_parameters import ValenceParameters, valence_parameters
from vitrolyte.observe.sampling import Sampling, ionic_charges, sample

Floats = NDArray[np.float64]
CITATIONS = (
    "10.1107/S0108768185002063",
    "10.1107/S0108768190011041",
    "10.1021/ja00009a002",
    "10.1021/cr900053k",
)
UNIT = "v.u."

_EDGES = np.linspace(0.0, 8.0, 401)
_SUM = Axis("bond-valence sum", UNIT)
_DENSITY = Axis("probability density", f"1/{UNIT}")


@dataclass(frozen=True)
class ValenceSettings:
    """How bond-valence sums are made.

    Attributes
    ----------
    charges
        Formal charges by element, e, where those that follow from the composition are not meant.
    parameters
        By pair (``Zr-Cl``), instead of the tabulated ones.
    reach_A
        All ions of the other sign within this distance count, Å.

    Raises
    ------
    InputError
        If the reach is not positive.
    """

    charges: Mapping[str, int] | None = None
    parameters: Mapping[str, ValenceParameters] | None = None
    reach_A: float = 5.0

    def __post_init__(self) -> None:
        if not 0 < self.reach_A < math.inf:
            raise InputError("Bond valences reach a positive distance", received=f"{self.reach_A}")


@dataclass(frozen=True, eq=False)
class BondValences(Result):
    """Bond-valence sums and their mismatch.

    Attributes
    ----------
    sums
        Mean sum by element, valence units.
    mismatches
        Root of the mean squared difference between the sum and the formal charge, by element.
    instability
        The same over all atoms: the global instability index, mean of its value in each frame.
    distributions
        Density of the sums, one curve for each element.
    sources
        Where the parameters of each pair are from.
    reach_A
        Distance within which ions counted.
    """

    sums: Mapping[str, Quantity]
    mismatches: Mapping[str, Quantity]
    instability: Quantity
    distributions: CurveSet
    sources: Mapping[str, str]
    reach_A: float

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return sums, mismatches, and the global instability index."""
        tables = "; ".join(f"{pair}: {source}" for pair, source in self.sources.items())
        method = f"ions of the other sign within {self.reach_A:g} Å; {tables}"
        rows = [
            computed(sample, word, number, of=of, method=method)
            for word, found in (
                ("bond_valence_sum", self.sums),
                ("bond_valence_mismatch", self.mismatches),
            )
            for of, number in found.items()
        ]
        rows.append(computed(sample, "global_instability_index", self.instability, method=method))
        return tuple(rows)


def bond_valences(
    trajectory: Trajectory,
    settings: ValenceSettings | None = None,
    *,
    max_frames: int | None = None,
) -> BondValences:
    r"""Return the bond-valence sums of all ions of a trajectory.

    .. math:: V_i = \sum_j \exp[(R_{ij} - r_{ij}) / b_{ij}], \qquad
              G = \sqrt{\langle (V_i - |q_i|)^2 \rangle_i}

    over ions of the other sign. In a crystal at rest G above 0.2 valence units is a sign of
    strain; thermal motion adds to it, so that frames of a run are compared among each other.

    Parameters
    ----------
    trajectory
        Streamed; its cell may be triclinic, may change, and may be of any size.
    settings
        Charges, parameters, and reach.
    max_frames
        At most so many frames, evenly spread; None for all.

    Raises
    ------
    InputError
        If formal charges are not known, or a pair of ions is in no table.

    References
    ----------
    Brown, Chem. Rev. 109, 6858 (2009), doi:10.1021/cr900053k; G: Salinas-Sanchez et al., J. Solid
    State Chem. 100, 201 (1992), doi:10.1016/0022-4596(92)90094-C.
    """
    asked = settings or ValenceSettings()
    sampling = sample(trajectory, max_frames)
    charges = _charges(sampling, asked)
    table = _parameters(sampling, charges, asked)
    lengths, softness = _matrices(sampling.elements, table)
    reach = reaches(sampling.elements, dict.fromkeys(table, asked.reach_A))
    kinds = np.repeat(np.arange(len(sampling.elements)), sampling.counts)
    formal = np.abs([charges[e] for e in sampling.elements])[kinds]
    sums = _Sums(sampling)
    for snapshot in sampling:
        found = neighbours(positions(snapshot), snapshot.cell, kinds, reach)
        sums.add(snapshot.block, kinds, _sums(found, kinds, lengths, softness), formal)
    sources = {pair: parameters.source for pair, parameters in table.items()}
    return sums.result(sources, asked.reach_A)


def _charges(sampling: Sampling, asked: ValenceSettings) -> dict[str, int]:
    charges = ionic_charges(sampling.trajectory.species) | dict(asked.charges or {})
    unknown = [e for e in sampling.elements if not charges.get(e)]
    if unknown:
        raise InputError(
            "Bond-valence sums need the formal charge of every element",
            received=f"none for {', '.join(unknown)}",
            remedy="give charges, as in charges={'Li': 1, 'Cl': -1}",
        )
    return charges


def _parameters(
    sampling: Sampling, charges: Mapping[str, int], asked: ValenceSettings
) -> dict[str, ValenceParameters]:
    given = dict(asked.parameters or {})
    table = {}
    for k, first in enumerate(sampling.elements):
        for second in sampling.elements[k + 1 :]:
            if charges[first] * charges[second] < 0:
                pair, turned = f"{first}-{second}", f"{second}-{first}"
                own = given.pop(pair, None) or given.pop(turned, None)
                cation, charge, anion = pair_parameters(charges, first, second)
                table[pair] = own or valence_parameters(cation, charge, anion)
    if given:
        raise InputError(
            f"Parameters are given for pairs of ions: {', '.join(table)}",
            received=", ".join(given),
        )
    return table


def _matrices(
    elements: tuple[str, ...], table: Mapping[str, ValenceParameters]
) -> tuple[Floats, Floats]:
    lengths, softness = np.zeros((2, len(elements), len(elements)))
    softness += 1.0
    for pair, parameters in table.items():
        a, b = (elements.index(e) for e in pair.split("-"))
        lengths[a, b] = lengths[b, a] = parameters.length_A
        softness[a, b] = softness[b, a] = parameters.softness_A
    return lengths, softness


def _sums(found: Neighbours, kinds: NDArray[np.int64], lengths: Floats, softness: Floats) -> Floats:
    pair = kinds[found.owners], kinds[found.others]
    valences = np.exp((lengths[pair] - found.distances) / softness[pair])
    sums = np.bincount(found.owners, weights=valences, minlength=len(kinds))
    return np.asarray(sums, dtype=float)


class _Sums:
    """Sums over the atoms of each block of time."""

    def __init__(self, sampling: Sampling) -> None:
        shape = (sampling.n_blocks, len(sampling.elements))
        self.sampling = sampling
        self.frames = np.zeros(shape[0])
        self.total, self.squares = np.zeros(shape), np.zeros(shape)
        self.instability = np.zeros(shape[0])
        self.histogram = np.zeros((shape[1], len(_EDGES) - 1))

    def add(self, block: int, kinds: NDArray[np.int64], sums: Floats, formal: Floats) -> None:
        off = (sums - formal) ** 2
        n = len(self.sampling.elements)
        self.frames[block] += 1
        self.total[block] += np.bincount(kinds, weights=sums, minlength=n)
        self.squares[block] += np.bincount(kinds, weights=off, minlength=n)
        self.instability[block] += math.sqrt(off.mean())
        inside = np.minimum(sums, _EDGES[-1] - 1e-9)
        for kind in range(n):
            self.histogram[kind] += np.histogram(inside[kinds == kind], _EDGES)[0]

    def result(self, sources: Mapping[str, str], reach_A: float) -> BondValences:
        per = self.frames[:, None] * self.sampling.counts
        mean, mismatch = self.total / per, np.sqrt(self.squares / per)
        elements = self.sampling.elements
        return BondValences(
            sums={e: block_average(mean[:, k], UNIT) for k, e in enumerate(elements)},
            mismatches={e: block_average(mismatch[:, k], UNIT) for k, e in enumerate(elements)},
            instability=block_average(self.instability / self.frames, UNIT),
            distributions=CurveSet("Bond-valence sums", tuple(map(self._curve, elements))),
            sources=sources,
            reach_A=reach_A,
        )

    def _curve(self, element: str) -> Curve:
        seen = self.histogram[self.sampling.elements.index(element)]
        density = seen / (seen.sum() * (_EDGES[1] - _EDGES[0]))
        return Curve((_EDGES[1:] + _EDGES[:-1]) / 2.0, density, _SUM, _DENSITY, label=element)
