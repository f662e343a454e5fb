"""How often a 95 % interval holds the truth, for walks whose transport is known exactly.

Run ``python -m validation.coverage`` (or with the number of runs and words of the case names).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from validation import wells
from validation.check import Check
from validation.walks import (
    as_trajectory,
    brownian,
    caged,
    hopping,
    mixed,
    together,
)
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.units import (
    A2_PER_PS_TO_CM2_PER_S,
    BOLTZMANN_EV_PER_K,
    E2_PER_A_PS_EV_TO_S_PER_CM,
)
from vitrolyte.infer.distil.examination.probes import responded_overlap
from vitrolyte.infer.fit import fit
from vitrolyte.infer.pool import pool
from vitrolyte.observe.motion.arrhenius import TRACER_DIFFUSIVITY, TemperatureSeries, arrhenius
from vitrolyte.observe.motion.displacement import Reading
from vitrolyte.observe.motion.odds import TransferenceSeries, extrapolated_transference
from vitrolyte.observe.motion.transport import Transport, TransportSettings, transport
from vitrolyte.observe.tracks import LABORATORY

RUNS = 400
LOW, HIGH = 0.92, 0.98
TEMPERATURE_K = 800.0
EDGE_A = 20.0
# Walks have no momentum to conserve, so that no frame but the laboratory is theirs.
_SETTINGS = TransportSettings(Reading(frame=LABORATORY))


@dataclass(frozen=True)
class Coverage:
    """Outcome of many runs of one case.

    Attributes
    ----------
    name
        Case and quantity.
    held, answered, runs
        Runs whose interval held the truth, runs that gave a number, and all runs.
    half_width
        Median half width of the intervals over the truth.
    bias
        Mean of the values over the truth, minus one.
    """

    name: str
    held: int
    answered: int
    runs: int
    half_width: float
    bias: float

    @property
    def share(self) -> float:
        return self.held / max(self.answered, 1)

    @property
    def line(self) -> str:
        """Return the outcome as one line of text."""
        return (
            f"{self.name:45} {self.share:.3f} ± {self.error:.3f}  answered {self.answered}/"
            f"{self.runs}  half width {self.half_width:.3f}  bias {self.bias:+.3f}"
        )

    @property
    def error(self) -> float:
        """Return the binomial standard error of the share for a true 95 %."""
        return float(np.sqrt(0.95 * 0.05 / max(self.answered, 1)))


def bounds(case: str) -> tuple[float, float]:
    """Return within which the share of a case has to lie.

    Three replicas cannot tell by themselves whether they are alike, so that their mean may err on
    the side of a wide interval, not of a narrow one. So may the bounds of an overlap, between which
    chance alone may have put it.
    """
    return (LOW, 1.0) if case in ("pooled", "other potential") else (LOW, HIGH)


Case = Callable[[int], dict[str, tuple[Quantity, float]]]


def conductivity_factor(edge: float = EDGE_A) -> float:
    """Return S/cm for each e² Å²/ps in a cube."""
    return E2_PER_A_PS_EV_TO_S_PER_CM / (edge**3 * BOLTZMANN_EV_PER_K * TEMPERATURE_K)


def one_species(positions: np.ndarray, diffusivity: float, *, haven: float = 1.0) -> (
    dict[str, tuple[Quantity, float]]
):  # fmt: skip
    """Return tracer, collective and Haven results of walks of one ion, with their truths."""
    ions = positions.shape[1]
    found = run_transport(positions, ("Li",) * ions, {"Li": 1.0})
    return {
        "tracer diffusivity": (
            found.tracer_diffusivity["Li"],
            diffusivity * A2_PER_PS_TO_CM2_PER_S,
        ),
        "collective conductivity": (
            found.collective_conductivity,
            conductivity_factor() * ions * diffusivity / haven,
        ),
        "Haven ratio": (found.haven_ratio, haven),
    }


def run_transport(
    positions: np.ndarray, species: tuple[str, ...], charges: dict[str, float]
) -> Transport:
    trajectory = as_trajectory(positions, species, edge=EDGE_A)
    return transport(trajectory, charges, temperature_K=TEMPERATURE_K, settings=_SETTINGS)


def long_walk(seed: int) -> dict[str, tuple[Quantity, float]]:
    return one_species(brownian(seed, (1000, 40), diffusivity=1.0), 1.0)


def short_walk(seed: int) -> dict[str, tuple[Quantity, float]]:
    return one_species(brownian(seed, (50, 30), diffusivity=1.0), 1.0)


def few_ions(seed: int) -> dict[str, tuple[Quantity, float]]:
    return one_species(brownian(seed, (200, 4), diffusivity=1.0), 1.0)


def pairs(seed: int) -> dict[str, tuple[Quantity, float]]:
    walk = together(brownian(seed, (400, 20), diffusivity=1.0), 2)
    return one_species(walk, 1.0, haven=0.5)


def rattling(seed: int) -> dict[str, tuple[Quantity, float]]:
    walk = brownian(seed, (1000, 40), diffusivity=0.05)
    return one_species(caged(seed, walk, amplitude=0.5, relaxation_frames=2.0), 0.05)


def slow_cage(seed: int) -> dict[str, tuple[Quantity, float]]:
    walk = brownian(seed, (1000, 40), diffusivity=0.2)
    return one_species(caged(seed, walk, amplitude=1.5, relaxation_frames=8.0), 0.2)


def rare_hops(seed: int) -> dict[str, tuple[Quantity, float]]:
    walk = hopping(seed, (1500, 30), hops_per_frame=0.002)
    return one_species(caged(seed, walk, amplitude=0.3, relaxation_frames=0.5), 0.003)


def rare_concerted_hops(seed: int) -> dict[str, tuple[Quantity, float]]:
    walk = together(hopping(seed, (1500, 15), hops_per_frame=0.003), 3)
    return one_species(
        caged(seed, walk, amplitude=0.3, relaxation_frames=0.5), 0.0045, haven=1.0 / 3.0
    )


def two_species(seed: int) -> dict[str, tuple[Quantity, float]]:
    """Li drags Cl along: L_LiCl = 0.5 L_LiLi for equal numbers, so that all truths are simple."""
    cations = brownian(seed, (600, 30), diffusivity=1.0)
    anions = mixed(
        brownian(seed + 5_000_000, (600, 30), diffusivity=0.2), np.roll(cations, 1, axis=1), 0.5
    )
    found = run_transport(
        np.concatenate([cations, anions], axis=1),
        ("Li",) * 30 + ("Cl",) * 30,
        {"Li": 1.0, "Cl": -1.0},
    )
    lithium, cross, chloride = 1.0, 0.5, 0.45
    whole = lithium - 2 * cross + chloride
    factor = 30 * conductivity_factor()
    return {
        "collective transference": (
            found.collective_transference["Li"],
            (lithium - cross) / whole,
        ),
        "tracer transference": (found.tracer_transference["Li"], lithium / (lithium + chloride)),
        "collective conductivity": (found.collective_conductivity, whole * factor),
        "Nernst-Einstein conductivity": (
            found.tracer_conductivity,
            (lithium + chloride) * factor,
        ),
        "Onsager Li-Cl": (found.onsager["Li-Cl"], -cross * factor),
    }


def activation_energy(seed: int) -> dict[str, tuple[Quantity, float]]:
    """Five temperatures of caged walks with D = D0 exp(-0.30 eV / kT)."""
    temperatures = (700.0, 800.0, 900.0, 1050.0, 1200.0)
    energy, prefactor = 0.30, 10.0
    numbers = []
    for k, t in enumerate(temperatures):
        d = prefactor * np.exp(-energy / (BOLTZMANN_EV_PER_K * t))
        walk = brownian(seed * 10 + k, (150, 12), diffusivity=float(d))
        numbers.append(one_species(walk, 1.0)["tracer diffusivity"][0])
    series = TemperatureSeries(temperatures, tuple(numbers), kind=TRACER_DIFFUSIVITY, of="Li")
    line = arrhenius(series, fit)
    cold = prefactor * np.exp(-energy / (BOLTZMANN_EV_PER_K * 300.0)) * A2_PER_PS_TO_CM2_PER_S
    return {
        "activation energy": (line.activation_energy, energy),
        "300 K diffusivity": (line.extrapolated, float(cold)),
    }


def cold_transference(seed: int) -> dict[str, tuple[Quantity, float]]:
    """Two ions of unlike activation energy at four temperatures, extrapolated to 300 K."""
    temperatures, prefactors, energies = (700.0, 800.0, 900.0, 1000.0), (10.0, 20.0), (0.30, 0.40)
    numbers = []
    for k, t in enumerate(temperatures):
        walks = [
            brownian(
                seed * 20 + 2 * k + which,
                (150, 20),
                diffusivity=prefactors[which]
                * float(np.exp(-energies[which] / (BOLTZMANN_EV_PER_K * t))),
            )
            for which in (0, 1)
        ]
        found = run_transport(
            np.concatenate(walks, axis=1), ("Li",) * 20 + ("Cl",) * 20, {"Li": 1.0, "Cl": -1.0}
        )
        numbers.append(found.tracer_transference["Li"])
    series = TransferenceSeries(temperatures, tuple(numbers), of="Li")
    difference = (energies[1] - energies[0]) / (BOLTZMANN_EV_PER_K * 300.0)
    odds = prefactors[0] / prefactors[1] * np.exp(difference)
    found_cold = extrapolated_transference(series, fit)
    return {"300 K transference number": (found_cold.number, float(odds / (1.0 + odds)))}


def replicas(seed: int) -> dict[str, tuple[Quantity, float]]:
    """Three replicas, alike, and with spreads of their own of 5 % and 20 % between them."""
    spread = np.random.default_rng(seed).normal(size=3)
    runs = [brownian(seed * 10 + k, (100, 10), diffusivity=1.0) for k in range(3)]
    alike = [one_species(walk, 1.0)["tracer diffusivity"][0] for walk in runs]
    apart, wide = (
        [number.scaled(float(f), number.unit) for number, f in zip(alike, np.exp(width * spread))]
        for width in (0.05, 0.2)
    )
    truth = A2_PER_PS_TO_CM2_PER_S
    return {
        "like replicas": (pool(alike, logarithmic=True), truth),
        "unlike replicas": (pool(apart, logarithmic=True), truth),
        "very unlike replicas": (pool(wide, logarithmic=True), truth),
    }


def other_potential(seed: int) -> dict[str, tuple[Quantity, float]]:
    """The overlap of a trust card: a second potential's distribution from frames of the first."""
    generator, strength = np.random.default_rng(seed), 0.08
    found: dict[str, tuple[Quantity, float]] = {}
    for word, stay in (("quick", 0.0), ("slow", 0.8)):
        each = wells.frames(generator, 200, stay=stay)
        said = responded_overlap(each, wells.gaps(each, strength))
        number = Quantity(said.measured, "1", low=said.low, high=said.high)
        found[f"overlap, {word} frames"] = (number, wells.true_overlap(strength))
    return found


