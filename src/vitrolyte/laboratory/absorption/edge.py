"""The absorption edge: where it is, what lies under it, how high it steps."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from vitrolyte.data.curve import Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.quantity import Quantity

Floats = NDArray[np.float64]

_SMOOTHING_EV = 1.0
_GRID_EV = 0.25
_MOST_GRID = 400_000
_EDGES_LEFT_OUT = 0.01
_FEWEST = 4
_SIGNIFICANT = 5.0
_LONG_RANGE_EV = 300.0
_OTHER_ORDERS = (1, 2, 3)
_OTHER_STARTS = (1.0, 1.5, 2.0)
_FINE_STRUCTURE_EV = 100.0


@dataclass(frozen=True)
class EdgeSettings:
    """Ranges of the normalisation, eV from the edge; None for what the data allow.

    Attributes
    ----------
    e0_eV
        Edge energy; None for the steepest rise.
    pre
        Ends of the range in which a straight line is laid under the edge.
    post
        Ends of the range in which a polynomial is laid over it.
    order
        Of that polynomial; None for 2, or 1 where the range is shorter than 300 eV.

    Raises
    ------
    InputError
        If a range does not rise or lies on the wrong side of the edge.
    """

    e0_eV: float | None = None
    pre: tuple[float, float] | None = None
    post: tuple[float, float] | None = None
    order: int | None = None

    def __post_init__(self) -> None:
        below = self.pre is None or self.pre[0] < self.pre[1] < 0
        above = self.post is None or 0 < self.post[0] < self.post[1]
        if not (below and above) or not (self.order is None or 0 <= self.order <= 3):
            raise InputError(
                "Ranges of a normalisation rise, the first below the edge and the second above it; "
                "its polynomial has an order of 0 to 3",
                received=str(self),
            )


@dataclass(frozen=True, eq=False)
class Edge:
    """An edge with what was laid under and over it.

    Attributes
    ----------
    e0_eV
        Edge energy.
    step
        Height at e0; its interval spans other orders and ranges of the polynomial.
    under, over
        The line and the polynomial, (n,), at the energies of the spectrum.
    note
        Ranges in words.
    """

    e0_eV: float
    step: Quantity
    under: Floats
    over: Floats
    note: str


def find_edge(mu: Curve) -> float:
    """Return the energy at which μ(E) rises most steeply, eV.

    μ is smoothed by a Gaussian of 1 eV, or of the distance of the points where that is longer.

    Raises
    ------
    InputError
        If μ rises nowhere.
    """
    x, y = mu.x, mu.y.real
    coarse = float(np.median(np.diff(x)))
    step = max(_GRID_EV, float(np.ptp(x)) / _MOST_GRID)
    grid = np.arange(x[0], x[-1], step)
    slope = gaussian_filter1d(
        np.interp(grid, x, y), max(_SMOOTHING_EV, min(coarse, 5.0)) / step, order=1, mode="nearest"
    )
    margin = max(2, int(_EDGES_LEFT_OUT * len(grid)))
    inside = slope[margin:-margin]
    if len(inside) < 3 or not inside.max() > 0:
        raise InputError("An absorption edge has to rise", received="µ(E) that falls throughout")
    top = margin + int(inside.argmax())
    low, middle, high = slope[top - 1 : top + 2]
    bend = low - 2.0 * middle + high
    shift = 0.5 * (low - high) / bend if bend < 0 else 0.0
    return float(grid[top] + shift * step)


def normalise(mu: Curve, settings: EdgeSettings) -> Edge:
    """Return the edge of a spectrum: a line under it, a polynomial over it, and the step between.

    Parameters
    ----------
    mu
        μ(E), rising energies, eV.
    settings
        Ranges.

    Raises
    ------
    InputError
        If the spectrum does not reach far enough on both sides of the edge, or shows no step that
        stands out of its noise.
    """
    e0 = find_edge(mu) if settings.e0_eV is None else settings.e0_eV
    away = mu.x - e0
    pre, post = _ranges(away, settings, e0)
    order = settings.order
    if order is None:
        order = 2 if post[1] - post[0] > _LONG_RANGE_EV else 1
    y = mu.y.real
    under = np.asarray(_laid(away, y, pre, 1))
    over = under + _laid(away, y - under, post, order)
    step = _step_at_edge(away, over - under)
    noise = _scatter(away, y - under, pre)
    if not step > _SIGNIFICANT * noise:
        raise InputError(
            "A spectrum needs an edge that steps up out of its noise",
            received=f"a step of {step:.3g} at {e0:.1f} eV over a noise of {noise:.2g}",
            remedy="check the columns (i0 and it exchanged?), or give --e0-eV",
        )
    others = _other_steps(away, y - under, post)
    spread = float(np.std([*others, step]))
    note = (
        f"line from {pre[0]:.0f} to {pre[1]:.0f} eV, polynomial of order {order} from "
        f"{post[0]:.0f} to {post[1]:.0f} eV"
    )
    return Edge(e0, Quantity.normal(step, spread, "1"), under, over, note)


def _ranges(
    away: Floats, settings: EdgeSettings, e0: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    first, last = float(away[0]), float(away[-1])
    pre = settings.pre or (max(first, -200.0), -30.0 if first < -60.0 else 0.5 * first)
    post = settings.post or (min(150.0, max(20.0, last / 5.0)), last)
    ends = ((pre[0], pre[1]), (max(post[0], 0.0), min(post[1], last)))
    counts = [int(np.sum((away >= low) & (away <= high))) for low, high in ends]
    if min(counts) < _FEWEST or ends[1][0] >= ends[1][1]:
        raise InputError(
            f"An edge at {e0:.1f} eV needs at least {_FEWEST} points well below and well above it",
            received=f"{counts[0]} below, {counts[1]} above; spectrum from {first:.0f} to "
            f"{last:.0f} eV of the edge",
            remedy="give --e0-eV, or a spectrum that begins before the edge",
        )
    return ends


def _laid(away: Floats, y: Floats, ends: tuple[float, float], order: int) -> Floats:
    inside = (away >= ends[0]) & (away <= ends[1])
    order = min(order, int(np.sum(inside)) - 1)
    scale = max(abs(ends[0]), abs(ends[1]))
    # Points weigh by the energy that they stand for: scans are denser near the edge.
    weight = np.sqrt(np.gradient(away)[inside])
    coefficients = np.polynomial.polynomial.polyfit(
        away[inside] / scale, y[inside], order, w=weight
    )
    return np.asarray(np.polynomial.polynomial.polyval(away / scale, coefficients))


def _step_at_edge(away: Floats, difference: Floats) -> float:
    return float(np.interp(0.0, away, difference))


def _scatter(away: Floats, y: Floats, ends: tuple[float, float]) -> float:
    inside = (away >= ends[0]) & (away <= ends[1])
    return float(np.std(y[inside]))


def _other_steps(away: Floats, y: Floats, post: tuple[float, float]) -> list[float]:
    """Return the steps by other polynomials that would be as good a choice."""
    found = []
    for order, factor in product(_OTHER_ORDERS, _OTHER_STARTS):
        ends = (post[0] * factor, post[1])
        wide = ends[1] - ends[0]
        # A cubic over a short range runs away at the edge: no one would choose it.
        if wide > _FINE_STRUCTURE_EV * (1.0 + order) and int(np.sum(away >= ends[0])) > 3 * order:
            found.append(_step_at_edge(away, _laid(away, y, ends, order)))
    return found
