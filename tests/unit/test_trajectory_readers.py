"""Reading others' files: what is refused and how it is told, fuzz, units, memory."""

from __future__ import annotations

import gzip
import pickle
import resource
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests import trajectory_files as files

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.formats import h5md, hdf5_probe
from vitrolyte.data.io.formats.naming import element_of_mass
from vitrolyte.data.io.formats.table import Columns, read_table
from vitrolyte.data.io.trajectories import ReadOptions, read_trajectory
from vitrolyte.data.trajectory import Trajectory, structure

SMALL = files.wrapped(files.breathing(n_frames=5, n_atoms=6))
DUMP = files.dump("id element x vx", timed=True)
BOX = 'Lattice="9 0 0 0 9 0 0 0 9"'


def read(path: Path, **told: Any) -> Trajectory:
    return read_trajectory(path, ReadOptions(**told))[0]


def text(tmp_path: Path, name: str, content: str) -> Path:
    path = tmp_path / name
    path.write_text(content)
    return path


def xyz(tmp_path: Path, *frames: str) -> Path:
    return text(tmp_path, "t.xyz", "".join(frames))


def frame(place: str = "1 2 3", symbol: str = "Li", comment: str = BOX) -> str:
    return f"1\n{comment}\n{symbol} {place}\n"


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize("words", ["1 -2.5 +3e2", "1e-30 0.1 123456789012345", "7d0 .5 5. "])
def test_numbers_are_read_to_the_last_bit(words: str) -> None:
    table = read_table(words.encode(), 1, Columns.of("nnn"), "A test")
    truth = [float(word.replace("d", "e")) for word in words.split()]
    np.testing.assert_allclose(table.numbers[0], truth, rtol=3e-16)


def test_random_numbers_agree_with_python() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(2000, 1)) * 10.0 ** rng.integers(-6, 6, (2000, 1))
    for style, far in (("%.8f", 0.0), ("%.15g", 0.0), ("%.17g", 3e-16), ("%.6e", 0.0)):
        words = [style % value for value in values[:, 0]]
        table = read_table("\n".join(words).encode(), 2000, Columns.of("n"), "A test")
        truth = np.array([float(word) for word in words])
        np.testing.assert_allclose(table.numbers[:, 0], truth, rtol=max(far, 1e-300), atol=0)


@pytest.mark.parametrize("line", ["1 2", "1 2 x", "1 2 3 4", "1 2 3.4.5", "1 2 --3", "1 2 3e", ""])
def test_strange_lines_are_refused(line: str) -> None:
    with pytest.raises(InputError, match=r"columns|lines"):
        read_table(line.encode(), 1, Columns.of("nnn"), "A test")


# IUPAC 2021 standard atomic weights, doi:10.1515/pac-2019-0603
@pytest.mark.parametrize(
    ("mass", "element"),
    [(6.94, "Li"), (15.9994, "O"), (35.453, "Cl"), (39.948, "Ar"), (58.93, "Co"), (58.69, "Ni")],
)
def test_masses_name_elements(mass: float, element: str) -> None:
    assert element_of_mass(mass) == element


@pytest.mark.parametrize("mass", [0.2, 5.0, 39.95 + 0.065, 100.0])
def test_a_mass_that_is_no_element_names_none(mass: float) -> None:
    assert element_of_mass(mass) is None


# ---------------------------------------------------------------- bad input


def test_missing_empty_unknown_and_unsafe_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "none.xyz")
    with pytest.raises(InputError, match="empty"):
        read(text(tmp_path, "empty.xyz", " \n"))
    with pytest.raises(InputError, match="format"):
        read(text(tmp_path, "letter.doc", "Dear colleague,\nfind enclosed\n"))
    unsafe = tmp_path / "t.xyz"
    unsafe.write_bytes(pickle.dumps([1, 2, 3]))
    with pytest.raises(InputError, match="carry code"):
        read(unsafe)
    with pytest.raises(InputError, match="carry code"):
        read(text(tmp_path, "t.pkl", frame()))
    with pytest.raises(InputError, match=r"stored trajectory|format"):
        read(tmp_path)


