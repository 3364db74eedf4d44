"""One tree of errors.

The first paragraph of an error's docstring is its message, its attributes are the data of the message, and ``code`` is
the stable word that programs read.  ``status`` hints at an HTTP status for web adapters; the core itself knows no HTTP.
"""

from __future__ import annotations

import inspect

import attrs


class OrderingError(Exception):
    """Something about an order went wrong."""

    code = "ORDERING_ERROR"
    status = 500

    @property
    def message(self) -> str:
        """Return the sentence that says what was wrong, where, and what is expected."""
        template = inspect.cleandoc(type(self).__doc__ or "").split("\n\n", 1)[0].replace("\n", " ")
        return template.format(self=self)

    def __str__(self) -> str:
        return self.message


@attrs.frozen
class Fault:
    """Say what is wrong at one place of an input.

    Attributes:
        path: where, from the root of the input: ``$.files[2].size``.
        detail: what was found and what is expected.
    """

    path: str
    detail: str

    def __str__(self) -> str:
        return f"{self.path}: {self.detail}"


# --- input -----------------------------------------------------------------------------------------------------------


@attrs.define(eq=False)
class InvalidInput(OrderingError):
    """{self.summary}"""

    code = "INVALID_INPUT"
    status = 422
    faults: tuple[Fault, ...]

    @property
    def summary(self) -> str:
        """Return all faults in one line, each with its path."""
        return "; ".join(str(fault) for fault in self.faults)


@attrs.define(eq=False)
class TooManyLines(OrderingError):
    """Input file exceed max lines limit ({self.limit}): it has {self.lines}; split it."""

    code = "TOO_MANY_LINES"
    status = 413
    lines: int
    limit: int


@attrs.define(eq=False)
class InvalidUrn(OrderingError):
    """Error while converting string "{self.text}" to urn, it does not match the required pattern "{self.pattern}"."""

    code = "INVALID_URN"
    status = 422
    text: str
    pattern: str


@attrs.define(eq=False)
class InvalidPattern(OrderingError):
    """The file name pattern "{self.pattern}" cannot be used: {self.cause}."""

    code = "INVALID_PATTERN"
    status = 400
    pattern: str
    cause: str


class SearchRefused(OrderingError):
    """The catalogue cannot search this: the request is wrong."""

    code = "SEARCH_REFUSED"
    status = 422


@attrs.define(eq=False)
class RequestRefused(SearchRefused):
    """{self.problem}"""

    code = "SEARCH_REQUEST_REFUSED"
    problem: str


