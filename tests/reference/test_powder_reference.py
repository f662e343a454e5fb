"""Measured patterns of other programs' example sets, and lattices that are certified."""

from pathlib import Path

import numpy as np
import pytest

from vitrolyte.data.io.crystals import read_crystal
from vitrolyte.data.io.instruments.diffraction.powder import read_powder
from vitrolyte.data.measurement import Conditions
from vitrolyte.laboratory.diffraction.analysis import PowderSettings, powder_pattern
from vitrolyte.laboratory.diffraction.standards import standard_crystal
from vitrolyte.observe.scattering.lattices import free_parameters, reciprocal_metric
from vitrolyte.observe.scattering.powder_lines import powder_lines
from vitrolyte.observe.scattering.probes import XRays

DATA = Path(__file__).parents[1] / "data" / "laboratory" / "xrd"


def test_the_lattice_of_a_cobaltite_is_that_of_easydiffraction() -> None:
    # easydiffraction 0.11.1, its own tests of this pattern: a = 3.8909 Å, zero 0.6225 degrees.
    (measured,) = read_powder(DATA / "hrpt_lbco.xye")
    result = powder_pattern(
        measured.given(Conditions(wavelength_A=1.494)),
        [read_crystal(DATA / "lbco.cif")],
        PowderSettings(radiation="neutron"),
    )
    (phase,) = result.phases
    assert phase.lattice["a"].low < 3.8909 < phase.lattice["a"].high
    assert phase.lattice["a"].error < 5e-4
    assert result.shift.low < 0.6225 < result.shift.high
    assert result.residuals["Pawley"].value < 0.08


def test_real_files_are_read_as_their_own_readers_read_them() -> None:
    # Points, ends and greatest intensity as geddes 1.0.1 reads the same files.
    for name, points, ends, most in (
        ("XRD-918-16_10.xrdml", 5027, (4.00656514, 69.99936587), 100168.0),
        ("TwoTheta_scan_powder.rasx", 2726, (10.0, 119.0), 1698.50854492188),
        ("TwoTheta_scan_scrambled.raw", 7134, (10.0, 85.04129916), 11330.5869140625),
    ):
        (found,) = read_powder(DATA / name)
        assert len(found.curve) == points
        np.testing.assert_allclose([found.curve.x[0], found.curve.x[-1]], ends, atol=1e-6)
        assert found.curve.y.max() == pytest.approx(most, rel=1e-9)
        assert found.conditions.wavelength_A == pytest.approx(1.5406, abs=1e-5)


def test_lines_of_silicon_stand_where_the_certificate_says() -> None:
    # NIST SRM 640c, table 2 of its certificate, Cu K-alpha-1 of 1.5405929 Å: 28.441, 47.300,
    # 56.119, 69.126, 76.372, 88.025 degrees.
    lines = powder_lines(standard_crystal("Si"), XRays(), 1.1)
    squares = lines.families.inverse_squares(reciprocal_metric(lines.crystal.cell))
    angles = np.degrees(2.0 * np.arcsin(np.sqrt(squares) * 1.5405929 / 2.0))
    certified = [28.441, 47.300, 56.119, 69.126, 76.372, 88.025]
    np.testing.assert_allclose(angles[:6], certified, atol=0.003)


def test_the_file_of_a_crystal_gives_its_sites_and_its_mass() -> None:
    crystal = read_crystal(DATA / "lbco.cif")
    assert sorted(crystal.elements) == ["Ba", "Co", "La", "O", "O", "O"]
    # Half of 138.905 and of 137.327, 58.933 and three of 15.999, u.
    assert crystal.cell_mass == pytest.approx(245.046, abs=0.01)
    assert len(crystal.rotations) == 48


P1 = """data_ceria
_cell_length_a 5.41
_cell_length_b 5.41
_cell_length_c {c}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_space_group_name_H-M_alt 'P 1'
loop_
_space_group_symop_operation_xyz
'x, y, z'
loop_
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Ce 0 0 0
Ce 0 .5 .5
Ce .5 0 .5
Ce .5 .5 0
O .25 .25 .25
O .25 .25 .75
O .25 .75 .25
O .75 .25 .25
O .25 .75 .75
O .75 .25 .75
O .75 .75 .25
O .75 .75 .75
"""


@pytest.mark.parametrize(("c", "free"), [("5.41", ("a",)), ("5.42", ("a", "c"))])
def test_atoms_written_out_one_by_one_have_the_symmetry_that_they_have(
    c: str, free: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "ceria.cif").write_text(P1.format(c=c))
    crystal = read_crystal(tmp_path / "ceria.cif")
    assert free_parameters(crystal.rotations) == free
    assert len(crystal.elements) == 12
