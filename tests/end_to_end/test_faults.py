"""Clients that hang up, servers that are told to stop, databases that go away."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest
import sqlalchemy as sa

from servers.centre import Centre, until
from servers.proxy import Proxy, proxy

LARGE = 48 * 1024 * 1024  # more than the buffers of both sockets hold


@pytest.fixture
def large(centre: Centre) -> Centre:
    """A data centre with two large files, served."""
    centre.scan({"a.dat": b"a" * LARGE, "b.dat": b"b" * LARGE})
    return centre


def ready_order(centre: Centre, client: httpx2.Client) -> int:
    """Order everything and wait until it is ready."""
    order_id = centre.order(client)
    until(lambda: client.get(f"/orders/{order_id}/files/available").status_code == 200)
    return order_id


def available(client: httpx2.Client, order_id: int) -> int:
    """Return how many files of an order may be downloaded and were not."""
    return int(client.get(f"/user/orders/{order_id}").json()["content"]["availableFilesCount"])


@contextmanager
def half_read(centre: Centre, client: httpx2.Client, path: str) -> Iterator[socket.socket]:
    """Begin a download on a socket of our own, and read as much as shows that it has begun."""
    host, port = re.fullmatch(r"http://(.*):(\d+)", centre.url).groups()  # type: ignore[union-attr]
    with socket.create_connection((host, int(port))) as plain:
        authorization = client.headers["Authorization"]
        request = f"GET /api/v1/rs-order{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {authorization}\r\n\r\n"
        plain.sendall(request.encode())
        received = b""
        while len(received) < 100_000:
            received += plain.recv(65536)
        assert received.startswith(b"HTTP/1.1 200")
        yield plain


def drained(plain: socket.socket) -> int:
    """Read to the end, clean or not, and return the number of bytes."""
    count = 0
    with contextlib.suppress(ConnectionResetError):
        while data := plain.recv(1 << 20):
            count += len(data)
    return count


def test_a_client_that_hangs_up_changes_nothing(large: Centre) -> None:
    """Single file and ZIP: the server notices, and every state stays as it was."""
    server = large.serve()
    with large.client() as client:
        order_id = ready_order(large, client)
        file_id = client.get(f"/orders/{order_id}/files/available").json()["content"][0]["content"]["id"]
        for number, path in enumerate((f"/orders/files/{file_id}", f"/user/orders/{order_id}/download"), 1):
            with half_read(large, client, path):
                pass
            until(lambda number=number: len(server.records("download_left")) == number)
            assert available(client, order_id) == 2
    assert server.end() == 0


def test_a_download_in_its_time_of_grace(large: Centre) -> None:
    """After the signal nothing new begins, but what runs may come to its end, and counts."""
    server = large.serve()
    with large.client() as client:
        order_id = ready_order(large, client)
        file_id = client.get(f"/orders/{order_id}/files/available").json()["content"][0]["content"]["id"]
        with half_read(large, client, f"/orders/files/{file_id}") as plain:
            server.popen.terminate()
            server.says("server ends")
            with pytest.raises(httpx2.TransportError):
                httpx2.get(f"{large.url}/health/live")
            assert drained(plain) > LARGE - 200_000
        assert server.popen.wait(15) == 0
        large.serve()
    with large.client() as client:
        assert available(client, order_id) == 1


def test_a_download_beyond_its_time_of_grace(large: Centre) -> None:
    """A client that takes nothing is broken off, the server ends all the same, and nothing has changed."""
    server = large.serve()
    with large.client() as client:
        order_id = ready_order(large, client)
        with half_read(large, client, f"/user/orders/{order_id}/download") as plain:
            assert server.end(seconds=15) == 0
            assert drained(plain) < LARGE
        large.serve()
    with large.client() as client:
        assert available(client, order_id) == 2


def test_a_worker_ends_in_peace(centre: Centre) -> None:
    """It does what a server without worker leaves undone, and a signal ends it."""
    centre.scan({"a": b"a"})
    server = centre.serve("--no-worker")
    with centre.client() as client:
        order_id = centre.order(client)
        workers = [centre.start("worker") for _ in range(2)]
        for worker in workers:
            worker.says("regards-order works for default")
        until(lambda: centre.status(client, order_id) == "DONE")
    assert [worker.end() for worker in workers] == [0, 0]
    assert server.end() == 0


def test_a_server_that_is_killed_loses_nothing(centre: Centre) -> None:
    """After kill -9 the next server goes on: orders, files and states are as they were told."""
    centre.scan({"a": b"a", "b": b"bb"})
    server = centre.serve("--no-worker")
    with centre.client() as client:
        order_id = centre.order(client)
    assert server.end(9) == -9
    server = centre.serve()
    with centre.client() as client:
        until(lambda: centre.status(client, order_id) == "DONE")
        one = client.get(f"/orders/{order_id}/files/available").json()["content"][0]["content"]
        assert client.get(f"/orders/files/{one['id']}").content == {"a": b"a", "b": b"bb"}[one["filename"]]
        until(lambda: available(client, order_id) == 1)
        assert server.end(9) == -9
        centre.serve()
    with centre.client() as client:
        assert (available(client, order_id), centre.status(client, order_id)) == (1, "DONE")


@pytest.mark.parametrize("kind", ["postgres"])
def test_a_worker_that_is_killed_while_it_lists_files(centre: Centre) -> None:
    """Whatever it had written is gone; when its lease is over the next one lists them anew, each file once."""
    centre.scan({f"{n}": b"%d" % n for n in range(20)})
    centre.serve("--no-worker")
    engine = sa.create_engine(centre.environment["REGARDS_ORDER_DATABASE_URL"])
    with centre.client() as client:
        order_id = centre.order(client)
        with engine.begin() as locking:
            locking.exec_driver_sql("LOCK TABLE order_files IN EXCLUSIVE MODE")
            worker = centre.start("worker")
            until(lambda: _ask(engine, "SELECT leased_until IS NOT NULL FROM orders") == [(True,)])
            until(lambda: _ask(engine, "SELECT 1 FROM pg_locks WHERE NOT granted"))  # it waits in the middle
            assert worker.end(9) == -9
        assert _ask(engine, "SELECT listed, leased_until IS NOT NULL FROM orders") == [(False, True)]
        assert _ask(engine, "SELECT 1 FROM order_files") == []
        worker = centre.start("worker")
        worker.says("regards-order works for")
        with engine.begin() as later:
            later.exec_driver_sql("UPDATE orders SET leased_until = 1")
        until(lambda: centre.status(client, order_id) == "DONE")
        assert available(client, order_id) == 20
    assert _ask(engine, "SELECT count(*), count(DISTINCT filename) FROM order_files") == [(20, 20)]
    engine.dispose()
    assert worker.end() == 0


def _ask(engine: sa.Engine, query: str) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


@pytest.fixture
def network(centre: Centre) -> Iterator[Proxy]:
    """A network between the data centre and its database."""
    url = sa.make_url(centre.environment["REGARDS_ORDER_DATABASE_URL"])
    assert url.port is not None
    with proxy(url.port) as running:
        shown = url.set(port=running.port).render_as_string(hide_password=False)
        centre.environment["REGARDS_ORDER_DATABASE_URL"] = shown
        yield running


@pytest.mark.parametrize("fault", ["cut", "freeze"])
@pytest.mark.parametrize("kind", ["postgres"])
def test_a_database_that_goes_away(centre: Centre, network: Proxy, fault: str) -> None:
    """Requests are told to come back, within ten seconds; workers wait; when it is back, all goes on by itself."""
    centre.scan({"a": b"a"})
    server, worker = centre.serve("--no-worker"), centre.start("worker")
    worker.says("regards-order works for")
    with centre.client() as client:
        first = centre.order(client)
        until(lambda: centre.status(client, first) == "DONE")
        getattr(network, fault)()
        _refused(client)
        ready = client.get(f"{centre.url}/health/ready")
        assert (ready.status_code, client.get(f"{centre.url}/health/live").status_code) == (503, 200)
        network.mend()
        until(lambda: client.get(f"{centre.url}/health/ready").status_code == 200)
        until(lambda: client.get("/user/orders").status_code == 200)
        second = centre.order(client)
        until(lambda: centre.status(client, second) == "DONE")
    assert [server.end(), worker.end()] == [0, 0]


@pytest.mark.parametrize("kind", ["postgres"])
def test_an_end_without_database(centre: Centre, network: Proxy) -> None:
    """A database that does not answer keeps nobody from ending in time."""
    server, worker = centre.serve(), centre.start("worker")
    worker.says("regards-order works for")
    network.freeze()
    with centre.client() as client:
        _refused(client)
    assert [server.end(seconds=15), worker.end(seconds=15)] == [0, 0]
    network.mend()


def _refused(client: httpx2.Client) -> None:
    answer = client.get("/user/orders", timeout=20)
    assert (answer.status_code, answer.headers["Retry-After"] != "") == (503, True)
    assert "try again" in answer.json()["messages"][0]
