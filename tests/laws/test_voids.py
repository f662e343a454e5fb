"""Voids between touching spheres, known by geometry, and what must not matter."""

import numpy as np
import pytest

from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Sample
from vitrolyte.data.trajectory import Trajectory, structure
from vitrolyte.matter.prototypes import crystal
from vitrolyte.matter.supercell import supercell
from vitrolyte.observe.voids.voids import Voids, VoidSettings, voids

A = 4.0
SC = [[0, 0, 0]]
BCC = [[0, 0, 0], [0.5, 0.5, 0.5]]
FCC = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]

# Touching spheres of radius 1 (elementary geometry): edge of the cube, share of the volume outside
# them, radius of the largest hole, and of the largest sphere that goes through.
# Windows: the square of four spheres; in bcc the triangle with edges a and twice a sqrt(3) / 2,
# circumradius 3 a / (4 sqrt 2); in fcc the triangle of three that touch.
PACKINGS = [
    (SC, 2.0, 1 - np.pi / 6, np.sqrt(3) - 1, np.sqrt(2) - 1),
    (BCC, 4 / 3**0.5, 1 - np.pi * 3**0.5 / 8, (5 / 3) ** 0.5 - 1, (3 / 2) ** 0.5 - 1),
    (FCC, 8**0.5, 1 - np.pi / 18**0.5, np.sqrt(2) - 1, 2 / np.sqrt(3) - 1),
]
IDS = ["sc", "bcc", "fcc"]


def spheres(places: list[list[float]], edge: float) -> Trajectory:
    return structure(("Ar",) * len(places), np.array(places) * edge, np.eye(3) * edge)


def look(one: Trajectory, spacing: float = 0.1, probes: tuple[float, ...] = (0.0, 0.2)) -> Voids:
    settings = VoidSettings(probes, {"Ar": 1.0}, spacing_A=spacing, max_frames=None)
    return voids(one, settings)


@pytest.mark.parametrize(("places", "edge", "empty", "hole", "window"), PACKINGS, ids=IDS)
def test_voids_of_touching_spheres(
    places: list[list[float]], edge: float, empty: float, hole: float, window: float
) -> None:
    found = look(spheres(places, edge))
    share = found.centre_fraction["0.00 Å"]
    spread = float(share.note.split("scatters by ")[1])
    assert spread < 0.01
    assert share.value == pytest.approx(empty, abs=2 * spread)
    assert found.included_sphere.value == pytest.approx(hole, abs=1e-6)
    # The window lies between what the grid shows and what it may hide.
    for direction in ("a", "b", "c", "any"):
        free = found.free_sphere[direction]
        assert free.low <= window <= free.high
        assert free.value == pytest.approx(window, abs=0.09)


@pytest.mark.parametrize(("places", "edge", "empty", "hole", "window"), PACKINGS, ids=IDS)
def test_finer_grids_converge(
    places: list[list[float]], edge: float, empty: float, hole: float, window: float
) -> None:
    coarse, fine = (look(spheres(places, edge), edge / n) for n in (12, 48))
    # The window is missed by less than the slack, which shrinks with the spacing.
    assert abs(fine.free_sphere["a"].value - window) < abs(coarse.free_sphere["a"].value - window)
    shares = [v.centre_fraction["0.00 Å"] for v in (coarse, fine)]
    spreads = [float(share.note.split("scatters by ")[1]) for share in shares]
    assert spreads[1] < spreads[0] / 4
    assert shares[1].value == pytest.approx(empty, abs=2 * spreads[1])


def test_a_probe_covers_what_its_centre_reaches_and_more() -> None:
    found = look(spheres(SC, 2.0), probes=(0.0, 0.3))
    centre, covered = (
        getattr(found, name)["0.30 Å"].value for name in ("centre_fraction", "occupied_fraction")
    )
    outside = found.centre_fraction["0.00 Å"].value
    assert centre < covered < outside
    # The integral of the pore sizes is the volume outside the spheres, to the edge of a voxel.
    curve = found.pore_sizes.curves[0]
    assert curve.y.sum() * 0.1 == pytest.approx(outside, abs=0.03)
    # The curve of the accessible volume meets the probes.
    open_to = found.accessible.curves[0]
    assert np.interp(0.3, open_to.x, open_to.y) == pytest.approx(centre, abs=1e-9)


def test_the_covered_volume_of_a_single_hole() -> None:
    # A probe wider than the windows of the simple cubic packing stays in the hole of 0.732: it
    # covers at least the largest sphere there, and no more than all that is outside the spheres.
    found = look(spheres(SC, 2.0), 0.05, probes=(0.65,))
    covered = found.occupied_fraction["0.65 Å"].value * 8.0
    assert 4 / 3 * np.pi * (np.sqrt(3) - 1.05) ** 3 < covered < 8.0 - 4 / 3 * np.pi
    assert found.void_density["0.65 Å"].value * 8.0 == pytest.approx(1.0)


def test_number_and_percolation_of_voids() -> None:
    # fcc: 4 octahedral holes of 0.414 and 8 tetrahedral of 0.225 a cell; windows of 0.155.
    found = look(spheres(FCC, 8**0.5), 0.03, (0.30, 0.16, 0.05))
    for name, per_cell, goes_on in (("0.30 Å", 4, 0), ("0.16 Å", 12, 0), ("0.05 Å", 1, 1)):
        assert found.void_density[name].value * 8**1.5 == pytest.approx(per_cell)
        assert found.percolation[f"{name} along any"].value == goes_on


