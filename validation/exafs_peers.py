"""FEFF8L and Larch beside ours: the same input, the same paths, the same transforms."""

from __future__ import annotations

import contextlib
import io
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from validation.check import Check
from vitrolyte.data.absorption import Cluster
from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.io.feff import Feff, FeffSettings, feff_input, read_chi, read_path
from vitrolyte.data.trajectory import Trajectory, structure
from vitrolyte.observe.exafs.ensemble import cluster
from vitrolyte.observe.exafs.paths import PathFunction, PathValues
from vitrolyte.observe.exafs.transforms import K, Transform, cauchy_wavelet, fourier, wave_numbers

Floats = NDArray[np.float64]
Values = NDArray[np.float64] | NDArray[np.complex128]

_CHI = Axis("chi", "")
_COMMAND = "python -m validation exafs-larch"
_FACE_CENTRED = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2
_GRID = np.asarray(np.arange(20, 401) * 0.05, dtype=float)


def copper() -> Trajectory:
    """Return copper at its lattice parameter at room temperature, 3.615 Å."""
    return structure(("Cu",) * 4, _FACE_CENTRED * 3.615, np.eye(3) * 3.615)


def rock_salt() -> Trajectory:
    """Return NaCl, 5.64 Å."""
    places = np.concatenate([_FACE_CENTRED, _FACE_CENTRED + np.array([0.5, 0, 0])]) * 5.64
    return structure(("Na",) * 4 + ("Cl",) * 4, places, np.eye(3) * 5.64)


def exafs_larch() -> tuple[Check, ...]:
    """Return chi(k) of Cu and NaCl, path by path and as a whole, beside Larch's."""
    with tempfile.TemporaryDirectory() as folder:
        found = [
            *_crystal("Cu", copper(), Path(folder)),
            *_crystal("NaCl", rock_salt(), Path(folder)),
            *_transforms(),
            *damping(Path(folder)),
        ]
    return tuple(found)


def _crystal(name: str, crystal: Trajectory, folder: Path) -> tuple[Check, ...]:
    block = crystal.read()
    atoms = cluster(crystal.species, block.positions[0], block.cells[0], 0, radius_A=7.0)
    feff = Feff(folder / name, FeffSettings(path_radius_A=5.2))
    count = len(feff.paths(atoms))
    whole = _chi(feff, atoms)
    theirs = _larch_feff(feff_input(atoms, feff.settings), folder / f"{name}-larch")
    return (
        _close(f"{name}: χ(k) of FEFF8L run by us and by Larch", whole, theirs),
        _path_check(f"{name}: χ(k) of each of {count} paths beside Larch's", folder / name),
        _first_shell(name, atoms, folder),
    )


def _close(name: str, ours: Values, theirs: Values, bound: float = 1e-6) -> Check:
    worst = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
    title = f"{name}, largest relative difference"
    return Check.within(title, 0.0, worst, bounds=(0.0, bound), command=_COMMAND)


def _chi(feff: Feff, atoms: Cluster) -> Floats:
    (found,) = feff.spectra([atoms])
    return np.asarray(np.interp(_GRID, found.k, found.chi), dtype=float)


def _first_shell(name: str, atoms: Cluster, folder: Path) -> Check:
    """Return our equation for the one path of the first shell beside FEFF's own chi(k).

    Above 3 1/Å: the tables have five digits, steps of up to 1 1/Å and four decimals of the
    length, FEFF's own sum has not. Further shells do not serve: FEFF drops its weakest paths.
    """
    feff = Feff(folder / f"{name}-first", FeffSettings(path_radius_A=3.0))
    (path,) = feff.paths(atoms)
    ours = PathFunction(path).chi(_GRID, PathValues(path.degeneracy, path.reference_A))
    theirs = _chi(feff, atoms)
    high = _GRID > 3.0
    title = f"{name}: our first shell beside FEFF's own χ(k), k > 3"
    return _close(title, ours[high], theirs[high], 0.02)


