"""From a request to an answer: who asks, may he, what does he ask; the rest is the endpoint's (docs/rest.md)."""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any, Protocol, TypeVar

import attrs
import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from regards_order.application.ordering import Ordering
from regards_order.domain.errors import Fault, OrderingError
from regards_order.domain.principal import Role, User
from regards_order_adapters.http.accept import Accept
from regards_order_adapters.http.answers import JSON, MULTIPART, Answer
from regards_order_adapters.http.auth import authenticate
from regards_order_adapters.http.dates import read_date
from regards_order_adapters.http.errors import (
    PROBLEM,
    BodyTooLarge,
    MalformedRequest,
    NotAcceptable,
    UnknownPath,
    UnsupportedMediaType,
    WrongVerb,
    refusal,
    unexpected,
)
from regards_order_adapters.http.site import Site
from regards_order_adapters.tokens import Caller

T = TypeVar("T")
_ID = re.compile(r"-?[0-9]{1,19}", re.ASCII)


class Sendable(Protocol):
    """An answer, small or streamed."""

    async def send(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        ...


@attrs.frozen(kw_only=True)
class Call:
    """Hold one request of a known caller.

    Attributes:
        site: what all endpoints share.
        tenant: in which tenant.
        user: who asks.
        request: path, query and headers.
        body: what was sent, empty where nothing is expected.
    """

    site: Site
    tenant: str
    user: User
    request: Request
    body: bytes = b""

    @property
    def ordering(self) -> Ordering:
        """Return the use cases of the tenant; to be asked for in a thread."""
        return self.site.ordering(self.tenant)

    @property
    def head(self) -> bool:
        """Return whether only the headers are wanted."""
        return self.request.method == "HEAD"

    @property
    def path(self) -> str:
        """Return the path, without the prefix."""
        return str(self.request.scope["path"])

    def id(self, name: str) -> int:
        """Return the id at one place of the path.

        Raises:
            MalformedRequest: it is no 64-bit number.
        """
        text = str(self.request.path_params[name])
        if not _ID.fullmatch(text) or not -(2**63) <= int(text) < 2**63:
            raise MalformedRequest((Fault(name, f'"{text}" is no id; a whole number is expected'),))
        return int(text)

    def date(self, name: str) -> dt.datetime:
        """Return the date at one place of the path.

        Raises:
            MalformedRequest: it is none.
        """
        try:
            return read_date(str(self.request.path_params[name]))
        except ValueError as error:
            raise MalformedRequest((Fault(name, str(error)),)) from None

    def json(self, *, needed: bool = True) -> Any:
        """Return the body, read as JSON; None for a missing one that is not needed.

        Raises:
            MalformedRequest: there is none, or it is no JSON.
        """
        if not self.body.strip():
            if not needed:
                return None
            raise MalformedRequest((Fault("$", "the body is missing; JSON is expected"),))
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise MalformedRequest((Fault("$", f"the body is no JSON: {error}"),)) from None

    def require_json(self) -> None:
        """Refuse a client that accepts no JSON.

        Raises:
            NotAcceptable: it wants something else.
        """
        header = accepted(self.request)
        wanted = Accept.of(header)
        if not (wanted.quality(JSON) or wanted.quality(PROBLEM)):
            raise NotAcceptable(header)

    def answer(self, content: Any, status: int = 200) -> Answer:
        """Return an answer with a JSON body, in the form that the client wants.

        Raises:
            NotAcceptable: it wants no JSON.
        """
        self.require_json()
        return Answer.json(content, status, pretty="_pretty" in self.request.query_params)


def working(work: Callable[[Call], Answer]) -> Callable[[Call], Awaitable[Answer]]:
    """Return an endpoint that does *work*, with the database, in a thread."""

    @functools.wraps(work)
    async def answer(call: Call) -> Answer:
        return await call.site.work(functools.partial(work, call))

    return answer


@attrs.frozen
class Endpoint:
    """Answer one verb on one path.

    Attributes:
        answer: what it does.
        role: the lowest role that may call it.
        body: the media type of the body that it reads, None when it reads none.
        download: whether it takes one of the places for downloads.
    """

    answer: Callable[[Call], Awaitable[Sendable]]
    role: Role = Role.REGISTERED_USER
    body: str | None = None
    download: bool = False

    async def respond(self, site: Site, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of a known caller, in the order of checks of docs/rest.md."""
        request = Request(scope, receive)
        caller.user.require(self.role, f"{request.method} {scope['path']}")
        call = Call(site=site, tenant=caller.tenant, user=caller.user, request=request)
        if self.body is not None:
            call.require_json()  # before anything is done, which could not be told then
            call = attrs.evolve(call, body=await _read(request, self.body, site.limits.body_bytes))
        with site.places.one() if self.download and not call.head else nullcontext():
            answer = await self.answer(call)
            await answer.send(scope, receive, send)


@attrs.frozen
class Resource:
    """Answer one path: an ASGI application.

    Attributes:
        site: what all endpoints share.
        endpoints: verb → endpoint; GET answers HEAD too. None at all where there is nothing.
    """

    site: Site
    endpoints: dict[str, Endpoint]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; refusals and failures are answers too, until the first byte was sent."""
        begun = False

        async def watched(message: Any) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            request = Request(scope)
            caller = authenticate(self.site, request.headers, request.query_params)
            await self._endpoint(scope).respond(self.site, caller, scope, receive, watched)
        except ClientDisconnect:
            return
        except Exception as failure:
            if begun:
                raise
            refused = failure if isinstance(failure, OrderingError) else unexpected(failure)
        else:
            return
        await refuse(refused, scope, receive, send)

    def _endpoint(self, scope: Scope) -> Endpoint:
        if not self.endpoints:
            raise UnknownPath(scope["path"])
        verb = scope["method"]
        endpoint = self.endpoints.get("GET" if verb == "HEAD" else verb)
        if endpoint is None:
            verbs = [*self.endpoints, *(["HEAD"] if "GET" in self.endpoints else [])]
            raise WrongVerb(verb, scope["path"], ", ".join(sorted(verbs)))
        return endpoint


def accepted(request: Request) -> str:
    """Return what a client accepts, in its own words."""
    return ",".join(request.headers.getlist("accept"))


async def refuse(error: OrderingError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request with a refusal."""
    request = Request(scope)
    pretty = "_pretty" in request.query_params
    await refusal(error, accepted(request), pretty=pretty).send(scope, receive, send)


async def _read(request: Request, expected: str, limit: int) -> bytes:
    """Return the body of a request.

    Raises:
        BodyTooLarge: it has more than *limit* bytes.
        UnsupportedMediaType: it is of another type than expected.
    """
    kind = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if expected == MULTIPART and kind != expected:
        raise UnsupportedMediaType(kind, expected)
    blocks, size = [], 0
    async for block in request.stream():
        blocks.append(block)
        size += len(block)
        if size > limit:
            raise BodyTooLarge(limit)
    if size and kind != expected:
        raise UnsupportedMediaType(kind, expected)
    return b"".join(blocks)
