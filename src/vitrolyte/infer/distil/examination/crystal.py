"""A parent crystal in student and teacher: lattice, elastic constants, one migration barrier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.filters import FrechetCellFilter
from ase.mep import NEB
from ase.optimize import FIRE

from vitrolyte.data.errors import NotConverged
from vitrolyte.data.units import EV_PER_A3_TO_GPA
from vitrolyte.infer.distil.cache import LabelCache
from vitrolyte.infer.distil.descriptors import VOIGT
from vitrolyte.infer.distil.examination.exam import Evaluate, Exam
from vitrolyte.infer.distil.examination.figures import Evidence
from vitrolyte.infer.distil.geometry import Array, as_atoms, from_atoms
from vitrolyte.infer.distil.hops import company, hop
from vitrolyte.infer.distil.seeds import crystal, deformed, unit_cell
from vitrolyte.potentials.card import TrustFigure
from vitrolyte.potentials.teacher import Label, Snapshot, Teacher

LATTICE_LIMIT = 0.5
STIFFNESS_LIMIT = 15.0
BARRIER_LIMIT = 15.0
STRAIN = 0.005
FORCE_EV_A = 0.02
STRESS_GPA = 0.02
BAND_FORCE_EV_A = 0.05
STEPS = 150
MOST_ELASTIC_ATOMS = 40


@dataclass(frozen=True)
class Stiffness:
    """Elastic constants (6, 6), GPa, Voigt order, with their averages of Hill."""

    constants: Array

    @property
    def bulk(self) -> float:
        """Bulk modulus of Hill, GPa. R. Hill, doi:10.1088/0370-1298/65/5/307."""
        c, s = self.constants, np.linalg.inv(self.constants)
        voigt = (c[:3, :3].sum()) / 9
        return float(0.5 * (voigt + 1 / s[:3, :3].sum()))

    @property
    def shear(self) -> float:
        """Shear modulus of Hill, GPa."""
        c, s = self.constants, np.linalg.inv(self.constants)
        off = c[0, 1] + c[0, 2] + c[1, 2]
        voigt = (np.trace(c[:3, :3]) - off + 3 * np.trace(c[3:, 3:])) / 15
        soft = s[0, 1] + s[0, 2] + s[1, 2]
        reuss = 15 / (4 * np.trace(s[:3, :3]) - 4 * soft + 3 * np.trace(s[3:, 3:]))
        return float(0.5 * (voigt + reuss))

    @property
    def cubic(self) -> dict[str, float]:
        """C11, C12 and C44 averaged over the axes, GPa; of meaning in a cubic crystal."""
        c = self.constants
        return {
            "C11": float(np.trace(c[:3, :3]) / 3),
            "C12": float((c[0, 1] + c[0, 2] + c[1, 2]) / 3),
            "C44": float(np.trace(c[3:, 3:]) / 3),
        }


def relaxed(starts: Sequence[Snapshot], evaluate: Evaluate, *, cell: bool) -> tuple[Snapshot, ...]:
    """Relax snapshots side by side to forces below 0.02 eV/Å, where asked their cells to 0.02 GPa.

    All are evaluated together at every step, since a student's evaluation costs a program's start.

    Raises
    ------
    NotConverged
        Not within 150 steps.
    """
    images = [as_atoms(start) for start in starts]
    targets = [FrechetCellFilter(image) if cell else image for image in images]
    optimisers: list[FIRE | None] = [None] * len(images)
    moving = list(range(len(images)))
    for _ in range(STEPS):
        _label([images[k] for k in moving], evaluate)
        moving = [k for k in moving if not _at_rest(images[k], cell=cell)]
        if not moving:
            return tuple(from_atoms(image) for image in images)
        for k in moving:
            optimiser = optimisers[k] or FIRE(targets[k], logfile=None)
            optimisers[k] = optimiser
            optimiser.step()
    raise NotConverged(
        f"A crystal relaxed to forces below {FORCE_EV_A} eV/Å",
        received=f"{max(_largest(targets[k]) for k in moving):.3g} eV/Å after {STEPS} steps",
    )


def _at_rest(image: Atoms, *, cell: bool) -> bool:
    # the filter divides the forces on the cell by the number of atoms: its own would be too lax
    if _largest(image) > FORCE_EV_A:
        return False
    return not cell or float(np.abs(image.get_stress()).max()) * EV_PER_A3_TO_GPA < STRESS_GPA


def _largest(target: Atoms | FrechetCellFilter | NEB) -> float:
    return float(np.linalg.norm(target.get_forces(), axis=1).max())  # type: ignore[no-untyped-call]


def _label(images: Sequence[Atoms], evaluate: Evaluate) -> None:
    for image, label in zip(images, evaluate([from_atoms(image) for image in images])):
        s = label.stress
        image.calc = SinglePointCalculator(
            image,
            energy=label.energy,
            forces=label.forces,
            stress=np.array([s[i, j] for i, j in VOIGT]),
        )


def stiffness(unit: Snapshot, evaluate: Evaluate) -> Stiffness:
    """Return the elastic constants from stresses at strains of ±0.5 %, ions relaxed.

    ``C_kl = d sigma_k / d strain_l`` (engineering shear), symmetrised.
    """
    strains = []
    for i, j in VOIGT:
        for sign in (1, -1):
            strain = np.eye(3)
            strain[i, j] += 0.5 * sign * STRAIN
            strain[j, i] += 0.5 * sign * STRAIN
            strains.append(deformed(unit, strain))
    labels = evaluate(relaxed(strains, evaluate, cell=False))
    stresses = np.array([[label.stress[k] for k in VOIGT] for label in labels])
    columns = (stresses[0::2] - stresses[1::2]) / (2 * STRAIN) * EV_PER_A3_TO_GPA
    return Stiffness(0.5 * (columns + columns.T))


def barrier(
    parent: Snapshot,
    mobile: str,
    evaluate: Evaluate,
    *,
    images: int,
    gone: tuple[str, ...] = (),
) -> float:
    """Return the barrier of the shortest vacancy hop of an ion, eV.

    Climbing-image nudged elastic band (G. Henkelman et al., doi:10.1063/1.1329672) between two
    relaxed cells, each with one of two neighbouring ions missing, and with the ions ``gone``
    farthest from them, which keep the cell neutral.

    Raises
    ------
    NotConverged
        The ends or the band do not converge.
    """
    ends = relaxed(hop(parent, mobile, gone), evaluate, cell=False)
    band = [as_atoms(ends[0]) for _ in range(images + 1)] + [as_atoms(ends[1])]
    chain = NEB(band, climb=True, method="improvedtangent", allow_shared_calculator=False)
    chain.interpolate(method="linear", mic=True)
    _label(band, evaluate)
    optimiser = FIRE(chain, logfile=None)
    for _ in range(STEPS):
        _label(band[1:-1], evaluate)
        if _largest(chain) < BAND_FORCE_EV_A:
            energies = [image.get_potential_energy() for image in band]
            return float(max(energies) - energies[0])
        optimiser.step()
    raise NotConverged(
        f"A band relaxed to forces below {BAND_FORCE_EV_A} eV/Å", received=f"{STEPS} steps"
    )


def crystal_figures(exam: Exam) -> list[TrustFigure]:
    """Compare lattice, elastic constants and a migration barrier of the examined crystal.

    What the teacher says of the crystal is kept: a killed examination and the next ask no more.
    """
    kept = LabelCache(exam.bench.place / "portrait")
    with Teacher(exam.bench.labeller) as teacher:

        def ask(cells: Sequence[Snapshot]) -> list[Label]:
            return [kept.once(cell, teacher) for cell in cells]

        theirs, their_fault = _portrait(exam, ask)
    mine, my_fault = _portrait(exam, exam.said)
    fault = their_fault or my_fault
    return [*_lattice_figures(exam, mine, theirs), *_barrier_figures(exam, mine, theirs, fault)]


@dataclass(frozen=True)
class Portrait:
    """What one potential says of a crystal: cell volume per atom Å³, stiffness, barrier eV."""

    volume: float
    stiffness: Stiffness
    barrier: float


def _portrait(exam: Exam, evaluate: Evaluate) -> tuple[Portrait, str]:
    trust = exam.bench.settings.trust
    parent = exam.bench.settings.crystal(trust.crystal)
    (unit,) = relaxed([unit_cell(parent)], evaluate, cell=True)
    factor = (unit.volume / unit_cell(parent).volume) ** (1 / 3)
    large = crystal(parent)
    large = Snapshot(large.species, factor * large.positions, factor * large.cell)
    fault = ""
    try:
        height = barrier(
            large,
            exam.bench.settings.mobile,
            evaluate,
            images=trust.images,
            gone=company(parent.vacancies, exam.bench.settings.mobile),
        )
    except (NotConverged, ValueError) as reason:
        height, fault = float("nan"), str(reason)
    return Portrait(unit.volume / len(unit.species), stiffness(unit, evaluate), height), fault


def _lattice_figures(exam: Exam, mine: Portrait, theirs: Portrait) -> list[TrustFigure]:
    name = exam.bench.settings.trust.crystal
    by = Evidence(
        12, "stresses at strains of ±0.5 % from each potential's own relaxed cell, ions relaxed"
    )
    cell = Evidence(1, "cube root of the volume of each potential's own relaxed cell")
    lattice = 100 * abs((mine.volume / theirs.volume) ** (1 / 3) - 1)
    figures = [cell.below(LATTICE_LIMIT, "lattice_error", name, lattice, "%")]
    for word in ("bulk", "shear"):
        own, reference = getattr(mine.stiffness, word), getattr(theirs.stiffness, word)
        off = 100 * abs(own / reference - 1)
        figures.append(by.below(STIFFNESS_LIMIT, f"{word}_modulus_error", name, off, "%"))
        figures.append(by.beside(reference, f"{word}_modulus", f"{name}, student", own, "GPa"))
    cubic = theirs.stiffness.cubic
    for word, own in mine.stiffness.cubic.items():
        figures.append(by.beside(cubic[word], word, f"{name}, student, mean of axes", own, "GPa"))
    published = exam.bench.settings.trust.published
    if published is not None:
        printed = Evidence(12, f"{by.method}; reference {published.source}")
        figures.append(
            printed.beside(
                published.bulk_GPa, "bulk_modulus", f"{name}, teacher", theirs.stiffness.bulk, "GPa"
            )
        )
    return figures


def _barrier_figures(exam: Exam, mine: Portrait, theirs: Portrait, fault: str) -> list[TrustFigure]:
    settings = exam.bench.settings
    of = f"{settings.mobile} vacancy in {settings.trust.crystal}"
    off = 0.0 if fault else 100 * abs(mine.barrier / theirs.barrier - 1)
    by = Evidence(
        settings.trust.images,
        f"climbing-image band of {settings.trust.images} images, shortest hop, ends relaxed"
        + (f"; {fault}" if fault else ""),
        undecided="the band did not converge" if fault else "",
    )
    figures = [by.below(BARRIER_LIMIT, "barrier_error", of, off, "%")]
    if not fault:
        figures.append(by.beside(theirs.barrier, "barrier", f"{of}, student", mine.barrier, "eV"))
    return figures
