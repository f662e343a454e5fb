"""The parts of a distillation: pairs, seeds, cache, ledger, novelty, settings, probes."""

import numpy as np
import pytest

from vitrolyte.data.errors import EngineError, StorageError
from vitrolyte.infer.distil.cache import LabelCache, buy_labels, key_of
from vitrolyte.infer.distil.config import CrystalSettings, Site
from vitrolyte.infer.distil.examination.probes import (
    bounded_overlap,
    distributions,
    motion_ratio,
    overlap,
    pair_overlaps,
)
from vitrolyte.infer.distil.geometry import shortest_distances
from vitrolyte.infer.distil.ledger import Ledger
from vitrolyte.infer.distil.novelty import most_novel, surroundings
from vitrolyte.infer.distil.seeds import (
    Seed,
    crystal,
    distorted,
    largest_void,
    probed,
    rattled,
    roundest,
    scaled,
    unit_cell,
)
from vitrolyte.infer.distil.selection import in_turn
from vitrolyte.potentials.teacher import Label, Snapshot

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
    interstitial_cells=1,
)
ELEMENTS = ("Li", "O", "Cl")


def triclinic(seed: int = 1) -> Snapshot:
    generator = np.random.default_rng(seed)
    cell = np.array([[5.0, 0.4, -0.3], [-1.1, 5.5, 0.2], [0.7, -0.9, 6.0]])
    return Snapshot(("Li", "O", "Cl", "Li", "Li"), generator.uniform(size=(5, 3)) @ cell, cell)


def quiet_label(snapshot: Snapshot) -> Label:
    return Label(-1.5, np.zeros((len(snapshot.species), 3)), np.eye(3))


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
    assert len(seeds) == 1 + 3 + 2 + 2 + 1
    assert sum(seed.phase == "compressed" for seed in seeds) == 2
    assert sorted({len(seed.snapshot.species) for seed in seeds}) == [6, 8]
    poor = seeds[-2].snapshot.species
    assert (poor.count("Li"), poor.count("Cl")) == (3, 3)


def test_probes_of_a_crystal_are_calm_and_neutral():
    asked = SALT.model_copy(update={"repeat": (2, 2, 2), "strained": 3, "hops": 5})
    seeds = [seed.snapshot for seed in probed(asked, "Li", np.random.default_rng(1))]
    perfect = crystal(asked)
    assert len(seeds) == 8
    for strained in seeds[:3]:
        rest = perfect.positions @ np.linalg.inv(perfect.cell) @ strained.cell
        assert np.abs(strained.positions - rest).max() < 0.15
        assert not np.allclose(strained.cell, perfect.cell, atol=1e-3)
    for hopping in seeds[3:]:
        assert (hopping.species.count("Li"), hopping.species.count("Cl")) == (31, 31)
    # halfway the ion stands between two sites of the face diagonal
    alone = SALT.a_A / np.sqrt(2) / 2
    middle = seeds[5].positions
    gaps = np.linalg.norm(middle[:, None] - perfect.positions[None], axis=2).min(axis=1)
    assert gaps.max() == pytest.approx(alone, abs=0.4)


def test_a_crystal_without_the_mobile_ion_has_no_hops():
    asked = SALT.model_copy(update={"strained": 2, "hops": 4})
    assert len(probed(asked, "Na", np.random.default_rng(1))) == 2


