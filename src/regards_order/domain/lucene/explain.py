"""What a query means, in lines for people: its operators as a tree, and the field, type and question of each leaf."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence

from regards_order.domain.attributes import EPOCH, AttributeType, Field
from regards_order.domain.lucene.atoms import Piece, Wildcard
from regards_order.domain.lucene.literals import near
from regards_order.domain.lucene.nodes import (
    EVERYTHING,
    NOTHING,
    And,
    Anywhere,
    Between,
    Contains,
    HasWords,
    Leaf,
    Like,
    Matches,
    Not,
    OneOf,
    Phrase,
    Query,
)
from regards_order.domain.lucene.query import parse_query
from regards_order.domain.lucene.tokens import shown

SHOWN_VALUES = 5
_CASE = ", case included"
_ANY_ASCII_CASE = ", ASCII letters in any case"
_EXACT = {AttributeType.STRING: _CASE, AttributeType.DOUBLE: ", within one unit in the last place"}
_ESCAPED = str.maketrans({"*": r"\*", "?": r"\?", "\\": r"\\"})


def explain(text: str, attributes: Mapping[str, AttributeType]) -> str:
    """Return what a query means, a line for each operator and each leaf.

    Args:
        text: what the user wrote.
        attributes: dotted name and type of each attribute that some product of the tenant has.

    Raises:
        QueryRefused: the query cannot be understood; its own ``explain()`` shows where.

    >>> print(explain("title:harry AND NOT altitude>=100", {
    ...     "title": AttributeType.STRING, "altitude": AttributeType.LONG}))
    all of
      title (STRING) contains "harry", ASCII letters in any case
      not
        altitude (LONG) is at least 100
    """
    return "\n".join(_lines(parse_query(text, attributes), ""))


def _lines(query: Query, indent: str) -> Iterator[str]:
    """Yield the lines of *query*; it calls itself as often as operators are nested."""
    if query in (EVERYTHING, NOTHING):
        yield f"{indent}{'everything' if isinstance(query, And) else 'nothing'}"
    elif isinstance(query, Not):
        yield f"{indent}not"
        yield from _lines(query.part, f"{indent}  ")
    elif isinstance(query, Leaf):
        yield f"{indent}{_place(query.field)} {_question(query)}"
    else:
        yield f"{indent}{'all of' if isinstance(query, And) else 'one or more of'}"
        for part in query.parts:
            yield from _lines(part, f"{indent}  ")


def _place(field: Field | Anywhere) -> str:
    if isinstance(field, Anywhere):
        return f"any of {len(field.fields)} text fields"
    return f"{shown(field.name)} ({field.type.value}{'_ARRAY' if field.several else ''})"


def _question(leaf: Leaf) -> str:
    match leaf:
        case OneOf(field, values):
            return f"equals {_listed(_values(field, values))}{_EXACT.get(field.type, '')}"
        case Contains(_, texts):
            return f"contains {_listed(list(map(_quoted, texts)))}{_ANY_ASCII_CASE}"
        case Like(_, pieces, ignore_case=ignore_case):
            return f"is like {_shape(pieces)}{_ANY_ASCII_CASE if ignore_case else _CASE}"
        case Matches(_, pattern, each_word=each_word):
            return f"has a word that matches /{shown(pattern)}/" if each_word else f"matches /{shown(pattern)}/{_CASE}"
        case HasWords(_, phrases):
            return f"has {_listed(list(map(_phrase, phrases)))}, letters in any case"
        case Between():
            return f"is {' and '.join(_bounds(leaf))}"
        case _:
            return "has a value"


def _listed(items: Sequence[str]) -> str:
    """Return the first of some items, and how many more there are."""
    if len(items) == 1:
        return items[0]
    more = [f"{len(items) - SHOWN_VALUES} more"] if len(items) > SHOWN_VALUES else []
    return f"one of {', '.join([*items[:SHOWN_VALUES], *more])}"


def _values(field: Field, values: Sequence[str | int | float]) -> list[str]:
    if field.type is AttributeType.DOUBLE:
        return [*map(repr, _asked(sorted(map(float, values))))]
    return [_value(field, value) for value in values]


def _asked(numbers: Sequence[float]) -> Iterator[float]:
    """Yield the numbers that were asked for: those listed beside them are their neighbours."""
    covered = -math.inf
    for n, number in enumerate(numbers):
        following = numbers[min(n + 1, len(numbers) - 1)]
        if number > covered:
            asked = following if number in near(following) else number
            covered = near(asked)[-1]
            yield asked


def _value(field: Field, value: str | int | float) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if field.type is AttributeType.BOOLEAN:
        return "true" if value else "false"
    return _instant(value) if field.type is AttributeType.DATE else f"{value!r}"


def _instant(microseconds: float) -> str:
    try:
        return (EPOCH + dt.timedelta(microseconds=microseconds)).isoformat().replace("+00:00", "Z")
    except OverflowError:
        return f"{microseconds} microseconds after 1970"


def _bounds(leaf: Between) -> Iterator[str]:
    if leaf.low is not None:
        yield f"{'at least' if leaf.low_included else 'above'} {_value(leaf.field, leaf.low)}"
    if leaf.high is not None:
        yield f"{'at most' if leaf.high_included else 'below'} {_value(leaf.field, leaf.high)}"


def _phrase(phrase: Phrase) -> str:
    if len(phrase) == 1:
        return f"a word like {_shape(phrase[0])}"
    return f"the words {' '.join(map(_shape, phrase))} in a row"


def _quoted(text: str) -> str:
    return f'"{shown(text)}"'


def _shape(pieces: Sequence[Piece]) -> str:
    """Return a wildcard term as a query spells it."""
    return shown("".join(piece.value if isinstance(piece, Wildcard) else piece.translate(_ESCAPED) for piece in pieces))
