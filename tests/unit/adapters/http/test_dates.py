"""Dates on the wire."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regards_order_adapters.http.dates import read_date, write_date

UTC = dt.timezone.utc


@pytest.mark.parametrize(
    ("microsecond", "text"),
    [
        (0, "2026-02-11T09:30:00Z"),
        (500_000, "2026-02-11T09:30:00.5Z"),
        (123_456, "2026-02-11T09:30:00.123456Z"),
        (10, "2026-02-11T09:30:00.00001Z"),
    ],
)
def test_written_without_trailing_zeros(microsecond: int, text: str) -> None:
    """Seconds are always there, the fraction only as far as it says something."""
    instant = dt.datetime(2026, 2, 11, 9, 30, 0, microsecond, tzinfo=UTC)
    assert write_date(instant) == text
    assert write_date(instant.astimezone(dt.timezone(dt.timedelta(hours=5)))) == text
    assert read_date(text) == instant


@pytest.mark.parametrize(
    ("text", "microsecond", "hour"),
    [
        ("2026-02-11T09:30:00", 0, 9),
        ("2026-02-11T09:30:00+02:00", 0, 7),
        ("2026-02-11T09:30:00-02:00", 0, 11),
        ("2026-02-11T09:30:00.123456789Z", 123_456, 9),
        ("2026-02-11T09:30:00.9999999", 999_999, 9),
    ],
)
def test_read_with_and_without_offset(text: str, microsecond: int, hour: int) -> None:
    """No offset is UTC; up to nine digits are read, and cut."""
    assert read_date(text) == dt.datetime(2026, 2, 11, hour, 30, 0, microsecond, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-02-11",
        "2026-02-11T09:30Z",
        "2026-02-30T09:30:00Z",
        "2026-02-11 09:30:00Z",
        "2026-02-11T09:30:00.1234567890Z",
        "2026-02-11T09:30:00+25:00",
        "0001-01-01T00:00:00+01:00",
        "2026-02-11T09:30:00Z\n",
        "٢٠٢٦-02-11T09:30:00Z",
        "yesterday",
    ],
)
def test_what_is_no_date(text: str) -> None:
    """Everything else is refused by value."""
    with pytest.raises(ValueError, match="is no date"):
        read_date(text)


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_was_written_is_read(instant: dt.datetime) -> None:
    """Nothing is lost on the way."""
    assert read_date(write_date(instant)) == instant
