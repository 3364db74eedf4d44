"""The cases of page 20, "Cases", one test each, on the twins, on SQLite and on PostgreSQL (43 and 44 stand beside).

What they say of HTTP statuses, bodies and links is tested where HTTP is; here the core says it with an error's code.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from pathlib import Path

import attrs
import pytest

from regards_order import (
    CatalogUnavailable,
    DataType,
    FileFilter,
    FileTypes,
    IllegalTransition,
    InvalidInput,
    LabelTaken,
    LabelTooLong,
    NoBasket,
    NotAllowed,
    NotFound,
    NotificationRefused,
    NotManager,
    Order,
    OrderingError,
    OrderStatus,
    Role,
    SelectionRequest,
    Settings,
    Suborder,
    SuborderState,
    User,
)
from regards_order.application import fulfil
from regards_order.domain.basket import BasketOwner
from regards_order.domain.events import OrderCreated, OrderEnded, OrdersAside, SuborderDone
from regards_order.domain.files import FileCounts
from regards_order.testing import make_dataset, make_file, make_product
from regards_order_adapters.http.links import order_links

#: what of the cases cannot be tested yet, and why; the rest of these cases is
LATER = {
    "9: orders by message, GRANTED first": "AMQP comes with issues 9 to 12",
    "10: orders by message": "AMQP comes with issues 9 to 12",
    "11: sizeLimitInBytes, DENIED": "AMQP comes with issues 9 to 12; the core has no size limit",
    "20: the link in each message": "messages come with issues 9 to 12; the outbox has what they tell",
    "35: the cancel message": "AMQP comes with issues 9 to 12; the core cancels by `cancel_order`",
    "38: search over all orders": "the search comes with the rest of REST",
    "39: search over all orders": "the search comes with the rest of REST",
    "40: CSV": "it comes with the search",
}
UNTESTED = {11, 38, 39, 40}

LISE, HUGO = User("lise@obs.example"), User("hugo@obs.example")
ADMIN = User("admin@obs.example", Role.ADMIN)
PROJECT_ADMIN = User("chief@obs.example", Role.PROJECT_ADMIN)
INSTANCE_ADMIN = User("root@obs.example", Role.INSTANCE_ADMIN)
REFERENCE = make_file("1.dat", uri="http://ref.example/1", reference=True)
MIB = 1024 * 1024
HOUR = dt.timedelta(hours=1)


def refusal(kind: type[OrderingError], action, *arguments, **options) -> str:
    """Return the code with which an action is refused."""
    with pytest.raises(kind) as refused:
        action(*arguments, **options)
    return refused.value.code


def listed(centre, order: Order) -> Order:
    """List the files of an order and give out slots; nobody asks the storage."""
    centre.ordering.complete_order(order.id)
    fulfil.schedule(centre.ordering, order.owner)
    return centre.read(order)


def finished(centre) -> list[OrderEnded]:
    """Return what was told of the ends of orders."""
    return [event for event in centre.events() if isinstance(event, OrderEnded)]


def mails(centre) -> list[object]:
    """Return what users were told by mail, after the chores."""
    while centre.ordering.do_chores():
        pass
    return [event for event in centre.ordering.notifier.told if isinstance(event, OrderCreated | OrdersAside)]


def test_every_case_is_here() -> None:
    """Each of the 44 cases has a test named by its number, or stands in the list of those that come later."""
    numbers = Counter()
    for module in Path(__file__).parent.glob("test_*.py"):
        numbers.update({int(number) for number in re.findall(r"^def test_case_(\d+)", module.read_text(), re.M)})
    assert set(numbers) | UNTESTED == set(range(1, 45))
    assert not set(numbers) & UNTESTED
    assert {int(case.split(":")[0]) for case in LATER} >= UNTESTED


# --- creation, label -------------------------------------------------------------------------------------------------


def test_case_01_twelve_files(twelve) -> None:
    """Exactly 2 stored suborders, both QUEUED, no file AVAILABLE yet; after both DONE, 100 percent, 12 AVAILABLE."""
    order = listed(twelve, twelve.place())
    assert (order.contents.internal_suborders, order.contents.external_suborders) == (2, 0)
    assert twelve.states(order) == ["QUEUED", "QUEUED"]
    assert order.counts.available == 0
    done = twelve.work(order)
    assert (done.status, done.percent, done.counts.in_error) == (OrderStatus.DONE, 100, 0)
    assert done.counts == FileCounts(available=12, bytes_known=3_000_171)


def test_case_02_label_and_page(twelve) -> None:
    """The order belongs to its caller, bears the label that was given, and is PENDING."""
    order = twelve.place(label="myCommand", frontend_url="http://front.example")
    assert (order.owner, order.label, order.status) == (LISE.email, "myCommand", OrderStatus.PENDING)
    assert twelve.read(order) == order
    assert order.frontend_url == "http://front.example"


def test_case_03_generated_label(twelve) -> None:
    """Without a label one is generated from the date."""
    assert re.fullmatch(r"Order of \d{4}/\d{2}/\d{2} at \d{2}:\d{2}:\d{2}", twelve.place(label=None).label)


def test_case_04_long_label(twelve) -> None:
    """A label of 51 characters is too long, and nothing is ordered."""
    label = "this-label-has-too-many-characters-if-we-append(51)"
    assert refusal(LabelTooLong, twelve.place, label=label) == "TOO_MANY_CHARACTERS_IN_LABEL"
    assert twelve.ordering.list_orders(LISE) == ()


def test_case_05_label_twice(twelve) -> None:
    """A user uses a label once; somebody else may use it too."""
    twelve.place(label="myDoubleCommand")
    assert refusal(LabelTaken, twelve.place, label="myDoubleCommand") == "LABEL_NOT_UNIQUE_FOR_OWNER"
    assert twelve.place(HUGO, label="myDoubleCommand").owner == HUGO.email


def test_case_06_no_basket(twelve) -> None:
    """Without a basket there is no order."""
    refusal(NoBasket, twelve.ordering.place_order, LISE)
    assert twelve.ordering.list_orders(LISE) == ()


def test_case_07_empty_basket(twelve) -> None:
    """An empty basket can be ordered, ends with a warning, is told once, and mailed never."""
    basket = twelve.ordering.add_selection(LISE, SelectionRequest())
    assert twelve.ordering.remove_dataset(LISE, basket.selections[0].id).selections == ()
    order = twelve.work(twelve.ordering.place_order(LISE, frontend_url="http://front.example"))
    assert (order.status, order.percent) == (OrderStatus.DONE_WITH_WARNING, 0)
    assert order.message == "It seems that the queried features do not exist anymore."
    assert [event.status for event in finished(twelve)] == [OrderStatus.DONE_WITH_WARNING]
    assert mails(twelve) == []


def test_case_08_snapshot(twelve) -> None:
    """The basket becomes the order's, and its user has none any more."""
    order = twelve.place()
    with twelve.ordering.store.read() as tx:
        snapshot = tx.baskets.get(BasketOwner.order(order.id))
        assert tx.baskets.get(BasketOwner.user(LISE.email)) is None
    assert snapshot is not None
    assert len(snapshot.selections) == 1


