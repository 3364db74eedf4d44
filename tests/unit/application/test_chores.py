"""Regular work of a tenant: orders expire, users are reminded and told, and whoever fails keeps nobody else back."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import attrs
import pytest

from regards_order import Conflict, DataType, NotFound, Order, OrderStatus, Role, SelectionRequest, User
from regards_order.application.chores import next_reminders
from regards_order.domain.errors import NotificationRefused, NotifierUnavailable, StoreUnavailable
from regards_order.domain.events import FileOversized, OrderAside, OrderCreated, OrderEnded, OrdersAside, SuborderDone
from regards_order.domain.files import FileCounts
from regards_order.ports.claims import Claim
from regards_order.ports.notifier import LogNotifier
from regards_order.testing import make_file

LISE, MAX = User("lise@obs.example"), User("max@obs.example")
ADMIN, CHIEF = User("adm@obs.example", Role.ADMIN), User("chief@obs.example", Role.INSTANCE_ADMIN)
CHORES = ("expire", "remind", "tell")
SECOND, HOUR, DAY = dt.timedelta(seconds=1), dt.timedelta(hours=1), dt.timedelta(days=1)
#: statuses that expire whatever they hold, and those that expire only with files that wait
OVER, OVER_WITH_FILES = {"PENDING", "RUNNING", "PAUSED", "ERROR"}, {"DONE", "DONE_WITH_WARNING"}
REMINDED = {"RUNNING", "PAUSED", "DONE", "DONE_WITH_WARNING", "ERROR"}


@pytest.fixture
def twelve(make_twelve):
    """Return the 12-file centre, with two suborders of which no file is too large."""
    return make_twelve(suborder_max_bytes=1_500_070)


def due(centre) -> list[str]:
    """Return the chores that somebody could take now."""
    with centre.ordering.store.read() as tx:
        return list(tx.claims.due_chores(CHORES, centre.ordering.clock.now()))


def do_all(centre) -> int:
    """Do the chores until nothing is left: what users are reminded of is told with the next round."""
    steps = 0
    while done := centre.ordering.do_chores():
        steps += done
    return steps


def told(centre) -> list[object]:
    """Return what people were told."""
    return centre.ordering.notifier.told


def actions(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    """Return level and action of what was logged."""
    return [(record.levelno, record.action) for record in caplog.records if hasattr(record, "action")]


def stop_after(questions: int) -> Callable[[], bool]:
    """Return what says True when it was asked so often before."""
    answers = iter([False] * questions)
    return lambda: next(answers, True)


def fail(failure: Exception) -> Callable[[], None]:
    """Return a deed that fails."""

    def deed() -> None:
        raise failure

    return deed


def over(centre, order: Order) -> Order:
    """Let the time of an order be over."""
    return centre.force(order, expires=centre.ordering.clock.now() - SECOND)


def copies(centre, order: Order, count: int, available: int, **changes: object) -> list[Order]:
    """Store orders like another one, with so many available files since now, each of another owner."""
    now, made = centre.ordering.clock.now(), []
    with centre.ordering.store.write() as tx:
        for number in tx.ids.block("order", count):
            plain = attrs.evolve(order, counts=FileCounts(), waiting_suborders=0, available_since=None)
            one = {"id": number, "label": f"copy {number}", "owner": f"user{number}@obs.example", **changes}
            tx.orders.add(attrs.evolve(plain, **one))
            made.append(tx.orders.count(tx.orders.get(number), FileCounts(available=available), 0, now))
    return made


@attrs.define
class Grumpy:
    """A notifier that may fail, whatever it is told about one order or another."""

    failures: dict[int, Exception] = attrs.field(factory=dict)
    tried: list[int] = attrs.field(factory=list)
    told: list[int] = attrs.field(factory=list)
    deed: Callable[[], object] = attrs.field(default=lambda: None)

    def order_created(self, event: OrderCreated, order: Order) -> None:
        self._tell(event)

    def orders_aside(self, event: OrdersAside) -> None:
        self._tell(event)

    def file_oversized(self, event: FileOversized) -> None:
        self._tell(event)

    def _tell(self, event) -> None:
        self.tried.append(event.order_id)
        self.deed()
        if event.order_id in self.failures:
            raise self.failures[event.order_id]
        self.told.append(event.order_id)


@attrs.define
class Watched:
    """Leases under which somebody acts when something is claimed."""

    deed: Callable[[Sequence[Claim]], object]

    @contextmanager
    def hold(self, claims: Sequence[Claim]) -> Iterator[None]:
        self.deed(claims)
        yield


# --- who does what, and when -----------------------------------------------------------------------------------------


def test_nothing_to_do(centre) -> None:
    """All is done once, and then each at its time; nobody claims the telling while there is nothing to tell."""
    claimed: list[Claim] = []
    watched = centre.with_(leases=Watched(claimed.extend))
    assert due(watched) == list(CHORES)
    assert watched.ordering.do_chores() == 0
    assert len(claimed) == 2
    assert due(watched) == ["tell"]
    assert watched.ordering.do_chores() == 0
    assert len(claimed) == 2


def test_expiration_is_looked_for_every_hour(make_centre) -> None:
    """Or as often as the settings say."""
    centre = make_centre(expiry_seconds=600)
    centre.ordering.do_chores()
    centre.ordering.clock.advance(seconds=599)
    assert "expire" not in due(centre)
    centre.ordering.clock.advance(seconds=1)
    assert "expire" in due(centre)


def test_reminders_are_looked_for_in_the_morning(centre) -> None:
    """Whenever they were written last, at seven o'clock the next ones are due."""
    centre.ordering.do_chores()
    clock = centre.ordering.clock
    clock.instant = dt.datetime(2026, 3, 3, 6, 59, 59, tzinfo=dt.timezone.utc)
    assert "remind" not in due(centre)
    clock.advance(seconds=1)
    assert "remind" in due(centre)
    centre.ordering.do_chores()
    assert "remind" not in due(centre)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-16T06:59:59.999999+00:00", "2026-11-16T07:00"),  # a Monday
        ("2026-11-16T07:00:00+00:00", "2026-11-17T07:00"),
        ("2026-11-19T23:59:59+00:00", "2026-11-20T07:00"),
        ("2026-11-20T06:00:00+00:00", "2026-11-20T07:00"),  # a Friday
        ("2026-11-20T07:00:00.000001+00:00", "2026-11-23T07:00"),
        ("2026-11-21T00:00:00+00:00", "2026-11-23T07:00"),
        ("2026-11-22T23:00:00+00:00", "2026-11-23T07:00"),
        ("2026-11-23T06:00:00+00:00", "2026-11-23T07:00"),
        ("2026-12-31T12:00:00+00:00", "2027-01-01T07:00"),
        ("2026-11-16T08:30:00+02:00", "2026-11-16T07:00"),  # 06:30 UTC
        ("2026-11-16T22:00:00-10:00", "2026-11-18T07:00"),  # Tuesday 08:00 UTC
    ],
)
def test_next_reminders(now: str, expected: str) -> None:
    """They come from Monday to Friday at 07:00 UTC, wherever the clock stands."""
    assert next_reminders(dt.datetime.fromisoformat(now)) == dt.datetime.fromisoformat(f"{expected}:00+00:00")


