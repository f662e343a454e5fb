"""Ring counts beside matscipy's, a quenched silica glass, and the time that a frame takes.

matscipy (``pip install matscipy``, measured with 1.3.1) counts rings without shortcuts on the bonds
of one species by distance. It looks for shortcuts inside the periodic cell, where a way round the
cell counts as one; so it is given eight copies of each cell, and must find eight times as many.
"""

from __future__ import annotations

import importlib
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.spacegroup import crystal
from numpy.typing import NDArray

from validation.check import Check
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.trajectory import Trajectory, from_ase
from vitrolyte.matter.supercell import supercell
from vitrolyte.observe.network.bonds import Network
from vitrolyte.observe.network.rings import RingSettings, rings, rings_of
from vitrolyte.simulate.order import Launch
from vitrolyte.simulate.programs import environment, lammps_program

Floats = NDArray[np.float64]

LARGEST = 14
SILICA = Network(("Si",), ("O",), {"Si-O": 2.2})
_SCHEDULE = ((8000.0, 6000.0, 8000), (6000.0, 3500.0, 10000), (3500.0, 300.0, 60000))


def against_matscipy() -> tuple[Check, ...]:
    """Return the largest difference of ring counts from matscipy's, crystal and disorder."""
    found = []
    for name, atoms, reach in _samples():
        ours, theirs = _ours(atoms, reach), _theirs(atoms.repeat((2, 2, 2)), reach)
        worst = float(np.abs(8.0 * ours - theirs).max())
        title = f"largest difference of primitive ring counts from matscipy, {name}"
        found.append(Check.within(title, 0.0, worst, bounds=(0.0, 0.0), command=""))
    return tuple(found)


def _samples() -> list[tuple[str, Atoms, float]]:
    silicon = quartz().repeat((2, 2, 2))
    silicon = silicon[[symbol == "Si" for symbol in silicon.symbols]]
    random = np.random.default_rng(0)
    loose = Atoms("Si60", random.uniform(size=(60, 3)) * 14.0, cell=[14.0] * 3, pbc=True)
    skewed = loose.copy()
    skewed.set_cell([[14, 0, 0], [5, 13, 0], [-4, 3, 15]], scale_atoms=True)
    return [
        ("silicon of quartz", silicon, 3.5),
        ("random points in a cube", loose, 3.3),
        ("random points in a triclinic cell", skewed, 3.5),
    ]


def quartz() -> Atoms:
    """Return alpha-quartz (Levien, Prewitt & Weidner, Am. Mineral. 65, 920 (1980))."""
    sites = [(0.4697, 0, 2 / 3), (0.4135, 0.2669, 2 / 3 + 0.1191)]
    cell = [4.916, 4.916, 5.4054, 90, 90, 120]
    return crystal(["Si", "O"], sites, spacegroup=154, cellpar=cell)


def _ours(atoms: Atoms, reach: float) -> Floats:
    network = Network(("Si",), (), {"Si-Si": reach})
    listed = rings_of(from_ase(atoms), RingSettings(network, largest=LARGEST))
    return np.bincount([ring.size for ring in listed], minlength=LARGEST + 1).astype(float)


def _theirs(atoms: Atoms, reach: float) -> Floats:
    peer: Any = importlib.import_module("matscipy.rings")
    counts = np.asarray(peer.ring_statistics(atoms, reach, maxlength=LARGEST + 1), dtype=float)
    return np.asarray(np.pad(counts, (0, LARGEST + 1))[: LARGEST + 1])


