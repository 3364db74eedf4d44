"""Links follow state and role."""

from __future__ import annotations

import datetime as dt

import pytest

from regards_order import FileCounts, Order, OrderStatus, Role, User
from regards_order.domain.order import ORDERS, OrderEvent
from regards_order_adapters.http.links import order_links

NOW = dt.datetime(2026, 3, 2, tzinfo=dt.timezone.utc)


def order(status: OrderStatus, available: int) -> Order:
    """Return an order."""
    return Order(
        id=7,
        owner="ana@example.org",
        label="x",
        correlation_id="c",
        created=NOW,
        status=status,
        status_date=NOW,
        hours=1,
        counts=FileCounts(available=available),
    )


def links_of(order: Order, user: User) -> list[dict[str, str]]:
    """Return the links of an order at rest."""
    return order_links("https://x", order, ORDERS.events(order.status), user)


def rels(status: OrderStatus, available: int, user: User) -> str:
    """Return what is linked besides the two links that are always there."""
    links = links_of(order(status, available), user)
    assert [link["rel"] for link in links[:2]] == ["self", "list"]
    assert all(set(link) == {"rel", "href"} for link in links)
    return " ".join(link["rel"] for link in links[2:])


@pytest.mark.parametrize(
    ("status", "with_files", "without"),
    [
        (OrderStatus.PENDING, "download pause", "pause"),
        (OrderStatus.RUNNING, "download pause", "pause"),
        (OrderStatus.PAUSED, "download resume delete", "resume delete"),
        (OrderStatus.DONE, "download delete restart", "delete restart"),
        (OrderStatus.DONE_WITH_WARNING, "download delete restart retry", "delete restart retry"),
        (OrderStatus.FAILED, "download delete restart retry", "delete restart retry"),
        (OrderStatus.EXPIRED, "delete", "delete"),
        (OrderStatus.DELETED, "", ""),
        (OrderStatus.ERROR, "download delete", "delete"),
    ],
)
def test_links_by_state(status: OrderStatus, with_files: str, without: str) -> None:
    """What the state allows is linked; whose order it is does not matter."""
    for user in (User("ana@example.org"), User("bo@example.org", Role.EXPLOIT)):
        assert rels(status, 2, user) == with_files
        assert rels(status, 0, user) == without


@pytest.mark.parametrize(
    ("user", "shown"),
    [
        (User("a", Role.ADMIN), ""),
        (User("a", Role.PROJECT_ADMIN), "remove"),
        (User("a", Role.INSTANCE_ADMIN), "remove"),
        (User("a", service=True), "remove"),
    ],
)
def test_only_administrators_are_shown_how_to_erase(user: User, shown: str) -> None:
    """A deleted order may be erased by few."""
    assert rels(OrderStatus.DELETED, 0, user) == shown


def test_addresses() -> None:
    """Every link begins with the public address."""
    links = links_of(order(OrderStatus.DONE_WITH_WARNING, 1), User("a"))
    assert [link["href"] for link in links] == [
        "https://x/user/orders/7",
        "https://x/user/orders",
        "https://x/user/orders/7/download",
        "https://x/user/orders/7",
        "https://x/user/orders/7/restart",
        "https://x/user/orders/7/retry",
    ]
    assert links_of(order(OrderStatus.PAUSED, 0), User("a"))[2]["href"] == "https://x/user/orders/resume/7"
    chief = User("a", Role.PROJECT_ADMIN)
    assert links_of(order(OrderStatus.DELETED, 0), chief)[2]["href"] == "https://x/user/orders/remove/7"


def test_an_order_that_is_still_being_paused_is_not_resumed() -> None:
    """What may happen is said by the use case, and an EXPIRED order has nothing to download."""
    links = order_links("https://x", order(OrderStatus.PAUSED, 1), {OrderEvent.DELETE}, User("a"))
    assert [link["rel"] for link in links] == ["self", "list", "download", "delete"]
    assert rels(OrderStatus.EXPIRED, 3, User("a")) == "delete"
