"""How long texts and how large numbers may be: what the columns hold, and what an index of PostgreSQL takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from regards_order.domain.attributes import INTEGER_MAX, INTEGER_MIN, virtual_id
from regards_order.domain.errors import Fault, InvalidInput
from regards_order.domain.product import DataFile, Dataset, Product

#: characters of a column; SQLite would take more, but what one database takes the other one must take too
NAME_CHARACTERS, CHECKSUM_CHARACTERS, ALGORITHM_CHARACTERS = 255, 128, 16
#: bytes in UTF-8: a row of an index has 2,704 at most, and a URN, which may stand beside a tag, has up to 1,020
KEY_BYTES = 1000
#: bytes in UTF-8: the names of all groups of an entry are one text in an index
GROUPS_BYTES = 2000


def check_limits(entry: Dataset | Product) -> None:
    """Refuse an entry with texts that are too long to be kept, or numbers that are too large.

    Raises:
        InvalidInput: naming every one of them.
    """
    if faults := tuple(_faults(entry)):
        raise InvalidInput(faults)


def _faults(entry: Dataset | Product) -> Iterator[Fault]:
    yield from _characters("$.providerId", entry.provider_id, NAME_CHARACTERS)
    yield from _bytes("$.groups", "\n".join(sorted(entry.groups)), GROUPS_BYTES)
    if isinstance(entry, Product):
        for urn in virtual_id(entry.urn, last=True):  # longer than the URN that is spelled with its version
            yield from _characters("$.urn", urn, NAME_CHARACTERS)
        for tag in sorted(entry.tags):
            yield from _bytes("$.tags", tag, KEY_BYTES)
        for name, value in entry.attributes():
            yield from _bytes("$.properties", name, KEY_BYTES)
            yield from _number_faults(f"$.properties.{name}", value)
    for position, file in enumerate(entry.files):
        yield from _file_faults(f"$.files[{position}]", file)


def _file_faults(path: str, file: DataFile) -> Iterator[Fault]:
    yield from _characters(f"{path}.mimeType", file.mime_type, NAME_CHARACTERS)
    yield from _characters(f"{path}.checksum", file.checksum or "", CHECKSUM_CHARACTERS)
    yield from _characters(f"{path}.digestAlgorithm", file.digest_algorithm or "", ALGORITHM_CHARACTERS)


def _number_faults(path: str, value: Any) -> Iterator[Fault]:
    """Yield the whole numbers that are none of 64 bits: one of them would make texts of all values of the attribute."""
    for each in value if isinstance(value, list) else (value,):
        if isinstance(each, int) and not INTEGER_MIN <= each <= INTEGER_MAX:
            yield Fault(path, f"{each} does not fit in 64 bits")


def _characters(path: str, text: str, limit: int) -> Iterator[Fault]:
    if len(text) > limit:
        yield Fault(path, f"{_shown(text)} has {len(text)} characters; at most {limit} are allowed")


def _bytes(path: str, text: str, limit: int) -> Iterator[Fault]:
    size = len(text.encode())
    if size > limit:
        yield Fault(path, f"{_shown(text)} has {size} bytes in UTF-8; at most {limit} are allowed")


def _shown(text: str) -> str:
    return ascii(text[:40])[:-1].replace("'", '"', 1) + '…"'
