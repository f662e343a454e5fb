"""Phases in simulated patterns whose truth is known: found, refused, weighed."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest

from vitrolyte.data.crystal import Crystal
from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.measurement import Conditions, Measurement
from vitrolyte.data.observation import Observation, Sample
from vitrolyte.laboratory.diffraction.analysis import PowderSettings, powder_pattern
from vitrolyte.laboratory.diffraction.model import (
    Freedom,
    PowderModel,
    Widths,
    phase_of,
    start_parameters,
)
from vitrolyte.laboratory.diffraction.radiation import Radiation, radiation_of
from vitrolyte.laboratory.diffraction.results import PowderPattern
from vitrolyte.laboratory.diffraction.standards import standard_crystal
from vitrolyte.observe.scattering.powder_lines import powder_lines

COPPER = Radiation(((1.5405929, 2 / 3), (1.5444274, 1 / 3)))
BEAM = Conditions(wavelength_A=1.5405929, second_wavelength_A=1.5444274, second_ratio=0.5)
ANGLES = np.arange(20.0, 80.0, 0.03)
AXES = Axis("2 theta", "deg"), Axis("counts", "")
HALO = 900.0 * np.exp(-0.5 * ((ANGLES - 30.0) / 3.5) ** 2)
SAMPLE = Sample("test", "X", "sample")


@dataclass(frozen=True)
class Truth:
    """What a pattern is made of: names, mass shares, strains of the lattices."""

    names: tuple[str, ...]
    shares: tuple[float, ...]
    strain: float = 0.002
    shift: float = 0.04


def simulated(truth: Truth, smooth: np.ndarray, *, seed: int = 0) -> Measurement:
    crystals = [standard_crystal(name) for name in truth.names]
    phases = tuple(phase_of(powder_lines(c, COPPER.probe(c), 1.19)) for c in crystals)
    freedom = Freedom(shift="displacement", displacement_B=False)
    start, _ = start_parameters(phases, freedom, Widths(0.1, 0.06), step_deg=0.03)
    model = PowderModel(ANGLES, COPPER, phases, freedom, 3, start)
    values = np.array([parameter.value for parameter in start])
    values[model.places["shift"]] = truth.shift
    for number in range(len(phases)):
        values[model.places[f"lattice {number} 0"]] = truth.strain
    weights = np.array(truth.shares) / [crystal.cell_mass * crystal.volume for crystal in crystals]
    lines = model(values).lines @ weights
    mean = lines * 6000.0 / lines.max() + smooth
    counts = np.random.default_rng(seed).poisson(mean).astype(float)
    return Measurement(Curve(ANGLES, counts, *AXES), BEAM, "simulated.xy")


def row(result: PowderPattern, quantity: str, of: str) -> Observation:
    (found,) = [
        one
        for one in result.observations(SAMPLE)
        if one.quantity == quantity and one.of == of and "standard" not in one.method
    ]
    return found


@cache
def mixture() -> PowderPattern:
    measured = simulated(Truth(("Al2O3", "Si"), (0.7, 0.3)), 80.0 + HALO)
    given = [standard_crystal(name) for name in ("CeO2", "Al2O3", "LaB6", "Si")]
    return powder_pattern(measured, given)


def test_a_mixture_is_told_from_phases_that_are_not_there() -> None:
    result = mixture()
    assert {phase.name for phase in result.phases} == {"Al2O3", "Si"}
    assert result.unindexed == ()
    for name in ("CeO2", "LaB6"):
        assert row(result, "phase_fraction", name).status == "refused"


def test_mass_shares_and_lattices_of_a_mixture_hold_the_truth() -> None:
    result = mixture()
    share = row(result, "phase_fraction", "Al2O3")
    assert share.value is not None
    assert share.error is not None
    assert share.value == pytest.approx(0.7, abs=4.0 * share.error)
    assert share.error < 0.01
    silicon = next(phase for phase in result.phases if phase.name == "Si")
    # x = 0.002 of the one metric of a cube stretches 1 / a² by that.
    truth = standard_crystal("Si").cell[0, 0] * (1.0 + 0.002) ** -0.5
    found = silicon.lattice["a"]
    assert found.value == pytest.approx(truth, abs=4.0 * found.error)
    assert found.error < 5e-4


def test_lattice_rows_carry_the_phase_in_the_column_of_the_phase() -> None:
    rows = [r for r in mixture().observations(SAMPLE) if r.quantity == "lattice_parameter"]
    assert {(r.phase, r.of) for r in rows} == {("Al2O3", "a"), ("Al2O3", "c"), ("Si", "a")}
    assert all(r.kind == "measured" and r.unit == "Å" for r in rows)


def test_the_picture_has_the_fit_the_background_the_difference_and_ticks() -> None:
    labels = mixture().pattern.labels
    assert labels[:4] == ("measured", "fit", "background", "difference, moved down")
    assert set(labels[4:]) == {"lines of Al2O3", "lines of Si"}


def test_none_of_these_is_an_answer() -> None:
    measured = simulated(Truth(("LaB6",), (1.0,)), np.full(len(ANGLES), 80.0))
    result = powder_pattern(measured, [standard_crystal("Al2O3"), standard_crystal("CeO2")])
    assert result.phases == ()
    assert len(result.unindexed) >= 5
    assert not any(candidate.present for candidate in result.candidates)


def test_a_glass_alone_is_amorphous_and_no_phase_is_laid_on_its_halo() -> None:
    counts = np.random.default_rng(3).poisson(100.0 + 8.0 * HALO).astype(float)
    measured = Measurement(Curve(ANGLES, counts, *AXES), BEAM, "glass.xy")
    result = powder_pattern(measured, [standard_crystal(name) for name in ("Si", "Al2O3")])
    assert result.phases == ()
    assert result.unindexed == ()
    assert row(result, "phase_fraction", "Si").status == "refused"
    assert row(result, "amorphous_fraction", "").status == "provisional"
    assert row(result, "crystallinity", "").value == 0.0
    # 4 pi sin(15°) / 1.5419 Å, the halo of the simulation stands at 30 degrees.
    centre = 4.0 * np.pi * np.sin(np.radians(15.0)) / COPPER.mean_A
    position = result.halo.position
    assert position.value == pytest.approx(centre, abs=max(3.0 * position.error, 0.01))
    assert result.halo.spacing.value == pytest.approx(2.0 * np.pi / position.value)


def test_a_weighed_standard_gives_the_amorphous_share() -> None:
    # 20 % silicon were weighed in; the crystalline part of the rest is 60 %: of all mass
    # 0.2 Si, 0.48 Al2O3, 0.32 amorphous, and the refinement sees 0.2 / 0.68 silicon.
    seen = (0.48 / 0.68, 0.2 / 0.68)
    measured = simulated(Truth(("Al2O3", "Si"), seen, strain=0.0), 80.0 + HALO, seed=4)
    settings = PowderSettings(standard="Si", standard_fraction=0.2)
    result = powder_pattern(measured, [standard_crystal("Al2O3")], settings)
    assert result.amorphous.value == pytest.approx(0.4, abs=4.0 * result.amorphous.error)
    assert result.amorphous.error < 0.03
    share = result.crystalline["Al2O3"]
    assert share.value == pytest.approx(0.6, abs=4.0 * share.error)
    # The certified lattice is held, not told as a finding.
    assert not any(
        r.phase == "Si" for r in result.observations(SAMPLE) if "lattice_p" in r.quantity
    )


def test_a_standard_needs_its_fraction() -> None:
    with pytest.raises(InputError, match="standard-fraction"):
        PowderSettings(standard="Si")


def test_a_pattern_without_wavelength_asks_for_the_option() -> None:
    measured = simulated(Truth(("Si",), (1.0,)), np.full(len(ANGLES), 80.0))
    with pytest.raises(InputError, match="--wavelength-A"):
        powder_pattern(replace(measured, conditions=Conditions()))


def test_the_doublet_is_assumed_only_where_the_wavelength_says_an_anode() -> None:
    curve = Curve(ANGLES, np.ones(len(ANGLES)), *AXES)

    def beam(**known: float) -> Radiation:
        return radiation_of(Measurement(curve, Conditions(**known)))

    assert len(beam(wavelength_A=1.5406).lines) == 2
    assert "--alpha-2" in beam(wavelength_A=1.5406).note
    assert len(beam(wavelength_A=1.5418).lines) == 2
    assert len(beam(wavelength_A=1.5406, second_ratio=0.0).lines) == 1
    synchrotron = beam(wavelength_A=0.4)
    assert len(synchrotron.lines) == 1
    assert synchrotron.across == 1.0


def test_two_phases_with_one_lattice_are_not_told_apart() -> None:
    silicon = standard_crystal("Si")
    twin = replace(silicon, name="twin", elements=("Ge",) * len(silicon.elements))
    measured = simulated(Truth(("Si",), (1.0,)), np.full(len(ANGLES), 80.0))
    result = powder_pattern(measured, [silicon, twin])
    (absent,) = [candidate for candidate in result.candidates if not candidate.present]
    assert "not told apart" in absent.verdict


def test_a_crystal_checks_itself() -> None:
    silicon = standard_crystal("Si")
    with pytest.raises(InputError, match="occupancies"):
        replace(silicon, occupancies=silicon.occupancies * 2.0)
    # Eight atoms of 28.085 u.
    assert silicon.cell_mass == pytest.approx(224.68, abs=0.01)
    assert isinstance(silicon, Crystal)
