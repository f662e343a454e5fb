"""The same trajectory through kinisi and MDAnalysis: displacements, diffusivity, conductivity.

Run ``python -m validation.transport_peers``. Both programs are needed for tests only.
"""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.check import Check
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.trajectory import Frames, Trajectory
from vitrolyte.data.unwrap import unwrap
from vitrolyte.observe.motion.displacement import Reading, mean_square_displacement
from vitrolyte.observe.motion.transport import Transport, TransportSettings, transport

Floats = NDArray[np.float64]

STEP_PS = 0.1
TEMPERATURE_K = 800.0
LITHIUM_D = 0.05
CHLORIDE_D = 0.01
COMMAND = "python -m validation.transport_peers"


@dataclass(frozen=True, eq=False)
class Scene:
    """Ions among a resting framework, as a simulation would write them.

    Attributes
    ----------
    species
        (n_atoms,).
    wrapped
        (n_frames, n_atoms, 3), Å, inside the cell of each frame.
    cells
        (n_frames, 3, 3), Å.
    paths
        (n_frames, n_atoms, 3), Å, as walked.
    """

    species: tuple[str, ...]
    wrapped: Floats
    cells: Floats
    paths: Floats

    @property
    def times(self) -> Floats:
        return np.arange(len(self.wrapped), dtype=np.float64) * STEP_PS

    def trajectory(self) -> Trajectory:
        """Return the scene unwrapped by whole cell vectors, as a Trajectory holds it."""
        block = Frames(0, self.times, self.cells, self.wrapped, None)
        positions = next(iter(unwrap([block], "lattice"))).positions
        return Trajectory(self.species, self.times, self.cells, positions)


def scene(seed: int, *, n_frames: int, ions: int, triclinic: bool) -> Scene:
    """Return Li and Cl walks among O at rest, all drifting; a triclinic cell also breathes."""
    draws = np.random.default_rng(seed)
    species = ("Li",) * ions + ("Cl",) * ions + ("O",) * ions
    diffusivity = np.repeat([LITHIUM_D, CHLORIDE_D, 0.0], ions)
    cells = _cells(draws, n_frames, triclinic)
    wrapped = np.empty((n_frames, len(species), 3))
    wrapped[0] = draws.random((len(species), 3)) @ cells[0]
    drift = np.array([0.02, -0.01, 0.015])
    paths = np.broadcast_to(wrapped[0], wrapped.shape).copy()
    for k in range(1, n_frames):
        noise = draws.normal(size=(len(species), 3))
        steps = noise * np.sqrt(2 * diffusivity * STEP_PS)[:, None] + drift
        paths[k] = paths[k - 1] + steps
        wrapped[k] = ((wrapped[k - 1] + steps) @ np.linalg.inv(cells[k]) % 1.0) @ cells[k]
    return Scene(species, wrapped, cells, paths)


def _cells(draws: np.random.Generator, n_frames: int, triclinic: bool) -> Floats:
    if not triclinic:
        return np.broadcast_to(np.eye(3) * 16.0, (n_frames, 3, 3))
    cell = np.array([[15.0, 0.0, 0.0], [3.0, 16.0, 0.0], [-2.0, 4.0, 17.0]])
    breath = 1.0 + 0.004 * draws.normal(size=(n_frames, 3, 3)) * (cell != 0)
    return np.asarray(cell * breath)


def ours(made: Scene) -> Transport:
    """Return our result, in the frame in which the framework rests, as kinisi has it."""
    settings = TransportSettings(Reading(frame="O"))
    charges = {"Li": 1.0, "Cl": -1.0}
    return transport(made.trajectory(), charges, temperature_K=TEMPERATURE_K, settings=settings)


def universe(made: Scene) -> object:
    """Return the wrapped scene as an MDAnalysis universe."""
    import MDAnalysis
    from MDAnalysis.coordinates.memory import MemoryReader
    from MDAnalysis.lib.mdamath import triclinic_box

    built = MDAnalysis.Universe.empty(len(made.species), trajectory=True)
    built.add_TopologyAttr("types", list(made.species))
    built.add_TopologyAttr("names", list(made.species))
    built.add_TopologyAttr("elements", list(made.species))
    boxes = np.array([triclinic_box(*cell) for cell in made.cells], dtype=np.float32)
    built.load_new(
        made.wrapped.astype(np.float32), format=MemoryReader, dimensions=boxes, dt=STEP_PS
    )
    return built


