"""External files, fetched from real servers on the loopback interface."""

from __future__ import annotations

import socket
import ssl
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import attrs
import pytest

from regards_order.domain.errors import SourceRefused, SourceTimedOut, SourceUnreachable
from regards_order.ports.sources import External
from regards_order_adapters.storage.external import HttpExternal

PATIENCE = 10.0  # seconds until a test that waits for an event has failed
BODY = bytes(range(256)) * 2400  # more than two blocks, not a whole number of them
LOOPBACK = ("127.0.0.0/8",)

# The key and certificate of archive.internal, made for these tests; valid from 2020 to 2120.
CERTIFICATE = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQguDs+J7tpvVagDzMg
YZNubgQ4LKZjMzRTCqHwio8jZQuhRANCAATiZKyUrF0wQnqEy2UyzXXVOb5xzwV4
kPP5DkB7msmfLO+qTcxJAem2dAQzbDp28pllQ2ktjCpJaCOk8h2xJXBF
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBdTCCARygAwIBAgIBATAKBggqhkjOPQQDAjAbMRkwFwYDVQQDDBBhcmNoaXZl
LmludGVybmFsMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAbMRkw
FwYDVQQDDBBhcmNoaXZlLmludGVybmFsMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcD
QgAE4mSslKxdMEJ6hMtlMs111Tm+cc8FeJDz+Q5Ae5rJnyzvqk3MSQHptnQEM2w6
dvKZZUNpLYwqSWgjpPIdsSVwRaNPME0wGwYDVR0RBBQwEoIQYXJjaGl2ZS5pbnRl
cm5hbDAdBgNVHQ4EFgQUVz5fcLlFIwznhe9CsuYwfa3tcCAwDwYDVR0TAQH/BAUw
AwEB/zAKBggqhkjOPQQDAgNHADBEAiAjO6Qt9OtWGzIj4UuA7yJYZd8Yaorn3+YV
AS2BprEdrwIgO6NkvwjmEayfhZkJov6BNIlZ5x84SNdjlGAPDeRqYqM=
-----END CERTIFICATE-----
"""


class Handler(BaseHTTPRequestHandler):
    """Answer a request with the route of its path, one request a connection."""

    server: Server
    timeout = PATIENCE

    def do_GET(self) -> None:
        """Remember the request and follow its route."""
        self.server.requests.append(self.requestline)
        self.server.headers.append(dict(self.headers.items()))
        self.server.routes.get(self.path, missing)(self)

    def do_CONNECT(self) -> None:
        """Do the same: here the path is the host and port of the tunnel."""
        self.do_GET()

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Send a whole answer; in the names of headers, an underscore stands for a dash."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


Route = Callable[[Handler], object]


def missing(handler: Handler) -> None:
    """Answer a path without route."""
    handler.answer(404)


def client_leaves(handler: Handler) -> bool:
    """Wait until the client has closed its connection, with or without having read everything."""
    try:
        return handler.rfile.read(1) == b""
    except ConnectionResetError:
        return True


class Server(ThreadingHTTPServer):
    """Serve `routes` on a free port, and remember what was asked."""

    daemon_threads = False

    def __init__(self, address: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__((address, port), Handler)
        self.routes: dict[str, Route] = {}
        self.requests: list[str] = []
        self.headers: list[dict[str, str]] = []
        self._thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """Return the URL of *path* on this server, called *host*."""
        return f"http://{host}:{self.server_port}{path}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Report what goes wrong here, but not that a client has gone: some of these tests do just that."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def stop(self) -> None:
        """Stop serving and wait for every thread."""
        self.shutdown()
        self._thread.join()
        self.server_close()


Serve = Callable[..., Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers, and stop all of them after the test."""
    servers: list[Server] = []

    def start(address: str = "127.0.0.1", port: int = 0) -> Server:
        servers.append(Server(address, port))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def server(serve: Serve) -> Server:
    """Start one server."""
    return serve()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Write the certificate of archive.internal where ssl can read it."""
    path = tmp_path / "archive.pem"
    path.write_text(CERTIFICATE)
    return path


@attrs.define
class Resolver:
    """Answer look-ups from a list, one answer after the other; the last one for ever."""

    answers: list[tuple[str, ...]]
    asked: list[str] = attrs.field(factory=list)

    def __call__(self, host: str) -> Sequence[str]:
        """Return the next answer."""
        self.asked.append(host)
        if not self.answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def read(external: External, url: str) -> bytes:
    """Fetch the whole file at *url*."""
    with closing(external.open(url)) as source:
        return b"".join(source.chunks())


def sized(handler: Handler) -> None:
    """Answer with the body and its length."""
    handler.answer(200, BODY, Content_Length=str(len(BODY)))


def redirect(location: str, status: int = 302) -> Route:
    """Return a route that redirects to *location*."""
    return lambda handler: handler.answer(status, Location=location, Content_Length="0")


def chunked(handler: Handler) -> None:
    """Answer with the body in two chunks."""
    handler.protocol_version = "HTTP/1.1"
    half = len(BODY) // 2
    parts = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (BODY[:half], BODY[half:], b""))
    handler.answer(200, parts, Transfer_Encoding="chunked")


# --- what is read ----------------------------------------------------------------------------------------------------


def test_length_given(server: Server) -> None:
    """A file with Content-Length says its size and comes in blocks of 256 KiB."""
    server.routes["/f"] = sized
    with closing(HttpExternal(LOOPBACK).open(server.url("/f"))) as source:
        blocks = list(source.chunks())
        assert source.size == len(BODY)
    assert b"".join(blocks) == BODY
    assert [len(block) for block in blocks] == [262144, 262144, len(BODY) - 2 * 262144]


@pytest.mark.parametrize("route", [chunked, lambda handler: handler.answer(200, BODY)], ids=["chunked", "until closed"])
def test_length_not_given(server: Server, route: Route) -> None:
    """A file without Content-Length has no size and is read to its end."""
    server.routes["/f"] = route
    with closing(HttpExternal(LOOPBACK).open(server.url("/f"))) as source:
        assert source.size is None
        assert b"".join(source.chunks()) == BODY


def test_empty_file(server: Server) -> None:
    """An empty file has the size 0 and no block."""
    server.routes["/f"] = lambda handler: handler.answer(200, Content_Length="0")
    with closing(HttpExternal(LOOPBACK).open(server.url("/f"))) as source:
        assert (source.size, list(source.chunks())) == (0, [])


def test_encoded_file(server: Server) -> None:
    """The length of an encoded answer is not the size of the file."""
    server.routes["/f"] = lambda handler: handler.answer(200, b"zzz", Content_Length="3", Content_Encoding="gzip")
    with closing(HttpExternal(LOOPBACK).open(server.url("/f"))) as source:
        assert source.size is None
        assert list(source.chunks()) == [b"zzz"]


def test_request(server: Server) -> None:
    """Nothing of the user is sent: the request has four headers, and no cookie comes back after a redirect."""
    server.routes["/a"] = lambda handler: handler.answer(302, Location="/b?q=1", Set_Cookie="s=1", Content_Length="0")
    server.routes["/b?q=1"] = sized
    read(HttpExternal(LOOPBACK), server.url("/a"))
    assert server.requests == ["GET /a HTTP/1.1", "GET /b?q=1 HTTP/1.1"]
    assert server.headers == 2 * [
        {
            "Host": f"127.0.0.1:{server.server_port}",
            "Accept-Encoding": "identity",
            "User-Agent": "regards-order",
            "Connection": "close",
        }
    ]


# --- what the server refuses -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [204, 206, 304, 404, 410, 500, 503])
def test_only_200_counts(server: Server, status: int) -> None:
    """Any other status than 200 is refused and told."""
    server.routes["/f"] = lambda handler: handler.answer(status, Content_Length="0")
    with pytest.raises(SourceRefused, match=r"127\.0\.0\.1") as caught:
        HttpExternal(LOOPBACK).open(server.url("/f"))
    assert caught.value.answer == status


@pytest.mark.parametrize("hops", [1, 2, 3, 4, 5])
def test_redirects_are_followed(server: Server, hops: int) -> None:
    """Up to five redirects lead to the file."""
    for hop in range(1, hops + 1):
        server.routes[f"/{hop}"] = redirect(f"{hop - 1}", status=(301, 302, 303, 307, 308)[hop - 1])
    server.routes["/0"] = sized
    assert read(HttpExternal(LOOPBACK), server.url(f"/{hops}")) == BODY


def test_sixth_redirect(server: Server) -> None:
    """The sixth redirect is refused, and its target is not asked."""
    for hop in range(1, 7):
        server.routes[f"/{hop}"] = redirect(f"/{hop - 1}")
    with pytest.raises(SourceRefused, match="more than 5 redirects") as caught:
        HttpExternal(LOOPBACK).open(server.url("/6"))
    assert caught.value.answer == 302
    assert len(server.requests) == 6


def test_redirect_to_nowhere(server: Server) -> None:
    """A redirect without Location is refused with its status."""
    server.routes["/f"] = lambda handler: handler.answer(302, Content_Length="0")
    with pytest.raises(SourceRefused) as caught:
        HttpExternal(LOOPBACK).open(server.url("/f"))
    assert caught.value.answer == 302


def test_a_redirect_closes_its_connection(server: Server) -> None:
    """The connection of a redirect is closed before the next one is asked."""
    closed, seen = Event(), []

    def first(handler: Handler) -> None:
        redirect("/b")(handler)
        handler.wfile.flush()
        if client_leaves(handler):
            closed.set()

    def second(handler: Handler) -> None:
        seen.append(closed.wait(PATIENCE))
        sized(handler)

    server.routes |= {"/a": first, "/b": second}
    assert read(HttpExternal(LOOPBACK), server.url("/a")) == BODY
    assert seen == [True]


def test_close(server: Server) -> None:
    """Closing an unread source closes its socket; closing twice is allowed."""
    closed = Event()

    def route(handler: Handler) -> None:
        handler.answer(200, b"x", Content_Length="1000")
        if client_leaves(handler):
            closed.set()

    server.routes["/f"] = route
    source = HttpExternal(LOOPBACK).open(server.url("/f"))
    source.close()
    source.close()
    assert closed.wait(PATIENCE)


# --- where it may lead -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]", "127.1", "2130706433"])
def test_loopback_is_refused(server: Server, host: str) -> None:
    """Without permission, the own machine is refused under each of its names, and nothing is sent."""
    server.routes["/f"] = sized
    with pytest.raises(SourceRefused, match="REGARDS_ORDER_EXTERNAL_ALLOW") as caught:
        HttpExternal().open(server.url("/f", host))
    assert caught.value.answer == 403
    assert "is not public" in caught.value.cause
    assert server.requests == []


@pytest.mark.parametrize("address", ["0.0.0.0", "::ffff:127.0.0.1", "::1", "10.0.0.1", "169.254.169.254", "224.0.0.1"])
def test_a_name_for_a_forbidden_address(address: str) -> None:
    """A name is refused for its address; a permission for 127.0.0.0/8 covers no disguise of it."""
    external = HttpExternal(LOOPBACK, resolve=Resolver([(address,)]))
    with pytest.raises(SourceRefused) as caught:
        external.open("http://archive.example.org/f")
    assert caught.value.answer == 403
    assert f"the address {address} of archive.example.org" in caught.value.cause


@pytest.mark.parametrize("allow", ["127.0.0.0/8", "127.0.0.1", "archive.internal", "*.internal"])
def test_allowed(server: Server, allow: str) -> None:
    """A network, an address or a host name that is listed may be used."""
    server.routes["/f"] = sized
    external = HttpExternal((allow,), resolve=Resolver([("127.0.0.1",)]))
    assert read(external, server.url("/f", "archive.internal")) == BODY
    assert server.headers[0]["Host"] == f"archive.internal:{server.server_port}"


def test_a_redirect_is_judged_anew(server: Server) -> None:
    """The permission of a host does not pass to the target of its redirect."""
    server.routes |= {"/a": redirect(server.url("/secret")), "/secret": sized}
    external = HttpExternal(("archive.internal",), resolve=Resolver([("127.0.0.1",)]))
    with pytest.raises(SourceRefused, match="REGARDS_ORDER_EXTERNAL_ALLOW") as caught:
        external.open(server.url("/a", "archive.internal"))
    assert caught.value.answer == 403
    assert server.requests == ["GET /a HTTP/1.1"]


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://u:p@127.0.0.1/", "//[::1/"])
def test_redirect_to_another_scheme(server: Server, location: str) -> None:
    """A redirect cannot lead to another scheme or a login."""
    server.routes["/a"] = redirect(location)
    with pytest.raises(SourceRefused) as caught:
        HttpExternal(LOOPBACK).open(server.url("/a"))
    assert caught.value.answer == 403


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://a.example/x", "http://u:p@a.example/", "http://a:0/"])
def test_refused_urls(url: str) -> None:
    """A URL of another scheme, with a login or with a bad port is refused before anything is resolved."""
    resolver = Resolver([("127.0.0.1",)])
    with pytest.raises(SourceRefused, match="REGARDS_ORDER_EXTERNAL_ALLOW") as caught:
        HttpExternal(LOOPBACK, resolve=resolver).open(url)
    assert caught.value.answer == 403
    assert resolver.asked == []


def test_a_changing_answer_cannot_slip_in(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address that was judged is the one connected to: a name is resolved once, and by nobody else."""
    good = serve("127.0.0.1")
    secret = serve("127.0.0.2", good.server_port)
    good.routes["/f"] = sized
    resolver = Resolver([("127.0.0.1",), ("127.0.0.2",)])
    system, looked_up = socket.getaddrinfo, set[object]()

    def recorded(host: str, *rest: Any) -> Any:
        looked_up.add(host)
        return system(host, *rest)

    monkeypatch.setattr(socket, "getaddrinfo", recorded)
    assert read(HttpExternal(("127.0.0.1",), resolve=resolver), good.url("/f", "archive.internal")) == BODY
    assert resolver.asked == ["archive.internal"]
    assert looked_up <= {"127.0.0.1"}
    assert secret.requests == []


