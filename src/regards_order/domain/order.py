"""Orders: their states, their label, and what their counts say (docs/states.md, docs/orders.md)."""

from __future__ import annotations

import datetime as dt
import enum

import attrs

from regards_order.domain.errors import InvalidInput, LabelTooLong
from regards_order.domain.files import FileCounts
from regards_order.domain.principal import Role
from regards_order.domain.product import PUBLIC
from regards_order.domain.selection import FileFilter, SelectionRequest
from regards_order.domain.states import Machine
from regards_order.domain.text import keepable, text_faults

LABEL_LIMIT = 50
MESSAGE_LIMIT = 255


class OrderStatus(enum.Enum):
    """Say how far an order has come."""

    PENDING = "PENDING"  #: created; its files are not listed yet
    RUNNING = "RUNNING"  #: not every file is treated
    PAUSED = "PAUSED"  #: its owner stopped it for a while
    DONE = "DONE"  #: every file could be had
    DONE_WITH_WARNING = "DONE_WITH_WARNING"  #: some files could not, or there was nothing to order
    FAILED = "FAILED"  #: its files could not be listed, or none could be had
    EXPIRED = "EXPIRED"  #: its time is over; files are erased
    DELETED = "DELETED"  #: its owner deleted it; files are erased
    ERROR = "ERROR"  #: a cancellation did not succeed

    __hash__ = object.__hash__


#: statuses in which more files may become available
GOING_ON = frozenset({OrderStatus.PENDING, OrderStatus.RUNNING, OrderStatus.PAUSED})
#: statuses in which an order that has not listed its files may be listed
LISTABLE = frozenset({OrderStatus.PENDING, OrderStatus.RUNNING})
#: statuses of an order that has come to its end by itself
ENDED = frozenset({OrderStatus.DONE, OrderStatus.DONE_WITH_WARNING, OrderStatus.FAILED})
#: statuses of an order whose files are erased
ERASED = frozenset({OrderStatus.EXPIRED, OrderStatus.DELETED})
#: statuses of an order whose user is reminded of files that wait
REMINDED = frozenset(
    {
        OrderStatus.RUNNING,
        OrderStatus.PAUSED,
        OrderStatus.DONE,
        OrderStatus.DONE_WITH_WARNING,
        OrderStatus.ERROR,
    }
)
#: statuses of an order that expires whatever it holds
EXPIRING = GOING_ON | {OrderStatus.ERROR}
#: statuses of an order that expires while files wait for download
EXPIRING_WITH_FILES = frozenset({OrderStatus.DONE, OrderStatus.DONE_WITH_WARNING})


class OrderEvent(enum.Enum):
    """Say what can happen to an order."""

    START = "START"  #: its files are listed and the storage is needed; one that is paused stays so
    FINISH = "FINISH"  #: every file is treated, none in error
    FINISH_WITH_WARNING = "FINISH_WITH_WARNING"  #: some files are in error, or there is nothing to order
    FAIL = "FAIL"  #: its files cannot be listed, or all are in error
    PAUSE = "PAUSE"  #: its owner stops it
    RESUME = "RESUME"  #: its owner lets it go on
    DELETE = "DELETE"  #: its owner gives up its files
    REMOVE = "REMOVE"  #: an administrator erases it
    RESTART = "RESTART"  #: its owner orders the same once more
    RETRY = "RETRY"  #: its owner asks again for the files in error
    EXPIRE = "EXPIRE"  #: its time is over
    CANCEL_FAILED = "CANCEL_FAILED"  #: it could not be cancelled

    __hash__ = object.__hash__


_S, _E = OrderStatus, OrderEvent
_UNTIL_DONE = {_E.FINISH: _S.DONE, _E.FINISH_WITH_WARNING: _S.DONE_WITH_WARNING, _E.FAIL: _S.FAILED}
_ENDING = {_E.EXPIRE: _S.EXPIRED, _E.CANCEL_FAILED: _S.ERROR}

