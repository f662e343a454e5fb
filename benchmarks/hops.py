"""Hops without sites from a walk with vibrations: time and the rate found."""

from __future__ import annotations

from functools import partial

import numpy as np
from validation.hop_truths import Shake, in_a_box, lattice_walk

from benchmarks.race import Contestant, Race, Work, timed
from vitrolyte.observe.hops.analysis import hop_analysis
from vitrolyte.observe.hops.detection import find_hops

RESIDENCE = 200.0


def races(*, tiny: bool) -> tuple[Race, ...]:
    """Return the races: finding hops in a small and a large run, and the whole analysis."""
    if tiny:
        return (_race(10, 300, rounds=1),)
    return (_race(200, 5000, rounds=5), _race(1000, 20000, rounds=2))


def _race(ions: int, frames: int, *, rounds: int) -> Race:
    return Race(
        job=f"Hops of {ions} Li in {frames} frames, one in {RESIDENCE:g} frames",
        unit="s",
        answer=f"hops of an ion per frame (truth {1.0 / RESIDENCE:g}; found, as seen)",
        contestants=(
            Contestant("Vitrolyte find_hops", partial(_find, ions, frames)),
            Contestant(
                "Vitrolyte hop_analysis (rates, strings, sites)", partial(_all, ions, frames)
            ),
        ),
        rounds=rounds,
    )


def _run(ions: int, frames: int):  # type: ignore[no-untyped-def]
    draws = np.random.default_rng(1)
    places = lattice_walk(draws, (frames, ions), np.full(ions, 1.0 / RESIDENCE))
    return in_a_box(draws, places, Shake(0.3, 0.0))


def _find(ions: int, frames: int) -> Work:
    run = _run(ions, frames)
    return timed(lambda: len(find_hops(run, "Li").ions) / (ions * frames))


def _all(ions: int, frames: int) -> Work:
    run = _run(ions, frames)
    return timed(lambda: hop_analysis(run, "Li").jumps.rate.value * 1e-12)
