"""What users let happen to orders over REST, and that links and actions agree."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from regards_order import Order, OrderStatus, Role, User
from regards_order.domain.basket import BasketOwner
from regards_order.domain.order import ORDERS, OrderEvent
from regards_order.ports.claims import Claim
from regards_order_adapters.http.errors import PROBLEM

PAUSE, RESUME, REMOVE = (f"/user/orders/{word}/{{}}" for word in ("pause", "resume", "remove"))
ONE, RESTART, RETRY = "/user/orders/{}", "/user/orders/{}/restart", "/user/orders/{}/retry"
ACTIONS = {
    "pause": ("PUT", PAUSE),
    "resume": ("PUT", RESUME),
    "delete": ("DELETE", ONE),
    "remove": ("DELETE", REMOVE),
    "restart": ("POST", RESTART),
    "retry": ("PUT", RETRY),
}
EVENTS = {rel: OrderEvent[rel.upper()] for rel in ACTIONS}
NOT_MANAGER = "USER_NOT_ALLOWED_TO_MANAGE_ORDER"


@pytest.fixture
def slow(twelve: Any, make_desk: Callable[..., Any]) -> Any:
    """Return a desk of a centre whose storage keeps one file back."""
    twelve.storage.held.add(hashlib.md5(bytes(1_500_000)).hexdigest())
    return make_desk(twelve)


def do(desk: Any, rel: str, order_id: Any, user: User | None = None, **kwargs: Any) -> Any:
    """Return the answer to an action."""
    verb, path = ACTIONS[rel]
    kwargs = {**({"json": {}} if rel == "restart" else {}), **kwargs}
    return desk.ask(verb, path.format(order_id), user, **kwargs)


def read(desk: Any, order: Order) -> Any:
    """Return an order as it is shown."""
    return desk.get(ONE.format(order.id), User("chief@example.org", Role.PROJECT_ADMIN)).json()


def rels(shown: Any) -> list[str]:
    """Return the links of an order."""
    return [link["rel"] for link in shown["links"]]


def put(desk: Any, order: Order, status: OrderStatus) -> None:
    """Put an order into a status, whatever led there."""
    with desk.centre.ordering.store.write() as tx:
        tx.orders.save(attrs.evolve(tx.orders.get(order.id), status=status))


def as_service(desk: Any) -> dict[str, str]:
    """Return the headers of another service, in the name of the user of the examples."""
    claims = {"tenant": "default", "sub": "s", "email": desk.user.email, "role": "ROLE_SYS_DELIVERY"}
    return {"authorization": f"Bearer {desk.tokens.mint(claims)}"}


def check_done(desk: Any, answer: Any) -> None:
    """Check that something was done, that a worker was told, and that nothing is announced that does not come."""
    assert (answer.status_code, answer.content) == (200, b"")
    assert "content-type" not in answer.headers
    assert answer.headers["content-length"] == "0"
    assert desk.changes
    desk.changes.clear()


def check_refused(answer: Any, word: str, status: int = 401) -> None:
    """Check that the code word is the only message, and that no client takes it for the end of its session."""
    assert (answer.status_code, answer.json()) == (status, {"messages": [word]})
    assert "www-authenticate" not in answer.headers


def test_case_26_pause(slow: Any) -> None:
    """A PENDING or RUNNING order is paused, once."""
    for work in (False, True):
        order = slow.centre.place(slow.user)
        if work:
            assert slow.centre.work(order).status is OrderStatus.RUNNING
        check_done(slow, do(slow, "pause", order.id))
        assert read(slow, order)["content"]["status"] == "PAUSED"
        check_refused(do(slow, "pause", order.id), "ORDER_MUST_BE_PENDING_OR_RUNNING")
        assert slow.changes == []


def test_case_27_resume(slow: Any) -> None:
    """Only a PAUSED order goes on, and then comes to its end."""
    order = slow.centre.place(slow.user)
    check_refused(do(slow, "resume", order.id), "ORDER_MUST_BE_PAUSED")
    do(slow, "pause", order.id)
    slow.changes.clear()
    check_done(slow, do(slow, "resume", order.id))
    slow.centre.storage.held.clear()
    assert slow.centre.work(order).counts.available > 0


def test_case_28_delete(slow: Any) -> None:
    """An order that goes on is paused first; a deleted one can still be read, and is in no list."""
    order = slow.centre.place(slow.user)
    refused = do(slow, "delete", order.id)
    check_refused(refused, "ORDER_MUST_BE_DONE_OR_DONE_WITH_WARNING_OR_PAUSED_OR_FAILED_OR_EXPIRED")
    do(slow, "pause", order.id)
    slow.changes.clear()
    check_done(slow, do(slow, "delete", order.id))
    assert slow.get(ONE.format(order.id)).json()["content"]["status"] == "DELETED"
    assert slow.get("/user/orders").json()["content"] == []
    available = slow.get(f"/orders/{order.id}/files/available")
    assert (available.status_code, available.json()["content"]) == (200, [])


def test_case_29_remove(slow: Any, chief: User) -> None:
    """Only administrators of the project and of the instance erase, and only what is DELETED."""
    order = slow.centre.place(slow.user)
    check_refused(do(slow, "remove", order.id, chief), "ORDER_MUST_BE_DELETED")
    do(slow, "pause", order.id)
    do(slow, "delete", order.id)
    for user in (slow.user, User("x@example.org", Role.EXPLOIT), User("x@example.org", Role.ADMIN)):
        denied = do(slow, "remove", order.id, user)
        assert (denied.status_code, denied.json()["messages"][0]) == (403, "Access is denied")
        assert do(slow, "remove", 99, user).status_code == 403
    slow.changes.clear()
    check_done(slow, do(slow, "remove", order.id, chief))
    assert slow.get(ONE.format(order.id)).status_code == 404
    assert do(slow, "remove", order.id, chief).status_code == 404


@pytest.mark.parametrize("rel", sorted(set(ACTIONS) - {"remove"}))
def test_case_30_orders_of_others(slow: Any, stranger: User, rel: str) -> None:
    """Who is neither owner nor ADMIN learns nothing of the state; who is may act."""
    order = slow.centre.place(slow.user)
    putting = {
        "resume": OrderStatus.PAUSED,
        "delete": OrderStatus.DONE,
        "restart": OrderStatus.DONE,
        "retry": OrderStatus.FAILED,
    }
    for status in (OrderStatus.DELETED, putting.get(rel, OrderStatus.RUNNING)):
        put(slow, order, status)
        for user in (stranger, User("x@example.org", Role.EXPLOIT)):
            check_refused(do(slow, rel, order.id, user), NOT_MANAGER)
        check_refused(do(slow, rel, order.id, headers=as_service(slow)), NOT_MANAGER)
    for role in (Role.ADMIN, Role.PROJECT_ADMIN, Role.INSTANCE_ADMIN):
        put(slow, order, putting.get(rel, OrderStatus.RUNNING))
        assert do(slow, rel, order.id, User("x@example.org", role)).status_code in (200, 201)


@pytest.mark.parametrize("rel", sorted(ACTIONS))
def test_order_of_checks(slow: Any, rel: str, stranger: User, chief: User) -> None:
    """An id that is none, then an order that is not there, then whose it is, then its state."""
    for bad in ("x", "1.5", "99999999999999999999"):
        refused = do(slow, rel, bad, chief)
        assert refused.status_code == 400
        assert refused.json()["messages"][0].startswith("orderId: ")
    for order_id in (-12, 99, 2**63 - 1):
        for user in (chief,) if rel == "remove" else (chief, stranger):
            refused = do(slow, rel, order_id, user)
            assert refused.status_code == 404
            assert refused.json()["messages"][0].endswith(f"with id : {order_id} doesn't exist")
    assert slow.changes == []


def test_case_31_restart(twelve: Any, make_desk: Callable[..., Any]) -> None:
    """A new order of the same owner; labels are judged as when ordering; what goes on is not restarted."""
    desk = make_desk(twelve)
    order = twelve.place(desk.user, label="first")
    check_refused(do(desk, "restart", order.id), "ORDER_MUST_BE_DONE_OR_DONE_WITH_WARNING_OR_FAILED")
    put(desk, order, OrderStatus.DONE)
    answer = do(desk, "restart", order.id, json={"label": "second", "onSuccessUrl": "/x", "more": 1})
    assert answer.status_code == 201
    content = answer.json()["content"]
    assert (content["id"], content["owner"]) == (order.id + 1, "ana@example.org")
    assert (content["label"], content["status"]) == ("second", "PENDING")
    assert "location" not in answer.headers
    assert rels(answer.json()) == ["self", "list", "pause"]
    assert len(desk.changes) == 1
    check_refused(do(desk, "restart", order.id, json={"label": "first"}), "LABEL_NOT_UNIQUE_FOR_OWNER", 422)
    check_refused(do(desk, "restart", order.id, json={"label": "x" * 51}), "TOO_MANY_CHARACTERS_IN_LABEL", 422)
    assert desk.get("/user/orders").json()["metadata"]["totalElements"] == 2
    with twelve.ordering.store.read() as tx:
        assert tx.orders.get(content["id"]).frontend_url == "/x"


def test_restart_by_an_administrator(twelve: Any, make_desk: Callable[..., Any]) -> None:
    """The new order is the owner's, who then sees it."""
    desk = make_desk(twelve)
    order = twelve.place(desk.user)
    put(desk, order, OrderStatus.FAILED)
    answer = do(desk, "restart", order.id, User("x@example.org", Role.ADMIN), json={"label": ""})
    assert (answer.status_code, answer.json()["content"]["owner"]) == (201, "ana@example.org")
    assert answer.json()["content"]["label"].startswith("Order of ")
    assert desk.get("/user/orders").json()["metadata"]["totalElements"] == 2


