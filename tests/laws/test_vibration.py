"""What spectra of vibrations and mean square vibrations must be where motion is known."""

import numpy as np
import pytest
from scipy import stats
from validation.motion_time import coverage, oscillators, thermal_speed
from validation.walks import as_trajectory, brownian, caged

from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Sample
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.tracks import LABORATORY
from vitrolyte.observe.vibration.segments import PER_THZ, SpectrumSettings
from vitrolyte.observe.vibration.sites import SiteSettings, debye_waller_factor, site_vibrations
from vitrolyte.observe.vibration.spectrum import vibrational_spectrum
from vitrolyte.observe.vibration.stretch import StretchSettings, bond_stretch

SKEWED = np.array([[18.0, 0.0, 0.0], [5.0, 17.0, 0.0], [-4.0, 6.0, 16.0]])
STILL = SiteSettings(frame=LABORATORY, temperature_K=300.0, stay_A=2.0)


def run(places: np.ndarray, species: tuple[str, ...], step: float, **more: object) -> Trajectory:
    cells = np.broadcast_to(SKEWED, (len(places), 3, 3))
    return Trajectory(species, np.arange(len(places)) * step, cells, places, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def rattling() -> Trajectory:
    thermal = thermal_speed(600.0, 6.94)
    places, speeds = oscillators(
        1, (2500, 30, 3), frequency=5.0, friction=2.0, thermal=thermal, step=0.02
    )
    return run(places + np.random.default_rng(1).random((30, 3)) * 15, ("Li",) * 30, 0.02,
               velocities=speeds)  # fmt: skip


def test_the_spectrum_of_a_damped_oscillator(rattling: Trajectory) -> None:
    settings = SpectrumSettings(resolution_THz=0.15, frame=LABORATORY, temperature_K=600.0)
    found = vibrational_spectrum(rattling, settings=settings)
    curve = found.spectra["Li"]
    w, w0 = 2 * np.pi * curve.x, 2 * np.pi * 5.0
    # power of the velocity of x'' = -w0² x - gamma x' + noise, integral 1 over nu
    truth = 90 * 4 * 2.0 * w**2 / ((w0**2 - w**2) ** 2 + (2.0 * w) ** 2)
    body = (curve.x > 3.0) & (curve.x < 8.0)
    off = (curve.y - truth)[body] / curve.y_error[body]
    assert np.sqrt(np.mean(off**2)) < 2.5
    assert found.modes["Li"].value == pytest.approx(90.0)
    # 90 coordinates with some 2500 * 0.02 * 2.0 independent kinetic energies each
    assert found.kinetic_temperature_K["Li"] == pytest.approx(600.0, rel=0.06)
    assert found.mean_frequency["Li"].status == "ok"


def test_differences_of_positions_give_the_same_spectrum(rattling: Trajectory) -> None:
    stored, taken = (
        vibrational_spectrum(
            rattling,
            settings=SpectrumSettings(frame=LABORATORY, stored_velocities=how),
        )
        for how in (True, False)
    )
    assert stored.from_velocities
    assert not taken.from_velocities
    one, other = stored.spectra["Li"], taken.spectra["Li"]
    np.testing.assert_array_equal(one.x, other.x)
    body = (one.x > 2.0) & (one.x < 10.0)
    # of the same run, so that only what white noise of the heat bath adds above Nyquist differs
    np.testing.assert_allclose(other.y[body], one.y[body], rtol=0.12)


def test_a_pure_vibration_is_seen_where_it_is_with_its_whole_energy() -> None:
    times = np.arange(2000) * 0.01
    phases = np.random.default_rng(2).random((10, 3)) * 2 * np.pi
    places = 0.1 * np.cos(2 * np.pi * 20.0 * times[:, None, None] + phases)
    found = vibrational_spectrum(run(places, ("O",) * 10, 0.01),
                                 settings=SpectrumSettings(frame=LABORATORY))  # fmt: skip
    assert found.mean_frequency["O"].value == pytest.approx(20.0, abs=0.05)
    # <v²> = (2 pi nu)² a² / 2 for each component; m v² / k in K
    expected = (2 * np.pi * 20.0 * 0.1) ** 2 / 2 * 15.999 / 8.314462618 * 1e1
    assert found.kinetic_temperature_K["O"] == pytest.approx(expected, rel=1e-2)


def test_ions_that_diffuse_fill_the_spectrum_at_zero_frequency() -> None:
    # free Langevin motion: D = kT / (m gamma), g(0) = 12 m N D / kT = 12 N / gamma
    draws, gamma, thermal, step = np.random.default_rng(3), 20.0, thermal_speed(600.0, 6.94), 0.01
    keep = np.exp(-gamma * step)
    kicks = draws.normal(size=(6000, 30, 3)) * np.sqrt(thermal * (1 - keep**2))
    speeds = np.empty_like(kicks)
    speeds[0] = draws.normal(size=(30, 3)) * np.sqrt(thermal)
    for k in range(1, len(kicks)):
        speeds[k] = keep * speeds[k - 1] + kicks[k]
    trajectory = run(np.cumsum(speeds, axis=0) * step, ("Li",) * 30, step, velocities=speeds)
    found = vibrational_spectrum(trajectory, settings=SpectrumSettings(frame=LABORATORY))
    curve = found.spectra["Li"]
    # a Lorentzian of half width gamma / 2 pi = 3.2 THz: at the second point it is 2 % lower
    assert abs(curve.y[0] - 12 * 30 / gamma) < 4 * curve.y_error[0]
    assert abs(curve.y[1] - 12 * 30 / gamma) < 4 * curve.y_error[1] + 0.02 * curve.y[1]


def test_units_are_those_of_one_photon() -> None:
    # CODATA 2018: 1 THz = 33.35641 1/cm = 4.135668 meV
    assert PER_THZ["cm⁻¹"] == pytest.approx(1e12 / 29979245800)
    assert PER_THZ["meV"] == pytest.approx(4.135667696, rel=1e-8)


def test_units_change_the_axis_and_not_the_number_of_modes(rattling: Trajectory) -> None:
    for unit in PER_THZ:
        found = vibrational_spectrum(rattling, settings=SpectrumSettings(unit=unit))  # type: ignore[arg-type]
        curve = found.spectra["total"]
        assert curve.x_axis.unit == unit
        assert np.trapezoid(curve.y, curve.x) == pytest.approx(90.0, rel=1e-6)


def test_what_folds_back_is_said() -> None:
    thermal = thermal_speed(300.0, 1.008)
    places, _ = oscillators(1, (600, 20, 3), frequency=30.0, friction=2.0, thermal=thermal,
                            step=0.02)  # fmt: skip
    settings = SpectrumSettings(frame=LABORATORY, temperature_K=300.0, resolution_THz=1.0)
    found = vibrational_spectrum(run(places, ("H",) * 20, 0.02), settings=settings)
    assert found.nyquist_THz == pytest.approx(25.0)
    assert found.mean_frequency["H"].status == "provisional"
    assert "kinetic energy" in found.mean_frequency["H"].note


def test_drift_and_a_breathing_cell_are_no_vibration() -> None:
    draws = np.random.default_rng(4)
    n = 400
    scale = 1.0 + 0.02 * np.sin(2 * np.pi * 3.0 * np.arange(n) * 0.02)
    cells = scale[:, None, None] * SKEWED
    shake = caged(2, np.zeros((n, 20, 3)), amplitude=0.1, relaxation_frames=2.0)
    places = draws.random((20, 3))
    drift = 0.05 * np.arange(n)[:, None, None]
    spectra = []
    for away in (0, 30):
        held = np.einsum("ai,tij->taj", places + away, cells) + shake + drift
        found = vibrational_spectrum(Trajectory(("O",) * 20, np.arange(n) * 0.02, cells, held))
        spectra.append(found.spectra["O"].y)
    # images thirty cells away move 0.6 cells to and fro in the stored positions
    np.testing.assert_allclose(spectra[1], spectra[0], rtol=1e-6)


def test_cages_have_their_u_b_and_einstein_temperature(rattling: Trajectory) -> None:
    found = site_vibrations(rattling, settings=STILL)["Li"]
    square = thermal_speed(600.0, 6.94) / (2 * np.pi * 5.0) ** 2
    assert abs(found.u_iso.value - square) < 4 * found.u_iso.error
    assert found.b_factor.value == pytest.approx(8 * np.pi**2 * found.u_iso.value)
    for word in ("U12", "U13", "U23"):
        assert abs(found.tensor[word].value) < 4 * found.tensor[word].error
    assert found.principal[0] <= found.principal[1] <= found.principal[2]
    hot = site_vibrations(rattling, settings=SiteSettings(frame=LABORATORY, temperature_K=600.0))
    # an oscillator of 5 THz: h nu / k = 47.99243 K/THz times 5
    assert hot["Li"].einstein_temperature.value == pytest.approx(239.96, rel=0.03)
    ratio = hot["Li"].debye_temperature.value / hot["Li"].einstein_temperature.value
    assert ratio == pytest.approx(np.sqrt(3.0))
    assert debye_waller_factor(0.02, np.array([2.0]))[0] == pytest.approx(np.exp(-0.08))


def test_a_flat_ellipsoid_is_seen_as_one() -> None:
    shake = caged(1, np.zeros((1000, 40, 3)), amplitude=1.0, relaxation_frames=2.0)
    found = site_vibrations(as_trajectory(shake * [0.3, 0.2, 0.1], ("Li",) * 40), settings=STILL)
    tensor = found["Li"].tensor
    for word, truth in (("U11", 0.09), ("U22", 0.04), ("U33", 0.01)):
        assert abs(tensor[word].value - truth) < 4 * tensor[word].error
    np.testing.assert_allclose(found["Li"].principal, [0.01, 0.04, 0.09], rtol=0.1)


def test_ions_that_leave_have_no_site() -> None:
    walk = brownian(1, (600, 40), diffusivity=0.1)
    found = site_vibrations(as_trajectory(walk, ("Li",) * 40))["Li"]
    assert found.u_iso.status == "refused"
    assert "stay on their site" in found.u_iso.note
    cage = caged(1, np.zeros((600, 40, 3)), amplitude=0.2, relaxation_frames=2.0)
    cage[300:, :6] += 3.0
    found = site_vibrations(as_trajectory(cage, ("Li",) * 40), settings=STILL)["Li"]
    assert found.staying == pytest.approx(34 / 40)
    assert found.u_iso.status == "provisional"
    assert abs(found.u_iso.value - 0.04) < 4 * found.u_iso.error
    with pytest.raises(InputError, match="48 frames"):
        site_vibrations(as_trajectory(walk[:40], ("Li",) * 40))


def hydroxide(step: float, frames: int, cell: np.ndarray) -> Trajectory:
    """O-H bonds across the faces of a cell, of 107 THz and 3 THz, and O that trembles."""
    draws = np.random.default_rng(7)
    mass = 15.999 * 1.008 / 17.007
    change, _ = oscillators(2, (frames, 20), frequency=107.0, friction=20.0,
                            thermal=thermal_speed(300.0, mass), step=step)  # fmt: skip
    turn = np.cumsum(0.02 * draws.normal(size=(frames, 20, 3)), axis=0) + draws.normal(size=(20, 3))
    along = turn / np.linalg.norm(turn, axis=2, keepdims=True)
    oxygen = (
        draws.random((20, 3)) @ cell + 0.01 * np.sin(np.arange(frames) * step * 60.0)[:, None, None]
    )
    hydrogen = oxygen + (0.97 + change)[:, :, None] * along
    # an image of the hydrogen elsewhere, as unwrapping by whole cells may leave it
    hydrogen += np.rint(draws.normal(size=(20, 3)) * 2.0) @ cell
    return Trajectory(("O",) * 20 + ("H",) * 20, np.arange(frames) * step,
                      np.broadcast_to(cell, (frames, 3, 3)),
                      np.concatenate([oxygen, hydrogen], axis=1))  # fmt: skip


@pytest.mark.parametrize("cell", [np.eye(3) * 16.0, SKEWED], ids=["cube", "triclinic"])
def test_bonds_stretch_at_their_frequency_while_they_turn(cell: np.ndarray) -> None:
    found = bond_stretch(hydroxide(0.002, 2000, cell), "O-H",
                         settings=StretchSettings(reach_A=1.3))  # fmt: skip
    assert found.bond_count == pytest.approx(20.0)
    assert found.broken == 0.0
    # 107 THz in 1/cm
    assert abs(found.position.value - 3569.14) < 4 * found.position.error
    assert found.position.status == "provisional"
    assert "classical" in found.position.note
    # gamma / 2 pi in 1/cm
    assert abs(found.width.value - 106.18) < 4 * found.width.error


def test_bonds_are_found_without_a_reach_and_slow_frames_are_refused() -> None:
    run = hydroxide(0.002, 1200, SKEWED)
    found = bond_stretch(run, "O-H")
    assert found.bond_count == pytest.approx(20.0, abs=0.5)
    sparse = Trajectory(run.species, run.times[::5], run.cells[::5], run.positions[::5])
    refused = bond_stretch(sparse, "O-H")
    assert refused.position.status == "refused"
    assert "fs" in refused.position.note
    with pytest.raises(InputError, match="pair"):
        bond_stretch(run, "OH")
    with pytest.raises(InputError, match="bonds that last"):
        bond_stretch(run, "O-H", settings=StretchSettings(reach_A=0.5))


def test_rows_are_known_words(rattling: Trajectory) -> None:
    sample = Sample("cage", "Li", "gas", 600.0)
    rows = vibrational_spectrum(rattling).observations(sample)
    rows += site_vibrations(rattling).observations(sample)
    assert {row.quantity for row in rows} == {
        "vibration_frequency", "u_iso", "b_factor", "einstein_temperature", "debye_temperature"
    }  # fmt: skip


@pytest.mark.parametrize("case", ["sites"])
def test_intervals_hold_the_truth(case: str) -> None:
    for one in coverage(case, 60):
        assert one.answered == one.runs
        # probability of so few hits if the true coverage were 0.93, over two quantities
        assert stats.binom.cdf(one.held, one.answered, 0.93) > 0.05 / 2, one
