"""Structures from files that crystallographers exchange."""

from __future__ import annotations

import warnings
from pathlib import Path

import ase.io
from ase import Atoms

from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory, from_ase

_UNSAFE = frozenset({".pkl", ".pickle", ".py", ".db", ".json"})
"""Formats that can carry code or queries; not read from foreign files."""


def read_structure(path: Path) -> Trajectory:
    """Return the last structure of a file: CIF, POSCAR, extended XYZ and what else ASE reads.

    Raises
    ------
    InputError
        If the file is missing or unreadable, or holds no periodic structure.
    """
    if not path.is_file():
        raise InputError(f"A structure file is needed at {path}", received="no such file")
    if path.suffix.lower() in _UNSAFE:
        raise InputError(
            "A structure file must be of a plain format",
            received=path.name,
            remedy="convert it to CIF, POSCAR or extended XYZ",
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = ase.io.read(str(path), index=-1)
    except Exception as fault:  # each of ASE's readers fails in a way of its own
        raise InputError(
            f"{path} must be a structure file that can be read",
            received=f"{type(fault).__name__}: {fault}",
            remedy="check the file, or convert it to CIF, POSCAR or extended XYZ",
        ) from fault
    if not isinstance(found, Atoms) or len(found) == 0:
        raise InputError(f"{path} must hold a structure with atoms", received="none")
    return from_ase(found)
