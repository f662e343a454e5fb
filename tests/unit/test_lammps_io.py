"""LAMMPS files: orientation there and back, half-written frames, strange logs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.lammps_data import AtomTypes, data_text, orient, restrict
from vitrolyte.data.io.lammps_frame import parse_frame
from vitrolyte.data.io.lammps_log import error_line, processor_seconds_per_step, thermo_rows
from vitrolyte.data.trajectory import structure
from vitrolyte.simulate.watch import closest_breach, lonely_atom


@given(st.integers(0, 10_000), st.booleans())
def test_any_cell_becomes_lower_triangular_and_comes_back(seed: int, left_handed: bool) -> None:
    rng = np.random.default_rng(seed)
    cell = 10 * np.eye(3) + rng.uniform(-8, 8, (3, 3))
    if abs(np.linalg.det(cell)) < 50:
        return
    if left_handed:
        cell = cell[[1, 0, 2]]
    found = orient(cell)
    assert (np.triu(found.restricted, 1) == 0).all()
    assert (np.diag(found.restricted) > 0).all()
    assert np.linalg.det(found.rotation) == pytest.approx(1.0)
    assert np.abs(np.linalg.det(found.lattice)) == pytest.approx(1.0)
    lx, ly, _ = np.diag(found.restricted)
    tilts = found.restricted[[1, 2, 2], [0, 0, 1]] / [lx, lx, ly]
    assert np.abs(tilts).max() <= 0.5 + 1e-9
    assert found.restore_cell(found.restricted) == pytest.approx(cell, abs=1e-9)
    vector = rng.normal(size=3)
    assert found.restore(vector @ found.rotation) == pytest.approx(vector)


def test_a_restricted_structure_stays_as_it_is_to_the_last_digit() -> None:
    cell = np.array([[10.1, 0, 0], [0.3, 11.7, 0], [-1.1, 2.3, 9.9]])
    positions = np.random.default_rng(1).uniform(-20, 20, (5, 3))
    turned, _ = restrict(structure(("Li",) * 5, positions, cell))
    assert (turned.positions[:] == positions).all()
    assert (turned.cells[0] == cell).all()


def test_a_flat_cell_is_refused() -> None:
    with pytest.raises(InputError, match="spans a volume"):
        orient(np.ones((3, 3)))


def test_every_element_of_the_potential_has_its_type() -> None:
    salt = structure(("Cl", "Li"), np.zeros((2, 3)), np.eye(3) * 5)
    text = data_text(salt, AtomTypes(("Li", "O", "Cl"), charged=True), tilted=True)
    assert "3 atom types" in text
    assert "0.0 0.0 0.0 xy xz yz" in text
    assert "1 3 0.0 0.0 0.0 0.0" in text
    with pytest.raises(InputError, match="also Cl"):
        AtomTypes(("Li",)).numbers(("Li", "Cl"))


def binary_frame(n_atoms: int = 3) -> bytes:
    """A frame laid out as LAMMPS's tools/binary2txt reads it, atoms in reverse order."""
    header = np.array([-10], "<i8").tobytes() + b"DUMPCUSTOM" + np.array([1, 2], "<i4").tobytes()
    header += np.array([70, n_atoms], "<i8").tobytes() + np.array([1, *[0] * 6], "<i4").tobytes()
    # bounding box of edges 10, 11, 12 with xy = 1, xz = -2, yz = 3
    header += np.array([-2, 11, 0, 14, 0, 12, 1, -2, 3], "<f8").tobytes()
    header += np.array([4, 0], "<i4").tobytes() + b"\0" + np.array([8], "<i4").tobytes()
    rows = np.array([[n_atoms - i, i, 2 * i, 3 * i] for i in range(n_atoms)], "<f8")
    return header + b"id x y z" + np.array([1, 4 * n_atoms], "<i4").tobytes() + rows.tobytes()


