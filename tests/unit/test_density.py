"""Density from dimensions, buoyancy, pycnometers and a row of liquids."""

from pathlib import Path

import numpy as np
import pytest
from tests.contracts.instrument_mutations import check_reader
from validation.laboratory_fitter import coverage_bounds, density_coverage

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.density_tables import read_density_table
from vitrolyte.data.observation import Sample
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.weighing import (
    Dimensions,
    Fillings,
    FloatTests,
    GasCycles,
    GasExpansions,
    Immersions,
)
from vitrolyte.laboratory.density import DensitySettings, measured_density
from vitrolyte.laboratory.pycnometer import PycnometerVolumes, calibrated_volumes, water_density

GLASS = Sample("antiperovskite glass", "Li2OHBr", "glass")
ETHANOL = Quantity.normal(0.789, 0.001, "g/cm³")


def same(*numbers: float) -> np.ndarray:
    return np.array(numbers)


def test_water_has_the_published_density() -> None:
    # Tanaka et al. 2001, doi:10.1088/0026-1394/38/4/3, table 1: 999.8428, 999.9749 (its highest,
    # at 3.983 °C), 998.2067 and 997.0470 kg/m³ at 0, 3.98, 20 and 25 °C
    t = np.array([0.0, 3.983035, 20.0, 25.0]) + 273.15
    expected = [0.9998428, 0.99997495, 0.9982067, 0.9970470]
    assert water_density(t) == pytest.approx(expected, abs=2e-7)
    with pytest.raises(InputError, match="0 to 40"):
        water_density(np.array([350.0]))


def test_a_perfect_cylinder() -> None:
    readings = Dimensions(same(1.0, 1.0, 1.0), same(0.1, 0.1, 0.1), same(2.0, 2.0, 2.0))
    found = measured_density(readings, DensitySettings(length_error_cm=0.001)).density
    assert found.value == pytest.approx(1.0 / (np.pi * 0.1), rel=1e-12)
    # 1 % of the thickness and twice 0.05 % of the diameter
    assert found.error / found.value == pytest.approx(np.hypot(0.01, 0.001), rel=1e-3)


def test_the_interval_of_repetitions_is_students() -> None:
    mass = same(1.00, 1.02, 0.98, 1.00)
    ones = np.ones(4)
    found = measured_density(Dimensions(mass, 0.1 * ones, 2.0 * ones)).density
    # standard deviation 0.01633 over root 4; t(0.975, 3) = 3.182 (any table)
    relative = 3.182 * 0.016330 / 2.0
    assert found.high / found.value - 1.0 == pytest.approx(relative, rel=1e-3)


def test_one_reading_has_no_interval_unless_an_error_is_given() -> None:
    one = Dimensions(same(1.0), same(0.1), same(2.0))
    found = measured_density(one).density
    assert found.status == "provisional"
    assert np.isnan(found.low)
    known = measured_density(one, DensitySettings(mass_error_g=0.01)).density
    assert known.high - known.value == pytest.approx(1.96 * 0.01 * known.value, rel=1e-3)


def test_archimedes_takes_the_air_into_account() -> None:
    # a body of 2 cm³ and 3 g/cm³ in water of 20 °C and air of 1.2041 kg/m³
    water = float(water_density(same(293.15))[0])
    air, wet = 2.0 * (3.0 - 0.0012041), 2.0 * (3.0 - water)
    readings = Immersions(np.full(3, air), np.full(3, wet), np.full(3, 293.15))
    found = measured_density(readings).density
    assert found.value == pytest.approx(3.0, rel=1e-12)
    plain = measured_density(readings, DensitySettings(gas_g_per_cm3=0.0)).density
    assert plain.value == pytest.approx(3.0 * (1 - 0.0012041 / 3) / (1 - 0.0012041 / water), 1e-6)
    with pytest.raises(InputError, match="weighs less"):
        measured_density(Immersions(same(1.0), same(1.1), same(293.15)))


def test_archimedes_holds_the_truth() -> None:
    assert coverage_bounds(60)[0] <= density_coverage(range(60))


def test_a_bottle_and_a_gas_pycnometer_of_known_bodies() -> None:
    # bottle of 50 cm³ and 30 g with 10 g of 2.5 g/cm³ in ethanol, weighed without air
    both = 40.0 + 0.789 * (50.0 - 4.0)
    bottle = Fillings(same(30.0), same(40.0), same(both), same(30.0 + 0.789 * 50.0))
    settings = DensitySettings(liquid=ETHANOL, gas_g_per_cm3=0.0)
    found = measured_density(bottle, settings).density
    assert found.value == pytest.approx(2.5, rel=1e-9)
    assert found.error / found.value == pytest.approx(0.001 / 0.789, rel=1e-3)
    # cell of 12 cm³ with 4 cm³ of sample expands by 9 cm³: p1 8 = p2 (8 + 9)
    volumes = PycnometerVolumes(Quantity(12.0, "cm³"), Quantity(9.0, "cm³"))
    gas = GasExpansions(same(170.0, 171.0), same(80.0, 171.0 * 8.0 / 17.0))
    grams = same(10.0, 10.0)
    found = measured_density(gas, DensitySettings(volumes=volumes), mass_g=grams).density
    assert found.value == pytest.approx(2.5, rel=1e-9)
    with pytest.raises(InputError, match="cell-cm3"):
        measured_density(gas, mass_g=grams)
    with pytest.raises(InputError, match="mass"):
        measured_density(GasCycles(same(4.0, 4.0)))
    cycles = measured_density(GasCycles(same(4.0, 4.01, 3.99)), mass_g=same(10.0)).density
    assert cycles.value == pytest.approx(2.5, rel=1e-4)


