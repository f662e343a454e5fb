"""The fine structure of a moving or glassy structure: the mean over absorbers and frames."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

from vitrolyte.data.absorption import Cluster, FineStructure
from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.matter.periodic import perpendicular_widths
from vitrolyte.observe.blocks import jackknife
from vitrolyte.observe.exafs.transforms import STEP, K, Transform, cauchy_wavelet, fourier

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Spectra = Callable[[Sequence[Cluster]], Sequence[FineStructure]]
"""What turns clusters into fine structures: ``data.io.feff.Feff(folder).spectra``."""

CITATIONS = ("10.1103/RevModPhys.72.621", "10.1198/jbes.2010.07136")

_CHI = Axis("χ(k)", "")
_FEWEST = 5
_GROUPS = 12
_PEAK_SHARE = 0.15
_SHORTEST_A = 0.8


@dataclass(frozen=True)
class EnsembleSettings:
    """Which absorbers are looked at, and how their mean is transformed.

    Attributes
    ----------
    configurations
        How many absorbers, each in one frame.
    radius_A
        Radius of the cluster, Å; some 2 Å more than the longest half path, so that the
        outermost scatterers have their own neighbours.
    seed
        Of the order in which the absorbers are drawn.
    transform
        Weight and window.

    Raises
    ------
    InputError
        If a number is not positive.
    """

    configurations: int = 60
    radius_A: float = 8.0
    seed: int = 0
    transform: Transform = field(default_factory=Transform)

    def __post_init__(self) -> None:
        if self.configurations < 1 or not self.radius_A > 0:
            raise InputError(
                "An ensemble needs at least one configuration and a positive radius",
                received=f"{self.configurations} configurations, radius {self.radius_A} Å",
            )


@dataclass(frozen=True, eq=False)
class Configuration:
    """One absorber in one frame: its index among all atoms, the frame, and its cluster."""

    atom: int
    frame: int
    cluster: Cluster


@dataclass(frozen=True, eq=False)
class Exafs(Result):
    """The fine structure of an ensemble.

    Attributes
    ----------
    absorber
        Element.
    chi, weighted
        χ(k) and its weighted form with their standard errors.
    distance
        Magnitude and real part of the transform, not phase corrected.
    wavelet
        Magnitude of the Cauchy wavelet transform along k at each peak of the transform.
    configurations, atoms, frames
        How many were used, of how many atoms in how many frames.
    effective_number
        Number of independent configurations that would give the same error.
    threshold
        Fermi level, eV; its spread is one of the calculation more than of nature.
    peaks
        Where the magnitude of the transform peaks, Å, from short to long.
    described
        Weight and window in words.
    """

    absorber: str
    chi: CurveSet
    weighted: CurveSet
    distance: CurveSet
    wavelet: CurveSet
    configurations: int
    atoms: int
    frames: int
    effective_number: Quantity
    threshold: Quantity
    peaks: tuple[Quantity, ...]
    described: str

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the positions of the peaks, numbered from the shortest distance."""
        count = f"{self.configurations} configurations"
        method = f"FEFF8L on snapshots, {count}, peak of |χ(R)|, {self.described}"
        return tuple(
            computed(
                sample,
                "exafs_peak_position_uncorrected",
                place,
                of=f"{self.absorber} peak {number}",
                method=method,
            )
            for number, place in enumerate(self.peaks, start=1)
        )


