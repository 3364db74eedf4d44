"""Deliver the files of an order as one ZIP (docs/downloads.md).

A file counts as downloaded when the last byte of the whole archive has been handed over, and exactly the files that
were written then do.  No transaction is open while bytes flow.
"""

from __future__ import annotations

import logging
from array import array
from collections.abc import Iterator

import attrs

from regards_order.application.quota import Meter, refused, tell_refused
from regards_order.application.settle import settle
from regards_order.application.sources import open_source, read_verified
from regards_order.domain.archive import NOTICE, EntryNames, Failure, notice, zip_name
from regards_order.domain.errors import (
    DeliveryIncomplete,
    NothingToDownload,
    QuotaRefused,
    SourceFailed,
    SourceRefused,
    StorageUnavailable,
)
from regards_order.domain.events import RefusedDownload
from regards_order.domain.files import DELIVERABLE, FILES, FileEvent, Moved, OrderFile
from regards_order.domain.order import Order
from regards_order.domain.principal import User
from regards_order.domain.text import keepable
from regards_order.ports.archive import Archive
from regards_order.ports.bundle import Ports
from regards_order.ports.files import FileChoice
from regards_order.ports.sources import Source

_log = logging.getLogger(__name__)
_PAGE = 1000


def open_zip(ports: Ports, user: User, order_id: int) -> Delivery:
    """Return the ZIP of all files of an order that can be downloaded now.

    Raises:
        NotFound: the tenant has no such order.
        NotAllowed: it is somebody else's and the user is neither PROJECT_ADMIN nor INSTANCE_ADMIN.
        NothingToDownload: no file is available, saying what became of them.
    """
    with ports.store.read() as tx:
        order = tx.orders.get(order_id)
        user.require_reading(order.owner, f"download order {order_id}")
        upto = tx.files.last_id(order_id)
    counts = order.counts
    if counts.available + counts.download_error == 0 or upto == 0:
        files = f"{counts.pending} are awaited, {counts.downloaded} were downloaded, {counts.in_error} are in error"
        raise NothingToDownload(order_id, order.status.name, files if upto else "it has no files")
    now = ports.clock.now()
    return Delivery(ports, order, user.email, upto, ports.archives.start(now), zip_name(order_id, now))


@attrs.define
class Delivery:
    """Hold one ZIP on its way: iterate it to its end, hand every block over, then `confirm`.

    Attributes:
        name: file name of the archive.
        failures: files that could not be delivered so far.
        size: bytes of the contents delivered so far.
    """

    _ports: Ports
    _order: Order
    _email: str
    _upto: int
    _archive: Archive
    name: str
    failures: list[Failure] = attrs.field(factory=list, init=False)
    size: int = attrs.field(default=0, init=False)
    _delivered: array[int] = attrs.field(factory=lambda: array("q"), init=False)
    _written: set[tuple[str, str | None]] = attrs.field(factory=set, init=False)
    _names: EntryNames = attrs.field(factory=EntryNames, init=False)
    _meter: Meter = attrs.field(init=False)
    _refusals: list[RefusedDownload] = attrs.field(factory=list, init=False)
    _whole: bool = attrs.field(default=False, init=False)

    @_meter.default
    def _default_meter(self) -> Meter:
        return Meter(self._ports, self._email)

    @property
    def files(self) -> int:
        """Return how many files are delivered so far."""
        return len(self._delivered)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes of the archive; one source is open at a time, and closed when the reader goes away."""
        try:
            for file, following in self._pages():
                yield from self._entry(file, following)
        finally:
            self._meter.end()
        if self.failures:
            text = notice(self.failures).encode("utf-8", "replace")
            yield from self._archive.entry(self._names.take(NOTICE), len(text), (text,))
        yield from self._archive.finish()
        self._whole = True

    def confirm(self) -> Order:
        """Note that the whole archive was handed over, and return the order as it then is.

        Delivered files are DOWNLOADED, failed ones DOWNLOAD_ERROR; freed slots are noted for the next suborders.

        Raises:
            DeliveryIncomplete: the archive was not read to its end; nothing changes.
        """
        if not self._whole:
            raise DeliveryIncomplete(self._order.id)
        now = self._ports.clock.now()
        with self._ports.store.write() as tx:
            order = tx.orders.get(self._order.id, lock=True)
            choice = FileChoice(order_id=order.id, ids=self._delivered)
            moved: list[Moved] = list(tx.files.move(choice, FILES.moves(FileEvent.DELIVERED)))
            for cause, ids in self._failed_ids().items():
                choice = FileChoice(order_id=order.id, ids=ids)
                moved += tx.files.move(choice, FILES.moves(FileEvent.DELIVERY_FAILED), keepable(cause))
            tell_refused(tx, order, self._email, self._refusals)
            after = settle(tx, order, moved, now)
        self._refusals.clear()  # told: it may be confirmed again
        return after

    def _failed_ids(self) -> dict[str, list[int]]:
        failed: dict[str, list[int]] = {}
        for failure in self.failures:
            failed.setdefault(failure.cause, []).append(failure.file_id)
        return failed

    def _pages(self) -> Iterator[tuple[OrderFile, Iterator[OrderFile]]]:
        after = 0
        while True:
            with self._ports.store.read() as tx:
                page = tx.files.page(self._order.id, states=DELIVERABLE, after=after, upto=self._upto, limit=_PAGE)
            if not page:
                return
            for n, file in enumerate(page, 1):
                yield file, map(page.__getitem__, range(n, len(page)))
            after = page[-1].id

    def _entry(self, file: OrderFile, following: Iterator[OrderFile]) -> Iterator[bytes]:
        if (file.filename, file.checksum) in self._written or (file.filename, None) in self._written:
            self._delivered.append(file.id)
            return
        try:
            source = open_source(self._ports, file)
        except (SourceFailed, StorageUnavailable) as failure:
            self._fail(file, failure)
            return
        contents = _Contents(source, file)
        try:
            with self._meter.charged(file, following):
                size = file.size if source.size is None else source.size
                yield from self._archive.entry(self._names.take(file.filename), size, contents)
        except QuotaRefused as refusal:
            self._fail(file, refusal)
            return
        except SourceFailed as failure:
            contents.failure = failure
        finally:
            source.close()
        if contents.failure is not None:
            self._fail(file, contents.failure)
            return
        self.size += contents.sent
        self._written.add((file.filename, file.checksum))
        self._delivered.append(file.id)

    def _fail(self, file: OrderFile, failure: SourceFailed | StorageUnavailable | QuotaRefused) -> None:
        reason = SourceFailed().reason  # what a foreign server answers is no business of the user
        if isinstance(failure, QuotaRefused):
            reason = failure.message
            self._refusals.append(refused(file, failure))
        elif isinstance(failure, SourceFailed) and not (file.reference and isinstance(failure, SourceRefused)):
            reason = failure.reason
        self.failures.append(Failure(file.id, file.filename, reason, failure.message))
        _log.warning(
            "file not delivered",
            extra={"action": "file_failed", "order_id": file.order_id, "file_id": file.id, "cause": failure.message},
        )


@attrs.define
class _Contents:
    """Read one source to its end or to its failure, which it keeps: an archive goes on with the next file."""

    _source: Source
    _file: OrderFile
    sent: int = 0
    failure: SourceFailed | None = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in read_verified(self._source, self._file):
                self.sent += len(chunk)
                yield chunk
        except SourceFailed as failure:
            self.failure = failure
