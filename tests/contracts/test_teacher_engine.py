"""A teacher as an engine keeps the promises of LAMMPS, and moves atoms as LAMMPS does."""

import json
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from vitrolyte.data.elements import masses
from vitrolyte.data.errors import Breach, EngineError, InputError
from vitrolyte.data.trajectory import Trajectory, from_ase, structure
from vitrolyte.data.units import BOLTZMANN_EV_PER_K, EV_PER_A3_TO_GPA
from vitrolyte.potentials.potential import LammpsPair, Potential
from vitrolyte.potentials.teacher import Label, TeacherSpec
from vitrolyte.simulate import ase_md, engines, lammps
from vitrolyte.simulate.ase_md_motion import (
    Motion,
    State,
    drawn_velocities,
    kinetic_energy,
    motion_of,
)
from vitrolyte.simulate.order import Limits, Order, Run
from vitrolyte.simulate.schedule import Segment

FAKES = Path(__file__).parent / "teachers"
sys.path.append(str(FAKES))
from fake_teacher import SmoothArgon  # noqa: E402

# Rahman 1964 (doi:10.1103/PhysRev.136.A405): epsilon/k = 120 K, sigma = 3.4 Å.
ARGON = {"epsilon": 120 * BOLTZMANN_EV_PER_K, "sigma": 3.4, "cutoff": 5.0}


def spec(**changes: object) -> TeacherSpec:
    plain = {
        "name": "argon",
        "calculator": "fake_teacher:SmoothArgon",
        "arguments": ARGON,
        "python": Path(sys.executable),
        "threads": 1,
        "citation": "",
        "elements": ("Ar",),
    }
    return TeacherSpec(**(plain | changes))  # type: ignore[arg-type]


def potential(teacher: TeacherSpec | None = None) -> Potential:
    return Potential(
        name="argon",
        kind="teacher",
        elements=("Ar",),
        lammps=None,
        safe_distances={"Ar-Ar": 2.6},
        timestep_fs=20.0,
        card=None,
        citations=("doi:10.1103/PhysRev.136.A405",),
        digest="rahman-1964",
        teacher=teacher or spec(),
    )


IN_LAMMPS = replace(
    potential(),
    kind="classical",
    teacher=None,
    lammps=LammpsPair(
        "metal",
        "atomic",
        (),
        (
            f"pair_style lj/smooth/linear {ARGON['cutoff']}",
            f"pair_coeff 1 1 {ARGON['epsilon']!r} {ARGON['sigma']}",
        ),
    ),
)


@pytest.fixture(autouse=True)
def fakes_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(FAKES))


def crystal(a: float = 5.4) -> Trajectory:
    return from_ase(bulk("Ar", "fcc", a=a, cubic=True) * (2, 2, 2))


def moving(temperature_K: float = 60.0, *, skew: float = 0.0) -> Trajectory:
    """Return a crystal in a cell skewed at will, with velocities that every engine shares."""
    still = crystal()
    shear = np.eye(3) + skew * np.array([[0, 0, 0], [1.0, 0, 0], [-0.5, 0.7, 0]])
    speeds = drawn_velocities(masses(still.species), temperature_K, seed=3)
    return Trajectory(
        still.species,
        still.times,
        still.cells @ shear,
        np.asarray(still.read().positions @ shear),
        speeds[None],
    )


def segment(**changes: object) -> Segment:
    plain = {
        "name": "test",
        "ensemble": "nvt",
        "duration_ps": 0.5,
        "temperature_K": 60.0,
        "timestep_fs": 5.0,
        "frame_every_ps": 0.05,
    }
    return Segment(**(plain | changes))  # type: ignore[arg-type]


def order(folder: Path, *, start: Trajectory | None = None, **changes: object) -> Order:
    return Order(start or moving(), potential(), segment(**changes), seed=7, folder=folder)


