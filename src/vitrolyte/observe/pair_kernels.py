"""The hot loops that count pairs of atoms by distance.

The cell is cut into columns along its third vector, a third of the range wide, and each column
into short slices. The atoms are sorted by column and slice, so that those which an atom can reach
in another column lie one after the other in memory and are run over without a question asked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Sorted = tuple[Floats, NDArray[np.int32], Integers, Floats]

# Columns and slices in the range of distances: the best of a few that were measured.
_COLUMNS_IN_RANGE = 3.0
_SLICES_IN_RANGE = 12.0
# Pairs that are gathered before they are counted; they fit into the first cache.
_GATHERED = 2048
# Above the rounding of a distance, Å.
_MARGIN = 1e-7


@dataclass(frozen=True, eq=False)
class Columns:
    """How one cell is cut into columns for a range of distances.

    Attributes
    ----------
    frame
        (3, 3), Å, the cell turned so that its third vector lies along z and its second in the
        plane y-z; upper triangular.
    shape
        (3,), columns along the first two vectors and slices in a column.
    r_max
        Range of distances, Å.
    n_bins
        Bins up to the range.
    farthest
        No pair is looked at that is farther apart, Å.
    steps
        (2,), how many columns away a partner may be, along each vector.
    """

    frame: Floats
    shape: Integers
    r_max: float
    n_bins: int
    farthest: float
    steps: Integers

    @property
    def count(self) -> int:
        """Return the number of columns."""
        return int(self.shape[0] * self.shape[1])

    @property
    def stride(self) -> int:
        """Return the number of bins of one pair of species, those beyond the range included."""
        return int(self.farthest * self.n_bins / self.r_max) + 4


def columns(cell: Floats, r_max: float, n_bins: int, n_atoms: int) -> Columns:
    """Return how a cell is cut for pairs up to a distance.

    Parameters
    ----------
    cell
        (3, 3), Å.
    r_max
        Å, at most half the smallest perpendicular width of the cell.
    n_bins
        Bins up to ``r_max``.
    n_atoms
        In a dilute cell the slices are made no more than four for each atom.
    """
    frame = _upright(cell)
    wide = np.array(
        [frame[0, 0], frame[0, 0] * frame[1, 1] / np.hypot(frame[0, 0], frame[0, 1]), frame[2, 2]]
    )
    finest = wide * [_COLUMNS_IN_RANGE, _COLUMNS_IN_RANGE, _SLICES_IN_RANGE] / r_max
    crowding = min(1.0, (4.0 * n_atoms / float(np.prod(finest))) ** (1.0 / 3.0))
    shape = np.maximum(1, finest * crowding).astype(np.int64)
    corner = np.hypot(frame[0, 0] / shape[0], abs(frame[0, 1]) / shape[0] + frame[1, 1] / shape[1])
    farthest = float(r_max + corner + frame[2, 2] / shape[2])
    steps = np.ceil(r_max * shape[:2] / wide[:2] + 1e-9).astype(np.int64)
    return Columns(frame, shape, r_max, n_bins, farthest, steps)


def _upright(cell: Floats) -> Floats:
    """Return the cell turned (or mirrored) to an upper triangle with a positive diagonal."""
    up = cell[2] / np.linalg.norm(cell[2])
    across = cell[1] - (cell[1] @ up) * up
    across /= np.linalg.norm(across)
    turned = cell @ np.array([np.cross(across, up), across, up]).T
    if turned[0, 0] < 0:
        turned[:, 0] *= -1
    return np.asarray(np.triu(turned), dtype=float)


def count_frame(
    fractional: Floats, kinds: Integers, cut: Columns, *, part: int = 0, parts: int = 1
) -> Integers:
    """Return the pairs of one frame by distance, (n_species, n_species, n_bins), for a <= b.

    Parameters
    ----------
    fractional
        (3, n_atoms), wrapped or not.
    kinds
        (n_atoms,), species of each atom.
    cut
        See `columns`.
    part, parts
        Which of so many shares of the columns is counted; the shares add up to the whole.
    """
    n_kinds = int(kinds.max()) + 1
    stride = cut.stride
    ends = cut.count * part // parts, cut.count * (part + 1) // parts
    ordered = _sorted_atoms(fractional, kinds, cut.frame, cut.shape, stride)
    scale = cut.n_bins / cut.r_max
    found = _count(
        *ordered, cut.frame, cut.shape, cut.steps, cut.r_max, scale, n_kinds, stride, *ends
    )
    counts = found.reshape(n_kinds, n_kinds, stride)[:, :, : cut.n_bins]
    upper = np.triu(np.ones((n_kinds, n_kinds), dtype=np.int64), 1)[:, :, None]
    same = np.eye(n_kinds, dtype=np.int64)[:, :, None]
    return np.asarray(counts * same + (counts + counts.transpose(1, 0, 2)) * upper)


@njit(cache=True, nogil=True)
def _sorted_atoms(
    fractional: Floats, kinds: Integers, frame: Floats, shape: Integers, stride: int
) -> Sorted:
    """Return positions, species times ``stride``, first atom of each slice, rims of the columns.

    Hot loop. Positions are in the turned frame, within the cell; the rims are the least and the
    greatest x and y of the atoms of a column, (n_columns, 4): least x, y, greatest x, y.
    """
    n = fractional.shape[1]
    n0, n1, nz = shape
    depth = frame[2, 2]
    key = np.empty(n, dtype=np.int64)
    place = np.empty((3, n))
    starts = np.zeros(n0 * n1 * nz + 1, dtype=np.int64)
    for i in range(n):
        u = fractional[0, i] - np.floor(fractional[0, i])
        v = fractional[1, i] - np.floor(fractional[1, i])
        z = u * frame[0, 2] + v * frame[1, 2] + fractional[2, i] * depth
        z -= np.floor(z / depth) * depth
        place[0, i] = u * frame[0, 0]
        place[1, i] = u * frame[0, 1] + v * frame[1, 1]
        place[2, i] = z
        column = min(int(u * n0), n0 - 1) * n1 + min(int(v * n1), n1 - 1)
        key[i] = column * nz + min(int(z * (nz / depth)), nz - 1)
        starts[key[i] + 1] += 1
    for k in range(len(starts) - 1):
        starts[k + 1] += starts[k]
    filled = starts[:-1].copy()
    positions = np.empty((3, n))
    rows = np.empty(n, dtype=np.int32)
    rims = np.empty((n0 * n1, 4))
    rims[:, :2] = np.inf
    rims[:, 2:] = -np.inf
    for i in range(n):
        at = filled[key[i]]
        filled[key[i]] += 1
        positions[:, at] = place[:, i]
        rows[at] = kinds[i] * stride
        column = key[i] // nz
        for axis in range(2):
            rims[column, axis] = min(rims[column, axis], place[axis, i])
            rims[column, 2 + axis] = max(rims[column, 2 + axis], place[axis, i])
    return positions, rows, starts, rims


@njit(nogil=True, inline="always")
def _gap(low: float, high: float, x: float) -> float:
    """Return how far x lies outside an interval."""
    return max(low - x, x - high, 0.0)


@njit(cache=True, nogil=True)
def _bin(squares: Floats, rows: NDArray[np.int32], n: int, scale: float, found: Integers) -> None:
    """Count the first n gathered pairs.

    Hot loop. Pairs beyond the range fall into bins beyond the range, so that nothing is asked.
    """
    for m in range(n):
        rows[m] += np.int32(np.sqrt(squares[m]) * scale)
    for m in range(n):
        found[np.uint32(rows[m])] += 1


@njit(cache=True, nogil=True, fastmath={"contract"})
def _count(
    positions: Floats,
    rows: NDArray[np.int32],
    starts: Integers,
    rims: Floats,
    frame: Floats,
    shape: Integers,
    steps: Integers,
    r_max: float,
    scale: float,
    n_kinds: int,
    stride: int,
    first: int,
    last: int,
) -> Integers:
    """Return the pairs of the columns ``first <= c < last`` with all others by bin.

    Hot loop. Each pair of images is met once: of two opposite steps between columns one is taken,
    and within a column the partner must come later. For each atom the rim of the other column
    bounds the height it can reach; the atoms between lie in a row, once or twice round the cell.
    """
    n0, n1, nz = shape
    depth = frame[2, 2]
    x, y, z = positions[0], positions[1], positions[2]
    slices = nz / depth
    limit = r_max * r_max
    room_for = _GATHERED + (starts[nz::nz] - starts[:-1:nz]).max()
    squares, bins = np.empty(room_for), np.empty(room_for, dtype=np.int32)
    found = np.zeros(n_kinds * n_kinds * stride, dtype=np.int64)
    gathered = 0
    for home in range(first, last):
        begin, end = starts[home * nz], starts[(home + 1) * nz]
        for s0 in range(steps[0] + 1 if begin < end else 0):
            for s1 in range(-steps[1] if s0 > 0 else 0, steps[1] + 1):
                t0, t1 = (home // n1 + s0) // n0, (home % n1 + s1) // n1
                other = (home // n1 + s0 - t0 * n0) * n1 + home % n1 + s1 - t1 * n1
                own = s0 == 0 and s1 == 0
                shift_x = t0 * frame[0, 0]
                shift_y = t0 * frame[0, 1] + t1 * frame[1, 1]
                shift_z = t0 * frame[0, 2] + t1 * frame[1, 2]
                for i in range(begin, end):
                    xi, yi, zi = x[i] - shift_x, y[i] - shift_y, z[i] - shift_z
                    dx = _gap(rims[other, 0], rims[other, 2], xi)
                    dy = _gap(rims[other, 1], rims[other, 3], yi)
                    room = limit - dx * dx - dy * dy
                    if room <= 0.0:
                        continue
                    reach = np.sqrt(room) + _MARGIN
                    low = int(np.floor((zi - reach) * slices))
                    if own:
                        low = min(int(zi * slices), nz - 1)
                    high = int(np.floor((zi + reach) * slices))
                    while low < 0:
                        low, high, zi = low + nz, high + nz, zi + depth
                    while low >= nz:
                        low, high, zi = low - nz, high - nz, zi - depth
                    begin_j = i + 1 if own else starts[other * nz + low]
                    row = rows[i] * np.int32(n_kinds)
                    while high >= 0:
                        n = starts[other * nz + min(high, nz - 1) + 1] - begin_j
                        for j in range(n):
                            ex, ey, ez = (
                                x[begin_j + j] - xi,
                                y[begin_j + j] - yi,
                                z[begin_j + j] - zi,
                            )
                            squares[gathered + j] = ex * ex + ey * ey + ez * ez
                            bins[gathered + j] = row + rows[begin_j + j]
                        gathered += max(n, 0)
                        if gathered >= _GATHERED:
                            _bin(squares, bins, gathered, scale, found)
                            gathered = 0
                        high, zi = high - nz, zi - depth
                        begin_j = starts[other * nz]
    _bin(squares, bins, gathered, scale, found)
    return found
