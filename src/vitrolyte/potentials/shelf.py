"""The shelf: find the shipped potential that covers a chemistry."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vitrolyte.data.errors import InputError
from vitrolyte.potentials.card import TrustCard, TrustFigure
from vitrolyte.potentials.potential import LammpsPair, Potential

SHIPPED = Path(__file__).parent / "shipped"


def available(folder: Path = SHIPPED) -> tuple[str, ...]:
    """Name the potentials at hand, in alphabetical order."""
    return tuple(sorted(path.parent.name for path in folder.glob("*/potential.toml")))


def load(name: str, folder: Path = SHIPPED) -> Potential:
    """Read one potential by its name.

    Raises
    ------
    InputError
        No potential of that name is at hand.
    """
    if name not in available(folder):
        raise InputError(
            "The name of a potential at hand",
            received=repr(name),
            remedy=f"choose one of: {', '.join(available(folder)) or 'none is installed'}",
        )
    return read(folder / name)


def find(elements: Sequence[str], folder: Path = SHIPPED) -> Potential:
    """Find the potential that covers these elements, the trusted and narrowest one first.

    Raises
    ------
    InputError
        No potential at hand covers the chemistry; the message lists those that there are.
    """
    shelf = [load(name, folder) for name in available(folder)]
    fitting = [potential for potential in shelf if potential.covers(tuple(elements))]
    if not fitting:
        at_hand = "; ".join(f"{p.name} ({' '.join(p.elements)})" for p in shelf) or "none"
        raise InputError(
            f"A potential for {' '.join(elements)}",
            received=f"potentials at hand: {at_hand}",
            remedy="choose a covered chemistry or distil a student for this one",
        )
    return min(fitting, key=_preference)


def read(folder: Path) -> Potential:
    """Read a potential from its folder (``potential.toml``, LAMMPS files, ``card.json``)."""
    settings = tomllib.loads((folder / "potential.toml").read_text(encoding="utf-8"))
    files = tuple(folder / name for name in settings["lammps"]["files"])
    pair = LammpsPair(
        units=settings["lammps"]["units"],
        atom_style=settings["lammps"]["atom_style"],
        files=files,
        commands=tuple(settings["lammps"]["commands"]),
    )
    return Potential(
        name=settings["name"],
        kind=settings["kind"],
        elements=tuple(settings["elements"]),
        lammps=pair,
        safe_distances=dict(settings["safe_distances"]),
        timestep_fs=float(settings["timestep_fs"]),
        card=read_card(folder / "card.json"),
        citations=tuple(settings["citations"]),
        digest=_digest((folder / "potential.toml", *files)),
    )


def read_card(path: Path) -> TrustCard | None:
    """Read a trust card; ``None`` where the potential has none."""
    if not path.is_file():
        return None
    stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return TrustCard(
        student=stored["student"],
        teacher=stored["teacher"],
        trained_on=int(stored["trained_on"]),
        figures=tuple(TrustFigure(**figure) for figure in stored["figures"]),
        notes=tuple(stored["notes"]),
    )


def write_card(card: TrustCard, path: Path) -> None:
    """Write a trust card as JSON, one figure to a line group, verdict included for readers."""
    stored = asdict(card) | {"trusted": card.trusted}
    path.write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _preference(potential: Potential) -> tuple[bool, int, str]:
    trusted = potential.card is not None and potential.card.trusted
    return (not trusted, len(potential.elements), potential.name)


def _digest(files: Sequence[Path]) -> str:
    total = hashlib.sha256()
    for path in files:
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()