class FailingCatalog:
    """A catalogue that cannot be searched."""

    def __init__(self, catalog) -> None:
        self._catalog = catalog

    def __getattr__(self, name):
        return getattr(self._catalog, name)

    def search(self, *arguments, **options):
        raise CatalogUnavailable("search failed")


def test_case_09_catalogue_fails(twelve) -> None:
    """Two orders are taken, and both become FAILED when the catalogue fails; nobody gets a mail."""
    failing = twelve.with_(catalog=FailingCatalog(twelve.ordering.catalog))
    orders = [failing.place(frontend_url="http://front.example") for _ in range(2)]
    assert [order.status for order in orders] == [OrderStatus.PENDING] * 2
    failing.ordering.work()
    ended = [failing.read(order) for order in orders]
    assert [order.status for order in ended] == [OrderStatus.FAILED] * 2
    assert {order.message for order in ended} == {"Error trying to search data objects from catalog."}
    assert [event.status for event in finished(twelve)] == [OrderStatus.FAILED] * 2
    assert mails(failing) == []


def test_case_10_two_orders_share_the_slots(twelve) -> None:
    """Two orders RUNNING, four suborders, of which exactly two are QUEUED; without a page nobody gets a mail."""
    orders = [twelve.place(), twelve.place()]
    orders = [listed(twelve, order) for order in orders]
    assert [order.status for order in orders] == [OrderStatus.RUNNING] * 2
    states = [state for order in orders for state in twelve.states(order)]
    assert Counter(states) == {"QUEUED": 2, "PENDING": 2}
    assert mails(twelve) == []