def test_a_worker_that_starts_wakes_all_chores(centre) -> None:
    """What was done just now is due again; what another worker is at is not."""
    centre.ordering.do_chores()
    with centre.ordering.store.write() as tx:
        held = tx.claims.chore("tell", centre.ordering.clock.now(), 3600)
    centre.ordering.wake_chores()
    assert due(centre) == ["expire", "remind"]
    with centre.ordering.store.write() as tx:
        tx.claims.release([held])
    assert due(centre) == list(CHORES)


def test_waking_changes_nothing_before_the_first_time(centre) -> None:
    """A tenant that no worker ever looked at has all its chores due anyway."""
    centre.ordering.wake_chores()
    assert due(centre) == list(CHORES)


def test_a_worker_that_is_to_stop_begins_nothing(twelve) -> None:
    """The chores stay due for the next one."""
    order = over(twelve, twelve.place())
    assert twelve.ordering.do_chores(lambda: True) == 0
    assert twelve.read(order) == order
    assert due(twelve) == list(CHORES)


def test_what_somebody_else_claimed_first_is_left_to_him(twelve, intrude) -> None:
    """Between the look and the claim another worker was faster: it does its chore, we do the others."""
    order = over(twelve, twelve.work(twelve.place(frontend_url="/orders")))

    def overtake() -> None:
        with twelve.ordering.store.write() as tx:
            assert tx.claims.chore("expire", twelve.ordering.clock.now(), 3600) is not None

    assert intrude(twelve, overtake).ordering.do_chores() == 1
    assert twelve.read(order).status is OrderStatus.DONE
    assert [type(event) for event in told(twelve)] == [OrderCreated]


