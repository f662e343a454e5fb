"""Fields go to files and come back, and other programs read them with the same units."""

import ase.io.cube
import mrcfile
import numpy as np
import pytest

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.record import load, save
from vitrolyte.data.io.volumes import (
    BOHR_A,
    cube_text,
    read_cube,
    read_map,
    write_cube,
    write_map,
)
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.data.volume import Volume
from vitrolyte.observe.density_map import DensityMap, MapSettings, density_map

SKEWED = np.array([[8.0, 0.0, 0.0], [3.0, 7.5, 0.0], [-2.0, 2.5, 7.0]])


def field(cell=SKEWED, unit="1/Å³"):
    random = np.random.default_rng(0)
    values = random.uniform(0.1, 2.0, size=(5, 7, 8))
    positions = np.array([[0.0, 0, 0], [1.0, 2.0, 3.0]])
    return Volume(values, cell, "probability density of Li", unit, ("O", "Cl"), positions)


@pytest.mark.parametrize("unit", ["1/Å³", "eV", "fm/Å³"])
def test_a_cube_comes_back(tmp_path, unit):
    one = field(unit=unit)
    write_cube(tmp_path / "a.cube", one)
    two = read_cube(tmp_path / "a.cube")
    # Six digits are printed.
    np.testing.assert_allclose(two.values, one.values, rtol=1e-5)
    np.testing.assert_allclose(two.cell, one.cell, atol=1e-6)
    np.testing.assert_allclose(two.positions, one.positions, atol=1e-6)
    assert (two.unit, two.name, two.species) == (one.unit, one.name, one.species)


def test_ase_reads_the_cube_in_the_same_units(tmp_path):
    one = field()
    write_cube(tmp_path / "a.cube", one)
    with (tmp_path / "a.cube").open() as stream:
        theirs = ase.io.cube.read_cube(stream)
    np.testing.assert_allclose(theirs["atoms"].cell.array, one.cell, atol=1e-5)
    np.testing.assert_allclose(theirs["atoms"].positions, one.positions, atol=1e-5)
    assert theirs["atoms"].get_chemical_symbols() == ["O", "Cl"]
    # A density in a cube file is in 1/Bohr³.
    np.testing.assert_allclose(theirs["data"], one.values * BOHR_A**3, rtol=1e-5)


def test_a_map_comes_back(tmp_path):
    one = field()
    write_map(tmp_path / "a.ccp4", one)
    two = read_map(tmp_path / "a.ccp4")
    np.testing.assert_allclose(two.values, one.values, rtol=1e-6)
    np.testing.assert_allclose(two.cell, one.cell, atol=1e-5)


def test_mrcfile_reads_the_map(tmp_path):
    one = field()
    write_map(tmp_path / "a.mrc", one)
    assert mrcfile.validate(str(tmp_path / "a.mrc"))
    with mrcfile.open(tmp_path / "a.mrc") as theirs:
        # mrcfile's array runs z, y, x.
        np.testing.assert_allclose(theirs.data.T, one.values, rtol=1e-6)
        lengths = [float(theirs.header.cella[axis]) for axis in "xyz"]
        np.testing.assert_allclose(lengths, np.linalg.norm(one.cell, axis=1), rtol=1e-6)
        assert float(theirs.header.cellb["gamma"]) == pytest.approx(
            np.degrees(
                np.arccos(SKEWED[0] @ SKEWED[1] / np.prod(np.linalg.norm(SKEWED[:2], axis=1)))
            )
        )


def test_a_map_with_other_axes_is_turned_back(tmp_path):
    one = field()
    turned = one.values.transpose(2, 0, 1)
    with mrcfile.new(tmp_path / "b.mrc") as theirs:
        theirs.set_data(np.ascontiguousarray(turned.T.astype(np.float32)))
        theirs.header.mapc, theirs.header.mapr, theirs.header.maps = 3, 1, 2
        theirs.header.mx, theirs.header.my, theirs.header.mz = one.shape
        theirs.header.cella = (8.0, 8.0, 8.0)
        theirs.header.cellb = (90.0, 90.0, 90.0)
    np.testing.assert_allclose(read_map(tmp_path / "b.mrc").values, one.values, rtol=1e-6)


@pytest.mark.parametrize("cut", [0, 300, 1100, -4])
def test_a_broken_map_is_refused(tmp_path, cut):
    write_map(tmp_path / "a.mrc", field())
    whole = (tmp_path / "a.mrc").read_bytes()
    (tmp_path / "b.mrc").write_bytes(whole[:cut])
    with pytest.raises(InputError):
        read_map(tmp_path / "b.mrc")


@pytest.mark.parametrize("cut", [0, 2, 8, -3])
def test_a_broken_cube_is_refused(tmp_path, cut):
    lines = cube_text(field()).splitlines()
    (tmp_path / "b.cube").write_text("\n".join(lines[:cut]))
    with pytest.raises(InputError, match="cube"):
        read_cube(tmp_path / "b.cube")


def test_left_handed_vectors_cannot_be_told_by_lengths_and_angles(tmp_path):
    with pytest.raises(InputError, match="right-handed"):
        write_map(tmp_path / "a.mrc", field(cell=SKEWED[[1, 0, 2]]))


def test_infinite_free_energy_is_written_as_the_highest(tmp_path):
    one = field(unit="eV")
    one.values[0, 0, 0] = np.inf
    write_cube(tmp_path / "a.cube", one)
    found = read_cube(tmp_path / "a.cube").values
    finite = one.values[np.isfinite(one.values)]
    assert found[0, 0, 0] == pytest.approx(finite.max(), rel=1e-5)


def test_a_small_cube_for_a_page_keeps_cell_and_content():
    x = 2 * np.pi * np.arange(60) / 60
    values = 2 + np.cos(x)[:, None, None] + np.cos(x)[None, :, None] + 0 * x[None, None, :]
    one = Volume(values, SKEWED, "density", "1/Å³", (), np.zeros((0, 3)))
    two = one.coarse(30**3)
    assert two.values.size <= 30**3
    np.testing.assert_array_equal(two.cell, one.cell)
    assert two.integral == pytest.approx(one.integral, rel=1e-3)
    assert len(cube_text(one, most_points=1000)) < 30_000


def test_a_stored_result_is_the_same(tmp_path):
    random = np.random.default_rng(0)
    positions = random.normal(0, 0.2, size=(20, 3, 3)) + np.arange(3)[:, None] * 2.0
    cells = np.broadcast_to(SKEWED, (20, 3, 3)).copy()
    walk = Trajectory(("Li", "Li", "O"), np.arange(20.0), cells, positions)
    one = density_map(walk, "Li", settings=MapSettings(300.0, 0.5, 0.5))
    save(tmp_path / "r.json", one)
    two = load(tmp_path / "r.json")
    assert isinstance(two, DensityMap)
    np.testing.assert_array_equal(two.density.values, one.density.values)
    assert two.hops_per_ion == one.hops_per_ion
