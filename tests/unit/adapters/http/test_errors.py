"""Refusals: one form for all, and the problem form for who asks for it."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest

from regards_order import (
    Conflict,
    Fault,
    IllegalTransition,
    InvalidInput,
    LabelTaken,
    NotAllowed,
    NotFound,
    OrderingError,
)
from regards_order_adapters.http.errors import PROBLEM, refusal
from regards_order_adapters.http.site import Limits

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    "body", [b"{", b"nonsense", b"\xff", b'{"label": NaN}', b"[" * 5000, b'{"label": "\\ud800"}', b"{}{}"]
)
def test_malformed_json(desk: Any, body: bytes) -> None:
    """What is no JSON is refused."""
    refused = desk.post("/user/orders", content=body, headers=JSON)
    assert refused.status_code == 400
    assert len(refused.json()["messages"]) == 1


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", "nonsense"])
def test_body_of_another_type(desk: Any, kind: str) -> None:
    """Only JSON is read; the type is judged before the contents."""
    refused = desk.post("/user/orders", content=b"{", headers={"content-type": kind})
    assert refused.status_code == 415
    assert kind in refused.json()["messages"][0]


@pytest.mark.parametrize("kind", ["application/json", "application/json;charset=UTF-8", "Application/JSON ; a=b"])
def test_body_of_the_right_type(desk: Any, kind: str) -> None:
    """Parameters and case do not matter."""
    assert desk.post("/user/orders", content=b"{}", headers={"content-type": kind}).status_code == 204


def test_body_without_a_type_is_read(desk: Any) -> None:
    """Some clients do not say that it is JSON."""
    assert desk.post("/user/orders", content=b"{}").status_code == 204


def test_body_that_is_too_large(make_desk: Callable[..., Any]) -> None:
    """A body beyond the limit is refused, however it comes."""
    desk = make_desk(limits=Limits(body_bytes=100))
    exact = b"{}" + b" " * 98
    assert desk.post("/user/orders", content=exact, headers=JSON).status_code == 204
    for body in (exact + b" ", iter([exact, b" "])):
        refused = desk.post("/user/orders", content=body, headers=JSON)
        assert refused.status_code == 413
        assert "100" in refused.json()["messages"][0]


def test_client_that_leaves_while_it_sends(desk: Any) -> None:
    """Nobody is there to be answered."""
    messages: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        messages.append(message)

    token = (b"authorization", f"Bearer {desk.token()}".encode())
    path = "/api/v1/rs-order/user/orders"
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": [token]}
    asyncio.run(desk.app(scope, receive, send))
    assert messages == []


def test_limit_of_a_body_is_one_mebibyte() -> None:
    """Unless told."""
    assert Limits().body_bytes == 1024 * 1024


@contextmanager
def failing(failure: Exception) -> Iterator[Any]:
    """Fail instead of opening a transaction."""
    raise failure
    yield


@pytest.fixture
def with_failure(make_desk: Callable[..., Any], make_centre: Callable[..., Any]) -> Callable[[Exception], Any]:
    """Return a function that makes a desk whose database fails."""

    def make(failure: Exception) -> Any:
        class Store:
            def read(self) -> Any:
                return failing(failure)

        return make_desk(make_centre().with_(store=Store()))

    return make


def test_unexpected_failure(with_failure: Callable[[Exception], Any], caplog: pytest.LogCaptureFixture) -> None:
    """A fault of ours is one general sentence; its cause is for the log."""
    refused = with_failure(ZeroDivisionError("secret detail")).get("/order/basket")
    assert refused.status_code == 500
    assert len(refused.json()["messages"]) == 1
    assert "secret" not in refused.text
    (record,) = [record for record in caplog.records if getattr(record, "action", "") == "request_failed"]
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


def test_conflict(with_failure: Callable[[Exception], Any]) -> None:
    """Errors of the core keep their status."""
    assert with_failure(Conflict("Order", 7)).get("/order/basket").status_code == 409


def test_request_that_takes_too_long(make_desk: Callable[..., Any], make_centre: Callable[..., Any]) -> None:
    """A database that does not answer in time is told as one that is away."""
    go = threading.Event()

    class Store:
        def read(self) -> Any:
            go.wait(10)
            return failing(ZeroDivisionError())

    limits = Limits(work_seconds=0.01, work_threads=1)
    desk = make_desk(make_centre().with_(store=Store()), limits=limits)
    for _ in range(2):  # the second one does not even get a thread
        refused = desk.get("/order/basket")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
    go.set()


def test_deadline_is_below_ten_seconds() -> None:
    """503 comes within 10 s."""
    assert Limits().work_seconds == 9


def told(error: OrderingError, accept: str = "") -> Any:
    """Return the body of a refusal."""
    return orjson.loads(refusal(error, accept).body)


def test_code_word_is_the_only_message() -> None:
    """Clients know refused actions and labels by a word."""
    refused = IllegalTransition("Order", 7, "DONE", "pause", "PENDING", "ORDER_MUST_BE_PENDING_OR_RUNNING")
    answer = refusal(refused)
    assert (answer.status, orjson.loads(answer.body)) == (401, {"messages": ["ORDER_MUST_BE_PENDING_OR_RUNNING"]})
    assert "www-authenticate" not in answer.headers


def test_one_message_for_each_fault() -> None:
    """All faults come back together, each with its place."""
    faults = (Fault("$.a", "is wrong"), Fault("$.b[1]", "is odd"))
    assert told(InvalidInput(faults)) == {"messages": ["$.a: is wrong", "$.b[1]: is odd"]}


@pytest.mark.parametrize("accept", [PROBLEM, "text/html, Application/Problem+JSON;q=0.5"])
def test_problem_form(accept: str) -> None:
    """Who accepts it gets the form of RFC 9457, with the code in its type."""
    answer = refusal(InvalidInput((Fault("$.a", "is wrong"),)), accept)
    assert answer.headers["content-type"] == PROBLEM
    assert orjson.loads(answer.body) == {
        "type": "urn:regards-order:error:invalid-input",
        "title": "Invalid input",
        "status": 422,
        "detail": "$.a: is wrong",
        "errors": [{"path": "$.a", "detail": "is wrong"}],
    }


def test_problem_form_tells_more_than_the_code_word() -> None:
    """There the sentence has its place beside the code."""
    problem = told(LabelTaken("ana@example.org", "x"), PROBLEM)
    assert problem["type"] == "urn:regards-order:error:label-not-unique-for-owner"
    assert "choose another label" in problem["detail"]
    assert problem["errors"] == [{"path": "$.label", "detail": problem["detail"]}]


@pytest.mark.parametrize("accept", ["", PROBLEM])
def test_answer_is_short_however_long_and_wrong_the_request_is(
    desk: Any, accept: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It names some faults and counts the others, of a long text it shows both ends; so does the log."""
    caplog.set_level(logging.INFO)
    desk.centre.product(desk.centre.dataset("D"), "P", ("a.txt", b"a"))
    desk.post("/order/basket/selection", json={"engineType": "legacy"})
    filters = "/order/basket/dataset/1/updateFileFilters"
    bodies = [
        (filters, {"fileTypes": ["x"] * 100_000}, 422),
        (filters, {"fileTypes": [1] * 100_000}, 400),
        (filters, {"fileNamePattern": "x" * 500_000 + "**"}, 400),
        ("/order/basket/selection", {"engineType": "x" * 500_000}, 422),
    ]
    for path, body, status in bodies:
        refused = desk.ask("PUT" if path == filters else "POST", path, json=body, headers={"accept": accept})
        assert refused.status_code == status
        assert len(refused.content) < 12_000
    assert all(len(record.cause) < 1100 for record in caplog.records if hasattr(record, "cause"))
    faults = tuple(Fault(f"$.a[{n}]", "é" * 2000) for n in range(60))
    messages = told(InvalidInput(faults))["messages"]
    assert messages[49].startswith("$.a[49]: éé")
    assert "é […] é" in messages[49]
    assert messages[50:] == ["$: 10 more faults are not shown"]
    assert told(NotFound("Order " + "x" * 2000, 99))["messages"][0].endswith("x with id : 99 doesn't exist")


