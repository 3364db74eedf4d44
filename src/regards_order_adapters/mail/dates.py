"""Dates as people read them in mails: in UTC, with the month by name."""

from __future__ import annotations

import datetime as dt

_MONTHS = {
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "fr": ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."),
}


def readable(instant: dt.datetime, language: str) -> str:
    """Return an instant for people, as ``d MMM yyyy HH:mm:ss z``.

    >>> readable(dt.datetime(2026, 8, 9, 9, 21, 50, tzinfo=dt.timezone.utc), "fr")
    '9 août 2026 09:21:50 UTC'
    """
    utc = instant.astimezone(dt.timezone.utc)
    # not strftime: its month names follow the locale of the process, and its years are not padded everywhere
    return f"{utc.day} {_MONTHS[language][utc.month - 1]} {utc.year:04} {utc:%H:%M:%S} UTC"


def iso(instant: dt.datetime) -> str:
    """Return an instant for programs, in UTC and to the second.

    >>> iso(dt.datetime(2026, 8, 9, 9, 21, 50, 999999, tzinfo=dt.timezone.utc))
    '2026-08-09T09:21:50Z'
    """
    utc = instant.astimezone(dt.timezone.utc).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='seconds')}Z"


def readable_iso(text: str, language: str) -> str:
    """Return for people what `iso` wrote: the filter ``date`` of templates.

    >>> readable_iso("2026-08-09T09:21:50Z", "en")
    '9 Aug 2026 09:21:50 UTC'
    """
    return readable(dt.datetime.fromisoformat(text), language)
