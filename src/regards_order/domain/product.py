"""What the catalogue holds: products and datasets with their files."""

from __future__ import annotations

import datetime as dt
import enum
import string
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import attrs

from regards_order.domain.checksum import ALGORITHMS, hex_length
from regards_order.domain.errors import Fault, InvalidInput
from regards_order.domain.text import is_unicode

PUBLIC: frozenset[str] = frozenset({"public"})


class DataType(enum.Enum):
    """Say what a file is to its product."""

    RAWDATA = "RAWDATA"  #: the data themselves; stored ones count on the quota
    QUICKLOOK_SD = "QUICKLOOK_SD"  #: a small picture
    QUICKLOOK_MD = "QUICKLOOK_MD"  #: a medium picture
    QUICKLOOK_HD = "QUICKLOOK_HD"  #: a large picture
    THUMBNAIL = "THUMBNAIL"  #: for lists on a screen; cannot be ordered, as all that follow
    DOCUMENT = "DOCUMENT"  #: a text about the product
    DESCRIPTION = "DESCRIPTION"  #: a text that describes the dataset
    AIP = "AIP"  #: the archive's own record
    OTHER = "OTHER"  #: anything else

    __hash__ = object.__hash__


QUICKLOOKS = frozenset({DataType.QUICKLOOK_SD, DataType.QUICKLOOK_MD, DataType.QUICKLOOK_HD})
ORDERABLE = frozenset({DataType.RAWDATA, *QUICKLOOKS})


NAME_LIMIT = 255


def _name_faults(name: str) -> Iterator[Fault]:
    shown = f'"{name}"' if len(name) <= 60 else f'"{name[:57]}..."'
    if not is_unicode(name):
        yield Fault("$.filename", f"{ascii(name)[:60]} holds half a character (a lone surrogate)")
    elif name in ("", ".", "..") or any(c in name for c in "/\0\n\r"):
        detail = f'{shown} is no file name: it must not be empty, ".", "..", or hold "/", NUL or a line end'
        yield Fault("$.filename", detail)
    elif len(name.encode()) > NAME_LIMIT:
        yield Fault("$.filename", f"{shown} has {len(name.encode())} bytes in UTF-8; at most {NAME_LIMIT} are allowed")


def _uri_faults(uri: str, *, reference: bool) -> Iterator[Fault]:
    if not uri or not is_unicode(uri) or "\0" in uri:
        yield Fault("$.uri", f"{ascii(uri)[:80]} is empty, or holds NUL or half a character")
    elif reference and not _is_web(uri):
        yield Fault("$.uri", f'"{uri}" is no http(s) URL, as a reference needs')


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


@attrs.frozen
class DataFile:
    """Describe one file of a product or of a dataset.

    Attributes:
        data_type: what the file is to its product.
        filename: its name, without folders.
        uri: where its bytes are: below a storage root, or an http(s) URL of a reference.
        mime_type: its media type.
        size: bytes; None only on references.
        checksum: hexadecimal digest of its bytes; None only on references.
        digest_algorithm: how the digest was made: ``MD5``, ``SHA-256``…
        online: False for a file that has to be fetched from tape first.
        reference: True for an external file, which the data centre only points to.

    Raises:
        InvalidInput: naming every fault: no plain file name of at most 255 bytes, a wrong size or URI, a stored file
            without size or without checksum.
    """

    data_type: DataType
    filename: str
    uri: str
    mime_type: str = "application/octet-stream"
    size: int | None = attrs.field(default=None, kw_only=True)
    checksum: str | None = attrs.field(default=None, kw_only=True)
    digest_algorithm: str | None = attrs.field(default=None, kw_only=True)
    online: bool = attrs.field(default=True, kw_only=True)
    reference: bool = attrs.field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        faults = [*_name_faults(self.filename)]
        if self.size is not None and not 0 <= self.size < 2**63:
            word = "negative" if self.size < 0 else "too large"
            faults.append(Fault("$.size", f"{self.size} is {word}; a number of bytes is expected"))
        if not self.reference and self.size is None:
            faults.append(Fault("$.size", "missing; only a reference may have no size"))
        if not self.reference and not self.checksum:
            faults.append(Fault("$.checksum", "missing; only a reference may have no checksum"))
        faults += _uri_faults(self.uri, reference=self.reference)
        if faults:
            raise InvalidInput(tuple(faults))