def test_who_lost_its_claim_says_nothing_of_the_next_time(twelve) -> None:
    """The worker that took over still holds the chore, and says when it is due again."""
    theirs: list[Claim | None] = []

    def overtake(claims: Sequence[Claim]) -> None:
        with twelve.ordering.store.write() as tx:
            tx.claims.renew(claims, 0)
            theirs.append(tx.claims.chore("expire", twelve.ordering.clock.now(), 3600))
            theirs.append(tx.claims.chore("remind", twelve.ordering.clock.now(), 3600))

    twelve.with_(leases=Watched(overtake)).ordering.do_chores()
    expiring, reminding = theirs[0], theirs[1]
    assert expiring is not None
    assert reminding is not None
    twelve.ordering.clock.advance(hours=2)
    assert due(twelve) == ["tell"]
    with twelve.ordering.store.write() as tx:
        tx.claims.chore_done(expiring, twelve.ordering.clock.now() + HOUR)
        tx.claims.chore_done(reminding, twelve.ordering.clock.now())
    assert due(twelve) == ["remind", "tell"]


def test_a_worker_that_died_is_followed(twelve, intrude) -> None:
    """While its lease lasts nobody does its chore; then the next worker does all of it."""
    order = over(twelve, twelve.place())
    held: list[Claim] = []
    dying = intrude(twelve, None, fail(KeyboardInterrupt())).with_(leases=Watched(held.extend))
    with pytest.raises(KeyboardInterrupt):
        dying.ordering.do_chores()
    twelve.ordering.do_chores()
    assert twelve.read(order) == order
    with twelve.ordering.store.write() as tx:
        tx.claims.renew(held[:1], 0)
    assert twelve.ordering.do_chores() == 1
    assert twelve.read(order).status is OrderStatus.EXPIRED


# --- expiration ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("files", [True, False])
@pytest.mark.parametrize("status", OrderStatus)
def test_which_orders_expire(twelve, status: OrderStatus, files: bool) -> None:
    """Those that go on, or are in ERROR; those that have ended well only while files wait; no others."""
    order = twelve.place()
    if files:
        order = twelve.work(order)
    order = over(twelve, twelve.force(order, status=status))
    expected = status.name in (OVER | OVER_WITH_FILES if files else OVER)
    assert twelve.ordering.do_chores() == expected
    after = twelve.read(order)
    assert (after.status is OrderStatus.EXPIRED) if expected else (after == order)


@pytest.mark.parametrize(("left", "status"), [(0, OrderStatus.DONE), (-1, OrderStatus.EXPIRED)])
def test_the_moment_of_expiration(twelve, left: int, status: OrderStatus) -> None:
    """An order is over after its date, not at it."""
    order = twelve.work(twelve.place())
    twelve.force(order, expires=twelve.ordering.clock.now() + dt.timedelta(microseconds=left))
    twelve.ordering.do_chores()
    assert twelve.read(order).status is status


def test_an_order_without_a_date_never_expires(twelve) -> None:
    """It stays as it is for a hundred years (W1)."""
    order = twelve.force(twelve.work(twelve.place()), expires=None)
    twelve.ordering.clock.advance(days=36_525)
    twelve.ordering.do_chores()
    assert twelve.read(order).status is OrderStatus.DONE


