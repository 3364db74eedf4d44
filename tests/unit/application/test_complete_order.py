"""Listing the files of an order: outcomes, events, failures and races."""

from __future__ import annotations

import datetime as dt
import logging

import attrs
import pytest

from regards_order import (
    CatalogUnavailable,
    DataFile,
    DataType,
    FileFilter,
    FileTypes,
    NotFound,
    Order,
    OrderStatus,
    Role,
    SelectionRequest,
    StoreUnavailable,
    User,
)
from regards_order.domain.events import FileOversized, OrderCreated, OrderEnded, SuborderDone
from regards_order.domain.files import FileCounts
from regards_order.domain.order import DatasetTask
from regards_order.domain.suborder import Suborder, SuborderState
from regards_order.ports.claims import Claim, Claimed
from regards_order.testing import make_file, make_product

LISE, CHIEF = User("lise@obs.example"), User("chief@obs.example", Role.INSTANCE_ADMIN)
GONE = "It seems that the queried features do not exist anymore."
HOUR = dt.timedelta(hours=1)


def complete(centre, order: Order) -> Order:
    """List the files of an order, and no more."""
    return centre.ordering.complete_order(order.id)


def end_lease(centre, order: Order) -> None:
    """Let the lease of the first claim of an order run out."""
    with centre.ordering.store.write() as tx:
        tx.claims.renew([Claim(Claimed.ORDER, order.id, 1)], 0)


def reference(name: str) -> DataFile:
    """Return an external file of unknown size."""
    return DataFile(DataType.RAWDATA, name, f"http://x/{name}", reference=True)


# --- outcomes --------------------------------------------------------------------------------------------------------


def test_twelve_files(twelve) -> None:
    """Case 1: exactly 2 suborders, no file available, the order RUNNING; nothing to tell but the oversized file."""
    order = twelve.place()
    started = complete(twelve, order)
    assert started.status is OrderStatus.RUNNING
    assert started.counts == FileCounts(pending=12, bytes_known=3_000_171, bytes_pending=3_000_171)
    assert (started.percent, started.message, started.waiting_for_user) == (0, None, False)
    assert (started.contents.internal_suborders, started.contents.external_suborders) == (2, 0)
    assert started.contents.features == 3
    assert started.expires == order.created + 168 * HOUR
    suborders = twelve.suborders(order)
    assert [each.state.name for each in suborders] == ["PENDING", "PENDING"]
    assert sum((each.counts for each in suborders), FileCounts()) == started.counts
    assert [(each.priority, each.hours, each.owner) for each in suborders] == [(0, 240, LISE.email)] * 2
    assert twelve.read(order) == started
    assert twelve.told() == ["FileOversized"]


def test_suborders_know_their_files(twelve) -> None:
    """A suborder's range of ids is that of its files, and ranges do not overlap."""
    order = twelve.place()
    complete(twelve, order)
    files = twelve.files(order)
    for suborder in twelve.suborders(order):
        ids = [file.id for file in files if file.suborder_id == suborder.id]
        assert (ids[0], ids[-1]) == (suborder.first_file, suborder.last_file)
        assert len(ids) == suborder.counts.total == ids[-1] - ids[0] + 1
    assert {(file.order_id, file.state, file.download_error) for file in files} == {(order.id, "PENDING", None)}
    assert {file.product_id for file in files} == {"P1", "P2", "P3"}


def test_dataset_task(twelve) -> None:
    """A dataset task holds the basket's number of products and what was really ordered."""
    wanted = FileFilter(frozenset({FileTypes.QUICKLOOK}))
    order = twelve.place(file_filter=wanted)
    with twelve.ordering.store.read() as tx:
        basket = next(iter(tx.baskets._tables.baskets.values()))
    [task] = complete(twelve, order).contents.tasks
    assert task == DatasetTask(
        id=1,
        dataset_urn=basket.selections[0].dataset_urn,
        dataset_label="Twelve",
        objects_count=3,
        files_count=9,
        files_size=171,
        file_filter=wanted,
        requests=tuple(item.request for item in basket.selections[0].items),
    )