def test_types_without_elements_are_listed(tmp_path: Path) -> None:
    path = files.dump("id type x", timed=True)(tmp_path, SMALL)
    with pytest.raises(InputError, match=r"types 1, 2, 3.*type_map=\{1: "):
        read(path)
    with pytest.raises(InputError, match=r"type_map=\{3: "):
        read(path, type_map={1: "Li", 2: "O"})
    with pytest.raises(InputError, match="did you mean"):
        ReadOptions(type_map={1: "Lii"})
    with pytest.raises(InputError, match="type_map"):
        read(xyz(tmp_path, frame(symbol="1")))  # a type, not hydrogen


def test_two_conventions_in_one_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    first = files.frame_of_dump(SMALL, 0, "id element x", rng)
    second = files.frame_of_dump(SMALL, 1, "id element xs", rng)
    with pytest.raises(InputError, match=r"one convention.*columns id element x y z, then"):
        read(text(tmp_path, "a.dump", first + second), timestep_ps=1e-3)
    with pytest.raises(InputError, match="one complete set"):
        read(text(tmp_path, "b.dump", first.replace("x y z", "x ys zu")))
    with pytest.raises(InputError, match="one convention"):
        read(xyz(tmp_path, frame(comment=BOX + " time=1"), frame(comment=BOX + " Step=2")))
    with pytest.raises(InputError, match="one convention"):
        read(xyz(tmp_path, frame(), frame(comment="no cell")), frame_time_ps=1.0)


TEXT = [files.extxyz, DUMP, files.xdatcar, files.vasprun]
TEXT_TOLD = {files.xdatcar: {"frame_time_ps": 0.05}}


@pytest.mark.parametrize("writer", TEXT)
@pytest.mark.parametrize("share", [0.5, 0.83, 0.97])
def test_a_cut_off_frame_is_refused_or_left_out(
    writer: files.Writer, share: float, tmp_path: Path
) -> None:
    path = writer(tmp_path, SMALL)
    told = TEXT_TOLD.get(writer, {})
    whole = read(path, **told).read()
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(InputError, match=r"(\d) whole frames.*whole_frames_only=True"):
        read(path, **told)
    found, report = read_trajectory(path, ReadOptions(whole_frames_only=True, **told))
    assert 1 < found.n_frames < 5 or writer is files.vasprun
    np.testing.assert_array_equal(found.read().positions, whole.positions[: found.n_frames])
    assert any("left out" in note for note in report.notes)


@pytest.mark.parametrize("ending", ["dcd", "xtc", "trr"])
def test_binary_files_cut_off(ending: str, tmp_path: Path) -> None:
    t = files.wrapped(files.breathing(n_frames=5, n_atoms=12))
    path = files.mdanalysis(ending)(tmp_path, t)
    data = path.read_bytes()
    path.write_bytes(data[:-40])
    topology = files.poscar_like(tmp_path, t)
    with pytest.raises(InputError, match="whole_frames_only=True"):
        read(path, topology=topology)
    assert read(path, topology=topology, whole_frames_only=True).n_frames == 4
    with pytest.raises(InputError, match="topology"):
        read(path)
    other = files.poscar_like(tmp_path, SMALL)
    with pytest.raises(InputError, match="12 atoms"):
        read(path, topology=other)