def test_what_is_left_of_an_expired_order(twelve) -> None:
    """Files and suborders are erased; percentage, dataset tasks and label stay; nobody is told."""
    order = over(twelve, twelve.work(twelve.place(frontend_url="/orders")))
    letters = twelve.events()
    twelve.ordering.clock.advance(minutes=5)
    assert twelve.ordering.do_chores(stop_after(3)) == 1
    after = twelve.read(order)
    assert (after.status, after.status_date) == (OrderStatus.EXPIRED, twelve.ordering.clock.now())
    assert (after.available, after.waiting_for_user, after.percent, after.label) == (0, False, 100, order.label)
    assert after.contents == order.contents
    assert (twelve.files(order), twelve.suborders(order)) == ([], [])
    assert twelve.events() == letters


def test_expiration_frees_slots(twelve) -> None:
    """The files of an expired order hold up the next order of its user no more."""
    first = twelve.work(twelve.place())
    second = twelve.work(twelve.place())
    assert (first.status, second.status) == (OrderStatus.DONE, OrderStatus.RUNNING)
    over(twelve, first)
    twelve.ordering.do_chores()
    assert twelve.work(second).status is OrderStatus.DONE


def test_all_orders_that_are_over_expire_at_once(twelve) -> None:
    """However many they are."""
    order = twelve.work(twelve.place())
    orders = copies(twelve, order, 250, 1, expires=twelve.ordering.clock.now() - SECOND)
    assert twelve.ordering.do_chores() == 250
    assert {twelve.read(each).status for each in orders} == {OrderStatus.EXPIRED}
    assert twelve.read(order) == order


def test_an_order_that_cannot_expire_keeps_none_back(twelve, intrude, caplog) -> None:
    """It is logged, and tried again with the next expiration."""
    first, second = over(twelve, twelve.place()), over(twelve, twelve.place(MAX))
    broken = intrude(twelve, None, fail(RuntimeError("a broken row")))
    assert broken.ordering.do_chores() == 1
    assert [twelve.read(order).status.name for order in (first, second)] == ["PENDING", "EXPIRED"]
    [record] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert (record.action, record.order_id) == ("expiration_failed", first.id)
    assert "a broken row" in caplog.text
    assert twelve.ordering.do_chores() == 0
    twelve.ordering.clock.advance(hours=1)
    assert twelve.ordering.do_chores() == 1
    assert twelve.read(first).status is OrderStatus.EXPIRED


def test_a_database_that_goes_away_during_expiration(twelve, intrude) -> None:
    """It is no failure of one order: the chore is left, and goes on when its lease is over."""
    orders, held = [over(twelve, twelve.place()), over(twelve, twelve.place(MAX))], []
    away = intrude(twelve, None, None, fail(StoreUnavailable("gone"))).with_(leases=Watched(held.extend))
    with pytest.raises(StoreUnavailable):
        away.ordering.do_chores()
    assert [twelve.read(order).status.name for order in orders] == ["EXPIRED", "PENDING"]
    with twelve.ordering.store.write() as tx:
        tx.claims.release(held)
    twelve.ordering.do_chores()
    assert [twelve.read(order).status.name for order in orders] == ["EXPIRED", "EXPIRED"]


def test_an_order_that_is_not_over_any_more(twelve, intrude) -> None:
    """What was found is looked at again under its lock: one that lives longer by then stays."""
    first, second = over(twelve, twelve.place()), over(twelve, twelve.place(MAX))

    def prolong() -> None:
        twelve.force(first, expires=twelve.ordering.clock.now() + HOUR)

    assert intrude(twelve, None, prolong).ordering.do_chores() == 1
    assert [twelve.read(order).status.name for order in (first, second)] == ["PENDING", "EXPIRED"]


def test_an_order_that_is_removed_before_it_expires(twelve, intrude) -> None:
    """It is gone, and the others expire."""
    first, second = over(twelve, twelve.place()), over(twelve, twelve.place(MAX))

    def remove() -> None:
        twelve.ordering.cancel_order(first.id)
        twelve.ordering.remove_order(CHIEF, first.id)

    assert intrude(twelve, None, remove).ordering.do_chores() == 1
    with pytest.raises(NotFound):
        twelve.read(first)
    assert twelve.read(second).status is OrderStatus.EXPIRED