@pytest.mark.parametrize(
    ("wanted", "files", "message"),
    [
        (FileFilter(), 12, None),
        (FileFilter(name_pattern="  "), 12, None),
        (FileFilter(frozenset({FileTypes.RAWDATA})), 3, None),
        (FileFilter(name_pattern=r".*\.bin$"), 3, None),
        (FileFilter(name_pattern="bin"), 0, "No file match filters."),
        (FileFilter(name_pattern=r"p.*"), 0, "No file match filters."),
        (FileFilter(name_pattern="RegexWithNoResult"), 0, "No file match filters."),
        (FileFilter(frozenset({FileTypes.RAWDATA}), r".*\.png"), 0, "No file match filters."),
    ],
)
def test_filters(twelve, wanted: FileFilter, files: int, message: str | None) -> None:
    """Cases 13 to 16: types and whole names are filtered when the order is made."""
    order = complete(twelve, twelve.place(file_filter=wanted))
    assert (order.counts.total, order.message) == (files, message)
    assert order.status is (OrderStatus.DONE_WITH_WARNING if message else OrderStatus.RUNNING)
    assert len(twelve.files(order)) == files


def test_nothing_left(twelve) -> None:
    """Products that vanished since leave nothing to order: a warning, one finished event, percent 0, an expiration."""
    order = twelve.place(correlation_id="c", frontend_url="/orders")
    for number in (1, 2, 3):
        twelve.catalog.put_product(make_product(f"P{number}"))
    ended = complete(twelve, order)
    assert (ended.status, ended.message, ended.percent) == (OrderStatus.DONE_WITH_WARNING, GONE, 0)
    assert (ended.contents.tasks, ended.suborders, ended.expires) == ((), 0, order.created + 168 * HOUR)
    assert twelve.events() == [
        OrderEnded(
            order_id=order.id,
            owner=LISE.email,
            correlation_id="c",
            status=OrderStatus.DONE_WITH_WARNING,
            message=GONE,
        )
    ]


def test_2500_references(centre) -> None:
    """Case 24: references alone make a DONE order of external suborders, waiting for its user, with nothing to ask."""
    dataset = centre.dataset("R")
    for n in range(2500):
        centre.product(dataset, f"p{n}", reference(f"f{n}"))
    order = centre.place(correlation_id="c", frontend_url="/orders")
    done = complete(centre, order)
    assert (done.status, done.percent, done.counts) == (OrderStatus.DONE, 100, FileCounts(available=2500))
    assert (done.waiting_for_user, done.waiting_suborders) == (True, 0)
    assert done.available_since == order.created
    suborders = centre.suborders(order)
    assert [each.counts.available for each in suborders] == [1001, 1001, 498]
    assert all(each.external and each.state is SuborderState.ENDED for each in suborders)
    about = {"order_id": order.id, "owner": LISE.email, "correlation_id": "c"}
    assert centre.events() == [
        *(SuborderDone(**about, suborder_id=each.id, errors=0, total_suborders=3) for each in suborders),
        OrderEnded(**about, status=OrderStatus.DONE, message=None),
        OrderCreated(**about, frontend_url="/orders"),
    ]
    assert centre.ordering.work() == 0
    assert centre.storage.asked == []


def test_running_order_with_references(centre) -> None:
    """External suborders of a RUNNING order are told first, then that the order exists, and it is not ended."""
    dataset = centre.dataset("D")
    centre.product(dataset, "p", ("a", b"a"), reference("r"))
    order = complete(centre, centre.place(frontend_url="/orders"))
    assert (order.status, order.counts.available, order.percent) == (OrderStatus.RUNNING, 1, 0)
    assert order.waiting_for_user is False
    assert [(type(each).__name__, getattr(each, "total_suborders", None)) for each in centre.events()] == [
        ("SuborderDone", 2),
        ("OrderCreated", None),
    ]


def test_without_a_page_nobody_is_told(twelve) -> None:
    """An order without page of the front end makes no creation mail (case 10)."""
    complete(twelve, twelve.place())
    assert "OrderCreated" not in twelve.told()


