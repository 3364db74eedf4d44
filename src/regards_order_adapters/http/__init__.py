"""The REST interface, on Starlette (docs/rest.md)."""

from regards_order_adapters.extras import require

require("http", "starlette", "orjson", "jwt")