def mdanalysis_msd(made: Scene, symbol: str) -> Floats:
    """Return the MSD of one species by MDAnalysis along the paths made, (n_frames,), Å².

    MDAnalysis' own NoJump adds whole vectors of the present cell, so that in a breathing cell its
    MSD holds what the cell did to distant images; it is given the paths instead.
    """
    from MDAnalysis.analysis.msd import EinsteinMSD

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = universe(Scene(made.species, made.paths, made.cells, made.paths))
        found = EinsteinMSD(plain, select=f"name {symbol}", msd_type="xyz", fft=False).run()
    return np.asarray(found.results.timeseries, dtype=float)


def kinisi_diffusivity(made: Scene, symbol: str) -> Quantity:
    """Return the tracer diffusivity by kinisi from the wrapped scene, cm²/s."""
    import scipp
    from kinisi.analyze import DiffusionAnalyzer

    analyzer = DiffusionAnalyzer.from_universe(universe(made), **_kinisi_input(made, symbol))
    analyzer.diffusion(2.0 * scipp.Unit("ps"), **_kinisi_sampling())
    return _summary(scipp.to_unit(analyzer.D, "cm^2/s").values, "cm²/s")


def kinisi_conductivity(made: Scene, symbol: str) -> Quantity:
    """Return the collective conductivity of one species by kinisi, S/cm."""
    import scipp
    from kinisi.analyze import ConductivityAnalyzer

    settings = _kinisi_input(made, symbol)
    analyzer = ConductivityAnalyzer.from_universe(
        universe(made), ionic_charge=1 * scipp.Unit("e"), **settings
    )
    temperature = TEMPERATURE_K * scipp.Unit("K")
    analyzer.conductivity(2.0 * scipp.Unit("ps"), temperature, **_kinisi_sampling())
    return _summary(scipp.to_unit(analyzer.sigma, "S/cm").values, "S/cm")


def _kinisi_input(made: Scene, symbol: str) -> dict[str, object]:
    import scipp

    lags = np.unique(np.geomspace(10, len(made.wrapped) // 2, 30).astype(int)) * STEP_PS
    return {
        "specie": symbol,
        "time_step": STEP_PS * scipp.Unit("ps"),
        "step_skip": scipp.scalar(1),
        "dt": scipp.array(dims=["time interval"], values=lags, unit="ps"),
        "progress": False,
    }


def _kinisi_sampling() -> dict[str, object]:
    return {
        "n_samples": 300,
        "n_burn": 200,
        "progress": False,
        "random_state": np.random.RandomState(1),
    }


def _summary(samples: Floats, unit: str) -> Quantity:
    low, middle, high = np.percentile(samples, [2.5, 50, 97.5])
    return Quantity(float(middle), unit, float(np.std(samples)), float(low), float(high))


def checks() -> tuple[Check, ...]:
    """Return our figures against those of both programs, in a cube and in a breathing cell."""
    found: list[Check] = []
    for name, triclinic in (("cube", False), ("breathing triclinic cell", True)):
        made = scene(3, n_frames=1000, ions=40, triclinic=triclinic)
        found += _displacement_checks(name, made)
        found += _interval_checks(name, made)
    return tuple(found)


def _displacement_checks(name: str, made: Scene) -> list[Check]:
    moved = mean_square_displacement(made.trajectory(), reading=Reading(frame="laboratory"))
    lag = 100
    got, theirs = float(moved.msd[0, lag]), float(mdanalysis_msd(made, "Li")[lag])
    bounds = (theirs * 0.999, theirs * 1.001)
    title = f"MSD of Li at 10 ps, Å², against MDAnalysis, {name}"
    return [Check.within(title, theirs, got, bounds=bounds, command=COMMAND)]


def _interval_checks(name: str, made: Scene) -> list[Check]:
    found = ours(made)
    diffusivity = found.tracer_diffusivity["Li"]
    theirs = kinisi_diffusivity(made, "Li")
    conductivity = found.onsager["Li-Li"]
    current = kinisi_conductivity(made, "Li")
    pairs = (
        ("tracer diffusivity of Li, cm²/s, against kinisi", diffusivity, theirs),
        ("collective conductivity of Li, S/cm, against kinisi", conductivity, current),
    )
    return [
        Check.within(
            f"{title}, {name}",
            other.value,
            own.value,
            bounds=agreement(own, other),
            command=COMMAND,
        )
        for title, own, other in pairs
    ]


def agreement(own: Quantity, other: Quantity) -> tuple[float, float]:
    """Return where our value may lie: within 1.96 of both standard errors about the other's."""
    half = 1.96 * float(np.hypot(own.error, other.error))
    return other.value - half, other.value + half


if __name__ == "__main__":
    for check in checks():
        sys.stdout.write(check.line + "\n")
