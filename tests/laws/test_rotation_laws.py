"""Rotors whose motion is known exactly: diffusion, jumps, libration, and none at all."""

import numpy as np
import pytest
from validation.rotation import (
    OH,
    PS4,
    STEP_PS,
    Crowd,
    decay_per_frame,
    diffusing,
    in_cone,
    integrated_ps,
    jumping,
    molecules,
    motion,
    of_attitudes,
    of_directions,
)

CELLS = [Crowd(8, 2000), Crowd(8, 2000, triclinic=True, breathing=0.03)]
IDS = ["cube", "triclinic and breathing"]


@pytest.mark.parametrize("crowd", CELLS, ids=IDS)
def test_isotropic_diffusion_decays_with_l_times_l_plus_one(crowd: Crowd) -> None:
    variance = 0.02
    found = motion(molecules(crowd, of_attitudes(diffusing(5, crowd, variance), PS4)), 5)
    for order in (1, 2):
        truth = integrated_ps(decay_per_frame(variance, order)) * 1e-12
        for name in (f"C{order}", f"rotation C{order}"):
            number = found.correlation_times[name]
            assert number.status == "ok"
            # intervals of 99.9 %, from those of 95 %
            assert abs(np.log(number.value / truth)) < 2.0 * np.log(number.high / number.value)
    diffusivity = found.diffusivity
    truth = 0.5 * variance / STEP_PS * 1e12
    assert abs(diffusivity.value - truth) < 2.0 * (diffusivity.high - diffusivity.value)
    # 1 / [1 (1 + 1) D]
    assert found.correlation_times["C1"].value == pytest.approx(0.5 / truth, rel=0.2)


def test_the_body_of_a_tetrahedron_turns_as_its_bonds_do() -> None:
    crowd = Crowd(4, 500)
    found = motion(molecules(crowd, of_attitudes(diffusing(2, crowd, 0.02), PS4)), 5)
    bond, body = found.correlations["C1"], found.correlations["rotation C1"]
    # Four bonds of a tetrahedron span space evenly: mean u·Ru = tr(R) / 3.
    np.testing.assert_allclose(bond.y, body.y, atol=1e-8)


@pytest.mark.parametrize("crowd", CELLS, ids=IDS)
def test_jumps_are_counted_and_libration_is_not(crowd: Crowd) -> None:
    swing, rate = 0.15, 0.008
    directions = jumping(3, crowd, rate, swing=swing)
    found = motion(molecules(crowd, of_directions(directions), stretch=0.04), 2)
    truth = rate / STEP_PS * 1e12
    assert found.step_rate.low * 0.9 < truth < found.step_rate.high * 1.1
    # four of five jumps by 90°, one by 180°
    assert found.step_angle.value == pytest.approx(108.0, abs=6.0)
    assert found.libration.value == pytest.approx(np.degrees(np.sqrt(2.0) * swing), rel=0.08)
    ratio = found.correlation_times["C1"].value / found.correlation_times["C2"].value
    assert 0.8 < ratio < 1.5  # one for large steps, three for small ones
    assert found.after_libration["C2"].value < 1.0


def test_libration_alone_makes_no_step_and_no_time() -> None:
    crowd = Crowd(8, 1500)
    body = np.tile([0.0, 0.0, 1.0], (crowd.frames, crowd.rotors, 1))
    noise = np.random.default_rng(4).normal(scale=0.1, size=body.shape)
    noise[..., 2] = 0.0
    swung = body + noise
    swung /= np.linalg.norm(swung, axis=-1, keepdims=True)
    found = motion(molecules(crowd, of_directions(swung)), 2)
    assert found.step_rate.status == "refused"
    assert "no step" in found.step_rate.note
    assert found.correlation_times["C1"].status == "refused"
    assert found.diffusivity.status == "refused"
    # 1 - <theta²> for small angles
    assert found.plateaus["C1"].value == pytest.approx(1.0 - 0.02, abs=0.002)


def test_wobbling_in_a_cone_leaves_the_plateau_of_lipari_and_szabo() -> None:
    crowd, half = Crowd(12, 1500, triclinic=True), 0.6
    found = motion(molecules(crowd, of_directions(in_cone(1, crowd, half))), 2)
    # Lipari & Szabo, J. Am. Chem. Soc. 104, 4546 (1982), doi:10.1021/ja00381a009
    second = (0.5 * np.cos(half) * (1.0 + np.cos(half))) ** 2
    plateau = found.plateaus["C2"]
    assert abs(plateau.value - second) < 2.0 * (plateau.high - plateau.value)
    assert plateau.error < 0.01


@pytest.mark.parametrize("shape", [OH, PS4], ids=["OH", "PS4"])
def test_what_stands_still_is_said_to(shape: np.ndarray) -> None:
    crowd = Crowd(4, 200, triclinic=True, breathing=0.05)
    still = np.tile([1.0, 0, 0, 0], (crowd.frames, crowd.rotors, 1))
    found = motion(molecules(crowd, of_attitudes(still, shape)), len(shape))
    np.testing.assert_allclose(found.correlations["C1"].y, 1.0, atol=1e-9)
    assert found.correlation_times["C1"].status == "refused"
    assert found.libration.value == pytest.approx(0.0, abs=1e-5)


def test_a_run_of_a_few_correlation_times_is_refused() -> None:
    crowd = Crowd(8, 300)
    found = motion(molecules(crowd, of_attitudes(diffusing(1, crowd, 0.002), PS4)), 5)
    assert found.correlation_times["C1"].status == "refused"
    assert np.isnan(found.correlation_times["C1"].value)
