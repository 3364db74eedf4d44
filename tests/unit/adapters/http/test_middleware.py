"""What every answer has in common: paths, headers, names of requests, the access log."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from regards_order import StoreUnavailable
from regards_order_adapters.correlation import correlation_id

PREFIX = "/api/v1/rs-order"
COMMON = {
    "cache-control": "no-cache, no-store, max-age=0, must-revalidate",
    "pragma": "no-cache",
    "expires": "0",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "POST, PUT, GET, OPTIONS, DELETE",
    "access-control-allow-headers": "authorization, content-type, scope",
    "access-control-max-age": "3600",
    "access-control-expose-headers": "Content-Disposition, correlation-id",
}


@pytest.mark.parametrize("path", [PREFIX + "/order/basket", PREFIX + "/nowhere", "/health/live", "/", PREFIX])
def test_headers_of_every_answer(desk: Any, path: str) -> None:
    """Good or bad, every answer may not be kept, framed or guessed, and may be read by scripts of other sites."""
    answer = desk.client.get(path)
    assert {name: answer.headers[name] for name in COMMON} == COMMON


@pytest.mark.parametrize("path", [PREFIX + "/order/basket", "/anything"])
def test_options_need_no_token(desk: Any, path: str) -> None:
    """Browsers ask before they send."""
    answer = desk.client.options(path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert {name: answer.headers[name] for name in COMMON} == COMMON


@pytest.mark.parametrize("given", ["abc", "x" * 128, "!~"])
def test_correlation_id_comes_back(desk: Any, given: str) -> None:
    """The client's name for the request is in the answer."""
    assert desk.client.get("/health/live", headers={"correlation-id": given}).headers["correlation-id"] == given


@pytest.mark.parametrize("given", [b"", b"a b", b"x" * 129, b"caf\xe9", b"a\x01b"])
def test_unsafe_correlation_id_is_replaced(desk: Any, given: bytes) -> None:
    """What is not safe to repeat, or missing, becomes a UUID."""
    answer = desk.client.get("/health/live", headers={b"correlation-id": given})
    assert str(uuid.UUID(answer.headers["correlation-id"])) == answer.headers["correlation-id"]


def test_correlation_id_is_known_in_threads(make_desk: Callable[..., Any]) -> None:
    """Whatever a request does may write its name to a log."""
    seen: list[str | None] = []
    desk = make_desk(ready=lambda: seen.append(correlation_id.get()) or ())
    desk.client.get("/health/ready", headers={"correlation-id": "abc"})
    assert (seen, correlation_id.get()) == (["abc"], None)


@pytest.mark.parametrize(
    "path", ["{}/user/orders", "{}/user/orders/", "{}//user///orders//", "//api/v1//rs-order/user/orders"]
)
def test_empty_segments_do_not_count(desk: Any, path: str) -> None:
    """A slash too many changes nothing, and links are clean all the same."""
    answer = desk.client.get(
        "http://testserver" + path.format(PREFIX), headers={"authorization": f"Bearer {desk.token()}"}
    )
    assert answer.json()["links"][0]["href"] == "https://data.example.org/api/v1/rs-order/user/orders?page=0&size=20"


@pytest.mark.parametrize(
    "path", ["/user/orders", "/api/v1/user/orders", "/api/v1/rs-order2/user/orders", PREFIX + "/health/live"]
)
def test_only_below_the_prefix(desk: Any, path: str) -> None:
    """The interface answers below its prefix, and health beside it."""
    answer = desk.client.get(path, headers={"authorization": f"Bearer {desk.token()}"})
    assert answer.status_code == 404
    assert path.removeprefix(PREFIX) in answer.json()["messages"][0]


@pytest.mark.parametrize(("prefix", "base"), [("/", ""), ("", ""), ("/x", "/x")])
def test_other_prefixes(make_desk: Callable[..., Any], prefix: str, base: str) -> None:
    """The prefix may be another one, or none."""
    desk = make_desk(prefix=prefix, public_url="https://data.example.org/")
    answer = desk.client.get(base + "/user/orders", headers={"authorization": f"Bearer {desk.token()}"})
    assert answer.json()["links"][0]["href"].startswith(f"https://data.example.org{base}/user/orders?")
    assert desk.client.get("/health/live").status_code == 200


def test_mounted_in_another_application(desk: Any) -> None:
    """Another application may hold the whole interface below a path of its own."""
    client = TestClient(Starlette(routes=[Mount("/order-service", desk.app)]))
    answer = client.get(f"/order-service{PREFIX}/user/orders?token={desk.token()}")
    assert answer.status_code == 200
    assert client.get("/order-service/health/live").status_code == 200


