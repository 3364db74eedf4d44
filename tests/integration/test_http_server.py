"""The REST interface on a real server: clients that leave, sources that break, and the end of a process."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import http.client
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from regards_order import DataFile, DataType, Ordering, SelectionRequest, SourceUnreachable, User
from regards_order.ports.storage import Answer
from regards_order.testing import in_memory, make_dataset, make_product
from regards_order_adapters.http.app import create_app
from regards_order_adapters.http.server import Server
from regards_order_adapters.tokens import Tokens

ANA = User("ana@example.org")
PREFIX = "/api/v1/rs-order"
BLOCK = random.Random(5).randbytes(256 * 1024)
LARGE = 256  # blocks: 64 MiB, more than the buffers of two sockets take


@attrs.define
class Source:
    """Some equal blocks, and then perhaps a failure."""

    blocks: int
    failure: Exception | None = None
    read: int = 0
    closed: bool = False

    @property
    def size(self) -> int:
        """Return what it promises."""
        return self.blocks * len(BLOCK) + (self.failure is not None)

    def chunks(self) -> Iterator[bytes]:
        """Yield the blocks."""
        for _ in range(self.blocks):
            self.read += 1
            yield BLOCK
        if self.failure is not None:
            raise self.failure

    def close(self) -> None:
        """Note that nobody reads any more."""
        self.closed = True


@attrs.frozen
class Storage:
    """A storage whose files are so many equal blocks: the number stands in their URI."""

    failure: Exception | None = None
    opened: list[Source] = attrs.field(factory=list)

    def make_available(self, files: Any, hours: int) -> None:
        """Everything is there."""

    def answers(self, files: Any) -> Any:
        """Return that everything is there."""
        return [Answer(file.checksum, True) for file in files]

    def open(self, file: Any) -> Source:
        """Open a file."""
        self.opened.append(Source(int(file.uri), self.failure))
        return self.opened[-1]


def make_blocks(name: str, blocks: int) -> DataFile:
    """Return a file of so many blocks."""
    running = hashlib.md5()
    for _ in range(blocks):
        running.update(BLOCK)
    size, checksum = blocks * len(BLOCK), running.hexdigest()
    return DataFile(
        DataType.RAWDATA, name, str(blocks), size=size, checksum=checksum, digest_algorithm="MD5", online=True
    )


class Served:
    """A server in a thread."""

    def __init__(self, app: Any) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        ready = threading.Event()
        self.port = listener.getsockname()[1]
        self._server = Server(app, ready.set, 0.2)
        self._thread = threading.Thread(target=self._server.run, args=([listener],))
        self._thread.start()
        assert ready.wait(30)

    def end(self) -> None:
        """Tell it to end, and wait for it."""
        self._server.should_exit = True
        self._thread.join(30)
        assert not self._thread.is_alive()


@attrs.frozen
class House:
    """A server with one order."""

    ordering: Ordering
    storage: Storage
    served: Served
    token: str

    def connect(self, receive_buffer: int | None = None) -> socket.socket:
        """Return a connection; a small receive buffer leaves what is sent with the server."""
        client = socket.socket()
        client.settimeout(30)
        if receive_buffer is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.connect(("127.0.0.1", self.served.port))
        return client

    def ask(self, client: socket.socket, path: str, verb: str = "GET") -> None:
        """Send a request."""
        lines = (f"{verb} {PREFIX}{path} HTTP/1.1", "Host: x", f"Authorization: Bearer {self.token}", "", "")
        client.sendall("\r\n".join(lines).encode())

    def get(self, path: str, verb: str = "GET") -> tuple[http.client.HTTPResponse, bytes]:
        """Return the answer to a request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.served.port, timeout=30)
        with contextlib.closing(connection):
            connection.request(verb, PREFIX + path, headers={"Authorization": f"Bearer {self.token}"})
            answer = connection.getresponse()
            return answer, answer.read()

    def states(self) -> set[str]:
        """Return the states of all files."""
        return {file.state for file in self.ordering.list_files(ANA, 1)}


def wait_until(true: Callable[[], bool]) -> None:
    """Wait for what others do."""
    moment = threading.Event()
    for _ in range(3000):
        if true():
            return
        moment.wait(0.01)
    raise AssertionError("it never became true")


def read_until(client: socket.socket, size: int) -> bytes:
    """Read at least so many bytes."""
    data = b""
    while len(data) < size:
        block = client.recv(65536)
        assert block
        data += block
    return data


