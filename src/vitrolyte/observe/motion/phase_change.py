"""A change of phase seen in a volume or an enthalpy over temperature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.model import Floats
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.posterior import Weighing
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.separable import ScatteredPoints, Separable
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.blocks import block_average
from vitrolyte.observe.motion.temperature_points import Transition

_FEWEST = 6
_CELLS, _CELLS_IN_GAP = 60, 5
_POSITIVE_EVIDENCE = float(np.log(3.0))


def phase_change(
    curve: Curve,
    weigh: Callable[[Sequence[Separable], ScatteredPoints], Weighing],
    *,
    false_alarm: float = 0.05,
) -> Transition | None:
    """Return where a volume or enthalpy jumps or bends, or None where a line describes it.

    A straight line in T is weighed against two lines that meet (a glass transition) and two with
    a step between them (melting, a transition of first order); it is given up only where chance
    would favour the others as much in less than ``false_alarm`` of all cases.

    Parameters
    ----------
    curve
        (n,), anything extensive or specific against T in K, at six temperatures or more.
    weigh
        ``infer.evidence.weigh``.

    Raises
    ------
    InputError
        If x is not in K, or there are too few temperatures.
    """
    t = np.unique(curve.x)
    if curve.x_axis.unit != "K" or len(t) < _FEWEST:
        raise InputError(
            f"A change of phase is sought in a curve over T in K at {_FEWEST} temperatures or more",
            received=f"{len(t)} values over {curve.x_axis.label}",
        )
    y = np.asarray(curve.y, dtype=float)
    points = ScatteredPoints(curve.x, y, curve.y_error, np.zeros_like(y))
    weighing = weigh(_laws(t, float(np.std(y)) or 1.0), points)
    best = int(np.argmax(weighing.log_factors))
    if weighing.p_value >= false_alarm or weighing.log_factors[best] <= _POSITIVE_EVIDENCE:
        return None
    place, name = weighing.posteriors[best].shape("K"), weighing.posteriors[best].model.name
    return Transition(f"{name} of the {curve.y_axis.name}", place.low, place.high)


@dataclass(frozen=True, eq=False)
class PhaseWatch(Result):
    """Whether the volumes of several runs say that a phase changed between them.

    Attributes
    ----------
    found
        Whether a line through them is given up.
    described
        What was found, or why nothing could be, in words.
    low_K, high_K
        Between which temperatures it changed; NaN without a change.
    curves
        Volume per atom over temperature.
    """

    found: bool
    described: str
    low_K: float
    high_K: float
    curves: CurveSet

    @property
    def transitions(self) -> tuple[Transition, ...]:
        """Return the change, as something that no line is drawn across."""
        return (Transition(self.described, self.low_K, self.high_K),) if self.found else ()

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the row of the temperature at which the phase changed, where one did."""
        if not self.found:
            return ()
        middle = 0.5 * (self.low_K + self.high_K)
        number = Quantity(middle, "K", low=self.low_K, high=self.high_K).provisional(
            "seen in volumes of separate runs, without nucleation in mind"
        )
        at = replace(sample, temperature_K=None)
        return (computed(at, "transition_temperature", number, of="volume", method=self.described),)


def watch_volumes(
    runs: Sequence[tuple[float, Trajectory]],
    weigh: Callable[[Sequence[Separable], ScatteredPoints], Weighing],
) -> PhaseWatch:
    """Return whether a phase changed between runs, by their volumes.

    Parameters
    ----------
    runs
        Temperature, K, and trajectory.
    weigh
        ``infer.evidence.weigh``.
    """
    values = [
        (t, block_average(run.volumes / len(run.species), "Å³").value)
        for t, run in runs
        if run.n_frames
    ]
    known = sorted((t, value) for t, value in values if np.isfinite(value))
    x, y = np.array(known, dtype=float).reshape(-1, 2).T
    curve = Curve(x, y, Axis("temperature", "K"), Axis("volume per atom", "Å³"), label="runs")
    curves = CurveSet("Volumes of the runs", (curve,), points=("runs",))
    if len(np.unique(x)) < _FEWEST:
        few = f"a change of phase is not looked for below {_FEWEST} temperatures"
        return PhaseWatch(False, few, np.nan, np.nan, curves)
    change = phase_change(curve, weigh)
    if change is None:
        return PhaseWatch(False, "one line describes the volumes", np.nan, np.nan, curves)
    return PhaseWatch(True, change.name, change.low_K, change.high_K, curves)


def _laws(t: Floats, size: float) -> list[Separable]:
    """Return a line and its rivals; a change may be as large as the whole range of y."""
    middle, bend = float(np.mean(t)), size / float(np.ptp(t)) * 4.0
    gaps = [np.linspace(low, high, _CELLS_IN_GAP + 1)[1:] for low, high in pairwise(t[1:-1])]

    def columns(temperature_K: Floats, shapes: Floats, count: int) -> Floats:
        flat = np.ones((len(shapes), len(temperature_K)))
        past = temperature_K[None, :] > shapes[:, None]
        hinge = np.where(past, temperature_K[None, :] - shapes[:, None], 0.0)
        every = (flat, flat * (temperature_K - middle), hinge, past.astype(float))
        return np.stack(every[:count], axis=2)

    free = (np.inf, np.inf)
    return [
        Separable("line", lambda x, s: columns(x, s, 2), np.empty(0), free),
        Separable(
            "bend",
            lambda x, s: columns(x, s, 3),
            np.linspace(t[1], t[-2], _CELLS + 1),
            (*free, bend),
            continuous=True,
        ),
        Separable(
            "jump",
            lambda x, s: columns(x, s, 4),
            np.concatenate([t[1:2], *gaps]),
            (*free, bend, size),
        ),
    ]
