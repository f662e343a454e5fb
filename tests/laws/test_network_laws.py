"""Rings, clusters and chains: what topology knows, and what must not matter."""

import numpy as np
import pytest
from ase.spacegroup import crystal as ase_crystal

from vitrolyte.data.observation import Sample
from vitrolyte.data.trajectory import Trajectory, from_ase, structure
from vitrolyte.matter.prototypes import crystal
from vitrolyte.matter.supercell import supercell
from vitrolyte.observe.network.bonds import Network
from vitrolyte.observe.network.chains import chains
from vitrolyte.observe.network.clusters import clusters
from vitrolyte.observe.network.rings import RingSettings, rings

SAMPLE = Sample("model", "SiO2", "crystal")
SILICA = Network(("Si",), ("O",), {"Si-O": 2.0})


def quartz() -> Trajectory:
    """Return alpha-quartz (Levien, Prewitt & Weidner, Am. Mineral. 65, 920 (1980)), 9 atoms."""
    built = ase_crystal(
        ["Si", "O"],
        [(0.4697, 0, 2 / 3), (0.4135, 0.2669, 2 / 3 + 0.1191)],
        spacegroup=154,
        cellpar=[4.916, 4.916, 5.4054, 90, 90, 120],
    )
    return from_ase(built)


def ring_counts(trajectory: Trajectory, criterion: str = "primitive") -> dict[str, float]:
    settings = RingSettings(SILICA, criterion, largest=10)  # type: ignore[arg-type]
    found = rings(trajectory, settings).counts
    return {size: number.value for size, number in found.items() if number.value > 0}


def transformed(trajectory: Trajectory, matrix: list[list[int]]) -> Trajectory:
    """Return the same crystal in another choice of cell vectors (determinant one)."""
    frame = trajectory.read()
    return structure(trajectory.species, frame.positions[0], np.array(matrix) @ frame.cells[0])


def shuffled(trajectory: Trajectory, seed: int = 0) -> Trajectory:
    """Return the same structure moved, in another order, atoms in any image."""
    random = np.random.default_rng(seed)
    order = random.permutation(trajectory.n_atoms)
    frame = trajectory.read()
    jumps = random.integers(-3, 4, size=(trajectory.n_atoms, 3)) @ frame.cells[0]
    moved = frame.positions[0][order] + jumps + [0.7, -1.9, 11.3]
    return structure(tuple(trajectory.species[k] for k in order), moved, frame.cells[0])


@pytest.mark.parametrize("criterion", ["primitive", "king", "guttman"])
def test_ring_counts_do_not_depend_on_the_cell(criterion: str) -> None:
    one = quartz()
    counts = ring_counts(one, criterion)
    others = [
        supercell(one, (2, 1, 1)),
        supercell(one, (3, 2, 2)),
        transformed(one, [[1, 0, 0], [1, 1, 0], [-1, 2, 1]]),
        shuffled(supercell(one, (2, 2, 1))),
    ]
    assert "6" in counts
    for other in others:
        assert ring_counts(other, criterion) == pytest.approx(counts)


def test_rings_as_wide_as_the_cell_are_told() -> None:
    settings = RingSettings(SILICA, largest=10)
    small, large = (rings(supercell(quartz(), (n,) * 3), settings).counts for n in (1, 4))
    # Three Si a cell: a ring of six must pass through two images of one of them.
    assert "100 % of them pass through two images" in small["6"].note
    assert "two images" not in large["6"].note
    assert small["6"].value == large["6"].value


def test_a_breathing_shaken_crystal_keeps_its_rings() -> None:
    one = supercell(quartz(), (2, 2, 2))
    random = np.random.default_rng(1)
    frame = one.read()
    scales = random.uniform(0.98, 1.02, size=(8, 1, 1))
    places = frame.positions[0] @ np.linalg.inv(frame.cells[0])
    cells = frame.cells * scales
    shaken = places @ cells + random.normal(0, 0.04, size=(8, one.n_atoms, 3))
    run = Trajectory(one.species, np.arange(8.0), cells, shaken)
    found = rings(run, RingSettings(Network(("Si",), ("O",)), largest=10))
    # Found from the pair function: shells end at 1.7 and begin at 3.4 Å.
    assert 1.8 < found.cut_offs["Si-O"] < 3.2
    numbers = {size: n.value for size, n in found.counts.items() if n.value > 0}
    assert numbers == pytest.approx(ring_counts(one))
    assert all(row.status == "ok" for row in found.observations(SAMPLE))


