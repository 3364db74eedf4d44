"""Claims: one statement takes work that nobody holds, and leases are timed by the database's clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import attrs
import sqlalchemy as sa

from regards_order.domain.order import Order, OrderStatus
from regards_order.domain.suborder import Suborder, SuborderState
from regards_order.ports.claims import Claim, Claimed
from regards_order_adapters.sql import schema
from regards_order_adapters.sql.dialects import DatabaseTime
from regards_order_adapters.sql.orders import read_order, read_suborder
from regards_order_adapters.sql.tenancy import Scope

_TABLES = {Claimed.ORDER: schema.orders, Claimed.SUBORDER: schema.suborders}


@attrs.frozen
class SqlClaims:
    """Hand out work."""

    _scope: Scope

    def orders(self, limit: int, seconds: float, *, only: int | None = None) -> Sequence[Order]:
        """Claim PENDING orders; they have no dataset tasks yet."""
        table = schema.orders
        chosen = self._scope.select(table, table.c.id).where(table.c.status == OrderStatus.PENDING)
        if only is not None:
            chosen = chosen.where(table.c.id == only)
        rows = self._take(table, chosen.order_by(table.c.id).limit(limit), seconds)
        return tuple(sorted((read_order(row, ()) for row in rows), key=lambda order: order.id))

    def suborders(self, now: dt.datetime, limit: int, seconds: float) -> Sequence[Suborder]:
        """Claim suborders that have to be worked on."""
        table = schema.suborders
        due = (table.c.state == SuborderState.QUEUED) | (table.c.next_poll <= now)
        # the index holds only what is due some time: a planner knows that only from these very words
        chosen = self._scope.select(table, table.c.id).where(sa.text(schema.DUE), due)
        first = chosen.order_by(table.c.priority.desc(), table.c.id).limit(limit)
        taken = map(read_suborder, self._take(table, first, seconds))
        return tuple(sorted(taken, key=lambda suborder: (-suborder.priority, suborder.id)))

    def renew(self, claims: Sequence[Claim], seconds: float) -> None:
        """Let claims last longer."""
        self._change(claims, DatabaseTime() + _microseconds(seconds))

    def release(self, claims: Sequence[Claim]) -> None:
        """Give claims back."""
        self._change(claims, sa.null())

    def _take(self, table: sa.Table, query: sa.Select[Any], seconds: float) -> Sequence[Any]:
        free = table.c.leased_until.is_(None) | (table.c.leased_until <= DatabaseTime())
        # others pass by what one is about to take; as a table of its own it is chosen once
        chosen = query.where(free).with_for_update(skip_locked=True).cte("chosen")
        lease = {"attempt": table.c.attempt + 1, "leased_until": DatabaseTime() + _microseconds(seconds)}
        update = self._scope.update(table).where(table.c.id.in_(sa.select(chosen.c.id)))
        return self._scope.execute(update.values(lease).returning(*table.c)).all()

    def _change(self, claims: Sequence[Claim], leased_until: sa.ColumnElement[Any]) -> None:
        for kind, table in _TABLES.items():  # orders before suborders, each by id: the order of all locks
            for claim in sorted(claim for claim in claims if claim.kind is kind):
                held = (
                    table.c.id == claim.id,
                    table.c.attempt == claim.attempt,
                    table.c.leased_until.is_not(None),
                )
                self._scope.execute(self._scope.update(table).where(*held).values(leased_until=leased_until))


def _microseconds(seconds: float) -> int:
    return int(seconds * 1_000_000)