def test_a_calibration_finds_the_volumes() -> None:
    # the same pycnometer, empty and with a standard of 6 cm³
    empty = GasExpansions(same(100.0), same(100.0 * 12.0 / 21.0))
    standard = GasExpansions(same(100.0), same(100.0 * 6.0 / 15.0))
    found = calibrated_volumes(empty, standard, Quantity.normal(6.0, 0.006, "cm³"))
    assert found.cell_cm3.value == pytest.approx(12.0, rel=1e-9)
    assert found.expansion_cm3.value == pytest.approx(9.0, rel=1e-9)
    # both volumes are in proportion to that of the standard
    assert found.cell_cm3.error / 12.0 == pytest.approx(0.001, rel=1e-4)
    with pytest.raises(InputError, match="raises the ratio"):
        calibrated_volumes(standard, empty, Quantity(6.0, "cm³"))


def test_the_published_glass_of_li2ohbr() -> None:
    # Milan 2025, ACS Mater. Lett.: sink-float 2.31 ± 0.05 g/cm³, crystal 2.78 g/cm³, 83 %
    tests = FloatTests(same(2.20, 2.26, 2.36, 2.50), (-1, -1, 1, 1))
    settings = DensitySettings(reference=Quantity(2.78, "g/cm³"))
    found = measured_density(tests, settings)
    assert found.density.value == pytest.approx(2.31)
    assert (found.density.low, found.density.high) == pytest.approx((2.26, 2.36))
    assert found.relative.value == pytest.approx(0.83, abs=0.005)
    rows = found.observations(GLASS)
    assert [row.quantity for row in rows] == ["density", "density_ratio"]


def test_liquids_that_contradict_each_other_and_brackets_that_are_open() -> None:
    with pytest.raises(InputError, match="lighter"):
        measured_density(FloatTests(same(2.2, 2.4), (1, -1)))
    open_end = measured_density(FloatTests(same(2.2, 2.4), (-1, -1))).density
    assert open_end.status == "refused"
    assert "above 2.4" in open_end.note
    hovering = FloatTests(same(2.2, 2.3, 2.4), (-1, 0, 1))
    found = measured_density(hovering, DensitySettings(liquid_error_g_per_cm3=0.01)).density
    assert found.value == pytest.approx(2.3)
    assert found.high - found.value == pytest.approx(0.0196, rel=1e-3)


def test_porosity_belongs_to_a_pellet_alone() -> None:
    mass = same(1.00, 1.01, 0.99)
    pellet = Dimensions(mass, same(0.1, 0.1, 0.1), same(2.0, 2.0, 2.0))
    dense = DensitySettings(reference=Quantity.normal(4.0, 0.04, "g/cm³"))
    found = measured_density(pellet, dense)
    assert found.porosity.value == pytest.approx(1.0 - found.density.value / 4.0)
    words = [row.quantity for row in found.observations(GLASS)]
    assert words == ["density", "relative_density", "porosity"]
    too_dense = measured_density(pellet, DensitySettings(reference=Quantity(2.0, "g/cm³")))
    assert "denser than the reference" in too_dense.relative.note


def test_units_that_cannot_be_right_are_flagged() -> None:
    # millimetres taken for centimetres
    pellet = Dimensions(same(1.0, 1.0), same(1.0, 1.01), same(20.0, 20.0))
    assert "units" in measured_density(pellet).density.note


TABLES = {
    "pellet": "mass (mg),thickness (mm),diameter (mm)\n250.1,1.02,13.01\n250.0,1.03,13.00\n",
    "immersed": "in air (g);in liquid (g);T (°C)\n1,0312;0,5880;22,1\n1,0313;0,5878;22,2\n",
    "float": "liquid density (g/cm3),behaviour\n2.20,sinks\n2.36,floats\n",
    "cycles": "cycle,mass (g),volume (cm3)\n1,10.0,4.01\n2,10.0,4.00\n",
    "gas": "mass (g),p1 (kPa),p2 (kPa)\n10.0,170,80\n10.0,171,80.5\n",
}


@pytest.mark.parametrize("kind", TABLES)
def test_every_kind_of_table_is_told_by_its_columns(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"{kind}.csv"
    path.write_text(TABLES[kind], encoding="utf-8")
    table = read_density_table(path)
    classes = {"pellet": Dimensions, "immersed": Immersions, "float": FloatTests,
               "cycles": GasCycles, "gas": GasExpansions}  # fmt: skip
    assert type(table.readings) is classes[kind]
    if isinstance(table.readings, Dimensions):
        assert table.readings.thickness_cm[0] == pytest.approx(0.102)
        assert table.readings.mass_g[0] == pytest.approx(0.2501)
    if isinstance(table.readings, Immersions):
        assert table.readings.liquid_K[0] == pytest.approx(295.25)


@pytest.mark.parametrize("kind", TABLES)
def test_damaged_tables_are_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"{kind}.csv"
    path.write_text(TABLES[kind], encoding="utf-8")
    whole, refused = check_reader(read_density_table, path, tmp_path, count=40, seed=3)
    assert whole + refused == 40
    assert refused > 5


def test_a_table_without_the_columns_or_units_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("length (mm),width (mm)\n1.0,2.0\n1.1,2.1\n", encoding="utf-8")
    with pytest.raises(InputError, match="one way to a density"):
        read_density_table(path)
    path.write_text("mass,thickness,diameter\n1.0,2.0,3.0\n1.1,2.1,3.1\n", encoding="utf-8")
    with pytest.raises(InputError, match="unit"):
        read_density_table(path)
    with pytest.raises(InputError, match="above zero"):
        Dimensions(same(1.0, -1.0), same(1.0, 1.0), same(1.0, 1.0))
