"""Refusals and their answers (docs/rest.md): the errors of the core know status, code and message; here is the form."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator

import attrs

from regards_order.domain.errors import (
    Fault,
    IllegalTransition,
    InvalidInput,
    LabelTaken,
    LabelTooLong,
    NoSnapshot,
    NotAllowed,
    NotManager,
    OrderingError,
    OrderTooExpensive,
    QueryRefused,
    QuotaExceeded,
    QuotaRefused,
    RateExceeded,
    SearchRefused,
)
from regards_order_adapters.http.accept import Accept
from regards_order_adapters.http.answers import Answer
from regards_order_adapters.tokens import Unauthenticated

_log = logging.getLogger(__name__)
PROBLEM = "application/problem+json"
RETRY_SECONDS = 10
PENDING_SECONDS = 60
#: word for word as clients of REGARDS know it; what is wrong follows
_CATALOG_REFUSED = (
    "Error applying search queries. Please correct your requests. Maybe your queries contains unknown attributes"
)
#: what clients may know of a part that cannot be reached; the log knows the cause
_OUT_OF_REACH = {
    "STORE_UNAVAILABLE": "The database cannot do this now: try again later.",
    "STORAGE_UNAVAILABLE": "The storage cannot be reached: try again later.",
    "CATALOG_UNAVAILABLE": "The catalogue cannot be reached: try again later.",
}
#: faults that an answer names, and characters of a message: a request may be long, and wrong all over
_FAULTS, _CHARACTERS = 50, 1000
#: errors that clients know by their code alone: it is the only message
_CODE_WORDS = (IllegalTransition, LabelTaken, LabelTooLong, NoSnapshot, NotManager)


@attrs.define(eq=False)
class MalformedRequest(OrderingError):
    """{self.summary}"""

    code = "MALFORMED_REQUEST"
    status = 400
    faults: tuple[Fault, ...]

    @property
    def summary(self) -> str:
        """Return all faults in one line, each with its place."""
        return "; ".join(map(str, self.faults))


_FAULTY = (InvalidInput, MalformedRequest)


class TenantNotNamed(Unauthenticated):
    """Missing 'scope' header or param: without a bearer token, it has to name the tenant."""

    code = "TENANT_NOT_NAMED"


@attrs.define(eq=False)
class UnknownTenant(OrderingError):
    """Access is denied: there is no tenant "{self.tenant}"."""

    code = "UNKNOWN_TENANT"
    status = 403
    tenant: str


@attrs.define(eq=False)
class UnknownPath(OrderingError):
    """There is nothing at {self.path}."""

    code = "UNKNOWN_PATH"
    status = 404
    path: str


@attrs.define(eq=False)
class WrongVerb(OrderingError):
    """{self.verb} is not possible on {self.path}; expected {self.allowed}."""

    code = "WRONG_VERB"
    status = 405
    verb: str
    path: str
    allowed: str


@attrs.define(eq=False)
class NotAcceptable(OrderingError):
    """The answer is application/json, which "Accept: {self.accept}" leaves out."""

    code = "NOT_ACCEPTABLE"
    status = 406
    accept: str


@attrs.define(eq=False)
class BodyTooLarge(OrderingError):
    """The body of the request is too large: at most {self.limit} bytes are allowed."""

    code = "BODY_TOO_LARGE"
    status = 413
    limit: int


@attrs.define(eq=False)
class HeadTooLarge(OrderingError):
    """The head of the request is too large: at most {self.limit} bytes are allowed for address and headers."""

    code = "HEAD_TOO_LARGE"
    status = 431
    limit: int


@attrs.define(eq=False)
class NoHttp(OrderingError):
    """The request cannot be read as HTTP: {self.cause}"""

    code = "NO_HTTP"
    status = 400
    cause: str


class RequestTimedOut(OrderingError):
    """The request did not come in time."""

    code = "REQUEST_TIMED_OUT"
    status = 408


@attrs.define(eq=False)
class UnsupportedMediaType(OrderingError):
    """A body of the type "{self.found}" cannot be read; expected {self.expected}."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    status = 415
    found: str
    expected: str


@attrs.define(eq=False)
class TooManyDownloads(OrderingError):
    """{self.limit} downloads are running, and no more are possible at once: try again later."""

    code = "TOO_MANY_DOWNLOADS"
    status = 503
    limit: int


@attrs.define(eq=False)
class SourcesBusy(OrderingError):
    """All {self.limit} threads that read files are busy with sources that are slow: try again later."""

    code = "SOURCES_BUSY"
    status = 503
    limit: int


