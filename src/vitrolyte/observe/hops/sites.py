"""Sites that ions visit: how many there are, how full, and how many are free."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import NORMAL_95, Quantity
from vitrolyte.data.result import Result
from vitrolyte.observe.hops.detection import Hops
from vitrolyte.observe.hops.intervals import TIME_BLOCKS
from vitrolyte.observe.hops.places import assignments, settled_places
from vitrolyte.observe.neighbours import neighbours

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_ROUNDS = 2
_RADIUS_STEP = 1.25
_CROWDED = 0.02
_UNSEEN = 0.2
_RADII = range(-3, 4)
_BLURRED, _UNSURE = 0.5, 0.1


@dataclass(frozen=True, eq=False)
class VisitedSites:
    """Sites found from where ions stayed, and which stay belongs to which.

    Attributes
    ----------
    places
        (n_sites, 3), Å, in the mean cell.
    of_stay
        (n_stays,), site of each stay.
    radius_A
        Places nearer than this are one site.
    """

    places: Floats
    of_stay: Integers
    radius_A: float


@dataclass(frozen=True, eq=False)
class SiteCensus(Result):
    """How many sites the ions of a species have.

    Attributes
    ----------
    mobile
        Element.
    n_ions, n_visited
        Ions, and sites at which one stayed.
    radius_A
        Places nearer than this are one site.
    sites_per_ion
        Sites, those not visited yet included, over ions.
    vacancy_fraction
        Share of the sites that are empty, at any time.
    crowding
        Share of the time of occupied sites during which they hold two ions: sites merged too
        freely.
    occupancy_curves
        Share of time occupied, sites in order.
    radius_curves
        Visited sites over ions, against the radius.
    growth_curves
        Visited sites over ions, against time.
    method
        In words.
    """

    mobile: str
    n_ions: int
    n_visited: int
    radius_A: float
    sites_per_ion: Quantity
    vacancy_fraction: Quantity
    crowding: Quantity
    occupancy_curves: CurveSet
    radius_curves: CurveSet
    growth_curves: CurveSet
    method: str

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return sites for each ion and the share of empty ones."""
        rows = (
            ("sites_per_ion", self.sites_per_ion),
            ("vacancy_site_fraction", self.vacancy_fraction),
        )
        return tuple(
            computed(sample, word, number, of=self.mobile, method=self.method)
            for word, number in rows
        )


def site_census(hops: Hops, *, radius_A: float | None = None) -> SiteCensus:
    """Return how many sites the ions of a species have, from where they stay.

    Places of stays, as seen from the framework round them, are one site where they are nearer
    than a radius. Sites that were empty at first and that ions enter in one or two of twenty
    blocks of time only tell how many were never entered (Chao's estimator): it is a lower bound
    where some sites are entered much less often than others.

    Parameters
    ----------
    hops
        From `detection.find_hops`.
    radius_A
        Å; without it, the least distance between two stays.

    References
    ----------
    Chao, Biometrics 43, 783 (1987), doi:10.2307/2531532;
    Lammert, Kunow & Heuer, Phys. Rev. Lett. 90, 215901 (2003),
    doi:10.1103/PhysRevLett.90.215901 (more sites than Li in a glass).
    """
    radius = radius_A or hops.distance_A
    places = settled_places(hops)
    by_step = {k: visited_sites(hops, places, radius * _RADIUS_STEP**k) for k in _RADII}
    found = by_step[0]
    crowding = _crowding(hops, found)
    number = _number(hops, by_step, crowding)
    return SiteCensus(
        mobile=hops.mobile,
        n_ions=hops.n_ions,
        n_visited=len(found.places),
        radius_A=radius,
        sites_per_ion=number,
        vacancy_fraction=_vacancies(number),
        crowding=Quantity(crowding, "1", note="no error is given"),
        occupancy_curves=_occupancy_curves(hops, found),
        radius_curves=_radius_curves(hops, by_step),
        growth_curves=_growth_curves(hops, found),
        method=f"places of stays within {radius:.2f} Å are one site, unvisited ones by Chao",
    )