def exafs(
    trajectory: Trajectory,
    absorber: str,
    *,
    spectra: Spectra,
    settings: EnsembleSettings | None = None,
) -> Exafs:
    r"""Return the EXAFS of an element, averaged over absorbers and frames of a trajectory.

    .. math:: \chi(k) = \frac{1}{n} \sum_i \chi_i(k)

    Snapshots bring thermal and static disorder with them: no Debye–Waller factor is added. The
    error treats configurations of one atom, and of one frame, as correlated; the effective
    number is how many independent ones would have the same error. Each :math:`\chi_i` counts k
    from the Fermi level of its own calculation, as is usual; the spread of that level is given.

    Parameters
    ----------
    trajectory
        Streamed; its cell may be small, triclinic and may change.
    absorber
        Element whose edge it is.
    spectra
        What computes the fine structure of clusters: ``Feff(folder).spectra``.
    settings
        Which absorbers, and the transform.

    Raises
    ------
    InputError
        If the absorber is not there or stands alone within the radius.
    MissingExtra, EngineError
        From the computation of the spectra.

    References
    ----------
    Rehr & Albers, Rev. Mod. Phys. 72, 621 (2000), doi:10.1103/RevModPhys.72.621; error of two
    crossed groupings: Cameron, Gelbach & Miller, J. Bus. Econ. Stat. 29, 238 (2011),
    doi:10.1198/jbes.2010.07136.
    """
    settings = settings or EnsembleSettings()
    chosen = configurations(trajectory, absorber, settings)
    found = spectra([one.cluster for one in chosen])
    if len(found) != len(chosen):
        raise InputError(
            "Each cluster needs a fine structure", received=f"{len(found)} for {len(chosen)}"
        )
    grid = _grid(found, settings.transform)
    each = np.stack([np.interp(grid, one.k, one.chi) for one in found])
    return _summary(absorber, chosen, _Sample(grid, each, *_groupings(chosen)), found, settings)


def _grid(found: Sequence[FineStructure], transform: Transform) -> Floats:
    end = min(float(one.k[-1]) for one in found)
    if end < transform.k_max - 1e-6:
        raise InputError(
            "The fine structure must reach to the end of the window",
            received=f"k up to {end:g} 1/Å, k_max {transform.k_max:g}",
            remedy="lower k_max of the transform, or raise k_max of FEFF",
        )
    return np.asarray(np.arange(math.floor(end / STEP + 1e-6) + 1) * STEP, dtype=float)


def configurations(
    trajectory: Trajectory, absorber: str, settings: EnsembleSettings
) -> tuple[Configuration, ...]:
    """Return absorbers spread evenly over atoms and frames, with their clusters.

    Every atom is used once, in a random order, before any is used again; the frames follow one
    another in time from the first to the last. Choices are reproducible by the seed.

    Raises
    ------
    InputError
        If the absorber is not in the trajectory, or has no neighbour within the radius.
    """
    atoms = trajectory.indices(absorber)
    most = len(atoms) * trajectory.n_frames
    count = min(settings.configurations, most)
    random = np.random.default_rng(settings.seed)
    rounds = math.ceil(count / len(atoms))
    order = np.concatenate([random.permutation(atoms) for _ in range(rounds)])[:count]
    frames = np.linspace(0, trajectory.n_frames - 1, count).round().astype(int)
    return tuple(
        Configuration(int(atom), int(frame), _cluster_of(trajectory, int(atom), int(frame), radius))
        for atom, frame, radius in zip(order, frames, [settings.radius_A] * count)
    )


def _cluster_of(trajectory: Trajectory, atom: int, frame: int, radius: float) -> Cluster:
    block = trajectory.read(frame, frame + 1)
    return cluster(trajectory.species, block.positions[0], block.cells[0], atom, radius_A=radius)


def cluster(
    species: tuple[str, ...], positions: Floats, cell: Floats, atom: int, *, radius_A: float
) -> Cluster:
    """Return the atoms within a radius of one atom, with all periodic images.

    Parameters
    ----------
    species, positions, cell
        (n_atoms,), (n_atoms, 3) and (3, 3), Å; any cell, also one smaller than the radius.
    atom
        Index of the absorber.
    radius_A
        Å.

    Raises
    ------
    InputError
        If there is no neighbour within the radius, or one nearer than 0.6 Å.
    """
    places = (positions - positions[atom]) @ np.linalg.inv(cell)
    places -= np.round(places)
    most = np.ceil(radius_A / perpendicular_widths(cell) + 0.5).astype(int)
    images = np.stack(np.meshgrid(*[np.arange(-m, m + 1) for m in most], indexing="ij"), axis=-1)
    vectors = (places[None] + images.reshape(-1, 1, 3)) @ cell
    distances = np.linalg.norm(vectors, axis=-1)
    image, other = np.nonzero(distances <= radius_A)
    # Rounded, so that equal distances do not change places by their last digit.
    order = np.lexsort((other, np.round(distances[image, other], 5)))
    chosen = vectors[image[order], other[order]]
    names = np.asarray(species)[other[order]]
    return Cluster(tuple(names.tolist()), chosen - chosen[0])


