"""The validated query: what adapters translate and `compile_predicate` evaluates.

A leaf is true for a product when some value of its field satisfies it; a field without value satisfies no leaf.  And,
Or and Not are two-valued: what lacks the field satisfies the Not of every leaf on it.  ``Or(())`` selects nothing.
"""

from __future__ import annotations

import attrs

from regards_order.domain.attributes import Field
from regards_order.domain.lucene.atoms import Wildcard


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
class Contains:
    """Select a text that contains *text*; the 26 ASCII letters are compared without case."""

    field: Field
    text: str


@attrs.frozen
class OneOf:
    """Select a text that equals one of *values*, code point by code point."""

    field: Field
    values: tuple[str, ...]


@attrs.frozen
class Like:
    """Select a text that follows the pieces from its first to its last character, case included."""

    field: Field
    pieces: tuple[str | Wildcard, ...]


@attrs.frozen
class Exists:
    """Select whatever has a value."""

    field: Field


@attrs.frozen
class Between:
    """Select a number between two bounds; None is no bound.

    On LONG, BOOLEAN (0 or 1) and DATE (microseconds since 1970, UTC) the bounds are included integers of 64 bits.
    """

    field: Field
    low: int | float | None
    high: int | float | None
    low_included: bool = attrs.field(default=True, kw_only=True)
    high_included: bool = attrs.field(default=True, kw_only=True)


Query = And | Or | Not | Contains | OneOf | Like | Exists | Between
NOTHING = Or(())


def negation(part: Query) -> Query:
    """Return the contrary of *part*; two negations cancel out."""
    return part.part if isinstance(part, Not) else Not(part)


def conjunction(parts: list[Query]) -> Query:
    """Return one And of *parts* and of the parts of those that are And themselves."""
    flat: list[Query] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, And) else (part,))
    return And(tuple(flat))


def disjunction(parts: list[Query]) -> Query:
    """Return one Or of *parts* and of the parts of those that are Or themselves, with one `OneOf` a field."""
    texts: dict[Field, dict[str, None]] = {}
    flat: dict[Field | int, Query] = {}
    for part in parts:
        for leaf in part.parts if isinstance(part, Or) else (part,):
            if isinstance(leaf, OneOf):
                texts.setdefault(leaf.field, {}).update(dict.fromkeys(leaf.values))
                flat[leaf.field] = leaf
            else:
                flat[len(flat)] = leaf
    flat.update((field, OneOf(field, tuple(values))) for field, values in texts.items())
    return next(iter(flat.values())) if len(flat) == 1 else Or(tuple(flat.values()))
