"""Health of a process, for whoever watches over it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from regards_order_adapters.http.site import Limits


def test_alive_without_token(desk: Any) -> None:
    """A process that answers is alive."""
    answer = desk.client.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"live": True})
    head = desk.client.head("/health/live")
    assert (head.status_code, head.content) == (200, b"")


def test_ready(desk: Any) -> None:
    """Nothing speaks against it."""
    answer = desk.client.get("/health/ready/")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "reasons": []})


def test_not_ready_says_why(make_desk: Callable[..., Any]) -> None:
    """Each reason is told, and when to ask again."""
    reasons = ["the database cannot be reached", "the storage is not there"]
    answer = make_desk(ready=lambda: reasons).client.get("/health/ready")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert answer.json() == {"ready": False, "reasons": reasons, "messages": reasons}


def test_readiness_that_fails(make_desk: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> None:
    """A check that breaks speaks against it; what broke is for the log."""

    def ready() -> tuple[str, ...]:
        raise ZeroDivisionError("secret detail")

    answer = make_desk(ready=ready).client.get("/health/ready")
    assert (answer.status_code, answer.json()["reasons"]) == (503, ["it cannot be found out: ZeroDivisionError"])
    assert [record.action for record in caplog.records if record.levelname == "WARNING"] == ["readiness_unknown"]


def test_readiness_that_takes_too_long(make_desk: Callable[..., Any]) -> None:
    """A check that does not end speaks against it too."""
    go = threading.Event()
    desk = make_desk(ready=lambda: go.wait(10) and (), limits=Limits(work_seconds=0.01))
    answer = desk.client.get("/health/ready")
    go.set()
    assert (answer.status_code, answer.json()["reasons"]) == (503, ["no answer within 0.01 s"])


def test_sources_that_hold_every_thread(
    make_centre: Callable[..., Any], make_desk: Callable[..., Any], ana: Any
) -> None:
    """No file can be read any more: that speaks against it."""
    centre, go = make_centre(), threading.Event()
    inner = centre.storage

    class Hung:
        def __getattr__(self, name: str) -> Any:
            return getattr(inner, name)

        def open(self, file: Any) -> Any:
            go.wait(10)
            return inner.open(file)

    limits = Limits(stream_threads=1, thread_seconds=0.01, open_seconds=0.01)
    desk = make_desk(centre.with_(storage=Hung()), limits=limits)
    desk.centre.product(desk.centre.dataset("D"), "P", ("a.txt", b"a"))
    desk.centre.work(desk.centre.place(ana))
    assert desk.client.get("/health/ready").status_code == 200
    for _ in range(100):
        assert desk.get("/orders/files/1").status_code == 503
        answer = desk.client.get("/health/ready")
        if answer.status_code == 503:
            break
    go.set()
    assert (answer.status_code, answer.json()["reasons"]) == (
        503,
        ["all 1 threads that read files wait for their sources"],
    )