@pytest.mark.parametrize("accept", ["", "*/*", "application/json, text/plain", "application/*"])
def test_plain_form(accept: str) -> None:
    """Everybody else gets messages."""
    answer = refusal(NotFound("Order", 99), accept)
    assert answer.headers["content-type"] == "application/json"
    assert orjson.loads(answer.body) == {"messages": ["Entity Order with id : 99 doesn't exist"]}


def test_problem_form_over_the_wire(desk: Any) -> None:
    """The header decides, also before a caller is known."""
    for user in (desk.user, None):
        token = {} if user is None else {"authorization": f"Bearer {desk.token(user)}"}
        refused = desk.client.get("/api/v1/rs-order/user/orders/99", headers={"accept": PROBLEM, **token})
        assert refused.headers["content-type"] == PROBLEM
        assert refused.json()["status"] == refused.status_code


def test_denied() -> None:
    """A denial begins with the words that clients show."""
    assert told(NotAllowed("x", "PUBLIC", "order", "no"))["messages"][0].startswith("Access is denied")


def test_half_characters_in_a_message() -> None:
    """What cannot be written in UTF-8 does not break the answer."""
    assert told(LabelTaken("\ud800", "x"))["messages"] == ["LABEL_NOT_UNIQUE_FOR_OWNER"]
    assert told(NotAllowed("\ud800", "PUBLIC", "order", "no"))["messages"][0]
    assert told(NotAllowed("\ud800", "PUBLIC", "order", "no"), PROBLEM)["detail"]


def test_absence_is_no_refusal(desk: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Clients ask again and again for what is not there yet: the log does not complain."""
    with caplog.at_level(logging.INFO):
        assert desk.get("/order/basket").status_code == 204
    assert not [record for record in caplog.records if getattr(record, "action", "") == "request_refused"]


@pytest.mark.parametrize(("status", "level"), [(404, logging.INFO), (503, logging.WARNING)])
def test_level_of_the_log(caplog: pytest.LogCaptureFixture, status: int, level: int) -> None:
    """What is no fault of the client is a warning."""
    error = NotFound("Order", 7)
    error.__class__ = type("Other", (NotFound,), {"status": status})
    with caplog.at_level(logging.INFO):
        refusal(error)
    assert [record.levelno for record in caplog.records] == [level]
