"""Pages of the catalogue that are read before they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event
from typing import Any

import pytest

from regards_order import Access, CatalogUnavailable, Dataset, Product, SelectionRequest, compile_search
from regards_order.testing import MemoryCatalog, make_file, make_product
from regards_order.testing.contracts import CatalogContract
from regards_order_adapters.catalog.read_ahead import ReadAhead

EVERYTHING = [compile_search(SelectionRequest(), {})]
ANYBODY = Access(everything=True)


class TestReadAhead(CatalogContract):
    """Who reads ahead answers like the catalogue that is read."""

    @pytest.fixture
    def make_catalog(self) -> Callable[[Sequence[Dataset], Sequence[Product]], ReadAhead]:
        return lambda datasets, products: ReadAhead(MemoryCatalog(datasets, products))


class Noted:
    """A catalogue that notes which pages are read, and waits or fails as it is told."""

    def __init__(self, products: int) -> None:
        files = [make_file("f", b"x", uri=f"f/{number}") for number in range(products)]
        self.catalog = MemoryCatalog([], [make_product(f"p{number}", file) for number, file in enumerate(files)])
        self.read: list[str] = []
        self.finished = Event()
        self.failure: Exception | None = None

    def search(self, searches: Any, access: Any, *, after: str = "", limit: int) -> Any:
        try:
            self.read.append(after)
            if self.failure is not None:
                raise self.failure
            return self.catalog.search(searches, access, after=after, limit=limit)
        finally:
            if len(self.read) > 1:
                self.finished.set()


def test_the_next_page_is_read_already() -> None:
    """While somebody works on a page the next one is read, once; the last one is empty and has none after it."""
    noted = Noted(5)
    ahead = ReadAhead(noted)  # type: ignore[arg-type]
    pages, after = [], ""
    while page := ahead.search(EVERYTHING, ANYBODY, after=after, limit=2):
        assert noted.finished.wait(20)
        noted.finished.clear()
        pages.append([each.urn for each in page])
        after = page[-1].urn
    assert [len(page) for page in pages] == [2, 2, 1]
    assert noted.read == ["", *(page[-1] for page in pages)]


def test_another_question_is_answered_for_itself() -> None:
    """A page is handed to whoever asks for the very next one of the same search, and to nobody else."""
    noted = Noted(6)
    ahead = ReadAhead(noted)  # type: ignore[arg-type]
    first = ahead.search(EVERYTHING, ANYBODY, limit=2)
    for searches, access, limit in (
        ([*EVERYTHING], ANYBODY, 2),
        (EVERYTHING, Access(), 2),
        (EVERYTHING, ANYBODY, 3),
    ):
        assert len(ahead.search(searches, access, after=first[-1].urn, limit=limit)) == limit
    assert ahead.search(EVERYTHING, ANYBODY, after=first[-1].urn, limit=2)[0].urn > first[-1].urn


def test_a_failure_reaches_who_asks_for_the_page() -> None:
    """What fails ahead of time fails when its page is wanted, and may succeed when it is asked for again."""
    noted = Noted(4)
    ahead = ReadAhead(noted)  # type: ignore[arg-type]
    first = ahead.search(EVERYTHING, ANYBODY, limit=2)
    assert noted.finished.wait(20)
    noted.finished.clear()
    noted.failure = CatalogUnavailable("gone")
    second = ahead.search(EVERYTHING, ANYBODY, after=first[-1].urn, limit=2)
    with pytest.raises(CatalogUnavailable):
        ahead.search(EVERYTHING, ANYBODY, after=second[-1].urn, limit=2)
    noted.failure = None
    assert ahead.search(EVERYTHING, ANYBODY, after=second[-1].urn, limit=2) == []


def test_pages_that_nobody_fetches_are_forgotten() -> None:
    """Who begins many searches and comes back to none keeps few pages in memory."""
    noted = Noted(2)
    ahead = ReadAhead(noted)  # type: ignore[arg-type]
    for _ in range(20):
        ahead.search([*EVERYTHING], ANYBODY, limit=1)
    assert len(ahead._ahead) == 4
