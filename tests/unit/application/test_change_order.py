"""Pause, resume, delete, remove and cancel: who may, when, and what becomes of the files."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable

import attrs
import pytest

from regards_order import IllegalTransition, NotAllowed, NotFound, NotManager, Order, OrderStatus, Role, User
from regards_order.domain.basket import BasketOwner
from regards_order.domain.errors import StoreUnavailable
from regards_order.domain.files import FileCounts
from regards_order.domain.order import OrderEvent
from regards_order.domain.suborder import SuborderState
from regards_order.ports.claims import Claim, Claimed
from regards_order.ports.storage import Answer
from regards_order.testing import MemoryStorage

LISE, MAX = User("lise@obs.example"), User("max@obs.example")
ADMIN, CHIEF = User("adm@obs.example", Role.ADMIN), User("chief@obs.example", Role.INSTANCE_ADMIN)
SERVICE = User("rs-catalog", Role.INSTANCE_ADMIN, service=True)

#: what users do → in which statuses it is possible, and the code word of the refusal (page 20, 4.1; page 05 for ERROR)
DEEDS = {
    "pause": ("PENDING RUNNING", "ORDER_MUST_BE_PENDING_OR_RUNNING"),
    "resume": ("PAUSED", "ORDER_MUST_BE_PAUSED"),
    "delete": (
        "PAUSED DONE DONE_WITH_WARNING FAILED EXPIRED ERROR",
        "ORDER_MUST_BE_DONE_OR_DONE_WITH_WARNING_OR_PAUSED_OR_FAILED_OR_EXPIRED",
    ),
    "remove": ("DELETED", "ORDER_MUST_BE_DELETED"),
    "restart": ("DONE DONE_WITH_WARNING FAILED", "ORDER_MUST_BE_DONE_OR_DONE_WITH_WARNING_OR_FAILED"),
    "retry": ("DONE_WITH_WARNING FAILED", "ORDER_MUST_BE_DONE_WITH_WARNING_OR_FAILED"),
}


def do(centre, deed: str, user: User, order_id: int) -> object:
    """Let a user do something to an order."""
    return getattr(centre.ordering, f"{deed}_order")(user, order_id)


def manager(deed: str) -> User:
    """Return somebody who may do it to Lise's orders."""
    return CHIEF if deed == "remove" else LISE


def states(centre, order: Order) -> list[str]:
    """Return the states of an order's suborders."""
    return [suborder.state.name for suborder in centre.suborders(order)]


def freed(centre) -> list[str]:
    """Return the owners whose slots are to be looked at."""
    with centre.ordering.store.read() as tx:
        return list(tx.slots.freed(9))


class Everything(set):
    """The set of all checksums."""

    def __contains__(self, checksum: object) -> bool:
        return True


class Meddled(MemoryStorage):
    """A storage in which somebody acts while it is asked, or while it answers; once."""

    def __init__(self, contents, method: str, deed: Callable[[], object]) -> None:
        super().__init__(contents)
        self._method, self._deed = method, deed

    def make_available(self, files, hours) -> None:
        super().make_available(files, hours)
        self._meddle("make_available")

    def answers(self, files):
        found = super().answers(files)
        self._meddle("answers")
        return found

    def _meddle(self, method: str) -> None:
        if method == self._method:
            self._method = "none"
            self._deed()


# --- who and when ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("user", [MAX, LISE, CHIEF])
@pytest.mark.parametrize("deed", DEEDS)
def test_unknown_orders_are_not_found(centre, deed: str, user: User) -> None:
    """Whoever asks: first of all the order must exist."""
    for order_id in (404, 0, -12):
        with pytest.raises(NotFound, match=f"with id : {order_id} doesn't exist"):
            do(centre, deed, user, order_id)


