"""HTML that cannot be injected into: every text is escaped unless it is markup already."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from typing import final

EMPTY_ELEMENTS = frozenset({"meta", "input", "br"})


@final
class Markup(str):
    """Text that is HTML already and is not escaped again."""

    __slots__ = ()


Child = str | None | Iterable["Child"]


def escape(text: str) -> Markup:
    """Return a text as HTML; markup passes unchanged."""
    return text if isinstance(text, Markup) else Markup(html.escape(text, quote=True))


def tag(name: str, /, *children: Child, **attributes: str | bool) -> Markup:
    """Return an element; children that are not markup are escaped, and so are attributes.

    An underscore in an attribute's name stands for a hyphen, and one at the end is dropped
    (``class_``); ``True`` writes the bare attribute, ``False`` leaves it out.
    """
    words = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in EMPTY_ELEMENTS:
        return Markup(f"<{name}{words}>")
    return Markup(f"<{name}{words}>{join(children)}</{name}>")


def join(children: Child) -> Markup:
    """Return the escaped children one after the other; None is left out."""
    if children is None:
        return Markup("")
    if isinstance(children, str):
        return escape(children)
    return Markup("".join(join(child) for child in children))


def script_json(identity: str, value: object) -> Markup:
    """Return a data block for scripts to read; no text in it can close the block."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    name = html.escape(identity, quote=True)
    return Markup(f'<script type="application/json" id="{name}">{text}</script>')


def _attribute(key: str, value: str | bool) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{html.escape(value, quote=True)}"'
