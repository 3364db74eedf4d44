"""Quotas in the database: one conditional statement grants a download, whatever the number of processes.

What that statement cannot decide is decided by the core under a lock on the user's row: a user who is new, leases that
have run out, a refusal that explains itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import cache
from threading import Event, Lock, Thread
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.sql.compiler import Compiled

from regards_order.domain.errors import OrderingError
from regards_order.domain.quota import Consumption, Quota, QuotaLimits
from regards_order_adapters.sql import schema
from regards_order_adapters.sql.dialects import DatabaseTime, is_postgresql
from regards_order_adapters.sql.tenancy import PREPARED, Scope, among
from regards_order_adapters.sql.unit_of_work import SqlStore

_log = logging.getLogger(__name__)
_QUOTAS, _LEASES = schema.quotas, schema.quota_leases
_MICROSECONDS = 1_000_000
#: seconds that a download counts as going on unless it is renewed
TTL = 60.0

_FirstLimits = Callable[[], QuotaLimits]


class SqlQuotas:
    """Keep quotas in the database, and renew downloads that go on in a thread of its own: `Quotas`."""

    def __init__(self, store: SqlStore, ttl: float = TTL) -> None:
        """Take the store, and for how many seconds a download counts as going on unless it is renewed."""
        self._store = store
        self._ttl = ttl
        self._held: set[tuple[str, str]] = set()
        self._lock = Lock()
        self._closed = Event()
        self._thread: Thread | None = None

    def start(self, email: str, lease_id: str, first: _FirstLimits) -> None:
        """Take one unit for a download that begins."""
        while not self._begin(email, lease_id):
            self._see(email, first)
        self._hold(email, lease_id)

    def _begin(self, email: str, lease_id: str) -> bool:
        """Take one unit, and return False if the user is unknown."""
        with self._store.statement() as scope:
            if _grant(scope, email, lease_id, self._ttl):
                return True
        with self._store.write() as tx:
            return _decide(tx.scope, email, lease_id, self._ttl)

    def _hold(self, email: str, lease_id: str) -> None:
        with self._lock:
            self._held.add((email, lease_id))
            if self._thread is None:
                self._thread = Thread(target=self._renew_until_closed, name="quotas", daemon=True)
                self._thread.start()

    def end(self, email: str, lease_id: str) -> None:
        """Note that a download has ended."""
        self._release(email, lease_id, back=0)

    def cancel(self, email: str, lease_id: str, units: int = 1) -> None:
        """Give back what a download took."""
        self._release(email, lease_id, back=units)

    def more(self, email: str, lease_id: str, units: int) -> int:
        """Take more units for a download that goes on."""
        with self._store.write() as tx:
            row = _locked(tx.scope, email)
            if row is None or not _goes_on(tx.scope, email, lease_id):
                return 0
            part = Consumption(QuotaLimits(row.max_quota, row.rate_limit), row.consumed).part(units)
            change = {"consumed": row.consumed + part}
            tx.scope.execute(tx.scope.update(_QUOTAS).where(_QUOTAS.c.email == email).values(change))
            return part

    def _release(self, email: str, lease_id: str, *, back: int) -> None:
        with self._lock:
            self._held.discard((email, lease_id))
        with self._store.write() as tx:
            row = _locked(tx.scope, email)
            if row is None:
                return
            this = _LEASES.c.lease_id == lease_id
            # whoever died left leases; without a limit nobody else would clear them away
            gone = tx.scope.delete(_LEASES).where(
                _LEASES.c.email == email, this | (_LEASES.c.leased_until <= DatabaseTime())
            )
            live = (_LEASES.c.leased_until > DatabaseTime()).label("live")
            leases = tx.scope.execute(gone.returning(_LEASES.c.lease_id, _LEASES.c.resets, live)).all()
            if leases:
                paid = any(each.live and each.lease_id == lease_id and each.resets == row.resets for each in leases)
                change = {
                    "active": _QUOTAS.c.active - len(leases),
                    "consumed": _QUOTAS.c.consumed - (back if paid else 0),
                }
                tx.scope.execute(tx.scope.update(_QUOTAS).where(_QUOTAS.c.email == email).values(change))

    def consumption(self, email: str) -> Consumption | None:
        """Return what a user has downloaded."""
        live = PREPARED.select(_LEASES, sa.func.count()).where(
            _LEASES.c.email == _QUOTAS.c.email, _LEASES.c.leased_until > DatabaseTime()
        )
        query = PREPARED.select(_QUOTAS, *_QUOTAS.c, live.scalar_subquery().label("live"))
        with self._store.read() as tx:
            row = tx.scope.run(query.where(_QUOTAS.c.email == email)).one_or_none()
        return None if row is None else Consumption(QuotaLimits(row.max_quota, row.rate_limit), row.consumed, row.live)

    def see(self, email: str, first: _FirstLimits) -> Consumption:
        """Return what a user has downloaded, who is known from now on."""
        self._see(email, first)
        return self.consumption(email) or Consumption(first())

    def _see(self, email: str, first: _FirstLimits) -> None:
        if self.consumption(email) is None:
            limits = first()
            with self._store.write() as tx:
                tx.scope.insert_new(_QUOTAS, _new(email, limits))

    def set_limits(self, email: str, limits: QuotaLimits) -> None:
        """Set what a user may download."""
        with self._store.write() as tx:
            if not tx.scope.insert_new(_QUOTAS, _new(email, limits)):
                change = {"max_quota": limits.max_quota, "rate_limit": limits.rate_limit}
                tx.scope.execute(tx.scope.update(_QUOTAS).where(_QUOTAS.c.email == email).values(change))

    def reset(self, email: str) -> None:
        """Let the quota of a user begin again."""
        change = {"consumed": 0, "resets": _QUOTAS.c.resets + 1}
        with self._store.write() as tx:
            tx.scope.execute(tx.scope.update(_QUOTAS).where(_QUOTAS.c.email == email).values(change))

    def forget(self, email: str) -> None:
        """Erase all of a user."""
        with self._store.write() as tx:
            tx.scope.execute(tx.scope.delete(_QUOTAS).where(_QUOTAS.c.email == email))
            tx.scope.execute(tx.scope.delete(_LEASES).where(_LEASES.c.email == email))

    def renew(self) -> bool:
        """Renew all downloads that go on here, now, and return False if the database cannot do it."""
        with self._lock:
            held = list(self._held)
        if not held:
            return True
        try:
            with self._store.write() as tx:
                _renew(tx.scope, held, self._ttl)
        except OrderingError as error:
            _log.warning("downloads not renewed", extra={"action": "quota_not_renewed", "cause": error.message})
            return False
        except Exception:  # whatever it is, the next downloads are renewed
            _log.exception("downloads not renewed", extra={"action": "quota_not_renewed"})
            return False
        return True

    def close(self, seconds: float = 2.0) -> None:
        """Renew nothing more: what still goes on counts as over when its lease has run out."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join(seconds)

    def _renew_until_closed(self) -> None:
        pause = self._ttl / 2
        while not self._closed.wait(pause):
            # half a lease later would be too late: there is time for some more attempts before it has run out
            pause = self._ttl / (2 if self.renew() else 20)


