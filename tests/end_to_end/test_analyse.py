"""A user's own trajectory, from the file to rows and page."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import write
from study_runs import PROGRAM

from vitrolyte.matter.prototypes import crystal

Said = subprocess.CompletedProcess[str]
CELL = np.array([[14.2, 0.0, 0.0], [2.0, 13.6, 0.0], [-1.5, 2.5, 13.1]])


def rocksalt_like(frames: int) -> list[Atoms]:
    """Return a disordered LiCl in a skewed cell, as another engine would have written it."""
    random = np.random.default_rng(7)
    grid = np.indices((6, 6, 6)).reshape(3, -1).T / 6
    symbols = [
        "Li" if sum(site) % 2 == 0 else "Cl" for site in np.indices((6, 6, 6)).reshape(3, -1).T
    ]
    steps = np.cumsum(random.normal(scale=0.05, size=(frames, len(grid), 3)), axis=0)
    return [
        Atoms(symbols, positions=grid @ CELL + step, cell=CELL, pbc=True, info={"time": 0.1 * n})
        for n, step in enumerate(steps)
    ]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("own") / "Run 1.extxyz"
    images = rocksalt_like(30)
    for atoms in images:
        atoms.wrap()
    write(place, images, format="extxyz")
    return place


def analyse(path: Path, *words: str, more: list[Path] | None = None) -> Said:
    files = [str(one) for one in (path, *(more or []))]
    return subprocess.run(
        [*PROGRAM, "analyse", *files, *words],
        capture_output=True,
        text=True,
        cwd=path.parent,
        check=False,
    )


def test_a_file_becomes_rows_and_a_page(path: Path) -> None:
    said = analyse(path, "--json", "--observe", "structure", "--phase", "crystal")
    assert said.returncode == 0, said.stderr
    rows = json.loads(said.stdout)
    density = next(row for row in rows if row["quantity"] == "density")
    # 108 formula units of LiCl, 42.394 u each, in the volume of the cell.
    expected = 108 * 42.394 / abs(np.linalg.det(CELL)) * 1.66053907
    assert density["value"] == pytest.approx(expected, rel=1e-3)
    assert {row["formula"] for row in rows} == {"LiCl"}
    assert {row["phase"] for row in rows} == {"crystal"}
    folder = path.parent / "runs" / "run-1.extxyz"
    assert "Run 1.extxyz" in (folder / "report.html").read_text()
    assert (folder / "study.toml").is_file()


EVERYTHING = {
    "accessible_volume_fraction",
    "bond_length_components",
    "bottleneck_area",
    "cluster_size",
    "density",
    "hops_per_ion",
    "pdf_peak_position",
    "polyhedron_shape_fraction",
    "ring_size",
    "structural_unit_fraction",
}


def test_every_instrument_looks_at_it(path: Path) -> None:
    words = ["--mobile", "Li", "--temperature-K", "900", "--absorber", "Cl", "--frames", ":12"]
    said = analyse(path, "--json", "--out", "whole", *words)
    assert said.returncode == 0, said.stderr
    rows = json.loads(said.stdout)
    assert {row["quantity"] for row in rows} >= EVERYTHING
    assert all(row["temperature_K"] == 900 for row in rows if row["quantity"] != "density")
    folder = path.parent / "whole"
    assert list(folder.glob("stages/density-map-*/density.ccp4"))
    page = (folder / "report.html").read_text()
    assert '"species":"Li","cube":"vitrolyte field' in page
    assert "transport is left out: Displacements need at least 16 frames" in said.stderr
    assert "transport is left out" in page


def test_the_cell_of_a_crystal_is_looked_at_as_a_crystal(tmp_path: Path) -> None:
    cell = crystal("Li3OCl", "antiperovskite", lattice_parameter_A=3.91).to_ase()
    write(tmp_path / "li3ocl.cif", cell)
    said = analyse(tmp_path / "li3ocl.cif", "--json", "--observe", "structure,polyhedra")
    assert said.returncode == 0, said.stderr
    rows = json.loads(said.stdout)
    found = {(row["quantity"], row["of"]): row["value"] for row in rows}
    # Geometry: O in an octahedron of Li, Cl in a cuboctahedron, octahedra share corners only.
    assert found["coordination_number", "O-Li"] == 6
    assert found["coordination_number", "Cl-Li"] == 12
    assert found["corner_sharing_fraction", "Li"] == 1
    assert found["crystallinity", None] == pytest.approx(1.0, abs=1e-6)


def test_what_is_asked_for_by_name_must_be_had(path: Path) -> None:
    words = ["--observe", "transport", "--temperature-K", "900", "--frames", ":12"]
    said = analyse(path, "--out", "asked", *words)
    assert said.returncode == 2
    assert "Displacements need at least 16 frames" in said.stderr


ENERGY_EV = 0.25
BOLTZMANN_EV_PER_K = 8.617333262e-5
TEMPERATURES_K = (700, 800, 900, 1000, 1000)


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Write random walks of Li past resting Cl, five runs at four temperatures, D known."""
    place = tmp_path_factory.mktemp("series")
    random = np.random.default_rng(11)
    grid = np.indices((4, 4, 4)).reshape(3, -1).T / 4
    symbols = np.where(grid.sum(axis=1) * 4 % 2 == 0, "Li", "Cl")
    paths = []
    for number, temperature in enumerate(TEMPERATURES_K):
        diffusivity = 20.0 * np.exp(-ENERGY_EV / (BOLTZMANN_EV_PER_K * temperature))
        size = np.where(symbols == "Li", np.sqrt(2 * diffusivity * 0.1), 0.0)
        steps = random.normal(size=(400, len(grid), 3)) * size[:, None]
        walk = grid @ CELL + np.cumsum(steps, axis=0)
        images = [
            Atoms(symbols, positions=frame, cell=CELL, pbc=True, info={"time": 0.1 * n})
            for n, frame in enumerate(walk)
        ]
        paths.append(place / f"run-{number + 1}.extxyz")
        write(paths[-1], images, format="extxyz")
    return paths


