"""Weighted totals: every form in which X-ray and neutron totals are printed, and the ways between.

Symbols of Keen, J. Appl. Cryst. 34, 172 (2001), doi:10.1107/S0021889800019993, with amplitudes
``b_a`` that may depend on Q (X-rays) and be complex; ``<b> = sum_a c_a b_a``,
``<|b|^2> = sum_a c_a |b_a|^2``. Units per atom: barn/sr for neutrons, e² (electron units) for
X-rays.

================ ==================================================================================
``F(Q)``         ``sum_ab c_a c_b Re(b_a b_b*) [S_ab(Q) - 1]``; i(Q) of Hannon and of ISIS reports
``I(Q)``         ``F(Q) + <|b|^2>``, the coherent intensity per atom
``S(Q)``         ``1 + F(Q) / |<b>|^2``
``i(Q)``         ``S(Q) - 1``
``Qi(Q)``        ``Q [S(Q) - 1]``, the F(Q) of PDFgetX and PDFgui
``I(Q)/<b2>``    ``1 + F(Q) / <|b|^2>``, which some programs call S(Q)
``G(r)``         Keen's: ``sum_ab c_a c_b Re(b_a b_b*) [g_ab(r) - 1]``
``g(r)``         ``1 + G(r) / |<b>|^2``
``D(r)``         ``4 pi r rho0 G(r)``
``T(r)``         ``4 pi r rho0 [G(r) + |<b>|^2]``
``G_PDF(r)``     ``4 pi r rho0 [g(r) - 1]``, the G(r) of PDFgui
``RDF(r)``       ``4 pi r^2 rho0 g(r)``
================ ==================================================================================

In real space the amplitudes are those at Q = 0. For neutrons that is exact; for X-rays it is the
usual approximation, and what an experiment would give comes from `measured.as_measured`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.observe.scattering.conversions import check_pairs
from vitrolyte.observe.scattering.probes import Probe, Strength, strength

Floats = NDArray[np.float64]
FactorForm = Literal["F(Q)", "I(Q)", "S(Q)", "i(Q)", "Qi(Q)", "I(Q)/<b2>"]
PairForm = Literal["G(r)", "g(r)", "D(r)", "T(r)", "G_PDF(r)", "RDF(r)"]

CITATIONS = ("10.1107/S0021889800019993",)
FACTOR_FORMS: tuple[FactorForm, ...] = ("F(Q)", "I(Q)", "S(Q)", "i(Q)", "Qi(Q)", "I(Q)/<b2>")
PAIR_FORMS: tuple[PairForm, ...] = ("G(r)", "g(r)", "D(r)", "T(r)", "G_PDF(r)", "RDF(r)")
_Q = Axis("scattering vector Q", "1/Å")
_R = Axis("distance", "Å")


@dataclass(frozen=True, eq=False)
class _Form:
    """A form as a straight line in Keen's F(Q) or G(r): ``y = offset + scale F``."""

    offset: Floats
    scale: Floats
    axis: Axis


def total_factor(
    partials: CurveSet, fractions: Mapping[str, float], probe: Probe, form: FactorForm = "S(Q)"
) -> Curve:
    """Return the weighted total of Faber-Ziman partials, ``F = sum_ab c_a c_b b_a b_b (S_ab - 1)``.

    Parameters
    ----------
    partials
        Faber-Ziman partials of all pairs, Q > 0.
    fractions
        Atomic fraction of each element.
    probe
        `XRays` (amplitudes at each Q) or `Neutrons` (isotopes).
    form
        One of `FACTOR_FORMS`; see the head of this module.

    Raises
    ------
    InputError
        If a pair is missing, a form unknown, an element or isotope unknown to the probe, or a
        normalised form is asked where amplitudes cancel.
    """
    check_pairs(partials, fractions)
    q = partials.curves[0].x
    how = strength(probe, fractions, q)
    line = _factor_form(form, how)
    return _on_line(_weighted(partials, how), line, Curve(q, q, _Q, _Q, label=probe.name))


def total_pairs(
    partials: CurveSet,
    fractions: Mapping[str, float],
    probe: Probe,
    form: PairForm = "g(r)",
    *,
    number_density: float | None = None,
) -> Curve:
    """Return the weighted total of partial pair distributions, weights at Q = 0.

    Parameters
    ----------
    partials
        g_ab(r) of all pairs.
    fractions
        Atomic fraction of each element.
    probe
        `XRays` or `Neutrons`.
    form
        One of `PAIR_FORMS`.
    number_density
        Of all atoms, rho0, 1/Å³; needed for all forms but ``G(r)`` and ``g(r)``.

    Raises
    ------
    InputError
        As for `total_factor`, or if a density is needed and missing.
    """
    check_pairs(partials, fractions)
    r = partials.curves[0].x
    how = strength(probe, fractions, np.zeros(1))
    line = _pair_form(form, how, r, number_density)
    return _on_line(_weighted(partials, how), line, Curve(r, r, _R, _R, label=probe.name))


