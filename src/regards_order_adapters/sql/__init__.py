"""The store on SQLAlchemy Core: SQLite now, one tenant per unit of work."""

from regards_order_adapters.extras import require

require("sql", "sqlalchemy", "alembic", "cattrs", "orjson")