@attrs.define(eq=False)
class StorageAnswered(OrderingError):
    """{self.text}"""

    code = "STORAGE_ANSWERED"
    status: int
    text: str


class Unexpected(OrderingError):
    """Something unexpected went wrong in the service; its log says what."""

    code = "UNEXPECTED"


def unexpected(failure: Exception) -> Unexpected:
    """Log a failure that nobody foresaw, and return what its client may know."""
    _log.error("request failed", exc_info=failure, extra={"action": "request_failed"})
    return Unexpected()


def refusal(error: OrderingError, accept: str = "", *, pretty: bool = False) -> Answer:
    """Return the answer that tells *error* to a client that accepts *accept*."""
    status, headers = error.status, _headers(error)
    if status < 400:  # there is nothing yet, which is no fault
        return Answer(status, headers=headers)
    extra = {"action": "request_refused", "code": error.code, "status": status, "cause": _sentence(error)}
    _log.log(logging.WARNING if status >= 500 else logging.INFO, "request refused", extra=extra)
    if Accept.of(accept).names(PROBLEM) and (status != 429 or isinstance(error, QuotaRefused)):
        return Answer.json(_problem(error), status, pretty=pretty, headers={**headers, "content-type": PROBLEM})
    if status == 429:  # clients show the text as it is, whoever refused it
        headers = {**headers, "content-type": "text/plain; charset=utf-8"}
        return Answer(status, error.message.encode(errors="replace"), headers)
    return Answer.json(
        {"messages": [_writable(message) for message in _messages(error)]}, status, pretty=pretty, headers=headers
    )


def _headers(error: OrderingError) -> dict[str, str]:
    if error.status == 202:
        return {"retry-after": str(PENDING_SECONDS), "x-regards-retry": str(PENDING_SECONDS * 1000)}
    if error.status == 503:
        return {"retry-after": str(RETRY_SECONDS)}
    if isinstance(error, RateExceeded):
        again = {} if error.retry_after is None else {"retry-after": str(math.ceil(error.retry_after))}
        return {"x-download-limit": "rate", **again}
    if isinstance(error, QuotaExceeded):
        return {"x-download-limit": "quota"}
    if isinstance(error, Unauthenticated):
        return {"www-authenticate": "Bearer"}
    return {"allow": error.allowed} if isinstance(error, WrongVerb) else {}


def _messages(error: OrderingError) -> Iterator[str]:
    if isinstance(error, _FAULTY):
        yield from map(str, _faults(error))
    elif isinstance(error, SearchRefused):
        yield _CATALOG_REFUSED
        yield error.explain() if isinstance(error, QueryRefused) else error.message
    elif isinstance(error, _CODE_WORDS):
        yield error.code
    elif isinstance(error, NotAllowed):
        yield "Access is denied"
        yield error.message
    else:
        yield _OUT_OF_REACH.get(error.code, error.message)


def _problem(error: OrderingError) -> dict[str, object]:
    """Return the form of RFC 9457."""
    word = error.code.lower()
    problem: dict[str, object] = {
        "type": f"urn:regards-order:error:{word.replace('_', '-')}",
        "title": word.replace("_", " ").capitalize(),
        "status": error.status,
        "detail": _OUT_OF_REACH.get(error.code) or _sentence(error),
    }
    if isinstance(error, _FAULTY):
        problem["errors"] = [
            {"path": _writable(fault.path), "detail": _writable(fault.detail)} for fault in _faults(error)
        ]
    elif isinstance(error, QuotaExceeded | RateExceeded | OrderTooExpensive):
        problem |= {"limit": error.limit, "used": error.used, "needed": error.needed}
    elif isinstance(error, LabelTaken | LabelTooLong):
        problem["errors"] = [{"path": "$.label", "detail": problem["detail"]}]
    return problem


def _sentence(error: OrderingError) -> str:
    """Return what was wrong in one sentence."""
    return _writable("; ".join(map(str, _faults(error))) if isinstance(error, _FAULTY) else error.message)


def _faults(error: InvalidInput | MalformedRequest) -> tuple[Fault, ...]:
    """Return as many faults as anybody reads, and how many more there are."""
    shown = error.faults[:_FAULTS]
    more = len(error.faults) - len(shown)
    return (*shown, Fault("$", f"{more} more faults are not shown")) if more else shown


def _writable(text: str) -> str:
    """Return *text* without half characters, which a client may have sent, and without the middle of a long one."""
    if len(text) > _CHARACTERS:
        text = f"{text[: _CHARACTERS // 2]} […] {text[-_CHARACTERS // 2 :]}"
    return text.encode(errors="replace").decode()
