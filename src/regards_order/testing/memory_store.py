"""The store in memory: the twin of the SQL adapter, with real transactions."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import attrs

from regards_order.domain.basket import Basket, BasketOwner
from regards_order.domain.errors import Conflict, LabelTaken, NotFound
from regards_order.domain.events import Event
from regards_order.domain.files import FileCounts, FileState, Moved, OrderFile
from regards_order.domain.order import Order, OrderStatus
from regards_order.domain.principal import Account
from regards_order.domain.suborder import HOLDING, Suborder, SuborderState
from regards_order.ports.files import FileChoice
from regards_order.ports.outbox import Letter
from regards_order.ports.slots import Load

K = TypeVar("K")
V = TypeVar("V")
_ABSENT: Any = object()


class _Table(MutableMapping[K, V]):
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


@attrs.define
class _Tables:
    baskets: _Table[BasketOwner, Basket] = attrs.field(factory=_Table)
    orders: _Table[int, Order] = attrs.field(factory=_Table)
    suborders: _Table[int, Suborder] = attrs.field(factory=_Table)
    files: _Table[int, OrderFile] = attrs.field(factory=_Table)
    freed: _Table[str, int] = attrs.field(factory=_Table)
    letters: _Table[int, Event] = attrs.field(factory=_Table)
    accounts: _Table[str, Account] = attrs.field(factory=_Table)
    numbers: _Table[str, int] = attrs.field(factory=_Table)

    def all(self) -> list[_Table[Any, Any]]:
        return [getattr(self, field.name) for field in attrs.fields(_Tables)]


class MemoryStore:
    """Keep the data of one tenant in memory: a `UnitOfWork` for tests and for trying things out.

    One transaction at a time; a failed one leaves nothing behind.
    """

    def __init__(self) -> None:
        self._tables = _Tables()
        self._lock = threading.RLock()

    @contextmanager
    def read(self) -> Iterator[MemoryTransaction]:
        """Open a transaction that changes nothing."""
        with self._lock:
            yield MemoryTransaction(self._tables)

    @contextmanager
    def write(self) -> Iterator[MemoryTransaction]:
        """Open a transaction; an error that leaves its block takes back all that it did."""
        with self._lock:
            try:
                yield MemoryTransaction(self._tables)
            except BaseException:
                for table in self._tables.all():
                    table.rollback()
                raise
            for table in self._tables.all():
                table.commit()


class MemoryTransaction:
    """Reach everything that a `MemoryStore` holds."""

    def __init__(self, tables: _Tables) -> None:
        self.ids = _MemoryIds(tables)
        self.baskets = _MemoryBaskets(tables)
        self.orders = _MemoryOrders(tables)
        self.suborders = _MemorySuborders(tables)
        self.slots = _MemorySlots(tables, self.ids)
        self.files = _MemoryFiles(tables)
        self.outbox = _MemoryOutbox(tables, self.ids)
        self.users = _MemoryUsers(tables)


@attrs.frozen
class _MemoryIds:
    _tables: _Tables

    def block(self, kind: str, count: int) -> range:
        first = self._tables.numbers.get(kind, 1)
        self._tables.numbers[kind] = first + count
        return range(first, first + count)


@attrs.frozen
class _MemoryBaskets:
    _tables: _Tables

    def get(self, owner: BasketOwner) -> Basket | None:
        return self._tables.baskets.get(owner)

    def save(self, basket: Basket) -> Basket:
        baskets = self._tables.baskets
        stored = next((each for each in baskets.values() if each.id == basket.id), None)
        holder = baskets.get(basket.owner)
        if (stored.version if stored else 0) != basket.version or (holder and holder.id != basket.id):
            raise Conflict("Basket", basket.id)
        if stored is not None:
            del baskets[stored.owner]
        saved = attrs.evolve(basket, version=basket.version + 1)
        baskets[saved.owner] = saved
        return saved

    def remove(self, owner: BasketOwner) -> None:
        self._tables.baskets.pop(owner, None)


@attrs.frozen
class _MemoryOrders:
    _tables: _Tables

    def add(self, order: Order) -> None:
        if self.label_taken(order.owner, order.label):
            raise LabelTaken(order.owner, order.label)
        self._tables.orders[order.id] = order

    def get(self, order_id: int, *, lock: bool = False) -> Order:
        order = self._tables.orders.get(order_id)
        if order is None:
            raise NotFound("Order", order_id)
        return order

    def save(self, order: Order) -> Order:
        stored = self._tables.orders.get(order.id)
        if stored is None or stored.version != order.version:
            raise Conflict("Order", order.id)
        saved = attrs.evolve(
            order,
            version=order.version + 1,
            counts=stored.counts,
            waiting_suborders=stored.waiting_suborders,
            available_since=stored.available_since,
        )
        self._tables.orders[order.id] = saved
        return saved

    def count(self, order_id: int, change: FileCounts, waiting: int, now: dt.datetime) -> Order:
        stored = self.get(order_id)
        counted = attrs.evolve(
            stored,
            counts=stored.counts + change,
            waiting_suborders=stored.waiting_suborders + waiting,
            available_since=now if change.available else stored.available_since,
        )
        self._tables.orders[order_id] = counted
        return counted

    def label_taken(self, owner: str, label: str) -> bool:
        return any(each.owner == owner and each.label == label for each in self._tables.orders.values())

    def page(
        self, *, owner: str | None = None, statuses: Sequence[OrderStatus] = (), after: int = 0, limit: int = 100
    ) -> Sequence[Order]:
        chosen = [
            order
            for order in self._tables.orders.values()
            if order.id > after and owner in (None, order.owner) and (not statuses or order.status in statuses)
        ]
        return tuple(sorted(chosen, key=lambda order: order.id)[:limit])


@attrs.frozen
class _MemorySuborders:
    _tables: _Tables

    def add(self, suborder: Suborder) -> None:
        self._tables.suborders[suborder.id] = suborder

    def save(self, suborder: Suborder) -> Suborder:
        stored = self._tables.suborders.get(suborder.id)
        if stored is None or stored.version != suborder.version:
            raise Conflict("Suborder", suborder.id)
        saved = attrs.evolve(suborder, version=suborder.version + 1, counts=stored.counts)
        self._tables.suborders[suborder.id] = saved
        return saved

    def count(self, suborder_id: int, change: FileCounts) -> Suborder:
        stored = self._tables.suborders[suborder_id]
        counted = attrs.evolve(stored, counts=stored.counts + change)
        self._tables.suborders[suborder_id] = counted
        return counted

    def of_order(self, order_id: int) -> Sequence[Suborder]:
        return tuple(self._sorted(each for each in self._tables.suborders.values() if each.order_id == order_id))

    def due(self, now: dt.datetime, limit: int) -> Sequence[Suborder]:
        due = (
            each
            for each in self._tables.suborders.values()
            if each.state is SuborderState.QUEUED
            or (each.state is SuborderState.ASKED and each.next_poll is not None and each.next_poll <= now)
        )
        return tuple(self._sorted(due)[:limit])

    def erase(self, order_id: int) -> None:
        for suborder in self.of_order(order_id):
            del self._tables.suborders[suborder.id]

    def _sorted(self, suborders: Iterable[Suborder]) -> list[Suborder]:
        return sorted(suborders, key=lambda each: each.id)


@attrs.frozen
class _MemorySlots:
    _tables: _Tables
    _ids: _MemoryIds

    def used(self, owner: str) -> int:
        return sum(each.state in HOLDING for each in self._stored() if each.owner == owner)

    def candidates(self, owner: str, limit: int) -> Sequence[Suborder]:
        chosen = [
            each
            for each in self._stored()
            if each.owner == owner
            and each.state is SuborderState.PENDING
            and self._tables.orders[each.order_id].status is OrderStatus.RUNNING
        ]
        return tuple(sorted(chosen, key=lambda each: (-each.priority, each.order_id, each.id))[:limit])

    def load(self, owner: str) -> Load:
        live = [
            each
            for each in self._stored()
            if each.state is not SuborderState.ENDED
            and self._tables.orders[each.order_id].status is not OrderStatus.PAUSED
        ]
        return Load(len(live), sum(each.owner == owner for each in live))

    def note_freed(self, owner: str) -> None:
        if owner not in self._tables.freed:
            self._tables.freed[owner] = self._ids.block("freed_slot", 1)[0]

    def freed(self, limit: int) -> Sequence[str]:
        freed = self._tables.freed
        return tuple(sorted(freed, key=freed.__getitem__)[:limit])

    def forget_freed(self, owner: str) -> None:
        self._tables.freed.pop(owner, None)

    def _stored(self) -> Iterator[Suborder]:
        return (each for each in self._tables.suborders.values() if not each.external)


@attrs.frozen
class _MemoryFiles:
    _tables: _Tables

    def add(self, rows: Iterable[tuple[object, ...]]) -> None:
        for row in rows:
            file = OrderFile._make(row)
            self._tables.files[file.id] = file

    def page(
        self,
        order_id: int,
        *,
        states: Iterable[FileState] = FileState,
        after: int = 0,
        upto: int | None = None,
        limit: int,
    ) -> Sequence[OrderFile]:
        wanted = {state.value for state in states}
        chosen = [
            file
            for file in self._tables.files.values()
            if file.order_id == order_id
            and file.state in wanted
            and after < file.id
            and (upto is None or file.id <= upto)
        ]
        return tuple(sorted(chosen)[:limit])

    def unanswered(self, suborder_id: int, *, after: int = 0, limit: int) -> Sequence[OrderFile]:
        chosen = [
            file
            for file in self._tables.files.values()
            if file.suborder_id == suborder_id and file.state == FileState.PENDING.value and file.id > after
        ]
        return tuple(sorted(chosen)[:limit])

    def last_id(self, order_id: int) -> int:
        return max((file.id for file in self._tables.files.values() if file.order_id == order_id), default=0)

    def move(self, choice: FileChoice, moves: Mapping[FileState, FileState], reason: str | None = None) -> list[Moved]:
        by_value = {before.value: (before, after) for before, after in moves.items()}
        files: Counter[tuple[int, FileState, FileState]] = Counter()
        sizes: Counter[tuple[int, FileState, FileState]] = Counter()
        for file in self._chosen(choice):
            if file.state in by_value:
                key = (file.suborder_id, *by_value[file.state])
                files[key] += 1
                sizes[key] += file.size or 0
                self._tables.files[file.id] = file._replace(state=key[2].value, download_error=reason)
        return [Moved(*key, count, sizes[key]) for key, count in sorted(files.items(), key=lambda each: str(each[0]))]

    def _chosen(self, choice: FileChoice) -> list[OrderFile]:
        ids = None if choice.ids is None else set(choice.ids)
        checksums = None if choice.checksums is None else set(choice.checksums)
        return [
            file
            for file in self._tables.files.values()
            if file.order_id == choice.order_id
            and choice.suborder_id in (None, file.suborder_id)
            and (ids is None or file.id in ids)
            and (checksums is None or file.checksum in checksums)
        ]

    def erase(self, order_id: int) -> None:
        for file_id in [file.id for file in self._tables.files.values() if file.order_id == order_id]:
            del self._tables.files[file_id]


@attrs.frozen
class _MemoryOutbox:
    _tables: _Tables
    _ids: _MemoryIds

    def add(self, event: Event) -> None:
        self._tables.letters[self._ids.block("letter", 1)[0]] = event

    def page(self, after: int = 0, limit: int = 100) -> Sequence[Letter]:
        numbers = sorted(number for number in self._tables.letters if number > after)
        return tuple(Letter(number, self._tables.letters[number]) for number in numbers[:limit])

    def remove(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            self._tables.letters.pop(number, None)


@attrs.frozen
class _MemoryUsers:
    _tables: _Tables

    def put(self, account: Account) -> None:
        self._tables.accounts[account.user.email] = account

    def get(self, email: str) -> Account | None:
        return self._tables.accounts.get(email)

    def all(self) -> Sequence[Account]:
        return tuple(self._tables.accounts[email] for email in sorted(self._tables.accounts))