def visited_sites(hops: Hops, places: Floats, radius: float) -> VisitedSites:
    """Return the sites of stays: longest stays first, then means until they hold still.

    Parameters
    ----------
    places
        (n_stays, 3), Å.
    radius
        Places nearer than this are one site, Å.
    """
    frames = (hops.stays.stop - hops.stays.start).astype(float)
    kinds = np.zeros(len(places), dtype=np.int64)
    near = neighbours(places, hops.cell, kinds, np.array([[radius]]))
    order = np.argsort(-frames, kind="stable")
    leaders = np.flatnonzero(_leaders(order, near.starts, near.others))
    sites = places[leaders]
    for _ in range(_ROUNDS):
        index, vectors = assignments(places, sites, hops.cell, 2.0 * radius)
        sites, weights = _moved(sites, index, vectors, frames)
        sites = _merged(sites, weights, hops, radius)
    index = assignments(places, sites, hops.cell, 2.0 * radius)[0]
    kept, of_stay = np.unique(index, return_inverse=True)
    return VisitedSites(sites[kept], of_stay.astype(np.int64), radius)


@njit(cache=True, nogil=True)
def _leaders(order: Integers, starts: Integers, others: Integers) -> NDArray[np.bool_]:
    """Return which stays found a site: each that is near to no founder before it. Hot loop."""
    taken = np.zeros(len(order), dtype=np.bool_)
    founder = np.zeros(len(order), dtype=np.bool_)
    for one in order:
        if taken[one]:
            continue
        founder[one] = True
        taken[one] = True
        for entry in range(starts[one], starts[one + 1]):
            taken[others[entry]] = True
    return founder


def _moved(
    sites: Floats, index: Integers, vectors: Floats, frames: Floats
) -> tuple[Floats, Floats]:
    """Return sites at the mean of their stays, and how many frames these hold."""
    known = index >= 0
    whole = np.asarray(np.bincount(index[known], frames[known], minlength=len(sites)), dtype=float)
    step = np.stack(
        [
            np.bincount(index[known], -frames[known] * vectors[known, k], minlength=len(sites))
            for k in range(3)
        ],
        axis=1,
    )
    used = whole > 0
    return sites[used] + step[used] / whole[used, None], whole[used]


def _merged(sites: Floats, weights: Floats, hops: Hops, radius: float) -> Floats:
    """Return sites of which no two are nearer than the radius: the busier one stays."""
    kinds = np.zeros(len(sites), dtype=np.int64)
    near = neighbours(sites, hops.cell, kinds, np.array([[radius]]))
    order = np.argsort(-weights, kind="stable")
    return np.asarray(sites[_leaders(order, near.starts, near.others)])


@njit(cache=True, nogil=True)
def _covered(site: Integers, start: Integers, stop: Integers, n_sites: int) -> Integers:
    """Return the frames that each site holds at least one ion. Hot loop; sorted by site, start."""
    covered = np.zeros(n_sites, dtype=np.int64)
    last, end = -1, 0
    for k in range(len(site)):
        if site[k] != last:
            last, end = site[k], 0
        covered[last] += max(0, stop[k] - max(start[k], end))
        end = max(end, stop[k])
    return covered


def occupied_frames(hops: Hops, of_stay: Integers, n_sites: int) -> Integers:
    """Return the number of frames that each site holds at least one ion, (n_sites,)."""
    order = np.lexsort((hops.stays.start, of_stay))
    return np.asarray(
        _covered(of_stay[order], hops.stays.start[order], hops.stays.stop[order], n_sites)
    )


def _crowding(hops: Hops, found: VisitedSites) -> float:
    frames = float((hops.stays.stop - hops.stays.start).sum())
    covered = float(occupied_frames(hops, found.of_stay, len(found.places)).sum())
    return max(frames - covered, 0.0) / covered