ORDERS: Machine[OrderStatus, OrderEvent] = Machine(
    "Order",
    _S.PENDING,
    {
        _S.PENDING: {_E.START: _S.RUNNING, **_UNTIL_DONE, _E.PAUSE: _S.PAUSED, **_ENDING},
        # one that was paused and resumed before its files were listed starts while it is RUNNING
        _S.RUNNING: {_E.START: _S.RUNNING, **_UNTIL_DONE, _E.PAUSE: _S.PAUSED, **_ENDING},
        _S.PAUSED: {_E.START: _S.PAUSED, **_UNTIL_DONE, _E.RESUME: _S.RUNNING, _E.DELETE: _S.DELETED, **_ENDING},
        _S.DONE: {
            _E.FINISH_WITH_WARNING: _S.DONE_WITH_WARNING,
            _E.DELETE: _S.DELETED,
            _E.RESTART: _S.DONE,
            **_ENDING,
        },
        _S.DONE_WITH_WARNING: {
            _E.DELETE: _S.DELETED,
            _E.RESTART: _S.DONE_WITH_WARNING,
            _E.RETRY: _S.RUNNING,
            **_ENDING,
        },
        _S.FAILED: {
            _E.DELETE: _S.DELETED,
            _E.RESTART: _S.FAILED,
            _E.RETRY: _S.RUNNING,
            _E.CANCEL_FAILED: _S.ERROR,
        },
        _S.EXPIRED: {_E.DELETE: _S.DELETED, _E.CANCEL_FAILED: _S.ERROR},
        _S.DELETED: {_E.REMOVE: None},
        _S.ERROR: {_E.DELETE: _S.DELETED, **_ENDING},
    },
    {
        _E.PAUSE: "ORDER_MUST_BE_PENDING_OR_RUNNING",
        _E.RESUME: "ORDER_MUST_BE_PAUSED",
        _E.DELETE: "ORDER_MUST_BE_DONE_OR_DONE_WITH_WARNING_OR_PAUSED_OR_FAILED_OR_EXPIRED",
        _E.REMOVE: "ORDER_MUST_BE_DELETED",
        _E.RESTART: "ORDER_MUST_BE_DONE_OR_DONE_WITH_WARNING_OR_FAILED",
        _E.RETRY: "ORDER_MUST_BE_DONE_WITH_WARNING_OR_FAILED",
    },
)


@attrs.frozen(kw_only=True)
class DatasetTask:
    """Hold what an order took from one dataset.

    Attributes:
        id: names it in requests.
        dataset_urn: the dataset.
        dataset_label: its label.
        objects_count: products as the basket counted them.
        files_count: files really ordered, those of the dataset itself included.
        files_size: their known bytes.
        file_filter: which files were wanted.
        requests: what was asked in this dataset.
    """

    id: int
    dataset_urn: str
    dataset_label: str
    objects_count: int
    files_count: int
    files_size: int
    file_filter: FileFilter | None = None
    requests: tuple[SelectionRequest, ...] = ()


@attrs.frozen(kw_only=True)
class Contents:
    """Say what the completion of an order found.

    Attributes:
        tasks: one for each dataset from which something is ordered.
        internal_suborders: suborders that need the storage.
        external_suborders: suborders of external files.
        features: products found, before file filters.
    """

    tasks: tuple[DatasetTask, ...] = ()
    internal_suborders: int = 0
    external_suborders: int = 0
    features: int = 0