def test_runs_over_temperature_become_a_line(series: list[Path]) -> None:
    heat = ["--temperature-K", ",".join(str(t) for t in TEMPERATURES_K)]
    words = ["--json", "--observe", "structure,transport", "--charges", "Li=1,Cl=-1"]
    said = analyse(series[0], *words, *heat, more=series[1:])
    assert said.returncode == 0, said.stderr
    rows = json.loads(said.stdout)
    (energy,) = [
        row
        for row in rows
        if row["quantity"] == "activation_energy" and "tracer" in row["method"] and not row["of"]
    ]
    assert energy["low"] < ENERGY_EV < energy["high"]
    diffusing = [
        row for row in rows if row["quantity"] == "tracer_diffusivity" and row["of"] == "Li"
    ]
    # the two runs at 1000 K are one state
    assert sorted(row["temperature_K"] for row in diffusing) == [700, 800, 900, 1000]
    assert {row["temperature_K"] for row in rows if row["quantity"] == "density"} == {
        700, 800, 900, 1000,
    }  # fmt: skip


def test_replicas_of_one_state_are_pooled(series: list[Path]) -> None:
    words = ["--json", "--observe", "transport", "--temperature-K", "1000", "--out"]

    def diffusivity(name: str, *files: Path) -> dict[str, float]:
        rows = json.loads(analyse(files[0], *words, name, more=list(files[1:])).stdout)
        (row,) = [r for r in rows if (r["quantity"], r["of"]) == ("tracer_diffusivity", "Li")]
        return row

    one, other = diffusivity("one", series[3]), diffusivity("other", series[4])
    both = diffusivity("both", *series[3:])
    low, high = sorted((one["value"], other["value"]))
    assert low < both["value"] < high
    # what two runs differ by is learned from two runs only: the interval is not narrower
    true = 1e-4 * 20.0 * np.exp(-ENERGY_EV / (BOLTZMANN_EV_PER_K * 1000))
    assert both["low"] < true < both["high"]


def test_files_of_two_compositions_are_not_looked_at_together(
    path: Path, series: list[Path]
) -> None:
    other = path.parent / "other.extxyz"
    write(other, Atoms("LiCl2", positions=np.eye(3), cell=CELL, pbc=True), format="extxyz")
    said = analyse(series[0], more=[other])
    assert said.returncode == 2
    assert "one composition" in said.stderr
    said = analyse(series[0], "--temperature-K", "700,800", more=series[1:3])
    assert said.returncode == 2
    assert "one for all files or one for each of 3" in said.stderr


def test_nothing_is_computed_twice(path: Path) -> None:
    assert analyse(path, "--observe", "structure").returncode == 0
    stages = path.parent / "runs" / "run-1.extxyz" / "stages"
    before = {file: file.stat().st_mtime_ns for file in stages.glob("*/origin.json")}
    assert analyse(path, "--observe", "structure").returncode == 0
    assert before == {file: file.stat().st_mtime_ns for file in stages.glob("*/origin.json")}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--observe", "colour"], "What can be looked at is structure"),
        (["--mobile", "Na"], "elements of the file: Li, Cl"),
        (["--charges", "Li+"], "assignments are needed"),
        (["--frames", "7"], "START:STOP"),
        (["--cut-offs-A", "Li-Cl=far"], "cut_offs_A"),
        (["--format", "docx"], "format"),
    ],
)
def test_a_wrong_option_is_one_message(path: Path, words: list[str], message: str) -> None:
    said = analyse(path, *words)
    assert said.returncode == 2
    assert message in said.stderr
    assert "Traceback" not in said.stderr


def test_a_missing_file_is_one_message(tmp_path: Path) -> None:
    said = analyse(tmp_path / "nothing.xyz")
    assert said.returncode == 2
    assert "nothing.xyz" in said.stderr
    assert "Traceback" not in said.stderr
