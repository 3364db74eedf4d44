"""The store in memory: the twin of the SQL adapter, with real transactions."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import attrs

from regards_order.domain.basket import Basket, BasketOwner
from regards_order.domain.errors import Conflict
from regards_order.domain.events import Event
from regards_order.domain.principal import Account
from regards_order.ports.outbox import Letter
from regards_order.testing._memory_claims import MemoryAnswers, MemoryClaims
from regards_order.testing._memory_listings import MemoryListings
from regards_order.testing._memory_orders import MemoryFiles, MemoryOrders, MemorySlots, MemorySuborders
from regards_order.testing._memory_tables import MemoryIds, Tables


class MemoryStore:
    """Keep the data of one tenant in memory: a `UnitOfWork` for tests and for trying things out.

    One transaction at a time; a failed one leaves nothing behind.
    """

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        """Take the clock that leases are timed by, in seconds."""
        self._tables = Tables()
        self._seconds = seconds
        self._lock = threading.RLock()

    @contextmanager
    def read(self) -> Iterator[MemoryTransaction]:
        """Open a transaction that changes nothing."""
        with self._lock:
            try:
                yield MemoryTransaction(self._tables, self._seconds)
            finally:
                for table in self._tables.all():
                    table.rollback()

    @contextmanager
    def write(self) -> Iterator[MemoryTransaction]:
        """Open a transaction; an error that leaves its block takes back all that it did."""
        with self._lock:
            try:
                yield MemoryTransaction(self._tables, self._seconds)
            except BaseException:
                for table in self._tables.all():
                    table.rollback()
                raise
            for table in self._tables.all():
                table.commit()


class MemoryTransaction:
    """Reach everything that a `MemoryStore` holds."""

    def __init__(self, tables: Tables, seconds: Callable[[], float]) -> None:
        self.ids = MemoryIds(tables)
        self.baskets = _MemoryBaskets(tables)
        self.orders = MemoryOrders(tables)
        self.suborders = MemorySuborders(tables)
        self.slots = MemorySlots(tables, self.ids)
        self.files = MemoryFiles(tables)
        self.answers = MemoryAnswers(tables)
        self.claims = MemoryClaims(tables, seconds)
        self.listings = MemoryListings(tables)
        self.outbox = _MemoryOutbox(tables, self.ids)
        self.users = _MemoryUsers(tables)
        self.settings = _MemorySettings(tables)


@attrs.frozen
class _MemoryBaskets:
    _tables: Tables

    def get(self, owner: BasketOwner, *, lock: bool = False) -> Basket | None:
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
class _MemoryOutbox:
    _tables: Tables
    _ids: MemoryIds

    def add(self, event: Event) -> None:
        self._tables.letters[self._ids.block("letter", 1)[0]] = event

    def page(self, after: int = 0, limit: int = 100, *, kinds: Sequence[type[Event]] = ()) -> Sequence[Letter]:
        letters = self._tables.letters.items()
        numbers = sorted(number for number, event in letters if number > after and (not kinds or type(event) in kinds))
        return tuple(Letter(number, self._tables.letters[number]) for number in numbers[:limit])

    def remove(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            self._tables.letters.pop(number, None)


@attrs.frozen
class _MemorySettings:
    _tables: Tables

    def changed(self) -> Mapping[str, Any]:
        return copy.deepcopy(dict(self._tables.settings))

    def put(self, name: str, value: Any) -> None:
        self._tables.settings[name] = copy.deepcopy(value)

    def remove(self, name: str) -> None:
        self._tables.settings.pop(name, None)


@attrs.frozen
class _MemoryUsers:
    _tables: Tables

    def put(self, account: Account) -> None:
        self._tables.accounts[account.user.email] = account

    def get(self, email: str) -> Account | None:
        return self._tables.accounts.get(email)

    def all(self) -> Sequence[Account]:
        return tuple(self._tables.accounts[email] for email in sorted(self._tables.accounts))