def silica_glass(
    seed: int = 4711, schedule: tuple[tuple[float, float, int], ...] = _SCHEDULE
) -> Trajectory:
    """Return silica of 648 atoms at 2.20 g/cm³, melted and quenched with Vashishta's potential.

    Vashishta, Kalia, Rino & Ebbsjö, Phys. Rev. B 41, 12197 (1990); the file comes with LAMMPS.
    """
    sites = [(0.125, 0.125, 0.125), (0, 0, 0)]
    ordered = crystal(["Si", "O"], sites, spacegroup=227, setting=2, cellpar=[7.13] * 3 + [90] * 3)
    atoms = ordered.repeat((3, 3, 3))
    # 60.084 g/mol a formula unit, 0.602214 /Å³ a mol/cm³.
    edge = (len(atoms) / 3 * 60.084 / (0.602214 * 2.20)) ** (1 / 3)
    atoms.set_cell([edge] * 3, scale_atoms=True)
    with tempfile.TemporaryDirectory() as folder:
        _quench(Path(folder), atoms, seed, schedule)
        text = (Path(folder) / "glass.txt").read_text().splitlines()
    table = np.array([line.split() for line in text[9:]], dtype=float)
    atoms.positions[:] = table[np.argsort(table[:, 0]), 2:5]
    return from_ase(atoms)


def _quench(
    folder: Path, atoms: Atoms, seed: int, schedule: tuple[tuple[float, float, int], ...]
) -> None:
    import ase.io

    ase.io.write(
        folder / "start.data", atoms, format="lammps-data", specorder=["Si", "O"], masses=True
    )
    share = Path(sysconfig.get_path("platlib"), "lammps", "share", "lammps", "potentials")
    steps = [
        f"fix 1 all nvt temp {start} {end} 0.1\nrun {count}\nunfix 1\n"
        for start, end, count in schedule
    ]
    (folder / "in.lammps").write_text(
        "units metal\natom_style atomic\nread_data start.data\npair_style vashishta\n"
        f"pair_coeff * * {share / 'SiO.1990.vashishta'} Si O\ntimestep 0.001\n"
        f"velocity all create {schedule[0][0]} {seed}\n"
        + "".join(steps)
        + "minimize 0 1e-3 500 500\n"
        "write_dump all custom glass.txt id type x y z\n"
    )
    subprocess.run(
        [str(lammps_program()), "-in", "in.lammps"],
        cwd=folder,
        env=environment(Launch()),
        check=True,
        capture_output=True,
    )


def glass_rings() -> tuple[Check, ...]:
    """Return the commonest rings of a quenched silica glass; takes some minutes.

    By the shortest way over a bond six is the commonest in the glass of this potential (Rino,
    Ebbsjö, Kalia, Nakano & Vashishta, Phys. Rev. B 47, 3053 (1993), doi:10.1103/PhysRevB.47.3053,
    as recalled, not read again). Primitive rings of silica models reach from 3 to 12 formers with
    5, 6 and 7 the commonest.
    """
    glass = silica_glass()
    shortest = rings(glass, RingSettings(SILICA, "guttman", largest=LARGEST)).counts
    primitive = rings(glass, RingSettings(SILICA, largest=LARGEST)).counts
    first, *_ = _by_number(shortest)
    three = sorted(_by_number(primitive)[:3])
    measured = (
        ("commonest ring of quenched silica (Guttman), formers", first),
        ("mean of its three commonest primitive rings, formers", float(np.mean(three))),
    )
    return tuple(
        Check.within(title, 6.0, got, bounds=(6.0, 6.0), command="") for title, got in measured
    )


def _by_number(counts: Mapping[str, Quantity]) -> list[float]:
    """Return the sizes of rings, the commonest first."""
    return [float(size) for size in sorted(counts, key=lambda size: -counts[size].value)]


def speed() -> tuple[Check, ...]:
    """Return the processor time of one frame of quartz, 1125 atoms, rings of up to 16 formers."""
    one = supercell(from_ase(quartz()), (5, 5, 5))
    settings = RingSettings(SILICA, largest=16)
    rings(one, settings)
    taken = min(_seconds(lambda: rings(one, settings)) for _ in range(3))
    title = "primitive rings up to 16 in 1125 atoms of quartz, s a frame"
    return (Check.within(title, 0.5, taken, bounds=(0.0, 1.0), command=""),)


def _seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start
