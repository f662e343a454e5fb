"""Work side by side: order, errors, and how far is read ahead."""

import threading
import time

import pytest

from vitrolyte.observe.threads import in_order, processors


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_answers_come_in_order(threads: int) -> None:
    def slow_at_first(number: int) -> int:
        time.sleep(0.02 if number == 0 else 0.0)
        return number * number

    assert list(in_order(slow_at_first, range(30), threads=threads)) == [k * k for k in range(30)]


@pytest.mark.parametrize("threads", [1, 3])
def test_few_items_are_held_at_a_time(threads: int) -> None:
    made: list[int] = []

    def items():
        for number in range(50):
            made.append(number)
            yield number

    for taken, _ in enumerate(in_order(lambda number: number, items(), threads=threads)):
        assert len(made) <= taken + 2 * threads


@pytest.mark.parametrize("threads", [1, 3])
def test_a_fault_in_the_work_is_raised(threads: int) -> None:
    def work(number: int) -> int:
        if number == 7:
            raise ZeroDivisionError("seven")
        return number

    with pytest.raises(ZeroDivisionError, match="seven"):
        list(in_order(work, range(20), threads=threads))


def test_the_work_is_done_in_other_threads_and_the_items_in_this_one() -> None:
    here = threading.get_ident()

    def items():
        for _ in range(6):
            yield threading.get_ident()

    def work(made_in: int) -> tuple[int, int]:
        return made_in, threading.get_ident()

    for made_in, done_in in in_order(work, items(), threads=2):
        assert made_in == here
        assert done_in != here


def test_the_environment_limits_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1,2")
    assert processors() == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    monkeypatch.setenv("NUMBA_NUM_THREADS", "1")
    assert processors() == 1
    monkeypatch.delenv("NUMBA_NUM_THREADS")
    assert processors() >= 1
