"""The line of nuclei over temperature, narrowed by the motion that runs resolve."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.fitted import Fitter
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.observe.relaxation.narrowing import SecondMoment, kubo_anderson_width
from vitrolyte.observe.relaxation.time_law import Runs, checked, time_law, why_too_few

_DRAWN = 120
_TITLE = "Line width over temperature"
_ASSUMED = "all of the second moment of resting atoms averages to zero by this motion"


@dataclass(frozen=True, eq=False)
class NarrowedLine(Result):
    """How the dipolar line of nuclei narrows over temperature.

    Attributes
    ----------
    nucleus
        Which.
    onset
        Temperature at which the line is half as wide as that of atoms at rest, K.
    curves
        Full width at half maximum over temperature, kHz.
    """

    nucleus: str
    onset: Quantity
    curves: CurveSet

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the temperature at which the line narrows."""
        method = "Kubo-Anderson, second moment at rest, correlation times of runs"
        at = replace(sample, temperature_K=None)
        row = computed(at, "line_narrowing_temperature", self.onset, of=self.nucleus, method=method)
        return (row,)


def half_width_time(moment: float) -> float:
    r"""Return the correlation time at which a line is half as wide as at rest, s.

    .. math:: \Delta(\tau) = \Delta(\infty) / 2

    with the width of a line whose frequency wanders as a Gaussian process of second moment
    ``moment``, rad²/s² (Kubo and Tomita, https://doi.org/10.1143/JPSJ.9.888).
    """
    rigid = kubo_anderson_width(moment, 1e6 / math.sqrt(moment))
    scale = -math.log(math.sqrt(moment))

    def above(log_tau: float) -> float:
        return kubo_anderson_width(moment, math.exp(log_tau)) - 0.5 * rigid

    return math.exp(brentq(above, scale - 6.0, scale + 6.0))


def narrowed_line(runs: Runs, rigid: SecondMoment, fit: Fitter) -> NarrowedLine:
    """Return how motion narrows the line of nuclei, by the times of runs over temperature.

    The times follow Arrhenius' law through those of the slowest motion of each run; lines narrow
    at times of the order of 10 µs, far slower than any run, so that the place is an extrapolation
    and provisional.

    Parameters
    ----------
    runs
        Temperature, K, and relaxation of the same nucleus in each run.
    rigid
        Second moment of the atoms at rest.
    fit
        Finds the parameters of a model from a curve: ``infer.fit.fit``.

    Raises
    ------
    InputError
        If fewer than four temperatures are given or the nuclei differ.
    """
    name, reason = checked(runs), why_too_few(runs)
    if not reason and rigid.total.status == "refused":
        reason = rigid.total.note
    if reason:
        return NarrowedLine(name, Quantity.refused("K", reason), CurveSet(_TITLE, ()))
    law, moment = time_law(runs, fit), rigid.total.value
    onset = law.when(half_width_time(moment)).provisional(_ASSUMED)
    if onset.status == "refused":
        return NarrowedLine(name, onset, CurveSet(_TITLE, ()))
    temperatures = np.linspace(0.6, 1.8, _DRAWN) * onset.value
    widths = np.array([kubo_anderson_width(moment, t) for t in law.tau_s(temperatures)])
    curve = Curve(
        temperatures, 1e-3 * widths, Axis("temperature", "K"), Axis("line width", "kHz"), label=name
    )
    return NarrowedLine(name, onset, CurveSet(_TITLE, (curve,), log_y=True))
