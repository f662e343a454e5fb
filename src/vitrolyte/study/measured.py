"""The `[[measured]]` section of a study: steps that fit files of instruments."""

from __future__ import annotations

import difflib
import glob
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vitrolyte.data.errors import InputError

Plain = Mapping[str, Any]

RECIPES: Mapping[str, str] = {
    "eis": "eis",
    "dc": "dc",
    "arrhenius": "arrhenius-fit",
    "slr": "slr",
    "lineshape": "lineshape",
    "dsc": "dsc",
    "xrd": "xrd",
    "exafs": "exafs-fit",
    "pdf": "pdf",
    "density": "density-fit",
    "raman": "raman",
    "cycling": "cycling",
}
"""The recipe that fits each kind of measurement."""

UNNAMED = "not stated"
"""Formula of a sample that nobody named."""


def recipe_of(kind: str) -> str:
    """Return the name of the recipe that fits a kind of measurement.

    Raises
    ------
    InputError
        If there is no such kind.
    """
    if kind not in RECIPES:
        near = difflib.get_close_matches(kind, RECIPES, n=1)
        raise InputError(
            f"The kinds of measurement are {', '.join(RECIPES)}",
            received=repr(kind),
            remedy=f"did you mean {near[0]!r}?" if near else "",
        )
    return RECIPES[kind]


def measured_steps(entries: Sequence[Plain], folder: Path) -> dict[str, Plain]:
    """Return the steps of the entries of a `[[measured]]` section.

    Each entry has a ``kind``, its ``files`` (names or patterns, beside the study file) and the
    settings of that kind; ``name`` is the name of its step, by default that of its kind.

    Raises
    ------
    InputError
        If an entry has no known kind, no files, or the name of another.
    """
    steps: dict[str, Plain] = {}
    for number, entry in enumerate(entries, 1):
        where = f"measured, entry {number}"
        if not isinstance(entry, Mapping) or not isinstance(entry.get("kind"), str):
            raise InputError(f"{where}: the setting 'kind' is required", received="nothing")
        name = str(entry.get("name", _free(str(entry["kind"]), steps)))
        if name in steps:
            raise InputError(f"{where}: each entry needs a name of its own", received=repr(name))
        rest = {key: value for key, value in entry.items() if key not in ("kind", "name", "files")}
        files = [str(path) for path in _found(entry.get("files"), folder, where)]
        steps[name] = {"recipe": recipe_of(entry["kind"]), "files": files, **rest}
    return steps


def _free(kind: str, taken: Iterable[str]) -> str:
    names = (f"{kind}-{number}" if number > 1 else kind for number in range(1, 10_000))
    return next(name for name in names if name not in taken)


def _found(patterns: Any, folder: Path, where: str) -> list[Path]:
    """Return the files of patterns, each pattern's in the order of their names."""
    listed = [patterns] if isinstance(patterns, str) else patterns
    if not isinstance(listed, list | tuple) or not listed:
        raise InputError(f"{where}: the setting 'files' is required", received=repr(patterns))
    files: list[Path] = []
    for pattern in listed:
        path = folder / str(pattern)
        matches = [path] if path.exists() else sorted(map(Path, glob.glob(str(path))))
        if not matches:
            raise InputError(
                f"{where}: files are named as they lie beside the study file",
                received=f"none at {path}",
            )
        files += matches
    return files
