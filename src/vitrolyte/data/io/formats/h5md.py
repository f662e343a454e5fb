"""H5MD, version 1 (https://www.nongnu.org/h5md/h5md.html)."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError, MissingExtra
from vitrolyte.data.io.formats import hdf5_probe
from vitrolyte.data.io.formats.naming import elements_of
from vitrolyte.data.io.formats.options import ReadOptions
from vitrolyte.data.io.formats.source import (
    BOHR_TO_A,
    LENGTH_A,
    NM_TO_A,
    TIME_PS,
    VELOCITY_A_PER_PS,
    Block,
    Clock,
    Source,
    cell_from_numbers,
    check_count,
    scaled,
)

Floats = NDArray[np.float64]

_UNITS: Mapping[str, float] = {
    "angstrom": 1.0,
    "angstroms": 1.0,
    "a": 1.0,
    "å": 1.0,
    "nm": NM_TO_A,
    "pm": 1e-2,
    "bohr": BOHR_TO_A,
    "m": 1e10,
    "ps": 1.0,
    "fs": 1e-3,
    "ns": 1e3,
    "us": 1e6,
    "s": 1e12,
}
_MOST_PACKED = 1000
_CHUNK = 64


LONGEST_LOOK_S = 30.0


def _require_h5py() -> None:
    if importlib.util.find_spec("h5py") is None:
        raise MissingExtra(
            "H5MD files are read by h5py",
            received="it is not installed",
            remedy="pip install 'vitrolyte[formats]'",
        )


def _require_sound(path: Path) -> None:
    """See that the HDF5 library comes to an end in a file; a damaged one may hold it for ever."""
    command = [sys.executable, str(Path(hdf5_probe.__file__)), str(path)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=LONGEST_LOOK_S, check=False)
        fault = f"the HDF5 library died in it (signal {-done.returncode})"
    except subprocess.TimeoutExpired:
        fault = f"the HDF5 library found no end to it in {LONGEST_LOOK_S:g} s"
    else:
        if done.returncode >= 0:
            return  # whatever else is wrong is said in words when it is opened here
    raise InputError(f"{path} must be a whole H5MD file", received=fault)


@contextlib.contextmanager
def _file(path: Path) -> Iterator[Any]:
    """Open an HDF5 file, and turn what is wrong with it into one message."""
    import h5py

    try:
        with h5py.File(path, "r") as opened:
            yield opened
    except InputError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError) as fault:
        raise InputError(
            f"{path} must be a whole H5MD file", received=f"{type(fault).__name__}: {fault}"
        ) from fault


def open_h5md(path: Path, options: ReadOptions, species: tuple[str, ...] = ()) -> Source:
    """Return an H5MD file; species from the file, or from a topology.

    Raises
    ------
    InputError
        If atoms, cell or units are missing, or the file is damaged.
    MissingExtra
        If h5py is not installed.
    """
    _require_h5py()
    _require_sound(path)
    with _file(path) as opened:
        name = _group(opened, path)
        group = opened["particles"][name]
        n, n_atoms = _shape(group["position"]["value"])
        if species:
            check_count(n_atoms, species, path.name)
            named: tuple[str, ...] = ()
        else:
            species, named = elements_of(_labels(group, n_atoms), options.elements)
        length, about_length = _length(group, options)
        clock, about_time = _clock(group, n, options)
        speed, about_speed = _speed(group, options)
        cells = _cells(group, n, options, length)
        images = "image" in group
    return Source(
        format="h5md",
        species=species,
        cells=cells,
        clock=clock,
        read=_Reader(path, name, length, speed),
        unwrapped="image flags" if images else "",
        velocities=speed > 0,
        notes=(*named, *about_length, *about_time, *about_speed),
    )


def _group(opened: Any, path: Path) -> str:
    groups = [name for name, g in opened.get("particles", {}).items() if "position/value" in g]
    if len(groups) != 1:
        raise InputError(
            f"{path} must have one group of particles with positions",
            received=", ".join(groups) or "none",
        )
    return str(groups[0])


def _shape(values: Any) -> tuple[int, int]:
    shape = values.shape
    if len(shape) != 3 or shape[2] != 3 or 0 in shape:
        raise InputError("Positions must be (frames, atoms, 3)", received=str(shape))
    # a set that states more than it stores would be filled up in memory
    if values.nbytes > _MOST_PACKED * max(values.id.get_storage_size(), 1):
        raise InputError(
            "Positions must be stored", received=f"{shape} in {values.id.get_storage_size()} bytes"
        )
    return int(shape[0]), int(shape[1])


def _labels(group: Any, n_atoms: int) -> list[str]:
    if "species" not in group:
        raise InputError("An H5MD file names its species", received="none", remedy="give topology")
    found = group["species"]
    values = found["value"] if hasattr(found, "keys") else found
    table = np.asarray(values[0] if values.ndim == 2 else values[:])
    if table.shape != (n_atoms,):
        raise InputError("Each atom needs a species", received=f"species {values.shape}")
    for start in range(0, len(values) if values.ndim == 2 else 0, _CHUNK):
        if (np.asarray(values[start : start + _CHUNK]) != table).any():
            raise InputError(
                "All frames must have the same atoms in the same order",
                received=f"other species near frame {start}",
            )
    return _names(values, table)


def _names(values: Any, table: NDArray[Any]) -> list[str]:
    import h5py

    enumeration = h5py.check_enum_dtype(values.dtype)
    if enumeration:
        names = {number: name for name, number in enumeration.items()}
        return [names.get(number, str(number)) for number in table.tolist()]
    return [
        item.decode(errors="replace") if isinstance(item, bytes) else str(item)
        for item in table.tolist()
    ]


def _unit(values: Any) -> float | None:
    """Return the factor that a unit attribute such as ``nm ps-1`` means, or None."""
    text = values.attrs.get("unit")
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    if not isinstance(text, str):
        return None
    factor = 1.0
    for part in text.replace("*", " ").replace("/", " / ").split():
        match = re.fullmatch(r"([^\W\d]+)\^?(-?\d+|\+\d+)?", part)
        if part == "/" or match is None or match[1].lower() not in _UNITS:
            raise InputError("Units must be known", received=repr(text[:40]))
        factor *= _UNITS[match[1].lower()] ** int(match[2] or 1)
    return factor


def _length(group: Any, options: ReadOptions) -> tuple[float, tuple[str, ...]]:
    stated = _unit(group["position"]["value"])
    if stated is not None:
        return stated, ()
    if options.length_unit is not None:
        return LENGTH_A[options.length_unit], ()
    return 1.0, ("the unit of length is not stated; Å is taken, length_unit changes it",)


def _clock(group: Any, n: int, options: ReadOptions) -> tuple[Clock, tuple[str, ...]]:
    position = group["position"]
    steps = _series(position.get("step"), n)
    counted = None if steps is None else np.round(steps).astype(np.int64)
    times = _series(position.get("time"), n)
    if times is None:
        return Clock(steps=counted), ()
    stated = _unit(position["time"])
    unit = stated or TIME_PS[options.time_unit or "ps"]
    assumed = stated is None and options.time_unit is None
    note = "the unit of time is not stated; ps is taken, time_unit='fs' changes it"
    return Clock(times * unit, counted, "the file"), (note,) if assumed else ()


def _series(values: Any, n: int) -> Floats | None:
    """Return a step or time for each frame; one number is the distance of frames."""
    if values is None:
        return None
    found = np.asarray(values[()], dtype=float)
    if found.ndim == 0:
        return float(values.attrs.get("offset", 0.0)) + float(found) * np.arange(float(n))
    if found.shape != (n,) or not np.isfinite(found).all():
        raise InputError("Each frame needs one step and time", received=f"{found.shape} of {n}")
    return found


def _speed(group: Any, options: ReadOptions) -> tuple[float, tuple[str, ...]]:
    """Return the factor of velocities, 0 where there are none that can be used."""
    if "velocity/value" not in group:
        return 0.0, ()
    if group["velocity/value"].shape != group["position/value"].shape:
        return 0.0, ("velocities are left out: they are not given for all frames",)
    stated = _unit(group["velocity/value"])
    if stated is None and options.velocity_unit is not None:
        stated = VELOCITY_A_PER_PS[options.velocity_unit]
    if stated is None:
        return 0.0, ("the unit of velocities is not stated, so they are left out",)
    return stated, ()


def _cells(group: Any, n: int, options: ReadOptions, length: float) -> Floats:
    edges = group["box/edges"] if "box" in group and "edges" in group["box"] else None
    if edges is None:
        if options.cell is None:
            raise InputError("An H5MD file needs box edges", received="none", remedy="give cell")
        return np.broadcast_to(cell_from_numbers(options.cell), (n, 3, 3))
    timed = hasattr(edges, "keys")
    values = np.asarray(edges["value"][:] if timed else edges[()], dtype=float)
    if not timed:
        values = values[None]
    if values.shape[1:] == (3,):
        values = values[:, None, :] * np.eye(3)
    if values.shape not in ((1, 3, 3), (n, 3, 3)):
        raise InputError("Each frame needs one cell", received=f"{values.shape} of {n} frames")
    return scaled(np.broadcast_to(values, (n, 3, 3)) if len(values) == 1 else values, length)


@final
@dataclass(frozen=True, eq=False)
class _Reader:
    path: Path
    group: str
    length: float
    speed: float

    def __call__(self, start: int, stop: int) -> Block:
        with _file(self.path) as opened:
            group = opened["particles"][self.group]
            positions = np.asarray(group["position/value"][start:stop], float) * self.length
            images = speeds = None
            if "image" in group:
                images = np.asarray(group["image/value"][start:stop], dtype=np.int32)
            if self.speed:
                speeds = np.asarray(group["velocity/value"][start:stop], float) * self.speed
        return Block(positions, images, speeds)
