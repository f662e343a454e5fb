"""Which molecules there are, how long they last, and which way they point."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation as Turn
from validation.rotation import OH, PS4, Crowd, molecules, of_attitudes

from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.matter.catalogue import catalogue_crystal
from vitrolyte.observe.rotation.attitude_kernels import angle_between, fitted_rotations, turned
from vitrolyte.observe.rotation.attitudes import attitude, matrices, turnings
from vitrolyte.observe.rotation.bonds import RotorSearch, molecule_name
from vitrolyte.observe.rotation.molecules import find_rotors


def of_crystal(name: str, search: RotorSearch | None = None) -> dict[str, int]:
    rotors = find_rotors(catalogue_crystal(name).structure, search)
    return {name: len(rotors.of(name)) for name in rotors.names}


@pytest.mark.parametrize(
    ("crystal", "expected"),
    [
        ("Li2OHCl", {"OH": 27}),
        ("LiOH", {"OH": 2}),
        ("Li7P3S11", {"P2S7": 2, "PS4": 2}),
        ("LiAlCl4", {"AlCl4": 4}),
    ],
)
def test_molecules_of_crystals_are_found(crystal: str, expected: dict[str, int]) -> None:
    assert of_crystal(crystal) == expected


def test_a_network_is_no_rotor() -> None:
    with pytest.raises(InputError, match=r"molecules of any sort.*Remedy"):
        of_crystal("Al2O3")


@pytest.mark.parametrize(
    ("amounts", "name"),
    [
        ({"H": 1, "O": 1}, "OH"),
        ({"H": 4, "N": 1}, "NH4"),
        ({"B": 1, "H": 4}, "BH4"),
        ({"S": 7, "P": 2}, "P2S7"),
        ({"O": 3, "N": 1}, "NO3"),
        ({"O": 1, "H": 2}, "H2O"),
        ({"Cl": 4, "Al": 1}, "AlCl4"),
        ({"S": 1, "O": 4}, "SO4"),
    ],
)
def test_names_are_those_of_chemists(amounts: dict[str, int], name: str) -> None:
    assert molecule_name(amounts) == name


def two_bodies(frames: int = 100) -> Trajectory:
    """One OH whose proton goes over to another O half way, and one that stays."""
    cell = np.array([[6.0, 0, 0], [2.5, 6.0, 0], [1.0, -2.0, 6.0]])
    start = np.array([[0, 0, 0], [0.97, 0, 0], [2.4, 0, 0], [0, 3.0, 3.0], [0, 3.0, 3.97]])
    positions = np.repeat(start[None], frames, axis=0)
    positions[frames // 2 :, 1] = [1.5, 0, 0]
    cells = np.repeat(cell[None], frames, axis=0)
    return Trajectory(("O", "H", "O", "O", "H"), np.arange(frames) * 0.1, cells, positions)


def test_an_exchanged_ligand_ends_a_life_and_is_reported() -> None:
    rotors = find_rotors(two_bodies(), RotorSearch(cut_offs={"O-H": 1.2}))
    spans = {life.atoms: (life.first, life.stop) for life in rotors.lives}
    assert spans == {(0, 1): (0, 50), (2, 1): (50, 100), (3, 4): (0, 100)}
    assert rotors.broken == {"OH": 1}
    assert "2 OH at the start, 1 broken" in rotors.note("OH")


def test_a_bond_that_swings_over_its_cut_off_does_not_break() -> None:
    trajectory = two_bodies()
    positions = np.array(trajectory.positions)
    positions[:, 1] = [0.97, 0, 0]
    positions[30:60:3, 4, 2] = 3.0 + 1.3
    swung = Trajectory(trajectory.species, trajectory.times, trajectory.cells, positions)
    rotors = find_rotors(swung, RotorSearch(cut_offs={"O-H": 1.2}))
    assert [(life.first, life.stop) for life in rotors.lives] == [(0, 100), (0, 100)]


def test_only_the_sort_asked_for_is_found() -> None:
    assert of_crystal("Li7P3S11", RotorSearch(rotor="PS4")) == {"PS4": 2}
    assert of_crystal("Li7P3S11", RotorSearch(rotor="S4P")) == {"PS4": 2}


def test_attitudes_are_right_across_faces_of_a_skewed_cell_that_breathes() -> None:
    crowd = Crowd(8, 60, triclinic=True, breathing=0.05)
    turns = Turn.random(crowd.frames * crowd.rotors, random_state=3)
    quaternions = turns.as_quat()[:, [3, 0, 1, 2]].reshape(crowd.frames, crowd.rotors, 4)
    rotors = find_rotors(
        molecules(crowd, of_attitudes(quaternions, PS4)), RotorSearch(cut_offs={"P-S": 2.6})
    )
    for k, turning in enumerate(turnings(rotors, rotors.of("PS4"))):
        for i, j in ((0, 10), (5, 59)):
            expected = angle_between(quaternions[i, k], quaternions[j, k])
            found = angle_between(turning.attitude[i], turning.attitude[j])
            assert found == pytest.approx(expected, abs=1e-9)


def test_a_cell_smaller_than_two_bonds_is_no_obstacle() -> None:
    angles = np.linspace(0, 2 * np.pi, 90)
    cell = np.diag([3.2, 3.4, 3.6])
    tail = 1.4 * np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    positions = np.stack([np.full_like(tail, 0.3), 0.3 + tail], axis=1)
    run = Trajectory(("C", "O"), np.arange(90.0), np.repeat(cell[None], 90, axis=0), positions)
    rotors = find_rotors(run, RotorSearch(cut_offs={"C-O": 1.6}))
    (turning,) = turnings(rotors, rotors.lives)
    np.testing.assert_allclose(np.abs(turning.attitude @ (tail / 1.4).T).diagonal(), 1.0)


def test_kabsch_is_the_least_squares_rotation_of_scipy() -> None:
    generator = np.random.default_rng(0)
    shape = generator.normal(size=(5, 3))
    shape -= shape.mean(axis=0)
    turn = Turn.random(20, random_state=1)
    bodies = np.einsum("nij,kj->nki", turn.as_matrix(), shape)
    bodies += generator.normal(scale=0.1, size=bodies.shape)
    bodies -= bodies.mean(axis=1, keepdims=True)
    found = matrices(fitted_rotations(np.ascontiguousarray(bodies), shape))
    for body, matrix in zip(bodies, found):
        expected = Turn.align_vectors(body, shape)[0].as_matrix()
        np.testing.assert_allclose(matrix, expected, atol=1e-10)


def test_the_turned_angle_has_no_bound() -> None:
    about = np.linspace(0, 6 * np.pi, 400)
    direction = np.stack([np.cos(about), np.sin(about), 0 * about], axis=1)
    assert turned(direction)[-1] == pytest.approx([0, 0, 6 * np.pi])
    body = np.stack([np.cos(about / 2), 0 * about, 0 * about, np.sin(about / 2)], axis=1)
    assert turned(body)[-1] == pytest.approx([0, 0, 6 * np.pi])


def test_a_stretching_bond_does_not_turn() -> None:
    lengths = 0.97 + 0.1 * np.sin(np.arange(50.0))
    whole = np.zeros((50, 2, 3))
    whole[:, 1] = lengths[:, None] * np.array([0.0, 0.6, 0.8])
    np.testing.assert_allclose(attitude(whole), np.tile([0.0, 0.6, 0.8], (50, 1)), atol=1e-12)


def test_an_oh_points_from_oxygen_to_hydrogen() -> None:
    whole = np.tile(OH, (3, 1, 1))
    np.testing.assert_allclose(attitude(whole)[:, 2], 1.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rotor": "O"},
        {"most_atoms": 1},
        {"least_life": 0.0},
        {"memory_MB": -1.0},
        {"loosening": 3.0},
        {"looks": 1},
    ],
)
def test_bad_searches_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError):
        RotorSearch(**wrong)  # type: ignore[arg-type]


def test_atoms_alone_are_no_rotors() -> None:
    cells = np.repeat(np.eye(3)[None] * 8, 20, axis=0)
    places = np.array(np.meshgrid([0, 4], [0, 4], [0, 4])).reshape(3, -1).T + 0.1
    positions = np.repeat(places[None], 20, axis=0)
    salt = Trajectory(("Li", "Cl") * 4, np.arange(20.0), cells, positions)
    with pytest.raises(InputError, match="ionic elements"):
        find_rotors(salt)
