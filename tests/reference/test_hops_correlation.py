"""The correlation factor of a single vacancy in a cubic lattice."""

import numpy as np
from tests.hop_runs import known_hops

from vitrolyte.observe.hops.correlation import correlation
from vitrolyte.observe.hops.intervals import Layout

CELLS = 8
HOPS = 60_000


def test_one_vacancy_in_the_simple_cubic_lattice() -> None:
    # Compaan & Haven, Trans. Faraday Soc. 52, 786 (1956), doi:10.1039/TF9565200786: tracer
    # correlation factor 0.65311 for vacancies in the simple cubic lattice.
    places, times = vacancy_hops(np.random.default_rng(0))
    hops = known_hops(places, times, HOPS + 1, float(CELLS))
    layout = Layout.of(hops.ions, hops.times_ps, n_ions=hops.n_ions, duration_ps=hops.duration_ps)
    found = correlation(hops, layout, hops.n_ions * hops.duration_ps / len(hops.ions))
    assert found.factor.low < 0.65311 < found.factor.high
    assert found.factor.high - found.factor.low < 0.2


def vacancy_hops(draws: np.random.Generator) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return places and times of ions that hop, one at each step, into one vacancy."""
    steps = np.vstack([np.eye(3), -np.eye(3)]).astype(int)
    at = np.arange(CELLS**3).reshape((CELLS,) * 3)
    now = np.stack(np.unravel_index(np.arange(CELLS**3), (CELLS,) * 3), axis=1)
    empty = np.zeros(3, dtype=int)
    paths = [[one.astype(float)] for one in now]
    times: list[list[int]] = [[] for _ in now]
    for time, way in enumerate(draws.integers(0, 6, HOPS), start=1):
        target = (empty + steps[way]) % CELLS
        ion = at[tuple(target)]
        now[ion] = now[ion] - steps[way]
        paths[ion].append(now[ion].astype(float))
        times[ion].append(time)
        at[tuple(empty)] = ion
        empty = target
    # the entry of the vacancy itself never moves
    kept = range(1, CELLS**3)
    return [np.array(paths[k]) for k in kept], [np.array(times[k], dtype=int) for k in kept]