def _new(email: str, limits: QuotaLimits) -> dict[str, Any]:
    none: dict[str, Any] = {"consumed": 0, "active": 0, "resets": 0}
    return {"email": email, "max_quota": limits.max_quota, "rate_limit": limits.rate_limit, **none}


def _grant(scope: Scope, email: str, lease_id: str, ttl: float) -> bool:
    """Take one unit if there certainly is one, and return whether it was taken."""
    values = {"the_email": email, "the_lease": lease_id, "ttl": int(ttl * _MICROSECONDS)}
    if is_postgresql(scope.connection):
        from regards_order_adapters.sql.postgresql import fetch_one

        return fetch_one(scope.connection, _granting(), the_tenant=scope.tenant, **values) is not None
    row = scope.run(_taking(), the_email=email, the_lease=lease_id).first()
    if row is None:
        return False
    scope.run(_leasing(), resets=row.resets, **values)
    return True


@cache
def _taking() -> sa.Update:
    email: sa.BindParameter[str] = sa.bindparam("the_email")
    lease_id: sa.BindParameter[str] = sa.bindparam("the_lease")
    known = PREPARED.select(_LEASES, _LEASES.c.email).where(_LEASES.c.email == email, _LEASES.c.lease_id == lease_id)
    left = (_QUOTAS.c.max_quota < 0) | (_QUOTAS.c.consumed < _QUOTAS.c.max_quota)
    free = (_QUOTAS.c.rate_limit < 0) | (_QUOTAS.c.active < _QUOTAS.c.rate_limit)
    change = {"consumed": _QUOTAS.c.consumed + 1, "active": _QUOTAS.c.active + 1}
    update = PREPARED.update(_QUOTAS).where(_QUOTAS.c.email == email, left, free, ~known.exists())
    return update.values(change).returning(_QUOTAS.c.resets)


