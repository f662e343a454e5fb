"""Steps that move atoms: a chain of segments, and melting until the crystal is forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError, NotConverged
from vitrolyte.data.io.chunks import write_trajectory
from vitrolyte.data.io.files import storage
from vitrolyte.data.observation import Observation, Sample
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.melting import forgotten
from vitrolyte.potentials.potential import Potential
from vitrolyte.simulate.engines import run as run_order
from vitrolyte.simulate.order import Launch, Order, Run, Thermo
from vitrolyte.simulate.schedule import BoxMotion, Ensemble, Schedule, Segment
from vitrolyte.study.recipe import Each, Output, Recipe, RecipeSettings, Work
from vitrolyte.study.recipes.potential import chosen
from vitrolyte.study.settings import Settings

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class SegmentSettings(Settings):
    """A stretch of dynamics; a ramp is given by its rate or its duration.

    Without ``temperature_K`` it stays at the temperature of the task (``temperatures_K``).
    """

    name: str
    ensemble: Ensemble = "npt"
    duration_ps: Positive | None = None
    rate_K_per_ps: Positive | None = None
    temperature_K: Positive | None = None
    end_temperature_K: Positive | None = None
    pressure_GPa: Annotated[float, Field(allow_inf_nan=False)] = 0.0
    frame_every_ps: Positive = 0.1
    cell: BoxMotion = "isotropic"

    @model_validator(mode="after")
    def _one_length(self) -> SegmentSettings:
        if (self.duration_ps is None) == (self.rate_K_per_ps is None):
            raise ValueError("give either duration_ps or rate_K_per_ps")
        if self.rate_K_per_ps is not None and None in (self.temperature_K, self.end_temperature_K):
            raise ValueError("a rate needs temperature_K and end_temperature_K")
        return self

    def length_ps(self) -> float:
        """Return the duration, from the rate where that is given."""
        if self.duration_ps is not None:
            return self.duration_ps
        if self.temperature_K is None or self.end_temperature_K is None or not self.rate_K_per_ps:
            raise InputError(f"The segment {self.name!r} needs a length", received="none")
        return abs(self.end_temperature_K - self.temperature_K) / self.rate_K_per_ps


class DynamicsSettings(RecipeSettings):
    """A chain of segments from the last frame of another step.

    ``temperatures_K`` opens an axis: the whole chain once for each temperature.
    ``new_velocities`` draws them afresh at the start rather than going on with those at hand.
    """

    structure: Each
    potential: Each
    segments: Annotated[tuple[SegmentSettings, ...], Field(min_length=1)]
    phase: str | None = None
    temperatures_K: Annotated[tuple[Positive, ...], Field(min_length=1)] | None = None
    timestep_fs: Positive = 2.0
    new_velocities: bool = False

    @model_validator(mode="after")
    def _temperatures(self) -> DynamicsSettings:
        if self.temperatures_K is None:
            without = [s.name for s in self.segments if s.temperature_K is None]
            if without:
                raise ValueError(f"segments {without} need temperature_K, or give temperatures_K")
        return self

    def axes(self) -> Mapping[str, tuple[float, ...]]:
        """Return the temperatures to fan out over."""
        return {} if self.temperatures_K is None else {"temperature_K": self.temperatures_K}

    def weight(self) -> float:
        """Return the simulated time."""
        return sum(segment.length_ps() for segment in self.segments)


class MeltSettings(RecipeSettings):
    """Constant-pressure dynamics until the starting crystal is forgotten.

    It goes on in stretches of ``stretch_ps`` until both tests of forgetting are passed, and
    fails if they are not within ``longest_ps``.
    """

    structure: Each
    potential: Each
    temperature_K: Positive
    pressure_GPa: float = 0.0
    replicas: Annotated[int, Field(ge=1)] = 1
    stretch_ps: Positive = 5.0
    longest_ps: Positive = 100.0
    frame_every_ps: Positive = 0.1
    timestep_fs: Positive = 2.0

    def axes(self) -> Mapping[str, tuple[float, ...]]:
        """Return the replicas to fan out over."""
        return {"replica": tuple(float(number + 1) for number in range(self.replicas))}

    def weight(self) -> float:
        """Return the simulated time of the usual case, two stretches."""
        return 2 * self.stretch_ps


@dataclass(frozen=True, eq=False)
class RunRecord(Result):
    """State of a run in time, one curve for each segment, time counted from the first.

    Attributes
    ----------
    n_atoms
        Atoms in the box.
    temperature, pressure, volume, potential_energy, enthalpy
        K, GPa, Å³, eV, eV; of the whole box.
    """

    n_atoms: int
    temperature: CurveSet
    pressure: CurveSet
    volume: CurveSet
    potential_energy: CurveSet
    enthalpy: CurveSet

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return no rows: what a record means is for the instruments to say."""
        del sample
        return ()


_RECORDED = {
    "temperature": "K",
    "pressure": "GPa",
    "volume": "Å³",
    "potential_energy": "eV",
    "enthalpy": "eV",
}


def run_record(segments: Sequence[Segment], thermos: Sequence[Thermo], n_atoms: int) -> RunRecord:
    """Return the state in time of segments that follow one another."""
    starts = np.cumsum([0.0, *(float(thermo.times[-1]) for thermo in thermos)])
    sets = {}
    for name, unit in _RECORDED.items():
        words = name.replace("_", " ")
        curves = tuple(
            Curve(
                thermo.times + start,
                getattr(thermo, name),
                Axis("time", "ps"),
                Axis(words, unit),
                label=segment.name,
            )
            for segment, thermo, start in zip(segments, thermos, starts, strict=False)
        )
        sets[name] = CurveSet(words.capitalize(), curves)
    return RunRecord(n_atoms, **sets)


