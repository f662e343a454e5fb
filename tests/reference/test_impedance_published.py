"""Resistances and conductivities that papers print together."""

import numpy as np
import pytest

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.measurement import Conditions, Measurement
from vitrolyte.data.quantity import Quantity
from vitrolyte.laboratory.impedance.assignment import assign
from vitrolyte.laboratory.impedance.fitted import conductivity
from vitrolyte.laboratory.impedance.geometry import Geometry
from vitrolyte.laboratory.impedance.settings import ImpedanceSettings
from vitrolyte.laboratory.impedance.spectrum_fit import fit_spectrum
from vitrolyte.observe.impedance.notation import parse_circuit


def test_a_printed_pellet() -> None:
    # Braga et al. 2014 as used in the literature: 0.2 cm, 1.76 cm², 2.5e-2 S/cm, so 4.5 ohm.
    number = conductivity(Quantity.normal(4.5, 0.05, "ohm"), Geometry(0.2, 1.76))
    assert number.value == pytest.approx(2.5e-2, rel=0.02)


def test_bulk_and_grain_boundaries_of_li3obr() -> None:
    # Zhu et al. 2016, Appl. Phys. Lett., as reviewed by Xia 2022: 8.8 and 83.0 kilo-ohm. The
    # capacitances, not printed, are usual ones of Irvine, Sinclair and West 1990.
    bulk, boundary = 8.8e3, 83.0e3
    values = np.array([bulk, 1e-11, 1.0 - 1e-9, boundary, 1e-9, 1.0 - 1e-9, 1e-6, 0.8])
    frequency = np.geomspace(1e7, 1e-1, 60)
    z = parse_circuit("(RQ)(RQ)Q").impedance(frequency, values)
    noise = np.random.default_rng(0).normal(size=(2, len(z)))
    z = z * (1 + 0.005 * (noise[0] + 1j * noise[1]))
    curve = Curve(frequency, z, Axis("frequency", "Hz"), Axis("Z", "ohm"))
    found = fit_spectrum(
        Measurement(curve, Conditions(thickness_cm=0.1, area_cm2=0.785)),
        ImpedanceSettings(times=False),
    )
    assert found.resistances["bulk"].value == pytest.approx(bulk, rel=0.01)
    assert found.resistances["grain_boundary"].value == pytest.approx(boundary, rel=0.01)
    # R_gb / R_bulk = 9.4 is printed beside them.
    ratio = found.resistances["grain_boundary"].value / found.resistances["bulk"].value
    assert ratio == pytest.approx(9.4, abs=0.1)


@pytest.mark.parametrize(
    ("capacitance", "part"),
    # Table 1 of Irvine, Sinclair and West, doi:10.1002/adma.19900020304.
    [(1e-12, "bulk"), (1e-9, "grain_boundary"), (1e-6, "electrode"), (1e-5, "electrode")],
)
def test_the_table_of_irvine_sinclair_and_west(capacitance: float, part: str) -> None:
    _, (found,) = assign([capacitance], series=True, known_geometry=True)
    assert found.part == part
    assert not found.doubt


def test_a_minor_phase_is_doubted() -> None:
    # 1e-11 F: bulk or a minor phase, in the same table.
    _, (found,) = assign([1e-11], series=False, known_geometry=True)
    assert found.doubt
