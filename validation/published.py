"""Figures that publications print and that need no simulation."""

from __future__ import annotations

from validation.check import Check
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation
from vitrolyte.data.units import U_PER_A3_TO_G_PER_CM3
from vitrolyte.literature.table import observations
from vitrolyte.matter.composition import parse_formula
from vitrolyte.matter.prototypes import crystal


def printed(identity: str) -> Observation:
    """Return one row of the table of published numbers.

    Raises
    ------
    InputError
        If there is no row of that id.
    """
    for row in observations():
        if row.origin == identity:
            return row
    raise InputError("The id of a published number", received=identity)


def value(identity: str) -> float:
    """Return the value of one published number.

    Raises
    ------
    InputError
        If there is no row of that id or it is a range.
    """
    number = printed(identity).value
    if number is None:
        raise InputError("A published number with one value", received=identity)
    return number


def densities() -> tuple[Check, ...]:
    """Return densities from published cells, and the ratio of two, as the papers print them."""
    edge, dense = value("F0306"), value("F0008")
    found = parse_formula("Li2OHBr").mass_u / edge**3 * U_PER_A3_TO_G_PER_CM3
    # Printed to 0.01 g/cm³; the edge is printed to 0.001 Å, which moves the density by 0.07 %.
    slack = 0.005 + found * 3 * 0.0005 / edge
    crystal_density = Check.within(
        f"density of Li2OHBr crystal (F0008, {printed('F0008').source}) from its lattice "
        "parameter (F0306), g/cm³",
        dense,
        found,
        bounds=(dense - slack, dense + slack),
        command="",
    )
    ratio = value("F0006")
    ours = value("F0007") / found
    # The glass was measured to 0.05 g/cm³ (F0007); the ratio is printed to 0.01.
    slack = 0.005 + 0.05 / found
    return (
        crystal_density,
        Check.within(
            f"density ratio of Li2OHBr glass to crystal (F0006, {printed('F0006').source})",
            ratio,
            ours,
            bounds=(ratio - slack, ratio + slack),
            command="",
        ),
    )


def lattice_guesses() -> tuple[Check, ...]:
    """Return lattice parameters at which the ions touch, said to be right to a few per cent."""
    return tuple(
        _guess(formula, identity)
        for formula, identity in (("Li3OCl", "F0439"), ("Li3OBr", "F0442"))
    )


def _guess(formula: str, identity: str) -> Check:
    row = printed(identity)
    expected = value(identity)
    found = float(crystal(formula, "antiperovskite").cells[0, 0, 0])
    return Check.within(
        f"first guess of the lattice parameter of {formula} ({identity}, {row.source}) to 5 %, Å",
        expected,
        found,
        bounds=(expected * 0.95, expected * 1.05),
        command="",
    )
