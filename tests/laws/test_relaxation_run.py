"""Relaxation from trajectories: known motion, any cell, honest refusals, intervals that hold."""

import math
from itertools import product

import numpy as np
import pytest
from scipy import stats
from validation.relaxation import CASES, coverage, decaying, switching, tensors

from vitrolyte.data.errors import InputError
from vitrolyte.data.nuclei import nucleus
from vitrolyte.data.observation import Sample
from vitrolyte.data.trajectory import Trajectory, structure
from vitrolyte.infer.fit import fit
from vitrolyte.matter.electrostatics import COULOMB_EV_A, ewald_matrix
from vitrolyte.observe.relaxation.couplings import RelaxationSettings
from vitrolyte.observe.relaxation.field_gradients import (
    components,
    field_gradients,
    principal_values,
)
from vitrolyte.observe.relaxation.narrowing import (
    GAUSSIAN_FWHM,
    abragam_width,
    hendrickson_bray,
    kubo_anderson_decay,
    kubo_anderson_width,
    second_moment,
)
from vitrolyte.observe.relaxation.processes import Process, peak
from vitrolyte.observe.relaxation.rates import condition, dipolar_constant, quadrupolar_factor
from vitrolyte.observe.relaxation.relaxation import relaxation, relaxation_of_tensors
from vitrolyte.observe.relaxation.temperature import relaxation_over_temperature

SKEWED = np.array([[6.0, 0.0, 0.0], [1.5, 7.0, 0.0], [-1.0, 2.0, 5.5]])
CHARGES = np.array([1.0, -1.0, 2.0, -2.0, 1.0, -1.0])


def ions(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((6, 3)) @ SKEWED


def test_field_gradients_are_second_derivatives_of_the_potential() -> None:
    # the potential by another program of the house, energies of Ewald sums, differentiated
    positions, everybody = ions(), np.arange(6)
    found = field_gradients(positions, SKEWED, CHARGES, everybody, accuracy=1e-10)[0]

    def potential(place: np.ndarray) -> float:
        moved = np.vstack([positions[1:], place])
        matrix = ewald_matrix(moved @ np.linalg.inv(SKEWED), SKEWED, accuracy=1e-12)
        return float((matrix @ np.append(CHARGES[1:], 0.0))[-1])

    h, steps = 0.02, 0.02 * np.eye(3)
    second = np.empty((3, 3))
    for a, b in product(range(3), repeat=2):
        signs = [(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)]
        second[a, b] = sum(
            s * potential(positions[0] + p * steps[a] + q * steps[b]) for p, q, s in signs
        ) / (4 * h * h)
    second -= np.trace(second) / 3 * np.eye(3)
    own = field_gradients(positions[:1], SKEWED, CHARGES[:1], everybody[:1], accuracy=1e-10)[0]
    assert found == pytest.approx(second + own, abs=1e-3)


def test_field_gradients_do_not_depend_on_how_the_crystal_is_told() -> None:
    positions, probe = ions(1), np.array([2])
    once = field_gradients(positions, SKEWED, CHARGES, probe, accuracy=1e-9)[0]
    shifted = positions + np.array([[3, -2, 1]] * 3 + [[0, 0, 0]] * 3) @ SKEWED
    assert field_gradients(shifted, SKEWED, CHARGES, probe, accuracy=1e-9)[0] == pytest.approx(once)
    double = np.vstack([positions, positions + SKEWED[1]])
    cell = SKEWED * np.array([[1.0], [2.0], [1.0]])
    twice = field_gradients(double, cell, np.tile(CHARGES, 2), probe, accuracy=1e-9)[0]
    assert twice == pytest.approx(once, abs=1e-5)
    turn, _ = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))
    turned = field_gradients(positions @ turn.T, SKEWED @ turn.T, CHARGES, probe, accuracy=1e-9)[0]
    assert turned == pytest.approx(turn @ once @ turn.T, abs=1e-5)
    assert np.sum(components(once) ** 2) == pytest.approx(np.sum(once**2))


def test_field_gradients_of_simple_arrangements() -> None:
    # a lone charge at r in a large neutral box: V_zz = 2 q e / (4 pi eps0 r³), eta = 0
    place = np.array([[0.0, 0, 0], [0, 0, 2.0]])
    far = field_gradients(place, np.eye(3) * 60.0, np.array([0.0, 1.0]), np.array([0]))
    vzz, eta = principal_values(far)
    assert vzz[0] == pytest.approx(2 * COULOMB_EV_A / 8.0, rel=1e-3)
    assert eta[0] == pytest.approx(0.0, abs=1e-3)
    # rock salt: none by symmetry
    salt = np.array(list(product(range(2), repeat=3))) * 2.0
    sign = (-1.0) ** (salt.sum(axis=1) / 2.0)
    none = field_gradients(salt, np.eye(3) * 4.0, sign, np.arange(8), accuracy=1e-9)
    assert np.abs(none).max() < 1e-6


