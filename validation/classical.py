"""Classical potentials against published crystals, written as the cards that they carry.

``python -m validation.classical [NAME ...]`` measures the shipped classical potentials, all or
those named, anew and writes their ``card.json``.
"""

from __future__ import annotations

import math
import resource
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase.build import bulk

from vitrolyte.data.trajectory import Trajectory, from_ase, structure
from vitrolyte.potentials import shelf
from vitrolyte.potentials.card import COST, TrustCard, TrustFigure
from vitrolyte.potentials.potential import Potential
from vitrolyte.simulate.evaluate import Relaxation, evaluate, relax
from vitrolyte.simulate.lammps import run
from vitrolyte.simulate.order import Order
from vitrolyte.simulate.schedule import Segment

KJ_PER_MOL_TO_EV = 1 / 96.485332
LEAST_STEPS = 400
LEAST_PS = 0.4


@dataclass(frozen=True)
class Crystal:
    """A crystal as print has it: lattice parameter Å, bulk modulus GPa, lattice energy eV/f.u."""

    formula: str
    ase: tuple[str, str]
    a_A: float
    bulk_modulus_GPa: float
    lattice_energy_eV: float
    ions: int
    source: str

    def cell(self, repeat: int) -> Trajectory:
        """Return cubic cells of the published size."""
        return from_ase(bulk(*self.ase, a=self.a_A, cubic=True) * (repeat, repeat, repeat))


# Lattice parameters at room temperature: R. W. G. Wyckoff, Crystal Structures vol. 1 (1963).
# Moduli at room temperature: LiCl and NaCl from C11, C12 of Lewis, Lehoczky and Briscoe 1967,
# doi:10.1103/PhysRev.161.877; Li2O from C11 = 202, C12 = 21.5 GPa of Hull et al.,
# J. Nucl. Mater. 160, 125 (1988). Lattice energies (Born-Haber): CRC Handbook of Chemistry and
# Physics, "Lattice Energies".
CRYSTALS = {
    "licl-tosi-fumi": Crystal(
        "LiCl", ("LiCl", "rocksalt"), 5.1295, 31.8, -853 * KJ_PER_MOL_TO_EV, 2, "Wyckoff 1963"
    ),
    "nacl-tosi-fumi": Crystal(
        "NaCl", ("NaCl", "rocksalt"), 5.6406, 25.0, -786 * KJ_PER_MOL_TO_EV, 2, "Wyckoff 1963"
    ),
    "li2o-bush": Crystal(
        "Li2O", ("OLiLi", "fluorite"), 4.619, 81.7, -2799 * KJ_PER_MOL_TO_EV, 3, "Wyckoff 1963"
    ),
}
RECALLED = (
    "Published values are quoted from the sources that the file validation/classical.py names, "
    "as recalled; they were not read again when this card was written."
)


def examine(potential: Potential, crystal: Crystal, folder: Path) -> TrustCard:
    """Measure a potential on its crystal and return the card."""
    at_rest = relax(crystal.cell(2), potential, folder=folder)
    figures = [
        *_statics(potential, crystal, at_rest, folder=folder),
        *_dynamics(potential, crystal, folder),
    ]
    notes = (
        "No figure is from a melt or a glass: read the papers cited for those.",
        "The crystal is at rest, without thermal expansion; the printed one is at 300 K.",
        RECALLED,
    )
    return TrustCard(potential.name, "published crystals", 0, tuple(figures), notes)


def _statics(
    potential: Potential, crystal: Crystal, at_rest: Relaxation, *, folder: Path
) -> Iterator[TrustFigure]:
    found = at_rest.structure
    a = float(np.cbrt(found.volumes[0]) / 2)
    modulus = _bulk_modulus(potential, found, folder)
    energy = at_rest.evaluation.energy / (found.n_atoms / crystal.ions)
    yield from _compared("lattice", crystal, a, crystal.a_A, "Å", 2.0)
    yield from _compared("bulk_modulus", crystal, modulus, crystal.bulk_modulus_GPa, "GPa", 25.0)
    yield from _compared(
        "lattice_energy", crystal, energy, crystal.lattice_energy_eV, "eV/f.u.", 10.0
    )


def _compared(
    what: str, crystal: Crystal, value: float, printed: float, unit: str, limit: float
) -> Iterator[TrustFigure]:
    quantity = "lattice_parameter" if what == "lattice" else what
    how = "relaxed at rest, no thermal motion"
    yield TrustFigure(quantity, crystal.formula, value, unit, printed, None, "below", 1, how)
    error = 100 * abs(value / printed - 1)
    yield TrustFigure(f"{what}_error", crystal.formula, error, "%", None, limit, "below", 1, how)


def _bulk_modulus(potential: Potential, found: Trajectory, folder: Path) -> float:
    cell, places = found.cells[0], found.read().positions[0]
    scales = (0.997, 1.003)
    strained = [structure(found.species, places * s, cell * s) for s in scales]
    low, high = evaluate(strained, potential, folder=folder)
    return (low.pressure - high.pressure) / (3 * math.log(scales[1] / scales[0]))


def _dynamics(potential: Potential, crystal: Crystal, folder: Path) -> Iterator[TrustFigure]:
    start = crystal.cell(2 if potential.lammps and potential.lammps.shells else 3)
    step_ps = potential.timestep_fs * 1e-3
    steps = max(LEAST_STEPS, round(LEAST_PS / step_ps))
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    segment = Segment(
        "drift",
        "nve",
        duration_ps=steps * step_ps,
        temperature_K=600.0,
        timestep_fs=potential.timestep_fs,
        frame_every_ps=steps * step_ps / 10,
        velocities=True,
    )
    thermo = run(Order(start, potential, segment, 1, folder / "drift")).thermo
    spent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    total = (thermo.potential_energy + thermo.kinetic_energy) / start.n_atoms
    half = len(total) // 2
    slope = float(np.polyfit(thermo.times[half:], total[half:], 1)[0])
    how = (
        f"{start.n_atoms} ions from 600 K, second half of {steps} steps of "
        f"{potential.timestep_fs} fs: shells have taken up their own motion by then"
    )
    yield TrustFigure("nve_drift", "", abs(slope), "eV/atom/ps", None, 1e-3, "below", 1, how)
    cost = spent * 1e6 / steps / start.n_atoms
    how = f"processor time of one process, {start.n_atoms} ions of the crystal, start included"
    yield TrustFigure(COST, "", cost, "µs", None, None, "below", 1, how)


def main() -> None:
    """Write the cards of the shipped classical potentials."""
    for name in sys.argv[1:] or CRYSTALS:
        crystal = CRYSTALS[name]
        with tempfile.TemporaryDirectory() as folder:
            card = examine(shelf.load(name, (shelf.SHIPPED,)), crystal, Path(folder))
        shelf.write_card(card, shelf.SHIPPED / name / "card.json")
        for figure in card.figures:
            print(name, figure.quantity, figure.value, figure.unit, figure.reference, figure.passed)


if __name__ == "__main__":
    main()
