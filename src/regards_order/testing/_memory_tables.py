"""What the store in memory holds: tables that can take back what a failed transaction did."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, MutableMapping
from typing import Any, TypeVar

import attrs

from regards_order.domain.basket import Basket, BasketOwner
from regards_order.domain.events import Event
from regards_order.domain.files import OrderFile
from regards_order.domain.order import Order
from regards_order.domain.principal import Account
from regards_order.domain.suborder import Suborder
from regards_order.ports.claims import Claimed
from regards_order.ports.storage import Answer

K = TypeVar("K")
V = TypeVar("V")
_ABSENT: Any = object()


class Table(MutableMapping[K, V]):
    """A dictionary that can take back what a failed transaction did to it."""

    def __init__(self) -> None:
        self._rows: dict[K, V] = {}
        self._journal: list[tuple[K, V]] = []

    def __getitem__(self, key: K) -> V:
        return self._rows[key]

    def __setitem__(self, key: K, value: V) -> None:
        self._journal.append((key, self._rows.get(key, _ABSENT)))
        self._rows[key] = value

    def __delitem__(self, key: K) -> None:
        self._journal.append((key, self._rows.pop(key)))

    def __iter__(self) -> Iterator[K]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def commit(self) -> None:
        self._journal.clear()

    def rollback(self) -> None:
        while self._journal:
            key, value = self._journal.pop()
            if value is _ABSENT:
                del self._rows[key]
            else:
                self._rows[key] = value


@attrs.frozen
class Chore:
    id: int
    attempt: int = 0
    due: dt.datetime | None = None


@attrs.define
class Tables:
    baskets: Table[BasketOwner, Basket] = attrs.field(factory=Table)
    orders: Table[int, Order] = attrs.field(factory=Table)
    suborders: Table[int, Suborder] = attrs.field(factory=Table)
    files: Table[int, OrderFile] = attrs.field(factory=Table)
    answers: Table[tuple[int, str], Answer] = attrs.field(factory=Table)
    leases: Table[tuple[Claimed, int], float] = attrs.field(factory=Table)
    chores: Table[str, Chore] = attrs.field(factory=Table)
    settings: Table[str, Any] = attrs.field(factory=Table)
    freed: Table[str, int] = attrs.field(factory=Table)
    letters: Table[int, Event] = attrs.field(factory=Table)
    accounts: Table[str, Account] = attrs.field(factory=Table)
    numbers: Table[str, int] = attrs.field(factory=Table)

    def all(self) -> list[Table[Any, Any]]:
        return [getattr(self, field.name) for field in attrs.fields(Tables)]


@attrs.frozen
class MemoryIds:
    _tables: Tables

    def block(self, kind: str, count: int) -> range:
        first = self._tables.numbers.get(kind, 1)
        self._tables.numbers[kind] = first + count
        return range(first, first + count)
