"""What a fine structure must do whatever computes it."""

import math

import numpy as np
import pytest
from scipy.stats import t as student

from vitrolyte.data.absorption import FineStructure
from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.observation import Sample
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.exafs.ensemble import (
    EnsembleSettings,
    _Sample,
    cluster,
    configurations,
    exafs,
)
from vitrolyte.observe.exafs.first_shell import FirstShellSettings, first_shell_lengths
from vitrolyte.observe.exafs.transforms import (
    STEP,
    K,
    Transform,
    back,
    cauchy_wavelet,
    fourier,
    window,
)

SKEWED = np.array([[9.0, 0.0, 0.0], [3.5, 8.0, 0.0], [-2.0, 2.5, 10.0]])
CHI = Axis("χ(k)", "")
GRID = np.arange(401) * STEP


def shell_of(distances, k=GRID):
    """Return sum_j sin(2 k r_j) / k: one shell without phase shifts or mean free path."""
    waves = np.sin(2 * np.outer(np.maximum(k, 1e-6), distances))
    return waves.sum(axis=1) / np.maximum(k, 1e-6)


def spectra(clusters):
    return [FineStructure(GRID, shell_of(one.distances[1:]), -3.0) for one in clusters]


def pairs_of_atoms(sigma, n_atoms=24, n_frames=60, seed=0):
    """Return lone Zr-O pairs far apart whose length is Gaussian, new in each frame."""
    random = np.random.default_rng(seed)
    zr = np.stack(np.meshgrid(*[np.arange(4) * 12.0] * 3), -1).reshape(-1, 3)[:n_atoms]
    length = 2.1 + random.normal(0, sigma, size=(n_frames, n_atoms))
    axis = random.normal(size=(n_frames, n_atoms, 3))
    axis /= np.linalg.norm(axis, axis=-1, keepdims=True)
    oxygen = zr + axis * length[..., None]
    positions = np.concatenate([np.broadcast_to(zr, oxygen.shape), oxygen], axis=1)
    cells = np.broadcast_to(np.eye(3) * 48.0, (n_frames, 3, 3)).copy()
    species = ("Zr",) * n_atoms + ("O",) * n_atoms
    return Trajectory(species, np.arange(float(n_frames)), cells, positions)


def test_a_gaussian_ensemble_is_damped_by_exp_minus_two_k2_sigma2():
    sigma = 0.08
    settings = EnsembleSettings(configurations=1200, radius_A=4.0)
    found = exafs(pairs_of_atoms(sigma), "Zr", spectra=spectra, settings=settings)
    curve = found.chi["Zr"]
    expected = shell_of([2.1]) * np.exp(-2 * GRID**2 * sigma**2)
    some = slice(10, None, 10)
    away = np.abs(curve.y - expected)[some] / curve.y_error[some]
    # The largest of 39 correlated normal deviates; 4 are exceeded once in 400 times.
    assert away.max() < 4.0
    assert np.mean(away < 2.0) > 0.8
    # Every length is new, so that every configuration counts.
    assert 0.7 * 1200 < found.effective_number.value <= 1200
    assert (found.configurations, found.atoms, found.frames) == (1200, 24, 60)


def test_atoms_that_keep_their_length_count_once():
    """Forty frames of frozen pairs know no more than one frame."""
    moving = pairs_of_atoms(0.08, n_frames=40)
    first = moving.read(0, 1).positions
    frozen = Trajectory(moving.species, moving.times, moving.cells, np.repeat(first, 40, axis=0))
    settings = EnsembleSettings(configurations=480, radius_A=4.0)
    found = exafs(frozen, "Zr", spectra=spectra, settings=settings)
    assert found.effective_number.value == pytest.approx(24, rel=0.1)


