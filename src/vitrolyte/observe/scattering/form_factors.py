"""How strongly an element scatters X-rays."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitrolyte.data.errors import InputError

CITATION = "10.1107/S0108767394013292"
LARGEST_Q = 75.0
"""The fit holds up to sin(theta)/lambda = 6 1/Å, Q = 24 pi 1/Å."""


@cache
def _coefficients() -> dict[str, tuple[float, ...]]:
    table = files("vitrolyte.observe.scattering") / "waasmaier_kirfel_1995.csv"
    text = table.read_text(encoding="utf-8")
    rows = csv.reader(text.splitlines()[1:])
    return {row[0]: tuple(map(float, row[1:])) for row in rows}


def x_ray_form_factor(element: str, q: ArrayLike) -> NDArray[np.float64]:
    """Return the X-ray form factor of a free neutral atom, electrons.

    ``f(Q) = c + sum_i a_i exp(-b_i s^2)``, ``s = Q / 4 pi``; no anomalous part. The charge of an
    ion matters below about 2 1/Å only; an ion is asked for as ``Cl1-`` or ``Li1+``.

    Parameters
    ----------
    element
        Element symbol or ion.
    q
        Scattering vector, 1/Å, at most 75.

    Raises
    ------
    InputError
        If the element or ion is not in the table.

    References
    ----------
    Waasmaier & Kirfel, Acta Cryst. A 51, 416 (1995), doi:10.1107/S0108767394013292.
    """
    known = _coefficients()
    name = "H" if element == "D" else element
    if name not in known:
        raise InputError(
            "A form factor is known for the atoms and ions of Waasmaier and Kirfel's table",
            received=repr(element),
            remedy="write an ion with its charge behind it, like Li1+",
        )
    numbers = known[name]
    s2 = (np.asarray(q, dtype=float) / (4.0 * np.pi)) ** 2
    total = np.full(s2.shape, numbers[10])
    for a, b in zip(numbers[:5], numbers[5:10]):
        total += a * np.exp(-b * s2)
    return total
