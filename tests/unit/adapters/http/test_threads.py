"""Threads for what blocks: never more than allowed, and none for nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar

import pytest

from regards_order_adapters.http import threads as module
from regards_order_adapters.http.threads import Threads

NAME: ContextVar[str] = ContextVar("NAME")


def test_result_and_failure_come_back() -> None:
    """What the work returns or raises reaches who waits for it."""
    threads = Threads(2, "test")

    async def both() -> None:
        assert await threads.run(lambda: 5) == 5
        with pytest.raises(ZeroDivisionError):
            await threads.run(lambda: 1 // 0)

    asyncio.run(both())


def test_context_of_the_caller() -> None:
    """Context variables are those of who submitted the work."""
    threads = Threads(1, "test")
    NAME.set("a")
    first = threads.submit(NAME.get)
    NAME.set("b")
    assert (first.result(10), threads.submit(NAME.get).result(10)) == ("a", "b")


def test_never_more_threads_than_allowed() -> None:
    """What comes on top waits its turn, in order."""
    threads = Threads(3, "test")
    go, lock = threading.Event(), threading.Lock()
    running: set[int] = set()

    def work() -> int:
        with lock:
            running.add(threading.get_ident())
        go.wait(10)
        return 1

    futures = [threads.submit(work) for _ in range(20)]
    go.set()
    assert sum(future.result(10) for future in futures) == 20
    assert 1 <= len(running) <= 3


def test_as_many_threads_as_needed() -> None:
    """Work that waits for other work is not stuck behind it while threads are allowed."""
    threads = Threads(5, "test")
    barrier = threading.Barrier(5)
    for _ in range(3):
        futures = [threads.submit(lambda: barrier.wait(10)) for _ in range(5)]
        assert {future.result(10) for future in futures} == set(range(5))


def test_work_that_is_given_up_keeps_its_thread() -> None:
    """However slow the world is, there are never more threads; what never began is not done."""
    threads = Threads(1, "test")
    go, done = threading.Event(), []

    async def impatient() -> None:
        for work in (lambda: go.wait(10) and done.append("first"), lambda: done.append("second")):
            with pytest.raises(TimeoutError):
                await threads.run(work, 0.01)

    asyncio.run(impatient())
    go.set()
    assert threads.submit(lambda: 5).result(10) == 5
    assert done == ["first"]


def test_threads_go_when_there_is_nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """An application that is dropped leaves nothing behind; one that is used again begins anew."""
    monkeypatch.setattr(module, "_IDLE_SECONDS", 0.001)
    threads = Threads(1, "test")
    for _ in range(3):
        thread = threads.submit(threading.current_thread).result(10)
        assert thread.daemon
        thread.join(10)
        assert not thread.is_alive()


def test_failure_that_nobody_looks_at() -> None:
    """Is nobody's business: no complaint comes later."""
    threads = Threads(1, "test")
    complaints: list[object] = []

    async def forget() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
        future = threads.start(lambda: 1 // 0)
        await asyncio.wait({future})
        del future

    asyncio.run(forget())
    assert complaints == []


def wait_until(true: Callable[[], bool]) -> None:
    """Wait for what threads do."""
    moment = threading.Event()
    for _ in range(1000):
        if true():
            return
        moment.wait(0.01)
    raise AssertionError("it never became true")


def test_threads_that_are_stuck() -> None:
    """All of them, each with one piece of work, for so long; and no more when one of them is free."""
    threads = Threads(2, "test")
    go = [threading.Event(), threading.Event()]
    first = threads.submit(lambda: go[0].wait(10))
    assert not threads.stuck(0)
    begun = threading.Event()
    second = threads.submit(lambda: begun.set() or go[1].wait(10))
    assert begun.wait(10)
    assert not threads.stuck(60)
    wait_until(lambda: threads.stuck(0))
    go[0].set()
    first.result(10)
    wait_until(lambda: not threads.stuck(0))
    assert not second.done()
    go[1].set()
    second.result(10)