def test_a_worker_that_stops_leaves_the_rest_of_the_expirations(twelve) -> None:
    """The next worker goes on at once, not an hour later."""
    order = twelve.place()
    copies(twelve, order, 101, 1, expires=twelve.ordering.clock.now() - SECOND)
    assert twelve.ordering.do_chores(stop_after(2)) == 100
    assert twelve.ordering.do_chores() == 1


# --- reminders -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", OrderStatus)
def test_of_which_orders_users_are_reminded(twelve, status: OrderStatus) -> None:
    """Of those whose files can be downloaded."""
    order = twelve.force(twelve.work(twelve.place()), status=status, expires=None)
    twelve.ordering.clock.advance(hours=72, seconds=1)
    do_all(twelve)
    assert len(told(twelve)) == (status.name in REMINDED)
    assert (twelve.read(order).available_since == twelve.ordering.clock.now()) is (status.name in REMINDED)


@pytest.mark.parametrize(("hours", "seconds", "letters"), [(72, 0, 0), (72, 1, 1), (24, 1, 0)])
def test_the_delay_of_reminders(twelve, hours: int, seconds: int, letters: int) -> None:
    """Files have to wait for more than three days."""
    twelve.work(twelve.place())
    twelve.ordering.clock.advance(hours=hours, seconds=seconds)
    do_all(twelve)
    assert len(told(twelve)) == letters


def test_the_delay_is_a_setting_of_the_tenant(twelve) -> None:
    """A change counts from the next reminders on."""
    twelve.work(twelve.place())
    delays = {"subOrderDuration": 48, "delayBeforeEmailNotification": 24}
    twelve.ordering.change_setting(ADMIN, "user_order_parameters", delays)
    twelve.ordering.clock.advance(hours=24, seconds=1)
    do_all(twelve)
    assert len(told(twelve)) == 1


def test_orders_without_available_files_are_no_reason(twelve) -> None:
    """Who has downloaded everything is left in peace."""
    order = twelve.work(twelve.place())
    twelve.download(order)
    twelve.ordering.clock.advance(days=5)
    do_all(twelve)
    assert told(twelve) == []


def test_each_user_gets_one_letter_about_all_orders(make_twelve) -> None:
    """The oldest order comes first, whatever became available first."""
    twelve = make_twelve(suborders_per_user=100, suborder_max_bytes=1_500_070)
    mine = [twelve.place(correlation_id=f"c{number}", label=f"order {number}") for number in range(3)]
    other = twelve.place(MAX)
    twelve.ordering.work()
    now = twelve.ordering.clock.now()
    twelve.force(mine[0], created=now + HOUR)
    twelve.ordering.clock.advance(hours=73)
    assert do_all(twelve) == 4
    expected = [twelve.read(mine[number]) for number in (1, 2, 0)]
    first, second = told(twelve)
    assert first == OrdersAside(
        order_id=mine[1].id,
        owner=LISE.email,
        correlation_id="c1",
        orders=tuple(
            OrderAside(
                order_id=order.id,
                label=order.label,
                created=order.created,
                expires=order.expires,
                available=12,
                since=now,
            )
            for order in expected
        ),
    )
    assert (second.owner, [each.order_id for each in second.orders]) == (MAX.email, [other.id])
    assert {order.available_since for order in expected} == {twelve.ordering.clock.now()}


def test_an_order_that_is_not_listed_has_no_date_in_its_reminder(twelve) -> None:
    """Nobody is shown the date at which it would be given up."""
    order = twelve.force(twelve.work(twelve.place()), listed=False, status=OrderStatus.PAUSED)
    assert order.expires is not None
    twelve.ordering.clock.advance(hours=73)
    do_all(twelve)
    [letter] = told(twelve)
    assert [(each.order_id, each.expires) for each in letter.orders] == [(order.id, None)]