@pytest.mark.parametrize("status", OrderStatus)
@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize(
    "user", [MAX, User("ex@obs.example", Role.EXPLOIT), User(LISE.email, service=True)], ids=lambda user: user.role.name
)
def test_strangers_are_refused_whatever_the_status(twelve, deed: str, status: OrderStatus, user: User) -> None:
    """Neither owner nor ADMIN: refused before the status is looked at (case 30)."""
    if deed == "remove" and user.service:
        return  # another service may call what needs a role
    order = twelve.force(twelve.place(), status=status)
    with pytest.raises(NotAllowed if deed == "remove" else NotManager) as caught:
        do(twelve, deed, user, order.id)
    assert caught.value.code == ("NOT_ALLOWED" if deed == "remove" else "USER_NOT_ALLOWED_TO_MANAGE_ORDER")
    assert twelve.read(order) == order


@pytest.mark.parametrize("user", [LISE, ADMIN])
@pytest.mark.parametrize("status", [OrderStatus.DELETED, OrderStatus.DONE])
def test_owners_and_lesser_administrators_remove_nothing(twelve, user: User, status: OrderStatus) -> None:
    """To erase an order for good needs PROJECT_ADMIN, whatever its status (page 05)."""
    order = twelve.force(twelve.place(), status=status)
    with pytest.raises(NotAllowed, match="it needs PROJECT_ADMIN"):
        twelve.ordering.remove_order(user, order.id)


@pytest.mark.parametrize("status", OrderStatus)
@pytest.mark.parametrize("deed", DEEDS)
def test_matrix(twelve, deed: str, status: OrderStatus) -> None:
    """What the status does not allow is refused with its code word, and changes nothing (cases 27, 28, 31 to 33)."""
    possible, code = DEEDS[deed]
    order = twelve.force(twelve.place(), status=status, listed=True)
    [events] = twelve.ordering.possible_events([order])
    assert (OrderEvent[deed.upper()] in events) is (status.name in possible.split())
    if status.name in possible.split():
        do(twelve, deed, manager(deed), order.id)
    else:
        with pytest.raises(IllegalTransition) as caught:
            do(twelve, deed, manager(deed), order.id)
        assert (caught.value.code, caught.value.state) == (code, status.name)
        assert twelve.read(order) == order


@pytest.mark.parametrize("user", [ADMIN, CHIEF, SERVICE])
def test_administrators_manage_what_others_ordered(twelve, user: User) -> None:
    """ADMIN and above pause, resume and delete it; it stays its owner's (case 30, W15)."""
    order = twelve.place()
    assert twelve.ordering.pause_order(user, order.id).owner == LISE.email
    twelve.ordering.resume_order(user, order.id)
    assert twelve.work(order).status is OrderStatus.DONE
    assert twelve.ordering.delete_order(user, order.id).status is OrderStatus.DELETED


@pytest.mark.parametrize(
    ("deed", "before", "rival", "code"),
    [
        ("pause", OrderStatus.RUNNING, "pause", "ORDER_MUST_BE_PENDING_OR_RUNNING"),
        ("resume", OrderStatus.PAUSED, "resume", "ORDER_MUST_BE_PAUSED"),
        ("resume", OrderStatus.PAUSED, "delete", "ORDER_MUST_BE_PAUSED"),
        ("delete", OrderStatus.PAUSED, "resume", DEEDS["delete"][1]),
        ("delete", OrderStatus.DONE, "delete", DEEDS["delete"][1]),
        ("restart", OrderStatus.DONE, "delete", DEEDS["restart"][1]),
        ("retry", OrderStatus.FAILED, "delete", DEEDS["retry"][1]),
    ],
)
def test_who_loses_a_race_is_refused(twelve, intrude, deed: str, before: OrderStatus, rival: str, code: str) -> None:
    """The refusal is the one that the order's new state gives, never a conflict (page 05)."""
    order = twelve.force(twelve.place(), status=before, listed=True)
    with pytest.raises(IllegalTransition) as caught:
        do(intrude(twelve, lambda: do(twelve, rival, LISE, order.id)), deed, LISE, order.id)
    assert caught.value.code == code


def test_who_is_late_for_a_removed_order_finds_none(twelve, intrude) -> None:
    """It does not exist any more."""
    order = twelve.force(twelve.place(), status=OrderStatus.DELETED)
    with pytest.raises(NotFound):
        intrude(twelve, lambda: do(twelve, "remove", CHIEF, order.id)).ordering.remove_order(CHIEF, order.id)


