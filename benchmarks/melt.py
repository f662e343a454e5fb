"""The melt of 500 atoms on which everybody's cost per atom and step is measured."""

from __future__ import annotations

from benchmarks.race import workspace
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.matter.prototypes import crystal
from vitrolyte.matter.supercell import supercell
from vitrolyte.potentials.shelf import find
from vitrolyte.simulate.lammps import run
from vitrolyte.simulate.order import Launch, Order, Run
from vitrolyte.simulate.schedule import Segment

TEMPERATURE_K = 1500.0
MELTING_K = 2500.0


def melt(repeat: tuple[int, int, int], duration_ps: float) -> Trajectory:
    """Melt Li3OCl with the shipped student: expanded by a tenth in volume, far too hot at first."""
    unit = crystal("Li3OCl", "antiperovskite", lattice_parameter_A=4.05)
    molten = student_run(supercell(unit, repeat), duration_ps, temperature_K=MELTING_K).final
    return student_run(molten, duration_ps).final


def segment(duration_ps: float, temperature_K: float = TEMPERATURE_K) -> Segment:
    """Return the run at constant volume in which costs are measured."""
    return Segment(
        "melt",
        "nvt",
        duration_ps,
        temperature_K,
        find(("Li", "O", "Cl")).timestep_fs,
        frame_every_ps=min(0.1, duration_ps),
        velocities=True,
    )


def student_run(
    start: Trajectory,
    duration_ps: float,
    *,
    temperature_K: float = TEMPERATURE_K,
    processes: int = 1,
) -> Run:
    """Run the shipped student from a structure."""
    potential = find(("Li", "O", "Cl"))
    part = segment(duration_ps, temperature_K)
    return run(Order(start, potential, part, 1, workspace() / "run"), Launch(processes=processes))