def test_restart_is_validated_first(desk: Any) -> None:
    """A bad body or label is told before it is looked whether the order exists."""
    headers = {"content-type": "application/json"}
    assert do(desk, "restart", 99, json=None, content=b"{", headers=headers).status_code == 400
    assert desk.post(RESTART.format(99)).status_code == 400
    assert do(desk, "restart", 99, json={"label": 5}).status_code == 400
    assert do(desk, "restart", 99, json={"onSuccessUrl": "\0"}).status_code == 422
    check_refused(do(desk, "restart", 99, json={"label": "x" * 51}), "TOO_MANY_CHARACTERS_IN_LABEL", 422)
    check_refused(desk.post("/user/orders", json={"label": "x" * 51}), "TOO_MANY_CHARACTERS_IN_LABEL", 422)
    assert do(desk, "restart", 99, headers={"accept": "text/html"}).status_code == 406
    assert do(desk, "restart", 99).status_code == 404


def test_restart_without_snapshot(twelve: Any, make_desk: Callable[..., Any]) -> None:
    """What is not kept any more cannot be ordered again."""
    desk = make_desk(twelve)
    order = twelve.place(desk.user)
    put(desk, order, OrderStatus.DONE)
    with twelve.ordering.store.write() as tx:
        tx.baskets.remove(BasketOwner.order(order.id))
    check_refused(do(desk, "restart", order.id), "BASKET_NOT_FOUND")


