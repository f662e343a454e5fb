"""Typed settings from plain values: unknown keys are refused, and every refusal is one message."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from vitrolyte.data.errors import InputError

T = TypeVar("T", bound=BaseModel)


class Settings(BaseModel):
    """Base of all settings: plain values, frozen, unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


def validated(model: type[T], plain: Mapping[str, Any], *, where: str) -> T:
    """Return plain values as typed settings.

    Raises
    ------
    InputError
        Naming the first wrong setting, what came, and the nearest known key.
    """
    try:
        return model.model_validate(plain)
    except ValidationError as fault:
        raise _translated(fault, model, where) from fault


def _translated(fault: ValidationError, model: type[BaseModel], where: str) -> InputError:
    # An unknown key explains a missing one, so it is told first.
    first = min(fault.errors(), key=lambda error: error["type"] != "extra_forbidden")
    path = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = _known_keys(model, first["loc"][:-1])
        near = difflib.get_close_matches(str(first["loc"][-1]), known, n=1, cutoff=0.4)
        return InputError(
            f"{where}: every key must be a known setting",
            received=f"{path!r}",
            remedy=f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}",
        )
    if first["type"] == "missing":
        return InputError(f"{where}: the setting {path!r} is required", received="nothing")
    message = first["msg"].removeprefix("Value error, ")
    received = repr(first.get("input"))
    return InputError(f"{where}: {path}: {message}", received=received[:200])


def _known_keys(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Return the keys of the table in which an unknown key stood."""
    current: Any = model
    for part in location:
        if isinstance(part, str) and part in current.model_fields:
            current = _model_in(current.model_fields[part].annotation) or current
    return [field.alias or name for name, field in current.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _model_in(part)
        if found is not None:
            return found
    return None
