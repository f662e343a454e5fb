"""Least squares of energies, forces and stresses together, and how sure its answer is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_solve, cholesky, solve_triangular

from vitrolyte.data.units import EV_PER_A3_TO_GPA
from vitrolyte.infer.distil.config import FitSettings
from vitrolyte.infer.distil.descriptors import VOIGT, Design
from vitrolyte.infer.distil.geometry import Array
from vitrolyte.potentials.teacher import Label

Flags = npt.NDArray[np.bool_]
TIGHTENINGS = 2
TIGHTER = 10.0
EASED = 0.25


@dataclass(frozen=True, eq=False)
class Rows:
    """Weighted rows of one configuration: ``matrix`` (k, m) times coefficients against ``target``.

    Every row is divided by the error that the student is forgiven there, so that all residuals
    are pure numbers of order one.
    """

    matrix: Array
    target: Array


@dataclass(frozen=True, eq=False)
class Solution:
    """Coefficients (m,), and the root of the weighted normal matrix, for what they do not know."""

    coefficients: Array
    root: Array

    def uncertainty(self, rows: Array) -> Array:
        """Return the spread of the answers to rows (k, m) that the data leave open, (k,).

        ``sqrt(a' (A'A + ridge)^-1 a)``: the standard deviation of a Bayesian linear model. A frame
        with a large one adds most to the determinant of A'A (D-optimality).
        """
        return np.asarray(np.linalg.norm(self.whitened(rows), axis=0))

    def whitened(self, rows: Array) -> Array:
        """Return rows (k, m) in units of what the data leave open, (m, k)."""
        return np.asarray(solve_triangular(self.root, rows.T, lower=True))


def weighted(
    design: Design, target: Label, *, settings: FitSettings, beneath: Label | None = None
) -> Rows:
    """Weigh the rows of one labelled configuration, less what charges say ``beneath`` the student.

    A row is forgiven a fixed error and a share of its own size; the energy of a configuration is
    forgiven in proportion to its forces, since a steep place is not met often. Charges change what
    is asked for and not how exactly, so that fits with and without them can be compared.
    """
    steep = float(np.sqrt(np.mean(np.square(target.forces))))
    strain = np.array([target.stress[i, j] for i, j in VOIGT])
    forces = target.forces.ravel()
    sizes = np.repeat(np.linalg.norm(target.forces, axis=1), 3)
    energy_error = settings.energy_error_eV * (1 + settings.steepness * steep) * len(target.forces)
    force_error = settings.force_error_eV_per_A + settings.relative_error * sizes
    stress_error = settings.stress_error_GPa / EV_PER_A3_TO_GPA + settings.relative_error * float(
        np.abs(strain).max()
    )
    matrix = np.vstack(
        [
            design.energy / energy_error,
            design.forces / force_error[:, None],
            design.stress / stress_error,
        ]
    )
    numbers = np.r_[target.energy / energy_error, forces / force_error, strain / stress_error]
    if beneath is not None:
        below = np.array([beneath.stress[i, j] for i, j in VOIGT])
        numbers -= np.r_[
            beneath.energy / energy_error,
            beneath.forces.ravel() / force_error,
            below / stress_error,
        ]
    return Rows(matrix, numbers)


@dataclass(frozen=True, eq=False)
class Normal:
    """Sums over configurations: ``A'A`` (m, m) and ``A'b`` (m,)."""

    square: Array
    right: Array


def gathered(rows: Iterable[Rows], weights: Array) -> list[Normal]:
    """Sum the normal equations of configurations, once for each set of weights (k, n).

    The rows are taken one configuration after the other, so that not all need be in memory.
    """
    sums: list[Normal] = []
    for place, row in enumerate(rows):
        square, right = row.matrix.T @ row.matrix, row.matrix.T @ row.target
        if not sums:
            sums = [Normal(np.zeros_like(square), np.zeros_like(right)) for _ in weights]
        for total, weight in zip(sums, weights[:, place]):
            if weight:
                np.add(total.square, weight * square, out=total.square)
                np.add(total.right, weight * right, out=total.right)
    return sums


def draws(examples: int, *, members: int, seed: int) -> Array:
    """Return weights (1 + members, examples): all once, then bootstrap resamples.

    The spread of the members' answers on a frame estimates what the choice of examples leaves
    open (B. Efron, doi:10.1214/aos/1176344552).
    """
    generator = np.random.default_rng(seed)
    chosen = generator.multinomial(examples, np.full(examples, 1 / examples), size=members)
    return np.asarray(np.vstack([np.ones(examples), chosen]), dtype=float)


def solve(normal: Normal, ridge: float) -> Solution:
    """Solve the normal equations with a ridge on coefficients scaled to unit columns.

    ``(A'A + ridge D) c = A'b`` with D the diagonal of A'A.
    """
    scale = np.sqrt(np.maximum(np.diag(normal.square), 1e-300))
    unit = normal.square / np.multiply.outer(scale, scale)
    unit[np.diag_indices_from(unit)] += ridge
    lower = cholesky(unit, lower=True)
    coefficients = cho_solve((lower, True), normal.right / scale) / scale
    return Solution(coefficients, lower * scale[:, None])


def solve_guarded(
    normals: Sequence[Normal], guards: Sequence[Rows], ridge: float, *, least: float
) -> list[Solution]:
    """Solve each set of normal equations together with guard rows, all of them in every set.

    Guards of the first set that are missed from below by more than ``least`` are asked for less,
    three quarters of ``least`` below their target, but ten times more firmly, and all is solved
    again, twice at most; the other sets are held as the first is.
    """
    if not guards:
        return [solve(normal, ridge) for normal in normals]
    held = Rows(np.vstack([g.matrix for g in guards]), np.concatenate([g.target for g in guards]))
    floor, weights = held.target - least, np.ones(len(held.target))
    for _ in range(TIGHTENINGS):
        first = solve(_with(normals[0], held, weights), ridge)
        low = held.matrix @ first.coefficients < floor
        if not low.any():
            break
        held.target[low] = floor[low] + EASED * least
        weights[low] *= TIGHTER
    return [solve(_with(normal, held, weights), ridge) for normal in normals]


def _with(normal: Normal, rows: Rows, weights: Array) -> Normal:
    matrix = rows.matrix * weights[:, None]
    return Normal(normal.square + rows.matrix.T @ matrix, normal.right + matrix.T @ rows.target)


def held_out_misses(
    rows: Callable[[float], Iterable[Rows]],
    scales: Sequence[float],
    held: Flags,
    settings: FitSettings,
) -> list[float]:
    """Fit at each scale of the charges to what is not held out; return the misses of the rest.

    A miss is the mean square over the held-out rows, in units of what each is forgiven. Charges
    change the right-hand sides alone, by the square of their scale, so that the sums at scales 0
    and 1 serve all. ``held`` has one flag for each configuration.
    """
    kept = np.where(held, 0.0, 1.0)[None]
    (bare,), (whole,) = gathered(rows(0.0), kept), gathered(rows(1.0), kept)
    rights = [bare.right + s**2 * (whole.right - bare.right) for s in scales]
    fits = [solve(Normal(bare.square, right), settings.ridge).coefficients for right in rights]
    misses: list[list[float]] = [[] for _ in scales]
    for out, without, full in zip(held, rows(0.0), rows(1.0)):
        for scale, found, missed in zip(scales, fits, misses):
            if out:
                target = without.target + scale**2 * (full.target - without.target)
                missed += np.square(without.matrix @ found - target).tolist()
    return [float(np.mean(missed)) for missed in misses]


def disagreement(design: Design, coefficients: Array) -> float:
    """Return how far a committee (members, m) is apart on a frame: its worst atom's force, eV/Å.

    Standard deviation over the members of each force component, root mean square over the three
    components, largest over atoms.
    """
    said = design.forces @ coefficients.T
    variance = said.var(axis=1).reshape(-1, 3).mean(axis=1)
    return float(np.sqrt(variance.max()))
