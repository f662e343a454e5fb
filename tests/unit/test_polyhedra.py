import itertools
import math

import numpy as np
import pytest

from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Sample
from vitrolyte.data.trajectory import Trajectory, structure
from vitrolyte.matter.catalogue import catalogue_crystal
from vitrolyte.matter.supercell import supercell
from vitrolyte.observe.first_shells import bonding_shell
from vitrolyte.observe.polyhedra import shape_measures as measures_module
from vitrolyte.observe.polyhedra.bonding import Bonding, bond_rule
from vitrolyte.observe.polyhedra.census import polyhedra
from vitrolyte.observe.polyhedra.ideal_shapes import ideal_shapes
from vitrolyte.observe.polyhedra.shape_measures import searched_measure, shape_measures
from vitrolyte.observe.polyhedra.shapes import shapes
from vitrolyte.observe.polyhedra.speciation import NETWORK, speciation
from vitrolyte.observe.polyhedra.tilts import NONE_RESOLVED, rotations, tilts
from vitrolyte.observe.polyhedra.valence import ValenceSettings, bond_valences
from vitrolyte.observe.polyhedra.valence_parameters import (
    BY_ELEMENTS,
    ValenceParameters,
    valence_parameters,
)
from vitrolyte.observe.sampling import sample

SAMPLE = Sample("glass", "X", "glass", temperature_K=300.0)


def rattled(atoms, n_frames, amplitude, seed=0):
    block = atoms.read()
    random = np.random.default_rng(seed)
    x = block.positions + random.normal(0, amplitude, (n_frames, atoms.n_atoms, 3))
    cells = np.repeat(block.cells, n_frames, axis=0)
    return Trajectory(atoms.species, np.arange(float(n_frames)), cells, x)


def zirconium_dimer():
    """Two Zr that share one O: ZrOCl5 and ZrOCl4; one Cl is bonded to Li only."""
    o = np.array([0.0, 0, 0])
    first, second = np.array([2.0, 0, 0]), np.array([-2.0, 0, 0])
    arms = np.array([[0, 2.4, 0], [0, -2.4, 0], [0, 0, 2.4], [0, 0, -2.4]])
    x = [first, second, o, *(first + arms), first + np.array([2.4, 0, 0]), *(second + arms)]
    x += [np.array([0.0, 0, 7.5]), np.array([2.5, 0, 7.5]), np.array([-2.5, 0, 7.5])]
    species = ("Zr", "Zr", "O", *["Cl"] * 9, "Cl", "Li", "Li")
    return structure(species, np.array(x) + 10.0, np.eye(3) * 20.0)


def test_building_blocks_and_roles_of_anions():
    bonding = Bonding(
        charges={"Zr": 4, "O": -2, "Cl": -1, "Li": 1}, cut_offs={"Zr-O": 2.6, "Zr-Cl": 3.0}
    )
    census = polyhedra(zirconium_dimer(), bonding)
    assert census.centres == ("Zr",)
    assert {u: q.value for u, q in census.units.items()} == {"ZrOCl5": 0.5, "ZrOCl4": 0.5}
    assert census.coordination["Zr"].value == 5.5
    assert census.coordination["O-Zr"].value == 2.0
    assert census.corner_sharing["O"].value == 1.0
    assert census.corner_sharing["Cl"].value == 0.0
    assert census.separations["corner"].value == pytest.approx(4.0)
    assert census.bond_lengths["Zr-Cl"].value == pytest.approx(2.4)
    assert census.bond_length_spreads["Zr-Cl"].value == pytest.approx(0.0, abs=1e-6)
    assert census.anions["Cl free"].value == pytest.approx(0.1)
    assert census.anions["Cl terminal"].value == pytest.approx(0.9)
    assert census.anions["O bridging"].value == 1.0
    rows = {(row.quantity, row.of): row for row in census.observations(SAMPLE)}
    assert rows["structural_unit_fraction", "ZrOCl5"].value == 0.5
    assert rows["corner_sharing_fraction", "O"].value == 1.0
    assert rows["cl_environment_fraction", "free or terminal"].value == pytest.approx(1.0)
    assert rows["ligand_environment_fraction", "O bridging"].value == 1.0
    assert "Zr-O 2.60 Å" in rows["coordination_number", "Zr-O"].method
    histogram = census.blocks["Zr with 1 O"]
    assert histogram.y.tolist() == [0, 0, 0, 0, 0.5, 0.5]


