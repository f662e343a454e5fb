"""Any trajectory in: the one door for atoms that other programs wrote."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.elements import masses
from vitrolyte.data.errors import InputError
from vitrolyte.data.io.formats.ase_trajectory import open_ase_trajectory
from vitrolyte.data.io.formats.dcd import open_dcd
from vitrolyte.data.io.formats.detection import detect, first_bytes
from vitrolyte.data.io.formats.extxyz import open_extxyz
from vitrolyte.data.io.formats.h5md import open_h5md
from vitrolyte.data.io.formats.lammps_dump import open_lammps_dump
from vitrolyte.data.io.formats.lammps_structure import open_lammps_data
from vitrolyte.data.io.formats.options import NOT_UNWRAPPED, Format, ReadOptions, ReadReport
from vitrolyte.data.io.formats.poscar import open_poscar
from vitrolyte.data.io.formats.rmc6f import open_rmc6f
from vitrolyte.data.io.formats.source import Source, check_cells, frame_times
from vitrolyte.data.io.formats.stored import open_cif, open_store
from vitrolyte.data.io.formats.streaming import (
    Blocks,
    Chosen,
    FilePositions,
    FileVelocities,
    UnwrappedPositions,
)
from vitrolyte.data.io.formats.topology import TOPOLOGIES, topology_species
from vitrolyte.data.io.formats.trr import open_trr
from vitrolyte.data.io.formats.vasprun import open_vasprun
from vitrolyte.data.io.formats.xdatcar import open_xdatcar
from vitrolyte.data.io.formats.xtc import open_xtc
from vitrolyte.data.trajectory import FrameArray, Trajectory
from vitrolyte.data.units import BOLTZMANN_EV_PER_K

__all__ = ["ReadOptions", "ReadReport", "read_trajectory"]

Floats = NDArray[np.float64]
Opener = Callable[[Path, ReadOptions], Source]
BareOpener = Callable[[Path, ReadOptions, tuple[str, ...]], Source]

_OPENERS: Mapping[Format, Opener] = MappingProxyType(
    {
        "extxyz": open_extxyz,
        "lammps-dump": open_lammps_dump,
        "lammps-data": open_lammps_data,
        "poscar": open_poscar,
        "xdatcar": open_xdatcar,
        "vasprun": open_vasprun,
        "cif": open_cif,
        "ase-traj": open_ase_trajectory,
        "h5md": open_h5md,
        "rmc6f": open_rmc6f,
        "zarr": open_store,
    }
)
_BARE_OPENERS: Mapping[Format, BareOpener] = MappingProxyType(
    {"dcd": open_dcd, "xtc": open_xtc, "trr": open_trr, "h5md": open_h5md}
)
"""Formats whose species come from a topology; H5MD only where it has none of its own."""

_ANY_CELL = (1e3, 1e3, 1e3)
"""Of a topology only the species are used."""

_ENERGY_EV = 1.0364269656262175e-4
"""u Å²/ps² in eV: 1.66053906660e-27 kg 1e4 m²/s² / 1.602176634e-19 J."""


def read_trajectory(
    path: Path, options: ReadOptions | None = None
) -> tuple[Trajectory, ReadReport]:
    """Return atoms in time from a file of any known format, and how they were read.

    Positions are handed on unwrapped: by image flags or unwrapped columns where the file has
    them, otherwise by the nearest image from frame to frame, for which the file is read through
    once. Frames stay in the file until they are asked for.

    Parameters
    ----------
    path
        The file, or the folder of a stored trajectory.
    options
        What the file leaves open.

    Raises
    ------
    InputError
        If the file is missing, of unknown format or damaged, or if what it leaves open is not
        given; the message says which option does.
    """
    asked = options or ReadOptions()
    path = Path(path)
    name = asked.format
    if name is None:
        name = detect(path)
    elif not path.is_dir():
        first_bytes(path)
    return _hand_on(path, _open(path, name, replace(asked, format=name)), asked)


def _open(path: Path, name: Format, options: ReadOptions) -> Source:
    bare = name in _BARE_OPENERS and (name != "h5md" or options.topology is not None)
    species = _species(path, options) if bare else ()
    try:
        # what is no number or too large is refused further on, by its frame and atom
        with np.errstate(over="ignore", invalid="ignore"):
            if bare:
                return _BARE_OPENERS[name](path, options, species)
            return _OPENERS[name](path, options)
    except (OSError, MemoryError) as fault:
        raise InputError(f"{path} must be readable", received=str(fault) or "too large") from fault


def _hand_on(path: Path, source: Source, options: ReadOptions) -> tuple[Trajectory, ReadReport]:
    n = len(source.cells)
    check_cells(source.cells)
    chosen = range(n)[options.start : options.stop : options.every]
    if not chosen:
        raise InputError(
            "The chosen frames must be in the file",
            received=f"start={options.start}, stop={options.stop} of {n} frames",
        )
    times, time_source, timed = frame_times(source.clock, n, options)
    blocks = Blocks(source)
    positions, about = _positions(blocks, source, chosen, options)
    speeds = Chosen(FileVelocities(blocks), chosen) if source.velocities else None
    part = slice(chosen.start, chosen.stop, chosen.step)
    cells = source.cells[part]
    trajectory = Trajectory(source.species, times[part], cells, Chosen(positions, chosen), speeds)
    blocks.read(chosen[0], chosen[0] + 1)  # a fault of the first frame is told now
    report = replace(
        about,
        path=path,
        n_frames=len(chosen),
        time_source=time_source,
        timed=timed,
        notes=(*source.notes, *about.notes, *_doubts(trajectory)),
    )
    return trajectory, report


def _positions(
    blocks: Blocks, source: Source, chosen: range, options: ReadOptions
) -> tuple[FrameArray, ReadReport]:
    """Return unwrapped positions of all frames and the part of the report on unwrapping."""
    last = chosen[-1] + 1
    alone = last - chosen.start == 1
    done = source.unwrapped or ("one frame" if alone else "" if options.unwrap else NOT_UNWRAPPED)
    about = ReadReport(
        path=Path(),
        format=source.format,
        n_frames=0,
        n_atoms=len(source.species),
        wrapped=None,
        unwrapping=done,
        ambiguous_fraction=0.0,
        time_source="",
        timed=False,
        notes=(),
    )
    if done:
        return FilePositions(blocks), about
    unwrapped = UnwrappedPositions(blocks, chosen.start, last)
    found = unwrapped.survey()
    share = found.ambiguous / found.steps
    note = (
        f"{found.ambiguous} of {found.steps} displacements between frames came near half a cell "
        "edge: frames are too far apart for the nearest image; no displacement can be trusted"
    )
    return unwrapped, replace(
        about,
        wrapped=found.crossings > 0,
        unwrapping="nearest image from frame to frame" if found.crossings else "not wrapped",
        ambiguous_fraction=share,
        notes=(note,) if found.ambiguous else (),
    )


def _doubts(trajectory: Trajectory) -> tuple[str, ...]:
    """Return what looks like a wrong unit: an impossible density or temperature."""
    notes = []
    crowd = trajectory.n_atoms / float(trajectory.frame(0).volumes[0])
    if not 1e-3 < crowd < 0.5:
        notes.append(f"there are {crowd:.2g} atoms in each Å³: check the unit of length")
    frame = trajectory.read(0, 1)
    if frame.velocities is not None and trajectory.n_atoms > 1:
        energy = _ENERGY_EV * (masses(trajectory.species) @ frame.velocities[0] ** 2).sum()
        kelvin = energy / (3 * trajectory.n_atoms * BOLTZMANN_EV_PER_K)
        if not 1.0 < kelvin < 1e5:
            notes.append(
                f"velocities of the first frame mean {kelvin:.2g} K: check the unit of velocity"
            )
    return tuple(notes)


def _species(path: Path, options: ReadOptions) -> tuple[str, ...]:
    """Return the element of each atom as the topology names them."""
    if options.topology is None:
        raise InputError(
            f"{path.name} holds no species; a topology is needed",
            received="none",
            remedy="give topology (--topology): a structure of the same atoms in the same order",
        )
    if Path(options.topology).suffix.lower() in TOPOLOGIES:
        return topology_species(Path(options.topology), options)
    first = ReadOptions(
        type_map=options.type_map,
        cell=options.cell or _ANY_CELL,
        allow_untimed=True,
        unwrap=False,
        stop=1,
    )
    return read_trajectory(options.topology, first)[0].species
