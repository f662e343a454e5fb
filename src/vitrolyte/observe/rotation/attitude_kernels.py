"""Hot loops over orientations: best rotations, correlation sums, turned angles, steps."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@njit(cache=True, nogil=True)
def fitted_rotations(bodies: Floats, shape: Floats) -> Floats:
    """Return the quaternions (w, x, y, z) that best turn a shape into bodies, (n, 4). Hot loop.

    Horn's matrix, its greatest eigenvalue by Jacobi rotations. Signs follow the frame before.
    """
    n, m = bodies.shape[0], bodies.shape[1]
    found = np.empty((n, 4))
    key = np.empty((4, 4))
    axes = np.empty((4, 4))
    for frame in range(n):
        s = np.zeros((3, 3))
        for atom in range(m):
            for i in range(3):
                for j in range(3):
                    s[i, j] += shape[atom, i] * bodies[frame, atom, j]
        key[0, 0] = s[0, 0] + s[1, 1] + s[2, 2]
        key[1, 1] = s[0, 0] - s[1, 1] - s[2, 2]
        key[2, 2] = -s[0, 0] + s[1, 1] - s[2, 2]
        key[3, 3] = -s[0, 0] - s[1, 1] + s[2, 2]
        key[0, 1] = key[1, 0] = s[1, 2] - s[2, 1]
        key[0, 2] = key[2, 0] = s[2, 0] - s[0, 2]
        key[0, 3] = key[3, 0] = s[0, 1] - s[1, 0]
        key[1, 2] = key[2, 1] = s[0, 1] + s[1, 0]
        key[1, 3] = key[3, 1] = s[2, 0] + s[0, 2]
        key[2, 3] = key[3, 2] = s[1, 2] + s[2, 1]
        best = _greatest(key, axes)
        dot = 1.0
        if frame > 0:
            dot = 0.0
            for i in range(4):
                dot += axes[i, best] * found[frame - 1, i]
        sign = 1.0 if dot >= 0 else -1.0
        for i in range(4):
            found[frame, i] = sign * axes[i, best]
    return found


@njit(cache=True, nogil=True)
def _greatest(key: Floats, axes: Floats) -> int:
    """Return which column of ``axes`` is the vector of the greatest eigenvalue. Hot loop."""
    for i in range(4):
        for j in range(4):
            axes[i, j] = 1.0 if i == j else 0.0
    for _ in range(30):
        off, scale = 0.0, 0.0
        for i in range(4):
            scale += key[i, i] ** 2
            for j in range(i + 1, 4):
                off += key[i, j] ** 2
        if off <= 1e-28 * scale:
            break
        for p in range(3):
            for q in range(p + 1, 4):
                if key[p, q] == 0.0:
                    continue
                theta = (key[q, q] - key[p, p]) / (2.0 * key[p, q])
                t = 1.0 / (abs(theta) + math.sqrt(theta * theta + 1.0))
                if theta < 0:
                    t = -t
                c = 1.0 / math.sqrt(t * t + 1.0)
                s = t * c
                for k in range(4):
                    a, b = key[k, p], key[k, q]
                    key[k, p], key[k, q] = c * a - s * b, s * a + c * b
                for k in range(4):
                    a, b = key[p, k], key[q, k]
                    key[p, k], key[q, k] = c * a - s * b, s * a + c * b
                    a, b = axes[k, p], axes[k, q]
                    axes[k, p], axes[k, q] = c * a - s * b, s * a + c * b
    best = 0
    for i in range(1, 4):
        if key[i, i] > key[best, best]:
            best = i
    return best


@njit(cache=True, nogil=True)
def add_vectors(
    vectors: Floats, lags: Integers, blocks: Integers, stride: int, sums: Floats
) -> None:
    """Add P1 and P2 of the angle that unit vectors turn by, to sums (2, n_blocks, n_lags).

    ``vectors`` is (n_bonds, n, 3), ``blocks`` (n,) the block of time of each origin; every
    ``stride``-th origin counts. Hot loop.
    """
    bonds, n = vectors.shape[0], vectors.shape[1]
    for which in range(len(lags)):
        lag = lags[which]
        for start in range(0, n - lag, stride):
            first, second = 0.0, 0.0
            for bond in range(bonds):
                c = 0.0
                for i in range(3):
                    c += vectors[bond, start, i] * vectors[bond, start + lag, i]
                first += c
                second += 1.5 * c * c - 0.5
            sums[0, blocks[start], which] += first / bonds
            sums[1, blocks[start], which] += second / bonds


@njit(cache=True, nogil=True)
def add_rotations(
    turns: Floats, lags: Integers, blocks: Integers, stride: int, sums: Floats
) -> None:
    """Add the characters chi_1 / 3 and chi_2 / 5 of the rotation between two times. Hot loop.

    ``turns`` is (n, 4); the cosine of the angle of rotation is ``2 (q·q')² - 1``.
    """
    n = turns.shape[0]
    for which in range(len(lags)):
        lag = lags[which]
        for start in range(0, n - lag, stride):
            dot = 0.0
            for i in range(4):
                dot += turns[start, i] * turns[start + lag, i]
            c = 2.0 * dot * dot - 1.0
            sums[0, blocks[start], which] += (1.0 + 2.0 * c) / 3.0
            sums[1, blocks[start], which] += (1.0 + 2.0 * c + 2.0 * (2.0 * c * c - 1.0)) / 5.0


@njit(cache=True, nogil=True)
def add_products(
    series: Floats, lags: Integers, blocks: Integers, stride: int, sums: Floats
) -> None:
    """Add the products of a series (n,) with itself, to sums (n_blocks, n_lags). Hot loop."""
    n = series.shape[0]
    for which in range(len(lags)):
        lag = lags[which]
        for start in range(0, n - lag, stride):
            sums[blocks[start], which] += series[start] * series[start + lag]


@njit(cache=True, nogil=True)
def add_squares(paths: Floats, lags: Integers, blocks: Integers, stride: int, sums: Floats) -> None:
    """Add squared changes of paths (n, 3), to sums (n_blocks, n_lags). Hot loop."""
    n = paths.shape[0]
    for which in range(len(lags)):
        lag = lags[which]
        for start in range(0, n - lag, stride):
            square = 0.0
            for i in range(3):
                square += (paths[start + lag, i] - paths[start, i]) ** 2
            sums[blocks[start], which] += square


@njit(cache=True, nogil=True)
def turned(attitude: Floats) -> Floats:
    """Return the sum of all small turns so far as a vector, (n, 3), radians. Hot loop.

    ``attitude`` is (n, 3) of directions or (n, 4) of quaternions; turns are seen from outside.
    """
    n, d = attitude.shape
    path = np.zeros((n, 3))
    for k in range(1, n):
        a, b = attitude[k - 1], attitude[k]
        if d == 3:
            x, y, z = (
                a[1] * b[2] - a[2] * b[1],
                a[2] * b[0] - a[0] * b[2],
                a[0] * b[1] - a[1] * b[0],
            )
            sine, cosine = math.sqrt(x * x + y * y + z * z), a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
            angle = math.atan2(sine, cosine)
        else:
            # The turn from one to the next is b times the conjugate of a.
            w = b[0] * a[0] + b[1] * a[1] + b[2] * a[2] + b[3] * a[3]
            x = -b[0] * a[1] + b[1] * a[0] - b[2] * a[3] + b[3] * a[2]
            y = -b[0] * a[2] + b[2] * a[0] - b[3] * a[1] + b[1] * a[3]
            z = -b[0] * a[3] + b[3] * a[0] - b[1] * a[2] + b[2] * a[1]
            if w < 0:
                w, x, y, z = -w, -x, -y, -z
            sine = math.sqrt(x * x + y * y + z * z)
            angle = 2.0 * math.atan2(sine, w)
        factor = angle / sine if sine > 1e-12 else 0.0
        path[k, 0] = path[k - 1, 0] + factor * x
        path[k, 1] = path[k - 1, 1] + factor * y
        path[k, 2] = path[k - 1, 2] + factor * z
    return path


@njit(cache=True, nogil=True)
def angle_between(first: Floats, second: Floats) -> float:
    """Return the angle between two directions, or of the turn between two attitudes, radians."""
    dot, apart, together = 0.0, 0.0, 0.0
    for i in range(len(first)):
        dot += first[i] * second[i]
    sign = -1.0 if len(first) == 4 and dot < 0 else 1.0
    for i in range(len(first)):
        apart += (first[i] - sign * second[i]) ** 2
        together += (first[i] + sign * second[i]) ** 2
    half = math.atan2(math.sqrt(apart), math.sqrt(together))
    return 4.0 * half if len(first) == 4 else 2.0 * half


@njit(cache=True, nogil=True)
def _mean_of(attitude: Floats, start: int, stop: int) -> Floats:
    """Return the mean direction or attitude of some frames. Hot loop."""
    d = attitude.shape[1]
    total = np.zeros(d)
    for k in range(start, stop):
        dot = 1.0
        if d == 4:
            dot = 0.0
            for i in range(d):
                dot += attitude[start, i] * attitude[k, i]
        sign = 1.0 if dot >= 0 else -1.0
        for i in range(d):
            total[i] += sign * attitude[k, i]
    return total / max(1e-12, math.sqrt((total**2).sum()))


@njit(cache=True, nogil=True)
def steps(attitude: Floats, threshold: float, stay: int) -> Integers:
    """Return the frames in which a rotor is first seen in a new orientation. Hot loop.

    The orientation held is the mean since the last step. A step is a stretch of ``stay`` frames
    whose mean is turned by more than the threshold, and all of which are turned by more than half
    of it.
    """
    n, d = attitude.shape
    found = np.empty(n, dtype=np.int64)
    count = 0
    if n < 2 * stay:
        return found[:0]
    held = _mean_of(attitude, 0, stay)
    total = held * stay
    k = stay
    while k + stay <= n:
        if angle_between(attitude[k], held) < 0.5 * threshold:
            k = _take_in(attitude, k, total, held)
            continue
        stays = True
        for j in range(k + 1, k + stay):
            if angle_between(attitude[j], held) < 0.5 * threshold:
                stays = False
                break
        if stays:
            fresh = _mean_of(attitude, k, k + stay)
            if angle_between(fresh, held) >= threshold:
                found[count] = k
                count += 1
                for i in range(d):
                    held[i] = fresh[i]
                    total[i] = fresh[i] * stay
                k += stay
                continue
        k = _take_in(attitude, k, total, held)
    return found[:count].copy()


@njit(cache=True, nogil=True)
def _take_in(attitude: Floats, k: int, total: Floats, held: Floats) -> int:
    """Take one more frame into the mean orientation and go on to the next. Hot loop."""
    d = attitude.shape[1]
    dot = 0.0
    for i in range(d):
        dot += attitude[k, i] * held[i]
    sign = -1.0 if d == 4 and dot < 0 else 1.0
    size = 0.0
    for i in range(d):
        total[i] += sign * attitude[k, i]
        size += total[i] ** 2
    size = math.sqrt(size)
    if size > 1e-12:
        for i in range(d):
            held[i] = total[i] / size
    return k + 1


@njit(cache=True, nogil=True)
def dwells(attitude: Floats, starts: Integers, threshold: float) -> tuple[Floats, Floats, Floats]:
    """Return of each dwell its mean orientation, its frames, and its summed squared angles.

    Dwell i lasts from ``starts[i]`` to ``starts[i + 1]``. Frames turned by more than the threshold
    are excursions and no part of the last two. Hot loop.
    """
    count, d = len(starts) - 1, attitude.shape[1]
    means, frames, squares = np.empty((count, d)), np.zeros(count), np.zeros(count)
    for k in range(count):
        means[k] = _mean_of(attitude, starts[k], starts[k + 1])
        for j in range(starts[k], starts[k + 1]):
            angle = angle_between(attitude[j], means[k])
            if angle < threshold:
                frames[k] += 1.0
                squares[k] += angle**2
    return means, frames, squares