def test_second_moment_of_a_simple_cubic_lattice() -> None:
    # sum of r⁻⁶ over the simple cubic lattice: 8.40192 (Lennard-Jones & Ingham, Proc. R. Soc. A
    # 107, 636 (1925)); face-centred cubic: 14.45392
    a, fluorine = 2.7255, nucleus("19F")
    strength = 0.6 * 0.75 * dipolar_constant(fluorine, fluorine)
    one = structure(("F",), [[0.0, 0, 0]], np.eye(3) * a)
    found = second_moment(one, "19F", reach_A=30.0)
    assert found.total.value == pytest.approx(strength * 8.40192 / a**6, rel=1e-4)
    primitive = a / math.sqrt(2.0) * np.array([[0.0, 1, 1], [1, 0, 1], [1, 1, 0]])
    fcc = second_moment(structure(("F",), [[0.0, 0, 0]], primitive), "19F", reach_A=30.0)
    assert fcc.total.value == pytest.approx(strength * 14.45392 / a**6, rel=1e-4)
    assert found.width.value == pytest.approx(
        GAUSSIAN_FWHM * math.sqrt(found.total.value) / (2 * math.pi)
    )
    assert found.total.status == "provisional"


def test_second_moment_turns_with_the_field_as_a_cube_does() -> None:
    # M2 = A + B (l⁴ + m⁴ + n⁴) in a cubic crystal (Van Vleck 1948, eq. 12); the mean is the powder
    one = structure(("F",), [[0.0, 0, 0]], np.eye(3) * 2.7255)

    def along(*direction: float) -> float:
        found = second_moment(one, "19F", field_direction=direction, reach_A=30.0)
        return found.total.value

    cube, face, corner = along(1, 0, 0), along(1, 1, 0), along(1, 1, 1)
    assert face == pytest.approx(corner + (cube - corner) * (0.5 - 1 / 3) / (2 / 3), rel=1e-4)
    mean = corner + (cube - corner) * (0.6 - 1 / 3) / (2 / 3)
    assert mean == pytest.approx(second_moment(one, "19F", reach_A=30.0).total.value, rel=1e-4)
    # 0.187 in Van Vleck's eq. for the simple cubic lattice, from a sum over few shells
    slope = (cube - corner) / (2 / 3)
    assert 1 - cube / slope == pytest.approx(0.187, abs=0.01)


def test_unlike_spins_add_a_ninth_of_what_like_ones_would() -> None:
    # 1/3 over 3/4 (Van Vleck 1948), times the constants
    cell = np.eye(3) * 4.0
    pair = structure(("Li", "F"), [[0.0, 0, 0], [2.0, 2.0, 2.0]], cell)
    found = second_moment(pair, "7Li", reach_A=25.0)
    alone = second_moment(structure(("Li",), [[0.0, 0, 0]], cell), "7Li", reach_A=25.0)
    assert found.like.value == pytest.approx(alone.like.value)
    assert found.total.value == pytest.approx(found.like.value + found.unlike.value)
    rows = found.observations(Sample("x", "LiF", "crystal"))
    assert rows[-1].quantity == "nmr_linewidth"


def test_motion_narrows_the_line() -> None:
    moment = 1e9
    rigid = GAUSSIAN_FWHM * math.sqrt(moment) / (2 * math.pi)
    assert kubo_anderson_width(moment, 1.0) == pytest.approx(rigid, rel=1e-3)
    assert kubo_anderson_width(moment, 1e-8) == pytest.approx(moment * 1e-8 / math.pi, rel=1e-3)
    times = np.geomspace(1e-3, 1e-8, 8)
    widths = [kubo_anderson_width(moment, float(t)) for t in times]
    assert np.all(np.diff(widths) < 0)
    # fast: delta = M2 (2/pi) alpha tau; slow: sqrt(M2)
    assert abragam_width(moment, 1e-9) == pytest.approx(moment * 2 / math.pi * 1e-9, rel=1e-3)
    assert abragam_width(moment, 10.0) == pytest.approx(math.sqrt(moment), rel=1e-3)
    assert kubo_anderson_decay(0.0, moment, 1e-5) == 1.0
    width = hendrickson_bray([1.0, 1e6], 8000.0, 10.0, 0.3, 100.0)
    assert width == pytest.approx([8100.0, 110.0], rel=0.01)


