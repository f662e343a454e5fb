"""Steps that show what an instrument would: total scattering, EXAFS, first shells, density maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.feff import Feff, FeffSettings
from vitrolyte.data.io.volumes import write_cube, write_map
from vitrolyte.data.observation import Sample
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.density_map import DensityMap, MapSettings, density_map
from vitrolyte.observe.exafs.ensemble import EnsembleSettings, exafs
from vitrolyte.observe.exafs.first_shell import FirstShellSettings, first_shell_lengths
from vitrolyte.observe.pair_functions import pair_functions
from vitrolyte.observe.scattering.measured import as_measured
from vitrolyte.observe.scattering.probes import Neutrons, Probe, XRays
from vitrolyte.observe.scattering.q_window import Modification, Window
from vitrolyte.study.recipe import All, Each, Output, Recipe, RecipeSettings, Work
from vitrolyte.study.recipes.pooling import looked_at
from vitrolyte.study.recipes.structure import wide_enough

Distance = Annotated[float, Field(gt=0)]
Frames = Annotated[int, Field(ge=1)] | None
POINTS_KEPT = 64**3
"""Grid points of a density map in the record and on the page; the files have all of them."""


class TotalScatteringSettings(RecipeSettings):
    """S(Q) and G(r) as an experiment of a given range of Q would measure them.

    ``isotopes`` of neutrons are written as ``Li = "7Li"``; natural elements otherwise.
    """

    dynamics: All
    probe: Literal["X-ray", "neutron"] = "X-ray"
    isotopes: Mapping[str, str] = Field(default_factory=dict)
    q_min: Annotated[float, Field(ge=0)] = 0.5
    q_max: Distance = 20.0
    modification: Modification = "Lorch"
    q_damp: Annotated[float, Field(ge=0)] = 0.0
    q_broad: Annotated[float, Field(ge=0)] = 0.0
    max_frames: Frames = 100

    def window(self) -> Window:
        """Return the window."""
        return Window(
            q_max=self.q_max,
            q_min=self.q_min,
            modification=self.modification,
            q_damp=self.q_damp,
            q_broad=self.q_broad,
        )

    def scattered(self) -> Probe:
        """Return what is scattered.

        Raises
        ------
        InputError
            If isotopes are given for X-rays.
        """
        if self.probe == "neutron":
            return Neutrons(isotopes=dict(self.isotopes))
        if self.isotopes:
            raise InputError(
                "Isotopes matter to neutrons only",
                received=f"probe {self.probe!r} with isotopes",
                remedy='set probe = "neutron"',
            )
        return XRays()


class FirstShellsSettings(RecipeSettings):
    """Bond lengths round an absorber and whether they are told apart, as a white line would."""

    dynamics: All
    absorber: str
    cut_offs_A: Mapping[str, Distance] = Field(default_factory=dict)
    resolution_A: Distance = 0.18
    max_frames: Frames = 200


class ExafsSettings(RecipeSettings):
    """EXAFS of snapshots through FEFF8L, averaged over absorbers and frames."""

    dynamics: Each
    absorber: str
    edge: str = "K"
    configurations: Annotated[int, Field(ge=1)] = 60
    radius_A: Distance = 8.0
    path_radius_A: Distance = 6.0


class DensityMapSettings(RecipeSettings):
    """Where the mobile ions are on average, and the free energy at which their ways join up."""

    dynamics: Each
    mobile: str
    spacing_A: Distance = 0.2
    smearing_A: Annotated[float, Field(ge=0)] = 0.2
    max_frames: Frames = 2000


def observe_total_scattering(work: Work) -> Output:
    """Look at the sources as the experiment would."""
    settings: TotalScatteringSettings = work.settings
    window, probe = settings.window(), settings.scattered()

    def look(trajectory: Trajectory, sample: Sample) -> tuple[Result, ...]:
        del sample
        wide = wide_enough(trajectory)
        return (as_measured(wide, window, probe, max_frames=settings.max_frames),)

    return looked_at(work, look)


def observe_first_shells(work: Work) -> Output:
    """Look at the bond lengths of the absorber."""
    settings: FirstShellsSettings = work.settings
    wanted = FirstShellSettings(
        resolution_A=settings.resolution_A, max_frames=settings.max_frames, seed=work.seed
    )

    def look(trajectory: Trajectory, sample: Sample) -> tuple[Result, ...]:
        del sample
        ends = settings.cut_offs_A or _bond_ends(trajectory, settings.max_frames)
        found = first_shell_lengths(trajectory, settings.absorber, cut_offs=ends, settings=wanted)
        return (found,)

    return looked_at(work, look)


def _bond_ends(trajectory: Trajectory, max_frames: int | None) -> dict[str, float]:
    """Return the minima behind the first peaks between ions of opposite charge, Å."""
    pairs = pair_functions(trajectory, max_frames=max_frames)
    return {pair: end for pair, end in pairs.cut_offs.items() if pair in pairs.bonds}


def observe_exafs(work: Work) -> Output:
    """Compute the fine structure; clusters that are known already are not computed again."""
    settings: ExafsSettings = work.settings
    source = work.one("dynamics")
    feff = Feff(
        work.folder / "feff",
        FeffSettings(edge=settings.edge, path_radius_A=settings.path_radius_A),
    )
    ensemble = EnsembleSettings(
        configurations=settings.configurations, radius_A=settings.radius_A, seed=work.seed
    )
    found = exafs(source.trajectory(), settings.absorber, spectra=feff.spectra, settings=ensemble)
    return Output(source.sample, (found,))


def observe_density_map(work: Work) -> Output:
    """Draw the map; its files lie in the stage folder, a coarse one goes on the page."""
    settings: DensityMapSettings = work.settings
    source = work.one("dynamics")
    temperature = source.sample.temperature_K
    if temperature is None:
        raise InputError(
            f"The step {source.step!r} must state its temperature for a free energy",
            received="none",
        )
    wanted = MapSettings(
        temperature_K=temperature,
        spacing_A=settings.spacing_A,
        smearing_A=settings.smearing_A,
        max_frames=settings.max_frames,
    )
    found = density_map(source.trajectory(), settings.mobile, settings=wanted)
    write_cube(work.folder / "density.cube", found.density)
    write_map(work.folder / "density.ccp4", found.density)
    kept: DensityMap = replace(found, density=found.density.coarse(POINTS_KEPT))
    return Output(source.sample, (kept,))


RECIPES = (
    Recipe("total-scattering", 1, TotalScatteringSettings, observe_total_scattering),
    Recipe("first-shells", 1, FirstShellsSettings, observe_first_shells, random=True),
    Recipe("exafs", 1, ExafsSettings, observe_exafs, random=True),
    Recipe("density-map", 1, DensityMapSettings, observe_density_map),
)
