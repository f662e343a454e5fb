"""Steps that ask how atoms move: where they are after a time, hops, vibration, turning, NMR."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated

import numpy as np
from pydantic import Field

from vitrolyte.data.curve import Curve
from vitrolyte.data.model import Model
from vitrolyte.data.nuclei import nucleus
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.infer.fit import Fit, fit
from vitrolyte.observe.hops.analysis import CITATIONS as HOP_CITATIONS
from vitrolyte.observe.hops.analysis import HopAnalysisSettings, hop_analysis
from vitrolyte.observe.hops.detection import HopSettings, find_hops
from vitrolyte.observe.hops.lattice import KnownSites
from vitrolyte.observe.relaxation.couplings import RelaxationSettings as NuclearSettings
from vitrolyte.observe.relaxation.line_narrowing import narrowed_line
from vitrolyte.observe.relaxation.narrowing import SecondMoment, second_moment
from vitrolyte.observe.relaxation.rates import Condition, condition
from vitrolyte.observe.relaxation.relaxation import Relaxation, relaxation
from vitrolyte.observe.relaxation.temperature import relaxation_over_temperature
from vitrolyte.observe.rotation.bonds import RotorSearch
from vitrolyte.observe.rotation.coupling import EventSeries
from vitrolyte.observe.rotation.cradle import CradleSettings, soft_cradle
from vitrolyte.observe.rotation.multipoles import multipole_potential
from vitrolyte.observe.rotation.paddle_wheel import PaddleWheelSettings, paddle_wheel
from vitrolyte.observe.rotation.rotation import RotationSettings as TurningSettings
from vitrolyte.observe.rotation.rotation import rotation
from vitrolyte.observe.van_hove.coherent import CoherentSettings, coherent_scattering
from vitrolyte.observe.van_hove.displacement_counts import MotionSettings
from vitrolyte.observe.van_hove.distinct import distinct_van_hove
from vitrolyte.observe.van_hove.incoherent import incoherent_scattering
from vitrolyte.observe.van_hove.self_motion import van_hove
from vitrolyte.observe.vibration.segments import SpectrumSettings
from vitrolyte.observe.vibration.sites import SiteSettings, site_vibrations
from vitrolyte.observe.vibration.spectrum import vibrational_spectrum
from vitrolyte.observe.vibration.stretch import bond_stretch
from vitrolyte.study.recipe import All, Each, Output, Product, Recipe, RecipeSettings, Work
from vitrolyte.study.recipes.matter import charges_of
from vitrolyte.study.recipes.reading import require_paths

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
PositiveInt = Annotated[int, Field(gt=0)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Point = tuple[Finite, Finite, Finite]


class VanHoveSettings(RecipeSettings):
    """Where ions are after a time: both parts of the van Hove function."""

    dynamics: Each


class IntermediateScatteringSettings(RecipeSettings):
    """Intermediate scattering functions, coherent and incoherent, their decay, quasi-elastic width.

    Wave numbers in 1/Å.
    """

    dynamics: Each
    wave_numbers_per_A: Annotated[tuple[Positive, ...], Field(min_length=1)] = (
        0.5, 0.75, 1.0, 1.25, 1.5, 2.0,
    )  # fmt: skip


class HopsSettings(RecipeSettings):
    """Hops of a mobile species without a site model, concerted moves, sites.

    In a crystal ``sites`` are known ones by kind, as fractions of a cell of which the run holds
    ``cells`` along each vector: occupancies and rates from kind to kind are found as well.
    """

    dynamics: Each
    mobile: str
    distance_A: Positive | None = None
    shortest_ps: Positive | None = None
    sites: Mapping[str, tuple[Point, ...]] = Field(default_factory=dict)
    cells: tuple[PositiveInt, PositiveInt, PositiveInt] = (1, 1, 1)
    site_radius_A: Positive | None = None


class VibrationSettings(RecipeSettings):
    """Vibrational density of states, vibration about the sites, stretching lines.

    ``bonds`` are pairs such as ``O-H``.
    """

    dynamics: Each
    bonds: tuple[str, ...] = ()
    resolution_THz: Positive = 0.5


class RotationSettings(RecipeSettings):
    """Turning of molecular ions, and whether mobile ions hop when they turn.

    ``rotor`` names one sort of molecule (``PS4``); without it every sort is looked at, and the
    most abundant one for the coupling.
    """

    dynamics: Each
    mobile: str = ""
    rotor: str = ""
    cut_offs_A: Mapping[str, Positive] = Field(default_factory=dict)
    window_ps: Positive = 1.0


class RelaxationSettings(RecipeSettings):
    """NMR relaxation of nuclei (``7Li``) at fields and spin-locks, and their second moments."""

    dynamics: Each
    nuclei: Annotated[tuple[str, ...], Field(min_length=1)]
    fields_T: Annotated[tuple[Positive, ...], Field(min_length=1)] = (11.74,)
    spin_locks_kHz: tuple[Positive, ...] = (20.0,)
    antishielding: Mapping[str, float] = Field(default_factory=dict)


class RelaxationSeriesSettings(RecipeSettings):
    """NMR relaxation of several runs over temperature: the law, the maxima, the narrowing line."""

    relaxation: All
    fields_T: Annotated[tuple[Positive, ...], Field(min_length=1)] = (11.74,)
    spin_locks_kHz: tuple[Positive, ...] = (20.0,)


def _fitted(model: Model, curve: Curve) -> Fit:
    return fit(model, curve)


def _run(work: Work) -> Trajectory:
    """Return the run of a step in which every path can be followed."""
    source = work.one("dynamics")
    require_paths(source)
    return source.trajectory()


def observe_van_hove(work: Work) -> Output:
    """Count where ions are after a time."""
    run = _run(work)
    return Output(work.one("dynamics").sample, (van_hove(run), distinct_van_hove(run)))


def observe_intermediate_scattering(work: Work) -> Output:
    """Follow the decay of density waves."""
    settings: IntermediateScatteringSettings = work.settings
    run, q = _run(work), settings.wave_numbers_per_A
    alone = incoherent_scattering(run, _fitted, q=q, settings=MotionSettings())
    work.progress(0.3)
    together = coherent_scattering(run, _fitted, q=q, settings=CoherentSettings())
    return Output(work.one("dynamics").sample, (alone, together))


def observe_hops(work: Work) -> Output:
    """Find the hops of the mobile ions, and what they say."""
    settings: HopsSettings = work.settings
    hops = HopSettings(distance_A=settings.distance_A, shortest_ps=settings.shortest_ps)
    wanted = HopAnalysisSettings(hops=hops, known_sites=_known_sites(settings))
    found = hop_analysis(_run(work), settings.mobile, wanted)
    return Output(work.one("dynamics").sample, (found,))


def _known_sites(settings: HopsSettings) -> KnownSites | None:
    """Return the sites of every cell that the run holds, or none where none are known."""
    if not settings.sites:
        return None
    kinds = [kind for kind, places in settings.sites.items() for _ in places]
    one = np.array([place for places in settings.sites.values() for place in places])
    corners = np.indices(settings.cells).reshape(3, -1).T
    everywhere = (corners[:, None, :] + one[None]).reshape(-1, 3) / np.array(settings.cells)
    return KnownSites(everywhere, tuple(kinds) * len(corners), settings.site_radius_A)


def observe_vibration(work: Work) -> Output:
    """Look at how atoms vibrate."""
    settings: VibrationSettings = work.settings
    run, sample = _run(work), work.one("dynamics").sample
    wanted = SpectrumSettings(
        resolution_THz=settings.resolution_THz, temperature_K=sample.temperature_K
    )
    sites = SiteSettings(temperature_K=sample.temperature_K)
    found: list[Result] = [vibrational_spectrum(run, settings=wanted)]
    found.append(site_vibrations(run, settings=sites))
    found += [bond_stretch(run, bond) for bond in settings.bonds]
    return Output(sample, tuple(found))


def observe_rotation(work: Work) -> Output:
    """Look at how molecular ions turn, and whether mobile ions hop with them."""
    settings: RotationSettings = work.settings
    run = _run(work)
    search = RotorSearch(
        rotor=settings.rotor,
        ionic=(settings.mobile,) if settings.mobile else (),
        cut_offs=settings.cut_offs_A,
    )
    turning = TurningSettings(search=search)
    found: list[Result] = [rotation(run, turning)]
    if settings.mobile:
        work.progress(0.3)
        found += _coupling(run, settings, turning, _charges(work, run))
    return Output(work.one("dynamics").sample, tuple(found))


def _coupling(
    run: Trajectory,
    settings: RotationSettings,
    turning: TurningSettings,
    charges: Mapping[str, float],
) -> list[Result]:
    """Return what connects the turning of molecules with the mobile ions."""
    hops = find_hops(run, settings.mobile)
    events = EventSeries(
        np.asarray(run.times[0] + hops.times_ps), np.asarray(hops.atoms[hops.ions], dtype=np.int64)
    )
    wheel = PaddleWheelSettings(rotation=turning)
    cradle = CradleSettings(search=turning.search, window_ps=settings.window_ps)
    return [
        paddle_wheel(run, events, wheel),
        soft_cradle(run, settings.mobile, cradle),
        multipole_potential(run, settings.mobile, charges, search=turning.search),
    ]


def _charges(work: Work, run: Trajectory) -> dict[str, float]:
    return {s: float(q) for s, q in charges_of(work.study).items() if s in run.species}


def observe_relaxation(work: Work) -> Output:
    """Compute relaxation rates and second moments of nuclei."""
    settings: RelaxationSettings = work.settings
    run = _run(work)
    wanted = NuclearSettings(fields_T=settings.fields_T, spin_locks_kHz=settings.spin_locks_kHz)
    found: list[Result] = []
    for number, name in enumerate(settings.nuclei):
        shield = settings.antishielding.get(name)
        charges = _charges(work, run)
        found.append(relaxation(run, name, charges=charges, antishielding=shield, settings=wanted))
        found.append(second_moment(run, name))
        work.progress((number + 1) / len(settings.nuclei))
    return Output(work.one("dynamics").sample, tuple(found))


def relax_over_temperature(work: Work) -> Output:
    """Draw the law of relaxation over temperature for each nucleus."""
    sources = work.inputs["relaxation"]
    found: list[Result] = []
    for name in dict.fromkeys(one.nucleus for _, one in _relaxed(sources)):
        runs = [(t, one) for t, one in _relaxed(sources) if one.nucleus == name]
        found.append(relaxation_over_temperature(runs, _fitted, wanted=_wanted(work, name)))
        moments = [r for s in sources for r in s.results() if isinstance(r, SecondMoment)]
        rigid = next(one for one in moments if one.nucleus == name)
        found.append(narrowed_line(runs, rigid, _fitted))
    return Output(replace(sources[0].sample, temperature_K=None), tuple(found))


def _relaxed(sources: Sequence[Product]) -> Iterator[tuple[float, Relaxation]]:
    for source in sources:
        temperature = source.sample.temperature_K
        for result in source.results():
            if isinstance(result, Relaxation) and temperature is not None:
                yield temperature, result


def _wanted(work: Work, name: str) -> tuple[Condition, ...]:
    settings: RelaxationSeriesSettings = work.settings
    which, field = nucleus(name), settings.fields_T
    plain = [condition("R1", which, tesla) for tesla in field]
    return (
        *plain,
        *(condition("R1rho", which, field[0], lock) for lock in settings.spin_locks_kHz),
    )


RECIPES = (
    Recipe("van-hove", 1, VanHoveSettings, observe_van_hove, citations=("10.1103/PhysRev.95.249",)),
    Recipe(
        "intermediate-scattering",
        1,
        IntermediateScatteringSettings,
        observe_intermediate_scattering,
        citations=("10.1103/PhysRev.95.249",),
    ),
    Recipe("hops", 2, HopsSettings, observe_hops, citations=HOP_CITATIONS),
    Recipe(
        "vibration",
        1,
        VibrationSettings,
        observe_vibration,
        citations=("10.1103/PhysRev.188.1407",),
    ),
    Recipe(
        "rotation", 1, RotationSettings, observe_rotation, citations=("10.1103/PhysRevE.76.031203",)
    ),
    Recipe("relaxation", 1, RelaxationSettings, observe_relaxation),
    Recipe(
        "relaxation-over-temperature",
        1,
        RelaxationSeriesSettings,
        relax_over_temperature,
        citations=("10.1103/PhysRev.73.679", "10.1143/JPSJ.9.888"),
    ),
)