def test_the_note_tells_what_other_ways_give():
    far = structure(("Na", "Cl", "Cl"), [[5.0, 5, 5], [7.8, 5, 5], [5, 8.05, 5]], np.eye(3) * 12.0)
    bonding = Bonding(
        centres=("Na",), ligands=("Cl",), cut_offs={"Na-Cl": 3.0}, charges={"Na": 1, "Cl": -1}
    )
    number = polyhedra(far, bonding).coordination["Na-Cl"]
    assert number.value == 1.0
    assert number.status == "provisional"
    assert "2 by cut-offs 0.1 Å longer" in number.note
    assert "by the bond valence" in number.note


def test_a_steady_coordination_is_not_called_doubtful():
    frames = rattled(supercell(catalogue_crystal("Li3OCl").structure, (3, 3, 3)), 40, 0.05)
    number = polyhedra(frames).coordination["O-Li"]
    assert (number.value, number.status) == (6.0, "ok")
    assert "6 by the solid angle" in number.note


def test_isolated_polyhedra_have_no_share_of_corners():
    census = polyhedra(catalogue_crystal("Li2ZrCl6-trigonal").structure)
    number = census.corner_sharing["Cl"]
    assert number.status == "refused"
    assert "no two polyhedra" in number.note
    assert census.separations["corner"].status == "refused"


def test_default_centres_follow_the_charges():
    rules = {
        name: bond_rule(sample(catalogue_crystal(name).structure), Bonding())
        for name in ("Li3OCl", "Li2ZrCl6-trigonal", "NaCl", "LiAlCl4", "LiOH", "LiTaOCl4")
    }
    assert {name: (rule.centres, rule.ligands) for name, rule in rules.items()} == {
        "Li3OCl": (("O",), ("Li",)),
        "Li2ZrCl6-trigonal": (("Zr",), ("Cl",)),
        "NaCl": (("Na",), ("Cl",)),
        "LiAlCl4": (("Al",), ("Cl",)),
        "LiOH": (("O",), ("Li",)),
        "LiTaOCl4": (("Ta",), ("O", "Cl")),
    }


def test_a_pair_that_never_bonds_is_left_out():
    """The nearest Cl of P in argyrodite stands behind Li, at 4.3 Å."""
    rule = bond_rule(sample(catalogue_crystal("Li6PS5Cl").structure), Bonding())
    assert rule.unbonded == ("P-Cl",)
    assert set(rule.cut_offs) == {"P-S"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"method": "guess"}, "one of gap, solid angle, bond valence"),
        ({"least_valence": 0.0}, "between 0 and 1"),
        ({"centres": ("Zr",), "ligands": ("Zr",)}, "either centre or ligand"),
        ({"cut_offs": {"Zr-Cl": -1.0}}, "positive distance"),
    ],
)
def test_impossible_settings_are_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        Bonding(**wrong)


@pytest.mark.parametrize(
    ("bonding", "message"),
    [
        (Bonding(centres=("Ti",)), "are among"),
        (Bonding(cut_offs={"Li-Cl": 3.0}), "pairs of a centre and a ligand: O-Li"),
        (Bonding(centres=("Cl",), ligands=("O",)), "must be bonded"),
        (Bonding(charges={"Zr": 4}), "Charges are given for"),
    ],
)
def test_what_does_not_fit_the_atoms_is_refused(bonding, message):
    with pytest.raises(InputError, match=message):
        polyhedra(catalogue_crystal("Li3OCl").structure, bonding)


def test_atoms_without_charges_need_centres_named():
    metal = structure(("Fe", "Fe"), [[0, 0, 0], [1.4, 1.4, 1.4]], np.eye(3) * 2.8)
    with pytest.raises(InputError, match="give centres and ligands"):
        polyhedra(metal)


