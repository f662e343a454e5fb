"""How often intervals of the Onsager matrix and of diffusion by direction hold the truth.

Run ``python -m validation.coverage_transport`` (or with the number of runs and words of the case
names).
"""

from __future__ import annotations

import sys

import numpy as np

from validation.check import Check
from validation.coverage import (
    HIGH,
    LOW,
    RUNS,
    TEMPERATURE_K,
    Case,
    Coverage,
    conductivity_factor,
    counted,
    run_transport,
)
from validation.walks import brownian, caged, hopping, mixed, together
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.data.units import (
    A2_PER_PS_TO_CM2_PER_S,
    BOLTZMANN_EV_PER_K,
    E2_PER_A_PS_EV_TO_S_PER_CM,
)
from vitrolyte.observe.motion.anisotropy import COMPONENTS, AnisotropySettings, anisotropy
from vitrolyte.observe.motion.displacement import Reading
from vitrolyte.observe.tracks import LABORATORY

Pairs = dict[str, tuple[Quantity, float]]

_CELL = np.array([[11.0, 0.0, 0.0], [-5.5, 9.526, 0.0], [1.0, 0.5, 12.0]])
_ELEMENTS = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


def fast_rattle(seed: int) -> Pairs:
    """A cage that relaxes within a frame: its spectrum bends too little to be seen to bend."""
    walk = caged(seed, brownian(seed, (600, 20), diffusivity=1.0), amplitude=0.4,
                 relaxation_frames=1.0)  # fmt: skip
    found = run_transport(walk, ("Li",) * 20, {"Li": 1.0})
    return {"tracer diffusivity": (found.tracer_diffusivity["Li"], A2_PER_PS_TO_CM2_PER_S)}


def groups(seed: int) -> Pairs:
    """Pairs of ions that move as one."""
    walk = together(brownian(seed, (400, 15), diffusivity=1.0), 2)
    return _alone(walk, diffusivity=1.0, haven=0.5)


def rare_groups(seed: int) -> Pairs:
    """Three ions at a time hop together, rarely, and rattle alone."""
    walk = together(hopping(seed, (1000, 15), hops_per_frame=0.004), 3)
    walk = caged(seed, walk, amplitude=0.3, relaxation_frames=0.5)
    return _alone(walk, diffusivity=0.006, haven=1.0 / 3.0)


def _alone(walk: np.ndarray, *, diffusivity: float, haven: float) -> Pairs:
    ions = walk.shape[1]
    found = run_transport(walk, ("Li",) * ions, {"Li": 1.0})
    own = conductivity_factor() * ions * diffusivity
    return {
        "Onsager Li-Li": (found.onsager["Li-Li"], own / haven),
        "distinct part": (found.distinct_conductivity["Li"], own * (1.0 / haven - 1.0)),
        "Haven ratio of Li": (found.species_haven_ratio["Li"], haven),
    }


def rattling_pair(seed: int) -> Pairs:
    """Li moves in pairs and pushes Cl the other way; all rattle."""
    lithium = together(brownian(seed, (600, 12), diffusivity=0.2), 2)
    chloride = mixed(brownian(seed + 5_000_000, (600, 24), diffusivity=0.05), lithium, -0.3)
    paths = [
        caged(seed + shift, walk, amplitude=0.5, relaxation_frames=2.0)
        for shift, walk in ((0, lithium), (77, chloride))
    ]
    species = ("Li",) * 24 + ("Cl",) * 24
    found = run_transport(np.concatenate(paths, axis=1), species, {"Li": 1.0, "Cl": -1.0})
    factor, own = 24 * conductivity_factor(), 0.05 + 0.09 * 0.2
    first, cross, second = 0.4, -0.12, 0.05 + 0.09 * 0.4
    whole = first - 2.0 * cross + second
    return {
        "Onsager Li-Li": (found.onsager["Li-Li"], first * factor),
        "Onsager Cl-Cl": (found.onsager["Cl-Cl"], second * factor),
        "Onsager Li-Cl": (found.onsager["Li-Cl"], -cross * factor),
        "distinct part of Li": (found.distinct_conductivity["Li"], 0.2 * factor),
        "distinct part of Cl": (found.distinct_conductivity["Cl"], (second - own) * factor),
        "Haven ratio of Cl": (found.species_haven_ratio["Cl"], own / second),
        "transference of Li": (found.collective_transference["Li"], (first - cross) / whole),
    }


def layers(seed: int) -> Pairs:
    """Diffusion ten times faster within layers than across, in a triclinic cell."""
    return _directions(seed, (1.0, 1.0, 0.1), _turn((0, 0, 1)))


