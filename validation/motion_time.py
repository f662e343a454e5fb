"""Motion in time and vibration with known truth: how often the 95 % intervals hold it; peers.

Run ``python -m validation.motion_time`` (or with the number of runs and words of the case names).
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import write
from numpy.typing import NDArray
from scipy.linalg import expm

from validation.check import Check
from validation.coverage import HIGH, LOW, RUNS, Coverage
from validation.walks import as_trajectory, brownian, caged, hopping, together
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.infer.fit import fit
from vitrolyte.observe.scattering.density_waves import vectors_within
from vitrolyte.observe.tracks import LABORATORY
from vitrolyte.observe.van_hove.coherent import CoherentPart, CoherentSettings, coherent_scattering
from vitrolyte.observe.van_hove.displacement_counts import MotionSettings, count_displacements
from vitrolyte.observe.van_hove.incoherent import self_scattering
from vitrolyte.observe.van_hove.self_motion import self_motion
from vitrolyte.observe.vibration.segments import SpectrumSettings
from vitrolyte.observe.vibration.sites import EV_TO_U_A2_PER_PS2, SiteSettings, site_vibrations
from vitrolyte.observe.vibration.spectrum import vibrational_spectrum
from vitrolyte.observe.vibration.stretch import StretchSettings, bond_stretch

Floats = NDArray[np.float64]
Case = Callable[[int], dict[str, tuple[Quantity, float]]]

# Walks have no momentum to conserve, so that no frame but the laboratory is theirs.
_MOTION = MotionSettings(frame=LABORATORY)
LITHIUM_U = 6.94


def oscillators(
    seed: int, shape: tuple[int, ...], *, frequency: float, friction: float, thermal: float,
    step: float,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Return places and velocities of damped oscillators in heat, exactly at each step.

    Parameters
    ----------
    shape
        (n_frames, ...).
    frequency, friction
        Undamped frequency, THz, and gamma of ``x'' = -w² x - gamma x'``, 1/ps.
    thermal
        kT / m, Å²/ps².
    """
    omega = 2.0 * np.pi * frequency
    stay = expm(np.array([[0.0, 1.0], [-(omega**2), -friction]]) * step)
    still = np.diag([thermal / omega**2, thermal])
    kick = np.linalg.cholesky(still - stay @ still @ stay.T)
    draws = np.random.default_rng(seed)
    n = int(np.prod(shape[1:]))
    state = np.linalg.cholesky(still) @ draws.normal(size=(2, n))
    found = np.empty((shape[0], 2, n))
    for k in range(shape[0]):
        state = stay @ state + kick @ draws.normal(size=(2, n))
        found[k] = state
    return found[:, 0].reshape(shape), found[:, 1].reshape(shape)


def thermal_speed(temperature_K: float, mass: float) -> float:
    """Return kT / m, Å²/ps²."""
    return BOLTZMANN_EV_PER_K * temperature_K * EV_TO_U_A2_PER_PS2 / mass


def hop_truth(time: Floats, *, rate: float, length: float, rattle: float, memory: float) -> Floats:
    """Return alpha_2(t) of hops of one length at random, with a Gaussian rattle added."""
    v = 2.0 * rattle**2 * (1.0 - np.exp(-time / memory))
    two = rate * time * length**2
    four = rate * time * length**4 + 5.0 / 3.0 * (rate * time * length**2) ** 2
    square = 3.0 * v + two
    return np.asarray(3.0 * (15.0 * v**2 + 10.0 * v * two + four) / (5.0 * square**2) - 1.0)


def _scattered(
    walk: Floats, q: tuple[float, ...], truths: dict[str, float]
) -> dict[str, tuple[Quantity, float]]:
    trajectory = as_trajectory(walk, ("Li",) * walk.shape[1])
    counts = count_displacements(trajectory, settings=_MOTION)["Li"]
    found = self_scattering(counts, fit, q=q)
    moved = self_motion(counts)
    label = f"q = {q[1]:.3g} 1/Å"
    numbers = {
        "tau": found.tau[label].scaled(1e12, "ps"),
        "beta": found.beta[label],
        "mean time": found.mean_time[label].scaled(1e12, "ps"),
        "plateau": found.plateau[label],
        "jump length": found.jumps.jump_length,
        "residence time": found.jumps.residence_time.scaled(1e12, "ps"),
        "diffusivity": found.jumps.diffusivity.scaled(1e4, "Å²/ps"),
        "alpha_2 maximum": moved.maximum,
        "hop distance": moved.hop_distance,
    }
    return {name: (numbers[name], truth) for name, truth in truths.items()}