def test_a_changing_answer_is_judged_after_a_redirect(serve: Serve) -> None:
    """A redirect to the same name is resolved and judged again."""
    good = serve("127.0.0.1")
    secret = serve("127.0.0.2", good.server_port)
    good.routes["/a"] = redirect("/b")
    resolver = Resolver([("127.0.0.1",), ("127.0.0.2",)])
    with pytest.raises(SourceRefused, match=r"127\.0\.0\.2") as caught:
        HttpExternal(("127.0.0.1",), resolve=resolver).open(good.url("/a", "archive.internal"))
    assert caught.value.answer == 403
    assert secret.requests == []


def test_a_half_private_name(server: Server) -> None:
    """A name with one forbidden address is refused, whatever its other addresses are."""
    external = HttpExternal(("127.0.0.1",), resolve=Resolver([("127.0.0.1", "127.0.0.2")]))
    with pytest.raises(SourceRefused, match=r"127\.0\.0\.2"):
        external.open(server.url("/f", "archive.internal"))


# --- what goes wrong -------------------------------------------------------------------------------------------------


def test_next_address(server: Server) -> None:
    """When the first address of a host does not answer, the next one is tried."""
    server.routes["/f"] = sized
    external = HttpExternal(LOOPBACK, resolve=Resolver([("127.0.0.3", "127.0.0.1")]))
    assert read(external, server.url("/f", "archive.internal")) == BODY


