"""All tables.  Constraint names are fixed here and in the migrations: later ones refer to them.

Every table of a tenant bears ``tenant_id`` in its unique keys.  Ids are given in blocks by ``id_counters``, so that a
million files cost one statement, and the file table can be partitioned by id range (each suborder keeps its range).
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from regards_order.domain.attributes import ValueKind
from regards_order.domain.basket import OwnerKind
from regards_order.domain.order import OrderStatus
from regards_order.domain.principal import Role
from regards_order.domain.suborder import SuborderState
from regards_order_adapters.sql.types import Characters, Instant, Named, Prose

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def _tenant() -> sa.Column[int]:
    return sa.Column("tenant_id", sa.SmallInteger, sa.ForeignKey("tenants.id"), nullable=False)


# only a key of this very type is the row's own number on SQLite; any other would be an index beside it
_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _id() -> sa.Column[int]:
    return sa.Column("id", _KEY, primary_key=True, autoincrement=False)


def _partial(name: str, rows: str, *columns: Any) -> sa.Index:
    return sa.Index(name, *columns, sqlite_where=sa.text(rows), postgresql_where=sa.text(rows))


# What can be claimed, in the words of the indexes: a planner takes such an index only for these very words.
ORDERS_FREE = "NOT listed AND status IN ('PENDING', 'RUNNING') AND leased_until IS NULL"
ORDERS_LEASED = "NOT listed AND leased_until IS NOT NULL"
ORDERS_EXPIRING = "status NOT IN ('FAILED', 'EXPIRED', 'DELETED')"
SUBORDERS_FREE = "state = 'QUEUED' AND leased_until IS NULL"
SUBORDERS_LEASED = "state = 'QUEUED' AND leased_until IS NOT NULL"
SUBORDERS_ASKED = "state = 'ASKED'"
RAWDATA = "data_type = 'RAWDATA'"
#: what a text is searched by: PostgreSQL has no index of whole texts of any length
TEXT_KEY_LENGTH = 64
_TEXT_KEY = "substr({}, 1, {})"


def _lease() -> list[sa.Column[int]]:
    """Return the columns of a claim; a lease ends by the clock of the database, in microseconds since 1970."""
    return [
        sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
        sa.Column("leased_until", sa.BigInteger),
    ]


def _counts() -> list[sa.Column[int]]:
    names = ("pending", "available", "downloaded", "download_error", "processing_error", "error")
    sizes = ("bytes_known", "bytes_pending")
    return [sa.Column(name, sa.BigInteger, nullable=False, server_default="0") for name in (*names, *sizes)]


schema_version = sa.Table(
    "schema_version",
    metadata,
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("oldest_compatible", sa.Integer, nullable=False),
)

tenants = sa.Table(
    "tenants",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("name", Characters(128), nullable=False, unique=True),
)

id_counters = sa.Table(
    "id_counters",
    metadata,
    sa.Column("kind", Characters(32), primary_key=True),
    sa.Column("next", sa.BigInteger, nullable=False),
)

# Numbers that are taken one by one come from sequences on PostgreSQL: they are given with the row itself.
SEQUENCES = {kind: sa.Sequence(f"{kind}_numbers", metadata=metadata) for kind in ("freed_slot", "letter")}

# --- baskets ---------------------------------------------------------------------------------------------------------

baskets = sa.Table(
    "baskets",
    metadata,
    _id(),
    _tenant(),
    sa.Column("owner_kind", Named(OwnerKind), nullable=False),
    sa.Column("owner", Characters(128), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.UniqueConstraint("tenant_id", "owner_kind", "owner"),
)

basket_selections = sa.Table(
    "basket_selections",
    metadata,
    _id(),
    _tenant(),
    sa.Column("basket_id", sa.BigInteger, sa.ForeignKey("baskets.id", ondelete="CASCADE"), nullable=False),
    sa.Column("dataset_urn", Characters(255), nullable=False),
    sa.Column("label", Characters, nullable=False),
    sa.Column("counters", sa.JSON, nullable=False),
    sa.Column("file_filter", sa.JSON(none_as_null=True)),
    sa.UniqueConstraint("tenant_id", "basket_id", "dataset_urn"),
)

basket_items = sa.Table(
    "basket_items",
    metadata,
    sa.Column(
        "selection_id", sa.BigInteger, sa.ForeignKey("basket_selections.id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("date", Instant, primary_key=True),
    _tenant(),
    sa.Column("request", sa.JSON, nullable=False),
    sa.Column("counters", sa.JSON, nullable=False),
)

# --- orders ----------------------------------------------------------------------------------------------------------

orders = sa.Table(
    "orders",
    metadata,
    _id(),
    _tenant(),
    sa.Column("owner", Characters(128), nullable=False),
    sa.Column("role", Named(Role), nullable=False),
    sa.Column("groups", sa.JSON, nullable=False),
    sa.Column("label", Characters(50), nullable=False),
    sa.Column("correlation_id", Characters(255), nullable=False),
    sa.Column("created", Instant, nullable=False),
    sa.Column("status", Named(OrderStatus), nullable=False),
    sa.Column("status_date", Instant, nullable=False),
    sa.Column("hours", sa.Integer, nullable=False),
    sa.Column("expires", Instant),
    sa.Column("listed", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("message", Characters(255)),
    sa.Column("frontend_url", Prose),
    *_counts(),
    sa.Column("waiting_suborders", sa.Integer, nullable=False, server_default="0"),
    sa.Column("available_since", Instant),
    sa.Column("internal_suborders", sa.Integer, nullable=False, server_default="0"),
    sa.Column("external_suborders", sa.Integer, nullable=False, server_default="0"),
    sa.Column("features", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("version", sa.Integer, nullable=False),
    *_lease(),
    sa.UniqueConstraint("tenant_id", "owner", "label"),
    sa.Index(None, "tenant_id", "status", "id"),
    sa.Index(None, "tenant_id", "owner", "id"),
    sa.Index(None, "tenant_id", "owner", "created"),
    _partial("ix_orders_free", ORDERS_FREE, "tenant_id", "id"),
    _partial("ix_orders_leased", ORDERS_LEASED, "tenant_id", "leased_until"),
    _partial("ix_orders_expiring", ORDERS_EXPIRING, "tenant_id", "expires"),
)

dataset_tasks = sa.Table(
    "dataset_tasks",
    metadata,
    _id(),
    _tenant(),
    sa.Column("order_id", sa.BigInteger, sa.ForeignKey("orders.id", ondelete="CASCADE"), nullable=False),
    sa.Column("dataset_urn", Characters(255), nullable=False),
    sa.Column("dataset_label", Characters, nullable=False),
    sa.Column("objects_count", sa.BigInteger, nullable=False),
    sa.Column("files_count", sa.BigInteger, nullable=False),
    sa.Column("files_size", sa.BigInteger, nullable=False),
    sa.Column("file_filter", sa.JSON(none_as_null=True)),
    sa.Column("requests", sa.JSON, nullable=False),
    sa.UniqueConstraint("tenant_id", "order_id", "dataset_urn"),
)

suborders = sa.Table(
    "suborders",
    metadata,
    _id(),
    _tenant(),
    sa.Column("order_id", sa.BigInteger, sa.ForeignKey("orders.id", ondelete="CASCADE"), nullable=False),
    sa.Column("owner", Characters(128), nullable=False),
    sa.Column("dataset_urn", Characters(255), nullable=False),
    sa.Column("external", sa.Boolean, nullable=False),
    sa.Column("state", Named(SuborderState), nullable=False),
    sa.Column("priority", sa.SmallInteger, nullable=False),
    sa.Column("hours", sa.Integer, nullable=False),
    sa.Column("first_file", sa.BigInteger, nullable=False),
    sa.Column("last_file", sa.BigInteger, nullable=False),
    *_counts(),
    sa.Column("next_poll", Instant),
    sa.Column("deadline", Instant),
    sa.Column("version", sa.Integer, nullable=False),
    *_lease(),
    sa.Index(None, "tenant_id", "order_id", "id"),
    _partial("ix_suborders_live", "state <> 'ENDED'", "tenant_id", "owner", "state"),
    _partial("ix_suborders_asked", SUBORDERS_ASKED, "tenant_id", "next_poll"),
    _partial("ix_suborders_free", SUBORDERS_FREE, "tenant_id", sa.desc("priority"), "id"),
    _partial("ix_suborders_leased", SUBORDERS_LEASED, "tenant_id", "leased_until"),
)

# the columns from "id" to "reference" are the fields of an OrderFile, in their order
order_files = sa.Table(
    "order_files",
    metadata,
    _id(),
    sa.Column("order_id", sa.BigInteger, nullable=False),
    sa.Column("suborder_id", sa.BigInteger, nullable=False),
    sa.Column("product_urn", Characters(255), nullable=False),
    sa.Column("product_id", Characters(255), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("state", Characters(16), nullable=False),
    sa.Column("download_error", Prose),
    sa.Column("data_type", Characters(32), nullable=False),
    sa.Column("filename", Characters(255), nullable=False),
    sa.Column("uri", Prose, nullable=False),
    sa.Column("mime_type", Characters(255), nullable=False),
    sa.Column("size", sa.BigInteger),
    sa.Column("checksum", Characters(128)),
    sa.Column("digest_algorithm", Characters(16)),
    sa.Column("online", sa.Boolean, nullable=False),
    sa.Column("reference", sa.Boolean, nullable=False),
    _tenant(),
    sa.Index(None, "tenant_id", "order_id", "id"),
    sa.Index(None, "tenant_id", "suborder_id", "checksum"),
)

# its key begins with what the erasure of a suborder looks for
storage_answers = sa.Table(
    "storage_answers",
    metadata,
    sa.Column("suborder_id", sa.BigInteger, sa.ForeignKey("suborders.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("tenant_id", sa.SmallInteger, sa.ForeignKey("tenants.id"), primary_key=True),
    sa.Column("checksum", Characters(128), primary_key=True),
    sa.Column("available", sa.Boolean, nullable=False),
    sa.Column("cause", Prose),
)

# a note is a row of its own: whoever makes one waits for nobody
freed_slots = sa.Table(
    "freed_slots",
    metadata,
    sa.Column("number", _KEY, primary_key=True, autoincrement=False),
    _tenant(),
    sa.Column("owner", Characters(128), nullable=False),
    sa.Index(None, "tenant_id", "owner", "number"),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("number", _KEY, primary_key=True, autoincrement=False),
    _tenant(),
    sa.Column("kind", Characters(64), nullable=False),
    sa.Column("order_id", sa.BigInteger, nullable=False),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Index(None, "tenant_id", "number"),
)

# "active" also counts leases that have run out, until somebody needs their places: a grant is one conditional change
quotas = sa.Table(
    "quotas",
    metadata,
    sa.Column("tenant_id", sa.SmallInteger, sa.ForeignKey("tenants.id"), primary_key=True),
    sa.Column("email", Characters(128), primary_key=True),
    sa.Column("max_quota", sa.BigInteger, nullable=False),
    sa.Column("rate_limit", sa.BigInteger, nullable=False),
    sa.Column("consumed", sa.BigInteger, nullable=False),
    sa.Column("active", sa.BigInteger, nullable=False),
    sa.Column("resets", sa.Integer, nullable=False),
)

quota_leases = sa.Table(
    "quota_leases",
    metadata,
    sa.Column("tenant_id", sa.SmallInteger, sa.ForeignKey("tenants.id"), primary_key=True),
    sa.Column("email", Characters(128), primary_key=True),
    sa.Column("lease_id", Characters(64), primary_key=True),
    sa.Column("leased_until", sa.BigInteger, nullable=False),
    sa.Column("resets", sa.Integer, nullable=False),
)

chores = sa.Table(
    "chores",
    metadata,
    _id(),
    _tenant(),
    sa.Column("name", Characters(32), nullable=False),
    sa.Column("due", Instant),
    *_lease(),
    sa.UniqueConstraint("tenant_id", "name"),
)

tenant_settings = sa.Table(
    "tenant_settings",
    metadata,
    sa.Column("tenant_id", sa.SmallInteger, sa.ForeignKey("tenants.id"), primary_key=True),
    sa.Column("name", Characters(64), primary_key=True),
    sa.Column("value", sa.JSON, nullable=False),
)

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("tenant_id", sa.SmallInteger, sa.ForeignKey("tenants.id"), primary_key=True),
    sa.Column("email", Characters(128), primary_key=True),
    sa.Column("role", Named(Role), nullable=False),
    sa.Column("groups", sa.JSON, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
)

# --- catalogue -------------------------------------------------------------------------------------------------------

# A product names the set of its groups, not each group: a user sees a handful of sets, whatever the number of products.
group_sets = sa.Table(
    "group_sets",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    _tenant(),
    sa.Column("names", Prose, nullable=False),
    sa.UniqueConstraint("tenant_id", "names"),
)

datasets = sa.Table(
    "datasets",
    metadata,
    sa.Column("tenant_id", sa.SmallInteger, sa.ForeignKey("tenants.id"), primary_key=True),
    sa.Column("urn", Characters(255), primary_key=True),
    sa.Column("provider_id", Characters(255), nullable=False),
    sa.Column("label", Characters, nullable=False),
    sa.Column("group_set_id", sa.Integer, sa.ForeignKey("group_sets.id"), nullable=False),
    sa.Column("files", sa.JSON, nullable=False),
)

#: the sides of what a product's geometry lies in, in degrees
BOX = ("west", "south", "east", "north")

# its virtual id is that of the last version: it counts as one only where the product is the last
products = sa.Table(
    "products",
    metadata,
    _id(),
    _tenant(),
    sa.Column("urn", Characters(255), nullable=False),
    sa.Column("provider_id", Characters(255), nullable=False),
    sa.Column("label", Characters, nullable=False),
    sa.Column("model", Characters, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("last", sa.Boolean, nullable=False),
    sa.Column("properties", sa.JSON, nullable=False),
    sa.Column("geometry", sa.JSON(none_as_null=True)),
    sa.Column("group_set_id", sa.Integer, sa.ForeignKey("group_sets.id"), nullable=False),
    sa.Column("creation_date", Instant, nullable=False),
    sa.Column("last_update", Instant, nullable=False),
    sa.Column("file_count", sa.Integer, nullable=False),
    sa.Column("virtual_id", Characters(255)),
    *(sa.Column(side, sa.Double) for side in BOX),
    sa.UniqueConstraint("tenant_id", "urn"),
    sa.Index(None, "tenant_id", "provider_id"),
    sa.Index(None, "tenant_id", "virtual_id"),
    sa.Index("ix_products_label", "tenant_id", sa.text(_TEXT_KEY.format("label", TEXT_KEY_LENGTH))),
    sa.Index(None, "tenant_id", "creation_date"),
)

# Parts of products begin their keys with tenant and product, so that a planner finds those of one product; they have no
# foreign key, which would need an index of its own: whoever erases a product erases its parts.
product_tags = sa.Table(
    "product_tags",
    metadata,
    sa.Column("tenant_id", sa.SmallInteger, sa.ForeignKey("tenants.id"), primary_key=True),
    sa.Column("tag", Characters, primary_key=True),
    sa.Column("urn", Characters(255), primary_key=True),
    sa.Column("product_id", sa.BigInteger, nullable=False),
    sa.Index(None, "tenant_id", "product_id"),
    sqlite_with_rowid=False,
)

# the columns from "data_type" to "reference" are the fields of a CatalogFile, in their order
product_files = sa.Table(
    "product_files",
    metadata,
    sa.Column("tenant_id", sa.SmallInteger, sa.ForeignKey("tenants.id"), primary_key=True),
    sa.Column("product_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("data_type", Characters(32), nullable=False),
    sa.Column("filename", Characters(255), nullable=False),
    sa.Column("uri", Prose, nullable=False),
    sa.Column("mime_type", Characters(255), nullable=False),
    sa.Column("size", sa.BigInteger),
    sa.Column("checksum", Characters(128)),
    sa.Column("digest_algorithm", Characters(16)),
    sa.Column("online", sa.Boolean, nullable=False),
    sa.Column("reference", sa.Boolean, nullable=False),
    _partial("ix_product_files_rawdata", RAWDATA, "tenant_id", "filename"),
    sqlite_with_rowid=False,
)

product_values = sa.Table(
    "product_values",
    metadata,
    sa.Column("tenant_id", sa.SmallInteger, sa.ForeignKey("tenants.id"), primary_key=True),
    sa.Column("product_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("name", Characters, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", Named(ValueKind), nullable=False),
    sa.Column("text", Prose, nullable=False),
    sa.Column("integer", sa.BigInteger),
    sa.Column("number", sa.Double),
    sa.Index(
        "ix_product_values_text", "tenant_id", "name", sa.text(_TEXT_KEY.format("text", TEXT_KEY_LENGTH)), "product_id"
    ),
    _partial("ix_product_values_integer", "integer IS NOT NULL", "tenant_id", "name", "integer", "product_id"),
    _partial("ix_product_values_number", "number IS NOT NULL", "tenant_id", "name", "number", "product_id"),
    sqlite_with_rowid=False,
)

attributes = sa.Table(
    "attributes",
    metadata,
    sa.Column("tenant_id", sa.SmallInteger, sa.ForeignKey("tenants.id"), primary_key=True),
    sa.Column("name", Characters, primary_key=True),
    sa.Column("kind", Named(ValueKind), primary_key=True),
    sa.Column("uses", sa.BigInteger, nullable=False),
)

# --- storage ---------------------------------------------------------------------------------------------------------

storage_roots = sa.Table(
    "storage_roots",
    metadata,
    sa.Column("tenant_id", sa.SmallInteger, sa.ForeignKey("tenants.id"), primary_key=True),
    sa.Column("url", Characters, primary_key=True),
)

storage_requests = sa.Table(
    "storage_requests",
    metadata,
    sa.Column("tenant_id", sa.SmallInteger, sa.ForeignKey("tenants.id"), primary_key=True),
    sa.Column("checksum", Characters(128), primary_key=True),
    sa.Column("available_at", Instant, nullable=False),
)


def text_key(column: sa.ColumnElement[Any]) -> sa.ColumnElement[str] | None:
    """Return what texts of any length are searched by in an index, or None when *column* is no such text."""
    if not isinstance(column, sa.Column) or column.name not in ("text", "label"):
        return None
    # in the very words of the index, without parameters
    length = sa.literal_column(str(TEXT_KEY_LENGTH), sa.Integer())
    return sa.func.substr(column, sa.literal_column("1", sa.Integer()), length, type_=sa.Text())
