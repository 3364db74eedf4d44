"""The name of the request that is being answered, for whatever writes a log."""

from __future__ import annotations

from contextvars import ContextVar

#: value of the header ``correlation-id``; None outside a request
correlation_id: ContextVar[str | None] = ContextVar("correlation_id", default=None)
