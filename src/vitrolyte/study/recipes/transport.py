"""Steps that ask how ions move: transport of each run, and its temperature dependence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated

from pydantic import Field

from vitrolyte.data.curve import Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.fitted import Fitted
from vitrolyte.data.model import Model
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.infer.evidence import weigh
from vitrolyte.infer.fit import fit
from vitrolyte.observe.motion.anisotropy import AnisotropySettings, anisotropy
from vitrolyte.observe.motion.arrhenius import (
    CONDUCTIVITY,
    ActivatedQuantity,
    TemperatureSeries,
)
from vitrolyte.observe.motion.judgement import Limits
from vitrolyte.observe.motion.odds import (
    ExtrapolatedTransference,
    TransferenceSeries,
    extrapolated_transference,
)
from vitrolyte.observe.motion.phase_change import PhaseWatch, watch_volumes
from vitrolyte.observe.motion.temperature_dependence import (
    TemperatureDependence,
    TemperatureSettings,
    temperature_dependence,
)
from vitrolyte.observe.motion.temperature_points import Transition
from vitrolyte.observe.motion.transport import (
    CITATIONS,
    COLLECTIVE,
    TRACER,
    Transport,
    transport,
)
from vitrolyte.observe.motion.transport import (
    TransportSettings as AnalysisSettings,
)
from vitrolyte.study.recipe import (
    All,
    Coordinates,
    Each,
    Output,
    Product,
    Recipe,
    RecipeSettings,
    Work,
)
from vitrolyte.study.recipes.matter import charges_of
from vitrolyte.study.recipes.pooling import Pooled, pooled
from vitrolyte.study.recipes.reading import require_paths

FEWEST_TEMPERATURES = 4


class TransportSettings(RecipeSettings):
    """Diffusivities, conductivities, Haven ratio and transference numbers of one run."""

    dynamics: Each
    hop_length_A: Annotated[float, Field(gt=0)] = 3.0
    wide_interval: Annotated[float, Field(gt=0)] = 0.5


class DirectionSettings(RecipeSettings):
    """Transport of one run by direction: lattice axes, layers with a normal (h k l), tensor."""

    dynamics: Each
    normal: tuple[int, int, int] = (0, 0, 1)


class PooledTransportSettings(RecipeSettings):
    """Transport of several runs, pooled over the replicas of each state."""

    transport: All


class ArrheniusSettings(RecipeSettings):
    """Replicas pooled at each temperature, Arrhenius lines and what follows at another one.

    No line is drawn across ``transitions_K``, each a pair of temperatures between which the
    material changes, nor across a change that the volumes of ``runs`` show.
    """

    transport: All
    runs: All | None = None
    extrapolate_to_K: Annotated[float, Field(gt=0)] = 300.0
    transitions_K: tuple[tuple[float, float], ...] = ()

    def review(self, sources: Mapping[str, tuple[Coordinates, ...]]) -> None:
        """Refuse too few temperatures for a line."""
        found = {place.get("temperature_K") for place in sources["transport"]} - {None}
        if len(found) < FEWEST_TEMPERATURES:
            listed = ", ".join(f"{t:g} K" for t in sorted(t for t in found if t is not None))
            raise InputError(
                f"An Arrhenius line needs at least {FEWEST_TEMPERATURES} temperatures",
                received=listed or "none",
                remedy="lengthen temperatures_K of the dynamics",
            )


def observe_transport(work: Work) -> Output:
    """Analyse the transport of one run."""
    settings: TransportSettings = work.settings
    trajectory, charges, temperature = _moving(work)
    limits = Limits(hop_length_A=settings.hop_length_A, wide_interval=settings.wide_interval)
    found = transport(
        trajectory, charges, temperature_K=temperature, settings=AnalysisSettings(limits=limits)
    )
    return Output(work.one("dynamics").sample, (found,))


def observe_anisotropy(work: Work) -> Output:
    """Look at the transport of one run by direction."""
    settings: DirectionSettings = work.settings
    trajectory, charges, temperature = _moving(work)
    wanted = AnisotropySettings(normal=settings.normal)
    found = anisotropy(trajectory, charges, temperature_K=temperature, settings=wanted)
    return Output(work.one("dynamics").sample, (found,))


def _moving(work: Work) -> tuple[Trajectory, dict[str, float], float]:
    """Return a run whose paths are known, the charges in it, and its temperature, K."""
    source = work.one("dynamics")
    temperature = source.sample.temperature_K
    if temperature is None:
        raise InputError(f"The step {source.step!r} must state its temperature", received="none")
    require_paths(source)
    trajectory = source.trajectory()
    charges = {s: float(q) for s, q in charges_of(work.study).items() if s in trajectory.species}
    return trajectory, charges, temperature


def pool_transport(work: Work) -> Output:
    """Pool the replicas at each temperature."""
    sources, numbers = _pooled(work)
    return Output(sources[0].sample, (numbers,))


def _pooled(work: Work) -> tuple[tuple[Product, ...], Pooled]:
    """Return the runs whose transport was observed, and their numbers by state."""
    sources = work.inputs["transport"]
    found = [[r for r in source.results() if isinstance(r, Transport)] for source in sources]
    seen = tuple(source for source, results in zip(sources, found, strict=True) if results)
    if not seen:
        raise InputError(
            "Runs are pooled where transport was observed in one of them",
            received=f"in none of {len(sources)}",
        )
    return seen, pooled(seen, [results for results in found if results])


def observe_arrhenius(work: Work) -> Output:
    """Pool the replicas at each temperature and draw the lines."""
    sources, numbers = _pooled(work)
    settings: ArrheniusSettings = work.settings
    watched = tuple(_watched(work))
    told = tuple(Transition("a transition that was stated", *k) for k in settings.transitions_K)
    seen = tuple(change for one in watched for change in one.transitions)
    wanted = TemperatureSettings(settings.extrapolate_to_K, transitions=(*told, *seen))
    lines = tuple(_lines(numbers, wanted))
    shares = tuple(_shares(numbers, settings.extrapolate_to_K))
    sample = replace(sources[0].sample, temperature_K=None)
    return Output(sample, (numbers, *watched, *lines, *shares))


def _watched(work: Work) -> Iterator[PhaseWatch]:
    """Yield what the volumes of the runs say, where their cells could change."""
    runs = [
        (source.sample.temperature_K, source.trajectory())
        for source in work.inputs.get("runs", ())
        if source.sample.temperature_K is not None
    ]
    if len({round(float(run.volumes[0]), 6) for _, run in runs}) > 1:
        yield watch_volumes(runs, weigh)


def _lines(numbers: Pooled, wanted: TemperatureSettings) -> Iterator[TemperatureDependence]:
    for kind, of, method in _series(numbers):
        points = numbers.find(kind.word, of, method)
        series = TemperatureSeries(
            tuple(t for t, _ in points), tuple(n for _, n in points), kind, of, method
        )
        yield temperature_dependence(series, weigh, wanted)


def _shares(numbers: Pooled, target_K: float) -> Iterator[ExtrapolatedTransference]:
    for of in _species(numbers):
        points = numbers.find("transference_number", of, TRACER)
        series = TransferenceSeries(
            tuple(t for t, _ in points), tuple(n for _, n in points), of, TRACER
        )
        yield extrapolated_transference(series, _fitted, to_K=target_K)


def _fitted(model: Model, curve: Curve) -> Fitted:
    return fit(model, curve)


def _series(numbers: Pooled) -> list[tuple[ActivatedQuantity, str, str]]:
    """Return what gets a line: both conductivities, and each species' part in one of them."""
    whole = [(CONDUCTIVITY, "", TRACER), (CONDUCTIVITY, "", COLLECTIVE)]
    return whole + [(CONDUCTIVITY, name, TRACER) for name in _species(numbers)]


def _species(numbers: Pooled) -> list[str]:
    rows = (row.of for row in numbers.rows if row.quantity == "tracer_diffusivity")
    return list(dict.fromkeys(rows))


RECIPES = (
    Recipe(
        "transport", 4, TransportSettings, observe_transport, reported=False, citations=CITATIONS
    ),
    Recipe("anisotropy", 1, DirectionSettings, observe_anisotropy, citations=CITATIONS),
    Recipe("pooled-transport", 1, PooledTransportSettings, pool_transport, citations=CITATIONS),
    Recipe("arrhenius", 4, ArrheniusSettings, observe_arrhenius, citations=CITATIONS),
)
