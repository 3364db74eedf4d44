"""Files that the data centre only references: fetched by HTTP, from where it is allowed, and no longer than it takes.

The rules, each for the URL of the catalogue and again for every redirect:

- only http and https, no login in the URL, at most five redirects, only status 200;
- a host is resolved once; what is judged is what is connected to, so a DNS answer that changes cannot slip in between;
- nothing of the user is sent: no header, no cookie, no token.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse

import attrs

from regards_order.domain.errors import SourceRefused, SourceTimedOut, SourceUnreachable
from regards_order_adapters.storage import network
from regards_order_adapters.storage.network import Hosts, Target, parse_hosts, parse_proxy

_BLOCK = 256 * 1024
_REDIRECTS = 5
_REDIRECT_STATUS = frozenset({301, 302, 303, 307, 308})
_ATTEMPTS = 3  # addresses of one host that are tried, so that a long DNS answer does not multiply the time-out
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "regards-order", "Connection": "close"}
_VARIABLE = "REGARDS_ORDER_EXTERNAL_ALLOW"


@attrs.frozen(eq=False)
class HttpSource:
    """Read the answer of a remote server, once.

    Attributes:
        target: what was asked for.
        size: the number of bytes that will come, if the server says so.
        idle_timeout: seconds that the server may be silent.
    """

    target: Target
    idle_timeout: float
    size: int | None
    _connection: HTTPConnection
    _response: HTTPResponse

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes in blocks of 256 KiB, the last one shorter.

        Raises:
            SourceTimedOut: the server is silent for too long.
            SourceUnreachable: it stops before the end.
        """
        while block := self._read():
            yield block
        # http.client takes an early end for the end: what it still expects tells the truth.
        if self._response.length:
            raise SourceUnreachable(f"{self.target.host} stopped {self._response.length} bytes before the end")

    def _read(self) -> bytes:
        with _reported(self.target.host, self.idle_timeout):
            return self._response.read(_BLOCK)

    def close(self) -> None:
        """Close the socket; closing twice is allowed."""
        self._response.close()
        self._connection.close()


