"""Read a page of the catalogue while the page before is being worked on."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from threading import Lock, Thread

import attrs

from regards_order.domain.attributes import AttributeType
from regards_order.domain.counters import Summary
from regards_order.domain.principal import Access
from regards_order.domain.product import Dataset, OrderedProduct
from regards_order.domain.search import Search
from regards_order.ports.catalog import Catalog

#: pages that wait for whoever asked for the ones before; who does not come back costs no more than that
_KEPT = 4
_Page = Sequence[OrderedProduct]


@attrs.frozen(eq=False)
class _Ahead:
    """One page that is read before it is asked for."""

    searches: Sequence[Search]
    access: Access
    after: str
    limit: int
    page: Future[_Page] = attrs.field(factory=Future)

    def is_wanted(self, searches: Sequence[Search], access: Access, after: str, limit: int) -> bool:
        return self.searches is searches and (self.access, self.after, self.limit) == (access, after, limit)


class ReadAhead:
    """Read one page ahead of each search, in a thread: a `Catalog`.

    Whoever lists the files of an order packs and stores one page while the database already reads the next one.
    """

    def __init__(self, catalog: Catalog) -> None:
        """Take the catalogue that is read."""
        self._catalog = catalog
        self._lock = Lock()
        self._ahead: deque[_Ahead] = deque(maxlen=_KEPT)

    def attributes(self) -> Mapping[str, AttributeType]:
        """Return name and type of each attribute."""
        return self._catalog.attributes()

    def summary(self, searches: Sequence[Search], access: Access) -> Summary:
        """Count what matches."""
        return self._catalog.summary(searches, access)

    def dataset(self, urn: str, access: Access) -> Dataset | None:
        """Return a dataset that *access* covers."""
        return self._catalog.dataset(urn, access)

    def search(self, searches: Sequence[Search], access: Access, *, after: str = "", limit: int) -> _Page:
        """Return a page of what matches, by URN, and begin to read the next one."""
        known = self._take(searches, access, after, limit)
        page = self._catalog.search(searches, access, after=after, limit=limit) if known is None else known.result()
        if page:
            self._begin(_Ahead(searches, access, page[-1].urn, limit))
        return page

    def _take(self, searches: Sequence[Search], access: Access, after: str, limit: int) -> Future[_Page] | None:
        with self._lock:
            for ahead in self._ahead:
                if ahead.is_wanted(searches, access, after, limit):
                    self._ahead.remove(ahead)
                    return ahead.page
        return None

    def _begin(self, ahead: _Ahead) -> None:
        with self._lock:
            self._ahead.append(ahead)
        Thread(target=self._read, args=(ahead,), name="catalogue", daemon=True).start()

    def _read(self, ahead: _Ahead) -> None:
        try:
            page = self._catalog.search(ahead.searches, ahead.access, after=ahead.after, limit=ahead.limit)
        except BaseException as failure:  # whoever asks for the page gets it
            ahead.page.set_exception(failure)
        else:
            ahead.page.set_result(page)
