"""Polyhedra of perfect crystals are known by geometry, and no choice of cell changes them."""

import itertools
from collections import Counter

import numpy as np
import pytest

from vitrolyte.data.trajectory import Trajectory, structure
from vitrolyte.matter.catalogue import catalogue_crystal
from vitrolyte.matter.prototypes import crystal
from vitrolyte.matter.supercell import supercell
from vitrolyte.observe.neighbours import neighbours
from vitrolyte.observe.polyhedra.bonding import Bonding
from vitrolyte.observe.polyhedra.census import polyhedra
from vitrolyte.observe.polyhedra.sharing import count_frame
from vitrolyte.observe.polyhedra.solid_angles import solid_angles


def rutile(c=2.959):
    # TiO2: a = 4.594 Å, c = 2.959 Å, u = 0.305 (Wyckoff, Crystal Structures, vol. 1).
    u = 0.305
    places = [[0, 0, 0], [0.5, 0.5, 0.5], [u, u, 0], [-u, -u, 0]]
    places += [[0.5 + u, 0.5 - u, 0.5], [0.5 - u, 0.5 + u, 0.5]]
    cell = np.diag([4.594, 4.594, c])
    return structure(("Ti", "Ti", "O", "O", "O", "O"), np.array(places) @ cell, cell)


def nickel_arsenide():
    a, c = 3.6, 5.0
    cell = np.array([[a, 0, 0], [-a / 2, a * 3**0.5 / 2, 0], [0, 0, c]])
    places = [[0, 0, 0], [0, 0, 0.5], [1 / 3, 2 / 3, 0.25], [2 / 3, 1 / 3, 0.75]]
    return structure(("Ni", "Ni", "As", "As"), np.array(places) @ cell, cell)


