"""Pair functions: the ideal gas, lattices whose shells geometry knows, and symmetries."""

import numpy as np
import pytest

from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Sample
from vitrolyte.data.trajectory import Trajectory, structure
from vitrolyte.matter.prototypes import crystal
from vitrolyte.matter.supercell import supercell
from vitrolyte.observe.pair_functions import count_pairs, largest_distance, pair_functions

SKEWED = np.array([[14.0, 0.0, 0.0], [4.0, 13.0, 0.0], [-3.0, 5.0, 15.0]])
CUBIC = np.eye(3) * 14.0


def gas(cell: np.ndarray, n_frames: int = 30, seed: int = 0) -> Trajectory:
    """Return uncorrelated points in a breathing box."""
    random = np.random.default_rng(seed)
    species = ("Li",) * 120 + ("Cl",) * 80
    cells = cell[None] * random.uniform(0.97, 1.03, size=(n_frames, 1, 1))
    positions = random.uniform(-1, 2, size=(n_frames, 200, 3)) @ cells
    return Trajectory(species, np.arange(n_frames) * 1.0, cells, positions)


def hot(crystalline: Trajectory, n_frames: int, seed: int = 1) -> Trajectory:
    frame = crystalline.read()
    random = np.random.default_rng(seed)
    moved = frame.positions + random.normal(0, 0.1, size=(n_frames, crystalline.n_atoms, 3))
    cells = np.repeat(frame.cells, n_frames, axis=0)
    return Trajectory(crystalline.species, np.arange(n_frames) * 0.5, cells, moved)


@pytest.mark.parametrize("cell", [CUBIC, SKEWED], ids=["cubic", "triclinic"])
def test_an_ideal_gas_has_g_of_one(cell: np.ndarray) -> None:
    result = pair_functions(gas(cell), bin_A=0.25)
    for curve in (*result.partials.curves, *result.total.curves):
        use = curve.x > 2.0
        # Poisson: the error of the mean over the range follows from the pairs counted.
        assert curve.y[use].mean() == pytest.approx(1.0, abs=0.02)
        assert np.abs(curve.y[use] - 1.0).max() < 0.3


def test_shells_of_the_antiperovskite() -> None:
    # Geometry of Pm-3m with a = 3.91 Å: Li on the faces, O in the centre, Cl on the corner.
    whole = supercell(crystal("Li3OCl", "antiperovskite", lattice_parameter_A=3.91), (4, 4, 4))
    result = pair_functions(whole)
    numbers = {pair: number.value for pair, number in result.coordination.items()}
    assert numbers == pytest.approx(
        {
            "Li-Li": 8,
            "Li-O": 2,
            "O-Li": 6,
            "Li-Cl": 4,
            "Cl-Li": 12,
            "O-Cl": 8,
            "Cl-O": 8,
            "O-O": 6,
            "Cl-Cl": 6,
        }
    )
    half_bin = 0.0101
    assert result.distances["Li-O"].value == pytest.approx(3.91 / 2, abs=half_bin)
    assert result.distances["Li-Cl"].value == pytest.approx(3.91 / np.sqrt(2), abs=half_bin)
    assert set(result.bonds) == {"Li-O", "Li-Cl"}


@pytest.mark.parametrize(
    ("formula", "name", "pair", "numbers", "share"),
    [
        ("LiCl", "rock_salt", "Li-Cl", (6, 6), 1 / 2),
        ("CaF2", "fluorite", "Ca-F", (8, 4), np.sqrt(3) / 4),
        ("CsCl", "caesium_chloride", "Cs-Cl", (8, 8), np.sqrt(3) / 2),
        ("ZnS", "zinc_blende", "Zn-S", (4, 4), np.sqrt(3) / 4),
    ],
)
def test_known_coordination_of_hot_crystals(
    formula: str, name: str, pair: str, numbers: tuple[int, int], share: float
) -> None:
    one = crystal(formula, name)
    result = pair_functions(hot(supercell(one, at_least_atoms=250), 12))
    first, second = pair.split("-")
    got = (result.coordination[pair], result.coordination[f"{second}-{first}"])
    assert [number.value for number in got] == pytest.approx(numbers, abs=1e-6)
    length = result.distances[pair]
    # Independent Gaussian motion of 0.1 Å lengthens the mean by sigma^2 / d and the peak of g less.
    assert length.value == pytest.approx(one.cells[0, 0, 0] * share, abs=0.03)
    assert 0 < length.error < 0.02


