"""Small products and datasets for tests and examples."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import Any

from regards_order.domain.product import PUBLIC, DataFile, Dataset, DataType, Product
from regards_order.domain.urn import Urn

ENTERED = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)


def make_dataset(name: str, *, groups: frozenset[str] = PUBLIC, files: tuple[DataFile, ...] = ()) -> Dataset:
    """Return a dataset called *name*, of tenant ``default``."""
    return Dataset(str(Urn.make("DATASET", "default", name)), name, name, groups, files)


def make_file(
    name: str,
    contents: bytes = b"",
    *,
    data_type: DataType = DataType.RAWDATA,
    uri: str | None = None,
    online: bool = True,
    reference: bool = False,
) -> DataFile:
    """Return a file with these contents; its URI is *name* unless given."""
    return DataFile(
        data_type,
        name,
        uri or name,
        size=len(contents),
        checksum=hashlib.md5(contents, usedforsecurity=False).hexdigest(),
        digest_algorithm="MD5",
        online=online,
        reference=reference,
    )


def make_product(
    name: str,
    *files: DataFile,
    datasets: tuple[Dataset, ...] = (),
    version: int = 1,
    properties: Mapping[str, Any] | None = None,
    groups: frozenset[str] = PUBLIC,
    created: dt.datetime = ENTERED,
) -> Product:
    """Return a product called *name* with these files, in these datasets."""
    return Product(
        str(Urn.make("DATA", "default", name, version)),
        name,
        name,
        "sample",
        frozenset(dataset.urn for dataset in datasets),
        version,
        True,
        properties or {},
        None,
        groups,
        files,
        created,
        created,
    )
