"""The first schema: baskets, orders, outbox, users, catalogue, storage."""

import sqlalchemy as sa
from alembic import op

from regards_order_adapters.sql.migrations.columns import prose, text

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create all tables."""
    op.create_table(
        "id_counters",
        sa.Column("kind", text(32), nullable=False),
        sa.Column("next", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_id_counters")),
    )
    op.create_table(
        "schema_version",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("oldest_compatible", sa.Integer(), nullable=False),
    )
    op.create_table(
        "tenants",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("name", text(128), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenants")),
        sa.UniqueConstraint("name", name=op.f("uq_tenants_name")),
    )
    op.create_table(
        "accounts",
        sa.Column("tenant_id", sa.SmallInteger(), nullable=False),
        sa.Column("email", text(128), nullable=False),
        sa.Column("role", text(32), nullable=False),
        sa.Column("groups", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("max_quota", sa.BigInteger(), nullable=False),
        sa.Column("rate_limit", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_accounts_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "email", name=op.f("pk_accounts")),
    )
    op.create_table(
        "attributes",
        sa.Column("tenant_id", sa.SmallInteger(), nullable=False),
        sa.Column("name", text(), nullable=False),
        sa.Column("kind", text(32), nullable=False),
        sa.Column("uses", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_attributes_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "name", "kind", name=op.f("pk_attributes")),
    )
    op.create_table(
        "baskets",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.SmallInteger(), nullable=False),
        sa.Column("owner_kind", text(32), nullable=False),
        sa.Column("owner", text(128), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_baskets_tenants")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_baskets")),
        sa.UniqueConstraint("tenant_id", "owner_kind", "owner", name=op.f("uq_baskets_tenant_id_owner_kind_owner")),
    )
    op.create_table(
        "freed_slots",
        sa.Column("tenant_id", sa.SmallInteger(), nullable=False),
        sa.Column("owner", text(128), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_freed_slots_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "owner", name=op.f("pk_freed_slots")),
    )
    op.create_table(
        "group_sets",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.SmallInteger(), nullable=False),
        sa.Column("names", prose(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_group_sets_tenants")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_sets")),
        sa.UniqueConstraint("tenant_id", "names", name=op.f("uq_group_sets_tenant_id_names")),
    )
    op.create_table(
        "order_files",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("suborder_id", sa.BigInteger(), nullable=False),
        sa.Column("product_urn", text(255), nullable=False),
        sa.Column("product_id", text(255), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", text(16), nullable=False),
        sa.Column("download_error", prose(), nullable=True),
        sa.Column("data_type", text(32), nullable=False),
        sa.Column("filename", text(255), nullable=False),
        sa.Column("uri", prose(), nullable=False),
        sa.Column("mime_type", text(255), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("checksum", text(128), nullable=True),
        sa.Column("digest_algorithm", text(16), nullable=True),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("reference", sa.Boolean(), nullable=False),
        sa.Column("tenant_id", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_order_files_tenants")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_files")),
    )
    op.create_index(
        op.f("ix_order_files_tenant_id_order_id_id"), "order_files", ["tenant_id", "order_id", "id"], unique=False
    )
    op.create_index(
        op.f("ix_order_files_tenant_id_suborder_id_checksum"),
        "order_files",
        ["tenant_id", "suborder_id", "checksum"],
        unique=False,
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.SmallInteger(), nullable=False),
        sa.Column("owner", text(128), nullable=False),
        sa.Column("role", text(32), nullable=False),
        sa.Column("groups", sa.JSON(), nullable=False),
        sa.Column("label", text(50), nullable=False),
        sa.Column("correlation_id", text(255), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("status", text(32), nullable=False),
        sa.Column("status_date", sa.BigInteger(), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=True),
        sa.Column("message", text(255), nullable=True),
        sa.Column("frontend_url", prose(), nullable=True),
        sa.Column("pending", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("available", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("downloaded", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("download_error", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("processing_error", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("error", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("bytes_known", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("bytes_pending", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("waiting_suborders", sa.Integer(), server_default="0", nullable=False),
        sa.Column("available_since", sa.BigInteger(), nullable=True),
        sa.Column("internal_suborders", sa.Integer(), server_default="0", nullable=False),
        sa.Column("external_suborders", sa.Integer(), server_default="0", nullable=False),
        sa.Column("features", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_orders_tenants")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("tenant_id", "owner", "label", name=op.f("uq_orders_tenant_id_owner_label")),
    )
    op.create_index(op.f("ix_orders_tenant_id_owner_id"), "orders", ["tenant_id", "owner", "id"], unique=False)
    op.create_index(op.f("ix_orders_tenant_id_status_id"), "orders", ["tenant_id", "status", "id"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.SmallInteger(), nullable=False),
        sa.Column("kind", text(64), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_outbox_tenants")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_outbox")),
    )
    op.create_index(op.f("ix_outbox_tenant_id_number"), "outbox", ["tenant_id", "number"], unique=False)
    op.create_table(
        "product_files",
        sa.Column("tenant_id", sa.SmallInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("data_type", text(32), nullable=False),
        sa.Column("filename", text(255), nullable=False),
        sa.Column("uri", prose(), nullable=False),
        sa.Column("mime_type", text(255), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("checksum", text(128), nullable=True),
        sa.Column("digest_algorithm", text(16), nullable=True),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("reference", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_product_files_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "product_id", "position", name=op.f("pk_product_files")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "product_tags",
        sa.Column("tenant_id", sa.SmallInteger(), nullable=False),
        sa.Column("tag", text(), nullable=False),
        sa.Column("urn", text(255), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_product_tags_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "tag", "urn", name=op.f("pk_product_tags")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_product_tags_tenant_id_product_id"), "product_tags", ["tenant_id", "product_id"], unique=False
    )
    op.create_table(
        "product_values",
        sa.Column("tenant_id", sa.SmallInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", text(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", text(32), nullable=False),
        sa.Column("text", prose(), nullable=False),
        sa.Column("integer", sa.BigInteger(), nullable=True),
        sa.Column("number", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_product_values_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "product_id", "name", "position", name=op.f("pk_product_values")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_product_values_tenant_id_name_integer"),
        "product_values",
        ["tenant_id", "name", "integer"],
        unique=False,
    )
    op.create_index(
        op.f("ix_product_values_tenant_id_name_number"), "product_values", ["tenant_id", "name", "number"], unique=False
    )
    op.create_index(
        op.f("ix_product_values_tenant_id_name_text"), "product_values", ["tenant_id", "name", "text"], unique=False
    )
    op.create_table(
        "storage_requests",
        sa.Column("tenant_id", sa.SmallInteger(), nullable=False),
        sa.Column("checksum", text(128), nullable=False),
        sa.Column("available_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_storage_requests_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "checksum", name=op.f("pk_storage_requests")),
    )
    op.create_table(
        "storage_roots",
        sa.Column("tenant_id", sa.SmallInteger(), nullable=False),
        sa.Column("url", text(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_storage_roots_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "url", name=op.f("pk_storage_roots")),
    )
    op.create_table(
        "basket_selections",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.SmallInteger(), nullable=False),
        sa.Column("basket_id", sa.BigInteger(), nullable=False),
        sa.Column("dataset_urn", text(255), nullable=False),
        sa.Column("label", text(), nullable=False),
        sa.Column("counters", sa.JSON(), nullable=False),
        sa.Column("file_filter", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["basket_id"], ["baskets.id"], name=op.f("fk_basket_selections_baskets"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_basket_selections_tenants")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_basket_selections")),
        sa.UniqueConstraint(
            "tenant_id", "basket_id", "dataset_urn", name=op.f("uq_basket_selections_tenant_id_basket_id_dataset_urn")
        ),
    )
    op.create_table(
        "dataset_tasks",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.SmallInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("dataset_urn", text(255), nullable=False),
        sa.Column("dataset_label", text(), nullable=False),
        sa.Column("objects_count", sa.BigInteger(), nullable=False),
        sa.Column("files_count", sa.BigInteger(), nullable=False),
        sa.Column("files_size", sa.BigInteger(), nullable=False),
        sa.Column("file_filter", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("requests", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_dataset_tasks_orders"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_dataset_tasks_tenants")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset_tasks")),
        sa.UniqueConstraint(
            "tenant_id", "order_id", "dataset_urn", name=op.f("uq_dataset_tasks_tenant_id_order_id_dataset_urn")
        ),
    )
    op.create_table(
        "datasets",
        sa.Column("tenant_id", sa.SmallInteger(), nullable=False),
        sa.Column("urn", text(255), nullable=False),
        sa.Column("provider_id", text(255), nullable=False),
        sa.Column("label", text(), nullable=False),
        sa.Column("group_set_id", sa.Integer(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["group_set_id"], ["group_sets.id"], name=op.f("fk_datasets_group_sets")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_datasets_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "urn", name=op.f("pk_datasets")),
    )
    op.create_table(
        "products",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.SmallInteger(), nullable=False),
        sa.Column("urn", text(255), nullable=False),
        sa.Column("provider_id", text(255), nullable=False),
        sa.Column("label", text(), nullable=False),
        sa.Column("model", text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("last", sa.Boolean(), nullable=False),
        sa.Column("properties", sa.JSON(), nullable=False),
        sa.Column("geometry", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("group_set_id", sa.Integer(), nullable=False),
        sa.Column("creation_date", sa.BigInteger(), nullable=False),
        sa.Column("last_update", sa.BigInteger(), nullable=False),
        sa.Column("file_count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["group_set_id"], ["group_sets.id"], name=op.f("fk_products_group_sets")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_products_tenants")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        sa.UniqueConstraint("tenant_id", "urn", name=op.f("uq_products_tenant_id_urn")),
    )
    op.create_index(op.f("ix_products_tenant_id_provider_id"), "products", ["tenant_id", "provider_id"], unique=False)
    op.create_table(
        "suborders",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.SmallInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("owner", text(128), nullable=False),
        sa.Column("dataset_urn", text(255), nullable=False),
        sa.Column("external", sa.Boolean(), nullable=False),
        sa.Column("state", text(32), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.Column("first_file", sa.BigInteger(), nullable=False),
        sa.Column("last_file", sa.BigInteger(), nullable=False),
        sa.Column("pending", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("available", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("downloaded", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("download_error", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("processing_error", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("error", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("bytes_known", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("bytes_pending", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("next_poll", sa.BigInteger(), nullable=True),
        sa.Column("deadline", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_suborders_orders"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_suborders_tenants")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suborders")),
    )
    op.create_index(
        "ix_suborders_due",
        "suborders",
        ["tenant_id", "state", "next_poll"],
        unique=False,
        sqlite_where=sa.text("state IN ('QUEUED', 'ASKED')"),
        postgresql_where=sa.text("state IN ('QUEUED', 'ASKED')"),
    )
    op.create_index(
        "ix_suborders_live",
        "suborders",
        ["tenant_id", "owner", "state"],
        unique=False,
        sqlite_where=sa.text("state <> 'ENDED'"),
        postgresql_where=sa.text("state <> 'ENDED'"),
    )
    op.create_index(
        op.f("ix_suborders_tenant_id_order_id_id"), "suborders", ["tenant_id", "order_id", "id"], unique=False
    )
    op.create_table(
        "basket_items",
        sa.Column("selection_id", sa.BigInteger(), nullable=False),
        sa.Column("date", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.SmallInteger(), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("counters", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["selection_id"],
            ["basket_selections.id"],
            name=op.f("fk_basket_items_basket_selections"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_basket_items_tenants")),
        sa.PrimaryKeyConstraint("selection_id", "date", name=op.f("pk_basket_items")),
    )
    op.execute("INSERT INTO schema_version (version, oldest_compatible) VALUES (1, 1)")
