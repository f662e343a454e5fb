"""The validation runner: rows are made, kept, read back, and faults do not hide the rest."""

from pathlib import Path

import pytest
from validation.__main__ import main
from validation.catalogue import CATALOGUE, Entry
from validation.check import Check
from validation.page import Row, page, read_rows
from validation.published import densities, lattice_guesses
from validation.truths import ideal_gas, random_walk


def holding() -> tuple[Check, ...]:
    return (Check.within("one | two", 1.0, 1.01, bounds=(0.9, 1.1), command=""),)


def failing() -> tuple[Check, ...]:
    return (Check.within("three", 3.0, 5.0, bounds=(2.9, 3.1), command=""),)


def broken() -> tuple[Check, ...]:
    raise RuntimeError("no\nengine | here")


def lacking() -> tuple[Check, ...]:
    raise ModuleNotFoundError("No module named 'peer'", name="peer")


GOOD = Entry("good", "a good one", holding)
BAD = Entry("bad", "a bad one", failing)
BROKEN = Entry("broken", "a broken one", broken)
LACKING = Entry("lacking", "one without its peer", lacking)


def verdicts(path: Path) -> dict[str, str]:
    return {row.entry: row.verdict for row in read_rows(path.read_text(encoding="utf-8"))}


def test_every_row_says_what_came_of_it(tmp_path: Path) -> None:
    target = tmp_path / "validation.md"
    assert main([], (GOOD, BROKEN, BAD, LACKING), target) == 1
    assert verdicts(target) == {
        "good": "agrees",
        "broken": "failed: RuntimeError: no engine | here",
        "bad": "disagrees",
        "lacking": "not judged: peer is not installed",
    }
    assert "4 rows: 1 agree, 1 disagree, 1 not judged, 1 failed." in target.read_text("utf-8")


def test_agreement_alone_is_success(tmp_path: Path) -> None:
    assert main([], (GOOD,), tmp_path / "page.md") == 0
    assert main([], (GOOD, LACKING), tmp_path / "page.md") == 0
    assert main([], (GOOD, BROKEN), tmp_path / "page.md") == 1


def test_checks_not_asked_for_keep_their_rows(tmp_path: Path) -> None:
    target = tmp_path / "validation.md"
    main([], (GOOD, BAD), target)
    now_broken = Entry("good", "a good one", broken)
    assert main(["bad"], (now_broken, BAD), target) == 1
    assert verdicts(target) == {"good": "agrees", "bad": "disagrees"}


def test_rows_of_checks_that_are_no_more_disappear(tmp_path: Path) -> None:
    target = tmp_path / "validation.md"
    main([], (GOOD, BAD), target)
    main(["bad"], (BAD,), target)
    assert verdicts(target) == {"bad": "disagrees"}


def test_a_page_reads_back_as_its_rows() -> None:
    rows = (
        Row("a", "|rho|² in 1/Å", "1", "1.5", "0 to 2", "agrees"),
        Row("b-c", "no figure", "", "", "", "failed: why | not"),
    )
    assert read_rows(page(rows, "Made by hand.")) == rows


def test_an_unknown_name_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "page.md"
    with pytest.raises(SystemExit) as stopped:
        main(["goood"], (GOOD,), target)
    assert stopped.value.code == 2
    assert "goood" in capsys.readouterr().err
    assert not target.exists()


def test_the_list_names_every_check_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    named = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert named == [entry.name for entry in CATALOGUE]
    assert len(set(named)) == len(named)


@pytest.mark.parametrize("checks", [random_walk, ideal_gas, densities, lattice_guesses])
def test_the_quick_checks_hold(checks: object) -> None:
    assert callable(checks)
    for check in checks():
        assert check.low <= check.got <= check.high, check.line
