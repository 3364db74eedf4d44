"""Pages with totals."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import attrs
import sqlalchemy as sa

from regards_order.domain.files import FileState, OrderFile
from regards_order.domain.order import Order, OrderStatus
from regards_order.ports.listings import Listed, Sort
from regards_order_adapters.sql import schema
from regards_order_adapters.sql.files import COLUMNS
from regards_order_adapters.sql.orders import read_orders
from regards_order_adapters.sql.tenancy import Scope

_ORDERS, _FILES = schema.orders, schema.order_files


@attrs.frozen
class SqlListings:
    """List what is stored."""

    _scope: Scope

    def orders(
        self, owner: str, *, without: Collection[OrderStatus] = (), offset: int = 0, limit: int
    ) -> Listed[Order]:
        """Return orders, the newest first."""
        chosen = (_ORDERS.c.owner == owner, _ORDERS.c.status.not_in(tuple(without)))
        page = self._scope.select(_ORDERS).where(*chosen).order_by(_ORDERS.c.created.desc(), _ORDERS.c.id)
        rows = self._scope.execute(page.offset(offset).limit(limit)).all()
        return Listed(self._total(_ORDERS, *chosen), read_orders(self._scope, rows))

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
        """Return files of an order."""
        chosen = [_FILES.c.order_id == order_id, _FILES.c.id > after]
        if suborder_id is not None:
            chosen.append(_FILES.c.suborder_id == suborder_id)
        if len(set(states)) < len(FileState):
            chosen.append(_FILES.c.state.in_([state.value for state in states]))
        page = self._scope.select(_FILES, *COLUMNS).where(*chosen).order_by(*map(_sorted, sort), _FILES.c.id)
        rows = self._scope.execute(page.offset(offset).limit(limit))
        return Listed(self._total(_FILES, *chosen), [OrderFile._make(row) for row in rows])

    def file(self, file_id: int) -> OrderFile | None:
        """Return a file of any order."""
        if not 0 < file_id < 2**63:
            return None
        row = self._scope.execute(self._scope.select(_FILES, *COLUMNS).where(_FILES.c.id == file_id)).first()
        return None if row is None else OrderFile._make(row)

    def _total(self, table: sa.Table, *chosen: sa.ColumnElement[bool]) -> int:
        return int(self._scope.execute(self._scope.select(table, sa.func.count()).where(*chosen)).scalar_one())


def _sorted(sort: Sort) -> sa.ColumnElement[object]:
    column = _FILES.c[sort.field]
    return (column.desc() if sort.descending else column.asc()).nulls_last()
