"""Surroundings of mobile ions: crystals whose sites geometry knows, and symmetries."""

import numpy as np
import pytest

from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Sample
from vitrolyte.data.trajectory import Trajectory, structure
from vitrolyte.matter.prototypes import crystal
from vitrolyte.matter.supercell import supercell
from vitrolyte.observe.network.environments import (
    Sites,
    SiteSettings,
    corner_name,
    sites,
    voronoi_volumes,
)

A = 3.91
SKEWED = np.array([[9.0, 0.0, 0.0], [3.5, 8.0, 0.0], [-2.0, 2.5, 10.0]])


def antiperovskite(repeat: int = 2) -> Trajectory:
    one = crystal("Li3OCl", "antiperovskite", lattice_parameter_A=A)
    return supercell(one, (repeat,) * 3)


@pytest.mark.parametrize("repeat", [1, 2])
def test_the_site_of_lithium_in_the_antiperovskite(repeat: int) -> None:
    # Geometry of Pm-3m: Li midway between two O (a / 2), four Cl in the plane (a / sqrt 2).
    found = sites(antiperovskite(repeat), SiteSettings("Li"))
    assert {name: share.value for name, share in found.environments.items()} == {"LiO2Cl4": 1.0}
    assert found.coordination["Li-O"].value == 2.0
    assert found.coordination["Li-Cl"].value == 4.0
    # Two pyramids of height a / 2 on the square of edge a.
    assert found.polyhedron_volume.value == pytest.approx(A**3 / 3)
    # Every face is a Cl-O-Cl triangle of edges a, a sqrt(3) / 2 twice.
    areas = {name: area.value for name, area in found.face_areas.items()}
    assert areas == pytest.approx({"Cl-O-Cl": A**2 * np.sqrt(2) / 4})
    shares = found.numbers["all"]
    assert shares.y[shares.x == 6].tolist() == [1.0]


def test_a_cube_has_six_square_faces() -> None:
    # CsCl: eight Cl at the corners of a cube of edge a round each Cs; faces are squares, although
    # a hull cuts them into triangles.
    one = crystal("CsCl", "caesium_chloride")
    a = one.cells[0, 0, 0]
    found = sites(supercell(one, (2, 2, 2)), SiteSettings("Cs"))
    assert found.polyhedron_volume.value == pytest.approx(a**3)
    assert {k: v.value for k, v in found.face_areas.items()} == pytest.approx({"Cl-Cl-Cl-Cl": a**2})
    # Cs and Cl lie on equal body-centred places: each has half the cell.
    assert found.voronoi_volume.value == pytest.approx(a**3 / 2)


@pytest.mark.parametrize("scale", [0.3, 1.0], ids=["small", "large"])
def test_voronoi_polyhedra_fill_the_cell(scale: float) -> None:
    random = np.random.default_rng(0)
    cell = SKEWED * scale
    positions = random.uniform(size=(12, 3)) @ cell
    volumes = voronoi_volumes(positions, cell, np.arange(12))
    assert volumes.sum() == pytest.approx(abs(np.linalg.det(cell)))


def test_a_lone_atom_has_the_whole_cell() -> None:
    volumes = voronoi_volumes(np.zeros((1, 3)), np.eye(3) * 4.0, np.array([0]))
    assert volumes == pytest.approx([64.0])


def everything(found: Sites) -> dict[str, float]:
    rows = found.observations(Sample("model", "Li3OCl", "crystal"))
    return {f"{row.quantity} {row.of}": row.value or 0.0 for row in rows}


def test_nothing_depends_on_wrapping_translation_order_or_cell() -> None:
    whole = antiperovskite(3)
    random = np.random.default_rng(3)
    frame = whole.read()
    shaken = frame.positions[0] + random.normal(0, 0.15, size=(whole.n_atoms, 3))
    one = structure(whole.species, shaken, frame.cells[0])
    order = random.permutation(whole.n_atoms)
    images = random.integers(-2, 3, size=(whole.n_atoms, 3)) @ frame.cells[0]
    cell = frame.cells[0].copy()
    cell[2] += cell[0] - cell[1]
    moved = (shaken + images)[order] + [3.0, 1.0, -40.0]
    other = structure(tuple(whole.species[k] for k in order), moved, cell)
    settings = SiteSettings("Li", cut_offs={"Li-O": 2.9, "Li-Cl": 3.4})
    first, second = everything(sites(one, settings)), everything(sites(other, settings))
    assert len([name for name in first if name.startswith("structural")]) > 1
    assert first == pytest.approx(second)


def test_ions_with_too_few_neighbours_have_no_polyhedron() -> None:
    two = structure(("Li", "Cl", "Cl"), [[5, 5, 5], [7.3, 5, 5], [2.7, 5, 5]], np.eye(3) * 12)
    found = sites(two, SiteSettings("Li", ("Cl",), {"Li-Cl": 2.5}))
    assert found.environments["LiCl2"].value == 1.0
    assert found.polyhedron_volume.status == "refused"
    assert found.face_areas == {}


def test_names_of_faces() -> None:
    assert corner_name(["Cl", "O", "Cl"]) == "Cl-O-Cl"
    assert corner_name(["O", "O", "Cl"]) == "O-Cl-O"
    assert corner_name(["S", "Cl", "O"]) == "Cl-O-S"
    assert corner_name(["Cl"] * 4) == "Cl-Cl-Cl-Cl"


@pytest.mark.parametrize(
    ("settings", "message"),
    [(SiteSettings("Na"), "species"), (SiteSettings("Li", ("F",)), "species")],
)
def test_missing_elements_are_refused(settings: SiteSettings, message: str) -> None:
    with pytest.raises(InputError, match=message):
        sites(antiperovskite(), settings)


def test_an_element_without_counter_ions_is_refused() -> None:
    metal = structure(("Li", "Li"), [[0, 0, 0], [1.75, 1.75, 1.75]], np.eye(3) * 3.5)
    with pytest.raises(InputError, match="counter-ions"):
        sites(metal, SiteSettings("Li"))
