"""The parts of a distillation: pairs, seeds, cache, ledger, novelty, settings, probes."""

from pathlib import Path

import numpy as np
import pytest

from vitrolyte.data.errors import InputError
from vitrolyte.infer.distil.cache import LabelCache, buy_labels, key_of
from vitrolyte.infer.distil.config import CrystalSettings, MeltSettings, Site, read_settings
from vitrolyte.infer.distil.engine import data_file, read_dump
from vitrolyte.infer.distil.geometry import restricted_cell, shortest_distances
from vitrolyte.infer.distil.ledger import Ledger
from vitrolyte.infer.distil.novelty import most_novel, surroundings
from vitrolyte.infer.distil.probes import bulk_modulus, distributions, pair_overlaps
from vitrolyte.infer.distil.seeds import Seed, crystal, distorted, packed, rattled, scaled
from vitrolyte.potentials.teacher import Label, Snapshot

CONFIG = Path(__file__).parents[2] / "distil" / "li-o-cl.toml"
SALT = CrystalSettings(
    name="LiCl",
    spacegroup=225,
    a_A=5.13,
    sites=(Site(element="Li", at=(0, 0, 0)), Site(element="Cl", at=(0.5, 0.5, 0.5))),
    repeat=(1, 1, 1),
    rattled=3,
    compressed=2,
    vacancies=("Li", "Cl"),
    vacancy_cells=2,
)
ELEMENTS = ("Li", "O", "Cl")


def triclinic(seed: int = 1) -> Snapshot:
    generator = np.random.default_rng(seed)
    cell = np.array([[5.0, 0.4, -0.3], [-1.1, 5.5, 0.2], [0.7, -0.9, 6.0]])
    return Snapshot(("Li", "O", "Cl", "Li", "Li"), generator.uniform(size=(5, 3)) @ cell, cell)


def quiet_label(snapshot: Snapshot) -> Label:
    return Label(-1.5, np.zeros((len(snapshot.species), 3)), np.eye(3))


def test_the_restricted_cell_is_a_rotation_of_the_cell():
    cell = triclinic().cell
    restricted, rotation = restricted_cell(cell)
    np.testing.assert_allclose(cell @ rotation, restricted, atol=1e-12)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1.0)
    np.testing.assert_allclose(np.triu(restricted, 1), 0.0, atol=1e-12)
    assert (np.diag(restricted) > 0).all()


def test_shortest_distances_of_rock_salt():
    found = shortest_distances([crystal(SALT)], ("Li", "Cl"))
    # rock salt geometry: unlike a/2, like a/√2
    assert found["Li-Cl"] == pytest.approx(5.13 / 2)
    assert found["Li-Li"] == pytest.approx(5.13 / np.sqrt(2))


def test_distances_are_the_same_in_any_choice_of_cell():
    snapshot = triclinic()
    sheared = Snapshot(
        snapshot.species,
        snapshot.positions,
        np.array([[1, 0, 0], [1, 1, 0], [0, -1, 1]]) @ snapshot.cell,
    )
    first, second = (shortest_distances([s], ELEMENTS) for s in (snapshot, sheared))
    assert first == pytest.approx(second)


def test_a_crystal_is_distorted_as_often_as_asked():
    seeds = distorted(SALT, np.random.default_rng(1))
    assert len(seeds) == 1 + 3 + 2 + 2
    assert sum(seed.phase == "compressed" for seed in seeds) == 2
    assert sorted({len(seed.snapshot.species) for seed in seeds}) == [6, 8]
    poor = seeds[-1].snapshot.species
    assert (poor.count("Li"), poor.count("Cl")) == (3, 3)


def test_a_packing_has_its_density_and_no_overlap():
    melt = MeltSettings(
        formula={"Li": 3, "O": 1, "Cl": 1},
        units=4,
        volume_per_atom_A3=(16.0,),
        temperature_K=(1000.0,),
        steps=1,
        every=1,
    )
    contacts = {"Li-Li": 2.1, "Li-O": 1.7, "Li-Cl": 2.2, "O-O": 2.6, "O-Cl": 2.7, "Cl-Cl": 2.9}
    packing = packed(melt, 16.0, contacts=contacts, seed=5)
    assert packing.volume == pytest.approx(16.0 * 20)
    for pair, distance in shortest_distances([packing], ELEMENTS).items():
        assert distance > 0.85 * contacts[pair]


def test_a_label_is_bought_once(tmp_path):
    class Counting:
        asked = 0

        def label(self, snapshot):
            self.asked += 1
            return quiet_label(snapshot)

    teacher = Counting()
    seeds = [Seed(triclinic(seed), "melt") for seed in (1, 2, 1)]
    cache = LabelCache(tmp_path / "labels")
    bought = buy_labels(seeds, cache, teachers=[teacher])
    again = buy_labels(seeds, cache, teachers=[teacher])
    assert teacher.asked == 2
    assert [one.label.energy for one in bought] == [one.label.energy for one in again]
    np.testing.assert_array_equal(again[1].snapshot.positions, seeds[1].snapshot.positions)
    assert again[0].snapshot.species == seeds[0].snapshot.species


def test_the_key_tells_what_a_label_depends_on():
    snapshot = triclinic()
    moved = Snapshot(snapshot.species, snapshot.positions + 1e-6, snapshot.cell)
    swapped = Snapshot(snapshot.species[::-1], snapshot.positions, snapshot.cell)
    assert len({key_of(one) for one in (snapshot, moved, swapped)}) == 3
    assert key_of(snapshot) == key_of(triclinic())


