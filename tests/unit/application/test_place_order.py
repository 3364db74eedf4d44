"""Turning a basket into an order."""

from __future__ import annotations

import datetime as dt

import pytest

from regards_order.domain.basket import BasketOwner
from regards_order.domain.errors import InvalidInput, LabelTaken, LabelTooLong, NoBasket, NoSnapshot, NotAllowed
from regards_order.domain.order import Order, OrderStatus
from regards_order.domain.principal import Role, User
from regards_order.domain.selection import FileFilter, FileTypes, SelectionRequest
from regards_order.testing._memory_orders import MemoryOrders

LISE = User("lise@obs.example", groups=frozenset({"team"}))
MAX = User("max@obs.example")
ADMIN = User("adm@obs.example", Role.ADMIN)


def basket_of(centre, owner: BasketOwner):
    """Return the basket of an owner."""
    with centre.ordering.store.read() as tx:
        return tx.baskets.get(owner)


def orders(centre) -> list[Order]:
    """Return all orders."""
    with centre.ordering.store.read() as tx:
        return list(tx.orders.page())


@pytest.fixture
def filled(twelve):
    """Return the 12-file centre in which Lise has filled a basket."""
    twelve.ordering.add_selection(LISE, SelectionRequest())
    return twelve


def test_new_order(filled) -> None:
    """A new order is PENDING, keeps its owner's role and groups, and has no expiration date yet (case 2)."""
    now = filled.ordering.clock.now()
    order = filled.ordering.place_order(LISE, label="myCommand", frontend_url="http://front.example")
    assert order == Order(
        id=1,
        owner=LISE.email,
        role=Role.REGISTERED_USER,
        groups=frozenset({"team"}),
        label="myCommand",
        correlation_id="auto-correlation-id-00000000-0000-4000-8000-000000000001",
        created=now,
        status=OrderStatus.PENDING,
        status_date=now,
        hours=240,
        expires=now + dt.timedelta(hours=168),
        frontend_url="http://front.example",
    )
    assert (filled.read(order), order.percent, order.listed) == (order, 0, False)
    assert filled.events() == []


def test_basket_goes_with_the_order(filled) -> None:
    """The basket becomes the order's snapshot and the user has none any more (case 8)."""
    before = filled.ordering.get_basket(LISE)
    order = filled.ordering.place_order(LISE)
    snapshot = basket_of(filled, BasketOwner.order(order.id))
    assert (snapshot.id, snapshot.selections) == (before.id, before.selections)
    with pytest.raises(NoBasket):
        filled.ordering.get_basket(LISE)


def test_no_basket(centre) -> None:
    """Without a basket there is no order (case 6)."""
    with pytest.raises(NoBasket):
        centre.ordering.place_order(LISE)
    assert orders(centre) == []


def test_basket_can_be_ordered_once(filled) -> None:
    """A second order of the same basket finds none."""
    filled.ordering.place_order(LISE)
    with pytest.raises(NoBasket):
        filled.ordering.place_order(LISE)
    assert len(orders(filled)) == 1


def test_empty_basket_can_be_ordered(filled) -> None:
    """A basket without selections is accepted, and the order ends with a warning (case 7)."""
    [selection] = filled.ordering.get_basket(LISE).selections
    filled.ordering.remove_dataset(LISE, selection.id)
    order = filled.ordering.place_order(LISE)
    assert order.status is OrderStatus.PENDING
    done = filled.work(order)
    assert (done.status, done.message) == (
        OrderStatus.DONE_WITH_WARNING,
        "It seems that the queried features do not exist anymore.",
    )


def test_only_registered_users_order(filled) -> None:
    """PUBLIC may not order."""
    with pytest.raises(NotAllowed, match=r"may not order: it needs REGISTERED_USER"):
        filled.ordering.place_order(User(LISE.email, Role.PUBLIC))


