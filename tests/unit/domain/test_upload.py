"""Files of identifiers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regards_order import InvalidInput, TooManyLines, parse_query
from regards_order.domain.upload import PARTITION, read_identifiers, requests_for


@pytest.mark.parametrize(
    ("data", "identifiers"),
    [
        (b"", []),
        (b"\n \r\n\t\r", []),
        (b"id1\n id2 \nencoreUnId", ["id1", "id2", "encoreUnId"]),
        (b"a\nb\n", ["a", "b"]),
        (b"a\rb\r\nc\n\rd", ["a", "b", "c", "d"]),
        (b"\xef\xbb\xbfa", ["a"]),
        ("été\n\u00a0x\u00a0".encode(), ["été", "\u00a0x\u00a0"]),
        (b"\0a\x1f\nb b\n", ["a", "b b"]),
        (b"b\na\nb\na", ["b", "a"]),
    ],
)
def test_identifiers(data: bytes, identifiers: list[str]) -> None:
    """One a line, whatever ends it, without what stands around it, each once."""
    assert read_identifiers(data, 1000) == identifiers


@pytest.mark.parametrize(("data", "lines"), [(b"a\nb", 2), (b"a\nb\n", 2), (b"a\n\n", 2), (b"a\r\nb\r\n", 2)])
def test_lines_are_limited(data: bytes, lines: int) -> None:
    """Blank lines count, the end of the last line begins none; exactly the limit is fine."""
    read_identifiers(data, lines)
    with pytest.raises(TooManyLines, match=r"Input file exceed max lines limit \(1\): it has 2") as caught:
        read_identifiers(data, lines - 1)
    assert (caught.value.lines, caught.value.limit) == (2, 1)


def test_a_file_that_is_no_text() -> None:
    """The first wrong byte is named."""
    with pytest.raises(InvalidInput, match=r"\$\.file: byte 2 is not UTF-8"):
        read_identifiers(b"a\n\xff", 10)


def test_hundred_at_once() -> None:
    """A file of 250 identifiers makes three requests."""
    sizes = [request.query.count('"') // 2 for request in requests_for([f"i{n}" for n in range(250)])]
    assert sizes == [PARTITION, PARTITION, 50]
    assert list(requests_for([])) == []


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=5, unique=True))
def test_whatever_an_identifier_holds_is_looked_for(identifiers: list[str]) -> None:
    """Quotes and backslashes are escaped: the query asks for exactly these texts."""
    [request] = requests_for(identifiers)
    tree = parse_query(request.query, {})
    assert tree.parts[1].values == tuple(identifiers)
