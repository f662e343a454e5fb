"""Curves as measured: windows, modifications, damping, broadening, both ways of the transform."""

import math

import numpy as np
import pytest

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory, structure
from vitrolyte.matter.prototypes import crystal
from vitrolyte.matter.supercell import supercell
from vitrolyte.observe.scattering.measured import as_measured, measured_from_pairs
from vitrolyte.observe.scattering.probes import Neutrons, XRays
from vitrolyte.observe.scattering.q_window import (
    Window,
    factor_from_reduced,
    in_window,
    modification,
    reduced_from_factor,
)

Q, R, ONE = Axis("scattering vector Q", "1/Å"), Axis("distance", "Å"), Axis("y", "")
DENSITY, ALONE = 0.05, {"O": 1.0}
# Without a window the terms of two descriptions of one pair differ by their grids only.
GRID = 2e-3


def hot(repeat: int = 4, n_frames: int = 6, shear: float = 0.0) -> Trajectory:
    whole = supercell(crystal("Li3OCl", "antiperovskite"), (repeat,) * 3)
    frame = whole.read()
    cell = frame.cells[0].copy()
    cell[1] += shear * frame.cells[0][0]
    moved = frame.positions + np.random.default_rng(0).normal(0, 0.12, (n_frames, whole.n_atoms, 3))
    cells = np.repeat(cell[None], n_frames, axis=0)
    return Trajectory(whole.species, np.arange(float(n_frames)), cells, moved)


def one_shell(at: float = 3.0, width: float = 0.1, n: int = 1000) -> CurveSet:
    """Return r [g(r) - 1] = Gaussian: a single peak whose transforms are known."""
    r = (np.arange(n) + 0.5) * 0.02
    peak = np.exp(-0.5 * ((r - at) / width) ** 2) / (4 * math.pi * DENSITY * r)
    return CurveSet("g", (Curve(r, 1 + peak, R, ONE, label="O-O"),))


def convolved(r: np.ndarray, at: float, width: float, q_max: float) -> np.ndarray:
    """Return a Gaussian cut at q_max: its convolution with sin(q_max x) / (pi x)."""
    q = np.linspace(0, q_max, 6001)
    damp = np.exp(-0.5 * (q * width) ** 2) * width * math.sqrt(2 / math.pi)
    waves = np.cos(np.outer(r - at, q)) - np.cos(np.outer(r + at, q))
    return np.asarray(np.trapezoid(waves * damp, q, axis=1))


def test_a_peak_has_the_ripples_of_its_window() -> None:
    # The transform of a cut window is a convolution with sin(q_max x) / (pi x): Keen 2001,
    # doi:10.1107/S0021889800019993.
    found = measured_from_pairs(
        one_shell(), Window(q_max=15.0), Neutrons(), fractions=ALONE, number_density=DENSITY
    )
    curve = found.pair_function["as measured"]
    assert curve.y == pytest.approx(convolved(curve.x, 3.0, 0.1, 15.0), abs=GRID)
    assert found.pair_function["ideal"].y.max() == pytest.approx(1.0, abs=0.01)


def test_damping_and_broadening_are_those_of_pdfgui() -> None:
    # PDFgui, Farrow et al. 2007, doi:10.1088/0953-8984/19/33/335219: G times exp(-(r Qdamp)^2 / 2),
    # sigma^2 = sigma'^2 (1 + Qbroad^2 r^2).
    at, width, damp, broad = 8.0, 0.15, 0.05, 0.1
    window = Window(q_max=40.0, q_damp=damp, q_broad=broad, pair_spread_A=width)
    found = measured_from_pairs(
        one_shell(at, width), window, XRays(), fractions=ALONE, number_density=DENSITY
    ).pair_function["as measured"]
    near = np.abs(found.x - at) < 1.0
    r, y = found.x[near], found.y[near]
    wider = width * math.sqrt(1 + (broad * at) ** 2)
    undamped = y * np.exp(0.5 * (r * damp) ** 2)
    area = np.trapezoid(undamped, r)
    middle = np.trapezoid(r * undamped, r) / area
    spread = math.sqrt(np.trapezoid((r - middle) ** 2 * undamped, r) / area)
    assert area == pytest.approx(width * math.sqrt(2 * math.pi), rel=2e-3)
    assert spread == pytest.approx(wider, rel=5e-3)


@pytest.mark.parametrize("word", ["none", "Lorch", "revised Lorch", "cosine", "Gaussian"])
def test_modifications_start_at_one_and_end_with_the_window(word: str) -> None:
    window = Window(q_max=20.0, modification=word)  # type: ignore[arg-type]
    q = np.linspace(1e-6, 22.0, 500)
    m = modification(q, window)
    assert m[0] == pytest.approx(1.0)
    assert (m[q > 20.0] == 0.0).all()
    assert (np.diff(m[q <= 20.0]) <= 1e-12).all()
    last = {"none": 1.0, "Gaussian": 0.1}.get(word, 0.0)
    assert modification(np.array([20.0]), window)[0] == pytest.approx(last, abs=1e-12)


