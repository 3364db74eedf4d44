"""Downloads count when they were handed over, and only then."""

from __future__ import annotations

import asyncio
import io
import logging
import random
import threading
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from regards_order import SourceUnreachable, StoreUnavailable
from regards_order_adapters.http.site import Limits

TEXT = b"x" * 91
LARGE = random.Random(5).randbytes(1024 * 1024)


@attrs.define
class Talk:
    """One request on plain ASGI, whose client does what a test says."""

    desk: Any
    path: str
    messages: list[Any] = attrs.field(factory=list)
    gone: asyncio.Event = attrs.field(factory=asyncio.Event)
    after: Callable[[Talk], None] = lambda talk: None
    extensions: dict[str, Any] = attrs.field(factory=dict)
    stuck: bool = False

    async def receive(self) -> Any:
        """Return nothing before the client goes."""
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        """Take a message; a client that is stuck takes none after the headers."""
        if self.stuck and len(self.messages) > 1:
            await asyncio.Event().wait()
        self.messages.append(message)
        self.after(self)

    async def run(self) -> None:
        """Make the request."""
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/api/v1/rs-order" + self.path,
            "query_string": b"",
            "headers": [(b"authorization", f"Bearer {self.desk.token()}".encode())],
            "extensions": self.extensions,
        }
        await self.desk.app(scope, self.receive, self.send)

    @property
    def body(self) -> bytes:
        """Return what came so far."""
        return b"".join(message.get("body", b"") for message in self.messages[1:])

    @property
    def ended(self) -> bool:
        """Return whether the answer came to its end."""
        return bool(self.messages[1:]) and not self.messages[-1].get("more_body", False)


def wait_until(true: Callable[[], bool]) -> None:
    """Wait for what threads do."""
    moment = threading.Event()
    for _ in range(1000):
        if true():
            return
        moment.wait(0.01)
    raise AssertionError("it never became true")


