"""Guard rows in the least squares: held tighter where they are missed from below."""

import numpy as np
import pytest

from vitrolyte.infer.distil.regression import Normal, Rows, draws, gathered, solve, solve_guarded

RIDGE = 1e-12


def learnt(slope: float, count: int = 400) -> list[Rows]:
    """Rows that ask for ``slope`` times x, x from 1 to 2."""
    x = np.linspace(1.0, 2.0, count)[:, None]
    return [Rows(x, slope * x[:, 0])]


def sums(slope: float, count: int = 400) -> list[Normal]:
    return gathered(learnt(slope, count), draws(1, members=0, seed=1))


def test_without_guards_the_data_alone_speak():
    (found,) = solve_guarded(sums(-3.0), [], RIDGE, least=1.0)
    assert found.coefficients == pytest.approx([-3.0])


def test_a_guard_that_is_kept_anyway_keeps_its_weight():
    guard = Rows(np.array([[1.0]]), np.array([-2.5]))
    (found,) = solve_guarded(sums(-3.0), [guard], RIDGE, least=1.0)
    square, right = sums(-3.0)[0].square + 1.0, sums(-3.0)[0].right - 2.5
    np.testing.assert_allclose(
        found.coefficients, solve(Normal(square, right), RIDGE).coefficients, rtol=1e-12
    )


def test_a_missed_guard_is_held_tighter_for_less_than_it_had_asked():
    # the data ask for -3, the guard for 2: one row wins against ten
    guard = Rows(np.array([[1.0]]), np.array([2.0]))
    (plain,) = solve_guarded(sums(-3.0, 10), [guard], RIDGE, least=9.0)
    assert plain.coefficients[0] < -2.0
    for found in solve_guarded(sums(-3.0, 10) * 2, [guard], RIDGE, least=1.0):
        assert found.coefficients[0] == pytest.approx(0.43, abs=0.05)


def test_a_guard_that_data_without_number_contradict_does_not_spoil_the_fit():
    guard = Rows(np.array([[1.0]]), np.array([2.0]))
    (found,) = solve_guarded(sums(-3.0, 100_000), [guard], RIDGE, least=1.0)
    assert found.coefficients == pytest.approx([-3.0], abs=0.01)


def test_guards_missed_from_above_are_left_alone():
    guard = Rows(np.array([[1.0]]), np.array([-9.0]))
    (found,) = solve_guarded(sums(-3.0), [guard], RIDGE, least=1.0)
    assert found.coefficients == pytest.approx([-3.0], abs=0.05)
