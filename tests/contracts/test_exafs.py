"""FEFF behind its door, and Larch's numbers for the same input.

The tables beside this file: ``nacl-*.dat`` as FEFF8L (xraylarch 2026.3.1) wrote them for rock salt,
a = 5.64 Å; ``larch-*.csv`` what Larch 2026.3.1 makes of them (xftf, xftr, cauchy_wavelet,
path2chi).
"""

import csv
import stat
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from vitrolyte.data.absorption import Cluster
from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import EngineError, InputError, MachineError, MissingExtra
from vitrolyte.data.io.feff import (
    MODULES,
    Feff,
    FeffSettings,
    feff_input,
    found_programs,
    read_chi,
    read_path,
)
from vitrolyte.data.io.record import load, save
from vitrolyte.infer.fit import fit
from vitrolyte.matter.prototypes import crystal
from vitrolyte.observe.exafs.ensemble import EnsembleSettings, Exafs, cluster, exafs
from vitrolyte.observe.exafs.first_shell import first_shell_lengths
from vitrolyte.observe.exafs.paths import (
    DistanceRange,
    PathFunction,
    PathValues,
    Shell,
    model_curve,
    path_jacobian,
    path_model,
)
from vitrolyte.observe.exafs.transforms import K, Transform, back, cauchy_wavelet, even, fourier

HERE = Path(__file__).parent / "exafs"
CHI = Axis("χ(k)", "")


def table(name):
    with (HERE / name).open() as stream:
        rows = list(csv.DictReader(stream))
    return {column: np.array([float(row[column]) for row in rows]) for column in rows[0]}


@pytest.fixture(scope="module")
def larch():
    columns = table("larch-input.csv")
    return Curve(columns["k"], columns["chi"], K, CHI), columns["path"]


@pytest.fixture(scope="module")
def path():
    return read_path(HERE / "nacl-feff0001.dat")


@pytest.mark.parametrize("kind", ["hanning", "kaiser"])
def test_the_transform_is_larchs(larch, kind):
    theirs = table("larch-transforms.csv")
    ours = fourier(larch[0], Transform(3, 12, window=kind, r_max_A=10.0))
    places = theirs["index"].astype(int)
    expected = theirs[f"{kind}_re"] + 1j * theirs[f"{kind}_im"]
    np.testing.assert_allclose(ours.y[places], expected, atol=1e-12)


def test_the_back_transform_is_larchs(larch):
    theirs = table("larch-transforms.csv")
    ours = back(fourier(larch[0], Transform(3, 12, r_max_A=10.0)), (1.0, 3.0), dr=0.1)
    np.testing.assert_allclose(
        ours.y.real[theirs["index"].astype(int)], theirs["back_re"], atol=1e-12
    )


def test_the_wavelet_is_larchs(larch):
    """Larch takes the number of distances, 196, as the order of the wavelet."""
    theirs = table("larch-wavelet.csv")
    ours = cauchy_wavelet(larch[0], r_max_A=6.0, order=196, n_r=196)
    rows, columns = theirs["row"].astype(int), theirs["column"].astype(int)
    expected = theirs["re"] + 1j * theirs["im"]
    np.testing.assert_allclose(
        ours.values[rows, columns], expected, atol=1e-12 * abs(expected).max()
    )


def test_the_exafs_equation_is_larchs(larch, path):
    """Larch's path2chi with deltar 0.03, sigma2 0.006, third 2e-4, e0 2.5, s02 0.9."""
    values = PathValues(6.0, path.reference_A + 0.03, 0.006, 2e-4, 2.5, 0.9)
    ours = PathFunction(path).chi(larch[0].x[1:], values)
    np.testing.assert_allclose(ours, larch[1][1:], atol=1e-12)


def test_a_path_is_read_with_its_atoms(path):
    # Rock salt: six Cl at a / 2 = 2.82 Å.
    assert (path.label, path.degeneracy, path.reference_A) == ("Na-Cl", 6.0, 2.82)
    assert read_chi(HERE / "nacl-chi.dat").threshold_eV == -3.185