def pairs(cell: np.ndarray, n_frames: int = 400) -> Trajectory:
    """Return hydrogen molecules that turn, in a cell."""
    random = np.random.default_rng(5)
    directions = decaying(5, (n_frames, 8, 3), 6.0)
    directions /= np.linalg.norm(directions, axis=2, keepdims=True)
    middles = random.random((8, 3)) @ cell
    ends = [middles - 0.5 * directions, middles + 0.5 * directions]
    cells = np.broadcast_to(cell, (n_frames, 3, 3))
    return Trajectory(("H",) * 16, np.arange(float(n_frames)), cells, np.concatenate(ends, axis=1))


def test_dipolar_relaxation_in_any_cell() -> None:
    cell = np.array([[20.0, 0, 0], [6.0, 19.0, 0], [-5.0, 7.0, 21.0]])
    run = pairs(cell)
    settings = RelaxationSettings(reach_A=5.0)
    found = relaxation(run, "1H", settings=settings)
    label = next(iter(found.rates))
    # wrapped by whole cells, and the same crystal told by other vectors
    other = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1]]) @ cell
    shifts = np.random.default_rng(1).integers(-2, 3, size=(16, 3)) @ cell
    again = Trajectory(
        run.species, run.times, np.broadcast_to(other, (400, 3, 3)), run.read().positions + shifts
    )
    told = relaxation(again, "1H", settings=settings)
    assert told.rates[label].value == pytest.approx(found.rates[label].value, rel=1e-4)
    # a cell that breathes while the atoms do what they did
    breathing = cell * (1 + 0.01 * np.sin(np.arange(400))[:, None, None])
    images = np.round(run.read().positions @ np.linalg.inv(cell) * 0)
    npt = Trajectory(run.species, run.times, breathing, run.read().positions + images)
    small = RelaxationSettings(reach_A=1.2)
    assert relaxation(npt, "1H", settings=small).rates[label].value == pytest.approx(
        relaxation(run, "1H", settings=small).rates[label].value, rel=1e-6
    )
    # read in several passes
    little = RelaxationSettings(reach_A=5.0, memory_MB=0.5)
    assert relaxation(run, "1H", settings=little).rates[label].value == pytest.approx(
        found.rates[label].value, rel=1e-5
    )


def test_mean_dipolar_coupling_is_the_second_moment() -> None:
    run = pairs(np.eye(3) * 24.0, 32)
    found = relaxation(run, "1H")
    rigid = second_moment(run, "1H", reach_A=11.9, max_frames=32)
    assert found.strength["nmr_second_moment"].value == pytest.approx(rigid.total.value, rel=2e-3)


def test_field_gradients_along_a_run_relax_as_their_tensors_do() -> None:
    random = np.random.default_rng(3)
    steps = np.cumsum(0.05 * random.normal(size=(48, 6, 3)), axis=0)
    run = Trajectory(
        ("Li", "Cl", "Li", "Cl", "Li", "Cl"),
        np.arange(48.0),
        np.broadcast_to(SKEWED, (48, 3, 3)),
        ions(4) + steps,
    )
    charges = {"Li": 1.0, "Cl": -1.0}
    settings = RelaxationSettings(accuracy=1e-8)
    found = relaxation(
        run, "7Li", charges=charges, antishielding=0.74, dipolar=False, settings=settings
    )
    values = np.array([charges[s] for s in run.species])
    lithium = run.indices("Li").astype(np.int64)
    each = [
        field_gradients(x, SKEWED, values, lithium, accuracy=1e-8) for x in run.read().positions
    ]
    other = relaxation_of_tensors(
        np.array(each), "7Li", step_ps=1.0, antishielding=0.74, settings=settings
    )
    assert found.coupling.value == pytest.approx(other.coupling.value, rel=1e-5)
    assert found.mechanism == "quadrupolar"
    assert found.coupling.status == "provisional"
    assert "model" in found.coupling.note


def test_intervals_hold_the_truth() -> None:
    runs = 40
    for one in coverage("gaussian gradients", runs):
        assert one.answered >= 0.9 * runs
        assert stats.binom.cdf(one.held, one.answered, 0.93) > 0.05 / 4, one


def test_the_rotor_relaxes_as_theory_says() -> None:
    # C2 of rotational diffusion decays in 1/(6 D); BPP 1948
    for number, truth in CASES["rotating pairs"](7).values():
        assert abs(number.value / truth - 1.0) < 3.5 * number.error / number.value


