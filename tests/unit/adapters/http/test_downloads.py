"""What a download does when its source, the database or its client is late, wrong or gone."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from regards_order import ChecksumMismatch, StorageUnavailable, StoreUnavailable
from regards_order_adapters.http import streams
from regards_order_adapters.http.blocks import BLOCK, Body
from regards_order_adapters.http.errors import SourcesBusy
from regards_order_adapters.http.site import Limits, Site
from regards_order_adapters.http.streams import Download

LATE = StorageUnavailable("too late")


def wait_until(true: Callable[[], bool]) -> None:
    """Wait for what threads do."""
    moment = threading.Event()
    for _ in range(500):
        if true():
            return
        moment.wait(0.01)
    raise AssertionError("it never became true")


@attrs.define
class Chunks:
    """A source that nobody lets go of unless told: no generator."""

    blocks: list[Any]
    closed: int = 0
    confirmed: int = 0
    away: int = 0
    steps: int = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if not self.blocks:
            raise StopIteration
        block = self.blocks.pop(0)
        if isinstance(block, Exception):
            raise block
        if callable(block):
            block = block()
        return block

    def confirm(self) -> None:
        """Note it, when the database is there."""
        if self.away:
            self.away -= 1
            raise StoreUnavailable("it restarts")
        self.confirmed += 1

    def let_go(self) -> None:
        """Count."""
        self.closed += 1

    def body(self, size: int | None) -> Body:
        """Return the body that is read from it."""
        return Body(
            headers={},
            size=size,
            chunks=self,
            confirm=self.confirm,
            close=self.let_go,
            progress=lambda: self.steps,
        )


@attrs.define
class Line:
    """One download, whose client does what a test says."""

    opener: Callable[[], Body]
    limits: Limits = attrs.field(factory=Limits)
    after: Callable[[Line], None] = lambda line: None
    messages: list[Any] = attrs.field(factory=list)
    gone: asyncio.Event = attrs.field(factory=asyncio.Event)
    there: bool = True
    aborted: bool = False
    changes: list[None] = attrs.field(factory=list)
    site: Any = None

    def __attrs_post_init__(self) -> None:
        """Make the site."""
        nothing: Any = None
        self.site = Site(
            ordering=nothing,
            tenants=(),
            tokens=nothing,
            base="",
            ready=tuple,
            changed=lambda: self.changes.append(None),
            limits=self.limits,
        )

    def alive(self) -> bool:
        """Return what the test says."""
        return self.there

    def outstanding(self) -> int:
        """Return that everything was acknowledged."""
        return 0

    def buffer(self, limit: int | None) -> None:
        """Take no notice."""

    def abort(self) -> None:
        """Note it."""
        self.aborted = True

    async def receive(self) -> Any:
        """Return nothing before the client goes."""
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        """Take a message."""
        self.messages.append(message)
        self.after(self)

    async def download(self) -> None:
        """Send it."""
        scope = {"type": "http", "extensions": {"regards_order.connection": {"connection": self}}}
        await Download(site=self.site, opener=self.opener, late=LATE, subject={}).send(scope, self.receive, self.send)

    def run(self) -> None:
        """Send it from beginning to end."""
        asyncio.run(self.download())

    @property
    def body(self) -> bytes:
        """Return what came."""
        return b"".join(message.get("body", b"") for message in self.messages)

    @property
    def ended(self) -> bool:
        """Return whether the answer came to its end."""
        return bool(self.messages) and not self.messages[-1].get("more_body", True)


def test_source_is_let_go_after_the_end() -> None:
    """Whatever holds it besides us, it is told once."""
    chunks = Chunks([b"abc"])
    line = Line(lambda: chunks.body(3))
    line.run()
    wait_until(lambda: chunks.closed == 1)
    assert (line.body, line.ended, chunks.confirmed) == (b"abc", True, 1)


def test_source_is_let_go_when_the_client_leaves() -> None:
    """The same when nobody wants it any more."""
    chunks = Chunks([b"x" * BLOCK] * 10)
    line = Line(lambda: chunks.body(10 * BLOCK), after=lambda line: line.gone.set())
    line.run()
    wait_until(lambda: chunks.closed == 1)
    assert (line.ended, line.aborted, chunks.confirmed) == (False, True, 0)


@pytest.mark.parametrize("failure", [ChecksumMismatch("a", "b"), ZeroDivisionError()])
def test_source_is_let_go_when_it_fails(failure: Exception) -> None:
    """The same when it breaks on the way."""
    chunks = Chunks([b"x" * BLOCK, failure])
    line = Line(lambda: chunks.body(2 * BLOCK))
    line.run()
    wait_until(lambda: chunks.closed == 1)
    assert (line.ended, chunks.confirmed) == (False, 0)


@pytest.mark.parametrize("failure", [ChecksumMismatch("a", "b"), ZeroDivisionError()])
@pytest.mark.parametrize("size", [0, 3, BLOCK])
def test_small_body_that_is_wrong_is_refused(failure: Exception, size: int) -> None:
    """What is known before anything was sent is told with a status."""
    chunks = Chunks([failure])
    line = Line(lambda: chunks.body(size))
    with pytest.raises(type(failure)):
        line.run()
    wait_until(lambda: chunks.closed == 1)
    assert line.messages == []


def test_empty_body_is_confirmed_before_its_headers() -> None:
    """They tell the client that it has everything."""
    chunks = Chunks([])
    seen: list[int] = []
    line = Line(lambda: chunks.body(0), after=lambda line: seen.append(chunks.confirmed))
    line.run()
    assert (line.messages[0]["headers"], line.ended, seen) == ([(b"content-length", b"0")], True, [1, 1])


def test_empty_body_that_cannot_be_confirmed_is_refused() -> None:
    """No headers, then."""
    chunks = Chunks([], away=100)
    line = Line(lambda: chunks.body(0), Limits(confirm_seconds=0))
    with pytest.raises(StoreUnavailable):
        line.run()
    assert line.messages == []


def test_source_that_never_opens() -> None:
    """The client is told in time, and what opens all the same is let go."""
    go, chunks = threading.Event(), Chunks([b"abc"])
    line = Line(lambda: (go.wait(10), chunks.body(3))[1], Limits(open_seconds=0.01, thread_seconds=0.01))
    with pytest.raises(StorageUnavailable) as late:
        line.run()
    assert (late.value, line.messages, chunks.closed) == (LATE, [], 0)
    go.set()
    wait_until(lambda: chunks.closed == 1)
    assert chunks.confirmed == 0


def test_opening_has_time_limits() -> None:
    """A source elsewhere may take a minute by its own rules."""
    limits = Limits()
    assert (limits.thread_seconds, limits.open_seconds, limits.block_seconds, limits.confirm_seconds) == (
        10,
        70,
        120,
        20,
    )


@pytest.mark.parametrize("heard", [True, False])
def test_client_that_leaves_before_the_source_opens(heard: bool) -> None:
    """It is noticed, also when the server did not hear of it; nothing is sent, and the source is let go."""
    go, opening, chunks = threading.Event(), threading.Event(), Chunks([b"abc"])

    def opener() -> Body:
        opening.set()
        go.wait(10)
        return chunks.body(3)

    async def leave() -> None:
        line = Line(opener)
        running = asyncio.create_task(line.download())
        while not opening.is_set():
            await asyncio.sleep(0)
        line.there = heard
        if heard:
            line.gone.set()
        await asyncio.wait_for(running, 10)
        assert (line.messages, line.aborted) == ([], True)

    asyncio.run(leave())
    go.set()
    wait_until(lambda: chunks.closed == 1)


def test_no_thread_is_free() -> None:
    """Stuck sources do not make the next download wait for ever, and it is never begun."""
    go, opened = threading.Event(), []
    line = Line(lambda: opened.append(None), Limits(stream_threads=1, thread_seconds=0.01))  # type: ignore[arg-type,func-returns-value,return-value]
    line.site.streams.submit(lambda: go.wait(10))
    with pytest.raises(SourcesBusy) as busy:
        line.run()
    assert (busy.value.status, line.messages) == (503, [])
    go.set()
    assert line.site.streams.submit(lambda: 5).result(10) == 5
    assert opened == []


def test_client_that_leaves_before_a_thread_is_free() -> None:
    """Its source is never opened."""
    go, opened = threading.Event(), []
    line = Line(lambda: opened.append(None), Limits(stream_threads=1))  # type: ignore[arg-type,func-returns-value,return-value]
    line.site.streams.submit(lambda: go.wait(10))
    line.gone.set()
    line.run()
    go.set()
    assert line.site.streams.submit(lambda: 5).result(10) == 5
    assert (opened, line.messages) == ([], [])


def test_source_that_falls_silent(caplog: pytest.LogCaptureFixture) -> None:
    """No byte for too long: the answer stays without an end."""
    go = threading.Event()
    chunks = Chunks([b"x" * BLOCK, lambda: (go.wait(10), b"y")[1]])
    line = Line(lambda: chunks.body(None), Limits(block_seconds=0.01))
    line.run()
    go.set()
    wait_until(lambda: chunks.closed == 1)
    assert (line.body, line.ended, chunks.confirmed) == (b"x" * BLOCK, False, 0)
    (record,) = [record for record in caplog.records if getattr(record, "action", "") == "download_broken"]
    assert "not a byte within 0.01 s" in record.__dict__["cause"]


def test_progress_without_a_byte() -> None:
    """An archive that notes one failure after the other is not silent."""
    go = threading.Event()
    chunks = Chunks([lambda: (go.wait(10), b"y")[1]])

    def progress() -> int:
        chunks.steps += 1
        if chunks.steps > 5:
            go.set()
        return chunks.steps

    line = Line(lambda: attrs.evolve(chunks.body(None), progress=progress), Limits(block_seconds=0.01))
    line.run()
    assert (line.body, line.ended, chunks.confirmed) == (b"y", True, 1)


@pytest.mark.parametrize("size", [3, None])
def test_database_that_restarts_at_the_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, size: int | None
) -> None:
    """It gets some time to come back: a whole delivery is not thrown away."""
    monkeypatch.setattr(streams, "_FIRST_PAUSE", 0.001)
    chunks = Chunks([b"abc"], away=3)
    line = Line(lambda: chunks.body(size))
    with caplog.at_level(logging.INFO):
        line.run()
    assert (line.body, line.ended, chunks.confirmed) == (b"abc", True, 1)
    assert [record.__dict__["action"] for record in caplog.records] == ["delivery_waits"] * 3
    wait_until(lambda: line.changes == [None])


def test_client_that_leaves_while_the_database_restarts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then there is nothing to store."""
    monkeypatch.setattr(streams, "_FIRST_PAUSE", 5.0)
    chunks = Chunks([b"abc"], away=1)
    line = Line(lambda: chunks.body(3))

    async def leave() -> None:
        running = asyncio.create_task(line.download())
        while chunks.away:
            await asyncio.sleep(0)
        line.gone.set()
        await asyncio.wait_for(running, 10)

    asyncio.run(leave())
    assert (line.ended, chunks.confirmed) == (False, 0)


def test_client_that_the_server_did_not_hear_hanging_up() -> None:
    """A connection that is broken has no outstanding bytes, and was no delivery."""
    chunks = Chunks([b"x" * BLOCK, b"y" * BLOCK])

    def leave(line: Line) -> None:
        line.there = len(line.body) < 2 * BLOCK - 1

    line = Line(lambda: chunks.body(2 * BLOCK), after=leave)
    line.run()
    assert (line.ended, line.aborted, chunks.confirmed) == (False, True, 0)
