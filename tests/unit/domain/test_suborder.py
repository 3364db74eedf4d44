"""Suborders and their priority."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from regards_order.domain.errors import IllegalTransition
from regards_order.domain.files import FileCounts
from regards_order.domain.principal import Role
from regards_order.domain.suborder import Suborder, SuborderState, priority

NOW = dt.datetime(2026, 3, 2, 9, 21, 50, tzinfo=dt.timezone.utc)


def suborder(**changes: Any) -> Suborder:
    """Return a suborder."""
    values = {
        "id": 3,
        "order_id": 7,
        "owner": "lise@obs.example",
        "dataset_urn": "URN",
        "external": False,
        "state": SuborderState.PENDING,
        "priority": 80,
        "hours": 240,
        "first_file": 1,
        "last_file": 2,
        "counts": FileCounts(pending=2),
    }
    return Suborder(**{**values, **changes})


@pytest.mark.parametrize("state", SuborderState)
def test_only_pending_ones_get_a_slot(state: SuborderState) -> None:
    """A slot goes to a PENDING suborder only."""
    if state is SuborderState.PENDING:
        assert suborder(state=state).queued() == suborder(state=SuborderState.QUEUED)
    else:
        with pytest.raises(IllegalTransition, match=f"Suborder 3 is {state.name}"):
            suborder(state=state).queued()


@pytest.mark.parametrize("state", SuborderState)
def test_only_queued_ones_are_asked(state: SuborderState) -> None:
    """Asking starts polling at once and sets the deadline for silence."""
    silence = dt.timedelta(hours=2)
    if state is SuborderState.QUEUED:
        assert suborder(state=state).asked(NOW, silence) == suborder(
            state=SuborderState.ASKED, next_poll=NOW, deadline=NOW + silence
        )
    else:
        with pytest.raises(IllegalTransition, match=f"Suborder 3 is {state.name}"):
            suborder(state=state).asked(NOW, silence)


def test_postponing_keeps_the_deadline() -> None:
    """The next look for answers moves, the deadline does not."""
    asked = suborder(state=SuborderState.QUEUED).asked(NOW, dt.timedelta(hours=2))
    later = NOW + dt.timedelta(seconds=1)
    assert (asked.postponed(later).next_poll, asked.postponed(later).deadline) == (later, asked.deadline)


@pytest.mark.parametrize("state", SuborderState)
@pytest.mark.parametrize(
    ("counts", "moves"),
    [
        (FileCounts(pending=1, available=1), {}),
        (FileCounts(available=1, error=1), {"ASKED": "WAITING"}),
        (FileCounts(error=2), {"ASKED": "ENDED", "WAITING": "ENDED"}),
        (FileCounts(downloaded=2), {"ASKED": "ENDED", "WAITING": "ENDED"}),
        (FileCounts(download_error=1, downloaded=1), {"ASKED": "ENDED", "WAITING": "ENDED"}),
        (FileCounts(pending=1, downloaded=1), {"WAITING": "ENDED"}),
    ],
)
def test_settling(state: SuborderState, counts: FileCounts, moves: dict[str, str]) -> None:
    """All files answered: it waits while one is AVAILABLE, and ends with the last of them (page 20, 2.3)."""
    before = suborder(state=state, counts=counts)
    settled = before.settled()
    assert settled.state.name == moves.get(state.name, state.name)
    assert (settled is before) is (state.name not in moves)
    assert settled.waiting is (settled.state is SuborderState.WAITING)


@pytest.mark.parametrize(
    ("counts", "delivered"),
    [
        (FileCounts(pending=2), False),
        (FileCounts(error=1, processing_error=1, pending=1), False),
        (FileCounts(), False),
        (FileCounts(available=1, error=9), True),
        (FileCounts(downloaded=1), True),
        (FileCounts(download_error=1), True),
    ],
)
def test_delivering_something(counts: FileCounts, delivered: bool) -> None:
    """A suborder has something to tell when a file is or was available."""
    assert suborder(counts=counts).delivered_something is delivered


@pytest.mark.parametrize(
    ("total", "mine", "registered", "other"),
    [(0, 0, 0, 100), (6, 0, 80, 80), (12, 3, 60, 85), (3, 1, 53, 86), (3, 2, 26, 93), (10, 10, 0, 100)],
)
def test_priority(total: int, mine: int, registered: int, other: int) -> None:
    """The table of chapter 7.3: REGISTERED_USER from 0 to 80, every other role from 80 to 100."""
    for role in Role:
        expected = registered if role is Role.REGISTERED_USER else other
        assert priority(total, mine, role) == expected
