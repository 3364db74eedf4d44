"""The cut rule."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from regards_order.domain.files import FileCounts, OrderFile
from regards_order.domain.packing import Again, AgainPacker, Bucket, Packer
from regards_order.domain.product import CatalogFile
from regards_order.domain.selection import FileFilter, FileTypes
from regards_order.domain.settings import Settings

MIB = 1024 * 1024


def stored(name: str, size: int | None = 1, checksum: str | None = None, kind: str = "RAWDATA") -> CatalogFile:
    """Return the row of a stored file."""
    return CatalogFile(kind, name, name, "text/plain", size, checksum or name, "MD5", True, False)


def referenced(name: str, size: int | None = None, checksum: str | None = None, uri: str | None = None) -> CatalogFile:
    """Return the row of an external file."""
    uri = uri or f"http://x/{name}"
    return CatalogFile("RAWDATA", name, uri, "text/plain", size, checksum, "MD5", True, True)


def cut(packer: Packer, products: Iterable[list[CatalogFile]]) -> list[Bucket]:
    """Return all buckets into which products are cut, in order."""
    full = [bucket for n, files in enumerate(products) for bucket in packer.add(f"urn{n}", f"p{n}", 1, files)]
    return full + packer.finish()


def sizes(buckets: list[Bucket]) -> list[tuple[bool, int]]:
    """Return for each bucket whether it is external, and its number of files."""
    return [(bucket.external, len(bucket.rows)) for bucket in buckets]


def test_250_products_of_one_mebibyte() -> None:
    """A bucket is closed by the product that brings it to its size: 100, 100 and 50 files (case 23)."""
    buckets = cut(Packer(Settings()), ([stored(f"{n}", MIB)] for n in range(250)))
    assert sizes(buckets) == [(False, 100), (False, 100), (False, 50)]
    assert [bucket.bytes for bucket in buckets] == [100 * MIB, 100 * MIB, 50 * MIB]


def test_2500_references() -> None:
    """An external bucket is closed when it has more than 1,000 files: 1,001, 1,001 and 498 (case 24)."""
    buckets = cut(Packer(Settings()), ([referenced(f"{n}", 10**12)] for n in range(2500)))
    assert sizes(buckets) == [(True, 1001), (True, 1001), (True, 498)]


def test_worked_example_bravo() -> None:
    """The overflowing product stays whole in the bucket it overflows (page 20, chapter 18)."""
    small = (("a", 100_000), ("b", 50_000), ("c", 5_000))
    products = [[stored(f"{n}{part}", size) for part, size in small] for n in range(110)]
    products += [[stored(f"big{n}{size}", size * MIB) for size in (40, 20, 5)] for n in range(4)]
    products += [[referenced(f"x{n}") for n in range(3)]]
    buckets = cut(Packer(Settings()), products)
    assert sizes(buckets) == [(False, 336), (False, 6), (True, 3)]
    assert [bucket.bytes for bucket in buckets] == [153_364_880, 136_314_880, 0]


def test_5000_files_close_a_bucket() -> None:
    """5,000 stored files close a bucket, whatever their size."""
    buckets = cut(Packer(Settings()), ([stored(f"{n}a", 0), stored(f"{n}b", 0)] for n in range(6000)))
    assert sizes(buckets) == [(False, 5000), (False, 5000), (False, 2000)]


@pytest.mark.parametrize("seed", range(5))
def test_the_twelve_files_make_two_suborders_in_any_order(seed: int) -> None:
    """The 12-file catalogue makes exactly 2 suborders of 1 MiB, whatever the order of its products (case 1)."""
    products = [
        [stored(f"P{n}", raw), *(stored(f"P{n}{kind}", small, kind=kind) for kind in QUICKLOOKS)]
        for n, (raw, small) in enumerate(((1_000_000, 22), (500_000, 15), (1_500_000, 20)))
    ]
    random.Random(seed).shuffle(products)
    buckets = cut(Packer(Settings(suborder_max_bytes=MIB)), products)
    assert len(buckets) == 2
    assert sum(bucket.bytes for bucket in buckets) == 3_000_171


QUICKLOOKS = ("QUICKLOOK_SD", "QUICKLOOK_MD", "QUICKLOOK_HD")


@pytest.mark.parametrize(
    ("limits", "products", "expected"),
    [
        ({"suborder_max_files": 3}, [["a", "b"], ["c"], ["d"]], [3, 1]),
        ({"suborder_max_files": 3}, [["a", "b"], ["c", "d", "e"], ["f"]], [5, 1]),
        ({"suborder_max_bytes": 10}, [["a5"], ["b4"], ["c1"], ["d1"]], [3, 1]),
        ({"suborder_max_bytes": 10}, [["a9"], ["b9", "c9"], ["d1"]], [3, 1]),
        ({"suborder_max_bytes": 10}, [["a50"], ["b1"]], [1, 1]),
        ({"suborder_max_bytes": 10}, [["a10"]], [1]),
        ({"suborder_max_bytes": 10}, [["a9"], []], [1]),
        ({}, [], []),
        ({}, [[]], []),
    ],
)
def test_cut_is_tested_after_each_product(
    limits: dict[str, int], products: list[list[str]], expected: list[int]
) -> None:
    """A bucket closes at its files or its bytes, after a whole product; the digits in a name are its size."""
    rows = [[stored(name, int(name[1:] or 1)) for name in names] for names in products]
    assert [n for _, n in sizes(cut(Packer(Settings(**limits)), rows))] == expected


def test_one_product_can_fill_both_buckets() -> None:
    """Stored and external files of one product go to different buckets, which fill on their own."""
    packer = Packer(Settings(suborder_max_files=1, external_max_files=1))
    product = [stored("a"), referenced("x"), stored("b"), referenced("y")]
    assert sizes(cut(packer, [product])) == [(False, 2), (True, 2)]


def test_rest_is_stored_files_first() -> None:
    """What is left after the last product makes a bucket of each kind."""
    assert sizes(cut(Packer(Settings()), [[referenced("x"), stored("a")]])) == [(False, 1), (True, 1)]


def test_rows_tell_their_product() -> None:
    """A row holds URN, name and version of the product beside the file."""
    packer = Packer(Settings())
    packer.attach("dataset", "DS", [stored("d")])
    packer.add("urn", "p", 4, [stored("a")])
    rows = packer.finish()[0].rows
    assert rows == [(("dataset", "DS", 0), stored("d")), (("urn", "p", 4), stored("a"))]


def test_counts_of_buckets() -> None:
    """Stored files wait for the storage, external ones are available at once."""
    buckets = cut(Packer(Settings()), [[stored("a", 5), stored("b", 6), referenced("x", 7), referenced("y")]])
    assert [bucket.counts for bucket in buckets] == [
        FileCounts(pending=2, bytes_known=11, bytes_pending=11),
        FileCounts(available=2, bytes_known=7),
    ]


# --- which files -----------------------------------------------------------------------------------------------------


def names(packer: Packer, *files: CatalogFile) -> list[str]:
    """Return the names of the files of one product that are ordered."""
    return [file.filename for bucket in cut(packer, [list(files)]) for _, file in bucket.rows]


ALL_KINDS = [stored(kind, kind=kind) for kind in (*QUICKLOOKS, "RAWDATA", "THUMBNAIL", "DOCUMENT", "AIP", "OTHER")]


@pytest.mark.parametrize(
    ("kinds", "kept"),
    [
        (set(), [*QUICKLOOKS, "RAWDATA"]),
        ({FileTypes.RAWDATA}, ["RAWDATA"]),
        ({FileTypes.QUICKLOOK}, [*QUICKLOOKS]),
        (set(FileTypes), [*QUICKLOOKS, "RAWDATA"]),
    ],
)
def test_filter_on_types(kinds: set[FileTypes], kept: list[str]) -> None:
    """Only the four orderable types are ordered, and of these only those that the filter names."""
    assert names(Packer(Settings(), FileFilter(frozenset(kinds))), *ALL_KINDS) == kept


def test_filter_on_names_and_types() -> None:
    """Both parts of a filter must hold."""
    packer = Packer(Settings(), FileFilter(frozenset({FileTypes.RAWDATA})), lambda name: name.endswith(".bin"))
    files = [stored("a.bin"), stored("a.txt"), stored("b.bin", kind="QUICKLOOK_SD"), referenced("c.bin")]
    assert names(packer, *files) == ["a.bin", "c.bin"]


def test_stored_file_without_size_is_dropped() -> None:
    """A stored file without size is left out, a reference without size is ordered."""
    assert names(Packer(Settings()), stored("a", None), referenced("b", None)) == ["b"]


def test_equal_files_of_one_product_are_one() -> None:
    """One record less only when product, name and checksum are all equal (page 05)."""
    packer = Packer(Settings())
    files = [stored("a", checksum="1"), stored("a", checksum="1"), stored("a", checksum="2"), stored("b", checksum="1")]
    assert names(packer, *files) == ["a", "a", "b"]


def test_two_products_keep_the_file_that_they_share() -> None:
    """Two products that share a file keep both records."""
    assert sizes(cut(Packer(Settings()), [[stored("a")], [stored("a")]])) == [(False, 2)]


def test_references_without_checksum_are_told_apart_by_url() -> None:
    """References without checksum are equal only when name and URL are (W5)."""
    files = [referenced("a", uri="http://x/1"), referenced("a", uri="http://x/2"), referenced("a", uri="http://x/1")]
    assert names(Packer(Settings()), *files) == ["a", "a"]


def test_oversized_files_are_named() -> None:
    """A stored file strictly larger than a bucket is ordered and named; a reference of that size is not."""
    packer = Packer(Settings(suborder_max_bytes=10))
    files = [stored("a", 10), stored("b", 11), referenced("c", 99)]
    assert names(packer, *files) == ["a", "b", "c"]
    assert packer.oversized == ["b"]


# --- files of the dataset --------------------------------------------------------------------------------------------


def test_attached_files_escape_the_filter() -> None:
    """Filters do not apply to the files of the dataset itself; types do."""
    packer = Packer(Settings(), FileFilter(frozenset({FileTypes.QUICKLOOK})), lambda name: False)
    packer.attach("dataset", "DS", [stored("guide"), stored("thumb", kind="THUMBNAIL")])
    assert names(packer, stored("a")) == ["guide"]


def test_attached_files_by_bucket() -> None:
    """Attached files ending in /dam and references are external, others wait for the storage (case 18)."""
    packer = Packer(Settings())
    dam = stored("d")._replace(uri="http://dam/1/dam")
    packer.attach("dataset", "DS", [dam, referenced("r"), stored("s")])
    buckets = packer.finish()
    assert [[file.filename for _, file in bucket.rows] for bucket in buckets] == [["s"], ["d", "r"]]
    assert cut(Packer(Settings()), [[dam]])[0].external is False  # only a dataset's file is held by that service


def test_attached_files_are_cut_with_the_first_product() -> None:
    """Attached files are in the bucket before the first product and only tested with it."""
    packer = Packer(Settings(suborder_max_files=2))
    packer.attach("dataset", "DS", [stored("a"), stored("b"), stored("c")])
    assert sizes(cut(packer, [[stored("d")], [stored("e")]])) == [(False, 4), (False, 1)]


# --- files that are asked for once more ------------------------------------------------------------------------------


def again(id: int, size: int | None = 1, *, reference: bool = False) -> OrderFile:
    """Return the row of an ordered file that could not be had."""
    row = (id, 1, 1, "URN", "p", 1, "ERROR", None, "RAWDATA", f"f{id}", f"f{id}", "text/plain")
    return OrderFile(*row, size, f"c{id}", "MD5", True, reference)


def regroup(settings: Settings, files: Iterable[tuple[str, OrderFile]]) -> list[Again]:
    """Return all groups into which files are cut, in order."""
    packer = AgainPacker(settings)
    full = [group for dataset, file in files for group in packer.add(dataset, file.reference, file)]
    return full + packer.finish()


def test_retry_of_the_worked_example() -> None:
    """Tested after each file, the one that overflows stays: 40, 60, 65, 105 MiB, and a new group (20, chapter 18)."""
    sizes = (40, 20, 5, 40, 20, 5)
    groups = regroup(Settings(), (("URN", again(n, size * MIB)) for n, size in enumerate(sizes, 1)))
    assert [(group.ids, group.bytes) for group in groups] == [([1, 2, 3, 4], 110_100_480), ([5, 6], 26_214_400)]
    assert groups[0].counts == FileCounts(pending=4, bytes_known=110_100_480, bytes_pending=110_100_480)


@pytest.mark.parametrize(
    ("settings", "sizes", "expected"),
    [
        (Settings(suborder_max_bytes=10), (4, 6, 1), [[1, 2], [3]]),
        (Settings(suborder_max_bytes=10), (4, 5, 1), [[1, 2, 3]]),
        (Settings(suborder_max_bytes=10), (99, 99), [[1], [2]]),
        (Settings(suborder_max_bytes=10), (None, 0, 10, 1), [[1, 2, 3], [4]]),
        (Settings(suborder_max_files=2), (1, 1, 1), [[1, 2], [3]]),
        (Settings(suborder_max_files=2), (1, 1), [[1, 2]]),
        (Settings(), (), []),
    ],
)
def test_cut_after_each_file(settings: Settings, sizes: tuple[int | None, ...], expected: list[list[int]]) -> None:
    """A group of stored files is closed by the file that brings it to its bytes or its number."""
    groups = regroup(settings, (("URN", again(n, size)) for n, size in enumerate(sizes, 1)))
    assert [group.ids for group in groups] == expected


def test_references_are_grouped_apart() -> None:
    """External files are cut when there are more than the limit, whatever their size, and are available at once."""
    settings = Settings(external_max_files=2, suborder_max_bytes=10)
    files = [again(n, 10**9 if n == 1 else None, reference=True) for n in range(1, 5)]
    groups = regroup(settings, (("URN", file) for file in [*files, again(5)]))
    assert [(group.external, group.ids) for group in groups] == [(True, [1, 2, 3]), (False, [5]), (True, [4])]
    assert groups[0].counts == FileCounts(available=3, bytes_known=10**9)


def test_datasets_are_grouped_apart() -> None:
    """A group never spans two datasets, even when their files alternate; what is left comes by dataset."""
    settings = Settings(suborder_max_files=2)
    groups = regroup(settings, ((dataset, again(n)) for n, dataset in enumerate("BABAB", 1)))
    assert [(group.dataset_urn, group.ids) for group in groups] == [("B", [1, 3]), ("A", [2, 4]), ("B", [5])]
