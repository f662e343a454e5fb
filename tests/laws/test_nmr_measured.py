"""Measured NMR analysed: truths come back inside their intervals, doubts are told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from validation.laboratory_nmr import (
    LITHIUM,
    correlated_noise,
    counted,
    glass_ceramic,
    lines_case,
    narrowing_case,
    powder_case,
    powder_measured,
    rates_case,
    rates_measured,
    recovery_case,
    recovery_measured,
)

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.measurement import Conditions, Measurement
from vitrolyte.data.observation import Sample
from vitrolyte.infer.correlated import Noise, noise_of
from vitrolyte.laboratory.line_shape.deconvolution import DeconvolutionSettings, deconvolution
from vitrolyte.laboratory.line_shape.narrowing import line_narrowing
from vitrolyte.laboratory.line_shape.patterns import PatternSettings, powder_pattern
from vitrolyte.laboratory.relaxation.jumps import JumpSettings
from vitrolyte.laboratory.relaxation.rates import SlrSettings, spin_relaxation
from vitrolyte.laboratory.relaxation.recovery import fit_recovery
from vitrolyte.observe.line_shapes import pseudo_voigt
from vitrolyte.observe.relaxation.processes import Process, peak
from vitrolyte.observe.relaxation.rates import condition

SAMPLE = Sample("antiperovskite", "Li2OHBr", "glass")
QUICK = SlrSettings(rivals=False)


def at_least(held: int, answered: int) -> bool:
    """Return whether so many hits are likely (99.9 %) where the rate is 0.93 or more."""
    return bool(held >= stats.binom.ppf(0.001, answered, 0.93))


@pytest.mark.parametrize(
    ("case", "runs"),
    [
        (rates_case, 12),
        (recovery_case("single"), 15),
        (recovery_case("double"), 10),
        (lines_case, 6),
        (powder_case("shift-anisotropy"), 5),
        (narrowing_case, 12),
    ],
    ids=["rates", "single", "double", "lines", "anisotropy", "narrowing"],
)
def test_intervals_hold_the_truth(case, runs: int) -> None:
    found = counted(case, runs)
    assert found
    for name, (held, answered) in found.items():
        assert answered >= 0.8 * runs, name
        assert at_least(held, answered), f"{name}: {held} of {answered}"


def test_the_jump_rate_at_the_maximum_follows_from_the_model() -> None:
    # BPP of like spins: omega0 tau = 0.616 (Abragam 1961); R1rho in the limit of weak locks
    # 2 omega1 tau = 1, omega1 tau = 0.5
    process = Process(0.3, 1e-13, 1e9)
    top = peak(process, condition("R1", LITHIUM, 9.4))
    assert top.tau_s * LITHIUM.larmor(9.4) == pytest.approx(0.616, abs=0.002)
    locked = peak(process, condition("R1rho", LITHIUM, 9.4, 10.0))
    assert locked.tau_s * 2e3 * np.pi * 10.0 == pytest.approx(0.5, abs=0.002)


def test_one_flank_alone_gives_a_line_and_no_peak_that_is_trusted() -> None:
    whole = rates_measured(0, "R1")
    cold = whole.curve.x < 280.0
    assert whole.curve.y_error is not None
    curve = replace(
        whole.curve,
        x=whole.curve.x[cold],
        y=whole.curve.y[cold],
        y_error=whole.curve.y_error[cold],
    )
    found = spin_relaxation([replace(whole, curve=curve)], QUICK)
    (line,) = found.flanks
    # (beta - 1) E_a = 0.6 times 0.29 eV
    assert line.low.low < 0.174 < line.low.high
    assert line.low.status == "provisional"
    assert line.high.status == "refused"
    for one in found.peak:
        assert one.beta["process"].status != "ok"
        assert one.high_energy["process"].status != "ok"


def test_a_cold_flank_steeper_than_the_hot_one_is_called_impossible() -> None:
    # hot 0.091 eV, cold 0.100 eV, as printed for Li3ZrCl4O1.5 (J. Am. Chem. Soc. 2024, 7Li T1):
    # rates that have exactly these flanks, beta = 2.10
    t = 1.0 / np.linspace(1 / 2000.0, 1 / 110.0, 40)
    turn = 1.0 / (8.617333262e-5 * t) - 1.0 / (8.617333262e-5 * 380.0)
    rates = 2.0 / (np.exp(-0.091 * turn) + np.exp(0.100 * turn))
    random = np.random.default_rng(1)
    rates = rates * np.exp(random.normal(0, 0.004, 40))
    curve = Curve(
        t, rates, Axis("temperature", "K"), Axis("relaxation rate", "1/s"), 0.004 * rates, "R1"
    )
    found = spin_relaxation([Measurement(curve, Conditions(field_T=9.4), "x")], QUICK)
    (line,) = found.flanks
    assert line.impossible
    assert line.beta.status == "refused"
    assert "above 2" in line.beta.note
    rows = found.observations(SAMPLE)
    energies = [r for r in rows if r.quantity == "activation_energy" and r.value is not None]
    assert energies
    assert all(row.status == "provisional" for row in energies)


def test_rows_are_measured_and_named_as_the_table_wants() -> None:
    settings = SlrSettings(rivals=False, jump=JumpSettings(3.0, 20.0))
    both = [rates_measured(1, "R1"), rates_measured(1, "R1rho", lock_kHz=20.0)]
    rows = spin_relaxation(both, settings).observations(SAMPLE)
    assert {row.kind for row in rows} == {"measured"}
    first = {(row.quantity, row.of): row for row in reversed(rows)}
    assert first["activation_energy", "high_temperature_flank"].value == pytest.approx(
        0.29, rel=0.03
    )
    assert first["bpp_beta", ""].value == pytest.approx(1.6, rel=0.02)
    assert first["jump_rate", "R1rho, 20 kHz lock"].temperature_K == pytest.approx(196, abs=5)
    # sigma = n q² a² / (6 tau kT): 20 ions in a nm³, 3 Å
    estimate, jump = first["ionic_conductivity", "Li"], first["jump_rate", "R1, 155.6 MHz"]
    assert jump.value is not None
    assert jump.temperature_K is not None
    expected = 2e22 * 1.602176634e-19 * 9e-16 / 6 * jump.value
    expected /= 8.617333262e-5 * jump.temperature_K
    assert estimate.value == pytest.approx(expected)
    assert estimate.status == "provisional"


def test_what_is_missing_is_asked_for() -> None:
    without = replace(rates_measured(0, "R1"), conditions=Conditions())
    with pytest.raises(InputError, match="--field-T"):
        spin_relaxation([without], QUICK)
    unlocked = replace(
        rates_measured(0, "R1rho", lock_kHz=20.0), conditions=Conditions(field_T=9.4)
    )
    with pytest.raises(InputError, match="--spin-lock-kHz"):
        spin_relaxation([unlocked], QUICK)


@pytest.mark.parametrize("law", ["single", "stretched", "double"])
def test_the_evidence_chooses_the_law_of_a_recovery(law: str) -> None:
    chosen = [fit_recovery(recovery_measured(seed, law)).law for seed in range(5)]
    assert chosen.count(law) >= 4


def test_delays_that_end_too_soon_are_told() -> None:
    one = recovery_measured(0, "single")
    early = one.curve.x < 0.3
    curve = replace(one.curve, x=one.curve.x[early], y=one.curve.y[early])
    found = fit_recovery(replace(one, curve=curve), law="single")
    assert found.time.status != "ok"


def test_recoveries_over_temperature_become_rates_and_a_flank() -> None:
    delays, random = np.geomspace(1e-3, 60.0, 20), np.random.default_rng(3)
    found = []
    for t in np.linspace(250.0, 340.0, 7):
        time = 0.4 * np.exp(0.2 / 8.617333262e-5 * (1 / t - 1 / 300.0))
        y = 1 - np.exp(-delays / time) + random.normal(0, 0.005, 20)
        curve = Curve(delays, y, Axis("delay", "s"), Axis("intensity", ""))
        found.append(Measurement(curve, Conditions(temperature_K=t, field_T=9.4), f"{t:.0f}"))
    result = spin_relaxation(found, QUICK)
    assert len(result.recoveries) == 7
    (line,) = result.flanks
    # T1 falls on heating: rates rise, the cold flank
    assert line.low.low < 0.2 < line.low.high


def test_noise_is_known_by_level_and_correlation() -> None:
    noise = correlated_noise(0, 40000, 0.3)
    found = noise_of((noise,))
    # kernel exp(-k/3) of 12 points: variance of a mean over that of a point
    kernel = np.exp(-np.arange(12) / 3.0)
    assert found.level == pytest.approx(0.3, rel=0.03)
    assert found.inflation == pytest.approx(kernel.sum() ** 2 / (kernel @ kernel), rel=0.15)
    white = noise_of((np.random.default_rng(1).normal(size=20000),))
    assert white.inflation == pytest.approx(1.0, abs=0.1)
    with pytest.raises(InputError):
        Noise(0.0, np.ones(1), 10)


def test_side_bands_are_folded_back() -> None:
    x = np.linspace(-250, 250, 8192)
    y = np.zeros(len(x))
    for order, height in ((0, 1.0), (1, 0.3), (-1, 0.25)):
        at = order * 15000 / 155.5
        y += height * (
            2 * pseudo_voigt(x, 2.9 + at, 3.0, 0.3) + pseudo_voigt(x, -1.6 + at, 0.8, 0.5)
        )
    y = y / y.max() + np.random.default_rng(0).normal(0, 0.003, len(x))
    curve = Curve(x, y, Axis("chemical shift", "ppm"), Axis("y", ""))
    known = Conditions(larmor_MHz=155.5, spinning_kHz=15.0)
    found = deconvolution(Measurement(curve, known, "x"), DeconvolutionSettings(components=2))
    assert found.lines[0].fraction.value == pytest.approx(1 / 3, abs=0.01)


def test_fractions_ask_for_t1_and_correct_for_it() -> None:
    one = replace(glass_ceramic(0), conditions=Conditions(larmor_MHz=155.5, recycle_s=1.0))
    plain = deconvolution(one, DeconvolutionSettings(names=("crystal", "glass")))
    assert plain.lines[0].name == "crystal"
    assert plain.lines[0].fraction.status == "provisional"
    assert "T1" in plain.lines[0].fraction.note
    timed = DeconvolutionSettings(names=("crystal", "glass"), t1_s=(2.0, 0.1))
    corrected = deconvolution(one, timed).lines[0].fraction
    # a quarter of the area at 1 s between scans of T1 2 s: 0.25 / (1 - exp(-0.5)) to 0.75
    truth = 0.25 / (1 - np.exp(-0.5))
    assert corrected.value == pytest.approx(truth / (truth + 0.75), abs=0.02)
    assert corrected.status == "provisional"


def test_a_wrong_phase_is_told() -> None:
    x = np.linspace(-20, 20, 1024)
    turn = np.radians(12.0)
    u = 2 * (x - 1.0) / 1.5
    y = (np.cos(turn) - np.sin(turn) * u) / (1 + u**2)
    y += np.random.default_rng(0).normal(0, 0.005, len(x))
    curve = Curve(x, y, Axis("chemical shift", "ppm"), Axis("y", ""))
    found = deconvolution(
        Measurement(curve, Conditions(larmor_MHz=155.5), "x"), DeconvolutionSettings(components=1)
    )
    assert any("phase" in doubt for doubt in found.doubts)
    assert found.lines[0].shift.status == "provisional"


def test_noise_alone_has_no_line() -> None:
    x = np.linspace(-20, 20, 512)
    y = np.random.default_rng(0).normal(size=512)
    curve = Curve(x, y, Axis("chemical shift", "ppm"), Axis("y", ""))
    with pytest.raises(InputError, match="above its noise"):
        deconvolution(Measurement(curve, Conditions(), "x"))


def test_a_powder_of_one_site_has_its_coupling() -> None:
    found = powder_pattern(powder_measured(0, "quadrupolar"), PatternSettings("quadrupolar", "7Li"))
    coupling = found.couplings["quadrupolar_coupling_constant"]
    assert coupling.low < 8e4 < coupling.high
    assert found.evidence["czjzek"] > 10
    assert found.satellite_share.value == pytest.approx(1.0, abs=0.05)


def test_a_spin_of_a_half_has_no_quadrupolar_pattern() -> None:
    with pytest.raises(InputError):
        PatternSettings("quadrupolar", "31P")


def test_widths_that_do_not_narrow_are_refused() -> None:
    t = np.linspace(200, 400, 8)
    curve = Curve(t, np.full(8, 5e3), Axis("temperature", "K"), Axis("line width", "Hz"))
    with pytest.raises(InputError, match="narrower"):
        line_narrowing(Measurement(curve, file="x"))