def test_where_no_gap_is_seen_the_bond_valence_decides():
    molecule = structure(("Zn", "S"), [[9.0, 9, 9], [9, 9, 11.2]], np.eye(3) * 18.0)
    rule = bond_rule(sample(molecule), Bonding())
    # Zn-S: R = 2.09 Å, b = 0.37 Å (Brese & O'Keeffe 1991), 4 % of two valence units.
    assert rule.cut_offs["Zn-S"] == pytest.approx(2.09 - 0.37 * math.log(0.08))
    assert "Zn-S by bond valence" in rule.method


def test_a_very_high_first_peak_hides_no_second():
    """g(r) of P-S in a thiophosphate glass: 40 at 2.05 Å, 1.5 at 4.2 Å."""
    r = np.arange(0.01, 7.0, 0.02)
    far = 1.0 / (1.0 + np.exp(-(r - 3.8) / 0.15)) + 0.5 * np.exp(-0.5 * ((r - 4.3) / 0.3) ** 2)
    shell = bonding_shell(r, 40.0 * np.exp(-0.5 * ((r - 2.05) / 0.06) ** 2) + far)
    assert shell.peak == pytest.approx(2.05, abs=0.01)
    assert 2.3 < shell.end < 3.5


def test_a_shell_with_two_peaks_ends_behind_the_second():
    r = np.arange(0.01, 7.0, 0.02)

    def peak(at, width, height):
        return height * np.exp(-0.5 * ((r - at) / width) ** 2)

    split = peak(2.0, 0.06, 5) + peak(2.5, 0.06, 3) + peak(4.2, 0.3, 1)
    assert 2.8 < bonding_shell(r, split).end < 3.7
    plain = peak(2.0, 0.06, 5) + peak(4.2, 0.3, 1)
    assert 2.3 < bonding_shell(r, plain).end < 3.7
    # A second shell that lies just behind the first, with a floor between them, is another shell.
    liquid = peak(2.0, 0.15, 3) + 1.0 / (1.0 + np.exp(-(r - 3.2) / 0.15)) + peak(3.9, 0.2, 0.5)
    assert 2.4 < bonding_shell(r, liquid).end < 2.9


# Share of the P in each anion, and bridging S for each P, as the anions in the crystals have it:
# P2S7 shares a corner, in the cage P4S10 each P has three bridges, P2S6 has a bond from P to P.
@pytest.mark.parametrize(
    ("name", "anions", "q_units", "bridging"),
    [
        ("Li7P3S11", {"P2S7": 2 / 3, "PS4": 1 / 3}, {"Q0": 1 / 3, "Q1": 2 / 3}, 2 / 3),
        ("P4S10", {"P4S10": 1.0}, {"Q3": 1.0}, 3.0),
        ("Li4P2S6", {"P2S6": 1.0}, {"Q0": 1.0}, 0.0),
        ("Li3PS4-beta", {"PS4": 1.0}, {"Q0": 1.0}, 0.0),
        ("GaCl3", {"Ga2Cl6": 1.0}, {"Q2": 1.0}, 2.0),
        ("LiAlO2", {NETWORK: 1.0}, {"Q4": 1.0}, 4.0),
    ],
)
@pytest.mark.parametrize("repeat", [(1, 1, 1), (2, 1, 2)])
def test_anions_and_bridges(name, anions, q_units, bridging, repeat):
    found = speciation(supercell(catalogue_crystal(name).structure, repeat))
    assert {of: q.value for of, q in found.anions.items()} == pytest.approx(anions)
    assert {of: q.value for of, q in found.q_units.items()} == pytest.approx(q_units)
    (number,) = found.bridging.values()
    assert number.value == pytest.approx(bridging)
    assert len(found.formers) == 1


