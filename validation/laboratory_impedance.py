"""Impedance spectra with known truth: coverage, false alarms, minima, energies of a series."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from validation.check import Check
from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.measurement import Conditions, Measurement
from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.laboratory.impedance.analysis import ImpedanceSeries, analyse_impedance
from vitrolyte.laboratory.impedance.fitted import CircuitFit
from vitrolyte.laboratory.impedance.kramers_kronig import kramers_kronig, smooth
from vitrolyte.laboratory.impedance.search import Target, descent
from vitrolyte.laboratory.impedance.settings import ImpedanceSettings
from vitrolyte.laboratory.impedance.spectrum import spectrum
from vitrolyte.laboratory.impedance.spectrum_fit import fit_spectrum
from vitrolyte.laboratory.impedance.structure import Structure
from vitrolyte.observe.impedance.notation import parse_circuit

Floats = NDArray[np.float64]

SEEDS = 200
_COMMAND = ""
_BARE = ImpedanceSettings(times=False)


@dataclass(frozen=True)
class Pellet:
    """A made-up sample: circuit, parameters and window."""

    circuit: str
    values: tuple[float, ...]
    top_Hz: float = 1e6

    @property
    def frequency(self) -> Floats:
        """Return 60 frequencies, Hz."""
        return np.geomspace(self.top_Hz, 1e-1, 60)

    def measured(self, seed: int, noise: float = 0.01, drift: float = 0.0) -> Measurement:
        """Return a spectrum with noise relative to |Z|, and a gain that drifts."""
        random = np.random.default_rng(seed)
        z = parse_circuit(self.circuit).impedance(self.frequency, np.array(self.values))
        z = z * (1.0 + drift * np.linspace(0.0, 1.0, len(z)))
        real, imaginary = random.normal(size=(2, len(z)))
        z = z + noise * np.abs(z) * (real + 1j * imaginary)
        curve = Curve(self.frequency, z, Axis("frequency", "Hz"), Axis("Z", "ohm"))
        known = Conditions(temperature_K=300.0, thickness_cm=0.1, area_cm2=0.785)
        return Measurement(curve, known, file=f"seed {seed}")


PELLETS = {
    "leads, bulk, boundaries, blocking": Pellet(
        "R(RQ)(RQ)Q", (100.0, 1e3, 1e-8, 0.9, 3e3, 2e-7, 0.85, 1e-5, 0.8)
    ),
    "bulk, boundaries, blocking": Pellet(
        "(RQ)(RQ)Q", (1e4, 2e-11, 0.95, 3e4, 2e-9, 0.85, 1e-6, 0.8), 1e7
    ),
    "bulk, blocking": Pellet("(RQ)Q", (1e5, 5e-11, 0.95, 1e-6, 0.8)),
    "bulk and an electrode that lets charge through": Pellet(
        "(RQ)(RQ)", (1e4, 1e-10, 0.93, 5e4, 3e-6, 0.8)
    ),
}


def coverage() -> Iterable[Check]:
    """Yield, for each pellet, how often the chosen circuit's intervals hold the truth."""
    for name, pellet in PELLETS.items():
        right, hits, places = 0, [], _resistances(pellet)
        for seed in range(SEEDS):
            found = fit_spectrum(pellet.measured(seed), _BARE)
            right += found.circuit == pellet.circuit
            numbers = [part.resistance for part in found.parts]
            if len(numbers) == len(places):
                hits.append([_holds(q, pellet.values[k]) for q, k in zip(numbers, places)])
        yield _share(f"circuit found, {name}", right, SEEDS, (0.75, 1.0), 1.0)
        for k, column in enumerate(np.array(hits).T):
            yield _share(f"coverage of R of arc {k + 1}, {name}", int(column.sum()), len(column))


def coverage_given_circuit() -> Iterable[Check]:
    """Yield how often all intervals of a given circuit hold the truth, parameter by parameter."""
    pellet = PELLETS["leads, bulk, boundaries, blocking"]
    settings = ImpedanceSettings(times=False, circuit=pellet.circuit)
    hits = []
    for seed in range(SEEDS):
        found = fit_spectrum(pellet.measured(seed), settings).parameters
        hits.append([_holds(q, t) for q, t in zip(found.values(), pellet.values, strict=True)])
    names = parse_circuit(pellet.circuit).names
    for name, column in zip(names, np.array(hits).T, strict=True):
        yield _share(f"coverage of {name}, given R(RQ)(RQ)Q", int(column.sum()), SEEDS)


def minima() -> Iterable[Check]:
    """Yield how often the search comes to the minimum that a start at the truth leads to."""
    for name, pellet in PELLETS.items():
        structure = Structure.of_written(pellet.circuit)
        assert structure is not None
        reached = 0
        for seed in range(SEEDS):
            found = spectrum(pellet.measured(seed))
            seen = smooth(found)
            target = Target(found, seen.noise, seen.scale)
            fit = fit_spectrum(
                pellet.measured(seed), ImpedanceSettings(times=False, circuit=pellet.circuit)
            )
            truth = structure.circuit.coordinates(np.array(pellet.values))
            best = descent(structure.circuit, target, [truth], structure.bounds(found))
            own = structure.circuit.coordinates(
                np.array([q.value for q in fit.parameters.values()])
            )
            here = CircuitFit.of_minimum(structure.circuit, target, best)
            chi2 = float(np.sum(np.abs(_moved(here, own).residuals) ** 2))
            reached += chi2 <= best.chi2 * (1.0 + 1e-6)
        yield _share(f"true minimum reached, {name}", reached, SEEDS, (0.98, 1.0), 1.0)


