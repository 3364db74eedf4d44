"""How many files a user may download, in all and at once (docs/quota.md): values without any machine."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from regards_order.domain.errors import Fault, InvalidInput, QuotaExceeded, QuotaRefused, RateExceeded
from regards_order.domain.product import DataType

UNLIMITED = -1


def check_limit(name: str, value: int) -> None:
    """Refuse a limit below -1, or one that does not fit in 64 bits.

    Raises:
        InvalidInput: naming the limit.
    """
    if not UNLIMITED <= value < 2**63:
        word = "below -1" if value < UNLIMITED else "too large"
        detail = f"{value} is {word}; expected -1 (unlimited), 0 or a positive number"
        raise InvalidInput((Fault(f"$.{name}", detail),))


@attrs.frozen
class Quota:
    """Hold a limit of downloads and how much of it is used.

    Attributes:
        limit: files in all; -1 = unlimited.
        used: files downloaded or being downloaded.

    >>> Quota(limit=3, used=2).remaining
    1
    """

    limit: int = UNLIMITED
    used: int = 0

    def __attrs_post_init__(self) -> None:
        check_limit("limit", self.limit)

    @property
    def unlimited(self) -> bool:
        """Return whether there is no limit."""
        return self.limit == UNLIMITED

    @property
    def remaining(self) -> int:
        """Return how many files are left, -1 for any number; a limit lowered below what is used leaves 0."""
        return UNLIMITED if self.unlimited else max(0, self.limit - self.used)

    def allows(self, files: int) -> bool:
        """Return whether *files* more may be downloaded."""
        return self.unlimited or self.used + files <= self.limit

    def take(self, files: int) -> Quota:
        """Return the quota after *files* more downloads; whoever takes asks `allows` first."""
        return attrs.evolve(self, used=self.used + files)


@attrs.frozen
class QuotaLimits:
    """Hold what a user may download.

    Attributes:
        max_quota: files in all; -1 = unlimited.
        rate_limit: files at the same moment; -1 = unlimited.
    """

    max_quota: int = UNLIMITED
    rate_limit: int = UNLIMITED

    def __attrs_post_init__(self) -> None:
        check_limit("maxQuota", self.max_quota)
        check_limit("rateLimit", self.rate_limit)


@attrs.frozen
class Consumption:
    """Say what a user may download and what was downloaded.

    Attributes:
        limits: what the user may.
        consumed: downloads that were begun since the last reset.
        active: downloads that go on.
    """

    limits: QuotaLimits = QuotaLimits()
    consumed: int = 0
    active: int = 0

    @property
    def quota(self) -> Quota:
        """Return the limit of all downloads and how much of it is used."""
        return Quota(self.limits.max_quota, self.consumed)

    def refusal(self, email: str, next_end: float | None) -> QuotaRefused | None:
        """Return why one more download may not begin, or None; the quota is looked at before the rate.

        Args:
            email: of the user.
            next_end: seconds until the first of the active downloads counts as over unless it is renewed.
        """
        limits = self.limits
        if not self.quota.allows(1):
            return QuotaExceeded(email, limits.max_quota, self.consumed)
        if limits.rate_limit != UNLIMITED and self.active >= limits.rate_limit:
            return RateExceeded(email, limits.rate_limit, self.active, next_end)
        return None

    def part(self, units: int) -> int:
        """Return how many of *units* are left."""
        remaining = self.quota.remaining
        return units if remaining == UNLIMITED else min(units, remaining)

    def shortfall(self, cost: int) -> int:
        """Return how many files are missing to download *cost* more; 0 when there are enough."""
        remaining = self.quota.remaining
        return 0 if remaining == UNLIMITED else max(0, cost - remaining)


@attrs.frozen
class QuotaLease:
    """Hold one download that goes on.

    Attributes:
        expires: when it counts as over unless it is renewed: seconds on the clock of whoever keeps it.
        resets: how often the quota had been reset when it was granted.
    """

    expires: float
    resets: int


@attrs.frozen
class QuotaAccount:
    """Hold the downloads of one user of one tenant; every command returns the account as it then is.

    Attributes:
        limits: what the user may.
        consumed: units taken since the last reset.
        leases: downloads that go on, by their ids.
        resets: number of resets so far.

    >>> account = QuotaAccount(QuotaLimits(max_quota=1)).start("lise@obs.example", "a", now=0, ttl=60)
    >>> account.consumed, account.active(now=59), account.active(now=60)
    (1, 1, 0)
    """

    limits: QuotaLimits = QuotaLimits()
    consumed: int = 0
    leases: Mapping[str, QuotaLease] = attrs.field(factory=dict)
    resets: int = 0

    def active(self, now: float) -> int:
        """Return the number of downloads that go on."""
        return sum(lease.expires > now for lease in self.leases.values())

    def consumption(self, now: float) -> Consumption:
        """Return what was downloaded so far."""
        return Consumption(self.limits, self.consumed, self.active(now))

    def start(self, email: str, lease_id: str, *, now: float, ttl: float) -> QuotaAccount:
        """Take one unit for a download that begins; one that has begun already takes nothing more.

        Args:
            email: of the user, for the refusal.
            lease_id: names the download.
            now: seconds.
            ttl: seconds for which the download counts as going on unless it is renewed.

        Raises:
            QuotaExceeded, RateExceeded: it may not begin.
        """
        account = self.expire(now)
        if lease_id in account.leases:
            return account
        ends = [lease.expires - now for lease in account.leases.values()]
        if (refusal := account.consumption(now).refusal(email, min(ends, default=None))) is not None:
            raise refusal
        leases = {**account.leases, lease_id: QuotaLease(now + ttl, self.resets)}
        return attrs.evolve(account, consumed=self.consumed + 1, leases=leases)

    def end(self, lease_id: str) -> QuotaAccount:
        """Note that a download has ended; what it took stays taken."""
        return attrs.evolve(self, leases={id: lease for id, lease in self.leases.items() if id != lease_id})

    def more(self, lease_id: str, units: int, *, now: float) -> QuotaAccount:
        """Take up to *units* more for a download of several files that goes on, as many as are left."""
        lease = self.leases.get(lease_id)
        if lease is None or lease.expires <= now:
            return self
        return attrs.evolve(self, consumed=self.consumed + self.consumption(now).part(units))

    def cancel(self, lease_id: str, *, now: float, units: int = 1) -> QuotaAccount:
        """End a download that goes on and give back what it did not use, unless the quota was reset since it began."""
        lease = self.leases.get(lease_id)
        back = units if lease is not None and lease.expires > now and lease.resets == self.resets else 0
        return attrs.evolve(self.end(lease_id), consumed=self.consumed - back)

    def renew(self, lease_id: str, *, now: float, ttl: float) -> QuotaAccount:
        """Let a download that goes on count as such for *ttl* seconds from *now*."""
        lease = self.leases.get(lease_id)
        if lease is None or lease.expires <= now:
            return self
        return attrs.evolve(self, leases={**self.leases, lease_id: attrs.evolve(lease, expires=now + ttl)})

    def expire(self, now: float) -> QuotaAccount:
        """Forget downloads that nobody renewed."""
        return attrs.evolve(self, leases={id: lease for id, lease in self.leases.items() if lease.expires > now})

    def limited(self, limits: QuotaLimits) -> QuotaAccount:
        """Set what the user may; what was taken stays."""
        return attrs.evolve(self, limits=limits)

    def reset(self) -> QuotaAccount:
        """Let the quota begin again; downloads that go on stay, and cost nothing any more."""
        return attrs.evolve(self, consumed=0, resets=self.resets + 1)


def counts(data_type: str, uri: str, *, reference: bool) -> bool:
    """Return whether downloading a file takes from the quota: RAWDATA that the data centre stores does."""
    return data_type == DataType.RAWDATA.value and not reference and not uri.endswith("/dam")
