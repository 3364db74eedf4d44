"""Charge downloads, and look at quotas (docs/quota.md)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

import attrs

from regards_order.application.tenant_settings import current_settings
from regards_order.domain.basket import Basket, DatasetSelection
from regards_order.domain.errors import OrderTooExpensive, QuotaRefused, RateExceeded, StoreUnavailable
from regards_order.domain.events import REFUSALS_SHOWN, DownloadsRefused, RefusedDownload
from regards_order.domain.files import OrderFile
from regards_order.domain.order import Order
from regards_order.domain.principal import Role, User
from regards_order.domain.product import DataType
from regards_order.domain.quota import Consumption, QuotaLimits, counts
from regards_order.domain.selection import FileFilter
from regards_order.ports.bundle import Ports
from regards_order.ports.unit_of_work import Transaction

_log = logging.getLogger(__name__)
_TOGETHER_BYTES = 1024 * 1024
_TOGETHER_FILES = 100


@attrs.define
class Charge:
    """Hold one download that goes on; ending it, or giving it back, once more changes nothing."""

    _ports: Ports
    _email: str
    _lease_id: str | None

    def end(self) -> None:
        """Note that the download has ended, however it did: what it took stays taken."""
        self._over(self._ports.quotas.end)

    def give_back(self, units: int = 1) -> None:
        """Note that the download has ended and did not use so many units: they are given back."""
        self._over(lambda email, lease_id: self._ports.quotas.cancel(email, lease_id, units))

    def more(self, units: int) -> int:
        """Take up to *units* more, and return how many were taken."""
        return 0 if self._lease_id is None else self._ports.quotas.more(self._email, self._lease_id, units)

    def _over(self, note: Callable[[str, str], None]) -> None:
        if self._lease_id is not None:
            lease_id, self._lease_id = self._lease_id, None
            try:
                note(self._email, lease_id)
            except StoreUnavailable as failure:  # what was delivered is delivered, and the lease runs out by itself
                _log.warning("end of a download not noted", exc_info=failure, extra={"action": "quota_not_ended"})


def charge(ports: Ports, email: str, file: OrderFile) -> Charge:
    """Take one unit for a file whose content is about to begin; most kinds of files cost nothing.

    Raises:
        QuotaExceeded, RateExceeded: it may not begin.
    """
    if not _counts(file):
        return Charge(ports, email, None)
    lease_id = str(ports.unique_ids.unique())
    ports.quotas.start(email, lease_id, lambda: first_limits(ports))
    return Charge(ports, email, lease_id)


def _counts(file: OrderFile) -> bool:
    return counts(file.data_type, file.uri, reference=bool(file.reference))


@attrs.define
class Meter:
    """Charge the files of a ZIP, each when its content begins.

    To note each of many small files would take longer than to deliver them: those that follow each other and are no
    larger than 1 MiB in all take their units together, and what was not used of them is given back.
    """

    _ports: Ports
    _email: str
    _charge: Charge | None = attrs.field(default=None, init=False)
    _left: int = attrs.field(default=0, init=False)

    @contextmanager
    def charged(self, file: OrderFile, following: Iterable[OrderFile]) -> Iterator[None]:
        """Take one unit for a file, and hold its place among the downloads that go on until the block ends.

        Args:
            file: what is about to begin.
            following: what comes after it, in order.

        Raises:
            QuotaExceeded, RateExceeded: it may not begin.
        """
        if _counts(file):
            if self._charge is None:
                self._charge, self._left = charge(self._ports, self._email, file), 1
                if wanted := _together(file, following) - 1:
                    self._left += self._charge.more(wanted)
            self._left -= 1
        try:
            yield
        finally:
            if self._left == 0:
                self.end()

    def end(self) -> None:
        """Note that nothing more comes."""
        if self._charge is not None:
            if self._left:
                self._charge.give_back(self._left)
            self._charge.end()
            self._charge, self._left = None, 0


def _together(file: OrderFile, following: Iterable[OrderFile]) -> int:
    """Return how many files take their units with the first one."""
    units, size = 0, 0
    for each in chain((file,), following):
        size += _TOGETHER_BYTES + 1 if each.size is None else each.size
        if size > _TOGETHER_BYTES or units == _TOGETHER_FILES:
            break
        units += _counts(each)
    return max(1, units)


def refused(file: OrderFile, refusal: QuotaRefused) -> RefusedDownload:
    """Return what a user is told of a file that was kept back."""
    return RefusedDownload(file.filename, isinstance(refusal, RateExceeded))


def tell_refused(tx: Transaction, order: Order, email: str, files: Sequence[RefusedDownload]) -> None:
    """Write a letter about files of an order that were kept back from whoever wanted to download them."""
    if files:
        first = tuple(files[:REFUSALS_SHOWN])
        tx.outbox.add(
            DownloadsRefused(
                order_id=order.id,
                owner=email,
                correlation_id=order.correlation_id,
                first=first,
                total=len(files),
            )
        )


def first_limits(ports: Ports) -> QuotaLimits:
    """Return the limits of a user who is seen for the first time: those of the tenant, as they are now."""
    with ports.store.read() as tx:
        settings = current_settings(ports, tx)
    return QuotaLimits(settings.max_quota, settings.rate_limit)


def own_quota(ports: Ports, user: User) -> Consumption:
    """Return the user's limits and consumption; who is seen for the first time keeps these limits."""
    return ports.quotas.see(user.email, lambda: first_limits(ports))