def test_case_12_failures_and_mails(twelve) -> None:
    """A creation that fails is not mailed; a mail that fails stops no order."""
    failing = twelve.with_(catalog=FailingCatalog(twelve.ordering.catalog))
    assert failing.order(frontend_url="http://front.example").status is OrderStatus.FAILED
    assert mails(twelve) == []
    twelve.ordering.notifier.failure = NotificationRefused(LISE.email, "the template is broken")
    order = twelve.place(frontend_url="http://front.example")
    twelve.ordering.complete_order(order.id)
    twelve.ordering.do_chores()
    fulfil.schedule(twelve.ordering, LISE.email)
    assert twelve.states(order) == ["QUEUED", "QUEUED"]
    assert twelve.work(order).status is OrderStatus.DONE
    twelve.ordering.notifier.failure = None
    assert mails(twelve) == []


# --- filters, datasets -----------------------------------------------------------------------------------------------


def test_case_13_raw_data_only(twelve) -> None:
    """Of RAWDATA there are 3 files."""
    order = twelve.order(file_filter=FileFilter(frozenset({FileTypes.RAWDATA})))
    assert order.status is OrderStatus.DONE
    assert [file.data_type for file in twelve.files(order)] == [DataType.RAWDATA.value] * 3


def test_case_14_filter_of_nothing(twelve) -> None:
    """A filter without types and pattern lets everything through."""
    filtered, plain = twelve.order(file_filter=FileFilter()), twelve.order()
    names = [sorted(file.filename for file in twelve.files(order)) for order in (filtered, plain)]
    assert names[0] == names[1]
    assert len(names[0]) == 12


def test_case_15_pattern(twelve) -> None:
    """A pattern takes the files whose whole name it matches."""
    order = twelve.order(file_filter=FileFilter(name_pattern=r".*\.bin$"))
    assert sorted(file.filename for file in twelve.files(order)) == ["P1.bin", "P2.bin", "P3.bin"]


def test_case_16_pattern_without_result(twelve) -> None:
    """Nothing to order is a warning that says why."""
    order = twelve.order(file_filter=FileFilter(name_pattern="RegexWithNoResult"))
    assert (order.status, order.counts.total) == (OrderStatus.DONE_WITH_WARNING, 0)
    assert order.message == "No file match filters."


def test_case_17_attached_file(make_twelve) -> None:
    """A stored file attached to the dataset is ordered with its products."""
    guide = make_file("guide.pdf", b"g" * 67_170)
    centre = make_twelve(make_dataset("Twelve", files=(guide,)))
    centre.storage.contents["guide.pdf"] = b"g" * 67_170
    order = centre.order()
    assert (order.status, order.counts.available) == (OrderStatus.DONE, 13)


def test_case_18_attached_files_by_bucket(make_twelve) -> None:
    """Of attached files, references and those under /dam are external, the others are stored."""
    attached = (
        make_file("dam.pdf", b"1", uri="http://dam.example/1/dam"),
        make_file("reference.pdf", b"2", uri="http://ref.example/2", reference=True),
        make_file("stored.pdf", b"3", uri="stored.pdf"),
    )
    centre = make_twelve(make_dataset("Twelve", files=attached))
    order = listed(centre, centre.place())
    external = {suborder.id: suborder.external for suborder in centre.suborders(order)}
    buckets = {file.filename: external[file.suborder_id] for file in centre.files(order)}
    assert {name for name, is_external in buckets.items() if is_external} == {"dam.pdf", "reference.pdf"}
    assert len(buckets) == 15


# --- scheduling, waiting ---------------------------------------------------------------------------------------------


def test_case_19_wait_for_the_user(make_twelve) -> None:
    """Four suborders and 2 slots: the order waits for its user, whose ZIP lets the two others run."""
    centre = make_twelve(make_dataset("One"), make_dataset("Two"))
    order = centre.order()
    assert (order.suborders, order.counts.total) == (4, 24)
    assert (order.waiting_for_user, order.status) == (True, OrderStatus.RUNNING)
    assert centre.states(order) == ["WAITING", "WAITING", "PENDING", "PENDING"]
    assert len(centre.download(order)) == 12
    assert centre.read(order).waiting_for_user is False
    assert centre.work(order).status is OrderStatus.DONE


