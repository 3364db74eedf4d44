"""A TCP proxy whose connections can be cut and frozen: a network that fails."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import attrs


@attrs.define
class Proxy:
    """Pass bytes on to a port of this machine, as long as it is up.

    Attributes:
        port: where to connect to.
        target: where bytes go.
    """

    port: int
    target: int
    _up: threading.Event = attrs.field(factory=threading.Event, init=False)
    _flowing: threading.Event = attrs.field(factory=threading.Event, init=False)
    _open: set[socket.socket] = attrs.field(factory=set, init=False)

    def cut(self) -> None:
        """Break all connections and refuse new ones."""
        self._up.clear()
        for each in list(self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def freeze(self) -> None:
        """Keep all connections and let no byte pass."""
        self._flowing.clear()

    def mend(self) -> None:
        """Let everything pass again."""
        self._up.set()
        self._flowing.set()

    def accept(self, listener: socket.socket) -> None:
        """Serve until the listener is closed."""
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if not self._up.is_set():
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self.target))
            for source, sink in ((client, server), (server, client)):
                self._open.add(source)
                threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._flowing.wait()
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._open.discard(source)
        source.close()


@contextmanager
def proxy(target: int) -> Iterator[Proxy]:
    """Run a proxy on a free port for the time of a block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = Proxy(listener.getsockname()[1], target)
        running.mend()
        threading.Thread(target=running.accept, args=(listener,), daemon=True).start()
        yield running
        running.cut()
