"""How a number is written: digits as far as its error reaches, powers of ten, its unit."""

from __future__ import annotations

import math

from vitrolyte.data.observation import Observation

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
AS_PRINTED = 6
"""Significant digits kept of a published number: all that a paper prints."""

DECADE = 10.0
PLAIN_FROM, PLAIN_TO = -3, 5
"""Numbers from 10⁻³ up to 10⁵ are written without a power of ten."""


def number_text(value: float, error: float | None = None, *, digits: int = 3) -> str:
    """Return a number, with its standard error where known, rounded to what the error allows.

    The error keeps one significant digit, two where the first is a 1; without one the number
    keeps ``digits`` significant digits at most.
    """
    power = _shown_power(value)
    scale = 10.0**power
    if error is None or not math.isfinite(error) or error <= 0.0:
        mantissa = _plain(value / scale, digits)
        return mantissa if power == 0 else f"{mantissa} × {_ten(power)}"
    places = _places(error / scale)
    body = f"{_fixed(value / scale, places)} ± {_fixed(error / scale, places)}"
    return body if power == 0 else f"({body}) × {_ten(power)}"


def interval_text(low: float | None, high: float | None) -> str:
    """Return ``[low, high]``; an open end is written as a limit, no interval as nothing."""
    if low is None and high is None:
        return ""
    if high is None:
        return f"≥ {number_text(low or 0.0, digits=AS_PRINTED)}"
    if low is None:
        return f"≤ {number_text(high, digits=AS_PRINTED)}"
    if low > 0.0 and high / low > DECADE:
        return f"[{number_text(low, digits=2)}, {number_text(high, digits=2)}]"
    return _common_interval(low, high)


def value_text(row: Observation) -> str:
    """Return the number of a row with error, interval and unit: ``0.42 ± 0.03 eV [0.36, 0.48]``."""
    return f"{estimate_text(row)} {bounds_text(row)}".rstrip()


def estimate_text(row: Observation) -> str:
    """Return the best estimate of a row with its error and unit, or what stands in its place.

    A refused row says so; a printed range or limit is its own estimate.
    """
    if row.status == "refused":
        return "refused"
    if _limit_or_range(row):
        body = _printed_range(row) or interval_text(row.low, row.high)
    else:
        body = "no value" if row.value is None else _best(row, row.value)
    return body if row.unit in ("", "1") else f"{body} {row.unit}"


def bounds_text(row: Observation) -> str:
    """Return the 95 % interval of a row; nothing where the estimate says it all."""
    if row.status == "refused" or _limit_or_range(row):
        return ""
    return interval_text(row.low, row.high)


def quantity_text(row: Observation) -> str:
    """Return what a row is about in words: ``transference number of Li (collective)``."""
    of = f" of {row.of.replace('_', ' ')}" if row.of else ""
    how = "" if row.kind == "published" else _distinction(row.method)
    return row.quantity.replace("_", " ") + of + (f" ({how})" if how else "")


def sample_text(row: Observation) -> str:
    """Return formula, phase and state of a row: ``Li3OCl glass at 300 K``."""
    state = "" if row.temperature_K is None else f" at {number_text(row.temperature_K, digits=4)} K"
    return f"{row.formula} {row.phase}".strip() + state


def _distinction(method: str) -> str:
    """What tells apart two numbers of one quantity: the kind of transport, or the reference."""
    if method.startswith("against "):
        return method.removesuffix(" at the same temperature")
    kinds = [word for word in ("tracer", "collective") if word in method]
    return kinds[0] if len(kinds) == 1 else ""


def _limit_or_range(row: Observation) -> bool:
    return (row.low is None) != (row.high is None) or (row.value is None and row.low is not None)


def _best(row: Observation, value: float) -> str:
    if row.error:
        return number_text(value, row.error)
    if row.kind == "published":
        return number_text(value, digits=AS_PRINTED)
    return _rounded(value, _implied_error(row))


def _printed_range(row: Observation) -> str:
    if row.kind != "published" or row.low is None or row.high is None:
        return ""
    return " to ".join(number_text(end, digits=AS_PRINTED) for end in (row.low, row.high))


def _implied_error(row: Observation) -> float | None:
    """Return a quarter of the 95 % interval's width: the error that sets the digits shown."""
    if row.low is None or row.high is None or row.high <= row.low:
        return None
    return (row.high - row.low) / 4.0


def _rounded(value: float, error: float | None) -> str:
    if error is None or value == 0.0:
        return number_text(value)
    digits = max(1, min(6, _power(value) - _power(error) + 2))
    return number_text(value, digits=digits)


def _common_interval(low: float, high: float) -> str:
    """Return both ends with the same decimals and one power of ten."""
    power = _shown_power(max(low, high, key=abs))
    scale = 10.0**power
    places = max(0, 1 - _power((high - low) / scale)) if high > low else 3
    ends = f"[{_fixed(low / scale, places)}, {_fixed(high / scale, places)}]"
    return ends if power == 0 else f"{ends} × {_ten(power)}"


def _power(value: float) -> int:
    return math.floor(math.log10(abs(value))) if value else 0


def _shown_power(value: float) -> int:
    power = _power(value)
    return 0 if PLAIN_FROM <= power < PLAIN_TO else power


def _places(error: float) -> int:
    power = _power(error)
    digits = 2 if error / 10.0**power < 1.95 else 1
    return digits - 1 - power


def _fixed(value: float, places: int) -> str:
    text = f"{round(value, places):.{max(0, places)}f}"
    return text.replace("-", "−")


def _plain(value: float, digits: int) -> str:
    if value == 0.0:
        return "0"
    text = f"{round(value, digits - 1 - _power(value)):.{max(0, digits - 1 - _power(value))}f}"
    short = text.rstrip("0").rstrip(".") if "." in text else text
    return short.replace("-", "−")


def _ten(power: int) -> str:
    return "10" + str(power).translate(SUPERSCRIPTS)