@pytest.mark.parametrize("label", [None, ""])
def test_generated_labels_are_counted(filled, label: str | None) -> None:
    """Orders without label bear their instant; those of one second are counted (case 3, W25)."""
    labels = []
    for _ in range(3):
        filled.ordering.add_selection(LISE, SelectionRequest())
        labels.append(filled.ordering.place_order(LISE, label=label).label)
    assert labels == [
        "Order of 2026/03/02 at 09:21:50",
        "Order of 2026/03/02 at 09:21:50 (2)",
        "Order of 2026/03/02 at 09:21:50 (3)",
    ]
    filled.ordering.clock.advance(seconds=1)
    filled.ordering.add_selection(LISE, SelectionRequest())
    assert filled.ordering.place_order(LISE).label == "Order of 2026/03/02 at 09:21:51"


def test_label_of_51_characters(filled) -> None:
    """A label of 51 characters is refused and leaves the basket to its user; 50 are fine (case 4)."""
    with pytest.raises(LabelTooLong):
        filled.ordering.place_order(LISE, label="x" * 51)
    assert orders(filled) == []
    assert filled.ordering.get_basket(LISE).selections
    assert filled.ordering.place_order(LISE, label="x" * 50).label == "x" * 50


def test_label_is_taken(filled) -> None:
    """A label that the owner has used is refused exactly, whatever became of that order (case 5)."""
    first = filled.ordering.place_order(LISE, label="myDoubleCommand")
    filled.storage.down = True
    assert filled.work(first).status is OrderStatus.FAILED
    filled.ordering.add_selection(LISE, SelectionRequest())
    with pytest.raises(LabelTaken) as caught:
        filled.ordering.place_order(LISE, label="myDoubleCommand")
    assert (caught.value.code, caught.value.label) == ("LABEL_NOT_UNIQUE_FOR_OWNER", "myDoubleCommand")
    assert filled.ordering.get_basket(LISE).selections
    assert filled.ordering.place_order(LISE, label="MyDoubleCommand").label == "MyDoubleCommand"


def test_two_owners_may_share_a_label(filled) -> None:
    """Labels are unique for one owner only."""
    filled.ordering.place_order(LISE, label="ours")
    filled.ordering.add_selection(MAX, SelectionRequest())
    assert filled.ordering.place_order(MAX, label="ours").label == "ours"


def test_correlation_ids(filled) -> None:
    """A given correlation id is kept; generated ones differ from each other."""
    given = filled.ordering.place_order(LISE, correlation_id="myCorrelationId")
    generated = [filled.place(LISE).correlation_id for _ in range(2)]
    assert given.correlation_id == "myCorrelationId"
    assert len(set(generated)) == 2
    assert all(each.startswith("auto-correlation-id-") for each in generated)


def test_label_taken_in_the_same_instant(filled, intrude) -> None:
    """Who loses the race for a label is refused as by the early test, and keeps the basket."""
    filled.ordering.add_selection(MAX, SelectionRequest())
    other = User(LISE.email)

    def rival() -> None:
        with filled.ordering.store.write() as tx:
            now = filled.ordering.clock.now()
            tx.orders.add(
                Order(
                    id=tx.ids.block("order", 1)[0],
                    owner=other.email,
                    label="mine",
                    correlation_id="c",
                    created=now,
                    status_date=now,
                    hours=1,
                )
            )

    with pytest.raises(LabelTaken):
        intrude(filled, rival).ordering.place_order(LISE, label="mine")
    assert filled.ordering.get_basket(LISE).selections


def test_generated_label_taken_in_the_same_instant(filled, monkeypatch) -> None:
    """Who gave no label is not refused one: the next number is taken when somebody else was faster (W25)."""
    filled.ordering.place_order(LISE)
    filled.ordering.add_selection(LISE, SelectionRequest())
    # the first look sees nothing, as before the transaction of the other order ended
    looks, really = iter([False]), MemoryOrders.label_taken
    monkeypatch.setattr(MemoryOrders, "label_taken", lambda *args: next(looks, None) is None and really(*args))
    assert filled.ordering.place_order(LISE).label == "Order of 2026/03/02 at 09:21:50 (2)"


