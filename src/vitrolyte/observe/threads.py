"""Work on many frames side by side, with results in order whatever the number of threads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")
_LIMITS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS")


def processors() -> int:
    """Return the number of threads of this process.

    As many as it may use processors, and no more than ``NUMBA_NUM_THREADS`` and
    ``OMP_NUM_THREADS`` allow where they are set.
    """
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    limits = [os.environ.get(name, "").split(",")[0].strip() for name in _LIMITS]
    return max(1, min([here or 1, *(int(limit) for limit in limits if limit.isdigit())]))


def in_order(
    work: Callable[[Item], Answer], items: Iterable[Item], *, threads: int | None = None
) -> Iterator[Answer]:
    """Yield ``work(item)`` of each item, in the order of the items.

    The items are made in the calling thread while others work, so that frames are read ahead; no
    more than two for each thread are held at a time. Sums over the answers do not depend on the
    number of threads, since their order does not.

    Parameters
    ----------
    work
        Compiled code that lets other threads run.
    items
        Read as they are needed.
    threads
        By default `processors`.
    """
    count = threads or processors()
    if count == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(count) as pool:
        waiting: deque[Future[Answer]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= 2 * count:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
