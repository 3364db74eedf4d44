"""Mails over real connections: servers that take them, refuse them, hang, and go away."""

from __future__ import annotations

import contextlib
import datetime as dt
import smtplib
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Any

import attrs
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from regards_order import Order, OrderStatus
from regards_order.domain.errors import NotificationRefused, NotifierUnavailable
from regards_order.domain.events import OrderAside, OrderCreated, OrdersAside
from regards_order.testing import ManualClock
from regards_order_adapters.config import Config, read_config
from regards_order_adapters.mail import smtp
from regards_order_adapters.mail.build import make_notifier
from regards_order_adapters.mail.composing import Mail
from regards_order_adapters.mail.smtp import Smtp
from regards_order_adapters.system import RandomIds

NOW = dt.datetime(2026, 3, 2, 9, 21, 50, tzinfo=dt.timezone.utc)
LISE = "lise@obs.example"
SENDER = "orders@data.example"
MAIL = Mail(receiver=LISE, subject="s", text="text", html="<p>html</p>", language="en", correlation_id="c")


@attrs.define
class Inbox:
    """Take mails, or answer with what a test wants."""

    answers: dict[str, str] = attrs.field(factory=dict)
    dropped: str | None = None
    envelopes: list[Envelope] = attrs.field(factory=list)
    encrypted: list[bool] = attrs.field(factory=list)

    def _answer(self, server: Any, verb: str) -> str | None:
        if verb == self.dropped:
            server.transport.abort()
        return self.answers.get(verb)

    async def handle_MAIL(self, server: Any, session: Any, envelope: Envelope, address: str, options: Any) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self._answer(server, "MAIL") or "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Envelope, address: str, options: Any) -> str:
        envelope.rcpt_tos.append(address)
        return self._answer(server, "RCPT") or "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        answer = self._answer(server, "DATA")
        if answer is None:
            self.envelopes.append(envelope)
            self.encrypted.append(session.ssl is not None)
        return answer or "250 OK"

    async def handle_QUIT(self, server: Any, session: Any, envelope: Envelope) -> str:
        return self._answer(server, "QUIT") or "221 Bye"

    def message(self) -> EmailMessage:
        """Return the one message that came."""
        (envelope,) = self.envelopes
        content = envelope.content
        assert isinstance(content, bytes)
        message = BytesParser(policy=default).parsebytes(content)
        assert isinstance(message, EmailMessage)
        return message


class Server(Controller):
    """An SMTP server on a port that nobody else can get in between."""

    def __init__(self, inbox: Inbox, **options: Any) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        super().__init__(inbox, hostname="127.0.0.1", port=port, ready_timeout=30, **options)

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self._listener, ssl=self.ssl_context)


