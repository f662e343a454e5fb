"""Pair functions beside MDAnalysis, freud, matcorr and OVITO, structure factors beside dynasor."""

from __future__ import annotations

import logging
from functools import partial
from itertools import combinations_with_replacement

import numpy as np
from validation.structure_peers import disordered, universe, write_extended

from benchmarks.race import Contestant, Race, Work, timed, workspace
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.pair_functions import count_pairs
from vitrolyte.observe.sampling import sample
from vitrolyte.observe.scattering.density_waves import reciprocal
from vitrolyte.observe.scattering.partials import QRange, scattering
from vitrolyte.observe.scattering.wave_lattices import WavePlan, wave_plan
from vitrolyte.observe.threads import processors

REACH_A = 10.0
BINS = 200
BUDGET = 30000
_ELEMENTS = ("Li", "O", "Cl")
PAIRS = tuple(combinations_with_replacement(_ELEMENTS, 2))


def pair_races(*, tiny: bool) -> tuple[Race, ...]:
    """Return the pair function races, at about 1000 and 20 000 atoms."""
    if tiny:
        return (_pairs(6, 1, rounds=1),)
    return (_pairs(6, 50, rounds=5), _pairs(16, 5, rounds=3))


def factor_races(*, tiny: bool) -> tuple[Race, ...]:
    """Return the structure factor races, at about 1000 and 20 000 atoms."""
    if tiny:
        return (_factors(4, 2, QRange(q_max=4.0, budget=BUDGET), rounds=1),)
    fewer, every = QRange(budget=BUDGET), QRange(budget=10_000_000)
    return (
        _factors(6, 10, fewer, rounds=5),
        _factors(6, 2, every, rounds=3),
        _factors(16, 2, fewer, rounds=3),
    )


