"""The values of one product's fields, as the leaves of a query compare them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Any

from regards_order.domain.attributes import (
    INTEGER_MAX,
    INTEGER_MIN,
    AttributeType,
    Field,
    microseconds,
    parse_instant,
    read_values,
    virtual_id,
)
from regards_order.domain.product import DataType, Product

Predicate = Callable[[Product], bool]

_SINGLE: Mapping[str, Callable[[Product], Any]] = {
    "id": attrgetter("urn"),
    "providerId": attrgetter("provider_id"),
    "label": attrgetter("label"),
    "model": attrgetter("model"),
    "version": attrgetter("version"),
    "last": attrgetter("last"),
    "_creationDate": lambda product: microseconds(product.creation_date),
    "_lastUpdate": lambda product: microseconds(product.last_update),
}
_SEVERAL: Mapping[str, Callable[[Product], Iterable[str]]] = {
    "tags": attrgetter("tags"),
    "rawdata": lambda product: [file.filename for file in product.files if file.data_type is DataType.RAWDATA],
    "virtualId": lambda product: virtual_id(product.urn, last=product.last),
    "datasetModelNames": lambda _: (),
}


def some_text(field: Field, test: Callable[[str], bool]) -> Predicate:
    """Return the predicate that some value of *field*, as a text, passes *test*."""
    if field.built_in:
        return _built_in(field.name, test)
    return _attribute(field.name, str, test, lambda value: any(test(each.text) for each in read_values(value)))


def some_number(field: Field, test: Callable[[Any], bool]) -> Predicate:
    """Return the predicate that some value of *field* is a number of its type that passes *test*.

    Truth values are 0 and 1, date-times microseconds since 1970 (UTC).
    """
    if field.built_in:
        return _built_in(field.name, test)
    form = attrgetter("number" if field.type is AttributeType.DOUBLE else "integer")

    def numbers(value: Any) -> bool:
        forms = map(form, read_values(value))
        return any(test(number) for number in forms if number is not None)

    def instant(text: str) -> bool:
        number = parse_instant(text)
        return number is not None and test(number)

    plain, quick = {
        AttributeType.LONG: (int, lambda number: INTEGER_MIN <= number <= INTEGER_MAX and test(number)),
        AttributeType.DOUBLE: (float, test),
        AttributeType.DATE: (str, instant),
        AttributeType.BOOLEAN: (bool, test),
    }[field.type]
    return _attribute(field.name, plain, quick, numbers)


def _built_in(name: str, test: Callable[[Any], bool]) -> Predicate:
    if name in _SINGLE:
        value = _SINGLE[name]
        return lambda product: test(value(product))
    values = _SEVERAL[name]
    return lambda product: any(map(test, values(product)))


def _attribute(name: str, plain: type, quick: Callable[[Any], bool], read: Callable[[Any], bool]) -> Predicate:
    """Return the predicate on the attribute with this dotted name.

    Args:
        name: the names of fragments in it may hold dots too.
        plain: the class of nearly all its values.
        quick: the test of one value of this class.
        read: the test of everything else that JSON may hold, arrays included.
    """

    def evaluate(product: Product) -> bool:
        value = product.properties.get(name)
        if value.__class__ is plain:
            return quick(value)
        return value is not None and not isinstance(value, Mapping) and read(value)

    def evaluate_fragments(product: Product) -> bool:
        found = _in_fragments(product.properties, name)
        return any(quick(value) if value.__class__ is plain else read(value) for value in found)

    head, dot, tail = name.partition(".")

    def evaluate_fragment(product: Product) -> bool:
        fragment = product.properties.get(head)
        if fragment.__class__ is dict and name not in product.properties:
            value = fragment.get(tail)
            if value.__class__ is plain:
                return quick(value)
        return evaluate_fragments(product)

    if not dot:
        return evaluate
    return evaluate_fragments if "." in tail else evaluate_fragment


def _in_fragments(properties: Mapping[str, Any], name: str) -> Iterator[Any]:
    """Yield what stands at a dotted name, whichever of its dots lead into a fragment."""
    pending = [(properties, name)]
    while pending:
        values, rest = pending.pop()
        value = values.get(rest)
        if not isinstance(value, Mapping):
            yield value
        for position in (index for index, character in enumerate(rest) if character == "."):
            fragment = values.get(rest[:position])
            if isinstance(fragment, Mapping):
                pending.append((fragment, rest[position + 1 :]))
