"""Published shape measures, tilts and bond-valence parameters."""

import math

import numpy as np
import pytest
from ase.spacegroup import crystal as built

from vitrolyte.data.trajectory import from_ase, structure
from vitrolyte.matter.catalogue import catalogue_crystal, entry
from vitrolyte.observe.polyhedra.ideal_shapes import ideal_shapes
from vitrolyte.observe.polyhedra.shape_measures import shape_measures
from vitrolyte.observe.polyhedra.tilts import tilts
from vitrolyte.observe.polyhedra.valence import bond_valences
from vitrolyte.observe.polyhedra.valence_parameters import valence_parameters


# Pinsky & Avnir, Inorg. Chem. 37, 5575 (1998), doi:10.1021/ic9804925: a square against the
# tetrahedron 33.3. Alvarez et al., New J. Chem. 26, 996 (2002), doi:10.1039/b200641n: octahedron
# and trigonal prism 16.7. Casanova et al., J. Am. Chem. Soc. 126, 1755 (2004),
# doi:10.1021/ja036479n: cube and square antiprism 11.0.
@pytest.mark.parametrize(
    ("n", "one", "other", "measure", "digits"),
    [
        (4, "square", "tetrahedron", 33.3, 0.05),
        (6, "octahedron", "trigonal prism", 16.7, 0.05),
        (8, "cube", "square antiprism", 11.0, 0.05),
    ],
)
def test_ideal_shapes_are_as_far_apart_as_published(n, one, other, measure, digits):
    first, second = ideal_shapes(n)[one], ideal_shapes(n)[other]
    assert shape_measures(first[None])[other][0] == pytest.approx(measure, abs=digits)
    assert shape_measures(second[None])[one][0] == pytest.approx(measure, abs=digits)


def test_tilt_of_a_rhombohedral_perovskite_follows_from_one_coordinate():
    """In R-3c, anion at (x, 0, 1/4), octahedra turn about the threefold axis.

    ``tan omega = 2 sqrt(3) (x - 1/2)``: Megaw & Darlington, Acta Cryst. A 31, 161 (1975),
    doi:10.1107/S0567739475000332.
    """
    x = entry("GaF3").sites[1].at[0]
    found = tilts(catalogue_crystal("GaF3").structure)
    omega = math.degrees(math.atan(2.0 * math.sqrt(3.0) * (x - 0.5)))
    assert found.glazer == "a-a-a-"
    for axis in "xyz":
        assert found.out_of_phase[axis].value == pytest.approx(omega / math.sqrt(3.0), rel=1e-9)


def test_tilts_of_lanthanum_aluminate():
    """a-a-a-: Glazer, Acta Cryst. B 28, 3384 (1972), doi:10.1107/S0567740872007976.

    R-3c with x = 0.525, from general knowledge of Howard, Kennedy & Chakoumakos, J. Phys. Condens.
    Matter 12, 349 (2000). La forms a simple cubic lattice too and comes first; Al is meant.
    """
    aluminate = built(
        ("La", "Al", "O"),
        [(0, 0, 0.25), (0, 0, 0), (0.525, 0, 0.25)],
        spacegroup=167,
        cellpar=[5.365, 5.365, 13.111, 90, 90, 120],
    )
    found = tilts(from_ase(aluminate))
    assert (found.glazer, found.octahedra) == ("a-a-a-", 1.0)
    omega = math.degrees(math.atan(2.0 * math.sqrt(3.0) * 0.025))
    assert found.out_of_phase["x"].value == pytest.approx(omega / math.sqrt(3.0), rel=1e-6)


def pbnm(x, y, z):
    """Return the orbit of a point, axes as in Pbnm."""
    half = [(x, y, z), (-x, -y, z + 0.5), (0.5 - x, 0.5 + y, 0.5 - z), (0.5 + x, 0.5 - y, -z)]
    points = np.array([*half, *-np.array(half)])
    return np.unique(np.round(points % 1.0, 6) % 1.0, axis=0)


def test_tilts_of_calcium_titanate():
    """a-a-c+: Glazer, Acta Cryst. B 28, 3384 (1972), doi:10.1107/S0567740872007976.

    Pbnm, from general knowledge of Sasaki, Prewitt, Bass & Schulze, Acta Cryst. C 43, 1668 (1987),
    doi:10.1107/S0108270187090620.
    """
    orbits = {
        "Ca": [(0.9932, 0.0360, 0.25)],
        "Ti": [(0.0, 0.5, 0.0)],
        "O": [(0.0714, 0.4838, 0.25), (0.7108, 0.2888, 0.0371)],
    }
    places = [(e, point) for e, sites in orbits.items() for site in sites for point in pbnm(*site)]
    cell = np.diag([5.3789, 5.4361, 7.6388])
    titanate = structure(
        tuple(element for element, _ in places), np.array([p for _, p in places]) @ cell, cell
    )
    found = tilts(titanate)
    assert titanate.n_atoms == 20
    assert found.glazer == "a-a-c+"


# Brown & Altermatt, Acta Cryst. B 41, 244 (1985), doi:10.1107/S0108768185002063, table 1, and
# Brese & O'Keeffe, Acta Cryst. B 47, 192 (1991), doi:10.1107/S0108768190011041, table 1.
@pytest.mark.parametrize(
    ("cation", "charge", "anion", "length"),
    [
        ("Li", 1, "O", 1.466),
        ("Si", 4, "O", 1.624),
        ("P", 5, "O", 1.617),
        ("Al", 3, "Cl", 2.032),
        ("Li", 1, "Cl", 1.91),
        ("Zr", 4, "Cl", 2.33),
        ("Ta", 5, "O", 1.920),
    ],
)
def test_parameters_are_as_printed(cation, charge, anion, length):
    assert valence_parameters(cation, charge, anion).length_A == length
    assert valence_parameters(cation, charge, anion).softness_A == 0.37


@pytest.mark.parametrize("name", ["LiF", "NaCl", "Al2O3", "LiAlCl4", "ZrO2-monoclinic", "LiTaO3"])
def test_refined_crystals_are_stable_by_their_index(name):
    """Refined structures have G below 0.2: Brown, Chem. Rev. 109, 6858 (2009)."""
    assert entry(name).numbers == "published"
    assert bond_valences(catalogue_crystal(name).structure).instability.value < 0.2
