"""Hot loops that find the rings of a periodic graph.

All run on the unfolded graph: a node is an atom together with the image of the cell it lies in, so
that a path which leaves the cell on one side and returns on the other is closed only where it comes
back to the same image. A ring is written as the sequence of graph entries that leads round it, from
the node of lowest number (lowest image among equals) along the lower of its two entries: each ring
has exactly one such form.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Bytes = NDArray[np.int8]

OVERFLOW = -1


@njit(cache=True, nogil=True)
def _key(atom: int, s0: int, s1: int, s2: int, bound: int) -> int:
    """Return one number for a node and its image, or -1 where the image is out of bounds."""
    if max(abs(s0), abs(s1), abs(s2)) > bound:
        return -1
    width = 2 * bound + 1
    return ((atom * width + s0 + bound) * width + s1 + bound) * width + s2 + bound


@njit(cache=True, nogil=True)
def _slot(keys: Integers, key: int) -> int:
    """Return where a key stands in an open hash table, or the empty place where it would."""
    last = len(keys) - 1
    mixed = np.uint64(key) * np.uint64(11400714819323198485)
    place = np.int64((mixed ^ (mixed >> np.uint64(29))) & np.uint64(last))
    while keys[place] != -1 and keys[place] != key:
        place = (place + 1) & last
    return int(place)


@njit(cache=True, nogil=True)
def balls(
    starts: Integers,
    others: Integers,
    shifts: Integers,
    radius: int,
    bound: int,
    room: int,
    keys: Integers,
    distances: Bytes,
) -> int:
    """Write all distances up to a radius into a hash table; return how many, or -1 on overflow.

    Hot loop. Distance of nodes i and j is kept under ``i`` and the key of j seen from i. Nothing is
    written where the table has no length: then the distances are only counted.
    """
    n = len(starts) - 1
    stride = n * (2 * bound + 1) ** 3
    seen = np.full(2 * room, -1, dtype=np.int64)
    queue = np.empty((room, 5), dtype=np.int64)
    used = np.empty(room, dtype=np.int64)
    total = 0
    for root in range(n):
        queue[0] = (root, 0, 0, 0, 0)
        used[0] = _slot(seen, _key(root, 0, 0, 0, bound))
        seen[used[0]] = _key(root, 0, 0, 0, bound)
        count, at = 1, 0
        while at < count:
            atom, s0, s1, s2, d = queue[at]
            at += 1
            if len(keys) > 0:
                place = _slot(keys, root * stride + _key(atom, s0, s1, s2, bound))
                keys[place] = root * stride + _key(atom, s0, s1, s2, bound)
                distances[place] = d
            if d == radius:
                continue
            for e in range(starts[atom], starts[atom + 1]):
                t0, t1, t2 = s0 + shifts[e, 0], s1 + shifts[e, 1], s2 + shifts[e, 2]
                key = _key(others[e], t0, t1, t2, bound)
                place = _slot(seen, key)
                if seen[place] == -1:
                    if count == room:
                        return OVERFLOW
                    seen[place] = key
                    used[count] = place
                    queue[count] = (others[e], t0, t1, t2, d + 1)
                    count += 1
        for k in range(count):
            seen[used[k]] = -1
        total += count
    return total


@njit(cache=True, nogil=True)
def _between(
    first: Integers, second: Integers, stride: int, bound: int, keys: Integers, distances: Bytes
) -> int:
    """Return the distance of two nodes, or -1 where it is beyond the table's radius."""
    key = _key(second[0], second[1] - first[1], second[2] - first[2], second[3] - first[3], bound)
    if key < 0:
        return -1
    place = _slot(keys, first[0] * stride + key)
    if keys[place] == -1:
        return -1
    return int(distances[place])


@njit(cache=True, nogil=True)
def _lower(root: int, node: Integers) -> bool:
    """Return whether a node comes before the root (in its own cell) or is the root itself."""
    if node[0] != root:
        return bool(node[0] < root)
    for axis in range(1, 4):
        if node[axis] != 0:
            return bool(node[axis] < 0)
    return True


