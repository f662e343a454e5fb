"""EXAFS: coverage on simulated spectra, the same answer as Larch, and readers that never break."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from validation.check import Check
from vitrolyte.data.absorption import ScatteringPath
from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.io.feff import Feff, FeffSettings
from vitrolyte.data.io.instruments.absorption.reading import read_absorption
from vitrolyte.laboratory.absorption.background import BackgroundSettings, fine_structure
from vitrolyte.laboratory.absorption.edge import EdgeSettings, normalise
from vitrolyte.laboratory.absorption.noise import noise_of
from vitrolyte.laboratory.absorption.path_fit import Amplitude, ShellsFound, fit_shells
from vitrolyte.observe.exafs.ensemble import cluster
from vitrolyte.observe.exafs.paths import DistanceRange, Shell, path_model
from vitrolyte.observe.exafs.transforms import Transform

Floats = NDArray[np.float64]

COMMAND = "python -m validation laboratory_absorption"
COPPER = Path(__file__).parents[1] / "tests/data/laboratory/exafs/EXAFS_Cu.dat"
SEEDS = 200
NOISE = 2e-3
TRUTH = {"N Zr-O": 2.5, "R Zr-O": 2.07, "sigma2 Zr-O": 0.006}
TRUTH |= {"N Zr-Cl": 4.5, "R Zr-Cl": 2.49, "sigma2 Zr-Cl": 0.009, "E0": 3.0}
WINDOW = DistanceRange(Transform(3.0, 13.0, 1.0, 2), 1.0, 3.0)


def simple_path(ligand: str, distance: float, strength: float, phase: float) -> ScatteringPath:
    """Return a path with smooth tables of a light or a heavier scatterer."""
    k = np.linspace(0.0, 20.0, 81)
    amplitude = strength * np.exp(-(((k - phase * 4.0) / 8.0) ** 2))
    turned = -0.9 * k + phase
    return ScatteringPath(
        ("Zr", ligand), distance, 1.0, k, amplitude, turned, 5.0 + k, np.sqrt(k**2 + 4.0)
    )


def two_shells() -> tuple[Shell, ...]:
    """Return the shells of the simulated oxychloride, from starts that are off."""
    oxygen, chlorine = simple_path("O", 2.1, 0.5, 0.3), simple_path("Cl", 2.5, 0.8, 1.4)
    return Shell(oxygen, 3.0, distance_A=2.1), Shell(chlorine, 4.0, distance_A=2.46)


def simulated(seed: int, noise: float = NOISE) -> Curve:
    """Return χ(k) of the truth with white noise."""
    model = path_model(two_shells(), s02=0.9)
    values = np.array([TRUTH[parameter.name] for parameter in model.parameters])
    k = np.asarray(np.arange(1, 281) * 0.05, dtype=float)
    chi = model.forward(k, values) + np.random.default_rng(seed).normal(0.0, noise, len(k))
    return Curve(k, np.asarray(chi, dtype=float), Axis("wave number k", "1/Å"), Axis("χ(k)", ""))


def fitted(seed: int) -> ShellsFound:
    """Return the fit of one simulated spectrum, its noise taken from the spectrum alone."""
    chi = simulated(seed)
    return fit_shells(
        chi,
        two_shells(),
        WINDOW,
        amplitude=Amplitude(s02=0.9),
        noise_in_k=noise_of(chi, WINDOW.transform).in_k,
    )


def coverage(seeds: int = SEEDS) -> dict[str, float]:
    """Return how often the interval of each parameter holds the truth."""
    held = dict.fromkeys(TRUTH, 0)
    for seed in range(seeds):
        found = fitted(seed)
        for name, truth in TRUTH.items():
            quantity = found.parameters[name]
            held[name] += bool(quantity.low <= truth <= quantity.high)
    return {name: count / seeds for name, count in held.items()}


def checks() -> Iterator[Check]:
    """Yield every check of this module."""
    low, high = (float(stats.binom.ppf(p, SEEDS, 0.95)) / SEEDS for p in (0.001, 0.999))
    for name, share in coverage().items():
        yield Check.within(
            f"EXAFS: intervals of {name} hold the truth, {SEEDS} spectra",
            0.95,
            share,
            bounds=(low, high),
            command=COMMAND,
        )
    yield from copper_as_larch()
    yield from fuzzed()


def copper_path(folder: Path) -> ScatteringPath:
    """Return FEFF's first path of copper."""
    # a = 3.6149 Å at room temperature: Straumanis & Yu, Acta Cryst. A 25, 676 (1969).
    corners = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]) * 3.6149
    around = cluster(("Cu",) * 4, corners, 3.6149 * np.eye(3), 0, radius_A=6.0)
    return Feff(folder, FeffSettings(legs=2)).paths(around)[0]


