"""The catalogue on SQL, and the ways to fill it."""

from regards_order_adapters.extras import require

require("sql", "sqlalchemy", "cattrs", "orjson")
