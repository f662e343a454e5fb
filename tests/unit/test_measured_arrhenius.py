"""Tables of conductivity in every form they are written, and what is made of them."""

from pathlib import Path

import numpy as np
import pytest
from tests.contracts.instrument_mutations import check_reader

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.conductivity_table import TableUnits, read_conductivities
from vitrolyte.data.io.observations import write_csv
from vitrolyte.data.measurement import Measurement
from vitrolyte.data.observation import Sample
from vitrolyte.laboratory.conductivity_series import ConductivitySettings, conductivity_series
from vitrolyte.observe.motion.temperature_points import Transition

BOLTZMANN = 8.617333262e-5
"""eV/K, CODATA 2018."""
KELVIN = np.array([298.15, 313.15, 328.15, 343.15, 358.15, 373.15])
GLASS = Sample("glass", "Li3OCl", "glass")


def line(kelvin: np.ndarray, energy: float = 0.36, prefactor: float = 3e5) -> np.ndarray:
    """Return σ of σT = A exp(-E_a / kT)."""
    return prefactor / kelvin * np.exp(-energy / (BOLTZMANN * kelvin))


def written(path: Path, header: str, *columns: np.ndarray, comma: bool = False) -> Path:
    rows = [(";" if comma else ",").join(f"{x:.10g}" for x in row) for row in zip(*columns)]
    text = "\n".join([header, *rows]) + "\n"
    path.write_text(text.replace(".", ",") if comma else text, encoding="utf-8")
    return path


FORMS = {
    "T (K),sigma (S/cm)": (KELVIN, line(KELVIN)),
    "T (°C),sigma (S/m)": (KELVIN - 273.15, 100.0 * line(KELVIN)),
    "Temp./°C,conductivity (mS/cm)": (KELVIN - 273.15, 1e3 * line(KELVIN)),
    "1000/T (1/K),log10(sigma/(S/cm))": (1000.0 / KELVIN, np.log10(line(KELVIN))),
    "1000/T,log sigma (S cm-1)": (1000.0 / KELVIN, np.log10(line(KELVIN))),
    "T/K,ln(σT / S K cm-1)": (KELVIN, np.log(line(KELVIN) * KELVIN)),
    "T (K),sigma*T (S K/cm)": (KELVIN, line(KELVIN) * KELVIN),
    "T (K),ionic conductivity (µS/cm)": (KELVIN, 1e6 * line(KELVIN)),
}


@pytest.mark.parametrize("header", FORMS)
def test_every_form_gives_the_same_conductivities(header: str, tmp_path: Path) -> None:
    (found,) = read_conductivities(written(tmp_path / "t.csv", header, *FORMS[header]))
    assert found.curve.x == pytest.approx(KELVIN)
    assert found.curve.y == pytest.approx(line(KELVIN), rel=1e-8)


def test_decimal_commas_and_errors(tmp_path: Path) -> None:
    path = written(
        tmp_path / "t.csv", "T (K);sigma (mS/cm);error (mS/cm)", KELVIN, 1e3 * line(KELVIN),
        50.0 * line(KELVIN), comma=True,
    )  # fmt: skip
    (found,) = read_conductivities(path)
    assert found.curve.y_error == pytest.approx(0.05 * line(KELVIN), rel=1e-6)


@pytest.mark.parametrize(
    ("header", "word"),
    [
        ("T,sigma (S/cm)", "unit"),
        ("T (K),sigma", "unit"),
        ("T (K),resistance (ohm)", "conductivities"),
        ("T (K),sigma (ohm)", "unit"),
        ("time (s),sigma (S/cm)", "column"),
    ],
)
def test_what_a_table_must_say_is_asked_for(header: str, word: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=word):
        read_conductivities(written(tmp_path / "t.csv", header, KELVIN, line(KELVIN)))


def test_units_may_be_given_where_the_table_has_none(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", "T,sigma", KELVIN - 273.15, 1e3 * line(KELVIN))
    (found,) = read_conductivities(path, TableUnits("C", "mS/cm"))
    assert found.curve.x == pytest.approx(KELVIN)
    assert found.curve.y == pytest.approx(line(KELVIN))


def test_impossible_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="absolute zero"):
        read_conductivities(written(tmp_path / "a.csv", "T (K),sigma (S/cm)", KELVIN - 300, KELVIN))
    # -log10 sigma, written without its sign
    minus = -np.log10(line(KELVIN))
    with pytest.raises(InputError, match="sign of a logarithm"):
        read_conductivities(
            written(tmp_path / "b.csv", "T (K),log sigma (S/cm)", KELVIN, 4 * minus)
        )


def measured_line(energy: float = 0.36, noise: float = 0.0, seed: int = 0) -> Measurement:
    sigma = line(KELVIN, energy) * np.exp(noise * np.random.default_rng(seed).normal(size=6))
    axes = Axis("temperature", "K"), Axis("conductivity", "S/cm")
    return Measurement(Curve(KELVIN, sigma, *axes, 0.03 * sigma), file="t.csv")


