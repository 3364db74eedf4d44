"""Write mails to the log, where no mail server is configured."""

from __future__ import annotations

import logging
import re

from regards_order_adapters.mail.composing import Mail

_log = logging.getLogger(__name__)
_TOKEN = re.compile(r"([?&](?:orderToken|token)=)[^&#\s]*")


class Logged:
    """Write each mail as one record with the action ``mail``."""

    def send(self, mail: Mail) -> None:
        """Write a mail, without the tokens in it: who reads the log may not read the files."""
        extra = {
            "action": "mail",
            "receiver": mail.receiver,
            "subject": mail.subject,
            "text": masked(mail.text),
            "correlation_id": mail.correlation_id,
        }
        _log.info("mail", extra=extra)


def masked(text: str) -> str:
    """Return a text without the tokens of the links in it.

    >>> masked("https://data.example/download?orderToken=eyJh.eyJ0.x-Y_&scope=alps")
    'https://data.example/download?orderToken=***&scope=alps'
    """
    return _TOKEN.sub(r"\1***", text)
