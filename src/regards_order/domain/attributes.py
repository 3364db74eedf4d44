"""The queryable attributes of a tenant's products and their types.

A catalogue without data models infers the type of an attribute from all its values (docs/queries.md): booleans,
integers, numbers with a fraction, date-times, and texts for everything else or for a mixture.
"""

from __future__ import annotations

import datetime as dt
import enum
import re
from collections.abc import Iterable
from typing import Any

import attrs

from regards_order.domain.errors import InvalidUrn
from regards_order.domain.urn import Urn

INTEGER_MIN, INTEGER_MAX = -(2**63), 2**63 - 1
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
_MICROSECOND = dt.timedelta(microseconds=1)
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)


class AttributeType(enum.Enum):
    """Say how the values of an attribute are compared."""

    STRING = "STRING"  #: texts
    LONG = "LONG"  #: whole numbers
    DOUBLE = "DOUBLE"  #: numbers
    DATE = "DATE_ISO8601"  #: instants
    BOOLEAN = "BOOLEAN"  #: true or false
    STRING_ARRAY = "STRING_ARRAY"  #: texts, perhaps several on one product
    LONG_ARRAY = "LONG_ARRAY"  #: whole numbers, perhaps several
    DOUBLE_ARRAY = "DOUBLE_ARRAY"  #: numbers, perhaps several
    DATE_ARRAY = "DATE_ISO8601_ARRAY"  #: instants, perhaps several
    BOOLEAN_ARRAY = "BOOLEAN_ARRAY"  #: truth values, perhaps several

    __hash__ = object.__hash__

    @property
    def element(self) -> AttributeType:
        """Return the type of one value."""
        return AttributeType[self.name.removesuffix("_ARRAY")]


class ValueKind(enum.Enum):
    """Say what one value of an attribute looks like."""

    BOOLEAN = "B"  #: true or false
    INTEGER = "I"  #: a number without fraction
    NUMBER = "N"  #: a number with a fraction
    INSTANT = "D"  #: an ISO 8601 date-time
    TEXT = "T"  #: any other text
    BOOLEANS = "B*"  #: the same in an array
    INTEGERS = "I*"
    NUMBERS = "N*"
    INSTANTS = "D*"
    TEXTS = "T*"

    __hash__ = object.__hash__


def parse_instant(text: str) -> int | None:
    """Return the instant of an ISO 8601 date-time in microseconds since 1970 (UTC), or None if *text* is none.

    No offset means UTC; digits beyond the microsecond are cut.

    >>> parse_instant("1970-01-01T01:00:00.5+01:00")
    500000
    """
    found = _INSTANT.fullmatch(text)
    if found is None:
        return None
    day, minute, second, fraction, offset = found.groups()
    zone = "+00:00" if offset is None or offset in "Zz" else offset
    try:
        instant = dt.datetime.fromisoformat(f"{day}T{minute}:{second or '00'}.{(fraction or '')[:6]:0<6}{zone}")
        return (instant - EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        return None


def microseconds(instant: dt.datetime) -> int:
    """Return an aware *instant* in microseconds since 1970 (UTC)."""
    return (instant - EPOCH) // _MICROSECOND


@attrs.frozen
class AttributeValue:
    """Hold one value of one attribute in every form in which it may have to be compared.

    Attributes:
        kind: what the value looks like.
        text: the value as text, code point by code point.
        integer: whole number, or instant in microseconds since 1970 (UTC).
        number: any number.
    """

    kind: ValueKind
    text: str
    integer: int | None = None
    number: float | None = None


def read_value(value: Any) -> AttributeValue | None:
    """Return one scalar JSON value ready for comparison, or None for a null."""
    if value is None:
        return None
    if isinstance(value, bool):
        return AttributeValue(ValueKind.BOOLEAN, "true" if value else "false", int(value))
    if isinstance(value, int) and INTEGER_MIN <= value <= INTEGER_MAX:
        return AttributeValue(ValueKind.INTEGER, str(value), value, float(value))
    if isinstance(value, float):
        return AttributeValue(ValueKind.NUMBER, repr(value), None, value)
    text = str(value)
    instant = parse_instant(text)
    if instant is not None:
        return AttributeValue(ValueKind.INSTANT, text, instant)
    return AttributeValue(ValueKind.TEXT, text)


def read_values(value: Any) -> tuple[AttributeValue, ...]:
    """Return all values of one attribute of one product: an array has several, a null none."""
    if not isinstance(value, list | tuple):
        read = read_value(value)
        return () if read is None else (read,)
    return tuple(attrs.evolve(read, kind=_IN_ARRAYS[read.kind]) for read in map(read_value, value) if read is not None)


_IN_ARRAYS = {kind: ValueKind(f"{kind.value}*") for kind in ValueKind if not kind.value.endswith("*")}
_ALONE = {several: kind for kind, several in _IN_ARRAYS.items()}


def infer_type(kinds: Iterable[ValueKind]) -> AttributeType:
    """Return the type of an attribute whose values are of these *kinds* (at least one).

    >>> infer_type([ValueKind.INTEGER, ValueKind.NUMBER]).name
    'DOUBLE'
    """
    seen = frozenset(kinds)
    if not seen.isdisjoint(_ALONE):
        return AttributeType[f"{infer_type(_ALONE.get(kind, kind) for kind in seen).name}_ARRAY"]
    if seen == {ValueKind.BOOLEAN}:
        return AttributeType.BOOLEAN
    if seen == {ValueKind.INTEGER}:
        return AttributeType.LONG
    if seen <= {ValueKind.INTEGER, ValueKind.NUMBER}:
        return AttributeType.DOUBLE
    if seen == {ValueKind.INSTANT}:
        return AttributeType.DATE
    return AttributeType.STRING


@attrs.frozen
class Field:
    """Name a queryable field: built in, or an attribute of the products' ``properties`` by its dotted name.

    Attributes:
        name: its name, without prefix.
        type: the type of one value: never one of arrays.
        built_in: whether every product has it.
        several: whether a product may have several values.
    """

    name: str
    type: AttributeType
    built_in: bool = False
    several: bool = attrs.field(default=False, kw_only=True)

    @classmethod
    def of(cls, name: str, type: AttributeType, *, built_in: bool = False) -> Field:
        """Return the field of this type, which may be one of arrays."""
        return cls(name, type.element, built_in, several=type is not type.element)


def virtual_id(urn: str, *, last: bool) -> tuple[str, ...]:
    """Return the value of the field ``virtualId``: the product's URN with LAST for its version, if it is the last one.

    >>> virtual_id("URN:AIP:DATA:lab:00000000-0000-0000-0000-000000000004:V2", last=True)
    ('URN:AIP:DATA:lab:00000000-0000-0000-0000-000000000004:LAST',)
    """
    try:
        return (str(Urn.parse(urn).last),) if last else ()
    except InvalidUrn:
        return ()