def skew_axes(seed: int) -> Pairs:
    """Three unlike principal axes that are none of the cell's."""
    return _directions(seed, (1.0, 0.4, 0.1), np.linalg.qr(np.arange(9.0).reshape(3, 3) ** 1.5)[0])


def _turn(normal: tuple[int, int, int]) -> np.ndarray:
    """Return unit vectors as rows, the last normal to a plane of the cell."""
    upright = np.linalg.inv(_CELL) @ np.array(normal, dtype=float)
    return np.linalg.svd((upright / np.linalg.norm(upright))[None])[2][[1, 2, 0]]


def _directions(seed: int, roots: tuple[float, float, float], axes: np.ndarray) -> Pairs:
    n, ions = 400, 20
    walk = brownian(seed, (n, ions), diffusivity=1.0) * np.sqrt(roots) @ axes
    walk = caged(seed, walk, amplitude=0.2, relaxation_frames=1.0)
    cells = np.broadcast_to(_CELL, (n, 3, 3))
    trajectory = Trajectory(("Li",) * ions, np.arange(float(n)), cells, walk)
    settings = AnisotropySettings(reading=Reading(frame=LABORATORY))
    found = anisotropy(trajectory, {"Li": 1.0}, temperature_K=TEMPERATURE_K, settings=settings)
    tensor = axes.T @ np.diag(roots) @ axes
    upright = _turn((0, 0, 1))[2]
    across = float(upright @ tensor @ upright)
    within = 0.5 * (float(np.trace(tensor)) - across)
    volume = abs(float(np.linalg.det(_CELL)))
    factor = E2_PER_A_PS_EV_TO_S_PER_CM / (volume * BOLTZMANN_EV_PER_K * TEMPERATURE_K)
    unit = A2_PER_PS_TO_CM2_PER_S
    pairs = {
        "D along a": (found.diffusivity["Li along a"], float(tensor[0, 0]) * unit),
        "D across layers": (found.diffusivity["Li normal to (001)"], across * unit),
        "D within layers": (found.diffusivity["Li in the plane (001)"], within * unit),
        "layer ratio": (found.layer_ratio["Li"], within / across),
        "conductivity along a": (found.conductivity["along a"], tensor[0, 0] * ions * factor),
    }
    for word, (a, b) in zip(COMPONENTS, _ELEMENTS, strict=True):
        pairs[f"tensor {word}"] = (found.tensor[f"Li {word}"], float(tensor[a, b]) * unit)
    return pairs | _principal(found.principal, roots)


def _principal(numbers: object, roots: tuple[float, float, float]) -> Pairs:
    """Return the largest and the smallest principal value, or what stands for them."""
    assert isinstance(numbers, dict)
    listed = list(numbers.items())
    count = {"in a principal plane": 2, "in all directions": 3}
    truths, at = [], 0
    for name, _ in listed:
        size = next((k for words, k in count.items() if name.endswith(words)), 1)
        truths.append(float(np.mean(roots[at : at + size])) * A2_PER_PS_TO_CM2_PER_S)
        at += size
    return {
        "first principal value": (listed[0][1], truths[0]),
        "last principal value": (listed[-1][1], truths[-1]),
    }


CASES: dict[str, Case] = {
    "fast rattle": fast_rattle,
    "groups": groups,
    "rare groups": rare_groups,
    "rattling pair": rattling_pair,
    "layers": layers,
    "skew axes": skew_axes,
}


def coverage(name: str, runs: int = RUNS) -> tuple[Coverage, ...]:
    """Return the coverage of every quantity of one case."""
    outcomes = [CASES[name](seed) for seed in range(runs)]
    return tuple(counted(name, key, [o[key] for o in outcomes]) for key in outcomes[0])


def checks(runs: int = RUNS) -> tuple[Check, ...]:
    """Return one check for each case and quantity."""
    command = f"python -m validation.coverage_transport {runs}"
    return tuple(
        Check.within(
            f"95 % interval holds the truth: {one.name} (± {one.error:.3f})",
            0.95,
            one.share,
            bounds=(LOW, HIGH),
            command=command,
        )
        for name in CASES
        for one in coverage(name, runs)
    )


def main(arguments: list[str]) -> None:
    runs = int(arguments[0]) if arguments else RUNS
    words = arguments[1:]
    for name in CASES:
        if words and not any(word in name for word in words):
            continue
        for one in coverage(name, runs):
            sys.stdout.write(one.line + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
