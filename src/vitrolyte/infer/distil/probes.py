"""Probes: equation of state, pair distributions, energy drift and cores of a student."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from ase.data import atomic_numbers, covalent_radii
from scipy.optimize import brentq

from vitrolyte.data.errors import NotConverged
from vitrolyte.data.units import EV_PER_A3_TO_GPA
from vitrolyte.infer.distil.config import CrystalSettings
from vitrolyte.infer.distil.engine import data_file, run_lammps
from vitrolyte.infer.distil.geometry import Array, neighbour_pairs, pair_names
from vitrolyte.infer.distil.seeds import crystal, scaled
from vitrolyte.infer.distil.trials import TrialGround
from vitrolyte.potentials.teacher import Label, Snapshot

Evaluate = Callable[[Sequence[Snapshot]], Sequence[Label]]
REACH_A = 6.0
BIN_A = 0.1


class EquationOfState(NamedTuple):
    """Lattice parameter (Å) and bulk modulus (GPa) of a cubic crystal at zero pressure."""

    a: float
    bulk_GPa: float


def bulk_modulus(parent: CrystalSettings, evaluate: Evaluate) -> EquationOfState:
    """Find where the energy of a cubic crystal is least, and its curvature there.

    ``E(V)`` is a cubic polynomial in ``x = V^(-2/3)`` (third-order Birch-Murnaghan) and
    ``B = V d²E/dV²``. F. Birch, Phys. Rev. 71, 809 (1947), doi:10.1103/PhysRev.71.809.

    Raises
    ------
    NotConverged
        The energy has no minimum within 2 % of the parent's lattice parameter.
    """
    unit = crystal(parent, (2, 2, 2))
    cells = [scaled(unit, factor) for factor in np.linspace(0.98, 1.02, 7)]
    energies = np.array([label.energy for label in evaluate(cells)])
    volumes = np.array([cell.volume for cell in cells])
    curve = np.polynomial.Polynomial.fit(volumes ** (-2 / 3), energies, 3)
    first, second = curve.deriv(), curve.deriv(2)
    widest, narrowest = sorted(volumes[[0, -1]] ** (-2 / 3))
    if first(widest) >= 0 or first(narrowest) <= 0:
        raise NotConverged(
            "An energy minimum within 2 % of the parent's lattice parameter",
            received=f"none for {parent.name} around {parent.a_A} Å",
            remedy="correct a_A of the parent crystal",
        )
    x = float(brentq(first, widest, narrowest, xtol=1e-14))
    volume = x**-1.5
    bulk = volume * second(x) * (2 / 3 * volume ** (-5 / 3)) ** 2
    return EquationOfState((volume / 8) ** (1 / 3), float(bulk) * EV_PER_A3_TO_GPA)


def pair_overlaps(
    one: Sequence[Snapshot], other: Sequence[Snapshot], *, elements: Sequence[str]
) -> dict[str, float]:
    """Compare two sets of frames by every partial radial distribution function.

    ``1 - Σ|g1 - g2| / Σ(g1 + g2)`` over 0.1 Å bins up to 6 Å; 1 for identical structures.
    """
    first, second = distributions(one, elements), distributions(other, elements)
    return {
        pair: float(
            1 - np.abs(first[pair] - second[pair]).sum() / (first[pair] + second[pair]).sum()
        )
        for pair in pair_names(elements)
    }


def distributions(frames: Sequence[Snapshot], elements: Sequence[str]) -> dict[str, Array]:
    """Average every partial g(r) over frames, in 0.1 Å bins up to 6 Å, images included."""
    edges = np.arange(0.0, REACH_A + 1e-9, BIN_A)
    shells = 4 / 3 * np.pi * np.diff(edges**3)
    totals = {pair: np.zeros(len(shells)) for pair in pair_names(elements)}
    for frame in frames:
        kinds = np.array(frame.species)
        pairs = neighbour_pairs(frame, REACH_A)
        for name in totals:
            a, b = name.split("-")
            chosen = (kinds[pairs.first] == a) & (kinds[pairs.second] == b)
            counts = np.histogram(pairs.distances[chosen], edges)[0]
            ideal = (kinds == a).sum() * (kinds == b).sum() * shells / frame.volume
            totals[name] += counts / ideal / len(frames)
    return totals


def energy_drift(ground: TrialGround, start: Snapshot, *, temperature_K: float) -> float:
    """Return the slope of the total energy in a run without thermostat, eV/atom/ps."""
    folder = ground.folder / "drift"
    folder.mkdir(parents=True, exist_ok=True)
    for path in ground.student.pair().files:
        shutil.copy(path, folder / path.name)
    (folder / "start.data").write_text(data_file(start, ground.settings.elements), "ascii")
    step_fs = ground.settings.active.timestep_fs
    lines = [
        "units metal",
        "atom_style atomic",
        "read_data start.data",
        *ground.student.pair().commands,
        f"velocity all create {temperature_K} 7 mom yes dist gaussian",
        f"timestep {step_fs * 1e-3}",
        f"fix heat all nvt temp {temperature_K} {temperature_K} 0.1",
        "run 500",
        "unfix heat",
        "fix move all nve",
        "variable total equal etotal",
        'fix tell all print 50 "DRIFT $(step) $(v_total:%.10g)" screen no file drift.txt',
        "thermo 50",
        f"run {round(10e3 / step_fs)}",
    ]
    (folder / "drift.in").write_text("\n".join(lines) + "\n", encoding="ascii")
    run_lammps(folder / "drift.in")
    rows = re.findall(r"DRIFT (\d+) (\S+)", (folder / "drift.txt").read_text("ascii"))
    table = np.array(rows, dtype=float)
    slope = np.polyfit(table[:, 0] * step_fs * 1e-3, table[:, 1], 1)[0]
    return float(slope) / len(start.species)


def dimer_is_repulsive(
    evaluate: Evaluate, elements: Sequence[str], *, cutoff_A: float
) -> dict[str, float]:
    """Scan every pair from 0.4 Å to 0.6 of its covalent radii and count where it pushes apart.

    Each cell is a cube of 0.92 of the cut-off with one dimer, so that every atom has its own
    images as neighbours within the cut-off.
    """
    cube = 0.92 * cutoff_A * np.eye(3)
    shares = {}
    for name in pair_names(elements):
        a, b = name.split("-")
        reach = 0.6 * (covalent_radii[atomic_numbers[a]] + covalent_radii[atomic_numbers[b]])
        distances = np.linspace(0.4, reach, 15)
        cells = [
            Snapshot((a, b), np.array([[0.1, 0.1, 0.1], [0.1 + d, 0.1, 0.1]]), cube)
            for d in distances
        ]
        pushes = [label.forces[1, 0] > 0 for label in evaluate(cells)]
        shares[name] = float(np.mean(pushes))
    return shares