def test_slopes_are_derivatives(path):
    shells = (Shell(path, 5.5, 2.85, 0.006, third=True), Shell(path, 3.0, 3.1, 0.01, label="far"))
    model = path_model(shells, s02=0.9, weight=2)
    k = np.arange(2.0, 14.0, 0.05)
    at = model.values + np.array([1.5, 0, 0, 0, 1e-4, 0, 0, 0])
    ours = path_jacobian(model, k, at)
    for column, step in enumerate([1e-4, 1e-4, 1e-5, 1e-6, 1e-6, 1e-4, 1e-5, 1e-6]):
        unit = np.eye(len(at))[column] * step
        numeric = (model.forward(k, at + unit) - model.forward(k, at - unit)) / (2 * step)
        np.testing.assert_allclose(ours[:, column], numeric, atol=1e-5 * np.abs(numeric).max())


def test_the_cumulant_stands_for_a_gaussian_spread_of_lengths(path):
    """The mean over R by a Gauss-Hermite rule; what the equation leaves out is (sigma / R)²."""
    sigma, k = 0.07, np.arange(3.0, 12.0, 0.05)
    nodes, weights = np.polynomial.hermite_e.hermegauss(15)
    function, middle = PathFunction(path), path.reference_A
    mean = sum(
        weight * function.chi(k, PathValues(6, middle + sigma * node))
        for node, weight in zip(nodes, weights / weights.sum())
    )
    ours = function.chi(k, PathValues(6, middle, sigma**2))
    assert np.abs(mean - ours).max() < 5 * (sigma / middle) ** 2 * np.abs(ours).max()


def test_a_fit_finds_the_parameters_again(path):
    """In the independent points of the transform, with noise of known size."""
    k = np.arange(0, 341) * 0.05
    truth = path_model((Shell(path, 5.2, 2.79, 0.008),), s02=0.9)
    truth = truth.at(np.array([1.2, 5.2, 2.79, 0.008]))
    noise = 0.002
    random = np.random.default_rng(4)
    clean = model_curve(truth, np.maximum(k, 1e-3))
    data = Curve(
        k, clean.y + random.normal(0, noise, len(k)), K, CHI, y_error=np.full(len(k), noise)
    )
    window = DistanceRange(Transform(3, 14), 1.2, 3.2)
    model = window.model(path_model((Shell(path, 6.0),), s02=0.9))
    found = fit(model, window.points(data))
    assert found.dof == len(window.places) * 2 - 4
    for parameter, expected in zip(found.parameters.values(), truth.values):
        assert abs(parameter.value - expected) < 3 * parameter.error
    assert found.parameters["R Na-Cl"].error < 0.02


def test_points_are_samples_of_the_transform(larch):
    whole = fourier(larch[0], Transform(3, 12))
    window = DistanceRange(Transform(3, 12), float(whole.x[40]), 3.0)
    points = window.points(larch[0])
    half = len(points) // 2
    assert points.x[half] == -points.x[0]
    assert points.y[0] + 1j * points.y[half] == pytest.approx(whole.y[40], rel=1e-9)
    np.testing.assert_allclose(np.diff(window.places), np.pi / 9.0)


def test_a_model_needs_names_of_its_own(path):
    with pytest.raises(InputError, match="label"):
        path_model((Shell(path, 3.0), Shell(path, 3.0)))
    with pytest.raises(InputError, match="rise"):
        DistanceRange(Transform(), 3.0, 1.0)
    with pytest.raises(InputError, match="positive number"):
        Shell(path, -1.0)


