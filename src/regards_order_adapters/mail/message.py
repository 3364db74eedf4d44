"""A mail in the form in which it travels."""

from __future__ import annotations

import datetime as dt
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from regards_order_adapters.config import is_address
from regards_order_adapters.mail.composing import Mail


def make_message(mail: Mail, *, sender: str, unique: str, date: dt.datetime) -> EmailMessage:
    """Return the message of a mail: plain text and HTML of the same, for machines marked as written by a machine.

    Args:
        mail: what it says.
        sender: address that it comes from.
        unique: makes its Message-ID.
        date: when it is written (UTC).

    Raises:
        ValueError: one of the addresses is none, or the subject has more than one line.
    """
    sender, receiver = ascii_domain(sender), ascii_domain(mail.receiver)
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = receiver
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(date)
    message["Message-ID"] = f"<{unique}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    # not every server takes lines of any length, or 8 bits
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    # only now: set before, it would belong to the first part alone
    message["Content-Language"] = mail.language
    return message


def ascii_domain(address: str) -> str:
    """Return an address with its domain as the network knows it.

    Raises:
        ValueError: it is no address.

    >>> ascii_domain("lise@exämple.fr")
    'lise@xn--exmple-cua.fr'
    """
    if not is_address(address):
        raise ValueError(f"{ascii(address)[:80]} is no mail address")
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.encode('idna').decode()}"
