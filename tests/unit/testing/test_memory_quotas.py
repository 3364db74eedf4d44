"""Quotas in memory."""

from __future__ import annotations

import pytest

from regards_order import Consumption, QuotaExceeded, QuotaLimits
from regards_order.testing import MemoryQuotas

LISE, MAX = "lise@obs.example", "max@obs.example"


def test_nobody_comes_to_be_by_what_ends() -> None:
    """Commands about somebody unknown, or about unknown downloads, change nothing."""
    quotas = MemoryQuotas()
    quotas.start(MAX, "a", QuotaLimits)
    before = dict(quotas.accounts)
    for command in (quotas.end, quotas.cancel):
        command(LISE, "a")
        command(MAX, "b")
    quotas.reset(LISE)
    quotas.forget(LISE)
    assert (quotas.accounts, quotas.consumption(LISE)) == (before, None)


def test_reset_and_forget() -> None:
    """A reset leaves limits and downloads that go on, after which nothing is given back; forgetting leaves nothing."""
    quotas = MemoryQuotas(lambda: 0)
    quotas.start(LISE, "a", lambda: QuotaLimits(1, 1))
    quotas.reset(LISE)
    assert quotas.consumption(LISE) == Consumption(QuotaLimits(1, 1), 0, 1)
    quotas.cancel(LISE, "a")
    assert quotas.consumption(LISE) == Consumption(QuotaLimits(1, 1), 0, 0)
    quotas.forget(LISE)
    assert quotas.see(LISE, QuotaLimits) == Consumption()


def test_first_limits_are_asked_for_once() -> None:
    """Whoever is known is not asked for again, also when the first download was refused."""
    quotas, asked = MemoryQuotas(), []

    def first() -> QuotaLimits:
        asked.append(1)
        return QuotaLimits(0)

    for number in range(2):
        with pytest.raises(QuotaExceeded):
            quotas.start(LISE, str(number), first)
    assert quotas.see(LISE, first) == Consumption(QuotaLimits(0))
    assert asked == [1]


def test_a_place_comes_back_after_a_minute() -> None:
    """A download that nobody ends counts for 60 seconds, and a started one that is started again takes nothing more."""
    seconds = [0.0]
    quotas = MemoryQuotas(lambda: seconds[0])
    for _ in range(2):
        quotas.start(LISE, "a", QuotaLimits)
    for seconds[0], active in ((59.9, 1), (60.0, 0)):
        assert quotas.consumption(LISE) == Consumption(QuotaLimits(), 1, active)