def free_walk(seed: int) -> dict[str, tuple[Quantity, float]]:
    q = (0.4, 0.6, 0.9, 1.3)
    tau = 1.0 / (0.1 * q[1] ** 2)
    truths = {"tau": tau, "beta": 1.0, "mean time": tau, "diffusivity": 0.1}
    return _scattered(brownian(seed, (1000, 40), diffusivity=0.1), q, truths)


_HOP_Q = (0.5, 0.9, 1.3, 1.8)


def _hop_truths(rate: float, q: float, rattle: float) -> dict[str, float]:
    tau = 1.0 / (rate * (1.0 - np.sin(3.0 * q) / (3.0 * q)))
    height = float(np.exp(-(q**2) * rattle**2))
    return {"tau": tau, "beta": 1.0, "mean time": tau, "plateau": height, "jump length": 3.0,
            "residence time": 1.0 / rate}  # fmt: skip


def hops(seed: int) -> dict[str, tuple[Quantity, float]]:
    walk = hopping(seed, (2000, 40), hops_per_frame=0.01)
    walk = caged(seed, walk, amplitude=0.3, relaxation_frames=0.5)
    truths = _hop_truths(0.01, _HOP_Q[1], 0.3)
    return _scattered(walk, _HOP_Q, truths | {"hop distance": 3.0})


def few_hoppers(seed: int) -> dict[str, tuple[Quantity, float]]:
    walk = hopping(seed, (3000, 6), hops_per_frame=0.02)
    walk = caged(seed, walk, amplitude=0.3, relaxation_frames=0.5)
    return _scattered(walk, _HOP_Q, _hop_truths(0.02, _HOP_Q[1], 0.3))


def hops_in_threes(seed: int) -> dict[str, tuple[Quantity, float]]:
    """Groups of three that hop as one, each ion starting from a place of its own."""
    walk = together(hopping(seed, (2000, 15), hops_per_frame=0.01), 3)
    walk = caged(seed, walk, amplitude=0.3, relaxation_frames=0.5)
    walk = walk + np.random.default_rng(seed + 7_000_000).random((45, 3)) * 20.0
    return _scattered(walk, _HOP_Q, _hop_truths(0.01, _HOP_Q[1], 0.3))


def gaussian_or_not(seed: int) -> dict[str, tuple[Quantity, float]]:
    """The maximum of alpha_2 of hopping ions, and the lag where it lies."""
    rate, rattle, memory = 0.004, 0.4, 0.1
    walk = hopping(seed, (3000, 60), hops_per_frame=rate)
    walk = caged(seed, walk, amplitude=rattle, relaxation_frames=memory)
    trajectory = as_trajectory(walk, ("Li",) * 60)
    found = self_motion(count_displacements(trajectory, settings=_MOTION)["Li"])
    fine = np.geomspace(1.0, 700.0, 4000)
    truth = hop_truth(fine, rate=rate, length=3.0, rattle=rattle, memory=memory)
    return {
        "alpha_2 maximum": (found.maximum, float(truth.max())),
        "its time": (found.maximum_time.scaled(1e12, "ps"), float(fine[truth.argmax()])),
    }


def coherent_walk(seed: int) -> dict[str, tuple[Quantity, float]]:
    """Free walks that fill the cell: F(q, t) / S(q) = exp(-D q² t), S(q) = 1."""
    n = 60
    walk = brownian(seed, (1500, n), diffusivity=0.1)
    walk = walk + np.random.default_rng(seed + 3_000_000).random((n, 3)) * 20.0
    found = coherent_scattering(
        as_trajectory(walk, ("Li",) * n), fit, q=(0.9,), settings=CoherentSettings(_MOTION)
    )["Li"]
    (label,) = found.tau
    q = found.q[0]
    return {
        "tau": (found.tau[label].scaled(1e12, "ps"), 1.0 / (0.1 * q**2)),
        "beta": (found.beta[label], 1.0),
        "structure factor": (found.structure_factor[label], 1.0),
    }


def sites(seed: int) -> dict[str, tuple[Quantity, float]]:
    """Vibration about sites, as slow as a fiftieth of the run."""
    rattle = caged(seed, np.zeros((1500, 30, 3)), amplitude=0.25, relaxation_frames=15.0)
    trajectory = as_trajectory(rattle, ("Li",) * 30)
    settings = SiteSettings(frame=LABORATORY, temperature_K=300.0, stay_A=2.0)
    found = site_vibrations(trajectory, settings=settings)["Li"]
    return {"U_iso": (found.u_iso, 0.0625), "U12": (found.tensor["U12"], 0.0)}