def test_frames_with_other_atoms(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"2 atoms|1 atoms, then 2"):
        read(xyz(tmp_path, frame(), f"2\n{BOX}\nLi 0 0 0\nLi 1 1 1\n"), frame_time_ps=1.0)
    with pytest.raises(InputError, match="other atoms in frame 1"):
        read(xyz(tmp_path, frame(), frame(symbol="Na")), frame_time_ps=1.0)
    rng = np.random.default_rng(0)
    first = files.frame_of_dump(SMALL, 0, "id element x", rng)
    for old, new in (("\n6 Cl ", "\n6 Br "), ("\n6 Cl ", "\n9 Cl "), ("\n6 Cl ", "\n1 Cl ")):
        second = files.frame_of_dump(SMALL, 1, "id element x", rng).replace(old, new)
        with pytest.raises(InputError, match=r"other atoms in frame 1|stand once"):
            read(text(tmp_path, "t.dump", first + second), timestep_ps=1e-3)


def test_cells_that_are_missing_or_flat(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="option cell"):
        read(xyz(tmp_path, frame(comment="nothing")))
    assert read(xyz(tmp_path, frame(comment="")), cell=(9.0, 9.0, 9.0, 90, 90, 60)).n_atoms == 1
    for bad in ('"9 0 0 0 9 0 0 0 0"', '"9 0 0 9 0 0 0 0 9"', '"nan 0 0 0 9 0 0 0 9"'):
        with pytest.raises(InputError, match="span a volume"):
            read(xyz(tmp_path, frame(comment=f"Lattice={bad}")))
    with pytest.raises(InputError, match="9 numbers"):
        read(xyz(tmp_path, frame(comment='Lattice="9 9 9"')))


@pytest.mark.parametrize("word", ["nan", "NaN", "inf", "-inf"])
def test_coordinates_that_are_no_numbers(word: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"finite number.*atom 1 of frame 1"):
        read(xyz(tmp_path, frame(), frame(f"1 {word} 3")), frame_time_ps=1.0)
    late = read(xyz(tmp_path, frame(), frame(f"1 {word} 3")), frame_time_ps=1.0, unwrap=False)
    with pytest.raises(InputError, match="finite number"):
        late.read()


def test_times(tmp_path: Path) -> None:
    def timed(*times: float) -> Path:
        return xyz(tmp_path, *(frame(comment=f"{BOX} time={t}") for t in times))

    assert read(timed(1, 2, 4)).times.tolist() == [1, 2, 4]
    assert read(timed(1, 2, 4), time_unit="fs").times == pytest.approx([1e-3, 2e-3, 4e-3])
    assert read(timed(1, 2, 4), frame_time_ps=0.5).times.tolist() == [0, 0.5, 1]
    for wrong in ((1, 1), (2, 1), (1, float("nan"))):
        with pytest.raises(InputError, match="must increase"):
            read(timed(*wrong))
    steps = xyz(tmp_path, *(frame(comment=f"{BOX} Step={s}") for s in (0, 10, 30)))
    with pytest.raises(InputError, match="timestep_ps"):
        read(steps)
    assert read(steps, timestep_ps=0.1).times == pytest.approx([0, 1, 3])
    with pytest.raises(InputError, match="even distances"):
        read(steps, frame_time_ps=0.1)


def test_untimed_frames_only_where_allowed(tmp_path: Path) -> None:
    path = xyz(tmp_path, frame(), frame(), frame())
    with pytest.raises(InputError, match=r"frame_time_ps.*allow_untimed"):
        read(path)
    found, report = read_trajectory(path, ReadOptions(allow_untimed=True))
    assert found.times.tolist() == [0, 1, 2]
    assert not report.timed
    assert "none" in report.time_source


# CP2K writes its times in fs, https://manual.cp2k.org/trunk/units.html
def test_comments_of_other_programs(tmp_path: Path) -> None:
    told = " i =  {}, time =   {}, E =  -17.1"
    path = xyz(tmp_path, *(frame(comment=told.format(i, 0.5 * i)) for i in range(3)))
    assert read(path, cell=(9.0,) * 3).times == pytest.approx([0, 5e-4, 1e-3])
    path = xyz(tmp_path, *(frame(comment=f" Atoms. Timestep: {i}") for i in (0, 100)))
    assert read(path, cell=(9.0,) * 3, timestep_ps=1e-3).times == pytest.approx([0, 0.1])


