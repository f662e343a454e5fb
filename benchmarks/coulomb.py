"""Students with and without long-range charges, compared on what decides between them.

Run ``python -m benchmarks.coulomb salt`` (NaCl, labels bought from 7net-0), or
``python -m benchmarks.coulomb finished CONFIG WORK`` for the labels of a finished distillation.
The same examples, descriptors and weights; only the charges differ.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.ionic_systems import IonicSystem, finished, salt
from benchmarks.pairing import Shell, first_shell, overlaps
from benchmarks.phonons import Counts, Vibrations
from vitrolyte.data.io.files import write_text
from vitrolyte.data.io.lammps_log import processor_seconds_per_step
from vitrolyte.data.trajectory import structure
from vitrolyte.data.units import EV_PER_A3_TO_GPA
from vitrolyte.infer.distil.config import ChargeSettings
from vitrolyte.infer.distil.defaults import completed
from vitrolyte.infer.distil.evaluate import student_labels
from vitrolyte.infer.distil.gate import errors
from vitrolyte.infer.distil.geometry import Array
from vitrolyte.infer.distil.pod import Fit, FitOrder, fit_student
from vitrolyte.infer.distil.seeds import repeated, scaled
from vitrolyte.infer.distil.trials import snapshots
from vitrolyte.potentials.potential import Potential
from vitrolyte.potentials.teacher import Example, Label, Snapshot
from vitrolyte.potentials.teacher_catalogue import default_python
from vitrolyte.simulate import lammps
from vitrolyte.simulate.order import Limits, Order
from vitrolyte.simulate.process import LOG
from vitrolyte.simulate.schedule import Segment

SCALES = (0.3, 0.4, 0.5, 0.6, 0.7, 1.0)
"""Factors on the formal charges."""

LENGTHS = np.linspace(0.97, 1.03, 7)
MELT_PS, FRAME_PS, SETTLING_PS = 12.0, 0.05, 2.0
COST_ATOMS, COST_STEPS, COST_TURNS = 500, 300, 3
LOOSE = Limits(temperature_ratio=(0.05, 10.0))
"""A perfect crystal gives half of its heat to its potential energy, a pressed melt some more."""

MILLI = 1000.0
Row = tuple[str, ...]


@dataclass(frozen=True)
class Contestant:
    """A student with the scale of its charges and the number of examples behind it."""

    scale: float
    fit: Fit
    folder: Path

    @property
    def name(self) -> str:
        """How the page calls it."""
        return f"charges × {self.scale:g}" if self.scale else "no charges"

    @property
    def potential(self) -> Potential:
        """The student as the engine takes it."""
        return self.fit.potential(f"compared-{self.scale:g}", 2.0)

    def says(self, cells: Sequence[Snapshot]) -> list[Label]:
        """Evaluate cells."""
        student = self.fit.student
        return student_labels(
            student.pair(), cells, elements=student.elements, folder=self.folder / "points"
        )

    def runs(self, start: Snapshot, segment: Segment, name: str) -> list[Snapshot]:
        """Run molecular dynamics and return its frames after the settling."""
        now = structure(start.species, start.positions, start.cell)
        order = Order(now, self.potential, segment, 7, self.folder / name, LOOSE)
        frames = snapshots(lammps.run(order).trajectory)
        return frames[round(SETTLING_PS / segment.frame_every_ps) :]


def contestant(
    system: IonicSystem, scales: tuple[float, ...], examples: Sequence[Example]
) -> Contestant:
    """Fit a student with charges of the best of some scales; none gives one without charges."""
    settings = system.bench.settings
    if scales:
        charged = settings.model_copy(update={"coulomb": ChargeSettings(scale=scales)})
        settings = completed(charged)
    bench = replace(system.bench, settings=settings)
    named = "-".join(f"{scale:g}" for scale in scales) or "none"
    folder = system.bench.place / f"coulomb-{named}-{len(examples)}"
    order = FitOrder(
        settings.fit, settings.limits, 1, settings.seed, folder / "fit", bench.electrostatics
    )
    fit = fit_student(examples, bench.basis, order)
    charges, unit = fit.student.charges, bench.electrostatics
    scale = 0.0
    if charges is not None and unit is not None:
        element = settings.elements[0]
        scale = charges.values[element] / unit.unit.values[element]
    return Contestant(round(scale, 6), fit, folder)


def table(header: Sequence[str], rows: Sequence[Row]) -> str:
    """Write a table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def error_row(one: Contestant, examples: Sequence[Example]) -> Row:
    """Write the errors on labelled frames: forces, energies, pressure and its bias."""
    said = one.says([example.snapshot for example in examples])
    force, energy, pressure, bias = errors([example.label for example in examples], said)
    return (f"{force:.4f}", f"{MILLI * energy:.2f}", f"{pressure:.3f}", f"{bias:+.3f}")


