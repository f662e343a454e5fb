"""Lengths of the bonds round an absorber: what splits the white line of a XANES spectrum."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.neighbours import neighbours, reaches
from vitrolyte.observe.sampling import Sampling, sample

Floats = NDArray[np.float64]

_R = Axis("bond length", "Å")
_P = Axis("probability density", "1/Å")
_STEP = 0.005
_PEAK_SHARE = 0.05
_RESAMPLES = 400
_FEWEST = 5
_FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))
_LINE_SHARE = 0.5
_CERTAIN = 0.9


@dataclass(frozen=True)
class FirstShellSettings:
    """How bond lengths are told apart.

    Attributes
    ----------
    resolution_A
        Two lengths nearer than this count as one, Å. The lines of the distribution are drawn as
        Gaussians of half that full width at half maximum. 0.18 Å is the distance that was read off
        the split white line of crystalline Li2ZrCl6 (Zhang et al. 2024).
    max_frames
        At most so many frames, evenly spread; None for all.
    seed
        Of the resampling of absorbers for the intervals.

    Raises
    ------
    InputError
        If the resolution is not positive.
    """

    resolution_A: float = 0.18
    max_frames: int | None = 200
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.resolution_A > 0:
            raise InputError("A resolution is a positive length", received=str(self.resolution_A))


@dataclass(frozen=True, eq=False)
class FirstShellLengths(Result):
    """The bond lengths of an absorber.

    Attributes
    ----------
    absorber
        Element.
    instantaneous
        Distribution in snapshots, by ligand and together, at the resolution: what an X-ray
        photon sees.
    average
        Distribution of the lengths averaged over time, each bond by itself: what is left when
        the vibrations are taken out.
    components
        Number of maxima of the average distribution (all ligands), and of the instantaneous one.
    places
        Where the maxima of the average distribution are, Å.
    separation
        Smallest distance between two neighbouring maxima, Å.
    spread
        Standard deviation of the average lengths by pair and ``all``, Å.
    thermal
        Root mean square of the change of a bond about its average, Å.
    cut_offs
        Ends of the first shell that were used, Å.
    resolution_A
        See `FirstShellSettings`.
    """

    absorber: str
    instantaneous: CurveSet
    average: CurveSet
    components: Mapping[str, Quantity]
    places: tuple[Quantity, ...]
    separation: Quantity
    spread: Mapping[str, Quantity]
    thermal: Quantity
    cut_offs: Mapping[str, float]
    resolution_A: float

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the number of distinct lengths, their separation and the spread."""
        cuts = ", ".join(f"{pair} {end:.2f} Å" for pair, end in self.cut_offs.items())
        how = f"first shell to {cuts}; lengths resolved at {self.resolution_A:g} Å"
        rows = [
            computed(
                sample,
                "bond_length_components",
                number,
                of=self.absorber,
                method=f"maxima of the distribution of {name} bond lengths, {how}",
            )
            for name, number in self.components.items()
        ]
        if self.separation.status != "refused":
            rows.append(
                computed(
                    sample,
                    "bond_length_separation",
                    self.separation,
                    of=self.absorber,
                    method=f"smallest distance between distinct time-averaged lengths, {how}",
                )
            )
        return tuple(rows)


def first_shell_lengths(
    trajectory: Trajectory,
    absorber: str,
    *,
    cut_offs: Mapping[str, float],
    settings: FirstShellSettings | None = None,
) -> FirstShellLengths:
    """Return the distribution of bond lengths round an absorber and how it splits.

    The surrogate of a XANES white line: where the near-edge structure of a K edge shows separate
    features, the absorber has distinct bond lengths; where they merge, the lengths are alike. It
    is no spectrum: neither angles nor the electronic structure enter.

    Parameters
    ----------
    trajectory
        Streamed; any cell.
    absorber
        Element.
    cut_offs
        End of the first shell by pair, Å, ``{"Zr-O": 2.6, "Zr-Cl": 3.2}``: by
        `pair_functions(...).cut_offs`. Pairs without the absorber are passed over.

    Raises
    ------
    InputError
        If the absorber is not there, no cut-off is for it, or a cut-off is no length.

    References
    ----------
    The reading of the white line: Zhang et al., J. Am. Chem. Soc. 2024.
    """
    settings = settings or FirstShellSettings()
    trajectory.indices(absorber)
    own = {pair: end for pair, end in cut_offs.items() if absorber in pair.split("-")}
    if not own:
        raise InputError(
            f"The first shell of {absorber} needs a cut-off for one of its pairs",
            received=", ".join(cut_offs) or "none",
            remedy=f"give it as {{'{absorber}-O': 2.6}}",
        )
    bonds = _collect(sample(trajectory, settings.max_frames), absorber, own)
    return _result(bonds, absorber, own, settings)


@dataclass(frozen=True, eq=False)
class _Bonds:
    """Every bond of the sampled frames: its absorber, ligand element, key and length."""

    owners: NDArray[np.int64]
    ligands: NDArray[np.str_]
    keys: NDArray[np.int64]
    lengths: Floats
    frames: int


