"""Claims and kept answers in memory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from regards_order.domain.errors import NotFound
from regards_order.domain.order import Order, OrderStatus
from regards_order.domain.suborder import Suborder, SuborderState
from regards_order.ports.claims import Claim, Claimed
from regards_order.ports.storage import Answer
from regards_order.testing._memory_tables import Table, Tables


@attrs.frozen
class MemoryAnswers:
    _tables: Tables

    def put(self, suborder_id: int, answers: Sequence[Answer]) -> None:
        if suborder_id not in self._tables.suborders:
            raise NotFound("Suborder", suborder_id)
        for answer in answers:
            known = self._tables.answers.get((suborder_id, answer.checksum))
            if known is None or not answer.available:
                self._tables.answers[suborder_id, answer.checksum] = answer

    def of(self, suborder_id: int) -> Sequence[Answer]:
        return tuple(self._tables.answers[key] for key in sorted(self._tables.answers) if key[0] == suborder_id)

    def erase(self, suborder_id: int) -> None:
        for key in [key for key in self._tables.answers if key[0] == suborder_id]:
            del self._tables.answers[key]


@attrs.frozen
class MemoryClaims:
    _tables: Tables
    _seconds: Callable[[], float]

    def orders(self, limit: int, seconds: float, *, only: int | None = None) -> Sequence[Order]:
        chosen = [
            order
            for order in self._tables.orders.values()
            if order.status is OrderStatus.PENDING
            and only in (None, order.id)
            and not self._held(Claimed.ORDER, order.id)
        ]
        chosen.sort(key=lambda order: order.id)
        return tuple(self._take(Claimed.ORDER, order, seconds) for order in chosen[:limit])

    def suborders(self, now: dt.datetime, limit: int, seconds: float) -> Sequence[Suborder]:
        chosen = [
            each
            for each in self._tables.suborders.values()
            if (each.state is SuborderState.QUEUED or _poll_has_come(each, now))
            and not self._held(Claimed.SUBORDER, each.id)
        ]
        chosen.sort(key=lambda each: (-each.priority, each.id))
        return tuple(self._take(Claimed.SUBORDER, each, seconds) for each in chosen[:limit])

    def renew(self, claims: Sequence[Claim], seconds: float) -> None:
        for claim in claims:
            if self._is_current(claim) and (claim.kind, claim.id) in self._tables.leases:
                self._tables.leases[claim.kind, claim.id] = self._seconds() + seconds

    def release(self, claims: Sequence[Claim]) -> None:
        for claim in claims:
            if self._is_current(claim):
                self._tables.leases.pop((claim.kind, claim.id), None)

    def _held(self, kind: Claimed, id: int) -> bool:
        return self._tables.leases.get((kind, id), self._seconds()) > self._seconds()

    def _is_current(self, claim: Claim) -> bool:
        entity = self._table(claim.kind).get(claim.id)
        return entity is not None and entity.attempt == claim.attempt

    def _take(self, kind: Claimed, entity: Any, seconds: float) -> Any:
        taken = attrs.evolve(entity, attempt=entity.attempt + 1)
        self._table(kind)[entity.id] = taken
        self._tables.leases[kind, entity.id] = self._seconds() + seconds
        return taken

    def _table(self, kind: Claimed) -> Table[int, Any]:
        return self._tables.orders if kind is Claimed.ORDER else self._tables.suborders


def _poll_has_come(suborder: Suborder, now: dt.datetime) -> bool:
    return suborder.state is SuborderState.ASKED and suborder.next_poll is not None and suborder.next_poll <= now
