"""Steps that ask what the atoms build: polyhedra, networks, surroundings, room between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from vitrolyte.data.observation import Sample
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.network import rings
from vitrolyte.observe.network.bonds import Network
from vitrolyte.observe.network.chains import chains
from vitrolyte.observe.network.clusters import clusters
from vitrolyte.observe.network.environments import SiteSettings, sites
from vitrolyte.observe.polyhedra.bonding import Bonding
from vitrolyte.observe.polyhedra.census import polyhedra
from vitrolyte.observe.polyhedra.shapes import shapes
from vitrolyte.observe.polyhedra.speciation import speciation
from vitrolyte.observe.voids.voids import VoidSettings, voids
from vitrolyte.study.recipe import All, Output, Recipe, RecipeSettings, Work
from vitrolyte.study.recipes.pooling import looked_at

Distance = Annotated[float, Field(gt=0)]
Frames = Annotated[int, Field(ge=1)] | None


class PolyhedraSettings(RecipeSettings):
    """Polyhedra: units, sharing, roles of the anions, Q^n, shapes.

    Without ``centres`` and ``ligands`` they follow from the formal charges; ``method`` is how a
    bond is judged.
    """

    dynamics: All
    centres: tuple[str, ...] = ()
    ligands: tuple[str, ...] = ()
    method: Literal["gap", "solid angle", "bond valence"] = "gap"
    cut_offs_A: Mapping[str, Distance] = Field(default_factory=dict)
    max_frames: Frames = 200


class NetworkSettings(RecipeSettings):
    """Medium range: rings, chains, clusters and their percolation."""

    dynamics: All
    formers: tuple[str, ...] = ()
    ligands: tuple[str, ...] = ()
    cut_offs_A: Mapping[str, Distance] = Field(default_factory=dict)
    joined: tuple[str, ...] = ()
    criterion: Literal["primitive", "king", "guttman"] = "primitive"
    largest_ring: Annotated[int, Field(ge=2, le=40)] = 10
    max_frames: Frames = 10


class EnvironmentsSettings(RecipeSettings):
    """Surroundings of a mobile species: neighbours, volumes, areas of the faces between sites."""

    dynamics: All
    mobile: str
    cut_offs_A: Mapping[str, Distance] = Field(default_factory=dict)
    max_frames: Frames = 50


class VoidsSettings(RecipeSettings):
    """Room between the ions by radius of a probe, with the mobile ions taken away if asked."""

    dynamics: All
    probes_A: tuple[float, ...] = (0.5, 1.0)
    radii_A: Mapping[str, float] = Field(default_factory=dict)
    without: tuple[str, ...] = ()
    spacing_A: Distance = 0.25
    max_frames: Frames = 20


def observe_polyhedra(work: Work) -> Output:
    """Take the census of the polyhedra."""
    settings: PolyhedraSettings = work.settings
    bonding = Bonding(
        centres=settings.centres,
        ligands=settings.ligands,
        method=settings.method,
        cut_offs=settings.cut_offs_A,
        charges=work.study.charges or {},
    )
    most = settings.max_frames

    def look(trajectory: Trajectory, sample: Sample) -> tuple[Result, ...]:
        del sample
        return (
            polyhedra(trajectory, bonding, max_frames=most),
            speciation(trajectory, bonding, max_frames=most),
            shapes(trajectory, bonding, max_frames=most),
        )

    return looked_at(work, look)


def observe_network(work: Work) -> Output:
    """Look for rings, chains and clusters."""
    settings: NetworkSettings = work.settings
    network = Network(
        formers=settings.formers,
        ligands=settings.ligands,
        cut_offs=settings.cut_offs_A,
        joined=settings.joined,
        max_frames=settings.max_frames,
    )
    wanted = rings.RingSettings(network, settings.criterion, settings.largest_ring)

    def look(trajectory: Trajectory, sample: Sample) -> tuple[Result, ...]:
        del sample
        return (
            rings.rings(trajectory, wanted),
            chains(trajectory, network),
            clusters(trajectory, network),
        )

    return looked_at(work, look)


def observe_environments(work: Work) -> Output:
    """Look at the surroundings of the mobile ions."""
    settings: EnvironmentsSettings = work.settings
    wanted = SiteSettings(
        mobile=settings.mobile, cut_offs=settings.cut_offs_A, max_frames=settings.max_frames
    )
    return looked_at(work, lambda trajectory, _: (sites(trajectory, wanted),))


def observe_voids(work: Work) -> Output:
    """Look at the room between the ions."""
    settings: VoidsSettings = work.settings
    wanted = VoidSettings(**settings.model_dump(exclude={"recipe", "optional", "dynamics"}))
    return looked_at(work, lambda trajectory, _: (voids(trajectory, wanted),))


RECIPES = (
    Recipe("polyhedra", 1, PolyhedraSettings, observe_polyhedra),
    Recipe("network", 1, NetworkSettings, observe_network, citations=rings.CITATIONS),
    Recipe("environments", 1, EnvironmentsSettings, observe_environments),
    Recipe("voids", 1, VoidsSettings, observe_voids),
)