def at_hand(start: Trajectory, **changes: object) -> tuple[Motion, State]:
    """Return a motion whose forces come from the calculator without a pipe."""
    calculator = SmoothArgon(**ARGON)

    def forces(positions: np.ndarray, cell: np.ndarray) -> Label:
        atoms = Atoms(list(start.species), positions, cell=cell, pbc=True)
        atoms.calc = calculator
        return Label(
            float(atoms.get_potential_energy()), atoms.get_forces(), atoms.get_stress(voigt=False)
        )

    motion = motion_of(segment(**changes), masses(start.species), forces)
    frame = start.read()
    assert frame.velocities is not None
    return motion, motion.start(frame.positions[0], frame.cells[0], frame.velocities[0])


# -- the equations of motion --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ensemble", "cell"),
    [
        ("nve", "isotropic"),
        ("nvt", "isotropic"),
        ("npt", "isotropic"),
        ("npt", "orthorhombic"),
        ("npt", "triclinic"),
    ],
)
def test_the_conserved_energy_errs_by_the_square_of_the_time_step(ensemble: str, cell: str) -> None:
    errors = []
    for step_fs in (16.0, 8.0):
        motion, state = at_hand(
            moving(skew=0.05), ensemble=ensemble, cell=cell, timestep_fs=step_fs, pressure_GPa=0.1
        )
        motion = replace(motion, thermostat_ps=0.4, barostat_ps=2.0)
        energies = [motion.conserved_energy(state)]
        for _ in range(round(1600 / step_fs)):
            state = motion.advance(state)
            energies.append(motion.conserved_energy(state))
        errors.append(np.std(energies))
    # A second-order reversible splitting keeps a shadow energy that differs by a term in dt²
    # (Hairer, Lubich & Wanner 2003, doi:10.1017/S0962492902000144): factor 4 at each halving, as
    # long as the trajectories stay together; the next term is of order dt⁴.
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.1)


def test_a_triclinic_cell_stays_restricted_and_gives_way_to_its_stress() -> None:
    motion, state = at_hand(moving(skew=0.05), ensemble="npt", cell="triclinic")
    before = state.cell
    for _ in range(200):
        state = motion.advance(state)
    assert (np.triu(state.cell, 1) == 0).all()
    assert abs(state.cell[1, 0]) < abs(before[1, 0])


@pytest.mark.parametrize("ensemble", ["nve", "nvt"])
def test_atoms_move_as_in_lammps(tmp_path: Path, ensemble: str) -> None:
    motion, state = at_hand(moving(), ensemble=ensemble)
    for _ in range(motion.segment.steps):
        state = motion.advance(state)
    plain = Order(moving(), IN_LAMMPS, motion.segment, seed=7, folder=tmp_path)
    theirs = lammps.run(plain).final.read()
    assert theirs.velocities is not None
    # Same equations and splitting; LAMMPS's Boltzmann constant and unit of energy are older by
    # 1e-6, which over 100 steps moves atoms by about 1e-6 of their 0.6 Å way.
    assert np.abs(state.positions - theirs.positions[0]).max() < 1e-5
    assert np.abs(state.velocities - theirs.velocities[0]).max() < 1e-4