def error_table(system: IonicSystem, students: Sequence[Contestant]) -> str:
    """Compare errors on crystals and melt that no student was fitted to."""
    rows = []
    for of, examples in (("crystal", system.crystal), ("melt", system.melt.labelled)):
        for one in students:
            figures = error_row(one, examples)
            rows.append((of, str(len(examples)), str(len(one.fit.examples)), one.name, *figures))
    header = ("on", "frames", "fitted to", "student", "forces (eV/Å)", "energies (meV/atom)")
    return table((*header, "pressure (GPa)", "its bias (GPa)"), rows)


@dataclass(frozen=True)
class Rest:
    """A cubic crystal without stress: edge over that of the first guess, bulk modulus, GPa."""

    length: float
    bulk: float


def at_rest(cells: Sequence[Snapshot], labels: Sequence[Label]) -> Rest:
    """Find where the pressure of a scaled cubic cell vanishes, and ``-V dP/dV`` there."""
    pressures = [-np.trace(label.stress) / 3 * EV_PER_A3_TO_GPA for label in labels]
    volumes = np.array([cell.volume for cell in cells])
    curve = np.polynomial.Polynomial.fit(volumes, pressures, 3)
    roots = curve.roots()
    inside = roots[np.abs(roots.imag) < 1e-9].real
    volume = float(inside[np.argmin(np.abs(inside - volumes.mean()))])
    middle = volumes[len(volumes) // 2]
    return Rest(float((volume / middle) ** (1 / 3)), -volume * float(curve.deriv()(volume)))


def crystal_table(system: IonicSystem, students: Sequence[Contestant]) -> str:
    """Compare lattice and vibrations of the parent crystal at the teacher's lattice."""
    cells = [scaled(system.unit, float(f)) for f in LENGTHS]
    theirs = at_rest(cells, system.teacher_says(cells))
    edge = float(np.linalg.norm(system.unit.cell[0]))
    unit = scaled(system.primitive, theirs.length)
    reference = bands(unit, system.lines, system.teacher_says)
    lattice = (f"{theirs.length * edge:.4f}", "", f"{theirs.bulk:.2f}")
    rows = [("teacher", *lattice, "", "", *_highest(reference))]
    for one in students:
        mine = at_rest(cells, one.says(cells))
        found = bands(unit, system.lines, one.says)
        gaps = np.concatenate([a - b for a, b in zip(found, reference)], axis=None)
        off = 100 * ((theirs.length / mine.length) ** 3 - 1)
        lattice = (f"{mine.length * edge:.4f}", f"{off:+.2f}", f"{mine.bulk:.2f}")
        misses = (f"{np.sqrt(np.mean(gaps**2)):.3f}", f"{np.abs(gaps).max():.3f}")
        rows.append((one.name, *lattice, *misses, *_highest(found)))
    header = ("crystal", "edge (Å)", "density (%)", "bulk modulus (GPa)", "frequencies RMS (THz)")
    waves = [f"top at {k}/{system.lines[0][0]}" for k in range(1, system.lines[0][0] // 2 + 1)]
    return table((*header, "largest (THz)", *waves), rows)


def bands(
    unit: Snapshot, lines: Sequence[Counts], says: Callable[[Sequence[Snapshot]], list[Label]]
) -> list[Array]:
    """Return all frequencies at every wave vector of some supercells, THz."""
    found = []
    for counts in lines:
        crystal = Vibrations(unit, counts)
        labels = says(crystal.displaced())
        found.append(np.array([crystal.frequencies(labels, q) for q in np.ndindex(counts)]))
    return found


def _highest(found: Sequence[Array]) -> Row:
    first = found[0]
    return tuple(f"{first[k].max():.2f}" for k in range(1, len(first) // 2 + 1))


def melt_tables(system: IonicSystem, students: Sequence[Contestant]) -> str:
    """Compare structure, pairing and density of the melt with the teacher's own run."""
    frames = system.melt.frames
    half = len(frames) // 2
    cation, anions = system.pairs
    segment = _held(system)
    runs = {one.name: one.runs(frames[0], segment, "melt") for one in students}
    both: dict[str, Sequence[Snapshot]] = {
        "teacher, first half": frames[:half],
        "teacher, second half": frames[half:],
        **runs,
    }
    alike = [
        (name, *(f"{value:.3f}" for value in overlaps(frames, run).values()))
        for name, run in both.items()
    ]
    text = table(("g(r) against the teacher's", *overlaps(frames, frames)), alike)
    for anion in anions:
        shell = first_shell(frames, cation, anion)
        here = {"teacher": frames, **both}
        rows = [(name, *_pairing(shell, run, frames, system)) for name, run in here.items()]
        header = (
            f"{cation}-{anion} within {shell.reach_A:.2f} Å",
            "neighbours",
            "shares 0, 1, 2 …",
        )
        text += "\n" + table((*header, "off (%)", "peak of g", "well (meV)"), rows)
    return text + "\n" + density_table(system, students)


def _held(system: IonicSystem, pressure_GPa: float | None = None) -> Segment:
    return Segment(
        name="melt",
        ensemble="nvt" if pressure_GPa is None else "npt",
        duration_ps=MELT_PS,
        temperature_K=system.melt.temperature_K,
        timestep_fs=system.bench.settings.timestep_fs,
        pressure_GPa=pressure_GPa or 0.0,
        frame_every_ps=FRAME_PS,
        velocities=True,
    )


def _pairing(
    shell: Shell, run: Sequence[Snapshot], reference: Sequence[Snapshot], system: IonicSystem
) -> Row:
    mine, theirs = shell.shares(run), shell.shares(reference)
    off = 50 * float(np.abs(mine - theirs).sum())
    listed = " ".join(f"{share:.2f}" for share in mine[: np.flatnonzero(mine > 0.005).max() + 1])
    peak = shell.peak(run)
    well = MILLI * 8.617333e-5 * system.melt.temperature_K * float(np.log(peak))
    return (f"{shell.number(run):.2f}", listed, f"{off:.1f}", f"{peak:.2f}", f"{well:.0f}")


def density_table(system: IonicSystem, students: Sequence[Contestant]) -> str:
    """Compare the melt's density: pressure difference on the teacher's frames over its modulus."""
    start = system.melt.frames[0]
    volumes = []
    for pressure in (0.5, 1.5):
        frames = students[0].runs(start, _held(system, pressure), f"pressed-{pressure:g}")
        volumes.append(np.mean([frame.volume for frame in frames]))
    modulus = 1.0 / float(np.log(volumes[0] / volumes[1]))
    rows = []
    labels = [example.label for example in system.melt.labelled]
    for one in students:
        said = one.says([example.snapshot for example in system.melt.labelled])
        bias = errors(labels, said)[3]
        rows.append((one.name, f"{bias:+.3f}", f"{-100 * bias / modulus:+.2f}"))
    return table(
        ("melt", "pressure bias (GPa)", f"density (%), with a bulk modulus of {modulus:.1f} GPa"),
        rows,
    )


def cost_table(system: IonicSystem, students: Sequence[Contestant]) -> str:
    """Compare processor time per atom and step, turn by turn, the least of three turns."""
    unit = system.unit
    edge = max(1, round((COST_ATOMS / len(unit.species)) ** (1 / 3)))
    start = repeated(unit, (edge, edge, edge))
    segment = replace(_held(system), duration_ps=COST_STEPS * 0.002, temperature_K=600.0)
    times: dict[str, list[float]] = {}
    for turn in range(COST_TURNS):
        for one in students:
            one.runs(start, segment, f"cost-{turn}")
            log = (one.folder / f"cost-{turn}" / LOG).read_text("utf-8")
            spent = processor_seconds_per_step(log) or float("nan")
            times.setdefault(one.name, []).append(1e6 * spent / len(start.species))
    rows = [(name, f"{min(spent):.0f}") for name, spent in times.items()]
    return table((f"{len(start.species)} atoms", "µs per atom and step"), rows)


def chapters(system: IonicSystem, scales: tuple[float, ...]) -> Iterator[str]:
    """Fit all students and yield the tables one after the other."""
    whole, half = system.training, system.training[::2]
    none, chosen = (contestant(system, each, whole) for each in ((), scales))
    best = (chosen.scale,)
    fewer = [contestant(system, each, half) for each in ((), best)]
    rest = [contestant(system, (s,), whole) for s in scales if len(scales) > 1]
    yield f"Scale chosen on held-out examples among {scales}: {chosen.scale:g}\n"
    yield error_table(system, [*fewer, none, *(rest or [chosen])])
    finalists = [none, chosen]
    yield crystal_table(system, finalists)
    yield melt_tables(system, finalists)
    yield cost_table(system, finalists)


def main(arguments: Sequence[str]) -> int:
    """Compare, print, and keep the tables in the working folder."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coulomb", description=__doc__)
    parser.add_argument("what", choices=("salt", "finished"))
    parser.add_argument("config", nargs="?", type=Path, help="distillation file (finished)")
    parser.add_argument("work", nargs="?", type=Path, default=Path("runs/coulomb-salt"))
    parser.add_argument("--teacher-python", type=Path, default=default_python())
    parser.add_argument("--scales", type=_numbers, default=SCALES, metavar="0.4,0.6")
    asked = parser.parse_args(arguments)
    system = (
        salt(asked.work, asked.teacher_python, _tell)
        if asked.what == "salt"
        else finished(asked.config, asked.work, asked.teacher_python, _tell)
    )
    text = ""
    for chapter in chapters(system, asked.scales):
        sys.stdout.write(chapter + "\n")
        text += chapter + "\n"
        write_text(asked.work / "coulomb.md", text)
    return 0


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(word) for word in text.split(","))


def _tell(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
