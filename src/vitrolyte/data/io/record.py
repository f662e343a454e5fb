"""Results and other coins as JSON, there and back, by their declared types.

Nothing is executed on the way back: classes are found in the register of results and fields are
rebuilt from the annotations of the class.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.files import read_text, write_text
from vitrolyte.data.result import Result

_CLASS = "class"


def encode(value: object) -> Any:
    """Return a value as plain JSON types; NaN becomes ``null``, infinities become texts.

    Raises
    ------
    InputError
        If the value is of a kind that a record may not hold.
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float | np.floating):
        return _encode_float(float(value))
    if isinstance(value, np.ndarray):
        return _encode_array(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _encode_dataclass(value)
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if isinstance(value, np.integer):
        return int(value)
    raise InputError("A record holds coins and plain values only", received=repr(type(value)))


def _encode_float(value: float) -> float | str | None:
    """Return a number as JSON knows it, which has neither NaN nor infinities."""
    if math.isnan(value):
        return None
    return str(value) if math.isinf(value) else value


def _encode_array(array: np.ndarray[Any, Any]) -> Any:
    if np.iscomplexobj(array):
        return {"real": encode(array.real), "imag": encode(array.imag)}
    if array.dtype.kind in "biu":
        return array.tolist()
    flat = [_encode_float(x) for x in array.ravel().tolist()]
    if array.ndim == 1:
        return flat
    return {"shape": list(array.shape), "data": flat}


def _encode_dataclass(value: Any) -> dict[str, Any]:
    plain = {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value) if f.init}
    if isinstance(value, Result):
        plain[_CLASS] = type(value).__name__
    return plain


def decode(kind: Any, plain: Any) -> Any:
    """Return the value of type ``kind`` that ``plain`` was made from.

    Raises
    ------
    InputError
        If the record does not fit the type.
    """
    origin = typing.get_origin(kind)
    if origin is typing.Annotated:
        return decode(typing.get_args(kind)[0], plain)
    if origin in (types.UnionType, typing.Union):
        return _decode_union(typing.get_args(kind), plain)
    if origin is tuple:
        return _decode_tuple(typing.get_args(kind), plain)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        item = typing.get_args(kind)[1]
        return {key: decode(item, value) for key, value in plain.items()}
    if origin is np.ndarray or kind is np.ndarray:
        return _decode_array(plain)
    if dataclasses.is_dataclass(kind):
        return _decode_dataclass(kind, plain)
    if kind is float:
        return math.nan if plain is None else float(plain)
    return plain


def _decode_union(kinds: tuple[Any, ...], plain: Any) -> Any:
    if plain is None and type(None) in kinds:
        return None
    arrays = [kind for kind in kinds if typing.get_origin(kind) is np.ndarray]
    if arrays and isinstance(plain, list | dict):
        return _decode_array(plain)
    rest = [kind for kind in kinds if kind is not type(None)]
    return decode(rest[0], plain)


def _decode_tuple(kinds: tuple[Any, ...], plain: Any) -> tuple[Any, ...]:
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(decode(kinds[0], item) for item in plain)
    return tuple(decode(kind, item) for kind, item in zip(kinds, plain, strict=True))


def _decode_array(plain: Any) -> np.ndarray[Any, Any]:
    if isinstance(plain, dict) and "real" in plain:
        return _decode_array(plain["real"]) + 1j * _decode_array(plain["imag"])
    if isinstance(plain, dict):
        return _decode_array(plain["data"]).reshape(plain["shape"])
    return np.array([math.nan if x is None else float(x) for x in plain], dtype=float)


def _decode_dataclass(kind: Any, plain: Any) -> Any:
    if isinstance(plain, dict) and _CLASS in plain:
        kind = _registered(plain[_CLASS])
    hints = typing.get_type_hints(kind)
    names = {f.name for f in dataclasses.fields(kind) if f.init}
    unknown = set(plain) - names - {_CLASS}
    if unknown:
        raise InputError(
            f"A stored {kind.__name__} has the fields {sorted(names)}",
            received=f"also {sorted(unknown)}",
            remedy="the record was written by another version; run the step again",
        )
    return kind(**{name: decode(hints[name], plain[name]) for name in names & set(plain)})


def _registered(name: str) -> type[Result]:
    if name not in Result.registry:
        raise InputError(
            "A stored result names a known result class",
            received=repr(name),
            remedy="the record was written by another version; run the step again",
        )
    return Result.registry[name]


def save(path: Path, value: object) -> None:
    """Write a coin to a JSON file, whole or not at all.

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    write_text(path, json.dumps(encode(value), ensure_ascii=False, allow_nan=False))


def load(path: Path, kind: Any = Result) -> Any:
    """Return the coin stored in a JSON file.

    Raises
    ------
    InputError
        If the file is missing, no JSON, or does not fit the type.
    """
    try:
        plain = json.loads(read_text(path))
        return decode(kind, plain)
    except (json.JSONDecodeError, TypeError, KeyError, AttributeError, ValueError) as fault:
        raise InputError(
            f"{path.name} must hold a stored {getattr(kind, '__name__', kind)}",
            received=str(fault),
            remedy="remove the stage folder and run again",
        ) from fault
