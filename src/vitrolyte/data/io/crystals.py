"""Crystals from crystallographic information files, with occupancies, B and symmetry."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.crystal import Crystal
from vitrolyte.data.elements import atomic_number
from vitrolyte.data.errors import InputError

if TYPE_CHECKING:
    from ase.io.cif import CIFBlock

Floats = NDArray[np.float64]
Operations = tuple[NDArray[np.int64], Floats]

_LARGEST_BYTES = 16 * 2**20
_MOST_SITES = 2000
_SAME_PLACE_A = 0.05
_SYMMETRIC_A = 1e-3
_CELL = tuple(
    f"_cell_{what}"
    for what in ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
)
_SYMOPS = (
    "_space_group_symop_operation_xyz",
    "_space_group_symop.operation_xyz",
    "_symmetry_equiv_pos_as_xyz",
)
_GROUP = (
    "_space_group_name_h-m_alt",
    "_symmetry_space_group_name_h-m",
    "_space_group_it_number",
    "_symmetry_int_tables_number",
)
_TERM = re.compile(r"([+-]?)(?:([xyz])|(\d+)/(\d+)|(\d*\.?\d+))")


def read_crystal(path: Path) -> Crystal:
    """Return the first crystal of a CIF, all atoms of the cell made from its symmetry.

    Occupancies and displacement parameters are kept; a label such as ``Li1+`` counts as its
    element.

    Raises
    ------
    InputError
        If the file is missing, too large, or holds no complete crystal.
    """
    if not path.is_file():
        raise InputError(f"A crystal structure is needed at {path}", received="no such file")
    if path.stat().st_size > _LARGEST_BYTES:
        raise InputError(f"A CIF of at most 16 MiB is needed at {path}", received="a larger file")
    try:
        return _crystal(_block(path), path.stem)
    except InputError as fault:
        raise InputError(f"{path.name}: {fault.required}", received=fault.received) from fault
    except Exception as fault:  # the parser of a foreign file fails in ways of its own
        raise InputError(
            f"{path.name} must be a CIF with a cell, a symmetry and atoms",
            received=f"{type(fault).__name__}: {fault}",
        ) from fault


def cif_blocks(path: Path) -> Iterator[CIFBlock]:
    """Yield the blocks of a CIF; dots in tags, of newer dictionaries, are turned into lines."""
    from ase.io.cif import CIFBlock, parse_cif

    with warnings.catch_warnings(), path.open(encoding="utf-8", errors="replace") as stream:
        warnings.simplefilter("ignore")
        for block in parse_cif(stream):
            yield CIFBlock(block.name, {tag.replace(".", "_"): block[tag] for tag in block})


def _block(path: Path) -> CIFBlock:
    """Return the tags of the first block that has a cell and atoms."""
    for block in cif_blocks(path):
        if _CELL[0] in block and "_atom_site_fract_x" in block:
            return block
    raise InputError("a cell and atoms are needed", received="no block with both")


def _crystal(block: CIFBlock, name: str) -> Crystal:
    from ase.geometry import cellpar_to_cell

    cell = np.asarray(cellpar_to_cell([_number(block[tag]) for tag in _CELL]), dtype=float)
    axes = [_column(block, f"_atom_site_fract_{axis}") for axis in "xyz"]
    places = np.array([[_number(value) for value in axis] for axis in axes]).T
    if len(places) > _MOST_SITES:
        raise InputError(f"at most {_MOST_SITES} sites are read", received=f"{len(places)}")
    if not (np.isfinite(places).all() and np.isfinite(cell).all()):
        raise InputError("a cell and coordinates are finite numbers", received="others")
    labels = _column(block, "_atom_site_type_symbol") or _column(block, "_atom_site_label")
    elements = [_element(str(label)) for label in labels]
    filled = [_number(value) for value in _column(block, "_atom_site_occupancy")]
    occupancies = np.array(filled or [1.0] * len(places))
    displacements = _displacements(block, len(places))
    operations = _operations(block)
    orbits = [_orbit(place, cell, operations) for place in places]
    source = np.repeat(np.arange(len(places)), [len(orbit) for orbit in orbits])
    held = occupancies[source] > 0
    found = Crystal(
        name=name,
        cell=cell,
        elements=tuple(elements[number] for number in source[held]),
        fractional=np.concatenate(orbits)[held],
        occupancies=occupancies[source][held],
        b_iso=displacements[source][held],
        rotations=np.unique(operations[0], axis=0),
        space_group=next((str(block[tag]) for tag in _GROUP if tag in block), ""),
    )
    return found if len(found.rotations) > 1 else _with_symmetry(found)


def _with_symmetry(crystal: Crystal) -> Crystal:
    """Return a crystal that is written as P 1 with the symmetry that its atoms have.

    Programs and databases often write out every atom. Cell and atoms have to agree within
    0.001 Å, so that a small distortion stays one.
    """
    import spglib

    kinds = [(e, round(float(o), 4)) for e, o in zip(crystal.elements, crystal.occupancies)]
    numbers = [sorted(set(kinds)).index(kind) + 1 for kind in kinds]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = spglib.get_symmetry_dataset(
            (crystal.cell.tolist(), crystal.fractional.tolist(), numbers), symprec=_SYMMETRIC_A
        )
    if found is None or len(found.rotations) == 1:
        return crystal
    rotations = np.unique(np.asarray(found.rotations, dtype=np.int64), axis=0)
    return replace(crystal, rotations=rotations, space_group=f"{found.international}, found")


def _column(block: Mapping[str, Any], tag: str) -> Sequence[Any]:
    found = block.get(tag)
    if found is None:
        return ()
    return found if isinstance(found, list) else [found]


def _number(value: Any) -> float:
    """Return a number of a CIF, its error in brackets left out; a dot or question mark is NaN."""
    if isinstance(value, int | float):
        return float(value)
    text = str(value).split("(")[0].strip()
    return float("nan") if text in (".", "?", "") else float(text)


def _element(label: str) -> str:
    found = re.match(r"[A-Za-z]{1,2}", label)
    text = found[0] if found else label
    for candidate in (text.capitalize(), text[:1].upper()):
        try:
            atomic_number("H" if candidate == "D" else candidate)
        except InputError:
            continue
        return "H" if candidate == "D" else candidate
    raise InputError("each atom needs an element", received=repr(label))


def _displacements(block: Mapping[str, Any], count: int) -> Floats:
    """Return B of each listed site, Å²; NaN where the file has none or only a tensor."""
    found = [_number(v) for v in _column(block, "_atom_site_b_iso_or_equiv")]
    if not found:
        factor = 8.0 * np.pi**2
        found = [factor * _number(v) for v in _column(block, "_atom_site_u_iso_or_equiv")]
    return np.array(found) if len(found) == count else np.full(count, np.nan)


def _operations(block: CIFBlock) -> Operations:
    texts = next((_column(block, tag) for tag in _SYMOPS if tag in block), ())
    if texts:
        pairs = [_operation(str(text)) for text in texts]
        return np.array([one for one, _ in pairs]), np.array([two for _, two in pairs])
    rotations, translations = block.get_spacegroup(True).get_op()
    return np.asarray(rotations, dtype=np.int64), np.asarray(translations, dtype=float)


def _operation(text: str) -> tuple[NDArray[np.int64], Floats]:
    """Return rotation and translation of ``-y, x-y, z+1/3``."""
    rotation, translation = np.zeros((3, 3), dtype=np.int64), np.zeros(3)
    parts = text.lower().replace(" ", "").strip("'\"").split(",")
    if len(parts) != 3:
        raise InputError("a symmetry operation has three parts", received=repr(text))
    for row, part in enumerate(parts):
        if _TERM.sub("", part) or not part:
            raise InputError("a symmetry operation is made of x, y, z", received=repr(text))
        for sign, axis, top, bottom, decimal in _TERM.findall(part):
            factor = -1 if sign == "-" else 1
            if axis:
                rotation[row, "xyz".index(axis)] += factor
            else:
                shift = Fraction(int(top), int(bottom)) if top else Fraction(decimal)
                translation[row] += factor * float(shift)
    return rotation, translation


def _orbit(place: Floats, cell: Floats, operations: Operations) -> Floats:
    """Return the different places (m, 3) onto which the operations bring a site."""
    rotations, translations = operations
    images = (rotations @ place + translations) % 1.0
    gaps = images[:, None] - images[None]
    gaps -= np.rint(gaps)
    near = np.linalg.norm(gaps @ cell, axis=2) < _SAME_PLACE_A
    first = near.argmax(axis=1) == np.arange(len(images))
    return np.asarray(images[first])