def test_an_endless_chain_is_no_molecule():
    # SiS2: chains of tetrahedra that share edges; Si-S 2.13 Å.
    x = [[0, 0, 0], [0, 0, 2.77], [1.16, 1.16, 1.385], [-1.16, -1.16, 1.385]]
    x += [[1.16, -1.16, -1.385], [-1.16, 1.16, -1.385]]
    chain = structure(("Si", "Si", "S", "S", "S", "S"), x, np.diag([9.0, 9.0, 5.54]))
    found = speciation(chain, Bonding(cut_offs={"Si-S": 2.6}))
    assert {of: q.value for of, q in found.anions.items()} == {NETWORK: 1.0}
    assert {of: q.value for of, q in found.q_units.items()} == {"Q4": 1.0}
    lone = structure(("Si", "Si", "S", "S", "S", "S"), x, np.diag([9.0, 9.0, 15.0]))
    cut = speciation(lone, Bonding(cut_offs={"Si-S": 2.6}, charges={"Si": 4, "S": -2}))
    assert set(cut.anions) == {"Si2S4 (edge-sharing)"}


def test_rows_of_the_anions_and_of_the_polyhedra_do_not_share_a_name():
    crystal = catalogue_crystal("Li7P3S11").structure
    word = "structural_unit_fraction"
    first = {r.of for r in speciation(crystal).observations(SAMPLE) if r.quantity == word}
    second = {r.of for r in polyhedra(crystal).observations(SAMPLE) if r.quantity == word}
    assert first == {"P2S7", "PS4", "Q0", "Q1"}
    assert second == {"PS4 polyhedron"}
    assert not speciation(catalogue_crystal("ZrCl4").structure).observations(SAMPLE)


def brute_force(corners, ideal):
    q, p = (measures_module._with_centre(points) for points in (corners, ideal))
    size = (q**2).sum() * (p**2).sum()
    best = max(
        np.linalg.svd(q.T @ p[[0, *(k + 1 for k in order)]], compute_uv=False).sum()
        for order in itertools.permutations(range(len(corners)))
    )
    return 100.0 * (1.0 - best**2 / size)


@pytest.mark.parametrize(("n", "name"), [(n, name) for n in (4, 5, 6) for name in ideal_shapes(n)])
def test_no_order_of_the_corners_is_better(n, name):
    ideal = ideal_shapes(n)[name]
    for corners in np.random.default_rng(n).normal(size=(2, n, 3)):
        truth = brute_force(corners, ideal)
        assert shape_measures(corners[None])[name][0] == pytest.approx(truth, abs=1e-5)
        assert searched_measure(corners, ideal) > truth - 1e-9


@pytest.mark.parametrize("n", [4, 5, 6, 7, 8])
def test_search_finds_what_all_orders_give_for_distorted_shapes(n):
    random = np.random.default_rng(n)
    for name, ideal in ideal_shapes(n).items():
        corners = ideal + random.normal(0, 0.2, (3, n, 3))
        for other, found in shape_measures(corners).items():
            searched = [searched_measure(one, ideal_shapes(n)[other]) for one in corners]
            if other == name:
                assert found == pytest.approx(searched, abs=1e-5)
            assert np.all(np.array(searched) > found - 1e-5)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6, 7, 8, 9, 12])
def test_a_shape_of_any_size_and_orientation_is_itself(n):
    random = np.random.default_rng(n)
    turn = np.linalg.qr(random.normal(size=(3, 3)))[0]
    for name, ideal in ideal_shapes(n).items():
        seen = 2.3 * random.permutation(ideal) @ turn
        found = {other: values[0] for other, values in shape_measures(seen[None]).items()}
        assert found[name] == pytest.approx(0.0, abs=1e-5)
        assert all(value > 1.0 for other, value in found.items() if other != name)


def test_shapes_of_a_trajectory():
    frames = rattled(supercell(catalogue_crystal("Li3OCl").structure, (2, 2, 2)), 20, 0.05)
    found = shapes(frames)
    assert found.nearest["O octahedron"].value == 1.0
    assert 0.05 < found.measures["O octahedron"].value < 1.0
    assert found.measures["O trigonal prism"].value > 10.0
    curve = found.distributions["O octahedron"]
    assert curve.y.sum() * (curve.x[1] - curve.x[0]) == pytest.approx(1.0)
    with pytest.raises(InputError, match="2 to 9 and of 12"):
        shape_measures(np.ones((1, 11, 3)))


