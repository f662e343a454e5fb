"""Measured files, from the command to rows and page: one kind by itself, and a study of several."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from study_runs import PROGRAM

Said = subprocess.CompletedProcess[str]
TEMPERATURES_K = (298, 318, 338, 358)
ENERGY_EV = 0.38
"""Of sigma T."""
BULK_S_PER_CM = 1e-3
THICKNESS_CM, DIAMETER_CM = 0.1, 1.0


def spectrum(temperature_K: float, random: np.random.Generator) -> np.ndarray:
    """Return frequency, Z' and Z'' of bulk, grain boundary and a blocking electrode."""
    area = np.pi * DIAMETER_CM**2 / 4
    heat = np.exp(-ENERGY_EV / 8.617333262e-5 * (1 / temperature_K - 1 / 298)) * 298 / temperature_K
    bulk = THICKNESS_CM / area / (BULK_S_PER_CM * heat)
    frequency = np.logspace(7, 0.5, 60)
    omega = 2j * np.pi * frequency
    z = bulk / (1 + omega * bulk * 4e-11) + 2 * bulk / (1 + omega * 2 * bulk * 5e-9)
    z = z + 1 / (2e-6 * omega**0.9)
    noise = random.normal(size=60) + 1j * random.normal(size=60)
    z = z * (1 + 0.003 * noise)
    return np.column_stack([frequency, z.real, z.imag])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("laboratory")
    random = np.random.default_rng(5)
    for temperature in TEMPERATURES_K:
        header = "freq/Hz,Re(Z)/Ohm,Im(Z)/Ohm"
        name = place / f"pellet-{temperature}K.csv"
        np.savetxt(name, spectrum(temperature, random), delimiter=",", header=header, comments="")
    (place / "weighings.txt").write_text("no table\n")
    return place


def vitrolyte(folder: Path, *words: str) -> Said:
    return subprocess.run(
        [*PROGRAM, *words], capture_output=True, text=True, cwd=folder, check=False
    )


GEOMETRY = ("--thickness-cm", str(THICKNESS_CM), "--diameter-cm", str(DIAMETER_CM))
HEAT = ("--temperature-K", ",".join(map(str, TEMPERATURES_K)))


@pytest.fixture(scope="module")
def said(folder: Path) -> Said:
    files = [f"pellet-{t}K.csv" for t in TEMPERATURES_K]
    about = ("--formula", "Li6PS5Cl", "--phase", "crystal", "--out", "series")
    return vitrolyte(folder, "fit", "eis", *files, *GEOMETRY, *HEAT, *about, "--json")


def test_a_series_of_spectra_becomes_conductivities_and_an_energy(said: Said) -> None:
    assert said.returncode == 0, said.stderr
    rows = json.loads(said.stdout)
    assert {row["kind"] for row in rows} == {"measured"}
    assert {row["formula"] for row in rows} == {"Li6PS5Cl"}
    (bulk,) = [
        row
        for row in rows
        if (row["quantity"], row["of"], row["temperature_K"]) == ("ionic_conductivity", "bulk", 298)
    ]
    assert bulk["low"] <= BULK_S_PER_CM <= bulk["high"]
    (energy,) = [
        row for row in rows if (row["quantity"], row["of"]) == ("activation_energy", "bulk")
    ]
    assert energy["low"] <= ENERGY_EV <= energy["high"]


def test_the_page_shows_files_figures_and_published_values(said: Said, folder: Path) -> None:
    page = (folder / "series" / "report.html").read_text()
    assert "pellet-298K.csv" in page
    assert "Nyquist plot" in page
    assert "Measured beside published" in page
    assert (folder / "series" / "observations.csv").is_file()


def test_nothing_is_fitted_twice(said: Said, folder: Path) -> None:
    stages = sorted((folder / "series" / "stages").glob("*/results.json"))
    before = [path.stat().st_mtime_ns for path in stages]
    files = [f"pellet-{t}K.csv" for t in TEMPERATURES_K]
    about = ("--formula", "Li6PS5Cl", "--phase", "crystal", "--out", "series")
    again = vitrolyte(folder, "fit", "eis", *files, *GEOMETRY, *HEAT, *about, "--json")
    assert again.stdout == said.stdout
    assert [path.stat().st_mtime_ns for path in stages] == before


STUDY = """
name = "pellet"
title = "A pellet"
[sample]
formula = "Li6PS5Cl"
material = "argyrodite"
[[measured]]
kind = "eis"
files = "pellet-*.csv"
phase = "crystal"
temperature_K = [298, 318, 338, 358]
thickness_cm = [0.1]
diameter_cm = [1.0]
[[measured]]
kind = "eis"
name = "cold"
files = ["pellet-298K.csv"]
phase = "crystal"
answer = "resistance"
"""


def test_a_study_takes_measured_files_as_steps(folder: Path) -> None:
    (folder / "pellet.toml").write_text(STUDY)
    ran = vitrolyte(folder, "run", "pellet.toml", "--json")
    assert ran.returncode == 0, ran.stderr
    rows = json.loads(ran.stdout)
    temperatures = {row["temperature_K"] for row in rows if row["quantity"] == "ionic_conductivity"}
    assert set(TEMPERATURES_K) <= temperatures
    assert len(list((folder / "runs" / "pellet" / "stages").glob("cold-*"))) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["eiss", "pellet-298K.csv"], "did you mean 'eis'"),
        (["eis", "nothing.csv"], "nothing.csv"),
        (["eis", "pellet-298K.csv"], "--thickness-cm"),
        (["eis", "weighings.txt", *GEOMETRY], "weighings.txt"),
        (["eis", "pellet-298K.csv", "--thickness-cm", "thin"], "thickness_cm"),
        (["eis", "pellet-298K.csv", *GEOMETRY, "--temperature-K", "1,2"], "--temperature-K takes"),
    ],
)
def test_bad_input_is_one_message(folder: Path, words: list[str], message: str) -> None:
    said = vitrolyte(folder, "fit", *words, "--out", "bad")
    assert said.returncode == 2
    assert message in said.stderr
    assert "Traceback" not in said.stderr


def test_the_kinds_are_listed_with_what_they_do(folder: Path) -> None:
    said = vitrolyte(folder, "fit", "--help")
    kinds = ("eis", "dc", "arrhenius", "slr", "lineshape", "dsc", "xrd", "exafs", "pdf", "density")
    assert said.returncode == 0
    for kind in (*kinds, "raman", "cycling"):
        assert f"\n  {kind} " in said.stdout
    help_text = vitrolyte(folder, "fit", "eis", "--help").stdout
    assert "--thickness-cm" in help_text
    assert "FILE" in help_text
