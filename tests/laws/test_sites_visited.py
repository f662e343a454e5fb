"""Sites found from stays: as many as there are, in any cell, also while the framework creeps."""

from dataclasses import replace

import numpy as np
import pytest
from validation.hop_truths import CUBE, SKEWED, Box, Shake, in_a_box, vacancy_walk

from vitrolyte.observe.hops.detection import find_hops
from vitrolyte.observe.hops.places import settled_places
from vitrolyte.observe.hops.sites import site_census, visited_sites

SLANTED = Box(cells=4, shape=tuple(map(tuple, SKEWED.tolist())), breathing=0.01)


@pytest.mark.parametrize("box", [Box(cells=4), SLANTED], ids=["cube", "breathing triclinic cell"])
def test_the_sites_of_a_lattice_with_vacancies(box: Box) -> None:
    draws = np.random.default_rng(0)
    places = vacancy_walk(draws, 1500, 48, 0.04, 4)
    census = site_census(find_hops(in_a_box(draws, places, Shake(), box), "Li"))
    assert census.n_visited == 64
    assert census.sites_per_ion.value == pytest.approx(64 / 48)
    # 16 of 64 are empty at any time
    assert census.vacancy_fraction.value == pytest.approx(0.25)
    assert census.crowding.value < 0.01


def test_ions_that_stay_have_a_site_each() -> None:
    draws = np.random.default_rng(1)
    places = np.broadcast_to(vacancy_walk(draws, 1, 30, 0.0, 4), (600, 30, 3))
    census = site_census(find_hops(in_a_box(draws, places, Shake(), Box(cells=4)), "Li"))
    assert census.n_visited == 30
    assert (census.sites_per_ion.value, census.vacancy_fraction.value) == (1.0, 0.0)


def test_sites_move_with_a_framework_that_creeps() -> None:
    draws, frames = np.random.default_rng(2), 1200
    places = np.array(np.broadcast_to(draws.integers(0, 6, (1, 20, 3)), (frames, 20, 3)))
    places[400:800, :, 2] += 1
    run = in_a_box(draws, places, Shake(0.2), CUBE)
    # a wave that builds up slowly: neighbours move alike, the mean does not move
    moved = run.read().positions.copy()
    phase = 2.0 * np.pi * moved[0, :, 1] / CUBE.cell[1, 1]
    moved[:, :, 0] += 1.2 * np.linspace(0.0, 1.0, frames)[:, None] * np.sin(phase)[None]
    hops = find_hops(replace(run, positions=moved), "Li")
    assert np.bincount(hops.ions).tolist() == [2] * 20
    raw, settled = (
        float(np.square(where.reshape(20, 3, 3)[:, 2] - where.reshape(20, 3, 3)[:, 0]).sum())
        for where in (hops.stays.centre, settled_places(hops))
    )
    # two dozen framework atoms lie some 4 Å from an ion, a quarter of the wave, and know part of it
    assert settled < 0.67 * raw


def test_a_radius_merges_what_is_nearer() -> None:
    draws = np.random.default_rng(3)
    places = vacancy_walk(draws, 800, 20, 0.03, 4)
    hops = find_hops(in_a_box(draws, places, Shake(0.3), Box(cells=4)), "Li")
    counts = [len(visited_sites(hops, hops.stays.centre, r).places) for r in (1.3, 1.7, 2.2, 4.0)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == counts[1]
