"""Write the tables of radii, oxidation states and X-ray form factors again from their sources.

Run with `pymatgen-core` and `xraydb` installed: ``python scripts/build_tables.py``. Both packages
carry the printed tables (Shannon 1976; Waasmaier & Kirfel 1995 as distributed in DABAX); nothing
is computed here. The package itself needs neither.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1] / "src" / "vitrolyte"


def write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write one table as CSV."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def periodic_table() -> dict[str, Any]:
    """Return the periodic table that pymatgen-core carries."""
    packed = (files("pymatgen.core") / "periodic_table.json.gz").read_bytes()
    table: dict[str, Any] = json.loads(gzip.decompress(packed))
    return {symbol: entry for symbol, entry in table.items() if "Atomic no" in entry}


def radii(table: dict[str, Any]) -> Iterable[Sequence[object]]:
    """Yield element, charge, coordination, spin state and effective ionic radius."""
    for symbol, entry in sorted(table.items(), key=lambda item: item[1]["Atomic no"]):
        charged = {key: value for key, value in entry.get("Shannon radii", {}).items() if key}
        for charge, shells in charged.items():
            for coordination, spins in shells.items():
                for spin, values in spins.items():
                    yield symbol, int(charge), coordination, spin, values["ionic_radius"]


def oxidation_states(table: dict[str, Any]) -> Iterable[Sequence[object]]:
    """Yield element, its common states and all others that are known."""
    for symbol, entry in sorted(table.items(), key=lambda item: item[1]["Atomic no"]):
        common = entry.get("Common oxidation states", [])
        seen = {*entry.get("Oxidation states", []), *entry.get("ICSD oxidation states", [])}
        others = sorted({state for state in seen if state} - set(common))
        if common or others:
            yield symbol, " ".join(map(str, common)), " ".join(map(str, others)), entry.get("X", "")


def form_factors() -> Iterable[Sequence[object]]:
    """Yield the ion and the eleven coefficients of its analytic form factor."""
    from xraydb import XrayDB

    for row in XrayDB().get_cache("Waasmaier"):
        scale = json.loads(row.scale)
        exponents = json.loads(row.exponents)
        yield row.ion, *scale, *exponents, row.offset


def main() -> None:
    """Write the three tables."""
    table = periodic_table()
    write(
        PACKAGE / "matter" / "shannon_1976.csv",
        ("element", "charge", "coordination", "spin", "radius_A"),
        radii(table),
    )
    write(
        PACKAGE / "matter" / "oxidation_states.csv",
        ("element", "common", "other", "electronegativity"),
        oxidation_states(table),
    )
    write(
        PACKAGE / "observe" / "waasmaier_kirfel_1995.csv",
        ("ion", *(f"a{i}" for i in range(1, 6)), *(f"b{i}" for i in range(1, 6)), "c"),
        form_factors(),
    )


if __name__ == "__main__":
    main()
