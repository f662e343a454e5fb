"""Publish a student: a folder that `vitrolyte.potentials.shelf` reads."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from vitrolyte.infer.distil.bench import Bench
from vitrolyte.infer.distil.pod import Fit

POD_CITATION = "10.1016/j.jcp.2023.112030"
LAMMPS_CITATION = "10.1016/j.cpc.2021.108171"
CORE_CITATION = (
    "J. F. Ziegler, J. P. Biersack, U. Littmark, The Stopping and Range of Ions in Matter"
)


def publish(fit: Fit, bench: Bench, folder: Path) -> None:
    """Write ``potential.toml`` and the two POD files of a fitted student into a folder."""
    settings = bench.settings
    folder.mkdir(parents=True, exist_ok=True)
    pair = fit.student.short()
    commands = list(pair.commands)
    names = []
    for path in pair.files:
        name = path.name.replace("student", settings.name)
        commands = [line.replace(path.name, name) for line in commands]
        shutil.copy(path, folder / name)
        names.append(name)
    (folder / "potential.toml").write_text(_potential_toml(fit, bench, names, commands), "utf-8")


def _potential_toml(fit: Fit, bench: Bench, files: Sequence[str], commands: Sequence[str]) -> str:
    settings = bench.settings
    teachers = dict.fromkeys(c for c in (bench.labeller.citation, bench.explorer.citation) if c)
    citations = [POD_CITATION, *teachers, LAMMPS_CITATION, CORE_CITATION]
    lines = [
        f"# Distilled from {settings.teacher.name} on {len(fit.examples)} examples.",
        f"name = {_text(settings.name)}",
        'kind = "student"',
        f"elements = {_text(list(settings.elements))}",
        f"timestep_fs = {settings.timestep_fs}",
        f"citations = {_text(citations)}",
        "",
        "[safe_distances]",
        *(f'"{pair}" = {distance}' for pair, distance in fit.safe_distances.items()),
        "",
        *_charge_tables(fit),
        "[lammps]",
        'units = "metal"',
        'atom_style = "atomic"',
        f"files = {_text(list(files))}",
        "commands = [",
        *(f"  {_text(line)}," for line in commands),
        "]",
        "",
    ]
    return "\n".join(lines)


def _charge_tables(fit: Fit) -> list[str]:
    charges = fit.student.charges
    if charges is None:
        return []
    ways = asdict(charges.coulomb)
    return [
        "[charges]",
        *(f"{element} = {value!r}" for element, value in charges.values.items()),
        "",
        "[coulomb]",
        *(f"{name} = {json.dumps(value)}" for name, value in ways.items()),
        "",
    ]


def _text(value: str | list[str]) -> str:
    return json.dumps(value, ensure_ascii=False)
