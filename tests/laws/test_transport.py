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


def test_msd_of_a_small_run_is_the_mean_over_all_origins() -> None:
    walk = brownian(1, (300, 7), diffusivity=1.0) + 40.0
    moved = mean_square_displacement(
        as_trajectory(walk, ("Li",) * 7), reading=Reading(frame="laboratory")
    )
    np.testing.assert_array_equal(moved.lags, np.arange(300))
    for lag in (1, 2, 17, 150, 299):
        # single precision of the paths
        assert moved.msd[0, lag] == pytest.approx(direct_msd(walk, lag), rel=1e-6)


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


def test_later_stages_take_every_second_fourth_eighth_frame_as_origin() -> None:
    walk = brownian(4, (700, 20), diffusivity=1.0)
    trajectory = as_trajectory(walk, ("Li",) * 12 + ("Cl",) * 8)
    # so little memory that the first stage ends at its least, 32 frames
    moved = mean_square_displacement(trajectory, reading=Reading("laboratory", memory_MB=0.2))
    for lag, spacing in ((32, 1), (34, 2), (64, 2), (68, 4), (256, 8), (512, 16)):
        at = moved.at(lag)
        assert moved.lags[at] == lag
        used = walk[-moved.n_frames :]
        steps = (used[lag:] - used[:-lag])[::spacing]
        msd = np.mean(np.sum(steps[:, :12] ** 2, axis=-1))
        assert moved.msd[0, at] == pytest.approx(msd, rel=1e-6)
        joint = np.mean(np.sum(steps[:, :12].sum(axis=1) * steps[:, 12:].sum(axis=1), axis=-1))
        assert moved.joint[0, 1, at] == pytest.approx(joint, rel=1e-6)


def test_fewer_origins_for_long_lags_cost_next_to_nothing() -> None:
    walk = brownian(24, (4000, 10), diffusivity=1.0)
    few = Reading("laboratory", memory_MB=0.2)
    moved = mean_square_displacement(as_trajectory(walk, ("Li",) * 10), reading=few)
    used = walk[-moved.n_frames :]
    for lag in (60, 240, 960):
        at = moved.at(lag)
        # the MSD itself scatters by √(4 lag / 9 frames ions), 2.6 to 10 %
        assert moved.msd[0, at] == pytest.approx(direct_msd(used, int(moved.lags[at])), rel=5e-3)


def test_modes_of_averaged_positions_are_those_of_the_walk() -> None:
    # Averages over q frames of a walk have increments of spectrum D (1 - g / 6), g that of the
    # points (Berglund, https://doi.org/10.1103/PhysRevE.82.011917): the same limit
    walk = brownian(14, (3600, 20), diffusivity=1.0)
    trajectory = as_trajectory(walk, ("Li",) * 20)
    whole = mean_square_displacement(trajectory, reading=Reading("laboratory"))
    short = mean_square_displacement(trajectory, reading=Reading("laboratory", memory_MB=0.21))
    assert (whole.points, short.points) == (3600, 300)
    own, other = whole.modes[0][:50], short.modes[0][:50]
    # mode by mode; what a mean over 12 frames leaves out of mode 50 is beneath 2 %
    assert np.abs(own - other).max() < 0.03 * np.abs(own).max()


@pytest.mark.parametrize("triclinic", [False, True])
def test_breathing_cells_and_wrapped_input_leave_the_walk(triclinic: bool) -> None:
    made = scene(11, n_frames=400, ions=30, triclinic=triclinic)
    moved = mean_square_displacement(made.trajectory(), reading=Reading(frame="laboratory"))
    for lag in (1, 50, 200):
        assert moved.msd[0, lag] == pytest.approx(direct_msd(made.paths[:, :30], lag), rel=1e-5)


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


@pytest.mark.parametrize("moving_cell", [False, True])
def test_positions_that_were_left_wrapped_are_refused(moving_cell: bool) -> None:
    made = scene(28, n_frames=300, ions=20, triclinic=moving_cell)
    wrapped = Trajectory(made.species, made.times, made.cells, made.wrapped)
    with pytest.raises(InputError, match="unwrapped"):
        mean_square_displacement(wrapped)


def test_one_ion_that_moves_among_many_is_no_diffusion_of_all() -> None:
    rest = caged(29, np.zeros((600, 30, 3)), amplitude=0.2, relaxation_frames=1)
    rest[:, 0] += brownian(29, (600, 1), diffusivity=1.0)[:, 0]
    number = lithium(rest).tracer_diffusivity["Li"]
    # D = 1/30 Å²/ps on average; one ion cannot say so within half of it
    assert number.status == "provisional"
    assert number.high - number.low > number.value


def test_ions_that_stop_half_way_are_no_steady_diffusion() -> None:
    walk = brownian(30, (800, 30), diffusivity=1.0)
    walk[400:] = walk[399]
    number = lithium(caged(30, walk, amplitude=0.2, relaxation_frames=1)).tracer_diffusivity["Li"]
    steady = lithium(brownian(30, (800, 30), diffusivity=1.0)).tracer_diffusivity["Li"]
    # the scatter between stretches of the run shows what modes do not
    assert number.high - number.low > 3.0 * (steady.high - steady.low)
    assert number.low < 0.5e-4 < number.high


def test_a_large_vibration_alone_is_no_diffusion() -> None:
    still = caged(31, np.zeros((1000, 30, 3)), amplitude=2.0, relaxation_frames=1)
    assert lithium(still).tracer_diffusivity["Li"].status == "refused"


def test_distinct_part_of_pairs_equals_their_self_part() -> None:
    found = lithium(together(brownian(32, (800, 15), diffusivity=1.0), 2))
    distinct, own = found.distinct_conductivity["Li"], found.partial_conductivity["Li"]
    assert distinct.low < own.value < distinct.high
    whole = found.onsager["Li-Li"]
    assert own.value + distinct.value == pytest.approx(whole.value, rel=1e-6)
    assert found.species_haven_ratio["Li"].low < 0.5 < found.species_haven_ratio["Li"].high


def test_window_and_criterion_are_stated() -> None:
    found = lithium(brownian(33, (400, 20), diffusivity=1.0))
    start, stop = found.windows["Li"]
    assert found.curves.window == (start, stop)
    # frames 1 ps apart: a walk is diffusive from the first few frames on
    assert start < 20.0
    assert stop == pytest.approx(0.5 * found.duration_ps)
    assert "99 %" in found.criterion