# --- pause and resume ------------------------------------------------------------------------------------------------


def test_pause_and_resume(make_twelve) -> None:
    """Suborders that are not answered stop and later go on; what is available stays so (case 29)."""
    centre = make_twelve(suborders_per_user=1)
    order = centre.work(centre.place())
    now = centre.ordering.clock.advance(minutes=1)
    paused = centre.ordering.pause_order(LISE, order.id)
    assert (paused.status, paused.status_date, paused.counts) == (OrderStatus.PAUSED, now, order.counts)
    assert (states(centre, order), centre.read(order)) == (["WAITING", "ABORTED"], paused)
    _, entries = centre.download(order)
    assert len(entries) == order.counts.available
    assert centre.work(order).status is OrderStatus.PAUSED
    assert states(centre, order) == ["ENDED", "ABORTED"]
    resumed = centre.ordering.resume_order(LISE, order.id)
    assert (resumed.status, states(centre, order)) == (OrderStatus.RUNNING, ["ENDED", "PENDING"])
    assert centre.work(order).status is OrderStatus.DONE


def test_a_paused_order_gives_its_slots_to_others(twelve) -> None:
    """What waited for the storage is aborted, and another order of the user starts at once."""
    twelve.storage.held = Everything()
    first, second = twelve.place(), twelve.place()
    twelve.ordering.work()
    assert (states(twelve, first), states(twelve, second)) == (["ASKED"] * 2, ["PENDING"] * 2)
    twelve.ordering.pause_order(LISE, first.id)
    assert freed(twelve) == [LISE.email]
    twelve.ordering.work()
    assert (states(twelve, first), states(twelve, second)) == (["ABORTED"] * 2, ["ASKED"] * 2)


def test_resumed_suborders_ask_only_for_what_is_missing(make_centre) -> None:
    """Files that are answered, or even downloaded, are not asked for again (W11)."""
    centre = make_centre()
    centre.product(centre.dataset("D"), "p", ("a", b"a"), ("b", b"b"))
    order = centre.place()
    centre.ordering.complete_order(order.id)
    by_name = {file.filename: file.checksum for file in centre.files(order)}
    centre.storage.held = {by_name["b"]}
    centre.work(order)
    centre.download(order)
    centre.ordering.pause_order(LISE, order.id)
    centre.storage.held.clear()
    centre.storage.asked.clear()
    centre.ordering.resume_order(LISE, order.id)
    centre.ordering.work()
    assert centre.storage.asked == [by_name["b"]]
    assert centre.states(order) == {"a": "DOWNLOADED", "b": "AVAILABLE"}


def test_pause_before_the_files_are_listed(twelve) -> None:
    """A PENDING order can wait, too; nobody lists it before it is resumed (cases 27, 28)."""
    order = twelve.place()
    twelve.ordering.pause_order(LISE, order.id)
    assert twelve.work(order).listed is False
    assert twelve.ordering.complete_order(order.id).status is OrderStatus.PAUSED
    resumed = twelve.ordering.resume_order(LISE, order.id)
    assert (resumed.status, resumed.listed) == (OrderStatus.RUNNING, False)
    done = twelve.work(order)
    assert (done.status, done.counts.available) == (OrderStatus.DONE, 12)


def test_an_order_is_effectively_paused_when_nobody_works_on_it(twelve) -> None:
    """While somebody lists its files or asks for them it cannot be resumed, and that is not offered."""
    orders = [twelve.place(), twelve.place()]
    with twelve.ordering.store.write() as tx:
        [claimed] = tx.claims.orders(9, 3600)
    held, free = (twelve.ordering.pause_order(LISE, order.id) for order in orders)
    assert claimed.id == held.id
    with pytest.raises(IllegalTransition, match="still being paused") as caught:
        twelve.ordering.resume_order(LISE, held.id)
    assert caught.value.code == "ORDER_MUST_BE_PAUSED"
    [of_held, of_free] = twelve.ordering.possible_events([held, free])
    assert of_free - of_held == {OrderEvent.RESUME}
    with twelve.ordering.store.write() as tx:
        tx.claims.release([Claim(Claimed.ORDER, held.id, 1)])
    assert twelve.ordering.resume_order(LISE, held.id).status is OrderStatus.RUNNING


