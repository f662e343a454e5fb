"""Structures that other readers read for us: CIF by ASE, and our own store of trajectories."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.chunks import open_trajectory
from vitrolyte.data.io.formats.detection import first_bytes
from vitrolyte.data.io.formats.naming import elements_of
from vitrolyte.data.io.formats.options import ReadOptions
from vitrolyte.data.io.formats.source import Block, Clock, Source
from vitrolyte.data.trajectory import Trajectory

_LARGEST_CIF = 256 * 2**20


def open_cif(path: Path, options: ReadOptions) -> Source:
    """Return the structure of a CIF, its symmetry worked out.

    Raises
    ------
    InputError
        If it cannot be read, holds several structures, or sites are occupied in part.
    """
    first_bytes(path)
    if path.stat().st_size > _LARGEST_CIF:
        raise InputError("A CIF must be of sensible size", received=f"{path.stat().st_size} bytes")
    found = _structures(path)
    if len(found) != 1:
        raise InputError(f"{path} must hold one structure", received=str(len(found)))
    atoms = found[0]
    _refuse_part_occupation(atoms.info.get("occupancy"))
    species, notes = elements_of(atoms.get_chemical_symbols(), options.elements)
    block = Block(np.array(atoms.positions, dtype=float)[None])
    return Source(
        format="cif",
        species=species,
        cells=np.array(atoms.cell.array, dtype=float)[None],
        clock=Clock(),
        read=lambda start, stop: block,  # noqa: ARG005
        notes=notes,
    )


def _structures(path: Path) -> list[Any]:
    import ase.io

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = ase.io.read(str(path), index=":", format="cif")
    except Exception as fault:  # the reader fails in many ways of its own
        raise InputError(
            f"{path} must be a CIF that can be read", received=f"{type(fault).__name__}: {fault}"
        ) from fault
    return list(found)


def _refuse_part_occupation(occupancy: Any) -> None:
    try:
        shares = [float(n) for site in (occupancy or {}).values() for n in site.values()]
    except ValueError as fault:
        raise InputError("Occupancies must be numbers", received=str(fault)) from fault
    mixed = any(len(site) > 1 for site in (occupancy or {}).values())
    if mixed or any(abs(share - 1) > 1e-3 for share in shares):
        raise InputError(
            "Every site of a structure must be filled by one element",
            received=f"occupancies {sorted({round(share, 3) for share in shares})[:9]}",
            remedy="order the structure first, as by an ordered supercell",
        )


def open_store(path: Path, options: ReadOptions) -> Source:  # noqa: ARG001
    """Return a trajectory of our own store, unwrapped already.

    Raises
    ------
    InputError
        If there is none.
    """
    trajectory = open_trajectory(path)
    return Source(
        format="zarr",
        species=trajectory.species,
        cells=trajectory.cells,
        clock=Clock(times=trajectory.times, source="the store"),
        read=_StoreReader(trajectory),
        unwrapped="the store",
        velocities=trajectory.velocities is not None,
    )


@final
@dataclass(frozen=True, eq=False)
class _StoreReader:
    trajectory: Trajectory

    def __call__(self, start: int, stop: int) -> Block:
        frames = self.trajectory.read(start, stop)
        return Block(frames.positions, velocities=frames.velocities)
