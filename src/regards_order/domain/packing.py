"""The cut rule: how the files of an order become suborders (docs/orders.md).

Stored and external files go to different buckets.  A bucket is tested after each product, never inside one, so the
product that overflows stays in the bucket it overflows, and a bucket never spans two datasets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from regards_order.domain.files import FileCounts, FileState, OrderFile
from regards_order.domain.product import ORDERABLE, CatalogFile
from regards_order.domain.selection import FileFilter, NameMatcher
from regards_order.domain.settings import Settings

_ORDERABLE = frozenset(each.value for each in ORDERABLE)

#: URN, id and version of a product
ProductKey = tuple[str, str, int]


@attrs.define
class Bucket:
    """Collect the files of one suborder.

    Attributes:
        external: whether it holds files that the data centre only references.
        rows: the files, each with its product.
        bytes: their known bytes.
    """

    external: bool
    rows: list[tuple[ProductKey, CatalogFile]] = attrs.field(factory=list)
    bytes: int = 0

    @property
    def counts(self) -> FileCounts:
        """Return the counts of a new suborder: external files are available at once, others wait for the storage."""
        state = FileState.AVAILABLE if self.external else FileState.PENDING
        return FileCounts.of(state, len(self.rows), self.bytes)


@attrs.define
class Packer:
    """Cut the files of one dataset into buckets.

    Attributes:
        settings: the limits.
        oversized: names of stored files that are larger than a whole suborder.
    """

    settings: Settings
    file_filter: FileFilter = FileFilter()
    name_matches: NameMatcher | None = None
    oversized: list[str] = attrs.field(factory=list, init=False)
    _wanted: frozenset[str] = attrs.field(init=False)
    _stored: Bucket = attrs.field(factory=lambda: Bucket(False), init=False)
    _external: Bucket = attrs.field(factory=lambda: Bucket(True), init=False)

    def __attrs_post_init__(self) -> None:
        self._wanted = frozenset(each.value for each in self.file_filter.data_types)

    def attach(self, urn: str, provider_id: str, files: Iterable[CatalogFile]) -> None:
        """Put the files of the dataset itself first: no filter applies, and nothing is cut before the first product."""
        self._put((urn, provider_id, 0), tuple(files), attached=True)

    def add(self, urn: str, provider_id: str, version: int, files: Sequence[CatalogFile]) -> list[Bucket]:
        """Put the files of one product and return the buckets that it filled."""
        self._put((urn, provider_id, version), files, attached=False)
        full = []
        if len(self._stored.rows) >= self.settings.suborder_max_files or (
            self._stored.bytes >= self.settings.suborder_max_bytes and self._stored.rows
        ):
            full.append(self._stored)
            self._stored = Bucket(False)
        if len(self._external.rows) > self.settings.external_max_files:
            full.append(self._external)
            self._external = Bucket(True)
        return full

    def finish(self) -> list[Bucket]:
        """Return the buckets that are left."""
        return [bucket for bucket in (self._stored, self._external) if bucket.rows]

    def _put(self, product: ProductKey, files: Sequence[CatalogFile], *, attached: bool) -> None:
        """Put the files of one product, or those attached to the dataset; equal ones once.

        One loop, because it runs a million times for a large order.
        """
        wanted, matches = (_ORDERABLE, None) if attached else (self._wanted, self.name_matches)
        seen: set[tuple[str, str]] = set()
        for file in files:
            data_type, filename, uri, _, size, checksum, _, _, external = file
            if data_type not in wanted or (matches is not None and not matches(filename)):
                continue
            if attached and uri.endswith("/dam"):
                external = True
            if size is None and not external:
                continue
            if len(files) > 1:
                if (filename, checksum or uri) in seen:
                    continue
                seen.add((filename, checksum or uri))
            bucket = self._external if external else self._stored
            bucket.rows.append((product, file))
            bucket.bytes += size or 0
            if not external and (size or 0) > self.settings.suborder_max_bytes:
                self.oversized.append(filename)


@attrs.define
class Again:
    """Collect files of one dataset that are asked for once more.

    Attributes:
        dataset_urn: their dataset.
        external: whether the data centre only references them.
        ids: their ids, growing.
        bytes: their known bytes.
    """

    dataset_urn: str
    external: bool
    ids: list[int] = attrs.field(factory=list)
    bytes: int = 0

    @property
    def counts(self) -> FileCounts:
        """Return the counts of their new suborder."""
        state = FileState.AVAILABLE if self.external else FileState.PENDING
        return FileCounts.of(state, len(self.ids), self.bytes)


@attrs.define
class AgainPacker:
    """Cut files that are asked for once more: tested after each file, so the one that overflows stays.

    Attributes:
        settings: the limits.
    """

    settings: Settings
    _open: dict[tuple[str, bool], Again] = attrs.field(factory=dict, init=False)

    def add(self, dataset_urn: str, external: bool, file: OrderFile) -> list[Again]:
        """Put a file and return the group that it filled, if it did.

        Args:
            dataset_urn: its dataset.
            external: whether its suborder is: some files of a dataset are external though they are no references.
            file: the file.
        """
        key = dataset_urn, external
        group = self._open.setdefault(key, Again(*key))
        group.ids.append(file.id)
        group.bytes += file.size or 0
        if group.external:
            full = len(group.ids) > self.settings.external_max_files
        else:
            full = group.bytes >= self.settings.suborder_max_bytes or len(group.ids) >= self.settings.suborder_max_files
        return [self._open.pop(key)] if full else []

    def finish(self) -> list[Again]:
        """Return the groups that are left, by dataset."""
        return [self._open[key] for key in sorted(self._open)]
