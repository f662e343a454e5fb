"""S(Q), F(Q) and G(r) of any program of reduction, the form found by what the file says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.delimited import read_delimited
from vitrolyte.data.io.instruments.text_lines import open_lines
from vitrolyte.data.measurement import Conditions, Measurement
from vitrolyte.data.total_scattering import FORM_UNITS, FORM_WORDS, Form, TotalScattering

Floats = NDArray[np.float64]

_MOST_LINES = 500_000
_FEWEST = 20
_NUMBER = r"([-+]?\d+\.?\d*(?:[eE][-+]?\d+)?)"
_SETTING = re.compile(rf"\b(qmin|qmax|temperature)\s*=\s*{_NUMBER}", re.IGNORECASE)
_RADIATION = re.compile(r"\b(?:mode|stype|scatteringtype)\s*=\s*(\w+)", re.IGNORECASE)
_FORMULA = re.compile(r"\bcomposition\s*=\s*([A-Za-z][\w.()]*)", re.IGNORECASE)
_PROBES = {"xray": "xray", "x": "xray", "neutron": "neutron", "n": "neutron", "sas": ""}
_SUFFIXES: dict[str, Form] = {
    ".mint01": "F(Q)",
    ".int01": "F(Q)",
    ".mdor01": "D(r)",
    ".mgor01": "G(r)",
}
_LABELS: dict[str, Form] = {
    "g(r)": "g(r)",
    "G(r)": "G_PDF(r)",
    "G": "G_PDF(r)",
    "S(Q)": "S(Q)",
    "S(q)": "S(Q)",
    "S": "S(Q)",
    "sofq": "S(Q)",
    "F(Q)": "Qi(Q)",
    "F(q)": "Qi(Q)",
    "F": "Qi(Q)",
    "Q[S(Q)-1]": "Qi(Q)",
    "i(Q)": "i(Q)",
    "S(Q)-1": "i(Q)",
    "D(r)": "D(r)",
    "T(r)": "T(r)",
    "RDF(r)": "RDF(r)",
}
_BY_PDFGET = re.compile(r"pdfget|get_xpdf|pdfsuite|start data", re.IGNORECASE)
_RAW = re.compile(r"2[-_ ]?theta|two[-_ ]?theta|tth\b|\bI\(arb", re.IGNORECASE)


def read_scattering(path: Path, form: str = "") -> tuple[TotalScattering, ...]:
    """Return the total scattering function of a file.

    Parameters
    ----------
    path
        ``.gr``, ``.sq``, ``.fq`` of PDFgetX2, PDFgetX3, PDFgetN and xPDFsuite; Gudrun's columns;
        PyStoG and RMCProfile (a count, a title, columns); any columns of x, y and error.
    form
        ``S``, ``i``, ``F`` (Q[S(Q) - 1] of PDFgetX), ``F-Keen``, ``I``, ``G`` (of PDFgui), ``g``,
        ``G-Keen``, ``D``, ``T``, ``RDF``; empty for what the file says.

    Raises
    ------
    InputError
        If the file is no such table, its form is not said and not stated, or it holds raw
        intensities.
    """
    if form and form not in FORM_WORDS:
        raise InputError(
            f"A form of total scattering is one of {', '.join(FORM_WORDS)}", received=repr(form)
        )
    table = _table(path)
    told = FORM_WORDS[form] if form else None
    found, why = (told, "as stated") if told else _recognised(table, path)
    x, y, error = _columns(table, path.name)
    settings = _settings(table.header)
    axis = Axis("distance", "Å") if found.endswith("(r)") else Axis("scattering vector Q", "1/Å")
    curve = Curve(x, y, axis, Axis(found, FORM_UNITS[found]), y_error=error)
    measurement = Measurement(
        curve,
        Conditions(temperature_K=settings.temperature_K),
        file=path.name,
        format=table.format,
        notes=(f"read as {found}: {why}",),
    )
    in_r = found.endswith("(r)")
    return (
        TotalScattering(
            measurement,
            found,
            probe=settings.probe,
            q_min=settings.q_min if in_r else float(x[0]),
            q_max=settings.q_max if in_r else float(x[-1]),
            composition=settings.composition,
        ),
    )


@dataclass(frozen=True, eq=False)
class _Table:
    header: tuple[str, ...]
    names: tuple[str, ...]
    columns: tuple[Floats, ...]
    format: str


@dataclass(frozen=True)
class _Settings:
    q_min: float | None
    q_max: float | None
    temperature_K: float | None
    probe: str
    composition: str


def _table(path: Path) -> _Table:
    lines = open_lines(path).lines(_MOST_LINES)
    starts = [n for n, line in enumerate(lines[:5000]) if "start data" in line.lower()]
    if starts:
        return _marked(lines, starts[-1], path.name)
    if len(lines) > 2 and re.fullmatch(r"\s*#?\s*\d+\s*", lines[0]):
        return _counted(lines, path.name)
    table = read_delimited(path)
    names = tuple(column.name for column in table.columns)
    return _Table(table.header, names, tuple(c.values for c in table.columns), "columns")


def _marked(lines: list[str], start: int, name: str) -> _Table:
    """Return the table behind the mark that the PDFget family sets."""
    body = lines[start + 1 :]
    labels = [line[2:].split() for line in body if line.startswith("#L")]
    rows = [line for line in body if line.strip() and not line.lstrip().startswith("#")]
    names = tuple(_plain(label) for label in labels[-1]) if labels else ()
    return _Table(
        tuple(lines[: start + 1]) + tuple(body[:20]), names, _numbers(rows, name), "PDFget"
    )


def _counted(lines: list[str], name: str) -> _Table:
    """Return the table of PyStoG and RMCProfile: how many rows, a title, the rows."""
    count = int(lines[0].strip("# \t"))
    rows = [line for line in lines[2:] if line.strip() and not line.lstrip().startswith("#")]
    if len(rows) < count:
        raise InputError(
            f"{name} must hold the {count} rows that it announces",
            received=f"{len(rows)} rows",
            remedy="export it again: the file is cut off",
        )
    return _Table(tuple(lines[:2]), (), _numbers(rows[:count], name), "counted rows")


def _plain(label: str) -> str:
    """Return a label without its unit in TeX; ``G(r)`` stays."""
    unit = re.search(r"\((?:\$?\\?AA?|Å|A\^|\$|1/).*$", label)
    return label[: unit.start()] if unit else label


def _numbers(rows: Sequence[str], name: str) -> tuple[Floats, ...]:
    cells = [row.replace(",", " ").split() for row in rows]
    width = len(cells[0]) if cells else 0
    bad = next((n for n, row in enumerate(cells) if len(row) != width), None)
    if width < 2 or bad is not None:
        raise InputError(
            f"{name} needs rows of at least two numbers, each as long as the first",
            received="none" if bad is None else repr(rows[bad][:60]),
        )
    try:
        values = np.array([[float(cell) for cell in row] for row in cells])
    except ValueError as fault:
        raise InputError(f"{name} needs numbers in its rows", received=str(fault)) from fault
    return tuple(values.T)


def _columns(table: _Table, name: str) -> tuple[Floats, Floats, Floats | None]:
    """Return x, y and the error of y; the third column is it unless there are four."""
    columns = table.columns
    if len(columns) < 2:
        raise InputError(f"{name} needs columns of x and y", received=f"{len(columns)} columns")
    x, y = columns[0], columns[1]
    error = columns[3] if len(columns) >= 4 else columns[2] if len(columns) == 3 else None
    if len(x) < _FEWEST or not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise InputError(
            f"{name} needs at least {_FEWEST} rows of finite numbers", received=f"{len(x)} rows"
        )
    if np.any(np.diff(x) <= 0) or x[0] < 0:
        raise InputError(
            f"{name} needs x that rises from zero or above",
            received=f"{x[0]:g} ... {x[-1]:g}, falling or repeated at "
            f"{int(np.sum(np.diff(x) <= 0))} places",
        )
    if np.abs(y).max() > 1e12 or x[-1] > 1e4:
        raise InputError(f"{name} needs x in Å or 1/Å", received=f"values up to {x[-1]:g}")
    usable = error is not None and np.all(np.isfinite(error)) and np.all(error > 0)
    return x, y, error if usable else None


def _settings(header: Sequence[str]) -> _Settings:
    text = "\n".join(header)
    known = {key.lower(): float(value) for key, value in _SETTING.findall(text)}
    said = _RADIATION.search(text)
    probe = _PROBES.get(said.group(1).lower(), "") if said else ""
    if not probe:
        probe = "neutron" if "PDFgetN" in text else "xray" if "Get_XPDF" in text else ""
    formula = _FORMULA.search(text)
    warm = known.get("temperature", 0.0)
    return _Settings(
        known.get("qmin") or None,
        known.get("qmax") or None,
        warm if 0.0 < warm < 5000.0 else None,
        probe,
        formula.group(1) if formula else "",
    )


def _recognised(table: _Table, path: Path) -> tuple[Form, str]:
    """Return the form that a file says, or shows without doubt."""
    text = "\n".join(table.header)
    suffix = path.suffix.lower()
    if _RAW.search(text) or suffix in (".chi", ".xye", ".xy", ".iq"):
        raise InputError(
            f"{path.name} needs a normalised function: S(Q), F(Q) or G(r)",
            received="an intensity as measured",
            remedy="correct and normalise it (PDFgetX3, Gudrun …), or state --form if it is one",
        )
    label = table.names[1] if len(table.names) > 1 else ""
    family = bool(_BY_PDFGET.search(text))
    # G and F mean other things in other programs: there the user has to say.
    if label in _LABELS and (family or label[0] not in "GF"):
        return _LABELS[label], f"its column is called {label}"
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix], f"the suffix {suffix} of Gudrun"
    if family and suffix in (".gr", ".sq", ".fq"):
        form: Form = {".gr": "G_PDF(r)", ".sq": "S(Q)", ".fq": "Qi(Q)"}[suffix]  # type: ignore[assignment]
        return form, "a file of the PDFget family"
    return _shown(table, path)


def _shown(table: _Table, path: Path) -> tuple[Form, str]:
    y = table.columns[1] if len(table.columns) > 1 else np.zeros(1)
    level = float(np.mean(y[int(0.7 * len(y)) :]))
    if abs(level - 1.0) < 0.1 and path.suffix.lower() in (".sq", ".soq"):
        return "S(Q)", "it tends to 1"
    if abs(level - 1.0) < 0.1 and path.suffix.lower() in (".gr", ".rdf", ".gofr"):
        return "g(r)", "it tends to 1"
    raise InputError(
        f"{path.name} has to say which function it holds",
        received=f"columns without such names, tending to {level:.3g}",
        remedy="give --form S, i, F (Q[S-1]), I, G (4 pi r rho0 [g-1]), g, D, T, G-Keen or F-Keen",
    )
