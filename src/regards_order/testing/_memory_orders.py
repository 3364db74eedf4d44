"""Repositories of orders, suborders, slots and files in memory."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from regards_order.domain.errors import Conflict, LabelTaken, NotFound
from regards_order.domain.files import FileCounts, FileState, Moved, OrderFile
from regards_order.domain.order import REMINDED, Order, OrderStatus
from regards_order.domain.suborder import HOLDING, Suborder, SuborderState
from regards_order.ports.claims import Claimed
from regards_order.ports.files import FileChoice
from regards_order.ports.slots import Load
from regards_order.testing._memory_claims import MemoryAnswers
from regards_order.testing._memory_tables import MemoryIds, Tables


@attrs.frozen
class MemoryOrders:
    _tables: Tables

    def add(self, order: Order) -> None:
        if self.label_taken(order.owner, order.label):
            raise LabelTaken(order.owner, order.label)
        self._tables.orders[order.id] = order

    def get(self, order_id: int, *, lock: bool = False) -> Order:
        order = self._tables.orders.get(order_id)
        if order is None:
            raise NotFound("Order", order_id)
        return order

    def save(self, order: Order, *, keep_lease: bool = False) -> Order:
        stored = self._tables.orders.get(order.id)
        if stored is None or (stored.version, stored.attempt) != (order.version, order.attempt):
            raise Conflict("Order", order.id)
        if not keep_lease:
            self._tables.leases.pop((Claimed.ORDER, order.id), None)
        saved = attrs.evolve(
            order,
            version=order.version + 1,
            counts=stored.counts,
            waiting_suborders=stored.waiting_suborders,
            available_since=stored.available_since,
        )
        self._tables.orders[order.id] = saved
        return saved

    def count(self, order: Order, change: FileCounts, waiting: int, now: dt.datetime) -> Order:
        stored = self.get(order.id)
        counted = attrs.evolve(
            stored,
            counts=stored.counts + change,
            waiting_suborders=stored.waiting_suborders + waiting,
            available_since=now if change.available else stored.available_since,
        )
        self._tables.orders[order.id] = counted
        return counted

    def erase(self, order_id: int) -> None:
        MemorySuborders(self._tables).erase(order_id)
        self._tables.leases.pop((Claimed.ORDER, order_id), None)
        self._tables.orders.pop(order_id, None)

    def over(self, now: dt.datetime, *, after: int = 0, limit: int) -> Sequence[Order]:
        chosen = [order for order in self._tables.orders.values() if order.id > after and order.is_over(now)]
        return tuple(sorted(chosen, key=lambda order: order.id)[:limit])

    def aside(self, before: dt.datetime, limit: int) -> Sequence[Order]:
        chosen = [
            order
            for order in self._tables.orders.values()
            if order.status in REMINDED
            and order.counts.available > 0
            and order.available_since is not None
            and order.available_since < before
        ]
        owners = sorted({order.owner for order in chosen})[:limit]
        chosen.sort(key=lambda order: (order.owner, order.created, order.id))
        return tuple(order for order in chosen if order.owner in owners)

    def reminded(self, order_ids: Sequence[int], now: dt.datetime) -> None:
        for order_id in order_ids:
            if (order := self._tables.orders.get(order_id)) is not None:
                self._tables.orders[order_id] = attrs.evolve(order, available_since=now)

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
class MemorySuborders:
    _tables: Tables

    def add(self, suborder: Suborder) -> None:
        self._tables.suborders[suborder.id] = suborder

    def get(self, suborder_id: int, *, lock: bool = False) -> Suborder:
        suborder = self._tables.suborders.get(suborder_id)
        if suborder is None:
            raise NotFound("Suborder", suborder_id)
        return suborder

    def save(self, suborder: Suborder) -> Suborder:
        stored = self._tables.suborders.get(suborder.id)
        if stored is None or (stored.version, stored.attempt) != (suborder.version, suborder.attempt):
            raise Conflict("Suborder", suborder.id)
        self._tables.leases.pop((Claimed.SUBORDER, suborder.id), None)
        saved = attrs.evolve(suborder, version=suborder.version + 1, counts=stored.counts)
        self._tables.suborders[suborder.id] = saved
        return saved

    def count(self, suborder_id: int, change: FileCounts) -> Suborder:
        stored = self._tables.suborders[suborder_id]
        counted = attrs.evolve(stored, counts=stored.counts + change)
        self._tables.suborders[suborder_id] = counted
        return counted

    def move(self, order_id: int, moves: Mapping[SuborderState, SuborderState]) -> int:
        chosen = [each for each in self.of_order(order_id) if each.state in moves]
        for each in chosen:
            moved = attrs.evolve(each, state=moves[each.state], version=each.version + 1)
            self._tables.suborders[each.id] = moved
        return len(chosen)

    def of_order(self, order_id: int) -> Sequence[Suborder]:
        chosen = [each for each in self._tables.suborders.values() if each.order_id == order_id]
        return tuple(sorted(chosen, key=lambda each: each.id))

    def erase(self, order_id: int) -> None:
        for suborder in self.of_order(order_id):
            MemoryAnswers(self._tables).erase(suborder.id)
            self._tables.leases.pop((Claimed.SUBORDER, suborder.id), None)
            del self._tables.suborders[suborder.id]


@attrs.frozen
class MemorySlots:
    _tables: Tables
    _ids: MemoryIds

    def used(self, owner: str) -> int:
        return sum(each.state in HOLDING for each in self._stored() if each.owner == owner)

    def candidates(self, owner: str, limit: int) -> Sequence[Suborder]:
        chosen = [
            each
            for each in self._stored()
            if each.owner == owner
            and each.state is SuborderState.PENDING
            and self._tables.orders[each.order_id].status is OrderStatus.RUNNING
            and self._tables.orders[each.order_id].listed
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
class MemoryFiles:
    _tables: Tables

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

    def move(
        self,
        choice: FileChoice,
        moves: Mapping[FileState, FileState],
        reason: str | None = None,
        *,
        into: int | None = None,
    ) -> list[Moved]:
        by_value = {before.value: (before, after) for before, after in moves.items()}
        files: Counter[tuple[int, FileState, FileState]] = Counter()
        sizes: Counter[tuple[int, FileState, FileState]] = Counter()
        for file in self._chosen(choice):
            if file.state in by_value:
                key = (file.suborder_id, *by_value[file.state])
                files[key] += 1
                sizes[key] += file.size or 0
                suborder_id = file.suborder_id if into is None else into
                self._tables.files[file.id] = file._replace(
                    state=key[2].value, download_error=reason, suborder_id=suborder_id
                )
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
