"""What a density map must show whatever the ions are: laws, each with its expectation beside it."""

import itertools
import math

import numpy as np
import pytest

from vitrolyte.data.observation import Sample
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.observe.density_kernels import wrapping
from vitrolyte.observe.density_map import (
    MapSettings,
    density_map,
    nuclear_density,
    wraps_above,
)

CUBE = np.diag([8.0, 8.0, 8.0])
SKEWED = np.array([[8.0, 0.0, 0.0], [3.0, 7.5, 0.0], [-2.0, 2.5, 7.0]])


def trajectory(species, positions, cells):
    n = len(positions)
    cells = np.broadcast_to(cells, (n, 3, 3)).copy()
    return Trajectory(tuple(species), np.arange(float(n)), cells, np.asarray(positions))


def vibrating(cell, sigma, n_frames=2000, seed=0):
    """Return four ions that vibrate about their sites beside two atoms that stand still."""
    random = np.random.default_rng(seed)
    sites = random.uniform(size=(4, 3)) @ cell
    ions = sites + random.normal(0, sigma, size=(n_frames, 4, 3))
    still = np.broadcast_to(np.array([[0.0, 0, 0], [2.0, 2, 2]]), (n_frames, 2, 3))
    return trajectory(["Li"] * 4 + ["O"] * 2, np.concatenate([ions, still], axis=1), cell)


@pytest.mark.parametrize("cell", [CUBE, SKEWED])
@pytest.mark.parametrize("smearing", [0.0, 0.3])
def test_the_integral_is_the_number_of_ions(cell, smearing):
    settings = MapSettings(300.0, 0.25, smearing)
    found = density_map(vibrating(cell, 0.2, 40), "Li", settings=settings)
    assert found.density.integral == pytest.approx(4.0, rel=1e-9)
    assert found.density.values.min() >= 0


@pytest.mark.parametrize("cell", [CUBE, SKEWED])
def test_a_harmonic_well_gives_a_gaussian_of_known_width(cell):
    """Width: that of the vibration and of the smearing, and a twelfth of the voxel, squared."""
    random = np.random.default_rng(1)
    sigma, smearing, n = 0.35, 0.25, 20000
    middle = np.array([0.5, 0.5, 0.5]) @ cell
    ions = middle + random.normal(0, sigma, size=(n, 1, 3))
    still = np.zeros((n, 1, 3))
    settings = MapSettings(300.0, 0.2, smearing)
    walk = trajectory(["Li", "O"], np.concatenate([ions, still], axis=1), cell)
    density = density_map(walk, "Li", settings=settings).density
    grid = np.stack(np.meshgrid(*[np.arange(m) / m for m in density.shape], indexing="ij"), -1)
    away = (grid - 0.5) @ cell
    weights = density.values / density.values.sum()
    spread = np.einsum("ijk,ijkx,ijky->xy", weights, away, away)
    steps = cell / np.array(density.shape)[:, None]
    expected = (sigma**2 + smearing**2) * np.eye(3) + steps.T @ steps / 12
    # Standard error of a variance of n samples: sqrt(2 / n) of it.
    assert np.abs(spread - expected).max() < 5 * math.sqrt(2 / n) * sigma**2


def test_a_sheared_choice_of_cell_shows_the_same_density():
    """Ions on points that both grids share: the fields agree there."""
    square = np.diag([6.0, 8.0, 5.0])
    sheared = square.copy()
    sheared[1] += square[0]
    random = np.random.default_rng(2)
    places = np.stack([random.integers(0, 12, 30) / 12, random.integers(0, 4, 30) / 4], axis=1)
    ions = np.column_stack([places, random.integers(0, 10, 30) / 10]) @ square
    settings = MapSettings(300.0, 0.5, 0.5)
    one, two = (
        density_map(trajectory(["Li"] * 30, ions[None], cell), "Li", settings=settings).density
        for cell in (square, sheared)
    )
    assert (one.shape, two.shape) == ((12, 16, 10), (12, 20, 10))
    for m, i in itertools.product(range(4), range(12)):
        # m / 4 along the second vector is m / 4 along the first one too.
        left, right = one.values[(i + 3 * m) % 12, 4 * m], two.values[i, 5 * m]
        # A Gaussian as wide as the step is normalised on any grid to 2 exp(-2 pi²) = 5e-9.
        np.testing.assert_allclose(left, right, atol=1e-7 * one.values.max())


def test_a_breathing_cell_and_a_drift_leave_the_map_as_it_is():
    still = vibrating(SKEWED, 0.2, 50)
    stretch = 1 + 0.02 * np.sin(np.arange(50.0))[:, None, None]
    stretch *= 1 / stretch.mean()
    drift = np.array([0.9, -0.4, 0.2]) * np.arange(50.0)[:, None, None]
    moving = trajectory(still.species, (still.positions + drift) * stretch, SKEWED * stretch)
    settings = MapSettings(300.0)
    maps = [density_map(t, "Li", settings=settings).density for t in (still, moving)]
    # An ion on the edge of a voxel may fall to either side by rounding.
    difference = np.abs(maps[0].values - maps[1].values).sum() / maps[0].values.sum()
    assert difference < 0.01


