"""What the catalogue holds: products and datasets with their files."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import attrs

from regards_order.domain.errors import Fault, InvalidInput

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


def _check_name(instance: DataFile, attribute: attrs.Attribute[str], value: str) -> None:
    if value in ("", ".", "..") or any(c in value for c in "/\0\n\r"):
        detail = f'"{value}" is no file name: it must not be empty, ".", "..", or hold "/", NUL or a line end'
        raise InvalidInput((Fault("$.filename", detail),))


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
        InvalidInput: the name is no plain file name, or a stored file has no size or no checksum.
    """

    data_type: DataType
    filename: str = attrs.field(validator=_check_name)
    uri: str
    mime_type: str = "application/octet-stream"
    size: int | None = attrs.field(default=None, kw_only=True)
    checksum: str | None = attrs.field(default=None, kw_only=True)
    digest_algorithm: str | None = attrs.field(default=None, kw_only=True)
    online: bool = attrs.field(default=True, kw_only=True)
    reference: bool = attrs.field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        faults = []
        if self.size is not None and self.size < 0:
            faults.append(Fault("$.size", f"{self.size} is negative; a number of bytes is expected"))
        if not self.reference and self.size is None:
            faults.append(Fault("$.size", "missing; only a reference may have no size"))
        if not self.reference and not self.checksum:
            faults.append(Fault("$.checksum", "missing; only a reference may have no checksum"))
        if self.reference and not self.uri.startswith(("http://", "https://")):
            faults.append(Fault("$.uri", f'"{self.uri}" is no http(s) URL, as a reference needs'))
        if faults:
            raise InvalidInput(tuple(faults))


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
