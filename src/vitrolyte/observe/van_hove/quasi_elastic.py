"""Quasi-elastic width against wave number: diffusion by small steps or by jumps of one length."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import NotConverged
from vitrolyte.data.fitted import Fitter
from vitrolyte.data.model import Model, Parameter
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.units import A2_PER_PS_TO_CM2_PER_S
from vitrolyte.observe.spread import Spread
from vitrolyte.observe.van_hove.relaxation import PS_TO_S, Decay

Floats = NDArray[np.float64]

HBAR_MEV_PS = 0.6582119569
"""Reduced Planck constant, meV ps (CODATA 2018)."""

_FEWEST_WIDTHS = 4
_SHORTEST_A, _LONGEST_A = 0.3, 15.0
_WIDE = 0.5
_ONE_KIND = 0.85
_Q2 = Axis("q²", "1/Å²")
_WIDTH = Axis("quasi-elastic half width", "meV")


def chudley_elliott(q: Floats, parameters: Floats) -> Floats:
    r"""Return the logarithm of the width of jumps of one length in any direction.

    .. math:: \Gamma(q) = \frac{\hbar}{\tau_0} \left[1 - \frac{\sin q l}{q l}\right],
        \qquad D = l^2 / 6 \tau_0

    which goes over into D q² at small q l.

    Parameters
    ----------
    q
        (n,), 1/Å.
    parameters
        (2,): ln D, D in Å²/ps; ln l, l in Å.

    References
    ----------
    Chudley & Elliott, Proc. Phys. Soc. 77, 353 (1961),
    https://doi.org/10.1088/0370-1328/77/2/319
    """
    log_d, log_length = parameters
    x = q * np.exp(log_length)
    share = np.where(x < 1e-2, x**2 / 6.0 * (1.0 - x**2 / 20.0), 1.0 - np.sin(x) / x)
    return np.asarray(log_d + np.log(6.0 * share) - 2.0 * log_length)


@dataclass(frozen=True, eq=False)
class JumpDiffusion(Result):
    """Jumps of one species from its quasi-elastic width.

    Attributes
    ----------
    species
        Whose.
    jump_length, residence_time
        l, Å, and tau_0, s; refused where the width does not bend away from D q².
    diffusivity
        cm²/s, from the same widths.
    widths
        Half width at half maximum of the quasi-elastic line, hbar over the mean time of the slow
        decay, against q², with Chudley and Elliott's law and with D q².
    """

    species: str
    jump_length: Quantity
    residence_time: Quantity
    diffusivity: Quantity
    widths: CurveSet

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return jump length, residence time and diffusivity."""
        of, method = self.species, "width of F_s(q, t), Chudley-Elliott"
        return (
            computed(sample, "hop_length", self.jump_length, of=of, method=method),
            computed(sample, "residence_time", self.residence_time, of=of, method=method),
            computed(sample, "tracer_diffusivity", self.diffusivity, of=of, method=method),
        )


def jump_diffusion(
    species: str, q: Floats, decays: tuple[Decay, ...], fit: Fitter
) -> JumpDiffusion:
    """Return what the slow decay at several wave numbers tells of the jumps.

    Parameters
    ----------
    q
        (n,), 1/Å.
    decays
        At each wave number; refused ones are left out.
    """
    usable = [k for k, one in enumerate(decays) if one.log_mean is not None]
    if len(usable) < _FEWEST_WIDTHS:
        reason = f"{len(usable)} wave numbers with a decay, fewer than {_FEWEST_WIDTHS}"
        widths = CurveSet(_title(species), ())
        return _without(species, reason, widths)
    spreads = [one.log_mean for one in decays if one.log_mean is not None]
    logs = _stacked(spreads)
    points = Curve(q[usable], logs.value, Axis("q", "1/Å"), Axis("ln width", ""), logs.error)
    try:
        values = _fitted(points, fit)
    except NotConverged as fault:
        return _without(species, f"no jump law fits: {fault.required}", _curves(species, points))
    moved = logs.influenced(values, _response(points, values))
    return _doubted(_described(species, points, moved), [decays[k].beta.value for k in usable])


