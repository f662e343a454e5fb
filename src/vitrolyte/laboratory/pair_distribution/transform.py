"""From a measured function to S(Q) and G(r) with their errors, and what is wrong with them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.total_scattering import TotalScattering
from vitrolyte.observe.scattering.probes import Probe
from vitrolyte.observe.scattering.q_window import (
    Window,
    factor_from_reduced,
    modification,
    reduced_from_factor,
)
from vitrolyte.observe.scattering.totals import FACTOR_FORMS, convert_factor, convert_pairs

Floats = NDArray[np.float64]

_STEP_A = 0.02
_STEP_Q = 0.02
_HIGH_Q_SHARE = 0.25
_LEVEL_OFF = 0.01
_Q = Axis("scattering vector Q", "1/Å")
_R = Axis("distance", "Å")
_S = Axis("structure factor", "")
_G = Axis("reduced pair distribution", "1/Å²")
_MAD = 1.4826


@dataclass(frozen=True)
class Composition:
    """What scatters: atomic fractions, probe, and number density where it is known.

    Attributes
    ----------
    fractions
        Atomic fraction of each element, adding up to 1.
    probe
        X-rays or neutrons.
    number_density
        Of all atoms, 1/Å³, or None.
    """

    fractions: Mapping[str, float]
    probe: Probe
    number_density: float | None = None


@dataclass(frozen=True, eq=False)
class Functions:
    """S(Q) and G(r) of one measurement.

    Attributes
    ----------
    factor, reduced
        S(Q) and the G(r) of PDFgui, with errors where they are known.
    window
        Range of Q and modification of G(r).
    high_q_level
        Mean of S(Q) at its end; 1 by definition, refused where G(r) was measured.
    trend
        Slope of S(Q) there, Å; differs from 0 where absorption, fluorescence or inelasticity
        were not taken out.
    notes
        What was done or has to be doubted.
    """

    factor: Curve
    reduced: Curve
    window: Window
    high_q_level: Quantity
    trend: Quantity
    notes: tuple[str, ...]


@dataclass(frozen=True)
class TransformSettings:
    """How S(Q) is turned into G(r).

    Attributes
    ----------
    window
        Its ``q_max`` may reach beyond the data, whose end is then taken.
    r_max_A
        Largest distance, Å.
    normalise
        Whether S(Q) is shifted so that it tends to 1.
    """

    window: Window
    r_max_A: float = 20.0
    normalise: bool = True


def functions_of(
    pattern: TotalScattering, composition: Composition, settings: TransformSettings
) -> Functions:
    """Return S(Q) and G(r) of a measured function of any form.

    Raises
    ------
    InputError
        If the form cannot be converted, a number density is needed and missing, or a function of r
        does not say of which range of Q it is the transform.
    """
    if pattern.in_r:
        return _from_pairs(pattern, composition, settings)
    return _from_factor(pattern, composition, settings)


def _from_factor(
    pattern: TotalScattering, composition: Composition, settings: TransformSettings
) -> Functions:
    curve = pattern.measurement.curve
    positive = _part(curve, curve.x > 0)
    form = next(known for known in FACTOR_FORMS if known == pattern.form)
    how = (composition.fractions, composition.probe)
    factor = convert_factor(positive, how, source=form, target="S(Q)")
    window = _within(settings.window, float(factor.x[0]), float(factor.x[-1]))
    factor = _part(factor, factor.x <= window.q_max + 1e-9)
    notes: list[str] = []
    if factor.y_error is None:
        factor = replace(factor, y_error=scatter(factor))
        notes.append("errors of S(Q) estimated from the scatter of its points")
    level, trend = _end_of(factor)
    if settings.normalise and abs(level.value - 1.0) > max(_LEVEL_OFF, 3.0 * level.error):
        notes.append(f"S(Q) tended to {level.value:.3f} and was shifted to 1")
        factor = replace(factor, y=factor.y.real - (level.value - 1.0))
        level = level.provisional("not 1: the normalisation of the data is off")
    if abs(trend.value) > 3.0 * trend.error and abs(trend.value) * window.q_max > 0.03:
        notes.append(
            "S(Q) still rises or falls at its end: absorption, fluorescence, Compton or inelastic "
            "scattering is not fully taken out"
        )
    r = _even(settings.r_max_A, _STEP_A)
    reduced = reduced_from_factor(factor, window, r)
    reduced = replace(reduced, y_error=error_in_r(factor, window, r))
    named = Curve(factor.x, factor.y, _Q, _S, factor.y_error, label="S(Q)")
    return Functions(named, replace(reduced, label="G(r)"), window, level, trend, tuple(notes))


def _from_pairs(
    pattern: TotalScattering, composition: Composition, settings: TransformSettings
) -> Functions:
    curve = pattern.measurement.curve
    positive = _part(curve, curve.x > 0)
    if pattern.form == "G_PDF(r)":
        reduced = Curve(positive.x, positive.y, _R, _G, positive.y_error, label="G(r)")
    else:
        how = (composition.fractions, composition.probe)
        reduced = convert_pairs(
            positive,
            how,
            source=pattern.form,  # type: ignore[arg-type]
            target="G_PDF(r)",
            number_density=composition.number_density,
        )
        reduced = replace(reduced, label="G(r)")
    if pattern.q_max is None:
        raise InputError(
            "A G(r) is the transform of a range of Q, which has to be known",
            received="neither the file nor an option says it",
            remedy="give --q-max",
        )
    known = replace(
        settings.window, q_max=pattern.q_max, q_min=min(pattern.q_min or 0.0, pattern.q_max / 2)
    )
    q = _even(pattern.q_max, _STEP_Q)
    factor = replace(factor_from_reduced(reduced, q), label="S(Q)")
    reason = "G(r) was measured; the level of S(Q) is in its making"
    refused = Quantity.refused("1", reason), Quantity.refused("Å", reason)
    note = f"S(Q) is the transform of G(r) up to {reduced.x[-1]:.3g} Å"
    kept = _part(reduced, reduced.x <= settings.r_max_A)
    return Functions(factor, kept, known, *refused, (note,))


def _even(end: float, step: float) -> Floats:
    return np.asarray(np.arange(1, int(end / step) + 1) * step, dtype=float)


def _part(curve: Curve, kept: NDArray[np.bool_]) -> Curve:
    error = None if curve.y_error is None else curve.y_error[kept]
    return replace(curve, x=curve.x[kept], y=curve.y[kept], y_error=error)


def _within(window: Window, first: float, last: float) -> Window:
    low, high = max(window.q_min, first), min(window.q_max, last)
    if high - low < 3.0:
        raise InputError(
            "A transform needs 3 1/Å of S(Q) or more",
            received=f"{low:.3g} to {high:.3g} 1/Å",
            remedy="raise --q-max or lower --q-min",
        )
    return replace(window, q_min=low, q_max=high)


def scatter(curve: Curve) -> Floats:
    """Return the standard deviation of noise along a curve from its second differences, (n,).

    Robust against structure that is wider than three points; slowly varying.
    """
    y = curve.y.real
    second = np.abs(y[2:] - 2.0 * y[1:-1] + y[:-2]) / math.sqrt(6.0)
    width = max(5, len(second) // 20) | 1
    local = _MAD * median_filter(second, size=width, mode="nearest")
    spread = np.concatenate([local[:1], local, local[-1:]])
    return np.asarray(np.maximum(spread, 1e-3 * float(np.median(spread)) + 1e-12), dtype=float)


def _end_of(factor: Curve) -> tuple[Quantity, Quantity]:
    """Return level and slope of the last quarter of S(Q), by a straight line."""
    first = factor.x[-1] - _HIGH_Q_SHARE * (factor.x[-1] - factor.x[0])
    inside = factor.x >= first
    x, y = factor.x[inside], factor.y.real[inside]
    design = np.stack([np.ones(len(x)), x - x.mean()], axis=1)
    found, *_ = np.linalg.lstsq(design, y, rcond=None)
    left = y - design @ found
    # What is left is structure more than noise: it repeats about every angstrom^-1.
    independent = max(2.0, float(np.ptp(x)) / 1.0)
    error = float(np.std(left)) / math.sqrt(independent)
    slope = error / float(np.std(x))
    return Quantity.normal(float(found[0]), error, "1"), Quantity.normal(
        float(found[1]), slope, "Å"
    )


def waves(q: Floats, window: Window, r: Floats) -> Floats:
    """Return the matrix that turns S(Q) - 1 into G(r), (n_r, n_q): a sum by trapezia."""
    weights = np.gradient(q) * q * modification(q, window) * (2.0 / math.pi)
    damped = np.exp(-0.5 * (r * window.q_damp) ** 2)
    return np.asarray(np.sin(np.outer(r, q)) * weights * damped[:, None], dtype=float)


def error_in_r(factor: Curve, window: Window, r: Floats) -> Floats:
    """Return the standard errors of G(r) from those of S(Q), independent from point to point."""
    if factor.y_error is None:
        raise InputError("Errors of G(r) come from those of S(Q)", received="none")
    return np.asarray(np.sqrt(waves(factor.x, window, r) ** 2 @ factor.y_error**2), dtype=float)