@pytest.mark.parametrize(("by_atom", "by_frame"), [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)])
def test_the_standard_error_covers_in_repeated_sampling(by_atom, by_frame):
    """30 atoms and 30 frames, 120 configurations, with what atoms and frames have in common."""
    random = np.random.default_rng(5)
    n, trials = 120, 400
    atoms = np.concatenate([random.permutation(30) for _ in range(4)])
    times = np.arange(n) * 30 // n
    z = []
    for _ in range(trials):
        each = by_atom * random.normal(size=30)[atoms] + by_frame * random.normal(size=30)[times]
        one = _Sample(GRID[:1], (each + random.normal(size=n))[:, None], atoms, times)
        z.append(abs(one.mean[0]) / math.sqrt(one.variance()[0]))
    covered = np.mean(np.array(z) < student.ppf(0.975, 29))
    # Three standard deviations of 400 trials at 95 %; the error itself may be on the safe side.
    assert 0.95 - 3 * math.sqrt(0.95 * 0.05 / trials) <= covered


def test_configurations_use_every_atom_and_all_of_the_time():
    run = pairs_of_atoms(0.05, n_atoms=6, n_frames=30)
    chosen = configurations(run, "Zr", EnsembleSettings(configurations=12, radius_A=4.0))
    assert sorted(one.atom for one in chosen) == sorted([0, 1, 2, 3, 4, 5] * 2)
    assert (chosen[0].frame, chosen[-1].frame) == (0, 29)
    again = configurations(run, "Zr", EnsembleSettings(configurations=12, radius_A=4.0))
    assert [(a.atom, a.frame) for a in chosen] == [(b.atom, b.frame) for b in again]


@pytest.mark.parametrize("scale", [1.0, 0.4])
def test_a_cluster_holds_every_image_in_reach(scale):
    """By all images of a plain sum, also where the cell is smaller than the cluster."""
    random = np.random.default_rng(7)
    cell = SKEWED * scale
    positions = random.uniform(size=(5, 3)) @ cell
    found = cluster(("Zr", "O", "O", "Cl", "Li"), positions, cell, 0, radius_A=6.0)
    images = np.stack(np.meshgrid(*[np.arange(-9, 10)] * 3), -1).reshape(-1, 3) @ cell
    every = np.linalg.norm((positions - positions[0])[:, None] + images, axis=-1)
    expected = np.sort(every[every <= 6.0])
    np.testing.assert_allclose(found.distances, expected, atol=1e-9)
    assert found.elements[0] == "Zr"


def test_clusters_do_not_depend_on_wrapping_translation_or_order():
    random = np.random.default_rng(8)
    positions = random.uniform(size=(6, 3)) @ SKEWED
    names = ("Zr", "O", "O", "Cl", "Li", "Li")
    one = cluster(names, positions, SKEWED, 0, radius_A=6.0)
    order = np.array([3, 0, 5, 2, 1, 4])
    moved = positions + random.integers(-3, 4, size=(6, 3)) @ SKEWED + [1.0, -2.0, 0.3]
    two = cluster(tuple(names[i] for i in order), moved[order], SKEWED, 1, radius_A=6.0)
    np.testing.assert_allclose(two.positions, one.positions, atol=1e-9)
    assert two.elements == one.elements


def test_a_shell_without_phase_peaks_at_its_distance():
    curve = Curve(GRID, shell_of([2.5]), K, CHI)
    found = fourier(curve, Transform(3, 15, weight=1))
    peak = found.x[np.abs(found.y).argmax()]
    assert abs(peak - 2.5) <= found.x[1]


def test_the_transform_keeps_the_square_integral():
    """Parseval: the integral over R of |χ(R)|² is half that over k of the windowed square."""
    curve = Curve(GRID, shell_of([2.5]) * np.exp(-0.01 * GRID**2), K, CHI)
    settings = Transform(3, 12, r_max_A=31.0)
    found = fourier(curve, settings)
    signal = curve.y * GRID**2 * window(GRID, settings)
    left = np.sum(np.abs(found.y) ** 2) * found.x[1]
    # The other half stands at negative distances; the ends of the range hold 1e-4.
    assert left == pytest.approx(0.5 * np.sum(signal**2) * STEP, rel=2e-3)


def test_there_and_back_gives_the_windowed_signal():
    settings = Transform(3, 12, r_max_A=31.0)
    curve = Curve(GRID, shell_of([2.5]), K, CHI)
    found = back(fourier(curve, settings), (0.0, 30.98), dr=0.0).y.real
    signal = curve.y * GRID**2 * window(GRID, settings)
    # Only R = 0, which has no partner at negative distances, counts twice: 1e-3 of this signal.
    assert np.abs(found - signal[: len(found)]).max() < 2e-3 * np.abs(signal).max()