def _weighted(partials: CurveSet, how: Strength) -> tuple[Floats, Floats | None]:
    """Return Keen's F(Q) or G(r), with its error where each partial has one."""
    total = np.zeros(len(partials.curves[0]))
    variance: Floats | None = np.zeros(len(total))
    for curve in partials.curves:
        weight = how.pair(curve.label)
        total = total + weight * (curve.y.real - 1.0)
        known = variance is not None and curve.y_error is not None
        variance = variance + (weight * curve.y_error) ** 2 if known else None  # type: ignore[operator]
    return total, None if variance is None else np.sqrt(variance)


def _on_line(values: tuple[Floats, Floats | None], line: _Form, like: Curve) -> Curve:
    total, error = values
    spread = None if error is None else np.abs(line.scale) * error
    y = line.offset + line.scale * total
    return Curve(like.x, y, like.x_axis, line.axis, y_error=spread, label=like.label)


def convert_factor(
    curve: Curve,
    composition: tuple[Mapping[str, float], Probe],
    *,
    source: FactorForm,
    target: FactorForm,
) -> Curve:
    """Return a total structure factor, computed or measured, in another form.

    Parameters
    ----------
    curve
        The total, Q > 0.
    composition
        Atomic fraction of each element, and the probe.
    source, target
        Forms, of `FACTOR_FORMS`.

    Raises
    ------
    InputError
        If a form or an element is unknown, or amplitudes cancel where a form divides by them.
    """
    fractions, probe = composition
    how = strength(probe, fractions, curve.x)
    return _converted(curve, _factor_form(source, how), _factor_form(target, how))


def convert_pairs(
    curve: Curve,
    composition: tuple[Mapping[str, float], Probe],
    *,
    source: PairForm,
    target: PairForm,
    number_density: float | None = None,
) -> Curve:
    """Return a total in real space, computed or measured, in another form; r > 0.

    Parameters
    ----------
    curve
        The total.
    composition
        Atomic fraction of each element, and the probe (amplitudes at Q = 0).
    source, target
        Forms, of `PAIR_FORMS`.
    number_density
        Of all atoms, rho0, 1/Å³; needed for all forms but ``G(r)`` and ``g(r)``.

    Raises
    ------
    InputError
        As for `convert_factor`, or if a density is needed and missing.
    """
    fractions, probe = composition
    how = strength(probe, fractions, np.zeros(1))
    lines = [_pair_form(form, how, curve.x, number_density) for form in (source, target)]
    return _converted(curve, *lines)


def _converted(curve: Curve, source: _Form, target: _Form) -> Curve:
    if np.any(source.scale == 0.0):
        raise InputError(
            "A form that vanishes at the origin cannot be converted there",
            received=f"x from {curve.x.min():g} on",
            remedy="leave out x = 0",
        )
    plain = (curve.y.real - source.offset) / source.scale
    error = None if curve.y_error is None else curve.y_error / np.abs(source.scale)
    return _on_line((plain, error), target, curve)


def _factor_form(form: FactorForm, how: Strength) -> _Form:
    zero, one = np.zeros(len(how.q)), np.ones(len(how.q))
    absolute = "e²/atom" if how.unit == "e²" else "barn/sr/atom"
    if form == "F(Q)":
        return _Form(zero, one, Axis("F(Q)", absolute))
    if form == "I(Q)":
        return _Form(how.self_scattering, one, Axis("intensity", absolute))
    if form == "I(Q)/<b2>":
        return _Form(one, 1.0 / how.self_scattering, Axis("I(Q) / <b²>", ""))
    if form == "S(Q)":
        return _Form(one, 1.0 / how.divisor, Axis("structure factor", ""))
    if form == "i(Q)":
        return _Form(zero, 1.0 / how.divisor, Axis("S(Q) - 1", ""))
    if form == "Qi(Q)":
        return _Form(zero, how.q / how.divisor, Axis("Q [S(Q) - 1]", "1/Å"))
    raise _unknown(form, FACTOR_FORMS)


def _pair_form(form: PairForm, how: Strength, r: Floats, number_density: float | None) -> _Form:
    zero, one = np.zeros(len(r)), np.ones(len(r))
    if form == "G(r)":
        return _Form(zero, one, Axis("G(r)", how.unit))
    if form == "g(r)":
        return _Form(one, one / how.divisor, Axis("pair distribution", ""))
    if form not in PAIR_FORMS:
        raise _unknown(form, PAIR_FORMS)
    if number_density is None or not number_density > 0:
        raise InputError(
            f"{form} needs the number density of all atoms", received=f"{number_density} 1/Å³"
        )
    factor = 4.0 * np.pi * number_density * r
    if form == "D(r)":
        return _Form(zero, factor, Axis("D(r)", f"{how.unit}/Å²"))
    if form == "T(r)":
        return _Form(factor * how.mean_squared, factor, Axis("T(r)", f"{how.unit}/Å²"))
    if form == "G_PDF(r)":
        return _Form(zero, factor / how.divisor, Axis("reduced pair distribution", "1/Å²"))
    return _Form(factor * r, factor * r / how.divisor, Axis("radial distribution", "1/Å"))


def _unknown(form: str, known: tuple[str, ...]) -> InputError:
    return InputError(f"A total has one of the forms {', '.join(known)}", received=repr(form))
