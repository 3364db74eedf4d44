"""Errors: the message, the data and the code of each."""

from __future__ import annotations

import pytest

import regards_order
from regards_order.domain import errors
from regards_order.domain.errors import Fault, OrderingError, QueryRefused, SourceFailed, SourceRefused

TABLE = [
    (
        errors.InvalidInput((Fault("$.a", "too long"), Fault("$.b[2]", "missing"))),
        "INVALID_INPUT",
        422,
        "$.a: too long; $.b[2]: missing",
    ),
    (
        errors.InvalidUrn("nope", "URN:.+"),
        "INVALID_URN",
        422,
        'Error while converting string "nope" to urn, it does not match the required pattern "URN:.+".',
    ),
    (
        errors.InvalidPattern("test**", "multiple repeat"),
        "INVALID_PATTERN",
        400,
        'The file name pattern "test**" cannot be used: multiple repeat.',
    ),
    (errors.SearchRefused(), "SEARCH_REFUSED", 422, "The catalogue cannot search this: the request is wrong."),
    (errors.RequestRefused("no engine {x}"), "SEARCH_REQUEST_REFUSED", 422, "no engine {x}"),
    (QueryRefused("a:(b", "unbalanced", 2), "QUERY_REFUSED", 422, "line 1, column 3: unbalanced"),
    (
        errors.UnknownDataset("URN:X"),
        "UNKNOWN_DATASET",
        422,
        'The catalogue has no dataset "URN:X" that this user may order from.',
    ),
    (errors.NotFound("Order", 99), "NOT_FOUND", 404, "Entity Order with id : 99 doesn't exist"),
    (errors.SelectionNotFound(99), "SELECTION_NOT_FOUND", 404, "Basket selection with id 99 doesn't exist"),
    (
        errors.NotAllowed("a@b", "PUBLIC", "order", "it needs ADMIN"),
        "NOT_ALLOWED",
        403,
        "a@b with role PUBLIC may not order: it needs ADMIN.",
    ),
    (errors.NoBasket("a@b"), "NO_BASKET", 204, "a@b has no basket: add a selection first."),
    (
        errors.EmptySelection("a@b"),
        "EMPTY_SELECTION",
        204,
        "This selection contains no file that a@b can order: nothing was added to the basket.",
    ),
    (
        errors.NothingToDownload(3, "RUNNING", "2 are awaited"),
        "NOTHING_TO_DOWNLOAD",
        204,
        "Order 3 (RUNNING) has no file that can be downloaded now: 2 are awaited.",
    ),
    (
        errors.IllegalTransition("Order", 3, "DONE", "pause", "PENDING or RUNNING", "CODE_WORD"),
        "CODE_WORD",
        401,
        'Order 3 is DONE: "pause" is possible only when it is PENDING or RUNNING.',
    ),
    (
        errors.LabelTooLong("x" * 3, 51, 50),
        "TOO_MANY_CHARACTERS_IN_LABEL",
        422,
        'The label "xxx" has 51 characters: at most 50 are allowed.',
    ),
    (
        errors.LabelTaken("a@b", "mine"),
        "LABEL_NOT_UNIQUE_FOR_OWNER",
        422,
        'a@b already has an order labelled "mine": choose another label.',
    ),
    (
        errors.Conflict("Basket", 3),
        "CONFLICT",
        409,
        "Basket 3 was changed by somebody else meanwhile: try again.",
    ),
    (
        errors.CatalogUnavailable("no route"),
        "CATALOG_UNAVAILABLE",
        503,
        "The catalogue cannot be reached (no route): try again later.",
    ),
    (
        errors.StorageUnavailable("no route"),
        "STORAGE_UNAVAILABLE",
        503,
        "The storage cannot be reached (no route): try again later.",
    ),
    (
        errors.NotifierUnavailable("no route"),
        "NOTIFIER_UNAVAILABLE",
        503,
        "Nobody can be told at the moment: no route.",
    ),
    (
        errors.NotificationRefused("ana@x", "no such box"),
        "NOTIFICATION_REFUSED",
        500,
        "ana@x cannot be told: no such box.",
    ),
    (
        errors.NotManager("ana@x", "EXPLOIT", "pause order 7"),
        "USER_NOT_ALLOWED_TO_MANAGE_ORDER",
        401,
        "ana@x (EXPLOIT) may not pause order 7: only its owner, ADMIN and the roles above may.",
    ),
    (
        errors.NoSnapshot(7),
        "BASKET_NOT_FOUND",
        401,
        "Order 7 cannot be ordered again: what was in its basket is not kept any more.",
    ),
    (errors.UnknownSetting("x", "a, b"), "UNKNOWN_SETTING", 404, 'There is no setting "x"; expected one of a, b.'),
    (SourceFailed(), "SOURCE_FAILED", 502, "The bytes of a file could not be had."),
    (SourceRefused(404, "gone"), "SOURCE_REFUSED", 502, "The source of the file answered 404: gone."),
    (
        errors.SourceUnreachable("time-out"),
        "SOURCE_UNREACHABLE",
        502,
        "The source of the file cannot be read: time-out.",
    ),
    (
        errors.SourceTimedOut("60 s"),
        "SOURCE_TIMED_OUT",
        504,
        "The source of the file was silent for too long: 60 s.",
    ),
    (
        errors.TooManyLines(11, 10),
        "TOO_MANY_LINES",
        413,
        "Input file exceed max lines limit (10): it has 11; split it.",
    ),
    (errors.FileNotFound(7), "FILE_NOT_FOUND", 404, "Data file with id: 7 doesn't exist."),
    (
        errors.FileNotReady(7, "a.tif"),
        "FILE_NOT_READY",
        202,
        "File 7 (a.tif) is not available yet: ask again later.",
    ),
    (
        errors.FileInError(7, "a.tif", "ERROR", "tape broken"),
        "FILE_IN_ERROR",
        422,
        "File 7 (a.tif) is in state ERROR: tape broken.",
    ),
    (
        errors.SourceTruncated(3, 5),
        "SOURCE_TRUNCATED",
        502,
        "Cannot completely retrieve data file from storage, only 3/5 bytes",
    ),
    (
        errors.ChecksumMismatch("aa", "bb"),
        "CHECKSUM_MISMATCH",
        502,
        "Checksum mismatch: expected aa, got bb",
    ),
    (
        errors.StoreUnavailable("disk full"),
        "STORE_UNAVAILABLE",
        503,
        "The database cannot do this now (disk full): try again later.",
    ),
    (errors.QuotaRefused(), "QUOTA_REFUSED", 429, "A download may not begin."),
    (
        errors.QuotaExceeded("lise@obs.example", 5, 7),
        "QUOTA_EXCEEDED",
        429,
        "Download quota of 5 exceeded (by 2) for user lise@obs.example.",
    ),
    (
        errors.RateExceeded("lise@obs.example", 2, 2, 12.5),
        "RATE_EXCEEDED",
        429,
        "Download rate of 2 exceeded (by 0) for user lise@obs.example.",
    ),
    (
        errors.OrderTooExpensive("lise@obs.example", 20, 15, 12),
        "ORDER_LIMIT_REACHED",
        422,
        "The order needs 12 downloads but user lise@obs.example has 5 left (quota 20).",
    ),
    (
        errors.DeliveryIncomplete(7),
        "DELIVERY_INCOMPLETE",
        500,
        "The delivery from order 7 did not come to its end: no file counts as downloaded.",
    ),
]


