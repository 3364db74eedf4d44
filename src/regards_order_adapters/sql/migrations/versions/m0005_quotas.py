"""What users may download and have downloaded."""

import sqlalchemy as sa
from alembic import op

from regards_order_adapters.sql.migrations.columns import text

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the tables of quotas; users are in them from their first download on, or since limits were set for them."""
    op.create_table(
        "quotas",
        sa.Column("tenant_id", sa.SmallInteger(), nullable=False),
        sa.Column("email", text(128), nullable=False),
        sa.Column("max_quota", sa.BigInteger(), nullable=False),
        sa.Column("rate_limit", sa.BigInteger(), nullable=False),
        sa.Column("consumed", sa.BigInteger(), nullable=False),
        sa.Column("active", sa.BigInteger(), nullable=False),
        sa.Column("resets", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_quotas_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "email", name=op.f("pk_quotas")),
    )
    op.create_table(
        "quota_leases",
        sa.Column("tenant_id", sa.SmallInteger(), nullable=False),
        sa.Column("email", text(128), nullable=False),
        sa.Column("lease_id", text(64), nullable=False),
        sa.Column("leased_until", sa.BigInteger(), nullable=False),
        sa.Column("resets", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_quota_leases_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "email", "lease_id", name=op.f("pk_quota_leases")),
    )
    op.execute(
        "INSERT INTO quotas (tenant_id, email, max_quota, rate_limit, consumed, active, resets)"
        " SELECT tenant_id, email, max_quota, rate_limit, 0, 0, 0 FROM accounts WHERE max_quota >= 0 OR rate_limit >= 0"
    )
    op.drop_column("accounts", "max_quota")
    op.drop_column("accounts", "rate_limit")
    op.execute("UPDATE schema_version SET version = 5, oldest_compatible = 5")