def finish(centre: Any, order: Order) -> Order:
    """Work and download until an order has come to its end."""
    order = centre.work(order)
    while order.status is OrderStatus.RUNNING:
        centre.download(order, User(order.owner))
        order = centre.later(order)
    return order


def test_retry(twelve: Any, make_desk: Callable[..., Any]) -> None:
    """Files that could not be had are asked for once more."""
    desk = make_desk(twelve)
    missing = hashlib.md5(bytes(1_500_000)).hexdigest()
    twelve.storage.refused[missing] = "lost"
    order = twelve.place(desk.user)
    check_refused(do(desk, "retry", order.id), "ORDER_MUST_BE_DONE_WITH_WARNING_OR_FAILED")
    order = finish(twelve, order)
    shown = read(desk, order)
    assert (shown["content"]["status"], shown["content"]["filesInErrorCount"]) == ("DONE_WITH_WARNING", 1)
    assert rels(shown)[-1] == "retry"
    twelve.storage.refused.clear()
    check_done(desk, do(desk, "retry", order.id))
    shown = read(desk, order)
    assert (shown["content"]["status"], shown["content"]["filesInErrorCount"]) == ("RUNNING", 0)
    assert finish(twelve, order).status is OrderStatus.DONE


def test_body_of_an_action_is_not_read(slow: Any) -> None:
    """None is needed, an empty object is sent by some clients, and no JSON is answered."""
    order = slow.centre.place(slow.user)
    headers = {"accept": "text/html"}
    check_done(slow, do(slow, "pause", order.id, json={}, headers=headers))
    check_done(slow, do(slow, "resume", order.id, content=b"{", headers=headers))


def test_refusal_in_the_problem_form(slow: Any, stranger: User) -> None:
    """There a sentence says what would be possible."""
    order = slow.centre.place(slow.user)
    refused = do(slow, "resume", order.id, headers={"accept": PROBLEM})
    assert refused.json() == {
        "type": "urn:regards-order:error:order-must-be-paused",
        "title": "Order must be paused",
        "status": 401,
        "detail": f'Order {order.id} is PENDING: "resume" is possible only when it is PAUSED.',
    }
    refused = do(slow, "resume", order.id, stranger, headers={"accept": PROBLEM})
    assert refused.json()["type"] == "urn:regards-order:error:user-not-allowed-to-manage-order"
    assert "www-authenticate" not in refused.headers