def test_bond_valences_of_rock_salt():
    """Six bonds of a / 2 and eight of sqrt(3) a / 2 lie within 5 Å."""
    a = 5.6402
    found = bond_valences(catalogue_crystal("NaCl").structure)
    # Na-Cl: R = 2.15 Å, b = 0.37 Å (Brese & O'Keeffe 1991).
    truth = 6 * math.exp((2.15 - a / 2) / 0.37) + 8 * math.exp((2.15 - a * 3**0.5 / 2) / 0.37)
    assert found.sums["Na"].value == pytest.approx(truth, rel=1e-9)
    assert found.sums["Cl"].value == pytest.approx(truth, rel=1e-9)
    assert found.instability.value == pytest.approx(abs(truth - 1), rel=1e-9)
    assert {row.quantity for row in found.observations(SAMPLE)} == {
        "bond_valence_sum",
        "bond_valence_mismatch",
        "global_instability_index",
    }


def test_valences_of_both_sides_are_equal():
    """Every bond counts at both ends: the sums of cations and of anions are one number."""
    frames = rattled(catalogue_crystal("Li2ZrCl6-trigonal").structure, 6, 0.2)
    found = bond_valences(frames)
    count = {e: frames.species.count(e) for e in ("Li", "Zr", "Cl")}
    total = {e: count[e] * found.sums[e].value for e in count}
    assert total["Li"] + total["Zr"] == pytest.approx(total["Cl"])


def test_parameters_fall_back_in_a_stated_order():
    assert valence_parameters("P", 5, "S").source == "Brown & Altermatt 1985"
    # No valence of Ag is given with Br; that of Zr nearest to 3 is 4; Cs-P is in no pair table.
    assert valence_parameters("Ag", 1, "Br").length_A == pytest.approx(2.22)
    assert valence_parameters("Zr", 3, "Cl") == valence_parameters("Zr", 4, "Cl")
    assert valence_parameters("Cs", 1, "P").source == BY_ELEMENTS
    with pytest.raises(InputError, match="none is tabulated for He"):
        valence_parameters("He", 1, "O")
    one = valence_parameters("Li", 1, "Cl")
    assert one.valence(one.distance(0.2)) == pytest.approx(0.2)


def test_given_parameters_and_charges_are_used():
    crystal = catalogue_crystal("NaCl").structure
    own = ValenceSettings(parameters={"Cl-Na": ValenceParameters(2.0, 0.4, "own")}, reach_A=3.0)
    found = bond_valences(crystal, own)
    assert found.sums["Na"].value == pytest.approx(6 * math.exp((2.0 - 2.8201) / 0.4))
    assert found.sources == {"Na-Cl": "own"}
    strange = ValenceSettings(parameters={"Na-F": ValenceParameters(1.7, 0.37, "own")})
    with pytest.raises(InputError, match="pairs of ions: Na-Cl"):
        bond_valences(crystal, strange)
    metal = structure(("Fe", "Fe"), [[0, 0, 0], [1.4, 1.4, 1.4]], np.eye(3) * 2.8)
    with pytest.raises(InputError, match="formal charge of every element"):
        bond_valences(metal)
    with pytest.raises(InputError, match="positive distance"):
        ValenceSettings(reach_A=0.0)


def tilted(angles, pattern, repeat=2, seed=None):
    """Return Li3OCl whose octahedra are turned by small angles, degrees, in a Glazer pattern.

    Each Li takes the mean of where its two octahedra put it.
    """
    a = 3.9
    cells = np.indices((repeat,) * 3).reshape(3, -1).T
    signs = {
        "+": lambda k, axis: (-1.0) ** sum(k[j] for j in range(3) if j != axis),
        "-": lambda k, axis: (-1.0) ** sum(k),
        "0": lambda k, axis: 0.0,
    }

    def turn(k):
        vector = [angles[axis] * signs[pattern[axis]](k, axis) for axis in range(3)]
        return _matrix(np.radians(vector))

    species, x = [], []
    for k in cells:
        species += ["O", "Cl"]
        x += [k * a, (k + 0.5) * a]
        for axis in range(3):
            step = np.eye(3)[axis]
            here = k * a + turn(k) @ step * a / 2
            there = (k + step) * a - turn((k + step.astype(int)) % repeat) @ step * a / 2
            species.append("Li")
            x.append((here + there) / 2)
    return structure(tuple(species), np.array(x), np.eye(3) * a * repeat)