def test_case_20_messages(make_twelve) -> None:
    """With 1 slot one SUBORDER_DONE, after the ZIP another one, then one DONE, all with the client's identifier."""
    centre = make_twelve(suborders_per_user=1)
    order = centre.order(correlation_id="myCorrelationId")
    assert centre.told() == ["SuborderDone"]
    centre.download(order)
    centre.work(order)
    assert centre.told() == ["SuborderDone", "SuborderDone", "OrderEnded"]
    assert finished(centre)[0].status is OrderStatus.DONE
    assert {event.correlation_id for event in centre.events()} == {"myCorrelationId"}


def test_case_21_everything_refused(twelve) -> None:
    """Every checksum refused: 100 percent, 12 errors, FAILED."""
    order = listed(twelve, twelve.place())
    twelve.storage.refused = {file.checksum: "lost" for file in twelve.files(order)}
    order = twelve.work(order)
    assert (order.percent, order.counts.in_error, order.status) == (100, 12, OrderStatus.FAILED)
    assert not any(isinstance(event, SuborderDone) for event in twelve.events())


@pytest.mark.parametrize(
    ("total", "mine", "registered", "exploit"),
    [(0, 0, 0, 100), (6, 0, 80, 80), (12, 3, 60, 85), (3, 1, 53, 86), (3, 2, 26, 93), (10, 10, 0, 100)],
)
def test_case_22_priorities(twelve, total: int, mine: int, registered: int, exploit: int) -> None:
    """Who has much in flight steps back, unless his role is above REGISTERED_USER."""
    expert = User("expert@obs.example", Role.EXPLOIT)
    for user, priority in ((LISE, registered), (expert, exploit)):
        in_flight(twelve, {user.email: mine, "other@obs.example": total - mine})
        order = twelve.place(user)
        twelve.ordering.complete_order(order.id)
        assert {suborder.priority for suborder in twelve.suborders(order)} == {priority}
        with twelve.ordering.store.write() as tx:
            for each in tx.orders.page():
                tx.suborders.erase(each.id)


def in_flight(centre, counts: dict[str, int]) -> None:
    """Let users have some suborders in flight."""
    with centre.ordering.store.write() as tx:
        for owner, count in counts.items():
            order = Order(
                id=tx.ids.block("order", 1)[0],
                owner=owner,
                label=f"in flight {tx.ids.block('order', 1)[0]}",
                correlation_id="c",
                created=centre.clock.now(),
                status=OrderStatus.RUNNING,
                status_date=centre.clock.now(),
                hours=1,
                listed=True,
            )
            tx.orders.add(order)
            for id in tx.ids.block("suborder", count) if count else ():
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


def test_case_23_cut_by_size(centre) -> None:
    """250 products of 1 MiB: suborders of 100, 100 and 50 files."""
    dataset = make_dataset("Many")
    file = attrs.evolve(make_file("1.dat"), size=MIB)
    files = [attrs.evolve(file, uri=f"{n}.dat", filename=f"{n}.dat", checksum=f"{n:032}") for n in range(250)]
    products = [make_product(f"p{n}", each, datasets=(dataset,)) for n, each in enumerate(files)]
    centre.publish([dataset], products)
    order = listed(centre, centre.place())
    assert [suborder.counts.total for suborder in centre.suborders(order)] == [100, 100, 50]


def test_case_24_references(centre) -> None:
    """2,500 references: external suborders of 1,001, 1,001 and 498 files, DONE at once, and nobody is asked."""
    dataset = make_dataset("References")
    files = [attrs.evolve(REFERENCE, uri=f"http://ref.example/{n}", checksum=f"{n:032}") for n in range(2500)]
    centre.publish([dataset], [make_product(f"p{n}", each, datasets=(dataset,)) for n, each in enumerate(files)])
    order = centre.order()
    suborders = centre.suborders(order)
    assert [(suborder.external, suborder.counts.total) for suborder in suborders] == [
        (True, 1001),
        (True, 1001),
        (True, 498),
    ]
    assert (order.status, order.percent, order.counts.available) == (OrderStatus.DONE, 100, 2500)
    assert centre.storage.asked == []