def test_closest_packing_in_a_skewed_primitive_cell() -> None:
    # Face-centred cubic, a = 5.26 Å (argon; Barrett & Meyer 1964): 12 at a/sqrt2, 6 at a, 24 ...
    primitive = 2.63 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]], dtype=float)
    many = supercell(structure(("Ar",), [[0, 0, 0]], primitive), (7, 7, 7))
    result = pair_functions(many, bin_A=0.02)
    r, n = result.running.curves[0].x, result.running.curves[0].y
    shells = [n[np.searchsorted(r, 5.26 * at)] for at in (0.72, 1.01, 1.23, 1.42)]
    assert shells == pytest.approx([12, 18, 42, 54])


def test_nothing_depends_on_wrapping_translation_or_order() -> None:
    one = hot(supercell(crystal("LiCl", "rock_salt"), (3, 3, 3)), 1)
    frame = one.read()
    shuffle = np.random.default_rng(2).permutation(one.n_atoms)
    moved = frame.positions[0][shuffle] + [1.0, -2.0, 3.0]
    wrapped = (moved @ np.linalg.inv(frame.cells[0])) % 1.0 @ frame.cells[0]
    other = structure(tuple(one.species[i] for i in shuffle), wrapped, frame.cells[0])
    a, b = count_pairs(one), count_pairs(other)
    assert a.sampling.elements == b.sampling.elements
    # A pair may cross an edge of a bin by rounding.
    assert np.abs(np.cumsum(a.pairs - b.pairs, axis=-1)).max() <= 1


def test_a_skewed_cell_of_the_same_crystal_gives_the_same() -> None:
    one = supercell(crystal("Li3OCl", "antiperovskite"), (6, 6, 6))
    frame = one.read()
    sheared = frame.cells[0].copy()
    sheared[1] += frame.cells[0][0]
    skewed = structure(one.species, frame.positions[0], sheared)
    r_max = largest_distance(skewed) - 0.02
    a = pair_functions(one, r_max_A=r_max)
    b = pair_functions(skewed, r_max_A=r_max)
    for label in a.partials.labels:
        assert a.partials[label].y == pytest.approx(b.partials[label].y, abs=1e-6)


def test_partials_add_up_to_the_total() -> None:
    # Where all atoms scatter alike the total is the pair function of the whole.
    gaseous = gas(CUBIC, n_frames=5)
    counts = count_pairs(gaseous)
    one_kind = Trajectory(("Cl",) * 200, gaseous.times, gaseous.cells, gaseous.positions)
    total = count_pairs(one_kind).pairs.sum(axis=0)[0, 0]
    assert counts.pairs.sum(axis=(0, 1, 2)) == pytest.approx(total)


def test_a_cut_off_can_be_given_from_either_side() -> None:
    whole = supercell(crystal("Li3OCl", "antiperovskite", lattice_parameter_A=3.91), (4, 4, 4))
    result = pair_functions(whole, cut_offs={"O-Li": 5.0})
    # Next Li of an O lie at sqrt(5)/2 a = 4.37 Å, 24 of them.
    assert result.coordination["O-Li"].value == pytest.approx(30)
    assert result.cut_offs["Li-O"] == 5.0
    with pytest.raises(InputError, match="Zr-O"):
        pair_functions(whole, cut_offs={"Zr-O": 2.5})


def test_a_cell_smaller_than_twice_the_distance_is_refused() -> None:
    with pytest.raises(InputError, match="half the smallest width"):
        count_pairs(structure(("Li", "Cl"), [[0, 0, 0], [2, 2, 2]], np.eye(3) * 10), r_max_A=6.0)


def test_observations_name_bonds_from_the_cation() -> None:
    whole = supercell(crystal("Li3OCl", "antiperovskite"), (3, 3, 3))
    rows = pair_functions(hot(whole, 10)).observations(
        Sample("antiperovskite", "Li3OCl", "crystal")
    )
    words = {(row.quantity, row.of) for row in rows}
    assert {("bond_length", "Li-O"), ("coordination_number", "O-Li")} <= words
    assert ("bond_length", "Li-Li") not in words


def test_a_coordination_number_says_what_other_cut_offs_would_give() -> None:
    # Geometry of Pm-3m, a = 3.91 Å: 6 Li of an O at 1.955 Å, 24 more at 4.371 Å.
    whole = supercell(crystal("Li3OCl", "antiperovskite", lattice_parameter_A=3.91), (4, 4, 4))
    number = pair_functions(whole, cut_offs={"O-Li": 4.3}).coordination["O-Li"]
    assert number.value == pytest.approx(6)
    assert "6.00 and 30.00 for a cut-off 0.1 Å shorter and longer" in number.note