def test_a_layer_is_open_along_the_layer_only() -> None:
    # Square layers of spheres 6 Å apart leave a slit of 4 Å: open along a and b, closed along c.
    places = np.array([[x, y, 0.0] for x in range(4) for y in range(4)]) * 1.4
    slit = structure(("Ar",) * 16, places, np.diag([5.6, 5.6, 6.0]))
    found = look(slit, 0.2, (1.0,))
    reached = [found.percolation[f"1.00 Å along {k}"].value for k in ("a", "b", "c", "any")]
    assert reached == [1, 1, 0, 1]
    assert found.free_sphere["a"].value == pytest.approx(2.0, abs=0.1)
    assert found.free_sphere["c"].value < 0.1


def test_a_skewed_cell_of_the_same_crystal_gives_the_same() -> None:
    straight = supercell(spheres(BCC, 4 / 3**0.5), (2, 2, 2))
    frame = straight.read()
    cell = frame.cells[0].copy()
    cell[1] += frame.cells[0][0]
    skewed = structure(straight.species, frame.positions[0] + [50.0, -3.0, 0.7], cell)
    one, other = look(straight, 0.1), look(skewed, 0.1)
    for name in ("0.00 Å", "0.20 Å"):
        a, b = one.centre_fraction[name].value, other.centre_fraction[name].value
        assert a == pytest.approx(b, abs=3e-3)
    assert one.included_sphere.value == pytest.approx(other.included_sphere.value, abs=1e-6)
    # The slacks of the two grids hold each other's threshold.
    a, b = one.free_sphere["any"], other.free_sphere["any"]
    assert a.low <= b.high
    assert b.low <= a.high


def test_a_supercell_in_another_order_gives_the_same() -> None:
    one = spheres(FCC, 8**0.5)
    many = supercell(one, (2, 2, 1))
    frame = many.read()
    random = np.random.default_rng(0)
    order = random.permutation(many.n_atoms)
    images = random.integers(-2, 3, size=(many.n_atoms, 3)) @ frame.cells[0]
    moved = structure(many.species, (frame.positions[0] + images)[order], frame.cells[0])
    small, large = look(one, 8**0.5 / 24), look(moved, 8**0.5 / 24)
    for name in ("0.00 Å", "0.20 Å"):
        pair = [v.centre_fraction[name].value for v in (small, large)]
        assert pair[0] == pytest.approx(pair[1], abs=1e-9)
        pair = [v.void_density[name].value for v in (small, large)]
        if name == "0.20 Å":
            assert pair[0] == pytest.approx(pair[1])
    assert small.free_sphere["a"].value == pytest.approx(large.free_sphere["a"].value)


def test_many_frames_have_an_error_that_holds_the_grid() -> None:
    one = supercell(spheres(SC, 2.0), (3, 3, 3))
    random = np.random.default_rng(1)
    shaken = one.read().positions + random.normal(0, 0.08, size=(12, one.n_atoms, 3))
    cells = np.repeat(one.cells, 12, axis=0)
    run = Trajectory(one.species, np.arange(12.0), cells, shaken)
    found = look(run, 0.2)
    share = found.centre_fraction["0.00 Å"]
    assert share.status == "ok"
    assert 0 < share.error < 0.02
    rows = found.observations(Sample("model", "Ar", "crystal"))
    assert {row.quantity for row in rows} >= {"free_sphere_radius", "percolation_fraction"}


def test_the_room_of_the_mobile_ion() -> None:
    # Li3OCl without Li, Shannon's radii by default: O 1.40 and Cl 1.81 Å.
    one = supercell(crystal("Li3OCl", "antiperovskite", lattice_parameter_A=3.91), (2, 2, 2))
    settings = VoidSettings((0.5,), without=("Li",), spacing_A=0.2)
    found = voids(one, settings)
    assert found.radii_A == {"O": 1.40, "Cl": 1.81}
    whole = voids(one, VoidSettings((0.5,), spacing_A=0.2))
    assert found.centre_fraction["0.50 Å"].value > whole.centre_fraction["0.50 Å"].value
    assert "without Li" in found.method


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: VoidSettings((-0.1,)), "no negative radius"),
        (lambda: VoidSettings(spacing_A=0.0), "positive spacing"),
        (lambda: VoidSettings(()), "no negative radius"),
        (lambda: voids(spheres(SC, 2.0)), "radius of every element"),
        (lambda: voids(spheres(SC, 2.0), VoidSettings(without=("Ar",))), "that stays"),
        (lambda: voids(spheres(SC, 2.0), VoidSettings(without=("Li",))), "species"),
        (lambda: look(spheres(SC, 100.0), 0.1), "grid of a cell"),
    ],
)
def test_bad_input_is_refused(make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=message):
        make()


def test_wide_places_are_measured_too() -> None:
    # One sphere in a cube of edge 12: the farthest point is the corner, 6 sqrt(3) from its centre.
    one = structure(("Ar",), [[6.0, 6.0, 6.0]], np.eye(3) * 12.0)
    found = look(one, 0.5, (2.5, 6.0))
    assert found.included_sphere.value == pytest.approx(6 * np.sqrt(3) - 1, abs=1e-4)
    # The share beyond 3.5 Å of the centre, a whole ball inside the cube.
    share = found.centre_fraction["2.50 Å"].value
    assert share == pytest.approx(1 - 4 / 3 * np.pi * 3.5**3 / 12**3, abs=0.01)
