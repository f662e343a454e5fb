"""The EXAFS equation for a few paths: a model of chi(k) whose parameters a fit can find."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import constants
from scipy.interpolate import CubicSpline

from vitrolyte.data.absorption import ScatteringPath
from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.model import Model, Parameter
from vitrolyte.observe.exafs.transforms import STEP, K, R, Transform, even, wave_numbers, window

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

CITATIONS = ("10.1103/RevModPhys.72.621", "10.1103/PhysRevB.28.3520")
EV_TO_WAVE_NUMBER2 = 2.0 * constants.m_e * constants.e / constants.hbar**2 * 1e-20
"""k² of a free electron, 1/(Å² eV): 2 m / hbar², 0.2625."""

_CHI = Axis("χ(k)", "")
_LEAST_K2 = 1e-8
_E0_STEP_EV = 1e-3


@dataclass(frozen=True)
class PathValues:
    """The parameters of one path.

    Attributes
    ----------
    number
        Atoms (single scattering) or paths of this kind, N.
    distance_A
        Half path length R, Å.
    sigma2_A2
        Mean square relative displacement, Å².
    third_A3
        Third cumulant of the distances, Å³.
    e0_eV
        Shift of the threshold, eV; a positive one makes k smaller.
    s02
        Amplitude reduction by many-body losses.
    """

    number: float
    distance_A: float
    sigma2_A2: float = 0.0
    third_A3: float = 0.0
    e0_eV: float = 0.0
    s02: float = 1.0


@dataclass(frozen=True, eq=False)
class PathFunction:
    """The EXAFS equation of one path, with its tables interpolated by cubic splines."""

    path: ScatteringPath

    @cached_property
    def _tables(self) -> CubicSpline:
        path = self.path
        columns = (path.phase, path.amplitude, path.momentum, path.mean_free_path)
        return CubicSpline(path.k, np.stack(columns, axis=1))

    def __call__(self, k: Floats, values: PathValues) -> Complexes:
        r"""Return the complex fine structure of the path, whose imaginary part is χ(k), (n,).

        .. math:: \tilde\chi(k) = \frac{N S_0^2 F(q)}{q R^2} \exp\left[-2 R_e \mathrm{Im}\,p
            - 2 p^2 \sigma^2 + i \left(2 q R_e + \phi(q) + 2 p (R - R_e - 2 \sigma^2 / R_e
            - \tfrac{2}{3} p^2 C_3)\right)\right]

        with :math:`q^2 = k^2 - 2m E_0 / \hbar^2`, p the complex wave number and R_e the length
        for which the tables were computed.

        References
        ----------
        Rehr & Albers, Rev. Mod. Phys. 72, 621 (2000), doi:10.1103/RevModPhys.72.621;
        cumulants: Bunker, Nucl. Instrum. Methods 207, 437 (1983),
        doi:10.1016/0167-5087(83)90655-5.
        """
        q, amplitude, phase, p = self._at(k, values.e0_eV)
        reference, sigma2 = self.path.reference_A, values.sigma2_A2
        shift = values.distance_A - reference - 2.0 * sigma2 / reference
        cubic = shift - 2.0 / 3.0 * p**2 * values.third_A3
        inner = 2.0 * q * reference + phase + 2.0 * p * cubic
        exponent = -2.0 * reference * p.imag - 2.0 * p**2 * sigma2 + 1j * inner
        size = values.number * values.s02 * amplitude / (q * values.distance_A**2)
        return np.asarray(size * np.exp(exponent), dtype=np.complex128)

    def chi(self, k: Floats, values: PathValues) -> Floats:
        """Return χ(k) of the path, (n,)."""
        return np.asarray(self(k, values).imag, dtype=float)

    def slopes(self, k: Floats, values: PathValues) -> Floats:
        """Return the derivatives of χ(k) by N, R, σ², C3, E0 and S02, (n, 6).

        All are exact but that by E0, which runs through the tables and is a central difference.
        """
        whole = self(k, values)
        p = self._at(k, values.e0_eV)[3]
        reference = self.path.reference_A
        step = _E0_STEP_EV
        ends = [self.chi(k, _moved(values, sign * step)) for sign in (1.0, -1.0)]
        return np.stack(
            [
                whole.imag / values.number if values.number else self.chi(k, _one(values)),
                (whole * (2j * p - 2.0 / values.distance_A)).imag,
                (whole * (-2.0 * p**2 - 4j * p / reference)).imag,
                (whole * (-4j / 3.0 * p**3)).imag,
                (ends[0] - ends[1]) / (2.0 * step),
                whole.imag / values.s02,
            ],
            axis=1,
        )

    def _at(self, k: Floats, e0_eV: float) -> tuple[Floats, Floats, Floats, Complexes]:
        square = k**2 - e0_eV * EV_TO_WAVE_NUMBER2
        square = np.where(np.abs(square) < _LEAST_K2, _LEAST_K2, square)
        q = np.sign(square) * np.sqrt(np.abs(square))
        phase, amplitude, momentum, free = self._tables(q).T
        return q, amplitude, phase, momentum + 1j / free


def _moved(values: PathValues, step: float) -> PathValues:
    return PathValues(
        values.number,
        values.distance_A,
        values.sigma2_A2,
        values.third_A3,
        values.e0_eV + step,
        values.s02,
    )


def _one(values: PathValues) -> PathValues:
    return PathValues(
        1.0,
        values.distance_A,
        values.sigma2_A2,
        values.third_A3,
        values.e0_eV,
        values.s02,
    )


@dataclass(frozen=True, eq=False)
class Shell:
    """One shell of a path fit with its starting values.

    Attributes
    ----------
    path
        The scattering path whose tables are used.
    number
        Starting value of N.
    distance_A
        Starting value of R, Å; None for the length of the path.
    sigma2_A2
        Starting value of σ², Å².
    third
        Whether the third cumulant is a parameter too.
    label
        Name of the shell; None for the atoms of the path.

    Raises
    ------
    InputError
        If a starting value is not positive.
    """

    path: ScatteringPath
    number: float
    distance_A: float | None = None
    sigma2_A2: float = 0.005
    third: bool = False
    label: str | None = None

    def __post_init__(self) -> None:
        if not (self.number > 0 and self.start_A > 0 and self.sigma2_A2 >= 0):
            raise InputError(
                "A shell starts from a positive number and distance and a σ² not below zero",
                received=f"N {self.number}, R {self.start_A}, sigma2 {self.sigma2_A2}",
            )

    @property
    def name(self) -> str:
        """Return the label, or the atoms of the path."""
        return self.label or self.path.label

    @property
    def start_A(self) -> float:
        """Return the starting distance, Å."""
        return self.path.reference_A if self.distance_A is None else self.distance_A


@dataclass(frozen=True, eq=False)
class _Sum:
    """χ(k) of several shells as a function of one row of parameters."""

    functions: tuple[PathFunction, ...]
    third: tuple[bool, ...]
    s02: float
    weight: int

    def values(self, parameters: Floats) -> list[PathValues]:
        found, place = [], 1
        for third in self.third:
            number, distance, sigma2 = parameters[place : place + 3]
            cubic = float(parameters[place + 3]) if third else 0.0
            place += 4 if third else 3
            found.append(
                PathValues(
                    float(number),
                    float(distance),
                    float(sigma2),
                    cubic,
                    float(parameters[0]),
                    self.s02,
                )
            )
        return found

    def __call__(self, k: Floats, parameters: Floats) -> Floats:
        pairs = zip(self.functions, self.values(parameters))
        total = sum((function.chi(k, values) for function, values in pairs), np.zeros(len(k)))
        return np.asarray(total * k**self.weight, dtype=float)

    def jacobian(self, k: Floats, parameters: Floats) -> Floats:
        columns, shift = [], np.zeros(len(k))
        pairs = zip(self.functions, self.values(parameters), self.third)
        for function, values, third in pairs:
            slopes = function.slopes(k, values)
            columns += [slopes[:, n] for n in range(4 if third else 3)]
            shift = shift + slopes[:, 4]
        return np.stack([shift, *columns], axis=1) * (k**self.weight)[:, None]


def path_model(shells: tuple[Shell, ...], *, s02: float = 1.0, weight: int = 0) -> Model:
    r"""Return :math:`k^w \chi(k)` of some shells as a model for a fit.

    The parameters are ``E0`` (eV, common to all shells) and for each shell ``N``, ``R`` (Å),
    ``sigma2`` (Å²) and, where asked for, ``C3`` (Å³). :math:`S_0^2` multiplies every N and cannot
    be told from them: it is given, from a standard of known structure.

    Parameters
    ----------
    shells
        At least one; names must differ.
    s02
        Amplitude reduction.
    weight
        Power w of k.

    Raises
    ------
    InputError
        If there is no shell, two have one name, or ``s02`` is not positive.
    """
    names = [shell.name for shell in shells]
    if not shells or len(set(names)) < len(names) or not s02 > 0:
        raise InputError(
            "A path fit needs shells with names of their own and a positive s02",
            received=f"{names}, s02 {s02}",
            remedy="give each Shell a label",
        )
    parameters = [Parameter("E0", 0.0, "eV", -20.0, 20.0)]
    for shell in shells:
        parameters += _parameters(shell)
    third = tuple(shell.third for shell in shells)
    total = _Sum(tuple(PathFunction(shell.path) for shell in shells), third, s02, weight)
    return Model(total, tuple(parameters))


def _parameters(shell: Shell) -> list[Parameter]:
    start, name = shell.start_A, shell.name
    found = [
        Parameter(f"N {name}", shell.number, "1", 0.0, 100.0),
        Parameter(f"R {name}", start, "Å", 0.7 * start, 1.3 * start),
        Parameter(f"sigma2 {name}", shell.sigma2_A2, "Å²", -0.005, 0.2),
    ]
    if shell.third:
        found.append(Parameter(f"C3 {name}", 0.0, "Å³", -0.01, 0.01))
    return found


def path_jacobian(model: Model, k: Floats, values: Floats) -> Floats:
    """Return the derivatives of a model of `path_model` by its parameters, (n_k, n_parameters).

    Raises
    ------
    InputError
        If the model is another one.
    """
    if not isinstance(model.forward, _Sum):
        raise InputError("The derivatives are known for a model made by path_model")
    return model.forward.jacobian(k, values)


@dataclass(frozen=True)
class DistanceRange:
    r"""The part of a transform that a fit looks at, by its independent points.

    A window of width :math:`\Delta k` leaves :math:`2 \Delta k \Delta R / \pi` independent real
    numbers in a range of distances (Stern, Phys. Rev. B 48, 9825 (1993),
    doi:10.1103/PhysRevB.48.9825). The transform is taken at just that spacing,
    :math:`\pi / \Delta k`, real and imaginary part, so that a least-squares fit counts its
    degrees of freedom rightly.

    Attributes
    ----------
    transform
        Window and weight.
    r_min_A, r_max_A
        Range of distances, not phase corrected, Å.

    Raises
    ------
    InputError
        If the range is empty.
    """

    transform: Transform
    r_min_A: float = 1.0
    r_max_A: float = 3.0

    def __post_init__(self) -> None:
        if not 0 <= self.r_min_A < self.r_max_A:
            raise InputError("A range of distances has to rise", received=str(self))

    @property
    def places(self) -> Floats:
        """Return the distances of the independent points, (n,), Å."""
        step = math.pi / (self.transform.k_max - self.transform.k_min)
        count = math.floor((self.r_max_A - self.r_min_A) / step + 1e-9) + 1
        return np.asarray(self.r_min_A + step * np.arange(count), dtype=float)

    @property
    def matrix(self) -> tuple[Floats, Floats]:
        """Return the grid of k, (n_k,), and the real linear map to the points, (2 n, n_k)."""
        k = wave_numbers(math.ceil((self.transform.k_max + self.transform.dk) / STEP) + 1)
        weights = window(k, self.transform) * k**self.transform.weight * STEP / math.sqrt(math.pi)
        waves = np.exp(-2j * np.outer(self.places, k)) * weights
        return k, np.concatenate([waves.real, waves.imag])

    def points(self, curve: Curve) -> Curve:
        """Return the independent points of a fine structure: real parts at R, imaginary at -R.

        Errors of χ(k), taken as independent from one point of k to the next, are carried over.

        Raises
        ------
        InputError
            If the data end before the window.
        """
        smooth = even(curve)
        if smooth.x[-1] < self.transform.k_max - 1e-6:
            raise InputError(
                "The fine structure must reach to the end of the window",
                received=f"data up to {smooth.x[-1]:g} 1/Å, k_max {self.transform.k_max:g}",
                remedy="lower k_max",
            )
        k, matrix = self.matrix
        error = None
        if smooth.y_error is not None:
            spread = np.interp(k, smooth.x, smooth.y_error, right=0.0)
            error = np.asarray(np.sqrt(matrix**2 @ spread**2), dtype=float)
        values = matrix @ np.interp(k, smooth.x, smooth.y.real, right=0.0)
        return Curve(self._signed, values, R, Axis("χ(R)", ""), y_error=error, label=curve.label)

    @property
    def _signed(self) -> Floats:
        return np.concatenate([self.places, -self.places])

    def model(self, inner: Model) -> Model:
        """Return a model of χ(k) (of weight 0) as a model of its independent points."""
        k, matrix = self.matrix

        def forward(x: Floats, parameters: Floats) -> Floats:
            if len(x) != len(matrix):
                raise InputError(
                    "This model is of the independent points of one range of distances",
                    received=f"{len(x)} points for {len(matrix)}",
                )
            return np.asarray(matrix @ inner.forward(k, parameters), dtype=float)

        return Model(forward, inner.parameters)


def model_curve(model: Model, k: Floats, label: str = "path model") -> Curve:
    """Return a model of χ(k) as a curve."""
    return Curve(k, model(k), K, _CHI, label=label)