@pytest.mark.parametrize(("answers", "cause"), [([], "Name or service not known"), ([()], "no address")])
def test_unknown_host(answers: list[tuple[str, ...]], cause: str) -> None:
    """A name without address is unreachable."""
    with pytest.raises(SourceUnreachable, match=rf"archive\.example\.org.*{cause}"):
        HttpExternal(resolve=Resolver(answers)).open("http://archive.example.org/f")


def test_nobody_listens() -> None:
    """A refused connection is unreachable."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(SourceUnreachable, match="refused"):
            HttpExternal(LOOPBACK).open(f"http://127.0.0.1:{bound.getsockname()[1]}/f")


def test_silent_server(server: Server) -> None:
    """A server that takes the request and says nothing is given up after the idle time-out."""
    over = Event()
    server.routes["/f"] = lambda _: over.wait(PATIENCE)
    try:
        with pytest.raises(SourceTimedOut, match=r"127\.0\.0\.1 did not answer within 0\.2 s"):
            HttpExternal(LOOPBACK, idle_timeout=0.2).open(server.url("/f"))
    finally:
        over.set()


def test_stalled_body(server: Server) -> None:
    """A server that stops sending within the file is given up after the idle time-out."""
    over = Event()

    def route(handler: Handler) -> None:
        handler.answer(200, b"x" * 300_000, Content_Length="400000")
        over.wait(PATIENCE)

    server.routes["/f"] = route
    try:
        with closing(HttpExternal(LOOPBACK, idle_timeout=0.2).open(server.url("/f"))) as source:
            chunks = source.chunks()
            assert len(next(chunks)) == 262144
            with pytest.raises(SourceUnreachable, match=r"did not answer within 0\.2 s"):
                next(chunks)
    finally:
        over.set()


def cut_chunk(handler: Handler) -> None:
    """Answer with a chunk that is shorter than it says."""
    handler.protocol_version = "HTTP/1.1"
    handler.answer(200, b"5\r\nhel", Transfer_Encoding="chunked")


@pytest.mark.parametrize(
    "route", [cut_chunk, lambda handler: handler.answer(200, b"hel", Content_Length="5")], ids=["chunked", "length"]
)
def test_cut_body(server: Server, route: Route) -> None:
    """A body that ends before its announced end is not taken for the file."""
    server.routes["/f"] = route
    with closing(HttpExternal(LOOPBACK).open(server.url("/f"))) as source, pytest.raises(SourceUnreachable):
        list(source.chunks())


@pytest.mark.parametrize("answer", [b"", b"hello\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n"])
def test_no_http(server: Server, answer: bytes) -> None:
    """A server that does not speak HTTP, or without end, is unreachable."""
    server.routes["/f"] = lambda handler: handler.wfile.write(answer)
    with pytest.raises(SourceUnreachable, match=r"127\.0\.0\.1: "):
        HttpExternal(LOOPBACK).open(server.url("/f"))


# --- TLS -------------------------------------------------------------------------------------------------------------


def tls_server(certificate: Path) -> ssl.SSLContext:
    """Return what a server needs to be archive.internal."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_https(server: Server, certificate: Path) -> None:
    """The certificate is checked against the host name of the URL, not against the address connected to."""
    server.socket = tls_server(certificate).wrap_socket(server.socket, server_side=True)
    server.routes["/f"] = sized
    trusting = ssl.create_default_context(cadata=CERTIFICATE[CERTIFICATE.index("-----BEGIN CERT") :])
    external = HttpExternal(LOOPBACK, resolve=Resolver([("127.0.0.1",)]), tls=trusting)
    assert read(external, f"https://archive.internal:{server.server_port}/f") == BODY
    with pytest.raises(SourceUnreachable, match=r"(?i)hostname mismatch"):
        external.open(f"https://other.internal:{server.server_port}/f")