def _doubted(found: JumpDiffusion, beta: list[float]) -> JumpDiffusion:
    """Return the jumps marked provisional where the decay is not that of one kind of jump."""
    if min(beta) >= _ONE_KIND:
        return found
    reason = f"the decay is stretched, beta = {min(beta):.2g}: jumps of more than one kind"
    return replace(
        found,
        jump_length=found.jump_length.provisional(reason),
        residence_time=found.residence_time.provisional(reason),
        diffusivity=found.diffusivity.provisional(reason),
    )


def _title(species: str) -> str:
    return f"Quasi-elastic width of {species}"


def _without(species: str, reason: str, widths: CurveSet) -> JumpDiffusion:
    length, time, d = (Quantity.refused(unit, reason) for unit in ("Å", "s", "cm²/s"))
    return JumpDiffusion(species, length, time, d, widths)


def _stacked(logs: list[Spread]) -> Spread:
    """Return the logarithms of the rates at all wave numbers together, 1/ps."""
    return Spread(
        -np.array([one.value for one in logs]),
        -np.stack([one.without_ions for one in logs], axis=1),
        -np.stack([one.without_time for one in logs], axis=1),
    )


def _fitted(points: Curve, fit: Fitter) -> Floats:
    y = np.asarray(points.y, dtype=float)
    d = float(y[0] - 2.0 * np.log(points.x[0]))
    low, high = np.log(_SHORTEST_A), np.log(_LONGEST_A)
    parameters = (
        Parameter("log_diffusivity", d, "1"),
        Parameter("log_length", float(np.log(2.0)), "1", float(low), float(high)),
    )
    found = fit(Model(chudley_elliott, parameters), points).parameters
    return np.array([found["log_diffusivity"].value, found["log_length"].value])


def _response(points: Curve, values: Floats) -> Floats:
    assert points.y_error is not None
    step = 1e-5
    slopes = np.stack(
        [
            (chudley_elliott(points.x, values + step * unit)
             - chudley_elliott(points.x, values - step * unit)) / (2.0 * step)
            for unit in np.eye(2)
        ],
        axis=1,
    )  # fmt: skip
    weighted = slopes / points.y_error[:, None] ** 2
    return np.asarray(np.linalg.pinv(slopes.T @ weighted) @ weighted.T)


def _described(species: str, points: Curve, moved: Spread) -> JumpDiffusion:
    length = moved.at(1).logarithmic("Å")
    residence = moved.through(lambda p: np.asarray(2.0 * p[1] - p[0] - np.log(6.0)))
    curves = _curves(species, points, moved.value)
    unclear = not length.high - length.low < 2.0 * _WIDE * length.value
    if unclear or length.value < 1.05 * _SHORTEST_A or length.value > 0.95 * _LONGEST_A:
        reason = "the width does not bend away from D q² beyond its error: no jump length"
        no_length, no_time = Quantity.refused("Å", reason), Quantity.refused("s", reason)
        return JumpDiffusion(species, no_length, no_time, _diffusivity(moved), curves)
    time = residence.logarithmic("s").scaled(PS_TO_S, "s")
    return JumpDiffusion(species, length, time, _diffusivity(moved), curves)


def _diffusivity(moved: Spread) -> Quantity:
    number = moved.at(0).logarithmic("Å²/ps")
    return number.scaled(A2_PER_PS_TO_CM2_PER_S, "cm²/s")


def _curves(species: str, points: Curve, values: Floats | None = None) -> CurveSet:
    y = HBAR_MEV_PS * np.exp(np.asarray(points.y, dtype=float))
    assert points.y_error is not None
    found = Curve(points.x**2, y, _Q2, _WIDTH, y * points.y_error, species)
    if values is None:
        return CurveSet(_title(species), (found,), points=(species,))
    q = np.linspace(0.02, 1.05, 200) * float(points.x[-1])
    law = HBAR_MEV_PS * np.exp(chudley_elliott(q, values))
    near = q < 1.3 * float(points.x[len(points.x) // 2])
    fick = HBAR_MEV_PS * np.exp(values[0]) * q[near] ** 2
    lines = (
        Curve(q**2, law, _Q2, _WIDTH, label="Chudley-Elliott"),
        Curve(q[near] ** 2, fick, _Q2, _WIDTH, label="D q²"),
    )
    return CurveSet(_title(species), (found, *lines), points=(species,))
