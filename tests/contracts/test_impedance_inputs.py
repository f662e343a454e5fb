"""Impedance spectra that are not what they should be: refused with a remedy, or flagged."""

from dataclasses import replace

import numpy as np
import pytest
from tests.impedance_spectra import FREQUENCY, SAMPLE, measured_spectrum, series

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.measurement import Conditions, Measurement
from vitrolyte.data.result import Result
from vitrolyte.laboratory.impedance.analysis import analyse_impedance
from vitrolyte.laboratory.impedance.settings import ImpedanceSettings
from vitrolyte.laboratory.impedance.spectrum_fit import fit_spectrum

BARE = ImpedanceSettings(times=False)
RESISTANCE = ImpedanceSettings(times=False, answer="resistance")


def changed(x: object = None, y: object = None) -> Measurement:
    good = measured_spectrum(0)
    curve = replace(
        good.curve,
        x=good.curve.x if x is None else np.asarray(x, dtype=float),
        y=good.curve.y if y is None else np.asarray(y),
    )
    return replace(good, curve=curve)


def test_no_thickness_is_asked_for() -> None:
    bare = replace(measured_spectrum(0), conditions=Conditions(temperature_K=300.0))
    with pytest.raises(InputError, match="--thickness-cm"):
        fit_spectrum(bare, BARE)
    with pytest.raises(InputError, match="--area-cm2 or --diameter-cm"):
        fit_spectrum(replace(bare, conditions=Conditions(thickness_cm=0.1)), BARE)
    found = fit_spectrum(bare, RESISTANCE)
    words = {row.quantity for row in found.observations(SAMPLE)}
    assert "bulk_resistance" in words
    assert "ionic_conductivity" not in words


def test_a_thickness_in_millimetres_is_flagged() -> None:
    thick = replace(measured_spectrum(0), conditions=Conditions(thickness_cm=1.0, area_cm2=0.785))
    found = fit_spectrum(thick, BARE)
    assert all(q.status == "provisional" for q in found.conductivities.values())
    assert any("mm" in doubt for doubt in found.doubts)


def test_an_impossible_permittivity_is_flagged() -> None:
    # 1 mm over 10 000 cm²: the bulk would have a permittivity below that of vacuum.
    wide = replace(measured_spectrum(0), conditions=Conditions(thickness_cm=0.1, area_cm2=1e4))
    found = fit_spectrum(wide, BARE)
    assert found.permittivity.value < 1
    assert any("impossible" in doubt for doubt in found.doubts)


def test_the_other_sign_is_refused_and_can_be_told() -> None:
    good = measured_spectrum(0)
    turned = changed(y=np.conj(good.curve.y))
    with pytest.raises(InputError, match="--sign swapped"):
        fit_spectrum(turned, BARE)
    told = fit_spectrum(turned, ImpedanceSettings(times=False, sign="swapped"))
    straight = fit_spectrum(good, BARE)
    assert told.resistances["total"].value == pytest.approx(straight.resistances["total"].value)


def test_an_inductive_lead_is_not_taken_for_the_other_sign() -> None:
    z = 0.05 + 2j * np.pi * FREQUENCY * 1e-8 + 0.01 / (1 + 2j * np.pi * FREQUENCY * 1e-3)
    noise = np.random.default_rng(0).normal(size=(2, len(z)))
    z = z * (1 + 0.002 * (noise[0] + 1j * noise[1]))
    found = fit_spectrum(changed(y=z), RESISTANCE)
    assert found.circuit.startswith("L")


