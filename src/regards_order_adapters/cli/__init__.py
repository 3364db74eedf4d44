"""The command line."""

from regards_order_adapters.extras import require

require("cli", "click", "rich", "fsspec", "zipstream", "re2")