def test_data_must_reach_the_end_of_the_window(larch):
    short = Curve(larch[0].x[:200], larch[0].y[:200], K, CHI)
    with pytest.raises(InputError, match="lower k_max"):
        fourier(short, Transform(3, 12))
    with pytest.raises(InputError, match="lower k_max"):
        DistanceRange(Transform(3, 12)).points(short)
    with pytest.raises(InputError, match="rising k"):
        even(Curve(larch[0].x[::-1], larch[0].y, K, CHI))


@pytest.mark.parametrize(
    "wrong", [{"k_min": 12.0}, {"dk": -1.0}, {"window": "square"}, {"r_max_A": 40.0}]
)
def test_a_wrong_transform_is_refused(wrong):
    with pytest.raises(InputError, match="transform"):
        Transform(**wrong)


ROCK_SALT = crystal("NaCl", "rock-salt", lattice_parameter_A=5.64)


def rock_salt(radius=7.0):
    block = ROCK_SALT.read()
    sodium = int(ROCK_SALT.indices("Na")[0])
    return cluster(ROCK_SALT.species, block.positions[0], block.cells[0], sodium, radius_A=radius)


def test_the_input_names_every_potential_once():
    lines = feff_input(rock_salt(), FeffSettings(edge="K", path_radius_A=5.0)).splitlines()
    potentials = lines[lines.index("POTENTIALS") + 1 : lines.index("ATOMS")]
    assert [line.split() for line in potentials] == [
        ["0", "11", "Na"], ["1", "17", "Cl"], ["2", "11", "Na"]
    ]  # fmt: skip
    atoms = lines[lines.index("ATOMS") + 1 : lines.index("END")]
    assert [line.split()[3] for line in atoms[:8]] == ["0"] + ["1"] * 6 + ["2"]
    assert sum(line.split()[3] == "0" for line in atoms) == 1


def test_too_many_atoms_are_refused():
    with pytest.raises(InputError, match="1000 atoms"):
        feff_input(rock_salt(30.0), FeffSettings())


@pytest.mark.parametrize("wrong", [{"edge": "Q"}, {"legs": 1}, {"path_radius_A": 0.0}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(InputError, match="FEFF8L"):
        FeffSettings(**wrong)


def test_overlapping_atoms_are_refused():
    with pytest.raises(InputError, match="overlapping"):
        Cluster(("Zr", "O"), np.array([[0.0, 0, 0], [0.1, 0, 0]]))


def imitation(folder, last):
    """Write six programs; each notes that it ran, the last one does what it is told."""
    folder.mkdir()
    for name in MODULES:
        body = last if name == "ff2x" else "pass"
        program = folder / f"feff8l_{name}"
        program.write_text(
            f"#!{sys.executable}\nimport shutil, sys, time\n"
            f"print('here is', {name!r})\nopen('ran-{name}', 'w').close()\n{body}\n"
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return folder


WRITES = f"shutil.copy({str(HERE / 'nacl-chi.dat')!r}, 'chi.dat')"
LEAVES_NOTHING = "print('fatal: atoms overlap')"


def test_nothing_is_computed_twice(tmp_path):
    programs = imitation(tmp_path / "bin", WRITES)
    feff = Feff(tmp_path / "work", programs=programs, workers=2)
    clusters = [rock_salt(), rock_salt(6.0), rock_salt()]
    first = feff.spectra(clusters)
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "work").glob("*/chi.dat")}
    second = feff.spectra(clusters)
    assert len(stamps) == 2
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())
    np.testing.assert_array_equal(first[0].chi, second[2].chi)
    assert not list((tmp_path / "work").glob("running-*"))
    assert not list((tmp_path / "work").glob("*/ran-*"))


def test_a_changed_program_or_setting_is_computed_anew(tmp_path):
    one = imitation(tmp_path / "one", WRITES)
    two = imitation(tmp_path / "two", WRITES + "  # another build")
    for programs in (one, two):
        Feff(tmp_path / "work", programs=programs).spectra([rock_salt()])
    Feff(tmp_path / "work", FeffSettings(legs=2), programs=one).spectra([rock_salt()])
    assert len(list((tmp_path / "work").glob("*/chi.dat"))) == 3


