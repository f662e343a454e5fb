"""A salt whose ions hop and turn at known rates, from the file to rows: every subject of motion."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import write
from scipy.spatial.transform import Rotation
from study_runs import PROGRAM

CELLS = 3
EDGE = 3.9
CELL = EDGE * np.array([[CELLS, 0.0, 0.0], [0.3, CELLS, 0.0], [-0.2, 0.4, CELLS]])
FRAMES, STEP_PS = 3000, 0.02
HOP_RATE = 0.05
"""Of each Li to a neighbouring site, 1/ps."""
TURN_RATE = 0.2
"""At which a hydroxide takes any new orientation, 1/ps: its C1 and C2 decay at this rate."""


def sites(*fractions: tuple[float, float, float]) -> np.ndarray:
    corners = np.indices((CELLS,) * 3).reshape(3, -1).T
    return (corners[:, None, :] + np.array(fractions)[None]).reshape(-1, 3) / CELLS


def walk(random: np.random.Generator) -> np.ndarray:
    """Return lithium, (frames, atoms, 3), hopping along a row of sites that no other one uses."""
    start = sites((0.5, 0.0, 0.0), (0.0, 0.5, 0.0))
    hops = random.random((FRAMES, len(start))) < HOP_RATE * STEP_PS
    ways = np.where(random.random(hops.shape) < 0.5, 1.0, -1.0) * hops
    along = np.cumsum(ways, axis=0)[:, :, None] * np.array([0.0, 0.0, 1.0 / CELLS])
    return (start + along) @ CELL


def turned(random: np.random.Generator, count: int) -> np.ndarray:
    """Return unit vectors, (frames, count, 3), that jump to any other at the rate of turning."""
    vectors = Rotation.random(FRAMES * count, random_state=int(random.integers(1 << 30)))
    fresh = vectors.apply([0.0, 0.0, 1.0]).reshape(FRAMES, count, 3)
    jumps = random.random((FRAMES, count)) < TURN_RATE * STEP_PS
    jumps[0] = True
    last = np.maximum.accumulate(np.where(jumps, np.arange(FRAMES)[:, None], 0), axis=0)
    return np.take_along_axis(fresh, last[:, :, None], axis=0)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = np.random.default_rng(3)
    lithium = walk(random)
    oxygen = np.broadcast_to(sites((0.0, 0.0, 0.0)) @ CELL, (FRAMES, CELLS**3, 3))
    chloride = np.broadcast_to(sites((0.5, 0.5, 0.5)) @ CELL, (FRAMES, CELLS**3, 3))
    shaken = np.concatenate([lithium, oxygen, chloride], axis=1)
    shaken = shaken + random.normal(scale=0.08, size=shaken.shape)
    middle = slice(lithium.shape[1], lithium.shape[1] + CELLS**3)
    hydrogen = shaken[:, middle] + 0.97 * turned(random, CELLS**3)
    symbols = ["Li"] * lithium.shape[1] + ["O"] * CELLS**3 + ["Cl"] * CELLS**3 + ["H"] * CELLS**3
    frames = np.concatenate([shaken, hydrogen], axis=1)
    images = [
        Atoms(symbols, positions=frame, cell=CELL, pbc=True, info={"time": STEP_PS * n})
        for n, frame in enumerate(frames)
    ]
    place = tmp_path_factory.mktemp("salt") / "salt.extxyz"
    write(place, images, format="extxyz")
    return place


@pytest.fixture(scope="module")
def rows(path: Path) -> list[dict[str, object]]:
    words = ["--observe", "van-hove,hops,vibration,rotation,relaxation", "--mobile", "Li"]
    words += ["--temperature-K", "500", "--bonds", "O-H", "--rotor", "OH", "--nuclei", "1H"]
    said = subprocess.run(
        [*PROGRAM, "analyse", str(path), *words, "--charges", "Li=1,O=-2,H=1,Cl=-1", "--json"],
        capture_output=True,
        text=True,
        cwd=path.parent,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    found: list[dict[str, object]] = json.loads(said.stdout)
    return found


def number(rows: list[dict[str, object]], quantity: str, of: str, method: str) -> dict[str, float]:
    (row,) = [
        row
        for row in rows
        if (row["quantity"], row["of"]) == (quantity, of) and method in str(row["method"])
    ]
    return row  # type: ignore[return-value]


# Each row: the truth by which the run was made; hops go to the next site along c, 3.95 Å away.
@pytest.mark.parametrize(
    ("quantity", "of", "method", "truth"),
    [
        ("jump_rate", "Li", "hops without sites", HOP_RATE * 1e12),
        ("hop_length", "Li", "hops without sites", float(np.linalg.norm(CELL[2]) / CELLS)),
        ("residence_time", "Li", "mean", 1e-12 / HOP_RATE),
        ("correlation_time", "OH C1", "integral", 1e-12 / TURN_RATE),
        ("correlation_time", "OH C2", "integral", 1e-12 / TURN_RATE),
        ("coincidence_ratio", "OH rotation and Li hop", "coincidences", 1.0),
        ("motion_correlation", "OH and Li", "windows", 0.0),
    ],
)
def test_the_truth_lies_in_the_interval(
    rows: list[dict[str, object]], quantity: str, of: str, method: str, truth: float
) -> None:
    row = number(rows, quantity, of, method)
    assert row["low"] <= truth <= row["high"]


def test_hydrogen_stays_with_its_oxygen(rows: list[dict[str, object]]) -> None:
    assert number(rows, "intact_fraction", "OH", "bonds")["value"] == 1.0


def test_chance_explains_what_was_not_coupled(rows: list[dict[str, object]]) -> None:
    assert number(rows, "p_value", "OH rotation and Li hop", "coincidences")["value"] > 0.01


def test_the_places_of_rest_have_the_width_of_the_shaking(rows: list[dict[str, object]]) -> None:
    row = number(rows, "u_iso", "Li", "between hops")
    assert row["value"] == pytest.approx(0.08**2, rel=0.05)


def test_every_subject_answers(rows: list[dict[str, object]]) -> None:
    found = {(row["quantity"], row["of"]) for row in rows}
    assert found >= {
        ("non_gaussian_parameter", "Li"),
        ("vibration_frequency", "O"),
        ("nmr_second_moment", "1H"),
        ("relaxation_rate_R1", "1H, 499.9 MHz"),
    }


def test_a_line_that_no_frame_can_show_is_refused(rows: list[dict[str, object]]) -> None:
    # frames 0.02 ps apart show up to 25 THz; O-H stretches at about 105 THz
    assert number(rows, "raman_shift", "O-H", "spectrum")["status"] == "refused"


STUDY = """
name = "salt"
title = "Salt"
[sample]
formula = "Li2OHCl"
material = "salt"
charges = { Li = 1, O = -2, H = 1, Cl = -1 }
[steps.run]
recipe = "trajectory"
path = "salt.extxyz"
temperature_K = 500
[steps.hops]
recipe = "hops"
dynamics = "run"
mobile = "Li"
cells = [3, 3, 3]
[steps.hops.sites]
across = [[0.5, 0.0, 0.0]]
along = [[0.0, 0.5, 0.0]]
"""


def test_known_sites_in_a_study(path: Path) -> None:
    (path.parent / "salt.toml").write_text(STUDY)
    said = subprocess.run(
        [*PROGRAM, "run", "salt.toml", "--json"],
        capture_output=True,
        text=True,
        cwd=path.parent,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    rows = json.loads(said.stdout)
    # Rows of either kind keep their ions: none ever goes to the other kind.
    within = number(rows, "jump_rate", "Li along->along", "nearest site")
    assert within["low"] <= HOP_RATE * 1e12 <= within["high"]
    assert not [row for row in rows if row["of"] == "Li along->across" and row["value"]]
    # As many ions as sites of each kind.
    occupied = number(rows, "site_occupancy", "Li along", "nearest site")
    assert occupied["value"] == pytest.approx(1.0)