@pytest.fixture
def with_files(make_desk: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that orders files and returns their desk and their order."""

    def make(*files: tuple[str, bytes], **kwargs: Any) -> tuple[Any, Any]:
        desk = make_desk(**kwargs)
        desk.centre.product(desk.centre.dataset("D"), "P", *files)
        return desk, desk.centre.work(desk.centre.place(desk.user))

    return make


def closed(desk: Any) -> bool:
    """Return whether every source of the storage was let go."""
    return all(source.closed for source in desk.centre.storage.opened)


def test_file_is_downloaded_before_its_last_byte_arrives(with_files: Callable[..., Any]) -> None:
    """Who has the whole file finds it DOWNLOADED; before its last byte it was AVAILABLE while everything flowed."""
    desk, order = with_files(("a.bin", LARGE))
    seen: list[tuple[int, str]] = []
    talk = Talk(desk, "/orders/files/1")
    talk.after = lambda talk: seen.append((len(talk.body), desk.centre.states(order)["a.bin"]))
    asyncio.run(talk.run())
    assert (talk.body, talk.ended) == (LARGE, True)
    assert {state for size, state in seen if size < len(LARGE) - 1} == {"AVAILABLE"}
    assert seen[-1] == (len(LARGE), "DOWNLOADED")
    wait_until(lambda: closed(desk) and desk.changes == [None])


def test_zip_is_stored_before_its_end_is_sent(with_files: Callable[..., Any]) -> None:
    """A ZIP has no length: its end arrives after the states of its files were stored."""
    desk, order = with_files(("a.bin", LARGE), ("b.txt", TEXT))
    states: list[set[str]] = []
    talk = Talk(desk, f"/user/orders/{order.id}/download")
    talk.after = lambda talk: states.append(set(desk.centre.states(order).values()))
    asyncio.run(talk.run())
    assert talk.ended
    assert all(state == {"AVAILABLE"} for state in states[:-1])
    assert states[-1] == {"DOWNLOADED"}
    with zipfile.ZipFile(io.BytesIO(talk.body)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {"a.bin": LARGE, "b.txt": TEXT}
    headers = dict(talk.messages[0]["headers"])
    assert headers[b"content-type"] == b"application/octet-stream"
    assert headers[b"content-disposition"] == b"attachment;filename=order_1_2026-03-02T09_21_50.000000Z.zip"
    assert b"content-length" not in headers


def test_case_43_refused_files_are_named_in_the_zip(with_files: Callable[..., Any]) -> None:
    """A storage that gives nothing: the answer is 200 all the same, with a notice."""
    desk, order = with_files(("a.txt", TEXT))
    desk.centre.storage.contents.clear()
    answer = desk.get(f"/user/orders/{order.id}/download")
    assert answer.status_code == 200
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.read("NOTICE.txt").startswith(b"Failed to download file (a.txt): ")
    assert desk.centre.states(order) == {"a.txt": "DOWNLOAD_ERROR"}


def test_zip_of_nothing(with_files: Callable[..., Any]) -> None:
    """When nothing is available the answer is empty."""
    desk, order = with_files(("a.txt", TEXT))
    desk.centre.download(order, desk.user)
    for verb in ("GET", "HEAD"):
        answer = desk.ask(verb, f"/user/orders/{order.id}/download")
        assert (answer.status_code, answer.content) == (204, b"")
    assert desk.get("/user/orders/99/download").status_code == 404
    assert desk.get("/user/orders/x/download").status_code == 400


def test_head_of_a_zip_streams_nothing(with_files: Callable[..., Any]) -> None:
    """HEAD has the headers of GET, opens nothing and changes nothing."""
    desk, order = with_files(("a.txt", TEXT))
    answer = desk.ask("HEAD", f"/user/orders/{order.id}/download")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-disposition"].startswith(f"attachment;filename=order_{order.id}_")
    assert "content-length" not in answer.headers
    assert (desk.centre.storage.opened, desk.centre.states(order)) == ([], {"a.txt": "AVAILABLE"})


@pytest.mark.parametrize("path", ["/orders/files/1", "/user/orders/1/download"])
def test_client_that_goes_away_changes_nothing(
    with_files: Callable[..., Any], caplog: pytest.LogCaptureFixture, path: str
) -> None:
    """Half a download is none: states stay, the source is let go, no other is opened, and it is no failure."""
    desk, order = with_files(("a.bin", LARGE), ("b.bin", LARGE[::-1]), ("c.bin", LARGE[1:]), ("d.bin", LARGE[2:]))
    talk = Talk(desk, path)

    def leave(talk: Talk) -> None:
        if len(talk.messages) == 2:
            talk.gone.set()

    talk.after = leave
    with caplog.at_level(logging.INFO):
        asyncio.run(talk.run())
    wait_until(lambda: closed(desk))
    assert not talk.ended
    assert len(desk.centre.storage.opened) == 1
    assert set(desk.centre.states(order).values()) == {"AVAILABLE"}
    assert desk.changes == []
    left = [record for record in caplog.records if getattr(record, "action", "") == "download_left"]
    assert [record.levelname for record in left] == ["INFO"]
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


def test_client_that_leaves_before_the_last_byte(with_files: Callable[..., Any]) -> None:
    """One byte is missing: it counts as nothing."""
    desk, order = with_files(("a.txt", TEXT))
    talk = Talk(desk, "/orders/files/1")
    talk.after = lambda talk: talk.gone.set() if len(talk.body) == len(TEXT) - 1 else None
    asyncio.run(talk.run())
    assert desk.centre.states(order) == {"a.txt": "AVAILABLE"}


def test_client_that_is_gone_from_the_start(with_files: Callable[..., Any]) -> None:
    """Nobody is there: nothing changes."""
    desk, order = with_files(("a.txt", TEXT))
    talk = Talk(desk, "/orders/files/1")
    talk.gone.set()
    asyncio.run(talk.run())
    wait_until(lambda: closed(desk))
    assert desk.centre.states(order) == {"a.txt": "AVAILABLE"}


def test_altered_file_never_arrives_whole(with_files: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> None:
    """Same length, other bytes: the answer stays without its last block, and the file is noted."""
    desk, order = with_files(("a.bin", LARGE))
    desk.centre.storage.contents["a.bin"] = LARGE[::-1]
    talk = Talk(desk, "/orders/files/1")
    asyncio.run(talk.run())
    assert not talk.ended
    assert len(talk.body) < len(LARGE)
    assert desk.centre.states(order) == {"a.bin": "DOWNLOAD_ERROR"}
    assert desk.centre.files(order)[0].download_error.startswith("Checksum mismatch")
    wait_until(lambda: desk.changes == [None])
    broken = [record for record in caplog.records if getattr(record, "action", "") == "download_broken"]
    assert [(record.levelname, record.exc_info) for record in broken] == [("WARNING", None)]


@attrs.define
class Source:
    """A source that a test leads."""

    blocks: Callable[[], Iterator[bytes]]
    size: int | None = None
    closed: bool = False

    def chunks(self) -> Iterator[bytes]:
        """Yield what the test says."""
        return self.blocks()

    def close(self) -> None:
        """Note that nobody reads any more."""
        self.closed = True


@attrs.define
class Storage:
    """A storage that opens one source for everything."""

    inner: Any
    source: Source

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def open(self, file: Any) -> Source:
        """Return the source."""
        return self.source


@pytest.fixture
def led(make_centre: Callable[..., Any], make_desk: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that orders a file whose source is led by the test."""

    def make(source: Source, **kwargs: Any) -> tuple[Any, Any]:
        centre = make_centre()
        desk = make_desk(centre.with_(storage=Storage(centre.storage, source)), **kwargs)
        desk.centre.product(desk.centre.dataset("D"), "P", ("a.bin", LARGE))
        return desk, desk.centre.work(desk.centre.place(desk.user))

    return make


def test_source_that_is_cut(led: Callable[..., Any]) -> None:
    """A connection that breaks in the middle: an answer without end, and the file is noted."""

    def blocks() -> Iterator[bytes]:
        yield LARGE[:500_000]
        yield LARGE[500_000:700_000]
        raise SourceUnreachable("connection lost")

    source = Source(blocks, len(LARGE))
    desk, order = led(source)
    talk = Talk(desk, "/orders/files/1")
    asyncio.run(talk.run())
    assert (talk.ended, source.closed) == (False, True)
    assert desk.centre.states(order) == {"a.bin": "DOWNLOAD_ERROR"}


@pytest.mark.parametrize("path", ["/orders/files/1", "/user/orders/1/download"])
def test_failure_that_nobody_foresaw(led: Callable[..., Any], caplog: pytest.LogCaptureFixture, path: str) -> None:
    """A fault of ours breaks the connection, is logged with its cause, and marks nothing."""

    def blocks() -> Iterator[bytes]:
        yield LARGE[:500_000]
        raise ZeroDivisionError

    source = Source(blocks, len(LARGE))
    desk, order = led(source)
    talk = Talk(desk, path)
    asyncio.run(talk.run())
    wait_until(lambda: source.closed)
    assert not talk.ended
    assert desk.centre.states(order) == {"a.bin": "AVAILABLE"}
    record = next(record for record in caplog.records if getattr(record, "action", "") == "download_broken")
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


def test_unknown_length(led: Callable[..., Any]) -> None:
    """A source that does not tell its length is sent without one, and ends after it was stored."""
    source = Source(lambda: iter((LARGE[:10], b"", LARGE[10:])))
    desk, order = led(source)
    states: list[str] = []
    talk = Talk(desk, "/orders/files/1")
    talk.after = lambda talk: states.append(desk.centre.states(order)["a.bin"])
    asyncio.run(talk.run())
    assert (talk.body, talk.ended) == (LARGE, True)
    assert b"content-length" not in dict(talk.messages[0]["headers"])
    assert (states[-2], states[-1]) == ("AVAILABLE", "DOWNLOADED")


def test_small_blocks_are_gathered(led: Callable[..., Any]) -> None:
    """Many small blocks cost more than they carry: they travel together."""
    source = Source(lambda: (LARGE[start : start + 100] for start in range(0, len(LARGE), 100)), len(LARGE))
    desk, _ = led(source)
    talk = Talk(desk, "/orders/files/1")
    asyncio.run(talk.run())
    sizes = [len(message["body"]) for message in talk.messages[1:] if message["body"]]
    assert talk.body == LARGE
    assert len(sizes) < 10


def test_database_that_is_away_at_the_end(with_files: Callable[..., Any], make_desk: Callable[..., Any]) -> None:
    """What cannot be stored does not end well: the last byte stays away."""
    desk, order = with_files(("a.bin", LARGE))
    inner = desk.centre.ordering.store

    @attrs.frozen
    class Store:
        def read(self) -> Any:
            return inner.read()

        def write(self) -> Any:
            raise StoreUnavailable("switched off")

    broken = make_desk(desk.centre.with_(store=Store()), limits=Limits(confirm_seconds=0))
    talk = Talk(broken, "/orders/files/1")
    asyncio.run(talk.run())
    assert (talk.body, talk.ended) == (LARGE[:-1], False)
    assert desk.centre.states(order) == {"a.bin": "AVAILABLE"}


@attrs.define
class Connection:
    """A connection whose client acknowledges as a test says."""

    left: list[int]
    limits: list[int | None] = attrs.field(factory=list)
    aborted: bool = False
    there: bool = True

    def alive(self) -> bool:
        """Return what the test says."""
        return self.there

    def outstanding(self) -> int:
        """Return the next number of bytes that are not acknowledged."""
        return self.left.pop(0) if len(self.left) > 1 else self.left[0]

    def buffer(self, limit: int | None) -> None:
        """Note the limit."""
        self.limits.append(limit)

    def abort(self) -> None:
        """Note the end."""
        self.aborted = True


def test_download_waits_for_the_clients_machine(with_files: Callable[..., Any]) -> None:
    """What lies in buffers is not handed over; the little that may be acknowledged late is."""
    desk, order = with_files(("a.bin", LARGE))
    connection = Connection([900_000, 900_000, 500_000, 65_537, 65_536])
    extensions = {"regards_order.connection": {"connection": connection}}
    asyncio.run(Talk(desk, "/orders/files/1", extensions=extensions).run())
    assert (connection.left, connection.limits) == ([65_536], [0, None])
    assert desk.centre.states(order) == {"a.bin": "DOWNLOADED"}


def test_client_that_acknowledges_nothing_more(with_files: Callable[..., Any]) -> None:
    """Who takes nothing for too long is given up, and nothing changes."""
    desk, order = with_files(("a.bin", LARGE), limits=Limits(patience_seconds=0.01))
    connection = Connection([900_000])
    extensions = {"regards_order.connection": {"connection": connection}}
    asyncio.run(Talk(desk, "/orders/files/1", extensions=extensions).run())
    assert connection.aborted
    assert desk.centre.states(order) == {"a.bin": "AVAILABLE"}


def test_client_that_leaves_while_it_should_acknowledge(with_files: Callable[..., Any]) -> None:
    """What was in the buffers of a client that left counts as nothing."""
    desk, order = with_files(("a.bin", LARGE))
    talk = Talk(desk, "/orders/files/1")

    class Leaving(Connection):
        def outstanding(self) -> int:
            talk.gone.set()
            return 900_000

    talk.extensions = {"regards_order.connection": {"connection": Leaving([0])}}
    asyncio.run(talk.run())
    assert desk.centre.states(order) == {"a.bin": "AVAILABLE"}


def test_client_that_takes_nothing(with_files: Callable[..., Any]) -> None:
    """A server that never has room again: the client is given up."""
    desk, order = with_files(("a.bin", LARGE), limits=Limits(patience_seconds=0.01))
    connection = Connection([0])
    talk = Talk(desk, "/orders/files/1", stuck=True)
    talk.extensions = {"regards_order.connection": {"connection": connection}}
    asyncio.run(talk.run())
    wait_until(lambda: closed(desk))
    assert connection.aborted
    assert desk.centre.states(order) == {"a.bin": "AVAILABLE"}


def test_too_many_downloads(led: Callable[..., Any]) -> None:
    """More downloads than the process bears are told to come back; HEAD and lists are none."""
    go = threading.Event()

    def blocks() -> Iterator[bytes]:
        go.wait(10)
        yield LARGE

    desk, _ = led(Source(blocks, len(LARGE)), limits=Limits(downloads=1))

    async def both() -> None:
        first = Talk(desk, "/orders/files/1")
        running = asyncio.create_task(first.run())
        while not first.messages:
            await asyncio.sleep(0)
        second = Talk(desk, "/user/orders/1/download")
        await second.run()
        assert second.messages[0]["status"] == 503
        assert (b"retry-after", b"10") in second.messages[0]["headers"]
        listed = Talk(desk, "/orders/1/files/available")
        await listed.run()
        assert listed.messages[0]["status"] == 200
        go.set()
        await running
        third = Talk(desk, "/orders/files/1")
        await third.run()
        assert third.messages[0]["status"] == 200

    asyncio.run(both())


def test_cancelled_download_changes_nothing(led: Callable[..., Any]) -> None:
    """A task that is cancelled while its source is read lets go of the source once the block is read."""
    reading, go = threading.Event(), threading.Event()

    def blocks() -> Iterator[bytes]:
        reading.set()
        go.wait(10)
        yield LARGE

    source = Source(blocks, len(LARGE))
    desk, order = led(source)

    async def cancelled() -> None:
        task = asyncio.create_task(Talk(desk, "/orders/files/1").run())
        while not reading.is_set():
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert not source.closed
    go.set()
    wait_until(lambda: source.closed)
    assert desk.centre.states(order) == {"a.bin": "AVAILABLE"}