def test_order_and_repetition_do_not_matter() -> None:
    good = measured_spectrum(0)
    mixed = np.random.default_rng(0).permutation(len(FREQUENCY))
    found = fit_spectrum(changed(good.curve.x[mixed], good.curve.y[mixed]), BARE)
    straight = fit_spectrum(good, BARE)
    assert found.resistances["bulk"].value == pytest.approx(straight.resistances["bulk"].value)
    assert any("sorted" in note for note in found.notes)
    twice = changed(np.tile(good.curve.x, 2), np.tile(good.curve.y, 2))
    assert any("more than once" in note for note in fit_spectrum(twice, BARE).notes)


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        (-FREQUENCY, None, "above zero"),
        (np.log10(FREQUENCY), None, "logarithm"),
        (np.where(FREQUENCY[3] == FREQUENCY, np.nan, FREQUENCY), None, "finite"),
        (None, np.full(len(FREQUENCY), np.nan + 0j), "finite"),
        (None, np.ones(len(FREQUENCY)), "complex"),
        (None, np.zeros(len(FREQUENCY), dtype=complex), "above zero"),
        (np.geomspace(1e3, 2e3, len(FREQUENCY)), None, "decade"),
        (np.repeat(FREQUENCY[:6], 10), None, "at least 8"),
    ],
)
def test_what_is_no_spectrum_is_refused(x: object, y: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        fit_spectrum(changed(x, y), BARE)


def test_one_temperature_for_two_spectra_and_none_are_no_series() -> None:
    both = [measured_spectrum(0), measured_spectrum(1)]
    assert len(analyse_impedance(both, BARE)) == 2
    unknown = replace(both[0], conditions=Conditions(thickness_cm=0.1, area_cm2=0.785))
    (found,) = analyse_impedance([unknown], BARE)
    assert all(row.temperature_K is None for row in found.observations(SAMPLE))
    with pytest.raises(InputError, match="needs a spectrum"):
        analyse_impedance([], BARE)


def test_three_temperatures_give_conductivities_but_no_energy() -> None:
    (found,) = analyse_impedance(series(0, np.array([280.0, 300.0, 320.0])), BARE)
    rows = found.observations(SAMPLE)
    energies = [row for row in rows if row.quantity == "activation_energy"]
    assert energies
    assert all(row.status == "refused" for row in energies)
    assert all(row.kind == "measured" for row in rows)


def test_a_given_circuit_that_does_not_fit_says_so() -> None:
    found = fit_spectrum(measured_spectrum(0), ImpedanceSettings(times=False, circuit="R(RC)"))
    assert all(q.status != "ok" for q in found.conductivities.values())
    assert any("times the noise" in doubt for doubt in found.doubts)


@pytest.mark.parametrize("seed", range(12))
def test_rubbish_gives_an_answer_that_is_not_sure_or_a_refusal(seed: int) -> None:
    random = np.random.default_rng(seed)
    count = int(random.integers(8, 40))
    frequency = 10 ** random.uniform(-2, 6, count)
    z = 10 ** random.uniform(0, 6, count) * np.exp(1j * random.uniform(-3, 3, count))
    rubbish = Measurement(
        Curve(frequency, z, Axis("frequency", "Hz"), Axis("Z", "ohm")),
        Conditions(thickness_cm=0.1, area_cm2=1.0),
    )
    try:
        found = fit_spectrum(rubbish, ImpedanceSettings(sign="physical"))
    except InputError:
        return
    assert isinstance(found, Result)
    assert all(q.status != "ok" for q in found.conductivities.values())


@pytest.mark.parametrize("size", [1e-9, 1e9])
def test_any_size_of_impedance(size: float) -> None:
    found = fit_spectrum(changed(y=measured_spectrum(0).curve.y * size), RESISTANCE)
    straight = fit_spectrum(measured_spectrum(0), RESISTANCE)
    assert found.circuit == straight.circuit
    assert sum(p.resistance.value for p in found.parts) == pytest.approx(
        size * sum(p.resistance.value for p in straight.parts), rel=1e-5
    )


def test_a_saturated_range_is_flagged() -> None:
    z = measured_spectrum(0).curve.y
    limit = 3e4
    clipped = np.where(np.abs(z) > limit, limit * z / np.abs(z), z)
    found = fit_spectrum(changed(y=clipped), BARE)
    assert all(q.status != "ok" for q in found.conductivities.values())
    assert any("saturated" in doubt for doubt in found.doubts)
