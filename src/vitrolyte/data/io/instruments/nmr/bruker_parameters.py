"""Parameter files of Bruker spectrometers: ``##$NAME= value`` and lists."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vitrolyte.data.errors import InputError

_LARGEST = 4 * 2**20
_LINE = re.compile(r"^##\$?([^=]+)=\s*(.*)$")
_LIST = re.compile(r"^\(0\.\.(\d+)\)\s*(.*)$", re.DOTALL)


@dataclass(frozen=True, eq=False)
class Parameters:
    """The parameters of one file.

    Attributes
    ----------
    values
        Text of each, by name in capitals.
    file
        Where they are from.
    """

    values: Mapping[str, str]
    file: str

    def text(self, name: str) -> str:
        """Return a word without its brackets; empty where there is none."""
        return self.values.get(name, "").strip().strip("<>").strip()

    def known(self, name: str) -> float | None:
        """Return a finite number, or None where there is none."""
        try:
            value = float(self.text(name))
        except ValueError:
            return None
        return value if math.isfinite(value) else None

    def number(self, name: str) -> float:
        """Return a number that the file must have.

        Raises
        ------
        InputError
            If it has none.
        """
        found = self.known(name)
        if found is None:
            raise InputError(
                f"{self.file} must state {name} as a finite number",
                received=repr(self.text(name)) if name in self.values else "nothing",
            )
        return found

    def listed(self, name: str, place: int) -> float | None:
        """Return one number of a list, from 0; None where there is none."""
        found = _LIST.match(self.values.get(name, ""))
        if found is None:
            return None
        words = found.group(2).split()
        try:
            return float(words[place])
        except (IndexError, ValueError):
            return None


def read_parameters(path: Path) -> Parameters:
    """Return the parameters of ``acqus``, ``acqu2s`` or ``procs``.

    Raises
    ------
    InputError
        If the file is missing, too large, or no such file.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(
                f"A file of parameters has less than 4 MiB ({path})",
                received=f"{path.stat().st_size} bytes",
            )
        text = path.read_text(encoding="latin-1")
    except OSError as fault:
        raise InputError(
            f"The parameters of the spectrum must lie beside it, in {path}",
            received=fault.strerror or str(fault),
            remedy="copy the whole folder of the experiment",
        ) from fault
    values: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        found = _LINE.match(line)
        if found:
            name = found.group(1).strip().upper()
            values[name] = found.group(2)
        elif name and not line.startswith("$$"):
            values[name] += " " + line
    if not values:
        raise InputError(f"{path} must hold lines '##$NAME= value'", received="none")
    return Parameters(values, str(path))