def _moved(fit: CircuitFit, coordinates: Floats) -> CircuitFit:
    return CircuitFit(
        fit.circuit,
        fit.target,
        coordinates,
        fit.covariance,
        fit.freedom,
        fit.chi2,
        fit.share,
        fit.starts,
    )


def kramers_kronig_alarms() -> Iterable[Check]:
    """Yield how often faultless spectra fail, and spectra whose gain drifts are caught."""
    for name, pellet in PELLETS.items():
        failed = sum(
            bool(kramers_kronig(spectrum(pellet.measured(seed))).failing) for seed in range(SEEDS)
        )
        yield _share(f"false alarms of Kramers-Kronig, {name}", failed, SEEDS, (0.0, 0.035), 0.01)
    pellet = PELLETS["bulk, boundaries, blocking"]
    for drift, least in ((0.03, 0.0), (0.1, 0.9)):
        caught = sum(
            bool(kramers_kronig(spectrum(pellet.measured(seed, 0.002, drift))).failing)
            for seed in range(SEEDS // 4)
        )
        title = f"drift of {100 * drift:.0f} % over a sweep seen, noise 0.2 %"
        yield _share(title, caught, SEEDS // 4, (least, 1.0), 1.0)


def series_coverage() -> Iterable[Check]:
    """Yield how often the energies of a joint series, and its resistances, hold the truth."""
    energies = {"bulk": 0.35, "grain_boundary": 0.45}
    hits = dict.fromkeys(energies, 0)
    resistances: list[bool] = []
    runs = SEEDS // 2
    temperatures = np.linspace(270.0, 370.0, 6)
    for seed in range(runs):
        measurements = [_activated(seed, float(t), energies) for t in temperatures]
        (found,) = analyse_impedance(measurements, _BARE)
        if not isinstance(found, ImpedanceSeries):
            continue
        lines = {line.of: line.activation_energy for line in found.lines}
        for of, energy in energies.items():
            hits[of] += of in lines and _holds(lines[of], energy)
        for one, t in zip(found.spectra, temperatures, strict=True):
            truth = _values_at(float(t), energies)
            resistances += [
                _holds(one.resistances[of], truth[k]) if of in one.resistances else False
                for of, k in (("bulk", 0), ("grain_boundary", 3))
            ]
    for of, count in hits.items():
        yield _share(f"coverage of the energy of {of.replace('_', ' ')}, joint series", count, runs)
    total = len(resistances)
    # The twelve of a series share capacitances and go together, so that chance is wider.
    title = "coverage of resistances, joint series"
    yield _share(title, sum(resistances), total, (0.92, 0.98))


def _values_at(temperature_K: float, energies: dict[str, float]) -> tuple[float, ...]:
    apart = (1.0 / temperature_K - 1.0 / 300.0) / BOLTZMANN_EV_PER_K
    found: list[float] = []
    for size, capacitance, n, energy in zip(
        (1e4, 3e4), (9e-12, 4e-10), (0.95, 0.87), energies.values(), strict=True
    ):
        r = size * float(np.exp(energy * apart)) * temperature_K / 300.0
        found += [r, (r * capacitance) ** n / r, n]
    return (*found, 1e-6, 0.8)


def _activated(seed: int, temperature_K: float, energies: dict[str, float]) -> Measurement:
    pellet = Pellet("(RQ)(RQ)Q", _values_at(temperature_K, energies), 1e7)
    made = pellet.measured(seed * 1000 + round(temperature_K))
    return made.given(Conditions(temperature_K=temperature_K))


def _resistances(pellet: Pellet) -> list[int]:
    """Return the places of the resistances of the arcs."""
    return [arc.resistance for arc in parse_circuit(pellet.circuit).arcs]


def _holds(number: object, truth: float) -> bool:
    low, high = getattr(number, "low", np.nan), getattr(number, "high", np.nan)
    return bool(low <= truth <= high)


def _share(
    name: str,
    count: int,
    total: int,
    bounds: tuple[float, float] | None = None,
    expected: float = 0.95,
) -> Check:
    """Return the check of a share; by default of one that should be 0.95, within chance."""
    if bounds is None:
        ends = stats.binom.ppf([0.001, 0.999], total, expected) / total
        bounds = (float(ends[0]), float(ends[1]))
    return Check.within(name, expected, count / max(total, 1), bounds=bounds, command=_COMMAND)


CHECKS: tuple[Callable[[], Iterable[Check]], ...] = (
    coverage,
    coverage_given_circuit,
    minima,
    kramers_kronig_alarms,
    series_coverage,
)
