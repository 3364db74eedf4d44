"""Work orders off: list their files, give out slots, ask the storage and take its answers (docs/orders.md).

Everything waits in the store, nothing in memory: any process may go on where another one stopped.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator, Sequence

from regards_order.application.complete_order import complete_claimed
from regards_order.application.settle import settle
from regards_order.domain.errors import Conflict, NotFound, StoreUnavailable
from regards_order.domain.files import FILES, FileEvent, Moved, OrderFile
from regards_order.domain.suborder import Suborder, SuborderState
from regards_order.domain.text import keepable
from regards_order.ports.bundle import Ports
from regards_order.ports.claims import Claim
from regards_order.ports.files import FileChoice
from regards_order.ports.storage import Answer, StoredFile
from regards_order.ports.unit_of_work import Transaction

_log = logging.getLogger(__name__)
_OWNERS = 100
_CLAIMS = 10
_PAGE = 1000
_LAST_CHANCE = dt.timedelta(minutes=15)
_SILENT = "The storage did not answer in time"


def work(ports: Ports, stop: Callable[[], bool] = bool) -> int:
    """Do everything that can be done for orders now and return how many steps that were.

    0 means to wait for time or a user; what is to be done regularly for a whole tenant is `chores.do_chores`.

    Args:
        ports: what to work with.
        stop: asked between steps; when it says True, what was claimed is given back.
    """
    steps = 0
    while done := complete(ports, stop) + serve(ports, stop):
        steps += done
    return steps


def complete(ports: Ports, stop: Callable[[], bool] = bool) -> int:
    """List the files of the PENDING order that waits longest, and return 1, or 0 when there is none."""
    if stop():
        return 0
    with ports.store.write() as tx:
        claimed = tx.claims.orders(1, ports.settings.lease_seconds)
    for order in claimed:
        complete_claimed(ports, order, stop)
    return len(claimed)


def serve(ports: Ports, stop: Callable[[], bool] = bool) -> int:
    """Give out freed slots and work on suborders that are due; return how many steps that were."""
    if stop():
        return 0
    with ports.store.read() as tx:
        owners = tx.slots.freed(_OWNERS)
    for owner in owners:
        try:
            schedule(ports, owner)
        except Conflict:  # the note is still there, and looked at again
            _log.info("slots changed meanwhile", extra={"action": "slots_skipped", "owner": owner})
    with ports.store.write() as tx:
        due = tx.claims.suborders(ports.clock.now(), _CLAIMS, ports.settings.lease_seconds)
    return len(owners) + _work_on(ports, due, stop)


def _work_on(ports: Ports, due: Sequence[Suborder], stop: Callable[[], bool]) -> int:
    steps = 0
    claims = [Claim.of(suborder) for suborder in due]
    with ports.leases.hold(claims):
        for n, suborder in enumerate(due):
            if stop():
                with ports.store.write() as tx:
                    tx.claims.release(claims[n:])
                break
            try:
                steps += ask(ports, suborder) if suborder.state is SuborderState.QUEUED else collect(ports, suborder)
            except (Conflict, NotFound):
                with ports.store.write() as tx:
                    tx.claims.release(claims[n : n + 1])
                _log.info(
                    "suborder changed meanwhile", extra={"action": "suborder_skipped", "suborder_id": suborder.id}
                )
            except StoreUnavailable:
                raise
            except Exception as failure:  # the others go on; this one is taken up again when its lease is over
                extra = {"action": "suborder_failed", "suborder_id": suborder.id}
                _log.warning("suborder failed", exc_info=failure, extra=extra)
    return steps


def schedule(ports: Ports, owner: str) -> int:
    """Give *owner*'s free slots to the suborders that come first, and return how many got one.

    Raises:
        Conflict: one of these was paused or deleted meanwhile; nobody got a slot.
    """
    with ports.store.write() as tx:
        # struck off before the slots are counted: what is freed after the count is noted after it, and stays noted
        tx.slots.forget_freed(owner)
        free = ports.settings.suborders_per_user - tx.slots.used(owner)
        chosen = tx.slots.candidates(owner, free) if free > 0 else ()
        for suborder in sorted(chosen, key=lambda suborder: suborder.id):  # the order of all locks
            tx.suborders.save(suborder.queued())
    return len(chosen)


def ask(ports: Ports, suborder: Suborder) -> int:
    """Ask the storage for the files of a QUEUED suborder; one that cannot be asked leaves them in error.

    Asked first and noted after: a crash in between asks once more, which is harmless.

    Raises:
        Conflict: somebody else was faster.
    """
    failure: Exception | None = None
    for batch in _pending(ports, suborder):
        try:
            ports.storage.make_available([places[0] for places in batch], suborder.hours)
        except Exception as unavailable:  # whatever an adapter raises, the other suborders go on
            failure = unavailable
            _log.warning("storage cannot be asked", exc_info=failure, extra={"action": "storage_failed"})
            break
    now = ports.clock.now()
    silence = dt.timedelta(hours=ports.settings.storage_silence_hours)
    with ports.store.write() as tx:
        order = tx.orders.get(suborder.order_id, lock=True)
        tx.suborders.save(suborder.asked(now, silence))
        if failure is not None:
            choice = FileChoice(order_id=order.id, suborder_id=suborder.id)
            settle(tx, order, tx.files.move(choice, FILES.moves(FileEvent.UNANSWERED), keepable(str(failure))), now)
    return 1


def keep_answers(ports: Ports, suborder_id: int, answers: Sequence[Answer]) -> None:
    """Keep what a storage says by itself about the files of a suborder; the next look for answers applies it.

    What comes while the order is paused waits until it goes on.

    Raises:
        NotFound: there is no such suborder.
    """
    with ports.store.write() as tx:
        tx.answers.put(suborder_id, [_keepable(answer) for answer in answers])


def collect(ports: Ports, suborder: Suborder) -> int:
    """Take the storage's answers for an ASKED suborder and return how many files they moved.

    Answers are kept as they come, batch by batch, and then applied at once: whoever dies in between loses none.

    Raises:
        Conflict, NotFound: somebody else was faster.
    """
    now = ports.clock.now()
    asking = True
    if suborder.deadline is not None and suborder.deadline <= now:
        suborder, asking = _last_chance(ports, suborder, suborder.deadline, now)
    for batch in _pending(ports, suborder) if asking else ():
        try:
            answers = ports.storage.answers([place for places in batch for place in places])
            asked = {places[0].checksum for places in batch}
            known = [_keepable(answer) for answer in answers if answer.checksum in asked]
        except Exception as failure:  # whatever an adapter raises, the other suborders go on
            _log.warning("storage cannot be reached", exc_info=failure, extra={"action": "storage_failed"})
            break
        if known:
            with ports.store.write() as tx:
                if tx.suborders.get(suborder.id, lock=True).attempt != suborder.attempt:
                    raise Conflict("Suborder", suborder.id)
                tx.answers.put(suborder.id, known)
    return _apply_kept(ports, suborder, now)


def _keepable(answer: Answer) -> Answer:
    return answer._replace(cause=None if answer.cause is None else keepable(answer.cause))


def _last_chance(ports: Ports, suborder: Suborder, deadline: dt.datetime, now: dt.datetime) -> tuple[Suborder, bool]:
    """Note that the storage is asked once more after the deadline, and return whether it is.

    A worker that it never answers does not come back; the next one sees the note, and gives the files up.
    """
    if suborder.next_poll is not None and suborder.next_poll >= deadline + _LAST_CHANCE:
        return suborder, False
    with ports.store.write() as tx:
        return tx.suborders.save(suborder.postponed(now + _LAST_CHANCE)), True


def _apply_kept(ports: Ports, suborder: Suborder, now: dt.datetime) -> int:
    with ports.store.write() as tx:
        order = tx.orders.get(suborder.order_id, lock=True)
        poll = now + dt.timedelta(seconds=ports.settings.storage_poll_seconds)
        suborder = tx.suborders.save(suborder.postponed(poll))
        moved = _apply(tx, suborder, tx.answers.of(suborder.id))
        tx.answers.erase(suborder.id)
        if suborder.deadline is not None and suborder.deadline <= now:
            choice = FileChoice(order_id=order.id, suborder_id=suborder.id)
            moved += tx.files.move(choice, FILES.moves(FileEvent.UNANSWERED), _SILENT)
        settle(tx, order, moved, now)
    return sum(move.files for move in moved)


def _apply(tx: Transaction, suborder: Suborder, answers: Sequence[Answer]) -> list[Moved]:
    by_cause: dict[tuple[bool, str | None], list[str]] = {}
    for answer in answers:
        by_cause.setdefault((answer.available, answer.cause), []).append(answer.checksum)
    moved: list[Moved] = []
    for (available, cause), checksums in by_cause.items():
        event = FileEvent.MADE_AVAILABLE if available else FileEvent.REFUSED
        choice = FileChoice(order_id=suborder.order_id, suborder_id=suborder.id, checksums=checksums)
        moved += tx.files.move(choice, FILES.moves(event), None if available else cause)
    return moved


def _pending(ports: Ports, suborder: Suborder) -> Iterator[list[list[StoredFile]]]:
    """Yield the PENDING files of a suborder, at most so many checksums at once, each with all places where it lies."""
    places: dict[str, dict[str, StoredFile]] = {}
    after = 0
    while page := _page(ports, suborder, after):
        for file in page:
            checksum = file.checksum or file.uri
            place = StoredFile(checksum, file.uri, bool(file.online))
            places.setdefault(checksum, {}).setdefault(file.uri, place)
        after = page[-1].id
    waiting, size = [list(same.values()) for same in places.values()], ports.settings.storage_batch
    for start in range(0, len(waiting), size):
        yield waiting[start : start + size]


def _page(ports: Ports, suborder: Suborder, after: int) -> Sequence[OrderFile]:
    with ports.store.read() as tx:
        return tx.files.unanswered(suborder.id, after=after, limit=_PAGE)