@pytest.mark.parametrize(("hours", "longest", "expected"), [(5, 1, 1), (5, 100, 20), (240, 168, 168)])
def test_expiration(make_twelve, hours: int, longest: int, expected: int) -> None:
    """Two suborders live (2 + 2) × D hours from the end of completion, never beyond the maximum (case 25)."""
    centre = make_twelve(user_hours=hours, max_hours=longest)
    order = centre.place()
    now = centre.ordering.clock.advance(minutes=10)
    assert complete(centre, order).expires == now + expected * HOUR


def test_pages_do_not_change_the_cut(make_twelve) -> None:
    """Read one product at a time, the catalogue gives the same suborders, and every product once."""
    cuts = []
    for page in (1, 4, 5, 5000):
        centre = make_twelve(catalog_page=page)
        order = complete(centre, centre.place())
        assert order.contents.features == 3
        cuts.append([each.counts for each in centre.suborders(order)])
    assert all(cut == cuts[0] for cut in cuts)


def test_datasets_never_share_a_suborder(centre) -> None:
    """Datasets come in the order of their labels, each with its own task and suborders."""
    for name, label in (("1", "beta"), ("2", "Alpha"), ("3", "ALPHA")):
        dataset = attrs.evolve(centre.dataset(name), label=label)
        centre.catalog.put_dataset(dataset)
        centre.product(dataset, f"p{name}", (f"f{name}", b"x"))
    order = complete(centre, centre.place())
    assert [task.dataset_label.lower() for task in order.contents.tasks] == ["alpha", "alpha", "beta"]
    assert len({task.dataset_urn for task in order.contents.tasks}) == 3
    urns = [suborder.dataset_urn for suborder in centre.suborders(order)]
    assert urns == [task.dataset_urn for task in order.contents.tasks]
    assert len({task.id for task in order.contents.tasks}) == 3


def test_attached_files(twelve) -> None:
    """Cases 17 and 18: files of the dataset are ordered with it, unfiltered, and made available by their kind."""
    guide = b"g" * 67_170
    dam = DataFile(DataType.RAWDATA, "dam", "http://dam/7/dam", size=3, checksum="dd")
    files = (make_file("guide", guide), dam, reference("link"))
    dataset = twelve.dataset("Twelve", files=files)
    twelve.storage.contents["guide"] = guide
    order = complete(twelve, twelve.place(file_filter=FileFilter(frozenset({FileTypes.QUICKLOOK}))))
    assert order.counts.total == 9 + 3
    attached = {file.filename: file for file in twelve.files(order) if file.product_urn == dataset.urn}
    assert {name: (file.state, file.version) for name, file in attached.items()} == {
        "guide": ("PENDING", 0),
        "dam": ("AVAILABLE", 0),
        "link": ("AVAILABLE", 0),
    }


def test_dataset_that_is_gone(twelve) -> None:
    """A dataset that the catalogue does not know any more is skipped silently; its products are ordered."""
    order = twelve.place()
    twelve.catalog._datasets.clear()
    assert complete(twelve, order).counts.total == 12


def test_access_is_the_owners(centre) -> None:
    """Completion runs with the owner's groups and role of when the order was placed."""
    dataset = centre.dataset("D")
    centre.product(dataset, "open", ("a", b"a"))
    centre.product(dataset, "closed", ("b", b"b"), groups=frozenset({"team"}))
    users = [LISE, User("max@obs.example", groups=frozenset({"team"})), User("adm@obs.example", Role.ADMIN)]
    assert [complete(centre, centre.place(user)).counts.total for user in users] == [1, 2, 2]


def test_selection_keeps_its_date(twelve) -> None:
    """Products that entered the catalogue after the selection are not ordered."""
    order = twelve.place()
    created = twelve.ordering.clock.now() + dt.timedelta(seconds=1)
    dataset = twelve.dataset("Twelve")
    twelve.product(dataset, "late", ("late", b"x"), created=created)
    assert complete(twelve, order).counts.total == 12


def test_one_dated_selection_out_of_two(twelve) -> None:
    """All dated selections of a dataset are searched together: a product in two of them is ordered once."""
    twelve.ordering.add_selection(LISE, SelectionRequest())
    assert complete(twelve, twelve.place()).counts.total == 12


