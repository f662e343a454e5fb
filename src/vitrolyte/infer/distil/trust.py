"""The examination of a student: frames it never saw, the teacher's own melt, crystal, drift."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vitrolyte.data.units import EV_PER_A3_TO_GPA
from vitrolyte.infer.distil.collect import Bench
from vitrolyte.infer.distil.config import StageSettings, TrialSettings
from vitrolyte.infer.distil.evaluate import student_labels
from vitrolyte.infer.distil.probes import (
    bulk_modulus,
    dimer_is_repulsive,
    energy_drift,
    pair_overlaps,
)
from vitrolyte.infer.distil.rounds import Fit
from vitrolyte.infer.distil.seeds import Seed
from vitrolyte.infer.distil.trials import DUMP_FS, TrialGround, run_trial
from vitrolyte.potentials.card import TrustCard, TrustFigure
from vitrolyte.potentials.teacher import Example, Label, Snapshot, Teacher, TeacherRun

FORCE_LIMIT = 0.15
ENERGY_LIMIT = 0.005
PRESSURE_LIMIT = 0.5
DENSITY_LIMIT = 1.5
OVERLAP_LIMIT = 0.97
LATTICE_LIMIT = 0.5
STIFFNESS_LIMIT = 15.0
DRIFT_LIMIT = 1e-4
TRUST_SEED = 900
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Exam:
    """A student under examination, with the bench it was made on."""

    fit: Fit
    bench: Bench

    @property
    def ground(self) -> TrialGround:
        """Where its trials run."""
        folder = self.bench.folder / "trust"
        return TrialGround(self.bench.settings, self.fit.student, self.fit.safe_distances, folder)

    def said(self, snapshots: Sequence[Snapshot]) -> list[Label]:
        """Let the student evaluate snapshots."""
        student = self.fit.student
        folder = self.bench.folder / "trust" / "points"
        return student_labels(student.pair(), snapshots, elements=student.elements, folder=folder)


@dataclass(frozen=True)
class Sitting:
    """One phase of the examination: the frames of a trial's last stage, a few of them labelled."""

    phase: str
    frames: tuple[Snapshot, ...]
    labelled: tuple[Example, ...]


@dataclass(frozen=True)
class Evidence:
    """What a figure rests on: how many frames, and how it was obtained."""

    frames: int
    method: str

    def below(self, limit: float, quantity: str, of: str, value: float, unit: str) -> TrustFigure:
        """Write down a figure that must not exceed its limit."""
        return TrustFigure(
            quantity, of, value, unit, None, limit, "below", self.frames, self.method
        )

    def above(self, limit: float, quantity: str, of: str, value: float, unit: str) -> TrustFigure:
        """Write down a figure that must reach its limit."""
        return TrustFigure(
            quantity, of, value, unit, None, limit, "above", self.frames, self.method
        )

    def told(self, quantity: str, of: str, value: float, unit: str) -> TrustFigure:
        """Write down a figure for information."""
        return TrustFigure(quantity, of, value, unit, None, None, "below", self.frames, self.method)

    def beside(
        self, reference: float, quantity: str, of: str, value: float, unit: str
    ) -> TrustFigure:
        """Write down a figure for information beside what it is compared with."""
        return TrustFigure(
            quantity, of, value, unit, reference, None, "below", self.frames, self.method
        )


def examine(fit: Fit, bench: Bench) -> TrustCard:
    """Examine a student against its teacher and write down every figure, good or bad."""
    exam = Exam(fit, bench)
    sittings = [_sit(exam, trial, k) for k, trial in enumerate(bench.settings.trust.trials)]
    melt = next(sitting for sitting in sittings if sitting.phase == "melt")
    own = teacher_melt(bench, _typical(melt.frames))
    figures: list[TrustFigure] = []
    for sitting in sittings:
        figures += _error_figures(exam, sitting.labelled, f"{sitting.phase} (student's run)")
    figures += _error_figures(exam, own, "melt (teacher's run)")
    figures += _density_figures(exam, melt)
    figures += _overlap_figures(exam, own)
    figures += _crystal_figures(exam)
    figures += _stability_figures(exam, melt.frames[-1])
    return TrustCard(
        bench.settings.name,
        bench.settings.teacher.name,
        len(fit.examples),
        tuple(figures),
        _notes(bench),
    )


