"""Pair functions, coordination numbers and bond lengths.

The symbols follow Keen, J. Appl. Cryst. 34, 172 (2001), doi:10.1107/S0021889800019993; the page
``docs/conventions.md`` writes them out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.matter.periodic import perpendicular_widths
from vitrolyte.observe.blocks import block_average, jackknife
from vitrolyte.observe.first_shells import bonding_shell
from vitrolyte.observe.pair_kernels import columns, count_frame
from vitrolyte.observe.peaks import Shell, first_shell, peak_near
from vitrolyte.observe.sampling import Sampling, Snapshot, ionic_charges, sample
from vitrolyte.observe.scattering.form_factors import x_ray_form_factor
from vitrolyte.observe.threads import in_order, processors

Floats = NDArray[np.float64]
CITATIONS = ("10.1107/S0021889800019993", "10.1063/1.457480")

_R = Axis("distance", "Å")
_G = Axis("pair distribution", "")
_N = Axis("neighbours within distance", "")
_JACKKNIFE_BLOCKS = 12
_SHELL_REACH_A = 6.0
_OTHER_END_A = 0.1


@dataclass(frozen=True, eq=False)
class PairFunctions(Result):
    """What distances between atoms tell.

    Attributes
    ----------
    partials
        g_ab(r), one curve for each pair of species, labelled ``Li-O``; error from blocks of time.
    total
        The X-ray weighted total g(r), weights by the number of electrons.
    running
        Mean number of neighbours within r, labelled ``Li-O`` for O round Li.
    cut_offs
        Where the first shell of each pair ends, Å.
    coordination
        Coordination number by ordered pair.
    distances
        Position of the first peak of g_ab(r) by pair, Å.
    bonds
        The pairs of opposite formal charge.
    fractions
        Atomic fraction of each element.
    number_density
        Of all atoms, rho0, mean over the frames, 1/Å³.
    """

    partials: CurveSet
    total: CurveSet
    running: CurveSet
    cut_offs: Mapping[str, float]
    coordination: Mapping[str, Quantity]
    distances: Mapping[str, Quantity]
    bonds: tuple[str, ...]
    fractions: Mapping[str, float] = field(default_factory=dict)
    number_density: float = math.nan

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return coordination numbers and bond lengths of bonded pairs, distances of others."""
        rows = []
        for pair, length in self.distances.items():
            word = "bond_length" if pair in self.bonds else "interatomic_distance"
            rows.append(
                computed(sample, word, length, of=pair, method="first peak of partial g(r)")
            )
        bonded = {*self.bonds, *map(reverse, self.bonds)}
        for pair, number in self.coordination.items():
            if pair in bonded:
                end = self.cut_offs.get(pair, self.cut_offs.get(reverse(pair), math.nan))
                method = f"neighbours within {end:.2f} Å, end of the first shell of g(r)"
                rows.append(computed(sample, "coordination_number", number, of=pair, method=method))
        return tuple(rows)


def reverse(pair: str) -> str:
    """Return the pair seen from its other atom: ``O-Li`` for ``Li-O``."""
    first, second = pair.split("-")
    return f"{second}-{first}"


@dataclass(frozen=True, eq=False)
class PairCounts:
    """Pairs counted by distance, kept apart by blocks of time.

    Attributes
    ----------
    sampling
        Which frames and species were counted.
    edges
        (n_bins + 1,), Å.
    frames
        (n_blocks,), frames in each block.
    pairs
        (n_blocks, n_species, n_species, n_bins), pairs for a <= b.
    pairs_volume
        The same, each frame multiplied by its volume, Å³.
    """

    sampling: Sampling
    edges: Floats
    frames: Floats
    pairs: Floats
    pairs_volume: Floats

    @property
    def centres(self) -> Floats:
        """Return the middles of the bins, Å."""
        return np.asarray((self.edges[1:] + self.edges[:-1]) / 2.0)

    def pair_function(self, a: int, b: int, blocks: NDArray[np.bool_] | None = None) -> Floats:
        """Return g_ab(r) from all or some blocks, (n_bins,).

        ``g_ab(r) = V n_ab(r) / (N_a N_b 4 pi / 3 (r_o^3 - r_i^3))``, ordered pairs; for a = b an
        atom is no neighbour of itself, ``N_a (N_a - 1)``, so that an ideal gas has 1 exactly.
        """
        use = np.ones(len(self.frames), dtype=bool) if blocks is None else blocks
        first, second = self.sampling.counts[[a, b]]
        possible = first * (first - 1) / 2.0 if a == b else float(first * second)
        shells = 4.0 * np.pi / 3.0 * np.diff(self.edges**3)
        counted = self.pairs_volume[use, a, b].sum(axis=0) / self.frames[use].sum()
        return np.asarray(counted / (shells * possible) if possible else np.zeros(len(shells)))

    def neighbours(self, a: int, b: int) -> Floats:
        """Return the neighbours of species b within each upper edge of an a, (n_blocks, n_bins)."""
        low, high = min(a, b), max(a, b)
        within = np.cumsum(self.pairs[:, low, high], axis=1) / self.frames[:, None]
        return np.asarray(within * (2.0 if a == b else 1.0) / self.sampling.counts[a])