def test_oversized_files_are_told(make_twelve) -> None:
    """A stored file larger than a suborder is ordered, and administrators are told its name."""
    centre = make_twelve(suborder_max_bytes=999_999)
    order = centre.place(correlation_id="c")
    assert complete(centre, order).counts.total == 12
    told = centre.events()
    assert {each.filename for each in told} == {"P1.bin", "P3.bin"}
    assert told[0] == FileOversized(order_id=order.id, owner=LISE.email, correlation_id="c", filename=told[0].filename)


# --- priority --------------------------------------------------------------------------------------------------------


def put_suborders(centre, owner: str, count: int, status: OrderStatus = OrderStatus.RUNNING) -> None:
    """Put an order with some PENDING suborders of somebody into the store."""
    now = centre.ordering.clock.now()
    with centre.ordering.store.write() as tx:
        order = Order(
            id=tx.ids.block("order", 1)[0],
            owner=owner,
            label=f"{owner} {status.name}",
            correlation_id="c",
            created=now,
            status=status,
            status_date=now,
            hours=1,
        )
        tx.orders.add(order)
        for id in tx.ids.block("suborder", count):
            tx.suborders.add(
                Suborder(
                    id=id,
                    order_id=order.id,
                    owner=owner,
                    dataset_urn="URN",
                    external=False,
                    state=SuborderState.PENDING,
                    priority=0,
                    hours=1,
                    first_file=1,
                    last_file=1,
                    counts=FileCounts(pending=1),
                )
            )


@pytest.mark.parametrize(
    ("mine", "others", "role", "expected"),
    [
        (0, 0, Role.REGISTERED_USER, 0),
        (0, 6, Role.REGISTERED_USER, 80),
        (3, 9, Role.REGISTERED_USER, 60),
        (3, 9, Role.EXPLOIT, 85),
        (0, 0, Role.ADMIN, 100),
    ],
)
def test_priority(twelve, mine: int, others: int, role: Role, expected: int) -> None:
    """Case 22: priority follows the share of live suborders, counted before the order's own; PAUSED orders are out."""
    put_suborders(twelve, LISE.email, mine)
    put_suborders(twelve, "max@obs.example", others)
    put_suborders(twelve, "max@obs.example", 50, OrderStatus.PAUSED)
    order = twelve.place(User(LISE.email, role))
    complete(twelve, order)
    assert {each.priority for each in twelve.suborders(order)} == {expected}


# --- failures --------------------------------------------------------------------------------------------------------


class _Breaking:
    """A catalogue that fails from the n-th call of a method on, for some calls."""

    def __init__(self, catalog, method: str, call: int, failure: Exception, *, calls: int = 1000) -> None:
        self.catalog, self.method, self.left, self.failure, self.calls = catalog, method, call, failure, calls

    def __getattr__(self, name: str):
        if name == self.method:
            self.left -= 1
            if -self.calls < self.left <= 0:
                raise self.failure
        return getattr(self.catalog, name)


SEARCH_FAILED = "Error trying to search data objects from catalog."


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (CatalogUnavailable("switched off"), SEARCH_FAILED),
        (RuntimeError("boom"), "Unexpected error: boom"),
        (RuntimeError("x" * 300), f"Unexpected error: {'x' * 237}"),
        (RuntimeError("NUL \0 and half \ud83d"), "Unexpected error: NUL ? and half ?"),
        (NotFound("Dataset", 3), "Entity Dataset with id : 3 doesn't exist"),
    ],
)
@pytest.mark.parametrize(("method", "call"), [("dataset", 1), ("attributes", 1), ("search", 1), ("search", 3)])
def test_failing_catalogue(make_twelve, caplog, method: str, call: int, failure: Exception, message: str) -> None:
    """Case 9: whatever fails ends the order FAILED, with a message, an expiration, one event and no file (W1, W4)."""
    centre = make_twelve(suborder_max_files=1, catalog_page=1)
    order = centre.place(correlation_id="c", frontend_url="/orders")
    broken = centre.with_(catalog=_Breaking(centre.catalog, method, call, failure))
    with caplog.at_level(logging.WARNING, "regards_order"):
        failed = complete(broken, order)
    assert (failed.status, failed.message) == (OrderStatus.FAILED, message)
    assert (failed.expires, failed.counts, failed.suborders) == (order.created + 168 * HOUR, FileCounts(), 0)
    assert (centre.files(order), centre.suborders(order)) == ([], [])
    assert centre.events() == [
        OrderEnded(order_id=order.id, owner=LISE.email, correlation_id="c", status=OrderStatus.FAILED, message=message)
    ]
    assert centre.read(order) == failed
    [record] = caplog.records
    assert (record.action, record.order_id, record.exc_info[1]) == ("order_failed", order.id, failure)


