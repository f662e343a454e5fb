"""Anomalous scattering at the lines of the usual anodes."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from vitrolyte.observe.scattering.optics import K_ALPHA_A

CITATIONS = ("10.1063/1.555974",)


def anode_of(wavelength_A: float) -> str | None:
    """Return the anode whose K-alpha lines a wavelength belongs to, or None."""
    for anode, (first, second) in K_ALPHA_A.items():
        if first * (1.0 - 5e-4) <= wavelength_A <= second * (1.0 + 5e-4):
            return anode
    return None


@cache
def _table() -> dict[str, dict[str, complex]]:
    text = (files("vitrolyte.observe.scattering") / "chantler_anomalous.csv").read_text("utf-8")
    found: dict[str, dict[str, complex]] = {}
    for row in csv.DictReader(text.splitlines()):
        found[row["element"]] = {
            anode: complex(float(row[f"{anode}_f1"]), float(row[f"{anode}_f2"]))
            for anode in K_ALPHA_A
        }
    return found


def anomalous_parts(elements: Iterable[str], wavelength_A: float) -> dict[str, complex]:
    """Return ``f' + i f''`` of elements at an anode's K-alpha, electrons; nothing at other lines.

    References
    ----------
    Chantler, J. Phys. Chem. Ref. Data 24, 71 (1995), doi:10.1063/1.555974, tabulated at
    (2 K-alpha-1 + K-alpha-2) / 3 of each anode.
    """
    anode = anode_of(wavelength_A)
    if anode is None:
        return {}
    return {e: _table()[e][anode] for e in dict.fromkeys(elements) if e in _table()}