def lattice(rows: list[list[float]], repeat: tuple[int, int, int], a: float = 3.0) -> Trajectory:
    """Return Si on fractional places of a cube, repeated."""
    return supercell(structure(("Si",) * len(rows), np.array(rows) * a, np.eye(3) * a), repeat)


DIRECT = Network(("Si",), (), {"Si-Si": 3.1})


@pytest.mark.parametrize("repeat", [(1, 1, 1), (3, 3, 3)])
def test_rings_of_the_simple_cubic_lattice(repeat: tuple[int, int, int]) -> None:
    # Geometry: each atom lies in three planes on four squares each, so 12 / 4 = 3 squares an atom.
    # The graph distance is the sum of the steps along the axes; the closed walks without shortcut
    # are the squares and the six-rings +x +y +z -x -y -z: 4 for each body diagonal, one cube each.
    found = rings(lattice([[0, 0, 0]], repeat), RingSettings(DIRECT, largest=8))
    numbers = {size: n.value for size, n in found.counts.items() if n.value > 0}
    assert numbers == {"4": 3.0, "6": 4.0}


@pytest.mark.parametrize("skew", [0, 1], ids=["cubic", "triclinic"])
@pytest.mark.parametrize(
    ("keep", "dimension", "spans"),
    [
        (lambda u: np.ones(len(u), bool), 3, "abc"),
        (lambda u: u[:, 2] < 0.1, 2, "ab"),
        (lambda u: (u[:, 2] < 0.1) & (u[:, 1] < 0.1), 1, "a"),
        (lambda u: (u < 0.6).all(axis=1), 0, ""),
    ],
)
def test_dimension_and_direction_of_clusters(keep, dimension: int, spans: str, skew: int) -> None:  # type: ignore[no-untyped-def]
    whole = lattice([[0, 0, 0]], (4, 4, 4))
    frame = whole.read()
    use = keep(frame.positions[0] / 12.0)
    cell = frame.cells[0].copy()
    # Whole cell vectors are added, so that the crystal with its gaps stays what it was.
    cell[1] += skew * cell[0]
    part = structure(("Si",) * int(use.sum()), frame.positions[0][use], cell)
    found = clusters(shuffled(part), DIRECT)
    assert found.dimensions[f"{dimension}D"].value == 1.0
    reached = "".join(k for k in "abc" if found.percolation[k].value == 1.0)
    assert reached == spans
    assert found.percolation["any"].value == float(dimension > 0)
    assert found.mean_size.value == use.sum()


def test_touching_both_faces_is_no_percolation() -> None:
    # A row of four of the five places along a: its ends touch the faces, the gap is 6 Å.
    row = structure(("Si",) * 4, [[3.0 * k, 0, 0] for k in range(4)], np.diag([15.0, 9, 9]))
    found = clusters(row, DIRECT)
    assert found.percolation["any"].value == 0.0
    assert found.dimensions["0D"].value == 1.0
    closed = structure(("Si",) * 5, [[3.0 * k, 0, 0] for k in range(5)], np.diag([15.0, 9, 9]))
    assert clusters(closed, DIRECT).percolation["a"].value == 1.0


def test_a_diagonal_chain_spans_two_directions_and_is_one_dimensional() -> None:
    step = 3.0 / np.sqrt(2.0)
    places = [[step * k, step * k, 0.0] for k in range(4)]
    chain = structure(("Si",) * 4, places, np.diag([4 * step, 4 * step, 20.0]))
    found = clusters(chain, DIRECT)
    assert found.dimensions["1D"].value == 1.0
    assert [found.percolation[k].value for k in ("a", "b", "c", "all")] == [1, 1, 0, 0]


