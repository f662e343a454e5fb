"""Speed of molecular dynamics with the shipped potential, and what watching and storing cost."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from benchmarks.race import Contestant, Race, Shot, Work, timed
from vitrolyte.data.io.files import write_text
from vitrolyte.data.io.lammps_data import data_text, restrict
from vitrolyte.data.io.lammps_log import thermo_rows
from vitrolyte.matter.prototypes import crystal
from vitrolyte.matter.supercell import supercell
from vitrolyte.potentials.shelf import find
from vitrolyte.simulate.folder import RunFolder
from vitrolyte.simulate.lammps import run
from vitrolyte.simulate.order import Launch, Order
from vitrolyte.simulate.process import LOG, SCRIPT, complete
from vitrolyte.simulate.schedule import Segment
from vitrolyte.simulate.script import FRAMES, START, copy_files, run_script, types_of

_MICRO = 1e-6
Carry = Callable[[Order, Launch], float]


def races(*, tiny: bool) -> tuple[Race, ...]:
    """Return the races of 320 and 625 atoms."""
    if tiny:
        return (_race(2, duration_ps=0.02, rounds=1),)
    return (_race(4, duration_ps=1.0, rounds=3), _race(5, duration_ps=0.5, rounds=3))


def _race(repeat: int, *, duration_ps: float, rounds: int) -> Race:
    example = _order(repeat, duration_ps, Path("example"))
    atoms, steps = example.structure.n_atoms, example.segment.steps
    one, two = Launch(processes=1), Launch(processes=2)
    contestants = (
        Contestant("Vitrolyte, 1 process", partial(_alone, example, through_ours, one)),
        Contestant("bare LAMMPS, 1 process", partial(_alone, example, bare, one)),
        Contestant("Vitrolyte, 2 processes", partial(_alone, example, through_ours, two)),
        Contestant("bare LAMMPS, 2 processes", partial(_alone, example, bare, two)),
        Contestant("Vitrolyte, two runs of 1 process side by side", partial(_beside, example)),
    )
    return Race(
        job=f"NPT of Li3OCl at 1000 K: {atoms} atoms, {steps} steps, a frame every "
        f"{example.segment.frame_steps}, start-up included",
        unit="µs per atom and step",
        answer="potential energy at the end, eV/atom",
        contestants=contestants,
        rounds=rounds,
        per=atoms * steps * _MICRO,
    )


def _order(repeat: int, duration_ps: float, folder: Path) -> Order:
    potential = find(("Li", "O", "Cl"))
    unit = crystal("Li3OCl", "antiperovskite", lattice_parameter_A=3.91)
    segment = Segment(
        "benchmark",
        "npt",
        duration_ps,
        1000.0,
        potential.timestep_fs,
        frame_every_ps=min(0.1, duration_ps),
        velocities=True,
    )
    return Order(supercell(unit, (repeat,) * 3), potential, segment, 1, folder)


def _moved(order: Order, folder: str) -> Order:
    return Order(order.structure, order.potential, order.segment, order.seed, Path(folder))


def _alone(order: Order, carry: Carry, launch: Launch) -> Work:
    def work() -> float:
        with tempfile.TemporaryDirectory() as folder:
            return carry(_moved(order, folder), launch)

    return timed(work)


def _beside(order: Order) -> Work:
    """Return two equal runs at once; the time of the pair counts half for each."""

    def work() -> float:
        with ThreadPoolExecutor(2) as pool:
            both = [pool.submit(_alone(order, through_ours, Launch())) for _ in range(2)]
            return next(one.result().answer for one in both)

    measured = timed(work)

    def halved() -> Shot:
        shot = measured()
        return Shot(shot.value / 2.0, shot.answer)

    return halved


def through_ours(order: Order, launch: Launch) -> float:
    """Run an order as every study does; return the last potential energy, eV/atom."""
    done = run(order, launch)
    return float(done.thermo.potential_energy[-1]) / order.structure.n_atoms


def bare(order: Order, launch: Launch) -> float:
    """Run the same LAMMPS input with nobody reading along."""
    start, _ = restrict(order.structure)
    folder = order.folder
    (folder / FRAMES).mkdir()
    write_text(folder / START, data_text(start, types_of(order.potential), tilted=False))
    copy_files(order.pair, folder)
    every = RunFolder(order).checkpoint_steps
    write_text(folder / SCRIPT, run_script(order, restart=None, checkpoint_steps=every))
    complete(folder, launch)
    rows = thermo_rows((folder / LOG).read_text(encoding="utf-8").splitlines())
    return rows[-1].potential_energy / order.structure.n_atoms