# --- expiration ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("internal", "duration", "longest", "hours"), [(5, 5, 1, 1), (5, 500, 100, 100), (0, 10, 100, 10)]
)
def test_case_25_expiration_date(make_centre, internal: int, duration: int, longest: int, hours: int) -> None:
    """An order lives longer with more stored suborders, but never beyond the maximum; so with 500 suborders."""
    assert Settings(max_hours=100).order_hours(500, 500) == 100
    centre = make_centre(suborder_max_files=1)
    centre.ordering.change_setting(ADMIN, "expiration_max_duration_in_hours", longest)
    parameters = {"subOrderDuration": duration, "delayBeforeEmailNotification": 1}
    centre.ordering.change_setting(ADMIN, "user_order_parameters", parameters)
    dataset = make_dataset("D")
    files = [make_file(f"{n}.dat", b"%d" % n) for n in range(internal)] or [REFERENCE]
    centre.publish([dataset], [make_product(f"p{n}", file, datasets=(dataset,)) for n, file in enumerate(files)])
    order = listed(centre, centre.place())
    assert order.contents.internal_suborders == internal
    assert order.expires == centre.clock.now() + hours * HOUR


def test_case_26_expired(twelve) -> None:
    """A RUNNING order whose time is over loses its files."""
    order = twelve.place()
    files = [file.checksum for file in twelve.files(listed(twelve, order))]
    twelve.storage.held = set(files[1:])
    order = twelve.work(order)
    assert (order.status, order.counts.available) == (OrderStatus.RUNNING, 1)
    twelve.clock.advance(seconds=(order.expires - twelve.clock.now()).total_seconds(), days=1)
    twelve.ordering.do_chores()
    expired = twelve.read(order)
    assert (expired.status, expired.available, expired.waiting_for_user) == (OrderStatus.EXPIRED, 0, False)
    assert (twelve.files(order), twelve.suborders(order)) == ([], [])


# --- actions ---------------------------------------------------------------------------------------------------------


def test_case_27_pause_twice(twelve) -> None:
    """A PENDING order can be paused, once."""
    order = twelve.place()
    assert twelve.ordering.pause_order(LISE, order.id).status is OrderStatus.PAUSED
    code = refusal(IllegalTransition, twelve.ordering.pause_order, LISE, order.id)
    assert code == "ORDER_MUST_BE_PENDING_OR_RUNNING"


def test_case_28_resume(twelve) -> None:
    """What is paused can be resumed, and nothing else."""
    order = twelve.place()
    assert refusal(IllegalTransition, twelve.ordering.resume_order, LISE, order.id) == "ORDER_MUST_BE_PAUSED"
    twelve.ordering.pause_order(LISE, order.id)
    assert twelve.ordering.resume_order(LISE, order.id).status is OrderStatus.RUNNING
    assert twelve.work(order).status is OrderStatus.DONE


def test_case_29_pause_while_the_storage_is_slow(twelve) -> None:
    """It is effectively paused at once, and ends when it is resumed and the storage answers."""
    twelve.hold()
    order = twelve.order()
    assert twelve.ordering.pause_order(LISE, order.id).status is OrderStatus.PAUSED
    assert "RESUME" in twelve.may(order)
    assert twelve.states(order) == ["ABORTED", "ABORTED"]
    twelve.release()
    assert twelve.later(order).counts.available == 0
    twelve.ordering.resume_order(LISE, order.id)
    done = twelve.work(order)
    assert (done.status, done.counts.available) == (OrderStatus.DONE, 12)


def test_case_30_somebody_else(twelve) -> None:
    """Only the owner and administrators pause and resume."""
    order = twelve.place()
    for action in (twelve.ordering.pause_order, twelve.ordering.resume_order):
        assert refusal(NotManager, action, HUGO, order.id) == "USER_NOT_ALLOWED_TO_MANAGE_ORDER"
    twelve.ordering.pause_order(ADMIN, order.id)
    twelve.ordering.resume_order(ADMIN, order.id)
    assert twelve.work(order).status is OrderStatus.DONE


