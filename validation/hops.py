"""Hops of ions whose rates, memory and company are known: coverage, false hops, recovered rates.

Run ``python -m validation.hops`` (or with the number of runs and words of the case names).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

import numpy as np

from validation.check import Check
from validation.coverage import Coverage
from validation.hop_truths import (
    BREATHING,
    CUBE,
    HOP_A,
    Box,
    Shake,
    company,
    in_a_box,
    lattice_walk,
    telegraph,
    vacancy_walk,
)
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.units import A2_PER_PS_TO_CM2_PER_S
from vitrolyte.observe.hops.detection import find_hops
from vitrolyte.observe.hops.jumps import JumpStatistics, jump_statistics
from vitrolyte.observe.hops.lattice import KnownSites, site_kinetics
from vitrolyte.observe.hops.sites import site_census
from vitrolyte.observe.hops.strings import concerted_moves

RUNS = 400
LOW, HIGH = 0.92, 0.98
_PER_S = 1e12
Found = Mapping[str, tuple[Quantity, float]]
Case = Callable[[int], Found]


def _jumps(found: JumpStatistics, rate: float, diffusivity: float, factor: float) -> Found:
    return {
        "rate": (found.rate, rate * _PER_S),
        "diffusivity of hops": (found.hop_diffusivity, diffusivity * A2_PER_PS_TO_CM2_PER_S),
        "correlation factor": (found.correlation_factor, factor),
    }


def walk(seed: int) -> Found:
    """Forty ions, 12 hops each, residence 200 frames, vibrations of 0.7 Å."""
    draws, rate = np.random.default_rng(seed), 0.005
    places = lattice_walk(draws, (2400, 40), np.full(40, rate))
    found = jump_statistics(find_hops(in_a_box(draws, places, Shake()), "Li"))
    return {
        **_jumps(found, rate, rate * HOP_A**2 / 6.0, 1.0),
        "hop length": (found.length, HOP_A),
        "returns": (found.back_share, 1.0 / 6.0),
        "cosine": (found.cosine, 0.0),
        "exponent of stays": (found.residence_exponent, 1.0),
        "median stay": (found.median_residence, np.log(2.0) / rate / _PER_S),
        "dispersion": (found.dispersion, 1.0),
    }


def breathing_walk(seed: int) -> Found:
    """The same in a triclinic cell that breathes by one percent."""
    draws, rate = np.random.default_rng(seed), 0.005
    places = lattice_walk(draws, (2400, 40), np.full(40, rate))
    found = jump_statistics(find_hops(in_a_box(draws, places, Shake(), BREATHING), "Li"))
    squares = np.square(BREATHING.cell / BREATHING.cells).sum(axis=1)
    return _jumps(found, rate, rate * float(squares.mean()) / 6.0, 1.0)


def returning_walk(seed: int) -> Found:
    """Hops of which two in five are undone at once: f = (1 - 0.4) / (1 + 0.4)."""
    draws, rate, back = np.random.default_rng(seed), 0.005, 0.4
    places = lattice_walk(draws, (3000, 40), np.full(40, rate), back=back)
    found = jump_statistics(find_hops(in_a_box(draws, places, Shake(0.3)), "Li"))
    factor = (1.0 - back) / (1.0 + back)
    return {
        **_jumps(found, rate, factor * rate * HOP_A**2 / 6.0, factor),
        "returns": (found.back_share, back + (1.0 - back) / 6.0),
        "cosine": (found.cosine, -back),
    }


def unlike_ions(seed: int) -> Found:
    """Ions whose rates scatter by 71 % (a Gamma distribution of shape 2)."""
    draws, mean, shape, frames = np.random.default_rng(seed), 0.005, 2.0, 1600
    rates = draws.gamma(shape, mean / shape, 60)
    places = lattice_walk(draws, (frames, 60), rates)
    found = jump_statistics(find_hops(in_a_box(draws, places, Shake(0.3)), "Li"))
    return {
        "rate": (found.rate, mean * _PER_S),
        "dispersion": (found.dispersion, 1.0 + frames * mean / shape),
    }


def in_step(seed: int) -> Found:
    """Pairs of ions that make every hop at the same moment."""
    draws, rate = np.random.default_rng(seed), 0.005
    half = lattice_walk(draws, (2400, 20), np.full(20, rate))
    places = np.concatenate([half, half + 3], axis=1)
    found = jump_statistics(find_hops(in_a_box(draws, places, Shake()), "Li"))
    return _jumps(found, rate, rate * HOP_A**2 / 6.0, 1.0)


def two_sites(seed: int) -> Found:
    """Ions that go to and fro between two kinds of sites with rates of 1/200 and 1/80."""
    draws, rates, ions = np.random.default_rng(seed), (1.0 / 200.0, 1.0 / 80.0), 24
    sites = np.stack([telegraph(draws, 1600, rates) for _ in range(ions)], axis=1)
    corner = np.stack(np.unravel_index(np.arange(ions) * 2, (6, 6, 6)), axis=1).astype(float)
    places = corner[None] + sites[..., None] * np.array([0.0, 0.0, 1.0])
    hops = find_hops(in_a_box(draws, places, Shake()), "Li")
    fractional = np.concatenate([corner, corner + np.array([0.0, 0.0, 1.0])]) / CUBE.cells
    known = KnownSites(fractional, ("a",) * ions + ("b",) * ions)
    found = site_kinetics(hops, known)
    full = rates[1] / sum(rates)
    return {
        "rate out": (found.rates["a->b"], rates[0] * _PER_S),
        "rate back": (found.rates["b->a"], rates[1] * _PER_S),
        "occupancy": (found.occupancy["a"], full),
        "residence": (found.residence["b"], 1.0 / rates[1] / _PER_S),
    }


def _companions(seed: int, rates: tuple[float, float]) -> Quantity:
    draws, pairs, frames = np.random.default_rng(seed), 24, 2000
    lanes = np.stack(np.unravel_index(np.arange(pairs), (2, 6, 2)), axis=1) * np.array([3, 1, 3])
    along = np.array([1, 0, 0])
    ions = [
        lane[None] + site[:, None] * along
        for lane in lanes
        for site in company(draws, frames, rates)
    ]
    places = np.stack(ions, axis=1)
    return concerted_moves(find_hops(in_a_box(draws, places, Shake(0.3)), "Li")).fraction


def companions(seed: int) -> Found:
    """Two ions of which one enters what the other leaves in a quarter of all hops."""
    alone = together = 0.0025
    truth = together / (2.0 * (alone + together))
    return {"share of concerted hops": (_companions(seed, (alone, together)), truth)}


def strangers(seed: int) -> Found:
    """The same ions without common hops."""
    return {"share of concerted hops": (_companions(seed, (0.005, 0.0)), 0.0)}


def vacancies(seed: int) -> Found:
    """Forty-eight ions on 64 sites that exclude one another, for 600 and 2400 frames."""
    found: dict[str, tuple[Quantity, float]] = {}
    for name, frames in (("short", 600), ("long", 2400)):
        draws, box = np.random.default_rng(seed), Box(cells=4)
        places = vacancy_walk(draws, frames, 48, 0.03, box.cells)
        census = site_census(find_hops(in_a_box(draws, places, Shake(), box), "Li"))
        found[f"sites for each ion, {name} run"] = (census.sites_per_ion, 64.0 / 48.0)
    return found


CASES: dict[str, Case] = {
    "walk": walk,
    "breathing triclinic walk": breathing_walk,
    "returning walk": returning_walk,
    "unlike ions": unlike_ions,
    "ions in step": in_step,
    "two sites": two_sites,
    "companions": companions,
    "strangers": strangers,
    "vacancies": vacancies,
}
EXACT = ("strangers", "vacancies")
"""Cases whose truth is an end of what is possible: their intervals may hold it always."""
GENEROUS = "hop length"
"""Its interval reaches down by what two hops that look like one may add."""
SKEWED = ("unlike ions", "dispersion")
"""The spread of sixty draws from a Gamma distribution hangs on a few: its interval is known to be
narrow, which the result says in a note."""


def coverage(name: str, runs: int = RUNS) -> tuple[Coverage, ...]:
    """Return the coverage of every quantity of one case."""
    outcomes = [CASES[name](seed) for seed in range(runs)]
    return tuple(_counted(name, key, [one[key] for one in outcomes]) for key in outcomes[0])


def _counted(name: str, key: str, pairs: list[tuple[Quantity, float]]) -> Coverage:
    answered = [(q, truth) for q, truth in pairs if q.status != "refused"]
    held = sum(q.low <= truth <= q.high for q, truth in answered)
    scale = abs(pairs[0][1]) or 1.0
    widths = [abs(q.high - q.low) / (2.0 * scale) for q, _ in answered]
    errors = [(q.value - truth) / scale for q, truth in answered]
    return Coverage(
        f"{name}, {key}",
        held,
        len(answered),
        len(pairs),
        float(np.median(widths)) if widths else float("nan"),
        float(np.mean(errors)) if errors else float("nan"),
    )


def coverage_checks(runs: int = RUNS) -> tuple[Check, ...]:
    """Return the share of 95 % intervals that hold the truth, by case and quantity."""
    return tuple(
        Check.within(
            f"95 % interval holds the truth: hops, {one.name} (± {one.error:.3f})",
            0.95,
            one.share,
            bounds=_bounds(name, one.name),
            command=f"python -m validation.hops {runs} '{name}'",
        )
        for name in CASES
        for one in coverage(name, runs)
    )


def _bounds(name: str, quantity: str) -> tuple[float, float]:
    low = 0.86 if quantity == ", ".join(SKEWED) else LOW
    return low, 1.0 if name in EXACT or quantity.endswith(GENEROUS) else HIGH


CAGES = (Shake(0.3, 0.0), Shake(0.4, 2.0), Shake(0.5, 10.0))
"""Vibrations without memory, and with a memory of 2 and 10 frames (5 and 21 independent ones)."""


def false_hops(shake: Shake, *, ions: int = 200, frames: int = 5000) -> int:
    """Return how often harmonically bound ions are said to hop."""
    draws = np.random.default_rng(7)
    places = np.broadcast_to(draws.integers(0, 6, (1, ions, 3)), (frames, ions, 3))
    return len(find_hops(in_a_box(draws, places, shake), "Li").ions)


def cage_checks() -> tuple[Check, ...]:
    """Return the number of hops found where there are none."""
    return tuple(
        Check.within(
            f"hops of 200 ions in harmonic cages ({s.width:g} Å, memory {s.memory:g} frames)",
            0.0,
            float(false_hops(s)),
            bounds=(0.0, 0.0),
            command="",
        )
        for s in CAGES
    )


def recovered(residence: float, shake: Shake, *, ions: int = 40, frames: int = 4000) -> float:
    """Return the jump rate found over the true one; NaN where it is refused."""
    draws = np.random.default_rng(11)
    places = lattice_walk(draws, (frames, ions), np.full(ions, 1.0 / residence))
    rate = jump_statistics(find_hops(in_a_box(draws, places, shake), "Li")).rate
    return rate.value * residence / _PER_S


RECOVERED = (
    (500.0, Shake(0.3, 0.0)),
    (100.0, Shake(0.3, 0.0)),
    (20.0, Shake(0.3, 0.0)),
    (10.0, Shake(0.3, 0.0)),
    (5.0, Shake(0.3, 0.0)),
    (500.0, Shake(0.4, 2.0)),
    (100.0, Shake(0.4, 2.0)),
    (50.0, Shake(0.4, 2.0)),
    (20.0, Shake(0.4, 2.0)),
    (500.0, Shake(0.5, 5.0)),
    (200.0, Shake(0.5, 5.0)),
)
"""Residence times in frames, and vibrations, of walks whose rate is to be found."""


def recovery_checks() -> tuple[Check, ...]:
    """Return the rate found over the true one, by residence time over frame interval."""
    # at least 320 hops: 1 / sqrt(320) is 5.6 %
    return tuple(
        Check.within(
            f"jump rate over the true one, residence {residence:g} frames, vibration "
            f"{shake.width:g} Å with memory {shake.memory:g} frames",
            1.0,
            recovered(residence, shake),
            bounds=(0.88, 1.12),
            command="",
        )
        for residence, shake in RECOVERED
    )


def main(arguments: list[str]) -> None:
    runs = int(arguments[0]) if arguments else RUNS
    for name in CASES:
        if arguments[1:] and not any(word in name for word in arguments[1:]):
            continue
        for one in coverage(name, runs):
            sys.stdout.write(
                f"{one.name:45} {one.share:.3f} ± {one.error:.3f}  answered {one.answered}/"
                f"{one.runs}  half width {one.half_width:.3f}  bias {one.bias:+.3f}\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
