"""Shipped classical potentials find the crystals that they were made for."""

from pathlib import Path

import pytest
from validation.classical import CRYSTALS

from vitrolyte.potentials import shelf
from vitrolyte.simulate.evaluate import relax


@pytest.mark.parametrize("name", sorted(CRYSTALS))
def test_the_lattice_parameter_is_the_printed_one(name: str, tmp_path: Path) -> None:
    potential, crystal = shelf.load(name, (shelf.SHIPPED,)), CRYSTALS[name]
    found = relax(crystal.cell(1), potential, folder=tmp_path).structure
    a = found.volumes[0] ** (1 / 3)
    # Wyckoff, Crystal Structures vol. 1 (1963), at room temperature. The crystal at rest lacks the
    # thermal expansion from 0 to 300 K: at most 44e-6/K x 300 K = 1.3 % (LiCl).
    assert crystal.a_A * (1 - 0.013) < a < crystal.a_A * 1.001
    card = potential.card
    assert card is not None
    (written,) = (f.value for f in card.figures if f.quantity == "lattice_parameter")
    assert a == pytest.approx(written, abs=2e-3)


def test_every_shipped_classical_potential_has_its_crystal() -> None:
    shipped = shelf.stock((shelf.SHIPPED,)).potentials
    assert {one.name for one in shipped if one.kind == "classical"} == set(CRYSTALS)