def test_case_31_delete(twelve) -> None:
    """What goes on is not deleted; what is paused is."""
    order = twelve.place()
    code = refusal(IllegalTransition, twelve.ordering.delete_order, LISE, order.id)
    assert code == "ORDER_MUST_BE_DONE_OR_DONE_WITH_WARNING_OR_PAUSED_OR_FAILED_OR_EXPIRED"
    twelve.ordering.pause_order(LISE, order.id)
    assert twelve.ordering.delete_order(LISE, order.id).status is OrderStatus.DELETED


def test_case_32_remove(twelve) -> None:
    """A DELETED order is erased for good, with its snapshot, by an administrator."""
    order = listed(twelve, twelve.place())
    code = refusal(IllegalTransition, twelve.ordering.remove_order, INSTANCE_ADMIN, order.id)
    assert code == "ORDER_MUST_BE_DELETED"
    twelve.ordering.pause_order(LISE, order.id)
    twelve.ordering.delete_order(LISE, order.id)
    refusal(NotAllowed, twelve.ordering.remove_order, LISE, order.id)
    twelve.ordering.remove_order(PROJECT_ADMIN, order.id)
    refusal(NotFound, twelve.ordering.get_order, LISE, order.id)
    with twelve.ordering.store.read() as tx:
        assert tx.baskets.get(BasketOwner.order(order.id)) is None


def test_case_33_restart(twelve) -> None:
    """A DONE order is ordered once more for its owner; one that goes on is not."""
    twelve.hold()
    order = twelve.order()
    code = "ORDER_MUST_BE_DONE_OR_DONE_WITH_WARNING_OR_FAILED"
    assert refusal(IllegalTransition, twelve.ordering.restart_order, LISE, order.id) == code
    twelve.ordering.pause_order(LISE, order.id)
    assert refusal(IllegalTransition, twelve.ordering.restart_order, LISE, order.id) == code
    twelve.ordering.resume_order(LISE, order.id)
    twelve.release()
    assert twelve.later(order).status is OrderStatus.DONE
    again = twelve.ordering.restart_order(ADMIN, order.id, label="orderRestart")
    assert (again.owner, again.label, again.status) == (LISE.email, "orderRestart", OrderStatus.PENDING)
    assert again.id != order.id
    assert twelve.work(again).status is OrderStatus.RUNNING
    with twelve.ordering.store.read() as tx:
        assert tx.baskets.get(BasketOwner.order(again.id)) is not None


def test_case_34_retry(twelve) -> None:
    """As page 05 has it: 15 bytes of 3,000,171 are asked for once more in a third suborder; pause, resume, DONE."""
    order = listed(twelve, twelve.place())
    wrong = next(file for file in twelve.files(order) if file.filename == "P2_HD.png")
    twelve.storage.refused[wrong.checksum] = "lost"
    twelve.work(order)
    twelve.download(order)
    order = twelve.work(order)
    assert order.status is OrderStatus.DONE_WITH_WARNING
    assert order.counts == FileCounts(downloaded=11, error=1, bytes_known=3_000_171)
    twelve.storage.refused.clear()
    twelve.hold()
    order = twelve.ordering.retry_order(LISE, order.id)
    assert (order.status, order.percent, order.counts.in_error) == (OrderStatus.RUNNING, 99, 0)
    assert order.counts.bytes_pending == 15
    *old, new = twelve.suborders(order)
    assert (len(old), order.suborders) == (2, 3)
    assert {file.filename: file.suborder_id for file in twelve.files(order)}["P2_HD.png"] == new.id
    twelve.work(order)
    twelve.ordering.pause_order(LISE, order.id)
    twelve.release()
    twelve.ordering.resume_order(LISE, order.id)
    done = twelve.work(order)
    assert (done.status, done.percent, done.counts.available) == (OrderStatus.DONE, 100, 1)


def test_case_35_cancel(twelve) -> None:
    """A RUNNING order that a service cancels is DELETED."""
    twelve.hold()
    order = twelve.order()
    assert order.status is OrderStatus.RUNNING
    twelve.ordering.cancel_order(order.id)
    assert twelve.read(order).status is OrderStatus.DELETED
    assert twelve.files(order) == []


# --- reading ---------------------------------------------------------------------------------------------------------


