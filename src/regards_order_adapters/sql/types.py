"""Column types: instants as integers, enumerations as their names."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Any, TypeVar

import sqlalchemy as sa

from regards_order.domain.attributes import EPOCH, microseconds

E = TypeVar("E", bound=enum.Enum)


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

    def process_bind_param(self, value: E | None, dialect: sa.Dialect) -> str | None:
        """Return what is stored."""
        return None if value is None else value.name

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> E | None:
        """Return what was meant."""
        return None if value is None else self.kind[value]
