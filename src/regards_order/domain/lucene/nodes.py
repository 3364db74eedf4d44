"""The validated query: what adapters translate and `compile_predicate` evaluates.

A leaf is true for a product when some value of its field satisfies it; a field without value satisfies no leaf.  And,
Or and Not are two-valued: what lacks the field satisfies the Not of every leaf on it.  ``Or(())`` selects nothing,
``And(())`` everything.

=========  ====================================  ==============================
leaf       field                                 asked as
=========  ====================================  ==============================
OneOf      any type                              ``f:"v"``; numbers: ``f:v``
Contains   STRING, `Anywhere`                    ``f:v``, ``v``
Like       STRING, `Anywhere`                    ``f:a*b?``, ``a*b?``
Matches    STRING, `Anywhere`                    ``f:/re/``, ``/re/``
HasWords   STRING                                ``f@text:v``
Exists     any type                              ``f:*``, ``f:/.*/``
Between    LONG, DOUBLE, DATE                    ``f:[1 TO 5]``, ``f>5``
=========  ====================================  ==============================

The lists of one leaf may be long (100,000): an OR of values on one field is folded into one leaf.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs

from regards_order.domain.attributes import Field
from regards_order.domain.lucene.atoms import Piece


@attrs.frozen(cache_hash=True)
class Anywhere:
    """Stand for all text fields at once, in a query that names none.

    Attributes:
        fields: every field of type STRING: the built-in ones, then the attributes.
    """

    fields: tuple[Field, ...]


@attrs.frozen
class And:
    """Select what all parts select."""

    parts: tuple[Query, ...]


@attrs.frozen
class Or:
    """Select what one part or more select."""

    parts: tuple[Query, ...]


@attrs.frozen
class Not:
    """Select what the part does not select."""

    part: Query


@attrs.frozen
class OneOf:
    """Select a value that equals one of *values*, which are at least one, all different.

    On STRING they are texts, compared code point by code point.  On LONG, BOOLEAN (0 or 1) and DATE (microseconds since
    1970, UTC) they are integers of 64 bits.  On DOUBLE they are finite floats, and all that are wanted: a number counts
    as equal to its neighbours within one unit in its last place, and these are listed beside it.
    """

    field: Field
    values: tuple[str | int | float, ...]


@attrs.frozen
class Contains:
    """Select a text that contains one of *texts* (at least one, all different).

    The 26 ASCII letters are compared without case.
    """

    field: Field | Anywhere
    texts: tuple[str, ...]


@attrs.frozen
class Like:
    """Select a text that follows the pieces from its first to its last character.

    Two ``Wildcard.ANY`` never stand side by side, nor do two texts; on `Anywhere` the first and the last piece are
    ``Wildcard.ANY``, so that the text only has to contain the rest.

    Attributes:
        field: whose text.
        pieces: texts and wildcards.
        ignore_case: compare the 26 ASCII letters without case, as on `Anywhere`; else case counts.
    """

    field: Field | Anywhere
    pieces: tuple[Piece, ...]
    ignore_case: bool = attrs.field(default=False, kw_only=True)


@attrs.frozen
class Matches:
    """Select a text that matches a regular expression from its first to its last character, case included.

    Attributes:
        field: whose text.
        pattern: the expression as `regex.normalize` writes it: Python's `re` (DOTALL), RE2 (dot_nl) and PostgreSQL's
            ``~`` (between ``^(?:`` and ``)$``) read it alike; it holds no NUL and no lone surrogate.
        each_word: match one of the text's words, as `words.words` cuts and folds them, and not the whole text.
    """

    field: Field | Anywhere
    pattern: str
    each_word: bool = attrs.field(default=False, kw_only=True)


@attrs.frozen
class HasWords:
    """Select a text in which the words of one of *phrases* follow each other.

    Words are cut and folded as `words.words` does it.  A phrase is at least one shape, one a word; a shape is followed
    by a word as the pieces of a `Like` are, case included, since both are folded.  ``f@text:v`` is
    ``((("*", "v", "*"),),)`` with `Wildcard.ANY` for each star, ``f@text:"v w"`` is ``((("v",), ("w",)),)``.
    """

    field: Field
    phrases: tuple[Phrase, ...]


@attrs.frozen
class Exists:
    """Select whatever has a value."""

    field: Field


@attrs.frozen
class Between:
    """Select a number between two bounds; None is no bound.

    On LONG and DATE (microseconds since 1970, UTC) the bounds are included integers of 64 bits.
    """

    field: Field
    low: int | float | None
    high: int | float | None
    low_included: bool = attrs.field(default=True, kw_only=True)
    high_included: bool = attrs.field(default=True, kw_only=True)


Shape = tuple[Piece, ...]
Phrase = tuple[Shape, ...]
Leaf = OneOf | Contains | Like | Matches | HasWords | Exists | Between
Listing = OneOf | Contains | HasWords
Query = And | Or | Not | Leaf
NOTHING = Or(())
EVERYTHING = And(())


def negation(part: Query) -> Query:
    """Return the contrary of *part*; two negations cancel out."""
    return part.part if isinstance(part, Not) else Not(part)


def conjunction(parts: list[Query]) -> Query:
    """Return one And of *parts* and of the parts of those that are And themselves."""
    flat: list[Query] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, And) else (part,))
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def disjunction(parts: list[Query]) -> Query:
    """Return one Or of *parts* and of the parts of those that are Or themselves.

    It has one leaf for all values of one kind on one field, where the first of them stood.
    """
    listed: dict[Any, dict[Any, None]] = {}
    flat: dict[Any, Query] = {}
    for part in parts:
        for leaf in part.parts if isinstance(part, Or) else (part,):
            if isinstance(leaf, OneOf | Contains | HasWords):
                key = type(leaf), leaf.field
                listed.setdefault(key, {}).update(dict.fromkeys(listed_in(leaf)))
                flat[key] = leaf
            else:
                flat[len(flat)] = leaf
    flat.update((key, key[0](key[1], tuple(values))) for key, values in listed.items())
    return next(iter(flat.values())) if len(flat) == 1 else Or(tuple(flat.values()))


def listed_in(leaf: Listing) -> tuple[Any, ...]:
    """Return the values, texts or phrases that a leaf lists."""
    if isinstance(leaf, OneOf):
        return leaf.values
    return leaf.texts if isinstance(leaf, Contains) else leaf.phrases


def leaves(query: Query) -> Iterator[Leaf]:
    """Yield all leaves of *query*."""
    pending = [query]
    while pending:
        node = pending.pop()
        if isinstance(node, And | Or):
            pending.extend(node.parts)
        elif isinstance(node, Not):
            pending.append(node.part)
        else:
            yield node


def replace_leaves(query: Query, change: Callable[[Leaf], Query]) -> Query:
    """Return *query* with *change* made to each leaf; it calls itself as often as operators are nested."""
    if isinstance(query, Not):
        return Not(replace_leaves(query.part, change))
    if isinstance(query, And | Or):
        parts = []
        for part in query.parts:
            parts.append(replace_leaves(part, change))
        return type(query)(tuple(parts))
    return change(query)
