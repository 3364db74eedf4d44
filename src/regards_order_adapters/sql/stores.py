"""Small repositories: ids, baskets, slots, outbox, users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import sqlalchemy as sa

from regards_order.domain.basket import Basket, BasketOwner, DatasetSelection, DatedSelection
from regards_order.domain.counters import Counters
from regards_order.domain.errors import Conflict
from regards_order.domain.events import Event
from regards_order.domain.order import OrderStatus
from regards_order.domain.principal import Account, User
from regards_order.domain.selection import SelectionRequest
from regards_order.domain.suborder import HOLDING, Suborder, SuborderState
from regards_order.ports.outbox import Letter
from regards_order.ports.slots import Load
from regards_order_adapters.sql import dialects, schema, wire
from regards_order_adapters.sql.dialects import is_postgresql
from regards_order_adapters.sql.options import IDS
from regards_order_adapters.sql.orders import read_suborder
from regards_order_adapters.sql.tenancy import Scope, among


@attrs.frozen
class SqlIds:
    """Give numbers from counters that all tenants share."""

    _connection: sa.Connection

    def block(self, kind: str, count: int) -> range:
        """Return *count* consecutive new numbers."""
        counters = schema.id_counters
        first = dialects.insert(self._connection, counters).values(kind=kind, next=1 + count)
        later = first.on_conflict_do_update(index_elements=["kind"], set_={"next": counters.c.next + count})
        taken = later.returning(counters.c.next)
        ids: sa.Engine | None = self._connection.get_execution_options().get(IDS)
        if ids is None:
            following = self._connection.execute(taken).scalar_one()
        else:
            with ids.connect() as connection:
                following = connection.execute(taken).scalar_one()
        return range(following - count, following)

    def number(self, kind: str) -> Any:
        """Return the next number of a kind of rows that come one by one, as a value of their insertion."""
        if is_postgresql(self._connection):
            return schema.SEQUENCES[kind].next_value()
        return self.block(kind, 1)[0]


@attrs.frozen
class SqlBaskets:
    """Keep baskets."""

    _scope: Scope

    def get(self, owner: BasketOwner, *, lock: bool = False) -> Basket | None:
        """Return the basket of *owner*, if there is one."""
        table = schema.baskets
        query = self._scope.select(table).where(table.c.owner_kind == owner.kind, table.c.owner == owner.name)
        row = self._scope.execute(query.with_for_update() if lock else query).one_or_none()
        if row is None:
            return None
        return Basket(row.id, owner, tuple(self._selections(row.id)), row.version)

    def _selections(self, basket_id: int) -> list[DatasetSelection]:
        table, items = schema.basket_selections, schema.basket_items
        chosen = self._scope.select(table).where(table.c.basket_id == basket_id)
        selections = []
        for row in self._scope.execute(chosen).all():
            dated = self._scope.select(items).where(items.c.selection_id == row.id).order_by(items.c.date)
            selections.append(
                DatasetSelection(
                    row.id,
                    row.dataset_urn,
                    row.label,
                    wire.load(Counters, row.counters),
                    tuple(
                        DatedSelection(
                            item.date, wire.load(SelectionRequest, item.request), wire.load(Counters, item.counters)
                        )
                        for item in self._scope.execute(dated)
                    ),
                    wire.load_filter(row.file_filter),
                )
            )
        return sorted(selections, key=lambda each: (each.label.lower(), each.dataset_urn))

    def save(self, basket: Basket) -> Basket:
        """Store a basket and return it with its new version."""
        table = schema.baskets
        saved = attrs.evolve(basket, version=basket.version + 1)
        values = {"owner_kind": saved.owner.kind, "owner": saved.owner.name, "version": saved.version}
        if basket.version == 0:
            stored = self._scope.insert_new(table, {"id": basket.id, **values})
        else:
            same = (table.c.id == basket.id) & (table.c.version == basket.version)
            try:
                stored = self._scope.execute(self._scope.update(table).where(same).values(values)).rowcount
            except sa.exc.IntegrityError:  # it was given to somebody who has a basket
                stored = 0
        if not stored:
            raise Conflict("Basket", basket.id)
        selections = schema.basket_selections
        self._scope.execute(self._scope.delete(selections).where(selections.c.basket_id == basket.id))
        for selection in saved.selections:
            self._insert(basket.id, selection)
        return saved

    def _insert(self, basket_id: int, selection: DatasetSelection) -> None:
        self._scope.insert(
            schema.basket_selections,
            {
                "id": selection.id,
                "basket_id": basket_id,
                "dataset_urn": selection.dataset_urn,
                "label": selection.label,
                "counters": wire.dump(selection.counters),
                "file_filter": wire.dump(selection.file_filter),
            },
        )
        items = [
            {
                "selection_id": selection.id,
                "date": item.date,
                "request": wire.dump(item.request),
                "counters": wire.dump(item.counters),
            }
            for item in selection.items
        ]
        self._scope.insert(schema.basket_items, *items)

    def remove(self, owner: BasketOwner) -> None:
        """Erase the basket of *owner*."""
        table = schema.baskets
        where = (table.c.owner_kind == owner.kind) & (table.c.owner == owner.name)
        self._scope.execute(self._scope.delete(table).where(where))


@attrs.frozen
class SqlSlots:
    """Say who holds slots and who may have the next one."""

    _scope: Scope

    def used(self, owner: str) -> int:
        """Lock *owner*'s slots and return how many stored suborders hold one."""
        self._lock(owner)
        table = schema.suborders
        query = self._scope.select(table, sa.func.count()).where(
            table.c.owner == owner, table.c.state.in_(HOLDING), ~table.c.external, table.c.state != SuborderState.ENDED
        )
        return int(self._scope.execute(query).scalar_one())

    def candidates(self, owner: str, limit: int) -> Sequence[Suborder]:
        """Return the PENDING suborders that come first."""
        table, orders = schema.suborders, schema.orders
        query = (
            self._scope.select(table)
            .join(orders, orders.c.id == table.c.order_id)
            .where(
                table.c.owner == owner,
                table.c.state == SuborderState.PENDING,
                table.c.state != SuborderState.ENDED,
                ~table.c.external,
                orders.c.status == OrderStatus.RUNNING,
                orders.c.listed,
            )
            .order_by(table.c.priority.desc(), table.c.order_id, table.c.id)
            .limit(limit)
        )
        return tuple(read_suborder(row) for row in self._scope.execute(query))

    def load(self, owner: str) -> Load:
        """Return how much is in flight."""
        table, orders = schema.suborders, schema.orders
        mine = sa.func.coalesce(sa.func.sum(sa.case((table.c.owner == owner, 1), else_=0)), 0).label("mine")
        query = (
            self._scope.select(table, sa.func.count().label("total"), mine)
            .join(orders, orders.c.id == table.c.order_id)
            .where(table.c.state != SuborderState.ENDED, ~table.c.external, orders.c.status != OrderStatus.PAUSED)
        )
        row = self._scope.execute(query).one()
        return Load(row.total, row.mine)

    def note_freed(self, owner: str) -> None:
        """Remember that *owner* may have a free slot."""
        number = SqlIds(self._scope.connection).number("freed_slot")
        self._scope.insert_one(schema.freed_slots, {"number": number, "owner": owner})

    def freed(self, limit: int) -> Sequence[str]:
        """Return owners that were noted."""
        table = schema.freed_slots
        query = self._scope.select(table, table.c.owner).group_by(table.c.owner)
        return tuple(self._scope.execute(query.order_by(sa.func.min(table.c.number)).limit(limit)).scalars())

    def forget_freed(self, owner: str) -> None:
        """Strike *owner* off: notes that somebody makes from now on stay."""
        self._lock(owner)
        table = schema.freed_slots
        self._scope.execute(self._scope.delete(table).where(table.c.owner == owner))

    def _lock(self, owner: str) -> None:
        self._scope.lock(f"slots of {owner}")


