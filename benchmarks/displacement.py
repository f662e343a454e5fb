"""Mean square displacement and diffusivity beside MDAnalysis, tidynamics, kinisi and pymatgen."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from validation.structure_peers import universe
from validation.walks import brownian

from benchmarks.race import Contestant, Race, Work, timed, workspace
from vitrolyte.data.io.chunks import open_trajectory, write_trajectory
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.data.units import A2_PER_PS_TO_CM2_PER_S
from vitrolyte.observe.motion.displacement import Reading, mean_square_displacement
from vitrolyte.observe.motion.transport import TransportSettings, transport
from vitrolyte.observe.tracks import LABORATORY

DIFFUSIVITY = 0.05
STEP_PS = 0.1
_LAG = 10
_KINISI_LAGS = 100
_BLOCK = 256
_READING = Reading(frame=LABORATORY)


def races(*, tiny: bool) -> tuple[Race, ...]:
    """Return the displacement races: a small and a large trajectory."""
    if tiny:
        return (_displacement(10, 100, rounds=1), _reading(10, 100, rounds=1))
    return (
        _displacement(200, 5000, rounds=7),
        _displacement(1000, 20000, rounds=3),
        diffusivity_race(200, 5000, rounds=3),
        diffusivity_race(1000, 20000, rounds=1),
        _reading(200, 5000, rounds=7),
        _reading(1000, 20000, rounds=3),
    )


def trajectory(ions: int, frames: int) -> Trajectory:
    """Return walks of Li with D = 0.05 Å²/ps among as many O at rest (at most 200)."""
    resting = min(ions, 200)
    walk = brownian(1, (frames, ions), diffusivity=DIFFUSIVITY, step=STEP_PS)
    rest = np.broadcast_to(np.random.default_rng(2).random((resting, 3)) * 20, (frames, resting, 3))
    cells = np.broadcast_to(np.eye(3) * 20.0, (frames, 3, 3))
    species = ("Li",) * ions + ("O",) * resting
    positions = np.concatenate([walk, rest], axis=1)
    return Trajectory(species, np.arange(float(frames)) * STEP_PS, cells, positions)


def _size(ions: int, frames: int) -> str:
    return f"{ions} Li + {min(ions, 200)} resting O, {frames} frames"


def _displacement(ions: int, frames: int, *, rounds: int) -> Race:
    return Race(
        job=f"Mean square displacement of Li at all lags: {_size(ions, frames)}",
        unit="s",
        answer=f"MSD at lag {_LAG}, Å² (truth {6 * DIFFUSIVITY * _LAG * STEP_PS:g})",
        contestants=(
            Contestant("Vitrolyte", partial(_our_displacement, ions, frames)),
            Contestant(
                "MDAnalysis EinsteinMSD(fft=True)",
                partial(_their_displacement, ions, frames),
                package="MDAnalysis tidynamics",
            ),
            Contestant(
                "tidynamics.msd, ion by ion",
                partial(_by_tidynamics, ions, frames),
                package="tidynamics",
            ),
        ),
        rounds=rounds,
    )


def _our_displacement(ions: int, frames: int) -> Work:
    walks = trajectory(ions, frames)
    return timed(
        lambda: float(mean_square_displacement(walks, ("Li",), reading=_READING).msd[0, _LAG])
    )


def _their_displacement(ions: int, frames: int) -> Work:
    import tidynamics  # noqa: F401  (MDAnalysis asks for it only in the middle of the work)
    from MDAnalysis.analysis.msd import EinsteinMSD

    built = universe(trajectory(ions, frames))

    def work() -> float:
        found = EinsteinMSD(built, select="name Li", msd_type="xyz", fft=True).run()
        return float(found.results.timeseries[_LAG])

    return timed(work)


def diffusivity_race(ions: int, frames: int, *, rounds: int) -> Race:
    """Return the race for the diffusivity of Li, which each program estimates in its own way."""
    truth = DIFFUSIVITY * A2_PER_PS_TO_CM2_PER_S
    return Race(
        job=f"Diffusivity of Li with its interval: {_size(ions, frames)}",
        unit="s",
        answer=f"D, cm²/s (truth {truth:g})",
        contestants=(
            Contestant(
                "Vitrolyte transport (all lags, both conductivities)",
                partial(_our_diffusivity, ions, frames),
            ),
            Contestant(
                f"kinisi DiffusionAnalyzer ({_KINISI_LAGS} lags)",
                partial(_their_diffusivity, ions, frames),
                package="kinisi",
            ),
            Contestant(
                "pymatgen-analysis-diffusion DiffusionAnalyzer",
                partial(_by_pymatgen, ions, frames),
                package="pymatgen-analysis-diffusion",
            ),
        ),
        rounds=rounds,
    )


def _our_diffusivity(ions: int, frames: int) -> Work:
    walks = trajectory(ions, frames)
    settings = TransportSettings(_READING)

    def work() -> float:
        found = transport(walks, {"Li": 1.0}, temperature_K=800.0, settings=settings)
        return found.tracer_diffusivity["Li"].value

    return timed(work)


def _their_diffusivity(ions: int, frames: int) -> Work:
    import scipp
    from kinisi.analyze import DiffusionAnalyzer

    built = universe(trajectory(ions, frames))
    lags = np.unique(np.linspace(1, frames // 2, _KINISI_LAGS).astype(int)) * STEP_PS

    def work() -> float:
        analyzer = DiffusionAnalyzer.from_universe(
            built,
            specie="Li",
            time_step=STEP_PS * scipp.Unit("ps"),
            step_skip=scipp.scalar(1),
            dt=scipp.array(dims=["time interval"], values=lags, unit="ps"),
            progress=False,
        )
        start = 2.0 * scipp.Unit("ps")
        analyzer.diffusion(start, progress=False, random_state=np.random.RandomState(1))
        return float(np.median(scipp.to_unit(analyzer.D, "cm^2/s").values))

    return timed(work)


def _by_tidynamics(ions: int, frames: int) -> Work:
    import tidynamics

    paths = np.ascontiguousarray(
        trajectory(ions, frames).read().positions[:, :ions].transpose(1, 0, 2)
    )

    def work() -> float:
        return float(np.mean([tidynamics.msd(path)[_LAG] for path in paths]))

    return timed(work)


def _by_pymatgen(ions: int, frames: int) -> Work:
    from pymatgen.analysis.diffusion.analyzer import DiffusionAnalyzer

    walks = trajectory(ions, frames)
    positions = walks.positions[:]
    displacements = np.ascontiguousarray((positions - positions[0]).transpose(1, 0, 2))
    first = walks.to_pymatgen(0)

    def work() -> float:
        found = DiffusionAnalyzer(
            first, displacements, "Li", 800.0, STEP_PS * 1000.0, 1, smoothed="max"
        )
        return float(found.diffusivity)

    return timed(work)


def _reading(ions: int, frames: int, *, rounds: int) -> Race:
    """Return the race of the whole transport analysis of a stored run against reading it alone."""
    store = workspace() / f"walks-{ions}.zarr"
    write_trajectory(store, trajectory(ions, frames))
    return Race(
        job=f"From the store to all of transport, every species: {_size(ions, frames)}",
        unit="s",
        answer="MSD of Li at half of the run, Å²",
        contestants=(
            Contestant("Vitrolyte transport", partial(_stored_transport, store)),
            Contestant("reading the store alone", partial(_read, store)),
        ),
        rounds=rounds,
    )


def _stored_transport(store: Path) -> Work:
    stored = open_trajectory(store)
    settings = TransportSettings(_READING)

    def work() -> float:
        charges = {"Li": 1.0, "O": -2.0}
        found = transport(stored, charges, temperature_K=800.0, settings=settings)
        return found.mean_square_displacement["Li"].value

    return timed(work)


def _read(store: Path) -> Work:
    stored = open_trajectory(store)

    def work() -> float:
        steps = range(0, stored.n_frames, _BLOCK)
        for start in steps:
            np.asarray(stored.positions[start : start + _BLOCK])
        return float("nan")  # what was read has no diffusion yet

    return timed(work)