def test_order_that_cannot_take_the_basket_is_rolled_back(filled, monkeypatch) -> None:
    """Transferring a basket that is no longer there rolls the order back."""
    with filled.ordering.store.read() as tx:
        baskets = type(tx.baskets)

    def refuse(self, basket):
        raise RuntimeError("lost")

    monkeypatch.setattr(baskets, "save", refuse)
    with pytest.raises(RuntimeError, match="lost"):
        filled.ordering.place_order(LISE)
    assert orders(filled) == []


def test_hours_come_from_the_settings(make_twelve) -> None:
    """A user's order keeps the suborder duration that is set when it is placed."""
    centre = make_twelve(user_hours=5)
    order = centre.place(LISE)
    assert (order.hours, order.created) == (5, centre.ordering.clock.now())
    assert centre.work(order).expires == order.created + dt.timedelta(hours=20)


def test_other_services_own_nothing(centre) -> None:
    """A service of the platform has neither basket nor orders, whatever e-mail its token bears."""
    centre.product(centre.dataset("D"), "p", ("f", b"f"))
    centre.place()
    centre.ordering.add_selection(LISE, SelectionRequest())
    service = User(LISE.email, service=True)
    for deed in (
        lambda: centre.ordering.add_selection(service, SelectionRequest()),
        lambda: centre.ordering.add_identifiers(service, b"p"),
        lambda: centre.ordering.remove_dataset(service, 1),
        lambda: centre.ordering.empty_basket(service),
        lambda: centre.ordering.place_order(service),
    ):
        with pytest.raises(NotAllowed, match="another service owns nothing"):
            deed()
    with pytest.raises(NoBasket):
        centre.ordering.get_basket(service)
    assert (centre.ordering.list_orders(service), centre.ordering.page_orders(service)) == ((), (0, ()))
    assert centre.ordering.get_basket(LISE).selections


def test_orders_for_applications(filled) -> None:
    """They need ADMIN, and their suborders stay available as long as is set for those (page 20, 6.1)."""
    with pytest.raises(NotAllowed, match="it needs ADMIN"):
        filled.ordering.place_order(LISE, application=True)
    assert filled.ordering.get_basket(LISE).selections
    assert filled.place(ADMIN, application=True).hours == 2


# --- restart ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def done(filled):
    """Return a DONE order of Lise."""
    order = filled.ordering.place_order(LISE, label="mine", frontend_url="/old", correlation_id="old")
    return filled.work(order)


@pytest.mark.parametrize("user", [LISE, ADMIN])
def test_restart(filled, done, user: User) -> None:
    """A new order of the same owner, role and groups, of a copy of the snapshot; the old one stays (case 33, 9.3)."""
    now = filled.ordering.clock.advance(hours=1)
    order = filled.ordering.restart_order(user, done.id, label="orderRestart", frontend_url="/new")
    assert order == Order(
        id=2,
        owner=LISE.email,
        role=Role.REGISTERED_USER,
        groups=frozenset({"team"}),
        label="orderRestart",
        correlation_id="auto-correlation-id-00000000-0000-4000-8000-000000000001",
        created=now,
        status=OrderStatus.PENDING,
        status_date=now,
        hours=240,
        expires=now + dt.timedelta(hours=168),
        frontend_url="/new",
    )
    assert filled.read(done) == done
    old, new = (basket_of(filled, BasketOwner.order(each.id)) for each in (done, order))
    assert old.id != new.id
    assert not {each.id for each in old.selections} & {each.id for each in new.selections}
    assert [(each.dataset_urn, each.items, each.counters) for each in old.selections] == [
        (each.dataset_urn, each.items, each.counters) for each in new.selections
    ]
    filled.download(done)
    assert filled.work(order).counts.available == 12