@pytest.mark.parametrize("repeat", [(1, 1, 1), (2, 2, 2)])
def test_two_interpenetrating_nets_are_two_clusters(repeat: tuple[int, int, int]) -> None:
    # Cuprite Cu2O: O on a body-centred lattice joined along <111> through Cu makes two separate
    # diamond-like nets (Wells, Structural Inorganic Chemistry); no cell shows them as one.
    a = 4.2696
    copper = np.array([[1, 1, 1], [3, 3, 1], [3, 1, 3], [1, 3, 3]]) / 4
    places = np.concatenate([[[0, 0, 0], [0.5, 0.5, 0.5]], copper]) * a
    cuprite = structure(("O", "O") + ("Cu",) * 4, places, np.eye(3) * a)
    found = clusters(supercell(cuprite, repeat), Network(("O",), ("Cu",), {"Cu-O": 2.0}))
    assert found.largest.value == pytest.approx(0.5)
    assert found.dimensions["3D"].value == 1.0


def test_clusters_of_a_polyanion_and_of_a_mobile_species() -> None:
    whole = supercell(crystal("Li3OCl", "antiperovskite", lattice_parameter_A=3.91), (2, 2, 2))
    # Corner-sharing OLi6 octahedra go on for ever; without Li, O and Cl have nobody to bond to.
    found = clusters(whole, Network(("O",), ("Li",)))
    assert found.network == "O-Li"
    assert found.percolation["all"].value == 1.0
    alone = clusters(whole, Network(("Cl",), (), {"Cl-Cl": 3.0}))
    assert alone.dimensions["0D"].value == 1.0
    assert alone.mean_size.value == 1.0
    rows = found.observations(SAMPLE)
    assert {row.of for row in rows} >= {"O-Li", "O-Li along a", "O-Li 3D"}


P_S = Network(("P",), ("S",), {"P-S": 2.3})


def chain_of(n: int, at: float, closed: bool = False) -> tuple[list[str], list[list[float]]]:
    """Return n P in a row along a, 4 Å apart, S between them, at a height of their own."""
    species, places = [], []
    for k in range(n):
        species.append("P")
        places.append([4.0 * k, at, 0.0])
        if k < n - 1 or closed:
            species.append("S")
            places.append([4.0 * k + 2.0, at, 0.0])
    return species, places


def test_lengths_of_chains_by_hand() -> None:
    parts = [chain_of(1, 0.0), chain_of(2, 5.0), chain_of(3, 10.0), chain_of(5, 15.0, closed=True)]
    species = tuple(symbol for part in parts for symbol in part[0])
    places = [place for part in parts for place in part[1]]
    found = chains(structure(species, places, np.diag([20.0, 20.0, 12.0])), P_S)
    assert found.lengths["chains"].x.tolist() == [1, 2, 3]
    assert found.lengths["chains"].y.tolist() == [1, 1, 1]
    assert found.mean_length.value == 2.0
    shares = {name: share.value for name, share in found.shares.items()}
    # The row of five bonds to its own image over the cell of 20 Å.
    assert shares == pytest.approx({"chain": 6 / 11, "loop": 0, "endless": 5 / 11, "branch": 0})


def test_loops_and_branches() -> None:
    angles = np.arange(8) * np.pi / 4
    circle = np.column_stack([np.cos(angles), np.sin(angles), 0 * angles]) * 2.613 + 10.0
    ring = chains(structure(("P", "S") * 4, circle, np.eye(3) * 20), P_S)
    assert ring.shares["loop"].value == 1.0
    assert ring.mean_length.status == "refused"
    # One P joined to three others through S: the three are chains of one.
    spokes = [[np.cos(t), np.sin(t), 0.0] for t in (0.0, 2.1, 4.2)]
    places = [[0, 0, 0], *(2 * np.array(spokes)).tolist(), *(4 * np.array(spokes)).tolist()]
    star = structure(("P", "S", "S", "S", "P", "P", "P"), np.array(places) + 10, np.eye(3) * 20)
    found = chains(star, P_S)
    assert found.shares["branch"].value == 0.25
    assert found.mean_length.value == 1.0
