"""Claims and kept answers in memory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from regards_order.domain.errors import NotFound
from regards_order.domain.order import LISTABLE, Order
from regards_order.domain.suborder import Suborder, SuborderState
from regards_order.ports.claims import Claim, Claimed
from regards_order.ports.storage import Answer
from regards_order.testing._memory_tables import Chore, MemoryIds, Table, Tables


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
            if order.status in LISTABLE
            and not order.listed
            and only in (None, order.id)
            and not self._is_being_listed(order.owner)
        ]
        chosen.sort(key=lambda order: order.id)
        first = list({order.owner: order for order in reversed(chosen)}.values())[::-1]
        first.sort(key=lambda order: order.id)
        return tuple(self._take(Claimed.ORDER, order, seconds) for order in first[:limit])

    def suborders(self, now: dt.datetime, limit: int, seconds: float) -> Sequence[Suborder]:
        chosen = [
            each
            for each in self._tables.suborders.values()
            if (each.state is SuborderState.QUEUED or _poll_has_come(each, now))
            and not self._held(Claimed.SUBORDER, each.id)
        ]
        chosen.sort(key=lambda each: (-each.priority, each.id))
        return tuple(self._take(Claimed.SUBORDER, each, seconds) for each in chosen[:limit])

    def busy(self, order_ids: Sequence[int]) -> frozenset[int]:
        suborders = self._tables.suborders.values()
        busy = {each.order_id for each in suborders if self._held(Claimed.SUBORDER, each.id)}
        return frozenset(each for each in order_ids if each in busy or self._held(Claimed.ORDER, each))

    def due_chores(self, names: Sequence[str], now: dt.datetime) -> Sequence[str]:
        return tuple(name for name in names if self._is_due(name, now))

    def _is_due(self, name: str, now: dt.datetime) -> bool:
        chore = self._tables.chores.get(name)
        return chore is None or ((chore.due is None or chore.due <= now) and not self._held(Claimed.CHORE, chore.id))

    def chore(self, name: str, now: dt.datetime, seconds: float) -> Claim | None:
        if not self._is_due(name, now):
            return None
        chore = self._tables.chores.get(name) or Chore(MemoryIds(self._tables).block("chore", 1)[0])
        self._tables.chores[name] = attrs.evolve(chore, attempt=chore.attempt + 1)
        self._tables.leases[Claimed.CHORE, chore.id] = self._seconds() + seconds
        return Claim(Claimed.CHORE, chore.id, chore.attempt + 1)

    def chore_done(self, claim: Claim, due: dt.datetime) -> None:
        for name, chore in list(self._tables.chores.items()):
            if (chore.id, chore.attempt) == (claim.id, claim.attempt):
                self._tables.chores[name] = attrs.evolve(chore, due=due)
                self._tables.leases.pop((Claimed.CHORE, chore.id), None)

    def wake_chores(self, names: Sequence[str]) -> None:
        for name, chore in list(self._tables.chores.items()):
            if name in names:
                self._tables.chores[name] = attrs.evolve(chore, due=None)

    def renew(self, claims: Sequence[Claim], seconds: float) -> None:
        for claim in claims:
            if self._is_current(claim) and (claim.kind, claim.id) in self._tables.leases:
                self._tables.leases[claim.kind, claim.id] = self._seconds() + seconds

    def undo(self, claims: Sequence[Claim]) -> None:
        for claim in claims:
            if self._is_current(claim) and self._tables.leases.pop((claim.kind, claim.id), None) is not None:
                self._uncount(claim)

    def _uncount(self, claim: Claim) -> None:
        before = claim.attempt - 1
        if claim.kind is Claimed.CHORE:
            (name,) = (name for name, chore in self._tables.chores.items() if chore.id == claim.id)
            self._tables.chores[name] = attrs.evolve(self._tables.chores[name], attempt=before)
            return
        table = self._table(claim.kind)
        table[claim.id] = attrs.evolve(table[claim.id], attempt=before)

    def release(self, claims: Sequence[Claim]) -> None:
        for claim in claims:
            if self._is_current(claim):
                self._tables.leases.pop((claim.kind, claim.id), None)

    def _is_being_listed(self, owner: str) -> bool:
        unlisted = [each for each in self._tables.orders.values() if each.owner == owner and not each.listed]
        return any(self._held(Claimed.ORDER, each.id) for each in unlisted)

    def _held(self, kind: Claimed, id: int) -> bool:
        return self._tables.leases.get((kind, id), self._seconds()) > self._seconds()

    def _is_current(self, claim: Claim) -> bool:
        if claim.kind is Claimed.CHORE:
            chores = self._tables.chores.values()
            return any((each.id, each.attempt) == (claim.id, claim.attempt) for each in chores)
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
