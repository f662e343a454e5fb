"""The nonlinear problems of NIST's reference datasets, https://www.itl.nist.gov/div898/strd/."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.model import Floats, Model, Parameter

FOLDER = Path(__file__).parents[1] / "tests" / "data" / "nist_strd"

Equation = Callable[[Floats, Any], Any]


@dataclass(frozen=True, eq=False)
class Problem:
    """One dataset with its equation, starting values and certified answer.

    Attributes
    ----------
    starts
        (2, p).
    values, errors
        (p,), certified.
    residual_sum
        Certified residual sum of squares.
    """

    name: str
    equation: Equation
    x: Floats
    y: Floats
    starts: Floats
    values: Floats
    errors: Floats
    residual_sum: float

    def curve(self) -> Curve:
        return Curve(self.x, self.y, Axis("x", ""), Axis("y", ""))

    def model(self, start: int) -> Model:
        names = (f"b{k + 1}" for k in range(len(self.values)))
        starts = self.starts[start]
        return Model(
            self.equation, tuple(Parameter(n, float(v), "1") for n, v in zip(names, starts))
        )


def _gauss(x: Floats, b: Floats) -> Floats:
    return np.asarray(
        b[0] * np.exp(-b[1] * x)
        + b[2] * np.exp(-((x - b[3]) ** 2) / b[4] ** 2)
        + b[5] * np.exp(-((x - b[6]) ** 2) / b[7] ** 2)
    )


def _lanczos(x: Floats, b: Floats) -> Floats:
    return np.asarray(
        b[0] * np.exp(-b[1] * x) + b[2] * np.exp(-b[3] * x) + b[4] * np.exp(-b[5] * x)
    )


def _ratio(x: Floats, b: Floats, above: int) -> Floats:
    """Return a polynomial with ``above`` coefficients over one that starts with 1."""
    below = np.concatenate([[1.0], b[above:]])
    return np.asarray(np.polyval(b[:above][::-1], x) / np.polyval(below[::-1], x))


def _chwirut(x: Floats, b: Floats) -> Floats:
    return np.asarray(np.exp(-b[0] * x) / (b[1] + b[2] * x))


def _enso(x: Floats, b: Floats) -> Floats:
    turn = 2.0 * np.pi * x
    own = b[0] + b[1] * np.cos(turn / 12.0) + b[2] * np.sin(turn / 12.0)
    return np.asarray(
        own
        + b[4] * np.cos(turn / b[3])
        + b[5] * np.sin(turn / b[3])
        + b[7] * np.cos(turn / b[6])
        + b[8] * np.sin(turn / b[6])
    )


def _nelson(x: Floats, b: Floats, temperature: Floats) -> Floats:
    return np.asarray(b[0] - b[1] * x * np.exp(-b[2] * temperature))


EQUATIONS: dict[str, Equation] = {
    "Bennett5": lambda x, b: b[0] * (b[1] + x) ** (-1.0 / b[2]),
    "BoxBOD": lambda x, b: b[0] * (1.0 - np.exp(-b[1] * x)),
    "Chwirut1": _chwirut,
    "Chwirut2": _chwirut,
    "DanWood": lambda x, b: b[0] * x ** b[1],
    "ENSO": _enso,
    "Eckerle4": lambda x, b: b[0] / b[1] * np.exp(-0.5 * ((x - b[2]) / b[1]) ** 2),
    "Gauss1": _gauss,
    "Gauss2": _gauss,
    "Gauss3": _gauss,
    "Hahn1": lambda x, b: _ratio(x, b, 4),
    "Kirby2": lambda x, b: _ratio(x, b, 3),
    "Lanczos1": _lanczos,
    "Lanczos2": _lanczos,
    "Lanczos3": _lanczos,
    "MGH09": lambda x, b: b[0] * (x**2 + x * b[1]) / (x**2 + x * b[2] + b[3]),
    "MGH10": lambda x, b: b[0] * np.exp(b[1] / (x + b[2])),
    "MGH17": lambda x, b: b[0] + b[1] * np.exp(-x * b[3]) + b[2] * np.exp(-x * b[4]),
    "Misra1a": lambda x, b: b[0] * (1.0 - np.exp(-b[1] * x)),
    "Misra1b": lambda x, b: b[0] * (1.0 - (1.0 + b[1] * x / 2.0) ** -2),
    "Misra1c": lambda x, b: b[0] * (1.0 - (1.0 + 2.0 * b[1] * x) ** -0.5),
    "Misra1d": lambda x, b: b[0] * b[1] * x / (1.0 + b[1] * x),
    "Rat42": lambda x, b: b[0] / (1.0 + np.exp(b[1] - b[2] * x)),
    "Rat43": lambda x, b: b[0] / (1.0 + np.exp(b[1] - b[2] * x)) ** (1.0 / b[3]),
    "Roszman1": lambda x, b: b[0] - b[1] * x - np.arctan(b[2] / (x - b[3])) / np.pi,
    "Thurber": lambda x, b: _ratio(x, b, 4),
}
NAMES = (*EQUATIONS, "Nelson")


def load(name: str) -> Problem:
    """Return a problem from its file as NIST publishes it."""
    lines = (FOLDER / f"{name}.dat").read_text(encoding="ascii").splitlines()
    rows = [_numbers(line.split("=", 1)[1]) for line in lines if re.match(r"\s*b\d+\s*=", line)]
    parameters = np.array(rows)  # start 1, start 2, certified value, standard deviation
    table = np.array([_numbers(line) for line in lines[60:] if line.strip()])
    total = next(line for line in lines if line.startswith("Residual Sum of Squares"))
    x, y, equation = table[:, 1], table[:, 0], EQUATIONS.get(name, _chwirut)
    if name == "Nelson":
        temperature = table[:, 2]
        y = np.log(y)
        equation = lambda x, b: _nelson(x, b, temperature)  # noqa: E731
    return Problem(
        name,
        equation,
        x,
        y,
        parameters[:, :2].T,
        parameters[:, 2],
        parameters[:, 3],
        float(total.split(":")[1]),
    )


def _numbers(text: str) -> list[float]:
    return [float(word) for word in text.split()]


def digits(got: Floats, certified: Floats) -> float:
    """Return the smallest number of correct significant digits: -log10 of the relative error."""
    relative = np.abs(got / certified - 1.0)
    return float(-np.log10(max(float(np.max(relative)), 1e-16)))


def exact_derivatives(equation: Equation) -> Equation:
    """Return dy/db by a step along the imaginary axis, which is exact to rounding.

    Squire & Trapp, SIAM Rev. 40, 110 (1998), doi:10.1137/S003614459631241X.
    """

    def derivatives(x: Floats, b: Floats) -> Floats:
        columns = []
        for k in range(len(b)):
            step = 1e-30 * (abs(b[k]) or 1.0)
            moved = b.astype(complex)
            moved[k] += 1j * step
            columns.append(np.imag(equation(x, moved)) / step)
        return np.stack(columns, axis=1)

    return derivatives
