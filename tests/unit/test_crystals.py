import numpy as np
import pytest
import spglib

from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.matter.defects import remove_neutral_units
from vitrolyte.matter.periodic import nearest_distances, perpendicular_widths
from vitrolyte.matter.prototypes import crystal, prototypes, roles
from vitrolyte.matter.radii import ionic_radius, octahedral_factor, tolerance_factor
from vitrolyte.matter.supercell import supercell

# spglib announces a change of its error handling with every call.
pytestmark = pytest.mark.filterwarnings("ignore:Set OLD_ERROR_HANDLING:DeprecationWarning")


def space_group(structure: Trajectory) -> int:
    frame = structure.read()
    kinds = [sorted(set(structure.species)).index(symbol) for symbol in structure.species]
    scaled = frame.positions[0] @ np.linalg.inv(frame.cells[0])
    return spglib.get_symmetry_dataset((frame.cells[0], scaled, kinds)).number


@pytest.mark.parametrize("name", sorted(prototypes()))
def test_each_prototype_has_its_space_group(name: str) -> None:
    one = prototypes()[name]
    assert space_group(crystal(one.example, name)) == one.space_group


def test_lithium_oxychloride_takes_its_roles_from_charges() -> None:
    assert roles("Li3OCl", "antiperovskite") == {"X": "Li", "B": "O", "A": "Cl"}
    assert roles("ClOLi3", "antiperovskite") == {"X": "Li", "B": "O", "A": "Cl"}
    assert roles("SrTiO3", "perovskite") == {"X": "O", "B": "Ti", "A": "Sr"}
    assert roles("LaAlO3", "perovskite") == {"X": "O", "B": "Al", "A": "La"}


@pytest.mark.parametrize(
    ("formula", "name", "edge"),
    [
        # Zhao & Daemen, J. Am. Chem. Soc. 134, 15042 (2012), doi:10.1021/ja305709z: 3.91, 4.02 Å.
        ("Li3OCl", "antiperovskite", 3.91),
        ("Li3OBr", "antiperovskite", 4.02),
        # Wyckoff, Crystal Structures, Interscience 1963: LiCl 5.1295, CaF2 5.4626, NaCl 5.6402 Å.
        ("LiCl", "rock_salt", 5.1295),
        ("CaF2", "fluorite", 5.4626),
        ("NaCl", "rock-salt", 5.6402),
        # Zintl, Harder & Dauth, Z. Elektrochem. 40, 588 (1934): Li2O 4.619 Å.
        ("Li2O", "antifluorite", 4.619),
    ],
)
def test_the_lattice_guess_is_within_three_per_cent(formula: str, name: str, edge: float) -> None:
    assert crystal(formula, name).cells[0, 0, 0] == pytest.approx(edge, rel=0.03)


def test_density_of_lithium_oxychloride() -> None:
    # a = 3.91 Å: Zhao & Daemen, doi:10.1021/ja305709z; 72.27 u in 59.78 Å³ is 2.01 g/cm³.
    crystalline = crystal("Li3OCl", "antiperovskite", lattice_parameter_A=3.91)
    assert crystalline.densities[0] == pytest.approx(2.01, abs=0.005)


def test_a_wrong_stoichiometry_names_what_fits() -> None:
    with pytest.raises(InputError, match="use antifluorite"):
        crystal("Li2O", "antiperovskite")
    with pytest.raises(InputError, match="no prototype"):
        crystal("Li7P3S11", "antiperovskite")
    with pytest.raises(InputError, match="did you mean 'antiperovskite'"):
        crystal("Li3OCl", "antiperowskite")
    with pytest.raises(InputError, match="lattice parameter"):
        crystal("Li3OCl", "antiperovskite", lattice_parameter_A=-1.0)


