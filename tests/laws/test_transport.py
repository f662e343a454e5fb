"""Laws of transport: walks whose coefficients are known exactly."""

import numpy as np
import pytest
from validation.transport_peers import LITHIUM_D, scene
from validation.walks import as_trajectory, brownian, caged, hopping, together

from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Sample
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.data.units import BOLTZMANN_EV_PER_K, ELEMENTARY_CHARGE_C
from vitrolyte.observe.motion.displacement import Reading, mean_square_displacement
from vitrolyte.observe.motion.judgement import Limits
from vitrolyte.observe.motion.transport import Transport, TransportSettings, transport

LABORATORY = TransportSettings(Reading(frame="laboratory"))
# The short scenes of the other programs move their ions by about 2 Å.
SHORT_HOPS = Limits(hop_length_A=0.5)


def lithium(positions: np.ndarray) -> Transport:
    trajectory = as_trajectory(positions, ("Li",) * positions.shape[1])
    return transport(trajectory, {"Li": 1.0}, temperature_K=800.0, settings=LABORATORY)


def direct_msd(positions: np.ndarray, lag: int) -> float:
    return float(np.mean(np.sum((positions[lag:] - positions[:-lag]) ** 2, axis=-1)))


def test_fft_msd_is_the_mean_over_all_origins() -> None:
    walk = brownian(1, (300, 7), diffusivity=1.0) + 40.0
    moved = mean_square_displacement(
        as_trajectory(walk, ("Li",) * 7), reading=Reading(frame="laboratory")
    )
    for lag in (1, 2, 17, 150, 299):
        # single precision of the transform
        assert moved.msd[0, lag] == pytest.approx(direct_msd(walk, lag), rel=1e-4)


def test_joint_displacement_is_the_mean_over_all_origins() -> None:
    walk = brownian(2, (300, 9), diffusivity=1.0)
    species = ("Li",) * 4 + ("Cl",) * 5
    moved = mean_square_displacement(
        as_trajectory(walk, species), reading=Reading(frame="laboratory")
    )
    li, cl = walk[:, :4].sum(axis=1), walk[:, 4:].sum(axis=1)
    for lag in (1, 40, 200):
        products = np.sum((li[lag:] - li[:-lag]) * (cl[lag:] - cl[:-lag]), axis=-1)
        assert moved.joint[0, 1, lag] == pytest.approx(products.mean(), rel=1e-4)


def test_modes_hold_the_energy_of_the_steps() -> None:
    # Parseval: the sine modes are an orthonormal view of the increments.
    walk = brownian(3, (64, 5), diffusivity=2.0)
    moved = mean_square_displacement(
        as_trajectory(walk, ("Li",) * 5), reading=Reading(frame="laboratory")
    )
    energy = np.sum(np.diff(walk, axis=0) ** 2) / 2.0
    assert np.sum(moved.modes[0].astype(float) ** 2) == pytest.approx(energy, rel=1e-4)


