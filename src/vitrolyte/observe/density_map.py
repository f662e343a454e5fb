"""Where mobile ions are: their probability density, its free energy, and when it percolates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.data.volume import Volume
from vitrolyte.observe.blocks import jackknife
from vitrolyte.observe.density_kernels import Wrapping, add_points, wrapping
from vitrolyte.observe.sampling import Sampling, Snapshot, sample

Floats = NDArray[np.float64]

_AXES = ("a", "b", "c")
_DIMENSIONS = ("1D", "2D", "3D")
_MOST_VOXELS = 20_000_000
_HOP_SHARE = 0.75
_FEWEST_VISITS = 20.0
_KERNEL_REACH = 5.0
_BLUR_SHARE = 1.0 / 3.0
_F = Axis("free energy", "eV")
_SHARE = Axis("share of the cell below", "")


@dataclass(frozen=True)
class MapSettings:
    """How a density map is drawn.

    Attributes
    ----------
    temperature_K
        Of the run; the free energy is in its units of kT.
    spacing_A
        Largest distance between grid points along a cell vector, Å.
    smearing_A
        Standard deviation of the Gaussian that smooths the map, Å; 0 for none. It adds its
        square to the mean square width of every site and lowers barriers; the grid itself adds
        a twelfth of the squared spacing.
    hop_A
        Length of a hop, Å; None for the mean distance between mobile ions, N^(-1/3).
    max_frames
        At most so many frames, evenly spread; None for all.
    blocks
        Blocks of time for the errors.

    Raises
    ------
    InputError
        If a number is out of range, or the smearing is finer than the grid.
    """

    temperature_K: float
    spacing_A: float = 0.2
    smearing_A: float = 0.2
    hop_A: float | None = None
    max_frames: int | None = None
    blocks: int = 10

    def __post_init__(self) -> None:
        hop = self.hop_A is None or self.hop_A > 0
        fine = self.smearing_A == 0 or self.smearing_A >= 0.5 * self.spacing_A
        if not (self.temperature_K > 0 and self.spacing_A > 0 and hop and fine) or self.blocks < 3:
            raise InputError(
                "A density map needs a positive temperature, spacing and hop, a smearing of zero "
                "or at least half the spacing, and three or more blocks",
                received=str(self),
            )


@dataclass(frozen=True, eq=False)
class DensityMap(Result):
    """The time-averaged density of mobile ions and what it says about their ways.

    Attributes
    ----------
    mobile
        Element.
    density
        Probability density in the mean cell, 1/Å³; its integral is the number of ions.
    temperature_K
        Of the run.
    percolation
        Lowest free energy at which the region below it wraps round the cell, by cell vector
        (``a``, ``b``, ``c``) and by the number of dimensions (``1D``, ``2D``, ``3D``), eV.
    hops_per_ion
        Moves by three quarters of a hop length from the last place, per ion.
    accessible
        Share of the cell below a free energy.
    described
        Spacing, smearing and what was held at rest, in words.
    """

    mobile: str
    density: Volume
    temperature_K: float
    percolation: Mapping[str, Quantity]
    hops_per_ion: Quantity
    accessible: CurveSet
    described: str

    @property
    def free_energy(self) -> Volume:
        """Return ``-kT ln(p / p_max)``, eV; infinite where no ion came.

        A run that is too short for its ``percolation`` has this map too.
        """
        return _free_energy(self.density, self.temperature_K)

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the percolation levels, and how often ions hopped."""
        method = f"level at which the density wraps round the cell, {self.described}"
        rows = [
            computed(
                sample,
                "percolation_free_energy",
                level,
                of=f"{self.mobile} {name}",
                method=method,
            )
            for name, level in self.percolation.items()
        ]
        hops = computed(
            sample,
            "hops_per_ion",
            self.hops_per_ion,
            of=self.mobile,
            method="moves by three quarters of a hop length from the last place",
        )
        return (*rows, hops)


