"""Quotas in memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

import attrs

from regards_order.domain.quota import Consumption, QuotaAccount, QuotaLimits

_TTL = 60.0


@attrs.define
class MemoryQuotas:
    """Keep quotas in memory: `Quotas` for tests and for trying things out.

    Attributes:
        seconds: the clock of the leases.
        accounts: what is kept, by e-mail.
    """

    seconds: Callable[[], float] = time.monotonic
    accounts: dict[str, QuotaAccount] = attrs.field(factory=dict, init=False)
    _lock: Lock = attrs.field(factory=Lock, init=False)

    def start(self, email: str, lease_id: str, first: Callable[[], QuotaLimits]) -> None:
        """Take one unit."""
        with self._lock:
            account = self._seen(email, first)
            self.accounts[email] = account.start(email, lease_id, now=self.seconds(), ttl=_TTL)

    def end(self, email: str, lease_id: str) -> None:
        """Note that a download has ended."""
        self._change(email, lambda account: account.end(lease_id))

    def more(self, email: str, lease_id: str, units: int) -> int:
        """Take more units."""
        with self._lock:
            account = self.accounts.get(email, QuotaAccount())
            after = account.more(lease_id, units, now=self.seconds())
            if after is not account:
                self.accounts[email] = after
            return after.consumed - account.consumed

    def cancel(self, email: str, lease_id: str, units: int = 1) -> None:
        """Give back what a download took."""
        self._change(email, lambda account: account.cancel(lease_id, now=self.seconds(), units=units))

    def consumption(self, email: str) -> Consumption | None:
        """Return what a user has downloaded."""
        account = self.accounts.get(email)
        return None if account is None else account.consumption(self.seconds())

    def see(self, email: str, first: Callable[[], QuotaLimits]) -> Consumption:
        """Return what a user has downloaded, who is known from now on."""
        with self._lock:
            return self._seen(email, first).consumption(self.seconds())

    def set_limits(self, email: str, limits: QuotaLimits) -> None:
        """Set what a user may."""
        with self._lock:
            self.accounts[email] = self.accounts.get(email, QuotaAccount()).limited(limits)

    def reset(self, email: str) -> None:
        """Let the quota begin again."""
        self._change(email, QuotaAccount.reset)

    def forget(self, email: str) -> None:
        """Erase all of a user."""
        self.accounts.pop(email, None)

    def _seen(self, email: str, first: Callable[[], QuotaLimits]) -> QuotaAccount:
        if email not in self.accounts:
            self.accounts[email] = QuotaAccount(first())
        return self.accounts[email]

    def _change(self, email: str, change: Callable[[QuotaAccount], QuotaAccount]) -> None:
        with self._lock:
            if email in self.accounts:
                self.accounts[email] = change(self.accounts[email])
