"""One small trajectory, and writers of every format that the reader must know."""

from __future__ import annotations

import gzip
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.io.chunks import write_trajectory
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.data.unwrap import inside

Floats = NDArray[np.float64]
Writer = Callable[[Path, Trajectory], Path]

TYPES = {"Li": 1, "O": 2, "Cl": 3}
FRAME_PS = 0.05


def breathing(n_frames: int = 12, n_atoms: int = 30) -> Trajectory:
    """Return atoms that cross the sides of a triclinic cell which breathes and shears."""
    rng = np.random.default_rng(4)
    cells = []
    for i in range(n_frames):
        swell = 1 + 0.01 * np.sin(0.7 * i)
        cells.append(swell * np.array([[9.0, 0, 0], [2.1, 8.0, 0], [-1.4, 1.1 + 0.05 * i, 10.0]]))
    places = np.empty((n_frames, n_atoms, 3))
    places[0] = rng.uniform(0, 1, (n_atoms, 3))
    steps = rng.normal(0, 0.06, (n_frames - 1, n_atoms, 3)) + 0.05
    places[1:] = places[0] + steps.cumsum(axis=0)
    species = tuple(["Li", "O", "Cl"][i % 3] for i in range(n_atoms))
    speeds = rng.normal(0, 3, places.shape)
    return Trajectory(
        species,
        FRAME_PS * np.arange(n_frames),
        np.array(cells),
        np.einsum("fai,fij->faj", places, np.array(cells)),
        speeds,
    )


def wrapped(trajectory: Trajectory) -> Trajectory:
    """Return the same atoms, all put back into the cell."""
    frames = trajectory.read()
    back = np.array([inside(p, c) for p, c in zip(frames.positions, frames.cells)])
    return Trajectory(trajectory.species, frames.times, frames.cells, back, frames.velocities)


def numbers(values: Floats) -> str:
    return " ".join(f"{value:.12g}" for value in values.ravel())


def extxyz(path: Path, t: Trajectory) -> Path:
    path = path / "t.xyz"
    frames = t.read()
    lines = []
    for i in range(t.n_frames):
        lines += [
            str(t.n_atoms),
            f'Lattice="{numbers(frames.cells[i])}" Properties=species:S:1:pos:R:3:vel:R:3 '
            f'time_ps={frames.times[i]:.6f} pbc="T T T"',
        ]
        assert frames.velocities is not None
        for symbol, place, speed in zip(t.species, frames.positions[i], frames.velocities[i]):
            lines.append(f"{symbol} {numbers(place)} {numbers(speed)}")
    path.write_text("\n".join([*lines, ""]))
    return path


def extxyz_gz(path: Path, t: Trajectory) -> Path:
    plain = extxyz(path, t)
    packed = path / "t.xyz.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    return packed


def plain_xyz(path: Path, t: Trajectory) -> Path:
    path = path / "plain.xyz"
    lines = []
    for places in t.read().positions:
        lines += [str(t.n_atoms), " made for a test"]
        lines += [f"{symbol} {numbers(place)}" for symbol, place in zip(t.species, places)]
    path.write_text("\n".join([*lines, ""]))
    return path


def bounds(cell: Floats, origin: float = 0.0) -> str:
    """Return the box of a dump: bounds of the space that a tilted box takes up."""
    (x, _, _), (xy, y, _), (xz, yz, z) = cell
    tilts = [0.0, xy, xz, xy + xz]
    rows = [
        (origin + min(tilts), origin + x + max(tilts), xy),
        (origin + min(0.0, yz), origin + y + max(0.0, yz), xz),
        (origin, origin + z, yz),
    ]
    return "\n".join(numbers(np.array(row)) for row in rows)


def dump(columns: str, **kinds: bool) -> Writer:
    """Return a writer of dumps with these columns; atoms shuffled in each frame."""

    def write(path: Path, t: Trajectory) -> Path:
        path = path / ("t.lammpstrj" + (".gz" if kinds.get("packed") else ""))
        rng = np.random.default_rng(0)
        text = "".join(frame_of_dump(t, i, columns, rng, **kinds) for i in range(t.n_frames))
        data = text.encode()
        path.write_bytes(gzip.compress(data) if kinds.get("packed") else data)
        return path

    return write


