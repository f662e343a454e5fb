"""What octahedra share, beside polyhedral-analysis and scripts on pymatgen and on ASE."""

from __future__ import annotations

import warnings
from functools import partial

import numpy as np
from validation.polyhedra_peers import (
    NICKEL_ARSENIDE_REACH_A,
    nickel_arsenide,
    nickel_bonding,
    shared_by_polyhedral_analysis,
)

from benchmarks.race import Contestant, Race, Work, timed
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.polyhedra.bonding import bond_rule
from vitrolyte.observe.polyhedra.tally import tally
from vitrolyte.observe.sampling import sample


def races(*, tiny: bool) -> tuple[Race, ...]:
    """Return the race: corners, edges and faces that octahedra share, at about 1000 atoms."""
    repeat, n_frames, rounds = ((4, 4, 4), 2, 1) if tiny else ((6, 6, 7), 5, 5)
    frames = nickel_arsenide(repeat, n_frames=n_frames)
    contestants = (
        Contestant("Vitrolyte tally (units, lengths and roles too)", partial(_ours, frames)),
        Contestant(
            "pymatgen get_neighbor_list and sets", partial(_pymatgen, frames), package="pymatgen"
        ),
        Contestant("ASE neighbor_list and a sparse product", partial(_ase, frames)),
        Contestant(
            "polyhedral-analysis",
            partial(_polyhedral_analysis, frames),
            package="polyhedral-analysis",
        ),
    )
    size = f"{frames.n_atoms} atoms, {frames.n_atoms // 2} octahedra, one frame"
    answer = "polyhedra that share a corner with one (12 in the crystal)"
    job = f"Corners, edges and faces shared in NiAs: {size}"
    return (Race(job, "s", answer, contestants, rounds, per=n_frames),)


def _ours(frames: Trajectory) -> Work:
    rule = bond_rule(sample(frames), nickel_bonding())
    octahedra = frames.species.count("Ni")

    def work() -> float:
        counted = tally(rule)
        return float(2.0 * counted.links("corner").sum() / counted.frames.sum() / octahedra)

    return timed(work)


def _pymatgen(frames: Trajectory) -> Work:
    crystals = [frames.to_pymatgen(k) for k in range(frames.n_frames)]
    nickel = {k for k, symbol in enumerate(frames.species) if symbol == "Ni"}

    def work() -> float:
        return float(np.mean([_shared_sets(crystal, nickel) for crystal in crystals]))

    return timed(work)


def _shared_sets(crystal, nickel: set[int]) -> float:  # type: ignore[no-untyped-def]
    """Return corners per octahedron from sets of ligands; cells are larger than two reaches."""
    first, second, _, _ = crystal.get_neighbor_list(NICKEL_ARSENIDE_REACH_A)
    ligands: dict[int, set[int]] = {k: set() for k in nickel}
    centres: dict[int, set[int]] = {}
    for i, j in zip(first.tolist(), second.tolist()):
        if i in nickel and j not in nickel:
            ligands[i].add(j)
            centres.setdefault(j, set()).add(i)
    corners = 0
    for i, own in ligands.items():
        partners = set().union(*(centres[j] for j in own)) - {i}
        corners += sum(len(own & ligands[j]) == 1 for j in partners)
    return corners / len(nickel)


def _ase(frames: Trajectory) -> Work:
    from ase.neighborlist import neighbor_list
    from scipy.sparse import csr_array

    atoms = [frames.to_ase(k) for k in range(frames.n_frames)]
    n = frames.species.count("Ni")
    place = np.cumsum(np.array(frames.species) == "Ni") - 1
    other = np.cumsum(np.array(frames.species) == "As") - 1
    reach = {("Ni", "As"): NICKEL_ARSENIDE_REACH_A}

    def work() -> float:
        found = []
        for one in atoms:
            i, j = neighbor_list("ij", one, reach)
            mine = np.array(frames.species)[i] == "Ni"
            table = (np.ones(mine.sum()), (place[i[mine]], other[j[mine]]))
            bonds = csr_array(table, shape=(n, frames.n_atoms - n))
            shared = (bonds @ bonds.T).tocoo()
            off = shared.coords[0] != shared.coords[1]
            found.append((shared.data[off] == 1).sum() / n)
        return float(np.mean(found))

    return timed(work)


def _polyhedral_analysis(frames: Trajectory) -> Work:
    warnings.simplefilter("ignore")
    single = [frames.frame(k) for k in range(frames.n_frames)]

    def work() -> float:
        return float(np.mean([shared_by_polyhedral_analysis(one)[0] for one in single]))

    return timed(work)