def test_the_next_reminder_comes_a_full_delay_later(twelve) -> None:
    """It begins anew when the number of available files changes."""
    order = twelve.force(twelve.work(twelve.place()), expires=None)
    twelve.ordering.clock.advance(hours=73)
    do_all(twelve)
    twelve.ordering.clock.advance(hours=71)
    first = twelve.files(order)[0]
    delivery = twelve.ordering.open_file(LISE, first.id)
    b"".join(delivery)
    delivery.confirm()
    for hours in (1, 71):
        twelve.ordering.clock.advance(hours=hours)
        twelve.ordering.wake_chores()
        do_all(twelve)
        assert len(told(twelve)) == 1
    twelve.ordering.clock.advance(seconds=1)
    twelve.ordering.wake_chores()
    do_all(twelve)
    assert [each.orders[0].available for each in told(twelve)] == [12, 11]


def test_all_users_are_reminded_at_once(twelve) -> None:
    """However many they are, and each of them once."""
    order = twelve.place()
    copies(twelve, order, 250, 1, expires=None, status=OrderStatus.RUNNING)
    twelve.ordering.clock.advance(hours=73)
    do_all(twelve)
    owners = [letter.owner for letter in told(twelve)]
    assert len(owners) == len(set(owners)) == 250


def test_a_worker_that_stops_leaves_the_rest_of_the_reminders(twelve) -> None:
    """The next worker goes on at once, not at seven o'clock of the next day."""
    order = twelve.place()
    copies(twelve, order, 101, 1, expires=None, status=OrderStatus.RUNNING)
    twelve.ordering.clock.advance(hours=73)
    # asked before, in and after the expiration, before the reminders and once within
    assert twelve.ordering.do_chores(stop_after(5)) == 100
    assert len(twelve.events()) == 100
    do_all(twelve)
    assert len({letter.owner for letter in told(twelve)}) == len(told(twelve)) == 101


def test_a_letter_and_its_note_are_one(twelve, intrude) -> None:
    """A user whose letter could not be stored is reminded the next time."""
    order = twelve.work(twelve.place())
    twelve.ordering.clock.advance(hours=73)
    # write transactions: expiration is claimed and given back, the reminders are claimed and written
    away = intrude(twelve, None, None, None, fail(StoreUnavailable("gone")))
    with pytest.raises(StoreUnavailable):
        away.ordering.do_chores()
    assert twelve.read(order).available_since == order.available_since
    assert OrdersAside not in {type(event) for event in twelve.events()}


# --- letters ---------------------------------------------------------------------------------------------------------


def post(centre, count: int) -> list[Order]:
    """Store orders of which there is one letter each, and return them in the order of their letters."""
    orders = copies(centre, centre.place(), count, 0, status=OrderStatus.RUNNING, listed=True)
    with centre.ordering.store.write() as tx:
        for order in orders:
            about = {"order_id": order.id, "owner": order.owner, "correlation_id": "c"}
            tx.outbox.add(OrderCreated(**about, frontend_url="/orders"))
    return orders


def test_letters_are_told_in_their_order(make_twelve) -> None:
    """What is told leaves the outbox; what programs want to know stays there."""
    twelve = make_twelve(suborder_max_bytes=1_200_000)
    order = twelve.work(twelve.place(frontend_url="/orders"))
    letters = twelve.events()
    assert twelve.ordering.do_chores() == 2
    assert told(twelve) == [event for event in letters if isinstance(event, OrderCreated | FileOversized)]
    assert [event.order_id for event in told(twelve)] == [order.id] * 2
    assert [type(event) for event in told(twelve)] == [FileOversized, OrderCreated]
    assert {type(event) for event in twelve.events()} == {SuborderDone, OrderEnded}


def test_the_order_is_told_as_it_is_now(twelve) -> None:
    """Not as it was when its letter was written."""
    order = twelve.work(twelve.place(frontend_url="/orders"))
    twelve.ordering.delete_order(LISE, order.id)
    twelve.ordering.do_chores()
    assert twelve.ordering.notifier.orders == [twelve.read(order)]


