"""The repository of order files: rows in blocks, marked in sets, read in pages by key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import attrs
import sqlalchemy as sa

from regards_order.domain.files import FileState, Moved, OrderFile
from regards_order.ports.files import FileChoice
from regards_order_adapters.sql import schema
from regards_order_adapters.sql.dialects import among_parameter, is_postgresql
from regards_order_adapters.sql.tenancy import PREPARED, Scope

_TABLE = schema.order_files
COLUMNS = tuple(_TABLE.c[name] for name in OrderFile._fields)
_COUNTED = (_TABLE.c.suborder_id, _TABLE.c.state, _TABLE.c.size)
_FEW = 1000
# the parts of a choice, by the columns that they look at
_PARTS = {
    "order_id": _TABLE.c.order_id,
    "suborder_id": _TABLE.c.suborder_id,
    "ids": _TABLE.c.id,
    "checksums": _TABLE.c.checksum,
}

Moves = tuple[tuple[FileState, FileState], ...]


@attrs.frozen
class SqlFiles:
    """Keep the files of orders."""

    _scope: Scope

    def add(self, rows: Iterable[tuple[object, ...]]) -> None:
        """Store new files."""
        self._scope.bulk_insert(_TABLE, COLUMNS, rows)

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
        query = self._scope.select(_TABLE, *COLUMNS).where(
            _TABLE.c.order_id == order_id,
            _TABLE.c.id > after,
            _TABLE.c.state.in_([state.value for state in states]),
        )
        if upto is not None:
            query = query.where(_TABLE.c.id <= upto)
        return self._read(query.order_by(_TABLE.c.id).limit(limit))

    def unanswered(self, suborder_id: int, *, after: int = 0, limit: int) -> Sequence[OrderFile]:
        """Return PENDING files of a suborder, by id."""
        query = self._scope.select(_TABLE, *COLUMNS).where(
            _TABLE.c.suborder_id == suborder_id, _TABLE.c.id > after, _TABLE.c.state == FileState.PENDING.value
        )
        return self._read(query.order_by(_TABLE.c.id).limit(limit))

    def last_id(self, order_id: int) -> int:
        """Return the largest id of the files of an order."""
        query = self._scope.select(_TABLE, sa.func.max(_TABLE.c.id)).where(_TABLE.c.order_id == order_id)
        return int(self._scope.execute(query).scalar() or 0)

    def move(
        self,
        choice: FileChoice,
        moves: Mapping[FileState, FileState],
        reason: str | None = None,
        *,
        into: int | None = None,
    ) -> list[Moved]:
        """Bring the chosen files from each state to another one."""
        if choice.ids is None or len(choice.ids) > _FEW:
            self._scope.be_patient()
        if not moves:
            return []
        parts = [name for name in _PARTS if getattr(choice, name) is not None]
        values = {f"the_{name}": getattr(choice, name) for name in parts}
        move = self._move_at_once if is_postgresql(self._scope.connection) else self._count_and_move
        values |= {"reason": reason} if into is None else {"reason": reason, "into": into}
        rows = move(tuple(parts), tuple(moves.items()), values)
        return [
            Moved(suborder_id, FileState(before), moves[FileState(before)], files, size)
            for suborder_id, before, files, size in rows
        ]

    def _count_and_move(self, parts: tuple[str, ...], moves: Moves, values: dict[str, Any]) -> Sequence[Any]:
        count, update = _counting(parts, moves, "into" in values)
        found = self._scope.run(count, **values).all()
        if found:
            self._scope.run(update, **values)
        return found

    def _move_at_once(self, parts: tuple[str, ...], moves: Moves, values: dict[str, Any]) -> Sequence[Any]:
        return self._scope.run(_moving(parts, moves, "into" in values), **values).all()

    def erase(self, order_id: int) -> None:
        """Erase the files of an order."""
        self._scope.be_patient()
        self._scope.execute(self._scope.delete(_TABLE).where(_TABLE.c.order_id == order_id))

    def _read(self, query: sa.Select[Any]) -> list[OrderFile]:
        return [OrderFile._make(row) for row in self._scope.execute(query)]


@cache
def _counting(parts: tuple[str, ...], moves: Moves, away: bool) -> tuple[sa.Select[Any], sa.Update]:
    chosen = _chosen(parts, moves)
    found = PREPARED.select(_TABLE, *_COUNTED).where(*chosen).subquery()
    return _counted(found), PREPARED.update(_TABLE).where(*chosen).values(_moved(moves, away))


@cache
def _moving(parts: tuple[str, ...], moves: Moves, away: bool) -> sa.Select[Any]:
    """Return what counts exactly what it moves: two statements of one transaction might see different files."""
    locked = PREPARED.select(_TABLE, _TABLE.c.id, *_COUNTED).where(*_chosen(parts, moves)).order_by(_TABLE.c.id)
    found = locked.with_for_update().cte("found")
    moved = PREPARED.update(_TABLE).where(_TABLE.c.id == found.c.id).values(_moved(moves, away)).cte("moved")
    return _counted(found).add_cte(moved)


def _chosen(parts: tuple[str, ...], moves: Moves) -> list[sa.ColumnElement[bool]]:
    chosen: list[sa.ColumnElement[bool]] = [_TABLE.c.state.in_([state.value for state, _ in moves])]
    for name in parts:
        column, parameter = _PARTS[name], f"the_{name}"
        many = name in ("ids", "checksums")
        chosen.append(among_parameter(column, parameter) if many else column == sa.bindparam(parameter))
    return chosen


def _moved(moves: Moves, away: bool) -> dict[str, Any]:
    after = {before.value: to.value for before, to in moves}
    reason = sa.bindparam("reason", type_=_TABLE.c.download_error.type)
    into = {"suborder_id": sa.bindparam("into", type_=sa.BigInteger)} if away else {}
    return {"state": sa.case(after, value=_TABLE.c.state), "download_error": reason, **into}


def _counted(files: sa.FromClause) -> sa.Select[Any]:
    """Return the query that counts files and their known bytes by suborder and state."""
    size = sa.cast(sa.func.coalesce(sa.func.sum(files.c.size), 0), sa.BigInteger)
    keys = (files.c.suborder_id, files.c.state)
    return sa.select(*keys, sa.func.count(), size).group_by(*keys).order_by(*keys)
