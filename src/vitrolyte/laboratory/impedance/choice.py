"""Which circuit: physically ordered rivals, weighed by evidence."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import lgamma

import numpy as np
from scipy import special

from vitrolyte.data.model import Floats
from vitrolyte.infer.laplace import laplace_evidence
from vitrolyte.laboratory.impedance.information import inverse
from vitrolyte.laboratory.impedance.search import Minimum, Target, refined, search
from vitrolyte.laboratory.impedance.structure import Electrode, Structure

MOST_ARCS = 3
_DOUBT = 0.7
"""A logarithm with a larger standard error than this is not determined."""
_ADEQUATE = 0.05
"""Where noise alone would leave as much in more than this share of cases, arcs are enough for now;
one more is tried at the end all the same."""
_SPARING = float(np.log(10.0))
"""Each arc or electrode more is held for ten times less probable before the spectrum is seen."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """One structure at its best.

    Attributes
    ----------
    structure, minimum
        Which, and where.
    log_evidence
        Natural logarithm, up to a common constant; minus infinity where it is ruled out.
    reason
        Why it is ruled out; empty where it is not.
    """

    structure: Structure
    minimum: Minimum
    log_evidence: float
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Choice:
    """The candidates, the best first, and their probabilities."""

    candidates: tuple[Candidate, ...]

    @property
    def best(self) -> Candidate:
        """Return the most probable candidate."""
        return self.candidates[0]

    @property
    def probabilities(self) -> Floats:
        """Return the probability of each candidate among those that were tried, (m,)."""
        logs = np.array([one.log_evidence for one in self.candidates])
        if not np.isfinite(logs[0]):
            return np.where(np.arange(len(logs)) == 0, 1.0, 0.0)
        weights = np.exp(logs - logs[0])
        return np.asarray(weights / weights.sum())

    def arcs_probability(self) -> float:
        """Return the probability of as many arcs as the best has."""
        same = [len(one.structure.arcs) == len(self.best.structure.arcs) for one in self.candidates]
        return float(np.sum(self.probabilities[same]))


class Weighing:
    """Candidates of one spectrum, each searched once."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.found: dict[Structure, Candidate] = {}

    def candidate(self, structure: Structure) -> Candidate:
        """Return a structure at its best, with its evidence."""
        if structure not in self.found:
            found = _weighed(structure, self.target)
            self.found[structure] = found
            for place in _ideal(found):
                self.candidate(structure.without_exponent(place))
        return self.found[structure]

    def choice(self) -> Choice:
        """Return all candidates tried so far, the best first."""
        points = 2 * len(self.target.spectrum)

        def rank(one: Candidate) -> tuple[float, float]:
            # Where none is possible, the least bad by its misfit and size, and it will be doubted.
            size = one.structure.size * np.log(points)
            return -one.log_evidence, points * np.log(one.minimum.chi2) + size

        return Choice(tuple(sorted(self.found.values(), key=rank)))


def choose(target: Target, weighing: Weighing | None = None) -> Choice:
    r"""Weigh circuits for one spectrum and return them, the most probable first.

    With or without a resistance in series, blocking or not, with none to three arcs until they are
    enough, first; then
    the best of these with one thing changed: an inductive lead, a Warburg element as electrode, an
    arc more or less; until no change is for the better. An arc whose exponent runs to 1 gets a
    capacitor.

    .. math::

        \ln p(z | M) = -\tfrac{N}{2} \ln\chi^2 + \tfrac p2 \ln 2\pi + \tfrac12 \ln|\Sigma|
        - \sum_i \ln w_i + \ln k!

    is Laplace's approximation with the scale of the noise integrated out; priors are flat over
    widths :math:`w_i`: four and a half decades for what is measured in ohm or siemens, the
    window and a decade beyond it on either side for times, 0.4 to 1 for exponents; k arcs are
    taken in one order only. Beforehand each arc or
    electrode more is ten times less probable; leads cost nothing.
    """
    weighing = Weighing(target) if weighing is None else weighing
    for count in range(MOST_ARCS + 1):
        for structure in first_rivals(target, count):
            weighing.candidate(structure)
        if _adequate(weighing, target):
            break
    changed = True
    while changed:
        best = weighing.choice().best
        for structure in neighbours(best.structure):
            weighing.candidate(structure)
        changed = weighing.choice().best is not best
    return weighing.choice()


def _adequate(weighing: Weighing, target: Target) -> bool:
    """Return whether a candidate leaves no more than the noise that the linear test found."""
    points = 2 * len(target.spectrum)
    return any(
        one.log_evidence > -np.inf
        and special.fdtrc(points, points, one.minimum.chi2 / (points - one.structure.size))
        > _ADEQUATE
        for one in weighing.found.values()
    )


