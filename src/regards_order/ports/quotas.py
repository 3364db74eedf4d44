"""Who may download how much."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from regards_order.domain.quota import Consumption, QuotaLimits


class Quotas(Protocol):
    """Keep what each user of the tenant may download and has downloaded (docs/quota.md).

    Whatever the number of processes, of many downloads that begin at once exactly as many are granted as are left.
    A download that goes on is kept alive by whoever granted it; when that process dies it counts as over after
    a minute.  Every method may raise `StoreUnavailable`.
    """

    def start(self, email: str, lease_id: str, first: Callable[[], QuotaLimits]) -> None:
        """Take one unit for a download that begins.

        Args:
            email: who downloads.
            lease_id: names the download; one that goes on takes nothing more.
            first: returns the limits of a user who is seen for the first time, and is asked only then.

        Raises:
            QuotaExceeded, RateExceeded: it may not begin; nothing was taken.
        """
        ...

    def more(self, email: str, lease_id: str, units: int) -> int:
        """Take up to *units* more for a download of several files that goes on.

        Returns:
            how many were taken: as many as are left, none for a download that is unknown or over.
        """
        ...

    def end(self, email: str, lease_id: str) -> None:
        """Note that a download has ended; one that is unknown is left alone."""
        ...

    def cancel(self, email: str, lease_id: str, units: int = 1) -> None:
        """End a download and give back *units* that it did not use; one that is unknown, or over, is left alone."""
        ...

    def consumption(self, email: str) -> Consumption | None:
        """Return what a user has downloaded; None for one who was never seen."""
        ...

    def see(self, email: str, first: Callable[[], QuotaLimits]) -> Consumption:
        """Return what a user has downloaded; one who is seen for the first time gets the limits of *first*."""
        ...

    def set_limits(self, email: str, limits: QuotaLimits) -> None:
        """Set what a user may download; it holds for the next download."""
        ...

    def reset(self, email: str) -> None:
        """Let the quota of a user begin again; downloads that go on stay."""
        ...

    def forget(self, email: str) -> None:
        """Erase limits, consumption and downloads of a user."""
        ...


class Uncounted:
    """Count nothing: `Quotas` for a storage that counts itself."""

    def start(self, email: str, lease_id: str, first: Callable[[], QuotaLimits]) -> None:
        """Grant the download."""

    def more(self, email: str, lease_id: str, units: int) -> int:
        """Grant them all."""
        return units

    def end(self, email: str, lease_id: str) -> None:
        """Do nothing."""

    def cancel(self, email: str, lease_id: str, units: int = 1) -> None:
        """Do nothing."""

    def consumption(self, email: str) -> Consumption | None:
        """Know nobody."""
        return None

    def see(self, email: str, first: Callable[[], QuotaLimits]) -> Consumption:
        """Return that nothing was downloaded."""
        return Consumption(first())

    def set_limits(self, email: str, limits: QuotaLimits) -> None:
        """Do nothing."""

    def reset(self, email: str) -> None:
        """Do nothing."""

    def forget(self, email: str) -> None:
        """Do nothing."""
