"""The amorphous share of a powder by an internal standard, from the shares of a refinement."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import NORMAL_95, Quantity
from vitrolyte.data.result import Result

CITATIONS = ("10.1107/S0021889887086199", "10.1107/S0021889801002485")
_IMPOSSIBLE_IN_ERRORS = 3.0


@dataclass(frozen=True, eq=False)
class InternalStandard(Result):
    """What a weighed standard says of the phases beside it.

    Attributes
    ----------
    amorphous
        Mass share of the sample (without the standard) that the refinement does not see.
    crystalline
        Mass share of each crystalline phase in the sample.
    smallest
        Amorphous share that would stand out of its error at 95 %, one-sided; NaN without errors.
    """

    amorphous: Quantity
    crystalline: Mapping[str, Quantity]
    smallest: float

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the amorphous fraction and the fraction of each crystalline phase."""
        method = "internal standard, mass share"
        rows = [computed(sample, "amorphous_fraction", self.amorphous, method=method)]
        for name, share in self.crystalline.items():
            rows.append(computed(sample, "phase_fraction", share, of=name, method=method))
        return tuple(rows)


def amorphous_fraction(
    weighed: Quantity, refined: Quantity, phases: Mapping[str, Quantity] | None = None
) -> InternalStandard:
    """Return the amorphous mass fraction of a sample to which a crystalline standard was added.

    ``w_am = [1 / (1 - w_s)] (1 - w_s / w_R)``: a refinement makes the crystalline phases add up
    to one, and so overrates the standard, ``w_R > w_s``, by what it does not see. A phase refined
    to ``w_p`` of the mixture is ``w_p (w_s / w_R) / (1 - w_s)`` of the sample. Errors of the inputs
    are taken as independent and carried to first order.

    Parameters
    ----------
    weighed
        Mass fraction w_s of the standard in the mixture, as weighed (times the crystalline share
        of the standard itself, where that is known to be less than one), unit ``1``.
    refined
        Mass fraction w_R of the standard by the refinement, among the crystalline phases.
    phases
        Refined mass fractions of the crystalline phases, without the standard.

    Returns
    -------
    InternalStandard
        Refused where w_R is below w_s by more than three errors: no share can be negative.
        Provisional where it is below by less, where no errors are given, or where the amorphous
        share does not stand out of its error.

    Raises
    ------
    InputError
        If a share is not between 0 and 1, refused, or in another unit.

    References
    ----------
    Hill & Howard, J. Appl. Cryst. 20, 467 (1987), doi:10.1107/S0021889887086199; De La Torre,
    Bruque & Aranda, J. Appl. Cryst. 34, 196 (2001), doi:10.1107/S0021889801002485.
    """
    given = dict(phases or {})
    for name, share in {"weighed": weighed, "refined": refined, **given}.items():
        _check(name, share)
    w, r = weighed.value, refined.value
    value = (1.0 - w / r) / (1.0 - w)
    by_weighed = (1.0 - 1.0 / r) / (1.0 - w) ** 2
    by_refined = w / (r**2 * (1.0 - w))
    error = math.hypot(by_weighed * weighed.error, by_refined * refined.error)
    shares = {name: _of_sample(share, weighed, refined) for name, share in given.items()}
    return InternalStandard(_judged(value, error), shares, 1.645 * error)


def _check(name: str, share: Quantity) -> None:
    if share.unit != "1" or not 0.0 < share.value < 1.0:
        raise InputError(
            "Mass shares lie between 0 and 1",
            received=f"{name}: {share.value} {share.unit}",
            remedy="give per cent divided by 100",
        )


def _judged(value: float, error: float) -> Quantity:
    if math.isnan(error):
        return Quantity(value, "1").provisional("no errors were given for the two shares")
    if value < -_IMPOSSIBLE_IN_ERRORS * error:
        return Quantity.refused(
            "1",
            f"the refined share of the standard is below the weighed one ({value:.3f} ± "
            f"{error:.3f} amorphous): check microabsorption and the mixture",
        )
    half = NORMAL_95 * error
    low, high = max(0.0, value - half), min(1.0, value + half)
    found = Quantity(value, "1", error=error, low=low, high=high)
    if value <= 1.645 * error:
        return found.provisional("not distinguishable from no amorphous share")
    return found


def _of_sample(share: Quantity, weighed: Quantity, refined: Quantity) -> Quantity:
    w, r = weighed.value, refined.value
    value = share.value * w / r / (1.0 - w)
    relative = (share.error / share.value, weighed.error / (w * (1.0 - w)), refined.error / r)
    error = math.hypot(*relative) * value
    return Quantity.normal(value, error, "1") if error == error else Quantity(value, "1")


def mass_fractions(
    scale_factors: Mapping[str, Quantity], cell_weights: Mapping[str, float]
) -> dict[str, Quantity]:
    """Return the mass fractions of crystalline phases from Rietveld scale factors.

    ``w_p = S_p (Z M V)_p / sum_q S_q (Z M V)_q``; errors of the scale factors are taken as
    independent.

    Parameters
    ----------
    scale_factors
        By phase; any common unit.
    cell_weights
        Z M V of each phase: formula units in the cell, times molar mass, times volume of the cell.

    Raises
    ------
    InputError
        If the phases differ, or a number is not positive.

    References
    ----------
    Hill & Howard, J. Appl. Cryst. 20, 467 (1987), doi:10.1107/S0021889887086199.
    """
    numbers = [one.value for one in scale_factors.values()] + list(cell_weights.values())
    if set(scale_factors) != set(cell_weights) or not numbers or not min(numbers) > 0:
        raise InputError(
            "Each phase needs a positive scale factor and a positive Z M V",
            received=f"scale factors of {', '.join(scale_factors)}, Z M V of "
            f"{', '.join(cell_weights)}",
        )
    parts = {name: one.scaled(cell_weights[name], "1") for name, one in scale_factors.items()}
    total = sum(part.value for part in parts.values())
    found = {}
    for name, part in parts.items():
        share = part.value / total
        others = [(share * other.error) ** 2 for key, other in parts.items() if key != name]
        error = math.sqrt(((1.0 - share) * part.error) ** 2 + sum(others)) / total
        found[name] = Quantity(share, "1") if error != error else Quantity.normal(share, error, "1")
    return found