def test_only_paused_orders_are_looked_at(centre) -> None:
    """What is possible with others does not depend on who works on them: the store is left alone."""
    assert list(centre.with_(store=None).ordering.possible_events([])) == []


def test_pause_while_a_suborder_is_being_asked(twelve) -> None:
    """Who asks writes nothing any more; until then the order cannot be resumed, afterwards it goes on."""
    order = twelve.place()
    refused: list[str] = []

    def pause() -> None:
        twelve.ordering.pause_order(LISE, order.id)
        with pytest.raises(IllegalTransition) as caught:
            twelve.ordering.resume_order(LISE, order.id)
        refused.append(caught.value.code)

    centre = twelve.with_(storage=Meddled(twelve.storage.contents, "make_available", pause))
    paused = centre.work(order)
    assert (paused.status, refused) == (OrderStatus.PAUSED, ["ORDER_MUST_BE_PAUSED"])
    assert (states(centre, order), paused.counts.pending) == (["ABORTED"] * 2, 12)
    centre.ordering.resume_order(LISE, order.id)
    assert centre.work(order).status is OrderStatus.DONE


def test_answers_that_come_while_it_is_paused_are_kept(twelve) -> None:
    """What the worker still hears, and what the storage says by itself, is applied when the order goes on (page 05)."""
    order = twelve.place()
    twelve.ordering.complete_order(order.id)
    pause = Meddled(twelve.storage.contents, "answers", lambda: twelve.ordering.pause_order(LISE, order.id))
    centre = twelve.with_(storage=pause)
    assert centre.work(order).counts.pending == 12
    first, second = centre.suborders(order)
    files = centre.files(order)
    theirs = {file.checksum for file in files if file.suborder_id == second.id}
    with centre.ordering.store.read() as tx:
        heard = {answer.checksum for each in (first, second) for answer in tx.answers.of(each.id)}
    assert heard == {file.checksum for file in files}
    centre.ordering.keep_answers(second.id, [Answer(checksum, False, "lost") for checksum in theirs])
    assert centre.later(order).counts.pending == 12
    centre.storage.held = Everything()
    centre.ordering.resume_order(LISE, order.id)
    ended = centre.later(order)
    counts = FileCounts(available=first.counts.total, error=second.counts.total, bytes_known=3_000_171)
    assert (ended.status, ended.counts) == (OrderStatus.DONE_WITH_WARNING, counts)
    assert {file.download_error for file in centre.files(order) if file.suborder_id == second.id} == {"lost"}


# --- delete and remove -----------------------------------------------------------------------------------------------


def test_delete(twelve) -> None:
    """Files and suborders are erased and slots given back; counts, percent, label and snapshot stay (9.5)."""
    order = twelve.work(twelve.place(label="mine"))
    told = twelve.events()
    now = twelve.ordering.clock.advance(minutes=1)
    assert order.waiting_suborders == 2
    deleted = twelve.ordering.delete_order(LISE, order.id)
    expected = attrs.evolve(
        order, status=OrderStatus.DELETED, status_date=now, version=deleted.version, waiting_suborders=0
    )
    assert deleted == twelve.read(order) == expected
    assert (deleted.waiting_for_user, deleted.percent) == (False, 100)
    assert (twelve.files(order), twelve.suborders(order), freed(twelve)) == ([], [], [LISE.email])
    assert twelve.events() == told
    with twelve.ordering.store.read() as tx:
        assert tx.baskets.get(BasketOwner.order(order.id)) is not None
        assert tx.orders.label_taken(LISE.email, "mine")


def test_a_deleted_order_lets_the_next_one_start(twelve) -> None:
    """Its suborders that waited for download hold no slot any more."""
    first, second = twelve.place(), twelve.place()
    twelve.ordering.work()
    assert states(twelve, second) == ["PENDING"] * 2
    twelve.ordering.delete_order(LISE, first.id)
    assert twelve.work(second).status is OrderStatus.DONE