def test_frames_too_far_apart_are_told(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    jumps = [frame(" ".join(f"{x:.3f}" for x in rng.uniform(0, 9, 3))) for _ in range(50)]
    found, report = read_trajectory(xyz(tmp_path, *jumps), ReadOptions(frame_time_ps=1.0))
    # each of three components lies within a tenth of half an edge in one case of ten
    assert report.ambiguous_fraction == pytest.approx(1 - 0.9**3, abs=0.2)
    assert not report.displacements_known
    assert any("too far apart" in note for note in report.notes)
    assert found.n_frames == 50


def test_unwrapped_positions_stay_as_they_are(tmp_path: Path) -> None:
    walk = files.breathing(n_frames=40, n_atoms=6)
    found, report = read_trajectory(files.extxyz(tmp_path, walk), ReadOptions())
    np.testing.assert_allclose(found.read().positions, walk.read().positions, atol=1e-9)
    assert (report.wrapped, report.unwrapping) == (False, "not wrapped")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.xyz", f"999999999999\n{BOX}\nLi 0 0 0\n"),
        ("t.xyz", f"{10**30}\n{BOX}\nLi 0 0 0\n"),
        ("t.xyz", f"9000000000\n{BOX}\nLi 0 0 0\n"),
        ("POSCAR", "a\n1.0\n9 0 0\n0 9 0\n0 0 9\nLi\n999999999\nDirect\n0 0 0\n"),
        ("XDATCAR", "a\n1.0\n9 0 0\n0 9 0\n0 0 9\nLi\n999999999\nDirect configuration= 1\n0 0 0\n"),
        ("t.rmc6f", "(Version 6f)\nNumber of atoms: 999999999999\nCell (Ang/deg): 9 9 9 90 90 90\n"
         "Atoms:\n1 Li 0 0 0 1 0 0 0\n"),
        ("t.data", "\n999999999 atoms\n1 atom types\n0 9 xlo xhi\n0 9 ylo yhi\n0 9 zlo zhi\n\n"
         "Atoms # atomic\n\n1 1 0 0 0\n"),
        ("t.dump", "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n9999999999\n"
         "ITEM: BOX BOUNDS pp pp pp\n0 9\n0 9\n0 9\nITEM: ATOMS id element x y z\n1 Li 0 0 0\n"),
    ],
)  # fmt: skip
def test_a_header_that_lies_costs_no_memory(name: str, content: str, tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError):
        read(text(tmp_path, name, content), type_map={1: "Li"})
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024


# ---------------------------------------------------------------- units of velocities


def test_velocities_need_a_unit_that_is_known(tmp_path: Path) -> None:
    path = files.extxyz(tmp_path, SMALL)
    found, report = read_trajectory(path)
    assert found.velocities is None
    assert any("give velocity_unit" in note for note in report.notes)
    slow, fast = (read(path, velocity_unit=unit).read().velocities for unit in ("A/ps", "A/fs"))
    assert slow is not None
    assert fast is not None
    np.testing.assert_allclose(fast, 1000 * slow)


def test_a_temperature_that_cannot_be_is_noted(tmp_path: Path) -> None:
    path = files.extxyz(tmp_path, SMALL)
    _, fine = read_trajectory(path, ReadOptions(velocity_unit="A/ps"))
    _, wrong = read_trajectory(path, ReadOptions(velocity_unit="A/fs"))
    assert not any("check the unit" in note for note in fine.notes)
    assert any("check the unit of velocity" in note for note in wrong.notes)
    _, small = read_trajectory(path, ReadOptions(length_unit="nm"))
    assert any("check the unit of length" in note for note in small.notes)


