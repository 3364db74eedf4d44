"""The values in a query: numbers, date-times and truth values, read from their text.

No text is too long or too large: what is beyond 64 bits is cut down to something that still is beyond them, without
computing it first.
"""

from __future__ import annotations

import math
import re

from regards_order.domain.attributes import AttributeType, parse_instant

_NUMBER = re.compile(r"([+-]?)(\d++)(?:\.(\d++))?(?:[eE]([+-]?)(\d++))?", re.ASCII)
_DIGITS_OF_64_BITS = 19
_BEYOND = 10**20
_TRUTHS = {"true": 1, "false": 0}

#: what a value of each type must be
EXPECTED = {
    AttributeType.STRING: "a text",
    AttributeType.LONG: "a number",
    AttributeType.DOUBLE: "a number",
    AttributeType.DATE: 'a date-time, as in "2026-01-03T10:15:30Z"',
    AttributeType.BOOLEAN: "true or false",
}


def read_integers(text: str, kind: AttributeType) -> tuple[int, int] | None:
    """Return the largest integer up to and the smallest integer from the value *text*, or None if it is no such value.

    Both are equal unless *text* is a number with a fraction.

    Args:
        text: as written in the query, escapes undone.
        kind: LONG, DATE (read as microseconds since 1970) or BOOLEAN (read as 0 or 1).

    >>> read_integers("-2.5", AttributeType.LONG)
    (-3, -2)
    """
    if kind is AttributeType.LONG:
        return _read_number(text)
    value = parse_instant(text) if kind is AttributeType.DATE else _TRUTHS.get(text.lower())
    return None if value is None else (value, value)


def read_float(text: str) -> float | None:
    """Return the number *text*, infinite when it is too large, or None if it is no number."""
    return float(text) if _NUMBER.fullmatch(text) else None


def near(value: float) -> tuple[float, ...]:
    """Return the numbers that count as equal to *value*, in their order: within one unit in its last place.

    They are at most four, because numbers lie closer together toward zero.  Nothing equals what is too large for a
    number.

    >>> near(1.0)
    (0.9999999999999999, 1.0)
    """
    if not math.isfinite(value):
        return ()
    below = math.nextafter(value, -math.inf)
    above = math.nextafter(value, math.inf)
    numbers = below, value, above, math.nextafter(above, math.inf)
    highest = value + (value - below) if math.isfinite(below) else value
    return tuple(number for number in numbers if math.isfinite(number) and number <= highest)


def _read_number(text: str) -> tuple[int, int] | None:
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    sign, whole, fraction, exponent_sign, exponent = found.groups("")
    digits = (whole + fraction).lstrip("0")
    places = len(digits) - len(fraction) + _exponent(exponent_sign, exponent)
    if not digits:
        return 0, 0
    if places > _DIGITS_OF_64_BITS:
        floor, rest = _BEYOND, ""
    else:
        cut = max(places, 0)
        floor, rest = int(digits[:cut].ljust(cut, "0") or "0"), digits[cut:]
    ceiling = floor + 1 if rest.strip("0") else floor
    return (-ceiling, -floor) if sign == "-" else (floor, ceiling)


def _exponent(sign: str, digits: str) -> int:
    """Return the exponent, cut down to what still outweighs the digits of the longest query."""
    significant = digits.lstrip("0")
    size = int(significant or "0") if len(significant) < 9 else 10**9
    return -size if sign == "-" else size