@dataclass(frozen=True, eq=False)
class Chain:
    """What a chain of segments is run with."""

    work: Work
    potential: Potential

    def run(self, start: Trajectory, segment: Segment, place: int, seed: int) -> Run:
        """Run one segment in its own folder; a finished one is only read."""
        done, whole = self._before(place), self.work.settings.weight()
        return run_order(
            Order(start, self.potential, segment, seed, self._folder(segment, place)),
            Launch(self.work.launch.processes, self.work.launch.command),
            progress=lambda now, _: self.work.progress(min(1.0, (done + now) / whole)),
        )

    def _before(self, place: int) -> float:
        settings = self.work.settings
        if isinstance(settings, MeltSettings):
            return place * settings.stretch_ps
        return float(sum(segment.length_ps() for segment in settings.segments[:place]))

    def _folder(self, segment: Segment, place: int) -> Path:
        return self.work.folder / "segments" / f"{place + 1}-{segment.name}"

    def leave(self, run: Run, segment: Segment, place: int) -> None:
        """Leave the last run as what the stage made."""
        link = self.work.folder / "trajectory.zarr"
        with storage(link):
            link.unlink(missing_ok=True)
            link.symlink_to(Path("segments") / f"{place + 1}-{segment.name}" / "trajectory.zarr")
        write_trajectory(self.work.folder / "final.zarr", run.final)


def run_dynamics(work: Work) -> Output:
    """Run the segments one after the other, each going on where the last one ended."""
    settings: DynamicsSettings = work.settings
    source = work.one("structure")
    chain = Chain(work, chosen(work.one("potential")))
    start = source.final()
    fresh = settings.new_velocities or start.velocities is None
    schedule = Schedule(
        tuple(
            _segment(settings, one, work.coordinates, fresh and place == 0)
            for place, one in enumerate(settings.segments)
        ),
        work.seed,
    )
    thermos = []
    for place, (segment, seed) in enumerate(zip(schedule.segments, schedule.seeds, strict=True)):
        run = chain.run(start, segment, place, seed)
        thermos.append(run.thermo)
        start = run.final
    chain.leave(run, segment, place)
    sample = Sample(
        material=work.study.material,
        formula=source.sample.formula,
        phase=settings.phase or source.sample.phase,
        temperature_K=segment.final_temperature_K,
        pressure_GPa=segment.pressure_GPa,
    )
    return Output(sample, (run_record(schedule.segments, thermos, start.n_atoms),))


def _segment(
    settings: DynamicsSettings, one: SegmentSettings, place: Mapping[str, float], fresh: bool
) -> Segment:
    temperature = one.temperature_K if one.temperature_K is not None else place["temperature_K"]
    return Segment(
        name=one.name,
        ensemble=one.ensemble,
        duration_ps=one.length_ps(),
        temperature_K=temperature,
        end_temperature_K=one.end_temperature_K,
        pressure_GPa=one.pressure_GPa,
        timestep_fs=settings.timestep_fs,
        frame_every_ps=one.frame_every_ps,
        cell=one.cell,
        velocities=fresh,
    )


def run_melt(work: Work) -> Output:
    """Melt until the crystal is forgotten.

    Raises
    ------
    NotConverged
        If the crystal is still remembered after the longest time allowed.
    """
    settings: MeltSettings = work.settings
    crystal = work.one("structure").final()
    chain = Chain(work, chosen(work.one("potential")))
    start, place, proof = crystal, 0, None
    segments: list[Segment] = []
    thermos: list[Thermo] = []
    seeds = Schedule(
        tuple(_stretch(settings, n) for n in range(_most_stretches(settings))), work.seed
    )
    for place, (segment, seed) in enumerate(zip(seeds.segments, seeds.seeds, strict=True)):
        run = chain.run(start, segment, place, seed)
        segments.append(segment)
        thermos.append(run.thermo)
        start = run.final
        proof = forgotten(run.trajectory, crystal)
        if proof.reached:
            break
    if proof is None or not proof.reached:
        raise NotConverged(
            f"The melt at {settings.temperature_K:g} K must forget the crystal within "
            f"{settings.longest_ps:g} ps",
            received=proof.reason if proof is not None else "no run",
            remedy="raise temperature_K or longest_ps of the step",
        )
    chain.leave(run, segments[-1], place)
    sample = Sample(
        work.study.material,
        work.one("structure").sample.formula,
        "melt",
        settings.temperature_K,
        settings.pressure_GPa,
    )
    return Output(sample, (proof, run_record(segments, thermos, start.n_atoms)))


def _most_stretches(settings: MeltSettings) -> int:
    return max(1, round(settings.longest_ps / settings.stretch_ps))


def _stretch(settings: MeltSettings, number: int) -> Segment:
    return Segment(
        name=f"melt-{number + 1}",
        ensemble="npt",
        duration_ps=settings.stretch_ps,
        temperature_K=settings.temperature_K,
        pressure_GPa=settings.pressure_GPa,
        timestep_fs=settings.timestep_fs,
        frame_every_ps=settings.frame_every_ps,
        velocities=number == 0,
    )


RECIPES = (
    Recipe(
        "dynamics",
        1,
        DynamicsSettings,
        run_dynamics,
        random=True,
        citations=("10.1016/j.cpc.2021.108171", "10.1063/1.449071"),
    ),
    Recipe(
        "melt",
        1,
        MeltSettings,
        run_melt,
        random=True,
        citations=("10.1016/j.cpc.2021.108171", "10.1063/1.449071"),
    ),
)