def states(seed: int) -> dict[str, tuple[Quantity, float]]:
    """Mean frequency and modes of two kinds of oscillators, friction small."""
    step, frames = 0.02, 3000
    thermal = thermal_speed(600.0, LITHIUM_U)
    slow = oscillators(seed, (frames, 12, 3), frequency=4.0, friction=1.0, thermal=thermal,
                       step=step)  # fmt: skip
    fast = oscillators(seed + 1_000_000, (frames, 24, 3), frequency=9.0, friction=1.0,
                       thermal=thermal_speed(600.0, 15.999), step=step)  # fmt: skip
    places, speeds = (np.concatenate(parts, axis=1) for parts in zip(slow, fast))
    cells = np.broadcast_to(np.eye(3) * 20.0, (frames, 3, 3))
    trajectory = Trajectory(
        ("Li",) * 12 + ("O",) * 24, np.arange(float(frames)) * step, cells, places, speeds
    )
    settings = SpectrumSettings(resolution_THz=0.5, frame=LABORATORY)
    found = vibrational_spectrum(trajectory, settings=settings)
    return {
        "mean frequency, Li": (found.mean_frequency["Li"], sampled_mean(4.0, 1.0, step)),
        "mean frequency, O": (found.mean_frequency["O"], sampled_mean(9.0, 1.0, step)),
        "modes of Li": (found.modes["Li"], 36.0),
    }


def sampled_mean(frequency: float, friction: float, step: float) -> float:
    """Return the mean frequency of sampled velocities of a damped oscillator, THz."""
    omega = 2.0 * np.pi * frequency
    edge = 0.5 / step
    nu = np.linspace(0.0, edge, 20001)
    density = np.zeros_like(nu)
    for fold in range(200):
        for side in (2.0 * edge * fold + nu, 2.0 * edge * (fold + 1) - nu):
            w = 2.0 * np.pi * side
            density += w**2 / ((omega**2 - w**2) ** 2 + (friction * w) ** 2)
    return float(np.trapezoid(nu * density, nu) / np.trapezoid(density, nu))


def stretch(seed: int) -> dict[str, tuple[Quantity, float]]:
    """O-H bonds of one frequency and friction: line at 107 THz, full width gamma / 2 pi."""
    n, frames, step, friction = 24, 3000, 0.002, 6.0
    mass = 15.999 * 1.008 / (15.999 + 1.008)
    change, _ = oscillators(seed, (frames, n), frequency=107.0, friction=friction,
                            thermal=thermal_speed(300.0, mass), step=step)  # fmt: skip
    draws = np.random.default_rng(seed + 2_000_000)
    along = draws.normal(size=(n, 3))
    along /= np.linalg.norm(along, axis=1)[:, None]
    oxygen = np.broadcast_to(draws.random((n, 3)) * 30.0, (frames, n, 3))
    hydrogen = oxygen + (0.97 + change)[:, :, None] * along
    cells = np.broadcast_to(np.eye(3) * 30.0, (frames, 3, 3))
    trajectory = Trajectory(
        ("O",) * n + ("H",) * n, np.arange(float(frames)) * step, cells,
        np.concatenate([oxygen, hydrogen], axis=1),
    )  # fmt: skip
    found = bond_stretch(trajectory, "O-H", settings=StretchSettings(reach_A=1.3))
    return {
        "position": (found.position, 107.0 * 33.35640952),
        "width": (found.width, friction / (2.0 * np.pi) * 33.35640952),
    }


CASES: dict[str, Case] = {
    "free walk": free_walk,
    "hops": hops,
    "few hoppers": few_hoppers,
    "hops in threes": hops_in_threes,
    "non-Gaussian": gaussian_or_not,
    "coherent walk": coherent_walk,
    "sites": sites,
    "density of states": states,
    "stretch": stretch,
}


def coverage(name: str, runs: int = RUNS) -> tuple[Coverage, ...]:
    """Return the coverage of every quantity of one case."""
    outcomes = [CASES[name](seed) for seed in range(runs)]
    return tuple(_counted(f"{name}, {key}", [one[key] for one in outcomes]) for key in outcomes[0])


