"""Pair functions beside MDAnalysis and freud, structure factors beside dynasor."""

from __future__ import annotations

import logging
from functools import partial
from itertools import combinations_with_replacement

import numpy as np
from validation.structure_peers import disordered, universe, write_extended

from benchmarks.race import Contestant, Race, Work, timed, workspace
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.density_waves import reciprocal, wave_vectors
from vitrolyte.observe.pair_functions import count_pairs
from vitrolyte.observe.scattering import QRange, scattering

REACH_A = 10.0
BINS = 200
_ELEMENTS = ("Li", "O", "Cl")
PAIRS = tuple(combinations_with_replacement(_ELEMENTS, 2))


def pair_races(*, tiny: bool) -> tuple[Race, ...]:
    """Return the pair function races, at about 1000 and 8000 atoms."""
    if tiny:
        return (_pairs(6, 1, rounds=1),)
    return (_pairs(6, 50, rounds=5), _pairs(12, 10, rounds=3))


def factor_races(*, tiny: bool) -> tuple[Race, ...]:
    """Return the structure factor race, at about 1000 atoms."""
    if tiny:
        return (_factors(4, 2, q_max=4.0, rounds=1),)
    return (_factors(6, 10, q_max=20.0, rounds=5),)


def _pairs(repeat: int, n_frames: int, *, rounds: int) -> Race:
    frames = disordered(repeat=repeat, n_frames=n_frames)
    size = f"{frames.n_atoms} atoms, {n_frames} frames, {BINS} bins to {REACH_A:g} Å"
    contestants = (
        Contestant("Vitrolyte count_pairs", partial(_ours, frames)),
        Contestant("MDAnalysis InterRDF", partial(_mdanalysis, frames), package="MDAnalysis"),
        Contestant("freud RDF", partial(_freud, frames), package="freud-analysis"),
    )
    answer = "largest Li-O g(r)"
    return Race(f"All six partial pair functions: {size}", "s", answer, contestants, rounds)


def _ours(frames: Trajectory) -> Work:
    def work() -> float:
        counts = count_pairs(frames, r_max_A=REACH_A, bin_A=REACH_A / BINS)
        elements = counts.sampling.elements
        found = {
            f"{elements[a]}-{elements[b]}": counts.pair_function(a, b)
            for a, b in combinations_with_replacement(range(len(elements)), 2)
        }
        return float(found["Li-O"].max())

    return timed(work)


def _mdanalysis(frames: Trajectory) -> Work:
    from MDAnalysis.analysis.rdf import InterRDF

    built = universe(frames)

    def work() -> float:
        found = {}
        for first, second in PAIRS:
            groups = [built.select_atoms(f"name {symbol}") for symbol in (first, second)]
            block = (1, 1) if first == second else None
            run = InterRDF(*groups, nbins=BINS, range=(0, REACH_A), exclusion_block=block).run()
            found[first, second] = run.results.rdf
        return float(found["Li", "O"].max())

    return timed(work)


def _freud(frames: Trajectory) -> Work:
    import freud

    freud.parallel.set_num_threads(1)
    block = frames.read()
    places = {symbol: frames.indices(symbol) for symbol in _ELEMENTS}
    boxes = [freud.box.Box.from_matrix(cell.T) for cell in block.cells]
    wrapped = [box.wrap(x) for box, x in zip(boxes, block.positions, strict=True)]

    def work() -> float:
        found = {}
        for first, second in PAIRS:
            counted = freud.density.RDF(BINS, REACH_A)
            query = {"mode": "ball", "r_max": REACH_A, "exclude_ii": first == second}
            for box, x in zip(boxes, wrapped, strict=True):
                system = (box, x[places[second]])
                points = x[places[first]]
                counted.compute(system, query_points=points, neighbors=query, reset=False)
            found[first, second] = counted.rdf
        return float(found["Li", "O"].max())

    return timed(work)


def _factors(repeat: int, n_frames: int, *, q_max: float, rounds: int) -> Race:
    frames = disordered(repeat=repeat, n_frames=n_frames)
    wanted = QRange(q_max=q_max)
    vectors = wave_vectors(frames.cells[0], q_max, budget=wanted.budget, seed=wanted.seed)
    count = len(vectors.indices)
    q = vectors.indices @ reciprocal(frames.cells[0])
    contestants = (
        Contestant("Vitrolyte scattering", partial(_our_factors, frames, wanted)),
        Contestant("dynasor, its kernel on arrays", partial(_kernel, frames, q), package="dynasor"),
        Contestant(
            "dynasor compute_static_structure_factors, reading extended XYZ",
            partial(_dynasor, frames, q),
            package="dynasor",
        ),
    )
    size = f"{frames.n_atoms} atoms, {n_frames} frames, {count} wave vectors to {q_max:g} 1/Å"
    answer = "mean of S_Li-Li over all wave vectors"
    return Race(f"All six partial structure factors: {size}", "s", answer, contestants, rounds)


def _our_factors(frames: Trajectory, wanted: QRange) -> Work:
    def work() -> float:
        found = scattering(frames, wanted)
        lithium = next(curve for curve in found.partials.curves if curve.label == "Li-Li")
        return float(np.average(lithium.y.real, weights=found.vectors.y.real))

    return timed(work)


def _kernel(frames: Trajectory, q: np.ndarray) -> Work:
    import numba
    from dynasor.core.reciprocal import calc_rho_q

    numba.set_num_threads(1)
    block = frames.read()
    groups = [np.ascontiguousarray(block.positions[:, frames.indices(s)]) for s in _ELEMENTS]

    def work() -> float:
        sums = np.zeros((len(PAIRS), len(q)))
        for k in range(frames.n_frames):
            waves = [calc_rho_q(group[k], q) for group in groups]
            for number, (a, b) in enumerate(combinations_with_replacement(range(3), 2)):
                sums[number] += (waves[a] * waves[b].conj()).real
        return _lithium(frames, sums[0] / frames.n_frames / frames.n_atoms)

    return timed(work)


def _dynasor(frames: Trajectory, q: np.ndarray) -> Work:
    import numba
    from dynasor import Trajectory as Theirs
    from dynasor import compute_static_structure_factors
    from dynasor.logging_tools import set_logging_level

    set_logging_level(logging.WARNING)
    numba.set_num_threads(1)
    groups = {symbol: frames.indices(symbol) for symbol in _ELEMENTS}
    path = workspace() / "frames.xyz"
    write_extended(path, frames)

    def work() -> float:
        read = Theirs(str(path), trajectory_format="extxyz", atomic_indices=groups)
        found = compute_static_structure_factors(read, q)
        return _lithium(frames, found.Sq_Li_Li)

    return timed(work)


def _lithium(frames: Trajectory, squares: np.ndarray) -> float:
    """Return the mean Faber-Ziman S_Li-Li of <|rho_Li(Q)|²> / N."""
    share = len(frames.indices("Li")) / frames.n_atoms
    return float(1.0 + (np.mean(squares) - share) / share**2)