def links(centre, order: Order, user: User = LISE) -> set[str]:
    """Return the relations of the links of an order, besides self and list."""
    order = centre.read(order)
    [events] = centre.ordering.possible_events([order])
    found = {link["rel"] for link in order_links("http://host.example", order, events, user)}
    assert found >= {"self", "list"}
    return found - {"self", "list"}


def test_case_36_links(twelve) -> None:
    """The links of an order are what its state allows."""
    order = listed(twelve, twelve.place())
    first, second, *others = [file.checksum for file in twelve.files(order)]
    twelve.storage.held = set(others)
    assert twelve.work(order).counts.available == 2
    twelve.ordering.pause_order(LISE, order.id)
    assert links(twelve, order) == {"download", "resume", "delete"}
    twelve.ordering.resume_order(LISE, order.id)
    twelve.release()
    assert twelve.later(order).status is OrderStatus.DONE
    assert links(twelve, order) == {"restart", "delete", "download"}
    twelve.ordering.delete_order(LISE, order.id)
    assert links(twelve, order) == set()
    assert links(twelve, order, INSTANCE_ADMIN) == {"remove"}
    twelve.storage.refused = {first: "lost"}
    warned = twelve.order()
    assert warned.status is OrderStatus.DONE_WITH_WARNING
    assert links(twelve, warned) == {"restart", "retry", "delete", "download"}
    twelve.ordering.delete_order(LISE, warned.id)
    # nothing is left to download when every file is in error
    twelve.storage.refused = dict.fromkeys((first, second, *others), "lost")
    failed = twelve.order()
    assert failed.status is OrderStatus.FAILED
    assert links(twelve, failed) == {"restart", "retry", "delete"}


def test_case_37_who_may_read(twelve) -> None:
    """The owner, PROJECT_ADMIN and INSTANCE_ADMIN read an order; ADMIN does not."""
    order = twelve.place()
    for user in (LISE, PROJECT_ADMIN, INSTANCE_ADMIN):
        assert twelve.ordering.get_order(user, order.id) == order
    for user in (ADMIN, HUGO):
        refusal(NotAllowed, twelve.ordering.get_order, user, order.id)
    refusal(NotFound, twelve.ordering.get_order, LISE, -12)


# --- mails, settings -------------------------------------------------------------------------------------------------


def test_case_41_reminder(twelve) -> None:
    """Files that wait for three days are a reason for one letter; then it takes three days more."""
    order = twelve.order()
    with twelve.ordering.store.write() as tx:
        pending = attrs.evolve(order, id=tx.ids.block("order", 1)[0], label="pending", status=OrderStatus.PENDING)
        tx.orders.add(pending)
        tx.orders.count(pending, FileCounts(available=10), 0, twelve.clock.now())
    assert mails(twelve) == []
    now = twelve.clock.advance(days=4)
    [letter] = mails(twelve)
    assert letter.owner == LISE.email
    assert [(each.order_id, each.created, each.expires) for each in letter.orders] == [
        (order.id, order.created, order.expires)
    ]
    assert twelve.read(order).available_since == now
    twelve.clock.advance(hours=24)
    twelve.ordering.wake_chores()
    assert mails(twelve) == [letter]


@pytest.mark.parametrize(
    ("name", "value", "valid"),
    [
        ("expiration_max_duration_in_hours", 0, False),
        ("expiration_max_duration_in_hours", 1, True),
        ("user_order_parameters", {"subOrderDuration": 72, "delayBeforeEmailNotification": 73}, False),
        ("user_order_parameters", {"subOrderDuration": 72, "delayBeforeEmailNotification": 72}, True),
        ("app_sub_order_duration", 0, True),
        ("app_sub_order_duration", -1, False),
    ],
)
def test_case_42_settings(centre, name: str, value: object, valid: bool) -> None:
    """A setting takes what it may be, and nothing else."""
    before = {each.name: each.value for each in centre.ordering.list_settings(ADMIN)}
    if valid:
        assert centre.ordering.change_setting(ADMIN, name, value).value == value
    else:
        refusal(InvalidInput, centre.ordering.change_setting, ADMIN, name, value)
    after = {each.name: each.value for each in centre.ordering.list_settings(ADMIN)}
    assert after == ({**before, name: value} if valid else before)