def _counted(name: str, pairs: list[tuple[Quantity, float]]) -> Coverage:
    answered = [(number, truth) for number, truth in pairs if number.status != "refused"]
    held = sum(number.low <= truth <= number.high for number, truth in answered)
    scales = [abs(truth) if truth else 1.0 for _, truth in answered]
    widths = [(q.high - q.low) / (2 * scale) for (q, _), scale in zip(answered, scales)]
    off = [(q.value - truth) / scale for (q, truth), scale in zip(answered, scales)]
    return Coverage(
        name,
        held,
        len(answered),
        len(pairs),
        float(np.median(widths)) if widths else float("nan"),
        float(np.mean(off)) if off else float("nan"),
    )


def bounds(name: str) -> tuple[float, float]:
    """Return within which the share has to lie.

    The interval of a time where a curve is highest holds every lag that may be it, and so errs on
    the wide side.
    """
    return (LOW, 1.0) if name.endswith("its time") else (LOW, HIGH)


def intervals(name: str, runs: int = RUNS) -> tuple[Check, ...]:
    """Return one check for each quantity of a case: the share of intervals that hold the truth."""
    return tuple(
        Check.within(
            f"95 % interval holds the truth, share of {one.answered} answers of {one.runs} runs: "
            f"{one.name}",
            0.95,
            one.share,
            bounds=bounds(one.name),
            command="",
        )
        for one in coverage(name, runs)
    )


def coherent_beside_dynasor() -> tuple[Check, ...]:
    """Return the greatest difference of F(q, t) / F(q, 0) from dynasor's, triclinic cell."""
    from dynasor import Trajectory as Frames
    from dynasor import compute_dynamic_structure_factors as dynamic

    cell = np.array([[18.0, 0.0, 0.0], [5.0, 17.0, 0.0], [-4.0, 6.0, 16.0]])
    frames, ions, window = 400, 40, 40
    places = np.random.default_rng(5).random((ions, 3)) @ cell
    walk = brownian(5, (frames, ions), diffusivity=0.05) + places
    cells = np.broadcast_to(cell, (frames, 3, 3))
    species = ("Na",) * 25 + ("Cl",) * 15
    trajectory = Trajectory(species, np.arange(float(frames)), cells, walk)
    settings = CoherentSettings(_MOTION, vectors=10_000, start_ps=0.0)
    ours = coherent_scattering(trajectory, fit, q=(0.8,), settings=settings)
    rows = reciprocal_near(cell, ours["Na"].q[0])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "walk.xyz"
        write(path, [Atoms(species, positions=x, cell=cell, pbc=True) for x in walk], "extxyz")
        atoms = {"Na": list(range(25)), "Cl": list(range(25, 40))}
        read = Frames(str(path), trajectory_format="extxyz", atomic_indices=atoms)
        theirs = dynamic(read, rows, dt=1.0, window_size=window)
    return tuple(_beside(ours[name], theirs[f"Fqt_coh_{name}_{name}"], name) for name in atoms)


def reciprocal_near(cell: Floats, q: float) -> Floats:
    """Return the reciprocal vectors of the shell about a length, (n, 3), 1/Å."""
    rows = vectors_within(cell, 1.2 * q) @ (2.0 * np.pi * np.linalg.inv(cell).T)
    lengths = np.linalg.norm(rows, axis=1)
    nearest = lengths[np.abs(lengths - 0.8).argmin()]
    return np.asarray(rows[np.abs(lengths - nearest) <= 0.025 * nearest])


def _beside(ours: CoherentPart, theirs: NDArray[np.complexfloating], name: str) -> Check:
    mean = np.real(theirs).mean(axis=0)
    curve = ours.curves.curves[0]
    lags = curve.x.astype(int)
    use = lags < len(mean)
    apart = float(np.abs(np.asarray(curve.y)[use] - mean[lags[use]] / mean[0]).max())
    # dynasor keeps the origins of whole windows only; a tenth of the origins differ
    return Check.within(
        f"F(q, t) / F(q, 0) of {name} at 0.8 1/Å beside dynasor's, greatest difference",
        0.0, apart, bounds=(0.0, 0.01), command="",
    )  # fmt: skip


def main(arguments: list[str]) -> None:
    runs = int(arguments[0]) if arguments else RUNS
    chosen = [name for name in CASES if not arguments[1:] or any(w in name for w in arguments[1:])]
    for name in chosen:
        for one in coverage(name, runs):
            sys.stdout.write(
                f"{one.name:45} {one.share:.3f} ± {one.error:.3f}  answered {one.answered}/"
                f"{one.runs}  half width {one.half_width:.3f}  bias {one.bias:+.4f}\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
