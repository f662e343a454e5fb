"""Selection: which of the frames at hand would teach a student most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from scipy.linalg import cholesky

from vitrolyte.infer.distil.cache import key_of
from vitrolyte.infer.distil.config import FitSettings
from vitrolyte.infer.distil.descriptors import Basis, Design
from vitrolyte.infer.distil.geometry import Array
from vitrolyte.infer.distil.novelty import most_novel
from vitrolyte.infer.distil.pod import Fit
from vitrolyte.infer.distil.regression import Solution, disagreement
from vitrolyte.potentials.teacher import Snapshot

T = TypeVar("T")
SHORTLIST = 2
"""Frames on the shortlist of the most novel, over the frames to be picked."""


def least_known(
    candidates: Sequence[Snapshot], fit: Fit, basis: Basis, *, count: int, settings: FitSettings
) -> list[int]:
    """Pick the frames that a student knows least, none twice.

    The most novel by distance of surroundings form a shortlist. From it frames are taken one after
    the other by the product of two doubts: how far the committee is apart on the frame's worst
    atom, and by how much its force rows would raise the determinant of the normal equations,
    given those taken before: ``log det(1 + A (A'A)^-1 A')`` (D-optimality).
    """
    known = [example.snapshot for example in fit.examples]
    elements = fit.student.elements
    single = list({key_of(one): place for place, one in enumerate(candidates)}.values())
    novel = most_novel(
        [candidates[place] for place in single], known, elements=elements, count=SHORTLIST * count
    )
    short = [single[index] for index in novel]
    designs = basis.designs([candidates[index] for index in short])
    doubts = np.array([disagreement(design, fit.committee) for design in designs])
    root, picked = fit.solution.root, list[int]()
    while len(picked) < min(count, len(short)):
        gains = [
            information(d, Solution(fit.solution.coefficients, root), settings) for d in designs
        ]
        scores = doubts * np.array(gains)
        scores[picked] = -1.0
        best = int(np.argmax(scores))
        picked.append(best)
        root = learned(root, designs[best], settings)
    return [short[index] for index in picked]


def in_turn(runs: Sequence[Sequence[T]], count: int, *, seed: int) -> list[T]:
    """Pick frames at random, one of each run in turn: what the runs are mostly made of.

    Unusual frames alone teach a student that the usual, which lie lower, are dearer than they are.
    """
    generator = np.random.default_rng(seed)
    shuffled = [generator.permutation(len(run)) for run in runs]
    turns = range(max((len(run) for run in runs), default=0))
    picked = [run[o[k]] for k in turns for run, o in zip(runs, shuffled) if k < len(run)]
    return picked[:count]


def information(design: Design, solution: Solution, settings: FitSettings) -> float:
    """Return half the gain of log det of the normal equations by a frame's force rows."""
    rows = design.forces / settings.force_error_eV_per_A
    halves = solution.whitened(rows)
    return 0.5 * float(np.linalg.slogdet(np.eye(len(rows)) + halves.T @ halves)[1])


def learned(root: Array, design: Design, settings: FitSettings) -> Array:
    """Return the root of the normal matrix once a frame's force rows are added."""
    rows = design.forces / settings.force_error_eV_per_A
    total = root @ root.T + rows.T @ rows
    scale = np.sqrt(np.diag(total))
    unit = total / np.multiply.outer(scale, scale) + 1e-12 * np.eye(len(scale))
    return np.asarray(cholesky(unit, lower=True) * scale[:, None])