def _collect(sampling: Sampling, absorber: str, own: Mapping[str, float]) -> _Bonds:
    elements = sampling.elements
    kinds = np.repeat(np.arange(len(elements)), sampling.counts).astype(np.int64)
    reach = reaches(elements, own)
    parts: list[tuple[NDArray[np.int64], NDArray[np.int64], Floats]] = []
    for snapshot in sampling:
        positions = snapshot.fractional.T @ snapshot.cell
        found = neighbours(positions, snapshot.cell, kinds, reach)
        mine = kinds[found.owners] == elements.index(absorber)
        ends = np.column_stack([found.owners, found.others, found.shifts])[mine]
        parts.append((ends, kinds[found.others[mine]], found.distances[mine]))
    ends, ligands, lengths = (np.concatenate(column) for column in zip(*parts))
    # A bond is one absorber, one ligand and one image of it, followed through time.
    _, keys = np.unique(ends, axis=0, return_inverse=True)
    names = np.asarray(elements)[ligands]
    return _Bonds(ends[:, 0], names, keys.ravel().astype(np.int64), lengths, len(parts))


@dataclass(frozen=True, eq=False)
class _Averages:
    """The bonds averaged over time: mean length, share of the frames, absorber, ligand."""

    lengths: Floats
    weights: Floats
    owners: NDArray[np.int64]
    ligands: NDArray[np.str_]
    thermal: float


def _averages(bonds: _Bonds) -> _Averages:
    counts = np.bincount(bonds.keys)
    means = np.bincount(bonds.keys, bonds.lengths) / counts
    _, first = np.unique(bonds.keys, return_index=True)
    deviation = bonds.lengths - means[bonds.keys]
    freedom = len(bonds.lengths) - len(counts)
    thermal = math.sqrt(float(deviation @ deviation) / freedom) if freedom > 0 else math.nan
    weights = counts / bonds.frames
    return _Averages(means, weights, bonds.owners[first], bonds.ligands[first], thermal)


def _result(
    bonds: _Bonds, absorber: str, own: Mapping[str, float], settings: FirstShellSettings
) -> FirstShellLengths:
    if not len(bonds.lengths):
        raise InputError(
            f"{absorber} must have a neighbour within the cut-offs",
            received=str(dict(own)),
            remedy="give longer cut-offs",
        )
    average = _averages(bonds)
    shares = np.full(len(bonds.lengths), 1.0 / bonds.frames)
    grid = _grid(bonds.lengths, settings.resolution_A)
    snapshots = _Lengths(grid, bonds.lengths, shares, bonds.owners, settings)
    still = _Lengths(grid, average.lengths, average.weights, average.owners, settings)
    places = still.places(still.density())
    resampled = still.resampled()
    return FirstShellLengths(
        absorber=absorber,
        instantaneous=_curves("Bond lengths in snapshots", absorber, snapshots, bonds.ligands),
        average=_curves("Bond lengths averaged over time", absorber, still, average.ligands),
        components={
            "time-averaged": _count(len(places), [len(found) for found in resampled]),
            "instantaneous": _count(
                len(snapshots.places(snapshots.density())),
                [len(found) for found in snapshots.resampled()],
            ),
        },
        places=tuple(_place(place, resampled) for place in places),
        separation=_separation(places, resampled),
        spread=_spreads(average, absorber),
        thermal=_thermal(average.thermal),
        cut_offs=dict(own),
        resolution_A=settings.resolution_A,
    )


def _grid(lengths: Floats, resolution: float) -> Floats:
    low, high = float(lengths.min()) - 2 * resolution, float(lengths.max()) + 2 * resolution
    return np.asarray(np.arange(max(0.0, low), high + _STEP, _STEP), dtype=float)