def sample(duration_ps: float, **changes: object) -> tuple[np.ndarray, np.ndarray]:
    """Return temperature and volume of every tenth step, the first fifth left out."""
    motion, state = at_hand(moving(), duration_ps=duration_ps, timestep_fs=10.0, **changes)
    motion = replace(motion, barostat_ps=1.0)
    kept = []
    for _ in range(motion.segment.steps):
        state = motion.advance(state)
        if state.step % 10 == 0:
            kinetic = kinetic_energy(state.velocities, motion.masses)
            temperature = 2 * kinetic / (motion.freedom * BOLTZMANN_EV_PER_K)
            kept.append((temperature, state.volume))
    temperatures, volumes = np.array(kept[len(kept) // 5 :]).T
    return temperatures, volumes


def standard_error(series: np.ndarray, blocks: int = 10) -> float:
    """Standard error of a correlated mean from block averages."""
    means = [part.mean() for part in np.array_split(series, blocks)]
    return float(np.std(means, ddof=1) / np.sqrt(blocks))


def test_nvt_draws_temperatures_from_the_canonical_distribution() -> None:
    temperatures, _ = sample(50.0)
    # Student's t with 9 degrees of freedom: |t| < 4.78 in 999 of 1000 cases.
    assert abs(temperatures.mean() - 60.0) < 4.78 * standard_error(temperatures)
    assert standard_error(temperatures) < 2.0
    # var T / T² = 2 / (3N - 3): Lebowitz, Percus & Verlet 1967 (doi:10.1103/PhysRev.153.250).
    squares = (temperatures - 60.0) ** 2
    expected = 2 * 60.0**2 / (3 * crystal().n_atoms - 3)
    assert abs(squares.mean() - expected) < 4.78 * standard_error(squares)


def test_the_density_at_constant_pressure_is_that_of_lammps(tmp_path: Path) -> None:
    settings = {"ensemble": "npt", "pressure_GPa": 0.3}
    _, volumes = sample(50.0, **settings)
    long = segment(**settings, duration_ps=200.0, timestep_fs=10.0, frame_every_ps=10.0)
    done = lammps.run(Order(moving(), IN_LAMMPS, long, seed=7, folder=tmp_path))
    theirs = done.thermo.volume[len(done.thermo.volume) // 5 :]
    error = np.hypot(standard_error(volumes), standard_error(theirs))
    # Student's t with 9 degrees of freedom: |t| < 4.78 in 999 of 1000 cases.
    assert abs(volumes.mean() - theirs.mean()) < 4.78 * error
    assert error < 0.005 * theirs.mean()


# -- the engine ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(FAKES))
        asked = order(folder, duration_ps=1.0, store_velocities=True, ensemble="npt")
        return folder, engines.run(asked)


def test_a_run_leaves_every_frame_and_row(finished: tuple[Path, Run]) -> None:
    folder, done = finished
    assert done.trajectory.times == pytest.approx(np.arange(21) * 0.05)
    assert done.thermo.times == pytest.approx(np.arange(21) * 0.05)
    assert done.thermo.volume == pytest.approx(done.trajectory.volumes)
    last = done.trajectory.frame(-1).read()
    assert done.final.read().positions == pytest.approx(last.positions, abs=1e-5)
    assert done.final.read().velocities == pytest.approx(last.velocities, abs=1e-5)
    assert sorted(path.name for path in folder.iterdir()) == [
        "final.npz",
        "finished.json",
        "lock",
        "order.json",
        "thermo.csv",
        "trajectory.zarr",
    ]


def test_rows_hold_the_definitions_of_temperature_and_enthalpy(
    finished: tuple[Path, Run],
) -> None:
    thermo = finished[1].thermo
    freedom = 3 * crystal().n_atoms - 3
    expected = 0.5 * freedom * BOLTZMANN_EV_PER_K * thermo.temperature
    assert thermo.kinetic_energy == pytest.approx(expected)
    work = thermo.pressure * thermo.volume / EV_PER_A3_TO_GPA
    total = thermo.potential_energy + thermo.kinetic_energy + work
    assert thermo.enthalpy == pytest.approx(total)


def test_a_finished_folder_is_read_not_run(finished: tuple[Path, Run]) -> None:
    folder, done = finished
    asked = order(folder, duration_ps=1.0, store_velocities=True, ensemble="npt")
    nowhere = replace(asked, potential=potential(spec(python=Path("/no/such/python"))))
    assert (engines.run(nowhere).final.read().positions == done.final.read().positions).all()


def test_a_classical_potential_is_no_teacher(tmp_path: Path) -> None:
    wrong = replace(order(tmp_path), potential=IN_LAMMPS)
    with pytest.raises(InputError, match="needs a potential with one"):
        ase_md.run(wrong)


LONG = {
    "ensemble": "npt",
    "cell": "triclinic",
    "duration_ps": 2.0,
    "temperature_K": 90.0,
    "end_temperature_K": 60.0,
    "pressure_GPa": 0.3,
    "velocities": True,
    "store_velocities": True,
}


def child(folder: Path) -> subprocess.Popen[bytes]:
    """Start the long order in a Python of its own, with many checkpoints."""
    code = f"""
        import importlib.util
        from pathlib import Path
        spec = importlib.util.spec_from_file_location("engine_contract", {str(__file__)!r})
        contract = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(contract)
        contract.ase_md.CHECKPOINT_EVERY_S = 0.1
        contract.engines.run(contract.order(Path({str(folder)!r}), **contract.LONG))
    """
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stderr=subprocess.PIPE)


def checkpoint(folder: Path) -> int:
    path = folder / "state.json"
    return int(json.loads(path.read_text())["step"]) if path.exists() else 0


def test_a_killed_run_leaves_the_very_frames_of_an_undisturbed_one(tmp_path: Path) -> None:
    reached = 0
    for _ in range(2):
        process = child(tmp_path / "killed")
        while checkpoint(tmp_path / "killed") <= reached:
            assert process.poll() is None, process.communicate()[1].decode()
            time.sleep(0.01)
        reached = checkpoint(tmp_path / "killed")
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert 0 < reached < 400
    resumed = engines.run(order(tmp_path / "killed", **LONG))
    whole = engines.run(order(tmp_path / "whole", **LONG))
    for name in ("times", "cells", "positions", "velocities"):
        one, other = (getattr(run.trajectory.read(), name) for run in (resumed, whole))
        assert (one == other).all()
    assert (resumed.thermo.enthalpy == whole.thermo.enthalpy).all()
    assert (resumed.final.read().positions == whole.final.read().positions).all()


def test_a_watcher_names_the_atoms_and_the_time(tmp_path: Path) -> None:
    pair = structure(("Ar",) * 3, [[1, 1, 1], [7, 1, 1], [4, 20, 20]], np.eye(3) * 40)
    speeds = np.array([[[10.0, 0, 0], [-10.0, 0, 0], [0, 0, 0]]])
    start = Trajectory(pair.species, pair.times, pair.cells, pair.positions, speeds)
    limits = Limits((0, 1e9), (0, 1e99), {"Ar-Ar": 4.0})
    fly = segment(ensemble="nve", frame_every_ps=0.01, timestep_fs=1.0)
    with pytest.raises(Breach, match=r"Ar 0 and Ar 1 must keep 4\.00 Å apart") as caught:
        engines.run(Order(start, potential(), fly, seed=1, folder=tmp_path, limits=limits))
    # Free flight closes 6 to 4 Å in 0.1 ps; attraction (0.01 eV of 4 eV) changes that by 0.3 %.
    assert 0.1 <= caught.value.time_ps <= 0.12
    assert set(caught.value.atoms) == {0, 1}
    assert not (tmp_path / "finished.json").exists()


def faulty(folder: Path, *faults: str) -> TeacherSpec:
    for number, fault in enumerate(faults):
        (folder / f"fault-{number}").write_text(fault)
    return spec(calculator="fake_teacher:Faulty", arguments={"marks": str(folder)})


def test_a_teacher_that_dies_once_is_started_anew(tmp_path: Path) -> None:
    short = {"duration_ps": 0.05, "start": moving()}
    well = engines.run(
        replace(order(tmp_path / "well", **short), potential=potential(faulty(tmp_path)))
    )
    teacher = faulty(tmp_path, "die")
    ill = engines.run(replace(order(tmp_path / "ill", **short), potential=potential(teacher)))
    assert not list(tmp_path.glob("fault-*"))
    assert (ill.final.read().positions == well.final.read().positions).all()


def test_a_teacher_that_dies_twice_leaves_the_structure(tmp_path: Path) -> None:
    teacher = faulty(tmp_path, "die", "die")
    asked = replace(order(tmp_path / "run"), potential=potential(teacher))
    with pytest.raises(
        EngineError, match="status 7, twice; last words: the teacher's last"
    ) as caught:
        engines.run(asked)
    assert caught.value.folder == tmp_path / "run"
    (saved,) = (tmp_path / "run" / "refused").iterdir()
    assert str(saved) in str(caught.value)
