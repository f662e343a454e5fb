"""Several spectra of one sample fitted together: capacitances and exponents they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import lgamma
from typing import Literal

import numpy as np

from vitrolyte.data.model import Floats
from vitrolyte.infer.laplace import laplace_evidence
from vitrolyte.laboratory.impedance.choice import prior_widths
from vitrolyte.laboratory.impedance.fitted import CircuitFit
from vitrolyte.laboratory.impedance.information import inverse
from vitrolyte.laboratory.impedance.search import Target
from vitrolyte.laboratory.impedance.search_kernels import normal_equations
from vitrolyte.laboratory.impedance.structure import Structure

Tie = Literal["constant", "linear"]
_MOST_STEPS = 60
_GAIN = 1e-9
_MOST_DAMPING = 1e10
_LONGEST_STEP = 1.0
_SCATTER = 0.7
_MORE_STARTS = 2
_SAME = 1e-5
_SLOPE_WIDTH = 1.5
"""Prior width of a change over the range of temperatures, of ln C; of exponents a fifth."""


@dataclass(frozen=True, eq=False)
class Ties:
    """How the coordinates of each spectrum follow from common unknowns, u_s = B_s v + b.

    Attributes
    ----------
    structure
        The circuit of all.
    maps
        (s, p, k), the B_s.
    widths
        (k,), prior widths of the unknowns.
    exponents
        Places of the unknowns that are exponents at the middle temperature.
    tie
        Whether what is shared is constant or linear in 1/T.
    """

    structure: Structure
    maps: Floats
    widths: Floats
    exponents: tuple[int, ...]
    tie: Tie

    def coordinates(self, unknowns: Floats) -> Floats:
        """Return the coordinates (s, p) of all spectra."""
        return np.asarray(self.maps @ unknowns)


@dataclass(frozen=True, eq=False)
class JointFit:
    """A structure fitted to all spectra of a series.

    Attributes
    ----------
    ties
        What they share.
    unknowns
        (k,).
    chi2
        (s,), of each spectrum.
    normal
        (k, k).
    log_evidence
        As that of one spectrum, comparable between structures and ties.
    share, starts
        Share of the starts that came to this minimum, and their number.
    """

    ties: Ties
    unknowns: Floats
    chi2: Floats
    normal: Floats
    log_evidence: float
    share: float = 1.0
    starts: int = 1

    def fits(self, targets: Sequence[Target]) -> list[CircuitFit]:
        """Return the fit of each spectrum with the covariance that the series gives it."""
        count = sum(2 * len(target.spectrum) for target in targets)
        freedom = float(count - len(self.unknowns))
        covariance = inverse(self.normal) * float(np.sum(self.chi2)) / freedom
        places = self.ties.coordinates(self.unknowns)
        return [
            CircuitFit(
                self.ties.structure.circuit,
                target,
                place,
                b @ covariance @ b.T,
                freedom,
                float(chi2),
                self.share,
                self.starts,
            )
            for target, place, b, chi2 in zip(
                targets, places, self.ties.maps, self.chi2, strict=True
            )
        ]


def ties(structure: Structure, targets: Sequence[Target], x: Floats, tie: Tie) -> Ties:
    """Return how spectra at places x (s,), from -1 to 1 in 1/T, are tied.

    Resistances and the size of the electrode are each spectrum's own. Capacitances of the arcs,
    by ln C = ln tau - ln R, and all exponents are common: the same at all temperatures, or
    linear in 1/T. So is the inductance of the leads.
    """
    builder = _Builder(structure, len(targets), x, tie)
    builder.build(prior_widths(structure, targets[0]))
    return builder.finished()


class _Builder:
    """Collects unknowns and the columns that lead from them to coordinates."""

    def __init__(self, structure: Structure, count: int, x: Floats, tie: Tie) -> None:
        self.structure, self.count, self.x, self.tie = structure, count, x, tie
        self.columns: list[Floats] = []
        self.widths: list[float] = []
        self.exponents: list[int] = []

    def build(self, widths: Floats) -> None:
        structure = self.structure
        if structure.inductive:
            self.common([0], widths[0])
        if structure.series:
            self.own([int(structure.inductive)], widths[int(structure.inductive)])
        for r, tau, n in structure.arc_places():
            self.own([r, tau], widths[r])
            self.shared(tau, widths[tau], _SLOPE_WIDTH)
            if n >= 0:
                self.exponents.append(len(self.columns))
                self.shared(n, widths[n], 0.2 * _SLOPE_WIDTH)
        if structure.electrode:
            place = structure.electrode_place
            self.own([place], widths[place])
            if structure.electrode == "Q":
                self.exponents.append(len(self.columns))
                self.shared(place + 1, widths[place + 1], 0.2 * _SLOPE_WIDTH)
            elif structure.electrode in ("Wo", "Ws"):
                self.own([place + 1], widths[place + 1])

    def own(self, places: Sequence[int], width: float) -> None:
        """Add an unknown of each spectrum."""
        for number in range(self.count):
            column = np.zeros((self.count, self.structure.size))
            column[number, list(places)] = 1.0
            self._add(column, width)

    def common(self, places: Sequence[int], width: float) -> None:
        """Add one unknown for all."""
        column = np.zeros((self.count, self.structure.size))
        column[:, list(places)] = 1.0
        self._add(column, width)

    def shared(self, place: int, width: float, change: float) -> None:
        """Add one unknown for all and, where the tie is linear, its change with 1/T."""
        self.common([place], width)
        if self.tie == "linear":
            column = np.zeros((self.count, self.structure.size))
            column[:, place] = self.x
            self._add(column, change)

    def _add(self, column: Floats, width: float) -> None:
        self.columns.append(column)
        self.widths.append(float(width))

    def finished(self) -> Ties:
        maps = np.stack(self.columns, axis=2)
        return Ties(self.structure, maps, np.array(self.widths), tuple(self.exponents), self.tie)


def fit_jointly(tied: Ties, targets: Sequence[Target], start: Floats) -> JointFit:
    """Lead the unknowns of a series from coordinates (s, p) of its spectra to a minimum.

    Levenberg and Marquardt on the sum over spectra of :math:`B_s^T (J^T J)_s B_s`.
    """
    unknowns = _projected(tied, start)
    chi2, normal, pull = _assembled(tied, targets, unknowns)
    damping, quiet = 1e-3, 0
    for _ in range(_MOST_STEPS):
        if quiet >= 2 or damping > _MOST_DAMPING:
            break
        lifted = normal + damping * np.diag(np.maximum(np.diag(normal), 1e-12))
        step = -np.linalg.solve(lifted, pull)
        step *= min(1.0, _LONGEST_STEP / max(float(np.max(np.abs(step))), 1e-300))
        trial = _bounded(tied, unknowns + step)
        new, new_normal, new_pull = _assembled(tied, targets, trial)
        gain = float(np.sum(chi2) - np.sum(new)) / float(np.sum(chi2))
        if gain > 0.0:
            quiet = quiet + 1 if gain < _GAIN else 0
            unknowns, chi2, normal, pull = trial, new, new_normal, new_pull
            damping = max(0.2 * damping, 1e-10)
        else:
            quiet += abs(gain) < _GAIN
            damping *= 6.0
    structure = tied.structure
    evidence = laplace_evidence(
        chi2=float(np.sum(chi2)),
        count=sum(2 * len(target.spectrum) for target in targets),
        normal=normal,
        widths=tied.widths,
    )
    # As for one spectrum: arcs stand in one order, and elements have to be paid for, once each.
    evidence += lgamma(len(structure.arcs) + 1) - float(np.log(10.0)) * structure.counted
    return JointFit(tied, unknowns, chi2, normal, evidence)


def confirmed(best: JointFit, targets: Sequence[Target]) -> JointFit:
    """Return the best of a joint fit and of fits from starts scattered about it.

    Each unknown is moved by a factor of about two, exponents by 0.05; the draws are always the
    same.
    """
    random = np.random.default_rng(0)
    spread = np.full(len(best.unknowns), _SCATTER)
    spread[list(best.ties.exponents)] = 0.05
    found = [best]
    for _ in range(_MORE_STARTS):
        moved = best.unknowns + spread * random.standard_normal(len(spread))
        start = best.ties.coordinates(_bounded(best.ties, moved))
        found.append(fit_jointly(best.ties, targets, start))
    sums = np.array([np.sum(one.chi2) for one in found])
    lowest = found[int(np.argmin(sums))]
    share = float(np.mean(sums < sums.min() * (1.0 + _SAME)))
    return replace(lowest, share=share, starts=len(found))


def _assembled(
    tied: Ties, targets: Sequence[Target], unknowns: Floats
) -> tuple[Floats, Floats, Floats]:
    places = tied.coordinates(unknowns)
    found = [
        normal_equations(
            tied.structure.circuit.operations,
            target.log_omega,
            target.spectrum.impedance,
            target.weights,
            place,
        )
        for target, place in zip(targets, places, strict=True)
    ]
    normals = np.stack([one[1] for one in found])
    pulls = np.stack([one[2] for one in found])
    halfway = np.matmul(normals, tied.maps)
    k = len(unknowns)
    flat = tied.maps.reshape(-1, k)
    return (
        np.array([one[0] for one in found]),
        flat.T @ halfway.reshape(-1, k),
        flat.T @ pulls.reshape(-1),
    )


def _projected(tied: Ties, start: Floats) -> Floats:
    """Return the unknowns closest to coordinates (s, p)."""
    flat = tied.maps.reshape(-1, tied.maps.shape[2])
    return _bounded(tied, np.asarray(np.linalg.lstsq(flat, start.reshape(-1))[0], dtype=float))


def _bounded(tied: Ties, unknowns: Floats) -> Floats:
    found = unknowns.copy()
    places = list(tied.exponents)
    found[places] = np.clip(found[places], 0.3, 1.0)
    return found


def started(
    structure: Structure, single: Sequence[Floats], errors: Sequence[Floats], x: Floats
) -> Floats:
    """Return coordinates (s, p) to begin with, from fits (s, p) of the single spectra.

    Capacitances and exponents are weighted means of those that are known; where a resistance is
    not, it is taken from a straight line of its logarithm over 1/T through the others.

    Parameters
    ----------
    errors
        (s, p) standard errors.
    """
    values, spread = np.stack(single), np.clip(np.stack(errors), 1e-3, 1e3)
    found = values.copy()
    for r, tau, n in structure.arc_places():
        found[:, r] = _line(x, values[:, r], spread[:, r])
        size = values[:, tau] - values[:, r]
        error = np.hypot(spread[:, tau], spread[:, r])
        found[:, tau] = found[:, r] + _mean(size, error)
        if n >= 0:
            found[:, n] = np.clip(_mean(values[:, n], spread[:, n]), 0.4, 1.0)
    return found


def _mean(values: Floats, errors: Floats) -> float:
    weights = 1.0 / (errors**2 + 1e-4)
    centre = float(np.sum(weights * values) / np.sum(weights))
    # A median among the well known keeps one strange spectrum from deciding.
    known = errors <= 3.0 * np.median(errors)
    return float(np.median(values[known])) if np.sum(known) >= 3 else centre


def _line(x: Floats, values: Floats, errors: Floats) -> Floats:
    """Return values, those that are badly known by a line through the others."""
    known = errors < 0.3
    if np.sum(known) < 2 or np.ptp(x[known]) == 0.0:
        return values
    line = np.polyval(np.polyfit(x[known], values[known], 1), x)
    near = np.abs(values - line) < 1.0
    return np.where(known & near, values, line)
