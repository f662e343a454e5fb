"""The benchmark runner, and every peer's answer on the smallest input."""

from pathlib import Path

import pytest
from benchmarks import displacement, memory, structure
from benchmarks.__main__ import CATALOGUE, Benchmark, main
from benchmarks.page import page, read_sections, section
from benchmarks.race import Contestant, Race, Shot, Work, run

from vitrolyte.data.units import A2_PER_PS_TO_CM2_PER_S


def shooting(*values: float) -> Contestant:
    """Return a contestant with these measurements, the first of them in its idle turn."""
    left = iter(values)
    return Contestant("ours" if values[0] == 1 else "theirs", lambda: lambda: Shot(next(left), 7.0))


def absent() -> Work:
    raise ModuleNotFoundError("No module named 'peer'")


def race(*contestants: Contestant) -> Race:
    return Race("a job", "ms", "an answer", contestants, 2, per=1e-3)


def test_turns_are_compared_within_themselves() -> None:
    ours, theirs = run(race(shooting(1, 2, 4), shooting(99, 6, 8)))
    assert ours.values == (2000, 4000)
    assert theirs.values == (6000, 8000)
    assert theirs.ratios == (3, 2)
    assert ours.ratios == (1, 1)
    assert theirs.median == 7000


def test_a_missing_peer_says_how_to_install_it() -> None:
    _, theirs = run(race(shooting(1, 1, 1), Contestant("theirs", absent, package="peer-dist")))
    assert theirs.note == "not installed (No module named 'peer'): pip install peer-dist"
    assert theirs.values == ()


def test_a_missing_part_of_our_own_is_a_fault() -> None:
    with pytest.raises(ModuleNotFoundError):
        run(race(Contestant("ours", absent)))


def benchmark(name: str, value: float) -> Benchmark:
    return Benchmark(name, f"Title of {name}", lambda *, tiny: (race(shooting(1, value, value)),))


def test_sections_not_asked_for_stay_as_they_were(tmp_path: Path) -> None:
    target = tmp_path / "benchmarks.md"
    assert main([], (benchmark("one", 0.5), benchmark("two", 0.25)), target) == 0
    before = read_sections(target.read_text(encoding="utf-8"))
    assert main(["two"], (benchmark("one", 3), benchmark("two", 4)), target) == 0
    after = read_sections(target.read_text(encoding="utf-8"))
    assert after["one"] == before["one"]
    assert "| ours | 250 |" in before["two"]
    assert "| ours | 4e+03 |" in after["two"]


def test_a_benchmark_that_fails_keeps_its_old_section(tmp_path: Path) -> None:
    target = tmp_path / "benchmarks.md"
    main([], (benchmark("one", 0.5),), target)
    before = target.read_text(encoding="utf-8")
    broken = Benchmark("one", "Title of one", lambda *, tiny: (race(Contestant("ours", absent)),))
    assert main([], (broken,), target) == 1
    assert target.read_text(encoding="utf-8") == before


def test_tiny_runs_leave_the_page_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--tiny"], (benchmark("one", 0.5),), tmp_path / "page.md") == 0
    assert not (tmp_path / "page.md").exists()
    assert "| ours | 500 | 500 | 500 to 500 | 1 (1 to 1) | 7 |" in capsys.readouterr().out


def test_a_page_reads_back_as_its_sections() -> None:
    outcome = [(race(), run(race(shooting(1, 1, 1))))]
    sections = {
        name: section(name, f"Title {name}", outcome, made_on="somewhere") for name in ("a", "b")
    }
    assert read_sections(page(list(sections.values()))) == sections


def test_the_page_names_no_host_and_no_folder(tmp_path: Path) -> None:
    import platform

    target = tmp_path / "benchmarks.md"
    main([], (benchmark("one", 0.5),), target)
    text = target.read_text(encoding="utf-8")
    assert platform.node() not in text
    assert str(Path.cwd()) not in text


def test_every_benchmark_has_a_name_of_its_own() -> None:
    assert len({one.name for one in CATALOGUE}) == len(CATALOGUE)


def test_both_programs_find_the_diffusivity() -> None:
    ours, *others = run(displacement.diffusivity_race(20, 1000, rounds=1))
    truth = displacement.DIFFUSIVITY * A2_PER_PS_TO_CM2_PER_S
    # 20 walks of 100 ps: a diffusivity from them scatters by about a tenth.
    for one in (ours, *others):
        assert one.note or one.answer == pytest.approx(truth, rel=0.4)
    assert not ours.note


@pytest.mark.parametrize(
    ("races", "tolerance"),
    [
        # Peers read positions in single precision: 1e-6 of 20 Å.
        (displacement.races, 1e-3),
        # freud divides like pairs by N² and does not matter here: the answer is of unlike ones.
        (structure.pair_races, 2e-2),
        (structure.factor_races, 1e-6),
        (memory.races, 1e-3),
    ],
)
def test_all_programs_give_one_answer(races: object, tolerance: float) -> None:
    assert callable(races)
    for one in races(tiny=True):
        ours, *others = run(one)
        for other in others:
            if other.note:
                assert other.note.startswith("not installed")
            elif other.answer == other.answer:  # opening a file alone has no answer
                assert other.answer == pytest.approx(ours.answer, rel=tolerance)