@pytest.fixture
def house() -> Iterator[Callable[..., House]]:
    """Return a function that orders files of so many blocks and serves them."""
    with contextlib.ExitStack() as stack:

        def make(*blocks: int, failure: Exception | None = None) -> House:
            storage = Storage(failure)
            ordering = attrs.evolve(in_memory(), storage=storage)
            dataset = make_dataset("D")
            ordering.catalog.put_dataset(dataset)
            files = [make_blocks(f"{number}.bin", count) for number, count in enumerate(blocks, 1)]
            ordering.catalog.put_product(make_product("P", *files, datasets=(dataset,)))
            ordering.add_selection(ANA, SelectionRequest())
            ordering.place_order(ANA)
            ordering.work()
            tokens = Tokens("x" * 32, ordering.clock)
            token = tokens.mint_bearer("default", ANA, ordering.clock.now() + dt.timedelta(hours=1))
            app = create_app(
                ordering=lambda tenant: ordering, tenants=("default",), tokens=tokens, public_url="http://x"
            )
            served = Served(app)
            stack.callback(served.end)
            return House(ordering, storage, served, token)

        yield make


def test_whole_file_and_whole_zip(house: Callable[..., House]) -> None:
    """Large bodies arrive as they were; a file that was taken is not in the ZIP any more."""
    here = house(40, 41)
    answer, body = here.get("/orders/files/1")
    assert (answer.status, body) == (200, BLOCK * 40)
    answer, body = here.get("/user/orders/1/download")
    assert (answer.status, answer.getheader("transfer-encoding")) == (200, "chunked")
    assert body.count(BLOCK[:64]) == 41
    assert here.states() == {"DOWNLOADED"}


def test_who_has_a_file_finds_it_downloaded(house: Callable[..., House]) -> None:
    """The state is stored before the client has the last byte: whoever looks then sees it."""
    here = house(*([1] * 30))
    for file_id in range(1, 31):
        _, body = here.get(f"/orders/files/{file_id}")
        left = json.loads(here.get("/user/orders/1")[1])["content"]["availableFilesCount"]
        assert (body, left) == (BLOCK, 30 - file_id)


def test_one_connection_for_many_requests(house: Callable[..., House]) -> None:
    """A connection is as good after a download as before, also for a client that does not wait for answers."""
    here = house(3, 2)
    with here.connect() as client:
        here.ask(client, "/orders/files/1", "HEAD")
        here.ask(client, "/orders/files/1")
        here.ask(client, "/user/orders/1/download")
        here.ask(client, "/user/orders")
        data = read_until(client, 5 * len(BLOCK))
        while b'"totalElements":1' not in data:
            data += client.recv(65536)
    assert data.count(b"HTTP/1.1 200 OK") == 4
    assert data.count(BLOCK) == 3
    assert here.states() == {"DOWNLOADED"}


@pytest.mark.parametrize("path", ["/orders/files/1", "/user/orders/1/download"])
def test_client_that_hangs_up_in_the_middle(house: Callable[..., House], path: str) -> None:
    """Every state is as it was, the source is let go, and no other one is opened."""
    here = house(LARGE, LARGE, LARGE)
    with here.connect() as client:
        here.ask(client, path)
        read_until(client, 1_000_000)
    wait_until(lambda: here.storage.opened[0].closed)
    assert here.storage.opened[0].read < LARGE
    assert (len(here.storage.opened), here.states()) == (1, {"AVAILABLE"})
    assert here.get("/user/orders")[0].status == 200


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what its sockets hold")
@pytest.mark.parametrize("path", ["/orders/files/1", "/user/orders/1/download"])
def test_what_lies_in_buffers_was_not_handed_over(house: Callable[..., House], path: str) -> None:
    """A body that fits into the server's socket: a client that leaves without it has not downloaded it."""
    here = house(4)
    with here.connect(receive_buffer=4096) as client:
        here.ask(client, path)
        read_until(client, 100)
        wait_until(lambda: any(source.closed for source in here.storage.opened))  # all is given to the network
    for _ in range(20):
        assert here.get("/user/orders")[0].status == 200
        assert here.states() == {"AVAILABLE"}


def test_source_that_is_cut(house: Callable[..., House], caplog: pytest.LogCaptureFixture) -> None:
    """The body of a file stays incomplete; one line of ours says why, and no stack trace."""
    here = house(8, failure=SourceUnreachable("connection lost"))
    with pytest.raises(http.client.IncompleteRead) as incomplete:
        here.get("/orders/files/1")
    assert 0 < len(incomplete.value.partial) <= 8 * len(BLOCK)
    assert here.states() == {"DOWNLOAD_ERROR"}
    ours = [record for record in caplog.records if getattr(record, "action", "") == "download_broken"]
    assert [record.cause for record in ours] == ["The source of the file cannot be read: connection lost."]
    assert not any(record.exc_info for record in caplog.records)