def _matrix(vector):
    from scipy.spatial.transform import Rotation

    return Rotation.from_rotvec(vector).as_matrix()


@pytest.mark.parametrize(
    ("angles", "pattern", "symbol"),
    [
        ((0, 0, 0), "000", "a0a0a0"),
        ((0, 0, 6), "00+", "a0a0c+"),
        ((0, 0, 6), "00-", "a0a0c-"),
        ((5, 5, 8), "--+", "a-a-c+"),
        ((4, 4, 4), "---", "a-a-a-"),
        ((4, 4, 4), "+++", "a+a+a+"),
        ((3, 6, 9), "+--", "a+b-c-"),
        ((0, 5, 5), "0--", "a0b-b-"),
    ],
)
def test_tilts_that_were_put_in_are_found(angles, pattern, symbol):
    found = tilts(tilted(angles, pattern))
    assert found.glazer == symbol
    assert found.octahedra == 1.0
    for axis, angle, sign in zip("xyz", angles, pattern):
        size = {"+": found.in_phase, "-": found.out_of_phase}.get(sign, found.in_phase)[axis].value
        if sum(a > 0 for a in angles) < 2:
            # The Li stands at the middle of its two octahedra, sideways by sin(angle) a / 2.
            assert size == pytest.approx(math.degrees(math.atan(math.sin(math.radians(angle)))))
        # Turns about several axes mix in second order: of 9 by 6 degrees, a half is 0.5 degrees.
        assert size == pytest.approx(angle, abs=0.5)


def test_tilts_in_a_turned_triclinic_cell_are_the_same():
    plain = tilted((5, 5, 8), "--+")
    block = plain.read()
    cell = block.cells[0].copy()
    cell[1] += cell[0]
    turn = _matrix(np.array([0.1, -0.15, 0.2]))
    other = structure(plain.species, block.positions[0] @ turn, cell @ turn)
    first, second = tilts(plain), tilts(other)
    assert first.glazer == second.glazer
    for axis in "xyz":
        for name in ("in_phase", "out_of_phase"):
            ours, theirs = getattr(first, name)[axis].value, getattr(second, name)[axis].value
            assert ours == pytest.approx(theirs, abs=1e-6)


def test_no_pattern_is_read_into_noise():
    hot = rattled(supercell(catalogue_crystal("Li3OCl").structure, (4, 4, 4)), 40, 0.15)
    found = tilts(hot)
    assert found.glazer in ("a0a0a0", NONE_RESOLVED)
    assert found.in_phase["x"].value < 1.0
    assert found.spread["x"].value > 2.0
    both = tilted((6, 0, 0), "+00").read().positions + tilted((6, 0, 0), "-00").read().positions
    mixed = tilted((0, 0, 0), "000")
    frame = structure(mixed.species, both[0] / 2, mixed.cells[0])
    clash = tilts(frame)
    assert clash.glazer == NONE_RESOLVED
    assert "in phase and out of phase" in clash.reason


def test_a_cell_that_cannot_hold_a_pattern_shows_none():
    found = tilts(supercell(catalogue_crystal("Li3OCl").structure, (3, 3, 3)))
    assert found.glazer == "a0a0a0"
    assert found.in_phase["z"].value == 0.0


def test_where_no_parent_lattice_is_there_tilts_are_refused():
    found = tilts(catalogue_crystal("Li2ZrCl6-trigonal").structure)
    assert found.glazer == NONE_RESOLVED
    assert all(row.status == "refused" for row in found.observations(SAMPLE))
    with pytest.raises(InputError, match="positive angle"):
        tilts(catalogue_crystal("Li3OCl").structure, tolerance_deg=0.0)


def test_a_turned_octahedron_gives_its_turn():
    vector = np.array([3.0, -7.0, 11.0])
    corners = np.concatenate([np.eye(3), -np.eye(3)]) @ _matrix(np.radians(vector)).T * 2.1
    np.testing.assert_allclose(rotations(corners[None], np.eye(3))[0], vector, atol=1e-9)
    flat = corners.copy()
    flat[5] = flat[0]
    assert np.isnan(rotations(flat[None], np.eye(3))).all()