def frame_of_dump(
    t: Trajectory, i: int, columns: str, rng: np.random.Generator, **kinds: bool
) -> str:
    frame = t.read(i, i + 1)
    cell, places = frame.cells[0], frame.positions[0]
    assert frame.velocities is not None
    scaled = places @ np.linalg.inv(cell)
    images = np.floor(scaled).astype(int)
    back = places - images @ cell
    table = {
        "id": np.arange(1, t.n_atoms + 1)[:, None],
        "type": np.array([[TYPES[s]] for s in t.species]),
        "element": np.array([[s] for s in t.species]),
        "q": np.zeros((t.n_atoms, 1)),
        "x": back,
        "xs": scaled - images,
        "xu": places,
        "xsu": scaled,
        "ix": images,
        "vx": frame.velocities[0],
    }
    names = columns.split()
    order = rng.permutation(t.n_atoms)
    lines = []
    for atom in order:
        row = [
            v if isinstance(v, str) else f"{v:.12g}" for n in names for v in table[n][atom].tolist()
        ]
        lines.append(" ".join(row))
    title = " ".join(
        " ".join(n.replace("x", axis) for axis in "xyz") if "x" in n else n for n in names
    )
    box = f"xy xz yz pp pp pp\n{bounds(cell)}"
    if kinds.get("general"):
        box = "abc origin pp pp pp\n" + "\n".join(f"{numbers(row)} 0" for row in cell)
    time = f"ITEM: TIME\n{frame.times[0]:.6f}\n" if kinds.get("timed") else ""
    units = "ITEM: UNITS\nmetal\n" if kinds.get("timed") and i == 0 else ""
    return (
        f"{units}{time}ITEM: TIMESTEP\n{50 * i}\nITEM: NUMBER OF ATOMS\n{t.n_atoms}\n"
        f"ITEM: BOX BOUNDS {box}\nITEM: ATOMS {title}\n" + "\n".join(lines) + "\n"
    )


def xdatcar(path: Path, t: Trajectory) -> Path:
    path = path / "XDATCAR"
    frames = t.read()
    order = sorted(range(t.n_atoms), key=lambda i: TYPES[t.species[i]])
    counts = " ".join(str(t.species.count(s)) for s in TYPES)
    lines = []
    for i in range(t.n_frames):
        scaled = frames.positions[i] @ np.linalg.inv(frames.cells[i])
        lines += ["a test", "1.0", *(numbers(row) for row in frames.cells[i])]
        lines += [" ".join(TYPES), counts, f"Direct configuration= {i + 1:5d}"]
        lines += [numbers(scaled[k]) for k in order]
    path.write_text("\n".join([*lines, ""]))
    return path


def vasprun(path: Path, t: Trajectory) -> Path:
    path = path / "vasprun.xml"
    frames = t.read()
    rows = "".join(f"<rc><c>{s} </c><c> {TYPES[s]}</c></rc>\n" for s in t.species)
    parts = [
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<modeling>\n<incar>',
        '<i type="int" name="IBRION">     0</i>\n',
        f'<i name="POTIM">  {1000 * FRAME_PS}</i></incar>\n',
        f'<atominfo><array name="atoms" ><set>{rows}</set></array></atominfo>\n',
        structure_of_vasprun(frames.positions[0], frames.cells[0], ' name="initialpos"'),
    ]
    for places, cell in zip(frames.positions, frames.cells):
        parts.append(f"<calculation>\n{structure_of_vasprun(places, cell, '')}</calculation>\n")
    parts.append(structure_of_vasprun(frames.positions[-1], frames.cells[-1], ' name="finalpos"'))
    path.write_text("".join([*parts, "</modeling>\n"]))
    return path


def structure_of_vasprun(places: Floats, cell: Floats, name: str) -> str:
    def rows(values: Floats) -> str:
        return "".join(f"<v> {numbers(row)} </v>\n" for row in values)

    return (
        f'<structure{name}>\n<crystal><varray name="basis" >\n{rows(cell)}</varray>\n'
        f'<varray name="rec_basis" >\n{rows(np.linalg.inv(cell).T)}</varray></crystal>\n'
        f'<varray name="positions" >\n{rows(places @ np.linalg.inv(cell))}</varray></structure>\n'
    )


def ase_traj(path: Path, t: Trajectory) -> Path:
    from ase import Atoms, units
    from ase.io.trajectory import Trajectory as AseTrajectory

    path = path / "t.traj"
    frames = t.read()
    assert frames.velocities is not None
    with AseTrajectory(str(path), "w") as file:
        for places, cell, speeds in zip(frames.positions, frames.cells, frames.velocities):
            atoms = Atoms(list(t.species), positions=places, cell=cell, pbc=True)
            atoms.set_velocities(speeds / (1000 * units.fs))
            file.write(atoms)
    return path


def ase_extxyz(path: Path, t: Trajectory) -> Path:
    import ase.io
    from ase import Atoms, units

    path = path / "ase.xyz"
    frames = t.read()
    assert frames.velocities is not None
    images = []
    for places, cell, speeds, time in zip(
        frames.positions, frames.cells, frames.velocities, frames.times
    ):
        atoms = Atoms(list(t.species), positions=places, cell=cell, pbc=True)
        atoms.set_velocities(speeds / (1000 * units.fs))
        atoms.info["time"] = time
        images.append(atoms)
    ase.io.write(path, images, format="extxyz")
    return path


