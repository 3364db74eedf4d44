"""Repositories of orders and suborders."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import attrs
import sqlalchemy as sa

from regards_order.domain.errors import Conflict, LabelTaken, NotFound
from regards_order.domain.files import FileCounts
from regards_order.domain.order import (
    EXPIRING,
    EXPIRING_WITH_FILES,
    REMINDED,
    Contents,
    DatasetTask,
    Order,
    OrderStatus,
)
from regards_order.domain.suborder import Suborder, SuborderState
from regards_order_adapters.sql import schema, wire
from regards_order_adapters.sql.tenancy import PREPARED, Scope, among

_TASKS = schema.dataset_tasks
# JSON as text: what was read once need not be read again
_TASK_COLUMNS = (
    _TASKS.c.id.label("task_id"),
    _TASKS.c.dataset_urn.label("task_urn"),
    _TASKS.c.dataset_label,
    _TASKS.c.objects_count,
    _TASKS.c.files_count,
    _TASKS.c.files_size,
    sa.cast(_TASKS.c.file_filter, sa.Text).label("task_filter"),
    sa.cast(_TASKS.c.requests, sa.Text).label("task_requests"),
)
_COUNTS = tuple(field.name for field in attrs.fields(FileCounts))


def _read_counts(row: Any) -> FileCounts:
    return FileCounts(*(getattr(row, name) for name in _COUNTS))


def _more(change: FileCounts) -> dict[str, int]:
    return {f"more_{name}": getattr(change, name) for name in _COUNTS}


def _counted(table: sa.Table) -> sa.Update:
    """Return the statement that adds to counts and returns the row."""
    more = {name: table.c[name] + sa.bindparam(f"more_{name}", type_=sa.BigInteger) for name in _COUNTS}
    return PREPARED.update(table).where(table.c.id == sa.bindparam("the_id")).values(more).returning(*table.c)


@cache
def _counted_suborder() -> sa.Update:
    return _counted(schema.suborders)


@cache
def _counted_order(dated: bool) -> sa.Update:
    table = schema.orders
    waiting = table.c.waiting_suborders + sa.bindparam("more_waiting", type_=sa.Integer)
    values: dict[str, Any] = {"waiting_suborders": waiting}
    if dated:
        values["available_since"] = sa.bindparam("date", type_=table.c.available_since.type)
    return _counted(table).values(values)


@cache
def _order_with_tasks(lock: bool) -> sa.Select[Any]:
    orders, tasks = schema.orders, schema.dataset_tasks
    theirs = (tasks.c.order_id == orders.c.id) & (tasks.c.tenant_id == PREPARED.tenant)
    query = PREPARED.select(orders, *orders.c, *_TASK_COLUMNS).outerjoin(tasks, theirs)
    query = query.where(orders.c.id == sa.bindparam("the_id")).order_by(tasks.c.id)
    return query.with_for_update(of=orders) if lock else query


def read_suborder(row: Any) -> Suborder:
    """Return the suborder of a row."""
    return Suborder(
        id=row.id,
        order_id=row.order_id,
        owner=row.owner,
        dataset_urn=row.dataset_urn,
        external=row.external,
        state=row.state,
        priority=row.priority,
        hours=row.hours,
        first_file=row.first_file,
        last_file=row.last_file,
        counts=_read_counts(row),
        next_poll=row.next_poll,
        deadline=row.deadline,
        version=row.version,
        attempt=row.attempt,
    )


@attrs.frozen
class SqlOrders:
    """Keep orders."""

    _scope: Scope

    def add(self, order: Order) -> None:
        """Store a new order."""
        row = {"id": order.id, "version": order.version, "attempt": order.attempt, **_order_values(order)}
        if not self._scope.insert_new(schema.orders, row):
            raise LabelTaken(order.owner, order.label)

    def get(self, order_id: int, *, lock: bool = False) -> Order:
        """Return an order."""
        if not 0 < order_id < 2**63:
            raise NotFound("Order", order_id)
        rows = self._scope.run(_order_with_tasks(lock), the_id=order_id).all()
        if not rows:
            raise NotFound("Order", order_id)
        if lock and rows[0].task_id is None and rows[0].internal_suborders + rows[0].external_suborders:
            # it was completed while we waited for its lock: its row is the new one, but tasks are those of before
            return read_orders(self._scope, rows)[0]
        return read_order(rows[0], tuple(_read_task(row) for row in rows if row.task_id is not None))

    def save(self, order: Order, *, keep_lease: bool = False) -> Order:
        """Store a transition."""
        table = schema.orders
        same = (table.c.id == order.id, table.c.version == order.version, table.c.attempt == order.attempt)
        lease = {} if keep_lease else {"leased_until": None}
        values = {"version": order.version + 1, **lease, **_order_values(order)}
        row = self._scope.execute(self._scope.update(table).where(*same).values(values).returning(*table.c)).first()
        if row is None:
            raise Conflict("Order", order.id)
        self._scope.insert_new(schema.dataset_tasks, *(_task_values(order.id, task) for task in order.contents.tasks))
        return read_order(row, order.contents.tasks)

    def count(self, order: Order, change: FileCounts, waiting: int, now: dt.datetime) -> Order:
        """Add to the counts."""
        dated = {"date": now} if change.available else {}
        more = {"the_id": order.id, "more_waiting": waiting, **dated, **_more(change)}
        row = self._scope.run(_counted_order(bool(dated)), **more).first()
        if row is None:
            raise NotFound("Order", order.id)
        return read_order(row, order.contents.tasks)

    def erase(self, order_id: int) -> None:
        """Erase an order; its tasks and suborders go with it."""
        table = schema.orders
        self._scope.execute(self._scope.delete(table).where(table.c.id == order_id))

    def over(self, now: dt.datetime, *, after: int = 0, limit: int) -> Sequence[Order]:
        """Return orders whose time is over, by id."""
        table = schema.orders
        with_files = table.c.status.in_(EXPIRING_WITH_FILES) & (table.c.available > 0)
        query = self._scope.select(table).where(
            sa.text(schema.ORDERS_EXPIRING),
            table.c.expires < now,
            table.c.id > after,
            table.c.status.in_(EXPIRING) | with_files,
        )
        return tuple(read_orders(self._scope, self._scope.execute(query.order_by(table.c.id).limit(limit)).all()))

    def aside(self, before: dt.datetime, limit: int) -> Sequence[Order]:
        """Return orders of which their users are to be reminded."""
        table = schema.orders
        aside = table.c.status.in_(REMINDED), table.c.available > 0, table.c.available_since < before
        owners = self._scope.select(table, table.c.owner).where(*aside).group_by(table.c.owner)
        chosen = owners.order_by(table.c.owner).limit(limit).subquery()
        query = self._scope.select(table).where(*aside, table.c.owner.in_(sa.select(chosen.c.owner)))
        rows = self._scope.execute(query.order_by(table.c.owner, table.c.created, table.c.id)).all()
        return tuple(read_orders(self._scope, rows))

    def reminded(self, order_ids: Sequence[int], now: dt.datetime) -> None:
        """Let available files count as such from *now* on."""
        table = schema.orders
        change = self._scope.update(table).where(among(table.c.id, order_ids))
        self._scope.execute(change.values(available_since=now))

    def label_taken(self, owner: str, label: str) -> bool:
        """Return whether *owner* has an order with that label."""
        table = schema.orders
        query = self._scope.select(table, table.c.id).where(table.c.owner == owner, table.c.label == label)
        return self._scope.execute(query).first() is not None

    def page(
        self, *, owner: str | None = None, statuses: Sequence[OrderStatus] = (), after: int = 0, limit: int = 100
    ) -> Sequence[Order]:
        """Return orders by id."""
        table = schema.orders
        query = self._scope.select(table).where(table.c.id > after).order_by(table.c.id).limit(limit)
        if owner is not None:
            query = query.where(table.c.owner == owner)
        if statuses:
            query = query.where(table.c.status.in_(statuses))
        return tuple(read_orders(self._scope, self._scope.execute(query).all()))


def read_orders(scope: Scope, rows: Sequence[Any]) -> list[Order]:
    """Return the orders of rows, with their tasks."""
    if not rows:
        return []
    table = schema.dataset_tasks
    query = scope.select(table, table.c.order_id, *_TASK_COLUMNS).where(
        among(table.c.order_id, [row.id for row in rows])
    )
    tasks: dict[int, list[DatasetTask]] = {}
    for task in scope.execute(query.order_by(table.c.id)):
        tasks.setdefault(task.order_id, []).append(_read_task(task))
    return [read_order(row, tuple(tasks.get(row.id, ()))) for row in rows]


def _order_values(order: Order) -> dict[str, Any]:
    return {
        "owner": order.owner,
        "role": order.role,
        "groups": sorted(order.groups),
        "label": order.label,
        "correlation_id": order.correlation_id,
        "created": order.created,
        "status": order.status,
        "status_date": order.status_date,
        "hours": order.hours,
        "expires": order.expires,
        "listed": order.listed,
        "message": order.message,
        "frontend_url": order.frontend_url,
        "internal_suborders": order.contents.internal_suborders,
        "external_suborders": order.contents.external_suborders,
        "features": order.contents.features,
    }


def read_order(row: Any, tasks: tuple[DatasetTask, ...]) -> Order:
    """Return the order of a row, with these tasks."""
    return Order(
        id=row.id,
        owner=row.owner,
        role=row.role,
        groups=frozenset(row.groups),
        label=row.label,
        correlation_id=row.correlation_id,
        created=row.created,
        status=row.status,
        status_date=row.status_date,
        hours=row.hours,
        expires=row.expires,
        listed=row.listed,
        message=row.message,
        frontend_url=row.frontend_url,
        counts=_read_counts(row),
        waiting_suborders=row.waiting_suborders,
        available_since=row.available_since,
        contents=Contents(
            tasks=tasks,
            internal_suborders=row.internal_suborders,
            external_suborders=row.external_suborders,
            features=row.features,
        ),
        version=row.version,
        attempt=row.attempt,
    )


def _task_values(order_id: int, task: DatasetTask) -> dict[str, Any]:
    return {
        "id": task.id,
        "order_id": order_id,
        "dataset_urn": task.dataset_urn,
        "dataset_label": task.dataset_label,
        "objects_count": task.objects_count,
        "files_count": task.files_count,
        "files_size": task.files_size,
        "file_filter": wire.dump(task.file_filter),
        "requests": wire.dump(task.requests),
    }


def _read_task(row: Any) -> DatasetTask:
    return DatasetTask(
        id=row.task_id,
        dataset_urn=row.task_urn,
        dataset_label=row.dataset_label,
        objects_count=row.objects_count,
        files_count=row.files_count,
        files_size=row.files_size,
        file_filter=wire.load_filter_text(row.task_filter),
        requests=wire.load_requests(row.task_requests),
    )


@attrs.frozen
class SqlSuborders:
    """Keep suborders."""

    _scope: Scope

    def add(self, suborder: Suborder) -> None:
        """Store a new suborder."""
        values = attrs.asdict(suborder, recurse=False)
        counts = attrs.asdict(values.pop("counts"))
        self._scope.insert(schema.suborders, {**values, **counts})

    def get(self, suborder_id: int, *, lock: bool = False) -> Suborder:
        """Return a suborder."""
        table = schema.suborders
        query = self._scope.select(table).where(table.c.id == suborder_id)
        known = 0 < suborder_id < 2**63
        row = self._scope.execute(query.with_for_update() if lock else query).one_or_none() if known else None
        if row is None:
            raise NotFound("Suborder", suborder_id)
        return read_suborder(row)

    def save(self, suborder: Suborder) -> Suborder:
        """Store a transition."""
        table = schema.suborders
        same = (
            table.c.id == suborder.id,
            table.c.version == suborder.version,
            table.c.attempt == suborder.attempt,
        )
        change = self._scope.update(table).where(*same)
        values = {
            "state": suborder.state,
            "next_poll": suborder.next_poll,
            "deadline": suborder.deadline,
            "version": suborder.version + 1,
            "leased_until": None,
        }
        row = self._scope.execute(change.values(values).returning(*table.c)).one_or_none()
        if row is None:
            raise Conflict("Suborder", suborder.id)
        return read_suborder(row)

    def count(self, suborder_id: int, change: FileCounts) -> Suborder:
        """Add to the counts."""
        return read_suborder(self._scope.run(_counted_suborder(), the_id=suborder_id, **_more(change)).one())

    def move(self, order_id: int, moves: Mapping[SuborderState, SuborderState]) -> int:
        """Bring suborders from each state to another one."""
        if not moves:
            return 0
        table = schema.suborders
        change = self._scope.update(table).where(self._locked(order_id), table.c.state.in_(moves))
        cases = [(table.c.state == before, sa.literal(to, table.c.state.type)) for before, to in moves.items()]
        state = sa.case(*cases)
        return self._scope.execute(change.values(state=state, version=table.c.version + 1)).rowcount

    def of_order(self, order_id: int) -> Sequence[Suborder]:
        """Return the suborders of an order."""
        table = schema.suborders
        query = self._scope.select(table).where(table.c.order_id == order_id).order_by(table.c.id)
        return tuple(map(read_suborder, self._scope.execute(query)))

    def erase(self, order_id: int) -> None:
        """Erase the suborders of an order; the answers kept for them go with them."""
        self._scope.execute(self._scope.delete(schema.suborders).where(self._locked(order_id)))

    def _locked(self, order_id: int) -> sa.ColumnElement[bool]:
        """Choose the suborders of an order, which are locked by id: as all who lock several do it."""
        table = schema.suborders
        found = self._scope.select(table, table.c.id).where(table.c.order_id == order_id).order_by(table.c.id)
        return table.c.id.in_(sa.select(found.with_for_update().subquery("locked").c.id))
