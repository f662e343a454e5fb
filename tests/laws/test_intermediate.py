"""What scattering functions in time must be where motion is known."""

import numpy as np
import pytest
from scipy import stats
from validation.motion_time import coverage
from validation.walks import as_trajectory, brownian, caged, hopping

from vitrolyte.data.observation import Sample
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.infer.fit import fit
from vitrolyte.observe.tracks import LABORATORY
from vitrolyte.observe.van_hove.coherent import CoherentSettings, coherent_scattering
from vitrolyte.observe.van_hove.displacement_counts import MotionSettings
from vitrolyte.observe.van_hove.incoherent import incoherent_scattering
from vitrolyte.observe.van_hove.quasi_elastic import chudley_elliott
from vitrolyte.observe.van_hove.relaxation import _slopes, stretched_exponential

STILL = MotionSettings(frame=LABORATORY)
SKEWED = np.array([[18.0, 0.0, 0.0], [5.0, 17.0, 0.0], [-4.0, 6.0, 16.0]])


def test_scattering_of_a_walk_decays_with_d_q_squared() -> None:
    walk = brownian(3, (1500, 60), diffusivity=0.1)
    found = incoherent_scattering(as_trajectory(walk, ("Li",) * 60), fit, settings=STILL)["Li"]
    for q in found.q[:3]:
        curve = found.curves[f"q = {q:.3g} 1/Å"]
        truth = np.exp(-0.1 * q**2 * curve.x)
        off = (curve.y - truth)[curve.x < 200] / curve.y_error[curve.x < 200]
        assert np.sqrt(np.mean(off**2)) < 2.0
    assert found.jumps.jump_length.status == "refused"
    assert found.jumps.diffusivity.low < 0.1e-4 < found.jumps.diffusivity.high


def test_ions_in_cages_keep_their_plateau() -> None:
    cage = caged(1, np.zeros((1500, 60, 3)), amplitude=0.4, relaxation_frames=4.0)
    found = incoherent_scattering(as_trajectory(cage, ("O",) * 60), fit, settings=STILL)["O"]
    for q in (0.5, 1.2, 2.5):
        label = f"q = {q:.3g} 1/Å"
        assert found.tau[label].status == "refused"
        plateau = found.plateau[label]
        # Gaussian cage of 0.4 Å: exp(-q² u²), the Lamb-Mössbauer factor; its intervals are counted
        # in the coverage
        assert abs(plateau.value - np.exp(-(q**2) * 0.16)) < 4 * plateau.error
    assert found.jumps.jump_length.status == "refused"


def test_ions_that_go_to_and_fro_between_two_places_level_off() -> None:
    draws = np.random.default_rng(4)
    side = np.where((draws.random((3000, 80, 1)) < 0.02), -1.0, 1.0).cumprod(axis=0)
    rattle = 0.1 * draws.normal(size=(3000, 80, 3))
    path = rattle + 1.5 * side * np.array([1.0, 0.0, 0.0])
    found = incoherent_scattering(as_trajectory(path, ("H",) * 80), fit, q=(1.2,), settings=STILL)
    (number,) = found["H"].tau.values()
    assert number.status == "refused"
    assert "levels off" in number.note or "not seen" in number.note


def test_jumps_on_a_lattice_obey_chudley_and_elliott() -> None:
    # hops along the axes of a cubic lattice: 1 - sin(q l) / (q l) is the mean over directions of q
    draws = np.random.default_rng(9)
    hop = draws.random((3000, 60)) < 0.01
    axes = np.eye(3)[draws.integers(0, 3, (3000, 60))] * draws.choice([-2.5, 2.5], (3000, 60, 1))
    path = np.cumsum(hop[:, :, None] * axes, axis=0)
    found = incoherent_scattering(
        as_trajectory(path, ("Li",) * 60), fit, q=(0.4, 0.6, 0.9, 1.2), settings=STILL
    )["Li"].jumps
    # F_s of a powder is a mean of exponentials, by which the widths differ from the law by 2 %
    assert found.jump_length.value == pytest.approx(2.5, rel=0.05)
    assert found.residence_time.value == pytest.approx(1e-10, rel=0.1)
    assert found.diffusivity.value == pytest.approx(2.5**2 / 600 * 1e-4, rel=0.1)


def test_the_law_of_jumps_becomes_fick_at_small_q() -> None:
    q = np.array([1e-3, 0.05, 0.2])
    parameters = np.array([np.log(0.3), np.log(0.5)])
    # 1 - sin(x)/x = x²/6 - x⁴/120
    series = np.log(0.3 * q**2 * (1 - (0.5 * q) ** 2 / 20))
    np.testing.assert_allclose(chudley_elliott(q, parameters), series, atol=1e-6)


