"""The census of polyhedra: building blocks, coordination, what they share, what anions join."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.blocks import block_average
from vitrolyte.observe.polyhedra.bonding import Bonding, bond_rule
from vitrolyte.observe.polyhedra.sensitivity import BondChoices, bond_choices
from vitrolyte.observe.polyhedra.tally import KINDS, Tally, tally
from vitrolyte.observe.sampling import sample

Floats = NDArray[np.float64]
CITATIONS = ("10.1063/1.457480",)

_ROLES = ("free", "terminal", "bridging")
_SHARE = Axis("share of centres", "")
_LIGANDS = Axis("ligands", "")
_NETWORK_FORMER = 4.5
_NO_LINKS = "no two polyhedra have a ligand in common"


@dataclass(frozen=True, eq=False)
class PolyhedraCensus(Result):
    """Which polyhedra there are and how they are joined.

    Attributes
    ----------
    method
        How bonds were judged, with the cut-offs.
    centres
        Elements in the middle of polyhedra.
    units
        Share of the centres of one element with such ligands: ``ZrOCl5``.
    blocks
        The same as a histogram for each centre: number of the last ligand across, one curve for
        each number of the others.
    coordination
        Ligands of one element round a centre (``Zr-O``), of all together (``Zr``), and centres
        round a ligand (``O-Zr``).
    bond_lengths
        Mean length of the bonds of a pair, Å.
    bond_length_spreads
        Standard deviation of those lengths, thermal motion and all, Å.
    corner_sharing, edge_sharing, face_sharing
        Share of all pairs of polyhedra with ligands in common that have one (by its element,
        ``O``), two (by both, ``O-Cl``), three or more; ``all`` is the sum.
    neighbours
        Polyhedra with which one shares a ``corner``, an ``edge``, a ``face``.
    separations
        Mean distance of the centres of such pairs, Å.
    anions
        Share of the ligands of an element that are bonded to no centre (``Cl free``), to one
        (``terminal``), to more (``bridging``).
    choices
        The main figures by other ways of judging bonds.
    """

    method: str
    centres: tuple[str, ...]
    units: Mapping[str, Quantity]
    blocks: CurveSet
    coordination: Mapping[str, Quantity]
    bond_lengths: Mapping[str, Quantity]
    bond_length_spreads: Mapping[str, Quantity]
    corner_sharing: Mapping[str, Quantity]
    edge_sharing: Mapping[str, Quantity]
    face_sharing: Mapping[str, Quantity]
    neighbours: Mapping[str, Quantity]
    separations: Mapping[str, Quantity]
    anions: Mapping[str, Quantity]
    choices: BondChoices

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return coordination, bond lengths, building blocks, sharing and the anions' roles."""
        rows = [*self._bonds(sample), *self._units(sample)]
        share = f"share of all pairs of polyhedra that have ligands in common; {self.method}"
        for word, found in (
            ("corner_sharing_fraction", self.corner_sharing),
            ("edge_sharing_fraction", self.edge_sharing),
            ("face_sharing_fraction", self.face_sharing),
        ):
            for of, part in found.items():
                name = "" if of == "all" else of
                rows.append(computed(sample, word, part, of=name, method=share))
        for of, part in self.anions.items():
            element, role = of.split(" ", 1)
            word = "cl_environment_fraction" if element == "Cl" else "ligand_environment_fraction"
            name = role if element == "Cl" else of
            method = f"share of the {element} by the number of centres bonded to it; {self.method}"
            rows.append(computed(sample, word, part, of=name, method=method))
        return tuple(rows)

    def _bonds(self, sample: Sample) -> list[Observation]:
        named = (
            ("coordination_number", self.coordination, self.method),
            ("bond_length", self.bond_lengths, f"mean length; {self.method}"),
            ("bond_length_spread", self.bond_length_spreads, f"standard deviation; {self.method}"),
        )
        return [
            computed(sample, word, number, of=of, method=method)
            for word, found, method in named
            for of, number in found.items()
        ]

    def _units(self, sample: Sample) -> list[Observation]:
        word = "structural_unit_fraction"
        rows = []
        for of, share in self.units.items():
            # PS4 in this column means the isolated anion; see `speciation`.
            name = f"{of} polyhedron" if self._ligands(of) <= _NETWORK_FORMER else of
            rows.append(computed(sample, word, share, of=name, method=self.method))
        return rows

    def _ligands(self, unit: str) -> float:
        """Return the mean number of ligands round the centre of a unit."""
        centre = next(c for c in sorted(self.centres, key=len)[::-1] if unit.startswith(c))
        pairs = (of for of in self.coordination if of.startswith(f"{centre}-"))
        return math.fsum(self.coordination[of].value for of in pairs)


