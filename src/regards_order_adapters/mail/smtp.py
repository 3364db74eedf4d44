"""Send mails by SMTP."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

import attrs

from regards_order.domain.errors import NotificationRefused, NotifierUnavailable, OrderingError
from regards_order.ports.clock import Clock
from regards_order.ports.ids import UniqueIds
from regards_order_adapters.mail.composing import Mail
from regards_order_adapters.mail.message import make_message

TIMEOUT_SECONDS = 10.0
#: answers about our own login, not about the receiver: once it is mended the mail can go
_LOGIN_CODES = frozenset({530, 534, 535, 538})
_CLOSING = 421


@attrs.frozen
class Smtp:
    """Send mails, each in a connection of its own.

    A server that offers encryption is asked for it, and its certificate has to be good.

    Attributes:
        url: ``smtp://USER:PASSWORD@HOST:PORT``, or ``smtps://`` for servers that are encrypted from the first byte.
        sender: address that mails come from.
        clock: dates them.
        unique_ids: names them.
        timeout: seconds that the server may be silent.
        context: which certificates are good; those of the system unless given.
    """

    url: str
    sender: str
    clock: Clock
    unique_ids: UniqueIds
    timeout: float = TIMEOUT_SECONDS
    context: ssl.SSLContext = attrs.field(factory=ssl.create_default_context)

    def send(self, mail: Mail) -> None:
        """Hand a mail over to the server.

        Raises:
            NotifierUnavailable: the server cannot be reached, will not talk to us, or asks to come back later.
            NotificationRefused: it will never take this mail, or the receiver is no address.
        """
        try:
            message = make_message(mail, sender=self.sender, unique=self.unique_ids.unique(), date=self.clock.now())
        except ValueError as error:
            raise NotificationRefused(mail.receiver, str(error)) from error
        with self._connected() as server:
            try:
                server.send_message(message)
            except (smtplib.SMTPException, OSError) as error:
                raise _judged(error, mail.receiver) from error

    @contextlib.contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        try:
            server = self._open()
        except (smtplib.SMTPException, OSError) as error:
            raise NotifierUnavailable(_described(error)) from error
        try:
            try:
                self._enter(server)
            except (smtplib.SMTPException, OSError, UnicodeError) as error:
                raise NotifierUnavailable(_described(error)) from error
            yield server
            # the mail is taken over: how the server says farewell changes nothing
            with contextlib.suppress(smtplib.SMTPException, OSError):
                server.quit()
        finally:
            server.close()

    def _open(self) -> smtplib.SMTP:
        parts = urlsplit(self.url)
        host, port = parts.hostname or "", parts.port or 0
        if parts.scheme == "smtps":
            return smtplib.SMTP_SSL(host, port, timeout=self.timeout, context=self.context)
        return smtplib.SMTP(host, port, timeout=self.timeout)

    def _enter(self, server: smtplib.SMTP) -> None:
        """Encrypt the connection and log in, as far as the server and the URL want it."""
        parts = urlsplit(self.url)
        server.ehlo_or_helo_if_needed()
        encrypted = parts.scheme == "smtps"
        if not encrypted and server.has_extn("starttls"):
            server.starttls(context=self.context)
            encrypted = True
        if parts.username:
            if not encrypted and not _is_here(server):
                raise smtplib.SMTPException("the server offers no encryption: the password is not sent to it")
            server.login(unquote(parts.username), unquote(parts.password or ""))


def _is_here(server: smtplib.SMTP) -> bool:
    """Return whether the other end is this machine, so that nobody can listen on the way."""
    return server.sock is not None and ip_address(server.sock.getpeername()[0]).is_loopback


def _judged(error: Exception, receiver: str) -> OrderingError:
    """Return what a failed transaction means: a refusal of this mail, or trouble that will pass."""
    code = getattr(error, "smtp_code", 0)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code = next(iter(error.recipients.values()))[0]
    refused = isinstance(error, smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError) and 500 <= code < 600
    if isinstance(error, smtplib.SMTPNotSupportedError) or (refused and code not in _LOGIN_CODES):
        return NotificationRefused(receiver, _described(error))
    alone = isinstance(error, smtplib.SMTPRecipientsRefused) and code not in (_CLOSING, *_LOGIN_CODES)
    return NotifierUnavailable(_described(error), receiver if alone else None)


def _described(error: Exception) -> str:
    """Return one line about what went wrong, without what is secret."""
    answers = [(getattr(error, "smtp_code", None), getattr(error, "smtp_error", b""))]
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        answers = list(error.recipients.values())
    code, answer = answers[0]
    if code is None:
        # the text of a UnicodeError shows the password that could not be written
        cause = "" if isinstance(error, UnicodeError) else str(error)
        return f"mail server: {type(error).__name__} {ascii(cause)[1:-1]}".strip()[:200]
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return f"the mail server answers {code} {ascii(text)[1:-1]}"[:200]
