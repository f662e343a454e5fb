"""Orientations of rotors in time: bond directions, and the rotation of the whole body."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.trajectory import Frames
from vitrolyte.observe.rotation.attitude_kernels import fitted_rotations
from vitrolyte.observe.rotation.molecules import Life, Rotors

Floats = NDArray[np.float64]

_LINEAR = 0.1
_SHAPE_FRAMES = 200
_SHAPE_ROUNDS = 3
_IMAGES = np.array(np.meshgrid(*[[-1.0, 0.0, 1.0]] * 3)).reshape(3, -1).T


@dataclass(frozen=True, eq=False)
class Turning:
    """The orientation of one rotor from the first to the last frame of its life.

    Attributes
    ----------
    life
        Which rotor.
    number
        Its place among the lives that were asked for.
    bonds
        (n_bonds, n_frames, 3), unit vectors of the bonds, from the root outwards.
    attitude
        (n_frames, 3) unit vector along a linear rotor, or (n_frames, 4) unit quaternion that
        turns the mean shape of any other into its place, by the least squares of all atoms;
        without jumps of sign.
    """

    life: Life
    number: int
    bonds: Floats
    attitude: Floats

    @property
    def is_linear(self) -> bool:
        """Return whether only a direction is to be seen."""
        return bool(self.attitude.shape[1] == 3)


def turnings(
    rotors: Rotors, lives: Sequence[Life], *, memory_MB: float = 800.0
) -> Iterator[Turning]:
    """Yield the orientations of rotors of one sort, read in groups that fit into memory.

    Parameters
    ----------
    rotors
        With the trajectory, streamed once for each group.
    lives
        Of one sort.
    memory_MB
        Bound of what a group holds.
    """
    each = 8.0 * 3 * len(lives[0].atoms) * rotors.trajectory.n_frames if lives else 1.0
    size = max(1, int(0.4e6 * memory_MB / each))
    for start in range(0, len(lives), size):
        group = lives[start : start + size]
        for number, shape in enumerate(_wholes(rotors, group), start=start):
            yield _turning(group[number - start], number, shape)


def _wholes(rotors: Rotors, lives: Sequence[Life]) -> list[Floats]:
    """Return the atoms of each rotor relative to its root, (n_frames, n_atoms, 3), Å."""
    trajectory = rotors.trajectory
    first, stop = min(life.first for life in lives), max(life.stop for life in lives)
    found = [np.empty((life.frames, len(life.atoms), 3)) for life in lives]
    size = max(1, min(256, 2_000_000 // trajectory.n_atoms))
    for start in range(first, stop, size):
        block = trajectory.read(start, min(stop, start + size))
        for life, here, whole in zip(lives, unfolded(block, lives), found):
            low, high = max(life.first, start), min(life.stop, start + len(block.times))
            if low < high:
                part = slice(low - life.first, high - life.first)
                whole[part] = here[low - start : high - start]
    return found


def unfolded(block: Frames, lives: Sequence[Life]) -> list[Floats]:
    """Return molecules made whole, relative to their roots, (n_frames, n_atoms, 3) each, Å.

    Parameters
    ----------
    block
        Frames in memory.
    lives
        The molecules, whether they live in these frames or not.
    """
    found: list[Floats] = [np.empty(0)] * len(lives)
    images = NearestImages.of(block.cells)
    for parents in {life.parents for life in lives}:
        which = [k for k, life in enumerate(lives) if life.parents == parents]
        atoms = np.array([lives[k].atoms for k in which])
        positions = block.positions[:, atoms]
        whole = np.zeros_like(positions)
        for place, parent in enumerate(parents[1:], start=1):
            bond = images(positions[:, :, place] - positions[:, :, parent])
            whole[:, :, place] = whole[:, :, parent] + bond
        for row, k in enumerate(which):
            found[k] = whole[:, row]
    return found


@dataclass(frozen=True, eq=False)
class NearestImages:
    """Reduces vectors to their nearest images, frame by frame, in any cell.

    Attributes
    ----------
    cells, inverse
        (n_frames, 3, 3), Å and 1/Å.
    narrow
        A vector shorter than this is the nearest image for certain, Å.
    """

    cells: Floats
    inverse: Floats
    narrow: float

    @classmethod
    def of(cls, cells: Floats) -> NearestImages:
        """Return the reduction for some cells, (n_frames, 3, 3), Å."""
        inverse = np.asarray(np.linalg.inv(cells), dtype=float)
        widths = 1.0 / np.linalg.norm(inverse, axis=1)
        return cls(cells, inverse, 0.5 * float(widths.min()))

    def __call__(self, vectors: Floats) -> Floats:
        """Return the nearest images of vectors, (n_frames, n, 3), Å.

        In a skewed cell the image that rounding gives need not be the nearest one; where a
        vector is longer than half the distance between two faces, its neighbours are tried too.
        """
        found = vectors - np.rint(vectors @ self.inverse) @ self.cells
        far = np.nonzero(np.einsum("fni,fni->fn", found, found) > self.narrow**2)
        if len(far[0]):
            images = found[far][:, None] + _IMAGES @ self.cells[far[0]]
            best = np.einsum("nki,nki->nk", images, images).argmin(axis=1)
            found[far] = images[np.arange(len(best)), best]
        return np.asarray(found)


def _turning(life: Life, number: int, whole: Floats) -> Turning:
    bonds = np.stack([whole[:, b] - whole[:, a] for a, b in life.bonds])
    bonds /= np.linalg.norm(bonds, axis=2, keepdims=True)
    return Turning(life, number, np.ascontiguousarray(bonds), attitude(whole))


def attitude(whole: Floats) -> Floats:
    """Return the orientation of a molecule in each frame: direction, or quaternion.

    The body is turned onto its own mean shape by the rotation of least squares (never a
    reflection), all atoms with equal weight about their mean position. Atoms keep their
    identity, so that a turn onto an equivalent orientation is a turn.

    Parameters
    ----------
    whole
        (n_frames, n_atoms, 3), Å.

    Returns
    -------
    attitude
        (n_frames, 3) where the mean shape is a line, else (n_frames, 4).

    References
    ----------
    Kabsch, Acta Cryst. A 32, 922 (1976), doi:10.1107/S0567739476001873; Horn, J. Opt. Soc. Am. A
    4, 629 (1987), doi:10.1364/JOSAA.4.000629.
    """
    centred = whole - whole.mean(axis=1, keepdims=True)
    shape = mean_shape(centred)
    spread = np.linalg.svd(shape, compute_uv=False)
    if len(shape) == 2 or spread[1] < _LINEAR * spread[0]:
        ends = shape @ np.linalg.svd(shape)[2][0]
        along = whole[:, ends.argmax()] - whole[:, ends.argmin()]
        # From the root outwards, as a chemist points an OH.
        sign = -1.0 if ends.argmax() == 0 else 1.0
        return np.asarray(sign * along / np.linalg.norm(along, axis=1, keepdims=True))
    return np.asarray(fitted_rotations(np.ascontiguousarray(centred), shape))


def mean_shape(centred: Floats) -> Floats:
    """Return the mean shape of a body about its middle, (n_atoms, 3), Å, as it stands first."""
    some = np.ascontiguousarray(centred[:: max(1, len(centred) // _SHAPE_FRAMES)])
    shape = np.ascontiguousarray(centred[0])
    if len(shape) == 2:
        return shape
    for _ in range(_SHAPE_ROUNDS):
        turns = matrices(fitted_rotations(some, shape))
        shape = np.ascontiguousarray(np.einsum("nij,nki->kj", turns, some) / len(some))
    return shape


def matrices(quaternions: Floats) -> Floats:
    """Return the rotation matrices of unit quaternions (w, x, y, z), (n, 3, 3)."""
    w, x, y, z = quaternions.T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.asarray(np.moveaxis(np.array(rows), -1, 0))
