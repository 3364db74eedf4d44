"""The catalogue in memory."""

from __future__ import annotations

import pytest

from regards_order import AttributeType, Counters, DataFile, DataType, SelectionRequest, TypeCount, compile_search
from regards_order.domain.principal import Access
from regards_order.testing import MemoryCatalog, make_dataset, make_file, make_product

TEAM = frozenset({"team"})
A, B, CLOSED = make_dataset("A"), make_dataset("B"), make_dataset("closed", groups=TEAM)
EVERYTHING = compile_search(SelectionRequest(), {})


def reference(name: str, size: int | None) -> DataFile:
    """Return an external file."""
    return DataFile(DataType.RAWDATA, name, f"http://x/{name}", size=size, reference=True)


ONE = make_product(
    "one",
    make_file("one.nc", b"12345"),
    make_file("one.png", b"123", data_type=DataType.QUICKLOOK_SD),
    make_file("one.jpg", b"1", data_type=DataType.THUMBNAIL),
    datasets=(A, B),
    properties={"n": 1, "sensing": {"mode": "IW"}, "nothing": None},
)
TWO = make_product("two", reference("two", None), reference("too", 7), datasets=(A, CLOSED), properties={"n": 1.5})
HIDDEN = make_product("hidden", make_file("h", b"1"), datasets=(A, CLOSED), groups=TEAM)


@pytest.fixture
def catalog() -> MemoryCatalog:
    """Return a catalogue of three datasets and three products."""
    return MemoryCatalog((A, B, CLOSED), (ONE, TWO, HIDDEN))


def test_attributes_are_inferred(catalog: MemoryCatalog) -> None:
    """Attributes have the type of all their values; one that is always null has none."""
    assert catalog.attributes() == {"n": AttributeType.DOUBLE, "sensing.mode": AttributeType.STRING}


def test_summary_counts_stored_and_referenced_files(catalog: MemoryCatalog) -> None:
    """Orderable files are counted by type, stored and referenced apart; a reference without size counts 0 bytes."""
    total = catalog.summary([EVERYTHING], Access()).total
    assert total == Counters(
        2,
        {DataType.RAWDATA: TypeCount(1, 5, 2, 7), DataType.QUICKLOOK_SD: TypeCount(1, 3)},
    )


def test_summary_by_dataset(catalog: MemoryCatalog) -> None:
    """A product counts in each of its datasets that the user may see."""

    def products(access: Access) -> dict[str, int]:
        summary = catalog.summary([EVERYTHING], access)
        return {urn: counters.objects_count for urn, counters in summary.datasets.items()}

    assert products(Access()) == {A.urn: 2, B.urn: 1}
    assert products(Access(TEAM | {"public"})) == {A.urn: 3, B.urn: 1, CLOSED.urn: 2}


def test_searches_are_joined_by_or(catalog: MemoryCatalog) -> None:
    """A product that several searches match counts once; no search finds nothing."""
    one = compile_search(SelectionRequest(include=(ONE.urn,)), {})
    two = compile_search(SelectionRequest(include=(ONE.urn, TWO.urn)), {})
    assert catalog.summary([one, two], Access()).total.objects_count == 2
    assert catalog.summary([], Access()).total == Counters(0, {})
    assert catalog.search([], Access(), limit=9) == []


def test_pages_end_with_products_or_files(catalog: MemoryCatalog) -> None:
    """Pages go by URN and end at the limit of products, or with the product that reaches the limit of files."""
    for n in range(4):
        catalog.put_product(make_product(f"p{n}", *(make_file(f"{n}{i}", b"") for i in range(n)), groups=TEAM))
    access = Access(frozenset(), everything=True)
    everything = catalog.search([EVERYTHING], access, limit=1000)
    assert [product.urn for product in everything] == sorted(product.urn for product in everything)
    assert len(everything) == 7
    for limit in range(1, 9):
        pages, after = [], ""
        while page := catalog.search([EVERYTHING], access, after=after, limit=limit):
            assert len(page) <= limit
            assert sum(len(product.files) for product in page[:-1]) < limit
            pages += page
            after = page[-1].urn
        assert pages == everything


def test_found_products_carry_all_their_files(catalog: MemoryCatalog) -> None:
    """A found product has all its files, orderable or not."""
    [found] = catalog.search([compile_search(SelectionRequest(include=(ONE.urn,)), {})], Access(), limit=9)
    assert found[:3] == (ONE.urn, "one", 1)
    assert [file.filename for file in found.files] == ["one.nc", "one.png", "one.jpg"]


def test_datasets_are_guarded(catalog: MemoryCatalog) -> None:
    """A dataset is given to whom it is open; a stored one replaces that of its URN."""
    assert catalog.dataset(A.urn, Access()) == A
    assert catalog.dataset(CLOSED.urn, Access()) is None
    assert catalog.dataset(CLOSED.urn, Access(everything=True)) == CLOSED
    assert catalog.dataset("URN:none", Access(everything=True)) is None
    catalog.put_dataset(make_dataset("A", groups=TEAM))
    assert catalog.dataset(A.urn, Access()) is None