def name_of(value: object) -> str | None:
    """Return the class of an error as the id of its case."""
    return type(value).__name__ if isinstance(value, OrderingError) else None


@pytest.mark.parametrize(("error", "code", "status", "message"), TABLE, ids=name_of)
def test_message_code_and_status(error: OrderingError, code: str, status: int, message: str) -> None:
    """Every error has a sentence with its values, a stable code and a hint at an HTTP status."""
    assert (error.code, error.message, str(error)) == (code, message, message)
    assert error.status == status


def tree(root: type[OrderingError]) -> set[type[OrderingError]]:
    """Return a class of errors and all below it."""
    return {root}.union(*map(tree, root.__subclasses__()))


def test_table_is_whole() -> None:
    """No error of the core is left out of the table above, and codes are never shared."""
    core = {error for error in tree(OrderingError) if error.__module__ == errors.__name__} - {OrderingError}
    # attrs rebuilds slotted classes, the original ones linger among the subclasses
    assert {error.__name__ for error in core} == {type(error).__name__ for error, *_ in TABLE}
    codes = [code for _, code, _, _ in TABLE]
    assert len(set(codes)) == len(codes)


def test_a_notifier_says_whom_it_cannot_tell() -> None:
    """One receiver, or all."""
    failure = errors.NotifierUnavailable("450 mailbox full", "lise@obs.example")
    assert str(failure) == "lise@obs.example cannot be told at the moment: 450 mailbox full."


