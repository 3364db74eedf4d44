"""The repository of order files: rows in blocks, marked in sets, read in pages by key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
import sqlalchemy as sa

from regards_order.domain.files import FileState, Moved, OrderFile
from regards_order.ports.files import FileChoice
from regards_order_adapters.sql import schema
from regards_order_adapters.sql.tenancy import Scope, among

_TABLE = schema.order_files
_COLUMNS = tuple(_TABLE.c[name] for name in OrderFile._fields)


@attrs.frozen
class SqlFiles:
    """Keep the files of orders."""

    _scope: Scope

    def add(self, rows: Iterable[tuple[object, ...]]) -> None:
        """Store new files."""
        self._scope.bulk_insert(_TABLE, _COLUMNS, rows)

    def page(
        self,
        order_id: int,
        *,
        states: Iterable[FileState] = FileState,
        after: int = 0,
        upto: int | None = None,
        limit: int,
    ) -> Sequence[OrderFile]:
        """Return files of an order, by id."""
        query = self._scope.select(_TABLE, *_COLUMNS).where(
            _TABLE.c.order_id == order_id,
            _TABLE.c.id > after,
            _TABLE.c.state.in_([state.value for state in states]),
        )
        if upto is not None:
            query = query.where(_TABLE.c.id <= upto)
        return self._read(query.order_by(_TABLE.c.id).limit(limit))

    def unanswered(self, suborder_id: int, *, after: int = 0, limit: int) -> Sequence[OrderFile]:
        """Return PENDING files of a suborder, by id."""
        query = self._scope.select(_TABLE, *_COLUMNS).where(
            _TABLE.c.suborder_id == suborder_id, _TABLE.c.id > after, _TABLE.c.state == FileState.PENDING.value
        )
        return self._read(query.order_by(_TABLE.c.id).limit(limit))

    def last_id(self, order_id: int) -> int:
        """Return the largest id of the files of an order."""
        query = self._scope.select(_TABLE, sa.func.max(_TABLE.c.id)).where(_TABLE.c.order_id == order_id)
        return int(self._scope.execute(query).scalar() or 0)

    def move(self, choice: FileChoice, moves: Mapping[FileState, FileState], reason: str | None = None) -> list[Moved]:
        """Bring the chosen files from each state to another one."""
        chosen = [*self._chosen(choice), _TABLE.c.state.in_([state.value for state in moves])]
        counted = (
            self._scope.select(
                _TABLE,
                _TABLE.c.suborder_id,
                _TABLE.c.state,
                sa.func.count().label("files"),
                sa.func.coalesce(sa.func.sum(_TABLE.c.size), 0).label("size"),
            )
            .where(*chosen)
            .group_by(_TABLE.c.suborder_id, _TABLE.c.state)
            .order_by(_TABLE.c.suborder_id, _TABLE.c.state)
        )
        found = self._scope.execute(counted).all()
        if not found:
            return []
        after = {before.value: to.value for before, to in moves.items()}
        values = {"state": sa.case(after, value=_TABLE.c.state), "download_error": reason}
        self._scope.execute(self._scope.update(_TABLE).where(*chosen).values(values))
        moved = []
        for row in found:
            before = FileState(row.state)
            moved.append(Moved(row.suborder_id, before, moves[before], row.files, row.size))
        return moved

    def erase(self, order_id: int) -> None:
        """Erase the files of an order."""
        self._scope.execute(self._scope.delete(_TABLE).where(_TABLE.c.order_id == order_id))

    def _chosen(self, choice: FileChoice) -> list[sa.ColumnElement[bool]]:
        chosen: list[sa.ColumnElement[bool]] = [_TABLE.c.order_id == choice.order_id]
        if choice.suborder_id is not None:
            chosen.append(_TABLE.c.suborder_id == choice.suborder_id)
        if choice.ids is not None:
            chosen.append(among(_TABLE.c.id, choice.ids))
        if choice.checksums is not None:
            chosen.append(among(_TABLE.c.checksum, choice.checksums))
        return chosen

    def _read(self, query: sa.Select[Any]) -> list[OrderFile]:
        return [OrderFile._make(row) for row in self._scope.execute(query)]
