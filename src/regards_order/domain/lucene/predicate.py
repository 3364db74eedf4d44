"""The evaluator in memory: a validated query as a function of one product.

Everything that does not depend on the product is done once, when the function is built.
"""

from __future__ import annotations

import operator
import string
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from regards_order.domain.attributes import AttributeType, AttributeValue, Field, microseconds, read_values
from regards_order.domain.lucene.atoms import Wildcard
from regards_order.domain.lucene.nodes import And, Between, Contains, Exists, Like, Not, OneOf, Query
from regards_order.domain.product import DataType, Product

Predicate = Callable[[Product], bool]
Number = int | float

_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def compile_predicate(query: Query) -> Predicate:
    """Return the function that says whether a product satisfies *query*.

    It may be called from several threads at once.
    """
    if isinstance(query, Not):
        return _not(compile_predicate(query.part))
    if isinstance(query, Contains | OneOf | Like | Exists | Between):
        return _leaf(query)
    parts = []
    for part in query.parts:
        parts.append(compile_predicate(part))
    return _combined(parts, found=not isinstance(query, And))


def _not(part: Predicate) -> Predicate:
    return lambda product: not part(product)


def _combined(parts: Sequence[Predicate], *, found: bool) -> Predicate:
    """Return an Or (*found* is true) or an And: the first part that answers *found* decides."""

    def evaluate(product: Product) -> bool:
        for part in parts:
            if part(product) is found:
                return found
        return not found

    return evaluate


def _leaf(query: Contains | OneOf | Like | Exists | Between) -> Predicate:
    match query:
        case Contains(field, text):
            return _any(_texts(field), _contains(text))
        case OneOf(field, values):
            return _any(_texts(field), frozenset(values).__contains__)
        case Like(field, pieces):
            return _any(_texts(field), like_test(pieces))
        case Exists(field):
            return _any(_texts(field) if field.type is AttributeType.STRING else _numbers(field), lambda _: True)
        case _:
            return _any(_numbers(query.field), _between(query))


def _any(values: Callable[[Product], Iterable[Any]], test: Callable[[Any], bool]) -> Predicate:
    def evaluate(product: Product) -> bool:
        return any(map(test, values(product)))

    return evaluate


# --- values -----------------------------------------------------------------------------------------------------------

_BUILT_IN_TEXTS: Mapping[str, Callable[[Product], Iterable[str]]] = {
    "id": lambda product: (product.urn,),
    "providerId": lambda product: (product.provider_id,),
    "label": lambda product: (product.label,),
    "model": lambda product: (product.model,),
    "tags": lambda product: product.tags,
    "rawdata": lambda product: [file.filename for file in product.files if file.data_type is DataType.RAWDATA],
}
_BUILT_IN_NUMBERS: Mapping[str, Callable[[Product], Iterable[int]]] = {
    "version": lambda product: (product.version,),
    "last": lambda product: (int(product.last),),
    "_creationDate": lambda product: (microseconds(product.creation_date),),
    "_lastUpdate": lambda product: (microseconds(product.last_update),),
}


def _texts(field: Field) -> Callable[[Product], Iterable[str]]:
    """Return the function that gives all values of *field* as texts."""
    if field.built_in:
        return _BUILT_IN_TEXTS[field.name]
    return lambda product: [value.text for value in _attribute(product.properties, field.name)]


def _numbers(field: Field) -> Callable[[Product], Iterable[Number]]:
    """Return the function that gives the values of *field* that are numbers of its type."""
    if field.built_in:
        return _BUILT_IN_NUMBERS[field.name]
    form: Callable[[AttributeValue], Number | None]
    form = operator.attrgetter("number" if field.type is AttributeType.DOUBLE else "integer")

    def numbers(product: Product) -> list[Number]:
        forms = map(form, _attribute(product.properties, field.name))
        return [number for number in forms if number is not None]

    return numbers


def _attribute(properties: Mapping[str, Any], name: str) -> Iterator[AttributeValue]:
    """Yield the values of the attribute with this dotted name; the names in it may hold dots too."""
    pending = [(properties, name)]
    while pending:
        values, rest = pending.pop()
        value = values.get(rest)
        if not isinstance(value, Mapping):
            yield from read_values(value)
        for position in (index for index, character in enumerate(rest) if character == "."):
            fragment = values.get(rest[:position])
            if isinstance(fragment, Mapping):
                pending.append((fragment, rest[position + 1 :]))


# --- tests of one value -----------------------------------------------------------------------------------------------


def _lower(text: str) -> str:
    """Return *text* with its ASCII letters in lower case, and only these."""
    return text.lower() if text.isascii() else text.translate(_ASCII_LOWER)


def _contains(text: str) -> Callable[[str], bool]:
    part = _lower(text)
    return lambda value: part in _lower(value)


def _between(query: Between) -> Callable[[Number], bool]:
    low, high = query.low, query.high
    above = operator.ge if query.low_included else operator.gt
    below = operator.le if query.high_included else operator.lt
    return lambda value: (low is None or above(value, low)) and (high is None or below(value, high))


def like_test(pieces: Sequence[str | Wildcard]) -> Callable[[str], bool]:
    """Return a test that a whole text follows *pieces*; it cannot explode, whatever they are."""
    units: list[str | Wildcard] = []
    for piece in pieces:
        units.extend(piece if isinstance(piece, str) else (piece,))
    shortest = sum(unit is not Wildcard.ANY for unit in units)
    return lambda value: len(value) >= shortest and _follows(value, units)


def _follows(text: str, units: Sequence[str | Wildcard]) -> bool:
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
