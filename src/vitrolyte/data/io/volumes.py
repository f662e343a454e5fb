"""Fields on a grid as files: Gaussian cube (in Bohr) and CCP4/MRC maps, both read by VESTA."""

from __future__ import annotations

import contextlib
import math
import os
import tempfile
from pathlib import Path

import numpy as np
from ase.data import chemical_symbols
from ase.geometry import cell_to_cellpar, cellpar_to_cell
from numpy.typing import NDArray

from vitrolyte.data.elements import atomic_number
from vitrolyte.data.errors import InputError
from vitrolyte.data.io.files import read_text, storage, write_text
from vitrolyte.data.volume import Volume

Floats = NDArray[np.float64]

BOHR_A = 0.529177210544
"""Bohr radius, Å (CODATA 2022)."""

_PER_A3, _PER_BOHR3 = "1/Å³", "1/Bohr³"
_MARK = "vitrolyte field in "
_HEADER_BYTES = 1024
_FLOAT_MODE = 2
_MOST_VALUES = 10**9


def cube_text(volume: Volume, *, most_points: int | None = None) -> str:
    """Return a field as the text of a Gaussian cube file.

    Lengths are in Bohr, as the format wants, and so is a density: 1/Å³ becomes 1/Bohr³. Other
    units stay. The unit of the values stands in the first line. Infinite values (a free energy
    where no ion came) are written as the largest finite one.

    Parameters
    ----------
    volume
        The field; its atoms are written too.
    most_points
        Average down to at most so many points, for a page; None for all.
    """
    shown = volume if most_points is None else volume.coarse(most_points)
    values, unit = shown.values, shown.unit
    if unit == _PER_A3:
        values, unit = values * BOHR_A**3, _PER_BOHR3
    lines = [f"{_MARK}{unit}", shown.name or "field", f"{len(shown.species):5d}" + _triple(0, 0, 0)]
    for count, vector in zip(shown.shape, shown.cell):
        lines.append(f"{count:5d}" + _triple(*(vector / (count * BOHR_A))))
    for element, place in zip(shown.species, shown.positions):
        number = atomic_number(element)
        lines.append(f"{number:5d}{float(number):12.6f}" + _triple(*(place / BOHR_A)))
    finite = values[np.isfinite(values)]
    filled = np.where(np.isfinite(values), values, finite.max() if len(finite) else 0.0)
    for row in filled.reshape(-1, shown.shape[2]):
        words = [f"{value:13.5E}" for value in row]
        lines += ["".join(words[start : start + 6]) for start in range(0, len(words), 6)]
    return "\n".join(lines) + "\n"


def _triple(x: float, y: float, z: float) -> str:
    return f"{x:14.8f}{y:14.8f}{z:14.8f}"


