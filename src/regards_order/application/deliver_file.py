"""Deliver one file of an order (docs/downloads.md).

It counts as downloaded when its last byte has been handed over; that it cannot be had is noted too.  A client that goes
away changes nothing.  No transaction is open while bytes flow.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import attrs

from regards_order.application.quota import Charge, charge, refused, tell_refused
from regards_order.application.settle import settle
from regards_order.application.sources import open_source, read_verified
from regards_order.domain.errors import (
    DeliveryIncomplete,
    FileInError,
    FileNotFound,
    FileNotReady,
    QuotaRefused,
    SourceFailed,
    SourceTruncated,
    StorageUnavailable,
)
from regards_order.domain.events import RefusedDownload
from regards_order.domain.files import FILES, FileEvent, FileState, OrderFile
from regards_order.domain.order import Order
from regards_order.domain.principal import User
from regards_order.domain.text import keepable
from regards_order.ports.bundle import Ports
from regards_order.ports.files import FileChoice
from regards_order.ports.sources import Source

_log = logging.getLogger(__name__)


def look_at_file(ports: Ports, user: User, file_id: int) -> OrderFile:
    """Return a file that can be downloaded; nothing is opened, and nothing changes.

    Raises:
        FileNotFound: the tenant has no such file.
        NotAllowed: its order is somebody else's and the user is neither PROJECT_ADMIN nor INSTANCE_ADMIN.
        FileNotReady: the storage has not answered for it yet.
        FileInError: the storage cannot make it available.
    """
    with ports.store.read() as tx:
        file = tx.listings.file(file_id)
        if file is None:
            raise FileNotFound(file_id)
        order = tx.orders.get(file.order_id)
    user.require_reading(order.owner, f"download file {file_id}")
    state = FileState(file.state)
    # files of an order that is still being listed may be erased and listed anew
    if state is FileState.PENDING or not order.listed:
        raise FileNotReady(file_id, file.filename)
    if not FILES.allows(state, FileEvent.DELIVERED):
        raise FileInError(file_id, file.filename, state.name, file.download_error or "no cause is known")
    return file


def open_file(ports: Ports, user: User, file_id: int) -> FileDelivery:
    """Return a file of an order on its way; one that cannot be opened is noted as DOWNLOAD_ERROR.

    Raises:
        FileNotFound, NotAllowed, FileNotReady, FileInError: as `look_at_file`.
        SourceFailed: its source refused it or cannot be read.
        StorageUnavailable: the storage cannot be reached.
        QuotaExceeded, RateExceeded: the user may not download it now.
    """
    file = look_at_file(ports, user, file_id)
    try:
        source = open_source(ports, file)
    except (SourceFailed, StorageUnavailable) as failure:
        _note(ports, file, FileEvent.DELIVERY_FAILED, failure.message)
        raise
    if source.size is not None and file.size is not None and source.size != file.size:
        sizes = {"recorded": file.size, "found": source.size}
        _log.warning("file has another size", extra={"action": "size_differs", "file_id": file.id, **sizes})
    try:
        going_on = charge(ports, user.email, file)
    except QuotaRefused as refusal:
        source.close()
        _note(ports, file, FileEvent.DELIVERY_FAILED, refusal.message, (user.email, refused(file, refusal)))
        raise
    except BaseException:
        source.close()
        raise
    return FileDelivery(ports, file, source, going_on)


@attrs.define
class FileDelivery:
    """Hold one file on its way: iterate it to its end, hand every block over, then `confirm`, and `close` in any case.

    Attributes:
        file: what is delivered.
        sent: bytes given out so far.
    """

    _ports: Ports
    file: OrderFile
    _source: Source
    _charge: Charge
    sent: int = attrs.field(default=0, init=False)
    _begun: bool = attrs.field(default=False, init=False)
    _whole: bool = attrs.field(default=False, init=False)

    @property
    def size(self) -> int | None:
        """Return the number of bytes that will come, as the source says; None when it does not."""
        return self._source.size

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes; the last block only after all were verified, so that a wrong file never arrives whole.

        Raises:
            SourceFailed: the file could not be had as it was recorded, which is noted.
        """
        held, self._begun = b"", True
        try:
            for chunk in read_verified(self._source, self.file):
                if held:
                    yield self._counted(held)
                held = chunk
            if self.size not in (None, self.sent + len(held)):
                raise SourceTruncated(self.sent + len(held), self.size or 0)
            self._source.close()
            if held:
                yield self._counted(held)
            self._whole = True  # read, but not handed over: until then it goes on
        except SourceFailed as failure:
            _note(self._ports, self.file, FileEvent.DELIVERY_FAILED, failure.message)
            raise
        finally:
            if not self._whole:
                self.close()

    def _counted(self, block: bytes) -> bytes:
        self.sent += len(block)
        return block

    def confirm(self) -> Order:
        """Note that the last byte was handed over, and return the order as it then is.

        Raises:
            DeliveryIncomplete: the file was not read to its end; nothing changes.
            NotFound: its order was removed meanwhile.
        """
        if not self._whole:
            raise DeliveryIncomplete(self.file.order_id)
        order = _note(self._ports, self.file, FileEvent.DELIVERED, None)
        self.close()
        return order

    def close(self) -> None:
        """Let go of the source, and of the place among the downloads that go on; closing twice is allowed.

        A file that nobody began to read costs nothing: it came too late for its client.
        """
        try:
            self._source.close()
        finally:
            if self._begun:
                self._charge.end()
            else:
                self._charge.give_back()


def _note(
    ports: Ports, file: OrderFile, event: FileEvent, cause: str | None, told: tuple[str, RefusedDownload] | None = None
) -> Order:
    now = ports.clock.now()
    with ports.store.write() as tx:
        order = tx.orders.get(file.order_id, lock=True)
        choice = FileChoice(order_id=order.id, ids=(file.id,))
        if told is not None:
            tell_refused(tx, order, told[0], told[1:])
        return settle(tx, order, tx.files.move(choice, FILES.moves(event), cause and keepable(cause)), now)