def largest_distance(trajectory: Trajectory) -> float:
    """Return half the smallest perpendicular width of any frame's cell, Å."""
    return min(float(perpendicular_widths(cell).min()) for cell in trajectory.cells) / 2.0


def count_pairs(
    trajectory: Trajectory,
    *,
    r_max_A: float | None = None,
    bin_A: float = 0.02,
    max_frames: int | None = None,
) -> PairCounts:
    """Return the pairs of a trajectory counted by distance.

    Parameters
    ----------
    trajectory
        Streamed; its cell may be triclinic and may change.
    r_max_A
        Largest distance, Å; without it half the smallest perpendicular width of the cell, beyond
        which the nearest image alone would not do, but at most 12 Å.
    bin_A
        Width of a bin, Å.
    max_frames
        At most so many frames, evenly spread; None for all.

    Raises
    ------
    InputError
        If the cell is smaller than twice ``r_max_A``.
    """
    limit = largest_distance(trajectory)
    wanted = min(limit, 12.0) if r_max_A is None else r_max_A
    n_bins = math.floor(wanted / bin_A + 1e-9) if bin_A > 0 else 0
    if wanted > limit + 1e-9 or n_bins < 10:
        raise InputError(
            f"Distances are counted up to half the smallest width of the cell, {limit:.3f} Å, "
            "in at least ten bins",
            received=f"r_max {wanted:g} Å, bin {bin_A:g} Å",
            remedy="lower r_max or use a larger supercell",
        )
    sampling = sample(trajectory, max_frames)
    return _count(sampling, np.asarray(np.arange(n_bins + 1) * bin_A, dtype=float))


def _count(sampling: Sampling, edges: Floats) -> PairCounts:
    n = len(sampling.elements)
    shape = (sampling.n_blocks, n, n, len(edges) - 1)
    pairs, pairs_volume, frames = np.zeros(shape), np.zeros(shape), np.zeros(shape[0])
    kinds = np.repeat(np.arange(n), sampling.counts)
    # Few frames are shared out, many go to the threads as a whole.
    parts = 1 if len(sampling.chosen) >= 2 * processors() else processors()

    def work(share: tuple[Snapshot, int]) -> tuple[Snapshot, int, NDArray[np.int64]]:
        snapshot, part = share
        cut = columns(snapshot.cell, float(edges[-1]), len(edges) - 1, len(kinds))
        return snapshot, part, count_frame(snapshot.fractional, kinds, cut, part=part, parts=parts)

    whole = np.zeros(shape[1:], dtype=np.int64)
    for snapshot, part, counts in in_order(work, _shares(sampling, parts)):
        whole += counts
        if part == parts - 1:
            pairs[snapshot.block] += whole
            pairs_volume[snapshot.block] += whole * abs(np.linalg.det(snapshot.cell))
            frames[snapshot.block] += 1
            whole[...] = 0
    return PairCounts(sampling, edges, frames, pairs, pairs_volume)


def _shares(sampling: Sampling, parts: int) -> Iterator[tuple[Snapshot, int]]:
    return ((snapshot, part) for snapshot in sampling for part in range(parts))


@dataclass(frozen=True)
class _Pair:
    a: int
    b: int
    label: str


