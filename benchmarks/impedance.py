"""Impedance spectra: from raw files to circuits, beside impedance.py, pyimpspec and bare SciPy."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from benchmarks.race import Contestant, Race, Work, timed, workspace
from vitrolyte.data.io.instruments.impedance.read import read_impedance
from vitrolyte.data.measurement import Conditions
from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.laboratory.impedance.analysis import ImpedanceSeries, analyse_impedance
from vitrolyte.laboratory.impedance.settings import ImpedanceSettings
from vitrolyte.observe.impedance.circuits import Circuit
from vitrolyte.observe.impedance.notation import parse_circuit
from vitrolyte.observe.threads import processors

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

POINTS = 60
NOISE = 0.01
CIRCUIT = "R(RQ)(RQ)Q"
NOMINAL = np.array([100.0, 1e3, 1e-8, 0.9, 3e3, 2e-7, 0.85, 1e-5, 0.8])
"""Nine parameters: leads, bulk, grain boundaries, blocking electrode."""
_ENERGIES_EV = (0.15, 0.2)
_AT_MINIMUM = 1.001
"""A fit has found the minimum if its chi² is no more than this times that from the truth."""


@dataclass(frozen=True, eq=False)
class Spectra:
    """Simulated spectra of one sample at several temperatures, each in a file of its own.

    Attributes
    ----------
    files, temperatures_K
        One for each.
    frequency, impedances, truths
        (n,), (s, n) and (s, 9).
    """

    files: tuple[Path, ...]
    temperatures_K: Floats
    frequency: Floats
    impedances: Complexes
    truths: Floats


def races(*, tiny: bool) -> tuple[Race, ...]:
    """Return the race over 20 spectra of 60 points with nine parameters and 1 % of noise."""
    made = spectra(3 if tiny else 20)
    count = len(made.files)
    contestants = (
        Contestant("Vitrolyte, files to one circuit, chosen, joint", partial(_joint, made)),
        Contestant("Vitrolyte, files to circuits, chosen, each", partial(_each, made)),
        Contestant("SciPy least_squares, ln, from the truth, given circuit", partial(_bare, made)),
        Contestant(
            "impedance.py, given circuit and nominal guess, modulus weights",
            partial(_impedance_py, made),
            package="impedance",
        ),
        Contestant(
            "pyimpspec fit_circuit, given circuit and nominal guess, least_squares, modulus",
            partial(_pyimpspec, made),
            package="pyimpspec",
        ),
    )
    size = f"{count} spectra, {POINTS} points, 9 parameters, 1 % noise, {processors()} threads"
    return (
        Race(
            size,
            "s/spectrum",
            "share of spectra at the true minimum",
            contestants,
            rounds=1 if tiny else 3,
            per=float(count),
        ),
    )


def spectra(count: int, seed: int = 0) -> Spectra:
    """Return simulated spectra, in files with a header."""
    random = np.random.default_rng(seed)
    frequency = np.geomspace(1e6, 1e-1, POINTS)
    temperatures = np.linspace(290.0, 370.0, count)
    truths = np.stack([_truth(float(t)) for t in temperatures])
    clean = np.stack([parse_circuit(CIRCUIT).impedance(frequency, one) for one in truths])
    real, imaginary = random.normal(size=(2, *clean.shape))
    measured = clean + NOISE * np.abs(clean) * (real + 1j * imaginary)
    folder = workspace()
    files = []
    for t, z in zip(temperatures, measured, strict=True):
        path = folder / f"spectrum-{seed}-{t:.2f}K.csv"
        rows = [f"{f:.8e},{p.real:.8e},{-p.imag:.8e}" for f, p in zip(frequency, z, strict=True)]
        path.write_text("\n".join(["freq/Hz,Re(Z)/Ohm,-Im(Z)/Ohm", *rows]) + "\n")
        files.append(path)
    return Spectra(tuple(files), temperatures, frequency, measured, truths)


def _truth(temperature_K: float) -> Floats:
    """Return the parameters at a temperature; capacitances stay, resistances are activated."""
    apart = (1.0 / temperature_K - 1.0 / 330.0) / BOLTZMANN_EV_PER_K
    found = NOMINAL.copy()
    for r, energy in zip((1, 4), _ENERGIES_EV, strict=True):
        q, n = NOMINAL[r + 1], NOMINAL[r + 2]
        capacitance = (NOMINAL[r] * q) ** (1.0 / n) / NOMINAL[r]
        found[r] = NOMINAL[r] * np.exp(energy * apart)
        found[r + 1] = (found[r] * capacitance) ** n / found[r]
    return found


def at_minimum(made: Spectra, values: Sequence[Floats | None]) -> float:
    """Return the share of fits, as natural parameters, whose chi² is that of the minimum."""
    circuit = parse_circuit(CIRCUIT)
    hits = 0
    for z, truth, found in zip(made.impedances, made.truths, values, strict=True):
        if found is None or not np.all(np.isfinite(found)) or not np.all(found > 0):
            continue
        best = _chi2(circuit, made.frequency, z, _least_squares(circuit, made.frequency, z, truth))
        hits += _chi2(circuit, made.frequency, z, found) <= _AT_MINIMUM * best
    return hits / len(values)


def _chi2(circuit: Circuit, frequency: Floats, z: Complexes, values: Floats) -> float:
    apart = (circuit.impedance(frequency, values) - z) / (NOISE * np.abs(z))
    return float(np.sum(np.abs(apart) ** 2))


def _least_squares(circuit: Circuit, frequency: Floats, z: Complexes, start: Floats) -> Floats:
    weights = 1.0 / (NOISE * np.abs(z))

    def residuals(place: Floats) -> Floats:
        apart = (circuit.evaluate(frequency, place)[0] - z) * weights
        return np.concatenate([apart.real, apart.imag])

    def slopes(place: Floats) -> Floats:
        found = circuit.evaluate(frequency, place)[1] * weights[:, None]
        return np.concatenate([found.real, found.imag])

    found = optimize.least_squares(
        residuals, circuit.coordinates(start), jac=slopes, method="lm", x_scale="jac"
    )
    return circuit.values(found.x)


def _prepared(made: Spectra, settings: ImpedanceSettings) -> list[ImpedanceSeries]:
    measurements = [
        read_impedance(path)[0].given(
            Conditions(temperature_K=float(t), thickness_cm=0.1, area_cm2=0.785)
        )
        for path, t in zip(made.files, made.temperatures_K, strict=True)
    ]
    return [
        one for one in analyse_impedance(measurements, settings) if isinstance(one, ImpedanceSeries)
    ]


def _each(made: Spectra) -> Work:
    return timed(partial(_single_share, made))


def _single_share(made: Spectra) -> float:
    (found,) = _prepared(made, ImpedanceSettings(times=False, joint=False))
    values = [
        np.array([q.value for q in one.parameters.values()]) if one.circuit == CIRCUIT else None
        for one in found.spectra
    ]
    return at_minimum(made, values)


def _joint(made: Spectra) -> Work:
    return timed(partial(_joint_share, made))


def _joint_share(made: Spectra) -> float:
    """Return the share of spectra with the true circuit whose resistances are right within 5 s."""
    (found,) = _prepared(made, ImpedanceSettings(times=False))
    hits = 0
    for one, truth in zip(found.spectra, made.truths, strict=True):
        if one.circuit == CIRCUIT:
            values = [one.parameters[name] for name in ("R2", "R3")]
            hits += all(
                abs(q.value - t) < 5.0 * q.error for q, t in zip(values, truth[[1, 4]], strict=True)
            )
    return hits / len(found.spectra)


def _bare(made: Spectra) -> Work:
    circuit = parse_circuit(CIRCUIT)

    def work() -> float:
        pairs = zip(made.impedances, made.truths, strict=True)
        return at_minimum_of(
            made, [_least_squares(circuit, made.frequency, z, truth) for z, truth in pairs]
        )

    return timed(work)


def at_minimum_of(made: Spectra, values: Sequence[Floats]) -> float:
    """Return 1: these fits began at the truth and are what others are measured against."""
    return float(len(values) == len(made.files))


def _impedance_py(made: Spectra) -> Work:
    from impedance.models.circuits import CustomCircuit

    def work() -> float:
        values: list[Floats | None] = []
        for z in made.impedances:
            circuit = CustomCircuit("R0-p(R1,CPE1)-p(R2,CPE2)-CPE3", initial_guess=list(NOMINAL))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    circuit.fit(made.frequency, z, weight_by_modulus=True)
                    values.append(np.asarray(circuit.parameters_, dtype=float))
                except (RuntimeError, ValueError):
                    values.append(None)
        return at_minimum(made, values)

    return timed(work)


def _pyimpspec(made: Spectra) -> Work:
    import pyimpspec

    text = (
        "R{R=%g}(R{R=%g}Q{Y=%g,n=%g})(R{R=%g}Q{Y=%g,n=%g})Q{Y=%g,n=%g}" % tuple(NOMINAL)  # noqa: UP031
    )

    def work() -> float:
        values: list[Floats | None] = []
        for z in made.impedances:
            data = pyimpspec.DataSet(frequencies=made.frequency, impedances=z)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = pyimpspec.fit_circuit(
                    pyimpspec.parse_cdc(text),
                    data,
                    method="least_squares",
                    weight="modulus",
                    num_procs=1,
                )
            values.append(
                np.array(
                    [
                        value
                        for element in found.circuit.get_elements()
                        for value in element.get_values().values()
                    ]
                )
            )
        return at_minimum(made, values)

    return timed(work)