def test_the_revised_lorch_function_averages_over_a_sphere() -> None:
    # Soper & Barney 2011, doi:10.1107/S0021889811021455: M is the transform of a sphere of radius
    # Delta, so g(r) at the origin becomes its mean over that sphere.
    radius = 0.4
    window = Window(q_max=50.0, modification="revised Lorch", parameter=radius)
    q = np.linspace(0.1, 50.0, 400)
    x = np.linspace(0, radius, 4001)
    kernel = x**2 * np.sinc(np.outer(q, x) / np.pi)
    sphere = np.trapezoid(kernel, x, axis=1) * 3 / radius**3
    assert modification(q, window) == pytest.approx(sphere, abs=1e-6)


def test_tapering_trades_ripples_for_width() -> None:
    curves = {}
    for word in ("none", "Lorch", "revised Lorch", "cosine", "Gaussian"):
        window = Window(q_max=15.0, modification=word)  # type: ignore[arg-type]
        curves[word] = measured_from_pairs(
            one_shell(), window, Neutrons(), fractions=ALONE, number_density=DENSITY
        ).pair_function["as measured"]
    ripples = {word: np.abs(c.y[(c.x > 4.0) & (c.x < 6.0)]).max() for word, c in curves.items()}
    heights = {word: c.y.max() for word, c in curves.items()}
    assert all(ripples[word] < ripples["none"] / 3 for word in ripples if word != "none")
    assert all(heights[word] < heights["none"] for word in heights if word != "none")


@pytest.mark.parametrize("shear", [0.0, 1.0], ids=["cubic", "triclinic"])
def test_a_triclinic_cell_of_the_same_crystal_measures_the_same(shear: float) -> None:
    window = Window(q_max=18.0, q_min=0.5, modification="Lorch", q_damp=0.04)
    plain, other = (
        as_measured(hot(5, 2, one), window, r_max_A=6.9).pair_function["as measured"]
        for one in (0.0, shear)
    )
    assert other.y == pytest.approx(plain.y, abs=1e-6)


def test_a_warm_crystal_is_the_pair_by_pair_sum_of_pdfgui() -> None:
    # For independent Gaussian motion 4 pi r rho0 g(r) = sum_pairs Gauss(r - d) / d exactly, and
    # PDFgui multiplies by the damping, then convolves with sin(q_max x) / (pi x): Farrow et al.
    # 2007, doi:10.1088/0953-8984/19/33/335219. Face-centred aluminium, a = 4.05 Å.
    edge, moved, damp, q_max = 4.05, 0.08, 0.05, 22.0
    corners = edge * np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    whole = supercell(structure(("Al",) * 4, corners, np.eye(3) * edge), (7, 7, 7))
    frame, random = whole.read(), np.random.default_rng(0)
    shaken = frame.positions + random.normal(0, moved, (12, whole.n_atoms, 3))
    hot_metal = Trajectory(
        whole.species, np.arange(12.0), np.repeat(frame.cells, 12, axis=0), shaken
    )
    found = as_measured(hot_metal, Window(q_max=q_max, q_damp=damp)).pair_function["as measured"]
    steps = np.stack(np.meshgrid(*[np.arange(-8, 9)] * 3), axis=-1).reshape(-1, 3)
    lattice = (steps * edge)[:, None] + corners
    distances = np.linalg.norm(lattice.reshape(-1, 3), axis=1)
    distances = distances[(distances > 1) & (distances < 20)]
    fine = np.arange(0.005, 22.0, 0.01)
    width = moved * math.sqrt(2)
    gauss = np.exp(-0.5 * ((fine[:, None] - distances) / width) ** 2)
    shells = gauss @ (1 / distances) / (width * math.sqrt(2 * math.pi))
    ideal = shells - 4 * math.pi * (4 / edge**3) * fine
    damped = ideal * np.exp(-0.5 * (fine * damp) ** 2)
    near = (found.x > 1.0) & (found.x < 11.0)
    r = found.x[near]
    kernel = np.sinc(q_max * np.subtract.outer(r, fine) / np.pi)
    kernel -= np.sinc(q_max * np.add.outer(r, fine) / np.pi)
    expected = kernel @ damped * 0.01 * q_max / math.pi
    # Noise of the counts, and the cut of the box at 14 Å.
    assert found.y[near] == pytest.approx(expected, abs=0.02 * np.abs(expected).max())


def test_low_r_slope_is_the_density() -> None:
    # Below the first distance G(r) = -4 pi rho0 r: Keen 2001, doi:10.1107/S0021889800019993.
    frames = hot()
    window = Window(q_max=25.0, modification="Lorch")
    found = as_measured(frames, window, Neutrons())
    density = frames.n_atoms / float(frames.volumes[0])
    assert found.number_density == pytest.approx(density)
    curve = found.pair_function["ideal"]
    low = curve.x < 1.0
    assert curve.y[low] == pytest.approx(-4 * math.pi * density * curve.x[low], rel=1e-9)