@dataclass(frozen=True, eq=False)
class _Sample:
    """Fine structures (n, n_k) on one grid, with the two groupings of the configurations."""

    k: Floats
    each: Floats
    atoms: Integers
    times: Integers

    @property
    def mean(self) -> Floats:
        return np.asarray(self.each.mean(axis=0), dtype=float)

    @property
    def single_variance(self) -> Floats:
        """Variance of one configuration, (n_k,)."""
        return np.asarray(self.each.var(axis=0, ddof=1), dtype=float)

    def variance(self) -> Floats:
        """Variance of the mean, (n_k,), configurations of one atom or one time correlated."""
        plain = self.single_variance / len(self.each)
        parts = [_grouped(self.each, group) for group in (self.atoms, self.times)]
        known = [part for part in parts if part is not None]
        both = sum(known, np.zeros(len(self.k))) - (plain if len(known) == 2 else 0.0)
        return np.maximum(both, plain)

    def groups(self) -> list[Integers]:
        """Return the configurations in at most twelve groups that share no atom, or no time."""
        by = self.atoms if len(np.unique(self.atoms)) >= _FEWEST else self.times
        names = np.unique(by)
        owner = np.arange(len(names)) * min(_GROUPS, len(names)) // len(names)
        return [np.flatnonzero(np.isin(by, names[owner == g])) for g in np.unique(owner)]


def _grouped(each: Floats, group: Integers) -> Floats | None:
    """Return the variance of the mean from the scatter of whole groups, or None for one group."""
    names = np.unique(group)
    if len(names) < 2:
        return None
    left = each - each.mean(axis=0)
    sums = np.stack([left[group == name].sum(axis=0) for name in names])
    factor = len(names) / (len(names) - 1)
    return np.asarray(factor * (sums**2).sum(axis=0) / len(each) ** 2, dtype=float)


