"""Measure and write ``docs/benchmarks.md``.

Run ``python -m benchmarks [NAME ...]``; ``--list`` names the benchmarks; ``--tiny`` only tries
that they work and writes nothing. Benchmarks that are not named keep their section.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import (
    census,
    displacement,
    engine,
    hops,
    impedance,
    long_run,
    memory,
    motion_time,
    startup,
    structure,
    teacher_cost,
)
from benchmarks.page import machine, page, read_sections, section
from benchmarks.race import Race, run
from vitrolyte.data.io.files import write_text

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


@dataclass(frozen=True)
class Benchmark:
    """One section of the page; ``races(tiny=...)`` prepares its input and names who takes part."""

    name: str
    title: str
    races: Callable[..., tuple[Race, ...]]


CATALOGUE: tuple[Benchmark, ...] = (
    Benchmark("displacement", "Displacements and diffusivity", displacement.races),
    Benchmark("motion-time", "Van Hove functions and scattering in time", motion_time.races),
    Benchmark("hops", "Hops of ions", hops.races),
    Benchmark("impedance", "Circuits from impedance spectra", impedance.races),
    Benchmark("pairs", "Pair functions", structure.pair_races),
    Benchmark("factors", "Structure factors", structure.factor_races),
    Benchmark("census", "Census of polyhedra", census.races),
    Benchmark("engine", "Molecular dynamics", engine.races),
    Benchmark("teachers", "Cost of teachers and of a student", teacher_cost.races),
    Benchmark("startup", "Start-up of the program", startup.races),
    Benchmark("memory", "Memory of a long trajectory", memory.races),
    Benchmark("long-run", "A trajectory larger than memory", long_run.races),
)


def main(
    arguments: Sequence[str], benchmarks: Sequence[Benchmark] = CATALOGUE, path: Path = PAGE
) -> int:
    """Measure what is asked for and return the exit status: 1 if a benchmark failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to measure; all if none")
    parser.add_argument("--list", action="store_true", help="name the benchmarks and stop")
    parser.add_argument("--tiny", action="store_true", help="smallest sizes; write nothing")
    asked = parser.parse_args(arguments)
    if asked.list:
        sys.stdout.writelines(f"{one.name:14} {one.title}\n" for one in benchmarks)
        return 0
    unknown = set(asked.names) - {one.name for one in benchmarks}
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; see --list")
    chosen = [one for one in benchmarks if not asked.names or one.name in asked.names]
    return _measure(chosen, benchmarks, None if asked.tiny else path)


def _measure(
    chosen: Sequence[Benchmark], benchmarks: Sequence[Benchmark], path: Path | None
) -> int:
    """Measure, print, and write the page anew after each section."""
    known = path is not None and path.exists()
    sections = dict(read_sections(path.read_text(encoding="utf-8"))) if path and known else {}
    failures = 0
    for one in chosen:
        sys.stderr.write(f"{one.name} ...\n")
        try:
            sections[one.name] = _section(one, tiny=path is None)
        except Exception as fault:  # one broken benchmark must not lose the others
            sys.stderr.write(f"{one.name} failed: {type(fault).__name__}: {fault}\n")
            failures += 1
            continue
        sys.stdout.write(sections[one.name] + "\n")
        if path is not None:
            write_text(path, page([sections[b.name] for b in benchmarks if b.name in sections]))
    return 1 if failures else 0


def _section(one: Benchmark, *, tiny: bool) -> str:
    made_on = machine()
    races = one.races(tiny=tiny)
    return section(one.name, one.title, [(race, run(race)) for race in races], made_on=made_on)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
