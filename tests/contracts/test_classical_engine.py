"""Ions with shells keep every promise of the engine; nobody sees the shells."""

import json
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk

from vitrolyte.data.errors import Breach, InputError
from vitrolyte.data.trajectory import Trajectory, from_ase, structure
from vitrolyte.potentials import shelf
from vitrolyte.potentials.potential import Potential
from vitrolyte.simulate.lammps import run
from vitrolyte.simulate.order import Launch, Order
from vitrolyte.simulate.schedule import Segment

OXIDE = """
name = "oxide"
kind = "classical"
elements = ["Li", "O"]
timestep_fs = 1.0
cutoff_A = 6.0
citations = ["none"]
source = "made for tests: like the shipped oxide, with a short reach"
charges = { Li = 1.0, O = -2.0 }
coulomb = { accuracy = 1e-4, cutoff_A = 6.0 }
pairs = [
  { between = ["Li", "O"], A_eV = 632.1018, rho_A = 0.2906 },
  { between = ["O", "O"], A_eV = 22764.3, rho_A = 0.149, C_eV_A6 = 27.89 },
]
[shells.O]
charge = -2.86
spring_eV_A2 = 74.92
"""


def potential(folder: Path) -> Potential:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "potential.toml").write_text(OXIDE)
    return shelf.read(folder)


def crystal() -> Trajectory:
    """24 ions of antifluorite Li2O in a rhombohedral cell."""
    atoms = bulk("OLiLi", "fluorite", a=4.6) * (2, 2, 2)
    atoms.rattle(0.02, seed=1)
    return from_ase(atoms)


def segment(**changes: object) -> Segment:
    plain = {
        "name": "test",
        "ensemble": "nvt",
        "duration_ps": 0.1,
        "temperature_K": 300.0,
        "timestep_fs": 0.5,
        "frame_every_ps": 0.01,
        "velocities": True,
        "store_velocities": True,
    }
    return Segment(**(plain | changes))  # type: ignore[arg-type]


def order(folder: Path, *, start: Trajectory | None = None, **changes: object) -> Order:
    model = potential(folder.parent / "oxide")
    return Order(start or crystal(), model, segment(**changes), seed=7, folder=folder)


def test_frames_state_and_last_hold_atoms_only(tmp_path: Path) -> None:
    done = run(order(tmp_path / "run"))
    assert done.trajectory.n_atoms == 24
    assert done.trajectory.species == crystal().species
    assert done.trajectory.n_frames == 11
    assert done.final.n_atoms == 24
    frames = done.trajectory.read()
    # the first frame is where the atoms were put, up to the turn of the cell: all distances are
    start = crystal().read().positions[0]
    apart = [np.linalg.norm(xyz[:, None] - xyz, axis=-1) for xyz in (frames.positions[0], start)]
    assert apart[0] == pytest.approx(apart[1], abs=1e-5)
    # 69 degrees of freedom of 24 atoms without their centre of mass, none of the shells;
    # velocities were drawn to the very temperature
    assert done.thermo.temperature[0] == pytest.approx(300.0, rel=1e-5)
    # Boltzmann's constant as CODATA has it; LAMMPS's is 1.1e-6 larger
    assert done.thermo.kinetic_energy == pytest.approx(
        0.5 * 69 * 8.617333262e-5 * done.thermo.temperature, rel=2e-6
    )
    velocities = frames.velocities
    assert velocities is not None
    mass = np.array([6.94 if symbol == "Li" else 15.999 for symbol in crystal().species])
    # 1 u Å²/ps² = 1.0364270e-4 eV (CODATA 2018)
    energies = 0.5 * 1.0364270e-4 * np.einsum("i,fik,fik->f", mass, velocities, velocities)
    wanted = np.interp(frames.times, done.thermo.times, done.thermo.kinetic_energy)
    assert energies == pytest.approx(wanted, rel=1e-4)


