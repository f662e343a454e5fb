"""The tables of a calorimeter's text file, whichever program wrote it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.delimited import Column, Delimited, table_of

_SIGNAL = re.compile(r"^Sig\d+\s+(.*)$")
_TRIOS_STEP = re.compile(r"^\[step\]\s*$", re.IGNORECASE)
_TRIOS_SECTION = re.compile(r"^\[[^\]\d°]+\]$")
_PYRIS_STEP = re.compile(r"^\s*\d+\)\s*(?:Heat|Cool|Hold)\b", re.IGNORECASE)
_METTLER_CURVE = re.compile(r"^\s*Curve Values\s*:?", re.IGNORECASE)
_METTLER_END = re.compile(r"^\s*(?:Results|Sample|Method|Curve Name|Performed)\s*:", re.IGNORECASE)
_NUMERIC = re.compile(r"^[\s;,\t]*[+-]?[\d.,]+(?:[eE][+-]?\d+)?(?:[\s;,\t]|$)")


@dataclass(frozen=True)
class Block:
    """One table of a file.

    Attributes
    ----------
    table
        Its columns.
    title
        What the file calls it.
    said
        The lines that belong to it alone.
    """

    table: Delimited
    title: str = ""
    said: tuple[str, ...] = ()


@dataclass(frozen=True)
class Blocks:
    """The tables of a file, and the lines that belong to all of them."""

    format: str
    blocks: tuple[Block, ...]
    said: tuple[str, ...]


def blocks_of(lines: Sequence[str], file: str) -> Blocks:
    """Return the tables of a text; the format is told by what stands in it.

    Raises
    ------
    InputError
        If there is no table, or a row of one is malformed.
    """
    for known, read in _FORMATS:
        if known(lines):
            return read(lines, file)
    table = table_of(lines, file)
    return Blocks("text table", (Block(table),), table.header + table.footer)


def _is_netzsch(lines: Sequence[str]) -> bool:
    return any(line.startswith("##") for line in lines) and any(
        line.startswith("#") and not line.startswith("##") for line in lines[:80]
    )


def _netzsch(lines: Sequence[str], file: str) -> Blocks:
    """Return the tables of a NETZSCH Proteus export: ``#KEY:value`` and ``##Temp./°C;...``."""
    heads = [number for number, line in enumerate(lines) if line.startswith("##")]
    blocks: list[Block] = []
    said: list[str] = []
    for number, head in enumerate(heads):
        above = heads[number - 1] + 1 if number else 0
        own = tuple(line for line in lines[above:head] if line.startswith("#"))
        end = heads[number + 1] if number + 1 < len(heads) else len(lines)
        rows = [line for line in lines[head + 1 : end] if not line.startswith("#")]
        blocks.append(Block(table_of([lines[head].lstrip("#"), *rows], file), "", own))
        said += own
    return Blocks("NETZSCH Proteus", tuple(blocks), tuple(said))


def _is_universal_analysis(lines: Sequence[str]) -> bool:
    return any(line.strip() == "StartOfData" for line in lines) and any(
        line.startswith("Sig1") for line in lines
    )


def _universal_analysis(lines: Sequence[str], file: str) -> Blocks:
    """Return the table of a TA Universal Analysis export: ``Sig1 Time (min)``, ``StartOfData``."""
    start = next(number for number, line in enumerate(lines) if line.strip() == "StartOfData")
    header = tuple(lines[:start])
    names = [match.group(1).strip() for line in header if (match := _SIGNAL.match(line))]
    # Rows that begin with a time below zero mark ends of segments.
    rows = [
        line for line in lines[start + 1 :] if line.strip() and not line.lstrip().startswith("-")
    ]
    tabs = sum("\t" in line for line in rows[:50]) * 2 > len(rows[:50])
    rows = rows if tabs else ["\t".join(line.split()) for line in rows]
    table = table_of(["\t".join(names), *rows], file)
    if len(table.columns) != len(names):
        raise InputError(
            f"{file} needs as many columns as it names",
            received=f"{len(names)} names, {len(table.columns)} columns",
        )
    return Blocks("TA Universal Analysis", (Block(table, "", header),), header)


def _is_trios(lines: Sequence[str]) -> bool:
    return any(_TRIOS_STEP.match(line.strip()) for line in lines)


