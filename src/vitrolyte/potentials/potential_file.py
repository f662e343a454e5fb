"""The folder of a potential: ``potential.toml``, what LAMMPS reads beside it, and ``card.json``."""

from __future__ import annotations

import hashlib
import itertools
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from vitrolyte.data.elements import atomic_number
from vitrolyte.data.errors import InputError
from vitrolyte.data.io.files import read_text
from vitrolyte.data.io.settings import Settings, validated
from vitrolyte.potentials.card import TrustCard, read_card
from vitrolyte.potentials.classical import Ions, PairTerm
from vitrolyte.potentials.coulomb import Coulomb, Method, with_charges
from vitrolyte.potentials.potential import LammpsPair, Potential, Shell

SETTINGS = "potential.toml"
CARD = "card.json"

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._+-]{0,63}$")]
Elements = Annotated[tuple[str, ...], Field(min_length=1)]


class CoulombSettings(Settings):
    """How charges are summed; see `vitrolyte.potentials.coulomb.Coulomb`."""

    method: Method = "pppm"
    accuracy: Annotated[float, Field(gt=0, lt=0.1)] = 1e-5
    cutoff_A: Positive = 10.0
    damping_per_A: NotNegative = 0.2

    @property
    def coulomb(self) -> Coulomb:
        """Return the same as a plain order."""
        return Coulomb(**self.model_dump())


class PairSettings(Settings):
    """One short-range term and the two elements between which it acts."""

    between: tuple[str, str]
    A_eV: NotNegative
    rho_A: Positive
    sigma_A: NotNegative = 0.0
    C_eV_A6: NotNegative = 0.0
    D_eV_A8: NotNegative = 0.0

    @property
    def term(self) -> PairTerm:
        """Return the term."""
        return PairTerm(self.A_eV, self.rho_A, self.sigma_A, self.C_eV_A6, self.D_eV_A8)


class ShellSettings(Settings):
    """The shell of one element."""

    charge: Finite
    spring_eV_A2: Positive
    mass_fraction: Annotated[float, Field(gt=0, lt=0.5)] = 0.1


class LammpsSettings(Settings):
    """The files and commands of a student."""

    units: Literal["metal"]
    atom_style: Literal["atomic", "charge"]
    files: tuple[str, ...]
    commands: Annotated[tuple[str, ...], Field(min_length=1)]


class StudentFile(Settings):
    """A distilled student: LAMMPS commands, and charges under them where there are any."""

    name: Name
    kind: Literal["student"]
    elements: Elements
    timestep_fs: Positive
    citations: tuple[str, ...]
    safe_distances: Mapping[str, Positive]
    lammps: LammpsSettings
    charges: Mapping[str, Finite] = Field(default_factory=dict)
    coulomb: CoulombSettings = CoulombSettings()


class ClassicalFile(Settings):
    """A classical potential of ions: charges, short-range pairs, shells.

    ``source`` says where each number was read; ``note`` what a user should know.
    """

    name: Name
    kind: Literal["classical"]
    elements: Elements
    timestep_fs: Positive
    citations: Annotated[tuple[str, ...], Field(min_length=1)]
    source: Annotated[str, Field(min_length=10)]
    note: str = ""
    cutoff_A: Positive = 10.0
    charges: Mapping[str, Finite]
    coulomb: CoulombSettings = CoulombSettings()
    pairs: tuple[PairSettings, ...]
    shells: Mapping[str, ShellSettings] = Field(default_factory=dict)


def read(folder: Path) -> Potential:
    """Read a potential from its folder.

    Raises
    ------
    InputError
        Naming the folder and what is wrong in it.
    """
    where = folder / SETTINGS
    try:
        plain = tomllib.loads(read_text(where))
    except tomllib.TOMLDecodeError as fault:
        raise InputError(f"{where} must be valid TOML", received=str(fault)) from fault
    kind = plain.get("kind")
    if kind == "student":
        return _student(validated(StudentFile, plain, where=str(where)), folder)
    if kind == "classical":
        return _classical(validated(ClassicalFile, plain, where=str(where)), folder)
    raise InputError(
        f'{where}: kind must be "student" or "classical"', received=repr(kind) if kind else "none"
    )


