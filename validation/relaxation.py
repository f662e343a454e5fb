"""Spin relaxation: how often intervals hold the truth, and what theory gives exactly.

Run ``python -m validation.relaxation`` (or with the number of runs and words of the case names).
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
from scipy.signal import lfilter

from validation.check import Check
from validation.coverage import Coverage
from vitrolyte.data.nuclei import nucleus
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.infer.fit import fit
from vitrolyte.observe.relaxation.couplings import RelaxationSettings
from vitrolyte.observe.relaxation.peak_fit import fit_peak
from vitrolyte.observe.relaxation.peak_model import RateSeries
from vitrolyte.observe.relaxation.processes import Process
from vitrolyte.observe.relaxation.rates import (
    condition,
    dipolar_factor,
    quadrupolar_factor,
    terms,
)
from vitrolyte.observe.relaxation.relaxation import Relaxation, relaxation, relaxation_of_tensors

RUNS = 400
LOW, HIGH = 0.92, 0.98
PS = 1e-12
FIELD_T, LOCK_kHz = 11.74, 20.0
Floats = np.ndarray
Truths = dict[str, tuple[Quantity, float]]
SETTINGS = RelaxationSettings(fields_T=(FIELD_T,), spin_locks_kHz=(LOCK_kHz,))


def tensors(components: Floats) -> Floats:
    """Return traceless tensors (..., 3, 3) of five components (..., 5) of the same square."""
    root = np.sqrt(2.0)
    c = np.moveaxis(components, -1, 0)
    zz, difference = c[1] / np.sqrt(1.5), c[0] * root
    found = np.zeros((*c.shape[1:], 3, 3))
    found[..., 0, 0], found[..., 1, 1] = (difference - zz) / 2, (-difference - zz) / 2
    found[..., 2, 2] = zz
    for value, (a, b) in zip(c[2:], ((0, 1), (0, 2), (1, 2))):
        found[..., a, b] = found[..., b, a] = value / root
    return found


def decaying(seed: int, shape: tuple[int, ...], tau_steps: float) -> Floats:
    """Return stationary Gaussian series of unit variance that forget exponentially, along 0."""
    random = np.random.default_rng(seed)
    memory = np.exp(-1.0 / tau_steps)
    pushes = random.normal(size=shape)
    pushes[1:] *= np.sqrt(1.0 - memory**2)
    return np.asarray(lfilter([1.0], [1.0, -memory], pushes, axis=0))


def switching(seed: int, shape: tuple[int, int], tau_steps: float) -> Floats:
    """Return series of +1 and -1 that switch at random with a correlation time, (frames, n)."""
    random = np.random.default_rng(seed)
    flips = random.random(shape) < 0.5 * (1.0 - np.exp(-1.0 / tau_steps))
    flips[0] = random.random(shape[1]) < 0.5
    return np.asarray(1.0 - 2.0 * (np.cumsum(flips, axis=0) % 2))


def rotor(seed: int, shape: tuple[int, int], tau_steps: float) -> Floats:
    """Return unit vectors (frames, n, 3) that turn by small random angles, 1 / 6 D = tau.

    In ten small steps for each frame; the decay of C2 in a step is corrected to be exact.
    """
    random = np.random.default_rng(seed)
    fine, (frames, n) = 10, shape
    angle = np.sqrt(2.0 / (6.0 * tau_steps * fine))
    now = random.normal(size=(n, 3))
    now /= np.linalg.norm(now, axis=1, keepdims=True)
    found = np.empty((frames, n, 3))
    for frame in range(frames):
        found[frame] = now
        for _ in range(fine):
            now = now + np.cross(angle * random.normal(size=(n, 3)), now)
            now /= np.linalg.norm(now, axis=1, keepdims=True)
    return found


def _truths(found: Relaxation, coupling: float, tau_steps: float) -> (
    Truths
):  # fmt: skip
    """Return the rates and times with what sampled exponential decay gives exactly (step 1 ps)."""
    one = nucleus(found.nucleus)
    memory = np.exp(-1.0 / tau_steps)

    def density(omega: Floats) -> Floats:
        x = 1.0 - 2.0 * memory * np.cos(omega * PS) + memory**2
        return np.asarray(PS * (1.0 - memory**2) / x)

    truths: Truths = {}
    for kind in ("R1", "R1rho"):
        at = condition(kind, one, FIELD_T, LOCK_kHz)
        weights, omega = terms("like", at)
        truths[kind] = (found.rates[at.label], coupling * float(weights @ density(omega)))
    truths["slow time"] = (found.slow_time, tau_steps * PS)
    truths["slow coupling"] = (found.slow_coupling, coupling)
    return truths


def gaussian_gradients(seed: int) -> Truths:
    """Field gradients of 16 ions that forget in 1/60 of the run."""
    series = decaying(seed, (600, 16, 5), 10.0)
    found = relaxation_of_tensors(tensors(series), "7Li", step_ps=1.0, settings=SETTINGS)
    return _truths(found, 5.0 * quadrupolar_factor(nucleus("7Li"), 1.0), 10.0)


def short_run(seed: int) -> Truths:
    """Field gradients of 30 ions that forget in 1/16 of the run."""
    series = decaying(seed, (320, 30, 5), 20.0)
    found = relaxation_of_tensors(tensors(series), "7Li", step_ps=1.0, settings=SETTINGS)
    return _truths(found, 5.0 * quadrupolar_factor(nucleus("7Li"), 1.0), 20.0)


def two_sites(seed: int) -> Truths:
    """Ions that jump between two sites whose gradients are opposite: forty jumps each."""
    way = switching(seed, (800, 24), 10.0)
    axes = np.random.default_rng(seed + 10_000).normal(size=(24, 5))
    axes *= np.sqrt(5.0) / np.linalg.norm(axes, axis=1, keepdims=True)
    series = way[:, :, None] * axes
    found = relaxation_of_tensors(tensors(series), "7Li", step_ps=1.0, settings=SETTINGS)
    return _truths(found, 5.0 * quadrupolar_factor(nucleus("7Li"), 1.0), 10.0)


def vibrating(seed: int) -> Truths:
    """A slow part under a fast one of the same size; only the slow one is told."""
    slow = decaying(seed, (1000, 20, 5), 20.0)
    fast = decaying(seed + 20_000, (1000, 20, 5), 0.3)
    found = relaxation_of_tensors(tensors(slow + fast), "7Li", step_ps=1.0, settings=SETTINGS)
    unit = 5.0 * quadrupolar_factor(nucleus("7Li"), 1.0)
    both = _truths(found, unit, 20.0)
    added = _truths(found, unit, 0.3)
    return {k: (both[k][0], both[k][1] + added[k][1]) for k in ("R1", "R1rho")}


def moving_as_one(seed: int) -> Truths:
    """Twenty ions of which each ten see the same gradient: four different ones only."""
    series = np.repeat(decaying(seed, (1500, 4, 5), 8.0), 5, axis=1)
    found = relaxation_of_tensors(tensors(series), "7Li", step_ps=1.0, settings=SETTINGS)
    return _truths(found, 5.0 * quadrupolar_factor(nucleus("7Li"), 1.0), 8.0)


def rotating_pairs(seed: int) -> Truths:
    """Twelve H-H pairs of 1 Å that turn at random: the isotropic rotor, in a skewed cell."""
    n, length = 12, 1.0
    turned = rotor(seed, (600, n), 10.0)
    cell = np.array([[40.0, 0.0, 0.0], [9.0, 38.0, 0.0], [-7.0, 8.0, 41.0]])
    random = np.random.default_rng(seed + 30_000)
    middles = (np.arange(n)[:, None] + random.random((n, 3))) / n @ cell
    positions = np.concatenate(
        [middles + 0.5 * length * turned, middles - 0.5 * length * turned], axis=1
    )
    cells = np.broadcast_to(cell, (600, 3, 3))
    run = Trajectory(("H",) * 2 * n, np.arange(600.0), cells, positions)
    settings = RelaxationSettings((FIELD_T,), (LOCK_kHz,), reach_A=1.5)
    found = relaxation(run, "1H", settings=settings)
    one = nucleus("1H")
    coupling = one.abundance * dipolar_factor(one, one) / length**6
    coupling += nucleus("2H").abundance * dipolar_factor(one, nucleus("2H")) / length**6
    return _truths(found, coupling, 10.0)


def peak_parameters(seed: int) -> Truths:
    """Rates at two fields and one spin-lock with errors of 5 %, fitted at once."""
    process, one = Process(0.35, 1e-14, 1e9, "asymmetric", (1.5,)), nucleus("7Li")
    random = np.random.default_rng(seed)
    series = []
    for at, ends in (
        (condition("R1", one, 4.7), (300.0, 700.0)),
        (condition("R1", one, 11.74), (300.0, 700.0)),
        (condition("R1rho", one, 11.74, 20.0), (150.0, 400.0)),
    ):
        t = np.linspace(*ends, 14)
        rates = process.rate(t, at) * np.exp(0.05 * random.normal(size=14))
        series.append(RateSeries(at, t, rates, np.full(14, 0.05)))
    found = fit_peak(tuple(series), fit)
    return {
        "E_HT": (found.high_energy["process"], 0.35),
        "E_LT": (found.low_energy["process"], 0.175),
        "beta": (found.beta["process"], 1.5),
        "tau0": (found.tau0["process"], 1e-14),
    }


CASES: dict[str, Callable[[int], Truths]] = {
    "gaussian gradients": gaussian_gradients,
    "short run": short_run,
    "two sites": two_sites,
    "vibrating": vibrating,
    "moving as one": moving_as_one,
    "rotating pairs": rotating_pairs,
    "peak fit": peak_parameters,
}


def bounds(case: str) -> tuple[float, float]:
    """Return within which the share of a case has to lie.

    Pairs are seen from both ends and counted as if nothing were independent of that: their
    intervals may err on the side of too wide.
    """
    return (LOW, 1.0) if case == "rotating pairs" else (LOW, HIGH)


def coverage(name: str, runs: int = RUNS) -> tuple[Coverage, ...]:
    """Return the coverage of every quantity of one case."""
    outcomes = [CASES[name](seed) for seed in range(runs)]
    found = []
    for key in outcomes[0]:
        answered = [o[key] for o in outcomes if o[key][0].status != "refused"]
        held = sum(q.low <= truth <= q.high for q, truth in answered)
        widths = [abs((q.high - q.low) / (2 * truth)) for q, truth in answered]
        bias = float(np.mean([q.value / truth for q, truth in answered])) - 1.0
        found.append(
            Coverage(f"{name}, {key}", held, len(answered), runs, float(np.median(widths)), bias)
        )
    return tuple(found)


def checks(runs: int = RUNS) -> tuple[Check, ...]:
    """Return one check for each case and quantity: the share of intervals that hold the truth."""
    command = f"python -m validation.relaxation {runs}"
    return tuple(
        Check.within(
            f"95 % interval holds the truth: relaxation, {one.name} (± {one.error:.3f})",
            0.95,
            one.share,
            bounds=bounds(name),
            command=command,
        )
        for name in CASES
        for one in coverage(name, runs)
    )


def main(arguments: list[str]) -> None:
    runs = int(arguments[0]) if arguments else RUNS
    chosen = [name for name in CASES if not arguments[1:] or any(w in name for w in arguments[1:])]
    for name in chosen:
        for one in coverage(name, runs):
            sys.stdout.write(
                f"{one.name:45} {one.share:.3f} ± {one.error:.3f}  answered {one.answered}/"
                f"{one.runs}  half width {one.half_width:.3f}  bias {one.bias:+.3f}\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
