"""The same atoms come out of every format: positions, cells, times, species, velocities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests import trajectory_files as files

from vitrolyte.data.io.trajectories import ReadOptions, ReadReport, read_trajectory
from vitrolyte.data.trajectory import Trajectory

NAMED = {1: "Li", 2: "O", 3: "Cl"}


@dataclass(frozen=True)
class Case:
    """A writer, what the reader must be told, and to what precision (Å) the format keeps."""

    write: files.Writer
    format: str
    told: Mapping[str, Any] = field(default_factory=dict)
    precision: float = 1e-9
    velocities: bool = True
    sorted: bool = False
    topology: bool = False


STEP = {"timestep_ps": 0.001}
FRAME = {"frame_time_ps": files.FRAME_PS}
MANY = {
    "extxyz": Case(files.extxyz, "extxyz", {"velocity_unit": "A/ps"}),
    "extxyz.gz": Case(files.extxyz_gz, "extxyz", {"velocity_unit": "A/ps"}),
    # ASE writes eight decimals
    "extxyz of ASE": Case(files.ase_extxyz, "extxyz", {}, 2e-8),
    "dump x": Case(files.dump("id type x vx"), "lammps-dump", {"type_map": NAMED, **STEP}),
    "dump xs": Case(files.dump("id element xs vx", timed=True), "lammps-dump"),
    "dump xu": Case(files.dump("element id q xu vx", timed=True), "lammps-dump"),
    "dump xsu": Case(files.dump("id element xsu vx", timed=True), "lammps-dump"),
    "dump x ix": Case(files.dump("id element x ix vx", timed=True), "lammps-dump"),
    "dump xs ix": Case(files.dump("id xs element ix vx", timed=True), "lammps-dump"),
    "dump general": Case(files.dump("id element x vx", general=True, timed=True), "lammps-dump"),
    "dump gz": Case(files.dump("id element x vx", packed=True, timed=True), "lammps-dump"),
    "xdatcar": Case(files.xdatcar, "xdatcar", FRAME, velocities=False, sorted=True),
    "vasprun": Case(files.vasprun, "vasprun", velocities=False),
    "ase traj": Case(files.ase_traj, "ase-traj", FRAME),
    "h5md": Case(files.h5md, "h5md"),
    # single precision in nm or Å
    "h5md of MDAnalysis": Case(files.mdanalysis("h5md"), "h5md", {}, 4e-6, topology=True),
    "dcd": Case(files.mdanalysis("dcd"), "dcd", {}, 4e-6, False, topology=True),
    # three decimals of nm
    "xtc": Case(files.mdanalysis("xtc"), "xtc", {}, 6e-3, False, topology=True),
    "trr": Case(files.mdanalysis("trr"), "trr", {}, 4e-6, topology=True),
}
ONE = {
    "poscar": Case(files.poscar, "poscar", sorted=True),
    "rmc6f": Case(files.rmc6f, "rmc6f", velocities=False),
    # ASE writes cell parameters with few digits
    "cif": Case(files.cif, "cif", {}, 2e-3, velocities=False),
    "lammps data": Case(files.lammps_data, "lammps-data"),
}


def read(case: Case, folder: Path, t: Trajectory, **more: Any) -> tuple[Trajectory, ReadReport]:
    told = {**case.told, **more}
    if case.topology:
        told["topology"] = files.poscar_like(folder, t)
    return read_trajectory(case.write(folder, t), ReadOptions(**told))


def expected_order(case: Case, t: Trajectory) -> list[int]:
    order = range(t.n_atoms)
    return sorted(order, key=lambda i: files.TYPES[t.species[i]]) if case.sorted else list(order)


def check(found: Trajectory, case: Case, truth: Trajectory) -> None:
    order = expected_order(case, truth)
    assert found.species == tuple(truth.species[i] for i in order)
    frames, true = found.read(), truth.read()
    np.testing.assert_allclose(frames.cells, true.cells, atol=max(case.precision, 1e-9))
    np.testing.assert_allclose(frames.positions, true.positions[:, order], atol=case.precision)
    if not case.velocities:
        assert frames.velocities is None
        return
    assert frames.velocities is not None
    assert true.velocities is not None
    np.testing.assert_allclose(
        frames.velocities, true.velocities[:, order], atol=1e3 * case.precision, rtol=1e-6
    )


@pytest.mark.parametrize("name", MANY)
def test_the_same_trajectory(name: str, tmp_path: Path) -> None:
    case, truth = MANY[name], files.breathing()
    # image flags and unwrapped columns are made from the truth, all else from wrapped atoms
    told = any(mark in name for mark in ("xu", "xsu", "ix"))
    found, report = read(case, tmp_path, truth if told else files.wrapped(truth))
    assert report.format == case.format
    assert (report.n_frames, report.n_atoms, report.timed) == (12, 30, True)
    np.testing.assert_allclose(found.times, truth.times, rtol=1e-6)
    check(found, case, truth)
    assert report.displacements_known
    assert report.wrapped is (None if told else True)


@pytest.mark.parametrize("name", ONE)
def test_the_same_structure(name: str, tmp_path: Path) -> None:
    case, truth = ONE[name], files.wrapped(files.breathing(n_frames=1))
    found, report = read(case, tmp_path, truth)
    assert (report.format, report.n_frames, report.timed) == (case.format, 1, False)
    check(found, case, truth)


def test_our_own_store(tmp_path: Path) -> None:
    truth = files.breathing()
    found, report = read_trajectory(files.store(tmp_path, truth))
    assert (report.format, report.unwrapping) == ("zarr", "the store")
    check(found, Case(files.store, "zarr", precision=4e-6), truth)


@pytest.mark.parametrize("name", MANY)
def test_any_slice_is_what_reading_in_order_gives(name: str, tmp_path: Path) -> None:
    found, _ = read(MANY[name], tmp_path, files.wrapped(files.breathing(n_frames=150, n_atoms=6)))
    whole = np.concatenate([block.positions for block in found.blocks(7)])
    rng = np.random.default_rng(3)
    for start, stop in rng.integers(0, 151, (25, 2)):
        step = int(rng.choice([1, 1, 3, -1, -4]))
        part = slice(int(start), int(stop), step)
        np.testing.assert_array_equal(found.positions[part], whole[part], err_msg=str(part))


@pytest.mark.parametrize("name", MANY)
def test_choosing_frames_leaves_the_paths_alone(name: str, tmp_path: Path) -> None:
    t = files.wrapped(files.breathing(n_frames=20, n_atoms=6))
    whole, _ = read(MANY[name], tmp_path, t)
    part, report = read(MANY[name], tmp_path, t, start=3, stop=18, every=4)
    assert report.n_frames == part.n_frames == 4
    np.testing.assert_array_equal(part.times, whole.times[3:18:4])
    np.testing.assert_array_equal(part.cells, whole.cells[3:18:4])
    # relative to its first frame, since images are counted from there
    places, true = part.read().positions, whole.positions[3:18:4]
    shift = (true[0] - places[0]) @ np.linalg.inv(part.cells[0])
    np.testing.assert_allclose(shift, np.round(shift), atol=1e-6)
    shifts = np.einsum("ai,fij->faj", np.round(shift), part.cells)
    np.testing.assert_allclose(places + shifts, true, atol=1e-9)


@pytest.mark.parametrize("name", MANY)
def test_without_unwrapping_positions_are_those_of_the_file(name: str, tmp_path: Path) -> None:
    t = files.wrapped(files.breathing())
    case = MANY[name]
    found, report = read(case, tmp_path, t, unwrap=False)
    by_file = "columns" in report.unwrapping or "flags" in report.unwrapping
    assert report.displacements_known == by_file
    order = expected_order(case, t)
    np.testing.assert_allclose(
        found.read().positions, t.read().positions[:, order], atol=case.precision
    )
