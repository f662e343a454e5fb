import time

import numpy as np
import pytest

from vitrolyte.data.errors import InputError, NotConverged
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.matter.catalogue import catalogue_crystal, entries
from vitrolyte.matter.composition import composition_of, parse_formula
from vitrolyte.matter.contacts import contact_distances, pair_name
from vitrolyte.matter.electrostatics import COULOMB_EV_A, coulomb_energy, ewald_matrix
from vitrolyte.matter.molecules import molecular_ion, usual_ions
from vitrolyte.matter.packing import Ingredients, ingredients, packed, packed_in
from vitrolyte.matter.periodic import close_pairs
from vitrolyte.matter.volumes import crystal_volume_per_atom, volume_at_density

SKEWED = np.array([[9.0, 0.0, 0.0], [3.0, 8.0, 0.0], [-2.0, 2.5, 7.0]])


def test_close_pairs_agree_with_counting_every_image() -> None:
    random = np.random.default_rng(0)
    images = np.indices((15, 15, 15)).reshape(3, -1).T - 7
    for cell in (9.0 * np.eye(3), SKEWED, 0.4 * SKEWED):
        x = random.uniform(-1.5, 1.5, size=(12, 3)) @ cell
        steps = (x[None] - x[:, None])[:, :, None] + (images @ cell)[None, None]
        every = np.linalg.norm(steps, axis=-1)
        expected = every[(every > 1e-9) & (every < 3.9)]
        pairs = close_pairs(x, cell, 3.9)
        found = np.linalg.norm(x[pairs.second] - x[pairs.first] + pairs.shifts @ cell, axis=1)
        assert np.sort(np.repeat(found, 2)) == pytest.approx(np.sort(expected))


@pytest.mark.parametrize(
    ("name", "bond", "charges", "constant"),
    [
        # Madelung constants: Johnson & Templeton, J. Chem. Phys. 34, 2004 (1961),
        # doi:10.1063/1.1731812: NaCl 1.74756, fluorite 5.03879 (for charges 2, -1, -1).
        ("NaCl", 5.6402 / 2, {"Na": 1, "Cl": -1}, 1.74756),
        ("Li2O", 4.619 * np.sqrt(3) / 4, {"Li": 1, "O": -2}, 5.03879),
    ],
)
def test_madelung_constants(
    name: str, bond: float, charges: dict[str, int], constant: float
) -> None:
    crystal = catalogue_crystal(name).structure
    frame = crystal.read()
    shear = np.array([[1, 0, 0], [1, 1, 0], [0, -1, 1]])
    for cell in (frame.cells[0], shear @ frame.cells[0]):
        places = frame.positions[0] @ np.linalg.inv(cell)
        values = np.array([charges[s] for s in crystal.species], dtype=float)
        energy = coulomb_energy(values, ewald_matrix(places, cell))
        per_unit = -energy / 4 * bond / COULOMB_EV_A
        assert per_unit == pytest.approx(constant, abs=2e-5)


def worst_contact(made: Trajectory, contacts: dict[str, float], skip: int = 0) -> float:
    """Return the smallest ratio of distance to contact among atoms from ``skip`` on."""
    frame = made.read()
    x, cell = frame.positions[0], frame.cells[0]
    pairs = close_pairs(x, cell, 4.5)
    lengths = np.linalg.norm(x[pairs.second] - x[pairs.first] + pairs.shifts @ cell, axis=1)
    return min(
        d / contacts[pair_name(made.species[i], made.species[j])]
        for i, j, d in zip(pairs.first, pairs.second, lengths)
        if i >= skip and j >= skip
    )


def test_a_packing_has_its_composition_density_and_contacts() -> None:
    formula = parse_formula("Li3ZrCl4O1.5")
    made = packed(formula, atoms=190, seed=3, volume_per_atom_A3=volume_at_density(formula, 2.0))
    assert made.n_atoms == 190
    assert composition_of(made)["Zr"] * 3 == composition_of(made)["Li"]
    assert made.densities[0] == pytest.approx(2.0)
    assert worst_contact(made, contact_distances(formula)) > 0.9
    again = packed(formula, atoms=190, seed=3, volume_per_atom_A3=volume_at_density(formula, 2.0))
    assert np.array_equal(again.read().positions, made.read().positions)


def test_a_packing_in_a_skewed_cell_keeps_its_contacts() -> None:
    contacts = contact_distances(parse_formula("Li3OCl"))
    salt = Ingredients((), {"Li": 24, "O": 8, "Cl": 8})
    made = packed_in(SKEWED * 1.05, salt, seed=1, contacts=contacts)
    assert made.cells[0] == pytest.approx(SKEWED * 1.05)
    assert worst_contact(made, contacts) > 0.9


