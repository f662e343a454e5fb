"""The factor of the box and the correction that follows from it."""

import numpy as np
import pytest

from vitrolyte.data.errors import InputError
from vitrolyte.data.quantity import Quantity
from vitrolyte.observe.motion.finite_size import Box, box_factor, corrected_for_size

D = Quantity.normal(2.0e-5, 1.0e-6, "cm²/s")


def test_factor_of_a_cube() -> None:
    # Yeh & Hummer, J. Phys. Chem. B 108, 15873 (2004): 2.837297
    assert box_factor(12.0 * np.eye(3)) == pytest.approx(2.837297, abs=2e-6)


def test_factors_of_bcc_and_fcc_boxes() -> None:
    # Wigner crystals: Madelung energies -0.895929 (bcc), -0.895873 (fcc) and -0.880059 (sc)
    # e²/a_s with a_s = (3 / 4 pi)^(1/3) L; Fuchs, Proc. R. Soc. A 151, 585 (1935)
    to_cube = 2.0 * (4.0 * np.pi / 3.0) ** (1.0 / 3.0)
    bcc = np.array([[-1.0, 1.0, 1.0], [1.0, -1.0, 1.0], [1.0, 1.0, -1.0]])
    fcc = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    assert box_factor(5.0 * bcc) == pytest.approx(0.895929 * to_cube, abs=1e-5)
    assert box_factor(7.0 * fcc) == pytest.approx(0.895873 * to_cube, abs=1e-5)


def test_factor_does_not_depend_on_the_choice_of_cell_vectors() -> None:
    cell = np.array([[11.0, 0.0, 0.0], [3.0, 12.0, 0.0], [-2.0, 4.0, 13.0]])
    other = np.array([[1, 0, 0], [1, 1, 0], [0, -1, 1]]) @ cell
    assert box_factor(other) == pytest.approx(box_factor(cell), abs=1e-7)


def test_correction_in_si_units() -> None:
    box = Box(20.0 * np.eye(3), 1000.0)
    found = corrected_for_size(D, box, species="Li", viscosity=Quantity(1.0, "mPa s", error=0.1))
    # k T xi / (6 pi eta L), all in SI, m²/s to cm²/s
    shift = 1.380649e-23 * 1000.0 * 2.837297 / (6 * np.pi * 1e-3 * 20e-10) * 1e4
    assert found.corrected.value == pytest.approx(2.0e-5 + shift, rel=1e-5)
    assert found.corrected.error == pytest.approx(np.hypot(1e-6, 0.1 * shift), rel=1e-5)
    assert found.share == pytest.approx(shift / 2.0e-5, rel=1e-5)


def test_without_a_viscosity_there_is_an_estimate_and_no_number() -> None:
    found = corrected_for_size(D, Box(20.0 * np.eye(3), 1000.0), species="Li")
    assert found.corrected.status == "refused"
    # 2.84 · 1.5 Å / 20 Å
    assert "21 % too small" in found.note
    assert "solid" in found.note


def test_no_box_no_temperature_no_viscosity() -> None:
    with pytest.raises(InputError, match="above 0 K"):
        Box(np.eye(3), 0.0)
    box, wrong = Box(9.0 * np.eye(3), 900.0), Quantity(-1.0, "mPa s")
    with pytest.raises(InputError, match="positive viscosity"):
        corrected_for_size(D, box, species="Li", viscosity=wrong)