def test_a_frame_is_sorted_and_its_tilted_cell_rebuilt() -> None:
    frame = parse_frame(binary_frame(), columns=4)
    assert frame is not None
    assert frame.step == 70
    assert frame.cell == pytest.approx(np.array([[10, 0, 0], [1, 11, 0], [-2, 3, 12]]))
    assert frame.values.tolist() == [[2, 4, 6], [1, 2, 3], [0, 0, 0]]


def test_a_half_written_frame_is_no_frame_at_any_length() -> None:
    whole = binary_frame()
    assert all(parse_frame(whole[:cut], columns=4) is None for cut in range(len(whole)))


def test_something_else_is_no_frame() -> None:
    with pytest.raises(InputError, match="binary LAMMPS dump"):
        parse_frame(b"ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n")


def test_only_state_rows_of_a_log_are_read() -> None:
    log = """
   Step          Temp          Press          Volume         PotEng         KinEng
         0   60            -1164.1013       4251.528      -8.6444953      0.82985013    -10.9
WARNING: something
        10   nan           1.0              4251.528      -8.6            0.8           -10.0
Loop time of 0.581206 on 1 procs for 4000 steps with 108 atoms
        20   60 1 2 3"""
    first, second = thermo_rows(log.splitlines())
    assert (first.step, first.temperature, first.volume) == (0, 60.0, 4251.528)
    # 1 bar = 1e5 Pa = 1e-4 GPa
    assert first.pressure == pytest.approx(-0.11641013)
    assert np.isnan(second.temperature)
    assert error_line("x\nERROR: Lost atoms (src)\nLast command") == "ERROR: Lost atoms (src)"


@given(st.integers(0, 10_000))
def test_the_closest_breach_is_that_of_a_brute_force_search(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cell = np.array([[5.0, 0, 0], [2.0, 6.0, 0], [-2.0, 1.0, 7.0]])
    species = tuple(rng.choice(["Li", "O"], 12))
    positions = rng.uniform(-20, 20, (12, 3))
    safe = {"O-Li": 1.5, "Li-Li": 1.0}
    shifts = np.array(list(np.ndindex(5, 5, 5))) - 2
    home = (positions @ np.linalg.inv(cell) % 1.0) @ cell
    best = (1.0, (0, 0))
    for i in range(12):
        for j in range(i):
            key = "-".join(sorted({species[i], species[j]}, reverse=True))
            limit = {"O-Li": 1.5, "Li": 1.0, "O": 0.0}[key]
            distance = np.linalg.norm(home[i] - home[j] + shifts @ cell, axis=1).min()
            if limit and distance / limit < best[0]:
                best = (distance / limit, (j, i))
    found = closest_breach(positions, cell, species=species, safe=safe)
    if best[0] == 1.0:
        assert found is None
    else:
        assert found is not None
        assert tuple(sorted(found.atoms)) == best[1]
        assert found.distance / found.limit == pytest.approx(best[0])


def test_atoms_on_one_spot_are_a_breach() -> None:
    found = closest_breach(
        np.ones((2, 3)), np.eye(3) * 9, species=("Li", "Li"), safe={"Li-Li": 1.0}
    )
    assert found is not None
    assert found.distance == 0.0


def test_a_lonely_atom_is_found_across_the_boundary() -> None:
    cell = np.eye(3) * 20
    row = np.array([[0.5, 0, 0], [19.5, 0, 0], [1.5, 0, 0], [10, 10, 10]])
    assert lonely_atom(row, cell, reach=3.0, least=2) == 3
    assert lonely_atom(row[:3], cell, reach=3.0, least=2) is None
    assert lonely_atom(row[:1], np.eye(3) * 2.5, reach=3.0, least=2) is None


def test_the_time_of_a_step_is_the_last_run_s_own() -> None:
    earlier = (
        "Loop time of 9 on 1 procs for 10 steps with 60 atoms\n100.0% CPU use with 1 MPI tasks\n"
    )
    last = "Loop time of 4 on 1 procs for 200 steps with 60 atoms\n50.0% CPU use with 1 MPI tasks\n"
    assert processor_seconds_per_step(earlier + last) == pytest.approx(0.01)
    assert processor_seconds_per_step("a log cut off") is None