def polyhedra(
    trajectory: Trajectory,
    bonding: Bonding | None = None,
    *,
    max_frames: int | None = None,
    frames_of_choices: int = 10,
) -> PolyhedraCensus:
    """Return the census of the polyhedra of a trajectory.

    Parameters
    ----------
    trajectory
        Streamed; its cell may be triclinic, may change, and may be of any size.
    bonding
        Centres, ligands, and how bonds are judged.
    max_frames
        At most so many frames, evenly spread; None for all.
    frames_of_choices
        On so many frames, fewer of large systems, the other ways of judging bonds are tried;
        zero for none.

    Raises
    ------
    InputError
        If centres and ligands cannot be told or no pair of them bonds.
    """
    rule = bond_rule(sample(trajectory, max_frames), bonding or Bonding())
    counted = tally(rule)
    choices = bond_choices(rule, frames_of_choices)
    coordination = _coordination(counted)
    for pair, number in coordination.items():
        coordination[pair] = choices.noted(number, "coordination", pair)
    return PolyhedraCensus(
        method=rule.method,
        centres=rule.centres,
        units={u: choices.noted(q, "unit", u) for u, q in _units(counted).items()},
        blocks=_blocks(counted),
        coordination=coordination,
        bond_lengths={p: _mean_of(counted, p, "lengths") for p in rule.pairs},
        bond_length_spreads={p: _mean_of(counted, p, "spreads") for p in rule.pairs},
        corner_sharing={
            of: choices.noted(q, "corner", of) for of, q in _corner_sharing(counted).items()
        },
        edge_sharing=_edge_sharing(counted),
        face_sharing={"all": _sharing(counted, counted.faces)},
        neighbours=_neighbours(counted),
        separations=_separations(counted),
        anions={of: choices.noted(q, "anion", of) for of, q in _anions(counted).items()},
        choices=choices,
    )


def _average(series: Floats, unit: str, missing: str) -> Quantity:
    """Return the mean over blocks of time, leaving out those that have none."""
    there = series[np.isfinite(series)]
    return block_average(there, unit) if len(there) else Quantity.refused(unit, missing)


def _coordination(counted: Tally) -> dict[str, Quantity]:
    return {
        name: _average(series, "1", "no such atom")
        for name, series in counted.coordination().items()
    }


def _units(counted: Tally) -> dict[str, Quantity]:
    shares = {name: block_average(series, "1") for name, series in counted.units().items()}
    return dict(sorted(shares.items(), key=lambda item: -item[1].value))


def _mean_of(counted: Tally, pair: str, what: str) -> Quantity:
    series = counted.lengths(pair) if what == "lengths" else counted.spreads(pair)
    return _average(series, "Å", f"no bond {pair}")


def _sharing(counted: Tally, part: Floats) -> Quantity:
    return _average(_over(part, counted.connections), "1", _NO_LINKS)


def _over(part: Floats, whole: Floats) -> Floats:
    empty = np.full(np.shape(part), math.nan)
    return np.asarray(np.divide(part, whole, out=empty, where=whole > 0), dtype=float)


def _corner_sharing(counted: Tally) -> dict[str, Quantity]:
    found = {e: _sharing(counted, counted.corners(e)) for e in counted.rule.ligands}
    return found | {"all": _sharing(counted, counted.corners())}


def _edge_sharing(counted: Tally) -> dict[str, Quantity]:
    ligands = counted.rule.ligands
    pairs = [(a, b) for k, a in enumerate(ligands) for b in ligands[k:]]
    found = {f"{a}-{b}": _sharing(counted, counted.edges(a, b)) for a, b in pairs}
    return found | {"all": _sharing(counted, counted.edges())}


def _neighbours(counted: Tally) -> dict[str, Quantity]:
    count = len(counted.rule.atoms_of(counted.rule.centres))
    return {
        kind: block_average(2.0 * counted.links(kind) / counted.frames / count, "1")
        for kind in KINDS
    }


def _separations(counted: Tally) -> dict[str, Quantity]:
    return {
        kind: _average(
            _over(counted.separations(kind), counted.links(kind)), "Å", f"no two share a {kind}"
        )
        for kind in KINDS
    }


def _anions(counted: Tally) -> dict[str, Quantity]:
    found = {}
    for element in counted.rule.ligands:
        joined = counted.joined(element)
        parts = (joined[:, 0], joined[:, 1], joined[:, 2:].sum(axis=1))
        for role, part in zip(_ROLES, parts):
            found[f"{element} {role}"] = block_average(part / joined.sum(axis=1), "1")
        rest = joined[:, :2].sum(axis=1) / joined.sum(axis=1)
        found[f"{element} free or terminal"] = block_average(rest, "1")
    return found


def _blocks(counted: Tally) -> CurveSet:
    curves = []
    for centre in counted.rule.centres:
        for rest, across in counted.blocks(centre).items():
            x = np.arange(len(across), dtype=float)
            curves.append(Curve(x, across, _LIGANDS, _SHARE, label=rest))
    labels = tuple(curve.label for curve in curves)
    last = counted.rule.ligands[-1]
    return CurveSet(f"Building blocks by number of {last}", tuple(curves), points=labels)
