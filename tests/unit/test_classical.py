"""Classical potentials: their files, their energies, their barriers, their LAMMPS commands."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitrolyte.data.errors import InputError
from vitrolyte.potentials import shelf
from vitrolyte.potentials.classical import Ions, PairTerm
from vitrolyte.potentials.coulomb import COULOMB_EV_A, Coulomb, with_charges
from vitrolyte.potentials.potential import LammpsPair, Shell
from vitrolyte.simulate.shells import drawn_velocities

SALT = """
name = "salt"
kind = "classical"
elements = ["Li", "Cl"]
timestep_fs = 1.0
citations = ["none"]
source = "made for tests"
charges = { Li = 1.0, Cl = -1.0 }
[[pairs]]
between = ["Li", "Cl"]
A_eV = 300.0
rho_A = 0.33
"""


def written(folder: Path, text: str = SALT) -> Path:
    place = folder / "salt"
    place.mkdir(parents=True, exist_ok=True)
    (place / "potential.toml").write_text(text)
    return place


def ions(terms: dict[tuple[str, str], PairTerm], charge: float = 1.0) -> Ions:
    charges = {"Li": charge, "Cl": -charge}
    return Ions(("Li", "Cl"), charges, terms, {}, Coulomb(), cutoff_A=10.0)


@given(
    st.floats(1, 5000), st.floats(0.15, 0.4), st.floats(0, 3), st.floats(0, 100), st.floats(0, 200)
)
def test_the_slope_is_the_derivative_of_the_energy(A, rho, sigma, C, D):
    term = PairTerm(A, rho, sigma, C, D)
    r, h = np.linspace(1.0, 8.0, 40), 1e-5
    difference = (term.energy(r + h) - term.energy(r - h)) / (2 * h)
    assert np.allclose(
        term.slope(r), difference, rtol=1e-5, atol=1e-6 * np.abs(term.energy(r)).max()
    )


def test_a_barrier_is_where_ions_fall_together():
    term = PairTerm(A_eV=22764.3, rho_A=0.149, C_eV_A6=27.89)
    model = ions({("Cl", "Cl"): term, ("Li", "Cl"): PairTerm(900.0, 0.3)}, charge=2.0)
    top = model.barrier("Cl", "Cl")
    assert top is not None
    r = np.array([0.9, 0.99, 1.0, 1.01, 1.1]) * top
    energy = term.energy(r) + COULOMB_EV_A * 4 / r
    assert energy.argmax() == 2
    assert model.safe_distances["Cl-Cl"] == top


def test_like_charges_without_dispersion_need_no_watching():
    model = ions({("Li", "Cl"): PairTerm(300.0, 0.33)})
    assert set(model.safe_distances) == {"Li-Cl"}
    assert model.barrier("Cl", "Cl") is None


def test_a_pair_without_repulsion_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"salt.*Li-Cl needs a repulsion against collapse"):
        shelf.read(written(tmp_path, SALT.replace("A_eV = 300.0", "A_eV = 0.0")))


def test_lammps_gets_dispersion_with_its_own_sign_and_types_in_order():
    terms = {("Cl", "Li"): PairTerm(0.3, 0.34, 2.4, 1.2, 1.5)}
    lines = ions(terms).commands
    assert "pair_style born/coul/long 10.0 10.0" in lines
    # E = A exp((sigma-r)/rho) - C/r^6 + D/r^8: https://docs.lammps.org/pair_born.html
    assert "pair_coeff 1 2 0.3 0.34 2.4 1.2 -1.5" in lines
    assert lines[-1] == "kspace_style pppm 1e-05"


def test_short_range_terms_act_on_shells_where_there_are_any():
    shells = {"Cl": Shell(-2.0, 30.0, 0.1)}
    terms = {("Li", "Cl"): PairTerm(300.0, 0.33), ("Cl", "Cl"): PairTerm(900.0, 0.3)}
    model = Ions(("Li", "Cl"), {"Li": 1.0, "Cl": -1.0}, terms, shells, Coulomb(), cutoff_A=10.0)
    coefficients = [line.split()[1:3] for line in model.commands if line.startswith("pair_coeff")]
    assert coefficients == [["*", "*"], ["1", "3"], ["3", "3"]]
    assert model.pair.atom_style == "full"


def test_a_cut_off_sum_has_no_reciprocal_part():
    model = Ions(
        ("Li", "Cl"), {"Li": 1.0, "Cl": -1.0}, {}, {}, Coulomb("dsf", cutoff_A=12.0), cutoff_A=10.0
    )
    assert model.commands[0] == "pair_style born/coul/dsf 0.2 10.0 12.0"
    assert not any("kspace" in line for line in model.commands)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (SALT.replace("A_eV", "A_ev"), r"'pairs\.0\.A_ev'.*did you mean 'A_eV'"),
        (SALT.replace('"none"', ""), "citations"),
        (SALT.replace('source = "made for tests"', ""), "source.*required"),
        (SALT.replace("Cl = -1.0", "Br = -1.0"), "named as well Br"),
        (SALT.replace(", Cl = -1.0", ""), "none for Cl"),
        (SALT.replace("rho_A = 0.33", "rho_A = -0.33"), "rho_A: .*greater than 0"),
        (SALT.replace("rho_A = 0.33", "rho_A = nan"), "rho_A"),
        (SALT.replace('["Li", "Cl"]\ntime', '["Li", "Xx"]\ntime'), "symbols.*Xx"),
        (SALT + SALT[SALT.index("[[pairs]]") :].replace('"Li", "Cl"', '"Cl", "Li"'), "two for"),
        (SALT.replace("classical", "magic"), "kind must be"),
        (SALT + "[[", "valid TOML"),
    ],
)
def test_a_wrong_file_is_one_clear_message_with_its_place(tmp_path, wrong, message):
    with pytest.raises(InputError, match=message) as caught:
        shelf.read(written(tmp_path, wrong))
    assert "salt" in caught.value.message()


def test_charges_are_laid_under_any_short_range_pair():
    cores = LammpsPair(
        "metal",
        "atomic",
        (),
        (
            "pair_style hybrid/overlay pod zbl 1.0 2.0",
            "pair_coeff * * pod a b Li",
            "pair_coeff 1 1 zbl 3 3",
        ),
    )
    found = with_charges(cores, {"Li": 0.5}, Coulomb(accuracy=1e-5, cutoff_A=9.0))
    assert found.commands == (
        "pair_style hybrid/overlay pod zbl 1.0 2.0 coul/long 9.0",
        "pair_coeff * * pod a b Li",
        "pair_coeff 1 1 zbl 3 3",
        "pair_coeff * * coul/long",
        "kspace_style pppm 1e-05",
    )
    assert found.atom_style == "charge"
    plain = LammpsPair("metal", "atomic", (), ("pair_style pod", "pair_coeff * * a b Li"))
    single = with_charges(plain, {"Li": 0.5}, Coulomb())
    assert single.commands[:2] == (
        "pair_style hybrid/overlay pod coul/long 10.0",
        "pair_coeff * * pod a b Li",
    )
    with pytest.raises(InputError, match="without charges"):
        with_charges(found, {"Li": 0.5}, Coulomb())


def test_drawn_velocities_have_the_temperature_and_no_momentum():
    species = ("Li",) * 10 + ("O",) * 5
    mass = np.array([6.94] * 10 + [15.999] * 5)[:, None]
    speeds = drawn_velocities(species, 500.0, seed=3)
    assert np.abs((mass * speeds).sum(axis=0)).max() < 1e-9
    # 1 u Å²/ps² = 1.0364270e-4 eV and k = 8.617333262e-5 eV/K (CODATA 2018); 42 = 3 x 15 - 3
    energy = 0.5 * 1.0364270e-4 * (mass * speeds**2).sum()
    assert energy == pytest.approx(0.5 * 42 * 8.617333262e-5 * 500.0, rel=1e-6)
    assert (speeds == drawn_velocities(species, 500.0, seed=3)).all()
    assert (speeds != drawn_velocities(species, 500.0, seed=4)).any()