def test_slopes_of_the_stretched_exponential_are_its_derivatives() -> None:
    time, at = np.geomspace(0.1, 100, 9), np.array([0.8, 1.3, 0.6])

    def shifted(by: np.ndarray) -> np.ndarray:
        return stretched_exponential(time, at + by)

    numeric = [(shifted(1e-6 * unit) - shifted(-1e-6 * unit)) / 2e-6 for unit in np.eye(3)]
    np.testing.assert_allclose(_slopes(time, at), np.stack(numeric, axis=1), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("breath", [0.0, 0.005])
def test_density_waves_of_free_ions_decay_like_single_ions(breath: float) -> None:
    draws = np.random.default_rng(6)
    places = draws.random((50, 3))
    walk = brownian(2, (1200, 50), diffusivity=0.1) @ np.linalg.inv(SKEWED) + places
    cells = (1.0 + breath * draws.normal(size=1200))[:, None, None] * SKEWED
    path = np.einsum("tai,tij->taj", walk, cells)
    trajectory = Trajectory(("Li",) * 50, np.arange(1200.0), cells, path)
    settings = CoherentSettings(STILL, start_ps=0.0)
    found = coherent_scattering(trajectory, fit, q=(0.6, 1.0), settings=settings)
    for q, (label, factor) in zip(found["Li"].q, found["Li"].structure_factor.items()):
        curve = found["Li"].curves[label]
        early = curve.x < 30
        truth = np.exp(-0.1 * q**2 * curve.x)
        off = (curve.y - truth)[early] / curve.y_error[early]
        assert np.sqrt(np.mean(off**2)) < 2.5
        assert abs(factor.value - 1.0) < 4 * factor.error
    np.testing.assert_allclose(found["total"].curves.curves[0].y, found["Li"].curves.curves[0].y)


def test_a_crystal_keeps_its_bragg_peaks_and_drift_does_not_matter() -> None:
    grid = np.stack(np.meshgrid(*[np.arange(4)] * 3), axis=-1).reshape(-1, 3) * 4.0
    shaken = grid + caged(3, np.zeros((300, 64, 3)), amplitude=0.1, relaxation_frames=2.0)
    drifting = shaken + np.arange(300)[:, None, None] * np.array([0.03, 0.01, 0.0])
    settings = CoherentSettings(MotionSettings(), start_ps=0.0)
    q = (2 * np.pi / 4.0,)
    for path in (shaken, drifting):
        found = coherent_scattering(as_trajectory(path, ("O",) * 64, edge=16.0), fit, q=q,
                                    settings=settings)["O"]  # fmt: skip
        (factor,) = found.structure_factor.values()
        # N exp(-q² u²) in a perfect crystal of N atoms, and 1 - exp(-q² u²) of diffuse scattering;
        # three of the vectors of this length are Bragg peaks, the shell holds only them
        fixed = np.exp(-(q[0] ** 2) * 0.01 * (1 - 1 / 64))
        assert factor.value == pytest.approx(64 * fixed + 1 - fixed, rel=0.01)
        curve = found.curves.curves[0]
        assert curve.y[-1] > 0.98


def test_few_points_are_refused_and_rows_are_known_words() -> None:
    walk = brownian(3, (64, 40), diffusivity=3.0)
    found = incoherent_scattering(as_trajectory(walk, ("Li",) * 40), fit, settings=STILL)
    assert all(number.status == "refused" for number in found["Li"].tau.values())
    rows = found.observations(Sample("walk", "Li", "gas", 300.0))
    assert {row.quantity for row in rows} == {
        "correlation_time", "stretching_exponent", "lamb_moessbauer_factor", "hop_length",
        "residence_time", "tracer_diffusivity",
    }  # fmt: skip


def test_slow_hops_in_a_short_run_are_not_guessed() -> None:
    walk = caged(1, hopping(1, (400, 50), hops_per_frame=2e-4), amplitude=0.3,
                 relaxation_frames=1.0)  # fmt: skip
    found = incoherent_scattering(as_trajectory(walk, ("Li",) * 50), fit, settings=STILL)["Li"]
    assert all(number.status == "refused" for number in found.tau.values())


@pytest.mark.parametrize("case", ["free walk", "hops"])
def test_intervals_hold_the_truth(case: str) -> None:
    for one in coverage(case, 30):
        assert one.answered >= 0.9 * one.runs, one.name
        # probability of so few hits if the true coverage were 0.93, over some ten quantities
        assert stats.binom.cdf(one.held, one.answered, 0.93) > 0.05 / 12, one
