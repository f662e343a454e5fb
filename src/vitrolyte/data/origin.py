"""Where a number came from: written before the work starts, completed after."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from vitrolyte import __version__

Settings = Mapping[str, Any]
OriginState = Literal["started", "complete"]


def canonical_json(value: object) -> str:
    """Return the one JSON text of a plain value: sorted keys, no blanks, floats by repr."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def content_id(value: object) -> str:
    """Return the machine-independent id (16 hex digits of SHA-256) of a plain value."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Origin:
    """The full story of one piece of work.

    Attributes
    ----------
    function
        The recipe or analysis, with its own version: ``melt/1``.
    settings
        Every setting with its default filled in; plain values only.
    inputs
        Ids of the origins of everything that went in, by role.
    seed
        Seed of the random numbers, or None where none are used.
    citations
        DOIs (or references) of the methods used.
    version
        Version of the package that did the work; not part of the id.
    state
        ``started`` when written before the work, ``complete`` after.
    wall_seconds
        Time taken; not part of the id.
    """

    function: str
    settings: Settings
    inputs: Mapping[str, str]
    seed: int | None = None
    citations: tuple[str, ...] = ()
    version: str = __version__
    state: OriginState = "started"
    wall_seconds: float = 0.0

    @property
    def id(self) -> str:
        """Return the id: same function, settings, inputs and seed, same id."""
        return content_id(
            {
                "function": self.function,
                "settings": dict(self.settings),
                "inputs": dict(self.inputs),
                "seed": self.seed,
            }
        )

    def completed(self, wall_seconds: float) -> Origin:
        """Return the origin as it stands after the work."""
        return replace(self, state="complete", wall_seconds=round(wall_seconds, 3))
