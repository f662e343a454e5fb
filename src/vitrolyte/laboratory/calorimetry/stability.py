"""Figures of glass stability from the temperatures of one scan."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vitrolyte.data.quantity import Quantity
from vitrolyte.laboratory.calorimetry.results import GlassTransition, Stability, ThermalEvent
from vitrolyte.laboratory.calorimetry.settings import CalorimetrySettings
from vitrolyte.laboratory.calorimetry.uncertainty import in_doubt, ratio_error, reasons


def stability(
    transition: GlassTransition | None,
    events: Sequence[ThermalEvent],
    settings: CalorimetrySettings,
    scan: str,
) -> Stability | None:
    """Return the stability of a glass that was seen to crystallise on heating; None otherwise."""
    crystallised = [event for event in events if event.kind == "crystallisation"]
    if transition is None or not crystallised or not scan.startswith("heating"):
        return None
    molten = [event.onset for event in events if event.kind == "melting"]
    melting = molten[-1] if molten else Quantity.refused("K", "no melting was seen")
    if settings.melting_K is not None:
        melting = Quantity.normal(settings.melting_K, settings.temperature_error_K, "K")
    return figures_of_stability(transition.onset, crystallised[0].onset, melting, scan=scan)


def figures_of_stability(
    glass: Quantity, crystallisation: Quantity, melting: Quantity, *, scan: str = "heating"
) -> Stability:
    r"""Return the figures of stability with propagated, independent errors.

    .. math::

        \Delta T = T_x - T_g, \quad K_H = \frac{T_x - T_g}{T_m - T_x}, \quad
        K_W = \frac{T_x - T_g}{T_m}, \quad \gamma = \frac{T_x}{T_g + T_m}

    Parameters
    ----------
    glass, crystallisation, melting
        Onsets, K.

    References
    ----------
    Hruby, Czech. J. Phys. B 22, 1187 (1972), doi:10.1007/BF01690134; Weinberg, J. Non-Cryst.
    Solids 167, 81 (1994), doi:10.1016/0022-3093(94)90370-0; Lu and Liu, Acta Mater. 50, 3501
    (2002), doi:10.1016/S1359-6454(02)00166-0.
    """
    g, x, m = glass.value, crystallisation.value, melting.value
    pair, all_three = (glass, crystallisation), (glass, crystallisation, melting)
    return Stability(
        range=_figure(pair, x - g, (-1.0, 1.0), "K"),
        hruby=_figure(
            all_three,
            (x - g) / (m - x),
            (-1 / (m - x), (m - g) / (m - x) ** 2, -(x - g) / (m - x) ** 2),
        ),
        weinberg=_figure(all_three, (x - g) / m, (-1 / m, 1 / m, -(x - g) / m**2)),
        lu_liu=_figure(all_three, x / (g + m), (-x / (g + m) ** 2, 1 / (g + m), -x / (g + m) ** 2)),
        scan=scan,
    )


def _figure(
    numbers: tuple[Quantity, ...], value: float, slopes: tuple[float, ...], unit: str = "1"
) -> Quantity:
    refused = [number.note for number in numbers if number.status == "refused"]
    if refused:
        return Quantity.refused(unit, refused[0])
    if not np.isfinite(value):
        return Quantity.refused(unit, "two of the temperatures coincide")
    found = Quantity.normal(value, ratio_error(numbers, slopes), unit)
    return in_doubt(found, reasons(numbers))
