"""`vitrolyte fit exafs`: from μ(E) to shells of neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from vitrolyte.data.absorption import Cluster, ScatteringPath
from vitrolyte.data.errors import InputError
from vitrolyte.data.io.feff import CITATIONS as FEFF_CITATIONS
from vitrolyte.data.io.feff import Feff, FeffSettings, read_path
from vitrolyte.data.io.files import file_digest
from vitrolyte.data.io.instruments.absorption.columns import ColumnRule, Signal
from vitrolyte.data.io.instruments.absorption.reading import read_absorption
from vitrolyte.data.io.structures import read_structure
from vitrolyte.laboratory.absorption.analysis import (
    CITATIONS,
    AbsorptionSettings,
    absorption,
)
from vitrolyte.laboratory.absorption.background import BackgroundSettings
from vitrolyte.laboratory.absorption.edge import EdgeSettings
from vitrolyte.laboratory.absorption.path_fit import Amplitude
from vitrolyte.observe.exafs.ensemble import cluster
from vitrolyte.observe.exafs.paths import Shell
from vitrolyte.observe.exafs.transforms import Transform, WaveWindow
from vitrolyte.study.recipe import Output, Recipe, Work
from vitrolyte.study.recipes.laboratory.measured import (
    MeasuredSettings,
    PositiveList,
    Words,
    conditions_for,
    files_read,
    for_each,
)
from vitrolyte.study.settings import SampleSettings

_CLUSTER_A = 6.0
_SAME_SHELL_A = 0.02
_CORNERS = 6


class ExafsSettings(MeasuredSettings):
    """Edge, background, transform and shells of X-ray absorption spectra."""

    recipe: Literal["exafs-fit"]
    temperature_K: PositiveList = Field(
        (), description="Temperature, one or one for each spectrum."
    )
    signal: Signal = Field("auto", description="What the columns hold.")
    columns: Words = Field((), description="Columns by role: energy=1,i0=2,it=3 (or names).")
    energy_unit: Literal["auto", "eV", "keV"] = Field("auto", description="Unit of the energies.")
    absorber: str = Field("", description="Element of the edge: Zr.")
    absorption_edge: str = Field("K", description="Edge, for FEFF: K, L3 …")
    e0_eV: PositiveList = Field((), description="Edge energy; by default the steepest rise.")
    r_bkg_A: float = Field(1.0, description="Background below this distance, Å.")
    k_min: float = Field(3.0, ge=0, description="Begin of the transform, 1/Å.")
    k_max: float = Field(14.0, gt=0, description="End of the transform, 1/Å; at most the data's.")
    dk: float = Field(1.0, ge=0, description="Width of the window's slopes, 1/Å.")
    k_weight: int = Field(2, ge=0, le=3, description="Power of k.")
    window: WaveWindow = Field("hanning", description="Shape of the window.")
    r_min_A: float | None = Field(None, gt=0, description="Begin of the fit, Å; by default r_bkg.")
    r_max_A: float | None = Field(None, gt=0, description="End of the fit, Å.")
    shells: Words = Field(
        (), description="Shells to fit with their distances: Zr-O:2.07,Zr-Cl:2.49."
    )
    paths: Words = Field((), description="Files feffNNNN.dat to fit instead.")
    structure: Path | None = Field(None, description="Structure whose nearest shells are fitted.")
    n_shells: int = Field(1, ge=1, le=6, description="How many shells of the structure.")
    s02: float | None = Field(None, gt=0, description="S0², from a standard.")
    numbers: PositiveList = Field(
        (), description="Known numbers of neighbours of a standard: S0² is fitted."
    )

    def fingerprint(self, study: SampleSettings) -> Mapping[str, str]:
        """Return the digests of the spectra, the paths and the structure."""
        others = [Path(path) for path in self.paths]
        others += [self.structure] if self.structure else []
        own = {f"sha256.{path.name}": file_digest(path) for path in others}
        return {**super().fingerprint(study), **own}

    def rule(self) -> ColumnRule:
        """Return which column holds what."""
        pairs = [word.partition("=") for word in self.columns]
        wrong = [word for word, equals, _ in pairs if not equals]
        if wrong:
            raise InputError(
                "Columns are told by role, as energy=1,i0=2,it=3", received=", ".join(wrong)
            )
        roles = tuple((role.strip(), which.strip()) for role, _, which in pairs)
        return ColumnRule(self.signal, roles, self.energy_unit)

    def analysis(self, e0_eV: float | None) -> AbsorptionSettings:
        """Return the settings of the analysis of one spectrum."""
        return AbsorptionSettings(
            edge=EdgeSettings(e0_eV=e0_eV),
            background=BackgroundSettings(r_bkg_A=self.r_bkg_A),
            transform=Transform(self.k_min, self.k_max, self.dk, self.k_weight, self.window),
            r_min_A=self.r_min_A,
            r_max_A=self.r_max_A,
            amplitude=Amplitude(self.s02, tuple(self.numbers)),
        )


def fit_exafs(work: Work) -> Output:
    """Read spectra, take the fine structure out, and fit shells where they are given."""
    settings: ExafsSettings = work.settings
    read = [one for path in settings.files for one in read_absorption(path, settings.rule())]
    conditions = conditions_for(len(read), temperature_K=settings.temperature_K)
    measurements = [one.given(told) for one, told in zip(read, conditions, strict=True)]
    shells = _shells(settings, work.folder / "feff")
    element = settings.absorber or (shells[0].path.elements[0] if shells else "")
    energies = for_each("e0_eV", settings.e0_eV, len(measurements))
    results = tuple(
        absorption(one, settings.analysis(e0), shells=shells, absorber=element)
        for one, e0 in zip(measurements, energies, strict=True)
    )
    return Output(settings.sample(work), (*results, files_read(measurements)))


def _shells(settings: ExafsSettings, folder: Path) -> tuple[Shell, ...]:
    ways = [bool(settings.shells), bool(settings.paths), settings.structure is not None]
    if sum(ways) > 1:
        raise InputError(
            "Shells come from --shells, --paths or --structure, one of them", received="several"
        )
    if settings.paths:
        return _labelled([read_path(Path(path)) for path in settings.paths])
    if settings.structure is not None:
        return _labelled(_paths_of_structure(settings, folder))
    if settings.shells:
        return _told_shells(settings, folder)
    return ()


def _feff(settings: ExafsSettings, folder: Path) -> Feff:
    return Feff(folder, FeffSettings(edge=settings.absorption_edge, legs=2))


def _labelled(paths: list[ScatteringPath]) -> tuple[Shell, ...]:
    """Return shells with names of their own: a second Cu-Cu has its distance in the name."""
    shells = []
    seen: set[str] = set()
    for path in paths:
        name = path.label if path.label not in seen else f"{path.label} {path.reference_A:.2f} Å"
        seen.add(path.label)
        shells.append(Shell(path, max(path.degeneracy, 1.0), label=name))
    return tuple(shells)


def _paths_of_structure(settings: ExafsSettings, folder: Path) -> list[ScatteringPath]:
    if settings.structure is None or not settings.absorber:
        raise InputError(
            "Shells of a structure need the absorbing element",
            received="a structure alone",
            remedy="give --absorber Zr",
        )
    structure = read_structure(settings.structure)
    atom = int(structure.indices(settings.absorber)[0])
    block = structure.read(0, 1)
    around = cluster(
        structure.species, block.positions[0], block.cells[0], atom, radius_A=_CLUSTER_A
    )
    single = [path for path in _feff(settings, folder).paths(around) if len(path.elements) == 2]
    return single[: settings.n_shells]


def _told_shells(settings: ExafsSettings, folder: Path) -> tuple[Shell, ...]:
    """Return shells with FEFF's tables for the pairs, each ligand on corners of an octahedron."""
    told = [_told_shell(text) for text in settings.shells]
    absorbers = {absorber for absorber, _, _ in told}
    if len(absorbers) != 1:
        raise InputError("All shells are round one absorber", received=", ".join(sorted(absorbers)))
    shells = []
    for absorber, ligand, distance in told:
        places = np.concatenate([np.zeros((1, 3)), distance * _octahedron()])
        around = Cluster((absorber, *[ligand] * _CORNERS), places)
        path = _feff(settings, folder).paths(around)[0]
        # The path stands for each of its atoms: N counts them.
        shells.append(Shell(path, 4.0, distance_A=distance, label=f"{absorber}-{ligand}"))
    return _apart(tuple(shells))


def _octahedron() -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.concatenate([np.eye(3), -np.eye(3)])


def _told_shell(text: str) -> tuple[str, str, float]:
    pair, _, distance = text.partition(":")
    absorber, _, ligand = pair.partition("-")
    try:
        return absorber.strip(), ligand.strip(), float(distance)
    except ValueError:
        raise InputError(
            "A shell is told as absorber, ligand and distance",
            received=repr(text),
            remedy="write Zr-O:2.07",
        ) from None


def _apart(shells: tuple[Shell, ...]) -> tuple[Shell, ...]:
    names = [shell.name for shell in shells]
    return tuple(
        Shell(
            shell.path,
            shell.number,
            distance_A=shell.distance_A,
            label=shell.name
            if names.count(shell.name) == 1
            else f"{shell.name} {shell.start_A:g} Å",
        )
        for shell in shells
    )


RECIPES = (
    Recipe("exafs-fit", 1, ExafsSettings, fit_exafs, citations=(*CITATIONS, *FEFF_CITATIONS)),
)