def test_the_wavelet_finds_light_and_heavy_scatterers_at_their_distance_and_k():
    """Two shells whose envelopes peak at 5 and 10 1/Å: ridges at (2.0, 5) and (3.2, 10)."""
    light = np.sin(2 * GRID * 2.0) * np.exp(-0.5 * ((GRID - 5) / 1.5) ** 2)
    heavy = np.sin(2 * GRID * 3.2) * np.exp(-0.5 * ((GRID - 10) / 1.5) ** 2)
    found = cauchy_wavelet(Curve(GRID, light + heavy, K, CHI), weight=0)
    for distance, wave_number in ((2.0, 5.0), (3.2, 10.0)):
        size = np.abs(found.values)
        near = size * (np.abs(found.r - distance) < 0.4)[:, None]
        row, column = np.unravel_index(near.argmax(), near.shape)
        assert abs(found.r[row] - distance) < 0.05
        assert abs(found.k[column] - wave_number) < 0.3


def octahedra(lengths, noise, n_frames=40, seed=1):
    """Return Zr far apart, each with six Cl at given lengths, vibrating along the bonds."""
    random = np.random.default_rng(seed)
    zr = np.stack(np.meshgrid(*[np.arange(2) * 10.0] * 3), -1).reshape(-1, 3)
    axes = np.concatenate([np.eye(3), -np.eye(3)])
    stretch = np.asarray(lengths) + random.normal(0, noise, size=(n_frames, len(zr), 6))
    chlorine = (zr[:, None] + axes * stretch[..., None]).reshape(n_frames, -1, 3)
    positions = np.concatenate([np.broadcast_to(zr, (n_frames, *zr.shape)), chlorine], axis=1)
    cells = np.broadcast_to(np.eye(3) * 20.0, (n_frames, 3, 3)).copy()
    species = ("Zr",) * len(zr) + ("Cl",) * (6 * len(zr))
    return Trajectory(species, np.arange(float(n_frames)), cells, positions)


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([2.3, 2.5, 2.7] * 2, 3),
        ([2.45, 2.5, 2.55] * 2, 1),
        ([2.35, 2.35, 2.6] * 2, 2),
    ],
)
def test_distinct_bond_lengths_are_counted(lengths, expected):
    found = first_shell_lengths(octahedra(lengths, 0.1), "Zr", cut_offs={"Zr-Cl": 3.2})
    count = found.components["time-averaged"]
    assert (count.value, count.low, count.high) == (expected, expected, expected)
    # At rest the distribution is the lengths themselves; 40 frames leave 0.1 / sqrt(40) = 0.016.
    assert found.spread["all"].value == pytest.approx(np.std(lengths), abs=0.016)
    assert found.thermal.value == pytest.approx(0.1, rel=0.05)
    if expected > 1:
        distinct = np.diff(sorted(set(lengths)))
        assert found.separation.value == pytest.approx(distinct.min(), abs=0.03)
    else:
        assert found.separation.status == "refused"


def test_the_distribution_is_normalised_and_adds_up():
    run = octahedra([2.3, 2.5, 2.7] * 2, 0.05)
    found = first_shell_lengths(
        run, "Zr", cut_offs={"Cl-Zr": 3.2}, settings=FirstShellSettings(0.1)
    )
    for curves in (found.instantaneous, found.average):
        whole = curves["all"]
        assert np.sum(whole.y) * (whole.x[1] - whole.x[0]) == pytest.approx(1.0, rel=1e-3)
        np.testing.assert_allclose(whole.y, curves["Zr-Cl"].y)
    rows = found.observations(Sample("halide", "Li2ZrCl6", "glass"))
    assert {row.quantity for row in rows} == {"bond_length_components", "bond_length_separation"}


def test_vibrations_merge_what_the_average_shows():
    found = first_shell_lengths(
        octahedra([2.3, 2.5, 2.7] * 2, 0.2, n_frames=400), "Zr", cut_offs={"Zr-Cl": 4.0}
    )
    assert found.components["time-averaged"].value == 3
    assert found.components["instantaneous"].value == 1