@pytest.mark.parametrize("call", [1, 2, 3])
def test_a_catalogue_that_blinks(make_twelve, caplog, call: int) -> None:
    """A search that fails twice is asked a third time, and no product is lost or taken twice (W34)."""
    centre = make_twelve(catalog_page=1)
    blinking = _Breaking(centre.catalog, "search", call, CatalogUnavailable("blink"), calls=2)
    with caplog.at_level(logging.INFO, "regards_order"):
        order = complete(centre.with_(catalog=blinking), centre.place())
    assert (order.status, order.counts.total, order.contents.features) == (OrderStatus.RUNNING, 12, 3)
    assert [record.action for record in caplog.records] == ["search_failed"] * 2


def test_products_that_vanished_are_logged(twelve, caplog) -> None:
    """The task shows what the basket counted; that the catalogue gave less stands in the log (W35)."""
    order = twelve.place()
    twelve.catalog._products.popitem()
    with caplog.at_level(logging.INFO, "regards_order"):
        [task] = complete(twelve, order).contents.tasks
    assert (task.objects_count, task.files_count) == (3, 8)
    [record] = caplog.records
    assert (record.action, record.order_id, record.dataset) == ("products_differ", order.id, task.dataset_urn)
    assert (record.in_basket, record.found) == (3, 2)


def test_failed_order_lives_as_if_without_suborders(make_twelve) -> None:
    """A failed completion counts no suborder for the expiration date."""
    centre = make_twelve(user_hours=5)
    order = centre.place()
    failed = complete(centre.with_(catalog=_Breaking(centre.catalog, "search", 1, RuntimeError())), order)
    assert failed.expires == order.created + 5 * HOUR


def test_bad_pattern_in_the_snapshot(twelve) -> None:
    """A pattern that was stored and cannot be compiled any more fails the order with its cause."""
    twelve.ordering.add_selection(LISE, SelectionRequest())
    with twelve.ordering.store.write() as tx:
        basket = next(iter(tx.baskets._tables.baskets.values()))
        tx.baskets.save(basket.filtered(1, FileFilter(name_pattern="test**")))
    failed = complete(twelve, twelve.ordering.place_order(LISE))
    assert failed.status is OrderStatus.FAILED
    assert failed.message == 'The file name pattern "test**" cannot be used: multiple repeat at position 5.'


def test_query_that_means_nothing_any_more(twelve) -> None:
    """A query over an attribute that no product has any more fails the order with the reason."""
    twelve.product(twelve.dataset("Twelve"), "x", ("x", b"x"), properties={"cloud": 1})
    order = twelve.place(request=SelectionRequest.of("cloud:1"))
    twelve.catalog.put_product(make_product("x"))
    failed = complete(twelve, order)
    assert failed.status is OrderStatus.FAILED
    assert failed.message.startswith("line 1, column 1: ")


def test_order_without_snapshot(twelve) -> None:
    """An order whose basket is lost has nothing to order."""
    order = twelve.place()
    with twelve.ordering.store.write() as tx:
        for owner in list(tx.baskets._tables.baskets):
            tx.baskets.remove(owner)
    assert complete(twelve, order).message == GONE


def test_unknown_order(centre) -> None:
    """There is nothing to complete in an order that does not exist."""
    with pytest.raises(NotFound, match="Entity Order with id : 99 doesn't exist"):
        centre.ordering.complete_order(99)


# --- again, and races ------------------------------------------------------------------------------------------------


