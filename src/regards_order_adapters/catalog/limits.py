"""How long the texts of an entry may be: what the columns hold, and what an index of PostgreSQL takes."""

from __future__ import annotations

from collections.abc import Iterator

from regards_order.domain.attributes import virtual_id
from regards_order.domain.errors import Fault, InvalidInput
from regards_order.domain.product import DataFile, Dataset, Product

#: characters of a column; SQLite would take more, but what one database takes the other one must take too
NAME_CHARACTERS, CHECKSUM_CHARACTERS, ALGORITHM_CHARACTERS = 255, 128, 16
#: bytes in UTF-8: a row of an index has 2,704 at most, and a URN, which may stand beside a tag, has up to 1,020
KEY_BYTES = 1000
#: bytes in UTF-8: the names of all groups of an entry are one text in an index
GROUPS_BYTES = 2000


def check_lengths(entry: Dataset | Product) -> None:
    """Refuse an entry with texts that are too long to be kept.

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
        for name, _ in entry.attributes():
            yield from _bytes("$.properties", name, KEY_BYTES)
    for position, file in enumerate(entry.files):
        yield from _file_faults(f"$.files[{position}]", file)


def _file_faults(path: str, file: DataFile) -> Iterator[Fault]:
    yield from _characters(f"{path}.mimeType", file.mime_type, NAME_CHARACTERS)
    yield from _characters(f"{path}.checksum", file.checksum or "", CHECKSUM_CHARACTERS)
    yield from _characters(f"{path}.digestAlgorithm", file.digest_algorithm or "", ALGORITHM_CHARACTERS)


def _characters(path: str, text: str, limit: int) -> Iterator[Fault]:
    if len(text) > limit:
        yield Fault(path, f"{_shown(text)} has {len(text)} characters; at most {limit} are allowed")


def _bytes(path: str, text: str, limit: int) -> Iterator[Fault]:
    size = len(text.encode())
    if size > limit:
        yield Fault(path, f"{_shown(text)} has {size} bytes in UTF-8; at most {limit} are allowed")


def _shown(text: str) -> str:
    return ascii(text[:40])[:-1].replace("'", '"', 1) + '…"'