Serve = Callable[..., int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return a function that starts a server for an inbox and returns its port."""
    with contextlib.ExitStack() as stack:

        def start(inbox: Inbox, **options: Any) -> int:
            server = Server(inbox, **options)
            server.start()
            stack.callback(server.stop)
            return int(server.port)

        yield start


def sender(port: int, *, user: str = "", scheme: str = "smtp", **changes: Any) -> Smtp:
    """Return a transport to a server of this machine."""
    return Smtp(f"{scheme}://{user}127.0.0.1:{port}", SENDER, ManualClock(NOW), RandomIds(), **changes)


# --- servers that take mails -----------------------------------------------------------------------------------------

ORDER = Order(
    id=54,
    owner=LISE,
    label='<é & "衛星">',
    correlation_id="c",
    created=NOW,
    status=OrderStatus.RUNNING,
    status_date=NOW,
    hours=240,
    expires=NOW + dt.timedelta(days=7),
    listed=True,
)
ASIDE = OrderAside(order_id=54, label=ORDER.label, created=NOW, expires=ORDER.expires, available=3, since=NOW)


def parts(message: EmailMessage) -> tuple[str, str]:
    """Return the plain and the HTML text of a message."""
    text, html = message.iter_parts()
    assert isinstance(text, EmailMessage)
    assert isinstance(html, EmailMessage)
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    return text.get_content(), html.get_content()


@pytest.mark.parametrize("language", ["en", "fr"])
def test_mails_arrive(serve: Serve, language: str) -> None:
    """As the configuration wants them, to the owner alone, both parts whole."""
    inbox = Inbox()
    config = Config(
        smtp_url=f"smtp://127.0.0.1:{serve(inbox)}",
        public_url="https://data.example",
        order_secret="s" * 32,
        mail_from=SENDER,
        mail_language=language,
    )
    notifier = make_notifier(config, "alps", ManualClock(NOW), RandomIds())
    event = OrderCreated(order_id=54, owner=LISE, correlation_id="c", frontend_url="/user?a=1&b=2")
    notifier.order_created(event, ORDER)
    assert (inbox.envelopes[0].mail_from, inbox.envelopes[0].rcpt_tos) == (SENDER, [LISE])
    message = inbox.message()
    assert message["Subject"] == {
        "en": "Order number 54 is confirmed",
        "fr": "La commande numéro 54 est confirmée",
    }.get(language)
    assert (message["To"], message["From"], message["Auto-Submitted"]) == (LISE, SENDER, "auto-generated")
    assert message["Date"].datetime == NOW
    text, html = parts(message)
    assert ORDER.label in text
    assert "https://data.example/user?a=1&b=2" in text
    assert "<strong>&lt;é &amp; &#34;衛星&#34;&gt;</strong>" in html
    assert 'href="https://data.example/user?a=1&amp;b=2"' in html

    notifier.orders_aside(OrdersAside(order_id=54, owner=LISE, correlation_id="c", orders=(ASIDE,)))
    inbox.envelopes.pop(0)
    reminder = inbox.message()
    assert reminder["Message-ID"] != message["Message-ID"]
    assert ORDER.label in parts(reminder)[0]


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
def test_login(serve: Serve) -> None:
    """With user and password of the URL, unescaped."""
    seen = []

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword) -> AuthResult:
        seen.append((data.login, data.password))
        return AuthResult(success=data.password == b"p@ss/word", handled=False)

    inbox = Inbox()
    port = serve(inbox, authenticator=authenticate, auth_required=True, auth_require_tls=False)
    sender(port, user="li%40se:p%40ss%2Fword@").send(MAIL)
    assert seen == [(b"li@se", b"p@ss/word")]
    assert len(inbox.envelopes) == 1
    with pytest.raises(NotifierUnavailable, match="535") as failed:
        sender(port, user="lise:wrong@").send(MAIL)
    assert "wrong" not in str(failed.value)
    with pytest.raises(NotifierUnavailable, match="UnicodeEncodeError") as failed:
        sender(port, user="lise:%C3%A9tonnant@").send(MAIL)
    assert "tonnant" not in str(failed.value)
    with pytest.raises(NotifierUnavailable, match="530"):  # it wants a login and we have none: that can be mended
        sender(port).send(MAIL)


def test_server_without_login(serve: Serve) -> None:
    """A user in the URL and a server that knows no users: the configuration is wrong, the mail is not."""
    with pytest.raises(NotifierUnavailable, match="AUTH"):
        sender(serve(Inbox()), user="lise:secret@").send(MAIL)


def test_no_password_goes_over_an_open_wire(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless the server is this machine."""
    monkeypatch.setattr(smtp, "_is_here", lambda server: False)
    inbox = Inbox()
    port = serve(inbox)
    with pytest.raises(NotifierUnavailable, match="offers no encryption"):
        sender(port, user="lise:secret@").send(MAIL)
    sender(port).send(MAIL)
    assert len(inbox.envelopes) == 1


def test_receiver_in_another_script(serve: Serve) -> None:
    """Goes to a server that can, and is refused by one that cannot."""
    mail = attrs.evolve(MAIL, receiver="zoé@exämple.fr")
    inbox = Inbox()
    sender(serve(inbox, enable_SMTPUTF8=True)).send(mail)
    assert inbox.envelopes[0].rcpt_tos == ["zoé@xn--exmple-cua.fr"]
    with pytest.raises(NotificationRefused, match="SMTPUTF8"):
        sender(serve(Inbox(), enable_SMTPUTF8=False)).send(mail)


def test_receiver_that_is_no_address_is_refused_before_anything_is_sent() -> None:
    """No connection is opened for it: nobody listens there."""
    with pytest.raises(NotificationRefused, match="no mail address"):
        sender(1).send(attrs.evolve(MAIL, receiver="a@b>\r\nDATA"))


# --- encryption ------------------------------------------------------------------------------------------------------


@attrs.frozen
class Certificate:
    """A certificate of this machine, as a server and as a client use it."""

    server: ssl.SSLContext
    client: ssl.SSLContext


@pytest.fixture(scope="module")
def certificate(program: Callable[[str, str], str], tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Make a certificate for 127.0.0.1."""
    folder = tmp_path_factory.mktemp("certificate")
    key, crt = folder / "key.pem", folder / "certificate.pem"
    kind = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    command = [program("openssl", "openssl"), "req", "-x509", *kind, "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(crt)], check=True, capture_output=True)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(crt, key)
    return Certificate(server, ssl.create_default_context(cafile=str(crt)))


def test_encryption_is_used_when_it_is_offered(serve: Serve, certificate: Certificate) -> None:
    """STARTTLS, before the login."""
    inbox = Inbox()
    port = serve(inbox, tls_context=certificate.server, require_starttls=True)
    sender(port, context=certificate.client).send(MAIL)
    assert inbox.encrypted == [True]


def test_certificate_has_to_be_good(serve: Serve, certificate: Certificate) -> None:
    """A certificate that nobody vouches for is somebody in between."""
    inbox = Inbox()
    for scheme, options in (
        ("smtp", {"tls_context": certificate.server}),
        ("smtps", {"ssl_context": certificate.server}),
    ):
        port = serve(inbox, **options)
        with pytest.raises(NotifierUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
            sender(port, scheme=scheme).send(MAIL)
    assert inbox.envelopes == []


def test_server_that_is_encrypted_from_the_first_byte(serve: Serve, certificate: Certificate) -> None:
    """As smtps:// says."""
    inbox = Inbox()
    port = serve(inbox, ssl_context=certificate.server)
    sender(port, scheme="smtps", context=certificate.client).send(MAIL)
    assert len(inbox.envelopes) == 1


# --- servers that do not take them -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "answer", "outcome"),
    [
        ("RCPT", "550 no such user", NotificationRefused),
        ("RCPT", "553 not here", NotificationRefused),
        ("RCPT", "450 come back later", NotifierUnavailable),
        ("RCPT", "530 log in first", NotifierUnavailable),
        ("DATA", "554 looks like spam", NotificationRefused),
        ("DATA", "451 come back later", NotifierUnavailable),
        ("DATA", "421 going down", NotifierUnavailable),
        ("MAIL", "550 we do not know this sender", NotifierUnavailable),
        ("MAIL", "451 come back later", NotifierUnavailable),
    ],
)
def test_refusals(serve: Serve, verb: str, answer: str, outcome: type[Exception]) -> None:
    """For good when the receiver or the mail is refused with 5xx; else it is tried again later."""
    inbox = Inbox(answers={verb: answer})
    with pytest.raises(outcome, match=f"the mail server answers {answer}") as failed:
        sender(serve(inbox)).send(MAIL)
    alone = outcome is NotificationRefused or answer.startswith("450")  # else it is about all mails
    assert getattr(failed.value, "receiver", None) == (MAIL.receiver if alone else None)
    assert inbox.envelopes == []


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_server_that_goes_away(serve: Serve, verb: str) -> None:
    """In the middle of anything: it is tried again later."""
    with pytest.raises(NotifierUnavailable):
        sender(serve(Inbox(dropped=verb))).send(MAIL)


@pytest.mark.parametrize("options", [{"dropped": "QUIT"}, {"answers": {"QUIT": "500 no"}}])
def test_what_comes_after_the_mail_changes_nothing(serve: Serve, options: dict[str, Any]) -> None:
    """The server took it: it must not be sent twice."""
    inbox = Inbox(**options)
    sender(serve(inbox)).send(MAIL)
    assert len(inbox.envelopes) == 1


@contextlib.contextmanager
def listening(greeting: bytes | None, *, keep: bool = True) -> Iterator[int]:
    """Accept connections, write a greeting, and say nothing more; unless kept they are closed at once."""
    held: list[socket.socket] = []

    def accept(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.sendall(greeting or b"")
                if keep:
                    held.append(connection)
                else:
                    connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    for connection in held:
        connection.close()


@pytest.mark.parametrize("greeting", [b"", b"220 hello\r\n", b"220-hello"])
def test_server_that_hangs(greeting: bytes) -> None:
    """It is given up after the configured time, and tried again later."""
    with listening(greeting) as port, pytest.raises(NotifierUnavailable, match=r"[Tt]ime"):
        sender(port, timeout=0.05).send(MAIL)


@pytest.mark.parametrize("greeting", [b"", b"220 hello\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"554 closed\r\n"])
def test_server_that_closes_the_connection(greeting: bytes) -> None:
    """Or is no mail server at all."""
    with listening(greeting, keep=False) as port, pytest.raises(NotifierUnavailable):
        sender(port).send(MAIL)


def test_nobody_listens() -> None:
    """It is tried again later."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotifierUnavailable, match="ConnectionRefusedError"):
        sender(port).send(MAIL)


def test_ports_that_are_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """25 for smtp, 465 for smtps: those of the protocols."""
    asked = []

    def refuse(address: tuple[str, int], *args: Any, **kwargs: Any) -> socket.socket:
        asked.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(smtplib.socket, "create_connection", refuse)
    for scheme in ("smtp", "smtps"):
        url = read_config({"REGARDS_ORDER_SMTP_URL": f"{scheme}://mail.example"}).smtp_url
        assert url is not None
        with pytest.raises(NotifierUnavailable):
            Smtp(url, SENDER, ManualClock(NOW), RandomIds()).send(MAIL)
    assert asked == [("mail.example", 25), ("mail.example", 465)]