@pytest.mark.parametrize(
    ("last", "match"),
    [
        (LEAVES_NOTHING, r"without chi.dat[\s\S]*atoms overlap"),
        ("sys.exit(3)", "status 3"),
        ("open('chi.dat', 'w').write('# Mu=1.0\\n0.0 1.0\\n')", "chi.dat is not complete"),
    ],
)
def test_a_failure_is_told_with_its_last_words(tmp_path, last, match):
    feff = Feff(tmp_path / "work", programs=imitation(tmp_path / "bin", last))
    with pytest.raises(EngineError, match=match) as caught:
        feff.spectra([rock_salt()])
    assert caught.value.folder.is_dir()
    # Nothing that a later run would take for a result.
    assert not [p for p in (tmp_path / "work").iterdir() if not p.name.startswith("running-")]


def test_a_program_that_hangs_is_stopped(tmp_path):
    programs = imitation(tmp_path / "bin", "time.sleep(60)")
    start = time.monotonic()
    with pytest.raises(EngineError, match="more than 1 s"):
        Feff(tmp_path / "work", timeout_s=1.0, programs=programs).spectra([rock_salt()])
    assert time.monotonic() - start < 30


def test_no_feff_names_the_command(tmp_path, monkeypatch):
    with pytest.raises(MissingExtra, match=r"pip install 'vitrolyte\[exafs\]'"):
        Feff(tmp_path / "work", programs=tmp_path / "nowhere").spectra([rock_salt()])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'vitrolyte\[exafs\]'"):
        found_programs()


def test_programs_that_may_not_run_are_named(tmp_path):
    programs = imitation(tmp_path / "bin", WRITES)
    (programs / "feff8l_pot").chmod(0o644)
    with pytest.raises(MachineError, match="chmod"):
        found_programs(programs)


@pytest.mark.parametrize("text", ["", "# Mu=-3.0\n", "# Mu=x\n0 1\n1 2\n", "0 1\n1 2\n"])
def test_a_broken_chi_is_refused(tmp_path, text):
    (tmp_path / "chi.dat").write_text(text)
    with pytest.raises(InputError):
        read_chi(tmp_path / "chi.dat")


@pytest.mark.parametrize("cut", [0, 5, 14])
def test_a_broken_path_is_refused(tmp_path, cut):
    lines = (HERE / "nacl-feff0001.dat").read_text().splitlines()
    (tmp_path / "feff0001.dat").write_text("\n".join(lines[:cut]))
    with pytest.raises(InputError, match="feffNNNN"):
        read_path(tmp_path / "feff0001.dat")


def test_results_come_back_from_disk(tmp_path):
    programs = imitation(tmp_path / "bin", WRITES)
    feff = Feff(tmp_path / "work", programs=programs)
    settings = EnsembleSettings(configurations=6, radius_A=6.0)
    one = exafs(ROCK_SALT, "Na", spectra=feff.spectra, settings=settings)
    assert one.effective_number.note == "all configurations are alike" or one.configurations < 5
    save(tmp_path / "r.json", one)
    two = load(tmp_path / "r.json")
    assert isinstance(two, Exafs)
    np.testing.assert_array_equal(two.chi["Na"].y, one.chi["Na"].y)
    lengths = first_shell_lengths(ROCK_SALT, "Na", cut_offs={"Na-Cl": 3.2})
    save(tmp_path / "s.json", lengths)
    assert load(tmp_path / "s.json").components == lengths.components


def test_a_missing_absorber_is_refused(tmp_path):
    with pytest.raises(InputError, match="Zr"):
        exafs(ROCK_SALT, "Zr", spectra=lambda clusters: [])
    with pytest.raises(InputError, match="cut-off for one of its pairs"):
        first_shell_lengths(ROCK_SALT, "Na", cut_offs={})