@dataclass(frozen=True, eq=False)
class _Lengths:
    """Weighted lengths of some absorbers, drawn at a resolution."""

    grid: Floats
    lengths: Floats
    weights: Floats
    owners: NDArray[np.int64]
    settings: FirstShellSettings

    def kernel(self) -> Floats:
        width = _LINE_SHARE * self.settings.resolution_A
        half = math.ceil(3.0 * width / _STEP)
        x = np.arange(-half, half + 1) * _STEP
        shape = np.exp(-0.5 * (x * _FWHM / width) ** 2)
        return np.asarray(shape / (shape.sum() * _STEP), dtype=float)

    def rows(self) -> Floats:
        """Return the weight of each absorber in each bin, (n_absorbers, n_grid)."""
        names, row = np.unique(self.owners, return_inverse=True)
        table = np.zeros((len(names), len(self.grid)))
        place = np.rint((self.lengths - self.grid[0]) / _STEP).astype(int)
        np.add.at(table, (row, np.clip(place, 0, len(self.grid) - 1)), self.weights)
        return table

    def density(self, chosen: NDArray[np.bool_] | None = None) -> Floats:
        """Return the density at the resolution, normalised by all bonds, (n_grid,), 1/Å."""
        weights = self.weights if chosen is None else np.where(chosen, self.weights, 0.0)
        place = np.rint((self.lengths - self.grid[0]) / _STEP).astype(int)
        line = np.bincount(np.clip(place, 0, len(self.grid) - 1), weights, len(self.grid))
        share = line / float(self.weights.sum())
        return self._drawn(np.asarray(share, dtype=float))

    def _drawn(self, line: Floats) -> Floats:
        return np.asarray(np.convolve(line, self.kernel(), mode="same"), dtype=float)

    def places(self, density: Floats) -> list[float]:
        """Return the maxima that stand out by 5 % of the highest, a resolution apart."""
        apart = max(1, round(self.settings.resolution_A / _STEP))
        padded = np.pad(density, 1)
        tops, _ = find_peaks(padded, prominence=_PEAK_SHARE * float(density.max()))
        kept: list[int] = []
        for top in sorted(tops - 1, key=lambda n: -density[n]):
            if all(abs(top - other) >= apart for other in kept):
                kept.append(int(top))
        return [float(self.grid[top]) for top in sorted(kept)]

    def resampled(self) -> list[list[float]]:
        """Return the maxima of samples of as many absorbers drawn with replacement."""
        table = self.rows()
        if len(table) < _FEWEST:
            return []
        random = np.random.default_rng(self.settings.seed)
        draws = random.multinomial(len(table), np.full(len(table), 1 / len(table)), _RESAMPLES)
        return [self.places(self._drawn(np.asarray(draw @ table, dtype=float))) for draw in draws]


def _curves(title: str, absorber: str, lengths: _Lengths, ligands: NDArray[np.str_]) -> CurveSet:
    curves = [Curve(lengths.grid, lengths.density(), _R, _P, label="all")]
    for ligand in np.unique(ligands):
        part = lengths.density(ligands == ligand)
        curves.append(Curve(lengths.grid, part, _R, _P, label=f"{absorber}-{ligand}"))
    return CurveSet(title, tuple(curves))


_ONE_STRUCTURE = "fewer than five absorbers: the spread between sites gives no interval"


def _count(number: int, resampled: list[int]) -> Quantity:
    if not resampled:
        return Quantity(float(number), "1").provisional(_ONE_STRUCTURE)
    low, high = np.quantile(resampled, [0.025, 0.975], method="nearest")
    error = float(np.std(resampled))
    count = Quantity(float(number), "1", error=error, low=float(low), high=float(high))
    agreed = float(np.mean(np.array(resampled) == number))
    if agreed >= _CERTAIN:
        return count
    return count.provisional(f"{agreed:.0%} of the resampled absorbers show this number")


def _place(place: float, resampled: list[list[float]]) -> Quantity:
    near = [min(found, key=lambda other: abs(other - place)) for found in resampled if found]
    if not near:
        return Quantity(place, "Å").provisional(_ONE_STRUCTURE)
    low, high = np.quantile(near, [0.025, 0.975])
    return Quantity(place, "Å", error=float(np.std(near)), low=float(low), high=float(high))


def _separation(places: list[float], resampled: list[list[float]]) -> Quantity:
    if len(places) < 2:
        return Quantity.refused("Å", "the lengths are not resolved into more than one")
    value = float(np.diff(places).min())
    same = [float(np.diff(found).min()) for found in resampled if len(found) == len(places)]
    if len(same) < _RESAMPLES // 2:
        return Quantity(value, "Å").provisional("the number of lengths is not certain")
    low, high = np.quantile(same, [0.025, 0.975])
    return Quantity(value, "Å", error=float(np.std(same)), low=float(low), high=float(high))


def _spreads(average: _Averages, absorber: str) -> dict[str, Quantity]:
    chosen = {f"{absorber}-{name}": average.ligands == name for name in np.unique(average.ligands)}
    chosen["all"] = np.ones(len(average.lengths), dtype=bool)
    return {name: _spread(average, mask) for name, mask in chosen.items()}


def _spread(average: _Averages, mask: NDArray[np.bool_]) -> Quantity:
    """Return the standard deviation of lengths with a jackknife over absorbers."""
    names, row = np.unique(average.owners[mask], return_inverse=True)
    length, weight = average.lengths[mask], average.weights[mask]
    sums = np.stack([np.bincount(row, weight * length**power) for power in (0, 1, 2)])
    value = _deviation(sums.sum(axis=1))
    if len(names) < _FEWEST:
        return Quantity(value, "Å").provisional(_ONE_STRUCTURE)
    left = np.array([_deviation(sums.sum(axis=1) - sums[:, n]) for n in range(len(names))])
    error = math.sqrt((len(names) - 1) * float(left.var()))
    return Quantity.normal(value, error, "Å")


def _deviation(sums: Floats) -> float:
    mean = sums[1] / sums[0]
    return math.sqrt(max(0.0, float(sums[2] / sums[0] - mean**2)))


def _thermal(value: float) -> Quantity:
    if math.isnan(value):
        return Quantity.refused("Å", "one frame shows no motion")
    return Quantity(value, "Å")
