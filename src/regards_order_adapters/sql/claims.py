"""Claims: one statement takes work that nobody holds, and leases are timed by the database's clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import attrs
import sqlalchemy as sa

from regards_order.domain.order import Order
from regards_order.domain.suborder import Suborder
from regards_order.ports.claims import Claim, Claimed
from regards_order_adapters.sql import schema
from regards_order_adapters.sql.dialects import DatabaseTime
from regards_order_adapters.sql.orders import read_order, read_suborder
from regards_order_adapters.sql.tenancy import PREPARED, Scope

_TABLES = {Claimed.ORDER: schema.orders, Claimed.SUBORDER: schema.suborders}


@attrs.frozen
class SqlClaims:
    """Hand out work."""

    _scope: Scope

    def orders(self, limit: int, seconds: float, *, only: int | None = None) -> Sequence[Order]:
        """Claim PENDING orders; they have no dataset tasks yet."""
        chosen = {} if only is None else {"only": only}
        rows = self._scope.run(_claim_orders(bool(chosen)), most=limit, lease=_microseconds(seconds), **chosen)
        return tuple(sorted((read_order(row, ()) for row in rows), key=lambda order: order.id))

    def suborders(self, now: dt.datetime, limit: int, seconds: float) -> Sequence[Suborder]:
        """Claim suborders that have to be worked on."""
        rows = self._scope.run(_claim_suborders(), now=now, most=limit, lease=_microseconds(seconds))
        return tuple(sorted(map(read_suborder, rows), key=lambda suborder: (-suborder.priority, suborder.id)))

    def renew(self, claims: Sequence[Claim], seconds: float) -> None:
        """Let claims last longer."""
        self._change(claims, DatabaseTime() + _microseconds(seconds))

    def release(self, claims: Sequence[Claim]) -> None:
        """Give claims back."""
        self._change(claims, sa.null())

    def _change(self, claims: Sequence[Claim], leased_until: sa.ColumnElement[Any]) -> None:
        for kind, table in _TABLES.items():  # orders before suborders, each by id: the order of all locks
            for claim in sorted(claim for claim in claims if claim.kind is kind):
                held = (
                    table.c.id == claim.id,
                    table.c.attempt == claim.attempt,
                    table.c.leased_until.is_not(None),
                )
                self._scope.execute(self._scope.update(table).where(*held).values(leased_until=leased_until))


@cache
def _claim_orders(one: bool) -> sa.Update:
    table = schema.orders
    free, leased = sa.text(schema.ORDERS_FREE), sa.text(schema.ORDERS_LEASED)
    only = table.c.id == sa.bindparam("only") if one else sa.true()
    groups = [[free, only], [leased, only, table.c.leased_until <= DatabaseTime()]]
    return _claim(table, groups, lambda columns: [columns.id])


@cache
def _claim_suborders() -> sa.Update:
    table = schema.suborders
    over = table.c.leased_until <= DatabaseTime()
    come = table.c.next_poll <= sa.bindparam("now")
    groups: list[list[Any]] = [
        [sa.text(schema.SUBORDERS_FREE)],
        [sa.text(schema.SUBORDERS_LEASED), over],
        [sa.text(schema.SUBORDERS_ASKED), come, table.c.leased_until.is_(None) | over],
    ]
    return _claim(table, groups, lambda columns: [columns.priority.desc(), columns.id])


def _claim(table: sa.Table, groups: Sequence[Sequence[Any]], order: Callable[[Any], list[Any]]) -> sa.Update:
    """Return the statement that claims the first rows of several groups, each of which has an index of its own."""
    most = sa.bindparam("most", type_=sa.Integer)
    keys = [table.c[name] for name in ("id", "priority") if name in table.c]
    first: list[sa.Select[Any]] = []
    for group in groups:
        found = PREPARED.select(table, *keys).where(*group).order_by(*order(table.c)).limit(most)
        # others pass by what one is about to take; as a table of its own it is chosen once
        first.append(sa.select(found.with_for_update(skip_locked=True).cte(f"group_{len(first)}")))
    best = sa.union_all(*first).subquery()
    chosen = sa.select(best.c.id).order_by(*order(best.c)).limit(most).cte("chosen")
    until = DatabaseTime() + sa.bindparam("lease", type_=sa.BigInteger)
    update = PREPARED.update(table).where(table.c.id.in_(sa.select(chosen.c.id)))
    return update.values(attempt=table.c.attempt + 1, leased_until=until).returning(*table.c)


def _microseconds(seconds: float) -> int:
    return int(seconds * 1_000_000)