def _student(said: StudentFile, folder: Path) -> Potential:
    _require_elements(folder, said.elements, said.charges)
    files = tuple(folder / name for name in said.lammps.files)
    plain = said.lammps
    pair = LammpsPair(plain.units, plain.atom_style, files, plain.commands)
    if said.charges:
        _require_all(folder, said.elements, said.charges)
        pair = with_charges(pair, dict(said.charges), said.coulomb.coulomb)
    return _potential(said, folder, pair, dict(said.safe_distances))


def _classical(said: ClassicalFile, folder: Path) -> Potential:
    between = [element for pair in said.pairs for element in pair.between]
    _require_elements(folder, said.elements, [*said.charges, *between, *said.shells])
    _require_all(folder, said.elements, said.charges)
    _require_once(folder, [pair.between for pair in said.pairs])
    ions = Ions(
        elements=said.elements,
        charges=dict(said.charges),
        pairs={pair.between: pair.term for pair in said.pairs},
        shells={element: Shell(**shell.model_dump()) for element, shell in said.shells.items()},
        coulomb=said.coulomb.coulomb,
        cutoff_A=said.cutoff_A,
    )
    try:
        safe = {name: round(distance, 4) for name, distance in ions.safe_distances.items()}
    except InputError as fault:
        raise InputError(
            f"{folder / SETTINGS}: {fault.required}", received=fault.received, remedy=fault.remedy
        ) from fault
    return _potential(said, folder, ions.pair, safe)


def _potential(
    said: StudentFile | ClassicalFile, folder: Path, pair: LammpsPair, safe: Mapping[str, float]
) -> Potential:
    return Potential(
        name=said.name,
        kind=said.kind,
        elements=said.elements,
        lammps=pair,
        safe_distances=safe,
        timestep_fs=said.timestep_fs,
        card=_card(folder / CARD),
        citations=said.citations,
        digest=_digest(folder, (folder / SETTINGS, *pair.files)),
    )


def _card(path: Path) -> TrustCard | None:
    try:
        return read_card(path)
    except (ValueError, KeyError, TypeError) as fault:
        raise InputError(
            f"{path} must be a trust card",
            received=f"{type(fault).__name__}: {fault}",
            remedy="write it anew, or take it away: the potential is then untrusted",
        ) from fault


def _require_elements(folder: Path, elements: Sequence[str], named: Any) -> None:
    try:
        for element in elements:
            atomic_number(element)
    except InputError as fault:
        raise InputError(
            f"{folder / SETTINGS}: elements must be element symbols",
            received=fault.received,
            remedy=fault.remedy,
        ) from fault
    strange = sorted(set(named) - set(elements))
    if strange or len(set(elements)) < len(elements):
        raise InputError(
            f"{folder / SETTINGS}: elements must list each element once and all that are named",
            received=f"elements {' '.join(elements)}; named as well {' '.join(strange) or 'none'}",
        )


def _require_all(folder: Path, elements: Sequence[str], charges: Mapping[str, float]) -> None:
    missing = [element for element in elements if element not in charges]
    if missing:
        raise InputError(
            f"{folder / SETTINGS}: every element needs its charge",
            received=f"none for {' '.join(missing)}",
        )


def _require_once(folder: Path, pairs: Sequence[tuple[str, str]]) -> None:
    for first, second in itertools.combinations(map(sorted, pairs), 2):
        if first == second:
            raise InputError(
                f"{folder / SETTINGS}: a pair may have one term", received=f"two for {first}"
            )


def _digest(folder: Path, files: Sequence[Path]) -> str:
    total = hashlib.sha256()
    for path in files:
        if not path.is_file():
            raise InputError(
                f"The potential in {folder} needs its files", received=f"no {path.name}"
            )
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()
