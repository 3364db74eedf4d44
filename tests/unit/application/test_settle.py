"""What moved files carry on: counts, states, slots and events, in one transaction."""

from __future__ import annotations

import datetime as dt

import attrs
import pytest

from regards_order import FileState, OrderStatus
from regards_order.application.settle import settle
from regards_order.domain.events import OrderEnded, SuborderDone
from regards_order.domain.files import FILES, FileEvent
from regards_order.domain.suborder import SuborderState
from regards_order.ports.files import FileChoice

LATER = dt.datetime(2026, 3, 2, 10, tzinfo=dt.timezone.utc)


@pytest.fixture
def asked(twelve):
    """Return the 12-file centre and its order, both suborders ASKED and unanswered."""
    order = twelve.place(correlation_id="c")
    twelve.ordering.complete_order(order.id)
    with twelve.ordering.store.write() as tx:
        for suborder in tx.suborders.of_order(order.id):
            suborder = tx.suborders.save(suborder.queued())
            tx.suborders.save(suborder.asked(order.created, dt.timedelta(hours=2)))
        tx.slots.forget_freed(order.owner)
        tx.outbox.remove([letter.number for letter in tx.outbox.page()])
    return twelve, order


def move(centre, order, event: FileEvent, *suborders: int):
    """Let an event happen to all files of some suborders, by their place, and settle."""
    with centre.ordering.store.write() as tx:
        found = tx.orders.get(order.id, lock=True)
        moved = []
        for place in suborders:
            choice = FileChoice(order_id=order.id, suborder_id=tx.suborders.of_order(order.id)[place].id)
            moved += tx.files.move(choice, FILES.moves(event))
        return settle(tx, found, moved, LATER)


def freed(centre) -> list[str]:
    """Return the owners with a slot to give out."""
    with centre.ordering.store.read() as tx:
        return list(tx.slots.freed(10))


def test_nothing_moved(asked) -> None:
    """Without moves nothing changes and nothing is told."""
    centre, order = asked
    before = centre.read(order)
    with centre.ordering.store.write() as tx:
        assert settle(tx, before, [], LATER) == before
    assert (centre.events(), freed(centre)) == ([], [])


def test_first_suborder_answered(asked) -> None:
    """A suborder with files to download waits, keeps its slot and is told; the order goes on."""
    centre, order = asked
    settled = move(centre, order, FileEvent.MADE_AVAILABLE, 0)
    [first, second] = centre.suborders(order)
    assert (first.state, second.state) == (SuborderState.WAITING, SuborderState.ASKED)
    assert (settled.status, settled.waiting_suborders) == (OrderStatus.RUNNING, 1)
    assert (settled.counts.available, settled.available_since) == (first.counts.total, LATER)
    assert [type(event) for event in centre.events()] == [SuborderDone]
    assert freed(centre) == []
    assert settled == centre.read(order)


def test_suborder_refused(asked) -> None:
    """A suborder all in error ends, frees its slot and has nothing to tell; available files are as before."""
    centre, order = asked
    settled = move(centre, order, FileEvent.REFUSED, 0)
    assert centre.suborders(order)[0].state is SuborderState.ENDED
    assert (settled.status, settled.waiting_suborders) == (OrderStatus.RUNNING, 0)
    assert settled.available_since is None
    assert (centre.events(), freed(centre)) == ([], [order.owner])


def test_several_suborders_at_once(asked) -> None:
    """Suborders that end together are told by id, before the end of their order."""
    centre, order = asked
    settled = move(centre, order, FileEvent.MADE_AVAILABLE, 1, 0)
    about = {"order_id": order.id, "owner": order.owner, "correlation_id": "c"}
    assert centre.events() == [
        *(SuborderDone(**about, suborder_id=each.id, errors=0, total_suborders=2) for each in centre.suborders(order)),
        OrderEnded(**about, status=OrderStatus.DONE, message=None),
    ]
    assert (settled.status, settled.status_date, settled.waiting_suborders) == (OrderStatus.DONE, LATER, 2)


def test_download_of_one_suborder(asked) -> None:
    """A downloaded suborder waits no more and frees its slot; nothing is told, percent and status stay."""
    centre, order = asked
    move(centre, order, FileEvent.MADE_AVAILABLE, 0, 1)
    told = centre.events()
    settled = move(centre, order, FileEvent.DELIVERED, 0)
    assert (settled.status, settled.percent, settled.waiting_suborders) == (OrderStatus.DONE, 100, 1)
    assert (centre.suborders(order)[0].state, freed(centre)) == (SuborderState.ENDED, [order.owner])
    assert centre.events() == told


def test_download_errors_after_the_end(asked) -> None:
    """A DONE order with failed downloads gets its warning when it waits no more, without an event (20, 8.4)."""
    centre, order = asked
    move(centre, order, FileEvent.MADE_AVAILABLE, 0, 1)
    told = centre.events()
    assert move(centre, order, FileEvent.DELIVERY_FAILED, 0).status is OrderStatus.DONE
    settled = move(centre, order, FileEvent.DELIVERED, 1)
    assert (settled.status, settled.counts.in_error) == (OrderStatus.DONE_WITH_WARNING, 0)
    assert (settled.status_date, centre.read(order)) == (LATER, settled)
    assert centre.events() == told


def test_paused_order_still_ends(asked) -> None:
    """A PAUSED order whose last files are answered comes to its end."""
    centre, order = asked
    with centre.ordering.store.write() as tx:
        tx.orders.save(attrs.evolve(tx.orders.get(order.id), status=OrderStatus.PAUSED))
    assert move(centre, order, FileEvent.REFUSED, 0, 1).status is OrderStatus.FAILED


def test_end_with_failed_downloads_before_it(asked) -> None:
    """An order that ends with failed downloads and waits for nobody is told DONE, and has its warning at once."""
    centre, order = asked
    move(centre, order, FileEvent.MADE_AVAILABLE, 0)
    move(centre, order, FileEvent.DELIVERY_FAILED, 0)
    with centre.ordering.store.write() as tx:
        tx.suborders.save(attrs.evolve(tx.suborders.of_order(order.id)[1], state=SuborderState.ABORTED))
    settled = move(centre, order, FileEvent.MADE_AVAILABLE, 1)
    assert (settled.status, settled.percent) == (OrderStatus.DONE_WITH_WARNING, 100)
    assert centre.read(order) == settled
    [_, ended] = centre.events()
    assert (type(ended), ended.status) == (OrderEnded, OrderStatus.DONE)


def test_error_after_available(asked) -> None:
    """A refusal turns AVAILABLE files into errors while others are PENDING; the counts follow (page 05)."""
    centre, order = asked
    with centre.ordering.store.write() as tx:
        found = tx.orders.get(order.id, lock=True)
        file = tx.files.page(order.id, limit=1)[0]
        for event in (FileEvent.MADE_AVAILABLE, FileEvent.REFUSED):
            moved = tx.files.move(FileChoice(order_id=order.id, ids=[file.id]), FILES.moves(event))
            settle(tx, found, moved, LATER)
    counts = centre.read(order).counts
    assert (counts.pending, counts.available, counts.error) == (11, 0, 1)
    assert centre.suborders(order)[0].counts.error == 1
    assert centre.files(order)[0].state == FileState.ERROR.value
    assert centre.events() == []
