"""Download quotas as values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regards_order.domain.errors import InvalidInput, QuotaExceeded, RateExceeded
from regards_order.domain.product import DataType
from regards_order.domain.quota import UNLIMITED, Consumption, Quota, QuotaAccount, QuotaLease, QuotaLimits, counts


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


# --- accounts --------------------------------------------------------------------------------------------------------

JANE = "jane@obs.example"
TTL = 60


def account(max_quota: int, rate_limit: int, consumed: int, active: int) -> QuotaAccount:
    """Return an account as the table of numbers writes it; downloads are named by numbers and began at 0."""
    leases = {f"{number}": QuotaLease(TTL, 0) for number in range(active)}
    return QuotaAccount(QuotaLimits(max_quota, rate_limit), consumed, leases)


def state(account: QuotaAccount, now: float = 1) -> tuple[int, int, int, int]:
    """Return an account as the table of numbers writes it."""
    return account.limits.max_quota, account.limits.rate_limit, account.consumed, account.active(now)


def start(account: QuotaAccount, name: str = "new", now: float = 1) -> QuotaAccount:
    """Begin a download."""
    return account.start(JANE, name, now=now, ttl=TTL)


@pytest.mark.parametrize(
    ("before", "after"),
    [((10, 600, 0, 0), (10, 600, 1, 1)), ((5, 10000, 4, 0), (5, 10000, 5, 1))],
    ids=["N1", "N4"],
)
def test_granted(before: tuple[int, int, int, int], after: tuple[int, int, int, int]) -> None:
    """A download takes a unit and a place."""
    assert state(start(account(*before))) == after


@pytest.mark.parametrize(
    ("before", "error", "by"),
    [
        ((5, 10000, 5, 0), QuotaExceeded, 0),
        ((5, -1, 7, 0), QuotaExceeded, 2),
        ((0, -1, 0, 0), QuotaExceeded, 0),
        ((10, 0, 0, 0), RateExceeded, 0),
        ((-1, 2, 40, 2), RateExceeded, 0),
        ((3, 1, 3, 1), QuotaExceeded, 0),
    ],
    ids=["N5", "N6", "N7", "N8", "N9", "N11"],
)
def test_refused(before: tuple[int, int, int, int], error: type[QuotaExceeded | RateExceeded], by: int) -> None:
    """A refusal says by how much, what is used and needed; the quota comes before the rate."""
    with pytest.raises(error) as caught:
        start(account(*before))
    limit = before[0] if error is QuotaExceeded else before[1]
    assert (caught.value.email, caught.value.limit, caught.value.by) == (JANE, limit, by)
    assert (caught.value.used, caught.value.needed) == (limit + by, 1)


def test_when_a_place_may_come_back() -> None:
    """When whoever holds it dies now; nobody holds one of no places."""
    going_on = start(start(QuotaAccount(QuotaLimits(rate_limit=2)), "a", 0), "b", 20)
    with pytest.raises(RateExceeded) as caught:
        start(going_on, "c", 25)
    assert caught.value.retry_after == 35
    with pytest.raises(RateExceeded) as caught:
        start(account(-1, 0, 0, 0))
    assert caught.value.retry_after is None


def test_ends() -> None:
    """An end frees the place, once (N2, N3, N10)."""
    once = account(10, 600, 1, 1).end("0")
    assert state(once) == (10, 600, 1, 0)
    assert once.end("0") == once
    assert state(start(account(-1, 2, 40, 2).end("1"))) == (-1, 2, 41, 2)


def test_many_downloads_one_after_the_other() -> None:
    """All are granted, and all are counted (N12)."""
    many = QuotaAccount()
    for number in range(10_000):
        many = start(many, f"{number}").end(f"{number}")
    assert state(many) == (-1, -1, 10_000, 0)


def test_cancels() -> None:
    """A cancel gives back unit and place, once (N15, N16)."""
    once = account(10, 5, 4, 1).cancel("0", now=1)
    assert state(once) == (10, 5, 3, 0)
    assert once.cancel("0", now=1).end("0") == once
    assert state(account(10, 5, 4, 1).cancel("0", now=TTL), TTL) == (10, 5, 4, 0)


def test_a_lease_runs_out() -> None:
    """To the second; a renewal counts from when it is made (N17)."""
    running = account(10, 1, 4, 1)
    with pytest.raises(RateExceeded):
        start(running, now=TTL - 1)
    assert state(start(running, now=TTL), TTL) == (10, 1, 5, 1)
    renewed = running.renew("0", now=30, ttl=TTL)
    assert (renewed.active(89), renewed.active(90)) == (1, 0)
    assert running.renew("0", now=TTL, ttl=TTL) == running.renew("other", now=0, ttl=TTL) == running


def test_limits_that_change() -> None:
    """They hold for the next download (N18)."""
    changed = account(10, -1, 8, 0).limited(QuotaLimits(5, -1))
    with pytest.raises(QuotaExceeded, match=r"exceeded \(by 3\)"):
        start(changed)
    changed = start(changed.limited(QuotaLimits(9, -1)))
    with pytest.raises(QuotaExceeded, match=r"exceeded \(by 0\)"):
        start(changed, "another")
    assert state(changed) == (9, -1, 9, 1)


def test_resets() -> None:
    """What was granted before gives nothing back (N19)."""
    again = start(account(10, -1, 10, 2).reset())
    assert state(again) == (10, -1, 1, 3)
    assert state(again.cancel("0", now=1)) == (10, -1, 1, 2)


@pytest.mark.parametrize(
    ("limits", "consumed", "cost", "shortfall"),
    [
        ((20, 20), 15, 5, 0),
        ((20, 20), 15, 6, 1),
        ((20, 20), 15, 0, 0),
        ((20, 20), 25, 0, 0),
        ((20, 20), 25, 1, 1),
        ((-1, 0), 999, 1_000_000, 0),
    ],
)
def test_what_is_missing_for_an_order(limits: tuple[int, int], consumed: int, cost: int, shortfall: int) -> None:
    """Only the quota is looked at, not the rate (N20 to N22)."""
    assert Consumption(QuotaLimits(*limits), consumed, 0).shortfall(cost) == shortfall


@pytest.mark.parametrize("limits", [(-2, -1), (-1, -2), (2**63, -1)])
def test_limits_below_minus_one(limits: tuple[int, int]) -> None:
    """They are refused by name, and so is what no database can keep."""
    name = "maxQuota" if limits[0] != -1 else "rateLimit"
    with pytest.raises(InvalidInput, match=rf"\$\.{name}: "):
        QuotaLimits(*limits)


@pytest.mark.parametrize("data_type", DataType)
@pytest.mark.parametrize("reference", [False, True])
def test_what_counts(data_type: DataType, reference: bool) -> None:
    """Only RAWDATA that the data centre stores does (case 23), and no attachment of a dataset."""
    expected = data_type is DataType.RAWDATA and not reference
    assert counts(data_type.value, "file:///a", reference=reference) is expected
    assert not counts(data_type.value, "https://data.example/dam", reference=reference)


@given(
    limits=st.tuples(*[st.sampled_from((-1, 0, 1, 2, 5, 20, 2**31 - 1))] * 2),
    consumed=st.integers(0, 30),
    active=st.integers(0, 30),
)
def test_granted_exactly_when_both_limits_allow(limits: tuple[int, int], consumed: int, active: int) -> None:
    """And a refusal changes nothing (case 17, I2, I3, I4, I7, I8)."""
    before = account(*limits, consumed, active)
    try:
        after = start(before)
    except QuotaExceeded:
        assert -1 < limits[0] <= consumed
    except RateExceeded:
        assert -1 < limits[1] <= active
        assert limits[0] < 0 or consumed < limits[0]
    else:
        assert state(after) == (*limits, consumed + 1, active + 1)
        assert limits[0] < 0 or after.consumed <= limits[0]
        assert limits[1] < 0 or after.active(1) <= limits[1]
    assert state(before) == (*limits, consumed, active)