def test_the_transform_of_a_window_and_back() -> None:
    # Inside its window S(Q) comes back from G(r); outside it is 1. r to 60 Å resolves 0.1 1/Å.
    found = measured_from_pairs(
        one_shell(n=2000), Window(q_max=20.0), Neutrons(), fractions=ALONE, number_density=DENSITY
    )
    s = found.structure_factor.curves[0]
    r = np.arange(0.01, 60.0, 0.01)
    g = reduced_from_factor(s, Window(q_max=20.0), r)
    direct = found.pair_function["as measured"]
    assert np.interp(direct.x, g.x, g.y) == pytest.approx(direct.y, abs=GRID)
    q = np.linspace(1.0, 18.0, 200)
    back = factor_from_reduced(g, q)
    assert back.y == pytest.approx(np.interp(q, s.x, s.y), abs=0.01)
    beyond = factor_from_reduced(g, np.linspace(22.0, 30.0, 50))
    assert beyond.y == pytest.approx(1.0, abs=0.01)


def test_low_q_is_filled_as_stated() -> None:
    q = np.linspace(0.5, 10.0, 200)
    s = Curve(q, 1 + 0.5 * np.sin(q), Q, ONE)
    grid = np.array([0.0, 1.0, 2.0, 5.0])
    edge = float(np.interp(2.0, q, s.y))
    expected = {"constant": (edge, edge), "nothing": (1.0, 1.0)}
    expected["parabola"] = (0.2, 0.2 + (edge - 0.2) / 4)
    for word, values in expected.items():
        window = Window(q_max=9.0, q_min=2.0, low_q=word, s_of_zero=0.2)  # type: ignore[arg-type]
        filled = in_window(s, window, grid)
        assert tuple(filled.y[:2]) == pytest.approx(values)
        assert filled.y[2:] == pytest.approx(np.interp(grid[2:], q, s.y))


def test_x_rays_see_more_of_light_atoms_at_low_q_than_the_weights_at_zero_say() -> None:
    # The weights at Q = 0 are not those of the window, so the two curves differ in shape even
    # where the window cuts nothing; for neutrons they do not.
    window = Window(q_max=70.0)
    frames = hot(4, 40)
    apart = {}
    for probe in (XRays(), Neutrons()):
        found = as_measured(frames, window, probe, bin_A=0.02).pair_function
        measured, ideal = found["as measured"], found["ideal"]
        near = (measured.x > 1.0) & (measured.x < 5.0)
        difference = np.abs(measured.y - ideal.y)[near].max()
        apart[probe.name] = difference / np.abs(ideal.y[near]).max()
    assert apart["neutron"] < 0.1
    assert apart["X-ray"] > 2 * apart["neutron"]


@pytest.mark.parametrize("low_q", ["constant", "parabola", "nothing"])
def test_parts_add_up_and_say_where_their_peaks_stand(low_q: str) -> None:
    # Geometry of Pm-3m: Li-O at a / 2, Li-Cl and Li-Li at a / sqrt(2), O-Cl at sqrt(3) a / 2.
    window = Window(q_max=25.0, q_min=0.8, low_q=low_q, s_of_zero=0.1)  # type: ignore[arg-type]
    frames = hot(5, 10)
    edge = float(frames.cells[0][0, 0]) / 5
    for probe in (XRays(), Neutrons({"Li": "7Li", "Cl": "35Cl"})):
        found = as_measured(frames, window, probe)
        total = sum(curve.y for curve in found.parts.curves)
        assert found.pair_function["as measured"].y == pytest.approx(total)
        s = found.structure_factor.curves[0]
        again = reduced_from_factor(s, window, found.pair_function["as measured"].x)
        largest = np.abs(total).max()
        if low_q != "parabola":  # which needs S(Q) below the window to be found again
            assert again.y == pytest.approx(total, abs=5e-3 * largest)
        geometry = {"Li-O": 0.5, "Li-Cl": 0.5**0.5, "Li-Li": 0.5**0.5}
        for pair, share in geometry.items():
            # Motion of 0.12 Å shifts a peak by sigma^2 / d = 0.012 Å at most.
            assert found.peaks[pair].value == pytest.approx(share * edge, abs=0.03)


def test_what_cannot_be_seen_is_refused() -> None:
    for wrong in (
        {"q_max": -1.0},
        {"q_max": 10.0, "q_min": 12.0},
        {"q_max": 10.0, "q_damp": -0.1},
        {"q_max": 10.0, "modification": "Hann"},
        {"q_max": 10.0, "low_q": "line"},
        {"q_max": 10.0, "parameter": 0.0},
    ):
        with pytest.raises(InputError, match="window"):
            Window(**wrong)  # type: ignore[arg-type]
    s = Curve(np.linspace(0.5, 10, 200), np.ones(200), Q, ONE)
    with pytest.raises(InputError, match="reach"):
        reduced_from_factor(s, Window(q_max=20.0), np.arange(1.0, 5.0))
    with pytest.raises(InputError, match="bins"):
        as_measured(hot(2), Window(q_max=2.0))
    with pytest.raises(InputError, match="bins"):
        as_measured(hot(4), Window(q_max=30.0), bin_A=0.2)
