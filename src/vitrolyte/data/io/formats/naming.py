"""From types, labels and masses to elements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ase.data import atomic_masses, atomic_numbers, chemical_symbols

from vitrolyte.data.errors import InputError

_SHOWN = 12
_NO_WEIGHT = ("Tc", "Pm", "Po", "At", "Rn", "Fr", "Ra", "Ac", "Pa")
"""Elements without a standard atomic weight, up to uranium."""


def element_of_mass(mass: float) -> str | None:
    """Return the one element whose standard atomic weight is a mass (u), or None.

    The weight must lie within 0.05 u, and every other at least 0.05 u further away.
    """
    weights = {s: m for s, m in zip(chemical_symbols, atomic_masses[:93]) if s not in _NO_WEIGHT}
    near = sorted((abs(m - mass), s) for s, m in weights.items() if s != "X")[:2]
    alone = near[0][0] < 0.05 and near[1][0] - near[0][0] > 0.05
    return near[0][1] if alone else None


def element_of_label(label: str) -> str | None:
    """Return the element that a label spells, ``Li`` or ``LI``, or None."""
    for spelt in (label, label.capitalize()):
        if spelt in atomic_numbers and spelt != "X":
            return spelt
    return None


def elements_of(
    labels: Sequence[str],
    type_map: Mapping[str, str],
    masses: Mapping[str, float] | None = None,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the element of each atom, and notes on those that were named by mass.

    Parameters
    ----------
    labels
        (n_atoms,), types or names as in the file.
    type_map
        Elements by label; goes before what a label spells, and that before masses.
    masses
        By label, u, as the file states them.

    Raises
    ------
    InputError
        If an element stays unknown; lists the types found.
    """
    found = dict.fromkeys(labels)
    named, notes = {}, []
    for label in found:
        element = type_map.get(label) or element_of_label(label)
        if element is None and masses and label in masses:
            element = element_of_mass(masses[label])
            if element:
                notes.append(f"type {label} is {element} by its mass of {masses[label]:g} u")
        if element:
            named[label] = element
    unknown = [label for label in found if label not in named]
    if unknown:
        raise _unnamed(sorted(unknown, key=_rank), sorted(found, key=_rank), masses or {})
    return tuple(named[label] for label in labels), tuple(notes)


def _unnamed(unknown: list[str], found: list[str], masses: Mapping[str, float]) -> InputError:
    shown = ", ".join(
        label[:20] + (f" (mass {masses[label]:g})" if label in masses else "")
        for label in found[:_SHOWN]
    )
    keys = ", ".join(f"{_key(label)}: ..." for label in unknown[:_SHOWN])
    return InputError(
        "The element of every atom must be known",
        received=f"types {shown}{' ...' if len(found) > _SHOWN else ''}",
        remedy=f"name their elements: type_map={{{keys}}}, or --types 1=Li,2=O",
    )


def _rank(label: str) -> tuple[int, int, str]:
    number = int(label[:9]) if label.isascii() and label.isdigit() else 0
    return (0, number, label) if number else (1, 0, label)


def _key(label: str) -> str:
    return label if label.isdigit() else repr(label[:20])