def density_map(trajectory: Trajectory, mobile: str, *, settings: MapSettings) -> DensityMap:
    r"""Return the density map of the mobile ions of a trajectory.

    .. math:: p(r) = \left\langle \sum_i \delta(r - r_i) \right\rangle, \quad
              F(r) = -k_B T \ln \frac{p(r)}{p_\mathrm{max}}

    Positions are taken in fractions of each frame's own cell and drawn in the mean cell; the mean
    motion of all other atoms (of all atoms, where there are no others) is taken out. No symmetry
    is assumed. A percolation level is measured from the deepest point of the map, along the
    lowest pass at each place; it is a free energy for one ion among all, with the smearing in it,
    and no activation energy. Its note says what twice the squared smearing makes of it: where the
    two differ much, the run is too short or the smearing too wide for the narrow places.

    Parameters
    ----------
    trajectory
        Streamed; its cell may be triclinic and may change.
    mobile
        Element.

    Raises
    ------
    InputError
        If the element is not there or the grid is too fine for the cell.
    """
    trajectory.indices(mobile)
    sampling = sample(trajectory, settings.max_frames)
    frame = _Frame(sampling, mobile)
    counted = _count(frame, settings)
    whole = counted.density(np.ones(len(counted.frames), dtype=bool))
    inside = frame.atoms_at_rest(counted)
    density = Volume(whole, frame.cell, f"probability density of {mobile}", "1/Å³", *inside)
    hops = _hops(counted, frame, settings)
    return DensityMap(
        mobile=mobile,
        density=density,
        temperature_K=settings.temperature_K,
        percolation=_percolation(counted, whole, hops, settings),
        hops_per_ion=hops,
        accessible=_accessible(_free_energy(density, settings.temperature_K)),
        described=_described(frame, settings, density.shape),
    )


def nuclear_density(
    trajectory: Trajectory, lengths_fm: Mapping[str, float], *, settings: MapSettings
) -> Volume:
    """Return the nuclear density that neutrons see, as a maximum-entropy map draws it, fm/Å³.

    ``sum_a b_a p_a(r)``: negative at nuclei with a negative scattering length (7Li, H, Ti). The
    drift of all species together is taken out.

    Parameters
    ----------
    trajectory
        Streamed.
    lengths_fm
        Coherent scattering length b by element, fm; elements left out do not scatter.
    settings
        Spacing and smearing; the temperature is not used.

    Raises
    ------
    InputError
        If an element is not in the trajectory, or none is given.
    """
    if not lengths_fm:
        raise InputError("A nuclear density needs a scattering length", received="none")
    trajectory.indices(*lengths_fm)
    sampling = sample(trajectory, settings.max_frames)
    frame = _Frame(sampling, None)
    total: Floats | float = 0.0
    for element, length in lengths_fm.items():
        counted = _count(frame.of(element), settings)
        total = total + length * counted.density(np.ones(len(counted.frames), dtype=bool))
    none: tuple[str, ...] = ()
    return Volume(np.asarray(total), frame.cell, "nuclear density", "fm/Å³", none, np.zeros((0, 3)))


def wraps_above(volume: Volume, level: float) -> dict[str, bool]:
    """Return whether the region above a level of a density wraps, by vector and dimension.

    For a map of negative density give it ``volume.scaled(-1, ...)``.
    """
    found = _levels(np.where(volume.values >= level, volume.values, 0.0))
    return {name: not math.isnan(value) for name, value in found.items()}


@dataclass(frozen=True, eq=False)
class _Frame:
    """The frame of reference: the mean cell, and the atoms whose mean is at rest."""

    sampling: Sampling
    mobile: str | None
    counted: str | None = None

    def of(self, element: str) -> _Frame:
        """Return the same frame, to count another element."""
        return _Frame(self.sampling, self.mobile, element)

    @property
    def cell(self) -> Floats:
        return np.asarray(self.sampling.cells.mean(axis=0), dtype=float)

    @property
    def moving(self) -> slice:
        """Where the atoms that are counted stand among the sorted ones."""
        number = self.sampling.elements.index(self.counted or self.mobile or "")
        return slice(int(self.sampling.starts[number]), int(self.sampling.starts[number + 1]))

    @property
    def resting(self) -> NDArray[np.bool_]:
        """The atoms whose mean is held at rest."""
        rest = np.ones(self.sampling.trajectory.n_atoms, dtype=bool)
        if self.mobile is not None and len(self.sampling.elements) > 1:
            rest[self.moving] = False
        return rest

    def atoms_at_rest(self, counted: _Counted) -> tuple[tuple[str, ...], Floats]:
        """Return the elements and mean positions of the framework, for pictures."""
        names = np.asarray(self.sampling.trajectory.species)[self.sampling.order]
        others = np.ones(len(names), dtype=bool)
        others[self.moving] = False
        places = counted.mean_places[:, others]
        return tuple(names[others].tolist()), (places - np.floor(places)).T @ self.cell


@dataclass(eq=False)
class _Counted:
    """Counts by block of time, (n_blocks, n1, n2, n3), and what was followed on the way."""

    blocks: NDArray[np.float32]
    frames: Floats
    kernel: Floats | None
    volume: float
    mean_places: Floats
    moves: Floats

    def density(self, kept: NDArray[np.bool_], *, times: int = 1) -> Floats:
        """Return the density of some of the blocks, smoothed once or more often, 1/Å³."""
        counts = self.blocks[kept].sum(axis=0, dtype=float)
        per_voxel = self.volume / counts.size * float(self.frames[kept].sum())
        if self.kernel is None:
            return np.asarray(counts / per_voxel)
        smooth = np.fft.irfftn(
            np.fft.rfftn(counts) * self.kernel**times, s=counts.shape, axes=(0, 1, 2)
        )
        # Both factors are positive; what is left below this is rounding of the transform.
        smooth[smooth < 1e-12 * smooth.max()] = 0.0
        return np.asarray(smooth / per_voxel)


