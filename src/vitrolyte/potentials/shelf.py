"""The shelves: the potentials at hand, shipped and of one's own, and which covers a chemistry.

Shelves are folders of folders, each with a ``potential.toml``: the shipped one, ``potentials/`` of
the working folder, and the folders in the environment variable ``VITROLYTE_POTENTIALS``.
"""

from __future__ import annotations

import difflib
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vitrolyte.data.errors import InputError
from vitrolyte.potentials.card import read_card as read_card
from vitrolyte.potentials.card import write_card as write_card
from vitrolyte.potentials.potential import Potential
from vitrolyte.potentials.potential_file import SETTINGS
from vitrolyte.potentials.potential_file import read as read

SHIPPED = Path(__file__).parent / "shipped"
OWN = Path("potentials")
VARIABLE = "VITROLYTE_POTENTIALS"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stock:
    """What stands on the shelves.

    Attributes
    ----------
    potentials
        In alphabetical order of their names.
    faults
        By name of the folder: why what lies there cannot be used.
    """

    potentials: tuple[Potential, ...]
    faults: tuple[tuple[str, InputError], ...]


def shelves() -> tuple[Path, ...]:
    """Return the folders in which potentials are looked for, those that exist."""
    named = [Path(part) for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part]
    folders = dict.fromkeys(path.resolve() for path in (SHIPPED, OWN, *named))
    return tuple(folder for folder in folders if folder.is_dir())


def stock(folders: Sequence[Path] | None = None) -> Stock:
    """Read every potential on the shelves; a broken one hides no other.

    Parameters
    ----------
    folders
        The shelves; `shelves` where left out.

    Raises
    ------
    InputError
        If two different potentials have one name.
    """
    found: dict[str, tuple[Potential, Path]] = {}
    faults = []
    for folder in _folders(folders):
        try:
            potential = _read_named(folder)
        except InputError as fault:
            faults.append((folder.name, fault))
            continue
        _require_unique(potential, folder, found.get(potential.name))
        found.setdefault(potential.name, (potential, folder))
    return Stock(tuple(found[name][0] for name in sorted(found)), tuple(faults))


def available(folders: Sequence[Path] | None = None) -> tuple[str, ...]:
    """Name the potentials at hand, in alphabetical order; what cannot be read is left out."""
    return tuple(potential.name for potential in stock(folders).potentials)


def load(name: str, folders: Sequence[Path] | None = None) -> Potential:
    """Read one potential by its name.

    Raises
    ------
    InputError
        No potential of that name is at hand, or what lies under the name cannot be used.
    """
    at_hand = stock(folders)
    by_name = {potential.name: potential for potential in at_hand.potentials}
    if name in by_name:
        return by_name[name]
    for folder, fault in at_hand.faults:
        if folder == name:
            raise fault
    near = difflib.get_close_matches(name, by_name, n=1)
    raise InputError(
        "The name of a potential at hand",
        received=repr(name),
        remedy=(f"did you mean {near[0]!r}? " if near else "")
        + f"choose one of: {', '.join(by_name) or 'none is installed'}",
    )


def find(elements: Sequence[str], folders: Sequence[Path] | None = None) -> Potential:
    """Find the potential that covers these elements.

    A trusted one comes first, then a student before a classical one, then the narrowest.

    Raises
    ------
    InputError
        No potential at hand covers the chemistry; the message lists those that there are.
    """
    at_hand = stock(folders)
    for _, fault in at_hand.faults:
        log.warning("passed over: %s", fault.message())
    fitting = [one for one in at_hand.potentials if one.covers(tuple(elements))]
    if not fitting:
        listed = "; ".join(f"{p.name} ({' '.join(p.elements)})" for p in at_hand.potentials)
        raise InputError(
            f"A potential for {' '.join(elements)}",
            received=f"potentials at hand: {listed or 'none'}",
            remedy="choose a covered chemistry or distil a student for this one",
        )
    return min(fitting, key=_preference)


def _folders(folders: Sequence[Path] | None) -> Iterator[Path]:
    for shelf in shelves() if folders is None else folders:
        yield from sorted(path.parent for path in shelf.glob(f"*/{SETTINGS}"))


def _read_named(folder: Path) -> Potential:
    potential = read(folder)
    if potential.name != folder.name:
        raise InputError(
            f"The potential in {folder} must have the name of its folder",
            received=repr(potential.name),
            remedy=f"rename the folder or set name = {folder.name!r} in {SETTINGS}",
        )
    return potential


def _require_unique(
    potential: Potential, folder: Path, other: tuple[Potential, Path] | None
) -> None:
    # a copy of the same files is the same potential, wherever it lies
    if other is None or other[0].digest == potential.digest:
        return
    raise InputError(
        f"Every potential needs a name of its own, two are called {potential.name!r}",
        received=f"{other[1]} and {folder}",
        remedy="rename one of the two folders and the name in its potential.toml",
    )


def _preference(potential: Potential) -> tuple[bool, bool, int, str]:
    trusted = potential.card is not None and potential.card.trusted
    return (not trusted, potential.kind != "student", len(potential.elements), potential.name)