def copper_as_larch() -> Iterator[Check]:
    """Yield χ(k) and the first shell of copper foil beside Larch's autobk and feffit."""
    if importlib.util.find_spec("larch") is None or importlib.util.find_spec("asteval") is None:
        return
    from larch import Group
    from larch.fitting import guess, param_group
    from larch.xafs import autobk, feffit, feffit_dataset, feffit_transform, feffpath

    mu = read_absorption(COPPER)[0].curve
    edge = normalise(mu, EdgeSettings())
    found = fine_structure(mu, edge, BackgroundSettings())
    group = Group(energy=mu.x.copy(), mu=mu.y.real.copy())
    autobk(group, ek0=edge.e0_eV, edge_step=edge.step.value, rbkg=1.0)
    inside = (group.k > 3.0) & (group.k < 13.0)
    ours = np.interp(group.k, found.chi.x, found.chi.y.real)
    off = float(np.std((ours - group.chi)[inside]) / np.std(group.chi[inside]))
    yield Check.within(
        "EXAFS of copper: background as autobk, rms difference over rms of χ(k)",
        0.0,
        off,
        bounds=(0.0, 0.03),
        command=COMMAND,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = copper_path(Path(folder))
        file = next(Path(folder).glob("*/feff0001.dat"))
        transform = Transform(3.0, 13.0, 1.0, 2)
        own = fit_shells(
            found.chi,
            (Shell(path, 12.0, label="Cu-Cu"),),
            DistanceRange(transform, 1.4, 3.0),
            amplitude=Amplitude(numbers=(12.0,)),
            noise_in_k=noise_of(found.chi, transform).in_k,
        )
        pars = param_group(amp=guess(0.9), e0=guess(1.0), dr=guess(0.0), ss=guess(0.006))
        theirs = feffpath(str(file), degen=12, s02="amp", e0="e0", sigma2="ss", deltar="dr")
        how = feffit_transform(
            kmin=3, kmax=13, kweight=2, dk=1, window="hanning", rmin=1.4, rmax=3.0
        )
        data = Group(k=found.chi.x, chi=found.chi.y.real)
        result = feffit(pars, feffit_dataset(data=data, transform=how, paths=[theirs]))
    pairs = {"S02": "amp", "E0": "e0", "R Cu-Cu": "dr", "sigma2 Cu-Cu": "ss"}
    for name, other in pairs.items():
        parameter = result.params[other]
        expected = parameter.value + (theirs.reff if other == "dr" else 0.0)
        # Both weigh the same points, here with and there without their covariance, and both errors
        # are those that the misfit of FEFF's theory leaves.
        room = 1.96 * float(np.hypot(parameter.stderr, own.parameters[name].error))
        yield Check.within(
            f"EXAFS of copper: {name} as feffit, within the errors of both",
            float(expected),
            own.parameters[name].value,
            bounds=(expected - room, expected + room),
            command=COMMAND,
        )


def fuzzed(count: int = 1000) -> Iterator[Check]:
    """Yield how many of a thousand damaged files break the reader."""
    from tests.contracts.instrument_mutations import check_reader

    files = sorted(COPPER.parent.glob("*.dat")) + sorted(COPPER.parent.glob("*.prj"))
    for file in files:
        with tempfile.TemporaryDirectory() as folder:
            read, refused = check_reader(read_absorption, file, Path(folder), count=count)
        yield Check.within(
            f"EXAFS: {file.name} damaged {count} times is read or refused",
            float(count),
            float(read + refused),
            bounds=(count, count),
            command=COMMAND,
        )