@attrs.define(eq=False)
class QueryRefused(SearchRefused):
    """line {self.line}, column {self.column}: {self.problem}

    Args:
        query: the whole text of the query.
        problem: what is wrong and what is expected.
        offset: index of the first character of the offending text, counted from 0.
    """

    code = "QUERY_REFUSED"
    query: str
    problem: str
    offset: int

    @property
    def line(self) -> int:
        """Return the line of the offending text, counted from 1."""
        return self.query.count("\n", 0, self.offset) + 1

    @property
    def column(self) -> int:
        """Return the column of the offending text in characters, counted from 1."""
        return self.offset - (self.query.rfind("\n", 0, self.offset) + 1) + 1

    def explain(self, width: int = 120) -> str:
        """Return the message, at most *width* characters of the offending line of the query, and a caret under it."""
        start = self.query.rfind("\n", 0, self.offset) + 1
        text = self.query[start:].split("\n", 1)[0]
        caret = self.offset - start
        cut = max(0, caret - width // 2)
        shown = "".join(c if c.isprintable() else " " for c in text[cut : cut + width])
        return f"{self.message}\n  {shown}\n  {' ' * (caret - cut)}^"


@attrs.define(eq=False)
class UnknownDataset(SearchRefused):
    """The catalogue has no dataset "{self.urn}" that this user may order from."""

    code = "UNKNOWN_DATASET"
    urn: str


# --- absent, or not for this user ------------------------------------------------------------------------------------


@attrs.define(eq=False)
class NotFound(OrderingError):
    """Entity {self.entity} with id : {self.id} doesn't exist"""

    code = "NOT_FOUND"
    status = 404
    entity: str
    id: int


@attrs.define(eq=False)
class FileNotFound(OrderingError):
    """Data file with id: {self.id} doesn't exist."""

    code = "FILE_NOT_FOUND"
    status = 404
    id: int


@attrs.define(eq=False)
class SelectionNotFound(OrderingError):
    """Basket selection with id {self.id} doesn't exist"""

    code = "SELECTION_NOT_FOUND"
    status = 404
    id: int


@attrs.define(eq=False)
class NotAllowed(OrderingError):
    """{self.user} with role {self.role} may not {self.action}: {self.needed}."""

    code = "NOT_ALLOWED"
    status = 403
    user: str
    role: str
    action: str
    needed: str


@attrs.define(eq=False)
class NotManager(OrderingError):
    """{self.user} ({self.role}) may not {self.action}: only its owner, ADMIN and the roles above may."""

    code = "USER_NOT_ALLOWED_TO_MANAGE_ORDER"
    status = 401
    user: str
    role: str
    action: str


@attrs.define(eq=False)
class NoSnapshot(OrderingError):
    """Order {self.order_id} cannot be ordered again: what was in its basket is not kept any more."""

    code = "BASKET_NOT_FOUND"
    status = 401
    order_id: int


@attrs.define(eq=False)
class UnknownSetting(OrderingError):
    """There is no setting "{self.name}"; expected one of {self.known}."""

    code = "UNKNOWN_SETTING"
    status = 404
    name: str
    known: str


@attrs.define(eq=False)
class NoBasket(OrderingError):
    """{self.owner} has no basket: add a selection first."""

    code = "NO_BASKET"
    status = 204
    owner: str


@attrs.define(eq=False)
class EmptySelection(OrderingError):
    """This selection contains no file that {self.owner} can order: nothing was added to the basket."""

    code = "EMPTY_SELECTION"
    status = 204
    owner: str


@attrs.define(eq=False)
class NothingToDownload(OrderingError):
    """Order {self.order_id} ({self.order_status}) has no file that can be downloaded now: {self.files}."""

    code = "NOTHING_TO_DOWNLOAD"
    status = 204
    order_id: int
    order_status: str
    files: str


@attrs.define(eq=False)
class FileNotReady(OrderingError):
    """File {self.id} ({self.filename}) is not available yet: ask again later."""

    code = "FILE_NOT_READY"
    status = 202
    id: int
    filename: str


@attrs.define(eq=False)
class FileInError(OrderingError):
    """File {self.id} ({self.filename}) is in state {self.state}: {self.cause}."""

    code = "FILE_IN_ERROR"
    status = 422
    id: int
    filename: str
    state: str
    cause: str


# --- refused in this state -------------------------------------------------------------------------------------------


@attrs.define(eq=False)
class IllegalTransition(OrderingError):
    """{self.entity} {self.id} is {self.state}: "{self.event}" is possible only when it is {self.expected}."""

    status = 401
    entity: str
    id: int
    state: str
    event: str
    expected: str
    code: str = "ILLEGAL_TRANSITION"


@attrs.define(eq=False)
class LabelTooLong(OrderingError):
    """The label "{self.label}" has {self.length} characters: at most {self.limit} are allowed."""

    code = "TOO_MANY_CHARACTERS_IN_LABEL"
    status = 422
    label: str
    length: int
    limit: int


@attrs.define(eq=False)
class LabelTaken(OrderingError):
    """{self.owner} already has an order labelled "{self.label}": choose another label."""

    code = "LABEL_NOT_UNIQUE_FOR_OWNER"
    status = 422
    owner: str
    label: str


@attrs.define(eq=False)
class Conflict(OrderingError):
    """{self.entity} {self.id} was changed by somebody else meanwhile: try again."""

    code = "CONFLICT"
    status = 409
    entity: str
    id: int


# --- outside ----------------------------------------------------------------------------------------------------------


@attrs.define(eq=False)
class CatalogUnavailable(OrderingError):
    """The catalogue cannot be reached ({self.cause}): try again later."""

    code = "CATALOG_UNAVAILABLE"
    status = 503
    cause: str


@attrs.define(eq=False)
class StoreUnavailable(OrderingError):
    """The database cannot do this now ({self.cause}): try again later."""

    code = "STORE_UNAVAILABLE"
    status = 503
    cause: str


@attrs.define(eq=False)
class StorageUnavailable(OrderingError):
    """The storage cannot be reached ({self.cause}): try again later."""

    code = "STORAGE_UNAVAILABLE"
    status = 503
    cause: str


class QuotaRefused(OrderingError):
    """A download may not begin."""

    code = "QUOTA_REFUSED"
    status = 429


@attrs.define(eq=False)
class QuotaExceeded(QuotaRefused):
    """Download quota of {self.limit} exceeded (by {self.by}) for user {self.email}."""

    code = "QUOTA_EXCEEDED"
    email: str
    limit: int
    used: int
    needed: int = 1

    @property
    def by(self) -> int:
        """Return how many files more than allowed were downloaded."""
        return self.used - self.limit


@attrs.define(eq=False)
class RateExceeded(QuotaRefused):
    """Download rate of {self.limit} exceeded (by {self.by}) for user {self.email}."""

    code = "RATE_EXCEEDED"
    email: str
    limit: int
    used: int
    retry_after: float | None = None
    needed: int = 1

    @property
    def by(self) -> int:
        """Return how many downloads more than allowed go on."""
        return self.used - self.limit


@attrs.define(eq=False)
class OrderTooExpensive(OrderingError):
    """The order needs {self.needed} downloads but user {self.email} has {self.left} left (quota {self.limit})."""

    code = "ORDER_LIMIT_REACHED"
    status = 422
    email: str
    limit: int
    used: int
    needed: int

    @property
    def left(self) -> int:
        """Return how many files the user may still download."""
        return max(0, self.limit - self.used)


@attrs.define(eq=False)
class NotifierUnavailable(OrderingError):
    """{self.who} be told at the moment: {self.cause}."""

    code = "NOTIFIER_UNAVAILABLE"
    status = 503
    cause: str
    receiver: str | None = None

    @property
    def who(self) -> str:
        """Return whom it is about: one receiver, or all."""
        return "Nobody can" if self.receiver is None else f"{self.receiver} cannot"


@attrs.define(eq=False)
class NotificationRefused(OrderingError):
    """{self.receiver} cannot be told: {self.cause}."""

    code = "NOTIFICATION_REFUSED"
    receiver: str
    cause: str


class SourceFailed(OrderingError):
    """The bytes of a file could not be had.

    ``reason`` is the text of its line in NOTICE.txt; the message is the technical cause (docs/downloads.md).
    """

    code = "SOURCE_FAILED"
    status = 502

    @property
    def reason(self) -> str:
        """Return what NOTICE.txt tells the user."""
        return "Error during file download"


@attrs.define(eq=False)
class SourceRefused(SourceFailed):
    """The source of the file answered {self.answer}: {self.cause}."""

    code = "SOURCE_REFUSED"
    answer: int
    cause: str

    @property
    def reason(self) -> str:
        """Return what NOTICE.txt tells the user."""
        if self.answer == 429:  # a refused quota explains itself
            return self.cause or "Download failed due to exceeded quota"
        return f"Server returned HTTP error code {self.answer}"


@attrs.define(eq=False)
class SourceUnreachable(SourceFailed):
    """The source of the file cannot be read: {self.cause}."""

    code = "SOURCE_UNREACHABLE"
    cause: str


class SourceTimedOut(SourceUnreachable):
    """The source of the file was silent for too long: {self.cause}."""

    code = "SOURCE_TIMED_OUT"
    status = 504


@attrs.define(eq=False)
class SourceTruncated(SourceFailed):
    """Cannot completely retrieve data file from storage, only {self.sent}/{self.size} bytes"""

    code = "SOURCE_TRUNCATED"
    sent: int
    size: int

    @property
    def reason(self) -> str:
        """Return what NOTICE.txt tells the user."""
        return f"Cannot completely download data file from storage, only {self.sent}/{self.size} bytes"


@attrs.define(eq=False)
class ChecksumMismatch(SourceFailed):
    """Checksum mismatch: expected {self.expected}, got {self.actual}"""

    code = "CHECKSUM_MISMATCH"
    expected: str
    actual: str

    @property
    def reason(self) -> str:
        """Return what NOTICE.txt tells the user."""
        return "Checksum mismatch"


@attrs.define(eq=False)
class DeliveryIncomplete(OrderingError):
    """The delivery from order {self.order_id} did not come to its end: no file counts as downloaded."""

    code = "DELIVERY_INCOMPLETE"
    order_id: int
