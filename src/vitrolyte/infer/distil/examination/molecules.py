"""Whether what is bound stays bound: hydrogen on its oxygen through the student's runs."""

from __future__ import annotations

import numpy as np

from vitrolyte.infer.distil.examination.exam import Sitting
from vitrolyte.infer.distil.examination.figures import Evidence
from vitrolyte.infer.distil.seeds import HELD_A, held_hydrogen
from vitrolyte.potentials.card import TrustFigure
from vitrolyte.potentials.teacher import Snapshot

LEAST_HELD = 0.99


def hydrogen_figures(sitting: Sitting, timestep_fs: float) -> list[TrustFigure]:
    """Write down the share of hydrogen atoms that sit alone on another atom; none without any."""
    frames = [frame for frame in sitting.frames if "H" in frame.species]
    if not frames:
        return []
    by = Evidence(
        len(frames),
        f"share of hydrogen atoms within {HELD_A:g} Å of another element's atom that holds no "
        f"second one, over the student's run with steps of {timestep_fs:g} fs",
    )
    share = float(np.mean([held_alone(frame) for frame in frames]))
    return [by.above(LEAST_HELD, "hydrogen_held", sitting.phase, share, "1")]


def held_alone(frame: Snapshot) -> float:
    """Return the share of hydrogen atoms that have a holder of their own."""
    held = held_hydrogen(frame)
    _, which, count = np.unique(held.holder, return_inverse=True, return_counts=True)
    return float(np.sum(count[which] == 1)) / frame.species.count("H")
