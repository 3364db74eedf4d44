"""Column types: texts that sort as in Python, instants as integers, enumerations as their names."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Any, TypeVar

import orjson
import sqlalchemy as sa

from regards_order.domain.attributes import EPOCH, microseconds
from regards_order.domain.errors import Fault, InvalidInput

E = TypeVar("E", bound=enum.Enum)


def dump_json(value: Any) -> str:
    """Return what is stored in a JSON column."""
    return orjson.dumps(value).decode()


def check_text(text: str) -> str:
    """Return a text that every database can hold.

    Raises:
        InvalidInput: it holds NUL, which PostgreSQL refuses and SQLite takes for an end.
    """
    if "\0" in text:
        raise InvalidInput((Fault("$", f"{ascii(text)[:80]} must not hold NUL"),))
    return text


def _by_code_points(plain: Any, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
    # SQLite compares bytes anyway; those of UTF-8 are in the order of code points
    collation = "C" if dialect.name == "postgresql" else None
    kind: type[sa.String] = type(plain)
    return kind(plain.length, collation=collation)


class Characters(sa.TypeDecorator[str]):
    """Store a text that is compared and sorted by code points on every database, as Python does."""

    impl = sa.String
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Return the type with its collation."""
        return _by_code_points(self.impl, dialect)

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """Return what is stored."""
        return None if value is None else check_text(value)


class Prose(Characters):
    """Store a text of any length."""

    impl = sa.Text
    cache_ok = True


class Instant(sa.TypeDecorator[dt.datetime]):
    """Store an aware datetime as microseconds since 1970 (UTC): exact, sortable, the same on every database."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: sa.Dialect) -> int | None:
        """Return what is stored."""
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> dt.datetime | None:
        """Return what was meant."""
        return None if value is None else EPOCH + dt.timedelta(microseconds=value)


class Named(sa.TypeDecorator[E]):
    """Store a member of an enumeration as its name."""

    impl = sa.String
    cache_ok = True

    def __init__(self, kind: type[E]) -> None:
        super().__init__(32)
        self.kind = kind

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Return the type with its collation."""
        return _by_code_points(self.impl, dialect)

    def process_bind_param(self, value: E | None, dialect: sa.Dialect) -> str | None:
        """Return what is stored."""
        return None if value is None else value.name

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> E | None:
        """Return what was meant."""
        return None if value is None else self.kind[value]