def _pairs(elements: tuple[str, ...]) -> list[_Pair]:
    return [
        _Pair(a, b, f"{elements[a]}-{elements[b]}")
        for a, b in combinations_with_replacement(range(len(elements)), 2)
    ]


def pair_functions(
    trajectory: Trajectory,
    *,
    r_max_A: float | None = None,
    bin_A: float = 0.02,
    max_frames: int | None = None,
    cut_offs: Mapping[str, float] | None = None,
) -> PairFunctions:
    """Return all pair functions of a trajectory with coordination numbers and bond lengths.

    Errors are those of the mean over the time of this one trajectory, from blocks; what another
    quench would give is known from replicas only.

    Parameters
    ----------
    trajectory
        Streamed; its cell may be triclinic and may change.
    r_max_A, bin_A, max_frames
        See `count_pairs`.
    cut_offs
        End of the first shell by pair (``Zr-O`` or ``O-Zr``), Å, instead of the minimum found.

    Raises
    ------
    InputError
        If the cell is smaller than twice ``r_max_A`` or a cut-off is for an unknown pair.

    References
    ----------
    Keen, J. Appl. Cryst. 34, 172 (2001), doi:10.1107/S0021889800019993.
    """
    counts = count_pairs(trajectory, r_max_A=r_max_A, bin_A=bin_A, max_frames=max_frames)
    pairs = _pairs(counts.sampling.elements)
    given = _checked_cut_offs(cut_offs or {}, pairs, float(counts.edges[-1]))
    bonds = _bonds(trajectory.species, pairs)
    shells = {p.label: _shell(counts, p, given.get(p.label), p.label in bonds) for p in pairs}
    found = {label: shell for label, shell in shells.items() if shell is not None}
    return PairFunctions(
        partials=_partials(counts, pairs),
        total=CurveSet("Total pair distribution", (_x_ray_total(counts, pairs),)),
        running=_running(counts, pairs),
        cut_offs={label: shell.end for label, shell in found.items()},
        coordination=_coordination(counts, pairs, shells),
        distances={p.label: _distance(counts, p, shells[p.label]) for p in pairs},
        bonds=bonds,
        fractions=dict(zip(counts.sampling.elements, map(float, counts.sampling.fractions))),
        number_density=trajectory.n_atoms * _inverse_volume(counts.sampling.cells),
    )


def _inverse_volume(cells: Floats) -> float:
    return float((1.0 / np.abs(np.linalg.det(cells))).mean())


def _checked_cut_offs(
    given: Mapping[str, float], pairs: list[_Pair], r_max: float
) -> dict[str, float]:
    labels = {pair.label: pair.label for pair in pairs}
    labels |= {reverse(label): label for label in labels}
    wrong = [pair for pair, end in given.items() if pair not in labels or not 0 < end <= r_max]
    if wrong:
        raise InputError(
            f"A cut-off is given for one of {', '.join(labels)}, up to {r_max:.2f} Å",
            received=", ".join(f"{pair} = {given[pair]}" for pair in wrong),
        )
    return {labels[pair]: end for pair, end in given.items()}


def _shell(counts: PairCounts, pair: _Pair, given: float | None, bond: bool) -> Shell | None:
    r, g = counts.centres, counts.pair_function(pair.a, pair.b)
    if given is None and bond:
        found = bonding_shell(r, g)
        return None if found is None or math.isnan(found.end) else found
    if given is None:
        return first_shell(r, g)
    return Shell(peak_near(r, g, Shell(math.nan, given)), given)


def _partials(counts: PairCounts, pairs: list[_Pair]) -> CurveSet:
    curves = []
    groups = _groups(len(counts.frames))
    for pair in pairs:
        g = counts.pair_function(pair.a, pair.b)
        parts = np.array([counts.pair_function(pair.a, pair.b, group) for group in groups])
        error = parts.std(axis=0, ddof=1) / math.sqrt(len(parts)) if len(parts) > 1 else None
        curves.append(Curve(counts.centres, g, _R, _G, y_error=error, label=pair.label))
    return CurveSet("Partial pair distributions", tuple(curves))


def _groups(n_blocks: int) -> list[NDArray[np.bool_]]:
    """Return masks of at most twelve groups of consecutive blocks."""
    n = min(_JACKKNIFE_BLOCKS, n_blocks)
    owner = np.arange(n_blocks) * n // n_blocks
    return [owner == group for group in range(n)]


