"""kinisi and MDAnalysis on the same trajectory, wrapped input, in a cube and a breathing cell."""

import numpy as np
import pytest
from validation.transport_peers import (
    Scene,
    agreement,
    kinisi_conductivity,
    kinisi_diffusivity,
    mdanalysis_msd,
    ours,
    scene,
)

from vitrolyte.observe.motion.displacement import Reading, mean_square_displacement

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module", params=["cube", "breathing triclinic cell"])
def made(request: pytest.FixtureRequest) -> Scene:
    return scene(5, n_frames=500, ions=30, triclinic=request.param != "cube")


def test_msd_agrees_with_mdanalysis(made: Scene) -> None:
    moved = mean_square_displacement(made.trajectory(), reading=Reading(frame="laboratory"))
    theirs = mdanalysis_msd(made, "Li")
    lags = np.array([1, 10, 100, 250])
    np.testing.assert_allclose(moved.msd[0, lags], theirs[lags], rtol=1e-3)


def test_diffusivity_agrees_with_kinisi(made: Scene) -> None:
    own, other = ours(made).tracer_diffusivity["Li"], kinisi_diffusivity(made, "Li")
    low, high = agreement(own, other)
    assert low < own.value < high
    # kinisi is given thirty lags from 1 ps; an interval ten times wider would say nothing
    assert own.high - own.low < 2 * (other.high - other.low)


def test_conductivity_agrees_with_kinisi(made: Scene) -> None:
    own, other = ours(made).onsager["Li-Li"], kinisi_conductivity(made, "Li")
    low, high = agreement(own, other)
    assert low < own.value < high
