"""What every request and every answer has in common (docs/rest.md): prefix, headers, correlation id, access log."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import MutableMapping
from urllib.parse import unquote_plus

import attrs
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from regards_order_adapters.correlation import correlation_id
from regards_order_adapters.http.answers import raw

_log = logging.getLogger("regards_order_adapters.http.access")
_SECRET = frozenset({"token", "orderToken"})
_CORRELATION = re.compile(rb"[\x21-\x7e]{1,128}")
_COMMON = raw(
    {
        "cache-control": "no-cache, no-store, max-age=0, must-revalidate",
        "pragma": "no-cache",
        "expires": "0",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "POST, PUT, GET, OPTIONS, DELETE",
        "access-control-allow-headers": "authorization, content-type, scope",
        "access-control-max-age": "3600",
        "access-control-expose-headers": "Content-Disposition, correlation-id",
    }
)


def common_headers(name: str) -> list[tuple[bytes, bytes]]:
    """Return the headers of every answer to the request of that name."""
    return [*_COMMON, (b"correlation-id", name.encode())]


@attrs.frozen
class Common:
    """Give every answer its common headers, answer OPTIONS, and write the access log: an ASGI application."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        name = _correlation_id(scope)
        entry = _Entry(name)
        token = correlation_id.set(name)
        try:
            watched = entry.watch(send)
            await (_options if scope["method"] == "OPTIONS" else self.app)(scope, receive, watched)
        finally:
            correlation_id.reset(token)
            entry.write(scope)


@attrs.define
class _Entry:
    """Collect what the access log tells about one request."""

    name: str
    status: int = 0
    sent: int = 0
    whole: bool = False
    begun: float = attrs.field(factory=time.perf_counter)

    def watch(self, send: Send) -> Send:
        """Return *send* with the common headers added, and with a look at what passes."""

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), *common_headers(self.name)]}
            await send(message)
            if message["type"] == "http.response.body":
                self.sent += len(message.get("body", b""))
                self.whole = not message.get("more_body", False)

        return watched

    def write(self, scope: Scope) -> None:
        """Write the entry."""
        extra = {
            "action": "http_request",
            "method": scope["method"],
            "path": _masked(scope),
            "status": self.status,
            "bytes": self.sent,
            "whole": self.whole,
            "duration_ms": round(1000 * (time.perf_counter() - self.begun), 3),
            "correlation_id": self.name,
        }
        _log.info("request answered", extra=extra)


def _correlation_id(scope: Scope) -> str:
    """Return the client's name for the request if it is safe to repeat, else a new one."""
    given = next((value for name, value in scope["headers"] if name == b"correlation-id"), b"")
    return given.decode() if _CORRELATION.fullmatch(given) else str(uuid.uuid4())


def _masked(scope: Scope) -> str:
    """Return path and query without the tokens in it."""
    query = scope["query_string"].decode("latin-1")
    if not query:
        return str(scope["path"])
    parts = (part.partition("=") for part in query.split("&"))
    shown = "&".join(
        f"{name}=***" if unquote_plus(name) in _SECRET else f"{name}{equals}{value}" for name, equals, value in parts
    )
    return f"{scope['path']}?{shown}"


async def _options(scope: Scope, receive: Receive, send: Send) -> None:
    """Tell a browser what it may send: the headers of every answer do."""
    await send({"type": "http.response.start", "status": 200, "headers": raw({"content-length": "0"})})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


@attrs.frozen
class Prefixed:
    """Send a request to the application below the prefix, or to one of those beside it: an ASGI application.

    Attributes:
        prefix: path segments.
        inside: gets the path without the prefix, as plain segments.
        beside: path → application.
        nowhere: gets what belongs to neither.
    """

    prefix: tuple[str, ...]
    inside: ASGIApp
    beside: MutableMapping[str, ASGIApp]
    nowhere: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on; empty segments and a trailing slash do not count."""
        if scope["type"] != "http":
            await self.inside(scope, receive, send)
            return
        segments = tuple(filter(None, scope["path"].removeprefix(scope.get("root_path", "")).split("/")))
        count = len(self.prefix)
        app = self.beside.get("/" + "/".join(segments))
        if app is None:
            app = self.inside if segments[:count] == self.prefix else self.nowhere
            segments = segments[count:] if app is self.inside else segments
        await app({**scope, "path": "/" + "/".join(segments), "root_path": ""}, receive, send)