def test_a_coupling_that_outlasts_the_run_is_refused() -> None:
    still = np.random.default_rng(1).normal(size=(1, 20, 5)) + 0.1 * decaying(2, (400, 20, 5), 2.0)
    found = relaxation_of_tensors(tensors(still), "7Li", step_ps=0.1)
    assert all(number.status == "refused" for number in found.rates.values())
    assert "outlasts the run" in next(iter(found.rates.values())).note
    slow = decaying(3, (400, 20, 5), 2000.0)
    assert relaxation_of_tensors(tensors(slow), "7Li", step_ps=0.1).slow_time.status == "refused"


def test_a_coupling_common_to_all_for_all_time_does_not_relax() -> None:
    crystal = np.array([2.0, -1.0, 0.5, 0.0, 3.0])
    moving = decaying(4, (600, 20, 5), 6.0)
    plain = relaxation_of_tensors(tensors(moving), "7Li", step_ps=1.0)
    both = relaxation_of_tensors(tensors(moving + crystal), "7Li", step_ps=1.0)
    for label, number in plain.rates.items():
        assert both.rates[label].value == pytest.approx(number.value, rel=1e-4)


def test_frequencies_within_the_run_are_read_even_where_slow_motion_is_not() -> None:
    # one frame per ns: 194 MHz lies inside the band of a run that its slow part outlasts
    way = switching(1, (1000, 30), 200.0)[:, :, None] * np.ones(5)
    settings = RelaxationSettings((1.0,), (20.0,))
    found = relaxation_of_tensors(tensors(way), "7Li", step_ps=500.0, settings=settings)
    at = condition("R1", nucleus("7Li"), 1.0)
    number = found.rates[at.label]
    truth = 5.0 * quadrupolar_factor(nucleus("7Li"), 1.0)
    omega, tau = nucleus("7Li").larmor(1.0), 200.0 * 500e-12
    expected = truth * sum(
        w * 2 * tau / (1 + (m * omega * tau) ** 2) for w, m in ((0.2, 1.0), (0.8, 2.0))
    )
    assert number.status != "refused"
    assert number.value == pytest.approx(expected, rel=0.35)


def test_the_law_over_temperature_finds_the_peak() -> None:
    truth = Process(0.25, 2e-14, 1.0)
    runs = {}
    for k, t in enumerate((600.0, 700.0, 800.0, 900.0, 1000.0)):
        steps = float(truth.time(t)) / 0.1e-12
        series = decaying(k, (1200, 20, 5), steps)
        runs[t] = relaxation_of_tensors(tensors(series), "7Li", step_ps=0.1)
    wanted = (condition("R1", nucleus("7Li"), 11.74), condition("R1rho", nucleus("7Li"), 11.74, 20))
    found = relaxation_over_temperature(tuple(runs.items()), fit, wanted=wanted)
    energy = found.activation_energy
    assert abs(energy.value - 0.25) < 3.5 * energy.error
    k = 5.0 * quadrupolar_factor(nucleus("7Li"), 1.0)
    top = peak(Process(0.25, 2e-14, k), wanted[1])
    place = found.peak_temperature[wanted[1].label]
    assert place.status == "provisional"
    assert place.low < top.temperature_K < place.high
    rows = found.observations(Sample("glass", "x", "glass"))
    assert {"activation_energy", "bpp_tau0"} <= {row.quantity for row in rows}


def test_bad_input_is_refused() -> None:
    run = pairs(np.eye(3) * 20.0, 32)
    with pytest.raises(InputError, match="half the smallest width"):
        relaxation(run, "1H", settings=RelaxationSettings(reach_A=15.0))
    with pytest.raises(InputError, match="charge of each species"):
        relaxation(run, "2H", charges={"Li": 1.0})
    with pytest.raises(InputError, match="Something has to relax"):
        relaxation(run, "1H", charges={"H": 1.0}, dipolar=False)
    with pytest.raises(InputError, match="in the trajectory"):
        relaxation(run, "7Li")
    with pytest.raises(InputError, match="at least one field"):
        RelaxationSettings(fields_T=())
    with pytest.raises(InputError, match="16"):
        relaxation(run.select(slice(0, 3)), "1H")
    with pytest.raises(InputError, match="finite"):
        relaxation_of_tensors(np.full((20, 2, 3, 3), np.nan), "7Li", step_ps=1.0)
    with pytest.raises(InputError, match="spin above 1/2"):
        relaxation_of_tensors(np.zeros((20, 2, 3, 3)), "1H", step_ps=1.0)