def test_both_conventions_of_one_line() -> None:
    (found,) = conductivity_series([measured_line()]).samples
    (phase,) = found.phases
    assert phase.energy.value == pytest.approx(0.36, abs=1e-4)
    assert phase.prefactor.value == pytest.approx(3e5, rel=1e-2)
    # d ln T / d(1/kT) = -kT: the energy of σ is lower by kT at the harmonic mean temperature
    shift = BOLTZMANN / np.mean(1.0 / KELVIN)
    assert phase.plain_energy.value == pytest.approx(0.36 - shift, abs=1e-3)
    assert found.value.value == pytest.approx(line(np.array([298.15]))[0], rel=1e-2)
    rows = found.observations(GLASS)
    methods = {row.method for row in rows if row.quantity == "activation_energy"}
    assert {method.split(";")[0] for method in methods} == {"Arrhenius, ln σT", "Arrhenius, ln σ"}
    assert {row.kind for row in rows} == {"measured"}
    assert {row.of for row in rows} == {"total"}
    assert sum(row.method == "as read" for row in rows) == 6


def test_a_value_beyond_the_points_is_wider_and_says_so() -> None:
    (inside,) = conductivity_series([measured_line(noise=0.03)]).samples
    far = ConductivitySettings(to_K=250.0)
    (outside,) = conductivity_series([measured_line(noise=0.03)], far).samples
    assert outside.value.high / outside.value.low > inside.value.high / inside.value.low
    assert outside.value.status == "provisional"
    assert "extrapolated" in outside.value.note


def test_a_known_transition_parts_the_lines() -> None:
    t = np.arange(280.0, 361.0, 8.0)
    sigma = np.where(t < 315.0, line(t, 0.6, 3e8), line(t, 0.3, 3e5))
    axes = Axis("temperature", "K"), Axis("conductivity", "S/cm")
    one = Measurement(Curve(t, sigma, *axes, 0.02 * sigma), file="t.csv")
    settings = ConductivitySettings(transitions=(Transition("", 313.0, 317.0),))
    (found,) = conductivity_series([one], settings).samples
    energies = [phase.energy.value for phase in found.phases]
    assert energies == pytest.approx([0.6, 0.3], abs=1e-3)
    # 298.15 K lies in the colder phase
    assert found.value.value == pytest.approx(line(np.array([298.15]), 0.6, 3e8)[0], rel=0.02)


def test_few_temperatures_give_a_doubtful_energy_and_no_value() -> None:
    axes = Axis("temperature", "K"), Axis("conductivity", "S/cm")
    pair = np.array([298.15, 373.15])
    (found,) = conductivity_series([Measurement(Curve(pair, line(pair), *axes))]).samples
    assert found.phases[0].energy.value == pytest.approx(0.36, abs=1e-6)
    assert found.phases[0].energy.status == "provisional"
    assert found.value.status == "refused"
    with pytest.raises(InputError, match="two temperatures"):
        conductivity_series([Measurement(Curve(pair[:1], line(pair)[:1], *axes))])


def test_odd_points_are_left_out_or_flagged() -> None:
    axes = Axis("temperature", "K"), Axis("conductivity", "S/cm")
    sigma = line(KELVIN)
    sigma[2] = -1e-6
    (found,) = conductivity_series([Measurement(Curve(KELVIN, sigma, *axes))]).samples
    assert "328.15 K" in " ".join(found.notes)
    assert found.value.status == "provisional"
    (falling,) = conductivity_series([measured_line(-0.2)]).samples
    assert "falls with temperature" in falling.phases[0].energy.note
    cold = Measurement(Curve(KELVIN - 273.15, line(KELVIN), *axes))
    (odd,) = conductivity_series([cold]).samples
    assert "°C" in odd.value.note


def test_several_samples_are_asked_about_compensation(tmp_path: Path) -> None:
    energies = {"A": 0.30, "B": 0.36, "C": 0.42, "D": 0.50, "E": 0.57}
    rows = ["sample,T (K),sigma (S/cm)"]
    for name, energy in energies.items():
        # Meyer-Neldel with 60 meV: ln A = 10 + E / 0.06 eV
        sigma = line(KELVIN, energy, np.exp(10.0 + energy / 0.06))
        rows += [f"{name},{t:.2f},{s:.8g}" for t, s in zip(KELVIN, sigma)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    settings = ConductivitySettings(relative_error=0.03)
    found = conductivity_series(read_conductivities(path), settings)
    assert [one.name for one in found.samples] == list(energies)
    assert found.meyer_neldel is not None
    number = found.meyer_neldel.meyer_neldel_energy
    assert number.low <= 0.06 <= number.high
    assert {row.material for row in found.observations(GLASS)} >= set(energies)
    assert found.curves is not None


def test_the_table_of_this_program_is_read_again(tmp_path: Path) -> None:
    first = conductivity_series([measured_line(noise=0.02)])
    rows = [row for row in first.observations(GLASS) if row.method == "as read"]
    write_csv(tmp_path / "observations.csv", rows)
    (again,) = read_conductivities(tmp_path / "observations.csv")
    assert again.curve.x == pytest.approx(KELVIN)
    assert again.curve.y_error == pytest.approx(0.03 * np.asarray(again.curve.y), rel=1e-6)
    second = conductivity_series([again]).samples[0].phases[0]
    assert second.energy.value == pytest.approx(first.samples[0].phases[0].energy.value, rel=1e-6)


def test_damaged_tables_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", "T (°C),sigma (S/cm)", KELVIN - 273.15, line(KELVIN))
    whole, refused = check_reader(read_conductivities, path, tmp_path, count=60, seed=1)
    assert whole + refused == 60
    assert refused > 10