def test_a_notifier_out_of_reach_keeps_its_letter(twelve, caplog) -> None:
    """The others are told at once, that one a minute later."""
    [first, second] = post(twelve, 2)
    grumpy = Grumpy({first.id: NotifierUnavailable("switched off")})
    centre = twelve.with_(notifier=grumpy)
    assert centre.ordering.do_chores() == 1
    assert grumpy.told == [second.id]
    assert actions(caplog) == [(logging.WARNING, "notifier_unavailable")]
    grumpy.failures.clear()
    centre.ordering.clock.advance(seconds=59)
    assert (centre.ordering.do_chores(), grumpy.told) == (0, [second.id])
    centre.ordering.clock.advance(seconds=1)
    assert (centre.ordering.do_chores(), grumpy.told) == (1, [second.id, first.id])
    assert centre.events() == []


def test_after_three_letters_a_notifier_counts_as_away(twelve) -> None:
    """It is not asked for a fourth one before a minute has passed; then all are told in their order."""
    orders = post(twelve, 6)
    ids = [order.id for order in orders]
    grumpy = Grumpy({ids[n]: NotifierUnavailable("switched off") for n in (0, 2, 3)})
    centre = twelve.with_(notifier=grumpy)
    assert centre.ordering.do_chores() == 1
    assert (grumpy.tried, grumpy.told) == (ids[:4], [ids[1]])
    centre.ordering.do_chores()
    assert grumpy.tried == ids[:4]
    grumpy.failures.clear()
    centre.ordering.clock.advance(minutes=1)
    assert centre.ordering.do_chores() == 5
    assert grumpy.told == [ids[1], ids[0], *ids[2:]]


def test_receivers_that_cannot_be_told_keep_nobody_back(twelve) -> None:
    """However many mailboxes are full, all others are told; theirs are tried again a minute later."""
    ids = [order.id for order in post(twelve, 6)]
    grumpy = Grumpy({ids[n]: NotifierUnavailable("450 full", "lise@obs.example") for n in range(5)})
    centre = twelve.with_(notifier=grumpy)
    assert centre.ordering.do_chores() == 1
    assert (grumpy.tried, grumpy.told) == (ids, ids[5:])
    centre.ordering.do_chores()
    assert grumpy.tried == ids
    grumpy.failures.clear()
    centre.ordering.clock.advance(minutes=1)
    assert centre.ordering.do_chores() == 5
    assert grumpy.told == [ids[5], *ids[:5]]


@pytest.mark.parametrize(
    "failure",
    [NotificationRefused("max@obs.example", "no mail address"), RuntimeError("boom"), Conflict("Order", 1)],
    ids=lambda failure: type(failure).__name__,
)
def test_a_letter_that_can_never_be_told_is_dropped(twelve, caplog, failure: Exception) -> None:
    """It is logged, the others are told, and it does not come again."""
    [first, second] = post(twelve, 2)
    grumpy = Grumpy({first.id: failure})
    centre = twelve.with_(notifier=grumpy)
    centre.ordering.do_chores()
    assert (grumpy.tried, grumpy.told) == ([first.id, second.id], [second.id])
    [record] = caplog.records
    assert (record.levelno, record.action, record.order_id) == (logging.WARNING, "notification_failed", first.id)
    assert record.exc_info[1] is failure
    assert centre.events() == []
    centre.ordering.clock.advance(hours=1)
    assert centre.ordering.do_chores() == 0


def test_a_database_that_goes_away_loses_no_letter(twelve) -> None:
    """The letter that was being told is told when the lease is over."""
    [order] = post(twelve, 1)
    held: list[Claim] = []
    grumpy = Grumpy({order.id: StoreUnavailable("gone")})
    centre = twelve.with_(notifier=grumpy, leases=Watched(held.extend))
    with pytest.raises(StoreUnavailable):
        centre.ordering.do_chores()
    grumpy.failures.clear()
    assert (centre.ordering.do_chores(), grumpy.told) == (0, [])
    with twelve.ordering.store.write() as tx:
        tx.claims.release(held)
    assert (centre.ordering.do_chores(), grumpy.told) == (1, [order.id])