def teacher_melt(bench: Bench, start: Snapshot) -> list[Example]:
    """Run the labelling teacher itself on the melt, at constant volume; settling left out."""
    trust = bench.settings.trust
    run = TeacherRun(
        temperature_K=_melt_trial(bench).stages[-1].temperature_K[1],
        steps=trust.teacher_steps,
        every=trust.teacher_every,
        seed=bench.settings.seed + TRUST_SEED,
        timestep_fs=trust.teacher_timestep_fs,
    )

    def work() -> list[Example]:
        with Teacher(bench.labeller) as teacher:
            frames = teacher.run(start, run, phase="melt")
        for frame in frames:
            bench.ledger.cache.write(frame.snapshot, frame.label)
        return frames

    return bench.ledger.once("trust-teacher", work)[trust.settling_steps // trust.teacher_every :]


def _typical(frames: Sequence[Snapshot]) -> Snapshot:
    """Choose the frame whose volume is nearest to the mean."""
    volumes = np.array([frame.volume for frame in frames])
    return frames[int(np.argmin(np.abs(volumes - volumes.mean())))]


def _melt_trial(bench: Bench) -> TrialSettings:
    return next(trial for trial in bench.settings.trust.trials if trial.phase == "melt")


def _sit(exam: Exam, trial: TrialSettings, number: int) -> Sitting:
    bench = exam.bench
    seed = bench.settings.seed * 1000 + TRUST_SEED + number
    outcome = run_trial(trial, exam.ground, seed=seed)
    count = round(trial.stages[-1].time_ps / DUMP_FS * 1e3)
    frames = [frame.snapshot for frame in outcome.frames[-count:]]
    places = np.linspace(0, len(frames) - 1, bench.settings.trust.frames).round().astype(int)
    seeds = [Seed(frames[place], trial.phase) for place in places]
    examples = bench.label(seeds)
    return Sitting(trial.phase, tuple(frames), tuple(examples))


def _error_figures(exam: Exam, examples: Sequence[Example], of: str) -> list[TrustFigure]:
    said = exam.said([example.snapshot for example in examples])
    truth = [example.label for example in examples]
    gaps = np.concatenate([s.forces - t.forces for s, t in zip(said, truth)])
    kinds = np.concatenate([np.array(example.snapshot.species) for example in examples])
    energy = np.array([(s.energy - t.energy) / len(t.forces) for s, t in zip(said, truth)])
    stress = np.concatenate([(s.stress - t.stress).ravel() for s, t in zip(said, truth)])
    pressure = abs(_pressure_gap(truth, said))
    by = Evidence(len(examples), "student against teacher on the same frames, none trained on")
    return [
        by.below(FORCE_LIMIT, "force_rmse", of, _rms(gaps), "eV/Å"),
        by.told("force_mae", of, float(np.abs(gaps).mean()), "eV/Å"),
        by.below(ENERGY_LIMIT, "energy_rmse", of, _rms(energy), "eV/atom"),
        by.told("energy_bias", of, float(energy.mean()), "eV/atom"),
        by.told("energy_scatter", of, float(energy.std()), "eV/atom"),
        by.told("stress_rmse", of, _rms(stress) * EV_PER_A3_TO_GPA, "GPa"),
        by.below(PRESSURE_LIMIT, "pressure_bias", of, pressure, "GPa"),
        *(
            by.told("force_rmse", f"{of}, {element}", _rms(gaps[kinds == element]), "eV/Å")
            for element in exam.fit.student.elements
        ),
    ]


def _density_figures(exam: Exam, melt: Sitting) -> list[TrustFigure]:
    said = exam.said([example.snapshot for example in melt.labelled])
    gap = _pressure_gap([example.label for example in melt.labelled], said)
    stiffness = _melt_stiffness(exam)
    by = Evidence(
        len(said),
        "mean pressure difference student minus teacher on frames of the student's NPT melt, over "
        f"the melt's bulk modulus {stiffness:.1f} GPa (student, volumes at 0 and 1 GPa)",
    )
    return [by.below(DENSITY_LIMIT, "density_error", "melt", 100 * abs(gap) / stiffness, "%")]


def _melt_stiffness(exam: Exam) -> float:
    """Return the bulk modulus of the melt, -V dP/dV between 0 and 1 GPa, GPa."""
    volumes = [_melt_volume(exam, pressure) for pressure in (0.0, 1.0)]
    return float(1.0 / np.log(volumes[0] / volumes[1]))


def _melt_volume(exam: Exam, pressure_GPa: float) -> float:
    settings = exam.bench.settings
    trial = _melt_trial(exam.bench)
    hot = trial.stages[-1].temperature_K
    last = StageSettings(temperature_K=hot, pressure_GPa=pressure_GPa, time_ps=8)
    legs = (*trial.stages[:1], last)
    large = trial.model_copy(update={"stages": legs, "repeat": settings.trust.large_repeat})
    seed = settings.seed * 1000 + TRUST_SEED + 50
    ground = replace(exam.ground, folder=exam.ground.folder / f"at-{pressure_GPa}-GPa")
    frames = run_trial(large, ground, seed=seed).frames[-250:]
    return float(np.mean([frame.snapshot.volume for frame in frames]))


def _overlap_figures(exam: Exam, own: Sequence[Example]) -> list[TrustFigure]:
    theirs = [example.snapshot for example in own]
    mine = _student_melt(exam, theirs[0])
    elements = exam.fit.student.elements
    overlaps = pair_overlaps(theirs, mine, elements=elements)
    half = len(theirs) // 2
    halves = pair_overlaps(theirs[:half], theirs[half:], elements=elements)
    trust = exam.bench.settings.trust
    length = len(own) * trust.teacher_every * trust.teacher_timestep_fs * 1e-3
    figures = []
    for pair, overlap in overlaps.items():
        by = Evidence(
            len(own),
            f"1 - Σ|g_t - g_s| / Σ(g_t + g_s) to 6 Å in 0.1 Å bins; teacher {length:.2f} ps, "
            "student 18 ps, same volume, temperature and start; the teacher's own two halves "
            f"overlap by {halves[pair]:.3f}",
        )
        figures.append(by.above(OVERLAP_LIMIT, "gr_overlap", pair, overlap, "1"))
    return figures


def _student_melt(exam: Exam, start: Snapshot) -> list[Snapshot]:
    """Run the student for 20 ps at the teacher's volume and leave out the first 2 ps."""
    hot = _melt_trial(exam.bench).stages[-1].temperature_K
    stage = StageSettings(temperature_K=hot, pressure_GPa=None, time_ps=20.0)
    trial = _melt_trial(exam.bench).model_copy(update={"stages": (stage,)})
    seed = exam.bench.settings.seed * 1000 + TRUST_SEED + 70
    outcome = run_trial(trial, exam.ground, seed=seed, start=start)
    return [frame.snapshot for frame in outcome.frames[100::5]]


def _crystal_figures(exam: Exam) -> list[TrustFigure]:
    asked = exam.bench.settings.trust.equation
    parent = exam.bench.settings.crystal(asked.crystal)
    with Teacher(exam.bench.labeller) as teacher:
        theirs = bulk_modulus(parent, lambda cells: [teacher.label(cell) for cell in cells])
    mine = bulk_modulus(parent, exam.said)
    method = "energies of the perfect crystal at seven lengths (±2 %), Birch-Murnaghan"
    by = Evidence(7, method)
    printed = Evidence(7, f"{method}; reference {asked.source}")
    name, lattice = asked.crystal, "lattice_parameter"
    off = 100 * abs(mine.a / theirs.a - 1)
    softer = 100 * abs(mine.bulk_GPa / theirs.bulk_GPa - 1)
    return [
        by.below(LATTICE_LIMIT, "lattice_error", name, off, "%"),
        by.below(STIFFNESS_LIMIT, "bulk_modulus_error", name, softer, "%"),
        by.beside(theirs.a, lattice, f"{name}, student", mine.a, "Å"),
        by.beside(theirs.bulk_GPa, "bulk_modulus", f"{name}, student", mine.bulk_GPa, "GPa"),
        printed.beside(asked.published_a_A, lattice, f"{name}, teacher", theirs.a, "Å"),
        printed.beside(
            asked.published_bulk_GPa, "bulk_modulus", f"{name}, teacher", theirs.bulk_GPa, "GPa"
        ),
    ]


def _stability_figures(exam: Exam, start: Snapshot) -> list[TrustFigure]:
    step = exam.bench.settings.active.timestep_fs
    hot = _melt_trial(exam.bench).stages[-1].temperature_K[1]
    drift = abs(energy_drift(exam.ground, start, temperature_K=hot))
    ran = Evidence(1, f"slope of the total energy over 10 ps of the melt, no thermostat, {step} fs")
    scanned = Evidence(
        15,
        "share of distances from 0.4 Å to 0.6 of the sum of covalent radii at which a lattice of "
        "dimers (cell 0.92 of the cut-off, so that no atom is alone) pushes apart",
    )
    shares = dimer_is_repulsive(
        exam.said, exam.fit.student.elements, cutoff_A=exam.bench.settings.pod.cutoff_A
    )
    return [
        ran.below(DRIFT_LIMIT, "nve_drift", "melt", drift, "eV/atom/ps"),
        *(
            scanned.above(1.0, "repulsive_share", pair, share, "1")
            for pair, share in shares.items()
        ),
    ]


def _notes(bench: Bench) -> tuple[str, ...]:
    return (
        "The teacher is itself a model: its own figures against print are listed as 'teacher'.",
        "No charges: electrostatics beyond the cut-off is not seen.",
        "pair_style pod can crash on an atom with fewer than two neighbours (LAMMPS issue 5114): "
        "keep to condensed phases; the engine's watcher stops a run before an atom is alone.",
        f"The teacher's run starts from the student's melt and is short; trained by "
        f"{bench.settings.active.rounds} rounds of active learning.",
    )


def _pressure_gap(truth: Sequence[Label], said: Sequence[Label]) -> float:
    gaps = [-np.trace(s.stress - t.stress) / 3 for t, s in zip(truth, said)]
    return float(np.mean(gaps)) * EV_PER_A3_TO_GPA


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