def test_restart_keeps_filters_and_dates(twelve) -> None:
    """The catalogue is read anew, as it was asked before: filters hold, products that came later stay out."""
    wanted = FileFilter(frozenset({FileTypes.RAWDATA}))
    old = twelve.work(twelve.place(file_filter=wanted))
    created = twelve.ordering.clock.now() + dt.timedelta(seconds=1)
    twelve.product(twelve.dataset("Twelve"), "late", ("late", b"x"), created=created)
    twelve.product(twelve.dataset("Twelve"), "P1")
    twelve.ordering.clock.advance(hours=1)
    twelve.download(old)
    new = twelve.work(twelve.ordering.restart_order(LISE, old.id))
    assert (old.counts.total, sorted(twelve.states(new))) == (3, ["P2.bin", "P3.bin"])
    again = twelve.ordering.restart_order(LISE, new.id, label="again")
    assert again.status is OrderStatus.PENDING


def test_restart_leaves_the_basket_of_the_user(filled, done) -> None:
    """What its owner, or who restarts it, is picking at the moment is not ordered."""
    for user in (LISE, ADMIN):
        filled.ordering.add_selection(user, SelectionRequest())
    baskets = [filled.ordering.get_basket(user) for user in (LISE, ADMIN)]
    filled.ordering.restart_order(ADMIN, done.id)
    assert [filled.ordering.get_basket(user) for user in (LISE, ADMIN)] == baskets


def test_restart_of_an_order_for_an_application(filled) -> None:
    """It is a user's order then: suborders stay available as long as is set for those (page 20, 6.1)."""
    old = filled.work(filled.place(ADMIN, application=True))
    new = filled.ordering.restart_order(ADMIN, old.id)
    assert (old.hours, new.hours, new.role) == (2, 240, Role.ADMIN)


def test_restart_of_nothing(filled) -> None:
    """An order of an empty basket can be restarted, and ends as it did."""
    [selection] = filled.ordering.get_basket(LISE).selections
    filled.ordering.remove_dataset(LISE, selection.id)
    old = filled.work(filled.ordering.place_order(LISE))
    new = filled.work(filled.ordering.restart_order(LISE, old.id))
    assert (new.status, new.message) == (OrderStatus.DONE_WITH_WARNING, old.message)


def test_restart_without_snapshot(filled, done) -> None:
    """A basket that is not kept any more is missed."""
    with filled.ordering.store.write() as tx:
        tx.baskets.remove(BasketOwner.order(done.id))
    with pytest.raises(NoSnapshot) as caught:
        filled.ordering.restart_order(LISE, done.id)
    assert caught.value.code == "BASKET_NOT_FOUND"


@pytest.mark.parametrize(
    ("label", "error"),
    [("mine", LabelTaken), ("x" * 51, LabelTooLong), ("two\nlines", InvalidInput)],
)
def test_restart_with_a_bad_label(filled, done, label: str, error: type[Exception]) -> None:
    """It is refused as for any order, and nothing remains of the copy (9.3)."""
    with filled.ordering.store.read() as tx:
        before = list(tx.baskets._tables.baskets.values())
    with pytest.raises(error):
        filled.ordering.restart_order(LISE, done.id, label=label)
    with filled.ordering.store.read() as tx:
        assert list(tx.baskets._tables.baskets.values()) == before
    assert orders(filled) == [done]


@pytest.mark.parametrize("label", [None, ""])
def test_labels_of_restarts_are_the_owners(filled, done, label: str | None) -> None:
    """Generated ones are counted among the owner's orders, and unique among those, whoever restarts (W25)."""
    filled.place(ADMIN, label="Order of 2026/03/02 at 09:21:50")
    filled.place(ADMIN, label="theirs")
    labels = [filled.ordering.restart_order(ADMIN, done.id, label=label).label for _ in range(2)]
    assert labels == ["Order of 2026/03/02 at 09:21:50", "Order of 2026/03/02 at 09:21:50 (2)"]
    assert filled.ordering.restart_order(ADMIN, done.id, label="theirs").owner == LISE.email