# LAMMPS manual, https://docs.lammps.org/units.html: real is fs and Å/fs
def test_lammps_units(tmp_path: Path) -> None:
    path = files.dump("id element x vx", timed=True)(tmp_path, SMALL)
    real = text(tmp_path, "real.dump", path.read_text().replace("metal", "real"))
    one, other = read(path), read(real)
    np.testing.assert_allclose(other.times, one.times * 1e-3)
    a, b = one.read().velocities, other.read().velocities
    assert a is not None
    assert b is not None
    np.testing.assert_allclose(b, 1e3 * a)
    with pytest.raises(InputError, match="agree with the file"):
        read(path, units="real")
    with pytest.raises(InputError, match="lj"):
        read(text(tmp_path, "lj.dump", path.read_text().replace("metal", "lj")))


def test_options_check_themselves() -> None:
    for wrong in (
        {"frame_time_ps": -1.0},
        {"timestep_ps": float("nan")},
        {"every": 0},
        {"start": 4, "stop": 4},
        {"format": "pdf"},
        {"time_unit": "hours"},
    ):
        with pytest.raises(InputError):
            ReadOptions(**wrong)


# ---------------------------------------------------------------- other shapes of files


def test_a_poscar_in_its_older_forms(tmp_path: Path) -> None:
    rows = "0 0 0\n0.5 0.5 0.5\n"
    body = "9 0 0\n0 9 0\n0 0 9\n"
    old = text(tmp_path, "POSCAR", f"a\n1.0\n{body}1 1\nDirect\n{rows}")
    assert read(old, type_map={1: "Li", 2: "Cl"}).species == ("Li", "Cl")
    # VASP wiki: a negative scale is the volume; names may carry a potential's ending
    scaled = text(tmp_path, "CONTCAR", f"a\n-27.0\n{body}Li_sv Cl/ab12\n1 1\nCartesian\n{rows}")
    found = read(scaled)
    assert found.species == ("Li", "Cl")
    assert found.volumes[0] == pytest.approx(27.0)
    np.testing.assert_allclose(found.read().positions[0, 1], [1 / 6] * 3)


def test_a_cif_with_sites_filled_in_part_is_refused(tmp_path: Path) -> None:
    head = (
        "data_a\n_cell_length_a 4\n_cell_length_b 4\n_cell_length_c 4\n_cell_angle_alpha 90\n"
        "_cell_angle_beta 90\n_cell_angle_gamma 90\n_symmetry_space_group_name_H-M 'P 1'\nloop_\n"
        "_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
        "_atom_site_occupancy\n"
    )
    assert read(text(tmp_path, "a.cif", head + "Li1 0 0 0 1.0\n")).species == ("Li",)
    with pytest.raises(InputError, match="filled by one element"):
        read(text(tmp_path, "b.cif", head + "Li1 0 0 0 0.5\n"))


def test_lammps_data_without_a_stated_style(tmp_path: Path) -> None:
    path = files.lammps_data(tmp_path, SMALL)
    bare = text(tmp_path, "bare.data", path.read_text().replace("Atoms # charge", "Atoms"))
    np.testing.assert_array_equal(read(bare).read().positions, read(path).read().positions)
    assert read(bare).species == SMALL.species


def test_ase_dynamics_tell_their_times(tmp_path: Path) -> None:
    from ase import units
    from ase.calculators.lj import LennardJones
    from ase.md.verlet import VelocityVerlet

    atoms = structure(("Ar", "Ar"), [[0, 0, 0], [3.8, 0, 0]], 9 * np.eye(3)).to_ase()
    atoms.calc = LennardJones()
    path = tmp_path / "md.traj"
    with VelocityVerlet(atoms, 2 * units.fs, trajectory=str(path), loginterval=5) as run:
        run.run(20)
    found, report = read_trajectory(path)
    assert found.times == pytest.approx(np.arange(5) * 0.01)
    assert "ASE" in report.time_source