def test_completing_twice(twelve) -> None:
    """An order that is not PENDING any more is returned as it is."""
    order = twelve.place()
    first = complete(twelve, order)
    assert complete(twelve, order) == first
    assert len(twelve.files(order)) == 12


def test_completion_that_died_begins_again(twelve) -> None:
    """What a completion left behind when its process died is erased by the next one."""
    order = twelve.place()

    class Killed(BaseException):
        """The process ends."""

    with pytest.raises(Killed):
        complete(twelve.with_(catalog=_Breaking(twelve.catalog, "search", 2, Killed())), order)
    assert twelve.read(order).status is OrderStatus.PENDING
    complete(twelve, order)
    assert (len(twelve.files(order)), len(twelve.suborders(order))) == (12, 2)


def end(centre, order: Order):
    """Return a deed that ends the order behind the back of its completion."""

    def deed() -> None:
        with centre.ordering.store.write() as tx:
            found = tx.orders.get(order.id, lock=True)
            tx.orders.save(attrs.evolve(found, status=OrderStatus.PAUSED), keep_lease=True)

    return deed


def test_order_stopped_during_its_completion(twelve, intrude) -> None:
    """A completion that finds its order paused lists it to its end; nothing starts before it is resumed."""
    order = twelve.place(frontend_url="/orders")
    # write transactions: begin, two suborders, the dataset task, the start
    raced = intrude(twelve, None, None, None, None, end(twelve, order))
    left = complete(raced, order)
    assert (left.status, left.listed, left.counts.pending) == (OrderStatus.PAUSED, True, 12)
    assert {suborder.state for suborder in twelve.suborders(order)} == {SuborderState.ABORTED}
    assert OrderCreated in {type(event) for event in twelve.events()}
    twelve.ordering.work()
    assert twelve.read(order).counts.pending == 12
    twelve.ordering.resume_order(LISE, order.id)
    twelve.ordering.work()
    assert twelve.read(order).counts.available == 12


@pytest.mark.parametrize("overtaken_at", [1, 2, 3, 4])
def test_two_completions_of_one_order(twelve, intrude, overtaken_at: int) -> None:
    """A completion that another one overtook writes nothing any more: the order is listed once, and whole."""
    order = twelve.place()

    def overtake() -> None:
        end_lease(twelve, order)
        complete(twelve, order)

    deeds = [None] * overtaken_at + [overtake]
    left = complete(intrude(twelve, *deeds), order)
    assert left == twelve.read(order)
    assert left.status is OrderStatus.RUNNING
    assert (len(twelve.files(order)), len(twelve.suborders(order))) == (12, 2)
    assert left.counts.total == 12
    twelve.ordering.work()
    assert twelve.read(order).counts.available == 12


def test_order_stopped_while_its_completion_fails(twelve, intrude) -> None:
    """A failure ends an order that was paused meanwhile as well."""
    order = twelve.place()
    raced = intrude(twelve, None, None, end(twelve, order)).with_(
        catalog=_Breaking(twelve.catalog, "search", 1, RuntimeError("boom"))
    )
    left = complete(raced, order)
    assert (left.status, left.message) == (OrderStatus.FAILED, "Unexpected error: boom")
    assert (twelve.files(order), [type(event) for event in twelve.events()]) == ([], [OrderEnded])


# --- claims ----------------------------------------------------------------------------------------------------------


def test_an_order_that_somebody_else_lists_is_left_alone(twelve) -> None:
    """While another worker holds the lease the order is returned as it is."""
    order = twelve.place()
    with twelve.ordering.store.write() as tx:
        [held] = tx.claims.orders(1, 3600)
    assert twelve.ordering.complete_order(order.id) == held == twelve.read(order)
    assert (twelve.ordering.work(), twelve.files(order)) == (0, [])


def test_an_order_whose_worker_died_is_begun_again(twelve, intrude) -> None:
    """When the lease is over the next worker erases what is there and lists the files anew."""
    order = twelve.place()

    def die() -> None:
        raise KeyboardInterrupt

    dying = intrude(twelve, None, None, None, die)
    with pytest.raises(KeyboardInterrupt):
        dying.ordering.work()
    assert len(twelve.files(order)) > 0
    end_lease(twelve, order)
    done = twelve.work(order)
    assert (done.status, done.attempt, len(twelve.files(order))) == (OrderStatus.DONE, 2, 12)