def test_errors_are_public() -> None:
    """A program can catch every error of the core by a public name."""
    for error, *_ in TABLE:
        if type(error) not in (SourceFailed, errors.SearchRefused):
            assert getattr(regards_order, type(error).__name__) is type(error)


def test_root_speaks_for_itself() -> None:
    """The root of the tree has a message and a code of its own."""
    assert (OrderingError().message, OrderingError.code, OrderingError.status) == (
        "Something about an order went wrong.",
        "ORDERING_ERROR",
        500,
    )


def test_message_without_docstring_is_empty() -> None:
    """Run with -OO, which drops docstrings, an error still has a message: an empty one."""
    bare = type("Bare", (OrderingError,), {"__doc__": None})
    assert bare().message == ""


def test_errors_of_equal_data_differ() -> None:
    """Two errors with the same data are two errors, and both can be put in a set."""
    first, second = errors.NotFound("Order", 1), errors.NotFound("Order", 1)
    assert first != second
    assert len({first, second}) == 2


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (SourceFailed(), "Error during file download"),
        (errors.SourceUnreachable("reset"), "Error during file download"),
        (SourceRefused(404, "gone"), "Server returned HTTP error code 404"),
        (SourceRefused(429, "Download quota of 1 exceeded."), "Download quota of 1 exceeded."),
        (SourceRefused(429, ""), "Download failed due to exceeded quota"),
        (
            errors.SourceTruncated(3, 5),
            "Cannot completely download data file from storage, only 3/5 bytes",
        ),
        (errors.ChecksumMismatch("aa", "bb"), "Checksum mismatch"),
    ],
)
def test_reasons_for_the_notice(failure: SourceFailed, reason: str) -> None:
    """Each failure of a source has the reason that NOTICE.txt gives (page 60, chapter 4.3)."""
    assert failure.reason == reason


@pytest.mark.parametrize(
    ("query", "offset", "line", "column"),
    [
        ("abc", 0, 1, 1),
        ("abc", 3, 1, 4),
        ("ab\ncd", 2, 1, 3),
        ("ab\ncd", 3, 2, 1),
        ("ab\ncd\n\nx", 7, 4, 1),
        ("été(", 3, 1, 4),
    ],
)
def test_position_in_a_query(query: str, offset: int, line: int, column: int) -> None:
    """Lines and columns are counted from 1, in characters."""
    refusal = QueryRefused(query, "problem", offset)
    assert (refusal.line, refusal.column) == (line, column)


def test_caret_points_at_the_fault() -> None:
    """The explanation shows the line with a caret under the offending character."""
    assert QueryRefused("x:1\nab:)c", "unexpected ')'", 7).explain() == (
        "line 2, column 4: unexpected ')'\n  ab:)c\n     ^"
    )


def test_long_line_is_cut_around_the_fault() -> None:
    """Of a long line only its surroundings are shown, and the caret stays under the fault."""
    shown = QueryRefused("a" * 500 + "!" + "b" * 500, "unexpected", 500).explain(width=20)
    _, line, caret = shown.split("\n")
    assert line == "  " + "a" * 10 + "!" + "b" * 9
    assert line[caret.index("^")] == "!"


def test_unprintable_characters_are_blanked() -> None:
    """A tab or an escape in a query cannot move the caret or colour a terminal."""
    assert QueryRefused("a\t\x1b!", "unexpected", 3).explain().split("\n")[1] == "  a  !"


def test_fault_reads_as_path_and_detail() -> None:
    """A fault as text is its path and what is wrong there."""
    assert str(Fault("$.files[2].size", "negative")) == "$.files[2].size: negative"
