"""The same frames through MDAnalysis, freud and dynasor: pair functions and structure factors."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Callable, Mapping
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from validation.check import Check
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.matter.prototypes import crystal
from vitrolyte.matter.supercell import supercell
from vitrolyte.observe.pair_functions import PairCounts, count_pairs
from vitrolyte.observe.scattering.density_waves import reciprocal, vectors_within
from vitrolyte.observe.scattering.partials import QRange, Scattering, scattering

Floats = NDArray[np.float64]
PairFunction = Callable[[Trajectory, str, str], Floats]

REACH_A = 6.0
BINS = 60
_CELLS = (("cube", 0.0), ("triclinic cell", 0.25))


def disordered(shear: float = 0.0, *, repeat: int = 4, n_frames: int = 4) -> Trajectory:
    """Return strongly rattled Li3OCl whose positions single precision holds exactly."""
    whole = supercell(crystal("Li3OCl", "antiperovskite", lattice_parameter_A=4.0), (repeat,) * 3)
    frame = whole.read()
    cell = frame.cells[0].copy()
    cell[1] += shear * cell[0]
    cell[2] += 0.5 * shear * cell[0] - shear * cell[1]
    placed = frame.positions[0] @ np.linalg.inv(frame.cells[0]) @ cell
    rattle = np.random.default_rng(0).normal(0, 0.5, size=(n_frames, whole.n_atoms, 3))
    rounded = np.round((placed + rattle) * 2048) / 2048
    cells = np.repeat(cell[None], n_frames, axis=0)
    return Trajectory(whole.species, np.arange(float(n_frames)), cells, rounded)


def pairs_mdanalysis() -> tuple[Check, ...]:
    """Return pair functions beside those of MDAnalysis InterRDF."""
    return _pair_checks("MDAnalysis", mdanalysis_pair_function)


def pairs_freud() -> tuple[Check, ...]:
    """Return pair functions beside those of freud."""
    return _pair_checks("freud", freud_pair_function)


def _pair_checks(program: str, theirs: PairFunction) -> tuple[Check, ...]:
    found = []
    for name, shear in _CELLS:
        frames = disordered(shear)
        counts = count_pairs(frames, r_max_A=REACH_A, bin_A=REACH_A / BINS)
        numbers = range(len(counts.sampling.elements))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            worst = max(
                _difference(frames, counts, pair, theirs)
                for pair in combinations_with_replacement(numbers, 2)
            )
        title = f"difference in neighbours within 0.1 ... {REACH_A:g} Å (the largest), {program}"
        # Theirs are distances in single precision: of 42 neighbours within the range some stand
        # 1e-6 Å from an edge of a bin and are counted beyond it, but not one in a thousand.
        bounds = (0.0, 0.02)
        found.append(Check.within(f"{title}, {name}", 0.0, worst, bounds=bounds, command=""))
    return tuple(found)


def _difference(
    frames: Trajectory, counts: PairCounts, pair: tuple[int, int], theirs: PairFunction
) -> float:
    """Return the largest difference of the running number of neighbours, the integral of g(r)."""
    first, second = (counts.sampling.elements[number] for number in pair)
    volume = float(np.abs(np.linalg.det(counts.sampling.cells)).mean())
    density = counts.sampling.counts[pair[1]] / volume
    shells = 4.0 * np.pi / 3.0 * np.diff(counts.edges**3) * density
    apart = counts.pair_function(*pair) - theirs(frames, first, second)
    return float(np.abs(np.cumsum(apart * shells)).max())


def mdanalysis_pair_function(frames: Trajectory, first: str, second: str) -> Floats:
    """Return g(r) of one pair by MDAnalysis."""
    from MDAnalysis.analysis.rdf import InterRDF

    built = universe(frames)
    groups = [built.select_atoms(f"name {symbol}") for symbol in (first, second)]
    exclusion = (1, 1) if first == second else None
    run = InterRDF(*groups, nbins=BINS, range=(0, REACH_A), exclusion_block=exclusion).run()
    return np.asarray(run.results.rdf, dtype=float)


def universe(frames: Trajectory):  # type: ignore[no-untyped-def]
    """Return frames of a cell written in the standard orientation as an MDAnalysis universe."""
    import MDAnalysis
    from MDAnalysis.coordinates.memory import MemoryReader
    from MDAnalysis.lib.mdamath import triclinic_box

    built = MDAnalysis.Universe.empty(frames.n_atoms, trajectory=True)
    built.add_TopologyAttr("name", list(frames.species))
    built.add_TopologyAttr("type", list(frames.species))
    boxes = np.array([triclinic_box(*cell) for cell in frames.cells], dtype=np.float32)
    positions = np.asarray(frames.read().positions, dtype=np.float32)
    step = float(frames.times[1] - frames.times[0]) if frames.n_frames > 1 else 1.0
    built.load_new(positions, format=MemoryReader, dimensions=boxes, dt=step)
    return built


def freud_pair_function(frames: Trajectory, first: str, second: str) -> Floats:
    """Return g(r) of one pair by freud, which divides by N² where N (N - 1) pairs are possible."""
    import freud

    block = frames.read()
    counted = freud.density.RDF(BINS, REACH_A)
    for cell, positions in zip(block.cells, block.positions, strict=True):
        box = freud.box.Box.from_matrix(cell.T)
        one, two = (box.wrap(positions[frames.indices(symbol)]) for symbol in (first, second))
        query = {"mode": "ball", "r_max": REACH_A, "exclude_ii": first == second}
        counted.compute((box, two), query_points=one, neighbors=query, reset=False)
    count = len(frames.indices(first))
    return np.asarray(counted.rdf) * (count / (count - 1.0) if first == second else 1.0)


def factors_dynasor() -> tuple[Check, ...]:
    """Return the largest difference of partial structure factors from those of dynasor."""
    found = []
    for name, shear in _CELLS:
        frames = disordered(shear)
        ours = scattering(frames, QRange(q_max=6.0, width=0.2, budget=100_000))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = dynasor_factors(frames, ours)
        worst = max(
            float(np.abs(curve.y.real - theirs[curve.label]).max())
            for curve in ours.partials.curves
        )
        title = f"largest difference of partial S(Q) below 6 1/Å from dynasor, {name}"
        # Both sum the same phases in double precision; both read the same rounded positions.
        found.append(Check.within(title, 0.0, worst, bounds=(0.0, 1e-5), command=""))
    return tuple(found)


def dynasor_factors(frames: Trajectory, like: Scattering) -> dict[str, Floats]:
    """Return dynasor's Faber-Ziman partials in the same bins, by pair."""
    from dynasor import Trajectory as Theirs
    from dynasor import compute_static_structure_factors
    from dynasor.logging_tools import set_logging_level

    set_logging_level(logging.WARNING)
    vectors = vectors_within(frames.cells[0], 6.0) @ reciprocal(frames.cells[0])
    groups = {symbol: frames.indices(symbol) for symbol in like.fractions}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frames.xyz"
        write_extended(path, frames)
        read = Theirs(str(path), trajectory_format="extxyz", atomic_indices=groups)
        found = compute_static_structure_factors(read, vectors)
    places = (np.linalg.norm(vectors, axis=1) / 0.2).astype(int)
    inside = places < 30
    _, bins = np.unique(places[inside], return_inverse=True)
    sizes = np.bincount(bins)
    return {
        curve.label: _faber_ziman(
            np.bincount(bins, _partial(found, curve.label)[inside]) / sizes,
            like.fractions,
            curve.label,
        )
        for curve in like.partials.curves
    }


def _partial(sample: object, label: str) -> Floats:
    first, second = label.split("-")
    name = f"Sq_{first}_{second}"
    found = getattr(sample, name if hasattr(sample, name) else f"Sq_{second}_{first}")
    # dynasor gives the sum of both orders of an unlike pair.
    return np.asarray(found, dtype=float).ravel() / (1.0 if first == second else 2.0)


def _faber_ziman(mean: Floats, fractions: Mapping[str, float], label: str) -> Floats:
    first, second = label.split("-")
    own = fractions[first] if first == second else 0.0
    return np.asarray(1.0 + (mean - own) / (fractions[first] * fractions[second]))


def write_extended(path: Path, frames: Trajectory) -> None:
    """Write frames as extended XYZ by ASE, with all digits."""
    import ase.io

    atoms = [frames.to_ase(k) for k in range(frames.n_frames)]
    ase.io.write(path, atoms, format="extxyz", columns=["symbols", "positions"])