def _groupings(chosen: Sequence[Configuration]) -> tuple[Integers, Integers]:
    atoms = np.array([one.atom for one in chosen], dtype=np.int64)
    frames = np.array([one.frame for one in chosen], dtype=np.int64)
    if len(np.unique(atoms)) > 1:
        return atoms, frames
    # A single absorber is correlated in time: whole stretches of time stand for themselves.
    _, place = np.unique(frames, return_inverse=True)
    count = int(place.max()) + 1
    return atoms, np.asarray(place * min(_GROUPS, count) // count, dtype=np.int64)


def _summary(
    absorber: str,
    chosen: Sequence[Configuration],
    sample: _Sample,
    found: Sequence[FineStructure],
    settings: EnsembleSettings,
) -> Exafs:
    mean, error = sample.mean, None
    if len(sample.each) >= _FEWEST:
        error = np.asarray(np.sqrt(sample.variance()), dtype=float)
    chi = Curve(sample.k, mean, K, _CHI, y_error=error, label=absorber)
    transform = settings.transform
    transformed = fourier(chi, transform)
    peaks = _peaks(sample, transform)
    map_ = cauchy_wavelet(chi, weight=transform.weight, r_max_A=transform.r_max_A)
    return Exafs(
        absorber=absorber,
        chi=CurveSet(f"EXAFS of {absorber}", (chi,)),
        weighted=CurveSet(f"Weighted EXAFS of {absorber}", (_weighted(chi, transform.weight),)),
        distance=_distance_curves(transformed, absorber),
        wavelet=CurveSet("Wavelet transform", tuple(map_.at(place.value) for place in peaks)),
        configurations=len(chosen),
        atoms=len({one.atom for one in chosen}),
        frames=len({one.frame for one in chosen}),
        effective_number=_effective(sample, transform),
        threshold=_threshold(found),
        peaks=peaks,
        described=transform.described,
    )


def _weighted(chi: Curve, weight: int) -> Curve:
    power = chi.x**weight
    error = None if chi.y_error is None else chi.y_error * power
    axis = Axis(f"k^{weight} χ(k)", f"Å^-{weight}" if weight else "")
    return Curve(chi.x, chi.y.real * power, K, axis, y_error=error, label=chi.label)


def _distance_curves(transformed: Curve, absorber: str) -> CurveSet:
    parts = (("magnitude", np.abs(transformed.y)), ("real part", transformed.y.real))
    return CurveSet(
        f"Fourier transform of the EXAFS of {absorber}, no phase correction",
        tuple(
            Curve(transformed.x, values, transformed.x_axis, transformed.y_axis, label=label)
            for label, values in parts
        ),
    )


def _effective(sample: _Sample, transform: Transform) -> Quantity:
    if len(sample.each) < _FEWEST:
        return Quantity.refused("1", f"{len(sample.each)} configurations show no spread")
    inside = (sample.k >= transform.k_min) & (sample.k <= transform.k_max)
    weight = sample.k[inside] ** (2 * transform.weight)
    spread = float(weight @ sample.single_variance[inside])
    scatter = float(weight @ sample.variance()[inside])
    if scatter <= 1e-20 * float(weight @ sample.mean[inside] ** 2):
        note = "all configurations are alike"
        return Quantity(float(len(sample.each)), "1", note=note)
    one_frame = len(np.unique(sample.times)) == 1
    note = "one frame: the spread is that between sites" if one_frame else ""
    number = Quantity(spread / scatter, "1", note=note)
    if len(np.unique(sample.atoms)) == 1:
        return number.provisional("one absorber: the spread between sites is not known")
    return number


def _threshold(found: Sequence[FineStructure]) -> Quantity:
    levels = np.array([one.threshold_eV for one in found])
    note = ""
    if len(levels) > 1:
        note = f"standard deviation between configurations {levels.std(ddof=1):.2f} eV"
    return Quantity(float(levels.mean()), "eV", note=note)


def _peaks(sample: _Sample, transform: Transform) -> tuple[Quantity, ...]:
    """Return the peaks of the mean, each with a jackknife over groups of configurations."""
    everything = _places(sample, np.arange(len(sample.each)), transform)
    if len(sample.each) < _FEWEST:
        reason = f"{len(sample.each)} configurations: no error can be given"
        return tuple(Quantity(place, "Å").provisional(reason) for place in everything)
    groups = sample.groups()
    left_out = [
        _places(sample, np.setdiff1d(np.arange(len(sample.each)), g), transform) for g in groups
    ]
    return tuple(_peak(place, left_out) for place in everything)


def _peak(place: float, left_out: Sequence[Sequence[float]]) -> Quantity:
    nearest = [min(found, key=lambda other: abs(other - place)) for found in left_out if found]
    if len(nearest) < len(left_out) or max(abs(other - place) for other in nearest) > 0.3:
        return Quantity(place, "Å").provisional("some of the configurations do not show this peak")
    if len(nearest) < _FEWEST:
        return Quantity(place, "Å").provisional("too few independent absorbers for an error")
    return jackknife(place, nearest, "Å")


def _places(sample: _Sample, kept: NDArray[np.intp], transform: Transform) -> list[float]:
    curve = Curve(sample.k, sample.each[kept].mean(axis=0), K, _CHI)
    transformed = fourier(curve, transform)
    size, r = np.abs(transformed.y), transformed.x
    beyond = np.flatnonzero(r >= _SHORTEST_A)
    if not len(beyond) or not size[beyond].max() > 0:
        return []
    tops = find_peaks(size, prominence=_PEAK_SHARE * float(size[beyond].max()))[0]
    return [_vertex(r, size, int(top)) for top in tops if r[top] >= _SHORTEST_A]


def _vertex(r: Floats, size: Floats, top: int) -> float:
    low, middle, high = size[top - 1], size[top], size[top + 1]
    bend = low - 2.0 * middle + high
    return float(r[top] + 0.5 * (low - high) / bend * (r[1] - r[0]))
