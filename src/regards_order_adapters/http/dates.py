"""Dates as they travel (docs/rest.md): UTC, to the microsecond."""

from __future__ import annotations

import datetime as dt
import re

_DATE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?", re.ASCII)


def write_date(instant: dt.datetime) -> str:
    """Return an instant as text, without trailing zeros.

    >>> write_date(dt.datetime(2026, 2, 11, 9, 30, 0, 500000, dt.timezone.utc))
    '2026-02-11T09:30:00.5Z'
    """
    text = instant.astimezone(dt.timezone.utc).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "Z"


def read_date(text: str) -> dt.datetime:
    """Return the instant that a text names; without offset it is UTC, and what is below a microsecond is cut.

    Raises:
        ValueError: it names none.

    >>> read_date("2026-02-11T10:30:00.123456789+01:00").isoformat()
    '2026-02-11T09:30:00.123456+00:00'
    """
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError(f'"{text}" is no date such as 2026-02-11T09:30:00.5Z')
    seconds, fraction, offset = match.groups()
    zone = "+00:00" if offset in (None, "Z") else offset
    try:
        instant = dt.datetime.fromisoformat(f"{seconds}.{(fraction or '').ljust(6, '0')[:6]}{zone}")
        return instant.astimezone(dt.timezone.utc)
    except (ValueError, OverflowError) as error:
        raise ValueError(f'"{text}" is no date: {error}') from None