def zincblende():
    cell = 5.41 * np.array([[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    return structure(("Zn", "S"), np.array([[0, 0, 0], [0.25, 0.25, 0.25]]) @ cell, cell)


def found(census):
    return tuple(round(census.neighbours[kind].value, 9) for kind in ("corner", "edge", "face"))


# Polyhedra that share a corner, an edge, a face with one: counted by hand in each structure.
# Rock salt: 6 octahedra across corners, 12 across edges. Antifluorite: 12 cubes across edges.
# Perovskite: 6 corners. Rutile: chains by 2 edges, 8 corners. Zincblende: 12 corners. Corundum: 1
# face, 3 edges, 9 corners. NiAs: 2 faces, 6 edges, 12 corners. GaF3 (tilted ReO3): 6 corners.
# AlCl3: layers by 3 edges. P4S10: each P to three others by a corner. TaCl5: dimers by an edge.
@pytest.mark.parametrize(
    ("atoms", "centre", "unit", "shared"),
    [
        (crystal("NaCl", "rock salt", lattice_parameter_A=5.64), "Na", "NaCl6", (6, 12, 0)),
        (catalogue_crystal("Li2O").structure, "O", "OLi8", (0, 12, 0)),
        (catalogue_crystal("Li3OCl").structure, "O", "OLi6", (6, 0, 0)),
        (rutile(), "Ti", "TiO6", (8, 2, 0)),
        (zincblende(), "Zn", "ZnS4", (12, 0, 0)),
        (catalogue_crystal("Al2O3").structure, "Al", "AlO6", (9, 3, 1)),
        (nickel_arsenide(), "Ni", "NiAs6", (12, 6, 2)),
        (catalogue_crystal("GaF3").structure, "Ga", "GaF6", (6, 0, 0)),
        (catalogue_crystal("AlCl3").structure, "Al", "AlCl6", (0, 3, 0)),
        (catalogue_crystal("P4S10").structure, "P", "PS4", (3, 0, 0)),
        (catalogue_crystal("TaCl5").structure, "Ta", "TaCl6", (0, 1, 0)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("repeat", [(1, 1, 1), (2, 1, 3)])
def test_sharing_is_what_geometry_says_in_cells_of_any_size(atoms, centre, unit, shared, repeat):
    ligands = tuple(e for e in dict.fromkeys(atoms.species) if e != centre and e in unit)
    bonding = Bonding(centres=(centre,), ligands=ligands)
    census = polyhedra(supercell(atoms, repeat), bonding)
    assert {name: round(share.value, 9) for name, share in census.units.items()} == {unit: 1.0}
    assert found(census) == shared
    whole = sum(shared)
    assert census.corner_sharing["all"].value == pytest.approx(shared[0] / whole)
    assert census.edge_sharing["all"].value == pytest.approx(shared[1] / whole)
    assert census.face_sharing["all"].value == pytest.approx(shared[2] / whole)


@pytest.mark.parametrize("method", ["solid angle", "bond valence"])
@pytest.mark.parametrize(
    ("name", "unit"),
    [("NaCl", "NaCl6"), ("Li2O", "OLi8"), ("ZrO2-monoclinic", "ZrO7"), ("TaCl5", "TaCl6")],
)
def test_all_ways_of_judging_bonds_agree_in_crystals(method, name, unit):
    """In monoclinic zirconia Zr has seven O: Howard, Hill & Reichert 1988."""
    census = polyhedra(catalogue_crystal(name).structure, Bonding(method=method))
    assert set(census.units) == {unit}


def test_a_split_first_shell_is_not_cut_in_two():
    """Ta2Cl10: four Ta-Cl at 2.2 and two at 2.5 Å; the dip between them is no gap."""
    census = polyhedra(catalogue_crystal("TaCl5").structure)
    assert census.coordination["Ta-Cl"].value == pytest.approx(6.0)


def disordered(seed=1):
    start = supercell(catalogue_crystal("Li2ZrCl6-trigonal").structure, (2, 2, 3))
    block = start.read()
    rattle = np.random.default_rng(seed).normal(0, 0.45, (3, start.n_atoms, 3))
    cells = np.repeat(block.cells, 3, axis=0)
    return Trajectory(start.species, np.arange(3.0), cells, block.positions + rattle)


BONDING = Bonding(cut_offs={"Zr-Cl": 3.3})


def figures(census):
    parts = (census.units, census.coordination, census.corner_sharing, census.edge_sharing)
    parts += (census.anions, census.bond_lengths, census.separations)
    return {
        (k, name): number.value for k, part in enumerate(parts) for name, number in part.items()
    }


def moved(frames, change):
    """Return frames whose positions, cell, and order of atoms are changed, the matter not."""
    block = frames.read()
    order = np.random.default_rng(0).permutation(frames.n_atoms)
    if change == "order":
        species = tuple(frames.species[k] for k in order)
        return Trajectory(species, frames.times, block.cells, block.positions[:, order])
    cells, x = block.cells.copy(), block.positions
    if change == "translation":
        x = x + np.array([3.3, -17.0, 8.1])
    if change == "wrapping":
        steps = np.random.default_rng(2).integers(-2, 3, (len(x), frames.n_atoms, 3))
        x = x + np.einsum("kni,kij->knj", steps, cells)
    if change == "triclinic cell":
        cells[:, 1] += cells[:, 0]
        cells[:, 2] += 2 * cells[:, 0] - cells[:, 1]
    if change == "rotation":
        turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
        x, cells = x @ turn, cells @ turn
    return Trajectory(frames.species, frames.times, cells, x)


@pytest.mark.parametrize("method", ["gap", "solid angle"])
@pytest.mark.parametrize(
    "change", ["wrapping", "translation", "order", "triclinic cell", "rotation"]
)
def test_nothing_hangs_on_how_matter_is_written_down(change, method):
    bonding = Bonding(method=method, cut_offs={} if method == "solid angle" else {"Zr-Cl": 3.3})
    frames = disordered()
    plain = figures(polyhedra(frames, bonding, frames_of_choices=0))
    other = figures(polyhedra(moved(frames, change), bonding, frames_of_choices=0))
    assert plain == pytest.approx(other, rel=1e-9, nan_ok=True)


def test_frames_count_alike():
    """The mean over three frames is the mean of three censuses of one frame."""
    frames = disordered()
    whole = polyhedra(frames, BONDING, frames_of_choices=0)
    single = [polyhedra(frames.frame(k), BONDING, frames_of_choices=0) for k in range(3)]
    mean = np.mean([one.coordination["Zr-Cl"].value for one in single])
    assert whole.coordination["Zr-Cl"].value == pytest.approx(mean)
    assert sum(share.value for share in whole.units.values()) == pytest.approx(1.0)


@pytest.mark.parametrize("edge", [5.0, 11.0])
def test_sharing_of_a_random_packing_is_that_of_plain_sets(edge):
    """Ligands in common, image by image, counted with sets; also in a cell below the cut-off."""
    random = np.random.default_rng(7)
    cell = np.array([[edge, 0, 0], [0.4 * edge, edge, 0], [-0.3 * edge, 0.2 * edge, 0.9 * edge]])
    n, farthest = (6, 4) if edge < 6 else (24, 2)
    kinds = np.repeat([0, 1, 2], [n, n, n])
    x = random.uniform(size=(3 * n, 3)) @ cell
    reach = np.array([[0, 2.9, 2.5], [2.9, 0, 0], [2.5, 0, 0]])
    bonds = neighbours(x, cell, kinds, reach)
    counts = count_frame(bonds, kinds, np.arange(n), np.arange(n, 3 * n))
    owned = {
        i: {(int(j), *map(int, s)): int(kinds[j]) for j, s in _entries(bonds, i)} for i in range(n)
    }
    corners, kinds_of_edges, faces = Counter(), Counter(), 0
    images = list(itertools.product(range(-farthest, farthest + 1), repeat=3))
    for i, j in itertools.product(range(n), repeat=2):
        for image in images:
            if i == j and image == (0, 0, 0):
                continue
            turned = {(k, *np.add(s, image)): kind for (k, *s), kind in owned[j].items()}
            both = [owned[i][key] for key in owned[i].keys() & turned.keys()]
            if len(both) == 1:
                corners[both[0]] += 0.5
            elif len(both) == 2:
                kinds_of_edges[tuple(sorted(both))] += 0.5
            elif both:
                faces += 0.5
    assert [corners[k] for k in range(3)] == counts.corners.tolist()
    assert counts.faces[0] == faces
    edges = {(a, b): counts.edges[a, b] for a, b in ((1, 1), (1, 2), (2, 2))}
    assert edges == {pair: kinds_of_edges[pair] for pair in edges}
    assert counts.connections.sum() > 0


def _entries(bonds, atom):
    part = bonds.of(atom)
    return zip(bonds.others[part], bonds.shifts[part])


def test_solid_angles_of_a_centre_add_up_to_the_sphere():
    random = np.random.default_rng(4)
    cell = np.array([[8.0, 0, 0], [2.0, 7.5, 0], [-1.0, 1.5, 9.0]])
    x = random.uniform(size=(30, 3)) @ cell
    kinds = np.repeat([0, 1], [5, 25])
    bonds = neighbours(x, cell, kinds, np.array([[0, 12.0], [12.0, 0]]))
    angles, needed = solid_angles(bonds, np.arange(5))
    assert needed < 12.0
    np.testing.assert_allclose(
        np.bincount(bonds.owners, angles, minlength=30)[:5], 4 * np.pi, rtol=1e-9
    )


def test_faces_of_a_cube_take_up_a_sixth_each():
    census_bonds = neighbours(
        crystal("NaCl", "rock salt", lattice_parameter_A=5.64).read().positions[0],
        np.eye(3) * 5.64,
        np.repeat([0, 1], 4),
        np.array([[0, 7.0], [7.0, 0]]),
    )
    angles, _ = solid_angles(census_bonds, np.arange(4))
    near = (census_bonds.distances < 3.0) & (census_bonds.owners < 4)
    np.testing.assert_allclose(angles[near], 4 * np.pi / 6)
    np.testing.assert_allclose(angles[~near], 0.0, atol=1e-9)
