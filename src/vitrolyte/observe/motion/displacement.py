"""How far ions move: mean square displacements over all time origins, and their low modes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.tracks import CENTRE_OF_MASS, Floats, Singles, Tracks, time_step

_ATOMS_PER_TRANSFORM = 32


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
    step = time_step(trajectory)
    used = int(fft.prev_fast_len(trajectory.n_frames, real=True))
    tracks = Tracks(trajectory, trajectory.n_frames - used, reading.frame, reading.memory_MB)
    spectra = _spectra(tracks, names, reading)
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


@dataclass(eq=False)
class _Spectrum:
    """Sums over the ions of one species, collected group by group."""

    power: Floats
    squares: Floats
    total: Floats
    modes: Singles
    count: int = 0


def _spectra(tracks: Tracks, names: tuple[str, ...], reading: Reading) -> list[_Spectrum]:
    n = tracks.length
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
