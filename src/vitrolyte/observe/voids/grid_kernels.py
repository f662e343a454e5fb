"""Hot loops on the grid of a periodic cell: clearance, percolation, sizes of pores."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@njit(cache=True, nogil=True)
def paint_clearance(
    fractional: Floats, radii: Floats, cell: Floats, widths: Floats, farthest: float, grid: Floats
) -> None:
    """Lower each point of a grid to the distance to the nearest surface of an atom, Å.

    Hot loop. Each atom is painted up to ``farthest`` from its surface, over all images.

    Parameters
    ----------
    fractional
        (n_atoms, 3), inside the cell.
    radii
        (n_atoms,), Å.
    cell, widths
        (3, 3) and (3,), Å, cell vectors and distances between opposite faces.
    farthest
        Å.
    grid
        (n0, n1, n2), points at ``(i / n0, j / n1, k / n2)``; starts at ``farthest``.
    """
    n0, n1, n2 = grid.shape
    for atom in range(len(fractional)):
        reach = radii[atom] + farthest
        u, v, w = fractional[atom]
        span0, span1, span2 = reach / widths[0], reach / widths[1], reach / widths[2]
        for i in range(int(np.ceil((u - span0) * n0)), int(np.floor((u + span0) * n0)) + 1):
            du = i / n0 - u
            for j in range(int(np.ceil((v - span1) * n1)), int(np.floor((v + span1) * n1)) + 1):
                dv = j / n1 - v
                x0 = du * cell[0, 0] + dv * cell[1, 0]
                y0 = du * cell[0, 1] + dv * cell[1, 1]
                z0 = du * cell[0, 2] + dv * cell[1, 2]
                for k in range(int(np.ceil((w - span2) * n2)), int(np.floor((w + span2) * n2)) + 1):
                    dw = k / n2 - w
                    x, y, z = x0 + dw * cell[2, 0], y0 + dw * cell[2, 1], z0 + dw * cell[2, 2]
                    square = x * x + y * y + z * z
                    at = (i % n0, j % n1, k % n2)
                    limit = grid[at] + radii[atom]
                    if limit > 0.0 and square < limit * limit:
                        grid[at] = np.sqrt(square) - radii[atom]


@njit(cache=True, nogil=True)
def _root(parents: Integers, steps: Integers, start: int, total: Integers) -> int:
    """Return the root of a voxel and write the images between them; halves paths as it goes."""
    total[:] = 0
    node = start
    while parents[node] != node:
        up = parents[node]
        for axis in range(3):
            steps_up = steps[up, axis] if parents[up] != up else 0
            total[axis] += steps[node, axis] + steps_up
            steps[node, axis] += steps_up
        parents[node] = parents[up]
        node = parents[node]
    return node


@njit(cache=True, nogil=True)
def _count(parents: Integers, peaks: Floats, least: float) -> int:
    """Return the number of parts whose roomiest point reaches a clearance."""
    found = 0
    for point in range(len(parents)):
        if parents[point] == point and peaks[point] >= least:
            found += 1
    return found


@njit(cache=True, nogil=True)
def flood(
    order: Integers,
    clearance: Floats,
    shape: Integers,
    probes: Floats,
    resolved: float,
    thresholds: Floats,
    parts: Integers,
    largest: Integers,
) -> None:
    """Join the points of a grid from the roomiest down and note when they percolate.

    Hot loop. Points joined over a face of the cell remember the image they lead to; where a join
    closes on another image of its own part, that part has no end along the components of the
    difference.

    Parameters
    ----------
    order
        (n,), points by falling clearance, down to the smallest probe or the last percolation.
    clearance, shape
        (n_points,), Å, and (3,), the grid.
    probes
        (n_probes,), Å, falling.
    resolved
        Å, a part counts where its roomiest point lies so far above the probe: smaller ones are
        corners of voids that the grid cuts off.
    thresholds
        (4,), filled with the greatest clearance at which a part percolates along the first,
        second and third cell vector, and along any.
    parts, largest
        (n_probes,), filled with the number of parts and the points of the largest.
    """
    n = len(clearance)
    parents = np.full(n, -1, dtype=np.int64)
    steps = np.zeros((n, 3), dtype=np.int64)
    sizes = np.zeros(n, dtype=np.int64)
    here, there = np.zeros(3, dtype=np.int64), np.zeros(3, dtype=np.int64)
    across, place = np.zeros(3, dtype=np.int64), np.zeros(3, dtype=np.int64)
    thresholds[:] = -np.inf
    biggest, next_probe = 0, 0
    peaks = np.zeros(n)
    for point in order:
        level = clearance[point]
        while next_probe < len(probes) and level < probes[next_probe]:
            parts[next_probe] = _count(parents, peaks, probes[next_probe] + resolved)
            largest[next_probe] = biggest
            next_probe += 1
        if next_probe == len(probes) and thresholds[:3].min() > -np.inf:
            return
        parents[point] = point
        sizes[point] = 1
        biggest = max(biggest, 1)
        peaks[point] = level
        place[0] = point // (shape[1] * shape[2])
        place[1] = point // shape[2] % shape[1]
        place[2] = point % shape[2]
        for axis in range(3):
            for way in (-1, 1):
                across[:] = 0
                moved = place[axis] + way
                if moved < 0:
                    moved += shape[axis]
                    across[axis] = -1
                elif moved >= shape[axis]:
                    moved -= shape[axis]
                    across[axis] = 1
                kept = place[axis]
                place[axis] = moved
                other = (place[0] * shape[1] + place[1]) * shape[2] + place[2]
                place[axis] = kept
                if parents[other] < 0:
                    continue
                mine = _root(parents, steps, point, here)
                its = _root(parents, steps, other, there)
                if mine != its:
                    if sizes[mine] < sizes[its]:
                        parents[mine] = its
                        for k in range(3):
                            steps[mine, k] = there[k] - here[k] - across[k]
                        sizes[its] += sizes[mine]
                        peaks[its] = max(peaks[its], peaks[mine])
                        biggest = max(biggest, sizes[its])
                    else:
                        parents[its] = mine
                        for k in range(3):
                            steps[its, k] = here[k] + across[k] - there[k]
                        sizes[mine] += sizes[its]
                        peaks[mine] = max(peaks[its], peaks[mine])
                        biggest = max(biggest, sizes[mine])
                    continue
                for k in range(3):
                    if here[k] + across[k] - there[k] != 0:
                        thresholds[k] = max(thresholds[k], level)
                        thresholds[3] = max(thresholds[3], level)
    while next_probe < len(probes):
        parts[next_probe] = _count(parents, peaks, probes[next_probe] + resolved)
        largest[next_probe] = biggest
        next_probe += 1


@njit(cache=True, nogil=True)
def paint_pores(
    order: Integers, clearance: Floats, cell: Floats, widths: Floats, step: float, pores: Floats
) -> None:
    """Give each point the radius of the largest empty sphere that covers it, Å.

    Hot loop. Spheres are laid from the largest down, so that the first to cover a point counts; one
    that lies within half a grid step inside the sphere that covers its centre is left out.

    Parameters
    ----------
    order
        (n,), points by falling clearance, all positive.
    clearance
        (n0, n1, n2), Å.
    cell, widths
        (3, 3) and (3,), Å.
    step
        Edge of a voxel, Å.
    pores
        (n0, n1, n2), zero at the start.
    """
    n0, n1, n2 = clearance.shape
    away = np.zeros((n0, n1, n2))
    for point in order:
        i0, j0, k0 = point // (n1 * n2), point // n2 % n1, point % n2
        radius = clearance[i0, j0, k0]
        if pores[i0, j0, k0] > 0 and away[i0, j0, k0] + radius <= pores[i0, j0, k0] + 0.5 * step:
            continue
        if pores[i0, j0, k0] == 0.0:
            pores[i0, j0, k0] = radius
        m0 = int(radius / widths[0] * n0)
        m1 = int(radius / widths[1] * n1)
        m2 = int(radius / widths[2] * n2)
        for i in range(-m0, m0 + 1):
            for j in range(-m1, m1 + 1):
                x0 = i / n0 * cell[0, 0] + j / n1 * cell[1, 0]
                y0 = i / n0 * cell[0, 1] + j / n1 * cell[1, 1]
                z0 = i / n0 * cell[0, 2] + j / n1 * cell[1, 2]
                for k in range(-m2, m2 + 1):
                    at = ((i0 + i) % n0, (j0 + j) % n1, (k0 + k) % n2)
                    if pores[at] > 0.0:
                        continue
                    x = x0 + k / n2 * cell[2, 0]
                    y = y0 + k / n2 * cell[2, 1]
                    z = z0 + k / n2 * cell[2, 2]
                    square = x * x + y * y + z * z
                    if square <= radius * radius:
                        pores[at] = radius
                        away[at] = np.sqrt(square)
