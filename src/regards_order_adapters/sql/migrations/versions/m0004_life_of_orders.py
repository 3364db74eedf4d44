"""Orders that are listed or not, chores of a tenant, settings that a tenant changed."""

import sqlalchemy as sa
from alembic import op

from regards_order_adapters.sql.migrations.columns import text

revision = "0004"
down_revision = "0003"

_LIFETIME = 168 * 3600 * 1_000_000  # microseconds


def upgrade() -> None:
    """Add what the life of an order needs; orders that are not listed yet get a time after which they are given up."""
    op.add_column("orders", sa.Column("listed", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute("UPDATE orders SET listed = (status <> 'PENDING')")
    op.execute(f"UPDATE orders SET expires = created + {_LIFETIME} WHERE expires IS NULL AND status <> 'DELETED'")  # noqa: S608
    op.drop_index("ix_orders_free", table_name="orders")
    op.drop_index("ix_orders_leased", table_name="orders")
    _index("free", ["id"], "NOT listed AND status IN ('PENDING', 'RUNNING') AND leased_until IS NULL")
    _index("leased", ["leased_until"], "NOT listed AND leased_until IS NOT NULL")
    _index("expiring", ["expires"], "status NOT IN ('FAILED', 'EXPIRED', 'DELETED')")
    op.create_table(
        "chores",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.SmallInteger(), nullable=False),
        sa.Column("name", text(32), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("leased_until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_chores_tenants")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chores")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_chores_tenant_id_name")),
    )
    op.create_table(
        "tenant_settings",
        sa.Column("tenant_id", sa.SmallInteger(), nullable=False),
        sa.Column("name", text(64), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_tenant_settings_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "name", name=op.f("pk_tenant_settings")),
    )
    op.execute("UPDATE schema_version SET version = 4, oldest_compatible = 4")


def _index(name: str, columns: list[str], rows: str) -> None:
    where = sa.text(rows)
    op.create_index(
        f"ix_orders_{name}", "orders", ["tenant_id", *columns], unique=False, sqlite_where=where, postgresql_where=where
    )
