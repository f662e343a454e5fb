"""Pictures of the laws of temperature beside their points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.model import Floats
from vitrolyte.data.posterior import Posterior
from vitrolyte.data.separable import ScatteredPoints
from vitrolyte.observe.motion.arrhenius import TemperatureSeries
from vitrolyte.observe.motion.law_fits import WIDEST_LOGARITHM, apparent_energies
from vitrolyte.observe.motion.temperature_laws import VOGEL

_INVERSE = Axis("1000/T", "1/K")
_ENERGY = Axis("apparent activation energy", "eV")
_BESIDE_VOGEL = 1.05
"""Nearer to its Vogel temperature than this VFT leaves any logarithmic picture."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """What is drawn: points, the chosen law with its band, the others as lines.

    Attributes
    ----------
    series, points
        What was fitted.
    posteriors, chosen
        Of each law, and the place of the chosen one.
    to_K
        Temperature to which the lines are drawn; None where they end with the points.
    """

    series: TemperatureSeries
    points: ScatteredPoints
    posteriors: tuple[Posterior, ...]
    chosen: int
    to_K: float | None

    def arrhenius_plot(self) -> CurveSet:
        """Return the quantity, or the quantity times T, against 1000/T."""
        kind, label = self.series.kind, self.series.of or "points"
        p = self.points
        y = np.exp(p.y - p.known(p.x))
        error = None if p.y_error is None else y * p.y_error
        shown = Curve(1000.0 / p.x, y, _INVERSE, kind.axis, error, label)
        lines = [self._line(place) for place in self._order]
        title = f"Arrhenius plot: {kind.word.replace('_', ' ')}, {self.series.method}"
        return CurveSet(title.rstrip(", "), (shown, *lines), log_y=True, points=(label,))

    def energies(self) -> CurveSet:
        """Return the slope of each law over the range of the points."""
        word = self.series.kind.word.replace("_", " ")
        curves = tuple(self._energy(place) for place in self._order)
        return CurveSet(f"Apparent activation energy: {word}", curves)

    @property
    def _order(self) -> list[int]:
        others = [k for k in range(len(self.posteriors)) if k != self.chosen]
        return [self.chosen, *others]

    def _label(self, place: int) -> str:
        name = self.posteriors[place].model.name
        return f"{name} (chosen)" if place == self.chosen else name

    def _line(self, place: int) -> Curve:
        posterior, x = self.posteriors[place], self._temperatures(self.posteriors[place])
        log_y, error = posterior.curve(x)
        y = np.exp(np.clip(log_y, -WIDEST_LOGARITHM, WIDEST_LOGARITHM))
        band = y * error if place == self.chosen else None
        return Curve(1000.0 / x, y, _INVERSE, self.series.kind.axis, band, self._label(place))

    def _temperatures(self, posterior: Posterior) -> Floats:
        ends = self.points.x if self.to_K is None else np.append(self.points.x, self.to_K)
        x = 1000.0 / np.linspace(1000.0 / ends.max(), 1000.0 / ends.min(), 100)
        if posterior.model.name == VOGEL:
            x = x[x > _BESIDE_VOGEL * posterior.model.places[posterior.likely].max()]
        return np.asarray(x)

    def _energy(self, place: int) -> Curve:
        t = np.linspace(self.points.x.min(), self.points.x.max(), 40)
        values, errors = apparent_energies(self.posteriors[place], t)
        band = errors if place == self.chosen else None
        return Curve(t, values, Axis("temperature", "K"), _ENERGY, band, self._label(place))