def walkers(barrier_eV, temperature_K, *, n_frames, seed=3):
    """Return Metropolis walkers in V = E/2 (1 - cos 4 pi x / L), harmonic across."""
    random = np.random.default_rng(seed)
    thermal = BOLTZMANN_EV_PER_K * temperature_K
    edge, n = 8.0, 150

    def energy(at):
        along = barrier_eV / 2 * (1 - np.cos(4 * math.pi * at[:, 0] / edge))
        return along + 0.3 * (at[:, 1] ** 2 + at[:, 2] ** 2)

    at = np.column_stack([random.integers(0, 2, n) * edge / 2, np.zeros(n), np.zeros(n)])
    frames = []
    for step in range(8 * n_frames):
        trial = at + random.uniform(-0.8, 0.8, size=at.shape)
        accepted = random.uniform(size=n) < np.exp(-(energy(trial) - energy(at)) / thermal)
        at = np.where(accepted[:, None], trial, at)
        if step % 8 == 0:
            frames.append(at.copy())
    still = np.zeros((n_frames, 1, 3)) + 4.0
    return trajectory(["Li"] * n + ["O"], np.concatenate([frames, still], axis=1), CUBE)


def test_a_two_site_potential_gives_its_barrier():
    barrier, temperature = 0.15, 600.0
    settings = MapSettings(temperature, 0.25, 0.3, hop_A=4.0)
    found = density_map(walkers(barrier, temperature, n_frames=1200), "Li", settings=settings)
    # Along the path the Boltzmann factor, drawn with the same Gaussian and voxel.
    thermal = BOLTZMANN_EV_PER_K * temperature
    x = np.arange(3200) * 8.0 / 3200
    law = np.exp(-barrier / 2 * (1 - np.cos(4 * math.pi * x / 8.0)) / thermal)
    waves = 2 * math.pi * np.fft.rfftfreq(3200, 8.0 / 3200)
    blur = np.exp(-0.5 * waves**2 * 0.3**2) * np.sinc(waves * 0.25 / (2 * math.pi))
    law = np.fft.irfft(np.fft.rfft(law) * blur)
    expected = thermal * math.log(law.max() / law.min())
    level = found.percolation["a"]
    assert level.status == "ok"
    assert level.error < 0.01
    assert level.low < expected < level.high
    assert found.percolation["1D"].value == level.value
    assert found.percolation["b"].status == "refused"
    assert found.percolation["2D"].status == "refused"
    rows = found.observations(Sample("walker", "Li2O", "crystal"))
    assert {row.quantity for row in rows} == {"percolation_free_energy", "hops_per_ion"}


def test_ions_that_only_vibrate_are_refused():
    found = density_map(vibrating(CUBE, 0.3), "Li", settings=MapSettings(300.0))
    assert found.hops_per_ion.value == 0
    assert all(level.status == "refused" for level in found.percolation.values())
    assert "hop at least once" in found.percolation["a"].note


def test_one_frame_has_a_map_and_nothing_else():
    found = density_map(vibrating(CUBE, 0.3).frame(0), "Li", settings=MapSettings(300.0))
    assert found.density.integral == pytest.approx(4.0)
    assert found.hops_per_ion.status == "refused"
    assert found.percolation["3D"].status == "refused"


def test_the_nuclear_density_holds_all_scattering_lengths():
    # Coherent scattering lengths: Sears, Neutron News 3, 26 (1992): Li -1.90 fm, O 5.803 fm.
    found = nuclear_density(
        vibrating(SKEWED, 0.2, 30), {"Li": -1.90, "O": 5.803}, settings=MapSettings(300)
    )
    assert found.unit == "fm/Å³"
    assert found.integral == pytest.approx(4 * -1.90 + 2 * 5.803, rel=1e-9)
    assert found.values.min() < 0 < found.values.max()


def by_search(taken, shape):
    """Return the vectors by which regions of a set of points go on: a plain search with images."""
    taken, seen, vectors = set(taken), {}, []
    for start in taken:
        if start in seen:
            continue
        seen[start], stack, found = (0, 0, 0), [start], []
        while stack:
            point = stack.pop()
            for axis, sign in itertools.product(range(3), (-1, 1)):
                moved, image = list(point), list(seen[point])
                moved[axis] += sign
                image[axis] += moved[axis] // shape[axis]
                moved[axis] %= shape[axis]
                other = tuple(moved)
                if other not in taken:
                    continue
                if other not in seen:
                    seen[other] = tuple(image)
                    stack.append(other)
                elif seen[other] != tuple(image):
                    found.append(np.subtract(image, seen[other]))
        vectors.append(np.array(found).reshape(-1, 3))
    return vectors


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("shape", [(4, 5, 3), (2, 3, 6)])
def test_wrapping_agrees_with_a_plain_search(seed, shape):
    order = np.random.default_rng(seed).permutation(math.prod(shape))
    found = wrapping(order.astype(np.int64), shape)
    axes, ranks = [-1] * 3, [-1] * 3
    for step in range(1, len(order) + 1):
        points = [tuple(map(int, np.unravel_index(p, shape))) for p in order[:step]]
        for vectors in by_search(points, shape):
            rank = np.linalg.matrix_rank(vectors) if len(vectors) else 0
            for k in range(3):
                if axes[k] < 0 and np.any(vectors[:, k]):
                    axes[k] = step
                if ranks[k] < 0 and rank > k:
                    ranks[k] = step
        if ranks[2] > 0:
            break
    assert found.axes.tolist() == axes
    assert found.ranks.tolist() == ranks


def test_touching_both_faces_is_not_wrapping():
    """A rod from face to face with a wall in its image is no way round; a straight one is."""
    values = np.zeros((6, 6, 6))
    values[:3, 2, 2] = values[3:, 3, 2] = 1.0
    volume = density_map(vibrating(CUBE, 0.1, 2), "Li", settings=MapSettings(300.0)).density
    broken = volume.__class__(values, CUBE, "", "", (), np.zeros((0, 3)))
    assert not any(wraps_above(broken, 0.5).values())
    values[3, 2, 2] = values[0, 3, 2] = 1.0
    assert wraps_above(broken, 0.5) == {
        "a": True, "b": False, "c": False, "1D": True, "2D": False, "3D": False
    }  # fmt: skip