@attrs.frozen(eq=False)
class HttpExternal:
    """Fetch external files by HTTP.

    Attributes:
        allow: hosts and networks that may be used although they are not public.
        proxy: ``http://host:port``, or None to connect directly.
        no_proxy: hosts that are connected to directly all the same.
        connect_timeout: seconds for each of connecting, the TLS handshake and the answer of the proxy.
        idle_timeout: seconds that a server may be silent.
        resolve: host name -> addresses; raises OSError.  The system's resolver keeps its own time-outs.
        tls: how servers prove who they are.

    Raises:
        ValueError: an item of ``allow`` or ``no_proxy``, or the proxy, cannot be read.
    """

    allow: Hosts = attrs.field(default=Hosts(), converter=parse_hosts)
    proxy: Target | None = attrs.field(default=None, converter=parse_proxy)
    no_proxy: Hosts = attrs.field(default=Hosts(), converter=parse_hosts)
    connect_timeout: float = attrs.field(default=10.0, kw_only=True)
    idle_timeout: float = attrs.field(default=60.0, kw_only=True)
    resolve: Callable[[str], Sequence[str]] = attrs.field(default=network.resolve, kw_only=True)
    tls: ssl.SSLContext = attrs.field(factory=ssl.create_default_context, kw_only=True, repr=False)

    def open(self, url: str) -> HttpSource:
        """Open the file at *url*.

        Raises:
            SourceRefused: the URL is not allowed (403), or its server answered anything but 200.
            SourceTimedOut: the server is silent for too long.
            SourceUnreachable: it cannot be reached.
        """
        target = _read_url(Target.parse, url)
        for _ in range(_REDIRECTS + 1):
            connection, response = self._get(target)
            if response.status == 200:
                return HttpSource(target, self.idle_timeout, _size(response), connection, response)
            status, location = response.status, response.getheader("Location")
            response.close()
            connection.close()
            if status not in _REDIRECT_STATUS or not location:
                raise SourceRefused(status, f"{target.host} does not give the file")
            target = _read_url(target.join, location)
        raise SourceRefused(status, f"more than {_REDIRECTS} redirects, the last one to {target.host}")

    def _get(self, target: Target) -> tuple[HTTPConnection, HTTPResponse]:
        proxy = None if target.host in self.no_proxy else self.proxy
        addresses = self._judge(target.host, proxy)
        connection = self._connect(target, addresses) if proxy is None else self._connect_through(proxy, target)
        absolute = proxy is not None and target.scheme == "http"
        try:
            with _reported(target.host, self.idle_timeout):
                connection.sock.settimeout(self.idle_timeout)
                headers = {"Host": target.authority, **_HEADERS}
                connection.request("GET", target.url if absolute else target.path, headers=headers)
                return connection, connection.getresponse()
        except BaseException:
            connection.close()
            raise

    def _judge(self, host: str, proxy: Target | None) -> Sequence[str]:
        """Return the addresses of *host*, all of them allowed."""
        try:
            addresses = (host,) if network.is_address(host) else self.resolve(host)
        except OSError as error:
            if proxy is not None:
                return ()  # a network behind a proxy may not resolve foreign names: the proxy decides
            raise SourceUnreachable(f"{host} cannot be resolved: {error.strerror or error}") from error
        refused = network.forbidden(host, addresses, self.allow)
        if refused is not None:
            where = f"the address {refused} of {host}" if refused != host else f"the address {host}"
            raise SourceRefused(403, f"{where} is not public and not listed in {_VARIABLE}")
        return addresses

    def _connect(self, target: Target, addresses: Sequence[str]) -> HTTPConnection:
        """Connect to one of the judged *addresses* and to nothing else: no name is resolved from here on."""
        error: OSError = OSError("it has no address")
        with _reported(target.host, self.connect_timeout):
            for address in addresses[:_ATTEMPTS]:
                connection = HTTPConnection(address, target.port, timeout=self.connect_timeout)
                try:
                    connection.connect()
                except OSError as failure:
                    error = failure
                else:
                    return self._secure(connection, target)
            raise error

    def _connect_through(self, proxy: Target, target: Target) -> HTTPConnection:
        """Connect to the *proxy*, whose address is trusted configuration."""
        connection = HTTPConnection(proxy.host, proxy.port, timeout=self.connect_timeout)
        if target.scheme == "https":
            connection.set_tunnel(target.bracketed, target.port)
        with _reported(f"{target.host} through the proxy {proxy.authority}", self.connect_timeout):
            try:
                connection.connect()
            except BaseException:
                connection.close()
                raise
            return self._secure(connection, target)

    def _secure(self, connection: HTTPConnection, target: Target) -> HTTPConnection:
        """Put TLS over an open *connection* if the URL says https."""
        if target.scheme == "https":
            try:
                connection.sock = self.tls.wrap_socket(connection.sock, server_hostname=target.host)
            except BaseException:
                connection.close()
                raise
        return connection


def _read_url(read: Callable[[str], Target], url: str) -> Target:
    try:
        return read(url)
    except ValueError as error:
        raise SourceRefused(403, f"{error}; {_VARIABLE} opens addresses only") from error


def _size(response: HTTPResponse) -> int | None:
    """Return the number of bytes of the file; of a file that is sent encoded it is not known."""
    encoding = response.getheader("Content-Encoding", "identity").strip().lower()
    return response.length if encoding == "identity" else None


@contextmanager
def _reported(host: str, limit: float) -> Iterator[None]:
    """Turn what can go wrong on the network into one error that says with whom."""
    try:
        yield
    except TimeoutError as error:
        raise SourceTimedOut(f"{host} did not answer within {limit:g} s") from error
    except (OSError, HTTPException) as error:
        raise SourceUnreachable(f"{host}: {str(error) or type(error).__name__}") from error
