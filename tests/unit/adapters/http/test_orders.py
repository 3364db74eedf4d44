"""Orders over REST."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

import pytest

from regards_order import User

EVERYTHING = {"engineType": "legacy"}
BASE = "https://data.example.org/api/v1/rs-order"


@pytest.fixture
def filled(desk: Any) -> Any:
    """Return a desk with one product, whose user has a basket with it."""
    desk.centre.product(desk.centre.dataset("Sentinel"), "P", ("a.txt", b"a" * 91), ("b.txt", b"b"))
    desk.post("/order/basket/selection", json=EVERYTHING)
    return desk


def test_case_16_empty_basket_is_accepted(filled: Any) -> None:
    """An existing basket without datasets becomes an order."""
    filled.centre.ordering.remove_dataset(filled.user, 1)
    assert filled.get("/order/basket").json()["content"]["datasetSelections"] == []
    assert filled.post("/user/orders", json={}).status_code == 201


def test_case_17_order_with_a_label(filled: Any) -> None:
    """The order is shown to the letter, the basket is gone, and a worker is told."""
    answer = filled.post("/user/orders", json={"label": "myCommand", "onSuccessUrl": "/user/x?module=y", "more": 1})
    assert (answer.status_code, len(filled.changes)) == (201, 1)
    assert "location" not in answer.headers
    content = {
        "id": 1,
        "owner": "ana@example.org",
        "label": "myCommand",
        "creationDate": "2026-03-02T09:21:50Z",
        "percentCompleted": 0,
        "filesInErrorCount": 0,
        "availableFilesCount": 0,
        "status": "PENDING",
        "statusDate": "2026-03-02T09:21:50Z",
        "waitingForUser": False,
        "datasetTasks": [],
    }
    links = [
        {"rel": "self", "href": f"{BASE}/user/orders/1"},
        {"rel": "list", "href": f"{BASE}/user/orders"},
        {"rel": "pause", "href": f"{BASE}/user/orders/pause/1"},
    ]
    assert answer.json() == {"content": content, "links": links}
    assert filled.get("/order/basket").status_code == 204
    with filled.centre.ordering.store.read() as tx:
        assert tx.orders.get(1).frontend_url == "/user/x?module=y"


@pytest.mark.parametrize("label", [None, ""])
def test_case_18_generated_label(filled: Any, label: str | None) -> None:
    """No label, null or an empty one: the service makes one."""
    answer = filled.post("/user/orders", json={} if label is None else {"label": label})
    shown = answer.json()["content"]["label"]
    assert re.fullmatch(r"Order of \d{4}/\d{2}/\d{2} at \d{2}:\d{2}:\d{2}", shown)


def test_case_19_label_is_taken(filled: Any) -> None:
    """The code word is the only message, and the basket is still there."""
    filled.post("/user/orders", json={"label": "myDoubleCommand"})
    filled.post("/order/basket/selection", json=EVERYTHING)
    refused = filled.post("/user/orders", json={"label": "myDoubleCommand"})
    assert (refused.status_code, refused.json()) == (422, {"messages": ["LABEL_NOT_UNIQUE_FOR_OWNER"]})
    assert filled.get("/order/basket").status_code == 200


def test_case_20_label_is_too_long(filled: Any) -> None:
    """51 characters are one too many."""
    refused = filled.post("/user/orders", json={"label": "this-label-has-too-many-characters-if-we-append(51)"})
    assert (refused.status_code, refused.json()) == (422, {"messages": ["TOO_MANY_CHARACTERS_IN_LABEL"]})
    assert filled.post("/user/orders", json={"label": "x" * 50}).status_code == 201


def test_case_21_no_basket(desk: Any) -> None:
    """Without a basket nothing is ordered, and nobody is told."""
    answer = desk.post("/user/orders", json={"label": "myCommand"})
    assert (answer.status_code, answer.content, desk.changes) == (204, b"", [])


@pytest.mark.parametrize(
    ("body", "place"), [({"label": "a\0b"}, "$.label"), ({"label": "x", "onSuccessUrl": "/x\0y"}, "$.onSuccessUrl")]
)
def test_field_that_no_database_can_keep(filled: Any, body: dict[str, str], place: str) -> None:
    """It is named, and the basket stays."""
    refused = filled.post("/user/orders", json=body)
    assert refused.status_code == 422
    assert [message.partition(": ")[0] for message in refused.json()["messages"]] == [place]
    assert filled.get("/order/basket").status_code == 200


@pytest.mark.parametrize("body", [{"label": 5}, {"label": ["a"], "onSuccessUrl": {}}, [], None])
def test_body_of_an_order_is_judged(filled: Any, body: Any) -> None:
    """A wrong type is refused by name, and the basket stays."""
    refused = filled.post("/user/orders", json=body)
    assert refused.status_code == 400
    assert len(refused.json()["messages"]) == (len(body) if isinstance(body, dict) else 1)
    assert filled.get("/order/basket").status_code == 200


def test_body_of_an_order_is_needed(filled: Any) -> None:
    """Both fields may be missing, the body may not."""
    assert filled.post("/user/orders").status_code == 400
    assert filled.post("/user/orders", content=b" ", headers={"content-type": "application/json"}).status_code == 400


def test_order_after_completion(filled: Any) -> None:
    """The dataset task shows what was really ordered; the expiration date is known now."""
    filled.post("/user/orders", json={"label": "x"})
    filled.centre.ordering.work()
    content = filled.get("/user/orders/1").json()["content"]
    task = {"id": 1, "datasetLabel": "Sentinel", "objectsCount": 1, "filesCount": 2, "filesSize": 92}
    assert content["datasetTasks"] == [task]
    assert content["expirationDate"] == "2026-03-09T09:21:50Z"
    assert (content["status"], content["availableFilesCount"], content["waitingForUser"]) == ("DONE", 2, True)
    assert content["percentCompleted"] == 100


def test_case_32_unknown_order(desk: Any) -> None:
    """An order that is not there is named at the end of the message; -12 is simply unknown."""
    for order_id in (-12, 99, 2**63 - 1):
        refused = desk.get(f"/user/orders/{order_id}")
        assert refused.status_code == 404
        assert refused.json()["messages"][0].endswith(f"with id : {order_id} doesn't exist")


@pytest.mark.parametrize("order_id", ["x", "1.5", "99999999999999999999", "٣", "1 "])
def test_id_that_is_none(desk: Any, order_id: str) -> None:
    """Only 64-bit numbers are ids."""
    refused = desk.get(f"/user/orders/{order_id}")
    assert refused.status_code == 400
    assert refused.json()["messages"][0].startswith("orderId: ")


def test_case_36_list_of_orders(filled: Any, stranger: User) -> None:
    """25 orders: a page of 20, newest first, with links to the next and the last page."""
    for number in range(25):
        filled.post("/order/basket/selection", json=EVERYTHING)
        filled.post("/user/orders", json={"label": f"order {number}"})
        filled.centre.ordering.clock.advance(seconds=1)
    page = filled.get("/user/orders").json()
    assert page["metadata"] == {"size": 20, "totalElements": 25, "totalPages": 2, "number": 0}
    assert [item["content"]["label"] for item in page["content"]] == [f"order {n}" for n in range(24, 4, -1)]
    url = f"{BASE}/user/orders"
    assert page["links"] == [
        {"rel": "self", "href": f"{url}?page=0&size=20"},
        {"rel": "next", "href": f"{url}?page=1&size=20"},
        {"rel": "last", "href": f"{url}?page=1&size=20"},
    ]
    assert [link["rel"] for link in page["content"][0]["links"]] == ["self", "list", "pause"]
    rest = filled.get("/user/orders?page=1&sort=label,asc&sort=nonsense").json()
    assert [item["content"]["label"] for item in rest["content"]] == [f"order {n}" for n in range(4, -1, -1)]
    assert [link["rel"] for link in rest["links"]] == ["first", "prev", "self"]
    assert filled.get("/user/orders", stranger).json()["metadata"]["totalElements"] == 0


@pytest.mark.parametrize(
    ("query", "number", "size"),
    [
        ("", 0, 20),
        ("page=-1&size=0", 0, 20),
        ("page=x&size=x", 0, 20),
        ("page=7&size=2001", 7, 2000),
        ("page=999999999999999999&size=2000", 999999999999999999, 2000),
        ("page=" + "9" * 5000, 0, 20),
        ("page=9223372036854775807&size=0000000000000000000000007", 9223372036854775807, 7),
        ("page=9223372036854775808", 0, 20),
        ("size=" + "9" * 19, 0, 2000),
        ("size=" + "9" * 5000, 0, 2000),
        ("page=1.5&size=-5", 0, 20),
        ("page=&size=", 0, 20),
    ],
)
def test_page_and_size_are_read_leniently(filled: Any, query: str, number: int, size: int) -> None:
    """What is no page number is page 0, what is no size is the default; a page beyond the end is empty."""
    filled.post("/user/orders", json={"label": "x"})
    page = filled.get(f"/user/orders?{query}").json()
    assert page["metadata"] == {"size": size, "totalElements": 1, "totalPages": 1, "number": number}
    assert len(page["content"]) == (number == 0)


def test_empty_list(desk: Any) -> None:
    """No order at all: no page, and one link."""
    page = desk.get("/user/orders").json()
    assert page["metadata"] == {"size": 20, "totalElements": 0, "totalPages": 0, "number": 0}
    assert (page["content"], [link["rel"] for link in page["links"]]) == ([], ["self"])


def test_case_33_links_of_owner_and_administrator(twelve: Any, make_desk: Callable[..., Any], chief: User) -> None:
    """A RUNNING order with available files shows exactly four links to both."""
    desk = make_desk(twelve)
    twelve.storage.held.add(hashlib.md5(bytes(1_500_000)).hexdigest())
    order = twelve.work(twelve.place(desk.user))
    assert order.status.name == "RUNNING"
    for user in (desk.user, chief):
        shown = desk.get(f"/user/orders/{order.id}", user).json()
        assert [link["rel"] for link in shown["links"]] == ["self", "list", "download", "pause"]
        assert [link["href"] for link in shown["links"][2:]] == [
            f"{BASE}/user/orders/{order.id}/download",
            f"{BASE}/user/orders/pause/{order.id}",
        ]


def test_pretty_answers(filled: Any) -> None:
    """`_pretty`, with whatever value, asks for indented JSON; refusals too."""
    for path in ("/order/basket?_pretty", "/order/basket?_pretty=false", "/user/orders/99?_pretty"):
        assert filled.get(path).content.startswith(b"{\n  ")
    assert b"\n" not in filled.get("/order/basket").content