def test_random_access_into_a_long_packed_file(tmp_path: Path) -> None:
    t = files.wrapped(files.breathing(n_frames=400, n_atoms=60))
    plain = read(files.extxyz(tmp_path, t))
    packed = tmp_path / "t.xyz.gz"
    data = (tmp_path / "t.xyz").read_bytes()
    # two members, as appending to a packed file leaves them
    packed.write_bytes(
        gzip.compress(data[: len(data) // 3]) + gzip.compress(data[len(data) // 3 :])
    )
    found = read(packed)
    for part in (slice(390, 400), slice(0, 3), slice(200, 320, 7), slice(199, 201)):
        np.testing.assert_array_equal(found.positions[part], plain.positions[part])
    packed.write_bytes(packed.read_bytes()[:-2000])
    with pytest.raises(InputError, match="whole"):
        read(packed)


# ---------------------------------------------------------------- binary formats and topologies


def water(n: int) -> Any:
    """Return molecules, in nm: near atoms follow each other, which XTC packs as small steps."""
    rng = np.random.default_rng(2)
    oxygen = rng.uniform(0, 4, (3, n, 1, 3))
    hydrogen = oxygen + rng.normal(0, 0.06, (3, n, 2, 3))
    return np.concatenate([oxygen, hydrogen], axis=2).reshape(3, -1, 3).astype("f4")


@pytest.mark.parametrize(
    ("places", "precision"),
    [
        (water(200), 1000.0),
        (water(200), 1e6),
        (water(3), 1000.0),  # nine atoms or fewer are not packed
        (np.cumsum(water(100), axis=1) / 9, 100.0),
        (np.repeat(water(4)[:, :1], 40, axis=1), 1000.0),  # all at one place
    ],
)
def test_xtc_is_unpacked_as_the_library_of_gromacs_does(
    places: Any, precision: float, tmp_path: Path
) -> None:
    from MDAnalysis.lib.formats.libmdaxdr import XTCFile

    path = tmp_path / "t.xtc"
    with XTCFile(str(path), "w") as file:
        for i, frame_nm in enumerate(places):
            file.write(frame_nm, 4 * np.eye(3, dtype="f4"), i, 0.5 * i, precision)
    with XTCFile(str(path)) as file:
        theirs = np.array([frame_nm.x for frame_nm in file])
    atoms = structure(("O",) * places.shape[1], 10 * places[0], 40 * np.eye(3))
    topology = tmp_path / "top.xyz"
    atoms.to_ase().write(topology)
    ours = read(path, topology=topology, unwrap=False)
    # single precision of what the library returns, up to 60 nm
    np.testing.assert_allclose(ours.read().positions / 10, theirs, rtol=2e-7, atol=1e-6)
    assert ours.times.tolist() == [0, 0.5, 1]


def test_pdb_and_gro_name_the_atoms(tmp_path: Path) -> None:
    t = files.wrapped(files.breathing(n_frames=2, n_atoms=12))
    path = files.mdanalysis("dcd")(tmp_path, t)
    pdb, gro = tmp_path / "t.pdb", tmp_path / "t.gro"
    t.to_ase(0).write(pdb)
    assert read(path, topology=pdb).species == t.species
    rows = [f"{1:5d}{'SOL':<5}{s + '1':>5}{i:5d}   0.000   0.000   0.000" for i, s in
            enumerate(t.species)]  # fmt: skip
    gro.write_text("\n".join(["a test", "12", *rows, "1 1 1", ""]))
    assert read(path, topology=gro).species == t.species
    gro.write_text(gro.read_text().replace("  Li1", "  LW1"))
    with pytest.raises(InputError, match="'LW'"):
        read(path, topology=gro)
    assert read(path, topology=gro, type_map={"LW": "Li"}).species == t.species


def dcd(path: Path, six: list[float], title: bytes, delta: float) -> Path:
    """Write two frames of one atom by hand (https://docs.openmm.org, DCDFile)."""

    def record(data: bytes) -> bytes:
        size = struct.pack("<i", len(data))
        return size + data + size

    head = struct.pack("<4s9if10i", b"CORD", 2, 0, 10, *[0] * 6, delta, 1, *[0] * 8, 24)
    data = (
        record(head) + record(struct.pack("<i", 1) + title.ljust(80)) + record(struct.pack("<i", 1))
    )
    for i in range(2):
        data += record(struct.pack("<6d", *six))
        data += b"".join(record(struct.pack("<f", value + i)) for value in (1.0, 2.0, 3.0))
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("six", "cell"),
    [
        ([9, 90, 9, 90, 90, 9], 9 * np.eye(3)),
        ([9, 0.5, 8, 0, 0, 7], [[9, 0, 0], [4, 8 * 0.75**0.5, 0], [0, 0, 7]]),  # cosines
        ([9, -1.5, 8, 0.4, 0.3, 7], [[9, -1.5, 0.4], [-1.5, 8, 0.3], [0.4, 0.3, 7]]),  # CHARMM
    ],
)
def test_the_three_ways_in_which_dcd_states_a_cell(
    six: list[float], cell: Any, tmp_path: Path
) -> None:
    top = xyz(tmp_path, frame())
    path = dcd(tmp_path / "t.dcd", six, b"CREATED BY A TEST", 0.02)
    found = read(path, topology=top)
    np.testing.assert_allclose(found.cells[1], cell, atol=1e-9)
    np.testing.assert_allclose(found.read().positions[:, 0], [[1, 2, 3], [2, 3, 4]])
    # CHARMM: a time unit of 48.88821 fs, https://academiccharmm.org/documentation
    assert found.times == pytest.approx([0, 0.02 * 10 * 0.04888821])
    by_lammps = dcd(tmp_path / "l.dcd", six, b"Written by LAMMPS", 0.02)
    assert read(by_lammps, topology=top).times == pytest.approx([0, 0.2])
    assert read(by_lammps, topology=top, units="real").times == pytest.approx([0, 0.2e-3])


@pytest.mark.parametrize("writer", [files.extxyz, files.xdatcar, files.vasprun, files.h5md])
def test_a_cell_of_any_orientation(writer: files.Writer, tmp_path: Path) -> None:
    lower = files.breathing(n_frames=4, n_atoms=9)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    turned = Trajectory(
        lower.species,
        lower.times,
        lower.cells @ turn,
        lower.positions[:] @ turn,
        lower.velocities,
    )
    found = read(writer(tmp_path, files.wrapped(turned)), **TEXT_TOLD.get(writer, {}))
    np.testing.assert_allclose(found.cells, turned.cells, atol=1e-9)
    by_element = [np.flatnonzero(np.array(found.species) == s) for s in ("Li", "O", "Cl")]
    true = [np.flatnonzero(np.array(lower.species) == s) for s in ("Li", "O", "Cl")]
    for ours, theirs in zip(by_element, true):
        np.testing.assert_allclose(
            found.positions[:][:, ours], turned.positions[:, theirs], atol=1e-8
        )


@pytest.mark.parametrize("kind", ["numbers", "names"])
def test_species_of_h5md(kind: str, tmp_path: Path) -> None:
    import h5py

    path = files.h5md(tmp_path, SMALL)
    with h5py.File(path, "r+") as file:
        group = file["particles/all"]
        del group["species"]
        if kind == "names":
            group["species"] = [symbol.encode() for symbol in SMALL.species]
        else:
            group["species"] = [files.TYPES[symbol] for symbol in SMALL.species]
    if kind == "numbers":
        with pytest.raises(InputError, match="types 1, 2, 3"):
            read(path)
    assert read(path, type_map={1: "Li", 2: "O", 3: "Cl"}).species == SMALL.species


ENDLESS = "while True: pass"
DEADLY = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"


@pytest.mark.parametrize(("library", "told"), [(ENDLESS, "no end"), (DEADLY, "died")])
def test_a_file_in_which_the_library_stalls_or_dies_is_refused(
    library: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "probe.py").write_text(library, "utf-8")
    monkeypatch.setattr(hdf5_probe, "__file__", str(tmp_path / "probe.py"))
    monkeypatch.setattr(h5md, "LONGEST_LOOK_S", 0.5)
    with pytest.raises(InputError, match=told):
        read(files.h5md(tmp_path, SMALL))


# ---------------------------------------------------------------- fuzz

WRITERS = {
    "extxyz": files.extxyz,
    "dump": DUMP,
    "dump flags": files.dump("id type x ix"),
    "xdatcar": files.xdatcar,
    "vasprun": files.vasprun,
    "poscar": files.poscar,
    "rmc6f": files.rmc6f,
    "lammps data": files.lammps_data,
    "cif": files.cif,
    "traj": files.ase_traj,
    "h5md": files.h5md,
    "dcd": files.mdanalysis("dcd"),
    "xtc": files.mdanalysis("xtc"),
    "trr": files.mdanalysis("trr"),
}
TEXT_FUZZ = 300
FUZZ = {"traj": 60, "h5md": 25, "dcd": 60, "xtc": 60, "trr": 60}


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        at = int(rng.integers(0, max(1, len(changed))))
        kind = int(rng.integers(0, 6))
        if kind == 0:
            changed[at : at + 1] = bytes(rng.integers(0, 256, 1, dtype=np.uint8))
        elif kind == 1:
            del changed[at : at + int(rng.integers(1, 40))]
        elif kind == 2:
            changed[at:at] = changed[at // 2 : at // 2 + int(rng.integers(1, 60))]
        elif kind == 3:
            del changed[at:]
        elif kind == 4:
            changed[at:at] = [b"nan", b"1e999", b"-7", b"99999999999", b"\n", b"=", b"\x00"][
                int(rng.integers(0, 7))
            ]
        else:
            changed[at : at + 4] = bytes(rng.integers(48, 58, 4, dtype=np.uint8))
    return bytes(changed)


@pytest.mark.parametrize("name", WRITERS)
def test_damaged_files_are_refused_or_read_but_never_crash(name: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    path = WRITERS[name](tmp_path, SMALL)
    told: dict[str, Any] = {"type_map": {1: "Li", 2: "O", 3: "Cl"}, "allow_untimed": True}
    if name in ("dcd", "xtc", "trr"):
        told["topology"] = files.poscar_like(tmp_path, SMALL)
    data = path.read_bytes()
    refused = 0
    began = time.perf_counter()
    for number in range(FUZZ.get(name, TEXT_FUZZ)):
        path.write_bytes(mutated(data, rng))
        try:
            found = read(path, whole_frames_only=bool(number % 2), **told)
            assert np.isfinite(found.read().positions).all()
        except InputError:
            refused += 1
    assert refused > 0
    assert time.perf_counter() - began < 60


# ---------------------------------------------------------------- memory

MEMORY = """
import resource, sys
from pathlib import Path
from vitrolyte.data.io.trajectories import ReadOptions, read_trajectory
read = lambda name: read_trajectory(Path(name), ReadOptions(velocity_unit="A/ps"))[0]
read(sys.argv[1]).read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for block in read(sys.argv[2]).blocks(16):
    block.positions.sum()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_file_of_many_frames_is_streamed(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    small = files.extxyz(tmp_path / "small", SMALL)
    one = files.extxyz(tmp_path, files.wrapped(files.breathing(n_frames=3, n_atoms=3000)))
    data = one.read_bytes()
    repeated = b"".join(data.replace(b"time_ps=", b"time_ps=%d" % (i + 1)) for i in range(60))
    big = tmp_path / "big.xyz"
    big.write_bytes(repeated)
    said = subprocess.run(
        [sys.executable, "-c", MEMORY, str(small), str(big)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    used = int(said.stdout) * 1024
    frames = 180 * 3000 * 24
    assert len(repeated) > 40e6
    # all positions and velocities would take 26 MB, the text 50 MB; blocks of 16 frames and the
    # pieces of text being looked at take some tens of MB, whatever the length
    assert used < 80e6, (used, frames)
