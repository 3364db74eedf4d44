"""The sets of characters in a regular expression, as ranges of code points."""

from __future__ import annotations

from regards_order.domain.lucene.words import folded_letters

Ranges = list[tuple[int, int]]

#: the sets that have a name, ASCII characters only
NAMED: dict[str, Ranges] = {
    "d": [(0x30, 0x39)],
    "w": [(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)],
    "s": [(0x09, 0x0D), (0x20, 0x20)],
}
_SPECIAL = frozenset("\\.^$|?*+()[]{}")
_SPECIAL_IN_CLASS = frozenset("\\^[]-")


def folded(ranges: Ranges) -> Ranges:
    """Return *ranges* with the form that `words.fold` gives to each of their letters."""
    return [*ranges, *((code, code) for low, high in ranges for code in folded_letters(low, high))]


def written(ranges: Ranges, *, negated: bool = False) -> str:
    """Return the set as every engine reads it, or its complement.

    >>> written([(0x61, 0x62), (0x63, 0x66), (0x78, 0x78)], negated=True)
    '[^a-fx]'
    """
    merged = _merged(ranges)
    if len(merged) == 1 and merged[0][0] == merged[0][1] and not negated:
        return _escaped(merged[0][0], _SPECIAL)
    return f"[{'^' if negated else ''}{''.join(map(_range, merged))}]"


def _merged(ranges: Ranges) -> Ranges:
    merged: Ranges = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(merged[-1][1], high)
        else:
            merged.append((low, high))
    return merged


def _range(ends: tuple[int, int]) -> str:
    low, high = (_escaped(code, _SPECIAL_IN_CLASS) for code in ends)
    if low == high:
        return low
    return f"{low}{high}" if ends[0] + 1 == ends[1] else f"{low}-{high}"


def _escaped(code: int, special: frozenset[str]) -> str:
    character = chr(code)
    return f"\\{character}" if character in special else character