def _lease_values(resets: sa.ColumnElement[int]) -> list[sa.ColumnElement[Any]]:
    until = DatabaseTime() + sa.bindparam("ttl", type_=sa.BigInteger)
    email = sa.bindparam("the_email", type_=_LEASES.c.email.type)
    lease_id = sa.bindparam("the_lease", type_=_LEASES.c.lease_id.type)
    tenant: Any = PREPARED.tenant
    return [tenant, email, lease_id, until, resets]


@cache
def _granting() -> Compiled:
    taken = _taking().cte("taken")
    rows = sa.select(*_lease_values(taken.c.resets))
    statement = sa.insert(_LEASES).from_select(_LEASES.c.keys(), rows).returning(_LEASES.c.resets)
    return statement.compile(dialect=psycopg.dialect())  # type: ignore[no-untyped-call]


@cache
def _leasing() -> sa.Insert:
    resets = sa.bindparam("resets", type_=sa.Integer)
    return sa.insert(_LEASES).from_select(_LEASES.c.keys(), sa.select(*_lease_values(resets)))


def _locked(scope: Scope, email: str) -> Any:
    return scope.execute(scope.select(_QUOTAS).where(_QUOTAS.c.email == email).with_for_update()).one_or_none()


def _decide(scope: Scope, email: str, lease_id: str, ttl: float) -> bool:
    """Let the core decide on a download, with the user's row locked, and return False if there is none any more.

    Raises:
        QuotaExceeded, RateExceeded: it may not begin.
    """
    row = _locked(scope, email)
    if row is None:
        return False
    now = scope.execute(sa.select(DatabaseTime())).scalar_one()
    limits = QuotaLimits(row.max_quota, row.rate_limit)
    if _goes_on(scope, email, lease_id):
        return True
    # whoever has used up the quota asks again and again: then nobody needs to count what goes on
    active, first = (0, None) if Quota(row.max_quota, row.consumed).remaining == 0 else _clear(scope, email, now)
    refusal = Consumption(limits, row.consumed, active).refusal(email, first)
    if refusal is not None:
        raise refusal
    until = now + int(ttl * _MICROSECONDS)
    scope.insert(_LEASES, {"email": email, "lease_id": lease_id, "leased_until": until, "resets": row.resets})
    change = {"consumed": row.consumed + 1, "active": active + 1}
    scope.execute(scope.update(_QUOTAS).where(_QUOTAS.c.email == email).values(change))
    return True


def _goes_on(scope: Scope, email: str, lease_id: str) -> bool:
    this = scope.select(_LEASES, _LEASES.c.email).where(_LEASES.c.email == email, _LEASES.c.lease_id == lease_id)
    return scope.execute(this.where(_LEASES.c.leased_until > DatabaseTime())).first() is not None


def _clear(scope: Scope, email: str, now: int) -> tuple[int, float | None]:
    """Forget downloads that nobody renewed; return how many go on, and in how many seconds the first one may end."""
    own = _LEASES.c.email == email
    scope.execute(scope.delete(_LEASES).where(own, _LEASES.c.leased_until <= now))
    live = scope.select(_LEASES, sa.func.count().label("active"), sa.func.min(_LEASES.c.leased_until).label("first"))
    row = scope.execute(live.where(own)).one()
    return row.active, None if row.first is None else (row.first - now) / _MICROSECONDS


def _renew(scope: Scope, held: Sequence[tuple[str, str]], ttl: float) -> None:
    emails, ids = (sorted(set(part)) for part in zip(*held, strict=True))
    live = scope.update(_LEASES).where(
        among(_LEASES.c.email, emails), among(_LEASES.c.lease_id, ids), _LEASES.c.leased_until > DatabaseTime()
    )
    scope.execute(live.values(leased_until=DatabaseTime() + int(ttl * _MICROSECONDS)))
