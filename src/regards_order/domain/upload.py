"""Files of identifiers: one product a line (docs/basket.md)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from regards_order.domain.errors import Fault, InvalidInput, TooManyLines
from regards_order.domain.selection import SelectionRequest

#: identifiers in one search
PARTITION = 100
_LINE_ENDS = str.maketrans({"\r": "\n"})
_BLANKS = "".join(map(chr, range(33)))


def read_identifiers(data: bytes, limit: int) -> list[str]:
    r"""Return the identifiers of a file, each once, in its order.

    Args:
        data: UTF-8, with or without byte order mark; lines end with LF, CRLF or CR, the last one need not.
        limit: lines that it may have, blank ones included.

    Raises:
        TooManyLines: it has more.
        InvalidInput: it is no UTF-8.

    >>> read_identifiers(b" S2A_001\r\n\r\nS2B_002\nS2A_001", 1000)
    ['S2A_001', 'S2B_002']
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        detail = f"byte {error.start} is not UTF-8; a text file with one identifier a line is expected"
        raise InvalidInput((Fault("$.file", detail),)) from None
    text = text.replace("\r\n", "\n").translate(_LINE_ENDS)
    lines = text.count("\n") + (not text.endswith("\n") and text != "")
    if lines > limit:
        raise TooManyLines(lines, limit)
    stripped = (line.strip(_BLANKS) for line in text.split("\n"))
    return list(dict.fromkeys(line for line in stripped if line))


def requests_for(identifiers: Sequence[str]) -> Iterator[SelectionRequest]:
    """Yield what finds the last versions of some products, so many at once as a catalogue takes.

    >>> [request.query for request in requests_for(["S2A_001", "S2B_002"])]
    ['last=true AND providerId=("S2A_001" OR "S2B_002")']
    """
    for start in range(0, len(identifiers), PARTITION):
        quoted = " OR ".join(map(_quoted, identifiers[start : start + PARTITION]))
        yield SelectionRequest.of(f"last=true AND providerId=({quoted})")


def _quoted(identifier: str) -> str:
    escaped = identifier.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