def unverifiable(file: DataFile) -> Iterator[Fault]:
    """Yield why the bytes of a stored file could not be verified on their way out; a catalogue refuses such a file."""
    if file.reference:
        return
    length, checksum = hex_length(file.digest_algorithm), file.checksum or ""
    if length is None:
        known = ", ".join(ALGORITHMS)
        yield Fault("$.digestAlgorithm", f'"{file.digest_algorithm}" is unknown; a stored file needs one of {known}')
    elif len(checksum) != length or not set(checksum) <= set(string.hexdigits):
        detail = f'"{checksum[:140]}" is no {file.digest_algorithm} of {length} hexadecimal digits'
        yield Fault("$.checksum", detail)


@attrs.frozen
class Dataset:
    """Describe a dataset: a label for people, who may see it, and the files that every order from it brings along."""

    urn: str
    provider_id: str
    label: str
    groups: frozenset[str] = PUBLIC
    files: tuple[DataFile, ...] = ()


@attrs.frozen
class Product:
    """Describe one version of one product.

    Attributes:
        urn: its name in the catalogue.
        provider_id: its producer's name for it, shared by all its versions.
        label: for people.
        model: name of its data model.
        tags: free words, and the URNs of the datasets that it belongs to.
        version: 1 to 999, as in the URN.
        last: whether no newer version exists.
        properties: attributes of the data model; an object in it is a fragment.
        geometry: GeoJSON, longitude then latitude, or None.
        groups: who may see and download it.
        files: all its files, orderable or not.
        creation_date: when it entered the catalogue (UTC).
        last_update: when its entry changed last (UTC).
    """

    urn: str
    provider_id: str
    label: str
    model: str
    tags: frozenset[str]
    version: int
    last: bool
    properties: Mapping[str, Any]
    geometry: Mapping[str, Any] | None
    groups: frozenset[str]
    files: tuple[DataFile, ...]
    creation_date: dt.datetime
    last_update: dt.datetime

    def attributes(self) -> Iterator[tuple[str, Any]]:
        """Yield each attribute with its dotted name: ``("sensing.start", "2026-01-03T10:15:30Z")``."""
        pending: list[tuple[str, Mapping[str, Any]]] = [("", self.properties)]
        while pending:
            prefix, values = pending.pop()
            for name, value in values.items():
                if isinstance(value, Mapping):
                    pending.append((f"{prefix}{name}.", value))
                else:
                    yield prefix + name, value


class CatalogFile(NamedTuple):
    """Carry a file from the catalogue to an order: a plain row, because an order may have a million of them.

    Attributes:
        data_type: value of a `DataType`.
        filename: its name.
        uri: where its bytes are.
        mime_type: its media type.
        size: bytes, if known.
        checksum: hexadecimal digest, if known.
        digest_algorithm: how the digest was made, if known.
        online: False for a file on tape.
        reference: True for an external file.
    """

    data_type: str
    filename: str
    uri: str
    mime_type: str
    size: int | None
    checksum: str | None
    digest_algorithm: str | None
    online: bool
    reference: bool

    @classmethod
    def of(cls, file: DataFile) -> CatalogFile:
        """Return the row of a described file."""
        return cls(
            file.data_type.value,
            file.filename,
            file.uri,
            file.mime_type,
            file.size,
            file.checksum,
            file.digest_algorithm,
            file.online,
            file.reference,
        )


class OrderedProduct(NamedTuple):
    """Carry a product with all its files from the catalogue to an order."""

    urn: str
    provider_id: str
    version: int
    files: tuple[CatalogFile, ...]