@njit(cache=True, nogil=True)
def _without_shortcut(
    ring: Integers, size: int, stride: int, bound: int, keys: Integers, distances: Bytes
) -> bool:
    """Return whether all opposite nodes of a ring are as far apart as along the ring."""
    half = size // 2
    for k in range(size if size % 2 else half):
        if _between(ring[k], ring[(k + half) % size], stride, bound, keys, distances) != half:
            return False
    return True


@njit(cache=True, nogil=True)
def _joins(e: int, near: Integers, far: Integers, others: Integers, shifts: Integers) -> bool:
    """Return whether an entry leads from one node to another."""
    return bool(
        others[e] == far[0]
        and near[1] + shifts[e, 0] == far[1]
        and near[2] + shifts[e, 1] == far[2]
        and near[3] + shifts[e, 2] == far[3]
    )


@njit(cache=True, nogil=True)
def primitive(
    starts: Integers,
    others: Integers,
    shifts: Integers,
    reverse: Integers,
    most: int,
    bound: int,
    keys: Integers,
    distances: Bytes,
    out: Integers,
    sizes: Integers,
) -> int:
    """Write every ring without a shortcut once; return how many, also where they do not fit.

    Hot loop. From its lowest node a ring is grown both ways at once. While the two ends are as far
    apart as the path between them is long, its size is open; the first time they are nearer, their
    distance fixes it, and from there only ends that close in by two each step can succeed. A last
    look at all opposite pairs proves the ring.
    """
    n = len(starts) - 1
    stride = n * (2 * bound + 1) ** 3
    half = most // 2
    left, right = np.zeros((half + 2, 4), np.int64), np.zeros((half + 2, 4), np.int64)
    by_left, by_right = np.zeros(half + 2, np.int64), np.zeros(half + 2, np.int64)
    tried, fixed = np.zeros(half + 2, np.int64), np.zeros(half + 2, np.int64)
    ring = np.zeros((most + 1, 4), np.int64)
    found = 0
    for root in range(n):
        left[0] = (root, 0, 0, 0)
        right[0] = (root, 0, 0, 0)
        tried[0] = 0
        fixed[0] = 0
        level = 0
        while level >= 0:
            a, b = left[level, 0], right[level, 0]
            width = starts[b + 1] - starts[b]
            if tried[level] >= (starts[a + 1] - starts[a]) * width or level == half:
                level -= 1
                continue
            x = starts[a] + tried[level] // width
            y = starts[b] + tried[level] % width
            tried[level] += 1
            if level == 0 and x >= y:
                continue
            step = level + 1
            left[step, 0] = others[x]
            right[step, 0] = others[y]
            for axis in range(3):
                left[step, axis + 1] = left[level, axis + 1] + shifts[x, axis]
                right[step, axis + 1] = right[level, axis + 1] + shifts[y, axis]
            if _lower(root, left[step]):
                # All partners of this left end fail alike.
                tried[level] = (x - starts[a] + 1) * width
                continue
            if _lower(root, right[step]):
                continue
            if _between(left[0], left[step], stride, bound, keys, distances) != step:
                tried[level] = (x - starts[a] + 1) * width
                continue
            if _between(left[0], right[step], stride, bound, keys, distances) != step:
                continue
            apart = _between(left[step], right[step], stride, bound, keys, distances)
            if apart < 0:
                continue
            size = fixed[level]
            if size > 0:
                if apart != size - 2 * step:
                    continue
            elif apart == 2 * step:
                if 4 * step > most:
                    continue
            else:
                size = 2 * step + apart
                if size > most:
                    continue
            by_left[step] = x
            by_right[step] = y
            if size == 0 or apart > 1:
                level = step
                tried[step] = 0
                fixed[step] = size
                continue
            for k in range(step + 1):
                ring[k] = left[k]
                if k > 0:
                    ring[size - k] = right[k]
            if not _without_shortcut(ring, size, stride, bound, keys, distances):
                continue
            # An odd ring is closed by every edge between its two ends.
            first = starts[left[step, 0]] if apart == 1 else 0
            last = starts[left[step, 0] + 1] if apart == 1 else 1
            for e in range(first, last):
                if apart == 1 and not _joins(e, left[step], right[step], others, shifts):
                    continue
                if found < len(sizes):
                    sizes[found] = size
                    for k in range(step):
                        out[found, k] = by_left[k + 1]
                        out[found, size - 1 - k] = reverse[by_right[k + 1]]
                    if apart == 1:
                        out[found, step] = e
                found += 1
    return found