@attrs.frozen
class SqlOutbox:
    """Keep events until somebody has told them."""

    _scope: Scope

    def add(self, event: Event) -> None:
        """Store an event."""
        row = {
            "number": SqlIds(self._scope.connection).number("letter"),
            "kind": type(event).__name__,
            "order_id": event.order_id,
            "payload": wire.dump(event),
        }
        self._scope.insert_one(schema.outbox, row)

    def page(self, after: int = 0, limit: int = 100, *, kinds: Sequence[type[Event]] = ()) -> Sequence[Letter]:
        """Return letters by number."""
        table = schema.outbox
        query = self._scope.select(table).where(table.c.number > after).order_by(table.c.number).limit(limit)
        if kinds:
            query = query.where(table.c.kind.in_([kind.__name__ for kind in kinds]))
        rows = self._scope.execute(query)
        return tuple(Letter(row.number, wire.load(wire.EVENTS[row.kind], row.payload)) for row in rows)

    def remove(self, numbers: Sequence[int]) -> None:
        """Erase letters."""
        table = schema.outbox
        self._scope.execute(self._scope.delete(table).where(among(table.c.number, numbers)))


@attrs.frozen
class SqlTenantSettings:
    """Keep the settings of a tenant that somebody changed."""

    _scope: Scope

    def changed(self) -> Mapping[str, Any]:
        """Return the values that were changed."""
        rows = self._scope.execute(self._scope.select(schema.tenant_settings))
        return {row.name: row.value["value"] for row in rows}

    def put(self, name: str, value: Any) -> None:
        """Store the value of a setting."""
        # within an object: SQLite takes the JSON of a bare number for a number, which is no JSON when it is read
        self._scope.upsert(schema.tenant_settings, [{"name": name, "value": {"value": value}}])

    def remove(self, name: str) -> None:
        """Let a setting have its default again."""
        table = schema.tenant_settings
        self._scope.execute(self._scope.delete(table).where(table.c.name == name))


@attrs.frozen
class SqlUsers:
    """Keep the accounts of the user directory."""

    _scope: Scope

    def put(self, account: Account) -> None:
        """Store an account, in place of the one with the same e-mail."""
        table, user = schema.accounts, account.user
        row = {
            "email": user.email,
            "role": user.role,
            "groups": sorted(user.groups),
            "active": account.active,
        }
        self._scope.upsert(table, [row])

    def get(self, email: str) -> Account | None:
        """Return the account with this e-mail."""
        return next(iter(self._read(email)), None)

    def all(self) -> Sequence[Account]:
        """Return all accounts, by e-mail."""
        return self._read()

    def _read(self, *emails: str) -> Sequence[Account]:
        table = schema.accounts
        query = self._scope.select(table).order_by(table.c.email)
        if emails:
            query = query.where(table.c.email.in_(emails))
        return tuple(
            Account(User(row.email, row.role, frozenset(row.groups)), row.active) for row in self._scope.execute(query)
        )
