"""Claims under a lease, answers of the storage that are kept, notes of freed slots as rows of their own."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from regards_order_adapters.sql.migrations.columns import prose, text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add what claims need, and turn the notes of freed slots into rows that only grow."""
    for table in ("orders", "suborders"):
        op.add_column(table, sa.Column("attempt", sa.Integer(), server_default="0", nullable=False))
        op.add_column(table, sa.Column("leased_until", sa.BigInteger(), nullable=True))
    op.create_index(
        op.f("ix_orders_tenant_id_owner_created"), "orders", ["tenant_id", "owner", "created"], unique=False
    )
    _index_claims()
    op.create_table(
        "storage_answers",
        sa.Column("suborder_id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.SmallInteger(), nullable=False),
        sa.Column("checksum", text(128), nullable=False),
        sa.Column("available", sa.Boolean(), nullable=False),
        sa.Column("cause", prose(), nullable=True),
        sa.ForeignKeyConstraint(
            ["suborder_id"], ["suborders.id"], name=op.f("fk_storage_answers_suborders"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_storage_answers_tenants")),
        sa.PrimaryKeyConstraint("suborder_id", "tenant_id", "checksum", name=op.f("pk_storage_answers")),
    )
    _renew_freed_slots()
    if op.get_context().dialect.name == "postgresql":
        for kind in ("freed_slot", "letter"):
            op.execute(f"CREATE SEQUENCE {kind}_numbers")
            op.execute(f"SELECT setval('{kind}_numbers', next, false) FROM id_counters WHERE kind = '{kind}'")  # noqa: S608
    op.execute("UPDATE schema_version SET version = 2, oldest_compatible = 2")


def _index_claims() -> None:
    op.drop_index("ix_suborders_due", table_name="suborders")
    leased = ["tenant_id", "leased_until"]
    _index("orders", "free", ["tenant_id", "id"], "status = 'PENDING' AND leased_until IS NULL")
    _index("orders", "leased", leased, "status = 'PENDING' AND leased_until IS NOT NULL")
    first = ["tenant_id", sa.text("priority DESC"), "id"]
    _index("suborders", "free", first, "state = 'QUEUED' AND leased_until IS NULL")
    _index("suborders", "leased", leased, "state = 'QUEUED' AND leased_until IS NOT NULL")
    _index("suborders", "asked", ["tenant_id", "next_poll"], "state = 'ASKED'")


def _index(table: str, name: str, columns: Sequence[Any], rows: str) -> None:
    where = sa.text(rows)
    op.create_index(f"ix_{table}_{name}", table, columns, unique=False, sqlite_where=where, postgresql_where=where)


def _renew_freed_slots() -> None:
    op.execute("CREATE TABLE freed_slots_before AS SELECT number, tenant_id, owner FROM freed_slots")
    op.drop_table("freed_slots")
    op.create_table(
        "freed_slots",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.SmallInteger(), nullable=False),
        sa.Column("owner", text(128), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_freed_slots_tenants")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_freed_slots")),
    )
    op.create_index(
        op.f("ix_freed_slots_tenant_id_owner_number"), "freed_slots", ["tenant_id", "owner", "number"], unique=False
    )
    op.execute(
        "INSERT INTO freed_slots (number, tenant_id, owner) SELECT number, tenant_id, owner FROM freed_slots_before"
    )
    op.drop_table("freed_slots_before")
