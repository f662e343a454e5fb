"""Hops between sites that are known, as in a crystal: occupancies, rates from kind to kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.observe.hops.detection import Hops, Stays
from vitrolyte.observe.hops.intervals import TIME_BLOCKS, Layout, event_rate, judged, ratio
from vitrolyte.observe.hops.places import always_nearest, nearest_site
from vitrolyte.observe.neighbours import neighbours

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_PS = 1e-12
_START_A = 2.0
_NARROW = 0.6
_MOST_MISSING = 0.5
_UNSEEN_OK = 0.15
_NOWHERE = "no site"


@dataclass(frozen=True, eq=False)
class KnownSites:
    """Sites of a crystal.

    Attributes
    ----------
    fractional
        (n_sites, 3), in fractions of the cell of the trajectory.
    labels
        (n_sites,), kind of each: ``48h``, ``24g`` ...
    radius_A
        Farthest that a place of rest may be from its site, Å; without it the nearest site takes
        it, however far it is (Voronoi).

    Raises
    ------
    InputError
        If numbers of sites and labels differ, or the radius is not positive.
    """

    fractional: Floats
    labels: tuple[str, ...]
    radius_A: float | None = None

    def __post_init__(self) -> None:
        fits = np.shape(self.fractional) == (len(self.labels), 3) and len(self.labels) > 0
        if not fits or not (self.radius_A is None or self.radius_A > 0):
            raise InputError(
                "Sites need one label each, three coordinates and a positive radius",
                received=f"coordinates {np.shape(self.fractional)}, {len(self.labels)} labels, "
                f"radius {self.radius_A}",
            )

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the labels that there are, in order of first appearance."""
        return tuple(dict.fromkeys(self.labels))


