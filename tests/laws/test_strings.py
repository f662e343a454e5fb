"""Concerted moves: company of known strength, strangers, and shuffles."""

import numpy as np
import pytest
from tests.hop_runs import known_hops
from validation.hops import companions, strangers

from vitrolyte.data.errors import InputError
from vitrolyte.observe.hops.strings import StringSettings, concerted_moves


def train(
    draws: np.random.Generator, ions: int, moves: int
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return ions in a row, all of which move on by one place within three frames, and back."""
    when = np.cumsum(draws.integers(40, 80, moves))
    paths, times = [], []
    for ion in range(ions):
        forth = ion + np.arange(moves + 1) % 2
        paths.append(np.stack([2.0 * forth, np.zeros(moves + 1), np.zeros(moves + 1)], axis=1))
        times.append(when + draws.integers(0, 4, moves))
    return paths, times


@pytest.mark.parametrize("ions", [2, 3, 5])
def test_a_train_is_one_move_of_all_its_ions(ions: int) -> None:
    draws = np.random.default_rng(0)
    paths, times = [], []
    for lane in range(4):
        one = train(draws, ions, 40)
        paths += [path + np.array([0.0, 8.0 * lane, 0.0]) for path in one[0]]
        times += one[1]
    hops = known_hops(paths, times, 4000, 40.0)
    found = concerted_moves(hops, StringSettings(window_ps=4.0, reach_A=0.5))
    assert found.string_length.value == pytest.approx(ions)
    assert found.fraction.value == pytest.approx(1.0, abs=0.02)
    # one of 199 shuffles and the run itself
    assert found.p_value.value == pytest.approx(1.0 / 200.0)


def test_company_is_told_from_chance() -> None:
    held = [low.low <= truth <= low.high for low, truth in
            (companions(seed)["share of concerted hops"] for seed in range(5))]  # fmt: skip
    # five intervals of 95 %: two or fewer hold in 0.1 % of cases
    assert sum(held) >= 3


def test_strangers_are_none() -> None:
    found = [strangers(seed)["share of concerted hops"][0] for seed in range(5)]
    assert sum(one.low == 0.0 for one in found) >= 3


def test_too_few_hops_are_refused() -> None:
    paths, times = train(np.random.default_rng(1), 6, 2)
    found = concerted_moves(known_hops(paths, times, 300, 40.0))
    assert found.fraction.status == "refused"
    with pytest.raises(InputError, match="shuffles"):
        StringSettings(shuffles=5)
