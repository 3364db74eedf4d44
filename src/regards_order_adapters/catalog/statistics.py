"""Let the planners of both databases know what a catalogue is like."""

from __future__ import annotations

import sqlalchemy as sa

from regards_order_adapters.sql import schema
from regards_order_adapters.sql.dialects import is_postgresql
from regards_order_adapters.sql.tenancy import Scope

_TABLES = (schema.products, schema.product_tags, schema.product_files, schema.product_values)
#: of an index: how many rows it has, and how many of them are alike in its first column, in its first two, and so on
_LARGE = {
    ("products", "sqlite_autoindex_products_1"): "1000000 1000000 1",
    ("products", "ix_products_tenant_id_provider_id"): "1000000 1000000 2",
    ("products", "ix_products_tenant_id_virtual_id"): "1000000 1000000 2",
    ("products", "ix_products_label"): "1000000 1000000 2",
    ("products", "ix_products_tenant_id_creation_date"): "1000000 1000000 100",
    ("product_tags", "product_tags"): "3000000 3000000 10000 1",
    ("product_tags", "ix_product_tags_tenant_id_product_id"): "3000000 3000000 3",
    ("product_files", "product_files"): "2000000 2000000 2 1",
    ("product_files", "ix_product_files_rawdata"): "1000000 1000000 2",
    ("product_values", "product_values"): "10000000 10000000 10 1 1",
    ("product_values", "ix_product_values_text"): "10000000 10000000 1000000 100 1",
    ("product_values", "ix_product_values_integer"): "5000000 5000000 500000 100 1",
    ("product_values", "ix_product_values_number"): "5000000 5000000 500000 100 1",
}
_STATISTICS = sa.table("sqlite_stat1", sa.column("tbl"), sa.column("idx"), sa.column("stat"))


def tell_planner(scope: Scope) -> None:
    """Let the planner know the tables of the catalogue, unless it knows them already.

    PostgreSQL looks at them itself, once there is something in them.  SQLite only looks when it is told to, and takes
    it for granted otherwise that ten rows have the same tenant: it would read all products rather than use an index of
    what is asked for.  It is told what a large catalogue is like, as in a small one every way is short.
    """
    if is_postgresql(scope.connection):
        scope.analyse_once(*_TABLES)
        return
    known = sa.select(sa.table("sqlite_master", sa.column("name"))).where(sa.column("name") == _STATISTICS.name)
    if scope.execute(known).first() is None:
        # makes the table; by this change of the schema other connections notice that there is something to be read
        scope.connection.exec_driver_sql("ANALYZE sqlite_schema")
    if scope.execute(sa.select(_STATISTICS).where(_STATISTICS.c.tbl == schema.products.name)).first() is None:
        rows = [{"tbl": table, "idx": index, "stat": stat} for (table, index), stat in _LARGE.items()]
        scope.connection.execute(sa.insert(_STATISTICS), rows)
        scope.connection.exec_driver_sql("ANALYZE sqlite_schema")  # reads them