@njit(cache=True, nogil=True)
def _write(
    path: Integers,
    size: int,
    root: int,
    others: Integers,
    shifts: Integers,
    reverse: Integers,
    line: Integers,
) -> None:
    """Write a closed path of entries in the one form of its ring."""
    best = 0
    low = np.array([root, 0, 0, 0])
    node = np.array([root, 0, 0, 0])
    for k in range(size - 1):
        node[0] = others[path[k]]
        for axis in range(3):
            node[axis + 1] += shifts[path[k], axis]
        for part in range(4):
            if node[part] != low[part]:
                if node[part] < low[part]:
                    low[:] = node
                    best = k + 1
                break
    forward, backward = path[best], reverse[path[(best - 1) % size]]
    for k in range(size):
        if forward < backward:
            line[k] = path[(best + k) % size]
        else:
            line[k] = reverse[path[(best - 1 - k) % size]]


@njit(cache=True, nogil=True)
def _target(e: int, others: Integers, shifts: Integers, bound: int) -> int:
    """Return the key of the far end of an entry, seen from its owner."""
    return _key(others[e], shifts[e, 0], shifts[e, 1], shifts[e, 2], bound)


@njit(cache=True, nogil=True)
def _spread(
    first: int,
    stop: int,
    barred: int,
    home: int,
    farthest: int,
    starts: Integers,
    others: Integers,
    shifts: Integers,
    bound: int,
    keys: Integers,
    index: Integers,
    queue: Integers,
    used: Integers,
) -> int:
    """Fill the queue with the nodes round the far end of an entry, until its targets are reached.

    Hot loop. The targets are the far ends of the entries up to ``stop``, the home node being left
    out (King); or, with a barred entry, the home node, that entry being no way back (Guttman).
    Returns how many nodes there are, or -1 on overflow.
    """
    source = _target(first, others, shifts, bound)
    queue[0] = (others[first], shifts[first, 0], shifts[first, 1], shifts[first, 2], 0)
    used[0] = _slot(keys, source)
    keys[used[0]] = source
    index[used[0]] = 0
    count, at = 1, 0
    missing = 1 if barred >= 0 else 0
    for e in range(first + 1, stop):
        missing += _target(e, others, shifts, bound) != source
    limit = farthest if missing > 0 else 0
    while at < count and queue[at, 4] < limit:
        atom, s0, s1, s2, d = queue[at]
        for e in range(starts[atom], starts[atom + 1]):
            t0, t1, t2 = s0 + shifts[e, 0], s1 + shifts[e, 1], s2 + shifts[e, 2]
            key = _key(others[e], t0, t1, t2, bound)
            if (at == 0 and e == barred) or (barred < 0 and key == home):
                continue
            place = _slot(keys, key)
            if keys[place] != -1:
                continue
            if count == len(queue):
                return OVERFLOW
            keys[place] = key
            index[place] = count
            used[count] = place
            queue[count] = (others[e], t0, t1, t2, d + 1)
            count += 1
            missing -= barred >= 0 and key == home
            for other in range(first + 1, stop):
                missing -= key == _target(other, others, shifts, bound)
            if missing == 0:
                limit = min(limit, d + 1)
        at += 1
    return count


