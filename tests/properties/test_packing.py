"""The cut rule, proved on what it cuts."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter

from hypothesis import given
from hypothesis import strategies as st

from regards_order import FileFilter, FileState, Settings
from regards_order.domain.packing import Bucket, Packer, ProductKey
from regards_order.domain.product import CatalogFile
from regards_order.testing import strategies as some

_FILES = st.lists(some.catalog_files().map(lambda file: file._replace(size=file.size and file.size % 8)), max_size=4)
Row = tuple[ProductKey, CatalogFile]
_PRODUCTS = st.lists(_FILES, max_size=8)


def pack(
    settings: Settings, attached: list[CatalogFile], products: list[list[CatalogFile]], wanted: FileFilter
) -> list[Bucket]:
    """Return the buckets of a dataset whose products are called 1, 2…; its own files belong to product 0."""
    packer = Packer(settings, wanted)
    packer.attach("urn", "0", attached)
    buckets = []
    for number, files in enumerate(products, 1):
        buckets += packer.add("urn", str(number), number, files)
    return buckets + packer.finish()


def is_external(file: CatalogFile, *, attached: bool) -> bool:
    """Return whether a file is only referenced; of a dataset's own files also those that end with /dam."""
    return file.reference or (attached and file.uri.endswith("/dam"))


def kept(files: list[CatalogFile], wanted: FileFilter, *, attached: bool) -> list[CatalogFile]:
    """Return which files of one product are ordered: wanted types, stored ones with size, the first of equal ones."""
    types = {each.value for each in wanted.data_types}
    found: dict[tuple[str, str], CatalogFile] = {}
    for file in files:
        if file.data_type in types and (is_external(file, attached=attached) or file.size is not None):
            found.setdefault((file.filename, file.checksum or file.uri), file)
    return list(found.values())


def rows(buckets: list[Bucket], *, external: bool) -> list[Row]:
    """Return the rows of all buckets of one kind, in order."""
    return [row for bucket in buckets if bucket.external is external for row in bucket.rows]


@given(some.settings(), _FILES, _PRODUCTS, some.file_filters())
def test_every_file_is_in_exactly_one_bucket(
    settings: Settings, attached: list[CatalogFile], products: list[list[CatalogFile]], wanted: FileFilter
) -> None:
    """Nothing wanted is lost, nothing else is ordered, and files keep the order in which the catalogue gave them."""
    buckets = pack(settings, attached, products, wanted)
    expected = [(("urn", "0", 0), file) for file in kept(attached, FileFilter(), attached=True)]
    for number, files in enumerate(products, 1):
        expected += [(("urn", str(number), number), file) for file in kept(files, wanted, attached=False)]
    for external in (False, True):
        chosen = [(key, file) for key, file in expected if is_external(file, attached=key[1] == "0") is external]
        assert rows(buckets, external=external) == chosen


@given(some.settings(), _FILES, _PRODUCTS)
def test_buckets_are_cut_after_the_product_that_fills_them(
    settings: Settings, attached: list[CatalogFile], products: list[list[CatalogFile]]
) -> None:
    """A bucket is full with its last product and was not before it; only the last one of its kind may not be full."""

    def full(taken: list[Row], external: bool) -> bool:
        if external:
            return len(taken) > settings.external_max_files
        size = sum(file.size or 0 for _, file in taken)
        return len(taken) >= settings.suborder_max_files or (size >= settings.suborder_max_bytes and bool(taken))

    buckets = pack(settings, attached, products, FileFilter())
    for external in (False, True):
        kind = [bucket for bucket in buckets if bucket.external is external]
        for bucket in kind:
            parts = [list(part) for _, part in groupby(bucket.rows, key=itemgetter(0))]
            before = [row for part in parts[:-1] for row in part]
            only_attached = all(key[1] == "0" for key, _ in before)
            assert only_attached or not full(before, external)
            assert bucket is kind[-1] or full(bucket.rows, external)


@given(some.settings(), _FILES, _PRODUCTS)
def test_no_product_is_split(
    settings: Settings, attached: list[CatalogFile], products: list[list[CatalogFile]]
) -> None:
    """The stored files of a product lie in one bucket, and so do its external ones."""
    buckets = pack(settings, attached, products, FileFilter())
    for external in (False, True):
        places: dict[object, set[int]] = {}
        for number, bucket in enumerate(buckets):
            for key, _ in bucket.rows if bucket.external is external else ():
                places.setdefault(key, set()).add(number)
        assert all(len(found) == 1 for found in places.values())


@given(some.settings(), _FILES, _PRODUCTS)
def test_a_bucket_counts_what_it_holds(
    settings: Settings, attached: list[CatalogFile], products: list[list[CatalogFile]]
) -> None:
    """Stored files wait for the storage, external ones are available at once; unknown sizes count 0 bytes."""
    for bucket in pack(settings, attached, products, FileFilter()):
        assert bucket.rows
        assert bucket.bytes == sum(file.size or 0 for _, file in bucket.rows)
        state = FileState.AVAILABLE if bucket.external else FileState.PENDING
        assert getattr(bucket.counts, state.name.lower()) == bucket.counts.total == len(bucket.rows)


@given(some.settings(), _PRODUCTS)
def test_oversized_files_are_named(settings: Settings, products: list[list[CatalogFile]]) -> None:
    """Each stored file that alone is larger than a suborder is named, in order."""
    packer = Packer(settings)
    for number, files in enumerate(products):
        packer.add("urn", str(number), 1, files)
    large = [
        file.filename
        for files in products
        for file in kept(files, FileFilter(), attached=False)
        if not file.reference and (file.size or 0) > settings.suborder_max_bytes
    ]
    assert packer.oversized == large