def _larch_feff(text: str, folder: Path) -> Floats:
    from larch.xafs import feff8l

    folder.mkdir(parents=True)
    (folder / "feff.inp").write_text(text, encoding="utf-8")
    # Larch's runner asks standard output for its encoding, which a StringIO has not.
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO(), encoding="utf-8")):
        feff8l(folder=str(folder), verbose=False)
    found = read_chi(folder / "chi.dat")
    return np.asarray(np.interp(_GRID, found.k, found.chi), dtype=float)


def _path_check(title: str, folder: Path) -> Check:
    from larch.xafs import feffpath, path2chi

    ours, theirs = [], []
    for file in sorted(folder.glob("*/feff[0-9]*.dat")):
        path, other = read_path(file), feffpath(str(file))
        other.deltar, other.sigma2, other.third = 0.02, 0.006, 1e-4
        other.e0, other.s02 = 1.7, 0.9
        # Larch makes up the first point from the next two.
        path2chi(other, k=np.concatenate([[0.0], _GRID]))
        values = PathValues(path.degeneracy, path.reference_A + 0.02, 0.006, 1e-4, 1.7, 0.9)
        size = float(np.abs(other.chi[1:]).max())
        ours.append(PathFunction(path).chi(_GRID, values) / size)
        theirs.append(other.chi[1:] / size)
    return _close(title, np.array(ours), np.array(theirs))


def _transforms() -> tuple[Check, ...]:
    from larch import Group
    from larch.xafs import cauchy_wavelet as their_wavelet
    from larch.xafs import xftf

    k = wave_numbers(401)
    chi = np.sin(4.2 * k) * np.exp(-0.01 * k**2)
    curve = Curve(k, chi, K, _CHI)
    group = Group()
    xftf(k, chi, group=group, kmin=3, kmax=12, dk=1, window="kaiser", kweight=2, rmax_out=10)
    ours = fourier(curve, Transform(3, 12, window="kaiser", r_max_A=10.0))
    their_wavelet(k, chi, group=group, kweight=2, rmax_out=6)
    count = len(group.wcauchy_r)
    wavelet = cauchy_wavelet(curve, r_max_A=6.0, order=count, n_r=count)
    return (
        _close("Fourier transform beside Larch's", ours.y, group.chir),
        _close("Cauchy wavelet beside Larch's", wavelet.values, group.wcauchy),
    )


def damping(folder: Path) -> tuple[Check, ...]:
    """Return the mean over FEFF runs with a bond of Gaussian length beside exp(-2 k² sigma²).

    One scatterer beside one absorber, its distance at the nodes of a Gauss-Hermite rule.
    """
    sigma, middle = 0.07, 2.55
    nodes, weights = np.polynomial.hermite_e.hermegauss(9)
    feff = Feff(folder / "pairs", FeffSettings(path_radius_A=4.0, legs=2))
    pair = [_pair(middle + sigma * node) for node in nodes]
    spectra = feff.spectra([*pair, _pair(middle)])
    chi = np.stack([np.interp(_GRID, one.k, one.chi) for one in spectra])
    mean = weights @ chi[:-1] / weights.sum()
    damped = chi[-1] * np.exp(-2.0 * _GRID**2 * sigma**2)
    inside = (_GRID > 3) & (_GRID < 12)
    # The simple factor leaves out the change of 1/R² and of the phase with R, of the order of
    # 4 k sigma²/R (0.08 rad at 10 1/Å).
    title = "Gaussian bond of 0.07 Å: FEFF's mean beside exp(-2k²σ²)"
    (path,) = feff.paths(pair[len(pair) // 2])
    values = PathValues(path.degeneracy, path.reference_A, sigma**2)
    equation = PathFunction(path).chi(_GRID, values)
    # What is left is the change of the potentials with the distance.
    other = "Gaussian bond of 0.07 Å: FEFF's mean beside the EXAFS equation with that sigma²"
    return (
        _close(title, mean[inside], damped[inside], 0.1),
        _close(other, mean[inside], equation[inside], 0.05),
    )


def _pair(distance: float) -> Cluster:
    return Cluster(("Cu", "Cu"), np.array([[0.0, 0.0, 0.0], [0.0, 0.0, distance]]))
