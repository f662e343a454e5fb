"""How far ions move: mean square displacements over all times, and their low modes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.motion.cascade import Cascade, scales_of
from vitrolyte.observe.threads import in_order
from vitrolyte.observe.tracks import CENTRE_OF_MASS, Floats, Singles, Tracks, time_step

_COLUMNS_PER_TRANSFORM = 96


@dataclass(frozen=True)
class Reading:
    """How a trajectory is read for its displacements.

    Attributes
    ----------
    frame
        Frame of reference: ``centre of mass`` of all atoms, ``laboratory`` (nothing removed), or
        the symbol of the species whose mean position is at rest.
    memory_MB
        Bound on the buffers, whatever the length of the trajectory.
    modes
        Largest number of low-frequency modes that are kept for each atom.
    threads
        Threads that follow the atoms; by default as many as this process may use.
    """

    frame: str = CENTRE_OF_MASS
    memory_MB: float = 1024.0
    modes: int = 1024
    threads: int | None = None

    def __post_init__(self) -> None:
        if not self.memory_MB > 0 or self.modes < 8 or (self.threads or 1) < 1:
            raise InputError(
                "Displacements need memory, at least 8 modes and at least one thread",
                received=f"{self.memory_MB:g} MB, {self.modes} modes, {self.threads} threads",
            )


@dataclass(frozen=True, eq=False)
class Displacements:
    r"""Displacements of every species of one trajectory, in the forms that transport needs.

    Attributes
    ----------
    species
        The s species, in order of first appearance.
    step_ps, volume_A3
        Time between frames, ps, and mean volume of the cell, Å³.
    cell
        (3, 3), mean cell, Å, rows are the vectors.
    n_frames
        Number of frames n that were used.
    lags
        (l,) lags at which displacements are known, frames, rising from 0.
    tensors
        (s, d, d, l) mean over ions and origins of the products of the components of displacements
        at these lags, :math:`\langle \Delta r_\alpha \Delta r_\beta \rangle`, Å².
    joint_tensors
        (s, s, d, d, l) the same of summed displacements,
        :math:`\langle \Delta R_{a \alpha} \Delta R_{b \beta} \rangle`, Å².
    modes
        For each species (m, n_ions, d): sine modes of the displacement per step, normalised such
        that the mean of their squares is the diffusivity, Å/√ps.
    sum_modes
        (s, m, d) the same for the sum over the ions of a species.
    points
        Number of points in time from which the modes are made; in a long run each is the mean
        over several frames.
    frame
        Frame of reference of the displacements.
    """

    species: tuple[str, ...]
    step_ps: float
    volume_A3: float
    cell: Floats
    n_frames: int
    lags: NDArray[np.int64]
    tensors: Floats
    joint_tensors: Floats
    modes: tuple[Singles, ...]
    sum_modes: Floats
    points: int
    frame: str

    @property
    def dimensions(self) -> int:
        """Return in how many directions d displacements are looked at: 3, or fewer along axes."""
        return int(self.tensors.shape[1])

    @property
    def msd(self) -> Floats:
        """Return the mean square displacements, (s, l), Å²."""
        return np.asarray(np.einsum("saal->sl", self.tensors))

    @property
    def joint(self) -> Floats:
        """Return <ΔR_a·ΔR_b>, (s, s, l), Å²."""
        return np.asarray(np.einsum("abccl->abl", self.joint_tensors))

    @property
    def lags_ps(self) -> Floats:
        """Return the lag times, (l,), ps."""
        return np.asarray(self.lags * self.step_ps, dtype=float)

    @property
    def duration_ps(self) -> float:
        """Return the time between the first and the last frame, ps."""
        return (self.n_frames - 1) * self.step_ps

    @property
    def counts(self) -> tuple[int, ...]:
        """Return the number of ions of each species."""
        return tuple(block.shape[1] for block in self.modes)

    def at(self, lag: float) -> int:
        """Return which of the known lags is nearest to a lag, frames."""
        return int(np.argmin(np.abs(self.lags - lag)))

    def along(self, axes: Floats) -> Displacements:
        """Return the displacements along one axis or in a plane.

        Parameters
        ----------
        axes
            (k, 3), k orthonormal vectors, in the frame in which the cell is given.

        Raises
        ------
        InputError
            If the axes are not orthonormal.
        """
        axes = np.atleast_2d(np.asarray(axes, dtype=float))
        if axes.shape[1] != self.dimensions or not np.allclose(axes @ axes.T, np.eye(len(axes))):
            raise InputError(
                f"Axes are orthonormal vectors of {self.dimensions} components",
                received=f"{axes.tolist()}",
            )
        single = axes.astype(np.float32)
        return replace(
            self,
            tensors=np.einsum("xa,sabl,yb->sxyl", axes, self.tensors, axes),
            joint_tensors=np.einsum("xa,stabl,yb->stxyl", axes, self.joint_tensors, axes),
            modes=tuple(block @ single.T for block in self.modes),
            sum_modes=self.sum_modes @ axes.T,
        )


def mean_square_displacement(
    trajectory: Trajectory,
    species: tuple[str, ...] | None = None,
    *,
    reading: Reading | None = None,
) -> Displacements:
    r"""Return the displacements of each species, averaged over time origins.

    .. math:: \mathrm{MSD}(k) = \frac{1}{N (n-k)} \sum_i \sum_t |r_i(t+k) - r_i(t)|^2

    in one pass through the frames, with the drift of the chosen frame of reference removed. Every
    frame is an origin up to some lag (32 frames at least; all lags of a small run); the origins of
    longer lags lie at most 1/16 of the lag apart. In a long run the modes are those of positions
    averaged over a few frames, which leaves their limit at low frequency as it is.

    Parameters
    ----------
    trajectory
        Unwrapped positions at equally spaced times. A few frames at the start may be left out so
        that the length suits the cosine transform. Where the cell changes, the displacements are
        those that the atoms made, without what the cell did to their distant images.
    species
        The species of interest; all of them by default.

    Raises
    ------
    InputError
        If the times are not equally spaced, the frames too few, a species is unknown, or
        positions are no finite numbers.

    References
    ----------
    Dubbeldam, Ford, Ellis & Snurr, Mol. Simul. 35, 1084 (2009),
    https://doi.org/10.1080/08927020902818039
    """
    reading = reading or Reading()
    names = species or tuple(dict.fromkeys(trajectory.species))
    step = time_step(trajectory)
    members = tuple(trajectory.indices(name) for name in names)
    scales = scales_of(trajectory.n_frames, sum(map(len, members)), reading.memory_MB)
    first = trajectory.n_frames - scales.n_frames
    tracks = Tracks(trajectory, first, reading.frame, reading.memory_MB)
    seen = Cascade(scales, members)
    seen.run(tracks, reading.threads)
    tensors = seen.tensors
    if not np.isfinite(tensors).all():
        raise InputError(
            "Displacements need positions that are finite numbers",
            received="positions with NaN or infinity",
        )
    unit = 1.0 / np.sqrt(2.0 * step * scales.span)
    kept = min(scales.points - 1, reading.modes)
    return Displacements(
        species=names,
        step_ps=step,
        volume_A3=float(trajectory.volumes.mean()),
        cell=np.asarray(trajectory.cells.mean(axis=0)),
        n_frames=scales.n_frames,
        lags=scales.lags,
        tensors=tensors,
        joint_tensors=seen.joint_tensors,
        modes=_ion_modes(seen, kept, unit),
        sum_modes=sine_modes(seen.sum_means.transpose(1, 2, 0), kept).transpose(0, 2, 1) * unit,
        points=scales.points,
        frame=reading.frame,
    )


def sine_modes(tracks: NDArray[np.floating], kept: int) -> NDArray[np.floating]:
    """Return the lowest sine modes of the displacement per step of tracks ``(..., n)``.

    The orthonormal sine transform (DST-I) of the increments; its basis is exactly that in which a
    random walk with a bounded position noise is uncorrelated, so that neither the ends of the run
    nor the rattling of ions leak into the low modes. Summed by parts it is the cosine transform of
    the positions.

    References
    ----------
    Vestergaard, Blainey & Flyvbjerg, Phys. Rev. E 89, 022726 (2014),
    https://doi.org/10.1103/PhysRevE.89.022726
    """
    n = tracks.shape[-1]
    # Single precision loses the low modes of a far-travelled ion unless it is centred.
    centred = tracks - tracks.mean(axis=-1, keepdims=True)
    half = 0.5 * np.pi * np.arange(1, kept + 1) / n
    turned = fft.dct(centred, type=2, axis=-1)[..., 1 : kept + 1]
    return np.asarray((-np.sqrt(2.0 / n) * np.sin(half)).astype(tracks.dtype) * turned)


def _ion_modes(seen: Cascade, kept: int, unit: float) -> tuple[Singles, ...]:
    """Return the modes of each species, made in the place of the averaged positions."""
    columns = seen.means.reshape(len(seen.means), -1)

    def transform(start: int) -> None:
        part = slice(start, start + _COLUMNS_PER_TRANSFORM)
        tracks = np.ascontiguousarray(columns[:, part].T)
        columns[:kept, part] = sine_modes(tracks, kept).T * np.float32(unit)

    for _ in in_order(transform, range(0, columns.shape[1], _COLUMNS_PER_TRANSFORM)):
        pass
    # The rows beyond are worth giving back where they are many.
    low = seen.means[:kept] if 2 * kept > len(columns) else seen.means[:kept].copy()
    ions = zip(seen.starts[:-1], seen.starts[1:], strict=True)
    return tuple(low[:, :, a:b].transpose(0, 2, 1) for a, b in ions)