@njit(cache=True, nogil=True)
def _walk_back(
    end: int,
    size: int,
    root: int,
    path: Integers,
    found: int,
    starts: Integers,
    others: Integers,
    shifts: Integers,
    reverse: Integers,
    bound: int,
    keys: Integers,
    index: Integers,
    queue: Integers,
    out: Integers,
    sizes: Integers,
) -> int:
    """Write a ring for every shortest path that leads back from a node of the queue.

    Hot loop. ``path`` holds the first entry, and for King the last one; the walk goes down the
    distances of the search, over every way there is. Returns the number of rings so far.
    """
    far = queue[end, 4]
    nodes, tried = np.zeros(far + 1, np.int64), np.zeros(far + 1, np.int64)
    home = size == far + 1
    level = far
    nodes[far] = end
    tried[far] = starts[queue[end, 0]]
    while level <= far:
        if level == 0:
            if found < len(sizes):
                sizes[found] = size
                _write(path, size, root, others, shifts, reverse, out[found])
            found += 1
            level += 1
            continue
        v, e = nodes[level], tried[level]
        if e == starts[queue[v, 0] + 1]:
            level += 1
            continue
        tried[level] += 1
        # The edge itself is no way back.
        if home and level == 1 and v == end and e == path[0]:
            continue
        key = _key(
            others[e],
            queue[v, 1] + shifts[e, 0],
            queue[v, 2] + shifts[e, 1],
            queue[v, 3] + shifts[e, 2],
            bound,
        )
        if key < 0:
            continue
        place = _slot(keys, key)
        if keys[place] == -1 or queue[index[place], 4] != level - 1:
            continue
        path[level] = reverse[e]
        level -= 1
        nodes[level] = index[place]
        tried[level] = starts[queue[index[place], 0]]
    return found


@njit(cache=True, nogil=True)
def shortest(
    starts: Integers,
    others: Integers,
    shifts: Integers,
    reverse: Integers,
    is_root: NDArray[np.bool_],
    most: int,
    king: bool,
    bound: int,
    room: int,
    out: Integers,
    sizes: Integers,
) -> int:
    """Write all shortest closed paths; return how many (with repeats), or -1 on overflow.

    Hot loop. King: for each pair of edges of a root, the shortest paths that join their far ends
    without the root. Guttman: for each edge of a root, the shortest paths from its far end back to
    the root without the edge. Paths are read back from the distances of one search per edge.
    """
    keys = np.full(2 * room, -1, dtype=np.int64)
    index = np.empty(2 * room, dtype=np.int64)
    queue = np.empty((room, 5), dtype=np.int64)
    used = np.empty(room, dtype=np.int64)
    path = np.zeros(most + 2, np.int64)
    more = 2 if king else 1
    found = 0
    for root in range(len(starts) - 1):
        if not is_root[root]:
            continue
        home = _key(root, 0, 0, 0, bound)
        for e1 in range(starts[root], starts[root + 1]):
            if not king and is_root[others[e1]] and reverse[e1] < e1:
                continue
            stop = starts[root + 1] if king else e1 + 1
            barred = -1 if king else reverse[e1]
            count = _spread(
                e1, stop, barred, home, most - more,
                starts, others, shifts, bound, keys, index, queue, used,
            )  # fmt: skip
            if count == OVERFLOW:
                return OVERFLOW
            path[0] = e1
            for e2 in range(e1 + 1 if king else e1, stop):
                place = _slot(keys, _target(e2, others, shifts, bound) if king else home)
                if keys[place] == -1:
                    continue
                size = queue[index[place], 4] + more
                if king:
                    path[size - 1] = reverse[e2]
                found = _walk_back(
                    index[place], size, root, path, found,
                    starts, others, shifts, reverse, bound, keys, index, queue, out, sizes,
                )  # fmt: skip
            for k in range(count):
                keys[used[k]] = -1
    return found