# --- an order for a program ------------------------------------------------------------------------------------------


def test_case_25_order_for_a_program(twelve: Any, make_desk: Callable[..., Any], chief: User) -> None:
    """ADMIN and above; its suborders stay available for other hours, and it is the caller's own."""
    desk = make_desk(twelve)
    admin = User("x@example.org", Role.ADMIN)
    for user, status in ((desk.user, 403), (User("x@example.org", Role.EXPLOIT), 403), (admin, 204), (chief, 204)):
        assert desk.post("/orders", user, json={}).status_code == status
    assert desk.changes == []
    desk.post("/order/basket/selection", admin, json={"engineType": "legacy"})
    assert desk.post("/orders", admin).status_code == 400
    check_refused(desk.post("/orders", admin, json={"label": "x" * 51}), "TOO_MANY_CHARACTERS_IN_LABEL", 422)
    answer = desk.post("/orders", admin, json={"label": "for a program"})
    assert (answer.status_code, len(desk.changes)) == (201, 1)
    shown = answer.json()
    assert (shown["content"]["owner"], shown["content"]["label"]) == ("x@example.org", "for a program")
    assert rels(shown) == ["self", "list", "pause"]
    assert desk.get("/order/basket", admin).status_code == 204
    with twelve.ordering.store.read() as tx:
        assert tx.orders.get(shown["content"]["id"]).hours == 2
    desk.post("/order/basket/selection", json={"engineType": "legacy"})
    assert desk.post("/orders", json={}, headers=as_service(desk)).status_code == 403


# --- links and actions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", list(OrderStatus))
def test_a_link_is_shown_when_the_action_is_possible(slow: Any, chief: User, status: OrderStatus) -> None:
    """In every status, for every action: in the list, in the single order, and in what then happens."""
    user = User("ana@example.org", Role.PROJECT_ADMIN)
    for rel, event in EVENTS.items():
        order = slow.centre.place(user)
        put(slow, order, status)
        listed = slow.get("/user/orders", user).json()["content"]
        shown = slow.get(ONE.format(order.id), user).json()
        mine = [item for item in listed if item["content"]["id"] == order.id]
        assert mine == ([] if status is OrderStatus.DELETED else [shown])
        possible = ORDERS.allows(status, event)
        assert (rel in rels(shown)) == possible
        answer = do(slow, rel, order.id, user)
        assert answer.status_code == ((201 if rel == "restart" else 200) if possible else 401)
        assert possible or answer.json() == {"messages": [ORDERS.codes[event]]}


@pytest.mark.parametrize("part", ["order", "suborder"])
def test_resume_while_the_pause_is_not_effective(slow: Any, part: str) -> None:
    """As long as a worker lists the files, or asks the storage for them, there is no link, and it is refused."""
    ordering = slow.centre.ordering
    order = slow.centre.place(slow.user)
    if part == "suborder":
        order = slow.centre.work(order)
        ordering.clock.advance(seconds=60)
    with ordering.store.write() as tx:
        held = tx.claims.orders(1, 60) if part == "order" else tx.claims.suborders(ordering.clock.now(), 9, 60)
        assert held
    do(slow, "pause", order.id)

    def shown() -> list[list[str]]:
        [item] = slow.get("/user/orders").json()["content"]
        return [rels(item), rels(read(slow, order))]

    for seen in shown():
        assert "delete" in seen
        assert "resume" not in seen
    check_refused(do(slow, "resume", order.id), "ORDER_MUST_BE_PAUSED")
    with ordering.store.write() as tx:
        tx.claims.release([Claim.of(each) for each in held])
    assert all("resume" in seen for seen in shown())
    assert do(slow, "resume", order.id).status_code == 200


def test_case_33_links_of_what_has_ended(twelve: Any, make_desk: Callable[..., Any]) -> None:
    """PENDING, DONE and FAILED orders show exactly what is possible."""
    desk = make_desk(twelve)
    order = twelve.place(desk.user)
    assert rels(read(desk, order)) == ["self", "list", "pause"]
    twelve.work(order)
    for status, more in ((OrderStatus.DONE, []), (OrderStatus.FAILED, ["retry"])):
        put(desk, order, status)
        assert rels(read(desk, order)) == ["self", "list", "download", "delete", "restart", *more]