def test_an_order_that_kills_its_workers_is_given_up(make_twelve) -> None:
    """After so many attempts the order fails, with a message."""
    twelve = make_twelve(completion_attempts=2)
    order = twelve.place()
    for _ in range(2):
        with twelve.ordering.store.write() as tx:
            assert len(tx.claims.orders(1, 0)) == 1
    failed = twelve.work(order)
    assert (failed.status, failed.message) == (OrderStatus.FAILED, "Its files could not be listed in 2 attempts.")
    assert twelve.told() == ["OrderEnded"]


def test_a_completion_that_is_told_to_stop_gives_the_order_back(twelve) -> None:
    """It is PENDING as before, and the next worker may begin at once."""
    order = twelve.place()
    answers = iter([False, False, True])
    assert twelve.ordering.complete(lambda: next(answers)) == 1
    stopped = twelve.read(order)
    assert (stopped.status, stopped.attempt) == (OrderStatus.PENDING, 0)
    done = twelve.work(order)
    assert (done.status, done.attempt, len(twelve.files(order))) == (OrderStatus.DONE, 1, 12)


def test_stops_are_no_failures(make_twelve) -> None:
    """However often its workers were told to stop, an order is not given up for it."""
    centre = make_twelve(completion_attempts=2)
    order = centre.place()
    for _ in range(5):
        answers = iter([False, True])
        centre.ordering.complete(lambda answers=answers: next(answers))
    assert centre.work(order).status is OrderStatus.DONE


def test_a_database_that_goes_away_fails_no_order(twelve, intrude) -> None:
    """The order stays PENDING and is listed when the lease is over."""
    order = twelve.place()

    def fail() -> None:
        raise StoreUnavailable("gone")

    with pytest.raises(StoreUnavailable):
        intrude(twelve, None, None, fail).ordering.work()
    assert twelve.read(order).status is OrderStatus.PENDING


def test_a_failure_that_comes_too_late(twelve) -> None:
    """Who lost its claim before it failed does not spoil what the next worker made of the order."""
    order = twelve.place()

    class Late:
        def __getattr__(self, name: str):
            end_lease(twelve, order)
            twelve.ordering.work()
            raise CatalogUnavailable("gone")

    twelve.with_(catalog=Late()).ordering.complete_order(order.id)
    assert (twelve.read(order).status, twelve.told().count("OrderEnded")) == (OrderStatus.DONE, 1)


@pytest.mark.parametrize("removed", [True, False])
@pytest.mark.parametrize("gone_at", [1, 2, 3, 5])
def test_order_that_is_gone_during_its_completion(twelve, intrude, gone_at: int, removed: bool) -> None:
    """A completion whose order was deleted, or even removed, writes nothing any more and hands out what it had."""
    order = twelve.place(frontend_url="/orders")

    def vanish() -> None:
        twelve.ordering.cancel_order(order.id)
        if removed:
            twelve.ordering.remove_order(CHIEF, order.id)

    left = complete(intrude(twelve, *[None] * gone_at, vanish), order)
    if removed:
        assert left == attrs.evolve(order, attempt=1)
        with pytest.raises(NotFound):
            twelve.read(order)
    else:
        assert left == twelve.read(order)
        assert (left.status, left.listed) == (OrderStatus.DELETED, True)
    assert (twelve.files(order), twelve.suborders(order), twelve.told()) == ([], [], [])
    assert twelve.ordering.work() in (0, 1)  # the slot that a deletion notes, if there is one
    assert twelve.told() == []


def test_a_failure_of_a_completion_whose_order_is_gone(twelve) -> None:
    """There is nobody left to be told of it."""
    order = twelve.place()

    class Vanishing:
        def __getattr__(self, name: str):
            twelve.ordering.cancel_order(order.id)
            twelve.ordering.remove_order(CHIEF, order.id)
            raise CatalogUnavailable("gone")

    left = twelve.with_(catalog=Vanishing()).ordering.complete_order(order.id)
    assert (left, twelve.told()) == (attrs.evolve(order, attempt=1), [])
