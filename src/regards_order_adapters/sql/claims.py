"""Claims: one statement takes work that nobody holds, and leases are timed by the database's clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import attrs
import sqlalchemy as sa

from regards_order.domain.order import LISTABLE, Order
from regards_order.domain.suborder import Suborder
from regards_order.ports.claims import Claim, Claimed
from regards_order_adapters.sql import schema
from regards_order_adapters.sql.dialects import DatabaseTime
from regards_order_adapters.sql.orders import read_order, read_suborder
from regards_order_adapters.sql.stores import SqlIds
from regards_order_adapters.sql.tenancy import PREPARED, Scope, among

_TABLES = {Claimed.ORDER: schema.orders, Claimed.SUBORDER: schema.suborders, Claimed.CHORE: schema.chores}


@attrs.frozen
class SqlClaims:
    """Hand out work."""

    _scope: Scope

    def orders(self, limit: int, seconds: float, *, only: int | None = None) -> Sequence[Order]:
        """Claim PENDING orders; they have no dataset tasks yet."""
        chosen = {} if only is None else {"only": only}
        rows = self._scope.run(_claim_orders(bool(chosen)), most=limit, lease=_microseconds(seconds), **chosen).all()
        first: dict[str, Order] = {}
        for order in sorted((read_order(row, ()) for row in rows), key=lambda order: order.id):
            if first.setdefault(order.owner, order) is not order:
                self.undo((Claim.of(order),))
        alone = {owner for owner in sorted(first) if self._is_alone(first[owner])}  # sorted: locks in one order
        return tuple(order for order in first.values() if order.owner in alone)

    def _is_alone(self, order: Order) -> bool:
        """Return whether no other order of its owner is being listed; else give this one back.

        Two of us may have claimed two of them at once; the second one here sees the first.
        """
        self._scope.lock(f"listing of {order.owner}")
        table = schema.orders
        others = self._scope.select(table, table.c.id).where(
            sa.text(schema.ORDERS_LEASED),
            table.c.leased_until > DatabaseTime(),
            table.c.owner == order.owner,
            table.c.id != order.id,
        )
        if self._scope.execute(others.limit(1)).first() is None:
            return True
        self.undo((Claim.of(order),))
        return False

    def busy(self, order_ids: Sequence[int]) -> frozenset[int]:
        """Return those orders that somebody holds, or one of whose suborders."""
        orders, suborders = schema.orders, schema.suborders
        held = [
            self._scope.select(table, key).where(among(key, order_ids), table.c.leased_until > DatabaseTime())
            for table, key in ((orders, orders.c.id), (suborders, suborders.c.order_id))
        ]
        return frozenset(self._scope.execute(sa.union_all(*held)).scalars())

    def due_chores(self, names: Sequence[str], now: dt.datetime) -> Sequence[str]:
        """Return which chores are due and held by nobody."""
        table = schema.chores
        busy = self._scope.select(table, table.c.name).where(~_is_due(table, now))
        later = set(self._scope.execute(busy).scalars())
        return tuple(name for name in names if name not in later)

    def chore(self, name: str, now: dt.datetime, seconds: float) -> Claim | None:
        """Claim a chore."""
        table = schema.chores
        known = self._scope.select(table, table.c.id).where(table.c.name == name)
        if self._scope.execute(known).first() is None:
            chore_id = SqlIds(self._scope.connection).block("chore", 1)[0]
            self._scope.insert_new(table, {"id": chore_id, "name": name})
        claim = self._scope.update(table).where(table.c.name == name, _is_due(table, now))
        until = DatabaseTime() + _microseconds(seconds)
        taken = claim.values(attempt=table.c.attempt + 1, leased_until=until).returning(table.c.id, table.c.attempt)
        row = self._scope.execute(taken).first()
        return None if row is None else Claim(Claimed.CHORE, row.id, row.attempt)

    def chore_done(self, claim: Claim, due: dt.datetime) -> None:
        """Give a chore back until it is due again."""
        table = schema.chores
        mine = self._scope.update(table).where(table.c.id == claim.id, table.c.attempt == claim.attempt)
        self._scope.execute(mine.values(due=due, leased_until=None))

    def wake_chores(self, names: Sequence[str]) -> None:
        """Let chores be due at once."""
        table = schema.chores
        self._scope.execute(self._scope.update(table).where(table.c.name.in_(names)).values(due=None))

    def suborders(self, now: dt.datetime, limit: int, seconds: float) -> Sequence[Suborder]:
        """Claim suborders that have to be worked on."""
        rows = self._scope.run(_claim_suborders(), now=now, most=limit, lease=_microseconds(seconds))
        return tuple(sorted(map(read_suborder, rows), key=lambda suborder: (-suborder.priority, suborder.id)))

    def renew(self, claims: Sequence[Claim], seconds: float) -> None:
        """Let claims last longer."""
        self._change(claims, DatabaseTime() + _microseconds(seconds))

    def undo(self, claims: Sequence[Claim]) -> None:
        """Give claims back as if nobody had made them."""
        self._change(claims, sa.null(), undone=1)

    def release(self, claims: Sequence[Claim]) -> None:
        """Give claims back."""
        self._change(claims, sa.null())

    def _change(self, claims: Sequence[Claim], leased_until: sa.ColumnElement[Any], undone: int = 0) -> None:
        for kind, table in _TABLES.items():  # orders before suborders, each by id: the order of all locks
            for claim in sorted(claim for claim in claims if claim.kind is kind):
                held = (
                    table.c.id == claim.id,
                    table.c.attempt == claim.attempt,
                    table.c.leased_until.is_not(None),
                )
                values = {"leased_until": leased_until, **({"attempt": claim.attempt - undone} if undone else {})}
                self._scope.execute(self._scope.update(table).where(*held).values(values))


def _is_due(table: sa.Table, now: dt.datetime) -> sa.ColumnElement[bool]:
    free = table.c.leased_until.is_(None) | (table.c.leased_until <= DatabaseTime())
    return sa.and_(table.c.due.is_(None) | (table.c.due <= now), free)


@cache
def _claim_orders(one: bool) -> sa.Update:
    table = schema.orders
    only = table.c.id == sa.bindparam("only") if one else sa.true()
    leased = table.alias("leased")
    listing = sa.select(leased.c.owner).where(
        leased.c.tenant_id == PREPARED.tenant,
        sa.text("NOT leased.listed AND leased.leased_until IS NOT NULL"),
        leased.c.leased_until > DatabaseTime(),
    )
    alone = table.c.owner.not_in(listing)
    over = table.c.leased_until <= DatabaseTime()
    groups = [
        [sa.text(schema.ORDERS_FREE), only, alone],
        [sa.text(schema.ORDERS_LEASED), table.c.status.in_(LISTABLE), only, over, alone],
    ]
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
