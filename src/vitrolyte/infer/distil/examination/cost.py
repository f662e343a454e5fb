"""What a student costs: processor time per atom and step of a melt of some hundred atoms."""

from __future__ import annotations

import numpy as np

from vitrolyte.data.io.lammps_log import processor_seconds_per_step
from vitrolyte.infer.distil.examination.exam import Exam, as_structure
from vitrolyte.infer.distil.examination.figures import Evidence
from vitrolyte.infer.distil.seeds import repeated
from vitrolyte.potentials.card import COST, TrustFigure
from vitrolyte.potentials.teacher import Snapshot
from vitrolyte.simulate.process import LOG
from vitrolyte.simulate.schedule import Segment

ATOMS = 400
STEPS = 200
MICRO = 1e-6


def cost_figures(exam: Exam, start: Snapshot) -> list[TrustFigure]:
    """Write down the processor time of one process on a melt; nothing where LAMMPS tells none."""
    step = exam.bench.settings.timestep_fs
    hot = exam.trial("melt").stages[-1].temperature_K[1]
    large = start
    while len(large.species) < ATOMS:
        large = repeated(large, _next(large))
    segment = Segment("cost", "nvt", STEPS * step / 1000, hot, step, velocities=True)
    exam.run(as_structure(large), segment, "cost")
    spent = processor_seconds_per_step((exam.folder / "cost" / LOG).read_text("utf-8"))
    if spent is None:
        return []
    by = Evidence(
        1,
        f"processor time of one process by LAMMPS's own clock, melt of {len(large.species)} atoms, "
        f"{STEPS} steps, start not included",
    )
    return [by.told(COST, "", spent / len(large.species) / MICRO, "µs")]


def _next(cell: Snapshot) -> tuple[int, int, int]:
    """Double the shortest edge."""
    edges = np.linalg.norm(cell.cell, axis=1)
    counts = [1, 1, 1]
    counts[int(np.argmin(edges))] = 2
    return (counts[0], counts[1], counts[2])
