"""What `Quotas` promises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Barrier, Thread

import pytest

from regards_order.domain.errors import QuotaExceeded, QuotaRefused, RateExceeded
from regards_order.domain.quota import Consumption, QuotaLimits
from regards_order.ports.quotas import Quotas

JANE, JOE = "jane@obs.example", "joe@obs.example"
_SECONDS = 60


def _some(max_quota: int = -1, rate_limit: int = -1) -> Callable[[], QuotaLimits]:
    return lambda: QuotaLimits(max_quota, rate_limit)


def _nobody() -> QuotaLimits:
    raise AssertionError("the limits of a user who was seen before are not asked for")


def values(quotas: Quotas, email: str = JANE) -> tuple[int, int, int, int] | None:
    """Return limits, consumed and active downloads of a user; None for one who was never seen."""
    known = quotas.consumption(email)
    return None if known is None else (known.limits.max_quota, known.limits.rate_limit, known.consumed, known.active)


def begin_at_once(quotas: Sequence[Quotas], starts: int, email: str = JANE) -> int:
    """Begin downloads, each in a thread of its own and through one of *quotas*, and return how many were granted."""
    barrier, granted, failures = Barrier(starts), list[str](), list[BaseException]()

    def begin(number: int) -> None:
        barrier.wait(_SECONDS)
        try:
            quotas[number % len(quotas)].start(email, f"download {number}", _some())
        except QuotaRefused:
            pass
        except BaseException as failure:
            failures.append(failure)
        else:
            granted.append(f"download {number}")

    threads = [Thread(target=begin, args=(number,)) for number in range(starts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_SECONDS)
    assert failures == []
    return len(granted)


class QuotasContract:
    """Prove a `Quotas`; override the fixtures `quotas`, `neighbour` and `later`."""

    @pytest.fixture
    def quotas(self) -> Quotas:
        """Return quotas without any user."""
        raise NotImplementedError("override the fixture `quotas`: it returns quotas without any user")

    @pytest.fixture
    def neighbour(self, quotas: Quotas) -> Quotas:
        """Return the quotas of another tenant."""
        raise NotImplementedError("override the fixture `neighbour`: the quotas of another tenant")

    @pytest.fixture
    def later(self, quotas: Quotas) -> Callable[[], object]:
        """Return what lets all leases run out."""
        raise NotImplementedError("override the fixture `later`: it lets all leases run out")

    def test_nobody_was_seen(self, quotas: Quotas) -> None:
        """Looking at somebody makes nobody known, and commands on downloads that there are not change nothing."""
        assert quotas.consumption(JANE) is None
        quotas.end(JANE, "a")
        quotas.cancel(JANE, "a")
        quotas.reset(JANE)
        assert quotas.consumption(JANE) is None

    def test_first_limits_stay(self, quotas: Quotas) -> None:
        """Whoever is seen keeps the limits of that moment, by a look or by a download; others get those of now."""
        assert quotas.see(JANE, _some(20, 20)) == Consumption(QuotaLimits(20, 20), 0, 0)
        assert quotas.see(JANE, _nobody) == Consumption(QuotaLimits(20, 20), 0, 0)
        quotas.start(JOE, "a", _some(50, 50))
        quotas.start(JOE, "b", _nobody)
        assert values(quotas, JOE) == (50, 50, 2, 2)

    def test_a_download_takes_a_unit_and_a_place(self, quotas: Quotas) -> None:
        """The place is free again at its end, the unit is gone; ending it twice is ending it once."""
        quotas.start(JANE, "a", _some(10, 600))
        assert values(quotas) == (10, 600, 1, 1)
        for _ in range(2):
            quotas.end(JANE, "a")
            assert values(quotas) == (10, 600, 1, 0)

    def test_a_download_that_goes_on_takes_nothing_more(self, quotas: Quotas) -> None:
        """A start that is repeated is granted, also at the limit; after its end the same id is a new download."""
        for _ in range(2):
            quotas.start(JANE, "a", _some(2, 1))
            assert values(quotas) == (2, 1, 1, 1)
        quotas.end(JANE, "a")
        quotas.start(JANE, "a", _nobody)
        assert values(quotas) == (2, 1, 2, 1)

    def test_a_cancelled_download_gives_back(self, quotas: Quotas) -> None:
        """Unit and place; a second cancel, or one after the end, gives nothing."""
        for name in ("a", "b"):
            quotas.start(JANE, name, _some(10, 5))
        for _ in range(2):
            quotas.cancel(JANE, "a")
            quotas.end(JANE, "a")
            assert values(quotas) == (10, 5, 1, 1)
        quotas.end(JANE, "b")
        quotas.cancel(JANE, "b")
        assert values(quotas) == (10, 5, 1, 0)

    def test_a_download_of_several_files(self, quotas: Quotas) -> None:
        """It takes as many units more as are left, whatever the rate, and gives back what it did not use."""
        quotas.start(JANE, "a", _some(10, 1))
        assert (quotas.more(JANE, "a", 3), quotas.more(JANE, "a", 50), quotas.more(JANE, "a", 1)) == (3, 6, 0)
        assert values(quotas) == (10, 1, 10, 1)
        quotas.cancel(JANE, "a", 4)
        assert values(quotas) == (10, 1, 6, 0)
        assert (quotas.more(JANE, "a", 1), quotas.more(JOE, "a", 1)) == (0, 0)
        quotas.set_limits(JANE, QuotaLimits())
        quotas.start(JANE, "b", _nobody)
        assert quotas.more(JANE, "b", 1000) == 1000
        quotas.set_limits(JANE, QuotaLimits(5, -1))
        assert quotas.more(JANE, "b", 1) == 0
        assert values(quotas) == (5, -1, 1007, 1)

    def test_more_units_of_what_is_over(self, quotas: Quotas, later: Callable[[], object]) -> None:
        """A download that nobody renewed takes no more; one that began before a reset gives nothing back."""
        quotas.start(JANE, "a", _some(10, -1))
        later()
        assert quotas.more(JANE, "a", 1) == 0
        quotas.start(JANE, "b", _nobody)
        quotas.reset(JANE)
        assert quotas.more(JANE, "b", 3) == 3
        quotas.cancel(JANE, "b", 3)
        assert values(quotas) == (10, -1, 3, 0)

    def test_the_quota_comes_before_the_rate(self, quotas: Quotas) -> None:
        """A refusal names what was reached, and takes nothing."""
        quotas.start(JANE, "a", _some(1, 1))
        with pytest.raises(QuotaExceeded) as quota:
            quotas.start(JANE, "b", _nobody)
        assert (quota.value.email, quota.value.limit, quota.value.used, quota.value.by) == (JANE, 1, 1, 0)
        quotas.set_limits(JANE, QuotaLimits(9, 1))
        with pytest.raises(RateExceeded) as rate:
            quotas.start(JANE, "b", _nobody)
        assert (rate.value.email, rate.value.limit, rate.value.used, rate.value.by) == (JANE, 1, 1, 0)
        assert rate.value.retry_after is not None
        assert 0 < rate.value.retry_after <= _SECONDS
        assert values(quotas) == (9, 1, 1, 1)

    @pytest.mark.parametrize(("limits", "error"), [((0, -1), QuotaExceeded), ((10, 0), RateExceeded)])
    def test_a_limit_of_nothing(self, quotas: Quotas, limits: tuple[int, int], error: type[QuotaRefused]) -> None:
        """0 grants nothing, not even to whoever is new; who is refused is known."""
        with pytest.raises(error):
            quotas.start(JANE, "a", _some(*limits))
        assert values(quotas) == (*limits, 0, 0)

    def test_limits_hold_for_the_next_download(self, quotas: Quotas) -> None:
        """They change neither count nor downloads; lowered below what is used they refuse, raised they grant again."""
        for number in range(3):
            quotas.start(JANE, f"{number}", _some())
        quotas.set_limits(JANE, QuotaLimits(1, -1))
        with pytest.raises(QuotaExceeded, match=r"exceeded \(by 2\)"):
            quotas.start(JANE, "next", _nobody)
        quotas.set_limits(JANE, QuotaLimits(4, 2))
        with pytest.raises(RateExceeded, match=r"exceeded \(by 1\)"):
            quotas.start(JANE, "next", _nobody)
        quotas.set_limits(JANE, QuotaLimits(4, -1))
        quotas.start(JANE, "next", _nobody)
        assert values(quotas) == (4, -1, 4, 4)

    def test_limits_may_be_set_for_anybody(self, quotas: Quotas) -> None:
        """The last ones hold, also of somebody who was never seen; nothing was downloaded."""
        for limits in ((300, 7), (150, 3), (2**63 - 1, -1)):
            quotas.set_limits(JANE, QuotaLimits(*limits))
            assert values(quotas) == (*limits, 0, 0)
        quotas.start(JANE, "a", _nobody)

    def test_a_reset_begins_again(self, quotas: Quotas) -> None:
        """Downloads that go on stay, and give nothing back any more; those begun afterwards do."""
        for name in ("a", "b"):
            quotas.start(JANE, name, _some(2, -1))
        quotas.reset(JANE)
        assert values(quotas) == (2, -1, 0, 2)
        quotas.start(JANE, "c", _nobody)
        quotas.cancel(JANE, "a")
        assert values(quotas) == (2, -1, 1, 2)
        quotas.cancel(JANE, "c")
        assert values(quotas) == (2, -1, 0, 1)

    def test_what_nobody_renews_is_over(self, quotas: Quotas, later: Callable[[], object]) -> None:
        """Its place is free, its unit stays taken, and cancelling it gives nothing back."""
        quotas.start(JANE, "a", _some(10, 1))
        later()
        assert values(quotas) == (10, 1, 1, 0)
        quotas.cancel(JANE, "a")
        assert values(quotas) == (10, 1, 1, 0)
        quotas.start(JANE, "b", _nobody)
        later()
        quotas.start(JANE, "b", _nobody)
        assert values(quotas) == (10, 1, 3, 1)
        with pytest.raises(RateExceeded):
            quotas.start(JANE, "c", _nobody)
        later()
        quotas.start(JANE, "c", _nobody)
        quotas.end(JANE, "b")
        assert values(quotas) == (10, 1, 4, 1)

    def test_whoever_is_forgotten_begins_anew(self, quotas: Quotas) -> None:
        """Limits, count and downloads are gone; a download that went on changes nothing any more."""
        quotas.start(JANE, "a", _some(5, 5))
        quotas.forget(JANE)
        quotas.forget(JOE)
        assert quotas.consumption(JANE) is None
        quotas.end(JANE, "a")
        quotas.start(JANE, "b", _some(7, 7))
        quotas.end(JANE, "a")
        assert values(quotas) == (7, 7, 1, 1)

    def test_users_and_tenants_know_nothing_of_each_other(self, quotas: Quotas, neighbour: Quotas) -> None:
        """The same download id means another download; e-mails are compared exactly."""
        for each, email in ((quotas, JANE), (quotas, JOE), (neighbour, JANE), (quotas, JANE.upper())):
            each.start(email, "a", _some(1, 1))
        quotas.cancel(JANE, "a")
        neighbour.set_limits(JANE, QuotaLimits(9, 9))
        neighbour.reset(JANE)
        assert [values(quotas), values(quotas, JOE), values(quotas, JANE.upper())] == [
            (1, 1, 0, 0),
            (1, 1, 1, 1),
            (1, 1, 1, 1),
        ]
        assert values(neighbour) == (9, 9, 0, 1)

    @pytest.mark.parametrize(
        ("limits", "consumed", "starts", "granted"),
        [((20, -1), 12, 30, 8), ((-1, 2), 0, 12, 2), ((9, 5), 3, 12, 5), ((-1, -1), 1, 12, 12)],
    )
    def test_exactly_what_is_left_is_granted(
        self, quotas: Quotas, limits: tuple[int, int], consumed: int, starts: int, granted: int
    ) -> None:
        """Of many downloads that begin at once as many are granted as both limits leave."""
        for number in range(consumed):
            quotas.start(JANE, f"{number}", _some())
            quotas.end(JANE, f"{number}")
        quotas.set_limits(JANE, QuotaLimits(*limits))
        assert begin_at_once([quotas], starts) == granted
        assert values(quotas) == (*limits, consumed + granted, granted)

    def test_somebody_new_begins_many_at_once(self, quotas: Quotas) -> None:
        """One record is made, and nothing is counted twice."""
        assert begin_at_once([quotas], 12) == 12
        assert values(quotas) == (-1, -1, 12, 12)