def test_an_order_that_was_removed_is_not_confirmed(twelve, caplog) -> None:
    """Its letter is dropped, and the others are told."""
    order, other = (twelve.work(twelve.place(user, frontend_url="/orders")) for user in (LISE, MAX))
    twelve.ordering.delete_order(LISE, order.id)
    twelve.ordering.remove_order(CHIEF, order.id)
    twelve.ordering.do_chores()
    assert [event.order_id for event in told(twelve)] == [other.id]
    assert actions(caplog) == [(logging.WARNING, "notification_failed")]
    assert f"order {order.id} is removed" in caplog.text


def test_a_reminder_leaves_out_what_was_deleted_meanwhile(make_twelve) -> None:
    """Or removed, or has expired: while the mail server was away its user had no need of it any more."""
    twelve = make_twelve(suborders_per_user=100, suborder_max_bytes=1_500_070)
    kept, deleted, removed = (twelve.place(label=label) for label in ("kept", "deleted", "removed"))
    twelve.ordering.work()
    twelve.ordering.clock.advance(hours=73)
    twelve.ordering.notifier.failure = NotifierUnavailable("switched off")
    do_all(twelve)
    for order in (deleted, removed):
        twelve.ordering.delete_order(LISE, order.id)
    twelve.ordering.remove_order(CHIEF, removed.id)
    twelve.ordering.notifier.failure = None
    twelve.ordering.clock.advance(minutes=1)
    do_all(twelve)
    [letter] = told(twelve)
    assert [order.order_id for order in letter.orders] == [kept.id]


def test_a_reminder_of_nothing_is_dropped(twelve, caplog) -> None:
    """When all its orders are gone nobody is reminded."""
    order = twelve.work(twelve.place())
    twelve.ordering.clock.advance(hours=73)
    twelve.ordering.notifier.failure = NotifierUnavailable("switched off")
    do_all(twelve)
    twelve.ordering.delete_order(LISE, order.id)
    twelve.ordering.notifier.failure = None
    twelve.ordering.clock.advance(minutes=1)
    caplog.clear()
    do_all(twelve)
    assert told(twelve) == []
    assert actions(caplog) == [(logging.WARNING, "notification_failed")]
    assert OrdersAside not in {type(event) for event in twelve.events()}


def test_a_worker_that_stops_leaves_the_other_letters(twelve) -> None:
    """What is being told is told to its end; the next worker goes on at once."""
    orders = post(twelve, 3)
    stopping: list[bool] = []
    grumpy = Grumpy(deed=lambda: stopping.append(True))
    centre = twelve.with_(notifier=grumpy)
    assert centre.ordering.do_chores(lambda: bool(stopping)) == 1
    assert len(centre.events()) == 2
    assert centre.ordering.do_chores() == 2
    assert grumpy.told == [order.id for order in orders]


# --- those who tell --------------------------------------------------------------------------------------------------


def test_without_a_notifier_all_is_logged(make_centre, caplog) -> None:
    """Each letter is one line, with the order and whose it is."""
    centre = make_centre(suborder_max_bytes=100)
    dataset = centre.dataset("Images")
    centre.storage.contents["large.tif"] = bytes(101)
    centre.product(dataset, "scene", make_file("large.tif", bytes(101), data_type=DataType.RAWDATA))
    centre.ordering.add_selection(LISE, SelectionRequest())
    order = centre.ordering.place_order(LISE, frontend_url="/orders")
    logged = centre.with_(notifier=LogNotifier())
    logged.work(order)
    logged.ordering.clock.advance(hours=73)
    caplog.set_level(logging.INFO)
    caplog.clear()
    do_all(logged)
    assert actions(caplog) == [
        (logging.WARNING, "file_oversized"),
        (logging.INFO, "order_created"),
        (logging.INFO, "orders_aside"),
    ]
    oversized, created, aside = (record for record in caplog.records if hasattr(record, "action"))
    assert (oversized.order_id, oversized.file) == (order.id, "large.tif")
    assert (created.order_id, created.owner) == (order.id, LISE.email)
    assert (aside.order_ids, aside.owner) == ([order.id], LISE.email)