def write_cube(path: Path, volume: Volume) -> None:
    """Write a field as a Gaussian cube file; see `cube_text`.

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    write_text(path, cube_text(volume))


def read_cube(path: Path) -> Volume:
    """Return the field of a cube file; a density in 1/Bohr³ comes back in 1/Å³.

    The unit of the values is known where this package wrote the file, else it is left empty.

    Raises
    ------
    InputError
        If the file is missing, truncated, holds several fields, or its grid does not start at
        the origin.
    """
    lines = read_text(path).splitlines()
    try:
        return _cube(lines)
    except (ValueError, IndexError) as fault:
        raise InputError(f"{path} must be a Gaussian cube file", received=str(fault)) from fault


def _cube(lines: list[str]) -> Volume:
    head = lines[2].split()
    n_atoms = int(head[0])
    if n_atoms < 0 or any(abs(float(word)) > 1e-6 for word in head[1:4]):
        raise ValueError("several fields in one file, or a grid that does not start at the origin")
    rows = [line.split() for line in lines[3:6]]
    counts = [abs(int(row[0])) for row in rows]
    # A negative count says that the lengths are in Å.
    lengths = [1.0 if int(row[0]) < 0 else BOHR_A for row in rows]
    cell = np.array(
        [
            [float(word) * count * length for word in row[1:4]]
            for row, count, length in zip(rows, counts, lengths)
        ]
    )
    atoms = [line.split() for line in lines[6 : 6 + n_atoms]]
    values = np.array(" ".join(lines[6 + n_atoms :]).split(), dtype=float)
    if len(values) != math.prod(counts):
        raise ValueError(f"{len(values)} values for {math.prod(counts)} points")
    unit = lines[0].removeprefix(_MARK) if lines[0].startswith(_MARK) else ""
    factor = BOHR_A**-3 if unit == _PER_BOHR3 else 1.0
    return Volume(
        values=values.reshape(counts) * factor,
        cell=cell,
        name=lines[1].strip(),
        unit=_PER_A3 if unit == _PER_BOHR3 else unit,
        species=tuple(chemical_symbols[int(atom[0])] for atom in atoms),
        positions=np.array([[float(w) * lengths[0] for w in atom[2:5]] for atom in atoms]).reshape(
            -1, 3
        ),
    )


def write_map(path: Path, volume: Volume) -> None:
    """Write a field as a CCP4 (MRC 2014) map in single precision, for VESTA and Coot.

    The format knows the lengths and angles of the cell only: the first vector lies along x and
    the second in the xy plane, whatever they did before. Values keep their unit. Atoms are not
    written. Infinite values are written as the largest finite one.

    Raises
    ------
    StorageError
        If the file cannot be written.
    InputError
        If the cell vectors are left-handed, which lengths and angles cannot say.

    References
    ----------
    Cheng et al., J. Struct. Biol. 192, 146 (2015), doi:10.1016/j.jsb.2015.04.002.
    """
    if np.linalg.det(volume.cell) < 0:
        raise InputError(
            "A CCP4 map needs right-handed cell vectors",
            received="left-handed ones",
            remedy="write a cube file, or exchange two cell vectors",
        )
    finite = volume.values[np.isfinite(volume.values)]
    filled = np.where(np.isfinite(volume.values), volume.values, finite.max() if len(finite) else 0)
    # Columns run fastest and are the first axis: Fortran order.
    data = np.asarray(filled, dtype="<f4").tobytes(order="F")
    _write_bytes(path, _map_header(volume, filled) + data)


def _map_header(volume: Volume, values: Floats) -> bytes:
    words = np.zeros(_HEADER_BYTES // 4, dtype="<i4")
    reals = words.view("<f4")
    words[0:3] = volume.shape
    words[3] = _FLOAT_MODE
    words[7:10] = volume.shape
    reals[10:16] = cell_to_cellpar(volume.cell)
    words[16:19] = (1, 2, 3)
    reals[19:22] = (values.min(), values.max(), values.mean())
    words[22] = 1
    words[27] = 20140
    header = bytearray(words.tobytes())
    header[208:212] = b"MAP "
    header[212:216] = b"\x44\x44\x00\x00"
    header[216:220] = np.float32(values.std()).tobytes()
    label = f"{volume.name} {volume.unit}".encode("ascii", "replace")[:80]
    header[220:224] = np.int32(1).tobytes()
    header[224 : 224 + len(label)] = label
    return bytes(header)


def read_map(path: Path) -> Volume:
    """Return the field of a CCP4 or MRC map that fills one cell, with axes in any order.

    Raises
    ------
    InputError
        If the file is missing, truncated, not of single precision, or only part of a cell.
    """
    try:
        raw = path.read_bytes()
    except OSError as fault:
        raise InputError(f"A map is needed at {path}", received=str(fault)) from fault
    if len(raw) < _HEADER_BYTES or raw[208:212] != b"MAP ":
        raise InputError(f"{path} must be a CCP4 map", received="no mark MAP in its header")
    order = ">" if raw[212:213] == b"\x11" else "<"
    words = np.frombuffer(raw[:_HEADER_BYTES], dtype=f"{order}i4")
    counts, extra = [int(n) for n in words[0:3]], int(words[23])
    axes = [int(axis) - 1 for axis in words[16:19]]
    whole = sorted(axes) == [0, 1, 2] and all(int(n) == 0 for n in words[4:7])
    whole = whole and [int(words[7 + axis]) for axis in axes] == counts
    size = math.prod(counts) if min(counts) > 0 else 0
    start = _HEADER_BYTES + max(0, extra)
    if int(words[3]) != _FLOAT_MODE or not whole or not 0 < size < _MOST_VALUES:
        raise InputError(
            f"{path} must hold one whole cell in single precision, from its origin",
            received=f"mode {int(words[3])}, counts {counts} of {words[7:10].tolist()}",
        )
    if len(raw) < start + 4 * size:
        raise InputError(f"{path} must be complete", received=f"{len(raw)} bytes")
    stored = np.frombuffer(raw, dtype=f"{order}f4", count=size, offset=start)
    values = stored.reshape(counts, order="F").transpose(np.argsort(axes))
    lengths = np.frombuffer(raw[40:64], dtype=f"{order}f4").astype(float)
    return Volume(
        values=np.ascontiguousarray(values, dtype=float),
        cell=np.asarray(cellpar_to_cell(lengths), dtype=float),
        name=raw[224:304].split(b"\x00")[0].decode("ascii", "replace").strip(),
        unit="",
        species=(),
        positions=np.zeros((0, 3)),
    )


def _write_bytes(path: Path, data: bytes) -> None:
    with storage(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