@dataclass(frozen=True, eq=False)
class SiteKinetics(Result):
    """Occupancies and rates of hops between known sites.

    Attributes
    ----------
    mobile
        Element.
    occupancy
        By kind of site: share of the sites that hold an ion.
    residence
        By kind: mean time at one site, s.
    rates
        By kinds (``48h->24g``): hops of an ion at the first to one of the second, 1/s.
    off_site
        Share of the time of ions spent at rest farther than the radius from every site.
    occupancy_curves
        Share of time occupied, sites in order.
    method
        In words.
    """

    mobile: str
    occupancy: Mapping[str, Quantity]
    residence: Mapping[str, Quantity]
    rates: Mapping[str, Quantity]
    off_site: Quantity
    occupancy_curves: CurveSet
    method: str

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return occupancies, residence times and rates."""
        listed = (
            ("site_occupancy", self.occupancy),
            ("residence_time", self.residence),
            ("jump_rate", self.rates),
        )
        return tuple(
            computed(sample, word, number, of=f"{self.mobile} {of}", method=self.method)
            for word, numbers in listed
            for of, number in numbers.items()
        )


@dataclass(frozen=True, eq=False)
class _AtSites:
    """Stays at sites: neighbouring stays of an ion at one site are one."""

    hops: Hops
    stays: Stays
    site: Integers
    kind: Integers
    names: tuple[str, ...]

    def exposure(self, kind: int) -> Floats:
        """Return the time spent at sites of a kind, (n_ions, n_blocks), s."""
        edges = np.linspace(0, self.hops.n_frames, TIME_BLOCKS + 1)
        mine = self.kind == kind
        start, stop = self.stays.start[mine, None], self.stays.stop[mine, None]
        frames = np.minimum(stop, edges[None, 1:]) - np.maximum(start, edges[None, :-1])
        table = np.zeros((self.hops.n_ions, TIME_BLOCKS))
        np.add.at(table, self.stays.ion[mine], np.maximum(frames, 0.0))
        return np.asarray(table * self.hops.step_ps * _PS)

    def moves(self, kinds: tuple[int, int | None]) -> Floats:
        """Return the number of hops from a kind to a kind (or to any), (n_ions, n_blocks)."""
        leaves = self.stays.leaves
        chosen = self.kind[leaves] == kinds[0]
        if kinds[1] is not None:
            chosen &= self.kind[leaves + 1] == kinds[1]
        hops, leaves = self.hops, leaves[chosen]
        times = self.stays.stop[leaves] * hops.step_ps
        layout = Layout.of(
            self.stays.ion[leaves], times, n_ions=hops.n_ions, duration_ps=hops.duration_ps
        )
        return layout.table(np.ones(len(leaves)))

    def plain_rate(self, kind: int) -> float:
        """Return the rate at which ions are seen to leave sites of a kind, 1/ps."""
        time = float(self.exposure(kind).sum()) / _PS
        return float(self.moves((kind, None)).sum()) / time if time else 0.0


def site_kinetics(hops: Hops, sites: KnownSites) -> SiteKinetics:
    r"""Return occupancies, residence times and rates of hops between known sites.

    Each place where an ion stays belongs to the nearest site. Places, not frames, are given to
    sites: an ion that swings across a boundary has not hopped.

    .. math:: k_{ab} = \frac{N_{ab}}{T_a (1 - k_b t_u)}

    with the time T_a spent at sites a; the last factor puts back visits to b shorter than
    ``t_u``, which are not seen.

    Parameters
    ----------
    hops
        From `detection.find_hops`. Sites that are nearer to one another than its least distance
        are told apart by a shorter one, six tenths of the shortest distance between sites.
    sites
        In the frame of the trajectory's first positions.

    Raises
    ------
    InputError
        If two sites are at one place.
    """
    places = sites.fractional @ hops.cell
    hops = _told_apart(hops, places)
    here = _at_sites(hops, sites, places)
    kinds = range(len(sites.kinds))
    return SiteKinetics(
        mobile=hops.mobile,
        occupancy={sites.kinds[a]: _occupancy(here, a, sites) for a in kinds},
        residence={sites.kinds[a]: _residence(here, a) for a in kinds},
        rates={
            f"{sites.kinds[a]}->{sites.kinds[b]}": _rate(here, (a, b))
            for a in kinds
            for b in kinds
            if here.moves((a, b)).any()
        },
        off_site=_share_of_time(here, len(sites.kinds)),
        occupancy_curves=_curves(here, sites),
        method=_method(hops, sites),
    )


def _method(hops: Hops, sites: KnownSites) -> str:
    nearest = "" if sites.radius_A is None else f" within {sites.radius_A:.2f} Å"
    return f"stays of {hops.shortest_frames * hops.step_ps:.3g} ps, at the nearest site{nearest}"


def _told_apart(hops: Hops, places: Floats) -> Hops:
    apart = nearest_distance(places, hops.cell)
    if apart <= 1e-3:
        raise InputError(
            "Sites need places of their own", received="two sites at one place or in one image"
        )
    least = _NARROW * apart
    return hops if hops.distance_A <= least else hops.with_limits(distance_A=least)


def nearest_distance(places: Floats, cell: Floats) -> float:
    """Return the shortest distance between sites, their own images included, Å."""
    reach, kinds = _START_A, np.zeros(len(places), dtype=np.int64)
    while True:
        found = neighbours(places, cell, kinds, np.array([[reach]])).distances
        if len(found):
            return float(found.min())
        reach *= 1.6


def _at_sites(hops: Hops, sites: KnownSites, places: Floats) -> _AtSites:
    centres = hops.stays.centre
    if sites.radius_A is None:
        site = always_nearest(centres, places, hops.cell, _START_A)
    else:
        site = nearest_site(centres, places, hops.cell, sites.radius_A)
    number = {name: k for k, name in enumerate(sites.kinds)}
    kind_of_site = np.array([*(number[label] for label in sites.labels), len(number)])
    begins = np.ones(len(site), dtype=bool)
    begins[1:] = (hops.stays.ion[1:] != hops.stays.ion[:-1]) | (site[1:] != site[:-1])
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(site)) - 1
    stays = replace(
        hops.stays,
        ion=hops.stays.ion[first],
        start=hops.stays.start[first],
        stop=hops.stays.stop[last],
        centre=centres[first],
    )
    names = (*sites.kinds, _NOWHERE)
    return _AtSites(hops, stays, site[first], kind_of_site[site[first]], names)


def _occupancy(here: _AtSites, kind: int, sites: KnownSites) -> Quantity:
    """Return the mean share of the sites of a kind that hold an ion."""
    count = sum(label == here.names[kind] for label in sites.labels)
    return _share_of_time(here, kind).scaled(here.hops.n_ions / count, "1")


def _share_of_time(here: _AtSites, kind: int) -> Quantity:
    """Return the share of the time of ions that they spend at sites of a kind."""
    exposure = here.exposure(kind)
    if not exposure.any():
        return Quantity(0.0, "1", note="never seen there")
    every = here.hops.duration_ps * _PS / TIME_BLOCKS
    return ratio(exposure, np.full(exposure.shape, every), "1")


def _rate(here: _AtSites, kinds: tuple[int, int]) -> Quantity:
    missing = here.plain_rate(kinds[1]) * here.hops.unseen_ps
    return _counted(here, kinds, missing)


def _counted(here: _AtSites, kinds: tuple[int, int | None], missing: float) -> Quantity:
    if not here.hops.vibration.rests:
        return Quantity.refused("1/s", f"{here.hops.mobile} does not rest between hops")
    if missing > _MOST_MISSING:
        return Quantity.refused(
            "1/s", f"{100 * missing:.0f} % of the visits are too short to be seen"
        )
    rate = event_rate(here.moves(kinds), here.exposure(kinds[0]), doubt=missing / 6.0)
    rate = judged(rate.scaled(1.0 / (1.0 - missing), "1/s"))
    if missing > _UNSEEN_OK:
        rate = rate.provisional(f"{100 * missing:.0f} % was added for visits too short to be seen")
    return rate


def _residence(here: _AtSites, kind: int) -> Quantity:
    """Return the mean time at one site of a kind."""
    leaving = here.moves((kind, None)).sum()
    # visits that are too short to be seen, weighted by where the hops lead
    missing = sum(
        float(here.moves((kind, other)).sum()) / leaving * here.plain_rate(other)
        for other in range(len(here.names))
        if leaving
    )
    rate = _counted(here, (kind, None), missing * here.hops.unseen_ps)
    if rate.status == "refused":
        return Quantity.refused("s", rate.note)
    value, error = 1.0 / rate.value, rate.error / rate.value**2
    return Quantity(value, "s", error, 1.0 / rate.high, 1.0 / rate.low, rate.status, rate.note)


def _curves(here: _AtSites, sites: KnownSites) -> CurveSet:
    """Return the share of time that sites are occupied, by kind, the fullest first."""
    curves = []
    frames = (here.stays.stop - here.stays.start).astype(float)
    used = here.site >= 0
    held = np.bincount(here.site[used], frames[used], minlength=len(sites.labels))
    share = held / here.hops.n_frames
    labels = np.array(sites.labels)
    for name in sites.kinds:
        mine = np.sort(share[labels == name])[::-1]
        x = np.arange(1.0, len(mine) + 1.0)
        x_axis, y_axis = Axis("site, fullest first", ""), Axis("share of time occupied", "")
        curves.append(Curve(x, mine, x_axis, y_axis, label=name))
    return CurveSet(f"Occupancy of the sites of {here.hops.mobile}", tuple(curves))
