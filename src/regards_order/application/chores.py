"""Regular work for a whole tenant: orders expire, users are reminded and told (docs/orders.md, docs/notifications.md).

Each chore is claimed under a lease, so that one worker at a time does it, and another one goes on when that one dies.
"""

from __future__ import annotations

import datetime as dt
import enum
import logging
from collections.abc import Callable, Mapping
from itertools import groupby

import attrs

from regards_order.application.change_order import erase_contents
from regards_order.application.tenant_settings import current_settings
from regards_order.domain.errors import NotFound, NotificationRefused, NotifierUnavailable, StoreUnavailable
from regards_order.domain.events import DownloadsRefused, Event, FileOversized, OrderAside, OrderCreated, OrdersAside
from regards_order.domain.order import REMINDED, Order
from regards_order.ports.bundle import Ports
from regards_order.ports.unit_of_work import Transaction

_log = logging.getLogger(__name__)
_PAGE = 100
_TELL_AGAIN = dt.timedelta(minutes=1)
_REPORT = dt.timedelta(seconds=30)
_UNREACHABLE = 3
_REMINDER_HOUR = 7
_SATURDAY = 5
_TOLD: tuple[type[Event], ...] = (OrderCreated, FileOversized, OrdersAside)

_Stop = Callable[[], bool]


@attrs.frozen
class _Chore:
    """Hold one kind of regular work.

    Attributes:
        work: does it, returns the number of steps and when to do it again.
        wanted: whether there is anything to do, when it is due.
        wakes: whether it is due at once when a worker starts.
    """

    work: Callable[[Ports, _Stop], tuple[int, dt.datetime]]
    wanted: Callable[[Transaction], bool] = lambda tx: True
    wakes: bool = True


def do_chores(ports: Ports, stop: _Stop = bool) -> int:
    """Do the regular work that is due and return how many steps that were.

    Args:
        ports: what to work with.
        stop: asked between steps; when it says True the rest is left to the next worker.
    """
    steps = 0
    with ports.store.read() as tx:
        due = [name for name in tx.claims.due_chores(tuple(_CHORES), ports.clock.now()) if _CHORES[name].wanted(tx)]
    for name in due:
        if stop():
            break
        with ports.store.write() as tx:
            claim = tx.claims.chore(name, ports.clock.now(), ports.settings.lease_seconds)
        if claim is None:
            continue
        with ports.leases.hold((claim,)):
            done, again = _CHORES[name].work(ports, stop)
        with ports.store.write() as tx:
            # what was left when it was time to stop is due at once
            tx.claims.chore_done(claim, ports.clock.now() if stop() else again)
        steps += done
    return steps


def wake_chores(ports: Ports) -> None:
    """Let regular work be due at once: a worker starts; only reports of refused downloads keep their distance."""
    with ports.store.write() as tx:
        tx.claims.wake_chores([name for name, chore in _CHORES.items() if chore.wakes])


# --- orders whose time is over ---------------------------------------------------------------------------------------


def _expire(ports: Ports, stop: _Stop) -> tuple[int, dt.datetime]:
    expired, after = 0, 0
    while not stop():
        with ports.store.read() as tx:
            found = tx.orders.over(ports.clock.now(), after=after, limit=_PAGE)
        if not found:
            break
        for order in found:
            expired += _expire_one(ports, order.id)
        after = found[-1].id
    return expired, ports.clock.now() + dt.timedelta(seconds=ports.settings.expiry_seconds)


def _expire_one(ports: Ports, order_id: int) -> int:
    now = ports.clock.now()
    try:
        with ports.store.write() as tx:
            order = tx.orders.get(order_id, lock=True)
            if not order.is_over(now):
                return 0
            erase_contents(ports, tx, order.expired(now))
    except StoreUnavailable:
        raise
    except Exception as failure:  # whatever is wrong with one order, the others expire
        extra = {"action": "expiration_failed", "order_id": order_id}
        _log.warning("order not expired", exc_info=failure, extra=extra)
        return 0
    _log.info("order expired", extra={"action": "order_expired", "order_id": order_id})
    return 1


# --- files that wait for their user ----------------------------------------------------------------------------------


def _remind(ports: Ports, stop: _Stop) -> tuple[int, dt.datetime]:
    """Write a letter to each user whose files wait for long; that, and its note, are one transaction."""
    now, letters = ports.clock.now(), 0
    while not stop():
        with ports.store.write() as tx:
            before = now - dt.timedelta(hours=current_settings(ports, tx).reminder_hours)
            orders = tx.orders.aside(before, _PAGE)
            for owner, theirs in groupby(orders, key=lambda order: order.owner):
                tx.outbox.add(_aside(owner, list(theirs), now))
                letters += 1
            tx.orders.reminded([order.id for order in orders], now)
        if not orders:
            break
    return letters, next_reminders(now)


def _aside(owner: str, orders: list[Order], now: dt.datetime) -> OrdersAside:
    first = orders[0]
    waiting = tuple(
        OrderAside(
            order_id=order.id,
            label=order.label,
            created=order.created,
            expires=order.expires if order.listed else None,
            available=order.available,
            since=order.available_since or now,
        )
        for order in orders
    )
    return OrdersAside(order_id=first.id, owner=owner, correlation_id=first.correlation_id, orders=waiting)


