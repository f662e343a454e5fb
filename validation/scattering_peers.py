"""Conventions, tables and powder patterns beside PyStoG, periodictable, xraydb and pymatgen."""

from __future__ import annotations

import warnings
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from validation.check import Check
from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.matter.catalogue import catalogue_crystal
from vitrolyte.observe.scattering.bragg import reflections
from vitrolyte.observe.scattering.diffraction import scattered_angle
from vitrolyte.observe.scattering.form_factors import x_ray_form_factor
from vitrolyte.observe.scattering.neutron import nucleus
from vitrolyte.observe.scattering.probes import Neutrons, Probe, XRays, strength
from vitrolyte.observe.scattering.totals import convert_factor, convert_pairs

Floats = NDArray[np.float64]

_FRACTIONS = {"Li": 0.6, "O": 0.2, "Cl": 0.2}
_DENSITY = 0.0836
_LAST_ANGLE = 110.0
_KNOWN_TO_DIFFER = {"Au", "Eu", "Gd", "He", "Ho", "Sm", "V", "Xe"}
"""Rauch and Waschkowski chose other measurements than Sears, or later ones were put in."""

# Cubic, tetragonal, monoclinic, and triclinic with 42 atoms.
_CRYSTALS = ("LiCl", "Li3OCl", "ZrO2-tetragonal", "ZrO2-monoclinic", "Li7P3S11")


def conversions_pystog() -> tuple[Check, ...]:
    """Return the largest relative differences of converted totals from those of PyStoG."""
    theirs = import_module("pystog").Converter()
    probe = Neutrons({"Li": "7Li"})
    how = strength(probe, _FRACTIONS, np.zeros(1))
    given = {
        "<b_coh>^2": float(how.mean_squared[0]),
        "<b_tot^2>": float(how.self_scattering[0]),
        "rho": _DENSITY,
    }
    x = np.linspace(0.5, 20.0, 200)
    y = 1.0 + np.sin(3.0 * x) / x
    zero = np.zeros(len(x))
    s = Curve(x, y, Axis("Q", "1/Å"), Axis("S", ""))
    found = []
    pairs_to = {"Qi(Q)": theirs.S_to_F, "F(Q)": theirs.S_to_FK, "I(Q)": theirs.S_to_DCS}
    for form, function in pairs_to.items():
        ours = convert_factor(s, (_FRACTIONS, probe), source="S(Q)", target=form)  # type: ignore[arg-type]
        found.append((form, ours.y.real, function(x, y, zero, **given)[0]))
    for form, function in {"G_PDF(r)": theirs.g_to_G, "G(r)": theirs.g_to_GK}.items():
        ours = convert_pairs(
            s,
            (_FRACTIONS, probe),
            source="g(r)",
            target=form,  # type: ignore[arg-type]
            number_density=_DENSITY,
        )
        found.append((form, ours.y.real, function(x, y, zero, **given)[0]))
    return tuple(
        Check.within(
            f"{form} of a total, relative difference from PyStoG",
            0.0,
            float(np.abs(ours - other).max() / np.abs(other).max()),
            bounds=(0.0, 1e-10),
            command="",
        )
        for form, ours, other in found
    )


def lengths_periodictable() -> tuple[Check, ...]:
    """Return how many elements up to Bi have other scattering lengths in periodictable.

    That package holds Rauch and Waschkowski's table with later measurements, ours Sears's.
    """
    periodictable = import_module("periodictable")
    found = {}
    for element in periodictable.elements:
        if 1 <= element.number <= 83 and element.neutron.b_c is not None:
            ours, theirs = nucleus(element.symbol).length.real, element.neutron.b_c
            found[element.symbol] = abs(ours - theirs) > 0.02 * abs(ours) + 0.05
    apart = {name for name, differs in found.items() if differs}
    title = f"elements of {len(found)} with another scattering length than in periodictable"
    unexpected = len(apart - _KNOWN_TO_DIFFER)
    return (
        Check.within(
            f"{title}, beyond {', '.join(sorted(_KNOWN_TO_DIFFER))}",
            0.0,
            float(unexpected),
            bounds=(0.0, 0.0),
            command="",
        ),
    )


def form_factors_xraydb() -> tuple[Check, ...]:
    """Return the largest difference of form factors from those of xraydb, in electrons."""
    xraydb = import_module("xraydb")
    q = np.linspace(0.0, 25.0, 120)
    species = ("Li", "O", "Cl", "P", "S", "Zr", "Br", "I", "La", "Li1+", "O1-", "Cl1-")
    worst = max(
        float(np.abs(x_ray_form_factor(one, q) - xraydb.f0(one, q / (4.0 * np.pi))).max())
        for one in species
    )
    title = "largest difference of X-ray form factors from xraydb, electrons"
    return (Check.within(title, 0.0, worst, bounds=(0.0, 1e-6), command=""),)


def patterns_pymatgen() -> tuple[Check, ...]:
    """Return powder lines of crystals beside pymatgen's, X-ray and neutron."""
    from pymatgen.analysis.diffraction.neutron import NDCalculator
    from pymatgen.analysis.diffraction.xrd import XRDCalculator

    found: list[Check] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in _CRYSTALS:
            for probe, calculator, most in (
                # pymatgen's form factors are another fit to the same theory; its scattering lengths
                # are another table.
                (XRays(), XRDCalculator(wavelength=1.5406), 1.5),
                (Neutrons(), NDCalculator(wavelength=1.5406), 1.0),
            ):
                found += _lines(name, probe, calculator, most)
    return tuple(found)


def _lines(name: str, probe: Probe, calculator: object, most: float) -> list[Check]:
    structure = catalogue_crystal(name).structure
    pattern = calculator.get_pattern(  # type: ignore[attr-defined]
        structure.to_pymatgen(), scaled=False, two_theta_range=(5.0, _LAST_ANGLE)
    )
    theirs = np.asarray(pattern.y) / np.max(pattern.y) * 100.0
    angles, ours = our_lines(structure, probe)
    # Lines nearer than pymatgen merges them are taken together.
    owner = np.abs(angles[:, None] - np.asarray(pattern.x)).argmin(axis=1)
    merged = np.bincount(owner, ours, len(theirs))
    merged *= 100.0 / merged.max()
    strong = ours > 0.01 * ours.max()
    shift = float(np.abs(angles - np.asarray(pattern.x)[owner])[strong].max())
    title = f"{name}, {probe.name}"
    worst = float(np.abs(merged - theirs).max())
    return [
        Check.within(
            f"{title}: largest shift of a line from pymatgen, degrees",
            0.0,
            shift,
            bounds=(0.0, 1e-3),
            command="",
        ),
        Check.within(
            f"{title}: largest difference of a line, the strongest being 100",
            0.0,
            worst,
            bounds=(0.0, most),
            command="",
        ),
    ]


def our_lines(structure: Trajectory, probe: Probe) -> tuple[Floats, Floats]:
    """Return angles and integrated intensities ``m |F|² L P`` of a crystal's lines."""
    q_max = 4.0 * np.pi * np.sin(np.radians(_LAST_ANGLE / 2.0)) / 1.5406
    found = reflections(structure, float(q_max), probe)
    angle = scattered_angle(found.intensities.x, 1.5406)
    theta = np.radians(angle) / 2.0
    factor = 1.0 / (np.sin(theta) ** 2 * np.cos(theta))
    if probe.polarises:
        factor = factor * (1.0 + np.cos(2.0 * theta) ** 2)
    return angle, found.intensities.y.real * factor