def _entered(hops: Hops, found: VisitedSites) -> Integers:
    """Return in how many blocks of time each site that was empty at first was entered."""
    n_sites = len(found.places)
    first = np.zeros(n_sites, dtype=bool)
    first[found.of_stay[hops.stays.start == 0]] = True
    begun = hops.stays.start > 0
    block = hops.stays.start[begun] * TIME_BLOCKS // hops.n_frames
    pairs = np.unique(found.of_stay[begun] * np.int64(TIME_BLOCKS) + block)
    blocks = np.bincount(pairs // TIME_BLOCKS, minlength=n_sites)
    return np.asarray(blocks[~first])


def unseen(entered: Integers) -> tuple[float, float, float]:
    """Return how many kinds were never met, with a 95 % interval, from how often others were.

    ``f0 = (m - 1) / m  q1^2 / 2 q2`` with q1 met in one and q2 in two of m samples.
    """
    share = (TIME_BLOCKS - 1.0) / TIME_BLOCKS
    once, twice = float((entered == 1).sum()), float((entered == 2).sum())
    if once == 0.0:
        return 0.0, 0.0, 0.0
    if twice > 0.0:
        ratio = once / twice
        value = share * once**2 / (2.0 * twice)
        variance = twice * (
            0.5 * share * ratio**2 + share**2 * ratio**3 + 0.25 * share**2 * ratio**4
        )
    else:
        value = share * once * (once - 1.0) / 2.0
        variance = (
            value
            + share**2 * once * (2.0 * once - 1.0) ** 2 / 4.0
            - share**2 * once**4 / (4.0 * max(value, 1.0))
        )
    if value == 0.0:
        return 0.0, 0.0, 3.0
    wide = math.exp(NORMAL_95 * math.sqrt(math.log(1.0 + max(variance, 0.25) / value**2)))
    return value, value / wide, value * wide


def _number(hops: Hops, by_step: Mapping[int, VisitedSites], crowding: float) -> Quantity:
    """Return sites for each ion; the interval holds what another radius would give."""
    if not hops.vibration.rests:
        return Quantity.refused("1", f"{hops.mobile} does not rest between hops")
    visited, ions = float(len(by_step[0].places)), float(hops.n_ions)
    more, least, most = unseen(_entered(hops, by_step[0]))
    fewer, many = (float(len(by_step[k].places)) for k in (1, -1))
    told = (
        f"a radius a quarter longer than {by_step[0].radius_A:.2f} Å gives {fewer:.0f} visited "
        f"sites for {visited:.0f}, one a fifth shorter {many:.0f}"
    )
    if many - fewer > _BLURRED * visited:
        return Quantity.refused("1", f"places of rest do not gather at sites: {told}")
    low, high = min(visited + least, fewer), max(visited + most, many)
    value, error = (visited + more) / ions, (high - low) / (2.0 * NORMAL_95 * ions)
    note = f"{visited:.0f} sites visited by {ions:.0f} ions"
    number = Quantity(value, "1", error, low / ions, high / ions, note=note)
    if crowding > _CROWDED:
        number = number.provisional(f"sites hold two ions for {100 * crowding:.0f} % of the time")
    if more > _UNSEEN * visited:
        number = number.provisional(f"{more:.0f} more are inferred from sites entered once")
    return number.provisional(told) if many - fewer > _UNSURE * visited else number


def _vacancies(number: Quantity) -> Quantity:
    """Return the share of empty sites, one less the ions for each site."""
    if number.status == "refused":
        return number
    low, value, high = (1.0 - 1.0 / end for end in (number.low, number.value, number.high))
    error = number.error / number.value**2
    return Quantity(value, "1", error, low, high, number.status, number.note)


def _occupancy_curves(hops: Hops, found: VisitedSites) -> CurveSet:
    frames = occupied_frames(hops, found.of_stay, len(found.places))
    share = np.sort(frames / hops.n_frames)[::-1]
    curve = Curve(
        np.arange(1.0, len(share) + 1.0) / hops.n_ions,
        share,
        Axis("sites over ions, fullest first", ""),
        Axis("share of time occupied", ""),
        label=hops.mobile,
    )
    return CurveSet(f"Occupancy of the sites of {hops.mobile}", (curve,))


def _radius_curves(hops: Hops, by_step: Mapping[int, VisitedSites]) -> CurveSet:
    found = list(by_step.values())
    curve = Curve(
        np.array([one.radius_A for one in found]),
        np.array([len(one.places) for one in found]) / hops.n_ions,
        Axis("radius of a site", "Å"),
        Axis("visited sites over ions", ""),
        label=hops.mobile,
    )
    window = (by_step[-1].radius_A, by_step[1].radius_A)
    title = f"Sites of {hops.mobile} and how near two may be"
    return CurveSet(title, (curve,), window=window)


def _growth_curves(hops: Hops, found: VisitedSites) -> CurveSet:
    order = np.argsort(hops.stays.start, kind="stable")
    first = np.unique(found.of_stay[order], return_index=True)[1]
    times = np.sort(hops.stays.start[order][first]) * hops.step_ps
    at = np.linspace(0.0, hops.duration_ps, 60)
    counts = np.searchsorted(times, at, side="right")
    curve = Curve(
        at,
        counts / hops.n_ions,
        Axis("time", "ps"),
        Axis("visited sites over ions", ""),
        label=hops.mobile,
    )
    return CurveSet(f"Sites of {hops.mobile} visited so far", (curve,))
