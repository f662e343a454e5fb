"""What a student must survive: drift, cores, long hot runs, and an atom left alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from vitrolyte.data.errors import EngineError, InputError
from vitrolyte.data.trajectory import structure
from vitrolyte.infer.distil.config import StageSettings, TrialSettings
from vitrolyte.infer.distil.contacts import LEAST_A, REACHED_EV
from vitrolyte.infer.distil.examination.exam import Exam, as_structure
from vitrolyte.infer.distil.examination.figures import Evidence
from vitrolyte.infer.distil.gate import repulsive_shares
from vitrolyte.infer.distil.trials import run_trial
from vitrolyte.potentials.card import TrustFigure
from vitrolyte.potentials.teacher import Snapshot
from vitrolyte.simulate import lammps
from vitrolyte.simulate.order import Order
from vitrolyte.simulate.schedule import Segment

DRIFT_LIMIT = 1e-4
DRIFT_PS = 10.0
HOTTER = 1.3


def stability_figures(exam: Exam, start: Snapshot) -> list[TrustFigure]:
    """Write down drift, cores, survival of hot runs, and the fate of an atom left alone."""
    step = exam.bench.settings.timestep_fs
    length = min(DRIFT_PS, exam.bench.settings.student_ps)
    drifted = Evidence(
        1, f"slope of the total energy over {length:g} ps of the melt without thermostat, {step} fs"
    )
    scanned = Evidence(
        14,
        f"share of distances of a scan, from where the bare core is {REACHED_EV:g} eV (at least "
        f"{LEAST_A:g} Å) to the pair's safe distance, at which a lone dimer "
        "(cube of 0.92 of the cut-off, its images are its neighbours) pushes apart",
    )
    shares = repulsive_shares(exam.fit, exam.bench.settings.pod.cutoff_A, exam.folder / "points")
    return [
        drifted.below(
            DRIFT_LIMIT, "nve_drift", "melt", energy_drift(exam, start, length), "eV/atom/ps"
        ),
        *(
            scanned.above(1.0, "repulsive_share", pair, share, "1")
            for pair, share in shares.items()
        ),
        survival_figure(exam),
        alone_figure(exam, start),
    ]


def energy_drift(exam: Exam, start: Snapshot, length_ps: float) -> float:
    """Return the size of the slope of the total energy without thermostat, eV/atom/ps."""
    settings = exam.bench.settings
    hot = exam.trial("melt").stages[-1].temperature_K[1]
    heat = Segment("heat", "nvt", 1.0, hot, settings.timestep_fs, velocities=True)
    free = Segment("free", "nve", length_ps, hot, settings.timestep_fs)
    now = exam.run(as_structure(start), heat, "drift-heat").final
    order = Order(now, exam.potential, free, exam.seed(80), exam.folder / "drift-free")
    thermo = lammps.run(order).thermo
    total = thermo.potential_energy + thermo.kinetic_energy
    return abs(float(np.polyfit(thermo.times, total, 1)[0])) / len(start.species)


def survival_figure(exam: Exam) -> TrustFigure:
    """Run long above the melting temperature with several seeds and count breaches."""
    trust = exam.bench.settings.trust
    hot = HOTTER * exam.bench.settings.melting_K
    press = 0.3 * exam.bench.settings.pressure_GPa[1]
    stage = StageSettings(temperature_K=(hot, hot), pressure_GPa=press, time_ps=trust.survival_ps)
    trial: TrialSettings = exam.trial("melt").model_copy(update={"stages": (stage,)})
    seeds = [exam.seed(60 + k) for k in range(trust.survival_seeds)]
    with ThreadPoolExecutor(exam.bench.workers) as pool:
        outcomes = list(pool.map(lambda seed: run_trial(trial, exam.ground, seed=seed), seeds))
    breached = [outcome for outcome in outcomes if not outcome.survived]
    reasons = "; ".join(f"after {o.lived_ps:.1f} ps: {o.reason}" for o in breached)
    by = Evidence(
        sum(len(outcome.frames) for outcome in outcomes),
        f"breaches of the watcher in {len(seeds)} runs of {trust.survival_ps:g} ps at {hot:.0f} K "
        f"(1.3 times the melting temperature) and {press:g} GPa"
        + (f"; {reasons}" if reasons else ""),
    )
    return by.below(0.0, "breaches", "hot melt", float(len(breached)), "1")


def alone_figure(exam: Exam, start: Snapshot) -> TrustFigure:
    """See that a run with an atom left alone is stopped in words, not by a crash of LAMMPS."""
    reach = 4.0 * exam.bench.settings.pod.cutoff_A
    cell = start.cell + reach * np.diag([1.0, 0.0, 0.0])
    positions = start.positions.copy()
    positions[0] = 0.5 * cell.sum(axis=0) + [0.5 * reach, 0.0, 0.0]
    lonely = structure(start.species, positions, cell)
    segment = Segment("alone", "nvt", 0.1, 300.0, exam.bench.settings.timestep_fs, velocities=True)
    told = 0.0
    try:
        lammps.run(Order(lonely, exam.potential, segment, 1, exam.folder / "alone"))
        told = 1.0
    except (EngineError, InputError) as fault:
        told = float("neighbour" in str(fault))
    by = Evidence(1, "a run with one atom beyond the cut-off of all others (LAMMPS issue 5114)")
    return by.above(1.0, "lonely_atom_survived_or_refused", "", told, "1")