def test_frames_are_taken_in_turn_from_all_runs():
    runs = [[10, 11, 12], [], [20], [30, 31]]
    picked = in_turn(runs, 5, seed=3)
    assert {number // 10 for number in picked[:3]} == {1, 2, 3}
    assert len(set(picked)) == 5
    assert sorted(in_turn(runs, 9, seed=3)) == [10, 11, 12, 20, 30, 31]


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


def test_a_kept_word_is_not_asked_for_again(tmp_path):
    class Counting:
        asked = 0

        def label(self, snapshot):
            self.asked += 1
            return quiet_label(snapshot)

    teacher, kept = Counting(), LabelCache(tmp_path / "portrait")
    first, second = (kept.once(triclinic(1), teacher) for _ in range(2))
    assert teacher.asked == 1
    assert first.energy == second.energy == -1.5


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


@pytest.mark.parametrize("shift", [0.0, 0.02, 0.06, 0.2])
def test_the_true_overlap_of_two_liquids_lies_between_its_bounds(shift):
    generator = np.random.default_rng(5)
    r = np.arange(0.05, 6.0, 0.1)

    def liquid(first: float) -> np.ndarray:
        peak = 4 * np.exp(-(((r - first) / 0.15) ** 2))
        return np.where(r > first - 0.4, 1.0 - np.exp(-((r - first + 0.4) ** 2)), 0.0) + peak

    teacher, student = liquid(2.0), liquid(2.0 + shift)
    truth = overlap(teacher, student)
    pairs_in_a_run = 3 * r**2
    inside = judged_low = 0
    for _ in range(400):
        run = generator.poisson(teacher * pairs_in_a_run) / pairs_in_a_run
        pieces = generator.poisson(student * pairs_in_a_run, (12, len(r))) / pairs_in_a_run
        found = bounded_overlap(run, pieces)
        inside += found.low <= truth <= found.high
        judged_low += found.measured < truth
    assert inside >= 0.95 * 400
    if shift == 0.0:
        assert judged_low == 400  # why a plain comparison would fail a perfect student


@pytest.mark.parametrize("truth", [0.8, 1.0, 1.3])
def test_the_ratio_of_two_diffusivities_is_found_whatever_the_temperature_of_the_run(truth):
    generator = np.random.default_rng(8)
    inside, plain = 0, 0

    def motion(temperatures: np.ndarray) -> np.ndarray:
        chance = generator.normal(0.0, 0.1, len(temperatures))
        return np.exp(chance - 0.35 / (8.617e-5 * temperatures))

    for _ in range(400):
        hot = generator.normal(1200.0, 30.0, 13)
        pieces = motion(hot)
        cold = np.array([generator.normal(1150.0, 30.0)])  # as short runs of a teacher happen to be
        (run,) = motion(cold) / truth
        found = motion_ratio(run, float(cold[0]), pieces, hot)
        assert found is not None
        inside += found.low <= truth <= found.high
        plain += abs(np.log(pieces.mean() / run / truth)) < 0.1
    assert 0.93 * 400 <= inside <= 0.975 * 400
    assert plain < 0.5 * 400  # why means at different temperatures must not be compared


def test_three_pieces_leave_no_scatter_about_a_line():
    assert motion_ratio(1.0, 1200.0, np.ones(3), np.array([1190.0, 1200.0, 1210.0])) is None


def test_bounds_of_an_overlap_need_three_pieces():
    with pytest.raises(ValueError, match="at least 3 pieces"):
        bounded_overlap(np.ones(5), np.ones((2, 5)))


def test_the_largest_void_of_rock_salt_is_a_tetrahedral_one():
    # rock salt: the void at (1/4, 1/4, 1/4) is sqrt(3)/4 of the edge from its nearest ions
    cell = crystal(SALT, (1, 1, 1))
    point = largest_void(cell)
    gaps = (cell.positions - point) @ np.linalg.inv(cell.cell)
    nearest = np.linalg.norm((gaps - np.round(gaps)) @ cell.cell, axis=1).min()
    assert nearest == pytest.approx(np.sqrt(3) / 4 * 5.13, rel=0.06)


def test_the_roundest_supercell_of_a_flat_cell_is_repeated_along_its_short_edge():
    flat = Snapshot(("Li",) * 4, np.zeros((4, 3)), np.diag([4.0, 8.0, 8.0]))
    assert roundest(flat, most=16) == (2, 1, 1) or roundest(flat, most=16)[0] == 4
    assert np.prod(roundest(unit_cell(SALT))) * 8 <= 64


class Refusing:
    """A teacher that refuses snapshots with an oxygen."""

    def __init__(self, every: bool = False) -> None:
        self.every = every

    def label(self, snapshot):
        if self.every or snapshot.positions[0, 0] > 100:
            raise EngineError("A teacher that answers", received="nonsense")
        return quiet_label(snapshot)


def test_a_refused_snapshot_is_left_out_and_the_others_are_kept(tmp_path):
    far = Snapshot(triclinic().species, triclinic().positions + 200.0, triclinic().cell)
    seeds = [Seed(triclinic(seed), "melt") for seed in range(8)] + [Seed(far, "contact")]
    bought = buy_labels(seeds, LabelCache(tmp_path), teachers=[Refusing()])
    assert [one.phase for one in bought] == ["melt"] * 8


def test_a_teacher_that_refuses_everything_is_given_up(tmp_path):
    seeds = [Seed(triclinic(seed), "melt") for seed in range(8)]
    with pytest.raises(EngineError, match="nonsense"):
        buy_labels(seeds, LabelCache(tmp_path), teachers=[Refusing(every=True)])


def test_a_full_disk_is_told_and_no_half_label_is_left(tmp_path, monkeypatch):
    cache = LabelCache(tmp_path / "labels")
    cache.write(triclinic(1), quiet_label(triclinic(1)))

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(StorageError, match="No space left"):
        cache.write(triclinic(2), quiet_label(triclinic(2)))
    assert [path.suffix for path in (tmp_path / "labels").iterdir()] == [".npz"]
    assert len(cache) == 1