@pytest.mark.parametrize("method", ["make_available", "answers"])
@pytest.mark.parametrize("end", ["delete", "remove", "cancel", "expire"])
def test_delete_while_the_storage_answers(twelve, method: str, end: str) -> None:
    """Whoever waits for the storage then finds nothing to write to (W27); others go on."""
    order, other = twelve.place(), twelve.place(MAX)

    def meddle() -> None:
        if end == "cancel":
            twelve.ordering.cancel_order(order.id)
        elif end == "expire":
            twelve.force(order, expires=twelve.ordering.clock.now() - dt.timedelta(seconds=1))
            twelve.ordering.do_chores()
        else:
            twelve.ordering.pause_order(LISE, order.id)
            twelve.ordering.delete_order(LISE, order.id)
        if end == "remove":
            twelve.ordering.remove_order(CHIEF, order.id)

    centre = twelve.with_(storage=Meddled(twelve.storage.contents, method, meddle))
    assert centre.work(other).status is OrderStatus.DONE
    assert (centre.files(order), centre.suborders(order)) == ([], [])
    if end == "remove":
        with pytest.raises(NotFound):
            centre.read(order)
    else:
        ended = centre.read(order)
        assert ended.status is (OrderStatus.EXPIRED if end == "expire" else OrderStatus.DELETED)
        assert ended.waiting_suborders == 0
    assert "OrderEnded" not in [type(event).__name__ for event in centre.events() if event.order_id == order.id]


def test_delete_while_a_zip_is_on_its_way(twelve) -> None:
    """The archive goes on to its end, but there is nothing left to count."""
    order = twelve.work(twelve.place())
    delivery = twelve.ordering.open_zip(LISE, order.id)
    chunks = iter(delivery)
    next(chunks)
    deleted = twelve.ordering.delete_order(LISE, order.id)
    for _ in chunks:
        pass
    delivery.confirm()
    assert twelve.read(order) == deleted


@pytest.mark.parametrize("user", [CHIEF, User("p@obs.example", Role.PROJECT_ADMIN), SERVICE])
def test_remove(twelve, user: User) -> None:
    """The order and its snapshot are gone, its label is free again, and it is found no more (case 32, 9.6)."""
    order = twelve.work(twelve.place(label="mine"))
    twelve.ordering.delete_order(LISE, order.id)
    assert twelve.ordering.remove_order(user, order.id) is None
    with pytest.raises(NotFound):
        twelve.ordering.get_order(LISE, order.id)
    with twelve.ordering.store.read() as tx:
        assert tx.baskets.get(BasketOwner.order(order.id)) is None
        assert not tx.orders.label_taken(LISE.email, "mine")
    assert twelve.place(label="mine").id != order.id


# --- cancel ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", OrderStatus)
def test_cancel_from_every_status(twelve, status: OrderStatus) -> None:
    """Whatever becomes of it otherwise, it is DELETED then, and has no files (case 35, 9.7, W13)."""
    order = twelve.force(twelve.work(twelve.place()), status=status)
    twelve.ordering.cancel_order(order.id)
    cancelled = twelve.read(order)
    assert cancelled.status is OrderStatus.DELETED
    if status is OrderStatus.DELETED:
        assert cancelled == order
    else:
        assert (twelve.files(order), twelve.suborders(order)) == ([], [])
        assert cancelled.message == order.message


def test_cancel_of_what_runs(twelve) -> None:
    """An order that waits for the storage, or is not listed, is cancelled at once, even while somebody holds it."""
    twelve.storage.held = Everything()
    running, pending = twelve.place(), twelve.place()
    twelve.ordering.complete_order(running.id)
    twelve.ordering.serve()
    with twelve.ordering.store.write() as tx:
        assert len(tx.claims.orders(9, 3600)) == 1
    for order in (running, pending):
        twelve.ordering.cancel_order(order.id)
        assert (twelve.read(order).status, twelve.files(order)) == (OrderStatus.DELETED, [])
    assert twelve.later(running).status is OrderStatus.DELETED


