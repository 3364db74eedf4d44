"""Work orders off: list their files, give out slots, ask the storage and take its answers (docs/orders.md).

Everything waits in the store, nothing in memory: any process may go on where another one stopped.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator

from regards_order.application.complete_order import complete_order
from regards_order.application.settle import settle
from regards_order.domain.errors import Conflict, StorageUnavailable
from regards_order.domain.files import FILES, FileEvent, Moved
from regards_order.domain.order import OrderStatus
from regards_order.domain.suborder import Suborder, SuborderState
from regards_order.ports.bundle import Ports
from regards_order.ports.files import FileChoice
from regards_order.ports.storage import Answer, StoredFile
from regards_order.ports.unit_of_work import Transaction

_log = logging.getLogger(__name__)
_BATCH = 100


def work(ports: Ports) -> int:
    """Do everything that can be done now and return how many steps that were; 0 means to wait for time or a user."""
    steps = 0
    while done := _complete(ports) + _schedule(ports) + _serve(ports):
        steps += done
    return steps


def _complete(ports: Ports) -> int:
    with ports.store.read() as tx:
        orders = tx.orders.page(statuses=(OrderStatus.PENDING,), limit=_BATCH)
    for order in orders:
        complete_order(ports, order.id)
    return len(orders)


def _schedule(ports: Ports) -> int:
    with ports.store.read() as tx:
        owners = tx.slots.freed(_BATCH)
    for owner in owners:
        schedule(ports, owner)
    return len(owners)


def _serve(ports: Ports) -> int:
    with ports.store.read() as tx:
        due = tx.suborders.due(ports.clock.now(), _BATCH)
    steps = 0
    for suborder in due:
        try:
            steps += ask(ports, suborder) if suborder.state is SuborderState.QUEUED else collect(ports, suborder)
        except Conflict:
            _log.info("suborder changed meanwhile", extra={"action": "suborder_skipped", "suborder_id": suborder.id})
    return steps


def schedule(ports: Ports, owner: str) -> int:
    """Give *owner*'s free slots to the suborders that come first, and return how many got one."""
    with ports.store.write() as tx:
        free = ports.settings.suborders_per_user - tx.slots.used(owner)
        chosen = tx.slots.candidates(owner, free) if free > 0 else ()
        for suborder in chosen:
            tx.suborders.save(suborder.queued())
        tx.slots.forget_freed(owner)
    return len(chosen)


def ask(ports: Ports, suborder: Suborder) -> int:
    """Ask the storage for the files of a QUEUED suborder; one that cannot be asked leaves them in error.

    Asked first and noted after: a crash in between asks once more, which is harmless.

    Raises:
        Conflict: somebody else was faster.
    """
    failure: StorageUnavailable | None = None
    try:
        for batch in _pending(ports, suborder):
            ports.storage.make_available(batch, suborder.hours)
    except StorageUnavailable as unavailable:
        failure = unavailable
        _log.warning("storage cannot be asked", exc_info=failure, extra={"action": "storage_failed"})
    now = ports.clock.now()
    silence = dt.timedelta(hours=ports.settings.storage_silence_hours)
    with ports.store.write() as tx:
        order = tx.orders.get(suborder.order_id, lock=True)
        tx.suborders.save(suborder.asked(now, silence))
        if failure is not None:
            choice = FileChoice(order_id=order.id, suborder_id=suborder.id)
            settle(tx, order, tx.files.move(choice, FILES.moves(FileEvent.UNANSWERED)), now)
    return 1


def collect(ports: Ports, suborder: Suborder) -> int:
    """Take the storage's answers for an ASKED suborder and return how many files they moved.

    Raises:
        Conflict: somebody else was faster.
    """
    now = ports.clock.now()
    try:
        answers = [answer for batch in _pending(ports, suborder) for answer in ports.storage.answers(batch)]
    except StorageUnavailable as failure:
        answers = []
        _log.warning("storage cannot be reached", exc_info=failure, extra={"action": "storage_failed"})
    with ports.store.write() as tx:
        order = tx.orders.get(suborder.order_id, lock=True)
        poll = now + dt.timedelta(seconds=ports.settings.storage_poll_seconds)
        suborder = tx.suborders.save(suborder.postponed(poll))
        moved = _apply(tx, suborder, answers)
        if suborder.deadline is not None and suborder.deadline <= now:
            choice = FileChoice(order_id=order.id, suborder_id=suborder.id)
            moved += tx.files.move(choice, FILES.moves(FileEvent.UNANSWERED))
        settle(tx, order, moved, now)
    return sum(move.files for move in moved)


def _apply(tx: Transaction, suborder: Suborder, answers: list[Answer]) -> list[Moved]:
    moved: list[Moved] = []
    for available, event in ((True, FileEvent.MADE_AVAILABLE), (False, FileEvent.REFUSED)):
        checksums = [answer.checksum for answer in answers if answer.available is available]
        if checksums:
            choice = FileChoice(order_id=suborder.order_id, suborder_id=suborder.id, checksums=checksums)
            moved += tx.files.move(choice, FILES.moves(event))
    return moved


def _pending(ports: Ports, suborder: Suborder) -> Iterator[list[StoredFile]]:
    """Yield the PENDING files of a suborder once for each checksum, in batches."""
    size = ports.settings.storage_batch
    seen: set[str] = set()
    after = 0
    while True:
        with ports.store.read() as tx:
            page = tx.files.unanswered(suborder.id, after=after, limit=size)
        if not page:
            return
        batch = []
        for file in page:
            checksum = file.checksum or file.uri
            if checksum not in seen:
                seen.add(checksum)
                batch.append(StoredFile(checksum, file.uri, bool(file.online)))
        if batch:
            yield batch
        after = page[-1].id
