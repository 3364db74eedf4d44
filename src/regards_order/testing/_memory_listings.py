"""Pages with totals in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import attrs

from regards_order.domain.attributes import microseconds
from regards_order.domain.files import FileState, OrderFile
from regards_order.domain.order import Order, OrderStatus
from regards_order.ports.listings import Listed, Sort
from regards_order.testing._memory_tables import Tables


@attrs.frozen
class MemoryListings:
    _tables: Tables

    def orders(
        self, owner: str, *, without: Collection[OrderStatus] = (), offset: int = 0, limit: int
    ) -> Listed[Order]:
        chosen = [each for each in self._tables.orders.values() if each.owner == owner and each.status not in without]
        chosen.sort(key=lambda order: (-microseconds(order.created), order.id))
        return Listed(len(chosen), chosen[offset : offset + limit])

    def files(
        self,
        order_id: int,
        *,
        suborder_id: int | None = None,
        states: Collection[FileState] = tuple(FileState),
        sort: Sequence[Sort] = (),
        after: int = 0,
        offset: int = 0,
        limit: int,
    ) -> Listed[OrderFile]:
        wanted = {state.value for state in states}
        chosen = [
            file
            for file in self._tables.files.values()
            if file.order_id == order_id
            and suborder_id in (None, file.suborder_id)
            and file.state in wanted
            and file.id > after
        ]
        chosen.sort()
        for each in reversed(sort):
            chosen.sort(key=lambda file: _sortable(getattr(file, each.field)), reverse=each.descending)
            chosen.sort(key=lambda file: getattr(file, each.field) is None)
        return Listed(len(chosen), chosen[offset : offset + limit])

    def file(self, file_id: int) -> OrderFile | None:
        return self._tables.files.get(file_id)


def _sortable(value: object) -> tuple[bool, object]:
    return value is None, value if value is not None else 0