def test_molecular_ions_stay_whole() -> None:
    made = packed("Li7P3S11", atoms=210, seed=5)
    frame = made.read()
    x, cell = frame.positions[0], frame.cells[0]
    pairs = close_pairs(x, cell, 2.7)
    lengths = np.linalg.norm(x[pairs.second] - x[pairs.first] + pairs.shifts @ cell, axis=1)
    kinds = np.array(made.species)
    bonds = {kinds[a] + kinds[b] for a, b in zip(pairs.first, pairs.second)}
    assert {"PS", "SP"} & bonds
    both = np.array([{kinds[a], kinds[b]} == {"P", "S"} for a, b in zip(pairs.first, pairs.second)])
    # 10 P2S7 and 10 PS4: 8 and 4 bonds each.
    assert both.sum() == 120
    assert lengths[both] == pytest.approx(2.07, abs=0.15)


def test_a_hydroxide_is_packed_as_such() -> None:
    made = packed("Li2OHBr", atoms=250, seed=2)
    frame = made.read()
    x, cell = frame.positions[0], frame.cells[0]
    pairs = close_pairs(x, cell, 1.3)
    assert len(pairs.first) == 50
    assert {(made.species[i], made.species[j]) for i, j in zip(pairs.first, pairs.second)} <= {
        ("O", "H"),
        ("H", "O"),
    }


def test_two_thousand_atoms_take_seconds() -> None:
    started = time.process_time()
    assert packed("Li3OCl", atoms=2000, seed=1).n_atoms == 2000
    assert time.process_time() - started < 10.0


def test_too_little_room_and_wrong_orders_are_refused() -> None:
    with pytest.raises(NotConverged, match="more room"):
        packed("Li3OCl", atoms=100, seed=0, volume_per_atom_A3=3.0)
    with pytest.raises(InputError, match="room"):
        packed("Li3OCl", atoms=100, seed=0, volume_per_atom_A3=-1.0)
    with pytest.raises(InputError, match="whole formula units"):
        packed("Li2.99Ba0.005OCl", atoms=100, seed=0)
    with pytest.raises(InputError, match="molecular ions take"):
        packed("Li3PS4", atoms=80, seed=0, ions={"P2S7": 1})
    with pytest.raises(InputError, match="molecular ion is one of"):
        packed("Li3PS4", atoms=80, seed=0, ions={"PS5": 1})
    with pytest.raises(InputError, match="contact distance"):
        packed("LiCl", atoms=20, seed=0, contacts={"Li-Li": 2.0})


@pytest.mark.parametrize(
    ("formula", "ions"),
    [
        # Q units of thiophosphate glasses: Li7P3S11 is one P2S7 and one PS4
        # (Yamane et al., Solid State Ionics 178, 1163 (2007), doi:10.1016/j.ssi.2007.05.020).
        ("Li7P3S11", {"PS4": 1.0, "P2S7": 1.0}),
        ("Li3PS4", {"PS4": 1.0}),
        ("Li4P2S7", {"P2S7": 1.0}),
        ("Li2OHCl", {"OH": 1.0}),
        ("LiAlCl4", {"AlCl4": 1.0}),
        ("Li3OCl", {}),
    ],
)
def test_usual_ions(formula: str, ions: dict[str, float]) -> None:
    assert usual_ions(formula) == pytest.approx(ions)


def test_molecular_ions_have_their_bonds() -> None:
    pyro = molecular_ion("P2S7").positions
    lengths = np.linalg.norm(pyro[:, None] - pyro[None], axis=2)
    assert sorted(lengths[1:3, 0]) == pytest.approx([2.12, 2.12])
    sulphur = lengths[np.ix_([0, *range(3, 9)], [0, *range(3, 9)])]
    assert sulphur[sulphur > 0].min() > 3.0
    assert ingredients(parse_formula("Li7P3S11"), 42).species.count("S") == 22


def test_volumes_of_known_crystals_are_met() -> None:
    ratios = {
        name: crystal_volume_per_atom(one.formula)
        * parse_formula(one.formula).atoms
        / one.volume_per_formula_unit
        for name, one in entries().items()
    }
    errors = np.abs(np.array(list(ratios.values())) - 1.0)
    assert np.median(errors) < 0.04
    assert errors.max() < 0.20
    # Not in the catalogue: NaF 24.70 Å³ (Wyckoff 1963, a = 4.6229 Å); MgO, by spheres only.
    assert crystal_volume_per_atom("NaF") * 2 == pytest.approx(24.70, rel=0.10)
    with pytest.raises(InputError, match="density"):
        volume_at_density("LiCl", 0.0)
