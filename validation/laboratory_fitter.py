"""The fitter on NIST's problems, its intervals, and those of steady currents and densities."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from scipy import stats

from validation.check import Check
from validation.nist_strd import NAMES, digits, exact_derivatives, load
from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.measurement import Conditions, Measurement
from vitrolyte.data.model import Floats, Model, Parameter
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.weighing import Immersions
from vitrolyte.infer.fit import FitSettings, fit
from vitrolyte.infer.joint import joint_fit
from vitrolyte.laboratory.conductivity_series import ConductivitySettings, conductivity_series
from vitrolyte.laboratory.density import DensitySettings, measured_density
from vitrolyte.laboratory.steady_current import steady_current

COMMAND = "make validate"
X, Y = Axis("x", ""), Axis("y", "")


def coverage_bounds(count: int) -> tuple[float, float]:
    """Return between which shares a true 95 % lies in 99 % of counts."""
    low, high = stats.binom.ppf([0.005, 0.995], count, 0.95) / count
    return float(low), float(high)


def nist_checks() -> list[Check]:
    """Return the fewest correct digits of values and errors over all problems and both starts."""
    values, errors = [], []
    settings = FitSettings(undetermined="refuse")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        for name in NAMES:
            problem = load(name)
            for start in (0, 1):
                model = problem.model(start)
                model = replace(model, jacobian=exact_derivatives(problem.equation))
                found = fit(model, problem.curve(), settings=settings)
                values.append(digits(found.model.values, problem.values))
                spread = np.sqrt(np.diag(found.covariance))
                if name != "Lanczos1":
                    errors.append(digits(spread, problem.errors))
    return [
        Check.within(
            f"fewest correct digits of NIST's certified {what}, {count} fits",
            11.0,
            min(found),
            bounds=(6.0, 16.0),
            command=COMMAND,
        )
        for what, found, count in (
            ("values", values, len(values)),
            ("standard errors", errors, len(errors)),
        )
    ]


def decay(t: Floats, p: Floats) -> Floats:
    return np.asarray(p[0] * np.exp(-t / p[1]) + p[2])


def slopes(t: Floats, p: Floats) -> Floats:
    fall = np.exp(-t / p[1])
    return np.stack([fall, p[0] * fall * t / p[1] ** 2, np.ones_like(t)], axis=1)


DECAY = Model(
    decay,
    (
        Parameter("height", 2.0, "1", logarithmic=True),
        Parameter("tau", 1.0, "1", logarithmic=True),
        Parameter("level", 0.0, "1"),
    ),
    slopes,
)
TRUTH = {"height": 3.0, "tau": 0.7, "level": 0.4}


def decaying(seed: int, count: int = 40, noise: float = 0.1) -> Curve:
    t = np.linspace(0.02, 3.0, count)
    y = decay(t, np.array(list(TRUTH.values())))
    rng = np.random.default_rng(seed)
    return Curve(t, y + noise * rng.normal(size=count), X, Y, np.full(count, noise))


def fit_coverage(settings: FitSettings, seeds: range, known: bool = True) -> float:
    """Return the share of intervals of a decay that hold the truth."""
    held = []
    for seed in seeds:
        curve = decaying(seed)
        curve = curve if known else replace(curve, y_error=None)
        found = fit(DECAY, curve, settings=settings).parameters
        held += [found[n].low <= truth <= found[n].high for n, truth in TRUTH.items()]
    return float(np.mean(held))


def joint_coverage(seeds: range) -> float:
    """Return the share of intervals that hold the truth where curves share a time."""
    held = []
    for seed in seeds:
        curves = [decaying(1000 * seed + k, count=25, noise=0.1 * (1 + k)) for k in range(3)]
        found = joint_fit([(DECAY, curve) for curve in curves], ["tau"])
        tau = found.shared["tau"]
        held.append(tau.low <= TRUTH["tau"] <= tau.high)
        for part in found.parts:
            number = part.parameters["height"]
            held.append(number.low <= TRUTH["height"] <= number.high)
    return float(np.mean(held))


Transient = Callable[[Floats], Floats]
TRANSIENTS: dict[str, Transient] = {
    "one exponential": lambda t: np.asarray(np.exp(-t / 500.0)),
    "two exponentials": lambda t: np.asarray(0.7 * np.exp(-t / 120.0) + 0.3 * np.exp(-t / 900.0)),
    "a stretched exponential": lambda t: np.asarray(np.exp(-((t / 200.0) ** 0.6))),
    "t^-1/2": lambda t: np.asarray((t / 10.0) ** -0.5),
}


def transient(seed: int, kind: str, noise: float = 0.03) -> Measurement:
    """Return a current that falls from ten times its steady value of 1 nA, 1 h in 600 points."""
    t = np.linspace(6.0, 3600.0, 600)
    rng = np.random.default_rng(seed)
    current = 1e-9 * (1.0 + 9.0 * TRANSIENTS[kind](t) + noise * rng.normal(size=len(t)))
    curve = Curve(t, current, Axis("time", "s"), Axis("current", "A"))
    return Measurement(curve, Conditions(voltage_V=0.1), file=kind)


def steady_coverage(kind: str, seeds: range) -> float:
    """Return the share of steady currents whose interval holds 1 nA, among those not refused."""
    numbers = [steady_current(transient(seed, kind)).steady for seed in seeds]
    return _share([one for one in numbers if one.status != "refused"], 1e-9)


def density_coverage(seeds: range) -> float:
    """Return the share of densities by Archimedes whose interval holds the truth."""
    truth, volume, liquid, gas = 2.31, 0.4, 0.789, 0.0012041
    found = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        offset = 0.002 * rng.normal()
        air = (truth - gas) * volume + 2e-4 * rng.normal(size=4)
        wet = (truth - liquid) * volume + 2e-4 * rng.normal(size=4)
        readings = Immersions(air, wet, np.full(4, 293.15))
        told = Quantity.normal(liquid + offset, 0.002, "g/cm³")
        found.append(measured_density(readings, DensitySettings(liquid=told)).density)
    return _share(found, truth)


def energy_coverage(seeds: range) -> float:
    """Return the share of measured activation energies whose interval holds the truth."""
    t = np.linspace(298.15, 373.15, 8)
    truth, found = 0.36, []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        sigma = 3e5 / t * np.exp(-truth / (8.617333262e-5 * t))
        sigma = sigma * np.exp(0.04 * rng.normal(size=len(t)))
        curve = Curve(t, sigma, Axis("temperature", "K"), Axis("conductivity", "S/cm"))
        series = conductivity_series([Measurement(curve)], ConductivitySettings())
        found.append(series.samples[0].phases[0].energy)
    return _share(found, truth)


def _share(numbers: list[Quantity], truth: float) -> float:
    return float(np.mean([one.low <= truth <= one.high for one in numbers]))


Counted = Callable[[range], float]


def coverages() -> dict[str, tuple[Counted, int]]:
    """Return every count of coverage, and the share of the seeds that it takes."""
    drawn = FitSettings(bootstrap=200, resampling="errors")
    found: dict[str, tuple[Counted, int]] = {
        "densities by Archimedes": (density_coverage, 1),
        "intervals of a decay by curvature": (partial(fit_coverage, FitSettings()), 1),
        "the same, errors not known": (partial(fit_coverage, FitSettings(), known=False), 1),
        "a joint fit": (joint_coverage, 1),
        "activation energies": (energy_coverage, 1),
        "a decay by profile": (partial(fit_coverage, FitSettings(intervals="profile")), 1),
        "a decay by bootstrap of errors": (partial(fit_coverage, drawn), 4),
    }
    return found | {
        f"steady currents after {kind}": (partial(steady_coverage, kind), 1) for kind in TRANSIENTS
    }


def checks(count: int = 200) -> Iterator[Check]:
    """Return every check of this module."""
    yield from nist_checks()
    for name, (counted, share) in coverages().items():
        seeds = range(count // share)
        # Parameters of one fit are not independent: the bounds are those of whole fits.
        yield Check.within(
            f"coverage of {name}, {len(seeds)} seeds",
            0.95,
            counted(seeds),
            bounds=coverage_bounds(len(seeds)),
            command=COMMAND,
        )
