"""The engine for a potential: LAMMPS, or the teacher itself."""

from __future__ import annotations

from vitrolyte.simulate import ase_md, lammps
from vitrolyte.simulate.order import Launch, Order, Run


def run(
    order: Order, launch: Launch | None = None, *, progress: lammps.Progress | None = None
) -> Run:
    """Carry out one segment by the engine that its potential needs.

    Parameters, return and errors are those of `simulate.lammps.run` and `simulate.ase_md.run`,
    which share them.
    """
    carry_out = ase_md.run if order.potential.kind == "teacher" else lammps.run
    return carry_out(order, launch, progress=progress)