def mdanalysis(ending: str) -> Writer:
    """Return a writer of a format that MDAnalysis writes."""

    def write(path: Path, t: Trajectory) -> Path:
        import MDAnalysis
        from MDAnalysis.lib.mdamath import triclinic_box

        path = path / f"t.{ending}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            universe = MDAnalysis.Universe.empty(t.n_atoms, trajectory=True, velocities=True)
            frames = t.read()
            assert frames.velocities is not None
            units = {"lengthunit": "nm", "timeunit": "fs", "velocityunit": "Angstrom/fs"}
            more = units if ending == "h5md" else {}
            with MDAnalysis.Writer(str(path), t.n_atoms, dt=FRAME_PS, **more) as writer:
                for i in range(t.n_frames):
                    step = universe.trajectory.ts
                    step.frame, step.time, step.dt = i, frames.times[i], FRAME_PS
                    step.data["step"] = i
                    step.dimensions = triclinic_box(*frames.cells[i])
                    step.positions = frames.positions[i]
                    step.velocities = frames.velocities[i]
                    writer.write(universe)
        return path

    return write


def h5md(path: Path, t: Trajectory) -> Path:
    import h5py

    path = path / "own.h5"
    frames = t.read()
    assert frames.velocities is not None
    with h5py.File(path, "w") as file:
        group = file.create_group("particles/all")
        for name, values, unit in (
            ("position", frames.positions / 10, "nm"),
            ("velocity", frames.velocities / 1e4, "nm fs-1"),
            ("box/edges", frames.cells / 10, "nm"),
        ):
            part = group.create_group(name)
            part["value"] = values
            part["value"].attrs["unit"] = unit
            part["step"] = np.arange(t.n_frames)
            part["time"] = 1000 * frames.times
            part["time"].attrs["unit"] = "fs"
        kind = h5py.enum_dtype(TYPES, basetype="i4")
        group.create_dataset("species", data=[TYPES[s] for s in t.species], dtype=kind)
    return path


def store(path: Path, t: Trajectory) -> Path:
    write_trajectory(path / "trajectory.zarr", t)
    return path / "trajectory.zarr"


def poscar(path: Path, t: Trajectory) -> Path:
    path = path / "POSCAR"
    frame = t.read(0, 1)
    order = sorted(range(t.n_atoms), key=lambda i: TYPES[t.species[i]])
    counts = " ".join(str(t.species.count(s)) for s in TYPES)
    scaled = frame.positions[0] @ np.linalg.inv(frame.cells[0])
    lines = ["a test", "1.0", *(numbers(row) for row in frame.cells[0]), " ".join(TYPES), counts]
    lines += ["Selective dynamics", "Direct", *(numbers(scaled[i]) + " T T F" for i in order), ""]
    assert frame.velocities is not None
    lines += [numbers(frame.velocities[0][i] / 1000) for i in order]
    path.write_text("\n".join([*lines, ""]))
    return path


def rmc6f(path: Path, t: Trajectory) -> Path:
    path = path / "t.rmc6f"
    frame = t.read(0, 1)
    scaled = frame.positions[0] @ np.linalg.inv(frame.cells[0])
    lines = [
        "(Version 6f format configuration file)",
        f"Number of atoms:     {t.n_atoms}",
        "Supercell dimensions:           1 1 1",
        "Lattice vectors (Ang):",
        *(numbers(row) for row in frame.cells[0]),
        "Atoms:",
    ]
    for i, (symbol, place) in enumerate(zip(t.species, scaled), start=1):
        lines.append(f"{i:6d} {symbol} [1] {numbers(place)} {i} 0 0 0")
    path.write_text("\n".join([*lines, ""]))
    return path


def poscar_like(path: Path, t: Trajectory) -> Path:
    """Return a topology that keeps the order of the atoms."""
    return extxyz(path, t)


def cif(path: Path, t: Trajectory) -> Path:
    import ase.io

    ase.io.write(path / "t.cif", t.to_ase(0), format="cif")
    return path / "t.cif"


def lammps_data(path: Path, t: Trajectory) -> Path:
    path = path / "t.data"
    frame = t.read(0, 1)
    cell = frame.cells[0]
    assert frame.velocities is not None
    lines = ["a test, units = metal", "", f"{t.n_atoms} atoms", "3 atom types", ""]
    for i, axis in enumerate("xyz"):
        lines.append(f"0 {cell[i, i]:.12g} {axis}lo {axis}hi")
    lines.append(f"{cell[1, 0]:.12g} {cell[2, 0]:.12g} {cell[2, 1]:.12g} xy xz yz")
    lines += ["", "Masses", "", "1 6.94", "2 15.999  # O", "3 35.45", "", "Atoms # charge", ""]
    for i in reversed(range(t.n_atoms)):
        lines.append(f"{i + 1} {TYPES[t.species[i]]} 0.5 {numbers(frame.positions[0][i])} 0 0 0")
    lines += ["", "Velocities", ""]
    lines += [f"{i + 1} {numbers(speed)}" for i, speed in enumerate(frame.velocities[0])]
    path.write_text("\n".join([*lines, ""]))
    return path