def _pairs(repeat: int, n_frames: int, *, rounds: int) -> Race:
    frames = disordered(repeat=repeat, n_frames=n_frames)
    found = count_pairs(frames, r_max_A=REACH_A, bin_A=REACH_A / BINS).pairs.sum() / 1e6
    size = f"{frames.n_atoms} atoms, {n_frames} frames, {BINS} bins to {REACH_A:g} Å"
    size += f", {found:.3g} million pairs in range, {processors()} threads"
    contestants = (
        Contestant("Vitrolyte count_pairs", partial(_ours, frames)),
        Contestant("matcorr RDF", partial(_matcorr, frames), package="matcorr"),
        Contestant("freud RDF", partial(_freud, frames), package="freud-analysis"),
        Contestant("OVITO CoordinationAnalysis", partial(_ovito, frames), package="ovito"),
        Contestant(
            "MDAnalysis InterRDF (one thread)", partial(_mdanalysis, frames), package="MDAnalysis"
        ),
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


def _matcorr(frames: Trajectory) -> Work:
    import matcorr

    block = frames.read()
    theirs = matcorr.Trajectory()
    for cell, positions in zip(block.cells, block.positions, strict=True):
        # Cells of the standard orientation are given by lengths and angles.
        lengths = np.linalg.norm(cell, axis=1)
        cosines = [cell[i] @ cell[j] / lengths[i] / lengths[j] for i, j in ((1, 2), (0, 2), (0, 1))]
        one = matcorr.Cell([*map(float, lengths), *map(float, np.degrees(np.arccos(cosines)))])
        one.from_arrays(positions.astype(np.float32), list(frames.species))
        theirs.add_frame(one)
    settings = matcorr.AnalysisSettings()
    settings.r_max, settings.r_bin_width, settings.smoothing = REACH_A, REACH_A / BINS, False
    settings.active_calculators = {
        name: name == "RDF" for name in map(str, matcorr.list_calculators())
    }
    bonds = [[(0.0, 0.0)] * len(_ELEMENTS) for _ in _ELEMENTS]

    def work() -> float:
        analyzer = matcorr.TrajectoryAnalyzer(theirs, REACH_A, bonds)
        found = matcorr.DistributionFunctions.compute_mean(theirs, analyzer, settings=settings)
        partials = found.get_histogram("g_r").partials
        # Theirs add up to the total: each is multiplied by the share of its pairs.
        share = 2.0 * frames.species.count("Li") * frames.species.count("O") / frames.n_atoms**2
        return float(np.max(partials.get("Li-O", partials.get("O-Li"))) / share)

    return timed(work)


def _ovito(frames: Trajectory) -> Work:
    from ovito.data import DataCollection, ParticleType
    from ovito.modifiers import CoordinationAnalysisModifier

    block = frames.read()
    types = np.array([_ELEMENTS.index(symbol) + 1 for symbol in frames.species])
    collections = []
    for matrix, positions in zip(block.cells, block.positions, strict=True):
        data = DataCollection()
        cell = np.zeros((3, 4))
        cell[:, :3] = matrix.T
        data.create_cell(cell, pbc=(True, True, True))
        particles = data.create_particles(count=frames.n_atoms)
        particles.create_property("Position", data=positions)
        kinds = particles.create_property("Particle Type", data=types)
        kinds.types.extend([ParticleType(id=k + 1, name=e) for k, e in enumerate(_ELEMENTS)])
        collections.append(data)
    lithium_oxygen = 1

    def work() -> float:
        total = np.zeros(BINS)
        for data in collections:
            found = data.clone()
            found.apply(
                CoordinationAnalysisModifier(cutoff=REACH_A, number_of_bins=BINS, partial=True)
            )
            total += found.tables["coordination-rdf"]["g(r)"][:, lithium_oxygen]
        return float(total.max() / frames.n_frames)

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

    freud.parallel.set_num_threads(processors())
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


def _factors(repeat: int, n_frames: int, wanted: QRange, *, rounds: int) -> Race:
    frames = disordered(repeat=repeat, n_frames=n_frames)
    plan = wave_plan(sample(frames), wanted.q_max, budget=wanted.budget, seed=wanted.seed)
    count = len(plan.indices(frames.cells[0], 0))
    contestants = [
        Contestant("Vitrolyte scattering", partial(_our_factors, frames, wanted)),
        Contestant(
            "dynasor, its kernel on arrays, the same vectors in each frame",
            partial(_kernel, frames, plan, count),
            package="dynasor",
        ),
        Contestant(
            "dynasor compute_static_structure_factors, reading extended XYZ, vectors of one frame",
            partial(_dynasor, frames, plan),
            package="dynasor",
        ),
    ]
    if count > BUDGET:
        contestants.append(
            Contestant(
                f"dynasor, its kernel on arrays, only {BUDGET} of the vectors",
                partial(_kernel, frames, plan, BUDGET),
                package="dynasor",
            )
        )
    size = (
        f"{frames.n_atoms} atoms, {n_frames} frames, {count} wave vectors to {wanted.q_max:g} 1/Å"
    )
    size += f", {processors()} threads"
    answer = "mean of S_Li-Li over all wave vectors"
    job = f"All six partial structure factors: {size}"
    return Race(job, "s", answer, tuple(contestants), rounds)


def _our_factors(frames: Trajectory, wanted: QRange) -> Work:
    def work() -> float:
        found = scattering(frames, wanted)
        lithium = next(curve for curve in found.partials.curves if curve.label == "Li-Li")
        return float(np.average(lithium.y.real, weights=found.vectors.y.real))

    return timed(work)


def _kernel(frames: Trajectory, plan: WavePlan, count: int) -> Work:
    import numba
    from dynasor.core.reciprocal import calc_rho_q

    numba.set_num_threads(processors())
    block = frames.read()
    groups = [np.ascontiguousarray(block.positions[:, frames.indices(s)]) for s in _ELEMENTS]
    vectors = []
    for k, cell in enumerate(block.cells):
        every = plan.indices(cell, k)
        chosen = np.linspace(0, len(every) - 1, min(count, len(every))).astype(int)
        vectors.append(np.ascontiguousarray(every[chosen] @ reciprocal(cell)))

    def work() -> float:
        means = []
        for k, q in enumerate(vectors):
            waves = [calc_rho_q(group[k], q) for group in groups]
            sums = [(a * b.conj()).real for a, b in combinations_with_replacement(waves, 2)]
            means.append(np.mean(sums[0]))
        return _lithium(frames, np.array(means) / frames.n_atoms)

    return timed(work)


def _dynasor(frames: Trajectory, plan: WavePlan) -> Work:
    import numba
    from dynasor import Trajectory as Theirs
    from dynasor import compute_static_structure_factors
    from dynasor.logging_tools import set_logging_level

    set_logging_level(logging.WARNING)
    numba.set_num_threads(processors())
    groups = {symbol: frames.indices(symbol) for symbol in _ELEMENTS}
    q = plan.indices(frames.cells[0], 0) @ reciprocal(frames.cells[0])
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