def test_cancel_of_an_unknown_order(centre) -> None:
    """It is ignored."""
    assert centre.ordering.cancel_order(404) is None


class Failing:
    """A deed that raises an error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __call__(self) -> None:
        raise self.error


BOOM = Failing(RuntimeError("boom"))


@pytest.mark.parametrize("status", set(OrderStatus) - {OrderStatus.DELETED})
def test_cancel_that_fails_thrice(twelve, intrude, caplog, status: OrderStatus) -> None:
    """After three attempts the order is in ERROR, says why, and can still be deleted (W13, W29)."""
    order = twelve.force(twelve.work(twelve.place()), status=status)
    now = twelve.ordering.clock.advance(minutes=1)
    with caplog.at_level(logging.WARNING, "regards_order"):
        intrude(twelve, BOOM, BOOM, BOOM).ordering.cancel_order(order.id)
    failed = twelve.read(order)
    message = f"Exception raised while pausing an order [{order.id}] : boom"
    assert (failed.status, failed.message, failed.status_date) == (OrderStatus.ERROR, message, now)
    assert [(record.action, record.order_id, record.attempt) for record in caplog.records] == [
        ("cancel_failed", order.id, attempt) for attempt in (1, 2, 3)
    ]
    assert len(twelve.files(order)) == 12
    assert twelve.ordering.delete_order(LISE, order.id).status is OrderStatus.DELETED


def test_cancel_that_fails_twice(twelve, intrude) -> None:
    """The third attempt counts."""
    order = twelve.place()
    intrude(twelve, BOOM, BOOM).ordering.cancel_order(order.id)
    assert twelve.read(order).status is OrderStatus.DELETED


def test_cancel_that_fails_within_changes_nothing(twelve, monkeypatch) -> None:
    """An attempt is one transaction: an order whose files cannot be erased is not left PAUSED."""
    order = twelve.work(twelve.place())
    with twelve.ordering.store.read() as tx:
        monkeypatch.setattr(type(tx.files), "erase", lambda self, order_id: BOOM())
    twelve.ordering.cancel_order(order.id)
    failed = twelve.read(order)
    assert (failed.status, failed.counts, len(twelve.files(order))) == (OrderStatus.ERROR, order.counts, 12)


@pytest.mark.parametrize("removed", [False, True])
def test_cancel_that_fails_while_somebody_deletes(twelve, intrude, removed: bool) -> None:
    """An order that is DELETED or gone when the cancellation is given up is left alone."""
    order = twelve.work(twelve.place())

    def delete() -> None:
        twelve.ordering.delete_order(LISE, order.id)
        if removed:
            twelve.ordering.remove_order(CHIEF, order.id)

    intrude(twelve, BOOM, BOOM, BOOM, delete).ordering.cancel_order(order.id)
    with twelve.ordering.store.read() as tx:
        assert [each.status for each in tx.orders.page()] == ([] if removed else [OrderStatus.DELETED])


def test_cancel_while_the_store_is_away(twelve, intrude) -> None:
    """That is no failure of the cancellation: whoever asked may ask again."""
    order = twelve.place()
    with pytest.raises(StoreUnavailable):
        intrude(twelve, BOOM, Failing(StoreUnavailable("gone"))).ordering.cancel_order(order.id)
    assert twelve.read(order) == order


def test_no_state_is_forgotten_by_a_pause(twelve) -> None:
    """Suborders that the storage still owes answers are aborted, all others stay."""
    order = twelve.place()
    twelve.ordering.complete_order(order.id)
    template = twelve.suborders(order)[0]
    with twelve.ordering.store.write() as tx:
        for number, state in enumerate(SuborderState, 100):
            tx.suborders.add(attrs.evolve(template, id=number, state=state))
    twelve.ordering.pause_order(LISE, order.id)
    assert states(twelve, order)[2:] == ["ABORTED", "ABORTED", "ABORTED", "WAITING", "ENDED", "ABORTED"]
