"""A change of phase seen in a volume or an enthalpy over temperature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from vitrolyte.data.curve import Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.model import Floats
from vitrolyte.data.posterior import Weighing
from vitrolyte.data.separable import ScatteredPoints, Separable
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