def quota_of(ports: Ports, user: User, email: str) -> Consumption:
    """Return limits and consumption of anybody; one who was never seen has the first limits and consumed nothing.

    Raises:
        NotAllowed: the user is not PROJECT_ADMIN or above.
    """
    user.require(Role.PROJECT_ADMIN, f"read the quota of {email}")
    return look_at_quota(ports, email)


def look_at_quota(ports: Ports, email: str) -> Consumption:
    """Return limits and consumption of anybody, for whoever runs the service."""
    return ports.quotas.consumption(email) or Consumption(first_limits(ports))


def set_quota(ports: Ports, user: User, email: str, limits: QuotaLimits) -> Consumption:
    """Set the limits of anybody, for the next download; consumption stays.

    Raises:
        NotAllowed: the user is not PROJECT_ADMIN or above.
        InvalidInput: this can be nobody's e-mail.
    """
    user.require(Role.PROJECT_ADMIN, f"set the quota of {email}")
    ports.quotas.set_limits(User(email).email, limits)
    return look_at_quota(ports, email)


def limit_user(ports: Ports, email: str, max_quota: int | None, rate_limit: int | None) -> None:
    """Set limits of anybody, for whoever runs the service; None leaves one as it is.

    Raises:
        InvalidInput: a limit is below -1, or this can be nobody's e-mail.
    """
    limits = look_at_quota(ports, email).limits
    ports.quotas.set_limits(
        User(email).email,
        QuotaLimits(
            limits.max_quota if max_quota is None else max_quota,
            limits.rate_limit if rate_limit is None else rate_limit,
        ),
    )


def default_quota(ports: Ports, user: User) -> QuotaLimits:
    """Return the limits of users who are seen for the first time.

    Raises:
        NotAllowed: the user is not ADMIN or above.
    """
    user.require(Role.ADMIN, "read the default quota")
    return first_limits(ports)


def order_cost(basket: Basket) -> int:
    """Return how many files of a basket take from the quota of whoever downloads them.

    A selection whose filter keeps RAWDATA out costs nothing.  One that filters by file names costs 1 at most: what it
    will find is not known before the order is listed.
    """
    return sum(map(_selection_cost, basket.selections))


def _selection_cost(selection: DatasetSelection) -> int:
    wanted = selection.file_filter or FileFilter()
    if DataType.RAWDATA not in wanted.data_types:
        return 0
    cost = selection.counters.quota
    return cost if wanted.pattern is None else min(cost, 1)


def check_order_cost(ports: Ports, email: str, cost: int) -> None:
    """Refuse an order that needs more units than are left; nothing is reserved, and the rate does not matter.

    Args:
        ports: what to work with.
        email: who orders.
        cost: files of the order that count (`order_cost`).

    Raises:
        OrderTooExpensive: too few are left.
    """
    consumption = look_at_quota(ports, email)
    if consumption.shortfall(cost):
        raise OrderTooExpensive(email, consumption.limits.max_quota, consumption.consumed, cost)