def first_rivals(target: Target, count: int) -> Iterator[Structure]:
    """Yield the circuits with so many arcs that are tried on every spectrum."""
    electrodes: tuple[Electrode, ...] = ("", "Q")
    for electrode in electrodes:
        for series in (False, True):
            one = Structure(False, series, ("RQ",) * count, electrode)
            if one.written and one.size < 1.5 * len(target.spectrum) and (count or series):
                yield one


def sharpened(choice: Choice, target: Target) -> Choice:
    """Return a choice whose best candidate has been searched from more starts, to the end."""
    best = choice.best
    minimum = refined(best.structure, target, best.minimum)
    _disordered(best.structure, minimum)
    return Choice((replace(best, minimum=minimum), *choice.candidates[1:]))


def neighbours(structure: Structure) -> Iterator[Structure]:
    """Yield the circuits that differ from one in a single thing."""
    yield replace(structure, inductive=not structure.inductive)
    if structure.arcs:
        yield replace(structure, series=not structure.series)
        yield replace(structure, arcs=structure.arcs[:-1], series=True)
    electrodes: tuple[Electrode, ...] = ("", "Q", "C", "W", "Wo", "Ws")
    for electrode in electrodes:
        if electrode != structure.electrode:
            yield replace(structure, electrode=electrode)
    if len(structure.arcs) < MOST_ARCS:
        yield replace(structure, arcs=(*structure.arcs, "RQ"))


def _weighed(structure: Structure, target: Target) -> Candidate:
    minimum = search(structure, target)
    low, high = structure.bounds(target.spectrum)
    reason = _ruled_out(structure, minimum, low, high, target)
    if reason:
        return Candidate(structure, minimum, -np.inf, reason)
    evidence = laplace_evidence(
        chi2=minimum.chi2,
        count=2 * len(target.spectrum),
        normal=minimum.normal,
        widths=prior_widths(structure, target),
    )
    evidence += lgamma(len(structure.arcs) + 1) - _SPARING * structure.counted
    return Candidate(structure, minimum, evidence)


def prior_widths(structure: Structure, target: Target) -> Floats:
    """Return the width of the flat prior of each coordinate, (p,)."""
    decade = np.log(10.0)
    window = decade * (target.spectrum.decades + 2.0)
    widths = np.full(structure.size, 4.5 * decade)
    for _, tau, n in structure.arc_places():
        widths[tau] = window
        if n >= 0:
            widths[n] = 0.6
    if structure.electrode == "Q":
        widths[-1] = 0.7
    if structure.electrode in ("Wo", "Ws"):
        widths[-1] = window
    return widths


def _ideal(candidate: Candidate) -> Iterator[int]:
    """Yield the arcs whose exponent ran to 1: a capacitor takes the place of the element.

    Only then: an exponent that is merely uncertain widens the intervals of the others.
    """
    for place, (_, _, n) in enumerate(candidate.structure.arc_places()):
        if n >= 0 and candidate.minimum.coordinates[n] >= 1.0 - 1e-9:
            yield place


def _ruled_out(
    structure: Structure, minimum: Minimum, low: Floats, high: Floats, target: Target
) -> str:
    """Return why a structure cannot be what the spectrum shows; empty where it can."""
    place, names = minimum.coordinates, structure.circuit.names
    at = np.flatnonzero((place <= low + 1e-9) | (place >= high - 1e-9))
    if len(at):
        return f"{names[at[0]]} runs to its bound"
    times = [place[tau] for _, tau, _ in structure.arc_places()]
    if any(b <= a for a, b in itertools.pairwise(times)):
        return _disordered(structure, minimum)
    variances = np.diag(inverse(minimum.normal))
    errors = np.sqrt(np.where(variances > 0.0, variances, np.inf))
    errors = errors * np.sqrt(max(1.0, minimum.chi2 / (2 * len(target.spectrum) - len(place))))
    worst = int(np.argmax(errors))
    if not errors[worst] < _DOUBT:
        return f"{names[worst]} is not determined"
    return ""


def _disordered(structure: Structure, minimum: Minimum) -> str:
    """Put arcs into the order of their times, in place; they are the same circuit."""
    places = structure.arc_places()
    if len(places) < 2:
        return ""
    if len(set(structure.arcs)) > 1:
        return "its arcs are not in the order of their times"
    width = len([k for k in places[0] if k >= 0])
    begin = structure.first_arc
    blocks = [np.arange(begin + k * width, begin + (k + 1) * width) for k in range(len(places))]
    order = np.argsort([minimum.coordinates[block[1]] for block in blocks])
    moved = np.arange(structure.size)
    moved[begin : begin + width * len(places)] = np.concatenate([blocks[k] for k in order])
    minimum.coordinates[:] = minimum.coordinates[moved]
    minimum.normal[:] = minimum.normal[np.ix_(moved, moved)]
    return ""