def test_unknown_authority(server: Server, certificate: Path) -> None:
    """A certificate of an authority that the system does not know is not accepted."""
    server.socket = tls_server(certificate).wrap_socket(server.socket, server_side=True)
    external = HttpExternal(LOOPBACK, resolve=Resolver([("127.0.0.1",)]))
    with pytest.raises(SourceUnreachable, match="CERTIFICATE_VERIFY_FAILED"):
        external.open(f"https://archive.internal:{server.server_port}/f")


# --- proxy -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answers", [[], [("8.8.8.8",)]], ids=["unknown here", "public"])
def test_http_proxy(server: Server, answers: list[tuple[str, ...]]) -> None:
    """A proxy is asked for the whole URL; a name that does not resolve here is the proxy's to resolve."""
    server.routes["http://archive.example.org:81/f?q=1"] = sized
    external = HttpExternal((), server.url(""), resolve=Resolver(answers))
    assert read(external, "http://archive.example.org:81/f?q=1") == BODY
    assert server.headers[0]["Host"] == "archive.example.org:81"


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "inside.example.org"])
def test_a_proxy_opens_no_forbidden_address(server: Server, host: str) -> None:
    """A forbidden address, literal or by a name that resolves here, is refused before the proxy is asked."""
    external = HttpExternal((), server.url(""), resolve=Resolver([("10.0.0.1",)]))
    with pytest.raises(SourceRefused) as caught:
        external.open(f"http://{host}/f")
    assert caught.value.answer == 403
    assert server.requests == []


