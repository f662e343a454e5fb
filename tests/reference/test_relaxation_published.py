"""Published relaxation: what the law makes of printed numbers."""

import math

import pytest

from vitrolyte.data.nuclei import nucleus
from vitrolyte.observe.relaxation.processes import Flanks, Process, peak
from vitrolyte.observe.relaxation.rates import condition

LITHIUM = nucleus("7Li")


@pytest.mark.parametrize("energy", [0.29, 0.39])
def test_a_lock_of_ten_kilohertz_sees_a_hundred_thousand_jumps_a_second(energy: float) -> None:
    # Li2OHBr glass (0.29 eV) and crystal (0.39 eV), R1rho at 10 kHz, "10^5 s^-1": ACS Mater. Lett.
    # 2025, as listed in the literature table
    at = condition("R1rho", LITHIUM, 7.05, 10.0)
    top = peak(Process(energy, 1e-13, 1e9), at)
    assert math.log10(1.0 / top.tau_s) == pytest.approx(5.0, abs=0.2)


def test_the_flanks_printed_for_the_zirconium_oxychloride_are_no_single_process() -> None:
    # Li3ZrCl4O1.5: cold 0.100 eV, hot 0.091 eV; J. Am. Chem. Soc. 2024, 7Li T1
    assert not Flanks(high_eV=0.091, low_eV=0.100).possible
