"""Whole answers: status, headers, body (docs/rest.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import orjson
from starlette.types import Receive, Scope, Send

JSON = "application/json"
MULTIPART = "multipart/form-data"


@attrs.frozen
class Answer:
    """Hold an answer that is small enough to be held.

    Attributes:
        status: HTTP status.
        body: bytes, empty for an answer without a body.
        headers: name → value, in Latin-1.
        sized: False when nobody knows how long the body would be that HEAD asks about.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = attrs.field(factory=dict)
    sized: bool = attrs.field(default=True, kw_only=True)

    @classmethod
    def json(
        cls, content: Any, status: int = 200, *, pretty: bool = False, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Return an answer with a JSON body."""
        body = orjson.dumps(content, option=orjson.OPT_INDENT_2 if pretty else None)
        return cls(status, body, {"content-type": JSON, **(headers or {})})

    async def send(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it whole; an answer to HEAD announces a body that does not come."""
        headers = dict(self.headers)
        if self.sized and self.status != 204:
            headers.setdefault("content-length", str(len(self.body)))
        await send({"type": "http.response.start", "status": self.status, "headers": raw(headers)})
        body = b"" if scope["method"] == "HEAD" else self.body
        await send({"type": "http.response.body", "body": body, "more_body": False})


def raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Return headers as ASGI wants them."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
