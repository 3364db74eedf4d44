"""Download quotas as values."""

from __future__ import annotations

import pytest

from regards_order.domain.errors import InvalidInput
from regards_order.domain.quota import UNLIMITED, Quota


@pytest.mark.parametrize(
    ("limit", "used", "remaining", "allowed"),
    [(10, 3, 7, 7), (10, 10, 0, 0), (10, 12, 0, -2), (0, 0, 0, 0)],
)
def test_limited_quota(limit: int, used: int, remaining: int, allowed: int) -> None:
    """What is left is the limit less what is used, never below 0; exactly that many more are allowed."""
    quota = Quota(limit, used)
    assert (quota.remaining, quota.unlimited) == (remaining, False)
    assert quota.allows(allowed)
    assert not quota.allows(allowed + 1)


def test_unlimited_quota() -> None:
    """Without a limit any number of files is allowed, and -1 is shown as what is left."""
    quota = Quota(used=10**12)
    assert (quota.remaining, quota.unlimited, quota.allows(10**12)) == (UNLIMITED, True, True)


def test_taking_adds_to_what_is_used() -> None:
    """A taken quota is a new value."""
    quota = Quota(5, 1)
    assert (quota.take(2), quota) == (Quota(5, 3), Quota(5, 1))


def test_limit_below_minus_one() -> None:
    """-2 is no limit."""
    with pytest.raises(InvalidInput, match=r"\$\.limit: -2 is below -1"):
        Quota(-2)
