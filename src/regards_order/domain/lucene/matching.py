"""The tests of one value that the leaves of a query ask for."""

from __future__ import annotations

import operator
import string
from collections.abc import Callable, Sequence
from typing import Any

from regards_order.domain.lucene.atoms import Piece, Wildcard
from regards_order.domain.lucene.nodes import Between, Phrase
from regards_order.domain.lucene.words import words

TextTest = Callable[[str], bool]

_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_FEW = 4


def lower(text: str) -> str:
    """Return *text* with its ASCII letters in lower case, and only these."""
    return text.lower() if text.isascii() else text.translate(_ASCII_LOWER)


def contains_test(texts: Sequence[str]) -> TextTest:
    """Return a test that a text contains one of *texts*, ASCII letters in either case.

    However many they are, its time grows with the text and with the number of their different lengths only.
    """
    parts = frozenset(map(lower, texts))
    if len(parts) == 1:
        (part,) = parts
        # the body of lower, as a call for every value costs a third of the time
        return lambda value: part in (value.lower() if value.isascii() else value.translate(_ASCII_LOWER))
    if len(parts) <= _FEW:
        return lambda value: any(map(lower(value).__contains__, parts))
    lengths = sorted(set(map(len, parts)))

    def test(value: str) -> bool:
        text = lower(value)
        for length in lengths:
            if any(text[start : start + length] in parts for start in range(len(text) - length + 1)):
                return True
        return False

    return test


def like_test(pieces: Sequence[Piece], *, ignore_case: bool = False) -> TextTest:
    """Return a test that a whole text follows *pieces*; it cannot explode, whatever they are."""
    units: list[Piece] = []
    for piece in pieces:
        units.extend((lower(piece) if ignore_case else piece) if isinstance(piece, str) else (piece,))
    shortest = sum(unit is not Wildcard.ANY for unit in units)
    if ignore_case:
        return lambda value: len(value) >= shortest and _follows(lower(value), units)
    return lambda value: len(value) >= shortest and _follows(value, units)


def _follows(text: str, units: Sequence[Piece]) -> bool:
    """Return whether *text* follows *units*, each a letter or a wildcard.

    After a mismatch only the last ``*`` takes one letter more: an earlier one has nothing to gain.  So no pattern takes
    more steps than the length of the text times its own.
    """
    position = unit = 0
    star, taken = -1, 0
    while position < len(text):
        wanted = units[unit] if unit < len(units) else None
        if wanted is Wildcard.ANY:
            star, taken = unit, position
        elif wanted is Wildcard.ONE or wanted == text[position]:
            position += 1
        elif star >= 0:
            taken += 1
            position, unit = taken, star
        else:
            return False
        unit += 1
    return all(rest is Wildcard.ANY for rest in units[unit:])


def words_test(phrases: Sequence[Phrase]) -> TextTest:
    """Return a test that in a text the words of one of *phrases* follow each other.

    Most phrases are a part of the text that all words make together, so that `contains_test` looks for them at once.
    """
    parts = [_part(phrase) for phrase in phrases]
    contains = contains_test([part for part in parts if part is not None])
    others = [
        [like_test(shape) for shape in phrase] for phrase, part in zip(phrases, parts, strict=True) if part is None
    ]

    def test(value: str) -> bool:
        found = words(value)
        return contains(_joined(found)) or any(_in_a_row(found, phrase) for phrase in others)

    return test


def _joined(found: Sequence[str]) -> str:
    """Return words as one text, each between two characters that no word has."""
    return "\0".join(("", *found, ""))


def _part(phrase: Phrase) -> str | None:
    """Return what a text of joined words contains if the phrase is in it; None if that cannot be said so."""
    match phrase:
        case [[Wildcard.ANY, str(part), Wildcard.ANY]]:
            return part
    whole = [shape[0] for shape in phrase if len(shape) == 1 and isinstance(shape[0], str)]
    return _joined(whole) if len(whole) == len(phrase) else None


def _in_a_row(found: Sequence[str], phrase: Sequence[TextTest]) -> bool:
    starts = range(len(found) - len(phrase) + 1)
    return any(all(test(found[start + n]) for n, test in enumerate(phrase)) for start in starts)


def between_test(query: Between) -> Callable[[Any], bool]:
    """Return a test that a number lies between the two bounds."""
    low: Any = query.low
    high: Any = query.high
    if low is not None and high is not None and query.low_included and query.high_included:
        return lambda value: low <= value <= high
    above = operator.ge if query.low_included else operator.gt
    below = operator.le if query.high_included else operator.lt
    if low is None:
        return lambda value: below(value, high)
    if high is None:
        return lambda value: above(value, low)
    return lambda value: above(value, low) and below(value, high)