def _count(frame: _Frame, settings: MapSettings) -> _Counted:
    sampling, cell = frame.sampling, frame.cell
    shape = _shape(cell, settings.spacing_A)
    n_blocks = min(settings.blocks, len(sampling.chosen))
    counted = _Counted(
        blocks=np.zeros((n_blocks, *shape), dtype=np.float32),
        frames=np.zeros(n_blocks),
        kernel=_kernel(cell, shape, settings.smearing_A),
        volume=float(abs(np.linalg.det(cell))),
        mean_places=np.zeros((3, sampling.trajectory.n_atoms)),
        moves=np.zeros(0),
    )
    follow = _Follower(cell, _HOP_SHARE * _hop_length(frame, settings))
    first: Floats | None = None
    for number, snapshot in enumerate(sampling):
        first = snapshot.fractional if first is None else first
        places = _undrifted(snapshot, first, frame)
        block = number * n_blocks // len(sampling.chosen)
        mine = np.ascontiguousarray(places[:, frame.moving])
        add_points(mine, counted.blocks[block])
        counted.frames[block] += 1
        counted.mean_places += places / len(sampling.chosen)
        follow.see(mine)
    counted.moves = follow.moves
    return counted


def _undrifted(snapshot: Snapshot, first: Floats, frame: _Frame) -> Floats:
    """Return fractional coordinates from which the mean motion of the resting atoms is taken."""
    moved = snapshot.fractional - first
    return np.asarray(snapshot.fractional - moved[:, frame.resting].mean(axis=1, keepdims=True))


@dataclass(eq=False)
class _Follower:
    """Counts how often each ion went further than a length from where it last was counted."""

    cell: Floats
    length: float
    places: Floats | None = None

    def __post_init__(self) -> None:
        self.moves = np.zeros(0)

    def see(self, places: Floats) -> None:
        """Take in the next frame, (3, n) fractional."""
        if self.places is None:
            self.places, self.moves = places.copy(), np.zeros(places.shape[1])
            return
        steps = (places - self.places).T @ self.cell
        far = np.einsum("ij,ij->i", steps, steps) > self.length**2
        self.moves += far
        self.places[:, far] = places[:, far]


def _shape(cell: Floats, spacing: float) -> tuple[int, int, int]:
    counts = np.maximum(2, np.ceil(np.linalg.norm(cell, axis=1) / spacing - 1e-9)).astype(int)
    if math.prod(counts.tolist()) > _MOST_VOXELS:
        raise InputError(
            f"A density map holds at most {_MOST_VOXELS} points",
            received=f"{counts.tolist()} at a spacing of {spacing:g} Å",
            remedy="raise spacing_A",
        )
    return int(counts[0]), int(counts[1]), int(counts[2])


def _kernel(cell: Floats, shape: tuple[int, int, int], sigma: float) -> Floats | None:
    """Return the transform of a Gaussian sampled on the periodic grid; positive everywhere."""
    if sigma == 0.0:
        return None
    steps = cell / np.array(shape)[:, None]
    widths = 1.0 / np.linalg.norm(np.linalg.inv(steps).T, axis=1)
    reach = np.ceil(_KERNEL_REACH * sigma / widths).astype(int)
    offsets = np.stack(np.meshgrid(*[np.arange(-n, n + 1) for n in reach], indexing="ij"), axis=-1)
    vectors = offsets.reshape(-1, 3) @ steps
    weights = np.exp(-0.5 * np.einsum("ij,ij->i", vectors, vectors) / sigma**2)
    spread = np.zeros(shape)
    np.add.at(spread, tuple((offsets.reshape(-1, 3) % np.array(shape)).T), weights / weights.sum())
    # The kernel is even, so that its transform is real.
    return np.asarray(np.fft.rfftn(spread).real, dtype=float)


def _free_energy(density: Volume, temperature_K: float) -> Volume:
    share = density.values / density.values.max()
    energy = np.full(share.shape, math.inf)
    there = share > 0
    energy[there] = -BOLTZMANN_EV_PER_K * temperature_K * np.log(share[there])
    name = density.name.replace("probability density", "free energy")
    return Volume(energy, density.cell, name, "eV", density.species, density.positions)


def _accessible(energy: Volume) -> CurveSet:
    finite = np.sort(energy.values[np.isfinite(energy.values)])
    levels = np.linspace(0.0, float(finite[-1]), 200)
    share = np.searchsorted(finite, levels, side="right") / energy.values.size
    curve = Curve(levels, np.asarray(share, dtype=float), _F, _SHARE, label=energy.name)
    return CurveSet("Share of the cell that ions reach", (curve,))


