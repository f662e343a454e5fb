"""Curves as CSV files that any plotting program reads."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from vitrolyte.data.curve import Curve, CurveSet
from vitrolyte.data.io.files import write_text


def write_curves(path: Path, curves: CurveSet) -> None:
    """Write a set of curves in long form: label, x, y (or its two parts), error.

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    first = curves.curves[0]
    complex_values = any(np.iscomplexobj(curve.y) for curve in curves.curves)
    parts = ("real", "imaginary") if complex_values else ("",)
    names = [f"{part} {first.y_axis.label}".strip() for part in parts]
    writer.writerow(["label", first.x_axis.label, *names, "standard error"])
    for curve in curves.curves:
        writer.writerows(_rows(curve, complex_values))
    write_text(path, stream.getvalue())


def _rows(curve: Curve, complex_values: bool) -> list[list[object]]:
    errors = [""] * len(curve) if curve.y_error is None else curve.y_error.tolist()
    columns = [curve.y.real, curve.y.imag] if complex_values else [curve.y]
    values = np.column_stack([curve.x, *columns]).tolist()
    return [[curve.label, *row, error] for row, error in zip(values, errors, strict=True)]
