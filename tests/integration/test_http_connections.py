"""Connections of a real server: broken ones, old ones, slow ones, and what is no HTTP."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import logging
import random
import socket
import struct
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

from regards_order import Ordering, SelectionRequest, SourceUnreachable, User
from regards_order.ports.storage import Answer
from regards_order.testing import in_memory, make_dataset, make_file, make_product
from regards_order_adapters.http import connections
from regards_order_adapters.http.app import create_app
from regards_order_adapters.http.server import Server
from regards_order_adapters.http.site import Limits
from regards_order_adapters.tokens import Tokens

ANA = User("ana@example.org")
PREFIX = "/api/v1/rs-order"
DATA = random.Random(5).randbytes(3 * 2**20)  # which cannot be compressed
RESET = struct.pack("ii", 1, 0)


@attrs.define
class Source:
    """A file in memory, which a test may hold back or break."""

    data: bytes
    failure: Exception | None
    size: int
    closed: bool = False

    def chunks(self) -> Iterator[bytes]:
        """Yield it in blocks."""
        for start in range(0, len(self.data), 65536):
            yield self.data[start : start + 65536]
        if self.failure is not None:
            raise self.failure

    def close(self) -> None:
        """Note that nobody reads any more."""
        self.closed = True


@attrs.define
class Storage:
    """A storage of one file for all names."""

    data: bytes
    failure: Exception | None = None
    go: threading.Event = attrs.field(factory=threading.Event)
    waiting: int = 0
    hung: bool = False
    opened: list[Source] = attrs.field(factory=list)

    def make_available(self, files: Any, hours: int) -> None:
        """Everything is there."""

    def answers(self, files: Any) -> Any:
        """Return that everything is there."""
        return [Answer(file.checksum, True) for file in files]

    def open(self, file: Any) -> Source:
        """Open it, when it is not hung."""
        if self.hung:
            self.waiting += 1
            self.go.wait(10)
        self.opened.append(Source(self.data, self.failure, len(self.data)))
        return self.opened[-1]


@attrs.frozen
class House:
    """A server with one order of one file."""

    ordering: Ordering
    storage: Storage
    port: int
    token: str

    def connect(self) -> socket.socket:
        """Return a connection."""
        client = socket.socket()
        client.settimeout(20)
        client.connect(("127.0.0.1", self.port))
        return client

    def request(self, path: str, verb: str = "GET", version: str = "1.1", *extra: str) -> bytes:
        """Return the bytes of a request."""
        first = f"{verb} {PREFIX}{path} HTTP/{version}"
        return "\r\n".join((first, "Host: x", f"Authorization: Bearer {self.token}", *extra, "", "")).encode()

    def states(self) -> set[str]:
        """Return the states of all files."""
        return {file.state for file in self.ordering.list_files(ANA, 1)}

    def get(self, path: str) -> tuple[int, bytes]:
        """Return status and body of a request of its own."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request("GET", PREFIX + path, headers={"Authorization": f"Bearer {self.token}"})
            answer = connection.getresponse()
            return answer.status, answer.read()

    def raw(self, sent: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        """Return the only answer to some bytes, after which the connection was closed."""
        with self.connect() as client:
            client.sendall(sent)
            received = read_all(client)
        return parsed(received)


class _Fake:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def makefile(self, mode: str) -> io.BytesIO:
        """Return what came."""
        return io.BytesIO(self.data)


def parsed(received: bytes) -> tuple[http.client.HTTPResponse, bytes]:
    """Return an answer that came whole."""
    answer = http.client.HTTPResponse(_Fake(received))  # type: ignore[arg-type]
    answer.begin()
    return answer, answer.read()


def read_all(client: socket.socket) -> bytes:
    """Read to the end."""
    data = b""
    while block := client.recv(65536):
        data += block
    return data


def wait_until(true: Callable[[], bool]) -> None:
    """Wait for what others do."""
    moment = threading.Event()
    for _ in range(1500):
        if true():
            return
        moment.wait(0.01)
    raise AssertionError("it never became true")


@pytest.fixture
def house() -> Iterator[Callable[..., House]]:
    """Return a function that orders one file and serves it."""
    with contextlib.ExitStack() as stack:

        def make(data: bytes = DATA, failure: Exception | None = None, **limits: Any) -> House:
            storage = Storage(data, failure)
            ordering = attrs.evolve(in_memory(), storage=storage)
            dataset = make_dataset("D")
            ordering.catalog.put_dataset(dataset)
            ordering.catalog.put_product(make_product("P", make_file("a.bin", data), datasets=(dataset,)))
            ordering.add_selection(ANA, SelectionRequest())
            ordering.place_order(ANA)
            ordering.work()
            tokens = Tokens("x" * 32, ordering.clock)
            token = tokens.mint({"tenant": "default", "sub": ANA.email, "email": ANA.email, "role": "REGISTERED_USER"})
            app = create_app(
                ordering=lambda tenant: ordering,
                tenants=("default",),
                tokens=tokens,
                public_url="http://x",
                limits=Limits(**limits),
            )
            listener, ready = socket.create_server(("127.0.0.1", 0)), threading.Event()
            port = listener.getsockname()[1]
            server = Server(app, ready.set, 0.2)
            thread = threading.Thread(target=server.run, args=([listener],))
            thread.start()

            def end() -> None:
                storage.go.set()
                server.should_exit = True
                thread.join(30)
                assert not thread.is_alive()

            stack.callback(end)
            assert ready.wait(30)
            return House(ordering, storage, port, token)

        yield make


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what its sockets hold")
@pytest.mark.parametrize("path", ["/orders/files/1", "/user/orders/1/download"])
@pytest.mark.parametrize("more", [0, 1, 2, 40])
@pytest.mark.parametrize("whole", [True, False])
def test_client_that_resets_has_nothing(
    house: Callable[..., House], caplog: pytest.LogCaptureFixture, path: str, more: int, whole: bool
) -> None:
    """However many requests it sent at once, and also when everything lies in the server's socket already."""
    caplog.set_level(logging.INFO)
    here = house(DATA[: 2**20] if whole else DATA * 4)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", here.port))
        client.sendall(here.request(path) + here.request("/user/orders") * more)
        if whole:
            wait_until(lambda: any(source.closed for source in here.storage.opened))
        else:
            assert client.recv(100)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    wait_until(lambda: any(getattr(record, "action", "") == "download_left" for record in caplog.records))
    assert here.get("/user/orders")[0] == 200
    assert here.states() == {"AVAILABLE"}


def test_broken_connection_is_known_at_once() -> None:
    """Also when nobody reads from it, as while more requests wait than one: the kernel is asked."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        for reset in (False, True):
            client = socket.create_connection(listener.getsockname())
            served, _ = listener.accept()
            with served:
                transport = SimpleNamespace(is_closing=lambda: False, get_extra_info=lambda name, it=served: it)
                alive = partial(connections.ServerConnection.alive, SimpleNamespace(transport=transport))
                assert alive()
                if reset:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                client.close()
                wait_until(lambda alive=alive: not alive())


def test_archive_for_http_1_0(house: Callable[..., House]) -> None:
    """No chunks: the end of the connection is that of the archive."""
    here = house()
    with here.connect() as client:
        client.sendall(here.request("/user/orders/1/download", version="1.0"))
        received = read_all(client)
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head.lower()
    assert b"connection: close" in head.lower()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.read("a.bin") == DATA
    assert here.states() == {"DOWNLOADED"}


def test_broken_archive_for_http_1_0(house: Callable[..., House]) -> None:
    """The end of the connection would look like that of the archive: it is reset instead."""
    here = house(failure=RuntimeError("out of order"))
    with here.connect() as client:
        client.sendall(here.request("/user/orders/1/download", version="1.0"))
        with pytest.raises(ConnectionResetError):
            read_all(client)
    assert here.states() == {"AVAILABLE"}


def test_file_and_json_for_http_1_0(house: Callable[..., House]) -> None:
    """What has a length needs nothing else."""
    here = house()
    answer, body = here.raw(here.request("/orders/files/1", version="1.0"))
    assert (answer.getheader("content-length"), body) == (str(len(DATA)), DATA)
    assert here.raw(here.request("/user/orders", version="1.0"))[0].status == 200


def test_end_of_the_server_breaks_http_1_0(house: Callable[..., House]) -> None:
    """A file that fails in the middle: the client sees that it is not whole."""
    here = house(failure=SourceUnreachable("cut"))
    with here.connect() as client:
        client.sendall(here.request("/orders/files/1", version="1.0"))
        with contextlib.suppress(ConnectionResetError):
            assert len(read_all(client)) < len(DATA)
    assert here.states() == {"DOWNLOAD_ERROR"}


@pytest.mark.parametrize(
    "sent",
    [
        b"FOO / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x00\x01\x02\r\n\r\n",
        b"GET /caf\xe9 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v1/rs-order/user/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["verb", "bytes", "path", "length", "chunk"],
)
def test_what_is_no_http(house: Callable[..., House], sent: bytes) -> None:
    """It is refused in the form of all refusals, with the headers of all answers."""
    answer, body = house().raw(sent)
    assert (answer.status, answer.getheader("content-type")) == (400, "application/json")
    assert len(json.loads(body)["messages"]) == 1
    assert answer.getheader("cache-control", "").startswith("no-cache")
    assert answer.getheader("correlation-id")
    assert answer.getheader("connection") == "close"


@pytest.mark.parametrize("rest", [b"\r\n\r\n", b"", b"\r\nB: " + b"b" * 70_000 + b"\r\n\r\n"])
def test_head_that_is_too_large(house: Callable[..., House], rest: bytes) -> None:
    """Whether it ends or not; one that is just small enough is read."""
    here = house()
    head = b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\nA: "
    answer, body = here.raw(head + b"a" * 66_000 + rest)
    assert (answer.status, len(json.loads(body)["messages"])) == (431, 1)
    assert here.raw(head + b"a" * 60_000 + b"\r\n\r\n")[0].status == 200


def test_large_body_is_no_large_head(house: Callable[..., House]) -> None:
    """They are counted apart."""
    here = house()
    body = b'{"engineType": "legacy"' + b" " * 200_000 + b"}"
    extra = (f"Content-Length: {len(body)}", "Connection: close")
    assert here.raw(here.request("/order/basket/selection", "POST", "1.1", *extra) + body)[0].status == 200


def test_request_that_does_not_come(house: Callable[..., House], monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a head, half a body: 408 after a while; nothing at all: the end."""
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(connections, "BODY_SECONDS", 0.2)
    here = house()
    for sent in (
        b"G",
        b"GET / HTTP/1.1\r\nHost:",
        here.request("/user/orders", "POST", "1.1", "Content-Length: 10") + b"{",
    ):
        answer, body = here.raw(sent)
        assert (answer.status, len(json.loads(body)["messages"])) == (408, 1)
    for sent in (b"", b"\r\n"):
        with here.connect() as client:
            client.sendall(sent)
            assert read_all(client) == b""


def test_head_that_comes_drop_by_drop(house: Callable[..., House], monkeypatch: pytest.MonkeyPatch) -> None:
    """It has its time as a whole."""
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)
    here, answer = house(), b""
    with here.connect() as client:
        client.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\nA: ")
        client.settimeout(0.02)
        for _ in range(500):
            with contextlib.suppress(TimeoutError):
                answer = client.recv(65536)
                break
            client.sendall(b"a")
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_time_limits_are_for_clients_only(house: Callable[..., House], monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that is answered slowly is answered, also when half of the next one is there already."""
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.05)
    monkeypatch.setattr(connections, "BODY_SECONDS", 0.05)
    here = house()
    here.storage.hung = True
    with here.connect() as client:
        client.sendall(here.request("/orders/files/1") + b"GET /health/live HT")
        wait_until(lambda: here.storage.waiting == 1)
        client.settimeout(0.5)
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(20)
        here.storage.go.set()
        data = b""
        while len(data) < len(DATA):
            block = client.recv(65536)
            assert block
            data += block
    assert data.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("rest", [b"FOO / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nA: " + b"a" * 70_000])
def test_nonsense_after_a_request(house: Callable[..., House], rest: bytes) -> None:
    """What came before it is answered, whole; then it is the end."""
    here = house()
    answer, body = here.raw(here.request("/orders/files/1") + rest)
    assert (answer.status, body) == (200, DATA)
    assert here.states() == {"DOWNLOADED"}


def test_nonsense_in_the_body_of_the_next_request(house: Callable[..., House]) -> None:
    """The same when only a part of it was right."""
    here = house()
    chunked = ("Transfer-Encoding: chunked",)
    rest = here.request("/user/orders", "POST", "1.1", *chunked) + b"zz\r\n"
    answer, body = here.raw(here.request("/orders/files/1") + rest)
    assert (answer.status, body) == (200, DATA)


def test_clients_that_leave_a_hung_storage(house: Callable[..., House]) -> None:
    """Their places are free again, and who comes then is told soon that no thread is."""
    here = house(stream_threads=1, downloads=2, thread_seconds=0.05)
    here.storage.hung = True
    with here.connect() as client:
        client.sendall(here.request("/orders/files/1"))
        wait_until(lambda: here.storage.waiting == 1)
        for _ in range(5):
            with here.connect() as other:
                other.sendall(here.request("/orders/files/1"))
        wait_until(lambda: b"threads" in here.get("/orders/files/1")[1])
    wait_until(lambda: here.get("/orders/files/1")[0] == 503)
    assert here.states() == {"AVAILABLE"}
    here.storage.go.set()
    here.storage.hung = False
    wait_until(lambda: here.get("/orders/files/1") == (200, DATA))


def test_deadlines_of_requests() -> None:
    """Half a minute for a head, a minute without a byte of a body, 64 KiB for a head."""
    limits = (connections.HEAD_SECONDS, connections.BODY_SECONDS, connections.HEAD_BYTES)
    assert limits == (30, 60, 65536)
