"""Published relaxation and line widths: what the analysis makes of printed numbers."""

from __future__ import annotations

import numpy as np
import pytest

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.measurement import Conditions, Measurement
from vitrolyte.data.nuclei import nucleus
from vitrolyte.data.quantity import Quantity
from vitrolyte.laboratory.line_shape.narrowing import WAUGH_FEDIN_EV_PER_K
from vitrolyte.laboratory.relaxation.rates import SlrSettings, spin_relaxation
from vitrolyte.observe.relaxation.peak_fit import compare_flanks
from vitrolyte.observe.relaxation.processes import Process
from vitrolyte.observe.relaxation.rates import condition

LITHIUM = nucleus("7Li")


@pytest.mark.parametrize("energy", [0.29, 0.39])
def test_flank_lines_of_the_printed_energies_come_back(energy: float) -> None:
    # Li2OHBr glass 0.29 eV, crystal 0.39 eV: hot flank of 7Li R1rho at a lock of 10 kHz, jump rate
    # of the order of 1e5 1/s at the maximum (ACS Mater. Lett. 2025, rows F0001, F0002, F0042)
    t = np.linspace(200.0, 500.0, 40)
    process = Process(energy, 1e-13 if energy < 0.3 else 1e-15, 5e8)
    rates = process.rate(t, condition("R1rho", LITHIUM, 7.05, 10.0))
    axis = Axis("relaxation rate", "1/s")
    curve = Curve(t, rates, Axis("temperature", "K"), axis, 0.02 * rates, "R1rho")
    known = Conditions(field_T=7.05, spin_lock_kHz=10.0)
    found = spin_relaxation([Measurement(curve, known, "x")], SlrSettings(rivals=False))
    (peak,) = found.peak
    assert peak.high_energy["process"].value == pytest.approx(energy, rel=0.01)
    (rate,) = peak.jump_rate.values()
    assert np.log10(rate.value) == pytest.approx(5.0, abs=0.2)


def test_the_printed_flanks_of_the_oxychloride_are_refused() -> None:
    # Li3ZrCl4O1.5: E_LT = 0.100 eV, E_HT = 0.091 eV (J. Am. Chem. Soc. 2024, rows F0091, F0093)
    hot, cold = Quantity(0.091, "eV"), Quantity(0.100, "eV")
    found = compare_flanks(hot, cold)
    assert found.status == "refused"
    assert "2.10" in found.note


def test_waugh_and_fedins_rule() -> None:
    # E (kcal/mol) = 0.0373 T (K), Waugh & Fedin 1963, as quoted widely; 1 eV = 23.0605 kcal/mol
    assert pytest.approx(0.0373 / 23.0605, rel=1e-3) == WAUGH_FEDIN_EV_PER_K