def _hop_length(frame: _Frame, settings: MapSettings) -> float:
    if settings.hop_A is not None:
        return settings.hop_A
    ions = frame.moving.stop - frame.moving.start
    return float((abs(np.linalg.det(frame.cell)) / ions) ** (1 / 3))


def _hops(counted: _Counted, frame: _Frame, settings: MapSettings) -> Quantity:
    if counted.frames.sum() < 2:
        return Quantity.refused("1", "one frame shows no motion")
    moves = counted.moves
    error = float(moves.std(ddof=1) / math.sqrt(len(moves))) if len(moves) > 1 else math.nan
    note = f"hop length {_hop_length(frame, settings):.2f} Å"
    number = Quantity.normal(float(moves.mean()), error, "1")
    return Quantity(number.value, "1", error, number.low, number.high, note=note)


def _levels(density: Floats) -> dict[str, float]:
    """Return the density at which a falling level first wraps, by name; NaN where it never does."""
    flat = density.ravel()
    there = np.flatnonzero(flat > 0)
    order = there[np.argsort(-flat[there], kind="stable")]
    shape = (density.shape[0], density.shape[1], density.shape[2])
    found: Wrapping = wrapping(order.astype(np.int64), shape)
    steps = [*found.axes.tolist(), *found.ranks.tolist()]
    names = (*_AXES, *_DIMENSIONS)
    return {
        name: float(flat[order[step - 1]]) if step > 0 else math.nan
        for name, step in zip(names, steps)
    }


def _percolation(
    counted: _Counted, whole: Floats, hops: Quantity, settings: MapSettings
) -> dict[str, Quantity]:
    names = (*_AXES, *_DIMENSIONS)
    if hops.status == "refused" or hops.value < 1.0:
        many = hops.note if hops.status == "refused" else f"{hops.value:.2f} hops per ion"
        reason = f"ions have to hop at least once each to draw their ways: {many}"
        return {name: Quantity.refused("eV", reason) for name in names}
    kept = np.ones(len(counted.frames), dtype=bool)
    at = _levels(whole)
    thermal = BOLTZMANN_EV_PER_K * settings.temperature_K
    energies = _energies(whole, thermal)
    left_out = [
        _energies(counted.density(np.arange(len(kept)) != block), thermal)
        for block in range(len(kept) if len(kept) > 1 else 0)
    ]
    blurred = _energies(counted.density(kept, times=2), thermal)
    found = {}
    for name in names:
        if math.isnan(at[name]):
            found[name] = Quantity.refused("eV", "no way round the cell was visited")
            continue
        visits = _visits(counted, at[name], settings)
        level = _level(energies[name], [one[name] for one in left_out], visits)
        found[name] = _with_blur(level, blurred[name], settings.smearing_A)
    return found


def _energies(density: Floats, thermal: float) -> dict[str, float]:
    """Return the percolation levels as free energies above the deepest point, eV, or NaN."""
    top = float(density.max())
    return {
        name: thermal * math.log(top / value) if value > 0 else math.nan
        for name, value in _levels(density).items()
    }


def _level(level: float, parts: list[float], visits: float) -> Quantity:
    if any(math.isnan(part) for part in parts):
        lacking = Quantity(level, "eV")
        return lacking.provisional("the way is missing where one block of time is left out")
    number = jackknife(level, parts, "eV")
    if visits < _FEWEST_VISITS:
        return number.provisional(f"the narrowest place was visited {visits:.0f} times")
    return number


def _with_blur(level: Quantity, blurred: float, smearing: float) -> Quantity:
    """Say what more smearing makes of a level; provisional where it takes a third of it away."""
    if smearing == 0.0:
        return level
    told = f"{blurred:.3f} eV with a smearing of {math.sqrt(2.0) * smearing:.2f} Å"
    if blurred < (1.0 - _BLUR_SHARE) * level.value:
        return level.provisional(told)
    return replace(level, note=f"{level.note}; {told}" if level.note else told)


def _visits(counted: _Counted, density: float, settings: MapSettings) -> float:
    """Return in how many frames an ion was at a place of this density, within the smearing."""
    voxel = counted.volume / counted.blocks[0].size
    around = float((4.0 * math.pi * settings.smearing_A**2) ** 1.5)
    return float(density * max(voxel, around) * counted.frames.sum())


def _described(frame: _Frame, settings: MapSettings, shape: tuple[int, int, int]) -> str:
    rest = "all other atoms" if len(frame.sampling.elements) > 1 else "all atoms"
    grid = " x ".join(map(str, shape))
    return (
        f"grid {grid}, Gaussian smearing {settings.smearing_A:g} Å, mean motion of {rest} removed"
    )
