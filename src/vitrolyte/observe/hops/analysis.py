"""Hops of one species from a trajectory: jumps, concerted moves and sites in one result."""

from __future__ import annotations

from dataclasses import dataclass, field

from vitrolyte.data.observation import Observation, Sample
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.hops.detection import HopSettings, find_hops
from vitrolyte.observe.hops.jumps import JumpStatistics, jump_statistics
from vitrolyte.observe.hops.lattice import KnownSites, SiteKinetics, site_kinetics
from vitrolyte.observe.hops.sites import SiteCensus, site_census
from vitrolyte.observe.hops.strings import ConcertedMoves, StringSettings, concerted_moves

CITATIONS = (
    "https://doi.org/10.1103/PhysRevLett.105.135702",
    "https://doi.org/10.1016/0167-7152(88)90118-6",
    "https://doi.org/10.1103/PhysRevLett.80.2338",
    "https://doi.org/10.2307/2531532",
)


@dataclass(frozen=True)
class HopAnalysisSettings:
    """What decides about an analysis of hops.

    Attributes
    ----------
    hops
        What counts as a hop.
    strings
        When hops belong together.
    site_radius_A
        Places nearer than this are one site, Å; without it, the least distance of a hop.
    known_sites
        Sites of a crystal, where they are known.
    """

    hops: HopSettings = field(default_factory=HopSettings)
    strings: StringSettings = field(default_factory=StringSettings)
    site_radius_A: float | None = None
    known_sites: KnownSites | None = None


@dataclass(frozen=True, eq=False)
class HopAnalysis(Result):
    """Everything that the hops of one species say.

    Attributes
    ----------
    mobile
        Element.
    jumps
        Rate, residence, length, memory.
    concerted
        Moves of several ions.
    census
        Sites found from where ions stay.
    lattice
        Rates between known sites; None without them.
    """

    mobile: str
    jumps: JumpStatistics
    concerted: ConcertedMoves
    census: SiteCensus
    lattice: SiteKinetics | None = None

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the rows of all parts."""
        parts: tuple[Result, ...] = (self.jumps, self.concerted, self.census)
        if self.lattice is not None:
            parts = (*parts, self.lattice)
        return tuple(row for part in parts for row in part.observations(sample))


def hop_analysis(
    trajectory: Trajectory, mobile: str, settings: HopAnalysisSettings | None = None
) -> HopAnalysis:
    """Return what the hops of a species say: jumps, concerted moves and sites.

    Parameters
    ----------
    trajectory
        Unwrapped positions at equal time steps; any cell, also one that fluctuates.
    mobile
        Element that hops.

    Raises
    ------
    InputError
        If an element is missing, the times are not equally spaced, or the frames are fewer than
        sixteen.
    """
    settings = settings or HopAnalysisSettings()
    hops = find_hops(trajectory, mobile, settings.hops)
    known = settings.known_sites
    return HopAnalysis(
        mobile=mobile,
        jumps=jump_statistics(hops),
        concerted=concerted_moves(hops, settings.strings),
        census=site_census(hops, radius_A=settings.site_radius_A),
        lattice=None if known is None else site_kinetics(hops, known),
    )