def test_radii_and_factors_are_those_printed() -> None:
    # Shannon, Acta Cryst. A 32, 751 (1976), doi:10.1107/S0567739476001551, six neighbours.
    li, o, cl = ionic_radius("Li", 1), ionic_radius("O", -2), ionic_radius("Cl", -1)
    assert (li, o, cl) == (0.76, 1.40, 1.81)
    # Those radii in t = (R_A + R_X) / sqrt 2 (R_B + R_X), Xia et al., Chem. Rev. 122, 3763 (2022).
    assert tolerance_factor(cl, o, li) == pytest.approx(0.841, abs=5e-4)
    assert octahedral_factor(o, li) == pytest.approx(1.84, abs=5e-3)


def test_supercells_keep_density_and_are_nearly_cubic() -> None:
    one = crystal("Li3OCl", "antiperovskite", lattice_parameter_A=3.91)
    many = supercell(one, at_least_atoms=600)
    assert many.n_atoms == 625
    assert many.densities == pytest.approx(one.densities)
    long = supercell(one, (4, 1, 1))
    assert supercell(long, at_least_atoms=300).n_atoms == 320
    with pytest.raises(InputError):
        supercell(one)
    with pytest.raises(InputError):
        supercell(one, (0, 1, 1))


def test_a_supercell_of_a_skewed_cell_is_the_same_crystal() -> None:
    one = crystal("LiCl", "rock_salt", lattice_parameter_A=5.13)
    frame = one.read()
    primitive = frame.cells[0] @ np.array([[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    small = Trajectory(
        ("Li", "Cl"), np.zeros(1), primitive[None], np.array([[[0, 0, 0], [5.13 / 2, 0, 0]]])
    )
    many = supercell(small, at_least_atoms=100)
    assert space_group(many) == 225
    assert many.densities == pytest.approx(one.densities)
    assert perpendicular_widths(many.cells[0]).std() == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("placement", ["random", "bound", "apart"])
def test_vacancy_pairs_leave_a_neutral_crystal(placement: str) -> None:
    whole = supercell(crystal("Li3OCl", "antiperovskite"), (4, 4, 4))
    poor = remove_neutral_units(whole, count=5, seed=3, placement=placement)
    again = remove_neutral_units(whole, count=5, seed=3, placement=placement)
    other = remove_neutral_units(whole, count=5, seed=4, placement=placement)
    counts = {e: poor.species.count(e) for e in ("Li", "O", "Cl")}
    assert counts == {"Li": 3 * 64 - 5, "O": 64, "Cl": 64 - 5}
    assert np.array_equal(poor.read().positions, again.read().positions)
    assert not np.array_equal(poor.read().positions, other.read().positions)


def missing(whole: Trajectory, poor: Trajectory) -> np.ndarray:
    """Return the fractional places that are in one and not in the other."""
    cell = whole.cells[0]
    places = whole.read().positions[0]
    left = {tuple(np.round(p, 6)) for p in poor.read().positions[0]}
    gone = [p for p in places if tuple(np.round(p, 6)) not in left]
    return np.array(gone) @ np.linalg.inv(cell)


def test_bound_vacancies_are_neighbours_and_those_apart_are_not() -> None:
    whole = supercell(crystal("Li3OCl", "antiperovskite", lattice_parameter_A=3.91), (4, 4, 4))
    near = missing(whole, remove_neutral_units(whole, count=1, seed=0, placement="bound"))
    far = missing(whole, remove_neutral_units(whole, count=1, seed=0, placement="apart"))
    cell = whole.cells[0]
    assert nearest_distances(near[0], near[1:], cell) == pytest.approx(3.91 / np.sqrt(2))
    assert nearest_distances(far[0], far[1:], cell)[0] > 3.91 * 2


def test_charged_or_absent_units_are_refused() -> None:
    whole = supercell(crystal("Li3OCl", "antiperovskite"), (2, 2, 2))
    with pytest.raises(InputError, match="neutral"):
        remove_neutral_units(whole, "LiO", count=1, seed=0)
    with pytest.raises(InputError, match="must be present"):
        remove_neutral_units(whole, "LiCl", count=9, seed=0)
    with pytest.raises(InputError, match="must be present"):
        remove_neutral_units(whole, "NaCl", count=1, seed=0)
    with pytest.raises(InputError, match="placement"):
        remove_neutral_units(whole, count=1, seed=0, placement="nowhere")