def test_one_pass_and_many_agree() -> None:
    walk = brownian(4, (128, 40), diffusivity=1.0)
    trajectory = as_trajectory(walk, ("Li",) * 20 + ("Cl",) * 20)
    whole = mean_square_displacement(trajectory)
    parts = mean_square_displacement(trajectory, reading=Reading(memory_MB=0.02))
    np.testing.assert_allclose(whole.msd, parts.msd, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(whole.modes[1], parts.modes[1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("triclinic", [False, True])
def test_breathing_cells_and_wrapped_input_leave_the_walk(triclinic: bool) -> None:
    made = scene(11, n_frames=400, ions=30, triclinic=triclinic)
    moved = mean_square_displacement(made.trajectory(), reading=Reading(frame="laboratory"))
    for lag in (1, 50, 200):
        assert moved.msd[0, lag] == pytest.approx(direct_msd(made.paths[:, :30], lag), rel=1e-4)


def test_drift_leaves_with_the_frame_of_reference() -> None:
    made = scene(12, n_frames=400, ions=30, triclinic=True)
    moved = mean_square_displacement(made.trajectory(), reading=Reading(frame="O"))
    oxygen = moved.msd[moved.species.index("O")]
    assert oxygen.max() < 1e-6
    # 6 D t; the error of the mean over 30 ions and all origins at this lag is about 3 %
    assert moved.msd[0, 20] == pytest.approx(6 * LITHIUM_D * 2.0, rel=0.1)


def test_centre_of_mass_rests_by_default() -> None:
    made = scene(13, n_frames=200, ions=10, triclinic=False)
    moved = mean_square_displacement(made.trajectory())
    masses = {"Li": 6.94, "Cl": 35.45, "O": 15.999}
    momentum = sum(masses[s] * moved.sum_modes[k] for k, s in enumerate(moved.species))
    assert np.abs(momentum).max() < 1e-3 * np.abs(35.45 * moved.sum_modes[1]).max()


def test_rattling_in_a_cage_does_not_count_as_diffusion() -> None:
    # D = 0.05 Å²/ps beneath a vibration that adds 6 · 0.5² Å² to the MSD at all lags
    walk = caged(5, brownian(5, (2000, 60), diffusivity=0.05), amplitude=0.5, relaxation_frames=2)
    found = lithium(walk).tracer_diffusivity["Li"]
    assert found.status == "ok"
    assert found.low < 5e-6 < found.high
    assert (found.high - found.low) / found.value < 0.15


def beside_still_oxygen(seed: int, diffusivity: float) -> Transport:
    """Lithium on a walk (Å²/ps) beside oxygen that rattles slowly in its cages."""
    rest = np.zeros((1000, 30, 3))
    oxygen = caged(seed, rest, amplitude=0.3, relaxation_frames=60)
    walk = brownian(seed, (1000, 30), diffusivity=diffusivity)
    trajectory = as_trajectory(np.concatenate([walk, oxygen], axis=1), ("Li",) * 30 + ("O",) * 30)
    return transport(trajectory, {"Li": 1.0, "O": -2.0}, temperature_K=800.0, settings=LABORATORY)


def test_ions_at_rest_get_no_share_of_the_current() -> None:
    found = beside_still_oxygen(25, diffusivity=0.5)
    share = found.tracer_transference
    assert share["O"].status == "refused"
    assert share["O"].note == found.tracer_diffusivity["O"].note
    assert share["Li"].status != "refused"
    assert share["Li"].high == pytest.approx(1.0, abs=0.02)


def test_a_share_beside_a_large_part_that_is_no_diffusion_is_refused() -> None:
    found = beside_still_oxygen(26, diffusivity=0.01)
    assert found.tracer_diffusivity["Li"].status != "refused"
    for number in (found.tracer_transference["Li"], found.tracer_conductivity):
        assert number.status == "refused"
        assert "anything between" in number.note
    assert found.haven_ratio.status == "refused"


def test_a_sum_beside_a_small_part_that_is_no_diffusion_reaches_down_without_it() -> None:
    found = beside_still_oxygen(27, diffusivity=0.2)
    whole = found.tracer_conductivity
    assert whole.status == "provisional"
    assert whole.low < found.partial_conductivity["Li"].value < whole.value


def test_ions_that_never_leave_their_cage_are_refused() -> None:
    still = np.zeros((1000, 30, 3))
    found = lithium(caged(6, still, amplitude=0.5, relaxation_frames=3))
    for number in (
        found.tracer_diffusivity["Li"],
        found.tracer_conductivity,
        found.collective_conductivity,
        found.haven_ratio,
        found.collective_transference["Li"],
    ):
        assert number.status == "refused"
        assert "hop" in number.note or "diffusive" in number.note


def test_less_than_one_hop_is_refused() -> None:
    # 6 D t = 6 Å² in the whole run, less than 3 Å squared
    walk = brownian(7, (500, 50), diffusivity=1.0 / 500)
    found = lithium(walk).tracer_diffusivity["Li"]
    assert found.status == "refused"
    assert "less than a hop of 3 Å" in found.note


def test_subdiffusion_is_provisional() -> None:
    # Fractional Brownian motion, MSD ~ t^0.5, made from its exact covariance
    n, ions = 400, 40
    t = np.arange(1, n + 1, dtype=float)
    covariance = 0.5 * (t[:, None] ** 0.5 + t**0.5 - np.abs(t[:, None] - t) ** 0.5)
    noise = np.random.default_rng(8).normal(size=(n, ions * 3))
    walk = (np.linalg.cholesky(covariance) @ noise).reshape(n, ions, 3) * 5.0
    found = lithium(walk)
    assert found.exponent["Li"].value < 0.85
    assert found.tracer_diffusivity["Li"].status in {"provisional", "refused"}


def test_pairs_that_move_as_one_have_a_haven_ratio_of_one_half() -> None:
    found = lithium(together(brownian(9, (1500, 20), diffusivity=1.0), 2))
    assert found.haven_ratio.low < 0.5 < found.haven_ratio.high
    assert found.haven_ratio.high < 0.7


def test_two_ions_moving_as_one_leave_no_doubt_about_their_haven_ratio() -> None:
    # Tracer and charge displacement are one and the same path, and their errors cancel.
    found = lithium(together(brownian(10, (300, 1), diffusivity=1.0), 2))
    assert found.haven_ratio.value == pytest.approx(0.5, abs=0.12)


def test_nernst_einstein_sum() -> None:
    made = scene(14, n_frames=600, ions=30, triclinic=False)
    found = transport(
        made.trajectory(),
        {"Li": 1.0, "Cl": -1.0},
        temperature_K=800.0,
        settings=TransportSettings(Reading(frame="O"), SHORT_HOPS),
    )
    total = sum(number.value for number in found.partial_conductivity.values())
    # the windows of the sum and of its parts differ
    assert found.tracer_conductivity.value == pytest.approx(total, rel=0.03)
    shares = sum(number.value for number in found.tracer_transference.values())
    assert shares == pytest.approx(1.0, abs=1e-9)
    assert sum(q.value for q in found.collective_transference.values()) == pytest.approx(1.0)
    pairs = {name: q.value for name, q in found.onsager.items()}
    assert pairs["Li-Li"] + 2 * pairs["Li-Cl"] + pairs["Cl-Cl"] == pytest.approx(
        found.collective_conductivity.value, rel=0.1
    )


def test_nernst_einstein_in_si_units() -> None:
    found = lithium(brownian(15, (1000, 50), diffusivity=1.0))
    # sigma = N q² D / (V k T), all in SI, then S/m to S/cm
    density = 50 / (20e-10) ** 3
    boltzmann_J = BOLTZMANN_EV_PER_K * ELEMENTARY_CHARGE_C
    d = found.tracer_diffusivity["Li"].value * 1e-4
    expected = density * ELEMENTARY_CHARGE_C**2 * d / (boltzmann_J * 800.0) / 100.0
    assert found.partial_conductivity["Li"].value == pytest.approx(expected, rel=1e-7)


def test_charge_current_does_not_depend_on_the_frame_of_neutral_salts() -> None:
    made = scene(16, n_frames=400, ions=20, triclinic=False)
    found = [
        transport(
            made.trajectory(),
            {"Li": 1.0, "Cl": -1.0},
            temperature_K=800.0,
            settings=TransportSettings(Reading(frame=frame)),
        ).collective_conductivity.value
        for frame in ("O", "Li", "centre of mass")
    ]
    # the number of modes may differ by a step between frames
    assert found == pytest.approx([found[0]] * 3, rel=0.1)


def test_net_charge_is_named() -> None:
    made = scene(17, n_frames=200, ions=10, triclinic=False)
    settings = TransportSettings(Reading(frame="laboratory"), SHORT_HOPS)
    found = transport(made.trajectory(), {"Li": 1.0}, temperature_K=800.0, settings=settings)
    assert "add up to +10 e" in found.collective_conductivity.note


def test_rare_hops_are_seen_in_the_interval() -> None:
    # 60 hops in all: the number of hops alone leaves 1/√60 = 13 % of standard error
    walk = hopping(18, (2000, 15), hops_per_frame=0.002)
    found = lithium(caged(18, walk, amplitude=0.3, relaxation_frames=0.5)).tracer_diffusivity["Li"]
    hops = 0.002 * 2000 * 15
    assert found.error / found.value > 0.6 / np.sqrt(hops)
    assert found.low < 0.003 * 1e-4 < found.high


def test_unequal_times_are_refused() -> None:
    walk = brownian(19, (100, 5), diffusivity=1.0)
    good = as_trajectory(walk, ("Li",) * 5)
    times = good.times.copy()
    times[50:] += 0.5
    with pytest.raises(InputError, match="equal time steps"):
        mean_square_displacement(Trajectory(good.species, times, good.cells, walk))


def test_bad_input_is_named() -> None:
    walk = as_trajectory(brownian(20, (100, 5), diffusivity=1.0), ("Li",) * 5)
    with pytest.raises(InputError, match="formal charge"):
        transport(walk, {}, temperature_K=800.0)
    with pytest.raises(InputError, match="above 0 K"):
        transport(walk, {"Li": 1.0}, temperature_K=0.0)
    with pytest.raises(InputError, match="'Na'"):
        transport(walk, {"Na": 1.0}, temperature_K=300.0)
    with pytest.raises(InputError, match="at least 16 frames"):
        transport(walk.select(slice(0, 9)), {"Li": 1.0}, temperature_K=300.0)


def test_positions_that_are_no_numbers_are_refused() -> None:
    walk = brownian(22, (100, 5), diffusivity=1.0)
    walk[40, 2, 1] = np.nan
    with pytest.raises(InputError, match="finite"):
        mean_square_displacement(as_trajectory(walk, ("Li",) * 5))


def test_one_ion_at_rest_in_its_own_frame_is_refused() -> None:
    walk = as_trajectory(brownian(23, (100, 1), diffusivity=1.0), ("Li",))
    found = transport(walk, {"Li": 1.0}, temperature_K=800.0)
    assert found.tracer_diffusivity["Li"].status == "refused"
    assert found.collective_conductivity.status == "refused"


def test_every_quantity_is_a_row_of_the_vocabulary() -> None:
    made = scene(21, n_frames=200, ions=10, triclinic=False)
    charges = {"Li": 1.0, "Cl": -1.0, "O": 0.0}
    settings = TransportSettings(limits=SHORT_HOPS)
    found = transport(made.trajectory(), charges, temperature_K=800.0, settings=settings)
    rows = found.observations(Sample("salt", "LiCl", "melt", 800.0))
    assert {(row.quantity, row.of, row.method) for row in rows} >= {
        ("tracer_diffusivity", "Li", "tracer"),
        ("ionic_conductivity", "", "collective"),
        ("ionic_conductivity", "", "tracer (Nernst-Einstein)"),
        ("transference_number", "Cl", "collective"),
        ("haven_ratio", "", "tracer over collective"),
    }
    assert all(row.kind == "computed" for row in rows)
    assert found.curves.window is not None
    assert found.curves["Li"].y_error is not None