def x_ray_weights(elements: tuple[str, ...], fractions: Floats) -> Floats:
    """Return the weights of the partials in an X-ray total at Q = 0, (n, n), adding up to 1.

    ``w_ab = c_a c_b f_a(0) f_b(0) / (sum_a c_a f_a(0))^2``
    """
    strength = fractions * [float(x_ray_form_factor(e, 0.0)) for e in elements]
    return np.asarray(np.outer(strength, strength) / strength.sum() ** 2, dtype=float)


def _x_ray_total(counts: PairCounts, pairs: list[_Pair]) -> Curve:
    weights = x_ray_weights(counts.sampling.elements, counts.sampling.fractions)
    total = np.zeros(len(counts.centres))
    for pair in pairs:
        twice = 1.0 if pair.a == pair.b else 2.0
        total += twice * weights[pair.a, pair.b] * counts.pair_function(pair.a, pair.b)
    return Curve(counts.centres, total, _R, _G, label="X-ray")


def _ordered(pairs: list[_Pair]) -> list[_Pair]:
    """Return the pairs seen from either atom, like pairs once."""
    turned = [_Pair(p.b, p.a, reverse(p.label)) for p in pairs if p.a != p.b]
    return [*pairs, *turned]


def _running(counts: PairCounts, pairs: list[_Pair]) -> CurveSet:
    weights = counts.frames / counts.frames.sum()
    return CurveSet(
        "Neighbours within a distance",
        tuple(
            Curve(counts.edges[1:], weights @ counts.neighbours(p.a, p.b), _R, _N, label=p.label)
            for p in _ordered(pairs)
        ),
    )


def _coordination(
    counts: PairCounts, pairs: list[_Pair], shells: Mapping[str, Shell | None]
) -> dict[str, Quantity]:
    numbers = {}
    for pair in _ordered(pairs):
        shell = shells.get(pair.label, shells.get(reverse(pair.label)))
        if shell is None:
            reason = _no_shell(counts, "first shell with an end")
            numbers[pair.label] = Quantity.refused("1", reason)
            continue
        numbers[pair.label] = _neighbours_within(counts, pair, shell.end)
    return numbers


def _neighbours_within(counts: PairCounts, pair: _Pair, end: float) -> Quantity:
    """Return the mean number of neighbours, and in its note what other cut-offs would give."""
    running = counts.neighbours(pair.a, pair.b)
    # Whole bins below the cut-off count; it lies within half a bin of an edge.
    places = [round((end + shift) / counts.edges[1]) - 1 for shift in (-_OTHER_END_A, _OTHER_END_A)]
    shorter, longer = (
        float(
            counts.frames @ running[:, min(max(0, k), running.shape[1] - 1)] / counts.frames.sum()
        )
        for k in places
    )
    number = block_average(running[:, max(0, round(end / counts.edges[1]) - 1)], "1")
    said = f"{shorter:.2f} and {longer:.2f} for a cut-off {_OTHER_END_A:g} Å shorter and longer"
    return replace(number, note=f"{number.note}; {said}" if number.note else said)


def _no_shell(counts: PairCounts, what: str) -> str:
    r_max = float(counts.edges[-1])
    remedy = "; in a larger supercell it reaches farther" if r_max < _SHELL_REACH_A else ""
    return f"g(r) up to {r_max:.2f} Å shows no {what}{remedy}"


def _distance(counts: PairCounts, pair: _Pair, shell: Shell | None) -> Quantity:
    if shell is None:
        return Quantity.refused("Å", _no_shell(counts, "first peak with a minimum behind it"))
    left_out = [
        peak_near(counts.centres, counts.pair_function(pair.a, pair.b, ~group), shell)
        for group in _groups(len(counts.frames))
        if not group.all()
    ]
    return jackknife(shell.peak, left_out, "Å")


def _bonds(species: tuple[str, ...], pairs: list[_Pair]) -> tuple[str, ...]:
    charges = ionic_charges(species)
    return tuple(
        pair.label
        for pair in pairs
        if math.prod(charges[element] for element in pair.label.split("-")) < 0
    )
