"""Orders: what completion and counts make of them, and their labels."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import attrs
import pytest

from regards_order.domain.errors import IllegalTransition, LabelTooLong
from regards_order.domain.files import FileCounts
from regards_order.domain.order import (
    ORDERS,
    Contents,
    DatasetTask,
    Order,
    OrderEvent,
    OrderStatus,
    check_label,
    default_label,
)

THEN = dt.datetime(2026, 3, 2, 9, 21, 50, tzinfo=dt.timezone.utc)
NOW = THEN + dt.timedelta(minutes=1)
EXPIRES = THEN + dt.timedelta(hours=168)
TASK = DatasetTask(id=1, dataset_urn="URN", dataset_label="Alpha", objects_count=1, files_count=1, files_size=1)
FINISHED = {"DONE", "DONE_WITH_WARNING", "FAILED"}


def order(**changes: Any) -> Order:
    """Return an order."""
    values = {
        "id": 7,
        "owner": "lise@obs.example",
        "label": "mine",
        "correlation_id": "c",
        "created": THEN,
        "status_date": THEN,
        "hours": 240,
    }
    return Order(**{**values, **changes})


@pytest.mark.parametrize(
    ("contents", "status", "message"),
    [
        (Contents(), "DONE_WITH_WARNING", "It seems that the queried features do not exist anymore."),
        (Contents(features=3), "DONE_WITH_WARNING", "No file match filters."),
        (Contents(tasks=(TASK,), external_suborders=1, features=1), "DONE", None),
        (Contents(tasks=(TASK,), internal_suborders=1, features=1), "RUNNING", None),
        (Contents(tasks=(TASK,), internal_suborders=1, external_suborders=1), "RUNNING", None),
    ],
)
def test_outcome_of_completion(contents: Contents, status: str, message: str | None) -> None:
    """What completion found decides status and message (page 20, 6.6)."""
    completed = order().completed(contents, NOW, EXPIRES)
    assert (completed.status.name, completed.message) == (status, message)
    assert (completed.status_date, completed.expires, completed.contents) == (NOW, EXPIRES, contents)


@pytest.mark.parametrize("status", set(OrderStatus) - {OrderStatus.PENDING, OrderStatus.PAUSED, OrderStatus.RUNNING})
def test_only_pending_orders_start(status: OrderStatus) -> None:
    """An order that has ended cannot be started."""
    with pytest.raises(IllegalTransition):
        order(status=status).completed(Contents(tasks=(TASK,), internal_suborders=1), NOW, EXPIRES)


@pytest.mark.parametrize("status", OrderStatus)
def test_failing(status: OrderStatus) -> None:
    """An order that has not ended can fail; any other refuses."""
    if status.name in ("PENDING", "RUNNING", "PAUSED"):
        failed = order(status=status, expires=EXPIRES).failed("no", NOW)
        assert (failed.status, failed.message, failed.status_date) == (OrderStatus.FAILED, "no", NOW)
        assert failed.expires == EXPIRES
    else:
        with pytest.raises(IllegalTransition):
            order(status=status).failed("no", NOW)


def test_message_is_cut_at_255_characters() -> None:
    """A longer message is cut, so that it can be stored (W2)."""
    assert order().failed("x" * 300, NOW, EXPIRES).message == "x" * 255
    assert order().failed("x" * 255, NOW).message == "x" * 255


def test_failing_sets_the_expiration() -> None:
    """A failed completion gives the order its expiration date."""
    assert order().failed("no", NOW, EXPIRES).expires == EXPIRES


def expected_status(status: str, counts: FileCounts, waiting: int) -> str:
    """Return what chapters 8.3 and 8.4 say about a status, some counts and the suborders that wait."""
    if status in ("RUNNING", "PAUSED") and counts.pending == 0:
        if counts.in_error == 0:
            return "DONE"  # first: a warning for failed downloads comes one step later
        return "FAILED" if counts.in_error == counts.total else "DONE_WITH_WARNING"
    if status == "DONE" and counts.download_error and not waiting:
        return "DONE_WITH_WARNING"
    return status


@pytest.mark.parametrize("waiting", [0, 1])
@pytest.mark.parametrize(
    "counts",
    [
        FileCounts(pending=1, available=1),
        FileCounts(pending=1, error=1, download_error=1),
        FileCounts(available=2),
        FileCounts(downloaded=2),
        FileCounts(download_error=1, downloaded=1),
        FileCounts(error=2),
        FileCounts(error=1, processing_error=1),
        FileCounts(error=1, available=1),
        FileCounts(error=1, download_error=1),
        FileCounts(processing_error=1, downloaded=1),
    ],
    ids=lambda counts: "-".join(f"{name}{n}" for name, n in attrs.asdict(counts).items() if n),
)
@pytest.mark.parametrize("status", OrderStatus)
def test_settling(status: OrderStatus, counts: FileCounts, waiting: int) -> None:
    """Once no file is PENDING the errors decide how an order ends; a DONE one may get a warning later (8.3, 8.4)."""
    before = order(
        status=status,
        counts=counts,
        waiting_suborders=waiting,
        contents=Contents(tasks=(TASK,), internal_suborders=1),
        listed=True,
    )
    settled = before.settled(NOW)
    assert settled.status.name == expected_status(status.name, counts, waiting)
    if settled.status is status:
        assert settled is before
    else:
        assert settled == attrs.evolve(before, status=settled.status, status_date=NOW)


@pytest.mark.parametrize(
    ("changes", "waits"),
    [
        ({}, False),
        ({"waiting_suborders": 1, "contents": Contents(internal_suborders=2)}, True),
        ({"counts": FileCounts(available=1), "contents": Contents(external_suborders=1)}, True),
        ({"counts": FileCounts(downloaded=3), "contents": Contents(external_suborders=1)}, False),
        (
            {
                "counts": FileCounts(available=3, pending=1),
                "contents": Contents(internal_suborders=1, external_suborders=1),
            },
            False,
        ),
    ],
)
def test_waiting_for_the_user(changes: dict[str, Any], waits: bool) -> None:
    """An order waits when a suborder does, or when all its files are external and some can be downloaded."""
    assert order(**changes).waiting_for_user is waits


def test_percent_of_an_order_without_files() -> None:
    """An order without files stays at 0, one with files shows the share of treated bytes."""
    assert order().percent == 0
    assert order(counts=FileCounts(available=1)).percent == 100
    assert order(counts=FileCounts(pending=1, available=1, bytes_known=4, bytes_pending=3)).percent == 25


def test_suborders_of_both_kinds() -> None:
    """The number of suborders includes the external ones."""
    assert order(contents=Contents(internal_suborders=5, external_suborders=1)).suborders == 6


def test_labels_have_at_most_50_characters() -> None:
    """50 characters are accepted, 51 refused with the code word that clients know (case 4)."""
    assert check_label("x" * 50) == "x" * 50
    label = "this-label-has-too-many-characters-if-we-append(51)"
    with pytest.raises(LabelTooLong) as caught:
        check_label(label)
    assert (caught.value.code, caught.value.length, caught.value.limit) == ("TOO_MANY_CHARACTERS_IN_LABEL", 51, 50)


@pytest.mark.parametrize(
    ("attempt", "label"),
    [
        (1, "Order of 2026/03/02 at 09:21:50"),
        (2, "Order of 2026/03/02 at 09:21:50 (2)"),
        (3, "Order of 2026/03/02 at 09:21:50 (3)"),
    ],
)
def test_generated_labels(attempt: int, label: str) -> None:
    """A generated label tells the second; further orders of that second are counted (W25)."""
    assert default_label(THEN, attempt) == label
    assert default_label(THEN) == "Order of 2026/03/02 at 09:21:50"
    assert re.match(r"Order of \d{4}/\d{2}/\d{2} at \d{2}:\d{2}:\d{2}", label)
    assert len(default_label(THEN, 10**6)) <= 50


# --- what users and time do to an order ------------------------------------------------------------------------------


DEEDS = {
    "PAUSE": (lambda order: order.paused(NOW), "PENDING RUNNING", "PAUSED"),
    "RESUME": (lambda order: order.resumed(NOW), "PAUSED", "RUNNING"),
    "DELETE": (
        lambda order: order.deleted(NOW),
        "PAUSED DONE DONE_WITH_WARNING FAILED EXPIRED ERROR",
        "DELETED",
    ),
    "EXPIRE": (
        lambda order: order.expired(NOW),
        "PENDING RUNNING PAUSED DONE DONE_WITH_WARNING ERROR",
        "EXPIRED",
    ),
    "RETRY": (lambda order: order.retried(NOW, NOW, 1, 1), "DONE_WITH_WARNING FAILED", "RUNNING"),
    "CANCEL_FAILED": (
        lambda order: order.not_cancelled("x" * 300, NOW),
        "PENDING RUNNING PAUSED DONE DONE_WITH_WARNING FAILED EXPIRED ERROR",
        "ERROR",
    ),
}


@pytest.mark.parametrize("status", OrderStatus)
@pytest.mark.parametrize("event", DEEDS)
def test_deeds(event: str, status: OrderStatus) -> None:
    """Each deed is possible in the statuses of page 20, 4.1 (and page 05 for ERROR), and dates the new one."""
    deed, possible, after = DEEDS[event]
    before = order(status=status)
    if status.name in possible.split():
        changed = deed(before)
        assert (changed.status.name, changed.status_date) == (after, NOW)
        assert (changed.counts, changed.version, changed.attempt) == (before.counts, before.version, before.attempt)
    else:
        with pytest.raises(IllegalTransition) as caught:
            deed(before)
        assert caught.value.code == ORDERS.codes.get(OrderEvent[event], f"ORDER_CANNOT_{event}")


def test_what_is_over_is_never_listed_again() -> None:
    """Whoever would list its files needs not begin: it was deleted, has expired or failed."""
    paused = order(status=OrderStatus.PAUSED)
    assert [each.listed for each in (paused.deleted(NOW), paused.expired(NOW), paused.failed("no", NOW))] == [True] * 3
    inner = attrs.evolve(paused, expires=NOW)
    assert [each.deleted(NOW).expires for each in (inner, attrs.evolve(inner, listed=True))] == [None, NOW]
    assert (paused.resumed(NOW).listed, paused.not_cancelled("no", NOW).listed) == (False, False)


def test_retrying_forgets_the_message() -> None:
    """What went wrong before is being mended; suborders are added to those that there are."""
    contents = Contents(tasks=(TASK,), internal_suborders=3, external_suborders=1, features=2)
    before = order(status=OrderStatus.FAILED, message="no", contents=contents, expires=THEN)
    retried = before.retried(NOW, EXPIRES, 2, 4)
    assert (retried.message, retried.expires) == (None, EXPIRES)
    assert retried.contents == attrs.evolve(contents, internal_suborders=5, external_suborders=5)
    assert retried.suborders == 10


def test_message_of_a_failed_cancellation_is_cut() -> None:
    """It can be stored, too (W2)."""
    assert order().not_cancelled("x" * 300, NOW).message == "x" * 255


@pytest.mark.parametrize("status", OrderStatus)
@pytest.mark.parametrize("available", [0, 1])
def test_orders_whose_time_is_over(status: OrderStatus, available: int) -> None:
    """PENDING, RUNNING, PAUSED and ERROR expire (W1, W13), DONE and DONE_WITH_WARNING while files are available."""
    always = status.name in ("PENDING", "RUNNING", "PAUSED", "ERROR")
    with_files = status.name in ("DONE", "DONE_WITH_WARNING") and available > 0
    before = order(status=status, counts=FileCounts(available=available), expires=THEN)
    assert before.is_over(NOW) is (always or with_files)
    assert not before.is_over(THEN)
    assert not attrs.evolve(before, expires=None).is_over(NOW)
    if before.is_over(NOW):
        assert not before.expired(NOW).is_over(NOW)


def test_expired_orders_have_nothing_left() -> None:
    """No file is available and nobody is waited for; percent and errors stay as they were (chapter 10)."""
    counts = FileCounts(pending=1, available=2, error=3, bytes_known=100, bytes_pending=10)
    running = order(status=OrderStatus.RUNNING, counts=counts, waiting_suborders=1, listed=True)
    expired = running.expired(NOW)
    assert (running.available, running.waiting_for_user) == (2, True)
    assert (expired.available, expired.waiting_for_user, expired.percent) == (0, False, 90)
    assert expired.counts.in_error == 3
    assert expired.settled(NOW) is expired


@pytest.mark.parametrize("status", ["PENDING", "RUNNING", "PAUSED"])
def test_orders_that_are_not_listed_do_not_end(status: str) -> None:
    """Without files yet no file is PENDING, which does not mean that all are treated."""
    before = order(status=OrderStatus[status])
    assert before.settled(NOW) is before


@pytest.mark.parametrize("status", ["RUNNING", "PAUSED"])
def test_listing_goes_on_beside_pause_and_resume(status: str) -> None:
    """An order paused meanwhile stays PAUSED when its files are listed, one that was resumed stays RUNNING."""
    contents = Contents(tasks=(TASK,), internal_suborders=1, features=1)
    completed = order(status=OrderStatus[status]).completed(contents, NOW, EXPIRES)
    assert (completed.status.name, completed.listed, completed.contents) == (status, True, contents)