@attrs.frozen(kw_only=True)
class Order:
    """Hold one order; its files are rows of the store.

    Attributes:
        id: names it.
        owner: e-mail of who ordered.
        role: the owner's role when it was created; background work runs with it.
        groups: the owner's access groups when it was created.
        label: 1 to 50 characters, unique for the owner.
        correlation_id: the client's name for it, echoed in messages.
        created: when (UTC).
        status: how far it has come.
        status_date: since when (UTC).
        hours: how long its suborders stay available.
        expires: when its files are erased (UTC); before they are listed, when it is given up; None = never.
        listed: True when its files are listed, or never will be.
        message: why it failed or ended with a warning, at most 255 characters.
        frontend_url: page of the front end to show it.
        counts: its files by state.
        waiting_suborders: suborders that wait for their user.
        available_since: when the number of available files changed last (UTC).
        contents: what completion found.
        version: grows with every transition.
        attempt: grows whenever a worker claims it (docs/orders.md).
    """

    id: int
    owner: str
    role: Role = Role.REGISTERED_USER
    groups: frozenset[str] = PUBLIC
    label: str
    correlation_id: str
    created: dt.datetime
    status: OrderStatus = OrderStatus.PENDING
    status_date: dt.datetime
    hours: int
    expires: dt.datetime | None = None
    listed: bool = False
    message: str | None = None
    frontend_url: str | None = None
    counts: FileCounts = FileCounts()
    waiting_suborders: int = 0
    available_since: dt.datetime | None = None
    contents: Contents = Contents()
    version: int = 1
    attempt: int = 0

    @property
    def percent(self) -> int:
        """Return the share of bytes that are treated, 0 to 100."""
        return self.counts.percent if self.counts.total else 0

    @property
    def suborders(self) -> int:
        """Return the number of suborders, external ones included."""
        return self.contents.internal_suborders + self.contents.external_suborders

    @property
    def waiting_for_user(self) -> bool:
        """Return whether nothing goes on before its user downloads something."""
        only_external = self.contents.internal_suborders == 0 and self.counts.available > 0
        return self.status not in ERASED and (self.waiting_suborders > 0 or only_external)

    @property
    def available(self) -> int:
        """Return the number of files that can be downloaded and were not yet; an EXPIRED order has none any more."""
        return 0 if self.status is OrderStatus.EXPIRED else self.counts.available

    def is_over(self, now: dt.datetime) -> bool:
        """Return whether its time is over; one that has ended by itself goes only if files would be lost by it."""
        if self.expires is None or self.expires >= now:
            return False
        return self.status in EXPIRING or (self.status in EXPIRING_WITH_FILES and self.counts.available > 0)

    def completed(self, contents: Contents, now: dt.datetime, expires: dt.datetime) -> Order:
        """Return it with its files listed: RUNNING, PAUSED, or already at its end (docs/orders.md has the table).

        Raises:
            IllegalTransition: it has ended, or its files are erased.
        """
        event, message = OrderEvent.START, None
        if not contents.tasks:
            event = OrderEvent.FINISH_WITH_WARNING
            message = "No file match filters."
            if contents.features == 0:
                message = "It seems that the queried features do not exist anymore."
        elif contents.internal_suborders == 0:
            event = OrderEvent.FINISH
        order = self._after(event, now)
        return attrs.evolve(order, message=message, expires=expires, contents=contents, listed=True)

    def failed(self, message: str, now: dt.datetime, expires: dt.datetime | None = None) -> Order:
        """Return it FAILED, with the cause for its user.

        Raises:
            IllegalTransition: it has ended already.
        """
        order = self._after(OrderEvent.FAIL, now)
        return attrs.evolve(order, message=_shown(message), expires=expires or self.expires, listed=True)

    def paused(self, now: dt.datetime) -> Order:
        """Return it PAUSED.

        Raises:
            IllegalTransition: it is neither PENDING nor RUNNING.
        """
        return self._after(OrderEvent.PAUSE, now)

    def resumed(self, now: dt.datetime) -> Order:
        """Return it RUNNING again.

        Raises:
            IllegalTransition: it is not PAUSED.
        """
        return self._after(OrderEvent.RESUME, now)

    def deleted(self, now: dt.datetime) -> Order:
        """Return it DELETED; the time of one whose files were never listed was not known to anybody.

        Raises:
            IllegalTransition: it goes on, or is DELETED already.
        """
        expires = self.expires if self.listed else None
        return attrs.evolve(self._after(OrderEvent.DELETE, now), listed=True, expires=expires)

    def expired(self, now: dt.datetime) -> Order:
        """Return it EXPIRED.

        Raises:
            IllegalTransition: an order in its status does not expire.
        """
        return attrs.evolve(self._after(OrderEvent.EXPIRE, now), listed=True)

    def retried(self, now: dt.datetime, expires: dt.datetime, internal: int, external: int) -> Order:
        """Return it RUNNING again, with so many more suborders of both kinds.

        Raises:
            IllegalTransition: it is neither DONE_WITH_WARNING nor FAILED.
        """
        contents = attrs.evolve(
            self.contents,
            internal_suborders=self.contents.internal_suborders + internal,
            external_suborders=self.contents.external_suborders + external,
        )
        order = self._after(OrderEvent.RETRY, now)
        return attrs.evolve(order, expires=expires, contents=contents, message=None)

    def not_cancelled(self, message: str, now: dt.datetime) -> Order:
        """Return it in ERROR: a service wanted to cancel it, and could not.

        Raises:
            IllegalTransition: it is in ERROR or DELETED already.
        """
        return attrs.evolve(self._after(OrderEvent.CANCEL_FAILED, now), message=_shown(message))

    def settled(self, now: dt.datetime) -> Order:
        """Return it in the next status that its counts call for; the same object when nothing changes.

        An order with failed downloads that comes to its end is DONE first, and may be settled once more.
        """
        if not self.listed:
            return self
        if self.status in (OrderStatus.RUNNING, OrderStatus.PAUSED) and self.counts.pending == 0:
            if self.counts.in_error == 0:
                return self._after(OrderEvent.FINISH, now)
            all_failed = self.counts.in_error == self.counts.total
            return self._after(OrderEvent.FAIL if all_failed else OrderEvent.FINISH_WITH_WARNING, now)
        if self.status is OrderStatus.DONE and self.counts.download_error and not self.waiting_for_user:
            return self._after(OrderEvent.FINISH_WITH_WARNING, now)
        return self

    def _after(self, event: OrderEvent, now: dt.datetime) -> Order:
        return attrs.evolve(self, status=ORDERS.next(self.id, self.status, event), status_date=now)


def _shown(message: str) -> str:
    return keepable(message)[:MESSAGE_LIMIT]


def check_label(label: str) -> str:
    """Return *label* if an order may bear it.

    Raises:
        LabelTooLong: it has more than 50 characters.
        InvalidInput: it holds control characters or line ends.
    """
    if len(label) > LABEL_LIMIT:
        raise LabelTooLong(label, len(label), LABEL_LIMIT)
    if faults := tuple(text_faults("$.label", label, limit=LABEL_LIMIT, blank=True)):
        raise InvalidInput(faults)
    return label


def default_label(now: dt.datetime, attempt: int = 1) -> str:
    """Return the label of an order that was given none; *attempt* counts orders of the same second, from 1.

    >>> default_label(dt.datetime(2026, 3, 2, 9, 21, 50), 2)
    'Order of 2026/03/02 at 09:21:50 (2)'
    """
    return f"Order of {now:%Y/%m/%d} at {now:%H:%M:%S}" + (f" ({attempt})" if attempt > 1 else "")