@pytest.mark.parametrize(
    ("pattern", "direct"),
    [
        ("archive.internal", True),
        ("*.internal", True),
        (".internal", True),
        ("*.example.org", False),
        ("10.0.0.1", False),
    ],
)
def test_no_proxy(serve: Serve, pattern: str, direct: bool) -> None:
    """A host that the no-proxy list names is connected to directly, any other one through the proxy."""
    server, proxy = serve(), serve()
    url = server.url("/f", "archive.internal")
    server.routes["/f"] = proxy.routes[url] = sized
    external = HttpExternal(("archive.internal",), proxy.url(""), (pattern,), resolve=Resolver([("127.0.0.1",)]))
    assert read(external, url) == BODY
    assert (len(server.requests), len(proxy.requests)) == ((1, 0) if direct else (0, 1))


def test_https_through_a_proxy(server: Server, certificate: Path) -> None:
    """For https the proxy only opens a tunnel; TLS is with the host itself."""
    context, asked = tls_server(certificate), []

    def tunnel(handler: Handler) -> None:
        handler.answer(200)
        with context.wrap_socket(handler.connection, server_side=True) as inner:
            asked.append(inner.recv(65536).split(b"\r\n")[0])
            inner.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")
            inner.unwrap()
        handler.close_connection = True

    server.routes["archive.internal:443"] = tunnel
    trusting = ssl.create_default_context(cadata=CERTIFICATE[CERTIFICATE.index("-----BEGIN CERT") :])
    external = HttpExternal(("archive.internal",), server.url(""), resolve=Resolver([]), tls=trusting)
    assert read(external, "https://archive.internal/f") == b"abc"
    assert server.requests[0].startswith("CONNECT archive.internal:443 ")
    assert asked == [b"GET /f HTTP/1.1"]


@pytest.mark.parametrize(
    ("url", "asked"),
    [("https://archive.example.org/f", "archive.example.org:443"), ("https://[2001:4860::1]/f", "[2001:4860::1]:443")],
)
def test_refused_tunnel(server: Server, url: str, asked: str) -> None:
    """A tunnel that the proxy refuses makes the source unreachable; the cause names the proxy."""
    server.routes[asked] = lambda handler: handler.answer(407, Content_Length="0")
    external = HttpExternal((), server.url(""), resolve=Resolver([]))
    with pytest.raises(SourceUnreachable, match=rf"proxy 127\.0\.0\.1:{server.server_port}.*407"):
        external.open(url)
    assert server.requests[0].startswith(f"CONNECT {asked} ")


def test_dead_proxy() -> None:
    """A proxy that nobody answers for makes the source unreachable."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        external = HttpExternal((), f"http://127.0.0.1:{bound.getsockname()[1]}", resolve=Resolver([]))
        with pytest.raises(SourceUnreachable, match=r"through the proxy.*refused"):
            external.open("http://archive.example.org/f")