def test_lifespan(desk: Any) -> None:
    """A server may tell it that it begins and ends."""
    with desk.client as client:
        assert client.get("/health/live").status_code == 200


def test_websockets_are_refused(desk: Any) -> None:
    """There are none."""
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    scope = {"type": "websocket", "path": PREFIX + "/user/orders", "headers": []}
    asyncio.run(desk.app(scope, None, send))
    assert [message["type"] for message in messages] == ["websocket.close"]


def test_unknown_path_and_wrong_verb(desk: Any) -> None:
    """Both say so in a body; what is possible stands in a header."""
    token = {"authorization": f"Bearer {desk.token()}"}
    refused = desk.client.put(PREFIX + "/order/basket", headers=token)
    assert (refused.status_code, refused.headers["allow"]) == (405, "DELETE, GET, HEAD")
    assert len(refused.json()["messages"]) == 1
    posted = desk.client.head(PREFIX + "/order/basket/selection", headers=token)
    assert (posted.status_code, posted.headers["allow"], posted.content) == (405, "POST", b"")
    assert desk.client.post("/health/live").status_code == 405


@pytest.mark.parametrize("path", ["/order/basket", "/user/orders", "/user/orders/99"])
def test_head_of_anything(desk: Any, path: str) -> None:
    """HEAD has the headers of GET and no body."""
    head, get = desk.ask("HEAD", path), desk.get(path)
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers.get("content-length") == get.headers.get("content-length")


def entries(caplog: pytest.LogCaptureFixture) -> list[Any]:
    """Return what the access log tells."""
    return [record for record in caplog.records if getattr(record, "action", "") == "http_request"]


def test_access_log(desk: Any, caplog: pytest.LogCaptureFixture) -> None:
    """One entry a request: what was asked, what came out, how long it took, and under which name."""
    with caplog.at_level(logging.INFO):
        answer = desk.get("/user/orders?page=0", headers={"correlation-id": "abc"})
    (entry,) = entries(caplog)
    assert entry.getMessage() == "request answered"
    assert (entry.method, entry.path, entry.status) == ("GET", PREFIX + "/user/orders?page=0", 200)
    assert (entry.bytes, entry.whole, entry.correlation_id) == (len(answer.content), True, "abc")
    assert entry.duration_ms >= 0


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("token={}", "token=***"),
        ("a=1&token={}&b=2", "a=1&token=***&b=2"),
        ("orderToken={}&scope=default", "orderToken=***&scope=default"),
        ("%74oken={}", "%74oken=***"),
        ("order%54oken={}", "order%54oken=***"),
        ("flag&empty=&tokens=x", "flag&empty=&tokens=x"),
    ],
)
def test_tokens_are_never_logged(desk: Any, caplog: pytest.LogCaptureFixture, query: str, shown: str) -> None:
    """Tokens in addresses are masked, however they are spelled."""
    token = desk.token()
    with caplog.at_level(logging.DEBUG, "regards_order_adapters"):
        desk.client.get(f"{PREFIX}/user/orders?{query.format(token)}", headers={"scope": "default"})
    assert entries(caplog)[0].path == f"{PREFIX}/user/orders?{shown}"
    ours = [record for record in caplog.records if record.name.startswith("regards_order")]
    assert not any(token in str(vars(record)) for record in ours)


def test_refusals_are_logged_with_their_code(desk: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Every refusal has a stable word in the log."""
    with caplog.at_level(logging.INFO):
        desk.get("/user/orders/99")
    (entry,) = [record for record in caplog.records if getattr(record, "action", "") == "request_refused"]
    assert (entry.code, entry.status, entry.levelname) == ("NOT_FOUND", 404, "INFO")


@pytest.mark.parametrize("path", [PREFIX + "/order/basket", "/health/ready"])
def test_store_that_is_away(make_desk: Callable[..., Any], make_centre: Callable[..., Any], path: str) -> None:
    """A database out of reach is 503, with the time to come back."""

    class Store:
        def read(self) -> Any:
            raise StoreUnavailable("switched off")

    def ready() -> tuple[str, ...]:
        return ("the database cannot be reached",)

    desk = make_desk(make_centre().with_(store=Store()), ready=ready)
    answer = desk.client.get(path, headers={"authorization": f"Bearer {desk.token()}"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert len(answer.json()["messages"]) == 1
