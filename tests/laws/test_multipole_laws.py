"""Dipole and quadrupole of a rotor against Coulomb's law and against exact averages."""

import numpy as np
import pytest
from validation.rotation import (
    CUT_OFFS,
    OH,
    PS4,
    Crowd,
    decay_per_frame,
    diffusing,
    integrated_ps,
    molecules,
    of_attitudes,
)

from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Sample
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.rotation.bonds import RotorSearch
from vitrolyte.observe.rotation.multipoles import (
    COULOMB_V_A_PER_E,
    MultipolePotential,
    multipole_potential,
    multipoles,
)

SEARCH = RotorSearch(cut_offs=CUT_OFFS[2], looks=20)
CHARGES = {"O": -1.3, "H": 0.3}
PLACE = np.array([0.0, 2.0, 2.0])


def test_what_is_left_out_falls_as_the_octupole() -> None:
    generator = np.random.default_rng(0)
    charges, places = generator.normal(size=5), generator.normal(size=(5, 3))
    poles = multipoles(charges, places)
    direction = np.array([0.6, 0.0, 0.8])
    left = []
    for r in (200.0, 400.0):
        point = r * direction
        exact = COULOMB_V_A_PER_E * np.sum(charges / np.linalg.norm(point - places, axis=1))
        parts = poles.potential(point).sum() + COULOMB_V_A_PER_E * float(poles.charge) / r
        left.append(abs(exact - parts))
    # 1/r⁴: sixteen times less at twice the distance
    assert left[0] / left[1] == pytest.approx(16.0, rel=0.15)


def test_a_tetrahedron_of_like_charges_has_neither_dipole_nor_quadrupole() -> None:
    poles = multipoles(np.array([1.0, -0.5, -0.5, -0.5, -0.5]), PS4)
    np.testing.assert_allclose(poles.dipole, 0.0, atol=1e-12)
    np.testing.assert_allclose(poles.quadrupole, 0.0, atol=1e-12)


def test_the_quadrupole_has_no_trace() -> None:
    generator = np.random.default_rng(1)
    poles = multipoles(generator.normal(size=4), generator.normal(size=(7, 4, 3)))
    np.testing.assert_allclose(np.trace(poles.quadrupole, axis1=-2, axis2=-1), 0.0, atol=1e-12)


def found_for(crowd: Crowd, variance: float) -> MultipolePotential:
    turns = diffusing(8, crowd, variance)
    oxide = molecules(crowd, of_attitudes(turns, OH))
    positions = oxide.read().positions
    lithium = positions[:, ::2] + PLACE
    run = Trajectory(
        (*oxide.species, *("Li",) * crowd.rotors),
        oxide.times,
        oxide.cells,
        np.concatenate([positions, lithium], axis=1),
    )
    return multipole_potential(run, "Li", CHARGES, search=SEARCH, reach_A=4.0)


@pytest.mark.parametrize(
    "crowd",
    [Crowd(8, 2000), Crowd(8, 2000, triclinic=True, breathing=0.03)],
    ids=["cube", "triclinic and breathing"],
)
def test_a_free_dipole_swings_as_it_must(crowd: Crowd) -> None:
    variance = 0.05
    found = found_for(crowd, variance)
    assert found.rotors_in_reach == pytest.approx(1.0)
    r, p = np.linalg.norm(PLACE), 0.3 * 0.97
    # <cos²> = 1/3; Q about the axis is 2 q R², <P2²> = 1/5
    dipole = COULOMB_V_A_PER_E * p / r**2 / np.sqrt(3.0)
    quadrupole = COULOMB_V_A_PER_E * 0.3 * 0.97**2 / r**3 / np.sqrt(5.0)
    assert found.dipole_swing.value == pytest.approx(dipole, rel=0.05)
    assert found.quadrupole_swing.value == pytest.approx(quadrupole, rel=0.06)
    assert found.mean.low < 0.0 < found.mean.high
    # The potential is a mixture of l = 1 and l = 2.
    first, second = (integrated_ps(decay_per_frame(variance, order)) for order in (1, 2))
    share = dipole**2 / (dipole**2 + quadrupole**2)
    truth = (share * first + (1 - share) * second) * 1e-12
    assert found.correlation_time.value == pytest.approx(truth, rel=0.2)


def test_the_rows_have_words_and_units() -> None:
    rows = found_for(Crowd(4, 400), 0.1).observations(Sample("salt", "LiOH", "crystal"))
    assert {row.of for row in rows} >= {"OH at Li mean", "OH at Li swing", "OH at Li potential"}
    assert {row.unit for row in rows} == {"V", "s"}


def test_a_missing_charge_is_asked_for() -> None:
    oxide = molecules(Crowd(2, 50), of_attitudes(diffusing(1, Crowd(2, 50), 0.1), OH))
    with pytest.raises(InputError, match="none for H"):
        multipole_potential(oxide, "O", {"O": -1.0}, search=SEARCH)