def test_a_shell_follows_its_core_and_takes_up_little_heat(tmp_path: Path) -> None:
    done = run(order(tmp_path / "run", ensemble="nve", duration_ps=0.3))
    total = done.thermo.potential_energy + done.thermo.kinetic_energy
    # an adiabatic run: what moves between atoms and shells stays far below the heat of the atoms
    assert np.abs(total - total[0]).max() < 0.01 * done.thermo.kinetic_energy[0]


def test_two_processes_find_the_same_frames_as_one(tmp_path: Path) -> None:
    changes = {"duration_ps": 0.01, "ensemble": "npt", "cell": "triclinic"}
    one = run(order(tmp_path / "one", **changes))
    two = run(order(tmp_path / "two", **changes), Launch(processes=2))
    assert np.abs(one.final.read().positions - two.final.read().positions).max() < 1e-7


def test_a_chain_of_segments_goes_on_smoothly(tmp_path: Path) -> None:
    whole = run(order(tmp_path / "whole", ensemble="nve"))
    first = run(order(tmp_path / "first", ensemble="nve", duration_ps=0.05))
    second = run(
        order(
            tmp_path / "second",
            start=first.final,
            ensemble="nve",
            duration_ps=0.05,
            velocities=False,
        )
    )
    # shells begin at rest around their atoms instead of where they trailed behind: a step of the
    # energy far below the thermal one, and the same path for as long as ions do not forget
    assert np.abs(second.final.read().positions - whole.final.read().positions).max() < 1e-3
    energies = [one.thermo.potential_energy + one.thermo.kinetic_energy for one in (first, second)]
    assert abs(energies[1][0] - energies[0][-1]) < 0.01 * first.thermo.kinetic_energy[0]


# -- cut off and resumed ------------------------------------------------------------------------

LONG = {"duration_ps": 1.2, "ensemble": "npt", "temperature_K": 300.0, "frame_every_ps": 0.01}


def child(folder: Path) -> subprocess.Popen[bytes]:
    code = f"""
        import importlib.util
        from pathlib import Path
        spec = importlib.util.spec_from_file_location("contract", {str(__file__)!r})
        contract = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(contract)
        contract.run(contract.order(Path({str(folder)!r}), **contract.LONG))
    """
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stderr=subprocess.PIPE)


def wait_for(process: subprocess.Popen[bytes], arrived: Callable[[], bool]) -> None:
    while not arrived():
        assert process.poll() is None, process.communicate()[1].decode()
        time.sleep(0.02)


def test_a_killed_run_goes_on_and_arrives(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = child(folder)
    wait_for(process, (folder / "state.json").exists)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    checkpoint = json.loads((folder / "state.json").read_text())["step"]
    done = run(order(folder, **LONG))
    assert f"read_restart restart.{checkpoint}" in (folder / "in.lammps").read_text()
    assert "minimize" not in (folder / "in.lammps").read_text()
    assert done.trajectory.times == pytest.approx(np.arange(121) * 0.01)
    steps = np.abs(np.diff(done.trajectory.read().positions, axis=0))
    # no jump at the seam: in 10 fs at 300 K a Li atom flies sqrt(kT/m) t = 0.06 Å per axis
    assert steps.max() < 6 * 0.06
    assert done.trajectory.n_atoms == 24


# -- refusals -----------------------------------------------------------------------------------


def test_a_charged_cell_is_refused_with_its_charge(tmp_path: Path) -> None:
    whole = crystal()
    lost = structure(whole.species[1:], whole.read().positions[0][1:], whole.cells[0])
    with pytest.raises(InputError, match=r"neutral cell.*\+2 e in all"):
        order(tmp_path / "run", start=lost)


def test_ions_over_the_barrier_are_stopped_before_they_fall(tmp_path: Path) -> None:
    whole = crystal()
    places = whole.read().positions[0].copy()
    oxygen = [i for i, symbol in enumerate(whole.species) if symbol == "O"]
    places[oxygen[1]] = places[oxygen[0]] + [0.7, 0.0, 0.0]
    fallen = structure(whole.species, places, whole.cells[0])
    with pytest.raises(Breach, match=r"must keep 0\.80 Å apart"):
        run(order(tmp_path / "run", start=fallen))