def next_reminders(now: dt.datetime) -> dt.datetime:
    """Return the next time at which users are reminded: at 07:00 UTC from Monday to Friday.

    >>> next_reminders(dt.datetime(2026, 11, 20, 7, 0, tzinfo=dt.timezone.utc)).isoformat()
    '2026-11-23T07:00:00+00:00'
    """
    day = now.astimezone(dt.timezone.utc).replace(hour=_REMINDER_HOUR, minute=0, second=0, microsecond=0)
    while day <= now or day.weekday() >= _SATURDAY:
        day += dt.timedelta(days=1)
    return day


# --- letters of the outbox -------------------------------------------------------------------------------------------


def _has_letters(tx: Transaction) -> bool:
    return bool(tx.outbox.page(limit=1, kinds=_TOLD))


def _tell(ports: Ports, stop: _Stop) -> tuple[int, dt.datetime]:
    """Tell what happened, letter by letter; what cannot be told now is tried again a minute later."""
    told, after, unreachable, again = 0, 0, 0, False
    while not stop() and unreachable < _UNREACHABLE:
        with ports.store.read() as tx:
            letters = tx.outbox.page(after, 1, kinds=_TOLD)
        if not letters:
            break
        after = letters[0].number
        outcome = _told(ports, letters[0].event)
        if outcome is not _Told.OVER:
            again = True
            unreachable += outcome is _Told.AWAY
            continue
        with ports.store.write() as tx:
            tx.outbox.remove([after])
        told += 1
    now = ports.clock.now()
    return told, now + _TELL_AGAIN if again else now


def _still_aside(ports: Ports, event: OrdersAside) -> OrdersAside:
    """Return a letter without the orders that were deleted, or have expired, since it was written."""
    with ports.store.read() as tx:
        waiting = tuple(order for order in event.orders if _is_aside(tx, order.order_id))
    if not waiting:
        raise NotificationRefused(event.owner, "none of the orders is left")
    return attrs.evolve(event, orders=waiting)


def _is_aside(tx: Transaction, order_id: int) -> bool:
    try:
        return tx.orders.get(order_id).status in REMINDED
    except NotFound:
        return False


class _Told(enum.Enum):
    """What became of a letter: it is over, its receiver cannot be told now, or nobody can."""

    OVER = enum.auto()
    LATER = enum.auto()
    AWAY = enum.auto()


def _told(ports: Ports, event: Event) -> _Told:
    """Tell what happened."""
    try:
        _tell_one(ports, event)
    except NotifierUnavailable as failure:
        _log.warning("not told yet", exc_info=failure, extra={"action": "notifier_unavailable"})
        return _Told.AWAY if failure.receiver is None else _Told.LATER
    except StoreUnavailable:
        raise
    except Exception as failure:  # a letter that can never be told must not keep the others back
        extra = {"action": "notification_failed", "order_id": event.order_id}
        _log.warning("not told", exc_info=failure, extra=extra)
    return _Told.OVER


def _tell_one(ports: Ports, event: Event) -> None:
    if isinstance(event, OrdersAside):
        ports.notifier.orders_aside(_still_aside(ports, event))
    elif isinstance(event, DownloadsRefused):
        ports.notifier.downloads_refused(event)
    elif isinstance(event, FileOversized):
        ports.notifier.file_oversized(event)
    else:
        assert isinstance(event, OrderCreated)
        try:
            with ports.store.read() as tx:
                order = tx.orders.get(event.order_id)
        except NotFound:
            raise NotificationRefused(event.owner, f"order {event.order_id} is removed") from None
        ports.notifier.order_created(event, order)


# --- downloads that a quota kept back --------------------------------------------------------------------------------


def _has_refusals(tx: Transaction) -> bool:
    return bool(tx.outbox.page(limit=1, kinds=(DownloadsRefused,)))


def _report(ports: Ports, stop: _Stop) -> tuple[int, dt.datetime]:
    """Tell each user once of all that was refused; what is refused meanwhile is for the next report."""
    reports: dict[str, DownloadsRefused] = {}
    letters: dict[str, list[int]] = {}
    after = 0
    while True:
        with ports.store.read() as tx:
            page = tx.outbox.page(after, _PAGE, kinds=(DownloadsRefused,))
        for letter in page:
            event, after = letter.event, letter.number
            assert isinstance(event, DownloadsRefused)
            known = reports.get(event.owner)
            reports[event.owner] = event if known is None else known.joined(event)
            letters.setdefault(event.owner, []).append(after)
        if not page:
            break
    told, unreachable = 0, 0
    for owner, report in reports.items():
        if stop() or unreachable == _UNREACHABLE:
            break
        outcome = _told(ports, report)
        if outcome is not _Told.OVER:
            unreachable += outcome is _Told.AWAY
            continue
        with ports.store.write() as tx:
            tx.outbox.remove(letters[owner])
        told += 1
    return told, ports.clock.now() + _REPORT


_CHORES: Mapping[str, _Chore] = {
    "expire": _Chore(_expire),
    "remind": _Chore(_remind),
    "tell": _Chore(_tell, _has_letters),
    "report": _Chore(_report, _has_refusals, wakes=False),
}