def _trios(lines: Sequence[str], file: str) -> Blocks:
    """Return the tables of a TA TRIOS export, one after each ``[step]``."""
    starts = [number for number, line in enumerate(lines) if _TRIOS_STEP.match(line.strip())]
    header = tuple(lines[: starts[0]])
    blocks = []
    for start, end in zip(starts, [*starts[1:], len(lines)]):
        part = [line for line in lines[start + 1 : end] if line.strip()]
        stop = next((n for n, line in enumerate(part) if _TRIOS_SECTION.match(line.strip())), None)
        part = part[:stop]
        if sum(bool(_NUMERIC.match(line)) for line in part) < 2:
            continue
        blocks.append(Block(table_of(_trimmed(part[1:]), file), part[0].strip(), (part[0],)))
    if not blocks:
        raise InputError(f"{file} must hold a step with numbers", received="none")
    return Blocks("TA TRIOS", tuple(blocks), header)


def _trimmed(lines: Sequence[str]) -> list[str]:
    """Return lines without empty cells at their ends."""
    return [line.rstrip("\t,; ") for line in lines]


def _is_mettler(lines: Sequence[str]) -> bool:
    return any(_METTLER_CURVE.match(line) for line in lines)


def _mettler(lines: Sequence[str], file: str) -> Blocks:
    """Return the tables of a Mettler STARe export, one after each ``Curve Values:``."""
    starts = [number for number, line in enumerate(lines) if _METTLER_CURVE.match(line)]
    blocks, said = [], list(lines[: starts[0]])
    for start, end in zip(starts, [*starts[1:], len(lines)]):
        part = [line for line in lines[start + 1 : end] if line.strip()]
        stop = next((n for n, line in enumerate(part) if _METTLER_END.match(line)), len(part))
        said += part[stop:]
        if stop < 4:
            continue
        names, units, *rows = part[:stop]
        heading = [f"{n} {u}" for n, u in zip(names.split(), _units(units, names))]
        table = table_of(["\t".join(heading), *("\t".join(row.split()) for row in rows)], file)
        blocks.append(Block(table))
    if not blocks:
        raise InputError(f"{file} must hold a curve with values", received="none")
    return Blocks("Mettler STARe", tuple(blocks), tuple(said))


def _units(line: str, names: str) -> list[str]:
    """Return the units below the names of a table; the column of numbers has none."""
    found = re.findall(r"\[[^\]]*\]", line)
    return [""] * (len(names.split()) - len(found)) + [one.replace("Wg^-1", "W/g") for one in found]


def _is_pyris(lines: Sequence[str]) -> bool:
    return any("unsubtracted" in line.lower() for line in lines[:4000])


def _pyris(lines: Sequence[str], file: str) -> Blocks:
    """Return the table of a PerkinElmer Pyris export: minutes, mW and °C, as Pyris has them."""
    kept = [line for line in lines if not _PYRIS_STEP.match(line)]
    table = table_of(kept, file)
    names = tuple(column.name.lower() for column in table.columns)
    if not any("unsubtracted heat flow" in name for name in names):
        joined = _two_line_headings(table)
        table = replace(table, columns=joined)
    columns = tuple(
        column if column.unit else replace(column, unit=_pyris_unit(column.name))
        for column in table.columns
    )
    return Blocks(
        "PerkinElmer Pyris", (Block(replace(table, columns=columns)),), tuple(lines[:200])
    )


_PYRIS = (
    "Time", "Unsubtracted Heat Flow", "Baseline Heat Flow", "Program Temperature",
    "Sample Temperature",
)  # fmt: skip


def _two_line_headings(table: Delimited) -> tuple[Column, ...]:
    """Return the columns under the names that Pyris writes over two lines."""
    return tuple(
        replace(column, name=_PYRIS[number]) if number < len(_PYRIS) else column
        for number, column in enumerate(table.columns)
    )


def _pyris_unit(name: str) -> str:
    words = {"time": "min", "heat flow": "mW", "temperature": "°C"}
    return next((unit for word, unit in words.items() if word in name.lower()), "")


_FORMATS: tuple[
    tuple[Callable[[Sequence[str]], bool], Callable[[Sequence[str], str], Blocks]], ...
] = (
    (_is_netzsch, _netzsch),
    (_is_universal_analysis, _universal_analysis),
    (_is_trios, _trios),
    (_is_mettler, _mettler),
    (_is_pyris, _pyris),
)
