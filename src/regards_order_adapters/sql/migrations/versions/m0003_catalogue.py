"""Boxes and virtual ids of products, kinds of values in arrays, indexes for everything that a query may compare."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from regards_order.domain.attributes import virtual_id
from regards_order.domain.geometry import read_shape
from regards_order_adapters.sql.migrations.columns import text

revision = "0003"
down_revision = "0002"

_SIDES = ("west", "south", "east", "north")
_BATCH = 1000
_IN_ARRAY = sa.text("UPDATE product_values SET kind = kind || 'S' WHERE product_id = :of AND name = :called")


def upgrade() -> None:
    """Add what queries need, and fill it in for the products that are there."""
    op.add_column("products", sa.Column("virtual_id", text(255), nullable=True))
    for side in _SIDES:
        op.add_column("products", sa.Column(side, sa.Double(), nullable=True))
    _fill(op.get_bind())
    op.execute("DELETE FROM attributes")
    op.execute(
        "INSERT INTO attributes (tenant_id, name, kind, uses)"
        " SELECT tenant_id, name, kind, count(*) FROM product_values GROUP BY tenant_id, name, kind"
    )
    for column in ("virtual_id", "creation_date"):
        op.create_index(op.f(f"ix_products_tenant_id_{column}"), "products", ["tenant_id", column], unique=False)
    _partial("ix_product_files_rawdata", "product_files", ["filename"], "data_type = 'RAWDATA'")
    for column in ("text", "integer", "number"):
        op.drop_index(f"ix_product_values_tenant_id_name_{column}", table_name="product_values")
    op.create_index("ix_products_label", "products", ["tenant_id", sa.text("substr(label, 1, 64)")], unique=False)
    key = sa.text("substr(text, 1, 64)")
    op.create_index("ix_product_values_text", "product_values", ["tenant_id", "name", key, "product_id"], unique=False)
    for column in ("integer", "number"):
        columns = ["name", column, "product_id"]
        _partial(f"ix_product_values_{column}", "product_values", columns, f"{column} IS NOT NULL")
    op.execute("UPDATE schema_version SET version = 3, oldest_compatible = 3")


def _partial(name: str, table: str, columns: list[str], rows: str) -> None:
    where = sa.text(rows)
    op.create_index(name, table, ["tenant_id", *columns], unique=False, sqlite_where=where, postgresql_where=where)


def _fill(connection: sa.Connection) -> None:
    columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in ("id", "urn", "virtual_id", *_SIDES)]
    products = sa.table("products", *columns, sa.column("geometry", sa.JSON), sa.column("properties", sa.JSON))
    changes = sa.update(products).where(products.c.id == sa.bindparam("of"))
    change = changes.values({name: sa.bindparam(f"new_{name}") for name in ("virtual_id", *_SIDES)})
    last = -1
    wanted = products.c.id, products.c.urn, products.c.geometry, products.c.properties
    query = sa.select(*wanted).order_by(products.c.id).limit(_BATCH)
    while rows := connection.execute(query.where(products.c.id > last)).all():
        connection.execute(change, [_filled(*row[:3]) for row in rows])
        several = [{"of": id, "called": name} for id, *_, properties in rows for name in _arrays(properties)]
        if several:
            connection.execute(_IN_ARRAY, several)
        last = rows[-1][0]


def _filled(id: int, urn: str, geometry: Any) -> dict[str, Any]:
    shape = read_shape(geometry)
    values = {f"new_{side}": None if shape is None else getattr(shape.box, side) for side in _SIDES}
    return {"of": id, "new_virtual_id": next(iter(virtual_id(urn, last=True)), None), **values}


def _arrays(properties: Any) -> Iterator[str]:
    pending = [("", properties)]
    while pending:
        prefix, values = pending.pop()
        for name, value in values.items():
            if isinstance(value, dict):
                pending.append((f"{prefix}{name}.", value))
            elif isinstance(value, list):
                yield prefix + name