def test_a_finished_stage_is_not_repeated(tmp_path):
    ledger = Ledger(tmp_path / "stages", LabelCache(tmp_path / "labels"))
    calls = []

    def work():
        calls.append(1)
        snapshot = triclinic()
        ledger.cache.write(snapshot, quiet_label(snapshot))
        return [ledger.cache.read(key_of(snapshot), "melt")]

    first, second = ledger.once("stage", work), ledger.once("stage", work)
    assert len(calls) == 1
    assert second[0].phase == "melt"
    np.testing.assert_array_equal(first[0].snapshot.cell, second[0].snapshot.cell)


def test_an_interrupted_stage_leaves_nothing_to_trust(tmp_path):
    ledger = Ledger(tmp_path / "stages", LabelCache(tmp_path / "labels"))

    def dies():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ledger.once("stage", dies)
    assert ledger.once("stage", list) == []


def test_surroundings_do_not_change_under_rotation_and_translation():
    snapshot = triclinic()
    turn, _ = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))
    turned = Snapshot(snapshot.species, (snapshot.positions + 0.7) @ turn, snapshot.cell @ turn)
    np.testing.assert_allclose(
        surroundings(turned, ELEMENTS), surroundings(snapshot, ELEMENTS), atol=1e-10
    )


def test_the_most_novel_frame_is_the_one_unlike_the_known():
    calm = crystal(SALT, (2, 2, 2))
    known = [rattled(calm, 0.1, generator=np.random.default_rng(k)) for k in range(3)]
    candidates = [rattled(calm, 0.1, generator=np.random.default_rng(9)), scaled(calm, 0.85), calm]
    picked = most_novel(candidates, known, elements=("Li", "Cl"), count=2)
    assert picked[0] == 1
    assert most_novel([], known, elements=("Li", "Cl"), count=2) == []


def test_two_equal_strange_frames_are_not_both_picked_first():
    calm = crystal(SALT, (2, 2, 2))
    candidates = [scaled(calm, 0.80), scaled(calm, 0.80), scaled(calm, 0.9)]
    assert most_novel(candidates, [calm], elements=("Li", "Cl"), count=2) == [0, 2]


def test_the_equation_of_state_returns_what_went_in():
    modulus, volume0 = 50.0, 5.13**3 * 8

    def evaluate(cells):
        # third-order Birch-Murnaghan with B' = 4: F. Birch, doi:10.1103/PhysRev.71.809
        strain = [0.5 * ((volume0 / cell.volume) ** (2 / 3) - 1) for cell in cells]
        scale = 9 / 2 * modulus / 160.2176634 * volume0
        return [Label(scale * f**2, np.zeros((1, 3)), np.eye(3)) for f in strain]

    found = bulk_modulus(SALT, evaluate)
    assert found.a == pytest.approx(5.13, rel=1e-6)
    assert found.bulk_GPa == pytest.approx(modulus, rel=1e-4)


def test_an_ideal_gas_has_a_flat_distribution_in_a_triclinic_cell():
    generator = np.random.default_rng(3)
    cell = triclinic().cell * 3
    species = ("Li",) * 100 + ("Cl",) * 100
    frames = [Snapshot(species, generator.uniform(size=(200, 3)) @ cell, cell) for _ in range(20)]
    flat = distributions(frames, ("Li", "Cl"))
    # counts per bin beyond 3 Å exceed 5000, so that the mean is 1 within a few per mille
    assert flat["Li-Cl"][30:].mean() == pytest.approx(1.0, abs=0.02)
    # (N-1)/N for like pairs
    assert flat["Li-Li"][30:].mean() == pytest.approx(0.99, abs=0.02)


def test_overlap_is_one_with_itself_and_zero_between_strangers():
    one, other = crystal(SALT), scaled(crystal(SALT), 1.06)
    assert pair_overlaps([one], [one], elements=("Li", "Cl"))["Li-Cl"] == pytest.approx(1.0)
    assert pair_overlaps([one], [other], elements=("Li", "Cl"))["Li-Cl"] == pytest.approx(0.0)


def test_the_shipped_configuration_is_valid():
    settings = read_settings(CONFIG)
    assert settings.elements == ELEMENTS
    assert settings.crystal("Li2O").a_A == pytest.approx(4.62)


def test_an_unknown_key_is_named(tmp_path):
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(CONFIG.read_text("utf-8").replace("seed = 20", "sead = 20"), "utf-8")
    with pytest.raises(InputError, match="sead"):
        read_settings(wrong)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"missing\.toml"):
        read_settings(tmp_path / "missing.toml")


def test_a_dump_cut_off_in_its_last_frame_gives_the_whole_ones(tmp_path):
    frame = (
        "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n2\n"
        "ITEM: BOX BOUNDS xy xz yz pp pp pp\n-1.0 6.0 -1.0\n0 4 0.5\n0 3 0\n"
        "ITEM: ATOMS id type x y z\n2 3 1 1 1\n1 1 0.5 0 0\n"
    )
    (tmp_path / "a.dump").write_text(frame + frame[:-12], encoding="ascii")
    frames = read_dump(tmp_path / "a.dump", ELEMENTS, columns=3)
    assert len(frames) == 1
    snapshot, _ = frames[0]
    assert snapshot.species == ("Li", "Cl")
    # bounds of a triclinic box: https://docs.lammps.org/Howto_triclinic.html
    np.testing.assert_allclose(snapshot.cell, [[5.5, 0, 0], [-1.0, 4, 0], [0.5, 0, 3]])


def test_a_data_file_holds_every_atom_inside_its_box():
    text = data_file(triclinic(), ELEMENTS)
    assert "5 atoms" in text
    assert "3 atom types" in text