CASES: dict[str, Case] = {
    "long walk": long_walk,
    "short walk": short_walk,
    "few ions": few_ions,
    "pairs moving as one": pairs,
    "rattling ions": rattling,
    "slow cage": slow_cage,
    "rare hops": rare_hops,
    "rare concerted hops": rare_concerted_hops,
    "two species": two_species,
    "Arrhenius": activation_energy,
    "odds": cold_transference,
    "pooled": replicas,
    "other potential": other_potential,
}


def coverage(name: str, runs: int = RUNS) -> tuple[Coverage, ...]:
    """Return the coverage of every quantity of one case."""
    outcomes = [CASES[name](seed) for seed in range(runs)]
    return tuple(counted(name, key, [o[key] for o in outcomes]) for key in outcomes[0])


def counted(name: str, key: str, pairs: list[tuple[Quantity, float]]) -> Coverage:
    """Return how often intervals held their truths."""
    answered = [(q, truth) for q, truth in pairs if q.status != "refused"]
    held = sum(q.low <= truth <= q.high for q, truth in answered)
    # What should be zero has no relative size.
    widths = [abs((q.high - q.low) / (2 * truth)) for q, truth in answered if truth]
    values = [q.value / truth for q, truth in answered if truth]
    return Coverage(
        f"{name}, {key}",
        held,
        len(answered),
        len(pairs),
        float(np.median(widths)) if widths else float("nan"),
        float(np.mean(values)) - 1.0 if values else float("nan"),
    )


def checks(runs: int = RUNS) -> tuple[Check, ...]:
    """Return one check for each case and quantity: the share of intervals that hold the truth."""
    command = f"python -m validation.coverage {runs}"
    return tuple(
        Check.within(
            f"95 % interval holds the truth: {one.name} (± {one.error:.3f})",
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
            sys.stdout.write(one.line + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
