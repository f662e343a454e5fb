"""How far ions move: mean square displacements over all time origins, and their low modes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from vitrolyte.data.elements import masses
from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Frames, Trajectory

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

CENTRE_OF_MASS = "centre of mass"
LABORATORY = "laboratory"

_ATOMS_PER_TRANSFORM = 32
_SPACING_TOLERANCE = 1e-3
_FEWEST_FRAMES = 16
_CELL_TOLERANCE_A = 1e-9


@dataclass(frozen=True)
class Reading:
    """How a trajectory is read for its displacements.

    Attributes
    ----------
    frame
        Frame of reference: ``centre of mass`` of all atoms, ``laboratory`` (nothing removed), or
        the symbol of the species whose mean position is at rest.
    memory_MB
        Bound on the buffers; a longer trajectory is read in several passes.
    modes
        Largest number of low-frequency modes that are kept for each atom.
    workers
        Threads of the Fourier transforms.
    """

    frame: str = CENTRE_OF_MASS
    memory_MB: float = 1024.0
    modes: int = 1024
    workers: int = 1


@dataclass(frozen=True, eq=False)
class Displacements:
    r"""Displacements of every species of one trajectory, in the forms that transport needs.

    Attributes
    ----------
    species
        The s species, in order of first appearance.
    step_ps, volume_A3
        Time between frames, ps, and mean volume of the cell, Å³.
    n_frames
        Number of frames n that were used.
    msd
        (s, n) mean square displacement at the lags 0 … n-1, Å², mean over ions and origins.
    joint
        (s, s, n) mean over origins of the products of summed displacements,
        :math:`\langle \Delta R_a \cdot \Delta R_b \rangle`, Å².
    modes
        For each species (m, n_ions, 3): sine modes of the displacement per step, normalised such
        that the mean of their squares is the diffusivity, Å/√ps.
    sum_modes
        (s, m, 3) the same for the sum over the ions of a species.
    frame
        Frame of reference of the displacements.
    """

    species: tuple[str, ...]
    step_ps: float
    volume_A3: float
    n_frames: int
    msd: Floats
    joint: Floats
    modes: tuple[Singles, ...]
    sum_modes: Floats
    frame: str

    @property
    def lags_ps(self) -> Floats:
        """Return the lag times, (n,), ps."""
        return np.asarray(np.arange(self.n_frames) * self.step_ps, dtype=float)

    @property
    def duration_ps(self) -> float:
        """Return the time between the first and the last frame, ps."""
        return (self.n_frames - 1) * self.step_ps

    @property
    def counts(self) -> tuple[int, ...]:
        """Return the number of ions of each species."""
        return tuple(block.shape[1] for block in self.modes)


def mean_square_displacement(
    trajectory: Trajectory,
    species: tuple[str, ...] | None = None,
    *,
    reading: Reading | None = None,
) -> Displacements:
    r"""Return the displacements of each species, averaged over all time origins.

    .. math:: \mathrm{MSD}(k) = \frac{1}{N (n-k)} \sum_i \sum_t |r_i(t+k) - r_i(t)|^2

    by the Wiener–Khinchin theorem, with the drift of the chosen frame of reference removed.

    Parameters
    ----------
    trajectory
        Unwrapped positions at equally spaced times. A few frames at the start may be left out so
        that the length suits the Fourier transform. Where the cell changes, the displacements are
        those that the atoms made, without what the cell did to their distant images.
    species
        The species of interest; all of them by default.

    Raises
    ------
    InputError
        If the times are not equally spaced, the frames too few, or a species is unknown.

    References
    ----------
    Calandrini et al., Collection SFN 12, 201 (2011), https://doi.org/10.1051/sfn/201112010
    """
    reading = reading or Reading()
    names = species or tuple(dict.fromkeys(trajectory.species))
    step = _time_step(trajectory)
    used = int(fft.prev_fast_len(trajectory.n_frames, real=True))
    tracks = _Tracks(trajectory, trajectory.n_frames - used, reading)
    spectra = _spectra(tracks, names)
    if not all(np.isfinite(spectrum.squares).all() for spectrum in spectra):
        raise InputError(
            "Displacements need positions that are finite numbers",
            received="positions with NaN or infinity",
        )
    sums = np.stack([spectrum.total for spectrum in spectra])
    kept = min(used - 1, reading.modes)
    return Displacements(
        species=names,
        step_ps=step,
        volume_A3=float(trajectory.volumes.mean()),
        n_frames=used,
        msd=np.stack([_msd(s.power, s.squares) / s.count for s in spectra]),
        joint=_joint(sums),
        modes=tuple(s.modes / np.float32(np.sqrt(2.0 * step)) for s in spectra),
        sum_modes=sine_modes(sums.transpose(0, 2, 1), kept).transpose(0, 2, 1) / np.sqrt(2 * step),
        frame=reading.frame,
    )


def sine_modes(tracks: Floats, kept: int) -> Floats:
    """Return the lowest sine modes of the displacement per step of tracks ``(..., n)``.

    The orthonormal sine transform (DST-I) of the increments; its basis is exactly that in which a
    random walk with a bounded position noise is uncorrelated, so that neither the ends of the run
    nor the rattling of ions leak into the low modes.

    References
    ----------
    Vestergaard, Blainey & Flyvbjerg, Phys. Rev. E 89, 022726 (2014),
    https://doi.org/10.1103/PhysRevE.89.022726
    """
    n = tracks.shape[-1]
    return _modes_of(fft.rfft(tracks, 2 * n, axis=-1), n, kept)


def _modes_of(transform: NDArray[np.complexfloating], n: int, kept: int) -> Floats:
    # Summing the sine transform of increments by parts gives the cosine transform of positions,
    # which the zero-padded transform for the MSD already holds.
    j = np.arange(1, kept + 1)
    turn = np.exp(-0.5j * np.pi * j / n)
    modes = (transform[..., 1 : kept + 1] * turn).real
    return np.asarray(-2.0 * np.sqrt(2.0 / n) * np.sin(0.5 * np.pi * j / n) * modes)


def _time_step(trajectory: Trajectory) -> float:
    if trajectory.n_frames < _FEWEST_FRAMES:
        raise InputError(
            f"Displacements need at least {_FEWEST_FRAMES} frames",
            received=f"{trajectory.n_frames}",
            remedy="store frames more often or run longer",
        )
    steps = np.diff(trajectory.times)
    mean = float(steps.mean())
    if mean <= 0 or float(np.abs(steps - mean).max()) > _SPACING_TOLERANCE * mean:
        raise InputError(
            "Displacements over all time origins need frames at equal time steps",
            received=f"steps from {steps.min():.6g} to {steps.max():.6g} ps",
            remedy="keep every frame at one common interval",
        )
    return mean


@dataclass(frozen=True, eq=False)
class _Tracks:
    """Positions as seen atom by atom, relative to each atom's first position."""

    trajectory: Trajectory
    first: int
    reading: Reading

    @property
    def length(self) -> int:
        return self.trajectory.n_frames - self.first

    @property
    def origin(self) -> Floats:
        return np.asarray(self.trajectory.read(self.first, self.first + 1).positions[0])

    def _blocks(self) -> Iterator[tuple[slice, Floats]]:
        """Yield the positions block by block, Å, free of what the cell itself does."""
        frame_bytes = 24.0 * self.trajectory.n_atoms
        size = int(np.clip(0.1e6 * self.reading.memory_MB / frame_bytes, 1, 256))
        walked = _Walked() if self._cell_moves else None
        for start in range(self.first, self.trajectory.n_frames, size):
            block = self.trajectory.read(start, start + size)
            part = slice(start - self.first, start - self.first + len(block.times))
            yield part, block.positions if walked is None else walked.follow(block)

    @property
    def _cell_moves(self) -> bool:
        cells = self.trajectory.cells
        return bool(np.abs(cells - cells[0]).max() > _CELL_TOLERANCE_A)

    def drift(self) -> Floats:
        """Return the motion of the frame of reference, (n, 3), Å."""
        weights = self._weights()
        path = np.zeros((self.length, 3))
        if weights.any():
            for part, positions in self._blocks():
                path[part] = weights @ positions
        return np.asarray(path - path[0])

    def _weights(self) -> Floats:
        frame, species = self.reading.frame, self.trajectory.species
        if frame == LABORATORY:
            return np.zeros(len(species))
        if frame == CENTRE_OF_MASS:
            mass = masses(species)
            return np.asarray(mass / mass.sum())
        weights = np.zeros(len(species))
        weights[self.trajectory.indices(frame)] = 1.0
        return np.asarray(weights / weights.sum())

    def groups(self, atoms: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
        """Yield the atoms in groups whose tracks fit into the memory bound."""
        bytes_per_atom = 24.0 * self.length
        size = max(1, int(0.7e6 * self.reading.memory_MB / bytes_per_atom))
        for start in range(0, len(atoms), size):
            yield atoms[start : start + size]

    def gather(self, atoms: NDArray[np.intp], drift: Floats) -> Singles:
        """Return the tracks of some atoms without the drift, (n_atoms, 3, n), Å."""
        origin = self.origin[atoms]
        tracks = np.empty((len(atoms), 3, self.length), dtype=np.float32)
        for part, positions in self._blocks():
            moved = positions[:, atoms] - origin - drift[part, None]
            tracks[:, :, part] = moved.transpose(1, 2, 0)
        return tracks


@dataclass(eq=False)
class _Walked:
    """Follows atoms through a changing cell by the displacements that they made themselves.

    Positions unwrapped by whole cells carry n times the change of the cell for an atom that is n
    cells from home; here each step is taken within the image in which it began (toroidal scheme,
    Bullerjahn et al., J. Chem. Theory Comput. 19, 3406 (2023),
    https://doi.org/10.1021/acs.jctc.3c00308).
    """

    position: Floats | None = None
    cell: Floats | None = None
    path: Floats | None = None

    def follow(self, block: Frames) -> Floats:
        """Return the positions of the next block, (k, n_atoms, 3), Å."""
        positions, cells = block.positions, block.cells
        if self.position is None or self.cell is None or self.path is None:
            self.position, self.cell, self.path = positions[0], cells[0], positions[0]
        before = np.concatenate([self.position[None], positions[:-1]])
        cells_before = np.concatenate([self.cell[None], cells[:-1]])
        images = np.floor(before @ np.linalg.inv(cells_before))
        steps = positions - before - images @ (cells - cells_before)
        paths = self.path + np.cumsum(steps, axis=0)
        self.position, self.cell, self.path = positions[-1], cells[-1], paths[-1]
        return np.asarray(paths)


@dataclass(eq=False)
class _Spectrum:
    """Sums over the ions of one species, collected group by group."""

    power: Floats
    squares: Floats
    total: Floats
    modes: Singles
    count: int = 0


def _spectra(tracks: _Tracks, names: tuple[str, ...]) -> list[_Spectrum]:
    n, reading = tracks.length, tracks.reading
    kept = min(n - 1, reading.modes)
    members = [tracks.trajectory.indices(name) for name in names]
    found = [
        _Spectrum(
            np.zeros(n + 1),
            np.zeros(n),
            np.zeros((n, 3)),
            np.empty((kept, len(atoms), 3), dtype=np.float32),
        )
        for atoms in members
    ]
    drift = tracks.drift()
    rows = np.repeat(np.arange(len(names)), [len(atoms) for atoms in members])
    atoms = np.concatenate(members)
    for group in tracks.groups(np.arange(len(atoms))):
        paths = tracks.gather(atoms[group], drift)
        for row, spectrum in enumerate(found):
            _add_species(spectrum, paths[rows[group] == row], reading.workers)
    return found


def _add_species(found: _Spectrum, paths: Singles, workers: int) -> None:
    found.total += paths.sum(axis=0, dtype=float).T
    for start in range(0, len(paths), _ATOMS_PER_TRANSFORM):
        part = paths[start : start + _ATOMS_PER_TRANSFORM]
        # Single precision loses the short lags of a far-travelled ion unless it is centred.
        part = part - part.mean(axis=2, keepdims=True)
        _add(found, part, workers)


def _add(found: _Spectrum, part: Singles, workers: int) -> None:
    n = part.shape[-1]
    transform = fft.rfft(part, 2 * n, axis=-1, workers=workers)
    power = transform.real**2 + transform.imag**2
    found.power += power.sum(axis=(0, 1), dtype=float)
    found.squares += np.square(part).sum(axis=(0, 1), dtype=float)
    low = _modes_of(transform, n, len(found.modes))
    found.modes[:, found.count : found.count + len(part)] = low.transpose(2, 0, 1)
    found.count += len(part)


def _msd(power: Floats, squares: Floats) -> Floats:
    """Return the mean over time origins from a power spectrum and the squared distances."""
    n = len(squares)
    products = fft.irfft(power, 2 * n)[:n]
    below = np.concatenate([[0.0], np.cumsum(squares)])
    # Sum of squares over all origins t and over all ends t + k, for each lag k.
    sums = below[n - np.arange(n)] + (below[n] - below[np.arange(n)])
    msd = (sums - 2.0 * products) / (n - np.arange(n))
    msd[0] = 0.0
    return np.asarray(msd)


def _joint(sums: Floats) -> Floats:
    """Return <ΔR_a·ΔR_b> at every lag for the summed tracks (s, n, 3)."""
    s, n, _ = sums.shape
    centred = sums - sums.mean(axis=1, keepdims=True)
    transform = fft.rfft(centred, 2 * n, axis=1)
    joint = np.empty((s, s, n))
    for a in range(s):
        for b in range(a + 1):
            power = (transform[a] * transform[b].conj()).real.sum(axis=-1)
            products = (centred[a] * centred[b]).sum(axis=-1)
            joint[a, b] = joint[b, a] = _msd(power, products)
    return joint