def test_archive_that_breaks_has_no_end(house: Callable[..., House]) -> None:
    """A ZIP that cannot be written to its end never looks whole."""
    here = house(8, failure=RuntimeError("out of order"))
    with pytest.raises(http.client.IncompleteRead):
        here.get("/user/orders/1/download")
    assert here.states() == {"AVAILABLE"}


def test_slow_clients_hold_nobody_up(house: Callable[..., House]) -> None:
    """More clients than threads that take nothing: another one gets everything, and sources wait."""
    here = house(LARGE, 8)
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(here.connect(receive_buffer=4096)) for _ in range(50)]
        for client in slow:
            here.ask(client, "/orders/files/1")
            read_until(client, 100)
        assert here.get("/orders/files/2")[1] == BLOCK * 8
        assert here.get("/user/orders")[0].status == 200
        assert all(source.read < LARGE for source in here.storage.opened[:50])
    wait_until(lambda: all(source.closed for source in here.storage.opened))
    assert here.states() == {"AVAILABLE", "DOWNLOADED"}


def test_running_downloads_are_broken_at_the_end(house: Callable[..., House]) -> None:
    """A download that outlives the time of grace is broken, and nothing changes."""
    here = house(LARGE)
    with here.connect() as client:
        here.ask(client, "/orders/files/1")
        read_until(client, 100)
        here.served.end()
    wait_until(lambda: here.storage.opened[0].closed)
    assert here.states() == {"AVAILABLE"}


SCRIPT = """
import logging, socket, sys
from regards_order_adapters.http.server import serve

logging.basicConfig(stream=sys.stdout, level=logging.WARNING)

async def app(scope, receive, send):
    import asyncio
    if scope["type"] == "lifespan":
        while (kind := (await receive())["type"]) != "lifespan.shutdown":
            await send({"type": kind + ".complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"a", "more_body": True})
    if scope["path"] == "/slow":
        while (await receive())["type"] != "http.disconnect":
            pass
        print("gone", flush=True)
        return
    if scope["path"] == "/waits":
        await asyncio.to_thread(sys.stdin.readline)
    await send({"type": "http.response.body", "body": b"b"})

listener = socket.create_server(("127.0.0.1", 0))
serve(app, listener, ready=lambda: print(listener.getsockname()[1], flush=True), grace=float(sys.argv[1]))
print("ended", flush=True)
"""


@contextlib.contextmanager
def process(grace: float) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a server in a process of its own."""
    command = [sys.executable, "-c", SCRIPT, str(grace)]
    source = str(Path(__file__).parents[2] / "src")
    environment = {**os.environ, "PYTHONPATH": source, "PYTHONWARNINGS": "error"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, text=True, **pipes) as running:  # type: ignore[call-overload]
        try:
            yield running, int(running.stdout.readline())
        finally:
            running.kill()


def begin(port: int, path: str) -> socket.socket:
    """Begin a request and return its connection once the answer began."""
    client = socket.create_connection(("127.0.0.1", port), timeout=30)
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    data = b""
    while not data.endswith(b"\r\n\r\na"):
        data += client.recv(1)
    return client


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_a_process_in_peace(number: signal.Signals) -> None:
    """An idle server ends at once, with exit code 0 and nothing to say."""
    with process(10) as (running, port):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as idle:
            idle.request("GET", "/")
            assert idle.getresponse().read() == b"ab"
            running.send_signal(number)
            output, errors = running.communicate(timeout=30)
        assert (running.returncode, output, errors) == (0, "ended\n", "")


def test_running_answers_get_time_after_a_signal() -> None:
    """What runs comes to its end; nothing new is accepted."""
    with process(30) as (running, port), begin(port, "/waits") as client:
        running.send_signal(signal.SIGTERM)
        wait_until(lambda: not accepts(port))
        running.stdin.write("go\n")  # type: ignore[union-attr]
        running.stdin.flush()  # type: ignore[union-attr]
        assert client.recv(10) == b"b"
        output, errors = running.communicate(timeout=30)
        assert (running.returncode, output, errors) == (0, "ended\n", "")


def accepts(port: int) -> bool:
    """Return whether somebody listens."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=30).close()
    except OSError:
        return False
    return True


def test_answers_that_do_not_end_are_broken() -> None:
    """After the time of grace the connection is cut; the application sees a client that left."""
    with process(0.1) as (running, port), begin(port, "/slow") as client:
        running.send_signal(signal.SIGTERM)
        assert select.select([client], [], [], 30)[0]
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(10) == b""
        output, errors = running.communicate(timeout=30)
        assert (running.returncode, output, errors) == (0, "gone\nended\n", "")
